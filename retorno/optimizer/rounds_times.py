"""The times of one route in plain Python: what a plan states, and the twin of the compiled schedule.

Every rule about time says that one moment is at least so much after another.  So there is an earliest moment for
each stop (or none that keeps all rules), found by raising moments until nothing changes; a chain that still rises
after as many sweeps as there are stops can never come to rest.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from retorno.optimizer.rounds import Act, Request, RoundsProblem, Route, Seats, Stop, Vehicle

# Sums of unrounded numbers in another order differ by less than this; the judge allows more.
EPS = 1e-9

Way = Sequence[tuple[str, Act]]
"""The stops of a route in order: request id, and what happens."""


@dataclass(frozen=True, kw_only=True)
class _Moment:
    place: str
    early: float
    late: float
    service: float


def timetable(problem: RoundsProblem, vehicle: Vehicle, way: Way) -> Route | None:
    """The route with times, or ``None`` if the vehicle cannot drive it within every limit of time and seats.

    It comes back as early as it can, leaves as late as it then can, and is at every stop as early as it then can.
    ``way`` names only requests of the problem, each pick-up before its drop.
    """
    requests = {request.id: request for request in problem.requests}
    configuration = setup_for(vehicle, [requests[name].seats for name, act in way], [act for _, act in way])
    if configuration is None:
        return None
    begins = _begins(problem, vehicle, way, requests)
    return None if begins is None else _route(problem, vehicle, way, requests, configuration, begins)


def setup_for(vehicle: Vehicle, seats: Sequence[Seats], acts: Sequence[Act]) -> int | None:
    """The first set-up of a vehicle that holds everybody at every stop; ``None`` if none does."""
    for number, places in enumerate(vehicle.configurations):
        aboard = Seats()
        fits = True
        for load, act in zip(seats, acts, strict=True):
            aboard = aboard + load if act is Act.PICKUP else aboard - load
            fits = fits and places.holds(aboard)
        if fits:
            return number
    return None


def _begins(problem: RoundsProblem, vehicle: Vehicle, way: Way, requests: dict[str, Request]) -> list[float] | None:
    """When service begins at every stop, depots first and last."""
    moments = _moments(vehicle, way, requests)
    row = {place: number for number, place in enumerate(problem.places)}
    drive = [problem.drive_min[row[a.place]][row[b.place]] for a, b in pairwise(moments)]
    # (later stop, earlier stop, most minutes between their beginnings)
    limits = [(len(moments) - 1, 0, vehicle.max_route_min)]
    boarded: dict[str, int] = {}
    for position, (name, act) in enumerate(way, start=1):
        if act is Act.PICKUP:
            boarded[name] = position
        else:
            pick = boarded[name]
            limits.append((position, pick, problem.ride_limit(requests[name]) + moments[pick].service))
    earliest = _earliest(moments, drive, limits, departs=vehicle.shift_from_min)
    if earliest is None:
        return None
    return _earliest(moments, drive, limits, departs=_latest_departure(moments, drive, limits, earliest[-1]))


def _moments(vehicle: Vehicle, way: Way, requests: dict[str, Request]) -> list[_Moment]:
    moments = [
        _Moment(place=vehicle.start, early=vehicle.shift_from_min, late=vehicle.shift_until_min, service=0),
        _Moment(place=vehicle.end, early=vehicle.shift_from_min, late=vehicle.shift_until_min, service=0),
    ]
    for name, act in way:
        request = requests[name]
        if act is Act.PICKUP:
            moment = _Moment(
                place=request.pickup,
                early=request.pickup_from_min,
                late=request.pickup_until_min,
                service=request.pickup_service_min,
            )
        else:
            moment = _Moment(
                place=request.drop,
                early=request.drop_from_min,
                late=request.drop_until_min,
                service=request.drop_service_min,
            )
        moments.insert(-1, moment)
    return moments


def _earliest(
    moments: Sequence[_Moment], drive: Sequence[float], limits: Sequence[tuple[int, int, float]], *, departs: float
) -> list[float] | None:
    times = [moment.early for moment in moments]
    times[0] = max(times[0], departs)
    for _ in range(len(moments) + 1):
        before = list(times)
        for position in range(1, len(times)):
            times[position] = max(
                times[position], times[position - 1] + moments[position - 1].service + drive[position - 1]
            )
        for later, earlier, most in limits:
            times[earlier] = max(times[earlier], times[later] - most)
        if all(now - then <= EPS for now, then in zip(times, before, strict=True)):
            in_time = all(now <= moment.late + EPS for now, moment in zip(times, moments, strict=True))
            return times if in_time else None
    return None


def _latest_departure(
    moments: Sequence[_Moment], drive: Sequence[float], limits: Sequence[tuple[int, int, float]], returns: float
) -> float:
    """The latest start of a legal route that is back at ``returns``."""
    times = [moment.late for moment in moments]
    times[-1] = returns
    for _ in range(len(moments) + 1):
        before = list(times)
        for position in range(len(times) - 2, -1, -1):
            times[position] = min(times[position], times[position + 1] - moments[position].service - drive[position])
        for later, earlier, most in limits:
            times[later] = min(times[later], times[earlier] + most)
        if times == before:
            break
    return times[0]


def _route(
    problem: RoundsProblem,
    vehicle: Vehicle,
    way: Way,
    requests: dict[str, Request],
    configuration: int,
    begins: Sequence[float],
) -> Route:
    row = {place: number for number, place in enumerate(problem.places)}
    here, free = vehicle.start, begins[0]
    aboard = Seats()
    minutes: float = 0
    metres: float = 0
    stops = []
    for (name, act), begin in zip(way, begins[1:-1], strict=True):
        request = requests[name]
        boards = act is Act.PICKUP
        place = request.pickup if boards else request.drop
        step = row[here], row[place]
        minutes += problem.drive_min[step[0]][step[1]]
        metres += problem.distance_m[step[0]][step[1]]
        aboard = aboard + request.seats if boards else aboard - request.seats
        arrives = free + problem.drive_min[step[0]][step[1]]
        free = begin + (request.pickup_service_min if boards else request.drop_service_min)
        stops.append(
            Stop(
                request_id=name,
                act=act,
                place=place,
                arrive_min=min(arrives, begin),
                begin_min=begin,
                leave_min=free,
                aboard=aboard,
            )
        )
        here = place
    if stops:
        minutes += problem.drive_min[row[here]][row[vehicle.end]]
        metres += problem.distance_m[row[here]][row[vehicle.end]]
    return Route(
        vehicle_id=vehicle.id,
        configuration=configuration,
        depart_min=begins[0],
        return_min=begins[-1],
        stops=tuple(stops),
        drive_min=minutes,
        distance_m=metres,
    )
