"""The demonstration office: forty invented cases that a stranger can work on, made by the acts of staff."""

from __future__ import annotations

import csv
import io
import socket
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import pytest
from sqlmodel import Session, col, func, select

from retorno import changes, clock, intake, manifest, worker
from retorno.commands import offices
from retorno.confirmations import confirmation, consulate
from retorno.database import Database
from retorno.demo import opening, people, staging
from retorno.errors import InputError
from retorno.models.movements import Confirmation, ManifestVersion, Movement, Plan, Seat
from retorno.models.office import Office, User
from retorno.models.people import Case, Document, Person, TravelGroup
from retorno.movements import movement_report
from retorno.movements.facts import view
from retorno.office import access, audit
from retorno.papers import mrz
from retorno.plans import planning
from retorno.readiness import group_findings
from retorno.rules import blocking
from retorno.vocabulary import Answer, DocumentType, MovementStatus, PartyKind, PlanStatus, Role, SeatStatus
from tests import demonstration
from tests.demonstration import NOW


@dataclass(frozen=True, kw_only=True)
class Made:
    """A demonstration and its accounts."""

    database: Database
    accounts: list[staging.Account]

    def actor(self, session: Session, login: str) -> access.Actor:
        """The user of a login, as of now."""
        return access.load_actor(session, session.exec(select(User.user_id).where(User.login == login)).one())


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Made]:
    copy = demonstration.copied(tmp_path_factory, "demo")
    database = copy.open()
    yield Made(database=database, accounts=copy.accounts)
    database.dispose()


@pytest.fixture
def reading(made: Made) -> Iterator[Session]:
    with made.database.reading() as session:
        yield session


# ---- who and what is there ---------------------------------------------------------------------------------------


def test_there_are_forty_cases_and_about_150_people(reading: Session):
    assert reading.exec(select(func.count()).select_from(Case)).one() == 40
    assert reading.exec(select(func.count()).select_from(Person)).one() == 147
    assert reading.exec(select(Office.is_demo)).one() is True


def test_two_accounts_of_three_roles_and_one_of_every_other(made: Made, reading: Session):
    two = {Role.COORDINATOR, Role.PROTECTION, Role.ADMINISTRATOR}
    assert Counter(account.role for account in made.accounts) == {role: 2 if role in two else 1 for role in Role}
    for account in made.accounts:
        assert made.actor(reading, account.login).has(account.role), account.login


def test_people_go_along_two_land_corridors_and_to_more_than_six_countries_overseas(reading: Session):
    ways = set(
        reading.exec(
            select(Case.place_id, TravelGroup.destination_country).join(
                TravelGroup, col(TravelGroup.case_id) == Case.case_id
            )
        ).all()
    )

    assert {("MX-TAPACHULA", "HN"), ("MX-TAPACHULA", "SV"), ("PA-DAVID", "NI")} <= ways
    assert {country for _, country in ways} - {"GT", "HN", "SV", "NI"} == {
        "BD", "CL", "CM", "CN", "CO", "EC", "EG", "ET", "HT", "IN", "VE",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("circumstance", "code"),
    [
        ("consent_none", "NO_CONSENT"),
        ("screening_old", "SCREENING_TOO_OLD"),
        ("in_review", "DOCUMENT_IN_REVIEW"),
        ("not_now", "NOT_FIT"),
        ("asylum_hold", "ON_HOLD"),
        ("best_interest_part", "UASC_NO_RECEIVER"),
    ],
)
def test_whoever_may_not_travel_is_stopped_by_the_rule_for_it(reading: Session, circumstance: str, code: str):
    [case] = {case.group_key: case for case in people.example_cases() if circumstance in case.circumstances}.values()
    day = NOW.date() + timedelta(days=6)

    found = group_findings(reading, group_id=group_of(reading, case), travel_date=day, last_leg_date=day)

    assert code in {finding.code.value for finding in blocking(found)}


@pytest.mark.parametrize(
    "circumstance", ["best_interest", "long_reflection", "pregnant", "new_mother", "wheelchair", "witness", "zone"]
)
def test_whoever_may_travel_is_ready(reading: Session, circumstance: str):
    cases = {case.group_key: case for case in people.example_cases() if circumstance in case.circumstances}
    day = NOW.date() + timedelta(days=6)

    for case in cases.values():
        found = group_findings(reading, group_id=group_of(reading, case), travel_date=day, last_leg_date=day)
        assert blocking(found) == [], case.group_key


