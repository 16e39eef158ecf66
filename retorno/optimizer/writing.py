"""Problems and plans as JSON objects of the public format (docs/optimizer-format.md)."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import fields
from typing import Any, Final

from retorno.optimizer.facts import Charter, Leg, Plan, Problem, Service

PROBLEM_FORMAT: Final = "retorno-joint-problem/1"
PROBLEM_FORMAT_2: Final = "retorno-joint-problem/2"
PLAN_FORMAT: Final = "retorno-joint-plan/1"


def plan_to_json(plan: Plan) -> dict[str, Any]:
    """The plan as a JSON object of the public format."""
    return {
        "format": PLAN_FORMAT,
        "problem": plan.problem,
        "vehicles": [
            {
                "id": vehicle.id,
                "type": vehicle.type,
                "depot": vehicle.depot,
                "hired": vehicle.hired,
                "moves": [[day, trip_id] for day, trip_id in vehicle.moves],
            }
            for vehicle in plan.vehicles
        ],
        "itineraries": {group_id: [leg_to_json(leg) for leg in legs] for group_id, legs in plan.itineraries.items()},
    }


def leg_to_json(leg: Leg) -> dict[str, Any]:
    """One leg as a JSON object of the public format."""
    document: dict[str, Any] = {leg.kind: leg.row_id, "day": leg.day}
    if leg.kind == "trip":
        document |= {"vehicle": leg.vehicle, "board": leg.board, "alight": leg.alight}
    elif leg.kind == "charter":
        document["aircraft"] = leg.aircraft
    for key, value in leg.extra:
        document[key] = json.loads(value)
    return document


def problem_to_json(problem: Problem) -> dict[str, Any]:
    """The problem as a JSON object of the public format: of version 2 if it states anything that version 1 cannot."""
    document: dict[str, Any] = {
        "format": PROBLEM_FORMAT,
        "name": problem.name,
        "horizon_days": problem.horizon_days,
        "first_date": problem.first_date,
        "clock_utc_offset_min": problem.clock_utc_offset_min,
        "transfer_min": problem.transfer_min,
        "max_journey_days": problem.max_journey_days,
        "escort_return_days": problem.escort_return_days,
        "costs": _row_to_json(problem.costs),
    }
    for table in ("sites", "crossings", "vehicle_types", "depots", "trips", "services", "charters"):
        document[table] = [_row_to_json(row) for row in getattr(problem, table)]
    document["closures"] = [list(pair) for pair in sorted(problem.closures)]
    document["cancelled"] = [list(pair) for pair in sorted(problem.cancelled)]
    document["escort_pools"] = [_row_to_json(pool) for pool in problem.escort_pools]
    document["groups"] = [_row_to_json(group) for group in problem.groups]
    document["conflicts"] = [list(pair) for pair in problem.conflicts]
    if problem.replan is not None:
        document["replan"] = {
            "now_day": problem.replan.now_day,
            "previous": plan_to_json(problem.replan.previous),
            "change_cents": problem.replan.change_cents,
            "locked_groups": list(problem.replan.locked_groups),
        }
    if problem.rest is not None:
        document["rest"] = _row_to_json(problem.rest)
    if problem.escorts_keep_seats:
        document["escorts_keep_seats"] = problem.escorts_keep_seats
    if _needs_version_2(problem):
        document["format"] = PROBLEM_FORMAT_2
    return document


# What only version 2 can say of a row; absent where it says nothing.
_VERSION_2: Final = frozenset(
    {"unaccompanied_max", "escort_returns", "women", "men", "unaccompanied", "escort_women", "escort_men"}
)
_OPTIONAL: Final = _VERSION_2 | {"max_journey_days"}


def _needs_version_2(problem: Problem) -> bool:
    rows: tuple[Any, ...] = (
        *problem.vehicle_types,
        *problem.services,
        *problem.charters,
        *problem.escort_pools,
        *problem.groups,
    )
    return (problem.rest is not None or problem.escorts_keep_seats > 0) or any(
        getattr(row, column.name) != column.default
        for row in rows
        for column in fields(row)
        if column.name in _VERSION_2
    )


def _row_to_json(row: Any) -> dict[str, Any]:
    is_link = isinstance(row, Service | Charter)
    document: dict[str, Any] = {}
    for column in fields(row):
        name, value = column.name, getattr(row, column.name)
        if name in _OPTIONAL and value == column.default:
            continue
        if is_link and name in ("origin", "destination"):
            name = "from" if name == "origin" else "to"
        document[name] = _plain(value)
    return document


def _plain(value: Any) -> Any:
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    return dict(value) if isinstance(value, Mapping) else value


def digest(problem: Problem) -> str:
    """SHA-256 (hexadecimal) of the problem's canonical JSON: sorted keys, no spaces, UTF-8."""
    text = json.dumps(problem_to_json(problem), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()
