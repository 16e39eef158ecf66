"""What a border post, a reception point or an escort reads and does: what comes, the list in force, who is here.

Everything stands on the recipient's own copy of the list; people are named by that copy's references, never by id.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from enum import StrEnum

from sqlmodel import Session, col, select

from retorno import clock, manifest
from retorno.confirmations.confirmation import Party
from retorno.errors import Fault, InputError, NotAllowed, Stale
from retorno.manifest.copies import persons_by_reference
from retorno.models.movements import (
    Arrival,
    Handover,
    Incident,
    Movement,
    MovementCrossing,
    MovementSegment,
)
from retorno.models.people import Person
from retorno.office import access
from retorno.situation import Situation, situation
from retorno.text import clean_text
from retorno.under_way import arrival
from retorno.vocabulary import (
    ArrivalOutcome,
    IncidentCode,
    Need,
    PartyKind,
)

SOON = timedelta(hours=48)
AT_THE_BORDER = frozenset({Need.WHEELCHAIR.value, "accompanied_minor"})
"""Needs that change how a person crosses; a post's screen shows no others (access.md section 1)."""
AGE_BANDS = ((0, 4), (5, 11), (12, 17), (18, 59), (60, 200))
"""Completed years; the first three are those of the escort ratios (R13)."""
FUTURE_ALLOWED = timedelta(minutes=10)
"""How far a clock at a post may be ahead of ours (our assumption)."""
_BETWEEN_NUMBERS = re.compile(r"[\s,;.]+|\b(?:y|e|and|et)\b")


class Section(StrEnum):
    """Where a movement stands in the list of what comes."""

    TO_DO = "to_do"
    SOON = "soon"
    LATER = "later"
    DONE = "done"


# ---- what comes ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Delay:
    """The newest word that a vehicle is late: how many minutes if known, said when."""

    minutes: int | None
    at: datetime


@dataclass(frozen=True, kw_only=True)
class Arriving:
    """One movement on the list of what comes; ``number`` and ``supersedes`` are those of the own copy."""

    movement_id: str
    party: Party
    section: Section
    expected_at: datetime
    place_id: str
    label: str
    reference: str
    number: int | None
    supersedes: int | None
    person_count: int
    is_void: bool
    is_acknowledged: bool
    delay: Delay | None


def arriving(session: Session, actor: access.Actor) -> list[Arriving]:
    """What comes to a post, a reception point or an escort, by the time at which it is there."""
    rows = []
    for found in manifest.incoming(session, actor):
        movement, party = found.movement, found.party
        expected_at, place_id = meeting(session, movement, party)
        is_signed = session.get(Handover, (movement.movement_id, party.party_id)) is not None
        rows.append(
            Arriving(
                movement_id=movement.movement_id,
                party=party,
                section=_section(found, expected_at, is_signed=is_signed),
                expected_at=expected_at,
                place_id=place_id,
                label=movement.label,
                reference=movement.reference,
                number=found.copy.number if found.copy else None,
                supersedes=found.copy.supersedes if found.copy else None,
                person_count=found.person_count,
                is_void=found.is_void,
                is_acknowledged=found.is_acknowledged,
                delay=delay_of(session, movement.movement_id),
            )
        )
    return sorted(rows, key=lambda row: (row.expected_at, row.label, row.reference))


def _section(found: manifest.Incoming, expected_at: datetime, *, is_signed: bool) -> Section:
    if is_signed:
        return Section.DONE
    if found.is_void or not found.is_acknowledged:
        return Section.TO_DO
    return Section.SOON if expected_at <= clock.now() + SOON else Section.LATER


def meeting(session: Session, movement: Movement, party: Party) -> tuple[datetime, str]:
    """When the movement is expected at this party's place, and that place; otherwise when and where it starts."""
    if party.kind is PartyKind.BORDER_POST:
        for crossing in session.exec(
            select(MovementCrossing).where(MovementCrossing.movement_id == movement.movement_id)
        ).all():
            if party.party_id in (crossing.leave_post_id, crossing.enter_post_id):
                return crossing.at, party.party_id
    if party.kind is PartyKind.RECEPTION:
        for ride in session.exec(
            select(MovementSegment).where(MovementSegment.movement_id == movement.movement_id)
        ).all():
            if ride.to_place_id == party.party_id:
                return ride.arrive_at, party.party_id
    return movement.depart_at, session.get_one(MovementSegment, (movement.movement_id, 0)).from_place_id


def delay_of(session: Session, movement_id: str) -> Delay | None:
    """The newest delay that somebody on the way recorded."""
    row = session.exec(
        select(Incident)
        .where(Incident.movement_id == movement_id, Incident.code == IncidentCode.DELAY)
        .order_by(col(Incident.at).desc())
    ).first()
    return Delay(minutes=row.minutes, at=row.at) if row else None


