"""When a crossing, a post or a receiving place works, and between which hours people may be on the road.

Every question is answered on both sides of a border, each on its own clock. An answer is ``Open`` or
``Closed`` with a reason from ``ClosedReason``; being closed is an expected outcome, never an exception.
Precedence and terms are explained in ``docs/calendars.md``.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime, time
from functools import lru_cache
from typing import TYPE_CHECKING

import holidays
from astral import Observer
from astral.sun import sunrise, sunset

from retorno.clock import local, zone
from retorno.errors import Fault, InputError
from retorno.routes.agreements import Agreements
from retorno.routes.answers import Closed, Open, Window
from retorno.routes.overlay import CalendarPolicy, Closure, Overlay
from retorno.routes.rows import Airport, Hours, Place, Post
from retorno.routes.spans import (
    Spans,
    clipped,
    common,
    days_around,
    instant_of_minute,
    local_minute,
    merged,
    minute_of,
    without,
)
from retorno.vocabulary import ClosedReason, ClosureTarget, HoursWindow, Profile

if TYPE_CHECKING:
    from retorno.routes.tables import Ground

SEARCH_DAYS = 30
"""How far ahead ``next_opening`` looks. Our choice: longer closures are found by asking again later."""

_FOREVER = 1 << 40


@dataclass(frozen=True)
class _Day:
    """What the rows say about one local day: stretches, why there is none, the head cap."""

    spans: Spans
    reason: ClosedReason | None = None
    detail: str = ""
    head_cap: int | None = None


@lru_cache(maxsize=512)
def _library_holidays(country: str, year: int) -> dict[date, str]:
    return dict(holidays.country_holidays(country, years=year))


@lru_cache(maxsize=65536)
def _sun(lat: float, lon: float, zone_name: str, day: date) -> tuple[int, int] | None:
    """UTC minutes of sunrise (rounded up) and sunset (rounded down) of a local day; ``None`` without them."""
    observer, place = Observer(latitude=lat, longitude=lon), zone(zone_name)
    try:
        rises, sets = sunrise(observer, day, place), sunset(observer, day, place)
    except ValueError:
        return None  # the sun does not rise or does not set: in the far north we plan no road journey then
    return minute_of(rises, round_up=True), minute_of(sets)


def sunlight(lat: float, lon: float, zone_name: str, day: date) -> Window | None:
    """Sunrise to sunset of a local day; ``None`` where the sun does not rise or does not set."""
    light = _sun(lat, lon, zone_name, day)
    return None if light is None else Window(from_at=instant_of_minute(light[0]), until_at=instant_of_minute(light[1]))


class Calendars:
    """The calendars of one ground, one office's overlay and its policy; answers are remembered.

    Parameters
    ----------
    ground
        As ``tables.load_ground`` gives it.
    overlay
        The office's closures, hours and confirmations. They never change here; make new calendars after a
        new fact.
    policy
        Journey bounds and defaults.

    Raises
    ------
    InputError
        If the overlay names something that the ground does not have, with every such fault.
    """

    def __init__(self, ground: Ground, overlay: Overlay, policy: CalendarPolicy) -> None:
        self.ground = ground
        self.overlay = overlay
        self.policy = policy
        faults = list(_overlay_faults(ground, overlay))
        if faults:
            raise InputError(faults)
        self._rows: dict[tuple[str, str], list[tuple[int, Hours]]] = defaultdict(list)
        for layer, rows in ((0, ground.hours), (1, overlay.hours)):
            for row in rows:
                for window in _windows_of(row):
                    self._rows[row.target_id, window].append((layer, row))
        self._closures: dict[tuple[str, str], list[Closure]] = defaultdict(list)
        for closure in overlay.closures:
            self._closures[closure.target, route_key(closure.target_id)].append(closure)
        self._days: dict[tuple[str, str, date, Profile], _Day] = {}
        self._open: dict[tuple[str, bool, tuple[Profile, ...], int, int], Spans] = {}
        self.agreements = Agreements(ground, overlay, policy, self.holiday)

    # -- days ------------------------------------------------------------------------------------------------

    def holiday(self, country: str, day: date) -> str | None:
        """The name of the public holiday on a day in a country, ``None`` on a working day.

        A row of ``hours.csv`` or of the office about the day (decreed or moved holidays) wins over the library;
        national days only.
        """
        rows = [
            (layer, row)
            for layer, row in self._rows[country, HoursWindow.DAY]
            if _covers(row.date_from, row.date_to or row.date_from, day) and _covers(row.valid_from, row.valid_to, day)
        ]
        if rows:
            row = max(rows, key=lambda pair: pair[0])[1]
            return (row.notes or row.source) if row.day_type == "holiday" else None
        return _library_holidays(country, day.year).get(day)

    def _day(self, target_id: str, window: HoursWindow, day: date, profile: Profile) -> _Day:
        key = (target_id, window, day, profile)
        if key not in self._days:
            self._days[key] = self._read_day(target_id, window, day, profile)
        return self._days[key]

    def _read_day(self, target_id: str, window: HoursWindow, day: date, profile: Profile) -> _Day:
        """Pick the rows that speak for a day: date before holiday before weekly, then office, newest, own profile."""
        valid = [pair for pair in self._rows[target_id, window] if _covers(pair[1].valid_from, pair[1].valid_to, day)]
        mine = [pair for pair in valid if not pair[1].profiles or profile in pair[1].profiles]
        if not mine:
            return _Day((), ClosedReason.PROFILE_NOT_ACCEPTED if valid else ClosedReason.HOURS_UNKNOWN)
        dated = [
            pair
            for pair in mine
            if pair[1].kind == "date" and _covers(pair[1].date_from, pair[1].date_to or pair[1].date_from, day)
        ]
        feast = self.holiday(self._where(target_id).country, day)
        festive = [pair for pair in mine if pair[1].kind == "holiday"] if feast is not None else []
        weekly = [pair for pair in mine if pair[1].kind == "weekly"]
        chosen, reason, detail = weekly, ClosedReason.WEEKDAY, ""
        if dated:
            chosen, reason, detail = dated, ClosedReason.SPECIAL_DAY, dated[0][1].notes
        elif festive and feast is not None:
            chosen, reason, detail = festive, ClosedReason.PUBLIC_HOLIDAY, feast
        if not chosen:
            return _Day((), ClosedReason.HOURS_UNKNOWN)
        best = max(_rank(pair) for pair in chosen)
        rows = [pair[1] for pair in chosen if _rank(pair) == best]
        rows = [row for row in rows if row.weekdays is None or day.weekday() in row.weekdays]
        spans = merged(span for row in rows for span in _spans_of(row, day))
        caps = [row.daily_head_cap for row in rows if row.daily_head_cap is not None]
        return _Day(spans, None if spans else reason, detail, min(caps) if caps else None)

    def _where(self, target_id: str) -> Post | Place | Airport:
        if target_id in self.ground.posts:
            return self.ground.posts[target_id]
        if target_id in self.ground.places:
            return self.ground.places[target_id]
        if target_id in self.ground.airports:
            return self.ground.airports[target_id]
        raise InputError(f'"{target_id}" is unknown, expected the id of a post, place or airport')

    def _is_shut_place(self, target_id: str) -> bool:
        place = self.ground.places.get(target_id)
        return place is not None and place.status == "closed"

    # -- stretches (UTC minutes) -----------------------------------------------------------------------------

    def open_spans(
        self,
        target_id: str,
        from_min: int,
        until_min: int,
        *,
        profiles: Collection[Profile],
        empty_vehicle: bool = False,
    ) -> Spans:
        """When a post or receiving place takes everybody of some profiles, inside a stretch of UTC minutes.

        Parameters
        ----------
        target_id
            A post id (its opening and its repatriation windows together) or a place id (receiving).
        profiles
            All of them must be accepted; at least one.
        empty_vehicle
            At a post: only the opening window counts, nobody is handed over.
        """
        wanted = tuple(sorted(set(profiles)))
        if not wanted:
            raise InputError(f"{target_id}: expected at least one profile")
        key = (target_id, empty_vehicle, wanted, from_min, until_min)
        if key not in self._open:
            self._open[key] = self._read_open(target_id, from_min, until_min, wanted, empty_vehicle)
        return self._open[key]

    def _read_open(
        self, target_id: str, from_min: int, until_min: int, profiles: tuple[Profile, ...], empty_vehicle: bool
    ) -> Spans:
        post = self.ground.posts.get(target_id)
        if post is None:
            windows = [HoursWindow.RECEIVING]
        elif empty_vehicle:
            windows = [HoursWindow.OPENING]
        else:
            windows = [HoursWindow.OPENING, HoursWindow.REPATRIATION]
        spans: Spans = ((from_min, until_min),) if from_min < until_min else ()
        for window in windows:
            for profile in profiles:
                spans = common(spans, self._window_spans(target_id, window, profile, from_min, until_min))
        if post is not None:
            spans = without(spans, self._barred(post, from_min, until_min))
            return without(spans, self.closed_spans(ClosureTarget.POST, target_id))
        if self._is_shut_place(target_id):
            return ()
        spans = without(spans, self.closed_spans(ClosureTarget.PLACE, target_id))
        return without(spans, self.closed_spans(ClosureTarget.COUNTRY, self._where(target_id).country))

    def _window_spans(
        self, target_id: str, window: HoursWindow, profile: Profile, from_min: int, until_min: int
    ) -> Spans:
        if window is HoursWindow.RECEIVING and not self._rows[target_id, window]:
            return self._default_receiving(target_id, from_min, until_min)
        days = days_around(from_min, until_min)
        found = merged(span for day in days for span in self._day(target_id, window, day, profile).spans)
        return clipped(found, from_min, until_min)

    def _default_receiving(self, place_id: str, from_min: int, until_min: int) -> Spans:
        opens, closes = _clock(self.policy.receiving_opens), _clock(self.policy.receiving_closes)
        zone_name = self._where(place_id).timezone
        spans = merged(
            (local_minute(day, opens, zone_name, opens=True), local_minute(day, closes, zone_name, opens=False))
            for day in days_around(from_min, until_min)
        )
        return clipped(spans, from_min, until_min)

    def _barred(self, post: Post, from_min: int, until_min: int) -> Spans:
        """When a post cannot be passed whatever its hours: closures, no road, a restricted crossing."""
        crossing = self.ground.crossings[post.crossing_id]
        if not crossing.drivable:
            return ((from_min, until_min),)
        barred = list(self.closed_spans(ClosureTarget.CROSSING, post.crossing_id))
        barred += self.closed_spans(ClosureTarget.COUNTRY, crossing.country_a)
        barred += self.closed_spans(ClosureTarget.COUNTRY, crossing.country_b)
        if crossing.status != "open":
            barred += [
                (local_minute(day, 0, post.timezone, opens=True), local_minute(day, 1440, post.timezone, opens=False))
                for day in days_around(from_min, until_min)
                if not self._office_opens(post.post_id, day)
            ]
        return merged(barred)

    def _office_opens(self, post_id: str, day: date) -> bool:
        """Whether an office's own row speaks for a post on a day: it lifts a restricted status."""
        return any(
            layer == 1 and _covers(row.valid_from, row.valid_to, day)
            for layer, row in self._rows[post_id, HoursWindow.OPENING]
        )

    def closed_spans(self, target: ClosureTarget, target_id: str) -> Spans:
        """When recorded closures shut a target itself; a country's closure is asked for under the country."""
        return merged(
            (
                minute_of(closure.from_at),
                _FOREVER if closure.until_at is None else minute_of(closure.until_at, round_up=True),
            )
            for closure in self._closures[target, route_key(target_id)]
        )

    def crossing_spans(
        self,
        crossing_id: str,
        from_min: int,
        until_min: int,
        *,
        profiles: Collection[Profile],
        empty_vehicle: bool = False,
    ) -> Spans:
        """When both posts of a crossing are open at once, as ``open_spans`` of each."""
        sides = [
            self.open_spans(post.post_id, from_min, until_min, profiles=profiles, empty_vehicle=empty_vehicle)
            for post in self.ground.crossings[crossing_id].posts
        ]
        return common(sides[0], sides[1])

    # -- questions people ask --------------------------------------------------------------------------------

    def post_state(
        self,
        target_id: str,
        at: datetime,
        *,
        profiles: Collection[Profile],
        empty_vehicle: bool = False,
    ) -> Open | Closed:
        """Whether a post (or receiving place) works for some profiles at an instant, and if not, why not."""
        minute = minute_of(at)
        horizon = minute + SEARCH_DAYS * 1440
        spans = self.open_spans(target_id, minute - 1440, horizon, profiles=profiles, empty_vehicle=empty_vehicle)
        for start, end in spans:
            if start <= minute < end:
                return Open(until_at=instant_of_minute(end))
        opens = next((start for start, _ in spans if start > minute), None)
        return self._why_closed(target_id, at, tuple(sorted(set(profiles))), empty_vehicle, opens)

    def crossing_state(
        self,
        crossing_id: str,
        at: datetime,
        *,
        profiles: Collection[Profile],
        empty_vehicle: bool = False,
    ) -> Open | Closed:
        """As ``post_state``, of both sides: open only if both are; the first closed side gives the reason."""
        until = []
        for post in self.ground.crossings[crossing_id].posts:
            state = self.post_state(post.post_id, at, profiles=profiles, empty_vehicle=empty_vehicle)
            if isinstance(state, Closed):
                opens = self.next_opening(crossing_id, at, profiles=profiles, empty_vehicle=empty_vehicle)
                return Closed(reason=state.reason, target_id=state.target_id, next_open_at=opens, parts=state.parts)
            until.append(state.until_at)
        return Open(until_at=min(until))

    def crossing_windows(
        self,
        crossing_id: str,
        day: date,
        *,
        profiles: Collection[Profile],
        empty_vehicle: bool = False,
    ) -> tuple[Window, ...]:
        """The stretches of a day (on the clock of the crossing's first post) when both sides are open."""
        zone_name = self.ground.crossings[crossing_id].post_a_tz
        start = local_minute(day, 0, zone_name, opens=True)
        end = local_minute(day, 1440, zone_name, opens=False)
        spans = self.crossing_spans(crossing_id, start, end, profiles=profiles, empty_vehicle=empty_vehicle)
        return tuple(
            Window(from_at=instant_of_minute(first), until_at=instant_of_minute(last)) for first, last in spans
        )

    def next_opening(
        self,
        crossing_id: str,
        at: datetime,
        *,
        profiles: Collection[Profile],
        empty_vehicle: bool = False,
    ) -> datetime | None:
        """The first instant at or after ``at`` when both sides are open; ``None`` within ``SEARCH_DAYS``."""
        minute = minute_of(at, round_up=True)
        start, horizon = _search_span(minute)
        spans = self.crossing_spans(crossing_id, start, horizon, profiles=profiles, empty_vehicle=empty_vehicle)
        later = [max(first, minute) for first, last in spans if last > minute]
        return instant_of_minute(later[0]) if later else None

    def daily_cap(self, crossing_id: str, day: date, *, profiles: Collection[Profile]) -> int | None:
        """Persons that may pass a crossing on a day: the smaller cap of both posts, each on its own date.

        0 when the crossing does not open that day; ``None`` if neither side states a cap, which is not the
        same as unlimited.
        """
        if not self.crossing_windows(crossing_id, day, profiles=profiles):
            return 0
        caps = [
            self._day(post.post_id, window, day, profile).head_cap
            for post in self.ground.crossings[crossing_id].posts
            for window in (HoursWindow.OPENING, HoursWindow.REPATRIATION)
            for profile in profiles
        ]
        return min((cap for cap in caps if cap is not None), default=None)

    def _why_closed(
        self,
        target_id: str,
        at: datetime,
        profiles: tuple[Profile, ...],
        empty_vehicle: bool,
        opens: int | None,
    ) -> Closed:
        next_open_at = None if opens is None else instant_of_minute(opens)
        reason, detail = self._closing_fact(target_id, at)
        if reason is None:
            reason, detail = self._closing_hours(target_id, at, profiles, empty_vehicle)
        return Closed(
            reason=reason,
            target_id=target_id,
            next_open_at=next_open_at,
            parts=(("detail", detail),) if detail else (),
        )

    def _closing_fact(self, target_id: str, at: datetime) -> tuple[ClosedReason | None, str]:
        """A closure or a status that shuts a target at an instant, before its hours are even asked."""
        targets = [(ClosureTarget.PLACE, target_id), (ClosureTarget.COUNTRY, self._where(target_id).country)]
        post = self.ground.posts.get(target_id)
        if post is not None:
            crossing = self.ground.crossings[post.crossing_id]
            if not crossing.drivable:
                return ClosedReason.NO_ROAD, crossing.crossing_id
            targets = [
                (ClosureTarget.POST, target_id),
                (ClosureTarget.CROSSING, crossing.crossing_id),
                (ClosureTarget.COUNTRY, crossing.country_a),
                (ClosureTarget.COUNTRY, crossing.country_b),
            ]
        for target, closed_id in targets:
            for closure in self._closures[target, closed_id]:
                if closure.from_at <= at and (closure.until_at is None or at < closure.until_at):
                    return ClosedReason.CLOSURE, closure.source
        if post is not None:
            crossing = self.ground.crossings[post.crossing_id]
            if crossing.status != "open" and not self._office_opens(target_id, local(at, post.timezone).date()):
                return ClosedReason.RESTRICTED, crossing.status
        elif self._is_shut_place(target_id):
            return ClosedReason.RESTRICTED, "closed"
        return None, ""

    def _closing_hours(
        self, target_id: str, at: datetime, profiles: tuple[Profile, ...], empty_vehicle: bool
    ) -> tuple[ClosedReason, str]:
        """Why the hours of a target do not cover an instant."""
        if target_id not in self.ground.posts:
            windows = [HoursWindow.RECEIVING]
            if not self._rows[target_id, HoursWindow.RECEIVING]:
                return ClosedReason.OUTSIDE_HOURS, ""
        else:
            windows = [HoursWindow.OPENING] if empty_vehicle else [HoursWindow.OPENING, HoursWindow.REPATRIATION]
        day, minute = local(at, self._where(target_id).timezone).date(), minute_of(at)
        for window in windows:
            for profile in profiles:
                if self._window_spans(target_id, window, profile, minute, minute + 1):
                    continue
                state = self._day(target_id, window, day, profile)
                return (state.reason, state.detail) if state.reason else (ClosedReason.OUTSIDE_HOURS, "")
        return ClosedReason.OUTSIDE_HOURS, ""

    # -- daylight --------------------------------------------------------------------------------------------

    def journey_span(
        self, lat: float, lon: float, zone_name: str, day: date, *, vulnerable: bool
    ) -> tuple[int, int] | None:
        """UTC minutes between which people may be on the road at a place on a local day (R19).

        Sunrise to sunset, cut to the office's bounds, the stricter ones for vulnerable people; ``None`` without
        daylight (far north) or if nothing is left.
        """
        light = _sun(lat, lon, zone_name, day)
        if light is None:
            return None
        bounds = self.policy.bounds
        earliest = bounds.vulnerable_earliest if vulnerable else bounds.earliest
        latest = bounds.vulnerable_latest if vulnerable else bounds.latest
        start = max(light[0], local_minute(day, _clock(earliest), zone_name, opens=True))
        end = min(light[1], local_minute(day, _clock(latest), zone_name, opens=False))
        return (start, end) if start < end else None

    def daylight(self, place_id: str, day: date, *, vulnerable: bool) -> Window | Closed:
        """The journey window of a place or post on its local day, or ``NO_DAYLIGHT``."""
        where = self._where(place_id)
        span = self.journey_span(where.lat, where.lon, where.timezone, day, vulnerable=vulnerable)
        if span is None:
            return Closed(reason=ClosedReason.NO_DAYLIGHT, target_id=place_id)
        return Window(from_at=instant_of_minute(span[0]), until_at=instant_of_minute(span[1]))


