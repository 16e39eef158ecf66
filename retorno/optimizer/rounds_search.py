"""Local rounds solved: ruin and recreate over exact schedules, then the best choice among all routes met."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from retorno.errors import Inconsistent
from retorno.optimizer.rounds import (
    TOLERANCE,
    Act,
    LeftOut,
    LeftOutReason,
    Objective,
    Request,
    RoundsProblem,
    RoundsResult,
    RoundsSettings,
    Route,
    Vehicle,
)
from retorno.optimizer.rounds_check import RoundsCode, judge_rounds
from retorno.optimizer.rounds_check import value_of as value_of_plan
from retorno.optimizer.rounds_choice import LEAST_GAIN, Routes, best_choice
from retorno.optimizer.rounds_kernels import FAR, KINDS_OF_SEATS, Streets
from retorno.optimizer.rounds_moves import search
from retorno.optimizer.rounds_state import Memory, Plan, Scratch, copy_plan, place_of, refresh, value_of
from retorno.optimizer.rounds_times import timetable

Array = np.ndarray[Any, Any]

MUST_TAKE: Final = 1e6
REMEMBERED_ROUTES: Final = 100_000
REMEMBERED_PLACES: Final = 2**20
# One record in half a cache line, so that asking again costs one look into the memory.
PLACE: Final = np.dtype([("key", "u8"), ("rise", "f8"), ("after", "i8"), ("before", "i8")])
LARGEST_CLOSURE: Final = 400
NEAR: Final = 100
MOST_REGRET_CELLS: Final = 3_000

# Shares of an average request's cost by which a plan may be worse at the beginning and at the end: where rides may
# hardly be longer than the direct way (up to TIGHT times), and where they may be much longer (LOOSE times); measured.
TIGHT: Final = 5.0
LOOSE: Final = 15.0
TIGHT_HEAT: Final = (0.4, 0.02)
LOOSE_HEAT: Final = (1.5, 0.2)
MOST_OUT: Final = 20
SHARES: Final = np.array([0.6, 0.8, 0.93, 0.95, 0.95, 0.03, 0.3])
# A choice among all routes takes seconds: a short run makes none.
CHOICES: Final = (0.5, 0.8, 0.95)
SHORT_SECONDS: Final = 30.0
CHOICE_SHARE: Final = 0.05
FIRST_CHUNK: Final = 5
COUNTED_CHUNK: Final = 500
CHUNK_SECONDS: Final = 0.05
LEAVING_SECONDS: Final = 0.05


def closed(table: Array) -> Array:
    """Shortest ways over any places instead of direct ones; the table itself if it is large."""
    if table.shape[0] > LARGEST_CLOSURE:
        return table
    shortest: Array = table.copy()
    for middle in range(table.shape[0]):
        np.minimum(shortest, shortest[:, middle, None] + shortest[None, middle, :], out=shortest)
    return shortest


def places_of_nodes(problem: RoundsProblem, kinds: Sequence[Vehicle]) -> Array:
    """Row of each node's place in the problem's tables."""
    row = {place: number for number, place in enumerate(problem.places)}
    nodes = [row[request.pickup] for request in problem.requests]
    nodes += [row[request.drop] for request in problem.requests]
    for vehicle in kinds:
        nodes += [row[vehicle.start], row[vehicle.end]]
    return np.array(nodes, dtype=np.int64)


def resources(seats: Any) -> list[int]:
    """Seats, wheelchair places, stretcher places, seats together with escorts' seats."""
    return [seats.seat, seats.wheelchair, seats.stretcher, seats.seat + seats.escort]


@dataclass(frozen=True, kw_only=True, eq=False)
class Setting:
    """A problem as arrays, and which vehicle is which."""

    streets: Streets
    vehicles: tuple[Vehicle, ...]
    near_space: Array
    near_time: Array


def kind_key(vehicle: Vehicle) -> tuple[Any, ...]:
    return (
        vehicle.start,
        vehicle.end,
        vehicle.shift_from_min,
        vehicle.shift_until_min,
        vehicle.max_route_min,
        tuple(tuple(resources(seats)) for seats in vehicle.configurations),
    )


