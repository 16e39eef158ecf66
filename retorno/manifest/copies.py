"""What each recipient's copy of a manifest says: fields by whitelist, people by recipient, references per recipient."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from datetime import datetime

from sqlmodel import Session, select

from retorno import clock, keyring
from retorno.confirmations.confirmation import Party
from retorno.models.movements import AgreementConfirmation, Movement, Seat
from retorno.models.office import Office
from retorno.movements.facts import Rider, View
from retorno.office import access
from retorno.papers.form import Contact, CrewMember, ExpectedPost, Manifest, Notice, Window
from retorno.papers.keys import reference
from retorno.situation import Situation
from retorno.text import latin_suggestion
from retorno.vocabulary import PartyKind, SeatStatus, Sex, TripEventKind

WHITELIST: dict[PartyKind, tuple[str, ...]] = {
    PartyKind.BORDER_POST: (
        "no", "ref", "name", "latin_name", "sex", "birth_date", "nationality", "document_type", "document_number",
        "document_expiry", "group", "assistance",
    ),
    PartyKind.RECEPTION: (
        "no", "ref", "name", "latin_name", "sex", "birth_date", "nationality", "group", "assistance", "onward",
    ),
    PartyKind.CONSULATE: (
        "no", "ref", "name", "latin_name", "sex", "birth_date", "nationality", "document_type", "document_number",
        "document_expiry",
    ),
    PartyKind.CARRIER: ("no", "ref", "name", "latin_name", "sex", "group", "assistance"),
    PartyKind.ESCORT: ("no", "ref", "name", "latin_name", "group", "assistance"),
    PartyKind.TRANSIT_STATE: ("no",),
}  # fmt: skip
"""Columns each recipient may see (R25); a transit state gets counts and no rows."""

_PREFIX = {
    PartyKind.BORDER_POST: "BP",
    PartyKind.RECEPTION: "RC",
    PartyKind.CONSULATE: "CS",
    PartyKind.CARRIER: "CA",
    PartyKind.ESCORT: "ES",
    PartyKind.TRANSIT_STATE: "TS",
}


def recipient_reference(party: Party) -> str:
    """How a recipient is named in a seal: capitals, digits and hyphens; an operator's name only as a short hash."""
    plain = party.party_id
    if party.kind is PartyKind.CARRIER:
        plain = hashlib.sha256(plain.encode()).hexdigest()[:10].upper()
    return f"{_PREFIX[party.kind]}-{plain}"


def _riders_for(session: Session, seen: View, party: Party) -> list[Rider]:
    """The people a recipient's copy names, families together."""
    riders = seen.riders
    if party.kind is PartyKind.TRANSIT_STATE:
        return []
    if party.kind is PartyKind.CONSULATE:
        agreed = set(access.consular_person_ids(session, (party.party_id,)))
        return [rider for rider in riders if rider.person.person_id in agreed]
    if party.kind is PartyKind.BORDER_POST:
        here = {c.segment for c in seen.crossings if party.party_id in (c.leave_post_id, c.enter_post_id)}
        return [r for r in riders if any(r.seat.board <= segment < r.seat.alight for segment in here)]
    if party.kind is PartyKind.RECEPTION:
        return [rider for rider in riders if seen.segments[rider.seat.alight - 1].to_place_id == party.party_id]
    if party.kind is PartyKind.ESCORT:
        mine = {escort.seat.for_group_id for escort in seen.escorts if escort.escort.escort_id == party.party_id}
        if not mine:
            return []
        return [rider for rider in riders if rider.group.group_id in mine] if mine - {None} else riders
    return riders


def _row(number: int, rider: Rider, letter: str, party: Party, key: bytes, columns: tuple[str, ...]) -> dict[str, str]:
    person = rider.person
    name = f"{person.given_names} {person.family_names}".strip()
    document = rider.document
    full = {
        "no": str(number),
        "ref": reference(key, person.person_id, recipient_reference(party)),
        "name": name,
        "latin_name": latin_suggestion(name),
        "sex": person.sex.value,
        "birth_date": person.birth_date.isoformat() if person.birth_date else "",
        "nationality": person.nationality,
        "document_type": document.document_type.value if document else "",
        "document_number": document.number if document else "",
        "document_expiry": document.expires_on.isoformat() if document and document.expires_on else "",
        "group": letter,
        "assistance": ";".join(rider.assistance),
        "onward": rider.group.destination_municipality,
    }
    return {column: full[column] for column in columns}


