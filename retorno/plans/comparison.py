"""Two plans side by side: what each gives, and whose date, vehicle or crossing differ.

Nationalities are counted here, outside the solver, which never learns one (R32).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from sqlmodel import Session, col, select

from retorno.errors import InputError
from retorno.models.movements import Plan
from retorno.models.people import Case, Person, TravelGroup
from retorno.office import access
from retorno.optimizer.check import judge
from retorno.optimizer.choices import only_ridden
from retorno.optimizer.problem import DAY_MIN, Leg, Service
from retorno.optimizer.solve import gap_of
from retorno.plans.choosing import passed, row_names, vehicle_names
from retorno.plans.store import own_plan, problem_of, solution_of
from retorno.vocabulary import PersonStatus


@dataclass(frozen=True, kw_only=True)
class Measure:
    """One figure of both plans.

    Parameters
    ----------
    key
        going, not_planned, waiting_days, cost_cents, vehicles, crossings, gap; and by nationality ``wait_p50``,
        ``wait_p90``, ``wait_max`` and ``going``.
    a, b
        None where a plan has no such figure.
    nationality
        Of whom; empty for everybody.
    """

    key: str
    a: float | None
    b: float | None
    nationality: str = ""


@dataclass(frozen=True, kw_only=True)
class Journey:
    """How a group goes in one plan: day of departure, day of arrival, carriers, crossings."""

    day: date
    home_on: date
    vehicles: tuple[str, ...]
    crossings: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class GroupDifference:
    """A group whose date, vehicle or crossing differ; None where it does not go."""

    group_id: str
    case_id: str
    case_reference: str
    person_count: int
    a: Journey | None
    b: Journey | None


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """Two plans, measure by measure and group by group.

    Parameters
    ----------
    is_same_period
        Whether both cover the same days; person-days of waiting are comparable only then.
    """

    measures: tuple[Measure, ...]
    groups: tuple[GroupDifference, ...]
    is_same_period: bool


def compare(session: Session, actor: access.Actor, *, plan_id: str, other_plan_id: str) -> Comparison:
    """What two plans of the office give, and where they differ.

    Raises
    ------
    InputError
        If one of them has no plan to show yet.
    """
    actor, plan_a = own_plan(session, actor, plan_id, "planning.read")
    _, plan_b = own_plan(session, actor, other_plan_id, "planning.read")
    if not plan_a.solution or not plan_b.solution:
        raise InputError("one of the plans has no result yet: wait for it or choose another")
    people = _people(session, plan_a, plan_b)
    a, b = _Side(session, plan_a, people), _Side(session, plan_b, people)
    measures = [
        Measure(key=key, a=a.figures[key], b=b.figures[key])
        for key in ("going", "not_planned", "waiting_days", "cost_cents", "vehicles", "crossings", "gap")
    ]
    for nationality in sorted({*a.by_nationality, *b.by_nationality}):
        one, other = a.by_nationality.get(nationality, {}), b.by_nationality.get(nationality, {})
        measures += [
            Measure(key=key, a=one.get(key), b=other.get(key), nationality=nationality)
            for key in ("going", "wait_p50", "wait_p90", "wait_max")
        ]
    return Comparison(
        measures=tuple(measures),
        groups=_differences(session, a, b),
        is_same_period=(plan_a.first_date, plan_a.horizon_days) == (plan_b.first_date, plan_b.horizon_days),
    )


def _people(session: Session, *plans: Plan) -> list[tuple[str, str, date]]:
    """Group, nationality and first stranded day of every active person of two plans."""
    group_ids = sorted({group.id for plan in plans for group in problem_of(plan).groups})
    rows = session.exec(
        select(col(Person.group_id), col(Person.nationality), col(Person.stranded_since)).where(
            col(Person.group_id).in_(group_ids), Person.status == PersonStatus.ACTIVE
        )
    ).all()
    return [(group_id, nationality, since) for group_id, nationality, since in rows]


class _Side:
    """One of the two plans."""

    def __init__(self, session: Session, plan: Plan, people: Sequence[tuple[str, str, date]]) -> None:
        self.plan = plan
        self.problem, self.solution = problem_of(plan), solution_of(plan)
        self.trips = {trip.id: trip for trip in self.problem.trips}
        self.services = {row.id: row for row in self.problem.services}
        self.charters = {row.id: row for row in self.problem.charters}
        self.sizes = {group.id: group.persons for group in self.problem.groups}
        ridden = only_ridden(self.solution).vehicles
        self.names = row_names(session, [*self.services, *self.charters])
        self.names |= vehicle_names(session, plan, self.problem, self.solution)
        self.journeys = {group_id: self._journey(legs) for group_id, legs in self.solution.itineraries.items() if legs}
        verdict = judge(self.problem, self.solution)
        going = sum(self.sizes[group_id] for group_id in self.journeys)
        value = plan.value_cents
        self.figures: dict[str, float | None] = {
            "going": going,
            "not_planned": sum(self.sizes.values()) - going,
            "waiting_days": verdict.person_days,
            "cost_cents": verdict.components["cost"],
            "vehicles": len(ridden),
            "crossings": len({each for journey in self.journeys.values() for each in journey.crossings}),
            "gap": None if value is None else gap_of(value, plan.bound_cents),
        }
        self.by_nationality = self._waits(people)

    def _journey(self, legs: Sequence[Leg]) -> Journey:
        last = legs[-1]
        links: dict[str, int] = {row.id: row.arrive_min for row in self.services.values()}
        links |= {row.id: row.arrive_min for row in self.charters.values()}
        later = 0 if last.kind == "trip" else links[last.row_id] // DAY_MIN
        return Journey(
            day=self.plan.first_date + timedelta(days=legs[0].day),
            home_on=self.plan.first_date + timedelta(days=last.day + later),
            vehicles=tuple(self.names.get(leg.vehicle or leg.row_id, leg.vehicle or leg.row_id) for leg in legs),
            crossings=tuple(dict.fromkeys(each for leg in legs for each in self._crossings(leg))),
        )

    def _crossings(self, leg: Leg) -> Iterable[str]:
        if leg.kind == "trip":
            return passed(self.trips[leg.row_id], leg)
        row: Service | None = self.services.get(leg.row_id)
        return row.crossings if row else ()

    def _waits(self, people: Sequence[tuple[str, str, date]]) -> dict[str, dict[str, float]]:
        """Days stranded until home by nationality; whoever does not go waits at least to the last day."""
        last = self.plan.first_date + timedelta(days=self.plan.horizon_days)
        waits: dict[str, list[int]] = defaultdict(list)
        going: dict[str, int] = defaultdict(int)
        for group_id, nationality, since in people:
            if group_id not in self.sizes:
                continue
            journey = self.journeys.get(group_id)
            waits[nationality].append(((journey.home_on if journey else last) - since).days)
            going[nationality] += journey is not None
        return {
            nationality: {
                "going": going[nationality],
                "wait_p50": _percentile(days, 50),
                "wait_p90": _percentile(days, 90),
                "wait_max": max(days),
            }
            for nationality, days in waits.items()
        }


def _percentile(days: Collection[int], percent: int) -> int:
    """The days within which so many of a hundred are home."""
    return sorted(days)[max(0, -(-percent * len(days) // 100) - 1)]


def _differences(session: Session, a: _Side, b: _Side) -> tuple[GroupDifference, ...]:
    """Groups that do not go alike, by the earlier of their days, those that go in one plan only first."""
    differ = {
        group_id for group_id in {*a.journeys, *b.journeys} if a.journeys.get(group_id) != b.journeys.get(group_id)
    }
    rows = session.exec(
        select(TravelGroup, Case)
        .join(Case, col(Case.case_id) == TravelGroup.case_id)
        .where(col(TravelGroup.group_id).in_(differ))
    ).all()
    found = [
        GroupDifference(
            group_id=group.group_id,
            case_id=case.case_id,
            case_reference=case.reference,
            person_count=a.sizes.get(group.group_id) or b.sizes[group.group_id],
            a=a.journeys.get(group.group_id),
            b=b.journeys.get(group.group_id),
        )
        for group, case in rows
    ]
    return tuple(
        sorted(
            found,
            key=lambda each: (
                each.a is not None and each.b is not None,
                min(journey.day for journey in (each.a, each.b) if journey is not None),
                each.case_reference,
                each.group_id,
            ),
        )
    )
