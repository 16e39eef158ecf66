"""Every legal working day of a vehicle between the places in play: what the optimizer may choose from.

A trip is offered on a day only if every rule of ``departures`` holds for every minute of it (R7, R19, R20). Its
fields are those of a trip in the public problem format; the rest is for people and papers.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from hashlib import blake2b
from typing import TYPE_CHECKING

from retorno.errors import Fault, Inconsistent, InputError
from retorno.routes.answers import Closed
from retorno.routes.calendars import Calendars
from retorno.routes.departures import (
    ANY_MINUTE,
    EMPTY_VEHICLE,
    EVERYBODY,
    DayRules,
    Departures,
    Rider,
    meet,
)
from retorno.routes.overlay import CalendarPolicy, Overlay
from retorno.routes.timeline import DrivingRules, Timeline, TripEvent, timeline
from retorno.routes.ways import Border, Way, Ways
from retorno.vocabulary import ClosedReason, ClosureTarget, NoTripReason, Profile

if TYPE_CHECKING:
    from retorno.routes.tables import Ground

SAME_TIMING_MIN = 30
"""Departures of different dates that lie so close are offered as one timing, the latest of them. Our choice:
the sun rises a little earlier or later every day, and a trip of its own for every date helps nobody."""

ONE_TIMING_MIN = 45
"""If the stricter window only asks to leave so much later, everybody leaves then. Our choice, as above."""


@dataclass(frozen=True, kw_only=True)
class TripPolicy:
    """The office's numbers for working days.

    Parameters
    ----------
    calendar
        Journey bounds, receiving hours, notice.
    driving
        Driving, breaks, formalities, buffers.
    """

    calendar: CalendarPolicy
    driving: DrivingRules = field(default_factory=DrivingRules)


@dataclass(frozen=True, kw_only=True)
class DayTrip:
    """One vehicle's working day, on the days on which it may run.

    Parameters
    ----------
    trip_id
        The same for the same trip in every run, so that a plan can be carried on.
    stops
        Two to four places.
    depart_min, arrive_min
        One per stop, minutes of the plan clock of the day; at the first stop the arrival is the departure, at
        the last the departure is the arrival.
    crossings
        Crossing ids per segment, in order.
    km, drive_min, drivers
        Length, minutes of driving, drivers needed (R20).
    days, vulnerable_days
        One character per day of the horizon: may run; may run with children or vulnerable people on board.
    profiles
        Who may ride. Usually everybody; under an agreement for families, for example, nobody else. The format
        has no such field: see ``docs/calendars.md`` on how a problem states it.
    is_empty_only
        Nobody may ride: the way back of a vehicle, or the way to a pick-up point.
    confirmation_ids
        The confirmations of agreements that carry it; empty inside one country.
    countries
        Every country on the way, in order.
    events
        Departure, breaks, formalities, stops and arrival with minutes of the plan clock; for the route sheet.
    """

    trip_id: str
    stops: tuple[str, ...]
    depart_min: tuple[int, ...]
    arrive_min: tuple[int, ...]
    crossings: tuple[tuple[str, ...], ...]
    km: int
    drive_min: int
    drivers: int
    days: str
    vulnerable_days: str
    profiles: frozenset[Profile]
    is_empty_only: bool
    confirmation_ids: tuple[str, ...]
    countries: tuple[str, ...]
    events: tuple[TripEvent, ...]


@dataclass(frozen=True, kw_only=True)
class NoTrip:
    """Why a way cannot be a working day on a date.

    Parameters
    ----------
    target_id
        The place, crossing or country that stands in the way.
    crossing_ids
        The way that was looked at, by its crossings.
    closed
        What the calendar says of a closed crossing or a missing agreement, with the next opening if known.
    """

    reason: NoTripReason
    target_id: str
    crossing_ids: tuple[str, ...] = ()
    closed: Closed | None = None


def day_trips(
    ground: Ground,
    overlay: Overlay,
    places: Collection[str],
    *,
    first_date: date,
    days: int,
    policy: TripPolicy,
    clock_utc_offset_min: int,
    vehicle_kinds: Collection[str] = ("coach",),
) -> tuple[DayTrip, ...]:
    """Every working day between some places that is legal on at least one day of the horizon.

    Parameters
    ----------
    ground
        As ``tables.load_ground`` gives it.
    overlay
        Closures, office hours and confirmed agreements; without a confirmation no trip crosses a border with
        people on board.
    places
        Ids of places or airports in play. A migration station is a pick-up point only, a child shelter the
        first or last stop of a children's trip, a closed place none at all.
    first_date, days, clock_utc_offset_min
        Horizon and plan clock, as in the problem format.
    policy
        The office's numbers.
    vehicle_kinds
        Kinds in the fleet, as in the column ``vehicles`` of ``crossings.csv``; a crossing must admit all.

    Returns
    -------
    tuple of DayTrip
        Ordered by stops and time. Timings that differ by date are different trips with disjoint days; a later
        departure stands beside an earlier one where only the later keeps the stricter window.

    Raises
    ------
    InputError
        If a place is unknown, or a number is impossible, with every fault.
    """
    _check_input(ground, places, days, vehicle_kinds)
    calendars = Calendars(ground, overlay, policy.calendar)
    rules = DayRules(
        calendars, policy.driving, first_date=first_date, days=days, clock_utc_offset_min=clock_utc_offset_min
    )
    search = _Search(rules, sorted(set(places)), vehicle_kinds)
    return search.trips()


def why_no_trip(
    ground: Ground,
    overlay: Overlay,
    origin: str,
    destination: str,
    day: date,
    *,
    policy: TripPolicy,
    clock_utc_offset_min: int,
    vehicle_kinds: Collection[str] = ("coach",),
    profiles: Collection[Profile] = (Profile.ADULTS,),
) -> tuple[NoTrip, ...]:
    """Why nobody of some profiles can be driven from one place to another on a date.

    Returns
    -------
    tuple of NoTrip
        One reason for each of the best ways, quickest first; empty if there is a trip. The first rule broken
        in the order of the journey is the reason.

    Raises
    ------
    InputError
        As for ``day_trips``.
    """
    _check_input(ground, (origin, destination), 1, vehicle_kinds)
    calendars = Calendars(ground, overlay, policy.calendar)
    rules = DayRules(calendars, policy.driving, first_date=day, days=1, clock_utc_offset_min=clock_utc_offset_min)
    return _Search(rules, sorted({origin, destination}), vehicle_kinds).why_not(
        origin, destination, frozenset(profiles)
    )


def _check_input(ground: Ground, places: Collection[str], days: int, vehicle_kinds: Collection[str]) -> None:
    faults = [
        Fault(what=f'"{place}" is unknown, expected the id of a place or airport')
        for place in sorted(set(places))
        if place not in ground.places and place not in ground.airports
    ]
    if days < 1:
        faults.append(Fault(what=f"horizon of {days} days, expected at least 1"))
    if not vehicle_kinds:
        faults.append(Fault(what="no kind of vehicle, expected at least one such as coach"))
    if faults:
        raise InputError(faults)


@dataclass(frozen=True)
class _Timing:
    """One departure with the days on which it holds."""

    depart_min: int
    days: tuple[int, ...]


class _Search:
    """The search behind ``day_trips`` and ``why_no_trip``."""

    def __init__(self, rules: DayRules, places: Sequence[str], vehicle_kinds: Collection[str]) -> None:
        ground = rules.calendars.ground
        self.rules = rules
        self.network = ground.network
        self.places = [place for place in places if self.network.nodes[place]["status"] != "closed"]
        self.middle = [
            place
            for place in self.places
            if self.network.nodes[place]["place_kind"] not in ("migration_station", "child_shelter")
        ]
        self.crossings = [
            crossing for crossing in ground.crossings.values() if set(vehicle_kinds) <= set(crossing.vehicles)
        ]
        # Driving and formalities may take the whole day; breaks and stops come on top and are judged later.
        self.limit_min = rules.driving.journey_day_min
        self._ways: dict[frozenset[tuple[str, str]], Ways] = {}
        self._clocks: dict[Way, Timeline] = {}

    # -- roads and borders of a day --------------------------------------------------------------------------

    def ways(self, closed_roads: frozenset[tuple[str, str]]) -> Ways:
        """The ways without some closed roads."""
        if closed_roads not in self._ways:
            self._ways[closed_roads] = Ways(
                self.network,
                self.places,
                self.crossings,
                closed_roads=closed_roads,
                border_min=self.rules.driving.formalities_min,
            )
        return self._ways[closed_roads]

    def closed_roads(self, day: int) -> frozenset[tuple[str, str]]:
        """The roads that a closure shuts at any minute of a day."""
        closures = self.rules.calendars.overlay.closures
        roads = set()
        for closure in closures:
            if closure.target is ClosureTarget.ROUTE:
                first, last = sorted(closure.target_id.split("|"))
                if self.rules.shut(ClosureTarget.ROUTE, closure.target_id, day):
                    roads.add((first, last))
        return frozenset(roads)

    def carried(self, day: int) -> dict[tuple[str, str], frozenset[str]]:
        """The borders that people may pass on a day (crossing and country left), with the confirmations."""
        found = {}
        for borders in self.ways(self.closed_roads(day)).borders.values():
            for border in borders:
                by_profile = self.rules.confirmations(border, day)
                ids = {
                    one
                    for profile, held in zip(Profile, by_profile, strict=True)
                    if held and self.rules.border(border.crossing_id, day, frozenset({profile}))
                    for one in held
                }
                if ids:
                    found[border.crossing_id, border.from_country] = frozenset(ids)
        return found

    def clock(self, way: Way) -> Timeline:
        """The timeline of a way."""
        if way not in self._clocks:
            self._clocks[way] = timeline(self.network, way, self.rules.driving)
        return self._clocks[way]

    # -- trips with people -----------------------------------------------------------------------------------

    def trips(self) -> tuple[DayTrip, ...]:
        """All trips with people on board, and empty ones where and when there is none between two places."""
        found: list[DayTrip] = []
        covered: dict[tuple[str, str], set[int]] = defaultdict(set)
        for way, days in self._ways_with_people().items():
            for trip in self._of_way(self.clock(way), days):
                found.append(trip)
                running = {day for day, mark in enumerate(trip.days) if mark == "1"}
                covered[way.stops[0], way.stops[-1]] |= running
        found += self._empty_trips(covered)
        found.sort(key=lambda trip: (trip.stops, trip.depart_min, trip.trip_id))
        if len({trip.trip_id for trip in found}) != len(found):
            raise Inconsistent("two day trips share an id")
        return tuple(found)

    def _ways_with_people(self) -> dict[Way, set[int]]:
        """The best ways and their alternatives, with and without middle stops, each with the days to try."""
        alike: dict[tuple[frozenset[tuple[str, str]], frozenset[tuple[tuple[str, str], frozenset[str]]]], set[int]]
        alike = defaultdict(set)
        for day in self.rules.days:
            alike[self.closed_roads(day), frozenset(self.carried(day).items())].add(day)
        by_way: dict[Way, set[int]] = defaultdict(set)
        for (roads, carried), days in alike.items():
            ways, ids_of = self.ways(roads), dict(carried)

            def passable(
                borders: tuple[Border, ...], ids_of: Mapping[tuple[str, str], frozenset[str]] = ids_of
            ) -> bool:
                held = [ids_of.get((border.crossing_id, border.from_country), frozenset()) for border in borders]
                return bool(frozenset[str].intersection(*held))

            for way in ways.all_pairs(passable, limit_min=self.limit_min):
                for one in [way, *(ways.with_stops(way, self.middle) if way.rank == 0 else ())]:
                    by_way[_unranked(one)] |= days
        return by_way

    def _of_way(self, clock: Timeline, days: Collection[int]) -> Iterator[DayTrip]:
        """The trips of a way: one for each timing and circle of riders."""
        alike: dict[tuple[frozenset[Profile], tuple[str, ...]], list[int]] = defaultdict(list)
        for day in sorted(days):
            riders = self.rules.riders(clock, day)
            if riders[0]:
                alike[riders].append(day)
        for (profiles, ids), same in alike.items():
            yield from self._of_riders(clock, profiles, ids, same)

    def _of_riders(
        self, clock: Timeline, profiles: frozenset[Profile], ids: tuple[str, ...], days: Sequence[int]
    ) -> Iterator[DayTrip]:
        strict: dict[int, Departures] = {}
        wide: dict[int, Departures] = {}
        for day in days:
            # The stricter window lies inside the general one: whoever leaves in it keeps both.
            several = Rider(profiles=profiles, vulnerable=True)
            alone = profiles == {Profile.ADULTS}
            strict[day] = () if alone else self.rules.departures(clock, day, several, ids)
            if Profile.ADULTS in profiles:
                adults = Rider(profiles=frozenset({Profile.ADULTS}), vulnerable=False)
                wide[day] = self.rules.departures(clock, day, adults, ids)
        # A departure found twice, once for each window and on other days, is one trip.
        running: dict[int, set[int]] = defaultdict(set)
        soft: dict[int, set[int]] = defaultdict(set)
        for timing in _timings(strict, self.rules.driving.departure_step_min):
            running[timing.depart_min].update(timing.days)
            soft[timing.depart_min].update(timing.days)
            for day in timing.days:
                if day in wide and timing.depart_min <= _first(wide[day]) + ONE_TIMING_MIN:
                    del wide[day]
        for timing in _timings(wide, self.rules.driving.departure_step_min):
            running[timing.depart_min].update(timing.days)
            soft[timing.depart_min].update(day for day in timing.days if _allows(strict[day], timing.depart_min))
        for depart_min, on in sorted(running.items()):
            yield self._trip(clock, depart_min, on, soft[depart_min], profiles, ids)

    def _trip(
        self,
        clock: Timeline,
        depart: int,
        days: Collection[int],
        soft_days: Collection[int],
        profiles: frozenset[Profile],
        ids: tuple[str, ...],
        *,
        is_empty: bool = False,
    ) -> DayTrip:
        way = clock.way
        crossings = tuple(tuple(border.crossing_id for border in segment) for segment in way.borders)
        countries = [self.network.nodes[way.stops[0]]["country"], *(border.to_country for border in way.all_borders)]
        arrive_min = tuple(minute + depart for minute in clock.arrive_min)
        depart_min = tuple(minute + depart for minute in clock.depart_min)
        named = (way.segments, crossings, arrive_min, depart_min, sorted(profiles), ids, is_empty)
        return DayTrip(
            trip_id="T" + blake2b(repr(named).encode(), digest_size=6).hexdigest(),
            stops=way.stops,
            depart_min=depart_min,
            arrive_min=arrive_min,
            crossings=crossings,
            km=clock.km,
            drive_min=clock.drive_min,
            drivers=clock.drivers(self.rules.driving),
            days=self._marks(days),
            vulnerable_days=self._marks(soft_days),
            profiles=profiles,
            is_empty_only=is_empty,
            confirmation_ids=ids,
            countries=tuple(countries),
            events=tuple(event.shifted(depart) for event in clock.events),
        )

    def _marks(self, days: Collection[int]) -> str:
        return "".join("01"[day in days] for day in self.rules.days)

    # -- empty vehicles --------------------------------------------------------------------------------------

    def _empty_trips(self, covered: Mapping[tuple[str, str], set[int]]) -> list[DayTrip]:
        """The quickest way without people between two places, on the days when none with people runs."""
        by_way: dict[Way, set[int]] = defaultdict(set)
        alike: dict[tuple[frozenset[tuple[str, str]], frozenset[str]], set[int]] = defaultdict(set)
        for day in self.rules.days:
            usable = frozenset(
                crossing.crossing_id
                for crossing in self.crossings
                if self.rules.border(crossing.crossing_id, day, EMPTY_VEHICLE.profiles, is_empty=True)
            )
            alike[self.closed_roads(day), usable].add(day)
        for (roads, usable), days in alike.items():

            def passable(borders: tuple[Border, ...], usable: frozenset[str] = usable) -> bool:
                return borders[-1].crossing_id in usable

            for way in self.ways(roads).all_pairs(passable, limit_min=self.limit_min):
                left = days - covered.get((way.stops[0], way.stops[-1]), set())
                if way.rank == 0 and left:
                    by_way[_unranked(way)] |= left
        trips = []
        for way, days in by_way.items():
            clock = self.clock(way)
            allowed = {day: self.rules.departures(clock, day, EMPTY_VEHICLE) for day in sorted(days)}
            trips += [
                self._trip(clock, timing.depart_min, timing.days, (), frozenset(), (), is_empty=True)
                for timing in _timings(allowed, self.rules.driving.departure_step_min)
            ]
        return trips

    # -- why not ---------------------------------------------------------------------------------------------

    def why_not(self, origin: str, destination: str, profiles: frozenset[Profile]) -> tuple[NoTrip, ...]:
        """The first rule broken on each of the best ways; empty if one of them keeps them all."""
        for place in (origin, destination):
            if place not in self.places:
                return (NoTrip(reason=NoTripReason.NOT_A_STOP, target_id=place),)
        roads = self.closed_roads(0)
        ways = self.ways(roads).between(origin, destination, lambda _: True, limit_min=2 * 1440)
        if not ways:
            return (self._no_way(origin, destination),)
        carried = self.carried(0)

        def passable(borders: tuple[Border, ...]) -> bool:
            held = [carried.get((border.crossing_id, border.from_country), frozenset()) for border in borders]
            return bool(frozenset[str].intersection(*held))

        ways += self.ways(roads).between(origin, destination, passable, limit_min=self.limit_min)
        reasons = []
        for way in dict.fromkeys(_unranked(way) for way in ways):
            broken = self._broken(self.clock(way), profiles)
            if broken is None:
                return ()
            reasons.append(broken)
        return tuple(reasons)

    def _no_way(self, origin: str, destination: str) -> NoTrip:
        ground = self.rules.calendars.ground
        anyhow = Ways(
            self.network,
            (origin, destination),
            ground.crossings.values(),
            border_min=self.rules.driving.formalities_min,
        )
        if anyhow.between(origin, destination, lambda _: True, limit_min=2 * 1440):
            closed = self.closed_roads(0)
            reason = NoTripReason.CLOSED if closed else NoTripReason.VEHICLE_NOT_ADMITTED
            return NoTrip(reason=reason, target_id="|".join(min(closed)) if closed else destination)
        return NoTrip(reason=NoTripReason.NO_ROUTE, target_id=destination)

    def _broken(self, clock: Timeline, profiles: frozenset[Profile]) -> NoTrip | None:
        """The first rule that a way breaks on day 0."""
        way = clock.way
        crossing_ids = tuple(border.crossing_id for border in way.all_borders)
        if self.network.nodes[way.stops[-1]]["place_kind"] == "migration_station":
            return NoTrip(reason=NoTripReason.NOT_A_STOP, target_id=way.stops[-1], crossing_ids=crossing_ids)
        for border in way.all_borders:
            if not all(self.rules.border(border.crossing_id, 0, frozenset({profile})) for profile in profiles):
                return NoTrip(
                    reason=NoTripReason.CLOSED,
                    target_id=border.crossing_id,
                    crossing_ids=crossing_ids,
                    closed=self._closed(border.crossing_id, profiles),
                )
        riding, ids = self.rules.riders(clock, 0)
        if not profiles <= riding:
            return self._not_carried(clock, profiles, crossing_ids)
        rider = Rider(profiles=profiles, vulnerable=bool(profiles - {Profile.ADULTS}))
        left = ANY_MINUTE
        for rule in self.rules.rules(clock, 0, rider, ids):
            left = meet(left, rule.departures)
            if not left:
                return NoTrip(reason=rule.reason, target_id=rule.target_id, crossing_ids=crossing_ids)
        return None

    def _closed(self, crossing_id: str, profiles: frozenset[Profile]) -> Closed | None:
        """What the calendar says of a crossing at noon of the day."""
        state = self.rules.calendars.crossing_state(crossing_id, self.rules.noon(0), profiles=profiles)
        return state if isinstance(state, Closed) else None

    def _not_carried(self, clock: Timeline, profiles: frozenset[Profile], crossing_ids: tuple[str, ...]) -> NoTrip:
        """Who is not accepted where, or which border no confirmation covers."""
        for stop in clock.way.stops:
            accepted = self.rules.accepted(stop) if stop != clock.way.stops[0] else EVERYBODY
            if self.network.nodes[stop]["place_kind"] == "child_shelter":
                accepted = self.rules.accepted(stop)
            if not profiles <= accepted:
                closed = Closed(reason=ClosedReason.PROFILE_NOT_ACCEPTED, target_id=stop)
                return NoTrip(reason=NoTripReason.NOT_A_STOP, target_id=stop, crossing_ids=crossing_ids, closed=closed)
        agreements = self.rules.calendars.agreements
        for border in clock.way.all_borders:
            on = self.rules.local_date(border.exit_post, 0)
            permit = agreements.crossing_permit(border.crossing_id, border.from_country, on, profiles=profiles)
            if isinstance(permit, Closed):
                return NoTrip(
                    reason=NoTripReason.NO_AGREEMENT,
                    target_id=border.crossing_id,
                    crossing_ids=crossing_ids,
                    closed=permit,
                )
        # Each border is covered, but by no confirmation that covers them all.
        return NoTrip(reason=NoTripReason.NO_AGREEMENT, target_id=crossing_ids[-1], crossing_ids=crossing_ids)


def _unranked(way: Way) -> Way:
    """A way without its rank, so that the same way of two days is one."""
    return Way(stops=way.stops, segments=way.segments, borders=way.borders, drive_min=way.drive_min, rank=0)


def _first(departures: Departures) -> int:
    return departures[0][0]


def _allows(departures: Departures, minute: int) -> bool:
    return any(first <= minute <= last for first, last in departures)


def _start(departures: Departures, step: int) -> int:
    """The earliest departure, rounded up to whole steps if the first stretch allows it."""
    first, last = departures[0]
    rounded = -(-first // step) * step
    return rounded if rounded <= last else first


def _timings(allowed: Mapping[int, Departures], step: int) -> Iterator[_Timing]:
    """The fewest timings, each as early as its days allow, that cover every day with a departure."""
    starts = {day: _start(departures, step) for day, departures in allowed.items() if departures}
    while starts:
        soon = [day for day in starts if starts[day] <= min(starts.values()) + SAME_TIMING_MIN]
        depart_min = max(starts[day] for day in soon)
        days = tuple(sorted(day for day in soon if _allows(allowed[day], depart_min)))
        yield _Timing(depart_min, days)
        for day in days:
            del starts[day]
