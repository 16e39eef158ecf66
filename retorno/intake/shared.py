"""What every act of intake does: read a form with all its faults, lock a row at the version seen, mark a change."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from functools import cache
from typing import Any, TypeVar

from babel import Locale
from pydantic import BaseModel, ValidationError
from sqlalchemy import update
from sqlmodel import Session, SQLModel, col, select

from retorno import clock
from retorno.errors import Fault, InputError, NotAllowed, Stale
from retorno.models.office import Office
from retorno.models.people import Person, PersonBase, TravelGroup
from retorno.office.access import Actor
from retorno.situation import ground
from retorno.text import comparison_key

ADULT_AGE = 18
"""Age of majority for what a form asks; the rules take theirs from the policy."""

Model = TypeVar("Model", bound=BaseModel)
Table = TypeVar("Table", bound=SQLModel)


def read_form(model: type[Model], values: Mapping[str, Any], *, row: int | None = None) -> Model:
    """The validated input of a form.

    Raises
    ------
    InputError
        With every fault at once; ``column`` is the field, ``row`` the person on the form.
    """
    try:
        return model.model_validate(dict(values))
    except ValidationError as error:
        raise InputError([fault_of(problem, row=row) for problem in error.errors()]) from error


_COLUMN_OF_CODE = {"NO_AGE": "birth_date", "BORN_LATER": "birth_date", "ORDER": "latest_date"}
"""Where a fault of the whole form is shown."""


def fault_of(problem: Mapping[str, Any], *, row: int | None = None) -> Fault:
    """A problem that pydantic found, in our words; the value itself is not repeated, it may be a name."""
    code = str(problem["type"]).upper()
    where = ".".join(str(part) for part in problem["loc"]) or _COLUMN_OF_CODE.get(code, "")
    what = str(problem["msg"]).removeprefix("Value error, ")
    cause = problem.get("ctx", {}).get("error")
    if isinstance(cause, InputError):
        code, what = cause.faults[0].code, "; ".join(fault.what for fault in cause.faults)
    if code == "MISSING":
        what = "empty, expected a value"
    return Fault(row=row, column=where, code=code, what=what)


def locked(session: Session, table: type[Table], row_id: str, version: int) -> Table:
    """The row, locked until the end of the transaction, if it still has the version that was seen.

    Raises
    ------
    NotAllowed
        If there is none.
    Stale
        If somebody changed it meanwhile (I13): show both, let a person choose.
    """
    row = session.get(table, row_id, with_for_update=True, populate_existing=True)
    if row is None:
        raise NotAllowed
    if row.version != version:  # type: ignore[attr-defined]
        raise Stale(f"{row_id} changed since it was read: version {row.version}, not {version}")  # type: ignore[attr-defined]
    return row


def touch_group(session: Session, group_id: str) -> None:
    """Count one more fact that touches who of the group may travel; a plan made before is stale then (I3)."""
    session.flush()
    session.execute(
        update(TravelGroup)
        .where(col(TravelGroup.group_id) == group_id)
        .values(availability=TravelGroup.availability + 1)
        .execution_options(synchronize_session="fetch")
    )


def touch_person(session: Session, person_id: str) -> None:
    """As ``touch_group``, for the group of a person."""
    group_id = session.exec(select(Person.group_id).where(Person.person_id == person_id)).one()
    touch_group(session, group_id)


def search_key(person: PersonBase) -> str:
    """What the duplicate search compares: the full name, Latin, sorted."""
    return comparison_key(f"{person.given_names} {person.family_names}")


def office_of(session: Session, actor: Actor) -> Office:
    """The office in whose caseload the actor registers."""
    office = session.get(Office, actor.office_id or "")
    if office is None:
        raise NotAllowed
    return office


def place_fault(place_id: str, office: Office, *, row: int | None = None) -> list[Fault]:
    """What is wrong with a place where people are now: unknown, or not in this office's care."""
    if place_id not in office.places.split(";"):
        what = "not a place of this office; expected one of its places"
        return [Fault(row=row, column="place_id", value=place_id, code="PLACE", what=what)]
    return []


