"""The rivals of the benchmarks get the very same problem: on tiny ones they find what brute force finds."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.rivals_joint import WholeModel, everything, whole_numbers
from benchmarks.rounds_run import has_schedule
from retorno.optimizer.check import judge
from retorno.optimizer.classes import classes_of
from retorno.optimizer.ground import Ground
from retorno.optimizer.pricing import Pricing
from tests.optimizer.oracle import optimum
from tests.optimizer.random_problems import tiny_problem


@pytest.mark.parametrize("who", ["CP-SAT", "HiGHS"])
@pytest.mark.parametrize("seed", [0, 3, 5])
def test_one_big_model_finds_the_optimum_of_a_tiny_problem(who: str, seed: int) -> None:
    problem = tiny_problem(seed)
    pricing = Pricing(Ground(problem), classes_of(Ground(problem), merge=False))
    model = WholeModel(pricing, *everything(pricing))

    bound = model.by_highs(20.0) if who == "HiGHS" else model.by_cp_sat(20.0)[0]
    plan, wrong = model.put_together()

    assert plan is not None, wrong
    verdict = judge(problem, plan)
    assert verdict.violations == ()
    assert verdict.value_cents == judge(problem, optimum(problem)).value_cents
    assert bound == pytest.approx(verdict.value_cents, abs=0.5)


def test_a_model_for_cp_sat_has_whole_numbers_only() -> None:
    assert whole_numbers(np.array([2.0000000001, -3.0])).tolist() == [2, -3]
    with pytest.raises(ValueError, match="no whole numbers"):
        whole_numbers(np.array([0.5]))


def test_the_ride_limit_can_be_asked_of_some_rides_only() -> None:
    # Two passengers, one mile apart each stop, everybody may ride for 1.5 minutes.
    header = [1.0, 4.0, 100.0, 4.0, 1.5]
    nodes = [[float(n), float(n), 0.0, 0.0, 1.0 if n < 3 else -1.0, 0.0, 100.0] for n in range(5)]
    order = [1, 2, 3, 4]  # 1 to 3 and 2 to 4: each rides for two minutes

    assert has_schedule(header, nodes, order, 2, limited=set())
    assert not has_schedule(header, nodes, order, 2, limited={1})
    assert not has_schedule(header, nodes, order, 2)
    assert has_schedule([*header[:4], 2.0], nodes, order, 2)
