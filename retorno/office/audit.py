"""The log: one entry per act, sensitive read or refusal, in the caller's transaction; a hash chain.

Format (final, docs/audit.md): ``entry_hash`` = SHA-256 over the previous hash (64 hex characters) and the canonical
JSON of the row. Values never stand in it: ``fields`` maps a field name to an opaque id or to a commitment
HMAC-SHA-256 under a key of the person concerned. Destroying that key erases the value; the chain still verifies.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy import text
from sqlmodel import Session, col, func, select

from retorno import clock
from retorno.database import WRITER_LOCK
from retorno.errors import Inconsistent
from retorno.models.office import AuditEntry, AuditKey
from retorno.models.triggers import AUDIT_GENESIS

PAGE = 5000
"""Entries read at a time when the chain is verified."""


class ActorLike(Protocol):
    """Who acts: a signed-in user, or the worker."""

    @property
    def user_id(self) -> str:
        """Opaque id."""

    @property
    def role_name(self) -> str:
        """The role in which the act is done."""


@dataclass(frozen=True, kw_only=True)
class AuditSecrets:
    """The wrapping key of the per-person keys; it lives in the key file, outside the database (I12, access.md 19)."""

    wrapping_key: bytes = field(repr=False)


_secrets: AuditSecrets | None = None


def use_secrets(new: AuditSecrets) -> None:
    """Set the wrapping key for this process; called once at start."""
    global _secrets
    _secrets = new


def append(
    session: Session,
    actor: ActorLike,
    *,
    act: str,
    object_kind: str,
    object_id: str,
    outcome: str = "done",
    subject_id: str | None = None,
    values: Mapping[str, Any] | None = None,
    ids: Mapping[str, str] | None = None,
) -> AuditEntry:
    """Append one entry in the caller's transaction.

    Parameters
    ----------
    act
        What was done, such as ``intake.register``.
    outcome
        ``done``, ``read`` or ``refused``.
    subject_id
        The person whose key commits ``values``; without one only ``ids`` may be given.
    values
        Field name to new value; only a keyed commitment of each is kept.
    ids
        Field name to opaque id, kept as it is.

    Raises
    ------
    Inconsistent
        If values are given without a person, or before ``use_secrets``.
    """
    fields: dict[str, str] = dict(ids or {})
    if values:
        if subject_id is None:
            raise Inconsistent(f"audit entry {act}: values need the person whose key commits them")
        key = _subject_key(session, subject_id)
        fields |= {name: commitment(key, name, value) for name, value in values.items()}
    session.flush()
    if session.get_bind().dialect.name == "postgresql":
        session.execute(text("SELECT pg_advisory_xact_lock(:n)"), {"n": WRITER_LOCK})
    last = session.exec(select(AuditEntry).order_by(col(AuditEntry.sequence).desc()).limit(1)).first()
    entry = AuditEntry(
        sequence=last.sequence + 1 if last else 1,
        at=clock.now(),
        actor_id=actor.user_id,
        role=actor.role_name,
        act=act,
        object_kind=object_kind,
        object_id=object_id,
        outcome=outcome,
        fields=json.dumps(fields, sort_keys=True, separators=(",", ":")),
        previous_hash=last.entry_hash if last else AUDIT_GENESIS,
        entry_hash="",
    )
    entry.entry_hash = entry_hash(entry)
    session.add(entry)
    session.flush()
    return entry


def last_sequence(session: Session) -> int:
    """Number of the latest entry; 0 in an empty log."""
    return session.exec(select(func.max(AuditEntry.sequence))).one() or 0


def commitment(key: bytes, name: str, value: Any) -> str:
    """HMAC-SHA-256 of one field's value under a person's key, hexadecimal; 64 characters."""
    body = json.dumps([name, _plain(value)], ensure_ascii=False, separators=(",", ":")).encode()
    return hmac.new(key, body, hashlib.sha256).hexdigest()


def _plain(value: Any) -> Any:
    return value if value is None or isinstance(value, bool | int | str) else str(value)


def canonical_row(entry: AuditEntry) -> bytes:
    """The bytes that are hashed: sorted keys, no spaces, instants as ISO text with microseconds."""
    row = {
        "act": entry.act,
        "actor_id": entry.actor_id,
        "at": _instant(entry.at),
        "fields": entry.fields,
        "object_id": entry.object_id,
        "object_kind": entry.object_kind,
        "outcome": entry.outcome,
        "role": entry.role,
        "sequence": entry.sequence,
    }
    return json.dumps(row, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


def _instant(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def entry_hash(entry: AuditEntry) -> str:
    """SHA-256 over the previous hash and the canonical row, hexadecimal."""
    return hashlib.sha256(entry.previous_hash.encode() + canonical_row(entry)).hexdigest()


@dataclass(frozen=True, kw_only=True)
class ChainState:
    """Outcome of a verification: ``broken_at`` is the first bad sequence number, or ``None``."""

    count: int
    head: str
    broken_at: int | None = None
    what: str = ""


def verify_chain(session: Session, *, anchor: str | None = None) -> ChainState:
    """Walk the whole chain; every number, every link, every hash.

    Parameters
    ----------
    anchor
        A head printed earlier: it must still be one of the hashes, else the chain was rewritten.
    """
    previous, count, is_anchored = AUDIT_GENESIS, 0, anchor is None or anchor == AUDIT_GENESIS
    while page := session.exec(
        select(AuditEntry).where(col(AuditEntry.sequence) > count).order_by(col(AuditEntry.sequence)).limit(PAGE)
    ).all():
        for entry in page:
            count += 1
            fault = _fault_of(entry, count, previous)
            if fault:
                return ChainState(count=count, head=previous, broken_at=count, what=fault)
            previous = entry.entry_hash
            is_anchored = is_anchored or previous == anchor
    if not is_anchored:
        return ChainState(count=count, head=previous, broken_at=count or 1, what="anchor is not part of the chain")
    return ChainState(count=count, head=previous)


def _fault_of(entry: AuditEntry, number: int, previous: str) -> str:
    """What is wrong with one entry at its place in the chain; empty if nothing is."""
    if entry.sequence != number:
        return "number missing or repeated"
    if entry.previous_hash != previous:
        return "link to the entry before is broken"
    if entry_hash(entry) != entry.entry_hash:
        return "entry was changed"
    return ""


def daily_anchor(session: Session) -> str:
    """Head of the chain at the last midnight UTC: hash only, printed on every manifest's foot."""
    midnight = clock.now().replace(hour=0, minute=0, second=0, microsecond=0)
    last = session.exec(
        select(AuditEntry.entry_hash)
        .where(col(AuditEntry.at) < midnight)
        .order_by(col(AuditEntry.sequence).desc())
        .limit(1)
    ).first()
    return last or AUDIT_GENESIS


def _subject_key(session: Session, subject_id: str) -> bytes:
    """The commitment key of a person, made at first use, wrapped with the key of the key file."""
    if _secrets is None:
        raise Inconsistent("the audit log has no wrapping key; call use_secrets at start")
    cipher = AESGCM(_secrets.wrapping_key)
    row = session.get(AuditKey, subject_id)
    if row is not None:
        nonce, sealed = base64.b64decode(row.wrapped_key)[:12], base64.b64decode(row.wrapped_key)[12:]
        return cipher.decrypt(nonce, sealed, subject_id.encode())
    key, nonce = secrets.token_bytes(32), secrets.token_bytes(12)
    wrapped = base64.b64encode(nonce + cipher.encrypt(nonce, key, subject_id.encode())).decode()
    session.add(AuditKey(subject_id=subject_id, wrapped_key=wrapped, made_at=clock.now()))
    session.flush()
    return key


def destroy_key(session: Session, subject_id: str) -> None:
    """Erase what the log holds on a person: without the key no commitment can be opened or guessed."""
    row = session.get(AuditKey, subject_id)
    if row is not None:
        session.delete(row)
        session.flush()
