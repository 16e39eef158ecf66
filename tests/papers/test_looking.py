"""Sample pages of every paper, kept under ``artifacts/papers`` for people to look at."""

import subprocess
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from retorno.labels import labels_for
from retorno.papers.form import CrewMember, manifest_bytes
from retorno.papers.journey import HandoverNote, RouteSheet, RouteStop, handover_pdf, route_pdf
from retorno.papers.pages import Paper
from retorno.papers.personal import ConsentCopy, consent_pdf, itineraries_pdf
from retorno.papers.seal import make_seal
from retorno.papers.words import person_languages, words
from retorno.vocabulary import Language
from tests.papers.papers_builders import NAMES, make_manifest, make_row, objects_of, page_count, text_of
from tests.papers.test_pages import FOOT, KEY, printed
from tests.papers.test_personal import make_itinerary

FOLDER = Path(__file__).resolve().parents[2] / "artifacts" / "papers"
CREW = (
    CrewMember(role="driver", name="Óscar Invento", phone="+502 5550 0101"),
    CrewMember(role="driver", name="Iris Supuesta", phone="+502 5550 0102"),
    CrewMember(role="escort", name="Nora Ficticia", phone="+502 5550 0103"),
)
START = datetime(2026, 3, 9, 12, 15, tzinfo=UTC)


