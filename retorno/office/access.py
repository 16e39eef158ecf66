"""Who may do what, to which rows: deny by default; foreign and nonexistent give the same answer.

``ACTS`` is the access matrix of docs/access.md as data: act, roles, and the row predicate that must hold as well.
Authorisation is evaluated from the database in every call (I21), never from a session's memory.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, and_, exists, or_
from sqlmodel import Session, col, select

from retorno import clock
from retorno.database import Database
from retorno.errors import NotAllowed, Refused
from retorno.models.movements import (
    Confirmation,
    ManifestCopy,
    ManifestVersion,
    Movement,
    MovementCrossing,
    MovementSegment,
    Seat,
)
from retorno.models.office import RoleGrant, User
from retorno.models.people import Case, Consent, Person, TravelGroup
from retorno.models.protection import Hold
from retorno.office import audit
from retorno.rules import Finding, coordinator_view
from retorno.vocabulary import (
    ConsentPurpose,
    Language,
    ManifestStatus,
    MovementStatus,
    PartyKind,
    Role,
    SeatStatus,
)

CO, CS, BP, RC, ES = Role.COORDINATOR, Role.CONSULATE, Role.BORDER_POST, Role.RECEPTION, Role.ESCORT
PR, HE, AD, AU, MO = Role.PROTECTION, Role.HEALTH, Role.ADMINISTRATOR, Role.AUDITOR, Role.MONITOR

ACTS: dict[str, frozenset[Role]] = {
    act: frozenset(roles)
    for act, roles in {
        # 1 intake
        "intake.register": (CO,),
        "intake.import": (CO,),
        "intake.read": (CO, PR),
        "intake.update": (CO,),
        "intake.draft": (CO, PR, HE),
        "intake.call": (CO,),
        "intake.consent": (CO, PR),
        "intake.document": (CO,),
        "intake.duplicate": (CO,),
        # protection and health
        "protection.read": (PR,),
        "protection.screen": (PR,),
        "protection.lift": (PR, HE),
        "protection.best_interest": (PR,),
        "protection.escort": (PR,),
        "protection.age": (PR,),
        "health.read": (HE, PR),
        "health.record": (HE,),
        # 2 readiness, 3 planning
        "readiness.read": (CO, PR),
        "planning.start": (CO,),
        "planning.read": (CO,),
        "planning.edit": (CO,),
        "planning.accept": (CO,),
        "planning.offer": (CO,),
        "movement.read": (CO, PR, HE, AU),
        "movement.update": (CO,),
        "rounds.read": (CO,),
        "rounds.plan": (CO,),
        # 4 confirmation
        "confirmation.request": (CO,),
        "confirmation.read": (CO,),
        "confirmation.record": (CO,),
        "confirmation.consulate": (CS,),
        "confirmation.party": (BP, RC, ES),
        # 5 manifest
        "manifest.propose": (CO,),
        "manifest.sign": (CO, PR),
        "manifest.read": (CO, PR),
        "manifest.receive": (BP, RC, CS, ES),
        "manifest.acknowledge": (BP, RC, ES),
        "manifest.release": (CO,),
        # 6 arrival
        "arrival.read": (CO, BP, RC, ES),
        "arrival.record": (CO, BP, RC, ES),
        "arrival.handover": (CO, RC, BP),
        "arrival.incident": (CO, BP, RC, ES),
        # changes: the only way back
        "changes.withdraw": (CO, PR, HE, ES),
        "changes.hold": (CO, PR, HE, ES),
        "changes.unfit": (CO, HE, ES),
        "changes.no_show": (CO, BP, RC, ES),
        "changes.movement": (CO,),
        "changes.closure": (CO,),
        "changes.escort": (CO, PR),
        # papers
        "file.itineraries": (CO,),
        "file.route": (CO, ES),
        "file.offline": (CO, CS, BP, RC, ES, PR, HE, AU, MO),
        # office
        "admin.users": (AD,),
        "admin.policy": (AD,),
        "admin.office": (AD,),
        "admin.agreement": (CO, AD),
        "audit.read": (AU,),
        "admin.hours": (AD,),
        "monitor.read": (AU, MO),
        "statistics.read": (CO, MO),
        "statistics.publish": (CO,),
    }.items()
}
"""Act to the roles that may do it; an act that is not here is refused to everyone."""

WINDOW_BEFORE_HARD_MAXIMUM = timedelta(hours=120)
WINDOW_AFTER = timedelta(hours=24)


@dataclass(frozen=True, kw_only=True)
class Grant:
    """One role in force, with its scope: a country, a post, a place; empty for the office."""

    role: Role
    scope: str = ""


@dataclass(frozen=True, kw_only=True)
class Actor:
    """A signed-in user as the database knows them at this moment."""

    user_id: str
    display_name: str
    organisation: str
    office_id: str | None
    country: str
    language: Language
    grants: tuple[Grant, ...]

    @property
    def role_name(self) -> str:
        """The role in which the act is done; the first in force."""
        return self.grants[0].role.value if self.grants else "none"

    def has(self, *roles: Role) -> bool:
        """Whether one of ``roles`` is in force."""
        return any(grant.role in roles for grant in self.grants)

    def scopes(self, role: Role) -> tuple[str, ...]:
        """Scopes of the grants of a role: countries, posts or places."""
        return tuple(grant.scope for grant in self.grants if grant.role is role)


@dataclass(frozen=True, kw_only=True)
class System:
    """The worker and the scheduled tasks; it acts only on what an act of a person asked for."""

    user_id: str = "system"
    role_name: str = "system"


def load_actor(session: Session, user_id: str) -> Actor:
    """The user with the roles in force now; ``NotAllowed`` if unknown or disabled."""
    user = session.get(User, user_id, populate_existing=True)
    if user is None or user.disabled_at is not None:
        raise NotAllowed
    today = clock.now().date()
    grants = session.exec(
        select(RoleGrant)
        .where(
            RoleGrant.user_id == user_id,
            col(RoleGrant.approved_by).is_not(None),
            col(RoleGrant.revoked_at).is_(None),
            or_(col(RoleGrant.valid_until).is_(None), col(RoleGrant.valid_until) >= today),
        )
        .order_by(RoleGrant.role, RoleGrant.grant_id)
        .execution_options(populate_existing=True)
    ).all()
    return Actor(
        user_id=user.user_id,
        display_name=user.display_name,
        organisation=user.organisation,
        office_id=user.office_id,
        country=user.country,
        language=user.language,
        grants=tuple(Grant(role=grant.role, scope=grant.scope) for grant in grants),
    )


def users_with_role(session: Session, office_id: str, role: Role) -> list[str]:
    """Ids of the enabled users of an office who hold a role now."""
    today = clock.now().date()
    return list(
        session.exec(
            select(User.user_id)
            .join(RoleGrant, col(RoleGrant.user_id) == User.user_id)
            .where(
                User.office_id == office_id,
                col(User.disabled_at).is_(None),
                RoleGrant.role == role,
                col(RoleGrant.approved_by).is_not(None),
                col(RoleGrant.revoked_at).is_(None),
                or_(col(RoleGrant.valid_until).is_(None), col(RoleGrant.valid_until) >= today),
            )
            .distinct()
            .order_by(User.user_id)
        ).all()
    )


def require(
    session: Session,
    actor: Actor,
    act: str,
    *,
    person_id: str | None = None,
    group_id: str | None = None,
    case_id: str | None = None,
    movement_id: str | None = None,
) -> Actor:
    """The actor as of now, if ``act`` is allowed on every row named; else ``NotAllowed``.

    The same answer is given for a row that does not exist and for one that is not the actor's.
    """
    current = load_actor(session, actor.user_id)
    roles = ACTS.get(act, frozenset())
    if not any(current.has(role) for role in roles):
        raise NotAllowed
    if person_id is not None and not _sees(session, current, roles, Person, Person.person_id == person_id):
        raise NotAllowed
    if group_id is not None and not _sees(session, current, roles, TravelGroup, TravelGroup.group_id == group_id):
        raise NotAllowed
    if case_id is not None and not _sees(session, current, roles, Case, Case.case_id == case_id):
        raise NotAllowed
    if movement_id is not None and not _sees(session, current, roles, Movement, Movement.movement_id == movement_id):
        raise NotAllowed
    return current


def _sees(
    session: Session, actor: Actor, roles: frozenset[Role], table: type[Any], condition: ColumnElement[bool] | bool
) -> bool:
    """Whether the row that ``condition`` picks is among those one of the actor's ``roles`` opens."""
    usable = tuple(role for role in roles if actor.has(role))
    predicates = [_rows(actor, role, table) for role in usable]
    statement = select(table).where(condition, or_(*predicates)) if predicates else None
    return statement is not None and session.exec(statement.limit(1)).first() is not None


