"""Papers for the person: one page, two languages, and the right to say no."""

import re
from datetime import UTC, date, datetime

import pytest

from retorno.labels import labels_for
from retorno.papers.pages import Paper
from retorno.papers.personal import ConsentCopy, Itinerary, Stop, consent_pdf, itinerary_pdf
from retorno.vocabulary import Language
from tests.papers.papers_builders import page_count, text_of

SPANISH = labels_for(Language("es"), "paper")


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


@pytest.mark.parametrize("language", ["es", "en", "fr"])
@pytest.mark.parametrize("stop_count", [1, 8, 15])
@pytest.mark.parametrize("paper", list(Paper))
def test_an_itinerary_is_one_page(language, stop_count, paper):
    second = None if language == "es" else SPANISH
    labels = labels_for(Language(language), "paper")

    pdf = itinerary_pdf(
        make_itinerary(stop_count, is_demo=True), labels=labels, language=language, spanish_labels=second, paper=paper
    )

    assert page_count(pdf) == 1


@pytest.mark.poppler
def test_an_itinerary_says_in_both_languages_that_one_may_say_no():
    pdf = itinerary_pdf(
        make_itinerary(), labels=labels_for(Language("fr"), "paper"), language="fr", spanish_labels=SPANISH
    )

    text = re.sub(r"\s+", " ", text_of(pdf))
    assert "Vous pouvez dire non à tout moment, même en chemin." in text
    assert "Puede decir que no en cualquier momento, también en el camino. No le pasará nada." in text
    assert "+504 5550 0999" in text
    assert "lundi 9 mars 2026" in text
    assert "06:00 (UTC-06:00)" in text


@pytest.mark.poppler
def test_a_name_without_font_is_noted_on_the_persons_own_paper():
    text = text_of(itinerary_pdf(make_itinerary(name="გიორგი"), labels=SPANISH, language="es"))

    assert "Giorgi*" in text
    assert "* Escrito en letras latinas" in text


def test_an_itinerary_without_companions_or_code_prints():
    pdf = itinerary_pdf(make_itinerary(companions=(), bring=(), check_text=""), labels=SPANISH, language="es")

    assert page_count(pdf) == 1


@pytest.mark.poppler
def test_a_consent_copy_holds_text_answers_and_the_way_back():
    copy = ConsentCopy(
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

    text = re.sub(r"\s+", " ", text_of(consent_pdf(copy, labels=SPANISH, language="es", paper=Paper.LETTER)))

    for words in ("Quiero volver", "¿Avisar a su consulado? No", "Puede decir que no", "+504 5550 0999", "C-3"):
        assert words in text