def route_key(target_id: str) -> str:
    """A route's id with its two ends in order; every other id as it is."""
    return "|".join(sorted(target_id.split("|")))


def _windows_of(row: Hours) -> tuple[HoursWindow, ...]:
    if row.window:
        return (HoursWindow(row.window),)
    if row.target_kind == "post":
        return (HoursWindow.OPENING, HoursWindow.REPATRIATION)
    return (HoursWindow.RECEIVING,) if row.target_kind == "place" else (HoursWindow.DAY,)


def _rank(pair: tuple[int, Hours]) -> tuple[int, date, bool]:
    """The office before the shipped file, the newest row, a row for this profile before a row for all."""
    layer, row = pair
    return layer, row.valid_from or date.min, bool(row.profiles)


def _covers(first: date | None, last: date | None, day: date) -> bool:
    return (first is None or first <= day) and (last is None or day <= last)


def _spans_of(row: Hours, day: date) -> Spans:
    """The stretch of one row on a local day; a close at or before the open is on the next day."""
    if row.open_min is None or row.close_min is None:
        return ()
    close_min = row.close_min if row.close_min > row.open_min else row.close_min + 1440
    return merged(
        [
            (
                local_minute(day, row.open_min, row.timezone, opens=True),
                local_minute(day, close_min, row.timezone, opens=False),
            )
        ]
    )


