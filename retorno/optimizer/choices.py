"""Every way home that a plan could give one group: on what runs in it, and on vehicles that stand idle.

Nothing is judged here and nobody else is moved: the caller puts a choice into the plan and asks the judge. Ways that
are full, closed or too late are among the choices, so that the reason can be shown.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import astuple, dataclass, replace

import numpy as np

from retorno.optimizer.explain import ways_by_day
from retorno.optimizer.lacks import Needs, Network, Supply, crossings_of
from retorno.optimizer.problem import Group, Leg, Plan, PlannedVehicle, Problem, Trip
from retorno.optimizer.relaxations import journey_limit
from retorno.optimizer.timespace import CHARTER, SERVICE

MOST_LEGS = 4
MOST_NIGHTS = 2
"""Nights between two rides of a way that is joined from what runs."""
MOST_JOINED = 120
"""Ways joined from what runs, those that arrive first."""
NEW_PER_DAY = 2
"""New departures on one day over the same crossings, those that arrive first."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Choice:
    """One way home.

    Parameters
    ----------
    legs
        As the plan would have them.
    vehicles
        Vehicles that are new in the plan or (under their id) have further moves.
    """

    legs: tuple[Leg, ...]
    vehicles: tuple[PlannedVehicle, ...] = ()

    @property
    def is_new_departure(self) -> bool:
        """Whether a vehicle drives for it that would not drive otherwise."""
        return bool(self.vehicles)


def set_aside(plan: Plan, group_id: str) -> Plan:
    """The plan without one group and without vehicles that then carry nobody; everybody else stays where they are."""
    itineraries = {other: legs for other, legs in plan.itineraries.items() if other != group_id and legs}
    return only_ridden(replace(plan, itineraries=itineraries))


def only_ridden(plan: Plan) -> Plan:
    """The plan without the vehicles that carry nobody on any day."""
    ridden = {(leg.vehicle, leg.day) for legs in plan.itineraries.values() for leg in legs if leg.kind == "trip"}
    return replace(plan, vehicles=tuple(v for v in plan.vehicles if any((v.id, day) in ridden for day, _ in v.moves)))


def with_choice(rest: Plan, group_id: str, choice: Choice) -> Plan:
    """The plan with a group on one of its choices; ``rest`` is the plan with the group set aside."""
    vehicles = {vehicle.id: vehicle for vehicle in (*rest.vehicles, *choice.vehicles)}
    return replace(rest, vehicles=tuple(vehicles.values()), itineraries=rest.itineraries | {group_id: choice.legs})


def choices(network: Network, rest: Plan, group: Group) -> list[Choice]:
    """The ways home of a group beside a plan without it, each once, by departure.

    Parameters
    ----------
    network
        Of the problem; it can be kept from call to call.
    rest
        The plan with the group set aside.
    """
    supply = Supply(network, rest)
    found = [
        *_joined(network, supply, group),
        *_new_departures(network, supply, rest, group),
        *_by_day(network, supply, rest, group),
    ]
    by_legs: dict[tuple[object, ...], Choice] = {}
    for choice in found:
        by_legs.setdefault(_key(choice, rest), choice)
    return sorted(by_legs.values(), key=lambda choice: (choice.legs[0].day, len(choice.legs), str(choice.legs)))


def _key(choice: Choice, rest: Plan) -> tuple[object, ...]:
    """Ways on the same rows and alike vehicles are one way."""
    kinds = {vehicle.id: vehicle.type for vehicle in choice.vehicles}
    running = {vehicle.id for vehicle in rest.vehicles}

    def carrier(leg: Leg) -> str:
        return leg.vehicle if leg.vehicle in running else kinds.get(leg.vehicle, "")

    return tuple((*astuple(replace(leg, vehicle="")), carrier(leg)) for leg in choice.legs)


# ---- joined from what runs -----------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True, slots=True)
class _Run:
    """A ride on something that runs: a vehicle of the plan, a service, an aircraft."""

    leg: Leg
    start: int
    end: int
    depart: int
    arrive: int
    is_land: bool


def _joined(network: Network, supply: Supply, group: Group) -> list[Choice]:
    """Ways over what runs anyway, at most ``MOST_LEGS`` rides, those that arrive first."""
    space = network.space
    home = space.site_index[group.destination]
    runs = list(_runs(network, supply))
    legs_left = _legs_to(runs, home)
    leaving: dict[int, list[_Run]] = defaultdict(list)
    for run in sorted(runs, key=lambda run: (run.depart, run.arrive)):
        if run.start != home and run.end in legs_left:
            leaving[run.start].append(run)
    limit = journey_limit(network.problem, group)
    ways: list[tuple[int, tuple[_Run, ...]]] = []

    def go_on(way: tuple[_Run, ...], site: int, visited: frozenset[int]) -> None:
        for run in leaving.get(site, ()):
            if run.end in visited or legs_left[run.end] + len(way) + 1 > MOST_LEGS:
                continue
            if way and not _follows(network.problem, way[-1], run):
                continue
            if way and run.arrive // 1440 - way[0].leg.day > limit:
                continue
            longer = (*way, run)
            if run.end == home:
                ways.append((run.arrive, longer))
            else:
                go_on(longer, run.end, visited | {run.end})

    origin = space.site_index[group.origin]
    go_on((), origin, frozenset({origin}))
    ways.sort(key=lambda found: (found[0], len(found[1]), str(found[1])))
    return [Choice(legs=tuple(run.leg for run in way)) for _, way in _spread(ways)]


