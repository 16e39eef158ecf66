"""Stage 4: answers from consulates, border posts, transit states, reception points, carriers and escorts.

A consulate is asked only about own nationals who agreed to it and never had a hold (R26). A decline goes through
``changes``, because it frees seats; here are the question, the yes, and what each party may see.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import or_
from sqlmodel import Session, col, select

from retorno import clock
from retorno.errors import InputError, NotAllowed, Stale
from retorno.models.movements import Confirmation, Movement, MovementCrossing, MovementSegment, Seat
from retorno.models.office import RoleGrant, User
from retorno.models.people import Case, Person, TravelGroup
from retorno.office import access, audit, notices
from retorno.situation import ground
from retorno.vocabulary import Answer, AnswerReason, MovementStatus, PartyKind, Role, SeatStatus

LEAST_ANSWER_TIME = timedelta(hours=2)
REMIND_AGAIN = timedelta(hours=1)
"""How long a reminder lasts before another may follow (our assumption)."""


@dataclass(frozen=True, kw_only=True)
class Party:
    """Somebody who is asked: kind and id (post, country, place, operator, escort)."""

    kind: PartyKind
    party_id: str


def parties_of(session: Session, movement: Movement) -> list[Party]:
    """Everyone but consulates who has to confirm and to acknowledge a movement, in the order of the journey."""
    found: list[Party] = []
    crossings = session.exec(
        select(MovementCrossing)
        .where(MovementCrossing.movement_id == movement.movement_id)
        .order_by(col(MovementCrossing.sequence))
    ).all()
    for crossing in crossings:
        found.append(Party(kind=PartyKind.BORDER_POST, party_id=crossing.leave_post_id))
        found.append(Party(kind=PartyKind.BORDER_POST, party_id=crossing.enter_post_id))
    found += [Party(kind=PartyKind.TRANSIT_STATE, party_id=country) for country in transit_countries(session, movement)]
    found += [Party(kind=PartyKind.RECEPTION, party_id=place) for place in arrival_places(session, movement)]
    if movement.operator:
        found.append(Party(kind=PartyKind.CARRIER, party_id=movement.operator))
    escorts = session.exec(
        select(Seat.escort_id)
        .where(
            Seat.movement_id == movement.movement_id,
            Seat.status == SeatStatus.ACTIVE,
            col(Seat.escort_id).is_not(None),
        )
        .order_by(Seat.escort_id)
    ).all()
    found += [Party(kind=PartyKind.ESCORT, party_id=escort_id) for escort_id in dict.fromkeys(escorts) if escort_id]
    return list(dict.fromkeys(found))


def transit_countries(session: Session, movement: Movement) -> list[str]:
    """Countries on the way that are neither where the people were nor where they go, in order."""
    crossings = session.exec(
        select(MovementCrossing)
        .where(MovementCrossing.movement_id == movement.movement_id)
        .order_by(col(MovementCrossing.sequence))
    ).all()
    facts = ground()
    ends = {group.destination_country for group in groups_of(session, movement.movement_id)}
    starts = session.exec(
        select(Case.place_id)
        .join(TravelGroup, col(TravelGroup.case_id) == Case.case_id)
        .where(col(TravelGroup.group_id).in_([g.group_id for g in groups_of(session, movement.movement_id)]))
    ).all()
    ends |= {facts.places[place].country for place in starts if place in facts.places}
    touched = [country for c in crossings for country in (c.leave_country, c.enter_country)]
    return [country for country in dict.fromkeys(touched) if country not in ends]


def arrival_places(session: Session, movement: Movement) -> list[str]:
    """Places at which people leave the movement, in order of the journey."""
    alights = session.exec(
        select(Seat.alight)
        .where(
            Seat.movement_id == movement.movement_id,
            Seat.status == SeatStatus.ACTIVE,
            col(Seat.person_id).is_not(None),
        )
        .distinct()
        .order_by(col(Seat.alight))
    ).all()
    segments = {
        segment.segment: segment
        for segment in session.exec(
            select(MovementSegment).where(MovementSegment.movement_id == movement.movement_id)
        ).all()
    }
    return list(dict.fromkeys(segments[alight - 1].to_place_id for alight in alights))


def request_confirmations(
    session: Session, actor: access.Actor, *, movement_id: str, due_at: datetime | None = None
) -> list[Confirmation]:
    """Ask every party of an accepted movement; asking again asks only who was not asked yet."""
    actor = access.require(session, actor, "confirmation.request", movement_id=movement_id)
    movement = session.get_one(Movement, movement_id)
    if movement.status not in (MovementStatus.ACCEPTED, MovementStatus.CONFIRMED):
        raise Stale(f"movement is {movement.status}: only an accepted movement asks for confirmation")
    now = clock.now()
    due = due_at or max(now + LEAST_ANSWER_TIME, movement.depart_at - timedelta(hours=movement.notice_hours))
    if due <= now:
        raise InputError(f"answers are due at {due:%Y-%m-%d %H:%M} UTC, expected a later time")
    asked = {
        (row.party_kind, row.party_id, row.person_id): row
        for row in session.exec(select(Confirmation).where(Confirmation.movement_id == movement_id)).all()
    }
    made = []
    for kind, party_id, person_id in to_ask(session, movement):
        row = asked.get((kind, party_id, person_id))
        if row is not None:
            _ask_again(session, row, due)
            continue
        row = Confirmation(
            movement_id=movement_id,
            party_kind=kind,
            party_id=party_id,
            person_id=person_id,
            asked_at=now,
            due_at=due,
        )
        session.add(row)
        made.append(row)
        notices.post(
            session,
            recipient_kind=kind.value,
            recipient_id=party_id,
            code="confirmation.asked",
            # A consulate's notice names no movement, so that two states cannot join what they hear.
            object_id=party_id if kind is PartyKind.CONSULATE else movement_id,
        )
    session.flush()
    audit.append(
        session,
        actor,
        act="confirmation.request",
        object_kind="movement",
        object_id=movement_id,
        ids={"asked": str(len(made))},
    )
    return made


def to_ask(session: Session, movement: Movement) -> list[tuple[PartyKind, str, str | None]]:
    """Party, its id and the person concerned, for every question that a movement as it is now has to ask."""
    wanted: list[tuple[PartyKind, str, str | None]] = [
        (party.kind, party.party_id, None) for party in parties_of(session, movement)
    ]
    return wanted + [
        (PartyKind.CONSULATE, person.nationality, person.person_id)
        for person in consular_persons(session, movement.movement_id)
    ]


def _ask_again(session: Session, row: Confirmation, due: datetime) -> None:
    """Take up a question that was taken back; a yes to the same person on the same movement still stands."""
    if row.cancelled_at is None:
        return
    row.cancelled_at, row.due_at = None, due
    if row.answer is not Answer.CONFIRMED:
        row.answer, row.reason, row.answered_at = Answer.PENDING, None, None
    row.version += 1
    session.add(row)


def consular_persons(session: Session, movement_id: str) -> list[Person]:
    """People whom this movement brings home and whose consulate may be asked: agreed, and never a hold (R26)."""
    segments = {
        row.segment: row.to_place_id
        for row in session.exec(select(MovementSegment).where(MovementSegment.movement_id == movement_id)).all()
    }
    rows = session.exec(
        select(Seat, TravelGroup)
        .join(TravelGroup, col(TravelGroup.group_id) == Seat.group_id)
        .where(Seat.movement_id == movement_id, Seat.status == SeatStatus.ACTIVE)
    ).all()
    home = [seat.person_id for seat, group in rows if segments[seat.alight - 1] == group.destination_place_id]
    countries = tuple(session.exec(select(Person.nationality).where(col(Person.person_id).in_(home)).distinct()).all())
    return list(
        session.exec(
            select(Person)
            .where(col(Person.person_id).in_(home), access.own_nationals(countries))
            .order_by(Person.person_id)
        ).all()
    )


# ---- answers ----------------------------------------------------------------------------------------------------


def confirm(
    session: Session,
    actor: access.Actor,
    *,
    confirmation_id: str,
    reason: AnswerReason | None = None,
    answered_by: str = "",
    way: str = "page",
) -> Confirmation:
    """A party's yes; a coordinator records it for a party without account (who answered, and by which way)."""
    row, recorder = answerable(session, actor, confirmation_id=confirmation_id, answered_by=answered_by)
    if row.answer is Answer.CONFIRMED:
        return row
    set_answer(session, actor, row, answer=Answer.CONFIRMED, reason=reason, answered_by=answered_by, way=way)
    row.recorded_by = recorder
    session.add(row)
    refresh(session, row.movement_id)
    return row


