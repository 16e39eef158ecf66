"""Reading a sheet of people and groups: the template, and a preview with every problem by row and column.

Reading needs no database. Names come through byte-exact (after Unicode NFC), identifiers as text; consents and holds
are never read.
"""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from typing import Any

from pydantic import ValidationError

from retorno import clock
from retorno.errors import Fault, InputError
from retorno.intake.acts import caregiver_faults
from retorno.intake.columns import (
    COLUMNS,
    CellFault,
    ImportColumn,
    Kind,
    choices_of,
    guess_mapping,
    is_ambiguous_date,
    is_never_imported,
    plain,
    read_cell,
    sex_codes,
)
from retorno.intake.shared import destination_faults, fault_of, person_faults, search_key, unaccompanied_faults
from retorno.labels import label
from retorno.models.people import (
    DocumentCreate,
    Person,
    PersonCreate,
    TravelGroupCreate,
)
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
    notes: tuple[Fault, ...]
    problems: tuple[Fault, ...]

    @property
    def person_count(self) -> int:
        """People in the file."""
        return sum(len(group.rows) for group in self.groups)


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
    try:
        first = read_table(content, file_name=file_name)
    except InputError as error:
        raise InputError([_named_kind(fault, content) for fault in error.faults]) from error
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
        notes=(*table.notes, *_day_first_notes(table, chosen)),
        problems=_with_values(table, problems),
    )


_KINDS = ((b"%PDF", "PDF"), (b"\xd0\xcf\x11\xe0", "OLD_EXCEL"))
"""First bytes of files that people choose by mistake, and the code that says what to do instead."""


def _named_kind(fault: Fault, content: bytes) -> Fault:
    """A file of the wrong kind by the name of its kind, where we know it."""
    kind = next((code for start, code in _KINDS if content.startswith(start)), fault.code)
    if kind == "OLD_EXCEL" and "EncryptedPackage".encode("utf-16-le") in content:
        kind = "PASSWORD"  # A workbook with a password is packed like an old one.
    return replace(fault, code=kind) if fault.code == "WRONG_KIND" else fault


def _with_values(table: Table, problems: Iterable[Fault]) -> tuple[Fault, ...]:
    """The problems in order, each with what stands in the cell: whoever corrects the sheet looks for that."""
    cells = {row.row: row.cells for row in table.rows}
    return tuple(
        fault
        if fault.value or fault.row is None
        else replace(fault, value=cells.get(fault.row, {}).get(fault.column, ""))
        for fault in sorted(problems, key=lambda fault: (fault.row or 0, fault.column, fault.code))
    )


def _day_first_notes(table: Table, mapping: Mapping[str, str]) -> list[Fault]:
    """For each column of dates, the first that would be another day if the month stood first."""
    found = []
    for column in COLUMNS:
        name = mapping.get(column.field, "")
        cells = (row.cells.get(name, "") for row in table.rows) if column.kind is Kind.DATE else ()
        example = next((text for text in cells if is_ambiguous_date(text)), None)
        if example is not None:
            what = f'"{example}" was read as day/month/year, like every date of the column'
            found.append(Fault(file=table.file, column=name, code="DAY_FIRST", value=example, what=what))
    return found


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
    reader = _Reader(table.file, mapping, codes, {(fault.row, fault.column) for fault in table.faults})
    by_group: dict[str, list[_Cells]] = defaultdict(list)
    for row in table.rows:
        cells = reader.read(row, problems)
        by_group[cells.values.get("group_key") or f"\0{row.row}"].append(cells)
    problems += _nearly_alike(table.file, by_group, mapping)
    groups: list[ImportGroup] = []
    read: list[ImportRow] = []
    for key, members in by_group.items():
        group = _read_group(table.file, key, members, mapping, problems, read)
        if group is not None:
            groups.append(group)
    problems += _twice(table.file, read, mapping)
    return groups, problems


def _nearly_alike(file: str, by_group: Mapping[str, Sequence[_Cells]], mapping: Mapping[str, str]) -> list[Fault]:
    """Group keys that differ by capitals or spaces only: one family must not be torn by a slip of the hand."""
    faults: list[Fault] = []
    first: dict[str, tuple[str, int]] = {}
    for key, members in by_group.items():
        alike = "".join(key.split()).casefold()
        if key.startswith("\0") or alike not in first:
            first.setdefault(alike, (key, members[0].row))
            continue
        other, row = first[alike]
        what = f'"{key}" and "{other}" in row {row} differ only by capitals or spaces; write both alike, or rename one'
        faults.append(
            Fault(file=file, row=members[0].row, column=mapping["group_key"], value=key, code="GROUP_KEY", what=what)
        )
    return faults


