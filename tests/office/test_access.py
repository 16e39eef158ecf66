"""Access: the matrix by samples, foreign like nonexistent, own nationals, windows, what a finding may say."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest
from sqlmodel import Session, select

from retorno.database import Database
from retorno.errors import NotAllowed
from retorno.models.movements import Movement
from retorno.models.office import AuditEntry, RoleGrant
from retorno.models.people import Person
from retorno.models.protection import Hold
from retorno.office import access
from retorno.office.access import ACTS, Actor
from retorno.rules import RuleCode, finding
from retorno.vocabulary import ConsentPurpose, HoldKind, Role
from tests import builders
from tests import planning_builders as build
from tests.builders import NOW, OfficeFixture

Clock = Callable[[datetime], None]

MAY: dict[str, set[str]] = {
    "intake.register": {"coordinator"},
    "intake.read": {"coordinator", "protection_1"},
    "protection.read": {"protection_1"},
    "protection.lift": {"protection_1", "health"},
    "health.record": {"health"},
    "planning.accept": {"coordinator"},
    "movement.read": {"coordinator", "protection_1", "health", "auditor"},
    "confirmation.consulate": {"consulate_hn"},
    "confirmation.party": {"border_post", "reception", "escort"},
    "manifest.propose": {"coordinator"},
    "manifest.sign": {"coordinator", "protection_1"},
    "manifest.acknowledge": {"border_post", "reception", "escort"},
    "manifest.release": {"coordinator"},
    "arrival.record": {"coordinator", "border_post", "reception", "escort"},
    "changes.withdraw": {"coordinator", "protection_1", "health", "escort"},
    "changes.hold": {"coordinator", "protection_1", "health", "escort"},
    "admin.users": {"administrator"},
    "audit.read": {"auditor"},
    "statistics.read": {"coordinator", "monitor"},
}
"""Written out from access.md, section 1, not from the code."""

EVERYBODY = (
    "coordinator", "protection_1", "health", "administrator", "consulate_hn", "border_post", "reception", "escort",
    "auditor", "monitor",
)  # fmt: skip


@pytest.fixture
def actors(session: Session, office: OfficeFixture) -> dict[str, Actor]:
    return {login: access.load_actor(session, office.user_ids[login]) for login in EVERYBODY}


@pytest.mark.parametrize("act", sorted(MAY))
def test_each_act_is_open_to_its_roles_and_to_nobody_else(session: Session, actors: dict[str, Actor], act: str) -> None:
    allowed = set()
    for login, actor in actors.items():
        with suppress(NotAllowed):
            access.require(session, actor, act)
            allowed.add(login)
    assert allowed == MAY[act]


def test_what_is_not_in_the_matrix_is_refused_to_everybody(session: Session, actors: dict[str, Actor]) -> None:
    for actor in actors.values():
        with pytest.raises(NotAllowed):
            access.require(session, actor, "everything.delete")


def test_administrators_and_consulates_share_no_act_with_protection() -> None:
    for act, roles in ACTS.items():
        if act.startswith("protection."):
            assert roles <= {Role.PROTECTION, Role.HEALTH}
        if Role.ADMINISTRATOR in roles:
            assert act.startswith("admin.")
        if Role.CONSULATE in roles:
            assert act in ("confirmation.consulate", "manifest.receive", "file.offline")


@pytest.mark.parametrize("what", ["person", "group", "case", "movement"])
def test_foreign_and_nonexistent_give_the_same_answer(session: Session, actors: dict[str, Actor], what: str) -> None:
    builders.make_office(session, office_id="Z-OTHER")
    case = builders.make_case(session, office_id="Z-OTHER")
    group = builders.make_group(session, case)
    person = builders.make_person(session, group)
    bus = build.make_bus(session, office_id="Z-OTHER")
    key = f"{what}_id"
    foreign = {"person": person.person_id, "group": group.group_id, "case": case.case_id, "movement": bus.movement_id}
    act = "movement.update" if what == "movement" else "intake.update"
    answers = []
    for row_id in (foreign[what], "X-NOTHERE000", ""):
        with pytest.raises(NotAllowed) as caught:
            access.require(session, actors["coordinator"], act, **{key: row_id})
        answers.append((type(caught.value), str(caught.value)))
    assert len(set(answers)) == 1


def test_a_right_is_read_from_the_database_in_every_call(
    session: Session, actors: dict[str, Actor], office: OfficeFixture
) -> None:
    person = builders.make_person(session)
    coordinator = actors["coordinator"]
    access.require(session, coordinator, "intake.read", person_id=person.person_id)
    grant = session.exec(select(RoleGrant).where(RoleGrant.user_id == coordinator.user_id)).one()
    grant.revoked_at = NOW
    session.add(grant)
    session.flush()
    with pytest.raises(NotAllowed):
        access.require(session, coordinator, "intake.read", person_id=person.person_id)


def test_a_role_that_nobody_approved_or_that_ended_is_no_role(session: Session, office: OfficeFixture) -> None:
    user_id = office.user_ids["monitor"]
    for fields in (
        {"approved_by": None, "approved_at": None},
        {"approved_by": "U-2", "approved_at": NOW, "valid_until": date(2027, 2, 28)},
        {"approved_by": "U-2", "approved_at": NOW, "revoked_at": NOW},
    ):
        session.add(RoleGrant(user_id=user_id, role=Role.COORDINATOR, granted_by="U-1", granted_at=NOW, **fields))
    session.flush()
    assert not access.load_actor(session, user_id).has(Role.COORDINATOR)


# ---- own nationals --------------------------------------------------------------------------------------------


def listed(session: Session, country: str = "HN") -> set[str]:
    return set(access.consular_person_ids(session, (country,)))


def test_a_consulate_may_know_its_own_nationals_who_agreed(session: Session) -> None:
    agreed = builders.make_person(session)
    neighbour = builders.make_person(session, nationality="GT")
    silent = builders.make_person(session, ready=False)
    withdrawn = builders.make_person(session)
    expired = builders.make_person(session, ready=False)
    builders.make_consent(session, expired, purpose=ConsentPurpose.CONSULAR_CONTACT, expires_on=date(2027, 2, 28))
    row = next(
        consent
        for consent in session.exec(select(builders.Consent)).all()
        if consent.person_id == withdrawn.person_id and consent.purpose is ConsentPurpose.CONSULAR_CONTACT
    )
    row.withdrawn_at = NOW
    session.add(row)
    session.flush()
    assert listed(session) == {agreed.person_id}
    assert listed(session, "GT") == {neighbour.person_id}
    assert silent.person_id not in listed(session)


def hold(session: Session, person: Person, *, is_lifted: bool) -> Hold:
    made = Hold(person_id=person.person_id, kind=HoldKind.FEAR, raised_by="U-1", raised_at=NOW - timedelta(days=4))
    if is_lifted:
        made.lift_proposed_by, made.lifted_by, made.lift_decision = "U-2", "U-3", "Resolución"
        made.lifted_at = NOW - timedelta(days=2)
    session.add(made)
    session.flush()
    return made


@pytest.mark.parametrize("is_lifted", [False, True])
def test_whoever_is_or_ever_was_under_a_hold_is_never_told_of(session: Session, is_lifted: bool) -> None:
    person = builders.make_person(session)
    hold(session, person, is_lifted=is_lifted)
    assert listed(session) == set()


@pytest.mark.parametrize(
    ("given_days_ago", "witness", "recorded_by", "is_told"),
    [
        (1, "U-TAPACHULA-protection_1", "U-TAPACHULA-protection_1", True),
        (3, "U-TAPACHULA-protection_1", "U-TAPACHULA-protection_1", False),  # before the hold was lifted
        (1, "", "U-TAPACHULA-protection_1", False),
        (1, "Somebody", "U-TAPACHULA-coordinator", False),  # any witness will not do
    ],
)
def test_only_a_later_consent_that_protection_witnessed_opens_a_person_again(
    session: Session, given_days_ago: int, witness: str, recorded_by: str, is_told: bool
) -> None:
    person = builders.make_person(session)
    hold(session, person, is_lifted=True)
    given = NOW - timedelta(days=given_days_ago)
    builders.make_consent(
        session, person, purpose=ConsentPurpose.CONSULAR_CONTACT, counselled_at=given, given_at=given,
        witness=witness, recorded_by=recorded_by,
    )  # fmt: skip
    assert (person.person_id in listed(session)) is is_told


def test_a_witnessed_consent_does_not_outweigh_an_open_hold(session: Session) -> None:
    person = builders.make_person(session)
    hold(session, person, is_lifted=False)
    builders.make_consent(
        session, person, purpose=ConsentPurpose.CONSULAR_CONTACT, counselled_at=NOW, given_at=NOW,
        witness="U-TAPACHULA-protection_1", recorded_by="U-TAPACHULA-protection_1",
    )  # fmt: skip
    assert listed(session) == set()


# ---- windows --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("notice", "hours"), [(0, 48), (24, 48), (25, 49), (72, 96), (96, 120), (200, 120)])
def test_the_window_opens_by_the_notice_never_earlier_than_five_days(notice: int, hours: int) -> None:
    assert access.opens_at(build.LAND_DEPART, notice) == build.LAND_DEPART - timedelta(hours=hours)


def test_posts_and_reception_see_published_movements_at_their_place_in_their_window(
    session: Session, actors: dict[str, Actor], coordinator: Actor, coordinator_2: Actor, tmp_path: Path,
    frozen_clock: Clock,
) -> None:  # fmt: skip
    build.use_keys(tmp_path)
    bus = build.make_bus(session)
    build.seat_group(session, bus, build.make_family(session, adults=1))
    hidden = build.make_bus(session)
    build.seat_group(session, hidden, build.make_family(session, adults=1))
    build.release(session, coordinator, coordinator_2, bus.movement_id)

    def seen(login: str, role: Role) -> set[str]:
        rows = session.exec(select(Movement.movement_id).where(access.movements_of(actors[login], role))).all()
        return set(rows)

    assert seen("border_post", Role.BORDER_POST) == set()
    frozen_clock(bus.depart_at - timedelta(hours=96))
    for login, role in (("border_post", Role.BORDER_POST), ("reception", Role.RECEPTION)):
        assert seen(login, role) == {bus.movement_id}
    assert seen("escort", Role.ESCORT) == set()
    frozen_clock(bus.arrive_at + timedelta(hours=24, microseconds=1))
    assert seen("border_post", Role.BORDER_POST) == set()


# ---- findings and refusals ------------------------------------------------------------------------------------


def test_a_coordinator_reads_one_word_for_holds_screenings_and_reviews(
    session: Session, actors: dict[str, Actor]
) -> None:
    found = [
        finding(RuleCode.NOT_FIT, person_id="P-1", group_id="G-1"),
        finding(RuleCode.ON_HOLD, person_id="P-2", group_id="G-1"),
        finding(RuleCode.NO_CONSENT, person_id="P-3", group_id="G-1"),
    ]
    shown = access.visible_findings(found, actors["coordinator"])
    by_person = {each.person_id: (each.code, each.rule) for each in shown}
    assert by_person["P-1"] == by_person["P-2"] == (RuleCode.NOT_AVAILABLE, None)
    assert by_person["P-3"][0] is RuleCode.NO_CONSENT
    assert access.visible_findings(found, actors["protection_1"]) == found


def test_a_refusal_is_logged_on_its_own_and_the_act_leaves_nothing(database: Database, office: OfficeFixture) -> None:
    def register() -> None:
        with access.acting(database, office.user_ids["auditor"], "intake.register") as (session, actor):
            builders.make_person(session)
            access.require(session, actor, "intake.register")

    with pytest.raises(NotAllowed):
        register()
    with database.transaction() as session:
        entries = session.exec(select(AuditEntry)).all()
        assert [(entry.act, entry.outcome, entry.actor_id) for entry in entries] == [
            ("intake.register", "refused", office.user_ids["auditor"])
        ]
        assert session.exec(select(Person)).all() == []
