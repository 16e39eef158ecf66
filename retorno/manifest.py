"""Stage 5: issue, supersede, void and release a manifest; what each recipient reads is in ``copies``.

Two people sign a version that adds or changes a row; a version that only loses people is issued at once by the act
that takes them off. Every rule is asked again, on every person, at that moment.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, replace
from datetime import datetime

from sqlmodel import Session, col, func, select

from retorno import clock, keyring
from retorno.confirmation import Party, parties_of
from retorno.copies import build
from retorno.errors import InputError, NotAllowed, Refused, Stale
from retorno.models.movements import (
    Acknowledgement,
    ManifestCopy,
    ManifestProposal,
    ManifestVersion,
    Movement,
    Seat,
)
from retorno.movement_facts import Rider, View, judge, view
from retorno.office import access, audit, notices
from retorno.papers.form import Manifest, canonical_bytes, manifest_bytes, manifest_from_bytes
from retorno.papers.seal import Seal, make_seal, parse_seal
from retorno.rules import RuleOutcome, blocking
from retorno.situation import Situation, situation
from retorno.vocabulary import ManifestStatus, MovementStatus, PartyKind, Role, SeatStatus

# ---- the two signatures -----------------------------------------------------------------------------------------


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
    seen = view(session, movement_id)
    if seen.movement.status not in (MovementStatus.CONFIRMED, MovementStatus.ISSUED, MovementStatus.RELEASED):
        raise Stale(f"movement is {seen.movement.status}: only a confirmed movement can be issued")
    _judged(session, actor, seen)
    old = session.get(ManifestProposal, movement_id)
    if old is not None:
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
    second = "protection" if needs_protection_signature(seen) else "coordinator"
    notices.post(
        session,
        recipient_kind=second,
        recipient_id=seen.movement.office_id,
        code="manifest.to_sign",
        object_id=movement_id,
    )
    audit.append(session, actor, act="manifest.propose", object_kind="movement", object_id=movement_id)
    return made


def needs_protection_signature(seen: View) -> bool:
    """Whether the second signature must be a protection officer's: unaccompanied or vulnerable people aboard (R34)."""
    return any(rider.is_unaccompanied or rider.is_vulnerable for rider in seen.riders)


def sign(session: Session, actor: access.Actor, *, movement_id: str) -> ManifestVersion:
    """The second signature, by another person: the version is issued, the notice is sent."""
    actor = access.require(session, actor, "manifest.sign", movement_id=movement_id)
    proposal = session.get(ManifestProposal, movement_id)
    if proposal is None:
        raise Stale("nothing is proposed: propose the manifest first")
    seen = view(session, movement_id)
    if proposal.proposed_by == actor.user_id:
        raise NotAllowed
    if not actor.has(Role.PROTECTION if needs_protection_signature(seen) else Role.COORDINATOR):
        raise NotAllowed
    if seen.movement.status not in (MovementStatus.CONFIRMED, MovementStatus.ISSUED, MovementStatus.RELEASED):
        raise Stale(f"movement is {seen.movement.status}: propose its list again when everybody has confirmed")
    if proposal.content_sha256 != content_digest(seen):
        raise Stale("the list changed since it was proposed: propose it again")
    outcomes = _judged(session, actor, seen)
    made = _issue(session, seen, proposal.proposed_by, proposal.proposed_at, actor.user_id, outcomes, is_removal=False)
    session.delete(proposal)
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


