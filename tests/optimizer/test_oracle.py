"""The brute force is an oracle only if it is right: against sums done by hand and against many random plans."""

from __future__ import annotations

from dataclasses import replace

from retorno.optimizer.check import judge
from retorno.optimizer.problem import Depot, Plan, Problem
from tests.optimizer.oracle import optimum
from tests.optimizer.random_problems import random_plan, tiny_problem
from tests.optimizer.test_constraints import PROBLEM, by_charter, by_service

THREE_DAYS = replace(
    PROBLEM,
    horizon_days=3,
    crossings=tuple(replace(crossing, quota=crossing.quota[:3]) for crossing in PROBLEM.crossings),
    trips=tuple(replace(trip, days="111", vulnerable_days="111") for trip in PROBLEM.trips),
    services=tuple(replace(row, days="111", vulnerable_days="111") for row in PROBLEM.services),
    charters=tuple(replace(row, days="111") for row in PROBLEM.charters),
    depots=(Depot(site="A", own={"van": 1}, hire_max={}),),
)


def best_of(problem: Problem) -> Plan:
    """The plan of the brute force, where there is one."""
    plan = optimum(problem)
    assert plan is not None
    return plan


def test_the_oracle_finds_the_sum_done_by_hand() -> None:
    found = judge(THREE_DAYS, best_of(THREE_DAYS))

    # Both groups ride trip AC on day 0: 130 km at 3, 500 a day, 900 for the driver; two days away at C, 700 each;
    # return from C 1700; five persons ride 450 minutes and board once at 110. Five seats by air cost 15,000.
    assert found.value_cents == (390 + 500 + 900) + 2 * 700 + 1700 + 5 * (450 + 110)
    assert found.persons_unplanned == 0


def test_the_oracle_shares_an_aircraft_where_it_is_cheaper() -> None:
    cheap = tuple(replace(row, fixed_cents=9_000) for row in THREE_DAYS.charters)
    problem = replace(THREE_DAYS, trips=(), charters=cheap)

    # By air: five seats at 3000 on fly-AC, or one aircraft at 9000.
    assert best_of(problem).itineraries == {"G": (by_charter(0),), "H": (by_charter(0),)}
    assert best_of(replace(problem, charters=THREE_DAYS.charters, groups=problem.groups[:1])).itineraries == {
        "G": (by_service("fly-AC", 0),)
    }


def test_no_random_plan_beats_the_oracle() -> None:
    compared = 0
    for seed in range(30):
        problem = tiny_problem(seed)
        best = judge(problem, best_of(problem))
        assert best.is_valid
        for number in range(10):
            other = judge(problem, random_plan(problem, number))
            if other.is_valid:
                compared += 1
                assert best.value_cents <= other.value_cents, seed

    assert compared > 200
