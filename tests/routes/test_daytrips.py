"""Working days of a vehicle: hand-computed examples on five places, then an independent minute-by-minute judge."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import networkx as nx
import pytest
from astral import Observer
from astral.sun import sunrise, sunset

from retorno.errors import InputError
from retorno.routes.daytrips import DayTrip, NoTrip, TripPolicy, day_trips, why_no_trip
from retorno.routes.network import build, restricted
from retorno.routes.overlay import AgreementConfirmation, CalendarPolicy, Closure, DaylightBounds, Overlay
from retorno.routes.rows import Agreement, ClockMinute, Crossing, Hours, Junction, Place, Reception, Road
from retorno.routes.tables import Ground, load_ground
from retorno.routes.timeline import DrivingRules
from retorno.vocabulary import ClosedReason, ClosureTarget, NoTripReason, Profile, TripEventKind

MONDAY = date(2026, 3, 2)
CLOCK = -360
# At 18 degrees north the sun is up from 07:00 to 17:00 at UTC-6 on every day of the year, so these bounds rule.
BOUNDS = DaylightBounds(earliest=time(7), latest=time(17), vulnerable_earliest=time(7), vulnerable_latest=time(15))
POLICY = TripPolicy(
    calendar=CalendarPolicy(bounds=BOUNDS, receiving_opens=time(6), receiving_closes=time(20)),
    driving=DrivingRules(departure_step_min=1),
)

# Minutes of driving. MX and BZ carry no margin, so what is written here is what is driven.
#   MX-A --60-- MX-M --90-- X1 (6) --100-- BZ-B --200-- BZ-Z
#                 \--150-- X2 (6) --110--/
ROADS = (
    ("MX-A", "MX-M", 60),
    ("MX-M", "X1-A", 90),
    ("X1-A", "X1-B", 6),
    ("X1-B", "BZ-B", 100),
    ("MX-M", "X2-A", 150),
    ("X2-A", "X2-B", 6),
    ("X2-B", "BZ-B", 110),
    ("BZ-B", "BZ-Z", 200),
    ("MX-A", "MX-DET", 20),
    ("BZ-B", "BZ-KID", 10),
)


# -- a ground of five places ---------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def shipped() -> Ground:
    return load_ground()


def place(place_id: str, kind: str = "city", *, zone: str = "America/Belize", status: str = "open") -> Place:
    return Place(
        place_id=place_id,
        name=place_id,
        country=place_id[:2],
        admin1="",
        lat=18.0,
        lon=-89.0,
        timezone=zone,
        kind=kind,
        is_admin1_capital=False,
        status=status,
        capacity=None,
        population=None,
        road_access=True,
        coord_basis="invented",
        confidence="assumed",
        source="ASSUMPTION",
        notes="",
    )


PLACES = (
    place("MX-A"),
    place("MX-M"),
    place("BZ-B"),
    place("BZ-Z"),
    place("MX-DET", "migration_station"),
    place("BZ-KID", "child_shelter"),
)


def crossing(shipped: Ground, crossing_id: str, **changed: object) -> Crossing:
    base = replace(
        shipped.crossings["MX-BZ-SLS"],
        crossing_id=crossing_id,
        post_a_id=f"{crossing_id}-A",
        post_a_lat=18.0,
        post_a_lon=-89.0,
        post_a_tz="America/Belize",
        post_b_id=f"{crossing_id}-B",
        post_b_lat=18.0,
        post_b_lon=-89.0,
        post_b_tz="America/Belize",
    )
    return replace(base, **changed)  # type: ignore[arg-type]


def hours(
    target_id: str,
    clock: tuple[int, int] | None,
    *,
    weekdays: frozenset[int] | None = None,
    window: str = "",
    zone: str = "America/Belize",
    profiles: tuple[str, ...] = (),
    kind: str = "weekly",
    target_kind: str = "post",
) -> Hours:
    return Hours(
        row_id=f"{target_id}-{window}-{kind}-{weekdays}-{clock}",
        target_kind=target_kind,
        target_id=target_id,
        window=window,
        kind=kind,
        weekdays=weekdays,
        date_from=None,
        date_to=None,
        day_type="",
        open_min=ClockMinute(clock[0]) if clock else None,
        close_min=ClockMinute(clock[1]) if clock else None,
        timezone=zone,
        profiles=profiles,
        daily_head_cap=None,
        valid_from=None,
        valid_to=None,
        basis="assumed",
        source="ASSUMPTION",
        notes="",
    )


def road(ends: tuple[str, str, int]) -> Road:
    origin, destination, minutes = ends
    return Road(
        from_id=origin,
        to_id=destination,
        km=float(minutes),
        drive_hours=minutes / 60,
        road_class="primary",
        country="MX/BZ",
        gc_km=float(minutes),
        km_fallback=float(minutes),
        confidence="assumed",
        source="ASSUMPTION",
    )


def small(
    shipped: Ground,
    *,
    roads: Iterable[tuple[str, str, int]] = ROADS,
    places: tuple[Place, ...] = PLACES,
    crossings: tuple[Crossing, ...] | None = None,
    rows: tuple[Hours, ...] | None = None,
    reception: tuple[Reception, ...] = (),
    agreements: tuple[Agreement, ...] = (),
    junctions: tuple[Junction, ...] = (),
) -> Ground:
    """The five places; both crossings open 08:00 to 17:00 on both sides unless ``rows`` says otherwise."""
    borders = crossings or (crossing(shipped, "X1"), crossing(shipped, "X2"))
    posts = {post.post_id: post for border in borders for post in border.posts}
    standard = tuple(hours(post, (480, 1020)) for post in posts)
    return replace(
        shipped,
        places={one.place_id: one for one in places},
        airports={},
        crossings={border.crossing_id: border for border in borders},
        posts=posts,
        hours=standard if rows is None else rows,
        agreements={one.agreement_id: one for one in agreements},
        reception={one.place_id: one for one in reception},
        network=build(
            places=places, airports=(), junctions=junctions, crossings=borders, roads=[road(one) for one in roads]
        ),
    )


def rows_x1(clock_a: tuple[int, int], clock_b: tuple[int, int], zone_b: str = "America/Belize") -> tuple[Hours, ...]:
    """Hours of crossing X1; X2 has none and is therefore never passed."""
    return (hours("X1-A", clock_a), hours("X1-B", clock_b, zone=zone_b))


def confirmed(confirmation_id: str = "C1", **changed: object) -> AgreementConfirmation:
    base = AgreementConfirmation(
        confirmation_id=confirmation_id,
        from_countries=frozenset({"MX"}),
        to_countries=frozenset({"BZ"}),
        confirmed_by="Desk Norte",
        confirmed_with="Oficina de prueba",
        valid_from=MONDAY,
        valid_until=MONDAY + timedelta(days=30),
    )
    return replace(base, **changed)  # type: ignore[arg-type]


def trips_of(
    ground: Ground,
    *,
    places: tuple[str, ...] = ("MX-A", "BZ-B"),
    overlay: Overlay | None = None,
    days: int = 1,
    policy: TripPolicy = POLICY,
    first_date: date = MONDAY,
) -> tuple[DayTrip, ...]:
    return day_trips(
        ground,
        overlay if overlay is not None else Overlay(confirmations=(confirmed(),)),
        places,
        first_date=first_date,
        days=days,
        policy=policy,
        clock_utc_offset_min=CLOCK,
    )


def with_people(trips: Iterable[DayTrip], *stops: str) -> list[DayTrip]:
    return [trip for trip in trips if trip.stops == stops and not trip.is_empty_only]


def driving(**changed: int) -> TripPolicy:
    return replace(POLICY, driving=replace(POLICY.driving, **changed))


def bounded(earliest: time, latest: time, vulnerable_latest: time) -> TripPolicy:
    bounds = DaylightBounds(
        earliest=earliest, latest=latest, vulnerable_earliest=earliest, vulnerable_latest=vulnerable_latest
    )
    return replace(POLICY, calendar=replace(POLICY.calendar, bounds=bounds))


# -- one day by hand -----------------------------------------------------------------------------------------


def test_the_minutes_of_a_day_over_one_border(shipped: Ground) -> None:
    (best, other) = with_people(trips_of(small(shipped)), "MX-A", "BZ-B")

    # Over X1: leaves 07:00 = 420; 60 + 90 = 150 to the post, there at 570 (09:30), exit 30 until 600, bridge 6,
    # entry 60 until 666 (11:06), 100 to BZ-B: 766 (12:46). Driven 60 + 90 + 6 + 100 = 256.
    assert (best.depart_min, best.arrive_min) == ((420, 766), (420, 766))
    assert (best.crossings, best.km, best.drive_min, best.drivers) == ((("X1",),), 256, 256, 1)
    assert (best.days, best.vulnerable_days) == ("1", "1")
    assert best.countries == ("MX", "BZ")
    assert [(event.kind, event.from_min, event.until_min, event.node) for event in best.events] == [
        (TripEventKind.DEPARTURE, 420, 420, "MX-A"),
        (TripEventKind.EXIT_FORMALITIES, 570, 600, "X1-A"),
        (TripEventKind.ENTRY_FORMALITIES, 606, 666, "X1-B"),
        (TripEventKind.ARRIVAL, 766, 766, "BZ-B"),
    ]
    # Over X2: 60 + 150 = 210 to the post, 96 over the border, 110: 420 + 416 = 836.
    assert (other.crossings, other.arrive_min) == ((("X2",),), (420, 836))


def test_a_vehicle_leaves_later_rather_than_wait_before_a_closed_border(shipped: Ground) -> None:
    ground = small(shipped, rows=rows_x1((630, 1020), (480, 1020)))

    (trip,) = with_people(trips_of(ground), "MX-A", "BZ-B")

    # The post opens at 10:30 = 630 and is 150 minutes away: 480 (08:00), home at 480 + 346 = 826.
    assert (trip.depart_min, trip.arrive_min) == ((480, 826), (480, 826))


def test_a_middle_stop_has_its_own_minutes_and_segments(shipped: Ground) -> None:
    trips = trips_of(small(shipped), places=("MX-A", "MX-M", "BZ-B"))

    (trip,) = with_people(trips, "MX-A", "MX-M", "BZ-B")

    # 420 + 60 = 480 at MX-M, 30 for those who board, 510 + 90 = 600 at the post, 96, 100: 796.
    assert trip.arrive_min == (420, 480, 796)
    assert trip.depart_min == (420, 510, 796)
    assert trip.crossings == ((), ("X1",))
    assert [event.kind for event in trip.events][1] is TripEventKind.STOP


def test_middle_stops_are_offered_only_where_the_detour_is_small(shipped: Ground) -> None:
    # Straight: 256 minutes, so a stop may add 256 x 0.12 + 12 = 42. Beside the road at 20 and 22 minutes, there and
    # back: 40 and 44; two of 30 each are too much together.
    def middles(*asides: tuple[str, int]) -> set[tuple[str, ...]]:
        places = (*PLACES, *(place(name) for name, _ in asides))
        roads = (*ROADS, *(("MX-M", name, minutes) for name, minutes in asides))
        trips = trips_of(small(shipped, places=places, roads=roads), places=("MX-A", "BZ-B", *dict(asides)))
        return {trip.stops[1:-1] for trip in trips if (trip.stops[0], trip.stops[-1]) == ("MX-A", "BZ-B")}

    assert middles(("MX-N", 20)) == {(), ("MX-N",)}
    assert middles(("MX-N", 22)) == {()}
    assert middles(("MX-N", 15), ("MX-O", 15)) == {(), ("MX-N",), ("MX-O",)}
    assert middles(("MX-N", 10), ("MX-O", 10)) == {(), ("MX-N",), ("MX-O",), ("MX-N", "MX-O")}


def test_a_short_journey_has_no_middle_stop(shipped: Ground) -> None:
    # 44 + 45 = 89 minutes; 45 + 45 = 90.
    def stops(minutes: int) -> set[int]:
        ground = small(
            shipped, roads=(("MX-A", "MX-M", minutes), ("MX-M", "MX-E", 45)), places=(*PLACES, place("MX-E"))
        )
        trips = trips_of(ground, places=("MX-A", "MX-M", "MX-E"))
        return {len(trip.stops) for trip in trips if (trip.stops[0], trip.stops[-1]) == ("MX-A", "MX-E")}

    assert stops(44) == {2}
    assert stops(45) == {2, 3}


def test_a_far_longer_way_is_offered_only_while_the_near_border_is_closed(shipped: Ground) -> None:
    # X1: 20 + 6 + 20 = 46 of driving and 90 of formalities, 136; half as long again and 120 more is 324.
    # X2: 120 + 6 + 120 = 246 and 90: 336.
    roads = (
        ("MX-A", "X1-A", 20),
        ("X1-A", "X1-B", 6),
        ("X1-B", "BZ-B", 20),
        ("MX-A", "X2-A", 120),
        ("X2-A", "X2-B", 6),
        ("X2-B", "BZ-B", 120),
    )
    overlay = closed(ClosureTarget.CROSSING, "X1", 1, 3)

    trips = with_people(trips_of(small(shipped, roads=roads), overlay=overlay, days=4), "MX-A", "BZ-B")

    assert {(trip.crossings[0][0], trip.days) for trip in trips} == {("X1", "1001"), ("X2", "0110")}


def test_both_sides_must_be_open_each_on_its_own_clock(shipped: Ground) -> None:
    # Panama is an hour ahead: its 10:00 to 13:00 is 09:00 to 12:00 here; the other side opens at 09:45 = 585.
    ground = small(shipped, rows=rows_x1((585, 1020), (600, 780), "America/Panama"))

    (trip,) = with_people(trips_of(ground), "MX-A", "BZ-B")

    # 585 - 150 = 435; formalities end at 585 + 96 = 681, before 12:00 = 720.
    assert trip.depart_min == (435, 781)


# -- every rule: legal, at the limit, illegal ----------------------------------------------------------------


@pytest.mark.parametrize(("closes", "runs"), [(667, True), (666, True), (665, False)])
def test_the_border_stays_open_for_the_whole_formalities(shipped: Ground, closes: int, runs: bool) -> None:
    # The earliest arrival is 570, formalities end at 666.
    ground = small(shipped, rows=rows_x1((480, 1020), (480, closes)))

    assert bool(with_people(trips_of(ground), "MX-A", "BZ-B")) is runs


@pytest.mark.parametrize(("closes", "runs"), [(691, True), (690, True), (689, False)])
def test_the_arrival_at_the_border_keeps_the_buffer(shipped: Ground, closes: int, runs: bool) -> None:
    # A buffer of 120 counts from the arrival at 570: 690.
    ground = small(shipped, rows=rows_x1((480, closes), (480, 1020)))

    assert bool(with_people(trips_of(ground, policy=driving(border_buffer_min=120)), "MX-A", "BZ-B")) is runs


@pytest.mark.parametrize(("closes", "runs"), [(827, True), (826, True), (825, False)])
def test_the_arrival_keeps_the_buffer_before_the_receiving_place_closes(
    shipped: Ground, closes: int, runs: bool
) -> None:
    # Arrival at 766, buffer 60: 826.
    rows = (*rows_x1((480, 1020), (480, 1020)), hours("BZ-B", (360, closes), target_kind="place"))

    assert bool(with_people(trips_of(small(shipped, rows=rows)), "MX-A", "BZ-B")) is runs


@pytest.mark.parametrize(("last", "runs"), [(827, True), (826, True), (825, False)])
def test_the_arrival_is_before_the_last_onward_transport(shipped: Ground, last: int, runs: bool) -> None:
    received = Reception(
        place_id="BZ-B",
        profiles=(),
        arrivals_per_day=50,
        beds=None,
        buffer_min=60,
        last_onward_min=ClockMinute(last),
        basis="assumed",
        source="ASSUMPTION",
        notes="",
    )
    ground = small(shipped, rows=rows_x1((480, 1020), (480, 1020)), reception=(received,))

    assert bool(with_people(trips_of(ground), "MX-A", "BZ-B")) is runs


@pytest.mark.parametrize(("latest", "runs"), [(time(12, 47), True), (time(12, 46), True), (time(12, 45), False)])
def test_nobody_is_on_the_road_after_the_offices_bound(shipped: Ground, latest: time, runs: bool) -> None:
    # Leaves 07:00, arrives 12:46.
    ground = small(shipped, rows=rows_x1((480, 1020), (480, 1020)))

    trips = trips_of(ground, policy=bounded(time(7), latest, latest))

    assert bool(with_people(trips, "MX-A", "BZ-B")) is runs


@pytest.mark.parametrize(
    ("post", "zone", "latest", "runs"),
    [
        # There at 09:30 = 13:30 at UTC-2; let go at 11:06 = 14:06 at UTC-3; home by 12:46 on the clock of BZ-B.
        ("post_a_tz", "America/Noronha", time(13, 30), True),
        ("post_a_tz", "America/Noronha", time(13, 29), False),
        ("post_b_tz", "America/Sao_Paulo", time(14, 6), True),
        ("post_b_tz", "America/Sao_Paulo", time(14, 5), False),
    ],
)
def test_the_offices_bound_holds_at_each_post_on_its_own_clock(
    shipped: Ground, post: str, zone: str, latest: time, runs: bool
) -> None:
    border = crossing(shipped, "X1", **{post: zone})
    ground = small(
        shipped,
        crossings=(border, crossing(shipped, "X2")),
        rows=rows_x1((480, 1020), (480, 1020)),
    )

    trips = trips_of(ground, policy=bounded(time(7), latest, latest))

    assert bool(with_people(trips, "MX-A", "BZ-B")) is runs


def test_a_vehicle_leaves_later_rather_than_arrive_before_the_place_opens(shipped: Ground) -> None:
    rows = (*rows_x1((480, 1020), (480, 1020)), hours("BZ-B", (780, 1200), target_kind="place"))

    (trip,) = with_people(trips_of(small(shipped, rows=rows)), "MX-A", "BZ-B")

    # Opens at 13:00 = 780: leaves at 780 - 346 = 434.
    assert trip.depart_min == (434, 780)


def test_nobody_is_on_the_road_before_sunrise_or_after_sunset(shipped: Ground) -> None:
    policy = bounded(time(0), time(23, 59), time(23, 59))
    ground = small(shipped, rows=rows_x1((0, 1440), (0, 1440)))
    home = Observer(latitude=18.0, longitude=-89.0)
    rises = sunrise(home, MONDAY, UTC) - timedelta(hours=6)

    (trip,) = with_people(trips_of(ground, policy=policy), "MX-A", "BZ-B")

    # The first whole minute after sunrise on the clock of UTC-6.
    first = rises.hour * 60 + rises.minute + (1 if rises.second or rises.microsecond else 0)
    assert trip.depart_min[0] == first
    assert 6 * 60 < first < 6 * 60 + 30


@pytest.mark.parametrize(("vulnerable_latest", "soft"), [(time(12, 47), "1"), (time(12, 46), "1"), (time(12, 45), "0")])
def test_vulnerable_people_ride_only_inside_the_stricter_window(
    shipped: Ground, vulnerable_latest: time, soft: str
) -> None:
    ground = small(shipped, rows=rows_x1((480, 1020), (480, 1020)))

    (trip,) = with_people(trips_of(ground, policy=bounded(time(7), time(17), vulnerable_latest)), "MX-A", "BZ-B")

    assert (trip.days, trip.vulnerable_days) == ("1", soft)


def test_a_later_departure_for_vulnerable_people_stands_beside_the_early_one(shipped: Ground) -> None:
    bounds = DaylightBounds(earliest=time(7), latest=time(17), vulnerable_earliest=time(9), vulnerable_latest=time(16))
    policy = replace(POLICY, calendar=replace(POLICY.calendar, bounds=bounds))
    ground = small(shipped, rows=rows_x1((480, 1020), (480, 1020)))

    early, late = with_people(trips_of(ground, policy=policy), "MX-A", "BZ-B")

    # 07:00 and 09:00; the later one arrives at 540 + 346 = 886 (14:46).
    assert (early.depart_min[0], early.days, early.vulnerable_days) == (420, "1", "0")
    assert (late.depart_min[0], late.arrive_min[1], late.days, late.vulnerable_days) == (540, 886, "1", "1")


@pytest.mark.parametrize(("minutes", "breaks", "longest"), [(240, 0, 240), (241, 1, 240), (480, 1, 240), (481, 2, 240)])
def test_at_most_four_hours_without_a_break(shipped: Ground, minutes: int, breaks: int, longest: int) -> None:
    ground = small(shipped, roads=(("MX-A", "MX-M", minutes),))

    (trip,) = with_people(trips_of(ground, places=("MX-A", "MX-M")), "MX-A", "MX-M")

    taken = [event for event in trip.events if event.kind is TripEventKind.BREAK]
    assert len(taken) == breaks
    assert all(event.until_min - event.from_min == 30 for event in taken)
    assert trip.arrive_min[-1] - trip.depart_min[0] == minutes + 30 * breaks
    assert longest_drive(trip) <= longest


def test_a_break_is_taken_in_a_town_of_the_last_hour_if_it_costs_no_further_break(shipped: Ground) -> None:
    # 190 + 60 + 150 = 400: one break, in the town at 190 or on the road at 240; the town at 190 leaves 210.
    ground = small(shipped, roads=(("MX-A", "MX-M", 190), ("MX-M", "MX-DET", 210)))

    (trip,) = with_people(trips_of(ground, places=("MX-DET", "MX-A")), "MX-DET", "MX-A")

    # From MX-DET the town is at 210.
    (taken,) = [event for event in trip.events if event.kind is TripEventKind.BREAK]
    assert (taken.node, taken.from_min - trip.depart_min[0]) == ("MX-M", 210)


def test_a_town_is_passed_by_if_a_break_there_would_cost_another(shipped: Ground) -> None:
    # 480 in all: one break at 240 is enough, one in the town at 190 would leave 290.
    ground = small(shipped, roads=(("MX-A", "MX-M", 190), ("MX-M", "MX-DET", 290)))

    # MX-DET is a pick-up point: nobody arrives there, so the vehicle goes empty.
    (trip,) = [one for one in trips_of(ground, places=("MX-A", "MX-DET")) if one.stops[0] == "MX-A"]

    (taken,) = [event for event in trip.events if event.kind is TripEventKind.BREAK]
    assert taken.from_min - trip.depart_min[0] == 240


def test_a_break_in_a_town_comes_before_a_later_one_at_a_junction(shipped: Ground) -> None:
    passed = Junction(junction_id="J-1", near_city="Somewhere", country="MX", lat=18.0, lon=-89.0, source="ASSUMPTION")
    roads = (("MX-A", "MX-M", 190), ("MX-M", "J-1", 40), ("J-1", "MX-DET", 150))
    ground = small(shipped, roads=roads, junctions=(passed,))

    (trip,) = [one for one in trips_of(ground, places=("MX-A", "MX-DET")) if one.stops[0] == "MX-A"]

    (taken,) = [event for event in trip.events if event.kind is TripEventKind.BREAK]
    assert (taken.node, taken.from_min - trip.depart_min[0]) == ("MX-M", 190)


def test_a_journey_inside_a_country_never_leaves_it(shipped: Ground) -> None:
    # 300 minutes at home, 30 of driving and two borders through the neighbour.
    roads = (
        ("MX-A", "MX-M", 300),
        ("MX-A", "X1-A", 10),
        ("X1-A", "X1-B", 6),
        ("X1-B", "X2-B", 10),
        ("X2-B", "X2-A", 6),
        ("X2-A", "MX-M", 10),
    )
    both_ways = confirmed(to_countries=frozenset({"MX", "BZ"}), transit_countries=frozenset({"MX", "BZ"}))

    trips = trips_of(small(shipped, roads=roads), places=("MX-A", "MX-M"), overlay=Overlay(confirmations=(both_ways,)))

    assert {trip.crossings for trip in with_people(trips, "MX-A", "MX-M")} == {((),)}


def test_formalities_shorter_than_a_break_are_no_break(shipped: Ground) -> None:
    ground = small(
        shipped,
        roads=(("MX-A", "X1-A", 150), ("X1-A", "X1-B", 6), ("X1-B", "BZ-B", 100)),
        rows=rows_x1((480, 1020), (480, 1020)),
    )
    short = driving(exit_formalities_min=20, entry_formalities_min=29)

    (rested,) = with_people(trips_of(ground), "MX-A", "BZ-B")
    (tired,) = with_people(trips_of(ground, policy=short), "MX-A", "BZ-B")

    # 256 minutes in one go need a break, with 30 and 60 minutes at the border they do not.
    assert [event.kind for event in rested.events].count(TripEventKind.BREAK) == 0
    assert [event.kind for event in tired.events].count(TripEventKind.BREAK) == 1


@pytest.mark.parametrize(("minutes", "drivers"), [(539, 1), (540, 1), (541, 2)])
def test_a_second_driver_beyond_nine_hours(shipped: Ground, minutes: int, drivers: int) -> None:
    ground = small(shipped, roads=(("MX-A", "MX-M", minutes),))
    # 541 minutes with two breaks of 30 take 601: 06:30 to 16:31 at the equinox needs wide bounds.
    policy = bounded(time(6, 30), time(17, 30), time(17, 30))

    (trip,) = with_people(trips_of(ground, places=("MX-A", "MX-M"), policy=policy), "MX-A", "MX-M")

    assert trip.drivers == drivers


@pytest.mark.parametrize(("driver_day", "runs"), [(129, True), (128, True), (127, False)])
def test_no_journey_beyond_the_day_of_two_drivers(shipped: Ground, driver_day: int, runs: bool) -> None:
    # 256 minutes of driving over X1: two drivers of 128.
    ground = small(shipped, rows=rows_x1((480, 1020), (480, 1020)))

    trips = trips_of(ground, policy=driving(driver_day_min=driver_day))

    assert bool(with_people(trips, "MX-A", "BZ-B")) is runs


@pytest.mark.parametrize(("most", "runs"), [(347, True), (346, True), (345, False)])
def test_the_journey_of_a_day_has_a_limit(shipped: Ground, most: int, runs: bool) -> None:
    # 346 minutes from door to door.
    ground = small(shipped, rows=rows_x1((480, 1020), (480, 1020)))

    trips = trips_of(ground, policy=driving(journey_day_min=most))

    assert bool(with_people(trips, "MX-A", "BZ-B")) is runs


# -- days ----------------------------------------------------------------------------------------------------


def test_timings_that_differ_by_weekday_are_different_trips_with_disjoint_days(shipped: Ground) -> None:
    week, saturday = frozenset({0, 1, 2, 3, 4}), frozenset({5})
    rows = (
        hours("X1-A", (480, 1020), weekdays=week),
        hours("X1-A", (630, 780), weekdays=saturday),
        hours("X1-B", (480, 1020)),
    )

    first, second = with_people(trips_of(small(shipped, rows=rows), days=14), "MX-A", "BZ-B")

    # Saturday: opens 10:30, so leaves at 480 as above; closed on Sundays.
    assert (first.depart_min[0], first.days) == (420, "11111001111100")
    assert (second.depart_min[0], second.days) == (480, "00000100000010")


def test_one_departure_is_one_trip_though_only_some_of_its_days_suit_vulnerable_people(shipped: Ground) -> None:
    # On Tuesdays BZ-B takes everybody but adults until noon only; the vehicle arrives at 12:46.
    others = ("families", "children", "unaccompanied", "vulnerable")
    rows = (
        *rows_x1((480, 1020), (480, 1020)),
        hours("BZ-B", (360, 1200), target_kind="place", profiles=("adults",)),
        hours("BZ-B", (360, 1200), target_kind="place", profiles=others, weekdays=frozenset({0})),
        hours("BZ-B", (360, 720), target_kind="place", profiles=others, weekdays=frozenset({1})),
    )

    (trip,) = with_people(trips_of(small(shipped, rows=rows), days=2), "MX-A", "BZ-B")

    assert (trip.depart_min[0], trip.days, trip.vulnerable_days) == (420, "11", "10")


def test_a_holiday_of_either_side_takes_the_day_out(shipped: Ground) -> None:
    rows = (
        *rows_x1((480, 1020), (480, 1020)),
        hours("X1-B", None, kind="holiday", window="repatriation"),
    )

    # Monday 9 March 2026 is a public holiday in Belize.
    (trip,) = with_people(trips_of(small(shipped, rows=rows), days=10), "MX-A", "BZ-B")

    assert trip.days == "1111111011"


def test_departures_are_rounded_up_to_whole_steps_so_that_neighbouring_dates_share_a_trip(
    shipped: Ground,
) -> None:
    policy = bounded(time(0), time(23, 59), time(23, 59))
    policy = replace(policy, driving=replace(policy.driving, departure_step_min=15))
    ground = small(shipped, rows=rows_x1((0, 1440), (0, 1440)))

    trips = with_people(trips_of(ground, policy=policy, days=21), "MX-A", "BZ-B")

    assert [trip.days for trip in trips] == ["1" * 21]
    assert trips[0].depart_min[0] % 15 == 0


def test_when_the_clocks_change_the_day_of_the_change_begins_another_trip(shipped: Ground) -> None:
    # The posts keep Chicago's clock: 10:30 is 10:30 at UTC-6 until 7 March 2026 and 09:30 from 8 March on.
    chicago = "America/Chicago"
    border = crossing(shipped, "X1", post_a_tz=chicago, post_b_tz=chicago)
    rows = (hours("X1-A", (630, 1020), zone=chicago), hours("X1-B", (480, 1020), zone=chicago))
    ground = small(shipped, crossings=(border, crossing(shipped, "X2")), rows=rows)

    trips = with_people(trips_of(ground, days=10), "MX-A", "BZ-B")

    # 630 - 150 = 480; 570 - 150 = 420.
    assert [(trip.depart_min[0], trip.days) for trip in trips] == [(420, "0000001111"), (480, "1111110000")]


# -- closures ------------------------------------------------------------------------------------------------


def closed(target: ClosureTarget, target_id: str, first: int, last: int | None) -> Overlay:
    """Closed from the midnight (UTC-6) of one day of the horizon until that of another."""
    midnight = datetime(2026, 3, 2, 6, tzinfo=UTC)
    closure = Closure(
        target=target,
        target_id=target_id,
        from_at=midnight + timedelta(days=first),
        until_at=None if last is None else midnight + timedelta(days=last),
        source="call",
    )
    return Overlay(closures=(closure,), confirmations=(confirmed(),))


@pytest.mark.parametrize(
    ("target", "target_id"),
    [
        (ClosureTarget.CROSSING, "X1"),
        (ClosureTarget.POST, "X1-B"),
        (ClosureTarget.ROUTE, "X1-A|MX-M"),
        (ClosureTarget.ROUTE, "X1-B|BZ-B"),
    ],
)
def test_while_one_border_is_closed_the_other_is_offered(
    shipped: Ground, target: ClosureTarget, target_id: str
) -> None:
    overlay = closed(target, target_id, 1, 3)

    trips = with_people(trips_of(small(shipped), overlay=overlay, days=5), "MX-A", "BZ-B")

    by_crossing = {trip.crossings[0][0]: trip.days for trip in trips}
    assert by_crossing == {"X1": "10011", "X2": "11111"}


@pytest.mark.parametrize("target_id", ["MX", "BZ"])
def test_no_trip_touches_a_closed_country_and_it_comes_back(shipped: Ground, target_id: str) -> None:
    overlay = closed(ClosureTarget.COUNTRY, target_id, 1, 3)

    trips = trips_of(small(shipped), places=("MX-A", "MX-M", "BZ-B"), overlay=overlay, days=5)

    assert {trip.days for trip in with_people(trips, "MX-A", "BZ-B")} == {"10011"}
    inland = {trip.days for trip in with_people(trips, "MX-A", "MX-M")}
    assert inland == ({"10011"} if target_id == "MX" else {"11111"})


def test_a_closure_that_begins_in_the_afternoon_stops_what_would_still_be_on_the_road(
    shipped: Ground,
) -> None:
    ground = small(shipped, rows=rows_x1((480, 1020), (480, 1020)))

    def runs(country: str, hour: int, minute: int) -> bool:
        closure = Closure(
            target=ClosureTarget.COUNTRY,
            target_id=country,
            from_at=datetime(2026, 3, 2, hour, minute, tzinfo=UTC),
            until_at=None,
            source="call",
        )
        overlay = Overlay(closures=(closure,), confirmations=(confirmed(),))
        return bool(with_people(trips_of(ground, overlay=overlay), "MX-A", "BZ-B"))

    # Arrival at 12:46 at UTC-6 = 18:46 UTC; the place of arrival must stay open for another 60 minutes.
    assert runs("MX", 18, 47)
    assert not runs("MX", 18, 46)
    assert runs("BZ", 19, 46)
    assert not runs("BZ", 19, 45)


def test_a_closed_place_is_neither_reached_nor_left(shipped: Ground) -> None:
    overlay = closed(ClosureTarget.PLACE, "MX-M", 0, 1)

    trips = trips_of(small(shipped), places=("MX-A", "MX-M"), overlay=overlay, days=2)

    assert {trip.days for trip in with_people(trips, "MX-A", "MX-M")} == {"01"}
    assert {trip.days for trip in with_people(trips, "MX-M", "MX-A")} == {"01"}


# -- agreements ----------------------------------------------------------------------------------------------


def test_without_a_confirmation_only_empty_vehicles_cross(shipped: Ground) -> None:
    trips = trips_of(small(shipped), overlay=Overlay())

    assert trips
    assert all(trip.is_empty_only for trip in trips)
    assert all(not trip.profiles and "1" not in trip.vulnerable_days for trip in trips)


def test_the_way_back_is_offered_empty_and_may_start_before_returns_are_handed_over(shipped: Ground) -> None:
    opening = tuple(hours(post, (360, 1200), window="opening") for post in ("X1-A", "X1-B"))
    handing_over = tuple(hours(post, (630, 1020), window="repatriation") for post in ("X1-A", "X1-B"))
    trips = trips_of(small(shipped, rows=opening + handing_over))

    (go,) = with_people(trips, "MX-A", "BZ-B")
    (back,) = [trip for trip in trips if trip.stops == ("BZ-B", "MX-A")]

    assert go.depart_min[0] == 480
    assert back.is_empty_only
    assert back.depart_min[0] == 420


def test_the_confirmations_days_bound_the_trips_days(shipped: Ground) -> None:
    overlay = Overlay(
        confirmations=(confirmed(valid_from=MONDAY + timedelta(days=1), valid_until=MONDAY + timedelta(days=3)),)
    )

    trips = with_people(trips_of(small(shipped), overlay=overlay, days=6), "MX-A", "BZ-B")

    assert {trip.days for trip in trips} == {"011100"}
    assert {trip.confirmation_ids for trip in trips} == {("C1",)}


def test_under_an_agreement_for_families_and_children_nobody_else_rides(shipped: Ground) -> None:
    overlay = Overlay(
        confirmations=(confirmed(profiles=(Profile.FAMILIES, Profile.CHILDREN), weekdays=frozenset({1, 4})),)
    )

    # The stricter window opens at 09:00, two hours after the general one.
    bounds = DaylightBounds(earliest=time(7), latest=time(17), vulnerable_earliest=time(9), vulnerable_latest=time(16))
    policy = replace(POLICY, calendar=replace(POLICY.calendar, bounds=bounds))

    trips = with_people(trips_of(small(shipped), overlay=overlay, days=7, policy=policy), "MX-A", "BZ-B")

    assert {trip.profiles for trip in trips} == {frozenset({Profile.FAMILIES, Profile.CHILDREN})}
    assert {(trip.days, trip.vulnerable_days) for trip in trips} == {("0100100", "0100100")}
    assert {trip.depart_min[0] for trip in trips} == {540}


def test_under_an_agreement_for_adults_no_vulnerable_person_rides(shipped: Ground) -> None:
    overlay = Overlay(confirmations=(confirmed(profiles=(Profile.ADULTS,)),))

    trips = with_people(trips_of(small(shipped), overlay=overlay, days=3), "MX-A", "BZ-B")

    assert {(trip.days, trip.vulnerable_days) for trip in trips} == {("111", "000")}
    assert {trip.profiles for trip in trips} == {frozenset({Profile.ADULTS})}


def test_empty_vehicles_run_only_on_days_without_a_trip_for_people(shipped: Ground) -> None:
    overlay = Overlay(confirmations=(confirmed(valid_until=MONDAY + timedelta(days=1)),))

    trips = [trip for trip in trips_of(small(shipped), overlay=overlay, days=5) if trip.stops == ("MX-A", "BZ-B")]

    assert {trip.days for trip in trips if not trip.is_empty_only} == {"11000"}
    assert {trip.days for trip in trips if trip.is_empty_only} == {"00111"}


def test_two_agreements_that_cover_a_border_each_do_not_carry_a_journey_over_both(shipped: Ground) -> None:
    # GT stands for a third country beyond BZ: 60 minutes of its own behind a second border.
    places = (*PLACES, place("GT-C"))
    beyond = crossing(shipped, "X3", country_a="BZ", country_b="GT")
    roads = (*ROADS, ("BZ-B", "X3-A", 20), ("X3-A", "X3-B", 6), ("X3-B", "GT-C", 30))
    ground = small(
        shipped,
        places=places,
        crossings=(crossing(shipped, "X1"), crossing(shipped, "X2"), beyond),
        roads=roads,
    )
    first = confirmed("C1")
    second = confirmed("C2", from_countries=frozenset({"BZ"}), to_countries=frozenset({"GT"}))
    through = confirmed("C3", to_countries=frozenset({"GT"}), transit_countries=frozenset({"BZ"}))

    apart = trips_of(ground, places=("MX-A", "GT-C"), overlay=Overlay(confirmations=(first, second)))
    whole = trips_of(ground, places=("MX-A", "GT-C"), overlay=Overlay(confirmations=(through,)))

    assert not with_people(apart, "MX-A", "GT-C")
    assert with_people(whole, "MX-A", "GT-C")[0].crossings == (("X1", "X3"),)
    assert with_people(whole, "MX-A", "GT-C")[0].countries == ("MX", "BZ", "GT")


def test_confirmations_add_up_for_nobody_profile_by_profile(shipped: Ground) -> None:
    beyond = crossing(shipped, "X3", country_a="BZ", country_b="GT")
    roads = (*ROADS, ("BZ-B", "X3-A", 20), ("X3-A", "X3-B", 6), ("X3-B", "GT-C", 30))
    ground = small(
        shipped,
        places=(*PLACES, place("GT-C")),
        crossings=(crossing(shipped, "X1"), crossing(shipped, "X2"), beyond),
        roads=roads,
    )
    onward = confirmed("C2", from_countries=frozenset({"BZ"}), to_countries=frozenset({"GT"}))
    children = confirmed(
        "C3",
        to_countries=frozenset({"GT"}),
        transit_countries=frozenset({"BZ"}),
        profiles=(Profile.CHILDREN,),
    )
    overlay = Overlay(confirmations=(confirmed("C1"), onward, children))

    # 150 + 96 + 120 + 96 + 30 = 492 minutes from 07:00: 15:12.
    policy = bounded(time(7), time(17), time(16))
    trips = with_people(trips_of(ground, places=("MX-A", "GT-C"), overlay=overlay, policy=policy), "MX-A", "GT-C")

    # Only the children's confirmation covers both borders.
    assert {trip.profiles for trip in trips} == {frozenset({Profile.CHILDREN})}
    assert {trip.confirmation_ids for trip in trips} == {("C3",)}


def test_the_hours_of_an_agreement_bind_beside_those_of_the_posts(shipped: Ground) -> None:
    terms = replace(
        shipped.agreements["DO-HT-1999"],
        agreement_id="AG",
        from_countries=("MX",),
        to_countries=("BZ",),
        crossings=(),
        weekdays=None,
        not_on_holidays=None,
        open_min=ClockMinute(630),
        close_min=ClockMinute(1020),
        hours_tz="America/Belize",
    )
    ground = small(shipped, rows=rows_x1((480, 1020), (480, 1020)), agreements=(terms,))
    under_it = confirmed(agreement_id="AG")

    (trip,) = with_people(trips_of(ground, overlay=Overlay(confirmations=(under_it,))), "MX-A", "BZ-B")

    # The agreement begins at 10:30 = 630, the post is 150 minutes away.
    assert trip.depart_min[0] == 480


# -- what may be a stop --------------------------------------------------------------------------------------


def test_a_migration_station_is_a_pick_up_point_only(shipped: Ground) -> None:
    trips = trips_of(small(shipped), places=("MX-A", "MX-DET", "MX-M", "BZ-B"))

    people = [trip for trip in trips if not trip.is_empty_only]
    assert with_people(trips, "MX-DET", "BZ-B")
    assert not [trip for trip in people if "MX-DET" in trip.stops[1:]]
    # An empty vehicle may go there to fetch people.
    assert [trip for trip in trips if trip.stops == ("MX-A", "MX-DET") and trip.is_empty_only]


def test_a_child_shelter_is_for_children_and_never_a_middle_stop(shipped: Ground) -> None:
    trips = trips_of(small(shipped), places=("MX-A", "BZ-KID", "BZ-B", "BZ-Z"))

    touching = [trip for trip in trips if "BZ-KID" in trip.stops and not trip.is_empty_only]
    assert touching
    for trip in touching:
        assert trip.profiles <= {Profile.CHILDREN, Profile.UNACCOMPANIED}
        assert trip.days == trip.vulnerable_days
        assert "BZ-KID" not in trip.stops[1:-1]


def test_a_place_marked_closed_is_no_stop(shipped: Ground) -> None:
    places = tuple(replace(one, status="closed") if one.place_id == "MX-M" else one for one in PLACES)

    assert not trips_of(small(shipped, places=places), places=("MX-A", "MX-M"))


def test_a_crossing_must_admit_every_kind_of_vehicle_of_the_fleet(shipped: Ground) -> None:
    small_cars = crossing(shipped, "X1", vehicles=("car", "pedestrian"))
    ground = small(shipped, crossings=(small_cars, crossing(shipped, "X2")))

    trips = with_people(trips_of(ground), "MX-A", "BZ-B")

    assert {trip.crossings for trip in trips} == {(("X2",),)}


def test_the_same_question_gives_the_same_trips_with_the_same_ids(shipped: Ground) -> None:
    first = trips_of(small(shipped), places=("MX-A", "MX-M", "BZ-B", "BZ-Z"), days=5)
    again = trips_of(small(shipped), places=("BZ-Z", "BZ-B", "MX-M", "MX-A"), days=5)

    assert first == again
    assert len({trip.trip_id for trip in first}) == len(first)


def test_unknown_places_and_impossible_numbers_are_refused_all_at_once(shipped: Ground) -> None:
    with pytest.raises(InputError) as caught:
        trips_of(small(shipped), places=("MX-A", "NOWHERE", "NOPE"), days=0)
    assert len(caught.value.faults) == 3

    with pytest.raises(InputError) as caught:
        DrivingRules(break_min=0, stop_min=-1)
    assert len(caught.value.faults) == 2


# -- why not -------------------------------------------------------------------------------------------------


def why(
    ground: Ground,
    origin: str = "MX-A",
    destination: str = "BZ-B",
    *,
    overlay: Overlay | None = None,
    policy: TripPolicy = POLICY,
    profiles: tuple[Profile, ...] = (Profile.ADULTS,),
) -> tuple[NoTrip, ...]:
    return why_no_trip(
        ground,
        overlay if overlay is not None else Overlay(confirmations=(confirmed(),)),
        origin,
        destination,
        MONDAY,
        policy=policy,
        clock_utc_offset_min=CLOCK,
        profiles=profiles,
    )


def test_there_is_no_reason_where_there_is_a_trip(shipped: Ground) -> None:
    assert why(small(shipped)) == ()


def test_there_is_no_reason_where_only_the_third_best_way_is_carried(shipped: Ground) -> None:
    far = crossing(shipped, "X9")
    roads = (*ROADS, ("MX-M", "X9-A", 170), ("X9-A", "X9-B", 6), ("X9-B", "BZ-B", 120))
    ground = small(shipped, crossings=(crossing(shipped, "X1"), crossing(shipped, "X2"), far), roads=roads)
    overlay = Overlay(confirmations=(confirmed(crossings=("X9",)),))

    assert {trip.crossings for trip in with_people(trips_of(ground, overlay=overlay), "MX-A", "BZ-B")} == {(("X9",),)}
    assert why(ground, overlay=overlay) == ()


def test_a_closed_place_is_the_reason_itself(shipped: Ground) -> None:
    places = tuple(replace(one, status="closed") if one.place_id == "BZ-B" else one for one in PLACES)

    (answer,) = why(small(shipped, places=places))

    assert (answer.reason, answer.target_id) == (NoTripReason.NOT_A_STOP, "BZ-B")


def test_the_reason_names_what_stands_in_the_way(shipped: Ground) -> None:
    one_border = small(shipped, rows=rows_x1((480, 1020), (480, 1020)))
    answers = {
        NoTripReason.NO_AGREEMENT: why(one_border, overlay=Overlay()),
        NoTripReason.CLOSED: why(one_border, overlay=closed(ClosureTarget.CROSSING, "X1", 0, 2)),
        NoTripReason.DAY_TOO_LONG: why(one_border, policy=driving(journey_day_min=345)),
        NoTripReason.DRIVING_TOO_LONG: why(one_border, policy=driving(driver_day_min=127)),
        NoTripReason.AFTER_DAYLIGHT: why(one_border, policy=bounded(time(7), time(12, 45), time(12))),
        NoTripReason.CROSSING_TOO_LATE: why(small(shipped, rows=rows_x1((480, 665), (480, 665)))),
        NoTripReason.NOT_A_STOP: why(one_border, "MX-A", "MX-DET"),
        NoTripReason.NO_ROUTE: why(small(shipped, roads=ROADS[:2])),
    }

    for reason, answer in answers.items():
        assert answer, reason
        assert answer[0].reason is reason


def test_an_expired_agreement_and_a_closure_say_so(shipped: Ground) -> None:
    ended = confirmed(valid_from=MONDAY - timedelta(days=30), valid_until=MONDAY - timedelta(days=1))
    expired = why(small(shipped), overlay=Overlay(confirmations=(ended,)))
    shut = why(
        small(shipped, rows=rows_x1((480, 1020), (480, 1020))),
        overlay=closed(ClosureTarget.CROSSING, "X1", 0, 2),
    )

    assert expired[0].closed is not None
    assert expired[0].closed.reason is ClosedReason.AGREEMENT_EXPIRED
    assert shut[0].closed is not None
    assert shut[0].closed.reason is ClosedReason.CLOSURE
    # Reopens at midnight of the third day, the post opens at 08:00 at UTC-6.
    assert shut[0].closed.next_open_at == datetime(2026, 3, 4, 14, tzinfo=UTC)


def test_adults_are_told_that_a_child_shelter_is_not_for_them(shipped: Ground) -> None:
    (answer,) = why(small(shipped), "BZ-B", "BZ-KID")

    assert (answer.reason, answer.target_id) == (NoTripReason.NOT_A_STOP, "BZ-KID")
    assert why(small(shipped), "BZ-B", "BZ-KID", profiles=(Profile.CHILDREN,)) == ()


# -- an independent judge ------------------------------------------------------------------------------------
#
# Written from rights.md and the rows of the files alone: it walks through a day minute by minute and asks at
# each minute what may be asked at that minute. It shares no code with the package but the rows it reads.


def longest_drive(trip: DayTrip) -> int:
    """The longest run of minutes on the road without half an hour of rest."""
    resting = {minute for event in trip.events for minute in range(event.from_min, event.until_min)}
    longest = driven = rested = 0
    for minute in range(trip.depart_min[0], trip.arrive_min[-1]):
        if minute in resting:
            rested += 1
            if rested >= 30:
                driven = 0
        else:
            rested = 0
            driven += 1
            longest = max(longest, driven)
    return longest


class Judge:
    """Judges trips against the shipped rows, minute by minute."""

    def __init__(self, ground: Ground, overlay: Overlay, policy: TripPolicy, holiday: Callable[[str, date], bool]):
        self.ground, self.overlay, self.policy, self.holiday = ground, overlay, policy, holiday
        self.roads: dict[str, nx.DiGraph] = {}
        self.rows: dict[tuple[str, str], list[Hours]] = {}
        for row in ground.hours:
            self.rows.setdefault((row.target_id, row.window), []).append(row)

    def instant(self, first_date: date, day: int, minute: int) -> datetime:
        return datetime(first_date.year, first_date.month, first_date.day, 6, tzinfo=UTC) + timedelta(
            days=day, minutes=minute
        )

    def open_in(self, target_id: str, window: str, country: str, at: datetime, profile: Profile) -> bool:
        rows = [row for row in self.rows.get((target_id, window), ()) if not row.profiles or profile in row.profiles]
        here = [row for row in rows if row.kind == "weekly"]
        zone = ZoneInfo(here[0].timezone)
        clock = at.astimezone(zone)
        here = [row for row in here if row.valid_from is None or row.valid_from <= clock.date()]
        here = [row for row in here if row.valid_to is None or row.valid_to >= clock.date()]
        festive = [row for row in rows if row.kind == "holiday"]
        if festive and self.holiday(country, clock.date()):
            here = festive
        minute = clock.hour * 60 + clock.minute
        return any(
            row.open_min is not None
            and row.close_min is not None
            and (row.weekdays is None or clock.weekday() in row.weekdays)
            and row.open_min <= minute < row.close_min
            for row in here
        )

    def crossing_open(self, crossing_id: str, at: datetime, profile: Profile, windows: Iterable[str]) -> bool:
        border = self.ground.crossings[crossing_id]
        shut = [
            closure
            for closure in self.overlay.closures
            if closure.target_id in (crossing_id, border.country_a, border.country_b)
            and closure.from_at <= at
            and (closure.until_at is None or at < closure.until_at)
        ]
        return not shut and all(
            self.open_in(post.post_id, window, post.country, at, profile) for post in border.posts for window in windows
        )

    def faults(self, trip: DayTrip, first_date: date, day: int, *, vulnerable: bool) -> list[str]:
        """Every broken rule of a trip on a day, in words."""
        found = []
        profiles: Iterable[Profile] = trip.profiles if vulnerable else (Profile.ADULTS,)
        driving = self.policy.driving
        drive = 0
        resting = [
            (event.from_min, event.until_min)
            for event in trip.events
            if event.kind not in (TripEventKind.DEPARTURE, TripEventKind.ARRIVAL)
        ]
        for minute in range(trip.depart_min[0], trip.arrive_min[-1]):
            drive += not any(start <= minute < end for start, end in resting)
        if drive != trip.drive_min:
            found.append(f"drives {drive}, says {trip.drive_min}")
        if trip.drivers != (1 if drive <= 540 else 2):
            found.append("drivers")
        if longest_drive(trip) > driving.continuous_driving_min:
            found.append("drives too long without a break")
        if trip.arrive_min[-1] - trip.depart_min[0] > driving.journey_day_min:
            found.append("day too long")
        found += self.border_faults(trip, first_date, day, profiles)
        found += self.light_faults(trip, first_date, day, vulnerable)
        found += self.road_faults(trip)
        if trip.is_empty_only:
            return found
        for stop, minute in zip(trip.stops[1:], trip.arrive_min[1:], strict=True):
            found += self.door_faults(stop, self.instant(first_date, day, minute), profiles)
        return found

    def border_faults(self, trip: DayTrip, first_date: date, day: int, profiles: Iterable[Profile]) -> list[str]:
        found = []
        windows = ("opening",) if trip.is_empty_only else ("opening", "repatriation")
        crossed = [one for segment in trip.crossings for one in segment]
        seen = [event.crossing_id for event in trip.events if event.kind is TripEventKind.EXIT_FORMALITIES]
        if crossed != seen:
            found.append(f"crossings {crossed}, formalities {seen}")
        for crossing_id in crossed:
            events = [event for event in trip.events if event.crossing_id == crossing_id]
            start, end = events[0].from_min, events[-1].until_min
            if sum(event.until_min - event.from_min for event in events) < 90:
                found.append(f"{crossing_id}: formalities cut short")
            for minute in range(start, end if trip.is_empty_only else max(end, start + 60)):
                at = self.instant(first_date, day, minute)
                if not all(self.crossing_open(crossing_id, at, profile, windows) for profile in profiles):
                    found.append(f"{crossing_id} closed at {at}")
                    break
        return found

    def closed_countries(self, trip: DayTrip, first_date: date, day: int) -> list[str]:
        """Countries on the way that are closed at any minute of the journey."""
        minutes = range(trip.depart_min[0], trip.arrive_min[-1] + 1)
        return [
            closure.target_id
            for closure in self.overlay.closures
            if closure.target_id in trip.countries
            and any(
                closure.from_at <= at and (closure.until_at is None or at < closure.until_at)
                for at in (self.instant(first_date, day, minute) for minute in minutes)
            )
        ]

    def carried(self, trip: DayTrip, on: date) -> bool:
        """Whether one confirmation carries every rider over every border of the day."""
        return len(trip.countries) == 1 or all(
            any(
                one.valid_from <= on <= one.valid_until
                and (one.weekdays is None or on.weekday() in one.weekdays)
                and (not one.profiles or profile in one.profiles)
                and all(
                    left in one.from_countries | one.transit_countries
                    and entered in one.transit_countries | one.to_countries
                    for left, entered in pairwise(trip.countries)
                )
                for one in self.overlay.confirmations
            )
            for profile in trip.profiles
        )

    def road_faults(self, trip: DayTrip) -> list[str]:
        """Every leg between two marks takes what the quickest road inside its country takes."""
        found = []
        marks = [event for event in trip.events if event.kind is not TripEventKind.BREAK]
        for before, after in pairwise(marks):
            breaks = [
                event
                for event in trip.events
                if event.kind is TripEventKind.BREAK and before.until_min <= event.from_min < after.from_min
            ]
            driven = after.from_min - before.until_min - sum(one.until_min - one.from_min for one in breaks)
            if before.crossing_id and before.crossing_id == after.crossing_id:
                expected = self.ground.network.edges[before.node, after.node]["drive_min"]
            else:
                inland = self.inland(self.ground.network.nodes[before.node]["country"])
                expected = nx.shortest_path_length(inland, before.node, after.node, weight="drive_min")
            if driven != expected:
                found.append(f"{before.node} to {after.node} in {driven} min, the road takes {expected}")
        return found

    def inland(self, country: str) -> nx.DiGraph:
        if country not in self.roads:
            self.roads[country] = restricted(self.ground.network, {country}).copy()
        return self.roads[country]

    def light_faults(self, trip: DayTrip, first_date: date, day: int, vulnerable: bool) -> list[str]:
        found = []
        bounds = self.policy.calendar.bounds
        earliest = bounds.vulnerable_earliest if vulnerable else bounds.earliest
        latest = bounds.vulnerable_latest if vulnerable else bounds.latest
        for event in trip.events:
            node = self.ground.network.nodes[event.node]
            zone = ZoneInfo(node["timezone"])
            for minute in (event.from_min, event.until_min):
                at = self.instant(first_date, day, minute).astimezone(zone)
                here = Observer(latitude=node["lat"], longitude=node["lon"])
                light = sunrise(here, at.date(), zone) <= at <= sunset(here, at.date(), zone)
                if not light or not earliest <= at.time() <= latest:
                    found.append(f"on the road at {at} at {event.node}")
        return found

    def door_faults(self, stop: str, at: datetime, profiles: Iterable[Profile]) -> list[str]:
        found = []
        place = self.ground.places[stop]
        zone = ZoneInfo(place.timezone)
        reception = self.ground.reception.get(stop)
        for wait in (0, 59):
            clock = (at + timedelta(minutes=wait)).astimezone(zone)
            if (stop, "receiving") in self.rows:
                good = all(
                    self.open_in(stop, "receiving", place.country, at + timedelta(minutes=wait), profile)
                    for profile in profiles
                )
            else:
                good = time(6) <= clock.time() < time(20)
            if not good:
                found.append(f"{stop} closed at {clock}")
            if reception and clock.hour * 60 + clock.minute >= reception.last_onward_min:
                found.append(f"{stop} without onward transport at {clock}")
        if reception and not set(profiles) <= {Profile(name) for name in reception.profiles}:
            found.append(f"{stop} does not receive {profiles}")
        return found


LAND = frozenset({"MX", "GT", "BZ", "SV", "HN", "NI", "CR", "PA"})
REGION = (
    "MX-TAPACHULA",
    "MX-TUXTLA-GUTIERREZ",
    "MX-TENOSIQUE",
    "MX-CHETUMAL",
    "MX-REYNOSA",
    "MX-MONTERREY",
    "MX-TIJUANA",
    "GT-CIUDAD-DE-GUATEMALA",
    "GT-QUETZALTENANGO",
    "GT-SANTA-ELENA",
    "GT-ESQUIPULAS",
    "BZ-BELIZE-CITY",
    "SV-SAN-SALVADOR",
    "SV-SAN-MIGUEL",
    "HN-SAN-PEDRO-SULA",
    "HN-OMOA",
    "HN-TEGUCIGALPA",
    "HN-CHOLUTECA",
    "HN-DANLI",
    "NI-ESTELI",
    "NI-MANAGUA",
    "NI-RIVAS",
    "CR-LIBERIA",
    "CR-SAN-JOSE",
    "CR-LOS-CHILES",
    "PA-DAVID",
    "PA-SANTIAGO-DE-VERAGUAS",
    "PA-CIUDAD-DE-PANAMA",
)
REGIONAL = TripPolicy(
    calendar=CalendarPolicy(
        bounds=DaylightBounds(
            earliest=time(5), latest=time(18, 30), vulnerable_earliest=time(6), vulnerable_latest=time(17, 30)
        )
    )
)
FIRST = date(2026, 3, 30)
"""Two weeks with Holy Week in them, and the change of the clocks in none of these countries' interiors."""

