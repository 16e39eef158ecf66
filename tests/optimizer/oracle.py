"""Brute force for tiny problems: every set of vehicle moves, every itinerary of every group.

Meant for at most about four groups, three days and three vehicles (`random_problems.tiny_problem`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import product

from retorno.optimizer.check import judge
from retorno.optimizer.problem import EMPTY_PLAN, Group, Leg, Plan, PlannedVehicle, Problem, Replan, Service, Trip

DAY_MIN = 1440


@dataclass(frozen=True, kw_only=True)
class Way:
    """One itinerary of one group with the vehicles it rides: its price, and what it uses of each capacity."""

    legs: tuple[Leg, ...]
    cents: int
    uses: tuple[tuple[tuple[object, ...], int], ...]


def optimum(problem: Problem) -> Plan | None:
    """A plan of least value, proven by enumeration; None where no plan is valid, which only a past can cause.

    Parameters
    ----------
    problem
        Tiny; the work is (schedules per vehicle) to the power of vehicles, times the groups' itineraries.
    """
    limits = _limits(problem)
    best_cents: int | None = None
    best = EMPTY_PLAN(problem)
    skeletons = {group.id: list(_itineraries(problem, group)) for group in problem.groups}
    for fleet_cents, vehicles in sorted(_fleets(problem), key=lambda fleet: fleet[0]):
        if best_cents is not None and fleet_cents >= best_cents:
            break
        ways = [_ways(problem, group, skeletons[group.id], vehicles) for group in problem.groups]
        if not all(ways):
            continue
        below_cents = 10**15 if best_cents is None else best_cents - fleet_cents
        found = _assign(problem, limits | _vehicle_limits(problem, vehicles), ways, below_cents)
        if found is not None:
            cents, itineraries = found
            best_cents = fleet_cents + cents
            best = replace(EMPTY_PLAN(problem), vehicles=vehicles, itineraries=itineraries)
    if best_cents is None:
        return None
    verdict = judge(problem, best)
    assert verdict.is_valid, verdict.violations
    assert verdict.value_cents == best_cents, (verdict.value_cents, best_cents)
    return best


def runs(problem: Problem, row_id: str, days: str, crossings: tuple[str, ...], day: int) -> bool:
    """Whether a row with these days and crossings runs on a day."""
    return (
        days[day] == "1"
        and (row_id, day) not in problem.cancelled
        and not any((crossing, day) in problem.closures for crossing in crossings)
    )


# ---- vehicles -----------------------------------------------------------------------------------------


def _fleets(problem: Problem) -> Iterator[tuple[int, tuple[PlannedVehicle, ...]]]:
    """Every set of vehicle moves with its cost; vehicles without a move are left out. What has moved keeps its past."""
    now_day = problem.replan.now_day if problem.replan else 0
    before = list(problem.replan.previous.vehicles) if problem.replan else []
    moved = [vehicle for vehicle in before if vehicle.moves and vehicle.moves[0][0] < now_day]
    choices = []
    for depot in problem.depots:
        for hired, counts in ((False, depot.own), (True, depot.hire_max)):
            for type_id, count in counts.items():
                past = [each for each in moved if (each.depot, each.hired, each.type) == (depot.site, hired, type_id)]
                if len(past) > count:
                    return
                fresh = PlannedVehicle(id="", type=type_id, depot=depot.site, hired=hired, moves=())
                choices += [list(_schedules(problem, each, now_day)) for each in past]
                choices += [list(_schedules(problem, fresh, now_day))] * (count - len(past))
                moved = [each for each in moved if each not in past]
    if moved:
        return  # A vehicle has moved that the fleet no longer has.
    for chosen in product(*choices):
        vehicles = tuple(
            replace(vehicle, id=vehicle.id or f"new-{n}") for n, (_, vehicle) in enumerate(chosen) if vehicle.moves
        )
        yield sum(cents for cents, _ in chosen), vehicles


def _schedules(problem: Problem, vehicle: PlannedVehicle, now_day: int) -> Iterator[tuple[int, PlannedVehicle]]:
    """Every sequence of moves of a vehicle with its cost; before `now_day` exactly the moves that it has."""
    depot, type_id, hired = vehicle.depot, vehicle.type, vehicle.hired
    past = {day: trip_id for day, trip_id in vehicle.moves if day < now_day}
    kind = next(kind for kind in problem.vehicle_types if kind.id == type_id)
    homes = {each.site for each in problem.depots}

    def extend(place: str, day: int, moves: tuple[tuple[int, str], ...], cents: int) -> None:
        if day == problem.horizon_days:
            if place in homes:
                found.append((cents, moves))
            elif place in kind.return_cents:
                found.append((cents + kind.return_cents[place], moves))
            return
        idle = 0 if place in homes else problem.costs.away_day_cents
        if day not in past:
            extend(place, day + 1, moves, cents + idle)
        for trip in problem.trips:
            if day < now_day and past.get(day) != trip.id:
                continue
            crossings = tuple(crossing for segment in trip.crossings for crossing in segment)
            if trip.stops[0] == place and runs(problem, trip.id, trip.days, crossings, day):
                price = trip.km * kind.km_cents + kind.day_cents
                price += trip.drivers * problem.costs.driver_day_cents
                extend(trip.stops[-1], day + 1, (*moves, (day, trip.id)), cents + price)

    found: list[tuple[int, tuple[tuple[int, str], ...]]] = []
    extend(depot, 0, (), 0)
    for cents, moves in found:
        hire = kind.hire_cents if hired and moves else 0
        yield cents + hire, replace(vehicle, moves=moves)


# ---- groups -------------------------------------------------------------------------------------------


def _itineraries(problem: Problem, group: Group) -> Iterator[tuple[Leg, ...]]:
    """Every itinerary that breaks no rule of the group alone; only legs before today name their vehicle."""
    limit = group.max_journey_days if group.max_journey_days is not None else problem.max_journey_days
    last_day = min(group.latest_day, problem.horizon_days - 1)
    now_day = problem.replan.now_day if problem.replan else 0
    old = problem.replan.previous.itineraries.get(group.id, ()) if problem.replan else ()
    past = tuple(leg for leg in old if leg.day < now_day)
    rides = list(_rides(problem, group))

    def extend(place: str, free_at: int | None, legs: tuple[Leg, ...]) -> None:
        if place == group.destination:
            if legs and len(legs) >= len(past):
                found.append(legs)
            return
        for leg, start, end, depart, arrive, is_land in rides:
            if start != place or (leg.day < group.ready_day and leg.day >= now_day):
                continue
            if len(legs) < len(past):
                if without_carrier(leg) != without_carrier(past[len(legs)]):
                    continue
                leg = past[len(legs)]
            elif leg.day < now_day:
                continue
            arrive_day = leg.day + arrive // DAY_MIN
            first_day = legs[0].day if legs else leg.day
            if arrive_day > last_day or arrive_day - first_day > limit:
                continue
            if free_at is not None:
                if leg.day * DAY_MIN + depart < free_at + problem.transfer_min:
                    continue
                if is_land and leg.day <= free_at // DAY_MIN:
                    continue
            extend(end, leg.day * DAY_MIN + arrive, (*legs, leg))

    found: list[tuple[Leg, ...]] = []
    extend(group.origin, None, ())
    # Each aircraft of a charter is a ride of its own; a leg of the past is one of them and comes but once.
    yield from dict.fromkeys(found)


def without_carrier(leg: Leg) -> Leg:
    """The leg whichever vehicle or aircraft carries it."""
    return replace(leg, vehicle="", aircraft=0)


def _rides(problem: Problem, group: Group) -> Iterator[tuple[Leg, str, str, int, int, bool]]:
    """Every leg that runs for this group: leg, start, end, departure and arrival minute, whether by land."""
    country = {site.id: site.country for site in problem.sites}
    touches = {crossing.id: set(crossing.countries) for crossing in problem.crossings}
    barred = set(group.barred_countries)
    for day in range(problem.horizon_days):
        for trip in problem.trips:
            days = trip.vulnerable_days if group.vulnerable else trip.days
            every = tuple(crossing for segment in trip.crossings for crossing in segment)
            if not runs(problem, trip.id, days, every, day):
                continue
            for board in range(len(trip.stops)):
                for alight in range(board + 1, len(trip.stops)):
                    passed = [c for segment in trip.crossings[board:alight] for c in segment]
                    if any(touches[crossing] & barred for crossing in passed):
                        continue
                    leg = Leg(kind="trip", row_id=trip.id, day=day, board=board, alight=alight)
                    ends = trip.stops[board], trip.stops[alight]
                    yield leg, *ends, trip.depart_min[board], trip.arrive_min[alight], True
        for service in problem.services:
            days = service.vulnerable_days if group.vulnerable else service.days
            is_land = service.mode == "coach"
            stops_in_barred = country[service.destination] in barred and service.destination != group.destination
            if runs(problem, service.id, days, service.crossings, day):
                barred_way = any(touches[crossing] & barred for crossing in service.crossings)
                if not barred_way and (is_land or not stops_in_barred):
                    leg = Leg(kind="service", row_id=service.id, day=day)
                    ends = service.origin, service.destination
                    yield leg, *ends, service.depart_min, service.arrive_min, is_land
        for charter in problem.charters:
            stops_in_barred = country[charter.destination] in barred and charter.destination != group.destination
            if runs(problem, charter.id, charter.days, (), day) and not stops_in_barred:
                for aircraft in range(charter.max_per_day):
                    leg = Leg(kind="charter", row_id=charter.id, day=day, aircraft=aircraft)
                    ends = charter.origin, charter.destination
                    yield leg, *ends, charter.depart_min, charter.arrive_min, False


def _ways(
    problem: Problem, group: Group, skeletons: list[tuple[Leg, ...]], vehicles: tuple[PlannedVehicle, ...]
) -> list[Way]:
    """The group's itineraries on these vehicles, cheapest first; the last is to stay unplanned."""
    carriers: dict[tuple[int, str], list[str]] = {}
    for vehicle in vehicles:
        for move in vehicle.moves:
            carriers.setdefault(move, []).append(vehicle.id)
    ways = [
        _way(problem, group, legs)
        for skeleton in skeletons
        for legs in product(
            *(
                [
                    replace(leg, vehicle=each)
                    for each in carriers.get((leg.day, leg.row_id), [])
                    if leg.vehicle in ("", each)
                ]
                if leg.kind == "trip"
                else [leg]
                for leg in skeleton
            )
        )
    ]
    waiting = group.wait_cents_per_day * (problem.horizon_days - group.ready_day)
    ways.append(Way(legs=(), cents=group.unplanned_cents + waiting, uses=()))
    if problem.replan is not None:
        ways = list(_ways_after_today(problem.replan, group, ways))
    return sorted(ways, key=lambda way: way.cents)


