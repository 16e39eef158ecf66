"""Rides, slots and the sweep for cheapest ways home."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from retorno.optimizer import timespace
from retorno.optimizer.problem import Problem
from retorno.optimizer.timespace import FAR, TRIP, build, costs_to_go, read_path
from tests.optimizer.random_problems import random_problem


def sweep(problem: Problem, *, compiled: bool, seed: int) -> tuple[timespace.TimeSpace, timespace.CostsToGo]:
    """The sweep for the first group's commodity at random prices."""
    space = build(problem)
    random = np.random.default_rng(seed)
    commodity = space.commodity(problem.groups[0])
    beds = np.array([[site.beds] * space.day_count for site in problem.sites])
    togo = costs_to_go(
        space,
        destination=commodity.destination,
        allowed=space.is_allowed(commodity),
        ride_price=random.integers(0, 900, space.ride_count).astype(float),
        night_price=np.where(beds > 0, random.integers(0, 90, beds.shape), FAR),
        arrival_price=random.integers(0, 70, space.day_count).astype(float),
        journey_days=3,
        compiled=compiled,
    )
    return space, togo


@pytest.mark.parametrize("seed", range(25))
def test_the_compiled_sweep_equals_its_numpy_twin(seed: int) -> None:
    problem = random_problem(seed, group_count=3, horizon_days=6, site_count=5)

    _, fast = sweep(problem, compiled=True, seed=seed)
    _, slow = sweep(problem, compiled=False, seed=seed)

    assert (fast.value == slow.value).all()
    assert (fast.choice == slow.choice).all()


@pytest.mark.parametrize("seed", range(12))
def test_a_path_read_back_costs_what_the_sweep_says(seed: int) -> None:
    problem = random_problem(seed, group_count=3, horizon_days=6, site_count=5)
    space = build(problem)
    commodity = space.commodity(problem.groups[0])
    price = (space.ride_comfort + 7 * space.ride_fare).astype(float)
    night = np.array([[11.0 if site.beds else FAR] * space.day_count for site in problem.sites])
    togo = costs_to_go(
        space,
        destination=commodity.destination,
        allowed=space.is_allowed(commodity),
        ride_price=price,
        night_price=night,
        arrival_price=np.zeros(space.day_count),
        journey_days=3,
    )
    read = 0
    for site in range(len(problem.sites)):
        for day in range(space.day_count):
            for layer in range(4):
                value = togo.value[day, 0, site, layer]
                if value >= FAR or site == commodity.destination:
                    continue
                path = read_path(
                    space,
                    togo,
                    night_price=night,
                    destination=commodity.destination,
                    site=site,
                    day=day,
                    layer=layer,
                )
                nights = layer - sum(int(space.ride_arrive_day[ride] - space.ride_day[ride]) for ride in path)
                assert sum(price[ride] for ride in path) + 11 * nights == pytest.approx(value)
                read += 1
    assert read > 0


def test_a_ride_is_left_out_on_days_on_which_its_row_does_not_run() -> None:
    problem = random_problem(3, group_count=2, horizon_days=5, site_count=5)
    trip = problem.trips[0]
    before = build(problem)
    day = next(day for day in range(5) if before.find_ride(kind=TRIP, row=0, day=day) >= 0)

    after = build(replace(problem, cancelled=problem.cancelled | {(trip.id, day)}))

    assert after.find_ride(kind=TRIP, row=0, day=day) == -1
    assert after.ride_count < before.ride_count


def test_nobody_leaves_the_destination_again() -> None:
    problem = random_problem(5, group_count=4, horizon_days=5, site_count=5)
    space = build(problem)
    for group in problem.groups:
        allowed = space.is_allowed(space.commodity(group))
        assert not (space.ride_origin[allowed] == space.site_index[group.destination]).any()
