"""Signatures on what leaves the house: the seal and its QR text, signed pages and workbooks, and checking a paper.

What is signed is the canonical form of the manifest (``form.py``), so that a list can be checked without network and
without this program. A page or workbook carries a second signature over its own bytes or cells: a genuine list inside
a page that somebody altered is found.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

import segno
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from retorno.errors import InputError
from retorno.papers.form import Manifest, canonical_bytes, manifest_from_bytes, parse_canonical
from retorno.papers.keys import SigningKey, key_id
from retorno.papers.packing import addition, trailer_of
from retorno.papers.sheets import Sheet, read_cells, xlsx_bytes

ENVELOPE_FORMAT = "retorno-signed-1"
QR_MAX_CHARS = 221
"""Letters, digits and ``.-`` that a QR code of version 8 with error correction M holds (ISO/IEC 18004)."""

MAX_ATTACHED_BYTES = 20 * 1024 * 1024
SEAL_SHEET = "seal"

_HEAD_DOMAIN = b"retorno manifest 1\n"
_PAGE_DOMAIN = b"retorno page 1\n"
_CELLS_DOMAIN = b"retorno workbook 1\n"
_CELL_CHARS = 30_000


@dataclass(frozen=True, kw_only=True)
class Seal:
    """What the QR code of a manifest says: which version for whom, the hash of its canonical bytes, the signature.

    ``digest`` is 32 bytes, ``signature`` 64. The signature covers all the other parts.
    """

    movement: str
    recipient: str
    version: int
    supersedes: int | None
    key_id: str
    digest: bytes
    signature: bytes

    @property
    def text(self) -> str:
        """The QR text: parts with full stops between, only signs of the QR code's compact alphabet."""
        return f"{_head(self)}.{_base36(self.signature)}"


_SEAL_TEXT = re.compile(
    r"R1\.([A-Z0-9-]+)\.([A-Z0-9-]+)\.([1-9][0-9]*)\.(0|[1-9][0-9]*)\.([A-Z2-7]{8})\.([0-9A-Z]{50})\.([0-9A-Z]{100})"
)
_DIGITS_36 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"


