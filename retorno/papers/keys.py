"""Keys of the offices: one file outside the database, and the references that are made with them.

Nothing in the database can sign, or tell which reference belongs to whom (access.md, point 19).
"""

from __future__ import annotations

import base64
import fcntl
import hashlib
import hmac
import json
import os
import secrets
import stat
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from retorno.errors import InputError
from retorno.papers.form import canonical_bytes

KEYS_FORMAT = "retorno-keys-1"

# Neither vowels (no words by accident) nor signs that are taken for one another: 0 O, 1 I L, 2 Z, 5 S, 8 B, U V.
_REFERENCE_ALPHABET = "34679CDFGHJKMNPQRTVWXY"
_REFERENCE_CHARS = 9


class KeyFileWarning(UserWarning):
    """The key file can be read by other accounts of the machine."""


@dataclass(frozen=True, kw_only=True)
class SigningKey:
    """An Ed25519 key pair; ``key_id`` is eight letters and digits of the public half's SHA-256."""

    secret: Ed25519PrivateKey

    @property
    def public_bytes(self) -> bytes:
        """The public half, 32 bytes."""
        return self.secret.public_key().public_bytes_raw()

    @property
    def key_id(self) -> str:
        """Names the key in a QR code and in the list of public keys."""
        return key_id(self.public_bytes)

    def __repr__(self) -> str:
        return f"SigningKey({self.key_id})"


@dataclass(frozen=True, kw_only=True)
class OfficeKeys:
    """What one office signs with, and what its references per recipient are made with (32 secret bytes)."""

    office_id: str
    signing: SigningKey
    reference_key: bytes

    def __repr__(self) -> str:
        return f"OfficeKeys({self.office_id}, {self.signing.key_id})"


@dataclass(frozen=True, kw_only=True)
class Keys:
    """All secrets of an installation: per office, and the two of the audit log (32 bytes each)."""

    offices: Mapping[str, OfficeKeys]
    commitment_key: bytes
    wrapping_key: bytes

    def __repr__(self) -> str:
        return f"Keys({', '.join(sorted(self.offices))})"


def key_id(public_bytes: bytes) -> str:
    """The name of a public key: eight letters and digits, the same everywhere."""
    return base64.b32encode(hashlib.sha256(public_bytes).digest())[:8].decode()


def new_signing_key() -> SigningKey:
    """A fresh key pair."""
    return SigningKey(secret=Ed25519PrivateKey.generate())


def load_keys(path: Path, *, office_ids: Sequence[str] = (), create: bool = False) -> Keys:
    """The installation's keys from its key file.

    Parameters
    ----------
    path
        JSON file outside the database, mode 0600; a ``KeyFileWarning`` tells when others can read it.
    office_ids
        Offices that need keys.
    create
        Whether to make the file, or keys for an office, where they are missing. Existing keys never change. Safe when
        two processes start together.

    Raises
    ------
    InputError
        If the file is missing or damaged, or an office has no keys and ``create`` is False.
    """
    if create:
        _make_missing(path, office_ids)
    try:
        held = json.loads(path.read_text("utf-8"))
    except FileNotFoundError as error:
        raise InputError(f"key file {path}: missing; restore it from its safe copy") from error
    except (OSError, ValueError) as error:
        raise InputError(f"key file {path}: cannot be read; restore it from its safe copy") from error
    if stat.S_IMODE(path.stat().st_mode) & 0o077:
        warnings.warn(f"key file {path} can be read by others; run: chmod 600 {path}", KeyFileWarning, stacklevel=2)
    try:
        keys = _keys(held)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise InputError(f"key file {path}: damaged; restore it from its safe copy") from error
    missing = sorted(set(office_ids) - set(keys.offices))
    if missing:
        raise InputError(f"key file {path}: no keys for office {', '.join(missing)}")
    return keys


def _keys(held: Mapping[str, Any]) -> Keys:
    if held["format"] != KEYS_FORMAT:
        raise ValueError
    return Keys(
        offices={name: _office(name, entry) for name, entry in held["offices"].items()},
        commitment_key=_secret(held["commitment"]),
        wrapping_key=_secret(held["wrapping"]),
    )


def _secret(text: str) -> bytes:
    secret = base64.b64decode(text, validate=True)
    if len(secret) != 32:
        raise ValueError
    return secret


def _office(name: str, entry: Mapping[str, str]) -> OfficeKeys:
    signing = SigningKey(secret=Ed25519PrivateKey.from_private_bytes(_secret(entry["signing"])))
    return OfficeKeys(office_id=name, signing=signing, reference_key=_secret(entry["reference"]))


def _make_missing(path: Path, office_ids: Sequence[str]) -> None:
    """Write the file with what it lacks; replaces it in one step, under a lock beside it."""

    def fresh() -> str:
        return base64.b64encode(secrets.token_bytes(32)).decode()

    path.parent.mkdir(parents=True, exist_ok=True)
    lock = os.open(path.with_name(path.name + ".lock"), os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if path.exists():
            try:
                held = json.loads(path.read_text("utf-8"))
                _keys(held)
                offices = dict(held["offices"])
            except (OSError, ValueError, KeyError, TypeError, AttributeError):
                return  # the reader says what is wrong; a damaged file is never overwritten
        else:
            held, offices = {"format": KEYS_FORMAT, "commitment": fresh(), "wrapping": fresh()}, {}
        missing = [name for name in office_ids if name not in offices]
        if path.exists() and not missing:
            return
        offices |= {name: {"signing": fresh(), "reference": fresh()} for name in missing}
        draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
        handle = os.open(draft, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o600)
        with os.fdopen(handle, "w", encoding="utf-8") as out:
            json.dump(held | {"offices": offices}, out, indent=1, sort_keys=True)
            out.flush()
            os.fsync(out.fileno())
        draft.replace(path)
    finally:
        os.close(lock)


def reference(key: bytes, person_id: str, recipient: str) -> str:
    """How one recipient's papers call one person: nine signs such as ``K7C-9WM-4TX``.

    Keyed, so that nobody without the key can compute it or join two recipients' lists; no order, no look-alikes. Two
    people of one recipient share one with a chance of 1 in 1.2 million million.
    """
    message = canonical_bytes([person_id, recipient])
    number = int.from_bytes(hmac.digest(key, message, "sha256"), "big")
    signs = []
    for _ in range(_REFERENCE_CHARS):
        number, rest = divmod(number, len(_REFERENCE_ALPHABET))
        signs.append(_REFERENCE_ALPHABET[rest])
    return "-".join("".join(signs[at : at + 3]) for at in range(0, _REFERENCE_CHARS, 3))
