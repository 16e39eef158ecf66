"""A movement's page: everything that happened to it, every rule's word on it now, and what it still waits for.

Reads only; each function checks the access matrix, and the page that shows persons logs the reading.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlmodel import Session, col, select

from retorno import clock, confirmation, manifest
from retorno.models.movements import (
    Acknowledgement,
    Arrival,
    Closure,
    Confirmation,
    Driver,
    Handover,
    Incident,
    ManifestCopy,
    ManifestProposal,
    ManifestVersion,
    Movement,
    MovementCrossing,
    MovementSegment,
)
from retorno.models.office import AuditEntry, User
from retorno.movement_facts import Rider, View, judge, view
from retorno.office import access
from retorno.routes.answers import Closed
from retorno.rules import Finding, RuleCode, RuleOutcome, blocking
from retorno.situation import situation
from retorno.vocabulary import Answer, MovementStatus, Profile, Role, Rule

LIST_OPEN = (MovementStatus.ACCEPTED, MovementStatus.CONFIRMED, MovementStatus.ISSUED, MovementStatus.RELEASED)

TELLING_RULES = frozenset({Rule.R4, Rule.R6, Rule.R8, Rule.R16, Rule.R17, Rule.R23})
"""Rules whose "fail" would say why somebody is "not available"; left out while somebody is (access.md 2, point 14)."""


@dataclass(frozen=True, kw_only=True)
class MovementRow:
    """One line of a list of movements, without a name."""

    movement: Movement
    from_place_id: str
    to_place_id: str
    person_count: int
    seats: int
    open_answers: int
    missing_acknowledgements: int
    is_proposed: bool


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What the rules say about a movement now, for its next step.

    Parameters
    ----------
    stage
        The step the rules were asked for.
    stopping
        What stops it, as the reader may see it.
    """

    stage: MovementStatus
    outcomes: tuple[RuleOutcome, ...]
    stopping: tuple[Finding, ...]


@dataclass(frozen=True, kw_only=True)
class Happened:
    """One thing that happened: when, what, by whom (an id), to which version."""

    at: datetime
    act: str
    actor_id: str
    outcome: str


@dataclass(frozen=True, kw_only=True)
class MovementReport:
    """One movement as a coordinator or protection officer reads it."""

    movement: Movement
    segments: tuple[MovementSegment, ...]
    crossings: tuple[MovementCrossing, ...]
    riders: tuple[Rider, ...]
    escort_names: tuple[str, ...]
    drivers: tuple[Driver, ...]
    known_drivers: tuple[Driver, ...]
    questions: tuple[Confirmation, ...]
    versions: tuple[ManifestVersion, ...]
    proposal: ManifestProposal | None
    needs_protection: bool
    acknowledgements: tuple[Acknowledgement, ...]
    copies: tuple[ManifestCopy, ...]
    arrivals: tuple[Arrival, ...]
    handovers: tuple[Handover, ...]
    incidents: tuple[Incident, ...]
    verdict: Verdict | None
    history: tuple[Happened, ...]
    names: dict[str, str]

    def name_of(self, user_id: str) -> str:
        """Name of a user who acted here; the text itself where it is no user, such as who answered on the phone."""
        return self.names.get(user_id, user_id)


def rows(session: Session, actor: access.Actor, *, is_open: bool = True) -> list[MovementRow]:
    """The movements of the office by departure: those still to travel, or those over."""
    actor = access.require(session, actor, "movement.read")
    role = Role.COORDINATOR if actor.has(Role.COORDINATOR) else Role.PROTECTION
    over = (MovementStatus.CLOSED, MovementStatus.CANCELLED)
    state = col(Movement.status).not_in(over) if is_open else col(Movement.status).in_(over)
    found = session.exec(
        select(Movement).where(access.movements_of(actor, role), state).order_by(col(Movement.depart_at))
    ).all()
    return [_row(session, movement) for movement in found]