def _issue(
    session: Session,
    seen: View,
    proposed_by: str,
    proposed_at: datetime,
    signed_by: str | None,
    outcomes: tuple[RuleOutcome, ...],
    *,
    is_removal: bool,
) -> ManifestVersion:
    """Write version n+1, end version n, make every recipient's copy, ask everyone to acknowledge."""
    movement, now = seen.movement, clock.now()
    _end_current(session, movement.movement_id, ManifestStatus.SUPERSEDED, now)
    last = session.exec(
        select(func.max(ManifestVersion.version)).where(ManifestVersion.movement_id == movement.movement_id)
    ).one()
    version = (last or 0) + 1
    made = ManifestVersion(
        movement_id=movement.movement_id,
        version=version,
        supersedes=version - 1 or None,
        is_removal_only=is_removal,
        proposed_by=proposed_by,
        proposed_at=proposed_at,
        signed_by=signed_by,
        issued_at=now,
        verdict=json.dumps([outcome.as_json() for outcome in outcomes], sort_keys=True),
        person_count=len(seen.riders),
    )
    session.add(made)
    session.flush()
    for listed in (*(rider.seat for rider in seen.riders), *(escort.seat for escort in seen.escorts)):
        if listed.listed_from is None:
            listed.listed_from = version
            session.add(listed)
    movement.manifest_version = version
    movement.version += 1
    session.add(movement)
    at = situation(session)
    for party in parties_of(session, movement):
        _copy(session, seen, party, version, now, at)
        session.add(
            Acknowledgement(
                movement_id=movement.movement_id,
                manifest_version=version,
                party_kind=party.kind,
                party_id=party.party_id,
                due_at=movement.depart_at,
            )
        )
        notices.post(
            session,
            recipient_kind=party.kind.value,
            recipient_id=party.party_id,
            code="manifest.issued",
            object_id=movement.movement_id,
        )
    for country in _consulates(session, movement.movement_id, seen):
        party = Party(kind=PartyKind.CONSULATE, party_id=country)
        if not _copy(session, seen, party, version, now, at):
            continue
        notices.post(
            session,
            recipient_kind=party.kind.value,
            recipient_id=country,
            code="manifest.issued",
            object_id=movement.movement_id,
            at=notices.visible_from(party.kind, now),
        )
    session.flush()
    return made


def _end_current(session: Session, movement_id: str, status: ManifestStatus, now: datetime) -> bool:
    current = current_version(session, movement_id)
    if current is None:
        return False
    current.status, current.ended_at = status, now
    session.add(current)
    session.flush()
    return True


def _consulates(session: Session, movement_id: str, seen: View) -> list[str]:
    """States whose consulate has or had rows on this movement: a list that lost its last row is sent empty."""
    had = session.exec(
        select(ManifestCopy.recipient_id)
        .where(ManifestCopy.movement_id == movement_id, ManifestCopy.recipient_kind == PartyKind.CONSULATE)
        .distinct()
    ).all()
    nationalities = {rider.person.nationality for rider in seen.riders}
    agreed = set(access.consular_person_ids(session, tuple(nationalities)))
    now_listed = {r.person.nationality for r in seen.riders if r.person.person_id in agreed}
    return sorted(set(had) | now_listed)


def _copy(session: Session, seen: View, party: Party, version: int, now: datetime, at: Situation) -> bool:
    """One recipient's copy; gives whether there was something new to tell.

    A consulate gets a new one only when its own paper changes, from its next batch on; what changes again before that
    batch takes the same number, so the numbers tell nothing about how often a list changed (access.md 2).
    """
    movement = seen.movement
    last = latest_copy(session, movement.movement_id, party)
    is_pending = last is not None and last.visible_from > now
    number, supersedes = 1, None
    if last is not None:
        number = last.number if is_pending else last.number + 1
        supersedes = last.supersedes if is_pending else last.number
    manifest = build(session, seen, party, number=number, supersedes=supersedes, now=now, at=at)
    if last is not None and party.kind is PartyKind.CONSULATE and _says_the_same(manifest, last):
        return False
    content = manifest_bytes(manifest)
    office_keys = keyring.of_office(movement.office_id)
    keyring.publish(session, office_keys)
    seal = make_seal(content, office_keys.signing)
    session.add(
        ManifestCopy(
            movement_id=movement.movement_id,
            version=version,
            recipient_kind=party.kind,
            recipient_id=party.party_id,
            number=number,
            supersedes=supersedes,
            canonical=content,
            sha256=seal.digest.hex(),
            signature=seal.text,
            key_id=seal.key_id,
            made_at=now,
            visible_from=now if last is None else notices.visible_from(party.kind, now),
        )
    )
    session.flush()
    return True