def _rows(actor: Actor, role: Role, table: type[Any]) -> ColumnElement[bool]:
    """Row predicate of a role on a table; false where the matrix names none."""
    if table is Movement:
        return movements_of(actor, role)
    if table is Person:
        return persons_of(actor, role)
    if table is TravelGroup:
        if role in (CO, PR, HE):
            return col(TravelGroup.case_id).in_(_office_cases(actor))
        members = select(Person.group_id).where(persons_of(actor, role))
        return col(TravelGroup.group_id).in_(members)
    if table is Case and role in (CO, PR, HE):
        return col(Case.case_id).in_(_office_cases(actor))
    return _nothing()


def _nothing() -> ColumnElement[bool]:
    return col(Person.person_id).in_(())


def _office_cases(actor: Actor) -> Any:
    return select(Case.case_id).where(Case.office_id == (actor.office_id or ""))


def persons_of(actor: Actor, role: Role) -> ColumnElement[bool]:
    """Persons a role may name: caseload, own nationals who agreed, people on an own movement in its window."""
    if role in (CO, PR, HE):
        groups = select(TravelGroup.group_id).where(col(TravelGroup.case_id).in_(_office_cases(actor)))
        return col(Person.group_id).in_(groups)
    if role is CS:
        return own_nationals(actor.scopes(CS))
    if role in (BP, RC, ES):
        seats = select(Seat.person_id).where(
            Seat.status == SeatStatus.ACTIVE,
            col(Seat.movement_id).in_(select(Movement.movement_id).where(movements_of(actor, role))),
        )
        return col(Person.person_id).in_(seats)
    return _nothing()


