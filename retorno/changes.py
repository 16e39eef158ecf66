"""The only way back: a new fact is recorded, seats are freed, lists are superseded, everyone concerned is told.

One transaction each. A person who is taken off is off at once; the whole group leaves with them (R3, R10), and a new
plan is asked for. Other groups keep their journeys unless the fact itself takes them away. ``Effect`` lists exactly
what changed and why.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import pairwise

from sqlmodel import Session, col, or_, select

from retorno import clock, confirmation, manifest
from retorno.errors import InputError, NotAllowed, Stale
from retorno.models.movements import (
    Closure,
    Escort,
    Movement,
    MovementCrossing,
    MovementSegment,
    Offer,
    Seat,
    Vehicle,
)
from retorno.models.people import Case, Consent, Fitness, Person, TravelGroup
from retorno.models.protection import Hold, ProtectionAssignment
from retorno.movement_facts import not_travelled
from retorno.office import access, audit, notices
from retorno.routes.ways import driven_nodes
from retorno.scope import LIVE
from retorno.situation import ground
from retorno.vocabulary import (
    Answer,
    AnswerReason,
    ChangeKind,
    ClosureTarget,
    ConsentPurpose,
    FitnessOutcome,
    HoldKind,
    Mode,
    MovementStatus,
    PersonStatus,
    Role,
    SeatStatus,
)

ROADS = (Mode.ROAD, Mode.COACH)


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

    @property
    def person_moves(self) -> int:
        """How many groups have to be planned again."""
        return len(self.groups)


# ---- what every change does --------------------------------------------------------------------------------------


def _take_off(
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
        _bump(session, group_id)
    person_ids = session.exec(select(Person.person_id).where(col(Person.group_id).in_(wanted))).all()
    movement_ids = sorted({movement_id for ids in touched.values() for movement_id in ids} | set(also))
    for movement_id in movement_ids:
        confirmation.cancel_for_persons(session, person_ids, movement_id)
    superseded, voided, cancelled = _supersede(session, actor, movement_ids)
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


def _supersede(
    session: Session, actor: audit.ActorLike, movement_ids: Sequence[str]
) -> tuple[tuple[tuple[str, int], ...], tuple[str, ...], tuple[str, ...]]:
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
            _free_escorts(session, movement_id)
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


def _free_escorts(session: Session, movement_id: str) -> None:
    for seat in session.exec(
        select(Seat).where(Seat.movement_id == movement_id, Seat.status == SeatStatus.ACTIVE)
    ).all():
        seat.status, seat.freed_at = SeatStatus.FREED, clock.now()
        session.add(seat)
    session.flush()


def _bump(session: Session, group_id: str) -> None:
    """Raise a group's availability number, so that a solve that started before cannot put it back (I3)."""
    group = session.get_one(TravelGroup, group_id, populate_existing=True)
    group.availability += 1
    session.add(group)
    session.flush()


def _log(session: Session, actor: audit.ActorLike, kind: ChangeKind, object_kind: str, object_id: str) -> None:
    audit.append(session, actor, act=f"changes.{kind.value}", object_kind=object_kind, object_id=object_id)


# ---- withdrawal, hold, illness ------------------------------------------------------------------------------------


def withdraw(
    session: Session,
    actor: access.Actor,
    *,
    person_id: str,
    purpose: ConsentPurpose = ConsentPurpose.RETURN,
) -> Effect:
    """A person no longer wants: at once, without a reason, also on the way (R3).

    Withdrawing the consent to return takes the whole group off; the others may travel later as a split. Withdrawing
    the consent to consular contact takes the person off the consulate's list only.
    """
    actor = access.require(session, actor, "changes.withdraw", person_id=person_id)
    now = clock.now()
    person = session.get_one(Person, person_id, populate_existing=True)
    if purpose is ConsentPurpose.RETURN and person.status in (PersonStatus.RETURNED, PersonStatus.CLOSED):
        raise Stale("this person's journey is over: there is nothing left to withdraw from")
    for consent in session.exec(
        select(Consent).where(
            Consent.person_id == person_id, Consent.purpose == purpose, col(Consent.withdrawn_at).is_(None)
        )
    ).all():
        consent.withdrawn_at, consent.withdrawn_recorded_by = now, actor.user_id
        session.add(consent)
    session.flush()
    _log(session, actor, ChangeKind.WITHDRAWAL, "person", person_id)
    if purpose is not ConsentPurpose.RETURN:
        if purpose is ConsentPurpose.CONSULAR_CONTACT:
            return _leave_consulate_lists(session, actor, person)
        if purpose is ConsentPurpose.GROUP_SPLIT:
            return _take_off(session, actor, _split_family(session, person.group_id), ChangeKind.WITHDRAWAL, now=now)
        return Effect(kind=ChangeKind.WITHDRAWAL)
    person.status = PersonStatus.WITHDRAWN
    person.version += 1
    session.add(person)
    session.flush()
    return _take_off(session, actor, [person.group_id], ChangeKind.WITHDRAWAL, now=now)


