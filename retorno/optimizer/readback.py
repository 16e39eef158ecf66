"""Between plans of the public format and the arrays: reading a plan back, and putting a plan's groups in."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np

from retorno.optimizer import place as columns
from retorno.optimizer.place import CHARTER, LARGEST_LEGS, TRIP, Load
from retorno.optimizer.problem import Leg, Plan, PlannedVehicle
from retorno.optimizer.rest import NOTHING, follow
from retorno.optimizer.setting import Setting, leg_key, ride_finder


def _moves(setting: Setting, load: Load, handle: Any, vehicle: int) -> tuple[tuple[int, str], ...]:
    """Every move of a vehicle from now on: its tasks and the cheapest empty ways between them and home."""
    trips = setting.problem.trips
    follow(setting.handle, handle, vehicle, NOTHING, NOTHING, load.route)
    return tuple((day, trips[trip].id) for day, trip in enumerate(load.route.tolist()) if trip >= 0)


def to_plan(setting: Setting, load: Load, handle: Any) -> Plan:
    """The plan in the public format: facts before now, then what the arrays hold."""
    problem, facts = setting.problem, setting.facts
    taken = {vehicle.id for vehicle in facts.past_vehicles}
    vehicles: list[PlannedVehicle] = []
    names: dict[int, str] = {}
    number = 0
    for position, slot in enumerate(setting.slots):
        if slot.past is None and load.task_count[position] == 0:
            continue
        moves = _moves(setting, load, handle, position)
        if slot.past is not None:
            names[position] = slot.past.id
            moves = slot.past.moves + moves
        else:
            while f"V{number}" in taken:
                number += 1
            names[position] = f"V{number}"
            number += 1
        vehicles.append(
            PlannedVehicle(
                id=names[position],
                type=problem.vehicle_types[slot.kind].id,
                depot=slot.depot,
                hired=slot.is_hired,
                moves=moves,
            )
        )
    itineraries = {}
    for position, group in enumerate(problem.groups):
        legs = facts.past_legs.get(group.id, ()) + tuple(
            _leg(setting, int(load.leg_ride[position, leg]), int(load.leg_vehicle[position, leg]), names)
            for leg in range(int(load.leg_count[position]))
        )
        if legs:
            itineraries[group.id] = legs
    return Plan(problem=problem.name, vehicles=tuple(vehicles), itineraries=itineraries)


def _leg(setting: Setting, ride: int, vehicle: int, names: dict[int, str]) -> Leg:
    problem = setting.problem
    facts = setting.ground.ride[ride]
    row, day = int(facts[columns.ROW]), int(facts[columns.DAY])
    if facts[columns.KIND] == TRIP:
        return Leg(
            kind="trip",
            row_id=problem.trips[row].id,
            day=day,
            vehicle=names[vehicle],
            board=int(facts[columns.BOARD]),
            alight=int(facts[columns.ALIGHT]),
        )
    if facts[columns.KIND] == CHARTER:
        return Leg(kind="charter", row_id=problem.charters[row].id, day=day, aircraft=vehicle)
    return Leg(kind="service", row_id=problem.services[row].id, day=day)


def put_back(setting: Setting, load: Load, handle: Any, plan: Plan, *, locked_only: bool = False) -> list[str]:
    """Changes ``load`` (by its handle): places a plan's groups as the plan has them; the ids that no longer fit.

    Vehicles are matched by id (those with moves before now), else by type, depot and hire.  Locked groups go
    first; with ``locked_only`` nobody else is placed.
    """
    problem, ground = setting.problem, setting.ground
    find = ride_finder(setting.space, setting.ride_number)
    by_past = {slot.past.id: number for number, slot in enumerate(setting.slots) if slot.past is not None}
    spare: dict[tuple[str, str, bool], list[int]] = {}
    for number, slot in enumerate(setting.slots):
        if slot.past is None:
            key = problem.vehicle_types[slot.kind].id, slot.depot, slot.is_hired
            spare.setdefault(key, []).append(number)
    vehicle_of: dict[str, int] = {}
    for vehicle in plan.vehicles:
        if vehicle.id in by_past:
            vehicle_of[vehicle.id] = by_past[vehicle.id]
            continue
        free = spare.get((vehicle.type, vehicle.depot, vehicle.hired), [])
        if free and vehicle.moves:
            vehicle_of[vehicle.id] = free.pop(0)
    order = sorted(
        (
            (group.id not in setting.facts.locked, number)
            for number, group in enumerate(problem.groups)
            if group.id in plan.itineraries and (group.id in setting.facts.locked or not locked_only)
        ),
    )
    lost = []
    known: dict[int, list[int]] = {}
    given: dict[int, list[int]] = {}
    for _, number in order:
        group = problem.groups[number]
        if ground.group[number, columns.STATE] == columns.DONE or load.leg_count[number]:
            continue
        legs = [leg for leg in plan.itineraries[group.id] if leg.day >= setting.facts.now]
        if not legs:
            continue
        known[number] = [find.get(leg_key(leg), -1) for leg in legs]
        given[number] = [
            int(leg.aircraft) if leg.kind == "charter" else vehicle_of.get(leg.vehicle, -1) for leg in legs
        ]
        if -1 in known[number] or len(legs) > LARGEST_LEGS:
            lost.append(group.id)
            del known[number]
    _open_given(setting, load, handle, known, given)
    rides = np.zeros(LARGEST_LEGS, dtype=np.int64)
    vehicles = np.zeros(LARGEST_LEGS, dtype=np.int64)
    for number, found in known.items():
        rides[: len(found)], vehicles[: len(found)] = found, given[number]
        if not _still_fits(setting, load, number, found) or not columns.place(
            setting.handle, handle, number, rides, vehicles, len(found), 1
        ):
            lost.append(problem.groups[number].id)
    for position, day in np.argwhere((load.task >= 0) & (load.aboard == 0)).tolist():
        columns.drop_task(setting.handle, handle, position, day)
    return lost


def _open_given(
    setting: Setting, load: Load, handle: Any, known: dict[int, list[int]], given: dict[int, list[int]]
) -> None:
    """Changes ``load``: the tasks of the vehicles of a plan, vehicle by vehicle and day by day, empty so far.

    Group by group a vehicle would often be asked for its last task first, and a second vehicle of a depot before
    the first stands out of its way: then others would be sent, and the plan would cost more than it did.
    """
    table = setting.ground.ride
    tasks = {
        (vehicle, int(table[ride, columns.DAY]), int(table[ride, columns.ROW]))
        for number, rides in known.items()
        for ride, vehicle in zip(rides, given[number], strict=True)
        if table[ride, columns.KIND] == TRIP and vehicle >= 0
    }
    for vehicle, day, trip in sorted(tasks):
        if (
            load.task[vehicle, day] < 0
            and columns.task_cost(setting.handle, handle, vehicle, trip, day) < columns.UNREACHABLE
            and columns.can_open(setting.handle, handle, vehicle, trip, day, 0, 0)
        ):
            columns.add_task(setting.handle, handle, vehicle, trip, day)


def _still_fits(setting: Setting, load: Load, number: int, rides: list[int]) -> bool:
    """Whether a group's rides obey every rule that does not hang on vehicles and aircraft."""
    ground = setting.ground
    facts = ground.group[number]
    table = ground.ride[np.array(rides)].astype(np.int64)
    seats, persons = int(facts[columns.SEATS]), int(facts[columns.PERSONS])
    first_day = int(facts[columns.STARTED]) if facts[columns.STARTED] >= 0 else int(table[0, columns.DAY])
    arrive = int(table[-1, columns.ARRIVE_DAY])
    if not ground.allowed[facts[columns.COMMODITY], rides].all():
        return False
    if table[-1, columns.DESTINATION] != facts[columns.TO] or arrive > facts[columns.LAST]:
        return False
    if arrive - first_day > facts[columns.JOURNEY] or table[0, columns.DAY] < facts[columns.FIRST]:
        return False
    if load.arrivals[facts[columns.TO], arrive] < persons:
        return False
    night_from, site = int(facts[columns.NIGHT_FROM]), int(facts[columns.FROM])
    for row in table.tolist():
        if row[columns.ORIGIN] != site:
            return False
        if night_from >= 0 and (load.beds[site, night_from : row[columns.DAY]] < seats).any():
            return False
        if row[columns.KIND] == columns.SERVICE:
            service, day = row[columns.ROW], row[columns.DAY]
            if load.service[service, day] < seats:
                return False
            if load.linked_children[service, day, 0] < facts[columns.UNACCOMPANIED]:
                return False
            if load.linked_escorts[service, day, 0] < facts[columns.ESCORTS]:
                return False
        for crossing in ground.cross_ids[row[columns.CROSS_START] : row[columns.CROSS_END]].tolist():
            if load.quota[crossing, row[columns.DAY]] < seats:
                return False
        night_from, site = row[columns.ARRIVE_DAY], row[columns.DESTINATION]
    if facts[columns.ESCORTS]:
        end = arrive + ground.return_days + 1
        days = slice(max(first_day, ground.now), end)
        for free, wanted in ((load.escorts, columns.ESCORTS), (load.women, columns.WOMEN), (load.men, columns.MEN)):
            if (free[facts[columns.POOL], days] < facts[wanted]).any():
                return False
    return not _breaks_transfer(setting, rides)


def _breaks_transfer(setting: Setting, rides: list[int]) -> bool:
    """Whether two legs are too close, or a land leg follows on the day of an arrival."""
    space = setting.space
    numbers = setting.ride_number[np.array(rides)]
    for first, second in itertools.pairwise(numbers):
        arrive = int(space.ride_day[first] * 1440 + space.ride_arrive[first])
        depart = int(space.ride_day[second] * 1440 + space.ride_depart[second])
        if depart < arrive + setting.problem.transfer_min:
            return True
        if space.ride_is_land[second] and space.ride_arrive_day[first] >= space.ride_day[second]:
            return True
    return False
