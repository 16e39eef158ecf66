"""Who accompanies a movement: an escort is named, or takes another's place, before the departure and on the way.

The list names escorts, so two people sign it again afterwards; the escort's own yes is asked for like every party's.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlmodel import Session, col, select

from retorno import clock
from retorno.confirmations import confirmation
from retorno.errors import Fault, InputError, NotAllowed, Stale
from retorno.manifest import is_without_list
from retorno.models.movements import Escort, Movement, MovementSegment, Seat
from retorno.models.people import Person, TravelGroup
from retorno.office import access, audit
from retorno.vocabulary import MovementStatus, SeatStatus

OPEN = (MovementStatus.ACCEPTED, MovementStatus.CONFIRMED, MovementStatus.ISSUED, MovementStatus.RELEASED)


@dataclass(frozen=True, kw_only=True)
class EscortChoice:
    """An escort who may be named, and what speaks against it (a label key below ``escort.``; empty for nothing)."""

    escort: Escort
    why_not: str = ""


@dataclass(frozen=True, kw_only=True)
class Accompanied:
    """A group aboard that an escort may be named for, with a child alone or not."""

    group_id: str
    names: tuple[str, ...]
    is_child_alone: bool


def escort_choices(session: Session, actor: access.Actor, *, movement_id: str) -> list[EscortChoice]:
    """Every escort by name, the free ones first, each with what stops them on these days."""
    access.require(session, actor, "changes.escort", movement_id=movement_id)
    movement = session.get_one(Movement, movement_id)
    rows = session.exec(select(Escort).order_by(Escort.name, Escort.escort_id)).all()
    found = [EscortChoice(escort=row, why_not=_why_not(session, row, movement)) for row in rows]
    return sorted(found, key=lambda each: bool(each.why_not))


def _why_not(session: Session, escort: Escort, movement: Movement) -> str:
    if not escort.is_available:
        return "unavailable"
    if escort.approved_until < movement.arrive_at.date():
        return "approval_ends"
    elsewhere = session.exec(
        select(Seat.seat_id).where(
            Seat.escort_id == escort.escort_id,
            Seat.status == SeatStatus.ACTIVE,
            Seat.movement_id != movement.movement_id,
            col(Seat.depart_at) < movement.arrive_at,
            col(Seat.arrive_at) > movement.depart_at,
        )
    ).first()
    return "elsewhere" if elsewhere else ""


def accompanied_groups(session: Session, actor: access.Actor, *, movement_id: str) -> list[Accompanied]:
    """Groups aboard by their names, those with a child alone first."""
    access.require(session, actor, "changes.escort", movement_id=movement_id)
    rows = session.exec(
        select(Person, TravelGroup)
        .join(Seat, col(Seat.person_id) == Person.person_id)
        .join(TravelGroup, col(TravelGroup.group_id) == Person.group_id)
        .where(Seat.movement_id == movement_id, Seat.status == SeatStatus.ACTIVE)
        .order_by(TravelGroup.group_id, Person.person_id)
    ).all()
    members: dict[str, list[Person]] = {}
    for person, group in rows:
        members.setdefault(group.group_id, []).append(person)
    found = [
        Accompanied(
            group_id=group_id,
            names=tuple(f"{each.given_names} {each.family_names}".strip() for each in persons),
            is_child_alone=any(each.is_unaccompanied for each in persons),
        )
        for group_id, persons in members.items()
    ]
    return sorted(found, key=lambda each: not each.is_child_alone)


def assign_escort(
    session: Session,
    actor: access.Actor,
    *,
    movement_id: str,
    escort_id: str,
    for_group_id: str | None = None,
    instead_of: str | None = None,
) -> Seat:
    """Give an escort a seat on a movement, or another escort's; naming the same one twice changes nothing.

    Parameters
    ----------
    for_group_id
        Whom they accompany; ``None`` for everybody aboard.
    instead_of
        Escort whose seats they take over, with the groups those accompany.

    Raises
    ------
    InputError
        If the escort cannot travel then, or no seat is free.
    Stale
        If the movement is over, or under way with a list in force.
    """
    actor = access.require(session, actor, "changes.escort", movement_id=movement_id)
    movement = session.get_one(Movement, movement_id, populate_existing=True)
    escort = session.get(Escort, escort_id)
    if escort is None:
        raise NotAllowed
    if movement.status not in OPEN and not is_without_list(session, movement):
        raise Stale(f"movement is {movement.status}: escorts are named before the departure")
    old = _seats(session, movement_id, instead_of) if instead_of else []
    if instead_of and not old:
        raise Stale("the other escort is no longer aboard: look again")
    mine = _seats(session, movement_id, escort_id)
    groups = [seat.for_group_id for seat in old] or [for_group_id]
    if not old and any(seat.for_group_id in (for_group_id, None) for seat in mine):
        return mine[0]
    why_not = _why_not(session, escort, movement)
    if why_not:
        what = f"escort {escort_id} cannot travel then: {why_not}"
        raise InputError([Fault(column="escort", code=f"ESCORT_{why_not.upper()}", what=what)])
    for seat in old:
        seat.status, seat.freed_at = SeatStatus.FREED, clock.now()
        session.add(seat)
    session.flush()
    made = [_seat(session, movement, escort_id, group_id) for group_id in groups]
    if movement.status in (MovementStatus.ISSUED, MovementStatus.RELEASED):
        # The list names the escorts: two people sign it again before anybody departs.
        movement.status = MovementStatus.CONFIRMED
    movement.version += 1
    session.add(movement)
    session.flush()
    confirmation.refresh(session, movement_id)
    audit.append(
        session,
        actor,
        act="changes.escort",
        object_kind="movement",
        object_id=movement_id,
        ids={"escort_id": escort_id, "instead_of": instead_of or ""},
    )
    return made[0]


def _seats(session: Session, movement_id: str, escort_id: str) -> list[Seat]:
    return list(
        session.exec(
            select(Seat)
            .where(Seat.movement_id == movement_id, Seat.escort_id == escort_id, Seat.status == SeatStatus.ACTIVE)
            .order_by(Seat.seat_id)
        ).all()
    )


def _seat(session: Session, movement: Movement, escort_id: str, group_id: str | None) -> Seat:
    """A seat from where the group boards to where it alights; for everybody, on the whole way."""
    segments = session.exec(
        select(MovementSegment)
        .where(MovementSegment.movement_id == movement.movement_id)
        .order_by(col(MovementSegment.segment))
        .execution_options(populate_existing=True)
    ).all()
    board, alight = 0, len(segments)
    if group_id is not None:
        theirs = session.exec(
            select(Seat).where(
                Seat.movement_id == movement.movement_id, Seat.group_id == group_id, Seat.status == SeatStatus.ACTIVE
            )
        ).first()
        if theirs is None:
            raise Stale("the group is no longer aboard: look again")
        board, alight = theirs.board, theirs.alight
    full = [each for each in segments[board:alight] if each.taken >= each.capacity]
    if full:
        what = f"no seat is free from {full[0].from_place_id} to {full[0].to_place_id}"
        raise InputError([Fault(column="escort", code="ESCORT_NO_SEAT", what=what)])
    made = Seat(
        movement_id=movement.movement_id,
        escort_id=escort_id,
        for_group_id=group_id,
        board=board,
        alight=alight,
        depart_at=segments[board].depart_at,
        arrive_at=segments[alight - 1].arrive_at,
    )
    session.add(made)
    session.flush()
    return made
