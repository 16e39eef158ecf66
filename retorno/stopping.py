"""Some people cannot go on: who stays with them, where they sleep, who flies on; shown before it is done, done at once.

One transaction: the ill leave with their whole groups, escorts who stay with children free their seats, lists without
them are issued, everyone is told. ``foresee`` does all of it in a transaction that is taken back, so what a page shows
before the click is what the click does.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from math import cos, hypot, radians

from sqlmodel import Session, col, func, select

from retorno import changes, clock
from retorno.errors import Fault, InputError, NotAllowed, Stale
from retorno.models.movements import (
    Acknowledgement,
    Arrival,
    Escort,
    ManifestCopy,
    ManifestVersion,
    Movement,
    MovementSegment,
    Seat,
    Stay,
)
from retorno.models.people import Case, Person, TravelGroup
from retorno.models.protection import EscortApproval
from retorno.movement_facts import Rider, judge, not_travelled, view
from retorno.office import access, audit, notices
from retorno.routes.rows import Airport, Place
from retorno.rules import Finding, blocking, escorts_needed
from retorno.scope import LIVE
from retorno.screening import writing
from retorno.situation import ground, situation
from retorno.vocabulary import ArrivalOutcome, ManifestStatus, MovementStatus, PartyKind, SeatStatus

TOGETHER = timedelta(hours=24)
"""Movements that leave one place within this time of each other are shown together."""
UNFIT_DAYS = 3
"""For how many days "cannot go on" holds unless something else is typed (our assumption, as for escorts)."""
PLACES_NEARBY = 4
CHILD_DUTY = "child_protection"


# ---- where one looks ----------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Traveller:
    """Somebody who may be ticked: who, of which group, on which of the movements."""

    person: Person
    movement_id: str
    is_unaccompanied: bool

    @property
    def name(self) -> str:
        """As written."""
        return f"{self.person.given_names} {self.person.family_names}".strip()


@dataclass(frozen=True, kw_only=True)
class Scene:
    """Where people cannot go on: the place, the movements that leave it, everyone on them by name.

    Parameters
    ----------
    together
        How many movements leave the place about now, this one among them.
    """

    place_id: str
    movements: tuple[Movement, ...]
    people: tuple[Traveller, ...]
    together: int


def scene(session: Session, actor: access.Actor, *, movement_id: str, is_all: bool = False) -> Scene:
    """The people of a movement, on wish with those of every other one that leaves the same place about now."""
    actor = access.require(session, actor, "changes.unfit", movement_id=movement_id)
    actor = access.require(session, actor, "manifest.read", movement_id=movement_id)
    movement = session.get_one(Movement, movement_id)
    place_id = _place_now(session, movement)
    beside = _together(session, movement, place_id)
    chosen = beside if is_all else [movement]
    people = [
        Traveller(person=rider.person, movement_id=each.movement_id, is_unaccompanied=rider.is_unaccompanied)
        for each in chosen
        for rider in _still_aboard(session, each)
    ]
    return Scene(
        place_id=place_id,
        movements=tuple(chosen),
        people=tuple(sorted(people, key=lambda each: (each.name.casefold(), each.person.person_id))),
        together=len(beside),
    )


def _place_now(session: Session, movement: Movement) -> str:
    """Where the people of a movement are: at its start, or at the last stop before now once it has left."""
    rides = session.exec(
        select(MovementSegment)
        .where(MovementSegment.movement_id == movement.movement_id)
        .order_by(col(MovementSegment.segment))
    ).all()
    if movement.status is not MovementStatus.DEPARTED:
        return rides[0].from_place_id
    passed = [ride.to_place_id for ride in rides if ride.arrive_at <= clock.now()]
    return passed[-1] if passed else rides[0].to_place_id


def _together(session: Session, movement: Movement, place_id: str) -> list[Movement]:
    if movement.status is MovementStatus.DEPARTED:
        return [movement]
    starts = select(MovementSegment.movement_id).where(
        MovementSegment.segment == 0, MovementSegment.from_place_id == place_id
    )
    return list(
        session.exec(
            select(Movement)
            .where(
                Movement.office_id == movement.office_id,
                col(Movement.status).in_([status for status in LIVE if status is not MovementStatus.DEPARTED]),
                col(Movement.movement_id).in_(starts),
                col(Movement.depart_at) >= movement.depart_at - TOGETHER,
                col(Movement.depart_at) <= movement.depart_at + TOGETHER,
            )
            .order_by(col(Movement.depart_at), Movement.label)
        ).all()
    )


def _still_aboard(session: Session, movement: Movement) -> list[Rider]:
    arrived = set(
        session.exec(
            select(Arrival.person_id).where(
                Arrival.movement_id == movement.movement_id, Arrival.outcome == ArrivalOutcome.ARRIVED
            )
        ).all()
    )
    return [rider for rider in view(session, movement.movement_id).riders if rider.person.person_id not in arrived]


# ---- where they may sleep, and who may stay with them ----------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Shelter:
    """A place where people can stay, with the beds free there; ``None`` where no beds are on record."""

    place_id: str
    free_beds: int | None


def shelters(session: Session, actor: access.Actor, *, place_id: str) -> tuple[Shelter, ...]:
    """Places with beds near a place, the nearest first, then the place itself."""
    access.require(session, actor, "changes.unfit")
    facts = ground()
    here = facts.places.get(place_id) or facts.airports.get(place_id)
    if here is None:
        return (Shelter(place_id=place_id, free_beds=None),)
    near = sorted(
        (
            facts.places[each]
            for each, row in facts.reception.items()
            if row.beds and each in facts.places and facts.places[each].country == here.country and each != place_id
        ),
        key=lambda each: (_apart(here, each), each.place_id),
    )
    known = [each.place_id for each in near[:PLACES_NEARBY]]
    return tuple(
        Shelter(place_id=each, free_beds=free_beds(session, each))
        for each in ([place_id, *known] if free_beds(session, place_id) is not None else [*known, place_id])
    )


def _apart(one: Place | Airport, other: Place | Airport) -> float:
    """Straight distance in degrees of latitude; good enough to say which is nearer."""
    return hypot(one.lat - other.lat, (one.lon - other.lon) * cos(radians(one.lat)))


def free_beds(session: Session, place_id: str) -> int | None:
    """Beds of a place less those of people who stay there already; ``None`` where none are on record."""
    row = ground().reception.get(place_id)
    if row is None or not row.beds:
        return None
    taken = session.exec(
        select(func.coalesce(func.sum(Stay.person_count), 0)).where(
            Stay.place_id == place_id, col(Stay.until) >= clock.now().date()
        )
    ).one()
    return max(0, row.beds - int(taken))


@dataclass(frozen=True, kw_only=True)
class Officer:
    """An escort who may stay with children.

    Parameters
    ----------
    movement_id
        The movement of the scene on which they have a seat, which they would leave; empty for none.
    approved_count
        For how many of the children who stay they are approved.
    """

    escort: Escort
    movement_id: str
    approved_count: int


def officers(
    session: Session, actor: access.Actor, *, movement_ids: Sequence[str], person_ids: Sequence[str]
) -> tuple[Officer, ...]:
    """Child-protection officers who can stay: those aboard first, and among them whoever is approved for most."""
    access.require(session, actor, "changes.escort")
    aboard: dict[str, str] = {}
    for seat in session.exec(
        select(Seat).where(
            col(Seat.movement_id).in_(list(movement_ids)),
            Seat.status == SeatStatus.ACTIVE,
            col(Seat.escort_id).is_not(None),
        )
    ).all():
        aboard.setdefault(seat.escort_id or "", seat.movement_id)
    children = [each.person_id for each in _children_alone(session, person_ids)]
    approved: dict[str, set[str]] = defaultdict(set)
    for row in session.exec(select(EscortApproval).where(col(EscortApproval.person_id).in_(children))).all():
        if row.valid_until >= clock.now().date():
            approved[row.escort_id].add(row.person_id)
    now = clock.now()
    busy = set(
        session.exec(
            select(Seat.escort_id).where(
                Seat.status == SeatStatus.ACTIVE,
                col(Seat.escort_id).is_not(None),
                col(Seat.movement_id).not_in(list(movement_ids)),
                col(Seat.depart_at) <= now + TOGETHER,
                not_travelled(now),
            )
        ).all()
    )
    rows = session.exec(
        select(Escort).where(Escort.duty == CHILD_DUTY, col(Escort.is_available)).order_by(Escort.name)
    ).all()
    found = [
        Officer(
            escort=row,
            movement_id=aboard.get(row.escort_id, ""),
            approved_count=len(approved[row.escort_id]),
        )
        for row in rows
        if row.escort_id not in busy and row.approved_until >= now.date()
    ]
    return tuple(sorted(found, key=lambda each: (not each.movement_id, -each.approved_count, each.escort.name)))


def suggested(found: Sequence[Officer], needed: int) -> tuple[str, ...]:
    """Officers to propose: no two of one movement as long as others are there, so that no flight loses too many."""
    chosen: list[Officer] = []
    for each in found:
        if len(chosen) < needed and each.movement_id not in {one.movement_id for one in chosen if one.movement_id}:
            chosen.append(each)
    for each in found:
        if len(chosen) < needed and each not in chosen:
            chosen.append(each)
    return tuple(each.escort.escort_id for each in chosen)


def _children_alone(session: Session, person_ids: Iterable[str]) -> list[Person]:
    """The unaccompanied children among the groups of these people."""
    groups = select(Person.group_id).where(col(Person.person_id).in_(list(person_ids)))
    return list(
        session.exec(
            select(Person)
            .where(col(Person.group_id).in_(groups), col(Person.is_unaccompanied))
            .order_by(Person.person_id)
        ).all()
    )


def officers_needed(session: Session, person_ids: Sequence[str]) -> int:
    """How many officers stay with the children alone among these people and their groups, as on a journey (R13)."""
    policy, today = situation(session).policy, clock.now().date()
    ages = [
        clock.age_on(each.birth_date, today) if each.birth_date else each.declared_age or 0
        for each in _children_alone(session, person_ids)
    ]
    return escorts_needed([min(age, policy.age_of_majority - 1) for age in ages], policy)


# ---- what is done -------------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What shall be done.

    Parameters
    ----------
    person_ids
        Who cannot go on; their groups stay with them.
    until
        Day from which they may be fit again.
    place_id
        Where they stay.
    escort_ids
        Officers who stay with the children.
    movement_ids
        The movements of the scene.
    """

    movement_ids: tuple[str, ...]
    person_ids: tuple[str, ...]
    until: date
    place_id: str
    escort_ids: tuple[str, ...] = ()


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


