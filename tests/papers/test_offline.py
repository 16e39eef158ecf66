"""The offline page: one file from a USB stick, no network, and the same answers as the office's own check."""

import base64
import json
import re
import shutil
from datetime import date
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from retorno.__main__ import main
from retorno.errors import InputError
from retorno.labels import labels_for
from retorno.papers.form import manifest_bytes
from retorno.papers.keys import SigningKey
from retorno.papers.offline import offline_page
from retorno.papers.pages import Foot, manifest_pdf
from retorno.papers.seal import Verdict, envelope, make_seal, verify_content, verify_seal
from retorno.vocabulary import Language
from tests.papers.papers_builders import make_manifest
from tests.papers.test_pages import FOOT

KEY = SigningKey(secret=Ed25519PrivateKey.from_private_bytes(bytes(range(32))))
OTHER = SigningKey(secret=Ed25519PrivateKey.from_private_bytes(bytes(range(1, 33))))
PUBLIC = {KEY.key_id: KEY.public_bytes}
FOOT_HERE: Foot = FOOT


def page_text() -> str:
    return offline_page(PUBLIC, made_on=date(2026, 3, 6)).decode()


def test_the_page_is_one_file_that_names_no_host_and_holds_no_secret():
    text = page_text()

    assert not re.search(r"https?://|//[a-z]+\.|@import|<link|src=|fetch\(|XMLHttpRequest|WebSocket", text)
    assert "default-src 'none'" in text
    assert KEY.secret.private_bytes_raw().hex() not in text
    assert len(text) < 40_000
    for language in Language:
        assert all(json.dumps(word) in text or word in text for word in labels_for(language, "offline").values())


def test_a_page_without_keys_is_refused():
    with pytest.raises(InputError):
        offline_page({}, made_on=date(2026, 3, 6))


def test_a_word_cannot_end_the_script():
    assert page_text().count("</script>") == 1


def papers() -> dict[str, tuple[bytes | str, Verdict]]:
    """Every kind of paper with the answer of the office's own check."""
    manifest = make_manifest(7, recipient_name="Corinto 王 محمد", is_demo=True)
    content = manifest_bytes(manifest)
    seal, foreign = make_seal(content, KEY), make_seal(content, OTHER)
    pdf = manifest_pdf(content, seal, labels=labels_for(Language.ES, "paper"), language="es", foot=FOOT_HERE, key=KEY)
    signed = envelope(content, seal)
    middle = len(pdf) // 2
    return {
        "code": (seal.text, Verdict.VALID),
        "code, version changed": (seal.text.replace(".2.1.", ".3.1."), Verdict.ALTERED),
        "code, signature changed": (seal.text[:-1] + ("0" if seal.text[-1] != "0" else "1"), Verdict.ALTERED),
        "code, cut": (seal.text[:-4], Verdict.ALTERED),
        "code of another key": (foreign.text, Verdict.UNKNOWN_KEY),
        "something else": ("https://example.org", Verdict.UNREADABLE),
        "list": (signed, Verdict.VALID),
        "list, name changed": (signed.replace("José".encode(), b"Jose"), Verdict.ALTERED),
        "list of another key": (envelope(content, foreign), Verdict.UNKNOWN_KEY),
        "other file": (b'{"a":1}', Verdict.UNREADABLE),
        "page": (pdf, Verdict.VALID),
        "page, one byte changed": (pdf[:middle] + bytes([pdf[middle] ^ 1]) + pdf[middle + 1 :], Verdict.ALTERED),
        "page, something added": (pdf + b"\n% more\n", Verdict.ALTERED),
    }


def test_the_offices_own_check_gives_the_expected_answers():
    for name, (paper, verdict) in papers().items():
        found = verify_seal(paper, PUBLIC) if isinstance(paper, str) else verify_content(paper, PUBLIC)
        assert found.verdict is verdict, name


