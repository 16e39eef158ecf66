"""The volume algorithm: its network says what pricing says, its loops what plain Python says."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from retorno.optimizer.bound import dual_point
from retorno.optimizer.classes import classes_of
from retorno.optimizer.ground import Floats, Ground
from retorno.optimizer.network import ChosenNetwork, positions_of
from retorno.optimizer.pricing import Prices, Pricing
from retorno.optimizer.volume import CHUNK, LEAST_STEP, MOST_STEP, PATIENCE, Volume, evaluate
from tests.optimizer.random_problems import random_problem


def whole_network(seed: int) -> tuple[Pricing, ChosenNetwork]:
    """A random problem, every group twice in even seeds, with every ride chosen for every class."""
    problem = random_problem(seed, group_count=7, horizon_days=6, replan=seed % 2 == 1)
    if problem.replan is None:
        twins = tuple(replace(group, id=f"{group.id}-twin") for group in problem.groups)
        problem = replace(problem, groups=problem.groups + twins)
    ground = Ground(problem)
    pricing = Pricing(ground, classes_of(ground, merge=False))
    every = np.arange(ground.rides * ground.days, dtype=np.int64)
    return pricing, ChosenNetwork(pricing, [every] * len(pricing.classes))


def random_multipliers(chosen: ChosenNetwork, seed: int) -> Floats:
    """A price of up to 30 dollars for a third of all rows that limit something."""
    chooser = np.random.default_rng(seed)
    rows = len(chosen.scale)
    price = chooser.uniform(0.0, 3_000.0, rows) * (chooser.random(rows) < 0.3)
    return price * (chosen.scale > 0)


@pytest.mark.parametrize("seed", range(8))
def test_the_network_of_all_rides_proves_what_pricing_proves(seed: int) -> None:
    pricing, chosen = whole_network(seed)
    prices = random_multipliers(chosen, seed)

    value = Volume(chosen, prices).value_cents

    point = dual_point(pricing, chosen.prices(prices), None, seed=1, with_through=False)
    assert point is not None
    # Beds and escorts of an old itinerary that is kept cost nothing in the network: it may then prove less.
    assert value <= point.bound_cents + 1e-3
    if not any(pricing.kept):
        assert value == pytest.approx(point.bound_cents)


@pytest.mark.parametrize("seed", range(2))
def test_compiled_and_plain_loops_agree(seed: int) -> None:
    _, chosen = whole_network(seed)
    volume = Volume(chosen, random_multipliers(chosen, seed))
    work = [np.array(array) for array in volume._work]

    plain = evaluate.py_func(chosen.network, volume.centre, *work)

    assert plain + chosen.ground.constant_cents == pytest.approx(volume.value_cents)
    active = chosen.network.active
    assert work[0][active] == pytest.approx(volume.mean[active])


@pytest.mark.parametrize("seed", range(4))
def test_use_less_capacity_is_how_the_value_changes_with_a_price(seed: int) -> None:
    _, chosen = whole_network(seed)
    prices = random_multipliers(chosen, seed)
    volume = Volume(chosen, prices)
    excess = volume.mean.copy()
    # A concave function lies below every tangent.
    for other in range(5):
        moved = random_multipliers(chosen, 100 + other)
        tangent = volume.value_cents + float(excess @ (moved - prices))
        assert Volume(chosen, moved).value_cents <= tangent + 1e-3


def test_steps_never_lose_what_was_reached() -> None:
    _, chosen = whole_network(2)
    volume = Volume(chosen, np.zeros(len(chosen.scale)))
    begun = volume.value_cents

    volume.run(most=200, aim_cents=3 * abs(begun) + 1e6, seconds=20.0)

    assert volume.count == 200
    assert volume.value_cents > begun
    assert Volume(chosen, volume.centre).value_cents == pytest.approx(volume.value_cents)


def test_steps_are_those_of_the_method_written_down_plainly() -> None:
    _, chosen = whole_network(2)
    net = chosen.network
    active, scale = net.active, chosen.scale[net.active]
    volume = Volume(chosen, np.zeros(len(chosen.scale)))
    aim = 3 * abs(float(volume.state[0])) + 1e6
    best, length, weight, misses = volume.state.tolist()
    centre, mean = volume.centre[active], volume.mean[active]
    work = [np.array(array) for array in volume._work]

    volume.run(most=CHUNK, aim_cents=aim + chosen.ground.constant_cents, seconds=60.0)

    for _ in range(CHUNK):
        counted = (mean > 0) | (centre > 0)
        step = length * (aim - best) / float((mean**2 * scale)[counted].sum())
        prices = np.maximum(0.0, centre + step * scale * mean)
        every = np.zeros(len(chosen.scale))
        every[active] = prices
        found = evaluate(net, every, *work)
        excess = work[0][active]
        # The mean of both that is shortest, between a tenth of the weight and the weight.
        apart = float(((excess - mean) ** 2 * scale).sum())
        along = float((mean * (mean - excess) * scale).sum())
        share = float(np.clip(along / apart if apart > 1e-12 else weight, weight / 10, weight))
        is_the_same_way = float((excess * mean * scale).sum()) > 0
        mean = share * excess + (1 - share) * mean
        if found > best:
            best, misses, centre = found, 0, prices
            length = min(1.1 * length, MOST_STEP) if is_the_same_way else length
        else:
            misses += 1
            if misses >= PATIENCE:
                length, misses = max(0.66 * length, LEAST_STEP), 0
    assert volume.state[[0, 1, 3]] == pytest.approx([best, length, misses])
    assert volume.centre[active] == pytest.approx(centre)
    assert volume.mean[active] == pytest.approx(mean)


def test_prices_and_their_rows_are_the_same_thing() -> None:
    pricing, chosen = whole_network(4)
    prices = random_multipliers(chosen, 4)

    assert chosen.multipliers(chosen.prices(prices)) == pytest.approx(prices)
    assert not chosen.multipliers(Prices(pricing.ground, len(pricing.classes))).any()


def test_a_class_has_only_the_rides_that_it_may_take() -> None:
    pricing, chosen = whole_network(1)
    ground = pricing.ground
    for own, travel in zip(chosen.arcs, pricing.classes, strict=True):
        assert (ground.ride_from[own // ground.days] != travel.destination).all()
    assert positions_of([(2, 1), (0, 3), (2, 1)], 5).tolist() == [3, 11]
