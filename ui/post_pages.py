"""What the pages of posts, reception points and escorts show, as plain values for their templates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from itertools import groupby
from typing import Any
from urllib.parse import quote

from babel.dates import format_date
from sqlmodel import Session

from retorno import clock
from retorno.confirmations import confirmation
from retorno.confirmations.confirmation import Party
from retorno.errors import Fault
from retorno.labels import all_labels, clock_text, label, time_text
from retorno.models.base import new_id
from retorno.models.movements import Confirmation, Movement
from retorno.office import access
from retorno.situation import Situation, situation
from retorno.under_way import accompanying, receiving
from retorno.under_way.accompanying import Stopping, WhoStops
from retorno.under_way.arrival import DELAYS_MIN
from retorno.under_way.receiving import Arriving, Delay, HandoverFacts, Listed, Section, Sheet
from retorno.vocabulary import Answer, AnswerReason, ArrivalOutcome, IncidentCode, Language, PartyKind, Role
from ui.light import COLONS

NO_REASONS = (AnswerReason.CLOSED_THAT_DAY, AnswerReason.NO_CAPACITY, AnswerReason.LIST_TOO_LATE)
"""Why a post, reception point or escort cannot take a movement."""
FIELDS = {
    "absent": "light.post.absent",
    "received_by": "light.post.received_by",
    "time": "light.post.handed_time",
    "ticks": "light.post.ticks",
    "count": "light.escort.count",
    "code": "light.post.incident",
    "minutes": "light.post.late_how",
}
"""Column of a fault to the words of its field; the column is also the id of the field on the page."""


@dataclass(frozen=True, kw_only=True)
class Typed:
    """What was typed into the forms of a page that comes back with an error, so that nothing has to be typed again."""

    marks: Mapping[str, str] = field(default_factory=dict)
    values: Mapping[str, str] = field(default_factory=dict)
    form: str = ""


NOTHING = Typed()


@dataclass(frozen=True, kw_only=True)
class Words:
    """Texts of one language, with the places that they name."""

    language: Language
    where: Situation

    def __call__(self, key: str, /, **values: object) -> str:
        """The words of a key."""
        return label(key, self.language, **values)

    def time(self, at: datetime, place_id: str) -> str:
        """Place-local time with place and zone, in the house format."""
        return time_text(at, self.zone(place_id), self.language, place=self.place(place_id))

    def zone(self, place_id: str) -> str:
        """Zone of a place; UTC of one that is not on our map."""
        try:
            return self.where.zone_name(place_id)
        except KeyError:
            return "UTC"

    def place(self, place_id: str) -> str:
        """Name of a place; empty for one that is not on our map."""
        try:
            return self.where.name(place_id)
        except KeyError:
            return ""

    def day(self, day: date | None) -> str:
        """A birth date with the month in words."""
        return format_date(day, "d MMM y", locale=self.language.value) if day else ""

    def need(self, code: str) -> str:
        """An operational need in words."""
        key = f"light.need.{code}" if f"light.need.{code}" in all_labels() else f"need.{code}"
        return self(key) if key in all_labels() else code

    def late(self, delay: Delay | None, place_id: str) -> str:
        """How late a vehicle is said to be, and since when."""
        if delay is None:
            return ""
        said = clock_text(delay.at, self.zone(place_id), place=self.place(place_id))
        if delay.minutes is None:
            return self("light.post.late_said", time=said)
        return self("light.post.late_by", late=self(f"light.late.{delay.minutes}"), time=said)


def base_of(movement_id: str, party: Party) -> str:
    """Address of a recipient's page of one movement."""
    return f"/post/{movement_id}/{party.kind.value}/{quote(party.party_id, safe='')}"


def fault_text(fault: Fault, language: Language) -> str:
    """What is wrong and what would be right, after the name of the field."""
    key = f"fault.{fault.code}"
    said = label(key, language, value=fault.value) if key in all_labels() else fault.what
    if fault.column not in FIELDS:
        return said[:1].upper() + said[1:]
    return f"{label(FIELDS[fault.column], language)}{COLONS[language]} {said}"


# ---- what comes -----------------------------------------------------------------------------------------------------


