"""Commands on problem and plan files: plan a problem, judge a plan. They load the optimizer only."""

from __future__ import annotations

import argparse
import json
import signal
import threading
import time
from dataclasses import replace
from pathlib import Path
from types import FrameType
from typing import Any, Final

from retorno.commands.registry import (
    INVALID,
    LEAVING_SHARE,
    OK,
    SIGNALLED,
    all_faults_of,
    argument,
    command,
    expect_writable,
    positive_count,
    positive_number,
    printable,
    whole_number,
)
from retorno.errors import Fault, InputError
from retorno.optimizer.check import COST_PARTS, SUMMANDS, Code, Verdict, judge_json
from retorno.optimizer.problem import (
    PROBLEM_FORMAT,
    Plan,
    Problem,
    Replan,
    read_document,
    read_plan,
    read_problem,
    write_plan,
)
from retorno.optimizer.solve import Progress, Result, Settings, gap_of, solve

PROGRESS_SECONDS: Final = 1.0
CHANGE_CENTS: Final = 300_000
"""Price of changing one group's plan unless told otherwise, our assumption: at 500 $ a repair reshuffled people to save
money, at 3,000 $ it moved only those it had to (docs/optimizer.md)."""

OWN: Final = Path()
REPLAN_ARGUMENTS: Final = (
    argument(
        "--replan",
        metavar="PREVIOUS",
        nargs="?",
        type=Path,
        const=OWN,
        help="plan anew from this plan, followed until now; without a file from the one in PROBLEM (which needs no "
        "--replan to be heeded)",
    ),
    argument("--now", metavar="DAY", type=whole_number, help="today, with --replan; days before it are facts"),
    argument("--change-cents", metavar="CENTS", type=whole_number, help="price of each changed group, with --replan"),
)


# ---- check --------------------------------------------------------------------------------------------


@command(
    "check",
    "judge a plan: every violation, then its value; status 0 only if it is valid",
    argument("problem", metavar="PROBLEM", help="problem file, .json or .json.gz"),
    argument("plan", metavar="PLAN", help="plan file, .json or .json.gz"),
    *REPLAN_ARGUMENTS,
)
def check(arguments: argparse.Namespace) -> int:
    problem, document = all_faults_of([lambda: problem_of(arguments), lambda: plan_document(arguments.plan)])
    verdict = judge_json(problem, document)
    for violation in verdict.violations:
        print(printable(f"VIOLATION {violation}"))
    if Code.MALFORMED not in verdict.codes:
        print_figures(verdict)
    print("VALID" if verdict.is_valid else f"INVALID ({len(verdict.violations)} violations)")
    return OK if verdict.is_valid else INVALID


def plan_document(path: str) -> Any:
    """What a plan file holds, right or wrong: that is for the judge. Only another kind of file is refused."""
    document = read_document(path)
    if isinstance(document, dict) and document.get("format") == PROBLEM_FORMAT:
        raise InputError([Fault(what="is a problem, expected a plan", file=path, column="format")])
    return document


def problem_of(arguments: argparse.Namespace) -> Problem:
    """The problem that a command was given, as a replan if that was said.

    Raises
    ------
    InputError
        With the faults of both files and of what was said about them.
    """
    given = {"--now": arguments.now, "--change-cents": arguments.change_cents}
    said = [name for name, value in given.items() if value is not None]
    if arguments.replan is None:
        if said:
            raise InputError(f"{' and '.join(said)}: needs --replan PREVIOUS, the plan followed until now")
        return read_problem(arguments.problem)
    if arguments.replan != OWN:
        read = [lambda: read_problem(arguments.problem), lambda: read_plan(arguments.replan)]
        problem, previous = all_faults_of(read)
    else:
        problem = read_problem(arguments.problem)
        if problem.replan is None:
            what = "holds no plan followed until now, expected one in the file or after --replan"
            raise InputError([Fault(what=what, file=str(arguments.problem), column="replan")])
        previous = problem.replan.previous
    return replanned(problem, previous, arguments)


def replanned(problem: Problem, previous: Plan, arguments: argparse.Namespace) -> Problem:
    """The problem as one to plan anew: what is not said comes from its own `replan`, else day 0 and `CHANGE_CENTS`."""
    faults = []
    if previous.problem != problem.name:
        what = f'is "{previous.problem}", expected the problem "{problem.name}"'
        faults.append(Fault(what=what, file=str(arguments.replan), column="problem"))
    own = problem.replan or Replan(now_day=0, previous=previous, change_cents=CHANGE_CENTS, locked_groups=())
    now_day = own.now_day if arguments.now is None else arguments.now
    if now_day > problem.horizon_days:
        faults.append(Fault(what=f"--now is {now_day}, expected a day from 0 to {problem.horizon_days}"))
    if faults:
        raise InputError(faults)
    change_cents = own.change_cents if arguments.change_cents is None else arguments.change_cents
    return replace(problem, replan=replace(own, previous=previous, now_day=now_day, change_cents=change_cents))


# ---- solve --------------------------------------------------------------------------------------------


