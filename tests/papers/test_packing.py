"""Packed pages say the same in fewer bytes."""

import re

import pytest

from retorno.errors import InputError
from retorno.labels import labels_for
from retorno.papers import pages
from retorno.papers.form import manifest_bytes
from retorno.papers.packing import packed, trailer_of
from retorno.papers.pages import manifest_pdf
from retorno.papers.seal import Verdict, make_seal, seal_page, verify_content
from retorno.vocabulary import Language
from tests.papers.papers_builders import make_manifest, objects_of, text_of
from tests.papers.test_pages import FOOT, KEY, PUBLIC


@pytest.fixture
def plain(monkeypatch) -> bytes:
    """A list as the typesetter leaves it, with its plain table of objects, and the page signature over it."""
    monkeypatch.setattr(pages, "packed", lambda pdf: pdf)
    content = manifest_bytes(make_manifest(7))
    labels = labels_for(Language.ES, "paper")
    return manifest_pdf(content, make_seal(content, KEY), labels=labels, language="es", foot=FOOT, key=KEY)


def test_a_page_signed_before_pages_were_packed_still_checks(plain):
    assert verify_content(plain, PUBLIC).verdict is Verdict.VALID
    assert verify_content(plain.replace(b"%%EOF", b"%%EOE", 1), PUBLIC).verdict is Verdict.ALTERED


@pytest.mark.poppler
def test_packing_keeps_every_object_and_word(plain):
    body = plain[: plain.index(b"%%EOF") + 5]

    small = packed(body)

    assert len(small) < 0.8 * len(body)
    assert text_of(small) == text_of(body)
    assert len(re.findall(rb"/S/TD", objects_of(small))) == len(re.findall(rb"/S/TD", body))
    assert trailer_of(body) is None
    assert verify_content(seal_page(small, KEY), PUBLIC).verdict is Verdict.VALID


@pytest.mark.parametrize("content", [b"", b"%PDF-1.7\n", b"%PDF-1.7\nxref\n0 1\ntrailer<</Size 1>>startxref\n9\n%%EOF"])
def test_what_is_no_page_is_refused_or_left_empty(content):
    with pytest.raises(InputError):
        packed(content + b"x")
