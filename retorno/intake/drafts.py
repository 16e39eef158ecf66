"""Half-filled forms, saved field by field, and the search in one's own caseload."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import or_
from sqlmodel import Session, col, select

from retorno import clock
from retorno.errors import Fault, InputError
from retorno.models.office import Draft
from retorno.models.people import Case, Document, Person, TravelGroup
from retorno.office import access
from retorno.office.access import Actor
from retorno.text import clean_text, comparison_key
from retorno.vocabulary import Role

DRAFT_DAYS = 7
MAX_DRAFT_CHARS = 20_000
_SEARCH_LIMIT = 50


@dataclass(frozen=True, kw_only=True)
class DraftSummary:
    """One of the user's own half-filled forms, with what was typed so far."""

    draft_id: str
    saved_at: datetime
    values: Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class KeptField:
    """A field of a draft as it stands now; ``is_saved`` is false where another window changed it meanwhile."""

    is_saved: bool
    value: str | None


def save_draft_field(
    session: Session,
    actor: Actor,
    *,
    form: str,
    object_id: str = "",
    field: str,
    value: str,
    seen: str | None = None,
    is_checked: bool = False,
) -> KeptField:
    """Save one field of a half-filled form as it is left; an empty value is kept as empty, not forgotten.

    Drafts are the user's own: no other user reads them, and nothing of them is registered. Values are kept as they
    were typed; their hygiene is checked when the form is sent.

    Parameters
    ----------
    seen
        What the window last saw in this field; with ``is_checked`` nothing is overwritten if another window of the
        user has changed it since, and the answer holds the other value.

    Raises
    ------
    InputError
        If the draft grows beyond ``MAX_DRAFT_CHARS``.
    """
    actor = access.require(session, actor, "intake.draft")
    key = (actor.user_id, form, object_id)
    row = session.get(Draft, key, with_for_update=True, populate_existing=True)
    values = _fresh_values(row)
    there = values.get(field)
    if is_checked and there is not None and there not in (seen, value):
        return KeptField(is_saved=False, value=there)
    values[field] = value
    text = json.dumps(values, ensure_ascii=False, sort_keys=True)
    if len(text) > MAX_DRAFT_CHARS:
        what = f"the draft has {len(text)} characters, at most {MAX_DRAFT_CHARS} are kept"
        raise InputError([Fault(column=field, code="DRAFT", what=what)])
    row = row or Draft(user_id=actor.user_id, form=form, object_id=object_id, saved_at=clock.now())
    row.values, row.saved_at = text, clock.now()
    session.add(row)
    session.flush()
    return KeptField(is_saved=True, value=value)


def own_drafts(session: Session, actor: Actor, *, form: str) -> list[DraftSummary]:
    """The user's own drafts of a form of the last seven days, the latest first; drafts without a value are left out."""
    actor = access.require(session, actor, "intake.draft")
    rows = session.exec(
        select(Draft)
        .where(Draft.user_id == actor.user_id, Draft.form == form)
        .order_by(col(Draft.saved_at).desc(), Draft.object_id)
        .execution_options(populate_existing=True)
    ).all()
    fresh = [(row, _fresh_values(row)) for row in rows]
    return [
        DraftSummary(draft_id=row.object_id, saved_at=row.saved_at, values=values) for row, values in fresh if values
    ]


def load_draft(session: Session, actor: Actor, *, form: str, object_id: str = "") -> dict[str, str]:
    """The fields saved so far, for seven days after the last one; empty where there are none."""
    actor = access.require(session, actor, "intake.draft")
    return _fresh_values(session.get(Draft, (actor.user_id, form, object_id), populate_existing=True))


def drop_draft(session: Session, actor: Actor, *, form: str, object_id: str = "") -> None:
    """Forget a draft: the form was sent, or the user wants it gone."""
    actor = access.require(session, actor, "intake.draft")
    row = session.get(Draft, (actor.user_id, form, object_id))
    if row is not None:
        session.delete(row)
        session.flush()


def _fresh_values(row: Draft | None) -> dict[str, str]:
    if row is None or row.saved_at < clock.now() - timedelta(days=DRAFT_DAYS):
        return {}
    values: dict[str, str] = json.loads(row.values)
    return values


def search(session: Session, actor: Actor, *, text: str, limit: int = _SEARCH_LIMIT) -> list[Person]:
    """Persons of the actor's own caseload that match: reference, document number, or every word of a name.

    Words are compared without accents and across scripts, in any order; a word may be the beginning of a name. What
    is outside the caseload is not searched, so nothing about it can be learnt. The reading is logged by the page.

    Raises
    ------
    InputError
        If the text holds hidden characters.
    """
    actor = access.require(session, actor, "intake.read")
    wanted = clean_text(text, column="search", max_chars=200)
    words = comparison_key(wanted).split()
    if not wanted:
        return []
    by_number = select(Document.person_id).where(Document.number == wanted)
    case_groups = select(TravelGroup.group_id).where(
        col(TravelGroup.case_id).in_(select(Case.case_id).where(Case.reference == wanted.upper()))
    )
    matches = [
        col(Person.person_id) == wanted.upper(),
        col(Person.group_id) == wanted.upper(),
        col(Person.person_id).in_(by_number),
        col(Person.group_id).in_(case_groups),
    ]
    statement = select(Person).where(access.persons_of(actor, _reading_role(actor)))
    exact = session.exec(statement.where(or_(*matches)).order_by(Person.person_id).limit(limit)).all()
    if exact or not words:
        return list(exact)
    for word in words:
        # The key holds plain words of letters and digits, so a word needs no escaping in LIKE.
        statement = statement.where(
            or_(col(Person.search_key).startswith(word), col(Person.search_key).contains(f" {word}"))
        )
    return list(session.exec(statement.order_by(Person.search_key, Person.person_id).limit(limit)).all())


def _reading_role(actor: Actor) -> Role:
    return Role.COORDINATOR if actor.has(Role.COORDINATOR) else Role.PROTECTION
