"""PDF pages: how text becomes a page, and the manifest per recipient.

Text reaches the templates (``templates/``) as data, never as markup; fonts come from ``data/fonts`` only, so the same
input gives the same bytes everywhere. Pages are tagged (PDF/A-3a, PDF/UA-1). A script that no font has is printed in
Latin letters with a note, never as an empty box.
"""

from __future__ import annotations

import json
import re
import unicodedata
from bisect import bisect_right
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Any, Final

import typst
from babel.dates import format_date

from retorno import clock
from retorno.errors import Inconsistent, InputError
from retorno.papers.form import COUNTS, Manifest, manifest_from_bytes
from retorno.papers.keys import SigningKey
from retorno.papers.packing import packed
from retorno.papers.seal import Seal, envelope, qr_svg, seal_page, workbook
from retorno.papers.sheets import Sheet
from retorno.papers.words import full_day
from retorno.text import latin_suggestion
from retorno.vocabulary import PartyKind

FONTS = Path(__file__).resolve().parents[2] / "data" / "fonts"
TEMPLATES = Path(__file__).with_name("templates")
STANDARDS: Final = ("a-3a", "ua-1")
MAX_KEPT_MM = 118
"""Tallest travel group whose rows are kept on one page: about a page without its head and foot, less a margin."""

QR_MM = 35
"""Side of a manifest's QR code on paper, without its quiet zone."""

NO_BREAK = "\u00a0"
_LONG_WORD = 22
LONG_LINE = 60
"""Longest word without a place to break where a text has the whole width; scripts without spaces break anyway."""
_HEAD_CHARS = 110
_SHORT_LINE = 45
_LATIN_MARK = "*"
# Letters beyond it may reach far above and below the line; the templates then take their true height.
_LAST_LATIN = "\u024f"
# Shown by no glyph of their own; fonts need not have them.
_JOINERS = frozenset("\u200b\u200c\u200d")

Labels = Mapping[str, str]
"""Words of one language by key, as ``labels.labels_for(language, "paper")`` gives them."""


class Paper(StrEnum):
    """Sheet sizes."""

    A4 = "a4"
    LETTER = "us-letter"


@dataclass(frozen=True, kw_only=True)
class Foot:
    """What stands under a printed list, outside the signed bytes.

    Parameters
    ----------
    audit_head, audit_day
        Head of the audit chain as last anchored, and the day of that; empty and None before the first.
    printed_by
        Id of the user.
    printed_at, zone
        Instant of printing, and the zone in which it and the time of issue are shown.
    check_address
        Where anyone can check the QR code.
    """

    audit_head: str
    audit_day: date | None
    printed_by: str
    printed_at: datetime
    zone: str
    check_address: str


# ---- text on paper ---------------------------------------------------------------------------------------------


def direction(text: str) -> str:
    """ "rtl" if the first letter with a direction reads from the right, else "ltr"."""
    kinds = (unicodedata.bidirectional(char) for char in text)
    return next(("ltr" if kind == "L" else "rtl" for kind in kinds if kind in ("L", "R", "AL")), "ltr")


@cache
def _coverage() -> tuple[tuple[int, ...], tuple[int, ...]]:
    """First and last code points of the ranges that the fonts have."""
    pairs = [line.split("-") for line in (FONTS / "coverage.txt").read_text("ascii").split()]
    return tuple(int(first, 16) for first, _ in pairs), tuple(int(last, 16) for _, last in pairs)


def is_printable(text: str) -> bool:
    """Whether the fonts have every character of the text."""
    firsts, lasts = _coverage()

    def has(char: str) -> bool:
        at = bisect_right(firsts, ord(char)) - 1
        return at >= 0 and ord(char) <= lasts[at]

    return text.isascii() or all(char in _JOINERS or has(char) for char in text)


class Typesetter:
    """Turns text into pieces for the templates, and remembers whether any had to be put into Latin letters."""

    def __init__(self, *, latin_only: bool = False) -> None:
        self.latin_only = latin_only
        self.used_latin = False

    def piece(self, text: str, sub: str = "", *, longest: int = _LONG_WORD) -> dict[str, Any]:
        """Text ready for a template: printable, with its direction; words longer than ``longest`` may break."""
        plain, sub = self._printable(text), self._printable(sub)
        return {
            "text": _breakable(plain, longest),
            "sub": _breakable(sub, longest),
            "dir": direction(plain),
            "is_tall": any(char > _LAST_LATIN for char in plain),
        }

    def _printable(self, text: str) -> str:
        """The text with each word that has no glyphs in Latin letters, marked at its end if there is one."""
        words = re.sub(r"[ \t\r\n]+", " ", text).split(" ")
        shown = [
            word if (word.isascii() if self.latin_only else is_printable(word)) else latin_suggestion(word) or "?"
            for word in words
        ]
        if shown == words:
            return " ".join(words)
        self.used_latin = True
        return " ".join(shown) + _LATIN_MARK


