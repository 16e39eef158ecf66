"""The keys of this process: read once at start from the key file, never from the database."""

from __future__ import annotations

import base64

from sqlmodel import Session, col, select

from retorno import clock
from retorno.database import Database
from retorno.errors import InputError
from retorno.models.office import Office, SigningKey
from retorno.office import audit
from retorno.papers.keys import Keys, OfficeKeys, load_keys
from retorno.settings import Settings

_keys: Keys | None = None


def use(new: Keys) -> None:
    """Set the keys of this process."""
    global _keys
    _keys = new
    audit.use_secrets(audit.AuditSecrets(wrapping_key=new.wrapping_key))


def open_keys(settings: Settings, database: Database) -> Keys:
    """Read the key file, make keys for offices that have none, and publish the public halves in the database."""
    with database.transaction() as session:
        office_ids = tuple(session.exec(select(Office.office_id).order_by(Office.office_id)).all())
        keys = load_keys(settings.key_file, office_ids=office_ids, create=True)
        for office_id in office_ids:
            publish(session, keys.offices[office_id])
    use(keys)
    return keys


def publish(session: Session, office_keys: OfficeKeys) -> None:
    """Note the public half of an office's signing key, if it is not there yet."""
    signing = office_keys.signing
    if session.get(SigningKey, signing.key_id) is None:
        public = base64.b64encode(signing.public_bytes).decode()
        session.add(
            SigningKey(key_id=signing.key_id, office_id=office_keys.office_id, public_key=public, made_at=clock.now())
        )
        session.flush()


def of_office(office_id: str) -> OfficeKeys:
    """The keys of an office; ``InputError`` before ``use`` or for an office without keys."""
    if _keys is None or office_id not in _keys.offices:
        raise InputError(f"no keys for office {office_id}: start with the key file")
    return _keys.offices[office_id]


def public_keys(session: Session) -> dict[str, bytes]:
    """Public signing keys by id; a revoked key is left out."""
    rows = session.exec(select(SigningKey).where(col(SigningKey.revoked_at).is_(None))).all()
    return {row.key_id: base64.b64decode(row.public_key) for row in rows}
