"""Seats bought, charters offered, and free seats on accepted vehicles, as a problem states them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import date, timedelta

from sqlmodel import Session, col, func, select

from retorno import clock
from retorno.models.movements import AgreementConfirmation, Movement, MovementCrossing, MovementSegment, Offer, Seat
from retorno.models.office import Office
from retorno.models.people import Person
from retorno.optimizer.problem import Charter, Service
from retorno.plans.scope import CLOCK_UTC_OFFSET_MIN, Scope, earliest_departure, window
from retorno.rules import usable_seats
from retorno.situation import Situation
from retorno.vocabulary import Mode, MovementStatus, SeatStatus


def open_offers(session: Session, office: Office, scope: Scope, at: Situation) -> list[Offer]:
    """Offers of the days of a plan whose lists can still be sent in time (R22)."""
    start, end = window(scope)
    start = max(start, earliest_departure(at.policy.notice_hours))
    return list(
        session.exec(
            select(Offer)
            .where(
                Offer.office_id == office.office_id,
                col(Offer.cancelled_at).is_(None),
                col(Offer.depart_at) >= start,
                col(Offer.depart_at) < end,
            )
            .order_by(Offer.offer_id)
        ).all()
    )


def _clock_of(offer: Offer, scope: Scope) -> tuple[int, int, int]:
    """Day, departure and arrival minute of an offer on the plan clock."""
    depart = clock.plan_minute(offer.depart_at, scope.first_date, CLOCK_UTC_OFFSET_MIN)
    arrive = clock.plan_minute(offer.arrive_at, scope.first_date, CLOCK_UTC_OFFSET_MIN)
    day = depart // 1440
    return day, depart - 1440 * day, arrive - 1440 * day


def _seats_taken(session: Session, offer: Offer) -> int:
    rows = session.exec(
        select(MovementSegment.taken)
        .join(Movement, col(Movement.movement_id) == MovementSegment.movement_id)
        .where(Movement.offer_id == offer.offer_id, col(Movement.status) != MovementStatus.CANCELLED)
    ).all()
    return max(rows, default=0)


def _aboard(session: Session, movement_ids: Sequence[str]) -> tuple[int, int]:
    """Unaccompanied children and escorts who hold seats on movements."""
    children = session.exec(
        select(func.count(col(Person.person_id).distinct()))
        .join(Seat, col(Seat.person_id) == Person.person_id)
        .where(col(Seat.movement_id).in_(movement_ids), Seat.status == SeatStatus.ACTIVE, col(Person.is_unaccompanied))
    ).one()
    escorts = session.exec(
        select(func.count(col(Seat.escort_id).distinct())).where(
            col(Seat.movement_id).in_(movement_ids), Seat.status == SeatStatus.ACTIVE, col(Seat.escort_id).is_not(None)
        )
    ).one()
    return children, escorts


def _left_on(session: Session, offer: Offer, at: Situation) -> dict[str, int]:
    """How many more unaccompanied children (R14) and escorts with a seat back (R13) an offer takes."""
    movements = session.exec(
        select(Movement.movement_id).where(
            Movement.offer_id == offer.offer_id, col(Movement.status) != MovementStatus.CANCELLED
        )
    ).all()
    children, escorts = _aboard(session, movements)
    policy = at.policy
    most = policy.unaccompanied_per_vehicle if offer.mode is Mode.COACH else policy.unaccompanied_per_aircraft
    return {
        "unaccompanied_max": max(0, most - children),
        "escort_returns": max(0, offer.escort_returns - escorts),
    }


def _is_joinable(session: Session, offer: Offer) -> bool:
    """Whether people can still be added: its movement has not left."""
    movement = session.exec(
        select(Movement).where(Movement.offer_id == offer.offer_id, col(Movement.status) != MovementStatus.CANCELLED)
    ).first()
    return movement is None or movement.status not in (MovementStatus.DEPARTED, MovementStatus.CLOSED)


def services(session: Session, offers: Sequence[Offer], scope: Scope, at: Situation) -> list[Service]:
    """Seats bought on scheduled departures; each offer is one departure on one day."""
    found = []
    for offer in offers:
        free = offer.seats - _seats_taken(session, offer)
        if offer.mode is Mode.CHARTER or free <= 0 or not _is_joinable(session, offer):
            continue
        day, depart, arrive = _clock_of(offer, scope)
        days = "".join("01"[d == day] for d in range(scope.days))
        found.append(
            Service(
                id=offer.offer_id,
                mode="coach" if offer.mode is Mode.COACH else "flight",
                origin=offer.origin_place_id,
                destination=offer.destination_place_id,
                depart_min=depart,
                arrive_min=arrive,
                days=days,
                vulnerable_days=days,
                seats=free,
                fare_cents=offer.fare_cents,
                crossings=tuple(part for part in offer.crossings.split(";") if part),
                **_left_on(session, offer, at),
            )
        )
    return found


def charters(session: Session, offers: Sequence[Offer], scope: Scope, at: Situation) -> list[Charter]:
    """Whole aircraft; the spare seats are off, and a charter that is already flown takes the rest like a service."""
    found = []
    for offer in offers:
        if offer.mode is not Mode.CHARTER or not _is_joinable(session, offer):
            continue
        taken = _seats_taken(session, offer)
        day, depart, arrive = _clock_of(offer, scope)
        seats = usable_seats(offer.seats, at.policy) - taken
        if seats <= 0:
            continue
        found.append(
            Charter(
                id=offer.offer_id,
                origin=offer.origin_place_id,
                destination=offer.destination_place_id,
                depart_min=depart,
                arrive_min=arrive,
                days="".join("01"[d == day] for d in range(scope.days)),
                seats=seats,
                min_load=0 if taken else min(offer.min_load, seats),
                fixed_cents=0 if taken else offer.fixed_cents,
                max_per_day=1,
                **_left_on(session, offer, at),
            )
        )
    return found


def joined_service_id(movement_id: str) -> str:
    """Id of the service that stands for the free seats of an accepted vehicle."""
    return f"J{movement_id}"


def joinable_vehicles(session: Session, office: Office, scope: Scope, at: Situation) -> list[Service]:
    """Free seats on accepted road movements that have not left, from the first to the last stop."""
    start, end = window(scope)
    rows = session.exec(
        select(Movement)
        .where(
            Movement.office_id == office.office_id,
            col(Movement.offer_id).is_(None),
            col(Movement.status).in_((MovementStatus.ACCEPTED, MovementStatus.CONFIRMED)),
            col(Movement.depart_at) >= max(start, clock.now() + timedelta(hours=at.policy.notice_hours)),
            col(Movement.depart_at) < end,
        )
        .order_by(Movement.movement_id)
    ).all()
    found = []
    for movement in rows:
        segments = session.exec(
            select(MovementSegment)
            .where(MovementSegment.movement_id == movement.movement_id)
            .order_by(col(MovementSegment.segment))
        ).all()
        free = min(segment.capacity - segment.taken for segment in segments)
        if free <= 0:
            continue
        depart = clock.plan_minute(movement.depart_at, scope.first_date, CLOCK_UTC_OFFSET_MIN)
        arrive = clock.plan_minute(movement.arrive_at, scope.first_date, CLOCK_UTC_OFFSET_MIN)
        day = depart // 1440
        days = "".join("01"[d == day] for d in range(scope.days))
        crossings = session.exec(
            select(MovementCrossing.crossing_id)
            .where(MovementCrossing.movement_id == movement.movement_id)
            .order_by(col(MovementCrossing.sequence))
        ).all()
        route = json.loads(movement.route)
        children, _ = _aboard(session, [movement.movement_id])
        found.append(
            Service(
                id=joined_service_id(movement.movement_id),
                mode="coach",
                origin=segments[0].from_place_id,
                destination=segments[-1].to_place_id,
                depart_min=depart - 1440 * day,
                arrive_min=arrive - 1440 * day,
                days=days,
                vulnerable_days=days if route.get("is_vulnerable_ok") else "0" * scope.days,
                seats=free,
                fare_cents=0,
                crossings=tuple(crossings),
                unaccompanied_max=max(0, at.policy.unaccompanied_per_vehicle - children),
            )
        )
    return found


def confirmed_air(session: Session, from_country: str, to_country: str, day: date) -> AgreementConfirmation | None:
    """The recorded confirmation that carries a return by air on a day, if there is one."""
    rows = session.exec(
        select(AgreementConfirmation)
        .where(
            AgreementConfirmation.from_country == from_country,
            AgreementConfirmation.to_country == to_country,
            col(AgreementConfirmation.mode).contains("air"),
            col(AgreementConfirmation.revoked_at).is_(None),
            AgreementConfirmation.valid_from <= day,
            AgreementConfirmation.valid_until >= day,
        )
        .order_by(AgreementConfirmation.confirmation_id)
    ).all()
    return rows[0] if rows else None
