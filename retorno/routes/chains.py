"""The search behind ``itineraries``: chains of rides, leg by leg, and when one is dropped.

``docs/itineraries.md`` says why dropping them loses nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from retorno.routes import bounds
from retorno.routes.bounds import FAR
from retorno.routes.offers import DAY_MIN
from retorno.routes.transport import NEVER, TransportOffer
from retorno.routes.travellers import Freedoms, Travellers

Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]

BARRED_CENTS = 10**10
"""Price of a barred country in a search that only asks which bar stands in the way; above any price of a journey."""


_NONE: Ints = np.zeros(0, dtype=np.int64)


@dataclass(frozen=True, kw_only=True)
class _Labels:
    """Chains that were kept, as columns: where they stand, since when, what they cost, until which day they may go."""

    site: Ints
    arrive: Ints
    cost: Ints
    riding: Ints
    stays: Flags
    limit: Ints
    start: Ints
    number: Ints


@dataclass(frozen=True, kw_only=True)
class _Chains:
    """Chains not yet judged, as columns: their last ride and its day, the chain before it, cost and riding in all."""

    rides: Ints
    day: Ints
    before: Ints
    cost: Ints
    riding: Ints
    limit: Ints
    start: Ints

    def some(self, numbers: Ints) -> _Chains:
        """Those with some numbers."""
        return _Chains(
            rides=self.rides[numbers],
            day=self.day[numbers],
            before=self.before[numbers],
            cost=self.cost[numbers],
            riding=self.riding[numbers],
            limit=self.limit[numbers],
            start=self.start[numbers],
        )

    def rows(self, numbers: Ints) -> list[tuple[int, int, int]]:
        """Ride, day and the chain before of some of them, for reading back."""
        columns = (self.rides[numbers].tolist(), self.day[numbers].tolist(), self.before[numbers].tolist())
        return list(zip(*columns, strict=True))


@dataclass
class _Found:
    """Ways found so far, none dominated, as tuples (arrival, cost, legs, riding, label)."""

    ways: list[tuple[int, int, int, int, int]] = field(default_factory=list)

    def add(self, way: tuple[int, int, int, int, int]) -> bool:
        """Take a way in unless one is at least as good; drop those that it beats."""
        if any(all(old[k] <= way[k] for k in range(4)) for old in self.ways):
            return False
        self.ways = [old for old in self.ways if not all(way[k] <= old[k] for k in range(4))]
        self.ways.append(way)
        return True


class Search:
    """One question: the rides that are open to the group, bounds to the destination, ways found so far."""

    def __init__(
        self,
        offer: TransportOffer,
        travellers: Travellers,
        ends: tuple[str, str],
        latest_day: int | None,
        max_legs: int,
        freedoms: Freedoms,
    ) -> None:
        self.offer = offer
        self.travellers = travellers
        self.home = offer.index[ends[1]]
        self.start = offer.index[ends[0]]
        self.max_legs = max_legs
        self.last_day = offer.clock.days - 1 if latest_day is None else min(latest_day, offer.clock.days - 1)
        self.bed_cents = offer.prices.bed_night_cents * travellers.seats
        sites = [offer.sites[name] for name in offer.names]
        self.beds = np.array(
            [freedoms.beds or site.may_stay(travellers.seats, travellers.profiles) for site in sites], dtype=np.bool_
        )
        self.next_day = offer.next_day[1 if travellers.vulnerable else 0]
        self.received = offer.received(travellers.profiles)
        if freedoms.receiving:
            self.received = np.ones_like(self.received)
        self.cost = offer.seat_cents * travellers.seats
        self.riding = -(-(offer.arrive - offer.depart) // 60)  # whole hours begun, see the criteria
        self._open_rides(freedoms)
        self._bounds()
        self.kept: list[tuple[int, int, int]] = []
        self.found = _Found()

    def _open_rides(self, freedoms: Freedoms) -> None:
        """The rides that this group may take at all, in order of the site they leave."""
        offer, group = self.offer, self.travellers
        is_open = (offer.seats >= group.seats) & (offer.wheelchairs >= group.wheelchairs)
        is_open &= self.next_day[:, 0] < NEVER
        is_open &= offer.origin != self.home
        is_open &= offer.admits(group.profiles)
        for country in sorted(group.barred_countries - {offer.sites[offer.names[self.home]].country}):
            entering = offer.entering.get(country, _NONE)
            if freedoms.barred:
                self.cost[entering] += BARRED_CENTS
            else:
                is_open[entering] = False
        to_home = self._legs_between(is_open, forward=False)
        from_start = self._legs_between(is_open, forward=True)
        is_open &= from_start[offer.origin] + 1 + to_home[offer.destination] <= self.max_legs
        self.open = np.flatnonzero(is_open)
        self.legs_home = to_home

    def _legs_between(self, is_open: Flags, *, forward: bool) -> Ints:
        """Fewest legs from the start to each site, or from each site home; ``FAR`` if there is no chain."""
        open_rides = np.flatnonzero(is_open)
        tail, head = self.offer.origin[open_rides], self.offer.destination[open_rides]
        if not forward:
            tail, head = head, tail
        legs = np.full(len(self.offer.names), FAR, dtype=np.int64)
        reached = np.zeros(len(self.offer.names), dtype=np.bool_)
        reached[self.start if forward else self.home] = True
        for count in range(self.max_legs + 1):
            legs[reached & (legs == FAR)] = count
            before = reached.copy()
            reached[head[reached[tail]]] = True
            if (before == reached).all():
                break
        return legs

    def _bounds(self) -> None:
        """What is still to come after each open ride; rides that never lead home are closed."""
        offer = self.offer
        runs = self.next_day[self.open][:, :-1] == np.arange(offer.clock.days)
        sites, numbered = np.unique(
            np.concatenate([offer.origin[self.open], offer.destination[self.open]]), return_inverse=True
        )
        received = self.received[self.open]
        count = len(self.open)
        togo = bounds.togo(
            bounds.OpenRides(
                origin=numbered[:count],
                destination=numbered[count:],
                depart=offer.depart[self.open],
                arrive=offer.arrive[self.open],
                land=offer.land[self.open],
                cost=self.cost[self.open],
                riding=self.riding[self.open],
                runs=runs,
                stays=received & self.beds[offer.destination[self.open]][:, None],
                received=received,
                site_count=len(sites),
                home=int(np.searchsorted(sites, self.home)),
                bed_cents=self.bed_cents,
                transfer_min=offer.transfer_min,
            )
        )
        useful = (togo[0] < FAR).any(axis=1)
        self.open = self.open[useful]
        # One row for each ride of the offer would be mostly empty: rides are looked up by their place in ``open``.
        self.togo = togo[:, useful]
        self.first_of = np.searchsorted(offer.origin[self.open], np.arange(len(offer.names) + 1))

    # -- one day of departure --------------------------------------------------------------------------------

    def depart(self, start_days: Ints) -> None:
        """Follow every chain that starts on some days."""
        limit = np.minimum(start_days + self.travellers.max_journey_days, self.last_day)
        here = self.open_at(np.array([self.start]))
        rides = np.tile(here[1], len(start_days))
        day, until = np.repeat(start_days, len(here[1])), np.repeat(limit, len(here[1]))
        runs = self.next_day[rides, day] == day
        rides, day, until = rides[runs], day[runs], until[runs]
        self.bags: dict[tuple[int, int], list[tuple[int, int, int, int, bool]]] = {}
        labels = self._reach(
            _Chains(
                rides=rides,
                day=day,
                before=np.full(len(rides), -1, dtype=np.int64),
                cost=self.cost[rides],
                riding=self.riding[rides],
                limit=until,
                start=day,
            ),
            legs=1,
        )
        for legs in range(2, self.max_legs + 1):
            if not len(labels.site):
                return
            labels = self._reach(self._ride_on(labels), legs)

    def open_at(self, sites: Ints) -> tuple[Ints, Ints]:
        """For each site the open rides that leave it: the number of the site in ``sites``, and the ride."""
        first, last = self.first_of[sites], self.first_of[sites + 1]
        counts = last - first
        at = np.repeat(np.arange(len(counts)), counts)
        offsets = np.arange(len(at)) - np.repeat(np.cumsum(counts) - counts, counts)
        return at, self.open[np.repeat(first, counts) + offsets]

    def _ride_on(self, labels: _Labels) -> _Chains:
        """Every chain by one leg longer, on the first day it can be ridden, and on later ones where that counts."""
        offer = self.offer
        chain, rides = self.open_at(labels.site)
        ready = labels.arrive[chain] + offer.transfer_min
        arrival_day = labels.arrive[chain] // DAY_MIN
        earliest = -((offer.depart[rides] - ready) // DAY_MIN)
        earliest = np.maximum(earliest, arrival_day + offer.land[rides])
        parts = []
        while len(rides):
            day = self.next_day[rides, np.minimum(earliest, offer.clock.days)]
            fits = (day <= labels.limit[chain]) & (labels.stays[chain] | (day == arrival_day))
            chain, rides, day, arrival_day = chain[fits], rides[fits], day[fits], arrival_day[fits]
            parts.append((chain, rides, day, day - arrival_day))
            # Where people may not stay on arrival, a later day is another chance; else it is never better.
            to = offer.destination[rides]
            stays = self.received[rides, day] & (self.beds[to] | (to == self.home))
            again = ~stays & labels.stays[chain]
            chain, rides, earliest, arrival_day = chain[again], rides[again], day[again] + 1, arrival_day[again]
        chain, rides, day, nights = (
            (np.concatenate([part[k] for part in parts]) for k in range(4)) if parts else [_NONE] * 4
        )
        return _Chains(
            rides=rides,
            day=day,
            before=labels.number[chain],
            cost=labels.cost[chain] + self.cost[rides] + nights * self.bed_cents,
            riding=labels.riding[chain] + self.riding[rides],
            limit=labels.limit[chain],
            start=labels.start[chain],
        )

    def _reach(self, chains: _Chains, legs: int) -> _Labels:
        """Take in the ways that are home, and keep the chains that may still lead there."""
        place = np.searchsorted(self.open, chains.rides)
        home_at, further_cost, further_riding = self.togo[:, place, chains.day]
        alive = home_at // DAY_MIN <= chains.limit
        fewest = legs + self.legs_home[self.offer.destination[chains.rides]]
        alive &= fewest <= self.max_legs
        chains = chains.some(np.flatnonzero(alive))
        beaten = self._beaten(
            home_at[alive], chains.cost + further_cost[alive], fewest[alive], chains.riding + further_riding[alive]
        )
        chains = chains.some(np.flatnonzero(~beaten))
        site = self.offer.destination[chains.rides]
        arrive = chains.day * DAY_MIN + self.offer.arrive[chains.rides]
        is_home = site == self.home
        home = np.flatnonzero(is_home)
        order = np.lexsort((chains.riding[home], chains.cost[home], arrive[home], chains.start[home]))
        for number in home[order].tolist():
            way = (int(arrive[number]), int(chains.cost[number]), legs, int(chains.riding[number]), len(self.kept))
            if self.found.add(way):
                self.kept += chains.rows(np.array([number]))
        stays = self.received[chains.rides, chains.day] & self.beds[site]
        waited = chains.cost - self.bed_cents * (arrive // DAY_MIN)
        left = _thinned(
            np.flatnonzero(~is_home), site * self.offer.clock.days + chains.start, arrive, waited, chains.riding, stays
        )
        left = left[np.lexsort((chains.riding[left], chains.cost[left], arrive[left], chains.start[left]))]
        columns = zip(
            left.tolist(),
            site[left].tolist(),
            chains.start[left].tolist(),
            arrive[left].tolist(),
            waited[left].tolist(),
            chains.riding[left].tolist(),
            stays[left].tolist(),
            strict=True,
        )
        chosen = [row[0] for row in columns if self._is_new((row[1], row[2]), *row[3:])]
        picked = np.array(chosen, dtype=np.int64)
        numbers = np.arange(len(self.kept), len(self.kept) + len(picked))
        self.kept += chains.rows(picked)
        return _Labels(
            site=site[picked],
            arrive=arrive[picked],
            cost=chains.cost[picked],
            riding=chains.riding[picked],
            stays=stays[picked],
            limit=chains.limit[picked],
            start=chains.start[picked],
            number=numbers,
        )

    def _beaten(self, arrive: Ints, cost: Ints, legs: Ints, riding: Ints) -> Flags:
        """Whether a way found is at least as good as the best that can become of a chain."""
        beaten = np.zeros(len(legs), dtype=np.bool_)
        for way in self.found.ways:
            beaten |= (way[0] <= arrive) & (way[1] <= cost) & (way[2] <= legs) & (way[3] <= riding)
        return beaten

    def _is_new(self, key: tuple[int, int], arrive: int, waited: int, riding: int, stays: bool) -> bool:
        """Whether no chain with the same site and day of departure and no more legs is at least as good.

        A chain whose people may stay can wait for the other: then its nights until that day count (``waited`` is
        the cost less a bed for every day of the plan clock until the arrival). One whose people may not stay must
        have arrived on the same day.
        """
        day = arrive // DAY_MIN
        bag = self.bags.setdefault(key, [])
        for old_arrive, old_waited, old_riding, old_day, old_stays in bag:
            if (
                old_arrive <= arrive
                and old_riding <= riding
                and old_waited <= waited
                and (old_stays or (old_day == day and not stays))
            ):
                return False
        bag.append((arrive, waited, riding, day, stays))
        return True

    # -- read back -------------------------------------------------------------------------------------------

    def ways(self) -> list[tuple[int, list[tuple[int, int]]]]:
        """The ways found, in order of their criteria: cost, and the legs as numbers of rides with their day."""
        found = []
        for _, cost, _, _, number in sorted(self.found.ways):
            legs: list[tuple[int, int]] = []
            while number >= 0:
                ride, day, number = self.kept[number]
                legs.insert(0, (ride, day))
            found.append((cost, legs))
        return found


def _thinned(left: Ints, group: Ints, arrive: Ints, waited: Ints, riding: Ints, stays: Flags) -> Ints:
    """Those of ``left`` that neither the earliest nor the cheapest chain of their group beats; see ``_is_new``.

    It only spares the exact comparison most of its work.
    """
    for by in ((riding, waited, arrive), (riding, arrive, waited)):
        if not len(left):
            return left
        order = left[np.lexsort((*(column[left] for column in by), ~stays[left], group[left]))]
        first = np.flatnonzero(np.diff(group[order], prepend=-1))
        best = np.repeat(order[first], np.diff(first, append=len(order)))
        beaten = (arrive[best] <= arrive[order]) & (waited[best] <= waited[order]) & (riding[best] <= riding[order])
        beaten &= stays[best] | ((arrive[best] // DAY_MIN == arrive[order] // DAY_MIN) & ~stays[order])
        left = order[~beaten | (best == order)]
    return left
