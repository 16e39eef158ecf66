"""Offers and vehicles entered and taken back: an offer in use stays, a vehicle's papers must be in force."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from sqlmodel import Session

from retorno.errors import InputError, NotAllowed
from retorno.models.movements import Movement, MovementSegment, Offer, Vehicle
from retorno.office.access import Actor
from retorno.supply import offer_acts
from retorno.vocabulary import Mode, MovementStatus
from tests import builders

DEPARTS = builders.NOW + timedelta(days=9)
PAPERS = date(2027, 12, 31)


def an_offer(db: Session, **changes: Any) -> Offer:
    """Twenty seats from Tapachula to San Pedro Sula."""
    values = {
        "office_id": "Z-TAPACHULA",
        "mode": Mode.FLIGHT,
        "carrier": "Invented Air",
        "number": "IA 1",
        "origin_place_id": "APT-TAP",
        "destination_place_id": "APT-SAP",
        "depart_at": DEPARTS,
        "arrive_at": DEPARTS + timedelta(hours=2),
        "seats": 20,
    }
    offer = Offer(**(values | changes))
    db.add(offer)
    db.flush()
    return offer


def a_vehicle(db: Session, actor: Actor, **changes: Any) -> Vehicle:
    """A coach in Tapachula."""
    values = {
        "vehicle_type": "coach",
        "plate": "ABC 123",
        "operator": "Invented Lines",
        "depot_place_id": "MX-TAPACHULA",
        "licence_until": PAPERS,
        "insurance_until": PAPERS,
        "inspection_until": PAPERS,
    }
    return offer_acts.add_vehicle(db, actor, **(values | changes))


def test_an_offer_that_nobody_uses_is_taken_back_once(session: Session, coordinator: Actor) -> None:
    offer = an_offer(session)

    offer_acts.cancel_offer(session, coordinator, offer_id=offer.offer_id)
    again = offer_acts.cancel_offer(session, coordinator, offer_id=offer.offer_id)

    assert again.cancelled_at == builders.NOW
    assert again.version == 2
    assert offer_acts.offers(session, coordinator) == []


def test_an_offer_in_use_is_not_taken_back(session: Session, coordinator: Actor) -> None:
    offer = an_offer(session)
    session.add(
        Movement(
            movement_id="M-1",
            reference="REF-1",
            office_id="Z-TAPACHULA",
            mode=Mode.FLIGHT,
            status=MovementStatus.ACCEPTED,
            offer_id=offer.offer_id,
            label="IA 1",
            depart_at=DEPARTS,
            arrive_at=DEPARTS + timedelta(hours=2),
            opens_at=DEPARTS,
        )
    )
    session.flush()
    session.add(
        MovementSegment(
            movement_id="M-1",
            segment=0,
            from_place_id="APT-TAP",
            to_place_id="APT-SAP",
            depart_at=DEPARTS,
            arrive_at=DEPARTS + timedelta(hours=2),
            capacity=20,
            taken=7,
        )
    )
    session.flush()

    with pytest.raises(InputError) as refused:
        offer_acts.cancel_offer(session, coordinator, offer_id=offer.offer_id)

    assert [fault.code for fault in refused.value.faults] == ["OFFER_USED"]
    row = offer_acts.offers(session, coordinator)[0]
    assert (row.movement_reference, row.taken) == ("REF-1", 7)


def test_an_offer_of_another_office_is_not_found(session: Session, coordinator: Actor) -> None:
    builders.make_office(session, office_id="Z-OTHER")
    offer = an_offer(session, office_id="Z-OTHER")

    with pytest.raises(NotAllowed):
        offer_acts.cancel_offer(session, coordinator, offer_id=offer.offer_id)


def test_a_vehicle_has_the_seats_of_its_type(session: Session, coordinator: Actor) -> None:
    row = a_vehicle(session, coordinator)

    assert (row.seats, row.wheelchairs, row.plate) == (45, 0, "ABC 123")


def test_every_fault_of_a_vehicle_is_named_at_once(session: Session, coordinator: Actor) -> None:
    a_vehicle(session, coordinator)

    with pytest.raises(InputError) as refused:
        a_vehicle(
            session,
            coordinator,
            vehicle_type="",
            operator=" ",
            depot_place_id="NOWHERE",
            licence_until=None,
            insurance_until=date(2027, 2, 28),
        )

    assert {fault.column: fault.code for fault in refused.value.faults} == {
        "vehicle_type": "EMPTY",
        "operator": "EMPTY",
        "depot_place_id": "EMPTY",
        "plate": "PLATE",
        "licence_until": "EMPTY",
        "insurance_until": "PAST",
    }


def test_a_withdrawn_vehicle_ends_today(session: Session, coordinator: Actor, auditor: Actor) -> None:
    row = a_vehicle(session, coordinator)

    with pytest.raises(NotAllowed):
        offer_acts.withdraw_vehicle(session, auditor, vehicle_id=row.vehicle_id)
    offer_acts.withdraw_vehicle(session, coordinator, vehicle_id=row.vehicle_id)
    offer_acts.withdraw_vehicle(session, coordinator, vehicle_id=row.vehicle_id)

    assert (row.available_until, row.version) == (date(2027, 3, 1), 2)
