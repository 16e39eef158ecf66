"""The compiled search of local rounds: ruin, recreate, anneal, and remember every route met."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numba import njit

from retorno.optimizer.rounds_kernels import FAR, cheapest_place, fits_a_setup, greatest_times, least_times

GOLDEN = np.uint64(0x9E3779B97F4A7C15)
MIX1 = np.uint64(0xBF58476D1CE4E5B9)
MIX2 = np.uint64(0x94D049BB133111EB)
ONE = np.uint64(1)
U11 = np.uint64(11)
U27 = np.uint64(27)
U30 = np.uint64(30)
U31 = np.uint64(31)
# Having one possible route only counts as a loss of this much.
NO_SECOND = 1e7
# Share of the rounds in which two vehicles of different kinds change rounds instead of a ruin.
EXCHANGED = 0.03


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


# ---- ruin ---------------------------------------------------------------------------------------------


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


# ---- recreate -----------------------------------------------------------------------------------------


@njit(cache=True)  # type: ignore[untyped-decorator, unused-ignore]
def is_second_empty(kind: Any, length: Any, vehicle: int) -> bool:
    """Whether an earlier vehicle of the same kind is unused as well: trying one of them is enough."""
    if length[vehicle] > 2:
        return False
    for other in range(vehicle - 1, -1, -1):
        if kind[other] != kind[vehicle]:
            return False
        if length[other] == 2:
            return True
    return False


@njit(cache=True)  # type: ignore[untyped-decorator, unused-ignore]
def recreate_in_order(
    streets: Any, plan: Any, memory: Any, size: int, blink: float, ceiling: float, scratch: Any
) -> int:
    """Put the bank back one by one, each where it costs least; a route is overlooked with chance ``blink``.

    Nobody goes in at more than their price, unless that is below ``ceiling``.
    """
    vehicles = plan.length.shape[0]
    n = plan.route_of.shape[0]
    how = draw(scratch.random)
    for k in range(size):
        request = scratch.bank[k]
        if how < 0.4:
            value = draw(scratch.random)
        elif how < 0.55:
            value = -streets.load[request, 0] + 0.5 * draw(scratch.random)
        elif how < 0.7:
            depot = 2 * n
            value = -streets.cost[depot, request] - streets.cost[depot, request + n]
        elif how < 0.8:
            value = streets.cost[2 * n, request] + streets.cost[2 * n, request + n]
        elif how < 0.9:
            value = min(streets.late[request], streets.late[request + n])
        else:
            value = -min(streets.late[request], streets.late[request + n])
        scratch.rank[k] = value
    for k in range(1, size):
        request = scratch.bank[k]
        value = scratch.rank[k]
        j = k - 1
        while j >= 0 and scratch.rank[j] > value:
            scratch.bank[j + 1] = scratch.bank[j]
            scratch.rank[j + 1] = scratch.rank[j]
            j -= 1
        scratch.bank[j + 1] = request
        scratch.rank[j + 1] = value
    # Taken out of the tuples once: handing whole tuples over for every look into the memory costs more than the look.
    random, kind, set_mark = scratch.random, streets.kind, streets.set_mark
    length, route_key, places = plan.length, plan.key, memory.places
    left = 0
    for k in range(size):
        request = scratch.bank[k]
        best = FAR
        best_vehicle = -1
        best_after = 0
        best_before = 0
        # Where it was is often best again, and then the others are soon refused.
        home = scratch.home[request]
        for turn in range(-1, vehicles):
            vehicle = home if turn < 0 else turn
            if turn == home or vehicle < 0 or draw(random) < blink or is_second_empty(kind, length, vehicle):
                continue
            is_known, rise, after, before = known_place(places, mixed(route_key[vehicle] ^ set_mark[request]), best)
            if not is_known:
                rise, after, before = place_of(streets, plan, memory, vehicle, request, best, scratch)
            if rise < best:
                best = rise
                best_vehicle = vehicle
                best_after = after
                best_before = before
        if best_vehicle >= 0 and best <= max(ceiling, streets.price[request]):
            scratch.touched[best_vehicle] = 1
            insert(streets, plan, best_vehicle, request, best_after, best_before, scratch)
        else:
            left += 1
    return left


@njit(cache=True)  # type: ignore[untyped-decorator, unused-ignore]
def recreate_by_regret(
    streets: Any, plan: Any, memory: Any, size: int, depth: int, noise: float, ceiling: float, scratch: Any
) -> int:
    """Put the bank back, first the request that loses most if it must take its second (or third) best route."""
    vehicles = plan.length.shape[0]
    for k in range(size):
        for vehicle in range(vehicles):
            rise, after, before = place_of(streets, plan, memory, vehicle, scratch.bank[k], FAR, scratch)
            if rise < FAR:
                rise *= 1.0 + noise * draw(scratch.random)
            scratch.rise[k, vehicle] = rise
            scratch.spot[k, vehicle, 0] = after
            scratch.spot[k, vehicle, 1] = before
    left = 0
    while size > 0:
        chosen = -1
        chosen_regret = -FAR
        chosen_rise = FAR
        chosen_vehicle = -1
        k = 0
        while k < size:
            first = second = third = FAR
            best_vehicle = -1
            for vehicle in range(vehicles):
                rise = scratch.rise[k, vehicle]
                if rise < first:
                    third = second
                    second = first
                    first = rise
                    best_vehicle = vehicle
                elif rise < second:
                    third = second
                    second = rise
                elif rise < third:
                    third = rise
            request = scratch.bank[k]
            if best_vehicle < 0:
                # No place now means none later: routes only fill up.
                scratch.taken_bank[left] = request
                left += 1
                size -= 1
                scratch.bank[k] = scratch.bank[size]
                scratch.rise[k, :vehicles] = scratch.rise[size, :vehicles]
                scratch.spot[k, :vehicles] = scratch.spot[size, :vehicles]
                continue
            if first > max(ceiling, streets.price[request]):
                k += 1
                continue
            regret = min(second, NO_SECOND) - first
            if depth > 2:
                regret += min(third, NO_SECOND) - first
            if depth == 1:
                regret = -first
            if regret > chosen_regret or (regret == chosen_regret and first < chosen_rise):
                chosen = k
                chosen_regret = regret
                chosen_rise = first
                chosen_vehicle = best_vehicle
            k += 1
        if chosen < 0:
            break
        scratch.touched[chosen_vehicle] = 1
        insert(
            streets,
            plan,
            chosen_vehicle,
            scratch.bank[chosen],
            scratch.spot[chosen, chosen_vehicle, 0],
            scratch.spot[chosen, chosen_vehicle, 1],
            scratch,
        )
        size -= 1
        scratch.bank[chosen] = scratch.bank[size]
        scratch.rise[chosen, :vehicles] = scratch.rise[size, :vehicles]
        scratch.spot[chosen, :vehicles] = scratch.spot[size, :vehicles]
        for k in range(size):
            rise, after, before = place_of(streets, plan, memory, chosen_vehicle, scratch.bank[k], FAR, scratch)
            if rise < FAR:
                rise *= 1.0 + noise * draw(scratch.random)
            scratch.rise[k, chosen_vehicle] = rise
            scratch.spot[k, chosen_vehicle, 0] = after
            scratch.spot[k, chosen_vehicle, 1] = before
    return left + size


# ---- the search ---------------------------------------------------------------------------------------


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


@njit(cache=True)  # type: ignore[untyped-decorator, unused-ignore]
def search(
    streets: Any,
    plan: Any,
    before: Any,
    best: Any,
    memory: Any,
    near_space: Any,
    near_time: Any,
    rounds: int,
    heat_from: float,
    heat_to: float,
    most_out: int,
    share: Any,
    scratch: Any,
) -> None:
    """Do ``rounds`` rounds of ruin and recreate from ``plan``; ``best`` becomes the best plan met.

    ``before`` is a copy of ``plan`` (for taking back); the heat of the annealing falls from ``heat_from`` to
    ``heat_to`` within these rounds.
    """
    n = plan.route_of.shape[0]
    vehicles = plan.length.shape[0]
    value = value_of(streets, plan)
    best_value = value_of(streets, best)
    for step in range(rounds):
        heat = heat_from * (heat_to / heat_from) ** (step / rounds)
        scratch.touched[:] = 0
        size = 0
        for request in range(n):
            if plan.route_of[request] < 0:
                scratch.bank[size] = request
                size += 1
        choice = draw(scratch.random)
        wanted = 1 + int(draw(scratch.random) * most_out)
        if streets.longest.shape[0] > 1 and draw(scratch.random) < EXCHANGED:
            exchange_vehicles(streets, plan, scratch)
        elif choice < share[0]:
            near = near_space if draw(scratch.random) < 0.5 else near_time
            size = ruin_strings(plan, near, wanted, size, scratch)
        elif choice < share[1]:
            near = near_space if draw(scratch.random) < 0.5 else near_time
            size = ruin_related(plan, near, wanted, size, scratch)
        elif choice < share[2]:
            size = ruin_random(plan, max(1, wanted // 2), size, scratch)
        elif choice < share[3]:
            size = ruin_worst(streets, plan, max(1, wanted // 2), size, scratch)
        else:
            size = ruin_route(plan, near_space, wanted, size, scratch)
        for vehicle in range(vehicles):
            if scratch.touched[vehicle]:
                take_out(streets, plan, vehicle, scratch)
        # Requests that are each too dear alone may be worth their prices together.
        ceiling = FAR if draw(scratch.random) < 0.2 else 0.0
        how = draw(scratch.random)
        if how < share[4] or size * vehicles > scratch.most_cells[0]:
            recreate_in_order(streets, plan, memory, size, share[5], ceiling, scratch)
        else:
            depth = 1 + int(draw(scratch.random) * 3)
            noise = 0.0 if draw(scratch.random) < 0.5 else share[6]
            recreate_by_regret(streets, plan, memory, size, depth, noise, ceiling, scratch)
        for vehicle in range(vehicles):
            if scratch.touched[vehicle]:
                remember(streets, plan, memory, vehicle, scratch)
        found = value_of(streets, plan)
        if found < value - heat * np.log(1.0 - draw(scratch.random)):
            value = found
            for vehicle in range(vehicles):
                if scratch.touched[vehicle]:
                    copy_route(streets, plan, before, vehicle)
            before.route_of[:] = plan.route_of
            if value < best_value - 1e-7:
                best_value = value
                copy_plan(streets, plan, best)
        else:
            for vehicle in range(vehicles):
                if scratch.touched[vehicle]:
                    copy_route(streets, before, plan, vehicle)
            plan.route_of[:] = before.route_of
