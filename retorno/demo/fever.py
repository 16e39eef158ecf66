"""The fever day to practise: 106 children change aircraft at a stopover, three of them have fever.

People, companies and officers are invented. Everything is recorded by the acts of its roles on the days on which it
would have been done, and every list passes every rule when it is issued. Begun again after a crash it goes on where it
stood: who is recorded already is left alone.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import date, datetime, timedelta

from sqlmodel import Session, col, select

from retorno import clock
from retorno.database import Database
from retorno.demo.people import Registered
from retorno.demo.practice import Team, Tell, issue, person_row, recorded, registered, works_from
from retorno.models.movements import (
    Escort,
    Movement,
    MovementSegment,
    OfferCreate,
    Seat,
)
from retorno.models.people import Consent
from retorno.office import access
from retorno.plans import planning
from retorno.plans.booking import new_reference
from retorno.plans.offers import confirmed_air
from retorno.routes.rows import ExampleCase
from retorno.rules import usable_seats
from retorno.situation import ground, situation
from retorno.vocabulary import ConsentPurpose, Mode, MovementStatus, Sex

STOPOVER, SHELTER = "APT-MEX", "MX-CIUDAD-DE-MEXICO"
FLIGHTS = (("INV-F1", "APT-TGU", 36), ("INV-F2", "APT-SAP", 35), ("INV-F3", "APT-RTB", 35))
"""Number, airport at home and children aboard: no airport receives more than sixty people a day."""
OFFICERS_ABOARD = 7
"""Six officers are the least for 31 to 36 children of twelve and more; with a seventh, one of each can stay behind."""
APPROVED_EACH = 3
FIRST_NUMBER = 2001
"""Number of the first invented person, beyond those of the demonstration's own cases."""
FIRST_FLIGHT_HOUR = 10
LEAST_AHEAD = timedelta(hours=3)


def fever_departures(now: datetime) -> list[datetime]:
    """When the three flights leave: from ten in the morning at the stopover, the first morning three hours ahead."""
    zone = ground().airports[STOPOVER].timezone
    day = clock.local(now, zone).date()
    while True:
        first = clock.instant_of(datetime.combine(day, datetime.min.time()).replace(hour=FIRST_FLIGHT_HOUR), zone)
        if first - now >= LEAST_AHEAD:
            return [first + timedelta(minutes=30 * number) for number in range(len(FLIGHTS))]
        day += timedelta(days=1)


def fever_cases() -> tuple[ExampleCase, ...]:
    """106 unaccompanied children; the first group of the first flight are four brothers, every other child is alone."""
    rows: list[ExampleCase] = []
    for flight, (_, home, count) in enumerate(FLIGHTS):
        for place in range(count):
            number = len(rows)
            is_brother = flight == 0 and place < 4
            values: dict[str, object] = {
                "group_key": f"F{flight + 1}" if is_brother else f"F{flight + 1}-{place}",
                "person_key": f"F{flight + 1}-{place}-1",
                "age_years": 12 + number % 5,
                "place_id": SHELTER,
                "is_unaccompanied": True,
                "destination_place_id": home,
                "destination_municipality": "Comayagua",
                "circumstances": ("best_interest",),
            }
            if is_brother:
                values |= {"sex": "M", "family_names": "Banegas Joya", "relation": "sibling" if place else "self"}
                values |= {"given_names": ("Adán", "Abel", "Isaí", "Saúl")[place]}
            elif place == 0:
                values |= {
                    "sex": "M",
                    "given_names": "Adonis",
                    "family_names": f"Fúnez {('Lagos', 'Erazo')[flight - 1]}",
                }
            rows.append(person_row(number, **values))
    return tuple(rows)


def feverish() -> tuple[str, ...]:
    """Names of the three who have fever: a brother of the four, and one child on each of the other flights."""
    first: dict[str, str] = {}
    for case in fever_cases():
        first.setdefault(case.destination_place_id, f"{case.given_names} {case.family_names}")
    return tuple(first.values())


def set_up(database: Database, team: Team, now: datetime, tell: Tell) -> None:
    cases = fever_cases()
    steps = len({case.group_key for case in cases}) + len(FLIGHTS) + 1
    done = [0]

    def told() -> None:
        done[0] += 1
        tell(done[0], steps)

    works_from(database, team, SHELTER)
    escorts = _officers(database, now.date())
    people = registered(database, team, cases, FIRST_NUMBER, now, "practica_fiebre")
    told()
    homes = [home for _, home, _ in FLIGHTS]

    def approved(each: Registered) -> Sequence[Escort]:
        return escorts[homes.index(each.case.destination_place_id)][:APPROVED_EACH]

    recorded(database, team, people, approved, now, told)
    for flight, depart_at in enumerate(fever_departures(now)):
        aboard = [each for each in people if each.case.destination_place_id == homes[flight]]
        with clock.standing_at(depart_at - timedelta(hours=73)), database.transaction() as session:
            movement_id = _charter(session, team, flight, depart_at, aboard, escorts[flight])
            issue(session, team, movement_id, is_released=True)
        told()


