"""Import of people and groups from a sheet: template, preview with every problem, all or nothing, idempotent.

Nothing is written while one problem is left. Consents and holds are never imported. Names come through byte-exact
(after Unicode NFC), identifiers as text. Reading (``read_import``) needs no database; what only the caseload can tell
(somebody already registered, a place of another office) is found when the import is applied, again all at once.
"""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from pydantic import ValidationError
from sqlalchemy import insert
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, col, select

from retorno import clock
from retorno.errors import Fault, InputError, Stale
from retorno.intake.acts import caregiver_faults
from retorno.intake.columns import (
    COLUMNS,
    CellFault,
    ImportColumn,
    Kind,
    choices_of,
    guess_mapping,
    is_never_imported,
    plain,
    read_cell,
    sex_codes,
)
from retorno.intake.duplicates import LikelyDuplicate, caseload_identities, find_pairs, identity
from retorno.intake.shared import destination_faults, fault_of, office_of, person_faults, place_fault, search_key
from retorno.labels import label
from retorno.models.base import new_id
from retorno.models.office import Office
from retorno.models.people import (
    Case,
    Document,
    DocumentCreate,
    ImportRun,
    Person,
    PersonCreate,
    TravelGroup,
    TravelGroupCreate,
)
from retorno.office import access, audit
from retorno.office.access import Actor
from retorno.papers.sheets import SheetRow, Table, TemplateColumn, read_table, template_xlsx
from retorno.text import clean_text
from retorno.vocabulary import Language, Relation

SHOWN_ROWS = 20
MAX_TEXT_CHARS = 120
_CHUNK = 2_000
_PERSON_FIELDS = frozenset(PersonCreate.model_fields)
_GROUP_FIELDS = tuple(TravelGroupCreate.model_fields)
_BY_FIELD: dict[str, ImportColumn] = {column.field: column for column in COLUMNS}


@dataclass(frozen=True, kw_only=True)
class ImportRow:
    """One person as read: ``row`` is its number in the sheet, ``key`` names it inside its group."""

    row: int
    key: str
    caregiver_key: str
    person: PersonCreate
    document: DocumentCreate | None


