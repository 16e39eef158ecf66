"""Services, hours, papers, reception, sources and examples of ``data/`` against each other."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, datetime, time, timedelta

from retorno.clock import instant_of
from retorno.errors import Fault
from retorno.routes.cells import ClockMinute
from retorno.routes.draft import Draft
from retorno.routes.outlines import great_circle_km
from retorno.routes.road_check import MAX_ROAD_KMH
from retorno.routes.rows import (
    Agreement,
    Airport,
    AirService,
    CarrierHealth,
    CoachService,
    Crossing,
    DocumentAccepted,
    ExampleConfirmation,
    Hours,
    Place,
    PolicyNumber,
    Reception,
    Source,
)

SAMPLE_DAY = date(2026, 1, 15)
"""Any day without a change of clocks, to compare local times of two zones."""

MAX_FLIGHT_KMH = 1000.0
"""Fastest that a flight may be from gate to gate."""

_WINDOWS = {"post": ("opening", "repatriation"), "place": ("receiving",), "country": ("day",)}


def service_faults(draft: Draft) -> Iterator[Fault]:
    """Flights and coaches that arrive before they depart, are too fast, or cross borders in the wrong order."""
    airports = {row.iata: row for _, row in draft.rows("airports.csv", Airport)}
    for number, flight in draft.rows("air_services.csv", AirService):
        here, there = airports.get(flight.from_iata), airports.get(flight.to_iata)
        if here is None or there is None:
            continue
        if here is there:
            yield _fault("air_services.csv", number, "to_iata", "SERVICE", "flies to where it departs")
            continue
        direct = great_circle_km(here.lat, here.lon, there.lat, there.lon)
        if abs(flight.gc_km - direct) > 0.02 * direct + 5:
            what = f"{flight.gc_km:g} km, but the airports lie {direct:.0f} km apart"
            yield _fault("air_services.csv", number, "gc_km", "LENGTH", what)
        elif direct > MAX_FLIGHT_KMH * flight.block_hours:
            what = f"{direct:.0f} km in {flight.block_hours:g} h, expected at most {MAX_FLIGHT_KMH:g} km/h"
            yield _fault("air_services.csv", number, "block_hours", "SPEED", what)
    crossings = {row.crossing_id: row for _, row in draft.rows("crossings.csv", Crossing)}
    places = {row.place_id: row for _, row in draft.rows("places.csv", Place)}
    for number, coach in draft.rows("coach_services.csv", CoachService):
        yield from _coach_faults(number, coach, crossings, places)


def _coach_faults(
    number: int, coach: CoachService, crossings: Mapping[str, Crossing], places: Mapping[str, Place]
) -> Iterator[Fault]:
    file = "coach_services.csv"
    here, there = places.get(coach.from_id), places.get(coach.to_id)
    if here is None or there is None or any(name not in crossings for name in coach.crossings):
        return
    country = here.country
    for name in coach.crossings:
        crossing = crossings[name]
        sides = {crossing.country_a: crossing.country_b, crossing.country_b: crossing.country_a}
        if country not in sides or not crossing.drivable:
            what = f"{name} does not lead on from {country} by road"
            yield _fault(file, number, "crossings", "BORDER", what)
            return
        country = sides[country]
    if country != there.country:
        what = f"the crossings lead to {country}, the coach goes to {there.country}"
        yield _fault(file, number, "crossings", "BORDER", what)
    departs = _instant(SAMPLE_DAY, coach.depart_min, here.timezone)
    arrives = _instant(SAMPLE_DAY + timedelta(days=coach.arrive_days_later), coach.arrive_min, there.timezone)
    hours = (arrives - departs) / timedelta(hours=1)
    if hours <= 0:
        yield _fault(file, number, "arrive_time", "SERVICE", "arrives before it departs (two clocks)")
    else:
        speed = great_circle_km(here.lat, here.lon, there.lat, there.lon) / hours
        if speed > MAX_ROAD_KMH:
            yield _fault(file, number, "arrive_time", "SPEED", f"{speed:.0f} km/h, at most {MAX_ROAD_KMH:g}")


def _instant(day: date, minute: ClockMinute, zone_name: str) -> datetime:
    return instant_of(datetime.combine(day, time()) + timedelta(minutes=minute), zone_name)


def hours_faults(draft: Draft) -> Iterator[Fault]:
    """Rows of hours that contradict themselves or their target, and posts without hours."""
    file = "hours.csv"
    if file not in draft.readable:
        return
    receivers = {row.place_id for _, row in draft.rows("places.csv", Place)}
    receivers |= {row.airport_id for _, row in draft.rows("airports.csv", Airport)}
    zones = {
        post.post_id: {row.post_a_tz, row.post_b_tz}
        for _, row in draft.rows("crossings.csv", Crossing)
        for post in row.posts
    }
    # Also rows with a fault of their own: the post then has hours, if wrong ones.
    opened = {cells[0] for cells in draft.cells(file, "target_id", "window") if cells[1] == "opening"}
    for number, row in draft.rows(file, Hours):
        yield from _dated(file, number, row.valid_from, row.valid_to)
        if row.kind == "date":
            if row.date_from is None or row.date_to is None:
                yield _fault(file, number, "date_from", "HOURS", "a date row needs date_from and date_to")
            elif row.date_from > row.date_to:
                yield _fault(file, number, "date_to", "DATES", "ends before it begins")
        if (row.open_min is None) != (row.close_min is None):
            what = "open_time and close_time go together; both empty: closed"
            yield _fault(file, number, "close_time", "HOURS", what)
        node = draft.nodes.get(row.target_id)
        # A post's hours may be told on the clock of the other side.
        clocks = zones.get(row.target_id, {node.timezone} if node is not None else {row.timezone})
        if row.timezone not in clocks:
            what = f'"{row.timezone}", but the clock of {row.target_id} is {" or ".join(sorted(clocks))}'
            yield _fault(file, number, "timezone", "TIMEZONE", what)
        expected = {"post": zones.keys(), "place": receivers}.get(row.target_kind)
        if expected is not None and row.target_id not in expected and node is not None:
            what = f"{row.target_id} is no {row.target_kind}"
            yield _fault(file, number, "target_id", "REFERENCE", what)
        windows = _WINDOWS.get(row.target_kind, ())
        if row.window not in windows:
            what = f"a {row.target_kind} has the window {' or '.join(windows)}"
            yield _fault(file, number, "window", "VALUE", what)
    for number, crossing in draft.rows("crossings.csv", Crossing):
        for side, post in zip("ab", crossing.posts, strict=True):
            if crossing.drivable and post.post_id not in opened:
                what = f"{post.post_id} has no opening hours in hours.csv"
                yield _fault("crossings.csv", number, f"post_{side}_id", "HOURS", what)


def paper_faults(draft: Draft) -> Iterator[Fault]:
    """Agreements, documents and carriers' health rows that contradict themselves."""
    for number, agreement in draft.rows("agreements.csv", Agreement):
        yield from _dated("agreements.csv", number, agreement.valid_from, agreement.valid_to)
        if agreement.open_min is not None and not agreement.hours_tz:
            yield _fault("agreements.csv", number, "hours_tz", "HOURS", "hours need the zone of their clock")
    for number, document in draft.rows("documents_accepted.csv", DocumentAccepted):
        yield from _dated("documents_accepted.csv", number, document.valid_from, document.valid_to)
    for number, row in draft.rows("carrier_health.csv", CarrierHealth):
        last = row.not_carried_from_week
        if last is not None and last <= row.certificate_from_week:
            what = f"not carried from week {last}, expected after the certificate's week"
            yield _fault("carrier_health.csv", number, "not_carried_from_week", "RANGE", what)


