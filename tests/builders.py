"""Everything a test needs, every field defaulted, every default legal; invented people only."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

from sqlmodel import Session

from retorno.models.office import Office, RoleGrant, User
from retorno.models.people import Case, Consent, Document, Fitness, Person, Screening, TravelGroup
from retorno.vocabulary import (
    ConsentPurpose,
    DocumentType,
    FitnessOutcome,
    Language,
    OnwardMeans,
    Relation,
    Role,
    Sex,
)

NOW = datetime(2027, 3, 1, 15, 0, tzinfo=UTC)

ACCOUNTS: tuple[tuple[str, Role, str, str], ...] = (
    ("coordinator", Role.COORDINATOR, "", ""),
    ("coordinator_2", Role.COORDINATOR, "", ""),
    ("protection_1", Role.PROTECTION, "", ""),
    ("protection_2", Role.PROTECTION, "", ""),
    ("health", Role.HEALTH, "", ""),
    ("administrator", Role.ADMINISTRATOR, "", ""),
    ("administrator_2", Role.ADMINISTRATOR, "", ""),
    ("consulate_hn", Role.CONSULATE, "HN", "HN"),
    ("consulate_gt", Role.CONSULATE, "GT", "GT"),
    ("border_post", Role.BORDER_POST, "HN", "GT-HN-COR-B"),
    ("reception", Role.RECEPTION, "HN", "HN-CAMR-OMOA"),
    ("escort", Role.ESCORT, "", "E-TEST000001"),
    ("auditor", Role.AUDITOR, "", ""),
    ("monitor", Role.MONITOR, "", ""),
)
"""Login, role, state served, scope."""


@dataclass(frozen=True, kw_only=True)
class OfficeFixture:
    """Ids of the office and of its accounts by login."""

    office_id: str
    user_ids: dict[str, str] = field(default_factory=dict)


def make_office(session: Session, *, office_id: str = "Z-TAPACHULA") -> OfficeFixture:
    """An office in Tapachula with its accounts; passwords are no passwords, nobody signs in with them."""
    session.add(
        Office(
            office_id=office_id,
            name="Oficina de prueba",
            country="MX",
            home_place_id="MX-TAPACHULA",
            places="MX-TAPACHULA",
            is_demo=True,
            complaint_contact="+52 000 000 0000",
        )
    )
    session.flush()
    user_ids: dict[str, str] = {}
    for login, role, country, scope in ACCOUNTS:
        user_id = f"U-{office_id[2:]}-{login}"
        user_ids[login] = user_id
        in_office = role not in (Role.CONSULATE, Role.BORDER_POST, Role.RECEPTION)
        session.add(
            User(
                user_id=user_id,
                login=f"{login}.{office_id}",
                display_name=login,
                organisation="test",
                country=country,
                office_id=office_id if in_office else None,
                language=Language.ES,
                password_hash="!",
            )
        )
        session.flush()
        session.add(
            RoleGrant(
                user_id=user_id,
                role=role,
                scope=scope,
                granted_by="U-FIRST",
                granted_at=NOW,
                approved_by="U-SECOND",
                approved_at=NOW,
            )
        )
    session.flush()
    return OfficeFixture(office_id=office_id, user_ids=user_ids)


def make_case(session: Session, office_id: str = "Z-TAPACHULA", **overrides: Any) -> Case:
    """A case of the office, opened ten days ago."""
    values: dict[str, Any] = {
        "place_id": "MX-TAPACHULA",
        "reference": f"CASE-{id(overrides):x}",
        "office_id": office_id,
        "opened_at": NOW - timedelta(days=10),
        "opened_by": "U-FIRST",
    }
    case = Case(**(values | overrides))
    case.reference = overrides.get("reference", case.case_id)
    session.add(case)
    session.flush()
    return case


def make_group(session: Session, case: Case | None = None, **overrides: Any) -> TravelGroup:
    """An empty travel group bound for Omoa, Honduras."""
    case = case or make_case(session)
    values: dict[str, Any] = {
        "case_id": case.case_id,
        "destination_country": "HN",
        "destination_place_id": "HN-CAMR-OMOA",
        "destination_municipality": "El Progreso",
    }
    group = TravelGroup(**(values | overrides))
    session.add(group)
    session.flush()
    return group


def make_person(session: Session, group: TravelGroup | None = None, *, ready: bool = True, **overrides: Any) -> Person:
    """An adult Honduran; with ``ready``, everything a return needs: consent, screening, document, fitness."""
    group = group or make_group(session)
    values: dict[str, Any] = {
        "group_id": group.group_id,
        "given_names": "Ana Invented",
        "family_names": "Prueba",
        "sex": Sex.FEMALE,
        "birth_date": date(1990, 5, 17),
        "nationality": "HN",
        "contact_language": "es",
        "stranded_since": date(2027, 2, 10),
        "relation": Relation.SELF,
        "onward_means": OnwardMeans.PROVIDED,
        "registered_at": NOW - timedelta(days=10),
    }
    person = Person(**(values | overrides))
    session.add(person)
    session.flush()
    if ready:
        make_ready(session, person)
    return person


def make_ready(session: Session, person: Person) -> None:
    """Consent to return and to consular contact, screening, passport and fitness, all in force."""
    country = session.get_one(TravelGroup, person.group_id).destination_country
    make_consent(session, person, destination_country=country)
    make_consent(session, person, purpose=ConsentPurpose.CONSULAR_CONTACT, destination_country=country)
    session.add(
        Screening(
            person_id=person.person_id, screened_at=NOW - timedelta(days=6), screened_by="U-TAPACHULA-protection_1"
        )
    )
    session.add(
        Document(
            person_id=person.person_id,
            document_type=DocumentType.PASSPORT,
            number="H" + person.person_id[-7:],
            issuing_country=person.nationality,
            expires_on=date(2029, 6, 30),
            is_mrz_valid=True,
            recorded_at=NOW - timedelta(days=6),
        )
    )
    session.add(
        Fitness(
            person_id=person.person_id,
            outcome=FitnessOutcome.FIT,
            valid_from=date(2027, 2, 25),
            valid_until=date(2027, 5, 25),
            assessed_by="U-TAPACHULA-health",
            assessed_at=NOW - timedelta(days=4),
        )
    )
    session.flush()


def make_consent(session: Session, person: Person, **overrides: Any) -> Consent:
    """Consent to return to Honduras: counselled eight days ago, given five days ago."""
    values: dict[str, Any] = {
        "person_id": person.person_id,
        "purpose": ConsentPurpose.RETURN,
        "destination_country": "HN",
        "text_version": "2027-01",
        "language": "es",
        "counselled_at": NOW - timedelta(days=8),
        "counselled_by": "U-TAPACHULA-coordinator",
        "given_at": NOW - timedelta(days=5),
        "is_own_act": True,
        "recorded_by": "U-TAPACHULA-coordinator",
        "recorded_at": NOW - timedelta(days=5),
    }
    consent = Consent(**(values | overrides))
    session.add(consent)
    session.flush()
    return consent
