"""Protection: screening, best-interest decisions, escort approvals, and lifting a hold by two.

Raising a hold is in ``changes``: it has to free seats in the same transaction. Nothing here writes a reason, a kind
of hold or a name into the log.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from sqlmodel import Session, col, func, select

from retorno import clock
from retorno.errors import Fault, InputError, NotAllowed, Stale
from retorno.intake import touch_person
from retorno.models.movements import Escort
from retorno.models.office import Office, User
from retorno.models.people import Case, Person, Screening, TravelGroup
from retorno.models.protection import (
    BestInterestCreate,
    BestInterestDecision,
    EscortApproval,
    Hold,
    ProtectionAssignment,
)
from retorno.movements.journeys import Journey, drafts_of_groups, next_journeys
from retorno.office import access, audit
from retorno.office.access import Actor
from retorno.situation import situation
from retorno.text import clean_text
from retorno.vocabulary import HoldKind, PersonStatus, Role

MAX_NOTE_CHARS = 4_000


# ---- screening ------------------------------------------------------------------------------------------------


def record_screening(
    session: Session,
    actor: Actor,
    *,
    person_id: str,
    screened_at: datetime,
    is_victim_of_trafficking: bool = False,
) -> Screening:
    """Record that a protection officer spoke with a person in private (R8); what was said lives in holds.

    Raises
    ------
    InputError
        If the instant lies in the future or has no time zone.
    """
    actor = access.require(session, actor, "protection.screen", person_id=person_id)
    if screened_at.tzinfo is None:
        raise InputError([Fault(column="screened_at", code="ZONE", what="the time of the screening needs a time zone")])
    if screened_at > clock.now():
        raise InputError([Fault(column="screened_at", code="FUTURE", what="the screening lies in the future")])
    screening = Screening(
        person_id=person_id,
        screened_at=screened_at,
        screened_by=actor.user_id,
        is_victim_of_trafficking=is_victim_of_trafficking,
    )
    session.add(screening)
    touch_person(session, person_id)
    audit.append(
        session,
        actor,
        act="protection.screen",
        object_kind="screening",
        object_id=screening.screening_id,
        subject_id=person_id,
        values={"screened_at": screened_at, "is_victim_of_trafficking": is_victim_of_trafficking},
        ids={"person_id": person_id},
    )
    return screening


# ---- holds ------------------------------------------------------------------------------------------------------


def open_holds(session: Session, person_ids: Iterable[str]) -> list[Hold]:
    """The open holds of these persons, oldest first; for protection, readiness and changes only."""
    return list(
        session.exec(
            select(Hold)
            .where(col(Hold.person_id).in_(sorted(set(person_ids))), col(Hold.lifted_at).is_(None))
            .order_by(col(Hold.raised_at), Hold.hold_id)
            .execution_options(populate_existing=True)
        ).all()
    )


def hold_history_exists(session: Session, person_id: str) -> bool:
    """Whether a person is or ever was under a hold (R26)."""
    return session.exec(select(Hold.hold_id).where(Hold.person_id == person_id).limit(1)).first() is not None


def holds_to_review(session: Session, actor: Actor, *, on_date: date) -> list[Hold]:
    """Open holds of the caseload whose review day has come: they ask for a look, none lifts by itself (R6)."""
    actor = access.require(session, actor, "protection.read")
    return list(
        session.exec(
            select(Hold)
            .where(
                col(Hold.lifted_at).is_(None),
                col(Hold.review_on) <= on_date,
                col(Hold.person_id).in_(select(Person.person_id).where(access.persons_of(actor, Role.PROTECTION))),
            )
            .order_by(col(Hold.review_on), Hold.hold_id)
        ).all()
    )


def propose_lift(session: Session, actor: Actor, *, hold_id: str, version: int, decision: str) -> Hold:
    """The first of two signatures that lift a hold, on the written decision of the authority that set it (R6).

    A protection officer proposes; for a medical hold a health officer may as well. A second proposal replaces the
    first while nobody has signed.

    Raises
    ------
    InputError
        If the decision is empty.
    NotAllowed
        If the actor may not, the hold is not in the caseload, or it is lifted already.
    Stale
        If somebody changed the hold meanwhile.
    """
    hold, actor = _hold_for(session, actor, hold_id, version)
    text = clean_text(decision, column="decision", max_chars=MAX_NOTE_CHARS, allow_newlines=True)
    if not text:
        raise InputError(
            [Fault(column="decision", code="EMPTY", what="write down the decision that lifts it, and the reason")]
        )
    hold.lift_proposed_by, hold.lift_proposed_at = actor.user_id, clock.now()
    hold.lift_decision = text
    hold.version += 1
    session.add(hold)
    _log_hold(session, actor, hold, "protection.propose_lift")
    return hold


def lift_hold(session: Session, actor: Actor, *, hold_id: str, version: int) -> Hold:
    """The second signature: the hold is lifted from now on.

    Two different people sign, neither of them alone the one who raised it: two protection officers, or for a medical
    hold one health officer and one protection officer.

    Raises
    ------
    InputError
        If nobody proposed to lift it, the same person signs twice, or the two roles are not those that R6 asks for.
    NotAllowed, Stale
        As for ``propose_lift``.
    """
    hold, actor = _hold_for(session, actor, hold_id, version)
    first = hold.lift_proposed_by
    if first is None:
        raise InputError(
            [Fault(code="NOT_PROPOSED", what="nobody has proposed to lift it; the first signature is missing")]
        )
    if first == actor.user_id:
        raise InputError([Fault(code="SAME_PERSON", what="the second signature must be another person's")])
    roles = (_signing_role(session, hold, first), _signing_role(session, hold, actor.user_id))
    wanted = {Role.HEALTH, Role.PROTECTION} if hold.kind is HoldKind.MEDICAL else {Role.PROTECTION}
    if set(roles) != wanted:
        who = "a health officer and a protection officer" if len(wanted) == 2 else "two protection officers"
        raise InputError([Fault(code="WRONG_ROLES", what=f"it takes {who} to lift it")])
    hold.lifted_by, hold.lifted_at = actor.user_id, clock.now()
    hold.version += 1
    session.add(hold)
    touch_person(session, hold.person_id)
    _log_hold(session, actor, hold, "protection.lift")
    return hold


def _hold_for(session: Session, actor: Actor, hold_id: str, version: int) -> tuple[Hold, Actor]:
    """An open hold that the actor may sign for, locked, at the version they saw."""
    actor = access.require(session, actor, "protection.lift")
    hold = session.get(Hold, hold_id, with_for_update=True, populate_existing=True)
    if hold is None or hold.lifted_at is not None:
        raise NotAllowed
    access.require(session, actor, "protection.lift", person_id=hold.person_id)
    if hold.kind is not HoldKind.MEDICAL and not actor.has(Role.PROTECTION):
        raise NotAllowed
    if hold.version != version:
        raise Stale("the hold changed since it was read")
    return hold, actor


def _signing_role(session: Session, hold: Hold, user_id: str) -> Role | None:
    """The role in which a user counts for lifting this hold, as granted now; None if in none."""
    signer = access.load_actor(session, user_id)
    if hold.kind is HoldKind.MEDICAL and signer.has(Role.HEALTH):
        return Role.HEALTH
    return Role.PROTECTION if signer.has(Role.PROTECTION) else None


def _log_hold(session: Session, actor: Actor, hold: Hold, act: str) -> None:
    audit.append(
        session,
        actor,
        act=act,
        object_kind="hold",
        object_id=hold.hold_id,
        subject_id=hold.person_id,
        values={"lift_decision": hold.lift_decision},
        ids={"person_id": hold.person_id},
    )


# ---- best interests -------------------------------------------------------------------------------------------


def record_best_interest(
    session: Session, actor: Actor, *, person_id: str, decision: BestInterestCreate
) -> BestInterestDecision:
    """Record the best-interest decision of a child with its parts; the latest one counts, and starts uncleared (R12).

    Raises
    ------
    InputError
        If a date lies in the future, or a text holds hidden characters.
    """
    actor = access.require(session, actor, "protection.best_interest", person_id=person_id)
    faults: list[Fault] = []
    today = clock.now().date()
    for name in ("decided_on", "guardian_consent_on", "child_view_recorded_on", "receiving_agreed_on"):
        day: date | None = getattr(decision, name)
        if day is not None and day > today:
            faults.append(Fault(column=name, code="FUTURE", what=f"{day} lies in the future"))
    cleaned: dict[str, str] = {}
    for name in ("body", "pickup_named"):
        try:
            cleaned[name] = clean_text(getattr(decision, name), column=name, max_chars=200)
        except InputError as error:
            faults += error.faults
    if not faults and not cleaned["body"]:
        faults.append(Fault(column="body", code="EMPTY", what="name the competent body that decided"))
    if faults:
        raise InputError(faults)
    row = BestInterestDecision.model_validate(
        decision, update={"person_id": person_id, "recorded_by": actor.user_id, "recorded_at": clock.now(), **cleaned}
    )
    session.add(row)
    touch_person(session, person_id)
    _log_decision(session, actor, row, "protection.best_interest", decision.model_dump())
    return row


def clear_to_travel(session: Session, actor: Actor, *, decision_id: str, version: int) -> BestInterestDecision:
    """Sign that a child may travel on this decision; the second signature of another officer clears it.

    Raises
    ------
    InputError
        If a part of the file is missing, the same officer signs twice, or the decision is already cleared.
    NotAllowed, Stale
        If the actor may not, or the decision is no longer the latest or was changed.
    """
    actor = access.require(session, actor, "protection.best_interest")
    row = session.get(BestInterestDecision, decision_id, with_for_update=True, populate_existing=True)
    if row is None:
        raise NotAllowed
    access.require(session, actor, "protection.best_interest", person_id=row.person_id)
    if row.version != version or _latest_decision_id(session, row.person_id) != decision_id:
        raise Stale("the decision changed since it was read")
    if empty := [name for name in missing_parts(row) if name != "cleared_at"]:
        what = f"before anybody signs, the file needs: {', '.join(empty)}"
        raise InputError([Fault(column=name, code="EMPTY", what=what) for name in empty])
    if row.cleared_at is not None:
        raise InputError([Fault(code="CLEARED", what="two officers have already signed")])
    if row.cleared_by is None:
        row.cleared_by = actor.user_id
    elif row.cleared_by == actor.user_id:
        raise InputError([Fault(code="SAME_PERSON", what="the second signature must be another officer's")])
    else:
        row.cleared_by_second, row.cleared_at = actor.user_id, clock.now()
        touch_person(session, row.person_id)
    row.version += 1
    session.add(row)
    _log_decision(session, actor, row, "protection.clear", {"is_cleared": row.cleared_at is not None})
    return row


def _latest_decision_id(session: Session, person_id: str) -> str | None:
    return session.exec(
        select(BestInterestDecision.decision_id)
        .where(BestInterestDecision.person_id == person_id)
        .order_by(col(BestInterestDecision.recorded_at).desc(), col(BestInterestDecision.decision_id).desc())
        .limit(1)
    ).first()


def _log_decision(
    session: Session, actor: Actor, row: BestInterestDecision, act: str, values: dict[str, object]
) -> None:
    audit.append(
        session,
        actor,
        act=act,
        object_kind="best_interest_decision",
        object_id=row.decision_id,
        subject_id=row.person_id,
        values=values,
        ids={"person_id": row.person_id},
    )


# ---- escorts and assignments ------------------------------------------------------------------------------------


def approve_escort(
    session: Session, actor: Actor, *, person_id: str, escort_id: str, valid_until: date
) -> EscortApproval:
    """Approve a named escort for one child until a day (R12).

    Raises
    ------
    InputError
        If the escort is unknown, or the day has passed.
    """
    actor = access.require(session, actor, "protection.escort", person_id=person_id)
    faults = []
    if session.get(Escort, escort_id) is None:
        faults.append(Fault(column="escort_id", code="UNKNOWN", what="there is no such escort"))
    if valid_until < clock.now().date():
        faults.append(
            Fault(column="valid_until", code="PAST", what=f"{valid_until} has passed, expected a day to come")
        )
    if faults:
        raise InputError(faults)
    approval = EscortApproval(
        person_id=person_id,
        escort_id=escort_id,
        approved_by=actor.user_id,
        approved_at=clock.now(),
        valid_until=valid_until,
    )
    session.add(approval)
    touch_person(session, person_id)
    audit.append(
        session,
        actor,
        act="protection.escort",
        object_kind="escort_approval",
        object_id=approval.approval_id,
        subject_id=person_id,
        values={"valid_until": valid_until},
        ids={"person_id": person_id, "escort_id": escort_id},
    )
    return approval


def assign_officer(session: Session, actor: Actor, *, person_id: str, user_id: str) -> None:
    """Name a protection officer on a person's case; naming them again changes nothing.

    Raises
    ------
    InputError
        If the user is no protection officer.
    """
    actor = access.require(session, actor, "protection.read", person_id=person_id)
    if not access.load_actor(session, user_id).has(Role.PROTECTION):
        raise InputError([Fault(column="user_id", code="WRONG_ROLE", what="only a protection officer can be named")])
    if session.get(ProtectionAssignment, (person_id, user_id)) is not None:
        return
    session.add(ProtectionAssignment(person_id=person_id, user_id=user_id, assigned_at=clock.now()))
    audit.append(
        session,
        actor,
        act="protection.assign",
        object_kind="person",
        object_id=person_id,
        ids={"user_id": user_id},
    )


def set_age_in_doubt(session: Session, actor: Actor, *, person_id: str, version: int, is_in_doubt: bool) -> Person:
    """Say that an age is in doubt, or no longer is; in doubt a person is treated as a child throughout (R15).

    Lists that hold the person already are checked again before they are issued; nobody is taken off by this.

    Raises
    ------
    InputError
        If an adult would stand there as an unaccompanied child.
    NotAllowed, Stale
        If the person is not in the caseload, or was changed meanwhile.
    """
    actor = access.require(session, actor, "protection.age", person_id=person_id)
    person = session.get(Person, person_id, with_for_update=True, populate_existing=True)
    if person is None:
        raise NotAllowed
    if person.version != version:
        raise Stale("the person changed since it was read")
    if person.is_age_in_doubt == is_in_doubt:
        return person
    age_of_majority = situation(session).policy.age_of_majority
    if not is_in_doubt and person.is_unaccompanied and known_age(person) >= age_of_majority:
        what = f"an unaccompanied child of {known_age(person)} years; the age has to be corrected first"
        raise InputError([Fault(column="is_age_in_doubt", code="AGE", what=what)])
    person.is_age_in_doubt = is_in_doubt
    person.version += 1
    session.add(person)
    touch_person(session, person_id)
    audit.append(
        session,
        actor,
        act="protection.age",
        object_kind="person",
        object_id=person_id,
        subject_id=person_id,
        values={"is_age_in_doubt": is_in_doubt},
    )
    return person


def known_age(person: Person) -> int:
    """Age today, or as declared."""
    today = clock.now().date()
    if person.birth_date is not None and person.birth_date <= today:
        return clock.age_on(person.birth_date, today)
    return person.declared_age or 0


def missing_parts(decision: BestInterestDecision | None) -> Sequence[str]:
    """Fields of a child's file that are still empty, in the order in which they are asked for."""
    if decision is None:
        return ("outcome",)
    parts = {
        "guardian_consent_on": decision.guardian_consent_on,
        "child_view_recorded_on": decision.child_view_recorded_on,
        "receiving_agreed_on": decision.receiving_agreed_on,
        "pickup_named": decision.pickup_named,
        "cleared_at": decision.cleared_at,
    }
    return tuple(name for name, value in parts.items() if not value)


