"""Where people cannot go on: everyone on the movements that leave there now, beds nearby, officers who can stay."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from math import cos, hypot, radians

from sqlmodel import Session, col, func, select

from retorno import clock
from retorno.models.movements import Arrival, Escort, Movement, MovementSegment, Seat, Stay
from retorno.models.people import Person
from retorno.models.protection import EscortApproval
from retorno.movements.facts import Rider, not_travelled, view
from retorno.office import access
from retorno.plans.scope import LIVE
from retorno.routes.rows import Airport, Place
from retorno.rules import escorts_needed
from retorno.situation import ground, situation
from retorno.vocabulary import ArrivalOutcome, MovementStatus, SeatStatus

TOGETHER = timedelta(hours=24)
"""Movements that leave one place within this time of each other are shown together."""
UNFIT_DAYS = 3
"""For how many days "cannot go on" holds unless something else is typed (our assumption, as for escorts)."""
PLACES_NEARBY = 4
CHILD_DUTY = "child_protection"


# ---- where one looks ----------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Traveller:
    """Somebody who may be ticked: who, of which group, on which of the movements."""

    person: Person
    movement_id: str
    is_unaccompanied: bool

    @property
    def name(self) -> str:
        """As written."""
        return f"{self.person.given_names} {self.person.family_names}".strip()


@dataclass(frozen=True, kw_only=True)
class Scene:
    """Where people cannot go on: the place, the movements that leave it, everyone on them by name.

    Parameters
    ----------
    together
        How many movements leave the place about now, this one among them.
    """

    place_id: str
    movements: tuple[Movement, ...]
    people: tuple[Traveller, ...]
    together: int


def scene(session: Session, actor: access.Actor, *, movement_id: str, is_all: bool = False) -> Scene:
    """The people of a movement, on wish with those of every other one that leaves the same place about now."""
    actor = access.require(session, actor, "changes.unfit", movement_id=movement_id)
    actor = access.require(session, actor, "manifest.read", movement_id=movement_id)
    movement = session.get_one(Movement, movement_id)
    place_id = _place_now(session, movement)
    beside = _together(session, movement, place_id)
    chosen = beside if is_all else [movement]
    people = [
        Traveller(person=rider.person, movement_id=each.movement_id, is_unaccompanied=rider.is_unaccompanied)
        for each in chosen
        for rider in _still_aboard(session, each)
    ]
    return Scene(
        place_id=place_id,
        movements=tuple(chosen),
        people=tuple(sorted(people, key=lambda each: (each.name.casefold(), each.person.person_id))),
        together=len(beside),
    )


def _place_now(session: Session, movement: Movement) -> str:
    """Where the people of a movement are: at its start, or at the last stop before now once it has left."""
    rides = session.exec(
        select(MovementSegment)
        .where(MovementSegment.movement_id == movement.movement_id)
        .order_by(col(MovementSegment.segment))
    ).all()
    if movement.status is not MovementStatus.DEPARTED:
        return rides[0].from_place_id
    passed = [ride.to_place_id for ride in rides if ride.arrive_at <= clock.now()]
    return passed[-1] if passed else rides[0].to_place_id


def _together(session: Session, movement: Movement, place_id: str) -> list[Movement]:
    if movement.status is MovementStatus.DEPARTED:
        return [movement]
    starts = select(MovementSegment.movement_id).where(
        MovementSegment.segment == 0, MovementSegment.from_place_id == place_id
    )
    return list(
        session.exec(
            select(Movement)
            .where(
                Movement.office_id == movement.office_id,
                col(Movement.status).in_([status for status in LIVE if status is not MovementStatus.DEPARTED]),
                col(Movement.movement_id).in_(starts),
                col(Movement.depart_at) >= movement.depart_at - TOGETHER,
                col(Movement.depart_at) <= movement.depart_at + TOGETHER,
            )
            .order_by(col(Movement.depart_at), Movement.label)
        ).all()
    )


def _still_aboard(session: Session, movement: Movement) -> list[Rider]:
    arrived = set(
        session.exec(
            select(Arrival.person_id).where(
                Arrival.movement_id == movement.movement_id, Arrival.outcome == ArrivalOutcome.ARRIVED
            )
        ).all()
    )
    return [rider for rider in view(session, movement.movement_id).riders if rider.person.person_id not in arrived]


# ---- where they may sleep, and who may stay with them ----------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Shelter:
    """A place where people can stay, with the beds free there; ``None`` where no beds are on record."""

    place_id: str
    free_beds: int | None


def shelters(session: Session, actor: access.Actor, *, place_id: str) -> tuple[Shelter, ...]:
    """Places with beds near a place, the nearest first, then the place itself."""
    access.require(session, actor, "changes.unfit")
    facts = ground()
    here = facts.places.get(place_id) or facts.airports.get(place_id)
    if here is None:
        return (Shelter(place_id=place_id, free_beds=None),)
    near = sorted(
        (
            facts.places[each]
            for each, row in facts.reception.items()
            if row.beds and each in facts.places and facts.places[each].country == here.country and each != place_id
        ),
        key=lambda each: (_apart(here, each), each.place_id),
    )
    known = [each.place_id for each in near[:PLACES_NEARBY]]
    return tuple(
        Shelter(place_id=each, free_beds=free_beds(session, each))
        for each in ([place_id, *known] if free_beds(session, place_id) is not None else [*known, place_id])
    )


def _apart(one: Place | Airport, other: Place | Airport) -> float:
    """Straight distance in degrees of latitude; good enough to say which is nearer."""
    return hypot(one.lat - other.lat, (one.lon - other.lon) * cos(radians(one.lat)))


def free_beds(session: Session, place_id: str) -> int | None:
    """Beds of a place less those of people who stay there already; ``None`` where none are on record."""
    row = ground().reception.get(place_id)
    if row is None or not row.beds:
        return None
    taken = session.exec(
        select(func.coalesce(func.sum(Stay.person_count), 0)).where(
            Stay.place_id == place_id, col(Stay.until) >= clock.now().date()
        )
    ).one()
    return max(0, row.beds - int(taken))


@dataclass(frozen=True, kw_only=True)
class Officer:
    """An escort who may stay with children.

    Parameters
    ----------
    movement_id
        The movement of the scene on which they have a seat, which they would leave; empty for none.
    approved_count
        For how many of the children who stay they are approved.
    """

    escort: Escort
    movement_id: str
    approved_count: int


def officers(
    session: Session, actor: access.Actor, *, movement_ids: Sequence[str], person_ids: Sequence[str]
) -> tuple[Officer, ...]:
    """Child-protection officers who can stay: those aboard first, and among them whoever is approved for most."""
    access.require(session, actor, "changes.escort")
    aboard: dict[str, str] = {}
    for seat in session.exec(
        select(Seat).where(
            col(Seat.movement_id).in_(list(movement_ids)),
            Seat.status == SeatStatus.ACTIVE,
            col(Seat.escort_id).is_not(None),
        )
    ).all():
        aboard.setdefault(seat.escort_id or "", seat.movement_id)
    children = [each.person_id for each in _children_alone(session, person_ids)]
    approved: dict[str, set[str]] = defaultdict(set)
    for row in session.exec(select(EscortApproval).where(col(EscortApproval.person_id).in_(children))).all():
        if row.valid_until >= clock.now().date():
            approved[row.escort_id].add(row.person_id)
    now = clock.now()
    busy = set(
        session.exec(
            select(Seat.escort_id).where(
                Seat.status == SeatStatus.ACTIVE,
                col(Seat.escort_id).is_not(None),
                col(Seat.movement_id).not_in(list(movement_ids)),
                col(Seat.depart_at) <= now + TOGETHER,
                not_travelled(now),
            )
        ).all()
    )
    rows = session.exec(
        select(Escort).where(Escort.duty == CHILD_DUTY, col(Escort.is_available)).order_by(Escort.name)
    ).all()
    found = [
        Officer(
            escort=row,
            movement_id=aboard.get(row.escort_id, ""),
            approved_count=len(approved[row.escort_id]),
        )
        for row in rows
        if row.escort_id not in busy and row.approved_until >= now.date()
    ]
    return tuple(sorted(found, key=lambda each: (not each.movement_id, -each.approved_count, each.escort.name)))


def suggested(found: Sequence[Officer], needed: int) -> tuple[str, ...]:
    """Officers to propose: no two of one movement as long as others are there, so that no flight loses too many."""
    chosen: list[Officer] = []
    for each in found:
        if len(chosen) < needed and each.movement_id not in {one.movement_id for one in chosen if one.movement_id}:
            chosen.append(each)
    for each in found:
        if len(chosen) < needed and each not in chosen:
            chosen.append(each)
    return tuple(each.escort.escort_id for each in chosen)


def _children_alone(session: Session, person_ids: Iterable[str]) -> list[Person]:
    """The unaccompanied children among the groups of these people."""
    groups = select(Person.group_id).where(col(Person.person_id).in_(list(person_ids)))
    return list(
        session.exec(
            select(Person)
            .where(col(Person.group_id).in_(groups), col(Person.is_unaccompanied))
            .order_by(Person.person_id)
        ).all()
    )


def officers_needed(session: Session, person_ids: Sequence[str]) -> int:
    """How many officers stay with the children alone among these people and their groups, as on a journey (R13)."""
    policy, today = situation(session).policy, clock.now().date()
    ages = [
        clock.age_on(each.birth_date, today) if each.birth_date else each.declared_age or 0
        for each in _children_alone(session, person_ids)
    ]
    return escorts_needed([min(age, policy.age_of_majority - 1) for age in ages], policy)
