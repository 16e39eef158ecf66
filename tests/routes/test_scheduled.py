"""Flights, coaches and charters as legs: assumed timetables, real offers, agreements, daylight, closures, clocks."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from datetime import UTC, date, datetime
from itertools import groupby

import pytest

from retorno.errors import InputError
from retorno.routes.calendars import Calendars
from retorno.routes.offers import Access, AirDefaults, Offer, PlanClock, ScheduledLeg
from retorno.routes.overlay import AgreementConfirmation, CalendarPolicy, Closure, DaylightBounds, Overlay
from retorno.routes.scheduled import (
    WEEKDAYS_OF_FREQUENCY,
    air_legs,
    airport_access,
    coach_legs,
    gateways,
    offer_legs,
)
from retorno.routes.tables import Ground, load_ground
from retorno.routes.transport import sites_of
from retorno.vocabulary import ClosureTarget, Mode, Profile

WEEK = PlanClock(first_date=date(2026, 3, 2), days=7, utc_offset_min=-360)  # Monday to Sunday
PLACES = ("MX-CIUDAD-DE-MEXICO", "GT-CIUDAD-DE-GUATEMALA", "HN-TEGUCIGALPA", "NI-MANAGUA", "HN-SAN-PEDRO-SULA")
BOUNDS = DaylightBounds.of_minutes(earliest=300, latest=1110, vulnerable_earliest=360, vulnerable_latest=1050)


@pytest.fixture(scope="module")
def ground() -> Ground:
    return load_ground()


@pytest.fixture(scope="module")
def access(ground: Ground) -> dict[str, tuple[Access, ...]]:
    return airport_access(ground, PLACES)


def calendars_of(ground: Ground, *, closures: Collection[Closure] = (), agreed: tuple[str, ...] = ()) -> Calendars:
    """Calendars with an invented arrangement between countries that follow each other in ``agreed``."""
    pairs = list(zip(agreed[::2], agreed[1::2], strict=True))
    confirmations = tuple(
        AgreementConfirmation(
            confirmation_id=f"A{number}",
            from_countries=frozenset({left}),
            to_countries=frozenset({entered}),
            confirmed_by="coordinator",
            confirmed_with="liaison officer",
            valid_from=date(2026, 3, 1),
            valid_until=date(2026, 3, 5),
        )
        for number, (left, entered) in enumerate(pairs)
    )
    overlay = Overlay(closures=tuple(closures), confirmations=confirmations)
    return Calendars(ground, overlay, CalendarPolicy(bounds=BOUNDS))


def closure(target: ClosureTarget, target_id: str, from_day: int, until_day: int) -> Closure:
    return Closure(
        target=target,
        target_id=target_id,
        from_at=datetime(2026, 3, from_day, 6, tzinfo=UTC),
        until_at=datetime(2026, 3, until_day, 6, tzinfo=UTC),
        source="invented",
    )


def only(legs: Collection[ScheduledLeg], service_id: str) -> ScheduledLeg:
    (found,) = [leg for leg in legs if leg.service_id == service_id]
    return found


# -- airports ----------------------------------------------------------------------------------------------------


def test_an_airport_serves_itself_and_the_places_in_play_within_an_hour(ground: Ground) -> None:
    near = airport_access(ground, [*PLACES, "GT-CAMIEX", "GT-QUETZALTENANGO"])

    assert near["APT-GUA"][0] == Access(place_id="APT-GUA", minutes=0)
    assert [one.place_id for one in near["APT-GUA"][1:]] == ["GT-CIUDAD-DE-GUATEMALA", "GT-CAMIEX"]
    assert all(0 < one.minutes <= 60 for one in near["APT-GUA"][1:])
    assert near["APT-BOG"] == (Access(place_id="APT-BOG", minutes=0),)


def test_no_access_road_crosses_a_border(ground: Ground) -> None:
    everywhere = airport_access(ground, ground.places)

    for airport_id, near in everywhere.items():
        countries = {ground.places[one.place_id].country for one in near[1:]}
        assert countries <= {ground.airports[airport_id].country}


def test_a_problem_takes_one_site_for_each_airport(ground: Ground) -> None:
    chosen = gateways(ground, airport_access(ground, [*PLACES, "GT-CAMIEX"]))

    assert [one.place_id for one in chosen["APT-GUA"]] == ["GT-CIUDAD-DE-GUATEMALA"]
    assert [one.place_id for one in chosen["APT-BOG"]] == ["APT-BOG"]
    shelters = gateways(ground, airport_access(ground, ["GT-CAMIEX"]))
    assert [one.place_id for one in shelters["APT-GUA"]] == ["GT-CAMIEX"]


# -- assumed flights ---------------------------------------------------------------------------------------------


def test_the_weekly_frequency_gives_as_many_weekdays() -> None:
    assert [len(days) for days in WEEKDAYS_OF_FREQUENCY] == [0, 1, 2, 3, 4, 5, 6, 7]


def test_an_assumed_flight_leaves_on_its_local_clock_with_the_road_before_and_after(
    ground: Ground, access: dict[str, tuple[Access, ...]]
) -> None:
    # MEX has more services than GUA: a short flight from there leaves at 15:00 local; Mexico City is UTC-6, as the
    # plan clock. The road takes what the access says.
    legs = air_legs(ground, WEEK, access)
    row = next(one for one in ground.air_services if (one.from_iata, one.to_iata) == ("MEX", "GUA"))
    mine = {(leg.origin, leg.destination): leg for leg in legs if leg.service_id == row.service_id}

    bare = mine["APT-MEX", "APT-GUA"]
    town = mine["MX-CIUDAD-DE-MEXICO", "GT-CIUDAD-DE-GUATEMALA"]

    block = round(row.block_hours * 60)
    out, back = access["APT-MEX"][1].minutes, access["APT-GUA"][1].minutes
    assert (bare.depart_min, bare.arrive_min) == (900, 900 + block)
    assert (town.depart_min, town.arrive_min) == (900 - out, 900 + block + back)
    assert (town.access_from_min, town.access_to_min) == (out, back)
    assert town.countries == ("MX", "GT")
    assert town.is_assumed
    times = town.times(WEEK, 1)
    assert times.carrier_depart_at == datetime(2026, 3, 3, 21, tzinfo=UTC)
    assert (
        times.depart_local.strftime("%Y-%m-%d %H:%M %Z") == f"2026-03-03 {(900 - out) // 60}:{(900 - out) % 60:02d} CST"
    )
    assert (times.carrier_arrive_at - times.carrier_depart_at).total_seconds() == block * 60


def test_every_assumed_flight_leaves_on_its_weekdays_only(ground: Ground) -> None:
    legs = air_legs(ground, WEEK, {airport: (Access(place_id=airport, minutes=0),) for airport in ground.airports})
    frequency = {row.service_id: min(row.weekly_frequency, 7) for row in ground.air_services}
    suspended = {row.service_id for row in ground.air_services if row.status == "suspended_unverified"}

    offered = {service: list(same) for service, same in groupby(legs, key=lambda leg: leg.service_id)}

    assert set(offered) == set(frequency) - suspended
    assert suspended
    for service, same in offered.items():
        # In the far east a departure may lie on the day before, on the plan clock.
        running = sum(leg.days.count("1") for leg in same)
        assert frequency[service] - 1 <= running <= frequency[service] + 1
    assert len({leg.leg_id for leg in legs}) == len(legs)


def test_the_clock_change_makes_two_timings_with_days_of_their_own(ground: Ground) -> None:
    # Toronto goes from UTC-5 to UTC-4 on Sunday 8 March 2026: 07:30 local is 06:30, then 05:30 of the plan clock.
    clock = PlanClock(first_date=date(2026, 3, 6), days=4, utc_offset_min=-360)
    row = next(one for one in ground.air_services if one.from_iata == "YYZ" and one.weekly_frequency == 7)
    alone = {airport: (Access(place_id=airport, minutes=0),) for airport in ground.airports}

    mine = [leg for leg in air_legs(ground, clock, alone) if leg.service_id == row.service_id]

    assert [leg.days for leg in sorted(mine, key=lambda leg: leg.days)] == ["0011", "1100"]
    early, late = sorted(mine, key=lambda leg: leg.depart_min)
    assert late.depart_min - early.depart_min == 60
    assert early.days == "0011"


def test_a_real_offer_takes_the_place_of_the_assumed_departure_of_its_date(ground: Ground) -> None:
    alone = {airport: (Access(place_id=airport, minutes=0),) for airport in ground.airports}
    row = next(one for one in ground.air_services if (one.from_iata, one.to_iata) == ("MEX", "GUA"))
    offer = Offer(
        offer_id="O1",
        service_id=row.service_id,
        mode=Mode.FLIGHT,
        carrier=row.carrier,
        origin="APT-MEX",
        destination="APT-GUA",
        depart_at=datetime(2026, 3, 4, 16, tzinfo=UTC),
        arrive_at=datetime(2026, 3, 4, 18, tzinfo=UTC),
        seats=23,
        fare_cents=11100,
    )

    assumed = only(air_legs(ground, WEEK, alone, offers=[offer]), row.service_id)
    before = only(air_legs(ground, WEEK, alone), row.service_id)
    (bought,) = offer_legs(ground, WEEK, alone, [offer], calendars_of(ground))

    assert before.days[2] == "1"  # Wednesday
    assert assumed.days == before.days[:2] + "0" + before.days[3:]
    assert bought.days == "0010000"
    # 16:00 UTC is 10:00 of the plan clock.
    assert (bought.depart_min, bought.arrive_min, bought.seats, bought.fare_cents) == (600, 720, 23, 11100)
    assert not bought.is_assumed


def test_no_flight_touches_a_closed_country_or_a_closed_airport(ground: Ground) -> None:
    alone = {airport: (Access(place_id=airport, minutes=0),) for airport in ground.airports}
    row = next(one for one in ground.air_services if (one.from_iata, one.to_iata) == ("MEX", "GUA"))
    assert row.weekly_frequency == 7

    for target, target_id in ((ClosureTarget.COUNTRY, "GT"), (ClosureTarget.PLACE, "APT-GUA")):
        shut = calendars_of(ground, closures=[closure(target, target_id, 3, 5)])  # two days of the plan clock
        assert only(air_legs(ground, WEEK, alone, calendars=shut), row.service_id).days == "1001111"


def test_fares_follow_the_distance() -> None:
    defaults = AirDefaults()

    # 9000 + 9 x 1000; 25000 + 4.5 x 8001 = 61004.5, rounded down.
    assert defaults.fare_cents(1000.9) == 18000
    assert defaults.fare_cents(8001) == 61004


# -- charters and offers -------------------------------------------------------------------------------------------


def charter(**other: object) -> Offer:
    terms: dict[str, object] = {
        "offer_id": "H1",
        "mode": Mode.CHARTER,
        "carrier": "Invented Air",
        "origin": "APT-MEX",
        "destination": "APT-TGU",
        "depart_at": datetime(2026, 3, 3, 14, 30, tzinfo=UTC),
        "arrive_at": datetime(2026, 3, 3, 17, tzinfo=UTC),
        "seats": 150,
        "min_load": 75,
        "fare_cents": 1,
        "fixed_cents": 3000000,
    }
    return Offer(**(terms | other))  # type: ignore[arg-type]


def test_a_charter_has_its_least_load_and_no_fare(ground: Ground, access: dict[str, tuple[Access, ...]]) -> None:
    legs = offer_legs(ground, WEEK, gateways(ground, access), [charter(max_per_day=2)], calendars_of(ground))

    (leg,) = legs
    assert (leg.origin, leg.destination) == ("MX-CIUDAD-DE-MEXICO", "HN-TEGUCIGALPA")
    assert (leg.seats, leg.min_load, leg.fixed_cents, leg.fare_cents, leg.max_per_day) == (150, 75, 3000000, 0, 2)
    assert leg.days == leg.vulnerable_days == "0100000"


def test_an_offer_outside_the_horizon_is_left_out(ground: Ground, access: dict[str, tuple[Access, ...]]) -> None:
    later = charter(
        depart_at=datetime(2026, 3, 9, 6, tzinfo=UTC), arrive_at=datetime(2026, 3, 9, 9, tzinfo=UTC)
    )  # 00:00 of day 7

    assert offer_legs(ground, WEEK, {"APT-MEX": access["APT-MEX"][:1]}, [later], calendars_of(ground)) == ()


def test_a_departure_before_midnight_by_road_is_on_the_day_before(ground: Ground) -> None:
    night = charter(
        depart_at=datetime(2026, 3, 4, 6, 10, tzinfo=UTC), arrive_at=datetime(2026, 3, 4, 9, tzinfo=UTC)
    )  # 00:10 of day 2
    near = {"APT-MEX": (Access(place_id="MX-CIUDAD-DE-MEXICO", minutes=25),)}

    (leg,) = offer_legs(ground, WEEK, near, [night], calendars_of(ground))

    # 25 minutes earlier: 23:45 of day 1; arrival 03:00 of day 2 is 27:00 of day 1.
    assert (leg.days, leg.depart_min, leg.arrive_min) == ("0100000", 1425, 1620)


def test_offers_that_cannot_be_are_refused_with_every_fault(ground: Ground) -> None:
    with pytest.raises(InputError) as wrong:
        charter(mode=Mode.ROAD, min_load=151, arrive_at=datetime(2026, 3, 3, 14, tzinfo=UTC), crossings=("X",))
    assert len(wrong.value.faults) == 4
    with pytest.raises(InputError) as unknown:
        offer_legs(
            ground,
            WEEK,
            {},
            [charter(origin="APT-XXX", destination="NOWHERE"), charter(mode=Mode.COACH, crossings=("XX-YY-ZZ",))],
            calendars_of(ground),
        )
    assert len(unknown.value.faults) == 3


# -- coaches -------------------------------------------------------------------------------------------------------

ACROSS = "C-HN-TEGUCIGALPA-NI-MANAGUA"
INSIDE = "C-HN-SAN-PEDRO-SULA-HN-TEGUCIGALPA"


def test_a_coach_crosses_a_border_only_under_an_agreement_in_force(ground: Ground) -> None:
    none = coach_legs(ground, WEEK, PLACES, calendars_of(ground))
    held = coach_legs(ground, WEEK, PLACES, calendars_of(ground, agreed=("HN", "NI")))  # until Thursday

    assert ACROSS not in {leg.service_id for leg in none}
    assert only(none, INSIDE).days == "1111111"
    assert only(held, ACROSS).days == "1111000"
    assert only(held, ACROSS).countries == ("HN", "NI")
    assert only(held, ACROSS).crossings == ground.coach_services[ACROSS].crossings


def test_an_agreement_of_the_other_direction_does_not_help(ground: Ground) -> None:
    back = coach_legs(ground, WEEK, PLACES, calendars_of(ground, agreed=("NI", "HN")))

    assert ACROSS not in {leg.service_id for leg in back}


def test_no_coach_while_its_crossing_or_a_country_is_closed(ground: Ground) -> None:
    (crossing,) = ground.coach_services[ACROSS].crossings
    for target, target_id in ((ClosureTarget.CROSSING, crossing), (ClosureTarget.COUNTRY, "NI")):
        shut = calendars_of(ground, closures=[closure(target, target_id, 3, 4)], agreed=("HN", "NI"))
        assert only(coach_legs(ground, WEEK, PLACES, shut), ACROSS).days == "1011000"


def coach(depart: datetime, arrive: datetime) -> Offer:
    return charter(
        offer_id="C1",
        mode=Mode.COACH,
        origin="HN-SAN-PEDRO-SULA",
        destination="HN-TEGUCIGALPA",
        depart_at=depart,
        arrive_at=arrive,
        min_load=0,
        seats=12,
        fare_cents=900,
        fixed_cents=0,
    )


@pytest.mark.parametrize(
    ("depart", "arrive", "days", "vulnerable_days"),
    [
        # San Pedro Sula is UTC-6. Early March the sun rises about 06:00 and sets about 18:00.
        ((3, 14), (3, 20), "0100000", "0100000"),  # 08:00 to 14:00
        ((3, 17, 30), (3, 23, 35), "0100000", "0000000"),  # arrives 17:35: beyond 17:30
        ((3, 18), (4, 1), None, None),  # arrives 19:00: dark
        ((3, 10), (3, 16), None, None),  # leaves 04:00
        ((3, 14), (4, 20), None, None),  # a night on the road
    ],
)
def test_a_coach_runs_in_daylight_and_in_the_stricter_window_for_vulnerable_people(
    ground: Ground, depart: tuple[int, ...], arrive: tuple[int, ...], days: str | None, vulnerable_days: str | None
) -> None:
    offer = coach(datetime(2026, 3, *depart, tzinfo=UTC), datetime(2026, 3, *arrive, tzinfo=UTC))

    legs = offer_legs(ground, WEEK, {}, [offer], calendars_of(ground))

    assert [(leg.days, leg.vulnerable_days) for leg in legs] == ([] if days is None else [(days, vulnerable_days)])


def test_unaccompanied_children_do_not_ride_public_coaches(ground: Ground) -> None:
    legs = coach_legs(ground, WEEK, PLACES, calendars_of(ground))

    assert legs
    assert all(Profile.UNACCOMPANIED not in leg.profiles for leg in legs)
    assert all(Profile.FAMILIES in leg.profiles for leg in legs)


def test_coaches_are_for_places_in_play_and_a_suspended_one_runs_for_nobody(ground: Ground) -> None:
    row = ground.coach_services[INSIDE]
    suspended = replace(ground, coach_services={INSIDE: replace(row, status="suspended")})

    assert coach_legs(ground, WEEK, ["HN-TEGUCIGALPA"], calendars_of(ground)) == ()
    assert coach_legs(suspended, WEEK, PLACES, calendars_of(ground)) == ()


# -- sites ---------------------------------------------------------------------------------------------------------


def test_a_site_knows_its_beds_and_whom_it_receives(ground: Ground) -> None:
    sites = sites_of(ground, ["MX-TAPACHULA", "HN-CAMR-SPS", "APT-BOG", "GT-CRR-FAG"])

    # reception.csv: Tapachula 40 beds; the centre at San Pedro Sula takes adults and vulnerable people, no beds.
    assert sites["MX-TAPACHULA"].may_stay(40, {Profile.FAMILIES})
    assert not sites["MX-TAPACHULA"].may_stay(41, {Profile.FAMILIES})
    assert sites["HN-CAMR-SPS"].may_arrive({Profile.ADULTS})
    assert not sites["HN-CAMR-SPS"].may_arrive({Profile.FAMILIES})
    assert not sites["GT-CRR-FAG"].may_stay(1, {Profile.ADULTS})
    with pytest.raises(InputError, match='"NOWHERE" is unknown'):
        sites_of(ground, ["NOWHERE"])