def answerable(
    session: Session, actor: access.Actor, *, confirmation_id: str, answered_by: str = ""
) -> tuple[Confirmation, str | None]:
    """The question if the actor may answer it, and who records it on behalf of a party (or ``None``)."""
    current = access.load_actor(session, actor.user_id)
    row = session.get(Confirmation, confirmation_id)
    if row is None:
        raise NotAllowed
    if current.has(Role.COORDINATOR):
        access.require(session, current, "confirmation.record", movement_id=row.movement_id)
        if row.party_kind is PartyKind.CONSULATE and row.person_id is None:
            raise NotAllowed
        if not answered_by.strip():
            raise InputError("who answered is missing: write the name or the office that gave the answer")
        return row, current.user_id
    role = next((role for role, kind in access.PARTY_OF_ROLE.items() if kind is row.party_kind), None)
    if role is None or not current.has(role) or row.party_id not in current.scopes(role):
        raise NotAllowed
    return row, None


def set_answer(
    session: Session,
    actor: access.Actor,
    row: Confirmation,
    *,
    answer: Answer,
    reason: AnswerReason | None,
    answered_by: str,
    way: str,
) -> None:
    """Write an answer and log it."""
    row.answer, row.reason, row.answered_at = answer, reason, clock.now()
    row.answered_by, row.way = answered_by.strip() or actor.user_id, way
    row.version += 1
    session.add(row)
    audit.append(
        session,
        actor,
        act="confirmation.answer",
        object_kind="confirmation",
        object_id=row.confirmation_id,
        ids={"answer": answer.value, "movement_id": row.movement_id},
    )


