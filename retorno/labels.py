"""Words on screen and paper: ``data/labels.csv`` (key, es, en, fr), so that staff can edit them.

Plurals are keys ending in ``.one`` and ``.other`` (and ``.many`` where the language has it), chosen by Babel.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from datetime import date, datetime
from functools import cache
from pathlib import Path

from babel import Locale
from babel.dates import format_date

from retorno import clock
from retorno.errors import Fault, InputError
from retorno.vocabulary import Language

LABELS_FILE = Path(__file__).resolve().parents[1] / "data" / "labels.csv"


@cache
def all_labels() -> Mapping[str, Mapping[Language, str]]:
    """Every label by key and language; ``InputError`` names each key that lacks a language."""
    labels: dict[str, dict[Language, str]] = {}
    faults: list[Fault] = []
    with LABELS_FILE.open(encoding="utf-8", newline="") as file:
        for number, row in enumerate(csv.DictReader(file), start=2):
            key = row["key"]
            if key in labels:
                faults.append(Fault(file="labels.csv", row=number, column="key", what=f'key "{key}" occurs twice'))
            labels[key] = {language: row.get(language.value) or "" for language in Language}
            faults += [
                Fault(file="labels.csv", row=number, column=language.value, what=f'"{key}" has no translation')
                for language, text in labels[key].items()
                if not text.strip()
            ]
    if faults:
        raise InputError(faults)
    return labels


def label(key: str, language: Language, /, **values: object) -> str:
    """The words for ``key``, with ``{placeholders}`` filled in; ``KeyError`` names a key that is not in the file."""
    return all_labels()[key][language].format(**values) if values else all_labels()[key][language]


def plural(key: str, language: Language, number: int, /, **values: object) -> str:
    """The words for ``key`` that go with ``number``, which fills the placeholder ``{n}``."""
    form = Locale(language.value).plural_form(number)
    chosen = f"{key}.{form}" if f"{key}.{form}" in all_labels() else f"{key}.other"
    return label(chosen, language, n=number, **values)


def labels_for(language: Language, prefix: str) -> dict[str, str]:
    """Every label under ``prefix.`` in one language, keyed without the prefix; for paper templates."""
    return {
        key.removeprefix(f"{prefix}."): texts[language]
        for key, texts in all_labels().items()
        if key.startswith(f"{prefix}.")
    }


def day_text(day: date, language: Language) -> str:
    """A date with the month in words: ``mar 9 mar 2027``."""
    return format_date(day, "EEE d MMM y", locale=language.value)


def time_text(instant: datetime, zone_name: str, language: Language, *, place: str = "") -> str:
    """Place-local time with its zone: ``mar 9 mar 2027, 14:05 (Tapachula, UTC-6)``."""
    local = clock.local(instant, zone_name)
    return f"{day_text(local.date(), language)}, {clock_text(instant, zone_name, place=place)}"


def clock_text(instant: datetime, zone_name: str, *, place: str = "") -> str:
    """Place-local clock time with its zone: ``14:05 (Tapachula, UTC-6)``."""
    local = clock.local(instant, zone_name)
    offset = local.utcoffset()
    minutes = int(offset.total_seconds() // 60) if offset is not None else 0
    hours, rest = divmod(abs(minutes), 60)
    utc = f"UTC{'−' if minutes < 0 else '+'}{hours}" + (f":{rest:02d}" if rest else "")
    return f"{local:%H:%M} ({place + ', ' if place else ''}{utc})"