@pytest.fixture(scope="module")
def browser_page(tmp_path_factory, nothing_skipped):
    chromium = shutil.which("chromium")
    if chromium is None:
        assert not nothing_skipped, "chromium should be installed"
        pytest.skip("not installed: chromium")
    sync_api = pytest.importorskip("playwright.sync_api")
    path = tmp_path_factory.mktemp("stick") / "retorno-check.html"
    path.write_bytes(offline_page(PUBLIC, made_on=date(2026, 3, 6)))
    with sync_api.sync_playwright() as play:
        browser = play.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_page(locale="es")
        asked: list[str] = []
        errors: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.goto(path.as_uri())
        yield page, asked, errors
        browser.close()


def ask(page, name: str, paper: bytes | str) -> str:
    page.evaluate("() => { last = null; show(); }")
    if isinstance(paper, str):
        page.fill("#text", paper)
        page.click("button.main")
    else:
        kind = "application/pdf" if paper.startswith(b"%PDF") else "application/json"
        page.set_input_files("#file", {"name": f"{name}.bin", "mimeType": kind, "buffer": paper})
    page.wait_for_selector("#result:not([hidden])")
    verdict = page.get_attribute("#result", "data-verdict")
    page.set_input_files("#file", [])
    return verdict


@pytest.mark.browser
def test_the_browser_gives_the_same_answers_with_and_without_its_own_cryptography(browser_page):
    page, asked, errors = browser_page
    everything = papers()

    for name, (paper, verdict) in everything.items():
        assert ask(page, name, paper) == verdict.value, name
    page.evaluate("() => Object.defineProperty(globalThis, 'crypto', { value: undefined, configurable: true })")
    for name in ("code", "code, version changed", "code, signature changed", "list", "list, name changed", "page"):
        paper, verdict = everything[name]
        assert ask(page, name, paper) == verdict.value, f"{name}, without crypto.subtle"
    page.reload()

    assert not errors
    assert all(url.startswith(("file://", "blob:", "data:")) for url in asked)


@pytest.mark.browser
def test_the_page_says_what_it_cannot_know_in_three_languages(browser_page):
    page, _, _ = browser_page
    for language, words in (("es", "versión más nueva"), ("en", "newer version"), ("fr", "version plus récente")):
        page.click(f"#languages button[value={language}]")
        assert ask(page, "code", papers()["code"][0]) == "valid"
        assert words in page.inner_text("#later")
        assert page.get_attribute("html", "lang") == language
        assert "M-7KQ2M9XRT4" in page.inner_text("#facts")


@pytest.mark.browser
def test_the_plain_signature_check_agrees_with_the_published_vectors(browser_page):
    page, _, _ = browser_page
    vectors = [
        (
            "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
            "",
            "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46b"
            "d25bf5f0595bbe24655141438e7a100b",
        ),
        (
            "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
            "72",
            "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c"
            "387b2eaeb4302aeeb00d291612bb0c00",
        ),
    ]
    script = """([key, message, signature]) => {
        const bytes = text => Uint8Array.from(text.match(/../g) || [], pair => parseInt(pair, 16));
        const wrong = bytes(signature); wrong[5] ^= 1;
        return [bytes(signature), wrong].map(given => verifyPlain(bytes(key), given, bytes(message)));
    }"""

    assert [page.evaluate(script, list(vector)) for vector in vectors] == [[True, False], [True, False]]


def written_keys(folder: Path) -> Path:
    path = folder / "keys.json"
    path.write_text(json.dumps({"keys": {KEY.key_id: base64.b64encode(KEY.public_bytes).decode()}}))
    return path


def test_the_command_writes_the_page(tmp_path, capsys):
    target = tmp_path / "check.html"

    assert main(["verify-page", "--out", str(target), "--keys", str(written_keys(tmp_path))]) == 0

    assert KEY.key_id in target.read_text("utf-8")
    assert KEY.key_id in capsys.readouterr().out


def test_the_command_takes_page_list_and_code_and_says_what_it_cannot_know(tmp_path, capsys):
    keys = str(written_keys(tmp_path))
    for name, (paper, verdict) in papers().items():
        checked = paper
        if isinstance(paper, bytes):
            path = tmp_path / "received"
            path.write_bytes(paper)
            checked = str(path)

        status = main(["verify", checked, "--keys", keys])

        said = capsys.readouterr().out
        assert (status == 0) == (verdict is Verdict.VALID), name
        assert f"{verdict.value}: " in said, name
        assert ("whether a newer version exists only the office can tell" in said) == (status == 0)
