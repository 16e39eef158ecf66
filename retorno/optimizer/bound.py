"""The tight bound: the strong arc model as a linear program, prices outside it raised by dual ascent.

docs/optimizer.md tells in words and formulas why the result is below every plan.
"""

from __future__ import annotations

import copy
import random
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from retorno.optimizer.arcsolve import ArcModel, Basis
from retorno.optimizer.ground import INFINITE, TRIP, Floats
from retorno.optimizer.model import Arc, Move
from retorno.optimizer.pricing import FleetPrices, Prices, Pricing, whole_bound

RISE_TIMES, LAST_TIMES = 1.5, 2.5
"""A rise of dual ascent, and the last one, take this many times as long as pricing everybody once (measured)."""

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
) -> DualPoint | None:
    """Evaluate prices; with ``targets`` first raise each class's strong prices towards its target (dual ascent).

    Changes ``prices``. The classes take turns in random order; each may use what is left of the slack of moves
    and aircraft. None if stopped midway; ``through`` is empty without ``with_through``.
    """
    begun = time.monotonic()
    pricing.set_prices(prices)
    if targets is not None:
        move, aircraft = pricing.revenues()
        slack = pricing.fleet(move).slack.copy()
        slack[slack > INFINITE / 2] = 0.0
        aircraft_slack = np.clip(pricing.charter_slack(aircraft), 0.0, 1e12)
        order = list(range(len(pricing.classes)))
        random.Random(seed).shuffle(order)
        for index in order:
            if should_stop():
                return None
            _raise(pricing, prices, index, targets[index], slack, aircraft_slack)
    class_cents: list[float] = []
    through: list[Floats] = []
    for index, travel in enumerate(pricing.classes):
        if should_stop():
            return None
        best = INFINITE
        if travel.is_locked:
            through.append(np.full((pricing.ground.rides, pricing.ground.days), INFINITE))
        else:
            sweep = pricing.sweep(index)
            best = sweep.best()
            if with_through:
                through.append(sweep.through(sweep.reach()))
        class_cents.append(pricing.bound_of_class(index, best))
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


def sharpen(
    pricing: Pricing,
    prices: Prices,
    *,
    rises: Sequence[float],
    seed: int,
    seconds: float = INFINITE,
    should_stop: Callable[[], bool] = lambda: False,
) -> DualPoint | None:
    """Turn seat prices into strong prices by dual ascent alone; the better of the point before and after.

    Changes ``prices``. Good where vehicles run far from full, and far cheaper than a linear program. The
    targets are each class's price at the beginning times 1 + rise, for one rise after another; only the last
    proves something, so of the first as many are left out as ``seconds`` has no room for. None if stopped.
    """
    end = time.monotonic() + seconds
    before = dual_point(pricing, prices, None, seed=seed, should_stop=should_stop)
    if before is None:
        return None
    room = (end - time.monotonic()) / (RISE_TIMES * max(before.seconds, 1e-9)) - (LAST_TIMES / RISE_TIMES - 1)
    rises = rises[max(0, len(rises) - int(min(room, len(rises)))) :] if room >= 1 else ()
    after = copy.deepcopy(prices)
    for name in ("seat", "wheelchair", "charter_seat", "charter_least"):
        getattr(after, name)[:] = 0.0
    best = before
    for step, rise in enumerate(rises):
        last = step == len(rises) - 1
        targets = [cents * (1 + rise) for cents in before.class_cents]
        point = dual_point(pricing, after, targets, seed=seed + step, should_stop=should_stop, with_through=last)
        if point is None:
            return best
        if last and point.bound_cents > best.bound_cents:
            best = point
    return best


def _raise(pricing: Pricing, prices: Prices, index: int, target: float, slack: Floats, aircraft_slack: Floats) -> None:
    travel = pricing.classes[index]
    if travel.is_locked or target < -INFINITE / 2:
        return
    sweep = pricing.sweep(index)
    if sweep.best() < target - BEATS_CENTS:
        sweep.ascend(sweep.reach(), target, prices.strong_of(index, travel), slack, aircraft_slack)


