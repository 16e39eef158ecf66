"""The ground of a problem as arrays for column generation and the arc model: rides, states, moves, capacities.

Facts before ``now_day`` are turned into a plain problem: past cost is a constant, vehicles start where they stand,
and what past legs still take of a capacity is off it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from retorno.optimizer.problem import DAY_MIN, Charter, Group, Leg, Problem, Service, Trip

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

INFINITE = 1e15
"""Cost of what is not allowed; larger than any sum of prices."""

TRIP, SERVICE, CHARTER = 0, 1, 2


class Ground:
    """Everything of a problem that does not depend on prices, as arrays; facts before ``now`` are taken off.

    A *ride* is a trip between two of its stops, a service, or a charter: arrays over rides begin with ``ride_``.
    A *node* is a state of readiness at a site within a day: able to take any leg from a minute on, or only
    flights from a minute on (after another leg that day). Arrays over nodes begin with ``node_``.
    A *segment* is the part of a trip between two neighbouring stops, numbered through all trips.
    """

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        self.days = problem.horizon_days
        replan = problem.replan
        self.now = replan.now_day if replan else 0
        self.site_of = {site.id: index for index, site in enumerate(problem.sites)}
        self.crossing_of = {crossing.id: index for index, crossing in enumerate(problem.crossings)}
        self.trip_of = {trip.id: index for index, trip in enumerate(problem.trips)}
        # A group that needs escorts and names no pool asks the last one, in which there is nobody.
        self.pool_of: dict[str | None, int] = {pool.id: index for index, pool in enumerate(problem.escort_pools)}
        self.pool_of[None] = len(self.pool_of)
        self.depot_sites = {depot.site for depot in problem.depots}
        limits = [g.max_journey_days for g in problem.groups if g.max_journey_days is not None]
        self.journey_most = min(max([problem.max_journey_days, *limits]), self.days)
        self.masks: dict[tuple[object, ...], Bools] = {}
        self._rides()
        self._passages()
        self._nodes()
        self._moves()
        self._capacities()
        self._facts()

    # ---- rides ----

    def _runs(self, row: Trip | Service | Charter, crossings: Sequence[str]) -> Bools:
        """On which days from ``now`` on a row runs, by its day string, closures and cancellations."""
        problem = self.problem
        return np.array(
            [
                day >= self.now
                and row.days[day] == "1"
                and (row.id, day) not in problem.cancelled
                and not any((crossing, day) in problem.closures for crossing in crossings)
                for day in range(self.days)
            ],
            dtype=bool,
        )

    def _rides(self) -> None:
        problem = self.problem
        # kind, row, first segment, last segment + 1, from, to, depart, arrive, is land, fare
        rows: list[tuple[int, int, int, int, str, str, int, int, bool, int]] = []
        runs: list[Bools] = []
        stricter: list[Bools] = []
        self.ride_leg: list[tuple[str, str, int, int]] = []
        self.ride_crossings: list[list[int]] = []
        segments = [0]
        trip_rides = [0]
        self.trip_runs = np.zeros((len(problem.trips), self.days), dtype=bool)
        for index, trip in enumerate(problem.trips):
            first = segments[-1]
            segments.append(first + len(trip.stops) - 1)
            run = self._runs(trip, [crossing for segment in trip.crossings for crossing in segment])
            self.trip_runs[index] = run
            strict = run & np.array([flag == "1" for flag in trip.vulnerable_days], dtype=bool)
            for board in range(len(trip.stops) - 1):
                for alight in range(board + 1, len(trip.stops)):
                    ends = trip.stops[board], trip.stops[alight]
                    minutes = trip.depart_min[board], trip.arrive_min[alight]
                    rows.append((TRIP, index, first + board, first + alight, *ends, *minutes, True, 0))
                    self.ride_leg.append(("trip", trip.id, board, alight))
                    ridden = [c for segment in trip.crossings[board:alight] for c in segment]
                    self.ride_crossings.append([self.crossing_of[crossing] for crossing in ridden])
                    runs.append(run)
                    stricter.append(strict)
            trip_rides.append(len(rows))
        for index, service in enumerate(problem.services):
            ends = service.origin, service.destination
            minutes = service.depart_min, service.arrive_min
            land = service.mode == "coach"
            rows.append((SERVICE, index, 0, 0, *ends, *minutes, land, service.fare_cents))
            self.ride_leg.append(("service", service.id, 0, 0))
            self.ride_crossings.append([self.crossing_of[crossing] for crossing in service.crossings])
            runs.append(self._runs(service, service.crossings))
            flags = np.array([flag == "1" for flag in service.vulnerable_days], dtype=bool)
            stricter.append(runs[-1] & flags)
        for index, charter in enumerate(problem.charters):
            ends = charter.origin, charter.destination
            rows.append((CHARTER, index, 0, 0, *ends, charter.depart_min, charter.arrive_min, False, 0))
            self.ride_leg.append(("charter", charter.id, 0, 0))
            self.ride_crossings.append([])
            runs.append(self._runs(charter, ()))
            stricter.append(runs[-1])
        self.rides = len(rows)
        self.segments = segments[-1]
        self.segment_first = np.array(segments, dtype=np.int64)
        self.trip_ride = np.array(trip_rides, dtype=np.int64)
        self.ride_of = {leg: ride for ride, leg in enumerate(self.ride_leg)}

        def column(position: int) -> Ints:
            return np.array([row[position] for row in rows], dtype=np.int64)

        self.ride_kind, self.ride_row, self.ride_low, self.ride_high = map(column, range(4))
        self.ride_from = np.array([self.site_of[row[4]] for row in rows], dtype=np.int64)
        self.ride_to = np.array([self.site_of[row[5]] for row in rows], dtype=np.int64)
        self.ride_depart, self.ride_arrive = column(6), column(7)
        self.ride_land = column(8).astype(bool)
        self.ride_fare = column(9).astype(np.float64)
        self.ride_runs = np.array(runs, dtype=bool).reshape(self.rides, self.days)
        self.ride_vulnerable_runs = np.array(stricter, dtype=bool).reshape(self.rides, self.days)
        self.ride_offset = self.ride_arrive // DAY_MIN
        costs = problem.costs
        minutes_aboard = self.ride_arrive - self.ride_depart
        self.ride_comfort = (costs.ride_minute_cents * minutes_aboard + costs.boarding_cents).astype(float)

    def _passages(self) -> None:
        """Rides and the crossings that they pass, as parallel arrays, a pair once per passage."""
        pairs = [(ride, crossing) for ride, row in enumerate(self.ride_crossings) for crossing in row]
        self.pass_ride = np.array([ride for ride, _ in pairs], dtype=np.int64)
        self.pass_crossing = np.array([crossing for _, crossing in pairs], dtype=np.int64)

    # ---- states of readiness ----

    def _nodes(self) -> None:
        """Readiness states: per site land states by late start, then flight states by departure minute.

        Who arrives with less than ``transfer_min`` left of the day is ready only next day, from a minute on:
        that is a late land state. Every other arrival may still fly that day, from a departure on.
        """
        ready = self.ride_arrive % DAY_MIN + self.problem.transfer_min
        self.ride_wrap = (ready // DAY_MIN).astype(np.int64)
        late: list[set[int]] = [{0} for _ in self.problem.sites]
        flights: list[set[int]] = [set() for _ in self.problem.sites]
        for ride in range(self.rides):
            if self.ride_wrap[ride]:
                late[self.ride_to[ride]].add(int(ready[ride] % DAY_MIN))
            if not self.ride_land[ride]:
                flights[self.ride_from[ride]].add(int(self.ride_depart[ride]))
        minute: list[int] = []
        site_of_node: list[int] = []
        step: list[int] = []
        link: list[int] = []
        self.site_land: list[list[tuple[int, int]]] = []
        self.site_flight: list[list[tuple[int, int]]] = []
        for site in range(len(late)):
            lands, departures = sorted(late[site]), [*sorted(flights[site]), DAY_MIN]
            first = len(minute)
            base = first + len(lands)
            for number, threshold in enumerate(lands):
                minute.append(-1 if threshold == 0 else threshold)
                step.append(first + number + 1 if number + 1 < len(lands) else -1)
                link.append(base + next(k for k, d in enumerate(departures) if d >= threshold))
            for number, departure in enumerate(departures):
                minute.append(departure)
                step.append(base + number + 1 if number + 1 < len(departures) else -1)
                link.append(-1)
            site_of_node += [site] * (len(lands) + len(departures))
            self.site_land.append([(threshold, first + k) for k, threshold in enumerate(lands)])
            self.site_flight.append([(departure, base + k) for k, departure in enumerate(departures)])
        self.nodes = len(minute)
        self.node_site = np.array(site_of_node, dtype=np.int64)
        self.node_minute = np.array(minute, dtype=np.int64)
        self.node_step = np.array(step, dtype=np.int64)
        self.node_link = np.array(link, dtype=np.int64)
        self.node_is_end = self.node_minute >= DAY_MIN
        self.site_morning = np.array([lands[0][1] for lands in self.site_land], dtype=np.int64)
        self.ride_tail = np.array([self._tail(ride) for ride in range(self.rides)], dtype=np.int64)
        self.ride_head = np.array([self._head(ride) for ride in range(self.rides)], dtype=np.int64)
        # Descending minutes: what a state leads to on the same day comes before it.
        order = sorted(range(self.nodes), key=lambda n: (-minute[n], link[n] >= 0, -n))
        self.node_order = np.array(order, dtype=np.int64)
        by_tail: list[list[int]] = [[] for _ in range(self.nodes)]
        for ride in range(self.rides):
            if self.ride_runs[ride].any():
                by_tail[self.ride_tail[ride]].append(ride)
        sizes = np.cumsum(np.array([len(rides) for rides in by_tail], dtype=np.int64))
        self.out_first = np.concatenate([np.zeros(1, dtype=np.int64), sizes])
        self.out_ride = np.array([ride for rides in by_tail for ride in rides], dtype=np.int64)

    def _tail(self, ride: int) -> int:
        """The latest state from which a ride can be taken."""
        departure, site = int(self.ride_depart[ride]), int(self.ride_from[ride])
        if self.ride_land[ride]:
            return [state for threshold, state in self.site_land[site] if threshold <= departure][-1]
        return dict(self.site_flight[site])[departure]

    def _head(self, ride: int) -> int:
        """The state after a ride; it stands ``ride_offset + ride_wrap`` days after the departure day."""
        site = int(self.ride_to[ride])
        ready = int(self.ride_arrive[ride]) % DAY_MIN + self.problem.transfer_min
        if ready >= DAY_MIN:
            return dict(self.site_land[site])[ready % DAY_MIN]
        return next(state for departure, state in self.site_flight[site] if departure >= ready)

    # ---- vehicles and capacities ----

    def _moves(self) -> None:
        problem = self.problem
        kinds, sites = problem.vehicle_types, problem.sites
        self.trip_from = np.array([self.site_of[trip.stops[0]] for trip in problem.trips], dtype=np.int64)
        self.trip_to = np.array([self.site_of[trip.stops[-1]] for trip in problem.trips], dtype=np.int64)
        driver = problem.costs.driver_day_cents
        moves = [[t.km * kind.km_cents + kind.day_cents + t.drivers * driver for t in problem.trips] for kind in kinds]
        self.move_cents = np.array(moves, dtype=np.float64).reshape(len(kinds), len(problem.trips))
        depots = np.array([site.id in self.depot_sites for site in sites], dtype=bool)
        self.stay_cents = np.where(depots, 0.0, float(problem.costs.away_day_cents))
        ends = [
            [0.0 if site.id in self.depot_sites else float(kind.return_cents.get(site.id, INFINITE)) for site in sites]
            for kind in kinds
        ]
        self.end_cents = np.array(ends, dtype=np.float64).reshape(len(kinds), len(sites))
        self.type_seats = np.array([kind.seats for kind in kinds], dtype=np.int64)
        self.type_wheelchairs = np.array([kind.wheelchairs for kind in kinds], dtype=np.int64)

    def _capacities(self) -> None:
        problem, days = self.problem, self.days

        def table(rows: Sequence[Sequence[float]]) -> Floats:
            return np.array(rows, dtype=np.float64).reshape(len(rows), days)

        self.quota = table([crossing.quota for crossing in problem.crossings])
        self.beds = table([[site.beds] * days for site in problem.sites])
        self.reception = table([[math.inf] * days if s.arrivals is None else s.arrivals for s in problem.sites])
        self.escorts = table([[pool.available] * days for pool in problem.escort_pools] + [[0] * days])
        self.service_seats = np.array([service.seats for service in problem.services], dtype=np.float64)
        self.charter_seats = np.array([c.seats for c in problem.charters], dtype=np.float64)
        self.charter_least = np.array([c.min_load for c in problem.charters], dtype=np.float64)
        self.charter_most = np.array([c.max_per_day for c in problem.charters], dtype=np.float64)
        self.charter_cents = np.array([c.fixed_cents for c in problem.charters], dtype=np.float64)

    # ---- facts before now ----

    def _facts(self) -> None:
        """Past vehicles and legs: constant cost, places where things stand, capacity already taken."""
        problem, replan = self.problem, self.problem.replan
        self.constant_cents = 0.0
        self.past_legs: dict[str, tuple[Leg, ...]] = {}
        self.old_legs: dict[str, tuple[Leg, ...]] = {}
        self.at_home: set[str] = set()
        # Vehicles under way: id, type, depot, is hired, site.
        self.standing: list[tuple[str, int, str, bool, int]] = []
        kind_of = {kind.id: index for index, kind in enumerate(problem.vehicle_types)}
        own = {(d.site, kind_of[k]): n for d in problem.depots for k, n in d.own.items()}
        hire = {(d.site, kind_of[k]): n for d in problem.depots for k, n in d.hire_max.items()}
        if replan:
            for vehicle in replan.previous.vehicles:
                moves = [move for move in vehicle.moves if move[0] < self.now]
                if moves:
                    kind = kind_of[vehicle.type]
                    fleet = hire if vehicle.hired else own
                    fleet[vehicle.depot, kind] = fleet.get((vehicle.depot, kind), 0) - 1
                    site = self._drive_past(kind, vehicle.depot, vehicle.hired, moves)
                    self.standing.append((vehicle.id, kind, vehicle.depot, vehicle.hired, site))
            flown: set[tuple[str, int, int]] = set()
            for group in problem.groups:
                legs = replan.previous.itineraries.get(group.id, ())
                past = tuple(leg for leg in legs if leg.day < self.now)
                if legs:
                    self.old_legs[group.id] = tuple(legs)
                if past:
                    self.past_legs[group.id] = past
                    self._travel_past(group, past, flown)
        self.fleet_own = {key: max(0, n) for key, n in sorted(own.items())}
        self.fleet_hire = {key: max(0, n) for key, n in sorted(hire.items())}

    def _drive_past(self, kind: int, depot: str, hired: bool, moves: Sequence[tuple[int, str]]) -> int:
        """Charge a vehicle's past moves and idle days; where it stands."""
        place, last = self.site_of[depot], -1
        if hired:
            self.constant_cents += self.problem.vehicle_types[kind].hire_cents
        for day, trip_id in moves:
            trip = self.trip_of[trip_id]
            self.constant_cents += self.move_cents[kind, trip] + self.stay_cents[place] * (day - last - 1)
            place, last = int(self.trip_to[trip]), day
        self.constant_cents += self.stay_cents[place] * (self.now - last - 1)
        return place

    def ride_of_leg(self, leg: Leg) -> int | None:
        """The ride of a leg, None if there is no such ride."""
        stops = (leg.board, leg.alight) if leg.kind == "trip" else (0, 0)
        return self.ride_of.get((leg.kind, leg.row_id, *stops))

    def known_ride(self, leg: Leg) -> int:
        """The ride of a leg that is a fact."""
        ride = self.ride_of_leg(leg)
        if ride is None:
            raise KeyError(f"past leg {leg.kind} {leg.row_id} is not in the problem")
        return ride

    def _travel_past(self, group: Group, past: Sequence[Leg], flown: set[tuple[str, int, int]]) -> None:
        """Charge a group's past legs; if they bring it home, its arrival and escorts as well."""
        problem, costs = self.problem, self.problem.costs
        arrived: int | None = None
        ride = -1
        for leg in past:
            ride = self.known_ride(leg)
            if arrived is not None:
                self.constant_cents += costs.bed_night_cents * group.seats * (leg.day - arrived)
            self.constant_cents += self.ride_fare[ride] * group.seats
            self.constant_cents += self.ride_comfort[ride] * group.persons
            aircraft = (leg.row_id, leg.day, leg.aircraft)
            if leg.kind == "charter" and aircraft not in flown:
                flown.add(aircraft)
                self.constant_cents += self.charter_cents[self.ride_row[ride]]
            arrived = leg.day + int(self.ride_offset[ride])
        home = int(self.ride_to[ride])
        if arrived is None or problem.sites[home].id != group.destination:
            return
        self.at_home.add(group.id)
        self.constant_cents += group.wait_cents_per_day * (arrived - group.ready_day)
        if arrived < self.days:
            self.reception[home, arrived] -= group.persons
        if group.escorts and group.escort_pool is not None:
            end = arrived + problem.escort_return_days
            self.constant_cents += costs.escort_day_cents * group.escorts * (end - past[0].day + 1)
            pool = self.pool_of[group.escort_pool]
            self.escorts[pool, past[0].day : min(end + 1, self.days)] -= group.escorts