def letter(number: int) -> str:
    """A, B, ..., Z, AA, ... for 0, 1, ..., 25, 26, ..."""
    text = ""
    while number >= 0:
        text = chr(ord("A") + number % 26) + text
        number = number // 26 - 1
    return text


def _letters(riders: list[Rider]) -> dict[str, str]:
    """A letter for each travel group: A, B, ..., AA; it says nothing beyond this list."""

    groups = dict.fromkeys(rider.group.group_id for rider in riders)
    return {group_id: letter(number) for number, group_id in enumerate(groups)}


def _counts(riders: list[Rider]) -> dict[str, int]:
    return {
        "total": len(riders),
        "female": sum(rider.person.sex is Sex.FEMALE for rider in riders),
        "male": sum(rider.person.sex is Sex.MALE for rider in riders),
        "unspecified": sum(rider.person.sex is Sex.UNSPECIFIED for rider in riders),
        "accompanied_children": sum(rider.is_child and not rider.person.is_unaccompanied for rider in riders),
        "unaccompanied_children": sum(rider.is_child and rider.person.is_unaccompanied for rider in riders),
    }


def build(
    session: Session, seen: View, party: Party, *, number: int, supersedes: int | None, now: datetime, at: Situation
) -> Manifest:
    """One recipient's manifest from the records of this moment, fields by whitelist only."""
    movement, columns = seen.movement, WHITELIST[party.kind]
    key = keyring.of_office(movement.office_id).reference_key
    riders = _riders_for(session, seen, party)
    letters = _letters(riders)
    rows = [
        _row(index, rider, letters[rider.group.group_id], party, key, columns) for index, rider in enumerate(riders, 1)
    ]
    office = session.get_one(Office, movement.office_id)
    zone = at.zone_name(seen.segments[0].from_place_id)
    is_consulate = party.kind is PartyKind.CONSULATE
    return Manifest(
        movement=movement.reference,
        recipient=recipient_reference(party),
        recipient_name=_printed_name(seen, at, party),
        recipient_kind=party.kind.value,
        version=number,
        supersedes=supersedes,
        issued_at=clock.local(now, zone).replace(microsecond=0),
        agreement=_agreement_text(session, movement),
        posts=[]
        if is_consulate
        else [f"{at.name(c.leave_post_id)} / {at.name(c.enter_post_id)}" for c in seen.crossings],
        expected=() if is_consulate else tuple(_expected(seen, at)),
        window=Window(
            start=clock.local(movement.depart_at, zone), end=clock.local(movement.arrive_at, zone), zone=zone
        ),
        vehicle=movement.label,
        operator=movement.operator,
        crew=() if is_consulate else tuple(_crew(seen)),
        counts={} if is_consulate else _counts(riders if party.kind is not PartyKind.TRANSIT_STATE else seen.riders),
        notice=Notice(sent_at=clock.local(now, zone).replace(microsecond=0)),
        contacts=(Contact(side="sending", name=office.name, phone=office.complaint_contact),),
        columns=columns,
        rows=rows,
        is_demo=office.is_demo,
    )


