"""From decided amounts to a real plan: which group goes which way, in which vehicle, in which aircraft."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from retorno.optimizer.arcsolve import Choice
from retorno.optimizer.ground import TRIP, Ground
from retorno.optimizer.master import LinearProgram
from retorno.optimizer.model import AircraftCut, PackingCut
from retorno.optimizer.pricing import Pricing, Way
from retorno.optimizer.problem import Leg, Plan, PlannedVehicle

PACKING_SECONDS = 3.0
"""Time for packing the groups of one trip-day into its vehicles (our choice; they are few)."""


class _UndecidedError(Exception):
    """Time ran out before it was known whether groups fit."""


@dataclass(kw_only=True, slots=True)
class _Vehicle:
    """A vehicle while its moves are being handed out."""

    id: str
    kind: int
    depot: str
    hired: bool
    site: int
    free_on: int
    moves: list[tuple[int, str]] = field(default_factory=list)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Rider:
    """A group on one trip-day or charter: seats, wheelchairs, first and last segment, and where it came from."""

    group_id: str
    class_index: int
    ride: int
    seats: int
    wheelchairs: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Assembled:
    """A plan, or the trip-days and charter-days on which the groups do not fit one by one.

    ``unpacked`` are cuts where every group is a class of its own; ``to_split`` are groups that must
    become classes of their own before a cut can be stated. No plan and none of them: time ran out while packing.
    """

    plan: Plan | None
    unpacked: tuple[PackingCut | AircraftCut, ...] = ()
    to_split: frozenset[str] = frozenset()


def assemble(pricing: Pricing, choice: Choice) -> Assembled:
    """The plan behind a choice."""
    ground = pricing.ground
    way_of: dict[str, Way] = {}
    for index, travel in enumerate(pricing.classes):
        ids = iter(travel.group_ids)
        for way, units in choice.ways[index]:
            for _ in range(units):
                way_of[next(ids)] = way
    vehicles = _roster(ground, choice.moves)
    class_of = {group_id: i for i, travel in enumerate(pricing.classes) for group_id in travel.group_ids}
    riders: dict[tuple[int, int, int], list[_Rider]] = defaultdict(list)
    for group_id, way in way_of.items():
        travel = pricing.classes[class_of[group_id]]
        for ride, day in way.path:
            key = (int(ground.ride_kind[ride]), int(ground.ride_row[ride]), day)
            riders[key].append(
                _Rider(
                    group_id=group_id,
                    class_index=class_of[group_id],
                    ride=ride,
                    seats=travel.seats,
                    wheelchairs=travel.wheelchairs,
                )
            )
    on_move: dict[tuple[int, int], list[_Vehicle]] = defaultdict(list)
    for vehicle in vehicles:
        for day, trip_id in vehicle.moves:
            if day >= ground.now:
                on_move[ground.trip_of[trip_id], day].append(vehicle)
    seat_of: dict[tuple[str, int], str] = {}
    cuts: list[PackingCut | AircraftCut] = []
    split: set[str] = set()
    is_undecided = False
    aircraft_of: dict[tuple[str, int], int] = {}
    for (kind, row, day), aboard in sorted(riders.items()):
        members = {g for r in aboard for g in pricing.classes[r.class_index].group_ids}
        is_split = all(pricing.classes[r.class_index].count == 1 for r in aboard)
        try:
            if kind == TRIP:
                used = on_move.get((row, day), [])
                places = _pack_vehicles(ground, aboard, used)
                if places is not None:
                    seat_of |= {(r.group_id, day): used[k].id for r, k in zip(aboard, places, strict=True)}
                elif is_split:
                    cuts.append(_cut(ground, row, day, aboard, used))
                else:
                    split |= members
            elif ground.ride_leg[aboard[0].ride][0] == "charter":
                number = choice.aircraft.get((row, day), 0)
                seats, least = int(ground.charter_seats[row]), int(ground.charter_least[row])
                flown = _pack_aircraft(aboard, number, seats=seats, least=least)
                if flown is not None:
                    aircraft_of |= {(r.group_id, day): k for r, k in zip(aboard, flown, strict=True)}
                elif is_split:
                    cuts.append(_air_cut(row, day, aboard, number, seats=seats, least=least))
                else:
                    split |= members
        except _UndecidedError:
            is_undecided = True
    if cuts or split or is_undecided:
        return Assembled(plan=None, unpacked=tuple(cuts), to_split=frozenset(split))
    itineraries = {}
    for group in ground.problem.groups:
        legs = _legs(ground, group.id, way_of.get(group.id), seat_of, aircraft_of)
        if legs:
            itineraries[group.id] = legs
    planned = tuple(
        PlannedVehicle(
            id=v.id,
            type=ground.problem.vehicle_types[v.kind].id,
            depot=v.depot,
            hired=v.hired,
            moves=tuple(v.moves),
        )
        for v in vehicles
    )
    return Assembled(plan=Plan(problem=ground.problem.name, vehicles=planned, itineraries=itineraries))


def _legs(
    ground: Ground,
    group_id: str,
    way: Way | None,
    seat_of: Mapping[tuple[str, int], str],
    aircraft_of: Mapping[tuple[str, int], int],
) -> tuple[Leg, ...]:
    """Past legs as they were, then the decided ones."""
    if group_id in ground.at_home:
        return ground.old_legs[group_id]
    legs = list(ground.past_legs.get(group_id, ()))
    for ride, day in way.path if way else ():
        kind, row_id, board, alight = ground.ride_leg[ride]
        if kind == "trip":
            vehicle = seat_of[group_id, day]
            legs.append(Leg(kind="trip", row_id=row_id, day=day, vehicle=vehicle, board=board, alight=alight))
        elif kind == "service":
            legs.append(Leg(kind="service", row_id=row_id, day=day))
        else:
            legs.append(Leg(kind="charter", row_id=row_id, day=day, aircraft=aircraft_of[group_id, day]))
    return tuple(legs)


def _roster(ground: Ground, moves: Mapping[tuple[int, int, int], int]) -> list[_Vehicle]:
    """Hand moves out day by day: to vehicles that are on the road already, then own, then hired ones.

    Vehicles of one type at one place are interchangeable, so this costs no more than the moves' flow.
    """
    past = {v.id: v for v in ground.problem.replan.previous.vehicles} if ground.problem.replan else {}
    vehicles = [
        _Vehicle(
            id=vehicle_id,
            kind=kind,
            depot=depot,
            hired=hired,
            site=site,
            free_on=ground.now,
            moves=[(day, trip) for day, trip in past[vehicle_id].moves if day < ground.now],
        )
        for vehicle_id, kind, depot, hired, site in ground.standing
    ]
    own, hire = dict(ground.fleet_own), dict(ground.fleet_hire)
    names = (f"V{number}" for number in range(10**9))
    for (kind, trip, day), number in sorted(moves.items(), key=lambda m: (m[0][2], m[0][0], m[0][1])):
        site = int(ground.trip_from[trip])
        depot = ground.problem.sites[site].id
        for _ in range(number):
            ready = [v for v in vehicles if v.kind == kind and v.site == site and v.free_on <= day]
            if ready:
                vehicle = ready[0]
            else:
                hired = own.get((depot, kind), 0) <= 0
                (hire if hired else own)[depot, kind] -= 1
                name = next(name for name in names if name not in past)
                vehicle = _Vehicle(id=name, kind=kind, depot=depot, hired=hired, site=site, free_on=day)
                vehicles.append(vehicle)
            vehicle.moves.append((day, ground.problem.trips[trip].id))
            vehicle.site, vehicle.free_on = int(ground.trip_to[trip]), day + 1
    return vehicles


def _cut(ground: Ground, trip: int, day: int, aboard: Sequence[_Rider], used: Sequence[_Vehicle]) -> PackingCut:
    kinds = range(len(ground.type_seats))
    return PackingCut(
        trip=trip,
        day=day,
        riders=tuple((rider.class_index, rider.ride) for rider in aboard),
        vehicles=tuple(sum(vehicle.kind == kind for vehicle in used) for kind in kinds),
    )


def _pack_vehicles(ground: Ground, aboard: Sequence[_Rider], used: Sequence[_Vehicle]) -> list[int] | None:
    """The vehicle (position in ``used``) of every group, or None if they do not fit."""
    conflicts = {frozenset(pair) for pair in ground.problem.conflicts}
    spans = [(int(ground.ride_low[r.ride]), int(ground.ride_high[r.ride])) for r in aboard]
    low = min(span[0] for span in spans)
    width = max(span[1] for span in spans) - low
    free = [[[int(ground.type_seats[v.kind]), int(ground.type_wheelchairs[v.kind])] for _ in range(width)]
            for v in used]  # fmt: skip
    held: list[set[str]] = [set() for _ in used]
    places = [-1] * len(aboard)
    for number in sorted(range(len(aboard)), key=lambda n: (-aboard[n].wheelchairs, -aboard[n].seats, n)):
        rider, (first, last) = aboard[number], spans[number]
        for position in sorted(range(len(used)), key=lambda k: ground.type_wheelchairs[used[k].kind]):
            room = free[position][first - low : last - low]
            if all(s >= rider.seats and w >= rider.wheelchairs for s, w in room) and not any(
                frozenset((rider.group_id, other)) in conflicts for other in held[position]
            ):
                for cell in room:
                    cell[0] -= rider.seats
                    cell[1] -= rider.wheelchairs
                held[position].add(rider.group_id)
                places[number] = position
                break
        else:
            return _pack_exactly(ground, aboard, used, spans)
    return places


def _pack_exactly(
    ground: Ground, aboard: Sequence[_Rider], used: Sequence[_Vehicle], spans: Sequence[tuple[int, int]]
) -> list[int] | None:
    """The same as a small assignment problem, solved to the end; None if there is no assignment.

    Raises
    ------
    _UndecidedError
        If time ran out.
    """
    count = len(used)
    if not count:
        return None
    program = LinearProgram()
    size = len(aboard) * count
    program.add_columns([0.0] * size, [1.0] * size, [[] for _ in range(size)], integer=[True] * size)

    def cell(rider: int, vehicle: int) -> int:
        return rider * count + vehicle

    program.add_rows(
        [1.0] * len(aboard),
        [1.0] * len(aboard),
        [[(cell(n, k), 1.0) for k in range(count)] for n in range(len(aboard))],
    )
    for segment in range(min(s for s, _ in spans), max(e for _, e in spans)):
        on = [n for n, (first, last) in enumerate(spans) if first <= segment < last]
        for k, vehicle in enumerate(used):
            seats, wheels = ground.type_seats[vehicle.kind], ground.type_wheelchairs[vehicle.kind]
            program.add_rows(
                [-np.inf, -np.inf],
                [float(seats), float(wheels)],
                [
                    [(cell(n, k), float(aboard[n].seats)) for n in on],
                    [(cell(n, k), float(aboard[n].wheelchairs)) for n in on],
                ],
            )
    number_of = {rider.group_id: n for n, rider in enumerate(aboard)}
    for first_id, second_id in ground.problem.conflicts:
        if first_id in number_of and second_id in number_of:
            for k in range(count):
                pair = [(cell(number_of[first_id], k), 1.0), (cell(number_of[second_id], k), 1.0)]
                program.add_rows([-np.inf], [1.0], [pair])
    return _assignment(program, len(aboard), count)


def _assignment(program: LinearProgram, groups: int, count: int) -> list[int] | None:
    """Which of ``count`` places every group has in a program's solution; None if there is none."""
    if program.solve(PACKING_SECONDS):
        return [int(k) for k in np.argmax(program.values.reshape(groups, count), axis=1)]
    if not program.is_infeasible:
        raise _UndecidedError
    return None