# ---- one list -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Listed:
    """One row of the own copy as a screen may show it, with the latest tick.

    Parameters
    ----------
    document_type, document_end
        Kind and last four signs; the whole number stands on paper only.
    needs
        Codes; at a border post only those that change how a person crosses.
    age_band
        ``0-4`` to ``60+``, for escorts only.
    tick
        What was ticked at the own place.
    is_further, was_absent
        Ticked further on the way already; ticked "not travelling" at a place before.
    """

    number: int
    reference: str
    name: str
    latin_name: str = ""
    birth_date: date | None = None
    document_type: str = ""
    document_end: str = ""
    group: str = ""
    needs: tuple[str, ...] = ()
    onward: str = ""
    age_band: str = ""
    tick: ArrivalOutcome | None = None
    is_further: bool = False
    was_absent: bool = False


@dataclass(frozen=True, kw_only=True)
class HeadCounts:
    """To compare with the vehicle: everybody on the list, how many of them children, how many in a wheelchair."""

    people: int
    children: int
    wheelchairs: int


@dataclass(frozen=True, kw_only=True)
class Sheet:
    """One movement as its recipient works with it; without rows where the list is void."""

    movement: Movement
    party: Party
    expected_at: datetime
    place_id: str
    where: Situation
    number: int | None
    supersedes: int | None
    version: int
    is_void: bool
    is_acknowledged: bool
    can_tick: bool
    rows: tuple[Listed, ...] = ()
    counts: HeadCounts = HeadCounts(people=0, children=0, wheelchairs=0)
    handover: Handover | None = None
    delay: Delay | None = None
    crew: tuple[tuple[str, str, str], ...] = ()
    contacts: tuple[tuple[str, str], ...] = ()

    def ticked(self, outcome: ArrivalOutcome | None) -> list[Listed]:
        """Rows with this tick; ``None`` gives those that nobody has accounted for yet."""
        return [row for row in self.rows if row.tick is outcome and not row.is_further]


def sheet(session: Session, actor: access.Actor, *, movement_id: str, party: Party) -> Sheet:
    """The list in force of one recipient; ``NotAllowed`` outside its window or for somebody else's."""
    found = found_for(session, actor, movement_id, party)
    movement = found.movement
    expected_at, place_id = meeting(session, movement, party)
    in_force = manifest.current_version(session, movement_id)
    made = Sheet(
        movement=movement,
        party=party,
        expected_at=expected_at,
        place_id=place_id,
        where=situation(session),
        number=found.copy.number if found.copy else None,
        supersedes=found.copy.supersedes if found.copy else None,
        version=in_force.version if in_force else 0,
        is_void=True,
        is_acknowledged=found.is_acknowledged,
        can_tick=False,
        handover=session.get(Handover, (movement_id, party.party_id)),
        delay=delay_of(session, movement_id),
        contacts=_contacts(found.copy.canonical) if found.copy else (),
    )
    try:
        content = json.loads(manifest.copy_for(session, actor, movement_id=movement_id, party=party).canonical)
    except Stale:
        return made
    rows = _rows(session, actor, movement, party, content["rows"])
    counts = content["counts"]
    is_ticking = party.kind is not PartyKind.ESCORT and made.handover is None
    return replace(
        made,
        is_void=False,
        can_tick=is_ticking and movement.status in arrival.ON_THE_WAY,
        rows=rows,
        counts=HeadCounts(
            people=len(rows),
            children=counts["accompanied_children"] + counts["unaccompanied_children"],
            wheelchairs=sum(Need.WHEELCHAIR.value in row.needs for row in rows),
        ),
        crew=tuple((each["role"], each["name"], each["phone"]) for each in content["crew"]),
    )


def found_for(session: Session, actor: access.Actor, movement_id: str, party: Party) -> manifest.Incoming:
    """What a recipient sees of one movement; ``NotAllowed`` outside its window or for somebody else's."""
    for found in manifest.incoming(session, actor):
        if found.movement.movement_id == movement_id and found.party == party:
            return found
    raise NotAllowed


def _contacts(canonical: bytes) -> tuple[tuple[str, str], ...]:
    return tuple((each["name"], each["phone"]) for each in json.loads(canonical)["contacts"])


def _rows(
    session: Session, actor: access.Actor, movement: Movement, party: Party, rows: Sequence[Mapping[str, str]]
) -> tuple[Listed, ...]:
    people = persons_by_reference(session, movement_id=movement.movement_id, party=party)
    ticks = arrival.arrivals(session, actor, movement_id=movement.movement_id)
    way = arrival.places_on_the_way(session, movement.movement_id)
    bands = _age_bands(session, movement, people.values()) if party.kind is PartyKind.ESCORT else {}
    return tuple(
        _listed(row, party, ticks.get(people.get(row["ref"], "")), way, bands.get(people.get(row["ref"], ""), ""))
        for row in rows
    )


