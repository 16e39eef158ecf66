"""Which groups sit where: free capacity, placing and taking out a group, and the value of the plan so far.

Only moves with somebody on board (*tasks*) are kept.  What a vehicle does between two tasks is the cheapest
way to stand where it is needed: idle days and empty moves, read from the *connection* tables.  So the cost of
giving a vehicle one more task is three table look-ups, and the value of a plan is kept up to date by
differences alone.

``Ground`` holds what never changes while a problem is solved, ``Load`` what placing and taking out changes;
both are plain arrays, so that the compiled functions here, in ``insert`` and in ``improve`` share them.
Vehicle types, land sites (those with trips), sites, days, vehicles, groups and rides are positions.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from retorno.optimizer.rest import UNREACHABLE as UNREACHABLE
from retorno.optimizer.rest import stays_rested

# Columns of ``Ground.ride``.
KIND, ROW, DAY, ARRIVE_DAY, BOARD, ALIGHT, ORIGIN, DESTINATION = range(8)
FARE, COMFORT, SAME_DAY, OVERNIGHT, RANK_OVERNIGHT, RANK_SAME_DAY, CROSS_START, CROSS_END = range(8, 16)
# Columns of ``Ground.group``.
PERSONS, SEATS, WHEELCHAIRS, ESCORTS, POOL, FROM, TO, READY, FIRST, LAST = range(10)
JOURNEY, WAIT, LEFT_OUT, COMMODITY, STATE, STARTED, NIGHT_FROM, START_DAY, START_SLOT, START_FLY = range(10, 20)
PROFILE, UNACCOMPANIED, WOMEN, MEN = range(20, 24)
# Values of ``Ground.group[:, STATE]``.
FREE, LOCKED, DONE = 0, 1, 2
# Columns of ``Load.gap``: how a vehicle stands on a day on which it has no task.
BEFORE, AFTER, OLD_COST, IS_SHUT = range(4)
FAR_GAP, NO_NEXT = -1, -1

LARGEST_LEGS = 16
# Changes of one vehicle type and day that a look-up catches up on one by one.
RECENT_COUNT = 6
TRIP, SERVICE, CHARTER = 0, 1, 2

Array = NDArray[Any]
# What compiled functions give back; to a type checker numpy's and numba's numbers are not Python's.
Whole = Any
Real = Any
YesNo = Any


class Ground(NamedTuple):
    """What never changes while a problem is solved.

    ``ride`` has one row per ride, sorted by day, then site of departure, flights before land rides, then
    minute; ``site_start[day, site]`` to ``site_start[day, site + 1]`` are the rides from a site on a day, the
    flights among them end before ``flight_end[day, site]``.  ``allowed[commodity, ride]`` says who may take
    what; ``ahead[profile, day, site]`` is a lower bound of a person's price from there to the destination,
    waiting from that day on included (a *profile* is a commodity with a price of waiting).
    ``reach`` and ``leave`` hold the connection cost of a vehicle type seen from its end and from
    its start: ``reach[type, to, on day, gap, from]`` and ``leave[type, from, on day, gap, to]``; ``tail`` the cost
    of ending the plan at a land site on the morning of a day.

    ``type_unaccompanied`` is the most unaccompanied children per vehicle type. With ``keeps_seats`` escorts go home in
    the vehicle that brought their group. ``rest_most`` (0: no limit) of ``rest_window`` days may be driven, with
    ``rest_night`` minutes between; ``drove_before[vehicle, n]`` is 1 if it moved n days before now, and before
    ``free_from_min[vehicle]`` it may not start today. ``edge_*`` are the empty moves of each day (``edge_start[day]``).
    """

    day_count: int
    now: int
    site_count: int
    slot_count: int
    overnight_count: int
    longest_gap: int
    return_days: int
    bed_cents: int
    escort_cents: int
    change_cents: int
    ride: Array
    site_start: Array
    flight_end: Array
    cross_ids: Array
    allowed: Array
    ahead: Array
    ahead_least: Array
    land_of: Array
    is_depot: Array
    depots: Array
    trip_start: Array
    trip_end: Array
    trip_segments: Array
    trip_cost: Array
    type_seats: Array
    type_wheelchairs: Array
    type_start: Array
    reach: Array
    leave: Array
    tail: Array
    away_cents: int
    vehicle_type: Array
    vehicle_site: Array
    vehicle_hire: Array
    vehicle_is_past: Array
    vehicle_class: Array
    charter_seats: Array
    charter_minimum: Array
    charter_cents: Array
    charter_demand: Array
    aircraft_max: Array
    group: Array
    old_legs: Array
    old_count: Array
    conflict_start: Array
    conflict_ids: Array
    service_count: int
    type_unaccompanied: Array
    keeps_seats: int
    rest_most: int
    rest_window: int
    rest_night: int
    drove_before: Array
    free_from_min: Array
    trip_first_min: Array
    trip_last_min: Array
    edge_start: Array
    edge_from: Array
    edge_to: Array
    edge_cost: Array
    edge_trip: Array


class Load(NamedTuple):
    """What placing and taking out changes.

    ``task[vehicle, day]`` is the trip run with somebody on board or -1, ``aboard`` the groups on it,
    ``seats`` and ``wheelchairs`` what is free per segment; ``first[trip, day]`` and ``next`` chain the
    vehicles of one trip and day.  ``quota``, ``beds``, ``arrivals``, ``service``, ``aircraft`` and ``escorts``
    are what is still free.  ``leg_ride``, ``leg_vehicle`` and ``leg_count`` are the itineraries; ``cost`` what
    each group contributes to ``value[0]``.

    ``open_cost`` and ``open_vehicle[type, trip, day]`` are the cheapest vehicle for one more task as last looked
    up, when ``changes[type, day]`` stood at ``open_seen``; ``recent[type, day]`` are the vehicles of the last
    changes, so that a few changes cost a few comparisons.

    ``children`` (per segment), ``linked_children`` and ``linked_escorts`` (of services, then charters, by day and
    aircraft), ``women`` and ``men`` are what is still free of limits that only version 2 of the format has;
    ``returning[vehicle, day]`` the escorts who go home in it that day; ``route`` is work space of one vehicle's days.
    """

    task: Array
    aboard: Array
    seats: Array
    wheelchairs: Array
    first: Array
    next: Array
    gap: Array
    task_count: Array
    quota: Array
    beds: Array
    arrivals: Array
    service: Array
    aircraft: Array
    aircraft_groups: Array
    escorts: Array
    leg_ride: Array
    leg_vehicle: Array
    leg_count: Array
    cost: Array
    value: Array
    changes: Array
    recent: Array
    open_cost: Array
    open_vehicle: Array
    open_seen: Array
    children: Array
    linked_children: Array
    linked_escorts: Array
    women: Array
    men: Array
    returning: Array
    route: Array


@njit(cache=True)  # type: ignore[untyped-decorator]
def far_cost(ground: Ground, kind: int, start: int, leave_day: int, end: int, on_day: int) -> Whole:
    """Connection cost over more days than the tables hold: by way of a depot, where waiting is free."""
    gap = on_day - leave_day
    longest = ground.longest_gap
    if gap <= longest:
        return ground.leave[kind, start, leave_day, gap, end]
    if ground.is_depot[start]:
        return ground.leave[kind, start, on_day - longest, longest, end]
    best = UNREACHABLE
    half = min(longest, gap // 2)
    rest = min(longest, gap - half)
    for depot in ground.depots:
        cost = ground.leave[kind, start, leave_day, half, depot] + ground.leave[kind, depot, on_day - rest, rest, end]
        if cost < best:
            best = cost
    return best


@njit(cache=True)  # type: ignore[untyped-decorator]
def note_change(load: Load, kind: int, day: int, vehicle: int) -> None:
    """Changes ``load``: what a vehicle of a type could do on a day is no longer what it was."""
    load.recent[kind, day, load.changes[kind, day] % RECENT_COUNT] = vehicle
    load.changes[kind, day] += 1


@njit(cache=True)  # type: ignore[untyped-decorator]
def refresh_gaps(ground: Ground, load: Load, vehicle: int, low: int, high: int) -> None:
    """Changes ``load``: how a vehicle stands on each day between two of its tasks (``low`` and ``high``)."""
    days = ground.day_count
    kind = ground.vehicle_type[vehicle]
    lands = ground.reach.shape[4]
    if low < 0:
        place, leave_day = ground.vehicle_site[vehicle], ground.now
    else:
        place, leave_day = ground.trip_end[load.task[vehicle, low]], low + 1
    if high < days:
        target = ground.trip_start[load.task[vehicle, high]]
        old = far_cost(ground, kind, place, leave_day, target, high)
    else:
        target = -1
        old = ground.tail[kind, place, leave_day]
    if low < 0 and high >= days and not ground.vehicle_is_past[vehicle]:
        old = -ground.vehicle_hire[vehicle]
    for day in range(max(low + 1, ground.now), min(high, days)):
        gap = day - leave_day
        if gap > ground.longest_gap and ground.is_depot[place]:
            gap = ground.longest_gap
        load.gap[day, vehicle, BEFORE] = gap * lands + place if gap <= ground.longest_gap else FAR_GAP
        if target < 0:
            load.gap[day, vehicle, AFTER] = NO_NEXT
        elif high - day - 1 <= ground.longest_gap:
            load.gap[day, vehicle, AFTER] = (high - day - 1) * lands + target
        else:
            # Told apart from "no next task" by its sign: look the way up in full.
            load.gap[day, vehicle, AFTER] = -2
        load.gap[day, vehicle, OLD_COST] = old
        load.gap[day, vehicle, IS_SHUT] = 0
        note_change(load, kind, day, vehicle)


@njit(cache=True)  # type: ignore[untyped-decorator]
def neighbours(ground: Ground, load: Load, vehicle: int, day: int) -> tuple[Whole, Whole]:
    """The days of a vehicle's last task before and first task after a day; -1 and the day count if none."""
    low = day - 1
    while low >= 0 and load.task[vehicle, low] < 0:
        low -= 1
    high = day + 1
    while high < ground.day_count and load.task[vehicle, high] < 0:
        high += 1
    return low, high