def with_fewer_people(
    session: Session,
    seen: View,
    party: Party,
    before: Manifest,
    *,
    number: int,
    supersedes: int | None,
    now: datetime,
    at: Situation,
    is_crew_signed: bool,
) -> Manifest:
    """A recipient's paper as it was signed, only without the rows of those who left.

    Every field of a row is taken from the paper before, byte by byte: what was corrected in the records since then
    waits for two signatures. Numbers and group letters close up, so that no gap tells who vanished. Head counts are
    those of the people who stay.

    Parameters
    ----------
    before
        The recipient's latest paper, also one that it may not see yet.
    is_crew_signed
        Whether two people sign this version: then the crew is the one on record, else only who left is struck out.
    """
    key = keyring.of_office(seen.movement.office_id).reference_key
    riders = _riders_for(session, seen, party)
    staying = {reference(key, rider.person.person_id, recipient_reference(party)) for rider in riders}
    rows = _closed_up([dict(row) for row in before.rows if row.get("ref") in staying])
    crew = _crew(seen)
    if not is_crew_signed:
        known = {(member.role, member.name) for member in crew}
        crew = [member for member in before.crew if (member.role, member.name) in known]
    counted = riders if party.kind is not PartyKind.TRANSIT_STATE else seen.riders
    zone = at.zone_name(seen.segments[0].from_place_id)
    issued_at = clock.local(now, zone).replace(microsecond=0)
    return replace(
        before,
        version=number,
        supersedes=supersedes,
        issued_at=issued_at,
        notice=Notice(sent_at=issued_at),
        crew=() if party.kind is PartyKind.CONSULATE else tuple(crew),
        counts=_counts(counted) if before.counts else {},
        rows=rows,
    )


def _closed_up(rows: list[dict[str, str]]) -> list[dict[str, str]]:
    """Rows numbered from 1 and groups lettered from A again, in the order they had."""
    letters = {old: letter(place) for place, old in enumerate(dict.fromkeys(row.get("group", "") for row in rows))}
    for place, row in enumerate(rows, 1):
        row["no"] = str(place)
        if "group" in row:
            row["group"] = letters[row["group"]]
    return rows


def _crew(seen: View) -> list[CrewMember]:
    return [
        *(CrewMember(role="driver", name=driver.name, phone=driver.phone) for driver in seen.drivers),
        *(CrewMember(role="escort", name=e.escort.name, phone=e.escort.phone) for e in seen.escorts),
    ]


def _expected(seen: View, at: Situation) -> list[ExpectedPost]:
    """Each post on the way with the hour at which its desk begins, in the order of the way."""
    entering = {
        event["crossing_id"]: datetime.fromisoformat(event["at"])
        for event in json.loads(seen.movement.route or "{}").get("events", ())
        if event["kind"] == TripEventKind.ENTRY_FORMALITIES
    }
    return [
        ExpectedPost(name=at.name(post_id), at=clock.local(instant, at.zone_name(post_id)), zone=at.zone_name(post_id))
        for crossing in seen.crossings
        for post_id, instant in (
            (crossing.leave_post_id, crossing.at),
            (crossing.enter_post_id, entering.get(crossing.crossing_id, crossing.at)),
        )
    ]


def _printed_name(seen: View, at: Situation, party: Party) -> str:
    """Name of a recipient on paper; an escort by name."""
    names = {each.escort.escort_id: each.escort.name for each in seen.escorts}
    return names.get(party.party_id, "") or recipient_name(at, party)


def recipient_name(at: Situation, party: Party) -> str:
    """Name of a recipient as printed: the post, the reception place, the state, the operator, the escort."""
    if party.kind in (PartyKind.BORDER_POST, PartyKind.RECEPTION):
        return at.name(party.party_id)
    country = at.ground.countries.get(party.party_id)
    return country.name_es if country else party.party_id


def _agreement_text(session: Session, movement: Movement) -> str:
    if movement.agreement_confirmation_id is None:
        return ""
    row = session.get_one(AgreementConfirmation, movement.agreement_confirmation_id)
    return f"{row.agreement_id or row.confirmation_id} ({row.confirmed_with}, {row.valid_until.isoformat()})"


def persons_by_reference(session: Session, *, movement_id: str, party: Party) -> dict[str, str]:
    """Reference on a recipient's paper to person id, for everyone with a seat on the movement."""
    movement = session.get_one(Movement, movement_id)
    key = keyring.of_office(movement.office_id).reference_key
    ids = session.exec(
        select(Seat.person_id).where(Seat.movement_id == movement_id, Seat.status == SeatStatus.ACTIVE)
    ).all()
    return {reference(key, person_id, recipient_reference(party)): person_id for person_id in ids if person_id}