def _ways_after_today(replan: Replan, group: Group, ways: list[Way]) -> Iterator[Way]:
    """Those ways that keep what happened and what is locked, at the price of a change where they are one."""
    old = replan.previous.itineraries.get(group.id, ())
    past = [leg for leg in old if leg.day < replan.now_day]
    kept = [without_carrier(leg) for leg in old if leg.day >= replan.now_day]
    for way in ways:
        if [leg for leg in way.legs if leg.day < replan.now_day] != past:
            continue
        if [without_carrier(leg) for leg in way.legs if leg.day >= replan.now_day] == kept:
            yield way
        elif group.id not in replan.locked_groups:
            yield replace(way, cents=way.cents + (replan.change_cents if old else 0))


def _way(problem: Problem, group: Group, legs: tuple[Leg, ...]) -> Way:
    costs = problem.costs
    rows: dict[tuple[str, str], Trip | Service] = {("trip", trip.id): trip for trip in problem.trips}
    rows |= {("service", row.id): row for row in problem.services}
    rows |= {("charter", row.id): row for row in problem.charters}
    uses: Counter[tuple[object, ...]] = Counter()
    cents = 0
    arrived_day, place = None, group.origin
    for leg in legs:
        row = rows[leg.kind, leg.row_id]
        if arrived_day is not None:
            cents += costs.bed_night_cents * group.seats * (leg.day - arrived_day)
            for night in range(arrived_day, leg.day):
                uses["beds", place, night] += group.seats
        if leg.kind == "trip":
            minutes = row.arrive_min[leg.alight] - row.depart_min[leg.board]
            place, arrived_day = row.stops[leg.alight], leg.day
            for segment in range(leg.board, leg.alight):
                uses["seats", leg.vehicle, leg.day, segment] += group.seats
                uses["wheelchairs", leg.vehicle, leg.day, segment] += group.wheelchairs
                for crossing in row.crossings[segment]:
                    uses["quota", crossing, leg.day] += group.seats
            for first, second in problem.conflicts:
                if group.id in (first, second):
                    uses["conflict", first, second, leg.vehicle, leg.day] = 1
        else:
            minutes = row.arrive_min - row.depart_min
            place, arrived_day = row.destination, leg.day + row.arrive_min // DAY_MIN
            if leg.kind == "service":
                cents += row.fare_cents * group.seats
                uses["service", row.id, leg.day] += group.seats
                for crossing in row.crossings:
                    uses["quota", crossing, leg.day] += group.seats
            else:
                uses["charter", row.id, leg.day, leg.aircraft] += group.seats
        cents += group.persons * (costs.ride_minute_cents * minutes + costs.boarding_cents)
    assert arrived_day is not None
    uses["arrivals", place, arrived_day] += group.persons
    cents += group.wait_cents_per_day * (arrived_day - group.ready_day)
    if group.escorts:
        back_day = arrived_day + problem.escort_return_days
        cents += costs.escort_day_cents * group.escorts * (back_day - legs[0].day + 1)
        for day in range(legs[0].day, min(back_day + 1, problem.horizon_days)):
            uses["escorts", group.escort_pool, day] += group.escorts
    return Way(legs=legs, cents=cents, uses=tuple(uses.items()))


