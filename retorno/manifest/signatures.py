"""The two signatures, the release, the last question before a departure.

Two people sign a version that adds or changes a row. Every rule is asked again, on every person, at that moment.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace

from sqlmodel import Session, col, select

from retorno import clock
from retorno.confirmations.confirmation import Party
from retorno.errors import NotAllowed, Refused, Stale
from retorno.manifest.copies import build
from retorno.manifest.issue import Signatures, recipients, write_version
from retorno.manifest.lists import current_version, list_stands
from retorno.models.movements import ManifestProposal, ManifestVersion, Movement
from retorno.models.office import User
from retorno.movements.facts import Rider, View, judge, view
from retorno.office import access, audit, notices
from retorno.papers.form import Manifest, canonical_bytes
from retorno.rules import RuleOutcome, blocking
from retorno.situation import situation
from retorno.vocabulary import MovementStatus, Role, Rule

SIGNABLE = (MovementStatus.CONFIRMED, MovementStatus.ISSUED, MovementStatus.RELEASED)
NEVER_ABOARD = frozenset({Rule.R1, Rule.R3, Rule.R6})
"""Rules that also stop a list for a vehicle under way: consent in force, nobody withdrawn, nobody under a hold."""


def to_list(session: Session, movement_id: str) -> View:
    """Whom the next list may name: everyone with a seat; under way only people whom a signed list named before."""
    seen = view(session, movement_id)
    if seen.movement.status is not MovementStatus.DEPARTED:
        return seen
    return replace(seen, riders=[rider for rider in seen.riders if rider.seat.listed_from is not None])


def is_without_list(session: Session, movement: Movement) -> bool:
    """Whether a vehicle is under way and its list is void: those aboard need one again."""
    return movement.status is MovementStatus.DEPARTED and current_version(session, movement.movement_id) is None


def content_digest(seen: View) -> str:
    """SHA-256 of who travels, where, with whom, and of what is printed: the second signature finds it unchanged."""
    content = {
        "movement": seen.movement.movement_id,
        "depart": seen.movement.depart_at.isoformat(),
        "label": seen.movement.label,
        "seats": sorted([r.person.person_id, r.seat.board, r.seat.alight, *_printed(r)] for r in seen.riders),
        "escorts": sorted(e.escort.escort_id for e in seen.escorts),
        "drivers": sorted(d.driver_id for d in seen.drivers),
    }
    return hashlib.sha256(canonical_bytes(content)).hexdigest()


def _printed(rider: Rider) -> list[str]:
    """What papers say of a person, whoever receives them."""
    person, document = rider.person, rider.document
    return [
        person.given_names,
        person.family_names,
        person.sex.value,
        person.birth_date.isoformat() if person.birth_date else "",
        person.nationality,
        document.document_type.value if document else "",
        document.number if document else "",
        document.expires_on.isoformat() if document and document.expires_on else "",
        rider.group.destination_municipality,
        *rider.assistance,
    ]


def propose(session: Session, actor: access.Actor, *, movement_id: str) -> ManifestProposal:
    """The first signature: every rule is asked; the proposal waits for a second person."""
    actor = access.require(session, actor, "manifest.propose", movement_id=movement_id)
    seen = to_list(session, movement_id)
    if not _may_be_signed(session, seen.movement):
        raise Stale(f"movement is {seen.movement.status}: only a confirmed movement can be issued")
    _judged_to_issue(session, actor, seen)
    old = session.get(ManifestProposal, movement_id)
    if old is not None:
        if old.content_sha256 == content_digest(seen) and old.proposed_by == actor.user_id:
            return old
        session.delete(old)
        session.flush()
    made = ManifestProposal(
        movement_id=movement_id,
        content_sha256=content_digest(seen),
        proposed_by=actor.user_id,
        proposed_at=clock.now(),
    )
    session.add(made)
    session.flush()
    notices.settle(session, code="manifest.to_sign", object_id=movement_id)
    notices.post(
        session,
        recipient_kind=second_role(session, seen).value,
        recipient_id=seen.movement.office_id,
        code="manifest.to_sign",
        object_id=movement_id,
    )
    audit.append(session, actor, act="manifest.propose", object_kind="movement", object_id=movement_id)
    return made


def needs_protection_signature(seen: View) -> bool:
    """Whether the second signature must be a protection officer's: unaccompanied or vulnerable people aboard (R34)."""
    return bool(vulnerable_riders(seen))


def vulnerable_riders(seen: View) -> list[Rider]:
    """The people for whom protection signs: children, the elderly, and whoever needs help on the way (R34)."""
    return [rider for rider in seen.riders if rider.is_unaccompanied or rider.is_vulnerable]


def second_role(session: Session, seen: View) -> Role:
    """Who signs second: protection where someone vulnerable travels, or where a vehicle under way has no list."""
    is_protections = needs_protection_signature(seen) or is_without_list(session, seen.movement)
    return Role.PROTECTION if is_protections else Role.COORDINATOR


def signers(session: Session, actor: access.Actor, *, movement_id: str) -> list[str]:
    """Names of the colleagues who may sign second; whoever proposed is not among them, nor the actor."""
    actor = access.require(session, actor, "manifest.read", movement_id=movement_id)
    seen = to_list(session, movement_id)
    proposal = session.get(ManifestProposal, movement_id)
    first = proposal.proposed_by if proposal else actor.user_id
    able = access.users_with_role(session, seen.movement.office_id, second_role(session, seen))
    return list(
        session.exec(
            select(User.display_name)
            .where(col(User.user_id).in_([each for each in able if each != first]))
            .order_by(User.display_name)
        ).all()
    )


