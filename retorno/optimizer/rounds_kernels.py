"""The compiled inner loops of local rounds: exact schedules of one route and the cheapest place for a request.

Nodes: pick-up ``i`` and drop ``n + i`` of request ``i``, then start and end depot of every kind of vehicle.  A route
is a row of nodes from its start depot to its end depot.  Its *least* schedule is the earliest time of every stop
that keeps all windows, the longest rides and the longest route; its *greatest* schedule the latest.  Any place for a
request is pruned by both, and what is left is tested exactly, so nothing legal is refused and nothing illegal kept.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from numba import njit

# Times closer than this count as equal, so that rounding of sums cannot loop for ever; the judge allows more.
EPS = 1e-9
FAR = 1e18
KINDS_OF_SEATS = 4


class Streets(NamedTuple):
    """What does not change during a search; ``n`` requests, ``k`` kinds of vehicles, ``2 n + 2 k`` nodes.

    Parameters
    ----------
    cost, minutes
        From row node to column node: objective, and minutes of driving.
    cost_to, minutes_to
        The same from column to row: all ways to one node lie side by side.
    service, early, late
        Per node: minutes of service, window.
    ride
        Per request: most minutes on board.
    load
        Shape ``(n, 4)``: seats, wheelchair places, stretcher places, seats together with escorts' seats.
    room
        Shape ``(k, set-ups, 4)``: what a set-up has of each; set-ups that a kind has not are -1.
    most
        Shape ``(k, 4)``: the largest of each over the set-ups.
    one_setup
        Whether every kind has one set-up, so that ``most`` is exact.
    longest
        Per kind: most minutes of a route.
    kind
        Per vehicle: its kind.
    price
        Per request: what leaving it out costs.
    is_metric
        Whether no detour shortens a cost, so that an insertion never costs less than a part of it.
    apart
        Shape ``(n, n)`` or ``(0, 0)``: requests that may not be on one route.
    mark, set_mark
        Random 64-bit numbers of the nodes and of the requests.
    """

    cost: Any
    minutes: Any
    cost_to: Any
    minutes_to: Any
    service: Any
    early: Any
    late: Any
    ride: Any
    load: Any
    room: Any
    most: Any
    one_setup: bool
    longest: Any
    kind: Any
    price: Any
    is_metric: bool
    apart: Any
    mark: Any
    set_mark: Any


@njit(cache=True)  # type: ignore[untyped-decorator, unused-ignore]
def least_times(streets: Any, route: Any, length: int, longest: float, time: Any, at: Any, sums: Any) -> bool:
    """Fill the earliest schedule of a route; False if it has none.

    ``time``, ``sums`` have an entry per stop, ``at`` one per node (the position of the stops so far).  Goes forward;
    a ride too long puts its boarding off and goes on from there.  What driving alone makes too long is refused at
    once, and putting off happens at most a few times per stop; beyond that the sweeps with their proven number decide.
    """
    minutes = streets.minutes
    service = streets.service
    late = streets.late
    n = streets.ride.shape[0]
    last = length - 1
    before = route[0]
    time[0] = streets.early[before]
    at[before] = 0
    total = 0.0
    sums[0] = 0.0
    for k in range(1, length):
        node = route[k]
        total += service[before] + minutes[before, node]
        sums[k] = total
        at[node] = k
        time[k] = streets.early[node]
        if n <= node < 2 * n:
            pick = at[node - n]
            if total - sums[pick] - service[node - n] > streets.ride[node - n] + EPS:
                return False
        before = node
    if total > longest + EPS:
        return False
    jumps = 0
    k = 1
    while k < length:
        node = route[k]
        earliest = time[k - 1] + sums[k] - sums[k - 1]
        if earliest > time[k]:
            time[k] = earliest
        if time[k] > late[node] + EPS:
            return False
        pick = -1
        need = 0.0
        if k == last:
            pick = 0
            need = time[k] - longest
        elif node >= n:
            pick = at[node - n]
            need = time[k] - streets.ride[node - n] - service[node - n]
        if pick >= 0 and need > time[pick] + EPS:
            if need > late[route[pick]] + EPS:
                return False
            time[pick] = need
            jumps += 1
            if jumps > 4 * length:
                return bool(_sweeps(streets, route, length, longest, time, at, sums))
            k = pick + 1
        else:
            k += 1
    return True


@njit(cache=True)  # type: ignore[untyped-decorator, unused-ignore]
def _sweeps(streets: Any, route: Any, length: int, longest: float, time: Any, at: Any, sums: Any) -> bool:
    """Go on with the earliest schedule in whole sweeps: one that changes after as many as stops proves it has none."""
    n = streets.ride.shape[0]
    last = length - 1
    for _ in range(length + 1):
        changed = False
        for k in range(1, length):
            earliest = time[k - 1] + sums[k] - sums[k - 1]
            if earliest > time[k] + EPS:
                time[k] = earliest
                changed = True
        for k in range(last, 0, -1):
            node = route[k]
            pick = -1
            need = 0.0
            if k == last:
                pick = 0
                need = time[k] - longest
            elif node >= n:
                pick = at[node - n]
                need = time[k] - streets.ride[node - n] - streets.service[node - n]
            if pick >= 0 and need > time[pick] + EPS:
                time[pick] = need
                changed = True
        for k in range(length):
            if time[k] > streets.late[route[k]] + EPS:
                return False
        if not changed:
            return True
    return False


@njit(cache=True)  # type: ignore[untyped-decorator, unused-ignore]
def greatest_times(streets: Any, route: Any, length: int, longest: float, time: Any, at: Any, sums: Any) -> None:
    """Fill the latest schedule of a route that has one; ``at`` and ``sums`` as `least_times` left them."""
    n = streets.ride.shape[0]
    last = length - 1
    for k in range(length):
        time[k] = streets.late[route[k]]
    k = last - 1
    jumps = 0
    while k >= 0:
        node = route[k]
        latest = time[k + 1] - (sums[k + 1] - sums[k])
        if latest < time[k]:
            time[k] = latest
        drop = -1
        most = 0.0
        if k == 0:
            drop = last
            most = time[k] + longest
        elif node < n:
            drop = at[node + n]
            most = time[k] + streets.ride[node] + streets.service[node]
        if drop >= 0 and most < time[drop] - EPS and jumps <= 1000 * length:
            time[drop] = most
            jumps += 1
            k = drop - 1
        else:
            k -= 1


@njit(cache=True)  # type: ignore[untyped-decorator, unused-ignore]
def fits_a_setup(streets: Any, route: Any, length: int, kind: int) -> bool:
    """Whether one set-up of the vehicle has room for the route's load at every stop."""
    n = streets.ride.shape[0]
    setups = streets.room.shape[1]
    top0 = top1 = top2 = top3 = 0
    now0 = now1 = now2 = now3 = 0
    for k in range(1, length - 1):
        node = route[k]
        if node < n:
            now0 += streets.load[node, 0]
            now1 += streets.load[node, 1]
            now2 += streets.load[node, 2]
            now3 += streets.load[node, 3]
            top0 = max(top0, now0)
            top1 = max(top1, now1)
            top2 = max(top2, now2)
            top3 = max(top3, now3)
        else:
            now0 -= streets.load[node - n, 0]
            now1 -= streets.load[node - n, 1]
            now2 -= streets.load[node - n, 2]
            now3 -= streets.load[node - n, 3]
    for setup in range(setups):
        room = streets.room[kind, setup]
        if top0 <= room[0] and top1 <= room[1] and top2 <= room[2] and top3 <= room[3]:
            return True
    return False