def _pack_aircraft(aboard: Sequence[_Rider], number: int, *, seats: int, least: int) -> list[int] | None:
    """The aircraft of every group: at most ``seats``, at least ``least`` each; None if they do not fit.

    Raises
    ------
    _UndecidedError
        If time ran out.
    """
    load = [0] * number
    places = [-1] * len(aboard)
    for n in sorted(range(len(aboard)), key=lambda n: (-aboard[n].seats, n)):
        position = min(range(number), key=lambda k: load[k])
        load[position] += aboard[n].seats
        places[n] = position
    if max(load) <= seats and min(load) >= least:
        return places
    size = len(aboard) * number
    program = LinearProgram()
    program.add_columns([0.0] * size, [1.0] * size, [[] for _ in range(size)], integer=[True] * size)
    ones = [1.0] * len(aboard)
    program.add_rows(ones, ones, [[(n * number + k, 1.0) for k in range(number)] for n in range(len(aboard))])
    loads = [[(n * number + k, float(rider.seats)) for n, rider in enumerate(aboard)] for k in range(number)]
    program.add_rows([float(least)] * number, [float(seats)] * number, loads)
    return _assignment(program, len(aboard), number)


def _air_cut(row: int, day: int, aboard: Sequence[_Rider], number: int, *, seats: int, least: int) -> AircraftCut:
    """What must change for groups that do not fit into ``number`` aircraft; as strong as can be said of them."""
    is_too_many = _pack_aircraft(aboard, number, seats=seats, least=0) is None
    total = sum(rider.seats for rider in aboard)
    is_too_few = not is_too_many and _pack_aircraft(aboard, number, seats=total, least=least) is None
    return AircraftCut(
        charter=row,
        day=day,
        riders=frozenset(rider.class_index for rider in aboard),
        aircraft=number,
        is_too_many=is_too_many,
        is_too_few=is_too_few,
    )


