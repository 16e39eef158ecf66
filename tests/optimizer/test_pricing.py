"""Shortest paths at given prices, and the bound that holds for any prices whatever."""

from __future__ import annotations

import random

import numpy as np
import pytest

from retorno.optimizer.check import judge
from retorno.optimizer.classes import classes_of
from retorno.optimizer.ground import INFINITE, Ground
from retorno.optimizer.pricing import Prices, Pricing, whole_bound
from tests.optimizer.oracle import optimum
from tests.optimizer.random_problems import random_problem, tiny_problem


def priced(ground: Ground, *, merge: bool, seed: int) -> Pricing:
    """Pricing at random prices of every kind; most are 0, as in a real dual point."""
    pricing = Pricing(ground, classes_of(ground, merge=merge))
    prices = Prices(ground, len(pricing.classes))
    rng = np.random.default_rng(seed)
    chooser = random.Random(seed)

    def some(shape: tuple[int, ...], most: float) -> np.ndarray:
        return rng.uniform(0, most, shape) * (rng.random(shape) < 0.3)

    for name in ("seat", "wheelchair", "quota", "bed", "reception", "service", "charter_seat", "charter_least"):
        setattr(prices, name, some(getattr(prices, name).shape, 30_000))
    prices.escort = some(prices.escort.shape, 30_000)
    for index, travel in enumerate(pricing.classes):
        if chooser.random() < 0.5:
            strong = prices.strong_of(index, travel)
            strong += some(strong.shape, 30_000)
    for number in range(len(ground.problem.conflicts)):
        prices.conflict_of(number)[:] = some(prices.conflict_of(number).shape, 30_000)
    pricing.set_prices(prices)
    return pricing


def bound_of(pricing: Pricing) -> float:
    cents = [
        pricing.bound_of_class(i, INFINITE if travel.is_locked else pricing.sweep(i).best())
        for i, travel in enumerate(pricing.classes)
    ]
    move, aircraft = pricing.revenues()
    return pricing.bound_cents(cents, pricing.fleet(move), pricing.charter_slack(aircraft))


@pytest.mark.parametrize("merge", [False, True])
@pytest.mark.parametrize("seed", range(12))
def test_no_prices_whatever_give_a_bound_above_the_optimum(seed: int, merge: bool) -> None:
    problem = tiny_problem(seed)
    best = judge(problem, optimum(problem)).value_cents

    bounds = [bound_of(priced(Ground(problem), merge=merge, seed=101 * seed + n)) for n in range(5)]

    assert max(bounds) <= best + 1e-6


@pytest.mark.parametrize("seed", range(8))
def test_the_price_of_the_cheapest_itinerary_is_the_sum_of_its_parts(seed: int) -> None:
    ground = Ground(random_problem(seed, group_count=9, horizon_days=6, replan=seed % 2 == 1))
    pricing = priced(ground, merge=False, seed=seed)

    for index, travel in enumerate(pricing.classes):
        if travel.is_locked:
            continue
        sweep = pricing.sweep(index)
        # A later start never costs more than waiting for it in a bed, so only the best option is read exactly.
        price, number, layer = min(sweep.options(), default=(INFINITE, 0, 0))
        if price < INFINITE / 10:
            way = pricing.way(travel, sweep.path(number, layer))
            assert pricing.price_of(index, way, sweep.cost) == pytest.approx(price)
            assert way.arrival_day <= travel.latest_day
            assert way.arrival_day - way.first_day <= travel.journey_days


@pytest.mark.parametrize("seed", range(8))
def test_the_cheapest_ride_lies_on_the_cheapest_itinerary(seed: int) -> None:
    ground = Ground(random_problem(seed, group_count=7, horizon_days=6))
    pricing = priced(ground, merge=False, seed=seed)

    for index in range(len(pricing.classes)):
        sweep = pricing.sweep(index)
        through = sweep.through(sweep.reach())
        best = sweep.best()
        assert min(float(through.min()), INFINITE / 2) == pytest.approx(min(best, INFINITE / 2))
        if best < INFINITE / 10:
            _, number, layer = min(sweep.options())
            assert all(through[ride, day] == pytest.approx(best) for ride, day in sweep.path(number, layer))


def test_a_bound_is_rounded_up_to_whole_cents_but_never_past_a_value() -> None:
    assert whole_bound(12_345.4) == 12_346
    # A rounding error of the solver may not lift a bound over the value 12,345 that it proves.
    assert whole_bound(12_345.000001) == 12_345