def _split_family(session: Session, group_id: str) -> list[str]:
    """The groups that one family was split into; none for a family that was never split."""
    group = session.get_one(TravelGroup, group_id)
    origin = group.split_from_group_id or group_id
    parts = session.exec(select(TravelGroup.group_id).where(TravelGroup.split_from_group_id == origin)).all()
    return [origin, *parts] if parts else []


def _leave_consulate_lists(session: Session, actor: access.Actor, person: Person) -> Effect:
    """The consulate's next batch no longer has the person; the journey itself is not touched (R26)."""
    confirmation.cancel_for_persons(session, [person.person_id])
    movement_ids = session.exec(
        select(Seat.movement_id).where(Seat.person_id == person.person_id, Seat.status == SeatStatus.ACTIVE).distinct()
    ).all()
    for movement_id in movement_ids:
        confirmation.refresh(session, movement_id)
    superseded, voided, cancelled = _supersede(
        session, actor, [m for m in movement_ids if manifest.current_version(session, m) is not None]
    )
    return Effect(kind=ChangeKind.WITHDRAWAL, superseded=superseded, voided=voided, cancelled=cancelled)


def raise_hold(
    session: Session,
    actor: access.Actor,
    *,
    person_id: str,
    kind: HoldKind,
    note: str = "",
    review_on: date | None = None,
) -> Effect:
    """Stop a person's return at once; write-only for everyone but protection (R6, R8).

    The same words and the same effect for every kind; the kind and the note are read by protection officers only.
    """
    actor = access.require(session, actor, "changes.hold", person_id=person_id)
    if kind is HoldKind.MEDICAL and not actor.has(Role.HEALTH, Role.PROTECTION, Role.ESCORT):
        raise NotAllowed
    now = clock.now()
    person = session.get_one(Person, person_id)
    again = session.exec(
        select(Hold.hold_id).where(
            Hold.person_id == person_id,
            Hold.kind == kind,
            Hold.raised_by == actor.user_id,
            Hold.note == note.strip(),
            col(Hold.lifted_at).is_(None),
        )
    ).first()
    if again is None:
        session.add(
            Hold(
                person_id=person_id,
                kind=kind,
                raised_by=actor.user_id,
                raised_at=now,
                note=note.strip(),
                review_on=review_on,
            )
        )
    session.flush()
    _assign_officers(session, person)
    _log(session, actor, ChangeKind.HOLD, "person", person_id)
    return _take_off(session, actor, [person.group_id], ChangeKind.HOLD, now=now)


def _assign_officers(session: Session, person: Person) -> None:
    """Name the protection officers of the person's office on the case, and tell them that something waits."""
    office_id = session.exec(
        select(Case.office_id)
        .join(TravelGroup, TravelGroup.case_id == Case.case_id)  # type: ignore[arg-type]
        .where(TravelGroup.group_id == person.group_id)
    ).one()
    for user_id in access.users_with_role(session, office_id, Role.PROTECTION):
        if session.get(ProtectionAssignment, (person.person_id, user_id)) is None:
            session.add(ProtectionAssignment(person_id=person.person_id, user_id=user_id, assigned_at=clock.now()))
        notices.post(
            session, recipient_kind="user", recipient_id=user_id, code="protection.look", object_id=person.person_id
        )
    session.flush()


def record_unfit(session: Session, actor: access.Actor, *, person_ids: Sequence[str], until: date) -> Effect:
    """People who cannot go on now: each with the whole group (the fever case); one act for all who are ticked."""
    if not person_ids:
        raise InputError("nobody is ticked: tick who cannot go on")
    groups = []
    for person_id in sorted(set(person_ids)):
        actor = access.require(session, actor, "changes.unfit", person_id=person_id)
        person = session.get_one(Person, person_id)
        today = clock.now().date()
        if until < today:
            raise InputError(f"not fit until {until} lies in the past, expected today or later")
        session.add(
            Fitness(
                person_id=person_id,
                outcome=FitnessOutcome.NOT_NOW,
                valid_from=today,
                valid_until=until,
                assessed_by=actor.user_id,
                assessed_at=clock.now(),
            )
        )
        groups.append(person.group_id)
        _log(session, actor, ChangeKind.UNFIT, "person", person_id)
    session.flush()
    return _take_off(session, actor, groups, ChangeKind.UNFIT)