def stop(session: Session, actor: access.Actor, *, wanted: Wanted) -> Stay:
    """Take people who cannot go on off their journey with their groups, at once; officers stay with the children.

    Raises
    ------
    InputError
        If nobody is ticked, a day or officers are missing, or an officer cannot stay; every fault at once.
    Stale
        If nobody of those ticked travels any more.
    """
    actor = access.require(session, actor, "changes.unfit")
    for movement_id in wanted.movement_ids:
        access.require(session, actor, "changes.unfit", movement_id=movement_id)
    _checked(session, actor, wanted)
    now = clock.now()
    groups = sorted(
        set(session.exec(select(Person.group_id).where(col(Person.person_id).in_(wanted.person_ids))).all())
    )
    seats = session.exec(
        select(Seat).where(col(Seat.group_id).in_(groups), Seat.status == SeatStatus.ACTIVE, not_travelled(now))
    ).all()
    if not seats:
        raise Stale("these people no longer travel: open the movement again")
    left = sorted({seat.movement_id for seat in seats} | _leave(session, actor, wanted.escort_ids, now))
    before = {movement_id: _aboard(session, movement_id) for movement_id in left}
    versions = {movement_id: session.get_one(Movement, movement_id).manifest_version for movement_id in left}
    effect = changes.record_unfit(session, actor, person_ids=wanted.person_ids, until=wanted.until, also=left)
    new = dict(effect.superseded)
    changed = [
        {
            "movement_id": movement_id,
            "before": before[movement_id],
            "after": _aboard(session, movement_id),
            "old_version": versions[movement_id],
            "version": new.get(movement_id),
        }
        for movement_id in left
    ]
    count = session.exec(
        select(func.count())
        .select_from(Person)
        .where(col(Person.person_id).in_({seat.person_id for seat in seats if seat.person_id}))
    ).one()
    made = Stay(
        office_id=actor.office_id or "",
        place_id=wanted.place_id,
        group_ids=";".join(groups),
        person_count=count,
        escort_ids=";".join(sorted(wanted.escort_ids)),
        until=wanted.until,
        changed=json.dumps(changed, sort_keys=True),
        recorded_by=actor.user_id,
        recorded_at=now,
    )
    session.add(made)
    _are_here(session, groups, wanted.place_id)
    session.flush()
    audit.append(
        session, actor, act="changes.stay", object_kind="stay", object_id=made.stay_id,
        ids={"groups": made.group_ids, "escorts": made.escort_ids, "place_id": made.place_id},
    )  # fmt: skip
    return made


