"""Seals: any changed bit is found, keys stay private, references cannot be joined."""

import base64
import dataclasses
import hashlib
import io
import random
import subprocess

import openpyxl
import pytest
import segno
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from retorno.errors import InputError
from retorno.papers.form import manifest_bytes
from retorno.papers.keys import SigningKey, key_id, new_signing_key
from retorno.papers.seal import (
    QR_MAX_CHARS,
    Verdict,
    attached_files,
    envelope,
    make_seal,
    parse_seal,
    public_keys_from,
    qr_svg,
    seal_page,
    verify_bytes,
    verify_content,
    verify_file,
    verify_seal,
    workbook,
)
from retorno.papers.sheets import Sheet
from tests.papers.papers_builders import make_manifest

KEY = SigningKey(secret=Ed25519PrivateKey.from_private_bytes(bytes(range(32))))
PUBLIC = {KEY.key_id: KEY.public_bytes}
CONTENT = manifest_bytes(make_manifest(3))
SEAL = make_seal(CONTENT, KEY)


def test_a_seal_is_valid_for_its_bytes_and_deterministic():
    outcome = verify_bytes(CONTENT, SEAL, PUBLIC)

    assert outcome.verdict is Verdict.VALID
    assert outcome.reason == "genuine"
    assert outcome.manifest.version == 2
    assert make_seal(CONTENT, KEY) == SEAL
    assert SEAL.digest == hashlib.sha256(CONTENT).digest()


def test_the_qr_text_fits_version_8_m_and_comes_back():
    longest = make_manifest(movement="M-7KQ2M9XRT4", recipient="X" * 36, version=999, supersedes=998)
    seal = make_seal(manifest_bytes(longest), KEY)

    assert len(seal.text) == QR_MAX_CHARS
    code = segno.make(seal.text, error="m", boost_error=False, micro=False)
    assert (code.version, code.error, code.mode) == (8, "M", "alphanumeric")
    assert parse_seal(seal.text) == seal
    with pytest.raises(InputError, match="1 signs too long"):
        make_seal(manifest_bytes(make_manifest(recipient="X" * 37, version=999, supersedes=998)), KEY)


def test_the_qr_picture_is_plain_svg():
    svg = qr_svg(SEAL)

    assert svg.startswith("<svg")
    assert "http" not in svg.replace("http://www.w3.org/2000/svg", "")


def test_every_flipped_bit_of_the_canonical_bytes_is_found():
    content = manifest_bytes(make_manifest(1))
    seal = make_seal(content, KEY)
    for at in range(len(content)):
        for bit in range(8):
            wrong = bytearray(content)
            wrong[at] ^= 1 << bit
            assert verify_bytes(bytes(wrong), seal, PUBLIC).verdict is Verdict.ALTERED


def test_every_changed_sign_of_the_qr_text_is_found():
    for at in range(len(SEAL.text)):
        for sign in "A7.-":
            if SEAL.text[at] != sign:
                wrong = SEAL.text[:at] + sign + SEAL.text[at + 1 :]
                assert verify_seal(wrong, PUBLIC).verdict is not Verdict.VALID
    assert verify_seal("HTTPS://EXAMPLE.ORG", PUBLIC).verdict is Verdict.UNREADABLE


def test_every_flipped_bit_of_the_signed_json_is_found():
    content = manifest_bytes(make_manifest(1))
    signed = envelope(content, make_seal(content, KEY))
    assert verify_content(signed, PUBLIC).verdict is Verdict.VALID
    for at in range(len(signed)):
        for bit in range(8):
            wrong = bytearray(signed)
            wrong[at] ^= 1 << bit
            assert verify_content(bytes(wrong), PUBLIC).verdict is not Verdict.VALID, (at, bit)


def test_a_key_nobody_knows_and_a_key_under_a_false_name():
    other = new_signing_key()

    assert verify_seal(SEAL, {}).verdict is Verdict.UNKNOWN_KEY
    assert verify_seal(SEAL, {KEY.key_id: other.public_bytes}).verdict is Verdict.UNKNOWN_KEY
    assert verify_seal(SEAL, {other.key_id: other.public_bytes}).verdict is Verdict.UNKNOWN_KEY
    assert verify_seal(make_seal(CONTENT, other), PUBLIC).verdict is Verdict.UNKNOWN_KEY


def test_superseded_is_said_only_when_the_office_says_so():
    asked = []

    def is_superseded(seal):
        asked.append((seal.movement, seal.recipient, seal.version))
        return True

    outcome = verify_bytes(CONTENT, SEAL, PUBLIC, is_superseded=is_superseded)

    assert outcome.verdict is Verdict.SUPERSEDED
    assert asked == [("M-7KQ2M9XRT4", "GT-HN-CRN-B", 2)]
    assert verify_bytes(CONTENT, SEAL, PUBLIC, is_superseded=lambda seal: False).reason == "genuine, and the latest"
    assert verify_seal(SEAL.text[:-2] + "ZZ", PUBLIC, is_superseded=is_superseded).verdict is Verdict.ALTERED


def test_a_genuine_list_with_the_seal_of_another_version_is_found():
    other = manifest_bytes(make_manifest(3, version=3, supersedes=2))

    assert verify_bytes(other, SEAL, PUBLIC).verdict is Verdict.ALTERED


def test_the_signed_json_and_rubbish(tmp_path):
    path = tmp_path / "manifest.json"
    path.write_bytes(envelope(CONTENT, SEAL))

    assert verify_file(path, PUBLIC).verdict is Verdict.VALID
    assert verify_file(tmp_path / "none", PUBLIC).verdict is Verdict.UNREADABLE
    for content in (b"", b"{}", b"%PDF-1.7\n", b"PK\x03\x04xx", b"\xff\xfe", CONTENT):
        assert verify_content(content, PUBLIC).verdict is Verdict.UNREADABLE


