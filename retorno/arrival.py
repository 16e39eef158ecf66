"""Stage 6: boarding, departure, arrival at the post, handover at the reception point, incidents.

A tick can be changed until the handover is signed. Where a post ticks somebody as "not travelling", coordinators are
told at once; that the group leaves its seats is theirs to record, through ``changes``.
"""

from __future__ import annotations

from collections.abc import Mapping

from sqlmodel import Session, col, select

from retorno import clock
from retorno.errors import Fault, InputError, NotAllowed, Stale
from retorno.manifest import check_departure, current_version
from retorno.models.movements import Arrival, Handover, Incident, Movement, MovementSegment, Seat
from retorno.models.people import Case, Person, TravelGroup
from retorno.office import access, audit, notices
from retorno.vocabulary import (
    ArrivalOutcome,
    IncidentCode,
    MovementStatus,
    PersonStatus,
    Role,
    SeatStatus,
)

_ON_THE_WAY = (MovementStatus.RELEASED, MovementStatus.DEPARTED, MovementStatus.CLOSED)


def depart(session: Session, actor: access.Actor, *, movement_id: str) -> Movement:
    """Note that a released movement left."""
    actor = access.require(session, actor, "arrival.record", movement_id=movement_id)
    movement = session.get_one(Movement, movement_id)
    if movement.status is MovementStatus.DEPARTED:
        return movement
    if movement.status is not MovementStatus.RELEASED:
        raise Stale(f"movement is {movement.status}: only a released movement departs")
    check_departure(session, actor, movement_id=movement_id)
    movement.status = MovementStatus.DEPARTED
    movement.version += 1
    session.add(movement)
    audit.append(session, actor, act="arrival.depart", object_kind="movement", object_id=movement_id)
    return movement


def record(
    session: Session,
    actor: access.Actor,
    *,
    movement_id: str,
    place_id: str,
    arrived: Mapping[str, bool],
) -> int:
    """Tick who is here: person id to whether they arrived; the same ticks again change nothing.

    Parameters
    ----------
    place_id
        Post or reception place of the actor, where the people stand.
    arrived
        Only people on the version in force; a person left out stays unset.

    Returns
    -------
    int
        How many ticks changed.

    Raises
    ------
    NotAllowed
        If a person is not on the list in force.
    Stale
        If the handover at this place is already signed.
    """
    actor = access.require(session, actor, "arrival.record", movement_id=movement_id)
    _own_place(actor, place_id)
    in_force = current_version(session, movement_id)
    if in_force is None:
        raise Stale("this manifest is no longer valid: open the current list")
    _has_left(session, movement_id)
    if session.get(Handover, (movement_id, place_id)) is not None:
        raise Stale("the handover here is signed: ask the coordinator to correct it")
    aboard = set(
        session.exec(
            select(Seat.person_id).where(Seat.movement_id == movement_id, Seat.status == SeatStatus.ACTIVE)
        ).all()
    )
    ticked_before = set(session.exec(select(Arrival.person_id).where(Arrival.movement_id == movement_id)).all())
    if set(arrived) - aboard - ticked_before:
        raise NotAllowed
    changed = 0
    for person_id, is_here in sorted(arrived.items()):
        outcome = ArrivalOutcome.ARRIVED if is_here else ArrivalOutcome.NOT_TRAVELLING
        row = session.get(Arrival, (movement_id, person_id))
        if row is not None and row.outcome is outcome and row.place_id == place_id:
            continue
        if row is None:
            row = Arrival(
                movement_id=movement_id,
                person_id=person_id,
                outcome=outcome,
                manifest_version=in_force.version,
                place_id=place_id,
                at=clock.now(),
                recorded_by=actor.user_id,
            )
        else:
            row.outcome, row.place_id, row.at, row.recorded_by = outcome, place_id, clock.now(), actor.user_id
            row.version += 1
        session.add(row)
        changed += 1
        audit.append(
            session,
            actor,
            act="arrival.record",
            object_kind="person",
            object_id=person_id,
            ids={"movement_id": movement_id, "outcome": outcome.value},
        )
        if outcome is ArrivalOutcome.NOT_TRAVELLING:
            _tell_coordinators(session, movement_id)
    session.flush()
    return changed


def _tell_coordinators(session: Session, movement_id: str) -> None:
    """Somebody on the list is not there: coordinators look, and take the group off if it is so."""
    notices.post(
        session,
        recipient_kind=Role.COORDINATOR.value,
        recipient_id=session.get_one(Movement, movement_id).office_id,
        code="movement.changed",
        object_id=movement_id,
    )


def _has_left(session: Session, movement_id: str) -> None:
    """``Stale`` while a movement was not released: nobody arrives on a journey that may not begin."""
    movement = session.get_one(Movement, movement_id)
    if movement.status not in _ON_THE_WAY:
        raise Stale("this journey has not been released: nobody can arrive on it yet")


