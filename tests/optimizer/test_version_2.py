"""What only version 2 of the format can state: each constraint alone, legal, at the limit and beyond it.

The ground is that of `test_constraints`: A - B - C, a van of 5 seats, services of 5 seats, an aircraft of 6.
"""

from __future__ import annotations

import gzip
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from benchmarks.joint.version2 import with_version_2
from retorno.errors import InputError, Refused
from retorno.optimizer.check import Code, judge
from retorno.optimizer.explain import Unplanned, explain, with_explained
from retorno.optimizer.problem import (
    EMPTY_PLAN,
    PROBLEM_FORMAT,
    PROBLEM_FORMAT_2,
    EscortPool,
    Leg,
    Plan,
    Problem,
    Replan,
    Rest,
    plan_to_json,
    problem_from_json,
    problem_to_json,
)
from retorno.optimizer.relaxations import Reason, Relaxation, with_changes
from retorno.optimizer.solve import Settings, solve
from tests.optimizer.random_problems import random_plan, random_problem
from tests.optimizer.test_constraints import (
    PROBLEM,
    by_charter,
    by_service,
    by_trip,
    group,
    plan,
    through,
    trip,
    van,
    with_group,
    with_service,
)

JOINT = Path(__file__).parents[2] / "benchmarks" / "joint"
WEEK = Rest(window_days=7, most_days=6, night_min=0)


def codes(problem: Problem, made: Plan) -> tuple[Code, ...]:
    """What the judge finds, after the problem went through a file."""
    again = problem_from_json(json.loads(json.dumps(problem_to_json(problem))))
    assert again == problem
    return judge(again, made).codes


def with_van(**changes: Any) -> Problem:
    """The problem with changes to its vehicle type, and two children alone in G, one in H."""
    kinds = (replace(PROBLEM.vehicle_types[0], **changes),)
    return replace(children(), vehicle_types=kinds)


def children(problem: Problem = PROBLEM, *, first: int = 2, second: int = 1) -> Problem:
    """Unaccompanied children in G and H."""
    groups = (replace(problem.groups[0], unaccompanied=first), replace(problem.groups[1], unaccompanied=second))
    return replace(problem, groups=groups)


def escorted(problem: Problem = PROBLEM, **changes: Any) -> Problem:
    """The problem with an escort for G."""
    return with_group(problem, escorts=1, escort_pool="E", **changes)


# ---- children alone (R14) -----------------------------------------------------------------------------


@pytest.mark.parametrize(("most", "expected"), [(None, ()), (3, ()), (2, (Code.UNACCOMPANIED,))])
def test_no_more_unaccompanied_children_in_a_vehicle_than_its_type_may_carry(
    most: int | None, expected: tuple[Code, ...]
) -> None:
    both = plan(van("V", (1, "AC")), G=(through(1),), H=(through(1),))

    assert codes(with_van(unaccompanied_max=most), both) == (expected * 2)  # On each of the two segments.


def test_unaccompanied_children_are_counted_segment_by_segment() -> None:
    problem = replace(with_van(unaccompanied_max=2), groups=(replace(children().groups[0]), group("H", origin="B")))
    problem = replace(problem, groups=(problem.groups[0], replace(problem.groups[1], persons=2, unaccompanied=2)))
    made = plan(
        van("V", (1, "AC")), G=(by_trip("AC", 1), by_service("coach-BC", 2)), H=(by_trip("AC", 1, board=1, alight=2),)
    )

    assert codes(problem, made) == ()


@pytest.mark.parametrize(("most", "expected"), [(3, ()), (2, (Code.UNACCOMPANIED,))])
def test_no_more_unaccompanied_children_on_a_departure_than_it_may_carry(most: int, expected: tuple[Code, ...]) -> None:
    by_air = plan(G=(by_service("fly-AC", 0),), H=(by_service("fly-AC", 0),))
    chartered = plan(G=(by_charter(0),), H=(by_charter(0),))
    charters = tuple(replace(row, unaccompanied_max=most) for row in PROBLEM.charters)

    assert codes(children(with_service("fly-AC", unaccompanied_max=most)), by_air) == expected
    assert codes(children(replace(PROBLEM, charters=charters)), chartered) == expected


