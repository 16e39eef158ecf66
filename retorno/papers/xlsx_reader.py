"""Reads one workbook from standard input and writes its cells as JSON to standard output.

Runs as a process of its own (``python -I xlsx_reader.py SHEET``), started by ``sheets.py``: a hostile workbook can
exhaust this process's memory and seconds, never the office's. It imports nothing of retorno.

Output: ``{"sheet", "others", "hidden_rows", "merged", "cells"}``, or ``{"sheets": [...]}`` with ``*`` for SHEET.
``cells`` is a list of rows from row 1, each a list of ``null`` (empty) or ``[kind, text]`` with one-letter kinds:
``s`` text, ``n`` number, ``z`` number shown in a format of its own, ``d`` date or time, ``b`` yes/no, ``e`` error,
``f`` formula. A failure is ``{"failure": word}``.
"""

from __future__ import annotations

import io
import json
import re
import resource
import sys
import zipfile
from datetime import date, datetime, time, timedelta
from typing import Any
from xml.etree import ElementTree

from python_calamine import CalamineError, CalamineWorkbook, PasswordError, SheetTypeEnum, SheetVisibleEnum

MEMORY_BYTES = 400 * 1024 * 1024
CPU_SECONDS = 20
MAX_ROWS = 20_000
MAX_COLUMNS = 200
MAX_CHARS = 20_000_000
MAX_SHEETS = 10

# Every cell that is not plain shared text: those are most of a sheet, and need no second look.
_CELL = re.compile(rb'<c\s(?![^>]*\bt\s*=\s*["\']s["\'])([^>]*)>')
_PREFIX = re.compile(rb"<(/?)\w+:")
_FORMULA = re.compile(rb"<f[\s/>]")
_VALUE = re.compile(rb"<v[^>]*>([^<]*)<")
_ATTRIBUTE = re.compile(rb'\b([rst])\s*=\s*["\']([^"\']*)["\']')
_HIDDEN_ROW = re.compile(rb'<row\b[^>]*\bhidden\s*=\s*["\'](?:1|true)["\']')
_REFERENCE = re.compile(r"([A-Z]{1,3})([0-9]{1,7})")
# Number formats 0 and 1 ("General", "0") and "@" show a whole number as it is stored.
_PLAIN_FORMATS = frozenset({0, 1, 49})


class TooBig(Exception):
    """The sheet has more rows, columns or text than an import may have."""


def _local(tag: str) -> str:
    return tag.rpartition("}")[2]


def _elements(archive: zipfile.ZipFile, name: str, wanted: str) -> list[ElementTree.Element]:
    return [element for element in ElementTree.fromstring(archive.read(name)).iter() if _local(element.tag) == wanted]


def _sheet_file(archive: zipfile.ZipFile, sheet_name: str) -> str | None:
    """The archive member that holds the sheet, found by the workbook's own relations."""
    names = {name.lower(): name for name in archive.namelist()}
    book = names.get("xl/workbook.xml")
    relations = names.get("xl/_rels/workbook.xml.rels")
    if book is None or relations is None:
        return None
    # The relation's attribute has one namespace in the usual dialect and another in the strict one.
    wanted = next(
        (
            value
            for element in _elements(archive, book, "sheet")
            if element.get("name") == sheet_name
            for key, value in element.attrib.items()
            if key.startswith("{") and _local(key) == "id"
        ),
        None,
    )
    for element in _elements(archive, relations, "Relationship"):
        if wanted is not None and element.get("Id") == wanted:
            target = element.get("Target", "")
            path = target.lstrip("/") if target.startswith("/") else f"xl/{target}"
            return names.get(path.lower())
    return None


def _plain_styles(archive: zipfile.ZipFile) -> list[bool]:
    """For each cell style, whether it shows a whole number as typed."""
    if "xl/styles.xml" not in archive.namelist():
        return []
    root = ElementTree.fromstring(archive.read("xl/styles.xml"))
    cell_styles = next((element for element in root.iter() if _local(element.tag) == "cellXfs"), None)
    if cell_styles is None:
        return []
    custom = {
        int(element.get("numFmtId", "0")): element.get("formatCode", "")
        for element in root.iter()
        if _local(element.tag) == "numFmt"
    }
    identifiers = (int(style.get("numFmtId", "0")) for style in cell_styles)
    return [number in _PLAIN_FORMATS or custom.get(number) in ("General", "0", "@") for number in identifiers]


def _position(reference: str) -> tuple[int, int] | None:
    match = _REFERENCE.fullmatch(reference)
    if match is None:
        return None
    column = 0
    for letter in match[1]:
        column = column * 26 + ord(letter) - 64
    return int(match[2]) - 1, column - 1


