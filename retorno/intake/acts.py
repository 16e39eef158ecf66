"""Register a case with its travel group, correct a person, name caregivers, split a group."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlmodel import Session, col, select

from retorno import clock
from retorno.errors import Fault, InputError, NotAllowed
from retorno.intake.shared import (
    destination_faults,
    is_child_person,
    locked,
    office_of,
    person_faults,
    place_fault,
    read_form,
    search_key,
    touch_group,
    unaccompanied_faults,
)
from retorno.models.base import new_id
from retorno.models.movements import Seat
from retorno.models.people import (
    Case,
    CaseCreate,
    Consent,
    Person,
    PersonCreate,
    PersonUpdate,
    TravelGroup,
    TravelGroupCreate,
    TravelGroupUpdate,
)
from retorno.office import access, audit
from retorno.office.access import Actor
from retorno.vocabulary import ConsentPurpose, SeatStatus

_CLEARABLE = frozenset({"birth_date", "declared_age", "habitual_residence", "permit_valid_until", "onward_means"})


@dataclass(frozen=True, kw_only=True)
class NewPerson:
    """One person of a registration.

    Parameters
    ----------
    key
        Names the person inside this registration only, such as ``"1"``.
    caregiver_key
        Key of the member who cares for this person; empty for nobody.
    """

    person: PersonCreate
    key: str
    caregiver_key: str = ""


@dataclass(frozen=True, kw_only=True)
class Registered:
    """Ids of what was registered; ``person_ids`` in the order of the registration."""

    case_id: str
    group_id: str
    reference: str
    person_ids: tuple[str, ...]


def register_case(
    session: Session,
    actor: Actor,
    *,
    case: CaseCreate,
    group: TravelGroupCreate,
    persons: Sequence[NewPerson],
    form_id: str = "",
) -> Registered:
    """Register a case with one travel group and its members: all of it, or nothing.

    Parameters
    ----------
    form_id
        Names this filling of the form. The same one again (a second click, a repeat after a lost line) registers
        nobody twice and gives what was registered. Empty for none.

    Raises
    ------
    InputError
        With every fault of case, group and persons; ``row`` is the person, counted from 1.
    NotAllowed
        If the actor may not register.
    """
    actor = access.require(session, actor, "intake.register")
    office = office_of(session, actor)
    form_key = f"form:{actor.user_id}:{form_id}" if form_id else None
    before = _registered_before(session, form_key) if form_key else None
    if before is not None:
        return before
    faults = [
        *place_fault(case.place_id, office),
        *destination_faults(group.destination_country, group.destination_place_id),
        *group_faults(persons),
    ]
    if faults:
        raise InputError(faults)
    now = clock.now()
    case_id = new_id("C")
    new_case = Case.model_validate(
        case,
        update={
            "case_id": case_id,
            "reference": case_id[2:],
            "office_id": office.office_id,
            "opened_at": now,
            "opened_by": actor.user_id,
            "import_key": form_key,
        },
    )
    new_group = TravelGroup.model_validate(group, update={"case_id": case_id})
    session.add(new_case)
    session.add(new_group)
    session.flush()
    ids = {person.key: new_id("P") for person in persons}
    numbers = {new.key: number for number, new in enumerate(persons)}
    for new in _caregivers_first(persons):
        person_key = f"{form_key}:{numbers[new.key]:03d}" if form_key else None
        session.add(_person_row(new, ids, new_group.group_id, person_key))
        session.flush()
    audit.append(
        session,
        actor,
        act="intake.register",
        object_kind="case",
        object_id=case_id,
        ids={"group_id": new_group.group_id, "place_id": case.place_id},
    )
    for new in persons:
        _log_person(session, actor, "intake.register", ids[new.key], new.person.model_dump())
    return Registered(
        case_id=case_id,
        group_id=new_group.group_id,
        reference=new_case.reference,
        person_ids=tuple(ids[new.key] for new in persons),
    )


def _registered_before(session: Session, form_key: str) -> Registered | None:
    """What the same filling of the form has registered already."""
    case = session.exec(select(Case).where(Case.import_key == form_key)).first()
    if case is None:
        return None
    rows = session.exec(
        select(Person).where(col(Person.import_key).startswith(f"{form_key}:")).order_by(col(Person.import_key))
    ).all()
    return Registered(
        case_id=case.case_id,
        group_id=rows[0].group_id,
        reference=case.reference,
        person_ids=tuple(row.person_id for row in rows),
    )


def registered_before(session: Session, actor: Actor, *, form_id: str) -> Registered | None:
    """What this filling of the form has registered already; ``None`` if nothing."""
    actor = access.require(session, actor, "intake.register")
    return _registered_before(session, f"form:{actor.user_id}:{form_id}") if form_id else None


def _person_row(new: NewPerson, ids: Mapping[str, str], group_id: str, import_key: str | None) -> Person:
    return Person.model_validate(
        new.person,
        update={
            "person_id": ids[new.key],
            "group_id": group_id,
            "caregiver_id": ids[new.caregiver_key] if new.caregiver_key else None,
            "search_key": search_key(new.person),
            "import_key": import_key,
            "registered_at": clock.now(),
        },
    )


def group_faults(persons: Sequence[NewPerson]) -> list[Fault]:
    """Everything wrong with the members of one group."""
    if not persons:
        return [Fault(code="EMPTY", what="a travel group needs at least one person")]
    today = clock.now().date()
    faults: list[Fault] = []
    seen: dict[tuple[object, ...], int] = {}
    for number, new in enumerate(persons, start=1):
        faults += person_faults(new.person, today=today, row=number)
        who = (search_key(new.person), new.person.birth_date, new.person.declared_age, new.person.sex)
        if who in seen:
            what = f"the same person as person {seen[who]} of this group; register each person once"
            faults.append(Fault(row=number, column="given_names", code="TWICE", what=what))
        seen.setdefault(who, number)
    caregivers = {new.key: new.caregiver_key for new in persons}
    if len(caregivers) == len(persons):
        faults += unaccompanied_faults({new.key: new.person for new in persons}, caregivers, today=today)
    return faults + caregiver_faults(caregivers, [new.key for new in persons])


def caregiver_faults(caregivers: Mapping[str, str], order: Sequence[str]) -> list[Fault]:
    """What is wrong with who cares for whom: unknown people, oneself, a circle; ``row`` counts along ``order``."""
    faults: list[Fault] = []
    rows = {key: number for number, key in enumerate(order, start=1)}
    faults += [
        Fault(row=number, column="key", code="TWICE", what="another person of the group has the same key")
        for number, key in enumerate(order, start=1)
        if key in order[: number - 1]
    ]
    for key, caregiver in caregivers.items():
        if not caregiver:
            continue
        if caregiver not in caregivers:
            what = "the caregiver is not in this group"
        elif caregiver == key:
            what = "nobody is their own caregiver"
        elif _is_circle(key, caregivers):
            what = "the caregivers go round in a circle"
        else:
            continue
        faults.append(Fault(row=rows.get(key), column="caregiver", code="CAREGIVER", what=what))
    return faults


def _is_circle(start: str, caregivers: Mapping[str, str]) -> bool:
    seen: set[str] = set()
    current = caregivers.get(start, "")
    while current and current not in seen:
        if current == start:
            return True
        seen.add(current)
        current = caregivers.get(current, "")
    return False


def _caregivers_first(persons: Sequence[NewPerson]) -> list[NewPerson]:
    """The persons in an order in which every caregiver comes before those they care for."""
    done: list[NewPerson] = []
    keys: set[str] = set()
    left = list(persons)
    while left:
        ready = [new for new in left if not new.caregiver_key or new.caregiver_key in keys]
        done += ready
        keys |= {new.key for new in ready}
        left = [new for new in left if new.key not in keys]
    return done


def add_person(
    session: Session,
    actor: Actor,
    *,
    group_id: str,
    version: int,
    person: PersonCreate,
    caregiver_id: str | None = None,
) -> Person:
    """Add a person to a travel group; ``version`` is the group's, as it was read.

    Raises
    ------
    InputError, NotAllowed, Stale
    """
    actor = access.require(session, actor, "intake.update", group_id=group_id)
    group = locked(session, TravelGroup, group_id, version)
    faults = person_faults(person, today=clock.now().date())
    if caregiver_id is not None and not _is_member(session, caregiver_id, group_id):
        faults.append(Fault(column="caregiver", code="CAREGIVER", what="the caregiver is not in this group"))
    if faults:
        raise InputError(faults)
    row = Person.model_validate(
        person,
        update={
            "group_id": group_id,
            "caregiver_id": caregiver_id,
            "search_key": search_key(person),
            "registered_at": clock.now(),
        },
    )
    group.version += 1
    session.add(group)
    session.add(row)
    touch_group(session, group_id)
    _log_person(session, actor, "intake.add_person", row.person_id, person.model_dump())
    return row


def _is_member(session: Session, person_id: str, group_id: str) -> bool:
    person = session.get(Person, person_id)
    return person is not None and person.group_id == group_id


def update_person(session: Session, actor: Actor, *, person_id: str, version: int, changes: PersonUpdate) -> Person:
    """Correct a person. Fields that were not given stay; an empty one clears what may be empty.

    Raises
    ------
    InputError
        With every fault of the person as it would be.
    NotAllowed
        If the person is not in the actor's caseload.
    Stale
        If somebody changed the person since ``version`` was read; nothing is overwritten.
    """
    actor = access.require(session, actor, "intake.update", person_id=person_id)
    person = locked(session, Person, person_id, version)
    given = {
        name: value
        for name, value in changes.model_dump(exclude_unset=True).items()
        if value is not None or name in _CLEARABLE
    }
    before = {name: getattr(person, name) for name in PersonCreate.model_fields}
    corrected = read_form(PersonCreate, before | given)
    faults = person_faults(corrected, today=clock.now().date())
    if faults:
        raise InputError(faults)
    after = corrected.model_dump()
    changed = {name: value for name, value in after.items() if value != before[name]}
    if not changed:
        return person
    for name, value in changed.items():
        setattr(person, name, value)
    person.search_key = search_key(corrected)
    person.version += 1
    session.add(person)
    touch_group(session, person.group_id)
    _log_person(session, actor, "intake.update", person_id, changed)
    return person


def update_group(
    session: Session, actor: Actor, *, group_id: str, version: int, changes: TravelGroupUpdate
) -> TravelGroup:
    """Correct a travel group's destination or dates. Consents to another destination no longer count then (R1).

    Raises
    ------
    InputError, NotAllowed, Stale
        As for ``update_person``.
    """
    actor = access.require(session, actor, "intake.update", group_id=group_id)
    group = locked(session, TravelGroup, group_id, version)
    given = changes.model_dump(exclude_unset=True)
    before = {name: getattr(group, name) for name in TravelGroupCreate.model_fields}
    corrected = read_form(TravelGroupCreate, before | given)
    faults = destination_faults(corrected.destination_country, corrected.destination_place_id)
    if faults:
        raise InputError(faults)
    changed = {name: value for name, value in corrected.model_dump().items() if value != before[name]}
    if not changed:
        return group
    for name, value in changed.items():
        setattr(group, name, value)
    group.version += 1
    session.add(group)
    touch_group(session, group_id)
    audit.append(
        session,
        actor,
        act="intake.update_group",
        object_kind="travel_group",
        object_id=group_id,
        ids={"changed": ",".join(sorted(changed))},
    )
    return group


def set_caregiver(session: Session, actor: Actor, *, person_id: str, version: int, caregiver_id: str | None) -> Person:
    """Name the member of the same group who cares for a person, or nobody (R11).

    Raises
    ------
    InputError
        If the caregiver is not in the group, is the person, or would close a circle.
    NotAllowed, Stale
    """
    actor = access.require(session, actor, "intake.update", person_id=person_id)
    person = locked(session, Person, person_id, version)
    rows = session.exec(select(Person).where(Person.group_id == person.group_id).order_by(Person.person_id)).all()
    caregivers = {row.person_id: row.caregiver_id or "" for row in rows}
    faults = caregiver_faults(caregivers | {person_id: caregiver_id or ""}, [person_id])
    own = [fault for fault in faults if fault.row is not None]
    if own:
        raise InputError(own)
    person.caregiver_id = caregiver_id
    person.version += 1
    session.add(person)
    touch_group(session, person.group_id)
    audit.append(
        session,
        actor,
        act="intake.caregiver",
        object_kind="person",
        object_id=person_id,
        ids={"caregiver_id": caregiver_id or ""},
    )
    return person


def split_group(
    session: Session, actor: Actor, *, group_id: str, version: int, person_ids: Sequence[str]
) -> TravelGroup:
    """Move members into a travel group of their own, in the same case and to the same destination.

    Splitting allows nobody to travel by itself: R10 asks for each child's best-interest decision before either part
    is ready, R11 for every caregiver.

    Raises
    ------
    InputError
        If nobody or everybody would move, if the written request of an adult of the group is missing (I4), or if the
        group has seats.
    NotAllowed, Stale
    """
    actor = access.require(session, actor, "intake.update", group_id=group_id)
    group = locked(session, TravelGroup, group_id, version)
    members = session.exec(
        select(Person).where(Person.group_id == group_id).order_by(Person.person_id).with_for_update()
    ).all()
    moving = [person for person in members if person.person_id in set(person_ids)]
    if len(moving) != len(set(person_ids)):
        raise NotAllowed
    if not moving or len(moving) == len(members):
        what = f"{len(moving)} of {len(members)} members would move; expected some of them, not all"
        raise InputError([Fault(column="person_ids", code="SPLIT", what=what)])
    faults = _split_faults(session, group_id, members)
    if faults:
        raise InputError(faults)
    part = TravelGroup.model_validate(
        TravelGroupCreate.model_validate(group.model_dump()),
        update={"case_id": group.case_id, "split_from_group_id": group.split_from_group_id or group_id},
    )
    session.add(part)
    session.flush()
    for person in moving:
        person.group_id = part.group_id
        person.version += 1
        session.add(person)
    group.version += 1
    session.add(group)
    touch_group(session, group_id)
    audit.append(
        session,
        actor,
        act="intake.split",
        object_kind="travel_group",
        object_id=group_id,
        ids={"new_group_id": part.group_id, "person_ids": ";".join(person.person_id for person in moving)},
    )
    return part


def _split_faults(session: Session, group_id: str, members: Sequence[Person]) -> list[Fault]:
    """What keeps a group together: an adult who has not asked for the split in writing, seats on a movement."""
    asked = session.exec(
        select(Consent.person_id).where(
            col(Consent.person_id).in_([person.person_id for person in members]),
            Consent.purpose == ConsentPurpose.GROUP_SPLIT,
            col(Consent.is_own_act),
            col(Consent.withdrawn_at).is_(None),
        )
    ).all()
    today = clock.now().date()
    missing = [
        person for person in members if not is_child_person(person, today=today) and person.person_id not in set(asked)
    ]
    faults = []
    if missing:
        what = f"{len(missing)} adults of the group have not asked for the split in writing; record their requests"
        faults.append(Fault(column="person_ids", code="SPLIT_REQUEST", what=what))
    seats = select(Seat.seat_id).where(Seat.group_id == group_id, Seat.status == SeatStatus.ACTIVE)
    if session.exec(seats).first() is not None:
        what = "the group has seats; take it off its movement first"
        faults.append(Fault(column="person_ids", code="SPLIT_SEATED", what=what))
    return faults


def persons_of_case(session: Session, actor: Actor, *, case_id: str) -> list[Person]:
    """The members of a case, registered first first; the reading is logged by the page that shows them."""
    access.require(session, actor, "intake.read", case_id=case_id)
    groups = select(TravelGroup.group_id).where(TravelGroup.case_id == case_id)
    return list(
        session.exec(
            select(Person)
            .where(col(Person.group_id).in_(groups))
            .order_by(Person.group_id, col(Person.registered_at), col(Person.import_key), Person.person_id)
        ).all()
    )


def _log_person(session: Session, actor: Actor, act: str, person_id: str, values: Mapping[str, Any]) -> None:
    audit.append(
        session,
        actor,
        act=act,
        object_kind="person",
        object_id=person_id,
        subject_id=person_id,
        values=values,
    )
