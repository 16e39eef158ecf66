"""The tight bound: prices of the strong arc model over chosen rides, prices outside them raised by dual ascent.

docs/optimizer.md tells in words and formulas why the result is below every plan.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from retorno.optimizer.arcsolve import ArcModel, Basis
from retorno.optimizer.classes import allowed_rides
from retorno.optimizer.ground import INFINITE, TRIP, Floats, Ints
from retorno.optimizer.kernels import settle
from retorno.optimizer.model import Arc, Move
from retorno.optimizer.network import ChosenNetwork, positions_of
from retorno.optimizer.pricing import FleetPrices, Prices, Pricing, static_of, whole_bound
from retorno.optimizer.volume import Volume

FIRST_STEPS, MORE_STEPS, MOST_STEPS = 100, 1.25, 1000
"""Steps of the volume algorithm in the first round, how they grow, and at most (our assumption, from measurements)."""
PER_ROUND = 150
"""Arcs of a class that a round adds at most."""
SLOW_ROUNDS, LEAST_GAIN = 4, 0.01
"""The volume algorithm ends after so many rounds that each closed less than this share of the gap."""
EXACT_BELOW_CENTS = 50_000.0
"""Through prices are exact up to so much above a class's least price."""

BEATS_CENTS = 1e-3
"""An itinerary beats its class's price only by more than this."""


@dataclass(frozen=True, kw_only=True, slots=True)
class DualPoint:
    """Prices, the bound that they prove, and what each class, vehicle and aircraft pays at them.

    Parameters
    ----------
    bound_cents
        No plan costs less (before rounding to whole cents).
    class_cents
        Per class: least price of one unit.
    through
        Per class: least price of an itinerary through each (ride, day).
    seconds
        How long it took to find.
    """

    prices: Prices
    bound_cents: float
    class_cents: list[float]
    through: list[Floats]
    fleet: FleetPrices
    aircraft_slack: Floats
    seconds: float


def dual_point(
    pricing: Pricing,
    prices: Prices,
    targets: Sequence[float] | None,
    *,
    seed: int,
    should_stop: Callable[[], bool] = lambda: False,
    with_through: bool = True,
    exact_below: float = INFINITE,
) -> DualPoint | None:
    """Evaluate prices; with ``targets`` first raise each class's strong prices towards its target (dual ascent).

    Changes ``prices``. The classes take turns in random order; each may use what is left of the slack of moves
    and aircraft. None if stopped midway; ``through`` is empty without ``with_through``, and may say too little
    where it is more than ``exact_below`` above its class's least price.
    """
    begun = time.monotonic()
    pricing.set_prices(prices)
    count = len(pricing.classes)
    slack, free_aircraft = np.zeros((len(pricing.ground.type_seats), 1, 1)), np.zeros_like(prices.charter_seat)
    if targets is not None:
        move, aircraft = pricing.revenues()
        slack = pricing.fleet(move).slack.copy()
        slack[slack > INFINITE / 2] = 0.0
        free_aircraft = np.clip(pricing.charter_slack(aircraft), 0.0, 1e12)
    order = list(range(count))
    random.Random(seed).shuffle(order)
    settler = _Settler(pricing, prices)
    class_cents = [INFINITE] * count
    through = [np.zeros((0, 0))] * count
    for index in order:
        if should_stop():
            return None
        if with_through:
            through[index] = np.full((pricing.ground.rides, pricing.ground.days), INFINITE)
        target = targets[index] if targets is not None else -INFINITE
        best = settler.settle(index, target, slack, free_aircraft, through[index], exact_below)
        class_cents[index] = pricing.bound_of_class(index, best)
    move, aircraft = pricing.revenues()
    fleet, aircraft_slack = pricing.fleet(move), pricing.charter_slack(aircraft)
    bound = pricing.bound_cents(class_cents, fleet, aircraft_slack)
    return DualPoint(
        prices=prices,
        bound_cents=bound,
        class_cents=class_cents,
        through=through if with_through else [],
        fleet=fleet,
        aircraft_slack=aircraft_slack,
        seconds=time.monotonic() - begun,
    )