def _breakable(text: str, longest: int) -> str:
    """Long words get places to break, so that they cannot run into the next column."""
    return re.sub(rf"(\S{{{longest}}})(?=\S)", "\\1\u200b", text) if len(text) > longest else text


def offset_text(at: datetime) -> str:
    """The offset of a local time, such as "UTC-06:00"."""
    return "UTC" + at.isoformat()[-6:]


def day_text(day: date, language: str) -> str:
    """The day with weekday and month as words: no date on paper can be read as another."""
    return full_day(day, language)


def short_day(day: date, language: str) -> str:
    """The day with a short month as word: ``9 mar 2026``; for columns."""
    return str(format_date(day, "d MMM y", locale=language)).replace(" ", NO_BREAK)


def clock_time(local: datetime) -> str:
    """Clock time of a local time with its offset, never broken between lines: ``09:30 (UTC-06:00)``."""
    return f"{local:%H:%M}{NO_BREAK}({offset_text(local)})"


def instant_text(at: datetime, zone: str, language: str) -> str:
    """Day and time of an instant at a place, with the offset."""
    local = clock.local(at, zone)
    day = format_date(local.date(), "d MMMM y" if language == "en" else "long", locale=language)
    return f"{day}, {clock_time(local)}"


# ---- typesetting -----------------------------------------------------------------------------------------------


@cache
def _fonts() -> Any:
    return typst.Fonts(include_system_fonts=False, include_embedded_fonts=False, font_paths=[str(FONTS)])


@cache
def _template(name: str) -> bytes:
    return (TEMPLATES / "common.typ").read_bytes() + (TEMPLATES / f"{name}.typ").read_bytes()


def _compile(template: str, inputs: Mapping[str, str]) -> bytes:
    made = typst.compile(
        _template(template),
        font_paths=_fonts(),
        ignore_system_fonts=True,
        pdf_standards=list(STANDARDS),
        sys_inputs=dict(inputs),
    )
    return packed(bytes(made))


def typeset(template: str, page_of: Callable[[Typesetter], dict[str, Any]], inputs: Mapping[str, str]) -> bytes:
    """The PDF that a template makes of what ``page_of`` describes; in Latin letters only if the first attempt fails.

    Raises
    ------
    Inconsistent
        If the second attempt fails too: a fault of template or labels, never of a name.
    """
    try:
        return _compile(template, {**inputs, "page": json.dumps(page_of(Typesetter()))})
    except typst.TypstError:
        # A font can have every character and yet no glyph for a combination: the list must come out all the same.
        pass
    try:
        return _compile(template, {**inputs, "page": json.dumps(page_of(Typesetter(latin_only=True)))})
    except typst.TypstError as error:
        raise Inconsistent(f"page {template} cannot be set: {error.message}") from error


# ---- manifest --------------------------------------------------------------------------------------------------

# Width of each column in millimetres, or a share of what is left (negative).
_WIDTHS = {
    "no": 9.0,
    "ref": 29.5,
    "name": -2.0,
    "sex": 10.5,
    "birth_date": 26.5,
    "nationality": 12.0,
    "document": -1.25,
    "document_expiry": 26.5,
    "group": 13.5,
    "assistance": -1.2,
    "onward": -1.1,
}
_LONGEST_WORDS = {"name": 20, "document": 12, "assistance": 16, "onward": 16}
_SMALL_COLUMNS = frozenset({"assistance", "onward"})


def _page_columns(manifest: Manifest) -> list[str]:
    """Columns as printed: the Latin name stands below the name, kind and number of the document in one column."""
    columns: list[str] = []
    for column in manifest.columns:
        printed = "document" if column in ("document_type", "document_number") else column
        if printed not in columns and (column != "latin_name" or "name" not in manifest.columns):
            columns.append(printed)
    return columns


def _word(labels: Labels, prefix: str, code: str) -> str:
    """The words for a code, or for several with commas between; a code without words stays as it is."""
    parts = [part.strip() for part in re.split("[,;]", code) if part.strip()]
    return ", ".join(labels.get(f"{prefix}.{part}", part) for part in parts)


