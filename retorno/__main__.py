"""The commands of `retorno`.

A command is one function under `@command(name, summary, argument(...), ...)`; it takes the parsed arguments and
returns the exit status: 0 done, 1 a plan or data that are not valid, 2 input that cannot be used.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from retorno.errors import InputError, RetornoError
from retorno.optimizer.check import COST_PARTS, SUMMANDS, Code, Verdict, judge_json
from retorno.optimizer.problem import read_document, read_problem
from retorno.routes.cells import ground_folder
from retorno.routes.check_data import check_data

OK: Final = 0
INVALID: Final = 1
WRONG_INPUT: Final = 2
INTERRUPTED: Final = 130

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
    try:
        status = COMMANDS[parsed.command].run(parsed)
        sys.stdout.flush()
        return status
    except RetornoError as error:
        print_error(parsed.command, error)
        return WRONG_INPUT
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
