"""What a run of the worker starts from, and what is kept of it: the frozen problem, better plans, the draft.

Reads of a run may take their time; whatever moved meanwhile is left out of the draft.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from types import MappingProxyType

from sqlmodel import Session, col, func, select

from retorno import clock
from retorno.errors import Inconsistent
from retorno.models.movements import Plan, Seat
from retorno.models.office import Office
from retorno.models.people import Person, TravelGroup
from retorno.movements.facts import not_travelled
from retorno.optimizer.check import Verdict, judge
from retorno.optimizer.problem import Plan as Solution
from retorno.optimizer.problem import Problem, Replan, digest, plan_to_json, problem_to_json
from retorno.plans.assumptions import LESS, assume, assumed_by
from retorno.plans.fairness import first_stranded_first
from retorno.plans.fleet import trip_details
from retorno.plans.gathering import Gathered, gather
from retorno.plans.scope import Scope
from retorno.plans.screening import screened, without
from retorno.plans.setting_aside import is_still_held
from retorno.plans.store import finding_json, packed, problem_of, solution_of, unpacked, unplanned_json, verdict_json
from retorno.rules import Finding
from retorno.situation import situation
from retorno.vocabulary import Assumed, PersonStatus, PlanStatus, SeatStatus


@dataclass(frozen=True, kw_only=True)
class Task:
    """What a run starts from.

    Parameters
    ----------
    problem
        To be solved: the plan's, with its pinned groups locked where they are.
    found
        What was gathered for it and is to be kept first; None for a copy, which has its problem already.
    start
        A plan to search on from; None for a first plan.
    bound_cents
        What is proven about the plan's problem already.
    locked
        The pinned groups that stay where they are: what the run proves then holds with the pins only, and is not kept.
    """

    problem: Problem
    found: Gathered | None
    start: Solution | None
    bound_cents: int | None
    locked: frozenset[str]
    seconds: int
    seed: int

    def bound(self, proven_cents: int | None) -> int | None:
        """The best bound that holds for the plan's problem, whatever was pinned."""
        known = [each for each in (self.bound_cents, None if self.locked else proven_cents) if each is not None]
        return max(known, default=None)


def task(session: Session, plan_id: str) -> Task:
    """What the worker has to do for a plan; reads only."""
    plan = session.get_one(Plan, plan_id)
    found = None
    if plan.problem:
        problem = problem_of(plan)
    else:
        found = gathered(session, plan_id)
        assumed = [each for each in assumed_by(plan) if each.kind is not Assumed.MORE_DAYS]
        found.problem = assume(found.problem, assumed, situation(session, day=plan.first_date))
        problem = found.problem
    basis = session.get_one(Plan, plan.basis_plan_id) if plan.basis_plan_id else None
    start = replace(solution_of(basis), problem=problem.name) if basis is not None and basis.solution else None
    locked = _lockable(problem, start, _kept(plan)) if start else frozenset()
    if start and locked:
        pins = Replan(now_day=0, previous=start, change_cents=0, locked_groups=tuple(sorted(locked)))
        problem = replace(problem, replan=pins)
    return Task(
        problem=problem,
        found=found,
        start=start,
        bound_cents=basis.bound_cents if basis is not None and _is_narrower(plan, basis) else None,
        locked=locked,
        seconds=plan.seconds,
        seed=plan.seed,
    )


def _is_narrower(plan: Plan, basis: Plan) -> bool:
    """Whether a plan allows nothing that its basis did not: what is proven of the basis then holds for it too."""
    if plan.problem_digest == basis.problem_digest:
        return True
    new = assumed_by(plan)[len(assumed_by(basis)) :]
    return bool(plan.problem) and all(each.kind in LESS for each in new)


def _lockable(problem: Problem, start: Solution, kept: frozenset[str]) -> frozenset[str]:
    """The pinned groups that can stay where they are: on assumed facts not all of them may."""
    locked = kept & set(start.itineraries)
    while locked:
        alone = without(problem, start, set(start.itineraries) - locked)
        verdict = judge(problem, alone)
        if verdict.is_valid:
            return frozenset(alone.itineraries)
        blamed = {each.group_id for each in verdict.violations if each.group_id}
        blamed |= _aboard(alone, {each.vehicle_id for each in verdict.violations if each.vehicle_id})
        locked = locked - blamed if locked & blamed else frozenset()
    return frozenset()


