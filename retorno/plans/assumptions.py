"""What a plan on a copy assumes, and the problem as it would be then.

Nothing of it is real: a plan that counts on more than there is cannot be accepted until it is on record.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date, timedelta
from typing import Any

from retorno.errors import Fault, InputError
from retorno.models.movements import Plan, Vehicle
from retorno.optimizer.problem import Depot, Problem, Site, VehicleType
from retorno.optimizer.relaxations import Change, Relaxation, with_changes
from retorno.rules import usable_seats
from retorno.situation import Situation
from retorno.vocabulary import Assumed

MOST_BUS_SEATS = 80
MORE = frozenset({Assumed.ADD_BUS, Assumed.ADD_SEATS, Assumed.CHANGE})
"""Assumptions that there is more than is on record."""
LESS = frozenset({Assumed.CLOSE_CROSSING, Assumed.CANCEL_OFFER, Assumed.LOSE_VEHICLE, Assumed.SHUT_PLACE})
"""Assumptions that something is no longer there."""


@dataclass(frozen=True, kw_only=True)
class WhatIf:
    """One thing that a copy assumes.

    Parameters
    ----------
    kind
        What kind of thing.
    ids
        CLOSE_CROSSING the crossing; CANCEL_OFFER and ADD_SEATS the offer; LOSE_VEHICLE the vehicle;
        SHUT_PLACE the place that receives nobody and gives no bed;
        ADD_BUS the place it starts from and its vehicle type as in data/vehicles.csv; MORE_DAYS none;
        CHANGE the ids of an optimizer's change, as a plan keeps them.
    first_day, last_day
        Of a closed crossing or place; None for the whole plan. Of a change its day, if it has one.
    amount
        Seats built into an added bus; seats, days or units more.
    code
        Of a change only: what is changed.
    """

    kind: Assumed
    ids: tuple[str, ...] = ()
    first_day: date | None = None
    last_day: date | None = None
    amount: int = 1
    code: str = ""


def to_json(assumed: Iterable[WhatIf]) -> str:
    """As a plan keeps it."""
    return json.dumps([_plain(asdict(each)) for each in assumed], sort_keys=True)


def _plain(row: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value.isoformat() if isinstance(value, date) else value for key, value in row.items()}


def assumed_by(plan: Plan) -> tuple[WhatIf, ...]:
    """What a plan assumes; nothing for one on the facts."""
    return tuple(
        WhatIf(
            kind=Assumed(row["kind"]),
            ids=tuple(row["ids"]),
            first_day=date.fromisoformat(row["first_day"]) if row["first_day"] else None,
            last_day=date.fromisoformat(row["last_day"]) if row["last_day"] else None,
            amount=row["amount"],
            code=row["code"],
        )
        for row in json.loads(plan.assumed)
    )


def counts_on_more(plan: Plan) -> bool:
    """Whether a plan assumes that there is more than is on record."""
    return any(each.kind in MORE for each in assumed_by(plan))


def stand_ins(plan: Plan) -> list[Vehicle]:
    """The vehicles that a plan assumes, as rows with every paper in order; only for what is taken back at once."""
    kinds = []
    for each in assumed_by(plan):
        if each.kind is Assumed.ADD_BUS:
            kinds.append((each.ids[0], each.ids[1], each.amount, 0, False))
        elif each.code == Relaxation.VEHICLES:
            vehicle_type, seats, wheelchairs = each.ids[1].rsplit("-", 2)
            kinds += [(each.ids[0], vehicle_type, int(seats), int(wheelchairs), True)] * each.amount
    papers = plan.first_date + timedelta(days=plan.horizon_days + 1)
    return [
        Vehicle(
            vehicle_type=vehicle_type,
            plate="",
            operator="",
            depot_place_id=place,
            seats=seats,
            wheelchairs=wheelchairs,
            is_hired=is_hired,
            licence_until=papers,
            insurance_until=papers,
            inspection_until=papers,
        )
        for place, vehicle_type, seats, wheelchairs, is_hired in kinds
    ]


def from_changes(changes: Iterable[Mapping[str, Any]], first_date: date) -> tuple[WhatIf, ...]:
    """The changes that a plan names for a group, as assumptions."""
    return tuple(
        WhatIf(
            kind=Assumed.CHANGE,
            code=str(row["code"]),
            ids=tuple(row["ids"]),
            first_day=None if row["day"] is None else first_date + timedelta(days=row["day"]),
            amount=int(row["amount"]),
        )
        for row in changes
    )


# ---- the problem as it would be ------------------------------------------------------------------------------


def assume(problem: Problem, assumed: Sequence[WhatIf], at: Situation) -> Problem:
    """The problem as it would be; more days are a matter of gathering, not of this.

    Raises
    ------
    InputError
        If something assumed is not in the problem, every fault at once.
    """
    faults = [fault for each in assumed for fault in faults_of(problem, each, at)]
    if faults:
        raise InputError([Fault(what=fault, column="what_if") for fault in faults])
    changes = [each for each in assumed if each.kind is Assumed.CHANGE]
    if changes:
        problem = with_changes(problem, [_change(each, problem) for each in changes])
    for each in assumed:
        match each.kind:
            case Assumed.CLOSE_CROSSING:
                closed = {(each.ids[0], day) for day in _days(each, problem)}
                problem = replace(problem, closures=problem.closures | closed)
            case Assumed.CANCEL_OFFER:
                cancelled = {(each.ids[0], day) for day in range(problem.horizon_days)}
                problem = replace(problem, cancelled=problem.cancelled | cancelled)
            case Assumed.LOSE_VEHICLE:
                problem = _without_vehicle(problem, each.ids[1], each.ids[2], is_hired=each.ids[3] == "hired")
            case Assumed.SHUT_PLACE:
                problem = _without_place(problem, each.ids[0], _days(each, problem))
            case Assumed.ADD_BUS:
                problem = _with_bus(problem, each, at)
            case Assumed.ADD_SEATS:
                problem = _with_seats(problem, each.ids[0], each.amount)
            case Assumed.MORE_DAYS | Assumed.CHANGE:
                continue
    return problem


def _days(each: WhatIf, problem: Problem) -> range:
    """Days of the problem on which an assumption holds."""
    start = date.fromisoformat(problem.first_date)
    first = 0 if each.first_day is None else (each.first_day - start).days
    last = problem.horizon_days - 1 if each.last_day is None else (each.last_day - start).days
    return range(max(0, first), min(last, problem.horizon_days - 1) + 1)


def faults_of(problem: Problem, each: WhatIf, at: Situation) -> list[str]:
    """What is wrong with one assumption about a problem; nothing if it can be assumed."""
    name = each.ids[0] if each.ids else ""
    faults = []
    rows = {row.id for row in problem.services} | {row.id for row in problem.charters}
    match each.kind:
        case Assumed.CLOSE_CROSSING:
            if name not in {row.id for row in problem.crossings}:
                faults.append(f"no way of the plan leads over {name}: choose one of its crossings")
            if not _days(each, problem):
                faults.append(f"{name} would be closed on no day of the plan: check first and last day")
        case Assumed.CANCEL_OFFER if name not in rows:
            faults.append(f"the plan has no offer {name}")
        case Assumed.LOSE_VEHICLE if not _has_vehicle(problem, each.ids):
            faults.append(f"the plan has no vehicle {name} to lose")
        case Assumed.SHUT_PLACE if name not in {row.id for row in problem.sites}:
            faults.append(f"the plan does not pass {name}")
        case Assumed.ADD_BUS:
            if not any(trip.stops[0] == name for trip in problem.trips):
                faults.append(f"no road trip of the plan starts at {name}: choose a place where one does")
            if len(each.ids) < 2 or each.ids[1] not in at.ground.vehicle_types:
                faults.append(f"the kind of vehicle is unknown, expected one of {', '.join(at.ground.vehicle_types)}")
            if not 1 <= each.amount <= MOST_BUS_SEATS:
                faults.append(f"{each.amount} seats, expected 1 to {MOST_BUS_SEATS}")
        case Assumed.ADD_SEATS:
            if name not in rows:
                faults.append(f"the plan has no offer {name}")
            if each.amount < 1:
                faults.append(f"{each.amount} seats more, expected 1 or more")
        case Assumed.MORE_DAYS if each.amount < 1:
            faults.append(f"{each.amount} days more, expected 1 or more")
        case Assumed.CHANGE if each.code not in set(Relaxation):
            faults.append(f"the change {each.code} is unknown")
    return faults


def _change(each: WhatIf, problem: Problem) -> Change:
    start = date.fromisoformat(problem.first_date)
    return Change(
        code=Relaxation(each.code),
        ids=each.ids,
        day=None if each.first_day is None else (each.first_day - start).days,
        amount=each.amount,
    )


def _has_vehicle(problem: Problem, ids: Sequence[str]) -> bool:
    if len(ids) != 4:
        return False
    _, kind, depot, hired = ids
    row = next((each for each in problem.depots if each.site == depot), None)
    return row is not None and (row.hire_max if hired == "hired" else row.own).get(kind, 0) > 0


def _without_vehicle(problem: Problem, kind: str, depot: str, *, is_hired: bool) -> Problem:
    def fewer(counts: Mapping[str, int]) -> dict[str, int]:
        return {name: count - (name == kind) for name, count in counts.items()}

    def smaller(row: Depot) -> Depot:
        return replace(row, hire_max=fewer(row.hire_max)) if is_hired else replace(row, own=fewer(row.own))

    return replace(problem, depots=tuple(smaller(row) if row.site == depot else row for row in problem.depots))


def _without_place(problem: Problem, place: str, days: range) -> Problem:
    """A place where nobody is received on some days, and which gives no bed."""
    everybody = sum(group.persons for group in problem.groups)

    def shut(row: Site) -> Site:
        open_days = row.arrivals if row.arrivals is not None else (everybody,) * problem.horizon_days
        return replace(row, beds=0, arrivals=tuple(0 if day in days else n for day, n in enumerate(open_days)))

    return replace(problem, sites=tuple(shut(row) if row.id == place else row for row in problem.sites))


def _with_bus(problem: Problem, each: WhatIf, at: Situation) -> Problem:
    """One more vehicle at a place, on every day of the plan: a plan has a vehicle for all its days or not at all."""
    place, kind_name = each.ids[0], each.ids[1]
    type_id = f"{kind_name}-{each.amount}-0"
    types = {kind.id: kind for kind in problem.vehicle_types}
    if type_id not in types:
        kind = at.ground.vehicle_types[kind_name]
        types[type_id] = VehicleType(
            id=type_id,
            seats=usable_seats(each.amount, at.policy),
            wheelchairs=0,
            km_cents=kind.km_usd_cents,
            day_cents=kind.day_usd_cents,
            hire_cents=kind.hire_usd_cents,
            return_cents=_ways_home(problem, kind_name),
            unaccompanied_max=at.policy.unaccompanied_per_vehicle,
        )
    depots = {row.site: row for row in problem.depots}
    old = depots.get(place, Depot(site=place, own={}, hire_max={}))
    depots[place] = replace(old, own={**old.own, type_id: old.own.get(type_id, 0) + 1})
    return replace(problem, vehicle_types=tuple(types.values()), depots=tuple(depots.values()))


def _ways_home(problem: Problem, kind_name: str) -> dict[str, int]:
    """Prices of bringing a vehicle home, of one of its kind, else the dearest of any kind."""
    alike = [kind.return_cents for kind in problem.vehicle_types if kind.id.startswith(f"{kind_name}-")]
    dearest: dict[str, int] = {}
    for prices in alike[:1] or [kind.return_cents for kind in problem.vehicle_types]:
        for place, cents in prices.items():
            dearest[place] = max(cents, dearest.get(place, 0))
    return dearest


def _with_seats(problem: Problem, row_id: str, amount: int) -> Problem:
    return replace(
        problem,
        services=tuple(replace(r, seats=r.seats + amount) if r.id == row_id else r for r in problem.services),
        charters=tuple(replace(r, seats=r.seats + amount) if r.id == row_id else r for r in problem.charters),
    )
