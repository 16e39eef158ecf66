"""The first plan, and its repair after a change.

Groups go in one by one, longest stranded and heaviest first, each on its cheapest way on what is still free.
What a new vehicle or aircraft costs is divided by the load expected on it; the plan is then made again with
the loads that the plan before really had.  Aircraft that stay below their least load are cancelled, worst
first, and their groups go another way.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numba import njit

from retorno.optimizer import place as columns
from retorno.optimizer.handles import prices_handle, scratch_handle
from retorno.optimizer.insert import (
    Prices,
    Scratch,
    insert,
    insert_all,
    make_prices,
    make_scratch,
    worst_aircraft,
)
from retorno.optimizer.place import CHARTER, DAY, KIND, ROW, Array, Ground, Load, Whole, take_out
from retorno.optimizer.problem import Plan
from retorno.optimizer.readback import put_back, to_plan
from retorno.optimizer.rest import restless_vehicle
from retorno.optimizer.setting import Setting, empty_load

# Groups inserted between two looks at the clock.
CHUNK_GROUPS = 200
# How often those who rode restless vehicles look for another way: our choice, it is hardly ever needed.
SETTLE_TRIALS = 3


@njit(cache=True)  # type: ignore[untyped-decorator]
def worst_untried(ground: Ground, load: Load, tried: Array) -> Whole:
    """As ``worst_aircraft``, but for those tried already."""
    worst, found = 0, -1
    rows, days, places = load.aircraft.shape
    for row in range(rows):
        for day in range(ground.now, days):
            for aircraft in range(ground.aircraft_max[row]):
                number = (row * days + day) * places + aircraft
                if load.aircraft_groups[row, day, aircraft] > 0 and not tried[number]:
                    taken = ground.charter_seats[row] - load.aircraft[row, day, aircraft]
                    if ground.charter_minimum[row] - taken > worst:
                        worst, found = ground.charter_minimum[row] - taken, number
    return found


@njit(cache=True)  # type: ignore[untyped-decorator]
def cancel_thin(ground: Ground, load: Load, prices: Prices, scratch: Scratch, groups: Array) -> Whole:
    """Changes ``load`` and ``prices``: cancels aircraft below their least load; gives how many.

    ``groups`` is the order in which the groups of a cancelled aircraft look for another way.  Each aircraft is
    cancelled once: one that carries a locked group flies on, and others may board it.
    """
    cancelled = 0
    places = load.aircraft.shape[2]
    days = ground.day_count
    tried = np.zeros(load.aircraft.size, dtype=np.bool_)
    while True:
        worst = worst_untried(ground, load, tried)
        if worst < 0:
            return cancelled
        tried[worst] = True
        aircraft, day, row = worst % places, (worst // places) % days, worst // (places * days)
        prices.barred[row, day] = True
        cancelled += 1
        moved = 0
        for position in range(groups.size):
            group = groups[position]
            if ground.group[group, columns.STATE] != columns.FREE:
                continue
            for leg in range(load.leg_count[group]):
                ride = load.leg_ride[group, leg]
                if (
                    ground.ride[ride, KIND] == CHARTER
                    and ground.ride[ride, ROW] == row
                    and ground.ride[ride, DAY] == day
                    and load.leg_vehicle[group, leg] == aircraft
                ):
                    take_out(ground, load, group)
                    scratch.moved[moved] = group
                    moved += 1
                    break
        for position in range(moved):
            insert(ground, load, prices, scratch, scratch.moved[position])


@dataclass(frozen=True, kw_only=True, eq=False)
class Snapshot:
    """A draft at one moment: a copy of everything that placing changes, its value and the persons left out."""

    arrays: tuple[Array, ...]
    value_cents: int
    persons_unplanned: int


@dataclass(kw_only=True, eq=False)
class Draft:
    """A plan in the making: the arrays, their handles, and how new vehicles are priced."""

    setting: Setting
    load: Load
    prices: Prices
    scratch: Scratch
    handles: tuple[Any, Any, Any, Any]

    @property
    def value_cents(self) -> int:
        """The plan's value, as the judge counts it, if every aircraft has its least load."""
        return int(self.load.value[0])

    @property
    def unplanned(self) -> Array:
        """Positions of the groups that have no itinerary (those already home not counted)."""
        is_out = (self.load.leg_count == 0) & (self.setting.ground.group[:, columns.STATE] != columns.DONE)
        return np.flatnonzero(is_out)

    def to_plan(self) -> Plan:
        """The plan in the public format."""
        return to_plan(self.setting, self.load, self.handles[1])

    def snapshot(self) -> Snapshot:
        """The draft as it is now."""
        return Snapshot(
            arrays=tuple(array.copy() for array in self.load),
            value_cents=self.value_cents,
            persons_unplanned=int(self.setting.ground.group[self.unplanned, columns.PERSONS].sum()),
        )

    def insert(self, order: Array, *, should_stop: Callable[[], bool] | None = None) -> bool:
        """Changes the draft: inserts the unplanned in order; False if it was stopped before the end."""
        groups = np.asarray(order, dtype=np.int64)
        for start in range(0, len(groups), CHUNK_GROUPS):
            if should_stop is not None and should_stop():
                return False
            insert_all(*self.handles, groups, start, min(start + CHUNK_GROUPS, len(groups)))
        return True

    def cancel_thin(self, order: Array) -> int:
        """Changes the draft: cancels aircraft below their least load; gives how many."""
        return int(cancel_thin(*self.handles, np.asarray(order, dtype=np.int64)))

    def settle(self, order: Array) -> None:
        """Changes the draft: cancels aircraft below their least load, and lets every vehicle's drivers rest.

        Whoever rides a vehicle that rests too little, because a task between two others went, looks for another way;
        if that does not help, they stay out.
        """
        self.cancel_thin(order)
        for _ in range(SETTLE_TRIALS):
            if not self._let_rest():
                return
            self.insert(order)
            self.cancel_thin(order)
        while self._let_rest() or self._empty_thin():
            pass

    def _let_rest(self) -> bool:
        """Changes the draft: takes everybody out of vehicles that rest too little; False if there were none."""
        ground, load, changed = self.setting.ground, self.load, False
        vehicle = int(restless_vehicle(*self.handles[:2], 0))
        while vehicle >= 0:
            is_there = ground.ride[load.leg_ride, KIND] == columns.TRIP
            found = self._take_out(is_there & (load.leg_vehicle == vehicle))
            changed |= found
            vehicle = int(restless_vehicle(*self.handles[:2], 0 if found else vehicle + 1))
        return changed

    def _empty_thin(self) -> bool:
        """Changes the draft: takes everybody out of the aircraft furthest below its least load; False if none is."""
        number = int(worst_aircraft(*self.handles[:2]))
        if number < 0:
            return False
        places, days = self.load.aircraft.shape[2], self.setting.ground.day_count
        rides = self.setting.ground.ride[self.load.leg_ride]
        is_there = (rides[..., KIND] == CHARTER) & (rides[..., ROW] == number // (places * days))
        is_there &= (rides[..., DAY] == number // places % days) & (self.load.leg_vehicle == number % places)
        return self._take_out(is_there)

    def _take_out(self, is_there: Array) -> bool:
        """Changes the draft: takes out the groups that may move of which a leg is marked; False if there are none."""
        is_leg = np.arange(is_there.shape[1])[None, :] < self.load.leg_count[:, None]
        is_free = self.setting.ground.group[:, columns.STATE] == columns.FREE
        groups = np.flatnonzero((is_there & is_leg).any(axis=1) & is_free)
        for group in groups.tolist():
            take_out(*self.handles[:2], group)
        return len(groups) > 0

    def learn(self, *, unused: float) -> None:
        """Changes the prices: expects on every trip and charter what this draft's vehicles carry on it.

        ``unused`` is the load expected where nothing runs.
        """
        load, ground = self.load, self.setting.ground
        trips = ground.trip_segments.size
        total, runs = np.zeros(trips), np.zeros(trips)
        for vehicle, day in zip(*np.nonzero(load.task >= 0), strict=True):
            trip = load.task[vehicle, day]
            size = ground.type_seats[ground.vehicle_type[vehicle]]
            total[trip] += size - load.seats[vehicle, day, : ground.trip_segments[trip]].min()
            runs[trip] += 1
        mean = np.where(runs > 0, total / np.maximum(runs, 1), unused)
        self.prices.expected[:] = mean[:, None]


def start_draft(setting: Setting, *, expected: float) -> Draft:
    """A draft with nobody placed but the locked groups, which keep the legs they had."""
    load, load_arrays = empty_load(setting)
    prices = make_prices(setting.ground, expected=expected)
    scratch = make_scratch(setting.ground)
    draft = Draft(
        setting=setting,
        load=load,
        prices=prices,
        scratch=scratch,
        handles=(
            setting.handle,
            load_arrays,
            prices_handle(prices),
            scratch_handle(scratch),
        ),
    )
    if setting.problem.replan is not None and setting.facts.locked:
        put_back(setting, load, load_arrays, setting.problem.replan.previous, locked_only=True)
    return draft


def priority(setting: Setting, *, urgent_first: bool = False) -> Array:
    """Groups in the order of insertion: those under way, then longest stranded and heaviest, then largest.

    With ``urgent_first`` those whose date comes first go before: where capacity is scarce for weeks, far fewer
    people miss their date and everybody waits less in all.
    """
    groups = setting.problem.groups
    last_day = setting.space.day_count - 1
    keys = sorted(
        range(len(groups)),
        key=lambda number: (
            groups[number].id not in setting.standing,
            min(groups[number].latest_day, last_day) if urgent_first else 0,
            -(groups[number].wait_cents_per_day / groups[number].persons),
            -groups[number].persons,
            number,
        ),
    )
    return np.array(keys, dtype=np.int64)


def construct(
    setting: Setting,
    *,
    expected: float,
    urgent_first: bool = False,
    should_stop: Callable[[], bool] | None = None,
) -> Draft:
    """A first plan from nothing, with a load expected on every new vehicle; see ``priority`` for the order."""
    draft = start_draft(setting, expected=expected)
    order = priority(setting, urgent_first=urgent_first)
    draft.insert(order, should_stop=should_stop)
    draft.settle(order)
    return draft


def construct_again(
    draft: Draft,
    *,
    unused: float,
    urgent_first: bool = False,
    should_stop: Callable[[], bool] | None = None,
) -> Draft:
    """A plan made anew with the loads that a draft's vehicles carry."""
    again = start_draft(draft.setting, expected=unused)
    draft.learn(unused=unused)
    again.prices.expected[:] = draft.prices.expected
    order = priority(draft.setting, urgent_first=urgent_first)
    again.insert(order, should_stop=should_stop)
    again.settle(order)
    return again


def repair(setting: Setting, plan: Plan, *, expected: float) -> tuple[Draft, list[str]]:
    """A plan put back as far as it still holds, and the groups it no longer serves put on new ways.

    Returns
    -------
    Draft, list of str
        The repaired draft and the ids of the groups whose legs could not be kept.
    """
    draft = start_draft(setting, expected=expected)
    lost = put_back(setting, draft.load, draft.handles[1], plan)
    order = priority(setting)
    touched = set(lost)
    ids = [group.id for group in setting.problem.groups]
    first = [number for number in order if ids[number] in touched]
    draft.insert(np.array(first, dtype=np.int64))
    draft.insert(order)
    draft.settle(order)
    return draft, lost


def restore(setting: Setting, snapshot: Snapshot, *, unused: float) -> Draft:
    """A draft that stands exactly as a snapshot of the same setting did, its prices learnt as by ``Draft.learn``.

    Everything is copied back: placing the groups anew would give alike vehicles other tasks.
    """
    draft = start_draft(setting, expected=1.0)
    for array, kept in zip(draft.load, snapshot.arrays, strict=True):
        array[...] = kept
    draft.learn(unused=unused)
    return draft
