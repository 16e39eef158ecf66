"""What a plan covers: its days on one clock, its groups, the notice that its lists need."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from retorno import clock
from retorno.situation import Situation
from retorno.vocabulary import MovementStatus

CLOCK_UTC_OFFSET_MIN = -360
"""The plan clock: UTC-6, the time of Central America and southern Mexico, the same all year."""
NOTICE_MARGIN = timedelta(hours=6)
"""Time for confirmations and signatures between a plan and its list. Our assumption."""
LIVE = (
    MovementStatus.ACCEPTED,
    MovementStatus.CONFIRMED,
    MovementStatus.ISSUED,
    MovementStatus.RELEASED,
    MovementStatus.DEPARTED,
)
"""Movements that still use seats, vehicles and places."""


@dataclass(frozen=True, kw_only=True)
class Scope:
    """What a plan is asked for: the days, and which groups (empty: every group that is ready)."""

    first_date: date
    days: int
    group_ids: tuple[str, ...] = ()


def window(scope: Scope) -> tuple[datetime, datetime]:
    """First instant of a plan and the first after it."""
    start = clock.plan_instant(0, scope.first_date, CLOCK_UTC_OFFSET_MIN)
    return start, start + timedelta(days=scope.days)


def first_day_with_notice(scope: Scope, at: Situation) -> int:
    """The first day of the plan whose lists can still be sent in time (R22)."""
    minute = clock.plan_minute(earliest_departure(notice_hours(at)), scope.first_date, CLOCK_UTC_OFFSET_MIN)
    return max(0, math.ceil(minute / 1440))


def notice_hours(at: Situation, confirmation_ids: Iterable[str] = ()) -> int:
    """Notice that a movement has to give: the longest of its agreements, never less than the policy."""
    wanted = set(confirmation_ids)
    stated = [c.notice_hours or 0 for c in at.overlay.confirmations if not wanted or c.confirmation_id in wanted]
    return max([at.policy.notice_hours, *stated])


def earliest_departure(hours: int) -> datetime:
    """The first instant at which something may leave whose list needs so many hours of notice (R22)."""
    return clock.now() + timedelta(hours=hours) + NOTICE_MARGIN
