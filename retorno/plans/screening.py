"""A plan judged on real movements that are written and taken back at once: rules that a problem cannot state.

These are above all escorts (R12, R13), children among adults (R14), needs (R16) and drivers (R20).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from sqlalchemy import text
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session

from retorno import rules
from retorno.database import WRITER_LOCK
from retorno.errors import Stale
from retorno.models.movements import Plan
from retorno.movements.facts import findings_of, view
from retorno.optimizer.choices import only_ridden
from retorno.optimizer.problem import Plan as Solution
from retorno.optimizer.problem import Problem
from retorno.plans.assumptions import counts_on_more, stand_ins
from retorno.plans.booking import write_movements
from retorno.plans.setting_aside import set_aside
from retorno.plans.store import trip_details_of
from retorno.rules import Finding
from retorno.vocabulary import MovementStatus


def screened(
    session: Session, plan: Plan, problem: Problem, solution: Solution
) -> tuple[Solution, dict[str, list[Finding]]]:
    """Take out what a rule refuses on the real movements.

    Groups on a movement that fails leave the plan with the findings, until every movement passes. Nothing of what is
    written meanwhile is kept.
    """
    details = trip_details_of(plan)
    dropped: dict[str, list[Finding]] = {}
    kept = solution
    while any(kept.itineraries.values()):
        failing = judged_dry(session, plan, problem, kept, details)
        if not failing:
            break
        for group_id, findings in failing.items():
            dropped.setdefault(group_id, []).extend(findings)
        kept = without(problem, kept, set(failing))
    return kept, dropped


@contextmanager
def writing(session: Session) -> Iterator[Session]:
    """The session itself if it may write; for one that only reads another, whose work is always taken back."""
    bind = session.get_bind()
    if not bind.get_execution_options().get("read_only"):
        yield session
        return
    with Session(bind.execution_options(read_only=False), expire_on_commit=False) as writer:
        try:
            if bind.dialect.name == "postgresql":
                writer.execute(text("SELECT pg_advisory_xact_lock(:n)"), {"n": WRITER_LOCK})
            yield writer
        finally:
            writer.rollback()


def judged_dry(
    session: Session,
    plan: Plan,
    problem: Problem,
    solution: Solution,
    details: Mapping[str, Any],
    *,
    aboard: Collection[frozenset[str]] | None = None,
) -> dict[str, list[Finding]]:
    """Group id to the findings that stop it, from movements that are written and taken back at once.

    With ``aboard`` only movements are judged that carry all groups of one of these sets.
    """
    failing: dict[str, list[Finding]] = {}
    savepoint = session.begin_nested()
    try:
        session.add_all(stand_ins(plan))
        session.flush()
        set_aside(session, plan)
        made = write_movements(session, plan, problem, solution, dict(details))
        for movement_id in made:
            seen = view(session, movement_id)
            groups = sorted({rider.group.group_id for rider in seen.riders})
            if aboard is not None and not any(each <= set(groups) for each in aboard):
                continue
            for found in rules.blocking(findings_of(session, seen, stage=MovementStatus.ACCEPTED)):
                for group_id in [found.group_id] if found.group_id else groups:
                    failing.setdefault(group_id, []).append(found)
    except (IntegrityError, Stale) as error:
        if counts_on_more(plan):
            # What is only assumed cannot be written out; acceptance asks every rule once it is on record.
            return {}
        raise error if isinstance(error, Stale) else Stale("the facts changed: find a plan again") from error
    finally:
        savepoint.rollback()
        session.expire_all()
    return failing


def findings_on(
    session: Session, plan: Plan, problem: Problem, solution: Solution, group_ids: Collection[str]
) -> list[Finding]:
    """What rules object to on the movements that some groups ride, with everybody who shares one of them.

    Movements that none of them rides are not asked again: an edit leaves them as they were, and acceptance asks all.
    """
    riders = carriers_of(solution)
    touched = {carrier for carrier, aboard in riders.items() if aboard & set(group_ids)}
    beside = set(group_ids).union(*(riders[carrier] for carrier in touched))
    part = only_ridden(
        replace(solution, itineraries={g: legs for g, legs in solution.itineraries.items() if g in beside and legs})
    )
    if not part.itineraries:
        return []
    whole = [riders[carrier] for carrier in touched]
    failing = judged_dry(session, plan, problem, part, trip_details_of(plan), aboard=whole)
    return list(dict.fromkeys(found for findings in failing.values() for found in findings))


def carriers_of(solution: Solution) -> dict[tuple[str, str, int], frozenset[str]]:
    """Who rides each vehicle, service and aircraft of a plan on each day."""
    riders: dict[tuple[str, str, int], set[str]] = defaultdict(set)
    for group_id, legs in solution.itineraries.items():
        for leg in legs:
            riders[leg.kind, leg.vehicle or leg.row_id, leg.day].add(group_id)
    return {carrier: frozenset(group_ids) for carrier, group_ids in riders.items()}


def without(problem: Problem, solution: Solution, group_ids: set[str]) -> Solution:
    """The plan without some groups; vehicles that then carry nobody stay at home."""
    itineraries = {g: legs for g, legs in solution.itineraries.items() if g not in group_ids and legs}
    solution = only_ridden(replace(solution, itineraries=itineraries))
    aboard: dict[tuple[str, int, int], int] = {}
    seats = {group.id: group.seats for group in problem.groups}
    for group_id, legs in itineraries.items():
        for leg in legs:
            if leg.kind == "charter":
                key = (leg.row_id, leg.day, leg.aircraft)
                aboard[key] = aboard.get(key, 0) + seats[group_id]
    least = {charter.id: charter.min_load for charter in problem.charters}
    grounded = {key for key, count in aboard.items() if count < least[key[0]]}
    if grounded:
        stranded = {
            group_id
            for group_id, legs in itineraries.items()
            if any(leg.kind == "charter" and (leg.row_id, leg.day, leg.aircraft) in grounded for leg in legs)
        }
        return without(problem, solution, stranded)
    return solution
