"""CSV and XLSX: reading into rows of text with every problem named by row and column, and writing without formulas.

Identifiers stay text: "00123", "1E5", "NA", "null" and "True" come back as they were typed. A workbook is opened by a
process of its own with limited memory and time (``xlsx_reader.py``), after a look at what its archive claims to hold.
"""

from __future__ import annotations

import csv
import io
import json
import re
import subprocess
import sys
import zipfile
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from xlsxwriter import Workbook

from retorno.errors import Fault, InputError

MAX_FILE_BYTES = 5 * 1024 * 1024
MAX_UNPACKED_BYTES = 50 * 1024 * 1024
MAX_ENTRIES = 2_000
MAX_ROWS = 20_000
MAX_COLUMNS = 200
MAX_FAULTS = 1_000
READER_SECONDS = 30
MAX_CELL_CHARS = 32_767
"""Longest text that a spreadsheet cell can hold."""

_READER = Path(__file__).with_name("xlsx_reader.py")
_RIGHT = "expected a spreadsheet saved as .xlsx, or a table saved as .csv"
_TRIGGER = "=+\\-@\t\r\n＝＋－＠"
# A formula can also start where another program would split the cell: after a separator inside it.
_START = "(?:^|(?<=[;,\t\r\n]))"
_ESCAPE = re.compile(rf"{_START}(?='*[{_TRIGGER}])")
_UNESCAPE = re.compile(rf"{_START}'(?='*[{_TRIGGER}])")

_KINDS: tuple[tuple[bytes, str], ...] = (
    (b"%PDF", "a PDF"),
    (b"\x89PNG", "a picture"),
    (b"\xff\xd8\xff", "a picture"),
    (b"GIF8", "a picture"),
    (b"BM", "a picture"),
    (b"II*\x00", "a picture"),
    (b"MM\x00*", "a picture"),
    (b"{\\rtf", "a text document (RTF)"),
    (b"\x1f\x8b", "a packed file (gzip)"),
    (b"7z\xbc\xaf", "a packed file (7z)"),
    (b"Rar!", "a packed file (RAR)"),
    (b"MZ", "a program"),
    (b"\x7fELF", "a program"),
    (b"SQLite format 3", "a database"),
    (b"<!doctype html", "a web page"),
    (b"<html", "a web page"),
    (b"<?xml", "an XML file"),
)


@dataclass(frozen=True, kw_only=True)
class SheetRow:
    """One row as read: ``row`` is its number in the spreadsheet (the header is usually 1), ``cells`` by column name."""

    row: int
    cells: Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class Table:
    """What a sheet holds.

    Parameters
    ----------
    file, sheet
        The file name as uploaded; the sheet's name, empty for CSV.
    header
        Column names in their order, without blanks at the ends.
    rows
        Rows that are not wholly empty, in their order. An empty cell is "".
    notes
        What the person who uploads has to look at: an encoding that was guessed, sheets that were not read. No fault;
        ``value`` is what the sentence is about.
    faults
        Everything wrong with single rows and cells. The table may be shown, not imported, while there are any.
    """

    file: str
    sheet: str
    header: tuple[str, ...]
    rows: tuple[SheetRow, ...]
    notes: tuple[Fault, ...]
    faults: tuple[Fault, ...]

    def checked(self) -> Table:
        """The table itself; ``InputError`` with all its faults if it has any."""
        if self.faults:
            raise InputError(self.faults)
        return self


def column_letters(index: int) -> str:
    """The letters of a column counted from 0: 0 is "A", 26 is "AA"."""
    letters = ""
    number = index + 1
    while number:
        number, rest = divmod(number - 1, 26)
        letters = chr(65 + rest) + letters
    return letters


def _refuse(file: str, code: str, what: str, *, row: int | None = None) -> InputError:
    return InputError([Fault(file=file, row=row, code=code, what=what)])


