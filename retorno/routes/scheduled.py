"""Flights, coaches and charters as legs on the plan clock.

The shipped timetables are assumptions: ``air_services.csv`` knows a weekly frequency and no hour. They say what may
be asked for; what an office has really bought (``Offer``) takes the place of the assumed departure of that date.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta
from typing import TYPE_CHECKING

import networkx as nx

from retorno.clock import local
from retorno.errors import Fault, InputError
from retorno.routes.calendars import Calendars
from retorno.routes.coaches import CoachRules
from retorno.routes.offers import DAY_MIN, EVERYBODY, Access, AirDefaults, Offer, PlanClock, ScheduledLeg
from retorno.routes.rows import AirService
from retorno.routes.spans import local_minute, minute_of
from retorno.routes.timetables import Closures, Timings, day_string, once
from retorno.vocabulary import Mode, Profile

if TYPE_CHECKING:
    from retorno.routes.network import Network
    from retorno.routes.tables import Ground

WEEKDAYS_OF_FREQUENCY = (
    frozenset[int](),
    frozenset({2}),
    frozenset({1, 4}),
    frozenset({0, 2, 4}),
    frozenset({0, 2, 4, 6}),
    frozenset({0, 1, 2, 3, 4}),
    frozenset({0, 1, 2, 3, 4, 5}),
    frozenset(range(7)),
)
"""Weekdays (Monday is 0) on which a flight of so many a week is assumed to leave. Our assumption: spread over the
week, working days first; more than seven a week is one departure every day, the others are not offered."""

ON_COACHES = EVERYBODY - {Profile.UNACCOMPANIED}
"""Who may ride a public coach. Unaccompanied children are not seated among unrelated adults (R14)."""


def airport_access(ground: Ground, places: Collection[str], *, limit_min: int = 60) -> dict[str, tuple[Access, ...]]:
    """The places in play that each airport serves by road, nearest first; the airport itself always leads.

    Parameters
    ----------
    places
        Ids of places in play; airports, closed places and those of another country are left out.
    limit_min
        Longest drive. Our choice: an hour, beyond that it is a land leg of its own.
    """
    wanted = {
        place
        for place in places
        if place in ground.places and ground.places[place].status != "closed" and ground.places[place].road_access
    }
    found = {}
    insides = {country: _inside(ground, country) for country in {one.country for one in ground.airports.values()}}
    for airport_id, airport in ground.airports.items():
        minutes: dict[str, float] = {}
        if airport.road_access:
            inside = insides[airport.country]
            minutes = nx.single_source_dijkstra_path_length(inside, airport_id, cutoff=limit_min, weight="drive_min")
        near = sorted((int(drive_min), place) for place, drive_min in minutes.items() if place in wanted)
        found[airport_id] = (
            Access(place_id=airport_id, minutes=0),
            *(Access(place_id=place, minutes=drive_min) for drive_min, place in near),
        )
    return found


def _inside(ground: Ground, country: str) -> Network:
    """The roads inside one country: an access road never crosses a border."""
    return ground.network.subgraph(
        [node for node, attributes in ground.network.nodes(data=True) if attributes["country"] == country]
    ).copy()


def gateways(ground: Ground, access: Mapping[str, Sequence[Access]]) -> dict[str, tuple[Access, ...]]:
    """One site for each airport: the nearest city in play, else the nearest place, else the airport itself.

    A problem takes these, so that the seats of a flight are offered once.
    """
    chosen: dict[str, tuple[Access, ...]] = {}
    for airport_id, near in access.items():
        cities = [one for one in near if one.place_id in ground.places and ground.places[one.place_id].kind == "city"]
        chosen[airport_id] = (next(iter([*cities, *near[1:], *near])),)
    return chosen


def air_legs(
    ground: Ground,
    clock: PlanClock,
    access: Mapping[str, Sequence[Access]],
    *,
    offers: Collection[Offer] = (),
    calendars: Calendars | None = None,
    defaults: AirDefaults | None = None,
) -> tuple[ScheduledLeg, ...]:
    """The assumed flights of ``air_services.csv``, between all sites that ``access`` gives their airports.

    Parameters
    ----------
    access
        As ``airport_access`` or ``gateways`` gives it.
    offers
        An assumed departure is left out on the local dates for which an offer of its service exists.
    calendars
        For closures; ``None`` where there are none.

    Returns
    -------
    tuple of ScheduledLeg
        In file order; suspended services are left out.
    """
    assumed = defaults or AirDefaults()
    airports = {airport.iata: airport for airport in ground.airports.values()}
    services_of: dict[str, int] = defaultdict(int)
    for row in ground.air_services:
        services_of[row.from_iata] += 1
    taken = _offered_dates(ground, offers)
    closures = Closures(calendars, clock)
    legs: list[ScheduledLeg] = []
    for row in ground.air_services:
        if row.status == "suspended_unverified":
            continue
        start, end = airports[row.from_iata], airports[row.to_iata]
        minute = _assumed_minute(row, assumed, services_of, from_hub=start.role == "hub")
        timings = Timings(clock)
        weekdays = WEEKDAYS_OF_FREQUENCY[min(row.weekly_frequency, 7)]
        for day in clock.dates():
            if day.weekday() in weekdays and (row.service_id, day) not in taken:
                depart = local_minute(day, minute, start.timezone, opens=True)
                timings.add(depart, depart + round(row.block_hours * 60))
        model = ScheduledLeg(
            leg_id=f"F-{row.service_id}",
            service_id=row.service_id,
            mode=Mode.FLIGHT,
            carrier=row.carrier,
            origin=start.airport_id,
            destination=end.airport_id,
            from_node=start.airport_id,
            to_node=end.airport_id,
            depart_zone=start.timezone,
            arrive_zone=end.timezone,
            depart_min=0,
            arrive_min=0,
            days="",
            vulnerable_days="",
            seats=assumed.seats,
            fare_cents=assumed.fare_cents(row.gc_km),
            countries=once((start.country, end.country)),
            is_assumed=True,
        )
        legs += _between_sites(model, timings, access, closures)
    return tuple(legs)


def _assumed_minute(row: AirService, assumed: AirDefaults, services_of: Mapping[str, int], *, from_hub: bool) -> int:
    if row.block_hours >= assumed.long_from_hours:
        return assumed.night_min if from_hub else assumed.evening_min
    feeds = services_of[row.from_iata] <= services_of[row.to_iata] and not from_hub
    return assumed.morning_min if feeds else assumed.afternoon_min


def _offered_dates(ground: Ground, offers: Collection[Offer]) -> set[tuple[str, date]]:
    """Service and local date of departure of every offer that stands for a shipped service."""
    nodes = ground.network.nodes
    return {
        (offer.service_id, local(offer.depart_at, nodes[offer.origin]["timezone"]).date())
        for offer in offers
        if offer.service_id
    }


def _between_sites(
    model: ScheduledLeg, timings: Timings, access: Mapping[str, Sequence[Access]], closures: Closures
) -> list[ScheduledLeg]:
    """One leg for each timing and each pair of sites near the two ends of ``model``."""
    legs = []
    for (minute, arrive), days in sorted(timings.days_of.items()):
        for start in access[model.from_node]:
            for end in access[model.to_node]:
                # A leg that leaves the site before midnight departs on the day before.
                earlier, depart_min = divmod(minute - start.minutes, DAY_MIN)
                arrive_min = arrive + end.minutes - earlier * DAY_MIN
                sites = (start.place_id, end.place_id)
                near = "" if sites == (model.from_node, model.to_node) else ":" + ":".join(sites)
                shut = {*sites, model.from_node, model.to_node, *model.countries}
                kept = closures.open_days((day + earlier for day in days), (depart_min, arrive_min), shut)
                marks = day_string(kept, timings.clock)
                if "1" in marks:
                    legs.append(
                        replace(
                            model,
                            leg_id=f"{model.leg_id}-{minute:04d}-{arrive:04d}{near}",
                            origin=start.place_id,
                            destination=end.place_id,
                            depart_min=depart_min,
                            arrive_min=arrive_min,
                            access_from_min=start.minutes,
                            access_to_min=end.minutes,
                            days=marks,
                            vulnerable_days=marks,
                        )
                    )
    return legs


def coach_legs(
    ground: Ground,
    clock: PlanClock,
    places: Collection[str],
    calendars: Calendars,
    *,
    offers: Collection[Offer] = (),
) -> tuple[ScheduledLeg, ...]:
    """The coaches of ``coach_services.csv`` between places in play, on the days on which people may ride them.

    Parameters
    ----------
    calendars
        Of the office: a coach passes a border only under a confirmed agreement, while both posts are open, in
        daylight, within the stricter window for children and vulnerable people.
    offers
        As for ``air_legs``.

    Returns
    -------
    tuple of ScheduledLeg
        In file order; a service that never may run is left out.
    """
    rules = CoachRules(ground, calendars)
    taken = _offered_dates(ground, offers)
    wanted = frozenset(places)
    legs = []
    for row in ground.coach_services.values():
        if row.status == "suspended" or not {row.from_id, row.to_id} <= wanted:
            continue
        nodes = ground.network.nodes
        zones = (nodes[row.from_id]["timezone"], nodes[row.to_id]["timezone"])
        timings = Timings(clock)
        for day in clock.dates():
            if day.weekday() in row.days and (row.service_id, day) not in taken:
                last = day + timedelta(days=row.arrive_days_later)
                timings.add(
                    local_minute(day, row.depart_min, zones[0], opens=True),
                    local_minute(last, row.arrive_min, zones[1], opens=True),
                )
        model = ScheduledLeg(
            leg_id=row.service_id,
            service_id=row.service_id,
            mode=Mode.COACH,
            carrier=row.carrier,
            origin=row.from_id,
            destination=row.to_id,
            from_node=row.from_id,
            to_node=row.to_id,
            depart_zone=zones[0],
            arrive_zone=zones[1],
            depart_min=0,
            arrive_min=0,
            days="",
            vulnerable_days="",
            seats=row.seats,
            fare_cents=row.fare_usd_cents,
            crossings=row.crossings,
            countries=rules.countries(row.from_id, row.crossings),
            profiles=ON_COACHES,
            is_assumed=row.status != "confirmed",
        )
        found = [rules.leg(model, timing, days, clock) for timing, days in sorted(timings.days_of.items())]
        legs += [leg for leg in found if "1" in leg.days]
    return tuple(legs)


def offer_legs(
    ground: Ground,
    clock: PlanClock,
    access: Mapping[str, Sequence[Access]],
    offers: Collection[Offer],
    calendars: Calendars,
) -> tuple[ScheduledLeg, ...]:
    """What the office has bought or may charter, one leg for each offer and pair of sites near its ends.

    A coach is held to the rules of ``coach_legs``; an offer outside the horizon or on a closed day is left out.

    Raises
    ------
    InputError
        With every offer that names an unknown airport, place or crossing.
    """
    _check_offers(ground, offers)
    nodes = ground.network.nodes
    rules, closures = CoachRules(ground, calendars), Closures(calendars, clock)
    legs: list[ScheduledLeg] = []
    for offer in sorted(offers, key=lambda one: one.offer_id):
        timings = Timings(clock)
        timings.add(minute_of(offer.depart_at), minute_of(offer.arrive_at, round_up=True))
        is_coach, is_charter = offer.mode is Mode.COACH, offer.mode is Mode.CHARTER
        ends = (nodes[offer.origin]["country"], nodes[offer.destination]["country"])
        model = ScheduledLeg(
            leg_id=offer.offer_id,
            service_id=offer.service_id or offer.offer_id,
            mode=offer.mode,
            carrier=offer.carrier,
            origin=offer.origin,
            destination=offer.destination,
            from_node=offer.origin,
            to_node=offer.destination,
            depart_zone=nodes[offer.origin]["timezone"],
            arrive_zone=nodes[offer.destination]["timezone"],
            depart_min=0,
            arrive_min=0,
            days="",
            vulnerable_days="",
            seats=offer.seats,
            wheelchairs=offer.wheelchairs,
            fare_cents=0 if is_charter else offer.fare_cents,
            fixed_cents=offer.fixed_cents if is_charter else 0,
            min_load=offer.min_load if is_charter else 0,
            max_per_day=offer.max_per_day if is_charter else 0,
            crossings=offer.crossings,
            countries=rules.countries(offer.origin, offer.crossings) if is_coach else once(ends),
            profiles=ON_COACHES if is_coach else EVERYBODY,
            is_assumed=False,
        )
        if is_coach:
            found = [rules.leg(model, timing, days, clock) for timing, days in timings.days_of.items()]
            legs += [leg for leg in found if "1" in leg.days]
        else:
            here = {
                node: access.get(node, (Access(place_id=node, minutes=0),))
                for node in (offer.origin, offer.destination)
            }
            legs += _between_sites(model, timings, here, closures)
    return tuple(legs)


def _check_offers(ground: Ground, offers: Collection[Offer]) -> None:
    known = {*ground.places, *ground.airports}
    faults = [
        Fault(what=f'offer {offer.offer_id}: "{node}" is unknown, expected the id of a place or airport')
        for offer in offers
        for node in (offer.origin, offer.destination)
        if node not in known
    ]
    faults += [
        Fault(what=f'offer {offer.offer_id}: no crossing "{crossing_id}"')
        for offer in offers
        for crossing_id in offer.crossings
        if crossing_id not in ground.crossings
    ]
    if faults:
        raise InputError(faults)
