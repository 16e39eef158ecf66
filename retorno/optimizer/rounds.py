"""Local rounds: vans that collect people at shelters or bring them home from a reception centre.

A *request* is a family or a person who travels whole from one place to another; a *route* is the round of one
vehicle on one day.  Times are minutes after midnight of the day in one clock.  In our own files every number is
whole; in the public dial-a-ride format (`optimizer.rounds_files`) distances and times are Euclidean and not rounded.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from retorno.errors import Fault, InputError

# Ties of unrounded numbers: a minute limit is kept when it is passed by less than this (0.06 milliseconds).
TOLERANCE: Final = 1e-6


class Objective(StrEnum):
    """What is made small: minutes driven, or metres driven (the length, in the public format)."""

    MINUTES = "minutes"
    DISTANCE = "distance"


class Act(StrEnum):
    """What happens at a stop."""

    PICKUP = "pickup"
    DROP = "drop"


class LeftOutReason(StrEnum):
    """Why a request is on no route (docs/rounds.md)."""

    NO_SUCH_SEATS = "NO_SUCH_SEATS"
    RIDE_TOO_LONG = "RIDE_TOO_LONG"
    NO_TIME = "NO_TIME"
    DEARER_THAN_PRICE = "DEARER_THAN_PRICE"
    NO_ROOM = "NO_ROOM"


@dataclass(frozen=True, kw_only=True)
class Seats:
    """Places of each kind: what a request needs, or what a vehicle has.

    Parameters
    ----------
    seat
        Ordinary seats.
    wheelchair
        Places for a person who stays in the wheelchair; nobody else may use them.
    stretcher
        Places for a person lying down; nobody else may use them.
    escort
        Of a request: people who may sit on an escort's seat or on an ordinary one.  Of a vehicle: seats that only
        they may use.
    """

    seat: int = 0
    wheelchair: int = 0
    stretcher: int = 0
    escort: int = 0

    @property
    def persons(self) -> int:
        """How many people that is."""
        return self.seat + self.wheelchair + self.stretcher + self.escort

    def holds(self, load: Seats) -> bool:
        """Whether people needing ``load`` fit at once into these places."""
        return (
            load.seat <= self.seat
            and load.wheelchair <= self.wheelchair
            and load.stretcher <= self.stretcher
            and load.seat + load.escort <= self.seat + self.escort
        )

    def __add__(self, other: Seats) -> Seats:
        return Seats(
            seat=self.seat + other.seat,
            wheelchair=self.wheelchair + other.wheelchair,
            stretcher=self.stretcher + other.stretcher,
            escort=self.escort + other.escort,
        )

    def __sub__(self, other: Seats) -> Seats:
        return Seats(
            seat=self.seat - other.seat,
            wheelchair=self.wheelchair - other.wheelchair,
            stretcher=self.stretcher - other.stretcher,
            escort=self.escort - other.escort,
        )


@dataclass(frozen=True, kw_only=True)
class Request:
    """People who ride together from one place to another.

    Parameters
    ----------
    pickup, drop
        Place ids.
    pickup_from_min, pickup_until_min, drop_from_min, drop_until_min
        Boarding and alighting begin in these windows; a vehicle that comes early waits.
    pickup_service_min, drop_service_min
        Minutes that boarding and alighting take.
    max_ride_min
        Most minutes from the end of boarding to the beginning of alighting.
    children
        How many of them are children: with any, the problem's ``max_ride_children_min`` holds too.
    left_out_price
        What it costs, in units of the objective, to leave them out; ``None``: they must be taken, and a plan
        without them is not valid.
    """

    id: str
    seats: Seats
    pickup: str
    drop: str
    pickup_from_min: float
    pickup_until_min: float
    drop_from_min: float
    drop_until_min: float
    pickup_service_min: float
    drop_service_min: float
    max_ride_min: float
    children: int = 0
    left_out_price: float | None = None


@dataclass(frozen=True, kw_only=True)
class Vehicle:
    """One vehicle with its driver's day.

    Parameters
    ----------
    start, end
        Place ids of the depots where the round begins and ends.
    configurations
        The ways its places may be set up, one of them for the whole round; at least one.
    shift_from_min, shift_until_min
        The round neither begins before nor ends after.
    max_route_min
        Most minutes from leaving the depot to being back.
    """

    id: str
    start: str
    end: str
    configurations: tuple[Seats, ...]
    shift_from_min: float
    shift_until_min: float
    max_route_min: float


@dataclass(frozen=True, kw_only=True)
class RoundsProblem:
    """Everything that is given.

    Parameters
    ----------
    places
        ``n`` place ids, the rows and columns of both tables.
    drive_min, distance_m
        ``n`` rows of ``n`` numbers from row to column: minutes, and metres (in the public format both are the
        Euclidean distance).
    max_ride_children_min
        Most minutes a request with children rides, if shorter than its own limit; ``None``: its own limit alone.
    conflicts
        Pairs of request ids that may not be on one route.
    """

    name: str
    places: tuple[str, ...]
    drive_min: tuple[tuple[float, ...], ...]
    distance_m: tuple[tuple[float, ...], ...]
    requests: tuple[Request, ...]
    vehicles: tuple[Vehicle, ...]
    objective: Objective = Objective.MINUTES
    max_ride_children_min: float | None = None
    conflicts: tuple[tuple[str, str], ...] = ()

    def __post_init__(self) -> None:
        faults = faults_of(self)
        if faults:
            raise InputError(faults)

    def ride_limit(self, request: Request) -> float:
        """Most minutes that the request may ride, the children's limit included."""
        if request.children and self.max_ride_children_min is not None:
            return min(request.max_ride_min, self.max_ride_children_min)
        return request.max_ride_min


