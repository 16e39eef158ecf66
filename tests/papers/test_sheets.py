"""Sheets: identifiers stay text, problems name their row and column, nothing that leaves is a formula."""

import csv
import io
import random
import unicodedata
import zipfile
from datetime import date, datetime

import openpyxl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from retorno.errors import InputError
from retorno.papers.sheets import (
    MAX_ROWS,
    Sheet,
    TemplateColumn,
    column_letters,
    csv_bytes,
    formula_safe,
    read_table,
    template_xlsx,
    xlsx_bytes,
)

TRICKY = (
    "00123",
    "1E5",
    "NA",
    "null",
    "True",
    "0x1F",
    "1-2",
    "=1+1",
    "+50499",
    "-3",
    "@x",
    "'quoted",
    "'=x",
    "NaN",
    "inf",
)
NAMES = ("María José Ñúñez", "محمد عبد الله", "שָׁלוֹם", "ሀብታሙ", "রহিমা", "王小明", "ශ්\u200dරීමතී", 'O\'Brien, "Chepe"')


def book_bytes(fill) -> bytes:
    book = openpyxl.Workbook()
    fill(book)
    target = io.BytesIO()
    book.save(target)
    return target.getvalue()


def people(*lines):
    def fill(book):
        for line in lines:
            book.active.append(line)

    return book_bytes(fill)


def codes(table):
    return [(fault.row, fault.column, fault.code) for fault in table.faults]


def said(table):
    return tuple(note.what for note in table.notes)


def refusal(content, file_name, **options):
    with pytest.raises(InputError) as error:
        read_table(content, file_name=file_name, **options)
    (fault,) = error.value.faults
    assert fault.file == file_name
    return fault


@pytest.mark.parametrize("kind", ["csv", "xlsx"])
def test_identifiers_and_names_come_back_as_written(kind):
    rows = [(identifier, name) for identifier, name in zip(TRICKY, NAMES * 2, strict=False)]
    if kind == "csv":
        content = csv_bytes(("doc", "name"), rows)
    else:
        content = xlsx_bytes([Sheet(name="people", header=("doc", "name"), rows=rows)])

    table = read_table(content, file_name=f"a.{kind}", text_columns=("doc", "name")).checked()

    assert [(row.cells["doc"], row.cells["name"]) for row in table.rows] == rows
    assert [row.row for row in table.rows] == list(range(2, 2 + len(rows)))


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_the_separator_is_found(separator):
    lines = ["ref|name|note", '1|"Pérez; Ana, María"|x', "2|Luis|", "", "3|Eva|y"]
    content = "\r\n".join(lines).replace("|", separator).encode()

    table = read_table(content, file_name="a.csv").checked()

    assert table.header == ("ref", "name", "note")
    assert table.rows[0].cells["name"] == "Pérez; Ana, María"
    assert [row.row for row in table.rows] == [2, 3, 5]


def test_expected_columns_decide_between_separators():
    content = b"name;born,x\nAna;1,1\n"

    assert read_table(content, file_name="a.csv", expected_columns=("name",)).header == ("name", "born,x")


def test_excels_separator_line_is_obeyed_and_not_counted():
    table = read_table(b"sep=;\r\na;b\r\n1;2,5\r\n", file_name="a.csv").checked()

    assert table.rows[0].row == 2
    assert table.rows[0].cells == {"a": "1", "b": "2,5"}


def test_windows_text_is_read_with_a_note_and_utf16_too():
    table = read_table("name;x\nÑúñez;1\n".encode("cp1252"), file_name="a.csv").checked()
    assert table.rows[0].cells["name"] == "Ñúñez"
    assert said(table) == ("The file is not UTF-8; it was read as Windows-1252. Compare the accents, first in line 2.",)
    table = read_table("name\tx\nÑúñez\t1\n".encode("utf-16"), file_name="a.txt").checked()
    assert table.rows[0].cells["name"] == "Ñúñez"
    assert table.notes


def test_one_bad_byte_in_utf8_is_not_taken_for_windows_text():
    content = "name\nÑúñez\nJosé\n".encode() + b"Mar\xeda\n"

    fault = refusal(content, "a.csv")

    assert fault.code == "ENCODING"
    assert "line 4" in fault.what


def test_ragged_rows_are_all_named():
    table = read_table(b"a,b,c\n1,2,3\n1,2\n1,2,3,4\n1,2,3,\n", file_name="a.csv")

    assert codes(table) == [(3, "", "RAGGED"), (4, "", "RAGGED")]
    assert table.faults[0].what == "the row has 2 cells, the header 3; check separators and quotes"
    with pytest.raises(InputError) as error:
        table.checked()
    assert len(error.value.faults) == 2


