"""From a problem to the plain arrays that placing, inserting and improving work on.

For a replan the facts before ``now_day`` become part of a plain problem: a group under way starts where its
last past leg ended and needs beds while it waits, a vehicle starts where it stands, past cost is a constant.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numba import njit

from retorno.optimizer import place as columns
from retorno.optimizer.handles import ground_handle, load_handle
from retorno.optimizer.place import CHARTER, LARGEST_LEGS, SERVICE, TRIP, UNREACHABLE, Array, Ground, Load
from retorno.optimizer.problem import Charter, Group, Leg, PlannedVehicle, Problem, Service
from retorno.optimizer.timespace import DAY_MIN, FAR, Commodity, TimeSpace, costs_to_go

# Our assumption: tables of at most this many entries each (80 MB), and no approach longer than a month.
LARGEST_TABLE = 20_000_000
LONGEST_GAP_DAYS = 30
UNLIMITED = 1_000_000_000
# Leaving out a group that is already under way is not a valid plan: dearer than anything else together.
MUST_ARRIVE_CENTS = 10**13


@dataclass(frozen=True, kw_only=True)
class Slot:
    """One vehicle that a plan may use; ``past`` is the vehicle of the previous plan with moves before now."""

    kind: int
    depot: str
    is_hired: bool
    past: PlannedVehicle | None


@dataclass(frozen=True, kw_only=True, eq=False)
class Facts:
    """What stands before ``now``: per group its past legs, per vehicle its past moves, and what they cost."""

    now: int
    past_legs: dict[str, tuple[Leg, ...]]
    old_legs: dict[str, tuple[Leg, ...]]
    locked: frozenset[str]
    past_vehicles: tuple[PlannedVehicle, ...]
    change_cents: int


def facts_of(problem: Problem) -> Facts:
    """The facts of a replan; of a plain problem, that nothing has happened yet."""
    replan = problem.replan
    if replan is None:
        return Facts(now=0, past_legs={}, old_legs={}, locked=frozenset(), past_vehicles=(), change_cents=0)
    known = {group.id for group in problem.groups}
    old = {name: legs for name, legs in replan.previous.itineraries.items() if name in known and legs}
    vehicles = []
    for vehicle in replan.previous.vehicles:
        moves = tuple(move for move in vehicle.moves if move[0] < replan.now_day)
        if moves:
            vehicles.append(
                PlannedVehicle(id=vehicle.id, type=vehicle.type, depot=vehicle.depot, hired=vehicle.hired, moves=moves)
            )
    return Facts(
        now=replan.now_day,
        past_legs={name: tuple(x for x in legs if x.day < replan.now_day) for name, legs in old.items()},
        old_legs={name: tuple(x for x in legs if x.day >= replan.now_day) for name, legs in old.items()},
        locked=frozenset(replan.locked_groups) & known,
        past_vehicles=tuple(vehicles),
        change_cents=replan.change_cents,
    )


@dataclass(frozen=True, kw_only=True, eq=False)
class Site0:
    """Where a group under way stands: site, minute it is free, day of its first leg, cost so far in cents."""

    site: str
    arrive_day: int
    arrive_min: int
    first_day: int
    cost: int
    is_home: bool


def _leg_ends(problem: Problem, leg: Leg, rows: dict[tuple[str, str], int]) -> tuple[str, int, int, int, int]:
    """(alighting site, departure minute, arrival minute, fare per seat, row position) of a past leg."""
    row = rows[leg.kind, leg.row_id]
    if leg.kind == "trip":
        trip = problem.trips[row]
        return trip.stops[leg.alight], trip.depart_min[leg.board], trip.arrive_min[leg.alight], 0, row
    if leg.kind == "service":
        service = problem.services[row]
        return service.destination, service.depart_min, service.arrive_min, service.fare_cents, row
    charter = problem.charters[row]
    return charter.destination, charter.depart_min, charter.arrive_min, 0, row


def row_positions(problem: Problem) -> dict[tuple[str, str], int]:
    """(kind of leg, row id) to the row's position in its list."""
    rows = {("trip", trip.id): number for number, trip in enumerate(problem.trips)}
    rows |= {("service", service.id): number for number, service in enumerate(problem.services)}
    return rows | {("charter", charter.id): number for number, charter in enumerate(problem.charters)}


def standing(problem: Problem, group: Group, past: tuple[Leg, ...], rows: dict[tuple[str, str], int]) -> Site0:
    """Where the past legs of a group have brought it, and what they cost (nights before now included)."""
    costs = problem.costs
    now = problem.replan.now_day if problem.replan else 0
    site, free, arrive_day, cents = group.origin, 0, -1, 0
    for leg in past:
        end, depart, arrive, fare, _ = _leg_ends(problem, leg, rows)
        if arrive_day >= 0:
            cents += costs.bed_night_cents * group.seats * (leg.day - arrive_day)
        cents += fare * group.seats
        cents += group.persons * (costs.ride_minute_cents * (arrive - depart) + costs.boarding_cents)
        site, free, arrive_day = end, arrive % DAY_MIN, leg.day + arrive // DAY_MIN
    is_home = site == group.destination
    if not is_home:
        cents += costs.bed_night_cents * group.seats * max(0, now - arrive_day)
    return Site0(
        site=site,
        arrive_day=arrive_day,
        arrive_min=free,
        first_day=past[0].day,
        cost=cents,
        is_home=is_home,
    )