def _says_the_same(manifest: Manifest, last: ManifestCopy) -> bool:
    """Whether a new paper would tell its recipient nothing new."""
    before = manifest_from_bytes(last.canonical)
    again = replace(
        before,
        version=manifest.version,
        supersedes=manifest.supersedes,
        issued_at=manifest.issued_at,
        notice=manifest.notice,
    )
    return manifest_bytes(again) == manifest_bytes(manifest)


def latest_copy(
    session: Session, movement_id: str, party: Party, *, visible_at: datetime | None = None
) -> ManifestCopy | None:
    """The newest copy of a recipient; with ``visible_at``, the newest that it may see at that instant."""
    statement = select(ManifestCopy).where(
        ManifestCopy.movement_id == movement_id,
        ManifestCopy.recipient_kind == party.kind,
        ManifestCopy.recipient_id == party.party_id,
    )
    if visible_at is not None:
        statement = statement.where(col(ManifestCopy.visible_from) <= visible_at)
    newest = statement.order_by(col(ManifestCopy.number).desc(), col(ManifestCopy.version).desc()).limit(1)
    return session.exec(newest).first()


# ---- after the issue --------------------------------------------------------------------------------------------


def current_version(session: Session, movement_id: str) -> ManifestVersion | None:
    """The one version in force, if there is one."""
    return session.exec(
        select(ManifestVersion).where(
            ManifestVersion.movement_id == movement_id, ManifestVersion.status == ManifestStatus.CURRENT
        )
    ).first()


def list_stands(session: Session, movement_id: str) -> bool:
    """Whether the version in force still names exactly the people who hold the seats that were signed for.

    Every act that frees a seat supersedes the list in the same transaction; where the records moved in any other way
    the list is not to be trusted (I23).
    """
    in_force = current_version(session, movement_id)
    if in_force is None:
        return False
    listed = session.exec(
        select(Seat).where(
            Seat.movement_id == movement_id, col(Seat.person_id).is_not(None), col(Seat.listed_from).is_not(None)
        )
    ).all()
    aboard = sum(seat.status is SeatStatus.ACTIVE for seat in listed)
    gone = any(seat.freed_at is not None and seat.freed_at > in_force.issued_at for seat in listed)
    return aboard == in_force.person_count and not gone


def supersede_after_removal(session: Session, actor: audit.ActorLike, *, movement_id: str) -> ManifestVersion | None:
    """Issue at once a version without the people just taken off, or void the list if the rest may not travel.

    Called by ``changes`` in the transaction of the act. Taking a person off never waits for a second signature; if
    those who remain no longer pass every rule, there is no current version until two people publish the next.
    """
    before = current_version(session, movement_id)
    proposal = session.get(ManifestProposal, movement_id)
    if proposal is not None:
        session.delete(proposal)
        session.flush()
    if before is None:
        return None
    # People who were added but not signed for yet stay off this version: it only loses rows.
    seen = view(session, movement_id, is_listed_only=True)
    movement = seen.movement
    outcomes = judge(session, seen, stage=MovementStatus.ISSUED, is_removal=True)
    stopping = [found for outcome in outcomes for found in blocking(outcome.findings)]
    if stopping or not seen.riders:
        _end_current(session, movement_id, ManifestStatus.VOID, clock.now())
        is_empty = not view(session, movement_id).riders
        movement.status = MovementStatus.CANCELLED if is_empty else MovementStatus.ACCEPTED
        movement.cancelled_reason = "nobody_left" if is_empty else ""
        movement.version += 1
        session.add(movement)
        session.flush()
        _tell_void(session, movement)
        audit.append(session, actor, act="manifest.void", object_kind="movement", object_id=movement_id)
        return None
    made = _issue(session, seen, actor.user_id, clock.now(), None, outcomes, is_removal=True)
    audit.append(
        session,
        actor,
        act="manifest.supersede",
        object_kind="movement",
        object_id=movement_id,
        ids={"version": str(made.version)},
    )
    return made


