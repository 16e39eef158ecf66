"""Confirmations: who is asked, who may answer, what a consulate may see and when."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlmodel import Session, col, select

from retorno import changes, manifest
from retorno.confirmations import confirmation, consulate
from retorno.confirmations.confirmation import Party
from retorno.errors import InputError, NotAllowed, Stale
from retorno.manifest import copies
from retorno.models.movements import Confirmation, ManifestCopy, Movement
from retorno.models.office import Notice
from retorno.models.people import Consent, Person, TravelGroup
from retorno.models.protection import Hold
from retorno.office.access import Actor
from retorno.vocabulary import (
    Answer,
    AnswerReason,
    ConsentPurpose,
    HoldKind,
    MovementStatus,
    PartyKind,
)
from tests import builders
from tests import planning_builders as build
from tests.builders import NOW

Clock = Callable[[datetime], None]
FIRST_BATCH = datetime(2027, 3, 1, 19, 0, tzinfo=UTC)
"""The first batch after ``NOW``: 13:00 in Guatemala."""


@pytest.fixture(autouse=True)
def _keys(tmp_path: Path, session: Session) -> None:
    build.use_keys(tmp_path)


def bus_with(session: Session, *sizes: int) -> tuple[Movement, list[str]]:
    """A coach with families of these sizes; gives it and the group ids."""
    bus = build.make_bus(session)
    groups = []
    for size in sizes:
        family = build.make_family(session, adults=size)
        build.seat_group(session, bus, family)
        groups.append(family.group_id)
    return bus, groups


def questions(session: Session, movement: Movement) -> list[Confirmation]:
    return list(session.exec(select(Confirmation).where(Confirmation.movement_id == movement.movement_id)).all())


def test_every_party_of_the_journey_is_asked_once(session: Session, coordinator: Actor) -> None:
    bus, _ = bus_with(session, 2)
    made = confirmation.request_confirmations(session, coordinator, movement_id=bus.movement_id)
    assert [(row.party_kind, row.party_id) for row in made if row.person_id is None] == [
        (PartyKind.BORDER_POST, "MX-GT-TAL-A"),
        (PartyKind.BORDER_POST, "MX-GT-TAL-B"),
        (PartyKind.BORDER_POST, "GT-HN-COR-A"),
        (PartyKind.BORDER_POST, "GT-HN-COR-B"),
        (PartyKind.TRANSIT_STATE, "GT"),
        (PartyKind.RECEPTION, "HN-CAMR-OMOA"),
        (PartyKind.CARRIER, build.OPERATOR),
    ]
    assert len([row for row in made if row.party_kind is PartyKind.CONSULATE]) == 2
    assert confirmation.request_confirmations(session, coordinator, movement_id=bus.movement_id) == []


def test_the_last_yes_confirms_and_one_missing_does_not(session: Session, coordinator: Actor) -> None:
    bus, _ = bus_with(session, 1)
    rows = confirmation.request_confirmations(session, coordinator, movement_id=bus.movement_id)
    for row in rows[:-1]:
        confirmation.confirm(
            session, coordinator, confirmation_id=row.confirmation_id, answered_by="Inventada", way="phone"
        )
    assert build.status_of(session, bus.movement_id) is MovementStatus.ACCEPTED
    confirmation.confirm(
        session, coordinator, confirmation_id=rows[-1].confirmation_id, answered_by="Inventada", way="phone"
    )
    assert build.status_of(session, bus.movement_id) is MovementStatus.CONFIRMED
    assert questions(session, bus)[0].recorded_by == coordinator.user_id


def test_a_family_added_after_asking_keeps_the_movement_unconfirmed(session: Session, coordinator: Actor) -> None:
    bus, _ = bus_with(session, 1)
    rows = confirmation.request_confirmations(session, coordinator, movement_id=bus.movement_id)
    build.seat_group(session, bus, build.make_family(session, adults=1))
    for row in rows:
        confirmation.confirm(session, coordinator, confirmation_id=row.confirmation_id, answered_by="I", way="phone")
    assert build.status_of(session, bus.movement_id) is MovementStatus.ACCEPTED
    build.confirm_all(session, coordinator, bus.movement_id)
    assert build.status_of(session, bus.movement_id) is MovementStatus.CONFIRMED


def test_who_leaves_takes_the_missing_answer_along(session: Session, coordinator: Actor) -> None:
    bus, groups = bus_with(session, 1, 1)
    rows = confirmation.request_confirmations(session, coordinator, movement_id=bus.movement_id)
    leaver = build.members(session, groups[1])[0]
    for row in rows:
        if row.person_id != leaver.person_id:
            confirmation.confirm(
                session, coordinator, confirmation_id=row.confirmation_id, answered_by="I", way="phone"
            )
    changes.withdraw(session, coordinator, person_id=leaver.person_id)
    assert build.status_of(session, bus.movement_id) is MovementStatus.CONFIRMED


def test_a_phone_answer_names_who_gave_it_and_a_deadline_lies_ahead(session: Session, coordinator: Actor) -> None:
    bus, _ = bus_with(session, 1)
    with pytest.raises(InputError, match="later time"):
        confirmation.request_confirmations(session, coordinator, movement_id=bus.movement_id, due_at=NOW)
    row = confirmation.request_confirmations(session, coordinator, movement_id=bus.movement_id)[0]
    with pytest.raises(InputError, match="who answered"):
        confirmation.confirm(session, coordinator, confirmation_id=row.confirmation_id, answered_by="  ")


def test_a_party_answers_its_own_questions_only(
    session: Session, coordinator: Actor, border_post: Actor, reception: Actor, consulate_gt: Actor, consulate_hn: Actor
) -> None:
    bus, _ = bus_with(session, 1)
    rows = confirmation.request_confirmations(session, coordinator, movement_id=bus.movement_id)
    by_party = {(row.party_kind, row.party_id): row.confirmation_id for row in rows}
    at_corinto = by_party[PartyKind.BORDER_POST, "GT-HN-COR-B"]
    for stranger in (reception, consulate_gt, consulate_hn):
        with pytest.raises(NotAllowed):
            confirmation.confirm(session, stranger, confirmation_id=at_corinto)
    with pytest.raises(NotAllowed):
        confirmation.confirm(session, border_post, confirmation_id=by_party[PartyKind.BORDER_POST, "GT-HN-COR-A"])
    with pytest.raises(NotAllowed):
        confirmation.confirm(session, consulate_gt, confirmation_id=by_party[PartyKind.CONSULATE, "HN"])
    with pytest.raises(NotAllowed):
        confirmation.confirm(session, border_post, confirmation_id="Q-NOTHERE000")
    assert confirmation.confirm(session, border_post, confirmation_id=at_corinto).answer is Answer.CONFIRMED


def test_a_posts_no_stops_the_movement_and_a_consulates_no_takes_one_family_off(
    session: Session, coordinator: Actor, border_post: Actor, consulate_hn: Actor
) -> None:
    bus, groups = bus_with(session, 2, 1)
    rows = confirmation.request_confirmations(session, coordinator, movement_id=bus.movement_id)
    member = build.members(session, groups[0])[0].person_id
    about = next(row for row in rows if row.person_id == member)
    effect = changes.decline(
        session, consulate_hn, confirmation_id=about.confirmation_id, reason=AnswerReason.NOT_OUR_NATIONAL
    )
    assert [change.group_id for change in effect.groups] == [groups[0]]
    assert len(build.aboard(session, bus.movement_id)) == 1
    at_post = next(row for row in rows if row.party_id == "GT-HN-COR-B")
    effect = changes.decline(
        session, border_post, confirmation_id=at_post.confirmation_id, reason=AnswerReason.CLOSED_THAT_DAY
    )
    assert effect.cancelled == (bus.movement_id,)
    assert build.status_of(session, bus.movement_id) is MovementStatus.CANCELLED
    assert confirmation.party_questions(session, border_post) == []


def test_a_family_that_comes_back_is_asked_again_on_the_same_row(session: Session, coordinator: Actor) -> None:
    bus, groups = bus_with(session, 1, 1)
    build.confirm_all(session, coordinator, bus.movement_id)
    ill = build.members(session, groups[0])[0]
    changes.record_unfit(session, coordinator, person_ids=[ill.person_id], until=NOW.date() + timedelta(days=1))
    build.seat_group(session, bus, session.get_one(TravelGroup, groups[0]))
    confirmation.request_confirmations(session, coordinator, movement_id=bus.movement_id)
    mine = [row for row in questions(session, bus) if row.person_id == ill.person_id]
    assert [(row.cancelled_at, row.answer) for row in mine] == [(None, Answer.CONFIRMED)]


# ---- consulates -----------------------------------------------------------------------------------------------


def test_people_who_did_not_agree_or_ever_had_a_hold_are_never_on_a_consulates_list(
    session: Session, coordinator: Actor, consulate_hn: Actor
) -> None:
    bus, groups = bus_with(session, 3)
    agreed, silent, held = build.members(session, groups[0])
    for person in (silent,):
        row = session.exec(
            select(Consent).where(
                Consent.person_id == person.person_id, Consent.purpose == ConsentPurpose.CONSULAR_CONTACT
            )
        ).one()
        row.withdrawn_at = NOW - timedelta(days=1)
        session.add(row)
    past = Hold(
        person_id=held.person_id, kind=HoldKind.FEAR, raised_by="U-1", raised_at=NOW - timedelta(days=4),
        lift_proposed_by="U-2", lifted_by="U-3", lifted_at=NOW - timedelta(days=3), lift_decision="Resolución",
    )  # fmt: skip
    session.add(past)
    session.flush()
    for person in (agreed, silent, held):
        if person.person_id not in build.aboard(session, bus.movement_id):
            build.seat_person(session, bus, person)
    confirmation.request_confirmations(session, coordinator, movement_id=bus.movement_id)
    shown = consulate.rows(session, consulate_hn)
    assert [row.name for row in shown] == [f"{agreed.given_names} {agreed.family_names}"]


def test_refusing_consular_contact_does_not_stop_a_return(
    session: Session, coordinator: Actor, coordinator_2: Actor, consulate_hn: Actor
) -> None:
    bus, groups = bus_with(session, 1)
    person = build.members(session, groups[0])[0]
    changes.withdraw(session, coordinator, person_id=person.person_id, purpose=ConsentPurpose.CONSULAR_CONTACT)
    released = build.release(session, coordinator, coordinator_2, bus.movement_id)
    assert released.status is MovementStatus.RELEASED
    assert consulate.rows(session, consulate_hn) == []
    copies = session.exec(
        select(ManifestCopy).where(
            ManifestCopy.movement_id == bus.movement_id, ManifestCopy.recipient_kind == PartyKind.CONSULATE
        )
    ).all()
    assert copies == []


def test_a_consulate_sees_no_totals_no_crew_and_only_its_columns(
    session: Session, coordinator: Actor, coordinator_2: Actor, consulate_hn: Actor, frozen_clock: Clock
) -> None:
    bus, _ = bus_with(session, 2)
    build.release(session, coordinator, coordinator_2, bus.movement_id)
    frozen_clock(FIRST_BATCH)
    party = Party(kind=PartyKind.CONSULATE, party_id="HN")
    copy = manifest.copy_for(session, consulate_hn, movement_id=bus.movement_id, party=party)
    printed = manifest.manifest_from_bytes(copy.canonical)
    assert (printed.counts, tuple(printed.crew), tuple(printed.posts)) == ({}, (), ())
    assert set(printed.columns) == set(copies.WHITELIST[PartyKind.CONSULATE])
    assert all(set(row) == set(printed.columns) for row in printed.rows)
    assert "total" not in copy.canonical.decode()


def test_a_row_vanishes_at_the_batch_only_and_as_not_travelling(
    session: Session, coordinator: Actor, consulate_hn: Actor, frozen_clock: Clock
) -> None:
    bus, groups = bus_with(session, 1, 1)
    confirmation.request_confirmations(session, coordinator, movement_id=bus.movement_id)
    before = consulate.rows(session, consulate_hn)
    leaver = build.members(session, groups[0])[0]
    changes.withdraw(session, coordinator, person_id=leaver.person_id)
    assert consulate.rows(session, consulate_hn) == before
    # The next batch after 15:00 UTC is at 19:00.
    frozen_clock(datetime(2027, 3, 1, 18, 59, 59, tzinfo=UTC))
    assert consulate.rows(session, consulate_hn) == before
    frozen_clock(datetime(2027, 3, 1, 19, 0, tzinfo=UTC))
    after = {row.name: row.is_not_travelling for row in consulate.rows(session, consulate_hn)}
    assert after[f"{leaver.given_names} {leaver.family_names}"] is True
    assert list(after.values()).count(True) == 1


def test_an_answer_before_the_batch_looks_the_same_whether_the_person_still_travels(
    session: Session, coordinator: Actor, consulate_hn: Actor
) -> None:
    bus, groups = bus_with(session, 1, 1)
    rows = confirmation.request_confirmations(session, coordinator, movement_id=bus.movement_id)
    gone, stays = (build.members(session, group)[0].person_id for group in groups)
    changes.raise_hold(session, coordinator, person_id=gone, kind=HoldKind.ASYLUM)
    for person_id in (gone, stays):
        row = next(row for row in rows if row.person_id == person_id)
        changes.decline(session, consulate_hn, confirmation_id=row.confirmation_id, reason=AnswerReason.NEEDS_INTERVIEW)
    shown = {row.answer for row in consulate.rows(session, consulate_hn)}
    assert shown == {Answer.DECLINED}
    assert not any(row.is_not_travelling for row in consulate.rows(session, consulate_hn))


def test_a_consulate_hears_of_a_new_list_only_if_its_own_paper_changed(
    session: Session, coordinator: Actor, coordinator_2: Actor
) -> None:
    bus, _ = bus_with(session, 1, 1)
    silent = build.make_family(session, adults=1)
    build.seat_group(session, bus, silent)
    person = build.members(session, silent.group_id)[0]
    changes.withdraw(session, coordinator, person_id=person.person_id, purpose=ConsentPurpose.CONSULAR_CONTACT)
    build.release(session, coordinator, coordinator_2, bus.movement_id)
    for notice in session.exec(select(Notice)).all():
        notice.seen_at = NOW
        session.add(notice)
    session.flush()
    # Somebody leaves whom the consulate never knew of: it must not hear that anything happened.
    changes.withdraw(session, coordinator, person_id=person.person_id)
    told = session.exec(
        select(Notice.recipient_kind).where(col(Notice.seen_at).is_(None), Notice.code == "manifest.issued")
    ).all()
    assert PartyKind.BORDER_POST.value in told
    assert PartyKind.CONSULATE.value not in told


def test_numbers_rise_per_batch_and_the_seal_answers_with_it(
    session: Session, coordinator: Actor, coordinator_2: Actor, consulate_hn: Actor, frozen_clock: Clock
) -> None:
    bus, groups = bus_with(session, 1, 1, 1)
    build.release(session, coordinator, coordinator_2, bus.movement_id)
    party = Party(kind=PartyKind.CONSULATE, party_id="HN")
    with pytest.raises(NotAllowed):
        manifest.copy_for(session, consulate_hn, movement_id=bus.movement_id, party=party)
    frozen_clock(FIRST_BATCH)
    first = manifest.copy_for(session, consulate_hn, movement_id=bus.movement_id, party=party)
    for group in groups[:2]:
        changes.withdraw(session, coordinator, person_id=build.members(session, group)[0].person_id)
    assert manifest.copy_for(session, consulate_hn, movement_id=bus.movement_id, party=party).copy_id == first.copy_id
    assert not manifest.is_superseded(session, manifest.seal_of(first))
    frozen_clock(datetime(2027, 3, 2, 0, 0, tzinfo=UTC))
    second = manifest.copy_for(session, consulate_hn, movement_id=bus.movement_id, party=party)
    # Two removals, three versions of the movement's list, one step of this paper's number.
    assert (first.number, second.number, second.supersedes) == (1, 2, 1)
    assert len(manifest.manifest_from_bytes(second.canonical).rows) == 1
    assert manifest.is_superseded(session, manifest.seal_of(first))


def test_a_void_list_is_told_to_a_consulate_at_its_batch_and_to_a_post_at_once(
    session: Session, coordinator: Actor, coordinator_2: Actor, consulate_hn: Actor, border_post: Actor,
    frozen_clock: Clock,
) -> None:  # fmt: skip
    bus, _ = bus_with(session, 1)
    build.release(session, coordinator, coordinator_2, bus.movement_id)
    at_the_door = datetime(2027, 3, 7, 15, 0, tzinfo=UTC)
    frozen_clock(at_the_door)
    changes.cancel_movement(session, coordinator, movement_id=bus.movement_id)
    party = Party(kind=PartyKind.CONSULATE, party_id="HN")
    manifest.copy_for(session, consulate_hn, movement_id=bus.movement_id, party=party)
    post = Party(kind=PartyKind.BORDER_POST, party_id="GT-HN-COR-B")
    with pytest.raises((Stale, NotAllowed)):
        manifest.copy_for(session, border_post, movement_id=bus.movement_id, party=post)
    frozen_clock(datetime(2027, 3, 7, 19, 0, tzinfo=UTC))
    with pytest.raises(Stale):
        manifest.copy_for(session, consulate_hn, movement_id=bus.movement_id, party=party)


def test_withdrawn_ill_and_held_look_the_same_to_the_byte(
    office: builders.OfficeFixture, coordinator: Actor, coordinator_2: Actor,
    consulate_hn: Actor, border_post: Actor, frozen_clock: Clock, session: Session,
) -> None:  # fmt: skip
    """Three families alike leave three coaches alike, each for another cause; nothing shown tells which."""
    causes = ("withdrawn", "ill", "hold")
    buses = {}
    for cause in causes:
        bus = build.make_bus(session)
        stays, leaves = build.make_family(session, adults=1), build.make_family(session, adults=1)
        for family in (stays, leaves):
            build.seat_group(session, bus, family)
        build.release(session, coordinator, coordinator_2, bus.movement_id)
        buses[cause] = (bus, build.members(session, leaves.group_id)[0])
    changes.withdraw(session, coordinator, person_id=buses["withdrawn"][1].person_id)
    changes.record_unfit(
        session, coordinator, person_ids=[buses["ill"][1].person_id], until=NOW.date() + timedelta(days=30)
    )
    changes.raise_hold(session, coordinator, person_id=buses["hold"][1].person_id, kind=HoldKind.TRAFFICKING)
    frozen_clock(datetime(2027, 3, 5, 15, 0, tzinfo=UTC))
    seen = {}
    for cause in causes:
        bus, leaver = buses[cause]
        party = Party(kind=PartyKind.CONSULATE, party_id="HN")
        copies = [
            manifest.copy_for(session, actor, movement_id=bus.movement_id, party=each)
            for actor, each in (
                (consulate_hn, party),
                (border_post, Party(kind=PartyKind.BORDER_POST, party_id="GT-HN-COR-B")),
            )
        ]
        rows = [
            (row.is_not_travelling, row.answer, row.place_id, row.on, row.due_at, row.is_open, row.may_change)
            for row in consulate.rows(session, consulate_hn)
            if row.name == f"{leaver.given_names} {leaver.family_names}"
        ]
        names = [person.given_names for person in session.exec(select(Person)).all()]
        texts = []
        for copy in copies:
            printed = manifest.manifest_from_bytes(copy.canonical)
            # What differs between any two coaches: reference, plate, people.
            texts.append(
                (copy.number, copy.supersedes, copy.version, len(printed.rows), printed.counts, printed.issued_at,
                 printed.notice, printed.columns, [sorted(row) for row in printed.rows])
            )  # fmt: skip
        assert all(name for name in names)
        told = sorted(
            (notice.recipient_kind, notice.code, notice.visible_from)
            for notice in session.exec(select(Notice).where(Notice.object_id == bus.movement_id)).all()
        )
        seen[cause] = (texts, rows, told)
    assert seen["withdrawn"] == seen["ill"] == seen["hold"]
    assert seen["hold"][1][0][0] is True
