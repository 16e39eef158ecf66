"""What the practice days share: who acts, invented people with everything on file, lists that everyone confirms.

People, companies and officers are invented. Everything is recorded by the acts of its roles on the days on which it
would have been done, and every list passes every rule when it is issued. Begun again after a crash it goes on where it
stood: who is recorded already is left alone.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlmodel import Session, col, select

from retorno import clock, intake, manifest
from retorno.confirmations import confirmation
from retorno.database import Database
from retorno.demo.people import Registered, Staff, document_number, import_sheet, record
from retorno.errors import InputError
from retorno.models.movements import (
    Confirmation,
    Escort,
    Movement,
)
from retorno.models.office import Office
from retorno.models.people import Document, Fitness, Person
from retorno.movements.facts import view
from retorno.office import access
from retorno.routes.rows import ExampleCase
from retorno.vocabulary import Role

Tell = Callable[[int, int], None]
"""Is told how many of how many steps are done; always called at the real time."""


@dataclass(frozen=True, kw_only=True)
class Team:
    """Who acts: those who record people, and the coordinator who signs second."""

    office_id: str
    staff: Staff
    second: access.Actor


def team_of(session: Session, office_id: str) -> Team:
    found = {
        role: [access.load_actor(session, user_id) for user_id in access.users_with_role(session, office_id, role)]
        for role in (Role.COORDINATOR, Role.PROTECTION, Role.HEALTH)
    }
    if len(found[Role.COORDINATOR]) < 2 or len(found[Role.PROTECTION]) < 2 or not found[Role.HEALTH]:
        raise InputError("the office lacks a second coordinator, a second protection officer or a health officer")
    coordinators = sorted(found[Role.COORDINATOR], key=lambda each: each.display_name)
    officers = sorted(found[Role.PROTECTION], key=lambda each: each.display_name)
    staff = Staff(
        coordinator=coordinators[0], protection=officers[0], protection_2=officers[1], health=found[Role.HEALTH][0]
    )
    return Team(office_id=office_id, staff=staff, second=coordinators[1])


# ---- people ---------------------------------------------------------------------------------------------------------

_GIVEN = {
    "M": (
        "Brayan Josué Wilmer Osman Denis Elvin Marlon Cristian Ever Kelvin Melvin Selvin Darwin Jostin Yeferson Axel"
    ).split(),
    "F": (
        "Dayana Heidy Keren Nahomy Yareli Scarleth Génesis Allison Fernanda Jimena Katerin Lesly Marely Sherlyn"
    ).split(),
}
FAMILY_NAMES = (
    "Maradiaga Zelaya Pineda Rivera Cáceres Núñez Fúnez Castellanos Banegas Murillo Ordóñez Amador Bonilla Chinchilla"
    " Discua Erazo Flores Guevara Hernández Izaguirre Joya Lagos"
).split()


def person_row(number: int, **values: object) -> ExampleCase:
    """An invented person with everything in order; ``number`` gives name, sex and document."""
    sex = "F" if number % 3 == 0 else "M"
    given = _GIVEN[sex]
    row: dict[str, object] = {
        "given_names": f"{given[number % len(given)]} {given[(number * 5 + 3) % 13]}",
        "family_names": f"{FAMILY_NAMES[number % len(FAMILY_NAMES)]} {FAMILY_NAMES[number * 7 % 19]}",
        "sex": sex,
        "age_years": 30,
        "born_days_ago": None,
        "declared_age": None,
        "nationality": "HN",
        "habitual_residence": "",
        "contact_language": "es",
        "speaks": (),
        "relation": "self",
        "caregiver_key": "",
        "is_unaccompanied": False,
        "is_age_in_doubt": False,
        "is_detained": False,
        "destination_country": "HN",
        "onward_means": "family",
        "needs_wheelchair": False,
        "document_type": "passport",
        "document_days": 900 + number,
        "circumstances": (),
        "invented": True,
        "notes": "invented person of a practice day",
        "stranded_days": 20,
    }
    return ExampleCase(**(row | values))  # type: ignore[arg-type]


def registered(
    database: Database, team: Team, cases: Sequence[ExampleCase], first_number: int, now: datetime, name: str
) -> list[Registered]:
    """Import the sheet of a day; who was imported before is found again by the number of their document."""
    numbered = [(first_number + number, case) for number, case in enumerate(cases)]
    with database.transaction() as session:
        if not _known(session, numbered):
            with clock.standing_at(now - timedelta(days=14)):
                preview = intake.read_import(import_sheet(cases, now.date(), first_number=first_number), f"{name}.csv")
                intake.apply_import(session, team.staff.coordinator, preview)
        return _known(session, numbered)


def _known(session: Session, numbered: Sequence[tuple[int, ExampleCase]]) -> list[Registered]:
    wanted = {document_number(case, number): (number, case) for number, case in numbered}
    rows = session.exec(
        select(Document.number, Person)
        .join(Person, col(Person.person_id) == Document.person_id)
        .where(col(Document.number).in_(list(wanted)))
    ).all()
    found = [
        Registered(
            case=wanted[number or ""][1],
            number=wanted[number or ""][0],
            person_id=person.person_id,
            group_id=person.group_id,
        )
        for number, person in rows
    ]
    return sorted(found, key=lambda each: each.number)


def recorded(
    database: Database,
    team: Team,
    people: Sequence[Registered],
    escorts_of: Callable[[Registered], Sequence[Escort]],
    now: datetime,
    told: Callable[[], None],
) -> None:
    """What is on file about everybody, one transaction a group, in the order of their numbers."""
    for group_id in dict.fromkeys(each.group_id for each in people):
        with database.transaction() as session:
            for each in people:
                if each.group_id != group_id:
                    continue
                is_there = session.exec(select(Fitness.fitness_id).where(Fitness.person_id == each.person_id)).first()
                if is_there is None:
                    record(session, team.staff, escorts_of(each), each, now)
        told()


def works_from(database: Database, team: Team, place_id: str) -> None:
    """Let the office look after people at a place."""
    with database.transaction() as session:
        office = session.get_one(Office, team.office_id)
        places = office.places.split(";")
        if place_id not in places:
            office.places = ";".join([*places, place_id])
            session.add(office)


# ---- asking everyone, signing, releasing ----------------------------------------------------------------------------


def issue(session: Session, team: Team, movement_id: str, *, is_released: bool) -> None:
    """All say yes, two people sign; on wish everybody acknowledges and it is released."""
    movement = session.get_one(Movement, movement_id)
    if movement.manifest_version:
        return
    coordinator = team.staff.coordinator
    confirmation.request_confirmations(session, coordinator, movement_id=movement_id)
    questions = session.exec(
        select(Confirmation)
        .where(Confirmation.movement_id == movement_id, col(Confirmation.cancelled_at).is_(None))
        .order_by(Confirmation.confirmation_id)
    ).all()
    for question in questions:
        confirmation.confirm(
            session,
            coordinator,
            confirmation_id=question.confirmation_id,
            answered_by="Oficina inventada (demo)",
            way="phone",
        )
    manifest.propose(session, coordinator, movement_id=movement_id)
    is_vulnerable = manifest.needs_protection_signature(view(session, movement_id))
    manifest.sign(session, team.staff.protection if is_vulnerable else team.second, movement_id=movement_id)
    if not is_released:
        return
    for row in manifest.acknowledgements(session, movement_id):
        manifest.acknowledge(
            session,
            coordinator,
            movement_id=movement_id,
            party=confirmation.Party(kind=row.party_kind, party_id=row.party_id),
            version=row.manifest_version,
            answered_by="Oficina inventada (demo)",
            way="phone",
        )
    manifest.release(session, coordinator, movement_id=movement_id)
