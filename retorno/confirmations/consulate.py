"""A consulate's page: its own nationals who agreed, by deadline; answers row by row or a page at once; one print view.

Nothing here may tell a protection case from a missing paper. A row that is no longer asked about looks like every
other until the next batch (``office.notices``), whatever the cause, and afterwards shows a name and "not travelling".
What a consulate may do with a row never depends on whether the person still travels.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlmodel import Session, col, func, select

from retorno import changes, clock, keyring
from retorno.confirmations import confirmation
from retorno.confirmations.confirmation import Party
from retorno.errors import NotAllowed, Stale
from retorno.manifest.copies import recipient_reference
from retorno.models.movements import (
    Confirmation,
    ManifestCopy,
    Movement,
    MovementCrossing,
    MovementSegment,
)
from retorno.models.office import Office
from retorno.models.people import Document, Person
from retorno.office import access, audit, notices
from retorno.papers.keys import reference
from retorno.situation import ground
from retorno.vocabulary import Answer, AnswerReason, PartyKind, Role

REASONS = (AnswerReason.DOCUMENT_READY, AnswerReason.NOT_OUR_NATIONAL, AnswerReason.NEEDS_INTERVIEW)
"""A consulate's answers: the first is a yes."""
PAGE_ROWS = 20
"""Rows on one page of the screen and on the one printed page (our assumption: they fit A4 and Letter)."""


@dataclass(frozen=True, kw_only=True)
class ConsulateRow:
    """One person on a consulate's list; nothing about others, no totals, no place of stay.

    Parameters
    ----------
    ref
        As on this consulate's manifest; another state knows the person by another one.
    place_id
        Crossing into the country, or the airport of arrival.
    on
        Day at that place.
    is_open
        Whether an answer is missing and may still be given: until the departure, also after the deadline.
    may_change
        Whether the answer given may still be changed: until the deadline, and until a list was issued after it.
    """

    confirmation_id: str
    ref: str
    name: str
    birth_date: date | None
    document_type: str
    document_number: str
    place_id: str
    on: date | None
    due_at: datetime
    answer: Answer
    reason: AnswerReason | None
    is_not_travelling: bool
    is_open: bool
    may_change: bool


def rows(session: Session, actor: access.Actor) -> list[ConsulateRow]:
    """A consulate's list by deadline. A row taken back shows as "not travelling" from the next batch on."""
    actor = access.require(session, actor, "confirmation.consulate")
    shown = _rows(session, actor)
    _log(session, actor, "confirmation.read", shown)
    return shown


def _rows(session: Session, actor: access.Actor) -> list[ConsulateRow]:
    found = session.exec(
        select(Confirmation, Person, Movement)
        .join(Person, col(Person.person_id) == Confirmation.person_id)
        .join(Movement, col(Movement.movement_id) == Confirmation.movement_id)
        .where(
            Confirmation.party_kind == PartyKind.CONSULATE,
            col(Confirmation.party_id).in_(actor.scopes(Role.CONSULATE)),
            col(Movement.arrive_at) >= clock.now() - access.WINDOW_AFTER,
        )
        .order_by(
            col(Confirmation.due_at), col(Person.family_names), col(Person.given_names), Confirmation.confirmation_id
        )
    ).all()
    documents = _documents(session, [person.person_id for _, person, _ in found])
    arrivals = {
        (row.movement_id, row.party_id): _arrival(session, movement, row.party_id) for row, _, movement in found
    }
    batch = notices.last_batch()
    return [
        _row(session, row, person, movement, documents.get(person.person_id), arrivals, batch)
        for row, person, movement in found
    ]