# Public holidays of the two weeks, from the calendars of the eight countries: Maundy Thursday and Good Friday
# wherever they are kept, Holy Saturday in GT, HN, SV and BZ, Easter Monday in BZ, 11 April in CR.
FEASTS = {
    "MX": (),
    "GT": ((4, 2), (4, 3), (4, 4)),
    "BZ": ((4, 3), (4, 4), (4, 6)),
    "SV": ((4, 2), (4, 3), (4, 4)),
    "HN": ((4, 2), (4, 3), (4, 4)),
    "NI": ((4, 2), (4, 3)),
    "CR": ((4, 2), (4, 3), (4, 11)),
    "PA": ((4, 3),),
}


@pytest.fixture(scope="module")
def regional(shipped: Ground) -> tuple[Overlay, tuple[DayTrip, ...]]:
    every = confirmed(
        from_countries=LAND,
        transit_countries=LAND,
        to_countries=LAND,
        valid_from=FIRST,
        valid_until=FIRST + timedelta(days=13),
    )
    closure = Closure(
        target=ClosureTarget.CROSSING,
        target_id="GT-HN-COR",
        from_at=datetime(2026, 4, 7, 15, tzinfo=UTC),
        until_at=datetime(2026, 4, 9, 17, 30, tzinfo=UTC),
        source="call",
    )
    overlay = Overlay(closures=(closure,), confirmations=(every,))
    trips = day_trips(
        shipped,
        overlay,
        REGION,
        first_date=FIRST,
        days=14,
        policy=REGIONAL,
        clock_utc_offset_min=CLOCK,
    )
    return overlay, trips


