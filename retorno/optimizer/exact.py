"""The exact mode of small problems: prices, tight bound, plans on its arcs, neighbourhoods, whole-model proof."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from retorno.errors import Inconsistent
from retorno.optimizer.arcsolve import ArcModel
from retorno.optimizer.assembly import assemble
from retorno.optimizer.bound import ArcBound, DualPoint, count_within_gap, within_gap
from retorno.optimizer.check import judge
from retorno.optimizer.classes import classes_of
from retorno.optimizer.ground import Ground
from retorno.optimizer.model import AircraftCut, Arc, Move, PackingCut
from retorno.optimizer.neighbourhoods import LEAST_SECONDS, NO_VALUE, NeighbourhoodSearch, tight_bound
from retorno.optimizer.pricing import Pricing, whole_bound
from retorno.optimizer.problem import Plan, Problem
from retorno.optimizer.verdict import VERSION_2

MOST_PROOF_ARCS = 60_000
"""Arcs up to which the proof by the whole model is tried: more take gigabytes and no proof was ever seen."""
SURE_PROOF_ARCS = 2_000
"""Up to so many arcs the proof is given all the time left (our assumption)."""
PROOF_SHARE = 0.5
"""Share of the time left that an attempt of proof over more arcs may take."""
IDLE_STEPS = 6
"""Neighbourhoods without a gain after which a proof is tried at the smaller gap."""

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
        return self._finish(pricing, arc_bound.best)

    def _finish(self, pricing: Pricing, point: DualPoint) -> frozenset[str]:
        """Proofs at smaller and smaller gaps, as long as few enough arcs are left, neighbourhoods in between."""
        search: NeighbourhoodSearch | None = None
        tried = NO_VALUE + 1
        while not self.is_over():
            arcs = count_within_gap(pricing, point, self.value - point.bound_cents + SLACK_CENTS)
            if arcs <= MOST_PROOF_ARCS and self.value < tried:
                tried = self.value
                share = 1.0 if arcs <= SURE_PROOF_ARCS else PROOF_SHARE
                split = self._prove(pricing, point, seconds=share * self.left())
                if split or self.is_over():
                    return split
            if self.plan is None:
                break
            if search is None:
                search = NeighbourhoodSearch(
                    pricing,
                    self.plan,
                    point,
                    None,
                    seed=self.seed,
                    should_stop=self.should_stop,
                    on_plan=self.take_plan,
                )
            elif self.value < search.value:
                search.take(self.plan, self.value)
            idle = 0
            while self.left() > search.overrun + LEAST_SECONDS and not self.is_over():
                idle = 0 if search.step(self.left()) else idle + 1
                if idle >= IDLE_STEPS and self.value < tried:
                    break
            else:
                break
        return frozenset()

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

    def _prove(self, pricing: Pricing, point: DualPoint, *, seconds: float) -> frozenset[str]:
        """The whole model over everything that reduced costs cannot rule out."""
        arcs, moves = within_gap(pricing, point, self.value - point.bound_cents + SLACK_CENTS)
        return self._solve(pricing, arcs, moves, proof=True, seconds=seconds)

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