def sign(session: Session, actor: access.Actor, *, movement_id: str) -> ManifestVersion:
    """The second signature, by another person: the version is issued, the notice is sent."""
    actor = access.require(session, actor, "manifest.sign", movement_id=movement_id)
    proposal = session.get(ManifestProposal, movement_id)
    if proposal is None:
        raise Stale("nothing is proposed: propose the manifest first")
    seen = to_list(session, movement_id)
    if proposal.proposed_by == actor.user_id or not actor.has(second_role(session, seen)):
        raise NotAllowed
    if not _may_be_signed(session, seen.movement):
        raise Stale(f"movement is {seen.movement.status}: propose its list again when everybody has confirmed")
    if proposal.content_sha256 != content_digest(seen):
        raise Stale("the list changed since it was proposed: propose it again")
    outcomes = _judged_to_issue(session, actor, seen)
    is_under_way = seen.movement.status is MovementStatus.DEPARTED
    signatures = Signatures(
        proposed_by=proposal.proposed_by,
        proposed_at=proposal.proposed_at,
        signed_by=actor.user_id,
        is_from_papers=is_under_way,
    )
    made = write_version(session, seen, signatures, outcomes)
    session.delete(proposal)
    notices.settle(session, code="manifest.to_sign", object_id=movement_id)
    if not is_under_way:
        seen.movement.status = MovementStatus.ISSUED
    session.add(seen.movement)
    session.flush()
    audit.append(
        session,
        actor,
        act="manifest.sign",
        object_kind="movement",
        object_id=movement_id,
        ids={"version": str(made.version), "proposed_by": proposal.proposed_by},
    )
    return made


def _may_be_signed(session: Session, movement: Movement) -> bool:
    return movement.status in SIGNABLE or is_without_list(session, movement)


def _judged_to_issue(session: Session, actor: access.Actor, seen: View) -> tuple[RuleOutcome, ...]:
    """Every rule before a list is issued; under way only those about who may be aboard at all can refuse it.

    A vehicle on the road with a void list stands at the next border: what else a rule finds is kept in the verdict,
    and protection signs.
    """
    if seen.movement.status is not MovementStatus.DEPARTED:
        return _judged(session, actor, seen)
    outcomes = judge(session, seen, stage=MovementStatus.ISSUED, is_removal=True)
    stopping = [found for outcome in outcomes if outcome.rule in NEVER_ABOARD for found in blocking(outcome.findings)]
    if stopping or not seen.riders:
        raise Refused(access.visible_findings(stopping, actor))
    return outcomes


def _judged(
    session: Session,
    actor: access.Actor,
    seen: View,
    stage: MovementStatus = MovementStatus.ISSUED,
    *,
    is_removal: bool = False,
) -> tuple[RuleOutcome, ...]:
    """Every rule on every person and on the movement; ``Refused`` with what blocks, as the actor may read it."""
    outcomes = judge(session, seen, stage=stage, is_removal=is_removal)
    stopping = [found for outcome in outcomes for found in blocking(outcome.findings)]
    if stopping or not seen.riders:
        raise Refused(access.visible_findings(stopping, actor))
    return outcomes


@dataclass(frozen=True, kw_only=True)
class Preview:
    """What one recipient would read if the list were issued now."""

    party: Party
    manifest: Manifest


def preview(session: Session, actor: access.Actor, *, movement_id: str) -> list[Preview]:
    """Exactly what each recipient will see of the next version; the page that shows it logs the reading."""
    actor = access.require(session, actor, "manifest.read", movement_id=movement_id)
    seen = to_list(session, movement_id)
    at, now, number = situation(session), clock.now(), seen.movement.manifest_version + 1
    return [
        Preview(party=party, manifest=build(session, seen, party, number=number, supersedes=None, now=now, at=at))
        for party in recipients(session, seen)
    ]


# ---- release and departure ----------------------------------------------------------------------------------------


def release(session: Session, actor: access.Actor, *, movement_id: str) -> Movement:
    """Let an issued movement go: refused while one acknowledgement is missing or one rule objects."""
    actor = access.require(session, actor, "manifest.release", movement_id=movement_id)
    seen = view(session, movement_id)
    if seen.movement.status is not MovementStatus.ISSUED:
        raise Stale(f"movement is {seen.movement.status}: only an issued movement can be released")
    aboard = (*(rider.seat for rider in seen.riders), *(escort.seat for escort in seen.escorts))
    if not list_stands(session, movement_id) or any(seat.listed_from is None for seat in aboard):
        raise Stale("somebody aboard is not on the list in force: propose and sign the list again")
    _judged(session, actor, seen, MovementStatus.RELEASED)
    seen.movement.status = MovementStatus.RELEASED
    seen.movement.version += 1
    session.add(seen.movement)
    session.flush()
    audit.append(session, actor, act="manifest.release", object_kind="movement", object_id=movement_id)
    return seen.movement


def check_departure(session: Session, actor: access.Actor, *, movement_id: str) -> None:
    """Ask the list and every rule a last time before a released movement leaves.

    Raises
    ------
    Stale
        If the list no longer names who is aboard, or, for other roles than coordinators, if a rule objects.
    Refused
        If a rule objects, with what a coordinator may read of it.
    """
    seen = view(session, movement_id)
    if not list_stands(session, movement_id):
        raise Stale("the list in force no longer names who is aboard: propose and sign the list again")
    in_force = current_version(session, movement_id)
    is_removal = in_force is not None and in_force.is_removal_only
    try:
        _judged(session, actor, seen, MovementStatus.RELEASED, is_removal=is_removal)
    except Refused:
        if actor.has(Role.COORDINATOR):
            raise
        raise Stale("this movement may not leave: ask the coordinator") from None