def _limits(problem: Problem) -> dict[tuple[object, ...], int]:
    """What there is of each capacity that has a limit, without vehicles."""
    limits: dict[tuple[object, ...], int] = {}
    for day in range(problem.horizon_days):
        limits |= {("quota", crossing.id, day): crossing.quota[day] for crossing in problem.crossings}
        limits |= {("beds", site.id, day): site.beds for site in problem.sites}
        limits |= {
            ("arrivals", site.id, day): site.arrivals[day] for site in problem.sites if site.arrivals is not None
        }
        limits |= {("service", row.id, day): row.seats for row in problem.services}
        limits |= {("escorts", pool.id, day): pool.available for pool in problem.escort_pools}
        limits |= {("escorts", None, day): 0}
        for row in problem.charters:
            limits |= {("charter", row.id, day, number): row.seats for number in range(row.max_per_day)}
    return limits


def _vehicle_limits(problem: Problem, vehicles: tuple[PlannedVehicle, ...]) -> dict[tuple[object, ...], int]:
    kinds = {kind.id: kind for kind in problem.vehicle_types}
    stops = {trip.id: len(trip.stops) for trip in problem.trips}
    limits: dict[tuple[object, ...], int] = {}
    for vehicle in vehicles:
        for day, trip_id in vehicle.moves:
            for segment in range(stops[trip_id] - 1):
                limits["seats", vehicle.id, day, segment] = kinds[vehicle.type].seats
                limits["wheelchairs", vehicle.id, day, segment] = kinds[vehicle.type].wheelchairs
            for first, second in problem.conflicts:
                limits["conflict", first, second, vehicle.id, day] = 1
    return limits


