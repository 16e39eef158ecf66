"""Which aircraft fly: chosen for everybody at once, before the groups are placed one by one.

An aircraft pays only with many people aboard who would otherwise go another way, so no search that moves a few
groups at a time finds it.  Here every group's cheapest way without an aircraft is compared with its cheapest way
by each of them (``flight_savings``: one sweep forward in time per group, on an empty network where a seat of a
trip costs its share of the vehicle).  What remains is a question of opening: which aircraft, so that the savings
of those who fly exceed what the aircraft cost (``choose_flights``).  The plan is then made anew with the chosen
aircraft paid for, those who save most going in first.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numba import njit

from retorno.optimizer import place as columns
from retorno.optimizer.construct import Draft, priority, start_draft
from retorno.optimizer.insert import PAID_LOAD, Scratch, push
from retorno.optimizer.place import CHARTER, TRIP, Array, Ground, Load, Real, Whole
from retorno.optimizer.setting import Setting
from retorno.optimizer.timespace import FAR, Commodity, costs_to_go

# Our assumptions, from measurements: how full a vehicle is, empty ways included, when its cost is shared; how many
# choices of aircraft are tried.
MEAN_LOAD = 0.5
PERTURBATIONS = 100
UNUSED_LOAD = 6.0
# Plans whose groups cost more than this times the least on an empty network are short of capacity.
CROWDED = 1.3


@dataclass(frozen=True, kw_only=True, eq=False)
class Flights:
    """Who would save what by which aircraft.

    Parameters
    ----------
    row, day
        Per aircraft: its charter and day.
    start, group, saving
        The groups that would save by aircraft ``f`` are ``group[start[f]:start[f + 1]]``, most saved per seat
        first; ``saving`` in cents for the whole group.
    """

    row: Array
    day: Array
    start: Array
    group: Array
    saving: Array


@njit(cache=True)  # type: ignore[untyped-decorator]
def flight_prices(
    ground: Ground, scratch: Scratch, seat_cents: Array, after: Array, alone: float, group: int, out: Array
) -> None:
    """Changes ``out[charter, day]``: least price of a group's way with that charter as its only one.

    Parameters
    ----------
    seat_cents
        Per ride: cents per seat beside comfort, fares and shares of vehicles.
    after
        Per (profile, ride): a person's least price after a charter has landed, waiting from then on included.
    alone
        The group's least price without any charter; ways that are no cheaper are left at what they were.
    """
    facts = ground.group[group]
    seats, persons, wait = facts[columns.SEATS], facts[columns.PERSONS], facts[columns.WAIT]
    ready, first, last, origin = (
        facts[columns.READY], facts[columns.FIRST], facts[columns.LAST], facts[columns.FROM],
    )  # fmt: skip
    target, journey = facts[columns.TO], facts[columns.JOURNEY]
    profile = facts[columns.PROFILE]
    night = ground.bed_cents * seats
    table, site_start, flight_end = ground.ride, ground.site_start, ground.flight_end
    allowed, ahead = ground.allowed[facts[columns.COMMODITY]], ground.ahead[profile]
    costs, stamp = scratch.cost, scratch.stamp
    labels = (costs, scratch.start, scratch.came_from, scratch.came_by, stamp)
    nobody = np.int64(-1)
    sites, slots, overnight_count = ground.site_count, ground.slot_count, ground.overnight_count
    stamp[-1] += 1
    call = stamp[-1]
    furthest: Whole = -1
    for day in range(first, last + 1):
        if ahead[day, origin] * persons + wait * (day - ready) < alone:
            push(labels, call, day * slots * sites + origin, 0.0, day, nobody, nobody)
            furthest = max(furthest, day)
        if furthest < day:
            continue
        for slot in range(slots):
            is_overnight = slot < overnight_count
            rank_column = columns.RANK_OVERNIGHT if is_overnight else columns.RANK_SAME_DAY
            for site in range(sites):
                label = (day * slots + slot) * sites + site
                if stamp[label] != call:
                    continue
                cost, start = costs[label], scratch.start[label]
                if cost + ahead[day, site] * persons + wait * (day - ready) >= alone:
                    continue
                end = site_start[day, site + 1] if is_overnight else flight_end[day, site]
                for ride in range(site_start[day, site], end):
                    if not allowed[ride] or table[ride, rank_column] < slot:
                        continue
                    arrive = np.int64(table[ride, columns.ARRIVE_DAY])
                    if arrive > last or arrive - start > journey:
                        continue
                    there = np.int64(table[ride, columns.DESTINATION])
                    reached = cost + persons * table[ride, columns.COMFORT] + seats * seat_cents[ride]
                    if table[ride, columns.KIND] == CHARTER:
                        total = reached + persons * after[profile, ride] + wait * (arrive - ready)
                        row = table[ride, columns.ROW]
                        if total < alone and total < out[row, day]:
                            out[row, day] = total
                        continue
                    if there == target or reached + ahead[arrive, there] * persons + wait * (arrive - ready) >= alone:
                        continue
                    if table[ride, columns.SAME_DAY] >= 0:
                        state = (arrive * slots + table[ride, columns.SAME_DAY]) * sites + there
                        push(labels, call, state, reached, start, label, ride)
                        furthest = max(furthest, arrive)
                    if arrive + 1 <= last:
                        state = ((arrive + 1) * slots + table[ride, columns.OVERNIGHT]) * sites + there
                        push(labels, call, state, reached + night, start, label, ride)
                        furthest = max(furthest, arrive + 1)
                if is_overnight and start < day and day + 1 <= last and day + 1 - start <= journey:
                    state = (day + 1) * slots * sites + site
                    push(labels, call, state, cost + night, start, label, nobody)
                    furthest = max(furthest, day + 1)


def shared_seats(setting: Setting) -> Array:
    """Per ride cents per seat: fares, and a seat's share of the cheapest vehicle that could run a trip."""
    ground, ride = setting.ground, setting.ground.ride
    share = (ground.trip_cost / np.maximum(1.0, MEAN_LOAD * ground.type_seats[:, None])).min(axis=0)
    is_trip = ride[:, columns.KIND] == TRIP
    seat_cents = ride[:, columns.FARE].astype(np.float64)
    rows = ride[:, columns.ROW]
    # A ride over part of a trip pays its part.
    part = (ride[:, columns.ALIGHT] - ride[:, columns.BOARD]) / np.maximum(
        1, ground.trip_segments[np.where(is_trip, rows, 0)]
    )
    seat_cents[is_trip] += (share[np.where(is_trip, rows, 0)] * part)[is_trip]
    return seat_cents


