"""What to free around a known plan, and the tight bound whose prices say which arcs to offer.

``improve_by_mip`` is for tens to thousands of groups: it frees a few related groups at a time, leaves all vehicle
moves free, and lets HiGHS find the best plan around what stands.
"""

from __future__ import annotations

import random
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence

import numpy as np

from retorno.errors import Inconsistent
from retorno.optimizer.arcsolve import ArcModel
from retorno.optimizer.assembly import assemble, moves_of_plan, ways_of_plan
from retorno.optimizer.bound import (
    EXACT_BELOW_CENTS,
    ArcBound,
    DualPoint,
    cheapest_arcs,
    cheapest_moves,
    dual_point,
    within_gap,
)
from retorno.optimizer.check import judge
from retorno.optimizer.classes import Path, TravelClass, classes_of
from retorno.optimizer.ground import CHARTER, INFINITE, SERVICE, TRIP, Ground
from retorno.optimizer.master import Master
from retorno.optimizer.model import Arc, Key, Move
from retorno.optimizer.pricing import Prices, Pricing, Way, whole_bound
from retorno.optimizer.problem import Plan, Problem
from retorno.optimizer.verdict import VERSION_2

NO_VALUE = 10**18
"""Value while there is no plan."""

FIRST_FREE, LEAST_FREE, MOST_FREE = 16, 6, 100
"""Groups freed at once: at first, at least, at most (our assumption, from measurements)."""
ARCS_BY_PRICE, ARCS_ON_PLAN = 160, 160
"""Arcs of a freed class: cheapest at the prices, and cheapest on vehicles and aircraft that run anyway."""
MOST_WHOLE_ARCS = 6000
"""Arcs with which the whole problem is still offered to HiGHS at once."""
EMPTY_MOVES = 1500
"""Moves of least reduced cost that are offered besides those of the plan and of the arcs."""
STEP_SHARE = 0.6
"""Share of the time left that one neighbourhood may take."""
NEIGHBOURHOOD_SECONDS = 12.0
"""Time limit of one neighbourhood."""


def improve_by_mip(
    problem: Problem,
    plan: Plan,
    prices: Prices | None = None,
    *,
    seconds: float,
    arc_bound: ArcBound | None = None,
    seed: int = 0,
    should_stop: Callable[[], bool] = lambda: False,
    on_plan: Callable[[Plan], None] = lambda plan: None,
    on_bound: Callable[[int], None] = lambda bound_cents: None,
) -> Plan:
    """A plan at least as good as the given one, by arc MIP neighbourhoods.

    Up to ``ARC_BOUND_GROUPS`` groups the tight bound comes first (half of the time at most) and its prices choose
    the arcs; above, the prices of column generation do.

    Parameters
    ----------
    plan
        A valid plan.
    prices
        As from ``Master.generate`` (capacities only are read); None: found here.
    arc_bound
        As from ``tight_bound``; None: found here.
    on_plan, on_bound
        Called with every better plan, with plans that break version 2 only, and with every better proven bound (cents).
    """
    end = time.monotonic() + seconds
    ground = Ground(problem)
    if len(problem.groups) <= ARC_BOUND_GROUPS:
        if arc_bound is None or arc_bound.best is None:
            arc_bound = tight_bound(
                ground, classes_of(ground, merge=False), plan, judge(problem, plan).value_cents, seconds=seconds / 2,
                seed=seed, should_stop=should_stop, on_bound=on_bound,
            )  # fmt: skip
        search = NeighbourhoodSearch(
            arc_bound.pricing, plan, arc_bound.best, None, seed=seed, should_stop=should_stop, on_plan=on_plan
        )
        search.on_arcs_of(arc_bound, seconds=min(seconds / 6, end - time.monotonic()))
    else:
        if prices is None:
            master = Master(ground, classes_of(ground, merge=True), seed=seed)
            prices = master.generate(seconds=seconds / 3, should_stop=should_stop, on_bound=on_bound, gap=1e-3).prices
        pricing = Pricing(ground, classes_of(ground, merge=False))
        search = NeighbourhoodSearch(pricing, plan, None, prices, seed=seed, should_stop=should_stop, on_plan=on_plan)
    while end - time.monotonic() > search.overrun + LEAST_SECONDS and not should_stop():
        search.step(end - time.monotonic())
    return search.plan


LEAST_SECONDS = 0.5
"""With less time left no neighbourhood is begun."""


