"""Arrival: ticks by the post and the reception point at their own place, one handover, everybody home."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlmodel import Session, select

from retorno import changes
from retorno.errors import InputError, NotAllowed, Stale
from retorno.models.movements import Arrival, Handover, Movement, MovementSegment
from retorno.models.people import Case, Person, TravelGroup
from retorno.movements.facts import view
from retorno.office.access import Actor
from retorno.under_way import arrival
from retorno.vocabulary import ArrivalOutcome, IncidentCode, MovementStatus, PersonStatus
from tests import builders
from tests import planning_builders as build

Clock = Callable[[datetime], None]
POST, OMOA, SPS = "GT-HN-COR-B", "HN-CAMR-OMOA", "HN-CAMR-SPS"


@pytest.fixture
def bus(session: Session, coordinator: Actor, coordinator_2: Actor, tmp_path: Path, frozen_clock: Clock) -> Movement:
    """A coach with two families of two, released, ten minutes before it leaves."""
    build.use_keys(tmp_path)
    made = build.make_bus(session)
    for _ in range(2):
        build.seat_group(session, made, build.make_family(session, adults=2))
    build.release(session, coordinator, coordinator_2, made.movement_id)
    frozen_clock(made.depart_at - timedelta(minutes=10))
    return made


def people(session: Session, movement: Movement) -> list[str]:
    return sorted(build.aboard(session, movement.movement_id))


def leave(session: Session, coordinator: Actor, movement: Movement) -> None:
    arrival.depart(session, coordinator, movement_id=movement.movement_id)


def tick(session: Session, actor: Actor, movement: Movement, place_id: str, arrived: dict[str, bool]) -> int:
    return arrival.record(session, actor, movement_id=movement.movement_id, place_id=place_id, arrived=arrived)


def test_only_a_released_movement_departs_and_twice_is_once(
    session: Session, coordinator: Actor, bus: Movement
) -> None:
    waiting = build.make_bus(session)
    with pytest.raises(Stale, match="only a released"):
        arrival.depart(session, coordinator, movement_id=waiting.movement_id)
    leave(session, coordinator, bus)
    version = bus.version
    leave(session, coordinator, bus)
    assert (bus.status, bus.version) == (MovementStatus.DEPARTED, version)


def test_the_post_ticks_and_the_same_ticks_again_change_nothing(
    session: Session, coordinator: Actor, border_post: Actor, bus: Movement
) -> None:
    leave(session, coordinator, bus)
    one, two, *_ = people(session, bus)
    assert tick(session, border_post, bus, POST, {one: True, two: False}) == 2
    assert tick(session, border_post, bus, POST, {one: True, two: False}) == 0
    assert tick(session, border_post, bus, POST, {two: True}) == 1
    assert arrival.ticks(session, border_post, movement_id=bus.movement_id) == {
        one: ArrivalOutcome.ARRIVED, two: ArrivalOutcome.ARRIVED,
    }  # fmt: skip


def test_a_post_ticks_at_its_own_place_and_only_people_on_the_list(
    session: Session, coordinator: Actor, border_post: Actor, reception: Actor, consulate_hn: Actor, bus: Movement
) -> None:
    leave(session, coordinator, bus)
    one = people(session, bus)[0]
    for actor, place in ((border_post, OMOA), (border_post, "GT-HN-COR-A"), (reception, POST), (consulate_hn, POST)):
        with pytest.raises(NotAllowed):
            tick(session, actor, bus, place, {one: True})
    stranger = builders.make_person(session)
    with pytest.raises(NotAllowed):
        tick(session, border_post, bus, POST, {stranger.person_id: True})


def test_a_post_sees_nothing_before_its_window_and_after_it(
    session: Session, coordinator: Actor, border_post: Actor, bus: Movement, frozen_clock: Clock
) -> None:
    one = people(session, bus)[0]
    leave(session, coordinator, bus)
    for instant, is_open in (
        (bus.depart_at - timedelta(hours=96, seconds=1), False),
        (bus.depart_at - timedelta(hours=96), True),
        (bus.arrive_at + timedelta(hours=24), True),
        (bus.arrive_at + timedelta(hours=24, seconds=1), False),
    ):
        frozen_clock(instant)
        if is_open:
            tick(session, border_post, bus, POST, {one: True})
        else:
            with pytest.raises(NotAllowed):
                tick(session, border_post, bus, POST, {one: True})


def test_who_was_taken_off_on_the_way_is_no_longer_ticked(
    session: Session, coordinator: Actor, border_post: Actor, bus: Movement, frozen_clock: Clock
) -> None:
    leave(session, coordinator, bus)
    frozen_clock(bus.depart_at + timedelta(hours=3))
    gone = session.get_one(Person, people(session, bus)[0])
    changes.withdraw(session, coordinator, person_id=gone.person_id)
    with pytest.raises(NotAllowed):
        tick(session, border_post, bus, POST, {gone.person_id: True})


def test_the_handover_closes_people_case_and_movement_and_is_signed_once(
    session: Session, coordinator: Actor, reception: Actor, bus: Movement, frozen_clock: Clock
) -> None:
    leave(session, coordinator, bus)
    frozen_clock(bus.arrive_at)
    everybody = people(session, bus)
    with pytest.raises(InputError, match="nobody is ticked"):
        arrival.sign_handover(session, reception, movement_id=bus.movement_id, place_id=OMOA, received_by="Jefa")
    tick(session, reception, bus, OMOA, dict.fromkeys(everybody, True))
    with pytest.raises(InputError, match="who received"):
        arrival.sign_handover(session, reception, movement_id=bus.movement_id, place_id=OMOA, received_by=" ")
    signed = arrival.sign_handover(session, reception, movement_id=bus.movement_id, place_id=OMOA, received_by="Jefa")
    again = arrival.sign_handover(session, reception, movement_id=bus.movement_id, place_id=OMOA, received_by="Otra")
    assert (signed.person_count, again.received_by) == (4, "Jefa")
    assert len(session.exec(select(Handover)).all()) == 1
    assert {session.get_one(Person, each).status for each in everybody} == {PersonStatus.RETURNED}
    assert build.status_of(session, bus.movement_id) is MovementStatus.CLOSED
    assert all(case.closed_at is not None for case in session.exec(select(Case)).all())
    with pytest.raises((Stale, NotAllowed)):
        tick(session, reception, bus, OMOA, {everybody[0]: False})


def test_a_case_stays_open_while_somebody_of_it_who_withdrew_is_still_here(
    session: Session, coordinator: Actor, coordinator_2: Actor, tmp_path: Path, frozen_clock: Clock, reception: Actor
) -> None:
    build.use_keys(tmp_path)
    case = builders.make_case(session)
    goes, stays = (build.make_family(session, adults=1, case=case) for _ in range(2))
    bus = build.make_bus(session)
    build.seat_group(session, bus, goes)
    changes.withdraw(session, coordinator, person_id=build.members(session, stays.group_id)[0].person_id)
    build.release(session, coordinator, coordinator_2, bus.movement_id)
    frozen_clock(bus.depart_at)
    leave(session, coordinator, bus)
    frozen_clock(bus.arrive_at)
    tick(session, reception, bus, OMOA, dict.fromkeys(people(session, bus), True))
    arrival.sign_handover(session, reception, movement_id=bus.movement_id, place_id=OMOA, received_by="Jefa")
    assert session.get_one(Case, case.case_id).closed_at is None


def with_two_receptions(session: Session, movement: Movement, first_id: str) -> None:
    """The coach stops at a reception place two hours before Omoa."""
    last = session.get_one(MovementSegment, (movement.movement_id, 0))
    halfway = movement.arrive_at - timedelta(hours=2)
    session.add(
        MovementSegment(
            movement_id=movement.movement_id,
            segment=1,
            from_place_id=first_id,
            to_place_id=OMOA,
            depart_at=halfway + timedelta(minutes=30),
            arrive_at=movement.arrive_at,
            capacity=last.capacity,
            wheelchairs=last.wheelchairs,
        )
    )
    last.to_place_id, last.arrive_at = first_id, halfway
    session.add(last)
    session.flush()


def test_a_change_after_the_first_of_two_handovers_takes_off_only_whom_it_is_about(
    session: Session, coordinator: Actor, coordinator_2: Actor, tmp_path: Path, frozen_clock: Clock
) -> None:
    build.use_keys(tmp_path)
    made = build.make_bus(session)
    with_two_receptions(session, made, SPS)
    home = build.make_family(session, adults=1, destination_place_id=SPS)
    leaves, stays = build.make_family(session, adults=2), build.make_family(session, adults=3)
    halfway = session.get_one(MovementSegment, (made.movement_id, 0)).arrive_at
    for person in build.members(session, home.group_id):
        build.seat_person(session, made, person, alight=1, arrive_at=halfway)
    for family in (leaves, stays):
        for person in build.members(session, family.group_id):
            build.seat_person(session, made, person, alight=2)
    build.release(session, coordinator, coordinator_2, made.movement_id)
    frozen_clock(made.depart_at)
    leave(session, coordinator, made)
    frozen_clock(halfway)
    (first,) = build.members(session, home.group_id)
    tick(session, coordinator, made, SPS, {first.person_id: True})
    arrival.sign_handover(session, coordinator, movement_id=made.movement_id, place_id=SPS, received_by="Jefa")
    assert session.get_one(Person, first.person_id).status is PersonStatus.RETURNED

    gone = build.members(session, leaves.group_id)[0]
    effect = changes.withdraw(session, coordinator, person_id=gone.person_id)

    assert effect.superseded == ((made.movement_id, 2),)
    on_it = {rider.person.person_id for rider in view(session, made.movement_id).riders}
    still = {person.person_id for person in build.members(session, stays.group_id)}
    assert on_it == {first.person_id} | still


def test_a_closed_movement_can_still_be_read(
    session: Session, coordinator: Actor, reception: Actor, bus: Movement, frozen_clock: Clock
) -> None:
    leave(session, coordinator, bus)
    frozen_clock(bus.arrive_at)
    tick(session, reception, bus, OMOA, dict.fromkeys(people(session, bus), True))
    arrival.sign_handover(session, reception, movement_id=bus.movement_id, place_id=OMOA, received_by="Jefa")
    assert len(view(session, bus.movement_id).riders) == 4


def test_somebody_not_here_keeps_person_and_case_open(
    session: Session, coordinator: Actor, reception: Actor, bus: Movement, frozen_clock: Clock
) -> None:
    leave(session, coordinator, bus)
    frozen_clock(bus.arrive_at)
    first, *others = people(session, bus)
    tick(session, reception, bus, OMOA, {first: False, **dict.fromkeys(others, True)})
    arrival.sign_handover(session, reception, movement_id=bus.movement_id, place_id=OMOA, received_by="Jefa")
    missing = session.get_one(Person, first)
    group = session.get_one(TravelGroup, missing.group_id)
    assert missing.status is PersonStatus.ACTIVE
    assert session.get_one(Case, group.case_id).closed_at is None
    assert session.get_one(Arrival, (bus.movement_id, first)).outcome is ArrivalOutcome.NOT_TRAVELLING


def test_incidents_are_codes_by_those_on_the_way(
    session: Session, coordinator: Actor, border_post: Actor, auditor: Actor, bus: Movement
) -> None:
    made, _ = arrival.record_incident(
        session, border_post, movement_id=bus.movement_id, code=IncidentCode.DELAY, place_id=POST
    )
    assert (made.code, made.recorded_by) == (IncidentCode.DELAY, border_post.user_id)
    with pytest.raises(NotAllowed):
        arrival.record_incident(session, auditor, movement_id=bus.movement_id, code=IncidentCode.OTHER)


def test_a_tick_taken_back_leaves_the_row_as_it_was(
    session: Session, coordinator: Actor, border_post: Actor, bus: Movement
) -> None:
    leave(session, coordinator, bus)
    one, two, *_ = people(session, bus)
    tick(session, border_post, bus, POST, {one: True, two: False})

    assert arrival.record(
        session, border_post, movement_id=bus.movement_id, place_id=POST, arrived={one: None, two: None}
    ) == 2  # fmt: skip
    assert session.exec(select(Arrival)).all() == []


def test_a_tick_never_replaces_one_made_further_on_the_way(
    session: Session, coordinator: Actor, border_post: Actor, reception: Actor, bus: Movement
) -> None:
    leave(session, coordinator, bus)
    one = people(session, bus)[0]
    tick(session, border_post, bus, POST, {one: True})
    tick(session, reception, bus, OMOA, {one: False})

    assert tick(session, border_post, bus, POST, {one: True}) == 0
    assert session.exec(select(Arrival)).one().place_id == OMOA


def test_heads_are_counted_once_per_stop_and_a_delay_has_one_of_four_lengths(
    session: Session, coordinator: Actor, border_post: Actor, bus: Movement
) -> None:
    counts = [
        arrival.count_heads(
            session, coordinator, movement_id=bus.movement_id, place_id=POST, person_count=n, expected_count=4
        )
        for n in (3, 4, 4)
    ]
    assert (counts[-1].person_count, counts[-1].version) == (4, 2)
    with pytest.raises(InputError, match="45 minutes cannot be chosen"):
        arrival.record_incident(session, border_post, movement_id=bus.movement_id, code=IncidentCode.DELAY, minutes=45)