@dataclass(frozen=True, kw_only=True)
class _Cells:
    """The filled cells of one row by field, and the fields whose cells could not be read."""

    row: int
    values: dict[str, Any]
    unread: frozenset[str]

    @property
    def key(self) -> str:
        """What names the person inside the group: the key in the sheet, or the number of the row."""
        return str(self.values.get("person_key") or self.row)


class _Reader:
    """Reads the cells of a row by kind; equal cells are read once."""

    def __init__(
        self, file: str, mapping: Mapping[str, str], codes: Mapping[str, Any], named: Set[tuple[int | None, str]]
    ) -> None:
        self.file = file
        self.named = named
        self.columns = [(column, mapping[column.field]) for column in COLUMNS if column.field in mapping]
        self.codes = codes
        self.known: dict[tuple[Kind, str], Any] = {}

    def read(self, row: SheetRow, problems: list[Fault]) -> _Cells:
        """The cells of a row; faults are added to ``problems``."""
        values: dict[str, Any] = {}
        unread: set[str] = set()
        for column, name in self.columns:
            text = row.cells.get(name, "").strip()
            if (row.row, name) in self.named:  # the sheet itself has said what is wrong with this cell
                unread.add(column.field)
                continue
            if not text:
                if column.is_required and column.field not in _GROUP_FIELDS:
                    problems.append(self._fault(row, name, "EMPTY", "empty, expected a value"))
                continue
            try:
                values[column.field] = self._value(column, text, row, name)
            except CellFault as fault:
                problems.append(replace(self._fault(row, name, fault.code, fault.what), value=text))
                unread.add(column.field)
            except InputError as error:
                problems += error.faults
                unread.add(column.field)
        return _Cells(row=row.row, values=values, unread=frozenset(unread))

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
    members: Sequence[_Cells],
    mapping: Mapping[str, str],
    problems: list[Fault],
    everybody: list[ImportRow],
) -> ImportGroup | None:
    """One travel group; None, with problems added, where it cannot be read. Who could be read joins ``everybody``."""
    before = len(problems)
    today = clock.now().date()
    shared = _shared_values(file, members, mapping, problems)
    caregivers = _caregivers(members)
    rows: list[ImportRow] = []
    for cells, caregiver_key in zip(members, caregivers, strict=True):
        read = _read_person(file, cells, caregiver_key, mapping, is_alone=len(members) == 1, problems=problems)
        if read is not None:
            problems += [
                replace(fault, file=file, column=mapping.get(fault.column, fault.column))
                for fault in person_faults(read.person, today=today, row=cells.row)
            ]
            rows.append(read)
    everybody += rows
    keys = [cells.key for cells in members]
    contradictions = unaccompanied_faults(
        {row.key: row.person for row in rows}, {row.key: row.caregiver_key for row in rows}, today=today
    )
    problems += [
        replace(fault, file=file, row=rows[(fault.row or 1) - 1].row, column=mapping.get(fault.column, fault.column))
        for fault in contradictions
    ]
    for fault in caregiver_faults(dict(zip(keys, caregivers, strict=True)), keys):
        column = mapping.get("caregiver_key", "") if fault.column == "caregiver" else mapping.get("person_key", "")
        problems.append(replace(fault, file=file, row=members[(fault.row or 1) - 1].row, column=column))
    heads = [row for row in rows if row.person.relation is Relation.SELF]
    if len(heads) > 1:
        what = "a second person is the one the group is registered under; one a group"
        problems.append(
            Fault(file=file, row=heads[1].row, column=mapping.get("relation", ""), code="RELATION", what=what)
        )
    unread = frozenset(field for cells in members for field in cells.unread)
    group = _group_of(file, members[0].row, shared, unread, mapping, problems)
    if len(problems) > before or group is None:
        return None
    return ImportGroup(key=key.lstrip("\0"), place_id=shared.get("place_id", ""), group=group, rows=tuple(rows))


def _shared_values(
    file: str,
    members: Sequence[_Cells],
    mapping: Mapping[str, str],
    problems: list[Fault],
) -> dict[str, Any]:
    """Place, destination and dates of a group: filled in once or alike in every row."""
    shared: dict[str, Any] = {}
    for field in ("place_id", *_GROUP_FIELDS):
        filled = [(cells.row, cells.values[field]) for cells in members if field in cells.values]
        if not filled:
            continue
        shared[field] = filled[0][1]
        for row, value in filled[1:]:
            if value != shared[field]:
                what = f"differs from row {filled[0][0]} of the same group; a group has one"
                problems.append(Fault(file=file, row=row, column=mapping[field], code="GROUP", what=what))
    return shared


