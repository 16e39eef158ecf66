"""A travel group as a search for itineraries sees it."""

from __future__ import annotations

from dataclasses import dataclass

from retorno.errors import Fault, InputError
from retorno.vocabulary import Profile


@dataclass(frozen=True, kw_only=True)
class Travellers:
    """A travel group as a search sees it; nothing about a person.

    Parameters
    ----------
    persons, escorts, wheelchairs
        Seats are for persons and escorts.
    profiles
        Every profile in the group; at least one.
    vulnerable
        Whether the stricter window holds (R19).
    barred_countries
        Countries that may not be entered on the way (``transit.barred_countries``). The country of the destination
        never counts, that of the origin only if it is entered again.
    max_journey_days
        Arrival day less the day of the first departure (R20).

    Raises
    ------
    InputError
        If nobody travels or a number cannot be.
    """

    persons: int
    escorts: int = 0
    wheelchairs: int = 0
    profiles: frozenset[Profile] = frozenset({Profile.ADULTS})
    vulnerable: bool = False
    barred_countries: frozenset[str] = frozenset()
    max_journey_days: int = 6

    def __post_init__(self) -> None:
        faults = []
        if self.persons < 1:
            faults.append(Fault(what=f"{self.persons} persons, expected at least 1"))
        if min(self.escorts, self.wheelchairs, self.max_journey_days) < 0:
            faults.append(Fault(what="escorts, wheelchairs and days of journey: expected 0 or more"))
        if not self.profiles:
            faults.append(Fault(what="a group without a profile, expected at least one such as adults"))
        if faults:
            raise InputError(faults)

    @property
    def seats(self) -> int:
        """Seats and beds that the group takes."""
        return self.persons + self.escorts


@dataclass(frozen=True, kw_only=True)
class Freedoms:
    """Rules that ``why_no_way`` takes away to see which one stands in the way; a plan never does.

    Without ``barred`` every barred country entered costs ``BARRED_CENTS``: the cheapest ways pass the fewest.
    """

    barred: bool = False
    beds: bool = False
    receiving: bool = False
