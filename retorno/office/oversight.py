"""What administrators, auditors and monitors read and set: accounts, the log, the numbers of the rules."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime

from sqlalchemy import ColumnElement, and_
from sqlmodel import Session, col, or_, select

from retorno import clock
from retorno.errors import Fault, InputError
from retorno.models.movements import ManifestVersion, Movement, Plan, PolicySetting
from retorno.models.office import AuditEntry, Office, RoleGrant, User
from retorno.models.people import Case, Person, TravelGroup
from retorno.office import access, audit
from retorno.policy import PolicyKey, check_setting, policy_keys, policy_on
from retorno.text import clean_text
from retorno.vocabulary import MovementStatus, PlanStatus, Role


@dataclass(frozen=True, kw_only=True)
class Account:
    """A user with every grant that was not revoked."""

    user: User
    grants: tuple[RoleGrant, ...]


def accounts_of_office(session: Session, actor: access.Actor) -> list[Account]:
    """Every account of the installation with its grants; administrators only."""
    access.require(session, actor, "admin.users")
    users = session.exec(select(User).order_by(User.login)).all()
    grants = session.exec(
        select(RoleGrant).where(col(RoleGrant.revoked_at).is_(None)).order_by(RoleGrant.role, RoleGrant.grant_id)
    ).all()
    return [
        Account(user=user, grants=tuple(grant for grant in grants if grant.user_id == user.user_id)) for user in users
    ]


# ---- the numbers of the rules -----------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class NumberInForce:
    """A number of a rule with its range, what holds today, and who set it; ``None`` where it is as shipped."""

    row: PolicyKey
    value: int
    set_by: str | None = None
    valid_from: date | None = None
    coming: tuple[PolicySetting, ...] = ()


def numbers(session: Session, actor: access.Actor) -> list[NumberInForce]:
    """Every number of the rules as it is today, in the order of the file."""
    access.require(session, actor, "admin.policy")
    settings = session.exec(select(PolicySetting).order_by(col(PolicySetting.valid_from))).all()
    today = clock.now().date()
    policy = policy_on(today, settings)
    names = {user.user_id: user.display_name for user in session.exec(select(User)).all()}
    found = []
    for key, row in policy_keys().items():
        own = [setting for setting in settings if setting.key == key]
        latest = next((setting for setting in reversed(own) if setting.valid_from <= today), None)
        found.append(
            NumberInForce(
                row=row,
                value=policy[key],
                set_by=names.get(latest.set_by, latest.set_by) if latest else None,
                valid_from=latest.valid_from if latest else None,
                coming=tuple(setting for setting in own if setting.valid_from > today),
            )
        )
    return found


def set_number(
    session: Session, actor: access.Actor, *, key: str, value: int, valid_from: date | None = None
) -> PolicySetting:
    """Make a number of a rule stricter from a day on; never looser (R30).

    Raises
    ------
    InputError
        If the value is looser than the shipped one, out of its range, or the day has passed.
    """
    actor = access.require(session, actor, "admin.policy")
    try:
        check_setting(key, value)
    except InputError as error:
        raise InputError([replace(fault, column="value") for fault in error.faults]) from error
    today = clock.now().date()
    day = valid_from or today
    if day < today:
        raise InputError([Fault(column="valid_from", code="PAST", what=f"{day} has passed, expected {today} or later")])
    row = session.get(PolicySetting, (key, day))
    if row is None:
        row = PolicySetting(key=key, valid_from=day, value=value, set_by=actor.user_id, set_at=clock.now())
    row.value, row.set_by, row.set_at = value, actor.user_id, clock.now()
    session.add(row)
    session.flush()
    audit.append(session, actor, act="admin.policy", object_kind="policy", object_id=key, ids={"value": str(value)})
    return row


def complaint_contact(session: Session, actor: access.Actor) -> str:
    """The phone for complaints that is printed on every itinerary; empty until somebody sets it."""
    actor = access.require(session, actor, "admin.office")
    return session.get_one(Office, actor.office_id).complaint_contact


def set_complaint_contact(session: Session, actor: access.Actor, *, contact: str) -> Office:
    """Set the phone for complaints; papers printed from now on name it.

    Raises
    ------
    InputError
        If it holds no six digits.
    """
    actor = access.require(session, actor, "admin.office")
    text = clean_text(contact, column="complaint_contact", max_chars=MAX_CONTACT).strip()
    if sum(character.isdigit() for character in text) < MIN_PHONE_DIGITS:
        raise InputError([Fault(column="complaint_contact", code="PHONE", value=text, what="expected a phone number")])
    office = session.get_one(Office, actor.office_id)
    if office.complaint_contact != text:
        office.complaint_contact = text
        session.add(office)
        session.flush()
        audit.append(session, actor, act="admin.office", object_kind="office", object_id=office.office_id)
    return office


MAX_CONTACT = 60
MIN_PHONE_DIGITS = 6


# ---- the log -----------------------------------------------------------------------------------------------------


def chain_state(session: Session, actor: access.Actor, *, anchor: str | None = None) -> audit.ChainState:
    """Walk the whole log and say whether a row was changed, taken out or put in; for auditors and monitors."""
    access.require(session, actor, "monitor.read")
    return audit.verify_chain(session, anchor=anchor)


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What to look for in the log; an empty field asks for everything.

    ``act`` is the beginning of an act such as ``changes.``; ``actor_id`` is an id or a login; ``object_id`` is an id or
    the reference of a case or movement, and finds the readings of pages that showed it; ``since`` and ``until`` are
    instants, ``until`` not included; ``before`` keeps entries with a smaller number, for the next page.
    """

    act: str = ""
    role: str = ""
    outcome: str = ""
    actor_id: str = ""
    object_id: str = ""
    since: datetime | None = None
    until: datetime | None = None
    before: int | None = None


