"""What a coordinator reads of a plan: progress, who goes when, who does not and why, loads, waits by nationality.

Reads only. Figures about fairness are computed here, outside the solver, which never learns a nationality (R32).
"""

from __future__ import annotations

import gzip
import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from sqlmodel import Session, col, select

from retorno import clock, planning
from retorno.models.movements import Driver, Escort, Movement, Offer, Plan, Vehicle
from retorno.models.people import Case, Person, TravelGroup
from retorno.office import access, jobs
from retorno.rules import Finding, RuleCode, WhatNow
from retorno.scope import CLOCK_UTC_OFFSET_MIN
from retorno.vocabulary import JobState, Mode, MovementStatus, PersonStatus, PlanStatus, Role, Rule


@dataclass(frozen=True, kw_only=True)
class PlanStop:
    """A place on the way; the first has no arrival, the last no departure."""

    place_id: str
    arrive_at: datetime | None
    depart_at: datetime | None


@dataclass(frozen=True, kw_only=True)
class PlanBorder:
    """A crossing on the way and when the vehicle is there, if that is known."""

    crossing_id: str
    at: datetime | None


@dataclass(frozen=True, kw_only=True)
class PlanMovement:
    """One vehicle on one day, or one departure of a flight or coach, with people aboard."""

    name: str
    mode: Mode
    day: date
    stops: tuple[PlanStop, ...]
    borders: tuple[PlanBorder, ...]
    rests: tuple[tuple[datetime, datetime], ...]
    group_ids: tuple[str, ...]
    person_count: int
    seats: int


@dataclass(frozen=True, kw_only=True)
class Change:
    """One part of the smallest change that would plan a group; ``names`` are ids of places, crossings, vehicles."""

    code: str
    names: tuple[str, ...]
    day: date | None
    amount: int


@dataclass(frozen=True, kw_only=True)
class UnplannedGroup:
    """A group that does not go in this plan, with what it lacks; findings are as the reader may see them."""

    group_id: str
    case_id: str
    case_reference: str
    person_count: int
    days_waiting: int
    destination_place_id: str
    reasons: tuple[str, ...]
    changes: tuple[Change, ...]
    findings: tuple[Finding, ...]


@dataclass(frozen=True, kw_only=True)
class Fairness:
    """People of one nationality: how many go, and the days within which nine of ten of them are home."""

    nationality: str
    person_count: int
    planned_count: int
    p90_days: int


@dataclass(frozen=True, kw_only=True)
class Load:
    """Use of a limit on one day: seats of a vehicle, people over a crossing, people received at a place."""

    kind: str
    name: str
    day: date
    used: int
    limit: int | None


@dataclass(frozen=True, kw_only=True)
class Progress:
    """A run as it stands.

    Parameters
    ----------
    gap
        How far the plan may still be from the best possible, as a share; None while nothing is proven.
    is_waiting
        No worker has taken it yet.
    """

    seconds: float
    seconds_limit: int
    persons_planned: int
    persons: int
    gap: float | None
    is_waiting: bool
    is_stopping: bool


@dataclass(frozen=True, kw_only=True)
class PlanReport:
    """A plan that ended, as a coordinator reads it."""

    plan: Plan
    persons: int
    persons_planned: int
    gap: float | None
    value_cents: int | None
    components: Mapping[str, int]
    is_valid: bool
    movements: tuple[PlanMovement, ...]
    unplanned: tuple[UnplannedGroup, ...]
    fairness: tuple[Fairness, ...]
    loads: tuple[Load, ...] = field(default=())


# ---- progress --------------------------------------------------------------------------------------------------


def progress(session: Session, actor: access.Actor, *, plan_id: str) -> Progress | None:
    """How far a run is; None when it has ended."""
    plan = planning.read_plan(session, actor, plan_id=plan_id)
    if plan.status is not PlanStatus.RUNNING:
        return None
    job = jobs.of_object(session, plan_id)
    told: dict[str, Any] = json.loads(job.progress) if job else {}
    return Progress(
        seconds=float(told.get("seconds") or 0),
        seconds_limit=plan.seconds,
        persons_planned=int(told.get("planned") or 0),
        persons=int(told.get("persons") or 0),
        gap=told.get("gap"),
        is_waiting=job is None or job.state is JobState.QUEUED,
        is_stopping=job is not None and job.is_cancel_wanted,
    )


# ---- the whole plan --------------------------------------------------------------------------------------------