@njit(cache=True)  # type: ignore[untyped-decorator, unused-ignore]
def is_legal_with(
    streets: Any,
    route: Any,
    length: int,
    kind: int,
    request: int,
    after: int,
    before: int,
    row: Any,
    time: Any,
    at: Any,
    sums: Any,
) -> bool:
    """Whether a route stays legal with a pick-up after position ``after`` and its drop after position ``before``."""
    n = streets.ride.shape[0]
    k = 0
    for position in range(length):
        row[k] = route[position]
        k += 1
        if position == after:
            row[k] = request
            k += 1
        if position == before:
            row[k] = request + n
            k += 1
    if not streets.one_setup and not fits_a_setup(streets, row, k, kind):
        return False
    return bool(least_times(streets, row, k, streets.longest[kind], time, at, sums))


@njit(cache=True)  # type: ignore[untyped-decorator, unused-ignore]
def has_room(streets: Any, aboard: Any, request: int, most: Any) -> bool:
    """Whether the request's load fits beside ``aboard`` into ``most``."""
    load = streets.load[request]
    return bool(
        aboard[0] + load[0] <= most[0]
        and aboard[1] + load[1] <= most[1]
        and aboard[2] + load[2] <= most[2]
        and aboard[3] + load[3] <= most[3]
    )


