"""A closed road from the first call to everybody home: what would stop, who waits and for how long, what a plan does.

Reads only; ``foresee`` closes in a transaction that is taken back, so the facts before the click are those of the act.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum

from sqlmodel import Session, col, func, select

from retorno import changes, clock
from retorno.errors import NotAllowed
from retorno.models.movements import Closure, ManifestCopy, Movement, MovementCrossing, MovementSegment, Plan, Seat
from retorno.models.people import Case, Person, TravelGroup
from retorno.movements.facts import AIR
from retorno.office import access, notices
from retorno.plans import plan_report, what_if
from retorno.plans.comparison import Journey
from retorno.plans.plan_figures import home_days
from retorno.plans.screening import writing
from retorno.vocabulary import ClosureTarget, MovementStatus, PartyKind, PersonStatus, PlanStatus


class Way(StrEnum):
    """How somebody whom a closure stopped gets home."""

    AIR = "air"
    OTHER_CROSSING = "other_crossing"
    WAIT = "wait"


# ---- before the click -----------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Stopped:
    """A movement that stops: where from and to, when, with how many people; ``is_issued`` where a list is out."""

    movement_id: str
    reference: str
    label: str
    from_place_id: str
    to_place_id: str
    depart_at: datetime
    person_count: int
    is_issued: bool


@dataclass(frozen=True, kw_only=True)
class ToldOfClosure:
    """Somebody who has a paper that becomes void, and from when they see it."""

    kind: PartyKind
    party_id: str
    visible_from: datetime
    movement_count: int


@dataclass(frozen=True, kw_only=True)
class Foreseen:
    """What a closure would stop; people and groups are counted once, however many rides they lose."""

    movements: tuple[Stopped, ...]
    group_count: int
    person_count: int
    told: tuple[ToldOfClosure, ...]


def foresee(
    session: Session,
    actor: access.Actor,
    *,
    target: ClosureTarget,
    target_id: str,
    from_at: datetime,
    until_at: datetime | None,
    source: str,
) -> Foreseen:
    """What ``changes.close`` would do: done in a transaction of its own, read, and taken back.

    Needs a session that only reads; raises what ``changes.close`` raises.
    """
    with writing(session) as trial:
        before = _live(trial, actor)
        _, effect = changes.close(
            trial, actor, target=target, target_id=target_id, from_at=from_at, until_at=until_at, source=source
        )
        groups = [each.group_id for each in effect.groups]
        people = trial.exec(
            select(func.count())
            .select_from(Person)
            .where(col(Person.group_id).in_(groups), Person.status == PersonStatus.ACTIVE)
        ).one()
        stopped = tuple(before[each] for each in effect.cancelled if each in before)
        return Foreseen(
            movements=tuple(sorted(stopped, key=lambda each: (each.depart_at, each.reference))),
            group_count=len(groups),
            person_count=people,
            told=_told(trial, effect.voided),
        )


def _live(session: Session, actor: access.Actor) -> dict[str, Stopped]:
    """The office's movements that are not over, as lines."""
    over = (MovementStatus.CANCELLED, MovementStatus.CLOSED)
    rows = session.exec(
        select(Movement).where(Movement.office_id == (actor.office_id or ""), col(Movement.status).not_in(over))
    ).all()
    return {row.movement_id: _as_line(session, row) for row in rows}


def _as_line(session: Session, movement: Movement) -> Stopped:
    rides = session.exec(
        select(MovementSegment)
        .where(MovementSegment.movement_id == movement.movement_id)
        .order_by(col(MovementSegment.segment))
    ).all()
    # Freed seats count too: a movement that was stopped tells whom it would have carried.
    riders = session.exec(
        select(func.count(func.distinct(Seat.person_id))).where(
            Seat.movement_id == movement.movement_id, col(Seat.person_id).is_not(None)
        )
    ).one()
    return Stopped(
        movement_id=movement.movement_id,
        reference=movement.reference,
        label=movement.label,
        from_place_id=rides[0].from_place_id,
        to_place_id=rides[-1].to_place_id,
        depart_at=movement.depart_at,
        person_count=riders,
        is_issued=movement.manifest_version > 0,
    )


def _told(session: Session, movement_ids: Sequence[str]) -> tuple[ToldOfClosure, ...]:
    rows = session.exec(
        select(ManifestCopy.recipient_kind, ManifestCopy.recipient_id, ManifestCopy.movement_id)
        .where(col(ManifestCopy.movement_id).in_(list(movement_ids)))
        .distinct()
    ).all()
    papers: dict[tuple[PartyKind, str], int] = defaultdict(int)
    for kind, party_id, _ in rows:
        papers[PartyKind(kind), party_id] += 1
    return tuple(
        ToldOfClosure(
            kind=kind, party_id=party_id, visible_from=notices.visible_from(kind), movement_count=papers[kind, party_id]
        )
        for kind, party_id in sorted(papers, key=lambda each: (each[0] is PartyKind.CONSULATE, each))
    )