def _own_place(actor: access.Actor, place_id: str) -> None:
    """Posts and reception points record at their own place only."""
    if actor.has(Role.COORDINATOR, Role.ESCORT):
        return
    if place_id not in (*actor.scopes(Role.BORDER_POST), *actor.scopes(Role.RECEPTION)):
        raise NotAllowed


def ticks(session: Session, actor: access.Actor, *, movement_id: str) -> dict[str, ArrivalOutcome]:
    """The ticks of a movement so far, by person id."""
    access.require(session, actor, "arrival.read", movement_id=movement_id)
    rows = session.exec(select(Arrival).where(Arrival.movement_id == movement_id)).all()
    return {row.person_id: row.outcome for row in rows}


def sign_handover(
    session: Session, actor: access.Actor, *, movement_id: str, place_id: str, received_by: str
) -> Handover:
    """Sign once that the people ticked as arrived were received; the second click gives the first handover.

    At a reception place, its people are home: their case moves on to follow-up. When every person of the movement
    is received, the movement is closed.
    """
    actor = access.require(session, actor, "arrival.handover", movement_id=movement_id)
    _own_place(actor, place_id)
    signed = session.get(Handover, (movement_id, place_id))
    if signed is not None:
        return signed
    _has_left(session, movement_id)
    if not received_by.strip():
        what = "who received them is missing: write the name of the officer in charge"
        raise InputError([Fault(what=what, column="received_by", code="RECEIVED_BY")])
    here = session.exec(
        select(Arrival).where(
            Arrival.movement_id == movement_id,
            Arrival.place_id == place_id,
            Arrival.outcome == ArrivalOutcome.ARRIVED,
        )
    ).all()
    if not here:
        what = "nobody is ticked as arrived: tick who is here first"
        raise InputError([Fault(what=what, column="arrived", code="NOBODY_TICKED")])
    made = Handover(
        movement_id=movement_id,
        place_id=place_id,
        person_count=len(here),
        received_by=received_by.strip(),
        signed_by=actor.user_id,
        signed_at=clock.now(),
    )
    session.add(made)
    session.flush()
    for row in here:
        _close_if_home(session, row.person_id, place_id)
    _close_if_all_received(session, movement_id)
    audit.append(
        session,
        actor,
        act="arrival.handover",
        object_kind="movement",
        object_id=movement_id,
        ids={"place_id": place_id, "count": str(len(here))},
    )
    return made


def _close_if_home(session: Session, person_id: str, place_id: str) -> None:
    person = session.get_one(Person, person_id)
    group = session.get_one(TravelGroup, person.group_id)
    if group.destination_place_id != place_id or person.status is not PersonStatus.ACTIVE:
        return
    person.status = PersonStatus.RETURNED
    person.version += 1
    session.add(person)
    session.flush()
    case = session.get_one(Case, group.case_id)
    still_here = session.exec(
        select(Person.person_id)
        .join(TravelGroup, TravelGroup.group_id == Person.group_id)  # type: ignore[arg-type]
        .where(
            TravelGroup.case_id == case.case_id,
            # Who withdrew is still here, and helped here.
            col(Person.status).in_((PersonStatus.ACTIVE, PersonStatus.WITHDRAWN)),
        )
    ).first()
    if still_here is None and case.closed_at is None:
        case.closed_at = clock.now()
        case.version += 1
        session.add(case)


def _close_if_all_received(session: Session, movement_id: str) -> None:
    """Close a movement when every place where people leave it has signed its handover."""
    segments = {
        row.segment: row.to_place_id
        for row in session.exec(select(MovementSegment).where(MovementSegment.movement_id == movement_id)).all()
    }
    alights = session.exec(
        select(Seat.alight).where(
            Seat.movement_id == movement_id, Seat.status == SeatStatus.ACTIVE, col(Seat.person_id).is_not(None)
        )
    ).all()
    ends = {segments[alight - 1] for alight in alights}
    signed = set(session.exec(select(Handover.place_id).where(Handover.movement_id == movement_id)).all())
    if ends <= signed:
        movement = session.get_one(Movement, movement_id)
        movement.status = MovementStatus.CLOSED
        movement.version += 1
        session.add(movement)
        session.flush()


def record_incident(
    session: Session, actor: access.Actor, *, movement_id: str, code: IncidentCode, place_id: str = ""
) -> Incident:
    """Note by code what went otherwise on the way."""
    actor = access.require(session, actor, "arrival.incident", movement_id=movement_id)
    made = Incident(movement_id=movement_id, code=code, place_id=place_id, at=clock.now(), recorded_by=actor.user_id)
    session.add(made)
    session.flush()
    audit.append(
        session,
        actor,
        act="arrival.incident",
        object_kind="movement",
        object_id=movement_id,
        ids={"code": code.value},
    )
    return made
