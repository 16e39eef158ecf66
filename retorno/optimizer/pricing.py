"""Pricing: the cheapest itinerary of every class of groups at given prices, and the bound that follows.

A *price* (cents per unit of a limited thing) turns each capacity into a cost. With every capacity priced, the
groups no longer meet each other and each takes its own shortest path through time and place; the vehicles take
theirs. The sum of these shortest paths, less what the capacities would earn, is never above the value of any
plan: ``Pricing.bound_cents`` gives it. docs/optimizer.md has the proof.
"""

from __future__ import annotations

import copy
import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from retorno.optimizer.classes import Path, TravelClass, allowed_rides
from retorno.optimizer.ground import CHARTER, INFINITE, SERVICE, TRIP, Bools, Floats, Ground, Ints
from retorno.optimizer.kernels import backward, forward, read, through

FORBIDDEN_CENTS = 1e9
"""Stands for 'unplanned' where a group may not be left (facts under way); more than any real value."""


class Prices:
    """Cents per unit of everything limited; every array is >= 0 and has one column per day.

    ``strong[c]`` prices class ``c``'s places on a trip that runs at all: one row per trip (per segment if the
    class has more than one unit), then one row per charter; None where the class has no such price.
    ``conflict[n]`` prices the places of pair ``n`` of the problem's conflicts, per trip.
    """

    def __init__(self, ground: Ground, class_count: int) -> None:
        days = ground.days
        problem = ground.problem
        self.seat: Floats = np.zeros((ground.segments, days))
        self.wheelchair: Floats = np.zeros((ground.segments, days))
        self.quota: Floats = np.zeros((len(problem.crossings), days))
        self.bed: Floats = np.zeros((len(problem.sites), days))
        self.reception: Floats = np.zeros((len(problem.sites), days))
        self.service: Floats = np.zeros((len(problem.services), days))
        self.charter_seat: Floats = np.zeros((len(problem.charters), days))
        self.charter_least: Floats = np.zeros((len(problem.charters), days))
        self.escort: Floats = np.zeros((len(problem.escort_pools) + 1, days))
        self.strong: list[Floats | None] = [None] * class_count
        self.conflict: dict[int, Floats] = {}
        self._trips, self._segments, self._charters = len(problem.trips), ground.segments, len(problem.charters)
        self._days = days

    def strong_of(self, index: int, travel: TravelClass) -> Floats:
        """The strong prices of class ``index``, made if there were none; may be changed in place."""
        found = self.strong[index]
        if found is None:
            rows = self._trips if travel.count == 1 else self._segments
            found = np.zeros((rows + self._charters, self._days))
            self.strong[index] = found
        return found

    def conflict_of(self, number: int) -> Floats:
        """The prices of conflict ``number``, made if there were none; may be changed in place."""
        if number not in self.conflict:
            self.conflict[number] = np.zeros((self._trips, self._days))
        return self.conflict[number]


PRICED = ("seat", "wheelchair", "quota", "bed", "reception", "service", "charter_seat", "charter_least", "escort")
"""The arrays of ``Prices`` that all classes share."""


def between(centre: Prices, other: Prices, share: float) -> Prices:
    """Shared prices that are ``share`` parts ``centre`` and the rest ``other``; the rest of them as in ``other``."""
    result = copy.copy(other)
    for name in PRICED:
        setattr(result, name, share * getattr(centre, name) + (1.0 - share) * getattr(other, name))
    return result


@dataclass(frozen=True, kw_only=True, slots=True)
class FleetPrices:
    """The vehicles' side at given prices.

    Parameters
    ----------
    ahead
        Per type, site and day (one more column than days): least cost from there to the end.
    reach
        Per type, site and day: least extra cost of bringing any vehicle there, above what the fleet costs anyway.
    slack
        Per type, trip and day: reduced cost of the move, >= 0; ``INFINITE`` if it does not run.
    value_cents
        Least total cost of the whole fleet (mostly <= 0: vehicles may stay at home).
    """

    ahead: Floats
    reach: Floats
    slack: Floats
    value_cents: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Way:
    """One itinerary of a class: its plain cost in cents per unit (change included), nights, first and last day."""

    path: Path
    cents: float
    nights: tuple[tuple[int, int], ...]
    first_day: int
    arrival_day: int