def relaxation(ground: Ground, plan: Plan, *, seed: int = 0) -> Master:
    """The linear program over persons for any number of groups, with a plan's columns in it; not solved yet."""
    master = Master(ground, classes_of(ground, merge=True), seed=seed)
    ways = ways_of_plan(master.pricing, plan)
    master.add_ways([(index, way) for index, own in enumerate(ways) for way, _ in own])
    master.add_moves(list(moves_of_plan(ground, plan)))
    return master


ARC_BOUND_GROUPS = 300
"""Up to this many groups the tight bound is affordable (our assumption, from measurements)."""


def tight_bound(
    ground: Ground,
    classes: Sequence[TravelClass],
    plan: Plan | None,
    value_cents: int,
    *,
    seconds: float,
    seed: int = 0,
    should_stop: Callable[[], bool] = lambda: False,
    on_bound: Callable[[int], None] = lambda bound_cents: None,
) -> ArcBound:
    """Prices by the volume algorithm over the cheapest arcs and the plan's; nothing is known but the plan's value."""
    end = time.monotonic() + seconds
    pricing = Pricing(ground, classes)
    arc_bound = ArcBound(pricing, seed=seed)

    def is_over() -> bool:
        return time.monotonic() > end or should_stop()

    point = dual_point(
        pricing, Prices(ground, len(classes)), None, seed=seed, should_stop=is_over, exact_below=EXACT_BELOW_CENTS
    )
    if point is None:
        return arc_bound
    on_bound(whole_bound(point.bound_cents))
    arc_bound.start(point, per_class=FIRST_ARCS)
    if plan is not None:
        ways = ways_of_plan(pricing, plan)
        arc_bound.add([[arc for way, _ in own for arc in way.path] for own in ways], moves_of_plan(ground, plan))
    aim = float(value_cents)
    if value_cents >= NO_VALUE:
        # Without a plan: what it costs to leave everybody.
        aim = ground.constant_cents + sum(c.count * pricing.unplanned_cents(c) for c in classes)
    arc_bound.rise(aim_cents=aim, seconds=end - time.monotonic(), should_stop=should_stop, on_bound=on_bound)
    return arc_bound


FIRST_ARCS = 150
"""Arcs of a class with which the tight bound begins (our assumption, from measurements)."""


