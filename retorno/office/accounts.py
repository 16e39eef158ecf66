"""Users, passwords, server-side sessions, role grants by two people.

A browser holds a random token; the database holds its SHA-256 only. A session ends after 30 minutes without a
request, after 8 hours, when the user signs out, is disabled, or gets another role.
"""

from __future__ import annotations

import hashlib
import secrets
from collections import OrderedDict
from collections.abc import Container
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError, VerifyMismatchError
from sqlmodel import Session, col, select
from zxcvbn import zxcvbn

from retorno import clock
from retorno.errors import Fault, InputError, NotAllowed, Stale
from retorno.models.office import LoginSession, Office, RoleGrant, User
from retorno.office import access, audit, notices
from retorno.text import clean_text
from retorno.vocabulary import Language, Role

IDLE = timedelta(minutes=30)
ABSOLUTE = timedelta(hours=8)
PASSWORD_MIN_LENGTH = 15
PASSWORD_MAX_LENGTH = 200
FREE_FAILURES = 5
"""Wrong passwords in a row before each further try has to wait."""
DELAY_MAX = timedelta(minutes=15)
MOST_UNKNOWN = 10_000

# OWASP password storage cheat sheet, checked 2026-11-24: Argon2id with 19 MiB, 2 passes, 1 lane.
_hasher = PasswordHasher(time_cost=2, memory_cost=19456, parallelism=1)
# Verified when the login is unknown, so that an answer takes the same time for known and unknown logins.
_NOBODY = _hasher.hash(secrets.token_hex(16))

_EXCLUSIVE: dict[Role, frozenset[Role]] = {
    Role.ADMINISTRATOR: frozenset(Role) - {Role.ADMINISTRATOR},
    Role.AUDITOR: frozenset(Role) - {Role.AUDITOR},
    Role.MONITOR: frozenset(Role) - {Role.MONITOR},
    Role.PROTECTION: frozenset({Role.COORDINATOR, Role.CONSULATE, Role.BORDER_POST}),
    Role.COORDINATOR: frozenset({Role.PROTECTION, Role.CONSULATE, Role.BORDER_POST}),
    Role.CONSULATE: frozenset({Role.COORDINATOR, Role.PROTECTION, Role.HEALTH, Role.ESCORT}),
    Role.BORDER_POST: frozenset({Role.COORDINATOR, Role.PROTECTION, Role.HEALTH, Role.ESCORT}),
}
"""Separation of duties: roles that the same user may not hold beside a role (access.md section 1)."""

STATE_ROLES = frozenset({Role.CONSULATE, Role.BORDER_POST})


def token_sha256(token: str) -> str:
    """What the database keeps of a token."""
    return hashlib.sha256(token.encode()).hexdigest()


def check_password(password: str, *, about: tuple[str, ...] = ()) -> None:
    """Refuse a password that is short, long, or easily guessed (``InputError`` says what would be right)."""
    if not PASSWORD_MIN_LENGTH <= len(password) <= PASSWORD_MAX_LENGTH:
        raise InputError(
            f"password has {len(password)} characters, expected {PASSWORD_MIN_LENGTH} to {PASSWORD_MAX_LENGTH}: "
            "four or five unrelated words are easy to remember"
        )
    # zxcvbn's time grows with the length; what stands behind the first 72 characters no longer decides.
    if zxcvbn(password[:72], user_inputs=[part for part in about if part])["score"] < 3:
        raise InputError("password is easy to guess, expected four or five unrelated words")


def create_user(
    session: Session,
    actor: access.Actor | access.System,
    *,
    login: str,
    display_name: str,
    organisation: str,
    password: str,
    country: str = "",
    office_id: str | None = None,
    language: Language = Language.ES,
) -> User:
    """A new account without any role."""
    if isinstance(actor, access.Actor):
        actor = access.require(session, actor, "admin.users")
    login = clean_text(login).strip().casefold()
    faults = []
    if not (3 <= len(login) <= 60 and all(c.isascii() and (c.isalnum() or c in "._-@") for c in login)):
        faults.append(
            Fault(code="LOGIN", what="expected 3 to 60 letters, digits or . _ - @", column="login", value=login)
        )
    elif session.exec(select(User).where(User.login == login)).first() is not None:
        faults.append(Fault(code="LOGIN_TAKEN", what="is taken, choose another", column="login", value=login))
    try:
        check_password(password, about=(login, display_name, organisation))
    except InputError as error:
        faults.extend(error.faults)
    if faults:
        raise InputError(faults)
    user = User(
        login=login,
        display_name=clean_text(display_name),
        organisation=clean_text(organisation),
        country=country,
        office_id=office_id,
        language=language,
        password_hash=_hasher.hash(password),
    )
    session.add(user)
    session.flush()
    audit.append(session, actor, act="admin.users", object_kind="user", object_id=user.user_id)
    return user


