"""Where a group of a draft could go: every offer with its verdict before anybody chooses it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from retorno.rules import Finding


@dataclass(frozen=True, kw_only=True)
class Option:
    """One way home that a plan could give a group.

    Parameters
    ----------
    option_id
        The same way on the same carriers has the same id as long as the plan stands.
    day
        Day of departure.
    vehicles
        Plate, flight number or carrier of every ride, as people know them.
    stops
        Place ids from the first to the last.
    crossings
        Border crossings on the way.
    free_seats
        Seats that would be free on the fullest ride before the group boards; None where nothing is counted yet.
    is_allowed
        Whether ``move`` would make it so.
    reasons
        Codes of the checker that stop it (labels ``check.<code>``).
    findings
        What rules say against it, as the reader may see it.
    is_current
        The way the group goes now.
    is_new_departure
        Whether a vehicle that stands idle would drive for it.
    changes_whose
        Other groups that would no longer go as they do.
    cost_delta_cents
        What the plan would cost more or less, by the plan's own weights of money (fares, vehicles, beds, escorts).
    waiting_delta_days
        Person-days of waiting more or less.
    """

    option_id: str
    day: date
    depart_at: datetime
    arrive_at: datetime
    vehicles: tuple[str, ...]
    stops: tuple[str, ...]
    crossings: tuple[str, ...]
    free_seats: int | None
    is_allowed: bool
    reasons: tuple[str, ...] = ()
    findings: tuple[Finding, ...] = ()
    is_current: bool = False
    is_new_departure: bool = False
    changes_whose: tuple[str, ...] = ()
    cost_delta_cents: int = 0
    waiting_delta_days: int = 0
