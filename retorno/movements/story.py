"""Everything that happened to a movement, in order: planned, asked, answered, issued, acknowledged, who left, arrived.

Told from the records and the log, as a coordinator may read it: whoever left is "not travelling", whatever the cause.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlmodel import Session, col, select

from retorno.models.movements import (
    Acknowledgement,
    Arrival,
    Confirmation,
    Handover,
    Incident,
    ManifestVersion,
    Movement,
    Plan,
    Seat,
)
from retorno.models.office import AuditEntry
from retorno.models.people import Person
from retorno.vocabulary import Answer, ManifestStatus, PartyKind, SeatStatus

LOGGED = (
    "manifest.propose",
    "manifest.release",
    "arrival.depart",
    "movement.update",
    "changes.escort",
    "changes.vehicle_cancelled",
    "changes.flight_cancelled",
)
"""Acts on a movement that leave no row of their own; everything else is told from the records."""


@dataclass(frozen=True, kw_only=True)
class Event:
    """One thing that happened.

    Parameters
    ----------
    code
        A label key below ``story.``.
    by
        User id of who did it, or the name of who answered on the phone; empty where it is in the words.
    party, place_id
        Whom or where it concerns; empty for nobody.
    words
        Numbers and names that the sentence names; ``*_key`` values are label keys.
    """

    at: datetime
    code: str
    by: str = ""
    party: tuple[PartyKind, str] | None = None
    place_id: str = ""
    words: dict[str, str] = field(default_factory=dict)


def story(session: Session, movement: Movement) -> list[Event]:
    """Every event of a movement, the first one first."""
    parts: tuple[Callable[[Session, Movement], list[Event]], ...] = (
        _planned,
        _questions,
        _versions,
        _acknowledged,
        _left,
        _arrived,
        _handed_over,
        _logged,
    )
    found = [event for part in parts for event in part(session, movement)]
    return sorted(found, key=lambda event: (event.at, _place(event)))


def _place(event: Event) -> int:
    """Where an event stands among those of the same instant: as the work goes."""
    name = event.words.get("act_key", "").removeprefix("act.") if event.code == "log" else event.code
    return _ORDER.index(name) if name in _ORDER else len(_ORDER)


_ORDER = (
    "planned",
    "asked",
    "reminded",
    "answered",
    "answered_people",
    "movement.update",
    "changes.escort",
    "manifest.propose",
    "not_travelling",
    "issued",
    "removal",
    "void",
    "acknowledged",
    "manifest.release",
    "arrival.depart",
    "incident",
    "ticked_arrived",
    "ticked_not_travelling",
    "handover",
)


def users_of(events: Sequence[Event]) -> list[str]:
    """Who acted, for the names."""
    return [event.by for event in events if event.by]


def _planned(session: Session, movement: Movement) -> list[Event]:
    plan = session.get(Plan, movement.plan_id) if movement.plan_id else None
    if plan is None or plan.accepted_at is None:
        return []
    return [Event(at=plan.accepted_at, code="planned", by=plan.accepted_by or "")]


def _questions(session: Session, movement: Movement) -> list[Event]:
    """Asked by the moment; answers and reminders by party, a consulate's people counted."""
    rows = session.exec(
        select(Confirmation)
        .where(Confirmation.movement_id == movement.movement_id)
        .order_by(col(Confirmation.asked_at), Confirmation.confirmation_id)
    ).all()
    asked: dict[datetime, set[tuple[PartyKind, str]]] = {}
    answered: dict[tuple[datetime, PartyKind, str, Answer, str], list[Confirmation]] = {}
    reminded: set[tuple[datetime, PartyKind, str]] = set()
    for row in rows:
        asked.setdefault(row.asked_at, set()).add((row.party_kind, row.party_id))
        if row.reminded_at is not None:
            reminded.add((row.reminded_at, row.party_kind, row.party_id))
        if row.answered_at is not None:
            reason = row.reason.value if row.reason else ""
            answered.setdefault((row.answered_at, row.party_kind, row.party_id, row.answer, reason), []).append(row)
    events = [Event(at=at, code="asked", words={"n": str(len(parties))}) for at, parties in asked.items()]
    events += [Event(at=at, code="reminded", party=(kind, party_id)) for at, kind, party_id in sorted(reminded)]
    for (at, kind, party_id, answer, reason), same in answered.items():
        words = {"answer_key": f"answer.{answer.value}", "n": str(len(same))}
        if reason:
            words["reason_key"] = f"reason.answer.{reason}"
        code = "answered_people" if kind is PartyKind.CONSULATE else "answered"
        events.append(Event(at=at, code=code, by=same[0].answered_by, party=(kind, party_id), words=words))
    return events


