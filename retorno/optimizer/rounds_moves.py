"""The compiled search of local rounds: ruin, recreate, anneal, and remember every route met."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from retorno.optimizer.rounds_kernels import FAR
from retorno.optimizer.rounds_ruin import (
    exchange_vehicles,
    ruin_random,
    ruin_related,
    ruin_route,
    ruin_strings,
    ruin_worst,
)
from retorno.optimizer.rounds_state import (
    copy_plan,
    copy_route,
    draw,
    insert,
    known_place,
    mixed,
    place_of,
    remember,
    take_out,
    value_of,
)

# Having one possible route only counts as a loss of this much.
NO_SECOND = 1e7
# Share of the rounds in which two vehicles of different kinds change rounds instead of a ruin.
EXCHANGED = 0.03


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
