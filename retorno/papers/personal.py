"""Papers for the person who travels: the itinerary and the copy of a consent."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from typing import Any

import segno

from retorno import clock
from retorno.papers.pages import TEMPLATES, Labels, Paper, Typesetter, day_text, offset_text, typeset


@dataclass(frozen=True, kw_only=True)
class Stop:
    """One line of an itinerary.

    ``kind`` is "meet", "depart", "arrive", "night" or "reception"; ``mode`` is "bus" or "plane".
    """

    kind: str
    place: str
    at: datetime
    zone: str
    mode: str = "bus"


@dataclass(frozen=True, kw_only=True)
class Itinerary:
    """One person's journey, for that person.

    Parameters
    ----------
    name, reference
        The person, and the reference on the person's own paper.
    stops
        In order; times are shown in the zone of each stop.
    bring
        Keys of things to bring: labels ``bring.<key>``.
    companions
        Names of who travels with the person.
    met_by
        Who meets the person at the end, with place or phone.
    complaint_phone
        Whom to call with a complaint, outside the office.
    check_text
        Text of the QR code, such as the check address; empty for none.
    """

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
    shown; ``facts`` pairs of label and value, such as who explained it, when, with which interpreter.
    """

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


_STOP_PICTURES = {"meet": "people", "night": "bed", "reception": "house"}
_LONG_ITINERARY = 8


def itinerary_pdf(
    itinerary: Itinerary,
    *,
    labels: Labels,
    language: str,
    spanish_labels: Labels | None = None,
    paper: Paper = Paper.A4,
) -> bytes:
    """One page for one person: where, when, with whom, and the right to say no at any time.

    ``labels`` are in the person's language; ``spanish_labels`` are printed below them where that is another one.
    """

    def both(key: str, **values: str) -> list[str]:
        texts = [labels[key].format(**values)] + ([spanish_labels[key].format(**values)] if spanish_labels else [])
        return list(dict.fromkeys(texts))

    def page_of(typesetter: Typesetter) -> dict[str, Any]:
        def entry(text: str) -> list[str]:
            return [typesetter.piece(text)["text"]]

        parts = [
            {"picture": "bag", "label": both("bring"), "entries": [both(f"bring.{key}") for key in itinerary.bring]},
            {"picture": "people", "label": both("companions"), "entries": [entry(", ".join(itinerary.companions))]},
            {"picture": "house", "label": both("met_by"), "entries": [entry(itinerary.met_by)]},
            {"picture": "phone", "label": both("complaint"), "entries": [entry(itinerary.complaint_phone)]},
        ]
        return {
            "title": f"{labels['itinerary']} {itinerary.reference}",
            "date": [itinerary.printed_on.year, itinerary.printed_on.month, itinerary.printed_on.day],
            "language": language,
            "paper": paper.value,
            "demo": labels["demo"] if itinerary.is_demo else "",
            "is_long": len(itinerary.stops) > _LONG_ITINERARY,
            "heading": both("itinerary"),
            "name": typesetter.piece(itinerary.name),
            "reference": itinerary.reference,
            "right": both("right_to_say_no"),
            "journey": both("journey"),
            "stops": [_stop_entry(stop, both, typesetter, language) for stop in itinerary.stops],
            "parts": [part for part in parts if part["entries"] not in ([], [[""]])],
            "pictures": {
                name: _picture(name) for name in ("bag", "bed", "bus", "hand", "house", "people", "phone", "plane")
            },
            "qr": _plain_qr(itinerary.check_text),
            "qr_alt": labels["qr_alt"],
            "notes": both("note_latin_short") if typesetter.used_latin else [],
        }

    return typeset("itinerary", page_of, {})


def _stop_entry(stop: Stop, both: Callable[..., list[str]], typesetter: Typesetter, language: str) -> dict[str, Any]:
    local = clock.local(stop.at, stop.zone)
    return {
        "picture": _STOP_PICTURES.get(stop.kind, stop.mode),
        "day": day_text(local.date(), language),
        "time": f"{local:%H:%M} ({offset_text(local)})",
        "place": typesetter.piece(stop.place),
        "what": both(f"stop.{stop.kind}"),
    }


def _plain_qr(text: str) -> str:
    if not text:
        return ""
    return str(
        segno.make(text, error="m", micro=False).svg_inline(border=4, omitsize=True, svgclass=None, lineclass=None)
    )


def consent_pdf(copy: ConsentCopy, *, labels: Labels, language: str, paper: Paper = Paper.A4) -> bytes:
    """The person's own copy of a consent: the text as read, the answers given, and how to take it back."""

    def page_of(typesetter: Typesetter) -> dict[str, Any]:
        pairs = [*copy.answers, *copy.facts]
        return {
            "title": f"{labels['consent']} {copy.reference}",
            "date": [copy.printed_on.year, copy.printed_on.month, copy.printed_on.day],
            "language": language,
            "paper": paper.value,
            "demo": labels["demo"] if copy.is_demo else "",
            "heading": labels["consent"],
            "name": typesetter.piece(copy.name),
            "reference": copy.reference,
            "paragraphs": [typesetter.piece(paragraph) for paragraph in copy.paragraphs],
            "entries": [(label, [typesetter.piece(value)]) for label, value in pairs],
            "right": labels["right_to_say_no"],
            "complaint": f"{labels['complaint']}: {copy.complaint_phone}",
            "signatures": [labels["signature.person"], labels["signature.interpreter"]],
            "foot": f"{labels['text_version']} {copy.text_version}",
            "notes": [labels["note_latin_short"]] if typesetter.used_latin else [],
        }

    return typeset("consent", page_of, {})
