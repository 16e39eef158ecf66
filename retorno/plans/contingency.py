"""What would hurt the accepted plan most: worked out after acceptance, marked stale once facts change, prepared for.

One row a plan (``Contingency``). The worker asks of every crossing, vehicle, departure and reception place that
the plan still uses what its failure would cost (``optimizer.contingency``); nobody whom it does not touch is moved. A
repaired plan is prepared on the records as they would be then, as a draft of those it touches: it can be read and
edited at once, and accepted as soon as the failure is on record, by the usual rules.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy.orm import load_only
from sqlmodel import Session, col, or_, select

from retorno import clock
from retorno.errors import NotAllowed, Stale
from retorno.models.movements import Closure, Contingency, Movement, MovementCrossing, Offer, Plan, Seat, Vehicle
from retorno.models.office import Office
from retorno.models.people import TravelGroup
from retorno.movements.facts import not_travelled
from retorno.office import access, audit, jobs
from retorno.optimizer.contingency import Consequence, Job, OutageKind, Terms, by_harm, outages
from retorno.optimizer.contingency import jobs as jobs_of
from retorno.optimizer.problem import Plan as Solution
from retorno.optimizer.problem import digest, problem_to_json
from retorno.plans.assumptions import WhatIf, assume, faults_of, to_json
from retorno.plans.fleet import BARS, EMPTY_ONLY, trip_details, type_id
from retorno.plans.gathering import Gathered, gather
from retorno.plans.scope import CLOCK_UTC_OFFSET_MIN, LIVE, Scope
from retorno.plans.screening import without
from retorno.plans.setting_aside import stopped_by_failure, take_off
from retorno.plans.store import finding_json, own_plan, packed, problem_of, solution_of, unpacked, versions
from retorno.plates import real_vehicles
from retorno.situation import situation
from retorno.vocabulary import Assumed, JobKind, JobState, PlanStatus, SeatStatus

CLOSED_DAYS = 7
"""How long a crossing or a place is assumed to stay shut. Our assumption."""
PREPARE_SECONDS = 10
"""Search for a prepared plan: it is about those whom one failure touches."""
LATER = 9
"""Priority of the job: a plan that somebody waits for goes first."""


# ---- asked for ---------------------------------------------------------------------------------------------------


def ask(session: Session, actor: audit.ActorLike, plan: Plan) -> Contingency:
    """Ask, in the caller's transaction, what would hurt an accepted plan; asked twice it is one job."""
    row = session.exec(select(Contingency).where(Contingency.plan_id == plan.plan_id)).first()
    if row is None:
        row = Contingency(plan_id=plan.plan_id, office_id=plan.office_id)
        session.add(row)
        session.flush()
    jobs.enqueue(session, actor, kind=JobKind.CONTINGENCY, object_id=row.contingency_id, priority=LATER)
    return row


def refresh(session: Session, actor: access.Actor, *, plan_id: str) -> None:
    """Ask again for an accepted plan, because facts changed; a second click changes nothing.

    Raises
    ------
    Stale
        If the plan is not accepted.
    """
    actor, plan = own_plan(session, actor, plan_id, "planning.start")
    if plan.status is not PlanStatus.ACCEPTED:
        raise Stale(f"plan is {plan.status}: only of an accepted plan it is asked what would hurt it")
    ask(session, actor, plan)
    audit.append(session, actor, act="planning.contingency", object_kind="plan", object_id=plan_id)


# ---- worked out by the worker ------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Task:
    """What the worker works out: jobs that need no database, and the facts they stand for."""

    plan_id: str
    jobs: tuple[Job, ...]
    facts: str


def task(session: Session, contingency_id: str) -> Task:
    """The failures that touch what is still booked of a plan; reads only."""
    row = session.get_one(Contingency, contingency_id)
    plan = session.get_one(Plan, row.plan_id)
    problem, solution = problem_of(plan), _booked(session, plan)
    at = situation(session, day=plan.first_date)
    terms = Terms(closed_days=CLOSED_DAYS, notice_days=math.ceil(at.policy.notice_hours / 24), seed=plan.seed)
    today = max(0, (_today() - plan.first_date).days)
    found = outages(problem, solution, terms, now_day=today, without={*BARS, EMPTY_ONLY})
    return Task(plan_id=plan.plan_id, jobs=jobs_of(problem, solution, found, terms), facts=facts_now(session, plan))


