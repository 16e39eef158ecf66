"""Import of people and groups that were read from a sheet: all of them or nobody, and nobody twice.

Nothing is written while one problem of the preview is left. What only the caseload can tell (somebody already
registered, a place of another office) is found here, again all at once.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import delete, insert, update
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, col, select

from retorno import clock
from retorno.errors import Fault, InputError, NotAllowed, Stale
from retorno.intake.duplicates import LikelyDuplicate, caseload_identities, find_pairs, identity
from retorno.intake.shared import office_of, place_fault, search_key
from retorno.intake.sheet import ImportGroup, ImportPreview, ImportRow, who
from retorno.models.base import new_id
from retorno.models.office import Office
from retorno.models.people import Case, Document, ImportRun, Person, TravelGroup
from retorno.office import access, audit
from retorno.office.access import Actor
from retorno.situation import ground

_CHUNK = 2_000


@dataclass(frozen=True, kw_only=True)
class ImportOutcome:
    """What an import did; ``is_unchanged`` if everything in the file was registered before."""

    run: ImportRun
    new_person_count: int
    new_group_count: int
    case_ids: tuple[str, ...] = ()

    @property
    def is_unchanged(self) -> bool:
        """Whether nothing was written."""
        return self.new_person_count == 0


def preview_duplicates(session: Session, actor: Actor, preview: ImportPreview) -> list[LikelyDuplicate]:
    """Likely duplicates among the rows (``"row 12"``) and between rows and the caseload, for a person to look at."""
    actor = access.require(session, actor, "intake.import")
    today = clock.now().date()
    new = [identity(f"row {row.row}", row.person, today=today) for group in preview.groups for row in group.rows]
    return find_pairs(new, caseload_identities(session, actor))


def apply_import(session: Session, actor: Actor, preview: ImportPreview) -> ImportOutcome:
    """Register everybody in the preview: all of them, or nobody.

    The same file again, or the same groups in another file, change nothing.

    Raises
    ------
    InputError
        With every problem of the preview, or with what only the caseload can tell: a place that is not this
        office's, a person who is registered already.
    NotAllowed
        If the actor may not import.
    Stale
        If the same file is being imported by somebody else at this moment.
    """
    actor = access.require(session, actor, "intake.import")
    if preview.problems:
        raise InputError(preview.problems)
    office = office_of(session, actor)
    content_key = hashlib.sha256(f"{office.office_id}:{preview.content_sha256}".encode()).hexdigest()
    done = session.exec(select(ImportRun).where(ImportRun.content_sha256 == content_key)).first()
    if done is not None:
        return ImportOutcome(run=done, new_person_count=0, new_group_count=0)
    new = _groups_not_registered(session, office, preview.groups)
    faults = _caseload_faults(session, actor, office, preview, new)
    if faults:
        raise InputError(faults)
    run = ImportRun(
        office_id=office.office_id,
        content_sha256=content_key,
        person_count=sum(len(group.rows) for _, group in new),
        group_count=len(new),
        imported_by=actor.user_id,
        imported_at=clock.now(),
    )
    try:
        session.add(run)
        session.flush()
        case_ids = _insert(session, actor, office, new, at=run.imported_at)
    except IntegrityError as error:
        raise Stale("somebody else has just imported the same people; look at them before trying again") from error
    audit.append(
        session,
        actor,
        act="intake.import",
        object_kind="import_run",
        object_id=run.import_id,
        ids={
            "content_sha256": content_key,
            "person_count": str(run.person_count),
            "group_count": str(run.group_count),
        },
    )
    return ImportOutcome(
        run=run, new_person_count=run.person_count, new_group_count=run.group_count, case_ids=tuple(case_ids)
    )


def is_registered(session: Session, actor: Actor, preview: ImportPreview) -> bool:
    """Whether everything in the file was imported before, so that importing it changes nothing."""
    actor = access.require(session, actor, "intake.import")
    office = office_of(session, actor)
    return not preview.problems and not _groups_not_registered(session, office, preview.groups)


def undo_import(session: Session, actor: Actor, *, import_id: str) -> ImportRun:
    """Take out everybody of an import again: on the same day at the office, and while nobody has touched them.

    Gives the run that is gone; the same file may be imported anew.

    Raises
    ------
    InputError
        If the day is over, or somebody has worked with one of the groups or people.
    NotAllowed
        If there is no such import of the actor's office.
    """
    actor = access.require(session, actor, "intake.import")
    office = office_of(session, actor)
    run = session.get(ImportRun, import_id, with_for_update=True)
    if run is None or run.office_id != office.office_id:
        raise NotAllowed
    zone_name = ground().places[office.home_place_id].timezone
    if clock.local(run.imported_at, zone_name).date() != clock.today(zone_name):
        raise InputError([Fault(code="UNDO_DAY", what="an import is undone on the same day only")])
    cases = session.exec(
        select(Case).where(
            Case.office_id == office.office_id, Case.opened_at == run.imported_at, Case.opened_by == run.imported_by
        )
    ).all()
    case_ids = [case.case_id for case in cases]
    groups = session.exec(select(TravelGroup).where(col(TravelGroup.case_id).in_(case_ids))).all()
    group_ids = [group.group_id for group in groups]
    persons = session.exec(select(Person).where(col(Person.group_id).in_(group_ids))).all()
    person_ids = [person.person_id for person in persons]
    # Every act that touches who may travel counts the group's availability up (I3); corrections count versions up.
    is_untouched = (
        len(persons) == run.person_count
        and all(case.version == 1 and case.closed_at is None for case in cases)
        and all(group.version == 1 and group.availability == 1 for group in groups)
        and all(person.version == 1 for person in persons)
    )
    if not is_untouched:
        raise InputError([Fault(code="UNDO_TOUCHED", what="somebody has worked with these people already")])
    try:
        session.execute(update(Person).where(col(Person.person_id).in_(person_ids)).values(caregiver_id=None))
        for table, column, ids in (
            (Document, Document.person_id, person_ids),
            (Person, Person.person_id, person_ids),
            (TravelGroup, TravelGroup.group_id, group_ids),
            (Case, Case.case_id, case_ids),
        ):
            session.execute(delete(table).where(col(column).in_(ids)))
    except IntegrityError as error:
        raise InputError([Fault(code="UNDO_TOUCHED", what="somebody has worked with these people already")]) from error
    session.delete(run)
    audit.append(
        session,
        actor,
        act="intake.undo_import",
        object_kind="import_run",
        object_id=import_id,
        ids={"person_count": str(run.person_count), "case_ids": ";".join(sorted(case_ids))},
    )
    return run


def _groups_not_registered(
    session: Session, office: Office, groups: Sequence[ImportGroup]
) -> list[tuple[str, ImportGroup]]:
    """The groups whose content has not been imported before, with their import keys."""
    keyed = [(f"{office.office_id}:{group.content_key}", group) for group in groups]
    known: set[str | None] = set()
    for start in range(0, len(keyed), _CHUNK):
        keys = [key for key, _ in keyed[start : start + _CHUNK]]
        known |= set(session.exec(select(col(Case.import_key)).where(col(Case.import_key).in_(keys))).all())
    return [(key, group) for key, group in keyed if key not in known]


def _caseload_faults(
    session: Session,
    actor: Actor,
    office: Office,
    preview: ImportPreview,
    new: Sequence[tuple[str, ImportGroup]],
) -> list[Fault]:
    """Places of other offices, and people of the own caseload who are registered already."""
    faults: list[Fault] = []
    place_column = preview.mapping.get("place_id", "place_id")
    for _, group in new:
        if group.place_id:
            faults += [
                replace(fault, file=preview.file, column=place_column)
                for fault in place_fault(group.place_id, office, row=group.rows[0].row)
            ]
    rows = {who(row.person): row for _, group in new for row in group.rows}
    keys = sorted({str(who[0]) for who in rows})
    cases = select(Case.case_id).where(Case.office_id == office.office_id)
    in_office = select(TravelGroup.group_id).where(col(TravelGroup.case_id).in_(cases))
    for start in range(0, len(keys), _CHUNK):
        found = session.exec(
            select(Person).where(
                col(Person.search_key).in_(keys[start : start + _CHUNK]), col(Person.group_id).in_(in_office)
            )
        ).all()
        for person in found:
            row = rows.get(who(person))
            if row is not None:
                what = f"already registered as {person.person_id}; take the row out, or correct the record there"
                faults.append(
                    Fault(
                        file=preview.file,
                        row=row.row,
                        column=preview.mapping["given_names"],
                        code="REGISTERED",
                        what=what,
                    )
                )
    return sorted(faults, key=lambda fault: (fault.row or 0, fault.column))


def _insert(
    session: Session, actor: Actor, office: Office, new: Sequence[tuple[str, ImportGroup]], *, at: datetime
) -> list[str]:
    """Write cases, groups, persons and documents in bulk; one log entry a case. Gives the case ids.

    The cases are opened at the instant of the import, by which an undoing finds them.
    """
    now = at
    cases: list[dict[str, Any]] = []
    groups: list[dict[str, Any]] = []
    persons: list[dict[str, Any]] = []
    documents: list[dict[str, Any]] = []
    log: list[tuple[str, dict[str, str]]] = []
    for import_key, group in new:
        case_id, group_id = new_id("C"), new_id("G")
        # Plain dicts: table objects for thousands of rows would cost more than writing them. What is left out takes
        # the default of its column.
        cases.append(
            {
                "case_id": case_id,
                "reference": case_id[2:],
                "place_id": group.place_id or office.home_place_id,
                "office_id": office.office_id,
                "opened_at": now,
                "opened_by": actor.user_id,
                "import_key": import_key,
            }
        )
        groups.append(group.group.model_dump() | {"group_id": group_id, "case_id": case_id})
        ids = {row.key: new_id("P") for row in group.rows}
        for number, row in enumerate(_caregivers_first(group.rows), start=1):
            persons.append(
                row.person.model_dump()
                | {
                    "person_id": ids[row.key],
                    "group_id": group_id,
                    "caregiver_id": ids.get(row.caregiver_key),
                    "search_key": search_key(row.person),
                    "import_key": f"{import_key}:{number}",
                    "registered_at": now,
                }
            )
            if row.document is not None:
                documents.append(
                    row.document.model_dump(exclude={"mrz"})
                    | {"document_id": new_id("D"), "person_id": ids[row.key], "recorded_at": now}
                )
        log.append((case_id, {"group_id": group_id, "person_ids": ";".join(ids.values())}))
    for table, rows in ((Case, cases), (TravelGroup, groups), (Person, persons), (Document, documents)):
        if rows:
            session.execute(insert(table), rows)
    for case_id, ids in log:
        audit.append(session, actor, act="intake.register", object_kind="case", object_id=case_id, ids=ids)
    return [case_id for case_id, _ in log]


def _caregivers_first(rows: Sequence[ImportRow]) -> list[ImportRow]:
    done: list[ImportRow] = []
    keys: set[str] = set()
    left = list(rows)
    while left:
        ready = [row for row in left if not row.caregiver_key or row.caregiver_key in keys]
        done += ready
        keys |= {row.key for row in ready}
        left = [row for row in left if row.key not in keys]
    return done