# ---- the caseload of a protection officer ---------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class ProtectionCase:
    """One person as a protection officer sees them.

    Parameters
    ----------
    holds
        Open ones, oldest first.
    missing
        Parts of an unaccompanied child's file that are empty; empty for everybody else.
    screen_by
        Last day on which the screening counts; ``None`` where there is none.
    journey, in_draft_since
        The next journey with a seat, and since when a draft plan looks at the group.
    raised_by
        Who raised each hold and who proposed to lift it: name by user id.
    """

    person: Person
    case_reference: str
    holds: tuple[Hold, ...]
    screening: Screening | None
    decision: BestInterestDecision | None
    approvals: tuple[EscortApproval, ...]
    missing: tuple[str, ...]
    screen_by: date | None = None
    journey: Journey | None = None
    in_draft_since: datetime | None = None
    raised_by: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_touched(self) -> bool:
        """Whether a plan counts on somebody whose protection is not settled."""
        is_open = bool(self.holds or self.missing) or self.screening is None
        return is_open and (self.journey is not None or self.in_draft_since is not None)


SOON = timedelta(days=5)
"""How long before its last day a screening, a decision or an approval asks to be renewed."""


def needs_screening(case: ProtectionCase, today: date) -> bool:
    """Whether a person was never screened, or the screening runs out within days."""
    return case.screen_by is None or case.screen_by <= today + SOON


