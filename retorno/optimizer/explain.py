"""Why a group is unplanned, and the smallest change that would plan it.

Every ride, night and arrival that a group lacks something for is given the price of what is lacking; the cheapest
way home then names the smallest change. With one kind of lack allowed and all others forbidden, the same search
tells whether that one thing keeps the group from going. Nobody else is ever moved or taken out.
"""

from __future__ import annotations

import heapq
from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import cached_property
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from retorno.errors import InputError
from retorno.optimizer.check import Uses, uses
from retorno.optimizer.problem import (
    DAY_MIN,
    EMPTY_PLAN,
    Charter,
    Group,
    Leg,
    Plan,
    PlannedVehicle,
    Problem,
    Service,
    Trip,
)
from retorno.optimizer.timespace import (
    CHARTER,
    FAR,
    SERVICE,
    TRIP,
    CostsToGo,
    TimeSpace,
    build,
    costs_to_go,
    read_path,
)

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]


class Reason(StrEnum):
    """What keeps a group from being planned; a closed list."""

    NO_ROUTE = "NO_ROUTE"
    BARRED_COUNTRY = "BARRED_COUNTRY"
    GROUP_TOO_LARGE = "GROUP_TOO_LARGE"
    DATE_TOO_EARLY = "DATE_TOO_EARLY"
    JOURNEY_TOO_LONG = "JOURNEY_TOO_LONG"
    VULNERABLE_WINDOW = "VULNERABLE_WINDOW"
    CROSSING_CLOSED = "CROSSING_CLOSED"
    CANCELLED = "CANCELLED"
    QUOTA_FULL = "QUOTA_FULL"
    NO_BED = "NO_BED"
    RECEPTION_FULL = "RECEPTION_FULL"
    NO_ESCORT = "NO_ESCORT"
    NO_SEAT = "NO_SEAT"
    CHARTER_NOT_FILLED = "CHARTER_NOT_FILLED"
    CONFLICT = "CONFLICT"
    LOCKED_OUT = "LOCKED_OUT"
    ROOM_LEFT = "ROOM_LEFT"


class Relaxation(StrEnum):
    """A change of the problem; `Change` says of what, when and by how much.

    The ids that go with each: SEATS and WHEELCHAIRS a row and, for a trip, the vehicle type; VEHICLES a depot and
    a vehicle type; BEDS and RECEPTION a site; QUOTA and OPEN_CROSSING a crossing; ESCORTS a pool; CHARTER_LOAD a
    charter; LATEST_DAY, JOURNEY_DAYS and UNLOCK a group; RUN and VULNERABLE_DAY a row; TRANSIT a group and a country.
    """

    SEATS = "SEATS"
    WHEELCHAIRS = "WHEELCHAIRS"
    VEHICLES = "VEHICLES"
    BEDS = "BEDS"
    QUOTA = "QUOTA"
    RECEPTION = "RECEPTION"
    ESCORTS = "ESCORTS"
    CHARTER_LOAD = "CHARTER_LOAD"
    LATEST_DAY = "LATEST_DAY"
    JOURNEY_DAYS = "JOURNEY_DAYS"
    OPEN_CROSSING = "OPEN_CROSSING"
    RUN = "RUN"
    VULNERABLE_DAY = "VULNERABLE_DAY"
    TRANSIT = "TRANSIT"
    UNLOCK = "UNLOCK"


# How large a change is, so that the smallest can be told: once, and per unit. Our assumption: a seat or a bed is
# found most easily, then a day, an escort, a vehicle; reopening a border or a protection rule comes last.
SIZES: Final[dict[Relaxation, tuple[int, int]]] = {
    Relaxation.SEATS: (100, 10),
    Relaxation.WHEELCHAIRS: (150, 10),
    Relaxation.BEDS: (110, 10),
    Relaxation.RECEPTION: (120, 10),
    Relaxation.QUOTA: (130, 10),
    Relaxation.CHARTER_LOAD: (140, 10),
    Relaxation.LATEST_DAY: (200, 100),
    Relaxation.ESCORTS: (250, 50),
    Relaxation.JOURNEY_DAYS: (400, 100),
    Relaxation.VEHICLES: (900, 100),
    Relaxation.TRANSIT: (2_000, 0),
    Relaxation.RUN: (3_000, 0),
    Relaxation.VULNERABLE_DAY: (4_000, 0),
    Relaxation.OPEN_CROSSING: (4_000, 0),
    Relaxation.UNLOCK: (1_000, 0),
}

REASON_OF: Final[dict[Relaxation, Reason]] = {
    Relaxation.SEATS: Reason.NO_SEAT,
    Relaxation.WHEELCHAIRS: Reason.NO_SEAT,
    Relaxation.VEHICLES: Reason.NO_SEAT,
    Relaxation.BEDS: Reason.NO_BED,
    Relaxation.RECEPTION: Reason.RECEPTION_FULL,
    Relaxation.QUOTA: Reason.QUOTA_FULL,
    Relaxation.CHARTER_LOAD: Reason.CHARTER_NOT_FILLED,
    Relaxation.LATEST_DAY: Reason.DATE_TOO_EARLY,
    Relaxation.ESCORTS: Reason.NO_ESCORT,
    Relaxation.JOURNEY_DAYS: Reason.JOURNEY_TOO_LONG,
    Relaxation.TRANSIT: Reason.BARRED_COUNTRY,
    Relaxation.RUN: Reason.CANCELLED,
    Relaxation.VULNERABLE_DAY: Reason.VULNERABLE_WINDOW,
    Relaxation.OPEN_CROSSING: Reason.CROSSING_CLOSED,
    Relaxation.UNLOCK: Reason.LOCKED_OUT,
}

