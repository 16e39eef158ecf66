"""The files of ``data/`` against ``columns.csv``: text, header, and every cell.

A fault names file, row (the header is row 1, as a spreadsheet counts) and column, and says what would be right.
"""

from __future__ import annotations

import csv
import difflib
import io
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from pathlib import Path

from retorno.clock import zone
from retorno.errors import Fault, InputError
from retorno.routes.cells import clock_minute, date_span, weekday_numbers

COLUMNS_FILE = "columns.csv"
SUGGESTIONS = 200
"""Faults that get a "did you mean"; looking for likely words is slow, and nobody reads more."""

_ID = re.compile(r"[A-Za-z0-9*][A-Za-z0-9*._:|-]*")
_FILE = re.compile(r"(examples/)?[a-z0-9_]+\.csv")
_INTEGER = re.compile(r"-?[0-9]+")
_DECIMAL = re.compile(r"-?[0-9]+(\.[0-9]+)?")
_CODE = re.compile(r"[a-z0-9_]+")


@dataclass(frozen=True, kw_only=True)
class Column:
    """One row of ``columns.csv``: what the cells of a column may hold.

    ``reference`` holds (file, column) pairs, of which one must know the value; ``values`` are allowed besides.
    """

    file: str
    name: str
    type: str
    is_key: bool
    is_required: bool
    minimum: float | None
    maximum: float | None
    values: tuple[str, ...]
    reference: tuple[tuple[str, str], ...]


@dataclass(frozen=True, kw_only=True)
class Table:
    """A file as text: header and numbered records; ``sound`` are the row numbers without a fault in a cell."""

    file: str
    header: tuple[str, ...]
    records: tuple[tuple[int, Mapping[str, str]], ...]
    sound: frozenset[int] = frozenset()


def read_table(folder: Path, file: str) -> tuple[Table | None, list[Fault]]:
    """The records of a file, and what is wrong with it as a text file.

    Parameters
    ----------
    folder, file
        ``file`` is relative to the folder, with ``/``.

    Returns
    -------
    tuple
        The table (``None`` if it cannot be read at all) and the faults.
    """
    try:
        raw = (folder / file).read_bytes()
    except FileNotFoundError:
        return None, [Fault(file=file, code="FILE_MISSING", what="file is missing, expected a CSV file in UTF-8")]
    except OSError as error:
        return None, [Fault(file=file, code="FILE_MISSING", what=f"file cannot be read: {error.strerror}")]
    text, faults = _decoded(file, raw)
    if text is None:
        return None, faults
    try:
        lines = list(csv.reader(io.StringIO(text, newline=""), strict=True))
    except csv.Error as error:
        what = f"is not well-formed CSV ({error}), expected quotes that close and cells separated by commas"
        return None, [*faults, Fault(file=file, code="MALFORMED", what=what)]
    if len(lines) < 2:
        what = "has a header but no rows" if lines else "is empty, expected a header and rows"
        return None, [*faults, Fault(file=file, code="FILE_EMPTY", what=what)]
    header = tuple(lines[0])
    records: list[tuple[int, Mapping[str, str]]] = []
    for number, cells in enumerate(lines[1:], start=2):
        if not any(cells):
            faults.append(Fault(file=file, row=number, code="ROW_EMPTY", what="row is empty, delete it"))
        elif len(cells) != len(header):
            what = f"row has {len(cells)} cells, expected {len(header)}; quote a cell that holds a comma"
            faults.append(Fault(file=file, row=number, code="CELLS", what=what))
        else:
            records.append((number, dict(zip(header, cells, strict=True))))
    return Table(file=file, header=header, records=tuple(records)), faults


def _decoded(file: str, raw: bytes) -> tuple[str | None, list[Fault]]:
    faults = []
    if raw.startswith(b"\xef\xbb\xbf"):
        raw = raw[3:]
        what = "begins with a byte order mark, save it as UTF-8 without one"
        faults.append(Fault(file=file, row=1, code="BOM", what=what))
    if raw.startswith((b"PK\x03\x04", b"\xd0\xcf\x11\xe0", b"\xff\xfe", b"\xfe\xff")) or b"\x00" in raw:
        what = "is not text (a workbook, or text in UTF-16), save it as CSV UTF-8"
        return None, [*faults, Fault(file=file, code="ENCODING", what=what)]
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        row = raw[: error.start].count(b"\n") + 1
        what = f"byte {raw[error.start]:#04x} is not UTF-8 (probably Windows-1252), save the file as CSV UTF-8"
        return None, [*faults, Fault(file=file, row=row, code="ENCODING", what=what)]
    if not text.strip():
        return None, [*faults, Fault(file=file, code="FILE_EMPTY", what="is empty, expected a header and rows")]
    return text, faults