def ways_of_plan(pricing: Pricing, plan: Plan) -> list[list[tuple[Way, int]]]:
    """The itineraries of a plan per class, from now on, with units; groups unplanned are left out."""
    ground = pricing.ground
    persons = {group.id: group.persons for group in ground.problem.groups}
    result: list[list[tuple[Way, int]]] = []
    for index, travel in enumerate(pricing.classes):
        counts: dict[tuple[tuple[int, int], ...], int] = {}
        for group_id in travel.group_ids:
            legs = [leg for leg in plan.itineraries.get(group_id, ()) if leg.day >= ground.now]
            path = tuple((ground.known_ride(leg), leg.day) for leg in legs)
            if path:
                counts[path] = counts.get(path, 0) + (persons[group_id] if travel.is_merged else 1)
        kept = pricing.kept[index]
        ways = []
        for path, units in counts.items():
            is_kept = kept is not None and kept.path == path
            ways.append((kept if is_kept and kept else pricing.way(travel, path), units))
        result.append(ways)
    return result


def moves_of_plan(ground: Ground, plan: Plan) -> dict[tuple[int, int, int], int]:
    """Vehicles per (type, trip, day) from now on."""
    kind_of = {kind.id: index for index, kind in enumerate(ground.problem.vehicle_types)}
    moves: dict[tuple[int, int, int], int] = defaultdict(int)
    for vehicle in plan.vehicles:
        for day, trip_id in vehicle.moves:
            if day >= ground.now:
                moves[kind_of[vehicle.type], ground.trip_of[trip_id], day] += 1
    return dict(moves)