def _listed(
    row: Mapping[str, str],
    party: Party,
    tick: Arrival | None,
    way: Mapping[str, tuple[datetime, int]],
    age_band: str,
) -> Listed:
    number = row.get("document_number", "")
    needs = [code for code in row.get("assistance", "").split(";") if code]
    if party.kind is PartyKind.BORDER_POST:
        needs = [code for code in needs if code in AT_THE_BORDER]
    latin = row.get("latin_name", "")
    birth_date = row.get("birth_date", "")
    is_here = tick is not None and tick.place_id == party.party_id
    is_further = tick is not None and arrival.is_further(way, tick.place_id, party.party_id)
    return Listed(
        number=int(row["no"]),
        reference=row["ref"],
        name=row["name"],
        latin_name=latin if _is_other_script(row["name"]) else "",
        birth_date=date.fromisoformat(birth_date) if birth_date else None,
        document_type=row.get("document_type", ""),
        document_end=number[-4:],
        group=row.get("group", ""),
        needs=tuple(needs),
        onward=row.get("onward", ""),
        age_band=age_band,
        tick=tick.outcome if tick is not None and is_here else None,
        is_further=is_further,
        was_absent=tick is not None
        and not is_here
        and not is_further
        and tick.outcome is ArrivalOutcome.NOT_TRAVELLING,
    )


def _is_other_script(name: str) -> bool:
    """Whether a reader of Latin letters needs the suggested spelling: accents alone need none."""
    return any(char.isalpha() and ord(char) > 0x24F for char in name)


def _age_bands(session: Session, movement: Movement, person_ids: Iterable[str]) -> dict[str, str]:
    """Age band of each person on the day of departure; who is in doubt counts as a child (R15)."""
    day = movement.depart_at.date()
    persons = session.exec(select(Person).where(col(Person.person_id).in_(list(person_ids)))).all()
    bands = {}
    for person in persons:
        age = clock.age_on(person.birth_date, day) if person.birth_date else person.declared_age
        bands[person.person_id] = age_band(age, is_in_doubt=person.is_age_in_doubt)
    return bands


def age_band(age: int | None, *, is_in_doubt: bool) -> str:
    """``0-4``, ``5-11``, ``12-17``, ``18-59`` or ``60+``; an age in doubt is a child's, an unknown one empty."""
    if is_in_doubt and (age is None or age > AGE_BANDS[2][1]):
        age = AGE_BANDS[2][1]
    if age is None:
        return ""
    low, high = next((low, high) for low, high in AGE_BANDS if low <= age <= high)
    return f"{low}+" if low == AGE_BANDS[-1][0] else f"{low}-{high}"


# ---- ticks --------------------------------------------------------------------------------------------------------

_MARKS: dict[str, bool | None] = {
    ArrivalOutcome.ARRIVED.value: True,
    ArrivalOutcome.NOT_TRAVELLING.value: False,
    "": None,
}


def tick(
    session: Session, actor: access.Actor, *, movement_id: str, party: Party, number: int, marks: Mapping[str, str]
) -> int:
    """Record ticks by reference: ``arrived``, ``not_travelling``, or empty to take one back; gives how many changed.

    Raises
    ------
    Stale
        If the list that was ticked on, copy ``number``, is no longer the one in force; nothing is recorded.
    """
    people = _people_of_list(session, actor, movement_id, party, number)
    arrived = {people[ref]: _MARKS[mark] for ref, mark in marks.items() if ref in people and mark in _MARKS}
    return arrival.record(session, actor, movement_id=movement_id, place_id=party.party_id, arrived=arrived)


def tick_absent(
    session: Session, actor: access.Actor, *, movement_id: str, party: Party, number: int, absent: str
) -> int:
    """Record that everybody on the list arrived but the rows named, as ``4, 17``; gives how many ticks changed."""
    people = _people_of_list(session, actor, movement_id, party, number)
    rows = sheet(session, actor, movement_id=movement_id, party=party).rows
    missing = row_numbers(absent, len(rows))
    arrived = {
        people[row.reference]: row.number not in missing
        for row in rows
        if row.reference in people and not row.is_further
    }
    return arrival.record(session, actor, movement_id=movement_id, place_id=party.party_id, arrived=arrived)


def row_numbers(text: str, highest: int) -> set[int]:
    """Row numbers as typed: ``4, 17`` or ``3-5``; ``InputError`` names each that is not on the list."""
    faults, found = [], set()
    for part in filter(None, _BETWEEN_NUMBERS.split(text.strip().replace("–", "-"))):
        ends = [int(end) if end.isascii() and end.isdigit() and len(end) < 6 else 0 for end in part.split("-")]
        if len(ends) > 2 or not all(1 <= end <= highest for end in ends) or ends[0] > ends[-1]:
            what = f'"{part}" is no row of this list: write numbers from 1 to {highest}'
            faults.append(Fault(what=what, column="absent", value=part, code="ROW_NUMBER"))
        else:
            found |= set(range(ends[0], ends[-1] + 1))
    if faults:
        raise InputError(faults)
    return found


