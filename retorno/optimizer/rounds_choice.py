"""The best choice among routes met: every request on exactly one of them or paid for, no more routes than vehicles."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any, Final

import highspy
import numpy as np

from retorno.optimizer.master import quiet_highs

Array = np.ndarray[Any, Any]

# Our assumptions, measured: more routes than this make the choice slower than the search it helps.
MOST_ROUTES: Final = 6_000
ADDED_AT_ONCE: Final = 1_000
LEAST_GAIN: Final = 1e-6


@dataclass(frozen=True, kw_only=True, eq=False)
class Routes:
    """Routes to choose from.

    Parameters
    ----------
    cost, kind
        Per route: its cost, and the kind of its vehicle.
    first, member
        The requests of route ``r`` are ``member[first[r] : first[r + 1]]``; no route is empty.
    """

    cost: Array
    kind: Array
    first: Array
    member: Array


def best_choice(
    routes: Routes, price: Array, vehicles: Array, *, incumbent: Array, value: float, seconds: float
) -> Array | None:
    """Positions of routes that together cost less than ``value``, or ``None``.

    ``price`` is per request what leaving it out costs, ``vehicles`` per kind how many there are, ``incumbent`` the
    positions of the routes that cost ``value``.  The linear relaxation takes routes in as their reduced cost calls
    for them; only those that can still be part of a better choice go into the integer problem.
    """
    deadline = time.monotonic() + seconds
    requests = len(price)
    solver = quiet_highs(0)
    nothing = np.zeros(0, dtype=np.int32)
    for _ in range(requests):
        solver.addRow(1.0, 1.0, 0, nothing, np.zeros(0))
    for count in vehicles:
        solver.addRow(-highspy.kHighsInf, float(count), 0, nothing, np.zeros(0))
    for request in range(requests):
        solver.addCol(float(price[request]), 0.0, 1.0, 1, np.array([request], dtype=np.int32), np.ones(1))
    inside: list[int] = []
    is_inside = np.zeros(len(routes.cost), dtype=np.bool_)

    def add(positions: Array) -> None:
        for route in positions:
            rows = routes.member[routes.first[route] : routes.first[route + 1]]
            index = np.append(rows, requests + routes.kind[route]).astype(np.int32)
            solver.addCol(float(routes.cost[route]), 0.0, 1.0, len(index), index, np.ones(len(index)))
        inside.extend(int(route) for route in positions)
        is_inside[positions] = True

    add(incumbent)
    while True:
        solver.setOptionValue("time_limit", solver.getRunTime() + max(0.05, deadline - time.monotonic()))
        solver.run()
        if solver.getModelStatus() != highspy.HighsModelStatus.kOptimal:
            return None
        dual = np.array(solver.getSolution().row_dual)
        paid = np.add.reduceat(dual[routes.member], routes.first[:-1]) + dual[requests + routes.kind]
        reduced = routes.cost - paid
        wanted = np.flatnonzero((reduced < -LEAST_GAIN) & ~is_inside)
        if not len(wanted):
            break
        if time.monotonic() > deadline:
            return None
        add(wanted[np.argsort(reduced[wanted], kind="stable")[:ADDED_AT_ONCE]])
    gap = value - solver.getInfo().objective_function_value
    if gap < LEAST_GAIN or time.monotonic() > deadline:
        return None
    useful = np.flatnonzero((reduced < gap) & ~is_inside)
    # Columns of the relaxation whose reduced cost is too large stay in: they are few.
    add(useful[np.argsort(reduced[useful], kind="stable")[:MOST_ROUTES]])
    return _integer(solver, requests, inside, value, deadline)


def _integer(solver: Any, requests: int, inside: list[int], value: float, deadline: float) -> Array | None:
    count = requests + len(inside)
    for column in range(count):
        solver.changeColIntegrality(column, highspy.HighsVarType.kInteger)
    solver.setOptionValue("objective_bound", value - LEAST_GAIN)
    solver.setOptionValue("mip_rel_gap", 0.0)
    solver.setOptionValue("mip_abs_gap", LEAST_GAIN)
    solver.setOptionValue("time_limit", solver.getRunTime() + max(0.05, deadline - time.monotonic()))
    solver.run()
    found = np.array(solver.getSolution().col_value)
    if len(found) != count or not solver.getSolution().value_valid:
        return None
    if solver.getInfo().objective_function_value > value - LEAST_GAIN:
        return None
    return np.array([route for route, share in zip(inside, found[requests:], strict=True) if share > 0.5], dtype=int)