def setting_of(problem: RoundsProblem, seed: int) -> Setting:
    requests = problem.requests
    n = len(requests)
    kinds: dict[tuple[Any, ...], list[Vehicle]] = {}
    for vehicle in problem.vehicles:
        kinds.setdefault(kind_key(vehicle), []).append(vehicle)
    firsts = [alike[0] for alike in kinds.values()]
    vehicles = tuple(vehicle for alike in kinds.values() for vehicle in alike)
    kind = np.array([number for number, alike in enumerate(kinds.values()) for _ in alike], dtype=np.int64)
    nodes = places_of_nodes(problem, firsts)
    drive = np.array(problem.drive_min, dtype=np.float64).reshape(len(problem.places), len(problem.places))
    table = drive if problem.objective is Objective.MINUTES else np.array(problem.distance_m, dtype=np.float64)
    is_small = table.shape[0] <= LARGEST_CLOSURE
    is_metric = bool(is_small and (closed(table) >= table - 1e-9).all())
    minutes = np.ascontiguousarray(drive[np.ix_(nodes, nodes)])
    # One table in the processor's cache instead of two, where minutes are the objective.
    cost = minutes if np.array_equal(drive, table) else np.ascontiguousarray(table[np.ix_(nodes, nodes)])
    minutes_to = np.ascontiguousarray(minutes.T)
    service = np.zeros(len(nodes))
    early = np.zeros(len(nodes))
    late = np.zeros(len(nodes))
    ride = np.array([problem.ride_limit(request) for request in requests], dtype=np.float64)
    service[:n] = [request.pickup_service_min for request in requests]
    service[n : 2 * n] = [request.drop_service_min for request in requests]
    early[:n] = [request.pickup_from_min for request in requests]
    late[:n] = [request.pickup_until_min for request in requests]
    early[n : 2 * n] = [request.drop_from_min for request in requests]
    late[n : 2 * n] = [request.drop_until_min for request in requests]
    for number, vehicle in enumerate(firsts):
        early[2 * n + 2 * number : 2 * n + 2 * number + 2] = vehicle.shift_from_min
        late[2 * n + 2 * number : 2 * n + 2 * number + 2] = vehicle.shift_until_min
    # Windows that each other's window and the ride imply; a way is at least as long as the shortest one.
    shortest = closed(drive) if is_small else np.zeros_like(drive)
    direct = shortest[nodes[:n], nodes[n : 2 * n]]
    early[:n] = np.maximum(early[:n], early[n : 2 * n] - ride - service[:n])
    late[:n] = np.minimum(late[:n], late[n : 2 * n] - direct - service[:n])
    early[n : 2 * n] = np.maximum(early[n : 2 * n], early[:n] + service[:n] + direct)
    late[n : 2 * n] = np.minimum(late[n : 2 * n], late[:n] + service[:n] + ride)
    most_setups = max((len(vehicle.configurations) for vehicle in firsts), default=1)
    room = np.full((len(firsts), most_setups, KINDS_OF_SEATS), -1, dtype=np.int64)
    for number, vehicle in enumerate(firsts):
        for setup, seats in enumerate(vehicle.configurations):
            room[number, setup] = resources(seats)
    apart = np.zeros((n, n) if problem.conflicts else (0, 0), dtype=np.bool_)
    position = {request.id: number for number, request in enumerate(requests)}
    for first, second in problem.conflicts:
        apart[position[first], position[second]] = apart[position[second], position[first]] = True
    random = np.random.default_rng(seed)
    streets = Streets(
        cost=cost,
        minutes=minutes,
        cost_to=minutes_to if cost is minutes else np.ascontiguousarray(cost.T),
        minutes_to=minutes_to,
        service=service,
        early=early,
        late=late,
        ride=ride,
        load=np.array([resources(request.seats) for request in requests], dtype=np.int64).reshape(n, KINDS_OF_SEATS),
        room=room,
        most=room.max(axis=1),
        one_setup=most_setups == 1,
        longest=np.array([vehicle.max_route_min for vehicle in firsts], dtype=np.float64),
        kind=kind,
        price=np.array(
            [MUST_TAKE if request.left_out_price is None else request.left_out_price for request in requests],
            dtype=np.float64,
        ),
        is_metric=is_metric,
        apart=apart,
        mark=random.integers(1, 2**63, len(nodes), dtype=np.uint64),
        set_mark=random.integers(1, 2**63, n, dtype=np.uint64),
    )
    return Setting(
        streets=streets,
        vehicles=vehicles,
        near_space=_near(_space(streets, n)),
        near_time=_near(_closeness(streets, n)),
    )