class _Settler:
    """The compiled step of ``dual_point`` for one class after another, with its scratch arrays."""

    def __init__(self, pricing: Pricing, prices: Prices) -> None:
        self.pricing, self.prices = pricing, prices
        ground = pricing.ground
        self.cost = np.full((ground.rides, ground.days), INFINITE)
        self.nearest = np.full((ground.days + 1, ground.nodes), INFINITE)
        self.scratch: dict[int, tuple[Floats, Floats]] = {}

    def settle(
        self, index: int, target: float, slack: Floats, aircraft_slack: Floats, result: Floats, exact_below: float
    ) -> float:
        """Least price of a unit over all itineraries; changes the class's strong prices, the slacks, ``result``."""
        pricing, ground = self.pricing, self.pricing.ground
        travel = pricing.classes[index]
        if travel.is_locked or not travel.starts:
            return INFINITE
        layers = travel.journey_days + 1
        if layers not in self.scratch:
            shape = (ground.days + 1, ground.nodes, layers)
            self.scratch[layers] = (np.full(shape, INFINITE), np.full(shape, INFINITE))
        value, reach = self.scratch[layers]
        conflict = np.zeros((0, 0))
        trips = ground.ride_kind == TRIP
        for number in pricing.conflicts_of.get(index, ()):
            if number in self.prices.conflict:
                conflict = conflict if conflict.size else np.zeros(self.cost.shape)
                conflict[trips] += self.prices.conflict[number][ground.ride_row[trips]]
        return float(
            settle(
                result, value, reach, self.nearest, self.cost, self.prices.strong_of(index, travel), slack,
                aircraft_slack, pricing.seat_price, pricing.wheel_price, conflict, ground.ride_comfort,
                allowed_rides(ground, travel), float(travel.seats), float(travel.wheelchairs), float(travel.persons),
                pricing.night_prices(travel), pricing.arrival_prices(travel), travel.destination,
                travel.journey_days, travel.starts[0].day, min(travel.latest_day + 1, ground.days),
                np.array([start.day for start in travel.starts]), np.array([start.node for start in travel.starts]),
                np.array([start.elapsed for start in travel.starts]), pricing.start_prices(travel),
                target, exact_below, travel.count == 1, pricing.places_per_vehicle(travel),
                pricing.places_per_aircraft(travel), ground.ride_kind, ground.ride_row, ground.ride_low,
                ground.ride_high, ground.trip_ride, ground.ride_tail, *static_of(ground),
            )
        )  # fmt: skip


def cheapest_positions(through: Floats, most: int, within: float) -> Ints:
    """Positions ride x days + day of least through price, at most ``most``, none above ``within``; sorted."""
    flat = through.ravel()
    found = np.flatnonzero(flat <= min(within, INFINITE / 10))
    if len(found) > most:
        found = np.sort(found[np.argpartition(flat[found], most)[:most]])
    result: Ints = found.astype(np.int64)
    return result


def cheapest_arcs(through: Floats, most: int, within: float) -> list[Arc]:
    """The (ride, day) pairs of least through price, at most ``most``, none above ``within``."""
    return arcs_of(cheapest_positions(through, most, within), through.shape[1])


