"""The act: the ill leave with their groups, officers who stay free their seats, lists without them are issued."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlmodel import Session, col, func, select

from retorno import changes, clock
from retorno.errors import Fault, InputError, Stale
from retorno.models.movements import Movement, Seat, Stay
from retorno.models.people import Case, Person, TravelGroup
from retorno.movements.facts import not_travelled
from retorno.office import access, audit
from retorno.situation import ground
from retorno.stopping.places import officers, officers_needed
from retorno.vocabulary import SeatStatus


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What shall be done.

    Parameters
    ----------
    person_ids
        Who cannot go on; their groups stay with them.
    until
        Day from which they may be fit again.
    place_id
        Where they stay.
    escort_ids
        Officers who stay with the children.
    movement_ids
        The movements of the scene.
    """

    movement_ids: tuple[str, ...]
    person_ids: tuple[str, ...]
    until: date
    place_id: str
    escort_ids: tuple[str, ...] = ()


def stop(session: Session, actor: access.Actor, *, wanted: Wanted) -> Stay:
    """Take people who cannot go on off their journey with their groups, at once; officers stay with the children.

    Raises
    ------
    InputError
        If nobody is ticked, a day or officers are missing, or an officer cannot stay; every fault at once.
    Stale
        If nobody of those ticked travels any more.
    """
    actor = access.require(session, actor, "changes.unfit")
    for movement_id in wanted.movement_ids:
        access.require(session, actor, "changes.unfit", movement_id=movement_id)
    _checked(session, actor, wanted)
    now = clock.now()
    groups = sorted(
        set(session.exec(select(Person.group_id).where(col(Person.person_id).in_(wanted.person_ids))).all())
    )
    seats = session.exec(
        select(Seat).where(col(Seat.group_id).in_(groups), Seat.status == SeatStatus.ACTIVE, not_travelled(now))
    ).all()
    if not seats:
        raise Stale("these people no longer travel: open the movement again")
    left = sorted({seat.movement_id for seat in seats} | _leave(session, actor, wanted.escort_ids, now))
    before = {movement_id: _aboard(session, movement_id) for movement_id in left}
    versions = {movement_id: session.get_one(Movement, movement_id).manifest_version for movement_id in left}
    effect = changes.record_unfit(session, actor, person_ids=wanted.person_ids, until=wanted.until, also=left)
    new = dict(effect.superseded)
    changed = [
        {
            "movement_id": movement_id,
            "before": before[movement_id],
            "after": _aboard(session, movement_id),
            "old_version": versions[movement_id],
            "version": new.get(movement_id),
        }
        for movement_id in left
    ]
    count = session.exec(
        select(func.count())
        .select_from(Person)
        .where(col(Person.person_id).in_({seat.person_id for seat in seats if seat.person_id}))
    ).one()
    made = Stay(
        office_id=actor.office_id or "",
        place_id=wanted.place_id,
        group_ids=";".join(groups),
        person_count=count,
        escort_ids=";".join(sorted(wanted.escort_ids)),
        until=wanted.until,
        changed=json.dumps(changed, sort_keys=True),
        recorded_by=actor.user_id,
        recorded_at=now,
    )
    session.add(made)
    _are_here(session, groups, wanted.place_id)
    session.flush()
    audit.append(
        session, actor, act="changes.stay", object_kind="stay", object_id=made.stay_id,
        ids={"groups": made.group_ids, "escorts": made.escort_ids, "place_id": made.place_id},
    )  # fmt: skip
    return made


def _checked(session: Session, actor: access.Actor, wanted: Wanted) -> None:
    """``InputError`` with everything that is missing or wrong."""
    faults = []
    if not wanted.person_ids:
        faults.append(Fault(column="person_id", code="NOBODY", what="nobody is ticked"))
    if wanted.until < clock.now().date():
        faults.append(Fault(column="unfit_until", code="DAY_PAST", what=f"{wanted.until} lies in the past"))
    facts = ground()
    if wanted.place_id not in facts.places and wanted.place_id not in facts.airports:
        faults.append(Fault(column="place_id", code="EMPTY", what="expected the place where they stay"))
    needed = officers_needed(session, wanted.person_ids)
    if needed:
        able = {
            each.escort.escort_id
            for each in officers(
                session, actor, movement_ids=wanted.movement_ids, person_ids=wanted.person_ids
            )
        }  # fmt: skip
        if set(wanted.escort_ids) - able:
            faults.append(Fault(column="escort", code="ESCORT_UNAVAILABLE", what="an officer cannot stay"))
        if len(set(wanted.escort_ids)) < needed:
            what = f"{len(set(wanted.escort_ids))} officers, expected {needed}: no child stays without them"
            faults.append(Fault(column="staying_officers", code="OFFICERS_TOO_FEW", what=what))
    if faults:
        raise InputError(faults)


def _leave(session: Session, actor: access.Actor, escort_ids: Sequence[str], now: datetime) -> set[str]:
    """Free the seats of officers who stay behind; gives their movements."""
    if not escort_ids:
        return set()
    access.require(session, actor, "changes.escort")
    seats = session.exec(
        select(Seat).where(
            col(Seat.escort_id).in_(list(escort_ids)), Seat.status == SeatStatus.ACTIVE, not_travelled(now)
        )
    ).all()
    for seat in seats:
        seat.status, seat.freed_at = SeatStatus.FREED, now
        session.add(seat)
    session.flush()
    return {seat.movement_id for seat in seats}


def _are_here(session: Session, group_ids: Collection[str], place_id: str) -> None:
    """From now on the groups are planned from where they stay, unless another group of their case is elsewhere."""
    for case_id in sorted(
        set(session.exec(select(TravelGroup.case_id).where(col(TravelGroup.group_id).in_(group_ids))).all())
    ):
        all_groups = session.exec(select(TravelGroup.group_id).where(TravelGroup.case_id == case_id)).all()
        if set(all_groups) <= set(group_ids):
            case = session.get_one(Case, case_id)
            case.place_id = place_id
            case.version += 1
            session.add(case)


def _aboard(session: Session, movement_id: str) -> int:
    return session.exec(
        select(func.count())
        .select_from(Seat)
        .where(Seat.movement_id == movement_id, Seat.status == SeatStatus.ACTIVE, col(Seat.person_id).is_not(None))
    ).one()