def report(session: Session, actor: access.Actor, *, plan_id: str) -> PlanReport:
    """Everything about a plan that ended."""
    plan = planning.read_plan(session, actor, plan_id=plan_id)
    if not plan.problem:
        return PlanReport(
            plan=plan, persons=0, persons_planned=0, gap=None, value_cents=None, components={}, is_valid=False,
            movements=(), unplanned=(), fairness=(),
        )  # fmt: skip
    problem, solution = planning.problem_of(plan), planning.solution_of(plan)
    sizes = {group.id: group.persons for group in problem.groups}
    planned = {group_id: legs for group_id, legs in solution.itineraries.items() if legs}
    verdict: dict[str, Any] = json.loads(plan.verdict) if plan.verdict else {}
    movements = _movements(session, plan, problem, planned, sizes)
    gone = {group_id: _home_on(plan, problem, legs[-1]) for group_id, legs in planned.items()}
    return PlanReport(
        plan=plan,
        persons=sum(sizes.values()),
        persons_planned=sum(sizes[group_id] for group_id in planned),
        gap=_gap(plan),
        value_cents=plan.value_cents,
        components=verdict.get("components", {}),
        is_valid=bool(verdict.get("valid")),
        movements=movements,
        unplanned=_unplanned(session, actor, plan, problem, sizes),
        fairness=_fairness(session, plan, list(sizes), gone),
        loads=_loads(plan, problem, movements),
    )


def _gap(plan: Plan) -> float | None:
    if plan.value_cents is None or plan.bound_cents is None or plan.value_cents <= 0:
        return None
    return max(0.0, (plan.value_cents - plan.bound_cents) / plan.value_cents)


def _details(plan: Plan) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(gzip.decompress(plan.details)) if plan.details else {}
    return found


def _instant(plan: Plan, day: int, minute: int) -> datetime:
    return clock.plan_instant(day * 1440 + minute, plan.first_date, CLOCK_UTC_OFFSET_MIN)


def _movements(
    session: Session, plan: Plan, problem: Any, planned: Mapping[str, Sequence[Any]], sizes: Mapping[str, int]
) -> tuple[PlanMovement, ...]:
    """Vehicles by day and departures, in the order of the clock."""
    aboard: dict[tuple[str, str, int], list[str]] = defaultdict(list)
    for group_id, legs in planned.items():
        for leg in legs:
            aboard[leg.kind, leg.vehicle or leg.row_id, leg.day].append(group_id)
    moves = {
        (vehicle.id, day): (vehicle, trip_id)
        for vehicle in planning.solution_of(plan).vehicles
        for day, trip_id in vehicle.moves
    }
    trips = _details(plan).get("trips", {})
    seats = {kind.id: kind.seats for kind in problem.vehicle_types}
    rows = {row.id: row for row in (*problem.services, *problem.charters)}
    names = _names(session, rows)
    found = []
    for (kind, row_id, day), group_ids in aboard.items():
        people = sum(sizes[group_id] for group_id in group_ids)
        if kind == "trip":
            vehicle, trip_id = moves[row_id, day]
            found.append(_road(plan, trips[trip_id], vehicle, day, sorted(group_ids), people, seats[vehicle.type]))
        else:
            found.append(_ride(plan, rows[row_id], names[row_id], day, sorted(group_ids), people))
    return tuple(sorted(found, key=lambda each: (str(each.stops[0].depart_at), each.name)))


def _road(
    plan: Plan, trip: Mapping[str, Any], vehicle: Any, day: int, group_ids: list[str], people: int, seats: int
) -> PlanMovement:
    stops = trip["stops"]
    return PlanMovement(
        name=vehicle.id,
        mode=Mode.ROAD,
        day=plan.first_date + timedelta(days=day),
        stops=tuple(
            PlanStop(
                place_id=place_id,
                arrive_at=_instant(plan, day, trip["arrive_min"][i]) if i else None,
                depart_at=_instant(plan, day, trip["depart_min"][i]) if i < len(stops) - 1 else None,
            )
            for i, place_id in enumerate(stops)
        ),
        borders=tuple(
            PlanBorder(crossing_id=crossing_id, at=_instant(plan, day, minute))
            for crossing_id, minute in _first_minutes(trip["events"]).items()
        ),
        rests=tuple(
            (_instant(plan, day, event["from_min"]), _instant(plan, day, event["until_min"]))
            for event in trip["events"]
            if event["kind"] == "break"
        ),
        group_ids=tuple(group_ids),
        person_count=people,
        seats=seats,
    )


def _first_minutes(events: Iterable[Mapping[str, Any]]) -> dict[str, int]:
    found: dict[str, int] = {}
    for event in events:
        if event["crossing_id"]:
            found.setdefault(event["crossing_id"], event["from_min"])
    return found


