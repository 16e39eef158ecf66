"""Tiny problems are solved to the optimum and proven, as brute force says; what is changed alike changes nothing.

The brute force (`oracle`) shares no code with the solver.
"""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from retorno.errors import Refused
from retorno.optimizer.check import judge
from retorno.optimizer.problem import Problem, problem_from_json, problem_to_json
from retorno.optimizer.solve import Settings, solve
from tests.optimizer.oracle import optimum
from tests.optimizer.random_problems import odd_problem, tiny_problem

SETTINGS = Settings(seconds=60.0, seed=1, max_rounds=120)


def solved_as_by_brute_force(problem: Problem) -> None:
    """Hold what `solve` finds, and proves, against the enumeration of everything."""
    best = optimum(problem)
    bounds_and_plans: list[tuple[int | None, int]] = []
    if best is None:
        with pytest.raises(Refused):
            solve(problem, SETTINGS)
        return
    best_cents = judge(problem, best).value_cents

    result = solve(
        problem, SETTINGS, on_progress=lambda told: bounds_and_plans.append((told.bound_cents, told.value_cents))
    )

    assert (result.value_cents, result.failures) == (best_cents, ())
    # No bound that was ever told lies above the best plan, no plan below it.
    assert all(bound is None or bound <= best_cents for bound, _ in bounds_and_plans)
    assert all(value >= best_cents for _, value in bounds_and_plans)
    assert (result.bound_cents, result.stop_reason) == (best_cents, "optimal")


@pytest.mark.parametrize("seed", range(20))
def test_tiny_problems_are_solved_to_the_optimum_and_proven(seed: int) -> None:
    solved_as_by_brute_force(tiny_problem(seed))


@pytest.mark.parametrize("seed", range(40))
def test_odd_problems_and_replans_are_solved_to_the_optimum_and_proven(seed: int) -> None:
    problem = odd_problem(seed)
    assert problem_from_json(problem_to_json(problem)) == problem
    solved_as_by_brute_force(problem)


@pytest.mark.long
@pytest.mark.parametrize("start", range(20, 1020, 50))
def test_a_thousand_tiny_problems_are_solved_to_the_optimum_and_proven(start: int) -> None:
    for seed in range(start, start + 50):
        solved_as_by_brute_force(tiny_problem(seed))


@pytest.mark.long
@pytest.mark.parametrize("start", range(40, 1040, 50))
def test_a_thousand_odd_problems_and_replans_are_solved_to_the_optimum_and_proven(start: int) -> None:
    for seed in range(start, start + 50):
        solved_as_by_brute_force(odd_problem(seed))


def test_a_group_that_needs_escorts_from_nowhere_stays_and_the_rest_is_proven() -> None:
    problem = tiny_problem(4)
    alone = replace(problem.groups[0], escorts=1, escort_pool=None)

    solved_as_by_brute_force(replace(problem, groups=(alone, *problem.groups[1:])))


@pytest.mark.parametrize(
    ("seats_of_groups", "least", "aircraft"),
    [
        # Twelve seats in two aircraft of six, but no aircraft takes two groups of four.
        ((4, 4, 4), 0, 2),
        # Nobody fills the second aircraft: six and one, at least two each.
        ((6, 1), 2, 2),
        # By seats 3+3 and 5, by least load 5+3 and 3: both together by none; three of them fit into two.
        ((3, 3, 3, 2), 5, 2),
        # What a first guess by size puts wrong: 3+3 and 2+2+2.
        ((3, 3, 2, 2, 2), 6, 2),
    ],
)
def test_groups_are_shared_out_over_aircraft_one_by_one(
    seats_of_groups: tuple[int, ...], least: int, aircraft: int
) -> None:
    problem = tiny_problem(1)
    charter = replace(problem.charters[0], seats=6, min_load=least, max_per_day=aircraft, days="100", fixed_cents=100)
    groups = tuple(
        replace(
            problem.groups[0], id=f"G{n}", origin=charter.origin, destination=charter.destination, ready_day=0,
            latest_day=2, persons=seats, wheelchairs=0, vulnerable=0, barred_countries=(), escorts=0, escort_pool=None,
            wait_cents_per_day=100, unplanned_cents=100_000 + n,
        )
        for n, seats in enumerate(seats_of_groups)
    )  # fmt: skip

    solved_as_by_brute_force(
        replace(problem, trips=(), services=(), charters=(charter,), groups=groups, conflicts=(), closures=frozenset(),
                cancelled=frozenset())
    )  # fmt: skip