def _today() -> date:
    return (clock.now() + timedelta(minutes=CLOCK_UTC_OFFSET_MIN)).date()


def _booked(session: Session, plan: Plan) -> Solution:
    """The plan without the groups that have left it since: freed, stopped, or planned anew."""
    solution, known = solution_of(plan), json.loads(plan.groups_availability)
    planned = sorted(group_id for group_id, legs in solution.itineraries.items() if legs)
    seated = set(
        session.exec(
            select(Seat.group_id).where(col(Seat.group_id).in_(planned), Seat.status == SeatStatus.ACTIVE).distinct()
        ).all()
    )
    rows = session.exec(select(TravelGroup).where(col(TravelGroup.group_id).in_(planned))).all()
    stay = {row.group_id for row in rows if row.group_id in seated and row.availability == known.get(row.group_id)}
    return without(problem_of(plan), solution, set(planned) - stay)


def facts_now(session: Session, plan: Plan) -> str:
    """SHA-256 of what an answer stands for: who is seated where, closures, offers, vehicles, the day."""
    planned = sorted(group_id for group_id, legs in solution_of(plan).itineraries.items() if legs)
    seats = session.exec(
        select(Seat.group_id, Seat.movement_id)
        .where(col(Seat.group_id).in_(planned), Seat.status == SeatStatus.ACTIVE)
        .distinct()
    ).all()
    groups = session.exec(
        select(TravelGroup.group_id, TravelGroup.availability).where(col(TravelGroup.group_id).in_(planned))
    ).all()
    closures = session.exec(select(Closure.closure_id, Closure.reopened_at)).all()
    offers = session.exec(select(Offer.offer_id, Offer.cancelled_at).where(Offer.office_id == plan.office_id)).all()
    vehicles = session.exec(select(col(Vehicle.vehicle_id), col(Vehicle.available_until))).all()
    text = json.dumps(
        [
            sorted([str(a), str(b)] for a, b in part)
            for part in (
                seats,
                groups,
                [(a, b is None) for a, b in closures],
                [(a, b is None) for a, b in offers],
                vehicles,
            )
        ]
    )
    return hashlib.sha256(text.encode()).hexdigest()


def keep(session: Session, contingency_id: str, asked: Task, found: Iterable[Consequence]) -> None:
    """Keep what was worked out, the worst first, with the names that staff know things by."""
    row = session.get_one(Contingency, contingency_id, populate_existing=True)
    plan = session.get_one(Plan, row.plan_id)
    problem, solution = problem_of(plan), solution_of(plan)
    vehicles = real_vehicles(session, plan, problem, solution)
    rows = []
    for each in by_harm(found):
        vehicle = vehicles.get(each.outage.id)
        if each.outage.kind is OutageKind.VEHICLE and vehicle is None:
            continue  # what it carried is carried by another by now
        rows.append(
            {
                "kind": each.outage.kind.value,
                "id": vehicle.vehicle_id if vehicle else each.outage.id,
                "name": vehicle.plate if vehicle else _row_name(session, each.outage.id),
                "first_day": each.outage.first_day,
                "last_day": each.outage.last_day,
                "hit": list(each.hit),
                "persons_hit": each.persons_hit,
                "groups_changed": len(each.changed),
                "left_out": each.persons_left_out,
                "delayed": each.persons_delayed,
                "person_days": each.person_days,
                "longest_delay": each.longest_delay_days,
                "cost_cents": each.cost_cents,
                "is_repaired": not each.stuck,
            }
        )
    row.rows, row.facts, row.computed_at = packed(rows), asked.facts, clock.now()
    session.add(row)
    session.flush()


def _row_name(session: Session, row_id: str) -> str:
    """Carrier and number of an offer, plate of a vehicle that is joined; empty for a place or crossing."""
    offer = session.get(Offer, row_id)
    if offer is not None:
        return f"{offer.carrier} {offer.number}".strip()
    movement = session.get(Movement, row_id.removeprefix("J")) if row_id.startswith("JM-") else None
    return movement.label if movement is not None else ""


