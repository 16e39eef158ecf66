"""Dated facts that an office lays over the shipped ground: hours of a post, and agreements that somebody confirmed.

Rows are never changed: a wrong one is taken back, and another is recorded. Closures are in ``changes``, because they
stop movements in the same transaction.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from typing import TypeVar

from sqlmodel import Session, col, select

from retorno import clock
from retorno.errors import Fault, InputError, NotAllowed
from retorno.models.movements import AgreementConfirmation, HoursSetting
from retorno.office import access, audit
from retorno.routes.cells import WEEKDAYS, clock_minute
from retorno.routes.rows import Hours
from retorno.situation import ground
from retorno.text import clean_text
from retorno.vocabulary import Profile

EXPIRES_SOON = timedelta(days=21)
MAX_NOTICE_HOURS = 240
MAX_TEXT = 200
WAYS = ("land", "air")
_Row = TypeVar("_Row", HoursSetting, AgreementConfirmation)


class Standing(StrEnum):
    """Where a dated row stands today."""

    CURRENT = "current"
    SOON = "soon"
    NOT_YET = "not_yet"
    EXPIRED = "expired"
    TAKEN_BACK = "taken_back"


def standing(valid_from: date, valid_until: date | None, *, is_revoked: bool, today: date) -> Standing:
    """Where a row stands; ``SOON`` is in force but ends within three weeks."""
    if is_revoked:
        return Standing.TAKEN_BACK
    if today < valid_from:
        return Standing.NOT_YET
    if valid_until is None:
        return Standing.CURRENT
    if valid_until < today:
        return Standing.EXPIRED
    return Standing.SOON if valid_until <= today + EXPIRES_SOON else Standing.CURRENT


# ---- hours of a post ------------------------------------------------------------------------------------------


def record_hours(
    session: Session,
    actor: access.Actor,
    *,
    post_id: str,
    source: str,
    valid_from: date,
    valid_until: date | None = None,
    weekdays: Sequence[str] = (),
    on_date: date | None = None,
    open_time: str = "",
    close_time: str = "",
    is_closed: bool = False,
    profiles: Sequence[Profile] = (),
    daily_heads: int | None = None,
) -> HoursSetting:
    """Say when a post works, on weekdays from a day on or on one date; it counts before the shipped hours.

    Parameters
    ----------
    source
        Who said so, or which notice; without it nobody can check the row.
    weekdays
        ``Mon`` to ``Sun``; empty for every day.
    on_date
        One date instead of weekdays.
    open_time, close_time
        ``HH:MM`` on the clock of the post; a close before the open is after midnight.
    is_closed
        The post does not work on these days; then no times are given.

    Raises
    ------
    InputError
        With everything that is missing or contradictory.
    """
    actor = access.require(session, actor, "admin.hours")
    faults: list[Fault] = []
    if post_id not in ground().posts:
        faults.append(Fault(column="post", code="EMPTY", what="no such post, expected one of the list"))
    faults += [
        Fault(column="weekdays", code="WEEKDAY", value=day, what=f'"{day}" is no weekday')
        for day in weekdays
        if day not in WEEKDAYS
    ]
    if on_date is not None and weekdays:
        faults.append(Fault(column="on_date", code="DATE_OR_WEEKDAYS", what="expected a date or weekdays, not both"))
    faults += _clock_faults(open_time, close_time, is_closed=is_closed)
    if valid_until is not None and valid_until < valid_from:
        faults.append(Fault(column="valid_until", code="ORDER", what=f"{valid_until} is before {valid_from}"))
    if daily_heads is not None and daily_heads < 1:
        faults.append(Fault(column="daily_heads", code="RANGE", what="expected 1 or more"))
    text = _text(source, "source", faults)
    if faults:
        raise InputError(faults)
    row = HoursSetting(
        post_id=post_id,
        weekdays=";".join(day for day in WEEKDAYS if day in weekdays),
        on_date=on_date,
        open_time="" if is_closed else open_time.strip(),
        close_time="" if is_closed else close_time.strip(),
        is_closed=is_closed,
        profiles=";".join(sorted(profile.value for profile in profiles)),
        daily_heads=daily_heads,
        valid_from=valid_from,
        valid_until=valid_until,
        source=text,
        recorded_by=actor.user_id,
        recorded_at=clock.now(),
    )
    session.add(row)
    session.flush()
    audit.append(
        session, actor, act="admin.hours", object_kind="hours", object_id=row.hours_id, ids={"post_id": post_id}
    )
    return row


def _clock_faults(open_time: str, close_time: str, *, is_closed: bool) -> list[Fault]:
    if is_closed:
        return []
    faults = []
    for name, text in (("open_time", open_time), ("close_time", close_time)):
        try:
            clock_minute(text.strip())
        except ValueError:
            faults.append(Fault(column=name, code="NO_CLOCK", value=text, what="expected a time such as 07:00"))
    if not faults and open_time.strip() == close_time.strip():
        faults.append(Fault(column="close_time", code="ORDER", what="opens and closes at the same time"))
    return faults


def _text(value: str, column: str, faults: list[Fault]) -> str:
    """A line of text that must not be empty; what is wrong with it goes to ``faults``."""
    try:
        text = clean_text(value, column=column, max_chars=MAX_TEXT).strip()
    except InputError as error:
        faults += error.faults
        return ""
    if not text:
        faults.append(Fault(column=column, code="EMPTY", what="empty, expected a text"))
    return text


def take_back_hours(session: Session, actor: access.Actor, *, hours_id: str) -> HoursSetting:
    """Take a row of hours out of the calendar; the row stays on record, and a second click changes nothing."""
    return _taken_back(session, actor, HoursSetting, hours_id, act="admin.hours", kind="hours")


def _taken_back(session: Session, actor: access.Actor, table: type[_Row], row_id: str, *, act: str, kind: str) -> _Row:
    """A dated row that no longer counts from now on."""
    actor = access.require(session, actor, act)
    row = session.get(table, row_id, with_for_update=True)
    if row is None:
        raise NotAllowed
    if row.revoked_at is None:
        row.revoked_at = clock.now()
        session.add(row)
        session.flush()
        audit.append(session, actor, act=act, object_kind=kind, object_id=row_id)
    return row


@dataclass(frozen=True, kw_only=True)
class HoursRow:
    """A row of the office with where it stands today."""

    row: HoursSetting
    standing: Standing


def hours(session: Session, actor: access.Actor) -> list[HoursRow]:
    """What the office recorded, by post, newest first."""
    access.require(session, actor, "admin.hours")
    today = clock.now().date()
    rows = session.exec(
        select(HoursSetting).order_by(HoursSetting.post_id, col(HoursSetting.valid_from).desc(), HoursSetting.hours_id)
    ).all()
    return [
        HoursRow(
            row=row,
            standing=standing(row.valid_from, row.valid_until, is_revoked=row.revoked_at is not None, today=today),
        )
        for row in rows
    ]


def shipped_hours(post_id: str) -> list[Hours]:
    """What the shipped data say of a post, to see what a row of the office would stand before."""
    return [row for row in ground().hours if row.target_id == post_id]


# ---- agreements -----------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class AgreementTerms:
    """What somebody confirmed: from where, to where, how, for whom, with which notice, until when.

    ``agreement_id`` names a row of data/agreements.csv or is empty; country codes are two letters.
    """

    agreement_id: str = ""
    ways: tuple[str, ...]
    from_country: str
    to_country: str
    transit_countries: tuple[str, ...] = ()
    crossings: tuple[str, ...] = ()
    weekdays: tuple[str, ...] = ()
    profiles: tuple[Profile, ...] = ()
    notice_hours: int | None
    daily_heads: int | None = None
    confirmed_with: str
    confirmed_by: str
    valid_from: date | None
    valid_until: date | None


def confirm_agreement(session: Session, actor: access.Actor, *, terms: AgreementTerms) -> AgreementConfirmation:
    """Record that somebody confirmed with an office of the other side that returns may take this way.

    Raises
    ------
    InputError
        With everything that is missing or contradictory.
    """
    actor = access.require(session, actor, "admin.agreement")
    faults = _term_faults(terms)
    confirmed_with = _text(terms.confirmed_with, "confirmed_with", faults)
    confirmed_by = _text(terms.confirmed_by, "confirmed_by", faults)
    if faults or terms.valid_from is None or terms.valid_until is None:
        raise InputError(faults)
    row = AgreementConfirmation(
        agreement_id=terms.agreement_id,
        mode=";".join(way for way in WAYS if way in terms.ways),
        from_country=terms.from_country,
        to_country=terms.to_country,
        transit_countries=";".join(terms.transit_countries),
        crossings=";".join(terms.crossings),
        weekdays=";".join(day for day in WEEKDAYS if day in terms.weekdays),
        profiles=";".join(sorted(profile.value for profile in terms.profiles)),
        notice_hours=terms.notice_hours or 0,
        daily_heads=terms.daily_heads,
        confirmed_with=confirmed_with,
        confirmed_by=confirmed_by,
        confirmed_at=clock.now(),
        valid_from=terms.valid_from,
        valid_until=terms.valid_until,
    )
    session.add(row)
    session.flush()
    audit.append(
        session, actor, act="admin.agreement", object_kind="agreement_confirmation", object_id=row.confirmation_id
    )
    return row


def _term_faults(terms: AgreementTerms) -> list[Fault]:
    facts = ground()
    faults: list[Fault] = []

    def fault(column: str, code: str, what: str) -> None:
        faults.append(Fault(column=column, code=code, what=what))

    if not terms.ways or set(terms.ways) - set(WAYS):
        fault("ways", "EMPTY", "expected land, air or both")
    for column, code in (("from_country", terms.from_country), ("to_country", terms.to_country)):
        if code not in facts.countries:
            fault(column, "EMPTY", "expected a country of the list")
    if terms.from_country and terms.from_country == terms.to_country:
        fault("to_country", "SAME_COUNTRY", "from and to are the same country")
    if set(terms.transit_countries) - set(facts.countries):
        fault("transit_countries", "UNKNOWN", "expected countries of the list")
    if set(terms.crossings) - set(facts.crossings):
        fault("crossings", "UNKNOWN", "expected crossings of the list")
    if terms.agreement_id and terms.agreement_id not in facts.agreements:
        fault("agreement_id", "UNKNOWN", "expected an agreement of the list, or none")
    if set(terms.weekdays) - set(WEEKDAYS):
        fault("weekdays", "WEEKDAY", "expected weekdays")
    if terms.notice_hours is None or not 0 <= terms.notice_hours <= MAX_NOTICE_HOURS:
        fault("notice_hours", "RANGE_HOURS", f"expected 0 to {MAX_NOTICE_HOURS} hours")
    if terms.daily_heads is not None and terms.daily_heads < 1:
        fault("daily_heads", "RANGE", "expected 1 or more")
    for column, day in (("valid_from", terms.valid_from), ("valid_until", terms.valid_until)):
        if day is None:
            fault(column, "EMPTY", "empty, expected a date")
    if terms.valid_from and terms.valid_until:
        if terms.valid_until < terms.valid_from:
            fault("valid_until", "ORDER", f"{terms.valid_until} is before {terms.valid_from}")
        elif terms.valid_until < clock.now().date():
            fault("valid_until", "PAST", f"{terms.valid_until} has passed, expected a day to come")
    return faults


def take_back_agreement(session: Session, actor: access.Actor, *, confirmation_id: str) -> AgreementConfirmation:
    """Say that a confirmation no longer holds: from now on nothing is planned on it. A second click changes nothing."""
    return _taken_back(
        session, actor, AgreementConfirmation, confirmation_id, act="admin.agreement", kind="agreement_confirmation"
    )


@dataclass(frozen=True, kw_only=True)
class AgreementRow:
    """A confirmation with where it stands today."""

    row: AgreementConfirmation
    standing: Standing


_ORDER = (Standing.SOON, Standing.EXPIRED, Standing.CURRENT, Standing.NOT_YET, Standing.TAKEN_BACK)


def agreements(session: Session, actor: access.Actor) -> list[AgreementRow]:
    """Every confirmation, those first that somebody has to look at: ending soon, then ended."""
    access.require(session, actor, "admin.agreement")
    today = clock.now().date()
    found = [
        AgreementRow(
            row=row,
            standing=standing(row.valid_from, row.valid_until, is_revoked=row.revoked_at is not None, today=today),
        )
        for row in session.exec(select(AgreementConfirmation)).all()
    ]
    return sorted(
        found,
        key=lambda each: (
            _ORDER.index(each.standing),
            each.row.from_country,
            each.row.to_country,
            each.row.valid_until,
            each.row.confirmation_id,
        ),
    )
