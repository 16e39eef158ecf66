"""Stretches of time as sorted, disjoint pairs of whole UTC minutes; half open: from, until."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache

from retorno.clock import zone

Spans = tuple[tuple[int, int], ...]
"""Sorted, disjoint, non-empty stretches ``(from_min, until_min)`` in UTC minutes since 1970."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def minute_of(instant: datetime, *, round_up: bool = False) -> int:
    """UTC minutes since 1970 of an aware instant; seconds are dropped, or carried to the next minute."""
    passed = instant - _EPOCH
    return -((-passed) // timedelta(minutes=1)) if round_up else passed // timedelta(minutes=1)


def instant_of_minute(minute: int) -> datetime:
    """The UTC instant of a minute since 1970; inverse of ``minute_of``."""
    return _EPOCH + timedelta(minutes=minute)


@lru_cache(maxsize=65536)
def local_minute(day: date, minute: int, zone_name: str, *, opens: bool) -> int:
    """UTC minute of a clock time on a local day, on the safe side where the clocks change.

    A clock time that occurs twice or not at all stands for two instants: opening takes the later one, closing
    the earlier, so that nobody stands before a shut door. The start and the end of the day are the day's
    own bounds, so a post that never closes does not close when the clocks change at midnight.

    Parameters
    ----------
    day
        The local date that ``minute`` counts from.
    minute
        Minutes on the clock after 00:00 of ``day``; 1440 is the end of the day, more is on the next.
    opens
        Whether the time is the start of a stretch; otherwise its end.
    """
    naive = datetime(day.year, day.month, day.day) + timedelta(minutes=minute)  # noqa: DTZ001 (local clock)
    place = zone(zone_name)
    first = minute_of(naive.replace(tzinfo=place, fold=0))
    if minute % 1440 == 0:
        return first
    second = minute_of(naive.replace(tzinfo=place, fold=1))
    return max(first, second) if opens else min(first, second)


def merged(stretches: Iterable[tuple[int, int]]) -> Spans:
    """The stretches in order, overlapping and touching ones joined, empty ones dropped."""
    joined: list[tuple[int, int]] = []
    for start, end in sorted(stretches):
        if start >= end:
            continue
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((start, end))
    return tuple(joined)


def common(left: Spans, right: Spans) -> Spans:
    """Where both hold."""
    found = [
        (max(start, other_start), min(end, other_end))
        for start, end in left
        for other_start, other_end in right
        if start < other_end and other_start < end
    ]
    return merged(found)


def without(spans: Spans, removed: Spans) -> Spans:
    """``spans`` less what ``removed`` covers."""
    left = list(spans)
    for cut_start, cut_end in removed:
        pieces = []
        for start, end in left:
            pieces += [(start, min(end, cut_start)), (max(start, cut_end), end)]
        left = [(start, end) for start, end in pieces if start < end]
    return merged(left)


def clipped(spans: Spans, from_min: int, until_min: int) -> Spans:
    """``spans`` inside ``[from_min, until_min)``."""
    return common(spans, ((from_min, until_min),)) if from_min < until_min else ()


def days_around(from_min: int, until_min: int) -> list[date]:
    """Every local date, anywhere on earth, whose hours may touch the stretch."""
    first = instant_of_minute(from_min).date() - timedelta(days=2)
    last = instant_of_minute(until_min).date() + timedelta(days=1)
    return [first + timedelta(days=number) for number in range((last - first).days + 1)]
