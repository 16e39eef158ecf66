"""Why a group is unplanned, and the smallest change that would plan it.

Every ride, night and arrival that a group lacks something for is given the price of what is lacking; the cheapest
way home then names the smallest change. With one kind of lack allowed and all others forbidden, the same search
tells whether that one thing keeps the group from going. Nobody else is ever moved or taken out.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, replace

import numpy as np

from retorno.optimizer.lacks import (
    EMPTY_LACKS,
    NO_LIMIT,
    PLAN_LACKS,
    REASONS_ONLY,
    Floats,
    Needs,
    Network,
    Supply,
    needs_key,
    rested_from,
    sizes_of,
)
from retorno.optimizer.problem import DAY_MIN, Charter, Group, Leg, Plan, PlannedVehicle, Problem, Service, Trip
from retorno.optimizer.relaxations import (
    REASON_OF,
    Change,
    Reason,
    Relaxation,
    journey_limit,
    size_of,
    with_changes,
)
from retorno.optimizer.timespace import FAR, read_path

__all__ = ["Change", "Reason", "Relaxation", "Unplanned", "explain", "with_changes", "with_explained"]


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
    network = Network(problem)
    now = Supply(network, plan)
    empty = Supply(network, None)
    found: dict[str, Unplanned] = {}
    shelf: dict[tuple[object, ...], Needs] = {}
    for group in sorted(groups, key=lambda group: (repr(needs_key(problem, group)), group.id)):
        key = needs_key(problem, group)
        if key not in shelf:
            shelf = {key: Needs(network, group, now=now, empty=empty)}
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


def ways_by_day(needs: Needs, group: Group, plan: Plan) -> Iterator[Unplanned]:
    """For every day of departure the best way home of a group that is not in the plan; see ``Unplanned``.

    First those on what is free, with the fewest rides; then, for days without any, those with the smallest change.
    """
    network = needs.network
    start = _start(network, group)
    served: set[int] = set()
    for lacks in (frozenset[Reason](), frozenset(EMPTY_LACKS) - REASONS_ONLY):
        for day in range(start.earliest_day, network.days):
            way = None if day in served else _cheapest(needs, needs.now, group, start, lacks, day=day)
            if way is None:
                continue
            served.add(day)
            made = _Maker(needs, group, start, plan).make(way.rides)
            if not made.legs:
                continue
            yield Unplanned(group_id=group.id, reasons=(), changes=made.changes, legs=made.legs, vehicles=made.vehicles)


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


def _explain_group(needs: Needs, group: Group, plan: Plan) -> Unplanned:
    network = needs.network
    start = _start(network, group)
    replan = network.problem.replan
    is_locked = replan is not None and group.id in replan.locked_groups
    every_lack = frozenset(EMPTY_LACKS) - REASONS_ONLY
    best = _cheapest(needs, needs.now, group, start, every_lack)
    if best is None:
        reasons = _reasons_on_empty_network(needs, group, start) or (_no_way_at_all(network, group),)
        reasons = (Reason.LOCKED_OUT, *reasons) if is_locked else reasons
        return Unplanned(group_id=group.id, reasons=reasons, changes=(), legs=(), vehicles=())
    made = _Maker(needs, group, start, plan).make(best.rides)
    if not made.legs:
        return Unplanned(group_id=group.id, reasons=(Reason.DRIVERS_REST,), changes=(), legs=(), vehicles=())
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


def _start(network: Network, group: Group) -> _Start:
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


def _cheapest(
    needs: Needs, supply: Supply, group: Group, start: _Start, lacks: frozenset[Reason], *, day: int | None = None
) -> _Way | None:
    """The way home with the smallest change if only these things may be lacking; None if there is no way.

    With ``day`` only ways that set out on that day.
    """
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
    excess = arrive - first - journey_limit(network.problem, group)
    total = total + needs.gated(sizes_of(Relaxation.JOURNEY_DAYS, excess), Reason.JOURNEY_TOO_LONG in lacks)
    if day is not None:
        total = np.where(depart == day, total, FAR)
    first_day, journey = np.unravel_index(int(np.argmin(total)), total.shape)
    size = float(total[first_day, journey])
    if size >= FAR:
        return None
    rides = read_path(
        network.space,
        togo,
        night_price=nights,
        destination=needs.destination,
        site=start.site,
        day=int(first_day),
        layer=int(journey),
    )
    return _Way(size=size, rides=rides)


def _arrival_prices(needs: Needs, supply: Supply, group: Group, escorts: Floats, lacks: frozenset[Reason]) -> Floats:
    """Per day of arrival: reception, lateness, and escorts on their way back; earlier days a little cheaper."""
    problem, days = needs.network.problem, needs.network.days
    every_day = np.arange(days)
    prices = 0.0001 * every_day
    site = problem.sites[needs.destination]
    if site.arrivals is not None:
        free = [site.arrivals[day] - supply.used.reception.get((site.id, day), 0) for day in range(days)]
        sizes = sizes_of(Relaxation.RECEPTION, group.persons - np.array(free))
        prices = prices + needs.gated(sizes, Reason.RECEPTION_FULL in lacks)
    late = sizes_of(Relaxation.LATEST_DAY, every_day - group.latest_day)
    prices = prices + needs.gated(late, Reason.DATE_TOO_EARLY in lacks)
    if group.escorts:
        by_day = np.concatenate(([0.0], np.cumsum(escorts)))
        back = np.minimum(every_day + problem.escort_return_days, days - 1)
        prices = prices + by_day[back + 1] - by_day[every_day + 1]
    return prices


def _start_prices(network: Network, start: _Start, nights: Floats, escorts: Floats) -> Floats:
    """Per day of the first new leg: too early, and for a group under way the nights until then."""
    every_day = np.arange(network.days)
    prices = np.where(every_day < start.earliest_day, FAR, 0.0)
    if start.arrived_day is None:
        return prices + escorts
    by_night = np.concatenate(([0.0], np.cumsum(nights[start.site])))
    here = min(start.arrived_day, network.days)
    return prices + np.where(every_day > here, by_night[every_day] - by_night[here], 0.0)


def _single_lacks(
    needs: Needs, supply: Supply, group: Group, start: _Start, lacks: Iterable[Reason]
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


def _can_lack(needs: Needs, supply: Supply, group: Group, lack: Reason) -> bool:
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
        case Reason.NO_ESCORT | Reason.NO_RETURN_SEAT:
            return group.escorts > 0
        case Reason.UNACCOMPANIED_FULL:
            return group.unaccompanied > 0
        case Reason.DRIVERS_REST:
            return problem.rest is not None
        case Reason.CHARTER_NOT_FILLED:
            return bool(problem.charters)
        case Reason.CONFLICT:
            return bool(needs.foes)
        case Reason.RECEPTION_FULL:
            return problem.sites[needs.destination].arrivals is not None
        case _:
            return True


def _reasons_on_empty_network(needs: Needs, group: Group, start: _Start) -> tuple[Reason, ...]:
    return _single_lacks(needs, needs.empty, group, start, EMPTY_LACKS)


def _no_way_at_all(network: Network, group: Group) -> Reason:
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


# Order of preference of a vehicle that may not go on, for want of rest: only if there is no other.
RESTLESS = 9


@dataclass(frozen=True, kw_only=True, slots=True)
class _Made:
    """No legs: the only vehicle for a ride would have to drive on without the rest its drivers need."""

    legs: tuple[Leg, ...]
    vehicles: tuple[PlannedVehicle, ...]
    changes: tuple[Change, ...]


class _Maker:
    """Turns the rides of a way into legs on vehicles and aircraft, and counts exactly what lacks for them."""

    def __init__(self, needs: Needs, group: Group, start: _Start, plan: Plan) -> None:
        self.needs, self.group, self.start = needs, group, start
        self.network, self.supply = needs.network, needs.now
        self.plan = plan
        self.lacking: Counter[tuple[Relaxation, tuple[str, ...], int | None]] = Counter()
        self.vehicles: dict[str, PlannedVehicle] = {}
        self.is_restless = False

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
        if self.is_restless:
            return _Made(legs=(), vehicles=(), changes=())
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
            self.lack_on_link(ride, 0)
            return Leg(kind="service", row_id=row.id, day=day)
        return Leg(kind="charter", row_id=row.id, day=day, aircraft=self.aircraft_for(row, ride, day))

    def lack_on_link(self, ride: int, aircraft: int) -> None:
        """Escorts' seats back on a departure."""
        row, day = self.network.row(ride), int(self.network.space.ride_day[ride])
        _, back = self.supply.link_lacks(self.group, ride, aircraft)
        self.lack(Relaxation.ESCORT_RETURNS, (row.id,), day, back)

    def aircraft_for(self, row: Charter, ride: int, day: int) -> int:
        """The aircraft that needs the smallest change: one that flies, or the next one."""
        options = []
        for aircraft in range(row.max_per_day):
            used = self.supply.used.charters.get((row.id, day, aircraft), 0)
            seats = max(0, used + self.group.seats - row.seats)
            load = max(0, row.min_load - used - self.group.seats)
            children, back = self.supply.link_lacks(self.group, ride, aircraft)
            size = size_of(Relaxation.SEATS, seats) + size_of(Relaxation.CHARTER_LOAD, load)
            size += size_of(Relaxation.ESCORT_RETURNS, back) + (NO_LIMIT if children else 0)
            options.append((size, aircraft, seats, load))
        _, aircraft, seats, load = min(options)
        self.lack(Relaxation.SEATS, (row.id,), day, seats)
        self.lack(Relaxation.CHARTER_LOAD, (row.id,), day, load)
        self.lack_on_link(ride, aircraft)
        return aircraft

    def vehicle_for(self, ride: int, trip: Trip, day: int) -> str:
        """The vehicle that needs the smallest change: running, the group's own, idle, or one more."""
        options = [*self.running_options(ride, day), *self.further_options(trip, day)]
        _, order, kind_id, seats, places, depot, vehicle = min(options, key=lambda option: option[:2])
        self.is_restless |= order == RESTLESS
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
            children_free = int(self.supply.carrier_children[int(position)])
            yield self.option(0, vehicle.type, seats_free, places_free, children_free, "", now)

    def further_options(self, trip: Trip, day: int) -> Iterator[_Option]:
        """Vehicles that would run the trip in addition to those of the plan."""
        move = (day, trip.id)
        problem = self.network.problem
        stops_of = {each.id: each.stops for each in problem.trips}
        for kind in problem.vehicle_types:
            most = NO_LIMIT if kind.unaccompanied_max is None else kind.unaccompanied_max
            if trip.stops[-1] not in self.network.homes and trip.stops[-1] not in kind.return_cents:
                continue
            for vehicle in self.vehicles.values():
                last_day, last_trip = vehicle.moves[-1]
                if vehicle.type == kind.id and last_day < day and stops_of[last_trip][-1] == trip.stops[0]:
                    further = replace(vehicle, moves=(*vehicle.moves, move))
                    trips = {each.id: each for each in problem.trips}
                    is_rested = rested_from(vehicle.moves, last_day + 1, problem.rest, trips) <= day
                    yield self.option(
                        1 if is_rested else RESTLESS, kind.id, kind.seats, kind.wheelchairs, most, "", further
                    )
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
                    yield self.option(order, kind.id, kind.seats, kind.wheelchairs, most, depot, extended)

    def option(
        self,
        order: int,
        kind_id: str,
        seats_free: int,
        places_free: int,
        children_free: int,
        depot: str,
        vehicle: PlannedVehicle,
    ) -> _Option:
        seats = max(0, self.group.seats - seats_free)
        places = max(0, self.group.wheelchairs - places_free)
        children = max(0, self.group.unaccompanied - children_free) if self.group.unaccompanied else 0
        size = size_of(Relaxation.SEATS, seats) + size_of(Relaxation.WHEELCHAIRS, places)
        size += NO_LIMIT if children or order == RESTLESS else 0
        size += size_of(Relaxation.VEHICLES, 1) if depot else 0
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
        excess = day - first - journey_limit(problem, group)
        self.lack(Relaxation.JOURNEY_DAYS, (group.id,), None, excess)
        if group.escorts and group.escort_pool is not None:
            back = min(day + problem.escort_return_days, self.network.days - 1)
            for busy in range(first, back + 1):
                lacking = group.escorts - int(self.supply.escorts_free[group.escort_pool][busy])
                self.lack(Relaxation.ESCORTS, (group.escort_pool,), busy, lacking)
                for code, wanted, told in (
                    (Relaxation.ESCORT_WOMEN, group.escort_women, self.supply.women_free),
                    (Relaxation.ESCORT_MEN, group.escort_men, self.supply.men_free),
                ):
                    if wanted:
                        self.lack(code, (group.escort_pool,), busy, wanted - int(told[group.escort_pool][busy]))


# Size, order of preference, vehicle type, seats and places lacking, depot of one more vehicle, the vehicle.
_Option = tuple[int, int, str, int, int, str, PlannedVehicle]
