"""What an attacker, a crash or a hand-made edit tries: the act refuses with the rule, or nothing of it is kept."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlmodel import Session, select

from retorno import changes, clock, manifest
from retorno.confirmations.confirmation import Party
from retorno.database import Database
from retorno.errors import NotSaved, Refused, Stale
from retorno.manifest import copies
from retorno.models.movements import Closure, Movement, MovementCrossing, MovementSegment
from retorno.models.people import Person, TravelGroup
from retorno.models.protection import Hold
from retorno.movements.facts import movement_facts, view
from retorno.office import notices
from retorno.office.access import Actor
from retorno.plans.limits import Used
from retorno.plans.scope import Scope
from retorno.situation import situation
from retorno.under_way import arrival
from retorno.vocabulary import ClosureTarget, HoldKind, MovementStatus, PartyKind
from tests import builders
from tests import planning_builders as build
from tests.builders import NOW

BEDS = "GT-CAMIEX"
"""A place with beds on the way."""
Clock = Callable[[datetime], None]


@pytest.fixture(autouse=True)
def _keys(tmp_path: Path) -> None:
    build.use_keys(tmp_path)


@pytest.fixture
def bus(session: Session) -> Movement:
    """A coach with three families of two adults."""
    made = build.make_bus(session)
    for _ in range(3):
        build.seat_group(session, made, build.make_family(session, adults=2))
    return made


def people(session: Session, movement: Movement) -> list[Person]:
    return [session.get_one(Person, person_id) for person_id in sorted(build.aboard(session, movement.movement_id))]


def codes(refused: pytest.ExceptionInfo[Refused]) -> set[str]:
    return {found.code.value for found in refused.value.findings}


# ---- days are those of the place -----------------------------------------------------------------------------


def test_who_is_seventeen_on_the_evening_of_the_flight_is_a_child_whatever_day_it_is_in_utc(
    session: Session, coordinator: Actor
) -> None:
    evening = datetime(2027, 3, 9, 1, 0, tzinfo=UTC)  # 19:00 on 8 March in Tapachula
    group = builders.make_group(session, destination_place_id="APT-SAP")
    builders.make_person(session, group, birth_date=date(2009, 3, 9), is_unaccompanied=True)
    offer = build.make_offer(session, depart_at=evening, arrive_at=evening + timedelta(hours=2))
    flight = build.make_flight(session, offer=offer)
    build.seat_group(session, flight, group)
    build.confirm_all(session, coordinator, flight.movement_id)

    with pytest.raises(Refused) as refused:
        manifest.propose(session, coordinator, movement_id=flight.movement_id)

    assert "UASC_NO_DECISION" in codes(refused)


# ---- records changed by hand ---------------------------------------------------------------------------------


def test_name_changed_between_the_two_signatures_is_proposed_again(
    session: Session, coordinator: Actor, coordinator_2: Actor, bus: Movement
) -> None:
    build.confirm_all(session, coordinator, bus.movement_id)
    manifest.propose(session, coordinator, movement_id=bus.movement_id)
    people(session, bus)[0].given_names = "Otra Persona"

    with pytest.raises(Stale, match="changed since it was proposed"):
        manifest.sign(session, coordinator_2, movement_id=bus.movement_id)


def test_seat_that_pretends_to_be_signed_for_stops_the_release(
    session: Session, coordinator: Actor, coordinator_2: Actor, bus: Movement
) -> None:
    build.confirm_all(session, coordinator, bus.movement_id)
    build.issue(session, coordinator, coordinator_2, bus.movement_id)
    build.acknowledge_all(session, coordinator, bus.movement_id)
    stowaway = builders.make_person(session)
    build.seat_person(session, bus, stowaway, listed_from=1)

    with pytest.raises(Stale, match="not on the list in force"):
        manifest.release(session, coordinator, movement_id=bus.movement_id)


def test_hold_written_past_every_act_stops_list_and_departure(
    session: Session, coordinator: Actor, coordinator_2: Actor, reception: Actor, bus: Movement, frozen_clock: Clock
) -> None:
    build.release(session, coordinator, coordinator_2, bus.movement_id)
    frozen_clock(bus.depart_at - timedelta(hours=20))
    held = people(session, bus)[0]
    omoa = Party(kind=PartyKind.RECEPTION, party_id="HN-CAMR-OMOA")
    assert manifest.copy_for(session, reception, movement_id=bus.movement_id, party=omoa).number == 1

    session.add(Hold(person_id=held.person_id, kind=HoldKind.ASYLUM, raised_by="U-X", raised_at=clock.now()))
    session.flush()

    with pytest.raises(Stale, match="no longer valid"):
        manifest.copy_for(session, reception, movement_id=bus.movement_id, party=omoa)
    with pytest.raises(Stale, match="no longer names who is aboard"):
        arrival.depart(session, coordinator, movement_id=bus.movement_id)


def test_closure_and_escort_changed_by_hand_after_release_stop_the_departure(
    session: Session, coordinator: Actor, coordinator_2: Actor, protection_1: Actor, bus: Movement
) -> None:
    escorts = [build.make_escort(session) for _ in range(2)]
    group = builders.make_group(session, destination_place_id="APT-SAP")
    build.make_child_alone(session, group, escorts=escorts)
    flight = build.make_flight(session)
    build.seat_group(session, flight, group, escorts=escorts)
    build.release(session, coordinator, protection_1, flight.movement_id)
    build.release(session, coordinator, coordinator_2, bus.movement_id)
    escorts[0].is_available = False
    session.add(
        Closure(
            target=ClosureTarget.CROSSING,
            target_id="GT-HN-COR",
            from_at=NOW,
            source="a note",
            recorded_by="U-X",
            recorded_at=NOW,
        )
    )
    session.flush()

    with pytest.raises(Refused) as closed:
        arrival.depart(session, coordinator, movement_id=bus.movement_id)
    with pytest.raises(Refused) as alone:
        arrival.depart(session, coordinator, movement_id=flight.movement_id)

    assert "ESCORTS_TOO_FEW" in codes(alone)
    assert "ROUTE_SUSPENDED" in codes(closed)


def test_nobody_arrives_on_a_journey_that_was_not_released(
    session: Session, coordinator: Actor, coordinator_2: Actor, reception: Actor, bus: Movement, frozen_clock: Clock
) -> None:
    build.confirm_all(session, coordinator, bus.movement_id)
    build.issue(session, coordinator, coordinator_2, bus.movement_id)
    frozen_clock(bus.depart_at - timedelta(hours=50))
    everybody = {person.person_id: True for person in people(session, bus)}

    with pytest.raises(Stale, match="not been released"):
        arrival.record(session, reception, movement_id=bus.movement_id, place_id="HN-CAMR-OMOA", arrived=everybody)
    with pytest.raises(Stale, match="not been released"):
        arrival.sign_handover(
            session, reception, movement_id=bus.movement_id, place_id="HN-CAMR-OMOA", received_by="Oficial"
        )
    assert build.status_of(session, bus.movement_id) is MovementStatus.ISSUED


# ---- a full disk -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_full_disk_leaves_nothing_of_an_issue_and_says_so(
    database: Database, office: builders.OfficeFixture, coordinator: Actor, coordinator_2: Actor
) -> None:
    with database.transaction() as session:
        bus = build.make_bus(session)
        build.seat_group(session, bus, build.make_family(session, adults=2))
        build.confirm_all(session, coordinator, bus.movement_id)
        manifest.propose(session, coordinator, movement_id=bus.movement_id)

    def sign_on_a_full_disk() -> None:
        with database.transaction() as session:
            pages = session.execute(text("PRAGMA page_count")).scalar_one()
            session.execute(text(f"PRAGMA max_page_count = {pages}"))
            for _ in range(50):
                build.make_family(session, adults=2)
            manifest.sign(session, coordinator_2, movement_id=bus.movement_id)

    with pytest.raises(NotSaved, match="disk is full") as full:
        sign_on_a_full_disk()

    assert "Inventada" not in str(full.value.__cause__)
    with database.transaction() as session:
        session.execute(text("PRAGMA max_page_count = 1000000"))
        assert manifest.current_version(session, bus.movement_id) is None
        assert len(session.exec(select(TravelGroup)).all()) == 1
        assert manifest.sign(session, coordinator_2, movement_id=bus.movement_id).version == 1


# ---- on the way ------------------------------------------------------------------------------------------------


def test_withdrawal_on_a_late_bus_takes_the_family_off_the_list(
    session: Session, coordinator: Actor, coordinator_2: Actor, reception: Actor, bus: Movement, frozen_clock: Clock
) -> None:
    build.release(session, coordinator, coordinator_2, bus.movement_id)
    arrival.depart(session, coordinator, movement_id=bus.movement_id)
    frozen_clock(bus.arrive_at + timedelta(minutes=40))
    first = people(session, bus)[0]
    last = next(person for person in people(session, bus) if person.group_id != first.group_id)
    arrived = {person.person_id: True for person in people(session, bus) if person.group_id == last.group_id}
    arrival.record(session, reception, movement_id=bus.movement_id, place_id="HN-CAMR-OMOA", arrived=arrived)

    on_the_road = changes.withdraw(session, coordinator, person_id=first.person_id)
    at_home = changes.withdraw(session, coordinator, person_id=last.person_id)

    assert on_the_road.superseded == ((bus.movement_id, 2),)
    assert at_home.superseded == ()
    assert len(people(session, bus)) == 4


# ---- beds and borders --------------------------------------------------------------------------------------------


def test_who_stays_two_nights_holds_a_bed_on_both(session: Session, bus: Movement) -> None:
    def stop_over(day: int) -> Movement:
        made = build.make_bus(session, depart_at=build.LAND_DEPART + timedelta(days=day))
        session.get_one(MovementSegment, (made.movement_id, 0)).to_place_id = BEDS
        build.seat_group(session, made, build.make_family(session, adults=2))
        return made

    def free_beds(movement: Movement) -> int:
        seen = view(session, movement.movement_id)
        facts = movement_facts(session, seen, stage=MovementStatus.ACCEPTED)
        return facts.nights[0].free_beds

    second = stop_over(1)
    before = free_beds(second)
    first = stop_over(0)

    assert before > 2
    assert free_beds(second) == before - 2
    goes_on = build.make_bus(session, depart_at=build.LAND_DEPART + timedelta(days=1))
    for person in people(session, first):
        build.seat_person(session, goes_on, person)
    assert free_beds(second) == before


def test_a_post_is_told_only_of_people_who_pass_it(session: Session, bus: Movement) -> None:
    session.get_one(MovementSegment, (bus.movement_id, 0)).to_place_id = "GT-COATEPEQUE"
    session.add(
        MovementSegment(
            movement_id=bus.movement_id,
            segment=1,
            from_place_id="GT-COATEPEQUE",
            to_place_id="HN-CAMR-OMOA",
            depart_at=bus.depart_at + timedelta(hours=3),
            arrive_at=bus.arrive_at,
            capacity=40,
        )
    )
    session.get_one(MovementCrossing, (bus.movement_id, 1)).segment = 1
    session.flush()
    going_on = build.make_family(session, adults=1)
    for person in build.members(session, going_on.group_id):
        build.seat_person(session, bus, person, alight=2)
    seen = view(session, bus.movement_id)

    def listed(post_id: str) -> int:
        party = Party(kind=PartyKind.BORDER_POST, party_id=post_id)
        paper = copies.build(session, seen, party, number=1, supersedes=None, now=NOW, at=seen.situation)
        assert paper.counts["total"] == len(paper.rows)
        return len(paper.rows)

    assert [listed(post) for post in ("MX-GT-TAL-A", "MX-GT-TAL-B", "GT-HN-COR-A", "GT-HN-COR-B")] == [7, 7, 1, 1]


def test_a_plan_is_left_the_beds_of_the_fullest_night_not_of_all_nights_together(session: Session) -> None:
    def stop_over(day: int) -> Movement:
        made = build.make_bus(session, depart_at=build.LAND_DEPART + timedelta(days=day))
        session.get_one(MovementSegment, (made.movement_id, 0)).to_place_id = BEDS
        build.seat_group(session, made, build.make_family(session, adults=2))
        return made

    def taken() -> int:
        scope = Scope(first_date=build.LAND_DAY, days=7)
        return Used(session, scope, situation(session)).beds_taken(BEDS)

    first, _ = stop_over(0), stop_over(1)
    assert taken() == 2

    goes_on = build.make_bus(session, depart_at=build.LAND_DEPART + timedelta(days=2))
    for person in people(session, first):
        build.seat_person(session, goes_on, person)
    assert taken() == 4


def test_coordinators_are_told_when_a_post_misses_somebody(
    session: Session, coordinator: Actor, coordinator_2: Actor, reception: Actor, bus: Movement, frozen_clock: Clock
) -> None:
    build.release(session, coordinator, coordinator_2, bus.movement_id)
    frozen_clock(bus.arrive_at)
    for notice in notices.waiting_for(session, coordinator):
        notices.mark_seen(session, coordinator, notice_id=notice.notice_id)
    missing = people(session, bus)[0]

    arrival.record(
        session, reception, movement_id=bus.movement_id, place_id="HN-CAMR-OMOA", arrived={missing.person_id: False}
    )

    told = [(notice.code, notice.object_id) for notice in notices.waiting_for(session, coordinator)]
    assert told == [("movement.changed", bus.movement_id)]


def test_nobody_drives_two_coaches_at_once(session: Session, coordinator: Actor, bus: Movement) -> None:
    other = build.make_bus(session, depart_at=bus.depart_at + timedelta(hours=1))
    build.seat_group(session, other, build.make_family(session, adults=1))
    other.drivers = bus.drivers
    session.add(other)
    build.confirm_all(session, coordinator, bus.movement_id)

    with pytest.raises(Refused) as refused:
        manifest.propose(session, coordinator, movement_id=bus.movement_id)

    assert codes(refused) == {"DRIVER_REST"}
