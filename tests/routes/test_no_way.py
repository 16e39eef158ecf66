"""Why there is no way: each reason alone, reasons that only help together, and no reason where there is a way."""

from __future__ import annotations

from retorno.routes.no_way import NoWay, why_no_way
from retorno.routes.transit import TransitBar
from retorno.routes.transport import TransportOffer
from retorno.routes.travellers import Travellers
from retorno.vocabulary import NoWayReason, Profile
from tests.routes.way_builders import flight, offer_of, site, trip

A, B, D = site("A"), site("B"), site("D")


def why(world: TransportOffer, group: Travellers | None = None, **other: object) -> tuple[NoWay, ...]:
    asked: dict[str, object] = {"first_day": 0, "last_day": 6}
    return why_no_way(world, group or Travellers(persons=1), "A", "D", **(asked | other))  # type: ignore[arg-type]


def test_there_is_nothing_to_say_where_there_is_a_way() -> None:
    assert why(offer_of([A, D], [trip("T", "A D", "06:00 08:00")])) == ()


def test_no_route() -> None:
    world = offer_of([A, B, D], [trip("T", "A B", "06:00 08:00")])

    assert why(world) == (NoWay(reason=NoWayReason.NO_ROUTE, is_enough=False, site_ids=("D",)),)


def test_a_barred_country_is_named_with_the_document_that_would_lift_it() -> None:
    bar = TransitBar(country="HN", nationality="IN", person_ids=("P7",), required="unknown")
    legs = [flight("F1", "A B", "08:00 09:00", "GT HN"), flight("F2", "B D", "11:00 12:00", "HN SV")]
    world = offer_of([A, site("B", "HN"), site("D", "SV")], legs=legs)
    group = Travellers(persons=1, barred_countries=frozenset({"HN", "NI"}))

    found = why(world, group, bars={"HN": (bar,), "NI": ()})

    assert found == (NoWay(reason=NoWayReason.BARRED_COUNTRY, is_enough=True, countries=("HN",), bars=(bar,)),)


def test_the_fewest_barred_countries_are_named_each_choice_once_the_cheapest_first() -> None:
    sites = [A, site("B", "HN"), site("C", "NI"), site("E", "PA"), site("D", "SV")]
    legs = [
        flight("F1", "A B", "08:00 09:00", "GT HN", fare_cents=10),
        flight("F2", "B E", "11:00 12:00", "HN PA", fare_cents=10),
        flight("F3", "E D", "14:00 15:00", "PA SV", fare_cents=10),
        flight("F4", "B D", "16:00 18:00", "HN SV", fare_cents=3000),
        flight("F5", "A C", "08:00 12:00", "GT NI", fare_cents=700),
        flight("F6", "C D", "14:00 19:00", "NI SV", fare_cents=700),
    ]
    group = Travellers(persons=1, barred_countries=frozenset({"HN", "NI", "PA"}))

    # Through HN and PA it is cheapest, but that takes two visas: NI for 1400 cents or HN for 3010 takes one.
    found = why(offer_of(sites, legs=legs), group)

    assert [told.countries for told in found] == [("NI",), ("HN",)]


def test_the_dates() -> None:
    world = offer_of([A, D], legs=[flight("F", "A D", "18:00 32:00", "GT", days="0000100")])

    found = why(world, first_day=0, last_day=3)

    assert found == (NoWay(reason=NoWayReason.DATES, is_enough=True, depart_day=4, arrive_day=5),)
    assert why(world, latest_day=4) == found


def test_no_bed() -> None:
    trips = [trip("T1", "A B", "06:00 08:00"), trip("T2", "B D", "06:00 08:00")]

    found = why(offer_of([A, site("B", beds=None), D], trips))

    assert found == (NoWay(reason=NoWayReason.NO_BED, is_enough=True, site_ids=("B",)),)


def test_a_group_too_large_for_the_beds_or_the_seats() -> None:
    trips = [trip("T1", "A B", "06:00 08:00"), trip("T2", "B D", "06:00 08:00")]
    beds = why(offer_of([A, site("B", beds=3), D], trips), Travellers(persons=5))
    seats = why(offer_of([A, D], legs=[flight("F", "A D", "08:00 10:00", "GT", seats=4)]), Travellers(persons=5))

    assert [told.reason for told in beds] == [NoWayReason.NO_BED, NoWayReason.GROUP_TOO_LARGE]
    assert [told.reason for told in seats] == [NoWayReason.GROUP_TOO_LARGE]


def test_the_place_does_not_receive_at_that_hour() -> None:
    world = offer_of([A, D], legs=[flight("F", "A D", "20:00 22:00", "GT")], doors={"D": (480, 1080)})

    assert why(world) == (NoWay(reason=NoWayReason.NOT_RECEIVED, is_enough=True, site_ids=("D",)),)


def test_the_stricter_window() -> None:
    world = offer_of([A, D], [trip("T", "A D", "06:00 18:00", vulnerable_days="0000000")])

    assert [told.reason for told in why(world, Travellers(persons=1, vulnerable=True))] == [
        NoWayReason.VULNERABLE_WINDOW
    ]


def test_the_profile() -> None:
    adults = trip("T", "A D", "06:00 08:00", profiles=frozenset({Profile.ADULTS}))
    family = Travellers(persons=2, profiles=frozenset({Profile.ADULTS, Profile.FAMILIES}))

    assert [told.reason for told in why(offer_of([A, D], [adults]), family)] == [NoWayReason.PROFILE_NOT_CARRIED]


def test_the_journey_would_take_too_long() -> None:
    legs = [flight("F", "B D", "08:00 10:00", "GT", days="0000010")]
    world = offer_of([A, B, D], [trip("T", "A B", "06:00 08:00", days="1000000")], legs)

    found = why(world, Travellers(persons=1, max_journey_days=4))

    assert found == (NoWay(reason=NoWayReason.JOURNEY_TOO_LONG, is_enough=True, depart_day=0, arrive_day=5),)


def test_reasons_that_only_help_together_are_told_together_and_none_can_be_spared() -> None:
    legs = [flight("F1", "A B", "08:00 09:00", "GT HN"), flight("F2", "B D", "08:00 09:00", "HN SV")]
    world = offer_of([A, site("B", "HN", beds=None), site("D", "SV")], legs=legs)
    group = Travellers(persons=1, barred_countries=frozenset({"HN"}))

    found = why(world, group)

    # Without the bar there is still no bed in B, and the other way round; the dates have nothing to do with it.
    assert [(told.reason, told.is_enough) for told in found] == [
        (NoWayReason.BARRED_COUNTRY, False),
        (NoWayReason.NO_BED, False),
    ]
    assert found[0].countries == ("HN",)
    assert found[1].site_ids == ("B",)
