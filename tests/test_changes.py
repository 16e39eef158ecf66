"""The only way back: what each fact takes off, what it leaves, and what closes on whom."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlmodel import Session, select

from retorno import changes, intake, situation
from retorno.errors import InputError, NotAllowed, Stale
from retorno.models.movements import Closure, Movement, Offer, Seat, Vehicle
from retorno.models.office import AuditEntry, Notice
from retorno.models.people import Consent, Fitness, Person, TravelGroup
from retorno.models.protection import Hold, ProtectionAssignment
from retorno.office.access import Actor
from retorno.routes.ways import driven_nodes
from retorno.vocabulary import (
    ChangeKind,
    ClosureTarget,
    ConsentPurpose,
    FitnessOutcome,
    HoldKind,
    MovementStatus,
    PersonStatus,
    SeatStatus,
)
from tests import builders
from tests import planning_builders as build
from tests.builders import NOW

Clock = Callable[[datetime], None]


@pytest.fixture(autouse=True)
def _keys(tmp_path: Path, session: Session) -> None:
    build.use_keys(tmp_path)


@pytest.fixture
def bus(session: Session) -> Movement:
    """A coach with a family of three and one of two."""
    made = build.make_bus(session)
    for size in (3, 2):
        build.seat_group(session, made, build.make_family(session, adults=size))
    return made


def families(session: Session, movement: Movement) -> dict[int, str]:
    """Group ids aboard by the size of the family."""
    found: dict[str, int] = {}
    for seat in session.exec(select(Seat).where(Seat.movement_id == movement.movement_id)).all():
        if seat.group_id:
            found[seat.group_id] = found.get(seat.group_id, 0) + 1
    return {size: group_id for group_id, size in found.items()}


def one_of(session: Session, group_id: str) -> Person:
    return build.members(session, group_id)[0]


# ---- one person's fact, the whole family's seats --------------------------------------------------------------


def test_a_withdrawal_takes_the_family_and_nobody_else(session: Session, coordinator: Actor, bus: Movement) -> None:
    three, two = families(session, bus)[3], families(session, bus)[2]
    person = one_of(session, three)
    effect = changes.withdraw(session, coordinator, person_id=person.person_id)
    assert [(change.group_id, change.movement_ids, change.why) for change in effect.groups] == [
        (three, (bus.movement_id,), ChangeKind.WITHDRAWAL)
    ]
    assert build.aboard(session, bus.movement_id) == {p.person_id for p in build.members(session, two)}
    assert session.get_one(Person, person.person_id).status is PersonStatus.WITHDRAWN
    assert session.get_one(TravelGroup, three).availability == 2
    assert session.get_one(TravelGroup, two).availability == 1


def test_a_second_click_changes_nothing(
    session: Session, coordinator: Actor, bus: Movement, frozen_clock: Clock
) -> None:
    person = one_of(session, families(session, bus)[3])
    changes.withdraw(session, coordinator, person_id=person.person_id)
    frozen_clock(NOW + timedelta(seconds=1))
    assert changes.withdraw(session, coordinator, person_id=person.person_id).groups == ()
    consents = session.exec(
        select(Consent).where(Consent.person_id == person.person_id, Consent.purpose == ConsentPurpose.RETURN)
    ).all()
    assert [consent.withdrawn_at for consent in consents] == [NOW]


def test_who_is_home_has_nothing_left_to_withdraw_from(session: Session, coordinator: Actor) -> None:
    person = builders.make_person(session, status=PersonStatus.RETURNED)
    with pytest.raises(Stale, match="journey is over"):
        changes.withdraw(session, coordinator, person_id=person.person_id)
    assert session.get_one(Person, person.person_id).status is PersonStatus.RETURNED


def test_a_withdrawal_on_the_way_leaves_the_ride_done_and_takes_every_ride_to_come(
    session: Session, coordinator: Actor, coordinator_2: Actor, frozen_clock: Clock
) -> None:
    family = build.make_family(session, adults=2)
    first = build.make_flight(session)
    second = build.make_flight(
        session,
        offer=build.make_offer(
            session, origin_place_id="APT-SAP", destination_place_id="APT-TGU",
            depart_at=first.arrive_at + timedelta(hours=4), arrive_at=first.arrive_at + timedelta(hours=5),
        ),
    )  # fmt: skip
    for flight in (first, second):
        build.seat_group(session, flight, family)
    frozen_clock(first.arrive_at + timedelta(minutes=30))
    changes.withdraw(session, coordinator, person_id=one_of(session, family.group_id).person_id)
    assert len(build.aboard(session, first.movement_id)) == 2
    assert build.aboard(session, second.movement_id) == set()


def test_withdrawing_the_wish_to_split_takes_both_parts_off(session: Session, coordinator: Actor) -> None:
    family = build.make_family(session, adults=2)
    one, two = build.members(session, family.group_id)
    for each in (one, two):
        builders.make_consent(session, each, purpose=ConsentPurpose.GROUP_SPLIT)
    part = intake.split_group(
        session, coordinator, group_id=family.group_id, version=family.version, person_ids=[two.person_id]
    )
    buses = [build.make_bus(session), build.make_bus(session)]
    build.seat_group(session, buses[0], family)
    build.seat_group(session, buses[1], part)
    effect = changes.withdraw(session, coordinator, person_id=one.person_id, purpose=ConsentPurpose.GROUP_SPLIT)
    assert {change.group_id for change in effect.groups} == {family.group_id, part.group_id}
    assert session.get_one(Person, one.person_id).status is PersonStatus.ACTIVE


def test_a_group_with_seats_is_not_split(session: Session, coordinator: Actor, bus: Movement) -> None:
    person = one_of(session, families(session, bus)[3])
    group = session.get_one(TravelGroup, person.group_id)
    for each in build.members(session, group.group_id):
        builders.make_consent(session, each, purpose=ConsentPurpose.GROUP_SPLIT)
    with pytest.raises(InputError) as problem:
        intake.split_group(
            session, coordinator, group_id=group.group_id, version=group.version, person_ids=[person.person_id]
        )
    assert [fault.code for fault in problem.value.faults] == ["SPLIT_SEATED"]


@pytest.mark.parametrize("kind", list(HoldKind))
def test_a_hold_of_any_kind_has_one_effect_and_one_log_line(
    session: Session, protection_1: Actor, bus: Movement, kind: HoldKind
) -> None:
    person = one_of(session, families(session, bus)[2])
    effect = changes.raise_hold(session, protection_1, person_id=person.person_id, kind=kind, note="Lo contó hoy")
    assert len(effect.groups) == 1
    assert len(build.aboard(session, bus.movement_id)) == 3
    entries = session.exec(select(AuditEntry).where(AuditEntry.act == "changes.hold")).all()
    assert len(entries) == 1
    written = "".join(f"{entry.act}{entry.fields}{entry.object_id}" for entry in entries)
    assert kind.value not in written.replace("changes.hold", "")
    assert "Lo contó" not in written
    named = session.exec(select(ProtectionAssignment.user_id)).all()
    assert sorted(named) == ["U-TAPACHULA-protection_1", "U-TAPACHULA-protection_2"]
    assert {notice.code for notice in session.exec(select(Notice)).all()} <= {"protection.look", "movement.changed"}


def test_the_same_hold_clicked_twice_is_one_hold(session: Session, protection_1: Actor) -> None:
    person = builders.make_person(session)
    for _ in range(2):
        changes.raise_hold(session, protection_1, person_id=person.person_id, kind=HoldKind.FEAR)
    assert len(session.exec(select(Hold)).all()) == 1


def test_everybody_who_meets_people_may_raise_a_hold_and_nobody_else(
    session: Session, coordinator: Actor, health: Actor, consulate_hn: Actor, border_post: Actor, auditor: Actor,
    administrator: Actor,
) -> None:  # fmt: skip
    person = builders.make_person(session)
    for actor in (coordinator, health):
        changes.raise_hold(session, actor, person_id=person.person_id, kind=HoldKind.FEAR)
    for actor in (consulate_hn, border_post, auditor, administrator):
        with pytest.raises(NotAllowed):
            changes.raise_hold(session, actor, person_id=person.person_id, kind=HoldKind.FEAR)
    with pytest.raises(NotAllowed):
        changes.raise_hold(session, coordinator, person_id=person.person_id, kind=HoldKind.MEDICAL)


def test_several_ill_people_are_one_act(session: Session, health: Actor, bus: Movement) -> None:
    three, two = families(session, bus)[3], families(session, bus)[2]
    ill = [one_of(session, group).person_id for group in (three, two)]
    effect = changes.record_unfit(session, health, person_ids=ill, until=NOW.date() + timedelta(days=3))
    assert {change.group_id for change in effect.groups} == {three, two}
    assert effect.cancelled == (bus.movement_id,)
    latest = session.exec(select(Fitness).where(Fitness.outcome == FitnessOutcome.NOT_NOW)).all()
    assert sorted(row.person_id for row in latest) == sorted(ill)
    with pytest.raises(InputError, match="past"):
        changes.record_unfit(session, health, person_ids=ill, until=NOW.date() - timedelta(days=1))
    with pytest.raises(InputError, match="nobody is ticked"):
        changes.record_unfit(session, health, person_ids=[], until=NOW.date())


def test_who_did_not_come_may_be_planned_again(session: Session, coordinator: Actor, bus: Movement) -> None:
    group_id = families(session, bus)[3]
    person = one_of(session, group_id)
    changes.record_no_show(session, coordinator, movement_id=bus.movement_id, person_ids=[person.person_id])
    assert [member.status for member in build.members(session, group_id)] == [PersonStatus.ACTIVE] * 3
    build.seat_group(session, build.make_bus(session), session.get_one(TravelGroup, group_id))
    stranger = builders.make_person(session)
    with pytest.raises(NotAllowed):
        changes.record_no_show(session, coordinator, movement_id=bus.movement_id, person_ids=[stranger.person_id])


# ---- vehicles, flights, escorts -------------------------------------------------------------------------------


def test_a_vehicle_that_breaks_down_is_not_planned_again(session: Session, coordinator: Actor, bus: Movement) -> None:
    effect = changes.cancel_movement(session, coordinator, movement_id=bus.movement_id, is_vehicle_lost=True)
    assert (effect.kind, effect.cancelled, effect.voided) == (
        ChangeKind.VEHICLE_CANCELLED, (bus.movement_id,), (),
    )  # fmt: skip
    assert len(effect.groups) == 2
    assert session.get_one(Vehicle, bus.vehicle_id).available_until == NOW.date()
    assert changes.cancel_movement(session, coordinator, movement_id=bus.movement_id).groups == ()


def test_a_cancelled_flight_takes_its_offer_and_the_rides_after_it(session: Session, coordinator: Actor) -> None:
    family = build.make_family(session, adults=2)
    flight = build.make_flight(session)
    bus = build.make_bus(session, depart_at=flight.arrive_at + timedelta(days=1))
    for movement in (flight, bus):
        build.seat_group(session, movement, family)
    effect = changes.cancel_movement(session, coordinator, movement_id=flight.movement_id)
    assert effect.kind is ChangeKind.FLIGHT_CANCELLED
    assert session.get_one(Offer, flight.offer_id).cancelled_at == NOW
    assert effect.groups[0].movement_ids == tuple(sorted([flight.movement_id, bus.movement_id]))
    assert build.status_of(session, bus.movement_id) is MovementStatus.CANCELLED


# ---- closures -------------------------------------------------------------------------------------------------


def road_between(first: str, second: str) -> tuple[str, str]:
    """One stretch in the middle of the quickest drive between two nodes of a country."""
    nodes = driven_nodes(situation.ground().network, [first, second])
    assert len(nodes) > 3
    middle = len(nodes) // 2
    return nodes[middle - 1], nodes[middle]


@pytest.mark.parametrize(
    ("target", "target_id", "is_hit"),
    [
        (ClosureTarget.CROSSING, "GT-HN-COR", True),
        (ClosureTarget.CROSSING, "GT-HN-AGC", False),
        (ClosureTarget.POST, "MX-GT-TAL-B", True),
        (ClosureTarget.POST, "GT-HN-AGC-A", False),
        (ClosureTarget.COUNTRY, "GT", True),
        (ClosureTarget.COUNTRY, "SV", False),
        (ClosureTarget.PLACE, "HN-CAMR-OMOA", True),
        (ClosureTarget.PLACE, "HN-CAMR-SPS", False),
    ],
)
def test_what_closes_stops_the_movements_that_pass_it(
    session: Session, coordinator: Actor, bus: Movement, target: ClosureTarget, target_id: str, is_hit: bool
) -> None:
    _, effect = changes.close(
        session, coordinator, target=target, target_id=target_id, from_at=bus.depart_at - timedelta(days=1),
        until_at=bus.arrive_at + timedelta(days=1), source="Protección civil",
    )  # fmt: skip
    assert effect.cancelled == ((bus.movement_id,) if is_hit else ())
    assert len(build.aboard(session, bus.movement_id)) == (0 if is_hit else 5)


def test_a_closed_road_stops_only_the_vehicles_that_drive_it(
    session: Session, coordinator: Actor, bus: Movement
) -> None:
    used = road_between("MX-GT-TAL-B", "GT-HN-COR-A")
    flight = build.make_flight(session)
    made, effect = changes.close(
        session, coordinator, target=ClosureTarget.ROUTE, target_id="|".join(reversed(used)),
        from_at=bus.depart_at, until_at=bus.arrive_at, source="Protección civil",
    )  # fmt: skip
    assert made.target_id == "|".join(sorted(used))
    assert effect.cancelled == (bus.movement_id,)
    assert build.status_of(session, flight.movement_id) is MovementStatus.ACCEPTED


def test_a_closed_road_elsewhere_stops_nobody_even_if_it_touches_an_end_of_the_journey(
    session: Session, coordinator: Actor, bus: Movement
) -> None:
    network = situation.ground().network
    route = driven_nodes(network, ["MX-TAPACHULA", "MX-GT-TAL-A", "MX-GT-TAL-B", "GT-HN-COR-A", "GT-HN-COR-B",
                                   "HN-CAMR-OMOA"])  # fmt: skip
    other = next(node for node in network.successors("MX-TAPACHULA") if node not in route)
    _, effect = changes.close(
        session, coordinator, target=ClosureTarget.ROUTE, target_id=f"MX-TAPACHULA|{other}",
        from_at=bus.depart_at, until_at=None, source="Protección civil",
    )  # fmt: skip
    assert effect.cancelled == ()


@pytest.mark.parametrize("shift_hours", [-30, 30])
def test_a_closure_before_or_after_stops_nobody(
    session: Session, coordinator: Actor, bus: Movement, shift_hours: int
) -> None:
    from_at = bus.depart_at + timedelta(hours=shift_hours)
    _, effect = changes.close(
        session, coordinator, target=ClosureTarget.CROSSING, target_id="GT-HN-COR", from_at=from_at,
        until_at=from_at + timedelta(hours=20), source="Migración",
    )  # fmt: skip
    assert effect.cancelled == ()


def test_what_a_vehicle_has_passed_no_longer_closes_on_it(
    session: Session, coordinator: Actor, bus: Movement, frozen_clock: Clock
) -> None:
    frozen_clock(bus.depart_at + timedelta(hours=4))
    _, effect = changes.close(
        session, coordinator, target=ClosureTarget.CROSSING, target_id="MX-GT-TAL", from_at=bus.depart_at,
        until_at=None, source="Migración",
    )  # fmt: skip
    assert effect.cancelled == ()


@pytest.mark.parametrize(
    ("target", "target_id"),
    [
        (ClosureTarget.CROSSING, "XX-YY-ZZZ"),
        (ClosureTarget.COUNTRY, "ZZ"),
        (ClosureTarget.ROUTE, "MX-TAPACHULA"),
        (ClosureTarget.ROUTE, "MX-TAPACHULA|HN-CAMR-OMOA"),
        (ClosureTarget.ROUTE, "A|B"),
    ],
)
def test_an_unknown_thing_cannot_close(
    session: Session, coordinator: Actor, target: ClosureTarget, target_id: str
) -> None:
    with pytest.raises(InputError, match="unknown"):
        changes.close(session, coordinator, target=target, target_id=target_id, from_at=NOW, until_at=None, source="x")
    assert session.exec(select(Closure)).all() == []
    situation.situation(session)


def test_a_closure_needs_a_source_and_ends_after_it_starts(session: Session, coordinator: Actor) -> None:
    common = {"target": ClosureTarget.COUNTRY, "target_id": "GT", "from_at": NOW}
    with pytest.raises(InputError, match="who says so"):
        changes.close(session, coordinator, **common, until_at=None, source=" ")
    with pytest.raises(InputError, match="ends before"):
        changes.close(session, coordinator, **common, until_at=NOW, source="x")


def test_reopening_takes_effect_at_once_and_only_once(
    session: Session, coordinator: Actor, frozen_clock: Clock
) -> None:
    made, _ = changes.close(
        session, coordinator, target=ClosureTarget.COUNTRY, target_id="GT", from_at=NOW, until_at=None, source="x"
    )
    later = NOW + timedelta(days=2)
    frozen_clock(later)
    changes.reopen(session, coordinator, closure_id=made.closure_id)
    frozen_clock(later + timedelta(days=1))
    changes.reopen(session, coordinator, closure_id=made.closure_id)
    assert session.get_one(Closure, made.closure_id).reopened_at == later
    assert situation.read_overlay(session).closures[0].until_at == later
    with pytest.raises(NotAllowed):
        changes.reopen(session, coordinator, closure_id="X-NOTHERE000")


def test_freed_seats_carry_the_instant_of_the_fact(session: Session, coordinator: Actor, bus: Movement) -> None:
    changes.withdraw(session, coordinator, person_id=one_of(session, families(session, bus)[3]).person_id)
    freed = session.exec(select(Seat).where(Seat.status == SeatStatus.FREED)).all()
    assert [seat.freed_at for seat in freed] == [NOW] * 3