def void(session: Session, actor: audit.ActorLike, *, movement_id: str) -> bool:
    """End the version in force without successor: the movement was cancelled; gives whether there was one."""
    if not _end_current(session, movement_id, ManifestStatus.VOID, clock.now()):
        return False
    _tell_void(session, session.get_one(Movement, movement_id))
    audit.append(session, actor, act="manifest.void", object_kind="movement", object_id=movement_id)
    return True


def _tell_void(session: Session, movement: Movement) -> None:
    recipients = session.exec(
        select(col(ManifestCopy.recipient_kind), col(ManifestCopy.recipient_id))
        .where(ManifestCopy.movement_id == movement.movement_id)
        .distinct()
    ).all()
    for kind, recipient_id in recipients:
        notices.post(
            session,
            recipient_kind=kind.value,
            recipient_id=recipient_id,
            code="manifest.void",
            object_id=movement.movement_id,
            at=notices.visible_from(kind),
        )


def acknowledge(
    session: Session,
    actor: access.Actor,
    *,
    movement_id: str,
    party: Party,
    version: int,
    answered_by: str = "",
    way: str = "page",
) -> Acknowledgement:
    """A party has the version in force; a coordinator records it for a party without account."""
    current = access.load_actor(session, actor.user_id)
    recorder: str | None = None
    role = next((role for role, kind in access.PARTY_OF_ROLE.items() if kind is party.kind), None)
    if role is not None and current.has(role) and party.party_id in current.scopes(role):
        current = access.require(session, current, "manifest.acknowledge", movement_id=movement_id)
    else:
        current = access.require(session, current, "confirmation.record", movement_id=movement_id)
        recorder = current.user_id
        if not answered_by.strip():
            raise InputError("who acknowledged is missing: write the name or the office that gave the answer")
    row = session.get(Acknowledgement, (movement_id, version, party.kind, party.party_id))
    in_force = current_version(session, movement_id)
    if row is None or in_force is None or in_force.version != version:
        raise Stale("this is not the version in force: open the current list")
    if row.acknowledged_at is None:
        row.acknowledged_at, row.acknowledged_by = clock.now(), answered_by.strip() or current.user_id
        row.recorded_by, row.way = recorder, way
        session.add(row)
        audit.append(
            session,
            current,
            act="manifest.acknowledge",
            object_kind="movement",
            object_id=movement_id,
            ids={"version": str(version), "party": party.party_id},
        )
    return row


def acknowledgements(session: Session, movement_id: str) -> list[Acknowledgement]:
    """Everyone who has to acknowledge the version in force, the missing ones first."""
    in_force = current_version(session, movement_id)
    if in_force is None:
        return []
    rows = session.exec(
        select(Acknowledgement).where(
            Acknowledgement.movement_id == movement_id, Acknowledgement.manifest_version == in_force.version
        )
    ).all()
    return sorted(rows, key=lambda row: (row.acknowledged_at is not None, row.party_kind.value, row.party_id))


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


# ---- reading a copy, checking a paper ----------------------------------------------------------------------------


