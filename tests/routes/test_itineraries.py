"""The non-dominated ways of a group: arithmetic by hand, every rule alone, and trying everything on small cases."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from itertools import pairwise
from pathlib import Path

import pytest

from retorno.errors import InputError
from retorno.optimizer.check import Code, judge
from retorno.optimizer.problem import Group, Leg, Plan, PlannedVehicle, Problem, read_problem
from retorno.routes.calendars import Calendars
from retorno.routes.daytrips import TripPolicy, day_trips
from retorno.routes.itineraries import Itinerary, Night, itineraries
from retorno.routes.offers import PlanClock, ScheduledLeg
from retorno.routes.overlay import AgreementConfirmation, CalendarPolicy, DaylightBounds, Overlay
from retorno.routes.scheduled import air_legs, airport_access, coach_legs
from retorno.routes.tables import load_ground
from retorno.routes.transport import Site, TransportOffer, sites_of
from retorno.routes.travellers import Travellers
from retorno.vocabulary import Mode, Profile
from tests.routes.way_builders import (
    Day,
    best_of,
    breaches,
    every_step,
    every_way,
    flight,
    measures,
    offer_of,
    site,
    steps_of,
    trip,
)

ONE = Travellers(persons=1)
A, B, C, D = site("A"), site("B"), site("C"), site("D")


def ways_of(
    world: TransportOffer, group: Travellers = ONE, *, first_day: int = 0, last_day: int = 0, **other: int
) -> tuple[Itinerary, ...]:
    return itineraries(world, group, "A", "D", first_day=first_day, last_day=last_day, **other)


def chains(ways: tuple[Itinerary, ...]) -> list[list[tuple[str, int]]]:
    return [[(leg.ride.row_id, leg.day) for leg in way.legs] for way in ways]


def test_ways_are_compared_by_arrival_cost_legs_and_hours_of_riding() -> None:
    world = offer_of(
        [A, B, D],
        [trip("T1", "A B", "06:00 10:00"), trip("T2", "B D", "07:00 12:00", km=300)],
        [flight("F", "A D", "08:00 10:30", "GT", fare_cents=9000)],
    )

    ways = ways_of(world, Travellers(persons=2, escorts=1))

    # A seat on T1: (100 x 11 + 500 + 130) / 10 = 173; on T2: (300 x 11 + 500 + 130) / 10 = 393.
    # By road: 3 x (173 + 393) + 3 beds x 700 = 1698 + 2100 = 3798 cents; day 1, 12:00 = 1440 + 720 = 2160.
    # By air: 3 x 9000 = 27000 cents; 10:30 = 630; 150 minutes are 3 hours begun; by road 4 + 5 = 9.
    assert [way.criteria for way in ways] == [(630, 27000, 1, 3), (2160, 3798, 2, 9)]
    assert chains(ways) == [[("F", 0)], [("T1", 0), ("T2", 1)]]
    assert ways[1].nights == (Night(site_id="B", from_day=0, count=1),)
    assert ways[1].ride_min == 240 + 300


def test_a_way_that_is_worse_in_everything_is_left_out() -> None:
    world = offer_of(
        [A, D],
        legs=[flight("F1", "A D", "08:00 10:00", "GT"), flight("F2", "A D", "08:00 10:01", "GT", fare_cents=9001)],
    )

    assert chains(ways_of(world)) == [[("F1", 0)]]


def test_a_ride_that_another_always_beats_is_not_on_offer_but_one_with_a_day_of_its_own_is() -> None:
    best = trip("T1", "A D", "08:00 10:00", days="1111110")
    slower = trip("T2", "A D", "08:00 10:15", days="0111110")
    sunday = trip("T3", "A D", "08:00 10:15", days="0000011")
    softer = trip("T4", "A D", "07:45 10:00", days="1000000", vulnerable_days="1000000")
    narrow = trip("T1", "A D", "08:00 10:00", days="1111110", vulnerable_days="0111110")

    assert [ride.row_id for ride in offer_of([A, D], [best, slower, sunday, softer]).rides] == ["T1", "T3"]
    assert [ride.row_id for ride in offer_of([A, D], [narrow, slower, softer]).rides] == ["T4", "T1"]


def test_later_departures_are_kept_only_where_they_are_better_in_something() -> None:
    cheap_on_thursday = flight("F2", "A D", "08:00 10:00", "GT", fare_cents=5000, days="0001001")
    world = offer_of([A, D], legs=[flight("F1", "A D", "08:00 10:00", "GT"), cheap_on_thursday])

    assert chains(ways_of(world, last_day=6)) == [[("F1", 0)], [("F2", 3)]]


def test_leaving_later_saves_nights_under_way() -> None:
    # The flight leaves on Thursday only. Riding on Monday means 3 nights in B, on Wednesday one: the same arrival.
    world = offer_of(
        [A, B, D], [trip("T", "A B", "06:00 10:00")], [flight("F", "B D", "08:00 10:00", "GT", days="0001000")]
    )

    assert chains(ways_of(world, last_day=6)) == [[("T", 2), ("F", 3)]]


def test_people_wait_where_there_are_beds_for_a_connection_where_there_are_none() -> None:
    # C has no bed: the group waits in B and passes C on Thursday, when the last flight leaves.
    legs = [flight("F1", "B C", "08:00 09:00", "GT"), flight("F2", "C D", "12:00 13:00", "GT", days="0001000")]
    world = offer_of([A, B, site("C", beds=None), D], [trip("T", "A B", "06:00 10:00")], legs)

    assert chains(ways_of(world)) == [[("T", 0), ("F1", 3), ("F2", 3)]]


def test_a_night_on_board_saves_a_bed() -> None:
    by_night = flight("F1", "A B", "20:00 30:00", "GT", fare_cents=500)  # arrives on Tuesday at 06:00
    world = offer_of(
        [A, B, D],
        [trip("T", "A B", "06:00 10:00")],
        [by_night, flight("F2", "B D", "12:00 13:00", "GT", fare_cents=100, days="0100000")],
    )

    # By road: 173 + a bed 700 + 100 = 973, riding 4 + 1 hours; by night: 500 + 100 = 600, riding 10 + 1 hours.
    assert [way.criteria for way in ways_of(world)] == [(2220, 600, 2, 11), (2220, 973, 2, 5)]


def test_nights_are_counted_once_when_ways_are_weighed() -> None:
    coach = flight("C", "B D", "06:00 08:00", "GT", mode=Mode.COACH, fare_cents=400, days="0001000")
    world = offer_of(
        [A, B, D], [trip("T", "A B", "06:00 10:00")], [flight("F", "A D", "08:00 10:00", "GT", fare_cents=3000), coach]
    )

    # 173 + 3 beds x 700 + 400 = 2673, dearer than the flight only if a night were counted twice.
    assert [way.cost_cents for way in ways_of(world)] == [3000, 2673]


def test_one_land_leg_a_day() -> None:
    world = offer_of([A, B, D], [trip("T1", "A B", "06:00 08:00"), trip("T2", "B D", "11:00 12:00")])

    assert chains(ways_of(world)) == [[("T1", 0), ("T2", 1)]]


def test_no_land_leg_after_a_flight_of_that_day_but_a_flight_after_a_land_leg() -> None:
    flown = offer_of([A, B, D], [trip("T", "B D", "14:00 16:00")], [flight("F", "A B", "08:00 10:00", "GT")])
    ridden = offer_of([A, B, D], [trip("T", "A B", "06:00 08:00")], [flight("F", "B D", "10:00 12:00", "GT")])

    assert chains(ways_of(flown)) == [[("F", 0), ("T", 1)]]
    assert chains(ways_of(ridden)) == [[("T", 0), ("F", 0)]]


@pytest.mark.parametrize(("departs", "day"), [("11:59", 1), ("12:00", 0)])
def test_a_connection_needs_the_transfer_time(departs: str, day: int) -> None:
    # Arrives 10:00, 120 minutes of transfer: 12:00 is the limit.
    legs = [flight("F1", "A B", "08:00 10:00", "GT"), flight("F2", "B D", f"{departs} 14:00", "GT")]

    assert chains(ways_of(offer_of([A, B, D], legs=legs))) == [[("F1", 0), ("F2", day)]]


def test_an_arrival_after_midnight_counts_on_its_own_day() -> None:
    # Leaves Monday 18:00, arrives Tuesday 08:00 (32:00); the coach of Tuesday is a land leg after a flight that day.
    legs = [flight("F", "A B", "18:00 32:00", "GT"), flight("C", "B D", "11:00 13:00", "GT", mode=Mode.COACH)]

    assert chains(ways_of(offer_of([A, B, D], legs=legs))) == [[("F", 0), ("C", 2)]]


@pytest.mark.parametrize(("beds", "found"), [(None, []), (2, []), (3, [[("T1", 0), ("T2", 1)]])])
def test_every_night_needs_a_stated_bed_for_each(beds: int | None, found: list[object]) -> None:
    world = offer_of([A, site("B", beds=beds), D], [trip("T1", "A B", "06:00 08:00"), trip("T2", "B D", "06:00 08:00")])

    assert chains(ways_of(world, Travellers(persons=2, escorts=1))) == found


def test_nobody_is_brought_to_a_place_of_detention_or_sleeps_there() -> None:
    detention = site("B", kind="migration_station")
    trips = [trip("T1", "A B", "06:00 08:00"), trip("T2", "B D", "06:00 08:00")]

    assert ways_of(offer_of([A, detention, D], trips)) == ()
    assert ways_of(offer_of([A, detention, D], trips[:1], [flight("F", "B D", "10:00 12:00", "GT")])) == ()
    # As a pick-up point it is where a journey begins.
    assert len(ways_of(offer_of([site("A", kind="migration_station"), D], [trip("T", "A D", "06:00 08:00")]))) == 1


@pytest.mark.parametrize(
    ("profiles", "count"),
    [
        ({Profile.ADULTS}, 0),
        ({Profile.CHILDREN, Profile.FAMILIES}, 0),
        ({Profile.UNACCOMPANIED, Profile.ADULTS}, 0),
        ({Profile.UNACCOMPANIED}, 1),
    ],
)
def test_a_child_shelter_is_for_unaccompanied_children_only(profiles: set[Profile], count: int) -> None:
    trips = [trip("T1", "A B", "06:00 08:00"), trip("T2", "B D", "06:00 08:00")]
    group = Travellers(persons=1, profiles=frozenset(profiles))

    assert len(ways_of(offer_of([A, site("B", kind="child_shelter"), D], trips), group)) == count


def test_a_place_takes_only_the_profiles_that_it_receives() -> None:
    adults_only = site("D", profiles=frozenset({Profile.ADULTS}))
    world = offer_of([A, adults_only], [trip("T", "A D", "06:00 08:00")])

    assert len(ways_of(world, ONE)) == 1
    assert ways_of(world, Travellers(persons=2, profiles=frozenset({Profile.ADULTS, Profile.FAMILIES}))) == ()


def test_a_ride_takes_only_its_own_profiles() -> None:
    world = offer_of(
        [A, D], [trip("T", "A D", "06:00 08:00", profiles=frozenset({Profile.FAMILIES, Profile.CHILDREN}))]
    )

    assert ways_of(world, ONE) == ()
    assert len(ways_of(world, Travellers(persons=3, profiles=frozenset({Profile.CHILDREN})))) == 1


@pytest.mark.parametrize(("arrives", "day"), [("17:00", 0), ("17:01", 1)])
def test_the_journey_ends_an_hour_before_the_place_closes(arrives: str, day: int) -> None:
    late, early = (
        flight("F1", "A D", f"15:00 {arrives}", "GT"),
        flight("F2", "A D", "09:00 11:00", "GT", days="0100000"),
    )
    world = offer_of([A, D], legs=[late, early], doors={"D": (480, 1080)})  # 08:00 to 18:00, buffer 60

    assert chains(ways_of(world, last_day=1)) == [[("F1" if day == 0 else "F2", day)]]


def test_the_last_onward_transport_closes_a_place() -> None:
    home = site("D", last_onward_min=16 * 60)
    flights = [flight("F", "A D", "13:00 15:01", "GT")]

    assert ways_of(offer_of([A, home], legs=flights, doors={"D": (480, 1080)})) == ()


def test_nobody_sleeps_where_nobody_opens_the_door_but_a_connection_is_no_night() -> None:
    legs = [flight("F1", "A B", "18:00 20:00", "GT"), flight("F2", "B D", "08:00 10:00", "GT")]
    doors = {"B": (480, 1080)}

    assert ways_of(offer_of([A, B, D], legs=legs, doors=doors)) == ()
    legs.append(flight("F3", "B D", "22:00 23:00", "GT"))
    assert chains(ways_of(offer_of([A, B, D], legs=legs, doors=doors))) == [[("F1", 0), ("F3", 0)]]


def test_vulnerable_people_only_on_the_days_of_the_stricter_window() -> None:
    world = offer_of([A, D], [trip("T", "A D", "06:00 18:00", vulnerable_days="0010000")])

    assert chains(ways_of(world, ONE, last_day=6)) == [[("T", 0)]]
    assert chains(ways_of(world, Travellers(persons=1, vulnerable=True), last_day=6)) == [[("T", 2)]]


def test_a_barred_country_is_neither_crossed_nor_landed_in() -> None:
    sites = [A, site("B", "HN"), site("D", "SV")]
    trips = [trip("T", "A D", "06:00 12:00", via=[("X-GT-HN", "X-HN-SV")])]
    legs = [flight("F1", "A B", "08:00 09:00", "GT HN"), flight("F2", "B D", "11:00 12:00", "HN SV")]
    world = offer_of(sites, trips, legs)

    assert len(ways_of(world)) == 2
    assert ways_of(world, Travellers(persons=1, barred_countries=frozenset({"HN"}))) == ()


def test_the_countries_of_both_ends_are_not_barred_but_coming_back_through_the_first_is() -> None:
    sites = [A, site("B", "HN"), site("C", "GT"), site("D", "SV")]
    direct = trip("T1", "A D", "06:00 12:00", via=[("X-GT-SV",)], days="0000001")
    back = [flight("F1", "A B", "08:00 09:00", "GT HN"), flight("F2", "B C", "11:00 12:00", "HN GT")]
    legs = [*back, flight("F3", "C D", "14:00 15:00", "GT SV")]
    group = Travellers(persons=1, barred_countries=frozenset({"GT", "SV"}))

    assert chains(ways_of(offer_of(sites, [direct], legs), group, last_day=6)) == [[("T1", 6)]]
    assert len(ways_of(offer_of(sites, [direct], legs), ONE, last_day=6)[0].legs) == 3


def test_only_the_ridden_part_of_a_trip_enters_countries() -> None:
    sites = [site("A", "HN"), site("B", "GT"), site("D", "HN")]
    around = trip("T", "B A D", "06:00 09:00-09:30 11:00", via=[("X-GT-HN",), ()])
    group = Travellers(persons=1, barred_countries=frozenset({"GT"}))

    ways = ways_of(offer_of(sites, [around]), group)

    assert [(way.legs[0].ride.board, way.legs[0].ride.alight, way.entered) for way in ways] == [(1, 2, ())]


def test_a_group_needs_seats_and_wheelchair_places() -> None:
    world = offer_of([A, D], legs=[flight("F", "A D", "08:00 10:00", "GT", seats=5, wheelchairs=1)])

    assert len(ways_of(world, Travellers(persons=4, escorts=1, wheelchairs=1))) == 1
    assert ways_of(world, Travellers(persons=5, escorts=1)) == ()
    assert ways_of(world, Travellers(persons=2, wheelchairs=2)) == ()


def test_a_charter_costs_the_share_of_its_least_load() -> None:
    charter = flight("H", "A D", "08:00 10:00", "GT", mode=Mode.CHARTER, fare_cents=0, fixed_cents=100000, min_load=30)

    # 100000 / 30 = 3333.3, rounded up 3334; three seats 10002.
    assert ways_of(offer_of([A, D], legs=[charter]), Travellers(persons=3))[0].cost_cents == 10002


def test_a_part_of_a_trip_costs_its_part_of_the_riding_time() -> None:
    sites = [A, B, site("D")]
    whole = trip("T", "A D B", "06:00 08:00-08:30 12:00", km=700)

    # (700 x 11 + 500 + 130) / 10 = 833 for 360 minutes; 120 of them: 277.67, rounded up.
    assert ways_of(offer_of(sites, [whole]))[0].cost_cents == 278


@pytest.mark.parametrize(("max_journey_days", "count"), [(2, 0), (3, 1)])
def test_the_journey_takes_no_more_days_than_allowed(max_journey_days: int, count: int) -> None:
    world = offer_of(
        [A, B, D],
        [trip("T", "A B", "06:00 08:00", days="1000000")],
        [flight("F", "B D", "08:00 10:00", "GT", days="0001000")],
    )

    assert len(ways_of(world, Travellers(persons=1, max_journey_days=max_journey_days))) == count


def test_no_arrival_after_the_latest_day_or_the_horizon() -> None:
    late = flight("F", "A D", "18:00 32:00", "GT")  # arrives on the next day

    assert ways_of(offer_of([A, D], legs=[late]), first_day=6, last_day=6) == ()
    assert len(ways_of(offer_of([A, D], legs=[late]), last_day=6, latest_day=1)) == 1
    assert ways_of(offer_of([A, D], legs=[late]), first_day=1, last_day=6, latest_day=1) == ()


def test_no_leg_before_the_last_ends_at_the_destination_and_no_chain_is_too_long() -> None:
    trips = [trip("T1", "A B", "06:00 08:00"), trip("T2", "B C", "06:00 08:00"), trip("T3", "C D", "06:00 08:00")]

    assert len(ways_of(offer_of([A, B, C, D], trips), max_legs=3)) == 1
    assert ways_of(offer_of([A, B, C, D], trips), max_legs=2) == ()


def test_nobody_rides_a_trip_for_empty_vehicles() -> None:
    empty = Day(
        trip_id="E", stops=("A", "D"), depart_min=(360, 480), arrive_min=(360, 480), crossings=((),), is_empty_only=True
    )

    assert ways_of(offer_of([A, D], [empty])) == ()


def test_bad_questions_name_everything_that_is_wrong() -> None:
    world = offer_of([A, D], [trip("T", "A D", "06:00 08:00")])

    with pytest.raises(InputError) as wrong:
        itineraries(world, ONE, "Z", "D", first_day=3, last_day=9)
    assert [str(fault) for fault in wrong.value.faults] == [
        '"Z" is no place of this offer',
        "departure from day 3 to 9, expected days 0 to 6 in order",
    ]
    with pytest.raises(InputError, match="from D to itself"):
        itineraries(world, ONE, "D", "D", first_day=0, last_day=0)
    with pytest.raises(InputError) as nobody:
        Travellers(persons=0, escorts=-1, profiles=frozenset())
    assert len(nobody.value.faults) == 3


def test_rows_that_do_not_fit_are_all_named() -> None:
    with pytest.raises(InputError) as wrong:
        offer_of([A], [trip("T", "A D", "06:00 08:00", via=[("X-NOWHERE",)], days="111")])

    assert [str(fault) for fault in wrong.value.faults] == [
        'trip T: no site "D"',
        'trip T: no crossing "X-NOWHERE"',
        'trip T: days "111", expected 7 characters 0 or 1',
        'trip T: days "111", expected 7 characters 0 or 1',
    ]


# -- trying everything -------------------------------------------------------------------------------------------

SMALL = PlanClock(first_date=date(2026, 3, 2), days=7, utc_offset_min=-360)
COUNTRY = {"A": "GT", "B": "HN", "C": "SV", "E": "HN", "D": "NI"}
OF_PAIR = {
    frozenset(["GT", "HN"]): "X-GT-HN",
    frozenset(["HN", "SV"]): "X-HN-SV",
    frozenset(["GT", "SV"]): "X-GT-SV",
    frozenset(["HN", "NI"]): "X-HN-NI",
}


def days_of(rng: random.Random, share: float) -> str:
    return "".join("01"[rng.random() < share] for _ in range(SMALL.days))


def random_trip(rng: random.Random, number: int) -> Day | None:
    stops = rng.sample(list(COUNTRY), rng.choice([2, 2, 3]))
    if "A" in stops and "D" in stops:
        return None  # the best ways would be too short to test anything
    via: list[tuple[str, ...]] = []
    for start, end in pairwise(stops):
        pair = frozenset({COUNTRY[start], COUNTRY[end]})
        if len(pair) == 2 and pair not in OF_PAIR:
            return None
        via.append((OF_PAIR[pair],) if len(pair) == 2 else ())
    clock, minute = [], rng.choice([300, 360, 420])
    for _ in stops:
        clock.append(f"{minute // 60}:{minute % 60:02d}-{(minute + 30) // 60}:{(minute + 30) % 60:02d}")
        minute += 30 + rng.randrange(60, 300, 7)
    days = days_of(rng, 0.8)
    softer = "".join("1" if day == "1" and rng.random() < 0.8 else "0" for day in days)
    return trip(
        f"T{number}",
        " ".join(stops),
        " ".join(clock),
        via=via,
        days=days,
        vulnerable_days=softer,
        km=rng.randrange(50, 700),
    )


def random_leg(rng: random.Random, number: int) -> ScheduledLeg:
    start, end = rng.choice(["AB", "AC", "AE", "BC", "CB", "BE", "EB", "CE", "EC", "BD", "CD", "ED"])
    depart = rng.randrange(300, 1300, 11)
    arrive = depart + rng.choice([70, 130, 200, 700])
    countries = COUNTRY[start] if COUNTRY[start] == COUNTRY[end] else f"{COUNTRY[start]} {COUNTRY[end]}"
    return flight(
        f"L{number}",
        f"{start} {end}",
        f"{depart // 60}:{depart % 60:02d} {arrive // 60}:{arrive % 60:02d}",
        countries,
        days=days_of(rng, rng.choice([0.3, 0.7])),
        fare_cents=rng.randrange(100, 4000),
        seats=rng.choice([2, 9]),
        mode=Mode.COACH if COUNTRY[start] == COUNTRY[end] else rng.choice([Mode.FLIGHT, Mode.FLIGHT, Mode.CHARTER]),
    )


def random_world(
    rng: random.Random,
) -> tuple[TransportOffer, dict[str, Day | ScheduledLeg], dict[str, tuple[int, int]]]:
    sites = [
        site(
            name, country, beds=rng.choice([None, 2, 50, 50]), kind=rng.choice(["city", "city", "city", "", "shelter"])
        )
        for name, country in COUNTRY.items()
    ]
    trips = [made for made in (random_trip(rng, number) for number in range(12)) if made is not None]
    legs = [random_leg(rng, number) for number in range(9)]
    doors = {name: (rng.choice([0, 420]), rng.choice([700, 900, 1140])) for name in COUNTRY if rng.random() < 0.6}
    rows: dict[str, Day | ScheduledLeg] = {row.trip_id: row for row in trips} | {leg.leg_id: leg for leg in legs}
    return offer_of(sites, trips, legs, clock=SMALL, doors=doors, transfer_min=60), rows, doors


def random_group(rng: random.Random) -> Travellers:
    return Travellers(
        persons=rng.choice([1, 3]),
        vulnerable=rng.random() < 0.4,
        barred_countries=frozenset(rng.sample(["GT", "HN", "SV", "NI"], rng.choice([0, 0, 1]))),
        max_journey_days=rng.choice([1, 3, 6]),
    )


def exhausted(seed: int) -> int:
    """Compare one random world with trying everything; the number of ways."""
    rng = random.Random(seed)
    world, rows, doors = random_world(rng)
    group, starts = random_group(rng), range(rng.choice([0, 1]), 4)
    trips = [row for row in rows.values() if isinstance(row, Day)]
    legs = [row for row in rows.values() if isinstance(row, ScheduledLeg)]

    ways = itineraries(world, group, "A", "D", first_day=starts.start, last_day=starts.stop - 1, max_legs=4)

    steps = every_step(trips, legs, SMALL.days)
    tried = [measures(chain, group) for chain in every_way(steps, world, group, ("A", "D"), starts, doors, max_legs=4)]
    assert {way.criteria for way in ways} == best_of(tried), f"seed {seed}"
    for way in ways:
        chain = steps_of(way, rows)
        assert breaches(chain, world, group, ("A", "D"), doors) == [], f"seed {seed}"
        assert measures(chain, group) == way.criteria, f"seed {seed}"
    return len(ways)


def test_the_ways_are_exactly_the_best_of_all_that_there_are() -> None:
    counts = [exhausted(seed) for seed in range(100)]

    assert sum(count > 0 for count in counts) >= 50  # most worlds have a way at all
    assert sum(count > 1 for count in counts) >= 25


@pytest.mark.long
def test_the_ways_are_exactly_the_best_of_all_in_five_hundred_worlds() -> None:
    assert sum(exhausted(seed) > 0 for seed in range(100, 600)) > 250


def test_the_same_question_gets_the_same_ways() -> None:
    first, again = (random_world(random.Random(17))[0] for _ in range(2))

    assert chains(ways_of(first, last_day=3)) == chains(ways_of(again, last_day=3))


# -- the judge of plans --------------------------------------------------------------------------------------------

# A way says nothing about vehicles, and a group alone does not fill a charter.
OF_VEHICLES = {Code.VEHICLE_PLACE, Code.VEHICLE_END, Code.FLEET, Code.CHARTER_MINIMUM}


def world_of(problem: Problem) -> TransportOffer:
    """The rides of a public problem."""
    country = {one.id: one.country for one in problem.sites}
    trips = [
        Day(
            trip_id=row.id,
            stops=row.stops,
            depart_min=row.depart_min,
            arrive_min=row.arrive_min,
            crossings=row.crossings,
            km=row.km,
            drivers=row.drivers,
            days=row.days,
            vulnerable_days=row.vulnerable_days,
        )
        for row in problem.trips
    ]
    legs = []
    for service in problem.services:
        leg = flight(
            service.id, f"{service.origin} {service.destination}", "00:00 00:01", "GT", mode=Mode(service.mode)
        )
        legs.append(
            replace(
                leg,
                depart_min=service.depart_min,
                arrive_min=service.arrive_min,
                days=service.days,
                vulnerable_days=service.vulnerable_days,
                crossings=service.crossings,
                countries=(country[service.origin], country[service.destination]),
                seats=service.seats,
                fare_cents=service.fare_cents,
            )
        )
    for row in problem.charters:
        leg = flight(row.id, f"{row.origin} {row.destination}", "00:00 00:01", "GT", mode=Mode.CHARTER)
        legs.append(
            replace(
                leg,
                depart_min=row.depart_min,
                arrive_min=row.arrive_min,
                days=row.days,
                vulnerable_days=row.days,
                seats=row.seats,
                min_load=row.min_load,
                fixed_cents=row.fixed_cents,
                countries=(country[row.origin], country[row.destination]),
            )
        )
    clock = PlanClock(
        first_date=date.fromisoformat(problem.first_date),
        days=problem.horizon_days,
        utc_offset_min=problem.clock_utc_offset_min,
    )
    sites = {one.id: site(one.id, one.country, beds=one.beds or None) for one in problem.sites}
    crossings = {one.id: one.countries for one in problem.crossings}
    return TransportOffer(clock, sites, trips, legs, crossings=crossings, transfer_min=problem.transfer_min)


def plan_of(problem: Problem, group: Group, way: Itinerary) -> Plan:
    """A plan with one way and one vehicle for each of its trips."""
    depot = problem.depots[0].site
    vehicles, legs = [], []
    for number, ridden in enumerate(way.legs):
        ride = ridden.ride
        if ride.mode is Mode.ROAD:
            vehicles.append(
                PlannedVehicle(
                    id=f"V{number}", type="coach", depot=depot, hired=False, moves=((ridden.day, ride.row_id),)
                )
            )
            legs.append(
                Leg(
                    kind="trip",
                    row_id=ride.row_id,
                    day=ridden.day,
                    vehicle=f"V{number}",
                    board=ride.board,
                    alight=ride.alight,
                )
            )
        else:
            kind = "charter" if ride.mode is Mode.CHARTER else "service"
            legs.append(Leg(kind=kind, row_id=ride.row_id, day=ridden.day))
    return Plan(problem=problem.name, vehicles=tuple(vehicles), itineraries={group.id: tuple(legs)})


@pytest.mark.parametrize(("name", "count"), [("week40", 17), ("extra300", 40)])
def test_the_judge_of_plans_finds_nothing_wrong_with_a_way_in_a_public_problem(name: str, count: int) -> None:
    problem = read_problem(Path(__file__).parents[2] / "benchmarks" / "joint" / f"{name}.json.gz")
    world = world_of(problem)
    judged = 0
    for group in problem.groups[:count]:
        travellers = Travellers(
            persons=group.persons,
            escorts=group.escorts,
            vulnerable=bool(group.vulnerable),
            barred_countries=frozenset(group.barred_countries),
            max_journey_days=group.max_journey_days or problem.max_journey_days,
        )
        ways = itineraries(
            world,
            travellers,
            group.origin,
            group.destination,
            first_day=group.ready_day,
            last_day=group.latest_day,
            latest_day=group.latest_day,
        )
        alone = replace(problem, groups=(group,), conflicts=(), replan=None)
        for way in ways:
            assert set(judge(alone, plan_of(alone, group, way)).codes) <= OF_VEHICLES
            judged += 1
        assert ways, f"{name} {group.id}: the reference plan leaves nobody"
    assert judged > count


# -- the real ground ---------------------------------------------------------------------------------------------


def test_every_way_on_the_real_ground_keeps_the_rules() -> None:
    ground = load_ground()
    clock = PlanClock(first_date=date(2026, 3, 2), days=14, utc_offset_min=-360)
    corridor = AgreementConfirmation(
        confirmation_id="INVENTED",
        from_countries=frozenset({"MX"}),
        transit_countries=frozenset({"GT"}),
        to_countries=frozenset({"HN", "GT"}),
        confirmed_by="coordinator",
        confirmed_with="liaison officer",
        valid_from=date(2026, 3, 1),
        valid_until=date(2026, 4, 1),
    )
    overlay = Overlay(confirmations=(corridor,))
    bounds = DaylightBounds.of_minutes(earliest=300, latest=1110, vulnerable_earliest=360, vulnerable_latest=1050)
    policy = CalendarPolicy(bounds=bounds)
    places = ["MX-TAPACHULA", "GT-CIUDAD-DE-GUATEMALA", "GT-ESQUIPULAS", "HN-SAN-PEDRO-SULA", "HN-TEGUCIGALPA"]
    calendars = Calendars(ground, overlay, policy)
    trips = day_trips(
        ground,
        overlay,
        places,
        first_date=clock.first_date,
        days=clock.days,
        policy=TripPolicy(calendar=policy),
        clock_utc_offset_min=clock.utc_offset_min,
    )
    access = airport_access(ground, places)
    legs = [*air_legs(ground, clock, access, calendars=calendars), *coach_legs(ground, clock, places, calendars)]
    ends = {end for row in trips for end in row.stops} | {end for leg in legs for end in (leg.origin, leg.destination)}
    sites: Mapping[str, Site] = sites_of(ground, ends)
    world = TransportOffer(
        clock,
        sites,
        trips,
        legs,
        crossings={one.crossing_id: (one.country_a, one.country_b) for one in ground.crossings.values()},
        hours=calendars,
    )
    family = Travellers(
        persons=4,
        profiles=frozenset({Profile.ADULTS, Profile.FAMILIES, Profile.CHILDREN}),
        vulnerable=True,
        barred_countries=frozenset({"MX", "US", "PA"}),
    )

    by_land = itineraries(world, family, "MX-TAPACHULA", "HN-SAN-PEDRO-SULA", first_day=0, last_day=7)
    overseas = itineraries(world, family, "HN-TEGUCIGALPA", "APT-LIM", first_day=0, last_day=7)

    assert by_land
    assert overseas
    for way in (*by_land, *overseas):
        assert not set(way.entered[:-1]) & {"MX", "US", "PA"}
        for leg in way.legs:
            assert leg.ride.vulnerable_days[leg.day] == "1"
        for before, after in pairwise(way.legs):
            assert before.ride.destination == after.ride.origin
            assert after.depart_min >= before.arrive_min + 120
            assert not after.ride.is_land or after.day > before.arrive_min // 1440
        for night in way.nights:
            row = ground.reception[night.site_id]
            assert row.beds is not None
            assert row.beds >= 4
            assert ground.places[night.site_id].kind != "migration_station"
    # Nobody flies to Lima in one leg from Tegucigalpa; the landings between are no barred country.
    assert min(len(way.legs) for way in overseas) >= 2
