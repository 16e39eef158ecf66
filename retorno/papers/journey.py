"""Papers of a journey for those on duty: the route sheet before it, the handover note after it. Neither holds a name
of a person who returns.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from retorno import clock
from retorno.papers.form import Contact, CrewMember
from retorno.papers.pages import (
    NO_BREAK,
    QR_MM,
    Foot,
    Labels,
    Paper,
    Typesetter,
    day_text,
    instant_text,
    need_words,
    offset_text,
    people_line,
    qr_share,
    typeset,
)
from retorno.papers.seal import Seal, qr_svg

TO = "–\u2060"
"""Between two clock times: a dash at which no line ends."""

WHAT_IF = ("delay", "closed", "ill", "no", "fear")
"""What a route sheet tells to do, in its order: words ``route.if.<key>`` and ``route.then.<key>``."""


@dataclass(frozen=True, kw_only=True)
class RouteStop:
    """One line of a route sheet.

    Parameters
    ----------
    kind
        A ``TripEventKind`` value: words ``route.event.<kind>``.
    place, zone
        Name as printed, and the zone in which its times are shown.
    at, until
        From when to when; the same where the vehicle does not wait.
    drive_min
        Driving since the line before, in minutes.
    desk
        When the desk takes these people that day: first and last instants, in pairs; None where there is no desk.
    boarding, leaving, aboard
        How many people get on and off here, and how many travel on; None where nobody does either.
    needs
        Need codes of the people aboard from here, with how many have each.
    who
        Whom the driver asks for at this stop: a case's reference and a head count, never a name.
    """

    kind: str
    place: str
    zone: str
    at: datetime
    until: datetime
    drive_min: int = 0
    desk: Sequence[tuple[datetime, datetime]] | None = None
    boarding: int = 0
    leaving: int = 0
    aboard: int | None = None
    needs: Mapping[str, int] = field(default_factory=dict)
    who: str = ""


@dataclass(frozen=True, kw_only=True)
class RouteSheet:
    """The way of one vehicle for its drivers and escorts; ``is_round`` for a van's local round.

    ``version`` and ``supersedes`` are those of the list in force for whoever it is printed for, with its ``seal``; None
    before the first issue.
    """

    movement: str
    version: int | None
    supersedes: int | None = None
    seal: Seal | None = None
    vehicle: str
    operator: str
    crew: Sequence[CrewMember]
    contacts: Sequence[Contact]
    stops: Sequence[RouteStop]
    is_demo: bool = False
    is_round: bool = False


@dataclass(frozen=True, kw_only=True)
class HandoverNote:
    """What was handed over to whom, without names of those who travelled.

    Parameters
    ----------
    listed, arrived
        Head counts: on the list in force at this place, and received.
    missing
        Numbers on the list (version ``version``) of those who were not received.
    received_by, recorded_by
        Who received them, and who signed the record.
    handed_at
        The hour that the signers wrote down, if they did.
    incidents
        Code and instant of each.
    """

    movement: str
    version: int
    place: str
    zone: str
    vehicle: str
    operator: str
    crew: Sequence[CrewMember]
    listed: int
    arrived: int
    missing: Sequence[str]
    received_by: str
    recorded_by: str
    signed_at: datetime
    handed_at: datetime | None = None
    incidents: Sequence[tuple[str, datetime]]
    is_demo: bool = False


def _version_text(labels: Labels, version: int | None, supersedes: int | None) -> str:
    if version is None:
        return labels["route_draft"]
    line = labels["version"].format(n=version)
    return f"{line}, {labels['supersedes'].format(n=supersedes)}" if supersedes else line


def _crew_facts(crew: Sequence[CrewMember], labels: Labels) -> list[tuple[str, list[str]]]:
    members = {role: [people_line(each.name, each.phone) for each in crew if each.role == role]
               for role in ("driver", "escort")}  # fmt: skip
    return [(labels[f"crew.{role}"], lines) for role, lines in members.items() if lines]


def _foot_lines(foot: Foot, labels: Labels, language: str) -> list[str]:
    printed = instant_text(foot.printed_at, foot.zone, language)
    return [f"{labels['printed_by']}: {foot.printed_by}, {printed}", f"{labels['check']}: {foot.check_address}"]


def _span(start: datetime, end: datetime) -> str:
    until = "" if start == end else f"{TO}{end:%H:%M}"
    return f"{start:%H:%M}{until}{NO_BREAK}({offset_text(start)})"


def _minutes(count: int) -> str:
    hours, rest = divmod(count, 60)
    return f"{hours} h {rest:02d} min".replace(" ", NO_BREAK) if hours else f"{rest}{NO_BREAK}min"


def route_pdf(sheet: RouteSheet, *, labels: Labels, language: str, foot: Foot, paper: Paper = Paper.A4) -> bytes:
    """The route sheet: stops, hours of the desks, rests, head counts by stop, phones, what to do if it goes wrong."""
    first = clock.local(sheet.stops[0].at, sheet.stops[0].zone) if sheet.stops else foot.printed_at
    version = "" if sheet.is_round else _version_text(labels, sheet.version, sheet.supersedes)
    heading = f"{labels['route.round' if sheet.is_round else 'route']} {sheet.movement}"
    dangers = [key for key in WHAT_IF if not (sheet.is_round and key == "closed")]

    def page_of(typesetter: Typesetter) -> dict[str, Any]:
        facts = [
            (labels["vehicle"], [text for text in (sheet.vehicle, sheet.operator) if text]),
            *_crew_facts(sheet.crew, labels),
            (labels["route.phones"], [people_line(each.name, each.phone) for each in sheet.contacts]),
        ]
        return {
            "title": ", ".join(text for text in (heading, version) if text),
            "date": [foot.printed_at.year, foot.printed_at.month, foot.printed_at.day],
            "language": language,
            "paper": paper.value,
            "demo": labels["demo"] if sheet.is_demo else "",
            "heading": heading,
            "day": day_text(first.date(), language),
            "version": version,
            "page_word": labels["page"],
            "of_word": labels["of"],
            "facts": _pieces(facts, typesetter),
            "columns": [labels[f"route.{name}"] for name in ("when", "where", "what", "people")],
            "stops": [_route_line(stop, first, labels, language, typesetter) for stop in sheet.stops],
            "if_heading": labels["route.if"],
            "ifs": [[labels[f"route.if.{key}"], labels[f"route.then.{key}"]] for key in dangers],
            "signatures": [labels["route.confirm"], labels["route.confirm_escort"]],
            "qr_alt": labels["qr_alt"],
            "qr_mm": QR_MM * qr_share(code) if code else 0,
            "note_demo": labels["note_demo"] if sheet.is_demo else "",
            "foot": _foot_lines(foot, labels, language),
        }

    code = qr_svg(sheet.seal) if sheet.seal is not None else ""
    return typeset("route", page_of, {"qr": code})


def _pieces(facts: Sequence[tuple[str, list[str]]], typesetter: Typesetter) -> list[tuple[str, list[dict[str, Any]]]]:
    return [(label, [typesetter.piece(text) for text in texts]) for label, texts in facts if texts]


def _route_line(
    stop: RouteStop, first: datetime, labels: Labels, language: str, typesetter: Typesetter
) -> dict[str, Any]:
    at, until = clock.local(stop.at, stop.zone), clock.local(stop.until, stop.zone)
    what = [labels[f"route.event.{stop.kind}"]]
    if until > at:
        what[0] += f" ({_minutes(int((until - at).total_seconds() // 60))})"
    if stop.desk is not None:
        spans = [(clock.local(start, stop.zone), clock.local(end, stop.zone)) for start, end in stop.desk]
        hours = ", ".join(f"{start:%H:%M}{TO}{end:%H:%M}" for start, end in spans)
        what.append(labels["route.desk"].format(hours=hours) if spans else labels["route.desk_unknown"])
    if stop.who:
        what.append(stop.who)
    people = []
    if stop.aboard is not None:
        moves = (("boarding", stop.boarding), ("leaving", stop.leaving), ("aboard", stop.aboard))
        people = [labels[f"route.{name}"].format(n=count) for name, count in moves if count or name == "aboard"]
    return {
        "drive": labels["route.drive"].format(time=_minutes(stop.drive_min)) if stop.drive_min else "",
        "time": _span(at, until),
        "day": day_text(at.date(), language) if at.date() != first.date() else "",
        "place": typesetter.piece(stop.place),
        "what": what,
        "people": people,
        "needs": [f"{need_words(code, labels)}: {count}" for code, count in sorted(stop.needs.items())],
    }


def handover_pdf(note: HandoverNote, *, labels: Labels, language: str, foot: Foot, paper: Paper = Paper.A4) -> bytes:
    """The handover note: movement, from whom to whom, when, head counts, numbers of who was not received, incidents."""

    def page_of(typesetter: Typesetter) -> dict[str, Any]:
        incidents = [
            f"{labels[f'incident.{code}']}, {instant_text(at, note.zone, language)}" for code, at in note.incidents
        ]
        none = [labels["handover.none"]]
        handed = [instant_text(note.handed_at, note.zone, language)] if note.handed_at else []
        facts = [
            (labels["vehicle"], [text for text in (note.vehicle, note.operator) if text]),
            *_crew_facts(note.crew, labels),
            (labels["handover.place"], [note.place]),
            (labels["handover.to"], [note.received_by]),
            (labels["handover.handed"], handed),
            (labels["handover.at"], [instant_text(note.signed_at, note.zone, language)]),
            (labels["handover.recorded_by"], [note.recorded_by]),
            (labels["handover.incidents"], incidents or none),
        ]
        return {
            "title": f"{labels['handover']} {note.movement}",
            "date": [foot.printed_at.year, foot.printed_at.month, foot.printed_at.day],
            "language": language,
            "paper": paper.value,
            "demo": labels["demo"] if note.is_demo else "",
            "heading": f"{labels['handover']} {note.movement}",
            "list_line": labels["handover.list"].format(n=note.version),
            "facts": _pieces(facts, typesetter),
            "counts": [
                [labels["handover.listed"], str(note.listed)],
                [labels["handover.arrived"], str(note.arrived)],
                [labels["handover.missing"], str(len(note.missing))],
            ],
            "missing": [labels["handover.numbers"], ", ".join(note.missing)] if note.missing else [],
            "signatures": [labels["signature.delivered"], labels["signature.received"]],
            "note_demo": labels["note_demo"] if note.is_demo else "",
            "foot": _foot_lines(foot, labels, language),
        }

    return typeset("handover", page_of, {})
