"""Seconds of the workbench's acts in an office of about 400 people to plan: options, move, undo, compare.

``python benchmarks/workbench.py [--copies N] [--groups N]``: the invented cases of the demonstration office, each N
times (default 4) with the fleet twice, are planned for 14 days; then every act is timed on the draft.
"""

from __future__ import annotations

import argparse
import dataclasses
import statistics
import tempfile
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any
from unittest.mock import patch

from sqlmodel import Session, select

from retorno import clock, worker
from retorno.database import Database
from retorno.demo import people, staging
from retorno.errors import InputError, Refused
from retorno.models.office import User
from retorno.office import access
from retorno.plans import choosing, comparison, planning, what_if, workbench
from retorno.plans.store import problem_of, solution_of
from retorno.settings import Settings

SECONDS = 20
NAMES = ("", " Beta", " Gama", " Delta", " Eta", " Iota", " Kapa", " Omega")


def office(folder: Path, copies: int) -> tuple[Database, str]:
    """An office with a draft; its database and the plan's id."""
    cases = tuple(
        dataclasses.replace(
            row,
            group_key=f"{row.group_key}x{copy}",
            person_key=f"{row.person_key}x{copy}",
            caregiver_key=f"{row.caregiver_key}x{copy}" if row.caregiver_key else row.caregiver_key,
            given_names=row.given_names + NAMES[copy],
        )
        for copy in range(copies)
        for row in people.example_cases()
    )
    fleet = tuple(
        dataclasses.replace(row, vehicle_id=f"{row.vehicle_id}{copy}", plate=f"{row.plate}{copy}")
        for copy in ("", "2")
        for row in staging._fleet()
    )
    settings = Settings(database=f"sqlite:///{folder}/office.db", key_file=folder / "keys.json")
    database, now = Database(settings.database), clock.now()
    with (
        patch.object(people, "example_cases", lambda: cases),
        patch.object(staging, "_fleet", lambda: fleet),
        patch.object(staging, "FIRST_MOVEMENTS", ()),
    ):
        staging.build(database, settings, now=now)
    with database.transaction() as session:
        plan = planning.start(
            session, coordinator(session), first_date=now.date() + timedelta(days=4), days=14, seconds=SECONDS
        )
    worker.run(database, name="benchmark", should_stop=lambda: False, once=True)
    return database, plan.plan_id


def coordinator(session: Session) -> access.Actor:
    """The first coordinator of the demonstration."""
    return access.load_actor(session, session.exec(select(User.user_id).where(User.login == "coordinacion.1")).one())


Times = list[tuple[float, float]]
"""Seconds on the clock and seconds of the processor, which other programs do not lengthen."""


def timed(times: Times, act: Callable[..., Any], *arguments: Any, **named: Any) -> Any:
    """What an act gives; its times are added to ``times``."""
    begun, worked = time.monotonic(), time.process_time()
    try:
        return act(*arguments, **named)
    finally:
        times.append((time.monotonic() - begun, time.process_time() - worked))


def main() -> None:
    """Set up, time, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--copies", type=int, default=4, choices=range(1, len(NAMES) + 1))
    parser.add_argument("--groups", type=int, default=60)
    arguments = parser.parse_args()
    times: dict[str, Times] = {name: [] for name in ("options", "move", "undo", "try_change", "compare")}
    count = refused = 0
    with tempfile.TemporaryDirectory() as folder:
        database, plan_id = office(Path(folder), arguments.copies)
        with database.transaction() as session:
            actor = coordinator(session)
            plan = planning.read_plan(session, actor, plan_id=plan_id)
            problem, solution = problem_of(plan), solution_of(plan)
            print(f"{len(problem.groups)} groups, {sum(group.persons for group in problem.groups)} people")
            for group in problem.groups[: arguments.groups]:
                which = {"plan_id": plan_id, "group_id": group.id}
                listed = timed(times["options"], choosing.options, session, actor, **which)
                count += len(listed)
                allowed = [each for each in listed if each.is_allowed and not each.is_current]
                if allowed:
                    option = allowed[len(allowed) // 2].option_id
                    try:
                        timed(times["move"], workbench.move, session, actor, option_id=option, **which)
                    except Refused:
                        refused += 1
                        continue
                    timed(times["undo"], workbench.undo, session, actor, plan_id=plan_id)
            last = plan_id
            for group in problem.groups:
                if not solution.itineraries.get(group.id):
                    try:
                        last = timed(
                            times["try_change"], what_if.try_change, session, actor, plan_id=plan_id, group_id=group.id
                        ).plan_id
                    except (InputError, Refused):
                        continue
            timed(times["compare"], comparison.compare, session, actor, plan_id=plan_id, other_plan_id=last)
            session.rollback()
        database.dispose()
    print(f"{count} ways listed; {refused} moves refused that were listed as allowed")
    for name, found in times.items():
        for what, seconds in zip(("clock", "processor"), zip(*found, strict=True), strict=False):
            typical = statistics.median(seconds)
            print(f"{name:10} {len(seconds):4} times, {what} s: median {typical:.2f}, longest {max(seconds):.2f}")


if __name__ == "__main__":
    main()