def test_open_quotes_and_nul_are_named_by_row():
    table = read_table(b'a,b\n1,2\n"x,3\n4,5\n', file_name="a.csv")
    assert codes(table) == [(3, "", "QUOTES")]
    assert refusal(b"a,b\n1,\x002\n", "a.csv").row == 2


def test_header_without_a_name_or_with_a_repeated_one():
    table = read_table(b"a,,a,d\n1,2,3,4\n", file_name="a.csv")

    assert [fault.what for fault in table.faults] == [
        "column B has no name in the header row",
        'column C is called "a" like column A; rename one',
    ]


@pytest.mark.parametrize(
    ("content", "file_name", "code", "words"),
    [
        (b"", "a.csv", "EMPTY_FILE", "the file is empty"),
        (b"\xef\xbb\xbf\r\n", "a.csv", "EMPTY_FILE", "nothing in the table"),
        (b"%PDF-1.7 x", "list.csv", "WRONG_KIND", "this is a PDF"),
        (b"\x89PNG\r\n\x1a\n....", "a.xlsx", "WRONG_KIND", "this is a picture"),
        (b"\xff\xd8\xff\xe0....", "a.jpg", "WRONG_KIND", "this is a picture"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "a.xls", "WRONG_KIND", "old workbook (.xls)"),
        (b"<html><table>", "a.xls", "WRONG_KIND", "this is a web page"),
        (b"a,b\n1,2\n", "a.xlsx", "WRONG_KIND", "plain text, not a workbook; name it .csv"),
        (b"PK\x03\x04 not a zip at all", "a.xlsx", "BROKEN", "damaged"),
        (b"a" * 5_242_881, "a.csv", "TOO_BIG", "at most 5 MB"),
        (b"a\n" + b"1\n" * (MAX_ROWS + 1), "a.csv", "TOO_BIG", "larger than 20000 rows"),
        (b"\x81,\x8d\n", "a.csv", "ENCODING", "nor Windows-1252"),
    ],
)
def test_the_wrong_kind_of_file_gets_a_sentence(content, file_name, code, words):
    fault = refusal(content, file_name)

    assert fault.code == code
    assert words in fault.what


def zip_bytes(members, **options) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, **options) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return target.getvalue()


def test_a_bomb_and_other_archives_are_refused_unopened():
    bomb = zip_bytes({"xl/workbook.xml": b"", "xl/worksheets/sheet1.xml": b"0" * 52_428_801})
    assert refusal(bomb, "a.xlsx").code == "TOO_BIG"
    many = zip_bytes({f"xl/{number}": b"" for number in range(2_001)})
    assert refusal(many, "a.xlsx").code == "TOO_BIG"
    assert "text document" in refusal(zip_bytes({"word/document.xml": b"x"}), "a.xlsx").what
    assert "OpenDocument" in refusal(zip_bytes({"content.xml": b"x"}), "a.ods").what
    assert "packed file" in refusal(zip_bytes({"a.csv": b"x"}), "a.zip").what
    assert "name it .xlsx" in refusal(people(["a"], ["1"]), "a.csv").what
    assert refusal(zip_bytes({"xl/workbook.xml": b"<x"}), "a.xlsx").code == "BROKEN"


def test_a_sheet_that_only_looks_small_is_refused():
    def far(book):
        book.active["A1"] = "name"
        book.active["XFD1048576"] = "x"

    assert refusal(book_bytes(far), "a.xlsx").code == "TOO_BIG"


def test_one_long_text_shared_by_many_cells_is_refused():
    def fill(book):
        for _ in range(1_000):
            book.active.append(["x" * 32_000])

    assert refusal(book_bytes(fill), "a.xlsx").code == "TOO_BIG"


def test_formulas_merged_cells_and_errors_are_named_by_cell():
    def fill(book):
        sheet = book.active
        sheet.append(["name", "doc"])
        sheet.append(["Ana", "=A1&B1"])
        sheet.append(["Luis", "#N/A"])
        sheet["B3"].data_type = "e"
        sheet.append(["Eva", "E1"])
        sheet.append(["", "E2"])
        sheet.merge_cells("A4:A5")

    table = read_table(book_bytes(fill), file_name="a.xlsx")

    assert codes(table) == [(4, "A", "MERGED"), (2, "doc", "FORMULA"), (3, "doc", "ERROR_CELL")]
    assert table.faults[0].what == "cells A4:A5 are merged; unmerge them and fill every row"


