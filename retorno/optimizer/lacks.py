"""The network of a problem, what is free on it, and what a group lacks on every ride and night.

A lack has a price: the size of the change that would remove it. The cheapest way home under these prices is the
way with the smallest change.
"""

from __future__ import annotations

import heapq
from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Final

import numpy as np
from numpy.typing import NDArray

from retorno.optimizer.check import Uses, uses
from retorno.optimizer.problem import (
    DAY_MIN,
    EMPTY_PLAN,
    Charter,
    Group,
    Plan,
    PlannedVehicle,
    Problem,
    Rest,
    Service,
    Trip,
)
from retorno.optimizer.relaxations import SIZES, Reason, Relaxation, journey_limit, size_of
from retorno.optimizer.timespace import CHARTER, FAR, SERVICE, TRIP, CostsToGo, TimeSpace, build, costs_to_go

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

NO_LIMIT: Final = 10**9
# Of a limit that nobody is asked to loosen: its size only orders the reasons.
NEVER_CHANGED: Final = 5_000

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
    Reason.UNACCOMPANIED_FULL,
    Reason.NO_RETURN_SEAT,
    Reason.CHARTER_NOT_FILLED,
)
REASONS_ONLY: Final = frozenset({Reason.UNACCOMPANIED_FULL, Reason.DRIVERS_REST})
END_LACKS: Final = (Reason.RECEPTION_FULL, Reason.DATE_TOO_EARLY, Reason.JOURNEY_TOO_LONG)
EMPTY_LACKS: Final = WAY_LACKS + END_LACKS
PLAN_LACKS: Final = (
    Reason.NO_SEAT,
    Reason.QUOTA_FULL,
    Reason.NO_BED,
    Reason.NO_ESCORT,
    Reason.UNACCOMPANIED_FULL,
    Reason.NO_RETURN_SEAT,
    Reason.DRIVERS_REST,
    Reason.CHARTER_NOT_FILLED,
    Reason.CONFLICT,
    Reason.CROSSING_CLOSED,
    Reason.RECEPTION_FULL,
    Reason.DATE_TOO_EARLY,
)


class Network:
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
        # May a vehicle of the type end where the trip ends? Shape (types, rides); an office may have no vehicle at all.
        ends = np.array(
            [
                [trip.stops[-1] in self.homes or trip.stops[-1] in kind.return_cents for trip in problem.trips]
                or [False]
                for kind in problem.vehicle_types
            ],
            dtype=np.bool_,
        ).reshape(len(problem.vehicle_types), max(1, len(problem.trips)))
        self.may_end: Flags = ends[:, np.where(self.is_trip, space.ride_row, 0)] & self.is_trip
        self.ride_of_cross: Ints = np.repeat(np.arange(space.ride_count, dtype=np.int64), np.diff(space.cross_start))

    def closed_crossings(self, row: Trip | Service | Charter, day: int) -> tuple[str, ...]:
        """The crossings of a row that are closed on a day."""
        return tuple(crossing for crossing in crossings_of(row) if (crossing, day) in self.problem.closures)

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


def crossings_of(row: Trip | Service | Charter) -> tuple[str, ...]:
    if isinstance(row, Trip):
        return tuple(crossing for segment in row.crossings for crossing in segment)
    return row.crossings if isinstance(row, Service) else ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Standing:
    """A vehicle that could be at a site from a day on: where it comes from, and its empty moves until then."""

    day: int
    depot: str
    hired: bool
    vehicle: PlannedVehicle | None
    moves: tuple[tuple[int, str], ...]

    def rested(self, rest: Rest | None, trips: Mapping[str, Trip]) -> Standing:
        """The same from the first day on which the vehicle's drivers may drive again."""
        moves = (*(self.vehicle.moves if self.vehicle else ()), *self.moves)
        return replace(self, day=rested_from(moves, self.day, rest, trips))


