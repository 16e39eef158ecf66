"""Vehicles and flights that do not go, and escorts who cannot."""

from __future__ import annotations

from sqlmodel import Session, select

from retorno import clock
from retorno.changes.effects import Effect, cancel, log, take_off
from retorno.errors import NotAllowed, Stale
from retorno.models.movements import Escort, Movement, Offer, Seat, Vehicle
from retorno.movements.facts import not_travelled
from retorno.office import access
from retorno.vocabulary import ChangeKind, MovementStatus, SeatStatus


def cancel_movement(
    session: Session, actor: access.Actor, *, movement_id: str, is_vehicle_lost: bool = False
) -> Effect:
    """A vehicle or flight does not go: its groups are free for a new plan, its list is void."""
    actor = access.require(session, actor, "changes.movement", movement_id=movement_id)
    movement = session.get_one(Movement, movement_id, populate_existing=True)
    if movement.status is MovementStatus.CANCELLED:
        return Effect(kind=ChangeKind.VEHICLE_CANCELLED)
    if movement.status is MovementStatus.CLOSED:
        raise Stale("the movement is closed: everybody has arrived")
    kind = ChangeKind.FLIGHT_CANCELLED if movement.offer_id else ChangeKind.VEHICLE_CANCELLED
    if movement.offer_id:
        offer = session.get_one(Offer, movement.offer_id)
        offer.cancelled_at = clock.now()
        session.add(offer)
    elif is_vehicle_lost and movement.vehicle_id:
        vehicle = session.get_one(Vehicle, movement.vehicle_id)
        vehicle.available_until = clock.now().date()
        session.add(vehicle)
    log(session, actor, kind, "movement", movement_id)
    return cancel(session, actor, [movement_id], kind, kind.value)


def escort_unavailable(session: Session, actor: access.Actor, *, escort_id: str) -> Effect:
    """An escort cannot go: the groups they accompany wait for another (R13)."""
    actor = access.require(session, actor, "changes.escort")
    escort = session.get(Escort, escort_id)
    if escort is None:
        raise NotAllowed
    escort.is_available = False
    escort.version += 1
    session.add(escort)
    now = clock.now()
    seats = session.exec(
        select(Seat).where(Seat.escort_id == escort_id, Seat.status == SeatStatus.ACTIVE, not_travelled(now))
    ).all()
    groups = [seat.for_group_id for seat in seats if seat.for_group_id]
    for seat in seats:
        seat.status, seat.freed_at = SeatStatus.FREED, now
        session.add(seat)
    session.flush()
    log(session, actor, ChangeKind.ESCORT_UNAVAILABLE, "escort", escort_id)
    also = {seat.movement_id for seat in seats}
    return take_off(session, actor, groups, ChangeKind.ESCORT_UNAVAILABLE, now=now, also=also)