def read_columns(folder: Path) -> tuple[dict[str, list[Column]], list[Fault]]:
    """The columns of every file as ``columns.csv`` states them; faults if it cannot serve."""
    table, faults = read_table(folder, COLUMNS_FILE)
    if table is None:
        return {}, faults
    columns: dict[str, list[Column]] = {}
    for number, cells in table.records:
        try:
            column = _column_of(cells)
        except (KeyError, ValueError) as error:
            what = f"cannot be understood ({error}), expected the columns that docs/ground.md lists"
            faults.append(Fault(file=COLUMNS_FILE, row=number, code="MALFORMED", what=what))
            continue
        columns.setdefault(column.file, []).append(column)
    return columns, faults


def _column_of(cells: Mapping[str, str]) -> Column:
    if cells["type"] not in _CHECKS:
        raise ValueError(f'type "{cells["type"]}" is unknown')
    if not _FILE.fullmatch(cells["file"]):
        raise ValueError(f'file "{cells["file"]}" is no table of this folder')
    references = [part.rpartition(".") for part in cells["reference"].split("|") if part]
    return Column(
        file=cells["file"],
        name=cells["column"],
        type=cells["type"],
        is_key=cells["key"] == "yes",
        is_required=cells["required"] == "yes",
        minimum=float(cells["minimum"]) if cells["minimum"] else None,
        maximum=float(cells["maximum"]) if cells["maximum"] else None,
        values=tuple(cells["values"].split(";")) if cells["values"] else (),
        reference=tuple((f"{file}.csv", name) for file, _, name in references),
    )


def check_header(table: Table, columns: Sequence[Column]) -> Iterator[Fault]:
    """Columns that are missing, unknown or written twice."""
    expected = [column.name for column in columns]
    if len(table.header) == 1 and len(expected) > 1 and re.search(r"[;\t]", table.header[0]):
        what = "cells are not separated by commas, save the file with the comma as separator"
        yield Fault(file=table.file, row=1, code="MALFORMED", what=what)
        return
    for name in expected:
        if name not in table.header:
            yield Fault(file=table.file, row=1, column=name, code="COLUMN_MISSING", what="column is missing")
    for position, name in enumerate(table.header):
        if name in table.header[:position]:
            yield Fault(file=table.file, row=1, column=name, code="COLUMN_TWICE", what="column stands twice")
        elif name not in expected:
            what = f"column is unknown, expected {', '.join(expected)} only"
            yield Fault(file=table.file, row=1, column=name, code="COLUMN_EXTRA", what=what)


