"""A plan rounded from the linear program: whole vehicles, families whole, valid, repeatable."""

from __future__ import annotations

import numpy as np
import pytest

from retorno.optimizer.check import judge
from retorno.optimizer.classes import classes_of
from retorno.optimizer.construct import Draft, construct
from retorno.optimizer.dive import dive, settle
from retorno.optimizer.ground import Ground
from retorno.optimizer.master import Master, Relaxed
from retorno.optimizer.problem import Problem
from retorno.optimizer.setting import prepare
from retorno.optimizer.timespace import build
from tests.optimizer.random_problems import random_problem


def dived(problem: Problem) -> tuple[Relaxed, Draft]:
    """The whole solution of a problem's program and the draft made of it."""
    master = Master(Ground(problem), classes_of(Ground(problem), merge=True), seed=5)
    whole = dive(master, master.generate(seconds=60.0), seconds=60.0)
    return whole, settle(prepare(build(problem)), master, whole)


@pytest.mark.parametrize("seed", [3, 11, 19, 27])
def test_a_dived_plan_is_valid_and_costs_no_less_than_the_bound(seed: int) -> None:
    problem = random_problem(seed)
    whole, draft = dived(problem)

    verdict = judge(problem, draft.to_plan())

    assert verdict.violations == ()
    assert verdict.value_cents == draft.value_cents
    assert verdict.value_cents >= whole.bound_cents


def test_vehicles_and_aircraft_of_a_dive_are_whole() -> None:
    whole, _ = dived(random_problem(11))

    numbers = [*whole.moves.values(), *whole.aircraft.values()]

    assert all(number == round(number) and number > 0 for number in numbers)


def test_no_vehicle_of_a_dive_runs_empty() -> None:
    _, draft = dived(random_problem(19))

    running = draft.load.task >= 0

    assert running.any()
    assert (draft.load.aboard[running] > 0).all()


def test_the_same_dive_gives_the_same_plan() -> None:
    problem = random_problem(27)

    _, first = dived(problem)
    _, second = dived(problem)

    assert first.value_cents == second.value_cents
    assert np.array_equal(first.load.leg_ride, second.load.leg_ride)
    assert np.array_equal(first.load.task, second.load.task)


def test_a_dive_that_has_no_time_still_leads_to_a_plan() -> None:
    problem = random_problem(3)
    master = Master(Ground(problem), classes_of(Ground(problem), merge=True), seed=5)
    whole = dive(master, master.generate(seconds=60.0), seconds=0.0)

    draft = settle(prepare(build(problem)), master, whole)

    assert judge(problem, draft.to_plan()).violations == ()
    alone = construct(prepare(build(problem)), expected=6.0)
    assert len(draft.unplanned) <= len(alone.unplanned)
