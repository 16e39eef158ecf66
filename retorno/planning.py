"""Stage 3, second half: ask for a plan, keep the best one as a draft, accept it as movements with seats.

A plan is a proposal. Acceptance asks every rule again on the records of that moment and fails with ``Stale`` if
anything moved since the plan was made.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from sqlmodel import Session, col, func, select

from retorno import clock
from retorno.booking import write_movements
from retorno.errors import Inconsistent, InputError, NotAllowed, Refused, Stale
from retorno.fairness import first_stranded_first
from retorno.fleet import trip_details
from retorno.gathering import Gathered, gather
from retorno.models.movements import Driver, Movement, Offer, OfferCreate, Plan, Seat
from retorno.models.office import Office
from retorno.models.people import Person, TravelGroup
from retorno.movement_facts import not_travelled
from retorno.office import access, audit, jobs
from retorno.optimizer.check import judge
from retorno.optimizer.problem import Plan as Solution
from retorno.optimizer.problem import Problem, digest, plan_to_json, problem_to_json
from retorno.plan_store import (
    finding_json,
    own_plan,
    packed,
    trip_details_of,
    unpacked,
    unplanned_json,
    verdict_json,
    versions,
)
from retorno.plan_store import problem_of as problem_of
from retorno.plan_store import solution_of as solution_of
from retorno.rules import Finding
from retorno.scope import Scope
from retorno.screening import screened, without
from retorno.situation import situation
from retorno.vocabulary import JobKind, JobState, MovementStatus, PersonStatus, PlanStatus, Role, SeatStatus

LONGEST_PLAN_DAYS = 42
LONGEST_RUN_SECONDS = 900

# ---- asking for a plan -------------------------------------------------------------------------------------


def start(
    session: Session,
    actor: access.Actor,
    *,
    first_date: date,
    days: int,
    group_ids: Sequence[str] = (),
    seconds: int = 30,
    seed: int = 1,
) -> Plan:
    """Ask for a plan: the row and its job are written together; a worker finds it.

    Raises
    ------
    InputError
        If the dates lie in the past or the plan is too long, every fault at once.
    """
    actor = access.require(session, actor, "planning.start")
    faults = []
    if first_date < clock.now().date():
        faults.append(f"the first day {first_date} lies in the past, expected {clock.now().date()} or later")
    if not 1 <= days <= LONGEST_PLAN_DAYS:
        faults.append(f"{days} days, expected 1 to {LONGEST_PLAN_DAYS}")
    if not 1 <= seconds <= LONGEST_RUN_SECONDS:
        faults.append(f"{seconds} seconds, expected 1 to {LONGEST_RUN_SECONDS}")
    if faults:
        raise InputError("; ".join(faults))
    for group_id in group_ids:
        access.require(session, actor, "planning.start", group_id=group_id)
    office = session.get(Office, actor.office_id or "")
    if office is None:
        raise NotAllowed
    made = Plan(
        office_id=office.office_id,
        created_by=actor.user_id,
        created_at=clock.now(),
        first_date=first_date,
        horizon_days=days,
        seed=seed,
        seconds=seconds,
        details=packed({"group_ids": sorted(group_ids)}),
        versions=versions(),
    )
    session.add(made)
    session.flush()
    jobs.enqueue(session, actor, kind=JobKind.SOLVE, object_id=made.plan_id)
    audit.append(session, actor, act="planning.start", object_kind="plan", object_id=made.plan_id)
    return made


def stop(session: Session, actor: access.Actor, *, plan_id: str) -> None:
    """Stop the run and keep the best plan so far as a draft; a second click does nothing."""
    actor, plan = own_plan(session, actor, plan_id, "planning.start")
    if jobs.want_stop(session, object_id=plan_id):
        job = jobs.of_object(session, plan_id)
        if job is not None and job.state is JobState.CANCELLED:
            fail(session, plan.plan_id, "stopped before it began")
        audit.append(session, actor, act="planning.stop", object_kind="plan", object_id=plan_id)


def discard(session: Session, actor: access.Actor, *, plan_id: str) -> None:
    """Put a draft away; nothing of it was ever booked."""
    actor, plan = own_plan(session, actor, plan_id, "planning.start")
    jobs.want_stop(session, object_id=plan_id)
    if plan.status is PlanStatus.ACCEPTED:
        raise Stale("the plan is accepted: cancel its movements instead")
    plan.status = PlanStatus.DISCARDED
    plan.version += 1
    session.add(plan)
    audit.append(session, actor, act="planning.discard", object_kind="plan", object_id=plan_id)


# ---- what the worker does ----------------------------------------------------------------------------------


def gathered(session: Session, plan_id: str) -> Gathered:
    """The problem of a plan as of now; reads only, so it may take its time without making others wait."""
    plan = session.get_one(Plan, plan_id)
    office = session.get_one(Office, plan.office_id)
    wanted = tuple(unpacked(plan.details).get("group_ids", ()))
    scope = Scope(first_date=plan.first_date, days=plan.horizon_days, group_ids=wanted)
    return gather(session, office, scope, situation(session, day=plan.first_date))


def keep_problem(session: Session, plan_id: str, found: Gathered) -> None:
    """Keep the frozen problem with its digest, and who may not be planned and why."""
    plan = session.get_one(Plan, plan_id, populate_existing=True)
    plan.problem = packed(problem_to_json(found.problem))
    plan.problem_digest = digest(found.problem)
    plan.groups_availability = json.dumps(found.availability, sort_keys=True)
    plan.details = packed(
        {
            "group_ids": unpacked(plan.details).get("group_ids", []),
            "trips": {trip_id: trip_details(trip) for trip_id, trip in found.trips.items()},
            "left_out": {
                group_id: [finding_json(each) for each in findings] for group_id, findings in found.left_out.items()
            },
        }
    )
    session.add(plan)
    session.flush()


def keep_solution(
    session: Session,
    plan_id: str,
    *,
    solution: Solution,
    bound_cents: int | None,
    stop_reason: str,
    is_final: bool,
) -> None:
    """Keep a checked plan; the last one becomes the draft, with the reasons of everyone who is not in it.

    Raises
    ------
    Inconsistent
        If the checker refuses the plan: it is never shown.
    """
    plan = session.get_one(Plan, plan_id, populate_existing=True)
    if plan.status is not PlanStatus.RUNNING:
        return
    problem = problem_of(plan)
    verdict = judge(problem, solution)
    if not verdict.is_valid:
        raise Inconsistent(f"plan {plan_id}: the checker refuses it: {verdict.violations[0].code}")
    unplanned = "[]"
    if is_final:
        # Whoever withdrew, was stopped or got a seat while the run went on is not in the draft.
        planned = sorted(group_id for group_id, legs in solution.itineraries.items() if legs)
        solution = without(problem, solution, set(moved_groups(session, plan, planned)))
        solution = first_stranded_first(problem, solution, _stranded_since(session, plan, problem))
        solution, dropped = screened(session, plan, problem, solution)
        verdict = judge(problem, solution)
        if not verdict.is_valid:
            raise Inconsistent(f"plan {plan_id}: the checker refuses what is left: {verdict.violations[0].code}")
        unplanned = unplanned_json(problem, solution, dropped)
    plan.solution = packed(plan_to_json(solution))
    plan.value_cents = verdict.value_cents
    plan.bound_cents = bound_cents
    plan.stop_reason = stop_reason
    plan.unplanned = unplanned
    plan.verdict = verdict_json(verdict)
    if is_final:
        plan.status = PlanStatus.DRAFT
        plan.version += 1
    session.add(plan)
    session.flush()


def _stranded_since(session: Session, plan: Plan, problem: Problem) -> dict[str, date]:
    """First stranded day of every group that may still be planned, of the member who waits longest."""
    group_ids = [group.id for group in problem.groups]
    moved = set(moved_groups(session, plan, group_ids))
    rows = session.exec(
        select(col(Person.group_id), func.min(Person.stranded_since))
        .where(col(Person.group_id).in_(group_ids), Person.status == PersonStatus.ACTIVE)
        .group_by(col(Person.group_id))
    ).all()
    return {group_id: since for group_id, since in rows if group_id not in moved}


def fail(session: Session, plan_id: str, reason: str) -> None:
    """Note that a run ended without a plan."""
    plan = session.get_one(Plan, plan_id, populate_existing=True)
    if plan.status is PlanStatus.RUNNING:
        plan.status, plan.stop_reason = PlanStatus.FAILED, reason
        plan.version += 1
        session.add(plan)
        session.flush()


# ---- acceptance ---------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Accepted:
    """What acceptance made: movements, and the groups that a rule kept out, with its findings."""

    movement_ids: tuple[str, ...]
    dropped: tuple[tuple[str, tuple[Finding, ...]], ...] = ()


def accept(session: Session, actor: access.Actor, *, plan_id: str) -> Accepted:
    """Book a draft: every group is asked again as of now; movements, seats and escorts are written.

    Raises
    ------
    Stale
        If a group, an offer or a vehicle moved since the plan was made; nothing is booked.
    Refused
        If every movement of the plan fails a rule, with the findings.
    """
    actor, plan = own_plan(session, actor, plan_id, "planning.accept")
    if plan.status is not PlanStatus.DRAFT:
        raise Stale(f"plan is {plan.status}: only a draft can be accepted")
    problem, solution = problem_of(plan), solution_of(plan)
    if digest(problem) != plan.problem_digest or not judge(problem, solution).is_valid:
        raise Inconsistent(f"plan {plan_id} does not fit its problem")
    _nothing_moved(session, plan, solution)
    kept, dropped = screened(session, plan, problem, solution)
    if not any(kept.itineraries.values()):
        stopping = [found for findings in dropped.values() for found in findings]
        raise Refused(access.visible_findings(stopping, actor))
    made = write_movements(session, plan, problem, kept, trip_details_of(plan))
    _has_notice(session, plan, made)
    plan.solution = packed(plan_to_json(kept))
    plan.status, plan.accepted_by, plan.accepted_at = PlanStatus.ACCEPTED, actor.user_id, clock.now()
    plan.version += 1
    if dropped:
        plan.unplanned = unplanned_json(problem, kept, dropped)
    session.add(plan)
    session.flush()
    audit.append(
        session,
        actor,
        act="planning.accept",
        object_kind="plan",
        object_id=plan_id,
        ids={"movements": ",".join(sorted(made))},
    )
    return Accepted(
        movement_ids=tuple(sorted(made)),
        dropped=tuple(
            (group_id, tuple(access.visible_findings(findings, actor)))
            for group_id, findings in sorted(dropped.items())
        ),
    )


def _has_notice(session: Session, plan: Plan, movement_ids: Sequence[str]) -> None:
    """``Stale`` if a movement that this plan makes leaves too soon for its list to be sent in time (R22)."""
    for movement_id in movement_ids:
        movement = session.get_one(Movement, movement_id)
        deadline = movement.depart_at - timedelta(hours=movement.notice_hours)
        if movement.plan_id == plan.plan_id and deadline < clock.now():
            raise Stale("the first journeys of the plan leave too soon for their notice: find a plan again")


def moved_groups(session: Session, plan: Plan, group_ids: Sequence[str]) -> list[str]:
    """Groups about which a fact changed since the plan was gathered, that have seats by now, or that are gone (I3)."""
    known = json.loads(plan.groups_availability)
    rows = session.exec(
        select(TravelGroup)
        .where(col(TravelGroup.group_id).in_(group_ids))
        .with_for_update()
        .execution_options(populate_existing=True)
    ).all()
    seated = session.exec(
        select(Seat.group_id)
        .where(col(Seat.group_id).in_(group_ids), Seat.status == SeatStatus.ACTIVE, not_travelled(clock.now()))
        .distinct()
    ).all()
    moved = {row.group_id for row in rows if row.availability != known.get(row.group_id)}
    gone = set(group_ids) - {row.group_id for row in rows}
    return sorted(moved | gone | {group_id for group_id in seated if group_id})


def _nothing_moved(session: Session, plan: Plan, solution: Solution) -> None:
    """Every planned group has the availability it had, is not seated yet, and every offer still stands (I3)."""
    changed = moved_groups(session, plan, sorted(group_id for group_id, legs in solution.itineraries.items() if legs))
    if changed:
        raise Stale(f"the facts changed for {len(changed)} groups: find a plan again")
    offer_ids = {leg.row_id for legs in solution.itineraries.values() for leg in legs if leg.kind != "trip"}
    for offer in session.exec(select(Offer).where(col(Offer.offer_id).in_(sorted(offer_ids)))).all():
        if offer.cancelled_at is not None:
            raise Stale("an offer of the plan was cancelled: find a plan again")


# ---- offers, and what the screens read -----------------------------------------------------------------------


def add_offer(session: Session, actor: access.Actor, *, offer: OfferCreate) -> Offer:
    """Enter seats bought or a charter offered."""
    actor = access.require(session, actor, "planning.offer")
    made = Offer.model_validate(offer, update={"office_id": actor.office_id})
    session.add(made)
    session.flush()
    audit.append(session, actor, act="planning.offer", object_kind="offer", object_id=made.offer_id)
    return made


def plans(session: Session, actor: access.Actor) -> list[Plan]:
    """The office's plans, newest first, without the discarded ones."""
    actor = access.require(session, actor, "planning.read")
    return list(
        session.exec(
            select(Plan)
            .where(Plan.office_id == (actor.office_id or ""), Plan.status != PlanStatus.DISCARDED)
            .order_by(col(Plan.created_at).desc())
        ).all()
    )


