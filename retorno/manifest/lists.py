"""What recipients have: the version in force, each one's own copy, who has acknowledged it, what comes to a post."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session, col, func, select

from retorno import clock
from retorno.confirmations.confirmation import Party
from retorno.errors import InputError, NotAllowed, Stale
from retorno.models.movements import Acknowledgement, ManifestCopy, ManifestVersion, Movement, Seat
from retorno.office import access, audit, notices
from retorno.papers.seal import Seal, parse_seal
from retorno.vocabulary import ManifestStatus, PartyKind, Role, SeatStatus


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


# ---- acknowledgements -------------------------------------------------------------------------------------------


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