@njit(cache=True)  # type: ignore[untyped-decorator, unused-ignore]
def cheapest_place(
    streets: Any,
    route: Any,
    length: int,
    kind: int,
    request: int,
    cutoff: float,
    least: Any,
    greatest: Any,
    aboard: Any,
    step_cost: Any,
    step_min: Any,
    row: Any,
    time: Any,
    at: Any,
    sums: Any,
) -> tuple[float, int, int]:
    """(rise of the cost, position before the pick-up, position before the drop) of the cheapest legal insertion.

    Only insertions that cost less than ``cutoff`` count; without one the positions are -1.  Both positions are of the
    route as it is: equal ones mean the drop comes straight after the pick-up.  ``least``, ``greatest``, ``aboard``
    (load after each stop), ``step_cost``, ``step_min`` (from each stop to the next) are the route's own; ``row``,
    ``time``, ``at``, ``sums`` are scratch.
    """
    n = streets.ride.shape[0]
    drop = request + n
    cost_pick = streets.cost[request]
    cost_drop = streets.cost[drop]
    cost_to_pick = streets.cost_to[request]
    cost_to_drop = streets.cost_to[drop]
    minutes_pick = streets.minutes[request]
    minutes_drop = streets.minutes[drop]
    minutes_to_pick = streets.minutes_to[request]
    minutes_to_drop = streets.minutes_to[drop]
    service = streets.service
    early = streets.early
    late = streets.late
    most = streets.most[kind]
    best = cutoff
    best_after = -1
    best_before = -1
    if streets.apart.shape[0] > 0:
        for k in range(1, length - 1):
            if route[k] < n and streets.apart[request, route[k]]:
                return FAR, best_after, best_before
    service_pick = service[request]
    service_drop = service[drop]
    ride = streets.ride[request] + EPS
    # The least detour for the drop between any two stops: no insertion apart from the pick-up costs less.
    detour = FAR
    if streets.is_metric:
        for k in range(length - 1):
            detour = min(detour, cost_to_drop[route[k]] + cost_drop[route[k + 1]] - step_cost[k])
    for a in range(length - 1):
        node = route[a]
        free = least[a] + service[node]
        if free > late[request] + EPS:
            break
        follower = route[a + 1]
        rise = cost_to_pick[node] - step_cost[a]
        if streets.is_metric and rise + cost_pick[follower] >= best - EPS:
            continue
        picked = max(early[request], free + minutes_to_pick[node])
        if picked > late[request] + EPS or not has_room(streets, aboard[a], request, most):
            continue
        # The drop straight after the pick-up.
        dropped = max(early[drop], picked + service_pick + minutes_pick[drop])
        if dropped <= late[drop] + EPS and dropped + service_drop + minutes_drop[follower] <= greatest[a + 1] + EPS:
            total = rise + cost_pick[drop] + cost_drop[follower]
            if total < best - EPS and is_legal_with(streets, route, length, kind, request, a, a, row, time, at, sums):
                best = total
                best_after = a
                best_before = a
        # The drop after a later stop.
        rise += cost_pick[follower]
        if streets.is_metric and rise + detour >= best - EPS:
            continue
        here = max(least[a + 1], picked + service_pick + minutes_pick[follower])
        latest_end = min(late[request], greatest[a + 1] - minutes_pick[follower] - service_pick) + service_pick
        for b in range(a + 1, length - 1):
            node = route[b]
            if here > greatest[b] + EPS or not has_room(streets, aboard[b], request, most):
                break
            free = here + service[node]
            if free > late[drop] + EPS or free - latest_end > ride:
                break
            follower = route[b + 1]
            total = rise + cost_to_drop[node] + cost_drop[follower] - step_cost[b]
            if total < best - EPS:
                dropped = max(early[drop], free + minutes_to_drop[node])
                if (
                    dropped <= late[drop] + EPS
                    and dropped - latest_end <= ride
                    and dropped + service_drop + minutes_drop[follower] <= greatest[b + 1] + EPS
                    and is_legal_with(streets, route, length, kind, request, a, b, row, time, at, sums)
                ):
                    best = total
                    best_after = a
                    best_before = b
            here = max(least[b + 1], free + step_min[b])
    return best, best_after, best_before