# ---- read --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Hurt:
    """One failure and what it would cost.

    Parameters
    ----------
    key
        Names the row of its plan.
    kind, object_id, name
        What fails: crossing and place ids speak for themselves; a plate, or carrier and number.
    persons_hit, persons_left_out, persons_delayed
        People whom it touches, who would stay behind, who would be home later.
    person_days, longest_delay_days, cost_cents
        Days of waiting more, of all together; the most of anyone; money more (below zero: less).
    is_repaired
        False where people under way could not go on at all.
    prepared_plan_id
        The draft that was prepared for it, if there is one.
    """

    key: str
    kind: OutageKind
    object_id: str
    name: str
    first_day: date
    last_day: date
    persons_hit: int
    groups_changed: int
    persons_left_out: int
    persons_delayed: int
    person_days: int
    longest_delay_days: int
    cost_cents: int
    is_repaired: bool
    prepared_plan_id: str


@dataclass(frozen=True, kw_only=True)
class Report:
    """What would hurt a plan most, the worst first.

    Parameters
    ----------
    computed_at
        None before the first answer.
    is_stale
        Facts changed since.
    is_computing, done, total
        A run waits or is under way; days of the plan worked out, and how many there are.
    has_failed
        The last run ended without an answer.
    """

    plan_id: str
    first_date: date
    horizon_days: int
    rows: tuple[Hurt, ...]
    computed_at: datetime | None
    is_stale: bool
    is_computing: bool
    done: int
    total: int
    has_failed: bool


@dataclass(frozen=True, kw_only=True)
class AskedPlan:
    """An accepted plan of which it was asked what would hurt it."""

    plan_id: str
    first_date: date
    horizon_days: int
    accepted_at: datetime | None


def asked_plans(session: Session, actor: access.Actor) -> tuple[AskedPlan, ...]:
    """The office's accepted plans that are not over, the newest first."""
    actor = access.require(session, actor, "planning.read")
    found = session.exec(
        select(Plan)
        .options(load_only(Plan.plan_id, Plan.first_date, Plan.horizon_days, Plan.accepted_at))  # type: ignore[arg-type]
        .join(Contingency, col(Contingency.plan_id) == Plan.plan_id)
        .where(Plan.office_id == (actor.office_id or ""), Plan.status == PlanStatus.ACCEPTED)
        .order_by(col(Plan.accepted_at).desc(), col(Plan.plan_id))
    ).all()
    return tuple(
        AskedPlan(
            plan_id=plan.plan_id,
            first_date=plan.first_date,
            horizon_days=plan.horizon_days,
            accepted_at=plan.accepted_at,
        )
        for plan in found
        if plan.first_date + timedelta(days=plan.horizon_days) > _today()
    )


def report(session: Session, actor: access.Actor, *, plan_id: str) -> Report:
    """What would hurt a plan of the office most, as it was worked out last."""
    _, plan = own_plan(session, actor, plan_id, "planning.read")
    row = session.exec(select(Contingency).where(Contingency.plan_id == plan_id)).first()
    if row is None:
        raise NotAllowed
    job = jobs.of_object(session, row.contingency_id)
    told = json.loads(job.progress) if job is not None else {}
    is_computing = job is not None and job.state in (JobState.QUEUED, JobState.RUNNING)
    prepared = _prepared(session, plan)
    return Report(
        plan_id=plan_id,
        first_date=plan.first_date,
        horizon_days=plan.horizon_days,
        rows=tuple(_hurt(plan, each, prepared) for each in _rows(row)),
        computed_at=row.computed_at,
        is_stale=row.computed_at is not None and row.facts != facts_now(session, plan),
        is_computing=is_computing,
        done=int(told.get("done", 0)) if is_computing else 0,
        total=int(told.get("steps", 0)) if is_computing else 0,
        has_failed=job is not None and job.state is JobState.FAILED,
    )


def _rows(row: Contingency) -> list[dict[str, Any]]:
    return list(unpacked(row.rows)) if row.rows else []


def _key(each: Mapping[str, Any]) -> str:
    return f"{each['kind']}.{each['id']}.{each['first_day']}"


