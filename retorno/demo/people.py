"""The invented people of the demonstration: a sheet for the real import, then every record by the act of its role.

Who is in ``data/examples/cases.csv`` exists nowhere. Its days count from the day of setting up, so nothing ages.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlmodel import Session, col, select

from retorno import changes, clock, health, intake, protection
from retorno.models.movements import Escort
from retorno.models.people import (
    ConsentCreate,
    Document,
    DocumentCreate,
    FitnessCreate,
    Person,
    TravelGroup,
)
from retorno.models.protection import BestInterestCreate
from retorno.office.access import Actor
from retorno.papers.mrz import check_digit
from retorno.routes.cells import read_rows
from retorno.routes.rows import ExampleCase
from retorno.situation import ground
from retorno.text import latin_suggestion
from retorno.vocabulary import (
    BestInterestOutcome,
    ConsentPurpose,
    DocumentType,
    FitnessOutcome,
    HoldKind,
    Language,
    Need,
)

TEXT_VERSION = "2026-11"
CHILD_VIEW_AGE = 12
IMPORTED_DAYS = 14
SCREENED_DAYS = 12
CONSENTED_DAYS = 9
DECIDED_DAYS = 8
EXAMINED_DAYS = 3
HELD_DAYS = 2
LONG_AGO_DAYS = 46
"""How many days before the set-up each thing was done; all of them whole days, so that every interval is kept."""

_SHEET = (
    "group_key", "person_key", "given_names", "family_names", "sex", "birth_date", "declared_age", "nationality",
    "habitual_residence", "contact_language", "speaks", "place_id", "stranded_since", "relation", "caregiver_key",
    "is_unaccompanied", "is_age_in_doubt", "is_detained", "destination_country", "destination_place_id",
    "destination_municipality", "onward_means", "needs_wheelchair", "document_type", "document_number",
    "document_country", "document_expires",
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Staff:
    """Those who record: one coordinator, two protection officers, one health officer."""

    coordinator: Actor
    protection: Actor
    protection_2: Actor
    health: Actor


def example_cases() -> tuple[ExampleCase, ...]:
    """Every invented person, travel groups together."""
    return read_rows(ground().folder / "examples/cases.csv", ExampleCase)


# ---- the sheet ---------------------------------------------------------------------------------------------------


def import_sheet(cases: Iterable[ExampleCase], today: date, *, first_number: int = 0) -> bytes:
    """The people as a sheet that the import takes, with real dates; UTF-8.

    Parameters
    ----------
    today
        The day of setting up, from which the days of the file count.
    first_number
        Number of the first person, which gives birth dates and documents.
    """
    text = io.StringIO()
    writer = csv.DictWriter(text, _SHEET, lineterminator="\n")
    writer.writeheader()
    for number, case in enumerate(cases, start=first_number):
        is_on_sheet = not _has_zone(case)
        writer.writerow(
            {name: _cell(getattr(case, name)) for name in _SHEET if hasattr(case, name)}
            | {
                "birth_date": _cell(birth_date(case, number, today)),
                "stranded_since": today - timedelta(days=case.stranded_days),
                "document_type": case.document_type if is_on_sheet else "",
                "document_number": document_number(case, number) if is_on_sheet else "",
                "document_country": case.nationality if is_on_sheet else "",
                "document_expires": _cell(_expiry(case, today)) if is_on_sheet else "",
            }
        )
    return text.getvalue().encode()


def _cell(value: object) -> str:
    if isinstance(value, bool):
        return "sí" if value else "no"
    return "" if value is None else ";".join(value) if isinstance(value, tuple) else str(value)


def birth_date(case: ExampleCase, number: int, today: date) -> date | None:
    """Birth date of an invented person, somewhere in the year that the age leaves open."""
    if case.born_days_ago is not None:
        return today - timedelta(days=case.born_days_ago)
    if case.age_years is None:
        return None
    day = today - timedelta(days=20 + number * 53 % 320)
    # Nobody is born on 29 February: in most years there is none.
    return date(day.year - case.age_years, day.month, min(day.day, 28))


def document_number(case: ExampleCase, number: int) -> str:
    """Number of an invented document: the nationality and the place in the file; the zeros tell that it is none."""
    return f"{case.nationality}000{number + 1:03d}"


def _expiry(case: ExampleCase, today: date) -> date | None:
    if case.document_type == DocumentType.BIRTH_CERTIFICATE:
        return None
    return today + timedelta(days=case.document_days)


def _has_zone(case: ExampleCase) -> bool:
    return "zone" in case.circumstances and case.document_type == DocumentType.PASSPORT


def passport_zone(case: ExampleCase, number: int, today: date) -> str:
    """The two lines of an invented passport (TD3), check digits right."""
    born, expires = birth_date(case, number, today), today + timedelta(days=case.document_days)
    country = ground().countries[case.nationality].iso3
    digits = document_number(case, number).ljust(9, "<")
    birth, until = (born or today).strftime("%y%m%d"), expires.strftime("%y%m%d")
    second = f"{digits}{check_digit(digits)}{country}{birth}{check_digit(birth)}{case.sex}{until}{check_digit(until)}"
    optional = "<" * 14 + "<"
    whole = second[:10] + second[13:20] + second[21:28] + optional
    names = f"{_zone_name(case.family_names)}<<{_zone_name(case.given_names)}"
    return f"P<{country}{names}"[:44].ljust(44, "<") + "\n" + second + optional + str(check_digit(whole))


def _zone_name(name: str) -> str:
    latin = (latin_suggestion(name) or name).upper()
    plain = latin.translate(str.maketrans("ÁÉÍÓÚÜÑÀÈÌÒÙ", "AEIOUUNAEIOU"))
    return "<".join("".join(char if "A" <= char <= "Z" else " " for char in plain).split())


# ---- the acts ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Registered:
    """An invented person as registered: the row of the file, its number from 0, and the ids that it got."""

    case: ExampleCase
    number: int
    person_id: str
    group_id: str


def register(session: Session, staff: Staff, now: datetime) -> list[Registered]:
    """Import the sheet as a coordinator does; gives everybody in the order of the file."""
    cases = example_cases()
    with clock.standing_at(now - timedelta(days=IMPORTED_DAYS)):
        preview = intake.read_import(import_sheet(cases, now.date()), "casos_demo.csv")
        outcome = intake.apply_import(session, staff.coordinator, preview)
    rows = session.exec(
        select(Person, TravelGroup)
        .join(TravelGroup, col(TravelGroup.group_id) == Person.group_id)
        .where(col(TravelGroup.case_id).in_(outcome.case_ids))
    ).all()
    by_case = {group.case_id: group.group_id for _, group in rows}
    found = {(person.group_id, person.given_names, person.family_names): person for person, _ in rows}
    keys = list(dict.fromkeys(case.group_key for case in cases))
    group_of = {key: by_case[case_id] for key, case_id in zip(keys, outcome.case_ids, strict=True)}
    people = []
    for number, case in enumerate(cases):
        group_id = group_of[case.group_key]
        person = found[group_id, case.given_names, case.family_names]
        people.append(Registered(case=case, number=number, person_id=person.person_id, group_id=group_id))
    return people


def record(session: Session, staff: Staff, escorts: Sequence[Escort], each: Registered, now: datetime) -> None:
    """Everything that is on file about one person, each by the act of the role that does it, in its order.

    Parameters
    ----------
    escorts
        Who is approved for an unaccompanied child.
    """
    with clock.standing_at(_ago(now, SCREENED_DAYS)):
        _screen(session, staff, each, now)
    with clock.standing_at(_ago(now, CONSENTED_DAYS)):
        _consents(session, staff, each, now)
        _documents(session, staff, each, now.date())
    with clock.standing_at(_ago(now, DECIDED_DAYS)):
        _best_interest(session, staff, escorts, each, now.date())
    with clock.standing_at(_ago(now, EXAMINED_DAYS)):
        _examine(session, staff, each, now.date())
    if "asylum_hold" in each.case.circumstances:
        with clock.standing_at(_ago(now, HELD_DAYS)):
            changes.raise_hold(session, staff.protection, person_id=each.person_id, kind=HoldKind.ASYLUM)


def _ago(now: datetime, days: int) -> datetime:
    return now - timedelta(days=days)


def _screen(session: Session, staff: Staff, each: Registered, now: datetime) -> None:
    what = each.case.circumstances
    protection.record_screening(
        session,
        staff.protection if each.number % 2 else staff.protection_2,
        person_id=each.person_id,
        screened_at=_ago(now, LONG_AGO_DAYS if "screening_old" in what else SCREENED_DAYS),
        is_victim_of_trafficking="long_reflection" in what,
    )


def _consents(session: Session, staff: Staff, each: Registered, now: datetime) -> None:
    """To return and, apart from it, to contact with the consulate; small children by their caregiver."""
    case, what = each.case, each.case.circumstances
    if "consent_none" in what:
        return
    purposes = [ConsentPurpose.RETURN]
    if not {"consular_refused", "asylum_hold"} & set(what):
        purposes.append(ConsentPurpose.CONSULAR_CONTACT)
    age = case.age_years if case.age_years is not None else case.declared_age or 0
    needs_interpreter = case.contact_language not in set(Language)
    counselled = LONG_AGO_DAYS if "long_reflection" in what else SCREENED_DAYS
    for purpose in purposes:
        is_return = purpose is ConsentPurpose.RETURN
        consent = ConsentCreate(
            purpose=purpose,
            destination_country=case.destination_country,
            text_version=TEXT_VERSION,
            language=case.contact_language,
            interpreter=f"INT-{case.contact_language.upper()}" if needs_interpreter else "",
            counselled_at=_ago(now, counselled),
            counselled_by=staff.coordinator.user_id,
            given_at=_ago(now, CONSENTED_DAYS),
            is_own_act=age >= CHILD_VIEW_AGE,
            witness="INV-TESTIGO" if is_return and "witness" in what else "",
        )
        intake.record_consent(session, staff.coordinator, person_id=each.person_id, consent=consent)


def _documents(session: Session, staff: Staff, each: Registered, today: date) -> None:
    """A passport by its machine-readable zone, another paper seen and confirmed; transit visas."""
    case, coordinator = each.case, staff.coordinator
    if _has_zone(case):
        document = DocumentCreate(
            document_type=DocumentType.PASSPORT,
            number=document_number(case, each.number),
            issuing_country=case.nationality,
            expires_on=_expiry(case, today),
            mrz=passport_zone(case, each.number, today),
        )
        intake.add_document(session, coordinator, person_id=each.person_id, document=document)
    else:
        row = session.exec(select(Document).where(Document.person_id == each.person_id)).one()
        row = intake.confirm_document(session, coordinator, document_id=row.document_id, version=row.version)
        if "in_review" in case.circumstances:
            intake.review_document(
                session, coordinator, document_id=row.document_id, version=row.version, is_in_review=True
            )
    for code in case.circumstances:
        if code.startswith("visa_"):
            country = code.removeprefix("visa_").upper()
            intake.record_transit_visa(
                session, coordinator, person_id=each.person_id, country=country, valid_until=today + timedelta(days=90)
            )


def _best_interest(session: Session, staff: Staff, escorts: Sequence[Escort], each: Registered, today: date) -> None:
    """The decision on a child's best interests, cleared by two officers, and the escorts who may go along."""
    what = each.case.circumstances
    if not {"best_interest", "best_interest_part"} & set(what):
        return
    is_whole = "best_interest" in what
    officer, second = staff.protection, staff.protection_2
    decided_on = today - timedelta(days=DECIDED_DAYS + 10)
    decision = protection.record_best_interest(
        session,
        officer,
        person_id=each.person_id,
        decision=BestInterestCreate(
            outcome=BestInterestOutcome.RETURN,
            decided_on=decided_on,
            valid_until=decided_on + timedelta(days=85),
            body="Procuraduría inventada de Protección",
            guardian_consent_on=decided_on,
            child_view_recorded_on=decided_on,
            receiving_agreed_on=decided_on if is_whole else None,
            pickup_named="Abuela materna (demo)" if is_whole else "",
        ),
    )
    if not is_whole:
        return
    decision = protection.clear_to_travel(session, officer, decision_id=decision.decision_id, version=decision.version)
    protection.clear_to_travel(session, second, decision_id=decision.decision_id, version=decision.version)
    for escort in escorts:
        protection.approve_escort(
            session,
            officer,
            person_id=each.person_id,
            escort_id=escort.escort_id,
            valid_until=today + timedelta(days=75),
        )


def _examine(session: Session, staff: Staff, each: Registered, today: date) -> None:
    what = each.case.circumstances
    outcome, needs = FitnessOutcome.FIT, []
    if "wheelchair" in what:
        outcome, needs = FitnessOutcome.FIT_WITH_CONDITIONS, [Need.WHEELCHAIR]
    if "not_now" in what:
        outcome = FitnessOutcome.NOT_NOW
    fitness = FitnessCreate(
        outcome=outcome,
        valid_from=today - timedelta(days=EXAMINED_DAYS),
        valid_until=today + timedelta(days=75),
        pregnancy_weeks=22 if "pregnant" in what else None,
        gave_birth_on=today - timedelta(days=20) if "new_mother" in what else None,
    )
    health.record_fitness(session, staff.health, person_id=each.person_id, fitness=fitness, needs=needs)
