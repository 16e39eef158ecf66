"""What a calendar answers: open, closed and why, leave to pass a border, a stretch of time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from retorno.vocabulary import ClosedReason


@dataclass(frozen=True, kw_only=True)
class Open:
    """Open now, until ``until_at`` (UTC)."""

    until_at: datetime


@dataclass(frozen=True, kw_only=True)
class Closed:
    """Closed, why, and what to say about it.

    Parameters
    ----------
    target_id
        What is closed: a post, crossing, place or country, or an agreement.
    next_open_at
        UTC instant of the next opening within ``SEARCH_DAYS``; ``None`` if there is none or it was not asked.
    parts
        Pairs of name and value for the sentence on screen, such as the name of the holiday.
    """

    reason: ClosedReason
    target_id: str
    next_open_at: datetime | None = None
    parts: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, kw_only=True)
class Permit:
    """Leave to pass a border on a day: the confirmations in force that cover it, as ids.

    ``notice_hours`` is the longest, ``daily_heads`` the smallest cap they state.
    """

    confirmation_ids: tuple[str, ...]
    notice_hours: int
    daily_heads: int | None


@dataclass(frozen=True, kw_only=True)
class Window:
    """A stretch of time in which both sides are open; UTC, half open."""

    from_at: datetime
    until_at: datetime
