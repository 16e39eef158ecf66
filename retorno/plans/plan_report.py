"""What a coordinator reads of a plan: progress, how many go, who goes when, who does not and why.

Reads only. A page opens a plan once (``open_plan``) and asks for the part that it shows; figures about it are in
``plan_figures``.
"""

from __future__ import annotations

import gzip
import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy.orm import load_only
from sqlmodel import Session, col, func, select

from retorno import clock, rules
from retorno.models.movements import Driver, Escort, Movement, Offer, Plan, Vehicle
from retorno.models.people import Case, Person, TravelGroup
from retorno.office import access, jobs
from retorno.plans import planning
from retorno.plans.fleet import free_vehicles
from retorno.plans.scope import CLOCK_UTC_OFFSET_MIN, Scope
from retorno.plans.solving import moved_groups
from retorno.plates import real_vehicles
from retorno.readiness import facts_of_groups, occasion_of
from retorno.rules import Finding, RuleCode, WhatNow
from retorno.situation import ground
from retorno.vocabulary import JobState, Mode, PersonStatus, PlanStatus, Role, Rule


@dataclass(frozen=True, kw_only=True)
class PlanStop:
    """A place on the way; the first has no arrival, the last no departure."""

    place_id: str
    arrive_at: datetime | None
    depart_at: datetime | None


@dataclass(frozen=True, kw_only=True)
class PlanBorder:
    """A crossing on the way and when the vehicle is there, if that is known."""

    crossing_id: str
    at: datetime | None


@dataclass(frozen=True, kw_only=True)
class PlanMovement:
    """One vehicle on one day, or one departure of a flight or coach, with people aboard.

    Parameters
    ----------
    name
        What staff call it: the plate of the vehicle that acceptance would take, or carrier and number. Empty where no
        vehicle of the kind is left.
    short_name
        As ``name``, without the carrier.
    vehicle_type, depot_place_id
        Of a vehicle: its kind as in ``data/vehicles.csv`` and where it starts; else empty.
    seats, spare_seats
        Seats that may be filled, and those built in beyond them.
    person_count, escort_count
        People who return, and those who travel along.
    """

    name: str
    short_name: str
    mode: Mode
    day: date
    stops: tuple[PlanStop, ...]
    borders: tuple[PlanBorder, ...]
    rests: tuple[tuple[datetime, datetime], ...]
    group_ids: tuple[str, ...]
    person_count: int
    escort_count: int
    seats: int
    spare_seats: int
    vehicle_type: str = ""
    depot_place_id: str = ""


@dataclass(frozen=True, kw_only=True)
class Change:
    """One part of the smallest change that would plan a group; ``names`` are ids of places, crossings, vehicles."""

    code: str
    names: tuple[str, ...]
    day: date | None
    amount: int


ROOM_LEFT = "ROOM_LEFT"
"""Reason of the optimizer: nothing keeps the group, the plan has room."""


@dataclass(frozen=True, kw_only=True)
class UnplannedGroup:
    """A group that does not go in this plan, with what it lacks; findings are as the reader may see them.

    Parameters
    ----------
    is_ready
        False where a rule kept it out of the search altogether, or stops it now.
    is_changed
        A fact about it changed since the plan was made: what the search said of it no longer counts.
    """

    group_id: str
    case_id: str
    case_reference: str
    person_count: int
    days_waiting: int
    origin_place_id: str
    destination_place_id: str
    is_ready: bool
    is_changed: bool
    reasons: tuple[str, ...]
    changes: tuple[Change, ...]
    findings: tuple[Finding, ...]

    @property
    def can_try(self) -> bool:
        """Whether a copy with the group in it can be made at once: a change is named, or nothing stands in the way."""
        return self.is_ready and (bool(self.changes) or self.has_room)

    @property
    def has_room(self) -> bool:
        """Whether the search only ran out of time before it came to this group."""
        return ROOM_LEFT in self.reasons


