"""Papers for the person: one page, two languages, and the right to say no."""

import csv
import re
import subprocess
from datetime import UTC, date, datetime

import pytest

from retorno.errors import InputError
from retorno.papers.pages import Paper, is_printable
from retorno.papers.personal import ConsentCopy, Itinerary, Stop, consent_pdf, itineraries_pdf, itinerary_pdf
from retorno.papers.words import TEXTS_FILE, full_day, person_language, person_languages, words
from tests.papers.papers_builders import page_count, text_of


def make_itinerary(stop_count=3, **changes) -> Itinerary:
    kinds = ("meet", "depart", "night", "arrive", "reception")
    stops = [
        Stop(
            kind=kinds[number % 5],
            place=f"Lugar {number}",
            at=datetime(2026, 3, 9 + number // 5, 12, 0, tzinfo=UTC),
            zone="America/Guatemala",
            mode="plane" if number % 4 == 1 else "bus",
        )
        for number in range(stop_count)
    ]
    values = {
        "language": "es",
        "name": "محمد عبد الله",
        "reference": "K7C-9WM-4TX",
        "stops": stops,
        "bring": ("documents", "medicine", "clothes", "phone", "child"),
        "companions": ("Ana Invento", "Luis Invento"),
        "met_by": "Casa de recepción, +504 5550 0201",
        "complaint_phone": "+504 5550 0999",
        "printed_on": date(2026, 3, 6),
        "check_text": "https://retorno.example.org/verify",
    }
    return Itinerary(**(values | changes))


@pytest.mark.parametrize("paper", list(Paper))
@pytest.mark.parametrize("stop_count", [1, 5, 8, 11, 15])
def test_an_itinerary_is_one_page_in_every_language(stop_count, paper):
    people = [make_itinerary(stop_count, language=language, is_demo=True) for language in person_languages()]

    assert page_count(itineraries_pdf(people, paper=paper)) == len(people) == 10


@pytest.mark.poppler
def test_an_itinerary_says_in_both_languages_that_one_may_say_no():
    text = re.sub(r"\s+", " ", text_of(itinerary_pdf(make_itinerary(language="fr"))))

    assert "Vous pouvez dire non à tout moment, même en chemin." in text
    assert "Puede decir que no en cualquier momento, también en el camino. No le pasará nada." in text
    assert "+504 5550 0999" in text
    assert "lundi 9 mars 2026" in text
    assert "lunes, 9 de marzo de 2026" in text
    assert "06:00 (UTC-06:00)" in text


@pytest.mark.parametrize(
    ("language", "day"),
    [
        ("es", "lunes, 9 de marzo de 2026"),
        ("en", "Monday 9 March 2026"),
        ("fr", "lundi 9 mars 2026"),
        ("pt", "segunda-feira, 9 de março de 2026"),
        ("ht", "lendi 9 mas 2026"),
        ("ar", "الاثنين، 9 مارس 2026"),
        ("hi", "सोमवार, 9 मार्च 2026"),
        ("bn", "সোমবার, 9 মার্চ, 2026"),
        ("am", "ሰኞ 9 ማርች 2026"),
        ("zh", "2026年3月9日星期一"),
    ],
)
def test_days_and_months_are_words_of_the_language(language, day):
    assert full_day(date(2026, 3, 9), language) == day


def test_haitian_creole_has_its_own_months_and_weekdays():
    days = [full_day(date(2026, month, 1), "ht") for month in (1, 8, 12)]

    assert days == ["jedi 1 janvye 2026", "samdi 1 out 2026", "madi 1 desanm 2026"]


def test_every_language_has_the_same_texts_and_placeholders():
    def shape(language, prefix):
        own = words(language, prefix)
        return {key: re.findall(r"{[a-z]+}", own[key]) for key in own}

    for prefix in ("paper", "consent"):
        further = shape("pt", prefix)
        spanish = shape("es", prefix)
        assert further == {key: spanish[key] for key in further}
        assert all(
            shape(language, prefix) == further for language in person_languages() if language not in ("es", "en", "fr")
        )


def test_texts_that_nobody_reviewed_say_so_in_the_file_and_not_on_paper():
    with TEXTS_FILE.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))

    assert {row["language"] for row in rows} == {"pt", "ht", "ar", "hi", "bn", "am", "zh"}
    assert {row["review"] for row in rows} == {"translation not yet reviewed by a native reader"}
    assert not any("review" in row["text"] for row in rows)
    assert all(is_printable(row["text"]) for row in rows)


@pytest.mark.parametrize(("code", "language"), [("pt-BR", "pt"), ("ht", "ht"), ("pa", "es"), ("zh-Hans", "zh")])
def test_who_speaks_another_language_gets_spanish(code, language):
    assert person_language(code) == language


@pytest.mark.poppler
def test_an_arabic_page_reads_from_the_right():
    words_at = re.findall(
        r'xMin="([0-9.]+)"[^>]*>([^<]+)<',
        subprocess.run(
            ["pdftotext", "-bbox", "-", "-"],
            input=itinerary_pdf(make_itinerary(language="ar")),
            capture_output=True,
            check=True,
        ).stdout.decode(),
    )

    at = {word: float(left) for left, word in words_at}
    assert at["K7C-9WM-4TX"] > 300
    assert at["+504"] > 100
    assert at["(UTC-06:00)"] > at["Lugar"]


@pytest.mark.poppler
def test_a_name_without_font_is_noted_on_the_persons_own_paper():
    text = text_of(itineraries_pdf((make_itinerary(name="ສົມສັກ"), make_itinerary(name="Ana"))))

    first, second = text.split("\f")[:2]
    assert "Somsak*" in first
    assert "* Escrito en letras latinas" in first
    assert "* Escrito" not in second


def test_an_itinerary_without_companions_or_code_prints():
    assert page_count(itinerary_pdf(make_itinerary(companions=(), bring=(), check_text=""))) == 1


def test_nobody_has_no_itinerary():
    with pytest.raises(InputError):
        itineraries_pdf(())


@pytest.mark.poppler
@pytest.mark.parametrize("language", ["es", "ar", "zh"])
def test_a_consent_copy_holds_text_answers_and_the_way_back(language):
    copy = ConsentCopy(
        language=language,
        name="ሀብታሙ ገብረ",
        reference="K7C-9WM-4TX",
        text_version="C-3",
        paragraphs=("Quiero volver por voluntad propia.",),
        answers=(("¿Volver a Honduras?", "Sí"), ("¿Avisar a su consulado?", "No")),
        facts=(("Intérprete", "ninguno"),),
        complaint_phone="+504 5550 0999",
        printed_on=date(2026, 3, 6),
        is_demo=True,
    )

    pdf = consent_pdf(copy, paper=Paper.LETTER)
    text = re.sub(r"\s+", " ", text_of(pdf))

    assert page_count(pdf) == 1
    for expected in ("Quiero volver", "+504 5550 0999", "C-3"):
        assert expected in text
    if language == "es":
        assert "¿Avisar a su consulado? No" in text
        assert "Puede decir que no" in text