def flight_savings(setting: Setting, seat_cents: Array, *, scratch: Scratch) -> tuple[Flights, Array]:
    """Who would save what by which aircraft, and every group's least price without one (cents, empty network).

    ``seat_cents`` per row of ``Ground.ride``: cents per seat beside comfort.
    """
    ground, space, problem = setting.ground, setting.space, setting.problem
    days, rides = ground.day_count, len(setting.ride_number)
    price = np.zeros(space.ride_count)
    table = ground.ride[:rides]
    price[setting.ride_number] = table[:, columns.COMFORT] + seat_cents[:rides]
    beds = np.array([site.beds > 0 for site in problem.sites])
    night = np.where(beds[:, None], float(ground.bed_cents), FAR) * np.ones((1, days))
    charters = np.flatnonzero(table[:, columns.KIND] == CHARTER)
    numbers = setting.ride_number[charters]
    arrive, there = space.ride_arrive_day[numbers], space.ride_destination[numbers]
    same, over = space.after_same_day[numbers], space.after_overnight[numbers]
    lands = arrive < days
    now, later = np.minimum(arrive, days - 1), np.minimum(arrive + 1, days - 1)
    profiles = int(ground.group[:, columns.PROFILE].max(initial=0)) + 1
    after = np.full((profiles, len(ground.ride)), FAR)
    ahead = np.full((profiles, days, len(problem.sites)), FAR)
    members: dict[Commodity, dict[int, float]] = {}
    limits: dict[Commodity, int] = {}
    for number, group in enumerate(problem.groups):
        facts = ground.group[number]
        commodity = space.commodity(group)
        members.setdefault(commodity, {})[int(facts[columns.PROFILE])] = facts[columns.WAIT] / facts[columns.PERSONS]
        limits[commodity] = max(limits.get(commodity, 0), int(facts[columns.JOURNEY]))
    for commodity, waits in members.items():
        journey = limits[commodity]
        togo = costs_to_go(
            space,
            destination=commodity.destination,
            allowed=space.is_allowed(commodity) & (space.ride_kind != CHARTER),
            ride_price=price,
            night_price=night,
            arrival_price=np.zeros(days),
            journey_days=journey,
        ).value
        best = np.where(same[:, None] >= 0, togo[now, np.maximum(same, 0), there], FAR)
        asleep = night[there, now][:, None] + togo[later, over, there][:, :-1]
        best[:, 1:] = np.minimum(best[:, 1:], np.where((arrive + 1 < days)[:, None], asleep, FAR))
        layers = np.arange(journey + 1)
        home = there == commodity.destination
        for profile, wait in waits.items():
            left = (best + wait * layers).min(axis=1)
            left[home] = 0.0
            left[~lands] = FAR
            after[profile, charters] = left
            ahead[profile] = (togo[:, 0] + wait * layers).min(axis=2)
    return _pairs(setting, scratch, seat_cents, after, ahead)