@dataclass(frozen=True, kw_only=True)
class Progress:
    """A run as it stands.

    Parameters
    ----------
    gap
        How far the plan may still be from the best possible, as a share; None while nothing is proven.
    is_waiting
        No worker has taken it yet.
    """

    seconds: float
    seconds_limit: int
    persons_planned: int
    persons: int
    gap: float | None
    is_waiting: bool
    is_stopping: bool


@dataclass(frozen=True, kw_only=True)
class PlannedGroup:
    """A group that travels in a plan: who, from where to where, on what; ``rides`` are plates and flight numbers."""

    group_id: str
    case_id: str
    case_reference: str
    person_count: int
    days_waiting: int
    origin_place_id: str
    destination_place_id: str
    depart_at: datetime | None
    rides: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class PlanRow:
    """One line of the list of plans, without what the plan was made from."""

    plan_id: str
    status: PlanStatus
    first_date: date
    horizon_days: int
    created_at: datetime
    basis_plan_id: str | None
    is_hypothetical: bool


@dataclass(frozen=True, kw_only=True)
class OpenPlan:
    """A plan with what it was made from, opened once for all parts of a page.

    Parameters
    ----------
    planned
        Group id to its legs, of the groups that travel.
    sizes
        Group id to people, of every group that the plan could take.
    """

    plan: Plan
    problem: Any
    solution: Any
    planned: Mapping[str, Sequence[Any]]
    sizes: Mapping[str, int]
    details: Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Headline:
    """How many go, in people and in groups: who goes, who could not, who was not ready then or is stopped since.

    ``changed`` are those who go in a draft although a fact about them changed: it cannot be accepted with them.
    """

    going: tuple[int, int]
    left: tuple[int, int]
    not_ready: tuple[int, int]
    changed: tuple[int, int]
    movement_count: int
    cost_cents: int
    gap: float | None
    is_valid: bool


# ---- progress --------------------------------------------------------------------------------------------------


def progress(session: Session, actor: access.Actor, *, plan_id: str) -> Progress | None:
    """How far a run is; None when it has ended."""
    plan = planning.read_plan(session, actor, plan_id=plan_id)
    if plan.status is not PlanStatus.RUNNING:
        return None
    job = jobs.of_object(session, plan_id)
    told: dict[str, Any] = json.loads(job.progress) if job else {}
    return Progress(
        seconds=float(told.get("seconds") or 0),
        seconds_limit=plan.seconds,
        persons_planned=int(told.get("planned") or 0),
        persons=int(told.get("persons") or 0),
        gap=told.get("gap"),
        is_waiting=job is None or job.state is JobState.QUEUED,
        is_stopping=job is not None and job.is_cancel_wanted,
    )


# ---- the list ----------------------------------------------------------------------------------------------------


def plan_rows(session: Session, actor: access.Actor) -> list[PlanRow]:
    """The office's plans, newest first, without the discarded ones."""
    actor = access.require(session, actor, "planning.read")
    names = tuple(PlanRow.__dataclass_fields__)
    rows = session.exec(
        select(Plan)
        .options(load_only(*(getattr(Plan, name) for name in names)))
        .where(Plan.office_id == (actor.office_id or ""), Plan.status != PlanStatus.DISCARDED)
        .order_by(col(Plan.created_at).desc())
    ).all()
    return [PlanRow(**{name: getattr(row, name) for name in names}) for row in rows]


# ---- a plan that ended -----------------------------------------------------------------------------------------


def open_plan(session: Session, actor: access.Actor, *, plan_id: str) -> OpenPlan:
    """A plan of the office with its problem and solution; a run that failed has neither person nor journey."""
    plan = planning.read_plan(session, actor, plan_id=plan_id)
    if not plan.problem:
        return OpenPlan(plan=plan, problem=None, solution=None, planned={}, sizes={}, details={})
    problem, solution = planning.problem_of(plan), planning.solution_of(plan)
    return OpenPlan(
        plan=plan,
        problem=problem,
        solution=solution,
        planned={group_id: legs for group_id, legs in solution.itineraries.items() if legs},
        sizes={group.id: group.persons for group in problem.groups},
        details=_details(plan),
    )


