"""Stage 6: boarding, departure, arrival at the post, handover at the reception point, incidents.

A tick can be changed or taken back until the handover is signed, and never replaces one made further on the way. Where
a post ticks somebody as "not travelling", coordinators are told at once; that the group leaves its seats is theirs to
record, through ``changes``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime

from sqlmodel import Session, col, select

from retorno import clock
from retorno.errors import Fault, InputError, NotAllowed, Stale
from retorno.manifest import check_departure, current_version
from retorno.models.base import new_id
from retorno.models.movements import (
    Arrival,
    Handover,
    HeadCount,
    Incident,
    Movement,
    MovementCrossing,
    MovementSegment,
    Seat,
)
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

ON_THE_WAY = (MovementStatus.RELEASED, MovementStatus.DEPARTED, MovementStatus.CLOSED)
"""States in which people of a movement can arrive somewhere."""
DELAYS_MIN = (30, 60, 120, 180)
"""How late, in minutes: what can be chosen; the last stands for that much or more (our assumption)."""
_INCIDENT_KEY = re.compile(r"^J-[23456789ABCDEFGHJKMNPQRSTVWXYZ]{10}$")


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
    arrived: Mapping[str, bool | None],
) -> int:
    """Tick who is here: person id to whether they arrived, ``None`` takes a tick back; repeated, it changes nothing.

    Parameters
    ----------
    place_id
        Post or reception place of the actor, where the people stand.
    arrived
        Only people on the version in force; a person left out stays as they are. Who was ticked further on the way
        stays so too: a post that is late with its ticks does not undo what the next one saw.

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
    changed, way = 0, places_on_the_way(session, movement_id)
    for person_id, is_here in sorted(arrived.items()):
        row = session.get(Arrival, (movement_id, person_id))
        if row is not None and is_further(way, row.place_id, place_id):
            continue
        if is_here is None:
            changed += _take_back(session, actor, row, place_id)
            continue
        outcome = ArrivalOutcome.ARRIVED if is_here else ArrivalOutcome.NOT_TRAVELLING
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


def _take_back(session: Session, actor: access.Actor, row: Arrival | None, place_id: str) -> int:
    """Remove a tick made at this place; gives how many were removed."""
    if row is None or row.place_id != place_id:
        return 0
    session.delete(row)
    audit.append(
        session,
        actor,
        act="arrival.record",
        object_kind="person",
        object_id=row.person_id,
        ids={"movement_id": row.movement_id, "outcome": "taken_back"},
    )
    return 1


def places_on_the_way(session: Session, movement_id: str) -> dict[str, tuple[datetime, int]]:
    """Posts and stops of a movement with when they are reached; the post that is left before the one entered."""
    order: dict[str, tuple[datetime, int]] = {}
    for ride in session.exec(select(MovementSegment).where(MovementSegment.movement_id == movement_id)).all():
        order[ride.to_place_id] = (ride.arrive_at, 2)
    for crossing in session.exec(select(MovementCrossing).where(MovementCrossing.movement_id == movement_id)).all():
        order[crossing.leave_post_id] = (crossing.at, 0)
        order[crossing.enter_post_id] = (crossing.at, 1)
    return order


def is_further(way: Mapping[str, tuple[datetime, int]], place_id: str, than_place_id: str) -> bool:
    """Whether a place is reached after another one; false where one of them is not on the way."""
    return place_id in way and than_place_id in way and way[place_id] > way[than_place_id]


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
    if movement.status not in ON_THE_WAY:
        raise Stale("this journey has not been released: nobody can arrive on it yet")


def _own_place(actor: access.Actor, place_id: str) -> None:
    """Posts and reception points record at their own place only."""
    if actor.has(Role.COORDINATOR, Role.ESCORT):
        return
    if place_id not in (*actor.scopes(Role.BORDER_POST), *actor.scopes(Role.RECEPTION)):
        raise NotAllowed


