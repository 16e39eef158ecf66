"""Drivers' rest in the search: what a vehicle drives day by day, its empty ways included, and whether it rests enough.

Between two tasks a vehicle takes the cheapest empty way; the walks here read it from the connection tables exactly as
the finished plan does.
"""

from __future__ import annotations

from typing import Any

from numba import njit

NOTHING = -1
UNREACHABLE = 1_000_000_000


@njit(cache=True)  # type: ignore[untyped-decorator]
def walk(ground: Any, kind: int, start: int, leave_day: int, end: int, on_day: int, route: Any) -> None:
    """Changes ``route``: the trip of each day on the cheapest empty way; the gap must be in the tables."""
    site = start
    for day in range(leave_day, on_day):
        left = ground.leave[kind, site, day, on_day - day, end]
        idle = 0 if ground.is_depot[site] else ground.away_cents
        if idle + ground.leave[kind, site, day + 1, on_day - day - 1, end] == left:
            continue
        for edge in range(ground.edge_start[day], ground.edge_start[day + 1]):
            there = ground.edge_to[edge]
            if (
                ground.edge_from[edge] == site
                and ground.edge_cost[kind, edge] + ground.leave[kind, there, day + 1, on_day - day - 1, end] == left
            ):
                route[day] = ground.edge_trip[kind, edge]
                site = there
                break


@njit(cache=True)  # type: ignore[untyped-decorator]
def walk_between(ground: Any, kind: int, start: int, leave_day: int, end: int, on_day: int, route: Any) -> None:
    """Changes ``route``: the same over a gap of any length; long ones lead by way of a depot, where waiting is free."""
    gap, longest = on_day - leave_day, ground.longest_gap
    if gap <= longest:
        walk(ground, kind, start, leave_day, end, on_day, route)
        return
    if ground.is_depot[start]:
        walk(ground, kind, start, on_day - longest, end, on_day, route)
        return
    half = min(longest, gap // 2)
    rest = min(longest, gap - half)
    by_way_of, least = ground.depots[0], -1
    for depot in ground.depots:
        cost = ground.leave[kind, start, leave_day, half, depot] + ground.leave[kind, depot, on_day - rest, rest, end]
        if least < 0 or cost < least:
            least, by_way_of = cost, depot
    walk(ground, kind, start, leave_day, by_way_of, leave_day + half, route)
    walk(ground, kind, by_way_of, on_day - rest, end, on_day, route)


@njit(cache=True)  # type: ignore[untyped-decorator]
def walk_home(ground: Any, kind: int, start: int, leave_day: int, route: Any) -> None:
    """Changes ``route``: the trip of each day on the cheapest way to the end of the plan."""
    site = start
    for day in range(leave_day, ground.day_count):
        left = ground.tail[kind, site, day]
        idle = 0 if ground.is_depot[site] else ground.away_cents
        if idle + ground.tail[kind, site, day + 1] == left:
            continue
        for edge in range(ground.edge_start[day], ground.edge_start[day + 1]):
            there = ground.edge_to[edge]
            if (
                ground.edge_from[edge] == site
                and ground.edge_cost[kind, edge] + ground.tail[kind, there, day + 1] == left
            ):
                route[day] = ground.edge_trip[kind, edge]
                site = there
                break


@njit(cache=True)  # type: ignore[untyped-decorator]
def rests(ground: Any, vehicle: int, route: Any) -> Any:
    """Whether a vehicle that drives ``route`` rests enough, its days before now counted in."""
    most, window, now = ground.rest_most, ground.rest_window, ground.now
    worked = 0
    for before in range(1, min(window, now + 1)):
        worked += ground.drove_before[vehicle, before]
    for day in range(now, ground.day_count):
        # The days from ``day - window + 1`` to ``day``.
        if route[day] >= 0:
            worked += 1
            if worked > most:
                return False
            if day == now:
                if ground.trip_first_min[route[day]] < ground.free_from_min[vehicle]:
                    return False
            elif route[day - 1] >= 0:
                night = 1440 + ground.trip_first_min[route[day]] - ground.trip_last_min[route[day - 1]]
                if night < ground.rest_night:
                    return False
        out = day - window + 1
        if out >= now:
            worked -= 1 if route[out] >= 0 else 0
        elif now - out < ground.drove_before.shape[1]:
            worked -= ground.drove_before[vehicle, now - out]
    return True


@njit(cache=True)  # type: ignore[untyped-decorator]
def follow(ground: Any, load: Any, vehicle: int, trip: int, on_day: int, route: Any) -> Any:
    """Changes ``route``: what a vehicle drives from now on, with one more task if ``on_day`` is a day.

    A vehicle that may not drive home at once for want of rest first waits as few days as it needs. True if it rests
    enough; always if the problem asks for no rest.
    """
    kind, days = ground.vehicle_type[vehicle], ground.day_count
    route[:] = NOTHING
    place, leave_day = ground.vehicle_site[vehicle], ground.now
    is_used = ground.vehicle_is_past[vehicle]
    for day in range(ground.now, days):
        task = trip if day == on_day else load.task[vehicle, day]
        if task < 0:
            continue
        walk_between(ground, kind, place, leave_day, ground.trip_start[task], day, route)
        route[day] = task
        place, leave_day = ground.trip_end[task], day + 1
        is_used = True
    if not is_used:
        return True
    for start in range(leave_day, days + 1):
        if ground.tail[kind, place, start] >= UNREACHABLE:
            return False
        route[leave_day:] = NOTHING
        walk_home(ground, kind, place, start, route)
        if ground.rest_most == 0 or rests(ground, vehicle, route):
            return True
    return False


@njit(cache=True)  # type: ignore[untyped-decorator]
def stays_rested(ground: Any, load: Any, vehicle: int, trip: int, day: int) -> Any:
    """Whether a vehicle with one more task still rests enough; always if the problem asks for no rest."""
    if ground.rest_most == 0:
        return True
    return follow(ground, load, vehicle, trip, day, load.route)


@njit(cache=True)  # type: ignore[untyped-decorator]
def restless_vehicle(ground: Any, load: Any, start: int) -> Any:
    """The first vehicle from ``start`` on that does not rest enough, or -1."""
    if ground.rest_most == 0:
        return -1
    for vehicle in range(start, ground.vehicle_type.size):
        if load.task_count[vehicle] > 0 and not follow(ground, load, vehicle, NOTHING, NOTHING, load.route):
            return vehicle
    return -1