def child_file_due(case: ProtectionCase, today: date) -> bool:
    """Whether an unaccompanied child's file lacks a part or its decision runs out within days."""
    if not case.person.is_unaccompanied:
        return False
    return bool(case.missing) or (case.decision is not None and case.decision.valid_until <= today + SOON)


def cases(session: Session, actor: Actor) -> list[ProtectionCase]:
    """Everyone of the caseload who still returns, whoever has an open hold first; the page logs the reading."""
    actor = access.require(session, actor, "protection.read")
    rows = session.exec(
        select(Person, Case)
        .join(TravelGroup, col(TravelGroup.group_id) == Person.group_id)
        .join(Case, col(Case.case_id) == TravelGroup.case_id)
        .where(access.persons_of(actor, Role.PROTECTION), Person.status != PersonStatus.RETURNED)
        .order_by(Person.person_id)
    ).all()
    ids = [person.person_id for person, _ in rows]
    holds: dict[str, list[Hold]] = {}
    for hold in open_holds(session, ids):
        holds.setdefault(hold.person_id, []).append(hold)
    screenings = {
        row.person_id: row
        for row in session.exec(
            select(Screening).where(col(Screening.person_id).in_(ids)).order_by(col(Screening.screened_at))
        ).all()
    }
    decisions = {
        row.person_id: row
        for row in session.exec(
            select(BestInterestDecision)
            .where(col(BestInterestDecision.person_id).in_(ids))
            .order_by(col(BestInterestDecision.recorded_at), col(BestInterestDecision.decision_id))
        ).all()
    }
    approvals: dict[str, list[EscortApproval]] = {}
    for approval in session.exec(
        select(EscortApproval)
        .where(col(EscortApproval.person_id).in_(ids), EscortApproval.valid_until >= clock.now().date())
        .order_by(col(EscortApproval.approved_at))
    ).all():
        approvals.setdefault(approval.person_id, []).append(approval)
    where = situation(session)
    zone_name = where.zone_name(session.get_one(Office, actor.office_id).home_place_id) if rows else "UTC"
    valid = timedelta(days=where.policy.screening_valid_days)
    signers = {
        user_id for each in holds.values() for hold in each for user_id in (hold.raised_by, hold.lift_proposed_by)
    }
    names = {
        user.user_id: f"{user.display_name}, {user.organisation}"
        for user in session.exec(select(User).where(col(User.user_id).in_(signers - {None}))).all()
    }
    journeys, drafts = next_journeys(session, ids), drafts_of_groups(session, actor.office_id or "")
    found = [
        ProtectionCase(
            person=person,
            case_reference=case.reference,
            holds=tuple(holds.get(person.person_id, ())),
            screening=screenings.get(person.person_id),
            decision=decisions.get(person.person_id),
            approvals=tuple(approvals.get(person.person_id, ())),
            missing=tuple(missing_parts(decisions.get(person.person_id))) if person.is_unaccompanied else (),
            screen_by=clock.local(screenings[person.person_id].screened_at + valid, zone_name).date()
            if person.person_id in screenings
            else None,
            journey=journeys.get(person.person_id),
            in_draft_since=drafts.get(person.group_id),
            raised_by=names if person.person_id in holds else {},
        )
        for person, case in rows
    ]
    return sorted(
        found,
        key=lambda each: (
            not each.is_touched,
            not each.holds,
            each.screening is not None,
            not each.missing,
            each.screening.screened_at if each.screening else each.person.registered_at,
            each.person.person_id,
        ),
    )