def _latin_line(row: Mapping[str, str]) -> str:
    """The Latin spelling below a name; nothing where the name itself is in Latin letters."""
    is_latin = all(char <= _LAST_LATIN or "\u1e00" <= char <= "\u1eff" for char in row.get("name", ""))
    return "" if is_latin and row.get("name") else row.get("latin_name", "")


def need_words(code: str, labels: Labels) -> str:
    """The words for a need code."""
    return _word(labels, "need", code)


def _cell_text(row: Mapping[str, str], column: str, labels: Labels, language: str) -> tuple[str, str]:
    """Text and second line of one printed cell."""
    match column:
        case "name":
            return row["name"], _latin_line(row)
        case "birth_date" | "document_expiry":
            return _short_day(row[column], language), ""
        case "document":
            kind = _word(labels, "document", row.get("document_type", ""))
            number = row.get("document_number", "")
            return (number, kind) if number else (kind, "")
        case "assistance":
            return _word(labels, "need", row["assistance"]), ""
        case _:
            return row[column], ""


def _short_day(text: str, language: str) -> str:
    """A date of a row with its month as word; what is no date stays as it is."""
    try:
        return short_day(date.fromisoformat(text), language)
    except ValueError:
        return text


def _groups(manifest: Manifest) -> list[list[Mapping[str, str]]]:
    """Rows that follow one another with the same group letter belong together."""
    groups: list[list[Mapping[str, str]]] = []
    for row in manifest.rows:
        if groups and row.get("group") and groups[-1][0].get("group") == row["group"]:
            groups[-1].append(row)
        else:
            groups.append([row])
    return groups