def ticks(session: Session, actor: access.Actor, *, movement_id: str) -> dict[str, ArrivalOutcome]:
    """The latest tick of everybody on a movement, wherever it was made, by person id."""
    return {person_id: row.outcome for person_id, row in arrivals(session, actor, movement_id=movement_id).items()}


def arrivals(session: Session, actor: access.Actor, *, movement_id: str) -> dict[str, Arrival]:
    """The latest tick of everybody on a movement with its place, by person id."""
    access.require(session, actor, "arrival.read", movement_id=movement_id)
    rows = session.exec(select(Arrival).where(Arrival.movement_id == movement_id)).all()
    return {row.person_id: row for row in rows}


def sign_handover(
    session: Session,
    actor: access.Actor,
    *,
    movement_id: str,
    place_id: str,
    received_by: str,
    handed_at: datetime | None = None,
) -> Handover:
    """Sign once that the people ticked as arrived were received; the second click gives the first handover.

    ``handed_at`` is when they were received, as the one who signs wrote it; now, if nothing is given. At a reception
    place, its people are home: their case moves on to follow-up. When every person of the movement is received, the
    movement is closed.
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
        handed_at=handed_at or clock.now(),
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
    session: Session,
    actor: access.Actor,
    *,
    movement_id: str,
    code: IncidentCode,
    place_id: str = "",
    minutes: int | None = None,
    key: str = "",
) -> tuple[Incident, bool]:
    """Note by code what went otherwise on the way; gives the incident and whether it is new.

    Parameters
    ----------
    minutes
        How late the vehicle is, of ``DELAYS_MIN``; only of a delay.
    key
        Id that the form was given when it was opened: the same form sent twice is one incident. Empty for a new one.
    """
    actor = access.require(session, actor, "arrival.incident", movement_id=movement_id)
    if key and not _INCIDENT_KEY.match(key):
        raise InputError([Fault(what="the form is broken: open it again", column="key", code="FORM")])
    if (minutes is not None and code is not IncidentCode.DELAY) or minutes not in (None, *DELAYS_MIN):
        what = f"{minutes} minutes cannot be chosen: expected one of {DELAYS_MIN}, of a delay"
        raise InputError([Fault(what=what, column="minutes", code="ENUM")])
    known = session.get(Incident, key) if key else None
    if known is not None:
        if (known.movement_id, known.recorded_by) != (movement_id, actor.user_id):
            raise NotAllowed
        return known, False
    made = Incident(
        incident_id=key or new_id("J"),
        movement_id=movement_id,
        code=code,
        place_id=place_id,
        minutes=minutes,
        at=clock.now(),
        recorded_by=actor.user_id,
    )
    session.add(made)
    session.flush()
    _tell_coordinators(session, movement_id)
    audit.append(
        session,
        actor,
        act="arrival.incident",
        object_kind="movement",
        object_id=movement_id,
        ids={"code": code.value},
    )
    return made, True


def count_heads(
    session: Session, actor: access.Actor, *, movement_id: str, place_id: str, person_count: int, expected_count: int
) -> HeadCount:
    """How many an escort counted aboard at a stop; a new count replaces the escort's last one there.

    Where it differs from the list, coordinators are told at once.
    """
    actor = access.require(session, actor, "arrival.record", movement_id=movement_id)
    row = session.get(HeadCount, (movement_id, place_id, actor.user_id))
    if row is not None and (row.person_count, row.expected_count) == (person_count, expected_count):
        return row
    if row is None:
        row = HeadCount(
            movement_id=movement_id,
            place_id=place_id,
            recorded_by=actor.user_id,
            person_count=person_count,
            expected_count=expected_count,
            at=clock.now(),
        )
    else:
        row.person_count, row.expected_count, row.at = person_count, expected_count, clock.now()
        row.version += 1
    session.add(row)
    session.flush()
    audit.append(
        session,
        actor,
        act="arrival.count",
        object_kind="movement",
        object_id=movement_id,
        ids={"place_id": place_id, "count": str(person_count), "expected": str(expected_count)},
    )
    if person_count != expected_count:
        _tell_coordinators(session, movement_id)
    return row