class CellCheck:
    """Checks the cells of tables against their columns and against each other's values."""

    def __init__(self, tables: Mapping[str, Table]) -> None:
        self._tables = tables
        self._known: dict[tuple[str, str], frozenset[str]] = {}
        self._suggestions = SUGGESTIONS

    def faults(self, table: Table, columns: Sequence[Column]) -> Iterator[Fault]:
        """Every fault of the cells of one table, duplicates of its key included."""
        present = [column for column in columns if table.header.count(column.name) == 1]
        for column in present:
            check = _CHECKS[column.type]
            known = self._allowed(column)
            for number, cells in table.records:
                text = cells[column.name]
                if not text:
                    if column.is_required:
                        what = "cell is empty, a value is required"
                        yield _fault(table, number, column, "REQUIRED", text, what)
                    continue
                wrong = check(text)
                if wrong is not None:
                    yield _fault(table, number, column, "TYPE", text, wrong)
                else:
                    yield from self._value_faults(table, number, column, text, known)
        key = [column.name for column in columns if column.is_key]
        if all(table.header.count(name) == 1 for name in key):
            yield from _duplicates(table, key)

    def _value_faults(
        self, table: Table, number: int, column: Column, text: str, known: frozenset[str]
    ) -> Iterator[Fault]:
        if column.minimum is not None or column.maximum is not None:
            value = float(text)
            low = column.minimum if column.minimum is not None else value
            high = column.maximum if column.maximum is not None else value
            if not low <= value <= high:
                bounds = f"from {column.minimum:g}" if column.minimum is not None else ""
                bounds += f" to {column.maximum:g}" if column.maximum is not None else ""
                yield _fault(table, number, column, "RANGE", text, f"expected a number {bounds.strip()}")
        if not column.values and not column.reference:
            return
        for part in text.split(";") if column.type == "list" else [text]:
            if part not in known:
                code = "REFERENCE" if column.reference else "VALUE"
                yield _fault(table, number, column, code, part, self._expected(column, part, known))

    def _allowed(self, column: Column) -> frozenset[str]:
        allowed = frozenset(column.values)
        for reference in column.reference:
            if reference not in self._known:
                file, name = reference
                table = self._tables.get(file)
                records = table.records if table is not None else ()
                self._known[reference] = frozenset(cells.get(name, "") for _, cells in records)
            allowed |= self._known[reference]
        return allowed

    def _expected(self, column: Column, text: str, known: frozenset[str]) -> str:
        if not column.reference:
            return f"expected {' or '.join(column.values)}"
        where = " or ".join(f"{file} {name}" for file, name in column.reference)
        likely: list[str] = []
        if self._suggestions > 0:
            self._suggestions -= 1
            likely = difflib.get_close_matches(text, sorted(known), n=1)
        return f"not found in {where}" + (f', did you mean "{likely[0]}"' if likely else "")


def _fault(table: Table, number: int, column: Column, code: str, text: str, what: str) -> Fault:
    shown = f'"{text}": {what}' if text else what
    return Fault(file=table.file, row=number, column=column.name, value=text, code=code, what=shown)


def _duplicates(table: Table, key: Sequence[str]) -> Iterator[Fault]:
    first: dict[tuple[str, ...], int] = {}
    for number, cells in table.records:
        values = tuple(cells[name] for name in key)
        if not any(values):
            continue
        if values in first:
            yield Fault(
                file=table.file,
                row=number,
                column=key[0],
                value=values[0],
                code="DUPLICATE",
                what=f'"{" ".join(values)}" stands in row {first[values]} already, expected each once',
            )
        else:
            first[values] = number


def _text(text: str) -> str | None:
    if text != text.strip():
        return "spaces at the beginning or end, remove them"
    if "\ufffd" in text or any(ord(letter) < 32 for letter in text):
        return "holds a broken or invisible character, write the cell again"
    return None


def _pattern(pattern: re.Pattern[str], expected: str) -> Callable[[str], str | None]:
    return lambda text: None if pattern.fullmatch(text) else f"expected {expected}"


def _converted(convert: Callable[[str], object]) -> Callable[[str], str | None]:
    def check(text: str) -> str | None:
        try:
            convert(text)
        except ValueError as error:
            return str(error)
        return None

    return check


def _date(text: str) -> str | None:
    try:
        found = date.fromisoformat(text)
    except ValueError:
        return "expected an existing date YYYY-MM-DD"
    return None if found.isoformat() == text else "expected an existing date YYYY-MM-DD"


@lru_cache(maxsize=1000)
def _timezone(text: str) -> str | None:
    try:
        zone(text)
    except InputError:
        return 'no such time zone, expected a name such as "America/Guatemala"'
    return None


def _list(text: str) -> str | None:
    parts = text.split(";")
    if any(part != part.strip() or not part for part in parts):
        return "expected values joined by ; without spaces"
    return "a value stands twice" if len(set(parts)) < len(parts) else None


_CHECKS: dict[str, Callable[[str], str | None]] = {
    "text": _text,
    "id": _pattern(_ID, "letters without accents, digits and - _ . only"),
    "code": _pattern(_CODE, "small letters, digits and _ only"),
    "integer": _pattern(_INTEGER, "a whole number such as 12"),
    "decimal": _pattern(_DECIMAL, "a number such as 12.5, with a point"),
    "flag": lambda text: None if text in ("0", "1", "yes", "no") else "expected 1 or 0, yes or no",
    "date": _date,
    "partial_date": _converted(date_span),
    "time": _converted(clock_minute),
    "days": _converted(weekday_numbers),
    "timezone": _timezone,
    "list": _list,
}
