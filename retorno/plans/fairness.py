"""First stranded first: of groups alike in all that a plan weighs, the longer stranded never arrives later (R32).

A solver sees prices, and prices of long waits are capped; so the order among alike groups is settled here, after it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import replace
from datetime import date

from retorno.optimizer.problem import DAY_MIN, Charter, Group, Leg, Plan, Problem, Service


def first_stranded_first(problem: Problem, plan: Plan, stranded_since: Mapping[str, date]) -> Plan:
    """The plan with the journeys of alike groups handed out by how long they have been stranded.

    Alike are groups with the same origin, destination, size, needs, barred countries and dates; any of them can take
    the journey of any other, so every hard constraint still holds, and waiting never costs more. Groups with escorts
    keep their own journey: escorts are approved for a child, not for a place in a plan.

    Parameters
    ----------
    stranded_since
        Group id to the first stranded day of the member who waits longest.
    """
    alike: dict[Group, list[str]] = defaultdict(list)
    for group in problem.groups:
        if not group.escorts and group.id in stranded_since:
            alike[replace(group, id="", wait_cents_per_day=0, unplanned_cents=0)].append(group.id)
    itineraries = dict(plan.itineraries)
    arrivals = _Arrivals(problem)
    for group_ids in alike.values():
        journeys = [legs for group_id in group_ids if (legs := plan.itineraries.get(group_id))]
        journeys.sort(key=arrivals.minute)
        waiting = sorted(group_ids, key=lambda group_id: (stranded_since[group_id], group_id))
        for number, group_id in enumerate(waiting):
            if number < len(journeys):
                itineraries[group_id] = journeys[number]
            else:
                itineraries.pop(group_id, None)
    return replace(plan, itineraries=itineraries)


class _Arrivals:
    """When journeys arrive, from the rows of a problem."""

    def __init__(self, problem: Problem) -> None:
        self.trips = {trip.id: trip for trip in problem.trips}
        self.links: dict[str, Service | Charter] = {row.id: row for row in problem.services}
        self.links |= {row.id: row for row in problem.charters}

    def minute(self, legs: tuple[Leg, ...]) -> tuple[int, int]:
        """Plan minute of the last arrival, then of the day of the first departure: ties keep a fixed order."""
        last = legs[-1]
        if last.kind == "trip":
            minute = self.trips[last.row_id].arrive_min[last.alight]
        else:
            minute = self.links[last.row_id].arrive_min
        return last.day * DAY_MIN + minute, legs[0].day