def test_an_independent_judge_finds_no_broken_rule_in_a_sample_of_regional_trips(
    shipped: Ground, regional: tuple[Overlay, tuple[DayTrip, ...]]
) -> None:
    overlay, trips = regional
    judge = Judge(shipped, overlay, REGIONAL, lambda country, day: (day.month, day.day) in FEASTS[country])
    people = [trip for trip in trips if not trip.is_empty_only]
    sample = random.Random(11).sample(people, 60)

    judged = 0
    for trip in sample:
        running = [day for day, mark in enumerate(trip.days) if mark == "1"]
        for day in random.Random(trip.trip_id).sample(running, min(3, len(running))):
            judged += 1
            if Profile.ADULTS in trip.profiles:
                assert judge.faults(trip, FIRST, day, vulnerable=False) == [], (trip, day)
            if trip.vulnerable_days[day] == "1":
                assert judge.faults(trip, FIRST, day, vulnerable=True) == [], (trip, day)
    assert judged > 100
    assert sum(sum(map(len, trip.crossings)) > 0 for trip in sample) > 20


def test_on_a_day_that_is_not_offered_no_departure_would_have_been_legal(
    shipped: Ground, regional: tuple[Overlay, tuple[DayTrip, ...]]
) -> None:
    overlay, trips = regional
    judge = Judge(shipped, overlay, REGIONAL, lambda country, day: (day.month, day.day) in FEASTS[country])
    offered: dict[tuple[str, str], set[int]] = {}
    for trip in trips:
        if not trip.is_empty_only:
            days = {day for day, mark in enumerate(trip.days) if mark == "1"}
            offered.setdefault((trip.stops[0], trip.stops[-1]), set()).update(days)
    missing = sorted(
        (trip.trip_id, day)
        for trip in trips
        if Profile.ADULTS in trip.profiles and len(trip.stops) == 2
        for day in range(14)
        if day not in offered[trip.stops[0], trip.stops[1]]
    )
    by_id = {trip.trip_id: trip for trip in trips}

    assert len(missing) > 50
    for trip_id, day in random.Random(17).sample(missing, 12):
        trip = by_id[trip_id]
        for depart in range(300, 900, 20):
            shift = depart - trip.depart_min[0]
            moved = replace(
                trip,
                depart_min=tuple(minute + shift for minute in trip.depart_min),
                arrive_min=tuple(minute + shift for minute in trip.arrive_min),
                events=tuple(event.shifted(shift) for event in trip.events),
            )
            assert judge.faults(moved, FIRST, day, vulnerable=False), (trip_id, day, depart)


