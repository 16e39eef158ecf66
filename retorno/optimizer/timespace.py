"""The network of rides in time and space: static arrays, and the cheapest way home under given prices.

A *ride* is one way to sit in one row on one day: a trip from a boarding stop to an alighting stop, a seat of a
scheduled service, or a seat of a charter.  Rides that do not run (days, cancellations, closed crossings) are
not in the arrays.  All arrays named ``ride_*`` have one value per ride, sorted by day and minute of departure.

Between two rides a group is in a *slot* of a day at a site.  *Overnight* slots (numbers ``0`` to
``overnight_count - 1``) stand for a group that arrived on an earlier day and may take any row; there is more
than one only if something departs within ``transfer_min`` after midnight.  *Same-day* slots (the numbers
after them) stand for a group that arrived that very day and may only fly, from a certain departure on.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

from retorno.optimizer.problem import Group, Problem

DAY_MIN = 1440
TRIP, SERVICE, CHARTER = 0, 1, 2
NO_RIDE, WAIT = -1, -2
FAR = 1e15

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True, kw_only=True)
class Commodity:
    """What decides which rides a travel group may take: destination, barred countries, needs."""

    destination: int
    barred: frozenset[str]
    is_vulnerable: bool
    has_wheelchair: bool


@dataclass(frozen=True, kw_only=True, eq=False)
class TimeSpace:
    """Static arrays of one problem.

    Parameters
    ----------
    problem
        The problem the arrays were made from; indices below are positions in its lists.
    day_count
        Days of the horizon.
    site_index, crossing_index, trip_index, service_index, charter_index
        Id to position.
    ride_kind
        ``TRIP``, ``SERVICE`` or ``CHARTER``.
    ride_row
        Position of the trip, service or charter in its list.
    ride_day, ride_arrive_day
        Day of departure and of arrival.
    ride_board, ride_alight
        Stop positions in the trip; 0 and 1 for services and charters.
    ride_origin, ride_destination
        Site positions.
    ride_depart, ride_arrive
        Minutes since 00:00 of the day of departure.
    ride_is_land
        Trip or coach.
    ride_fare
        Cents per seat; 0 for trips and charters.
    ride_comfort
        Cents per person: riding minutes and boarding.
    ride_vulnerable_ok
        Whether vulnerable groups may take it.
    ride_countries
        Bits of the countries touched at crossings (land) or landed in (flights and charters); bit numbers in
        ``country_bit``.
    cross_start, cross_ids
        The crossings of ride ``q`` are ``cross_ids[cross_start[q]:cross_start[q + 1]]`` (repeated if passed
        twice).
    rank_overnight, rank_same_day
        Greatest overnight and same-day slot from which the ride can still be taken; -1 for no same-day slot.
    after_same_day, after_overnight
        Slot on the arrival day (-1 if nothing flies any more) and slot on the day after it.
    day_start
        Rides of day ``d`` are ``day_start[d]`` to ``day_start[d + 1]``.
    """

    problem: Problem
    day_count: int
    site_index: dict[str, int]
    crossing_index: dict[str, int]
    trip_index: dict[str, int]
    service_index: dict[str, int]
    charter_index: dict[str, int]
    country_bit: dict[str, int]
    ride_kind: Ints
    ride_row: Ints
    ride_day: Ints
    ride_arrive_day: Ints
    ride_board: Ints
    ride_alight: Ints
    ride_origin: Ints
    ride_destination: Ints
    ride_depart: Ints
    ride_arrive: Ints
    ride_is_land: Flags
    ride_fare: Ints
    ride_comfort: Ints
    ride_vulnerable_ok: Flags
    ride_countries: Ints
    cross_start: Ints
    cross_ids: Ints
    rank_overnight: Ints
    rank_same_day: Ints
    after_same_day: Ints
    after_overnight: Ints
    day_start: Ints
    overnight_count: int
    slot_count: int

    @property
    def ride_count(self) -> int:
        """Number of rides."""
        return len(self.ride_kind)

    def commodity(self, group: Group) -> Commodity:
        """The commodity of a travel group."""
        return Commodity(
            destination=self.site_index[group.destination],
            barred=frozenset(group.barred_countries),
            is_vulnerable=bool(group.vulnerable),
            has_wheelchair=group.wheelchairs > 0,
        )

    def country_mask(self, countries: Iterable[str]) -> int:
        """Bits of the given countries; a country that no ride touches has none."""
        mask = 0
        for country in countries:
            mask |= self.country_bit.get(country, 0)
        return mask

    def is_allowed(self, commodity: Commodity, *, wheelchairs: int = 1) -> Flags:
        """Which rides a commodity may take at all, whatever is still free; shape ``(ride_count,)``.

        Leaves out rides from the destination, barred countries, rides outside the vulnerable window, and for
        ``has_wheelchair`` trips that no vehicle type with ``wheelchairs`` places could run.
        """
        mask = self.country_mask(commodity.barred)
        touched = (self.ride_countries & mask) != 0
        lands_home = ~self.ride_is_land & (self.ride_destination == commodity.destination)
        allowed = ~(touched & ~lands_home) & (self.ride_origin != commodity.destination)
        if commodity.is_vulnerable:
            allowed &= self.ride_vulnerable_ok
        places = max((kind.wheelchairs for kind in self.problem.vehicle_types), default=0)
        if commodity.has_wheelchair and places < wheelchairs:
            allowed &= self.ride_kind != TRIP
        result: Flags = allowed
        return result

    def find_ride(self, *, kind: int, row: int, day: int, board: int = 0, alight: int = 1) -> int:
        """Position of a ride, or -1 if it does not run."""
        if not 0 <= day < self.day_count:
            return -1
        start, end = int(self.day_start[day]), int(self.day_start[day + 1])
        hits = np.flatnonzero(
            (self.ride_kind[start:end] == kind)
            & (self.ride_row[start:end] == row)
            & (self.ride_board[start:end] == board)
            & (self.ride_alight[start:end] == alight)
        )
        return start + int(hits[0]) if len(hits) else -1


@dataclass(frozen=True, kw_only=True)
class _Offer:
    """One ride of a row before it is put on its days."""

    kind: int
    row: int
    board: int
    alight: int
    origin: str
    destination: str
    depart: int
    arrive: int
    is_land: bool
    fare: int
    crossings: tuple[str, ...]
    days: str
    vulnerable_days: str
    closed_days: frozenset[int]


def _offers(problem: Problem) -> list[_Offer]:
    """Every (row, boarding, alighting) of the problem with the days on which the row does not run."""
    closed: dict[str, set[int]] = {}
    for crossing, day in problem.closures:
        closed.setdefault(crossing, set()).add(day)
    cancelled: dict[str, set[int]] = {}
    for row_id, day in problem.cancelled:
        cancelled.setdefault(row_id, set()).add(day)

    def stopped(row_id: str, crossings: Iterable[str]) -> frozenset[int]:
        days = set(cancelled.get(row_id, ()))
        for crossing in crossings:
            days |= closed.get(crossing, set())
        return frozenset(days)

    offers = []
    for number, trip in enumerate(problem.trips):
        closed_days = stopped(trip.id, [c for segment in trip.crossings for c in segment])
        for board in range(len(trip.stops) - 1):
            for alight in range(board + 1, len(trip.stops)):
                offers.append(
                    _Offer(
                        kind=TRIP,
                        row=number,
                        board=board,
                        alight=alight,
                        origin=trip.stops[board],
                        destination=trip.stops[alight],
                        depart=trip.depart_min[board],
                        arrive=trip.arrive_min[alight],
                        is_land=True,
                        fare=0,
                        crossings=tuple(c for segment in trip.crossings[board:alight] for c in segment),
                        days=trip.days,
                        vulnerable_days=trip.vulnerable_days,
                        closed_days=closed_days,
                    )
                )
    for number, service in enumerate(problem.services):
        offers.append(
            _Offer(
                kind=SERVICE,
                row=number,
                board=0,
                alight=1,
                origin=service.origin,
                destination=service.destination,
                depart=service.depart_min,
                arrive=service.arrive_min,
                is_land=service.mode == "coach",
                fare=service.fare_cents,
                crossings=tuple(service.crossings),
                days=service.days,
                vulnerable_days=service.vulnerable_days,
                closed_days=stopped(service.id, service.crossings),
            )
        )
    for number, charter in enumerate(problem.charters):
        offers.append(
            _Offer(
                kind=CHARTER,
                row=number,
                board=0,
                alight=1,
                origin=charter.origin,
                destination=charter.destination,
                depart=charter.depart_min,
                arrive=charter.arrive_min,
                is_land=False,
                fare=0,
                crossings=(),
                days=charter.days,
                vulnerable_days=charter.days,
                closed_days=stopped(charter.id, ()),
            )
        )
    return offers


def build(problem: Problem) -> TimeSpace:
    """The static arrays of a problem."""
    offers = _offers(problem)
    days = problem.horizon_days
    site_index = {site.id: number for number, site in enumerate(problem.sites)}
    crossing_index = {crossing.id: number for number, crossing in enumerate(problem.crossings)}
    countries = sorted({site.country for site in problem.sites} | {c for x in problem.crossings for c in x.countries})
    country_bit = {country: 1 << number for number, country in enumerate(countries[:62])}
    site_country = {site.id: site.country for site in problem.sites}
    crossing_countries = {crossing.id: crossing.countries for crossing in problem.crossings}

    transfer = problem.transfer_min
    early = sorted({offer.depart for offer in offers if offer.depart < transfer})
    flights = sorted({offer.depart for offer in offers if not offer.is_land})
    overnight_count = len(early) + 1

    placed = [
        (day, offer.depart, number)
        for number, offer in enumerate(offers)
        for day in range(days)
        if offer.days[day] == "1" and day not in offer.closed_days
    ]
    placed.sort()
    order = np.array([number for _, _, number in placed], dtype=np.int64)
    ride_day = np.array([day for day, _, _ in placed], dtype=np.int64)

    def spread(values: list[int]) -> Ints:
        return np.array(values, dtype=np.int64)[order] if len(placed) else np.zeros(0, dtype=np.int64)

    def touched(offer: _Offer) -> int:
        names = {c for crossing in offer.crossings for c in crossing_countries[crossing]}
        if not offer.is_land:
            names.add(site_country[offer.destination])
        return sum(country_bit[name] for name in names if name in country_bit)

    def rank_overnight(offer: _Offer) -> int:
        return early.index(offer.depart) if offer.depart < transfer else len(early)

    def after_same_day(offer: _Offer) -> int:
        free_from = offer.arrive % DAY_MIN + transfer
        waiting = sum(1 for minute in flights if minute < free_from)
        return overnight_count + waiting if waiting < len(flights) else -1

    def after_overnight(offer: _Offer) -> int:
        free_from = offer.arrive % DAY_MIN + transfer - DAY_MIN
        return sum(1 for minute in early if minute < free_from)

    ride_costs = problem.costs
    cross_lists = [[crossing_index[c] for c in offer.crossings] for offer in offers]
    cross_start = np.zeros(len(placed) + 1, dtype=np.int64)
    if len(placed):
        cross_start[1:] = np.cumsum(np.array([len(x) for x in cross_lists], dtype=np.int64)[order])
    cross_ids = np.array([c for number in order for c in cross_lists[number]], dtype=np.int64)
    vulnerable = np.array([offers[number].vulnerable_days[day] == "1" for day, _, number in placed], dtype=np.bool_)
    return TimeSpace(
        problem=problem,
        day_count=days,
        site_index=site_index,
        crossing_index=crossing_index,
        trip_index={trip.id: number for number, trip in enumerate(problem.trips)},
        service_index={service.id: number for number, service in enumerate(problem.services)},
        charter_index={charter.id: number for number, charter in enumerate(problem.charters)},
        country_bit=country_bit,
        ride_kind=spread([offer.kind for offer in offers]),
        ride_row=spread([offer.row for offer in offers]),
        ride_day=ride_day,
        ride_arrive_day=ride_day + spread([offer.arrive // DAY_MIN for offer in offers]),
        ride_board=spread([offer.board for offer in offers]),
        ride_alight=spread([offer.alight for offer in offers]),
        ride_origin=spread([site_index[offer.origin] for offer in offers]),
        ride_destination=spread([site_index[offer.destination] for offer in offers]),
        ride_depart=spread([offer.depart for offer in offers]),
        ride_arrive=spread([offer.arrive for offer in offers]),
        ride_is_land=spread([int(offer.is_land) for offer in offers]).astype(np.bool_),
        ride_fare=spread([offer.fare for offer in offers]),
        ride_comfort=spread(
            [
                ride_costs.ride_minute_cents * (offer.arrive - offer.depart) + ride_costs.boarding_cents
                for offer in offers
            ]
        ),
        ride_vulnerable_ok=vulnerable,
        ride_countries=spread([touched(offer) for offer in offers]),
        cross_start=cross_start,
        cross_ids=cross_ids,
        rank_overnight=spread([rank_overnight(offer) for offer in offers]),
        rank_same_day=spread(
            [-1 if offer.is_land else overnight_count + flights.index(offer.depart) for offer in offers]
        ),
        after_same_day=spread([after_same_day(offer) for offer in offers]),
        after_overnight=spread([after_overnight(offer) for offer in offers]),
        day_start=np.searchsorted(ride_day, np.arange(days + 1)).astype(np.int64),
        overnight_count=overnight_count,
        slot_count=overnight_count + len(flights),
    )


@dataclass(frozen=True, kw_only=True, eq=False)
class CostsToGo:
    """Least price from every state to the destination, by the exact number of days until arrival.

    Parameters
    ----------
    value
        Shape ``(days, slots, sites, journey_days + 1)``; ``value[d, k, s, j]`` is the least price from slot
        ``k`` of day ``d`` at site ``s`` to an arrival on day ``d + j``; ``FAR`` or more if there is none.
        A journey that starts on day ``d`` starts in slot 0.
    choice
        Same shape: the next ride, ``WAIT`` for a night at the site, ``NO_RIDE`` if there is no way.
    """

    value: Floats
    choice: NDArray[np.int32]


def costs_to_go(
    space: TimeSpace,
    *,
    destination: int,
    allowed: Flags,
    ride_price: Floats,
    night_price: Floats,
    arrival_price: Floats,
    journey_days: int,
    compiled: bool = True,
) -> CostsToGo:
    """Cheapest ways to one destination under given prices: one sweep backwards in time.

    Parameters
    ----------
    destination
        Site position.
    allowed, ride_price
        Shape ``(ride_count,)``: rides that may be taken, and the price of each.
    night_price
        Shape ``(sites, days)``: price of the night after day ``d`` at a site; ``FAR`` where there is no bed.
    arrival_price
        Shape ``(days,)``: price of arriving at the destination on a day; ``FAR`` where it is not possible.
    journey_days
        Greatest number of days between the day of the first ride and the day of arrival.
    compiled
        False: the numpy twin, equal in value, slower.
    """
    rides = np.flatnonzero(allowed)
    shape = (space.day_count, space.slot_count, len(space.problem.sites), journey_days + 1)
    value = np.full(shape, FAR)
    choice = np.full(shape, NO_RIDE, dtype=np.int32)
    sweep = _sweep_compiled if compiled else _sweep_numpy
    sweep(
        value,
        choice,
        rides,
        np.asarray(ride_price, dtype=np.float64),
        np.asarray(night_price, dtype=np.float64),
        np.asarray(arrival_price, dtype=np.float64),
        destination,
        space.overnight_count,
        space.ride_day,
        space.ride_arrive_day,
        space.ride_origin,
        space.ride_destination,
        space.rank_overnight,
        space.rank_same_day,
        space.after_same_day,
        space.after_overnight,
    )
    return CostsToGo(value=value, choice=choice)


@njit(cache=True)  # type: ignore[untyped-decorator]
def _sweep_compiled(
    value: Floats,
    choice: NDArray[np.int32],
    rides: Ints,
    ride_price: Floats,
    night_price: Floats,
    arrival_price: Floats,
    destination: int,
    overnight_count: int,
    ride_day: Ints,
    ride_arrive_day: Ints,
    ride_origin: Ints,
    ride_destination: Ints,
    rank_overnight: Ints,
    rank_same_day: Ints,
    after_same_day: Ints,
    after_overnight: Ints,
) -> None:
    days, _, sites, layers = value.shape
    position = rides.size - 1
    for day in range(days - 1, -1, -1):
        # Within a day the rides are met from the last departure to the first, so that what a same-day
        # connection leads to is already known.
        while position >= 0 and ride_day[rides[position]] == day:
            ride = rides[position]
            position -= 1
            arrive_day = ride_arrive_day[ride]
            if arrive_day >= days:
                continue
            used = arrive_day - day
            start = ride_origin[ride]
            end = ride_destination[ride]
            same = after_same_day[ride]
            over = after_overnight[ride]
            for layer in range(used, layers):
                if end == destination:
                    best = arrival_price[arrive_day] if layer == used else FAR
                else:
                    best = FAR
                    if same >= 0:
                        best = value[arrive_day, same, end, layer - used]
                    if layer > used and arrive_day + 1 < days:
                        other = night_price[end, arrive_day] + value[arrive_day + 1, over, end, layer - used - 1]
                        if other < best:
                            best = other
                if best >= FAR:
                    continue
                best += ride_price[ride]
                for slot in range(rank_overnight[ride] + 1):
                    if best < value[day, slot, start, layer]:
                        value[day, slot, start, layer] = best
                        choice[day, slot, start, layer] = ride
                for slot in range(overnight_count, rank_same_day[ride] + 1):
                    if best < value[day, slot, start, layer]:
                        value[day, slot, start, layer] = best
                        choice[day, slot, start, layer] = ride
        if day + 1 < days:
            for slot in range(overnight_count):
                for site in range(sites):
                    for layer in range(1, layers):
                        best = night_price[site, day] + value[day + 1, 0, site, layer - 1]
                        if best < value[day, slot, site, layer] and best < FAR:
                            value[day, slot, site, layer] = best
                            choice[day, slot, site, layer] = WAIT


def _sweep_numpy(
    value: Floats,
    choice: NDArray[np.int32],
    rides: Ints,
    ride_price: Floats,
    night_price: Floats,
    arrival_price: Floats,
    destination: int,
    overnight_count: int,
    ride_day: Ints,
    ride_arrive_day: Ints,
    ride_origin: Ints,
    ride_destination: Ints,
    rank_overnight: Ints,
    rank_same_day: Ints,
    after_same_day: Ints,
    after_overnight: Ints,
) -> None:
    """The twin of ``_sweep_compiled``: one vectorised step per ride over the layers."""
    days, _, _, layers = value.shape
    position = len(rides) - 1
    for day in range(days - 1, -1, -1):
        while position >= 0 and ride_day[rides[position]] == day:
            ride = int(rides[position])
            position -= 1
            arrive_day = int(ride_arrive_day[ride])
            used = arrive_day - day
            if arrive_day >= days or used >= layers:
                continue
            start, end = int(ride_origin[ride]), int(ride_destination[ride])
            best = np.full(layers, FAR)
            if end == destination:
                best[used] = arrival_price[arrive_day]
            else:
                same = int(after_same_day[ride])
                if same >= 0:
                    best[used:] = value[arrive_day, same, end, : layers - used]
                if arrive_day + 1 < days and used + 1 < layers:
                    over = value[arrive_day + 1, int(after_overnight[ride]), end, : layers - used - 1]
                    best[used + 1 :] = np.minimum(best[used + 1 :], night_price[end, arrive_day] + over)
            best = np.where(best < FAR, best + ride_price[ride], FAR)
            slots = [*range(int(rank_overnight[ride]) + 1), *range(overnight_count, int(rank_same_day[ride]) + 1)]
            for slot in slots:
                better = best < value[day, slot, start]
                value[day, slot, start][better] = best[better]
                choice[day, slot, start][better] = ride
        if day + 1 < days:
            waited = night_price[:, day, None] + value[day + 1, 0, :, :-1]
            for slot in range(overnight_count):
                better = (waited < value[day, slot, :, 1:]) & (waited < FAR)
                value[day, slot, :, 1:][better] = waited[better]
                choice[day, slot, :, 1:][better] = WAIT


def read_path(
    space: TimeSpace, togo: CostsToGo, *, night_price: Floats, destination: int, site: int, day: int, layer: int
) -> tuple[int, ...]:
    """The rides of the cheapest way from slot 0 of a day at a site to an arrival ``layer`` days later.

    Empty if there is no way; ``night_price`` and ``destination`` as given to ``costs_to_go``.
    """
    rides = []
    slot = 0
    while site != destination:
        step = int(togo.choice[day, slot, site, layer])
        if step == NO_RIDE:
            return ()
        if step == WAIT:
            day, slot, layer = day + 1, 0, layer - 1
            continue
        rides.append(step)
        arrive_day, site = int(space.ride_arrive_day[step]), int(space.ride_destination[step])
        layer -= arrive_day - day
        day = arrive_day
        if site == destination:
            break
        same, over = int(space.after_same_day[step]), int(space.after_overnight[step])
        at_once = float(togo.value[day, same, site, layer]) if same >= 0 else FAR
        later = FAR
        if layer > 0 and day + 1 < space.day_count:
            later = float(night_price[site, day] + togo.value[day + 1, over, site, layer - 1])
        if at_once <= later:
            slot = same
        else:
            day, slot, layer = day + 1, over, layer - 1
    return tuple(rides)