def _row(
    session: Session,
    row: Confirmation,
    person: Person,
    movement: Movement,
    document: Document | None,
    arrivals: Mapping[tuple[str, str], tuple[str, date]],
    batch: datetime,
) -> ConsulateRow:
    is_gone = row.cancelled_at is not None and row.cancelled_at <= batch
    party = Party(kind=PartyKind.CONSULATE, party_id=row.party_id)
    place_id, day = arrivals[row.movement_id, row.party_id]
    is_pending = row.answer is Answer.PENDING
    # A row that shows "not travelling" shows nothing that could change between two visits: neither paper nor answer.
    return ConsulateRow(
        confirmation_id=row.confirmation_id,
        ref=reference(
            keyring.of_office(movement.office_id).reference_key, person.person_id, recipient_reference(party)
        ),
        name=f"{person.given_names} {person.family_names}".strip(),
        birth_date=None if is_gone else person.birth_date,
        document_type="" if is_gone or document is None else document.document_type.value,
        document_number="" if is_gone or document is None else document.number,
        place_id="" if is_gone else place_id,
        on=None if is_gone else day,
        due_at=row.due_at,
        answer=Answer.PENDING if is_gone else row.answer,
        reason=None if is_gone else row.reason,
        is_not_travelling=is_gone,
        is_open=not is_gone and is_pending and clock.now() < movement.depart_at,
        may_change=not is_gone and not is_pending and _may_change(session, row),
    )


def _documents(session: Session, person_ids: Sequence[str]) -> dict[str, Document]:
    """The document of each person that a paper would print: checked, and valid longest."""
    found: dict[str, Document] = {}
    for each in session.exec(
        select(Document).where(col(Document.person_id).in_(person_ids)).order_by(Document.document_id)
    ).all():
        if each.person_id not in found or _weight(each) > _weight(found[each.person_id]):
            found[each.person_id] = each
    return found


def _weight(document: Document) -> tuple[bool, date]:
    return document.is_mrz_valid or bool(document.confirmed_by), document.expires_on or date.min


def _arrival(session: Session, movement: Movement, country: str) -> tuple[str, date]:
    """Where and on which day, as the place has it, a movement enters a country: a crossing, or an airport."""
    facts = ground()
    border = session.exec(
        select(MovementCrossing)
        .where(MovementCrossing.movement_id == movement.movement_id, MovementCrossing.enter_country == country)
        .order_by(col(MovementCrossing.sequence).desc())
        .limit(1)
    ).first()
    if border is not None:
        zone = facts.posts[border.enter_post_id].timezone
        return border.crossing_id, clock.local(border.at, zone).date()
    last = session.exec(
        select(MovementSegment)
        .where(MovementSegment.movement_id == movement.movement_id)
        .order_by(col(MovementSegment.segment).desc())
        .limit(1)
    ).one()
    where = facts.places.get(last.to_place_id) or facts.airports[last.to_place_id]
    return last.to_place_id, clock.local(last.arrive_at, where.timezone).date()


def _log(session: Session, actor: access.Actor, act: str, shown: Sequence[ConsulateRow]) -> None:
    if shown:
        audit.append(
            session,
            actor,
            act=act,
            object_kind="consulate",
            object_id=actor.country,
            outcome="read",
            ids={"rows": ",".join(row.confirmation_id for row in shown)},
        )


# ---- answers ----------------------------------------------------------------------------------------------------


def answer(session: Session, actor: access.Actor, *, answers: Mapping[str, AnswerReason]) -> int:
    """Answer rows at once: all or none; the same answer again changes nothing.

    Parameters
    ----------
    answers
        Confirmation id to one of ``REASONS``.

    Returns
    -------
    int
        How many answers are new.

    Raises
    ------
    NotAllowed
        If a row does not exist or is another consulate's.
    Stale
        If the movement has left, or an answer is changed after the deadline or after a list was issued.
    """
    actor = access.require(session, actor, "confirmation.consulate")
    asked = [_own_row(session, actor, confirmation_id) for confirmation_id in sorted(answers)]
    fresh = [
        row for row in asked if (row.answer, row.reason) != (_answer_of(answers, row), answers[row.confirmation_id])
    ]
    for row in fresh:
        _may_answer(session, row)
    for row in fresh:
        _write(session, actor, row, answers[row.confirmation_id])
    return len(fresh)