def group_of(session: Session, case: people.ExampleCase) -> str:
    return session.exec(
        select(Person.group_id).where(Person.given_names == case.given_names, Person.family_names == case.family_names)
    ).one()


def test_names_of_every_script_are_kept_as_written(reading: Session):
    written = {(case.given_names, case.family_names) for case in people.example_cases()}
    kept = set(reading.exec(select(Person.given_names, Person.family_names)).all())

    assert kept == written
    assert {"गुरप्रीत", "ተስፋዬ", "建国", "محمود عبد الرحمن", "মোহাম্মদ রফিকুল", "Wòlf"} <= {given for given, _ in kept}


def test_passports_were_entered_by_their_machine_readable_zone(reading: Session):
    proven = reading.exec(
        select(func.count())
        .select_from(Document)
        .where(Document.document_type == DocumentType.PASSPORT, Document.is_mrz_valid)
    ).one()

    # Groups D01 (5 people), D05 (3), D16 (5), D25 (5) and D38 (5).
    assert proven == 23


# ---- days that do not age ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("today", [date(2027, 3, 1), date(2028, 2, 29), date(2031, 12, 31)])
def test_ages_and_days_are_the_same_whenever_it_is_set_up(today: date):
    cases = people.example_cases()
    rows = list(csv.DictReader(io.StringIO(people.import_sheet(cases, today).decode())))

    for case, row in zip(cases, rows, strict=True):
        assert row["stranded_since"] == (today - timedelta(days=case.stranded_days)).isoformat()
        if case.age_years is not None:
            assert clock.age_on(date.fromisoformat(row["birth_date"]), today) == case.age_years


@pytest.mark.parametrize("number", [0, 3, 11])
def test_an_invented_passport_has_right_check_digits(number: int):
    case = people.example_cases()[number]
    read = mrz.parse(people.passport_zone(case, number, NOW.date()), reference_date=NOW.date())

    assert read.layout == "TD3"
    assert read.document_number == f"HN000{number + 1:03d}"
    assert read.birth_date == people.birth_date(case, number, NOW.date())


def test_the_sheet_again_changes_nothing(made: Made):
    sheet = people.import_sheet(people.example_cases(), NOW.date())

    with made.database.transaction() as session:
        preview = intake.read_import(sheet, "again.csv")
        outcome = intake.apply_import(session, made.actor(session, "coordinacion.2"), preview)

    assert outcome.is_unchanged


# ---- what every role sees at the first sign-in --------------------------------------------------------------------


def test_one_movement_is_issued_one_waits_for_a_signature_and_one_for_answers(made: Made, reading: Session):
    statuses = Counter(reading.exec(select(Movement.status)).all())

    assert statuses == {MovementStatus.ISSUED: 1, MovementStatus.CONFIRMED: 1, MovementStatus.ACCEPTED: 1}
    with clock.standing_at(NOW):
        to_sign = {
            login: [row.movement.status for row in movement_report.to_sign(reading, made.actor(reading, login))]
            for login in ("coordinacion.1", "coordinacion.2", "proteccion.1")
        }
    assert to_sign == {"coordinacion.1": [], "coordinacion.2": [MovementStatus.CONFIRMED], "proteccion.1": []}


def test_the_consulate_has_questions_but_never_about_whoever_refused(made: Made, reading: Session):
    rows = consulate.rows(reading, made.actor(reading, "consulado.hn"))
    refused = [case for case in people.example_cases() if "consular_refused" in case.circumstances]
    asked = reading.exec(
        select(Person.given_names)
        .join(Confirmation, col(Confirmation.person_id) == Person.person_id)
        .where(Confirmation.party_kind == PartyKind.CONSULATE)
    ).all()

    assert rows
    assert {case.given_names for case in refused} == {"Suyapa"}
    assert "Suyapa" not in asked


@pytest.mark.parametrize("login", ["puesto.corinto", "recepcion.omoa"])
def test_border_post_and_reception_have_a_list(made: Made, reading: Session, login: str):
    assert len(manifest.incoming(reading, made.actor(reading, login))) == 1


def test_the_audit_chain_of_the_building_is_unbroken(reading: Session):
    assert audit.verify_chain(reading).broken_at is None


# ---- starting it --------------------------------------------------------------------------------------------------


def test_a_taken_port_is_refused_with_another_to_choose():
    with closing(socket.socket()) as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]

        with pytest.raises(InputError, match=f"port {port} is taken: .* --port {port + 1}"):
            opening.expect_free(port)


def test_passwords_stand_in_the_table_of_accounts(made: Made):
    table = opening.account_table(made.accounts)

    assert len(table.splitlines()) == 14
    assert all(account.password in table for account in made.accounts)


