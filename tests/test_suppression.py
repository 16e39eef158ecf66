"""No hidden cell of a published table can be worked out, proved by solving the linear system with its margins."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from itertools import product

import numpy as np
import pytest
from ortools.linear_solver import pywraplp

from retorno.figures.suppression import TOTAL, Key, protect, with_margins

THRESHOLD = 10
Axes = Sequence[Sequence[str]]


def sums_of(axes: Axes) -> list[tuple[list[Key], Key]]:
    """Every equation of the table: the parts over one axis, and their sum."""
    found = []
    for k, axis in enumerate(axes):
        others = product(*([*other, TOTAL] for i, other in enumerate(axes) if i != k))
        for rest in others:
            found.append(([(*rest[:k], part, *rest[k:]) for part in axis], (*rest[:k], TOTAL, *rest[k:])))
    return found


def given_back(published: Mapping[Key, int | None], axes: Axes) -> list[Key]:
    """Hidden cells that the linear system determines: their row of the null space is zero."""
    hidden = [key for key, value in published.items() if value is None]
    if not hidden:
        return []
    place = {key: i for i, key in enumerate(hidden)}
    rows = []
    for parts, total in sums_of(axes):
        row = np.zeros(len(hidden))
        for key, sign in [*((part, 1.0) for part in parts), (total, -1.0)]:
            if key in place:
                row[place[key]] += sign
        rows.append(row)
    _, singular, right = np.linalg.svd(np.array(rows))
    rank = int((singular > 1e-9).sum())
    free = right[rank:]
    return [key for key, i in place.items() if np.abs(free[:, i]).sum() < 1e-9]


def narrowest(published: Mapping[Key, int | None], axes: Axes, sums: Mapping[Key, int]) -> float:
    """Width of the narrowest range of a small cell that somebody who knows that nothing is negative can work out."""
    solver = pywraplp.Solver.CreateSolver("GLOP")
    cells = {
        key: solver.NumVar(0 if value is None else value, solver.infinity() if value is None else value, "")
        for key, value in published.items()
    }
    for parts, total in sums_of(axes):
        solver.Add(sum(cells[part] for part in parts) == cells[total])
    widths = []
    for key in (key for key, value in published.items() if value is None and sums[key] < THRESHOLD):
        solver.Maximize(cells[key])
        status = solver.Solve()
        high = cells[key].solution_value() if status == pywraplp.Solver.OPTIMAL else float("inf")
        solver.Minimize(cells[key])
        solver.Solve()
        widths.append(high - cells[key].solution_value())
    return min(widths, default=float("inf"))


def random_table(seed: int) -> tuple[dict[Key, int], Axes]:
    """A table of two or three axes; the higher the seed the emptier."""
    chance = random.Random(seed)
    axes: list[list[str]] = [list("abcde")[: chance.randint(1, 5)], list("FMX")[: chance.randint(1, 3)]]
    if seed % 3:
        axes.append(list("012345")[: chance.randint(1, 6)])
    counts = {
        key: 0 if chance.random() < 0.4 else int(chance.expovariate(1 / chance.choice((1, 3, 12, 40))))
        for key in product(*axes)
    }
    return counts, axes


@pytest.mark.parametrize("seed", [*range(10), *(pytest.param(n, marks=pytest.mark.long) for n in range(10, 40))])
def test_no_hidden_cell_can_be_worked_out_from_what_is_published(seed: int) -> None:
    counts, axes = random_table(seed)

    published = protect(counts, axes, THRESHOLD)

    sums = with_margins(counts, axes)
    assert all(value is None or value >= THRESHOLD for value in published.values())
    assert all(value is None or value == sums[key] for key, value in published.items())
    if sums[(TOTAL,) * len(axes)] >= THRESHOLD:
        assert given_back(published, axes) == []
        assert narrowest(published, axes, sums) >= THRESHOLD - 1e-6


def test_hiding_small_cells_alone_would_give_them_back() -> None:
    axes = (("HN", "SV"), ("F", "M"))
    counts = {("HN", "F"): 3, ("HN", "M"): 40, ("SV", "F"): 30, ("SV", "M"): 50}
    small_only = {key: value if value >= THRESHOLD else None for key, value in with_margins(counts, axes).items()}

    assert given_back(small_only, axes) == [("HN", "F")]
    assert given_back(protect(counts, axes, THRESHOLD), axes) == []


def test_the_number_of_everybody_is_published_from_the_threshold_on() -> None:
    axes = (("HN", "SV"), ("F", "M"))

    nine = protect({("HN", "F"): 5, ("SV", "M"): 4}, axes, THRESHOLD)
    ten = protect({("HN", "F"): 6, ("SV", "M"): 4}, axes, THRESHOLD)

    assert set(nine.values()) == {None}
    assert {key: value for key, value in ten.items() if value is not None} == {(TOTAL, TOTAL): 10}


def test_a_month_of_a_real_size_keeps_most_of_its_sums() -> None:
    """260 returns, four nationalities of which one is small: sums that a reader wants first are published."""
    chance = random.Random(3)
    axes = (("GT", "HN", "NI", "SV"), ("F", "M"), ("0-5", "6-11", "12-17", "18-29", "30+"))
    counts: dict[Key, int] = dict.fromkeys(product(*axes), 0)
    for _ in range(260):
        nationality = chance.choices(axes[0], (14, 62, 5, 19))[0]
        counts[(nationality, chance.choices("FM", (4, 6))[0], chance.choices(axes[2], (8, 6, 10, 40, 36))[0])] += 1

    published = protect(counts, axes, THRESHOLD)

    sums = with_margins(counts, axes)
    assert given_back(published, axes) == []
    assert narrowest(published, axes, sums) >= THRESHOLD - 1e-6
    assert sum(published[(name, TOTAL, TOTAL)] is not None for name in axes[0]) >= 2
    assert published[(TOTAL, "F", TOTAL)] is not None
    assert sum(published[(TOTAL, TOTAL, age)] is not None for age in axes[2]) >= 3


def test_a_table_without_small_cells_is_published_whole() -> None:
    axes = (("HN", "SV"), ("F", "M"))
    counts = dict.fromkeys(product(*axes), 12)

    assert protect(counts, axes, THRESHOLD)[("HN", TOTAL)] == 24
    assert None not in protect(counts, axes, THRESHOLD).values()