def refresh(session: Session, movement_id: str) -> None:
    """Move an accepted movement to confirmed when nobody's answer is missing, and back when one is."""
    movement = session.get_one(Movement, movement_id)
    if movement.status not in (MovementStatus.ACCEPTED, MovementStatus.CONFIRMED):
        return
    answers = {
        (row.party_kind, row.party_id, row.person_id): row.answer
        for row in session.exec(
            select(Confirmation).where(
                Confirmation.movement_id == movement_id, col(Confirmation.cancelled_at).is_(None)
            )
        ).all()
    }
    wanted = to_ask(session, movement)
    is_whole = bool(wanted) and all(answers.get(question) is Answer.CONFIRMED for question in wanted)
    status = MovementStatus.CONFIRMED if is_whole else MovementStatus.ACCEPTED
    if status is not movement.status:
        movement.status = status
        movement.version += 1
        session.add(movement)
        session.flush()


def cancel_all(session: Session, movement_id: str) -> None:
    """No longer ask anybody about a movement that does not run."""
    for row in session.exec(
        select(Confirmation).where(Confirmation.movement_id == movement_id, col(Confirmation.cancelled_at).is_(None))
    ).all():
        row.cancelled_at = clock.now()
        session.add(row)
    session.flush()


def cancel_for_persons(session: Session, person_ids: Sequence[str], movement_id: str | None = None) -> None:
    """No longer ask about people who do not travel; their consulate learns it in its next batch."""
    statement = select(Confirmation).where(
        col(Confirmation.person_id).in_(person_ids), col(Confirmation.cancelled_at).is_(None)
    )
    if movement_id is not None:
        statement = statement.where(Confirmation.movement_id == movement_id)
    for row in session.exec(statement).all():
        row.cancelled_at = clock.now()
        session.add(row)
    session.flush()


# ---- asking all, reminding --------------------------------------------------------------------------------------


def request_all(session: Session, actor: access.Actor) -> int:
    """Ask every party of every accepted movement that was not asked yet; gives how many questions are new."""
    actor = access.require(session, actor, "confirmation.request")
    waiting = session.exec(
        select(Movement.movement_id)
        .where(access.movements_of(actor, Role.COORDINATOR), Movement.status == MovementStatus.ACCEPTED)
        .order_by(col(Movement.depart_at), Movement.movement_id)
    ).all()
    return sum(len(request_confirmations(session, actor, movement_id=movement_id)) for movement_id in waiting)


