"""Whether a plan touches a person: the next journey on which they hold a seat, and drafts that look at their group."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session, col, select

from retorno import clock
from retorno.models.movements import Movement, Plan, Seat
from retorno.vocabulary import MovementStatus, PlanStatus, SeatStatus


@dataclass(frozen=True, kw_only=True)
class Journey:
    """The next seat of a person; ``since`` is when its plan was accepted, ``None`` where that is not known."""

    reference: str
    status: MovementStatus
    depart_at: datetime
    arrive_at: datetime
    since: datetime | None


def next_journeys(session: Session, person_ids: Iterable[str]) -> dict[str, Journey]:
    """The next journey of each person who holds a seat that is not yet travelled."""
    rows = session.exec(
        select(Seat, Movement, Plan)
        .join(Movement, col(Movement.movement_id) == Seat.movement_id)
        .join(Plan, col(Plan.plan_id) == Movement.plan_id, isouter=True)
        .where(
            Seat.status == SeatStatus.ACTIVE,
            col(Seat.arrive_at) > clock.now(),
            col(Seat.person_id).in_(sorted(set(person_ids))),
            col(Movement.status).not_in((MovementStatus.CANCELLED, MovementStatus.CLOSED)),
        )
        .order_by(col(Seat.depart_at).desc())
    ).all()
    return {
        seat.person_id or "": Journey(
            reference=movement.reference,
            status=movement.status,
            depart_at=seat.depart_at,
            arrive_at=seat.arrive_at,
            since=plan.accepted_at if plan is not None else None,
        )
        for seat, movement, plan in rows
    }


def drafts_of_groups(session: Session, office_id: str) -> dict[str, datetime]:
    """Groups that a draft or a running search looks at, each with since when."""
    found: dict[str, datetime] = {}
    for plan in session.exec(
        select(Plan)
        .where(Plan.office_id == office_id, col(Plan.status).in_((PlanStatus.DRAFT, PlanStatus.RUNNING)))
        .order_by(col(Plan.created_at).desc())
    ).all():
        for group_id in json.loads(plan.groups_availability):
            found[group_id] = plan.created_at
    return found
