"""What to free around a known plan, and the exact finish: prices, tight bound, whole arc model, proof."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from retorno.errors import Inconsistent
from retorno.optimizer.assembly import assemble, moves_of_plan, ways_of_plan
from retorno.optimizer.bound import ArcBound, DualPoint, move_extra
from retorno.optimizer.check import judge
from retorno.optimizer.classes import classes_of
from retorno.optimizer.ground import INFINITE, TRIP, Ground
from retorno.optimizer.master import Master
from retorno.optimizer.model import Arc, ArcModel, Choice, Key, Move, PackingCut
from retorno.optimizer.pricing import Pricing, whole_bound
from retorno.optimizer.problem import Plan, Problem

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
        Called with every better proven bound (cents) and every better plan.
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
        self.cuts: list[PackingCut] = []

    def left(self) -> float:
        """Seconds left."""
        return self.end - time.monotonic()

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
        """Keep a plan if the judge accepts it and it is better."""
        verdict = judge(self.problem, plan)
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
        master = Master(self.ground, classes, seed=self.seed)
        pricing = master.pricing
        known_arcs: list[list[Arc]] = [[] for _ in classes]
        known_moves: list[Move] = []
        if self.plan is not None:
            ways_now = ways_of_plan(pricing, self.plan)
            known_arcs = [[arc for way, _ in ways for arc in way.path] for ways in ways_now]
            known_moves = list(moves_of_plan(self.ground, self.plan))
            master.add_ways([(index, way) for index, ways in enumerate(ways_now) for way, _ in ways])
            master.add_moves(known_moves)
        relaxed = master.generate(
            seconds=min(self.left(), 0.3 * self.seconds),
            should_stop=self.should_stop,
            on_bound=self.take_bound,
        )
        arc_bound = ArcBound(pricing, seed=self.seed)
        arc_bound.start(relaxed.prices, per_class=160)
        arc_bound.add([[arc for way, _ in ways for arc in way.path] for ways in relaxed.amounts], relaxed.moves)
        arc_bound.add(known_arcs, known_moves)
        arc_bound.run(
            seconds=min(self.left(), 0.5 * self.seconds),
            should_stop=self.should_stop,
            on_bound=self.take_bound,
        )
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
        """The whole model over everything that reduced costs cannot rule out."""
        arcs, moves = within_gap(pricing, point, self.value - point.bound_cents + SLACK_CENTS)
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
        while time.monotonic() < until and not self.should_stop():
            model = ArcModel(pricing, arcs, moves, cuts=self.cuts)

            def tell(bound: float) -> None:
                if proof:
                    self.take_bound(whole_bound(bound))

            result = model.solve_whole(
                seconds=until - time.monotonic(),
                seed=self.seed,
                gap=0.0 if proof else 1e-5,
                should_stop=self.should_stop,
                on_bound=tell,
            )
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


def within_gap(
    pricing: Pricing, point: DualPoint, gap_cents: float, *, among: ArcBound | None = None
) -> tuple[list[list[Arc]], list[Move]]:
    """Arcs and moves whose use raises the bound by at most ``gap_cents``; all others are in no better plan.

    With ``among`` only those that the bound's LP knows.
    """
    ground = pricing.ground
    extra = move_extra(pricing, point)
    allowed = extra <= gap_cents
    arcs: list[list[Arc]] = []
    trips = np.flatnonzero(ground.ride_kind == TRIP)
    for index, travel in enumerate(pricing.classes):
        rise = point.through[index] - point.class_cents[index]
        places = pricing.places_per_vehicle(travel)
        fitting = [kind for kind, n in enumerate(places) if n]
        vehicle = extra[fitting].min(axis=0) if fitting else np.full(extra.shape[1:], INFINITE)
        rise[trips] += vehicle[ground.ride_row[trips]]
        rides, days = np.nonzero(rise <= gap_cents)
        own = list(zip(map(int, rides), map(int, days), strict=True))
        arcs.append([arc for arc in own if arc in among.arcs[index]] if among else own)
    kinds, rows, days = np.nonzero(allowed)
    moves = list(zip(map(int, kinds), map(int, rows), map(int, days), strict=True))
    if among:
        moves = [move for move in moves if move in among.moves]
    return arcs, moves


