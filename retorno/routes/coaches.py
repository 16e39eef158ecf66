"""Whether people may ride a scheduled coach on a day: agreements, posts, daylight, closures (R7, R19)."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from retorno.clock import local
from retorno.errors import InputError
from retorno.routes.answers import Closed
from retorno.routes.calendars import Calendars
from retorno.routes.offers import DAY_MIN, PlanClock, ScheduledLeg
from retorno.routes.spans import common, instant_of_minute
from retorno.routes.timetables import Closures, day_string
from retorno.vocabulary import Profile

if TYPE_CHECKING:
    from retorno.routes.tables import Ground

_FAMILIES = (Profile.CHILDREN, Profile.FAMILIES, Profile.VULNERABLE)


class CoachRules:
    """Whether a departure of a coach is legal: agreements, posts, daylight, closures (R7, R19)."""

    def __init__(self, ground: Ground, calendars: Calendars) -> None:
        self._ground = ground
        self._calendars = calendars

    def countries(self, origin: str, crossings: Sequence[str]) -> tuple[str, ...]:
        """The countries on the way; ``InputError`` if a crossing does not leave the one before."""
        found = [self._ground.network.nodes[origin]["country"]]
        for crossing_id in crossings:
            crossing = self._ground.crossings[crossing_id]
            pair = (crossing.country_a, crossing.country_b)
            if found[-1] not in pair:
                raise InputError(f"coach from {origin}: {crossing_id} does not leave {found[-1]}")
            found.append(pair[1] if found[-1] == pair[0] else pair[0])
        return tuple(found)

    def is_legal(
        self,
        ends: tuple[str, str],
        times: tuple[int, int],
        crossings: Sequence[str],
        profiles: Collection[Profile],
        *,
        vulnerable: bool,
    ) -> bool:
        """Whether people of all the profiles may ride between two UTC minutes."""
        for node, minute in zip(ends, times, strict=True):
            where = self._ground.network.nodes[node]
            day = local(instant_of_minute(minute), where["timezone"]).date()
            light = self._calendars.journey_span(
                where["lat"], where["lon"], where["timezone"], day, vulnerable=vulnerable
            )
            if light is None or not light[0] <= minute <= light[1]:
                return False
        if times[1] - times[0] > DAY_MIN:
            return False  # both ends in daylight, and a night between them
        countries = self.countries(ends[0], crossings)
        carried: frozenset[str] = frozenset()
        for crossing_id, left in zip(crossings, countries, strict=False):
            post = next(one for one in self._ground.crossings[crossing_id].posts if one.country == left)
            day = local(instant_of_minute(times[0]), post.timezone).date()
            permit = self._calendars.agreements.crossing_permit(crossing_id, left, day, profiles=profiles)
            if isinstance(permit, Closed):
                return False
            # One confirmation must cover all borders of the day, as for day trips.
            carried = frozenset(permit.confirmation_ids) & (carried or frozenset(permit.confirmation_ids))
            if not carried:
                return False
            spans = self._calendars.crossing_spans(crossing_id, *times, profiles=profiles)
            if not common(spans, (times,)):
                return False
        return True

    def leg(
        self, model: ScheduledLeg, timing: tuple[int, int], days: Collection[int], clock: PlanClock
    ) -> ScheduledLeg:
        """``model`` at one timing, on the days on which it is legal."""
        ends = (model.origin, model.destination)
        open_days = Closures(self._calendars, clock).open_days(days, timing, {*ends, *model.countries})
        marks = []
        for profiles, vulnerable in (((Profile.ADULTS,), False), (_FAMILIES, True)):
            legal = set()
            for day in open_days:
                start = clock.start_min + day * DAY_MIN
                times = (start + timing[0], start + timing[1])
                if self.is_legal(ends, times, model.crossings, profiles, vulnerable=vulnerable):
                    legal.add(day)
            marks.append(legal)
        return replace(
            model,
            leg_id=f"{model.leg_id}-{timing[0]:04d}-{timing[1]:04d}",
            depart_min=timing[0],
            arrive_min=timing[1],
            days=day_string(marks[0], clock),
            vulnerable_days=day_string(marks[1] & marks[0], clock),
        )