@dataclass(frozen=True, kw_only=True)
class ImportGroup:
    """One travel group as read; ``place_id`` is empty where the sheet leaves it to the office's own place."""

    key: str
    place_id: str
    group: TravelGroupCreate
    rows: tuple[ImportRow, ...]

    @property
    def content_key(self) -> str:
        """Hash of everything the group says: the same group again is recognised in whatever file it stands."""
        content = [
            self.place_id,
            self.group.model_dump(mode="json"),
            [
                [row.key, row.caregiver_key, row.person.model_dump(mode="json")]
                + ([row.document.model_dump(mode="json")] if row.document else [])
                for row in self.rows
            ],
        ]
        text = json.dumps(content, ensure_ascii=False, sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()


@dataclass(frozen=True, kw_only=True)
class ImportPreview:
    """What a file holds, before anything is written.

    Parameters
    ----------
    groups
        Complete only while there are no problems.
    shown
        The first rows as read, by column name.
    mapping
        Field to column name, guessed or given; ``unused`` are the columns left over, ``refused`` those that speak
        of consent or holds and are never imported.
    problems
        Everything wrong, by row and column; while there is one, nothing can be imported.
    """

    file: str
    content_sha256: str
    groups: tuple[ImportGroup, ...]
    shown: tuple[Mapping[str, str], ...]
    mapping: Mapping[str, str]
    unused: tuple[str, ...]
    refused: tuple[str, ...]
    notes: tuple[str, ...]
    problems: tuple[Fault, ...]

    @property
    def person_count(self) -> int:
        """People in the file."""
        return sum(len(group.rows) for group in self.groups)


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


# ---- template ---------------------------------------------------------------------------------------------------


def import_template(language: Language) -> bytes:
    """An empty XLSX sheet with every column, its help and its lists; columns that must be filled carry a star."""
    return template_xlsx(
        [
            TemplateColumn(
                name=label(f"import.column.{column.field}", language) + (" *" if column.is_required else ""),
                help=label(f"import.kind.{column.kind.value}", language),
                choices=choices_of(column, language),
            )
            for column in COLUMNS
        ],
        sheet_name=label("import.sheet", language),
    )


# ---- reading ----------------------------------------------------------------------------------------------------


def read_import(content: bytes, file_name: str, mapping: Mapping[str, str] | None = None) -> ImportPreview:
    """Read a CSV or XLSX file of people, and find every problem in it.

    Parameters
    ----------
    content
        The file as uploaded.
    mapping
        Field to column name where a person corrected the guess; a field left out is not read.

    Raises
    ------
    InputError
        If the file as a whole cannot be read: wrong kind, empty, too big, broken, no header. Everything else is a
        problem of the preview.
    """
    first = read_table(content, file_name=file_name)
    chosen = dict(mapping) if mapping is not None else guess_mapping(first.header)
    identifiers = [name for field, name in chosen.items() if field in _BY_FIELD and _BY_FIELD[field].is_identifier]
    table = read_table(content, file_name=file_name, text_columns=identifiers) if identifiers else first
    problems = [*table.faults, *_mapping_faults(table, chosen)]
    groups: list[ImportGroup] = []
    if not problems or _has_required(table, chosen):
        groups, found = _read_rows(table, chosen)
        problems += found
    used = set(chosen.values())
    left = [name for name in table.header if name not in used]
    return ImportPreview(
        file=table.file,
        content_sha256=hashlib.sha256(content).hexdigest(),
        groups=tuple(groups),
        shown=tuple(row.cells for row in table.rows[:SHOWN_ROWS]),
        mapping=chosen,
        unused=tuple(name for name in left if not is_never_imported(name)),
        refused=tuple(name for name in left if is_never_imported(name)),
        notes=table.notes,
        problems=tuple(sorted(problems, key=lambda fault: (fault.row or 0, fault.column, fault.code))),
    )


def _has_required(table: Table, mapping: Mapping[str, str]) -> bool:
    return all(mapping.get(column.field) in table.header for column in COLUMNS if column.is_required)


def _mapping_faults(table: Table, mapping: Mapping[str, str]) -> list[Fault]:
    faults = [
        Fault(file=table.file, column=name, code="MAPPING", what=f'there is no column "{name}" in the file')
        for name in mapping.values()
        if name not in table.header
    ]
    faults += [
        Fault(file=table.file, column=field, code="MAPPING", what=f'"{field}" cannot be imported')
        for field in mapping
        if field not in _BY_FIELD
    ]
    faults += [
        Fault(file=table.file, column=name, code="MAPPING", what="consents and holds are never imported")
        for name in mapping.values()
        if is_never_imported(name)
    ]
    names = list(mapping.values())
    faults += [
        Fault(file=table.file, column=name, code="MAPPING", what="the column is used for two fields")
        for name in sorted({name for name in names if names.count(name) > 1})
    ]
    faults += [
        Fault(
            file=table.file,
            row=1,
            column=label(f"import.column.{column.field}", Language.ES),
            code="COLUMN_MISSING",
            what=f'no column for "{label(f"import.column.{column.field}", Language.EN)}"; add it, or choose it',
        )
        for column in COLUMNS
        if column.is_required and column.field not in mapping
    ]
    if "birth_date" not in mapping and "declared_age" not in mapping:
        what = "neither a column for the birth date nor one for the age; one of them is needed"
        faults.append(Fault(file=table.file, row=1, column="birth_date", code="COLUMN_MISSING", what=what))
    return faults


def _read_rows(table: Table, mapping: Mapping[str, str]) -> tuple[list[ImportGroup], list[Fault]]:
    """Every row and group of the table, with everything that is wrong with them."""
    problems: list[Fault] = []
    sex_column = mapping.get("sex", "")
    codes = sex_codes({row.cells.get(sex_column, "") for row in table.rows}, sex_column)
    reader = _Cells(table.file, mapping, codes)
    by_group: dict[str, list[tuple[SheetRow, dict[str, Any]]]] = defaultdict(list)
    for row in table.rows:
        values = reader.read(row, problems)
        key = values.get("group_key") or f"\0{row.row}"
        by_group[key].append((row, values))
    groups: list[ImportGroup] = []
    for key, members in by_group.items():
        group = _read_group(table.file, key, members, mapping, problems)
        if group is not None:
            groups.append(group)
    problems += _twice(table.file, groups, mapping)
    return groups, problems


class _Cells:
    """Reads the cells of a row by kind; equal cells are read once."""

    def __init__(self, file: str, mapping: Mapping[str, str], codes: Mapping[str, Any]) -> None:
        self.file = file
        self.columns = [(column, mapping[column.field]) for column in COLUMNS if column.field in mapping]
        self.codes = codes
        self.known: dict[tuple[Kind, str], Any] = {}

    def read(self, row: SheetRow, problems: list[Fault]) -> dict[str, Any]:
        """Field to value of the filled cells; faults are added to ``problems``."""
        values: dict[str, Any] = {}
        for column, name in self.columns:
            text = row.cells.get(name, "").strip()
            if not text:
                if column.is_required and column.field not in _GROUP_FIELDS:
                    problems.append(self._fault(row, name, "EMPTY", "empty, expected a value"))
                continue
            try:
                values[column.field] = self._value(column, text, row, name)
            except CellFault as fault:
                problems.append(replace(self._fault(row, name, fault.code, fault.what), value=text))
            except InputError as error:
                problems += error.faults
        return values

    def _value(self, column: ImportColumn, text: str, row: SheetRow, name: str) -> Any:
        if column.kind is Kind.TEXT:
            return clean_text(text, file=self.file, row=row.row, column=name, max_chars=MAX_TEXT_CHARS)
        known = self.known.get((column.kind, text))
        if known is None:
            known = read_cell(column, text, sex_words=self.codes)
            self.known[(column.kind, text)] = known
        return known

    def _fault(self, row: SheetRow, name: str, code: str, what: str) -> Fault:
        return Fault(file=self.file, row=row.row, column=name, code=code, what=what)


def _read_group(
    file: str,
    key: str,
    members: Sequence[tuple[SheetRow, dict[str, Any]]],
    mapping: Mapping[str, str],
    problems: list[Fault],
) -> ImportGroup | None:
    """One travel group; None, with problems added, where it cannot be read."""
    before = len(problems)
    today = clock.now().date()
    shared = _shared_values(file, members, mapping, problems)
    first_row = members[0][0].row
    rows: list[ImportRow] = []
    for row, values in members:
        read = _read_person(file, row.row, values, mapping, is_alone=len(members) == 1, problems=problems)
        if read is not None:
            problems += [
                replace(fault, file=file, column=mapping.get(fault.column, fault.column))
                for fault in person_faults(read.person, today=today, row=row.row)
            ]
            rows.append(read)
    rows = _resolve_caregivers(rows)
    numbers = [row.row for row in rows]
    for fault in caregiver_faults({row.key: row.caregiver_key for row in rows}, [row.key for row in rows]):
        number = numbers[fault.row - 1] if fault.row else first_row
        column = mapping.get("caregiver_key", "") if fault.column == "caregiver" else mapping.get("person_key", "")
        problems.append(replace(fault, file=file, row=number, column=column))
    heads = [row for row in rows if row.person.relation is Relation.SELF]
    if len(heads) > 1:
        what = "a second person is the one the group is registered under; one a group"
        problems.append(
            Fault(file=file, row=heads[1].row, column=mapping.get("relation", ""), code="RELATION", what=what)
        )
    group = _group_of(file, first_row, shared, mapping, problems)
    if len(problems) > before or group is None:
        return None
    return ImportGroup(key=key.lstrip("\0"), place_id=shared.get("place_id", ""), group=group, rows=tuple(rows))


def _shared_values(
    file: str,
    members: Sequence[tuple[SheetRow, dict[str, Any]]],
    mapping: Mapping[str, str],
    problems: list[Fault],
) -> dict[str, Any]:
    """Place, destination and dates of a group: filled in once or alike in every row."""
    shared: dict[str, Any] = {}
    for field in ("place_id", *_GROUP_FIELDS):
        filled = [(row, values[field]) for row, values in members if field in values]
        if not filled:
            continue
        shared[field] = filled[0][1]
        for row, value in filled[1:]:
            if value != shared[field]:
                what = f"differs from row {filled[0][0].row} of the same group; a group has one"
                problems.append(Fault(file=file, row=row.row, column=mapping[field], code="GROUP", what=what))
    return shared


def _group_of(
    file: str, row: int, shared: Mapping[str, Any], mapping: Mapping[str, str], problems: list[Fault]
) -> TravelGroupCreate | None:
    missing = [
        field for field in ("destination_country", "destination_place_id") if field not in shared and field in mapping
    ]
    problems += [
        Fault(file=file, row=row, column=mapping[field], code="EMPTY", what="empty, expected a value for the group")
        for field in missing
    ]
    if missing or "destination_country" not in shared or "destination_place_id" not in shared:
        return None
    try:
        group = TravelGroupCreate.model_validate({field: shared[field] for field in _GROUP_FIELDS if field in shared})
    except ValidationError as error:
        problems += [replace(fault_of(problem, row=row), file=file) for problem in error.errors()]
        return None
    problems += [
        replace(fault, file=file, column=mapping[fault.column])
        for fault in destination_faults(group.destination_country, group.destination_place_id, row=row)
    ]
    return group


def _read_person(
    file: str, row: int, values: Mapping[str, Any], mapping: Mapping[str, str], *, is_alone: bool, problems: list[Fault]
) -> ImportRow | None:
    own = {field: value for field, value in values.items() if field in _PERSON_FIELDS}
    if is_alone:
        own.setdefault("relation", Relation.SELF)
    faults: list[Fault] = []
    if "relation" not in own:
        faults.append(
            Fault(row=row, column="relation", code="EMPTY", what="empty; needed where several people travel together")
        )
    person: PersonCreate | None = None
    try:
        person = PersonCreate.model_validate(own)
    except ValidationError as error:
        # A required cell that is empty or unreadable has been named already.
        faults += [fault_of(problem, row=row) for problem in error.errors() if problem["type"] != "missing"]
    document = _read_document(row, values, faults)
    problems += [
        replace(fault, file=file, column=mapping.get(fault.column, fault.column or mapping.get("birth_date", "")))
        for fault in faults
    ]
    if person is None or any(fault.column == "relation" for fault in faults):
        return None
    return ImportRow(
        row=row,
        key=values.get("person_key") or str(row),
        caregiver_key=values.get("caregiver_key", ""),
        person=person,
        document=document,
    )


def _read_document(row: int, values: Mapping[str, Any], faults: list[Fault]) -> DocumentCreate | None:
    given = {
        "document_type": values.get("document_type"),
        "number": values.get("document_number"),
        "issuing_country": values.get("document_country") or values.get("nationality"),
        "expires_on": values.get("document_expires"),
    }
    if given["document_type"] is None and given["number"] is None:
        return None
    for name, column, what in (
        ("document_type", "document_type", "a document number without a type; choose the type"),
        ("number", "document_number", "a document without a number; type the number, or leave both empty"),
    ):
        if given[name] is None:
            faults.append(Fault(row=row, column=column, code="EMPTY", what=what))
    try:
        return DocumentCreate.model_validate({name: value for name, value in given.items() if value is not None})
    except ValidationError as error:
        renamed = {"number": "document_number"}
        for problem in error.errors():
            fault = fault_of(problem, row=row)
            if problem["type"] != "missing":
                faults.append(replace(fault, column=renamed.get(fault.column, fault.column)))
        return None


def _resolve_caregivers(rows: Sequence[ImportRow]) -> list[ImportRow]:
    """Caregivers named by a member's full name instead of its key, where exactly one member has that name."""
    keys = {row.key for row in rows}
    names: dict[str, list[str]] = defaultdict(list)
    for row in rows:
        names[plain(f"{row.person.given_names} {row.person.family_names}")].append(row.key)
    resolved: list[ImportRow] = []
    for row in rows:
        by_name = names.get(plain(row.caregiver_key), [])
        if row.caregiver_key and row.caregiver_key not in keys and len(by_name) == 1:
            resolved.append(replace(row, caregiver_key=by_name[0]))
        else:
            resolved.append(row)
    return resolved


def _who(person: PersonCreate | Person) -> tuple[object, ...]:
    """What makes two rows one person beyond doubt: name, birth date or age, sex."""
    key = person.search_key if isinstance(person, Person) else search_key(person)
    return (key, person.birth_date, None if person.birth_date else person.declared_age, person.sex)


def _twice(file: str, groups: Iterable[ImportGroup], mapping: Mapping[str, str]) -> list[Fault]:
    """Persons, and documents, that stand in the file twice."""
    faults: list[Fault] = []
    persons: dict[tuple[object, ...], int] = {}
    documents: dict[tuple[str, str, str], int] = {}
    for row in sorted((row for group in groups for row in group.rows), key=lambda row: row.row):
        who = _who(row.person)
        if who in persons:
            what = f"the same name, birth date and sex as row {persons[who]}; one row a person"
            faults.append(Fault(file=file, row=row.row, column=mapping["given_names"], code="TWICE", what=what))
        persons.setdefault(who, row.row)
        if row.document is not None:
            number = (row.document.document_type.value, row.document.issuing_country, row.document.number)
            if number in documents:
                what = f"the same document as row {documents[number]}; a document belongs to one person"
                faults.append(Fault(file=file, row=row.row, column=mapping["document_number"], code="TWICE", what=what))
            documents.setdefault(number, row.row)
    return faults


# ---- applying ---------------------------------------------------------------------------------------------------


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
        case_ids = _insert(session, actor, office, new)
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
    rows = {_who(row.person): row for _, group in new for row in group.rows}
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
            row = rows.get(_who(person))
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


def _insert(session: Session, actor: Actor, office: Office, new: Sequence[tuple[str, ImportGroup]]) -> list[str]:
    """Write cases, groups, persons and documents in bulk; one log entry a case. Gives the case ids."""
    now = clock.now()
    cases: list[dict[str, Any]] = []
    groups: list[dict[str, Any]] = []
    persons: list[dict[str, Any]] = []
    documents: list[dict[str, Any]] = []
    log: list[tuple[str, dict[str, str]]] = []
    for import_key, group in new:
        case_id, group_id = new_id("C"), new_id("G")
        cases.append(
            Case(
                case_id=case_id,
                reference=case_id[2:],
                place_id=group.place_id or office.home_place_id,
                office_id=office.office_id,
                opened_at=now,
                opened_by=actor.user_id,
                import_key=import_key,
            ).model_dump()
        )
        groups.append(TravelGroup(**group.group.model_dump(), group_id=group_id, case_id=case_id).model_dump())
        ids = {row.key: new_id("P") for row in group.rows}
        for number, row in enumerate(_caregivers_first(group.rows), start=1):
            persons.append(
                Person(
                    **row.person.model_dump(),
                    person_id=ids[row.key],
                    group_id=group_id,
                    caregiver_id=ids.get(row.caregiver_key),
                    search_key=search_key(row.person),
                    import_key=f"{import_key}:{number}",
                    registered_at=now,
                ).model_dump()
            )
            if row.document is not None:
                documents.append(
                    Document(
                        **row.document.model_dump(exclude={"mrz"}), person_id=ids[row.key], recorded_at=now
                    ).model_dump()
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