def _row_mm(row: Mapping[str, str]) -> float:
    """About how tall a row is printed, rather too much: characters to a line, lines by the millimetre."""

    def lines(column: str, chars: int) -> int:
        return -(-len(row.get(column, "")) // chars)

    tall = any(char > _LAST_LATIN for char in row.get("name", ""))
    latin = lines("latin_name", 20) * 4.0 if _latin_line(row) else 0.0
    name = lines("name", 18) * (6.3 if tall else 4.8) + latin
    document = lines("document_number", 11) * 4.8 + 3.0
    return 2.0 + max(5.0, name, document, lines("assistance", 7) * 4.4, lines("onward", 10) * 4.4)


def _version_line(manifest: Manifest, labels: Labels) -> str:
    version = labels["version"].format(n=manifest.version)
    if manifest.supersedes is None:
        return f"{version}, {labels['supersedes_none']}"
    return f"{version}, {labels['supersedes'].format(n=manifest.supersedes)}"


def _head(manifest: Manifest, labels: Labels, language: str) -> list[tuple[str, list[str]]]:
    """What stands on every page, as label and texts."""
    head = [(labels["movement"], [manifest.movement])]
    if manifest.window is not None:
        start, end = manifest.window.start, manifest.window.end
        until = f"{end:%H:%M}" if end.date() == start.date() else f"{day_text(end.date(), language)}, {end:%H:%M}"
        zone = f"({offset_text(start)}, {manifest.window.zone})"
        hours = f"{day_text(start.date(), language)}, {start:%H:%M} – {until} {zone}"
        head.append((labels["window"], [hours]))
    vehicle = _vehicle(manifest)
    if vehicle and not _is_long(*vehicle):
        head.append((labels["vehicle"], vehicle))
    return head


def _vehicle(manifest: Manifest) -> list[str]:
    return [part for part in (manifest.vehicle, manifest.operator) if part]


def _is_long(*texts: str) -> bool:
    """Whether texts would need more than the one line that the head of every page has for them."""
    return sum(map(len, texts)) > _HEAD_CHARS


def people_line(name: str, phone: str) -> str:
    """Name and phone number in one line."""
    # A phone number is not broken between two lines.
    return f"{name} {phone.replace(' ', NO_BREAK)}".strip()


def _info(manifest: Manifest, labels: Labels, language: str, zone: str) -> list[tuple[str, list[str]]]:
    """What stands on the first page only, as label and texts; nothing for what the manifest does not say."""
    info: list[tuple[str, list[str]]] = []
    if _is_long(manifest.recipient_name):
        info.append((labels["recipient"], [manifest.recipient_name]))
    if _is_long(*_vehicle(manifest)):
        info.append((labels["vehicle"], _vehicle(manifest)))
    if manifest.agreement:
        info.append((labels["agreement"], [manifest.agreement]))
    if manifest.expected:
        posts = [f"{post.name.replace(' ', NO_BREAK)}{NO_BREAK}{clock_time(post.at)}" for post in manifest.expected]
        info.append((labels["posts_expected"], posts))
    elif manifest.posts:
        info.append((labels["posts"], list(manifest.posts)))
    for role in ("driver", "escort"):
        members = [people_line(member.name, member.phone) for member in manifest.crew if member.role == role]
        if members:
            info.append((labels[f"crew.{role}"], members))
    if manifest.counts:
        shown = [name for name in COUNTS if name == "total" or manifest.counts.get(name)]
        counts = [f"{labels[f'count.{name}']} {manifest.counts[name]}" for name in shown if name in manifest.counts]
        info.append((labels["counts"], counts))
    if manifest.notice is not None:
        sent, acknowledged = manifest.notice.sent_at, manifest.notice.acknowledged_at
        info.append((labels["notice_sent"], [instant_text(sent, zone, language) if sent else labels["not_yet"]]))
        text = instant_text(acknowledged, zone, language) if acknowledged else labels["not_yet"]
        info.append((labels["notice_acknowledged"], [text]))
    for side in ("sending", "receiving"):
        contacts = [people_line(contact.name, contact.phone) for contact in manifest.contacts if contact.side == side]
        if contacts:
            info.append((labels[f"contact.{side}"], contacts))
    info.append((labels["issued"], [instant_text(manifest.issued_at, zone, language)]))
    return info


def _info_chars(values: Sequence[Mapping[str, Any]]) -> int:
    return sum(len(value["text"]) + 2 for value in values)


def _info_lines(values: Sequence[Mapping[str, Any]]) -> int:
    """About how many lines one entry of the first page's facts takes."""
    return max(1, -(-_info_chars(values) // 42))


def _half(lines: Sequence[int]) -> int:
    """After how many entries to begin the second of two stacks that shall be about as tall."""
    return min(range(len(lines) + 1), key=lambda at: (max(sum(lines[:at]), sum(lines[at:])), at))


def _column_entry(column: str, labels: Labels) -> dict[str, Any]:
    width = _WIDTHS.get(column, -1.0)
    label = labels[f"column.{column}"]
    return {"label": label, "mm": max(width, 0.0), "share": max(-width, 0.0), "small": column in _SMALL_COLUMNS}


def _manifest_page(
    manifest: Manifest, seal: Seal, labels: Labels, language: str, paper: Paper, foot: Foot, typesetter: Typesetter
) -> dict[str, Any]:
    columns = _page_columns(manifest)

    def texts(pairs: Iterable[tuple[str, list[str]]]) -> list[tuple[str, list[dict[str, Any]]]]:
        return [(label, [typesetter.piece(text) for text in values]) for label, values in pairs]

    def cell(row: Mapping[str, str], column: str) -> dict[str, Any]:
        return typesetter.piece(
            *_cell_text(row, column, labels, language), longest=_LONGEST_WORDS.get(column, _LONG_WORD)
        )

    groups = [
        {
            "keep": sum(_row_mm(row) for row in rows) <= MAX_KEPT_MM,
            "rows": [[cell(row, column) for column in columns] for row in rows],
        }
        for rows in _groups(manifest)
    ]
    zone = manifest.window.zone if manifest.window is not None else foot.zone
    head, info = texts(_head(manifest, labels, language)), texts(_info(manifest, labels, language, zone))
    name = manifest.recipient_name
    kind = labels.get(f"recipient.{manifest.recipient_kind}", labels["recipient"])
    recipient = typesetter.piece(f"{kind}: {name[:_HEAD_CHARS]} …" if _is_long(name) else f"{kind}: {name}")
    watermark = ""
    if manifest.recipient_kind == PartyKind.CONSULATE:
        watermark = f"{foot.printed_by}  {instant_text(foot.printed_at, foot.zone, language)}"
    anchor = f"{foot.audit_head} ({short_day(foot.audit_day, language)})" if foot.audit_day else labels["anchor_none"]
    notes = [labels["note_latin"]] if typesetter.used_latin else []
    if not manifest.rows:
        notes.append(labels["note_counts_only" if manifest.counts.get("total") else "note_empty"])
    if manifest.is_demo:
        notes.append(labels["note_demo"])
    return {
        "title": f"{labels['manifest']} {manifest.movement}, {_version_line(manifest, labels)}",
        "date": [manifest.issued_at.year, manifest.issued_at.month, manifest.issued_at.day],
        "language": language,
        "paper": paper.value,
        "demo": labels["demo"] if manifest.is_demo else "",
        "heading": labels["manifest_heading"],
        "recipient": recipient,
        "version": _version_line(manifest, labels),
        "page_word": labels["page"],
        "of_word": labels["of"],
        "head": head,
        "is_head_short": len(name) < _SHORT_LINE and all(_info_chars(values) < _SHORT_LINE * 2 for _, values in head),
        "info": info,
        "info_half": _half([_info_lines(values) for _, values in info]),
        "columns": [_column_entry(column, labels) for column in columns],
        "tick_word": labels["column.tick"],
        "groups": groups,
        "notes": notes,
        "signatures": [labels["signature.delivered"], labels["signature.received"]],
        "qr_alt": labels["qr_alt"],
        "qr_mm": QR_MM,
        "watermark": watermark,
        "attachment": labels["attachment"],
        "foot": [
            [f"{labels['check']}: {foot.check_address}", f"{labels['hash']}: {seal.digest.hex()[:16]}"],
            [f"{labels['anchor']}: {anchor}", f"{labels['key']}: {seal.key_id}"],
            [f"{labels['printed_by']}: {foot.printed_by}, {instant_text(foot.printed_at, foot.zone, language)}", ""],
        ],
    }


def qr_share(svg: str) -> float:
    """How many times wider a QR picture is than its code alone: the quiet zone is four squares on each side."""
    found = re.search(r'viewBox="0 0 ([0-9]+) ', svg)
    squares = int(found[1]) if found else 8 + 49
    return squares / (squares - 8)


def manifest_pdf(
    content: bytes,
    seal: Seal,
    *,
    labels: Labels,
    language: str,
    foot: Foot,
    key: SigningKey,
    paper: Paper = Paper.A4,
) -> bytes:
    """The printed list of one version for one recipient, with the signed list attached and the page itself signed.

    Parameters
    ----------
    content
        Canonical bytes of the manifest, as signed.
    seal
        Their seal, for the QR code.
    labels, language
        Words of the page, and their language ("es", "en", "fr").
    foot
        What is printed below, outside the signed bytes.
    key
        Signs the finished page; ``verify_file`` finds any later change.
    paper
        Sheet size; the page lies on its long side.

    Returns
    -------
    bytes
        The same for the same arguments. An empty list of people gives a page that says so.

    Raises
    ------
    InputError
        If the bytes are no manifest or the seal belongs to another one.
    """
    manifest = manifest_from_bytes(content)
    if (seal.movement, seal.recipient, seal.version) != (manifest.movement, manifest.recipient, manifest.version):
        raise InputError("the seal belongs to another manifest")

    def page_of(typesetter: Typesetter) -> dict[str, Any]:
        return _manifest_page(manifest, seal, labels, language, paper, foot, typesetter)

    qr = qr_svg(seal)
    pdf = typeset(
        "manifest", page_of, {"canon": envelope(content, seal).decode(), "qr": qr, "qr_share": str(qr_share(qr))}
    )
    return seal_page(pdf, key)


def manifest_xlsx(content: bytes, seal: Seal, *, labels: Labels, language: str, zone: str, key: SigningKey) -> bytes:
    """The same list as a workbook: people, head, and a hidden sheet that lets ``verify_file`` check every cell.

    ``zone`` is the one in which instants are shown where the manifest has no planned hours.
    """
    manifest = manifest_from_bytes(content)
    zone = manifest.window.zone if manifest.window is not None else zone
    words = {"document_type": "document", "assistance": "need"}
    rows = [
        [_word(labels, words[column], row[column]) if column in words else row[column] for column in manifest.columns]
        for row in manifest.rows
    ]
    head = [
        [labels["recipient"], manifest.recipient_name],
        [labels["version_word"], _version_line(manifest, labels)],
        *(
            [label, ", ".join(values)]
            for label, values in (*_head(manifest, labels, language), *_info(manifest, labels, language, zone))
        ),
    ]
    if manifest.is_demo:
        head.append([labels["demo"], labels["note_demo"]])
    widths = {"name": 34, "latin_name": 34, "document_number": 18, "onward": 22, "assistance": 22}
    people = Sheet(
        name=labels["sheet.people"],
        header=[labels[f"column.{column}"] for column in manifest.columns],
        rows=rows,
        widths=[widths.get(column, 13) for column in manifest.columns],
    )
    about = Sheet(name=labels["sheet.head"], header=[labels["manifest"], manifest.movement], rows=head, widths=(30, 80))
    return workbook([people, about], content, seal, key)