def destination_faults(country: str, place_id: str, *, row: int | None = None) -> list[Fault]:
    """What is wrong with a destination: a place we do not know, or in another country."""
    known = ground().places.get(place_id) or ground().airports.get(place_id)
    if known is None:
        what = "unknown place; expected a place or airport of the reference data"
        return [Fault(row=row, column="destination_place_id", value=place_id, code="PLACE", what=what)]
    if known.country != country:
        what = f"lies in {known.country}, the destination is {country}"
        return [Fault(row=row, column="destination_place_id", value=place_id, code="COUNTRY", what=what)]
    return []


@cache
def _country_codes() -> frozenset[str]:
    return frozenset(code for code in map(str, Locale("en").territories) if len(code) == 2 and code.isalpha())


def country_faults(form: BaseModel, fields: Sequence[str], *, row: int | None = None) -> list[Fault]:
    """The fields of a form that hold a code no country has."""
    return [
        Fault(
            row=row,
            column=name,
            value=code,
            code="COUNTRY_UNKNOWN",
            what=f'"{code}" is no country, expected one such as HN',
        )
        for name in fields
        if (code := getattr(form, name)) is not None and code not in _country_codes()
    ]


def person_faults(person: PersonBase, *, today: date, age_of_majority: int = 18, row: int | None = None) -> list[Fault]:
    """What cannot be true of a person today: dates to come, an adult recorded as an unaccompanied child."""
    faults = [
        Fault(row=row, column=name, code="FUTURE", what=f"{day} lies in the future")
        for name, day in (("birth_date", person.birth_date), ("stranded_since", person.stranded_since))
        if day is not None and day > today
    ]
    faults += country_faults(person, ("nationality", "habitual_residence"), row=row)
    if person.birth_date is not None and person.birth_date.year < today.year - 120:
        what = f"{person.birth_date} is more than 120 years ago"
        faults.append(Fault(row=row, column="birth_date", code="DATE", what=what))
    if person.stranded_since.year < today.year - 20:
        what = f"{person.stranded_since} is more than 20 years ago"
        faults.append(Fault(row=row, column="stranded_since", code="DATE", what=what))
    if person.is_unaccompanied and not person.is_age_in_doubt and not faults:
        age = clock.age_on(person.birth_date, today) if person.birth_date else person.declared_age or 0
        if age >= age_of_majority:
            what = f"an unaccompanied child of {age} years; correct the age, or mark it as in doubt"
            faults.append(Fault(row=row, column="is_unaccompanied", code="AGE", what=what))
    return faults


def unaccompanied_faults(
    persons: Mapping[str, PersonBase], caregivers: Mapping[str, str], *, today: date, age_of_majority: int = 18
) -> list[Fault]:
    """Children recorded as unaccompanied although an adult of their own group cares for them; ``row`` from 1."""
    what = "marked as unaccompanied, but an adult of the group is named as caregiver; correct one of the two"
    faults = []
    for number, (key, person) in enumerate(persons.items(), start=1):
        caregiver = persons.get(caregivers.get(key, ""))
        if not person.is_unaccompanied or caregiver is None or caregiver.is_age_in_doubt:
            continue
        born = caregiver.birth_date
        age = clock.age_on(born, today) if born is not None and born <= today else caregiver.declared_age or 0
        if age >= age_of_majority:
            faults.append(Fault(row=number, column="is_unaccompanied", code="UNACCOMPANIED", what=what))
    return faults


def is_child_person(person: PersonBase, *, today: date) -> bool:
    """Whether somebody counts as a child today; age in doubt means child (R15)."""
    if person.is_age_in_doubt:
        return True
    born = person.birth_date
    age = clock.age_on(born, today) if born is not None and born <= today else person.declared_age or 0
    return age < ADULT_AGE
