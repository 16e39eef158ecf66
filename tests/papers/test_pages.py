"""Pages: any name prints, families stay together, a changed byte is found, nothing comes from outside."""

import dataclasses
import hashlib
import io
import re
import subprocess
from datetime import UTC, date, datetime
from pathlib import Path

import openpyxl
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from fontTools.ttLib import TTFont
from hypothesis import given, settings
from hypothesis import strategies as st

from retorno.errors import Inconsistent, InputError
from retorno.labels import labels_for
from retorno.papers import pages
from retorno.papers.form import manifest_bytes
from retorno.papers.keys import SigningKey
from retorno.papers.pages import (
    FONTS,
    TEMPLATES,
    Foot,
    Paper,
    direction,
    is_printable,
    manifest_pdf,
    manifest_xlsx,
)
from retorno.papers.seal import Verdict, attached_files, envelope, make_seal, verify_content
from retorno.papers.sheets import read_cells
from retorno.text import clean_text
from retorno.vocabulary import Language
from tests.papers.papers_builders import NAMES, make_manifest, make_row, objects_of, page_count, text_of

KEY = SigningKey(secret=Ed25519PrivateKey.from_private_bytes(bytes(range(32))))
PUBLIC = {KEY.key_id: KEY.public_bytes}
SPANISH = labels_for(Language("es"), "paper")
FOOT = Foot(
    audit_head="9f2c4e5a7b1d3f60",
    audit_day=date(2026, 3, 5),
    printed_by="U-3F7K2M9XRT",
    printed_at=datetime(2026, 3, 6, 15, 9, tzinfo=UTC),
    zone="America/Guatemala",
    check_address="https://retorno.example.org/verify",
)


def printed(manifest, *, language="es", paper=Paper.A4) -> bytes:
    content = manifest_bytes(manifest)
    labels = labels_for(Language(language), "paper")
    return manifest_pdf(
        content, make_seal(content, KEY), labels=labels, language=language, foot=FOOT, key=KEY, paper=paper
    )


@pytest.mark.parametrize("language", ["es", "en", "fr"])
@pytest.mark.parametrize(("paper", "width", "height"), [(Paper.A4, 841, 595), (Paper.LETTER, 792, 612)])
def test_the_list_prints_in_each_language_on_both_papers_and_is_valid(language, paper, width, height):
    pdf = printed(make_manifest(11, is_demo=True), language=language, paper=paper)

    assert verify_content(pdf, PUBLIC).verdict is Verdict.VALID
    box = re.search(rb"/MediaBox\s*\[0 0 ([0-9.]+) ([0-9.]+)\]", objects_of(pdf))
    assert (int(float(box[1])), int(float(box[2]))) == (width, height)


def test_same_list_same_bytes():
    assert printed(make_manifest(5)) == printed(make_manifest(5))


def test_the_signed_list_is_attached_as_it_is():
    manifest = make_manifest(5)
    content = manifest_bytes(manifest)

    assert attached_files(printed(manifest)) == [envelope(content, make_seal(content, KEY))]


def test_any_changed_byte_of_the_page_is_found():
    pdf = printed(make_manifest(3))
    for at in range(0, len(pdf), 211):
        wrong = bytearray(pdf)
        wrong[at] ^= 0x10
        assert verify_content(bytes(wrong), PUBLIC).verdict is not Verdict.VALID, at


def test_nobody_one_and_sixty_people_print():
    assert [page_count(printed(make_manifest(count))) for count in (0, 1)] == [1, 1]
    assert page_count(printed(make_manifest(60))) >= 4


@pytest.mark.poppler
def test_a_copy_without_names_says_whether_anybody_travels():
    counts = {"total": 7, "female": 3, "male": 4}

    assert "da solo cantidades" in text_of(printed(make_manifest(0, columns=("no",), counts=counts)))
    assert "total 7, mujeres 3, hombres 4" in text_of(printed(make_manifest(0, columns=("no",), counts=counts)))
    assert "No viaja ninguna persona" in text_of(printed(make_manifest(0, columns=("no",), counts={})))