def _pairs(setting: Setting, scratch: Scratch, seat_cents: Array, after: Array, ahead: Array) -> tuple[Flights, Array]:
    ground, days = setting.ground, setting.ground.day_count
    groups = len(ground.group)
    shape = len(ground.charter_seats), days
    alone = np.zeros(groups)
    found_flight: list[Array] = []
    found_group: list[Array] = []
    found_saving: list[Array] = []
    out = np.empty(shape)
    for number in range(groups):
        facts = ground.group[number]
        if facts[columns.STATE] != columns.FREE or facts[columns.STARTED] >= 0 or facts[columns.LAST] < 0:
            continue
        first, last = int(facts[columns.FIRST]), int(facts[columns.LAST])
        when = np.arange(first, last + 1)
        own = ahead[facts[columns.PROFILE], first : last + 1, facts[columns.FROM]] * facts[columns.PERSONS]
        least = float((own + facts[columns.WAIT] * (when - facts[columns.READY])).min(initial=FAR))
        alone[number] = min(least, float(facts[columns.LEFT_OUT]))
        out[:] = alone[number]
        flight_prices(setting.handle, scratch, seat_cents, after, alone[number], number, out)
        flights = np.flatnonzero(out < alone[number])
        found_flight.append(flights)
        found_group.append(np.full(len(flights), number))
        found_saving.append(alone[number] - out.ravel()[flights])
    flight = np.concatenate([np.zeros(0, dtype=np.int64), *found_flight])
    group = np.concatenate([np.zeros(0, dtype=np.int64), *found_group])
    saving = np.concatenate([np.zeros(0), *found_saving])
    order = np.lexsort((group, -saving / np.maximum(1, ground.group[group, columns.SEATS]), flight))
    used, counts = np.unique(flight, return_counts=True)
    found = Flights(
        row=used // days,
        day=used % days,
        start=np.concatenate([[0], np.cumsum(counts)]).astype(np.int64),
        group=group[order],
        saving=saving[order],
    )
    return found, alone


@njit(cache=True)  # type: ignore[untyped-decorator]
def fill_gain(
    start: Array, group: Array, saving: Array, seats: Array, now: Array, flight: int, room: int, least: int,
    needed: float, picked: Array,
) -> tuple[Real, Whole]:  # fmt: skip
    """Most that the groups of an aircraft could save beyond what they save ``now``, and how many: ``picked``.

    Nothing if fewer than ``least`` seats are taken or they cannot save more than ``needed``.
    """
    low, high = start[flight], start[flight + 1]
    count = 0
    total = 0.0
    for pair in range(low, high):
        more = saving[pair] - now[group[pair]]
        if more > 0:
            total += more
            count += 1
    if total <= needed:
        return 0.0, 0
    keys = np.empty(count)
    pairs = np.empty(count, dtype=np.int64)
    count = 0
    for pair in range(low, high):
        more = saving[pair] - now[group[pair]]
        if more > 0:
            keys[count] = -more / seats[group[pair]]
            pairs[count] = pair
            count += 1
    total, taken, number = 0.0, 0, 0
    for position in np.argsort(keys, kind="mergesort"):
        pair = pairs[position]
        if taken + seats[group[pair]] <= room:
            taken += seats[group[pair]]
            total += saving[pair] - now[group[pair]]
            picked[number] = pair
            number += 1
    if taken < least or total <= needed:
        return 0.0, 0
    return total, number


@njit(cache=True)  # type: ignore[untyped-decorator]
def settle(
    start: Array, group: Array, saving: Array, seats: Array, room: Array, opened: Array, now: Array, on: Array,
    free: Array, picked: Array,
) -> None:  # fmt: skip
    """Changes ``now``, ``on`` and ``free``: free seats of open aircraft go to those who save most by them."""
    for _ in range(6):
        moved = False
        for flight in range(opened.size):
            if not opened[flight] or free[flight] <= 0:
                continue
            number = fill_gain(start, group, saving, seats, now, flight, free[flight], 0, 0.0, picked)[1]
            for position in range(number):
                pair = picked[position]
                who = group[pair]
                if on[who] >= 0:
                    free[on[who]] += seats[who]
                on[who] = flight
                now[who] = saving[pair]
                free[flight] -= seats[who]
                moved = True
        if not moved:
            return


