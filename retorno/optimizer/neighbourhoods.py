"""What to free around a known plan, and the exact finish: prices, tight bound, whole arc model, proof.

``exact`` is for small problems, ``improve_by_mip`` for tens to thousands of groups: it frees a few related groups
at a time, leaves all vehicle moves free, and lets HiGHS find the best plan around what stands.
"""

from __future__ import annotations

import random
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

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
    count_within_gap,
    dual_point,
    within_gap,
)
from retorno.optimizer.check import judge
from retorno.optimizer.classes import Path, TravelClass, classes_of
from retorno.optimizer.ground import CHARTER, INFINITE, SERVICE, TRIP, Ground
from retorno.optimizer.master import Master
from retorno.optimizer.model import AircraftCut, Arc, Key, Move, PackingCut
from retorno.optimizer.pricing import Prices, Pricing, Way, whole_bound
from retorno.optimizer.problem import Plan, Problem
from retorno.optimizer.verdict import VERSION_2

NO_VALUE = 10**18
"""Value while there is no plan."""

SLACK_CENTS = 1.0
"""Allowance when fixing by reduced cost, against rounding in sums of prices."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Proven:
    """The best plan found and the proven bound, both in cents; ``is_optimal`` if they meet."""

    plan: Plan | None
    value_cents: int
    bound_cents: int

    @property
    def is_optimal(self) -> bool:
        """Whether the plan is proven to be the best possible."""
        return self.bound_cents >= self.value_cents


def exact(
    problem: Problem,
    incumbent: Plan | None,
    *,
    seconds: float,
    seed: int = 0,
    should_stop: Callable[[], bool] = lambda: False,
    on_bound: Callable[[int], None] = lambda bound_cents: None,
    on_plan: Callable[[Plan], None] = lambda plan: None,
) -> Proven:
    """The best plan of a small problem with proof, as far as time allows.

    Parameters
    ----------
    incumbent
        Any valid plan; never made worse. None if there is none yet (then the plan may stay None).
    seconds
        Time limit.
    should_stop
        Asked now and then.
    on_bound, on_plan
        Called with every better proven bound (cents) and every better plan, and with plans that break version 2 only.
    """
    search = ExactSearch(
        problem,
        incumbent,
        seconds=seconds,
        seed=seed,
        should_stop=should_stop,
        on_bound=on_bound,
        on_plan=on_plan,
    )
    return search.run()


class ExactSearch:
    """The steps of the exact mode on one problem."""

    def __init__(
        self,
        problem: Problem,
        incumbent: Plan | None,
        *,
        seconds: float,
        seed: int,
        should_stop: Callable[[], bool],
        on_bound: Callable[[int], None],
        on_plan: Callable[[Plan], None],
    ) -> None:
        self.problem, self.seed = problem, seed
        self.end = time.monotonic() + seconds
        self.seconds = seconds
        self.should_stop = should_stop
        self._tell_bound, self._tell_plan = on_bound, on_plan
        self.plan, self.value = incumbent, NO_VALUE
        if incumbent is not None:
            verdict = judge(problem, incumbent)
            if not verdict.is_valid:
                raise Inconsistent(f"the plan to start from breaks {verdict.violations[0]}")
            self.value = verdict.value_cents
        self.bound = -(10**18)
        self.ground = Ground(problem)
        self.alone: frozenset[str] = frozenset()
        self.overrun = 0.0
        self.seconds_per_arc = 0.0  # for building a model, the worst seen
        self.cuts: list[PackingCut | AircraftCut] = []

    def left(self) -> float:
        """Seconds left, less what a solve once took beyond its limit."""
        return self.end - time.monotonic() - self.overrun

    def is_over(self) -> bool:
        """Whether time is up, a stop was asked for, or the plan is proven optimal."""
        return self.left() <= 0 or self.should_stop() or self.bound >= self.value

    def take_bound(self, bound_cents: int) -> None:
        """Keep a proven bound if it is better; it is never above the value of a known plan."""
        bound_cents = min(bound_cents, self.value)
        if bound_cents > self.bound:
            self.bound = bound_cents
            self._tell_bound(bound_cents)

    def take_plan(self, plan: Plan) -> bool:
        """Keep a plan if the judge accepts it and it is better; one that breaks only version 2 is told for repair."""
        verdict = judge(self.problem, plan)
        if not verdict.is_valid and VERSION_2.issuperset(verdict.codes):
            self._tell_plan(plan)
            return False
        if not verdict.is_valid:
            raise Inconsistent(f"an assembled plan breaks {verdict.violations[0]}")
        if verdict.value_cents < self.value:
            self.plan, self.value = plan, verdict.value_cents
            self._tell_plan(plan)
            return True
        return False

    def run(self) -> Proven:
        """All steps; repeated only if groups had to become classes of their own."""
        while not self.is_over():
            split = self._once()
            if not split or split <= self.alone:
                break
            self.alone |= split
            self.cuts = []
        return Proven(plan=self.plan, value_cents=self.value, bound_cents=self.bound)

    def _once(self) -> frozenset[str]:
        """Prices, bound, plan, proof; the groups to split off if a plan could not be put together."""
        classes = classes_of(self.ground, merge=False, alone=self.alone)
        arc_bound = tight_bound(
            self.ground, classes, self.plan, self.value, seconds=min(self.left(), 0.3 * self.seconds), seed=self.seed,
            should_stop=self.should_stop, on_bound=self.take_bound,
        )  # fmt: skip
        pricing = arc_bound.pricing
        if arc_bound.best is None or self.is_over():
            return frozenset()
        # The program knows limits that the volume algorithm leaves out (least loads, conflicts, longest journeys).
        arc_bound.run(
            seconds=min(self.left(), 0.3 * self.seconds), should_stop=self.should_stop, on_bound=self.take_bound
        )
        if self.is_over():
            return frozenset()
        split = self._plan_on(arc_bound)
        if self.is_over() or split:
            return split
        if arc_bound.best is None or self.is_over():
            return frozenset()
        split = self._plan_on(arc_bound)
        if self.is_over() or split:
            return split
        return self._prove(pricing, arc_bound.best)

    def _plan_on(self, arc_bound: ArcBound) -> frozenset[str]:
        """A plan on the arcs of the bound's LP, those of small reduced cost first."""
        point = arc_bound.best
        assert point is not None
        for share in (0.02, 0.1):
            within = min(share * abs(point.bound_cents), self.value - point.bound_cents) + SLACK_CENTS
            arcs, moves = within_gap(arc_bound.pricing, point, within, among=arc_bound)
            split = self._solve(arc_bound.pricing, arcs, moves, proof=False, seconds=0.3 * self.left())
            if split or self.is_over() or self.value - point.bound_cents <= 0.05 * abs(point.bound_cents):
                return split
        return frozenset()

    def _prove(self, pricing: Pricing, point: DualPoint) -> frozenset[str]:
        """The whole model over everything that reduced costs cannot rule out, if that is little enough."""
        within = self.value - point.bound_cents + SLACK_CENTS
        if count_within_gap(pricing, point, within) > MOST_PROOF_ARCS:
            return frozenset()
        arcs, moves = within_gap(pricing, point, within)
        return self._solve(pricing, arcs, moves, proof=True, seconds=self.left())

    def _solve(
        self,
        pricing: Pricing,
        arcs: Sequence[Sequence[Arc]],
        moves: Sequence[Move],
        *,
        proof: bool,
        seconds: float,
    ) -> frozenset[str]:
        """Solve, assemble, cut off what cannot be packed, again; a proof covers only what it was given."""
        until = time.monotonic() + seconds
        count = sum(map(len, arcs)) + 1
        while time.monotonic() + self.seconds_per_arc * count < until and not self.should_stop():
            begun = time.monotonic()
            model = ArcModel(pricing, arcs, moves, cuts=self.cuts)
            self.seconds_per_arc = max(self.seconds_per_arc, (time.monotonic() - begun) / count)

            def tell(bound: float) -> None:
                if proof:
                    self.take_bound(whole_bound(bound))

            limit = until - time.monotonic()
            begun = time.monotonic()
            result = model.solve_whole(
                seconds=limit,
                seed=self.seed,
                gap=0.0 if proof else 1e-5,
                should_stop=self.should_stop,
                on_bound=tell,
            )
            self.overrun = max(self.overrun, time.monotonic() - begun - limit)
            if proof:
                self.take_bound(self.value if result.is_infeasible else whole_bound(result.bound_cents))
            if result.choice is None:
                return frozenset()
            if result.choice.broken_journeys:
                return frozenset(g for i in result.choice.broken_journeys for g in pricing.classes[i].group_ids)
            assembled = assemble(pricing, result.choice)
            if assembled.plan is not None:
                self.take_plan(assembled.plan)
                if proof:
                    self.take_bound(self.value if result.is_infeasible else whole_bound(result.bound_cents))
                return frozenset()
            if assembled.to_split:
                return assembled.to_split
            if not assembled.unpacked:
                return frozenset()
            self.cuts += assembled.unpacked
        return frozenset()


# ---- neighbourhoods ----

FIRST_FREE, LEAST_FREE, MOST_FREE = 16, 6, 100
"""Groups freed at once: at first, at least, at most (our assumption, from measurements)."""
ARCS_BY_PRICE, ARCS_ON_PLAN = 160, 160
"""Arcs of a freed class: cheapest at the prices, and cheapest on vehicles and aircraft that run anyway."""
MOST_PROOF_ARCS = 60_000
"""Arcs up to which the proof by the whole model is tried: more take gigabytes and no proof was ever seen."""
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
        on_plan: Callable[[Plan], None],
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