def keep(name: str, pdf: bytes, *, pages: int) -> None:
    """Write a paper and pictures of its first and last page, and check how many pages it has."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    path = FOLDER / f"{name}.pdf"
    path.write_bytes(pdf)
    assert page_count(pdf) == pages
    for page in sorted({1, pages}):
        subprocess.run(
            ["pdftoppm", "-r", "60", "-f", str(page), "-l", str(page), "-gray", "-png", path, FOLDER / name], check=True
        )


def at(minutes: int) -> datetime:
    return START + timedelta(minutes=minutes)


def make_route(**changes) -> RouteSheet:
    zone, other = "America/Guatemala", "America/Tegucigalpa"
    needs = {"wheelchair": 1, "infant_seat": 2}
    stops = (
        RouteStop(
            kind="departure", place="Guatemala", zone=zone, at=at(0), until=at(0), boarding=38, aboard=38, needs=needs
        ),
        RouteStop(kind="break", place="Guastatoya", zone=zone, at=at(240), until=at(270), drive_min=240),
        RouteStop(
            kind="exit_formalities",
            place="Corinto (Entre Ríos)",
            zone=zone,
            at=at(429),
            until=at(459),
            drive_min=159,
            desk=((at(-15), at(705)),),
        ),
        RouteStop(
            kind="entry_formalities",
            place="Corinto (Omoa)",
            zone=other,
            at=at(465),
            until=at(525),
            drive_min=6,
            desk=(),
        ),
        RouteStop(
            kind="stop",
            place="San Pedro Sula",
            zone=other,
            at=at(600),
            until=at(620),
            drive_min=75,
            leaving=30,
            aboard=8,
            needs={"wheelchair": 1},
        ),
        RouteStop(
            kind="arrival", place="CAMR Omoa", zone=other, at=at(640), until=at(640), drive_min=20, leaving=8, aboard=0
        ),
    )
    values = {
        "movement": "M-7KQ2M9XRT4",
        "version": 2,
        "supersedes": 1,
        "seal": make_seal(manifest_bytes(make_manifest(3)), KEY),
        "vehicle": "C-123 BXY",
        "operator": "Transportes Imaginarios S. A.",
        "crew": CREW,
        "contacts": (),
        "stops": stops,
    } | changes
    return RouteSheet(**values)


def make_note(**changes) -> HandoverNote:
    values = {
        "movement": "M-7KQ2M9XRT4",
        "version": 2,
        "place": "CAMR Omoa",
        "zone": "America/Tegucigalpa",
        "vehicle": "C-123 BXY",
        "operator": "Transportes Imaginarios S. A.",
        "crew": CREW,
        "listed": 38,
        "arrived": 35,
        "missing": ("4", "5", "17"),
        "received_by": "Marta Recibidora",
        "recorded_by": "Recepción 1",
        "signed_at": at(700),
        "incidents": (("delay", at(300)),),
    } | changes
    return HandoverNote(**values)


@pytest.mark.poppler
@pytest.mark.parametrize(("paper", "pages"), [(Paper.A4, (1, 1, 6)), (Paper.LETTER, (1, 1, 6))])
def test_lists_of_one_seven_and_sixty(paper, pages):
    for count, expected in zip((1, 7, 60), pages, strict=True):
        keep(f"manifest-{count}-{paper.value}", printed(make_manifest(count), paper=paper), pages=expected)


@pytest.mark.poppler
@pytest.mark.parametrize("paper", list(Paper))
def test_a_family_of_nine_begins_a_new_page_rather_than_be_cut(paper):
    letters = ["A", "B", "C", *("D" * 9)]
    rows = [make_row(number, group=letter) for number, letter in enumerate(letters, 1)]
    pdf = printed(make_manifest(12, rows=rows), paper=paper)

    keep(f"manifest-family-{paper.value}", pdf, pages=2)
    second = text_of(pdf).split("\f")[1]
    assert all(f"K7C-9WM-{number:03d}".replace("0", "X") in second for number in range(4, 13))
    assert "Referencia" in second


@pytest.mark.poppler
def test_a_consulates_page_says_across_it_who_printed_it_and_when():
    columns = ("no", "ref", "name", "latin_name", "sex", "birth_date", "nationality", "document_type")
    manifest = make_manifest(5, columns, recipient_kind="consulate", counts={}, crew=(), expected=(), posts=())
    pdf = printed(manifest)

    keep("manifest-consulate", pdf, pages=1)
    # Across the page three times, and once in the foot.
    raw = subprocess.run(["pdftotext", "-raw", "-", "-"], input=pdf, capture_output=True, check=True).stdout.decode()
    assert raw.count("U-3F7K2M9XRT") == 4
    assert "DEMO" not in text_of(pdf)


@pytest.mark.poppler
def test_people_read_dates_with_words_and_hours_with_their_zone():
    text = text_of(printed(make_manifest(2)))

    assert "2 mar 1971" in text.replace("\u00a0", " ")
    assert "30 nov 2029" in text.replace("\u00a0", " ")
    assert not any(part in text for part in ("1971-03-02", "2029-11-30"))
    assert "09:50 (UTC-06:00)" in text.replace("\u00a0", " ")


@pytest.mark.poppler
def test_names_of_twenty_scripts_print_without_a_substitute():
    pdf = printed(make_manifest(len(NAMES)))

    assert "*" not in text_of(pdf)
    keep("manifest-scripts", pdf, pages=3)


@pytest.mark.poppler
def test_itineraries_of_every_language():
    people = [make_itinerary(4, language=language, is_demo=True) for language in person_languages()]

    keep("itineraries", itineraries_pdf(people), pages=10)


@pytest.mark.poppler
@pytest.mark.parametrize("language", ["es", "en", "fr"])
def test_route_sheet_and_handover_note(language):
    labels = labels_for(Language(language), "paper")
    route = route_pdf(make_route(), labels=labels, language=language, foot=FOOT)
    note = handover_pdf(make_note(), labels=labels, language=language, foot=FOOT)

    keep(f"route-{language}", route, pages=1)
    keep(f"handover-{language}", note, pages=1)
    assert "06:00–\u206018:00" in text_of(route) or "06:00–18:00" in text_of(route)
    assert "10:15" in text_of(route)
    assert "4, 5, 17" in text_of(note)


@pytest.mark.poppler
def test_a_route_sheet_before_the_first_list_says_so():
    labels = labels_for(Language.ES, "paper")
    route = route_pdf(
        make_route(version=None, supersedes=None, seal=None),
        labels=labels,
        language="es",
        foot=FOOT,
        paper=Paper.LETTER,
    )

    assert "Todavía sin lista emitida" in text_of(route)
    assert page_count(route) == 1


@pytest.mark.poppler
@pytest.mark.parametrize("language", ["ar", "ht"])
def test_consent_copies(language):
    own = words(language, "consent")
    copy = ConsentCopy(
        language=language,
        name="محمد عبد الله",
        reference="K7C-9WM-4TX",
        text_version="2026-11",
        paragraphs=[own[f"text.{number}"] for number in (1, 2, 3, 4)],
        answers=((own["question.return"].format(country="Honduras"), own["answer.yes"]),),
        facts=((own["fact.interpreter"], "INT-1"),),
        complaint_phone="+504 5550 0999",
        printed_on=date(2026, 3, 6),
    )

    keep(f"consent-{language}", consent_pdf(copy), pages=1)


def test_a_list_of_fifty_is_small():
    latin = [make_row(number, name="María José Ñúñez Güell", latin_name="") for number in range(1, 51)]

    assert len(printed(make_manifest(50, rows=latin))) <= 100_000
    assert len(printed(make_manifest(50, rows=[make_row(number) for number in range(1, 51)]))) <= 185_000


def test_pages_stay_tagged():
    objects = objects_of(printed(make_manifest(3)))

    assert b"/MarkInfo" in objects
    assert b"/StructTreeRoot" in objects