def _row(session: Session, movement: Movement) -> MovementRow:
    segments = session.exec(
        select(MovementSegment)
        .where(MovementSegment.movement_id == movement.movement_id)
        .order_by(col(MovementSegment.segment))
    ).all()
    answers = session.exec(
        select(Confirmation.answer).where(
            Confirmation.movement_id == movement.movement_id, col(Confirmation.cancelled_at).is_(None)
        )
    ).all()
    waiting = [row for row in manifest.acknowledgements(session, movement.movement_id) if row.acknowledged_at is None]
    return MovementRow(
        movement=movement,
        from_place_id=segments[0].from_place_id if segments else "",
        to_place_id=segments[-1].to_place_id if segments else "",
        person_count=max((segment.taken for segment in segments), default=0),
        seats=max((segment.capacity for segment in segments), default=0),
        open_answers=sum(answer is Answer.PENDING for answer in answers),
        missing_acknowledgements=len(waiting),
        is_proposed=session.get(ManifestProposal, movement.movement_id) is not None,
    )


def to_sign(session: Session, actor: access.Actor) -> list[MovementRow]:
    """Movements whose list waits for this user's second signature."""
    current = access.require(session, actor, "manifest.sign")
    found = []
    for row in rows(session, current):
        proposal = session.get(ManifestProposal, row.movement.movement_id)
        if proposal is None or proposal.proposed_by == current.user_id:
            continue
        if current.has(Role.PROTECTION) or not manifest.needs_protection_signature(
            view(session, row.movement.movement_id)
        ):
            found.append(row)
    return found


def report(session: Session, actor: access.Actor, *, movement_id: str) -> MovementReport:
    """Everything about one movement; the page that shows it logs the reading."""
    actor = access.require(session, actor, "manifest.read", movement_id=movement_id)
    seen = view(session, movement_id)
    movement = seen.movement
    history = _history(session, movement_id)
    questions, versions = _questions(session, actor, movement_id), _versions(session, movement_id)
    acknowledged = manifest.acknowledgements(session, movement_id)
    acted = [
        *(each.actor_id for each in history),
        *(each.answered_by for each in questions),
        *(each.acknowledged_by for each in acknowledged),
        *(user_id for each in versions for user_id in (each.proposed_by, each.signed_by or "")),
    ]
    known = session.exec(select(Driver).where(Driver.operator == movement.operator).order_by(Driver.name)).all()
    return MovementReport(
        movement=movement,
        segments=seen.segments,
        crossings=seen.crossings,
        riders=tuple(seen.riders),
        escort_names=tuple(each.escort.name for each in seen.escorts),
        drivers=tuple(seen.drivers),
        known_drivers=tuple(known),
        questions=tuple(questions),
        versions=tuple(versions),
        proposal=session.get(ManifestProposal, movement_id),
        needs_protection=manifest.needs_protection_signature(seen),
        acknowledgements=tuple(acknowledged),
        copies=tuple(_copies(session, movement_id)),
        arrivals=tuple(session.exec(select(Arrival).where(Arrival.movement_id == movement_id)).all()),
        handovers=tuple(session.exec(select(Handover).where(Handover.movement_id == movement_id)).all()),
        incidents=tuple(
            session.exec(select(Incident).where(Incident.movement_id == movement_id).order_by(col(Incident.at))).all()
        ),
        verdict=_verdict(session, actor, seen),
        history=tuple(history),
        names=user_names(session, actor, acted),
    )


def user_names(session: Session, actor: access.Actor, user_ids: Sequence[str]) -> dict[str, str]:
    """Names of colleagues and of officers of other parties who acted on the office's movements, by user id."""
    access.require(session, actor, "movement.read")
    found = session.exec(
        select(col(User.user_id), col(User.display_name)).where(col(User.user_id).in_(sorted(set(user_ids))))
    ).all()
    return dict(found)


def _questions(session: Session, actor: access.Actor, movement_id: str) -> Sequence[Confirmation]:
    if not actor.has(Role.COORDINATOR):
        return ()
    return confirmation.open_questions(session, actor, movement_id=movement_id)


