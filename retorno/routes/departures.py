"""When a vehicle may leave on a way: every rule of the day turned into minutes of departure.

The day of a way is rigid (``timeline``), so each rule allows some stretches of departure minutes, and what they
have in common is when the vehicle may leave.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from typing import NamedTuple

from retorno.clock import local, plan_instant
from retorno.routes.answers import Permit
from retorno.routes.calendars import Calendars
from retorno.routes.spans import Spans, common, local_minute, minute_of
from retorno.routes.timeline import DrivingRules, Passage, Timeline
from retorno.routes.ways import Border
from retorno.vocabulary import ClosureTarget, NoTripReason, Profile

EVERYBODY = frozenset(Profile)
CHILDREN = frozenset({Profile.CHILDREN, Profile.UNACCOMPANIED})
"""Who may be brought to or fetched from a child shelter."""

Departures = tuple[tuple[int, int], ...]
"""Sorted stretches of departure minutes on the plan clock of a day, both ends included."""

ANY_MINUTE: Departures = ((0, 1439),)


@dataclass(frozen=True, kw_only=True)
class Rider:
    """For whom departures are asked: the profiles on board, whether the stricter window holds, or nobody."""

    profiles: frozenset[Profile]
    vulnerable: bool
    is_empty: bool = False


EMPTY_VEHICLE = Rider(profiles=frozenset({Profile.ADULTS}), vulnerable=False, is_empty=True)


class Allowed(NamedTuple):
    """What one rule leaves: the departures, and what to say if nothing is left."""

    departures: Departures
    reason: NoTripReason
    target_id: str


class DayRules:
    """The rules of the day for one horizon; answers are remembered.

    Parameters
    ----------
    calendars
        Posts, places, daylight and agreements.
    driving
        Driving rules of the policy.
    first_date, days
        The horizon.
    clock_utc_offset_min
        The plan clock's distance from UTC; day ``d`` is the 24 hours from its midnight.
    """

    def __init__(
        self,
        calendars: Calendars,
        driving: DrivingRules,
        *,
        first_date: date,
        days: int,
        clock_utc_offset_min: int,
    ) -> None:
        self.calendars = calendars
        self.driving = driving
        self.days = range(days)
        self._first_date = first_date
        self._offset = clock_utc_offset_min
        self._start = [minute_of(plan_instant(day * 1440, first_date, clock_utc_offset_min)) for day in self.days]
        self._dates: dict[tuple[str, int], date] = {}
        self._light: dict[tuple[str, int, bool], tuple[int, int] | None] = {}
        self._end = self._start[-1] + 1440
        self._borders: dict[tuple[str, frozenset[Profile], bool], Spans] = {}
        self._places: dict[tuple[str, frozenset[Profile]], Spans] = {}
        self._border: dict[tuple[str, int, frozenset[Profile], bool], Spans] = {}
        self._doors: dict[tuple[str, int, frozenset[Profile]], Spans] = {}
        self._ids: dict[tuple[str, str, int], tuple[frozenset[str], ...]] = {}
        self._hours: dict[tuple[int, tuple[str, ...]], Spans] = {}
        self._shut: dict[tuple[ClosureTarget, str, int], Spans] = {}
        self._accepted: dict[str, frozenset[Profile]] = {}

    # -- facts of a day on the plan clock --------------------------------------------------------------------

    def local_date(self, node: str, day: int) -> date:
        """The local date at a node at noon of the plan clock."""
        zone_name = self.calendars.ground.network.nodes[node]["timezone"]
        key = (zone_name, day)
        if key not in self._dates:
            self._dates[key] = local(self.noon(day), zone_name).date()
        return self._dates[key]

    def noon(self, day: int) -> datetime:
        """The UTC instant of 12:00 of the plan clock."""
        return plan_instant(day * 1440 + 720, self._first_date, self._offset)

    def _on_plan_clock(self, spans: Spans, day: int) -> Spans:
        """The part of some stretches that lies in a day, in minutes of its plan clock."""
        start = self._start[day]
        found = []
        for first, last in spans[max(0, bisect_right(spans, (start, start)) - 1) :]:
            if first >= start + 1440:
                break
            if last > start:
                found.append((max(first, start) - start, min(last, start + 1440) - start))
        return tuple(found)

    def light(self, node: str, day: int, *, vulnerable: bool) -> tuple[int, int] | None:
        """First and last minute on the road at a node, on the plan clock; ``None`` without daylight."""
        key = (node, day, vulnerable)
        if key not in self._light:
            where = self.calendars.ground.network.nodes[node]
            span = self.calendars.journey_span(
                where["lat"], where["lon"], where["timezone"], self.local_date(node, day), vulnerable=vulnerable
            )
            start = self._start[day]
            self._light[key] = None if span is None else (span[0] - start, span[1] - start)
        return self._light[key]

    def border(self, crossing_id: str, day: int, profiles: frozenset[Profile], *, is_empty: bool = False) -> Spans:
        """When both posts of a crossing are open to all of some profiles, on the plan clock."""
        key = (crossing_id, day, profiles, is_empty)
        if key not in self._border:
            whole = (crossing_id, profiles, is_empty)
            if whole not in self._borders:
                self._borders[whole] = self.calendars.crossing_spans(
                    crossing_id, self._start[0], self._end, profiles=profiles, empty_vehicle=is_empty
                )
            self._border[key] = self._on_plan_clock(self._borders[whole], day)
        return self._border[key]

    def doors(self, place_id: str, day: int, profiles: frozenset[Profile]) -> Spans:
        """When a place receives all of some profiles, until its last onward transport, on the plan clock."""
        key = (place_id, day, profiles)
        if key not in self._doors:
            whole = (place_id, profiles)
            if whole not in self._places:
                self._places[whole] = self.calendars.open_spans(place_id, self._start[0], self._end, profiles=profiles)
            spans = self._on_plan_clock(self._places[whole], day)
            reception = self.calendars.ground.reception.get(place_id)
            if reception is not None:
                zone_name = self.calendars.ground.network.nodes[place_id]["timezone"]
                on = self.local_date(place_id, day)
                last = local_minute(on, reception.last_onward_min, zone_name, opens=False) - self._start[day]
                spans = common(spans, ((0, max(0, last)),))
            self._doors[key] = spans
        return self._doors[key]

    def confirmations(self, border: Border, day: int) -> tuple[frozenset[str], ...]:
        """Confirmations in force for a border on a day, one set for each profile."""
        key = (border.crossing_id, border.from_country, day)
        if key not in self._ids:
            on = self.local_date(border.exit_post, day)
            answers = [
                self.calendars.agreements.crossing_permit(
                    border.crossing_id, border.from_country, on, profiles=(profile,)
                )
                for profile in Profile
            ]
            self._ids[key] = tuple(
                frozenset(answer.confirmation_ids) if isinstance(answer, Permit) else frozenset() for answer in answers
            )
        return self._ids[key]

    def agreement_hours(self, confirmation_ids: tuple[str, ...], day: int) -> Spans:
        """When the agreements behind some confirmations let people pass, on the plan clock."""
        key = (day, confirmation_ids)
        if key not in self._hours:
            start = self._start[day]
            spans = self.calendars.agreements.agreement_hours(confirmation_ids, start, start + 1440)
            self._hours[key] = self._on_plan_clock(spans, day)
        return self._hours[key]

    def shut(self, target: ClosureTarget, target_id: str, day: int) -> Spans:
        """When a recorded closure shuts a target, on the plan clock of a day, inside that day."""
        key = (target, target_id, day)
        if key not in self._shut:
            self._shut[key] = self._on_plan_clock(self.calendars.closed_spans(target, target_id), day)
        return self._shut[key]

    # -- who may ride ----------------------------------------------------------------------------------------

    def accepted(self, place_id: str) -> frozenset[Profile]:
        """Whom a place receives at all."""
        if place_id not in self._accepted:
            ground = self.calendars.ground
            reception = ground.reception.get(place_id)
            profiles = EVERYBODY
            if reception is not None and reception.profiles:
                profiles = frozenset(Profile(name) for name in reception.profiles)
            if ground.network.nodes[place_id]["place_kind"] == "child_shelter":
                profiles &= CHILDREN
            self._accepted[place_id] = profiles
        return self._accepted[place_id]

    def riders(self, clock: Timeline, day: int) -> tuple[frozenset[Profile], tuple[str, ...]]:
        """Who may ride a way on a day, and the confirmations that carry them over its borders.

        One confirmation must cover all the borders of the day; two that cover one each do not add up.
        """
        profiles = self._welcome(clock.way.stops)
        borders = clock.way.all_borders
        if not borders:
            return profiles, ()
        carried = [frozenset[str].intersection(*of_profile) for of_profile in self._by_profile(borders, day)]
        riding = frozenset(
            profile
            for profile, ids in zip(Profile, carried, strict=True)
            if profile in profiles
            and ids
            and all(self.border(border.crossing_id, day, frozenset({profile})) for border in borders)
        )
        ids = {one for profile, held in zip(Profile, carried, strict=True) if profile in riding for one in held}
        return riding, tuple(sorted(ids))

    def _by_profile(self, borders: Collection[Border], day: int) -> list[list[frozenset[str]]]:
        sets = [self.confirmations(border, day) for border in borders]
        return [[of_border[number] for of_border in sets] for number in range(len(Profile))]

    def _welcome(self, stops: tuple[str, ...]) -> frozenset[Profile]:
        nodes = self.calendars.ground.network.nodes
        profiles = EVERYBODY
        for stop in stops[1:]:
            if nodes[stop]["place_kind"] == "migration_station":
                return frozenset()
            profiles &= self.accepted(stop)
        if nodes[stops[0]]["place_kind"] == "child_shelter":
            profiles &= CHILDREN
        return profiles

    # -- departures ------------------------------------------------------------------------------------------

    def departures(self, clock: Timeline, day: int, rider: Rider, confirmation_ids: tuple[str, ...] = ()) -> Departures:
        """The minutes of the plan clock at which a vehicle may leave; empty if the day allows none."""
        found = ANY_MINUTE
        for rule in self.rules(clock, day, rider, confirmation_ids):
            found = meet(found, rule.departures)
            if not found:
                return ()
        return found

    def rules(
        self, clock: Timeline, day: int, rider: Rider, confirmation_ids: tuple[str, ...] = ()
    ) -> Iterator[Allowed]:
        """What each rule of the day allows, in the order of the way."""
        driving, way = self.driving, clock.way
        origin = way.stops[0]
        fits = clock.drive_min <= 2 * driving.driver_day_min
        yield Allowed(
            departures=ANY_MINUTE if fits else (), reason=NoTripReason.DRIVING_TOO_LONG, target_id=way.stops[-1]
        )
        fits = clock.total_min <= driving.journey_day_min
        yield Allowed(
            departures=((0, 1439 - clock.total_min),) if fits and clock.total_min < 1440 else (),
            reason=NoTripReason.DAY_TOO_LONG,
            target_id=way.stops[-1],
        )
        yield from self._closures(clock, day)
        light = self.light(origin, day, vulnerable=rider.vulnerable)
        yield Allowed(
            departures=((light[0], light[1]),) if light else (),
            reason=NoTripReason.AFTER_DAYLIGHT,
            target_id=origin,
        )
        for passage in clock.passages:
            yield self._passing(passage, day, rider, confirmation_ids)
            yield self._in_light(passage.border.exit_post, passage.arrive_min, passage.arrive_min, day, rider)
            yield self._in_light(passage.border.entry_post, passage.done_min, passage.done_min, day, rider)
        for number, stop in enumerate(way.stops[1:], start=1):
            arrive_min = clock.arrive_min[number]
            yield self._in_light(stop, arrive_min, clock.depart_min[number], day, rider)
            if not rider.is_empty:
                yield self._received(stop, arrive_min, day, rider)

    def _closures(self, clock: Timeline, day: int) -> Iterator[Allowed]:
        """No minute of the journey in a closed country; no departure from a closed place."""
        way = clock.way
        nodes = self.calendars.ground.network.nodes
        countries = {nodes[way.stops[0]]["country"], *(border.to_country for border in way.all_borders)}
        for country in sorted(countries):
            shut = self.shut(ClosureTarget.COUNTRY, country, day)
            if shut:
                yield Allowed(departures=_outside(shut, clock.total_min), reason=NoTripReason.CLOSED, target_id=country)
        for stop, depart_min in zip(way.stops[:-1], clock.depart_min[:-1], strict=True):
            shut = self.shut(ClosureTarget.PLACE, stop, day)
            if shut:
                moved = tuple((first - depart_min, last - depart_min) for first, last in shut)
                yield Allowed(departures=_outside(moved, 0), reason=NoTripReason.CLOSED, target_id=stop)

    def _passing(self, passage: Passage, day: int, rider: Rider, confirmation_ids: tuple[str, ...]) -> Allowed:
        """Both posts open from the arrival until the end of the formalities, and for the buffer at least."""
        crossing_id = passage.border.crossing_id
        spans = self.border(crossing_id, day, rider.profiles, is_empty=rider.is_empty)
        if confirmation_ids and not rider.is_empty:
            spans = common(spans, self.agreement_hours(confirmation_ids, day))
        stay = passage.done_min - passage.arrive_min
        if not rider.is_empty:
            stay = max(stay, self.driving.border_buffer_min)
        return Allowed(
            departures=tuple(
                (opens - passage.arrive_min, closes - stay - passage.arrive_min)
                for opens, closes in spans
                if closes - stay >= opens
            ),
            reason=NoTripReason.CROSSING_TOO_LATE if spans else NoTripReason.CLOSED,
            target_id=crossing_id,
        )

    def _in_light(self, node: str, arrive_min: int, leave_min: int, day: int, rider: Rider) -> Allowed:
        light = self.light(node, day, vulnerable=rider.vulnerable)
        # A stay at a stop may end in the dark only if nobody drives on; so the departure counts too.
        window = () if light is None else ((light[0] - arrive_min, light[1] - leave_min),)
        return Allowed(
            departures=tuple(pair for pair in window if pair[0] <= pair[1]),
            reason=NoTripReason.AFTER_DAYLIGHT,
            target_id=node,
        )

    def _received(self, stop: str, arrive_min: int, day: int, rider: Rider) -> Allowed:
        """Arrival while the place is open, with its buffer before it closes."""
        reception = self.calendars.ground.reception.get(stop)
        buffer_min = max(self.driving.border_buffer_min, reception.buffer_min if reception else 0)
        return Allowed(
            departures=tuple(
                (opens - arrive_min, closes - buffer_min - arrive_min)
                for opens, closes in self.doors(stop, day, rider.profiles)
                if closes - buffer_min >= opens
            ),
            reason=NoTripReason.PLACE_CLOSED,
            target_id=stop,
        )


def meet(left: Departures, right: Departures) -> Departures:
    """The minutes that both allow; both ends of a stretch included."""
    if len(left) == 1 and len(right) == 1:
        first, last = max(left[0][0], right[0][0]), min(left[0][1], right[0][1])
        return ((first, last),) if first <= last else ()
    return tuple(
        (max(first, other_first), min(last, other_last))
        for first, last in left
        for other_first, other_last in right
        if first <= other_last and other_first <= last
    )


def _outside(shut: Spans, lasting_min: int) -> Departures:
    """Departures of a journey of some length that lies wholly outside closed stretches (half open)."""
    free: list[tuple[int, int]] = []
    earliest = -1440
    for first, last in shut:
        if first - lasting_min > earliest:
            # Arriving in the very minute of the closure is too late.
            free.append((earliest, first - lasting_min - 1))
        earliest = max(earliest, last)
    free.append((earliest, 2880))
    return tuple(free)