def record_no_show(session: Session, actor: access.Actor, *, movement_id: str, person_ids: Sequence[str]) -> Effect:
    """People who did not come: each with the whole group. No blame is kept, they may be planned again."""
    actor = access.require(session, actor, "changes.no_show", movement_id=movement_id)
    aboard = {
        seat.person_id: seat.group_id
        for seat in session.exec(
            select(Seat).where(Seat.movement_id == movement_id, Seat.status == SeatStatus.ACTIVE)
        ).all()
        if seat.person_id
    }
    if not person_ids or set(person_ids) - set(aboard):
        raise NotAllowed
    for person_id in sorted(set(person_ids)):
        _log(session, actor, ChangeKind.NO_SHOW, "person", person_id)
    return _take_off(session, actor, [aboard[person_id] or "" for person_id in person_ids], ChangeKind.NO_SHOW)


def decline(
    session: Session,
    actor: access.Actor,
    *,
    confirmation_id: str,
    reason: AnswerReason,
    answered_by: str = "",
    way: str = "page",
) -> Effect:
    """A party's no, with a coded reason. A consulate's takes the person's group off, a post's stops the movement."""
    row, recorder = confirmation.answerable(session, actor, confirmation_id=confirmation_id, answered_by=answered_by)
    if row.answer is Answer.DECLINED:
        return Effect(kind=ChangeKind.DECLINED)
    # A question that was taken back is answered like any other: before its batch a consulate must not see a difference.
    is_over = row.cancelled_at is not None
    confirmation.set_answer(
        session, actor, row, answer=Answer.DECLINED, reason=reason, answered_by=answered_by, way=way
    )
    row.recorded_by = recorder
    session.add(row)
    session.flush()
    if is_over:
        return Effect(kind=ChangeKind.DECLINED)
    if row.person_id is not None:
        person = session.get_one(Person, row.person_id)
        return _take_off(session, actor, [person.group_id], ChangeKind.DECLINED)
    return _cancel(session, actor, [row.movement_id], ChangeKind.DECLINED, "declined")


# ---- vehicles, flights, escorts ------------------------------------------------------------------------------------


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
    _log(session, actor, kind, "movement", movement_id)
    return _cancel(session, actor, [movement_id], kind, kind.value)


def _cancel(
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
    effect = _take_off(session, actor, groups, kind)
    for movement_id in movement_ids:
        _free_escorts(session, movement_id)
        confirmation.cancel_all(session, movement_id)
    return Effect(
        kind=kind,
        groups=effect.groups,
        superseded=effect.superseded,
        voided=tuple(sorted({*effect.voided, *voided})),
        cancelled=tuple(sorted({*effect.cancelled, *movement_ids})),
    )


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
    _log(session, actor, ChangeKind.ESCORT_UNAVAILABLE, "escort", escort_id)
    also = {seat.movement_id for seat in seats}
    return _take_off(session, actor, groups, ChangeKind.ESCORT_UNAVAILABLE, now=now, also=also)


# ---- closures ------------------------------------------------------------------------------------------------------


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
    _log(session, actor, ChangeKind.CLOSURE, "closure", made.closure_id)
    affected = affected_movements(session, made)
    return made, _cancel(session, actor, affected, ChangeKind.CLOSURE, "closure")


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
        _log(session, actor, ChangeKind.REOPENING, "closure", closure_id)
    return Effect(kind=ChangeKind.REOPENING)


# ---- splits --------------------------------------------------------------------------------------------------------


def split_group(session: Session, actor: access.Actor, *, person_ids: Sequence[str]) -> TravelGroup:
    """Form a group of its own from some members; it travels only if R10 and R11 agree (readiness asks them)."""
    if not person_ids:
        raise InputError("nobody is ticked: tick who travels separately")
    for person_id in person_ids:
        actor = access.require(session, actor, "intake.update", person_id=person_id)
    persons = [session.get_one(Person, person_id) for person_id in sorted(set(person_ids))]
    if len({person.group_id for person in persons}) != 1:
        raise InputError("these people are not of one group: split one group at a time")
    old = session.get_one(TravelGroup, persons[0].group_id)
    seated = session.exec(
        select(Seat.seat_id).where(Seat.group_id == old.group_id, Seat.status == SeatStatus.ACTIVE)
    ).first()
    if seated is not None:
        raise Stale("the group has seats: take it off its movement first")
    made = TravelGroup(
        case_id=old.case_id,
        destination_country=old.destination_country,
        destination_place_id=old.destination_place_id,
        destination_municipality=old.destination_municipality,
        earliest_date=old.earliest_date,
        latest_date=old.latest_date,
        split_from_group_id=old.split_from_group_id or old.group_id,
    )
    session.add(made)
    session.flush()
    for person in persons:
        person.group_id = made.group_id
        person.version += 1
        session.add(person)
    _bump(session, old.group_id)
    audit.append(
        session, actor, act="changes.split", object_kind="group", object_id=old.group_id, ids={"into": made.group_id}
    )
    return made