# ---- one closure, now -----------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class ClosureNow:
    """A closure with what it stopped and who still waits because of it."""

    closure: Closure
    stopped: tuple[Stopped, ...]
    waiting: tuple[what_if.AffectedGroup, ...]
    plan_id: str
    is_plan_running: bool

    @property
    def waiting_people(self) -> int:
        """People without a journey."""
        return sum(each.person_count for each in self.waiting)


def closure_now(session: Session, actor: access.Actor, *, closure_id: str) -> ClosureNow:
    """One closure, open or over, with its groups longest stranded first and the newest plan made for them."""
    actor = access.require(session, actor, "changes.closure")
    closure = session.get(Closure, closure_id)
    if closure is None:
        raise NotAllowed
    stopped = [
        _as_line(session, session.get_one(Movement, movement_id))
        for movement_id in what_if.stopped_by(session, actor, closure_id=closure_id)
    ]
    plan = _plan_since(session, actor, closure)
    return ClosureNow(
        closure=closure,
        stopped=tuple(sorted(stopped, key=lambda each: (each.depart_at, each.reference))),
        waiting=what_if.affected_groups(session, actor, closure_id=closure_id),
        plan_id=plan.plan_id if plan else "",
        is_plan_running=bool(plan and plan.status is PlanStatus.RUNNING),
    )


def _plan_since(session: Session, actor: access.Actor, closure: Closure) -> Plan | None:
    """The newest plan on the facts that was asked for since something closed, or since it reopened."""
    return session.exec(
        select(Plan)
        .where(
            Plan.office_id == (actor.office_id or ""),
            col(Plan.status).in_((PlanStatus.RUNNING, PlanStatus.DRAFT, PlanStatus.ACCEPTED)),
            col(Plan.created_at) >= (closure.reopened_at or closure.recorded_at),
            col(Plan.is_hypothetical).is_(False),
        )
        .order_by(col(Plan.created_at).desc(), Plan.plan_id)
        .limit(1)
    ).first()


# ---- what a plan does for them --------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Before:
    """A journey that was stopped: its day, its vehicles, its crossings."""

    day: date
    vehicles: tuple[str, ...]
    crossings: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Replanned:
    """One group before and after; without ``after`` it waits."""

    case_reference: str
    group_id: str
    person_count: int
    stranded_since: date
    way: Way
    before: Before | None
    after: Journey | None


def replanned(session: Session, actor: access.Actor, *, closure_id: str, plan_id: str) -> tuple[Replanned, ...]:
    """Every group that a closure stopped, with its journey before it and in a plan; longest stranded first."""
    opened = plan_report.open_plan(session, actor, plan_id=plan_id)
    found = plan_report.movements(session, opened)
    homes = home_days(opened)
    stopped = what_if.stopped_by(session, actor, closure_id=closure_id)
    rows = _groups_of(session, actor, stopped)
    before = _before(session, stopped)
    lines = []
    for group, case, since, size in rows:
        rides = [row for row in found if group.group_id in row.group_ids]
        after = None
        if rides:
            after = Journey(
                day=min(row.day for row in rides),
                home_on=homes[group.group_id],
                vehicles=tuple(row.short_name or row.vehicle_type for row in sorted(rides, key=lambda row: row.day)),
                crossings=tuple(dict.fromkeys(border.crossing_id for row in rides for border in row.borders)),
            )
        way = Way.WAIT if after is None else Way.AIR if any(row.mode in AIR for row in rides) else Way.OTHER_CROSSING
        lines.append(
            Replanned(
                case_reference=case.reference,
                group_id=group.group_id,
                person_count=size,
                stranded_since=since,
                way=way,
                before=before.get(group.group_id),
                after=after,
            )
        )
    return tuple(sorted(lines, key=lambda each: (each.stranded_since, each.group_id)))