def test_the_judge_finds_no_broken_rule_in_empty_vehicles_moves(
    shipped: Ground, regional: tuple[Overlay, tuple[DayTrip, ...]]
) -> None:
    overlay, trips = regional
    judge = Judge(shipped, overlay, REGIONAL, lambda country, day: (day.month, day.day) in FEASTS[country])
    empty = [trip for trip in trips if trip.is_empty_only]

    assert len(empty) > 20
    for trip in random.Random(13).sample(empty, 20):
        assert judge.faults(trip, FIRST, trip.days.index("1"), vulnerable=False) == [], trip


@pytest.mark.parametrize(
    ("shift", "expected"),
    [(-240, {"on the road"}), (300, {"on the road", "GT-HN-COR closed"})],
)
def test_the_judge_objects_to_a_trip_moved_out_of_its_window(
    shipped: Ground, regional: tuple[Overlay, tuple[DayTrip, ...]], shift: int, expected: set[str]
) -> None:
    overlay, trips = regional
    judge = Judge(shipped, overlay, REGIONAL, lambda country, day: (day.month, day.day) in FEASTS[country])
    trip = next(
        trip
        for trip in trips
        if trip.stops == ("GT-CIUDAD-DE-GUATEMALA", "HN-OMOA")
        and "1" in trip.vulnerable_days
        and trip.crossings == (("GT-HN-COR",),)
    )
    moved = replace(
        trip,
        depart_min=tuple(minute + shift for minute in trip.depart_min),
        arrive_min=tuple(minute + shift for minute in trip.arrive_min),
        events=tuple(event.shifted(shift) for event in trip.events),
    )

    faults = judge.faults(moved, FIRST, trip.days.index("1"), vulnerable=False)

    for words in expected:
        assert any(words in fault for fault in faults), words