def _hurt(plan: Plan, each: Mapping[str, Any], prepared: Mapping[str, str]) -> Hurt:
    return Hurt(
        key=_key(each),
        kind=OutageKind(each["kind"]),
        object_id=each["id"],
        name=each["name"],
        first_day=plan.first_date + timedelta(days=each["first_day"]),
        last_day=plan.first_date + timedelta(days=each["last_day"]),
        persons_hit=each["persons_hit"],
        groups_changed=each["groups_changed"],
        persons_left_out=each["left_out"],
        persons_delayed=each["delayed"],
        person_days=each["person_days"],
        longest_delay_days=each["longest_delay"],
        cost_cents=each["cost_cents"],
        is_repaired=each["is_repaired"],
        prepared_plan_id=prepared.get(_key(each), ""),
    )


def _prepared(session: Session, plan: Plan) -> dict[str, str]:
    """Key of a failure to the draft, or the run, that was prepared for it."""
    found = session.exec(
        select(Plan)
        .where(
            Plan.office_id == plan.office_id,
            col(Plan.is_hypothetical),
            col(Plan.basis_plan_id).is_(None),
            col(Plan.status).in_((PlanStatus.RUNNING, PlanStatus.DRAFT)),
        )
        .order_by(col(Plan.created_at))
    ).all()
    stopped = ((stopped_by_failure(each), each.plan_id) for each in found)
    return {each["key"]: plan_id for each, plan_id in stopped if each.get("of") == plan.plan_id}


# ---- prepared for ------------------------------------------------------------------------------------------------


def prepare(session: Session, actor: access.Actor, *, plan_id: str, key: str) -> Plan:
    """Prepare the repaired plan for one failure: a draft of those it touches, on the records as they would be then.

    Everything else that is booked stays as it is. A second click gives the same plan. The draft can be accepted once
    the failure is on record and the seats are free; the rules are asked then as ever.

    Raises
    ------
    Stale
        If the failure is no longer in the list, or touches nobody by now.
    """
    actor, plan = own_plan(session, actor, plan_id, "planning.edit")
    known = _prepared(session, plan).get(key)
    if known is not None:
        return session.get_one(Plan, known)
    row = session.exec(select(Contingency).where(Contingency.plan_id == plan_id)).first()
    chosen = next((each for each in (_rows(row) if row else ()) if _key(each) == key), None)
    if chosen is None:
        raise Stale("this failure is no longer in the list: read it again")
    movement_ids = _stopped(session, plan, chosen)
    group_ids = _touched(session, movement_ids, chosen)
    if not group_ids:
        raise Stale("it touches nobody any more: work the list out again")
    assumed = (_assumed(session, plan, chosen),)
    scope = _scope(plan, group_ids)
    found = _as_it_would_be(session, plan, scope, group_ids, movement_ids)
    at = situation(session, day=scope.first_date)
    problem = assume(found.problem, [each for each in assumed if not faults_of(found.problem, each, at)], at)
    made = Plan(
        office_id=plan.office_id,
        status=PlanStatus.RUNNING,
        created_by=actor.user_id,
        created_at=clock.now(),
        first_date=scope.first_date,
        horizon_days=scope.days,
        problem=packed(problem_to_json(problem)),
        problem_digest=digest(problem),
        details=packed(
            {
                "group_ids": sorted(group_ids),
                "trips": {trip_id: trip_details(trip) for trip_id, trip in found.trips.items()},
                "left_out": {
                    group_id: [finding_json(each) for each in findings] for group_id, findings in found.left_out.items()
                },
                "stopped": {"of": plan_id, "key": key, "movements": movement_ids, "groups": group_ids},
            }
        ),
        groups_availability=json.dumps(found.availability, sort_keys=True),
        is_hypothetical=True,
        assumed=to_json(assumed),
        seed=plan.seed,
        seconds=PREPARE_SECONDS,
        versions=versions(),
    )
    session.add(made)
    session.flush()
    jobs.enqueue(session, actor, kind=JobKind.SOLVE, object_id=made.plan_id)
    audit.append(
        session, actor, act="planning.prepare", object_kind="plan", object_id=made.plan_id, ids={"basis": plan_id}
    )
    return made