def grant_role(
    session: Session,
    actor: access.Actor | access.System,
    *,
    user_id: str,
    role: Role,
    scope: str = "",
    valid_until: date | None = None,
) -> RoleGrant:
    """Ask for a role; it works only after ``approve_role`` by another administrator."""
    if isinstance(actor, access.Actor):
        actor = access.require(session, actor, "admin.users")
        if user_id == actor.user_id:
            raise NotAllowed
    user = session.get(User, user_id)
    if user is None:
        raise NotAllowed
    held = {grant.role for grant in _standing_grants(session, user_id)}
    clash = held & _EXCLUSIVE.get(role, frozenset()) | {other for other in held if role in _EXCLUSIVE.get(other, ())}
    if clash:
        what = f"role {role} cannot stand beside {', '.join(sorted(clash))}: choose another user"
        raise InputError([Fault(column="role", code="DUTIES", what=what)])
    if role in STATE_ROLES and not (user.country and scope):
        what = f"role {role} needs the state the user serves and a scope (its country or post)"
        raise InputError([Fault(column="role", code="STATE", what=what)])
    if role is Role.CONSULATE and scope != user.country:
        what = f"a consulate officer of {user.country} cannot answer for {scope}"
        raise InputError([Fault(column="scope", code="OTHER_STATE", what=what)])
    grant = RoleGrant(
        user_id=user_id,
        role=role,
        scope=scope,
        granted_by=actor.user_id,
        granted_at=clock.now(),
        valid_until=valid_until,
    )
    session.add(grant)
    session.flush()
    audit.append(
        session, actor, act="admin.users", object_kind="role_grant", object_id=grant.grant_id, ids={"user_id": user_id}
    )
    return grant


def approve_role(session: Session, actor: access.Actor | access.System, *, grant_id: str) -> RoleGrant:
    """The second administrator's yes; ends the user's sessions, so that the new role is what the next one has."""
    if isinstance(actor, access.Actor):
        actor = access.require(session, actor, "admin.users")
    grant = session.get(RoleGrant, grant_id)
    if grant is None or actor.user_id in (grant.granted_by, grant.user_id):
        raise NotAllowed
    if grant.approved_by is not None or grant.revoked_at is not None:
        raise Stale("this grant was already decided")
    grant.approved_by, grant.approved_at = actor.user_id, clock.now()
    session.add(grant)
    _end_sessions(session, grant.user_id)
    audit.append(session, actor, act="admin.users", object_kind="role_grant", object_id=grant_id)
    return grant


def revoke_role(session: Session, actor: access.Actor, *, grant_id: str) -> None:
    """Take a role away at once."""
    actor = access.require(session, actor, "admin.users")
    grant = session.get(RoleGrant, grant_id)
    if grant is None or grant.user_id == actor.user_id:
        raise NotAllowed
    grant.revoked_at = clock.now()
    session.add(grant)
    _end_sessions(session, grant.user_id)
    audit.append(session, actor, act="admin.users", object_kind="role_grant", object_id=grant_id)


def disable_user(session: Session, actor: access.Actor, *, user_id: str) -> None:
    """Stop a user's next action and end every session."""
    actor = access.require(session, actor, "admin.users")
    user = session.get(User, user_id)
    if user is None or user_id == actor.user_id:
        raise NotAllowed
    user.disabled_at = clock.now()
    _end_sessions(session, user_id)
    audit.append(session, actor, act="admin.users", object_kind="user", object_id=user_id)


