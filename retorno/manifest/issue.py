"""Writing a version: copies for every recipient, superseding after a removal, voiding.

A version that two people signed is built from the records of that moment. A version that only loses people is built
from the papers it supersedes, with rows taken out and nothing else changed: a corrected name waits for two signatures.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from datetime import datetime

from sqlmodel import Session, col, func, select

from retorno import clock, keyring
from retorno.confirmations.confirmation import Party, parties_of
from retorno.manifest.copies import build, with_fewer_people
from retorno.manifest.lists import current_version, latest_copy
from retorno.models.movements import (
    Acknowledgement,
    ManifestCopy,
    ManifestProposal,
    ManifestVersion,
    Movement,
)
from retorno.movements.facts import View, judge, view
from retorno.office import access, audit, notices
from retorno.papers.form import Manifest, manifest_bytes, manifest_from_bytes
from retorno.papers.seal import make_seal
from retorno.rules import RuleOutcome, blocking
from retorno.situation import Situation, situation
from retorno.vocabulary import ManifestStatus, MovementStatus, PartyKind


@dataclass(frozen=True, kw_only=True)
class Signatures:
    """Who made a version and how.

    Parameters
    ----------
    signed_by
        The second person; ``None`` for a version that an act of removal issued at once.
    is_from_papers
        Whether the copies are built from the papers before, only with fewer rows: after every removal, and where a
        vehicle under way gets a list again.
    """

    proposed_by: str
    proposed_at: datetime
    signed_by: str | None = None
    is_from_papers: bool = False

    @property
    def is_removal(self) -> bool:
        """Whether nobody signed, because the version only loses people."""
        return self.signed_by is None


def write_version(
    session: Session, seen: View, signatures: Signatures, outcomes: tuple[RuleOutcome, ...]
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
        is_removal_only=signatures.is_removal,
        proposed_by=signatures.proposed_by,
        proposed_at=signatures.proposed_at,
        signed_by=signatures.signed_by,
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
    asked = parties_of(session, movement)
    # Whoever had a list and is no longer on the way gets an empty one: its old paper must not look current.
    for party in [*asked, *(each for each in _recipients(session, movement.movement_id) if each not in asked)]:
        if not _copy(session, seen, party, version, signatures, now, at):
            continue
        if party in asked:
            session.add(
                Acknowledgement(
                    movement_id=movement.movement_id,
                    manifest_version=version,
                    party_kind=party.kind,
                    party_id=party.party_id,
                    due_at=movement.depart_at,
                )
            )
        _tell(session, movement, party, "manifest.issued", notices.visible_from(party.kind, now))
    for country in _consulates(session, seen, is_from_papers=signatures.is_from_papers):
        party = Party(kind=PartyKind.CONSULATE, party_id=country)
        if _copy(session, seen, party, version, signatures, now, at):
            _tell(session, movement, party, "manifest.issued", notices.visible_from(party.kind, now))
    session.flush()
    return made


def recipients(session: Session, seen: View) -> list[Party]:
    """Everyone who would get a copy if the list were issued now, consulates last."""
    countries = _consulates(session, seen, is_from_papers=False)
    return [
        *parties_of(session, seen.movement),
        *(Party(kind=PartyKind.CONSULATE, party_id=country) for country in countries),
    ]


def _recipients(session: Session, movement_id: str) -> list[Party]:
    """Whoever but consulates ever got a copy of this movement's list."""
    found = session.exec(
        select(col(ManifestCopy.recipient_kind), col(ManifestCopy.recipient_id))
        .where(ManifestCopy.movement_id == movement_id, ManifestCopy.recipient_kind != PartyKind.CONSULATE)
        .distinct()
        .order_by(ManifestCopy.recipient_kind, ManifestCopy.recipient_id)
    ).all()
    return [Party(kind=kind, party_id=party_id) for kind, party_id in found]