@njit(cache=True)  # type: ignore[untyped-decorator]
def _connect(
    leave: Array,
    tail: Array,
    edge_start: Array,
    edge_from: Array,
    edge_to: Array,
    edge_cost: Array,
    idle: Array,
    end_cost: Array,
) -> None:
    """Fills ``leave`` and ``tail``: cheapest empty ways between land sites, and to the end of the plan."""
    kinds, lands, day_ends, gaps, _ = leave.shape
    days = day_ends - 1
    for kind in range(kinds):
        for start in range(lands):
            for day in range(day_ends):
                table = leave[kind, start, day]
                for gap in range(gaps):
                    for site in range(lands):
                        table[gap, site] = UNREACHABLE
                table[0, start] = 0
                for gap in range(min(gaps - 1, days - day)):
                    on_day = day + gap
                    for site in range(lands):
                        if table[gap, site] < UNREACHABLE:
                            table[gap + 1, site] = min(table[gap + 1, site], table[gap, site] + idle[site])
                    for edge in range(edge_start[on_day], edge_start[on_day + 1]):
                        before = table[gap, edge_from[edge]]
                        if before < UNREACHABLE:
                            cost = before + edge_cost[kind, edge]
                            if cost < table[gap + 1, edge_to[edge]]:
                                table[gap + 1, edge_to[edge]] = cost
        for site in range(lands):
            tail[kind, site, days] = end_cost[kind, site]
        for day in range(days - 1, -1, -1):
            for site in range(lands):
                tail[kind, site, day] = min(UNREACHABLE, idle[site] + tail[kind, site, day + 1])
            for edge in range(edge_start[day], edge_start[day + 1]):
                cost = edge_cost[kind, edge] + tail[kind, edge_to[edge], day + 1]
                if cost < tail[kind, edge_from[edge], day]:
                    tail[kind, edge_from[edge], day] = cost


@njit(cache=True)  # type: ignore[untyped-decorator]
def _turn_round(leave: Array, reach: Array) -> None:
    """Fills ``reach``: the same costs as ``leave``, seen from the end."""
    kinds, lands, day_ends, gaps, _ = leave.shape
    for kind in range(kinds):
        for start in range(lands):
            for day in range(day_ends):
                for gap in range(min(gaps, day_ends - day)):
                    for end in range(lands):
                        reach[kind, end, day + gap, gap, start] = leave[kind, start, day, gap, end]


@dataclass(frozen=True, kw_only=True, eq=False)
class Setting:
    """A problem ready to be solved: its arrays and what is needed to read a plan back from them.

    Parameters
    ----------
    problem, space, facts, ground, handle
        The problem, its rides, what stands before now, the arrays and their handle.
    ride_number
        Per row of ``ground.ride``: the ride of ``space``.
    slots
        Per vehicle position: type, depot, hired, and the previous plan's vehicle if it has moved before now.
    base_cents
        Cost of what stands before now.
    standing
        Groups with past legs.
    """

    problem: Problem
    space: TimeSpace
    facts: Facts
    ground: Ground
    handle: Any
    ride_number: Array
    slots: tuple[Slot, ...]
    land_sites: tuple[str, ...]
    base_cents: int
    standing: dict[str, Site0]


def _slots(problem: Problem, facts: Facts) -> list[Slot]:
    """Every vehicle a plan may use, sorted by type; those with past moves first."""
    slots = []
    for kind, vehicle_type in enumerate(problem.vehicle_types):
        for vehicle in facts.past_vehicles:
            if vehicle.type == vehicle_type.id:
                slots.append(Slot(kind=kind, depot=vehicle.depot, is_hired=vehicle.hired, past=vehicle))
        for depot in problem.depots:
            for is_hired, limits in ((False, depot.own), (True, depot.hire_max)):
                gone = sum(
                    1
                    for vehicle in facts.past_vehicles
                    if (vehicle.type, vehicle.depot, vehicle.hired) == (vehicle_type.id, depot.site, is_hired)
                )
                # More vehicles than groups times days are never of use.
                count = min(limits.get(vehicle_type.id, 0) - gone, len(problem.groups) + 1)
                slots += [Slot(kind=kind, depot=depot.site, is_hired=is_hired, past=None) for _ in range(count)]
    return slots