def _names(session: Session, rows: Mapping[str, Any]) -> dict[str, tuple[str, Mode]]:
    """Flight number or plate and mode of every offer and accepted vehicle that can be joined."""
    offers = session.exec(select(Offer).where(col(Offer.offer_id).in_(list(rows)))).all()
    found = {offer.offer_id: (f"{offer.carrier} {offer.number}".strip(), offer.mode) for offer in offers}
    joined = {row_id: row_id.removeprefix("J") for row_id in rows if row_id.startswith("JM-")}
    movements = session.exec(select(Movement).where(col(Movement.movement_id).in_(list(joined.values())))).all()
    labels = {movement.movement_id: movement.label for movement in movements}
    found |= {row_id: (labels.get(movement_id, row_id), Mode.ROAD) for row_id, movement_id in joined.items()}
    return {row_id: found.get(row_id, (row_id, Mode.FLIGHT)) for row_id in rows}


def _ride(plan: Plan, row: Any, name: tuple[str, Mode], day: int, group_ids: list[str], people: int) -> PlanMovement:
    return PlanMovement(
        name=name[0],
        mode=name[1],
        day=plan.first_date + timedelta(days=day),
        stops=(
            PlanStop(place_id=row.origin, arrive_at=None, depart_at=_instant(plan, day, row.depart_min)),
            PlanStop(place_id=row.destination, arrive_at=_instant(plan, day, row.arrive_min), depart_at=None),
        ),
        borders=tuple(PlanBorder(crossing_id=each, at=None) for each in getattr(row, "crossings", ())),
        rests=(),
        group_ids=tuple(group_ids),
        person_count=people,
        seats=row.seats,
    )