def _tell(session: Session, movement: Movement, party: Party, code: str, at: datetime) -> None:
    """A notice to one recipient; a consulate's names no movement, so that two states cannot join what they hear."""
    is_consulate = party.kind is PartyKind.CONSULATE
    notices.post(
        session,
        recipient_kind=party.kind.value,
        recipient_id=party.party_id,
        code=code,
        object_id=party.party_id if is_consulate else movement.movement_id,
        at=at,
    )


def _end_current(session: Session, movement_id: str, status: ManifestStatus, now: datetime) -> bool:
    current = current_version(session, movement_id)
    if current is None:
        return False
    current.status, current.ended_at = status, now
    session.add(current)
    session.flush()
    return True


def _consulates(session: Session, seen: View, *, is_from_papers: bool) -> list[str]:
    """States whose consulate has or had rows on this movement: a list that lost its last row is sent empty."""
    had = session.exec(
        select(ManifestCopy.recipient_id)
        .where(
            ManifestCopy.movement_id == seen.movement.movement_id,
            ManifestCopy.recipient_kind == PartyKind.CONSULATE,
        )
        .distinct()
    ).all()
    if is_from_papers:
        return sorted(had)
    nationalities = {rider.person.nationality for rider in seen.riders}
    agreed = set(access.consular_person_ids(session, tuple(nationalities)))
    now_listed = {r.person.nationality for r in seen.riders if r.person.person_id in agreed}
    return sorted(set(had) | now_listed)


def _copy(
    session: Session,
    seen: View,
    party: Party,
    version: int,
    signatures: Signatures,
    now: datetime,
    at: Situation,
) -> bool:
    """One recipient's copy; gives whether there was something to tell.

    A consulate gets a new one only when its own paper changes, from its next batch on; what changes again before that
    batch takes the same number, so the numbers tell nothing about how often a list changed (access.md 2).
    """
    movement = seen.movement
    last = latest_copy(session, movement.movement_id, party)
    if last is None and signatures.is_from_papers:
        return False
    is_pending = last is not None and last.visible_from > now
    number, supersedes = 1, None
    if last is not None:
        number = last.number if is_pending else last.number + 1
        supersedes = last.supersedes if is_pending else last.number
    if last is not None and signatures.is_from_papers:
        manifest = with_fewer_people(
            session,
            seen,
            party,
            manifest_from_bytes(last.canonical),
            number=number,
            supersedes=supersedes,
            now=now,
            at=at,
            is_crew_signed=not signatures.is_removal,
        )
    else:
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
            visible_from=notices.visible_from(party.kind, now),
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


# ---- after the issue --------------------------------------------------------------------------------------------


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
        notices.settle(session, code="manifest.to_sign", object_id=movement_id)
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
        if is_empty:
            movement.status, movement.cancelled_reason = MovementStatus.CANCELLED, "nobody_left"
        elif movement.status is not MovementStatus.DEPARTED:
            # Who is on the road stays on the road: two people give those aboard a list again.
            movement.status = MovementStatus.ACCEPTED
        movement.version += 1
        session.add(movement)
        session.flush()
        _tell_void(session, movement)
        audit.append(session, actor, act="manifest.void", object_kind="movement", object_id=movement_id)
        return None
    signatures = Signatures(proposed_by=actor.user_id, proposed_at=clock.now(), is_from_papers=True)
    made = write_version(session, seen, signatures, outcomes)
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
    proposal = session.get(ManifestProposal, movement_id)
    if proposal is not None:
        session.delete(proposal)
    notices.settle(session, code="manifest.to_sign", object_id=movement_id)
    if not _end_current(session, movement_id, ManifestStatus.VOID, clock.now()):
        return False
    _tell_void(session, session.get_one(Movement, movement_id))
    audit.append(session, actor, act="manifest.void", object_kind="movement", object_id=movement_id)
    return True


def _tell_void(session: Session, movement: Movement) -> None:
    told = session.exec(
        select(col(ManifestCopy.recipient_kind), col(ManifestCopy.recipient_id))
        .where(ManifestCopy.movement_id == movement.movement_id)
        .distinct()
    ).all()
    for kind, recipient_id in told:
        _tell(session, movement, Party(kind=kind, party_id=recipient_id), "manifest.void", notices.visible_from(kind))