def _scope(plan: Plan, group_ids: Sequence[str]) -> Scope:
    """What is left of the plan's days, for these groups."""
    first = max(plan.first_date, _today())
    days = (plan.first_date + timedelta(days=plan.horizon_days) - first).days
    if days < 1:
        raise Stale("the plan is over: nothing of it can fail any more")
    return Scope(first_date=first, days=days, group_ids=tuple(group_ids))


def _as_it_would_be(
    session: Session, plan: Plan, scope: Scope, group_ids: Sequence[str], movement_ids: Sequence[str]
) -> Gathered:
    """What could be planned if the movements had stopped: written, read, and taken back at once."""
    office = session.get_one(Office, plan.office_id)
    savepoint = session.begin_nested()
    try:
        take_off(session, group_ids=group_ids, movement_ids=movement_ids)
        return gather(session, office, scope, situation(session, day=scope.first_date))
    finally:
        savepoint.rollback()
        session.expire_all()


def _stopped(session: Session, plan: Plan, chosen: Mapping[str, Any]) -> list[str]:
    """Movements of the office to come that the failure stops; a place that shuts stops no vehicle, only its guests."""
    start = clock.plan_instant(chosen["first_day"] * 1440, plan.first_date, CLOCK_UTC_OFFSET_MIN)
    end = clock.plan_instant((chosen["last_day"] + 1) * 1440, plan.first_date, CLOCK_UTC_OFFSET_MIN)
    kind, name = OutageKind(chosen["kind"]), chosen["id"]
    wanted = select(Movement.movement_id).where(
        Movement.office_id == plan.office_id, col(Movement.status).in_(LIVE), Movement.depart_at > clock.now()
    )
    match kind:
        case OutageKind.CROSSING:
            over = select(MovementCrossing.movement_id).where(
                MovementCrossing.crossing_id == name, MovementCrossing.at >= start, MovementCrossing.at < end
            )
            wanted = wanted.where(col(Movement.movement_id).in_(over))
        case OutageKind.VEHICLE:
            wanted = wanted.where(Movement.vehicle_id == name, Movement.depart_at >= start)
        case OutageKind.DEPARTURE:
            wanted = wanted.where(or_(Movement.offer_id == name, Movement.movement_id == name.removeprefix("J")))
        case OutageKind.RECEPTION | OutageKind.BEDS:
            return []
    return sorted(session.exec(wanted).all())


def _touched(session: Session, movement_ids: Sequence[str], chosen: Mapping[str, Any]) -> list[str]:
    """Groups with a seat on what stops; where a place shuts, those who would arrive or sleep there."""
    wanted = select(Seat.group_id).where(
        Seat.status == SeatStatus.ACTIVE, col(Seat.group_id).is_not(None), not_travelled(clock.now())
    )
    if OutageKind(chosen["kind"]) in (OutageKind.RECEPTION, OutageKind.BEDS):
        wanted = wanted.where(col(Seat.group_id).in_(chosen["hit"]))
    else:
        wanted = wanted.where(col(Seat.movement_id).in_(movement_ids))
    return sorted({group_id for group_id in session.exec(wanted).all() if group_id})


def _assumed(session: Session, plan: Plan, chosen: Mapping[str, Any]) -> WhatIf:
    first = plan.first_date + timedelta(days=chosen["first_day"])
    last = plan.first_date + timedelta(days=chosen["last_day"])
    match OutageKind(chosen["kind"]):
        case OutageKind.CROSSING:
            return WhatIf(kind=Assumed.CLOSE_CROSSING, ids=(chosen["id"],), first_day=first, last_day=last)
        case OutageKind.VEHICLE:
            vehicle = session.get_one(Vehicle, chosen["id"])
            owner = "hired" if vehicle.is_hired else "own"
            return WhatIf(
                kind=Assumed.LOSE_VEHICLE, ids=(vehicle.plate, type_id(vehicle), vehicle.depot_place_id, owner)
            )
        case OutageKind.DEPARTURE:
            return WhatIf(kind=Assumed.CANCEL_OFFER, ids=(chosen["id"],))
        case OutageKind.RECEPTION | OutageKind.BEDS:
            return WhatIf(kind=Assumed.SHUT_PLACE, ids=(chosen["id"],), first_day=first, last_day=last)
