"""Each hard constraint alone: a legal plan, one at the limit, one beyond it; our judge and the referee alike.

The ground: A (MX, depot) - B (GT) - C (HN), crossings X between A and B, Y between B and C. The van has 5 seats
and 1 wheelchair place. Trip AC goes A, B, C in one day. Everything runs on all five days unless a test says so.
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from retorno.optimizer.check import Code, judge
from retorno.optimizer.problem import (
    Charter,
    Costs,
    Crossing,
    Depot,
    EscortPool,
    Group,
    Leg,
    Plan,
    PlannedVehicle,
    Problem,
    Replan,
    Service,
    Site,
    Trip,
    VehicleType,
    plan_to_json,
    problem_to_json,
)
from retorno.optimizer.verdict import VERSION_2
from tests.optimizer.referee import referee_says

DAILY = "11111"


def site(name: str, country: str) -> Site:
    return Site(id=name, country=country, lat=15.0, lon=-90.0, beds=5, arrivals=None)


def trip(name: str, *stops: str, crossings: tuple[tuple[str, ...], ...]) -> Trip:
    return Trip(
        id=name,
        stops=stops,
        depart_min=(360, 600, 840)[: len(stops)],
        arrive_min=(360, 570, 810)[: len(stops)],
        crossings=crossings,
        km=130,
        drivers=1,
        days=DAILY,
        vulnerable_days=DAILY,
    )


def service(name: str, mode: str, start: str, end: str, depart: int, arrive: int) -> Service:
    return Service(
        id=name,
        mode=mode,
        origin=start,
        destination=end,
        depart_min=depart,
        arrive_min=arrive,
        days=DAILY,
        vulnerable_days=DAILY,
        seats=5,
        fare_cents=3000,
        crossings=("Y",) if mode == "coach" else (),
    )


def group(name: str, **changes: Any) -> Group:
    plain = Group(
        id=name,
        persons=3,
        origin="A",
        destination="C",
        ready_day=0,
        latest_day=4,
        vulnerable=0,
        wheelchairs=0,
        escorts=0,
        escort_pool=None,
        barred_countries=(),
        wait_cents_per_day=1400,
        unplanned_cents=500_000,
    )
    return replace(plain, **changes)


PROBLEM = Problem(
    name="small",
    horizon_days=5,
    first_date="2026-03-02",
    clock_utc_offset_min=-360,
    transfer_min=90,
    max_journey_days=3,
    escort_return_days=1,
    costs=Costs(
        driver_day_cents=900,
        away_day_cents=700,
        bed_night_cents=210,
        escort_day_cents=1300,
        ride_minute_cents=1,
        boarding_cents=110,
    ),
    sites=(site("A", "MX"), site("B", "GT"), site("C", "HN")),
    crossings=(
        Crossing(id="X", countries=("MX", "GT"), quota=(30,) * 5),
        Crossing(id="Y", countries=("GT", "HN"), quota=(30,) * 5),
    ),
    closures=frozenset(),
    vehicle_types=(
        VehicleType(
            id="van",
            seats=5,
            wheelchairs=1,
            km_cents=3,
            day_cents=500,
            hire_cents=4100,
            return_cents={"B": 900, "C": 1700},
        ),
    ),
    depots=(Depot(site="A", own={"van": 2}, hire_max={"van": 1}),),
    trips=(
        trip("AC", "A", "B", "C", crossings=(("X",), ("Y",))),
        trip("AB", "A", "B", crossings=(("X",),)),
        trip("BC", "B", "C", crossings=(("Y",),)),
        trip("BA", "B", "A", crossings=(("X",),)),
    ),
    services=(
        service("fly-AC", "flight", "A", "C", 540, 700),
        service("fly-AB", "flight", "A", "B", 420, 510),
        service("fly-BC", "flight", "B", "C", 600, 700),
        service("fly-night", "flight", "A", "C", 1400, 1440 + 60),
        service("fly-CA", "flight", "C", "A", 800, 900),
        service("coach-BC", "coach", "B", "C", 700, 1000),
    ),
    charters=(
        Charter(
            id="whole-AC",
            origin="A",
            destination="C",
            depart_min=600,
            arrive_min=760,
            days=DAILY,
            seats=6,
            min_load=4,
            fixed_cents=15_000,
            max_per_day=2,
        ),
    ),
    cancelled=frozenset(),
    escort_pools=(EscortPool(id="E", available=2),),
    groups=(group("G"), group("H", persons=2)),
    conflicts=(),
)


def van(name: str, *moves: tuple[int, str], **changes: Any) -> PlannedVehicle:
    return replace(PlannedVehicle(id=name, type="van", depot="A", hired=False, moves=moves), **changes)


def by_trip(row_id: str, day: int, vehicle: str = "V", *, board: int = 0, alight: int = 1) -> Leg:
    return Leg(kind="trip", row_id=row_id, day=day, vehicle=vehicle, board=board, alight=alight)


def by_service(row_id: str, day: int) -> Leg:
    return Leg(kind="service", row_id=row_id, day=day)


def by_charter(day: int, aircraft: int = 0) -> Leg:
    return Leg(kind="charter", row_id="whole-AC", day=day, aircraft=aircraft)


def through(day: int, vehicle: str = "V") -> Leg:
    """The whole trip AC."""
    return by_trip("AC", day, vehicle, board=0, alight=2)


def plan(*vehicles: PlannedVehicle, **itineraries: tuple[Leg, ...]) -> Plan:
    return Plan(problem="small", vehicles=vehicles, itineraries=itineraries)


def with_group(problem: Problem = PROBLEM, **changes: Any) -> Problem:
    """The problem with changes to group G."""
    return replace(problem, groups=(replace(problem.groups[0], **changes), *problem.groups[1:]))


def with_site(name: str, **changes: Any) -> Problem:
    sites = (replace(each, **changes) if each.id == name else each for each in PROBLEM.sites)
    return replace(PROBLEM, sites=tuple(sites))


def with_service(name: str, **changes: Any) -> Problem:
    rows = (replace(each, **changes) if each.id == name else each for each in PROBLEM.services)
    return replace(PROBLEM, services=tuple(rows))


def with_trip(name: str, **changes: Any) -> Problem:
    rows = (replace(each, **changes) if each.id == name else each for each in PROBLEM.trips)
    return replace(PROBLEM, trips=tuple(rows))


def codes(problem: Problem, made: Plan) -> tuple[str, ...]:
    """What our judge finds, after making sure that the referee finds the same."""
    verdict = judge(problem, made)
    problem_document = json.loads(json.dumps(problem_to_json(problem)))
    found, figures = referee_says(problem_document, json.loads(json.dumps(plan_to_json(made))))
    assert verdict.codes == found
    assert verdict.value_cents == figures["total"]
    return verdict.codes


DRIVEN = plan(van("V", (1, "AC")), G=(through(1),))


def test_the_ground_of_these_tests_has_a_legal_plan() -> None:
    assert codes(PROBLEM, DRIVEN) == ()


def test_header() -> None:
    assert codes(PROBLEM, replace(DRIVEN, problem="other")) == (Code.HEADER,)


# ---- vehicles -----------------------------------------------------------------------------------------


def test_a_vehicle_is_listed_once() -> None:
    twice = replace(DRIVEN, vehicles=(*DRIVEN.vehicles, van("W"), van("W")))

    assert codes(PROBLEM, twice) == (Code.VEHICLE_TWICE,)


@pytest.mark.parametrize("changes", [{"type": "ship"}, {"depot": "B"}])
def test_type_and_depot_of_a_vehicle_are_known(changes: dict[str, str]) -> None:
    assert codes(PROBLEM, plan(van("V", (1, "AC"), **changes))) == (Code.VEHICLE_UNKNOWN,)


def test_trips_of_a_vehicle_are_known() -> None:
    assert codes(PROBLEM, plan(van("V", (0, "AC"), (1, "nowhere")))) == (Code.TRIP_UNKNOWN,)


def test_moves_are_on_increasing_days() -> None:
    assert codes(PROBLEM, plan(van("V", (0, "AB"), (1, "BA"), (2, "AB")))) == ()
    assert codes(PROBLEM, plan(van("V", (0, "AB"), (1, "BA"), (1, "AB")))) == (Code.VEHICLE_DAYS,)
    assert codes(PROBLEM, plan(van("V", (2, "AB"), (1, "BA")))) == (Code.VEHICLE_DAYS,)


def test_a_vehicle_starts_at_its_depot_and_goes_on_from_where_it_is() -> None:
    assert codes(PROBLEM, plan(van("V", (0, "BC")))) == (Code.VEHICLE_PLACE,)
    assert codes(PROBLEM, plan(van("V", (0, "AB"), (3, "BC")))) == ()
    assert codes(PROBLEM, plan(van("V", (0, "AB"), (3, "AB")))) == (Code.VEHICLE_PLACE,)


def test_a_vehicle_ends_where_it_can_be_brought_home_from() -> None:
    van_type = replace(PROBLEM.vehicle_types[0], return_cents={"B": 900})
    problem = replace(PROBLEM, vehicle_types=(van_type,))

    assert codes(problem, plan(van("V", (0, "AB")))) == ()
    assert codes(problem, plan(van("V", (0, "AB"), (1, "BC")))) == (Code.VEHICLE_END,)


def test_a_vehicle_moves_only_when_the_trip_runs() -> None:
    problem = with_trip("AB", days="11110", vulnerable_days="11110")

    assert codes(problem, plan(van("V", (3, "AB")))) == ()
    assert codes(problem, plan(van("V", (4, "AB")))) == (Code.TRIP_NOT_RUN,)
    assert codes(problem, plan(van("V", (5, "AB")))) == (Code.TRIP_NOT_RUN,)
    assert codes(replace(PROBLEM, cancelled=frozenset({("AB", 2)})), plan(van("V", (2, "AB")))) == (Code.TRIP_NOT_RUN,)
    assert codes(replace(PROBLEM, closures=frozenset({("X", 2)})), plan(van("V", (2, "AB")))) == (Code.TRIP_NOT_RUN,)


def test_a_day_before_the_first_is_refused() -> None:
    # Day -1 also does not follow "no move yet", which stands for day -1.
    assert codes(PROBLEM, plan(van("V", (-1, "AB")))) == (Code.TRIP_NOT_RUN, Code.VEHICLE_DAYS)


def test_no_more_vehicles_than_the_fleet() -> None:
    two = (van("V", (0, "AB")), van("W", (0, "AB")))
    hired = replace(van("H1", (0, "AB")), hired=True)

    assert codes(PROBLEM, plan(*two, hired)) == ()
    assert codes(PROBLEM, plan(*two, van("U"))) == ()  # A vehicle without a move is not used.
    assert codes(PROBLEM, plan(*two, van("U", (0, "AB")))) == (Code.FLEET,)
    assert codes(PROBLEM, plan(hired, replace(hired, id="H2"))) == (Code.FLEET,)


# ---- groups -------------------------------------------------------------------------------------------


def test_groups_are_known() -> None:
    assert codes(PROBLEM, plan(Z=(by_service("fly-AC", 0),))) == (Code.GROUP_UNKNOWN,)


def test_legs_are_known() -> None:
    for leg in (
        by_trip("nowhere", 0),
        by_service("nowhere", 0),
        Leg(kind="charter", row_id="nowhere", day=0),
        by_trip("AC", 0, board=1, alight=1),
        by_trip("AC", 0, board=0, alight=3),
        by_trip("AC", 0, board=-1, alight=1),
    ):
        assert codes(PROBLEM, plan(van("V", (0, "AC")), G=(leg,))) == (Code.LEG_UNKNOWN,)


def test_what_was_booked_before_an_unknown_leg_still_counts() -> None:
    crowded = plan(van("V", (0, "AB")), G=(by_trip("AB", 0), by_service("nowhere", 1)), H=(by_trip("AB", 0),))
    problem = with_group(persons=4)

    assert codes(problem, crowded) == (Code.LEG_UNKNOWN, Code.NOT_HOME, Code.SEATS)


def test_each_leg_starts_where_the_group_is() -> None:
    made = plan(van("V", (0, "AB"), (1, "BC")), G=(by_trip("BC", 1),))

    assert codes(PROBLEM, made) == (Code.LEG_PLACE,)


def test_the_last_leg_ends_at_the_destination() -> None:
    assert codes(PROBLEM, plan(van("V", (0, "AB")), G=(by_trip("AB", 0),))) == (Code.NOT_HOME,)


def test_nobody_travels_on_from_the_destination() -> None:
    made = plan(G=(by_service("fly-AC", 0), by_service("fly-CA", 1), by_service("fly-AC", 2)))

    assert codes(PROBLEM, made) == (Code.PAST_DESTINATION,)


def test_each_leg_runs_on_its_day() -> None:
    problem = with_service("fly-AC", days="01000", vulnerable_days="01000")

    assert codes(problem, plan(G=(by_service("fly-AC", 1),))) == ()
    assert codes(problem, plan(G=(by_service("fly-AC", 2),))) == (Code.LEG_NOT_RUN,)
    cancelled = replace(PROBLEM, cancelled=frozenset({("fly-AC", 1)}))
    assert codes(cancelled, plan(G=(by_service("fly-AC", 1),))) == (Code.LEG_NOT_RUN,)
    # A closed crossing stops the coach through it and the whole trip, also for those who alight before it.
    closed = replace(PROBLEM, closures=frozenset({("Y", 1)}))
    by_coach = plan(G=(by_service("fly-AB", 0), by_service("coach-BC", 1)))
    assert codes(PROBLEM, by_coach) == ()
    assert codes(closed, by_coach) == (Code.LEG_NOT_RUN,)
    halfway = plan(van("V", (1, "AC")), G=(by_trip("AC", 1), by_service("fly-BC", 2)))
    assert codes(PROBLEM, halfway) == ()
    assert codes(closed, halfway) == (Code.LEG_NOT_RUN, Code.TRIP_NOT_RUN)


def test_vulnerable_groups_travel_inside_the_stricter_hours() -> None:
    problem = with_trip("AC", vulnerable_days="10111")

    assert codes(problem, DRIVEN) == ()
    assert codes(with_group(problem, vulnerable=1), DRIVEN) == (Code.VULNERABLE_HOURS,)
    later = plan(van("V", (2, "AC")), G=(through(2),))
    assert codes(with_group(problem, vulnerable=1), later) == ()
    by_air = plan(G=(by_charter(1),), H=(by_charter(1),))
    assert codes(with_group(vulnerable=1), by_air) == ()


def test_nobody_leaves_before_the_ready_day() -> None:
    assert codes(with_group(ready_day=1), DRIVEN) == ()
    assert codes(with_group(ready_day=2), DRIVEN) == (Code.NOT_READY,)


def test_arrival_by_the_latest_day_and_inside_the_horizon() -> None:
    by_night = plan(G=(by_service("fly-night", 3),))  # Arrives on day 4.

    assert codes(with_group(latest_day=4), by_night) == ()
    assert codes(with_group(latest_day=3), by_night) == (Code.TOO_LATE,)
    too_far = plan(G=(by_service("fly-night", 4),))
    assert codes(with_group(latest_day=9), too_far) == (Code.TOO_LATE,)


def test_a_journey_takes_no_more_days_than_allowed() -> None:
    def waiting(until: int) -> Plan:
        return plan(van("V", (0, "AB"), (until, "BC")), G=(by_trip("AB", 0), by_trip("BC", until)))

    assert codes(PROBLEM, waiting(1)) == ()
    assert codes(PROBLEM, waiting(3)) == ()
    assert codes(PROBLEM, waiting(4)) == (Code.JOURNEY_TOO_LONG,)
    assert codes(with_group(max_journey_days=2), waiting(3)) == (Code.JOURNEY_TOO_LONG,)
    assert codes(with_group(max_journey_days=4), waiting(4)) == ()


def test_enough_minutes_between_two_legs() -> None:
    # fly-AB arrives at 510, fly-BC leaves at 600: 90 minutes.
    made = plan(G=(by_service("fly-AB", 0), by_service("fly-BC", 0)))

    assert codes(replace(PROBLEM, transfer_min=89), made) == ()
    assert codes(replace(PROBLEM, transfer_min=90), made) == ()
    assert codes(replace(PROBLEM, transfer_min=91), made) == (Code.TRANSFER,)


def test_transfer_counts_across_midnight() -> None:
    def made(depart_day: int) -> Plan:
        return plan(G=(by_service("fly-late", 0), by_service("fly-CA", depart_day)))

    late = service("fly-late", "flight", "A", "C", 1400, 1440 + 800)
    problem = with_group(replace(PROBLEM, services=(*PROBLEM.services, late)), destination="A", origin="A")

    # Arrives on day 1 at 800; fly-CA leaves on day 1 at 800, on day 2 a whole day later.
    first_leg_from_home = (Code.PAST_DESTINATION,)
    assert codes(problem, made(2)) == first_leg_from_home
    assert codes(problem, made(1)) == (*first_leg_from_home, Code.TRANSFER)


def test_one_land_leg_a_day_and_none_after_a_flight_of_that_day() -> None:
    after_flight = plan(G=(by_service("fly-AB", 0), by_service("coach-BC", 0)))
    assert codes(PROBLEM, after_flight) == (Code.LAND_LEG_SECOND,)

    next_day = plan(G=(by_service("fly-AB", 0), by_service("coach-BC", 1)))
    assert codes(PROBLEM, next_day) == ()

    # AB arrives at 570, fly-BC leaves at 600; with 30 minutes of transfer a flight may follow a trip.
    flight_after_land = plan(van("V", (0, "AB")), G=(by_trip("AB", 0), by_service("fly-BC", 0)))
    assert codes(replace(PROBLEM, transfer_min=30), flight_after_land) == ()


def test_a_trip_leg_rides_a_vehicle_that_runs_that_trip_that_day() -> None:
    for vehicle in (van("V", (2, "AC")), van("W", (1, "AC")), van("V", (1, "AB"))):
        assert codes(PROBLEM, plan(vehicle, G=(through(1),))) == (Code.NO_SUCH_MOVE,)


def test_no_crossing_touches_a_barred_country() -> None:
    assert codes(with_group(barred_countries=("SV",)), DRIVEN) == ()
    assert codes(with_group(barred_countries=("GT",)), DRIVEN) == (Code.BARRED_COUNTRY,)
    # Even the own country, when a ridden crossing touches it.
    assert codes(with_group(barred_countries=("HN",)), DRIVEN) == (Code.BARRED_COUNTRY,)


def test_no_flight_lands_in_a_barred_country_unless_it_is_home() -> None:
    stopover = plan(G=(by_service("fly-AB", 0), by_service("fly-BC", 0)))

    assert codes(with_group(barred_countries=("GT",)), stopover) == (Code.BARRED_COUNTRY,)
    assert codes(with_group(barred_countries=("HN",)), stopover) == ()
    chartered = plan(G=(by_charter(0),), H=(by_charter(0),))
    assert codes(with_group(barred_countries=("HN",)), chartered) == ()


# ---- capacities ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(("persons", "expected"), [(2, ()), (3, ()), (4, (Code.SEATS, Code.SEATS))])
def test_seats_per_segment(persons: int, expected: tuple[Code, ...]) -> None:
    # Both ride both segments.
    made = plan(van("V", (1, "AC")), G=(through(1),), H=(through(1),))

    assert codes(with_group(persons=persons), made) == expected


def test_seats_left_at_a_stop_are_free_for_the_next() -> None:
    problem = replace(PROBLEM, groups=(group("G", persons=5, destination="B"), group("H", persons=5, origin="B")))
    made = plan(van("V", (1, "AC")), G=(by_trip("AC", 1),), H=(by_trip("AC", 1, board=1, alight=2),))

    assert codes(problem, made) == ()


def test_escorts_take_seats() -> None:
    made = plan(van("V", (1, "AC")), G=(through(1),), H=(through(1),))
    escorted = {"escorts": 1, "escort_pool": "E"}

    assert codes(with_group(persons=2, **escorted), made) == ()
    assert codes(with_group(persons=3, **escorted), made) == (Code.SEATS, Code.SEATS)


@pytest.mark.parametrize(("wheelchairs", "expected"), [(0, ()), (1, ()), (2, (Code.WHEELCHAIRS,))])
def test_wheelchair_places(wheelchairs: int, expected: tuple[Code, ...]) -> None:
    made = plan(van("V", (0, "AB"), (1, "BC")), G=(by_trip("AB", 0), by_service("fly-BC", 1)))

    assert codes(with_group(wheelchairs=wheelchairs), made) == expected


@pytest.mark.parametrize(("quota", "expected"), [(9, ()), (5, ()), (4, (Code.QUOTA,))])
def test_quota_counts_both_vehicles_and_coaches(quota: int, expected: tuple[Code, ...]) -> None:
    # G (3) rides the trip through Y on day 1, H (2) the coach through Y on the same day.
    made = plan(van("V", (1, "AC")), G=(through(1),), H=(by_service("fly-AB", 0), by_service("coach-BC", 1)))
    crossings = (PROBLEM.crossings[0], replace(PROBLEM.crossings[1], quota=(30, quota, 30, 30, 30)))

    assert codes(replace(PROBLEM, crossings=crossings), made) == expected


@pytest.mark.parametrize(("beds", "expected"), [(8, ()), (3, ()), (2, (Code.BEDS,)), (0, (Code.BEDS,))])
def test_a_bed_for_every_night_under_way(beds: int, expected: tuple[Code, ...]) -> None:
    made = plan(van("V", (0, "AB"), (1, "BC")), G=(by_trip("AB", 0), by_trip("BC", 1)))

    assert codes(with_site("B", beds=beds), made) == expected


def test_escorts_need_beds_and_quota_too() -> None:
    escorted = with_group(escorts=1, escort_pool="E")
    made = plan(van("V", (0, "AB"), (1, "BC")), G=(by_trip("AB", 0), by_trip("BC", 1)))

    def limited(limit: int) -> Problem:
        return replace(
            escorted,
            sites=tuple(replace(each, beds=limit) for each in PROBLEM.sites),
            crossings=tuple(replace(each, quota=(limit,) * 5) for each in PROBLEM.crossings),
        )

    assert codes(limited(4), made) == ()
    assert codes(limited(3), made) == (Code.BEDS, Code.QUOTA, Code.QUOTA)


def test_waiting_at_the_origin_needs_no_bed() -> None:
    assert codes(with_site("A", beds=0), DRIVEN) == ()


@pytest.mark.parametrize(("arrivals", "expected"), [(7, ()), (5, ()), (4, (Code.RECEPTION,))])
def test_reception_counts_persons_without_escorts(arrivals: int, expected: tuple[Code, ...]) -> None:
    made = plan(van("V", (1, "AC")), G=(through(1),), H=(by_service("fly-AC", 1),))
    problem = with_group(with_site("C", arrivals=(0, arrivals, 0, 0, 0)), escorts=1, escort_pool="E")

    assert codes(problem, made) == expected


@pytest.mark.parametrize(("seats", "expected"), [(9, ()), (5, ()), (4, (Code.SERVICE_SEATS,))])
def test_seats_of_a_service(seats: int, expected: tuple[Code, ...]) -> None:
    made = plan(G=(by_service("fly-AC", 1),), H=(by_service("fly-AC", 1),))

    assert codes(with_service("fly-AC", seats=seats), made) == expected


@pytest.mark.parametrize(("persons", "expected"), [(3, ()), (4, ()), (5, (Code.CHARTER_SEATS,))])
def test_seats_of_an_aircraft(persons: int, expected: tuple[Code, ...]) -> None:
    made = plan(G=(by_charter(1),), H=(by_charter(1),))

    assert codes(with_group(persons=persons), made) == expected


@pytest.mark.parametrize(("persons", "expected"), [(3, ()), (2, ()), (1, (Code.CHARTER_MINIMUM,))])
def test_least_load_of_an_aircraft(persons: int, expected: tuple[Code, ...]) -> None:
    made = plan(G=(by_charter(1),), H=(by_charter(1),))

    assert codes(with_group(persons=persons), made) == expected


def test_aircraft_are_counted_from_zero() -> None:
    for aircraft, expected in ((0, ()), (1, ()), (2, (Code.AIRCRAFT,)), (-1, (Code.AIRCRAFT,))):
        made = plan(G=(by_charter(1, aircraft),))
        assert codes(with_group(persons=4), made) == expected


def test_two_aircraft_are_two_loads() -> None:
    made = plan(G=(by_charter(1, 0),), H=(by_charter(1, 1),))

    assert codes(PROBLEM, made) == (Code.CHARTER_MINIMUM, Code.CHARTER_MINIMUM)


def test_escorts_are_busy_until_they_are_back() -> None:
    escorted = {"escorts": 1, "escort_pool": "E"}
    problem = replace(
        PROBLEM,
        groups=(group("G", **escorted), group("H", persons=2, **escorted)),
        escort_pools=(EscortPool(id="E", available=1),),
    )

    def made(second_day: int) -> Plan:
        return plan(G=(by_service("fly-AC", 0),), H=(by_service("fly-AC", second_day),))

    # Away on day 0, back at the end of day 1.
    assert codes(problem, made(3)) == ()
    assert codes(problem, made(2)) == ()
    assert codes(problem, made(1)) == (Code.ESCORTS,)


def test_escorts_after_the_horizon_are_not_counted() -> None:
    problem = replace(with_group(escorts=2, escort_pool="E"), escort_return_days=3)

    assert codes(problem, plan(G=(by_service("fly-AC", 4),))) == ()


def test_a_group_with_escorts_but_no_pool_cannot_go() -> None:
    assert codes(with_group(escorts=1), plan(G=(by_service("fly-AC", 4),))) == (Code.ESCORTS,)


def test_conflicting_groups_never_share_a_vehicle_on_a_day() -> None:
    problem = replace(PROBLEM, conflicts=(("G", "H"),))
    together = plan(van("V", (1, "AC")), G=(through(1),), H=(through(1),))
    apart = plan(van("V", (1, "AC")), van("W", (1, "AC")), G=(through(1, "V"),), H=(through(1, "W"),))

    assert codes(PROBLEM, together) == ()
    assert codes(problem, together) == (Code.CONFLICT,)
    assert codes(problem, apart) == ()
    # Not even one after the other on the same day.
    in_turn = plan(van("V", (1, "AC")), G=(by_trip("AC", 1),), H=(by_trip("AC", 1, board=1, alight=2),))
    groups = (group("G", destination="B"), group("H", persons=2, origin="B"))
    assert codes(replace(problem, groups=groups), in_turn) == (Code.CONFLICT,)


# ---- replanning ---------------------------------------------------------------------------------------

BEFORE = plan(
    van("V", (0, "AB"), (2, "BC")),
    G=(by_trip("AB", 0), by_trip("BC", 2)),
    H=(by_service("fly-AC", 3),),
)


def replanned(*locked: str, now_day: int = 1) -> Problem:
    replan = Replan(now_day=now_day, previous=BEFORE, change_cents=30_000, locked_groups=locked)
    return replace(PROBLEM, replan=replan)


def test_an_unchanged_plan_costs_no_change() -> None:
    assert codes(replanned("G", "H"), BEFORE) == ()
    assert judge(replanned(), BEFORE).components["changes"] == 0


def test_past_legs_stand() -> None:
    stays = replace(BEFORE, itineraries={"H": BEFORE.itineraries["H"]})

    assert codes(replanned(), stays) == (Code.PAST_LEG,)
    # From day 0 everything is still open.
    assert codes(replanned(now_day=0), stays) == ()


def test_past_moves_stand() -> None:
    hired = replace(BEFORE, vehicles=(van("V", (0, "AB"), (2, "BC"), hired=True),))
    further = replace(BEFORE, vehicles=(*BEFORE.vehicles, van("W", (0, "AB"))))
    later = replace(BEFORE, vehicles=(*BEFORE.vehicles, van("W", (1, "AB"))))

    assert codes(replanned(), hired) == (Code.PAST_VEHICLE,)
    assert codes(replanned(), further) == (Code.PAST_VEHICLE,)
    assert codes(replanned(), later) == ()


def test_a_vehicle_with_a_past_may_not_vanish() -> None:
    made = replace(BEFORE, vehicles=(), itineraries={"G": (by_trip("AB", 0), by_service("coach-BC", 2))})

    assert codes(replanned(), made) == (Code.NO_SUCH_MOVE, Code.PAST_VEHICLE)


def test_a_confirmed_group_keeps_its_legs() -> None:
    sooner = replace(BEFORE, itineraries=BEFORE.itineraries | {"H": (by_service("fly-AC", 2),)})

    assert codes(replanned("G"), sooner) == ()
    assert codes(replanned("H"), sooner) == (Code.LOCKED,)
    assert judge(replanned(), sooner).components["changes"] == 30_000


def test_another_vehicle_or_aircraft_is_no_change() -> None:
    other = replace(
        BEFORE,
        vehicles=(van("V", (0, "AB")), van("W", (1, "AB"), (2, "BC"))),
        itineraries=BEFORE.itineraries | {"G": (by_trip("AB", 0), by_trip("BC", 2, "W"))},
    )

    assert codes(replanned("G"), other) == ()
    assert judge(replanned(), other).groups_changed == 0


def test_ready_day_binds_only_from_today() -> None:
    problem = replace(replanned(), groups=(group("G", ready_day=2), group("H", persons=2)))

    assert codes(problem, BEFORE) == ()
    later = replace(problem, groups=(group("G", ready_day=3), group("H", persons=2)))
    assert codes(later, BEFORE) == (Code.NOT_READY,)


def test_every_code_has_a_test_here() -> None:
    with open(__file__, encoding="utf-8") as file:
        text = file.read()

    # MALFORMED is about files and has its tests in test_check.py; those of version 2 are in test_version_2.py.
    elsewhere = VERSION_2 | {Code.MALFORMED}
    assert [code for code in Code if code not in elsewhere and f"Code.{code}" not in text] == []
