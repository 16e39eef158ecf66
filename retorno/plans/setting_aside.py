"""Bookings that an assumed failure would free: how a plan names them, and how they are taken off for a moment.

A plan prepared for a failure that has not happened takes over groups that still have their seats. Its row says which
movements would stop and whose seats would go (``details["stopped"]``), and keeps the availability number that these
groups will have then. Nothing of what is set aside is ever kept: whoever calls ``take_off`` takes it back.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from typing import Any

from sqlmodel import Session, col, or_, select

from retorno import clock
from retorno.models.movements import Movement, Plan, Seat
from retorno.models.people import TravelGroup
from retorno.movements.facts import not_travelled
from retorno.plans.scope import LIVE
from retorno.plans.store import unpacked
from retorno.vocabulary import MovementStatus, SeatStatus


def stopped_by_failure(plan: Plan) -> Mapping[str, Any]:
    """What the failure that a plan was prepared for would stop: ``of`` (plan), ``key``, ``movements``, ``groups``.

    Empty for every other plan.
    """
    if not plan.is_hypothetical:
        return {}
    found: dict[str, Any] = unpacked(plan.details).get("stopped", {})
    return found


def is_still_held(plan: Plan, group: TravelGroup) -> bool:
    """Whether a group still has the seats that the failure would free: its availability has not been counted up yet."""
    expected: int | None = json.loads(plan.groups_availability).get(group.group_id)
    return (
        expected is not None
        and group.availability == expected - 1
        and group.group_id in stopped_by_failure(plan).get("groups", ())
    )


def still_held(session: Session, plan: Plan) -> list[str]:
    """Groups of a prepared plan that still have their seats: the failure is not on record."""
    ids = stopped_by_failure(plan).get("groups", ())
    rows = session.exec(select(TravelGroup).where(col(TravelGroup.group_id).in_(list(ids)))).all()
    return sorted(row.group_id for row in rows if is_still_held(plan, row))


def set_aside(session: Session, plan: Plan) -> None:
    """Take off what the failure of a prepared plan would stop, as far as it still stands; to be taken back."""
    held = still_held(session, plan)
    if held:
        take_off(session, group_ids=held, movement_ids=stopped_by_failure(plan)["movements"])


def take_off(session: Session, *, group_ids: Collection[str], movement_ids: Collection[str]) -> None:
    """Stop movements and free every seat not yet travelled of these groups and their escorts; to be taken back."""
    now = clock.now()
    seats = session.exec(
        select(Seat).where(
            Seat.status == SeatStatus.ACTIVE,
            or_(
                col(Seat.group_id).in_(list(group_ids)),
                col(Seat.for_group_id).in_(list(group_ids)),
                col(Seat.movement_id).in_(list(movement_ids)),
            ),
            not_travelled(now),
        )
    ).all()
    for seat in seats:
        seat.status, seat.freed_at = SeatStatus.FREED, now
        session.add(seat)
    session.flush()
    left = {seat.movement_id for seat in seats}
    ridden = set(
        session.exec(
            select(Seat.movement_id).where(
                col(Seat.movement_id).in_(left), Seat.status == SeatStatus.ACTIVE, col(Seat.person_id).is_not(None)
            )
        ).all()
    )
    for movement in session.exec(
        select(Movement).where(
            col(Movement.movement_id).in_({*movement_ids, *(left - ridden)}), col(Movement.status).in_(LIVE)
        )
    ).all():
        movement.status = MovementStatus.CANCELLED
        session.add(movement)
    for group in session.exec(select(TravelGroup).where(col(TravelGroup.group_id).in_(list(group_ids)))).all():
        group.availability += 1
        session.add(group)
    session.flush()
    session.expire_all()  # free seats are counted by the database
