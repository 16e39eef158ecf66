"""Departures of a service gathered into legs, and the days that closures take from them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field

from retorno.routes.calendars import Calendars
from retorno.routes.offers import DAY_MIN, PlanClock
from retorno.vocabulary import ClosureTarget


@dataclass
class Timings:
    """Departures of one service, gathered by their minute of the day and their duration."""

    clock: PlanClock
    days_of: dict[tuple[int, int], set[int]] = field(default_factory=lambda: defaultdict(set))

    def add(self, depart_min: int, arrive_min: int) -> None:
        """One departure and arrival, UTC minutes since 1970; outside the horizon it is dropped."""
        day, minute = divmod(depart_min - self.clock.start_min, DAY_MIN)
        if 0 <= day < self.clock.days:
            self.days_of[minute, minute + arrive_min - depart_min].add(day)


def day_string(days: Collection[int], clock: PlanClock) -> str:
    return "".join("01"[day in days] for day in range(clock.days))


class Closures:
    """Which days a closure of a country or place takes from a leg."""

    def __init__(self, calendars: Calendars | None, clock: PlanClock) -> None:
        self._calendars = calendars
        self._clock = clock

    def open_days(self, days: Iterable[int], leg_min: tuple[int, int], shut: Collection[str]) -> set[int]:
        """The days on which none of some countries and places is closed between departure and arrival."""
        if self._calendars is None:
            return set(days)
        closed = [
            span
            for target in shut
            for kind in (ClosureTarget.COUNTRY, ClosureTarget.PLACE)
            for span in self._calendars.closed_spans(kind, target)
        ]
        start = self._clock.start_min
        return {
            day
            for day in days
            if not any(
                first <= start + day * DAY_MIN + leg_min[1] and start + day * DAY_MIN + leg_min[0] < last
                for first, last in closed
            )
        }


def once(countries: Iterable[str]) -> tuple[str, ...]:
    """The countries in order without the same one twice in a row."""
    found: list[str] = []
    for country in countries:
        if not found or found[-1] != country:
            found.append(country)
    return tuple(found)