def reception_faults(draft: Draft) -> Iterator[Fault]:
    """Reception at places that must not or cannot receive."""
    places = {row.place_id: row for _, row in draft.rows("places.csv", Place)}
    for number, row in draft.rows("reception.csv", Reception):
        place = places.get(row.place_id)
        if row.arrivals_per_day == 0 and row.beds is None:
            what = "receives nobody and has no beds, delete the row"
            yield _fault("reception.csv", number, "arrivals_per_day", "RECEPTION", what)
        if place is None:
            continue
        if place.kind == "migration_station":
            what = f"{row.place_id} is a place of detention: pick-up only, never reception"
            yield _fault("reception.csv", number, "place_id", "RECEPTION", what)
        if place.status == "closed":
            what = f"{row.place_id} is closed in places.csv"
            yield _fault("reception.csv", number, "place_id", "RECEPTION", what)
        if place.kind == "child_shelter" and "adults" in row.profiles:
            what = f"{row.place_id} is for children and their families, not for adults"
            yield _fault("reception.csv", number, "profiles", "RECEPTION", what)


def source_faults(draft: Draft) -> Iterator[Fault]:
    """Published sources without the day on which they were read."""
    for number, row in draft.rows("sources.csv", Source):
        if row.kind == "published" and row.checked_on is None:
            what = f"{row.source_id} is published, expected the day on which it was read"
            yield _fault("sources.csv", number, "checked_on", "REQUIRED", what)


def policy_faults(draft: Draft) -> Iterator[Fault]:
    """Numbers outside their own floor and ceiling."""
    for number, row in draft.rows("policy.csv", PolicyNumber):
        low = row.floor if row.floor is not None else row.default
        high = row.ceiling if row.ceiling is not None else row.default
        if not low <= row.default <= high:
            what = f"{row.default} lies outside its own floor {low} and ceiling {high}"
            yield _fault("policy.csv", number, "default", "RANGE", what)


def example_faults(draft: Draft) -> Iterator[Fault]:
    """Invented confirmations whose crossings do not lie between their countries."""
    crossings = {row.crossing_id: row for _, row in draft.rows("crossings.csv", Crossing)}
    for number, row in draft.rows("examples/agreement_confirmations.csv", ExampleConfirmation):
        countries = {row.from_country, row.to_country, *row.transit_countries}
        for name in row.crossings:
            crossing = crossings.get(name)
            if crossing is not None and not {crossing.country_a, crossing.country_b} <= countries:
                what = f"{name} does not lie between {', '.join(sorted(countries))}"
                yield _fault("examples/agreement_confirmations.csv", number, "crossings", "BORDER", what)


def _dated(file: str, number: int, first: date | None, last: date | None) -> Iterator[Fault]:
    if first is not None and last is not None and first > last:
        what = f"valid to {last}, before it is valid from {first}"
        yield _fault(file, number, "valid_to", "DATES", what)


def _fault(file: str, number: int, column: str, code: str, what: str) -> Fault:
    return Fault(file=file, row=number, column=column, code=code, what=what)
