"""Placing and taking out groups, and the value kept by differences."""

from __future__ import annotations

import numpy as np
import pytest

from retorno.optimizer import place as columns
from retorno.optimizer.check import judge
from retorno.optimizer.construct import Draft, construct, start_draft
from retorno.optimizer.insert import NO_PRICE, find_way, insert
from retorno.optimizer.problem import Problem
from retorno.optimizer.readback import put_back
from retorno.optimizer.setting import prepare
from retorno.optimizer.timespace import build
from tests.optimizer.random_problems import random_plan, random_problem, tiny_problem


def draft_of(problem: Problem) -> Draft:
    """An empty draft."""
    return start_draft(prepare(build(problem)), expected=3.0)


@pytest.mark.parametrize("seed", range(20))
def test_the_value_kept_by_differences_is_what_the_judge_counts(seed: int) -> None:
    problem = random_problem(seed, group_count=9, horizon_days=6, site_count=5)
    draft = construct(prepare(build(problem)), expected=3.0)

    verdict = judge(problem, draft.to_plan())

    assert verdict.violations == ()
    assert verdict.value_cents == draft.value_cents


@pytest.mark.parametrize("seed", range(20))
def test_taking_everybody_out_leaves_no_trace(seed: int) -> None:
    problem = random_problem(seed, group_count=9, horizon_days=6, site_count=5)
    draft, fresh = draft_of(problem), draft_of(problem)
    ground, load = draft.handles[0], draft.handles[1]
    random = np.random.default_rng(seed)
    for group in range(len(problem.groups)):
        insert(*draft.handles, group)

    for group in random.permutation(len(problem.groups)).tolist():
        if draft.load.leg_count[group]:
            columns.take_out(ground, load, group)

    assert draft.value_cents == fresh.value_cents
    for name in ("quota", "beds", "arrivals", "service", "aircraft", "aircraft_groups", "escorts", "task", "first"):
        assert (getattr(draft.load, name) == getattr(fresh.load, name)).all(), name
    assert (draft.load.task_count == 0).all()


@pytest.mark.parametrize("seed", [0, 1, 2, 3, 4, 5, 6, 8, 9, 10, 14, 15])
def test_a_valid_plan_put_back_costs_no_more_than_the_judge_says(seed: int) -> None:
    problem = random_problem(seed, group_count=8, horizon_days=5, site_count=5)
    plan = random_plan(problem, seed)
    verdict = judge(problem, plan)
    assert verdict.is_valid
    draft = draft_of(problem)

    lost = put_back(draft.setting, draft.load, draft.handles[1], plan)
    again = judge(problem, draft.to_plan())

    # Vehicles drive their cheapest empty ways now, which the random plan need not have done.
    assert lost == []
    assert again.violations == ()
    assert again.value_cents == draft.value_cents <= verdict.value_cents


@pytest.mark.parametrize("seed", range(15))
def test_a_group_alone_gets_its_cheapest_way(seed: int) -> None:
    """On an empty network with full prices the search must find what trying every first day alone finds."""
    problem = tiny_problem(seed)
    draft = draft_of(problem)
    draft.prices.dial[0] = 0.0
    for group in range(len(problem.groups)):
        whole = find_way(*draft.handles, group, NO_PRICE, -1)
        facts = draft.setting.ground.group[group]
        alone = [
            find_way(*draft.handles, group, NO_PRICE, day)
            for day in range(int(facts[columns.FIRST]), int(facts[columns.LAST]) + 1)
        ]
        assert whole == min(alone, default=NO_PRICE)