def made_workbook() -> bytes:
    rows = [[str(number), f"Ana {number}"] for number in range(1, 4)]
    return workbook([Sheet(name="list", header=("no", "name"), rows=rows)], CONTENT, SEAL, KEY)


def edited(change) -> bytes:
    book = openpyxl.load_workbook(io.BytesIO(made_workbook()))
    change(book)
    target = io.BytesIO()
    book.save(target)
    return target.getvalue()


def test_a_workbook_is_valid_also_when_saved_again():
    assert verify_content(made_workbook(), PUBLIC).verdict is Verdict.VALID
    assert verify_content(edited(lambda book: None), PUBLIC).verdict is Verdict.VALID


def test_every_kind_of_change_to_a_workbook_is_found():
    def name(book):
        book["list"]["B3"] = "Eva"

    def formula(book):
        book["list"]["B3"] = '="Ana 2"'

    def row(book):
        book["list"].append(["4", "Luis"])

    def sheet(book):
        book.create_sheet("more")["A1"] = "x"

    def seal(book):
        book["seal"]["A4"] = book["seal"]["A4"].value.replace("Corinto", "Otro")

    for change in (name, formula, row, sheet, seal):
        assert verify_content(edited(change), PUBLIC).verdict is Verdict.ALTERED
    assert verify_content(edited(lambda book: book.remove(book["seal"])), PUBLIC).verdict is Verdict.UNREADABLE


# A PDF as small as can be, with one attached file, ending as typst's do.
def small_pdf(attached: bytes) -> bytes:
    stream = b"<</Length %d/Type/EmbeddedFile/Params<</Size 1>>>>\nstream\n%s\nendstream" % (len(attached), attached)
    objects = [b"<</Type/Catalog/Pages 2 0 R>>", b"<</Type/Pages/Kids[]/Count 0>>", stream]
    pdf, places = b"%PDF-1.7\n", []
    for number, content in enumerate(objects, 1):
        places.append(len(pdf))
        pdf += b"%d 0 obj\n%s\nendobj\n" % (number, content)
    table = b"xref\n0 4\n0000000000 65535 f\r\n" + b"".join(b"%010d 00000 n\r\n" % place for place in places)
    return pdf + table + b"trailer\n<</Size 4/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF" % len(pdf)


PDF = seal_page(small_pdf(envelope(CONTENT, SEAL)), KEY)


def test_a_sealed_page_is_valid_and_any_flipped_bit_is_found():
    assert verify_content(PDF, PUBLIC).verdict is Verdict.VALID
    rng = random.Random(11)
    for at in [*rng.sample(range(len(PDF)), 300), *range(len(PDF) - 400, len(PDF))]:
        wrong = bytearray(PDF)
        wrong[at] ^= 1 << rng.randrange(8)
        assert verify_content(bytes(wrong), PUBLIC).verdict is not Verdict.VALID, at


def test_a_page_with_more_at_its_end_or_without_its_own_seal_is_found():
    assert verify_content(PDF + b"\n", PUBLIC).verdict is Verdict.ALTERED
    assert verify_content(small_pdf(envelope(CONTENT, SEAL)), PUBLIC).verdict is Verdict.ALTERED
    twice = small_pdf(envelope(CONTENT, SEAL) + b"\nendstream\n<</Length 1/Type/EmbeddedFile>>\nstream\nx")
    assert verify_content(seal_page(twice, KEY), PUBLIC).verdict is Verdict.ALTERED
    stranger = seal_page(small_pdf(envelope(CONTENT, SEAL)), new_signing_key())
    assert verify_content(stranger, PUBLIC).verdict is Verdict.ALTERED


def test_a_hostile_pdf_is_answered_quickly():
    for piece in (b"<<", b"<</Type/EmbeddedFile", b"<</Type /EmbeddedFile <<", b"<</Type/EmbeddedFile>>stream\n"):
        assert attached_files(b"%PDF-1.7\n" + piece * 20_000) == []


def test_public_key_file_is_checked():
    text = base64.b64encode(KEY.public_bytes).decode()

    assert public_keys_from({"keys": {KEY.key_id: text}}) == PUBLIC
    assert key_id(KEY.public_bytes) == KEY.key_id
    for value in ({}, {"keys": {"AAAAAAAA": text}}, {"keys": {KEY.key_id: "x"}}, {"keys": [1]}):
        with pytest.raises(InputError):
            public_keys_from(value)


@pytest.mark.poppler
def test_a_reader_reads_the_qr_code(tmp_path):
    segno.make(SEAL.text, error="m", boost_error=False, micro=False).save(str(tmp_path / "qr.png"), scale=4)

    run = subprocess.run(
        ["zbarimg", "-q", "--raw", str(tmp_path / "qr.png")], capture_output=True, text=True, check=False
    )

    assert run.stdout.strip() == SEAL.text


@given(st.binary(min_size=32, max_size=32), st.binary(min_size=64, max_size=64))
def test_any_hash_and_signature_come_back_from_the_qr_text(digest, signature):
    seal = dataclasses.replace(SEAL, digest=digest, signature=signature)

    assert parse_seal(seal.text) == seal


def test_a_number_too_large_for_a_hash_is_refused():
    parts = SEAL.text.split(".")
    with pytest.raises(InputError):
        parse_seal(".".join([*parts[:6], "Z" * 50, parts[7]]))
