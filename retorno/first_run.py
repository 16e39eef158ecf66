"""What an office still needs before its first journey, for the administrator's first-run list."""

from __future__ import annotations

from dataclasses import dataclass

from sqlmodel import Session, col, func, select

from retorno import clock
from retorno.models.movements import AgreementConfirmation, Escort, Vehicle
from retorno.models.office import Office
from retorno.office import access
from retorno.vocabulary import Role

ROLES_NEEDED: tuple[tuple[Role, int], ...] = (
    (Role.ADMINISTRATOR, 2),
    (Role.COORDINATOR, 2),
    (Role.PROTECTION, 2),
    (Role.HEALTH, 1),
    (Role.AUDITOR, 1),
)
"""Two where an act takes two people: role grants, lists, lifting a hold."""


@dataclass(frozen=True, kw_only=True)
class Need:
    """One line of the list: what, how many there are, how many there should be, on which page it is done."""

    key: str
    have: int
    want: int
    page: str
    role: Role | None = None

    @property
    def is_met(self) -> bool:
        """Whether enough is there."""
        return self.have >= self.want


def needs(session: Session, actor: access.Actor) -> list[Need]:
    """Accounts by role, agreements in force, vehicles, escorts, the contact for complaints; counts only."""
    actor = access.require(session, actor, "admin.users")
    office_id = actor.office_id or ""
    office = session.get(Office, office_id)
    today = clock.now().date()
    in_force = session.exec(
        select(func.count())
        .select_from(AgreementConfirmation)
        .where(
            col(AgreementConfirmation.revoked_at).is_(None),
            AgreementConfirmation.valid_from <= today,
            AgreementConfirmation.valid_until >= today,
        )
    ).one()
    found = [
        Need(
            key="role",
            role=role,
            have=len(access.users_with_role(session, office_id, role)),
            want=want,
            page="administration",
        )
        for role, want in ROLES_NEEDED
    ]
    found.append(Need(key="agreement", have=in_force, want=1, page="ground"))
    for key, table in (("vehicle", Vehicle), ("escort", Escort)):
        have = session.exec(select(func.count()).select_from(table)).one()
        found.append(Need(key=key, have=have, want=1, page="offers"))
    found.append(
        Need(
            key="complaint",
            have=int(bool(office is not None and office.complaint_contact)),
            want=1,
            page="administration",
        )
    )
    return found