def test_numbers_in_text_columns_stay_as_typed_or_are_named():
    def fill(book):
        sheet = book.active
        sheet.append(["doc", "born", "count"])
        sheet.append([12345, date(2026, 3, 9), 3])
        sheet.append([1e20, datetime(2026, 3, 9, 14, 30), 0.1])  # noqa: DTZ001 spreadsheets have no zone
        sheet.append([123, "2026-02-30", True])
        sheet["A4"].number_format = "00000"
        sheet.append([date(2026, 1, 2), "", 2.0])
        sheet.append([True, "", -7])
        sheet.append(["1E5", "", ""])

    table = read_table(book_bytes(fill), file_name="a.xlsx", text_columns=("doc",))

    assert codes(table) == [(row, "doc", "NUMBER_FOR_TEXT") for row in (3, 4, 5, 6)]
    assert "format the column as text" in table.faults[0].what
    assert [row.cells["doc"] for row in table.rows][::5] == ["12345", "1E5"]
    assert [row.cells["born"] for row in table.rows][:3] == ["2026-03-09", "2026-03-09 14:30:00", "2026-02-30"]
    assert [row.cells["count"] for row in table.rows] == ["3", "0.1", "TRUE", "2", "-7", ""]
    assert said(table) == ('Column "doc" holds 1 numbers; zeros in front, if there were any, are lost.',)


def test_the_first_visible_sheet_or_the_named_one_is_read():
    def fill(book):
        book.active.title = "old"
        book.active.append(["x"])
        book.active.sheet_state = "hidden"
        book.create_sheet("people").append(["name"])
        book["people"].append(["Ana"])
        book["people"].row_dimensions[2].hidden = True
        book.create_sheet("more").append(["name"])
        book["more"].append(["Luis"])

    content = book_bytes(fill)

    table = read_table(content, file_name="a.xlsx").checked()
    assert table.sheet == "people"
    assert said(table) == ('Sheet "people" was read; not read: "more".', "1 hidden rows were read too.")
    assert read_table(content, file_name="a.xlsx", sheet="more").rows[0].cells == {"name": "Luis"}
    fault = refusal(content, "a.xlsx", sheet="menores")
    assert fault.what == 'there is no sheet "menores"; the workbook has "people", "more"'


def test_a_header_alone_is_a_fault():
    assert codes(read_table(b"a,b\n", file_name="a.csv")) == [(None, "", "EMPTY_FILE")]
    assert codes(read_table(people(["a", "b"]), file_name="a.xlsx")) == [(None, "", "EMPTY_FILE")]


def test_row_numbers_are_those_of_the_spreadsheet():
    def fill(book):
        book.active["A3"] = "name"
        book.active["A4"] = "Ana"
        book.active["A7"] = "Eva"

    assert [row.row for row in read_table(book_bytes(fill), file_name="a.xlsx").checked().rows] == [4, 7]


def test_five_thousand_rows_are_all_read():
    rows = [[str(row), "Ana"] for row in range(5_000)]
    content = xlsx_bytes([Sheet(name="s", header=["ref", "name"], rows=rows)])

    table = read_table(content, file_name="a.xlsx").checked()

    assert [row.cells["ref"] for row in table.rows] == [row[0] for row in rows]


