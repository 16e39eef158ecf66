"""Stage 3, second half: ask for a plan, keep the best one as a draft, accept it as movements with seats.

A plan is a proposal. Acceptance asks every rule again on the records of that moment and fails with ``Stale`` if
anything moved since the plan was made.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

from sqlmodel import Session, col, select

from retorno import clock
from retorno.errors import Inconsistent, InputError, NotAllowed, Refused, Stale
from retorno.models.movements import Driver, Movement, Offer, OfferCreate, Plan, Seat
from retorno.models.office import Office
from retorno.movements.facts import not_travelled
from retorno.office import access, audit, jobs
from retorno.optimizer.check import judge
from retorno.optimizer.problem import Plan as Solution
from retorno.optimizer.problem import digest, plan_to_json
from retorno.plans import contingency
from retorno.plans.assumptions import MORE, WhatIf, assumed_by
from retorno.plans.booking import write_movements
from retorno.plans.screening import screened
from retorno.plans.setting_aside import still_held
from retorno.plans.solving import fail as fail
from retorno.plans.solving import gathered as gathered
from retorno.plans.solving import keep_problem as keep_problem
from retorno.plans.solving import keep_solution as keep_solution
from retorno.plans.solving import moved_groups
from retorno.plans.store import own_plan, packed, trip_details_of, unplanned_json, versions
from retorno.plans.store import problem_of as problem_of
from retorno.plans.store import solution_of as solution_of
from retorno.rules import Finding
from retorno.vocabulary import JobKind, JobState, MovementStatus, PlanStatus, Role, SeatStatus

LONGEST_PLAN_DAYS = 42
LONGEST_RUN_SECONDS = 900
NOT_YET_FAILED = "NOT_YET_FAILED"
"""Reason why a plan prepared for a failure cannot be accepted yet (label ``check.NOT_YET_FAILED``)."""

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
    if still_held(session, plan):
        raise NotYetReal((NOT_YET_FAILED,), assumed_by(plan))
    if plan.is_hypothetical:
        _is_real(session, plan, solution)
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
    contingency.ask(session, actor, plan)
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


class NotYetReal(Stale):
    """A plan on assumed facts counts on something that is not on record: register it first, then accept.

    Parameters
    ----------
    reasons
        Codes of the checker about the plan on the facts as they are (labels ``check.<code>``).
    assumed
        What the plan assumes that is not on record.
    """

    def __init__(self, reasons: Sequence[str], assumed: Sequence[WhatIf]) -> None:
        self.reasons, self.assumed = tuple(reasons), tuple(assumed)
        super().__init__(
            "the plan counts on what is not on record yet: register the vehicle, the seats or the change first ("
            + ", ".join(self.reasons)
            + ")"
        )


def _is_real(session: Session, plan: Plan, solution: Solution) -> None:
    """Judge a plan on assumed facts by the facts as they are now; what was assumed away does not matter then."""
    real = gathered(session, plan.plan_id).problem
    known = {group.id for group in real.groups}
    verdict = judge(real, replace(solution, problem=real.name))
    broken = [each.code.value for each in verdict.violations if not each.group_id or each.group_id in known]
    if broken:
        more = [each for each in assumed_by(plan) if each.kind in MORE]
        raise NotYetReal(tuple(dict.fromkeys(broken)), more)


def _has_notice(session: Session, plan: Plan, movement_ids: Sequence[str]) -> None:
    """``Stale`` if a movement that this plan makes leaves too soon for its list to be sent in time (R22)."""
    for movement_id in movement_ids:
        movement = session.get_one(Movement, movement_id)
        deadline = movement.depart_at - timedelta(hours=movement.notice_hours)
        if movement.plan_id == plan.plan_id and deadline < clock.now():
            raise Stale("the first journeys of the plan leave too soon for their notice: find a plan again")


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