def _aboard(solution: Solution, vehicle_ids: set[str]) -> set[str]:
    return {g for g, legs in solution.itineraries.items() if any(leg.vehicle in vehicle_ids for leg in legs)}


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
    kept_groups: frozenset[str] | None = None,
) -> None:
    """Keep a checked plan; the last one becomes the draft, with the reasons of everyone who is not in it.

    ``kept_groups`` are the pinned groups that could stay where they were; None for all that are pinned.

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
    plan.bound_cents = bound_cents
    plan.stop_reason = stop_reason
    if not is_final:
        _write(session, plan, solution, verdict, "[]")
        return
    if kept_groups is not None:
        plan.kept_groups = json.dumps(sorted(kept_groups))
    # Whoever withdrew, was stopped or got a seat while the run went on is not in the draft.
    planned = sorted(group_id for group_id, legs in solution.itineraries.items() if legs)
    solution = without(problem, solution, set(moved_groups(session, plan, planned)))
    solution = first_stranded_first(problem, solution, _stranded_since(session, plan, problem))
    solution, dropped = screened(session, plan, problem, solution)
    write_draft(session, plan, problem, solution, dropped=dropped)


def write_draft(
    session: Session,
    plan: Plan,
    problem: Problem,
    solution: Solution,
    *,
    dropped: Mapping[str, Sequence[Finding]] = MappingProxyType({}),
    earlier: str = "[]",
) -> None:
    """Make a checked solution the draft of a plan, with the reasons of everyone who is not in it.

    ``earlier`` is what the plan before an edit said of those who were not in it.

    Raises
    ------
    Inconsistent
        If the checker refuses it.
    """
    verdict = judge(problem, solution)
    if not verdict.is_valid:
        raise Inconsistent(f"plan {plan.plan_id}: the checker refuses what is left: {verdict.violations[0].code}")
    plan.status = PlanStatus.DRAFT
    plan.version += 1
    plan.kept_groups = json.dumps(sorted(_kept(plan) & set(solution.itineraries)))
    _write(session, plan, solution, verdict, unplanned_json(problem, solution, dropped, earlier=earlier))


def _write(session: Session, plan: Plan, solution: Solution, verdict: Verdict, unplanned: str) -> None:
    plan.solution = packed(plan_to_json(solution))
    plan.value_cents = verdict.value_cents
    plan.unplanned = unplanned
    plan.verdict = verdict_json(verdict)
    session.add(plan)
    session.flush()


def _kept(plan: Plan) -> frozenset[str]:
    return frozenset(json.loads(plan.kept_groups))


def _stranded_since(session: Session, plan: Plan, problem: Problem) -> dict[str, date]:
    """First stranded day of every group that may still be planned and is not pinned, of who waits longest in it."""
    group_ids = [group.id for group in problem.groups]
    moved = set(moved_groups(session, plan, group_ids))
    rows = session.exec(
        select(col(Person.group_id), func.min(Person.stranded_since))
        .where(col(Person.group_id).in_(group_ids), Person.status == PersonStatus.ACTIVE)
        .group_by(col(Person.group_id))
    ).all()
    return {group_id: since for group_id, since in rows if group_id not in moved | _kept(plan)}


def fail(session: Session, plan_id: str, reason: str) -> None:
    """Note that a run ended without a plan."""
    plan = session.get_one(Plan, plan_id, populate_existing=True)
    if plan.status is PlanStatus.RUNNING:
        plan.status, plan.stop_reason = PlanStatus.FAILED, reason
        plan.version += 1
        session.add(plan)
        session.flush()


def moved_groups(session: Session, plan: Plan, group_ids: Sequence[str], *, is_reading: bool = False) -> list[str]:
    """Groups about which a fact changed since the plan was gathered, that have seats by now, or that are gone (I3).

    Their rows are locked until the transaction ends, unless it only reads.
    """
    known = json.loads(plan.groups_availability)
    wanted = select(TravelGroup).where(col(TravelGroup.group_id).in_(group_ids))
    if not is_reading:
        wanted = wanted.with_for_update()
    rows = session.exec(wanted.execution_options(populate_existing=True)).all()
    seated = session.exec(
        select(Seat.group_id)
        .where(col(Seat.group_id).in_(group_ids), Seat.status == SeatStatus.ACTIVE, not_travelled(clock.now()))
        .distinct()
    ).all()
    seats = {group_id for group_id in seated if group_id}
    moved = {row.group_id for row in rows if row.availability != known.get(row.group_id)}
    # Whom a plan on an assumed failure takes over still has the seats that the failure would free.
    held = {row.group_id for row in rows if row.group_id in seats and is_still_held(plan, row)}
    moved -= held
    seats -= held
    gone = set(group_ids) - {row.group_id for row in rows}
    return sorted(moved | gone | seats)