@command(
    "solve",
    "plan a problem and write the best plan found; Ctrl-C stops early and keeps it",
    argument("problem", metavar="PROBLEM", help="problem file, .json or .json.gz"),
    argument("--out", metavar="PLAN", type=Path, required=True, help="plan file to write, .json or .json.gz"),
    argument("--seconds", type=positive_number, default=60.0, help="time limit (default 60)"),
    argument("--seed", type=int, default=1, help="of the random choices (default 1)"),
    argument("--rounds", type=positive_count, help="rounds of search at most, for a run that can be repeated exactly"),
    argument(
        "--threads", type=positive_count, default=1, help="at most; every step uses one so far, so more change nothing"
    ),
    argument("--progress", action="store_true", help="print a JSON line a second: stage, value, bound, gap"),
    *REPLAN_ARGUMENTS,
)
def solve_problem(arguments: argparse.Namespace) -> int:
    begun = time.monotonic() - arguments.loading_seconds
    with ProgressLines(begun=begun, is_on=arguments.progress) as lines:
        problem, _ = all_faults_of([lambda: problem_of(arguments), lambda: expect_writable(arguments.out)])
        settings = Settings(
            seconds=arguments.seconds,
            seed=arguments.seed,
            threads=arguments.threads,
            max_rounds=arguments.rounds,
            spent_seconds=LEAVING_SHARE * arguments.loading_seconds + time.monotonic() - begun,
        )
        lines.stage = "first"
        with Signals() as signals:
            found = best_plan(problem, settings, lines, signals)
            if isinstance(found, Result):
                write_plan(arguments.out, found.plan)
                print_result(found)
                print(printable(f"stopped: {found.stop_reason}; plan written to {arguments.out}"))
            elif found is not None:
                write_plan(arguments.out, found)
                print(printable(f"stopped: at once; the best plan so far written to {arguments.out}"))
            else:
                print("stopped: at once; there was no plan yet")
        lines.end(found.stop_reason if isinstance(found, Result) else "stopped")
        return signals.status


def best_plan(problem: Problem, settings: Settings, lines: ProgressLines, signals: Signals) -> Result | Plan | None:
    """What `solve` gives, or where a second signal cut it off the best plan until then, None without one."""
    kept: list[Plan | None] = [None]
    try:
        result = solve(
            problem,
            settings,
            on_progress=lines.take,
            should_stop=lambda: bool(signals.numbers),
            on_plan=lambda plan, _: kept.append(plan),
        )
        signals.interrupts = False
        return result
    except KeyboardInterrupt:
        return kept[-1]


class Signals:
    """Ctrl-C and requests to end (SIGTERM), while a plan is made and written.

    The first asks for the best plan so far. A second no longer waits for the search to notice: it raises
    `KeyboardInterrupt`, once, and only while ``interrupts`` is true; so nothing comes between a plan and its file.

    Attributes
    ----------
    numbers
        Of the signals that came, in this order.
    """

    def __init__(self) -> None:
        self.numbers: list[int] = []
        self.interrupts = True
        self._before: dict[int, Any] = {}

    @property
    def status(self) -> int:
        """The exit status of a command that did all it could: 0, or that of the first signal."""
        return SIGNALLED + self.numbers[0] if self.numbers else OK

    def __enter__(self) -> Signals:
        self._before = {number: signal.signal(number, self._take) for number in (signal.SIGINT, signal.SIGTERM)}
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _take(self, number: int, _: FrameType | None) -> None:
        self.numbers.append(number)
        if len(self.numbers) > 1 and self.interrupts:
            self.interrupts = False
            raise KeyboardInterrupt


class ProgressLines:
    """A JSON line on the output at the first plan, then one a second, and at the end one of stage ``done``.

    A line holds ``stage``, ``seconds`` since the start of the program, ``value`` and ``bound`` in cents, ``gap``
    (value less bound, as a share of the value), ``persons_planned`` and ``persons``; null while not yet known. The last
    one also says why the run ended (``stop_reason``). A reader that goes away ends the lines, not the run.

    Parameters
    ----------
    begun
        When the program started, by `time.monotonic`.
    is_on
        Without it nothing is printed.
    """

    def __init__(self, *, begun: float, is_on: bool) -> None:
        self.stage = "reading"
        self._begun = begun
        self._is_on = is_on
        self._latest: Progress | None = None
        self._is_over = threading.Event()
        self._ticks = threading.Thread(target=self._tick, daemon=True)

    def __enter__(self) -> ProgressLines:
        if self._is_on:
            self._ticks.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._is_over.set()
        if self._ticks.is_alive():
            self._ticks.join()

    def take(self, progress: Progress) -> None:
        """Remember where the run stands, to be printed with the next line."""
        is_first = self._latest is None
        self._latest, self.stage = progress, progress.stage
        if is_first:
            self._print()

    def end(self, stop_reason: str) -> None:
        """Print the last line; no other comes after it."""
        self.__exit__()
        self.stage = "done"
        self._print(stop_reason=stop_reason)

    def _tick(self) -> None:
        while not self._is_over.wait(PROGRESS_SECONDS):
            self._print()

    def _print(self, **more: str) -> None:
        if not self._is_on:
            return
        latest = self._latest
        line = {
            "stage": self.stage,
            "seconds": round(time.monotonic() - self._begun, 3),
            "value": latest.value_cents if latest else None,
            "bound": latest.bound_cents if latest else None,
            "gap": round(latest.gap, 6) if latest and latest.gap is not None else None,
            "persons_planned": latest.persons_planned if latest else None,
            "persons": latest.persons if latest else None,
        }
        try:
            print(json.dumps(line | more), flush=True)
        except BrokenPipeError:
            self._is_on = False


# ---- what is printed ----------------------------------------------------------------------------------


def print_result(result: Result) -> None:
    """Print the value of a run's plan, how far from the best possible it can be at most, and who stays."""
    print_figures(result.verdict)
    if result.bound_cents is None:
        print("bound      not yet known")
    else:
        print_cents("bound", result.bound_cents)
    gap = gap_of(result.value_cents, result.bound_cents)
    if gap is not None:
        print(f"{'gap':<10} {100 * gap:>16.2f} %")
    print(f"unplanned persons: {result.verdict.persons_unplanned:,} of {result.verdict.persons:,}")


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