def _assign(
    problem: Problem, limits: dict[tuple[object, ...], int], ways: list[list[Way]], below_cents: int
) -> tuple[int, dict[str, tuple[Leg, ...]]] | None:
    """The cheapest choice of one way per group within all limits, if it costs less than `below_cents`."""
    charters = {charter.id: charter for charter in problem.charters}
    rest = [0] * (len(ways) + 1)
    for index in reversed(range(len(ways))):
        rest[index] = rest[index + 1] + ways[index][0].cents
    used: Counter[tuple[object, ...]] = Counter()
    chosen: list[Way] = []
    best: list[tuple[int, dict[str, tuple[Leg, ...]]]] = []

    def search(index: int, cents: int, limit_cents: int) -> int:
        if cents + rest[index] >= limit_cents:
            return limit_cents
        if index == len(ways):
            flown = {key: load for key, load in used.items() if key[0] == "charter" and load}
            if any(load < charters[str(key[1])].min_load for key, load in flown.items()):
                return limit_cents
            total = cents + sum(charters[str(key[1])].fixed_cents for key in flown)
            if total >= limit_cents:
                return limit_cents
            legs = {group.id: way.legs for group, way in zip(problem.groups, chosen, strict=True) if way.legs}
            best[:] = [(total, legs)]
            return total
        for way in ways[index]:
            if all(used[key] + amount <= limits[key] for key, amount in way.uses if key in limits):
                for key, amount in way.uses:
                    used[key] += amount
                chosen.append(way)
                limit_cents = search(index + 1, cents + way.cents, limit_cents)
                chosen.pop()
                for key, amount in way.uses:
                    used[key] -= amount
        return limit_cents

    search(0, 0, below_cents)
    return best[0] if best else None
