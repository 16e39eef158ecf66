"""Aircraft chosen for everybody at once: the choice pays, and plans around it are valid and repeatable."""

from __future__ import annotations

import numpy as np
import pytest

from retorno.optimizer.check import judge
from retorno.optimizer.construct import construct
from retorno.optimizer.placement import construct_on_flights, flight_savings, search_flights, shared_seats
from retorno.optimizer.setting import prepare
from retorno.optimizer.timespace import build
from tests.optimizer.random_problems import random_problem


def chosen(cents: tuple[float, float, float], least: int) -> tuple[list[bool], list[int], float]:
    """Three aircraft of 5 seats; groups of 3, 2, 2 and 1 persons, of whom the first three gain by aircraft 0.

    Savings: by aircraft 0 the groups save 90, 50 and 40, by aircraft 1 groups 1 and 3 save 60 and 20,
    by aircraft 2 group 3 saves 25.
    """
    opened, on = np.zeros(3, dtype=np.bool_), np.zeros(4, dtype=np.int64)
    saved = search_flights(
        np.array([0, 3, 5, 6]),
        np.array([0, 1, 2, 1, 3, 3]),
        np.array([90.0, 50.0, 40.0, 60.0, 20.0, 25.0]),
        np.array([3, 2, 2, 1]),
        np.array([5, 5, 5]),
        np.array([least, least, least]),
        np.array(cents),
        np.array([0, 1, 2]),
        np.array([0, 0, 0]),
        opened,
        on,
        1,
        50,
    )
    return opened.tolist(), on.tolist(), float(saved)


def test_an_aircraft_flies_if_those_aboard_save_more_than_it_costs() -> None:
    # Aircraft 0 takes groups 0 and 1 (5 seats): 90 + 50 - 100 = 40. Aircraft 1 would cost 70 for at most 80 - 50 + 40
    # (group 1 moves over, group 2 takes its seats): 10 + 20 + 40 - 70 = 0, no gain.
    assert chosen((100.0, 70.0, 30.0), 2) == ([True, False, False], [0, 0, -1, -1], 40.0)


def test_an_aircraft_lets_another_fill_up() -> None:
    # With aircraft 1 at 40 cents: 90 + 40 aboard aircraft 0, 60 + 20 aboard aircraft 1, less 140: 70.
    assert chosen((100.0, 40.0, 30.0), 2) == ([True, True, False], [0, 1, 0, 1], 70.0)


def test_no_aircraft_flies_below_its_least_load() -> None:
    # Aircraft 0 can fill 5 seats; aircraft 1 only 3, which is less than 4.
    assert chosen((100.0, 1.0, 1.0), 4) == ([True, False, False], [0, 0, -1, -1], 40.0)


def test_nobody_saves_by_an_aircraft_that_takes_longer_than_going_alone() -> None:
    setting = prepare(build(random_problem(11)))
    draft = construct(setting, expected=6.0)

    flights, alone = flight_savings(setting, shared_seats(setting), scratch=draft.scratch)

    assert (flights.saving > 0).all()
    assert (flights.saving <= alone[flights.group] + 1e-6).all()


@pytest.mark.parametrize("seed", [3, 11, 19, 27, 35])
def test_a_plan_around_aircraft_is_valid_and_repeatable(seed: int) -> None:
    problem = random_problem(seed)
    draft = construct(prepare(build(problem)), expected=6.0)

    plans = [construct_on_flights(draft, urgent_first=True, seed=1) for _ in range(2)]

    assert [plan is None for plan in plans] in ([True, True], [False, False])
    for plan in plans:
        if plan is not None:
            verdict = judge(problem, plan.to_plan())
            assert verdict.violations == ()
            assert verdict.value_cents == plan.value_cents
    assert len({plan.value_cents for plan in plans if plan is not None}) <= 1