PAGE_ENTRIES = 50


def entries(session: Session, actor: access.Actor, *, wanted: Wanted) -> Sequence[AuditEntry]:
    """Fifty entries of the log, newest first, ids only."""
    actor = access.require(session, actor, "audit.read")
    statement = select(AuditEntry)
    if wanted.act:
        statement = statement.where(col(AuditEntry.act).startswith(wanted.act, autoescape=True))
    for column, value in (
        (AuditEntry.role, wanted.role),
        (AuditEntry.outcome, wanted.outcome),
    ):
        if value:
            statement = statement.where(col(column) == value)
    if wanted.actor_id:
        of_login = select(User.user_id).where(col(User.login).in_([wanted.actor_id, wanted.actor_id.casefold()]))
        statement = statement.where(
            or_(col(AuditEntry.actor_id) == wanted.actor_id, col(AuditEntry.actor_id).in_(of_login))
        )
    if wanted.object_id:
        statement = statement.where(_is_about(session, actor, wanted.object_id))
    if wanted.since is not None:
        statement = statement.where(col(AuditEntry.at) >= wanted.since)
    if wanted.until is not None:
        statement = statement.where(col(AuditEntry.at) < wanted.until)
    if wanted.before is not None:
        statement = statement.where(col(AuditEntry.sequence) < wanted.before)
    return session.exec(statement.order_by(col(AuditEntry.sequence).desc()).limit(PAGE_ENTRIES)).all()


def _is_about(session: Session, actor: access.Actor, wanted: str) -> ColumnElement[bool]:
    """Entries of one object by its id, and readings of a page that showed it.

    The reference of a case stands for everybody of it, in readings only: which acts of protection a known case has seen
    is nothing that the log tells (access.md, matrix).
    """
    office_id, reference = actor.office_id or "", wanted.upper()
    movements = session.exec(
        select(Movement.movement_id).where(Movement.office_id == office_id, Movement.reference == reference)
    ).all()
    shown = {wanted}
    for row in session.exec(
        select(Case.case_id, TravelGroup.group_id, Person.person_id)
        .join(TravelGroup, col(TravelGroup.case_id) == Case.case_id)
        .join(Person, col(Person.group_id) == TravelGroup.group_id)
        .where(Case.office_id == office_id, Case.reference == reference)
    ).all():
        shown |= set(row)
    return or_(
        col(AuditEntry.object_id).in_([wanted, *movements]),
        and_(
            col(AuditEntry.outcome) == "read",
            or_(
                col(AuditEntry.object_id).in_(sorted(shown)),
                *(
                    col(AuditEntry.fields).contains(each, autoescape=True)
                    for each in sorted(shown)
                    if len(each) >= MIN_ID_CHARS
                ),
            ),
        ),
    )


MIN_ID_CHARS = 8
"""A shorter text is looked for as an object only: it would stand in too many entries by chance."""


def shown_count(entry: AuditEntry) -> int:
    """How many objects a reading of a page showed; 0 where the entry is about one object."""
    ids = json.loads(entry.fields).get("ids", "")
    return len(ids.split(",")) if ids else 0


@dataclass(frozen=True, kw_only=True)
class Known:
    """What the log knows, to choose from; ``logins`` by user id."""

    acts: tuple[str, ...]
    roles: tuple[str, ...]
    logins: Mapping[str, str]


