"""What oversight takes away as a file: the signed report of the log, and a month's statistics as page or sheet."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Any

from babel import Locale
from babel.dates import format_date
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from sqlmodel import Session

from retorno import clock, keyring
from retorno.errors import InputError
from retorno.figures import statistics
from retorno.figures.statistics import BY_AIR, FEMALE_PLUS, OTHER, Release, Table
from retorno.figures.suppression import TOTAL
from retorno.labels import all_labels, day_text, label
from retorno.models.office import Office
from retorno.office import access, audit, oversight
from retorno.papers.sheets import csv_bytes
from retorno.situation import ground
from retorno.vocabulary import Language

REPORT_FORMAT = "retorno audit report 1"
_REPORT_DOMAIN = b"retorno audit report 1\n"

_PAGE = """<!doctype html>
<html lang="{language}"><head><meta charset="utf-8"><title>{title}</title><style>
body {{ font: 11pt sans-serif; color: #000; margin: 1.5cm; }}
h1 {{ font-size: 16pt; }} h2 {{ font-size: 13pt; margin-top: 1.2em; }}
table {{ border-collapse: collapse; width: 100%; page-break-inside: avoid; }}
th, td {{ border: 1px solid #000; padding: .15em .4em; text-align: left; }}
td.n, th.n {{ text-align: right; }}
</style></head><body><main>{body}</main></body></html>
"""


# ---- the signed report -----------------------------------------------------------------------------------------


def audit_report(session: Session, actor: access.Actor) -> bytes:
    """State of the log, lists and plans rule by rule, signed with the office's key; ids only, no row of a list."""
    actor = access.require(session, actor, "audit.read")
    office = session.get_one(Office, actor.office_id)
    state = oversight.chain_state(session, actor)
    found = oversight.rule_audit(session, actor)
    report = {
        "format": REPORT_FORMAT,
        "office_id": office.office_id,
        "made_at": f"{clock.now():%Y-%m-%dT%H:%M:%SZ}",
        "made_by": actor.user_id,
        "log": {
            "entries": state.count,
            "last_hash": state.head,
            "broken_at": state.broken_at,
            "last_midnight_hash": audit.daily_anchor(session),
        },
        "rules": [vars(rule) for rule in found.rules],
        "lists": [
            {name: _text(value) for name, value in vars(each).items()} | {"failed": list(each.failed)}
            for each in found.lists
        ],
        "plans": [{name: _text(value) for name, value in vars(each).items()} for each in found.plans],
    }
    signing = keyring.of_office(office.office_id).signing
    signature = base64.b64encode(signing.secret.sign(_REPORT_DOMAIN + _canonical(report))).decode()
    audit.append(session, actor, act="audit.report", object_kind="report", object_id=state.head, outcome="read")
    signed = {"report": report, "key_id": signing.key_id, "signature": signature}
    return json.dumps(signed, ensure_ascii=False, sort_keys=True, indent=1).encode()


def _text(value: object) -> Any:
    return value if isinstance(value, bool | int | str | None) else str(value)


def _canonical(report: Mapping[str, Any]) -> bytes:
    return json.dumps(report, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


def is_report(content: bytes) -> bool:
    """Whether a file calls itself an audit report; a PDF, a spreadsheet and a list do not."""
    try:
        read_report(content)
    except InputError:
        return False
    return True


def read_report(content: bytes) -> Mapping[str, Any]:
    """What a report says, signed or not (``InputError`` if it is no report)."""
    return _signed(content)[0]


def _signed(content: bytes) -> tuple[Mapping[str, Any], str, bytes]:
    """Report, key id and signature."""
    try:
        signed = json.loads(content)
        report, key_id, signature = signed["report"], signed["key_id"], base64.b64decode(signed["signature"])
        is_ours = report["format"] == REPORT_FORMAT
    except (ValueError, KeyError, TypeError) as error:
        raise InputError("this is not a signed audit report") from error
    if not is_ours:
        raise InputError("this is not a signed audit report")
    return report, key_id, signature


def verify_report(content: bytes, public_keys: Mapping[str, bytes]) -> bool:
    """Whether a report is the one that an office signed; ``InputError`` if it is no report or the key is unknown."""
    report, key_id, signature = _signed(content)
    if key_id not in public_keys:
        raise InputError("the key that signed this report is unknown here: ask the office for its public keys")
    try:
        Ed25519PublicKey.from_public_bytes(public_keys[key_id]).verify(signature, _REPORT_DOMAIN + _canonical(report))
    except InvalidSignature:
        return False
    return True


# ---- statistics ------------------------------------------------------------------------------------------------


def month_text(month: str, language: Language, *, is_short: bool = False) -> str:
    """A month in words, such as ``enero de 2027``; short for a table's heading: ``ene 2027``."""
    year, number = (int(part) for part in month.split("-"))
    first = clock.now().date().replace(year=year, month=number, day=1)
    pattern = "LLL y" if is_short else "LLLL 'de' y" if language is Language.ES else "LLLL y"
    return str(format_date(first, pattern, locale=language.value))


def category_text(code: str, language: Language) -> str:
    """The words for a category of a table."""
    if code == TOTAL:
        return label("statistics.total", language)
    if code == OTHER:
        return label("statistics.other", language)
    if code == BY_AIR:
        return label("statistics.by_air", language)
    for key in (f"statistics.sex.{code}", f"mode.{code}"):
        if key in all_labels():
            return label(key, language)
    facts = ground()
    if code in facts.crossings:
        return " / ".join(post.name for post in facts.crossings[code].posts)
    if code in facts.countries:
        return str(Locale(language.value).territories.get(code, code))
    return code


def profile_rows(made: Release, language: Language) -> tuple[list[str], list[list[str]]]:
    """Heading and rows of the first table: nationality and sex down, age groups across; no row of hidden cells only."""
    nationalities, sexes, ages = made.profile.axes
    head = [label(f"statistics.{name}", language) for name in ("nationality", "sex")]
    head += [category_text(age, language) for age in (*ages, TOTAL)]
    rows = [
        [
            category_text(nationality, language),
            category_text(sex, language),
            *(_cell(made.profile, (nationality, sex, age), made.threshold) for age in (*ages, TOTAL)),
        ]
        for nationality in (*nationalities, TOTAL)
        for sex in (*sexes, TOTAL)
        if any(made.profile.cells[(nationality, sex, age)] is not None for age in (*ages, TOTAL))
    ]
    return head, rows


def crossing_rows(made: Release, language: Language) -> tuple[list[str], list[list[str]]]:
    """Heading and rows of the second table: crossings down, ways of travelling across."""
    crossings, modes = made.crossing.axes
    head = [label("statistics.crossing", language), *(category_text(mode, language) for mode in (*modes, TOTAL))]
    rows = [
        [
            category_text(crossing, language),
            *(_cell(made.crossing, (crossing, mode), made.threshold) for mode in (*modes, TOTAL)),
        ]
        for crossing in (*crossings, TOTAL)
    ]
    return head, rows


def wait_rows(made: Release, language: Language) -> tuple[list[str], list[list[str]]]:
    """Heading and rows of the third table: days waited by nationality."""
    head = [label(f"statistics.{name}", language) for name in ("nationality", "median", "p90", "max_weeks")]
    rows = [
        [category_text(each.nationality, language), str(each.median_days), str(each.p90_days), str(each.max_weeks)]
        for each in made.waits
    ]
    return head, rows


def _cell(table: Table, key: tuple[str, ...], threshold: int) -> str:
    value = table.cells[key]
    return HIDDEN if value is None else str(value)


HIDDEN = "·"
"""Shown in place of a hidden cell, with a sentence that says what it means."""


def _tables(made: Release, language: Language) -> list[tuple[str, list[str], list[list[str]]]]:
    return [
        (label(f"statistics.table.{name}", language), *rows(made, language))
        for name, rows in (("profile", profile_rows), ("crossing", crossing_rows), ("waits", wait_rows))
    ]


def notes(made: Release, language: Language) -> list[str]:
    """When it was published and what it replaces, what a hidden cell means, what is counted."""
    lines = []
    if made.published_at is not None:
        day = day_text(made.published_at.date(), language)
        lines.append(label("statistics.published_on", language, day=day))
        if made.reason is not None:
            reason = label(f"statistics.reason.{made.reason.value}", language)
            lines[0] = label(
                "statistics.corrected_on", language, day=day, n=made.version, before=made.version - 1, reason=reason
            )
    lines.append(
        f"{label('statistics.hidden', language, n=made.threshold, mark=HIDDEN)} "
        f"{label(f'statistics.unit.{made.unit.value}', language)}"
    )
    if FEMALE_PLUS in made.profile.axes[1]:
        lines.append(label("statistics.plus", language))
    return lines


def statistics_csv(session: Session, actor: access.Actor, *, month: str, language: Language) -> bytes:
    """The three tables of a month under each other, for a spreadsheet."""
    made = statistics.release(session, actor, month=month)
    lines: list[Sequence[str | int]] = [[line] for line in notes(made, language)]
    for heading, head, rows in _tables(made, language):
        lines += [[], [heading], head, *([_number(cell) for cell in row] for row in rows)]
    audit.append(session, actor, act="file.statistics", object_kind="statistics", object_id=month, outcome="read")
    return csv_bytes([month_text(month, language)], lines)


def _number(cell: str) -> str | int:
    return int(cell) if cell.isdecimal() else cell


def statistics_page(session: Session, actor: access.Actor, *, month: str, language: Language) -> bytes:
    """The three tables of a month as one page to print."""
    made = statistics.release(session, actor, month=month)
    office = session.get(Office, actor.office_id)
    title = label("statistics.page", language, month=month_text(month, language))
    parts = [f"<h1>{escape(title)}</h1>", f"<p>{escape(office.name if office else '')}</p>"]
    if office is not None and office.is_demo:
        parts.append(f"<p><strong>{escape(label('light.demo', language))}</strong></p>")
    parts += [f"<p>{escape(line)}</p>" for line in notes(made, language)]
    for heading, head, rows in _tables(made, language):
        parts.append(f"<h2>{escape(heading)}</h2>{_html_table(head, rows)}")
    audit.append(session, actor, act="file.statistics", object_kind="statistics", object_id=month, outcome="read")
    return _PAGE.format(language=language.value, title=escape(title), body="".join(parts)).encode()


def _html_table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    def line(cells: Sequence[str], tag: str) -> str:
        return "".join(
            f"<{tag}{' class=n' if cell.isdecimal() or cell == HIDDEN else ''}>{escape(cell)}</{tag}>" for cell in cells
        )

    body = "".join(f"<tr>{line(row, 'td')}</tr>" for row in rows)
    return f"<table><thead><tr>{line(head, 'th')}</tr></thead><tbody>{body}</tbody></table>"