def test_each_aircraft_has_its_own_limit() -> None:
    charters = tuple(replace(row, unaccompanied_max=2, min_load=1, max_per_day=2) for row in PROBLEM.charters)
    apart = plan(G=(by_charter(0),), H=(by_charter(0, aircraft=1),))

    assert codes(children(replace(PROBLEM, charters=charters)), apart) == ()


# ---- escorts (R13) ------------------------------------------------------------------------------------


@pytest.mark.parametrize(("women", "expected"), [(1, ()), (0, (Code.ESCORT_SEX,) * 2)])
def test_escorts_who_have_to_be_women_are_that_many(women: int, expected: tuple[Code, ...]) -> None:
    pool = EscortPool(id="E", available=2, women=(women,) * 5, men=(2 - women,) * 5)
    problem = replace(escorted(escort_women=1), escort_pools=(pool,))

    # Day 1 under way, day 2 on the way back.
    assert codes(problem, plan(van("V", (1, "AC")), G=(through(1),))) == expected


def test_escorts_who_have_to_be_men_are_that_many_on_each_day() -> None:
    pool = EscortPool(id="E", available=2, women=None, men=(0, 1, 1, 0, 0))
    problem = replace(escorted(escort_men=1), escort_pools=(pool,))

    assert codes(problem, plan(van("V", (1, "AC")), G=(through(1),))) == ()
    assert codes(problem, plan(van("V", (2, "AC")), G=(through(2),))) == (Code.ESCORT_SEX,)


@pytest.mark.parametrize(("seats", "expected"), [(None, ()), (1, ()), (0, (Code.ESCORT_RETURN,))])
def test_escorts_on_a_departure_have_seats_back(seats: int | None, expected: tuple[Code, ...]) -> None:
    charters = tuple(replace(row, escort_returns=seats, min_load=1) for row in PROBLEM.charters)

    assert codes(escorted(with_service("fly-AC", escort_returns=seats)), plan(G=(by_service("fly-AC", 0),))) == expected
    assert codes(escorted(replace(PROBLEM, charters=charters)), plan(G=(by_charter(0),))) == expected


def test_escorts_keep_their_seats_in_the_vehicle_that_brings_them_home() -> None:
    problem = replace(escorted(), trips=(*PROBLEM.trips, trip("CA", "C", "B", "A", crossings=(("Y",), ("X",)))))
    back = group("H", persons=5, origin="C", destination="A")
    made = plan(
        van("V", (0, "AC"), (1, "CA")),
        G=(through(0),),
        H=(Leg(kind="trip", row_id="CA", day=1, vehicle="V", alight=2),),
    )
    full = replace(problem, groups=(problem.groups[0], back))
    room = replace(problem, groups=(problem.groups[0], replace(back, persons=4)))

    assert codes(full, made) == ()
    assert codes(replace(full, escorts_keep_seats=1), made) == (Code.SEATS,) * 2
    assert codes(replace(room, escorts_keep_seats=1), made) == ()
    # With no day to come home on, the seat is not theirs.
    assert codes(replace(full, escorts_keep_seats=1, escort_return_days=0), made) == ()


# ---- drivers (R20) ------------------------------------------------------------------------------------


def long(days: int, **changes: Any) -> Problem:
    """The problem over more days, everything running on each of them."""
    daily = "1" * days
    return replace(
        PROBLEM,
        horizon_days=days,
        crossings=tuple(replace(row, quota=(30,) * days) for row in PROBLEM.crossings),
        trips=tuple(replace(row, days=daily, vulnerable_days=daily) for row in PROBLEM.trips),
        services=tuple(replace(row, days=daily, vulnerable_days=daily) for row in PROBLEM.services),
        charters=tuple(replace(row, days=daily) for row in PROBLEM.charters),
        **changes,
    )


def to_and_fro(*days: int) -> Plan:
    """A van between A and B, empty."""
    return plan(van("V", *((day, ("AB", "BA")[number % 2]) for number, day in enumerate(days))))