def known(session: Session, actor: access.Actor) -> Known:
    """Every act and role that the log knows."""
    access.require(session, actor, "audit.read")
    return Known(
        acts=tuple(sorted(session.exec(select(AuditEntry.act).distinct()).all())),
        roles=tuple(sorted(session.exec(select(AuditEntry.role).distinct()).all())),
        logins={user.user_id: user.login for user in session.exec(select(User)).all()},
    )


# ---- plans and lists, rule by rule, without names (R35) ------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class ListChecked:
    """A version of a list as it was checked when it was issued: hash-like facts, no row."""

    movement_id: str
    version: int
    issued_at: datetime
    proposed_by: str
    signed_by: str | None
    is_removal_only: bool
    passed: int
    failed: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class PlanChecked:
    """An accepted plan: what it was found from, and what the independent checker said."""

    plan_id: str
    accepted_at: datetime
    accepted_by: str
    problem_digest: str
    is_valid: bool


@dataclass(frozen=True, kw_only=True)
class RuleCount:
    """One rule over every list: how often it was asked, how often it passed, what it noted without stopping.

    ``notes`` is for auditors only, 0 for anybody else: a note is about a person.
    """

    rule: str
    asked: int
    passed: int
    notes: int


@dataclass(frozen=True, kw_only=True)
class RuleAudit:
    """Rule by rule, without names."""

    lists: tuple[ListChecked, ...]
    plans: tuple[PlanChecked, ...]
    rules: tuple[RuleCount, ...]
    months: tuple[str, ...] = ()


def rule_audit(session: Session, actor: access.Actor, *, month: str = "", zone_name: str = "UTC") -> RuleAudit:
    """What was checked, when, with which outcome; a monitor sees journeys that are over, an auditor all of them.

    Parameters
    ----------
    month
        Lists issued in this month only, such as ``2027-01``, on the clock of ``zone_name``; empty for all of them.
        ``months`` of the answer names those that hold a list, newest first.
    """
    actor = access.require(session, actor, "monitor.read")
    statement = (
        select(ManifestVersion)
        .join(Movement, col(Movement.movement_id) == ManifestVersion.movement_id)
        .where(Movement.office_id == (actor.office_id or ""))
        .order_by(col(ManifestVersion.issued_at).desc(), ManifestVersion.movement_id)
    )
    if not actor.has(Role.AUDITOR):
        statement = statement.where(Movement.status == MovementStatus.CLOSED)
    lists, asked, passed, notes = [], Counter[str](), Counter[str](), Counter[str]()
    months: dict[str, None] = {}
    for version in session.exec(statement).all():
        issued_in = f"{clock.local(version.issued_at, zone_name):%Y-%m}"
        months[issued_in] = None
        if month not in ("", issued_in):
            continue
        outcomes = json.loads(version.verdict) if version.verdict else []
        for outcome in outcomes:
            asked[outcome["rule"]] += 1
            passed[outcome["rule"]] += outcome["outcome"] == "pass"
            notes[outcome["rule"]] += len(outcome["findings"])
        lists.append(
            ListChecked(
                movement_id=version.movement_id,
                version=version.version,
                issued_at=version.issued_at,
                proposed_by=version.proposed_by,
                signed_by=version.signed_by,
                is_removal_only=version.is_removal_only,
                passed=sum(outcome["outcome"] == "pass" for outcome in outcomes),
                failed=tuple(outcome["rule"] for outcome in outcomes if outcome["outcome"] != "pass"),
            )
        )
    return RuleAudit(
        lists=tuple(lists),
        plans=_plans(session, actor) if actor.has(Role.AUDITOR) else (),
        rules=tuple(
            RuleCount(
                rule=rule,
                asked=asked[rule],
                passed=passed[rule],
                notes=notes[rule] if actor.has(Role.AUDITOR) else 0,
            )
            for rule in sorted(asked, key=lambda name: int(name.removeprefix("R")))
        ),
        months=tuple(months),
    )


def _plans(session: Session, actor: access.Actor) -> tuple[PlanChecked, ...]:
    rows = session.exec(
        select(Plan)
        .where(
            Plan.office_id == (actor.office_id or ""),
            Plan.status == PlanStatus.ACCEPTED,
            col(Plan.accepted_at).is_not(None),
        )
        .order_by(col(Plan.accepted_at).desc(), Plan.plan_id)
    ).all()
    return tuple(
        PlanChecked(
            plan_id=row.plan_id,
            accepted_at=row.accepted_at,
            accepted_by=row.accepted_by or "",
            problem_digest=row.problem_digest,
            is_valid=bool(json.loads(row.verdict or "{}").get("valid")),
        )
        for row in rows
        if row.accepted_at is not None
    )
