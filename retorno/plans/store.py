"""How a plan lies in its row: the frozen problem, the plan of ids and numbers, and what stands beside them.

Nothing here asks a rule or changes a plan; ``planning`` makes plans, ``workbench`` edits them.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from functools import lru_cache
from importlib.metadata import version as package_version
from typing import Any

from sqlmodel import Session

from retorno import clock
from retorno.errors import NotAllowed
from retorno.models.movements import Plan
from retorno.office import access
from retorno.optimizer.check import Verdict
from retorno.optimizer.explain import explain
from retorno.optimizer.problem import Plan as Solution
from retorno.optimizer.problem import Problem, plan_from_json, problem_from_json
from retorno.rules import Finding

PROBLEMS_KEPT = 8
"""Problems kept unpacked in memory; they hold ids and numbers, nothing about a person."""


def packed(value: Any) -> bytes:
    """A JSON value as gzipped canonical text: the same value gives the same bytes."""
    return gzip.compress(json.dumps(value, sort_keys=True, separators=(",", ":")).encode(), mtime=0)


def unpacked(content: bytes) -> Any:
    """The JSON value in such bytes; an empty object for none."""
    return json.loads(gzip.decompress(content)) if content else {}


@lru_cache(maxsize=PROBLEMS_KEPT)
def _problem(content: bytes) -> Problem:
    return problem_from_json(unpacked(content))


def problem_of(plan: Plan) -> Problem:
    """The frozen problem that a plan was made for."""
    return _problem(plan.problem)


def solution_of(plan: Plan) -> Solution:
    """The best checked plan so far; empty before the first."""
    if not plan.solution:
        return Solution(problem=problem_of(plan).name)
    return plan_from_json(unpacked(plan.solution))


def trip_details_of(plan: Plan) -> dict[str, Any]:
    """Trip id to what a movement keeps of it, as ``fleet.trip_details`` gives it."""
    details: dict[str, Any] = unpacked(plan.details).get("trips", {})
    return details


def own_plan(session: Session, actor: access.Actor, plan_id: str, act: str) -> tuple[access.Actor, Plan]:
    """The actor as the database knows them and a plan of their office; ``NotAllowed`` for any other."""
    actor = access.require(session, actor, act)
    plan = session.get(Plan, plan_id, populate_existing=True)
    if plan is None or plan.office_id != actor.office_id:
        raise NotAllowed
    return actor, plan


def versions() -> str:
    """Versions of what a plan depends on."""
    names = ("retorno", "highspy", "ortools")
    return ";".join([*(f"{name}={package_version(name)}" for name in names), f"tzdata={clock.TZDATA_VERSION}"])


def verdict_json(verdict: Verdict) -> str:
    """The checker's report as it is kept."""
    return json.dumps(
        {
            "valid": verdict.is_valid,
            "persons": verdict.persons,
            "persons_unplanned": verdict.persons_unplanned,
            "person_days": verdict.person_days,
            "components": dict(verdict.components),
        },
        sort_keys=True,
    )


def unplanned_json(
    problem: Problem, solution: Solution, dropped: Mapping[str, Sequence[Finding]], *, earlier: str = "[]"
) -> str:
    """Every group that is not in the plan: reason codes and the smallest change, or the rule that stopped it.

    ``earlier`` is the same of the plan before an edit: what a rule said of a group that is still out stays said.
    """
    said = {row["group_id"]: row["findings"] for row in json.loads(earlier)}
    rows = [
        {
            "group_id": entry.group_id,
            "reasons": [reason.value for reason in entry.reasons],
            "changes": [asdict(change) for change in entry.changes],
            "findings": [finding_json(found) for found in dropped.get(entry.group_id, ())]
            or said.get(entry.group_id, []),
        }
        for entry in explain(problem, solution)
    ]
    return json.dumps(rows, sort_keys=True)


def finding_json(found: Finding) -> dict[str, Any]:
    """A finding as it is kept beside a plan."""
    return {
        "rule": found.rule.value if found.rule else None,
        "code": found.code.value,
        "what_now": found.what_now.value,
        "who": found.who.value,
        "person_id": found.person_id,
        "group_id": found.group_id,
        "params": dict(found.params),
    }