def copy_for(session: Session, actor: access.Actor, *, movement_id: str, party: Party) -> ManifestCopy:
    """The latest copy a recipient may see now; reading is logged. Coordinators may open any recipient's copy."""
    current = access.load_actor(session, actor.user_id)
    role = next((role for role, kind in access.PARTY_OF_ROLE.items() if kind is party.kind), None)
    if role is not None and current.has(role) and party.party_id in current.scopes(role):
        if role is Role.CONSULATE:
            current = access.require(session, current, "manifest.receive")
        else:
            current = access.require(session, current, "manifest.receive", movement_id=movement_id)
    else:
        current = access.require(session, current, "manifest.read", movement_id=movement_id)
    row = latest_copy(session, movement_id, party, visible_at=clock.now())
    if row is None:
        raise NotAllowed
    # A consulate learns of changes in batches only, so its copy is asked for its own number alone.
    is_false = party.kind is not PartyKind.CONSULATE and not list_stands(session, movement_id)
    if not current.has(Role.COORDINATOR) and (is_false or is_superseded(session, seal_of(row))):
        raise Stale("this list is no longer valid, and there is none in its place")
    audit.append(
        session,
        current,
        act="manifest.read",
        object_kind="manifest_copy",
        object_id=row.copy_id,
        outcome="read",
        ids={"movement_id": movement_id},
    )
    return row


def is_superseded(session: Session, seal: Seal) -> bool:
    """Whether a genuine paper is no longer in force, as its recipient may know by now."""
    row = session.exec(select(ManifestCopy).where(ManifestCopy.sha256 == seal.digest.hex())).first()
    if row is None:
        return True
    now = clock.now()
    later = session.exec(
        select(ManifestCopy.copy_id).where(
            ManifestCopy.movement_id == row.movement_id,
            ManifestCopy.recipient_kind == row.recipient_kind,
            ManifestCopy.recipient_id == row.recipient_id,
            col(ManifestCopy.number) > row.number,
            col(ManifestCopy.visible_from) <= now,
        )
    ).first()
    if later is not None:
        return True
    if current_version(session, row.movement_id) is not None:
        return False
    ended = session.exec(
        select(func.max(ManifestVersion.ended_at)).where(ManifestVersion.movement_id == row.movement_id)
    ).one()
    known_from = notices.visible_from(row.recipient_kind, ended) if ended else now
    return bool(known_from <= now)


def seal_of(copy: ManifestCopy) -> Seal:
    """The seal as stored with a copy."""
    return parse_seal(copy.signature)


@dataclass(frozen=True, kw_only=True)
class Incoming:
    """One movement on a post's or reception point's list."""

    movement: Movement
    party: Party
    copy: ManifestCopy | None
    is_acknowledged: bool
    is_void: bool
    person_count: int


def incoming(session: Session, actor: access.Actor) -> list[Incoming]:
    """What comes to a post, reception point or escort: within the window, by departure."""
    current = access.require(session, actor, "manifest.receive")
    found: list[Incoming] = []
    for role, kind in access.PARTY_OF_ROLE.items():
        if role is Role.CONSULATE or not current.has(role):
            continue
        for scope in current.scopes(role):
            party = Party(kind=kind, party_id=scope)
            found += [_incoming(session, movement, party) for movement in _movements_for(session, current, role, party)]
    return sorted(found, key=lambda item: (item.movement.depart_at, item.movement.reference))


def _movements_for(session: Session, actor: access.Actor, role: Role, party: Party) -> list[Movement]:
    copied = select(ManifestCopy.movement_id).where(
        ManifestCopy.recipient_kind == party.kind, ManifestCopy.recipient_id == party.party_id
    )
    return list(
        session.exec(
            select(Movement).where(access.movements_of(actor, role), col(Movement.movement_id).in_(copied))
        ).all()
    )


def _incoming(session: Session, movement: Movement, party: Party) -> Incoming:
    copy = latest_copy(session, movement.movement_id, party, visible_at=clock.now())
    in_force = current_version(session, movement.movement_id)
    ack = (
        session.get(Acknowledgement, (movement.movement_id, in_force.version, party.kind, party.party_id))
        if in_force
        else None
    )
    return Incoming(
        movement=movement,
        party=party,
        copy=copy,
        is_acknowledged=ack is not None and ack.acknowledged_at is not None,
        is_void=in_force is None,
        person_count=len(json.loads(copy.canonical)["rows"]) if copy else 0,
    )