def test_a_vehicle_rests_on_a_day_of_the_week() -> None:
    assert codes(long(9, rest=WEEK), to_and_fro(0, 1, 2, 3, 4, 5)) == ()
    assert codes(long(9, rest=WEEK), to_and_fro(0, 1, 2, 3, 4, 5, 7, 8)) == ()
    assert codes(long(9, rest=WEEK), to_and_fro(1, 2, 3, 4, 5, 6, 7)) == (Code.VEHICLE_REST,)
    assert codes(long(9), to_and_fro(1, 2, 3, 4, 5, 6, 7)) == ()


def test_days_of_rest_are_counted_in_every_window() -> None:
    three_of_five = Rest(window_days=5, most_days=3, night_min=0)

    assert codes(long(9, rest=three_of_five), to_and_fro(0, 1, 2, 5, 6, 7)) == ()
    assert codes(long(9, rest=three_of_five), to_and_fro(0, 2, 3, 4, 6)) == (Code.VEHICLE_REST,)


@pytest.mark.parametrize(("now", "expected"), [(5, (Code.VEHICLE_REST,)), (7, ())])
def test_days_before_now_count_but_are_not_judged(now: int, expected: tuple[Code, ...]) -> None:
    before = to_and_fro(0, 1, 2, 3, 4, 5, 6)
    replan = Replan(now_day=now, previous=before, change_cents=0, locked_groups=())

    assert codes(long(9, rest=WEEK, replan=replan), before) == expected


def test_a_vehicle_stands_long_enough_between_two_days() -> None:
    # AB arrives at 570 and BA leaves at 360 on the next day: 1230 minutes.
    enough, too_long = (Rest(window_days=1, most_days=1, night_min=least) for least in (1230, 1231))

    assert codes(replace(PROBLEM, rest=enough), to_and_fro(0, 1)) == ()
    assert codes(replace(PROBLEM, rest=too_long), to_and_fro(0, 1)) == (Code.VEHICLE_NIGHT,)
    assert codes(replace(PROBLEM, rest=too_long), to_and_fro(0, 2)) == ()


# ---- files --------------------------------------------------------------------------------------------


def test_a_problem_is_written_in_version_2_only_if_version_1_cannot_say_it() -> None:
    assert problem_to_json(PROBLEM)["format"] == PROBLEM_FORMAT
    assert problem_to_json(children())["format"] == PROBLEM_FORMAT_2
    assert problem_to_json(replace(PROBLEM, rest=WEEK))["format"] == PROBLEM_FORMAT_2
    assert problem_to_json(replace(PROBLEM, escorts_keep_seats=1))["format"] == PROBLEM_FORMAT_2


@pytest.mark.parametrize("seed", range(5))
def test_a_file_of_version_1_says_nothing_of_version_2(seed: int) -> None:
    document = problem_to_json(random_problem(seed))
    spoilt = json.loads(json.dumps(document))
    spoilt["rest"] = {"window_days": "x"}
    for row in (*spoilt["groups"], *spoilt["services"], *spoilt["vehicle_types"]):
        row |= {"unaccompanied": -1, "escort_returns": 0, "unaccompanied_max": 0, "escort_women": 99}

    assert problem_to_json(problem_from_json(spoilt)) == document


def test_faults_of_version_2_are_told_all_at_once() -> None:
    document = problem_to_json(replace(children(), rest=WEEK))
    document["rest"] = {"window_days": 3, "most_days": 4, "night_min": 1441}
    document["groups"][0] |= {"unaccompanied": 4, "escort_women": 1}
    document["escort_pools"][0]["women"] = [1]
    document["services"][0]["escort_returns"] = -1
    document["escorts_keep_seats"] = 2

    with pytest.raises(InputError) as caught:
        problem_from_json(document)

    assert sorted(fault.column for fault in caught.value.faults) == [
        "escort_pools[0].women",
        "escorts_keep_seats",
        "groups[0].escort_women",
        "groups[0].unaccompanied",
        "rest.most_days",
        "rest.night_min",
        "services[0].escort_returns",
    ]


