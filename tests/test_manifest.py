"""Manifests: two signatures, every rule again, acknowledgements before release, what a later version does."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest
from sqlmodel import Session, col, select

from retorno import changes, manifest
from retorno.confirmations import confirmation
from retorno.confirmations.confirmation import Party
from retorno.errors import InputError, NotAllowed, Refused, Stale
from retorno.manifest import copies
from retorno.models.movements import ManifestCopy, ManifestVersion, Movement, Seat
from retorno.models.people import Person, TravelGroup
from retorno.office.access import Actor
from retorno.plans import planning
from retorno.rules import RuleCode
from retorno.vocabulary import HoldKind, ManifestStatus, MovementStatus, PartyKind, PersonStatus
from tests import builders
from tests import planning_builders as build
from tests.builders import NOW

Clock = Callable[[datetime], None]


@pytest.fixture(autouse=True)
def _keys(tmp_path: Path, session: Session) -> None:
    build.use_keys(tmp_path)


@pytest.fixture
def bus(session: Session) -> Movement:
    """A coach with three families of two adults."""
    made = build.make_bus(session)
    for _ in range(3):
        build.seat_group(session, made, build.make_family(session, adults=2))
    return made


def group_ids(session: Session, movement: Movement) -> list[str]:
    rows = session.exec(
        select(Seat.group_id)
        .where(Seat.movement_id == movement.movement_id, col(Seat.group_id).is_not(None))
        .distinct()
    ).all()
    return sorted(group_id for group_id in rows if group_id)


def someone(session: Session, movement: Movement, number: int = 0) -> Person:
    return build.members(session, group_ids(session, movement)[number])[0]


def current(session: Session, movement: Movement) -> ManifestVersion | None:
    return manifest.current_version(session, movement.movement_id)


def codes(refused: pytest.ExceptionInfo[Refused]) -> set[str]:
    return {found.code.value for found in refused.value.findings}


# ---- two signatures -------------------------------------------------------------------------------------------


def test_two_coordinators_issue_version_one_with_a_copy_for_every_party(
    session: Session, coordinator: Actor, coordinator_2: Actor, bus: Movement
) -> None:
    build.confirm_all(session, coordinator, bus.movement_id)
    assert build.issue(session, coordinator, coordinator_2, bus.movement_id) == 1
    version = current(session, bus)
    assert version is not None
    assert (version.person_count, version.proposed_by, version.signed_by) == (
        6, coordinator.user_id, coordinator_2.user_id,
    )  # fmt: skip
    assert [row["outcome"] for row in json.loads(version.verdict)] == ["pass"] * 24
    kinds = session.exec(select(ManifestCopy.recipient_kind).where(ManifestCopy.movement_id == bus.movement_id)).all()
    assert sorted(kinds) == sorted(
        [PartyKind.BORDER_POST] * 4
        + [PartyKind.TRANSIT_STATE, PartyKind.RECEPTION, PartyKind.CARRIER, PartyKind.CONSULATE]
    )


def test_the_same_person_cannot_sign_twice(session: Session, coordinator: Actor, bus: Movement) -> None:
    build.confirm_all(session, coordinator, bus.movement_id)
    manifest.propose(session, coordinator, movement_id=bus.movement_id)
    with pytest.raises(NotAllowed):
        manifest.sign(session, coordinator, movement_id=bus.movement_id)


def test_without_vulnerable_people_the_second_signature_is_a_coordinators(
    session: Session, coordinator: Actor, protection_1: Actor, bus: Movement
) -> None:
    build.confirm_all(session, coordinator, bus.movement_id)
    manifest.propose(session, coordinator, movement_id=bus.movement_id)
    with pytest.raises(NotAllowed):
        manifest.sign(session, protection_1, movement_id=bus.movement_id)


@pytest.mark.parametrize("who", ["elderly", "child"])
def test_with_a_vulnerable_person_the_second_signature_is_protections(
    session: Session, coordinator: Actor, coordinator_2: Actor, protection_1: Actor, who: str
) -> None:
    place = {"destination_place_id": "HN-CANFM-BELEN"} if who == "child" else {}
    family = build.make_family(session, adults=1, children=int(who == "child"), **place)
    if who == "elderly":
        builders.make_person(session, family, birth_date=date(1955, 1, 1))
    flight = build.make_flight(session, offer=build.make_offer(session, destination_place_id="APT-SAP"))
    family.destination_place_id = "APT-SAP"
    session.add(family)
    build.seat_group(session, flight, family)
    build.confirm_all(session, coordinator, flight.movement_id)
    manifest.propose(session, coordinator, movement_id=flight.movement_id)
    with pytest.raises(NotAllowed):
        manifest.sign(session, coordinator_2, movement_id=flight.movement_id)
    assert manifest.sign(session, protection_1, movement_id=flight.movement_id).version == 1


def test_a_child_alone_takes_protections_signature(
    session: Session, coordinator: Actor, coordinator_2: Actor, protection_1: Actor
) -> None:
    escorts = [build.make_escort(session) for _ in range(2)]
    child = build.make_child_alone(
        session, builders.make_group(session, destination_place_id="APT-SAP"), escorts=escorts
    )
    flight = build.make_flight(session)
    build.seat_group(session, flight, session.get_one(TravelGroup, child.group_id), escorts=escorts)
    build.confirm_all(session, coordinator, flight.movement_id)
    manifest.propose(session, coordinator, movement_id=flight.movement_id)
    with pytest.raises(NotAllowed):
        manifest.sign(session, coordinator_2, movement_id=flight.movement_id)
    manifest.sign(session, protection_1, movement_id=flight.movement_id)
    assert build.status_of(session, flight.movement_id) is MovementStatus.ISSUED


def test_only_a_confirmed_movement_is_proposed(session: Session, coordinator: Actor, bus: Movement) -> None:
    with pytest.raises(Stale, match="only a confirmed"):
        manifest.propose(session, coordinator, movement_id=bus.movement_id)


def test_what_changed_after_the_proposal_has_to_be_proposed_again(
    session: Session, coordinator: Actor, coordinator_2: Actor, bus: Movement
) -> None:
    build.confirm_all(session, coordinator, bus.movement_id)
    manifest.propose(session, coordinator, movement_id=bus.movement_id)
    build.seat_group(session, bus, build.make_family(session, adults=1))
    with pytest.raises(Stale, match="changed since it was proposed"):
        manifest.sign(session, coordinator_2, movement_id=bus.movement_id)


def test_a_removal_between_the_signatures_ends_the_proposal(
    session: Session, coordinator: Actor, coordinator_2: Actor, bus: Movement
) -> None:
    build.release(session, coordinator, coordinator_2, bus.movement_id)
    manifest.propose(session, coordinator, movement_id=bus.movement_id)
    changes.withdraw(session, coordinator, person_id=someone(session, bus).person_id)
    with pytest.raises(Stale, match="nothing is proposed"):
        manifest.sign(session, coordinator_2, movement_id=bus.movement_id)


def test_every_rule_is_asked_again_at_the_second_signature(
    session: Session, coordinator: Actor, coordinator_2: Actor, bus: Movement, frozen_clock: Clock
) -> None:
    build.confirm_all(session, coordinator, bus.movement_id)
    manifest.propose(session, coordinator, movement_id=bus.movement_id)
    # 72 hours before the departure the list may still go out, one minute later it may not (R22).
    frozen_clock(bus.depart_at - timedelta(hours=72) + timedelta(minutes=1))
    with pytest.raises(Refused) as refused:
        manifest.sign(session, coordinator_2, movement_id=bus.movement_id)
    assert codes(refused) == {"NOTICE_TOO_LATE"}
    frozen_clock(bus.depart_at - timedelta(hours=72))
    assert manifest.sign(session, coordinator_2, movement_id=bus.movement_id).version == 1


def test_a_coordinator_never_reads_a_screening_out_of_a_refusal(
    session: Session, coordinator: Actor, bus: Movement
) -> None:
    build.confirm_all(session, coordinator, bus.movement_id)
    person = someone(session, bus)
    screening = session.exec(select(builders.Screening).where(builders.Screening.person_id == person.person_id)).one()
    screening.screened_at = NOW - timedelta(days=60)
    session.add(screening)
    session.flush()
    with pytest.raises(Refused) as refused:
        manifest.propose(session, coordinator, movement_id=bus.movement_id)
    assert codes(refused) == {RuleCode.NOT_AVAILABLE.value}
    assert all(found.rule is None for found in refused.value.findings)


# ---- release --------------------------------------------------------------------------------------------------


def test_release_is_refused_while_one_acknowledgement_is_missing(
    session: Session, coordinator: Actor, coordinator_2: Actor, bus: Movement
) -> None:
    build.confirm_all(session, coordinator, bus.movement_id)
    build.issue(session, coordinator, coordinator_2, bus.movement_id)
    rows = manifest.acknowledgements(session, bus.movement_id)
    assert len(rows) == 7
    for number, row in enumerate(rows):
        with pytest.raises(Refused) as refused:
            manifest.release(session, coordinator, movement_id=bus.movement_id)
        assert codes(refused) == {"NOT_ACKNOWLEDGED"}
        assert len(refused.value.findings) == len(rows) - number
        manifest.acknowledge(
            session, coordinator, movement_id=bus.movement_id, answered_by="Oficial", way="phone",
            party=Party(kind=row.party_kind, party_id=row.party_id), version=1,
        )  # fmt: skip
    assert manifest.release(session, coordinator, movement_id=bus.movement_id).status is MovementStatus.RELEASED


def test_an_acknowledgement_is_for_the_version_in_force_by_the_party_itself_in_its_window(
    session: Session, coordinator: Actor, coordinator_2: Actor, border_post: Actor, reception: Actor, bus: Movement,
    frozen_clock: Clock,
) -> None:  # fmt: skip
    build.confirm_all(session, coordinator, bus.movement_id)
    build.issue(session, coordinator, coordinator_2, bus.movement_id)
    post = Party(kind=PartyKind.BORDER_POST, party_id="GT-HN-COR-B")

    def acknowledge(actor: Actor, version: int = 1) -> None:
        manifest.acknowledge(session, actor, movement_id=bus.movement_id, party=post, version=version)

    with pytest.raises(NotAllowed):
        acknowledge(border_post)  # a week before: its window opens 96 hours before the departure
    frozen_clock(bus.depart_at - timedelta(hours=96))
    with pytest.raises(NotAllowed):
        acknowledge(reception)
    with pytest.raises(InputError, match="who acknowledged"):
        acknowledge(coordinator)
    with pytest.raises(Stale):
        acknowledge(border_post, version=2)
    acknowledge(border_post)
    mine = [row for row in manifest.acknowledgements(session, bus.movement_id) if row.party_id == post.party_id]
    assert [(row.acknowledged_by, row.recorded_by) for row in mine] == [(border_post.user_id, None)]


def test_a_removal_keeps_released_and_asks_for_new_acknowledgements(
    session: Session, coordinator: Actor, coordinator_2: Actor, bus: Movement
) -> None:
    build.release(session, coordinator, coordinator_2, bus.movement_id)
    effect = changes.withdraw(session, coordinator, person_id=someone(session, bus).person_id)
    assert effect.superseded == ((bus.movement_id, 2),)
    assert build.status_of(session, bus.movement_id) is MovementStatus.RELEASED
    version = current(session, bus)
    assert version is not None
    assert (version.version, version.supersedes, version.person_count, version.is_removal_only, version.signed_by) == (
        2, 1, 4, True, None,
    )  # fmt: skip
    assert all(row.acknowledged_at is None for row in manifest.acknowledgements(session, bus.movement_id))


def test_a_removal_from_an_issued_list_leaves_it_to_be_acknowledged_anew(
    session: Session, coordinator: Actor, coordinator_2: Actor, bus: Movement
) -> None:
    build.confirm_all(session, coordinator, bus.movement_id)
    build.issue(session, coordinator, coordinator_2, bus.movement_id)
    build.acknowledge_all(session, coordinator, bus.movement_id)
    changes.withdraw(session, coordinator, person_id=someone(session, bus).person_id)
    with pytest.raises(Refused):
        manifest.release(session, coordinator, movement_id=bus.movement_id)
    build.acknowledge_all(session, coordinator, bus.movement_id)
    manifest.release(session, coordinator, movement_id=bus.movement_id)


def test_nobody_is_released_who_is_on_no_signed_list(
    session: Session, coordinator: Actor, coordinator_2: Actor, bus: Movement
) -> None:
    build.confirm_all(session, coordinator, bus.movement_id)
    build.issue(session, coordinator, coordinator_2, bus.movement_id)
    build.acknowledge_all(session, coordinator, bus.movement_id)
    build.seat_group(session, bus, build.make_family(session, adults=1))
    with pytest.raises(Stale, match="not on the list in force"):
        manifest.release(session, coordinator, movement_id=bus.movement_id)


def test_an_addition_goes_back_to_issued_and_needs_everybody_again(
    session: Session, coordinator: Actor, coordinator_2: Actor, bus: Movement
) -> None:
    build.release(session, coordinator, coordinator_2, bus.movement_id)
    build.seat_group(session, bus, build.make_family(session, adults=1))
    build.issue(session, coordinator_2, coordinator, bus.movement_id)
    assert build.status_of(session, bus.movement_id) is MovementStatus.ISSUED
    version = current(session, bus)
    assert version is not None
    assert (version.version, version.person_count) == (2, 7)
    with pytest.raises(Refused):
        manifest.release(session, coordinator, movement_id=bus.movement_id)
    build.acknowledge_all(session, coordinator, bus.movement_id)
    manifest.release(session, coordinator, movement_id=bus.movement_id)


def test_a_removal_never_publishes_people_whom_nobody_signed_for(
    session: Session, coordinator: Actor, coordinator_2: Actor, bus: Movement
) -> None:
    build.release(session, coordinator, coordinator_2, bus.movement_id)
    leaving = someone(session, bus)
    added = build.make_family(session, adults=3)
    build.seat_group(session, bus, added)
    changes.withdraw(session, coordinator, person_id=leaving.person_id)
    version = current(session, bus)
    assert version is not None
    assert (version.version, version.person_count, version.is_removal_only) == (2, 4, True)
    copy = manifest.latest_copy(session, bus.movement_id, Party(kind=PartyKind.BORDER_POST, party_id="GT-HN-COR-B"))
    assert copy is not None
    names = {row["name"] for row in manifest.manifest_from_bytes(copy.canonical).rows}
    assert not any(added.group_id[-4:] in name for name in names)
    assert len(names) == 4


def test_other_drivers_have_to_be_signed_for(
    session: Session, coordinator: Actor, coordinator_2: Actor, bus: Movement
) -> None:
    released = build.release(session, coordinator, coordinator_2, bus.movement_id)
    others = [build.make_driver(session).driver_id for _ in range(2)]
    planning.update_movement(
        session, coordinator, movement_id=bus.movement_id, version=released.version, driver_ids=others
    )
    assert build.status_of(session, bus.movement_id) is MovementStatus.CONFIRMED
    build.issue(session, coordinator, coordinator_2, bus.movement_id)
    assert build.status_of(session, bus.movement_id) is MovementStatus.ISSUED


# ---- one in force, none lost ----------------------------------------------------------------------------------


def test_versions_follow_each_other_and_exactly_one_is_current(
    session: Session, coordinator: Actor, coordinator_2: Actor, bus: Movement
) -> None:
    build.release(session, coordinator, coordinator_2, bus.movement_id)
    groups = group_ids(session, bus)
    for group_id in groups[:2]:
        changes.withdraw(session, coordinator, person_id=build.members(session, group_id)[0].person_id)
    rows = session.exec(
        select(ManifestVersion)
        .where(ManifestVersion.movement_id == bus.movement_id)
        .order_by(col(ManifestVersion.version))
    ).all()
    assert [(row.version, row.supersedes, row.status) for row in rows] == [
        (1, None, ManifestStatus.SUPERSEDED),
        (2, 1, ManifestStatus.SUPERSEDED),
        (3, 2, ManifestStatus.CURRENT),
    ]


def test_when_the_last_family_leaves_the_list_is_void_and_the_movement_cancelled(
    session: Session, coordinator: Actor, coordinator_2: Actor
) -> None:
    bus = build.make_bus(session)
    build.seat_group(session, bus, build.make_family(session, adults=2))
    build.release(session, coordinator, coordinator_2, bus.movement_id)
    effect = changes.withdraw(session, coordinator, person_id=someone(session, bus).person_id)
    assert (effect.voided, effect.cancelled) == ((bus.movement_id,), (bus.movement_id,))
    assert current(session, bus) is None
    assert build.status_of(session, bus.movement_id) is MovementStatus.CANCELLED


def test_an_escort_who_falls_ill_takes_the_child_off_and_leaves_the_others(
    session: Session, coordinator: Actor, protection_1: Actor
) -> None:
    escorts = [build.make_escort(session) for _ in range(2)]
    child = build.make_child_alone(
        session, builders.make_group(session, destination_place_id="APT-SAP"), escorts=escorts
    )
    flight = build.make_flight(session)
    build.seat_group(session, flight, session.get_one(TravelGroup, child.group_id), escorts=escorts)
    build.seat_group(session, flight, build.make_family(session, adults=2, destination_place_id="APT-SAP"))
    build.release(session, coordinator, protection_1, flight.movement_id)
    effect = changes.escort_unavailable(session, coordinator, escort_id=escorts[0].escort_id)
    assert [change.group_id for change in effect.groups] == [child.group_id]
    assert effect.superseded == ((flight.movement_id, 2),)
    assert len(build.aboard(session, flight.movement_id)) == 2
    left = session.exec(
        select(Seat.escort_id).where(
            Seat.movement_id == flight.movement_id, Seat.status == "active", col(Seat.escort_id).is_not(None)
        )
    ).all()
    assert left == []


def test_if_those_who_remain_may_not_travel_the_list_is_void_until_two_sign_the_next(
    session: Session, coordinator: Actor, coordinator_2: Actor, bus: Movement
) -> None:
    build.release(session, coordinator, coordinator_2, bus.movement_id)
    stays = someone(session, bus, 1)
    fitness = session.exec(select(builders.Fitness).where(builders.Fitness.person_id == stays.person_id)).one()
    fitness.valid_until = date(2027, 3, 2)
    session.add(fitness)
    session.flush()
    effect = changes.withdraw(session, coordinator, person_id=someone(session, bus).person_id)
    assert (effect.voided, effect.superseded) == ((bus.movement_id,), ())
    assert current(session, bus) is None
    # Everybody who remains has confirmed, so only the rule stands between them and the next version.
    assert build.status_of(session, bus.movement_id) is MovementStatus.CONFIRMED
    with pytest.raises(Refused):
        manifest.propose(session, coordinator, movement_id=bus.movement_id)


def test_a_hold_takes_the_family_off_the_paper_in_the_same_act(
    session: Session, coordinator: Actor, coordinator_2: Actor, protection_1: Actor, bus: Movement
) -> None:
    build.release(session, coordinator, coordinator_2, bus.movement_id)
    held = someone(session, bus)
    changes.raise_hold(session, protection_1, person_id=held.person_id, kind=HoldKind.ASYLUM)
    copies = session.exec(
        select(ManifestCopy).where(ManifestCopy.movement_id == bus.movement_id, ManifestCopy.version == 2)
    ).all()
    for copy in copies:
        assert held.group_id[-4:] not in copy.canonical.decode()
    assert session.get_one(Person, held.person_id).status is PersonStatus.ACTIVE


# ---- who gets which fields ------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", list(PartyKind))
def test_a_copy_holds_the_columns_of_its_recipient_and_no_other(
    session: Session, coordinator: Actor, coordinator_2: Actor, bus: Movement, kind: PartyKind
) -> None:
    build.release(session, coordinator, coordinator_2, bus.movement_id)
    for copy in session.exec(
        select(ManifestCopy).where(ManifestCopy.movement_id == bus.movement_id, ManifestCopy.recipient_kind == kind)
    ).all():
        printed = manifest.manifest_from_bytes(copy.canonical)
        assert all(set(row) <= set(copies.WHITELIST[kind]) for row in printed.rows)
        assert ("onward" in printed.columns) == (kind is PartyKind.RECEPTION)
        if kind is PartyKind.TRANSIT_STATE:
            assert printed.rows in ([], ())
            assert printed.counts["total"] == 6


def test_two_recipients_cannot_join_their_lists_by_the_reference(
    session: Session, coordinator: Actor, coordinator_2: Actor, bus: Movement
) -> None:
    build.release(session, coordinator, coordinator_2, bus.movement_id)
    seen: dict[str, set[str]] = {}
    for copy in session.exec(select(ManifestCopy).where(ManifestCopy.movement_id == bus.movement_id)).all():
        rows = manifest.manifest_from_bytes(copy.canonical).rows
        seen[f"{copy.recipient_kind}/{copy.recipient_id}"] = {row["ref"] for row in rows if "ref" in row}
    together = [ref for refs in seen.values() for ref in refs]
    assert len(together) == len(set(together)) == 6 * 7


def test_a_foreign_and_a_missing_movement_answer_alike(
    session: Session, coordinator: Actor, border_post: Actor, bus: Movement
) -> None:
    party = Party(kind=PartyKind.BORDER_POST, party_id="GT-HN-COR-B")
    answers = []
    for movement_id in (bus.movement_id, "M-NOTHERE000"):
        with pytest.raises(NotAllowed) as caught:
            manifest.copy_for(session, border_post, movement_id=movement_id, party=party)
        answers.append(str(caught.value))
    assert answers[0] == answers[1]
    assert confirmation.open_questions(session, coordinator, movement_id=bus.movement_id) == []
