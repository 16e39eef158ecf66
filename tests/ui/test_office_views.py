"""Administration, protection, health, oversight and statistics as their users: by two, with reasons, without names."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta

from sqlmodel import select
from streamlit.testing.v1 import AppTest

from retorno.database import Database
from retorno.labels import label
from retorno.models.movements import AgreementConfirmation, Escort, HoursSetting, PolicySetting, Vehicle
from retorno.models.office import Notice, RoleGrant, StatisticRelease, User
from retorno.models.people import Fitness, Person
from retorno.models.protection import Hold
from retorno.office import access, accounts, audit
from retorno.supply import ground_acts
from retorno.supply.crew import Duty
from retorno.vocabulary import FitnessOutcome, HoldKind, Language, Role, Sex
from tests import builders
from tests.builders import OfficeFixture
from tests.test_ground_acts import TERMS
from tests.test_statistics import a_month
from tests.ui.views_harness import Opening, press, shown

ES = Language.ES


def buttons(page: AppTest) -> list[str]:
    """Words of every button on the page."""
    return [button.label for button in page.button]


def twice(page: AppTest, text: str) -> AppTest:
    """Ask for an act that cannot be undone, and confirm it."""
    return press(press(page, text), text)


# ---- administration ---------------------------------------------------------------------------------------------


def test_a_role_that_may_not_stand_beside_another_is_refused_in_words(
    open_view: Opening, office: OfficeFixture
) -> None:
    page = open_view("administration", "administrator", show="users")
    page.selectbox(key="admin.grant.user").set_value(office.user_ids["coordinator"])
    page.selectbox(key="admin.grant.role").set_value(Role.PROTECTION)

    press(page.run(), label("view.administration.ask", ES))

    assert label("fault.DUTIES", ES) in page.error[0].value.replace("\\", "")


def test_nobody_changes_their_own_account(open_view: Opening, office: OfficeFixture) -> None:
    page = open_view("administration", "administrator", show="users")

    assert not any("administrator.Z-" in each for each in page.selectbox(key="admin.one").options)
    assert any("administrator_2" in each for each in page.selectbox(key="admin.one").options)


def test_a_new_password_is_shown_once_and_the_user_is_told(
    open_view: Opening, database: Database, office: OfficeFixture
) -> None:
    user_id = office.user_ids["coordinator"]
    page = open_view("administration", "administrator", show="users")
    page.selectbox(key="admin.one").set_value(user_id).run()
    press(page, label("view.administration.reset", ES))
    press(page, label("view.administration.reset_do", ES))

    password = page.code[0].value
    with database.reading() as db:
        user = db.get_one(User, user_id)
        assert accounts.verify_password(user.password_hash, password)
        assert user.session_epoch == 2
        assert [row.code for row in db.exec(select(Notice)).all()] == ["account.password"]
    press(page, label("view.administration.password_seen", ES))
    assert not page.code


def test_a_grant_can_be_refused_by_the_second_administrator(
    open_view: Opening, database: Database, office: OfficeFixture
) -> None:
    with database.transaction() as db:
        actor = access.load_actor(db, office.user_ids["administrator"])
        accounts.grant_role(db, actor, user_id=office.user_ids["health"], role=Role.ESCORT, scope="E-1")

    press(open_view("administration", "administrator_2"), label("view.administration.refuse", ES))

    with database.reading() as db:
        grant = db.exec(select(RoleGrant).where(RoleGrant.scope == "E-1")).one()
    assert grant.revoked_at == builders.NOW
    assert grant.approved_by is None


def test_the_floor_of_a_number_is_explained_before_it_is_set(open_view: Opening) -> None:
    page = open_view("administration", "administrator", show="numbers")
    page.selectbox(key="admin.number").set_value("screening_valid_days").run()

    assert label("view.administration.floor", ES, n="30 días") in shown(page).replace("\\", "")
    assert "1–30 días" in shown(page)
    page.text_input(key="admin.value.screening_valid_days").set_value("31").run()
    press(page, label("view.administration.set", ES))
    assert label("fault.POLICY_RANGE", ES) in page.error[0].value.replace("\\", "")


def test_a_time_of_day_is_set_as_a_time(open_view: Opening, database: Database) -> None:
    page = open_view("administration", "administrator", show="numbers")
    page.selectbox(key="admin.number").set_value("latest_arrival_min").run()
    assert page.text_input(key="admin.value.latest_arrival_min").value == "19:00"
    page.text_input(key="admin.value.latest_arrival_min").set_value("18:30").run()

    press(page, label("view.administration.set", ES))

    with database.reading() as db:
        assert db.exec(select(PolicySetting)).one().value == 18 * 60 + 30


def test_the_first_run_list_says_what_the_office_still_needs(open_view: Opening) -> None:
    text = shown(open_view("administration", "administrator", show="needs"))

    assert label("view.administration.unmet.agreement", ES) in text
    assert label("view.administration.met", ES) in text


def test_hours_are_recorded_with_a_source_and_taken_back(open_view: Opening, database: Database) -> None:
    page = open_view("ground", "administrator", show="hours")
    page.selectbox(key="hours.new.post").set_value("GT-HN-COR-B")
    page.text_input(key="hours.new.open").set_value("08:00")
    page.text_input(key="hours.new.close").set_value("16:00")
    press(page.run(), label("view.ground.hours_do", ES))
    assert label("fault.EMPTY", ES) in page.error[0].value

    page.text_input(key="hours.new.source").set_value("Aviso inventado")
    press(page.run(), label("view.ground.hours_do", ES))
    assert "08:00–16:00" in shown(page)
    with database.reading() as db:
        hours_id = db.exec(select(HoursSetting)).one().hours_id

    page.selectbox(key="hours.back").set_value(hours_id).run()
    twice(page, label("view.ground.take_back", ES))
    with database.reading() as db:
        assert db.exec(select(HoursSetting)).one().revoked_at == builders.NOW


def test_an_agreement_that_ends_soon_is_shown_first_and_taken_back_with_its_facts(
    open_view: Opening, database: Database, office: OfficeFixture
) -> None:
    with database.transaction() as db:
        actor = access.load_actor(db, office.user_ids["coordinator"])
        soon = AgreementConfirmation(
            mode="land",
            from_country="GT",
            to_country="HN",
            confirmed_with="Ana Invented",
            confirmed_by="César Invented",
            confirmed_at=builders.NOW,
            valid_from=date(2027, 1, 1),
            valid_until=date(2027, 3, 5),
        )
        db.add(soon)
        ground_acts.confirm_agreement(db, actor, terms=TERMS)
        db.flush()
        soon_id = soon.confirmation_id

    page = open_view("ground", "coordinator")
    assert page.radio[0].value == "soon"
    page.selectbox(key="agreement.back").set_value(soon_id).run()
    press(page, label("view.ground.take_back", ES))
    assert "Ana Invented" in page.warning[-1].value
    press(page, label("view.ground.take_back", ES))

    with database.reading() as db:
        assert db.get_one(AgreementConfirmation, soon_id).revoked_at == builders.NOW


def test_a_coordinator_registers_a_vehicle_and_withdraws_it(open_view: Opening, database: Database) -> None:
    page = open_view("offers", "coordinator", show="vehicles")
    page.text_input(key="vehicle.new.plate").set_value("ABC 123")
    page.text_input(key="vehicle.new.operator").set_value("Invented Lines")
    page.selectbox(key="vehicle.new.type").set_value("coach")
    page.selectbox(key="vehicle.new.depot").set_value("MX-TAPACHULA")
    for name in ("licence_until", "insurance_until", "inspection_until"):
        page.text_input(key=f"vehicle.new.{name}").set_value("31/12/2027")
    press(page.run(), label("view.offers.save_vehicle", ES))
    with database.reading() as db:
        vehicle_id = db.exec(select(Vehicle)).one().vehicle_id

    page.selectbox(key="vehicle.withdraw").set_value(vehicle_id).run()
    twice(page, label("view.offers.withdraw_do", ES))
    with database.reading() as db:
        assert db.exec(select(Vehicle)).one().available_until == builders.NOW.date()


# ---- protection and health --------------------------------------------------------------------------------------


def test_who_proposed_to_lift_a_hold_is_told_why_they_cannot_sign(open_view: Opening, database: Database) -> None:
    with database.transaction() as db:
        person_id = builders.make_person(db).person_id
        db.add(
            Hold(
                person_id=person_id,
                kind=HoldKind.COURT,
                raised_by="U-X",
                raised_at=builders.NOW,
                lift_proposed_by="U-TAPACHULA-protection_1",
                lift_proposed_at=builders.NOW,
                lift_decision="Auto 7",
                review_on=date(2027, 3, 1),
            )
        )

    page = open_view("protection", "protection_1", person=person_id)

    text = shown(page).replace("\\", "")
    assert page.radio[0].value == "holds"
    assert label("view.protection.second_hold", ES) in text
    assert label("view.protection.due", ES) in text
    assert label("view.protection.lift", ES) not in buttons(page)
    assert label("view.protection.propose", ES) not in buttons(page)


def test_age_in_doubt_and_old_screenings_have_their_own_lists(open_view: Opening, database: Database) -> None:
    with database.transaction() as db:
        group = builders.make_group(db)
        builders.make_person(db, group, is_age_in_doubt=True, given_names="Duda")
        builders.make_person(db, group, ready=False, given_names="Nunca")

    doubt = shown(open_view("protection", "protection_1", show="doubt"))
    screenings = shown(open_view("protection", "protection_1", show="screenings"))

    assert "Duda" in doubt
    assert "Nunca" not in doubt
    assert "Nunca" in screenings
    assert "Duda" not in screenings


def test_health_shows_first_who_is_due_and_finds_a_person_by_name(open_view: Opening, database: Database) -> None:
    with database.transaction() as db:
        group = builders.make_group(db)
        for number in range(12):
            builders.make_person(db, group, ready=False, given_names=f"Persona {number:02d}")
        builders.make_person(db, group, given_names="Revisada")

    page = open_view("health", "health")
    assert "Revisada" not in shown(page)
    page.text_input(key="search.health").set_value("persona 07").run()

    assert "Persona 07" in shown(page)
    assert "Persona 08" not in shown(page)


def test_a_medical_stop_is_asked_with_its_facts_before_it_is_done(open_view: Opening, database: Database) -> None:
    with database.transaction() as db:
        person_id = builders.make_person(db).person_id
    page = open_view("health", "health", show="everyone")
    page.selectbox(key="health.person").set_value(person_id).run()
    page.radio(key=f"health.{person_id}.outcome").set_value(FitnessOutcome.NOT_NOW).run()

    press(page, label("view.health.stop", ES))
    assert "Ana Invented" in page.warning[0].value
    press(page, label("view.health.stop", ES))

    with database.reading() as db:
        rows = db.exec(select(Fitness).where(Fitness.person_id == person_id)).all()
    assert FitnessOutcome.NOT_NOW in {row.outcome for row in rows}


# ---- oversight and statistics -----------------------------------------------------------------------------------


def test_the_auditor_filters_by_a_day_and_is_told_of_a_date_that_is_none(
    open_view: Opening, database: Database
) -> None:
    with database.transaction() as db:
        audit.append(db, access.System(), act="planning.stop", object_kind="plan", object_id="L-TEST")

    page = open_view("audit", "auditor")
    assert "L-TEST" in shown(page)
    page.text_input(key="audit.until").set_value("28/02/2027").run()
    assert "L-TEST" not in shown(page)
    page.text_input(key="audit.until").set_value("gestern").run()
    assert label("fault.NO_DATE", ES) in page.error[0].value.replace("\\", "")


def test_a_printed_hash_that_the_log_does_not_hold_is_explained(open_view: Opening) -> None:
    page = open_view("audit", "auditor", show="log")
    page.text_input(key="audit.anchor").set_value("f" * 64).run()

    assert label("view.audit.not_anchored", ES) in page.error[0].value.replace("\\", "")


def test_a_month_is_published_once_and_then_read_by_the_monitor(
    open_view: Opening, database: Database, office: OfficeFixture
) -> None:
    with database.transaction() as db:
        a_month(db)

    page = open_view("statistics", "coordinator")
    press(page, label("view.statistics.publish", ES))
    press(page, label("view.statistics.publish_do", ES, month="enero de 2027"))
    with database.reading() as db:
        assert db.exec(select(StatisticRelease)).one().month == "2027-01"

    text = shown(open_view("statistics", "monitor"))
    assert ">47<" in text
    assert "·" in text
    assert "Ana" not in text


def test_a_month_that_is_too_young_says_from_when(
    open_view: Opening, database: Database, frozen_clock: Callable[[datetime], None]
) -> None:
    with database.transaction() as db:
        a_month(db)
    frozen_clock(builders.NOW - timedelta(days=1))

    page = open_view("statistics", "coordinator")

    assert "1 mar 2027" in page.info[0].value
    assert label("view.statistics.publish", ES) not in buttons(page)


def test_a_monitor_sees_no_name_anywhere(open_view: Opening, database: Database) -> None:
    with database.transaction() as db:
        for number in range(11):
            builders.make_person(db, given_names=f"Nombre {number}")

    for show in ("counts", "rules", "log"):
        page = open_view("monitor", "monitor", show=show)
        assert not page.exception
        assert "Nombre" not in shown(page)
    assert "menos de 10" in shown(open_view("monitor", "monitor"))


def test_a_coordinator_registers_a_driver_and_an_escort(open_view: Opening, database: Database) -> None:
    page = open_view("offers", "coordinator", show="crew")
    page.text_input(key="driver.new.name").set_value("Ramiro Inventado")
    page.text_input(key="driver.new.operator").set_value("Invented Lines")
    page.text_input(key="driver.new.until").set_value("31/12/2027").run()
    press(page, label("view.crew.save_driver", ES))
    assert "Ramiro Inventado" in shown(page)

    page = open_view("offers", "coordinator", show="crew", who="escorts")
    press(page, label("view.crew.save_escort", ES))
    assert label("fault.EMPTY", ES) in page.error[0].value.replace("\\", "")
    page.text_input(key="escort.new.name").set_value("Eva Inventada")
    page.selectbox(key="escort.new.sex").set_value(Sex.FEMALE)
    page.selectbox(key="escort.new.duty").set_value(Duty.CHILD_PROTECTION)
    page.selectbox(key="escort.new.place").set_value("MX-TAPACHULA")
    page.text_input(key="escort.new.until").set_value("31/12/2027").run()
    press(page, label("view.crew.save_escort", ES))

    assert "Eva Inventada" in shown(page)
    with database.reading() as db:
        assert [row.name for row in db.exec(select(Escort)).all()] == ["Eva Inventada"]


def test_protection_says_that_an_age_is_in_doubt(open_view: Opening, database: Database) -> None:
    with database.transaction() as db:
        person = builders.make_person(db, builders.make_group(db))
        person_id = person.person_id

    page = open_view("protection", "protection_1", show="everyone", person=person_id)
    press(page, label("view.protection.age_doubt", ES))

    assert not page.exception
    with database.reading() as db:
        assert db.get_one(Person, person_id).is_age_in_doubt
