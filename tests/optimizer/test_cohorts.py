"""Cohorts: rough classes that find prices, and prove nothing by themselves."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from retorno.optimizer import cohorts
from retorno.optimizer.check import judge
from retorno.optimizer.classes import Start, TravelClass, classes_of
from retorno.optimizer.cohorts import cohort_prices, cohorts_of, joined
from retorno.optimizer.ground import Ground
from retorno.optimizer.master import Master
from retorno.optimizer.pricing import PRICED, Prices, between
from tests.optimizer.oracle import optimum
from tests.optimizer.random_problems import random_problem, tiny_problem


def _persons(*, count: int, first: int, wait_cents: float) -> TravelClass:
    """Merged persons who may start from ``first`` to day 20."""
    ground = Ground(random_problem(3))
    sample = next(travel for travel in classes_of(ground, merge=True) if travel.is_merged)
    return replace(
        sample,
        count=count,
        starts=tuple(Start(day=day, node=0, elapsed=0) for day in range(first, 21)),
        ready_day=first,
        latest_day=20,
        wait_cents=wait_cents,
    )


def test_a_cohort_has_all_persons_their_mean_weight_and_the_start_of_the_median_person() -> None:
    early, middle, late = (
        _persons(count=3, first=0, wait_cents=1000.0),
        _persons(count=5, first=1, wait_cents=2000.0),
        _persons(count=2, first=2, wait_cents=4000.0),
    )

    cohort = joined([late, early, middle])

    assert cohort.count == 10
    # (3 x 1000 + 5 x 2000 + 2 x 4000) / 10
    assert cohort.wait_cents == pytest.approx(2100.0)
    # The fifth of ten persons starts on day 1.
    assert [start.day for start in cohort.starts] == list(range(1, 21))


def test_only_starts_within_a_quarter_of_the_horizon_are_joined() -> None:
    classes = [_persons(count=1, first=first, wait_cents=1000.0) for first in (0, 2, 3, 5, 6)]

    assert cohorts_of(classes, 21) == [[0, 1, 2], [3, 4]]


def test_persons_with_facts_stay_alone() -> None:
    free = _persons(count=1, first=0, wait_cents=1000.0)
    classes = [free, replace(free, was_planned=True), free, replace(free, is_locked=True), replace(free, starts=())]

    assert cohorts_of(classes, 21) == [[0, 2], [1], [3], [4]]


@pytest.mark.parametrize("seed", range(12))
def test_the_bound_at_prices_of_cohorts_is_never_above_the_optimum(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cohorts, "MANY_CLASSES", 0)
    monkeypatch.setattr(cohorts, "MOST_SHARE", 1.0)
    monkeypatch.setattr(cohorts, "START_PARTS", 1)
    problem = tiny_problem(seed)
    ground = Ground(problem)
    master = Master(ground, classes_of(ground, merge=True))
    told: list[int] = []

    start = cohort_prices(master, seconds=20.0, gap=1e-3)
    assert start is not None
    master.generate(seconds=20.0, start=start, on_bound=told.append)

    assert told
    assert max(told) <= judge(problem, optimum(problem)).value_cents


def test_few_classes_need_no_cohorts() -> None:
    ground = Ground(random_problem(3))

    assert cohort_prices(Master(ground, classes_of(ground, merge=True)), seconds=20.0, gap=1e-3) is None


def test_prices_between_two_lie_at_the_share_of_the_first() -> None:
    ground = Ground(random_problem(3))
    first, second = Prices(ground, 1), Prices(ground, 1)
    for name in PRICED:
        getattr(first, name)[:] = 7.0
        getattr(second, name)[:] = 2.0

    mixed = between(first, second, 0.2)

    # 0.2 x 7 + 0.8 x 2
    for name in PRICED:
        assert np.allclose(getattr(mixed, name), 3.0)
    assert np.all(second.seat == 2.0)
