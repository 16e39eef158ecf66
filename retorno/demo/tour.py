"""The ten-minute tour of a demonstration office: which of its steps were really done, as the log says."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from sqlalchemy import ColumnElement
from sqlmodel import Session, col, func, select

from retorno.errors import NotAllowed
from retorno.models.movements import ManifestCopy
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
        Acts in the log, all of which have to be there.
    about
        What the acts are about, where the same act is done to other things too; empty for anything.
    """

    key: str
    page: str
    login: str
    acts: tuple[str, ...]
    about: str = ""


STEPS: Final = (
    Step(key="register", page="intake", login="coordinacion.1", acts=("intake.register",)),
    Step(key="why_not", page="readiness", login="coordinacion.1", acts=("readiness.read",)),
    Step(key="plan", page="plan", login="coordinacion.1", acts=("planning.start",)),
    Step(key="compare", page="plan", login="coordinacion.1", acts=("planning.try_change", "planning.accept")),
    Step(key="publish", page="manifest", login="coordinacion.2", acts=("manifest.sign",)),
    Step(key="check", page="manifest", login="coordinacion.2", acts=("manifest.read",), about="manifest_copy"),
    Step(key="withdraw", page="intake", login="coordinacion.2", acts=("changes.withdraw",)),
)
"""Register, why not, plan, compare, publish, check, withdraw: screens.md section 8."""


@dataclass(frozen=True, kw_only=True)
class Progress:
    """A step, and whether somebody of this office has done it since the first sign-in."""

    step: Step
    is_done: bool


def login_of(session: Session, actor: Actor) -> str:
    """The account that looks at the tour."""
    return session.get_one(User, actor.user_id).login


def progress(session: Session, actor: Actor) -> list[Progress]:
    """Every step with its tick. What was set up before anybody signed in does not count.

    Raises
    ------
    NotAllowed
        If this is no demonstration office: the log of a real one is read by auditors only.
    """
    statement = select(AuditEntry.act, AuditEntry.object_kind).where(*_of_the_tour(session, actor))
    done = set(session.exec(statement.distinct()).all())
    return [Progress(step=step, is_done=all(_is_in(done, act, step.about) for act in step.acts)) for step in STEPS]


def _is_in(done: set[tuple[str, str]], act: str, about: str) -> bool:
    return any(act == done_act and about in ("", kind) for done_act, kind in done)


def printed_code(session: Session, actor: Actor) -> str:
    """The text of the QR code of the list printed last, empty before one is: for whoever has no reader at hand.

    Raises
    ------
    NotAllowed
        As ``progress``.
    """
    printed = session.exec(
        select(AuditEntry.object_id)
        .where(*_of_the_tour(session, actor), AuditEntry.object_kind == "manifest_copy")
        .order_by(col(AuditEntry.sequence).desc())
        .limit(1)
    ).first()
    return "" if printed is None else session.get_one(ManifestCopy, printed).signature


def _of_the_tour(session: Session, actor: Actor) -> tuple[ColumnElement[bool], ...]:
    """Which entries of the log count: done by this office since the first sign-in."""
    if not is_demo(session):
        raise NotAllowed
    opened = session.exec(select(func.min(AuditEntry.sequence)).where(AuditEntry.act == "session.open")).one()
    return (
        col(AuditEntry.sequence) > (opened or 0),
        col(AuditEntry.outcome) != "refused",
        col(AuditEntry.actor_id).in_(select(User.user_id).where(User.office_id == actor.office_id)),
    )


def is_demo(session: Session) -> bool:
    """Whether the office is a demonstration."""
    return session.exec(select(Office.office_id).where(col(Office.is_demo).is_(True)).limit(1)).first() is not None
