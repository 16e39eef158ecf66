"""The judge of local rounds: every rule checked on the times that a plan states; shares no code with the search."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise

from retorno.optimizer.rounds import TOLERANCE, Act, Objective, Request, RoundsProblem, Route, Seats, Stop, Vehicle


class RoundsCode(StrEnum):
    """What can be wrong with a plan of rounds (docs/rounds.md)."""

    UNKNOWN = "UNKNOWN"
    VEHICLE_TWICE = "VEHICLE_TWICE"
    ORDER = "ORDER"
    TAKEN_TWICE = "TAKEN_TWICE"
    LEFT_OUT = "LEFT_OUT"
    SEATS = "SEATS"
    ABOARD = "ABOARD"
    TRAVEL_TIME = "TRAVEL_TIME"
    SERVICE_TIME = "SERVICE_TIME"
    WINDOW = "WINDOW"
    RIDE_TIME = "RIDE_TIME"
    SHIFT = "SHIFT"
    ROUTE_TIME = "ROUTE_TIME"
    CONFLICT = "CONFLICT"
    FIGURES = "FIGURES"


@dataclass(frozen=True, kw_only=True)
class RoundsViolation:
    """One rule broken: its code, the vehicle (empty: none), the request (empty: none), and what was found."""

    code: RoundsCode
    vehicle_id: str = ""
    request_id: str = ""
    what: str = ""

    def __str__(self) -> str:
        who = " ".join(
            part
            for part in (
                f"vehicle {self.vehicle_id}" if self.vehicle_id else "",
                f"request {self.request_id}" if self.request_id else "",
            )
            if part
        )
        return f"{self.code.value} {who}: {self.what}" if who else f"{self.code.value}: {self.what}"


def judge_rounds(problem: RoundsProblem, routes: Sequence[Route]) -> list[RoundsViolation]:
    """Every violation of a plan, in the order of its routes; empty if it is valid.

    Unrounded numbers may pass a limit by `rounds.TOLERANCE`.
    """
    judge = _Judge(problem)
    for route in routes:
        judge.route(route)
    judge.whole(routes)
    return judge.found


def value_of(problem: RoundsProblem, routes: Sequence[Route]) -> float:
    """The value of a plan: what its routes drive in units of the objective, and the prices of who is left out."""
    rows = {place: number for number, place in enumerate(problem.places)}
    table = problem.drive_min if problem.objective is Objective.MINUTES else problem.distance_m
    vehicles = {vehicle.id: vehicle for vehicle in problem.vehicles}
    total: float = 0
    taken: set[str] = set()
    for route in routes:
        vehicle = vehicles[route.vehicle_id]
        way = [vehicle.start, *(stop.place for stop in route.stops), vehicle.end] if route.stops else []
        total += sum(table[rows[a]][rows[b]] for a, b in pairwise(way))
        taken.update(route.request_ids)
    return total + sum(request.left_out_price or 0 for request in problem.requests if request.id not in taken)


class _Judge:
    def __init__(self, problem: RoundsProblem) -> None:
        self.problem = problem
        self.rows = {place: number for number, place in enumerate(problem.places)}
        self.requests = {request.id: request for request in problem.requests}
        self.vehicles = {vehicle.id: vehicle for vehicle in problem.vehicles}
        self.found: list[RoundsViolation] = []

    def say(self, code: RoundsCode, what: str, *, vehicle_id: str = "", request_id: str = "") -> None:
        self.found.append(RoundsViolation(code=code, vehicle_id=vehicle_id, request_id=request_id, what=what))

    def route(self, route: Route) -> None:
        vehicle = self.vehicles.get(route.vehicle_id)
        unknown = [stop.request_id for stop in route.stops if stop.request_id not in self.requests]
        if vehicle is None:
            self.say(RoundsCode.UNKNOWN, "is no vehicle of the problem", vehicle_id=route.vehicle_id)
        for name in unknown:
            self.say(RoundsCode.UNKNOWN, "is no request of the problem", vehicle_id=route.vehicle_id, request_id=name)
        if vehicle is None or unknown:
            return
        self.order(route)
        self.load(route, vehicle)
        self.times(route, vehicle)
        self.figures(route, vehicle)

    def order(self, route: Route) -> None:
        aboard: set[str] = set()
        for stop in route.stops:
            request = self.requests[stop.request_id]
            place = request.pickup if stop.act is Act.PICKUP else request.drop
            if stop.place != place:
                self.say(
                    RoundsCode.ORDER,
                    f"{stop.act.value} at {stop.place}, expected at {place}",
                    vehicle_id=route.vehicle_id,
                    request_id=stop.request_id,
                )
            if stop.act is Act.PICKUP:
                aboard.add(stop.request_id)
            elif stop.request_id in aboard:
                aboard.discard(stop.request_id)
            else:
                self.say(
                    RoundsCode.ORDER,
                    "alights without having boarded",
                    vehicle_id=route.vehicle_id,
                    request_id=stop.request_id,
                )
        for name in sorted(aboard):
            self.say(RoundsCode.ORDER, "boards and never alights", vehicle_id=route.vehicle_id, request_id=name)

    def load(self, route: Route, vehicle: Vehicle) -> None:
        if not 0 <= route.configuration < len(vehicle.configurations):
            self.say(
                RoundsCode.UNKNOWN,
                f"set-up {route.configuration}, expected 0 to {len(vehicle.configurations) - 1}",
                vehicle_id=vehicle.id,
            )
            return
        places = vehicle.configurations[route.configuration]
        load = {"seat": 0, "wheelchair": 0, "stretcher": 0, "escort": 0}
        for stop in route.stops:
            sign = 1 if stop.act is Act.PICKUP else -1
            for kind in load:
                load[kind] += sign * getattr(self.requests[stop.request_id].seats, kind)
            # Escorts take their own seats first, then ordinary ones.
            on_ordinary = load["seat"] + max(0, load["escort"] - places.escort)
            too_many = (
                on_ordinary > places.seat
                or load["wheelchair"] > places.wheelchair
                or load["stretcher"] > places.stretcher
            )
            if too_many:
                self.say(
                    RoundsCode.SEATS,
                    f"{_listed(load)} aboard after the {stop.act.value}, the vehicle has {_listed(vars(places))}",
                    vehicle_id=vehicle.id,
                    request_id=stop.request_id,
                )
            if stop.aboard != Seats(**load):
                self.say(
                    RoundsCode.ABOARD,
                    f"says {_listed(vars(stop.aboard))} aboard, there are {_listed(load)}",
                    vehicle_id=vehicle.id,
                    request_id=stop.request_id,
                )

    def times(self, route: Route, vehicle: Vehicle) -> None:
        here, free = vehicle.start, route.depart_min
        ended: dict[str, float] = {}
        for stop in route.stops:
            request = self.requests[stop.request_id]
            self.stop_times(stop, request, vehicle_id=vehicle.id, earliest=free + self.minutes(here, stop.place))
            if stop.act is Act.PICKUP:
                ended[request.id] = stop.leave_min
            elif request.id in ended:
                limit = request.max_ride_min
                if request.children and self.problem.max_ride_children_min is not None:
                    limit = min(limit, self.problem.max_ride_children_min)
                ride = stop.begin_min - ended[request.id]
                if ride > limit + TOLERANCE:
                    self.say(
                        RoundsCode.RIDE_TIME,
                        f"rides {ride:g} minutes, at most {limit:g} are allowed",
                        vehicle_id=vehicle.id,
                        request_id=request.id,
                    )
            here, free = stop.place, stop.leave_min
        if route.stops and route.return_min < free + self.minutes(here, vehicle.end) - TOLERANCE:
            self.say(
                RoundsCode.TRAVEL_TIME,
                f"is back at minute {route.return_min:g}, cannot be before {free + self.minutes(here, vehicle.end):g}",
                vehicle_id=vehicle.id,
            )
        if (
            route.depart_min < vehicle.shift_from_min - TOLERANCE
            or route.return_min > vehicle.shift_until_min + TOLERANCE
        ):
            self.say(
                RoundsCode.SHIFT,
                f"out from {route.depart_min:g} to {route.return_min:g}, "
                f"the shift is {vehicle.shift_from_min:g} to {vehicle.shift_until_min:g}",
                vehicle_id=vehicle.id,
            )
        if route.return_min - route.depart_min > vehicle.max_route_min + TOLERANCE:
            self.say(
                RoundsCode.ROUTE_TIME,
                f"out for {route.return_min - route.depart_min:g} minutes, at most {vehicle.max_route_min:g}",
                vehicle_id=vehicle.id,
            )

    def stop_times(self, stop: Stop, request: Request, *, vehicle_id: str, earliest: float) -> None:
        if stop.act is Act.PICKUP:
            window, service = (request.pickup_from_min, request.pickup_until_min), request.pickup_service_min
        else:
            window, service = (request.drop_from_min, request.drop_until_min), request.drop_service_min
        if stop.arrive_min < earliest - TOLERANCE or stop.begin_min < stop.arrive_min - TOLERANCE:
            self.say(
                RoundsCode.TRAVEL_TIME,
                f"{stop.act.value} arrives at {stop.arrive_min:g}, begins at {stop.begin_min:g}; "
                f"the vehicle cannot be there before {earliest:g}",
                vehicle_id=vehicle_id,
                request_id=request.id,
            )
        if stop.leave_min < stop.begin_min + service - TOLERANCE:
            self.say(
                RoundsCode.SERVICE_TIME,
                f"{stop.act.value} lasts {stop.leave_min - stop.begin_min:g} minutes, it takes {service:g}",
                vehicle_id=vehicle_id,
                request_id=request.id,
            )
        if not window[0] - TOLERANCE <= stop.begin_min <= window[1] + TOLERANCE:
            self.say(
                RoundsCode.WINDOW,
                f"{stop.act.value} begins at {stop.begin_min:g}, the window is {window[0]:g} to {window[1]:g}",
                vehicle_id=vehicle_id,
                request_id=request.id,
            )

    def figures(self, route: Route, vehicle: Vehicle) -> None:
        way = [vehicle.start, *(stop.place for stop in route.stops), vehicle.end] if route.stops else []
        steps = [(self.rows[a], self.rows[b]) for a, b in pairwise(way)]
        minutes = sum(self.problem.drive_min[a][b] for a, b in steps)
        metres = sum(self.problem.distance_m[a][b] for a, b in steps)
        if abs(route.drive_min - minutes) > TOLERANCE or abs(route.distance_m - metres) > TOLERANCE:
            self.say(
                RoundsCode.FIGURES,
                f"says {route.drive_min:g} minutes and {route.distance_m:g} metres, "
                f"it drives {minutes:g} and {metres:g}",
                vehicle_id=vehicle.id,
            )

    def whole(self, routes: Sequence[Route]) -> None:
        for name, times in sorted(Counter(route.vehicle_id for route in routes).items()):
            if times > 1:
                self.say(RoundsCode.VEHICLE_TWICE, f"has {times} routes, expected one", vehicle_id=name)
        taken = Counter(name for route in routes for name in route.request_ids)
        for request in self.problem.requests:
            if taken[request.id] > 1:
                self.say(RoundsCode.TAKEN_TWICE, f"boards {taken[request.id]} times", request_id=request.id)
            elif not taken[request.id] and request.left_out_price is None:
                self.say(RoundsCode.LEFT_OUT, "must be taken and is on no route", request_id=request.id)
        together = [(route, set(route.request_ids)) for route in routes]
        for first, second in self.problem.conflicts:
            for route, names in together:
                if {first, second} <= names:
                    self.say(
                        RoundsCode.CONFLICT,
                        f"may not be on one route with {second}",
                        vehicle_id=route.vehicle_id,
                        request_id=first,
                    )

    def minutes(self, origin: str, destination: str) -> float:
        return self.problem.drive_min[self.rows[origin]][self.rows[destination]]


def _listed(counts: dict[str, int]) -> str:
    shown = [f"{count} {kind}" for kind, count in counts.items() if count]
    return ", ".join(shown) or "nobody"