def rested_from(moves: Sequence[tuple[int, str]], day: int, rest: Rest | None, trips: Mapping[str, Trip]) -> int:
    """The first day from ``day`` on, after all moves, on which a vehicle's drivers may drive again."""
    if rest is None or not moves:
        return day
    days = [each for each, _ in moves]
    while sum(day - rest.window_days < each for each in days) >= rest.most_days:
        day += 1
    if day == days[-1] + 1:
        # Some trips may leave late enough where others do not: that is not worth a table of minutes.
        last = trips[moves[-1][1]]
        starts = [trip.depart_min[0] for trip in trips.values() if trip.stops[0] == last.stops[-1]]
        day += last.arrive_min[-1] + rest.night_min > DAY_MIN + min(starts, default=0)
    return day


class Reach:
    """Where idle vehicles of one type can be, and when, at the earliest.

    Drivers rest as the problem asks, unless ``rest`` says otherwise.
    """

    def __init__(self, network: Network, sources: Iterable[tuple[str, Standing]], *, rest: Rest | None) -> None:
        by_id = {trip.id: trip for trip in network.problem.trips}
        sources = [(site, standing.rested(rest, by_id)) for site, standing in sources]
        self.at: dict[str, Standing] = {}
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
                there = replace(standing, day=day + 1, moves=moves).rested(rest, by_id)
                heapq.heappush(queue, (there.day, count, end, there))
        never = network.days + 1
        self.day_at: Ints = np.array(
            [self.at[site.id].day if site.id in self.at else never for site in network.problem.sites]
        )


class Supply:
    """What is free on the network under a plan; without a plan, all there is."""

    def __init__(self, network: Network, plan: Plan | None) -> None:
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
        self.women_free = {pool.id: self.free_of(pool.women, pool.id, self.used.women) for pool in problem.escort_pools}
        self.men_free = {pool.id: self.free_of(pool.men, pool.id, self.used.men) for pool in problem.escort_pools}
        self.service_free: Ints = self.service_seats(space)
        self.aircraft_free, self.aircraft_left = self.charter_seats(space)
        self.charter_rides = np.flatnonzero(space.ride_kind == CHARTER)
        charters = [problem.charters[row] for row in space.ride_row[self.charter_rides]]
        self.charter_size: Ints = np.array([charter.seats for charter in charters], dtype=np.int64)
        self.charter_load: Ints = np.array([charter.min_load for charter in charters], dtype=np.int64)
        self.carriers = list(self.running_vehicles())
        self.carrier_ride: Ints = np.array([ride for ride, _, _, _ in self.carriers], dtype=np.int64)
        self.carrier_seats: Ints = np.array([seats for _, _, seats, _ in self.carriers], dtype=np.int64)
        self.carrier_places: Ints = np.array([places for _, _, _, places in self.carriers], dtype=np.int64)
        kinds, rest = problem.vehicle_types, problem.rest
        self.idle = {kind.id: Reach(network, self.idle_vehicles(kind.id), rest=rest) for kind in kinds}
        self.more = {kind.id: Reach(network, self.more_vehicles(kind.id), rest=rest) for kind in kinds}
        self.restless = (
            {kind.id: Reach(network, self.idle_vehicles(kind.id), rest=None) for kind in kinds} if rest else {}
        )
        self.carrier_children: Ints = np.array(
            [self.children_free(*each[:2]) for each in self.carriers], dtype=np.int64
        )

    def free_of(self, told: tuple[int, ...] | None, pool_id: str, used: Mapping[tuple[str | None, int], int]) -> Ints:
        """Escorts of a sex who are free on each day; no limit where none is told."""
        days = range(self.network.days)
        return np.array([(told[d] if told else NO_LIMIT) - used.get((pool_id, d), 0) for d in days], dtype=np.int64)

    def children_free(self, ride: int, vehicle: PlannedVehicle) -> int:
        """How many more unaccompanied children a vehicle of the plan may take on a ride."""
        space, most = self.network.space, self.kinds[vehicle.type].unaccompanied_max
        day, segments = int(space.ride_day[ride]), range(int(space.ride_board[ride]), int(space.ride_alight[ride]))
        aboard = max(self.used.children.get((vehicle.id, day, segment), 0) for segment in segments)
        return NO_LIMIT if most is None else most - aboard

    def link_lacks(self, group: Group, ride: int, aircraft: int) -> tuple[int, int]:
        """Children too many, and seats back too few for escorts, on a departure."""
        row, day = self.network.row(ride), int(self.network.space.ride_day[ride])
        if isinstance(row, Trip):
            return 0, 0
        key = (row.id, day, aircraft)
        children = group.unaccompanied + self.used.linked_children.get(key, 0)
        escorts = group.escorts + self.used.linked_escorts.get(key, 0)
        too_many = 0 if row.unaccompanied_max is None or not group.unaccompanied else children - row.unaccompanied_max
        too_few = 0 if row.escort_returns is None or not group.escorts else escorts - row.escort_returns
        return max(0, too_many), max(0, too_few)

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

    def idle_vehicles(self, type_id: str) -> Iterator[tuple[str, Standing]]:
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
                        Standing(day=now_day, depot=depot.site, hired=hired, vehicle=None, moves=()),
                    )
        for vehicle in self.plan.vehicles:
            if vehicle.moves and vehicle.type == type_id:
                last_day, trip_id = vehicle.moves[-1]
                trip = self.network.problem.trips[self.network.space.trip_index[trip_id]]
                standing = Standing(
                    day=max(last_day + 1, now_day),
                    depot=vehicle.depot,
                    hired=vehicle.hired,
                    vehicle=vehicle,
                    moves=(),
                )
                yield trip.stops[-1], standing

    def more_vehicles(self, type_id: str) -> Iterator[tuple[str, Standing]]:
        """A further vehicle hired at any depot."""
        for depot in self.network.problem.depots:
            standing = Standing(day=self.network.now_day, depot=depot.site, hired=True, vehicle=None, moves=())
            yield depot.site, standing