def read_table(
    content: bytes,
    *,
    file_name: str,
    sheet: str = "",
    text_columns: Collection[str] = (),
    expected_columns: Collection[str] = (),
) -> Table:
    """Read a CSV or XLSX file into rows of text.

    Parameters
    ----------
    content
        The whole file, at most 5 MB.
    file_name
        As uploaded; its ending must agree with the content. Used in messages.
    sheet
        Name of the sheet to read; empty for the first visible one. Ignored for CSV.
    text_columns
        Columns that hold identifiers or names. There a number that no longer shows what was typed (a date, 1E+20,
        a number format of its own) is a fault; elsewhere numbers, dates (ISO) and yes/no (TRUE, FALSE) become text.
    expected_columns
        Helps to tell the separator of a CSV file when more than one would do.

    Raises
    ------
    InputError
        If the file as a whole cannot be read: wrong kind, empty, too big, broken, no header.
    """
    name = file_name or "file"
    if not content.strip(b"\x00 \t\r\n"):
        raise _refuse(name, "EMPTY_FILE", f"the file is empty; {_RIGHT} with a header row")
    if len(content) > MAX_FILE_BYTES:
        size = f"{len(content) / 1048576:.1f} MB, at most 5 MB allowed"
        raise _refuse(name, "TOO_BIG", f"the file has {size}; split it into several files")
    ending = Path(name).suffix.lower()
    if content.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        _guard_archive(name, content)
        if ending == ".csv":
            raise _refuse(name, "WRONG_KIND", "this is a workbook, but its name ends in .csv; name it .xlsx")
        return _read_xlsx(name, content, sheet, text_columns)
    _refuse_other_kinds(name, content)
    if ending in (".xlsx", ".xlsm", ".xls", ".ods"):
        what = f"the name ends in {ending}, but the content is plain text, not a workbook; name it .csv"
        raise _refuse(name, "WRONG_KIND", f"{what}, or save it as .xlsx from the spreadsheet program")
    return _read_csv(name, content, expected_columns)


def _refuse_other_kinds(name: str, content: bytes) -> None:
    if content.startswith(b"\xd0\xcf\x11\xe0"):
        what = "this is an old workbook (.xls) or one with a password"
        raise _refuse(name, "WRONG_KIND", f"{what}; save it as .xlsx without a password")
    head = content[:64].lstrip(b"\xef\xbb\xbf \t\r\n")
    for start, kind in _KINDS:
        if head.lower().startswith(start.lower()) and (len(start) > 2 or b"\x00" in content[:512]):
            raise _refuse(name, "WRONG_KIND", f"this is {kind}; {_RIGHT}")


