"""A movement's page: everything that happened to it, every rule's word on it now, and what it still waits for.

Reads only; each function checks the access matrix, and the page that shows persons logs the reading.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlmodel import Session, col, select

from retorno import clock, manifest
from retorno.confirmations import confirmation
from retorno.models.movements import (
    Acknowledgement,
    Arrival,
    Closure,
    Confirmation,
    Driver,
    Escort,
    Handover,
    Incident,
    ManifestCopy,
    ManifestProposal,
    ManifestVersion,
    Movement,
    MovementCrossing,
    MovementSegment,
)
from retorno.models.office import User
from retorno.movements import story
from retorno.movements.facts import EscortSeat, Rider, View, judge
from retorno.movements.story import Event
from retorno.office import access
from retorno.routes.answers import Closed
from retorno.rules import Finding, RuleCode, RuleOutcome, blocking
from retorno.situation import situation
from retorno.under_way import arrival
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
    is_without_list: bool


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What the rules say about a movement now, for its next step.

    Parameters
    ----------
    stage
        The step the rules were asked for.
    stopping
        What stops it, as the reader may see it.
    noted
        What does not stop a list for a vehicle that is already under way, but goes into its verdict.
    """

    stage: MovementStatus
    outcomes: tuple[RuleOutcome, ...]
    stopping: tuple[Finding, ...]
    noted: tuple[Finding, ...] = ()


@dataclass(frozen=True, kw_only=True)
class PlaceOnTheWay:
    """A post or stop where people are ticked: when it is reached, whether somebody there can sign in."""

    place_id: str
    at: datetime
    has_account: bool
    is_signed: bool


@dataclass(frozen=True, kw_only=True)
class MovementReport:
    """One movement as a coordinator or protection officer reads it."""

    movement: Movement
    segments: tuple[MovementSegment, ...]
    crossings: tuple[MovementCrossing, ...]
    riders: tuple[Rider, ...]
    escorts: tuple[EscortSeat, ...]
    drivers: tuple[Driver, ...]
    known_drivers: tuple[Driver, ...]
    questions: tuple[Confirmation, ...]
    versions: tuple[ManifestVersion, ...]
    proposal: ManifestProposal | None
    second_role: Role
    signers: tuple[str, ...]
    vulnerable: tuple[Rider, ...]
    recipient_count: int
    is_without_list: bool
    acknowledgements: tuple[Acknowledgement, ...]
    earlier_acknowledgements: tuple[Acknowledgement, ...]
    copies: tuple[ManifestCopy, ...]
    arrivals: tuple[Arrival, ...]
    handovers: tuple[Handover, ...]
    incidents: tuple[Incident, ...]
    verdict: Verdict | None
    events: tuple[Event, ...]
    places: tuple[PlaceOnTheWay, ...]
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
        is_without_list=manifest.is_without_list(session, movement),
    )


def to_sign(session: Session, actor: access.Actor) -> list[MovementRow]:
    """Movements whose list waits for this user's second signature."""
    current = access.require(session, actor, "manifest.sign")
    found = []
    for row in rows(session, current):
        proposal = session.get(ManifestProposal, row.movement.movement_id)
        if proposal is None or proposal.proposed_by == current.user_id:
            continue
        seen = manifest.to_list(session, row.movement.movement_id)
        if current.has(manifest.second_role(session, seen)):
            found.append(row)
    return found