def headline(session: Session, opened: OpenPlan) -> Headline:
    """The few figures on top of a plan."""
    plan, sizes = opened.plan, opened.sizes
    verdict: dict[str, Any] = json.loads(plan.verdict) if plan.verdict else {}
    stopped = {group_id for group_id, findings in _changed(session, opened).items() if findings}
    not_ready = {*opened.details.get("left_out", {}), *stopped}
    going = [sizes[group_id] for group_id in opened.planned]
    left = [size for group_id, size in sizes.items() if group_id not in opened.planned and group_id not in stopped]
    people = session.exec(
        select(func.count())
        .select_from(Person)
        .where(col(Person.group_id).in_(list(not_ready)), Person.status == PersonStatus.ACTIVE)
    ).one()
    rides = {(leg.kind, leg.vehicle or leg.row_id, leg.day) for legs in opened.planned.values() for leg in legs}
    is_draft = plan.status is PlanStatus.DRAFT
    changed = moved_groups(session, plan, sorted(opened.planned), is_reading=True) if is_draft else []
    return Headline(
        going=(sum(going), len(going)),
        left=(sum(left), len(left)),
        not_ready=(people, len(not_ready)),
        changed=(sum(sizes[group_id] for group_id in changed), len(changed)),
        movement_count=len(rides),
        cost_cents=int(verdict.get("components", {}).get("cost", 0)),
        gap=_gap(plan),
        is_valid=bool(verdict.get("valid")),
    )


def _gap(plan: Plan) -> float | None:
    if plan.value_cents is None or plan.bound_cents is None or plan.value_cents <= 0:
        return None
    return max(0.0, (plan.value_cents - plan.bound_cents) / plan.value_cents)


def _details(plan: Plan) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(gzip.decompress(plan.details)) if plan.details else {}
    return found


# ---- who goes when -----------------------------------------------------------------------------------------------


def movements(session: Session, opened: OpenPlan) -> tuple[PlanMovement, ...]:
    """Vehicles by day and departures with people aboard, in the order of the clock."""
    if opened.problem is None:
        return ()
    plan, problem = opened.plan, opened.problem
    escorts = {group.id: group.escorts for group in problem.groups}
    aboard: dict[tuple[str, str, int], list[str]] = defaultdict(list)
    for group_id, legs in opened.planned.items():
        for leg in legs:
            aboard[leg.kind, leg.vehicle or leg.row_id, leg.day].append(group_id)
    moves = {(vehicle.id, day): (vehicle, trip) for vehicle in opened.solution.vehicles for day, trip in vehicle.moves}
    trips = opened.details.get("trips", {})
    seats = {kind.id: kind.seats for kind in problem.vehicle_types}
    rows = {row.id: row for row in (*problem.services, *problem.charters)}
    names = _names(session, rows)
    real = real_vehicles(session, plan, problem, opened.solution)
    found = []
    for (kind, row_id, day), group_ids in aboard.items():
        people = sum(opened.sizes[group_id] for group_id in group_ids)
        aside = sum(escorts[group_id] for group_id in group_ids)
        if kind == "trip":
            vehicle, trip_id = moves[row_id, day]
            ride = _road(plan, trips[trip_id], vehicle, real.get(row_id), day, seats[vehicle.type])
        else:
            ride = _ride(plan, rows[row_id], names[row_id], day)
        found.append(
            PlanMovement(
                **ride,
                day=plan.first_date + timedelta(days=day),
                group_ids=tuple(sorted(group_ids)),
                person_count=people,
                escort_count=aside,
            )
        )
    return tuple(sorted(found, key=lambda each: (str(each.stops[0].depart_at), each.name)))


def _instant(plan: Plan, day: int, minute: int) -> datetime:
    return clock.plan_instant(day * 1440 + minute, plan.first_date, CLOCK_UTC_OFFSET_MIN)


