"""Small random joint problems and plans for tests: every feature of the format, the same for the same seed.

The sites stand on a line S0, S1, ... through the countries A, B, C; trips join neighbours both ways, some have
a middle stop; flights, a coach and charters join the ends. Capacities are small, so that they bind.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator
from dataclasses import replace

from retorno.optimizer.check import Code, judge
from retorno.optimizer.problem import (
    EMPTY_PLAN,
    Charter,
    Costs,
    Crossing,
    Depot,
    EscortPool,
    Group,
    Leg,
    Plan,
    PlannedVehicle,
    Problem,
    Replan,
    Service,
    Site,
    Trip,
    VehicleType,
)

COSTS = Costs(
    driver_day_cents=900,
    away_day_cents=700,
    bed_night_cents=210,
    escort_day_cents=1300,
    ride_minute_cents=1,
    boarding_cents=110,
)


def random_problem(
    seed: int, *, group_count: int = 7, horizon_days: int = 5, site_count: int = 5, replan: bool = False
) -> Problem:
    """A small problem; with ``replan`` it also has a past, changed facts and locked groups.

    Parameters
    ----------
    seed
        Same seed and sizes, same problem.
    group_count, horizon_days
        At least 1 and 2.
    site_count
        At least 4.
    """
    rng = random.Random(f"problem {seed} {group_count} {horizon_days} {site_count}")
    sites = _sites(rng, site_count, horizon_days)
    crossings = _crossings(rng, sites, horizon_days)
    trips = _trips(rng, sites, crossings, horizon_days)
    kinds = _vehicle_types(rng, sites)
    pools = (EscortPool(id="E0", available=rng.choice((1, 2, 4))), EscortPool(id="E1", available=1))
    groups = tuple(_group(rng, f"G{n}", sites, horizon_days) for n in range(group_count))
    problem = Problem(
        name=f"random-{seed}",
        horizon_days=horizon_days,
        first_date="2026-03-02",
        clock_utc_offset_min=-360,
        transfer_min=90,
        max_journey_days=rng.choice((2, 3, 4)),
        escort_return_days=rng.choice((0, 1, 2)),
        costs=COSTS,
        sites=sites,
        crossings=crossings,
        closures=frozenset(
            (crossing.id, day) for crossing in crossings for day in range(horizon_days) if rng.random() < 0.06
        ),
        vehicle_types=kinds,
        depots=_depots(rng, sites),
        trips=trips,
        services=_services(rng, sites, crossings, horizon_days),
        charters=_charters(rng, sites, horizon_days),
        cancelled=frozenset((trip.id, day) for trip in trips for day in range(horizon_days) if rng.random() < 0.03),
        escort_pools=pools,
        groups=groups,
        conflicts=tuple(
            (first.id, second.id)
            for index, first in enumerate(groups)
            for second in groups[index + 1 :]
            if rng.random() < 0.08
        ),
    )
    return _with_past(rng, problem, seed) if replan else problem


def tiny_problem(seed: int) -> Problem:
    """A problem of two to four groups, three days, four sites: small enough for `oracle.optimum`."""
    rng = random.Random(f"tiny {seed}")
    problem = random_problem(seed, group_count=rng.choice((2, 3, 4)), horizon_days=3, site_count=4)
    depot = problem.depots[0]
    kept = sorted(rng.sample(range(len(problem.trips)), min(len(problem.trips), 7)))
    ids = {problem.trips[index].id for index in kept}
    ids |= {row.id for row in (*problem.services, *problem.charters)}
    return replace(
        problem,
        trips=tuple(problem.trips[index] for index in kept),
        cancelled=frozenset(pair for pair in problem.cancelled if pair[0] in ids),
        depots=(replace(depot, own={"van": 1}, hire_max={"bus": 1}),),
        # A charter that the handful of people here can fill.
        charters=tuple(replace(charter, min_load=3, seats=6, max_per_day=1) for charter in problem.charters),
    )


def odd_problem(seed: int) -> Problem:
    """A tiny problem with some of the things that seldom meet: a past, alike groups, nothing to spare, no cost at all.

    Small enough for `oracle.optimum`; a legal problem of the format all the same.
    """
    rng = random.Random(f"odd {seed}")
    problem = random_problem(
        seed, group_count=rng.choice((1, 2, 3, 4)), horizon_days=rng.choice((2, 3, 3)), site_count=4
    )
    kept = sorted(rng.sample(range(len(problem.trips)), min(len(problem.trips), 6)))
    problem = replace(problem, trips=tuple(problem.trips[index] for index in kept))
    own = rng.choice(({"van": 1}, {"van": 2}, {"van": 1, "bus": 1}, {"bus": 1}, {}))
    depots = [replace(problem.depots[0], own=own, hire_max=rng.choice(({}, {"bus": 1})))]
    if rng.random() < 0.2 and len(own) < 2:
        depots.append(Depot(site=problem.sites[3].id, own={"van": 1}, hire_max={}))
    least = rng.choice((0, 1, 3, 5))
    charters = [replace(row, min_load=least, seats=6, fixed_cents=5_000, max_per_day=1) for row in problem.charters]
    problem = replace(problem, depots=tuple(depots), charters=tuple(charters))
    for twist in rng.sample(TWISTS, rng.choice((1, 2, 3))):
        problem = twist(rng, problem)
    ids = {row.id for row in (*problem.trips, *problem.services, *problem.charters)}
    problem = replace(problem, cancelled=frozenset(pair for pair in problem.cancelled if pair[0] in ids))
    return _with_past(rng, problem, seed) if rng.random() < 0.35 else problem


def _alike(rng: random.Random, problem: Problem) -> Problem:
    first = problem.groups[0]
    return replace(problem, groups=tuple(replace(first, id=group.id) for group in problem.groups))


def _with_groups(rng: random.Random, problem: Problem, **choices: tuple[object, ...]) -> Problem:
    changed = []
    for group in problem.groups:
        chosen = {name: rng.choice(values) for name, values in choices.items()}
        changed.append(replace(group, **chosen) if rng.random() < 0.6 else group)  # type: ignore[arg-type]
    return replace(problem, groups=tuple(changed))


def _worth_little(rng: random.Random, problem: Problem) -> Problem:
    return _with_groups(rng, problem, unplanned_cents=(0, 900, 4_000, 12_000), wait_cents_per_day=(0, 100))


def _escorted(rng: random.Random, problem: Problem) -> Problem:
    problem = _with_groups(rng, problem, escorts=(1, 2), escort_pool=("E0", "E1", "E1", None))
    return replace(problem, escort_return_days=rng.choice((0, 1, 5)))


def _on_wheels(rng: random.Random, problem: Problem) -> Problem:
    return _with_groups(rng, problem, wheelchairs=(0, 1, 2), vulnerable=(0, 1))


def _many(rng: random.Random, problem: Problem) -> Problem:
    return _with_groups(rng, problem, persons=(1, 4, 6, 12), max_journey_days=(None, 0, 1))


def _in_odd_times(rng: random.Random, problem: Problem) -> Problem:
    places = tuple(site.id for site in problem.sites)
    return _with_groups(rng, problem, ready_day=(0, 0, 1, 5), latest_day=(0, 1, 2, 9), destination=places)


def _apart(rng: random.Random, problem: Problem) -> Problem:
    names = [group.id for group in problem.groups]
    return replace(problem, conflicts=tuple(itertools.combinations(names, 2)))


def _free_of_charge(rng: random.Random, problem: Problem) -> Problem:
    costs = {name: 0 for name in COSTS.__dataclass_fields__ if rng.random() < 0.5}
    kinds = tuple(replace(kind, km_cents=0, day_cents=0, hire_cents=0) for kind in problem.vehicle_types)
    return replace(problem, costs=replace(problem.costs, **costs), vehicle_types=kinds)


def _narrow(rng: random.Random, problem: Problem) -> Problem:
    days = range(problem.horizon_days)
    return replace(
        problem,
        sites=tuple(
            replace(site, beds=rng.choice((0, 2, 5)), arrivals=tuple(rng.choice((0, 2, 4)) for _ in days))
            for site in problem.sites
        ),
        crossings=tuple(replace(row, quota=tuple(rng.choice((0, 2, 5)) for _ in days)) for row in problem.crossings),
        services=tuple(replace(row, seats=rng.choice((0, 1, 3))) for row in problem.services),
    )


def _barred(rng: random.Random, problem: Problem) -> Problem:
    return _with_groups(rng, problem, barred_countries=((), ("A",), ("B",), ("C",), ("B", "C"), ("Z",)))


def _hurried(rng: random.Random, problem: Problem) -> Problem:
    return replace(problem, transfer_min=rng.choice((0, 90, 700)), max_journey_days=rng.choice((0, 1, 2)))


def _with_large_aircraft(rng: random.Random, problem: Problem) -> Problem:
    charters = tuple(replace(row, max_per_day=2, days="1" * problem.horizon_days) for row in problem.charters)
    ends = {"origin": problem.sites[0].id, "destination": problem.sites[-1].id}
    problem = replace(problem, charters=charters, services=problem.services[2:])
    return replace(problem, groups=tuple(replace(group, **ends) for group in problem.groups))


TWISTS = (
    _alike,
    _worth_little,
    _escorted,
    _on_wheels,
    _many,
    _in_odd_times,
    _apart,
    _free_of_charge,
    _narrow,
    _barred,
    _hurried,
    _with_large_aircraft,
)


def _days(rng: random.Random, horizon_days: int, share: float, within: str = "") -> str:
    days = "".join("1" if rng.random() < share else "0" for _ in range(horizon_days))
    return "".join(min(a, b) for a, b in zip(days, within, strict=True)) if within else days


def _sites(rng: random.Random, site_count: int, horizon_days: int) -> tuple[Site, ...]:
    return tuple(
        Site(
            id=f"S{n}",
            country="ABC"[min(2, n * 3 // site_count)],
            lat=15.0 - n,
            lon=-90.5 + n,
            beds=rng.choice((0, 3, 8, 40)),
            arrivals=tuple(rng.choice((0, 3, 7, 20)) for _ in range(horizon_days)) if rng.random() < 0.3 else None,
        )
        for n in range(site_count)
    )


def _crossings(rng: random.Random, sites: tuple[Site, ...], horizon_days: int) -> tuple[Crossing, ...]:
    return tuple(
        Crossing(
            id=f"{first.country}{second.country}-{branch}",
            countries=(first.country, second.country),
            quota=tuple(rng.choice((0, 4, 9, 60, 60)) for _ in range(horizon_days)),
        )
        for first, second in itertools.pairwise(sites)
        if first.country != second.country
        for branch in range(2)
    )


def _segment(rng: random.Random, crossings: tuple[Crossing, ...], first: Site, second: Site) -> tuple[str, ...]:
    ways = [c.id for c in crossings if set(c.countries) == {first.country, second.country}]
    return (rng.choice(ways),) if ways else ()


def _trips(
    rng: random.Random, sites: tuple[Site, ...], crossings: tuple[Crossing, ...], horizon_days: int
) -> tuple[Trip, ...]:
    trips = []
    count = len(sites)
    ways = [(a, b) for a in range(count) for b in (a - 1, a + 1) if 0 <= b < count]
    ways += [(a, a + step, a + 2 * step) for a in range(count) for step in (1, -1) if 0 <= a + 2 * step < count]
    for way in ways:
        if len(way) == 3 and rng.random() < 0.5:
            continue
        stops = [sites[n] for n in way]
        depart, arrive, minute = [], [], rng.choice((360, 480, 700))
        for _ in stops:
            arrive.append(minute)
            depart.append(minute + rng.choice((0, 30)) if depart else minute)
            minute = depart[-1] + rng.choice((120, 215))
        days = _days(rng, horizon_days, 0.9)
        trips.append(
            Trip(
                id=f"T{len(trips)}",
                stops=tuple(stop.id for stop in stops),
                depart_min=tuple(depart),
                arrive_min=tuple(arrive),
                crossings=tuple(_segment(rng, crossings, a, b) for a, b in itertools.pairwise(stops)),
                km=rng.choice((130, 310)),
                drivers=rng.choice((1, 1, 2)),
                days=days,
                vulnerable_days=_days(rng, horizon_days, 0.8, within=days),
            )
        )
    return tuple(trips)


def _vehicle_types(rng: random.Random, sites: tuple[Site, ...]) -> tuple[VehicleType, ...]:
    home = {site.id: 300 + 510 * n for n, site in enumerate(sites) if rng.random() < 0.9}
    van = VehicleType(id="van", seats=5, wheelchairs=1, km_cents=3, day_cents=500, hire_cents=4100, return_cents=home)
    bus = VehicleType(id="bus", seats=11, wheelchairs=0, km_cents=5, day_cents=900, hire_cents=7000, return_cents=home)
    return (van, bus)


def _depots(rng: random.Random, sites: tuple[Site, ...]) -> tuple[Depot, ...]:
    first = Depot(site=sites[0].id, own={"van": 1, "bus": rng.choice((0, 1))}, hire_max={"van": 1, "bus": 1})
    second = Depot(site=sites[2].id, own={"van": 1}, hire_max={})
    return (first, second) if rng.random() < 0.5 else (first,)


def _services(
    rng: random.Random, sites: tuple[Site, ...], crossings: tuple[Crossing, ...], horizon_days: int
) -> tuple[Service, ...]:
    first, middle, last = sites[0], sites[2], sites[-1]
    services = []
    for name, mode, start, end, depart, arrive in (
        ("F-DIRECT", "flight", first, last, 540, 720),
        ("F-EARLY", "flight", first, middle, 400, 520),
        ("F-ON", "flight", middle, last, 650, 800),
        ("F-NIGHT", "flight", last, first, 1380, 1500),
        ("C-NIGHT", "coach", first, sites[1], 1200, 1700),
        ("C-DAY", "coach", middle, sites[3], 420, 800),
    ):
        days = _days(rng, horizon_days, 0.6)
        services.append(
            Service(
                id=name,
                mode=mode,
                origin=start.id,
                destination=end.id,
                depart_min=depart,
                arrive_min=arrive,
                days=days,
                vulnerable_days=_days(rng, horizon_days, 0.8, within=days),
                seats=rng.choice((2, 4, 9)),
                fare_cents=rng.choice((2100, 3300)),
                crossings=_segment(rng, crossings, start, end) if mode == "coach" else (),
            )
        )
    return tuple(services)


def _charters(rng: random.Random, sites: tuple[Site, ...], horizon_days: int) -> tuple[Charter, ...]:
    return tuple(
        Charter(
            id=f"H{n}",
            origin=start.id,
            destination=end.id,
            depart_min=600,
            arrive_min=780,
            days=_days(rng, horizon_days, 0.7),
            seats=12,
            min_load=rng.choice((4, 6)),
            fixed_cents=15_000,
            max_per_day=rng.choice((1, 2)),
        )
        for n, (start, end) in enumerate(((sites[0], sites[-1]), (sites[1], sites[-1])))
    )


def _group(rng: random.Random, group_id: str, sites: tuple[Site, ...], horizon_days: int) -> Group:
    origin, destination = rng.sample([site.id for site in sites], 2)
    if rng.random() < 0.35:  # Many people travel one way, so that vehicles and aircraft can fill.
        origin, destination = sites[rng.choice((0, 1))].id, sites[-1].id
    persons = rng.choice((1, 1, 2, 3, 5))
    ready = rng.randrange(max(1, horizon_days // 2))
    escorts = 1 if rng.random() < 0.2 else 0
    vulnerable = int(rng.random() < 0.3)
    return Group(
        id=group_id,
        persons=persons,
        origin=origin,
        destination=destination,
        ready_day=ready,
        latest_day=min(horizon_days, ready + rng.choice((1, 2, 3, 9))),
        vulnerable=vulnerable,
        wheelchairs=1 if rng.random() < 0.15 else 0,
        escorts=escorts,
        escort_pool=rng.choice(("E0", "E1")) if escorts else None,
        barred_countries=tuple(c for c in "ABC" if rng.random() < 0.06),
        wait_cents_per_day=persons * (1400 + 200 * rng.randrange(3) + 1500 * vulnerable),
        unplanned_cents=persons * 500_000,
        max_journey_days=rng.choice((1, 2, 5)) if rng.random() < 0.15 else None,
    )


# ---- plans --------------------------------------------------------------------------------------------


def random_plan(problem: Problem, seed: int, *, tries: int = 60) -> Plan:
    """A plan, nearly always valid, that carries some groups on vehicles, services and charters.

    A problem with a past gets its previous plan with random changes after `now_day`, valid or not.
    """
    rng = random.Random(f"plan {seed}")
    plan = problem.replan.previous if problem.replan else EMPTY_PLAN(problem)
    group_ids = [group.id for group in problem.groups]
    plan = replace(plan, itineraries={name: legs for name, legs in plan.itineraries.items() if name in group_ids})
    soft = {Code.CHARTER_MINIMUM}
    faults = sum(code not in soft for code in judge(problem, plan).codes)
    for _ in range(tries):
        group = rng.choice(problem.groups)
        trial = _carry(rng, problem, plan, group)
        if trial is None:
            continue
        now_faults = sum(code not in soft for code in judge(problem, trial).codes)
        if now_faults <= faults:
            plan, faults = trial, now_faults
    if rng.random() < 0.9:
        plan = _without_small_charters(problem, plan)
    return plan


def _carry(rng: random.Random, problem: Problem, plan: Plan, group: Group) -> Plan | None:
    """The plan with one more group on a random way; vehicles move as they must. None where it got stuck."""
    if plan.itineraries.get(group.id):
        return None
    vehicles = {vehicle.id: vehicle for vehicle in plan.vehicles}
    legs: list[Leg] = []
    place = group.origin
    day = group.ready_day + rng.choice((0, 0, 1))
    while place != group.destination and day < problem.horizon_days and len(legs) < 4:
        options = list(_options(rng, problem, group, vehicles, place, day))
        if not options or rng.random() < 0.1:
            day += 1
            continue
        leg, end, arrive_day, vehicle = rng.choice(options)
        if vehicle is not None:
            vehicles[vehicle.id] = vehicle
        legs.append(leg)
        place, day = end, arrive_day + rng.choice((0, 1, 1))
    if place != group.destination or not legs:
        return None
    return replace(plan, vehicles=tuple(vehicles.values()), itineraries=plan.itineraries | {group.id: tuple(legs)})


def _options(
    rng: random.Random,
    problem: Problem,
    group: Group,
    vehicles: dict[str, PlannedVehicle],
    place: str,
    day: int,
) -> Iterator[tuple[Leg, str, int, PlannedVehicle | None]]:
    trip_of = {trip.id: trip for trip in problem.trips}
    for vehicle in vehicles.values():
        for move_day, trip_id in vehicle.moves:
            stops = trip_of[trip_id].stops if move_day == day and trip_id in trip_of else ()
            if place in stops[:-1]:
                board = stops.index(place)
                alight = rng.randrange(board + 1, len(stops))
                leg = Leg(kind="trip", row_id=trip_id, day=day, vehicle=vehicle.id, board=board, alight=alight)
                yield leg, stops[alight], day, vehicle
    for trip in problem.trips:
        for carrier in _carriers(rng, problem, vehicles, trip, day):
            if place in trip.stops[:-1]:
                board = trip.stops.index(place)
                alight = len(trip.stops) - 1
                leg = Leg(kind="trip", row_id=trip.id, day=day, vehicle=carrier.id, board=board, alight=alight)
                yield leg, trip.stops[alight], day, carrier
    for row in (*problem.services, *problem.charters):
        if row.origin == place and row.days[day] == "1":
            kind = "charter" if isinstance(row, Charter) else "service"
            aircraft = rng.randrange(row.max_per_day) if isinstance(row, Charter) else 0
            leg = Leg(kind=kind, row_id=row.id, day=day, aircraft=aircraft)
            yield leg, row.destination, day + row.arrive_min // 1440, None


def _carriers(
    rng: random.Random, problem: Problem, vehicles: dict[str, PlannedVehicle], trip: Trip, day: int
) -> Iterator[PlannedVehicle]:
    """Vehicles that stand free where the trip starts, and a new one if its depot is there."""
    trip_of = {row.id: row for row in problem.trips}
    for vehicle in vehicles.values():
        last_day, place = -1, vehicle.depot
        if vehicle.moves:
            last_day, place = vehicle.moves[-1][0], trip_of[vehicle.moves[-1][1]].stops[-1]
        if last_day < day and place == trip.stops[0]:
            yield replace(vehicle, moves=(*vehicle.moves, (day, trip.id)))
    for depot in problem.depots:
        if depot.site == trip.stops[0]:
            kind = rng.choice(("van", "bus"))
            yield PlannedVehicle(
                id=f"V{len(vehicles)}",
                type=kind,
                depot=depot.site,
                hired=rng.random() < 0.4,
                moves=((day, trip.id),),
            )


def _without_small_charters(problem: Problem, plan: Plan) -> Plan:
    """The plan without the groups on aircraft that carry too few; they stay unplanned."""
    group_of = {group.id: group for group in problem.groups}
    load: dict[tuple[str, int, int], int] = {}
    for name, legs in plan.itineraries.items():
        for leg in legs:
            if leg.kind == "charter":
                key = (leg.row_id, leg.day, leg.aircraft)
                load[key] = load.get(key, 0) + group_of[name].seats
    least = {charter.id: charter.min_load for charter in problem.charters}
    small = {key for key, used in load.items() if used < least[key[0]]}
    kept = {
        name: legs
        for name, legs in plan.itineraries.items()
        if not any(leg.kind == "charter" and (leg.row_id, leg.day, leg.aircraft) in small for leg in legs)
    }
    if len(kept) == len(plan.itineraries):
        return plan
    return _without_small_charters(problem, replace(plan, itineraries=kept))


def _with_past(rng: random.Random, problem: Problem, seed: int) -> Problem:
    """The problem some days later: a plan was followed until then, and some facts have changed."""
    previous = random_plan(problem, seed)
    now_day = rng.randrange(1, problem.horizon_days)
    travelled = {name for name, legs in previous.itineraries.items() if legs[0].day < now_day}
    groups = []
    for group in problem.groups:
        if group.id not in travelled and rng.random() < 0.1:
            continue  # Withdrawn.
        is_sick = rng.random() < 0.1
        groups.append(replace(group, ready_day=now_day + 1) if is_sick else group)
    closed = {(crossing.id, now_day) for crossing in problem.crossings if rng.random() < 0.2}
    cancelled = {(trip.id, now_day) for trip in problem.trips if rng.random() < 0.1}
    return replace(
        problem,
        groups=tuple(groups),
        closures=problem.closures | closed,
        cancelled=problem.cancelled | cancelled,
        replan=Replan(
            now_day=now_day,
            previous=previous,
            change_cents=30_000,
            locked_groups=tuple(group.id for group in problem.groups if rng.random() < 0.2),
        ),
    )