def _spread(ways: list[tuple[int, tuple[_Run, ...]]]) -> list[tuple[int, tuple[_Run, ...]]]:
    """At most ``MOST_JOINED`` ways, fairly from every day of departure, the first to arrive of each."""
    by_day: dict[int, list[tuple[int, tuple[_Run, ...]]]] = defaultdict(list)
    for way in ways:
        by_day[way[1][0].leg.day].append(way)
    if not by_day:
        return []
    share = max(1, MOST_JOINED // len(by_day))
    return [way for day in sorted(by_day) for way in by_day[day][:share]]


def _follows(problem: Problem, before: _Run, run: _Run) -> bool:
    """Whether a ride can be taken after another: in time, a land ride on a fresh day, few nights between."""
    arrived, leaves = before.arrive // 1440, run.leg.day
    if run.depart < before.arrive + problem.transfer_min or leaves - arrived > MOST_NIGHTS:
        return False
    return not (run.is_land and leaves <= arrived)


def _legs_to(runs: Iterable[_Run], home: int) -> dict[int, int]:
    """Fewest rides from every site to the destination, whatever the days."""
    into: dict[int, set[int]] = defaultdict(set)
    for run in runs:
        into[run.end].add(run.start)
    found, queue = {home: 0}, [home]
    for site in queue:
        for before in sorted(into[site]):
            if before not in found:
                found[before] = found[site] + 1
                queue.append(before)
    return found


def _runs(network: Network, supply: Supply) -> Iterator[_Run]:
    """Every ride on a vehicle of the plan, on a service and on an aircraft, whether free or full."""
    space, problem = network.space, network.problem

    def run(ride: int, leg: Leg) -> _Run:
        start = leg.day * 1440
        return _Run(
            leg=leg,
            start=int(space.ride_origin[ride]),
            end=int(space.ride_destination[ride]),
            depart=start + int(space.ride_depart[ride]),
            arrive=start + int(space.ride_arrive[ride]),
            is_land=bool(space.ride_is_land[ride]),
        )

    for ride, vehicle, _, _ in supply.carriers:
        trip = problem.trips[int(space.ride_row[ride])]
        yield run(ride, _trip_leg(network, ride, trip, vehicle.id))
    for ride in np.flatnonzero(space.ride_kind == SERVICE).tolist():
        row_id = problem.services[int(space.ride_row[ride])].id
        yield run(ride, Leg(kind="service", row_id=row_id, day=int(space.ride_day[ride])))
    for ride in np.flatnonzero(space.ride_kind == CHARTER).tolist():
        charter, day = problem.charters[int(space.ride_row[ride])], int(space.ride_day[ride])
        flying = [n for n in range(charter.max_per_day) if (charter.id, day, n) in supply.used.charters]
        free = [n for n in range(charter.max_per_day) if n not in flying]
        for aircraft in [*flying, *free[:1]]:
            yield run(ride, Leg(kind="charter", row_id=charter.id, day=day, aircraft=aircraft))


def _trip_leg(network: Network, ride: int, trip: Trip, vehicle_id: str) -> Leg:
    space = network.space
    return Leg(
        kind="trip",
        row_id=trip.id,
        day=int(space.ride_day[ride]),
        vehicle=vehicle_id,
        board=int(space.ride_board[ride]),
        alight=int(space.ride_alight[ride]),
    )


# ---- vehicles that stand idle ---------------------------------------------------------------------------------


def _new_departures(network: Network, supply: Supply, rest: Plan, group: Group) -> Iterator[Choice]:
    """Rides straight home on an idle vehicle, for each day and corridor the first to arrive."""
    space, problem = network.space, network.problem
    straight = network.is_trip & (space.ride_origin == space.site_index[group.origin])
    straight &= space.ride_destination == space.site_index[group.destination]
    offered: dict[tuple[int, frozenset[str]], list[tuple[int, int, int, str]]] = defaultdict(list)
    for number, kind in enumerate(problem.vehicle_types):
        reach = supply.idle[kind.id]
        can = straight & network.may_end[number] & (reach.day_at[network.vehicle_start] <= space.ride_day)
        for ride in np.flatnonzero(can).tolist():
            day = int(space.ride_day[ride])
            corridor = frozenset(crossings_of(network.row(ride)))
            excess = kind.seats - group.seats
            offered[day, corridor].append((abs(excess), int(space.ride_arrive[ride]), ride, kind.id))
    new_id = _new_id(rest)
    for (day, _), rides in sorted(offered.items(), key=lambda item: (item[0][0], sorted(item[0][1]))):
        for _, _, ride, kind_id in sorted(rides)[:NEW_PER_DAY]:
            row = network.row(ride)
            if not isinstance(row, Trip):
                continue
            standing = supply.idle[kind_id].at[row.stops[0]]
            vehicle = standing.vehicle or PlannedVehicle(
                id=new_id, type=kind_id, depot=standing.depot, hired=standing.hired, moves=()
            )
            vehicle = replace(vehicle, moves=(*vehicle.moves, *standing.moves, (day, row.id)))
            yield Choice(legs=(_trip_leg(network, ride, row, vehicle.id),), vehicles=(vehicle,))


def _new_id(plan: Plan) -> str:
    known = {vehicle.id for vehicle in plan.vehicles}
    return next(f"X{number}" for number in range(len(known) + 1) if f"X{number}" not in known)


def _by_day(network: Network, supply: Supply, rest: Plan, group: Group) -> Iterator[Choice]:
    """The way with the fewest rides for every day of departure: if nothing lacks, and if one thing may lack."""
    needs = Needs(network, group, now=supply, empty=supply)
    for way in ways_by_day(needs, group, rest):
        yield Choice(legs=way.legs, vehicles=way.vehicles)