def rewritten(content: bytes, changes: dict[str, list[tuple[bytes, bytes]]]) -> bytes:
    """A workbook with parts of its files replaced, as other programs would have written them."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    for name, pairs in changes.items():
        for old, new in pairs:
            assert old in members[name], (name, old)
            members[name] = members[name].replace(old, new)
    return zip_bytes(members)


def test_formulas_are_found_also_in_the_strict_dialect_and_with_prefixes():
    content = people(["name", "doc"], ["Ana", "=1+1"], ["Eva", 12])
    office = b"http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    strict = rewritten(
        content, {"xl/workbook.xml": [(office, b"http://purl.oclc.org/ooxml/officeDocument/relationships")]}
    )
    sheet = "xl/worksheets/sheet1.xml"
    prefixed = rewritten(
        content,
        {
            sheet: [
                *((b"<" + tag, b"<x:" + tag) for tag in (b"c ", b"v>", b"f>", b"row ", b"sheetData", b"worksheet ")),
                *((b"</" + tag, b"</x:" + tag) for tag in (b"c>", b"v>", b"f>", b"row>", b"sheetData", b"worksheet>")),
                (b"<x:worksheet xmlns=", b"<x:worksheet xmlns:x="),
            ]
        },
    )

    for book in (content, strict, prefixed):
        table = read_table(book, file_name="a.xlsx")
        assert (2, "doc", "FORMULA") in codes(table)


def test_template_has_lists_and_reads_back_once_filled():
    columns = [
        TemplateColumn(name="name"),
        TemplateColumn(name="sex", help="As in the papers", choices=("F", "M", "X")),
    ]

    content = template_xlsx(columns, sheet_name="people")

    book = openpyxl.load_workbook(io.BytesIO(content))
    assert book.sheetnames == ["people", "lists"]
    assert book["lists"].sheet_state == "hidden"
    (rule,) = book["people"].data_validations.dataValidation
    assert (rule.formula1, str(rule.sqref)) == ("lists!$B$1:$B$3", "B2:B2001")
    assert book["people"]["A2"].number_format == "@" or book["people"].column_dimensions["A"].number_format == "@"
    book["people"].append(["Ana", "F"])
    target = io.BytesIO()
    book.save(target)
    table = read_table(target.getvalue(), file_name="a.xlsx").checked()
    assert [row.cells for row in table.rows] == [{"name": "Ana", "sex": "F"}]
    assert table.notes == ()


def test_too_long_and_broken_text_is_refused_before_writing():
    with pytest.raises(InputError):
        xlsx_bytes([Sheet(name="s", header=("a",), rows=[["x" * 32_768]])])
    with pytest.raises(InputError):
        xlsx_bytes([Sheet(name="s", header=("a",), rows=[["\ud800"]])])


def test_same_rows_same_bytes():
    sheet = Sheet(name="s", header=("a",), rows=[["x"]])

    assert xlsx_bytes([sheet]) == xlsx_bytes([sheet])


def test_column_letters():
    assert [column_letters(index) for index in (0, 25, 26, 701, 702)] == ["A", "Z", "AA", "ZZ", "AAA"]


cell_text = st.text(
    alphabet=st.one_of(
        st.sampled_from("=+-@'\",;|\t a1"),
        st.characters(exclude_categories=["Cs", "Cc", "Cn"], exclude_characters="\ufeff"),
    ),
    max_size=12,
)


@given(st.lists(st.tuples(cell_text, cell_text), min_size=1, max_size=5), st.sampled_from([",", ";", "\t"]))
def test_no_csv_cell_starts_a_formula_in_any_program_and_all_come_back(rows, separator):
    rows = [(f"x{first}", second) for first, second in rows]  # no wholly empty row
    content = csv_bytes(("first", "second"), rows, separator=separator)

    for other in (",", ";", "\t"):
        for line in csv.reader(io.StringIO(content.decode("utf-8-sig"), newline=""), delimiter=other):
            assert not [cell for cell in line if cell.strip()[:1] in tuple("=+-@")]
            assert other != separator or not [cell for cell in line if cell[:1] in tuple("\t\r\n")]
    table = read_table(content, file_name="a.csv", expected_columns=("first", "second")).checked()
    assert [(row.cells["first"], row.cells["second"]) for row in table.rows] == rows


@given(st.text(alphabet=st.sampled_from("=+-@'\t\r\n;,a＝"), max_size=8))
def test_formula_safe_text_has_one_way_back(text):
    content = csv_bytes(("a", "b"), [("x", text)], separator=";")

    assert not formula_safe(text).startswith(tuple("=+-@\t\r\n＝"))
    assert read_table(content, file_name="a.csv", expected_columns=("a", "b")).rows[0].cells["b"] == text


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(cell_text.map(lambda text: unicodedata.normalize("NFC", "x" + text)), min_size=30, max_size=60))
def test_workbook_text_comes_back_byte_exact(texts):
    texts = [*texts, "_x000D_", "=1+1", "  spaces  ", "a\nb", "<&>", "'=x", "\u200f" + "x"]
    content = xlsx_bytes([Sheet(name="s", header=("a",), rows=[[text] for text in texts])])

    table = read_table(content, file_name="a.xlsx", text_columns=("a",)).checked()

    assert [row.cells["a"] for row in table.rows] == texts


@given(st.binary(max_size=60) | st.text(alphabet="a1,;\t\"\n\r'=ñ\x00", max_size=40).map(str.encode))
def test_no_bytes_break_the_reader(content):
    try:
        table = read_table(content, file_name="a.csv", text_columns=("a",))
    except InputError as error:
        assert all(fault.file == "a.csv" and fault.what for fault in error.faults)  # noqa: PT017 either way is fine
    else:
        assert table.header


@pytest.mark.parametrize("seed", range(12))
def test_no_damaged_workbook_breaks_the_reader(seed):
    rng = random.Random(seed)
    content = people(["name", "doc"], *(["Ana", f"=A{number}"] for number in range(20)))
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        members = {name: bytearray(archive.read(name)) for name in archive.namelist()}
    hurt = members[rng.choice(sorted(members))]
    for _ in range(4):
        at = rng.randrange(len(hurt))
        hurt[at : at + rng.randrange(20)] = rng.choice((b"", b"<c r='A1'><v>1e999</v></c>", b"&", b'r="XFD9"', b"\xff"))

    try:
        table = read_table(zip_bytes(members), file_name="a.xlsx", text_columns=("doc",))
    except InputError as error:
        assert error.faults[0].code in ("BROKEN", "WRONG_KIND", "NO_SHEET", "TOO_BIG")  # noqa: PT017 either way is fine
    else:
        assert table.header