def test_only_the_necessary_prints():
    bare = {
        "window": None,
        "notice": None,
        "crew": (),
        "contacts": (),
        "counts": {},
        "posts": (),
        "expected": (),
        "agreement": "",
    }
    manifest = make_manifest(2, columns=("no", "name"), vehicle="", operator="", version=1, supersedes=None, **bare)

    assert page_count(printed(manifest)) == 1


def test_the_seal_of_another_list_is_refused():
    other = manifest_bytes(make_manifest(3, version=3))

    with pytest.raises(InputError):
        manifest_pdf(
            manifest_bytes(make_manifest(3)), make_seal(other, KEY), labels=SPANISH, language="es", foot=FOOT, key=KEY
        )


@pytest.mark.poppler
def test_families_stay_on_one_page():
    # Groups of 7: the page breaks would fall inside a family without care.
    rows = [make_row(number, group="ABCDEFGHI"[(number - 1) // 7]) for number in range(1, 61)]

    pdf = printed(make_manifest(60, rows=rows))

    pages_of = [set(re.findall(r"K7C-9WM-\S+", page)) for page in text_of(pdf).split("\f")]
    for group in "ABCDEFGHI":
        family = {row["ref"] for row in rows if row["group"] == group}
        assert sum(bool(family & on_page) for on_page in pages_of) == 1, group
    assert sum(map(len, pages_of)) == 60


@pytest.mark.poppler
def test_a_group_larger_than_a_page_is_printed_over_several():
    rows = [make_row(number, group="A") for number in range(1, 41)]

    text = text_of(printed(make_manifest(40, rows=rows)))

    assert len(set(re.findall(r"K7C-9WM-\S+", text))) == 40


@pytest.mark.poppler
@pytest.mark.parametrize("paper", list(Paper))
@pytest.mark.parametrize("size", [5, 9, 12])
def test_nothing_is_printed_below_the_page_however_long_the_names(paper, size):
    long = {
        "name": "عبد الرحمن بن محمد آل إبراهيم الأنصاري القرشي",
        "latin_name": "ABDULRAHMAN BIN MOHAMMED AL IBRAHIM " * 2,
    }
    wide = {"name": "Wolfeschlegelsteinhausen " * 4, "onward": "San Francisco de la Paz, Quetzaltenango " * 2}
    rows = [make_row(number, group="A", **(long if number % 2 else wide)) for number in range(1, size + 1)]

    pdf = printed(make_manifest(size, rows=rows), paper=paper)

    boxes = subprocess.run(["pdftotext", "-bbox", "-", "-"], input=pdf, capture_output=True, check=True).stdout.decode()
    height = {Paper.A4: 595.3, Paper.LETTER: 612.0}[paper]
    lowest = {
        word: float(bottom)
        for bottom, word in re.findall(r'yMax="([0-9.]+)">(K7C-9WM-[^<]+|Wolfeschlegelst[^<]*)<', boxes)
    }
    assert len(lowest) >= size
    # The foot takes 23 mm, that is 65 points.
    assert max(lowest.values()) < height - 65


@pytest.mark.poppler
def test_long_head_lines_go_to_the_first_page_and_nothing_is_lost():
    names = {key: " ".join(f"{key}{number}" for number in range(60)) for key in ("post", "plate", "firm")}

    manifest = make_manifest(2, recipient_name=names["post"], vehicle=names["plate"], operator=names["firm"])
    boxes = subprocess.run(
        ["pdftotext", "-bbox", "-", "-"], input=printed(manifest), capture_output=True, check=True
    ).stdout.decode()

    found = {
        word.rstrip(","): float(top) for top, word in re.findall(r'yMin="(-?[0-9.]+)"[^>]*>([a-z]+[0-9]+,?)<', boxes)
    }
    assert set(found) == {word for name in names.values() for word in name.split()}
    assert min(found.values()) > 15


@pytest.mark.poppler
def test_every_page_says_movement_version_page_and_check_address():
    pdf = printed(make_manifest(30))

    for number, page in enumerate(text_of(pdf).split("\f")[:-1], 1):
        assert f"Página {number} de {page_count(pdf)}" in page
        for words in (
            "M-7KQ2M9XRT4",
            "Versión 2, reemplaza a la versión 1",
            "09:30 – 11:00 (UTC-06:00",
            "U-3F7K2M9XRT",
        ):
            assert words in page
        assert "https://retorno.example.org/verify" in page
        assert "9f2c4e5a7b1d3f60 (5 mar 2026)" in page


@pytest.mark.poppler
def test_every_font_is_embedded_and_one_of_ours(tmp_path):
    path = tmp_path / "list.pdf"
    path.write_bytes(printed(make_manifest(11)))

    lines = subprocess.run(["pdffonts", str(path)], capture_output=True, text=True, check=True).stdout.splitlines()[2:]

    assert len(lines) >= 8
    for line in lines:
        assert re.match(r"[A-Z]{6}\+NotoSans", line), line
        assert line.split()[-5] == "yes", line


@pytest.mark.poppler
def test_the_printed_qr_code_can_be_scanned(tmp_path):
    manifest = make_manifest(3, recipient="X" * 36, version=999, supersedes=998)
    (tmp_path / "list.pdf").write_bytes(printed(manifest))
    subprocess.run(["pdftoppm", "-r", "150", "-png", "list.pdf", "page"], cwd=tmp_path, check=True)

    run = subprocess.run(
        ["zbarimg", "-q", "--raw", "page-1.png"], cwd=tmp_path, capture_output=True, text=True, check=True
    )

    assert run.stdout.strip() == make_seal(manifest_bytes(manifest), KEY).text


@pytest.mark.poppler
def test_a_script_without_font_is_printed_in_latin_letters_with_a_note():
    rows = [make_row(1, name="ສົມສັກ ໄຊ"), make_row(2, name="José ສົມສັກ")]

    text = text_of(printed(make_manifest(2, rows=rows)))

    assert "Somsak Aix*" in text
    assert "José Somsak*" in text
    assert "* Escrito en letras latinas" in text
    assert "* Escrito" not in text_of(printed(make_manifest(2)))


@pytest.mark.poppler
def test_text_is_never_markup():
    hostile = ('#panic("x")', "*bold* _it_ $x$ `raw`", '#image("/etc/x")', "\\u{41} <label> @ref", "= Heading")
    rows = [make_row(number, name=name, latin_name="") for number, name in enumerate(hostile, 1)]

    text = text_of(printed(make_manifest(5, rows=rows, operator='#read("x")')))

    for name in (*hostile, '#read("x")'):
        assert name in re.sub(r"\s+", " ", text)


def test_names_of_all_our_scripts_have_glyphs_and_a_direction():
    assert all(is_printable(name) for name, _ in NAMES)
    assert [direction(name) for name, _ in NAMES[:4]] == ["ltr", "rtl", "rtl", "ltr"]
    assert direction("123 محمد") == "rtl"
    assert direction("") == "ltr"
    assert not is_printable("ສົມສັກ")


@settings(max_examples=15, deadline=None)
@given(st.lists(st.text(min_size=1, max_size=20), min_size=8, max_size=8))
def test_no_name_whatever_stops_the_printing(texts):
    def cleaned(text):
        try:
            return clean_text(text) or "x"
        except InputError:
            return "x"

    rows = [make_row(number, name=cleaned(text), latin_name="") for number, text in enumerate(texts, 1)]

    assert printed(make_manifest(8, rows=rows)).startswith(b"%PDF-")


def test_a_page_that_cannot_be_set_comes_out_in_latin_letters():
    # Lao has no font; the second attempt asks for Latin letters only.
    def page_of(typesetter):
        name = typesetter.piece("Nora") if typesetter.latin_only else typesetter.piece("x") | {"text": "ສົມສັກ"}
        return consent_page() | {"name": name}

    assert pages.typeset("consent", page_of, {}).startswith(b"%PDF-")
    with pytest.raises(Inconsistent):
        pages.typeset("consent", lambda typesetter: consent_page() | {"heading": "ສົມສັກ"}, {})


def consent_page():
    words = {"language": "es", "paper": "a4", "demo": "", "heading": "x", "reference": "x", "right": "x"}
    return words | {
        "notes": [],
        "title": "x",
        "date": [2026, 3, 6],
        "paragraphs": [],
        "is_rtl": False,
        "foot": ["x", "y"],
        "entries": [],
        "complaint": ["x", {"text": "1", "sub": "", "dir": "ltr", "is_tall": False}],
        "signatures": ["x", "y"],
        "name": {"text": "x", "sub": "", "dir": "ltr", "is_tall": False},
    }


def made_workbook() -> tuple[bytes, list[list[str]]]:
    manifest = make_manifest(11)
    content = manifest_bytes(manifest)
    book = manifest_xlsx(
        content, make_seal(content, KEY), labels=SPANISH, language="es", zone="America/Guatemala", key=KEY
    )
    return book, [list(row.values()) for row in manifest.rows]


def test_the_workbook_has_every_name_byte_exact_and_is_valid():
    book, rows = made_workbook()

    cells = read_cells(book, file_name="list.xlsx")["Personas"]

    assert [line[2] for line in cells[1:]] == [row[2] for row in rows]
    assert cells[0][:3] == ["N.º", "Referencia", "Nombre"]
    assert cells[11][11] == "silla de ruedas"
    assert verify_content(book, PUBLIC).verdict is Verdict.VALID


def test_a_changed_cell_of_the_workbook_is_found():
    book = openpyxl.load_workbook(io.BytesIO(made_workbook()[0]))
    book["Personas"]["C3"] = "Otra"
    target = io.BytesIO()
    book.save(target)

    assert verify_content(target.getvalue(), PUBLIC).verdict is Verdict.ALTERED


def test_signed_values_do_not_depend_on_what_is_printed_below():
    later = dataclasses.replace(FOOT, printed_by="U-9", audit_head="00")
    content = manifest_bytes(make_manifest(3))
    seal = make_seal(content, KEY)

    pdf = manifest_pdf(content, seal, labels=SPANISH, language="es", foot=later, key=KEY)

    assert attached_files(pdf) == attached_files(printed(make_manifest(3)))


def test_fonts_are_the_ones_we_committed():
    lines = (FONTS / "SHA256SUMS").read_text().splitlines()
    listed = dict(reversed(line.split("  ")) for line in lines)
    files = {path.name: path for path in FONTS.iterdir() if path.suffix in (".ttf", ".otf")}

    assert set(listed) == set(files)
    for name, path in files.items():
        assert hashlib.sha256(path.read_bytes()).hexdigest() == listed[name]
    assert "SIL OPEN FONT LICENSE" in (FONTS / "OFL.txt").read_text()
    assert sum(path.stat().st_size for path in files.values()) < 18_000_000


def test_the_coverage_file_tells_what_the_fonts_have():
    codes = set()
    for path in FONTS.glob("*.[to]tf"):
        with TTFont(path, lazy=True) as font:
            codes |= set(font.getBestCmap())
    told = set()
    for line in (FONTS / "coverage.txt").read_text().split():
        first, last = line.split("-")
        told |= set(range(int(first, 16), int(last, 16) + 1))

    assert told == codes


def test_templates_fetch_nothing_and_take_no_files():
    for path in Path(TEMPLATES).iterdir():
        text = path.read_text()
        assert not re.search(r"@preview|#import|#include|read\(|plugin\(|https?://(?!www\.w3\.org/2000/svg)", text), (
            path.name
        )
