"""The strong arc model: over all arcs it is the problem itself (but for packing families into vehicles)."""

from __future__ import annotations

import numpy as np
import pytest

from retorno.optimizer.arcsolve import ArcModel
from retorno.optimizer.assembly import assemble
from retorno.optimizer.check import judge
from retorno.optimizer.classes import allowed_rides, classes_of
from retorno.optimizer.ground import Ground
from retorno.optimizer.model import Arc, Move
from retorno.optimizer.pricing import FORBIDDEN_CENTS, Pricing
from retorno.optimizer.problem import Problem
from tests.optimizer.oracle import optimum
from tests.optimizer.random_problems import random_problem, tiny_problem


def everything(pricing: Pricing) -> tuple[list[list[Arc]], list[Move]]:
    """All arcs and moves there are."""
    ground = pricing.ground
    arcs = [
        [(int(r), int(d)) for r, d in zip(*np.nonzero(allowed_rides(ground, travel)), strict=True)]
        for travel in pricing.classes
    ]
    moves = [
        (kind, int(trip), int(day))
        for kind in range(len(ground.type_seats))
        for trip, day in zip(*np.nonzero(ground.trip_runs), strict=True)
    ]
    return arcs, moves


def whole(problem: Problem) -> tuple[Pricing, ArcModel]:
    ground = Ground(problem)
    pricing = Pricing(ground, classes_of(ground, merge=False))
    return pricing, ArcModel(pricing, *everything(pricing))


@pytest.mark.parametrize("seed", range(16))
def test_the_whole_model_is_the_whole_problem(seed: int) -> None:
    problem = tiny_problem(seed)
    pricing, model = whole(problem)
    best = judge(problem, optimum(problem)).value_cents

    result = model.solve_whole(seconds=20.0)

    assert result.choice is not None
    assert result.bound_cents <= best + 0.5
    plan = assemble(pricing, result.choice).plan
    if plan is not None:
        verdict = judge(problem, plan)
        assert verdict.violations == ()
        # The model's own sum and the judge's agree to the cent: no cost is forgotten or counted twice.
        assert verdict.value_cents == pytest.approx(result.bound_cents, abs=0.5)
        assert verdict.value_cents == best


@pytest.mark.parametrize("seed", range(6))
def test_what_stands_keeps_its_way_and_its_cost(seed: int) -> None:
    problem = tiny_problem(seed)
    pricing, model = whole(problem)
    result = model.solve_whole(seconds=20.0)
    assert result.choice is not None
    fixed = [(index, way, units) for index, ways in enumerate(result.choice.ways) for way, units in ways]

    arcs, moves = everything(pricing)
    again = ArcModel(pricing, arcs, moves, fixed=fixed).solve_whole(seconds=20.0)

    assert again.choice is not None
    assert again.bound_cents == pytest.approx(result.bound_cents, abs=0.5)
    kept = [{(way.path, units) for way, units in ways} for ways in again.choice.ways]
    for index, way, units in fixed:
        assert (way.path, units) in kept[index]


@pytest.mark.parametrize("seed", range(8))
def test_the_relaxation_is_below_the_whole_numbers(seed: int) -> None:
    _, model = whole(tiny_problem(seed))

    assert model.solve_relaxed(seconds=20.0) is not None
    relaxed = model.objective

    assert relaxed <= model.solve_whole(seconds=20.0).bound_cents + 0.5


@pytest.mark.parametrize("seed", [12, 31, 35, 38])
def test_a_solution_that_leaves_somebody_under_way_is_no_plan(seed: int) -> None:
    problem = random_problem(seed, group_count=9, horizon_days=6, replan=True)
    pricing = Pricing(Ground(problem), classes_of(Ground(problem), merge=False))
    assert any(travel.must_travel for travel in pricing.classes)

    # Nothing may be ridden: all that is left is to stay, which those under way may not.
    result = ArcModel(pricing, [[] for _ in pricing.classes], []).solve_whole(seconds=20.0)

    # The solver found the solution with its price for the impossible; it is not handed on.
    assert result.bound_cents > FORBIDDEN_CENTS
    assert result.choice is None
