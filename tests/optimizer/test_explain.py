"""Why not: each reason alone, the smallest change, and that the change really plans the group."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from retorno.errors import InputError
from retorno.optimizer.check import judge
from retorno.optimizer.explain import Change, Reason, Relaxation, Unplanned, explain, with_changes, with_explained
from retorno.optimizer.problem import EMPTY_PLAN, Depot, EscortPool, Plan, Problem, Replan
from tests.optimizer.oracle import optimum
from tests.optimizer.random_problems import random_plan, random_problem, tiny_problem
from tests.optimizer.test_constraints import (
    PROBLEM,
    by_charter,
    by_service,
    by_trip,
    group,
    plan,
    service,
    through,
    van,
)

# One van, one way: trip AC on days 1 and 3. No flights, no charters.
ROAD = replace(
    PROBLEM,
    services=(),
    charters=(),
    trips=tuple(replace(trip, days="01010", vulnerable_days="01010") for trip in PROBLEM.trips if trip.id == "AC"),
    depots=(Depot(site="A", own={"van": 1}, hire_max={}),),
    groups=(group("G", latest_day=1), group("H", persons=4, latest_day=1)),
)
# One seat for sale: flight AC on days 1 and 3; nothing drives.
AIR = replace(
    PROBLEM,
    trips=(),
    charters=(),
    services=(service("fly-AC", "flight", "A", "C", 540, 700),),
    groups=(group("G", latest_day=1),),
)


def change(code: Relaxation, *ids: str, day: int | None = None, amount: int = 1) -> Change:
    return Change(code=code, ids=ids, day=day, amount=amount)


def explained(problem: Problem, made: Plan | None = None) -> Unplanned:
    """The explanation of the one unplanned group, after making sure that its change plans it."""
    made = EMPTY_PLAN(problem) if made is None else made
    assert judge(problem, made).is_valid
    (found,) = explain(problem, made)
    assert_change_plans_the_group(problem, made, found)
    return found


def assert_change_plans_the_group(problem: Problem, made: Plan, found: Unplanned) -> None:
    if not found.legs:
        assert found.changes == ()
        return
    after = judge(with_changes(problem, found.changes), with_explained(made, found))
    assert after.is_valid, (found, after.violations)
    others = set(made.itineraries) - {found.group_id}
    assert all(with_explained(made, found).itineraries[name] == made.itineraries[name] for name in others)
    if found.changes:
        # Without the change it would not do.
        assert not judge(problem, with_explained(made, found)).is_valid


def only(problem: Problem, **changes: Any) -> Problem:
    """The problem with its first group alone, changed."""
    return replace(problem, groups=(replace(problem.groups[0], **changes),))


def test_nothing_to_explain_when_all_are_planned() -> None:
    assert explain(ROAD, plan(van("V", (1, "AC")), G=(through(1),), H=(through(1),))) == ()


def test_room_left_is_said_and_shown() -> None:
    found = explained(only(ROAD))

    assert (found.reasons, found.changes) == ((Reason.ROOM_LEFT,), ())
    assert found.legs == (through(1, "X0"),)
    assert found.vehicles == (van("X0", (1, "AC")),)


def test_two_more_seats_on_the_trip_of_that_day() -> None:
    found = explained(ROAD, plan(van("V", (1, "AC")), G=(through(1),)))

    # Three of five seats are taken, H are four. Hiring one more van would be the larger change.
    assert found.changes == (change(Relaxation.SEATS, "AC", "van", day=1, amount=2),)
    assert found.reasons == (Reason.NO_SEAT,)
    assert found.legs == (through(1),)


def test_a_later_last_day_where_the_date_keeps_them() -> None:
    problem = replace(ROAD, groups=(ROAD.groups[0], group("H", persons=1, latest_day=0)))

    found = explained(problem, plan(van("V", (1, "AC")), G=(through(1),)))

    assert found.reasons == (Reason.DATE_TOO_EARLY,)
    assert found.changes == (change(Relaxation.LATEST_DAY, "H", amount=1),)


def test_one_more_vehicle_where_there_is_none() -> None:
    problem = replace(only(ROAD), depots=(Depot(site="A", own={}, hire_max={}),))

    found = explained(problem)

    assert found.reasons == (Reason.NO_SEAT,)
    assert found.changes == (change(Relaxation.VEHICLES, "A", "van"),)


def test_a_group_larger_than_any_vehicle() -> None:
    found = explained(only(ROAD, persons=7))

    assert found.reasons == (Reason.GROUP_TOO_LARGE,)
    assert found.changes == (change(Relaxation.SEATS, "AC", "van", day=1, amount=2),)


def test_wheelchair_places() -> None:
    found = explained(only(ROAD, wheelchairs=3))

    assert found.reasons == (Reason.GROUP_TOO_LARGE,)
    assert found.changes == (change(Relaxation.WHEELCHAIRS, "AC", "van", day=1, amount=2),)


def test_seats_of_a_service() -> None:
    crowded = replace(AIR, groups=(*AIR.groups, group("H", persons=4, latest_day=4)))
    flights = (replace(AIR.services[0], days="01000", vulnerable_days="01000"),)

    found = explained(replace(crowded, services=flights), plan(H=(by_service("fly-AC", 1),)))

    # Four of five seats are taken, G are three.
    assert found.reasons == (Reason.NO_SEAT,)
    assert found.changes == (change(Relaxation.SEATS, "fly-AC", day=1, amount=2),)


def test_quota() -> None:
    crossings = (replace(ROAD.crossings[0], quota=(30, 1, 30, 30, 30)), ROAD.crossings[1])

    found = explained(replace(only(ROAD), crossings=crossings))

    assert found.reasons[0] == Reason.QUOTA_FULL
    assert found.changes == (change(Relaxation.QUOTA, "X", day=1, amount=2),)


def test_beds_under_way() -> None:
    flights = (
        service("fly-AB", "flight", "A", "B", 420, 510),
        replace(service("fly-BC", "flight", "B", "C", 400, 700), days="01000", vulnerable_days="01000"),
    )
    sites = tuple(replace(site, beds=1) for site in AIR.sites)

    found = explained(replace(AIR, services=flights, sites=sites))

    # By fly-AB on day 0, the night at B, by fly-BC on day 1.
    assert found.reasons == (Reason.NO_BED,)
    assert found.changes == (change(Relaxation.BEDS, "B", day=0, amount=2),)


def test_reception() -> None:
    sites = (*AIR.sites[:2], replace(AIR.sites[2], arrivals=(0, 2, 0, 0, 0)))

    found = explained(replace(AIR, sites=sites))

    assert found.reasons == (Reason.RECEPTION_FULL,)
    assert found.changes == (change(Relaxation.RECEPTION, "C", day=1, amount=1),)


def test_escorts() -> None:
    problem = replace(only(AIR, escorts=2, escort_pool="E"), escort_pools=(EscortPool(id="E", available=1),))

    found = explained(problem)

    assert found.reasons == (Reason.NO_ESCORT,)
    assert {(each.code, each.ids, each.amount) for each in found.changes} == {(Relaxation.ESCORTS, ("E",), 1)}


def test_a_group_with_escorts_but_no_pool_has_a_reason_and_no_change() -> None:
    found = explained(only(AIR, escorts=1))

    assert (found.reasons, found.changes, found.legs) == ((Reason.NO_ESCORT,), (), ())


def test_a_charter_that_too_few_would_fill() -> None:
    found = explained(replace(only(PROBLEM), trips=(), services=()))

    # Three persons, an aircraft flies from four.
    assert found.reasons == (Reason.CHARTER_NOT_FILLED,)
    assert found.changes == (change(Relaxation.CHARTER_LOAD, "whole-AC", day=0, amount=1),)


def test_a_seat_on_an_aircraft_that_flies_is_room() -> None:
    problem = replace(PROBLEM, trips=(), services=(), groups=(*PROBLEM.groups, group("K", persons=1)))

    found = explained(problem, plan(G=(by_charter(2),), H=(by_charter(2),)))

    assert found.reasons == (Reason.ROOM_LEFT,)
    assert found.legs == (by_charter(2),)


def test_barred_country() -> None:
    found = explained(only(ROAD, barred_countries=("GT", "SV")))

    assert found.reasons == (Reason.BARRED_COUNTRY,)
    assert found.changes == (change(Relaxation.TRANSIT, "G", "GT"),)


def test_stricter_hours() -> None:
    trips = tuple(replace(trip, vulnerable_days="00000") for trip in ROAD.trips)

    found = explained(replace(only(ROAD, vulnerable=1), trips=trips))

    assert found.reasons == (Reason.VULNERABLE_WINDOW,)
    assert found.changes == (change(Relaxation.VULNERABLE_DAY, "AC", day=1),)


def test_closed_crossing_and_cancelled_trip() -> None:
    closed = explained(replace(only(ROAD), closures=frozenset({("Y", 1)})))
    cancelled = explained(replace(only(ROAD), cancelled=frozenset({("AC", 1)})))

    # To wait until day 3, past the date, is the smaller change than to open a border.
    assert closed.reasons == (Reason.DATE_TOO_EARLY, Reason.CROSSING_CLOSED)
    assert closed.changes == (change(Relaxation.LATEST_DAY, "G", amount=2),)
    assert cancelled.reasons == (Reason.DATE_TOO_EARLY, Reason.CANCELLED)

    days = tuple(replace(trip, days="01000", vulnerable_days="01000") for trip in ROAD.trips)
    closed = explained(replace(only(ROAD), trips=days, closures=frozenset({("Y", 1), ("X", 3)})))
    assert closed.reasons == (Reason.CROSSING_CLOSED,)
    assert closed.changes == (change(Relaxation.OPEN_CROSSING, "Y", day=1),)


def test_journey_too_long() -> None:
    trips = (
        replace(PROBLEM.trips[1], days="10000", vulnerable_days="10000"),  # AB
        replace(PROBLEM.trips[2], days="00010", vulnerable_days="00010"),  # BC
    )

    found = explained(replace(only(PROBLEM, max_journey_days=2), trips=trips, services=(), charters=()))

    assert found.reasons == (Reason.JOURNEY_TOO_LONG,)
    assert found.changes == (change(Relaxation.JOURNEY_DAYS, "G", amount=1),)
    # One van carries them on both days.
    assert found.vehicles == (van("X0", (0, "AB"), (3, "BC")),)


def test_conflict_is_a_reason_and_never_relaxed() -> None:
    found = explained(
        replace(ROAD, conflicts=(("G", "H"),), groups=(ROAD.groups[0], group("H", persons=2, latest_day=1))),
        plan(van("V", (1, "AC")), G=(through(1),)),
    )

    assert Reason.CONFLICT in found.reasons
    # They may not ride together, and the depot has no other van.
    assert found.changes == (change(Relaxation.VEHICLES, "A", "van"),)
    assert found.legs == (through(1, "X0"),)


def test_no_route() -> None:
    found = explained(replace(only(ROAD), trips=()))

    assert (found.reasons, found.changes, found.legs) == ((Reason.NO_ROUTE,), (), ())


def test_too_few_days_left() -> None:
    found = explained(only(ROAD, ready_day=4, latest_day=9))

    assert (found.reasons, found.changes) == ((Reason.DATE_TOO_EARLY,), ())


def test_two_things_that_only_together_keep_a_group() -> None:
    sites = (*AIR.sites[:2], replace(AIR.sites[2], arrivals=(0, 2, 0, 0, 0)))
    flights = (replace(AIR.services[0], seats=1, days="01000", vulnerable_days="01000"),)

    found = explained(replace(AIR, sites=sites, services=flights))

    assert set(found.reasons) == {Reason.NO_SEAT, Reason.RECEPTION_FULL}
    assert found.changes == (
        change(Relaxation.RECEPTION, "C", day=1, amount=1),
        change(Relaxation.SEATS, "fly-AC", day=1, amount=2),
    )


def test_a_locked_group_is_locked_out() -> None:
    replan = Replan(now_day=0, previous=EMPTY_PLAN(AIR), change_cents=5, locked_groups=("G",))

    found = explained(replace(AIR, replan=replan))

    assert found.reasons == (Reason.LOCKED_OUT,)
    assert found.changes == (change(Relaxation.UNLOCK, "G"),)
    assert found.legs == (by_service("fly-AC", 0),)


def test_a_group_under_way_goes_on_from_where_it_stands() -> None:
    before = plan(van("V", (0, "AB"), (1, "BC")), G=(by_trip("AB", 0), by_trip("BC", 1)))
    cancelled = replace(
        only(PROBLEM),
        services=(),
        trips=PROBLEM.trips[1:],  # Not AC.
        cancelled=frozenset({("BC", 1)}),
        replan=Replan(now_day=1, previous=before, change_cents=5, locked_groups=()),
    )
    made = plan(van("V", (0, "AB")))

    (found,) = explain(cancelled, made)

    assert found.reasons == (Reason.ROOM_LEFT,)
    assert found.legs == (by_trip("AB", 0), by_trip("BC", 2))
    assert found.vehicles == (van("V", (0, "AB"), (2, "BC")),)
    assert judge(cancelled, with_explained(made, found)).is_valid


def test_only_the_groups_asked_for_are_explained_in_the_order_of_the_problem() -> None:
    problem = replace(ROAD, groups=tuple(group(name) for name in "KGHM"))

    found = explain(problem, EMPTY_PLAN(problem), group_ids={"M", "G"})

    assert [each.group_id for each in found] == ["G", "M"]


def test_a_change_of_something_unknown_is_refused() -> None:
    with pytest.raises(InputError, match="names Q"):
        with_changes(ROAD, [change(Relaxation.QUOTA, "Q", day=1)])


def test_on_random_problems_every_change_plans_its_group() -> None:
    seen: set[Reason] = set()
    changed = 0
    for seed in range(60):
        problem = random_problem(seed, group_count=9, replan=seed % 2 == 0)
        made = random_plan(problem, seed)
        if not judge(problem, made).is_valid:
            continue
        for found in explain(problem, made):
            assert_change_plans_the_group(problem, made, found)
            seen.update(found.reasons)
            changed += bool(found.changes)

    assert changed > 120
    # A line of sites has a route between any two.
    of_version_2 = {Reason.UNACCOMPANIED_FULL, Reason.NO_RETURN_SEAT, Reason.DRIVERS_REST}
    assert set(Reason) - of_version_2 - seen <= {Reason.NO_ROUTE, Reason.CONFLICT, Reason.JOURNEY_TOO_LONG}


def test_a_best_plan_leaves_no_room_for_the_unplanned() -> None:
    unplanned = 0
    for seed in range(40):
        problem = tiny_problem(seed)
        for found in explain(problem, optimum(problem)):
            # To be unplanned costs more than any journey here, so room left would have been used.
            assert Reason.ROOM_LEFT not in found.reasons, (seed, found)
            unplanned += 1

    assert unplanned > 20