def remind(session: Session, actor: access.Actor, *, confirmation_ids: Sequence[str]) -> int:
    """Leave a notice with parties that have an account and did not answer; gives how many were reminded.

    Whoever was reminded within the last hour, has answered or has no account is left alone: a second click is harmless.
    """
    actor = access.require(session, actor, "confirmation.request")
    now, reachable, reminded = clock.now(), accounts_of_parties(session), 0
    for confirmation_id in sorted(set(confirmation_ids)):
        row = session.get(Confirmation, confirmation_id, populate_existing=True)
        if row is None:
            raise NotAllowed
        access.require(session, actor, "confirmation.request", movement_id=row.movement_id)
        if row.answer is not Answer.PENDING or row.cancelled_at is not None or not is_due_a_reminder(row, now):
            continue
        if (row.party_kind, row.party_id) not in reachable:
            continue
        row.reminded_at = now
        session.add(row)
        reminded += 1
        notices.post(
            session,
            recipient_kind=row.party_kind.value,
            recipient_id=row.party_id,
            code="confirmation.reminder",
            object_id=row.party_id if row.party_kind is PartyKind.CONSULATE else row.movement_id,
        )
        audit.append(
            session,
            actor,
            act="confirmation.remind",
            object_kind="movement",
            object_id=row.movement_id,
            ids={"confirmation_id": row.confirmation_id},
        )
    session.flush()
    return reminded


def is_due_a_reminder(row: Confirmation, now: datetime) -> bool:
    """Whether the last reminder, if any, is an hour old."""
    return row.reminded_at is None or now - row.reminded_at >= REMIND_AGAIN


def accounts_of_parties(session: Session) -> frozenset[tuple[PartyKind, str]]:
    """Parties for which somebody can sign in and answer: consulates, posts, reception points, escorts."""
    today = clock.now().date()
    grants = session.exec(
        select(RoleGrant)
        .join(User, col(User.user_id) == RoleGrant.user_id)
        .where(
            col(User.disabled_at).is_(None),
            col(RoleGrant.role).in_(list(access.PARTY_OF_ROLE)),
            col(RoleGrant.approved_by).is_not(None),
            col(RoleGrant.revoked_at).is_(None),
            or_(col(RoleGrant.valid_until).is_(None), col(RoleGrant.valid_until) >= today),
        )
    ).all()
    return frozenset((access.PARTY_OF_ROLE[grant.role], grant.scope) for grant in grants)


# ---- what each party sees ---------------------------------------------------------------------------------------


def open_questions(session: Session, actor: access.Actor, *, movement_id: str | None = None) -> list[Confirmation]:
    """A coordinator's list of questions by deadline, answered ones last."""
    actor = access.require(session, actor, "confirmation.read", movement_id=movement_id)
    mine = select(Movement.movement_id).where(access.movements_of(actor, Role.COORDINATOR))
    statement = select(Confirmation).where(
        col(Confirmation.movement_id).in_(mine), col(Confirmation.cancelled_at).is_(None)
    )
    if movement_id is not None:
        statement = statement.where(Confirmation.movement_id == movement_id)
    rows = session.exec(statement.order_by(col(Confirmation.due_at), Confirmation.confirmation_id)).all()
    return sorted(rows, key=lambda row: row.answer is not Answer.PENDING)


def party_questions(session: Session, actor: access.Actor) -> list[Confirmation]:
    """What a post, reception point or escort is asked, by deadline."""
    actor = access.require(session, actor, "confirmation.party")
    mine = [
        (kind, scope)
        for role, kind in access.PARTY_OF_ROLE.items()
        if kind is not PartyKind.CONSULATE
        for scope in actor.scopes(role)
    ]
    rows = session.exec(
        select(Confirmation)
        .join(Movement, Movement.movement_id == Confirmation.movement_id)  # type: ignore[arg-type]
        .where(
            col(Confirmation.person_id).is_(None),
            col(Confirmation.party_id).in_([scope for _, scope in mine]),
            col(Confirmation.cancelled_at).is_(None),
            col(Movement.arrive_at) >= clock.now(),
        )
        .order_by(col(Confirmation.due_at))
    ).all()
    return [row for row in rows if (row.party_kind, row.party_id) in mine]


def groups_of(session: Session, movement_id: str) -> list[TravelGroup]:
    """Travel groups with active seats on a movement."""
    aboard = select(Seat.group_id).where(Seat.movement_id == movement_id, Seat.status == SeatStatus.ACTIVE)
    return list(
        session.exec(
            select(TravelGroup).where(col(TravelGroup.group_id).in_(aboard)).order_by(TravelGroup.group_id)
        ).all()
    )