def arcs_of(positions: Ints, days: int) -> list[Arc]:
    """(ride, day) pairs of positions ride x days + day."""
    return list(zip((positions // days).tolist(), (positions % days).tolist(), strict=True))


def moves_for(pricing: Pricing, arcs: Sequence[Iterable[Arc]], point: DualPoint, *, within: float) -> set[Move]:
    """All types that fit on the trips of the arcs, and every move whose extra cost is at most ``within``."""
    ground = pricing.ground
    found: set[Move] = set()
    for index, own in enumerate(arcs):
        places = pricing.places_per_vehicle(pricing.classes[index])
        fitting = [kind for kind, n in enumerate(places) if n]
        for ride, day in own:
            if ground.ride_kind[ride] == TRIP:
                found.update((kind, int(ground.ride_row[ride]), day) for kind in fitting)
    extra = move_extra(pricing, point)
    kinds, trips, days = np.nonzero(extra <= within)
    found.update(zip(map(int, kinds), map(int, trips), map(int, days), strict=True))
    return found


def move_extra(pricing: Pricing, point: DualPoint) -> Floats:
    """Least rise of the bound if a vehicle makes a move; (types, trips, days)."""
    ground, fleet = pricing.ground, point.fleet
    result: Floats = fleet.slack + fleet.reach[:, ground.trip_from, :-1]
    return result


class ArcBound:
    """Better and better prices over chosen rides of every class, and the bound that they prove over all rides.

    ``rise`` finds prices by the volume algorithm, ``run`` by linear programs; after each the prices outside the
    choice are raised by dual ascent, and what still beats its class's price is chosen too. ``arcs`` are positions
    ride x days + day per class; ``moves`` are what a program over them needs.
    """

    def __init__(self, pricing: Pricing, *, seed: int) -> None:
        self.pricing, self.seed = pricing, seed
        self.arcs: list[Ints] = [np.zeros(0, dtype=np.int64) for _ in pricing.classes]
        self.moves: set[Move] = set()
        self.best: DualPoint | None = None
        self.model: ArcModel | None = None
        self.rounds = 0
        self.is_closed = False
        self._basis: Basis | None = None
        self._point_seconds = 0.0

    def add(self, arcs: Sequence[Iterable[Arc]], moves: Iterable[Move]) -> None:
        """Choose arcs and moves too; changes this object."""
        self._choose([positions_of(own, self.pricing.ground.days) for own in arcs], moves)

    def _choose(self, positions: Sequence[Ints], moves: Iterable[Move]) -> None:
        self.arcs = [np.union1d(own, more) for own, more in zip(self.arcs, positions, strict=True)]
        self.moves.update(moves)

    def start(self, point: DualPoint, *, per_class: int) -> None:
        """Begin with the cheapest arcs of every class at a known point; changes this object."""
        self._keep(point)
        self._point_seconds = point.seconds
        self._choose([cheapest_positions(through, per_class, INFINITE / 10) for through in point.through], ())

    def _keep(self, point: DualPoint) -> None:
        if self.best is None or point.bound_cents > self.best.bound_cents:
            self.best = point

    def rise(
        self,
        *,
        aim_cents: float,
        seconds: float,
        should_stop: Callable[[], bool] = lambda: False,
        on_bound: Callable[[int], None] = lambda bound_cents: None,
        most_rounds: int | None = None,
    ) -> DualPoint | None:
        """Rounds of the volume algorithm until they gain little or time is up; the best point. Needs ``start``.

        Parameters
        ----------
        aim_cents
            What the bound is not thought to exceed: the value of a plan.
        """
        assert self.best is not None
        end = time.monotonic() + seconds
        prices, last, slow = self.best.prices, self.best.bound_cents, 0
        done = 0

        def is_over() -> bool:
            return time.monotonic() > end or should_stop()

        while not is_over() and slow < SLOW_ROUNDS and (most_rounds is None or done < most_rounds):
            done += 1
            chosen = ChosenNetwork(self.pricing, self.arcs)
            volume = Volume(chosen, chosen.multipliers(prices))
            most = min(MOST_STEPS, int(FIRST_STEPS * MORE_STEPS ** (done - 1)))
            left = end - time.monotonic() - self._point_seconds
            volume.run(most=most, aim_cents=aim_cents, seconds=left, should_stop=should_stop)
            targets = volume.class_cents().tolist()
            prices = chosen.prices(volume.centre)
            self.rounds += 1
            point = dual_point(
                self.pricing, prices, targets, seed=self.seed + self.rounds, should_stop=is_over,
                exact_below=EXACT_BELOW_CENTS,
            )  # fmt: skip
            if point is None:
                break
            self._keep(point)
            self._point_seconds = max(self._point_seconds, point.seconds)
            on_bound(whole_bound(self.best.bound_cents))
            fresh = self._beating(point, targets, per_round=PER_ROUND)
            self._choose(fresh, ())
            # Once nothing is missing, or rounds gain next to nothing, a linear program is better at the rest.
            gain = self.best.bound_cents - last
            slow = slow + 1 if gain < LEAST_GAIN * max(1.0, aim_cents - last) else 0
            last = self.best.bound_cents
            if last >= aim_cents - 1.0:
                break
        return self.best

    def _beating(self, point: DualPoint, targets: Sequence[float], *, per_round: int) -> list[Ints]:
        """Per class: the cheapest arcs outside the choice that beat its price."""
        found: list[Ints] = []
        for through, target, own in zip(point.through, targets, self.arcs, strict=True):
            near = np.setdiff1d(cheapest_positions(through, per_round + len(own), target - BEATS_CENTS), own)
            if len(near) > per_round:
                near = np.sort(near[np.argsort(through.ravel()[near], kind="stable")[:per_round]])
            found.append(near)
        return found

    def run(
        self,
        *,
        seconds: float,
        per_round: int = 100,
        gap: float = 1e-6,
        should_stop: Callable[[], bool] = lambda: False,
        on_bound: Callable[[int], None] = lambda bound_cents: None,
    ) -> DualPoint | None:
        """Linear programs until nothing beats their prices, the gap to them is small, or time is up; the best point."""
        assert self.best is not None
        end = time.monotonic() + seconds
        days = self.pricing.ground.days
        self.moves |= self._moves_at(self.arcs, self.best)
        # What the last round's model took to build, per arc, and its dual ascent: without them a solve says nothing.
        per_arc = 0.0
        while not should_stop():
            begun, arcs_now = time.monotonic(), sum(map(len, self.arcs)) + 1
            if begun + per_arc * arcs_now + self._point_seconds > end:
                break
            self.model = ArcModel(self.pricing, [arcs_of(own, days) for own in self.arcs], self.moves)
            per_arc = max(per_arc, (time.monotonic() - begun) / arcs_now)
            left = end - time.monotonic() - self._point_seconds
            if left <= 0:
                break
            basis = self.model.solve_relaxed(seconds=left, basis=self._basis, seed=self.seed)
            if basis is None:
                break
            self._basis = basis
            self.rounds += 1
            targets = self.model.targets()
            point = dual_point(
                self.pricing,
                self.model.read_prices(),
                targets,
                seed=self.seed + self.rounds,
                should_stop=lambda: time.monotonic() > end or should_stop(),
            )
            if point is None:
                break
            self._keep(point)
            self._point_seconds = max(self._point_seconds, point.seconds)
            on_bound(whole_bound(self.best.bound_cents))
            if self.model.objective - self.best.bound_cents <= gap * abs(self.model.objective):
                self.is_closed = True
                break
            fresh = self._beating(point, targets, per_round=per_round)
            moves = self._moves_at(fresh, point) - self.moves
            if not any(map(len, fresh)) and not moves:
                self.is_closed = True
                break
            self._choose(fresh, moves)
            if time.monotonic() > end:
                break
        return self.best

    def _moves_at(self, positions: Sequence[Ints], point: DualPoint) -> set[Move]:
        days = self.pricing.ground.days
        return moves_for(self.pricing, [arcs_of(own, days) for own in positions], point, within=1.0)


def _rises(pricing: Pricing, point: DualPoint, extra: Floats) -> Iterator[Floats]:
    """Per class: how much the bound rises if a unit takes a ride on a day, with the vehicle that this needs."""
    ground = pricing.ground
    trips = np.flatnonzero(ground.ride_kind == TRIP)
    for index, travel in enumerate(pricing.classes):
        rise = point.through[index] - point.class_cents[index]
        places = pricing.places_per_vehicle(travel)
        fitting = [kind for kind, n in enumerate(places) if n]
        vehicle = extra[fitting].min(axis=0) if fitting else np.full(extra.shape[1:], INFINITE)
        rise[trips] += vehicle[ground.ride_row[trips]]
        yield rise


def count_within_gap(pricing: Pricing, point: DualPoint, gap_cents: float) -> int:
    """How many arcs ``within_gap`` would give."""
    extra = move_extra(pricing, point)
    return sum(int(np.count_nonzero(rise <= gap_cents)) for rise in _rises(pricing, point, extra))


def within_gap(
    pricing: Pricing, point: DualPoint, gap_cents: float, *, among: ArcBound | None = None
) -> tuple[list[list[Arc]], list[Move]]:
    """Arcs and moves whose use raises the bound by at most ``gap_cents``; all others are in no better plan.

    With ``among`` only the arcs that it has chosen, and the moves that those need or that cost next to nothing.
    """
    extra = move_extra(pricing, point)
    days = pricing.ground.days
    arcs: list[list[Arc]] = []
    for index, rise in enumerate(_rises(pricing, point, extra)):
        positions = np.flatnonzero(rise.ravel() <= gap_cents)
        if among:
            positions = np.intersect1d(positions, among.arcs[index], assume_unique=True)
        arcs.append(arcs_of(positions, days))
    kinds, rows, on = np.nonzero(extra <= gap_cents)
    moves = list(zip(kinds.tolist(), rows.tolist(), on.tolist(), strict=True))
    if among:
        known = among.moves | moves_for(pricing, arcs, point, within=1.0)
        moves = [move for move in moves if move in known]
    return arcs, moves


def cheapest_moves(slack: Floats, most: int) -> set[Move]:
    """The ``most`` moves of least reduced cost, none that is impossible."""
    flat = slack.ravel()
    count = min(most, flat.size)
    best = np.argpartition(flat, count - 1)[:count] if count else np.zeros(0, dtype=np.int64)
    kinds, trips, days = np.unravel_index(best[flat[best] < INFINITE / 10], slack.shape)
    return set(zip(map(int, kinds), map(int, trips), map(int, days), strict=True))
