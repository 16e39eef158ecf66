"""Fleet, drivers, escorts, agreements, offers and movements with seats, made by hand: no solver runs for them.

The corridor is Tapachula to Omoa over Talismán and Corinto, the air bridge Tapachula to San Pedro Sula; every company,
officer and confirmation is invented.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlmodel import Session, select

from retorno import keyring, manifest
from retorno.confirmations import confirmation
from retorno.confirmations.confirmation import Party
from retorno.models.movements import (
    AgreementConfirmation,
    Confirmation,
    Driver,
    Escort,
    Movement,
    MovementCrossing,
    MovementSegment,
    Offer,
    Seat,
    Vehicle,
)
from retorno.models.people import Consent, Person, TravelGroup
from retorno.models.protection import BestInterestDecision, EscortApproval
from retorno.office import access
from retorno.office.access import Actor
from retorno.papers.keys import load_keys
from retorno.vocabulary import (
    Answer,
    BestInterestOutcome,
    ConsentPurpose,
    Mode,
    MovementStatus,
    PersonStatus,
    Relation,
    SeatStatus,
    Sex,
)
from tests import builders
from tests.builders import NOW

OPERATOR = "Transportes de Prueba"
LAND_DAY = date(2027, 3, 8)
"""Monday, seven days after ``NOW``; Honduras and Guatemala have no holiday."""
LAND_DEPART = datetime(2027, 3, 8, 12, 45, tzinfo=UTC)
"""06:45 in Tapachula: after sunrise and after the stricter window opens."""

_numbers = itertools.count(1)


def use_keys(folder: Path, office_ids: Sequence[str] = ("Z-TAPACHULA",)) -> None:
    """Signing, reference and wrapping keys of the offices, fresh in a folder."""
    keyring.use(load_keys(folder / "keys.json", office_ids=list(office_ids), create=True))


# ---- what an office has ---------------------------------------------------------------------------------------


def make_vehicle(session: Session, **overrides: Any) -> Vehicle:
    """A coach of 45 seats (40 usable) in Tapachula with every paper in order."""
    number = next(_numbers)
    values: dict[str, Any] = {
        "vehicle_id": f"V-TEST{number:06d}",
        "vehicle_type": "coach",
        "plate": f"PRB-{number:03d}",
        "operator": OPERATOR,
        "depot_place_id": "MX-TAPACHULA",
        "seats": 45,
        "licence_until": date(2028, 3, 1),
        "insurance_until": date(2028, 3, 1),
        "inspection_until": date(2028, 3, 1),
    }
    vehicle = Vehicle(**(values | overrides))
    session.add(vehicle)
    session.flush()
    return vehicle


def make_driver(session: Session, **overrides: Any) -> Driver:
    """A driver of the operator with a licence for a year."""
    number = next(_numbers)
    values: dict[str, Any] = {
        "driver_id": f"R-TEST{number:06d}",
        "name": f"Conductor Inventado {number}",
        "operator": OPERATOR,
        "licence_until": date(2028, 3, 1),
    }
    driver = Driver(**(values | overrides))
    session.add(driver)
    session.flush()
    return driver


def make_escort(session: Session, **overrides: Any) -> Escort:
    """A child-protection escort based in Tapachula, a woman unless said otherwise."""
    number = next(_numbers)
    values: dict[str, Any] = {
        "escort_id": f"E-TEST{number:06d}",
        "name": f"Acompañante Inventada {number}",
        "sex": Sex.FEMALE,
        "duty": "child_protection",
        "base_place_id": "MX-TAPACHULA",
        "approved_until": date(2028, 3, 1),
    }
    escort = Escort(**(values | overrides))
    session.add(escort)
    session.flush()
    return escort


def make_agreement(session: Session, **overrides: Any) -> AgreementConfirmation:
    """An invented confirmation for returns by land from Mexico through Guatemala to Honduras."""
    values: dict[str, Any] = {
        "agreement_id": "",
        "mode": "land",
        "from_country": "MX",
        "to_country": "HN",
        "transit_countries": "GT",
        "crossings": "MX-GT-TAL;GT-HN-COR",
        "confirmed_with": "Oficina de enlace inventada",
        "confirmed_by": "Coordinadora inventada",
        "confirmed_at": NOW - timedelta(days=5),
        "valid_from": date(2027, 1, 1),
        "valid_until": date(2027, 12, 31),
        "is_invented": True,
    }
    made = AgreementConfirmation(**(values | overrides))
    session.add(made)
    session.flush()
    return made


def make_offer(session: Session, **overrides: Any) -> Offer:
    """A charter of 60 seats from Tapachula to San Pedro Sula on Tuesday 9 March, 09:00 to 11:00 local."""
    values: dict[str, Any] = {
        "office_id": "Z-TAPACHULA",
        "mode": Mode.CHARTER,
        "carrier": "Aerolínea de Prueba",
        "number": f"INV{next(_numbers):03d}",
        "origin_place_id": "APT-TAP",
        "destination_place_id": "APT-SAP",
        "depart_at": datetime(2027, 3, 9, 15, 0, tzinfo=UTC),
        "arrive_at": datetime(2027, 3, 9, 17, 0, tzinfo=UTC),
        "seats": 60,
        "fixed_cents": 1_500_000,
        "escort_returns": 12,
    }
    offer = Offer(**(values | overrides))
    session.add(offer)
    session.flush()
    return offer


# ---- people ---------------------------------------------------------------------------------------------------


def make_family(session: Session, *, adults: int = 1, children: int = 0, **group: Any) -> TravelGroup:
    """A ready family bound for Omoa or wherever the group says; children of ten in the care of the first adult.

    Its members are nationals of the country to which they return.
    """
    family = builders.make_group(session, **group)
    home = family.destination_country
    first: Person | None = None
    for number in range(adults):
        person = builders.make_person(
            session,
            family,
            given_names=f"Adulta {number} {family.group_id[-4:]}",
            family_names="Inventada",
            nationality=home,
        )
        first = first or person
    for number in range(children):
        builders.make_person(
            session,
            family,
            given_names=f"Niña {number} {family.group_id[-4:]}",
            birth_date=date(2016, 9, 3),
            nationality=home,
            relation=Relation.CHILD,
            caregiver_id=first.person_id if first else None,
        )
    session.flush()
    return family


def make_neighbours(session: Session, *, adults: int = 1, children: int = 0, **group: Any) -> TravelGroup:
    """A ready family of Guatemalans bound for the capital's reception centre: one day by road from Tapachula."""
    place = {"destination_country": "GT", "destination_place_id": "GT-CAMIEX", "destination_municipality": "Mixco"}
    return make_family(session, adults=adults, children=children, **(place | group))