def _marks(xml: bytes, plain: list[bool]) -> dict[tuple[int, int], tuple[str, str]]:
    """What calamine does not say: formulas, errors and the digits of each number, by (row, column) from 0."""
    marks: dict[tuple[int, int], tuple[str, str]] = {}
    for found in _CELL.finditer(xml):
        opening = found[1]
        if opening.endswith(b"/"):
            continue
        inner = xml[found.end() : max(xml.find(b"</c>", found.end()), found.end())]
        attributes = {key: value.decode("ascii", "replace") for key, value in _ATTRIBUTE.findall(opening)}
        where = _position(attributes.get(b"r", ""))
        if where is None:
            continue
        kind = attributes.get(b"t", "n")
        value = _VALUE.search(inner)
        digits = value[1].decode("ascii", "replace").strip() if value else ""
        if _FORMULA.search(inner):
            marks[where] = ("f", digits)
        elif kind == "e":
            marks[where] = ("e", digits)
        elif kind == "n" and value:
            style = int(attributes.get(b"s", "0") or 0)
            marks[where] = ("n" if style >= len(plain) or plain[style] else "z", digits)
    return marks


def _number_text(value: float, digits: str) -> str:
    """A number as it was stored, without the tail that doubles carry (0.1, not 0.10000000000000001)."""
    if re.fullmatch(r"-?[0-9]{1,15}", digits):
        return digits
    return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)


def _span_text(value: timedelta) -> str:
    minutes, seconds = divmod(int(value.total_seconds()), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02d}:{minutes:02d}" + (f":{seconds:02d}" if seconds else "")


def _cell(value: Any, mark: tuple[str, str] | None) -> list[str] | None:
    if mark is not None and mark[0] in "ef":
        return [mark[0], mark[1]]
    if value is None or value == "":
        return None
    if isinstance(value, str):
        return ["s", value]
    if isinstance(value, bool):
        return ["b", "TRUE" if value else "FALSE"]
    if isinstance(value, datetime):
        midnight = (value.hour, value.minute, value.second) == (0, 0, 0)
        return ["d", value.date().isoformat() if midnight else value.isoformat(sep=" ", timespec="seconds")]
    if isinstance(value, date):
        return ["d", value.isoformat()]
    if isinstance(value, time):
        return ["d", value.isoformat(timespec="seconds")]
    if isinstance(value, timedelta):
        return ["d", _span_text(value)]
    kind, digits = mark if mark is not None else ("n", "")
    return [kind, _number_text(float(value), digits)]


def _sheet_cells(book: CalamineWorkbook, content: bytes, name: str) -> dict[str, Any]:
    """The cells of one sheet, and what stands beside them."""
    sheet = book.get_sheet_by_name(name)
    bottom, right = sheet.end or (0, 0)
    if bottom > MAX_ROWS or right >= MAX_COLUMNS:
        raise TooBig
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        member = _sheet_file(archive, name)
        if member is None:
            raise ValueError("the part that holds the sheet cannot be found, so its formulas could not be seen")
        xml = archive.read(member)
        if b":c " in xml:
            xml = _PREFIX.sub(rb"<\1", xml)
        marks = _marks(xml, _plain_styles(archive))
    values = sheet.to_python(skip_empty_area=False)
    if sum(len(value) for line in values for value in line if isinstance(value, str)) > MAX_CHARS:
        raise TooBig
    height = max([len(values), *(row + 1 for row, _ in marks)])
    width = max([0, *map(len, values), *(column + 1 for _, column in marks)])
    if height > MAX_ROWS + 1 or width > MAX_COLUMNS:
        raise TooBig
    empty: list[Any] = [None] * width
    cells = []
    for row in range(height):
        line = [*values[row], *empty][:width] if row < len(values) else empty
        cells.append([_cell(value, marks.get((row, column))) for column, value in enumerate(line)])
    return {
        "sheet": name,
        "hidden_rows": len(_HIDDEN_ROW.findall(xml)),
        "merged": [[list(corner) for corner in block] for block in sheet.merged_cell_ranges or []],
        "cells": cells,
    }


def read(content: bytes, wanted: str) -> dict[str, Any]:
    """The sheet called ``wanted``, or the first visible one if ``wanted`` is empty, or all if it is ``*``."""
    book = CalamineWorkbook.from_filelike(io.BytesIO(content))
    sheets = [entry for entry in book.sheets_metadata if entry.typ == SheetTypeEnum.WorkSheet]
    visible = [entry.name for entry in sheets if entry.visible == SheetVisibleEnum.Visible]
    names = [entry.name for entry in sheets]
    # Excel allows no asterisk in the name of a sheet.
    if wanted == "*":
        if len(names) > MAX_SHEETS:
            raise TooBig
        return {"sheets": [_sheet_cells(book, content, name) for name in names]}
    if not names or (not wanted and not visible):
        return {"failure": "no sheet"}
    if wanted and wanted not in names:
        return {"failure": "no such sheet", "sheets": visible or names}
    name = wanted or visible[0]
    return _sheet_cells(book, content, name) | {"others": [other for other in visible if other != name]}


def main() -> None:
    """Limit this process, then read, then write."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    try:
        answer = read(sys.stdin.buffer.read(), sys.argv[1] if len(sys.argv) > 1 else "")
    except (TooBig, MemoryError):
        answer = {"failure": "too big"}
    except PasswordError:
        answer = {"failure": "password"}
    except (CalamineError, zipfile.BadZipFile, ElementTree.ParseError, ValueError, KeyError, EOFError, OSError):
        answer = {"failure": "broken"}
    json.dump(answer, sys.stdout)


if __name__ == "__main__":
    main()