def _groups_of(
    session: Session, actor: access.Actor, movement_ids: Sequence[str]
) -> list[tuple[TravelGroup, Case, date, int]]:
    """Groups that had seats on movements, with the earliest day stranded and the number of people."""
    had = select(Seat.group_id).where(col(Seat.movement_id).in_(list(movement_ids)), col(Seat.group_id).is_not(None))
    rows = session.exec(
        select(TravelGroup, Case, func.min(Person.stranded_since), func.count(col(Person.person_id)))
        .join(Case, col(Case.case_id) == TravelGroup.case_id)
        .join(Person, col(Person.group_id) == TravelGroup.group_id)
        .where(
            col(TravelGroup.group_id).in_(had),
            Case.office_id == (actor.office_id or ""),
            Person.status == PersonStatus.ACTIVE,
        )
        .group_by(col(TravelGroup.group_id), col(Case.case_id))
    ).all()
    return [(group, case, since, size) for group, case, since, size in rows]


def _before(session: Session, movement_ids: Sequence[str]) -> dict[str, Before]:
    """Group id to the journey that was stopped."""
    rows = session.exec(
        select(Seat.group_id, Movement)
        .join(Movement, col(Movement.movement_id) == Seat.movement_id)
        .where(col(Seat.movement_id).in_(list(movement_ids)), col(Seat.group_id).is_not(None))
        .distinct()
        .order_by(col(Movement.depart_at))
    ).all()
    crossings: dict[str, list[str]] = defaultdict(list)
    for border in session.exec(
        select(MovementCrossing)
        .where(col(MovementCrossing.movement_id).in_(list(movement_ids)))
        .order_by(col(MovementCrossing.sequence))
    ).all():
        crossings[border.movement_id].append(border.crossing_id)
    rides: dict[str, list[Movement]] = defaultdict(list)
    for group_id, movement in rows:
        rides[group_id or ""].append(movement)
    return {
        group_id: Before(
            day=each[0].depart_at.date(),
            vehicles=tuple(dict.fromkeys(movement.label for movement in each)),
            crossings=tuple(dict.fromkeys(one for movement in each for one in crossings[movement.movement_id])),
        )
        for group_id, each in rides.items()
    }


# ---- the backlog ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class WaitingDay:
    """How many people still wait at the end of a day, and how many come home on it."""

    day: date
    waiting: int
    home: int


@dataclass(frozen=True, kw_only=True)
class Backlog:
    """People who wait for the way home, day by day, by what is booked and by a plan.

    Parameters
    ----------
    all_home_on
        The day on which nobody waits any more; None if somebody has no journey.
    without_journey
        People who are in no journey of the plan or the bookings.
    order
        Case, people, days stranded and day home, longest stranded first.
    """

    days: tuple[WaitingDay, ...]
    all_home_on: date | None
    without_journey: int
    order: tuple[tuple[str, int, date, date | None], ...]


def backlog(session: Session, actor: access.Actor, *, plan_id: str) -> Backlog:
    """Who waits among those whom a plan takes or could take, with the day on which each comes home."""
    opened = plan_report.open_plan(session, actor, plan_id=plan_id)
    homes: Mapping[str, date] = home_days(opened)
    rows = session.exec(
        select(TravelGroup.group_id, Case.reference, func.min(Person.stranded_since))
        .join(Case, col(Case.case_id) == TravelGroup.case_id)
        .join(Person, col(Person.group_id) == TravelGroup.group_id)
        .where(col(TravelGroup.group_id).in_(list(opened.sizes)), Person.status == PersonStatus.ACTIVE)
        .group_by(col(TravelGroup.group_id), col(Case.reference))
    ).all()
    order = sorted(
        ((reference, opened.sizes[group_id], since, homes.get(group_id)) for group_id, reference, since in rows),
        key=lambda each: (each[2], each[0]),
    )
    total = sum(size for _, size, _, _ in order)
    left = sum(size for _, size, _, home in order if home is None)
    ends = sorted(home for _, _, _, home in order if home is not None)
    first = opened.plan.first_date
    days, waiting = [], total
    last = ends[-1] if ends else first + timedelta(days=opened.plan.horizon_days - 1)
    day = min([first, *ends[:1]])
    while day <= last:
        home = sum(size for _, size, _, on in order if on == day)
        waiting -= home
        days.append(WaitingDay(day=day, waiting=waiting, home=home))
        day += timedelta(days=1)
    return Backlog(
        days=tuple(days),
        all_home_on=ends[-1] if ends and not left else None,
        without_journey=left,
        order=tuple(order),
    )


def reopened(session: Session, actor: access.Actor, *, days: int = 30) -> tuple[Closure, ...]:
    """Closures that ended within so many days, the latest first."""
    access.require(session, actor, "changes.closure")
    since = clock.now() - timedelta(days=days)
    return tuple(
        session.exec(
            select(Closure)
            .where(col(Closure.reopened_at).is_not(None), col(Closure.reopened_at) >= since)
            .order_by(col(Closure.reopened_at).desc(), Closure.closure_id)
        ).all()
    )
