"""The non-dominated ways of a travel group between two places, and nothing that a rule forbids.

A way is a chain of rides. No other way arrives as early, costs as little, has as few legs and takes as few hours of
riding at once. The search itself is in ``chains``.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from retorno.errors import Fault, InputError
from retorno.routes.chains import Search
from retorno.routes.offers import DAY_MIN
from retorno.routes.transport import Ride, TransportOffer
from retorno.routes.travellers import Freedoms, Travellers


@dataclass(frozen=True, kw_only=True)
class RiddenLeg:
    """One ride of a way: the ride, the day of the plan clock on which its row departs, minutes from day 0."""

    ride: Ride
    day: int

    @property
    def depart_min(self) -> int:
        """Departure, minutes from 00:00 of day 0."""
        return self.day * DAY_MIN + self.ride.depart_min

    @property
    def arrive_min(self) -> int:
        """Arrival, minutes from 00:00 of day 0."""
        return self.day * DAY_MIN + self.ride.arrive_min


@dataclass(frozen=True, kw_only=True)
class Night:
    """Nights spent under way at a place, from the day of arrival on."""

    site_id: str
    from_day: int
    count: int


@dataclass(frozen=True, kw_only=True)
class Itinerary:
    """One way of a group, from door to door.

    Parameters
    ----------
    cost_cents
        Average seats and beds for the whole group (``transport.Prices``); escorts' pay is not in it.
    """

    legs: tuple[RiddenLeg, ...]
    cost_cents: int

    @property
    def depart_min(self) -> int:
        """Minutes from 00:00 of day 0."""
        return self.legs[0].depart_min

    @property
    def arrive_min(self) -> int:
        """Minutes from 00:00 of day 0."""
        return self.legs[-1].arrive_min

    @property
    def nights(self) -> tuple[Night, ...]:
        """Where the group sleeps."""
        found = []
        for before, after in zip(self.legs, self.legs[1:], strict=False):
            arrival_day = before.arrive_min // DAY_MIN
            if after.day > arrival_day:
                found.append(
                    Night(site_id=before.ride.destination, from_day=arrival_day, count=after.day - arrival_day)
                )
        return tuple(found)

    @property
    def entered(self) -> tuple[str, ...]:
        """Countries entered, in order, that of the destination last."""
        codes = [code for leg in self.legs for code in leg.ride.entered]
        return tuple(code for number, code in enumerate(codes) if number == 0 or codes[number - 1] != code)

    @property
    def is_assumed(self) -> bool:
        """Whether a leg rests on an assumed timetable."""
        return any(leg.ride.is_assumed for leg in self.legs)

    @property
    def ride_min(self) -> int:
        """Minutes in vehicles, stops and formalities of a day trip included."""
        return sum(leg.arrive_min - leg.depart_min for leg in self.legs)

    @property
    def ride_hours(self) -> int:
        """Hours begun in vehicles, leg by leg: five minutes more are no other way."""
        return sum(-(-(leg.arrive_min - leg.depart_min) // 60) for leg in self.legs)

    @property
    def criteria(self) -> tuple[int, int, int, int]:
        """What ways are compared by: arrival, cost, legs, hours of riding; less is better."""
        return self.arrive_min, self.cost_cents, len(self.legs), self.ride_hours


def itineraries(
    offer: TransportOffer,
    travellers: Travellers,
    origin: str,
    destination: str,
    *,
    first_day: int,
    last_day: int,
    latest_day: int | None = None,
    max_legs: int = 8,
) -> tuple[Itinerary, ...]:
    """The non-dominated ways of a group from one place to another.

    Parameters
    ----------
    offer
        All rides of the horizon.
    origin, destination
        Site ids.
    first_day, last_day
        Days of the plan clock on which the first leg may depart.
    latest_day
        Last day of arrival; ``None`` for the end of the horizon.
    max_legs
        Longest chain.

    Returns
    -------
    tuple of Itinerary
        Ordered by arrival, cost, legs and riding; of ways equal in all four, one. Empty if there is none: then
        ``why_no_way`` says why.

    Raises
    ------
    InputError
        If a place is not in the offer, both are the same, or the days are not in the horizon.
    """
    check_query(offer, origin, destination, first_day=first_day, last_day=last_day)
    return find(
        offer,
        travellers,
        (origin, destination),
        range(first_day, last_day + 1),
        latest_day=latest_day,
        max_legs=max_legs,
    )


def check_query(offer: TransportOffer, origin: str, destination: str, *, first_day: int, last_day: int) -> None:
    """``InputError`` with everything that is wrong with a question."""
    faults = [
        Fault(what=f'"{site}" is no place of this offer') for site in (origin, destination) if site not in offer.index
    ]
    if origin == destination:
        faults.append(Fault(what=f"from {origin} to itself: expected two places"))
    if not 0 <= first_day <= last_day < offer.clock.days:
        faults.append(
            Fault(
                what=f"departure from day {first_day} to {last_day}, expected days 0 to {offer.clock.days - 1} in order"
            )
        )
    if faults:
        raise InputError(faults)


def find(
    offer: TransportOffer,
    travellers: Travellers,
    ends: tuple[str, str],
    start_days: Iterable[int],
    *,
    latest_day: int | None,
    max_legs: int,
    freedoms: Freedoms | None = None,
) -> tuple[Itinerary, ...]:
    """The search behind ``itineraries``, with rules taken away on request."""
    search = Search(offer, travellers, ends, latest_day, max_legs, freedoms or Freedoms())
    # The first day alone: the ways of that day then spare most of the work on the later ones.
    days = np.array(sorted(start_days), dtype=np.int64)
    search.depart(days[:1])
    search.depart(days[1:])
    return tuple(
        Itinerary(legs=tuple(RiddenLeg(ride=offer.rides[ride], day=day) for ride, day in legs), cost_cents=cost)
        for cost, legs in search.ways()
    )