def prepare(space: TimeSpace) -> Setting:
    """The arrays of a problem, for construction and improvement."""
    problem, days = space.problem, space.day_count
    facts = facts_of(problem)
    slots = _slots(problem, facts)
    land_sites = sorted(
        {stop for trip in problem.trips for stop in trip.stops} | {depot.site for depot in problem.depots}
    )
    land_index = {site: number for number, site in enumerate(land_sites)}
    rides, ride_number, site_start, flight_end = _ride_table(space, facts.now)
    tables = _vehicle_tables(space, facts.now, land_index)
    rows = row_positions(problem)
    positions = {name: legs for name, legs in facts.past_legs.items() if legs}
    by_name = {group.id: group for group in problem.groups}
    where = {name: standing(problem, by_name[name], legs, rows) for name, legs in positions.items()}
    commodities: dict[Commodity, int] = {}
    for group in problem.groups:
        commodities.setdefault(space.commodity(group), len(commodities))
    group_table = _group_table(space, facts, where, commodities)
    allowed, ahead = _commodity_tables(space, commodities, group_table, rides, ride_number)
    waiting_ahead = _profiles(group_table, ahead)
    old_legs, old_count = _old_itineraries(space, facts, where, ride_number)
    conflict_start, conflict_ids = _conflict_lists(problem)
    vehicle_site, base = _past_vehicles(space, facts, slots, land_index, rows)
    base += sum(place.cost for place in where.values())
    base += _past_aircraft(problem, facts, rows)
    classes: dict[tuple[int, str, bool], int] = {}
    vehicle_class = [
        -1 if slot.past else classes.setdefault((slot.kind, slot.depot, slot.is_hired), len(classes)) for slot in slots
    ]
    kinds = [slot.kind for slot in slots]
    charters = problem.charters
    whole = np.int64
    ground = Ground(
        day_count=days,
        now=facts.now,
        site_count=len(problem.sites),
        slot_count=space.slot_count,
        overnight_count=space.overnight_count,
        longest_gap=tables.leave.shape[3] - 1,
        return_days=problem.escort_return_days,
        bed_cents=problem.costs.bed_night_cents,
        escort_cents=problem.costs.escort_day_cents,
        change_cents=facts.change_cents,
        ride=rides,
        site_start=site_start,
        flight_end=flight_end,
        cross_ids=space.cross_ids.astype(whole) if len(space.cross_ids) else np.zeros(1, dtype=whole),
        allowed=allowed,
        ahead=waiting_ahead,
        ahead_least=waiting_ahead.min(axis=1),
        land_of=np.array([land_index.get(site.id, -1) for site in problem.sites], dtype=whole),
        is_depot=tables.is_depot,
        depots=np.flatnonzero(tables.is_depot).astype(whole),
        trip_start=np.array([land_index[trip.stops[0]] for trip in problem.trips], dtype=whole),
        trip_end=np.array([land_index[trip.stops[-1]] for trip in problem.trips], dtype=whole),
        trip_segments=np.array([len(trip.stops) - 1 for trip in problem.trips], dtype=whole),
        trip_cost=tables.trip_cost,
        type_seats=np.array([kind.seats for kind in problem.vehicle_types], dtype=whole),
        type_wheelchairs=np.array([kind.wheelchairs for kind in problem.vehicle_types], dtype=whole),
        type_start=np.searchsorted(np.array(kinds), np.arange(len(problem.vehicle_types) + 1)).astype(whole),
        reach=tables.reach,
        leave=tables.leave,
        tail=tables.tail,
        away_cents=problem.costs.away_day_cents,
        vehicle_type=np.array(kinds, dtype=whole),
        vehicle_site=vehicle_site,
        vehicle_hire=np.array(
            [problem.vehicle_types[slot.kind].hire_cents if slot.is_hired and not slot.past else 0 for slot in slots],
            dtype=whole,
        ),
        vehicle_is_past=np.array([slot.past is not None for slot in slots], dtype=np.bool_),
        vehicle_class=np.array(vehicle_class, dtype=whole),
        charter_seats=np.array([charter.seats for charter in charters], dtype=whole),
        charter_minimum=np.array([charter.min_load for charter in charters], dtype=whole),
        charter_cents=np.array([charter.fixed_cents for charter in charters], dtype=whole),
        charter_demand=_charter_demand(space, commodities, group_table, ahead),
        aircraft_max=np.array([charter.max_per_day for charter in charters], dtype=whole),
        group=group_table,
        old_legs=old_legs,
        old_count=old_count,
        conflict_start=conflict_start,
        conflict_ids=conflict_ids,
        service_count=len(problem.services),
        type_unaccompanied=np.array([_limit(kind.unaccompanied_max) for kind in problem.vehicle_types], dtype=whole),
        keeps_seats=problem.escorts_keep_seats,
        rest_most=problem.rest.most_days if problem.rest else 0,
        rest_window=problem.rest.window_days if problem.rest else 0,
        rest_night=problem.rest.night_min if problem.rest else 0,
        **_driven_before(problem, facts, slots, rows),
        trip_first_min=np.array([trip.depart_min[0] for trip in problem.trips], dtype=whole),
        trip_last_min=np.array([trip.arrive_min[-1] for trip in problem.trips], dtype=whole),
        **tables.edges,
    )
    for number, slot in enumerate(slots):
        if slot.past:
            base += int(tables.tail[slot.kind, vehicle_site[number], facts.now])
    return Setting(
        problem=problem,
        space=space,
        facts=facts,
        ground=ground,
        handle=ground_handle(ground),
        ride_number=ride_number,
        slots=tuple(slots),
        land_sites=tuple(land_sites),
        base_cents=base,
        standing=where,
    )