def escorts(session: Session, actor: Actor) -> list[Escort]:
    """Escorts who are available, to approve one for a child."""
    access.require(session, actor, "protection.escort")
    return list(session.exec(select(Escort).where(col(Escort.is_available)).order_by(Escort.name)).all())


def counts_between(session: Session, actor: Actor, *, start: datetime, end: datetime) -> tuple[int, int]:
    """How many holds were raised and best-interest decisions recorded in a time; the caller hides small counts."""
    actor = access.require(session, actor, "monitor.read")
    own = (
        select(Person.person_id)
        .join(TravelGroup, col(TravelGroup.group_id) == Person.group_id)
        .join(Case, col(Case.case_id) == TravelGroup.case_id)
        .where(Case.office_id == (actor.office_id or ""))
    )
    holds = session.exec(
        select(func.count())
        .select_from(Hold)
        .where(col(Hold.person_id).in_(own), col(Hold.raised_at) >= start, col(Hold.raised_at) < end)
    ).one()
    decisions = session.exec(
        select(func.count())
        .select_from(BestInterestDecision)
        .where(
            col(BestInterestDecision.person_id).in_(own),
            col(BestInterestDecision.recorded_at) >= start,
            col(BestInterestDecision.recorded_at) < end,
        )
    ).one()
    return holds, decisions