def _answer_of(answers: Mapping[str, AnswerReason], row: Confirmation) -> Answer:
    is_yes = answers[row.confirmation_id] is AnswerReason.DOCUMENT_READY
    return Answer.CONFIRMED if is_yes else Answer.DECLINED


def _own_row(session: Session, actor: access.Actor, confirmation_id: str) -> Confirmation:
    row = session.get(Confirmation, confirmation_id, populate_existing=True)
    if row is None or row.party_kind is not PartyKind.CONSULATE or row.person_id is None:
        raise NotAllowed
    if row.party_id not in actor.scopes(Role.CONSULATE):
        raise NotAllowed
    return row


def _may_answer(session: Session, row: Confirmation) -> None:
    """``Stale`` once it is too late; asks nothing that depends on whether the person still travels."""
    if row.answer is Answer.PENDING:
        if clock.now() >= session.get_one(Movement, row.movement_id).depart_at:
            raise Stale("the movement has left: the answer can no longer be given")
    elif not _may_change(session, row):
        raise Stale("the deadline is over or a list was issued: tell the coordinator")


def _may_change(session: Session, row: Confirmation) -> bool:
    """Whether an answer may be changed: until the deadline, and until the consulate has a list made after it."""
    if clock.now() >= row.due_at:
        return False
    issued_at = session.exec(
        select(func.max(ManifestCopy.made_at)).where(
            ManifestCopy.movement_id == row.movement_id,
            ManifestCopy.recipient_kind == PartyKind.CONSULATE,
            ManifestCopy.recipient_id == row.party_id,
            col(ManifestCopy.visible_from) <= clock.now(),
        )
    ).one()
    return issued_at is None or row.answered_at is None or issued_at < row.answered_at


def _write(session: Session, actor: access.Actor, row: Confirmation, reason: AnswerReason) -> None:
    was = row.answer
    if reason is AnswerReason.DOCUMENT_READY:
        confirmation.confirm(session, actor, confirmation_id=row.confirmation_id, reason=reason)
    elif was is Answer.DECLINED:
        confirmation.set_answer(session, actor, row, answer=Answer.DECLINED, reason=reason, answered_by="", way="page")
    else:
        changes.decline(session, actor, confirmation_id=row.confirmation_id, reason=reason)
    if was is not Answer.PENDING:
        # Whoever plans has counted on the first answer.
        notices.post(
            session,
            recipient_kind=Role.COORDINATOR.value,
            recipient_id=session.get_one(Movement, row.movement_id).office_id,
            code="movement.changed",
            object_id=row.movement_id,
        )


# ---- the one print view -----------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Sheet:
    """One page to print, with who prints it and when for the watermark; ``office_id`` says by whose clock."""

    rows: tuple[ConsulateRow, ...]
    office_id: str
    printed_by: str
    organisation: str
    printed_at: datetime


def sheet(session: Session, actor: access.Actor, *, page: int) -> Sheet:
    """One page of the rows that the screen shows now, for the eye and the printer; every printing is logged.

    Parameters
    ----------
    page
        From 1; a page without rows is empty, and says nothing about how many there are.
    """
    actor = access.require(session, actor, "confirmation.consulate")
    first = (max(page, 1) - 1) * PAGE_ROWS
    shown = _rows(session, actor)[first : first + PAGE_ROWS]
    _log(session, actor, "confirmation.print", shown)
    # As on the screens: the clock of the office that a consulate works with.
    office = session.exec(select(Office).order_by(Office.office_id).limit(1)).first()
    return Sheet(
        rows=tuple(shown),
        office_id=office.office_id if office else "",
        printed_by=actor.display_name,
        organisation=actor.organisation,
        printed_at=clock.now(),
    )
