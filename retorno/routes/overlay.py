"""What an office knows beyond the shipped files, handed in as frozen facts: the database stays outside."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time

from retorno.errors import Fault, InputError
from retorno.routes.rows import Hours
from retorno.vocabulary import ClosureTarget, Profile


@dataclass(frozen=True, kw_only=True)
class Closure:
    """Something is closed or suspended (R7).

    Parameters
    ----------
    target_id
        A crossing, post, country or place id; of a route the ids of two neighbouring nodes of the road
        network joined by ``|``, in any order (the road is closed both ways).
    from_at, until_at
        UTC instants; ``until_at`` is the first instant that is open again, ``None`` until further notice.

    Raises
    ------
    InputError
        If an instant has no time zone or the closure ends before it starts.
    """

    target: ClosureTarget
    target_id: str
    from_at: datetime
    until_at: datetime | None
    source: str

    def __post_init__(self) -> None:
        instants = [self.from_at] if self.until_at is None else [self.from_at, self.until_at]
        if any(instant.tzinfo is None for instant in instants):
            raise InputError(f"closure of {self.target_id}: instants need a time zone, expected UTC")
        if instants[-1] < instants[0]:
            raise InputError(f"closure of {self.target_id}: ends before it starts")


@dataclass(frozen=True, kw_only=True)
class AgreementConfirmation:
    """Somebody confirmed with somebody that returns may take this way, from a day until a day.

    Nothing is planned across a border without one: the rows of ``agreements.csv`` are historic.

    Parameters
    ----------
    agreement_id
        As in ``agreements.csv``; empty for an arrangement of its own. Terms left empty here are then read
        from that row; the longer notice counts.
    from_countries, to_countries, transit_countries
        Two-letter codes; empty together to take all three from the row.
    modes
        ``land``, ``air`` or both; only a confirmation for land opens a border here.
    crossings
        Crossing ids; they bind between the two countries that they join, elsewhere any crossing will do.
    weekdays
        Monday is 0, on the clock of the post that is left; ``None`` for the row's days.
    profiles
        Who may travel under it; empty for the row's profiles, and everybody if it names none.
    daily_heads
        Most persons a day, or ``None`` where none is stated.
    confirmed_by, confirmed_with
        Who asked and who answered; neither may be empty.
    valid_from, valid_until
        First and last day.

    Raises
    ------
    InputError
        With everything that is missing or contradictory.
    """

    confirmation_id: str
    agreement_id: str = ""
    from_countries: frozenset[str] = frozenset()
    to_countries: frozenset[str] = frozenset()
    transit_countries: frozenset[str] = frozenset()
    modes: tuple[str, ...] = ("land",)
    crossings: tuple[str, ...] = ()
    weekdays: frozenset[int] | None = None
    not_on_holidays: bool = False
    profiles: tuple[Profile, ...] = ()
    notice_hours: int | None = None
    daily_heads: int | None = None
    confirmed_by: str
    confirmed_with: str
    valid_from: date
    valid_until: date

    def __post_init__(self) -> None:
        what = f"confirmation {self.confirmation_id}"
        faults = []
        if not self.confirmed_by.strip() or not self.confirmed_with.strip():
            faults.append(Fault(what=f"{what}: must say who confirmed and with whom"))
        if self.valid_until < self.valid_from:
            faults.append(Fault(what=f"{what}: ends {self.valid_until}, before it starts {self.valid_from}"))
        if not self.agreement_id and not (self.from_countries and self.to_countries):
            faults.append(Fault(what=f"{what}: expected an agreement, or countries from and to"))
        if self.notice_hours is not None and self.notice_hours < 0:
            faults.append(Fault(what=f"{what}: notice of {self.notice_hours} h, expected 0 or more"))
        if faults:
            raise InputError(faults)


@dataclass(frozen=True, kw_only=True)
class Overlay:
    """Everything an office lays over the shipped ground.

    ``hours`` have the columns of ``hours.csv`` and win over its rows of the same kind; their ``window`` may be
    empty: every window of the target.
    """

    closures: tuple[Closure, ...] = ()
    hours: tuple[Hours, ...] = ()
    confirmations: tuple[AgreementConfirmation, ...] = ()


@dataclass(frozen=True, kw_only=True)
class DaylightBounds:
    """The office's bounds of a journey on the local clock, inside daylight (R19); the vulnerable ones stricter.

    Raises
    ------
    InputError
        If a bound is upside down or the stricter window is the wider one.
    """

    earliest: time
    latest: time
    vulnerable_earliest: time
    vulnerable_latest: time

    @classmethod
    def of_minutes(
        cls, *, earliest: int, latest: int, vulnerable_earliest: int, vulnerable_latest: int
    ) -> DaylightBounds:
        """The bounds from minutes after local midnight, as ``policy.csv`` holds them."""
        clocks = [
            time(minute // 60, minute % 60) for minute in (earliest, latest, vulnerable_earliest, vulnerable_latest)
        ]
        return cls(earliest=clocks[0], latest=clocks[1], vulnerable_earliest=clocks[2], vulnerable_latest=clocks[3])

    def __post_init__(self) -> None:
        faults = []
        if not self.earliest < self.latest:
            faults.append(Fault(what=f"daylight bounds {self.earliest} to {self.latest}: must start before they end"))
        if not self.vulnerable_earliest < self.vulnerable_latest:
            faults.append(Fault(what="daylight bounds of vulnerable people: must start before they end"))
        if self.vulnerable_earliest < self.earliest or self.vulnerable_latest > self.latest:
            faults.append(Fault(what="daylight bounds of vulnerable people must lie inside the general ones"))
        if faults:
            raise InputError(faults)


@dataclass(frozen=True, kw_only=True)
class CalendarPolicy:
    """Numbers of ``policy.csv`` that calendars need.

    Parameters
    ----------
    bounds
        The office's journey bounds.
    receiving_opens, receiving_closes
        Local clock; for a place without a row in ``hours.csv`` (most are cities).
    notice_hours
        Where neither confirmation nor agreement states one.
    """

    bounds: DaylightBounds
    receiving_opens: time = time(6)
    receiving_closes: time = time(20)
    notice_hours: int = 72
