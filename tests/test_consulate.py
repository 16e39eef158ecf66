"""A consulate's page: answers by page, what may be changed until when, and nothing that tells why somebody left."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlmodel import Session, col, select

from retorno import changes
from retorno.confirmations import confirmation, consulate
from retorno.confirmations.consulate import ConsulateRow
from retorno.errors import NotAllowed, Stale
from retorno.models.movements import Confirmation, Movement
from retorno.models.office import Notice
from retorno.models.people import Document, Person
from retorno.office import notices
from retorno.office.access import Actor
from retorno.vocabulary import Answer, AnswerReason, HoldKind, PartyKind, Role
from tests import planning_builders as build
from tests.builders import NOW

Clock = Callable[[datetime], None]
BATCH = datetime(2027, 3, 1, 19, 0, tzinfo=UTC)
"""The first batch after ``NOW``."""
READY, INTERVIEW = AnswerReason.DOCUMENT_READY, AnswerReason.NEEDS_INTERVIEW


@pytest.fixture(autouse=True)
def _keys(tmp_path: Path, session: Session) -> None:
    build.use_keys(tmp_path)


@pytest.fixture
def bus(session: Session, coordinator: Actor) -> Movement:
    """A coach with five people of five families, everybody asked."""
    made = build.make_bus(session)
    for _ in range(5):
        build.seat_group(session, made, build.make_family(session, adults=1))
    confirmation.request_confirmations(session, coordinator, movement_id=made.movement_id)
    return made


def people(session: Session, bus: Movement) -> list[Person]:
    rows = session.exec(
        select(Person)
        .join(Confirmation, col(Confirmation.person_id) == Person.person_id)
        .where(Confirmation.movement_id == bus.movement_id)
        .order_by(Person.person_id)
    ).all()
    return list(rows)


def row_of(rows: list[ConsulateRow], person: Person) -> ConsulateRow:
    return next(row for row in rows if row.name == f"{person.given_names} {person.family_names}")


def id_of(session: Session, person: Person) -> str:
    return session.exec(select(Confirmation.confirmation_id).where(Confirmation.person_id == person.person_id)).one()


def without_identity(row: ConsulateRow) -> tuple[object, ...]:
    """Everything that a row says beside who it is about."""
    return (
        row.document_type,
        row.place_id,
        row.on,
        row.due_at,
        row.answer,
        row.reason,
        row.is_not_travelling,
        row.is_open,
        row.may_change,
        row.birth_date is None,
        row.document_number == "",
    )


def test_a_page_of_rows_is_answered_at_once_or_not_at_all(
    session: Session, bus: Movement, consulate_hn: Actor, consulate_gt: Actor
) -> None:
    rows = consulate.rows(session, consulate_hn)
    answers = dict.fromkeys((row.confirmation_id for row in rows), READY)

    with pytest.raises(NotAllowed):
        consulate.answer(session, consulate_gt, answers=answers)
    with pytest.raises(NotAllowed):
        consulate.answer(session, consulate_hn, answers=answers | {"Q-NOTHERE000": READY})
    assert {row.answer for row in consulate.rows(session, consulate_hn)} == {Answer.PENDING}

    assert consulate.answer(session, consulate_hn, answers=answers) == 5
    # The second click of a slow line changes nothing.
    assert consulate.answer(session, consulate_hn, answers=answers) == 0
    assert {row.answer for row in consulate.rows(session, consulate_hn)} == {Answer.CONFIRMED}


def test_a_yes_becomes_a_no_and_back_until_the_deadline_and_the_coordinator_hears_of_it(
    session: Session, bus: Movement, consulate_hn: Actor, frozen_clock: Clock
) -> None:
    one = people(session, bus)[0]
    asked = id_of(session, one)
    consulate.answer(session, consulate_hn, answers={asked: READY})
    consulate.answer(session, consulate_hn, answers={asked: INTERVIEW})
    assert one.person_id not in build.aboard(session, bus.movement_id)
    consulate.answer(session, consulate_hn, answers={asked: AnswerReason.NOT_OUR_NATIONAL})
    consulate.answer(session, consulate_hn, answers={asked: READY})
    told = session.exec(
        select(Notice).where(Notice.recipient_kind == Role.COORDINATOR.value, Notice.code == "movement.changed")
    ).all()
    assert len(told) == 1
    frozen_clock(session.get_one(Confirmation, asked).due_at)
    with pytest.raises(Stale):
        consulate.answer(session, consulate_hn, answers={asked: INTERVIEW})


def test_a_missing_answer_is_taken_after_the_deadline_but_not_after_the_departure(
    session: Session, bus: Movement, consulate_hn: Actor, frozen_clock: Clock
) -> None:
    first, second = (id_of(session, person) for person in people(session, bus)[:2])
    frozen_clock(bus.depart_at - timedelta(minutes=1))
    assert consulate.answer(session, consulate_hn, answers={first: READY}) == 1
    frozen_clock(bus.depart_at)
    with pytest.raises(Stale):
        consulate.answer(session, consulate_hn, answers={second: READY})
    assert not any(row.is_open for row in consulate.rows(session, consulate_hn))


def test_once_a_list_is_issued_an_answer_stands(
    session: Session, bus: Movement, coordinator: Actor, coordinator_2: Actor, consulate_hn: Actor, frozen_clock: Clock
) -> None:
    build.release(session, coordinator, coordinator_2, bus.movement_id)
    frozen_clock(BATCH)
    row = consulate.rows(session, consulate_hn)[0]
    assert not row.may_change
    with pytest.raises(Stale):
        consulate.answer(session, consulate_hn, answers={row.confirmation_id: INTERVIEW})


def test_inside_a_batch_window_a_row_of_somebody_gone_cannot_be_told_from_the_others(
    session: Session,
    bus: Movement,
    coordinator: Actor,
    protection_1: Actor,
    consulate_hn: Actor,
    frozen_clock: Clock,
) -> None:
    """Twins: one stays, one withdraws, one is ill, one has a hold, one misses a paper; whatever the consulate does."""
    stays, withdraws, ill, held, paper = people(session, bus)
    before = consulate.rows(session, consulate_hn)
    changes.withdraw(session, coordinator, person_id=withdraws.person_id)
    changes.record_unfit(session, coordinator, person_ids=[ill.person_id], until=NOW.date() + timedelta(days=30))
    changes.raise_hold(session, protection_1, person_id=held.person_id, kind=HoldKind.ASYLUM)
    changes.record_no_show(session, coordinator, movement_id=bus.movement_id, person_ids=[paper.person_id])
    assert consulate.rows(session, consulate_hn) == before

    twins = (stays, withdraws, ill, held, paper)
    for answer in (READY, INTERVIEW, AnswerReason.NOT_OUR_NATIONAL, READY):
        for person in twins:
            assert consulate.answer(session, consulate_hn, answers={id_of(session, person): answer}) == 1
        rows = consulate.rows(session, consulate_hn)
        assert [row.name for row in rows] == [row.name for row in before]
        assert len({without_identity(row_of(rows, person)) for person in twins}) == 1
    # One second before the batch nothing has moved; with it, all five show the same name and nothing else.
    frozen_clock(BATCH - timedelta(seconds=1))
    assert not any(row.is_not_travelling for row in consulate.rows(session, consulate_hn))
    frozen_clock(BATCH)
    rows = consulate.rows(session, consulate_hn)
    gone = {without_identity(row_of(rows, person)) for person in twins}
    assert len(gone) == 1
    assert all(row.is_not_travelling and not row.document_number and row.birth_date is None for row in rows)


def test_a_row_that_is_gone_does_not_change_when_a_paper_arrives(
    session: Session, bus: Movement, coordinator: Actor, protection_1: Actor, consulate_hn: Actor, frozen_clock: Clock
) -> None:
    ill, held = people(session, bus)[:2]
    changes.record_unfit(session, coordinator, person_ids=[ill.person_id], until=NOW.date() + timedelta(days=3))
    changes.raise_hold(session, protection_1, person_id=held.person_id, kind=HoldKind.FEAR)
    frozen_clock(BATCH)
    before = consulate.rows(session, consulate_hn)
    document = session.exec(select(Document).where(Document.person_id == ill.person_id)).one()
    document.number = "HN-NUEVO-1"
    session.add(document)
    session.flush()
    assert consulate.rows(session, consulate_hn) == before


def test_a_consulates_notice_names_no_movement_and_comes_with_the_batch(
    session: Session, bus: Movement, coordinator: Actor, coordinator_2: Actor, consulate_hn: Actor, frozen_clock: Clock
) -> None:
    build.release(session, coordinator, coordinator_2, bus.movement_id)
    now = {(each.code, each.object_id) for each in notices.waiting_for(session, consulate_hn)}
    assert now == {("confirmation.asked", "HN")}
    frozen_clock(BATCH)
    later = {(each.code, each.object_id) for each in notices.waiting_for(session, consulate_hn)}
    assert later == {("confirmation.asked", "HN"), ("manifest.issued", "HN")}


def test_two_states_know_one_person_by_different_references(
    session: Session, bus: Movement, consulate_hn: Actor
) -> None:
    rows = consulate.rows(session, consulate_hn)
    ids = {person.person_id for person in people(session, bus)}
    assert len({row.ref for row in rows}) == 5
    assert not {row.ref for row in rows} & ids


def test_a_printed_page_says_who_printed_it_and_is_logged_and_has_no_count(
    session: Session, bus: Movement, consulate_hn: Actor, coordinator: Actor
) -> None:
    sheet = consulate.sheet(session, consulate_hn, page=1)
    assert (len(sheet.rows), sheet.printed_by, sheet.printed_at) == (5, "consulate_hn", NOW)
    assert consulate.sheet(session, consulate_hn, page=2).rows == ()
    with pytest.raises(NotAllowed):
        consulate.sheet(session, coordinator, page=1)


def test_parties_with_an_account_are_reminded_once_an_hour(
    session: Session, bus: Movement, coordinator: Actor, frozen_clock: Clock
) -> None:
    rows = session.exec(select(Confirmation).where(Confirmation.movement_id == bus.movement_id)).all()
    ids = [row.confirmation_id for row in rows]
    # Five people of one consulate, the post of Corinto and the reception in Omoa have accounts; four posts do not.
    assert confirmation.remind(session, coordinator, confirmation_ids=ids) == 7
    assert confirmation.remind(session, coordinator, confirmation_ids=ids) == 0
    told = session.exec(select(Notice.recipient_kind).where(Notice.code == "confirmation.reminder")).all()
    assert sorted(told) == ["border_post", "consulate", "reception"]
    frozen_clock(NOW + timedelta(hours=1))
    assert confirmation.remind(session, coordinator, confirmation_ids=ids) == 7
    assert PartyKind.CARRIER not in {kind for kind, _ in confirmation.accounts_of_parties(session)}
