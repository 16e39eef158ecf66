"""Ruin and recreate: take related groups out, put them back at varied prices, keep what is better.

A round takes out the groups of one to four vehicles that meet, or groups with a common end, or those who stand
in the way of a group left out, or those who could fill one aircraft.  They go back in a varied order, with
other loads expected on new vehicles and noise on the prices.  The plan's value is known by differences, so a
round costs only its insertions; a worse plan is taken back leg by leg.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from retorno.optimizer.insert import NOISE_COUNT, Prices, Scratch, insert
from retorno.optimizer.memory import Memory, draw, draw_share, random_planned, remove, take_back
from retorno.optimizer.place import (
    ARRIVE_DAY,
    CHARTER,
    COMMODITY,
    DAY,
    DESTINATION,
    FIRST,
    FREE,
    FROM,
    KIND,
    LAST,
    ORIGIN,
    PERSONS,
    ROW,
    SEATS,
    STATE,
    TO,
    TRIP,
    WAIT,
    Ground,
    Load,
    Whole,
    YesNo,
)
from retorno.optimizer.rest import restless_vehicle
from retorno.optimizer.retask import retask

# How often each kind of ruin is drawn, in hundredths.
VEHICLES, COMMON_END, NEAR_IN_TIME, AIRCRAFT_FILL, AIRCRAFT_EMPTY = 50, 20, 15, 7, 8
# Rounds in a hundred that only give tasks to other vehicles.
RETASK = 25
LARGEST_RUIN = 400
# Groups of a few vehicles taken out at most: larger rounds cost more than they bring (measured on region10000).
LARGEST_VEHICLE_RUIN = 40


@njit(cache=True)  # type: ignore[untyped-decorator]
def ruin_vehicles(ground: Ground, load: Load, memory: Memory, most: int) -> None:
    """Changes ``load`` and ``memory``: takes out who rides one to four vehicles that meet in place and time."""
    group = random_planned(ground, load, memory)
    if group < 0:
        return
    leg = -1
    for _ in range(6):
        trial = draw(memory, load.leg_count[group])
        if ground.ride[load.leg_ride[group, trial], KIND] == TRIP:
            leg = trial
            break
    if leg < 0:
        ruin_end(ground, load, memory, group, 4 + draw(memory, np.int64(9)))
        return
    vehicles = ground.vehicle_type.size
    seed = load.leg_vehicle[group, leg]
    day = np.int64(ground.ride[load.leg_ride[group, leg], DAY])
    trip = load.task[seed, day]
    reach = 1 + draw(memory, np.int64(4))
    chosen = 1 + draw(memory, np.int64(4))
    memory.chosen[:] = 0
    memory.chosen[seed] = 1
    number = 1
    start = draw(memory, vehicles)
    for offset in range(vehicles):
        if number >= chosen:
            break
        vehicle = (start + offset) % vehicles
        if load.task_count[vehicle] == 0 or memory.chosen[vehicle]:
            continue
        for near in range(max(0, day - reach), min(ground.day_count, day + reach + 1)):
            other = load.task[vehicle, near]
            if other >= 0 and (
                ground.trip_start[other] == ground.trip_start[trip]
                or ground.trip_end[other] == ground.trip_end[trip]
                or ground.trip_start[other] == ground.trip_end[trip]
                or ground.trip_end[other] == ground.trip_start[trip]
            ):
                memory.chosen[vehicle] = 1
                number += 1
                break
    window = draw(memory, np.int64(6))
    groups = ground.group.shape[0]
    start = draw(memory, groups)
    for offset in range(groups):
        other_group = (start + offset) % groups
        if ground.group[other_group, STATE] != FREE:
            continue
        for position in range(load.leg_count[other_group]):
            ride = load.leg_ride[other_group, position]
            if (
                ground.ride[ride, KIND] == TRIP
                and memory.chosen[load.leg_vehicle[other_group, position]]
                and abs(ground.ride[ride, DAY] - day) <= window
            ):
                remove(ground, load, memory, other_group)
                break
        if memory.taken[0] >= most:
            break


@njit(cache=True)  # type: ignore[untyped-decorator]
def ruin_end(ground: Ground, load: Load, memory: Memory, seed: int, most: int) -> None:
    """Changes ``load`` and ``memory``: takes out groups that share an end with the seed, near in time."""
    groups = ground.group.shape[0]
    by_origin = draw(memory, np.int64(2)) == 0
    arrive = travel_day(ground, load, seed)
    span = 1 + draw(memory, np.int64(5))
    remove(ground, load, memory, seed)
    start = draw(memory, groups)
    for offset in range(groups):
        if memory.taken[0] >= most:
            return
        group = (start + offset) % groups
        if load.leg_count[group] == 0 or ground.group[group, STATE] != FREE:
            continue
        if by_origin:
            if ground.group[group, FROM] != ground.group[seed, FROM]:
                continue
        elif ground.group[group, TO] != ground.group[seed, TO]:
            continue
        if abs(travel_day(ground, load, group) - arrive) <= span:
            remove(ground, load, memory, group)


@njit(cache=True)  # type: ignore[untyped-decorator]
def travel_day(ground: Ground, load: Load, group: int) -> Whole:
    """The day on which a group arrives, or the first on which it could leave if it is unplanned."""
    count = load.leg_count[group]
    if count == 0:
        return ground.group[group, FIRST]
    return np.int64(ground.ride[load.leg_ride[group, count - 1], ARRIVE_DAY])


@njit(cache=True)  # type: ignore[untyped-decorator]
def ruin_near(ground: Ground, load: Load, memory: Memory, most: int) -> None:
    """Changes ``load`` and ``memory``: takes out groups that pass one site within a few days."""
    seed = random_planned(ground, load, memory)
    if seed < 0:
        return
    ride = load.leg_ride[seed, draw(memory, load.leg_count[seed])]
    site = np.int64(ground.ride[ride, ORIGIN if draw(memory, np.int64(2)) == 0 else DESTINATION])
    day = np.int64(ground.ride[ride, DAY])
    span = draw(memory, np.int64(3))
    groups = ground.group.shape[0]
    start = draw(memory, groups)
    for offset in range(groups):
        if memory.taken[0] >= most:
            return
        group = (start + offset) % groups
        if ground.group[group, STATE] != FREE:
            continue
        for leg in range(load.leg_count[group]):
            other = load.leg_ride[group, leg]
            if abs(ground.ride[other, DAY] - day) <= span and (
                ground.ride[other, ORIGIN] == site or ground.ride[other, DESTINATION] == site
            ):
                remove(ground, load, memory, group)
                break


@njit(cache=True)  # type: ignore[untyped-decorator]
def ruin_for_left_out(ground: Ground, load: Load, memory: Memory, group: int, most: int) -> None:
    """Changes ``load`` and ``memory``: takes out groups that travel while a group left out must.

    Those bound for the same place, or leaving from the same, who could also travel later or earlier.
    """
    facts = ground.group[group]
    groups = ground.group.shape[0]
    start = draw(memory, groups)
    from_same = draw(memory, np.int64(3)) == 0
    for offset in range(groups):
        if memory.taken[0] >= most:
            return
        other = (start + offset) % groups
        if load.leg_count[other] == 0 or ground.group[other, STATE] != FREE:
            continue
        if from_same:
            if ground.group[other, FROM] != facts[FROM]:
                continue
        elif ground.group[other, TO] != facts[TO]:
            continue
        arrive = travel_day(ground, load, other)
        if facts[FIRST] <= arrive <= facts[LAST] and (
            ground.group[other, LAST] > arrive or ground.group[other, FIRST] < arrive
        ):
            remove(ground, load, memory, other)


@njit(cache=True)  # type: ignore[untyped-decorator]
def ruin_to_fill(ground: Ground, load: Load, prices: Prices, memory: Memory) -> None:
    """Changes all: chooses a charter that does not fly one day and takes out groups that could fill it."""
    rows = ground.charter_seats.size
    if rows == 0:
        return
    row = draw(memory, rows)
    if ground.charter_demand[row] < ground.charter_minimum[row]:
        return
    day = ground.now + draw(memory, ground.day_count - ground.now)
    if load.aircraft_groups[row, day, 0] > 0 and ground.aircraft_max[row] < 2:
        return
    ride = -1
    for position in range(ground.site_start[day, 0], ground.site_start[day, ground.site_count]):
        if ground.ride[position, KIND] == CHARTER and ground.ride[position, ROW] == row:
            ride = position
            break
    if ride < 0:
        return
    end = np.int64(ground.ride[ride, DESTINATION])
    wanted = ground.charter_minimum[row] + draw(memory, ground.charter_seats[row])
    groups = ground.group.shape[0]
    start = draw(memory, groups)
    before = 1 + draw(memory, np.int64(4))
    after = 2 + draw(memory, np.int64(12))
    seats = 0
    only_there = draw(memory, np.int64(3)) > 0
    for offset in range(groups):
        if seats >= wanted or memory.taken[0] >= LARGEST_RUIN:
            break
        group = (start + offset) % groups
        facts = ground.group[group]
        if facts[STATE] != FREE or facts[FIRST] > day or facts[LAST] < day:
            continue
        if (facts[TO] != end) if only_there else (not ground.allowed[facts[COMMODITY], ride]):
            continue
        if load.leg_count[group] > 0:
            arrive = travel_day(ground, load, group)
            if arrive < day - before or arrive > day + after:
                continue
        seats += facts[SEATS]
        remove(ground, load, memory, group)
    prices.dial[3], prices.dial[4] = row, day


@njit(cache=True)  # type: ignore[untyped-decorator]
def ruin_aircraft(ground: Ground, load: Load, prices: Prices, memory: Memory) -> None:
    """Changes all: takes everybody out of one flown charter, which may or may not fly again."""
    seed = -1
    for _ in range(60):
        group = random_planned(ground, load, memory)
        if group < 0:
            return
        for leg in range(load.leg_count[group]):
            if ground.ride[load.leg_ride[group, leg], KIND] == CHARTER:
                seed = load.leg_ride[group, leg]
        if seed >= 0:
            break
    if seed < 0:
        return
    row, day = np.int64(ground.ride[seed, ROW]), np.int64(ground.ride[seed, DAY])
    for group in range(ground.group.shape[0]):
        if ground.group[group, STATE] != FREE:
            continue
        for leg in range(load.leg_count[group]):
            if load.leg_ride[group, leg] == seed:
                remove(ground, load, memory, group)
                break
        if memory.taken[0] >= LARGEST_RUIN:
            break
    if draw(memory, np.int64(3)) > 0:
        prices.barred[row, day] = True
        memory.barred[0, 0], memory.barred[0, 1] = row, day
        memory.barred_count[0] = 1


@njit(cache=True)  # type: ignore[untyped-decorator]
def settle_aircraft(ground: Ground, load: Load, prices: Prices, scratch: Scratch, memory: Memory) -> YesNo:
    """Changes all: cancels aircraft that the round left below their least load; False if some remain."""
    _, days, places = load.aircraft.shape
    for _ in range(6):
        found = -1
        for position in range(memory.taken[0]):
            for side in range(2):
                group = memory.group[position]
                legs = memory.leg_count[position] if side == 0 else load.leg_count[group]
                for leg in range(legs):
                    if side == 0:
                        ride, aircraft = memory.leg_ride[position, leg], memory.leg_vehicle[position, leg]
                    else:
                        ride, aircraft = load.leg_ride[group, leg], load.leg_vehicle[group, leg]
                    if ground.ride[ride, KIND] != CHARTER:
                        continue
                    row, day = np.int64(ground.ride[ride, ROW]), np.int64(ground.ride[ride, DAY])
                    aboard = ground.charter_seats[row] - load.aircraft[row, day, aircraft]
                    if load.aircraft_groups[row, day, aircraft] > 0 and aboard < ground.charter_minimum[row]:
                        found = (row * days + day) * places + aircraft
        if found < 0:
            return True
        row, day, aircraft = found // (places * days), (found // places) % days, found % places
        if memory.barred_count[0] >= memory.barred.shape[0]:
            return False
        prices.barred[row, day] = True
        memory.barred[memory.barred_count[0], 0] = row
        memory.barred[memory.barred_count[0], 1] = day
        memory.barred_count[0] += 1
        moved = 0
        for group in range(ground.group.shape[0]):
            if ground.group[group, STATE] != FREE:
                continue
            for leg in range(load.leg_count[group]):
                ride = load.leg_ride[group, leg]
                if (
                    ground.ride[ride, KIND] == CHARTER
                    and ground.ride[ride, ROW] == row
                    and ground.ride[ride, DAY] == day
                    and load.leg_vehicle[group, leg] == aircraft
                ):
                    scratch.moved[moved] = group
                    moved += 1
                    break
        if moved == 0:
            return False
        for position in range(moved):
            remove(ground, load, memory, scratch.moved[position])
        for position in range(moved):
            insert(ground, load, prices, scratch, scratch.moved[position])
    return False


@njit(cache=True)  # type: ignore[untyped-decorator]
def order_removed(ground: Ground, memory: Memory) -> None:
    """Changes ``memory.order``: the groups taken out, in a random, heavy-first, large-first or urgent-first order."""
    count = memory.taken[0]
    way = draw(memory, np.int64(8))
    for position in range(count):
        facts = ground.group[memory.group[position]]
        memory.order[position] = memory.group[position]
        if way < 3:
            key = draw_share(memory)
        elif way < 5:
            key = -facts[WAIT] / float(facts[PERSONS]) * (0.8 + 0.4 * draw_share(memory))
        elif way < 7:
            key = -facts[PERSONS] * (0.7 + 0.6 * draw_share(memory))
        else:
            key = facts[LAST] + 2.0 * draw_share(memory)
        memory.key[position] = key
    for position in range(1, count):
        key, group = memory.key[position], memory.order[position]
        other = position - 1
        while other >= 0 and memory.key[other] > key:
            memory.key[other + 1], memory.order[other + 1] = memory.key[other], memory.order[other]
            other -= 1
        memory.key[other + 1], memory.order[other + 1] = key, group


@njit(cache=True)  # type: ignore[untyped-decorator]
def vary_prices(prices: Prices, memory: Memory, ground: Ground) -> None:
    """Changes ``prices``: another factor on expected loads and other noise."""
    way = draw(memory, np.int64(6))
    if way == 0:
        prices.dial[0] = 0.0
    elif way == 1:
        prices.dial[0] = 1000.0
    else:
        prices.dial[0] = math.exp(2.4 * draw_share(memory) - 1.6)
    prices.dial[2] = draw(memory, np.int64(NOISE_COUNT))
    seats = 0
    for position in range(memory.taken[0]):
        seats += ground.group[memory.group[position], SEATS]
    prices.dial[1] = seats


@njit(cache=True)  # type: ignore[untyped-decorator]
def draw_left_out(load: Load, memory: Memory) -> Whole:
    """Changes ``memory``: a random group that is left out, or -1; forgets those that meanwhile travel."""
    while memory.left_out_count[0] > 0:
        position = draw(memory, memory.left_out_count[0])
        group = memory.left_out[position]
        if load.leg_count[group] == 0:
            return group
        memory.left_out_count[0] -= 1
        memory.left_out[position] = memory.left_out[memory.left_out_count[0]]
    return -1


@njit(cache=True)  # type: ignore[untyped-decorator]
def note_left_out(load: Load, memory: Memory) -> None:
    """Changes ``memory``: groups that the round just accepted leaves out are tried again in rounds to come."""
    for position in range(memory.taken[0]):
        group = memory.group[position]
        if load.leg_count[group] > 0:
            continue
        known = False
        for other in range(memory.left_out_count[0]):
            if memory.left_out[other] == group:
                known = True
        if not known:
            memory.left_out[memory.left_out_count[0]] = group
            memory.left_out_count[0] += 1


@njit(cache=True)  # type: ignore[untyped-decorator]
def is_accepted(memory: Memory, worse: int, heat: float) -> YesNo:
    """Changes ``memory``: whether a plan worse by that many cents is accepted at that heat."""
    return worse <= 0 or (heat > 0 and worse < -heat * math.log(1e-9 + draw_share(memory)))


@njit(cache=True)  # type: ignore[untyped-decorator]
def rounds(
    ground: Ground,
    load: Load,
    prices: Prices,
    scratch: Scratch,
    memory: Memory,
    count: int,
    heat: float,
    most: int,
) -> Whole:
    """Changes all: plays ``count`` rounds; gives how many changed the plan, -1 if one could not be taken back.

    Parameters
    ----------
    heat
        Cents by which a round may make the plan worse, on average.
    most
        Groups taken out in one round at most (aircraft apart).
    """
    changed = 0
    for _ in range(count):
        value = load.value[0]
        memory.taken[0] = 0
        memory.taken[1] += 1
        memory.barred_count[0] = 0
        prices.dial[3] = -1.0
        if draw(memory, np.int64(100)) < RETASK:
            is_done = retask(ground, load, memory)
            worse = load.value[0] - value
            if is_done and restless_vehicle(ground, load, np.int64(0)) < 0 and is_accepted(memory, worse, heat):
                changed += 1 if worse != 0 else 0
            elif not take_back(ground, load, memory) or load.value[0] != value:
                return -1
            continue
        size = 3 + draw(memory, most)
        urgent = -1
        left_out = draw_left_out(load, memory)
        if left_out >= 0:
            remove(ground, load, memory, left_out)
            if draw(memory, np.int64(2)) == 0:
                urgent = left_out
                ruin_for_left_out(ground, load, memory, urgent, size)
        if urgent < 0:
            kind = draw(memory, np.int64(100))
            if kind < VEHICLES:
                ruin_vehicles(ground, load, memory, np.int64(LARGEST_VEHICLE_RUIN))
            elif kind < VEHICLES + COMMON_END:
                seed = random_planned(ground, load, memory)
                if seed >= 0:
                    ruin_end(ground, load, memory, seed, size)
            elif kind < VEHICLES + COMMON_END + NEAR_IN_TIME:
                ruin_near(ground, load, memory, size)
            elif kind < VEHICLES + COMMON_END + NEAR_IN_TIME + AIRCRAFT_FILL:
                ruin_to_fill(ground, load, prices, memory)
            else:
                ruin_aircraft(ground, load, prices, memory)
        if memory.taken[0] == 0:
            continue
        vary_prices(prices, memory, ground)
        order_removed(ground, memory)
        if urgent >= 0:
            insert(ground, load, prices, scratch, urgent)
        for position in range(memory.taken[0]):
            group = memory.order[position]
            if load.leg_count[group] == 0:
                insert(ground, load, prices, scratch, group)
        prices.dial[3] = -1.0
        is_settled = settle_aircraft(ground, load, prices, scratch, memory)
        for position in range(memory.barred_count[0]):
            prices.barred[memory.barred[position, 0], memory.barred[position, 1]] = False
        worse = load.value[0] - value
        is_settled = is_settled and restless_vehicle(ground, load, np.int64(0)) < 0
        if is_settled and is_accepted(memory, worse, heat):
            if worse != 0:
                changed += 1
            note_left_out(load, memory)
            continue
        if not take_back(ground, load, memory) or load.value[0] != value:
            return -1
    return changed