def enable_user(session: Session, actor: access.Actor, *, user_id: str) -> None:
    """Open a closed account again; it keeps the roles that nobody took away."""
    actor = access.require(session, actor, "admin.users")
    user = session.get(User, user_id)
    if user is None or user_id == actor.user_id:
        raise NotAllowed
    user.disabled_at = None
    session.add(user)
    session.flush()
    audit.append(session, actor, act="admin.users", object_kind="user", object_id=user_id)


def reset_password(session: Session, actor: access.Actor, *, user_id: str) -> str:
    """A new password for somebody who lost theirs: shown once, kept as a hash; every session of theirs ends.

    The user finds a notice of it at the next sign-in, so that nobody's password is replaced unseen.
    """
    actor = access.require(session, actor, "admin.users")
    user = session.get(User, user_id)
    if user is None or user_id == actor.user_id:
        raise NotAllowed
    password = new_password()
    user.password_hash = _hasher.hash(password)
    user.failed_count, user.locked_until = 0, None
    _end_sessions(session, user_id)
    notices.post(session, recipient_kind="user", recipient_id=user_id, code="account.password", object_id=user_id)
    audit.append(session, actor, act="admin.password", object_kind="user", object_id=user_id)
    return password


def choose_language(session: Session, *, user_id: str, language: Language) -> None:
    """Show a user every page in this language from now on, in every window; their own choice, no right is touched."""
    user = session.get(User, user_id)
    if user is not None and user.language is not language:
        user.language = language
        session.add(user)
        session.flush()


def _standing_grants(session: Session, user_id: str) -> list[RoleGrant]:
    return list(
        session.exec(select(RoleGrant).where(RoleGrant.user_id == user_id, col(RoleGrant.revoked_at).is_(None)))
    )


def _end_sessions(session: Session, user_id: str) -> None:
    user = session.get(User, user_id)
    if user is not None:
        user.session_epoch += 1
        user.version += 1
        session.add(user)
        session.flush()


# ---- the first accounts -----------------------------------------------------------------------------------------


def new_password() -> str:
    """Twenty random letters and digits in groups, easy to type: 98 bits."""
    signs = "abcdefghjkmnpqrstuvwxyz23456789"
    return "-".join("".join(secrets.choice(signs) for _ in range(5)) for _ in range(4))


def create_office(
    session: Session, *, name: str, country: str, place_id: str, places: Container[str]
) -> list[tuple[str, str]]:
    """An empty office with two administrators, who grant roles to each other's proposals.

    Returns
    -------
    list of (login, password)
        Shown once; only hashes are kept.

    Raises
    ------
    InputError
        If there is an office already, or the place is unknown.
    """
    if session.exec(select(Office.office_id)).first() is not None:
        raise InputError("this installation has an office already: its administrators add accounts on the screen")
    if place_id not in places:
        raise InputError(f'place "{place_id}" is unknown, expected an id of data/places.csv such as MX-TAPACHULA')
    office = Office(name=clean_text(name), country=country, home_place_id=place_id, places=place_id)
    session.add(office)
    session.flush()
    system, second = access.System(user_id="setup-1"), access.System(user_id="setup-2")
    made = []
    for login in ("admin.1", "admin.2"):
        password = new_password()
        user = create_user(
            session,
            system,
            login=login,
            display_name=login,
            organisation=office.name,
            password=password,
            office_id=office.office_id,
        )
        grant = grant_role(session, system, user_id=user.user_id, role=Role.ADMINISTRATOR)
        approve_role(session, second, grant_id=grant.grant_id)
        made.append((login, password))
    return made


# ---- signing in ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class SignedIn:
    """A new session: the token goes to the browser and is kept nowhere else."""

    token: str
    csrf_token: str
    user_id: str


def verify_password(password_hash: str | None, password: str) -> bool:
    """Whether the password fits; takes as long for an unknown login (``None``). About 50 ms: call it off the loop."""
    try:
        return _hasher.verify(password_hash or _NOBODY, password) and password_hash is not None
    except (VerifyMismatchError, VerificationError, InvalidHashError):
        return False


def find_login(session: Session, login: str) -> User | None:
    """The enabled account of a login, if there is one."""
    user = session.exec(select(User).where(User.login == login.strip().casefold())).first()
    return user if user is not None and user.disabled_at is None else None