def _group_of(
    file: str,
    row: int,
    shared: Mapping[str, Any],
    unread: frozenset[str],
    mapping: Mapping[str, str],
    problems: list[Fault],
) -> TravelGroupCreate | None:
    missing = [
        field for field in ("destination_country", "destination_place_id") if field not in shared and field in mapping
    ]
    problems += [
        Fault(file=file, row=row, column=mapping[field], code="EMPTY", what="empty, expected a value for the group")
        for field in missing
        if field not in unread
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
    file: str,
    cells: _Cells,
    caregiver_key: str,
    mapping: Mapping[str, str],
    *,
    is_alone: bool,
    problems: list[Fault],
) -> ImportRow | None:
    row, values = cells.row, cells.values
    own = {field: value for field, value in values.items() if field in _PERSON_FIELDS}
    if is_alone:
        own.setdefault("relation", Relation.SELF)
    faults: list[Fault] = []
    if "relation" not in own and "relation" not in cells.unread:
        faults.append(
            Fault(row=row, column="relation", code="EMPTY", what="empty; needed where several people travel together")
        )
    person: PersonCreate | None = None
    try:
        person = PersonCreate.model_validate(own)
    except ValidationError as error:
        # A cell that is empty or unreadable has been named already, and with it what it keeps from being checked.
        faults += [
            fault_of(problem, row=row)
            for problem in error.errors()
            if problem["type"] != "missing"
            and not (problem["type"] == "no_age" and cells.unread & {"birth_date", "declared_age"})
        ]
    document = _read_document(row, values, cells.unread, faults)
    problems += [replace(fault, file=file, column=mapping.get(fault.column, fault.column)) for fault in faults]
    if person is None or "relation" not in own:
        return None
    return ImportRow(
        row=row,
        key=cells.key,
        caregiver_key=caregiver_key,
        person=person,
        document=document,
    )


def _read_document(row: int, values: Mapping[str, Any], unread: Set[str], faults: list[Fault]) -> DocumentCreate | None:
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
        if given[name] is None and column not in unread:
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


def _caregivers(members: Sequence[_Cells]) -> list[str]:
    """The key of each member's caregiver; one named by full name is found where exactly one member has that name."""
    keys = {cells.key for cells in members}
    names: dict[str, list[str]] = defaultdict(list)
    for cells in members:
        names[plain(f"{cells.values.get('given_names', '')} {cells.values.get('family_names', '')}")].append(cells.key)
    found: list[str] = []
    for cells in members:
        wanted = str(cells.values.get("caregiver_key", ""))
        by_name = names.get(plain(wanted), [])
        found.append(by_name[0] if wanted and wanted not in keys and len(by_name) == 1 else wanted)
    return found


def who(person: PersonCreate | Person) -> tuple[object, ...]:
    """What makes two rows one person beyond doubt: name, birth date and sex; without a date, more than the age."""
    key = person.search_key if isinstance(person, Person) else search_key(person)
    if person.birth_date is not None:
        return (key, person.birth_date, person.sex)
    # A name and an age are shared by many; the same land and the same first stranded day by few.
    return (key, person.declared_age, person.sex, person.nationality, person.stranded_since)


def _twice(file: str, rows: Iterable[ImportRow], mapping: Mapping[str, str]) -> list[Fault]:
    """Persons, and documents, that stand in the file twice."""
    faults: list[Fault] = []
    persons: dict[tuple[object, ...], int] = {}
    documents: dict[tuple[str, str, str], int] = {}
    for row in sorted(rows, key=lambda row: row.row):
        same = who(row.person)
        if same in persons:
            what = f"the same name, birth date or age, and sex as row {persons[same]}; one row a person"
            faults.append(Fault(file=file, row=row.row, column=mapping["given_names"], code="TWICE", what=what))
        persons.setdefault(same, row.row)
        if row.document is not None:
            number = (row.document.document_type.value, row.document.issuing_country, row.document.number)
            if number in documents:
                what = f"the same document as row {documents[number]}; a document belongs to one person"
                faults.append(Fault(file=file, row=row.row, column=mapping["document_number"], code="TWICE", what=what))
            documents.setdefault(number, row.row)
    return faults