def make_child_alone(
    session: Session,
    group: TravelGroup | None = None,
    *,
    escorts: Sequence[Escort] = (),
    birth_date: date = date(2013, 4, 9),
    sex: Sex = Sex.FEMALE,
    **overrides: Any,
) -> Person:
    """An unaccompanied child of thirteen with a complete file and approvals of ``escorts``."""
    child = builders.make_person(
        session,
        group,
        given_names="Niña Sola",
        family_names="Inventada",
        birth_date=birth_date,
        sex=sex,
        is_unaccompanied=True,
        **overrides,
    )
    session.add(
        BestInterestDecision(
            person_id=child.person_id,
            outcome=BestInterestOutcome.RETURN,
            decided_on=date(2027, 2, 20),
            valid_until=date(2027, 5, 20),
            body="Procuraduría inventada",
            guardian_consent_on=date(2027, 2, 21),
            child_view_recorded_on=date(2027, 2, 19),
            receiving_agreed_on=date(2027, 2, 22),
            pickup_named="Tía inventada",
            recorded_by="U-TAPACHULA-protection_1",
            recorded_at=NOW - timedelta(days=3),
            cleared_by="U-TAPACHULA-protection_1",
            cleared_by_second="U-TAPACHULA-protection_2",
            cleared_at=NOW - timedelta(days=2),
        )
    )
    for escort in escorts:
        approve(session, child, escort)
    session.flush()
    return child


def approve(session: Session, child: Person, escort: Escort) -> None:
    """Approval of an escort for one child until the end of the year."""
    session.add(
        EscortApproval(
            person_id=child.person_id,
            escort_id=escort.escort_id,
            approved_by="U-TAPACHULA-protection_1",
            approved_at=NOW - timedelta(days=1),
            valid_until=date(2027, 12, 31),
        )
    )
    session.flush()


