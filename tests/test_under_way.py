"""Lists that only lose people, a list again for a vehicle on the road, escorts, and the story of a movement."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlmodel import Session, select

from retorno import changes, manifest
from retorno.confirmations import answers, confirmation
from retorno.confirmations.confirmation import Party
from retorno.errors import InputError, NotAllowed, Stale
from retorno.manifest import copies
from retorno.models.movements import Confirmation, ManifestCopy, Movement, Seat
from retorno.models.people import TravelGroup
from retorno.movements import movement_report
from retorno.movements.facts import view
from retorno.office import notices
from retorno.office.access import Actor
from retorno.papers.form import Manifest
from retorno.under_way import aboard, arrival
from retorno.vocabulary import AnswerReason, MovementStatus, PartyKind
from tests import builders
from tests import planning_builders as build
from tests.builders import NOW

Clock = Callable[[datetime], None]
CORINTO = Party(kind=PartyKind.BORDER_POST, party_id="GT-HN-COR-B")


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


def groups(session: Session, bus: Movement) -> list[str]:
    rows = session.exec(select(Seat.group_id).where(Seat.movement_id == bus.movement_id).distinct()).all()
    return sorted(row for row in rows if row)


def paper(session: Session, bus: Movement, party: Party = CORINTO) -> Manifest:
    copy = manifest.latest_copy(session, bus.movement_id, party)
    assert copy is not None
    return manifest.manifest_from_bytes(copy.canonical)


def void_under_way(session: Session, coordinator: Actor, bus: Movement) -> None:
    """One family leaves on the road while another no longer passes every rule: the list is void."""
    stays = build.members(session, groups(session, bus)[1])[0]
    fitness = session.exec(select(builders.Fitness).where(builders.Fitness.person_id == stays.person_id)).one()
    fitness.valid_until = NOW.date()
    session.add(fitness)
    session.flush()
    leaves = build.members(session, groups(session, bus)[0])[0]
    effect = changes.withdraw(session, coordinator, person_id=leaves.person_id)
    assert effect.voided == (bus.movement_id,)


# ---- removal versions ------------------------------------------------------------------------------------------


def test_a_removal_takes_rows_out_of_the_paper_before_and_changes_nothing_else(
    session: Session, coordinator: Actor, coordinator_2: Actor, bus: Movement
) -> None:
    build.release(session, coordinator, coordinator_2, bus.movement_id)
    before = paper(session, bus)
    leaving, corrected, other = groups(session, bus)
    renamed = build.members(session, corrected)[0]
    renamed.given_names = "Otro Nombre"
    session.add(renamed)
    session.flush()
    changes.withdraw(session, coordinator, person_id=build.members(session, leaving)[0].person_id)
    after = paper(session, bus)

    assert (after.version, after.supersedes, len(after.rows)) == (2, 1, 4)
    signed = {row["ref"]: {name: row[name] for name in row if name not in ("no", "group")} for row in before.rows}
    assert all(signed[row["ref"]] == {n: row[n] for n in row if n not in ("no", "group")} for row in after.rows)
    assert not any("Otro Nombre" in row["name"] for row in after.rows)
    # No gap in numbers or letters says who vanished.
    assert [row["no"] for row in after.rows] == ["1", "2", "3", "4"]
    assert [row["group"] for row in after.rows] == ["A", "A", "B", "B"]
    assert (after.posts, after.window, after.vehicle, after.crew) == (
        before.posts, before.window, before.vehicle, before.crew,
    )  # fmt: skip
    assert (after.counts["total"], before.counts["total"]) == (4, 6)
    # Two people sign the corrected name.
    build.issue(session, coordinator, coordinator_2, bus.movement_id)
    assert any("Otro Nombre" in row["name"] for row in paper(session, bus).rows)
    assert [group.group_id for group in confirmation.groups_of(session, bus.movement_id)] == [corrected, other]


def test_whoever_no_longer_takes_part_gets_an_empty_list(
    session: Session, coordinator: Actor, coordinator_2: Actor, bus: Movement
) -> None:
    escort = build.make_escort(session)
    build.seat_escort(session, bus, escort, None)
    build.release(session, coordinator, coordinator_2, bus.movement_id)
    theirs = Party(kind=PartyKind.ESCORT, party_id=escort.escort_id)
    assert len(paper(session, bus, theirs).rows) == 6
    changes.escort_unavailable(session, coordinator, escort_id=escort.escort_id)
    after = paper(session, bus, theirs)
    assert (after.version, len(after.rows)) == (2, 0)
    assert escort.name not in {member.name for member in paper(session, bus).crew}
    asked = {row.party_id for row in manifest.acknowledgements(session, bus.movement_id)}
    assert escort.escort_id not in asked


# ---- a list again on the road --------------------------------------------------------------------------------------


def test_a_vehicle_under_way_with_a_void_list_stays_under_way_and_two_people_give_it_a_list_again(
    session: Session, coordinator: Actor, coordinator_2: Actor, protection_1: Actor, bus: Movement, frozen_clock: Clock
) -> None:
    build.release(session, coordinator, coordinator_2, bus.movement_id)
    frozen_clock(bus.depart_at)
    arrival.depart(session, coordinator, movement_id=bus.movement_id)
    frozen_clock(bus.depart_at + timedelta(hours=1))
    void_under_way(session, coordinator, bus)
    assert build.status_of(session, bus.movement_id) is MovementStatus.DEPARTED
    assert manifest.current_version(session, bus.movement_id) is None
    # A family that was never signed for is given a seat by mistake: the list must not name it.
    added = build.make_family(session, adults=1)
    build.seat_group(session, bus, added)

    report = movement_report.report(session, coordinator, movement_id=bus.movement_id)
    assert report.is_without_list
    assert report.verdict is not None
    assert (report.verdict.stopping, bool(report.verdict.noted)) == ((), True)
    manifest.propose(session, coordinator, movement_id=bus.movement_id)
    with pytest.raises(NotAllowed):
        manifest.sign(session, coordinator, movement_id=bus.movement_id)
    with pytest.raises(NotAllowed):
        manifest.sign(session, coordinator_2, movement_id=bus.movement_id)
    made = manifest.sign(session, protection_1, movement_id=bus.movement_id)

    assert (made.version, made.person_count, made.is_removal_only, made.signed_by) == (
        2, 4, False, protection_1.user_id,
    )  # fmt: skip
    assert build.status_of(session, bus.movement_id) is MovementStatus.DEPARTED
    listed = paper(session, bus)
    assert len(listed.rows) == 4
    assert not any(added.group_id[-4:] in row["name"] for row in listed.rows)
    with pytest.raises(Stale):
        manifest.propose(session, coordinator, movement_id=bus.movement_id)


def test_nobody_who_withdrew_is_on_the_list_that_is_given_again(
    session: Session, coordinator: Actor, coordinator_2: Actor, protection_1: Actor, bus: Movement, frozen_clock: Clock
) -> None:
    build.release(session, coordinator, coordinator_2, bus.movement_id)
    frozen_clock(bus.depart_at)
    arrival.depart(session, coordinator, movement_id=bus.movement_id)
    void_under_way(session, coordinator, bus)
    manifest.propose(session, coordinator, movement_id=bus.movement_id)
    changes.withdraw(session, coordinator, person_id=build.members(session, groups(session, bus)[2])[0].person_id)
    with pytest.raises(Stale, match=r"nothing is proposed|changed since"):
        manifest.sign(session, protection_1, movement_id=bus.movement_id)


# ---- notices to sign -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("end", ["signed", "removal", "cancelled"])
def test_a_notice_to_sign_goes_once_there_is_nothing_to_sign(
    session: Session, coordinator: Actor, coordinator_2: Actor, bus: Movement, end: str
) -> None:
    build.confirm_all(session, coordinator, bus.movement_id)
    manifest.propose(session, coordinator, movement_id=bus.movement_id)
    manifest.propose(session, coordinator, movement_id=bus.movement_id)  # a second click
    waiting = [each.code for each in notices.waiting_for(session, coordinator_2)]
    assert waiting.count("manifest.to_sign") == 1
    assert manifest.signers(session, coordinator, movement_id=bus.movement_id) == [coordinator_2.display_name]
    if end == "signed":
        manifest.sign(session, coordinator_2, movement_id=bus.movement_id)
    elif end == "removal":
        person = build.members(session, groups(session, bus)[0])[0]
        manifest.sign(session, coordinator_2, movement_id=bus.movement_id)
        manifest.propose(session, coordinator, movement_id=bus.movement_id)
        changes.withdraw(session, coordinator, person_id=person.person_id)
    else:
        changes.cancel_movement(session, coordinator, movement_id=bus.movement_id)
    assert "manifest.to_sign" not in [each.code for each in notices.waiting_for(session, coordinator_2)]


def test_a_preview_is_what_the_copies_say(
    session: Session, coordinator: Actor, coordinator_2: Actor, bus: Movement
) -> None:
    build.confirm_all(session, coordinator, bus.movement_id)
    shown = {each.party: each.manifest for each in manifest.preview(session, coordinator, movement_id=bus.movement_id)}
    build.issue(session, coordinator, coordinator_2, bus.movement_id)
    made = session.exec(select(ManifestCopy).where(ManifestCopy.movement_id == bus.movement_id)).all()
    assert len(made) == len(shown) == 8
    for copy in made:
        printed = manifest.manifest_from_bytes(copy.canonical)
        before = shown[Party(kind=copy.recipient_kind, party_id=copy.recipient_id)]
        assert [dict(row) for row in printed.rows] == [dict(row) for row in before.rows]
        assert tuple(printed.columns) == tuple(before.columns) == copies.WHITELIST[copy.recipient_kind]


# ---- escorts -----------------------------------------------------------------------------------------------------


def test_an_escort_is_named_once_asked_and_signed_for_again(
    session: Session, coordinator: Actor, coordinator_2: Actor, bus: Movement
) -> None:
    build.confirm_all(session, coordinator, bus.movement_id)
    build.issue(session, coordinator, coordinator_2, bus.movement_id)
    escort = build.make_escort(session)
    for _ in range(2):
        aboard.assign_escort(session, coordinator, movement_id=bus.movement_id, escort_id=escort.escort_id)
    seats = session.exec(select(Seat).where(Seat.escort_id == escort.escort_id)).all()
    assert [(seat.board, seat.alight, seat.for_group_id) for seat in seats] == [(0, 1, None)]
    # The escort has not said yes, and the list does not name them.
    assert build.status_of(session, bus.movement_id) is MovementStatus.ACCEPTED
    build.confirm_all(session, coordinator, bus.movement_id)
    build.issue(session, coordinator, coordinator_2, bus.movement_id)
    assert escort.name in {member.name for member in paper(session, bus).crew}


def test_an_escort_takes_anothers_place_with_the_child(
    session: Session, coordinator: Actor, protection_1: Actor
) -> None:
    first, second, ill = (build.make_escort(session) for _ in range(3))
    ill.is_available = False
    session.add(ill)
    child = build.make_child_alone(
        session, builders.make_group(session, destination_place_id="APT-SAP"), escorts=[first, second]
    )
    flight = build.make_flight(session)
    build.seat_group(session, flight, session.get_one(TravelGroup, child.group_id), escorts=[first])
    with pytest.raises(InputError, match="unavailable"):
        aboard.assign_escort(
            session, coordinator, movement_id=flight.movement_id, escort_id=ill.escort_id, instead_of=first.escort_id
        )
    seat = aboard.assign_escort(
        session, protection_1, movement_id=flight.movement_id, escort_id=second.escort_id, instead_of=first.escort_id
    )
    assert seat.for_group_id == child.group_id
    assert [each.escort.escort_id for each in view(session, flight.movement_id).escorts] == [second.escort_id]
    choices = aboard.escort_choices(session, coordinator, movement_id=flight.movement_id)
    assert [(each.escort.escort_id, each.why_not) for each in choices][-1] == (ill.escort_id, "unavailable")
    groups_aboard = aboard.accompanied_groups(session, coordinator, movement_id=flight.movement_id)
    assert [(each.names, each.is_child_alone) for each in groups_aboard] == [(("Niña Sola Inventada",), True)]


def test_an_escort_cannot_be_on_two_movements_at_once_or_without_a_seat(
    session: Session, coordinator: Actor, bus: Movement
) -> None:
    escort = build.make_escort(session)
    other = build.make_bus(session)
    aboard.assign_escort(session, coordinator, movement_id=other.movement_id, escort_id=escort.escort_id)
    with pytest.raises(InputError, match="elsewhere"):
        aboard.assign_escort(session, coordinator, movement_id=bus.movement_id, escort_id=escort.escort_id)
    full = build.make_flight(session, capacity=1)
    build.seat_group(session, full, build.make_family(session, adults=1, destination_place_id="APT-SAP"))
    with pytest.raises(InputError, match="no seat"):
        aboard.assign_escort(
            session, coordinator, movement_id=full.movement_id, escort_id=build.make_escort(session).escort_id
        )


# ---- the story, and who has not answered -----------------------------------------------------------------------------


def test_the_story_of_a_movement_tells_everything_in_order_and_no_cause(
    session: Session, coordinator: Actor, coordinator_2: Actor, bus: Movement, frozen_clock: Clock
) -> None:
    build.confirm_all(session, coordinator, bus.movement_id)
    frozen_clock(NOW + timedelta(hours=1))
    build.issue(session, coordinator, coordinator_2, bus.movement_id)
    frozen_clock(NOW + timedelta(hours=2))
    build.acknowledge_all(session, coordinator, bus.movement_id)
    manifest.release(session, coordinator, movement_id=bus.movement_id)
    frozen_clock(NOW + timedelta(hours=3))
    changes.withdraw(session, coordinator, person_id=build.members(session, groups(session, bus)[0])[0].person_id)
    report = movement_report.report(session, coordinator, movement_id=bus.movement_id)
    told = [event.words.get("act_key", event.code) for event in report.events]
    assert list(dict.fromkeys(told)) == [
        "asked", "answered", "answered_people", "act.manifest.propose", "issued", "acknowledged",
        "act.manifest.release", "not_travelling", "removal",
    ]  # fmt: skip
    assert told.count("acknowledged") == 7
    left = next(event for event in report.events if event.code == "not_travelling")
    assert (left.words["n"], set(left.words)) == ("2", {"n", "names"})
    assert [event.at for event in report.events] == sorted(event.at for event in report.events)
    assert {row.manifest_version for row in report.earlier_acknowledgements} == {1}


def test_the_most_urgent_question_comes_first_and_a_no_says_what_now(
    session: Session, coordinator: Actor, bus: Movement, border_post: Actor, frozen_clock: Clock
) -> None:
    later = build.make_bus(session, depart_at=build.LAND_DEPART + timedelta(days=2))
    build.seat_group(session, later, build.make_family(session, adults=1))
    assert confirmation.request_all(session, coordinator) == (7 + 6) + (7 + 1)
    assert confirmation.request_all(session, coordinator) == 0
    asking = answers.asking(session, coordinator)
    assert [one.movement.movement_id for one in asking] == [bus.movement_id, later.movement_id]
    assert {each.person_name.split(" ")[0] for each in asking[0].waiting if each.person_name} == {"Adulta"}
    reachable = {each.question.party_id for each in asking[0].waiting if each.has_account}
    assert reachable == {"HN", "GT-HN-COR-B", "HN-CAMR-OMOA"}

    post = next(each.question for each in asking[0].waiting if each.question.party_id == "GT-HN-COR-B")
    changes.decline(session, border_post, confirmation_id=post.confirmation_id, reason=AnswerReason.CLOSED_THAT_DAY)
    refused = answers.refusals(session, coordinator)
    assert [(each.movement.movement_id, each.question.reason) for each in refused] == [
        (bus.movement_id, AnswerReason.CLOSED_THAT_DAY)
    ]
    assert [one.movement.movement_id for one in answers.asking(session, coordinator)] == [later.movement_id]
    frozen_clock(NOW + timedelta(days=8))
    assert answers.refusals(session, coordinator) == []


def test_a_no_is_shown_until_the_last_group_it_stopped_has_another_journey(
    session: Session, coordinator: Actor, bus: Movement, border_post: Actor
) -> None:
    confirmation.request_confirmations(session, coordinator, movement_id=bus.movement_id)
    question = session.exec(select(Confirmation).where(Confirmation.party_id == "GT-HN-COR-B")).one()
    stopped = groups(session, bus)
    changes.decline(session, border_post, confirmation_id=question.confirmation_id, reason=AnswerReason.CLOSED_THAT_DAY)
    other = build.make_bus(session, depart_at=build.LAND_DEPART + timedelta(days=2))
    for group_id in stopped[:2]:
        build.seat_group(session, other, session.get_one(TravelGroup, group_id))
    assert len(answers.refusals(session, coordinator)) == 1
    build.seat_group(session, other, session.get_one(TravelGroup, stopped[2]))
    assert answers.refusals(session, coordinator) == []
