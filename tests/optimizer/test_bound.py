"""The tight bound: dual ascent never proves too much, and the rounds close on the LP's value."""

from __future__ import annotations

import pytest

from retorno.optimizer.bound import ArcBound, count_within_gap, dual_point, within_gap
from retorno.optimizer.check import judge
from retorno.optimizer.classes import classes_of
from retorno.optimizer.ground import INFINITE, Ground
from retorno.optimizer.master import Master
from retorno.optimizer.pricing import Prices, Pricing
from tests.optimizer.oracle import optimum
from tests.optimizer.random_problems import random_problem, tiny_problem
from tests.optimizer.test_pricing import priced


@pytest.mark.parametrize("seed", range(12))
def test_dual_ascent_from_nothing_is_never_above_the_optimum(seed: int) -> None:
    problem = tiny_problem(seed)
    ground = Ground(problem)
    pricing = Pricing(ground, classes_of(ground, merge=False))
    best = judge(problem, optimum(problem)).value_cents

    # Targets far above what any class can cost: everything that the slack allows is raised.
    targets = [1e9] * len(pricing.classes)
    point = dual_point(pricing, Prices(ground, len(pricing.classes)), targets, seed=seed)

    assert point is not None
    assert point.bound_cents <= best + 1e-6


@pytest.mark.parametrize("seed", range(12))
def test_rising_prices_never_prove_too_much(seed: int) -> None:
    problem = tiny_problem(seed)
    ground = Ground(problem)
    pricing = Pricing(ground, classes_of(ground, merge=False))
    arc_bound = ArcBound(pricing, seed=seed)
    first = dual_point(pricing, Prices(ground, len(pricing.classes)), None, seed=seed)
    assert first is not None
    best = judge(problem, optimum(problem)).value_cents
    # One arc per class to begin with: all others must be found by pricing.
    arc_bound.start(first, per_class=1)

    last = arc_bound.rise(aim_cents=best, seconds=20.0)

    assert last is not None
    assert first.bound_cents <= last.bound_cents <= best + 1e-6


@pytest.mark.parametrize("seed", range(6))
def test_one_compiled_step_prices_a_class_as_the_plain_sweeps_do(seed: int) -> None:
    ground = Ground(random_problem(seed, group_count=7, horizon_days=6, replan=seed % 2 == 1))
    pricing = priced(ground, merge=False, seed=seed)

    point = dual_point(pricing, pricing.prices, None, seed=seed)

    assert point is not None
    for index, travel in enumerate(pricing.classes):
        if not travel.is_locked:
            sweep = pricing.sweep(index)
            assert point.class_cents[index] == pytest.approx(pricing.bound_of_class(index, sweep.best()))
            through = sweep.through(sweep.reach())
            both = (through < INFINITE / 10) | (point.through[index] < INFINITE / 10)
            assert point.through[index][both] == pytest.approx(through[both])


@pytest.mark.parametrize("seed", range(12))
def test_the_rounds_close_on_the_value_of_the_strong_relaxation(seed: int) -> None:
    problem = tiny_problem(seed)
    ground = Ground(problem)
    pricing = Pricing(ground, classes_of(ground, merge=False))
    arc_bound = ArcBound(pricing, seed=seed)
    first = dual_point(pricing, Prices(ground, len(pricing.classes)), None, seed=seed)
    assert first is not None
    # One arc per class to begin with: all others must be found by pricing.
    arc_bound.start(first, per_class=1)

    last = arc_bound.run(seconds=20.0)

    assert arc_bound.is_closed
    assert last is not None
    assert arc_bound.model is not None
    assert first.bound_cents - 1e-6 <= last.bound_cents <= judge(problem, optimum(problem)).value_cents + 1e-6
    assert last.bound_cents == pytest.approx(arc_bound.model.objective, rel=1e-5, abs=1.0)


@pytest.mark.parametrize("gap_cents", [0.0, 5_000.0, 400_000.0])
def test_what_reduced_costs_leave_is_counted_before_it_is_listed(gap_cents: float) -> None:
    ground = Ground(tiny_problem(3))
    master = Master(ground, classes_of(ground, merge=False))
    point = dual_point(master.pricing, master.generate(seconds=20.0).prices, None, seed=1)
    assert point is not None

    arcs, _ = within_gap(master.pricing, point, gap_cents)

    assert count_within_gap(master.pricing, point, gap_cents) == sum(map(len, arcs))
