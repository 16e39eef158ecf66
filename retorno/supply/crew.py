"""Drivers and escorts whom a coordinator registers: who drives, who travels along, until when their papers count."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from enum import StrEnum

from sqlmodel import Session, col, select

from retorno import clock
from retorno.errors import Fault, InputError, NotAllowed, Stale
from retorno.models.movements import Driver, Escort
from retorno.office import access, audit
from retorno.situation import ground
from retorno.text import clean_text, comparison_key
from retorno.vocabulary import Sex

MAX_TEXT = 80


class Duty(StrEnum):
    """What an escort travels along for."""

    CHILD_PROTECTION = "child_protection"
    MEDICAL = "medical"
    ACCOMPANIMENT = "accompaniment"


def drivers(session: Session, actor: access.Actor) -> Sequence[Driver]:
    """Drivers on record by operator and name."""
    access.require(session, actor, "planning.read")
    return session.exec(select(Driver).order_by(Driver.operator, Driver.name)).all()


def escorts(session: Session, actor: access.Actor) -> Sequence[Escort]:
    """Escorts on record by place and name, also those who are not available."""
    access.require(session, actor, "planning.read")
    return session.exec(select(Escort).order_by(Escort.base_place_id, Escort.name)).all()


def escort_names(session: Session, actor: access.Actor) -> dict[str, str]:
    """Escorts who are available by id, so that an administrator gives an account to the right one."""
    access.require(session, actor, "admin.users")
    rows = session.exec(select(Escort).where(col(Escort.is_available)).order_by(Escort.name)).all()
    return {row.escort_id: row.name for row in rows}


def add_driver(
    session: Session, actor: access.Actor, *, name: str, operator: str, licence_until: date | None, phone: str = ""
) -> Driver:
    """Register a driver.

    Raises
    ------
    InputError
        With everything that is missing, a licence that ran out, or a driver who is on record at that operator.
    """
    actor = access.require(session, actor, "planning.offer")
    texts, faults = _texts({"name": name, "operator": operator}, {"phone": phone})
    faults += _day_faults("licence_until", licence_until)
    if not faults:
        same = session.exec(select(Driver).where(Driver.operator == texts["operator"])).all()
        if any(comparison_key(row.name) == comparison_key(texts["name"]) for row in same):
            faults.append(Fault(column="name", code="ON_RECORD", what="a driver of this name is on record there"))
    if faults or licence_until is None:
        raise InputError(faults)
    row = Driver(name=texts["name"], operator=texts["operator"], phone=texts["phone"], licence_until=licence_until)
    session.add(row)
    session.flush()
    _log(session, actor, "driver", row.driver_id)
    return row


def renew_driver(session: Session, actor: access.Actor, *, driver_id: str, licence_until: date | None) -> Driver:
    """Record the licence that a driver shows now; today's date where the driver no longer drives for the office."""
    actor = access.require(session, actor, "planning.offer")
    row = session.get(Driver, driver_id, with_for_update=True)
    if row is None:
        raise NotAllowed
    faults = _day_faults("licence_until", licence_until)
    if faults or licence_until is None:
        raise InputError(faults)
    if row.licence_until != licence_until:
        row.licence_until = licence_until
        session.add(row)
        session.flush()
        _log(session, actor, "driver", driver_id)
    return row


def add_escort(
    session: Session,
    actor: access.Actor,
    *,
    name: str,
    sex: Sex | None,
    duty: Duty | None,
    base_place_id: str,
    approved_until: date | None,
    phone: str = "",
) -> Escort:
    """Register an escort; for an unaccompanied child protection approves each one by name besides (R12).

    Raises
    ------
    InputError
        With everything that is missing, an approval that ran out, or an escort who is on record at that place.
    """
    actor = access.require(session, actor, "planning.offer")
    texts, faults = _texts({"name": name}, {"phone": phone})
    if sex is None:
        faults.append(Fault(column="sex", code="EMPTY", what="expected one of the list"))
    if duty is None:
        faults.append(Fault(column="duty", code="EMPTY", what="expected one of the list"))
    if base_place_id not in ground().places:
        faults.append(Fault(column="base_place_id", code="EMPTY", what="expected a place of the list"))
    faults += _day_faults("approved_until", approved_until)
    if not faults:
        same = session.exec(select(Escort).where(Escort.base_place_id == base_place_id)).all()
        if any(comparison_key(row.name) == comparison_key(texts["name"]) for row in same):
            faults.append(Fault(column="name", code="ON_RECORD", what="an escort of this name is on record there"))
    if faults or sex is None or duty is None or approved_until is None:
        raise InputError(faults)
    row = Escort(
        name=texts["name"],
        sex=sex,
        duty=duty.value,
        base_place_id=base_place_id,
        phone=texts["phone"],
        approved_until=approved_until,
    )
    session.add(row)
    session.flush()
    _log(session, actor, "escort", row.escort_id)
    return row


def change_escort(
    session: Session,
    actor: access.Actor,
    *,
    escort_id: str,
    version: int,
    is_available: bool,
    approved_until: date | None,
) -> Escort:
    """Say whether an escort may be planned with, and until when; journeys that have the escort already do not change.

    Raises
    ------
    InputError
        If the escort is to be available and the day is missing or has passed.
    Stale
        If somebody changed the escort meanwhile.
    """
    actor = access.require(session, actor, "planning.offer")
    row = session.get(Escort, escort_id, with_for_update=True, populate_existing=True)
    if row is None:
        raise NotAllowed
    if row.version != version:
        raise Stale("the escort changed since it was read")
    if is_available:
        faults = _day_faults("approved_until", approved_until)
        if faults:
            raise InputError(faults)
    row.is_available = is_available
    row.approved_until = approved_until or row.approved_until
    row.version += 1
    session.add(row)
    session.flush()
    _log(session, actor, "escort", escort_id)
    return row


def _texts(needed: dict[str, str], optional: dict[str, str]) -> tuple[dict[str, str], list[Fault]]:
    texts: dict[str, str] = {}
    faults: list[Fault] = []
    for column, value in (needed | optional).items():
        try:
            texts[column] = clean_text(value, column=column, max_chars=MAX_TEXT).strip()
        except InputError as error:
            faults += error.faults
            continue
        if column in needed and not texts[column]:
            faults.append(Fault(column=column, code="EMPTY", what="empty, expected a text"))
    return texts, faults


def _day_faults(column: str, day: date | None) -> list[Fault]:
    if day is None:
        return [Fault(column=column, code="EMPTY", what="empty, expected a date")]
    if day < clock.now().date():
        return [Fault(column=column, code="PAST", what=f"{day} has passed, expected a day to come")]
    return []


def _log(session: Session, actor: access.Actor, kind: str, object_id: str) -> None:
    audit.append(session, actor, act="planning.crew", object_kind=kind, object_id=object_id)
