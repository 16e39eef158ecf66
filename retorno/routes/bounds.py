"""What is still to come after a ride: bounds that the search for itineraries measures every chain against.

For every open ride and day: the earliest arrival home, the least cost and the least riding after it, each by itself.
Dates, nights, hours of arrival and connections count; only within an hour is a connection granted too freely. So
each number is a true lower bound, and where all three are far away no way exists.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from retorno.routes.offers import DAY_MIN

Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]

FAR = 1 << 50
"""A cost or time that stands for: no way."""

HOURS = 24


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
    """The sweep from the last day back to the first; what is known of later days, and fixed index tables."""

    def __init__(self, rides: OpenRides) -> None:
        self.rides = rides
        count, self.days = rides.runs.shape
        sites = rides.site_count
        self.later, minute = np.divmod(rides.arrive, DAY_MIN)
        # A connection on the day of arrival: flights of this hour or later, none after midnight.
        hour = (minute + rides.transfer_min) // 60
        self.connects = hour < HOURS
        self.slot_after = rides.destination * HOURS + np.minimum(hour, HOURS - 1)
        self.own = np.zeros((3, count), dtype=np.int64)
        self.own[1] = rides.cost
        self.own[2] = rides.riding
        self.nights = np.array([[0], [rides.bed_cents], [0]], dtype=np.int64)
        self.flights = _Groups(np.flatnonzero(~rides.land), rides.origin * HOURS + rides.depart // 60)
        self.roads = _Groups(np.flatnonzero(rides.land), rides.origin)
        self.is_home = rides.destination == rides.home
        served = np.zeros(sites, dtype=np.bool_)
        served[rides.origin[~rides.land]] = True
        self.chained = np.flatnonzero((self.later == 0) & self.connects & served[rides.destination] & ~self.is_home)
        span = self.days + int(self.later.max()) + 2
        self.by_hour = np.full((span, 3, sites * HOURS), FAR, dtype=np.int64)
        self.waiting = np.full((span, 3, sites), FAR, dtype=np.int64)

    def day(self, day: int) -> Ints:
        """Bounds of the rides of one day; those of all later days are known."""
        rides = self.rides
        runs, arrival = rides.runs[:, day], day + self.later
        stayed = self.waiting[arrival + 1, :, rides.destination].T + self.nights
        stayed[:, ~rides.stays[:, day]] = FAR
        connected = self.by_hour[arrival, :, self.slot_after].T
        connected[:, ~self.connects] = FAR
        found = np.minimum(stayed, connected)
        home = self.is_home & rides.received[:, day]
        found[:, self.is_home] = FAR
        found[1:, home] = 0
        found[0, home] = (day * DAY_MIN + rides.arrive)[home]
        found[:, ~runs] = FAR
        flights = self._by_hour(found)
        chained = self.chained[runs[self.chained]]
        while len(chained):
            better = np.minimum(found[:, chained], flights[:, self.slot_after[chained]])
            if (better == found[:, chained]).all():
                break
            found[:, chained] = better
            flights = self._by_hour(found)
        self.by_hour[day] = flights
        at_site = self.roads.least(found + self.own, np.full((3, rides.site_count), FAR, dtype=np.int64))
        at_site = np.minimum(at_site, flights[:, ::HOURS])
        self.waiting[day] = np.minimum(at_site, self.waiting[day + 1] + self.nights)
        return np.minimum(found, FAR)

    def _by_hour(self, found: Ints) -> Ints:
        """Least to come by a flight of the day from an hour on, for each site and hour."""
        table = self.flights.least(
            found + self.own, np.full((3, self.rides.site_count * HOURS), FAR, dtype=np.int64)
        ).reshape(3, -1, HOURS)
        return np.minimum.accumulate(table[:, :, ::-1], axis=2)[:, :, ::-1].reshape(3, -1)


class _Groups:
    """Some rides in groups, for the least of each group."""

    def __init__(self, rides: Ints, group_of: Ints) -> None:
        self.order = rides[np.argsort(group_of[rides], kind="stable")]
        ordered = group_of[self.order]
        self.starts = np.flatnonzero(np.diff(ordered, prepend=-1))
        self.groups = ordered[self.starts]

    def least(self, values: Ints, into: Ints) -> Ints:
        """``into`` with the least of ``values`` of each group at the number of the group; changes ``into``."""
        if len(self.order):
            into[:, self.groups] = np.minimum(np.minimum.reduceat(values[:, self.order], self.starts, axis=1), FAR)
        return into