def _search_span(minute: int) -> tuple[int, int]:
    """Whole days from the day before a minute on, so that repeated questions meet the same stretch."""
    start = (minute // 1440 - 1) * 1440
    return start, start + (SEARCH_DAYS + 1) * 1440


def _clock(moment: time) -> int:
    return moment.hour * 60 + moment.minute


def _overlay_faults(ground: Ground, overlay: Overlay) -> list[Fault]:
    """Everything in an overlay that the ground does not know."""
    known: dict[str, Collection[str]] = {
        "crossing": ground.crossings,
        "post": ground.posts,
        "country": ground.countries,
        "place": {**ground.places, **ground.airports},
    }
    faults = []
    for closure in overlay.closures:
        if closure.target is ClosureTarget.ROUTE:
            ends = closure.target_id.split("|")
            if len(ends) != 2 or not ground.network.has_edge(*ends):
                faults.append(Fault(what=f'closure of route "{closure.target_id}": expected two neighbouring nodes'))
        elif closure.target_id not in known[closure.target]:
            faults.append(Fault(what=f'closure of {closure.target} "{closure.target_id}": it does not exist'))
    for row in overlay.hours:
        if row.target_id not in known.get(row.target_kind, ()):
            faults.append(Fault(what=f'hours {row.row_id}: {row.target_kind} "{row.target_id}" does not exist'))
    for one in overlay.confirmations:
        if one.agreement_id and one.agreement_id not in ground.agreements:
            faults.append(Fault(what=f'confirmation {one.confirmation_id}: no agreement "{one.agreement_id}"'))
        faults += [
            Fault(what=f'confirmation {one.confirmation_id}: no crossing "{listed}"')
            for listed in one.crossings
            if listed not in ground.crossings
        ]
    return faults