def test_regional_trips_keep_the_shape_of_the_problem_format(
    regional: tuple[Overlay, tuple[DayTrip, ...]],
) -> None:
    _, trips = regional

    assert len({trip.trip_id for trip in trips}) == len(trips)
    for trip in trips:
        assert len(trip.stops) == len(trip.depart_min) == len(trip.arrive_min) == len(trip.crossings) + 1
        assert 2 <= len(trip.stops) <= 4
        assert len(set(trip.stops)) == len(trip.stops)
        assert all(0 <= minute < 1440 for minute in trip.depart_min + trip.arrive_min)
        assert len(trip.days) == len(trip.vulnerable_days) == 14
        assert "1" in trip.days
        assert all(mark <= day for mark, day in zip(trip.vulnerable_days, trip.days, strict=True))
    timings: dict[tuple[object, ...], list[str]] = {}
    for trip in trips:
        if trip.days == trip.vulnerable_days:
            key = (trip.stops, trip.crossings, trip.km, trip.profiles)
            timings.setdefault(key, []).append(trip.days)
    for strings in timings.values():
        assert all("".join(column).count("1") <= 1 for column in zip(*strings, strict=True))


def random_overlay(rng: random.Random) -> Overlay:
    """Confirmations and closures of crossings and countries, as an unlucky fortnight might bring them."""
    countries = sorted(LAND)
    confirmations = [
        confirmed(
            f"R{number}",
            from_countries=frozenset(rng.sample(countries, 3)),
            transit_countries=frozenset(rng.sample(countries, 2)),
            to_countries=frozenset(rng.sample(countries, 3)),
            weekdays=rng.choice([None, frozenset(rng.sample(range(7), 4))]),
            profiles=rng.choice([(), (Profile.ADULTS,), (Profile.FAMILIES, Profile.CHILDREN)]),
            valid_from=FIRST + timedelta(days=rng.randrange(4)),
            valid_until=FIRST + timedelta(days=rng.randrange(4, 14)),
        )
        for number in range(6)
    ]
    closures = []
    for target, target_id in (
        (ClosureTarget.CROSSING, rng.choice(["GT-HN-COR", "GT-HN-AGC", "MX-GT-TAL", "MX-GT-HI2", "HN-NI-GUA"])),
        (ClosureTarget.COUNTRY, rng.choice(countries)),
    ):
        start = datetime(2026, 3, 30, 6, tzinfo=UTC) + timedelta(minutes=rng.randrange(14 * 1440))
        closures.append(
            Closure(
                target=target,
                target_id=target_id,
                from_at=start,
                until_at=rng.choice([None, start + timedelta(minutes=rng.randrange(5 * 1440))]),
                source="call",
            )
        )
    return Overlay(closures=tuple(closures), confirmations=tuple(confirmations))


