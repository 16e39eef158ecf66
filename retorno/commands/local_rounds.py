"""The command on local rounds: plan a file, say who is left out and why. It loads the search for rounds only."""

from __future__ import annotations

import argparse
import signal
import time
from pathlib import Path
from typing import Final

from retorno.commands.registry import (
    INVALID,
    LEAVING_SHARE,
    OK,
    SIGNALLED,
    argument,
    command,
    expect_writable,
    positive_count,
    positive_number,
    printable,
)
from retorno.optimizer.rounds import RoundsSettings
from retorno.optimizer.rounds_files import read_rounds, write_plan
from retorno.optimizer.rounds_search import solve_rounds

LEAST_SECONDS: Final = 0.1
"""A plan is looked for at least this long, however slowly the program was loaded."""


@command(
    "rounds",
    "plan local rounds (our JSON or the public dial-a-ride format) and write the best plan found",
    argument("problem", metavar="FILE", help="problem file"),
    argument("--out", metavar="PLAN", type=Path, required=True, help="file to write: JSON if its name says so"),
    argument("--seconds", type=positive_number, default=10.0, help="time limit (default 10)"),
    argument("--seed", type=int, default=1, help="of the random choices (default 1)"),
    argument("--rounds", type=positive_count, help="rounds of search at most, for a run that can be repeated exactly"),
)
def plan_rounds(arguments: argparse.Namespace) -> int:
    begun = time.monotonic() - arguments.loading_seconds
    expect_writable(arguments.out)
    problem = read_rounds(arguments.problem)
    settings = RoundsSettings(
        seconds=max(
            LEAST_SECONDS,
            arguments.seconds - LEAVING_SHARE * arguments.loading_seconds - (time.monotonic() - begun),
        ),
        seed=arguments.seed,
        max_rounds=arguments.rounds,
    )
    interrupts: list[int] = []
    before = {
        number: signal.signal(number, lambda found, _: interrupts.append(found))
        for number in (signal.SIGINT, signal.SIGTERM)
    }
    try:
        result = solve_rounds(problem, settings, should_stop=lambda: bool(interrupts))
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    write_plan(arguments.out, problem, result)
    for each in result.left_out:
        print(printable(f"LEFT OUT {each.request_id} {each.reason.value}: {each.explanation}"))
    print(f"value      {result.value:,.2f} {problem.objective.value}")
    print(f"routes: {len(result.routes)} of {len(problem.vehicles)} vehicles")
    print(f"left out: {len(result.left_out)} of {len(problem.requests)} requests")
    print(printable(f"stopped: {result.stop_reason} after {result.rounds:,} rounds; plan written to {arguments.out}"))
    if interrupts:
        return SIGNALLED + interrupts[0]
    must = {request.id for request in problem.requests if request.left_out_price is None}
    return INVALID if any(each.request_id in must for each in result.left_out) else OK
