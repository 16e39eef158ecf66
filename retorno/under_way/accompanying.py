"""What an escort reads and does on the way: the stops, a head count at each, somebody who gets off."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlmodel import Session, col, select

from retorno import changes, clock, keyring
from retorno.confirmations.confirmation import Party
from retorno.errors import Fault, InputError, NotAllowed, Stale
from retorno.manifest.copies import persons_by_reference, recipient_reference
from retorno.models.movements import HeadCount, Movement, MovementCrossing, MovementSegment, Seat
from retorno.office import access
from retorno.papers.keys import reference
from retorno.under_way import arrival
from retorno.under_way.receiving import Listed, Sheet, sheet
from retorno.vocabulary import HoldKind, PartyKind, SeatStatus

UNFIT_DAYS = 3
"""For how many days an escort's note "cannot go on" holds, unless health looks earlier (our assumption)."""


class Stopping(StrEnum):
    """Why somebody gets off on the way, as an escort says it."""

    UNFIT = "unfit"
    WITHDRAW = "withdraw"
    FEAR = "fear"


ONE_AT_A_TIME = frozenset({Stopping.WITHDRAW, Stopping.FEAR})
"""What is each person's own word is never recorded for several at once (R2)."""


# ---- the journey --------------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Stop:
    """One place of the journey: what happens there and when; ``minutes`` of a break.

    ``expected`` is how many of the escort's own list are aboard when it is left, ``None`` where nobody is counted.
    """

    kind: str
    place_id: str
    at: datetime
    minutes: int = 0
    expected: int | None = None
    counted: int | None = None


def stops(session: Session, actor: access.Actor, seen: Sheet) -> list[Stop]:
    """The journey of an escort in order, with the head counts so far."""
    movement = seen.movement
    rides = session.exec(
        select(MovementSegment)
        .where(MovementSegment.movement_id == movement.movement_id)
        .order_by(col(MovementSegment.segment))
    ).all()
    crossings = session.exec(
        select(MovementCrossing)
        .where(MovementCrossing.movement_id == movement.movement_id)
        .order_by(col(MovementCrossing.sequence))
    ).all()
    aboard = _aboard(session, seen)
    found = [Stop(kind="depart", place_id=rides[0].from_place_id, at=rides[0].depart_at, expected=aboard(0))]
    for ride in rides:
        if ride.segment:
            found.append(
                Stop(kind="leave", place_id=ride.from_place_id, at=ride.depart_at, expected=aboard(ride.segment))
            )
        found += [
            Stop(kind="border", place_id=crossing.enter_post_id, at=crossing.at, expected=aboard(ride.segment))
            for crossing in crossings
            if crossing.segment == ride.segment
        ]
        is_last = ride is rides[-1]
        found.append(
            Stop(
                kind="arrive",
                place_id=ride.to_place_id,
                at=ride.arrive_at,
                expected=aboard(ride.segment) if is_last else None,
            )
        )
    found += [
        Stop(kind="break", place_id="", at=datetime.fromisoformat(event["at"]), minutes=_minutes(event))
        for event in _events(movement)
        if event.get("kind") == "break"
    ]
    counts = {
        row.place_id: row.person_count
        for row in session.exec(
            select(HeadCount).where(
                HeadCount.movement_id == movement.movement_id, HeadCount.recorded_by == actor.user_id
            )
        ).all()
    }
    found.sort(key=lambda stop: stop.at)
    return [replace(stop, counted=counts.get(stop.place_id)) if stop.expected is not None else stop for stop in found]


def _events(movement: Movement) -> list[dict[str, Any]]:
    route = json.loads(movement.route) if movement.route else {}
    return list(route.get("events", ())) if isinstance(route, dict) else []


def _minutes(event: Mapping[str, Any]) -> int:
    return int(event["until_min"]) - int(event["from_min"])


def _aboard(session: Session, seen: Sheet) -> Callable[[int], int]:
    people = persons_by_reference(session, movement_id=seen.movement.movement_id, party=seen.party)
    mine = {people[row.reference] for row in seen.rows if row.reference in people}
    seats = session.exec(
        select(Seat).where(Seat.movement_id == seen.movement.movement_id, Seat.status == SeatStatus.ACTIVE)
    ).all()
    return lambda segment: sum(seat.person_id in mine and seat.board <= segment < seat.alight for seat in seats)