def _road(
    plan: Plan, trip: Mapping[str, Any], planned: Any, vehicle: Vehicle | None, day: int, seats: int
) -> dict[str, Any]:
    stops = trip["stops"]
    plate = vehicle.plate if vehicle else ""
    return {
        "name": plate,
        "short_name": plate,
        "mode": Mode.ROAD,
        "stops": tuple(
            PlanStop(
                place_id=place_id,
                arrive_at=_instant(plan, day, trip["arrive_min"][i]) if i else None,
                depart_at=_instant(plan, day, trip["depart_min"][i]) if i < len(stops) - 1 else None,
            )
            for i, place_id in enumerate(stops)
        ),
        "borders": tuple(
            PlanBorder(crossing_id=crossing_id, at=_instant(plan, day, minute))
            for crossing_id, minute in _first_minutes(trip["events"]).items()
        ),
        "rests": tuple(
            (_instant(plan, day, event["from_min"]), _instant(plan, day, event["until_min"]))
            for event in trip["events"]
            if event["kind"] == "break"
        ),
        "seats": seats,
        "spare_seats": max(0, vehicle.seats - seats) if vehicle else 0,
        "vehicle_type": vehicle.vehicle_type if vehicle else str(planned.type).rsplit("-", 2)[0],
        "depot_place_id": planned.depot,
    }


def _first_minutes(events: Iterable[Mapping[str, Any]]) -> dict[str, int]:
    found: dict[str, int] = {}
    for event in events:
        if event["crossing_id"]:
            found.setdefault(event["crossing_id"], event["from_min"])
    return found


@dataclass(frozen=True, kw_only=True)
class _Name:
    full: str
    short: str
    mode: Mode
    seats_built: int = 0


def _names(session: Session, rows: Mapping[str, Any]) -> dict[str, _Name]:
    """Flight number or plate and mode of every offer and accepted vehicle that can be joined."""
    offers = session.exec(select(Offer).where(col(Offer.offer_id).in_(list(rows)))).all()
    found = {
        offer.offer_id: _Name(
            full=f"{offer.carrier} {offer.number}".strip(),
            short=offer.number or offer.carrier,
            mode=offer.mode,
            seats_built=offer.seats,
        )
        for offer in offers
    }
    joined = {row_id: row_id.removeprefix("J") for row_id in rows if row_id.startswith("JM-")}
    movements = session.exec(select(Movement).where(col(Movement.movement_id).in_(list(joined.values())))).all()
    labels = {movement.movement_id: movement.label for movement in movements}
    for row_id, movement_id in joined.items():
        text = labels.get(movement_id, row_id)
        found[row_id] = _Name(full=text, short=text, mode=Mode.ROAD)
    return {row_id: found.get(row_id, _Name(full=row_id, short=row_id, mode=Mode.FLIGHT)) for row_id in rows}


def _ride(plan: Plan, row: Any, name: _Name, day: int) -> dict[str, Any]:
    return {
        "name": name.full,
        "short_name": name.short,
        "mode": name.mode,
        "stops": (
            PlanStop(place_id=row.origin, arrive_at=None, depart_at=_instant(plan, day, row.depart_min)),
            PlanStop(place_id=row.destination, arrive_at=_instant(plan, day, row.arrive_min), depart_at=None),
        ),
        "borders": tuple(PlanBorder(crossing_id=each, at=None) for each in getattr(row, "crossings", ())),
        "rests": (),
        "seats": row.seats,
        "spare_seats": max(0, name.seats_built - row.seats) if name.mode is Mode.CHARTER else 0,
    }


def planned_groups(session: Session, opened: OpenPlan, found: Sequence[PlanMovement]) -> tuple[PlannedGroup, ...]:
    """The groups that travel, by departure; ``found`` are the plan's movements."""
    rides: dict[str, list[PlanMovement]] = defaultdict(list)
    for movement in found:
        for group_id in movement.group_ids:
            rides[group_id].append(movement)
    groups = [
        PlannedGroup(
            group_id=group_id,
            case_id=case.case_id,
            case_reference=case.reference,
            person_count=opened.sizes[group_id],
            days_waiting=(opened.plan.created_at.date() - min(waiting, default=opened.plan.created_at.date())).days,
            origin_place_id=case.place_id,
            destination_place_id=group.destination_place_id,
            depart_at=_departs_at(opened, opened.planned[group_id][0]),
            rides=tuple(each.short_name for each in rides[group_id]),
        )
        for group_id, (group, case, waiting) in _about(session, list(opened.planned)).items()
    ]
    return tuple(sorted(groups, key=lambda each: (str(each.depart_at), each.group_id)))


