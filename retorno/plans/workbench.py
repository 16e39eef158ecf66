"""A draft edited by hand: every act names its reasons first, passes the checker and the rules, and can be undone.

There is no forcing: an edit that the checker or a rule refuses changes nothing.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session, col, delete, select

from retorno import clock
from retorno.errors import Inconsistent, Refused, Stale
from retorno.models.movements import Plan, PlanStep
from retorno.office import access, audit
from retorno.optimizer.check import judge
from retorno.optimizer.choices import set_aside, with_choice
from retorno.optimizer.problem import Plan as Solution
from retorno.optimizer.problem import Problem, plan_to_json
from retorno.plans.choosing import find_choice
from retorno.plans.screening import carriers_of, findings_on, without
from retorno.plans.solving import moved_groups
from retorno.plans.store import own_plan, packed, problem_of, solution_of, unplanned_json, verdict_json
from retorno.rules import Finding
from retorno.vocabulary import PlanAct, PlanStatus


class MoveRefused(Refused):
    """An edit that the checker or a rule stops.

    Parameters
    ----------
    reasons
        Codes of the checker (labels ``check.<code>``); ``findings`` are those of the rules.
    """

    def __init__(self, reasons: Sequence[str], findings: Sequence[Finding] = ()) -> None:
        self.reasons = tuple(reasons)
        super().__init__(findings)

    def __str__(self) -> str:
        return "; ".join([*self.reasons, *(str(found) for found in self.findings)])


@dataclass(frozen=True, kw_only=True)
class Step:
    """One edit of a draft.

    Parameters
    ----------
    number
        1 for the first edit.
    is_done
        Whether the draft stands at or after it; False for what was undone and can be done again.
    """

    plan_id: str
    number: int
    act: PlanAct
    group_ids: tuple[str, ...]
    made_by: str
    made_at: datetime
    is_done: bool


@dataclass(frozen=True, kw_only=True)
class History:
    """The edits of a draft, first to last."""

    can_undo: bool
    can_redo: bool
    steps: tuple[Step, ...]


# ---- acts ------------------------------------------------------------------------------------------------------


def move(
    session: Session,
    actor: access.Actor,
    *,
    plan_id: str,
    group_id: str,
    option_id: str,
    version: int | None = None,
) -> Step:
    """Give a group of a draft another way home, or one at all, as ``choosing.options`` listed it.

    Raises
    ------
    Stale
        If the plan is no draft, somebody edited it meanwhile, or facts about the group changed since it was made.
    MoveRefused
        If the checker or a rule stops it; nothing changes.
    """
    actor, plan = _draft(session, actor, plan_id, version)
    problem, solution = problem_of(plan), solution_of(plan)
    chosen = find_choice(problem, solution, group_id, option_id)
    if chosen is None:
        raise Stale("this way is no longer there: choose again")
    edited = with_choice(set_aside(solution, group_id), group_id, chosen)
    return _edited(session, actor, plan, problem, edited, act=PlanAct.MOVE, groups=[group_id])


def take_out(session: Session, actor: access.Actor, *, plan_id: str, group_id: str, version: int | None = None) -> Step:
    """Take one group out of a draft; it stays where it is until another plan.

    Raises
    ------
    Stale
        If the plan is no draft any more or somebody edited it meanwhile.
    MoveRefused
        If the plan would break a constraint without the group, such as the least load of a charter.
    """
    actor, plan = _draft(session, actor, plan_id, version)
    problem, solution = problem_of(plan), solution_of(plan)
    if not solution.itineraries.get(group_id):
        raise Stale("the group is not in the plan")
    return _edited(
        session, actor, plan, problem, set_aside(solution, group_id), act=PlanAct.TAKE_OUT, groups=[group_id]
    )


def keep(
    session: Session,
    actor: access.Actor,
    *,
    plan_id: str,
    group_ids: Sequence[str],
    is_kept: bool,
    version: int | None = None,
) -> Step:
    """Pin groups of a draft, so that a further search leaves them exactly where they are, or let them go again."""
    actor, plan = _draft(session, actor, plan_id, version)
    solution = solution_of(plan)
    missing = [group_id for group_id in group_ids if not solution.itineraries.get(group_id)]
    if is_kept and missing:
        raise Stale("a group to keep is not in the plan")
    before = kept_groups(plan)
    after = before | set(group_ids) if is_kept else before - set(group_ids)
    _remember(session, plan, actor)
    plan.kept_groups = json.dumps(sorted(after))
    act = PlanAct.KEEP if is_kept else PlanAct.LET_GO
    return _note(session, actor, plan, act=act, groups=group_ids)


def take_in(session: Session, actor: access.Actor, *, plan_id: str, version: int | None = None) -> tuple[str, ...]:
    """Take in what changed since the plan was made: the groups it is about leave the draft; gives all that left.

    A charter that would then be too empty does not fly, and its other groups leave too. Without changes nothing is
    done; whoever left waits for a new plan, made on the facts.

    Raises
    ------
    Stale
        If the plan is no draft any more or somebody edited it meanwhile.
    MoveRefused
        If those who stay may not travel without the others: only a new plan helps then.
    """
    actor, plan = _draft(session, actor, plan_id, version)
    problem, solution = problem_of(plan), solution_of(plan)
    going = {group_id for group_id, legs in solution.itineraries.items() if legs}
    gone = moved_groups(session, plan, sorted(going))
    if not gone:
        return ()
    left = without(problem, solution, set(gone))
    out = sorted(going - set(left.itineraries))
    _edited(session, actor, plan, problem, left, act=PlanAct.TAKE_IN, groups=out)
    return tuple(out)


def undo(session: Session, actor: access.Actor, *, plan_id: str, version: int | None = None) -> History:
    """Back to the draft before the last edit, byte for byte; nothing to undo changes nothing."""
    return _go(session, actor, plan_id, version, -1)


def redo(session: Session, actor: access.Actor, *, plan_id: str, version: int | None = None) -> History:
    """The edit that was undone last is made again, byte for byte; nothing to redo changes nothing."""
    return _go(session, actor, plan_id, version, +1)


def history(session: Session, actor: access.Actor, *, plan_id: str) -> History:
    """Every edit of a plan, with what can be undone and done again."""
    _, plan = own_plan(session, actor, plan_id, "planning.read")
    return _history(session, plan)


def kept_groups(plan: Plan) -> frozenset[str]:
    """The groups that a further search leaves where they are."""
    return frozenset(json.loads(plan.kept_groups))


# ---- how an edit is kept ---------------------------------------------------------------------------------------


def _draft(
    session: Session, actor: access.Actor, plan_id: str, version: int | None = None
) -> tuple[access.Actor, Plan]:
    """A draft that may be edited, and its reader; ``Stale`` if it is none or changed since it was shown."""
    actor, plan = own_plan(session, actor, plan_id, "planning.edit")
    if plan.status is not PlanStatus.DRAFT:
        raise Stale(f"plan is {plan.status}: only a draft can be edited")
    if version is not None and plan.version != version:
        raise Stale("someone changed this plan: compare and choose")
    return actor, plan


def _edited(
    session: Session,
    actor: access.Actor,
    plan: Plan,
    problem: Problem,
    solution: Solution,
    *,
    act: PlanAct,
    groups: Sequence[str],
) -> Step:
    """Check an edited solution, screen it on real movements and keep it as the next step."""
    before = carriers_of(solution_of(plan))
    touched = set(groups).union(*(aboard for aboard in before.values() if aboard & set(groups)))
    gone = set(moved_groups(session, plan, sorted(solution.itineraries)))
    if act is PlanAct.MOVE and gone & set(groups):
        raise Stale("the facts about this group changed since the plan was made: find a plan again")
    for group_id in sorted(gone):
        solution = set_aside(solution, group_id)
    verdict = judge(problem, solution)
    if not verdict.is_valid:
        raise MoveRefused(tuple(dict.fromkeys(each.code.value for each in verdict.violations)))
    found = findings_on(session, plan, problem, solution, touched)
    if found:
        raise MoveRefused((), tuple(dict.fromkeys(access.visible_findings(found, actor))))
    _remember(session, plan, actor)
    plan.solution = packed(plan_to_json(solution))
    plan.value_cents = verdict.value_cents
    plan.verdict = verdict_json(verdict)
    plan.unplanned = unplanned_json(problem, solution, {}, earlier=plan.unplanned)
    plan.kept_groups = json.dumps(sorted(kept_groups(plan) & set(solution.itineraries)))
    return _note(session, actor, plan, act=act, groups=groups)


def _remember(session: Session, plan: Plan, actor: access.Actor) -> None:
    """Keep the draft as it is before its first edit, and forget what was undone: there is one line of edits."""
    session.execute(delete(PlanStep).where(col(PlanStep.plan_id) == plan.plan_id, col(PlanStep.number) > plan.step))
    if session.get(PlanStep, (plan.plan_id, 0)) is None:
        session.add(_row(plan, actor, number=0, act=None, groups=()))
        session.flush()


def _note(session: Session, actor: access.Actor, plan: Plan, *, act: PlanAct, groups: Collection[str]) -> Step:
    """Write the draft as it now stands as its next step, with the entry in the log."""
    plan.step += 1
    plan.version += 1
    row = _row(plan, actor, number=plan.step, act=act, groups=groups)
    session.add(plan)
    session.add(row)
    session.flush()
    _log(session, actor, plan, act.value, groups)
    return _step(row, plan)


def _row(plan: Plan, actor: access.Actor, *, number: int, act: PlanAct | None, groups: Collection[str]) -> PlanStep:
    return PlanStep(
        plan_id=plan.plan_id,
        number=number,
        act=act,
        group_ids=json.dumps(sorted(groups)),
        solution=plan.solution,
        unplanned=plan.unplanned,
        verdict=plan.verdict,
        value_cents=plan.value_cents,
        kept_groups=plan.kept_groups,
        made_by=actor.user_id,
        made_at=clock.now(),
    )


def _go(session: Session, actor: access.Actor, plan_id: str, version: int | None, by: int) -> History:
    actor, plan = _draft(session, actor, plan_id, version)
    row = session.get(PlanStep, (plan_id, plan.step + by))
    if row is None:
        return _history(session, plan)
    plan.solution, plan.unplanned, plan.verdict = row.solution, row.unplanned, row.verdict
    plan.value_cents, plan.kept_groups = row.value_cents, row.kept_groups
    plan.step = row.number
    plan.version += 1
    if not judge(problem_of(plan), solution_of(plan)).is_valid:
        raise Inconsistent(f"plan {plan_id}: step {row.number} does not fit its problem")
    session.add(plan)
    session.flush()
    _log(session, actor, plan, "undo" if by < 0 else "redo", ())
    return _history(session, plan)


def _log(session: Session, actor: access.Actor, plan: Plan, act: str, groups: Collection[str]) -> None:
    ids = {"groups": ",".join(sorted(groups))} if groups else {}
    audit.append(session, actor, act=f"planning.edit.{act}", object_kind="plan", object_id=plan.plan_id, ids=ids)


def _history(session: Session, plan: Plan) -> History:
    rows = session.exec(
        select(PlanStep).where(PlanStep.plan_id == plan.plan_id, PlanStep.number > 0).order_by(col(PlanStep.number))
    ).all()
    return History(
        can_undo=plan.step > 0 and plan.status is PlanStatus.DRAFT,
        can_redo=any(row.number > plan.step for row in rows) and plan.status is PlanStatus.DRAFT,
        steps=tuple(_step(row, plan) for row in rows),
    )


def _step(row: PlanStep, plan: Plan) -> Step:
    if row.act is None:
        raise Inconsistent(f"plan {row.plan_id}: step {row.number} has no act")
    return Step(
        plan_id=row.plan_id,
        number=row.number,
        act=row.act,
        group_ids=tuple(json.loads(row.group_ids)),
        made_by=row.made_by,
        made_at=row.made_at,
        is_done=row.number <= plan.step,
    )