@njit(cache=True)  # type: ignore[untyped-decorator]
def task_cost(ground: Ground, load: Load, vehicle: int, trip: int, day: int) -> Whole:
    """What the plan's cost rises by if a vehicle takes one more task; ``UNREACHABLE`` or more: it cannot."""
    if load.gap[day, vehicle, IS_SHUT]:
        return UNREACHABLE
    kind = ground.vehicle_type[vehicle]
    start, end = ground.trip_start[trip], ground.trip_end[trip]
    before, after = load.gap[day, vehicle, BEFORE], load.gap[day, vehicle, AFTER]
    lands = ground.reach.shape[4]
    if before >= 0:
        cost = ground.reach[kind, start, day, before // lands, before % lands]
    else:
        low, _ = neighbours(ground, load, vehicle, day)
        place = ground.vehicle_site[vehicle] if low < 0 else ground.trip_end[load.task[vehicle, low]]
        cost = far_cost(ground, kind, place, ground.now if low < 0 else low + 1, start, day)
    if after == NO_NEXT:
        cost += ground.tail[kind, end, day + 1]
    elif after >= 0:
        cost += ground.leave[kind, end, day + 1, after // lands, after % lands]
    else:
        _, high = neighbours(ground, load, vehicle, day)
        cost += far_cost(ground, kind, end, day + 1, ground.trip_start[load.task[vehicle, high]], high)
    if cost >= UNREACHABLE:
        return UNREACHABLE
    return cost + ground.trip_cost[kind, trip] - load.gap[day, vehicle, OLD_COST]


@njit(cache=True)  # type: ignore[untyped-decorator]
def cheapest_vehicle(ground: Ground, load: Load, kind: int, trip: int, day: int) -> tuple[Whole, Whole]:
    """The vehicle of a type that takes a new task at the least cost: (cost, vehicle); kept until it changes."""
    seen, now = load.open_seen[kind, trip, day], load.changes[kind, day]
    best, who = load.open_cost[kind, trip, day], load.open_vehicle[kind, trip, day]
    if seen == now:
        return best, who
    is_known = seen >= 0 and now - seen <= RECENT_COUNT
    for change in range(seen, now if is_known else seen):
        if load.recent[kind, day, change % RECENT_COUNT] == who:
            is_known = False
    if is_known:
        for change in range(seen, now):
            vehicle = load.recent[kind, day, change % RECENT_COUNT]
            cost = task_cost(ground, load, vehicle, trip, day)
            if cost < best:
                best, who = cost, vehicle
    else:
        best, who = UNREACHABLE, -1
        start, end = ground.trip_start[trip], ground.trip_end[trip]
        reach = ground.reach[kind, start, day].ravel()
        leave = ground.leave[kind, end, min(day + 1, ground.day_count)].ravel()
        tail = ground.tail[kind, end, day + 1]
        own = ground.trip_cost[kind, trip]
        gaps = load.gap[day]
        for vehicle in range(ground.type_start[kind], ground.type_start[kind + 1]):
            if gaps[vehicle, IS_SHUT]:
                continue
            before, after = gaps[vehicle, BEFORE], gaps[vehicle, AFTER]
            if before >= 0 and after >= NO_NEXT:
                cost = np.int64(reach[before]) + (tail if after == NO_NEXT else leave[after])
                if cost >= UNREACHABLE:
                    continue
                cost += own - gaps[vehicle, OLD_COST]
            else:
                cost = task_cost(ground, load, vehicle, trip, day)
            if cost < best:
                best, who = cost, vehicle
    load.open_cost[kind, trip, day] = best
    load.open_vehicle[kind, trip, day] = who
    load.open_seen[kind, trip, day] = now
    return best, who


@njit(cache=True)  # type: ignore[untyped-decorator]
def add_task(ground: Ground, load: Load, vehicle: int, trip: int, day: int) -> None:
    """Changes ``load``: a vehicle runs a trip on a day, empty so far."""
    load.value[0] += task_cost(ground, load, vehicle, trip, day)
    kind = ground.vehicle_type[vehicle]
    load.task[vehicle, day] = trip
    load.task_count[vehicle] += 1
    load.aboard[vehicle, day] = 0
    for segment in range(ground.trip_segments[trip]):
        load.seats[vehicle, day, segment] = ground.type_seats[kind] - load.returning[vehicle, day]
        load.wheelchairs[vehicle, day, segment] = ground.type_wheelchairs[kind]
        load.children[vehicle, day, segment] = ground.type_unaccompanied[kind]
    load.next[vehicle, day] = load.first[trip, day]
    load.first[trip, day] = vehicle
    low, high = neighbours(ground, load, vehicle, day)
    refresh_gaps(ground, load, vehicle, low, day)
    refresh_gaps(ground, load, vehicle, day, high)
    load.gap[day, vehicle, IS_SHUT] = 1
    note_change(load, kind, day, vehicle)
    if load.task_count[vehicle] == 1 and not ground.vehicle_is_past[vehicle]:
        open_spare(ground, load, ground.vehicle_class[vehicle])


@njit(cache=True)  # type: ignore[untyped-decorator]
def open_spare(ground: Ground, load: Load, vehicle_class: int) -> None:
    """Changes ``load``: of the unused vehicles of one kind at a depot, the first stands ready."""
    for vehicle in range(ground.vehicle_class.size):
        if ground.vehicle_class[vehicle] == vehicle_class and load.task_count[vehicle] == 0:
            if load.gap[ground.now, vehicle, IS_SHUT]:
                refresh_gaps(ground, load, vehicle, np.int64(-1), np.int64(ground.day_count))
            return


@njit(cache=True)  # type: ignore[untyped-decorator]
def drop_task(ground: Ground, load: Load, vehicle: int, day: int) -> None:
    """Changes ``load``: a vehicle no longer runs the trip of a day on which nobody is on board."""
    trip = load.task[vehicle, day]
    if load.first[trip, day] == vehicle:
        load.first[trip, day] = load.next[vehicle, day]
    else:
        other = load.first[trip, day]
        while load.next[other, day] != vehicle:
            other = load.next[other, day]
        load.next[other, day] = load.next[vehicle, day]
    load.task[vehicle, day] = -1
    load.task_count[vehicle] -= 1
    low, high = neighbours(ground, load, vehicle, day)
    refresh_gaps(ground, load, vehicle, low, high)
    load.value[0] -= task_cost(ground, load, vehicle, trip, day)


@njit(cache=True)  # type: ignore[untyped-decorator]
def meets_conflict(ground: Ground, load: Load, group: int, vehicle: int, day: int) -> YesNo:
    """Whether somebody who must not share a vehicle with the group rides it that day."""
    for position in range(ground.conflict_start[group], ground.conflict_start[group + 1]):
        other = ground.conflict_ids[position]
        for leg in range(load.leg_count[other]):
            ride = load.leg_ride[other, leg]
            if (
                np.int64(ground.ride[ride, KIND]) == TRIP
                and np.int64(ground.ride[ride, DAY]) == day
                and load.leg_vehicle[other, leg] == vehicle
            ):
                return True
    return False


@njit(cache=True)  # type: ignore[untyped-decorator]
def escorts_back(ground: Ground, group: int, ride: int) -> Whole:
    """How many escorts of a group keep their seats in the vehicle of a ride, to go home in it."""
    if ground.keeps_seats and np.int64(ground.ride[ride, DESTINATION]) == ground.group[group, TO]:
        return ground.group[group, ESCORTS]
    return 0


@njit(cache=True)  # type: ignore[untyped-decorator]
def last_day_back(ground: Ground, day: int) -> Whole:
    """The last day of the plan on which escorts who arrived on a day are on their way home."""
    return min(day + ground.return_days, ground.day_count - 1)


@njit(cache=True)  # type: ignore[untyped-decorator]
def can_bring_back(ground: Ground, load: Load, vehicle: int, day: int, escorts: int) -> YesNo:
    """Whether a vehicle has seats for escorts on its tasks of the days after a day."""
    if escorts == 0:
        return True
    for later in range(day + 1, last_day_back(ground, day) + 1):
        trip = load.task[vehicle, later]
        if trip >= 0:
            for segment in range(ground.trip_segments[trip]):
                if load.seats[vehicle, later, segment] < escorts:
                    return False
    return True


@njit(cache=True)  # type: ignore[untyped-decorator]
def can_open(ground: Ground, load: Load, vehicle: int, trip: int, day: int, seats: int, escorts: int) -> YesNo:
    """Whether a vehicle that may take a new task keeps its rest, and seats for escorts who ride home in it."""
    if ground.keeps_seats:
        if ground.type_seats[ground.vehicle_type[vehicle]] - load.returning[vehicle, day] < seats:
            return False
        if not can_bring_back(ground, load, vehicle, day, escorts):
            return False
    return stays_rested(ground, load, vehicle, trip, day)


@njit(cache=True)  # type: ignore[untyped-decorator]
def vehicle_to_open(
    ground: Ground, load: Load, kind: int, trip: int, day: int, seats: int, escorts: int
) -> tuple[Whole, Whole]:
    """The vehicle of a type that takes a new task at the least cost and ``can_open`` it: (cost, vehicle)."""
    best, who = cheapest_vehicle(ground, load, kind, trip, day)
    if who < 0 or can_open(ground, load, who, trip, day, seats, escorts):
        return best, who
    best, who = UNREACHABLE, -1
    for vehicle in range(ground.type_start[kind], ground.type_start[kind + 1]):
        cost = task_cost(ground, load, vehicle, trip, day)
        if cost < best and can_open(ground, load, vehicle, trip, day, seats, escorts):
            best, who = cost, vehicle
    return best, who


@njit(cache=True)  # type: ignore[untyped-decorator]
def linked_row(ground: Ground, kind: int, row: int) -> Whole:
    """Where a service or charter stands in the tables of both."""
    return row if kind == SERVICE else row + ground.service_count


@njit(cache=True)  # type: ignore[untyped-decorator]
def may_board(ground: Ground, load: Load, group: int, kind: int, row: int, day: int, aircraft: int) -> YesNo:
    """Whether a departure still takes the group's unaccompanied children, and has seats back for its escorts."""
    facts = ground.group[group]
    if facts[UNACCOMPANIED] == 0 and facts[ESCORTS] == 0:
        return True
    linked = linked_row(ground, kind, row)
    return (
        load.linked_children[linked, day, aircraft] >= facts[UNACCOMPANIED]
        and load.linked_escorts[linked, day, aircraft] >= facts[ESCORTS]
    )


@njit(cache=True)  # type: ignore[untyped-decorator]
def fits(ground: Ground, load: Load, group: int, ride: int, vehicle: int) -> YesNo:
    """Whether a group fits into a vehicle that runs the ride's trip: seats, wheelchair places, children, conflicts."""
    day = np.int64(ground.ride[ride, DAY])
    seats, places = ground.group[group, SEATS], ground.group[group, WHEELCHAIRS]
    children = ground.group[group, UNACCOMPANIED]
    for segment in range(np.int64(ground.ride[ride, BOARD]), ground.ride[ride, ALIGHT]):
        if load.seats[vehicle, day, segment] < seats or load.wheelchairs[vehicle, day, segment] < places:
            return False
        if children > 0 and load.children[vehicle, day, segment] < children:
            return False
    if not can_bring_back(ground, load, vehicle, day, escorts_back(ground, group, ride)):
        return False
    return not meets_conflict(ground, load, group, vehicle, day)


@njit(cache=True)  # type: ignore[untyped-decorator]
def running_vehicle(ground: Ground, load: Load, group: int, ride: int) -> Whole:
    """The fullest vehicle already running the ride's trip that the group fits into, or -1."""
    day, trip = np.int64(ground.ride[ride, DAY]), np.int64(ground.ride[ride, ROW])
    best, who = UNREACHABLE, -1
    vehicle = load.first[trip, day]
    while vehicle >= 0:
        left = load.seats[vehicle, day, np.int64(ground.ride[ride, BOARD])]
        if left < best and fits(ground, load, group, ride, vehicle):
            best, who = left, vehicle
        vehicle = load.next[vehicle, day]
    return who


@njit(cache=True)  # type: ignore[untyped-decorator]
def flying_aircraft(ground: Ground, load: Load, group: int, ride: int) -> Whole:
    """The first aircraft of a charter that already flies with enough seats, or -1."""
    row, day = np.int64(ground.ride[ride, ROW]), np.int64(ground.ride[ride, DAY])
    for aircraft in range(ground.aircraft_max[row]):
        if (
            load.aircraft_groups[row, day, aircraft] > 0
            and load.aircraft[row, day, aircraft] >= ground.group[group, SEATS]
            and may_board(ground, load, group, CHARTER, row, day, aircraft)
        ):
            return aircraft
    return -1


@njit(cache=True)  # type: ignore[untyped-decorator]
def spare_aircraft(ground: Ground, load: Load, ride: int) -> Whole:
    """The first aircraft of a charter that does not fly yet, or -1."""
    row, day = np.int64(ground.ride[ride, ROW]), np.int64(ground.ride[ride, DAY])
    for aircraft in range(ground.aircraft_max[row]):
        if load.aircraft_groups[row, day, aircraft] == 0:
            return aircraft
    return -1


@njit(cache=True)  # type: ignore[untyped-decorator]
def crossings_free(ground: Ground, load: Load, ride: int, seats: int) -> YesNo:
    """Whether every crossing of a ride still lets that many persons pass on its day."""
    day = np.int64(ground.ride[ride, DAY])
    start, end = np.int64(ground.ride[ride, CROSS_START]), np.int64(ground.ride[ride, CROSS_END])
    for position in range(start, end):
        crossing = ground.cross_ids[position]
        times = 0
        for other in range(start, end):
            if ground.cross_ids[other] == crossing:
                times += 1
        if load.quota[crossing, day] < seats * times:
            return False
    return True


@njit(cache=True)  # type: ignore[untyped-decorator]
def shift(ground: Ground, load: Load, group: int, sign: int) -> Whole:
    """Changes ``load``: books (1) or frees (-1) everything the group's legs use; gives the group's own cost.

    Vehicles' tasks and flown aircraft must exist before booking; those left empty by freeing are taken away.
    """
    facts = ground.group[group]
    seats, persons, days = facts[SEATS], facts[PERSONS], ground.day_count
    cost = 0
    night_from = facts[NIGHT_FROM]
    first_day = facts[STARTED]
    site = facts[FROM]
    for leg in range(load.leg_count[group]):
        ride = load.leg_ride[group, leg]
        row, day, kind = (
            np.int64(ground.ride[ride, ROW]),
            np.int64(ground.ride[ride, DAY]),
            np.int64(ground.ride[ride, KIND]),
        )
        if first_day < 0:
            first_day = day
        if night_from >= 0:
            for night in range(night_from, day):
                load.beds[site, night] -= sign * seats
                cost += ground.bed_cents * seats
        for position in range(np.int64(ground.ride[ride, CROSS_START]), ground.ride[ride, CROSS_END]):
            load.quota[ground.cross_ids[position], day] -= sign * seats
        vehicle = load.leg_vehicle[group, leg]
        if kind == TRIP:
            for segment in range(np.int64(ground.ride[ride, BOARD]), ground.ride[ride, ALIGHT]):
                load.seats[vehicle, day, segment] -= sign * seats
                load.wheelchairs[vehicle, day, segment] -= sign * facts[WHEELCHAIRS]
                load.children[vehicle, day, segment] -= sign * facts[UNACCOMPANIED]
            back = escorts_back(ground, group, ride)
            if back > 0:
                for later in range(day + 1, last_day_back(ground, day) + 1):
                    load.returning[vehicle, later] += sign * back
                    if load.task[vehicle, later] >= 0:
                        for segment in range(ground.trip_segments[load.task[vehicle, later]]):
                            load.seats[vehicle, later, segment] -= sign * back
            load.aboard[vehicle, day] += sign
            if load.aboard[vehicle, day] == 0:
                drop_task(ground, load, vehicle, day)
        elif kind == SERVICE:
            load.service[row, day] -= sign * seats
            cost += np.int64(ground.ride[ride, FARE]) * seats
        else:
            load.aircraft[row, day, vehicle] -= sign * seats
            if load.aircraft_groups[row, day, vehicle] == 0:
                load.value[0] += ground.charter_cents[row]
            load.aircraft_groups[row, day, vehicle] += sign
            if load.aircraft_groups[row, day, vehicle] == 0:
                load.value[0] -= ground.charter_cents[row]
        if kind != TRIP and (facts[UNACCOMPANIED] > 0 or facts[ESCORTS] > 0):
            linked, aircraft = linked_row(ground, kind, row), max(vehicle, 0)
            load.linked_children[linked, day, aircraft] -= sign * facts[UNACCOMPANIED]
            load.linked_escorts[linked, day, aircraft] -= sign * facts[ESCORTS]
        cost += np.int64(ground.ride[ride, COMFORT]) * persons
        night_from = np.int64(ground.ride[ride, ARRIVE_DAY])
        site = np.int64(ground.ride[ride, DESTINATION])
    load.arrivals[site, night_from] -= sign * persons
    cost += facts[WAIT] * (night_from - facts[READY])
    if facts[ESCORTS] > 0:
        end = night_from + ground.return_days
        cost += ground.escort_cents * facts[ESCORTS] * (end - first_day + 1)
        for busy in range(max(first_day, ground.now), min(end + 1, days)):
            load.escorts[facts[POOL], busy] -= sign * facts[ESCORTS]
            load.women[facts[POOL], busy] -= sign * facts[WOMEN]
            load.men[facts[POOL], busy] -= sign * facts[MEN]
    if is_changed(ground, load, group):
        cost += ground.change_cents
    return cost


@njit(cache=True)  # type: ignore[untyped-decorator]
def is_changed(ground: Ground, load: Load, group: int) -> YesNo:
    """Whether a group that had an itinerary before the replan now travels otherwise."""
    if ground.old_count[group] < 0:
        return False
    if ground.old_count[group] != load.leg_count[group]:
        return True
    changed = False
    for leg in range(load.leg_count[group]):
        if load.leg_ride[group, leg] != ground.old_legs[group, leg]:
            changed = True
    return changed


@njit(cache=True)  # type: ignore[untyped-decorator]
def take_out(ground: Ground, load: Load, group: int) -> None:
    """Changes ``load``: a planned group is unplanned again."""
    shift(ground, load, group, np.int64(-1))
    load.value[0] -= load.cost[group]
    load.leg_count[group] = 0
    load.cost[group] = ground.group[group, LEFT_OUT]
    load.value[0] += load.cost[group]


@njit(cache=True)  # type: ignore[untyped-decorator]
def place(ground: Ground, load: Load, group: int, rides: Array, vehicles: Array, count: int, opening: int) -> YesNo:
    """Changes ``load``: puts an unplanned group on its rides; False (and nothing changed) if it cannot.

    Parameters
    ----------
    rides, vehicles
        The legs; a vehicle (or aircraft) of -1 means: the fullest that runs, else the cheapest new task.
    count
        Number of legs.
    opening
        1: a given vehicle that does not run the trip yet may be given it; 0: it may not.
    """
    facts = ground.group[group]
    undone = False
    done = 0
    for leg in range(count):
        ride = rides[leg]
        day, row, kind = (
            np.int64(ground.ride[ride, DAY]),
            np.int64(ground.ride[ride, ROW]),
            np.int64(ground.ride[ride, KIND]),
        )
        vehicle = vehicles[leg]
        if kind == TRIP:
            if vehicle >= 0:
                if load.task[vehicle, day] == row:
                    if not fits(ground, load, group, ride, vehicle):
                        vehicle = -1
                elif opening and load.task[vehicle, day] < 0 and can_carry(ground, load, group, vehicle, day):
                    back = escorts_back(ground, group, ride)
                    if task_cost(ground, load, vehicle, row, day) >= UNREACHABLE or not can_bring_back(
                        ground, load, vehicle, day, back
                    ):
                        vehicle = -1
                else:
                    vehicle = -1
            if vehicle < 0:
                vehicle = running_vehicle(ground, load, group, ride)
            if vehicle < 0:
                best = UNREACHABLE
                for kind_of in range(ground.type_seats.size):
                    if (
                        ground.type_seats[kind_of] >= facts[SEATS]
                        and ground.type_wheelchairs[kind_of] >= facts[WHEELCHAIRS]
                        and ground.type_unaccompanied[kind_of] >= facts[UNACCOMPANIED]
                    ):
                        back = escorts_back(ground, group, ride)
                        cost, who = vehicle_to_open(ground, load, kind_of, row, day, facts[SEATS], back)
                        if cost < best:
                            best, vehicle = cost, who
            if vehicle < 0:
                undone = True
                break
            if load.task[vehicle, day] < 0:
                add_task(ground, load, vehicle, row, day)
                load.aboard[vehicle, day] = 0
        elif kind == CHARTER:
            if (
                vehicle < 0
                or load.aircraft[row, day, vehicle] < facts[SEATS]
                or not may_board(ground, load, group, kind, row, day, vehicle)
            ):
                vehicle = flying_aircraft(ground, load, group, ride)
            if vehicle < 0:
                vehicle = spare_aircraft(ground, load, ride)
            if (
                vehicle < 0
                or load.aircraft[row, day, vehicle] < facts[SEATS]
                or not may_board(ground, load, group, kind, row, day, vehicle)
            ):
                undone = True
                break
        elif not may_board(ground, load, group, kind, row, day, np.int64(0)):
            undone = True
            break
        load.leg_ride[group, leg] = ride
        load.leg_vehicle[group, leg] = vehicle
        done += 1
    if undone:
        for leg in range(done):
            ride = load.leg_ride[group, leg]
            if np.int64(ground.ride[ride, KIND]) == TRIP:
                vehicle = load.leg_vehicle[group, leg]
                if load.aboard[vehicle, np.int64(ground.ride[ride, DAY])] == 0:
                    drop_task(ground, load, vehicle, ground.ride[ride, DAY])
        return False
    load.leg_count[group] = count
    load.value[0] -= load.cost[group]
    load.cost[group] = shift(ground, load, group, np.int64(1))
    load.value[0] += load.cost[group]
    return True


@njit(cache=True)  # type: ignore[untyped-decorator]
def can_carry(ground: Ground, load: Load, group: int, vehicle: int, day: int) -> YesNo:
    """Whether a group fits into a vehicle that carries nobody on a day but escorts on their way home."""
    kind = ground.vehicle_type[vehicle]
    return (
        ground.type_seats[kind] - load.returning[vehicle, day] >= ground.group[group, SEATS]
        and ground.type_wheelchairs[kind] >= ground.group[group, WHEELCHAIRS]
        and ground.type_unaccompanied[kind] >= ground.group[group, UNACCOMPANIED]
    )