@dataclass(frozen=True, kw_only=True)
class Stop:
    """One request boards or alights.

    Parameters
    ----------
    arrive_min, begin_min, leave_min
        The vehicle arrives, boarding or alighting begins (after a wait, if it came early), it has ended.
    aboard
        Who is in the vehicle when it leaves.
    """

    request_id: str
    act: Act
    place: str
    arrive_min: float
    begin_min: float
    leave_min: float
    aboard: Seats


@dataclass(frozen=True, kw_only=True)
class Route:
    """The round of one vehicle; ``configuration`` is the position of the set-up used among the vehicle's."""

    vehicle_id: str
    configuration: int
    depart_min: float
    return_min: float
    stops: tuple[Stop, ...]
    drive_min: float
    distance_m: float

    @property
    def request_ids(self) -> tuple[str, ...]:
        """The requests taken, in the order in which they board."""
        return tuple(stop.request_id for stop in self.stops if stop.act is Act.PICKUP)


@dataclass(frozen=True, kw_only=True)
class LeftOut:
    """A request on no route, and why; ``explanation`` says it in a plain English sentence."""

    request_id: str
    reason: LeftOutReason
    explanation: str


@dataclass(frozen=True, kw_only=True)
class RoundsSettings:
    """How long to look.

    Parameters
    ----------
    seconds
        Time limit from the call on.
    seed
        Of the random choices.
    max_rounds
        Rounds of ruin and recreate at most; with it, and enough time, a run can be repeated exactly.
    """

    seconds: float = 10.0
    seed: int = 1
    max_rounds: int | None = None


@dataclass(frozen=True, kw_only=True)
class RoundsResult:
    """The best plan found.

    Parameters
    ----------
    value
        Minutes or metres of all routes, and the prices of the requests left out.
    bound
        No plan has a smaller value; ``None`` if none is proven.
    rounds
        Rounds of ruin and recreate that were done.
    stop_reason
        ``time``, ``rounds``, ``stopped`` or ``nothing to plan``.
    """

    routes: tuple[Route, ...]
    left_out: tuple[LeftOut, ...]
    value: float
    bound: float | None
    rounds: int
    seconds: float
    seed: int
    stop_reason: str
    failures: tuple[str, ...] = field(default=())


