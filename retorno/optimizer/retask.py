"""Give the tasks of a few vehicles to other vehicles, with everybody on board as before.

The itineraries stay; only who drives changes: a smaller vehicle for a small load, a vehicle that passes anyway,
two short chains made one.  A hundred times cheaper than looking for ways, so it is tried often.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from retorno.optimizer.memory import Memory, draw, random_planned, remove
from retorno.optimizer.place import (
    DAY,
    FREE,
    KIND,
    STATE,
    TRIP,
    UNREACHABLE,
    Array,
    Ground,
    Load,
    Whole,
    YesNo,
    add_task,
    drop_task,
    place,
    vehicle_to_open,
)


@njit(cache=True)  # type: ignore[untyped-decorator]
def choose_chains(ground: Ground, load: Load, memory: Memory) -> Whole:
    """Changes ``memory``: marks one to four vehicles whose tasks are near in time; gives how many."""
    memory.chosen[:] = 0
    group = random_planned(ground, load, memory)
    if group < 0:
        return 0
    leg = draw(memory, load.leg_count[group])
    ride = load.leg_ride[group, leg]
    if ground.ride[ride, KIND] != TRIP:
        return 0
    day = np.int64(ground.ride[ride, DAY])
    memory.chosen[load.leg_vehicle[group, leg]] = 1
    number, wanted = 1, 1 + draw(memory, np.int64(4))
    vehicles = ground.vehicle_type.size
    start = draw(memory, vehicles)
    for offset in range(vehicles):
        vehicle = (start + offset) % vehicles
        if number >= wanted:
            break
        if memory.chosen[vehicle] or load.task_count[vehicle] == 0:
            continue
        for near in range(day - 2 if day > 2 else 0, day + 3 if day + 3 < ground.day_count else ground.day_count):
            if load.task[vehicle, near] >= 0:
                memory.chosen[vehicle] = 1
                number += 1
                break
    return number


@njit(cache=True)  # type: ignore[untyped-decorator]
def assign_tasks(ground: Ground, load: Load, memory: Memory, tasks: Array, count: int) -> YesNo:
    """Changes ``load`` and ``memory``: every task, in random order, goes to its cheapest vehicle; False if one cannot.

    ``tasks`` has vehicle, day, trip, and greatest number of people, wheelchairs and unaccompanied children per row.
    """
    for position in range(count):
        other = position + draw(memory, count - position)
        for column in range(tasks.shape[1]):
            tasks[position, column], tasks[other, column] = tasks[other, column], tasks[position, column]
    for position in range(count):
        day, trip = tasks[position, 1], tasks[position, 2]
        best, who = UNREACHABLE, -1
        for kind in range(ground.type_seats.size):
            if ground.type_seats[kind] < tasks[position, 3] or ground.type_wheelchairs[kind] < tasks[position, 4]:
                continue
            if ground.type_unaccompanied[kind] < tasks[position, 5]:
                continue
            cost, vehicle = vehicle_to_open(ground, load, kind, trip, day, tasks[position, 3], np.int64(0))
            if vehicle >= 0 and cost < best:
                best, who = cost, vehicle
        memory.instead[tasks[position, 0], day] = who
        if who < 0:
            return False
        add_task(ground, load, who, trip, day)
    return True


@njit(cache=True)  # type: ignore[untyped-decorator]
def retask(ground: Ground, load: Load, memory: Memory) -> YesNo:
    """Changes all: other vehicles for the tasks of a few; False if that failed (then take the round back)."""
    if choose_chains(ground, load, memory) == 0:
        return True
    groups, days = ground.group.shape[0], ground.day_count
    for group in range(groups):
        for leg in range(load.leg_count[group]):
            if (
                ground.ride[load.leg_ride[group, leg], KIND] == TRIP
                and memory.chosen[load.leg_vehicle[group, leg]]
                and ground.group[group, STATE] != FREE
            ):
                # Somebody locked rides along: that vehicle keeps its tasks.
                memory.chosen[load.leg_vehicle[group, leg]] = 0
    count = 0
    for vehicle in range(ground.vehicle_type.size):
        if not memory.chosen[vehicle]:
            continue
        kind = ground.vehicle_type[vehicle]
        for day in range(ground.now, days):
            trip = load.task[vehicle, day]
            if trip < 0:
                continue
            if count >= memory.tasks.shape[0]:
                memory.chosen[vehicle] = 0
                break
            segments = ground.trip_segments[trip]
            seats, places, children = 0, 0, 0
            for segment in range(segments):
                free = load.seats[vehicle, day, segment] + load.returning[vehicle, day]
                seats = max(seats, ground.type_seats[kind] - free)
                children = max(children, ground.type_unaccompanied[kind] - load.children[vehicle, day, segment])
                places = max(places, ground.type_wheelchairs[kind] - load.wheelchairs[vehicle, day, segment])
            memory.tasks[count, 0], memory.tasks[count, 1], memory.tasks[count, 2] = vehicle, day, trip
            memory.tasks[count, 3], memory.tasks[count, 4], memory.tasks[count, 5] = seats, places, children
            count += 1
        if not memory.chosen[vehicle]:
            # No room for the whole chain: none of it.
            while count > 0 and memory.tasks[count - 1, 0] == vehicle:
                count -= 1
            break
    for vehicle in range(ground.vehicle_type.size):
        if memory.chosen[vehicle] and (count == 0 or vehicle > memory.tasks[count - 1, 0]):
            memory.chosen[vehicle] = 0
    if count == 0:
        return True
    for group in range(groups):
        for leg in range(load.leg_count[group]):
            if ground.ride[load.leg_ride[group, leg], KIND] == TRIP and memory.chosen[load.leg_vehicle[group, leg]]:
                remove(ground, load, memory, group)
                break
    done = assign_tasks(ground, load, memory, memory.tasks, count)
    if done:
        for position in range(memory.taken[0]):
            group = memory.group[position]
            for leg in range(memory.leg_count[position]):
                vehicle = memory.leg_vehicle[position, leg]
                ride = memory.leg_ride[position, leg]
                if ground.ride[ride, KIND] == TRIP and memory.chosen[vehicle]:
                    vehicle = memory.instead[vehicle, np.int64(ground.ride[ride, DAY])]
                memory.new_vehicle[leg] = vehicle
            if not place(
                ground,
                load,
                group,
                memory.leg_ride[position],
                memory.new_vehicle,
                memory.leg_count[position],
                np.int64(0),
            ):
                done = False
                break
    for position in range(count):
        # Tasks that nobody boarded, of a failed attempt or doubled by the search for room.
        who, day = memory.instead[memory.tasks[position, 0], memory.tasks[position, 1]], memory.tasks[position, 1]
        if who >= 0 and load.task[who, day] == memory.tasks[position, 2] and load.aboard[who, day] == 0:
            drop_task(ground, load, who, day)
        memory.instead[memory.tasks[position, 0], day] = -1
    return done