def own_nationals(countries: tuple[str, ...]) -> ColumnElement[bool]:
    """Nationals of ``countries`` whose consent to consular contact is in force and who never had a hold.

    A consent to consular contact given after the last hold was lifted, recorded by a protection officer as
    witness, opens a person again (R26).
    """
    by_protection = exists().where(
        col(RoleGrant.user_id) == Consent.recorded_by,
        col(RoleGrant.role) == PR,
        col(RoleGrant.approved_by).is_not(None),
        or_(col(RoleGrant.revoked_at).is_(None), col(RoleGrant.revoked_at) > Consent.recorded_at),
    )
    is_witnessed = and_(col(Consent.witness) == Consent.recorded_by, by_protection.correlate(Person, Consent, Hold))
    later_hold = exists().where(
        col(Hold.person_id) == Person.person_id,
        or_(col(Hold.lifted_at).is_(None), col(Hold.lifted_at) >= Consent.given_at, ~is_witnessed),
    )
    agreed = exists().where(
        col(Consent.person_id) == Person.person_id,
        col(Consent.purpose) == ConsentPurpose.CONSULAR_CONTACT,
        col(Consent.withdrawn_at).is_(None),
        or_(col(Consent.expires_on).is_(None), col(Consent.expires_on) >= clock.now().date()),
        ~later_hold.correlate(Person, Consent),
    )
    return and_(col(Person.nationality).in_(countries), agreed)


