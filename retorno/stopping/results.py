"""What the act would do, what it did, and what is to print afterwards."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session, col, select

from retorno.errors import NotAllowed
from retorno.models.movements import Acknowledgement, Escort, ManifestCopy, ManifestVersion, Movement, Stay
from retorno.models.people import Person
from retorno.movements.facts import judge, view
from retorno.office import access, notices
from retorno.plans.screening import writing
from retorno.rules import Finding, blocking
from retorno.stopping.act import Wanted, stop
from retorno.stopping.places import free_beds
from retorno.vocabulary import ManifestStatus, MovementStatus, PartyKind


@dataclass(frozen=True, kw_only=True)
class MovementChange:
    """One movement before and after; ``version`` of its new list, None where it has none that counts.

    ``findings`` say why those who remain may not travel as they are.
    """

    movement_id: str
    before: int
    after: int
    status: MovementStatus
    old_version: int
    version: int | None
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Told:
    """Somebody who is told: from when, on which movements, and on how many of these their yes is there already."""

    kind: PartyKind
    party_id: str
    visible_from: datetime
    movement_ids: tuple[str, ...]
    acknowledged: int


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """Everything that one act did or would do."""

    stay: Stay
    staying: int
    going: int
    movements: tuple[MovementChange, ...]
    told: tuple[Told, ...]
    free_beds: int | None

    @property
    def is_whole(self) -> bool:
        """Whether everybody who goes on still has a list that counts."""
        return all(each.version is not None or not each.after or not each.old_version for each in self.movements)


def foresee(session: Session, actor: access.Actor, *, wanted: Wanted) -> Outcome:
    """What ``stop`` would do: it is done in a transaction of its own, read, and taken back.

    Needs a session that only reads; raises what ``stop`` raises.
    """
    with writing(session) as trial:
        made = stop(trial, actor, wanted=wanted)
        return outcome(trial, actor, stay_id=made.stay_id)


def stays(session: Session, actor: access.Actor, *, movement_id: str) -> tuple[Stay, ...]:
    """Every time that people left this movement because they could not go on, the latest first."""
    actor = access.require(session, actor, "changes.unfit", movement_id=movement_id)
    rows = session.exec(
        select(Stay).where(Stay.office_id == (actor.office_id or "")).order_by(col(Stay.recorded_at).desc())
    ).all()
    return tuple(row for row in rows if any(each["movement_id"] == movement_id for each in json.loads(row.changed)))


def outcome(session: Session, actor: access.Actor, *, stay_id: str) -> Outcome:
    """What one act did, as it stands now: lists, whoever was told, who has acknowledged."""
    actor = access.require(session, actor, "changes.unfit")
    stay = session.get(Stay, stay_id)
    if stay is None or stay.office_id != actor.office_id:
        raise NotAllowed
    lines = tuple(_line(session, actor, row) for row in json.loads(stay.changed))
    return Outcome(
        stay=stay,
        staying=stay.person_count,
        going=sum(line.after for line in lines),
        movements=tuple(sorted(lines, key=lambda each: each.movement_id)),
        told=_told(session, lines),
        free_beds=free_beds(session, stay.place_id),
    )


def _line(session: Session, actor: access.Actor, row: dict[str, int | str | None]) -> MovementChange:
    movement_id, version = str(row["movement_id"]), row["version"]
    movement = session.get_one(Movement, movement_id)
    found: list[Finding] = []
    if version is None and row["after"] and row["old_version"]:
        seen = view(session, movement_id, is_listed_only=True)
        judged = judge(session, seen, stage=MovementStatus.ISSUED, is_removal=True)
        found = [each for rule in judged for each in blocking(rule.findings)]
    return MovementChange(
        movement_id=movement_id,
        before=int(row["before"] or 0),
        after=int(row["after"] or 0),
        status=movement.status,
        old_version=int(row["old_version"] or 0),
        version=int(version) if version is not None else None,
        findings=tuple(dict.fromkeys(access.visible_findings(found, actor))),
    )


def _told(session: Session, lines: Sequence[MovementChange]) -> tuple[Told, ...]:
    """Everyone with a paper of a list that was superseded or is void, consulates last."""
    rows: dict[tuple[PartyKind, str], list[tuple[str, datetime, bool]]] = defaultdict(list)
    for line in lines:
        if not line.old_version:
            continue
        wanted = line.version if line.version is not None else line.old_version
        ended = session.exec(
            select(ManifestVersion.ended_at).where(
                ManifestVersion.movement_id == line.movement_id,
                ManifestVersion.version == line.old_version,
                ManifestVersion.status != ManifestStatus.CURRENT,
            )
        ).first()
        acknowledged = {
            (row.party_kind, row.party_id)
            for row in session.exec(
                select(Acknowledgement).where(
                    Acknowledgement.movement_id == line.movement_id,
                    Acknowledgement.manifest_version == wanted,
                    col(Acknowledgement.acknowledged_at).is_not(None),
                )
            ).all()
        }
        for copy in session.exec(
            select(ManifestCopy).where(ManifestCopy.movement_id == line.movement_id, ManifestCopy.version == wanted)
        ).all():
            party = (copy.recipient_kind, copy.recipient_id)
            is_new = line.version is not None
            # That a list is void is told without a new paper: a consulate hears it in the batch after its end.
            at = copy.visible_from if is_new or ended is None else notices.visible_from(copy.recipient_kind, ended)
            rows[party].append((line.movement_id, at, is_new and party in acknowledged))
    found = [
        Told(
            kind=kind,
            party_id=party_id,
            visible_from=max(at for _, at, _ in each),
            movement_ids=tuple(sorted(movement_id for movement_id, _, _ in each)),
            acknowledged=sum(is_there for _, _, is_there in each),
        )
        for (kind, party_id), each in rows.items()
    ]
    return tuple(sorted(found, key=lambda each: (each.kind is PartyKind.CONSULATE, each.kind.value, each.party_id)))


# ---- afterwards --------------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Aftermath:
    """What a page shows after the act: its outcome, who stays, which papers are to print.

    Parameters
    ----------
    copies
        Movement id to the new papers, one a recipient; empty where the list is void.
    escorts
        Everyone who may be named as a recipient; ``staying_escorts`` are those who stay behind.
    """

    outcome: Outcome
    people: tuple[Person, ...]
    movements: dict[str, Movement]
    copies: dict[str, tuple[ManifestCopy, ...]]
    escorts: tuple[Escort, ...]
    staying_escorts: tuple[Escort, ...]


def aftermath(session: Session, actor: access.Actor, *, stay_id: str) -> Aftermath:
    """One act with everything that is to do after it; the page that shows it logs the reading."""
    actor = access.require(session, actor, "manifest.read")
    found = outcome(session, actor, stay_id=stay_id)
    people = session.exec(
        select(Person)
        .where(col(Person.group_id).in_(found.stay.group_ids.split(";")))
        .order_by(col(Person.group_id), Person.person_id)
    ).all()
    copies = {
        line.movement_id: tuple(
            session.exec(
                select(ManifestCopy)
                .where(ManifestCopy.movement_id == line.movement_id, ManifestCopy.version == (line.version or -1))
                .order_by(ManifestCopy.recipient_kind, ManifestCopy.recipient_id)
            ).all()
        )
        for line in found.movements
    }
    escorts = session.exec(select(Escort).order_by(Escort.name)).all()
    staying = set(found.stay.escort_ids.split(";"))
    return Aftermath(
        outcome=found,
        people=tuple(people),
        movements={line.movement_id: session.get_one(Movement, line.movement_id) for line in found.movements},
        copies=copies,
        escorts=tuple(escorts),
        staying_escorts=tuple(each for each in escorts if each.escort_id in staying),
    )


def escort_names(session: Session, actor: access.Actor) -> dict[str, str]:
    """Escort id to name."""
    access.require(session, actor, "movement.read")
    return {each.escort_id: each.name for each in session.exec(select(Escort)).all()}
