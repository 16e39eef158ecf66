"""The commands of `retorno`.

A command is one function under `@command(name, summary, argument(...), ...)`; it takes the parsed arguments and
returns the exit status: 0 done, 1 a plan or data that are not valid, 2 input that cannot be used.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from sqlalchemy.engine import make_url

from retorno import BEGUN_AT, clock, keyring, manifest, serving, worker
from retorno.database import Database
from retorno.demo import opening
from retorno.downloads import reports
from retorno.errors import Fault, InputError, RetornoError
from retorno.office import accounts, audit
from retorno.optimizer.check import COST_PARTS, SUMMANDS, Code, Verdict, judge_json
from retorno.optimizer.problem import Plan, read_document, read_problem, write_plan
from retorno.optimizer.solve import Progress, Settings, gap_of, solve
from retorno.papers.offline import offline_page
from retorno.papers.seal import Seal, public_keys_from, verify_file, verify_seal
from retorno.papers.seal import Verdict as SealVerdict
from retorno.routes.cells import ground_folder
from retorno.routes.check_data import check_data
from retorno.settings import load_settings
from retorno.situation import ground

OK: Final = 0
INVALID: Final = 1
WRONG_INPUT: Final = 2
# A program that a signal ended has this much more than the signal's number; 130 after Ctrl-C.
SIGNALLED: Final = 128
LEAVING_SHARE: Final = 0.2
"""Ending the program takes about this share of the time that loading it took, on a busy machine too (measured)."""
INTERRUPTED: Final = SIGNALLED + signal.SIGINT

MOST_FAULTS_SHOWN: Final = 50

Run = Callable[[argparse.Namespace], int]


@dataclass(frozen=True, kw_only=True)
class Command:
    """One command line: its name, what it does in a few words, its arguments, the function that runs it."""

    name: str
    summary: str
    arguments: tuple[tuple[tuple[str, ...], dict[str, Any]], ...]
    run: Run


COMMANDS: dict[str, Command] = {}


def argument(*names: str, **settings: Any) -> tuple[tuple[str, ...], dict[str, Any]]:
    """One argument, as `argparse` takes it."""
    return names, settings


def command(name: str, summary: str, *arguments: tuple[tuple[str, ...], dict[str, Any]]) -> Callable[[Run], Run]:
    """Register the function below as the command of this name."""

    def register(run: Run) -> Run:
        COMMANDS[name] = Command(name=name, summary=summary, arguments=arguments, run=run)
        return run

    return register


@command(
    "check",
    "judge a plan: every violation, then its value; status 0 only if it is valid",
    argument("problem", metavar="PROBLEM", help="problem file, .json or .json.gz"),
    argument("plan", metavar="PLAN", help="plan file, .json or .json.gz"),
)
def check(arguments: argparse.Namespace) -> int:
    problem = read_problem(arguments.problem)
    verdict = judge_json(problem, read_document(arguments.plan))
    for violation in verdict.violations:
        print(printable(f"VIOLATION {violation}"))
    if Code.MALFORMED not in verdict.codes:
        print_figures(verdict)
    print("VALID" if verdict.is_valid else f"INVALID ({len(verdict.violations)} violations)")
    return OK if verdict.is_valid else INVALID


def positive_number(text: str) -> float:
    """A finite number above 0, for `argparse`."""
    try:
        number = float(text)
    except ValueError:
        number = 0.0
    if not 0 < number < float("inf"):
        raise argparse.ArgumentTypeError(f"is {text}, expected a number above 0")
    return number


def positive_count(text: str) -> int:
    """A whole number from 1, for `argparse`."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"is {text}, expected a whole number from 1")
    return int(text)


