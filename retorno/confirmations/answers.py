"""Who has not answered, who said no, and what can be done about it: the coordinator's page of confirmations.

Reads only; people are named, because a coordinator reads the names of the own caseload.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from sqlmodel import Session, col, select

from retorno import clock
from retorno.confirmations import confirmation
from retorno.models.movements import Confirmation, Movement, MovementSegment, Seat
from retorno.models.people import Person, TravelGroup
from retorno.movements.facts import not_travelled
from retorno.office import access
from retorno.plans.scope import LIVE
from retorno.vocabulary import Answer, MovementStatus, PersonStatus, Role, SeatStatus

REFUSALS_SHOWN = timedelta(days=7)
"""How long a refusal stays on the page (our assumption: by then its groups are planned again)."""
ASKING = (MovementStatus.ACCEPTED, MovementStatus.CONFIRMED)


@dataclass(frozen=True, kw_only=True)
class Asked:
    """One question: to whom, about whom, and whether that party can answer by itself.

    Parameters
    ----------
    person_name
        Whom a consulate is asked about; empty for every other party.
    has_account
        Whether somebody of that party can sign in; otherwise a coordinator writes the answer down.
    may_remind
        Whether a reminder would be sent now.
    """

    question: Confirmation
    person_name: str
    has_account: bool
    may_remind: bool


@dataclass(frozen=True, kw_only=True)
class Asking:
    """A movement that waits for answers; ``unasked_count`` is how many questions it still has to ask."""

    movement: Movement
    from_place_id: str
    to_place_id: str
    person_count: int
    waiting: tuple[Asked, ...]
    answered: tuple[Asked, ...]
    unasked_count: int

    @property
    def is_asked(self) -> bool:
        """Whether anybody was asked yet."""
        return bool(self.waiting or self.answered)


@dataclass(frozen=True, kw_only=True)
class Refusal:
    """A party's no: the movement it was about, the person where a consulate said it, and the case to open."""

    question: Confirmation
    movement: Movement
    person_name: str
    case_id: str


def asking(session: Session, actor: access.Actor) -> list[Asking]:
    """Movements that ask or have to ask, the one with the earliest missing answer first, then by departure."""
    actor = access.require(session, actor, "confirmation.read")
    movements = session.exec(
        select(Movement)
        .where(access.movements_of(actor, Role.COORDINATOR), col(Movement.status).in_(ASKING))
        .order_by(col(Movement.depart_at), Movement.movement_id)
    ).all()
    questions = session.exec(
        select(Confirmation)
        .where(
            col(Confirmation.movement_id).in_([movement.movement_id for movement in movements]),
            col(Confirmation.cancelled_at).is_(None),
        )
        .order_by(
            col(Confirmation.due_at), Confirmation.party_kind, Confirmation.party_id, Confirmation.confirmation_id
        )
    ).all()
    names = _names(session, questions)
    reachable, now = confirmation.accounts_of_parties(session), clock.now()
    by_movement: dict[str, list[Asked]] = {}
    for question in questions:
        has_account = (question.party_kind, question.party_id) in reachable
        by_movement.setdefault(question.movement_id, []).append(
            Asked(
                question=question,
                person_name=names.get(question.person_id or "", ""),
                has_account=has_account,
                may_remind=has_account and confirmation.is_due_a_reminder(question, now),
            )
        )
    found = [_asking(session, movement, by_movement.get(movement.movement_id, [])) for movement in movements]
    return sorted(
        found,
        key=lambda each: (
            not each.waiting,
            each.waiting[0].question.due_at if each.waiting else each.movement.depart_at,
            each.movement.reference,
        ),
    )