class NeighbourhoodSearch:
    """A plan and what is needed to improve it neighbourhood by neighbourhood."""

    def __init__(
        self,
        pricing: Pricing,
        plan: Plan,
        point: DualPoint | None,
        prices: Prices | None,
        *,
        seed: int,
        should_stop: Callable[[], bool],
        on_plan: Callable[[Plan], object],
    ) -> None:
        ground = pricing.ground
        self.pricing, self.ground, self.problem = pricing, ground, ground.problem
        self.plan, self.should_stop, self._tell_plan = plan, should_stop, on_plan
        verdict = judge(self.problem, plan)
        if not verdict.is_valid:
            raise Inconsistent(f"the plan to start from breaks {verdict.violations[0]}")
        self.value = verdict.value_cents
        self.chooser = random.Random(seed)
        self.seed = seed
        self.prices = Prices(ground, len(pricing.classes))
        if point is not None:
            self.prices = point.prices
        elif prices is not None:
            for name in SHARED_PRICES:
                setattr(self.prices, name, getattr(prices, name))
        pricing.set_prices(self.prices)
        slack = point.fleet.slack if point is not None else pricing.fleet(pricing.revenues()[0]).slack
        self.empty_moves = cheapest_moves(slack, EMPTY_MOVES)
        self.by_price: dict[int, list[Arc]] = {}
        if point is not None:
            for index, through in enumerate(point.through):
                self.by_price[index] = cheapest_arcs(through, ARCS_BY_PRICE, INFINITE / 10)
        self.used: list[set[Arc]] = [set() for _ in pricing.classes]
        self.free_count = FIRST_FREE
        self.rounds = 0
        self.overrun = 0.0
        self._read_plan()

    def take(self, plan: Plan, value_cents: int) -> None:
        """Go on from another valid plan; changes this object."""
        self.plan, self.value = plan, value_cents
        self._read_plan()

    def _read_plan(self) -> None:
        self.ways = ways_of_plan(self.pricing, self.plan)
        self.moves = moves_of_plan(self.ground, self.plan)
        for own, ways in zip(self.used, self.ways, strict=True):
            own.update(arc for way, _ in ways for arc in way.path)
        # One entry per unit: (class, way or None if unplanned).
        self.units: list[tuple[int, Way | None]] = []
        for index, (travel, ways) in enumerate(zip(self.pricing.classes, self.ways, strict=True)):
            placed = [(index, way) for way, units in ways for _ in range(units)]
            self.units += [*placed, *[(index, None)] * (travel.count - len(placed))]

    def on_arcs_of(self, arc_bound: ArcBound, *, seconds: float) -> bool:
        """Free everybody, on the arcs of the bound's LP of least reduced cost; whether the plan got better."""
        point = arc_bound.best
        if point is None or seconds < 1.0:
            return False
        within = self.value - point.bound_cents
        if within > 0.02 * self.value:
            return False
        arcs, moves = within_gap(self.pricing, point, within, among=arc_bound)
        while sum(map(len, arcs)) > MOST_WHOLE_ARCS and within > 1.0:
            within *= 0.7
            arcs, moves = within_gap(self.pricing, point, within, among=arc_bound)
        every = set(range(len(self.units)))
        begun = time.monotonic()
        better, _ = self._solve(every, seconds, arcs=arcs, moves=moves)
        self.overrun = max(self.overrun, time.monotonic() - begun - seconds)
        return better

    def step(self, seconds: float) -> bool:
        """Free some groups and solve; whether the plan got better. Changes this object.

        A solve may take longer than its limit (building, the first linear program): it is given a part of the
        time left, and what the worst took too long is kept off it.
        """
        self.rounds += 1
        begun = time.monotonic()
        chosen = self._choose(min(self.free_count, len(self.units)))
        limit = min(seconds - self.overrun, STEP_SHARE * seconds, NEIGHBOURHOOD_SECONDS)
        better, done = self._solve(chosen, limit)
        self.overrun = max(self.overrun, time.monotonic() - begun - limit)
        if not done:
            self.free_count = max(LEAST_FREE, int(0.7 * self.free_count))
        elif time.monotonic() - begun < 0.3 * NEIGHBOURHOOD_SECONDS:
            self.free_count = min(MOST_FREE, int(1.4 * self.free_count) + 1)
        return better

    def _choose(self, count: int) -> set[int]:
        """Related units: around one of them, those on the same trips, at the same ends, on near days."""
        ground, classes = self.ground, self.pricing.classes

        def traits(unit: int) -> tuple[set[tuple[int, int]], set[int], float]:
            index, way = self.units[unit]
            travel = classes[index]
            if way is None:
                return set(), {travel.origin, travel.destination}, float(travel.ready_day + 2)
            rides = {(int(ground.ride_row[r]) + 10**6 * int(ground.ride_kind[r]), d) for r, d in way.path}
            sites = {int(ground.ride_from[r]) for r, _ in way.path} | {travel.origin, travel.destination}
            return rides, sites, 0.5 * (way.path[0][1] + way.arrival_day)

        free = [u for u, (index, _) in enumerate(self.units) if not classes[index].is_locked]
        if not free:
            return set()
        rides, sites, middle = traits(self.chooser.choice(free))
        scored = []
        for unit in free:
            own_rides, own_sites, own_middle = traits(unit)
            score = 3.0 * len(rides & own_rides) + len(sites & own_sites) - 0.4 * abs(middle - own_middle)
            scored.append((score + 2.0 * self.chooser.random(), unit))
        scored.sort(reverse=True)
        return {unit for _, unit in scored[:count]}

    def _solve(
        self,
        chosen: set[int],
        seconds: float,
        *,
        arcs: Sequence[Sequence[Arc]] | None = None,
        moves: Iterable[Move] = (),
    ) -> tuple[bool, bool]:
        """Whether the plan got better, and whether the neighbourhood was solved to the end."""
        end = time.monotonic() + seconds
        pricing = self.pricing
        fixed: dict[tuple[int, Path], tuple[Way, int]] = {}
        start: dict[Key, float] = defaultdict(float)
        freed = sorted({self.units[unit][0] for unit in chosen})
        for unit, (index, way) in enumerate(self.units):
            if unit in chosen or way is None:
                if way is not None:
                    self._add_start(start, index, way)
                else:
                    start["unplanned", index] += 1.0
                continue
            known = fixed.get((index, way.path))
            fixed[index, way.path] = (way, known[1] + 1 if known else 1)
        waiting = {index for index, way in self.units if way is None}
        own_arcs: list[list[Arc] | None] = [None] * len(pricing.classes)
        for index in sorted({*freed, *waiting}):
            own_arcs[index] = [*arcs[index], *self.used[index]] if arcs else self._arcs(index)
        offered = {*self.moves, *moves} if arcs else {*self.moves, *self.empty_moves}
        for index, own in enumerate(own_arcs):
            fitting = [kind for kind, n in enumerate(pricing.places_per_vehicle(pricing.classes[index])) if n]
            for ride, day in own or ():
                if self.ground.ride_kind[ride] == TRIP:
                    offered.update((kind, int(self.ground.ride_row[ride]), day) for kind in fitting)
        for key, count in self.moves.items():
            start["move", *key] = float(count)
        for charter, day, count in self._flown():
            start["aircraft", charter, day] = float(count)
        model = ArcModel(pricing, own_arcs, offered, fixed=[(i, way, n) for (i, _), (way, n) in fixed.items()])
        left = end - time.monotonic()
        if left <= 0:
            return False, False
        result = model.solve_whole(seconds=left, seed=self.seed, start=start, gap=2e-5, should_stop=self.should_stop)
        if result.choice is None or result.choice.broken_journeys:
            return False, result.is_infeasible
        assembled = assemble(pricing, result.choice)
        if assembled.plan is None:
            return False, result.is_optimal
        verdict = judge(self.problem, assembled.plan)
        if not verdict.is_valid and VERSION_2.issuperset(verdict.codes):
            # The model knows nothing of version 2: whoever asked may repair the plan, the search goes on elsewhere.
            self._tell_plan(assembled.plan)
            return False, result.is_optimal
        if not verdict.is_valid:
            raise Inconsistent(f"an assembled plan breaks {verdict.violations[0]}")
        if verdict.value_cents >= self.value:
            return False, result.is_optimal
        self.plan, self.value = assembled.plan, verdict.value_cents
        self._tell_plan(self.plan)
        self._read_plan()
        return True, result.is_optimal

    def _add_start(self, start: dict[Key, float], index: int, way: Way) -> None:
        kept = self.pricing.kept[index]
        if kept is not None and kept.path == way.path:
            start["kept", index] += 1.0
            return
        travel = self.pricing.classes[index]
        for ride, day in way.path:
            start["arc", index, ride, day] += 1.0
        days = [start_of.day for start_of in travel.starts]
        number = 0 if travel.first_day is not None else days.index(way.path[0][1])
        start["start", index, number] += 1.0

    def _flown(self) -> list[tuple[int, int, int]]:
        """(charter, day, aircraft) of the plan from now on."""
        ground = self.ground
        seen: dict[tuple[int, int], set[int]] = defaultdict(set)
        for legs in self.plan.itineraries.values():
            for leg in legs:
                if leg.kind == "charter" and leg.day >= ground.now:
                    seen[int(ground.ride_row[ground.known_ride(leg)]), leg.day].add(leg.aircraft)
        return [(charter, day, len(aircraft)) for (charter, day), aircraft in sorted(seen.items())]

    def _arcs(self, index: int) -> list[Arc]:
        """What a freed class may use: cheapest at the prices, cheapest on what runs anyway, used before."""
        if index not in self.by_price:
            sweep = self.pricing.sweep(index)
            through = sweep.through(sweep.reach())
            self.by_price[index] = cheapest_arcs(through, ARCS_BY_PRICE, INFINITE / 10)
        return [*self.by_price[index], *self._arcs_on_plan(index), *self.used[index]]

    def _arcs_on_plan(self, index: int) -> list[Arc]:
        ground = self.ground
        running = np.zeros((ground.rides, ground.days), dtype=bool)
        running[ground.ride_kind == SERVICE] = True
        trips = np.zeros(ground.trip_runs.shape, dtype=bool)
        for _, trip, day in self.moves:
            trips[trip, day] = True
        rides = np.flatnonzero(ground.ride_kind == TRIP)
        running[rides] = trips[ground.ride_row[rides]]
        charters = np.flatnonzero(ground.ride_kind == CHARTER)
        for charter, day, _ in self._flown():
            running[charters[charter], day] = True
        sweep = self.pricing.sweep(index, only=running)
        return cheapest_arcs(sweep.through(sweep.reach()), ARCS_ON_PLAN, INFINITE / 10)


SHARED_PRICES = (
    "seat", "wheelchair", "quota", "bed", "reception", "service", "charter_seat", "charter_least", "escort",
)  # fmt: skip