@njit(cache=True)  # type: ignore[untyped-decorator]
def open_best(
    start: Array, group: Array, saving: Array, seats: Array, room: Array, least: Array, cents: Array, opened: Array,
    barred: Array, now: Array, on: Array, free: Array, picked: Array, best_picked: Array,
) -> Whole:  # fmt: skip
    """Changes all but the facts: opens the aircraft that gains most, if any gains; its number or -1."""
    best, chosen, count = 1.0, -1, 0
    for flight in range(opened.size):
        if opened[flight] or barred[flight]:
            continue
        gain, number = fill_gain(
            start, group, saving, seats, now, flight, room[flight], least[flight], cents[flight] + best, picked
        )
        if number > 0 and gain - cents[flight] > best:
            best, chosen, count = gain - cents[flight], flight, number
            best_picked[:number] = picked[:number]
    if chosen < 0:
        return -1
    opened[chosen] = True
    free[chosen] = room[chosen]
    for position in range(count):
        pair = best_picked[position]
        who = group[pair]
        if on[who] >= 0:
            free[on[who]] += seats[who]
        on[who] = chosen
        now[who] = saving[pair]
        free[chosen] -= seats[who]
    return chosen


@njit(cache=True)  # type: ignore[untyped-decorator]
def close_flight(flight: int, start: Array, group: Array, opened: Array, now: Array, on: Array, free: Array) -> None:
    """Changes ``opened``, ``now`` and ``on``: an aircraft stays on the ground, nobody is aboard."""
    opened[flight] = False
    free[flight] = 0
    for pair in range(start[flight], start[flight + 1]):
        if on[group[pair]] == flight:
            on[group[pair]] = -1
            now[group[pair]] = 0.0


@njit(cache=True)  # type: ignore[untyped-decorator]
def search_flights(
    start: Array, group: Array, saving: Array, seats: Array, room: Array, least: Array, cents: Array, row: Array,
    day: Array, opened: Array, on: Array, seed: int, count: int,
) -> Real:  # fmt: skip
    """Changes ``opened`` and ``on``: the best choice of aircraft found; what it saves in all, cents.

    Opens the aircraft that gains most until none gains, then closes one to three at a time and opens anew.
    """
    flights, groups = opened.size, seats.size
    now, free = np.zeros(groups), np.zeros(flights, dtype=np.int64)
    picked, best_picked = np.empty(group.size, dtype=np.int64), np.empty(group.size, dtype=np.int64)
    barred = np.zeros(flights, dtype=np.bool_)
    on[:] = -1
    opened[:] = False
    np.random.seed(seed)
    best = -1e18
    kept_opened, kept_on, kept_now, kept_free = opened.copy(), on.copy(), now.copy(), free.copy()
    for attempt in range(count + 1):
        barred[:] = False
        if attempt > 0:
            chosen = np.flatnonzero(opened)
            if chosen.size == 0:
                break
            first = chosen[np.random.randint(chosen.size)]
            for _ in range(1 + np.random.randint(3)):
                close_flight(first, start, group, opened, now, on, free)
                barred[first] = True
                near = -1
                for trial in range(20):
                    other = chosen[np.random.randint(chosen.size)]
                    if opened[other] and (row[other] == row[first] or trial > 10):
                        near = other
                        break
                if near < 0:
                    break
                first = near
            settle(start, group, saving, seats, room, opened, now, on, free, picked)
        # First without those just closed, then with them: beside others they may pay again.
        for _ in range(2 * flights):
            opening = open_best(
                start, group, saving, seats, room, least, cents, opened, barred, now, on, free, picked, best_picked
            )
            if opening >= 0:
                settle(start, group, saving, seats, room, opened, now, on, free, picked)
            elif barred.any():
                barred[:] = False
            else:
                break
        # Aircraft that others have emptied pay no longer.
        for flight in range(flights):
            if opened[flight]:
                worth = 0.0
                for pair in range(start[flight], start[flight + 1]):
                    if on[group[pair]] == flight:
                        worth += saving[pair]
                if worth < cents[flight] or room[flight] - free[flight] < least[flight]:
                    close_flight(flight, start, group, opened, now, on, free)
        settle(start, group, saving, seats, room, opened, now, on, free, picked)
        total = now.sum() - cents[opened].sum()
        if total > best:
            best = total
            kept_opened[:], kept_on[:], kept_now[:], kept_free[:] = opened, on, now, free
        else:
            opened[:], on[:], now[:], free[:] = kept_opened, kept_on, kept_now, kept_free
    opened[:], on[:] = kept_opened, kept_on
    return best


