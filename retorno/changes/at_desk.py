"""Somebody at the desk is afraid to return before anybody is registered: protection is called now, nothing is lost.

The draft of the family says nothing about it, so that no page of a coordinator can. What is kept is the notice to the
protection officers: it names the desk and the place on the draft, never a person or a cause. When the family is
registered, the hold is raised in the same transaction.
"""

from __future__ import annotations

import json

from sqlmodel import Session, select

from retorno import intake
from retorno.changes import raise_hold
from retorno.errors import NotAllowed
from retorno.intake import registration
from retorno.intake.acts import registered_before
from retorno.models.office import Notice, User
from retorno.office import access, audit, notices
from retorno.office.access import Actor
from retorno.vocabulary import HoldKind, Role

CALLED = "protection.desk"
"""Code of the notice."""


def call_protection(session: Session, actor: Actor, *, draft_id: str, key: str) -> None:
    """Tell every protection officer of the office that somebody at this desk waits for them; twice is once.

    Parameters
    ----------
    key
        The person's key on the draft.

    Raises
    ------
    NotAllowed
        If the actor registers nobody in this office, or the draft is not theirs.
    """
    actor = access.require(session, actor, "intake.call")
    values = _own_values(session, actor, draft_id)
    if actor.office_id is None or key not in registration.person_keys(values):
        raise NotAllowed
    for user_id in access.users_with_role(session, actor.office_id, Role.PROTECTION):
        notices.post(
            session,
            recipient_kind="user",
            recipient_id=user_id,
            code=CALLED,
            object_id=_place(session, actor, draft_id, key),
        )
    audit.append(session, actor, act="intake.call", object_kind="draft", object_id=draft_id, outcome="done")


def register_draft(session: Session, actor: Actor, *, draft_id: str) -> intake.Registered:
    """As ``intake.register_draft``; whoever was afraid at the desk is registered with the return stopped."""
    actor = access.require(session, actor, "intake.register")
    before = registered_before(session, actor, form_id=draft_id)
    if before is not None:
        return before
    keys = registration.person_keys(_own_values(session, actor, draft_id))
    registered = intake.register_draft(session, actor, draft_id=draft_id)
    for key, person_id in zip(keys, registered.person_ids, strict=True):
        called = session.exec(
            select(Notice.notice_id).where(
                Notice.code == CALLED, Notice.object_id == _place(session, actor, draft_id, key)
            )
        ).first()
        if called is not None:
            raise_hold(session, actor, person_id=person_id, kind=HoldKind.FEAR)
    return registered


def _own_values(session: Session, actor: Actor, draft_id: str) -> dict[str, object]:
    saved = intake.load_draft(session, actor, form=registration.FORM, object_id=draft_id)
    return {field: json.loads(value) for field, value in saved.items()}


def _place(session: Session, actor: Actor, draft_id: str, key: str) -> str:
    """Where somebody waits: whose desk, then which draft and which person on it."""
    return notices.SEPARATOR.join([session.get_one(User, actor.user_id).login, draft_id, key])
