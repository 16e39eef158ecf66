"""Every screen as each role: drawn without an error, the empty case included, in three languages, logged once."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace

import pytest
from sqlmodel import select
from streamlit.testing.v1 import AppTest

from retorno.database import Database
from retorno.labels import label
from retorno.models.movements import Closure, Offer, Plan
from retorno.models.office import AuditEntry, RoleGrant, User
from retorno.models.people import Case, Fitness, Person
from retorno.models.protection import Hold
from retorno.office import access, audit
from retorno.vocabulary import FitnessOutcome, HoldKind, Language, PersonStatus, Role
from tests import builders
from tests.builders import OfficeFixture
from tests.ui.views_harness import Opening, opener, press, shown
from ui import session
from ui.views import importing

SCRIPT = """
from ui import components, session
from ui.views import {name}

here = session.visit()
components.frame(here)
{name}.show()
"""

VIEWS: tuple[tuple[str, str], ...] = (
    ("home", "coordinator"),
    ("home", "consulate_hn"),
    ("home", "protection_1"),
    ("home", "health"),
    ("home", "administrator"),
    ("home", "auditor"),
    ("home", "monitor"),
    ("intake", "coordinator"),
    ("importing", "coordinator"),
    ("readiness", "coordinator"),
    ("readiness", "protection_1"),
    ("plan", "coordinator"),
    ("contingency", "coordinator"),
    ("offers", "coordinator"),
    ("closures", "coordinator"),
    ("confirmation", "coordinator"),
    ("manifest", "coordinator"),
    ("manifest", "protection_1"),
    ("consulate", "consulate_hn"),
    ("protection", "protection_1"),
    ("health", "health"),
    ("administration", "administrator"),
    ("audit", "auditor"),
    ("ground", "coordinator"),
    ("ground", "administrator"),
    ("statistics", "coordinator"),
    ("statistics", "monitor"),
    ("monitor", "monitor"),
)
"""View, and a login that may open it."""

EMPTY = {
    "importing": "view.import.empty",
    "readiness": "view.readiness.empty",
    "plan": "view.plan.empty",
    "contingency": "view.contingency.empty",
    "offers": "view.offers.empty",
    "closures": "view.closures.empty",
    "confirmation": "view.confirmation.empty",
    "manifest": "view.manifest.empty",
    "consulate": "view.consulate.empty",
    "protection": "view.protection.empty",
    "health": "view.health.empty",
    "ground": "view.ground.no_agreement",
    "statistics": "view.statistics.empty",
}
"""What a view says when it has nothing to show."""


@pytest.fixture
def open_view(database: Database, office: OfficeFixture) -> Iterator[Opening]:
    """Open a view in its frame: ``open_view("plan", "coordinator")``."""
    yield opener(database, office, SCRIPT)
    session.configure(database)


# ---- every view ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "login"), VIEWS)
def test_a_view_of_an_empty_office_says_what_to_do_next(open_view: Opening, name: str, login: str) -> None:
    page = open_view(name, login)

    assert not page.exception
    if name in EMPTY:
        assert label(EMPTY[name], Language.ES) in shown(page)
        assert label(f"{EMPTY[name]}.next", Language.ES) in shown(page)


@pytest.mark.parametrize(
    ("name", "login", "language"),
    [(*pair, (Language.EN, Language.FR)[i % 2]) for i, pair in enumerate(VIEWS) if pair[0] != "home"],
)
def test_a_view_speaks_the_language_of_the_user(
    open_view: Opening, database: Database, name: str, login: str, language: Language
) -> None:
    with database.transaction() as db:
        builders.make_person(db)

    page = open_view(name, login, language)

    assert not page.exception
    key = {"importing": "import"}.get(name, name)
    assert page.title[0].value == label(f"view.{key}.title", language)


def test_a_visitor_without_a_session_sees_only_the_way_to_sign_in(database: Database, office: OfficeFixture) -> None:
    session.configure(database, who=lambda _: None)

    page = AppTest.from_string(SCRIPT.format(name="readiness"), default_timeout=30).run()

    assert [warning.value for warning in page.warning] == [label("view.session_over", Language.ES)]
    assert not page.title


def test_a_disabled_user_is_stopped_at_the_next_run(
    open_view: Opening, database: Database, office: OfficeFixture
) -> None:
    page = open_view("readiness", "coordinator")
    with database.transaction() as db:
        user = db.get_one(User, office.user_ids["coordinator"])
        user.disabled_at = builders.NOW
        db.add(user)

    page.run()

    assert label("view.session_over", Language.ES) in shown(page)


@pytest.mark.parametrize(
    ("name", "login"), [("plan", "consulate_hn"), ("protection", "coordinator"), ("audit", "health")]
)
def test_a_view_of_another_role_shows_nothing_but_not_found(open_view: Opening, name: str, login: str) -> None:
    page = open_view(name, login)

    assert label("light.not_found", Language.ES) in shown(page)
    assert not page.get("table")


# ---- reading is logged once ------------------------------------------------------------------------------------------


def test_reading_names_is_logged_once_an_opening_and_not_at_every_run(open_view: Opening, database: Database) -> None:
    with database.transaction() as db:
        person = builders.make_person(db)

    page = open_view("health", "health")
    page.run()
    page.run()

    with database.reading() as db:
        rows = db.exec(select(AuditEntry).where(AuditEntry.act == "health.read")).all()
    assert [row.outcome for row in rows] == ["read"]
    assert person.person_id in rows[0].fields


# ---- coordinator -----------------------------------------------------------------------------------------------------


def test_readiness_says_what_is_missing_and_who_can_solve_it(open_view: Opening, database: Database) -> None:
    with database.transaction() as db:
        builders.make_person(db, ready=False)

    text = shown(open_view("readiness", "coordinator"))

    assert "2 cosas" in text or "cosas" in text
    assert label("role.protection", Language.ES) in text


def test_a_hold_is_only_not_available_for_a_coordinator(open_view: Opening, database: Database) -> None:
    with database.transaction() as db:
        person = builders.make_person(db)
        db.add(
            Hold(person_id=person.person_id, kind=HoldKind.ASYLUM, raised_by="U-X", raised_at=builders.NOW, note="n")
        )
        group_id = person.group_id

    page = open_view("readiness", "coordinator")
    page.selectbox(key="readiness.group").set_value(group_id).run()

    text = shown(page)
    assert "no disponible" in text
    assert label("hold.asylum", Language.ES) not in text


def test_withdrawal_is_one_step_that_repeats_the_name(open_view: Opening, database: Database) -> None:
    with database.transaction() as db:
        person = builders.make_person(db)
        case_id = db.exec(select(Case)).one().case_id

    page = press(open_view("intake", "coordinator", case=case_id), label("view.case.withdraw.return", Language.ES))
    assert any("Ana Invented" in warning.value for warning in page.warning)
    press(page, label("view.case.withdraw_do", Language.ES))

    with database.reading() as db:
        assert db.get_one(Person, person.person_id).status is PersonStatus.WITHDRAWN


def test_a_plan_is_asked_for_once_and_shown_as_waiting(open_view: Opening, database: Database) -> None:
    with database.transaction() as db:
        builders.make_person(db)
    page = open_view("plan", "coordinator")

    press(page, label("view.plan.find", Language.ES))

    assert not page.exception
    assert label("view.plan.waiting", Language.ES) in shown(page)
    with database.reading() as db:
        assert len(db.exec(select(Plan)).all()) == 1


def test_a_plan_that_starts_in_the_past_is_refused_in_the_users_words(open_view: Opening, database: Database) -> None:
    page = open_view("plan", "coordinator")
    page.text_input(key="plan.first").set_value("not a date").run()

    press(page, label("view.plan.find", Language.ES))

    assert "09/03/2027" in page.error[0].value
    with database.reading() as db:
        assert db.exec(select(Plan)).all() == []


def test_a_charter_is_entered_with_the_clock_of_each_place(open_view: Opening, database: Database) -> None:
    page = open_view("offers", "coordinator")
    page.selectbox(key="offer.mode").set_value("charter")
    page.text_input(key="offer.carrier").set_value("Invented Air")
    page.text_input(key="offer.flight_number").set_value("IA 101")
    page.number_input(key="offer.seats").set_value(52)
    page.selectbox(key="offer.origin_place_id").set_value("APT-TAP")
    page.selectbox(key="offer.destination_place_id").set_value("APT-SAP")
    page.text_input(key="offer.depart_day").set_value("10/03/2027")
    page.text_input(key="offer.depart_time").set_value("08:30")
    page.text_input(key="offer.arrive_day").set_value("10/03/2027")
    page.text_input(key="offer.arrive_time").set_value("10:15")
    press(page.run(), label("view.offers.save", Language.ES))

    assert not page.exception
    with database.reading() as db:
        offer = db.exec(select(Offer)).one()
    # Tapachula and San Pedro Sula are both six hours behind UTC in March.
    assert (offer.depart_at.hour, offer.depart_at.minute, offer.arrive_at.hour) == (14, 30, 16)
    assert offer.seats == 52


def test_a_closure_needs_a_source_and_is_reopened_after_a_question(open_view: Opening, database: Database) -> None:
    page = open_view("closures", "coordinator")
    page.selectbox(key="closure.id.crossing").set_value("GT-HN-COR").run()
    assert label("view.closures.do", Language.ES) not in [button.label for button in page.button]
    assert label("view.closures.fill_first", Language.ES) in [text.value for text in page.caption]

    page.text_input(key="closure.source").set_value("Aviso inventado").run()
    page = press(page, label("view.closures.do", Language.ES))
    with database.reading() as db:
        assert db.exec(select(Closure)).one().reopened_at is None

    reopen = label("view.closures.reopen", Language.ES)
    page = press(page, reopen)
    with database.reading() as db:
        assert db.exec(select(Closure)).one().reopened_at is None
    [button for button in page.button if button.label == reopen][-1].click().run()
    with database.reading() as db:
        assert db.exec(select(Closure)).one().reopened_at == builders.NOW


# ---- protection, health, administration, audit ----------------------------------------------------------------


def test_a_hold_is_lifted_by_two_officers_and_not_by_one(open_view: Opening, database: Database) -> None:
    with database.transaction() as db:
        person = builders.make_person(db)
        db.add(Hold(person_id=person.person_id, kind=HoldKind.COURT, raised_by="U-X", raised_at=builders.NOW))
        person_id = person.person_id

    page = open_view("protection", "protection_1", person=person_id)
    next(area for area in page.text_area if area.label == label("field.decision", Language.ES)).set_value("Auto 7")
    press(page.run(), label("view.protection.propose", Language.ES))
    assert label("view.protection.lift", Language.ES) not in [button.label for button in page.button]

    page = open_view("protection", "protection_2", person=person_id)
    press(press(page, label("view.protection.lift", Language.ES)), label("view.protection.lift", Language.ES))

    with database.reading() as db:
        hold = db.exec(select(Hold)).one()
    assert hold.lifted_at == builders.NOW
    assert hold.lift_proposed_by != hold.lifted_by


def test_health_records_an_outcome_and_needs_one_to_be_chosen(open_view: Opening, database: Database) -> None:
    with database.transaction() as db:
        person_id = builders.make_person(db, ready=False).person_id
    page = open_view("health", "health")
    page.selectbox(key="health.person").set_value(person_id).run()

    press(page, label("view.health.save", Language.ES))
    assert label("fault.EMPTY", Language.ES) in page.error[0].value

    page.radio(key=f"health.{person_id}.outcome").set_value(FitnessOutcome.FIT)
    press(page.run(), label("view.health.save", Language.ES))
    with database.reading() as db:
        assert db.exec(select(Fitness)).one().outcome is FitnessOutcome.FIT


def test_a_role_is_approved_by_another_administrator_only(
    open_view: Opening, database: Database, office: OfficeFixture
) -> None:
    with database.transaction() as db:
        db.add(
            RoleGrant(
                grant_id="RG-TEST",
                user_id=office.user_ids["health"],
                role=Role.ESCORT,
                scope="E-1",
                granted_by=office.user_ids["administrator"],
                granted_at=builders.NOW,
            )
        )

    page = open_view("administration", "administrator")
    assert label("view.administration.approve", Language.ES) not in [button.label for button in page.button]

    page = open_view("administration", "administrator_2")
    press(page, label("view.administration.approve", Language.ES))
    with database.reading() as db:
        assert db.get_one(RoleGrant, "RG-TEST").approved_by == office.user_ids["administrator_2"]


def test_a_number_of_a_rule_becomes_stricter_from_today(open_view: Opening, database: Database) -> None:
    page = open_view("administration", "administrator", show="numbers")
    page.selectbox(key="admin.number").set_value("notice_hours").run()
    page.text_input(key="admin.value.notice_hours").set_value("96").run()

    press(page, label("view.administration.set", Language.ES))

    assert not page.exception
    assert "96" in shown(page)


def test_the_auditor_sees_a_broken_chain(open_view: Opening, database: Database) -> None:
    with database.transaction() as db:
        audit.append(db, access.System(), act="session.open", object_kind="user", object_id="U-1")
    with database.engine.connect() as connection:
        connection.exec_driver_sql("COMMIT")
        triggers = connection.exec_driver_sql(
            "SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name = 'audit_entry'"
        ).all()
        for (name,) in triggers:
            connection.exec_driver_sql(f'DROP TRIGGER "{name}"')
        connection.exec_driver_sql("UPDATE audit_entry SET object_id = 'U-2' WHERE sequence = 1")
        connection.exec_driver_sql("BEGIN")

    text = shown(open_view("audit", "auditor", show="log"))

    assert "1" in text
    assert label("view.audit.broken", Language.ES, n=1) in text.replace("\\", "")


def test_a_likely_duplicate_of_a_sheet_is_named_in_the_language_of_the_visitor() -> None:
    row = SimpleNamespace(row=3, person=SimpleNamespace(given_names="Omar", family_names="Paz"))
    preview = SimpleNamespace(groups=(SimpleNamespace(rows=(row,)),))
    here = SimpleNamespace(t=lambda key, **words: label(key, Language.FR, **words))

    assert importing._who(here, preview, "row 3") == "ligne 3: Omar Paz"  # type: ignore[arg-type]
    assert importing._who(here, preview, "P-KNOWN") == "P-KNOWN"  # type: ignore[arg-type]