# ---- what a group needs, priced -----------------------------------------------------------------------


def needs_key(problem: Problem, group: Group) -> tuple[object, ...]:
    """Groups with the same key find the same prices on every ride."""
    foes = tuple(sorted(foes_of(problem, group)))
    needs = (group.persons, group.escorts, group.wheelchairs, group.vulnerable)
    journey_days = journey_limit(problem, group)
    return (
        group.destination,
        *needs,
        *(group.unaccompanied, group.escort_women, group.escort_men),
        group.escort_pool or "",
        tuple(sorted(group.barred_countries)),
        foes,
        journey_days,
    )


def foes_of(problem: Problem, group: Group) -> set[str]:
    return {
        first if second == group.id else second for first, second in problem.conflicts if group.id in (first, second)
    }


def sizes_of(code: Relaxation, lacking: Ints) -> Floats:
    once, each = SIZES[code]
    return np.where(lacking > 0, once + each * lacking, 0).astype(np.float64)


class Needs:
    """The prices of all rides and nights for groups with the same needs, by what may be lacking."""

    def __init__(self, network: Network, group: Group, *, now: Supply, empty: Supply) -> None:
        self.network, self.group = network, group
        self.now, self.empty = now, empty
        self.destination = network.space.site_index[group.destination]
        self.foes = foes_of(network.problem, group)
        self.layers = min(journey_limit(network.problem, group) + 2, network.days - 1)
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

    def togo(self, supply: Supply, lacks: frozenset[Reason]) -> tuple[CostsToGo, Floats]:
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

    def ride_prices(self, supply: Supply, lacks: frozenset[Reason]) -> Floats:
        space = self.network.space
        prices = self.seat_prices(
            supply,
            size_may_lack=Reason.GROUP_TOO_LARGE in lacks,
            vehicle_may_lack=Reason.NO_SEAT in lacks,
            foes_may_meet=Reason.CONFLICT in lacks,
            load_may_lack=Reason.CHARTER_NOT_FILLED in lacks,
            children_may_lack=Reason.UNACCOMPANIED_FULL in lacks,
            rest_may_lack=Reason.DRIVERS_REST in lacks,
        ).copy()
        if self.group.unaccompanied or self.group.escorts:
            prices += self.link_prices(supply, lacks)
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

    def link_prices(self, supply: Supply, lacks: frozenset[Reason]) -> Floats:
        """Per ride of a service or charter, the size of the change for children alone and escorts' seats back."""
        space, problem = self.network.space, self.network.problem
        children_may, back_may = Reason.UNACCOMPANIED_FULL in lacks, Reason.NO_RETURN_SEAT in lacks
        prices = np.zeros(space.ride_count)
        for ride in np.flatnonzero(space.ride_kind != TRIP).tolist():
            is_charter = space.ride_kind[ride] == CHARTER
            aircraft = problem.charters[space.ride_row[ride]].max_per_day if is_charter else 1
            sizes = [FAR]
            for number in range(aircraft):
                children, back = supply.link_lacks(self.group, ride, number)
                size = 0.0 if not children else NEVER_CHANGED if children_may else FAR
                size += float(size_of(Relaxation.ESCORT_RETURNS, back)) if back_may or not back else FAR
                sizes.append(size)
            prices[ride] = min(sizes)
        return prices

    @staticmethod
    def gated(sizes: Floats, may_lack: bool) -> Floats:
        return sizes if may_lack else np.where(sizes > 0, FAR, 0.0)

    def quota_sizes(self, supply: Supply) -> Floats:
        key = ("quota", supply.is_empty)
        if key not in self.parts:
            space, of_cross = self.network.space, self.network.ride_of_cross
            if len(of_cross):
                lacking = self.group.seats - supply.quota_free
                each = sizes_of(Relaxation.QUOTA, lacking)[space.cross_ids, space.ride_day[of_cross]]
                self.parts[key] = np.bincount(of_cross, weights=each, minlength=space.ride_count).astype(np.float64)
            else:
                self.parts[key] = np.zeros(space.ride_count)
        return self.parts[key]

    def seat_prices(
        self,
        supply: Supply,
        *,
        size_may_lack: bool,
        vehicle_may_lack: bool,
        foes_may_meet: bool,
        load_may_lack: bool,
        children_may_lack: bool,
        rest_may_lack: bool,
    ) -> Floats:
        """Per ride, the size of the change that gives the group its seats and wheelchair places."""
        may = (size_may_lack, vehicle_may_lack, foes_may_meet, load_may_lack, children_may_lack, rest_may_lack)
        key = ("seats", supply.is_empty, *may)
        if key in self.parts:
            return self.parts[key]
        space, group = self.network.space, self.group
        prices = np.full(space.ride_count, FAR)
        for number, kind in enumerate(self.network.problem.vehicle_types):
            lacking = size_of(Relaxation.SEATS, group.seats - kind.seats)
            lacking += size_of(Relaxation.WHEELCHAIRS, group.wheelchairs - kind.wheelchairs)
            if lacking and not size_may_lack:
                continue
            most = NO_LIMIT if kind.unaccompanied_max is None else kind.unaccompanied_max
            if group.unaccompanied > most:
                if not children_may_lack:
                    continue
                lacking += NEVER_CHANGED
            one_more = size_of(Relaxation.VEHICLES, 1)
            for reach, further, may_use in (
                (supply.idle[kind.id], 0, True),
                (supply.more[kind.id], one_more, vehicle_may_lack),
                (supply.restless.get(kind.id), NEVER_CHANGED, rest_may_lack),
            ):
                if reach is not None and may_use:
                    in_time = reach.day_at[self.network.vehicle_start] <= space.ride_day
                    can = in_time & self.network.may_end[number]
                    np.minimum(prices, lacking + further, out=prices, where=can)
        # On a plan's vehicles, services and aircraft a missing seat is NO_SEAT; on an empty network the group is
        # too large for what there is.
        may_squeeze = size_may_lack if supply.is_empty else vehicle_may_lack
        if len(supply.carriers):
            sizes = sizes_of(Relaxation.SEATS, group.seats - supply.carrier_seats)
            sizes += sizes_of(Relaxation.WHEELCHAIRS, group.wheelchairs - supply.carrier_places)
            sizes = self.gated(sizes, may_squeeze)
            if group.unaccompanied:
                lacking_places = group.unaccompanied - supply.carrier_children
                sizes = sizes + np.where(lacking_places > 0, NEVER_CHANGED if children_may_lack else FAR, 0.0)
            if self.foes and not foes_may_meet:
                met = {ride for foe in self.foes for ride in supply.used.riders.get(foe, ())}
                for position, (ride, vehicle, _, _) in enumerate(supply.carriers):
                    if (vehicle.id, int(space.ride_day[ride])) in met:
                        sizes[position] = FAR
            np.minimum.at(prices, supply.carrier_ride, sizes)
        is_service = space.ride_kind == SERVICE
        lacking_seats = group.seats - supply.service_free
        prices[is_service] = self.gated(sizes_of(Relaxation.SEATS, lacking_seats), may_squeeze)[is_service]
        prices[supply.charter_rides] = self.charter_prices(supply, may_squeeze, size_may_lack, load_may_lack)
        self.parts[key] = prices
        return prices

    def charter_prices(self, supply: Supply, may_squeeze: bool, size_may_lack: bool, load_may_lack: bool) -> Floats:
        """The same for charter rides alone: a seat on an aircraft that flies, or an aircraft more."""
        rides = supply.charter_rides
        seats_free = supply.aircraft_free[rides]
        flying = self.gated(sizes_of(Relaxation.SEATS, self.group.seats - seats_free), may_squeeze)
        flying = np.where(seats_free >= 0, flying, FAR)
        size = self.gated(sizes_of(Relaxation.SEATS, self.group.seats - supply.charter_size), size_may_lack)
        load = self.gated(sizes_of(Relaxation.CHARTER_LOAD, supply.charter_load - self.group.seats), load_may_lack)
        return np.minimum(flying, np.where(supply.aircraft_left[rides], size + load, FAR))

    def night_prices(self, supply: Supply, lacks: frozenset[Reason]) -> Floats:
        """Per site and night, the size of the change that gives the group beds there (and its escorts)."""
        sizes = sizes_of(Relaxation.BEDS, self.group.seats - supply.beds_free)
        prices = self.gated(sizes, Reason.NO_BED in lacks)
        if self.group.escorts:
            next_day = np.append(self.escort_prices(supply, lacks)[1:], 0.0)
            prices = prices + next_day[None, :]
        return prices

    def escort_prices(self, supply: Supply, lacks: Collection[Reason]) -> Floats:
        """Per day under way, the size of the change that gives the group its escorts."""
        if not self.group.escorts:
            return np.zeros(self.network.days)
        free = supply.escorts_free.get(self.group.escort_pool or "")
        if free is None:
            # No pool at all: nothing can be added to it.
            return np.full(self.network.days, 0.0 if _is_single(lacks, Reason.NO_ESCORT) else FAR)
        sizes = sizes_of(Relaxation.ESCORTS, self.group.escorts - free)
        for code, wanted, told in (
            (Relaxation.ESCORT_WOMEN, self.group.escort_women, supply.women_free),
            (Relaxation.ESCORT_MEN, self.group.escort_men, supply.men_free),
        ):
            if wanted:
                sizes = sizes + sizes_of(code, wanted - told[self.group.escort_pool or ""])
        return self.gated(sizes, Reason.NO_ESCORT in lacks)


def _is_single(lacks: Collection[Reason], lack: Reason) -> bool:
    """Whether the question is if this lack alone keeps the group; only then may the impossible be assumed."""
    return set(lacks) - set(END_LACKS) == {lack}
