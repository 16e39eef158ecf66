"""The residual search: the cheapest way home for one group on what is still free.

One sweep forward in time from the group's origin.  A seat in a vehicle that runs anyway costs only the
ride; a vehicle or aircraft that would have to start costs its share: the rise of the plan's cost, divided by
the load that is *expected* on it.  The prices steer; the value of the plan always counts what is really paid.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit

from retorno.optimizer.place import (
    ARRIVE_DAY,
    COMFORT,
    COMMODITY,
    CROSS_END,
    CROSS_START,
    DAY,
    DESTINATION,
    ESCORTS,
    FARE,
    FIRST,
    FREE,
    FROM,
    JOURNEY,
    KIND,
    LARGEST_LEGS,
    LAST,
    LEFT_OUT,
    MEN,
    NIGHT_FROM,
    OVERNIGHT,
    PERSONS,
    POOL,
    PROFILE,
    RANK_OVERNIGHT,
    RANK_SAME_DAY,
    READY,
    ROW,
    SAME_DAY,
    SEATS,
    SERVICE,
    START_DAY,
    START_FLY,
    START_SLOT,
    STARTED,
    STATE,
    TO,
    TRIP,
    UNACCOMPANIED,
    UNREACHABLE,
    WAIT,
    WHEELCHAIRS,
    WOMEN,
    Array,
    Ground,
    Load,
    Real,
    Whole,
    YesNo,
    crossings_free,
    escorts_back,
    flying_aircraft,
    may_board,
    place,
    running_vehicle,
    spare_aircraft,
    vehicle_to_open,
)

NOISE_COUNT = 1024
# An aircraft with at least this load expected is paid for already: a seat costs only the ride.
PAID_LOAD = 1e9
NO_PRICE = 1e18
# How far a search looks before it looks further: our assumptions, they change speed only.
HINT_GROWTH, HINT_MARGIN_CENTS, FIRST_MARGIN_CENTS, TRIAL_GROWTH = 1.1, 3_000.0, 30_000.0, 2.5


class Prices(NamedTuple):
    """How the search prices what does not run yet.

    ``expected[trip, day]`` and ``aircraft_expected[charter, day]`` are persons expected aboard; ``noise``
    factors around 1, drawn anew to vary the search; ``dial`` holds a factor on all expected loads, the least
    number of waiting persons for which a charter may be opened, a shift of the noise, and the row and day of a
    charter that is free of charge for once (-1: none); ``barred`` marks
    charters (row, day) that must not be opened.
    """

    expected: Array
    aircraft_expected: Array
    noise: Array
    dial: Array
    barred: Array


class Scratch(NamedTuple):
    """Work space of the search: one label per (day, slot, site), and the way found.

    ``hint`` is the price each group's last search found: the next one first looks below a little more.
    """

    cost: Array
    start: Array
    came_from: Array
    came_by: Array
    stamp: Array
    way: Array
    vehicle: Array
    leg_count: Array
    moved: Array
    hint: Array


@njit(cache=True)  # type: ignore[untyped-decorator]
def ride_price(ground: Ground, load: Load, prices: Prices, group: int, ride: int) -> Real:
    """What a ride costs a group on what is still free; ``NO_PRICE``: it cannot take it.

    Riding minutes, boarding and fares are exact; a new task or aircraft counts with its share.
    """
    facts = ground.group[group]
    seats = facts[SEATS]
    columns = ground.ride[ride]
    row, day, kind = np.int64(columns[ROW]), np.int64(columns[DAY]), np.int64(columns[KIND])
    price = float(facts[PERSONS] * columns[COMFORT])
    if columns[CROSS_END] > columns[CROSS_START] and not crossings_free(ground, load, ride, seats):
        return NO_PRICE
    if kind == SERVICE:
        if load.service[row, day] < seats or not may_board(ground, load, group, kind, row, day, np.int64(0)):
            return NO_PRICE
        return price + seats * columns[FARE]
    noise = prices.noise[(row * 31 + day * 17 + np.int64(prices.dial[2])) % NOISE_COUNT]
    if kind == TRIP:
        if load.first[row, day] >= 0 and running_vehicle(ground, load, group, ride) >= 0:
            return price
        best = NO_PRICE
        expected = prices.expected[row, day] * prices.dial[0]
        for vehicle_type in range(ground.type_seats.size):
            size = ground.type_seats[vehicle_type]
            if size < seats or ground.type_wheelchairs[vehicle_type] < facts[WHEELCHAIRS]:
                continue
            if ground.type_unaccompanied[vehicle_type] < facts[UNACCOMPANIED]:
                continue
            back = escorts_back(ground, group, ride)
            cost, who = vehicle_to_open(ground, load, vehicle_type, row, day, seats, back)
            if who < 0:
                continue
            share = seats / max(float(seats), min(float(size), expected))
            if cost * share < best:
                best = cost * share
        return NO_PRICE if best >= NO_PRICE else price + best * noise
    if flying_aircraft(ground, load, group, ride) >= 0:
        return price
    spare = spare_aircraft(ground, load, ride)
    if prices.barred[row, day] or seats > ground.charter_seats[row] or spare < 0:
        return NO_PRICE
    if not may_board(ground, load, group, kind, row, day, spare):
        return NO_PRICE
    if prices.dial[1] < ground.charter_minimum[row] or ground.charter_demand[row] < ground.charter_minimum[row]:
        return NO_PRICE
    if prices.dial[3] == row and prices.dial[4] == day:
        return price
    if prices.aircraft_expected[row, day] >= PAID_LOAD and load.aircraft_groups[row, day, 0] == 0:
        return price
    expected = max(
        float(ground.charter_minimum[row]), prices.aircraft_expected[row, day] * prices.dial[0], float(seats)
    )
    expected = min(expected, float(ground.charter_seats[row]))
    return price + ground.charter_cents[row] * (seats / expected) * noise


@njit(cache=True)  # type: ignore[untyped-decorator]
def push(labels: tuple[Array, ...], call: int, target: int, cost: float, start: int, label: int, ride: int) -> None:
    """Changes ``labels``: keeps the cheaper label of the state ``target``, of equal ones the later start."""
    costs, starts, came_from, came_by, stamp = labels
    if stamp[target] == call and (costs[target] < cost or (costs[target] == cost and starts[target] >= start)):
        return
    stamp[target] = call
    costs[target] = cost
    starts[target] = start
    came_from[target] = label
    came_by[target] = ride


@njit(cache=True)  # type: ignore[untyped-decorator]
def escorts_free(ground: Ground, load: Load, group: int, start: int, arrival: int) -> YesNo:
    """Whether the group's escorts are free from the first day until they are back."""
    facts = ground.group[group]
    if facts[ESCORTS] == 0:
        return True
    for day in range(max(start, ground.now), min(arrival + ground.return_days + 1, ground.day_count)):
        if load.escorts[facts[POOL], day] < facts[ESCORTS]:
            return False
        if load.women[facts[POOL], day] < facts[WOMEN] or load.men[facts[POOL], day] < facts[MEN]:
            return False
    return True