def consular_person_ids(session: Session, countries: tuple[str, ...]) -> list[str]:
    """Ids of the people whom the consulates of ``countries`` may be told of."""
    return list(session.exec(select(Person.person_id).where(own_nationals(countries))).all())


def movements_of(actor: Actor, role: Role) -> ColumnElement[bool]:
    """Movements a role may see, with the time window of the matrix."""
    if role in (CO, PR, HE, AU):
        return col(Movement.office_id) == (actor.office_id or "")
    if role is BP:
        posts = actor.scopes(BP)
        at_post = select(MovementCrossing.movement_id).where(
            or_(col(MovementCrossing.leave_post_id).in_(posts), col(MovementCrossing.enter_post_id).in_(posts))
        )
        return and_(col(Movement.movement_id).in_(at_post), in_window(), _published())
    if role is RC:
        here = select(MovementSegment.movement_id).where(col(MovementSegment.to_place_id).in_(actor.scopes(RC)))
        return and_(col(Movement.movement_id).in_(here), in_window(), _published())
    if role is ES:
        mine = select(Seat.movement_id).where(
            Seat.status == SeatStatus.ACTIVE, col(Seat.escort_id).in_(actor.scopes(ES))
        )
        return and_(col(Movement.movement_id).in_(mine), in_window(), _published())
    if role is CS:
        asked = (
            select(Confirmation.movement_id)
            .join(Person, Person.person_id == Confirmation.person_id)  # type: ignore[arg-type]
            .where(own_nationals(actor.scopes(CS)), col(Confirmation.cancelled_at).is_(None))
        )
        return col(Movement.movement_id).in_(asked)
    return _nothing()


def opens_at(depart_at: datetime, notice_hours: int) -> datetime:
    """From when posts and reception points see a movement: departure - max(48 h, notice + 24 h), at most 120 h."""
    return depart_at - min(timedelta(hours=max(48, notice_hours + 24)), WINDOW_BEFORE_HARD_MAXIMUM)


def in_window(now: datetime | None = None) -> ColumnElement[bool]:
    """``at_post``: from ``opens_at`` until the arrival + 24 h."""
    instant = now or clock.now()
    return and_(col(Movement.opens_at) <= instant, col(Movement.arrive_at) >= instant - WINDOW_AFTER)


def _published() -> ColumnElement[bool]:
    current = exists().where(
        col(ManifestVersion.movement_id) == Movement.movement_id,
        col(ManifestVersion.status) == ManifestStatus.CURRENT,
    )
    copies = exists().where(col(ManifestCopy.movement_id) == Movement.movement_id)
    return and_(copies, or_(current, col(Movement.status) == MovementStatus.CLOSED, col(Movement.manifest_version) > 0))


PARTY_OF_ROLE: dict[Role, PartyKind] = {
    BP: PartyKind.BORDER_POST,
    RC: PartyKind.RECEPTION,
    CS: PartyKind.CONSULATE,
    ES: PartyKind.ESCORT,
}
"""Which recipient's copy a role opens."""


@contextmanager
def acting(database: Database, user_id: str, act: str, object_id: str = "") -> Iterator[tuple[Session, Actor]]:
    """One act of one user: a transaction with the actor; a refusal rolls back and is logged on its own (I11)."""
    actor: Actor | None = None
    try:
        with database.transaction() as session:
            actor = load_actor(session, user_id)
            yield session, actor
    except (NotAllowed, Refused):
        with database.transaction() as session:
            who = actor or System(user_id=user_id, role_name="none")
            audit.append(session, who, act=act, object_kind="", object_id=object_id, outcome="refused")
        raise


def visible_findings(findings: Sequence[Finding], actor: Actor) -> list[Finding]:
    """What an actor may read of a list of findings (access.md section 2, point 14).

    Holds, reviews and old screenings become one text, ``NOT_AVAILABLE``, which names no rule; while it stands for a
    person, what health and identity found on that person is not shown either. Protection officers see everything.
    """
    return list(findings) if actor.has(PR) else coordinator_view(findings)