def read_plan(session: Session, actor: access.Actor, *, plan_id: str) -> Plan:
    """One plan of the office."""
    _, plan = own_plan(session, actor, plan_id, "planning.read")
    return plan


def movements(session: Session, actor: access.Actor) -> list[Movement]:
    """The office's movements by departure, without cancelled ones."""
    actor = access.require(session, actor, "movement.read")
    role = Role.COORDINATOR if actor.has(Role.COORDINATOR) else Role.PROTECTION
    return list(
        session.exec(
            select(Movement)
            .where(access.movements_of(actor, role), col(Movement.status) != MovementStatus.CANCELLED)
            .order_by(col(Movement.depart_at), Movement.reference)
        ).all()
    )


def seated_groups(session: Session, actor: access.Actor) -> dict[str, str]:
    """Groups of the office that have seats on a journey to come, with the movement of their first ride."""
    actor = access.require(session, actor, "movement.read")
    rows = session.exec(
        select(col(Seat.group_id), col(Seat.movement_id))
        .join(Movement, col(Movement.movement_id) == Seat.movement_id)
        .where(
            Movement.office_id == (actor.office_id or ""),
            Seat.status == SeatStatus.ACTIVE,
            col(Seat.group_id).is_not(None),
            not_travelled(clock.now()),
        )
        .order_by(col(Seat.depart_at).desc())
    ).all()
    return {group_id: movement_id for group_id, movement_id in rows if group_id is not None}