# ---- movements by hand ----------------------------------------------------------------------------------------


def make_bus(session: Session, *, vehicle: Vehicle | None = None, drivers: int = 2, **overrides: Any) -> Movement:
    """An accepted coach from Tapachula to Omoa on 8 March over Talismán and Corinto, two drivers, nobody aboard.

    06:45 from Tapachula; Talismán at 08:45, Corinto at 14:45, Omoa at 15:45 local time.
    """
    coach = vehicle or make_vehicle(session)
    agreement = session.exec(
        select(AgreementConfirmation).where(AgreementConfirmation.mode == "land")
    ).first() or make_agreement(session)
    depart = overrides.pop("depart_at", LAND_DEPART)
    arrive = depart + timedelta(hours=9)
    number = next(_numbers)
    values: dict[str, Any] = {
        "reference": f"M{number:03d}-CCC",
        "office_id": "Z-TAPACHULA",
        "mode": Mode.ROAD,
        "vehicle_id": coach.vehicle_id,
        "label": coach.plate,
        "operator": coach.operator,
        "drivers": ";".join(make_driver(session).driver_id for _ in range(drivers)),
        "drivers_needed": drivers,
        "is_route_confirmed": True,
        "agreement_confirmation_id": agreement.confirmation_id,
        "depart_at": depart,
        "arrive_at": arrive,
        "opens_at": access.opens_at(depart, 72),
        "route": json.dumps(
            {
                "stretches": [90, 180, 180],
                "breaks": [{"minutes": 60, "has_toilet": True}, {"minutes": 60, "has_toilet": True}],
                "is_vulnerable_ok": True,
            }
        ),
    }
    movement = Movement(**(values | overrides))
    session.add(movement)
    session.flush()
    session.add(
        MovementSegment(
            movement_id=movement.movement_id,
            segment=0,
            from_place_id="MX-TAPACHULA",
            to_place_id="HN-CAMR-OMOA",
            depart_at=depart,
            arrive_at=arrive,
            capacity=40,
            wheelchairs=coach.wheelchairs,
        )
    )
    session.flush()
    for sequence, (crossing, posts, countries, hours) in enumerate(
        (
            ("MX-GT-TAL", ("MX-GT-TAL-A", "MX-GT-TAL-B"), ("MX", "GT"), 2),
            ("GT-HN-COR", ("GT-HN-COR-A", "GT-HN-COR-B"), ("GT", "HN"), 8),
        )
    ):
        session.add(
            MovementCrossing(
                movement_id=movement.movement_id,
                sequence=sequence,
                segment=0,
                crossing_id=crossing,
                leave_post_id=posts[0],
                enter_post_id=posts[1],
                leave_country=countries[0],
                enter_country=countries[1],
                at=depart + timedelta(hours=hours),
            )
        )
    session.flush()
    return movement


def make_flight(
    session: Session, *, offer: Offer | None = None, capacity: int | None = None, **overrides: Any
) -> Movement:
    """An accepted movement of an offer, nobody aboard."""
    flown = offer or make_offer(session)
    number = next(_numbers)
    values: dict[str, Any] = {
        "reference": f"M{number:03d}-FFF",
        "office_id": flown.office_id,
        "mode": flown.mode,
        "offer_id": flown.offer_id,
        "label": flown.number,
        "operator": flown.carrier,
        "depart_at": flown.depart_at,
        "arrive_at": flown.arrive_at,
        "opens_at": access.opens_at(flown.depart_at, 72),
        "route": json.dumps({"is_vulnerable_ok": True}),
    }
    movement = Movement(**(values | overrides))
    session.add(movement)
    session.flush()
    session.add(
        MovementSegment(
            movement_id=movement.movement_id,
            segment=0,
            from_place_id=flown.origin_place_id,
            to_place_id=flown.destination_place_id,
            depart_at=flown.depart_at,
            arrive_at=flown.arrive_at,
            capacity=capacity if capacity is not None else flown.seats * 9 // 10,
            wheelchairs=flown.wheelchairs,
        )
    )
    session.flush()
    return movement