def _ride_table(space: TimeSpace, now: int) -> tuple[Array, Array, Array, Array]:
    """Rides from now on, regrouped by day and site of departure, flights first."""
    sites, days = len(space.problem.sites), space.day_count
    order = np.lexsort((space.ride_depart, space.ride_is_land, space.ride_origin, space.ride_day))
    order = order[space.ride_day[order] >= now]
    table = np.zeros((len(order) + 1, 16), dtype=np.int32)
    picked = table[: len(order)]
    picked[:, columns.KIND] = space.ride_kind[order]
    picked[:, columns.ROW] = space.ride_row[order]
    picked[:, columns.DAY] = space.ride_day[order]
    picked[:, columns.ARRIVE_DAY] = space.ride_arrive_day[order]
    picked[:, columns.BOARD] = space.ride_board[order]
    picked[:, columns.ALIGHT] = space.ride_alight[order]
    picked[:, columns.ORIGIN] = space.ride_origin[order]
    picked[:, columns.DESTINATION] = space.ride_destination[order]
    picked[:, columns.FARE] = space.ride_fare[order]
    picked[:, columns.COMFORT] = space.ride_comfort[order]
    picked[:, columns.SAME_DAY] = space.after_same_day[order]
    picked[:, columns.OVERNIGHT] = space.after_overnight[order]
    picked[:, columns.RANK_OVERNIGHT] = space.rank_overnight[order]
    picked[:, columns.RANK_SAME_DAY] = space.rank_same_day[order]
    picked[:, columns.CROSS_START] = space.cross_start[order]
    picked[:, columns.CROSS_END] = space.cross_start[order + 1]
    place_of = space.ride_day[order] * (sites + 1) + space.ride_origin[order]
    keys = np.arange(days)[:, None] * (sites + 1) + np.arange(sites + 1)[None, :]
    site_start = np.searchsorted(place_of, keys).astype(np.int64)
    flights_before = np.concatenate([[0], np.cumsum(~space.ride_is_land[order])])
    flight_end = site_start[:, :-1] + flights_before[site_start[:, 1:]] - flights_before[site_start[:, :-1]]
    return table, order, site_start, flight_end.astype(np.int64)


@dataclass(frozen=True, kw_only=True, eq=False)
class _VehicleTables:
    trip_cost: Array
    is_depot: Array
    leave: Array
    reach: Array
    tail: Array
    edges: dict[str, Array]