class Pricing:
    """Shortest paths of classes and vehicles at given prices."""

    def __init__(self, ground: Ground, classes: Sequence[TravelClass]) -> None:
        self.ground = ground
        self.classes = list(classes)
        self.layers = ground.journey_most + 1
        self.kept = [self.way(c, c.kept, changed=False) if c.kept else None for c in self.classes]
        class_of = {group_id: index for index, c in enumerate(self.classes) for group_id in c.group_ids}
        self.conflicts_of: dict[int, list[int]] = defaultdict(list)
        for number, pair in enumerate(ground.problem.conflicts):
            if all(group_id in class_of for group_id in pair):
                for group_id in pair:
                    self.conflicts_of[class_of[group_id]].append(number)
        self.seat_price: Floats = np.zeros((ground.rides, ground.days))
        self.wheel_price: Floats = np.zeros((ground.rides, ground.days))

    # ---- itineraries without prices ----

    def way(self, travel: TravelClass, path: Path, *, changed: bool = True) -> Way:
        """Cost and nights of an itinerary, per unit of the class."""
        ground, costs = self.ground, self.ground.problem.costs
        nights: list[tuple[int, int]] = []
        first = path[0][1]
        if travel.first_day is not None:
            start = travel.starts[0]
            nights += start.nights
            nights += [(int(ground.node_site[start.node]), day) for day in range(start.day, path[0][1])]
            first = travel.first_day
        cents = 0.0
        arrived = -1
        for number, (ride, day) in enumerate(path):
            if number:
                nights += [(int(ground.ride_from[ride]), night) for night in range(arrived, day)]
            cents += travel.persons * ground.ride_comfort[ride] + travel.seats * ground.ride_fare[ride]
            arrived = day + int(ground.ride_offset[ride])
        cents += costs.bed_night_cents * travel.seats * len(nights)
        cents += travel.wait_cents * (arrived - travel.ready_day)
        days = arrived + ground.problem.escort_return_days - first + 1
        cents += costs.escort_day_cents * travel.escorts * days
        if changed:
            cents += travel.change_cents
        return Way(path=path, cents=cents, nights=tuple(nights), first_day=first, arrival_day=arrived)

    def unplanned_cents(self, travel: TravelClass) -> float:
        """Cost of leaving one unit unplanned, waiting and change price included."""
        if travel.must_travel or (travel.is_locked and travel.kept):
            return FORBIDDEN_CENTS
        return travel.unplanned_cents + travel.change_cents

    # ---- prices of one class ----

    def set_prices(self, prices: Prices) -> None:
        """Take these prices for all later calls; changes this object."""
        ground = self.ground
        self.prices = prices
        trips = ground.ride_kind == TRIP
        price = np.repeat(ground.ride_fare[:, None], ground.days, axis=1)
        wheel = np.zeros((ground.rides, ground.days))
        low, high = ground.ride_low[trips], ground.ride_high[trips]
        for source, target in ((prices.seat, price), (prices.wheelchair, wheel)):
            total = np.zeros((ground.segments + 1, ground.days))
            np.cumsum(source, axis=0, out=total[1:])
            target[trips] += total[high] - total[low]
        services, charters = ground.ride_kind == SERVICE, ground.ride_kind == CHARTER
        price[services] += prices.service[ground.ride_row[services]]
        price[charters] += (prices.charter_seat - prices.charter_least)[ground.ride_row[charters]]
        if len(ground.pass_ride):
            np.add.at(price, ground.pass_ride, prices.quota[ground.pass_crossing])
        self.seat_price, self.wheel_price = price, wheel

    def ride_prices(self, index: int) -> Floats:
        """Cents per unit of class ``index`` for every ride and day; ``INFINITE`` where not allowed."""
        ground, travel = self.ground, self.classes[index]
        cost = travel.seats * self.seat_price
        cost += (travel.persons * ground.ride_comfort)[:, None]
        if travel.wheelchairs:
            cost += travel.wheelchairs * self.wheel_price
        cost += self._own_prices(index)
        cost[~allowed_rides(ground, travel)] = INFINITE
        return cost

    def _own_prices(self, index: int) -> Floats:
        """What only this class pays for its rides: strong prices and conflicts; shape (rides, days)."""
        ground, travel = self.ground, self.classes[index]
        trips, charters = ground.ride_kind == TRIP, ground.ride_kind == CHARTER
        result = np.zeros((ground.rides, ground.days))
        for number in self.conflicts_of.get(index, ()):
            if number in self.prices.conflict:
                result[trips] += self.prices.conflict[number][ground.ride_row[trips]]
        strong = self.prices.strong[index]
        if strong is None:
            return result
        units = len(strong) - len(ground.problem.charters)
        if travel.count == 1:
            result[trips] += strong[ground.ride_row[trips]]
        else:
            total = np.zeros((units + 1, ground.days))
            np.cumsum(strong[:units], axis=0, out=total[1:])
            result[trips] += total[ground.ride_high[trips]] - total[ground.ride_low[trips]]
        result[charters] += strong[units + ground.ride_row[charters]]
        return result

    def night_prices(self, travel: TravelClass) -> Floats:
        """Cents per unit for a night at each site; ``INFINITE`` where there are too few beds."""
        ground = self.ground
        night = travel.seats * (ground.problem.costs.bed_night_cents + self.prices.bed)
        night[ground.beds < travel.fit_seats] = INFINITE
        return night

    def _escort_sums(self, travel: TravelClass) -> Floats:
        """Escorts' price of all days before each day, per unit of the class; days + 1 entries."""
        total = np.zeros(self.ground.days + 1)
        if travel.pool >= 0:
            np.cumsum(travel.escorts * self.prices.escort[travel.pool], out=total[1:])
        return total

    def arrival_prices(self, travel: TravelClass) -> Floats:
        """Cents per unit for arriving on each day: waiting, reception, escorts until then."""
        ground, costs = self.ground, self.ground.problem.costs
        days = np.arange(ground.days)
        price = travel.wait_cents * (days - travel.ready_day)
        price = price + travel.persons * self.prices.reception[travel.destination]
        if travel.escorts:
            end = days + ground.problem.escort_return_days + 1
            price += self._escort_sums(travel)[np.minimum(end, ground.days)]
            price += costs.escort_day_cents * travel.escorts * end
        price[travel.latest_day + 1 :] = INFINITE
        return np.asarray(price)

    def start_prices(self, travel: TravelClass) -> Floats:
        """Cents per unit of each of the class's starts: change, nights before it, less escorts before it."""
        ground, costs = self.ground, self.ground.problem.costs
        result = np.full(len(travel.starts), travel.change_cents)
        sums = self._escort_sums(travel) if travel.escorts else None
        for number, start in enumerate(travel.starts):
            for site, night in start.nights:
                result[number] += travel.seats * (costs.bed_night_cents + self.prices.bed[site, night])
                if night >= ground.now and ground.beds[site, night] < travel.fit_seats:
                    result[number] += INFINITE
            if sums is not None:
                first = start.day if travel.first_day is None else travel.first_day
                result[number] -= sums[first] + costs.escort_day_cents * travel.escorts * first
        return result

    def price_of(self, index: int, way: Way, ride_prices: Floats) -> float:
        """Price of an itinerary per unit: its plain cost and the capacities that it takes."""
        travel, prices = self.classes[index], self.prices
        plain = sum(
            travel.persons * self.ground.ride_comfort[r] + travel.seats * self.ground.ride_fare[r] for r, _ in way.path
        )
        total = way.cents - plain + sum(float(ride_prices[ride, day]) for ride, day in way.path)
        total += sum(travel.seats * float(prices.bed[site, night]) for site, night in way.nights)
        total += travel.persons * float(prices.reception[travel.destination, way.arrival_day])
        if travel.escorts:
            sums = self._escort_sums(travel)
            end = min(way.arrival_day + self.ground.problem.escort_return_days + 1, self.ground.days)
            total += float(sums[end] - sums[way.first_day])
        return float(total)

    def sweep(self, index: int, *, exact: bool = False, only: Bools | None = None) -> Sweep:
        """One DP backwards in time for a class at the current prices.

        With ``only`` (rides, days) nothing else may be ridden, and seats on trips and charters are free.
        """
        travel = self.classes[index]
        cost = self.ride_prices(index)
        if only is not None:
            ground = self.ground
            own = ground.ride_kind != SERVICE
            cost[own] = (travel.persons * ground.ride_comfort[own])[:, None]
            cost[~(only & allowed_rides(ground, travel))] = INFINITE
        night = self.night_prices(travel)
        arrival = self.arrival_prices(travel)
        return Sweep(self, index, cost, night, arrival, exact=exact)

    def shared_sweep(self, index: int) -> Sweep:
        """One exact DP for all classes of merged persons that may take the same rides to one destination.

        Waiting and latest days are left out of it: ``Sweep.options_for`` adds those of each class. Holds for
        classes with equal ``commodity`` that have no prices of their own.
        """
        travel = self.classes[index]
        arrival = self.prices.reception[travel.destination].copy()
        return Sweep(self, index, self.ride_prices(index), self.night_prices(travel), arrival, exact=True)

    def commodity(self, index: int) -> tuple[object, ...]:
        """What a class shares a DP by; classes that must have their own are alone in theirs."""
        travel = self.classes[index]
        if not travel.is_merged or travel.must_travel or self.prices.strong[index] is not None:
            return ("own", index)
        return (travel.destination, travel.barred, travel.vulnerable, travel.fit_seats)

    def bound_of_class(self, index: int, best_path_cents: float) -> float:
        """Least price of one unit of a class over all that it may do."""
        travel = self.classes[index]
        options = []
        if not (travel.is_locked and (travel.kept or travel.was_planned)):
            options.append(self.unplanned_cents(travel))
        kept = self.kept[index]
        if kept is not None:
            options.append(self.price_of(index, kept, self.kept_prices(index)))
        if not travel.is_locked:
            options.append(best_path_cents)
        return min(options, default=FORBIDDEN_CENTS)

    def kept_prices(self, index: int) -> Floats:
        """Ride prices of a class without its own prohibitions (its old itinerary was checked on its own)."""
        ground, travel = self.ground, self.classes[index]
        cost = travel.seats * self.seat_price + (travel.persons * ground.ride_comfort)[:, None]
        if travel.wheelchairs:
            cost += travel.wheelchairs * self.wheel_price
        cost += self._own_prices(index)
        return np.asarray(cost)

    # ---- vehicles and charters ----

    def places_per_vehicle(self, travel: TravelClass) -> Ints:
        """Per vehicle type: units of a class that fit into one vehicle; at most the class's count."""
        ground = self.ground
        fits = (ground.type_seats >= travel.fit_seats) & (ground.type_wheelchairs >= travel.wheelchairs)
        units = np.minimum(travel.count, ground.type_seats // max(1, travel.seats))
        if travel.wheelchairs:
            units = np.minimum(units, ground.type_wheelchairs // travel.wheelchairs)
        result: Ints = np.where(fits, units, 0)
        return result

    def places_per_aircraft(self, travel: TravelClass) -> Floats:
        """Per charter: units of a class that fit into one aircraft; at most the class's count."""
        seats = self.ground.charter_seats
        result: Floats = np.where(seats >= travel.fit_seats, np.minimum(travel.count, seats // max(1, travel.seats)), 0)
        return result

    def revenues(self) -> tuple[Floats, Floats]:
        """What the prices pay for a move (types, trips, days) and for an aircraft (charters, days)."""
        ground, prices = self.ground, self.prices
        types, trips, days = len(ground.type_seats), len(ground.trip_from), ground.days
        first, last = ground.segment_first[:-1], ground.segment_first[1:]

        def per_trip(by_segment: Floats) -> Floats:
            total = np.zeros((ground.segments + 1, days))
            np.cumsum(by_segment, axis=0, out=total[1:])
            result: Floats = total[last] - total[first]
            return result

        move = np.zeros((types, trips, days))
        seat, wheel = per_trip(prices.seat), per_trip(prices.wheelchair)
        for kind in range(types):
            move[kind] = ground.type_seats[kind] * seat + ground.type_wheelchairs[kind] * wheel
        aircraft = ground.charter_seats[:, None] * prices.charter_seat
        aircraft = aircraft - ground.charter_least[:, None] * prices.charter_least
        charters = len(ground.charter_seats)
        for price in prices.conflict.values():
            move += price
        for index, strong in enumerate(prices.strong):
            if strong is None:
                continue
            travel = self.classes[index]
            units = len(strong) - charters
            mine = strong[:units] if travel.count == 1 else per_trip(strong[:units])
            for kind, places in enumerate(self.places_per_vehicle(travel)):
                if places:
                    move[kind] += places * mine
            aircraft += self.places_per_aircraft(travel)[:, None] * strong[units:]
        return move, aircraft

    def fleet(self, move_revenue: Floats) -> FleetPrices:
        """Shortest paths of all vehicles when every move pays its revenue."""
        ground = self.ground
        types, sites, days = len(ground.type_seats), len(ground.site_of), ground.days
        cost = ground.move_cents[:, :, None] - move_revenue
        cost[:, ~ground.trip_runs] = INFINITE
        ahead = np.full((types, sites, days + 1), INFINITE)
        reach = np.full((types, sites, days + 1), INFINITE)
        ahead[:, :, days] = ground.end_cents
        for day in range(days - 1, ground.now - 1, -1):
            for kind in range(types):
                stay = ahead[kind, :, day + 1] + ground.stay_cents
                arcs = cost[kind, :, day] + ahead[kind, ground.trip_to, day + 1]
                np.minimum.at(stay, ground.trip_from, arcs)
                ahead[kind, :, day] = stay
        value = 0.0
        begin = ground.now
        for (depot, kind), number in ground.fleet_own.items():
            site = ground.site_of[depot]
            best = float(ahead[kind, site, begin])
            if number:
                value += number * min(0.0, best)
                reach[kind, site, begin] = min(reach[kind, site, begin], max(0.0, best))
        for (depot, kind), number in ground.fleet_hire.items():
            site = ground.site_of[depot]
            best = float(ahead[kind, site, begin]) + ground.problem.vehicle_types[kind].hire_cents
            if number:
                value += number * min(0.0, best)
                reach[kind, site, begin] = min(reach[kind, site, begin], max(0.0, best))
        for _, kind, _, _, site in ground.standing:
            value += float(ahead[kind, site, begin])
            reach[kind, site, begin] = 0.0
        slack = np.full(cost.shape, INFINITE)
        for day in range(begin, days):
            for kind in range(types):
                here = ahead[kind, :, day]
                reduced = cost[kind, :, day] + ahead[kind, ground.trip_to, day + 1] - here[ground.trip_from]
                reduced[cost[kind, :, day] >= INFINITE / 2] = INFINITE
                slack[kind, :, day] = np.maximum(reduced, 0.0)
                stay = reach[kind, :, day] + ahead[kind, :, day + 1] + ground.stay_cents - here
                np.minimum.at(stay, ground.trip_to, reach[kind, ground.trip_from, day] + reduced)
                reach[kind, :, day + 1] = stay
        return FleetPrices(ahead=ahead, reach=reach, slack=slack, value_cents=value)

    def charter_slack(self, aircraft_revenue: Floats) -> Floats:
        """Fixed cost of an aircraft less what the prices pay for it; may be negative."""
        ground = self.ground
        result: Floats = ground.charter_cents[:, None] - aircraft_revenue
        runs = ground.ride_runs[ground.ride_kind == CHARTER]
        result[~runs] = INFINITE
        return result

    def capacity_cents(self) -> float:
        """What all priced capacities would earn if they were full."""
        ground, prices = self.ground, self.prices
        total = float((prices.quota * ground.quota).sum() + (prices.bed * ground.beds).sum())
        total += float((prices.service * ground.service_seats[:, None]).sum())
        total += float((prices.escort * ground.escorts).sum())
        limited = np.isfinite(ground.reception)
        total += float((prices.reception[limited] * ground.reception[limited]).sum())
        return total

    def bound_cents(self, class_cents: Sequence[float], fleet: FleetPrices, charter_slack: Floats) -> float:
        """The bound at the current prices, from the least price of one unit of every class."""
        total = self.ground.constant_cents + fleet.value_cents - self.capacity_cents()
        total += sum(t.count * cents for t, cents in zip(self.classes, class_cents, strict=True))
        flying = np.minimum(charter_slack, 0.0) * self.ground.charter_most[:, None]
        return total + float(flying.sum())


def whole_bound(bound_cents: float) -> int:
    """A proven bound in whole cents: values are whole, so it may be rounded up, less a rounding allowance.

    A program that ended before it had any bound says minus infinity; that bounds nothing.
    """
    if not math.isfinite(bound_cents):
        return -(10**18)
    return math.ceil(bound_cents - 0.02 - 1e-9 * abs(bound_cents))


class Sweep:
    """Least prices from every state to the class's destination, and its cheapest itineraries.

    ``value[day, node, k]`` is the least price per unit from a state until arrival within ``k`` days (on exactly
    day ``day + k`` if ``exact``).
    """

    def __init__(
        self, pricing: Pricing, index: int, cost: Floats, night: Floats, arrival: Floats, *, exact: bool
    ) -> None:
        self.pricing, self.index = pricing, index
        self.cost, self.night, self.arrival, self.exact = cost, night, arrival, exact
        ground, travel = pricing.ground, pricing.classes[index]
        self.value: Floats = np.empty((ground.days + 1, ground.nodes, pricing.layers))
        self.choice = np.empty((ground.days + 1, ground.nodes, pricing.layers), dtype=np.int32)
        backward(
            self.value, self.choice, cost, night, arrival, travel.destination, exact, ground.now,
            *static_of(ground),
        )  # fmt: skip
        self.start_cents = pricing.start_prices(travel)

    def best(self) -> float:
        """Least price of an itinerary per unit; at least ``INFINITE`` if there is none."""
        return min((cents for cents, _, _ in self.options()), default=INFINITE)

    def options(self) -> list[tuple[float, int, int]]:
        """(price, number of the start, journey days left) of the cheapest way from every start."""
        travel = self.pricing.classes[self.index]
        result = []
        for number, start in enumerate(travel.starts):
            most = travel.journey_days - start.elapsed
            if most < 0:
                continue
            row = self.value[start.day, start.node, : most + 1]
            layer = int(np.argmin(row))
            result.append((float(row[layer] + self.start_cents[number]), number, layer))
        return result

    def options_for(self, travel: TravelClass, most: int) -> list[tuple[float, int, int]]:
        """The ``most`` cheapest of an exact sweep for a class that shares it: as ``options``, cheapest first."""
        if not travel.starts:
            return []
        first, last = travel.starts[0].day, travel.starts[-1].day
        table = self.value[first : last + 1, travel.starts[0].node, : travel.journey_days + 1]
        arrival = np.arange(first, last + 1)[:, None] + np.arange(table.shape[1])[None, :]
        cents = table + travel.wait_cents * (arrival - travel.ready_day) + travel.change_cents
        cents = np.where(arrival <= travel.latest_day, cents, INFINITE)
        layers = np.argmin(cents, axis=1)
        best = cents[np.arange(len(layers)), layers]
        chosen = np.argsort(best, kind="stable")[:most]
        return [(float(best[n]), int(n), int(layers[n])) for n in chosen]

    def path(self, number: int, layer: int, travel: TravelClass | None = None) -> Path:
        """The itinerary behind an option (of another class if given); empty if there is none."""
        ground = self.pricing.ground
        travel = travel or self.pricing.classes[self.index]
        start = travel.starts[number]
        steps = read(
            self.choice, start.day, start.node, layer, travel.destination, ground.ride_to, ground.ride_head,
            ground.ride_offset, ground.ride_wrap, ground.node_step, ground.node_link, ground.node_site,
            ground.site_morning,
        )  # fmt: skip
        return tuple((int(ride), int(day)) for ride, day in steps)

    def reach(self) -> Floats:
        """Least price from the start to every state, by elapsed journey days; (days + 1, nodes, layers)."""
        ground, travel = self.pricing.ground, self.pricing.classes[self.index]
        shape = (ground.days + 1, ground.nodes, self.pricing.layers)
        reach = np.full(shape, INFINITE)
        for start, cents in zip(travel.starts, self.start_cents, strict=True):
            if start.elapsed < self.pricing.layers:
                cell = reach[start.day, start.node]
                cell[start.elapsed] = min(cell[start.elapsed], cents)
        forward(
            reach, self.cost, self.night, travel.destination, travel.journey_days, 0, ground.days, *static_of(ground)
        )
        return reach

    def through(self, reach: Floats) -> Floats:
        """Least price of an itinerary through each (ride, day)."""
        ground, travel = self.pricing.ground, self.pricing.classes[self.index]
        result = np.full(self.cost.shape, INFINITE)
        through(
            result, reach, self.value, self.cost, self.night, self.arrival, travel.destination,
            travel.journey_days, ground.now, ground.ride_tail, ground.ride_head, ground.ride_offset,
            ground.ride_wrap, ground.ride_to,
        )  # fmt: skip
        return result


def static_of(ground: Ground) -> tuple[Ints | Bools, ...]:
    return (
        ground.node_order, ground.node_site, ground.node_step, ground.node_link, ground.node_is_end,
        ground.site_morning, ground.out_first, ground.out_ride, ground.ride_head, ground.ride_offset,
        ground.ride_wrap, ground.ride_to,
    )  # fmt: skip