def _near(distance: Array) -> Array:
    """Per request the others, nearest first; shape (n, at most NEAR)."""
    n = distance.shape[0]
    np.fill_diagonal(distance, -1.0)
    nearest: Array = np.argsort(distance, axis=1, kind="stable")[:, 1 : min(n, NEAR + 1)].astype(np.int64)
    return nearest


def _space(streets: Streets, n: int) -> Array:
    pick, drop = slice(0, n), slice(n, 2 * n)
    apart: Array = streets.cost[pick, pick] + streets.cost[drop, drop]
    return apart


def _closeness(streets: Streets, n: int) -> Array:
    """How little lies between any stop of one request and any of another: driving, and waiting at half its length."""
    nodes = slice(0, 2 * n)
    arrive = (streets.early + streets.service)[nodes, None] + streets.minutes[nodes, nodes]
    latest = (streets.late + streets.service)[nodes, None] + streets.minutes[nodes, nodes]
    wait = np.maximum(0.0, streets.early[None, nodes] - latest)
    after = np.where(arrive > streets.late[None, nodes], 1e6, streets.minutes[nodes, nodes] + 0.5 * wait)
    either = np.minimum(after, after.T)
    closeness: Array = np.minimum.reduce([either[a : a + n, b : b + n] for a in (0, n) for b in (0, n)])
    return closeness


def empty_plan(streets: Streets) -> Plan:
    """Every vehicle at its depot, every request left out."""
    n = streets.ride.shape[0]
    vehicles = streets.kind.shape[0]
    stops = 2 * n + 2
    plan = Plan(
        route=np.zeros((vehicles, stops), dtype=np.int64),
        length=np.full(vehicles, 2, dtype=np.int64),
        least=np.zeros((vehicles, stops)),
        greatest=np.zeros((vehicles, stops)),
        aboard=np.zeros((vehicles, stops, KINDS_OF_SEATS), dtype=np.int64),
        step_cost=np.zeros((vehicles, stops)),
        step_min=np.zeros((vehicles, stops)),
        cost=np.zeros(vehicles),
        key=np.zeros(vehicles, dtype=np.uint64),
        route_of=np.full(n, -1, dtype=np.int64),
    )
    plan.route[:, 0] = 2 * n + 2 * streets.kind
    plan.route[:, 1] = 2 * n + 2 * streets.kind + 1
    return plan