def _versions(session: Session, movement: Movement) -> list[Event]:
    events = []
    for row in session.exec(select(ManifestVersion).where(ManifestVersion.movement_id == movement.movement_id)).all():
        words = {"n": str(row.version), "people": str(row.person_count)}
        code = "removal" if row.is_removal_only else "issued"
        by = row.signed_by or row.proposed_by
        events.append(Event(at=row.issued_at, code=code, by=by, words=words))
        if row.status is ManifestStatus.VOID and row.ended_at is not None:
            events.append(Event(at=row.ended_at, code="void", words=words))
    return events


def _acknowledged(session: Session, movement: Movement) -> list[Event]:
    rows = session.exec(
        select(Acknowledgement).where(
            Acknowledgement.movement_id == movement.movement_id, col(Acknowledgement.acknowledged_at).is_not(None)
        )
    ).all()
    return [
        Event(
            at=row.acknowledged_at,
            code="acknowledged",
            by=row.acknowledged_by,
            party=(row.party_kind, row.party_id),
            words={"n": str(row.manifest_version)},
        )
        for row in rows
        if row.acknowledged_at is not None
    ]


def _left(session: Session, movement: Movement) -> list[Event]:
    """Who had a seat and has it no longer, by the moment; never why."""
    rows = session.exec(
        select(Seat, Person)
        .join(Person, col(Person.person_id) == Seat.person_id)
        .where(
            Seat.movement_id == movement.movement_id,
            Seat.status == SeatStatus.FREED,
            col(Seat.freed_at).is_not(None),
        )
        .order_by(Person.group_id, Person.person_id)
    ).all()
    names: dict[datetime, list[str]] = {}
    for seat, person in rows:
        if seat.freed_at is not None:
            names.setdefault(seat.freed_at, []).append(f"{person.given_names} {person.family_names}".strip())
    return [
        Event(at=at, code="not_travelling", words={"n": str(len(group)), "names": ", ".join(group)})
        for at, group in names.items()
    ]


def _arrived(session: Session, movement: Movement) -> list[Event]:
    """Ticks by place, outcome and who ticked, at the moment of the last one."""
    rows = session.exec(select(Arrival).where(Arrival.movement_id == movement.movement_id)).all()
    ticks: dict[tuple[str, str, str], list[datetime]] = {}
    for row in rows:
        ticks.setdefault((row.place_id, row.outcome.value, row.recorded_by), []).append(row.at)
    return [
        Event(at=max(times), code=f"ticked_{outcome}", by=by, place_id=place_id, words={"n": str(len(times))})
        for (place_id, outcome, by), times in ticks.items()
    ]


def _handed_over(session: Session, movement: Movement) -> list[Event]:
    handovers = session.exec(select(Handover).where(Handover.movement_id == movement.movement_id)).all()
    incidents = session.exec(select(Incident).where(Incident.movement_id == movement.movement_id)).all()
    return [
        *(
            Event(
                at=row.signed_at,
                code="handover",
                by=row.signed_by,
                place_id=row.place_id,
                words={"n": str(row.person_count), "who": row.received_by},
            )
            for row in handovers
        ),
        *(
            Event(
                at=row.at,
                code="incident",
                by=row.recorded_by,
                place_id=row.place_id,
                words={"incident_key": f"incident.{row.code.value}"},
            )
            for row in incidents
        ),
    ]


def _logged(session: Session, movement: Movement) -> list[Event]:
    rows = session.exec(
        select(AuditEntry)
        .where(
            AuditEntry.object_id == movement.movement_id,
            AuditEntry.outcome == "done",
            col(AuditEntry.act).in_(LOGGED),
        )
        .order_by(col(AuditEntry.sequence))
    ).all()
    return [Event(at=row.at, code="log", by=row.actor_id, words={"act_key": f"act.{row.act}"}) for row in rows]
