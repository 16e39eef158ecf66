"""Ruins of local rounds: who leaves a route to be put back, and vans that change whole rounds."""

from __future__ import annotations

from typing import Any

from numba import njit

from retorno.optimizer.rounds_kernels import fits_a_setup
from retorno.optimizer.rounds_state import draw, refresh


@njit(cache=True)  # type: ignore[untyped-decorator, unused-ignore]
def _out(plan: Any, request: int, scratch: Any, size: int) -> int:
    """Put a request into the bank; its route is cleaned up later."""
    vehicle = plan.route_of[request]
    if vehicle >= 0:
        scratch.touched[vehicle] = 1
        plan.route_of[request] = -1
        scratch.home[request] = vehicle
        scratch.bank[size] = request
        size += 1
    return size


@njit(cache=True)  # type: ignore[untyped-decorator, unused-ignore]
def ruin_related(plan: Any, near: Any, wanted: int, size: int, scratch: Any) -> int:
    """Take out a request and those most like it, with some chance."""
    n = plan.route_of.shape[0]
    seed = int(draw(scratch.random) * n)
    size = _out(plan, seed, scratch, size)
    goal = size + wanted - 1
    blur = 1.0 if draw(scratch.random) < 0.3 else 0.6
    for k in range(near.shape[1]):
        if size >= goal:
            break
        if draw(scratch.random) < blur:
            size = _out(plan, near[seed, k], scratch, size)
    return size


@njit(cache=True)  # type: ignore[untyped-decorator, unused-ignore]
def ruin_random(plan: Any, wanted: int, size: int, scratch: Any) -> int:
    """Take out any requests."""
    n = plan.route_of.shape[0]
    for _ in range(wanted):
        size = _out(plan, int(draw(scratch.random) * n), scratch, size)
    return size


@njit(cache=True)  # type: ignore[untyped-decorator, unused-ignore]
def ruin_strings(plan: Any, near: Any, wanted: int, size: int, scratch: Any) -> int:
    """Take strings of neighbouring stops out of routes that pass near one request."""
    n = plan.route_of.shape[0]
    seed = int(draw(scratch.random) * n)
    goal = size + wanted
    strings = 1 + int(draw(scratch.random) * 4)
    each = max(1, (wanted + strings - 1) // strings)
    scratch.taken[:] = 0
    for k in range(-1, near.shape[1]):
        if size >= goal or strings == 0:
            break
        request = seed if k < 0 else near[seed, k]
        vehicle = plan.route_of[request]
        if vehicle < 0 or scratch.taken[vehicle]:
            continue
        scratch.taken[vehicle] = 1
        strings -= 1
        route = plan.route[vehicle]
        stops = plan.length[vehicle] - 2
        wanted_node = request if draw(scratch.random) < 0.5 else request + n
        centre = 1
        for position in range(1, stops + 1):
            if route[position] == wanted_node:
                centre = position
        span = 1 + int(draw(scratch.random) * 2 * each)
        span = min(span, stops)
        first = centre - int(draw(scratch.random) * span)
        first = max(1, min(first, stops - span + 1))
        for position in range(first, first + span):
            node = route[position]
            size = _out(plan, node if node < n else node - n, scratch, size)
    return size


@njit(cache=True)  # type: ignore[untyped-decorator, unused-ignore]
def ruin_route(plan: Any, near: Any, wanted: int, size: int, scratch: Any) -> int:
    """Take out one whole route and a few requests near it."""
    n = plan.route_of.shape[0]
    seed = int(draw(scratch.random) * n)
    vehicle = plan.route_of[seed]
    if vehicle < 0:
        return size
    for position in range(1, plan.length[vehicle] - 1):
        node = plan.route[vehicle, position]
        if node < n:
            size = _out(plan, node, scratch, size)
    more = size + wanted // 3
    for k in range(near.shape[1]):
        if size >= more:
            break
        if draw(scratch.random) < 0.5:
            size = _out(plan, near[seed, k], scratch, size)
    return size


@njit(cache=True)  # type: ignore[untyped-decorator, unused-ignore]
def ruin_worst(streets: Any, plan: Any, wanted: int, size: int, scratch: Any) -> int:
    """Take out requests that cost much where they are, with some chance."""
    n = plan.route_of.shape[0]
    for request in range(n):
        scratch.rank[request] = 0.0
    for vehicle in range(plan.length.shape[0]):
        route = plan.route[vehicle]
        for k in range(1, plan.length[vehicle] - 1):
            node = route[k]
            saved = (
                streets.cost[route[k - 1], node]
                + streets.cost[node, route[k + 1]]
                - streets.cost[route[k - 1], route[k + 1]]
            )
            scratch.rank[node if node < n else node - n] += saved
    for request in range(n):
        scratch.rank[request] *= 0.5 + draw(scratch.random)
    for _ in range(wanted):
        worst = -1
        for request in range(n):
            if plan.route_of[request] >= 0 and (worst < 0 or scratch.rank[request] > scratch.rank[worst]):
                worst = request
        if worst < 0:
            break
        size = _out(plan, worst, scratch, size)
    return size


@njit(cache=True)  # type: ignore[untyped-decorator, unused-ignore]
def _swap(plan: Any, one: int, other: int) -> None:
    """Give each of two vehicles the other's stops; their depots stay."""
    n = plan.route_of.shape[0]
    longer = max(plan.length[one], plan.length[other]) - 1
    end_one = plan.route[one, plan.length[one] - 1]
    end_other = plan.route[other, plan.length[other] - 1]
    for k in range(1, longer):
        plan.route[one, k], plan.route[other, k] = plan.route[other, k], plan.route[one, k]
    plan.length[one], plan.length[other] = plan.length[other], plan.length[one]
    plan.route[one, plan.length[one] - 1] = end_one
    plan.route[other, plan.length[other] - 1] = end_other
    for vehicle in (one, other):
        for k in range(1, plan.length[vehicle] - 1):
            node = plan.route[vehicle, k]
            if node < n:
                plan.route_of[node] = vehicle


@njit(cache=True)  # type: ignore[untyped-decorator, unused-ignore]
def exchange_vehicles(streets: Any, plan: Any, scratch: Any) -> bool:
    """Let two vehicles of different kinds drive each other's rounds; False, and nothing changes, if they cannot."""
    vehicles = plan.length.shape[0]
    one = int(draw(scratch.random) * vehicles)
    other = int(draw(scratch.random) * vehicles)
    if streets.kind[one] == streets.kind[other] or plan.length[one] + plan.length[other] == 4:
        return False
    _swap(plan, one, other)
    legal = True
    for vehicle in (one, other):
        kind = streets.kind[vehicle]
        legal = legal and fits_a_setup(streets, plan.route[vehicle], plan.length[vehicle], kind)
        legal = refresh(streets, plan, vehicle, scratch) and legal
    if not legal:
        _swap(plan, one, other)
        refresh(streets, plan, one, scratch)
        refresh(streets, plan, other, scratch)
        return False
    scratch.touched[one] = 1
    scratch.touched[other] = 1
    return True