def _checked(session: Session, actor: access.Actor, wanted: Wanted) -> None:
    """``InputError`` with everything that is missing or wrong."""
    faults = []
    if not wanted.person_ids:
        faults.append(Fault(column="person_id", code="NOBODY", what="nobody is ticked"))
    if wanted.until < clock.now().date():
        faults.append(Fault(column="unfit_until", code="DAY_PAST", what=f"{wanted.until} lies in the past"))
    facts = ground()
    if wanted.place_id not in facts.places and wanted.place_id not in facts.airports:
        faults.append(Fault(column="place_id", code="EMPTY", what="expected the place where they stay"))
    needed = officers_needed(session, wanted.person_ids)
    if needed:
        able = {
            each.escort.escort_id
            for each in officers(
                session, actor, movement_ids=wanted.movement_ids, person_ids=wanted.person_ids
            )
        }  # fmt: skip
        if set(wanted.escort_ids) - able:
            faults.append(Fault(column="escort", code="ESCORT_UNAVAILABLE", what="an officer cannot stay"))
        if len(set(wanted.escort_ids)) < needed:
            what = f"{len(set(wanted.escort_ids))} officers, expected {needed}: no child stays without them"
            faults.append(Fault(column="staying_officers", code="OFFICERS_TOO_FEW", what=what))
    if faults:
        raise InputError(faults)


