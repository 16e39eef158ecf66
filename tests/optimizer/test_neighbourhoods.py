"""The exact mode against brute force, replans, packing, limits; neighbourhoods never make a plan worse."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

import pytest

from retorno.errors import Inconsistent
from retorno.optimizer.check import judge
from retorno.optimizer.exact import exact
from retorno.optimizer.neighbourhoods import improve_by_mip
from retorno.optimizer.problem import EMPTY_PLAN, Plan, PlannedVehicle, Problem, read_problem
from tests.optimizer.oracle import optimum
from tests.optimizer.random_problems import random_problem, tiny_problem
from tests.optimizer.test_constraints import PROBLEM

WEEK40 = Path(__file__).resolve().parents[2] / "benchmarks" / "joint" / "week40.json.gz"


@pytest.mark.parametrize("seed", range(20, 44))
def test_the_exact_mode_finds_and_proves_what_brute_force_finds(seed: int) -> None:
    problem = tiny_problem(seed)

    proven = exact(problem, EMPTY_PLAN(problem), seconds=30.0)

    best = judge(problem, optimum(problem)).value_cents
    assert (proven.value_cents, proven.bound_cents) == (best, best)
    assert proven.plan is not None
    assert judge(problem, proven.plan).value_cents == best


@pytest.mark.parametrize("seed", [1, 3, 7, 12, 17, 22])
def test_the_proof_holds_after_facts_and_changes(seed: int) -> None:
    problem = random_problem(seed, group_count=5, horizon_days=6, replan=True)

    proven = exact(problem, None, seconds=30.0)

    assert proven.plan is not None
    verdict = judge(problem, proven.plan)
    # The judge counts past cost and change prices on its own: equal sums mean that no fact was priced wrongly.
    assert verdict.violations == ()
    assert verdict.value_cents == proven.value_cents == proven.bound_cents


def test_a_proof_too_large_to_try_leaves_the_plan_and_its_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("retorno.optimizer.exact.MOST_PROOF_ARCS", 0)
    problem = tiny_problem(24)
    best = judge(problem, optimum(problem)).value_cents

    proven = exact(problem, EMPTY_PLAN(problem), seconds=30.0)

    assert proven.plan is not None
    assert judge(problem, proven.plan).violations == ()
    assert 0 < proven.bound_cents <= best <= proven.value_cents


def families_that_do_not_pack() -> Problem:
    """Fourteen persons for two vans of seven seats, but in families of five, five and four."""
    group = replace(PROBLEM.groups[0], wheelchairs=0, escorts=0, escort_pool=None, vulnerable=0)
    sizes = (5, 5, 4)
    return replace(
        PROBLEM,
        groups=tuple(replace(group, id=f"G{n}", persons=size) for n, size in enumerate(sizes)),
        vehicle_types=tuple(replace(kind, seats=7) for kind in PROBLEM.vehicle_types),
        conflicts=(),
    )


def test_families_that_do_not_fit_one_by_one_are_never_cut() -> None:
    problem = families_that_do_not_pack()

    proven = exact(problem, EMPTY_PLAN(problem), seconds=30.0)

    assert proven.is_optimal
    assert proven.plan is not None
    assert judge(problem, proven.plan).violations == ()


def test_week40_is_proven_optimal() -> None:
    problem = read_problem(WEEK40)

    proven = exact(problem, EMPTY_PLAN(problem), seconds=60.0)

    assert proven.value_cents == 3_212_466
    assert proven.bound_cents == 3_212_466


def test_a_stop_keeps_the_plan_that_was_given() -> None:
    problem = tiny_problem(5)

    proven = exact(problem, EMPTY_PLAN(problem), seconds=30.0, should_stop=lambda: True)

    assert proven.plan == EMPTY_PLAN(problem)
    assert proven.bound_cents <= proven.value_cents


def test_the_time_limit_is_kept() -> None:
    problem = read_problem(WEEK40)
    exact(tiny_problem(5), None, seconds=5.0)  # compiled code is loaded before the clock starts

    begun = time.monotonic()
    exact(problem, EMPTY_PLAN(problem), seconds=0.5)

    assert time.monotonic() - begun < 5.0


def test_an_invalid_plan_is_refused_as_a_start() -> None:
    problem = tiny_problem(5)
    ghost = PlannedVehicle(id="V0", type="no such type", depot="nowhere", hired=False, moves=())

    with pytest.raises(Inconsistent, match="the plan to start from"):
        exact(problem, Plan(problem=problem.name, vehicles=(ghost,)), seconds=5.0)


@pytest.mark.parametrize("seed", [2, 5, 9])
def test_neighbourhoods_give_valid_plans_that_are_no_worse(seed: int) -> None:
    problem = random_problem(seed, group_count=11, horizon_days=6)
    start = EMPTY_PLAN(problem)
    told: list[int] = []

    plan = improve_by_mip(
        problem, start, seconds=6.0, seed=seed, on_plan=lambda p: told.append(judge(problem, p).value_cents)
    )

    verdict = judge(problem, plan)
    assert verdict.violations == ()
    assert verdict.value_cents < judge(problem, start).value_cents
    assert told == sorted(told, reverse=True)
    assert told[-1] == verdict.value_cents
