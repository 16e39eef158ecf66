"""Why a group may be unplanned, what could be changed about it, and how large such a change is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, Final

from retorno.errors import InputError
from retorno.optimizer.problem import Group, Problem


class Reason(StrEnum):
    """What keeps a group from being planned; a closed list."""

    NO_ROUTE = "NO_ROUTE"
    BARRED_COUNTRY = "BARRED_COUNTRY"
    GROUP_TOO_LARGE = "GROUP_TOO_LARGE"
    DATE_TOO_EARLY = "DATE_TOO_EARLY"
    JOURNEY_TOO_LONG = "JOURNEY_TOO_LONG"
    VULNERABLE_WINDOW = "VULNERABLE_WINDOW"
    CROSSING_CLOSED = "CROSSING_CLOSED"
    CANCELLED = "CANCELLED"
    QUOTA_FULL = "QUOTA_FULL"
    NO_BED = "NO_BED"
    RECEPTION_FULL = "RECEPTION_FULL"
    NO_ESCORT = "NO_ESCORT"
    NO_SEAT = "NO_SEAT"
    UNACCOMPANIED_FULL = "UNACCOMPANIED_FULL"
    NO_RETURN_SEAT = "NO_RETURN_SEAT"
    DRIVERS_REST = "DRIVERS_REST"
    CHARTER_NOT_FILLED = "CHARTER_NOT_FILLED"
    CONFLICT = "CONFLICT"
    LOCKED_OUT = "LOCKED_OUT"
    ROOM_LEFT = "ROOM_LEFT"


class Relaxation(StrEnum):
    """A change of the problem; `Change` says of what, when and by how much.

    The limit of unaccompanied children and the drivers' rest are never among them: nobody is asked to loosen those.
    The ids that go with each: SEATS and WHEELCHAIRS a row and, for a trip, the vehicle type; VEHICLES a depot and
    a vehicle type; BEDS and RECEPTION a site; QUOTA and OPEN_CROSSING a crossing; ESCORTS, ESCORT_WOMEN and ESCORT_MEN
    a pool; ESCORT_RETURNS a service or charter; CHARTER_LOAD a charter; LATEST_DAY, JOURNEY_DAYS and UNLOCK a group;
    RUN and VULNERABLE_DAY a row; TRANSIT a group and a country.
    """

    SEATS = "SEATS"
    WHEELCHAIRS = "WHEELCHAIRS"
    VEHICLES = "VEHICLES"
    BEDS = "BEDS"
    QUOTA = "QUOTA"
    RECEPTION = "RECEPTION"
    ESCORTS = "ESCORTS"
    ESCORT_WOMEN = "ESCORT_WOMEN"
    ESCORT_MEN = "ESCORT_MEN"
    ESCORT_RETURNS = "ESCORT_RETURNS"
    CHARTER_LOAD = "CHARTER_LOAD"
    LATEST_DAY = "LATEST_DAY"
    JOURNEY_DAYS = "JOURNEY_DAYS"
    OPEN_CROSSING = "OPEN_CROSSING"
    RUN = "RUN"
    VULNERABLE_DAY = "VULNERABLE_DAY"
    TRANSIT = "TRANSIT"
    UNLOCK = "UNLOCK"


# How large a change is, so that the smallest can be told: once, and per unit. Our assumption: a seat or a bed is
# found most easily, then a day, an escort, a vehicle; reopening a border or a protection rule comes last.
SIZES: Final[dict[Relaxation, tuple[int, int]]] = {
    Relaxation.SEATS: (100, 10),
    Relaxation.WHEELCHAIRS: (150, 10),
    Relaxation.BEDS: (110, 10),
    Relaxation.RECEPTION: (120, 10),
    Relaxation.QUOTA: (130, 10),
    Relaxation.CHARTER_LOAD: (140, 10),
    Relaxation.LATEST_DAY: (200, 100),
    Relaxation.ESCORT_RETURNS: (160, 10),
    Relaxation.ESCORTS: (250, 50),
    Relaxation.ESCORT_WOMEN: (250, 50),
    Relaxation.ESCORT_MEN: (250, 50),
    Relaxation.JOURNEY_DAYS: (400, 100),
    Relaxation.VEHICLES: (900, 100),
    Relaxation.TRANSIT: (2_000, 0),
    Relaxation.RUN: (3_000, 0),
    Relaxation.VULNERABLE_DAY: (4_000, 0),
    Relaxation.OPEN_CROSSING: (4_000, 0),
    Relaxation.UNLOCK: (1_000, 0),
}

REASON_OF: Final[dict[Relaxation, Reason]] = {
    Relaxation.SEATS: Reason.NO_SEAT,
    Relaxation.WHEELCHAIRS: Reason.NO_SEAT,
    Relaxation.VEHICLES: Reason.NO_SEAT,
    Relaxation.BEDS: Reason.NO_BED,
    Relaxation.RECEPTION: Reason.RECEPTION_FULL,
    Relaxation.QUOTA: Reason.QUOTA_FULL,
    Relaxation.CHARTER_LOAD: Reason.CHARTER_NOT_FILLED,
    Relaxation.LATEST_DAY: Reason.DATE_TOO_EARLY,
    Relaxation.ESCORTS: Reason.NO_ESCORT,
    Relaxation.ESCORT_WOMEN: Reason.NO_ESCORT,
    Relaxation.ESCORT_MEN: Reason.NO_ESCORT,
    Relaxation.ESCORT_RETURNS: Reason.NO_RETURN_SEAT,
    Relaxation.JOURNEY_DAYS: Reason.JOURNEY_TOO_LONG,
    Relaxation.TRANSIT: Reason.BARRED_COUNTRY,
    Relaxation.RUN: Reason.CANCELLED,
    Relaxation.VULNERABLE_DAY: Reason.VULNERABLE_WINDOW,
    Relaxation.OPEN_CROSSING: Reason.CROSSING_CLOSED,
    Relaxation.UNLOCK: Reason.LOCKED_OUT,
}

# What may be lacking while rides are priced, on an empty network and on a plan's free capacity.


@dataclass(frozen=True, kw_only=True, slots=True)
class Change:
    """One change of the problem: two more seats on trip T on day 7.

    Parameters
    ----------
    code, ids
        What is changed; `Relaxation` says which ids belong to it.
    day
        On which day or night; None where the change has none.
    amount
        By how many seats, places, vehicles, beds, persons, escorts or days; 1 where nothing is counted.
    """

    code: Relaxation
    ids: tuple[str, ...]
    day: int | None
    amount: int


def journey_limit(problem: Problem, group: Group) -> int:
    return problem.max_journey_days if group.max_journey_days is None else group.max_journey_days


def size_of(code: Relaxation, amount: int) -> int:
    once, each = SIZES[code]
    return once + each * amount if amount > 0 else 0


def with_changes(problem: Problem, changes: Iterable[Change]) -> Problem:
    """The problem as it would be after the changes.

    Where the problem has one number for all days (seats of a vehicle type, beds, escorts, charter loads), that
    number changes by the largest amount asked for.

    Raises
    ------
    InputError
        If an id of a change is not in the problem.
    """
    changes = list(changes)
    most: Counter[tuple[Relaxation, str]] = Counter()
    for change in changes:
        key = (change.code, change.ids[-1])
        most[key] = max(most[key], change.amount)
    days = {(change.code, change.ids[0], change.day): change.amount for change in changes}
    _expect_ids(problem, changes)

    def more(code: Relaxation, row_id: str) -> int:
        return most[code, row_id]

    def raised(limit: int | None, code: Relaxation, row_id: str) -> int | None:
        return None if limit is None else limit + most[code, row_id]

    def per_day(code: Relaxation, row_id: str, values: tuple[int, ...]) -> tuple[int, ...]:
        return tuple(value + days.get((code, row_id, day), 0) for day, value in enumerate(values))

    def stricter(row_id: str, vulnerable_days: str) -> str:
        return "".join(
            "1" if (Relaxation.VULNERABLE_DAY, row_id, day) in days else offered
            for day, offered in enumerate(vulnerable_days)
        )

    return replace(
        problem,
        sites=tuple(
            replace(
                site,
                beds=site.beds + more(Relaxation.BEDS, site.id),
                arrivals=None if site.arrivals is None else per_day(Relaxation.RECEPTION, site.id, site.arrivals),
            )
            for site in problem.sites
        ),
        crossings=tuple(
            replace(crossing, quota=per_day(Relaxation.QUOTA, crossing.id, crossing.quota))
            for crossing in problem.crossings
        ),
        closures=frozenset(pair for pair in problem.closures if (Relaxation.OPEN_CROSSING, *pair) not in days),
        cancelled=frozenset(pair for pair in problem.cancelled if (Relaxation.RUN, *pair) not in days),
        vehicle_types=tuple(
            replace(
                kind,
                seats=kind.seats + more(Relaxation.SEATS, kind.id),
                wheelchairs=kind.wheelchairs + more(Relaxation.WHEELCHAIRS, kind.id),
            )
            for kind in problem.vehicle_types
        ),
        depots=tuple(
            replace(depot, hire_max=_more_hired(dict(depot.hire_max), depot.site, changes)) for depot in problem.depots
        ),
        trips=tuple(replace(trip, vulnerable_days=stricter(trip.id, trip.vulnerable_days)) for trip in problem.trips),
        services=tuple(
            replace(
                row,
                seats=row.seats + more(Relaxation.SEATS, row.id),
                vulnerable_days=stricter(row.id, row.vulnerable_days),
                escort_returns=raised(row.escort_returns, Relaxation.ESCORT_RETURNS, row.id),
            )
            for row in problem.services
        ),
        charters=tuple(
            replace(
                row,
                seats=row.seats + more(Relaxation.SEATS, row.id),
                min_load=row.min_load - more(Relaxation.CHARTER_LOAD, row.id),
                escort_returns=raised(row.escort_returns, Relaxation.ESCORT_RETURNS, row.id),
            )
            for row in problem.charters
        ),
        escort_pools=tuple(
            replace(
                pool,
                available=pool.available + more(Relaxation.ESCORTS, pool.id),
                women=pool.women and per_day(Relaxation.ESCORT_WOMEN, pool.id, pool.women),
                men=pool.men and per_day(Relaxation.ESCORT_MEN, pool.id, pool.men),
            )
            for pool in problem.escort_pools
        ),
        groups=tuple(_with_group_changes(problem, group, changes) for group in problem.groups),
        replan=problem.replan
        and replace(
            problem.replan,
            locked_groups=tuple(
                group_id for group_id in problem.replan.locked_groups if not more(Relaxation.UNLOCK, group_id)
            ),
        ),
    )


def _more_hired(hire_max: dict[str, int], depot: str, changes: Iterable[Change]) -> dict[str, int]:
    for change in changes:
        if change.code is Relaxation.VEHICLES and change.ids[0] == depot:
            hire_max[change.ids[1]] = hire_max.get(change.ids[1], 0) + change.amount
    return hire_max


def _with_group_changes(problem: Problem, group: Group, changes: Iterable[Change]) -> Group:
    for change in changes:
        if change.ids[0] != group.id:
            continue
        if change.code is Relaxation.LATEST_DAY:
            group = replace(group, latest_day=group.latest_day + change.amount)
        elif change.code is Relaxation.JOURNEY_DAYS:
            limit = journey_limit(problem, group) + change.amount
            group = replace(group, max_journey_days=limit)
        elif change.code is Relaxation.TRANSIT:
            barred = tuple(country for country in group.barred_countries if country != change.ids[1])
            group = replace(group, barred_countries=barred)
    return group


def _expect_ids(problem: Problem, changes: Iterable[Change]) -> None:
    tables: tuple[Iterable[Any], ...] = (
        problem.sites,
        problem.crossings,
        problem.vehicle_types,
        problem.trips,
        problem.services,
        problem.charters,
        problem.escort_pools,
        problem.groups,
    )
    known = {row.id for table in tables for row in table}
    unknown = sorted(change.ids[0] for change in changes if change.ids[0] not in known)
    if unknown:
        raise InputError(f"a change names {', '.join(unknown)}, which the problem does not have")
