"""The ten sentences that stop somebody at work: word by word, and said where the situation is."""

from __future__ import annotations

import string

import pytest

from retorno.labels import all_labels, label
from retorno.rules.movements import daylight_and_hours
from retorno.vocabulary import Language
from tests.facts import POLICY, crossing, movement, post

SENTENCES = {
    "rule.R1.NO_CONSENT": (
        "Falta el consentimiento de {p} para este destino.",
        "{p} has not consented to this destination.",
        "{p} n'a pas consenti à cette destination.",
    ),
    "rule.R10.GROUP_NOT_WHOLE": (
        "El grupo {g} viaja junto: mueva a las {n} personas o a ninguna.",
        "Group {g} travels together: move all {n} or none.",
        "Le groupe {g} voyage ensemble : déplacez les {n} ou aucun.",
    ),
    "rule.R19.POST_CLOSES_SOON": (
        "{post} cierra a las {t}. Cambie la hora o el paso.",
        "{post} closes at {t}. Change time or crossing.",
        "{post} ferme à {t}. Changez d'heure ou de passage.",
    ),
    "error.seats": (
        "Quedan {n} asientos; el grupo necesita {m}.",
        "{n} seats left; the group needs {m}.",
        "Il reste {n} places ; il en faut {m}.",
    ),
    "view.movement.conflict": (
        "Otra persona cambió esto a las {t}. Compare y elija.",
        "Someone changed this at {t}. Compare and choose.",
        "Modifié par quelqu'un à {t}. Comparez et choisissez.",
    ),
    "error.offline": (
        "Sin conexión. Guardado hasta las {t}.",
        "No connection. Saved up to {t}.",
        "Pas de connexion. Enregistré jusqu'à {t}.",
    ),
    "error.import.other": (
        "No se importó nada: {n} problemas. Corrija y repita.",
        "Nothing imported: {n} problems. Fix and retry.",
        "Rien d'importé : {n} problèmes. Corrigez et réessayez.",
    ),
    "light.verify_superseded": (
        "Este manifiesto ya no vale.",
        "This manifest is no longer valid.",
        "Ce manifeste n'est plus valable.",
    ),
    "light.not_found": (
        "No existe o no está a su cargo.",
        "Not found, or not yours.",
        "Introuvable, ou hors de votre ressort.",
    ),
    "view.stale.planning.accept": (
        "Los datos cambiaron. Busque otro plan.",
        "The facts changed. Find a plan again.",
        "Les données ont changé. Cherchez un autre plan.",
    ),
}
"""Key to the sentence in Spanish, English, French."""


@pytest.mark.parametrize("key", SENTENCES)
def test_the_ten_sentences_stand_word_by_word(key: str) -> None:
    assert tuple(all_labels()[key][language] for language in Language) == SENTENCES[key]


def test_every_text_has_the_same_placeholders_in_every_language() -> None:
    def names(text: str) -> set[str]:
        return {name.partition(".")[0] for _, name, _, _ in string.Formatter().parse(text) if name is not None}

    uneven = [
        key for key, texts in all_labels().items() if len({frozenset(names(text)) for text in texts.values()}) != 1
    ]
    assert uneven == []


def test_no_text_is_a_key_or_empty() -> None:
    texts = all_labels()

    bare = [key for key, words in texts.items() if any(not text.strip() or text in texts for text in words.values())]
    assert bare == []


def test_a_post_that_closes_soon_is_named_with_its_hour_and_zone() -> None:
    closing = post("GT-HN-COR-A", closes_in_min=20, closes_at="17:00 (UTC−6)")

    (found,) = daylight_and_hours(movement(crossings=(crossing(leave=closing),)), POLICY)

    assert label(found.label_key, Language.ES, **found.label_params) == (
        "GT-HN-COR-A cierra a las 17:00 (UTC−6). Cambie la hora o el paso."
    )