def _departs_at(opened: OpenPlan, leg: Any) -> datetime:
    """When a group leaves the place where it boards, which need not be where the vehicle starts."""
    if leg.kind == "trip":
        minute = opened.details["trips"][leg.row_id]["depart_min"][leg.board]
    else:
        rows = (*opened.problem.services, *opened.problem.charters)
        minute = next(row.depart_min for row in rows if row.id == leg.row_id)
    return _instant(opened.plan, leg.day, minute)


# ---- what a copy may assume ---------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Assumable:
    """What may be taken away from a plan or added to it on a copy, by id; offers and vehicles with their names."""

    crossing_ids: tuple[str, ...]
    offers: Mapping[str, str]
    vehicles: Mapping[str, str]
    start_ids: tuple[str, ...]


def assumable(session: Session, opened: OpenPlan) -> Assumable:
    """Crossings on the plan's ways, its offers, its vehicles, and the places where a bus more could start."""
    problem, known = opened.problem, ground().crossings
    rows = {row.id: row for row in (*problem.services, *problem.charters) if not row.id.startswith("JM-")}
    free = free_vehicles(session, Scope(first_date=opened.plan.first_date, days=opened.plan.horizon_days))
    passed = {each for trip in problem.trips for segment in trip.crossings for each in segment}
    passed |= {each for row in problem.services for each in row.crossings}
    return Assumable(
        crossing_ids=tuple(sorted(each for each in passed if each in known)),
        offers={row_id: name.full for row_id, name in _names(session, rows).items()},
        vehicles={vehicle.vehicle_id: vehicle.plate for vehicle in free},
        start_ids=tuple(sorted({trip.stops[0] for trip in problem.trips})),
    )


# ---- who does not go --------------------------------------------------------------------------------------------


def unplanned(session: Session, actor: access.Actor, opened: OpenPlan) -> tuple[UnplannedGroup, ...]:
    """Groups without a journey, longest stranded first: those the plan could not take, and those not ready."""
    plan, problem = opened.plan, opened.problem
    if problem is None:
        return ()
    could_not: dict[str, dict[str, Any]] = {row["group_id"]: row for row in json.loads(plan.unplanned)}
    not_ready: Mapping[str, list[dict[str, Any]]] = opened.details.get("left_out", {})
    changed = _changed(session, opened)
    about = _about(session, [*could_not, *not_ready])
    trips = {trip.id: trip for trip in problem.trips}
    rows = {row.id: row for row in (*problem.services, *problem.charters)}
    found = []
    for group_id, (group, case, waiting) in about.items():
        row = could_not.get(group_id, {})
        told = [_finding(each) for each in [*row.get("findings", ()), *not_ready.get(group_id, ())]]
        if group_id in changed:
            row, told = {}, changed[group_id]
        found.append(
            UnplannedGroup(
                group_id=group_id,
                case_id=case.case_id,
                case_reference=case.reference,
                person_count=opened.sizes.get(group_id, len(waiting)),
                days_waiting=(plan.created_at.date() - min(waiting, default=plan.created_at.date())).days,
                origin_place_id=case.place_id,
                destination_place_id=group.destination_place_id,
                is_ready=group_id not in not_ready and not changed.get(group_id),
                is_changed=group_id in changed,
                reasons=tuple(row.get("reasons", ())),
                changes=tuple(_change(plan, each, trips, rows) for each in row.get("changes", ())),
                findings=tuple(dict.fromkeys(access.visible_findings(told, actor))),
            )
        )
    return tuple(sorted(found, key=lambda each: (-each.days_waiting, each.group_id)))


