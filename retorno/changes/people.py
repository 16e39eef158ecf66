"""People who leave a journey: a withdrawal, a hold, an illness, a no-show, a no of a party; and groups that split."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import date

from sqlmodel import Session, col, select

from retorno import clock, manifest
from retorno.changes.effects import Effect, cancel, log, supersede, take_off
from retorno.confirmations import confirmation
from retorno.errors import InputError, NotAllowed, Stale
from retorno.models.movements import Seat
from retorno.models.people import Case, Consent, Fitness, Person, TravelGroup
from retorno.models.protection import Hold, ProtectionAssignment
from retorno.office import access, notices
from retorno.vocabulary import (
    Answer,
    AnswerReason,
    ChangeKind,
    ConsentPurpose,
    FitnessOutcome,
    HoldKind,
    PersonStatus,
    Role,
    SeatStatus,
)


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
    log(session, actor, ChangeKind.WITHDRAWAL, "person", person_id)
    if purpose is not ConsentPurpose.RETURN:
        if purpose is ConsentPurpose.CONSULAR_CONTACT:
            return _leave_consulate_lists(session, actor, person)
        if purpose is ConsentPurpose.GROUP_SPLIT:
            return take_off(session, actor, _split_family(session, person.group_id), ChangeKind.WITHDRAWAL, now=now)
        return Effect(kind=ChangeKind.WITHDRAWAL)
    person.status = PersonStatus.WITHDRAWN
    person.version += 1
    session.add(person)
    session.flush()
    return take_off(session, actor, [person.group_id], ChangeKind.WITHDRAWAL, now=now)


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
    superseded, voided, cancelled = supersede(
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
    log(session, actor, ChangeKind.HOLD, "person", person_id)
    return take_off(session, actor, [person.group_id], ChangeKind.HOLD, now=now)


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


def record_unfit(
    session: Session,
    actor: access.Actor,
    *,
    person_ids: Sequence[str],
    until: date,
    also: Collection[str] = (),
) -> Effect:
    """People who cannot go on now: each with the whole group (the fever case); one act for all who are ticked.

    Parameters
    ----------
    also
        Movements whose list changes too, because an escort stays behind with them.
    """
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
        log(session, actor, ChangeKind.UNFIT, "person", person_id)
    session.flush()
    return take_off(session, actor, groups, ChangeKind.UNFIT, also=also)


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
        log(session, actor, ChangeKind.NO_SHOW, "person", person_id)
    return take_off(session, actor, [aboard[person_id] or "" for person_id in person_ids], ChangeKind.NO_SHOW)


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
        return take_off(session, actor, [person.group_id], ChangeKind.DECLINED)
    return cancel(session, actor, [row.movement_id], ChangeKind.DECLINED, "declined")