def cheapest_arcs(through: Floats, most: int, within: float) -> list[Arc]:
    """The (ride, day) pairs of least through price, at most ``most``, none above ``within``."""
    flat = through.ravel()
    count = min(most, flat.size)
    best = np.argpartition(flat, count - 1)[:count] if count else np.zeros(0, dtype=np.int64)
    best = best[flat[best] <= min(within, INFINITE / 10)]
    days = through.shape[1]
    return [(int(position // days), int(position % days)) for position in np.sort(best)]


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
    """Rounds of: solve the arc LP, raise prices outside it, add the arcs that still beat their class's price."""

    def __init__(self, pricing: Pricing, *, seed: int) -> None:
        self.pricing, self.seed = pricing, seed
        self.arcs: list[set[Arc]] = [set() for _ in pricing.classes]
        self.moves: set[Move] = set()
        self.best: DualPoint | None = None
        self.model: ArcModel | None = None
        self.rounds = 0
        self.is_closed = False
        self._basis: Basis | None = None
        self._point_seconds = 0.0

    def add(self, arcs: Sequence[Iterable[Arc]], moves: Iterable[Move]) -> None:
        """Take arcs and moves into the LP; changes this object."""
        for own, more in zip(self.arcs, arcs, strict=True):
            own.update(more)
        self.moves.update(moves)

    def start(self, point: DualPoint, *, per_class: int) -> None:
        """Begin with the cheapest arcs of every class at a known point; changes this object."""
        self._keep(point)
        self._point_seconds = point.seconds
        arcs = [cheapest_arcs(through, per_class, INFINITE / 10) for through in point.through]
        self.add(arcs, moves_for(self.pricing, arcs, point, within=1.0))

    def _keep(self, point: DualPoint) -> None:
        if self.best is None or point.bound_cents > self.best.bound_cents:
            self.best = point

    def run(
        self,
        *,
        seconds: float,
        per_round: int = 100,
        gap: float = 1e-6,
        should_stop: Callable[[], bool] = lambda: False,
        on_bound: Callable[[int], None] = lambda bound_cents: None,
    ) -> DualPoint | None:
        """Rounds until nothing beats the LP's prices, the gap to the LP is small, or time is up; the best point."""
        end = time.monotonic() + seconds
        # What the last round's model took to build, per arc, and its dual ascent: without them a solve says nothing.
        per_arc = 0.0
        while not should_stop():
            begun, arcs_now = time.monotonic(), sum(map(len, self.arcs)) + 1
            if begun + per_arc * arcs_now + self._point_seconds > end:
                break
            self.model = ArcModel(self.pricing, self.arcs, self.moves)
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
            assert self.best is not None
            on_bound(whole_bound(self.best.bound_cents))
            if self.model.objective - self.best.bound_cents <= gap * abs(self.model.objective):
                self.is_closed = True
                break
            arcs = [
                [a for a in cheapest_arcs(through, per_round, target - BEATS_CENTS) if a not in own]
                for through, target, own in zip(point.through, targets, self.arcs, strict=True)
            ]
            moves = moves_for(self.pricing, arcs, point, within=1.0) - self.moves
            if not any(arcs) and not moves:
                self.is_closed = True
                break
            self.add(arcs, moves)
            if time.monotonic() > end:
                break
        return self.best


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

    With ``among`` only those that the bound's LP knows.
    """
    extra = move_extra(pricing, point)
    allowed = extra <= gap_cents
    arcs: list[list[Arc]] = []
    for index, rise in enumerate(_rises(pricing, point, extra)):
        rides, days = np.nonzero(rise <= gap_cents)
        own = list(zip(map(int, rides), map(int, days), strict=True))
        arcs.append([arc for arc in own if arc in among.arcs[index]] if among else own)
    kinds, rows, days = np.nonzero(allowed)
    moves = list(zip(map(int, kinds), map(int, rows), map(int, days), strict=True))
    if among:
        moves = [move for move in moves if move in among.moves]
    return arcs, moves


def cheapest_moves(slack: Floats, most: int) -> set[Move]:
    """The ``most`` moves of least reduced cost, none that is impossible."""
    flat = slack.ravel()
    count = min(most, flat.size)
    best = np.argpartition(flat, count - 1)[:count] if count else np.zeros(0, dtype=np.int64)
    kinds, trips, days = np.unravel_index(best[flat[best] < INFINITE / 10], slack.shape)
    return set(zip(map(int, kinds), map(int, trips), map(int, days), strict=True))