def _vehicle_tables(space: TimeSpace, now: int, land_index: dict[str, int]) -> _VehicleTables:
    """Costs of driving each trip and of every empty way between two land sites, per vehicle type."""
    problem, days = space.problem, space.day_count
    kinds, lands = problem.vehicle_types, len(land_index)
    trip_cost = np.array(
        [
            [
                trip.km * kind.km_cents + kind.day_cents + trip.drivers * problem.costs.driver_day_cents
                for trip in problem.trips
            ]
            for kind in kinds
        ],
        dtype=np.int64,
    ).reshape(len(kinds), len(problem.trips))
    depot_sites = {depot.site for depot in problem.depots}
    is_depot = np.array([site in depot_sites for site in land_index], dtype=np.bool_)
    runs = np.zeros((len(problem.trips), days), dtype=np.bool_)
    of_trips = space.ride_kind == TRIP
    runs[space.ride_row[of_trips], space.ride_day[of_trips]] = True
    # On one day only the cheapest trip between two sites is worth driving empty.
    edges: list[list[tuple[int, int, list[int]]]] = []
    for day in range(days):
        best: dict[tuple[int, int], list[int]] = {}
        for number in np.flatnonzero(runs[:, day]) if day >= now else ():
            trip = problem.trips[int(number)]
            pair = land_index[trip.stops[0]], land_index[trip.stops[-1]]
            if pair[0] == pair[1]:
                continue
            known = best.setdefault(pair, [int(number)] * len(kinds))
            for kind in range(len(kinds)):
                if trip_cost[kind, number] < trip_cost[kind, known[kind]]:
                    known[kind] = int(number)
        edges.append([(start, end, trips) for (start, end), trips in sorted(best.items())])
    flat = [edge for found in edges for edge in found]
    edge_start = np.concatenate([[0], np.cumsum([len(found) for found in edges])]).astype(np.int64)
    edge_cost = np.array(
        [[trip_cost[kind, trips[kind]] for _, _, trips in flat] for kind in range(len(kinds))], dtype=np.int64
    ).reshape(len(kinds), len(flat))
    idle = np.where(is_depot, 0, problem.costs.away_day_cents).astype(np.int64)
    end_cost = np.array(
        [
            [0 if is_depot[number] else kind.return_cents.get(site, UNREACHABLE) for site, number in land_index.items()]
            for kind in kinds
        ],
        dtype=np.int64,
    ).reshape(len(kinds), lands)
    size = max(1, len(kinds) * lands * lands * (days + 1))
    gap = min(days, LONGEST_GAP_DAYS, max(4, LARGEST_TABLE // size))
    leave = np.empty((len(kinds), lands, days + 1, gap + 1, lands), dtype=np.int32)
    tail = np.full((len(kinds), lands, days + 1), UNREACHABLE, dtype=np.int64)
    edge_from = np.array([start for start, _, _ in flat], dtype=np.int64)
    edge_to = np.array([end for _, end, _ in flat], dtype=np.int64)
    edge_trip = np.array([[trips[kind] for _, _, trips in flat] for kind in range(len(kinds))], dtype=np.int64)
    _connect(leave, tail, edge_start, edge_from, edge_to, edge_cost, idle, end_cost)
    reach: Array = np.full_like(leave, UNREACHABLE)
    _turn_round(leave, reach)
    return _VehicleTables(
        trip_cost=trip_cost,
        is_depot=is_depot,
        leave=leave,
        reach=reach,
        tail=tail,
        edges={
            "edge_start": edge_start,
            "edge_from": edge_from,
            "edge_to": edge_to,
            "edge_cost": edge_cost,
            "edge_trip": edge_trip.reshape(len(kinds), len(flat)),
        },
    )


def _group_table(space: TimeSpace, facts: Facts, where: dict[str, Site0], commodities: dict[Commodity, int]) -> Array:
    """One row per group, columns as named in ``place``."""
    problem, days, now = space.problem, space.day_count, facts.now
    pools = {pool.id: number for number, pool in enumerate(problem.escort_pools)}
    table = np.zeros((len(problem.groups), 24), dtype=np.int64)
    flights = sorted({int(x) for x in space.ride_depart[~space.ride_is_land]})
    early = sorted({int(x) for x in space.ride_depart[space.ride_depart < problem.transfer_min]})
    for number, group in enumerate(problem.groups):
        row = table[number]
        row[columns.PERSONS], row[columns.SEATS] = group.persons, group.seats
        row[columns.WHEELCHAIRS], row[columns.ESCORTS] = group.wheelchairs, group.escorts
        row[columns.UNACCOMPANIED] = group.unaccompanied
        row[columns.WOMEN], row[columns.MEN] = group.escort_women, group.escort_men
        row[columns.POOL] = pools[group.escort_pool] if group.escort_pool is not None else -1
        row[columns.FROM] = space.site_index[group.origin]
        row[columns.TO] = space.site_index[group.destination]
        row[columns.READY] = group.ready_day
        row[columns.FIRST] = max(group.ready_day, now)
        row[columns.LAST] = min(group.latest_day, days - 1)
        limit = problem.max_journey_days if group.max_journey_days is None else group.max_journey_days
        row[columns.JOURNEY] = min(limit, days)
        row[columns.WAIT] = group.wait_cents_per_day
        row[columns.LEFT_OUT] = group.unplanned_cents + group.wait_cents_per_day * (days - group.ready_day)
        row[columns.COMMODITY] = commodities[space.commodity(group)]
        row[columns.STATE] = columns.LOCKED if group.id in facts.locked else columns.FREE
        row[columns.STARTED], row[columns.NIGHT_FROM] = -1, -1
        row[columns.START_DAY], row[columns.START_SLOT] = row[columns.FIRST], 0
        row[columns.START_FLY] = -2
        if group.escorts and group.escort_pool is None:
            row[columns.LAST] = -1
        if facts.old_legs.get(group.id):
            row[columns.LEFT_OUT] += facts.change_cents
        place = where.get(group.id)
        if place is None:
            continue
        if place.is_home:
            row[columns.STATE] = columns.DONE
            continue
        row[columns.LEFT_OUT] += MUST_ARRIVE_CENTS
        row[columns.FROM] = space.site_index[place.site]
        row[columns.STARTED] = place.first_day
        free_from = place.arrive_min + problem.transfer_min
        row[columns.START_SLOT] = sum(1 for minute in early if minute < free_from - DAY_MIN)
        row[columns.NIGHT_FROM] = max(place.arrive_day, now)
        row[columns.START_DAY] = max(place.arrive_day, now)
        if place.arrive_day >= now:
            missed = sum(1 for minute in flights if minute < free_from)
            row[columns.START_FLY] = space.overnight_count + missed if missed < len(flights) else -1
        elif place.arrive_day < now - 1:
            row[columns.START_SLOT] = 0
    return table


def _commodity_tables(
    space: TimeSpace, commodities: dict[Commodity, int], groups: Array, rides: Array, ride_number: Array
) -> tuple[Array, Array]:
    """Who may take which ride, and the lower bound of a person's price from every site and day."""
    sites, days = len(space.problem.sites), space.day_count
    layers = int(groups[:, columns.JOURNEY].max(initial=0)) + 1
    allowed = np.zeros((len(commodities), len(rides)), dtype=np.bool_)
    ahead = np.zeros((len(commodities), days, sites, layers), dtype=np.float32)
    has_bed = np.array([site.beds > 0 for site in space.problem.sites])
    night = np.where(has_bed[:, None], float(space.problem.costs.bed_night_cents), FAR) * np.ones((1, days))
    price = (space.ride_comfort + space.ride_fare).astype(np.float64)
    for commodity, number in commodities.items():
        journey = int(groups[groups[:, columns.COMMODITY] == number, columns.JOURNEY].max())
        may = space.is_allowed(commodity)
        togo = costs_to_go(
            space,
            destination=commodity.destination,
            allowed=may,
            ride_price=price,
            night_price=night,
            arrival_price=np.zeros(days),
            journey_days=journey,
        )
        best = np.full((days, sites, layers), 1e12)
        best[:, :, : journey + 1] = np.minimum(togo.value[:, 0], 1e12)
        best[:, commodity.destination, :] = 0
        # Rounded down a little: a bound in single precision must never exceed the true price.
        ahead[number] = best * (1 - 1e-6)
        arrive = np.minimum(space.ride_arrive_day, days - 1)
        leads_on = best.min(axis=2)[arrive, space.ride_destination] < 1e12
        useful = may & leads_on & (space.ride_arrive_day < days)
        allowed[number, : len(ride_number)] = useful[ride_number]
    return allowed, ahead


def _profiles(groups: Array, ahead: Array) -> Array:
    """Changes ``groups`` (their profile); the lower bound per profile, day and site, waiting included.

    ``ahead`` has the bound without waiting per commodity, day, site and days until arrival.
    """
    profiles: dict[tuple[int, float], int] = {}
    for row in groups:
        key = int(row[columns.COMMODITY]), row[columns.WAIT] / row[columns.PERSONS]
        row[columns.PROFILE] = profiles.setdefault(key, len(profiles))
    table = np.zeros((len(profiles), *ahead.shape[1:3]), dtype=np.float32)
    layers = np.arange(ahead.shape[3])
    for (commodity, wait), number in profiles.items():
        table[number] = (ahead[commodity] + wait * layers * (1 - 1e-6)).min(axis=2)
    return table


def _old_itineraries(
    space: TimeSpace, facts: Facts, where: dict[str, Site0], ride_number: Array
) -> tuple[Array, Array]:
    """Per group the rides from now on of the previous plan (-1: no longer runs) and their count (-1: none)."""
    groups = space.problem.groups
    old_legs = np.full((len(groups), LARGEST_LEGS), -1, dtype=np.int64)
    old_count = np.full(len(groups), -1, dtype=np.int64)
    find = ride_finder(space, ride_number)
    for number, group in enumerate(groups):
        legs = facts.old_legs.get(group.id)
        if legs is None:
            continue
        old_count[number] = len(legs)
        for position, leg in enumerate(legs[:LARGEST_LEGS]):
            old_legs[number, position] = find.get(leg_key(leg), -1)
    return old_legs, old_count


KIND_NUMBER = {"trip": TRIP, "service": SERVICE, "charter": CHARTER}


def leg_key(leg: Leg) -> tuple[int, str, int, int, int]:
    """What names the ride of a leg: kind, row id, day, boarding and alighting stop."""
    if leg.kind == "trip":
        return TRIP, leg.row_id, leg.day, leg.board, leg.alight
    return KIND_NUMBER[leg.kind], leg.row_id, leg.day, 0, 1


def ride_finder(space: TimeSpace, ride_number: Array) -> dict[tuple[int, str, int, int, int], int]:
    """``leg_key`` of every ride from now on to its row in ``Ground.ride``."""
    problem = space.problem
    names = (
        [trip.id for trip in problem.trips],
        [service.id for service in problem.services],
        [charter.id for charter in problem.charters],
    )
    kinds, rows = space.ride_kind[ride_number].tolist(), space.ride_row[ride_number].tolist()
    days = space.ride_day[ride_number].tolist()
    boards, alights = space.ride_board[ride_number].tolist(), space.ride_alight[ride_number].tolist()
    return {
        (kind, names[kind][row], day, board, alight): number
        for number, (kind, row, day, board, alight) in enumerate(zip(kinds, rows, days, boards, alights, strict=True))
    }


def _conflict_lists(problem: Problem) -> tuple[Array, Array]:
    """Per group the groups it must not share a vehicle with."""
    index = {group.id: number for number, group in enumerate(problem.groups)}
    against: list[set[int]] = [set() for _ in problem.groups]
    for first, second in problem.conflicts:
        if first in index and second in index:
            against[index[first]].add(index[second])
            against[index[second]].add(index[first])
    starts = np.concatenate([[0], np.cumsum([len(found) for found in against])]).astype(np.int64)
    ids = [number for found in against for number in sorted(found)]
    return starts, np.array(ids or [0], dtype=np.int64)


def _past_vehicles(
    space: TimeSpace,
    facts: Facts,
    slots: list[Slot],
    land_index: dict[str, int],
    rows: dict[tuple[str, str], int],
) -> tuple[Array, int]:
    """Land site of every vehicle now, and what vehicles have cost so far, idle days before now included."""
    problem = space.problem
    depots = {depot.site for depot in problem.depots}
    places, base = [], 0
    for slot in slots:
        place = slot.depot
        if slot.past is not None:
            kind = problem.vehicle_types[slot.kind]
            base += kind.hire_cents if slot.is_hired else 0
            last = -1
            for day, trip_id in slot.past.moves:
                trip = problem.trips[rows["trip", trip_id]]
                if place not in depots:
                    base += problem.costs.away_day_cents * (day - last - 1)
                base += trip.km * kind.km_cents + kind.day_cents + trip.drivers * problem.costs.driver_day_cents
                place, last = trip.stops[-1], day
            if place not in depots:
                base += problem.costs.away_day_cents * (facts.now - last - 1)
        places.append(land_index[place])
    return np.array(places, dtype=np.int64), base


def _limit(most: int | None) -> int:
    return UNLIMITED if most is None else most


def _driven_before(
    problem: Problem, facts: Facts, slots: list[Slot], rows: dict[tuple[str, str], int]
) -> dict[str, Array]:
    """On which days before now each vehicle moved, and from which minute of today on it may start (R20)."""
    window = problem.rest.window_days if problem.rest else 1
    drove = np.zeros((len(slots), min(window, facts.now) + 1), dtype=np.int64)
    free_from = np.full(len(slots), -DAY_MIN, dtype=np.int64)
    for number, slot in enumerate(slots):
        for day, trip_id in slot.past.moves if slot.past else ():
            if facts.now - day < drove.shape[1]:
                drove[number, facts.now - day] = 1
            if day == facts.now - 1 and problem.rest:
                arrived = problem.trips[rows["trip", trip_id]].arrive_min[-1]
                free_from[number] = arrived + problem.rest.night_min - DAY_MIN
    return {"drove_before": drove, "free_from_min": free_from}


def _past_aircraft(problem: Problem, facts: Facts, rows: dict[tuple[str, str], int]) -> int:
    """What charters that have flown before now cost."""
    flown = {
        (leg.row_id, leg.day, leg.aircraft)
        for legs in facts.past_legs.values()
        for leg in legs
        if leg.kind == "charter"
    }
    return sum(problem.charters[rows["charter", row_id]].fixed_cents for row_id, _, _ in sorted(flown))


def _charter_demand(space: TimeSpace, commodities: dict[Commodity, int], groups: Array, ahead: Array) -> Array:
    """Persons who could fly each charter at all: bound for where it lands, or able to get on from there."""
    demand = []
    for charter in space.problem.charters:
        end = space.site_index[charter.destination]
        reach = np.flatnonzero(ahead[:, :, end, :].min(axis=(1, 2)) < UNREACHABLE * 900.0)
        demand.append(int(groups[np.isin(groups[:, columns.COMMODITY], reach), columns.SEATS].sum()))
    return np.array(demand, dtype=np.int64)


def empty_load(setting: Setting) -> tuple[Load, Any]:
    """Nobody placed, and its handle: all capacity free but for what stands before now and is still felt."""
    problem, ground, days = setting.problem, setting.ground, setting.space.day_count
    groups, vehicles, trips = len(problem.groups), len(setting.slots), len(problem.trips)
    segments = int(ground.trip_segments.max(initial=1))
    kinds = len(problem.vehicle_types)
    aircraft = int(ground.aircraft_max.max(initial=1))
    links: tuple[Service | Charter, ...] = (*problem.services, *problem.charters)
    whole = np.int64
    load = Load(
        task=np.full((vehicles, days), -1, dtype=whole),
        aboard=np.zeros((vehicles, days), dtype=whole),
        seats=np.zeros((vehicles, days, segments), dtype=whole),
        wheelchairs=np.zeros((vehicles, days, segments), dtype=whole),
        first=np.full((trips, days), -1, dtype=whole),
        next=np.full((vehicles, days), -1, dtype=whole),
        gap=np.zeros((days, vehicles, 4), dtype=np.int32),
        task_count=np.zeros(vehicles, dtype=whole),
        quota=np.array([x.quota for x in problem.crossings], dtype=whole).reshape(-1, days),
        beds=np.repeat(np.array([[x.beds] for x in problem.sites], dtype=whole), days, axis=1),
        arrivals=np.array(
            [x.arrivals if x.arrivals is not None else [UNLIMITED] * days for x in problem.sites], dtype=whole
        ),
        service=np.repeat(np.array([x.seats for x in problem.services], dtype=whole).reshape(-1, 1), days, axis=1),
        aircraft=np.repeat(np.repeat(ground.charter_seats[:, None, None], days, axis=1), max(1, aircraft), axis=2),
        aircraft_groups=np.zeros((len(problem.charters), days, max(1, aircraft)), dtype=whole),
        escorts=np.repeat(
            np.array([x.available for x in problem.escort_pools], dtype=whole).reshape(-1, 1), days, axis=1
        ),
        leg_ride=np.full((groups, LARGEST_LEGS), -1, dtype=whole),
        leg_vehicle=np.full((groups, LARGEST_LEGS), -1, dtype=whole),
        leg_count=np.zeros(groups, dtype=whole),
        cost=ground.group[:, columns.LEFT_OUT].copy(),
        value=np.zeros(1, dtype=whole),
        changes=np.zeros((kinds, days), dtype=whole),
        recent=np.zeros((kinds, days, columns.RECENT_COUNT), dtype=whole),
        open_cost=np.zeros((kinds, trips, days), dtype=whole),
        open_vehicle=np.full((kinds, trips, days), -1, dtype=whole),
        open_seen=np.full((kinds, trips, days), -1, dtype=whole),
        children=np.zeros((vehicles, days, segments), dtype=whole),
        linked_children=_linked([x.unaccompanied_max for x in links], days, aircraft),
        linked_escorts=_linked([x.escort_returns for x in links], days, aircraft),
        women=_told([x.women for x in problem.escort_pools], days),
        men=_told([x.men for x in problem.escort_pools], days),
        returning=np.zeros((vehicles, days), dtype=whole),
        route=np.full(days, -1, dtype=whole),
    )
    load.gap[:, :, columns.IS_SHUT] = 1
    handle = load_handle(load)
    seen: set[int] = set()
    # With no day left to plan every vehicle stays shut.
    if facts_now_is_open(setting):
        for vehicle in range(vehicles):
            vehicle_class = int(ground.vehicle_class[vehicle])
            if vehicle_class < 0 or vehicle_class not in seen:
                seen.add(vehicle_class)
                columns.refresh_gaps(setting.handle, handle, vehicle, -1, days)
    _book_done(setting, load)
    load.value[0] = setting.base_cents + int(load.cost.sum())
    return load, handle


def _linked(limits: list[int | None], days: int, aircraft: int) -> Array:
    """A limit per service or charter, for every day and aircraft."""
    rows = np.array([_limit(most) for most in limits], dtype=np.int64).reshape(-1, 1, 1)
    return np.array(np.broadcast_to(rows, (len(limits), days, max(1, aircraft))))


def _told(numbers: list[tuple[int, ...] | None], days: int) -> Array:
    """A number per escort pool and day, without limit where none is told."""
    rows = [told if told is not None else (UNLIMITED,) * days for told in numbers]
    return np.array(rows, dtype=np.int64).reshape(-1, days)


def facts_now_is_open(setting: Setting) -> bool:
    """Whether there is a day left to plan."""
    return setting.facts.now < setting.space.day_count


def _book_done(setting: Setting, load: Load) -> None:
    """Changes ``load``: groups that arrive by their past legs alone cost what they cost."""
    problem = setting.problem
    for number, group in enumerate(problem.groups):
        place = setting.standing.get(group.id)
        if place is None or not place.is_home:
            continue
        cost = group.wait_cents_per_day * (place.arrive_day - group.ready_day)
        if group.escorts:
            end = place.arrive_day + problem.escort_return_days
            cost += problem.costs.escort_day_cents * group.escorts * (end - place.first_day + 1)
            pool = int(setting.ground.group[number, columns.POOL])
            load.escorts[pool, setting.facts.now : end + 1] -= group.escorts
            load.women[pool, setting.facts.now : end + 1] -= group.escort_women
            load.men[pool, setting.facts.now : end + 1] -= group.escort_men
            last = setting.facts.past_legs[group.id][-1]
            if problem.escorts_keep_seats and last.kind == "trip":
                vehicle = next(n for n, slot in enumerate(setting.slots) if slot.past and slot.past.id == last.vehicle)
                load.returning[vehicle, setting.facts.now : end + 1] += group.escorts
        if setting.facts.now <= place.arrive_day < setting.space.day_count:
            load.arrivals[setting.space.site_index[group.destination], place.arrive_day] -= group.persons
        load.cost[number] = cost