@njit(cache=True)  # type: ignore[untyped-decorator]
def cost_now(ground: Ground, load: Load, seat_cents: Array, group: int) -> Real:
    """What a group costs in the plan: its own cost and its share of the vehicles that it rides."""
    cost = float(load.cost[group])
    for leg in range(load.leg_count[group]):
        ride = load.leg_ride[group, leg]
        if ground.ride[ride, columns.KIND] == TRIP:
            cost += seat_cents[ride] * ground.group[group, columns.SEATS]
    return cost


@njit(cache=True)  # type: ignore[untyped-decorator]
def costs_now(ground: Ground, load: Load, seat_cents: Array, out: Array) -> None:
    """Changes ``out``: ``cost_now`` of every group."""
    for group in range(out.size):
        out[group] = cost_now(ground, load, seat_cents, group)


def construct_on_flights(
    draft: Draft, *, urgent_first: bool, seed: int, should_stop: Callable[[], bool] | None = None
) -> Draft | None:
    """A plan made anew around aircraft that are chosen for everybody at once; None if there is nothing to choose.

    What a group would cost without an aircraft is what it costs in ``draft``, or the least on an empty network if
    that is more.  Where capacity is short for weeks (``CROWDED``) such prices say nothing, and None is given.

    Parameters
    ----------
    draft
        A plan of the same problem; its loads are expected on new vehicles.
    urgent_first
        Order of those who do not fly; see ``construct.priority``.
    """
    setting, ground = draft.setting, draft.setting.ground
    seat_cents = shared_seats(setting)
    flights, alone = flight_savings(setting, seat_cents, scratch=draft.scratch)
    now = np.zeros(len(ground.group))
    costs_now(setting.handle, draft.handles[1], seat_cents, now)
    if not len(flights.row) or now.sum() > CROWDED * alone.sum():
        return None
    saving = flights.saving + np.maximum(0.0, now - alone)[flights.group]
    seats = ground.group[:, columns.SEATS].copy()
    opened, on = np.zeros(len(flights.row), dtype=np.bool_), np.full(len(seats), -1, dtype=np.int64)
    search_flights(
        flights.start,
        flights.group,
        saving,
        seats,
        ground.charter_seats[flights.row],
        ground.charter_minimum[flights.row],
        ground.charter_cents[flights.row].astype(np.float64),
        flights.row,
        flights.day,
        opened,
        on,
        seed,
        PERTURBATIONS,
    )
    saved = np.zeros(len(seats))
    for flight in np.flatnonzero(opened):
        pairs = slice(int(flights.start[flight]), int(flights.start[flight + 1]))
        aboard = on[flights.group[pairs]] == flight
        saved[flights.group[pairs][aboard]] = saving[pairs][aboard]
    per_seat = saved / np.maximum(1, seats)
    flying = np.array(sorted(np.flatnonzero(on >= 0), key=lambda number: (-per_seat[number], number)), dtype=np.int64)
    return _placed(draft, flights, opened, flying, urgent_first=urgent_first, should_stop=should_stop)


def _placed(
    draft: Draft,
    flights: Flights,
    opened: Array,
    flying: Array,
    *,
    urgent_first: bool,
    should_stop: Callable[[], bool] | None,
) -> Draft:
    """A plan made anew with the chosen aircraft paid for and no other: those ``flying`` first, then all others."""
    setting = draft.setting
    again = start_draft(setting, expected=UNUSED_LOAD)
    draft.learn(unused=UNUSED_LOAD)
    again.prices.expected[:] = draft.prices.expected
    usual = again.prices.aircraft_expected.copy()
    rows, days = flights.row[opened], flights.day[opened]
    again.prices.barred[:] = True
    again.prices.barred[rows, days] = False
    again.prices.aircraft_expected[rows, days] = PAID_LOAD
    order = priority(setting, urgent_first=urgent_first)
    again.insert(flying, should_stop=should_stop)
    again.insert(order, should_stop=should_stop)
    again.settle(order)
    again.prices.barred[:] = False
    again.prices.aircraft_expected[:] = usual
    return again