def _home_on(plan: Plan, problem: Any, last: Any) -> date:
    """Day of arrival of a group's last leg, on the plan's clock."""
    if last.kind == "trip":
        return plan.first_date + timedelta(days=last.day)
    row = next(each for each in (*problem.services, *problem.charters) if each.id == last.row_id)
    return plan.first_date + timedelta(days=last.day + row.arrive_min // 1440)


# ---- who does not go --------------------------------------------------------------------------------------------


def _unplanned(
    session: Session, actor: access.Actor, plan: Plan, problem: Any, sizes: Mapping[str, int]
) -> tuple[UnplannedGroup, ...]:
    """Groups without a journey, longest stranded first: those the plan could not take, and those not ready."""
    could_not: dict[str, dict[str, Any]] = {row["group_id"]: row for row in json.loads(plan.unplanned)}
    not_ready: dict[str, list[dict[str, Any]]] = _details(plan).get("left_out", {})
    about = _about(session, [*could_not, *not_ready])
    trips = {trip.id: trip for trip in problem.trips}
    rows = {row.id: row for row in (*problem.services, *problem.charters)}
    found = []
    for group_id, (group, case, waiting) in about.items():
        row = could_not.get(group_id, {})
        told = [_finding(each) for each in [*row.get("findings", ()), *not_ready.get(group_id, ())]]
        found.append(
            UnplannedGroup(
                group_id=group_id,
                case_id=case.case_id,
                case_reference=case.reference,
                person_count=sizes.get(group_id, len(waiting)),
                days_waiting=(plan.created_at.date() - min(waiting, default=plan.created_at.date())).days,
                destination_place_id=group.destination_place_id,
                reasons=tuple(row.get("reasons", ())),
                changes=tuple(_change(plan, each, trips, rows) for each in row.get("changes", ())),
                findings=tuple(dict.fromkeys(access.visible_findings(told, actor))),
            )
        )
    return tuple(sorted(found, key=lambda each: (-each.days_waiting, each.group_id)))


def _about(session: Session, group_ids: Sequence[str]) -> dict[str, tuple[TravelGroup, Case, list[date]]]:
    """Group, case and first stranded days of its active members."""
    rows = session.exec(
        select(TravelGroup, Case)
        .join(Case, col(Case.case_id) == TravelGroup.case_id)
        .where(col(TravelGroup.group_id).in_(list(group_ids)))
    ).all()
    since: dict[str, list[date]] = defaultdict(list)
    for group_id, day in session.exec(
        select(col(Person.group_id), col(Person.stranded_since)).where(
            col(Person.group_id).in_(list(group_ids)), Person.status == PersonStatus.ACTIVE
        )
    ).all():
        since[group_id].append(day)
    return {group.group_id: (group, case, since[group.group_id]) for group, case in rows}


def _finding(row: Mapping[str, Any]) -> Finding:
    return Finding(
        rule=Rule(row["rule"]) if row["rule"] else None,
        code=RuleCode(row["code"]),
        what_now=WhatNow(row["what_now"]),
        who=Role(row["who"]),
        person_id=row["person_id"],
        group_id=row["group_id"],
        params=tuple((key, str(value)) for key, value in row["params"].items()),
    )


def _change(plan: Plan, row: Mapping[str, Any], trips: Mapping[str, Any], rows: Mapping[str, Any]) -> Change:
    """A change with the way it is about as places, not as an id of the solver."""
    names: list[str] = []
    for name in row["ids"]:
        way = trips.get(name)
        if way is not None:
            names.append(f"{way.stops[0]}>{way.stops[-1]}")
        elif name in rows:
            names.append(f"{rows[name].origin}>{rows[name].destination}")
        else:
            names.append(name)
    day = row.get("day")
    return Change(
        code=str(row["code"]),
        names=tuple(names),
        day=plan.first_date + timedelta(days=day) if day is not None else None,
        amount=int(row["amount"]),
    )


# ---- fairness and loads -------------------------------------------------------------------------------------------


def _fairness(session: Session, plan: Plan, group_ids: Sequence[str], gone: Mapping[str, date]) -> tuple[Fairness, ...]:
    """Waiting by nationality; whoever is not in the plan waits at least until its last day."""
    last = plan.first_date + timedelta(days=plan.horizon_days)
    waits: dict[str, list[int]] = defaultdict(list)
    planned: dict[str, int] = defaultdict(int)
    for group_id, nationality, since in session.exec(
        select(col(Person.group_id), col(Person.nationality), col(Person.stranded_since)).where(
            col(Person.group_id).in_(list(group_ids)), Person.status == PersonStatus.ACTIVE
        )
    ).all():
        waits[nationality].append((gone.get(group_id, last) - since).days)
        planned[nationality] += group_id in gone
    return tuple(
        Fairness(
            nationality=nationality,
            person_count=len(days),
            planned_count=planned[nationality],
            p90_days=sorted(days)[-(-9 * len(days) // 10) - 1],
        )
        for nationality, days in sorted(waits.items())
    )


def _loads(plan: Plan, problem: Any, movements: Sequence[PlanMovement]) -> tuple[Load, ...]:
    """Seats of every movement, people over each crossing and people received at each place, by day."""
    loads = [
        Load(kind="seats", name=each.name, day=each.day, used=each.person_count, limit=each.seats) for each in movements
    ]
    crossed: dict[tuple[str, date], int] = defaultdict(int)
    for each in movements:
        for border in each.borders:
            crossed[border.crossing_id, each.day] += each.person_count
    quota = {row.id: row.quota for row in problem.crossings}
    for (crossing_id, day), used in sorted(crossed.items()):
        limits = quota.get(crossing_id)
        limit = limits[(day - plan.first_date).days] if limits else None
        loads.append(Load(kind="crossing", name=crossing_id, day=day, used=used, limit=limit))
    return tuple(loads)


# ---- what an office has to plan with --------------------------------------------------------------------------------


def offers(session: Session, actor: access.Actor) -> list[Offer]:
    """Seats and aircraft that the office may still use, by departure."""
    actor = access.require(session, actor, "planning.read")
    return list(
        session.exec(
            select(Offer)
            .where(
                Offer.office_id == (actor.office_id or ""),
                col(Offer.cancelled_at).is_(None),
                col(Offer.depart_at) >= clock.now(),
            )
            .order_by(col(Offer.depart_at), Offer.offer_id)
        ).all()
    )


def fleet(session: Session, actor: access.Actor) -> tuple[list[Vehicle], list[Driver], list[Escort]]:
    """Vehicles, drivers and escorts on record."""
    access.require(session, actor, "planning.read")
    return (
        list(session.exec(select(Vehicle).order_by(Vehicle.plate)).all()),
        list(session.exec(select(Driver).order_by(Driver.name)).all()),
        list(session.exec(select(Escort).order_by(Escort.name)).all()),
    )


def running(session: Session, actor: access.Actor) -> list[Plan]:
    """Plans that are being found, newest first."""
    return [plan for plan in planning.plans(session, actor) if plan.status is PlanStatus.RUNNING]


def open_movement_count(session: Session, actor: access.Actor, status: MovementStatus) -> int:
    """Movements of the office in one state."""
    return sum(1 for movement in planning.movements(session, actor) if movement.status is status)
