"""The command that asks of a plan what would hurt it most. It loads the optimizer only."""

from __future__ import annotations

import argparse
import csv
import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from retorno.commands.registry import (
    OK,
    all_faults_of,
    argument,
    command,
    positive_count,
    positive_number,
    printable,
    whole_number,
)
from retorno.errors import Fault, InputError
from retorno.executors import Executor, InProcess, Processes, run_all
from retorno.optimizer.contingency import (
    Consequence,
    Terms,
    by_harm,
    consequences,
    expect_valid,
    jobs,
    outages,
    problem_after,
    without_groups,
)
from retorno.optimizer.problem import read_plan, read_problem, write_plan, write_problem

TABLE = "contingency.csv"
SHOWN = 10


@command(
    "contingency",
    "what would hurt a plan most: one crossing, vehicle, departure or place after the other fails",
    argument("problem", metavar="PROBLEM", help="problem file, .json or .json.gz"),
    argument("plan", metavar="PLAN", help="plan file, .json or .json.gz"),
    argument("--out", metavar="FOLDER", type=Path, required=True, help="for the table and the repaired plans; made"),
    argument("--closed-days", type=positive_count, default=7, help="how long a place stays shut (default 7)"),
    argument(
        "--notice-days", type=whole_number, default=0, help="days before anybody hit may go otherwise (default 0)"
    ),
    argument("--processes", type=positive_count, default=1, help="processes at once (default 1)"),
    argument("--seconds", type=positive_number, help="begin nothing more after so long; the table then says less"),
    argument("--seed", type=int, default=1, help="of the random choices (default 1)"),
)
def contingency(arguments: argparse.Namespace) -> int:
    begun = time.monotonic()
    problem, plan = all_faults_of([lambda: read_problem(arguments.problem), lambda: read_plan(arguments.plan)])
    expect_valid(problem, plan)
    made_folder(arguments.out)
    terms = Terms(closed_days=arguments.closed_days, notice_days=arguments.notice_days, seed=arguments.seed)
    asked = jobs(problem, plan, outages(problem, plan, terms), terms)

    def is_over() -> bool:
        return arguments.seconds is not None and time.monotonic() - begun > arguments.seconds

    with ExitStack() as stack:
        executor: Executor = InProcess()
        if arguments.processes > 1:
            executor = stack.enter_context(Processes(arguments.processes))
        answers = run_all(executor, consequences, asked, should_stop=is_over)
    found = by_harm(each for answer in answers if answer is not None for each in answer)
    remove_rows_before(arguments.out)
    for number, each in enumerate(found):
        write_plan(arguments.out / f"{number:03d}-plan.json.gz", each.plan)
        write_problem(
            arguments.out / f"{number:03d}-problem.json.gz",
            problem_after(*without_groups(problem, plan, each.stuck), each.outage, terms),
        )
    write_table(arguments.out / TABLE, found)
    for each in found[:SHOWN]:
        print(printable(sentence(each)))
    total = sum(len(job.outages) for job in asked)
    print(printable(f"{len(found):,} of {total:,} failures worked out; table and repaired plans in {arguments.out}"))
    return OK


def made_folder(path: Path) -> None:
    """Make the folder unless it is there; a file of this name is refused (``InputError``)."""
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError([Fault(what=f"cannot be made: {error.strerror}", file=str(path))]) from error


def remove_rows_before(folder: Path) -> None:
    """Remove the plans and problems of a run before: with fewer rows now, some would belong to none."""
    for what in ("plan", "problem"):
        for path in folder.glob(f"[0-9][0-9][0-9]*-{what}.json.gz"):
            if path.name.split("-")[0].isdigit():
                path.unlink()


def sentence(each: Consequence) -> str:
    """One failure in a line."""
    outage = each.outage
    return (
        f"{outage.kind} {outage.id} from day {outage.first_day}: left behind {each.persons_left_out:,}, "
        f"later {each.persons_delayed:,} ({each.person_days:+,} person-days), cost {each.cost_cents:+,} cents"
        + (f"; {len(each.stuck):,} groups under way could not go on" if each.stuck else "")
    )


def write_table(path: Path, found: Sequence[Consequence]) -> None:
    """The table, the worst first; the number leads to the plan and problem files of a row."""
    columns = (
        "number", "kind", "id", "first_day", "last_day", "groups_hit", "persons_hit", "groups_changed",
        "persons_left_out", "persons_delayed", "person_days", "longest_delay_days", "cost_cents", "seconds",
        "groups_stuck",
    )  # fmt: skip
    with path.open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file)
        rows.writerow(columns)
        for number, each in enumerate(found):
            outage = each.outage
            rows.writerow(
                (
                    number, outage.kind, outage.id, outage.first_day, outage.last_day, len(each.hit), each.persons_hit,
                    len(each.changed), each.persons_left_out, each.persons_delayed, each.person_days,
                    each.longest_delay_days, each.cost_cents, f"{each.seconds:.2f}", len(each.stuck),
                )
            )  # fmt: skip
