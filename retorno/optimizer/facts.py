"""The facts that planning works with: a joint problem, a plan, and their parts, frozen.

Every number is a whole number (minutes, cents, persons, days, km); only coordinates may have a fraction. The
attributes have the names of the public format (docs/optimizer-format.md); `from` and `to` are `origin` and
`destination`. Everyone imports them from `optimizer.problem`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

DAY_MIN: Final = 1440

LegKind = Literal["trip", "service", "charter"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Costs:
    """Prices that hold everywhere, cents."""

    driver_day_cents: int
    away_day_cents: int
    bed_night_cents: int
    escort_day_cents: int
    ride_minute_cents: int
    boarding_cents: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Site:
    """A place where legs begin or end; ``beds`` 0 means no overnight stop, ``arrivals`` None no limit."""

    id: str
    country: str
    lat: float
    lon: float
    beds: int
    arrivals: tuple[int, ...] | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Crossing:
    """A border crossing; ``quota`` is persons per day, both directions together."""

    id: str
    countries: tuple[str, str]
    quota: tuple[int, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class VehicleType:
    """A kind of vehicle; ``return_cents`` gives, per site, the price of bringing it home empty.

    ``unaccompanied_max`` is the most unaccompanied children aboard at a time; None for no limit.
    """

    id: str
    seats: int
    wheelchairs: int
    km_cents: int
    day_cents: int
    hire_cents: int
    return_cents: Mapping[str, int]
    unaccompanied_max: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Depot:
    """Where vehicles start; ``own`` and ``hire_max`` map a vehicle type to a count."""

    site: str
    own: Mapping[str, int]
    hire_max: Mapping[str, int]


@dataclass(frozen=True, kw_only=True, slots=True)
class Trip:
    """One vehicle's working day; ``crossings`` has one tuple of ids per segment between two stops."""

    id: str
    stops: tuple[str, ...]
    depart_min: tuple[int, ...]
    arrive_min: tuple[int, ...]
    crossings: tuple[tuple[str, ...], ...]
    km: int
    drivers: int
    days: str
    vulnerable_days: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Service:
    """Seats on a scheduled departure; ``arrive_min`` of 1440 or more is a later day.

    ``unaccompanied_max`` is the most unaccompanied children on one departure, ``escort_returns`` the seats bought on
    the way back for escorts who ride along; None for no limit.
    """

    id: str
    mode: Literal["flight", "coach"]
    origin: str
    destination: str
    depart_min: int
    arrive_min: int
    days: str
    vulnerable_days: str
    seats: int
    fare_cents: int
    crossings: tuple[str, ...]
    unaccompanied_max: int | None = None
    escort_returns: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Charter:
    """Whole aircraft; each flies with at least ``min_load`` and at most ``seats`` persons.

    ``unaccompanied_max`` and ``escort_returns`` as for a service, for each aircraft.
    """

    id: str
    origin: str
    destination: str
    depart_min: int
    arrive_min: int
    days: str
    seats: int
    min_load: int
    fixed_cents: int
    max_per_day: int
    unaccompanied_max: int | None = None
    escort_returns: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class EscortPool:
    """Escorts that may be busy on one day; ``women`` and ``men`` are how many of them, per day, None if not told."""

    id: str
    available: int
    women: tuple[int, ...] | None = None
    men: tuple[int, ...] | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Group:
    """People who travel together and are never split; both prices are for the whole group.

    ``unaccompanied`` of its persons are unaccompanied children; of its escorts at least ``escort_women`` are women and
    ``escort_men`` men.
    """

    id: str
    persons: int
    origin: str
    destination: str
    ready_day: int
    latest_day: int
    vulnerable: int
    wheelchairs: int
    escorts: int
    escort_pool: str | None
    barred_countries: tuple[str, ...]
    wait_cents_per_day: int
    unplanned_cents: int
    max_journey_days: int | None = None
    unaccompanied: int = 0
    escort_women: int = 0
    escort_men: int = 0

    @property
    def seats(self) -> int:
        """Seats the group takes: its persons and their escorts."""
        return self.persons + self.escorts


@dataclass(frozen=True, kw_only=True, slots=True)
class Leg:
    """One ride of a group.

    Parameters
    ----------
    kind, row_id
        Which table of the problem and which row of it.
    day
        Day of departure, 0 is the first day of the problem.
    vehicle, board, alight
        Of a trip only: the plan's vehicle, and stop indices of the trip.
    aircraft
        Of a charter only: counts from 0.
    extra
        Keys of the JSON leg that the format does not know, each with its value as JSON text.
    """

    kind: LegKind
    row_id: str
    day: int
    vehicle: str = ""
    board: int = 0
    alight: int = 0
    aircraft: int = 0
    extra: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class PlannedVehicle:
    """A vehicle of a plan; ``moves`` are (day, trip id) in the order of days."""

    id: str
    type: str
    depot: str
    hired: bool
    moves: tuple[tuple[int, str], ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """Vehicles with their moves, and each planned group's legs; ``problem`` is the problem's name."""

    problem: str
    vehicles: tuple[PlannedVehicle, ...] = ()
    itineraries: dict[str, tuple[Leg, ...]] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class Replan:
    """What already happened before ``now_day``, and what may not or should not change after it."""

    now_day: int
    previous: Plan
    change_cents: int
    locked_groups: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Rest:
    """What a vehicle's drivers need: they stay with their vehicle.

    Parameters
    ----------
    window_days, most_days
        In any so many days that follow each other a vehicle moves on at most so many.
    night_min
        Least minutes between the end of a move and the start of one on the next day.
    """

    window_days: int
    most_days: int
    night_min: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Problem:
    """Everything a plan is made from and judged by; ids and numbers, nothing about a person.

    With ``escorts_keep_seats`` 1, escorts whose group arrives in a vehicle of the plan go home in it: they keep their
    seats on its moves of the next ``escort_return_days`` days.
    """

    name: str
    horizon_days: int
    first_date: str
    clock_utc_offset_min: int
    transfer_min: int
    max_journey_days: int
    escort_return_days: int
    costs: Costs
    sites: tuple[Site, ...]
    crossings: tuple[Crossing, ...]
    closures: frozenset[tuple[str, int]]
    vehicle_types: tuple[VehicleType, ...]
    depots: tuple[Depot, ...]
    trips: tuple[Trip, ...]
    services: tuple[Service, ...]
    charters: tuple[Charter, ...]
    cancelled: frozenset[tuple[str, int]]
    escort_pools: tuple[EscortPool, ...]
    groups: tuple[Group, ...]
    conflicts: tuple[tuple[str, str], ...]
    replan: Replan | None = None
    rest: Rest | None = None
    escorts_keep_seats: int = 0


def EMPTY_PLAN(problem: Problem) -> Plan:
    """A plan of the problem in which nobody travels and no vehicle moves."""
    return Plan(problem=problem.name)
