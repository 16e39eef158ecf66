"""An office with a day at the border: a full coach, a second one at the same hour, a stopped one, a question.

Served with a clock of its own; tests, the benchmark of the plain pages and screenshots use it. Everybody is invented.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from argon2 import PasswordHasher
from sqlalchemy import text
from sqlmodel import Session, select

from retorno import changes, clock, keyring
from retorno.confirmations import confirmation
from retorno.database import Database
from retorno.models.movements import Movement, MovementSegment
from retorno.models.people import Fitness, Person, TravelGroup
from retorno.office import audit
from retorno.office.access import Actor, load_actor
from retorno.papers.keys import load_keys
from retorno.vocabulary import FitnessOutcome, Need
from tests import builders
from tests import planning_builders as build
from tests.ui.serving import PASSWORD, Office, free_port

OFFICE_ID = "Z-TAPACHULA"
ESCORT_ID = "E-TEST000001"
NAMES = (
    ("فاطمة الزهراء", "أحمد محمد"),
    ("ዘውዲቱ", "ገብረ ማርያም"),
    ("王", "小明"),
    ("José Ángel", "Muñoz Güell"),
    ("Marie-Ange", "Jean-Baptiste Désir"),
    ("María de los Ángeles Guadalupe", "Hernández Rodríguez de la Santísima Trinidad"),
)
"""Given and family names of the first families, each in another script or long."""


@dataclass(frozen=True, kw_only=True)
class LightOffice:
    """The running office and its movements."""

    office: Office
    database: Database
    full: Movement
    second: Movement
    stopped: Movement
    asked: Movement

    def at(self, instant: datetime) -> None:
        """Move the clock of the running office."""
        assert self.office.clock_file is not None
        self.office.clock_file.write_text(instant.isoformat(), "ascii")

    def close(self) -> None:
        """End the application."""
        self.office.stop()
        self.database.dispose()


def opened(folder: Path) -> tuple[Database, dict[str, str]]:
    """An office without people yet, its clock at ``builders.NOW``: database, and the users by what they are for."""
    clock.set_now(lambda: builders.NOW)
    audit.use_secrets(audit.AuditSecrets(wrapping_key=bytes(32)))
    database = Database(f"sqlite:///{folder}/office.db")
    database.create()
    keyring.use(load_keys(folder / "keys.json", office_ids=[OFFICE_ID], create=True))
    hashed = PasswordHasher(time_cost=2, memory_cost=19456, parallelism=1).hash(PASSWORD)
    with database.transaction() as session:
        made = builders.make_office(session)
        session.execute(text("UPDATE app_user SET password_hash = :h"), {"h": hashed})
        session.execute(text("UPDATE app_user SET login = replace(lower(login), '.z-tapachula', '')"))
    return database, made.user_ids


def start(folder: Path, *, people: int = 60, port: int | None = None) -> LightOffice:
    """Build the office in a folder and serve it."""
    made = build_office(folder, people=people, port=port)
    made.office.start()
    return made


def build_office(folder: Path, *, people: int = 60, port: int | None = None) -> LightOffice:
    """The office in a folder, its clock twenty hours before the coaches leave; not served yet.

    Parameters
    ----------
    people
        How many travel on the full coach, in families of three.
    """
    database, users = opened(folder)
    with database.transaction() as session:
        first, second, protection = (
            load_actor(session, users[name]) for name in ("coordinator", "coordinator_2", "protection_1")
        )
        escort = build.make_escort(session, escort_id=ESCORT_ID, name="Elena Inventada", phone="+52 000 000 0001")
        full = coach(session, people + 1)
        for number in range(people // 3):
            for person in build.members(session, family(session, number).group_id):
                build.seat_person(session, full, person, is_wheelchair=person.needs_wheelchair)
        build.seat_escort(session, full, escort, None)
        build.release(session, first, protection, full.movement_id)
        another = coach(session, 40)
        build.seat_group(session, another, build.make_family(session, adults=2))
        issue(session, first, second, another)
        stopped = coach(session, 40)
        build.seat_group(session, stopped, build.make_family(session, adults=2))
        issue(session, first, second, stopped)
        changes.cancel_movement(session, first, movement_id=stopped.movement_id)
        asked = build.make_bus(session, depart_at=build.LAND_DEPART + timedelta(days=2))
        build.seat_group(session, asked, build.make_family(session, adults=2))
        confirmation.request_confirmations(session, first, movement_id=asked.movement_id)
        for movement in (full, another, stopped, asked):
            session.refresh(movement)
            session.expunge(movement)
    running = Office(port=port or free_port(), folder=folder, clock_file=folder / "clock")
    result = LightOffice(office=running, database=database, full=full, second=another, stopped=stopped, asked=asked)
    result.at(full.depart_at - timedelta(hours=20))
    clock.set_now(None)
    return result


def coach(session: Session, seats: int, **overrides: Any) -> Movement:
    """An accepted coach to Omoa with so many seats."""
    vehicle = build.make_vehicle(session, seats=seats + seats // 9 + 2, wheelchairs=2)
    bus = build.make_bus(session, vehicle=vehicle, **overrides)
    segment = session.get_one(MovementSegment, (bus.movement_id, 0))
    segment.capacity = seats
    session.add(segment)
    session.flush()
    return bus


def family(session: Session, number: int) -> TravelGroup:
    """Three adults; the first families have names in other scripts, one person a wheelchair."""
    group = build.make_family(session, adults=3)
    given, surname = NAMES[number] if number < len(NAMES) else (f"Inventada {number}", "Prueba Ejemplo")
    for position, person in enumerate(build.members(session, group.group_id)):
        person.given_names, person.family_names = f"{given} {position + 1}" if number >= 3 else given, surname
        if number == 4:
            _needs(session, person, Need.INTERPRETER)
        person.needs_wheelchair = number == 3 and position == 0
        session.add(person)
    session.flush()
    return group


def _needs(session: Session, person: Person, need: Need) -> None:
    fitness = session.exec(select(Fitness).where(Fitness.person_id == person.person_id)).one()
    fitness.outcome, fitness.needs = FitnessOutcome.FIT_WITH_CONDITIONS, need.value
    session.add(fitness)
    session.flush()


def issue(session: Session, first: Actor, second: Actor, movement: Movement) -> None:
    """Everybody says yes, two people issue the list; nobody has acknowledged it."""
    build.confirm_all(session, first, movement.movement_id)
    build.issue(session, first, second, movement.movement_id)