def consent_of(session: Session, person_id: str) -> Consent:
    """The newest consent to return of a person."""
    return session.exec(
        select(Consent)
        .where(Consent.person_id == person_id, Consent.purpose == ConsentPurpose.RETURN)
        .order_by(Consent.given_at.desc(), Consent.consent_id)  # type: ignore[attr-defined]
    ).first()  # type: ignore[return-value]


def seat_person(session: Session, movement: Movement, person: Person, **overrides: Any) -> Seat:
    """One active seat from the first to the last stop."""
    consent = consent_of(session, person.person_id)
    values: dict[str, Any] = {
        "movement_id": movement.movement_id,
        "person_id": person.person_id,
        "group_id": person.group_id,
        "consent_id": consent.consent_id if consent else None,
        "board": 0,
        "alight": 1,
        "depart_at": movement.depart_at,
        "arrive_at": movement.arrive_at,
    }
    seat = Seat(**(values | overrides))
    session.add(seat)
    session.flush()
    return seat


def seat_group(session: Session, movement: Movement, group: TravelGroup, *, escorts: Sequence[Escort] = ()) -> None:
    """Seats for every active member of a group and for escorts of its own."""
    for person in members(session, group.group_id):
        seat_person(session, movement, person)
    for escort in escorts:
        seat_escort(session, movement, escort, group.group_id)


def seat_escort(session: Session, movement: Movement, escort: Escort, group_id: str | None) -> Seat:
    """A seat for an escort of one group, or of everybody aboard."""
    seat = Seat(
        movement_id=movement.movement_id,
        escort_id=escort.escort_id,
        for_group_id=group_id,
        board=0,
        alight=1,
        depart_at=movement.depart_at,
        arrive_at=movement.arrive_at,
    )
    session.add(seat)
    session.flush()
    return seat


def members(session: Session, group_id: str) -> list[Person]:
    """Active members of a group by id."""
    return list(
        session.exec(
            select(Person)
            .where(Person.group_id == group_id, Person.status == PersonStatus.ACTIVE)
            .order_by(Person.person_id)
        ).all()
    )


def aboard(session: Session, movement_id: str) -> set[str]:
    """Persons with an active seat."""
    rows = session.exec(
        select(Seat.person_id).where(Seat.movement_id == movement_id, Seat.status == SeatStatus.ACTIVE)
    ).all()
    return {person_id for person_id in rows if person_id}


# ---- acts, quickly --------------------------------------------------------------------------------------------


def confirm_all(session: Session, coordinator: Actor, movement_id: str) -> None:
    """Ask everybody and record everybody's yes."""
    confirmation.request_confirmations(session, coordinator, movement_id=movement_id)
    for row in session.exec(
        select(Confirmation).where(Confirmation.movement_id == movement_id, Confirmation.answer == Answer.PENDING)
    ).all():
        confirmation.confirm(
            session, coordinator, confirmation_id=row.confirmation_id, answered_by="Oficial Inventada", way="phone"
        )


def issue(session: Session, first: Actor, second: Actor, movement_id: str) -> int:
    """Propose and sign; gives the version."""
    manifest.propose(session, first, movement_id=movement_id)
    return manifest.sign(session, second, movement_id=movement_id).version


def acknowledge_all(session: Session, coordinator: Actor, movement_id: str) -> None:
    """Everybody acknowledges the version in force, recorded by the coordinator."""
    for row in manifest.acknowledgements(session, movement_id):
        manifest.acknowledge(
            session,
            coordinator,
            movement_id=movement_id,
            party=Party(kind=row.party_kind, party_id=row.party_id),
            version=row.manifest_version,
            answered_by="Oficial Inventada",
            way="phone",
        )


def release(session: Session, first: Actor, second: Actor, movement_id: str) -> Movement:
    """From accepted to released: confirmed, issued, acknowledged, released."""
    confirm_all(session, first, movement_id)
    issue(session, first, second, movement_id)
    acknowledge_all(session, first, movement_id)
    return manifest.release(session, first, movement_id=movement_id)


def status_of(session: Session, movement_id: str) -> MovementStatus:
    """Status of a movement as the database has it."""
    return session.get_one(Movement, movement_id, populate_existing=True).status