def faults_of(problem: RoundsProblem) -> list[Fault]:
    """Everything in a problem that contradicts itself, all at once."""
    faults: list[Fault] = []
    known = set(problem.places)
    if len(known) != len(problem.places):
        faults.append(_fault("places", "has an id twice, expected every place once"))
    size = len(problem.places)
    for name, table in (("drive_min", problem.drive_min), ("distance_m", problem.distance_m)):
        if len(table) != size or any(len(row) != size for row in table):
            faults.append(_fault(name, f"is not a table of {size} rows of {size} numbers, one per place"))
        elif any(number < 0 for row in table for number in row):
            faults.append(_fault(name, "holds a number below 0"))
    faults += _doubled("requests", [request.id for request in problem.requests])
    faults += _doubled("vehicles", [vehicle.id for vehicle in problem.vehicles])
    for index, request in enumerate(problem.requests):
        faults += _request_faults(request, f"requests[{index}].", known)
    for index, vehicle in enumerate(problem.vehicles):
        faults += _vehicle_faults(vehicle, f"vehicles[{index}].", known)
    ids = {request.id for request in problem.requests}
    for index, pair in enumerate(problem.conflicts):
        if pair[0] == pair[1] or not set(pair) <= ids:
            faults.append(_fault(f"conflicts[{index}]", f"is {list(pair)}, expected two different request ids"))
    if problem.max_ride_children_min is not None and problem.max_ride_children_min < 0:
        faults.append(_fault("max_ride_children_min", "is below 0"))
    return faults


def _fault(where: str, what: str) -> Fault:
    return Fault(what=what, column=where)


def _doubled(table: str, ids: Sequence[str]) -> list[Fault]:
    twice = sorted(name for name, times in Counter(ids).items() if times > 1)
    return [_fault(table, f"has the id {name} more than once, expected every id once") for name in twice]


def _request_faults(request: Request, where: str, places: set[str]) -> list[Fault]:
    faults = []
    for name in ("pickup", "drop"):
        if getattr(request, name) not in places:
            faults.append(_fault(f"{where}{name}", f"is {getattr(request, name)}, expected one of the places"))
        least, most = getattr(request, f"{name}_from_min"), getattr(request, f"{name}_until_min")
        if least > most:
            faults.append(_fault(f"{where}{name}_from_min", f"is {least:g}, after the window's end {most:g}"))
        if getattr(request, f"{name}_service_min") < 0:
            faults.append(_fault(f"{where}{name}_service_min", "is below 0"))
    seats = request.seats
    if min(seats.seat, seats.wheelchair, seats.stretcher, seats.escort) < 0 or seats.persons == 0:
        faults.append(_fault(f"{where}seats", "is not at least one place, none below 0"))
    if not 0 <= request.children <= seats.persons:
        faults.append(_fault(f"{where}children", f"is {request.children}, expected 0 to {seats.persons}"))
    if request.max_ride_min < 0:
        faults.append(_fault(f"{where}max_ride_min", "is below 0"))
    if request.left_out_price is not None and request.left_out_price < 0:
        faults.append(_fault(f"{where}left_out_price", "is below 0"))
    return faults


def _vehicle_faults(vehicle: Vehicle, where: str, places: set[str]) -> list[Fault]:
    faults = []
    for name in ("start", "end"):
        if getattr(vehicle, name) not in places:
            faults.append(_fault(f"{where}{name}", f"is {getattr(vehicle, name)}, expected one of the places"))
    if not vehicle.configurations:
        faults.append(_fault(f"{where}configurations", "is empty, expected at least one set-up"))
    for index, seats in enumerate(vehicle.configurations):
        if min(seats.seat, seats.wheelchair, seats.stretcher, seats.escort) < 0:
            faults.append(_fault(f"{where}configurations[{index}]", "has a number below 0"))
    if vehicle.shift_from_min > vehicle.shift_until_min:
        faults.append(_fault(f"{where}shift_from_min", "is after shift_until_min"))
    if vehicle.max_route_min < 0:
        faults.append(_fault(f"{where}max_route_min", "is below 0"))
    return faults