def update_movement(
    session: Session,
    actor: access.Actor,
    *,
    movement_id: str,
    version: int,
    driver_ids: Sequence[str] | None = None,
    is_route_confirmed: bool | None = None,
) -> Movement:
    """Name the drivers, or note that they have the route sheet and confirmed it (R20)."""
    actor = access.require(session, actor, "movement.update", movement_id=movement_id)
    movement = session.get_one(Movement, movement_id, populate_existing=True)
    if movement.version != version:
        raise Stale("someone changed this movement: compare and choose")
    if driver_ids is not None:
        known = set(session.exec(select(Driver.driver_id).where(col(Driver.driver_id).in_(driver_ids))).all())
        if set(driver_ids) - known:
            raise InputError("a driver is unknown: choose from the list")
        if movement.drivers != ";".join(driver_ids) and movement.status in (
            MovementStatus.ISSUED,
            MovementStatus.RELEASED,
        ):
            # The list names the drivers: two people sign it again before anybody departs.
            movement.status = MovementStatus.CONFIRMED
        movement.drivers = ";".join(driver_ids)
    if is_route_confirmed is not None:
        movement.is_route_confirmed = is_route_confirmed
    movement.version += 1
    session.add(movement)
    session.flush()
    audit.append(session, actor, act="movement.update", object_kind="movement", object_id=movement_id)
    return movement