def overview(session: Session, actor: access.Actor, language: Language) -> dict[str, Any]:
    """The list of what comes, most urgent part first, and the questions to answer."""
    words = Words(language=language, where=situation(session))
    places = [scope for role in (Role.BORDER_POST, Role.RECEPTION) for scope in actor.scopes(role)]
    rows = receiving.arriving(session, actor)
    sections = [
        {"key": section.value, "rows": [_arriving(row, words) for row in rows if row.section is section]}
        for section in Section
    ]
    asked = [row for row in confirmation.party_questions(session, actor) if row.answer is Answer.PENDING]
    return {
        "sections": [section for section in sections if section["rows"]],
        "questions": [_question(session, row, words) for row in asked],
        "now": words.time(clock.now(), places[0]) if places else "",
        "is_escort": actor.has(Role.ESCORT),
    }


def _arriving(row: Arriving, words: Words) -> dict[str, Any]:
    return {
        "time": words.time(row.expected_at, row.place_id),
        "late": words.late(row.delay, row.place_id),
        "label": row.label,
        "reference": row.reference,
        "number": row.number,
        "supersedes": row.supersedes,
        "people": row.person_count,
        "state": "void" if row.is_void else "acknowledged" if row.is_acknowledged else "to_acknowledge",
        "is_signed": row.section is Section.DONE,
        "href": base_of(row.movement_id, row.party),
    }


def _question(session: Session, row: Confirmation, words: Words) -> dict[str, Any]:
    movement = session.get_one(Movement, row.movement_id)
    party = Party(kind=row.party_kind, party_id=row.party_id)
    expected_at, place_id = receiving.meeting(session, movement, party)
    return {
        "id": row.confirmation_id,
        "movement": f"{movement.label} · {movement.reference}",
        "time": words.time(expected_at, place_id),
        "due": words.time(row.due_at, place_id),
        "opens": words.time(movement.opens_at, place_id),
        "is_overdue": row.due_at < clock.now(),
        "is_ahead": movement.opens_at > clock.now(),
    }


def question(session: Session, actor: access.Actor, confirmation_id: str, language: Language) -> dict[str, Any] | None:
    """One question with the reasons for a no; ``None`` if it is not the actor's or no longer asked."""
    words = Words(language=language, where=situation(session))
    for row in confirmation.party_questions(session, actor):
        if row.confirmation_id == confirmation_id:
            return _question(session, row, words) | {"reasons": [reason.value for reason in NO_REASONS]}
    return None


# ---- one movement ---------------------------------------------------------------------------------------------------


def movement(
    session: Session, actor: access.Actor, seen: Sheet, language: Language, typed: Typed = NOTHING
) -> dict[str, Any]:
    """A movement as its recipient works with it: head, list, forms."""
    words = Words(language=language, where=seen.where)
    is_escort = seen.party.kind is PartyKind.ESCORT
    rows = [_row(row, words, typed.marks) for row in seen.rows]
    values = {
        "base": base_of(seen.movement.movement_id, seen.party),
        "reference": seen.movement.reference,
        "vehicle": seen.movement.label,
        "operator": seen.movement.operator,
        "place": words.place(seen.place_id),
        "time": words.time(seen.expected_at, seen.place_id),
        "late": words.late(seen.delay, seen.place_id),
        "kind": seen.party.kind.value,
        "number": seen.number,
        "supersedes": seen.supersedes,
        "version": seen.version,
        "is_void": seen.is_void,
        "is_acknowledged": seen.is_acknowledged,
        "can_tick": seen.can_tick,
        "is_signed": seen.handover is not None,
        "counts": seen.counts,
        "ticked": {
            "arrived": len(seen.ticked(ArrivalOutcome.ARRIVED)),
            "missing": len(seen.ticked(ArrivalOutcome.NOT_TRAVELLING)),
            "unset": len(seen.ticked(None)),
            "total": len(seen.rows),
        },
        "groups": [list(each) for _, each in groupby(rows, key=lambda row: row["group"])],
        "columns": {
            "born": any(row["born"] for row in rows),
            "document": any(row["document"] for row in rows),
        },
        "crew": [
            {"role": words(f"light.crew.{role}"), "name": name, "phone": phone} for role, name, phone in seen.crew
        ],
        "contacts": [{"name": name, "phone": phone} for name, phone in seen.contacts],
        "handover": _handover(seen, words),
        "incidents": [code.value for code in IncidentCode if code is not IncidentCode.DELAY],
        "delays": list(DELAYS_MIN),
        "key": new_id("J"),
        "late_key": new_id("J"),
        "typed": dict.fromkeys(("received_by", "count", "place"), "")
        | {"absent": ", ".join(str(row.number) for row in seen.ticked(ArrivalOutcome.NOT_TRAVELLING))}
        | {"time": clock.local(clock.now(), words.zone(seen.place_id)).strftime("%H:%M")}
        | dict(typed.values),
        "open_form": typed.form,
        "stops": [],
    }
    if is_escort and not seen.is_void:
        values["stops"] = [_stop(stop, words) for stop in accompanying.stops(session, actor, seen)]
    return values