def scratch_of(streets: Streets, seed: int) -> Scratch:
    n = streets.ride.shape[0]
    vehicles = streets.kind.shape[0]
    nodes = streets.cost.shape[0]
    cells = max(1, min(n, MOST_REGRET_CELLS // max(1, vehicles)))
    return Scratch(
        row=np.zeros(nodes + 2, dtype=np.int64),
        time=np.zeros(nodes + 2),
        at=np.zeros(nodes, dtype=np.int64),
        sums=np.zeros(nodes + 2),
        bank=np.zeros(n, dtype=np.int64),
        rank=np.zeros(n),
        rise=np.zeros((cells, vehicles)),
        spot=np.zeros((cells, vehicles, 2), dtype=np.int64),
        touched=np.zeros(vehicles, dtype=np.int64),
        taken=np.zeros(vehicles, dtype=np.int64),
        home=np.full(n, -1, dtype=np.int64),
        taken_bank=np.zeros(n, dtype=np.int64),
        most_cells=np.array([cells * vehicles], dtype=np.int64),
        random=np.array([seed], dtype=np.uint64),
    )


def memory_of(streets: Streets) -> Memory:
    n = streets.ride.shape[0]
    stops = min(2 * n + 2, 200)
    return Memory(
        slots=np.zeros(2**19, dtype=np.int64),
        set_key=np.zeros(REMEMBERED_ROUTES, dtype=np.uint64),
        cost=np.zeros(REMEMBERED_ROUTES),
        length=np.zeros(REMEMBERED_ROUTES, dtype=np.int64),
        route=np.zeros((REMEMBERED_ROUTES, stops), dtype=np.int16),
        count=np.zeros(1, dtype=np.int64),
        places=np.zeros(REMEMBERED_PLACES, dtype=PLACE),
    )


# ---- the run ------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class RoundsProgress:
    """Where a run stands: seconds so far, value of the best plan, requests left out in it."""

    seconds: float
    value: float
    left_out: int


def heats_of(streets: Streets) -> tuple[float, float]:
    """The first and last heat, between those of tight and of loose rides."""
    n = len(streets.price)
    direct = np.maximum(streets.minutes[np.arange(n), np.arange(n, 2 * n)], 1.0)
    freedom = float(np.clip((np.median(streets.ride / direct) - TIGHT) / (LOOSE - TIGHT), 0.0, 1.0))
    first, last = (tight * (loose / tight) ** freedom for tight, loose in zip(TIGHT_HEAT, LOOSE_HEAT, strict=True))
    return first, last


class _Run:
    """One search: the plan it works on, the best one, and the memory of both."""

    def __init__(self, problem: RoundsProblem, settings: RoundsSettings) -> None:
        self.setting = setting_of(problem, settings.seed)
        streets = self.setting.streets
        self.scratch = scratch_of(streets, settings.seed)
        self.memory = memory_of(streets)
        self.plan = empty_plan(streets)
        for vehicle in range(len(self.setting.vehicles)):
            refresh(streets, self.plan, vehicle, self.scratch)
        self.before = empty_plan(streets)
        self.best = empty_plan(streets)
        copy_plan(streets, self.plan, self.before)
        copy_plan(streets, self.plan, self.best)
        self.rounds = 0
        self.heats = heats_of(streets)

    @property
    def value(self) -> float:
        return float(value_of(self.setting.streets, self.best))

    @property
    def left_out(self) -> int:
        return int((self.best.route_of < 0).sum())

    def heat(self, done: float) -> float:
        """The heat after a share of the run: so much of what an average request costs."""
        streets = self.setting.streets
        served = len(streets.price) - self.left_out
        each = self.best.cost.sum() / served if served else float(streets.cost.mean())
        first, last = self.heats
        return float(max(each, 1e-6) * first * (last / first) ** done)

    def go(self, rounds: int, done: float, until: float) -> None:
        """Some rounds while the share of the run grows from ``done`` to ``until``."""
        if self.memory.count[0] == len(self.memory.cost):
            self.memory.slots[:] = 0
            self.memory.count[0] = 0
        most_out = max(2, min(MOST_OUT, (len(self.setting.streets.price) + 1) // 2))
        search(
            self.setting.streets,
            self.plan,
            self.before,
            self.best,
            self.memory,
            self.setting.near_space,
            self.setting.near_time,
            rounds,
            self.heat(done),
            self.heat(until),
            most_out,
            SHARES,
            self.scratch,
        )
        self.rounds += rounds

    def choose(self, seconds: float) -> bool:
        """Choose anew among all routes met; whether that is a better plan, from which the search then goes on."""
        begun = time.monotonic()
        streets = self.setting.streets
        n = len(streets.price)
        count = int(self.memory.count[0])
        known = self.memory.route[:count, : max(2, int(self.memory.length[:count].max(initial=2)))]
        picks = (known < n) & (np.arange(known.shape[1])[None, :] < self.memory.length[:count, None])
        sizes = picks.sum(axis=1)
        kind = (known[:, 0].astype(np.int64) - 2 * n) // 2
        used = [vehicle for vehicle in range(len(self.setting.vehicles)) if self.best.length[vehicle] > 2]
        rows = [self.best.route[vehicle, 1 : self.best.length[vehicle] - 1] for vehicle in used]
        member = [known[picks].astype(np.int64), *(row[row < n] for row in rows)]
        sizes = np.append(sizes, [len(row) for row in member[1:]]).astype(np.int64)
        routes = Routes(
            cost=np.append(self.memory.cost[:count], self.best.cost[used]),
            kind=np.append(kind, streets.kind[used]),
            first=np.append(0, np.cumsum(sizes)),
            member=np.concatenate(member),
        )
        vehicles = np.bincount(streets.kind, minlength=len(streets.longest))
        chosen = best_choice(
            routes,
            streets.price,
            vehicles,
            incumbent=np.arange(count, count + len(used)),
            value=self.value,
            seconds=seconds - (time.monotonic() - begun),
        )
        if chosen is None:
            return False
        found = empty_plan(streets)
        free = {number: list(np.flatnonzero(streets.kind == number)) for number in range(len(vehicles))}
        for route in chosen:
            vehicle = int(free[int(routes.kind[route])].pop(0))
            if route < count:
                length = int(self.memory.length[route])
                found.route[vehicle, :length] = known[route, :length]
            else:
                source = used[route - count]
                length = int(self.best.length[source])
                found.route[vehicle, :length] = self.best.route[source, :length]
            found.length[vehicle] = length
            row = found.route[vehicle, :length]
            found.route_of[row[row < n]] = vehicle
        for vehicle in range(len(self.setting.vehicles)):
            refresh(streets, found, vehicle, self.scratch)
        if value_of(streets, found) >= self.value - LEAST_GAIN:
            return False
        for target in (self.plan, self.before, self.best):
            copy_plan(streets, found, target)
        return True


def solve_rounds(
    problem: RoundsProblem,
    settings: RoundsSettings | None = None,
    *,
    on_progress: Callable[[RoundsProgress], None] | None = None,
    should_stop: Callable[[], bool] | None = None,
) -> RoundsResult:
    """The best plan found within the limits; everybody left out comes with the reason.

    Raises
    ------
    Inconsistent
        If the plan breaks a rule other than leaving somebody out: our own mistake.
    """
    settings = settings or RoundsSettings()
    begun = time.monotonic()
    if not problem.requests or not problem.vehicles:
        return _result(problem, settings, None, begun, "nothing to plan")
    run = _Run(problem, settings)
    limit = settings.seconds - LEAVING_SECONDS
    choices = list(CHOICES if settings.max_rounds is not None or limit >= SHORT_SECONDS else ())
    chunk, stop_reason = FIRST_CHUNK, "time"
    while True:
        elapsed = time.monotonic() - begun
        if settings.max_rounds is not None and run.rounds >= settings.max_rounds:
            stop_reason = "rounds"
        elif should_stop is not None and should_stop():
            stop_reason = "stopped"
        elif elapsed < limit or run.rounds == 0:
            stop_reason = ""
        else:
            stop_reason = "time"
        if stop_reason:
            break
        if settings.max_rounds is not None:
            done, chunk = run.rounds / settings.max_rounds, min(COUNTED_CHUNK, settings.max_rounds - run.rounds)
            until = (run.rounds + chunk) / settings.max_rounds
        else:
            done = min(1.0, elapsed / limit)
            until = min(1.0, (elapsed + CHUNK_SECONDS) / limit)
        if choices and done >= choices[0] and run.rounds:
            choices.pop(0)
            run.choose(min(CHOICE_SHARE * limit, limit - elapsed))
            continue
        run.go(chunk, done, until)
        took = time.monotonic() - begun - elapsed
        chunk = max(1, min(4 * chunk, int(chunk * CHUNK_SECONDS / max(took, 1e-4))))
        if on_progress is not None:
            on_progress(RoundsProgress(seconds=time.monotonic() - begun, value=_shown(run), left_out=run.left_out))
    return _result(problem, settings, run, begun, stop_reason)


def _shown(run: _Run) -> float:
    """The value without the technical price of those who must be taken."""
    streets = run.setting.streets
    missing = (run.best.route_of < 0) & (streets.price >= MUST_TAKE)
    return run.value - MUST_TAKE * int(missing.sum())


def _result(
    problem: RoundsProblem, settings: RoundsSettings, run: _Run | None, begun: float, stop_reason: str
) -> RoundsResult:
    routes = [] if run is None else _routes(problem, run)
    taken = {name for route in routes for name in route.request_ids}
    left_out = tuple(_left_out(problem, request, run) for request in problem.requests if request.id not in taken)
    wrong = [each for each in judge_rounds(problem, routes) if each.code is not RoundsCode.LEFT_OUT]
    if wrong:
        raise Inconsistent("the plan of rounds is not valid: " + "; ".join(str(each) for each in wrong))
    return RoundsResult(
        routes=tuple(routes),
        left_out=left_out,
        value=value_of_plan(problem, routes),
        bound=None,
        rounds=0 if run is None else run.rounds,
        seconds=time.monotonic() - begun,
        seed=settings.seed,
        stop_reason=stop_reason,
    )


def _routes(problem: RoundsProblem, run: _Run) -> list[Route]:
    order = {vehicle.id: number for number, vehicle in enumerate(problem.vehicles)}
    routes = []
    n = len(problem.requests)
    for number, vehicle in enumerate(run.setting.vehicles):
        nodes = [int(node) for node in run.best.route[number, 1 : run.best.length[number] - 1]]
        if not nodes:
            continue
        way = [(problem.requests[node % n].id, Act.PICKUP if node < n else Act.DROP) for node in nodes]
        route = timetable(problem, vehicle, way)
        if route is None:
            raise Inconsistent(f"vehicle {vehicle.id} cannot drive the route found: {nodes}")
        routes.append(route)
    return sorted(routes, key=lambda route: order[route.vehicle_id])


def _left_out(problem: RoundsProblem, request: Request, run: _Run | None) -> LeftOut:
    """Why a request is on no route: what makes it impossible alone, else what it would cost, else the others."""
    alone = [
        vehicle for vehicle in problem.vehicles if any(places.holds(request.seats) for places in vehicle.configurations)
    ]
    if not alone:
        return LeftOut(
            request_id=request.id,
            reason=LeftOutReason.NO_SUCH_SEATS,
            explanation=f"no vehicle has places for its {request.seats.persons} people at once",
        )
    row = {place: number for number, place in enumerate(problem.places)}
    direct = problem.drive_min[row[request.pickup]][row[request.drop]]
    limit = problem.ride_limit(request)
    if direct > limit:
        return LeftOut(
            request_id=request.id,
            reason=LeftOutReason.RIDE_TOO_LONG,
            explanation=f"the direct ride takes {direct:g} minutes, at most {limit:g} are allowed",
        )
    way = [(request.id, Act.PICKUP), (request.id, Act.DROP)]
    if all(timetable(problem, vehicle, way) is None for vehicle in alone):
        return LeftOut(
            request_id=request.id,
            reason=LeftOutReason.NO_TIME,
            explanation="no vehicle with its places can keep both windows, its shift and its longest route, "
            "even with nobody else",
        )
    rise = FAR if run is None else _least_rise(problem, request, run)
    if rise < FAR and request.left_out_price is not None and rise >= request.left_out_price - TOLERANCE:
        return LeftOut(
            request_id=request.id,
            reason=LeftOutReason.DEARER_THAN_PRICE,
            explanation=f"taking it along would cost {rise:g}, leaving it out {request.left_out_price:g}",
        )
    return LeftOut(
        request_id=request.id,
        reason=LeftOutReason.NO_ROOM,
        explanation="it could travel alone; beside the others no vehicle was found with room and time for it",
    )


def _least_rise(problem: RoundsProblem, request: Request, run: _Run) -> float:
    number = next(index for index, each in enumerate(problem.requests) if each.id == request.id)
    return min(
        float(place_of(run.setting.streets, run.best, run.memory, vehicle, number, FAR, run.scratch)[0])
        for vehicle in range(len(run.setting.vehicles))
    )
