"""What a coordinator enters and takes back of what there is to travel with: offers and own vehicles."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from sqlmodel import Session, col, func, select

from retorno import clock
from retorno.errors import Fault, InputError, NotAllowed
from retorno.models.movements import Movement, MovementSegment, Offer, Vehicle
from retorno.office import access, audit
from retorno.situation import ground
from retorno.text import clean_text
from retorno.vocabulary import MovementStatus

MAX_TEXT = 80


@dataclass(frozen=True, kw_only=True)
class OfferRow:
    """An offer with the movement that uses it, if one does, and how many of its seats are taken."""

    offer: Offer
    movement_reference: str
    taken: int


def offers(session: Session, actor: access.Actor) -> list[OfferRow]:
    """Offers that the office may still use, by departure."""
    actor = access.require(session, actor, "planning.read")
    rows = session.exec(
        select(Offer)
        .where(
            Offer.office_id == (actor.office_id or ""),
            col(Offer.cancelled_at).is_(None),
            col(Offer.depart_at) >= clock.now(),
        )
        .order_by(col(Offer.depart_at), Offer.offer_id)
    ).all()
    used = {
        offer_id: (reference, taken)
        for offer_id, reference, taken in session.exec(
            select(Movement.offer_id, Movement.reference, func.max(MovementSegment.taken))
            .join(MovementSegment, col(MovementSegment.movement_id) == Movement.movement_id)
            .where(
                col(Movement.offer_id).in_([row.offer_id for row in rows]),
                Movement.status != MovementStatus.CANCELLED,
            )
            .group_by(Movement.offer_id, Movement.reference)
        ).all()
    }
    return [
        OfferRow(
            offer=row,
            movement_reference=used.get(row.offer_id, ("", 0))[0],
            taken=used.get(row.offer_id, ("", 0))[1],
        )
        for row in rows
    ]


def cancel_offer(session: Session, actor: access.Actor, *, offer_id: str) -> Offer:
    """Take back an offer that no movement uses: no new plan counts on it. A second click changes nothing.

    Raises
    ------
    InputError
        If a movement uses it: people hold its seats, so the movement is cancelled on its own page.
    """
    actor = access.require(session, actor, "planning.offer")
    offer = session.get(Offer, offer_id, with_for_update=True)
    if offer is None or offer.office_id != actor.office_id:
        raise NotAllowed
    if offer.cancelled_at is not None:
        return offer
    used = session.exec(
        select(Movement.reference).where(Movement.offer_id == offer_id, Movement.status != MovementStatus.CANCELLED)
    ).first()
    if used is not None:
        raise InputError(
            [Fault(column="offer", code="OFFER_USED", value=used, what=f"movement {used} uses it: cancel that first")]
        )
    offer.cancelled_at = clock.now()
    offer.version += 1
    session.add(offer)
    session.flush()
    audit.append(session, actor, act="planning.offer", object_kind="offer", object_id=offer_id)
    return offer


# ---- own vehicles ---------------------------------------------------------------------------------------------


def vehicles(session: Session, actor: access.Actor) -> Sequence[Vehicle]:
    """Vehicles on record by place and plate."""
    access.require(session, actor, "planning.read")
    return session.exec(select(Vehicle).order_by(Vehicle.depot_place_id, Vehicle.plate)).all()


def add_vehicle(
    session: Session,
    actor: access.Actor,
    *,
    vehicle_type: str,
    plate: str,
    operator: str,
    depot_place_id: str,
    licence_until: date | None,
    insurance_until: date | None,
    inspection_until: date | None,
) -> Vehicle:
    """Register a vehicle; seats and wheelchair places are those of its type (data/vehicles.csv).

    Raises
    ------
    InputError
        With everything that is missing, a plate that is taken, or papers that ran out (R20).
    """
    actor = access.require(session, actor, "planning.offer")
    facts = ground()
    faults: list[Fault] = []
    if vehicle_type not in facts.vehicle_types:
        faults.append(Fault(column="vehicle_type", code="EMPTY", what="expected a type of the list"))
    if depot_place_id not in facts.places:
        faults.append(Fault(column="depot_place_id", code="EMPTY", what="expected a place of the list"))
    texts = {}
    for column, value in (("plate", plate), ("operator", operator)):
        try:
            texts[column] = clean_text(value, column=column, max_chars=MAX_TEXT).strip()
        except InputError as error:
            faults += error.faults
            continue
        if not texts[column]:
            faults.append(Fault(column=column, code="EMPTY", what="empty, expected a text"))
    if texts.get("plate") and session.exec(select(Vehicle).where(Vehicle.plate == texts["plate"])).first() is not None:
        faults.append(Fault(column="plate", code="PLATE", value=plate, what="a vehicle with this plate is on record"))
    papers = {"licence_until": licence_until, "insurance_until": insurance_until, "inspection_until": inspection_until}
    for column, day in papers.items():
        if day is None:
            faults.append(Fault(column=column, code="EMPTY", what="empty, expected a date"))
        elif day < clock.now().date():
            faults.append(Fault(column=column, code="PAST", what=f"{day} has passed, expected a day to come"))
    if faults or licence_until is None or insurance_until is None or inspection_until is None:
        raise InputError(faults)
    kind = facts.vehicle_types[vehicle_type]
    row = Vehicle(
        vehicle_type=vehicle_type,
        plate=texts["plate"],
        operator=texts["operator"],
        depot_place_id=depot_place_id,
        seats=kind.seats,
        wheelchairs=kind.wheelchair_places,
        licence_until=licence_until,
        insurance_until=insurance_until,
        inspection_until=inspection_until,
    )
    session.add(row)
    session.flush()
    audit.append(session, actor, act="planning.vehicle", object_kind="vehicle", object_id=row.vehicle_id)
    return row


def withdraw_vehicle(session: Session, actor: access.Actor, *, vehicle_id: str) -> Vehicle:
    """From tomorrow on no new plan counts on a vehicle; a journey that it already has is cancelled on its own page."""
    actor = access.require(session, actor, "planning.offer")
    row = session.get(Vehicle, vehicle_id, with_for_update=True)
    if row is None:
        raise NotAllowed
    today = clock.now().date()
    if row.available_until is None or row.available_until > today:
        row.available_until = today
        row.version += 1
        session.add(row)
        session.flush()
        audit.append(session, actor, act="planning.vehicle", object_kind="vehicle", object_id=vehicle_id)
    return row
