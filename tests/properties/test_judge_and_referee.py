"""Our judge and the referee of the public format find the same faults and the same value, whatever the plan."""

from __future__ import annotations

import json
import random
from collections import Counter

import pytest

from retorno.optimizer.check import Code, judge, judge_json
from retorno.optimizer.problem import plan_from_json, plan_to_json, problem_to_json
from retorno.optimizer.verdict import VERSION_2
from tests.optimizer.random_problems import random_plan, random_problem
from tests.optimizer.referee import COUNTS, referee_says
from tests.properties.corruptions import corrupted


def compare(seed: int, *, corruption_count: int) -> Counter[str]:
    """Judge one random plan and so many corruptions of it by both; gives how often each code was found."""
    problem = random_problem(seed, group_count=3 + seed % 9, replan=seed % 3 == 0)
    problem_document = json.loads(json.dumps(problem_to_json(problem)))
    plan = random_plan(problem, seed)
    rng = random.Random(f"corruptions {seed}")
    documents = [plan_to_json(plan)]
    documents += [corrupted(rng, problem, documents[0]) for _ in range(corruption_count)]
    found: Counter[str] = Counter()
    for number, document in enumerate(documents):
        codes, figures = referee_says(problem_document, document)
        verdict = judge_json(problem, document)
        where = f"seed {seed} document {number}: {json.dumps(document)}"
        assert verdict.codes == codes, where
        for name, expected in figures.items():
            if name == "total":
                assert verdict.value_cents == expected, where
            elif name in COUNTS:
                assert getattr(verdict, name) == expected, where
            else:
                assert verdict.components[name] == expected, (name, where)
        found.update(set(codes) or {"VALID"})
    return found


def test_judge_and_referee_agree_on_corrupted_plans() -> None:
    found: Counter[str] = Counter()
    for seed in range(60):
        found += compare(seed, corruption_count=15)

    # Every code was met, else the agreement says nothing about it; and many plans were valid.
    assert set(Code) - VERSION_2 - set(found) == set()
    assert found["VALID"] > 100


@pytest.mark.long
def test_judge_and_referee_agree_on_ten_thousand_corrupted_plans() -> None:
    found: Counter[str] = Counter()
    for seed in range(1_000, 1_500):
        found += compare(seed, corruption_count=19)

    assert set(Code) - VERSION_2 - set(found) == set()


def test_a_plan_read_into_our_own_form_is_judged_as_the_file_is() -> None:
    for seed in range(40):
        problem = random_problem(seed, replan=seed % 2 == 0)
        document = plan_to_json(random_plan(problem, seed))

        assert judge(problem, plan_from_json(document)) == judge_json(problem, document)