def _asking(session: Session, movement: Movement, asked: Sequence[Asked]) -> Asking:
    segments = session.exec(
        select(MovementSegment)
        .where(MovementSegment.movement_id == movement.movement_id)
        .order_by(col(MovementSegment.segment))
    ).all()
    known = {(each.question.party_kind, each.question.party_id, each.question.person_id) for each in asked}
    return Asking(
        movement=movement,
        unasked_count=sum(question not in known for question in confirmation.to_ask(session, movement)),
        from_place_id=segments[0].from_place_id,
        to_place_id=segments[-1].to_place_id,
        person_count=max(segment.taken for segment in segments),
        waiting=tuple(each for each in asked if each.question.answer is Answer.PENDING),
        answered=tuple(each for each in asked if each.question.answer is not Answer.PENDING),
    )


def _names(session: Session, questions: Sequence[Confirmation]) -> dict[str, str]:
    ids = sorted({question.person_id for question in questions if question.person_id})
    rows = session.exec(select(Person).where(col(Person.person_id).in_(ids))).all()
    return {row.person_id: f"{row.given_names} {row.family_names}".strip() for row in rows}


def refusals(session: Session, actor: access.Actor) -> list[Refusal]:
    """The noes of the last days, newest first, as long as somebody whom one stopped waits for another plan."""
    actor = access.require(session, actor, "confirmation.read")
    since = clock.now() - REFUSALS_SHOWN
    rows = session.exec(
        select(Confirmation, Movement)
        .join(Movement, col(Movement.movement_id) == Confirmation.movement_id)
        .where(
            access.movements_of(actor, Role.COORDINATOR),
            Confirmation.answer == Answer.DECLINED,
            col(Confirmation.answered_at) >= since,
            col(Movement.status).in_((*LIVE, MovementStatus.CANCELLED)),
        )
        .order_by(col(Confirmation.answered_at).desc(), Confirmation.confirmation_id)
    ).all()
    rows = [row for row, is_open in zip(rows, _still_wait(session, rows), strict=True) if is_open]
    names = _names(session, [question for question, _ in rows])
    cases = dict(
        session.exec(
            select(Person.person_id, TravelGroup.case_id)
            .join(TravelGroup, col(TravelGroup.group_id) == Person.group_id)
            .where(col(Person.person_id).in_(sorted(names)))
        ).all()
    )
    return [
        Refusal(
            question=question,
            movement=movement,
            person_name=names.get(question.person_id or "", ""),
            case_id=cases.get(question.person_id or "", ""),
        )
        for question, movement in rows
    ]


def _still_wait(session: Session, rows: Sequence[tuple[Confirmation, Movement]]) -> list[bool]:
    """For every no, whether a group that it stopped is still here without seats on a journey to come.

    A no about one person stopped that person's group; any other one can have stopped every group of the movement.
    """
    movement_ids = sorted({movement.movement_id for _, movement in rows})
    aboard: dict[str, set[str]] = {}
    for movement_id, group_id in session.exec(
        select(Seat.movement_id, Seat.group_id).where(
            col(Seat.movement_id).in_(movement_ids), col(Seat.group_id).is_not(None)
        )
    ).all():
        aboard.setdefault(movement_id, set()).add(group_id or "")
    person_ids = sorted({question.person_id for question, _ in rows if question.person_id})
    group_of = dict(
        session.exec(select(Person.person_id, Person.group_id).where(col(Person.person_id).in_(person_ids))).all()
    )
    stopped = [
        {group_of[question.person_id]} if question.person_id else aboard.get(movement.movement_id, set())
        for question, movement in rows
    ]
    groups = sorted(set().union(*stopped))
    here = set(
        session.exec(
            select(Person.group_id).where(col(Person.group_id).in_(groups), Person.status == PersonStatus.ACTIVE)
        ).all()
    )
    seated = set(
        session.exec(
            select(Seat.group_id).where(
                col(Seat.group_id).in_(groups), Seat.status == SeatStatus.ACTIVE, not_travelled(clock.now())
            )
        ).all()
    )
    return [bool(group_ids & here - seated) for group_ids in stopped]
