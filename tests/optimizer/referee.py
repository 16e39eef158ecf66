"""The referee of the public format as a function, to hold our own judge against."""

from __future__ import annotations

from typing import Any

from benchmarks.joint.referee import Referee, objective


def referee_says(problem_document: dict[str, Any], plan_document: Any) -> tuple[tuple[str, ...], dict[str, Any]]:
    """Codes of all violations, sorted, and the figures; only ``("MALFORMED",)`` and none if malformed."""
    try:
        referee = Referee(problem_document, plan_document).judge()
    except (KeyError, TypeError, ValueError, AttributeError, IndexError):
        return ("MALFORMED",), {}
    figures = objective(referee) | {key: referee.money[key] for key in COST_PARTS}
    figures |= {key: referee.count[key] for key in COUNTS}
    return tuple(sorted(code for code, _ in referee.violations)), figures


COST_PARTS = ("trips", "idle", "return", "hire", "fares", "charters", "beds", "escorts")
COUNTS = ("persons", "persons_unplanned", "person_days", "trips_run", "groups_changed")
