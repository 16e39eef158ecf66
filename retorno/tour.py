"""The five-minute tour of a demonstration office: which of its steps were really done, as the log says."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from sqlmodel import Session, col, func, select

from retorno.errors import NotAllowed
from retorno.models.office import AuditEntry, Office, User
from retorno.office.access import Actor


@dataclass(frozen=True, kw_only=True)
class Step:
    """One step of the tour.

    Parameters
    ----------
    key
        Names its words.
    page
        Where it is done.
    login
        Account of the demonstration that does it.
    acts
        Beginnings of the acts in the log, all of which have to be there.
    """

    key: str
    page: str
    login: str
    acts: tuple[str, ...]


STEPS: Final = (
    Step(key="register", page="intake", login="coordinacion.1", acts=("intake.register",)),
    Step(key="why_not", page="readiness", login="coordinacion.1", acts=("readiness.read",)),
    Step(key="plan", page="plan", login="coordinacion.1", acts=("planning.start",)),
    Step(key="compare", page="plan", login="coordinacion.1", acts=("planning.accept",)),
    Step(key="publish", page="manifest", login="coordinacion.2", acts=("manifest.sign",)),
    Step(key="check", page="manifest", login="coordinacion.2", acts=("file.manifest",)),
    Step(key="withdraw", page="intake", login="coordinacion.1", acts=("changes.withdraw",)),
)
"""Register, why not, plan, compare, publish, check, withdraw: screens.md section 8."""


@dataclass(frozen=True, kw_only=True)
class Progress:
    """A step, and whether somebody of this office has done it since the first sign-in."""

    step: Step
    is_done: bool


def progress(session: Session, actor: Actor) -> list[Progress]:
    """Every step with its tick. What was set up before anybody signed in does not count.

    Raises
    ------
    NotAllowed
        If this is no demonstration office: the log of a real one is read by auditors only.
    """
    if not is_demo(session):
        raise NotAllowed
    opened = session.exec(select(func.min(AuditEntry.sequence)).where(AuditEntry.act == "session.open")).one()
    statement = select(AuditEntry.act).where(
        col(AuditEntry.sequence) > (opened or 0),
        col(AuditEntry.outcome) != "refused",
        col(AuditEntry.actor_id).in_(select(User.user_id).where(User.office_id == actor.office_id)),
    )
    done = set(session.exec(statement.distinct()).all())
    return [
        Progress(step=step, is_done=all(any(act.startswith(wanted) for act in done) for wanted in step.acts))
        for step in STEPS
    ]


def is_demo(session: Session) -> bool:
    """Whether the office is a demonstration."""
    return session.exec(select(Office.office_id).where(col(Office.is_demo).is_(True)).limit(1)).first() is not None
