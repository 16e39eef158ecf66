"""What administrators, auditors and monitors read and set: accounts, the log, the numbers of the rules."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from sqlmodel import Session, col, select

from retorno import clock
from retorno.errors import Fault, InputError
from retorno.models.movements import PolicySetting
from retorno.models.office import AuditEntry, RoleGrant, User
from retorno.office import access, audit
from retorno.policy import PolicyKey, check_setting, policy_keys, policy_on


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
    """A number of a rule with its range and what holds today."""

    row: PolicyKey
    value: int


def numbers(session: Session, actor: access.Actor) -> list[NumberInForce]:
    """Every number of the rules as it is today, in the order of the file."""
    access.require(session, actor, "admin.policy")
    policy = policy_on(clock.now().date(), session.exec(select(PolicySetting)).all())
    return [NumberInForce(row=row, value=policy[key]) for key, row in policy_keys().items()]


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
    check_setting(key, value)
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


# ---- the log -----------------------------------------------------------------------------------------------------


def chain_state(session: Session, actor: access.Actor, *, anchor: str | None = None) -> audit.ChainState:
    """Walk the whole log and say whether a row was changed, taken out or put in."""
    access.require(session, actor, "audit.read")
    return audit.verify_chain(session, anchor=anchor)


def entries(
    session: Session, actor: access.Actor, *, act: str = "", object_id: str = "", before: int | None = None
) -> Sequence[AuditEntry]:
    """Fifty entries of the log, newest first, ids only.

    Parameters
    ----------
    act
        Beginning of the act, such as ``changes.``; empty for all.
    before
        Only entries with a smaller number; for the next page.
    """
    access.require(session, actor, "audit.read")
    statement = select(AuditEntry)
    if act:
        statement = statement.where(col(AuditEntry.act).startswith(act, autoescape=True))
    if object_id:
        statement = statement.where(AuditEntry.object_id == object_id)
    if before is not None:
        statement = statement.where(col(AuditEntry.sequence) < before)
    return session.exec(statement.order_by(col(AuditEntry.sequence).desc()).limit(50)).all()


def acts(session: Session, actor: access.Actor) -> list[str]:
    """Every act that the log knows, to choose from."""
    access.require(session, actor, "audit.read")
    return sorted(session.exec(select(AuditEntry.act).distinct()).all())