def test_a_plan_has_the_same_form_in_both_versions() -> None:
    made = plan(van("V", (1, "AC")), G=(through(1),))

    assert plan_to_json(made)["format"] == "retorno-joint-plan/1"
    assert codes(replace(PROBLEM, rest=WEEK), made) == ()


# ---- the search ---------------------------------------------------------------------------------------


def random_version_2(seed: int, *, replan: bool = False, days: int = 6) -> Problem:
    """A small random problem with the keys of version 2."""
    problem = random_problem(seed, group_count=9, horizon_days=days, site_count=5, replan=replan)
    return problem_from_json(with_version_2(problem_to_json(problem), seed))


@pytest.mark.parametrize(("seed", "replan"), [(0, False), (1, False), (2, False), (3, False), (1, True), (2, True)])
def test_plans_of_version_2_pass_the_judge(seed: int, replan: bool) -> None:
    problem = random_version_2(seed, replan=replan)

    result = solve(problem, Settings(seconds=5.0, seed=seed, max_rounds=40))

    assert result.failures == ()
    assert judge(problem, result.plan).violations == ()
    assert result.bound_cents is None or result.bound_cents <= result.value_cents


@pytest.mark.long
@pytest.mark.parametrize("seed", range(200))
def test_many_plans_of_version_2_pass_the_judge(seed: int) -> None:
    problem = random_version_2(seed, replan=seed % 3 == 0, days=(5, 9, 12)[seed % 3])
    settings = Settings(seconds=5.0, seed=seed, max_rounds=60)

    try:
        result = solve(problem, settings)
    except Refused:
        assert problem.replan is not None
        return

    assert result.failures == ()
    assert judge(problem, result.plan).violations == ()


def shuttle(*, rest: Rest | None) -> Problem:
    """Three families who can only go on days 0, 1 and 2, to and fro in the only van."""
    families = (
        group("G0", origin="A", destination="B", ready_day=0, latest_day=0),
        group("G1", origin="B", destination="A", ready_day=1, latest_day=1),
        group("G2", origin="A", destination="B", ready_day=2, latest_day=2),
    )
    depots = (replace(PROBLEM.depots[0], own={"van": 1}, hire_max={}),)
    return replace(PROBLEM, groups=families, depots=depots, services=(), charters=(), rest=rest)


def unplanned(problem: Problem) -> int:
    """Groups left out of the plan that the search finds; the judge accepts it."""
    made = solve(problem, Settings(seconds=10.0, seed=1, max_rounds=30)).plan
    assert judge(problem, made).violations == ()
    return len(problem.groups) - len(made.itineraries)


def test_the_search_lets_drivers_rest() -> None:
    tired = Rest(window_days=3, most_days=2, night_min=0)

    assert unplanned(shuttle(rest=None)) == 0
    assert unplanned(shuttle(rest=replace(tired, most_days=3))) == 0
    assert unplanned(shuttle(rest=tired)) == 1
    # From 570 to 360 on the next day are 1230 minutes: no two days may follow each other, not even with an empty van,
    # so that one family travels at most.
    assert unplanned(shuttle(rest=replace(tired, most_days=3, night_min=1230))) == 0
    assert unplanned(shuttle(rest=replace(tired, most_days=3, night_min=1231))) == 2


def test_the_search_counts_unaccompanied_children() -> None:
    def problem(most: int | None) -> Problem:
        kinds = (replace(PROBLEM.vehicle_types[0], unaccompanied_max=most),)
        depots = (replace(PROBLEM.depots[0], own={"van": 1}, hire_max={}),)
        dated = tuple(replace(each, latest_day=0) for each in children().groups)
        return replace(PROBLEM, groups=dated, vehicle_types=kinds, depots=depots, services=(), charters=())

    assert unplanned(problem(None)) == 0
    assert unplanned(problem(3)) == 0
    assert unplanned(problem(2)) == 1


