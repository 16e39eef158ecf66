"""A crossing, post, place, road or country that closes and opens again, and the movements that it stops (R7)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from itertools import pairwise

from sqlmodel import Session, col, select

from retorno import clock
from retorno.changes.effects import Effect, cancel, log
from retorno.errors import InputError, NotAllowed
from retorno.models.movements import Closure, Movement, MovementCrossing, MovementSegment
from retorno.office import access
from retorno.plans.scope import LIVE
from retorno.routes.ways import driven_nodes
from retorno.situation import ground
from retorno.vocabulary import ChangeKind, ClosureTarget, Mode

ROADS = (Mode.ROAD, Mode.COACH)


def close(
    session: Session,
    actor: access.Actor,
    *,
    target: ClosureTarget,
    target_id: str,
    from_at: datetime,
    until_at: datetime | None,
    source: str,
) -> tuple[Closure, Effect]:
    """Something closes: movements that pass it in that time stop, their groups wait for a new plan (R7).

    Raises
    ------
    InputError
        If the target is unknown, the source is missing, or the closure ends before it starts.
    """
    actor = access.require(session, actor, "changes.closure")
    target_id = _check_target(target, target_id)
    if not source.strip():
        raise InputError("who says so is missing: write the source of the closure")
    if until_at is not None and until_at <= from_at:
        raise InputError("the closure ends before it starts: check both times")
    made = Closure(
        target=target,
        target_id=target_id,
        from_at=from_at,
        until_at=until_at,
        source=source.strip(),
        recorded_by=actor.user_id,
        recorded_at=clock.now(),
    )
    session.add(made)
    session.flush()
    log(session, actor, ChangeKind.CLOSURE, "closure", made.closure_id)
    affected = affected_movements(session, made)
    return made, cancel(session, actor, affected, ChangeKind.CLOSURE, made.closure_id)


def _check_target(target: ClosureTarget, target_id: str) -> str:
    """The id of what closes, of a road in the order of its two ends; ``InputError`` if there is no such thing."""
    facts = ground()
    if target is ClosureTarget.ROUTE:
        ends = sorted(part.strip() for part in target_id.split("|"))
        if len(ends) != 2 or not (facts.network.has_edge(*ends) or facts.network.has_edge(*reversed(ends))):
            raise InputError(f'road "{target_id}" is unknown, expected two neighbouring points of the network, as A|B')
        return "|".join(ends)
    known: dict[ClosureTarget, Iterable[str]] = {
        ClosureTarget.CROSSING: facts.crossings,
        ClosureTarget.POST: facts.posts,
        ClosureTarget.COUNTRY: facts.countries,
        ClosureTarget.PLACE: [*facts.places, *facts.airports],
    }
    if target in known and target_id not in known[target]:
        raise InputError(f'{target} "{target_id}" is unknown, expected an id of the reference network')
    return target_id


def affected_movements(session: Session, closure: Closure) -> list[str]:
    """Live movements that pass, leave or reach what is closed, while it is closed."""
    live = select(Movement).where(col(Movement.status).in_(LIVE), col(Movement.arrive_at) > closure.from_at)
    if closure.until_at is not None:
        live = live.where(col(Movement.depart_at) < closure.until_at)
    found = []
    for movement in session.exec(live.order_by(Movement.movement_id)).all():
        crossings = session.exec(
            select(MovementCrossing).where(MovementCrossing.movement_id == movement.movement_id)
        ).all()
        segments = session.exec(
            select(MovementSegment).where(MovementSegment.movement_id == movement.movement_id)
        ).all()
        if _is_hit(closure, movement, crossings, segments):
            found.append(movement.movement_id)
    return found


def _is_hit(
    closure: Closure, movement: Movement, crossings: Sequence[MovementCrossing], segments: Sequence[MovementSegment]
) -> bool:
    # What a movement has passed already can no longer close on it.
    begins = max(closure.from_at, clock.now())

    def is_during(at: datetime) -> bool:
        return at >= begins and (closure.until_at is None or at < closure.until_at)

    match closure.target:
        case ClosureTarget.CROSSING:
            return any(c.crossing_id == closure.target_id and is_during(c.at) for c in crossings)
        case ClosureTarget.POST:
            return any(closure.target_id in (c.leave_post_id, c.enter_post_id) and is_during(c.at) for c in crossings)
        case ClosureTarget.COUNTRY:
            return any(
                closure.target_id in (c.leave_country, c.enter_country) and is_during(c.at) for c in crossings
            ) or any(
                _country(place) == closure.target_id and is_during(at)
                for s in segments
                for place, at in ((s.from_place_id, s.depart_at), (s.to_place_id, s.arrive_at))
            )
        case ClosureTarget.PLACE:
            return any(
                closure.target_id == place and is_during(at)
                for s in segments
                for place, at in ((s.from_place_id, s.depart_at), (s.to_place_id, s.arrive_at))
            )
        case ClosureTarget.ROUTE:
            # When a vehicle passes a road between two stops is not on record: it stops if its ride touches the time.
            return movement.mode in ROADS and any(
                segment.arrive_at > begins
                and (closure.until_at is None or segment.depart_at < closure.until_at)
                and closure.target_id in _roads(segment, crossings)
                for segment in segments
            )


def _roads(segment: MovementSegment, crossings: Sequence[MovementCrossing]) -> frozenset[str]:
    """Roads that a vehicle drives between two stops, over its borders in their order, as ``A|B`` with sorted ends."""
    marks = [segment.from_place_id]
    for crossing in sorted(crossings, key=lambda c: c.sequence):
        if crossing.segment == segment.segment:
            marks += [crossing.leave_post_id, crossing.enter_post_id]
    nodes = driven_nodes(ground().network, [*marks, segment.to_place_id])
    return frozenset("|".join(sorted(pair)) for pair in pairwise(nodes))


def _country(place_id: str) -> str:
    places = ground()
    where = places.places.get(place_id) or places.airports.get(place_id)
    return where.country if where else ""


def reopen(session: Session, actor: access.Actor, *, closure_id: str) -> Effect:
    """What was closed works again: whoever waits is planned anew, longest stranded first."""
    actor = access.require(session, actor, "changes.closure")
    closure = session.get(Closure, closure_id)
    if closure is None:
        raise NotAllowed
    if closure.reopened_at is None:
        closure.reopened_at = clock.now()
        session.add(closure)
        session.flush()
        log(session, actor, ChangeKind.REOPENING, "closure", closure_id)
    return Effect(kind=ChangeKind.REOPENING)