def _guard_archive(name: str, content: bytes) -> None:
    """Refuse what is no workbook, or claims to unpack to more than it may."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            entries = archive.infolist()
    except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError) as error:
        raise _refuse(name, "BROKEN", "the workbook is damaged; open it and save it again as .xlsx") from error
    if len(entries) > MAX_ENTRIES or sum(entry.file_size for entry in entries) > MAX_UNPACKED_BYTES:
        what = f"the file unpacks to more than {MAX_UNPACKED_BYTES // 1048576} MB or {MAX_ENTRIES} parts"
        raise _refuse(name, "TOO_BIG", f"{what}; copy the rows into a new workbook")
    if any(entry.flag_bits & 1 for entry in entries):
        raise _refuse(name, "PASSWORD", "the file has a password; save it without one")
    names = {entry.filename.lower() for entry in entries}
    if "xl/workbook.xml" in names:
        return
    kinds = {
        "xl/workbook.bin": "a binary workbook (.xlsb)",
        "word/document.xml": "a text document",
        "ppt/presentation.xml": "a presentation",
        "content.xml": "an OpenDocument file",
    }
    kind = next((word for member, word in kinds.items() if member in names), "a packed file (zip)")
    raise _refuse(name, "WRONG_KIND", f"this is {kind}; {_RIGHT}")


def _note(name: str, code: str, value: str, what: str, *, row: int | None = None) -> Fault:
    return Fault(file=name, row=row, code=code, value=value, what=what)


def _decode(name: str, content: bytes) -> tuple[str, list[Fault]]:
    """The text of a CSV file, and what to tell about it."""
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        try:
            what = "The file is Unicode text (UTF-16); it was read as such."
            return content.decode("utf-16"), [_note(name, "UTF16", "UTF-16", what)]
        except UnicodeDecodeError as error:
            raise _refuse(name, "ENCODING", "the file is damaged; save it as CSV UTF-8") from error
    try:
        return content.decode("utf-8-sig"), []
    except UnicodeDecodeError as error:
        bad_row = content.count(b"\n", 0, error.start) + 1
    where = f"line {bad_row} has a character that is not UTF-8"
    try:
        text = content.decode("cp1252")
    except UnicodeDecodeError as error:
        raise _refuse(name, "ENCODING", f"{where}, nor Windows-1252; save the file as CSV UTF-8") from error
    replaced = content.decode("utf-8-sig", "replace")
    if sum(char > "\x7f" for char in replaced) >= 2 * replaced.count("\ufffd"):
        raise _refuse(name, "ENCODING", f"{where}, while the rest is; save the file again as CSV UTF-8")
    what = f"The file is not UTF-8; it was read as Windows-1252. Compare the accents, first in line {bad_row}."
    return text, [_note(name, "CP1252", str(bad_row), what, row=bad_row)]


def _separator(text: str, expected: Collection[str]) -> str:
    """The separator that splits the header best and every row alike; a comma if the file has one column."""

    def fit(separator: str) -> tuple[int, float, int]:
        lines: list[list[str]] = []
        try:
            for line in csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True):
                if any(cell.strip() for cell in line):
                    lines.append(line)
                if len(lines) >= 50:
                    break
        except csv.Error:
            pass  # the same line is reported, with its row, when the file is read in earnest
        if not lines or len(lines[0]) < 2:
            return (0, 0.0, 0)
        known = sum(cell.strip() in expected for cell in lines[0])
        return (known, sum(len(line) == len(lines[0]) for line in lines) / len(lines), len(lines[0]))

    return max((",", ";", "\t"), key=fit)


def _csv_lines(name: str, text: str, separator: str, faults: list[Fault]) -> list[list[str]]:
    lines: list[list[str]] = []
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    try:
        for line in reader:
            lines.append([_UNESCAPE.sub("", cell) for cell in line])
            if len(lines) > MAX_ROWS + 1:
                break
    except csv.Error as error:
        what = f'the quotes from here on do not close or do not fit ({error}); a quote inside a cell is written ""'
        faults.append(Fault(file=name, row=len(lines) + 1, code="QUOTES", what=what))
    return lines


def _read_csv(name: str, content: bytes, expected: Collection[str]) -> Table:
    text, notes = _decode(name, content)
    if "\x00" in text:
        row = text.count("\n", 0, text.index("\x00")) + 1
        raise _refuse(name, "NUL", "a NUL character stands here: the file is damaged or no table", row=row)
    first_line, _, rest = text.partition("\n")
    if first_line.strip().lower() in ("sep=,", "sep=;", "sep=\t"):
        text, separator = rest, first_line.strip("\r\n ")[4]
    else:
        separator = _separator(text, expected)
    faults: list[Fault] = []
    lines = _csv_lines(name, text, separator, faults)
    return _table(name, "", [[("s", cell) for cell in line] for line in lines], (), notes, faults)


def _run_reader(name: str, content: bytes, sheet: str) -> dict[str, Any]:
    """What the reading process answers; ``InputError`` when it gives up."""
    command = [sys.executable, "-I", str(_READER), sheet]
    try:
        run = subprocess.run(command, input=content, capture_output=True, timeout=READER_SECONDS, check=False)
    except subprocess.TimeoutExpired:
        raise _refuse(name, *_failure({"failure": "too big"}, sheet)) from None
    if run.returncode == 0:
        answer: dict[str, Any] = json.loads(run.stdout)
    else:
        # Ended by a limit (a signal), or by something in the file that nobody foresaw.
        answer = {"failure": "too big" if run.returncode < 0 else "broken"}
    if "failure" in answer:
        raise _refuse(name, *_failure(answer, sheet))
    return answer


def read_cells(content: bytes, *, file_name: str) -> dict[str, list[list[str]]]:
    """Every cell of every sheet of a workbook, by sheet name, rows from 1; for checking, not for import.

    A cell that is neither text nor a plain number is given as its kind, so that it equals no text.

    Raises
    ------
    InputError
        If the workbook is too big, damaged or none.
    """
    if len(content) > MAX_FILE_BYTES:
        raise _refuse(file_name, "TOO_BIG", "the file is larger than 5 MB")
    _guard_archive(file_name, content)
    answer = _run_reader(file_name, content, "*")
    return {
        page["sheet"]: [
            ["" if cell is None else cell[1] if cell[0] in "sn" else f"\x00{cell[0]}" for cell in line]
            for line in page["cells"]
        ]
        for page in answer["sheets"]
    }


def _read_xlsx(name: str, content: bytes, sheet: str, text_columns: Collection[str]) -> Table:
    if sheet == "*":
        raise _refuse(name, "NO_SHEET", "no sheet can have the name *")
    answer = _run_reader(name, content, sheet)
    notes = []
    if answer["others"]:
        others = ", ".join(f'"{other}"' for other in answer["others"])
        what = f'Sheet "{answer["sheet"]}" was read; not read: {others}.'
        notes.append(_note(name, "SHEETS", others, what))
    if answer["hidden_rows"]:
        count = str(answer["hidden_rows"])
        notes.append(_note(name, "HIDDEN", count, f"{count} hidden rows were read too."))
    faults = [_merged_fault(name, block) for block in answer["merged"]]
    lines = [[("s", "") if cell is None else (cell[0], cell[1]) for cell in line] for line in answer["cells"]]
    return _table(name, answer["sheet"], lines, text_columns, notes, faults)


def _failure(answer: Mapping[str, Any], sheet: str) -> tuple[str, str]:
    """Code and sentence for a workbook that the reader gave up on."""
    match answer["failure"]:
        case "too big":
            limits = f"{MAX_ROWS} rows, {MAX_COLUMNS} columns"
            return "TOO_BIG", f"the sheet is larger than {limits}; copy the filled rows into a new workbook"
        case "password":
            return "PASSWORD", "the workbook has a password; save it without one"
        case "no sheet":
            return "NO_SHEET", "the workbook has no visible sheet; put the rows on the first sheet"
        case "no such sheet":
            there = ", ".join(f'"{name}"' for name in answer["sheets"])
            return "NO_SHEET", f'there is no sheet "{sheet}"; the workbook has {there}'
        case _:
            return "BROKEN", "the workbook is damaged; open it and save it again as .xlsx"


def _merged_fault(name: str, block: Sequence[Sequence[int]]) -> Fault:
    (top, left), (bottom, right) = block
    area = f"{column_letters(left)}{top + 1}:{column_letters(right)}{bottom + 1}"
    what = f"cells {area} are merged; unmerge them and fill every row"
    return Fault(file=name, row=top + 1, column=column_letters(left), code="MERGED", what=what)


_TEXT_FORMAT = "format the column as text and type the value again"


def _cell_problem(kind: str, text: str, *, is_text: bool) -> tuple[str, str] | None:
    """Code and sentence for a cell that cannot be taken as typed, or None."""
    if kind == "f":
        return "FORMULA", "a formula stands here; replace it by its value (copy, paste as values)"
    if kind == "e":
        return "ERROR_CELL", f"the cell shows an error ({text}); type the value"
    if not is_text:
        return None
    if kind == "d":
        return "NUMBER_FOR_TEXT", f"a date stands where text is expected; {_TEXT_FORMAT}"
    if kind == "b":
        return "NUMBER_FOR_TEXT", f"yes/no ({text}) stands where text is expected; {_TEXT_FORMAT}"
    if kind == "z" or not re.fullmatch(r"[0-9]{1,15}", text):
        return "NUMBER_FOR_TEXT", f"a number stands where text is expected, its digits are not sure; {_TEXT_FORMAT}"
    return None


def _header(name: str, row: int, line: Sequence[tuple[str, str]], faults: list[Fault]) -> tuple[str, ...]:
    """The column names without empty ones at the end; faults for empty and repeated ones."""
    names = [text.strip() for _, text in line]
    while names and not names[-1]:
        names.pop()
    for index, column in enumerate(names):
        where = f"column {column_letters(index)}"
        if not column:
            faults.append(Fault(file=name, row=row, code="HEADER", what=f"{where} has no name in the header row"))
        elif column in names[:index]:
            what = f'{where} is called "{column}" like column {column_letters(names.index(column))}; rename one'
            faults.append(Fault(file=name, row=row, column=column, code="HEADER", what=what))
    return tuple(names)


def _table(
    name: str,
    sheet: str,
    lines: Sequence[Sequence[tuple[str, str]]],
    text_columns: Collection[str],
    notes: list[Fault],
    faults: list[Fault],
) -> Table:
    """Header, rows and faults of what either reader found; ``faults`` already holds those of the file itself."""
    start = next((at for at, line in enumerate(lines) if any(text.strip() for _, text in line)), None)
    if start is None:
        if faults:
            raise InputError(faults)
        raise _refuse(name, "EMPTY_FILE", "there is nothing in the table; expected a header row and one row a person")
    if len(lines) > MAX_ROWS + 1 or len(lines[start]) > MAX_COLUMNS:
        raise _refuse(name, *_failure({"failure": "too big"}, sheet))
    header = _header(name, start + 1, lines[start], faults)
    rows: list[SheetRow] = []
    number_counts = dict.fromkeys((column for column in header if column in text_columns), 0)
    for number, line in enumerate(lines[start + 1 :], start + 2):
        if not any(text.strip() or kind in "ef" for kind, text in line):
            continue
        is_csv = not sheet
        if (is_csv and len(line) < len(header)) or any(text.strip() for _, text in line[len(header) :]):
            what = f"the row has {len(line)} cells, the header {len(header)}; check separators and quotes"
            faults.append(Fault(file=name, row=number, code="RAGGED", what=what))
        cells = dict.fromkeys(header, "")
        for column, (kind, text) in zip(header, line, strict=False):
            cells[column] = text
            if kind == "s":
                continue
            problem = _cell_problem(kind, text, is_text=column in text_columns)
            if problem is not None:
                code, what = problem
                faults.append(Fault(file=name, row=number, column=column, value=text, code=code, what=what))
            elif kind == "n" and column in number_counts:
                number_counts[column] += 1
        rows.append(SheetRow(row=number, cells=cells))
    if not rows:
        faults.append(Fault(file=name, code="EMPTY_FILE", what="there is a header row but no row below it"))
    for column, count in number_counts.items():
        if count:
            what = f'Column "{column}" holds {count} numbers; zeros in front, if there were any, are lost.'
            notes.append(_note(name, "ZEROS", column, what))
    if len(faults) > MAX_FAULTS:
        more = Fault(file=name, code="MORE", what=f"{len(faults) - MAX_FAULTS} more problems are not listed")
        faults = [*faults[:MAX_FAULTS], more]
    return Table(file=name, sheet=sheet, header=header, rows=tuple(rows), notes=tuple(notes), faults=tuple(faults))


def formula_safe(text: str) -> str:
    """The text with an apostrophe before anything that a spreadsheet could take for a formula.

    ``read_table`` takes exactly these apostrophes away again, so that text comes back as it was.
    """
    return _ESCAPE.sub("'", text)


def csv_bytes(header: Sequence[str], rows: Iterable[Sequence[str | int]], *, separator: str = ",") -> bytes:
    """A CSV file per RFC 4180: UTF-8 with its mark (which Excel needs), CRLF, quotes where needed.

    Text is made formula-safe; whole numbers, being numbers, are written as they are.
    """
    out = io.StringIO(newline="")
    writer = csv.writer(out, delimiter=separator, lineterminator="\r\n")
    for line in (header, *rows):
        writer.writerow([formula_safe(cell) if isinstance(cell, str) else cell for cell in line])
    return out.getvalue().encode("utf-8-sig")


@dataclass(frozen=True, kw_only=True)
class Sheet:
    """One sheet to write: every cell is text, whole numbers are numbers. ``widths`` in characters, 0 for default."""

    name: str
    header: Sequence[str]
    rows: Sequence[Sequence[str | int]]
    widths: Sequence[int] = ()
    is_hidden: bool = False


@dataclass(frozen=True, kw_only=True)
class TemplateColumn:
    """One column of an import template: its name in the header, what to type, and the choices of its drop-down."""

    name: str
    help: str = ""
    choices: Sequence[str] = ()
    width: int = 18


def _open_workbook(target: io.BytesIO) -> Any:
    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_numbers": False, "strings_to_urls": False}
    book = Workbook(target, options)
    # The same rows give the same bytes, so no time of making.
    book.set_properties({"created": datetime(2000, 1, 1, tzinfo=UTC)})
    return book


def _check_writable(sheet: Sheet) -> None:
    faults = []
    for number, line in enumerate((sheet.header, *sheet.rows), 1):
        for index, cell in enumerate(line):
            if isinstance(cell, str) and (len(cell) > MAX_CELL_CHARS or re.search("[\ud800-\udfff\ufffe\uffff]", cell)):
                what = f"a cell holds at most {MAX_CELL_CHARS} characters, all of them valid"
                faults.append(Fault(file=sheet.name, row=number, column=column_letters(index), code="CELL", what=what))
    if faults:
        raise InputError(faults)


def xlsx_bytes(sheets: Sequence[Sheet]) -> bytes:
    """A workbook of text cells; nothing in it is a formula, a link or a number by accident."""
    target = io.BytesIO()
    book = _open_workbook(target)
    text = book.add_format({"num_format": "@", "valign": "top", "text_wrap": False})
    bold = book.add_format({"num_format": "@", "bold": True, "bottom": 1})
    for sheet in sheets:
        _check_writable(sheet)
        page = book.add_worksheet(sheet.name)
        page.freeze_panes(1, 0)
        if sheet.is_hidden:
            page.hide()
        for index, width in enumerate(sheet.widths):
            if width:
                page.set_column(index, index, width)
        for column, name in enumerate(sheet.header):
            page.write_string(0, column, name, bold)
        for row, line in enumerate(sheet.rows, 1):
            for column, cell in enumerate(line):
                if isinstance(cell, str):
                    page.write_string(row, column, cell, text)
                else:
                    page.write_number(row, column, cell)
    book.close()
    return target.getvalue()


def template_xlsx(columns: Sequence[TemplateColumn], *, sheet_name: str, row_count: int = 2_000) -> bytes:
    """An empty import sheet: text columns, drop-down lists, and the help of each column as a note on its header."""
    target = io.BytesIO()
    book = _open_workbook(target)
    text = book.add_format({"num_format": "@"})
    bold = book.add_format({"num_format": "@", "bold": True, "bottom": 1})
    page = book.add_worksheet(sheet_name)
    lists = book.add_worksheet("lists")
    lists.hide()
    page.freeze_panes(1, 0)
    for index, column in enumerate(columns):
        page.set_column(index, index, column.width, text)
        page.write_string(0, index, column.name, bold)
        if column.help:
            page.write_comment(0, index, column.help, {"x_scale": 2})
        for row, choice in enumerate(column.choices):
            lists.write_string(row, index, choice, text)
        if column.choices:
            letters = column_letters(index)
            source = f"=lists!${letters}$1:${letters}${len(column.choices)}"
            page.data_validation(1, index, row_count, index, {"validate": "list", "source": source})
    book.close()
    return target.getvalue()