def report(session: Session, actor: access.Actor, *, movement_id: str) -> MovementReport:
    """Everything about one movement; the page that shows it logs the reading."""
    actor = access.require(session, actor, "manifest.read", movement_id=movement_id)
    seen = manifest.to_list(session, movement_id)
    movement = seen.movement
    events = story.story(session, movement)
    questions, versions = _questions(session, actor, movement_id), _versions(session, movement_id)
    acknowledged = manifest.acknowledgements(session, movement_id)
    earlier = session.exec(
        select(Acknowledgement)
        .where(
            Acknowledgement.movement_id == movement_id,
            Acknowledgement.manifest_version != movement.manifest_version,
        )
        .order_by(col(Acknowledgement.manifest_version).desc(), Acknowledgement.party_kind, Acknowledgement.party_id)
    ).all()
    acted = [
        *story.users_of(events),
        *(each.answered_by for each in questions),
        *(each.acknowledged_by for each in (*acknowledged, *earlier)),
        *(user_id for each in versions for user_id in (each.proposed_by, each.signed_by or "")),
    ]
    known = session.exec(select(Driver).where(Driver.operator == movement.operator).order_by(Driver.name)).all()
    handovers = tuple(session.exec(select(Handover).where(Handover.movement_id == movement_id)).all())
    escorts = session.exec(select(Escort)).all()
    return MovementReport(
        movement=movement,
        segments=seen.segments,
        crossings=seen.crossings,
        riders=tuple(seen.riders),
        escorts=tuple(seen.escorts),
        drivers=tuple(seen.drivers),
        known_drivers=tuple(known),
        questions=tuple(questions),
        versions=tuple(versions),
        proposal=session.get(ManifestProposal, movement_id),
        second_role=manifest.second_role(session, seen),
        signers=tuple(manifest.signers(session, actor, movement_id=movement_id)),
        vulnerable=tuple(manifest.vulnerable_riders(seen)),
        recipient_count=len(manifest.recipients(session, seen)),
        is_without_list=manifest.is_without_list(session, movement),
        acknowledgements=tuple(acknowledged),
        earlier_acknowledgements=tuple(earlier),
        copies=tuple(_copies(session, movement_id)),
        arrivals=tuple(session.exec(select(Arrival).where(Arrival.movement_id == movement_id)).all()),
        handovers=handovers,
        incidents=tuple(
            session.exec(select(Incident).where(Incident.movement_id == movement_id).order_by(col(Incident.at))).all()
        ),
        verdict=_verdict(session, actor, seen),
        events=tuple(events),
        places=tuple(_places(session, seen, {each.place_id for each in handovers})),
        names=user_names(session, actor, acted) | {each.escort_id: each.name for each in escorts},
    )


def _places(session: Session, seen: View, signed: set[str]) -> list[PlaceOnTheWay]:
    """Posts and stops in the order in which they are reached."""
    way = arrival.places_on_the_way(session, seen.movement.movement_id)
    reachable = {party_id for _, party_id in confirmation.accounts_of_parties(session)}
    return [
        PlaceOnTheWay(place_id=place_id, at=at, has_account=place_id in reachable, is_signed=place_id in signed)
        for place_id, (at, _) in sorted(way.items(), key=lambda each: each[1])
    ]


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
    if not seen.riders:
        return None
    if manifest.is_without_list(session, seen.movement):
        return _verdict_under_way(session, actor, seen)
    if seen.movement.status not in LIST_OPEN:
        return None
    is_issued = seen.movement.status in (MovementStatus.ISSUED, MovementStatus.RELEASED)
    stage = MovementStatus.RELEASED if is_issued else MovementStatus.ISSUED
    outcomes = judge(session, seen, stage=stage)
    stopping = [found for outcome in outcomes for found in blocking(outcome.findings)]
    shown = tuple(dict.fromkeys(access.visible_findings(stopping, actor)))
    if any(found.code is RuleCode.NOT_AVAILABLE for found in shown):
        outcomes = tuple(outcome for outcome in outcomes if outcome.rule not in TELLING_RULES)
    return Verdict(stage=stage, outcomes=outcomes, stopping=shown)


def _verdict_under_way(session: Session, actor: access.Actor, seen: View) -> Verdict:
    """What stops a list for a vehicle on the road, and what is only noted in its verdict."""
    outcomes = judge(session, seen, stage=MovementStatus.ISSUED, is_removal=True)
    found = {
        is_never: access.visible_findings(
            [
                finding
                for outcome in outcomes
                if (outcome.rule in manifest.NEVER_ABOARD) is is_never
                for finding in blocking(outcome.findings)
            ],
            actor,
        )
        for is_never in (True, False)
    }
    shown = tuple(dict.fromkeys(found[True]))
    if any(each.code is RuleCode.NOT_AVAILABLE for each in (*shown, *found[False])):
        outcomes = tuple(outcome for outcome in outcomes if outcome.rule not in TELLING_RULES)
    return Verdict(
        stage=MovementStatus.ISSUED, outcomes=outcomes, stopping=shown, noted=tuple(dict.fromkeys(found[False]))
    )


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
