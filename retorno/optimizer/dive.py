"""A plan from the linear program: vehicles made whole step by step, then every family put on its class's ways.

The program knows everybody at once, so it sees which vehicles are worth sending where people are many; what it
does not know is that vehicles are whole and families stay together.  ``dive`` rounds the vehicles and aircraft of
its solution, those nearest to a whole number first, and solves again between (only bounds change, and ways on the
vehicles now fixed are priced in), until all are whole.  ``settle`` opens these vehicles in a draft and places the
families.  Nothing here proves anything; the value of the plan is counted as that of any other.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
from numba import njit

from retorno.optimizer import place as columns
from retorno.optimizer.construct import Draft, priority, start_draft
from retorno.optimizer.ground import Floats
from retorno.optimizer.insert import NO_PRICE, Prices, way_price
from retorno.optimizer.master import Master, Relaxed
from retorno.optimizer.place import (
    KIND,
    LARGEST_LEGS,
    TRIP,
    Array,
    Ground,
    Load,
    YesNo,
    add_task,
    drop_task,
    place,
    running_vehicle,
    vehicle_to_open,
)
from retorno.optimizer.pricing import Way
from retorno.optimizer.setting import KIND_NUMBER, Setting, ride_finder

UP, DOWN = 0.4, 0.2
"""Shares of a vehicle from which a round rounds up, and up to which it rounds down (measured on 3,000 persons)."""
UP_SHARE, DOWN_SHARE = 0.2, 0.5
"""Of all that is not whole yet, at most these shares are rounded in one round."""
DOWN_STEP = 0.1
"""By how much the share up to which a round rounds down rises where nothing can be rounded up."""
TAIL_COUNT = 12
"""With no more left than this, no ways are priced in any more."""
PRICE_EVERY = 2
"""Rounds between two looks for ways on the vehicles now fixed."""
WHOLE = 1e-5
EXPECTED = 6.0
"""Load expected on a vehicle that the program did not send."""


class _Dive:
    """The rounded columns of a program and the last good solution."""

    def __init__(self, master: Master) -> None:
        self.master, self.program = master, master.program
        self.low: dict[int, float] = {}
        self.high: dict[int, float] = {}
        self.down = DOWN
        self.values: Floats = master.program.values.copy()

    def shares(self) -> list[tuple[float, int]]:
        """(part above the whole number below, column) of all moves and aircraft that are not whole, largest first."""
        found = []
        for column in (*self.master.move_columns.values(), *self.master.aircraft_columns.values()):
            if column < len(self.values):
                value = float(self.values[column])
                share = value - np.floor(value + WHOLE)
                if share > WHOLE:
                    found.append((float(share), column))
        return sorted(found, key=lambda pair: (-pair[0], pair[1]))

    def bound(self, column: int, *, low: float | None = None, high: float | None = None) -> None:
        """Changes the program: bounds of a column."""
        if low is not None:
            self.low[column] = low
        if high is not None:
            self.high[column] = high
        self.program.change_bounds(column, self.low.get(column, 0.0), self.high.get(column, np.inf))

    def round(self, shares: Sequence[tuple[float, int]]) -> list[int]:
        """Changes the program: rounds some columns up and some down; gives those rounded up."""
        up = [column for share, column in shares if share >= UP][: max(1, int(UP_SHARE * len(shares)))]
        if not up:
            self.down = min(UP, self.down + DOWN_STEP)
        below = [column for share, column in reversed(shares) if share <= self.down and column not in up]
        below = below[: max(1, int(DOWN_SHARE * len(shares)))]
        for column in below:
            self.bound(column, high=float(np.floor(self.values[column] + WHOLE)))
        for column in up:
            self.bound(column, low=float(np.floor(self.values[column] + WHOLE)) + 1.0)
        return up

    def solve(self, seconds: float) -> bool:
        """Changes this object: solves again; False if there was no solution or no time."""
        if not self.program.solve(seconds):
            return False
        self.values = self.program.values.copy()
        return True

    def price_in(self, is_over: Callable[[], bool]) -> None:
        """Changes the program: adds ways that are cheap on the vehicles now fixed."""
        master = self.master
        prices = master.read_prices()
        master.pricing.set_prices(prices)
        fleet = master.pricing.fleet(master.pricing.revenues()[0])
        master.fill_slack(prices, fleet, in_program=master.opened)
        master.pricing.set_prices(prices)
        _, _, ways = master.price_out(prices, 2, self.program.duals[master.class_rows], is_over=is_over)
        master.add_ways(ways)


def dive(
    master: Master, relaxed: Relaxed, *, seconds: float, should_stop: Callable[[], bool] = lambda: False
) -> Relaxed:
    """The program's solution with whole vehicles and aircraft; what time did not suffice for is rounded.

    Changes ``master``: its bounds on moves and aircraft stay, so it proves nothing afterwards.

    Parameters
    ----------
    relaxed
        What ``master.generate`` found last.
    """
    end = time.monotonic() + seconds
    state = _Dive(master)
    rounds = 0

    def is_over() -> bool:
        return time.monotonic() > end or should_stop()

    while not is_over():
        shares = state.shares()
        if not shares:
            break
        up = state.round(shares)
        if not state.solve(end - time.monotonic()):
            if is_over():
                break
            # More vehicles asked of a depot than it has: none of these is rounded up, the first goes down.
            for column in up:
                state.bound(column, low=float(np.floor(state.values[column] + WHOLE)))
            state.bound(shares[0][1], high=float(np.floor(state.values[shares[0][1]] + WHOLE)))
            for column in list(state.high):
                if column != shares[0][1]:
                    state.bound(column, high=np.inf)
            if not state.solve(end - time.monotonic()):
                break
        rounds += 1
        if rounds % PRICE_EVERY == 0 and len(shares) > TAIL_COUNT and not is_over():
            state.price_in(is_over)
            if not state.solve(end - time.monotonic()):
                break
    state.program.values = state.values
    amounts, moves, aircraft = master.solution()
    return replace(
        relaxed,
        amounts=amounts,
        moves={move: float(round(n)) for move, n in moves.items() if round(n)},
        aircraft={key: float(round(n)) for key, n in aircraft.items() if round(n)},
    )


@njit(cache=True)  # type: ignore[untyped-decorator]
def open_tasks(ground: Ground, load: Load, tasks: Array) -> None:
    """Changes ``load``: each (type, trip, day) goes to its cheapest vehicle, empty so far, if there is one."""
    for position in range(tasks.shape[0]):
        kind, trip, day = tasks[position, 0], tasks[position, 1], tasks[position, 2]
        _, vehicle = vehicle_to_open(ground, load, kind, trip, day, np.int64(0), np.int64(0))
        if vehicle >= 0:
            add_task(ground, load, vehicle, trip, day)


@njit(cache=True)  # type: ignore[untyped-decorator]
def drop_empty(ground: Ground, load: Load) -> None:
    """Changes ``load``: tasks with nobody on board are given up."""
    for vehicle in range(load.task.shape[0]):
        for day in range(ground.now, load.task.shape[1]):
            if load.task[vehicle, day] >= 0 and load.aboard[vehicle, day] == 0:
                drop_task(ground, load, vehicle, np.int64(day))


@njit(cache=True)  # type: ignore[untyped-decorator]
def take_way(
    ground: Ground, load: Load, prices: Prices, group: int, rides: Array, vehicles: Array, count: int
) -> YesNo:
    """Changes ``load``: puts a group on given rides if they are free and no vehicle must start for it."""
    for leg in range(count):
        vehicles[leg] = -1
        if ground.ride[rides[leg], KIND] == TRIP and running_vehicle(ground, load, group, rides[leg]) < 0:
            return False
    if way_price(ground, load, prices, group, rides, count) >= NO_PRICE:
        return False
    return place(ground, load, group, rides, vehicles, count, np.int64(0))


def settle(setting: Setting, master: Master, dived: Relaxed, *, should_stop: Callable[[], bool] | None = None) -> Draft:
    """A draft with the vehicles of a dive, every family on a way of its class while there is room, else on any."""
    draft = start_draft(setting, expected=EXPECTED)
    ground_handle, load_handle, prices_handle, _ = draft.handles
    lp_ground, ground = master.ground, setting.ground
    ridden = {
        (int(lp_ground.ride_row[ride]), day)
        for own in dived.amounts
        for way, _ in own
        for ride, day in way.path
        if lp_ground.ride_leg[ride][0] == "trip"
    }
    tasks = [
        move
        for move, number in sorted(dived.moves.items(), key=lambda item: (item[0][2], item[0]))
        for _ in range(int(number))
        if (move[1], move[2]) in ridden
    ]
    open_tasks(ground_handle, load_handle, np.array(tasks, dtype=np.int64).reshape(-1, 3))
    order = priority(setting)
    rank = np.empty(len(order), dtype=np.int64)
    rank[order] = np.arange(len(order))
    position_of = {group.id: number for number, group in enumerate(setting.problem.groups)}
    left: dict[int, list[tuple[Way, float]]] = {
        index: sorted(own, key=lambda item: (-item[1], item[0].path)) for index, own in enumerate(dived.amounts) if own
    }
    members = [
        (position_of[group_id], index)
        for index in left
        for group_id in master.classes[index].group_ids
        if ground.group[position_of[group_id], columns.STATE] == columns.FREE
    ]
    facts = ground.group
    members.sort(key=lambda m: (-facts[m[0], columns.WHEELCHAIRS], -facts[m[0], columns.SEATS], rank[m[0]]))
    rides_of = _RideRows(setting, master)
    rides, vehicles = np.zeros(LARGEST_LEGS, dtype=np.int64), np.zeros(LARGEST_LEGS, dtype=np.int64)
    for number, index in members:
        units = float(facts[number, columns.PERSONS]) if master.classes[index].is_merged else 1.0
        own = left[index]
        for place_of, (way, amount) in enumerate(own):
            path = rides_of.path(way)
            if not path:
                continue
            rides[: len(path)] = path
            if take_way(ground_handle, load_handle, prices_handle, number, rides, vehicles, len(path)):
                own[place_of] = (way, amount - units)
                own.sort(key=lambda item: (-item[1], item[0].path))
                break
    draft.insert(order, should_stop=should_stop)
    drop_empty(ground_handle, load_handle)
    draft.settle(order)
    draft.learn(unused=EXPECTED)
    return draft


class _RideRows:
    """From ways of the program to rows of ``Ground.ride``."""

    def __init__(self, setting: Setting, master: Master) -> None:
        self._find = ride_finder(setting.space, setting.ride_number)
        self._legs = master.ground.ride_leg
        self._known: dict[tuple[tuple[int, int], ...], list[int]] = {}

    def path(self, way: Way) -> list[int]:
        """The rows of a way's rides; empty if one of them is unknown there."""
        if way.path not in self._known:
            rows = []
            for ride, day in way.path:
                kind, row_id, board, alight = self._legs[ride]
                stops = (board, alight) if kind == "trip" else (0, 1)
                rows.append(self._find.get((KIND_NUMBER[kind], row_id, day, *stops), -1))
            self._known[way.path] = [] if -1 in rows or len(rows) > LARGEST_LEGS else rows
        return self._known[way.path]
