"""Milliseconds of a rerun of the plan page in an office of about 400 people to plan, part by part.

``.venv/bin/python -m benchmarks.rerun [--runs N] [--copies N]``: a draft is made as ``benchmarks/workbench.py`` makes
it; then the whole page is run again with each part open, and each part alone, as Streamlit does when something in it
is clicked. One figure is one run on the server, from the click to the last element: no browser, no network. Processor
time stands beside it: on a machine with other work the clock tells of that work.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from pathlib import Path

from sqlmodel import select
from streamlit.testing.v1 import AppTest

from benchmarks.workbench import office
from retorno import serving
from retorno.labels import label
from retorno.models.movements import Plan
from retorno.models.office import User
from retorno.plans.store import problem_of, solution_of
from retorno.vocabulary import Language
from ui import session

PARTS = ("summary", "why", "timeline", "map", "loads", "edit", "what_if", "compare")
PAGE = "from ui.views import plan\nplan.show()"
PART = """
from retorno import plan_report
from ui import session
from ui.views import plan

rows = session.look(plan_report.plan_rows)
plan._parts(session.visit(), next(row for row in rows if row.plan_id == session.parameter("plan")), rows)
"""


def main() -> int:
    """Make the office, run everything, print one line a part."""
    wanted = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    wanted.add_argument("--runs", type=int, default=20)
    wanted.add_argument("--copies", type=int, default=4)
    chosen = wanted.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        database, plan_id = office(Path(folder), chosen.copies)
        with database.reading() as reading:
            user_id = reading.exec(select(User.user_id).where(User.login == "coordinacion.1")).one()
            plan = reading.get_one(Plan, plan_id)
            problem, solution = problem_of(plan), solution_of(plan)
        people = {group.id: group.persons for group in problem.groups}
        going = sum(people[group_id] for group_id, legs in solution.itineraries.items() if legs)
        print(f"{sum(people.values())} people in {len(people)} groups, {going} people travel")
        session.configure(database, who=lambda _: user_id)
        serving.collect_seldom()
        for name, script in (("whole page", PAGE), ("part alone", PART)):
            for part in PARTS:
                wall, processor = (
                    sorted(found) for found in zip(*runs(script, plan_id, part, chosen.runs), strict=True)
                )
                print(f"{name:10s} {part:10s} {figures(wall)}, processor {figures(processor)}", flush=True)
        database.dispose()
    return 0


def figures(found: list[float]) -> str:
    """Median and 95th percentile."""
    return f"median {statistics.median(found):4.0f} ms, p95 {found[-(-95 * len(found) // 100) - 1]:4.0f} ms"


def runs(script: str, plan_id: str, part: str, count: int) -> list[tuple[float, float]]:
    """Milliseconds by the clock and of the processor, of each run after two that load what a process loads once."""
    page = AppTest.from_string(script, default_timeout=60)
    page.query_params["plan"] = plan_id
    page.session_state[f"plan.tab.{plan_id}.es"] = label(f"view.plan.tab.{part}", Language.ES)
    page.run()
    page.run()
    if page.exception:
        raise SystemExit(f"{part}: {page.exception[0].value}")
    found = []
    for _ in range(count):
        begun, worked = time.perf_counter(), time.process_time()
        page.run()
        found.append((1000 * (time.perf_counter() - begun), 1000 * (time.process_time() - worked)))
    return found


if __name__ == "__main__":
    raise SystemExit(main())