# ---- the same problem in other words ------------------------------------------------------------------


def value(problem: Problem) -> int:
    """The proven value of a problem."""
    result = solve(problem, SETTINGS)
    assert result.bound_cents == result.value_cents
    return result.value_cents


SEEDS = (3, 7, 11)


@pytest.mark.parametrize("seed", SEEDS)
def test_other_ids_and_another_order_of_every_list_change_no_value(seed: int) -> None:
    problem = tiny_problem(seed)
    rng = random.Random(seed)

    def mixed(rows: tuple) -> tuple:  # type: ignore[type-arg]
        return tuple(rng.sample(rows, len(rows)))

    tables = ("sites", "crossings", "vehicle_types", "trips", "services", "charters", "groups", "conflicts")
    shuffled = replace(problem, **{name: mixed(getattr(problem, name)) for name in tables})
    names = {group.id: f"ñ{number}" for number, group in enumerate(reversed(problem.groups))}
    renamed = replace(
        shuffled,
        groups=tuple(replace(group, id=names[group.id]) for group in shuffled.groups),
        conflicts=tuple((names[second], names[first]) for first, second in shuffled.conflicts),
    )

    assert value(problem) == value(shuffled) == value(renamed)


@pytest.mark.parametrize("seed", SEEDS)
def test_twice_every_price_is_twice_the_value(seed: int) -> None:
    problem = tiny_problem(seed)
    costs = {name: 2 * getattr(problem.costs, name) for name in type(problem.costs).__dataclass_fields__}
    kinds = tuple(
        replace(
            kind,
            km_cents=2 * kind.km_cents,
            day_cents=2 * kind.day_cents,
            hire_cents=2 * kind.hire_cents,
            return_cents={site: 2 * cents for site, cents in kind.return_cents.items()},
        )
        for kind in problem.vehicle_types
    )
    dearer = replace(
        problem,
        costs=replace(problem.costs, **costs),
        vehicle_types=kinds,
        services=tuple(replace(row, fare_cents=2 * row.fare_cents) for row in problem.services),
        charters=tuple(replace(row, fixed_cents=2 * row.fixed_cents) for row in problem.charters),
        groups=tuple(
            replace(
                each,
                wait_cents_per_day=2 * each.wait_cents_per_day,
                unplanned_cents=2 * each.unplanned_cents,
            )
            for each in problem.groups
        ),
    )

    assert value(dearer) == 2 * value(problem)


@pytest.mark.parametrize("seed", SEEDS)
def test_what_adds_room_never_costs_and_another_first_date_changes_nothing(seed: int) -> None:
    problem = tiny_problem(seed)
    trip = problem.trips[0]
    before = value(problem)

    seats = tuple(replace(kind, seats=kind.seats + 1) for kind in problem.vehicle_types)
    assert value(replace(problem, vehicle_types=seats)) <= before
    assert value(replace(problem, services=tuple(replace(r, seats=r.seats + 1) for r in problem.services))) <= before
    # A trip like another but longer is of no use.
    useless = replace(trip, id="useless", km=trip.km + 100)
    assert value(replace(problem, trips=(*problem.trips, useless))) == before
    assert value(replace(problem, first_date="2027-01-04", name="another")) == before


@pytest.mark.parametrize("seed", SEEDS)
def test_a_group_on_hold_costs_the_others_nothing(seed: int) -> None:
    problem = tiny_problem(seed)
    name = problem.groups[0].id
    conflicts = tuple(pair for pair in problem.conflicts if name not in pair)

    left = replace(problem, groups=problem.groups[1:], conflicts=conflicts)

    # Its charter may lose the least load by it, so only without charters the others are never worse off.
    assert value(replace(left, charters=())) <= value(replace(problem, charters=()))