def _base36(content: bytes) -> str:
    """Bytes as digits and capitals, of a length that depends on theirs only: 50 for 32 bytes, 100 for 64."""
    number = int.from_bytes(content, "big")
    signs = []
    while number:
        number, rest = divmod(number, 36)
        signs.append(_DIGITS_36[rest])
    return "".join(reversed(signs)).rjust(-(-len(content) * 50 // 32), "0")


def _from_base36(text: str, length: int) -> bytes:
    try:
        return int(text, 36).to_bytes(length, "big")
    except OverflowError as error:
        raise InputError("the QR text is not in its one right form") from error


def _base32(content: bytes) -> str:
    return base64.b32encode(content).decode().rstrip("=")


def _from_base32(text: str) -> bytes:
    content = base64.b32decode(text + "=" * (-len(text) % 8))
    if _base32(content) != text:
        raise InputError("the signature is not in its one right form")
    return content


def _head(seal: Seal) -> str:
    parts = (seal.movement, seal.recipient, seal.version, seal.supersedes or 0, seal.key_id, _base36(seal.digest))
    return ".".join(("R1", *map(str, parts)))


def make_seal(content: bytes, key: SigningKey) -> Seal:
    """Sign the canonical bytes of a manifest.

    Raises
    ------
    InputError
        If the bytes are no manifest, or movement and recipient are together too long for the QR code (48 signs).
    """
    manifest = manifest_from_bytes(content)
    unsigned = Seal(
        movement=manifest.movement,
        recipient=manifest.recipient,
        version=manifest.version,
        supersedes=manifest.supersedes,
        key_id=key.key_id,
        digest=hashlib.sha256(content).digest(),
        signature=b"",
    )
    head = _head(unsigned)
    over = len(head) + 1 + 100 - QR_MAX_CHARS
    if over > 0:
        what = "too long for the QR code; expected at most 48 signs together"
        raise InputError(f"movement {manifest.movement} and recipient {manifest.recipient}: {over} signs {what}")
    signature = key.secret.sign(_HEAD_DOMAIN + head.encode())
    return Seal(**{**vars(unsigned), "signature": signature})


def parse_seal(text: str) -> Seal:
    """The parts of a QR text; ``InputError`` if it is none. Says nothing about the signature."""
    match = _SEAL_TEXT.fullmatch(text.strip())
    if match is None:
        raise InputError("this is not the QR text of a manifest")
    return Seal(
        movement=match[1],
        recipient=match[2],
        version=int(match[3]),
        supersedes=int(match[4]) or None,
        key_id=match[5],
        digest=_from_base36(match[6], 32),
        signature=_from_base36(match[7], 64),
    )


def qr_svg(seal: Seal) -> str:
    """The QR code as SVG with its quiet zone: version 8 at most, error correction M."""
    code = segno.make(seal.text, error="m", boost_error=False, micro=False, mode="alphanumeric")
    return str(code.svg_inline(border=4, omitsize=True, svgclass=None, lineclass=None))


class Verdict(StrEnum):
    """What a check of a paper found."""

    VALID = "valid"
    SUPERSEDED = "superseded"
    ALTERED = "altered"
    UNKNOWN_KEY = "unknown_key"
    UNREADABLE = "unreadable"


@dataclass(frozen=True, kw_only=True)
class Verification:
    """The outcome of a check, without names: what the paper claims to be, and a sentence.

    ``seal`` is None where nothing could be read; ``manifest`` is there only when the list in the file is genuine.
    """

    verdict: Verdict
    reason: str
    seal: Seal | None = None
    manifest: Manifest | None = None


IsSuperseded = Callable[[Seal], bool]
"""Asks the office, online, whether a later version exists; only the office can know."""


def verify_seal(
    seal: Seal | str, public_keys: Mapping[str, bytes], *, is_superseded: IsSuperseded | None = None
) -> Verification:
    """Check a QR text by itself: is the signature of a known office on it?

    Parameters
    ----------
    seal
        Parsed, or the text as scanned.
    public_keys
        Public keys of 32 bytes by ``key_id``.
    is_superseded
        None when offline: then "valid" means genuine, not that it is the latest.
    """
    if isinstance(seal, str):
        verdict = Verdict.ALTERED if seal.strip().startswith("R1.") else Verdict.UNREADABLE
        try:
            seal = parse_seal(seal)
        except InputError as error:
            return Verification(verdict=verdict, reason=str(error))
    public = public_keys.get(seal.key_id)
    if public is None or key_id(public) != seal.key_id:
        reason = f"key {seal.key_id} is not among the known keys"
        return Verification(verdict=Verdict.UNKNOWN_KEY, reason=reason, seal=seal)
    if not _is_signed(public, seal.signature, _HEAD_DOMAIN + _head(seal).encode()):
        return Verification(verdict=Verdict.ALTERED, reason="the signature does not fit", seal=seal)
    if is_superseded is not None and is_superseded(seal):
        return Verification(verdict=Verdict.SUPERSEDED, reason="a later version exists", seal=seal)
    reason = "genuine" if is_superseded is None else "genuine, and the latest"
    return Verification(verdict=Verdict.VALID, reason=reason, seal=seal)


def _is_signed(public: bytes, signature: bytes, message: bytes) -> bool:
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True


def verify_bytes(
    content: bytes, seal: Seal, public_keys: Mapping[str, bytes], *, is_superseded: IsSuperseded | None = None
) -> Verification:
    """Check canonical bytes against their seal: signature, hash, and that head and bytes say the same."""
    outcome = verify_seal(seal, public_keys, is_superseded=is_superseded)
    if outcome.verdict not in (Verdict.VALID, Verdict.SUPERSEDED):
        return outcome
    if not hmac.compare_digest(hashlib.sha256(content).digest(), seal.digest):
        return Verification(verdict=Verdict.ALTERED, reason="the list is not the one that was signed", seal=seal)
    manifest = manifest_from_bytes(content)
    claimed = (manifest.movement, manifest.recipient, manifest.version, manifest.supersedes)
    if claimed != (seal.movement, seal.recipient, seal.version, seal.supersedes):
        return Verification(verdict=Verdict.ALTERED, reason="list and seal name different versions", seal=seal)
    return Verification(verdict=outcome.verdict, reason=outcome.reason, seal=seal, manifest=manifest)


def envelope(content: bytes, seal: Seal) -> bytes:
    """List and seal in one file, as attached to the PDF: ``manifest.json``, canonical itself."""
    manifest = parse_canonical(content)
    return canonical_bytes({"format": ENVELOPE_FORMAT, "manifest": manifest, "seal": seal.text})


def _open_envelope(content: bytes) -> tuple[bytes, Seal]:
    value = parse_canonical(content)
    if not isinstance(value, dict) or set(value) != {"format", "manifest", "seal"}:
        raise InputError("this is not a signed manifest")
    if value["format"] != ENVELOPE_FORMAT or not isinstance(value["seal"], str):
        raise InputError(f'this is not a signed manifest of the format "{ENVELOPE_FORMAT}"')
    return canonical_bytes(value["manifest"]), parse_seal(value["seal"])


# ---- pages -----------------------------------------------------------------------------------------------------

_TRAILER = re.compile(rb"trailer\n<<(.*?)>>\nstartxref\n([0-9]+)\n%%EOF\s*\Z", re.DOTALL)
_SEALED = re.compile(rb"\n([0-9]+) 0 obj\n<</Type/RetornoPage/Key\(([A-Z2-7]{8})\)/Sign\(([A-Z2-7]{103})\)>>\nendobj\n")
# Bounded, so that a hostile file cannot make the search slow.
_EMBEDDED = re.compile(
    rb"<<[^<>]{0,200}?/Type\s{0,9}/EmbeddedFile\b(?:[^<>]|<<[^<>]{0,200}>>){0,400}>>\s{0,9}stream\r?\n"
)
# What no file but ours holds: with one of them in it, a file that does not check was altered.
_OUR_MARKS = (b"/RetornoPage", ENVELOPE_FORMAT.encode(), b'"seal":"R1.')


def seal_page(pdf: bytes, key: SigningKey) -> bytes:
    """Sign a finished PDF: one more object at its end, added the way that PDF allows for later additions.

    Readers show the page as before; any changed byte is found by ``verify_file``.
    """
    signature = key.secret.sign(_PAGE_DOMAIN + hashlib.sha256(pdf).digest())
    return pdf + _page_update(pdf, key.key_id, signature)


def _page_update(pdf: bytes, signer: str, signature: bytes) -> bytes:
    content = f"<</Type/RetornoPage/Key({signer})/Sign({_base32(signature)})>>".encode()
    last = trailer_of(pdf)
    if last is not None:
        return addition(pdf, last, content)
    return _plain_update(pdf, content)


def _plain_update(pdf: bytes, content: bytes) -> bytes:
    """The addition to a page with a plain table of objects: pages printed before they were packed still check."""
    trailer = _TRAILER.search(pdf)
    size = re.search(rb"/Size ([0-9]+)", trailer[1]) if trailer else None
    if trailer is None or size is None:
        raise InputError("this PDF does not end the way that our pages end")
    number = int(size[1])
    entries = trailer[1].replace(size[0], b"/Size %d" % (number + 1))
    sealed = b"\n%d 0 obj\n%s\nendobj\n" % (number, content)
    table = b"xref\n0 1\n0000000000 65535 f\r\n%d 1\n%010d 00000 n\r\n" % (number, len(pdf) + 1)
    start = len(pdf) + len(sealed)
    return sealed + table + b"trailer\n<<%s/Prev %s>>\nstartxref\n%d\n%%%%EOF" % (entries, trailer[2], start)


def _check_page(content: bytes, public_keys: Mapping[str, bytes]) -> str | None:
    """What is wrong with the page's own signature, or None."""
    found = list(_SEALED.finditer(content))
    if not found:
        return "the page has no signature of its own: it was saved anew by another program, or altered"
    body = content[: found[-1].start()]
    signer, signature = found[-1][2].decode(), _from_base32(found[-1][3].decode())
    public = public_keys.get(signer)
    if public is None:
        return f"the page is signed with key {signer}, which is not among the known keys"
    if body + _page_update(body, signer, signature) != content:
        return "something was added to the page after it was signed"
    if not _is_signed(public, signature, _PAGE_DOMAIN + hashlib.sha256(body).digest()):
        return "the page was altered after it was signed"
    return None


def attached_files(pdf: bytes) -> list[bytes]:
    """The files attached to one of our PDFs, unpacked; at most 20 MB each.

    Attached streams are never inside object streams, so they can be found without reading the whole PDF.
    """
    files = []
    for found in _EMBEDDED.finditer(pdf):
        length = re.search(rb"/Length ([0-9]+)(?! [0-9]+ R)", found[0])
        if length is None:
            continue
        raw = pdf[found.end() : found.end() + int(length[1])]
        if b"/FlateDecode" in found[0]:
            unpack = zlib.decompressobj()
            try:
                raw = unpack.decompress(raw, MAX_ATTACHED_BYTES)
            except zlib.error:
                continue
            if unpack.unconsumed_tail:
                continue
        files.append(raw)
    return files


# ---- workbooks -------------------------------------------------------------------------------------------------


def workbook(sheets: Sequence[Sheet], content: bytes, seal: Seal, key: SigningKey) -> bytes:
    """A workbook with its list, seal, and a signature over every cell on a last, hidden sheet."""
    cells = {sheet.name: [[str(cell) for cell in line] for line in (sheet.header, *sheet.rows)] for sheet in sheets}
    signature = key.secret.sign(_cells_message(cells))
    signed = envelope(content, seal).decode()
    pieces = [signed[at : at + _CELL_CHARS] for at in range(0, len(signed), _CELL_CHARS)]
    rows = [[key.key_id], [_base32(signature)], *([piece] for piece in pieces)]
    return xlsx_bytes([*sheets, Sheet(name=SEAL_SHEET, header=(ENVELOPE_FORMAT,), rows=rows, is_hidden=True)])


def _cells_message(cells: Mapping[str, Sequence[Sequence[str]]]) -> bytes:
    trimmed = {}
    for name, lines in cells.items():
        kept = [list(line) for line in lines]
        for line in kept:
            while line and not line[-1]:
                line.pop()
        while kept and not kept[-1]:
            kept.pop()
        trimmed[name] = kept
    return _CELLS_DOMAIN + hashlib.sha256(canonical_bytes(trimmed)).digest()


def _open_workbook(content: bytes, public_keys: Mapping[str, bytes]) -> tuple[bytes, str | None]:
    """The envelope in a workbook, and what is wrong with its cells, or None."""
    cells = read_cells(content, file_name="workbook.xlsx")
    rows = [line[0] if line else "" for line in cells.pop(SEAL_SHEET, [])]
    if len(rows) < 4 or rows[0] != ENVELOPE_FORMAT:
        raise InputError("the workbook has no seal: it is not one of ours")
    public = public_keys.get(rows[1])
    if public is None:
        return "".join(rows[3:]).encode(), f"the cells are signed with key {rows[1]}, which is not among the known keys"
    if not _is_signed(public, _from_base32(rows[2]), _cells_message(cells)):
        return "".join(rows[3:]).encode(), "a cell was altered after the workbook was signed"
    return "".join(rows[3:]).encode(), None


# ---- files -----------------------------------------------------------------------------------------------------


def verify_file(
    path: Path, public_keys: Mapping[str, bytes], *, is_superseded: IsSuperseded | None = None
) -> Verification:
    """Check a file that claims to be one of our manifests: PDF, its attached JSON, workbook, or the text of a QR code.

    "Valid" means: the list is the one that was signed, and page or cells around it are untouched.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        return Verification(verdict=Verdict.UNREADABLE, reason=f"the file cannot be read: {error.strerror}")
    return verify_content(content, public_keys, is_superseded=is_superseded)


def verify_content(
    content: bytes, public_keys: Mapping[str, bytes], *, is_superseded: IsSuperseded | None = None
) -> Verification:
    """As ``verify_file``, for content in memory."""
    if len(content) > MAX_ATTACHED_BYTES:
        return Verification(verdict=Verdict.UNREADABLE, reason="the file is larger than 20 MB: it is not one of ours")
    try:
        return _verify(content, public_keys, is_superseded)
    except InputError as error:
        verdict = Verdict.ALTERED if any(mark in content for mark in _OUR_MARKS) else Verdict.UNREADABLE
        return Verification(verdict=verdict, reason=str(error))


def _verify(content: bytes, public_keys: Mapping[str, bytes], is_superseded: IsSuperseded | None) -> Verification:
    problem: str | None = None
    if content.lstrip().startswith(b"R1.") and len(content) < 1000:
        return verify_seal(content.decode("ascii", "replace"), public_keys, is_superseded=is_superseded)
    if content.startswith(b"%PDF-"):
        problem = _check_page(content, public_keys)
        attached = attached_files(content)
        if len(attached) != 1:
            raise InputError("the PDF does not hold exactly one attached list: it is not one of ours, or was altered")
        signed = attached[0]
    elif content.startswith(b"PK\x03\x04"):
        signed, problem = _open_workbook(content, public_keys)
    else:
        signed = content
    outcome = verify_bytes(*_open_envelope(signed), public_keys, is_superseded=is_superseded)
    if problem is not None and outcome.verdict in (Verdict.VALID, Verdict.SUPERSEDED):
        return Verification(verdict=Verdict.ALTERED, reason=problem, seal=outcome.seal)
    return outcome


def public_keys_from(value: Mapping[str, Any]) -> dict[str, bytes]:
    """Public keys by id from ``{"keys": {key_id: base64}}``, the file that is handed to border posts."""
    try:
        keys = {name: base64.b64decode(text, validate=True) for name, text in value["keys"].items()}
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise InputError('public keys: expected {"keys": {key id: base64 of 32 bytes}}') from error
    wrong = sorted(name for name, public in keys.items() if len(public) != 32 or key_id(public) != name)
    if wrong:
        raise InputError(f"public keys: {', '.join(wrong)} do not fit their ids")
    return keys