def _leave(session: Session, actor: access.Actor, escort_ids: Sequence[str], now: datetime) -> set[str]:
    """Free the seats of officers who stay behind; gives their movements."""
    if not escort_ids:
        return set()
    access.require(session, actor, "changes.escort")
    seats = session.exec(
        select(Seat).where(
            col(Seat.escort_id).in_(list(escort_ids)), Seat.status == SeatStatus.ACTIVE, not_travelled(now)
        )
    ).all()
    for seat in seats:
        seat.status, seat.freed_at = SeatStatus.FREED, now
        session.add(seat)
    session.flush()
    return {seat.movement_id for seat in seats}


def _are_here(session: Session, group_ids: Collection[str], place_id: str) -> None:
    """From now on the groups are planned from where they stay, unless another group of their case is elsewhere."""
    for case_id in sorted(
        set(session.exec(select(TravelGroup.case_id).where(col(TravelGroup.group_id).in_(group_ids))).all())
    ):
        all_groups = session.exec(select(TravelGroup.group_id).where(TravelGroup.case_id == case_id)).all()
        if set(all_groups) <= set(group_ids):
            case = session.get_one(Case, case_id)
            case.place_id = place_id
            case.version += 1
            session.add(case)


def _aboard(session: Session, movement_id: str) -> int:
    return session.exec(
        select(func.count())
        .select_from(Seat)
        .where(Seat.movement_id == movement_id, Seat.status == SeatStatus.ACTIVE, col(Seat.person_id).is_not(None))
    ).one()


# ---- what came of it, and what would -------------------------------------------------------------------------------


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
