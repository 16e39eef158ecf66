"""Plans made from a draft: searched further with pins kept, on assumed facts, for whom a closure stopped.

The draft they are made from stays as it is.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import date

from sqlmodel import Session, col, select

from retorno import clock
from retorno.errors import InputError, NotAllowed, Refused, Stale
from retorno.models.movements import Closure, Movement, Plan, Seat, Vehicle
from retorno.models.people import Case, Person, TravelGroup
from retorno.movements.facts import not_travelled
from retorno.office import access, audit, jobs
from retorno.optimizer.explain import explain, with_explained
from retorno.optimizer.problem import Problem, digest, problem_to_json
from retorno.plans import planning
from retorno.plans.assumptions import WhatIf, assume, assumed_by, from_changes, to_json
from retorno.plans.choosing import row_names
from retorno.plans.fleet import type_id
from retorno.plans.screening import findings_on
from retorno.plans.solving import moved_groups, write_draft
from retorno.plans.store import own_plan, packed, problem_of, solution_of, versions
from retorno.situation import situation
from retorno.vocabulary import (
    Assumed,
    JobKind,
    MovementStatus,
    PersonStatus,
    PlanStatus,
    SeatStatus,
)

# ---- copies of a draft ----------------------------------------------------------------------------------------


def improve(session: Session, actor: access.Actor, *, plan_id: str, seconds: int = 30) -> Plan:
    """Search further from a draft, as a plan of its own; pinned groups stay exactly where they are.

    Raises
    ------
    Stale
        If the plan is no draft.
    InputError
        If the time is out of range.
    """
    actor, basis = _basis(session, actor, plan_id, seconds)
    return _copied(
        session, actor, basis, act="planning.improve", problem=problem_of(basis), seconds=seconds,
        assumed=assumed_by(basis),
    )  # fmt: skip


def what_if(
    session: Session, actor: access.Actor, *, plan_id: str, changes: Sequence[WhatIf], seconds: int = 5
) -> Plan:
    """A copy of a draft, searched on changed facts from where the draft stands; pins are kept where they still hold.

    Raises
    ------
    Stale
        If the plan is no draft.
    InputError
        If something assumed is not in the plan, every fault at once.
    """
    actor, basis = _basis(session, actor, plan_id, seconds)
    if not changes:
        raise InputError("nothing is assumed: choose at least one change")
    wanted = [_resolved(session, each) for each in changes]
    more_days = sum(each.amount for each in wanted if each.kind is Assumed.MORE_DAYS)
    if basis.horizon_days + more_days > planning.LONGEST_PLAN_DAYS:
        raise InputError(f"{basis.horizon_days + more_days} days, expected at most {planning.LONGEST_PLAN_DAYS}")
    problem = assume(problem_of(basis), wanted, situation(session, day=basis.first_date))
    return _copied(
        session, actor, basis, act="planning.what_if", problem=None if more_days else problem, seconds=seconds,
        assumed=(*assumed_by(basis), *wanted), more_days=more_days,
    )  # fmt: skip


def try_change(
    session: Session, actor: access.Actor, *, plan_id: str, group_id: str, change_no: int | None = None
) -> Plan:
    """The smallest change that the plan names for a group, on a copy with the group in it; at once, without a search.

    Parameters
    ----------
    change_no
        Position of the only part of the change to try; None for all of it, which is what plans the group.

    Raises
    ------
    Stale
        If the plan is no draft, the group is in it, or facts about the group changed since it was made.
    InputError
        If no change would plan the group.
    Refused
        If a rule stops the group all the same, with the findings.
    """
    actor, basis = _basis(session, actor, plan_id, 1)
    rows = {row["group_id"]: row["changes"] for row in json.loads(basis.unplanned)}
    if group_id not in rows or moved_groups(session, basis, [group_id]):
        raise Stale("the group is in the plan by now, or its facts changed: read the plan again")
    chosen = rows[group_id]
    if change_no is not None:
        if not 0 <= change_no < len(chosen):
            raise Stale("this change is no longer named: read the plan again")
        chosen = [chosen[change_no]]
    assumed = from_changes(chosen, basis.first_date)
    problem = assume(problem_of(basis), assumed, situation(session, day=basis.first_date))
    (found,) = explain(problem, solution_of(basis), [group_id])
    is_planned = bool(found.legs) and not found.changes
    if not is_planned and change_no is None:
        raise InputError("no change that the plan can name would take this group home: read its reasons")
    solution = with_explained(solution_of(basis), found) if is_planned else solution_of(basis)
    made = _copy(
        actor, basis, problem=problem, seconds=1, assumed=(*assumed_by(basis), *assumed), status=PlanStatus.DRAFT
    )
    kept = frozenset(json.loads(basis.kept_groups)) | ({group_id} if is_planned else set())
    made.kept_groups = json.dumps(sorted(kept))
    session.add(made)
    session.flush()
    stopping = findings_on(session, made, problem, solution, [group_id]) if is_planned else []
    if stopping:
        raise Refused(access.visible_findings(stopping, actor))
    write_draft(session, made, problem, solution, earlier=basis.unplanned)
    audit.append(
        session, actor, act="planning.try_change", object_kind="plan", object_id=made.plan_id,
        ids={"basis": basis.plan_id, "group": group_id},
    )  # fmt: skip
    return made


def _basis(session: Session, actor: access.Actor, plan_id: str, seconds: int) -> tuple[access.Actor, Plan]:
    actor, basis = own_plan(session, actor, plan_id, "planning.edit")
    if basis.status is not PlanStatus.DRAFT:
        raise Stale(f"plan is {basis.status}: only a draft can be copied")
    if not 1 <= seconds <= planning.LONGEST_RUN_SECONDS:
        raise InputError(f"{seconds} seconds, expected 1 to {planning.LONGEST_RUN_SECONDS}")
    return actor, basis


def _copied(
    session: Session,
    actor: access.Actor,
    basis: Plan,
    *,
    act: str,
    problem: Problem | None,
    seconds: int,
    assumed: Sequence[WhatIf],
    more_days: int = 0,
) -> Plan:
    """A copy for the worker, with its job and its entry in the log."""
    made = _copy(
        actor, basis, problem=problem, seconds=seconds, assumed=assumed, status=PlanStatus.RUNNING, more_days=more_days
    )
    session.add(made)
    session.flush()
    jobs.enqueue(session, actor, kind=JobKind.SOLVE, object_id=made.plan_id)
    audit.append(session, actor, act=act, object_kind="plan", object_id=made.plan_id, ids={"basis": basis.plan_id})
    return made


def _copy(
    actor: access.Actor,
    basis: Plan,
    *,
    problem: Problem | None,
    seconds: int,
    assumed: Sequence[WhatIf],
    status: PlanStatus,
    more_days: int = 0,
) -> Plan:
    """The row of a copy; without a problem the worker gathers one, for more days."""
    return Plan(
        office_id=basis.office_id,
        status=status,
        basis_plan_id=basis.plan_id,
        created_by=actor.user_id,
        created_at=clock.now(),
        first_date=basis.first_date,
        horizon_days=basis.horizon_days + more_days,
        problem=packed(problem_to_json(problem)) if problem else b"",
        problem_digest=digest(problem) if problem else "",
        details=basis.details,
        groups_availability=basis.groups_availability,
        kept_groups=basis.kept_groups,
        is_hypothetical=any(each.kind is not Assumed.MORE_DAYS for each in assumed),
        assumed=to_json(assumed),
        seed=basis.seed,
        seconds=seconds,
        versions=versions(),
    )


def _resolved(session: Session, each: WhatIf) -> WhatIf:
    """A vehicle to lose as plate, type and depot: a plan counts vehicles, it does not know them apart."""
    if each.kind is not Assumed.LOSE_VEHICLE:
        return each
    wanted = each.ids[0] if each.ids else ""
    vehicle = session.exec(
        select(Vehicle).where((col(Vehicle.vehicle_id) == wanted) | (col(Vehicle.plate) == wanted))
    ).first()
    if vehicle is None:
        raise InputError(f"no vehicle {wanted}: choose one from the list")
    place = vehicle.depot_place_id
    return replace(each, ids=(vehicle.plate, type_id(vehicle), place, "hired" if vehicle.is_hired else "own"))


# ---- what a copy assumes, as people know it ----------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Assumption:
    """One thing that a plan assumes.

    Parameters
    ----------
    code
        ``Assumed`` value, or for a change ``change.<code>`` as in the why-not list.
    names
        Crossing and place ids, plates, carrier and number, groups.
    """

    code: str
    names: tuple[str, ...]
    first_day: date | None
    last_day: date | None
    amount: int


def assumptions(session: Session, actor: access.Actor, *, plan_id: str) -> tuple[Assumption, ...]:
    """What a plan assumes, to be read beside every figure of it; nothing for a plan on the facts."""
    _, plan = own_plan(session, actor, plan_id, "planning.read")
    assumed = assumed_by(plan)
    if not assumed:
        return ()
    trips = {trip.id: f"{trip.stops[0]}>{trip.stops[-1]}" for trip in (problem_of(plan).trips if plan.problem else ())}
    names = trips | row_names(session, (name for each in assumed for name in each.ids))
    return tuple(
        Assumption(
            code=f"change.{each.code}" if each.kind is Assumed.CHANGE else each.kind.value,
            names=tuple(
                names.get(name, name) for name in (each.ids[:1] if each.kind is Assumed.LOSE_VEHICLE else each.ids)
            ),
            first_day=each.first_day,
            last_day=each.last_day,
            amount=each.amount,
        )
        for each in assumed
    )


# ---- whom a closure stopped --------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class AffectedGroup:
    """A group whose booked journey was stopped and who has no other yet."""

    group_id: str
    case_id: str
    case_reference: str
    person_count: int
    stranded_since: date
    destination_place_id: str


def affected_groups(
    session: Session, actor: access.Actor, *, closure_id: str | None = None, movement_ids: Collection[str] = ()
) -> tuple[AffectedGroup, ...]:
    """Groups whose movements a closure stopped (or these movements), still without a seat; longest stranded first."""
    actor = access.require(session, actor, "planning.read")
    stopped = _stopped(session, actor, closure_id, movement_ids)
    if not stopped:
        return ()
    left = {
        group_id
        for group_id in session.exec(select(Seat.group_id).where(col(Seat.movement_id).in_(stopped)).distinct()).all()
        if group_id
    }
    seated = select(Seat.group_id).where(
        Seat.status == SeatStatus.ACTIVE, col(Seat.group_id).is_not(None), not_travelled(clock.now())
    )
    rows = session.exec(
        select(TravelGroup, Case)
        .join(Case, col(Case.case_id) == TravelGroup.case_id)
        .where(
            col(TravelGroup.group_id).in_(left),
            col(TravelGroup.group_id).not_in(seated),
            Case.office_id == (actor.office_id or ""),
            col(Case.closed_at).is_(None),
        )
    ).all()
    since: dict[str, list[date]] = defaultdict(list)
    for person in session.exec(
        select(Person).where(col(Person.group_id).in_(left), Person.status == PersonStatus.ACTIVE)
    ).all():
        since[person.group_id].append(person.stranded_since)
    found = [
        AffectedGroup(
            group_id=group.group_id,
            case_id=case.case_id,
            case_reference=case.reference,
            person_count=len(since[group.group_id]),
            stranded_since=min(since[group.group_id]),
            destination_place_id=group.destination_place_id,
        )
        for group, case in rows
        if since[group.group_id]
    ]
    return tuple(sorted(found, key=lambda each: (each.stranded_since, each.group_id)))


def replan_affected(
    session: Session,
    actor: access.Actor,
    *,
    closure_id: str | None = None,
    movement_ids: Collection[str] = (),
    first_date: date,
    days: int,
    seconds: int = 30,
) -> Plan:
    """Ask for a plan for those whom a closure stopped; everything else that is booked stays as it is.

    Raises
    ------
    InputError
        If nobody waits because of it, or the dates are wrong.
    """
    affected = affected_groups(session, actor, closure_id=closure_id, movement_ids=movement_ids)
    if not affected:
        raise InputError("nobody waits because of it: every group it stopped has a journey again or left")
    return planning.start(
        session, actor, first_date=first_date, days=days, seconds=seconds,
        group_ids=[each.group_id for each in affected],
    )  # fmt: skip


def stopped_by(session: Session, actor: access.Actor, *, closure_id: str) -> list[str]:
    """Movements of the office that a closure stopped."""
    return _stopped(session, access.require(session, actor, "planning.read"), closure_id, ())


def _stopped(session: Session, actor: access.Actor, closure_id: str | None, movement_ids: Collection[str]) -> list[str]:
    """Cancelled movements of the office: those named, and those that a closure stopped."""
    cancelled = select(Movement).where(
        Movement.office_id == (actor.office_id or ""), Movement.status == MovementStatus.CANCELLED
    )
    found = {
        row.movement_id
        for row in session.exec(cancelled.where(col(Movement.movement_id).in_(list(movement_ids)))).all()
    }
    if closure_id is None:
        return sorted(found)
    if session.get(Closure, closure_id) is None:
        raise NotAllowed
    by_it = cancelled.where(Movement.cancelled_reason == closure_id)
    return sorted(found | {row.movement_id for row in session.exec(by_it).all()})