@njit(cache=True)  # type: ignore[untyped-decorator]
def find_way(
    ground: Ground, load: Load, prices: Prices, scratch: Scratch, group: int, limit: float, only_start: int
) -> Real:
    """The cheapest way of an unplanned group; written to ``scratch.way`` and ``scratch.leg_count``.

    Parameters
    ----------
    limit
        Only ways cheaper than this, cents.
    only_start
        -1, or the one day on which the journey may begin: slower in all, but exact about the journey's
        length where the single label per state is not.

    Returns
    -------
    float
        Its price, waiting and the group's own costs included; ``limit`` if there is none cheaper.
    """
    facts = ground.group[group]
    seats, persons, wait = facts[SEATS], facts[PERSONS], facts[WAIT]
    ready, first, last, origin = facts[READY], facts[FIRST], facts[LAST], facts[FROM]
    commodity, target, journey = facts[COMMODITY], facts[TO], facts[JOURNEY]
    escort_day = ground.escort_cents * facts[ESCORTS]
    night = ground.bed_cents * seats + escort_day
    # Arrays are taken out of their handles once: in the loops below that would cost more than the work.
    table, site_start, flight_end = ground.ride, ground.site_start, ground.flight_end
    allowed, ahead = ground.allowed[commodity], ground.ahead[facts[PROFILE]]
    beds, arrivals = load.beds, load.arrivals[target]
    costs, starts, came_from, came_by, stamp = (
        scratch.cost, scratch.start, scratch.came_from, scratch.came_by, scratch.stamp,
    )  # fmt: skip
    labels = (costs, starts, came_from, came_by, stamp)
    # Literal numbers as arguments would make the compiler build a variant for each.
    nobody = np.int64(-1)
    sites, slots, overnight_count = ground.site_count, ground.slot_count, ground.overnight_count
    stamp[-1] += 1
    call = stamp[-1]
    scratch.leg_count[0] = 0
    best: Real = limit
    best_label: Whole = nobody
    best_ride: Whole = nobody
    under_way = facts[STARTED] >= 0
    day_from = first
    furthest: Whole = -1
    if under_way:
        day_from = facts[START_DAY]
        start = facts[STARTED]
        base = float(escort_day * (1 + ground.return_days + day_from - start))
        if facts[START_FLY] > -2:
            # Arrived on this very day: on at once by air, or the next day after a night.
            if facts[START_FLY] >= 0:
                state = (day_from * slots + facts[START_FLY]) * sites + origin
                push(labels, call, state, base, start, nobody, nobody)
            if day_from + 1 < ground.day_count and beds[origin, day_from] >= seats:
                state = ((day_from + 1) * slots + facts[START_SLOT]) * sites + origin
                push(labels, call, state, base + night, start, nobody, nobody)
        else:
            state = (day_from * slots + facts[START_SLOT]) * sites + origin
            push(labels, call, state, base, start, nobody, nobody)
        furthest = day_from + 1
    leave_base = float(escort_day * (1 + ground.return_days))
    least_ahead = float(ground.ahead_least[facts[PROFILE], origin] * persons)
    for day in range(day_from, last + 1):
        if not under_way and (only_start < 0 or only_start == day):
            waited = wait * (day - ready)
            if ahead[day, origin] * persons + waited < best:
                push(labels, call, day * slots * sites + origin, leave_base, day, nobody, nobody)
                furthest = max(furthest, day)
            elif furthest < day and least_ahead + waited >= best:
                break
        if furthest < day:
            continue
        for slot in range(slots):
            is_overnight = slot < overnight_count
            rank_column = RANK_OVERNIGHT if is_overnight else RANK_SAME_DAY
            for site in range(sites):
                label = (day * slots + slot) * sites + site
                if stamp[label] != call:
                    continue
                cost, start = costs[label], starts[label]
                if cost + ahead[day, site] * persons + wait * (day - ready) >= best:
                    continue
                is_start = came_from[label] < 0 and not under_way
                if day >= first:
                    end = site_start[day, site + 1] if is_overnight else flight_end[day, site]
                    for ride in range(site_start[day, site], end):
                        if not allowed[ride] or table[ride, rank_column] < slot:
                            continue
                        arrive = np.int64(table[ride, ARRIVE_DAY])
                        if arrive > last or arrive - start > journey:
                            continue
                        there = np.int64(table[ride, DESTINATION])
                        least = (
                            cost
                            + float(persons * table[ride, COMFORT] + seats * table[ride, FARE])
                            + escort_day * (arrive - day)
                            + wait * (arrive - ready)
                        )
                        if there != target:
                            least += ahead[arrive, there] * persons
                        elif arrivals[arrive] < persons:
                            continue
                        if least >= best:
                            continue
                        price = ride_price(ground, load, prices, group, ride)
                        if price >= NO_PRICE:
                            continue
                        reached = cost + price + escort_day * (arrive - day)
                        if there == target:
                            total = reached + wait * (arrive - ready)
                            if total < best and escorts_free(ground, load, group, start, arrive):
                                best, best_label, best_ride = total, label, ride
                            continue
                        if table[ride, SAME_DAY] >= 0:
                            state = (arrive * slots + table[ride, SAME_DAY]) * sites + there
                            push(labels, call, state, reached, start, label, ride)
                            furthest = max(furthest, arrive)
                        if arrive + 1 <= last and beds[there, arrive] >= seats:
                            state = ((arrive + 1) * slots + table[ride, OVERNIGHT]) * sites + there
                            push(labels, call, state, reached + night, start, label, ride)
                            furthest = max(furthest, arrive + 1)
                if (
                    is_overnight
                    and not is_start
                    and day + 1 <= last
                    and day + 1 - start <= journey
                    and beds[site, day] >= seats
                ):
                    state = (day + 1) * slots * sites + site
                    push(labels, call, state, cost + night, start, label, nobody)
                    furthest = max(furthest, day + 1)
    if best_ride < 0:
        return limit
    count = 1
    scratch.way[0] = best_ride
    while best_label >= 0:
        taken = came_by[best_label]
        if taken >= 0:
            if count >= LARGEST_LEGS:
                return limit
            scratch.way[count] = taken
            count += 1
        best_label = came_from[best_label]
    for leg in range(count // 2):
        scratch.way[leg], scratch.way[count - 1 - leg] = scratch.way[count - 1 - leg], scratch.way[leg]
    scratch.leg_count[0] = count
    return best


@njit(cache=True)  # type: ignore[untyped-decorator]
def way_price(ground: Ground, load: Load, prices: Prices, group: int, rides: Array, count: int) -> Real:
    """Price of a given itinerary of a group on what is still free; ``NO_PRICE``: it may not or cannot be taken."""
    facts = ground.group[group]
    seats = facts[SEATS]
    escort_day = ground.escort_cents * facts[ESCORTS]
    total = 0.0
    night_from, site, start = facts[NIGHT_FROM], facts[FROM], facts[STARTED]
    for leg in range(count):
        ride = rides[leg]
        # A ride of -1 no longer runs; the rest of the itinerary may be out of the group's window by now.
        if ride < 0 or not ground.allowed[facts[COMMODITY], ride] or np.int64(ground.ride[ride, DAY]) < facts[FIRST]:
            return NO_PRICE
        if start < 0:
            start = np.int64(ground.ride[ride, DAY])
        if night_from >= 0:
            for day in range(night_from, np.int64(ground.ride[ride, DAY])):
                if load.beds[site, day] < seats:
                    return NO_PRICE
                total += ground.bed_cents * seats
        price = ride_price(ground, load, prices, group, ride)
        if price >= NO_PRICE:
            return NO_PRICE
        total += price
        night_from, site = np.int64(ground.ride[ride, ARRIVE_DAY]), np.int64(ground.ride[ride, DESTINATION])
    if (
        site != facts[TO]
        or night_from > facts[LAST]
        or night_from - start > facts[JOURNEY]
        or load.arrivals[site, night_from] < facts[PERSONS]
        or not escorts_free(ground, load, group, start, night_from)
    ):
        return NO_PRICE
    total += escort_day * (night_from + ground.return_days - start + 1)
    return total + facts[WAIT] * (night_from - facts[READY])


@njit(cache=True)  # type: ignore[untyped-decorator]
def insert(ground: Ground, load: Load, prices: Prices, scratch: Scratch, group: int) -> YesNo:
    """Changes ``load``: puts an unplanned group on its cheapest way; False if there is none."""
    facts = ground.group[group]
    if facts[STATE] != FREE:
        return False
    limit = float(facts[LEFT_OUT])
    had_plan = ground.old_count[group] >= 0
    old = NO_PRICE
    if had_plan:
        limit -= ground.change_cents
        if ground.old_count[group] > 0:
            old = way_price(ground, load, prices, group, ground.old_legs[group], ground.old_count[group])
    # Ways cheaper than a low limit are found much faster than ways cheaper than leaving the group out, and the
    # cheapest below any limit is the cheapest of all.
    trial = scratch.hint[group] * HINT_GROWTH + HINT_MARGIN_CENTS * facts[SEATS]
    if scratch.hint[group] == 0:
        start = min(facts[FIRST], ground.day_count - 1)
        least = ground.ahead[facts[PROFILE], start, facts[FROM]] * facts[PERSONS]
        trial = FIRST_MARGIN_CENTS * facts[SEATS] + float(least)
    price = 0.0
    scratch.leg_count[0] = 0
    while scratch.leg_count[0] == 0 and price < limit:
        price = min(trial, limit)
        found = find_way(ground, load, prices, scratch, group, price, np.int64(-1))
        if scratch.leg_count[0] > 0:
            price = found
            scratch.hint[group] = max(1.0, price)
        trial *= TRIAL_GROWTH
    if scratch.leg_count[0] == 0 and old >= NO_PRICE and facts[STARTED] < 0:
        price = limit
        for start in range(facts[FIRST], facts[LAST] + 1):
            price = find_way(ground, load, prices, scratch, group, limit, start)
            if scratch.leg_count[0] > 0:
                break
    if old < NO_PRICE and (scratch.leg_count[0] == 0 or old <= price + ground.change_cents):
        scratch.leg_count[0] = ground.old_count[group]
        for leg in range(ground.old_count[group]):
            scratch.way[leg] = ground.old_legs[group, leg]
    if scratch.leg_count[0] == 0:
        return False
    for leg in range(scratch.leg_count[0]):
        scratch.vehicle[leg] = -1
    return place(ground, load, group, scratch.way, scratch.vehicle, scratch.leg_count[0], np.int64(0))


@njit(cache=True)  # type: ignore[untyped-decorator]
def insert_all(
    ground: Ground, load: Load, prices: Prices, scratch: Scratch, groups: Array, start: int, end: int
) -> Whole:
    """Changes ``load``: inserts the unplanned among ``groups[start:end]`` in order; how many found a way."""
    placed = 0
    for position in range(start, end):
        if load.leg_count[groups[position]] == 0 and insert(ground, load, prices, scratch, groups[position]):
            placed += 1
    return placed


@njit(cache=True)  # type: ignore[untyped-decorator]
def worst_aircraft(ground: Ground, load: Load) -> Whole:
    """The flown aircraft furthest below its least load as one number, or -1; locked groups do not matter."""
    worst, found = 0, -1
    rows, days, places = load.aircraft.shape
    for row in range(rows):
        for day in range(ground.now, days):
            for aircraft in range(ground.aircraft_max[row]):
                if load.aircraft_groups[row, day, aircraft] > 0:
                    missing = ground.charter_minimum[row] - (
                        ground.charter_seats[row] - load.aircraft[row, day, aircraft]
                    )
                    if missing > worst:
                        worst, found = missing, (row * days + day) * places + aircraft
    return found


def make_scratch(ground: Ground) -> Scratch:
    """Work space for one problem; the last stamp counts the calls."""
    labels = (ground.day_count + 1) * ground.slot_count * ground.site_count
    return Scratch(
        cost=np.zeros(labels),
        start=np.zeros(labels, dtype=np.int64),
        came_from=np.zeros(labels, dtype=np.int64),
        came_by=np.zeros(labels, dtype=np.int64),
        stamp=np.zeros(labels + 1, dtype=np.int64),
        way=np.zeros(LARGEST_LEGS, dtype=np.int64),
        vehicle=np.zeros(LARGEST_LEGS, dtype=np.int64),
        leg_count=np.zeros(1, dtype=np.int64),
        moved=np.zeros(len(ground.group) + 1, dtype=np.int64),
        hint=np.zeros(len(ground.group)),
    )


def make_prices(ground: Ground, *, expected: float) -> Prices:
    """Prices that expect the same load on every new vehicle, and full aircraft."""
    trips, charters = ground.trip_segments.size, ground.charter_seats.size
    return Prices(
        expected=np.full((trips, ground.day_count), expected),
        aircraft_expected=np.repeat(ground.charter_seats.astype(np.float64)[:, None] * 0.8, ground.day_count, axis=1),
        noise=np.ones(NOISE_COUNT),
        dial=np.array([1.0, float(UNREACHABLE), 0.0, -1.0, -1.0]),
        barred=np.zeros((charters, ground.day_count), dtype=np.bool_),
    )