def count_heads(
    session: Session, actor: access.Actor, *, movement_id: str, party: Party, place_id: str, count_text: str
) -> HeadCount:
    """How many the escort counted aboard at a stop; ``InputError`` if it is no number."""
    seen = sheet(session, actor, movement_id=movement_id, party=party)
    if seen.is_void or party.kind is not PartyKind.ESCORT:
        raise Stale("there is no list in force to count against")
    here = next((stop for stop in stops(session, actor, seen) if stop.place_id == place_id and stop.expected), None)
    if here is None or here.expected is None:
        raise NotAllowed
    typed = count_text.strip()
    if not (typed.isascii() and typed.isdigit() and len(typed) < 4):
        raise InputError([Fault(what="is no number, expected for example 34", column="count", code="NUMBER")])
    return arrival.count_heads(
        session,
        actor,
        movement_id=movement_id,
        place_id=place_id,
        person_count=int(typed),
        expected_count=here.expected,
    )


# ---- somebody gets off --------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class WhoStops:
    """Who gets off: the people chosen, the rest of their families, and how many of the list go on."""

    chosen: tuple[Listed, ...]
    family: tuple[Listed, ...]
    going_on: int


def who_stops(
    session: Session, actor: access.Actor, *, movement_id: str, party: Party, kind: Stopping, references: Sequence[str]
) -> WhoStops:
    """The people chosen with their families, before anything is recorded.

    Raises
    ------
    InputError
        If nobody is chosen, or several where each one's own word counts.
    Stale
        If somebody chosen is off the list already.
    """
    if party.kind is not PartyKind.ESCORT:
        raise NotAllowed
    wanted = list(dict.fromkeys(references))
    if not wanted:
        raise InputError([Fault(what="nobody is chosen: tick who it is", column="ref", code="NOBODY_CHOSEN")])
    if kind in ONE_AT_A_TIME and len(wanted) > 1:
        raise InputError([Fault(what="one person at a time", column="ref", code="ONE_PERSON")])
    if is_off(session, movement_id=movement_id, party=party, references=wanted):
        raise Stale("this person is off the list already")
    seen = sheet(session, actor, movement_id=movement_id, party=party)
    people = persons_by_reference(session, movement_id=movement_id, party=party)
    if not set(wanted) <= set(people):
        raise NotAllowed
    groups = {
        seat.person_id: seat.group_id
        for seat in session.exec(
            select(Seat).where(Seat.movement_id == movement_id, Seat.status == SeatStatus.ACTIVE)
        ).all()
    }
    leaving = {groups[people[ref]] for ref in wanted}
    off = [row for row in seen.rows if row.reference in people and groups[people[row.reference]] in leaving]
    chosen = tuple(row for row in off if row.reference in wanted)
    if len(chosen) != len(wanted):
        raise NotAllowed
    return WhoStops(
        chosen=chosen,
        family=tuple(row for row in off if row.reference not in wanted),
        going_on=len(seen.rows) - len(off),
    )


def is_off(session: Session, *, movement_id: str, party: Party, references: Sequence[str]) -> bool:
    """Whether one of these references of a recipient's paper belongs to somebody who left the movement."""
    movement = session.get(Movement, movement_id)
    if movement is None:
        return False
    key = keyring.of_office(movement.office_id).reference_key
    mark = recipient_reference(party)
    gone = session.exec(
        select(Seat.person_id).where(Seat.movement_id == movement_id, Seat.status == SeatStatus.FREED)
    ).all()
    still = set(persons_by_reference(session, movement_id=movement_id, party=party))
    freed = {reference(key, person_id, mark) for person_id in gone if person_id} - still
    return bool(freed & set(references))


def stop_people(
    session: Session, actor: access.Actor, *, movement_id: str, party: Party, kind: Stopping, who: WhoStops
) -> changes.Effect:
    """Take people off at once with their families, and tell everyone concerned; ``who`` as ``who_stops`` gave it."""
    people = persons_by_reference(session, movement_id=movement_id, party=party)
    person_ids = [people[row.reference] for row in who.chosen]
    if kind is Stopping.UNFIT:
        return changes.record_unfit(session, actor, person_ids=person_ids, until=unfit_until())
    if kind is Stopping.WITHDRAW:
        return changes.withdraw(session, actor, person_id=person_ids[0])
    return changes.raise_hold(session, actor, person_id=person_ids[0], kind=HoldKind.FEAR)


def unfit_until() -> date:
    """Until when "cannot go on" holds if it is recorded now."""
    return clock.now().date() + timedelta(days=UNFIT_DAYS)
