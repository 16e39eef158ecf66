"""Ruin and recreate."""

from __future__ import annotations

import pytest

from retorno.optimizer.check import judge
from retorno.optimizer.construct import construct, repair
from retorno.optimizer.handles import memory_handle
from retorno.optimizer.improve import rounds
from retorno.optimizer.memory import make_memory
from retorno.optimizer.problem import read_problem
from retorno.optimizer.setting import prepare
from retorno.optimizer.solve import can_be_shown
from retorno.optimizer.timespace import build
from tests.optimizer.random_problems import random_problem


@pytest.mark.parametrize("seed", range(15))
def test_cold_rounds_never_make_a_plan_worse_and_stay_valid(seed: int) -> None:
    problem = random_problem(seed, group_count=14, horizon_days=7, site_count=6)
    draft = construct(prepare(build(problem)), expected=6.0)
    before = draft.value_cents
    handle = memory_handle(make_memory(draft, seed))

    assert rounds(*draft.handles, handle, 150, 0.0, 8) >= 0
    verdict = judge(problem, draft.to_plan())

    assert verdict.violations == ()
    assert verdict.value_cents == draft.value_cents <= before


@pytest.mark.parametrize("seed", range(15))
def test_hot_rounds_stay_valid_and_count_right(seed: int) -> None:
    problem = random_problem(seed, group_count=14, horizon_days=7, site_count=6)
    draft = construct(prepare(build(problem)), expected=6.0)
    handle = memory_handle(make_memory(draft, seed))

    assert rounds(*draft.handles, handle, 150, 40_000.0, 8) >= 0
    verdict = judge(problem, draft.to_plan())

    assert verdict.violations == ()
    assert verdict.value_cents == draft.value_cents


@pytest.mark.parametrize("seed", range(12))
def test_rounds_of_a_replan_keep_facts_and_locks(seed: int) -> None:
    problem = random_problem(seed, group_count=9, horizon_days=6, site_count=5, replan=True)
    assert problem.replan is not None
    draft, _ = repair(prepare(build(problem)), problem.replan.previous, expected=4.0)
    handle = memory_handle(make_memory(draft, seed))

    assert rounds(*draft.handles, handle, 100, 5_000.0, 8) >= 0
    verdict = judge(problem, draft.to_plan())

    if can_be_shown(draft):
        assert {str(violation.code) for violation in verdict.violations} <= {"CHARTER_MINIMUM"}
        assert verdict.value_cents == draft.value_cents


def test_rounds_mend_a_bad_first_plan_of_a_month() -> None:
    problem = read_problem("benchmarks/joint/month400.json.gz")
    draft = construct(prepare(build(problem)), expected=30.0)
    before = draft.value_cents
    handle = memory_handle(make_memory(draft, 5))

    assert rounds(*draft.handles, handle, 60, 0.0, 14) > 0
    verdict = judge(problem, draft.to_plan())

    assert verdict.violations == ()
    assert verdict.persons_unplanned == 0
    assert verdict.value_cents == draft.value_cents < before


def test_same_seed_same_plan() -> None:
    problem = random_problem(21, group_count=14, horizon_days=7, site_count=6)
    plans = []
    for _ in range(2):
        draft = construct(prepare(build(problem)), expected=6.0)
        rounds(*draft.handles, memory_handle(make_memory(draft, 3)), 120, 3_000.0, 8)
        plans.append(draft.to_plan())

    assert plans[0] == plans[1]
