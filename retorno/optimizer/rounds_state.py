"""The plan that the search for local rounds changes, its memory of routes and places, and how both are kept right."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numba import njit

from retorno.optimizer.rounds_kernels import FAR, cheapest_place, greatest_times, least_times

GOLDEN = np.uint64(0x9E3779B97F4A7C15)
MIX1 = np.uint64(0xBF58476D1CE4E5B9)
MIX2 = np.uint64(0x94D049BB133111EB)
ONE = np.uint64(1)
U11 = np.uint64(11)
U27 = np.uint64(27)
U30 = np.uint64(30)
U31 = np.uint64(31)


class Plan(NamedTuple):
    """A plan that changes: one row per vehicle.

    Parameters
    ----------
    route, length
        Nodes from depot to depot, and how many.
    least, greatest, aboard
        Schedules and loads after each stop.
    step_cost, step_min
        From each stop to the next.
    cost, key
        Cost of each route; 64-bit mark of its order and kind.
    route_of
        Per request: its vehicle, -1 if it is left out.
    """

    route: Any
    length: Any
    least: Any
    greatest: Any
    aboard: Any
    step_cost: Any
    step_min: Any
    cost: Any
    key: Any
    route_of: Any


class Memory(NamedTuple):
    """Every route met, the cheapest order of each set of requests; and the cheapest places found before.

    Parameters
    ----------
    slots
        Open addressing: position in the lists below plus 1, 0 if free.
    set_key, cost, length, route
        Per remembered route.
    count
        One number: how many are remembered.
    places
        Direct-mapped records: mark of (route, request), rise of the cost, both positions.
    """

    slots: Any
    set_key: Any
    cost: Any
    length: Any
    route: Any
    count: Any
    places: Any


class Scratch(NamedTuple):
    """Rows to work in."""

    row: Any
    time: Any
    at: Any
    sums: Any
    bank: Any
    rank: Any
    rise: Any
    spot: Any
    touched: Any
    taken: Any
    home: Any
    taken_bank: Any
    most_cells: Any
    random: Any


@njit(cache=True)  # type: ignore[untyped-decorator, unused-ignore]
def draw(state: Any) -> float:
    """A random number from 0 up to 1 (SplitMix64); changes the state."""
    state[0] += GOLDEN
    z = state[0]
    z = (z ^ (z >> U30)) * MIX1
    z = (z ^ (z >> U27)) * MIX2
    z = z ^ (z >> U31)
    return np.float64(z >> U11) * (1.0 / 9007199254740992.0)


@njit(cache=True)  # type: ignore[untyped-decorator, unused-ignore]
def mixed(x: Any) -> Any:
    """A 64-bit number scrambled."""
    z = (x ^ (x >> U30)) * MIX1
    z = (z ^ (z >> U27)) * MIX2
    return z ^ (z >> U31)


@njit(cache=True)  # type: ignore[untyped-decorator, unused-ignore]
def refresh(streets: Any, plan: Any, vehicle: int, scratch: Any) -> bool:
    """Bring schedules, loads, cost and mark of a route up to date after its nodes changed; False if not legal."""
    n = streets.ride.shape[0]
    route = plan.route[vehicle]
    length = plan.length[vehicle]
    kind = streets.kind[vehicle]
    longest = streets.longest[kind]
    legal = least_times(streets, route, length, longest, plan.least[vehicle], scratch.at, scratch.sums)
    if legal:
        greatest_times(streets, route, length, longest, plan.greatest[vehicle], scratch.at, scratch.sums)
    aboard = plan.aboard[vehicle]
    total = 0.0
    key = mixed(np.uint64(kind + 1))
    for kind_of_seat in range(4):
        aboard[0, kind_of_seat] = 0
    for k in range(1, length):
        node = route[k]
        plan.step_cost[vehicle, k - 1] = streets.cost[route[k - 1], node]
        plan.step_min[vehicle, k - 1] = streets.minutes[route[k - 1], node]
        total += plan.step_cost[vehicle, k - 1]
        key = mixed(key ^ streets.mark[node])
        for kind_of_seat in range(4):
            change = 0
            if node < n:
                change = streets.load[node, kind_of_seat]
            elif node < 2 * n:
                change = -streets.load[node - n, kind_of_seat]
            aboard[k, kind_of_seat] = aboard[k - 1, kind_of_seat] + change
    plan.cost[vehicle] = total if length > 2 else 0.0
    plan.key[vehicle] = key
    return bool(legal)


@njit(cache=True)  # type: ignore[untyped-decorator, unused-ignore]
def known_place(places: Any, key: Any, cutoff: float) -> tuple[bool, float, int, int]:
    """Whether what is remembered under a mark answers `place_of`, and the answer."""
    known = places[np.int64(key & np.uint64(places.shape[0] - 1))]
    if known.key != key or (known.after < 0 and known.rise < cutoff):
        return False, FAR, -1, -1
    return True, known.rise if known.after >= 0 else FAR, known.after, known.before


@njit(cache=True)  # type: ignore[untyped-decorator, unused-ignore]
def place_of(
    streets: Any, plan: Any, memory: Any, vehicle: int, request: int, cutoff: float, scratch: Any
) -> tuple[float, int, int]:
    """`cheapest_place` of a request in a vehicle's route if it costs less than ``cutoff``, else ``FAR``; remembered.

    What is remembered without a place says only that none costs less than its rise.
    """
    key = mixed(plan.key[vehicle] ^ streets.set_mark[request])
    is_known, rise, after, before = known_place(memory.places, key, cutoff)
    if is_known:
        return rise, after, before
    # The first request also pays the way between the depots, which an unused vehicle does not drive.
    first = streets.cost[plan.route[vehicle, 0], plan.route[vehicle, 1]] if plan.length[vehicle] == 2 else 0.0
    rise, after, before = cheapest_place(
        streets,
        plan.route[vehicle],
        plan.length[vehicle],
        streets.kind[vehicle],
        request,
        cutoff if cutoff >= FAR else cutoff - first,
        plan.least[vehicle],
        plan.greatest[vehicle],
        plan.aboard[vehicle],
        plan.step_cost[vehicle],
        plan.step_min[vehicle],
        scratch.row,
        scratch.time,
        scratch.at,
        scratch.sums,
    )
    if rise < FAR:
        rise += first
    known = memory.places[np.int64(key & np.uint64(memory.places.shape[0] - 1))]
    known.key = key
    known.rise = rise
    known.after = after
    known.before = before
    if after < 0:
        return FAR, after, before
    return rise, after, before


@njit(cache=True)  # type: ignore[untyped-decorator, unused-ignore]
def insert(streets: Any, plan: Any, vehicle: int, request: int, after: int, before: int, scratch: Any) -> None:
    """Put a request into a route at the positions of `cheapest_place`."""
    n = streets.ride.shape[0]
    route = plan.route[vehicle]
    length = plan.length[vehicle]
    for k in range(length - 1, before, -1):
        route[k + 2] = route[k]
    route[before + 2] = request + n
    for k in range(before, after, -1):
        route[k + 1] = route[k]
    route[after + 1] = request
    plan.length[vehicle] = length + 2
    plan.route_of[request] = vehicle
    refresh(streets, plan, vehicle, scratch)


@njit(cache=True)  # type: ignore[untyped-decorator, unused-ignore]
def take_out(streets: Any, plan: Any, vehicle: int, scratch: Any) -> None:
    """Take every request that ``route_of`` no longer puts there out of a route."""
    n = streets.ride.shape[0]
    route = plan.route[vehicle]
    kept = 0
    for k in range(plan.length[vehicle]):
        node = route[k]
        if node < 2 * n and plan.route_of[node if node < n else node - n] != vehicle:
            continue
        route[kept] = node
        kept += 1
    plan.length[vehicle] = kept
    refresh(streets, plan, vehicle, scratch)


@njit(cache=True)  # type: ignore[untyped-decorator, unused-ignore]
def copy_route(streets: Any, source: Any, target: Any, vehicle: int) -> None:
    """Copy one route with all that belongs to it, ``route_of`` of its requests included."""
    n = streets.ride.shape[0]
    length = source.length[vehicle]
    target.length[vehicle] = length
    target.cost[vehicle] = source.cost[vehicle]
    target.key[vehicle] = source.key[vehicle]
    for k in range(length):
        node = source.route[vehicle, k]
        target.route[vehicle, k] = node
        target.least[vehicle, k] = source.least[vehicle, k]
        target.greatest[vehicle, k] = source.greatest[vehicle, k]
        target.step_cost[vehicle, k] = source.step_cost[vehicle, k]
        target.step_min[vehicle, k] = source.step_min[vehicle, k]
        for kind_of_seat in range(4):
            target.aboard[vehicle, k, kind_of_seat] = source.aboard[vehicle, k, kind_of_seat]
        if node < n:
            target.route_of[node] = vehicle


@njit(cache=True)  # type: ignore[untyped-decorator, unused-ignore]
def remember(streets: Any, plan: Any, memory: Any, vehicle: int, scratch: Any) -> None:
    """Remember a route; if its requests were once taken more cheaply, take them so again."""
    n = streets.ride.shape[0]
    length = plan.length[vehicle]
    if length <= 2:
        return
    key = mixed(np.uint64(streets.kind[vehicle] + 1))
    for k in range(1, length - 1):
        node = plan.route[vehicle, k]
        if node < n:
            key += streets.set_mark[node]
    mask = memory.slots.shape[0] - 1
    slot = np.int64(mixed(key) & np.uint64(mask))
    while True:
        entry = memory.slots[slot] - 1
        if entry < 0:
            entry = memory.count[0]
            if entry >= memory.cost.shape[0] or length > memory.route.shape[1]:
                return
            memory.count[0] += 1
            memory.slots[slot] = entry + 1
            memory.set_key[entry] = key
            memory.cost[entry] = FAR
            break
        if memory.set_key[entry] == key:
            break
        slot = (slot + 1) & mask
    if plan.cost[vehicle] < memory.cost[entry] - 1e-7:
        memory.cost[entry] = plan.cost[vehicle]
        memory.length[entry] = length
        for k in range(length):
            memory.route[entry, k] = plan.route[vehicle, k]
    elif memory.cost[entry] < plan.cost[vehicle] - 1e-7:
        for k in range(length):
            plan.route[vehicle, k] = memory.route[entry, k]
        # A route of the same kind may be another vehicle's: their depots are the same nodes.
        refresh(streets, plan, vehicle, scratch)


@njit(cache=True)  # type: ignore[untyped-decorator, unused-ignore]
def value_of(streets: Any, plan: Any) -> float:
    """Cost of the routes and prices of the requests left out."""
    total = 0.0
    for vehicle in range(plan.length.shape[0]):
        total += plan.cost[vehicle]
    for request in range(plan.route_of.shape[0]):
        if plan.route_of[request] < 0:
            total += streets.price[request]
    return total


@njit(cache=True)  # type: ignore[untyped-decorator, unused-ignore]
def copy_plan(streets: Any, source: Any, target: Any) -> None:
    """Make ``target`` the same plan."""
    for vehicle in range(source.length.shape[0]):
        copy_route(streets, source, target, vehicle)
    target.route_of[:] = source.route_of
