"""Papers for the person who travels: the itinerary and the copy of a consent."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from typing import Any

import segno

from retorno import clock
from retorno.errors import InputError
from retorno.papers.pages import LONG_LINE, TEMPLATES, Paper, Typesetter, clock_time, typeset
from retorno.papers.words import SPANISH, full_day, is_right_to_left, words


@dataclass(frozen=True, kw_only=True)
class Stop:
    """One line of an itinerary.

    ``kind`` is "meet", "depart", "border", "arrive", "night" or "reception"; ``mode`` is "bus" or "plane"; ``vehicle``
    the plate or flight number, empty to leave out.
    """

    kind: str
    place: str
    at: datetime
    zone: str
    mode: str = "bus"
    vehicle: str = ""


@dataclass(frozen=True, kw_only=True)
class Itinerary:
    """One person's journey, for that person.

    Parameters
    ----------
    language
        One of ``words.person_languages()``; where it is not Spanish, Spanish is printed below each text.
    name, reference
        The person, and the reference on the person's own paper.
    stops
        In order; times are shown in the zone of each stop.
    bring
        Keys of things to bring: words ``bring.<key>``.
    companions
        Names of who travels with the person.
    met_by
        Who meets the person at the end, with place or phone.
    complaint_phone
        Whom to call with a complaint, outside the office.
    check_text
        Text of the QR code, such as the check address; empty for none.
    """

    language: str
    name: str
    reference: str
    stops: Sequence[Stop]
    bring: Sequence[str]
    companions: Sequence[str]
    met_by: str
    complaint_phone: str
    printed_on: date
    check_text: str = ""
    is_demo: bool = False


@dataclass(frozen=True, kw_only=True)
class ConsentCopy:
    """What a person agreed to, for that person to keep.

    ``paragraphs`` is the text as read, in its version and language; ``answers`` are pairs of question and answer as
    shown; ``facts`` pairs of label and value, such as who explained it, when, with which interpreter. All are in
    ``language``, one of ``words.person_languages()``.
    """

    language: str
    name: str
    reference: str
    text_version: str
    paragraphs: Sequence[str]
    answers: Sequence[tuple[str, str]]
    facts: Sequence[tuple[str, str]]
    complaint_phone: str
    printed_on: date
    is_demo: bool = False


@cache
def _picture(name: str) -> str:
    return (TEMPLATES / f"{name}.svg").read_text("ascii")


_STOP_PICTURES = {"meet": "people", "border": "border", "night": "bed", "reception": "house"}
_PICTURES = ("bag", "bed", "border", "bus", "hand", "house", "people", "phone", "plane")
_TIGHTER_FROM = (6, 9, 12)
"""Stops from which on a page is set smaller and closer, so that it stays one page on both sheet sizes."""


def itinerary_pdf(itinerary: Itinerary, *, paper: Paper = Paper.A4) -> bytes:
    """One page for one person: where, when, with whom, and the right to say no at any time."""
    return itineraries_pdf((itinerary,), paper=paper)


def itineraries_pdf(itineraries: Sequence[Itinerary], *, title: str = "", paper: Paper = Paper.A4) -> bytes:
    """A page for each person, each in its own language, as one file to print at once.

    Parameters
    ----------
    itineraries
        At least one; all of the same office and day.
    title
        Of the file; the first person's heading and reference if empty.
    """
    if not itineraries:
        raise InputError("no itinerary to print: expected at least one person")
    first = itineraries[0]

    def page_of(typesetter: Typesetter) -> dict[str, Any]:
        return {
            "title": title or f"{words(first.language)['itinerary']} {first.reference}",
            "date": [first.printed_on.year, first.printed_on.month, first.printed_on.day],
            "language": first.language,
            "paper": paper.value,
            "demo": words(first.language)["demo"] if first.is_demo else "",
            "pictures": {name: _picture(name) for name in _PICTURES},
            "codes": {text: _plain_qr(text) for text in {each.check_text for each in itineraries} if text},
            "pages": [_itinerary_page(each, typesetter) for each in itineraries],
        }

    return typeset("itinerary", page_of, {})


def _itinerary_page(itinerary: Itinerary, typesetter: Typesetter) -> dict[str, Any]:
    language = itinerary.language
    own, spanish = words(language), words(SPANISH)

    def both(key: str) -> list[str]:
        return list(dict.fromkeys((own[key], spanish[key])))

    def entries(texts: Sequence[str]) -> list[list[Any]]:
        return [[typesetter.piece(text)] for text in texts if text]

    typesetter.used_latin = False
    stops = [_stop_entry(stop, both, typesetter, language) for stop in itinerary.stops]
    parts = [
        {"picture": "bag", "label": both("bring"), "words": [both(f"bring.{key}") for key in itinerary.bring]},
        {"picture": "people", "label": both("companions"), "names": entries(itinerary.companions)},
        {"picture": "house", "label": both("met_by"), "names": entries([itinerary.met_by])},
        {"picture": "phone", "label": both("complaint"), "names": entries([itinerary.complaint_phone])},
    ]
    return {
        "language": language,
        "is_rtl": is_right_to_left(language),
        "tightness": sum(len(itinerary.stops) >= least for least in _TIGHTER_FROM),
        "heading": both("itinerary"),
        "name": typesetter.piece(itinerary.name),
        "reference": itinerary.reference,
        "right": both("right_to_say_no"),
        "journey": both("journey"),
        "clock_note": both("clock_note"),
        "stops": stops,
        "parts": [part for part in parts if part.get("words") or part.get("names")],
        "code": itinerary.check_text,
        "qr_alt": own["qr_alt"],
        "notes": both("note_latin_short") if typesetter.used_latin else [],
    }


def _stop_entry(stop: Stop, both: Callable[[str], list[str]], typesetter: Typesetter, language: str) -> dict[str, Any]:
    local = clock.local(stop.at, stop.zone)
    days = dict.fromkeys((full_day(local.date(), language), full_day(local.date(), SPANISH)))
    return {
        "picture": _STOP_PICTURES.get(stop.kind, stop.mode),
        "days": list(days),
        "time": clock_time(local),
        "place": typesetter.piece(stop.place),
        "what": both(f"stop.{stop.kind}"),
        "mode": both(f"mode.{stop.mode}") if stop.vehicle else [],
        "vehicle": typesetter.piece(stop.vehicle),
    }


def _plain_qr(text: str) -> str:
    if not text:
        return ""
    return str(
        segno.make(text, error="m", micro=False).svg_inline(border=4, omitsize=True, svgclass=None, lineclass=None)
    )


def instant_words(at: datetime, zone: str, language: str) -> str:
    """Day and time of an instant at a place, in a person's language."""
    local = clock.local(at, zone)
    return f"{full_day(local.date(), language)} {clock_time(local)}"


