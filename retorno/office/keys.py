"""The office's secrets: signing, references, wrapping of log keys. They live in a file outside the database.

From a stolen database none of them can be had (access.md 19). The file belongs to the service user alone.
"""

from __future__ import annotations

import json
import os
import secrets
import warnings
from base64 import b64decode, b64encode
from dataclasses import dataclass, field
from pathlib import Path

from retorno.errors import InputError
from retorno.office import audit

_NAMES = ("signing_key", "reference_key", "wrapping_key")
_LENGTH = 32


@dataclass(frozen=True, kw_only=True)
class Keys:
    """Three keys of 32 random bytes each.

    Parameters
    ----------
    signing_key
        Ed25519 seed; signs every manifest copy.
    reference_key
        HMAC key of the per-recipient references of people, so that two recipients cannot join their lists.
    wrapping_key
        AES-256-GCM key around the per-person keys of the audit log.
    """

    signing_key: bytes = field(repr=False)
    reference_key: bytes = field(repr=False)
    wrapping_key: bytes = field(repr=False)


def load(path: Path) -> Keys:
    """The keys of a file; made at first use with mode 0600. Warns if others can read it.

    Raises
    ------
    InputError
        If the file is damaged: which key is wrong. It is never replaced, since what it signed would be lost.
    """
    if not path.exists():
        _make(path)
    if path.stat().st_mode & 0o077:
        warnings.warn(f"key file {path.name} can be read by others, expected mode 0600 (chmod 600)", stacklevel=2)
    try:
        stored = json.loads(path.read_text(encoding="ascii"))
        values = {name: b64decode(stored[name], validate=True) for name in _NAMES}
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(f"key file {path.name} is damaged: restore it from its backup") from error
    short = [name for name, value in values.items() if len(value) != _LENGTH]
    if short:
        raise InputError(f"key file {path.name}: {', '.join(short)} should have {_LENGTH} bytes; restore its backup")
    return Keys(**values)


def _make(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    body = json.dumps({name: b64encode(secrets.token_bytes(_LENGTH)).decode() for name in _NAMES}, indent=1)
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w", encoding="ascii") as file:
        file.write(body + "\n")


_keys: Keys | None = None


def use(new: Keys) -> None:
    """Set the keys of this process; called once at start."""
    global _keys
    _keys = new
    audit.use_secrets(audit.AuditSecrets(wrapping_key=new.wrapping_key))


def current() -> Keys:
    """The keys of this process; ``InputError`` before ``use``."""
    if _keys is None:
        raise InputError("the office's keys are not loaded: start with a key file")
    return _keys