@pytest.mark.parametrize("seed", [3, 5, pytest.param(None, marks=pytest.mark.long)])
def test_random_closures_and_agreements_break_no_rule(shipped: Ground, seed: int | None) -> None:
    for one in [seed] if seed is not None else range(100, 112):
        rng = random.Random(one)
        overlay = random_overlay(rng)
        trips = day_trips(
            shipped,
            overlay,
            rng.sample(REGION, 14),
            first_date=FIRST,
            days=14,
            policy=REGIONAL,
            clock_utc_offset_min=CLOCK,
        )
        judge = Judge(shipped, overlay, REGIONAL, lambda country, day: (day.month, day.day) in FEASTS[country])
        assert trips
        for trip in rng.sample(trips, min(30, len(trips))):
            day = rng.choice([day for day, mark in enumerate(trip.days) if mark == "1"])
            # The judge's holidays cover the fortnight; a trip for children only is judged by the stricter rules.
            vulnerable = bool(trip.profiles) and Profile.ADULTS not in trip.profiles
            assert judge.faults(trip, FIRST, day, vulnerable=vulnerable) == [], (one, trip, day)
            assert judge.closed_countries(trip, FIRST, day) == [], (one, trip, day)
            assert trip.is_empty_only or judge.carried(trip, FIRST + timedelta(days=day)), (one, trip, day)