def consent_pdf(copy: ConsentCopy, *, paper: Paper = Paper.A4) -> bytes:
    """The person's own copy of a consent: the text as read, the answers given, and how to take it back."""
    own = words(copy.language)

    def page_of(typesetter: Typesetter) -> dict[str, Any]:
        pairs = [*copy.answers, *copy.facts]
        return {
            "title": f"{own['consent']} {copy.reference}",
            "date": [copy.printed_on.year, copy.printed_on.month, copy.printed_on.day],
            "language": copy.language,
            "is_rtl": is_right_to_left(copy.language),
            "paper": paper.value,
            "demo": own["demo"] if copy.is_demo else "",
            "heading": own["consent"],
            "name": typesetter.piece(copy.name),
            "reference": copy.reference,
            "paragraphs": [typesetter.piece(paragraph, longest=LONG_LINE) for paragraph in copy.paragraphs],
            "entries": [(label, [typesetter.piece(value)]) for label, value in pairs],
            "right": own["right_to_say_no"],
            "complaint": [own["complaint"], typesetter.piece(copy.complaint_phone)],
            "signatures": [own["signature.person"], own["signature.interpreter"]],
            "foot": [own["text_version"], copy.text_version],
            "notes": [own["note_latin_short"]] if typesetter.used_latin else [],
        }

    return typeset("consent", page_of, {})