# What may be lacking while rides are priced, on an empty network and on a plan's free capacity.
WAY_LACKS: Final = (
    Reason.BARRED_COUNTRY,
    Reason.VULNERABLE_WINDOW,
    Reason.CROSSING_CLOSED,
    Reason.CANCELLED,
    Reason.GROUP_TOO_LARGE,
    Reason.NO_SEAT,
    Reason.QUOTA_FULL,
    Reason.NO_BED,
    Reason.NO_ESCORT,
    Reason.CHARTER_NOT_FILLED,
)
END_LACKS: Final = (Reason.RECEPTION_FULL, Reason.DATE_TOO_EARLY, Reason.JOURNEY_TOO_LONG)
EMPTY_LACKS: Final = WAY_LACKS + END_LACKS
PLAN_LACKS: Final = (
    Reason.NO_SEAT,
    Reason.QUOTA_FULL,
    Reason.NO_BED,
    Reason.NO_ESCORT,
    Reason.CHARTER_NOT_FILLED,
    Reason.CONFLICT,
    Reason.CROSSING_CLOSED,
    Reason.RECEPTION_FULL,
    Reason.DATE_TOO_EARLY,
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Change:
    """One change of the problem: two more seats on trip T on day 7.

    Parameters
    ----------
    code, ids
        What is changed; `Relaxation` says which ids belong to it.
    day
        On which day or night; None where the change has none.
    amount
        By how many seats, places, vehicles, beds, persons, escorts or days; 1 where nothing is counted.
    """

    code: Relaxation
    ids: tuple[str, ...]
    day: int | None
    amount: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Unplanned:
    """One unplanned group.

    Parameters
    ----------
    reasons
        Each alone keeps the group from going, the one most easily helped first; if only several together do, all
        of them. ``ROOM_LEFT``: nothing keeps it, the plan has room.
    changes
        The smallest change that would plan the group; all of it is needed. Empty if there is none or none needed.
    legs, vehicles
        What to add to the plan once the changes are made: the group's legs, vehicles that are new or (under their
        old id) have further moves. No legs: no change would plan it.
    """

    group_id: str
    reasons: tuple[Reason, ...]
    changes: tuple[Change, ...]
    legs: tuple[Leg, ...]
    vehicles: tuple[PlannedVehicle, ...]


def explain(problem: Problem, plan: Plan, group_ids: Collection[str] | None = None) -> tuple[Unplanned, ...]:
    """Explain every unplanned group of a valid plan, in the order of the problem.

    Parameters
    ----------
    problem, plan
        The plan must be one of the problem.
    group_ids
        Explain only these; None for all.
    """
    groups = [
        group
        for group in problem.groups
        if not plan.itineraries.get(group.id) and (group_ids is None or group.id in group_ids)
    ]
    if not groups:
        return ()
    network = _Network(problem)
    now = _Supply(network, plan)
    empty = _Supply(network, None)
    found: dict[str, Unplanned] = {}
    shelf: dict[tuple[object, ...], _Needs] = {}
    for group in sorted(groups, key=lambda group: (repr(_needs_key(problem, group)), group.id)):
        key = _needs_key(problem, group)
        if key not in shelf:
            shelf = {key: _Needs(network, group, now=now, empty=empty)}
        found[group.id] = _explain_group(shelf[key], group, plan)
    return tuple(found[group.id] for group in groups)


def with_explained(plan: Plan, unplanned: Unplanned) -> Plan:
    """The plan with the legs and vehicles of one explanation added."""
    vehicles = {vehicle.id: vehicle for vehicle in (*plan.vehicles, *unplanned.vehicles)}
    return replace(
        plan,
        vehicles=tuple(vehicles.values()),
        itineraries=plan.itineraries | {unplanned.group_id: unplanned.legs},
    )


# ---- the network and what is free on it ---------------------------------------------------------------


class _Network:
    """The rides of a problem, closed and cancelled ones too, with what they need."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        self.days = problem.horizon_days
        self.now_day = problem.replan.now_day if problem.replan else 0
        self.space: TimeSpace = build(replace(problem, closures=frozenset(), cancelled=frozenset()))
        space = self.space
        self.is_trip: Flags = space.ride_kind == TRIP
        self.homes = {depot.site for depot in problem.depots}
        rows: list[Trip | Service | Charter] = [*problem.trips, *problem.services, *problem.charters]
        self.is_closed = self.rides_on(
            (row, [day for day in range(self.days) if self.closed_crossings(row, day)])
            for row in (rows if problem.closures else ())
        )
        self.is_cancelled = self.rides_on(
            (row, [day for day in range(self.days) if (row.id, day) in problem.cancelled])
            for row in (rows if problem.cancelled else ())
        )
        trip_starts = np.array([space.site_index[trip.stops[0]] for trip in problem.trips] or [0])
        self.vehicle_start: Ints = np.where(self.is_trip, trip_starts[np.where(self.is_trip, space.ride_row, 0)], 0)
        self.running: list[list[int]] = [
            [
                day
                for day in range(self.now_day, self.days)
                if trip.days[day] == "1"
                and (trip.id, day) not in problem.cancelled
                and not self.closed_crossings(trip, day)
            ]
            for trip in problem.trips
        ]
        self.trips_from: defaultdict[str, list[int]] = defaultdict(list)
        for number, trip in enumerate(problem.trips):
            self.trips_from[trip.stops[0]].append(number)
        # May a vehicle of the type end where the trip ends? Shape (types, rides).
        ends = np.array(
            [
                [trip.stops[-1] in self.homes or trip.stops[-1] in kind.return_cents for trip in problem.trips]
                or [False]
                for kind in problem.vehicle_types
            ]
        )
        self.may_end: Flags = ends[:, np.where(self.is_trip, space.ride_row, 0)] & self.is_trip
        self.ride_of_cross: Ints = np.repeat(np.arange(space.ride_count, dtype=np.int64), np.diff(space.cross_start))

    def closed_crossings(self, row: Trip | Service | Charter, day: int) -> tuple[str, ...]:
        """The crossings of a row that are closed on a day."""
        return tuple(crossing for crossing in _crossings_of(row) if (crossing, day) in self.problem.closures)

    def rides_on(self, rows_with_days: Iterable[tuple[Trip | Service | Charter, list[int]]]) -> Flags:
        """Which rides belong to one of these rows on one of its days."""
        space = self.space
        marked = np.zeros(space.ride_count, dtype=np.bool_)
        for row, days in rows_with_days:
            if not days:
                continue
            kind, index = self.place_of(row)
            marked |= (space.ride_kind == kind) & (space.ride_row == index) & np.isin(space.ride_day, days)
        return marked

    def place_of(self, row: Trip | Service | Charter) -> tuple[int, int]:
        """Kind and position of a row."""
        if isinstance(row, Trip):
            return TRIP, self.space.trip_index[row.id]
        if isinstance(row, Service):
            return SERVICE, self.space.service_index[row.id]
        return CHARTER, self.space.charter_index[row.id]

    def row(self, ride: int) -> Trip | Service | Charter:
        """The row of a ride."""
        index = int(self.space.ride_row[ride])
        kind = int(self.space.ride_kind[ride])
        if kind == TRIP:
            return self.problem.trips[index]
        return self.problem.services[index] if kind == SERVICE else self.problem.charters[index]


def _crossings_of(row: Trip | Service | Charter) -> tuple[str, ...]:
    if isinstance(row, Trip):
        return tuple(crossing for segment in row.crossings for crossing in segment)
    return row.crossings if isinstance(row, Service) else ()


@dataclass(frozen=True, kw_only=True, slots=True)
class _Standing:
    """A vehicle that could be at a site from a day on: where it comes from, and its empty moves until then."""

    day: int
    depot: str
    hired: bool
    vehicle: PlannedVehicle | None
    moves: tuple[tuple[int, str], ...]


class _Reach:
    """Where idle vehicles of one type can be, and when, at the earliest."""

    def __init__(self, network: _Network, sources: Iterable[tuple[str, _Standing]]) -> None:
        self.at: dict[str, _Standing] = {}
        queue = [(standing.day, number, site, standing) for number, (site, standing) in enumerate(sources)]
        heapq.heapify(queue)
        count = len(queue)
        trips = network.problem.trips
        while queue:
            _, _, site, standing = heapq.heappop(queue)
            if site in self.at:
                continue
            self.at[site] = standing
            for index in network.trips_from[site]:
                end = trips[index].stops[-1]
                running = network.running[index]
                position = bisect_left(running, standing.day)
                if end in self.at or position == len(running):
                    continue
                day = running[position]
                moves = (*standing.moves, (day, trips[index].id))
                count += 1
                heapq.heappush(queue, (day + 1, count, end, replace(standing, day=day + 1, moves=moves)))
        never = network.days + 1
        self.day_at: Ints = np.array(
            [self.at[site.id].day if site.id in self.at else never for site in network.problem.sites]
        )


class _Supply:
    """What is free on the network under a plan; without a plan, all there is."""

    def __init__(self, network: _Network, plan: Plan | None) -> None:
        problem, space = network.problem, network.space
        self.network, self.plan = network, plan or EMPTY_PLAN(problem)
        self.is_empty = plan is None
        self.used: Uses = uses(problem, self.plan)
        self.kinds = {kind.id: kind for kind in problem.vehicle_types}
        days = range(network.days)
        self.beds_free: Ints = np.array(
            [[site.beds - self.used.beds.get((site.id, day), 0) for day in days] for site in problem.sites]
        )
        self.quota_free: Ints = np.array(
            [
                [crossing.quota[day] - self.used.quota.get((crossing.id, day), 0) for day in days]
                for crossing in problem.crossings
            ]
        ).reshape(-1, network.days)
        self.escorts_free: dict[str, Ints] = {
            pool.id: np.array(
                [pool.available - self.used.escorts.get((pool.id, day), 0) for day in days], dtype=np.int64
            )
            for pool in problem.escort_pools
        }
        self.service_free: Ints = self.service_seats(space)
        self.aircraft_free, self.aircraft_left = self.charter_seats(space)
        self.carriers = list(self.running_vehicles())
        self.carrier_ride: Ints = np.array([ride for ride, _, _, _ in self.carriers], dtype=np.int64)
        self.carrier_seats: Ints = np.array([seats for _, _, seats, _ in self.carriers], dtype=np.int64)
        self.carrier_places: Ints = np.array([places for _, _, _, places in self.carriers], dtype=np.int64)
        self.idle = {kind.id: _Reach(network, self.idle_vehicles(kind.id)) for kind in problem.vehicle_types}
        self.more = {kind.id: _Reach(network, self.more_vehicles(kind.id)) for kind in problem.vehicle_types}

    def service_seats(self, space: TimeSpace) -> Ints:
        seats = np.array([row.seats for row in self.network.problem.services] or [0], dtype=np.int64)
        is_service = space.ride_kind == SERVICE
        free: Ints = np.where(is_service, seats[np.where(is_service, space.ride_row, 0)], 0)
        for (row_id, day), used in self.used.services.items():
            ride = space.find_ride(kind=SERVICE, row=space.service_index[row_id], day=day)
            free[ride] -= used
        return free

    def charter_seats(self, space: TimeSpace) -> tuple[Ints, Flags]:
        """Per charter ride, most seats free on an aircraft that flies (-1: none flies), and whether one is left."""
        free = np.full(space.ride_count, -1, dtype=np.int64)
        left = space.ride_kind == CHARTER
        flying: Counter[int] = Counter()
        for (row_id, day, _), used in self.used.charters.items():
            index = space.charter_index[row_id]
            ride = space.find_ride(kind=CHARTER, row=index, day=day)
            free[ride] = max(int(free[ride]), self.network.problem.charters[index].seats - used)
            flying[ride] += 1
        for ride in map(int, np.flatnonzero(left)):
            left[ride] = flying[ride] < self.network.problem.charters[space.ride_row[ride]].max_per_day
        return free, left

    def running_vehicles(self) -> Iterator[tuple[int, PlannedVehicle, int, int]]:
        """Per ride on a vehicle of the plan, from now on: ride, vehicle, seats free, wheelchair places free."""
        space = self.network.space
        for vehicle in self.plan.vehicles:
            kind = self.kinds[vehicle.type]
            for day, trip_id in vehicle.moves:
                if day < self.network.now_day:
                    continue
                index = space.trip_index[trip_id]
                start, end = int(space.day_start[day]), int(space.day_start[day + 1])
                here = (space.ride_kind[start:end] == TRIP) & (space.ride_row[start:end] == index)
                for ride in np.flatnonzero(here) + start:
                    segments = [
                        (vehicle.id, day, segment)
                        for segment in range(int(space.ride_board[ride]), int(space.ride_alight[ride]))
                    ]
                    seats = kind.seats - max(self.used.seats.get(key, 0) for key in segments)
                    places = kind.wheelchairs - max(self.used.wheelchairs.get(key, 0) for key in segments)
                    yield int(ride), vehicle, seats, places

    def idle_vehicles(self, type_id: str) -> Iterator[tuple[str, _Standing]]:
        """Vehicles of the depots not yet used, and vehicles of the plan after their last move."""
        now_day = self.network.now_day
        taken = Counter(
            (vehicle.depot, vehicle.hired)
            for vehicle in self.plan.vehicles
            if vehicle.moves and vehicle.type == type_id
        )
        for depot in self.network.problem.depots:
            for hired, counts in ((False, depot.own), (True, depot.hire_max)):
                if counts.get(type_id, 0) > taken[depot.site, hired]:
                    yield (
                        depot.site,
                        _Standing(day=now_day, depot=depot.site, hired=hired, vehicle=None, moves=()),
                    )
        for vehicle in self.plan.vehicles:
            if vehicle.moves and vehicle.type == type_id:
                last_day, trip_id = vehicle.moves[-1]
                trip = self.network.problem.trips[self.network.space.trip_index[trip_id]]
                standing = _Standing(
                    day=max(last_day + 1, now_day),
                    depot=vehicle.depot,
                    hired=vehicle.hired,
                    vehicle=vehicle,
                    moves=(),
                )
                yield trip.stops[-1], standing

    def more_vehicles(self, type_id: str) -> Iterator[tuple[str, _Standing]]:
        """A further vehicle hired at any depot."""
        for depot in self.network.problem.depots:
            standing = _Standing(day=self.network.now_day, depot=depot.site, hired=True, vehicle=None, moves=())
            yield depot.site, standing


# ---- what a group needs, priced -----------------------------------------------------------------------


def _needs_key(problem: Problem, group: Group) -> tuple[object, ...]:
    """Groups with the same key find the same prices on every ride."""
    foes = tuple(sorted(_foes(problem, group)))
    needs = (group.persons, group.escorts, group.wheelchairs, group.vulnerable)
    journey_days = _journey_limit(problem, group)
    return (
        group.destination,
        *needs,
        group.escort_pool or "",
        tuple(sorted(group.barred_countries)),
        foes,
        journey_days,
    )


def _foes(problem: Problem, group: Group) -> set[str]:
    return {
        first if second == group.id else second for first, second in problem.conflicts if group.id in (first, second)
    }


def _journey_limit(problem: Problem, group: Group) -> int:
    return problem.max_journey_days if group.max_journey_days is None else group.max_journey_days


def _size(code: Relaxation, amount: int) -> int:
    once, each = SIZES[code]
    return once + each * amount if amount > 0 else 0


def _sizes(code: Relaxation, lacking: Ints) -> Floats:
    once, each = SIZES[code]
    return np.where(lacking > 0, once + each * lacking, 0).astype(np.float64)


class _Needs:
    """The prices of all rides and nights for groups with the same needs, by what may be lacking."""

    def __init__(self, network: _Network, group: Group, *, now: _Supply, empty: _Supply) -> None:
        self.network, self.group = network, group
        self.now, self.empty = now, empty
        self.destination = network.space.site_index[group.destination]
        self.foes = _foes(network.problem, group)
        self.layers = min(_journey_limit(network.problem, group) + 2, network.days - 1)
        self.costs: dict[tuple[bool, frozenset[Reason]], tuple[CostsToGo, Floats]] = {}
        self.parts: dict[tuple[object, ...], Floats] = {}

    @cached_property
    def is_barred(self) -> Flags:
        space = self.network.space
        touched = (space.ride_countries & space.country_mask(self.group.barred_countries)) != 0
        # A flight may land in a barred country if that is home.
        lands_home = ~space.ride_is_land & (space.ride_destination == self.destination)
        result: Flags = touched & ~lands_home
        return result

    def togo(self, supply: _Supply, lacks: frozenset[Reason]) -> tuple[CostsToGo, Floats]:
        """Cheapest ways home if only these things may be lacking, and the prices of nights they rest on."""
        relevant = lacks - set(END_LACKS)
        key = (supply.is_empty, relevant)
        if key not in self.costs:
            space = self.network.space
            rides = self.ride_prices(supply, relevant)
            nights = self.night_prices(supply, relevant)
            allowed = (rides < FAR) & (space.ride_origin != self.destination)
            found = costs_to_go(
                space,
                destination=self.destination,
                allowed=allowed & (space.ride_day >= self.network.now_day),
                ride_price=rides + 0.01,  # Of two ways alike, the one with fewer rides.
                night_price=nights,
                arrival_price=np.zeros(self.network.days),
                journey_days=self.layers,
            )
            self.costs[key] = (found, nights)
        return self.costs[key]

    def ride_prices(self, supply: _Supply, lacks: frozenset[Reason]) -> Floats:
        space = self.network.space
        prices = self.seat_prices(
            supply,
            size_may_lack=Reason.GROUP_TOO_LARGE in lacks,
            vehicle_may_lack=Reason.NO_SEAT in lacks,
            foes_may_meet=Reason.CONFLICT in lacks,
            load_may_lack=Reason.CHARTER_NOT_FILLED in lacks,
        ).copy()
        for lack, is_lacking, code in (
            (Reason.BARRED_COUNTRY, self.is_barred, Relaxation.TRANSIT),
            (
                Reason.VULNERABLE_WINDOW,
                ~space.ride_vulnerable_ok & bool(self.group.vulnerable),
                Relaxation.VULNERABLE_DAY,
            ),
            (Reason.CROSSING_CLOSED, self.network.is_closed, Relaxation.OPEN_CROSSING),
            (Reason.CANCELLED, self.network.is_cancelled, Relaxation.RUN),
        ):
            prices[is_lacking] += SIZES[code][0] if lack in lacks else FAR
        prices += self.gated(self.quota_sizes(supply), Reason.QUOTA_FULL in lacks)
        if self.group.escorts:
            by_day = np.concatenate(([0.0], np.cumsum(self.escort_prices(supply, lacks))))
            stop = np.minimum(space.ride_arrive_day, self.network.days - 1) + 1
            prices += by_day[stop] - by_day[np.minimum(space.ride_day + 1, stop)]
        return prices

    @staticmethod
    def gated(sizes: Floats, may_lack: bool) -> Floats:
        return sizes if may_lack else np.where(sizes > 0, FAR, 0.0)

    def quota_sizes(self, supply: _Supply) -> Floats:
        key = ("quota", supply.is_empty)
        if key not in self.parts:
            space, of_cross = self.network.space, self.network.ride_of_cross
            if len(of_cross):
                lacking = self.group.seats - supply.quota_free
                each = _sizes(Relaxation.QUOTA, lacking)[space.cross_ids, space.ride_day[of_cross]]
                self.parts[key] = np.bincount(of_cross, weights=each, minlength=space.ride_count).astype(np.float64)
            else:
                self.parts[key] = np.zeros(space.ride_count)
        return self.parts[key]

    def seat_prices(
        self,
        supply: _Supply,
        *,
        size_may_lack: bool,
        vehicle_may_lack: bool,
        foes_may_meet: bool,
        load_may_lack: bool,
    ) -> Floats:
        """Per ride, the size of the change that gives the group its seats and wheelchair places."""
        key = ("seats", supply.is_empty, size_may_lack, vehicle_may_lack, foes_may_meet, load_may_lack)
        if key in self.parts:
            return self.parts[key]
        space, group = self.network.space, self.group
        prices = np.full(space.ride_count, FAR)
        for number, kind in enumerate(self.network.problem.vehicle_types):
            lacking = _size(Relaxation.SEATS, group.seats - kind.seats)
            lacking += _size(Relaxation.WHEELCHAIRS, group.wheelchairs - kind.wheelchairs)
            if lacking and not size_may_lack:
                continue
            for reach, further in (
                (supply.idle[kind.id], 0),
                (supply.more[kind.id], _size(Relaxation.VEHICLES, 1)),
            ):
                if not further or vehicle_may_lack:
                    in_time = reach.day_at[self.network.vehicle_start] <= space.ride_day
                    can = in_time & self.network.may_end[number]
                    np.minimum(prices, lacking + further, out=prices, where=can)
        # On a plan's vehicles, services and aircraft a missing seat is NO_SEAT; on an empty network the group is
        # too large for what there is.
        may_squeeze = size_may_lack if supply.is_empty else vehicle_may_lack
        if len(supply.carriers):
            sizes = _sizes(Relaxation.SEATS, group.seats - supply.carrier_seats)
            sizes += _sizes(Relaxation.WHEELCHAIRS, group.wheelchairs - supply.carrier_places)
            sizes = self.gated(sizes, may_squeeze)
            if self.foes and not foes_may_meet:
                met = {ride for foe in self.foes for ride in supply.used.riders.get(foe, ())}
                for position, (ride, vehicle, _, _) in enumerate(supply.carriers):
                    if (vehicle.id, int(space.ride_day[ride])) in met:
                        sizes[position] = FAR
            np.minimum.at(prices, supply.carrier_ride, sizes)
        is_service = space.ride_kind == SERVICE
        lacking_seats = group.seats - supply.service_free
        prices[is_service] = self.gated(_sizes(Relaxation.SEATS, lacking_seats), may_squeeze)[is_service]
        for ride in map(int, np.flatnonzero(space.ride_kind == CHARTER)):
            prices[ride] = self.charter_price(supply, ride, may_squeeze, size_may_lack, load_may_lack)
        self.parts[key] = prices
        return prices

    def charter_price(
        self, supply: _Supply, ride: int, may_squeeze: bool, size_may_lack: bool, load_may_lack: bool
    ) -> float:
        row = self.network.problem.charters[int(self.network.space.ride_row[ride])]
        best = FAR
        if supply.aircraft_free[ride] >= 0:
            lacking = _size(Relaxation.SEATS, self.group.seats - int(supply.aircraft_free[ride]))
            best = lacking if may_squeeze or not lacking else FAR
        if supply.aircraft_left[ride]:
            lacking = _size(Relaxation.SEATS, self.group.seats - row.seats)
            load = _size(Relaxation.CHARTER_LOAD, row.min_load - self.group.seats)
            if (size_may_lack or not lacking) and (load_may_lack or not load):
                best = min(best, lacking + load)
        return best

    def night_prices(self, supply: _Supply, lacks: frozenset[Reason]) -> Floats:
        """Per site and night, the size of the change that gives the group beds there (and its escorts)."""
        sizes = _sizes(Relaxation.BEDS, self.group.seats - supply.beds_free)
        prices = self.gated(sizes, Reason.NO_BED in lacks)
        if self.group.escorts:
            next_day = np.append(self.escort_prices(supply, lacks)[1:], 0.0)
            prices = prices + next_day[None, :]
        return prices

    def escort_prices(self, supply: _Supply, lacks: Collection[Reason]) -> Floats:
        """Per day under way, the size of the change that gives the group its escorts."""
        if not self.group.escorts:
            return np.zeros(self.network.days)
        free = supply.escorts_free.get(self.group.escort_pool or "")
        if free is None:
            # No pool at all: nothing can be added to it.
            return np.full(self.network.days, 0.0 if _is_single(lacks, Reason.NO_ESCORT) else FAR)
        return self.gated(_sizes(Relaxation.ESCORTS, self.group.escorts - free), Reason.NO_ESCORT in lacks)


def _is_single(lacks: Collection[Reason], lack: Reason) -> bool:
    """Whether the question is if this lack alone keeps the group; only then may the impossible be assumed."""
    return set(lacks) - set(END_LACKS) == {lack}


# ---- one group ----------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True, slots=True)
class _Start:
    """Where a group can set out: its origin, or where its past legs have brought it."""

    site: int
    earliest_day: int
    first_day: int | None
    arrived_day: int | None
    past: tuple[Leg, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class _Way:
    size: float
    rides: tuple[int, ...]


def _explain_group(needs: _Needs, group: Group, plan: Plan) -> Unplanned:
    network = needs.network
    start = _start(network, group)
    replan = network.problem.replan
    is_locked = replan is not None and group.id in replan.locked_groups
    every_lack = frozenset(EMPTY_LACKS)
    best = _cheapest(needs, needs.now, group, start, every_lack)
    if best is None:
        reasons = _reasons_on_empty_network(needs, group, start) or (_no_way_at_all(network, group),)
        reasons = (Reason.LOCKED_OUT, *reasons) if is_locked else reasons
        return Unplanned(group_id=group.id, reasons=reasons, changes=(), legs=(), vehicles=())
    made = _Maker(needs, group, start, plan).make(best.rides)
    changes = list(made.changes)
    reasons = ()
    if changes:
        strict = _cheapest(needs, needs.empty, group, start, frozenset())
        if strict is None:
            reasons = _reasons_on_empty_network(needs, group, start)
        else:
            reasons = _single_lacks(needs, needs.now, group, start, PLAN_LACKS)
        reasons = reasons or tuple(dict.fromkeys(REASON_OF[change.code] for change in changes))
    if is_locked:
        changes.append(Change(code=Relaxation.UNLOCK, ids=(group.id,), day=None, amount=1))
        reasons = (Reason.LOCKED_OUT, *reasons)
    return Unplanned(
        group_id=group.id,
        reasons=reasons or (Reason.ROOM_LEFT,),
        changes=tuple(changes),
        legs=made.legs,
        vehicles=made.vehicles,
    )


def _start(network: _Network, group: Group) -> _Start:
    replan = network.problem.replan
    legs = replan.previous.itineraries.get(group.id, ()) if replan else ()
    past = tuple(leg for leg in legs if leg.day < network.now_day)
    earliest = max(group.ready_day, network.now_day)
    if not past:
        site = network.space.site_index[group.origin]
        return _Start(site=site, earliest_day=earliest, first_day=None, arrived_day=None, past=())
    end, arrive_day = _end_of(network.problem, past[-1])
    return _Start(
        site=network.space.site_index[end],
        earliest_day=max(earliest, arrive_day + 1),
        first_day=past[0].day,
        arrived_day=arrive_day,
        past=past,
    )


def _end_of(problem: Problem, leg: Leg) -> tuple[str, int]:
    """Site and day of arrival of a leg that stands in the problem."""
    if leg.kind == "trip":
        trip = next(trip for trip in problem.trips if trip.id == leg.row_id)
        return trip.stops[leg.alight], leg.day
    rows: tuple[Service | Charter, ...] = problem.services if leg.kind == "service" else problem.charters
    row = next(row for row in rows if row.id == leg.row_id)
    return row.destination, leg.day + row.arrive_min // DAY_MIN


def _cheapest(needs: _Needs, supply: _Supply, group: Group, start: _Start, lacks: frozenset[Reason]) -> _Way | None:
    """The way home with the smallest change if only these things may be lacking; None if there is no way."""
    if start.site == needs.destination:
        return None
    network = needs.network
    days = network.days
    togo, nights = needs.togo(supply, lacks)
    escorts = needs.escort_prices(supply, lacks)
    depart = np.arange(days)[:, None]
    layer = np.arange(needs.layers + 1)[None, :]
    arrive = depart + layer
    arrival_price = _arrival_prices(needs, supply, group, escorts, lacks)
    total = togo.value[:, 0, start.site, :] + arrival_price[np.minimum(arrive, days - 1)]
    total = np.where(arrive < days, total, FAR) + _start_prices(network, start, nights, escorts)[:, None]
    first = depart if start.first_day is None else start.first_day
    excess = arrive - first - _journey_limit(network.problem, group)
    total = total + needs.gated(_sizes(Relaxation.JOURNEY_DAYS, excess), Reason.JOURNEY_TOO_LONG in lacks)
    day, journey = np.unravel_index(int(np.argmin(total)), total.shape)
    size = float(total[day, journey])
    if size >= FAR:
        return None
    rides = read_path(
        network.space,
        togo,
        night_price=nights,
        destination=needs.destination,
        site=start.site,
        day=int(day),
        layer=int(journey),
    )
    return _Way(size=size, rides=rides)


def _arrival_prices(needs: _Needs, supply: _Supply, group: Group, escorts: Floats, lacks: frozenset[Reason]) -> Floats:
    """Per day of arrival: reception, lateness, and escorts on their way back; earlier days a little cheaper."""
    problem, days = needs.network.problem, needs.network.days
    every_day = np.arange(days)
    prices = 0.0001 * every_day
    site = problem.sites[needs.destination]
    if site.arrivals is not None:
        free = [site.arrivals[day] - supply.used.reception.get((site.id, day), 0) for day in range(days)]
        sizes = _sizes(Relaxation.RECEPTION, group.persons - np.array(free))
        prices = prices + needs.gated(sizes, Reason.RECEPTION_FULL in lacks)
    late = _sizes(Relaxation.LATEST_DAY, every_day - group.latest_day)
    prices = prices + needs.gated(late, Reason.DATE_TOO_EARLY in lacks)
    if group.escorts:
        by_day = np.concatenate(([0.0], np.cumsum(escorts)))
        back = np.minimum(every_day + problem.escort_return_days, days - 1)
        prices = prices + by_day[back + 1] - by_day[every_day + 1]
    return prices


def _start_prices(network: _Network, start: _Start, nights: Floats, escorts: Floats) -> Floats:
    """Per day of the first new leg: too early, and for a group under way the nights until then."""
    every_day = np.arange(network.days)
    prices = np.where(every_day < start.earliest_day, FAR, 0.0)
    if start.arrived_day is None:
        return prices + escorts
    by_night = np.concatenate(([0.0], np.cumsum(nights[start.site])))
    here = min(start.arrived_day, network.days)
    return prices + np.where(every_day > here, by_night[every_day] - by_night[here], 0.0)


def _single_lacks(
    needs: _Needs, supply: _Supply, group: Group, start: _Start, lacks: Iterable[Reason]
) -> tuple[Reason, ...]:
    """The things of which each alone, if it did not lack, would let the group go; smallest change first."""
    found = []
    for order, lack in enumerate(lacks):
        if not _can_lack(needs, supply, group, lack):
            continue
        allowed = {lack, Reason.GROUP_TOO_LARGE} if lack is Reason.NO_SEAT and not supply.is_empty else {lack}
        way = _cheapest(needs, supply, group, start, frozenset(allowed))
        if way is not None:
            found.append((way.size, order, lack))
    return tuple(lack for _, _, lack in sorted(found))


def _can_lack(needs: _Needs, supply: _Supply, group: Group, lack: Reason) -> bool:
    """Whether it can matter at all; spares a search."""
    problem = needs.network.problem
    match lack:
        case Reason.BARRED_COUNTRY:
            return bool(needs.is_barred.any())
        case Reason.VULNERABLE_WINDOW:
            return bool(group.vulnerable)
        case Reason.CROSSING_CLOSED:
            return bool(needs.network.is_closed.any())
        case Reason.CANCELLED:
            return bool(needs.network.is_cancelled.any())
        case Reason.QUOTA_FULL:
            return bool(needs.quota_sizes(supply).any())
        case Reason.NO_ESCORT:
            return group.escorts > 0
        case Reason.CHARTER_NOT_FILLED:
            return bool(problem.charters)
        case Reason.CONFLICT:
            return bool(needs.foes)
        case Reason.RECEPTION_FULL:
            return problem.sites[needs.destination].arrivals is not None
        case _:
            return True


def _reasons_on_empty_network(needs: _Needs, group: Group, start: _Start) -> tuple[Reason, ...]:
    return _single_lacks(needs, needs.empty, group, start, EMPTY_LACKS)


def _no_way_at_all(network: _Network, group: Group) -> Reason:
    """NO_ROUTE if no chain of rows leads home on any days, else the days are too few."""
    reached, queue = {group.origin}, [group.origin]
    onward: defaultdict[str, set[str]] = defaultdict(set)
    for trip in network.problem.trips:
        for index, stop in enumerate(trip.stops):
            onward[stop].update(trip.stops[index + 1 :])
    for service in network.problem.services:
        onward[service.origin].add(service.destination)
    for charter in network.problem.charters:
        onward[charter.origin].add(charter.destination)
    while queue:
        for end in onward[queue.pop()] - reached:
            reached.add(end)
            queue.append(end)
    return Reason.DATE_TOO_EARLY if group.destination in reached else Reason.NO_ROUTE


# ---- from a way to legs, vehicles and changes ---------------------------------------------------------


@dataclass(frozen=True, kw_only=True, slots=True)
class _Made:
    legs: tuple[Leg, ...]
    vehicles: tuple[PlannedVehicle, ...]
    changes: tuple[Change, ...]


class _Maker:
    """Turns the rides of a way into legs on vehicles and aircraft, and counts exactly what lacks for them."""

    def __init__(self, needs: _Needs, group: Group, start: _Start, plan: Plan) -> None:
        self.needs, self.group, self.start = needs, group, start
        self.network, self.supply = needs.network, needs.now
        self.plan = plan
        self.lacking: Counter[tuple[Relaxation, tuple[str, ...], int | None]] = Counter()
        self.vehicles: dict[str, PlannedVehicle] = {}

    def lack(self, code: Relaxation, ids: tuple[str, ...], day: int | None, amount: int) -> None:
        if amount > 0:
            self.lacking[code, ids, day] += amount

    def make(self, rides: tuple[int, ...]) -> _Made:
        legs = [self.leg(ride) for ride in rides]
        for ride in rides:
            self.count_ride(ride)
        self.count_quotas(rides)
        self.count_nights(rides)
        self.count_arrival(rides)
        changes = [
            Change(code=code, ids=ids, day=day, amount=amount) for (code, ids, day), amount in self.lacking.items()
        ]
        changes.sort(key=lambda change: (-1 if change.day is None else change.day, change.code, change.ids))
        return _Made(legs=(*self.start.past, *legs), vehicles=tuple(self.vehicles.values()), changes=tuple(changes))

    def leg(self, ride: int) -> Leg:
        space = self.network.space
        row, day = self.network.row(ride), int(space.ride_day[ride])
        if isinstance(row, Trip):
            vehicle_id = self.vehicle_for(ride, row, day)
            return Leg(
                kind="trip",
                row_id=row.id,
                day=day,
                vehicle=vehicle_id,
                board=int(space.ride_board[ride]),
                alight=int(space.ride_alight[ride]),
            )
        if isinstance(row, Service):
            lacking = self.group.seats - int(self.supply.service_free[ride])
            self.lack(Relaxation.SEATS, (row.id,), day, lacking)
            return Leg(kind="service", row_id=row.id, day=day)
        return Leg(kind="charter", row_id=row.id, day=day, aircraft=self.aircraft_for(row, day))

    def aircraft_for(self, row: Charter, day: int) -> int:
        """The aircraft that needs the smallest change: one that flies, or the next one."""
        options = []
        for aircraft in range(row.max_per_day):
            used = self.supply.used.charters.get((row.id, day, aircraft), 0)
            seats = max(0, used + self.group.seats - row.seats)
            load = max(0, row.min_load - used - self.group.seats)
            size = _size(Relaxation.SEATS, seats) + _size(Relaxation.CHARTER_LOAD, load)
            options.append((size, aircraft, seats, load))
        _, aircraft, seats, load = min(options)
        self.lack(Relaxation.SEATS, (row.id,), day, seats)
        self.lack(Relaxation.CHARTER_LOAD, (row.id,), day, load)
        return aircraft

    def vehicle_for(self, ride: int, trip: Trip, day: int) -> str:
        """The vehicle that needs the smallest change: running, the group's own, idle, or one more."""
        options = [*self.running_options(ride, day), *self.further_options(trip, day)]
        _, _, kind_id, seats, places, depot, vehicle = min(options, key=lambda option: option[:2])
        self.lack(Relaxation.SEATS, (trip.id, kind_id), day, seats)
        self.lack(Relaxation.WHEELCHAIRS, (trip.id, kind_id), day, places)
        if depot:
            self.lack(Relaxation.VEHICLES, (depot, kind_id), None, 1)
        if vehicle.moves and vehicle != next((v for v in self.plan.vehicles if v.id == vehicle.id), None):
            self.vehicles[vehicle.id] = vehicle
        return vehicle.id

    def running_options(self, ride: int, day: int) -> Iterator[_Option]:
        for position in np.flatnonzero(self.supply.carrier_ride == ride):
            _, vehicle, seats_free, places_free = self.supply.carriers[int(position)]
            riders = (self.supply.used.riders.get(foe, frozenset()) for foe in self.needs.foes)
            if any((vehicle.id, day) in rides for rides in riders):
                continue
            now = self.vehicles.get(vehicle.id, vehicle)
            yield self.option(0, vehicle.type, seats_free, places_free, "", now)

    def further_options(self, trip: Trip, day: int) -> Iterator[_Option]:
        """Vehicles that would run the trip in addition to those of the plan."""
        move = (day, trip.id)
        problem = self.network.problem
        stops_of = {each.id: each.stops for each in problem.trips}
        for kind in problem.vehicle_types:
            if trip.stops[-1] not in self.network.homes and trip.stops[-1] not in kind.return_cents:
                continue
            for vehicle in self.vehicles.values():
                last_day, last_trip = vehicle.moves[-1]
                if vehicle.type == kind.id and last_day < day and stops_of[last_trip][-1] == trip.stops[0]:
                    further = replace(vehicle, moves=(*vehicle.moves, move))
                    yield self.option(1, kind.id, kind.seats, kind.wheelchairs, "", further)
            for order, reach in ((2, self.supply.idle[kind.id]), (3, self.supply.more[kind.id])):
                standing = reach.at.get(trip.stops[0])
                if standing is None or standing.day > day:
                    continue
                new = standing.vehicle or PlannedVehicle(
                    id=self.new_id(), type=kind.id, depot=standing.depot, hired=standing.hired, moves=()
                )
                is_taken = new.id in self.vehicles or any(
                    order == 2 and (v.depot, v.type, v.hired) == (new.depot, new.type, new.hired)
                    for v in self.vehicles.values()
                )
                if not is_taken:
                    extended = replace(new, moves=(*new.moves, *standing.moves, move))
                    depot = standing.depot if order == 3 else ""
                    yield self.option(order, kind.id, kind.seats, kind.wheelchairs, depot, extended)

    def option(
        self, order: int, kind_id: str, seats_free: int, places_free: int, depot: str, vehicle: PlannedVehicle
    ) -> _Option:
        seats = max(0, self.group.seats - seats_free)
        places = max(0, self.group.wheelchairs - places_free)
        size = _size(Relaxation.SEATS, seats) + _size(Relaxation.WHEELCHAIRS, places)
        size += _size(Relaxation.VEHICLES, 1) if depot else 0
        return size, order, kind_id, seats, places, depot, vehicle

    def new_id(self) -> str:
        """An id that no vehicle of the plan, the past or this way has."""
        replan = self.network.problem.replan
        known = {vehicle.id for vehicle in self.plan.vehicles} | set(self.vehicles)
        known |= {vehicle.id for vehicle in replan.previous.vehicles} if replan else set()
        return next(f"X{number}" for number in range(len(known) + 1) if f"X{number}" not in known)

    def count_ride(self, ride: int) -> None:
        """Closed, cancelled, outside the stricter hours, through a barred country."""
        row, day = self.network.row(ride), int(self.network.space.ride_day[ride])
        for crossing in self.network.closed_crossings(row, day):
            self.lacking[Relaxation.OPEN_CROSSING, (crossing,), day] = 1
        if self.network.is_cancelled[ride]:
            self.lack(Relaxation.RUN, (row.id,), day, 1)
        if self.group.vulnerable and not self.network.space.ride_vulnerable_ok[ride]:
            self.lack(Relaxation.VULNERABLE_DAY, (row.id,), day, 1)
        if self.needs.is_barred[ride]:
            touched = int(self.network.space.ride_countries[ride])
            for country in self.group.barred_countries:
                if touched & self.network.space.country_mask((country,)):
                    self.lacking[Relaxation.TRANSIT, (self.group.id, country), None] = 1

    def count_quotas(self, rides: tuple[int, ...]) -> None:
        space = self.network.space
        through = Counter(
            (int(crossing), int(space.ride_day[ride]))
            for ride in rides
            for crossing in space.cross_ids[space.cross_start[ride] : space.cross_start[ride + 1]]
        )
        for (crossing, day), times in through.items():
            lacking = times * self.group.seats - int(self.supply.quota_free[crossing, day])
            self.lack(Relaxation.QUOTA, (self.network.problem.crossings[crossing].id,), day, lacking)

    def count_nights(self, rides: tuple[int, ...]) -> None:
        space = self.network.space
        site, arrived = self.start.site, self.start.arrived_day
        for ride in rides:
            for night in range(arrived if arrived is not None else self.network.days, int(space.ride_day[ride])):
                lacking = self.group.seats - int(self.supply.beds_free[site, night])
                self.lack(Relaxation.BEDS, (self.network.problem.sites[site].id,), night, lacking)
            site, arrived = int(space.ride_destination[ride]), int(space.ride_arrive_day[ride])

    def count_arrival(self, rides: tuple[int, ...]) -> None:
        """Reception, date, journey days, and the escorts' days."""
        space, problem, group = self.network.space, self.network.problem, self.group
        first = self.start.first_day if self.start.first_day is not None else int(space.ride_day[rides[0]])
        day = int(space.ride_arrive_day[rides[-1]])
        site = problem.sites[self.needs.destination]
        if site.arrivals is not None:
            free = site.arrivals[day] - self.supply.used.reception.get((site.id, day), 0)
            self.lack(Relaxation.RECEPTION, (site.id,), day, group.persons - free)
        self.lack(Relaxation.LATEST_DAY, (group.id,), None, day - group.latest_day)
        excess = day - first - _journey_limit(problem, group)
        self.lack(Relaxation.JOURNEY_DAYS, (group.id,), None, excess)
        if group.escorts and group.escort_pool is not None:
            back = min(day + problem.escort_return_days, self.network.days - 1)
            for busy in range(first, back + 1):
                lacking = group.escorts - int(self.supply.escorts_free[group.escort_pool][busy])
                self.lack(Relaxation.ESCORTS, (group.escort_pool,), busy, lacking)


# Size, order of preference, vehicle type, seats and places lacking, depot of one more vehicle, the vehicle.
_Option = tuple[int, int, str, int, int, str, PlannedVehicle]


# ---- making a change ----------------------------------------------------------------------------------


def with_changes(problem: Problem, changes: Iterable[Change]) -> Problem:
    """The problem as it would be after the changes.

    Where the problem has one number for all days (seats of a vehicle type, beds, escorts, charter loads), that
    number changes by the largest amount asked for.

    Raises
    ------
    InputError
        If an id of a change is not in the problem.
    """
    changes = list(changes)
    most: Counter[tuple[Relaxation, str]] = Counter()
    for change in changes:
        key = (change.code, change.ids[-1])
        most[key] = max(most[key], change.amount)
    days = {(change.code, change.ids[0], change.day): change.amount for change in changes}
    _expect_ids(problem, changes)

    def more(code: Relaxation, row_id: str) -> int:
        return most[code, row_id]

    def per_day(code: Relaxation, row_id: str, values: tuple[int, ...]) -> tuple[int, ...]:
        return tuple(value + days.get((code, row_id, day), 0) for day, value in enumerate(values))

    def stricter(row_id: str, vulnerable_days: str) -> str:
        return "".join(
            "1" if (Relaxation.VULNERABLE_DAY, row_id, day) in days else offered
            for day, offered in enumerate(vulnerable_days)
        )

    return replace(
        problem,
        sites=tuple(
            replace(
                site,
                beds=site.beds + more(Relaxation.BEDS, site.id),
                arrivals=None if site.arrivals is None else per_day(Relaxation.RECEPTION, site.id, site.arrivals),
            )
            for site in problem.sites
        ),
        crossings=tuple(
            replace(crossing, quota=per_day(Relaxation.QUOTA, crossing.id, crossing.quota))
            for crossing in problem.crossings
        ),
        closures=frozenset(pair for pair in problem.closures if (Relaxation.OPEN_CROSSING, *pair) not in days),
        cancelled=frozenset(pair for pair in problem.cancelled if (Relaxation.RUN, *pair) not in days),
        vehicle_types=tuple(
            replace(
                kind,
                seats=kind.seats + more(Relaxation.SEATS, kind.id),
                wheelchairs=kind.wheelchairs + more(Relaxation.WHEELCHAIRS, kind.id),
            )
            for kind in problem.vehicle_types
        ),
        depots=tuple(
            replace(depot, hire_max=_more_hired(dict(depot.hire_max), depot.site, changes)) for depot in problem.depots
        ),
        trips=tuple(replace(trip, vulnerable_days=stricter(trip.id, trip.vulnerable_days)) for trip in problem.trips),
        services=tuple(
            replace(
                row,
                seats=row.seats + more(Relaxation.SEATS, row.id),
                vulnerable_days=stricter(row.id, row.vulnerable_days),
            )
            for row in problem.services
        ),
        charters=tuple(
            replace(
                row,
                seats=row.seats + more(Relaxation.SEATS, row.id),
                min_load=row.min_load - more(Relaxation.CHARTER_LOAD, row.id),
            )
            for row in problem.charters
        ),
        escort_pools=tuple(
            replace(pool, available=pool.available + more(Relaxation.ESCORTS, pool.id)) for pool in problem.escort_pools
        ),
        groups=tuple(_with_group_changes(problem, group, changes) for group in problem.groups),
        replan=problem.replan
        and replace(
            problem.replan,
            locked_groups=tuple(
                group_id for group_id in problem.replan.locked_groups if not more(Relaxation.UNLOCK, group_id)
            ),
        ),
    )


def _more_hired(hire_max: dict[str, int], depot: str, changes: Iterable[Change]) -> dict[str, int]:
    for change in changes:
        if change.code is Relaxation.VEHICLES and change.ids[0] == depot:
            hire_max[change.ids[1]] = hire_max.get(change.ids[1], 0) + change.amount
    return hire_max


def _with_group_changes(problem: Problem, group: Group, changes: Iterable[Change]) -> Group:
    for change in changes:
        if change.ids[0] != group.id:
            continue
        if change.code is Relaxation.LATEST_DAY:
            group = replace(group, latest_day=group.latest_day + change.amount)
        elif change.code is Relaxation.JOURNEY_DAYS:
            limit = _journey_limit(problem, group) + change.amount
            group = replace(group, max_journey_days=limit)
        elif change.code is Relaxation.TRANSIT:
            barred = tuple(country for country in group.barred_countries if country != change.ids[1])
            group = replace(group, barred_countries=barred)
    return group


def _expect_ids(problem: Problem, changes: Iterable[Change]) -> None:
    tables: tuple[Iterable[Any], ...] = (
        problem.sites,
        problem.crossings,
        problem.vehicle_types,
        problem.trips,
        problem.services,
        problem.charters,
        problem.escort_pools,
        problem.groups,
    )
    known = {row.id for table in tables for row in table}
    unknown = sorted(change.ids[0] for change in changes if change.ids[0] not in known)
    if unknown:
        raise InputError(f"a change names {', '.join(unknown)}, which the problem does not have")
