"""The interface to the LP solver, and column generation."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from retorno.optimizer.check import judge
from retorno.optimizer.classes import classes_of
from retorno.optimizer.ground import Ground
from retorno.optimizer.master import LinearProgram, Master
from tests.optimizer.oracle import optimum
from tests.optimizer.random_problems import random_problem, tiny_problem


def test_the_solver_prints_nothing_not_even_its_name() -> None:
    program = (
        "from retorno.optimizer.master import LinearProgram\n"
        "program = LinearProgram()\n"
        "rows = program.add_rows([1.0], [1.0])\n"
        "program.add_columns([1.0], [9.0], [[(rows[0], 1.0)]])\n"
        "assert program.solve(5.0)\n"
    )

    # In a process of its own: what the solver's library holds back is written when the process ends.
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60)

    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_a_linear_program_done_by_hand() -> None:
    program = LinearProgram()
    (row,) = program.add_rows([7.0], [np.inf])
    program.add_columns([3.0, 5.0], [4.0, np.inf], [[(row, 1.0)], [(row, 1.0)]])

    assert program.solve(5.0)
    # Four of the cheap column at 3, three of the dear one at 5; one more would cost 5.
    assert program.objective == pytest.approx(27.0)
    assert program.values.tolist() == pytest.approx([4.0, 3.0])
    assert program.duals.tolist() == pytest.approx([5.0])

    program.add_columns([1.0], [2.0], [[(row, 1.0)]])
    assert program.solve(5.0)
    # Two more at 1 replace two at 5.
    assert program.objective == pytest.approx(19.0)


@pytest.mark.parametrize("merge", [False, True])
@pytest.mark.parametrize("seed", range(12))
def test_the_bound_of_column_generation_is_never_above_the_optimum(seed: int, merge: bool) -> None:
    problem = tiny_problem(seed)
    ground = Ground(problem)
    told: list[int] = []

    master = Master(ground, classes_of(ground, merge=merge))
    relaxed = master.generate(seconds=20.0, on_bound=told.append)

    assert relaxed.is_closed
    assert relaxed.bound_cents <= judge(problem, optimum(problem)).value_cents
    # Once nothing outside the LP improves it, its value is the bound.
    assert relaxed.bound_cents == pytest.approx(master.program.objective + ground.constant_cents, abs=2.0)
    assert told == sorted(told)
    assert told[-1] == relaxed.bound_cents


def test_every_person_has_a_way_or_stays_in_the_linear_program() -> None:
    ground = Ground(random_problem(11, group_count=13, horizon_days=7))
    master = Master(ground, classes_of(ground, merge=True))

    relaxed = master.generate(seconds=20.0)

    for travel, ways in zip(master.classes, relaxed.amounts, strict=True):
        assert sum(amount for _, amount in ways) <= travel.count + 1e-6


@pytest.mark.parametrize("seed", range(12))
def test_the_first_bound_needs_no_program_and_says_something(seed: int) -> None:
    problem = tiny_problem(seed)
    ground = Ground(problem)
    told: list[int] = []

    def is_told() -> bool:
        return bool(told)

    master = Master(ground, classes_of(ground, merge=False))
    master.generate(seconds=20.0, on_bound=told.append, should_stop=is_told)

    assert master.rounds == 0
    assert 0 < told[0] <= judge(problem, optimum(problem)).value_cents


def test_column_generation_stops_when_asked() -> None:
    ground = Ground(random_problem(11, group_count=13, horizon_days=7))

    relaxed = Master(ground, classes_of(ground, merge=False)).generate(seconds=20.0, should_stop=lambda: True)

    assert not relaxed.is_closed
