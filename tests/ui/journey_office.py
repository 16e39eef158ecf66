"""An office in the middle of its week, for the journeys of everybody but the coordinator's planning.

A coach that a consulate has twelve answers to give for, one whose list can be issued, one that is under way to the
border, one under way with an escort, one into the neighbouring country; a hold; a month of January that is over and
published. Everybody is invented. The clock is a file: each journey begins by setting it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path

from sqlmodel import Session

from retorno import changes, clock
from retorno.confirmations import confirmation
from retorno.database import Database
from retorno.figures import statistics
from retorno.models.movements import Movement, MovementCrossing, MovementSegment
from retorno.models.people import Person
from retorno.office.access import Actor, load_actor
from retorno.vocabulary import HoldKind, Sex
from tests import builders
from tests import planning_builders as build
from tests.test_statistics import arrive, closed_movement
from tests.ui.light_office import ESCORT_ID, coach, family, opened
from tests.ui.serving import Office, free_port

ARABIC = ("فاطمة الزهراء", "أحمد محمد")
"""Given and family names of the first person on every coach."""
MONTH = "2027-01"


@dataclass(frozen=True, kw_only=True)
class JourneyOffice:
    """The running office, and what stands in it."""

    office: Office
    database: Database
    asked: Movement
    neighbours: Movement
    confirmed: Movement
    coming: Movement
    escorted: Movement
    held: Person

    def at(self, instant: datetime) -> None:
        """Set the clock of the running office."""
        assert self.office.clock_file is not None
        self.office.clock_file.write_text(instant.isoformat(), "ascii")

    def close(self) -> None:
        """End the application."""
        self.office.stop()
        self.database.dispose()


def build_office(folder: Path) -> JourneyOffice:
    """The office in a folder, its clock at ``builders.NOW``; not served yet."""
    database, users = opened(folder)
    with database.transaction() as session:
        first, second = (load_actor(session, users[name]) for name in ("coordinator", "coordinator_2"))
        everything = {
            "asked": _asked(session, first),
            "neighbours": _neighbours(session, first),
            "confirmed": _confirmed(session, first),
            "coming": _released(session, first, second, families=6, day=0),
            "escorted": _released(session, first, second, families=3, day=1, is_escorted=True),
        }
        held = build.members(session, build.make_family(session, adults=1).group_id)[0]
        held.given_names, held.family_names = "Rosa Detenida", "Prueba Inventada"
        session.add(held)
        changes.raise_hold(session, first, person_id=held.person_id, kind=HoldKind.FEAR)
        _month_that_is_over(session, first)
        for row in (*everything.values(), held):
            session.refresh(row)
            session.expunge(row)
    office = Office(port=free_port(), folder=folder, clock_file=folder / "clock")
    result = JourneyOffice(office=office, database=database, held=held, **everything)
    result.at(builders.NOW)
    clock.set_now(None)
    return result


def _people(session: Session, bus: Movement, families: int) -> None:
    """Families of three aboard; the first has a name in Arabic letters, the others names of their coach."""
    for number in range(families):
        for position, person in enumerate(build.members(session, family(session, number and number + 6).group_id)):
            if number:
                person.given_names, person.family_names = f"Luz {bus.label} {number}{position}", "Inventada"
            session.add(person)
            build.seat_person(session, bus, person)
    session.flush()


def _asked(session: Session, first: Actor) -> Movement:
    bus = coach(session, 40, depart_at=build.LAND_DEPART + timedelta(days=3))
    _people(session, bus, 4)
    confirmation.request_confirmations(session, first, movement_id=bus.movement_id)
    return bus


def _neighbours(session: Session, first: Actor) -> Movement:
    """Three Guatemalans who go one country far."""
    bus = coach(session, 40, depart_at=build.LAND_DEPART + timedelta(days=3))
    ride = session.get_one(MovementSegment, (bus.movement_id, 0))
    ride.to_place_id = "GT-CAMIEX"
    session.add(ride)
    session.delete(session.get_one(MovementCrossing, (bus.movement_id, 1)))
    group = build.make_neighbours(session, adults=3)
    for number, person in enumerate(build.members(session, group.group_id)):
        person.given_names, person.family_names = f"Vecina {number}", "Inventada"
        session.add(person)
    build.seat_group(session, bus, group)
    session.flush()
    confirmation.request_confirmations(session, first, movement_id=bus.movement_id)
    return bus


def _confirmed(session: Session, first: Actor) -> Movement:
    bus = coach(session, 40, depart_at=build.LAND_DEPART + timedelta(days=2))
    _people(session, bus, 4)
    build.confirm_all(session, first, bus.movement_id)
    return bus


def _released(
    session: Session, first: Actor, second: Actor, *, families: int, day: int, is_escorted: bool = False
) -> Movement:
    bus = coach(session, 40, depart_at=build.LAND_DEPART + timedelta(days=day))
    _people(session, bus, families)
    if is_escorted:
        escort = build.make_escort(session, escort_id=ESCORT_ID, name="Elena Inventada", phone="+52 000 000 0001")
        build.seat_escort(session, bus, escort, None)
    build.release(session, first, second, bus.movement_id)
    return bus


def _month_that_is_over(session: Session, first: Actor) -> None:
    """Returns of January with numbers below ten in some corners, published."""
    movement = closed_movement(session)
    for count, nationality, sex, born in (
        (24, "HN", Sex.FEMALE, date(1990, 5, 17)),
        (17, "HN", Sex.MALE, date(1988, 2, 3)),
        (6, "HN", Sex.FEMALE, date(2020, 2, 3)),
        (12, "HN", Sex.MALE, date(2021, 7, 9)),
        (3, "HN", Sex.FEMALE, date(1950, 1, 1)),
        (14, "SV", Sex.FEMALE, date(1995, 3, 3)),
        (11, "SV", Sex.MALE, date(1999, 4, 4)),
        (2, "SV", Sex.MALE, date(2019, 4, 4)),
        (4, "NI", Sex.FEMALE, date(1996, 4, 4)),
        (9, "GT", Sex.MALE, date(1991, 4, 4)),
    ):
        arrive(session, movement, count, nationality=nationality, sex=sex, birth_date=born)
    statistics.publish(session, first, month=MONTH)
