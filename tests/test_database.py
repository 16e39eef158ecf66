"""What the database itself refuses, on SQLite and PostgreSQL: every trigger and constraint, legal and illegal."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlmodel import Session, col, select

from retorno.__main__ import main
from retorno.database import Database
from retorno.errors import InputError
from retorno.models.movements import (
    ManifestCopy,
    ManifestVersion,
    Movement,
    MovementCrossing,
    MovementSegment,
    Seat,
)
from retorno.models.office import RoleGrant
from retorno.models.people import Consent, DuplicateDecision, Person
from retorno.models.protection import BestInterestDecision, Hold
from retorno.models.triggers import NEVER_TRUNCATED
from retorno.office import audit
from retorno.office.access import Actor, System
from retorno.vocabulary import (
    BestInterestOutcome,
    ConsentPurpose,
    HoldKind,
    ManifestStatus,
    MovementStatus,
    PartyKind,
    PersonStatus,
    Relation,
    Role,
    SeatStatus,
)
from tests import builders
from tests import planning_builders as build
from tests.builders import NOW


def refused(session: Session, act: Callable[[], Any], message: str) -> None:
    """The act fails in the database with these words, and leaves nothing behind."""
    savepoint = session.begin_nested()
    with pytest.raises(DBAPIError) as caught:
        _flushed(session, act)
    savepoint.rollback()
    session.expire_all()
    assert message in str(caught.value)


def _flushed(session: Session, act: Callable[[], Any]) -> None:
    act()
    session.flush()


def segment_of(session: Session, movement: Movement) -> MovementSegment:
    return session.get_one(MovementSegment, (movement.movement_id, 0), populate_existing=True)


# ---- seats: who may have one ----------------------------------------------------------------------------------


def test_a_seat_of_a_person_with_consent_is_counted(session: Session) -> None:
    bus = build.make_bus(session)
    build.seat_person(session, bus, builders.make_person(session))
    assert segment_of(session, bus).taken == 1


@pytest.mark.parametrize(
    ("broken", "words"),
    [
        ({"is_own_act": False}, "no consent in force"),
        ({"destination_country": "GT"}, "no consent in force"),
        ({"expires_on": date(2027, 3, 7)}, "no consent in force"),
        ({"purpose": ConsentPurpose.CONSULAR_CONTACT}, "no consent in force"),
        ({"counselled_at": NOW - timedelta(days=4)}, "no consent in force"),
        ({"withdrawn_at": NOW - timedelta(days=1)}, "no consent in force"),
    ],
)
def test_no_seat_without_a_consent_in_force(session: Session, broken: dict[str, Any], words: str) -> None:
    bus = build.make_bus(session)
    person = builders.make_person(session, ready=False)
    consent = builders.make_consent(session, person, **broken)
    refused(session, lambda: build.seat_person(session, bus, person, consent_id=consent.consent_id), words)


def test_a_consent_that_ends_on_the_day_of_departure_is_enough(session: Session) -> None:
    bus = build.make_bus(session)
    person = builders.make_person(session, ready=False)
    builders.make_consent(session, person, expires_on=build.LAND_DAY)
    build.seat_person(session, bus, person)
    assert segment_of(session, bus).taken == 1


def test_no_seat_on_the_consent_of_somebody_else(session: Session) -> None:
    bus = build.make_bus(session)
    group = builders.make_group(session)
    one, other = builders.make_person(session, group), builders.make_person(session, group)
    theirs = build.consent_of(session, other.person_id).consent_id
    refused(session, lambda: build.seat_person(session, bus, one, consent_id=theirs), "no consent in force")


@pytest.mark.parametrize(("birth_date", "is_seated"), [(date(2015, 3, 9), True), (date(2015, 3, 8), False)])
def test_a_caregivers_consent_is_enough_below_twelve_on_the_day_of_travel(
    session: Session, birth_date: date, is_seated: bool
) -> None:
    # On 8 March 2027 the first is eleven, the second turns twelve that day.
    bus = build.make_bus(session)
    child = builders.make_person(session, ready=False, birth_date=birth_date, relation=Relation.CHILD)
    builders.make_consent(session, child, is_own_act=False)
    if is_seated:
        build.seat_person(session, bus, child)
        assert build.aboard(session, bus.movement_id) == {child.person_id}
    else:
        refused(session, lambda: build.seat_person(session, bus, child), "no consent in force")


def test_no_seat_under_an_open_hold_and_a_seat_again_when_it_is_lifted(session: Session) -> None:
    bus = build.make_bus(session)
    person = builders.make_person(session)
    held = Hold(person_id=person.person_id, kind=HoldKind.ASYLUM, raised_by="U-1", raised_at=NOW)
    session.add(held)
    session.flush()
    refused(session, lambda: build.seat_person(session, bus, person), "not available")
    held.lift_proposed_by, held.lifted_by, held.lifted_at, held.lift_decision = "U-2", "U-3", NOW, "Resolución"
    session.add(held)
    session.flush()
    build.seat_person(session, bus, person)
    assert segment_of(session, bus).taken == 1


@pytest.mark.parametrize("status", [PersonStatus.WITHDRAWN, PersonStatus.RETURNED, PersonStatus.CLOSED])
def test_no_seat_for_a_person_who_is_not_active(session: Session, status: PersonStatus) -> None:
    bus = build.make_bus(session)
    person = builders.make_person(session, status=status)
    refused(session, lambda: build.seat_person(session, bus, person), "not active")


def test_no_seat_under_the_name_of_another_group(session: Session) -> None:
    bus = build.make_bus(session)
    person, other = builders.make_person(session), builders.make_group(session)
    refused(
        session, lambda: build.seat_person(session, bus, person, group_id=other.group_id), "person is not of this group"
    )


def test_a_seat_is_for_a_person_or_an_escort_never_both_never_none(session: Session) -> None:
    bus = build.make_bus(session)
    person, escort = builders.make_person(session), build.make_escort(session)
    refused(session, lambda: build.seat_person(session, bus, person, escort_id=escort.escort_id), "one_occupant")
    common = {"board": 0, "alight": 1, "depart_at": bus.depart_at, "arrive_at": bus.arrive_at}
    refused(session, lambda: session.add(Seat(movement_id=bus.movement_id, **common)), "one_occupant")


def test_a_persons_seat_names_a_consent_and_a_group(session: Session) -> None:
    bus = build.make_bus(session)
    person = builders.make_person(session)
    refused(session, lambda: build.seat_person(session, bus, person, consent_id=None), "consent")


def test_boarding_comes_before_alighting(session: Session) -> None:
    bus = build.make_bus(session)
    person = builders.make_person(session)
    refused(session, lambda: build.seat_person(session, bus, person, board=1, alight=1), "ck_seat_order")


# ---- seats: how many, and where at the same time --------------------------------------------------------------


def test_the_last_seat_is_taken_and_one_more_is_refused(session: Session) -> None:
    flight = build.make_flight(session, capacity=3)
    for _ in range(3):
        build.seat_person(session, flight, builders.make_person(session))
    assert segment_of(session, flight).taken == 3
    refused(session, lambda: build.seat_person(session, flight, builders.make_person(session)), "segment_seats")
    refused(
        session,
        lambda: build.seat_escort(session, flight, build.make_escort(session), builders.make_group(session).group_id),
        "segment_seats",
    )


def test_wheelchair_places_are_counted_apart(session: Session) -> None:
    coach = build.make_vehicle(session, wheelchairs=1)
    bus = build.make_bus(session, vehicle=coach)
    build.seat_person(session, bus, builders.make_person(session), is_wheelchair=True)
    assert segment_of(session, bus).wheelchairs_taken == 1
    refused(
        session,
        lambda: build.seat_person(session, bus, builders.make_person(session), is_wheelchair=True),
        "wheelchairs",
    )


def test_a_freed_seat_gives_back_its_place_once_and_is_never_taken_again(session: Session) -> None:
    bus = build.make_bus(session)
    seat = build.seat_person(session, bus, builders.make_person(session))
    seat.status, seat.freed_at = SeatStatus.FREED, NOW
    session.add(seat)
    session.flush()
    seat.freed_at = NOW + timedelta(minutes=1)
    session.add(seat)
    session.flush()
    assert segment_of(session, bus).taken == 0

    def take_again() -> None:
        seat.status = SeatStatus.ACTIVE
        session.add(seat)

    refused(session, take_again, "not taken again")


def test_a_seat_written_as_freed_takes_no_place(session: Session) -> None:
    bus = build.make_bus(session)
    build.seat_person(session, bus, builders.make_person(session), status=SeatStatus.FREED, freed_at=NOW)
    assert segment_of(session, bus).taken == 0


def test_seats_count_on_the_segments_ridden_only(session: Session) -> None:
    bus = build.make_bus(session)
    noon = bus.depart_at + timedelta(hours=4)
    first = segment_of(session, bus)
    first.arrive_at = noon
    session.add(first)
    session.add(
        MovementSegment(
            movement_id=bus.movement_id, segment=1, from_place_id="GT-CIUDAD-DE-GUATEMALA",
            to_place_id="HN-CAMR-OMOA", depart_at=noon, arrive_at=bus.arrive_at, capacity=40,
        )
    )  # fmt: skip
    session.flush()
    build.seat_person(session, bus, builders.make_person(session), board=1, alight=2, depart_at=noon)
    loads = session.exec(
        select(MovementSegment.taken)
        .where(MovementSegment.movement_id == bus.movement_id)
        .order_by(col(MovementSegment.segment))
    ).all()
    assert loads == [0, 1]


def test_nobody_has_two_seats_at_the_same_time(session: Session) -> None:
    person = builders.make_person(session)
    bus = build.make_bus(session)
    build.seat_person(session, bus, person)
    second = build.make_bus(session, depart_at=bus.arrive_at - timedelta(minutes=1))
    refused(session, lambda: build.seat_person(session, second, person), "twice at the same time")
    after = build.make_bus(session, depart_at=bus.arrive_at)
    build.seat_person(session, after, person)
    assert build.aboard(session, after.movement_id) == {person.person_id}


def test_an_escort_has_one_seat_at_a_time_and_a_second_after_the_first_is_freed(session: Session) -> None:
    escort, group = build.make_escort(session), builders.make_group(session)
    one, two = build.make_bus(session), build.make_bus(session)
    seat = build.seat_escort(session, one, escort, group.group_id)
    refused(session, lambda: build.seat_escort(session, two, escort, group.group_id), "twice at the same time")
    seat.status, seat.freed_at = SeatStatus.FREED, NOW
    session.add(seat)
    session.flush()
    build.seat_escort(session, two, escort, group.group_id)
    assert (segment_of(session, one).taken, segment_of(session, two).taken) == (0, 1)


def test_who_where_and_when_of_a_seat_cannot_be_changed(session: Session) -> None:
    bus = build.make_bus(session)
    seat = build.seat_person(session, bus, builders.make_person(session))
    for name, value in (
        ("depart_at", bus.depart_at + timedelta(days=40)),
        ("arrive_at", bus.arrive_at + timedelta(days=40)),
        ("alight", 2),
        ("is_wheelchair", True),
        ("person_id", builders.make_person(session).person_id),
        ("movement_id", build.make_bus(session).movement_id),
    ):

        def change(name: str = name, value: Any = value) -> None:
            setattr(seat, name, value)
            session.add(seat)

        refused(session, change, "cannot be changed")


def test_rows_of_record_are_never_deleted(
    session: Session, coordinator: Actor, coordinator_2: Actor, tmp_path: Any
) -> None:
    build.use_keys(tmp_path)
    bus = build.make_bus(session)
    person = builders.make_person(session)
    build.seat_person(session, bus, person)
    build.confirm_all(session, coordinator, bus.movement_id)
    build.issue(session, coordinator, coordinator_2, bus.movement_id)
    other = builders.make_person(session)
    session.add(Hold(person_id=other.person_id, kind=HoldKind.FEAR, raised_by="U-1", raised_at=NOW))
    session.flush()
    hold_table = "hold" if session.get_bind().dialect.name == "sqlite" else "protection.hold"
    for table in ("seat", "manifest_version", "manifest_copy", "audit_entry", "consent", hold_table):
        refused(session, lambda table=table: session.execute(text(f"DELETE FROM {table}")), "never deleted")


# ---- withdrawals, holds, history ------------------------------------------------------------------------------


def test_a_withdrawn_consent_frees_every_seat_to_come_and_leaves_those_travelled(session: Session) -> None:
    person = builders.make_person(session)
    past = build.make_flight(
        session,
        offer=build.make_offer(session, depart_at=NOW - timedelta(hours=5), arrive_at=NOW - timedelta(hours=3)),
    )
    under_way = build.make_flight(
        session,
        offer=build.make_offer(session, depart_at=NOW - timedelta(hours=1), arrive_at=NOW + timedelta(hours=1)),
    )
    bus = build.make_bus(session)
    for movement in (past, under_way, bus):
        build.seat_person(session, movement, person)
    consent = build.consent_of(session, person.person_id)
    consent.withdrawn_at = NOW
    session.add(consent)
    session.flush()
    assert [segment_of(session, movement).taken for movement in (past, under_way, bus)] == [1, 0, 0]


def test_withdrawing_another_consent_frees_no_seat(session: Session) -> None:
    bus = build.make_bus(session)
    person = builders.make_person(session)
    build.seat_person(session, bus, person)
    consular = session.exec(select(Consent).where(Consent.purpose == ConsentPurpose.CONSULAR_CONTACT)).one()
    consular.withdrawn_at = NOW
    session.add(consular)
    session.flush()
    assert segment_of(session, bus).taken == 1


@pytest.mark.parametrize("kind", list(HoldKind))
def test_a_hold_of_any_kind_frees_the_seats_in_the_same_statement(session: Session, kind: HoldKind) -> None:
    bus = build.make_bus(session)
    person = builders.make_person(session)
    build.seat_person(session, bus, person)
    session.add(Hold(person_id=person.person_id, kind=kind, raised_by="U-1", raised_at=NOW))
    session.flush()
    assert segment_of(session, bus).taken == 0
    assert build.aboard(session, bus.movement_id) == set()


def test_a_person_becomes_withdrawn_only_after_the_consent_is(session: Session) -> None:
    person = builders.make_person(session)

    def withdraw_only_the_person() -> None:
        person.status = PersonStatus.WITHDRAWN
        session.add(person)

    refused(session, withdraw_only_the_person, "withdraw the consent first")
    consent = build.consent_of(session, person.person_id)
    consent.withdrawn_at = NOW
    session.add(consent)
    session.flush()
    withdraw_only_the_person()
    session.flush()
    assert session.get_one(Person, person.person_id, populate_existing=True).status is PersonStatus.WITHDRAWN


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("text_version", "2030-01"),
        ("is_own_act", False),
        ("destination_country", "SV"),
        ("given_at", NOW),
        ("counselled_by", "U-9"),
        ("witness", "U-9"),
        ("is_reflection_waived", True),
        ("expires_on", date(2030, 1, 1)),
    ],
)
def test_a_consent_is_never_changed(session: Session, name: str, value: Any) -> None:
    consent = build.consent_of(session, builders.make_person(session).person_id)

    def change() -> None:
        setattr(consent, name, value)
        session.add(consent)

    refused(session, change, "a consent is not changed")


def test_a_withdrawal_stands(session: Session) -> None:
    consent = build.consent_of(session, builders.make_person(session).person_id)
    consent.withdrawn_at = NOW
    session.add(consent)
    session.flush()

    def take_back() -> None:
        consent.withdrawn_at = None
        session.add(consent)

    refused(session, take_back, "a withdrawal stands")


def test_a_hold_is_lifted_by_two_different_people_with_a_decision_and_stays_lifted(session: Session) -> None:
    person = builders.make_person(session)
    held = Hold(person_id=person.person_id, kind=HoldKind.COURT, raised_by="U-1", raised_at=NOW)
    session.add(held)
    session.flush()

    def lift(first: str | None, second: str | None, decision: str) -> None:
        held.lift_proposed_by, held.lifted_by, held.lifted_at, held.lift_decision = first, second, NOW, decision
        session.add(held)

    for first, second, decision in (("U-2", "U-2", "d"), (None, "U-2", "d"), ("U-2", None, "d"), ("U-2", "U-3", "")):
        refused(session, lambda f=first, s=second, d=decision: lift(f, s, d), "lifted_by_two")
    lift("U-2", "U-3", "Resolución")
    session.flush()

    def open_again() -> None:
        held.lifted_at = None
        session.add(held)

    refused(session, open_again, "not raised again")

    def other_kind() -> None:
        held.kind = HoldKind.MEDICAL
        session.add(held)

    refused(session, other_kind, "what was raised is not changed")


# ---- movements ------------------------------------------------------------------------------------------------


def test_a_vehicle_is_in_one_place_at_a_time(session: Session) -> None:
    coach = build.make_vehicle(session)
    bus = build.make_bus(session, vehicle=coach)
    later = bus.arrive_at - timedelta(minutes=1)
    refused(session, lambda: build.make_bus(session, vehicle=coach, depart_at=later), "elsewhere at that time")
    build.make_bus(session, vehicle=coach, depart_at=bus.arrive_at)
    build.make_bus(session, vehicle=coach, status=MovementStatus.CANCELLED)
    count = len(session.exec(select(Movement).where(Movement.vehicle_id == coach.vehicle_id)).all())
    assert count == 3


def test_a_segment_arrives_after_it_departs(session: Session) -> None:
    bus = build.make_bus(session)
    backwards = MovementSegment(
        movement_id=bus.movement_id, segment=1, from_place_id="GT-FLORES", to_place_id="HN-CAMR-OMOA",
        depart_at=bus.arrive_at, arrive_at=bus.depart_at, capacity=40,
    )  # fmt: skip
    refused(session, lambda: session.add(backwards), "movement_segment_order")


def test_a_reference_belongs_to_one_movement(session: Session) -> None:
    build.make_bus(session, reference="MAAA-AAA")
    refused(session, lambda: build.make_bus(session, reference="MAAA-AAA"), "reference")


def test_references_between_rows_are_enforced(session: Session) -> None:
    nowhere = MovementCrossing(
        movement_id="M-NOTHERE000", sequence=0, segment=0, crossing_id="MX-GT-TAL", leave_post_id="A",
        enter_post_id="B", leave_country="MX", enter_country="GT", at=NOW,
    )  # fmt: skip
    refused(
        session, lambda: session.add(nowhere), "FOREIGN KEY" if session.get_bind().dialect.name == "sqlite" else "fk_"
    )


# ---- manifests ------------------------------------------------------------------------------------------------


def version_row(movement: Movement, **overrides: Any) -> ManifestVersion:
    values: dict[str, Any] = {
        "movement_id": movement.movement_id, "version": 1, "proposed_by": "U-1", "proposed_at": NOW,
        "signed_by": "U-2", "issued_at": NOW, "person_count": 1,
    }  # fmt: skip
    return ManifestVersion(**(values | overrides))


def test_a_version_takes_two_people_unless_it_only_loses_some(session: Session) -> None:
    bus = build.make_bus(session)
    refused(session, lambda: session.add(version_row(bus, signed_by=None)), "two_people")
    refused(session, lambda: session.add(version_row(bus, signed_by="U-1")), "two_people")
    session.add(version_row(bus, signed_by=None, is_removal_only=True))
    session.flush()


def test_exactly_one_version_is_current(session: Session) -> None:
    bus = build.make_bus(session)
    first = version_row(bus)
    session.add(first)
    session.flush()
    refused(session, lambda: session.add(version_row(bus, version=2)), "current" if _is_pg(session) else "UNIQUE")
    first.status, first.ended_at = ManifestStatus.SUPERSEDED, NOW
    session.add(first)
    session.flush()
    session.add(version_row(bus, version=2))
    session.flush()

    def back_again() -> None:
        first.status = ManifestStatus.CURRENT
        session.add(first)

    refused(session, back_again, "not current again")


def _is_pg(session: Session) -> bool:
    return session.get_bind().dialect.name == "postgresql"


def test_no_version_with_half_a_family(session: Session) -> None:
    bus = build.make_bus(session)
    group = build.make_family(session, adults=2, children=1)
    people = build.members(session, group.group_id)
    for person in people[:2]:
        build.seat_person(session, bus, person)
    refused(session, lambda: session.add(version_row(bus)), "a family is not whole")
    build.seat_person(session, bus, people[2])
    session.add(version_row(bus))
    session.flush()


def test_no_version_with_a_family_on_different_stretches(session: Session) -> None:
    bus = build.make_bus(session)
    group = build.make_family(session, adults=2)
    one, two = build.members(session, group.group_id)
    build.seat_person(session, bus, one)
    build.seat_person(session, bus, two, alight=2)
    refused(session, lambda: session.add(version_row(bus)), "a family is not whole")


def test_no_version_with_a_consent_that_expired_or_a_person_no_longer_active(session: Session) -> None:
    bus = build.make_bus(session)
    person = builders.make_person(session)
    build.seat_person(session, bus, person)
    person.status = PersonStatus.CLOSED
    session.add(person)
    session.flush()
    refused(session, lambda: session.add(version_row(bus)), "manifest: person is not active")


@pytest.mark.parametrize(
    ("name", "value"),
    [("person_count", 7), ("signed_by", "U-7"), ("verdict", "[]x"), ("issued_at", NOW + timedelta(1))],
)
def test_an_issued_version_is_not_changed(session: Session, name: str, value: Any) -> None:
    bus = build.make_bus(session)
    row = version_row(bus)
    session.add(row)
    session.flush()

    def change() -> None:
        setattr(row, name, value)
        session.add(row)

    refused(session, change, "an issued version is not changed")


@pytest.mark.parametrize(
    ("name", "value"), [("canonical", b"{}"), ("sha256", "f"), ("number", 9), ("recipient_id", "X")]
)
def test_a_copy_is_not_changed(session: Session, name: str, value: Any) -> None:
    bus = build.make_bus(session)
    session.add(version_row(bus))
    copy = ManifestCopy(
        movement_id=bus.movement_id, version=1, recipient_kind=PartyKind.RECEPTION, recipient_id="HN-CAMR-OMOA",
        number=1, canonical=b"{}x", sha256="0" * 64, signature="s", key_id="k", made_at=NOW, visible_from=NOW,
    )  # fmt: skip
    session.add(copy)
    session.flush()

    def change() -> None:
        setattr(copy, name, value)
        session.add(copy)

    refused(session, change, "a copy is not changed")


# ---- the log --------------------------------------------------------------------------------------------------


def test_the_log_takes_only_the_next_number_with_the_right_link(session: Session) -> None:
    actor = System()
    last = audit.append(session, actor, act="test", object_kind="x", object_id="1")
    for sequence, previous in ((last.sequence + 2, last.entry_hash), (last.sequence + 1, "0" * 64)):
        row = {
            "sequence": sequence, "at": NOW, "actor_id": "u", "role": "r", "act": "a", "object_kind": "k",
            "object_id": "o", "outcome": "done", "fields": "{}", "previous_hash": previous, "entry_hash": "e",
        }  # fmt: skip
        refused(session, lambda row=row: session.add(audit.AuditEntry(**row)), "sequence or chain broken")

    def tamper() -> None:
        last.act = "other"
        session.add(last)

    refused(session, tamper, "never changed")


def test_no_table_of_record_is_emptied_at_once(database: Database, office: builders.OfficeFixture) -> None:
    if database.is_sqlite:
        with database.engine.connect() as connection, pytest.raises(DBAPIError):
            connection.exec_driver_sql("TRUNCATE audit_entry")  # SQLite knows no such statement
        return
    for table in NEVER_TRUNCATED:
        with database.engine.connect() as connection, pytest.raises(DBAPIError, match="never deleted"):
            connection.exec_driver_sql(f"TRUNCATE {table} CASCADE")


# ---- two people for roles and clearances ----------------------------------------------------------------------


def test_a_role_is_granted_and_approved_by_two(session: Session, office: builders.OfficeFixture) -> None:
    grant = RoleGrant(
        user_id=office.user_ids["reception"], role=Role.RECEPTION, scope="HN-CAMR-SPS", granted_by="U-1",
        granted_at=NOW, approved_by="U-1", approved_at=NOW,
    )  # fmt: skip
    refused(session, lambda: session.add(grant), "by_two")


def test_a_childs_travel_is_cleared_by_two(session: Session) -> None:
    child = build.make_child_alone(session)
    row = BestInterestDecision(
        person_id=child.person_id, outcome=BestInterestOutcome.RETURN, decided_on=date(2027, 2, 20),
        valid_until=date(2027, 5, 20), body="x", recorded_by="U-1", recorded_at=NOW,
        cleared_by="U-1", cleared_by_second="U-1", cleared_at=NOW,
    )  # fmt: skip
    refused(session, lambda: session.add(row), "cleared_by_two")


def test_a_person_has_a_name_and_an_age_and_duplicates_are_decided_in_one_order(session: Session) -> None:
    refused(session, lambda: builders.make_person(session, birth_date=None), "age_known")
    refused(session, lambda: builders.make_person(session, given_names=""), "named")
    one, two = sorted(builders.make_person(session).person_id for _ in range(2))
    backwards = DuplicateDecision(
        first_person_id=two, second_person_id=one, is_same=True, decided_by="U-1", decided_at=NOW
    )
    refused(session, lambda: session.add(backwards), "ordered")


# ---- several at once ------------------------------------------------------------------------------------------


def in_threads(acts: list[Callable[[], None]]) -> list[BaseException | None]:
    """Run acts at the same moment; what each raised, in order."""
    outcomes: list[BaseException | None] = [None] * len(acts)
    gate = threading.Barrier(len(acts))

    def run(number: int) -> None:
        gate.wait()
        try:
            acts[number]()
        except Exception as error:
            outcomes[number] = error

    threads = [threading.Thread(target=run, args=(number,)) for number in range(len(acts))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    return outcomes


def test_seats_never_exceed_capacity_when_many_book_at_once(database: Database, office: builders.OfficeFixture) -> None:
    with database.transaction() as session:
        flight = build.make_flight(session, capacity=3)
        people = [builders.make_person(session).person_id for _ in range(8)]

    def book(person_id: str) -> Callable[[], None]:
        def act() -> None:
            with database.transaction() as session:
                movement = session.get_one(Movement, flight.movement_id)
                build.seat_person(session, movement, session.get_one(Person, person_id))

        return act

    outcomes = in_threads([book(person_id) for person_id in people])
    assert [isinstance(outcome, IntegrityError) for outcome in outcomes].count(True) == 5
    assert outcomes.count(None) == 3
    with database.transaction() as session:
        assert segment_of(session, flight).taken == 3


def test_seats_never_exceed_capacity_without_the_writers_queue(
    database: Database, office: builders.OfficeFixture
) -> None:
    with database.transaction() as session:
        flight = build.make_flight(session, capacity=2)
        people = [builders.make_person(session).person_id for _ in range(5)]

    def book(person_id: str) -> Callable[[], None]:
        def act() -> None:
            # A connection of its own that takes no lock of ours: the constraint alone has to hold.
            with Session(database.engine, expire_on_commit=False) as session:
                movement = session.get_one(Movement, flight.movement_id)
                build.seat_person(session, movement, session.get_one(Person, person_id))
                session.commit()

        return act

    outcomes = in_threads([book(person_id) for person_id in people])
    assert outcomes.count(None) == 2
    with database.transaction() as session:
        assert segment_of(session, flight).taken == 2


def test_one_person_booked_twice_at_once_gets_one_seat(database: Database, office: builders.OfficeFixture) -> None:
    with database.transaction() as session:
        person_id = builders.make_person(session).person_id
        movement_ids = [build.make_bus(session).movement_id for _ in range(4)]

    def book(movement_id: str) -> Callable[[], None]:
        def act() -> None:
            with Session(database.engine, expire_on_commit=False) as session:
                movement = session.get_one(Movement, movement_id)
                build.seat_person(session, movement, session.get_one(Person, person_id))
                session.commit()

        return act

    outcomes = in_threads([book(movement_id) for movement_id in movement_ids])
    assert outcomes.count(None) == 1


def test_a_withdrawal_and_a_booking_at_once_leave_no_seat(database: Database, office: builders.OfficeFixture) -> None:
    with database.transaction() as session:
        bus_id = build.make_bus(session).movement_id
        people = [builders.make_person(session).person_id for _ in range(6)]
        consents = [build.consent_of(session, person_id).consent_id for person_id in people]

    def book(person_id: str) -> Callable[[], None]:
        def act() -> None:
            with database.transaction() as session:
                build.seat_person(session, session.get_one(Movement, bus_id), session.get_one(Person, person_id))

        return act

    def withdraw(consent_id: str) -> Callable[[], None]:
        def act() -> None:
            with database.transaction() as session:
                consent = session.get_one(Consent, consent_id)
                consent.withdrawn_at = NOW
                session.add(consent)

        return act

    acts = [book(person_id) for person_id in people] + [withdraw(consent_id) for consent_id in consents]
    outcomes = in_threads(acts)
    assert [outcome for outcome in outcomes[6:] if outcome is not None] == []
    with database.transaction() as session:
        assert build.aboard(session, bus_id) == set()
        movement = session.get_one(Movement, bus_id)
        assert segment_of(session, movement).taken == 0


# ---- the database as a whole ----------------------------------------------------------------------------------


def test_a_database_of_another_version_is_refused(database: Database) -> None:
    with database.transaction() as session:
        session.execute(text("UPDATE schema_version SET version = 99"))
    with pytest.raises(InputError, match=r"version 99, this program needs version \d+: open it with the program that"):
        database.create()


def test_every_command_that_opens_an_office_refuses_one_of_another_version_with_one_sentence(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with database.transaction() as session:
        session.execute(text("UPDATE schema_version SET version = 99"))
    monkeypatch.setenv("RETORNO_DATABASE", database.engine.url.render_as_string(hide_password=False))
    monkeypatch.setenv("RETORNO_KEY_FILE", str(tmp_path / "keys.json"))
    init = ["init", "--name", "Tapachula", "--country", "MX", "--place", "MX-TAPACHULA"]
    for words in (["serve"], ["worker"], init, ["verify-audit"]):
        assert main(words) == 2
        said = capsys.readouterr().err
        assert said.startswith(f"retorno {words[0]}: the database has tables of version 99")
        assert said.count("\n") == 1


def test_a_database_without_an_office_is_not_read(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="holds no office: name one"):
        Database(f"sqlite:///{tmp_path}/empty.db").check_version()


def test_another_kind_of_database_is_refused() -> None:
    with pytest.raises(InputError, match="mysql"):
        Database("mysql://localhost/retorno")


def test_what_fails_in_the_middle_leaves_nothing_behind(database: Database, office: builders.OfficeFixture) -> None:
    with pytest.raises(ZeroDivisionError), database.transaction() as session:
        builders.make_person(session).declared_age = 1 // 0
    with database.transaction() as session:
        assert session.exec(select(Person)).all() == []
