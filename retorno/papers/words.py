"""Words for papers that a person keeps: the office's languages from ``labels.csv``, further ones from
``data/itinerary.csv``, whose texts are marked there until a native reader has reviewed them.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from datetime import date
from functools import cache
from pathlib import Path

from babel.dates import format_date

from retorno.errors import Fault, InputError
from retorno.labels import labels_for
from retorno.vocabulary import Language

TEXTS_FILE = Path(__file__).resolve().parents[2] / "data" / "itinerary.csv"
SPANISH = Language.ES.value
RIGHT_TO_LEFT = frozenset({"ar"})

# English with the day first, as everywhere else on our papers.
_DAY_PATTERNS = {"en": "EEEE d MMMM y"}


@cache
def _further() -> Mapping[str, Mapping[str, str]]:
    texts: dict[str, dict[str, str]] = {}
    faults = []
    with TEXTS_FILE.open(encoding="utf-8", newline="") as file:
        for number, row in enumerate(csv.DictReader(file), start=2):
            if not row["text"].strip():
                what = f'"{row["key"]}" has no text in {row["language"]}'
                faults.append(Fault(file=TEXTS_FILE.name, row=number, column="text", what=what))
            texts.setdefault(row["language"], {})[row["key"]] = row["text"]
    if faults:
        raise InputError(faults)
    return texts


@cache
def person_languages() -> tuple[str, ...]:
    """Languages in which a person's own papers can be printed."""
    return (*(language.value for language in Language), *sorted(_further()))


def person_language(code: str) -> str:
    """The language to print in for someone who speaks ``code`` (such as ``pt-BR``); Spanish where we have none."""
    base = code.split("-")[0].lower()
    return base if base in person_languages() else SPANISH


@cache
def words(language: str, prefix: str = "paper") -> Mapping[str, str]:
    """Every text under ``prefix.`` in a language, keyed without the prefix."""
    if language in set(Language):
        return labels_for(Language(language), prefix)
    return {
        key.removeprefix(f"{prefix}."): text for key, text in _further()[language].items() if key.startswith(prefix)
    }


def is_right_to_left(language: str) -> bool:
    """Whether a language is written from the right."""
    return language in RIGHT_TO_LEFT


def full_day(day: date, language: str) -> str:
    """The day with weekday and month as words of the language."""
    own = _further().get(language, {})
    if f"month.{day.month}" in own:
        return f"{own[f'weekday.{day.isoweekday()}']} {day.day} {own[f'month.{day.month}']} {day.year}"
    return str(format_date(day, _DAY_PATTERNS.get(language, "full"), locale=language))