def test_a_demonstration_with_other_tables_is_made_anew(tmp_path: Path):
    (tmp_path / "office.db").touch()
    (tmp_path / "made.json").write_text('{"at": "2027-03-01T15:00:00+00:00", "tables": "another"}')

    assert opening.is_kept(tmp_path) is False


# ---- the whole line -----------------------------------------------------------------------------------------------


@pytest.mark.long
def test_the_plan_of_the_demonstration_goes_the_whole_line(made: Made):
    with made.database.transaction() as session:
        coordinator = made.actor(session, "coordinacion.1")
        asked = planning.start(session, coordinator, first_date=NOW.date() + timedelta(days=4), days=14, seconds=40)
    worker.run(made.database, name="test", should_stop=lambda: False, once=True)

    with made.database.reading() as session:
        plan = session.get_one(Plan, asked.plan_id)
        groups = [g for g, legs in planning.solution_of(plan).itineraries.items() if legs]
    assert plan.status is PlanStatus.DRAFT
    assert plan.value_cents is not None
    assert plan.bound_cents is not None
    assert (plan.value_cents - plan.bound_cents) / plan.value_cents < 0.05
    assert len(groups) >= 26

    with made.database.transaction() as session:
        accepted = planning.accept(session, coordinator, plan_id=plan.plan_id)
    movement_id = first_of(made, accepted.movement_ids)
    with made.database.transaction() as session:
        confirmation.request_confirmations(session, coordinator, movement_id=movement_id)
        for question in session.exec(select(Confirmation).where(Confirmation.movement_id == movement_id)).all():
            if question.answer is Answer.PENDING:
                confirmation.confirm(
                    session, coordinator, confirmation_id=question.confirmation_id, answered_by="by phone", way="phone"
                )
        movement = session.get_one(Movement, movement_id)
        assert movement.status is MovementStatus.CONFIRMED
        planning.update_movement(
            session, coordinator, movement_id=movement_id, version=movement.version, is_route_confirmed=True
        )
        manifest.propose(session, coordinator, movement_id=movement_id)
        is_vulnerable = manifest.needs_protection_signature(view(session, movement_id))
        second = made.actor(session, "proteccion.1" if is_vulnerable else "coordinacion.2")
        issued = manifest.sign(session, second, movement_id=movement_id)
        for row in manifest.acknowledgements(session, movement_id):
            manifest.acknowledge(
                session,
                coordinator,
                movement_id=movement_id,
                party=confirmation.Party(kind=row.party_kind, party_id=row.party_id),
                version=issued.version,
                answered_by="by phone",
                way="phone",
            )
        released = manifest.release(session, coordinator, movement_id=movement_id)
        assert released.status is MovementStatus.RELEASED

    with made.database.transaction() as session:
        seat = session.exec(
            select(Seat).where(Seat.movement_id == movement_id, Seat.status == SeatStatus.ACTIVE).limit(1)
        ).one()
        effect = changes.withdraw(session, coordinator, person_id=seat.person_id or "")
    assert (movement_id, issued.version + 1) in effect.superseded or movement_id in effect.voided
    with made.database.reading() as session:
        versions = session.exec(select(ManifestVersion).where(ManifestVersion.movement_id == movement_id)).all()
    assert len(versions) == 2


def first_of(made: Made, movement_ids: tuple[str, ...]) -> str:
    """The accepted movement with most people: a withdrawal leaves it a list."""
    with made.database.reading() as session:
        rows = session.exec(
            select(Seat.movement_id, func.count())
            .where(col(Seat.movement_id).in_(movement_ids), col(Seat.person_id).is_not(None))
            .group_by(Seat.movement_id)
        ).all()
    return max(rows, key=lambda row: (row[1], row[0]))[0]


def test_checking_a_list_finds_the_demonstration_and_never_sets_up_an_empty_office(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("RETORNO_DATABASE", raising=False)
    monkeypatch.setattr(opening, "FOLDER", tmp_path / "demo")
    with pytest.raises(InputError, match="no office at"):
        offices.office_to_read()
    assert list(tmp_path.iterdir()) == []

    (tmp_path / "demo").mkdir()
    made = Database(opening.settings_of(opening.FOLDER, 8501).database)
    made.create()
    made.dispose()
    found = offices.office_to_read()
    assert found.engine.url.database == str(tmp_path / "demo" / opening.OFFICE_FILE)
    found.dispose()
    assert not (tmp_path / "var").exists()