def _officers(database: Database, today: date) -> list[list[Escort]]:
    """Seven child-protection officers for each flight; the first three are women."""
    with database.transaction() as session:
        made = []
        for number in range(OFFICERS_ABOARD * len(FLIGHTS)):
            escort_id = f"E-DIA{number + 1:03d}"
            row = session.get(Escort, escort_id) or Escort(
                escort_id=escort_id,
                name=f"Oficial de niñez {number // OFFICERS_ABOARD + 1}-{number % OFFICERS_ABOARD + 1} (demo)",
                sex=Sex.FEMALE if number % OFFICERS_ABOARD < APPROVED_EACH else Sex.MALE,
                duty="child_protection",
                base_place_id=SHELTER,
                phone="+52 000 000 0000",
                approved_until=today + timedelta(days=200),
            )
            session.add(row)
            made.append(row)
        session.flush()
    return [made[number : number + OFFICERS_ABOARD] for number in range(0, len(made), OFFICERS_ABOARD)]


def _charter(
    session: Session,
    team: Team,
    flight: int,
    depart_at: datetime,
    people: Sequence[Registered],
    escorts: Sequence[Escort],
) -> str:
    """An aircraft with its children and officers, booked as acceptance books it; found again if it is there."""
    number, home, _ = FLIGHTS[flight]
    standing_one = session.exec(
        select(Movement).where(Movement.label == number, col(Movement.status) != MovementStatus.CANCELLED)
    ).first()
    if standing_one is not None:
        return standing_one.movement_id
    offer = planning.add_offer(
        session,
        team.staff.coordinator,
        offer=OfferCreate(
            mode=Mode.CHARTER,
            carrier="Aerolínea Inventada (demo)",
            number=number,
            origin_place_id=STOPOVER,
            destination_place_id=home,
            depart_at=depart_at,
            arrive_at=depart_at + timedelta(hours=2),
            seats=60,
            fixed_cents=1_800_000,
            escort_returns=OFFICERS_ABOARD,
        ),
    )
    air = confirmed_air(session, "MX", "HN", depart_at.date())
    policy = situation(session, day=depart_at.date()).policy
    hours = max(policy.notice_hours, air.notice_hours if air else 0)
    movement = Movement(
        reference=new_reference(),
        office_id=team.office_id,
        mode=Mode.CHARTER,
        offer_id=offer.offer_id,
        label=number,
        operator=offer.carrier,
        agreement_confirmation_id=air.confirmation_id if air else None,
        depart_at=depart_at,
        arrive_at=offer.arrive_at,
        notice_hours=hours,
        opens_at=access.opens_at(depart_at, hours),
        route=json.dumps({"is_vulnerable_ok": True}),
    )
    session.add(movement)
    session.flush()
    session.add(
        MovementSegment(
            movement_id=movement.movement_id,
            segment=0,
            from_place_id=STOPOVER,
            to_place_id=home,
            depart_at=depart_at,
            arrive_at=offer.arrive_at,
            capacity=usable_seats(offer.seats, policy),
            wheelchairs=offer.wheelchairs,
        )
    )
    session.flush()
    for each in people:
        session.add(
            Seat(
                movement_id=movement.movement_id,
                person_id=each.person_id,
                group_id=each.group_id,
                consent_id=_consent_of(session, each.person_id),
                board=0,
                alight=1,
                depart_at=depart_at,
                arrive_at=offer.arrive_at,
            )
        )
    for escort in escorts:
        session.add(
            Seat(
                movement_id=movement.movement_id,
                escort_id=escort.escort_id,
                board=0,
                alight=1,
                depart_at=depart_at,
                arrive_at=offer.arrive_at,
            )
        )
    session.flush()
    return movement.movement_id


def _consent_of(session: Session, person_id: str) -> str:
    return session.exec(
        select(Consent.consent_id)
        .where(
            Consent.person_id == person_id,
            Consent.purpose == ConsentPurpose.RETURN,
            col(Consent.withdrawn_at).is_(None),
        )
        .order_by(col(Consent.given_at).desc())
        .limit(1)
    ).one()