def _row(row: Listed, words: Words, marks: Mapping[str, str]) -> dict[str, Any]:
    kind = words(f"paper.document.{row.document_type}") if row.document_type else ""
    return {
        "no": row.number,
        "ref": row.reference,
        "name": row.name,
        "latin": row.latin_name,
        "born": words.day(row.birth_date),
        "document": f"{kind} …{row.document_end}" if row.document_end else kind,
        "group": row.group,
        "needs": ", ".join(words.need(code) for code in row.needs),
        "onward": row.onward,
        "age": words("light.escort.years", age=row.age_band.replace("-", "–")) if row.age_band else "",
        "state": marks.get(row.reference, row.tick.value if row.tick else ""),
        "is_further": row.is_further,
        "was_absent": row.was_absent,
    }


def _handover(seen: Sheet, words: Words) -> dict[str, Any] | None:
    if seen.handover is None:
        return None
    at = seen.handover.handed_at or seen.handover.signed_at
    return {
        "count": seen.handover.person_count,
        "name": seen.handover.received_by,
        "time": words.time(at, seen.place_id),
    }


def _stop(stop: accompanying.Stop, words: Words) -> dict[str, Any]:
    return {
        "kind": stop.kind,
        "place_id": stop.place_id,
        "place": words.place(stop.place_id),
        "time": words.time(stop.at, stop.place_id) if stop.place_id else time_text(stop.at, "UTC", words.language),
        "minutes": stop.minutes,
        "expected": stop.expected,
        "counted": stop.counted,
    }


# ---- check pages ----------------------------------------------------------------------------------------------------


def handover_check(facts: HandoverFacts, language: Language, form: Mapping[str, str]) -> dict[str, Any]:
    """What the one who signs a handover reads before the button."""
    seen = facts.sheet
    words = Words(language=language, where=seen.where)
    base = base_of(seen.movement.movement_id, seen.party)
    lists = [(words("light.check.absent_names"), names(facts.absent))] if facts.absent else []
    return {
        "heading": words("light.check.handover"),
        "facts": [
            (words("light.post.vehicle"), f"{seen.movement.label} · {seen.movement.reference}"),
            (words("light.check.place"), words.place(seen.place_id)),
            (words("light.post.version"), str(seen.number)),
            (words("light.check.arrived"), str(len(facts.arrived))),
            (words("light.check.absent"), str(len(facts.absent))),
            (words("light.post.received_by"), facts.received_by),
            (words("light.post.handed_time"), words.time(facts.handed_at, seen.place_id)),
        ],
        "lists": lists,
        "warning": words("light.check.no_undo"),
        "action": f"{base}/sign",
        "hidden": [(name, form[name]) for name in ("number", "received_by", "time")],
        "button": words("light.check.sign", count=len(facts.arrived)),
        "back": base,
        "here": base,
    }


def stop_check(seen: Sheet, kind: Stopping, who: WhoStops, language: Language) -> dict[str, Any]:
    """What an escort reads before somebody is taken off."""
    words = Words(language=language, where=seen.where)
    base = base_of(seen.movement.movement_id, seen.party)
    off = len(who.chosen) + len(who.family)
    lists = [(words(f"light.check.{kind.value}_names"), names(who.chosen))]
    if who.family:
        lists.append((words("light.check.family_names"), names(who.family)))
    until = accompanying.unfit_until()
    return {
        "heading": words(f"light.check.{kind.value}", name=who.chosen[0].name),
        "facts": [(words("light.check.off"), str(off)), (words("light.check.going_on"), str(who.going_on))],
        "lists": lists,
        "warning": words(f"light.check.{kind.value}_what", day=words.day(until)),
        "action": f"{base}/{kind.value}",
        "hidden": [("sure", "yes"), *(("ref", row.reference) for row in who.chosen)],
        "button": words(f"light.check.{kind.value}_button", count=off),
        "back": base,
        "here": base,
    }


def names(rows: Sequence[Listed]) -> list[str]:
    """Rows as they are read out: number and name."""
    return [f"{row.number}. {row.name}" for row in rows]
