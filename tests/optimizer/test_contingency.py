"""What would hurt a plan most: one failure at a time, repaired, judged, counted."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from retorno.__main__ import main
from retorno.errors import InputError
from retorno.executors import InProcess, run_all
from retorno.optimizer.check import judge
from retorno.optimizer.contingency import (
    Consequence,
    Outage,
    OutageKind,
    Terms,
    by_harm,
    consequences,
    expect_valid,
    jobs,
    outages,
    problem_after,
    without_groups,
)
from retorno.optimizer.problem import (
    Group,
    Leg,
    Plan,
    Problem,
    Service,
    Site,
    plan_to_json,
    problem_to_json,
    read_plan,
    read_problem,
    write_plan,
    write_problem,
)
from retorno.optimizer.solve import Settings, solve
from tests.optimizer.random_problems import COSTS, random_problem
from tests.optimizer.referee import referee_says

TERMS = Terms(closed_days=2, rounds_per_group=5, most_rounds=20)


def every_consequence(problem: Problem, plan: Plan, terms: Terms = TERMS) -> list[Consequence]:
    asked = jobs(problem, plan, outages(problem, plan, terms), terms)
    return [each for found in run_all(InProcess(), consequences, asked) for each in found or ()]


def planned_problems(count: int) -> Iterator[tuple[Problem, Plan]]:
    for seed in range(count):
        problem = random_problem(seed, group_count=8, horizon_days=6)
        yield problem, solve(problem, Settings(seconds=60, max_rounds=50)).plan


def test_the_command_writes_a_table_and_for_each_row_a_plan_that_answers_its_problem(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    problem, plan = next(planned_problems(1))
    write_problem(tmp_path / "p.json", problem)
    write_plan(tmp_path / "plan.json", plan)
    out = tmp_path / "out"
    out.mkdir()
    (out / "998-plan.json.gz").write_bytes(b"of a run before")
    files = [str(tmp_path / "p.json"), str(tmp_path / "plan.json")]

    status = main(["contingency", *files, "--out", str(out), "--closed-days", "2"])

    with (out / "contingency.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    names = {f"{number:03d}-{what}.json.gz" for number in range(len(rows)) for what in ("plan", "problem")}
    assert status == 0
    assert len(rows) == len(outages(problem, plan, TERMS)) > 0
    assert {path.name for path in out.iterdir()} == names | {"contingency.csv"}
    assert f"{len(rows)} of {len(rows)} failures worked out" in capsys.readouterr().out
    for number, row in enumerate(rows):
        after, repaired = (out / f"{number:03d}-{what}.json.gz" for what in ("problem", "plan"))
        assert int(row["number"]) == number
        assert judge(read_problem(after), read_plan(repaired)).is_valid

    write_plan(tmp_path / "plan.json", replace(plan, problem="another"))
    assert main(["contingency", *files, "--out", str(out)]) == 2
    assert "problem is 'another', expected" in capsys.readouterr().err


def ways(plan: Plan, group_id: str) -> list[tuple[str, int, int, int]]:
    return [(leg.row_id, leg.day, leg.board, leg.alight) for leg in plan.itineraries.get(group_id, ())]


def test_judge_and_referee_accept_every_repaired_plan_and_nobody_else_is_moved() -> None:
    kinds = set()
    for problem, plan in planned_problems(3):
        for each in every_consequence(problem, plan):
            kinds.add(each.outage.kind)
            rest, before = without_groups(problem, plan, each.stuck)
            after = problem_after(rest, before, each.outage, TERMS)
            assert judge(after, each.plan).is_valid, each.outage
            assert referee_says(problem_to_json(after), plan_to_json(each.plan))[0] == ()
            for group in rest.groups:
                moved = ways(each.plan, group.id) != ways(plan, group.id)
                assert moved is (group.id in each.changed)
            assert set(each.left_out) <= set(each.changed)
            assert each.persons_left_out == sum(g.persons for g in problem.groups if g.id in each.left_out)
    assert kinds == set(OutageKind)


def test_what_failures_of_one_day_share_changes_no_answer() -> None:
    problem, plan = next(planned_problems(1))
    together = every_consequence(problem, plan)
    alone = [
        consequences(replace(job, outages=(outage,)))[0]
        for job in jobs(problem, plan, outages(problem, plan, TERMS), TERMS)
        for outage in job.outages
    ]
    assert [replace(each, seconds=0.0) for each in alone] == [replace(each, seconds=0.0) for each in together]


# ---- one flight a day from A to B, three days, counted by hand ---------------------------------------------------


def island(*, seats: int = 4, arrivals: tuple[int, ...] | None = None) -> tuple[Problem, Plan]:
    """Two groups of 3 and 1 fly on day 0; the same flight goes every day for 100 cents a seat, home at once."""
    sites = tuple(
        Site(id=name, country=country, lat=0.0, lon=0.0, beds=0, arrivals=limit)
        for name, country, limit in (("A", "AA", None), ("B", "BB", arrivals))
    )
    flight = Service(
        id="F", mode="flight", origin="A", destination="B", depart_min=600, arrive_min=700, days="111",
        vulnerable_days="111", seats=seats, fare_cents=100, crossings=(),
    )  # fmt: skip
    groups = tuple(
        Group(
            id=name, persons=persons, origin="A", destination="B", ready_day=0, latest_day=2, vulnerable=0,
            wheelchairs=0, escorts=0, escort_pool=None, barred_countries=(), wait_cents_per_day=50 * persons,
            unplanned_cents=100_000 * persons,
        )
        for name, persons in (("three", 3), ("one", 1))
    )  # fmt: skip
    problem = Problem(
        name="island", horizon_days=3, first_date="2026-03-02", clock_utc_offset_min=0, transfer_min=60,
        max_journey_days=2, escort_return_days=0, costs=COSTS, sites=sites, crossings=(), closures=frozenset(),
        vehicle_types=(), depots=(), trips=(), services=(flight,), charters=(), cancelled=frozenset(), escort_pools=(),
        groups=groups, conflicts=(),
    )  # fmt: skip
    leg = (Leg(kind="service", row_id="F", day=0),)
    return problem, Plan(problem="island", itineraries={"three": leg, "one": leg})


def test_a_cancelled_flight_costs_everybody_a_day_and_nobody_stays() -> None:
    problem, plan = island()
    (found,) = [each for each in every_consequence(problem, plan) if each.outage.kind is OutageKind.DEPARTURE]
    assert found.outage == Outage(kind=OutageKind.DEPARTURE, id="F", first_day=0, last_day=0)
    # Four people fly a day later, at the same fare.
    assert (found.persons_hit, found.persons_left_out, found.persons_delayed) == (4, 0, 4)
    assert (found.person_days, found.longest_delay_days, found.cost_cents) == (4, 1, 0)


def test_nobody_hit_travels_before_the_notice_is_over() -> None:
    problem, plan = island()
    found = every_consequence(problem, plan, replace(TERMS, notice_days=2))
    flights = [each for each in found if each.outage.kind is OutageKind.DEPARTURE]
    assert [each.longest_delay_days for each in flights] == [2]


def test_a_place_that_receives_nobody_for_the_rest_of_the_plan_leaves_them_out() -> None:
    problem, plan = island()
    (found,) = [
        each
        for each in every_consequence(problem, plan, replace(TERMS, closed_days=3))
        if each.outage.kind is OutageKind.RECEPTION
    ]
    assert (found.left_out, found.persons_left_out, found.person_days) == (("one", "three"), 4, 0)
    assert found.cost_cents == -400  # four fares of 100 are not paid


def test_the_worst_stands_first_by_people_then_days() -> None:
    problem, plan = island()
    found = by_harm(every_consequence(problem, plan, replace(TERMS, closed_days=3)))
    assert [each.outage.kind for each in found] == [OutageKind.RECEPTION, OutageKind.DEPARTURE]


def test_what_has_happened_cannot_fail_any_more() -> None:
    problem, plan = island()
    assert outages(problem, plan, TERMS, now_day=1) == ()


def test_of_a_plan_that_does_not_stand_nothing_is_said() -> None:
    problem, plan = island(seats=3)
    with pytest.raises(InputError, match="SERVICE_SEATS"):
        expect_valid(problem, plan)