def _changed(session: Session, opened: OpenPlan) -> dict[str, list[Finding]]:
    """Groups that a draft could take and does not, about which a fact changed since; with what stops them now."""
    plan = opened.plan
    if plan.status is not PlanStatus.DRAFT:
        return {}
    known: dict[str, int] = json.loads(plan.groups_availability)
    left = [group_id for group_id in opened.sizes if group_id not in opened.planned]
    rows = session.exec(
        select(TravelGroup.group_id, TravelGroup.availability).where(col(TravelGroup.group_id).in_(left))
    ).all()
    moved = [group_id for group_id, availability in rows if availability != known.get(group_id)]
    if not moved:
        return {}
    occasion = occasion_of(session, travel_date=plan.first_date, last_leg_date=plan.first_date)
    facts = facts_of_groups(session, moved)
    return {
        group_id: rules.blocking(rules.judge_group(facts[group_id], occasion))
        for group_id in moved
        if group_id in facts
    }


def _about(session: Session, group_ids: Sequence[str]) -> dict[str, tuple[TravelGroup, Case, list[date]]]:
    """Group, case and first stranded days of its active members."""
    rows = session.exec(
        select(TravelGroup, Case)
        .join(Case, col(Case.case_id) == TravelGroup.case_id)
        .where(col(TravelGroup.group_id).in_(list(group_ids)))
    ).all()
    since: dict[str, list[date]] = defaultdict(list)
    for group_id, day in session.exec(
        select(col(Person.group_id), col(Person.stranded_since)).where(
            col(Person.group_id).in_(list(group_ids)), Person.status == PersonStatus.ACTIVE
        )
    ).all():
        since[group_id].append(day)
    return {group.group_id: (group, case, since[group.group_id]) for group, case in rows}


def _finding(row: Mapping[str, Any]) -> Finding:
    return Finding(
        rule=Rule(row["rule"]) if row["rule"] else None,
        code=RuleCode(row["code"]),
        what_now=WhatNow(row["what_now"]),
        who=Role(row["who"]),
        person_id=row["person_id"],
        group_id=row["group_id"],
        params=tuple((key, str(value)) for key, value in row["params"].items()),
    )


def _change(plan: Plan, row: Mapping[str, Any], trips: Mapping[str, Any], rows: Mapping[str, Any]) -> Change:
    """A change with the way it is about as places, not as an id of the solver."""
    names: list[str] = []
    for name in row["ids"]:
        way = trips.get(name)
        if way is not None:
            names.append(f"{way.stops[0]}>{way.stops[-1]}")
        elif name in rows:
            names.append(f"{rows[name].origin}>{rows[name].destination}")
        else:
            names.append(name)
    day = row.get("day")
    return Change(
        code=str(row["code"]),
        names=tuple(names),
        day=plan.first_date + timedelta(days=day) if day is not None else None,
        amount=int(row["amount"]),
    )


# ---- what an office has to plan with --------------------------------------------------------------------------------


def offers(session: Session, actor: access.Actor) -> list[Offer]:
    """Seats and aircraft that the office may still use, by departure."""
    actor = access.require(session, actor, "planning.read")
    return list(
        session.exec(
            select(Offer)
            .where(
                Offer.office_id == (actor.office_id or ""),
                col(Offer.cancelled_at).is_(None),
                col(Offer.depart_at) >= clock.now(),
            )
            .order_by(col(Offer.depart_at), Offer.offer_id)
        ).all()
    )


def fleet(session: Session, actor: access.Actor) -> tuple[list[Vehicle], list[Driver], list[Escort]]:
    """Vehicles, drivers and escorts on record."""
    access.require(session, actor, "planning.read")
    return (
        list(session.exec(select(Vehicle).order_by(Vehicle.plate)).all()),
        list(session.exec(select(Driver).order_by(Driver.name)).all()),
        list(session.exec(select(Escort).order_by(Escort.name)).all()),
    )


def running(session: Session, actor: access.Actor) -> list[Plan]:
    """Plans that are being found, newest first."""
    return [plan for plan in planning.plans(session, actor) if plan.status is PlanStatus.RUNNING]