def wait_before_try(user: User | None) -> timedelta:
    """How long the next try has to wait; nobody else's login is slowed down by it."""
    if user is None or user.locked_until is None:
        return timedelta(0)
    return max(timedelta(0), user.locked_until - clock.now())


def delay_after(failed_count: int) -> timedelta:
    """How long the try after so many wrong passwords waits: nothing at first, then twice as long each time."""
    if failed_count < FREE_FAILURES:
        return timedelta(0)
    return min(timedelta(seconds=2.0 ** min(failed_count - FREE_FAILURES + 1, 12)), DELAY_MAX)


class UnknownLogins:
    """Waits for logins that do not exist, as long as for those that do: an answer never tells which is which.

    Kept in memory, at most ``MOST_UNKNOWN`` of them; what is forgotten first is what was tried first.
    """

    def __init__(self) -> None:
        self._tried: OrderedDict[str, tuple[int, datetime]] = OrderedDict()

    def wait(self, login: str) -> timedelta:
        """How long the next try has to wait."""
        _, until = self._tried.get(token_sha256(login), (0, clock.now()))
        return max(timedelta(0), until - clock.now())

    def record_failure(self, login: str) -> None:
        """Count a try."""
        key = token_sha256(login)
        count = self._tried.pop(key, (0, clock.now()))[0] + 1
        self._tried[key] = (count, clock.now() + delay_after(count))
        while len(self._tried) > MOST_UNKNOWN:
            self._tried.popitem(last=False)


def record_failure(session: Session, user: User | None) -> None:
    """Count a wrong password; from the sixth on each try waits twice as long, at most 15 minutes."""
    if user is None:
        return
    user.failed_count += 1
    if user.failed_count >= FREE_FAILURES:
        user.locked_until = clock.now() + delay_after(user.failed_count)
    session.add(user)
    audit.append(
        session,
        access.System(user_id=user.user_id, role_name="none"),
        act="session.open",
        object_kind="user",
        object_id=user.user_id,
        outcome="refused",
    )


def open_session(session: Session, user: User) -> SignedIn:
    """A new session after a right password."""
    token, csrf_token, now = secrets.token_urlsafe(32), secrets.token_urlsafe(24), clock.now()
    user.failed_count, user.locked_until = 0, None
    session.add(user)
    session.add(
        LoginSession(
            token_sha256=token_sha256(token),
            user_id=user.user_id,
            session_epoch=user.session_epoch,
            csrf_token=csrf_token,
            created_at=now,
            last_seen_at=now,
        )
    )
    session.flush()
    audit.append(
        session,
        access.System(user_id=user.user_id, role_name="none"),
        act="session.open",
        object_kind="user",
        object_id=user.user_id,
    )
    return SignedIn(token=token, csrf_token=csrf_token, user_id=user.user_id)


def live_session(session: Session, token: str) -> LoginSession | None:
    """The session of a token if it is alive now; reads only."""
    if not token or len(token) > 200:
        return None
    row = session.get(LoginSession, token_sha256(token), populate_existing=True)
    if row is None or not _is_alive(session, row, clock.now()):
        return None
    return row


def _is_alive(session: Session, row: LoginSession, now: datetime) -> bool:
    user = session.get(User, row.user_id, populate_existing=True)
    return (
        user is not None
        and user.disabled_at is None
        and row.ended_at is None
        and row.session_epoch == user.session_epoch
        and now - row.last_seen_at <= IDLE
        and now - row.created_at <= ABSOLUTE
    )


def touch_session(session: Session, token: str) -> None:
    """Note that the browser was seen; written at most once a minute by the guard."""
    row = session.get(LoginSession, token_sha256(token))
    if row is not None:
        row.last_seen_at = clock.now()
        session.add(row)


def close_session(session: Session, token: str) -> None:
    """Sign out: the token is worth nothing from now on."""
    row = session.get(LoginSession, token_sha256(token))
    if row is not None and row.ended_at is None:
        row.ended_at = clock.now()
        session.add(row)
        audit.append(
            session,
            access.System(user_id=row.user_id, role_name="none"),
            act="session.close",
            object_kind="user",
            object_id=row.user_id,
        )
