"""What is still to come after a ride: bounds that the search for itineraries measures every chain against.

For every open ride and day: the earliest arrival home, the least cost and the least riding after it, each by itself.
Dates, nights, hours of arrival and connections all count; only a transfer over midnight and the length of the journey
do not. So each number is a true lower bound, and where it is ``FAR`` no way exists.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from retorno.routes.offers import DAY_MIN

Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]

FAR = 1 << 44
"""A cost or time that stands for: no way. Small enough for many bands of numbers beside each other."""

_SITE_SPAN = 4 * DAY_MIN
"""More than a minute of arrival with the transfer after it, so that sites do not run into each other."""


@dataclass(frozen=True, kw_only=True)
class OpenRides:
    """The rides that a group may take, one row each, in the order of the site they leave; ``riding`` in hours.

    ``runs`` and ``stays`` have a column for each day of the horizon: the ride departs; the group may spend the night
    where it arrives. ``received`` is whether it may end its journey there. Sites are numbered from 0.
    """

    origin: Ints
    destination: Ints
    depart: Ints
    arrive: Ints
    land: Flags
    cost: Ints
    riding: Ints
    runs: Flags
    stays: Flags
    received: Flags
    site_count: int
    home: int
    bed_cents: int
    transfer_min: int


def togo(rides: OpenRides) -> Ints:
    """Bounds on what comes after each ride.

    Returns
    -------
    numpy.ndarray
        Shape (3, rides, days): earliest arrival home (minutes from day 0), least further cost, least further
        hours of riding; ``FAR`` where the ride does not run that day or cannot lead home.
    """
    count, days = rides.runs.shape
    found = np.full((3, count, days), FAR, dtype=np.int64)
    if count:
        sweep = _Sweep(rides)
        for day in range(days - 1, -1, -1):
            found[:, :, day] = sweep.day(day)
    return found


class _Sweep:
    """The sweep from the last day back to the first; what is known of later days, and fixed index tables.

    The flights are kept in order of site and departure, so that all that a group may still catch at a site are one
    stretch to the end of the site's part: the least of such stretches is one running minimum.
    """

    def __init__(self, rides: OpenRides) -> None:
        self.rides = rides
        count, self.days = rides.runs.shape
        self.later, minute = np.divmod(rides.arrive, DAY_MIN)
        self.own = np.zeros((3, count), dtype=np.int64)
        self.own[1] = rides.cost
        self.own[2] = rides.riding
        self.nights = np.array([[0], [rides.bed_cents], [0]], dtype=np.int64)
        self.is_home = rides.destination == rides.home

        flights = np.flatnonzero(~rides.land)
        self.flights = flights[np.lexsort((rides.depart[flights], rides.origin[flights]))]
        sites = rides.origin[self.flights]
        self.first_flight = np.flatnonzero(np.diff(sites, prepend=-1))
        self.flight_sites = sites[self.first_flight]
        # Every site's flights lie in a band of numbers of their own, so that no minimum runs over its end.
        self.band = np.searchsorted(self.flight_sites, sites) * (2 * FAR)
        # The first flight that may still be caught on the day of arrival; none of the next day.
        departures = sites * _SITE_SPAN + rides.depart[self.flights]
        self.next_flight = np.searchsorted(departures, rides.destination * _SITE_SPAN + minute + rides.transfer_min)
        caught = np.minimum(self.next_flight, max(0, len(sites) - 1))
        self.connects = (
            (sites[caught] == rides.destination) & (self.next_flight < len(sites))
            if len(sites)
            else (np.zeros(count, dtype=np.bool_))
        )
        roads = np.flatnonzero(rides.land)
        self.roads = roads[np.argsort(rides.origin[roads], kind="stable")]
        self.first_road = np.flatnonzero(np.diff(rides.origin[self.roads], prepend=-1))
        self.road_sites = rides.origin[self.roads][self.first_road]

        span = self.days + int(self.later.max()) + 2
        self.catching = np.full((3, span * len(self.flights)), FAR, dtype=np.int64)
        self.waiting = np.full((3, span * rides.site_count), FAR, dtype=np.int64)

    def day(self, day: int) -> Ints:
        """Bounds of the rides of one day; those of all later days are known."""
        rides, flights, sites = self.rides, len(self.flights), self.rides.site_count
        found = np.full((3, len(rides.origin)), FAR, dtype=np.int64)
        runs = rides.runs[:, day]
        home = np.flatnonzero(runs & self.is_home & rides.received[:, day])
        found[1:, home] = 0
        found[0, home] = day * DAY_MIN + rides.arrive[home]
        runs = runs & ~self.is_home
        stay = np.flatnonzero(runs & rides.stays[:, day])
        at = (day + self.later[stay] + 1) * sites + rides.destination[stay]
        found[:, stay] = self.waiting[:, at] + self.nights
        later = np.flatnonzero(runs & self.connects & (self.later > 0))
        at = (day + self.later[later]) * flights + self.next_flight[later]
        found[:, later] = np.minimum(found[:, later], self.catching[:, at])
        same_day = np.flatnonzero(runs & self.connects & (self.later == 0))
        catching = self._catching(found)
        while len(same_day):
            before = found[:, same_day]
            better = np.minimum(before, catching[:, self.next_flight[same_day]])
            closer = (better < before).any(axis=0)
            if not closer.any():
                break
            found[:, same_day] = better
            catching = self._catching(found)
        self.catching[:, day * flights : (day + 1) * flights] = catching
        here = self.waiting[:, (day + 1) * sites : (day + 2) * sites] + self.nights
        here[:, self.flight_sites] = np.minimum(here[:, self.flight_sites], catching[:, self.first_flight])
        if len(self.roads):
            through = (found + self.own)[:, self.roads]
            least = np.minimum.reduceat(through, self.first_road, axis=1)
            here[:, self.road_sites] = np.minimum(here[:, self.road_sites], least)
        self.waiting[:, day * sites : (day + 1) * sites] = np.minimum(here, FAR)
        return np.minimum(found, FAR)

    def _catching(self, found: Ints) -> Ints:
        """Least to come by a flight of the day from each flight of its site on."""
        through = np.minimum(found[:, self.flights] + self.own[:, self.flights], FAR) + self.band
        return np.minimum.accumulate(through[:, ::-1], axis=1)[:, ::-1] - self.band
