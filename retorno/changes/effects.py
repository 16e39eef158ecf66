"""What every change does: seats freed, lists superseded or void, everyone concerned told, and what came of it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session, col, or_, select

from retorno import clock, manifest
from retorno.confirmations import confirmation
from retorno.models.movements import Movement, Seat
from retorno.models.people import Person, TravelGroup
from retorno.movements.facts import not_travelled
from retorno.office import audit, notices
from retorno.plans.scope import LIVE
from retorno.vocabulary import ChangeKind, MovementStatus, Role, SeatStatus


@dataclass(frozen=True, kw_only=True)
class GroupChange:
    """One group that lost seats: on which movements; ``why`` is the kind of fact, never its content."""

    group_id: str
    movement_ids: tuple[str, ...]
    why: ChangeKind


@dataclass(frozen=True, kw_only=True)
class Effect:
    """What one fact changed, and nothing else.

    Parameters
    ----------
    groups
        Groups that lost seats and wait for a new plan.
    superseded
        Movements with a new version of the list, and that version's number.
    voided
        Movements whose list is void without successor.
    cancelled
        Movements that no longer run.
    """

    kind: ChangeKind
    groups: tuple[GroupChange, ...] = ()
    superseded: tuple[tuple[str, int], ...] = ()
    voided: tuple[str, ...] = ()
    cancelled: tuple[str, ...] = ()


def take_off(
    session: Session,
    actor: audit.ActorLike,
    group_ids: Iterable[str],
    kind: ChangeKind,
    *,
    now: datetime | None = None,
    also: Iterable[str] = (),
) -> Effect:
    """Free every seat not yet travelled of whole groups and their escorts, and supersede the lists concerned.

    ``also`` are movements whose list the fact concerns even if no group leaves them.
    """
    instant = now or clock.now()
    wanted = sorted(set(group_ids))
    # Also the seats that a trigger of this transaction freed already: their lists have to be superseded too.
    seats = session.exec(
        select(Seat)
        .where(
            or_(col(Seat.group_id).in_(wanted), col(Seat.for_group_id).in_(wanted)),
            not_travelled(instant),
            or_(Seat.status == SeatStatus.ACTIVE, col(Seat.freed_at) == instant),
        )
        .execution_options(populate_existing=True)
    ).all()
    touched: dict[str, set[str]] = {}
    for seat in seats:
        if seat.status is SeatStatus.ACTIVE:
            seat.status, seat.freed_at = SeatStatus.FREED, instant
            session.add(seat)
        group_id = seat.group_id or seat.for_group_id or ""
        touched.setdefault(group_id, set()).add(seat.movement_id)
    session.flush()
    for group_id in wanted:
        bump(session, group_id)
    person_ids = session.exec(select(Person.person_id).where(col(Person.group_id).in_(wanted))).all()
    movement_ids = sorted({movement_id for ids in touched.values() for movement_id in ids} | set(also))
    for movement_id in movement_ids:
        confirmation.cancel_for_persons(session, person_ids, movement_id)
    superseded, voided, cancelled = supersede(session, actor, movement_ids)
    return Effect(
        kind=kind,
        groups=tuple(
            GroupChange(group_id=group_id, movement_ids=tuple(sorted(ids)), why=kind)
            for group_id, ids in sorted(touched.items())
        ),
        superseded=superseded,
        voided=voided,
        cancelled=cancelled,
    )


def supersede(
    session: Session, actor: audit.ActorLike, movement_ids: Sequence[str]
) -> tuple[tuple[tuple[str, int], ...], tuple[str, ...], tuple[str, ...]]:
    """New lists for movements that people left: superseded with their versions, void, cancelled."""
    superseded, voided, cancelled = [], [], []
    for movement_id in movement_ids:
        movement = session.get_one(Movement, movement_id, populate_existing=True)
        had_list = manifest.current_version(session, movement_id) is not None
        if had_list:
            made = manifest.supersede_after_removal(session, actor, movement_id=movement_id)
            if made is not None:
                superseded.append((movement_id, made.version))
            else:
                voided.append(movement_id)
        elif movement.status in LIVE and not _has_people(session, movement_id):
            movement.status, movement.cancelled_reason = MovementStatus.CANCELLED, "nobody_left"
            movement.version += 1
            session.add(movement)
            session.flush()
        if session.get_one(Movement, movement_id).status is MovementStatus.CANCELLED:
            free_escorts(session, movement_id)
            confirmation.cancel_all(session, movement_id)
            cancelled.append(movement_id)
        else:
            confirmation.refresh(session, movement_id)
        notices.post(
            session,
            recipient_kind=Role.COORDINATOR.value,
            recipient_id=movement.office_id,
            code="movement.changed",
            object_id=movement_id,
        )
    return tuple(superseded), tuple(voided), tuple(cancelled)


def _has_people(session: Session, movement_id: str) -> bool:
    return (
        session.exec(
            select(Seat.seat_id).where(
                Seat.movement_id == movement_id, Seat.status == SeatStatus.ACTIVE, col(Seat.person_id).is_not(None)
            )
        ).first()
        is not None
    )


def free_escorts(session: Session, movement_id: str) -> None:
    """Free every seat that is still taken on a movement that does not run."""
    for seat in session.exec(
        select(Seat).where(Seat.movement_id == movement_id, Seat.status == SeatStatus.ACTIVE)
    ).all():
        seat.status, seat.freed_at = SeatStatus.FREED, clock.now()
        session.add(seat)
    session.flush()


def bump(session: Session, group_id: str) -> None:
    """Raise a group's availability number, so that a solve that started before cannot put it back (I3)."""
    group = session.get_one(TravelGroup, group_id, populate_existing=True)
    group.availability += 1
    session.add(group)
    session.flush()


def log(session: Session, actor: audit.ActorLike, kind: ChangeKind, object_kind: str, object_id: str) -> None:
    """Write the change into the log; never why."""
    audit.append(session, actor, act=f"changes.{kind.value}", object_kind=object_kind, object_id=object_id)


def cancel(
    session: Session, actor: audit.ActorLike, movement_ids: Sequence[str], kind: ChangeKind, reason: str
) -> Effect:
    """Stop movements: their groups leave every seat not yet travelled, on these movements and on the legs after."""
    groups: set[str] = set()
    for movement_id in movement_ids:
        groups |= {group.group_id for group in confirmation.groups_of(session, movement_id)}
    voided = []
    for movement_id in movement_ids:
        movement = session.get_one(Movement, movement_id)
        if manifest.void(session, actor, movement_id=movement_id):
            voided.append(movement_id)
        movement.status, movement.cancelled_reason = MovementStatus.CANCELLED, reason
        movement.version += 1
        session.add(movement)
    session.flush()
    effect = take_off(session, actor, groups, kind)
    for movement_id in movement_ids:
        free_escorts(session, movement_id)
        confirmation.cancel_all(session, movement_id)
    return Effect(
        kind=kind,
        groups=effect.groups,
        superseded=effect.superseded,
        voided=tuple(sorted({*effect.voided, *voided})),
        cancelled=tuple(sorted({*effect.cancelled, *movement_ids})),
    )