@command(
    "solve",
    "plan a problem and write the best plan found; Ctrl-C stops early and keeps it",
    argument("problem", metavar="PROBLEM", help="problem file, .json or .json.gz"),
    argument("--out", metavar="PLAN", type=Path, required=True, help="plan file to write, .json or .json.gz"),
    argument("--seconds", type=positive_number, default=60.0, help="time limit (default 60)"),
    argument("--seed", type=int, default=1, help="of the random choices (default 1)"),
    argument("--rounds", type=positive_count, help="rounds of search at most, for a run that can be repeated exactly"),
    argument("--threads", type=positive_count, default=1, help="threads at most (default 1)"),
    argument("--progress", action="store_true", help="print how value and bound come on"),
)
def solve_problem(arguments: argparse.Namespace) -> int:
    begun = time.monotonic()
    problem = read_problem(arguments.problem)
    expect_writable(arguments.out)
    settings = Settings(
        seconds=arguments.seconds,
        seed=arguments.seed,
        threads=arguments.threads,
        max_rounds=arguments.rounds,
        spent_seconds=(1 + LEAVING_SHARE) * arguments.loading_seconds + time.monotonic() - begun,
    )
    kept: list[Plan] = []
    interrupts: list[int] = []

    def interrupt(number: int, _: object) -> None:
        # The first signal asks for the best plan so far; a second one no longer waits for the search to notice.
        interrupts.append(number)
        if len(interrupts) > 1:
            raise KeyboardInterrupt

    before = {number: signal.signal(number, interrupt) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        result = solve(
            problem,
            settings,
            on_progress=print_progress if arguments.progress else None,
            should_stop=lambda: bool(interrupts),
            on_plan=lambda plan, _: kept.__setitem__(slice(None), [plan]),
        )
    except KeyboardInterrupt:
        for plan in kept:
            write_plan(arguments.out, plan)
        return SIGNALLED + interrupts[0]
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    write_plan(arguments.out, result.plan)
    print_figures(result.verdict)
    if result.bound_cents is None:
        print("bound      not yet known")
    else:
        print_cents("bound", result.bound_cents)
    gap = gap_of(result.value_cents, result.bound_cents)
    if gap is not None:
        print(f"{'gap':<10} {100 * gap:>16.2f} %")
    print(f"unplanned persons: {result.verdict.persons_unplanned:,} of {result.verdict.persons:,}")
    print(printable(f"stopped: {result.stop_reason}; plan written to {arguments.out}"))
    return SIGNALLED + interrupts[0] if interrupts else OK


def print_progress(progress: Progress) -> None:
    """Print where a run stands, one line."""
    bound = "not yet known" if progress.bound_cents is None else f"{progress.bound_cents:,}"
    gap = "-" if progress.gap is None else f"{100 * progress.gap:.2f} %"
    print(
        f"{progress.seconds:8.1f} s  {progress.stage:<10} value {progress.value_cents:,}  bound {bound}  gap {gap}  "
        f"planned {progress.persons_planned:,} of {progress.persons:,}",
        flush=True,
    )


def expect_writable(path: Path) -> None:
    """Refuse a file that could not be written, before anybody waits for what should go into it."""
    folder = path.parent
    if path.is_dir():
        raise InputError([Fault(what="is a folder, expected a file to write", file=str(path))])
    if not folder.is_dir():
        raise InputError([Fault(what=f"cannot be written: there is no folder {folder}", file=str(path))])
    if not os.access(folder, os.W_OK):
        raise InputError([Fault(what=f"cannot be written: no right to write in {folder}", file=str(path))])


@command(
    "check-data",
    "check every file of a data folder and print all problems at once",
    argument("folder", metavar="FOLDER", nargs="?", type=Path, help="default: RETORNO_DATA, or data/"),
)
def check_data_folder(arguments: argparse.Namespace) -> int:
    folder = ground_folder(arguments.folder)
    faults = check_data(folder)
    for fault in faults:
        print(printable(str(fault)))
    print(printable(f"{len(faults) or 'no'} {'problem' if len(faults) == 1 else 'problems'} found in {folder}"))
    return INVALID if faults else OK


@command("serve", "run the application and its worker until Ctrl-C")
def serve(arguments: argparse.Namespace) -> int:
    settings = load_settings()
    database = Database(settings.database)
    database.create()  # refused here, once, rather than by both processes
    database.dispose()
    return serving.serve(settings)


@command(
    "demo",
    "open the demonstration office with invented people; makes it on the first run",
    argument("--port", type=positive_count, default=8501, help="port on this machine (default 8501)"),
    argument("--fresh", action="store_true", help="throw away what was done in it and make it anew"),
)
def open_demo(arguments: argparse.Namespace) -> int:
    return opening.start(port=arguments.port, is_fresh=arguments.fresh)


@command("worker", "run jobs until Ctrl-C; several may run against one database")
def run_worker(arguments: argparse.Namespace) -> int:
    database = open_office()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        worker.run(database, name=worker.worker_name(), should_stop=lambda: False)
    except KeyboardInterrupt:
        return OK
    return OK


@command(
    "init",
    "make an office with its first two administrators, who set up everyone else",
    argument("--name", required=True, help="name of the office"),
    argument("--country", required=True, metavar="CC", help="two-letter code, such as MX"),
    argument("--place", required=True, metavar="PLACE", help="id of the place it works from, as in data/places.csv"),
)
def init(arguments: argparse.Namespace) -> int:
    database = open_office()
    with database.transaction() as session:
        made = accounts.create_office(
            session, name=arguments.name, country=arguments.country, place_id=arguments.place, places=ground().places
        )
    for login, password in made:
        print(f"{login}  {password}")
    print("These passwords are shown once. Change them after the first sign-in.")
    return OK


@command(
    "verify",
    "check a manifest (PDF, attached JSON, spreadsheet, QR text) or an audit report; status 0 only if it is valid",
    argument("file", metavar="FILE", help="the file as received, or the text of the QR code (R1. ...)"),
    argument("--keys", type=Path, help="public keys (JSON), to check without the office's database"),
)
def verify(arguments: argparse.Namespace) -> int:
    is_code = arguments.file.startswith("R1.") and not Path(arguments.file).exists()
    checked = arguments.file if is_code else Path(arguments.file)
    if isinstance(checked, Path) and checked.is_file() and reports.is_report(checked.read_bytes()):
        return verify_audit_report(checked.read_bytes(), arguments.keys)
    if arguments.keys is not None:
        keys = public_keys_from(json.loads(arguments.keys.read_text(encoding="utf-8")))
        outcome = verify_seal(checked, keys) if isinstance(checked, str) else verify_file(checked, keys)
    else:
        with office_to_read().reading() as session:
            keys = keyring.public_keys(session)

            def asked(seal: Seal) -> bool:
                return manifest.is_superseded(session, seal)

            if isinstance(checked, str):
                outcome = verify_seal(checked, keys, is_superseded=asked)
            else:
                outcome = verify_file(checked, keys, is_superseded=asked)
    if outcome.seal is not None:
        print(
            printable(f"movement {outcome.seal.movement}, for {outcome.seal.recipient}, number {outcome.seal.version}")
        )
    if outcome.manifest is not None:
        print(f"people on the list: {len(outcome.manifest.rows)}")
    print(printable(f"{outcome.verdict.value}: {outcome.reason}"))
    if arguments.keys is not None and outcome.verdict is SealVerdict.VALID:
        print("whether a newer version exists only the office can tell")
    return OK if outcome.verdict is SealVerdict.VALID else INVALID


def verify_audit_report(content: bytes, key_file: Path | None) -> int:
    """Say whose report it is, what the log was when it was made, and whether a byte of it was changed since."""
    if key_file is not None:
        keys = public_keys_from(json.loads(key_file.read_text(encoding="utf-8")))
    else:
        with office_to_read().reading() as session:
            keys = keyring.public_keys(session)
    report = reports.read_report(content)
    log = report["log"]
    print(
        printable(f"audit report of office {report['office_id']}, made at {report['made_at']} by {report['made_by']}")
    )
    whole = "whole" if log["broken_at"] is None else f"BROKEN at entry {log['broken_at']}"
    print(printable(f"the log then: {log['entries']:,} entries, {whole}, last hash {log['last_hash']}"))
    print(f"lists {len(report['lists']):,}, plans {len(report['plans']):,}")
    if not reports.verify_report(content, keys):
        print("altered: the signature does not fit what the report says")
        return INVALID
    print("valid: signed by this office, nothing changed since")
    return OK


@command(
    "verify-page",
    "write a page that checks manifests in any browser without network, with this office's public keys inside",
    argument("--out", metavar="FILE", type=Path, required=True, help="HTML file to write, such as on a USB stick"),
    argument("--keys", type=Path, help="public keys (JSON) instead of those of the office's database"),
)
def write_verify_page(arguments: argparse.Namespace) -> int:
    expect_writable(arguments.out)
    if arguments.keys is not None:
        keys = public_keys_from(json.loads(arguments.keys.read_text(encoding="utf-8")))
    else:
        with office_to_read().reading() as session:
            keys = keyring.public_keys(session)
    arguments.out.write_bytes(offline_page(keys, made_on=clock.now().date()))
    print(printable(f"page written to {arguments.out}, with keys: {', '.join(sorted(keys))}"))
    return OK


@command(
    "verify-audit",
    "walk the whole audit chain; status 0 only if it is unbroken",
    argument("--anchor", metavar="HASH", help="a head printed earlier, such as on a manifest's foot"),
)
def verify_audit(arguments: argparse.Namespace) -> int:
    with office_to_read().reading() as session:
        state = audit.verify_chain(session, anchor=arguments.anchor)
    if state.broken_at is not None:
        print(f"BROKEN at entry {state.broken_at}: {state.what}")
        return INVALID
    print(f"UNBROKEN: {state.count:,} entries, head {state.head}")
    return OK


def open_office() -> Database:
    """The database of this installation with its tables, and its keys loaded."""
    settings = load_settings()
    database = Database(settings.database)
    database.create()
    keyring.open_keys(settings, database)
    return database


def office_to_read() -> Database:
    """The office of this installation, else its demonstration; a question never sets up an empty office."""
    settings = load_settings()
    address = make_url(settings.database)
    if address.get_backend_name() == "sqlite" and not Path(address.database or "").exists():
        if "database" in settings.model_fields_set or not (opening.FOLDER / opening.OFFICE_FILE).exists():
            raise InputError(f"no office at {address.database}: set RETORNO_DATABASE to the address of one")
        settings = opening.settings_of(opening.FOLDER, settings.port)
    database = Database(settings.database)
    database.check_version()
    keyring.open_keys(settings, database)
    return database


def print_figures(verdict: Verdict) -> None:
    """Print the value by component and the counts of a verdict."""
    print_cents("value", verdict.value_cents)
    for name in SUMMANDS:
        print_cents(name, verdict.components[name])
    print("of cost: " + ", ".join(f"{part} {verdict.components[part]:,}" for part in COST_PARTS))
    print(
        f"counts: groups_changed {verdict.groups_changed:,}, person_days {verdict.person_days:,}, "
        f"persons {verdict.persons:,}, persons_unplanned {verdict.persons_unplanned:,}, "
        f"trips_run {verdict.trips_run:,}"
    )


def print_cents(name: str, cents: int) -> None:
    print(f"{name:<10} {cents:>16,} cents")


def printable(text: str) -> str:
    """The text with a mark in place of whatever could steer a terminal: files may hold any id."""
    return "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in text)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns its exit status."""
    parser = argparse.ArgumentParser(prog="retorno", description="Plans assisted voluntary returns.")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for each in COMMANDS.values():
        below = commands.add_parser(each.name, help=each.summary, description=each.summary)
        for names, settings in each.arguments:
            below.add_argument(*names, **settings)
    parsed = parser.parse_args(arguments)
    # Whoever waits at a terminal waits for the program to be loaded too.
    parsed.loading_seconds = time.monotonic() - BEGUN_AT if arguments is None else 0.0
    try:
        status = COMMANDS[parsed.command].run(parsed)
        sys.stdout.flush()
        return status
    except RetornoError as error:
        print_error(parsed.command, error)
        return WRONG_INPUT
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        # The reader of our output has gone, as `head` does; nothing is left to say to it.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return INVALID
    except OSError as error:
        print(printable(f"retorno {parsed.command}: {error.filename}: {error.strerror}"), file=sys.stderr)
        return WRONG_INPUT


def print_error(name: str, error: RetornoError) -> None:
    """Print an error, one line per fault, on the error output."""
    lines = [str(fault) for fault in error.faults] if isinstance(error, InputError) else [str(error)]
    for line in lines[:MOST_FAULTS_SHOWN]:
        print(printable(f"retorno {name}: {line}"), file=sys.stderr)
    if len(lines) > MOST_FAULTS_SHOWN:
        print(f"retorno {name}: and {len(lines) - MOST_FAULTS_SHOWN} more faults", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