def _people_of_list(
    session: Session, actor: access.Actor, movement_id: str, party: Party, number: int
) -> dict[str, str]:
    found = found_for(session, actor, movement_id, party)
    if found.is_void or found.copy is None or found.copy.number != number:
        raise Stale("the list changed since this page was opened: tick on the current one")
    return persons_by_reference(session, movement_id=movement_id, party=party)


# ---- handover -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class HandoverFacts:
    """What the one who signs reads first."""

    sheet: Sheet
    arrived: tuple[Listed, ...]
    absent: tuple[Listed, ...]
    received_by: str
    handed_at: datetime


def check_handover(
    session: Session,
    actor: access.Actor,
    *,
    movement_id: str,
    party: Party,
    number: int,
    received_by: str,
    time_text: str,
) -> HandoverFacts:
    """What would be signed; ``InputError`` with everything that is missing, at once."""
    seen = sheet(session, actor, movement_id=movement_id, party=party)
    if seen.is_void or seen.number != number:
        raise Stale("the list changed since this page was opened")
    faults: list[Fault] = []
    unset = seen.ticked(None)
    if unset:
        numbers = ", ".join(str(row.number) for row in unset[:12]) + (" …" if len(unset) > 12 else "")
        what = f"{len(unset)} rows are not ticked: {numbers}"
        faults.append(Fault(what=what, column="ticks", value=numbers, code="UNTICKED"))
    elif not seen.ticked(ArrivalOutcome.ARRIVED):
        what = "nobody is ticked as arrived: tick who is here first"
        faults.append(Fault(what=what, column="ticks", code="NOBODY_TICKED"))
    name = ""
    try:
        name = clean_text(received_by, column="received_by", max_chars=120)
    except InputError as error:
        faults += error.faults
    else:
        if not name:
            what = "who received them is missing: write the name of the officer in charge"
            faults.append(Fault(what=what, column="received_by", code="RECEIVED_BY"))
    handed_at = clock.now()
    try:
        handed_at = time_at(time_text, seen.where.zone_name(party.party_id))
    except InputError as error:
        faults += error.faults
    if faults:
        raise InputError(faults)
    return HandoverFacts(
        sheet=seen,
        arrived=tuple(seen.ticked(ArrivalOutcome.ARRIVED)),
        absent=tuple(seen.ticked(ArrivalOutcome.NOT_TRAVELLING)),
        received_by=name,
        handed_at=handed_at,
    )


def time_at(text: str, zone_name: str) -> datetime:
    """The instant of a place-local clock time such as ``14:05`` or ``1405``: the last one, today or last night."""
    found = re.fullmatch(r"\s*(\d{1,2})\s*[:.hH]?\s*(\d{2})\s*(?:h|hrs?)?\s*", text)
    if found is None or int(found[1]) > 23 or int(found[2]) > 59:
        raise InputError([Fault(what="is no time, expected for example 14:05", column="time", code="NO_CLOCK")])
    now = clock.local(clock.now(), zone_name)
    typed = now.replace(hour=int(found[1]), minute=int(found[2]), second=0, microsecond=0, tzinfo=None)
    if typed - now.replace(tzinfo=None) > timedelta(hours=12):
        typed -= timedelta(days=1)
    instant = clock.instant_of(typed, zone_name)
    if instant - clock.now() > FUTURE_ALLOWED:
        raise InputError([Fault(what="lies in the future", column="time", code="FUTURE")])
    return instant


def sign_handover(
    session: Session,
    actor: access.Actor,
    *,
    movement_id: str,
    party: Party,
    number: int,
    received_by: str,
    time_text: str,
) -> tuple[Handover, bool]:
    """Sign what ``check_handover`` showed; gives the handover and whether it is new."""
    access.require(session, actor, "arrival.handover", movement_id=movement_id)
    signed = session.get(Handover, (movement_id, party.party_id))
    if signed is not None and party.kind in (PartyKind.BORDER_POST, PartyKind.RECEPTION):
        found_for(session, actor, movement_id, party)
        return signed, False
    facts = check_handover(
        session,
        actor,
        movement_id=movement_id,
        party=party,
        number=number,
        received_by=received_by,
        time_text=time_text,
    )
    made = arrival.sign_handover(
        session,
        actor,
        movement_id=movement_id,
        place_id=party.party_id,
        received_by=facts.received_by,
        handed_at=facts.handed_at,
    )
    return made, True