def _versions(session: Session, movement_id: str) -> Sequence[ManifestVersion]:
    return session.exec(
        select(ManifestVersion)
        .where(ManifestVersion.movement_id == movement_id)
        .order_by(col(ManifestVersion.version).desc())
    ).all()


def _copies(session: Session, movement_id: str) -> list[ManifestCopy]:
    """The latest copy of each recipient; a list that is void has none that counts."""
    if manifest.current_version(session, movement_id) is None:
        return []
    parties = session.exec(
        select(col(ManifestCopy.recipient_kind), col(ManifestCopy.recipient_id))
        .where(ManifestCopy.movement_id == movement_id)
        .distinct()
        .order_by(ManifestCopy.recipient_kind, ManifestCopy.recipient_id)
    ).all()
    latest = [
        manifest.latest_copy(session, movement_id, confirmation.Party(kind=kind, party_id=party_id))
        for kind, party_id in parties
    ]
    return [copy for copy in latest if copy is not None]


def _verdict(session: Session, actor: access.Actor, seen: View) -> Verdict | None:
    """Every rule asked for the movement's next step; None where nothing is left to ask."""
    if seen.movement.status not in LIST_OPEN or not seen.riders:
        return None
    is_issued = seen.movement.status in (MovementStatus.ISSUED, MovementStatus.RELEASED)
    stage = MovementStatus.RELEASED if is_issued else MovementStatus.ISSUED
    outcomes = judge(session, seen, stage=stage)
    stopping = [found for outcome in outcomes for found in blocking(outcome.findings)]
    shown = tuple(dict.fromkeys(access.visible_findings(stopping, actor)))
    if any(found.code is RuleCode.NOT_AVAILABLE for found in shown):
        outcomes = tuple(outcome for outcome in outcomes if outcome.rule not in TELLING_RULES)
    return Verdict(stage=stage, outcomes=outcomes, stopping=shown)


def _history(session: Session, movement_id: str) -> list[Happened]:
    """What the log says about this movement, newest first; acts and ids only."""
    found = session.exec(
        select(AuditEntry)
        .where(AuditEntry.object_id == movement_id, AuditEntry.outcome != "read")
        .order_by(col(AuditEntry.sequence).desc())
        .limit(100)
    ).all()
    return [Happened(at=row.at, act=row.act, actor_id=row.actor_id, outcome=row.outcome) for row in found]


# ---- closures ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class CrossingNow:
    """A land crossing as it is at this moment; ``reason`` is a code where it is closed."""

    crossing_id: str
    is_open: bool
    is_closed_by_office: bool
    is_drivable: bool
    reason: str


def closures(session: Session, actor: access.Actor) -> list[Closure]:
    """Closures in force or to come, latest first."""
    access.require(session, actor, "changes.closure")
    return [
        row
        for row in session.exec(
            select(Closure).where(col(Closure.reopened_at).is_(None)).order_by(col(Closure.from_at).desc())
        ).all()
        if row.until_at is None or row.until_at > clock.now()
    ]


def crossings_now(session: Session, actor: access.Actor) -> list[CrossingNow]:
    """Every land crossing with a road, and whether people may pass it now."""
    access.require(session, actor, "planning.read")
    now = clock.now()
    at = situation(session)
    closed_ids = {
        row.target_id
        for row in session.exec(select(Closure).where(col(Closure.reopened_at).is_(None))).all()
        if row.from_at <= now + timedelta(minutes=1) and (row.until_at is None or row.until_at > now)
    }
    found = []
    for crossing in at.ground.crossings.values():
        state = at.calendars.crossing_state(crossing.crossing_id, now, profiles={Profile.ADULTS})
        found.append(
            CrossingNow(
                crossing_id=crossing.crossing_id,
                is_open=not isinstance(state, Closed),
                is_closed_by_office=crossing.crossing_id in closed_ids
                or any(post.post_id in closed_ids for post in crossing.posts),
                is_drivable=crossing.drivable,
                reason=state.reason.value if isinstance(state, Closed) else "",
            )
        )
    return found