def test_the_search_counts_women_and_seats_back() -> None:
    def problem(women: int, seats_back: int | None) -> Problem:
        pools = (EscortPool(id="E", available=2, women=(women,) * 5, men=None),)
        only = tuple(replace(row, escort_returns=seats_back) for row in PROBLEM.services if row.id == "fly-AC")
        both = tuple(
            replace(each, persons=1, latest_day=0, escorts=1, escort_pool="E", escort_women=1)
            for each in PROBLEM.groups
        )
        return replace(
            PROBLEM, groups=both, services=only, escort_pools=pools, charters=(), trips=(), depots=(), vehicle_types=()
        )

    assert unplanned(problem(2, None)) == 0
    assert unplanned(problem(1, None)) == 1
    assert unplanned(problem(2, 2)) == 0
    assert unplanned(problem(2, 1)) == 1


@pytest.mark.long
def test_a_twin_of_a_whole_week_is_solved() -> None:
    document = json.loads(gzip.decompress((JOINT / "week40.json.gz").read_bytes()))
    problem = problem_from_json(with_version_2(document, 1))

    result = solve(problem, Settings(seconds=20.0, seed=1))

    assert result.failures == ()
    assert judge(problem, result.plan).violations == ()


# ---- why a group is unplanned -------------------------------------------------------------------------


def by_air_only(problem: Problem) -> Problem:
    """The problem with group G alone and the flight from A to C alone."""
    return replace(
        problem,
        groups=problem.groups[:1],
        services=tuple(row for row in problem.services if row.id == "fly-AC"),
        trips=(),
        charters=(),
    )


def why(problem: Problem, made: Plan | None = None) -> Unplanned:
    """The explanation of the one unplanned group; the change it names is made and plans it."""
    (found,) = explain(problem, made or EMPTY_PLAN(problem))
    if found.changes:
        changed = with_changes(problem, found.changes)
        assert judge(changed, with_explained(made or EMPTY_PLAN(problem), found)).violations == ()
    return found


def test_too_few_women_among_the_escorts_is_the_reason() -> None:
    pool = EscortPool(id="E", available=2, women=(0,) * 5, men=(2,) * 5)

    found = why(replace(by_air_only(escorted(escort_women=1)), escort_pools=(pool,)))

    assert found.reasons == (Reason.NO_ESCORT,)
    assert {(each.code, each.ids, each.amount) for each in found.changes} == {(Relaxation.ESCORT_WOMEN, ("E",), 1)}


def test_no_seat_back_is_the_reason() -> None:
    found = why(by_air_only(escorted(with_service("fly-AC", escort_returns=0))))

    assert found.reasons == (Reason.NO_RETURN_SEAT,)
    assert [(each.code, each.ids, each.amount) for each in found.changes] == [
        (Relaxation.ESCORT_RETURNS, ("fly-AC",), 1)
    ]


def test_too_many_children_alone_is_a_reason_and_no_change_loosens_it() -> None:
    found = why(by_air_only(children(with_service("fly-AC", unaccompanied_max=1))))

    assert found.reasons == (Reason.UNACCOMPANIED_FULL,)
    assert (found.changes, found.legs) == ((), ())


def test_drivers_who_have_to_rest_are_the_reason_and_a_day_later_they_may_drive() -> None:
    problem = shuttle(rest=Rest(window_days=3, most_days=2, night_min=0))
    made = plan(van("V", (0, "AB"), (1, "BA")), G0=(by_trip("AB", 0),), G1=(by_trip("BA", 1),))

    found = why(problem, made)

    assert Reason.DRIVERS_REST in found.reasons
    # Of days 1, 2 and 3 the van has moved on day 1 only.
    assert [(each.code, each.amount) for each in found.changes] == [(Relaxation.LATEST_DAY, 1)]


def test_on_random_problems_of_version_2_every_change_plans_its_group() -> None:
    seen: set[Reason] = set()
    for seed in range(40):
        problem = random_version_2(seed)
        made = random_plan(problem, seed)
        if not judge(problem, made).is_valid:
            continue
        for found in explain(problem, made):
            seen.update(found.reasons)
            if found.legs:
                after = judge(with_changes(problem, found.changes), with_explained(made, found))
                assert after.violations == (), (seed, found)

    assert {Reason.UNACCOMPANIED_FULL, Reason.NO_RETURN_SEAT, Reason.DRIVERS_REST} <= seen
