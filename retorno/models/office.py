"""Office, user, role grant, session, audit entry, job, notice, draft, signing key, file token.

Instants are UTC. Passwords, tokens and secrets are stored hashed or encrypted only.
"""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import CheckConstraint, Index, Text, UniqueConstraint
from sqlmodel import Field, SQLModel

from retorno.models.base import UtcInstant, new_id
from retorno.vocabulary import JobKind, JobState, Language, Role


class Office(SQLModel, table=True):
    """Index: ``office_id``. ``places`` are the places whose caseload it keeps."""

    office_id: str = Field(default_factory=lambda: new_id("Z"), primary_key=True)
    name: str
    country: str
    home_place_id: str
    places: str = Field(default="", sa_type=Text, description="Place ids joined by ;")
    is_demo: bool = False
    complaint_contact: str = ""


class User(SQLModel, table=True):
    """Index: ``user_id``. One organisation, one state; roles are granted by two."""

    __tablename__ = "app_user"
    user_id: str = Field(default_factory=lambda: new_id("U"), primary_key=True)
    login: str = Field(unique=True)
    display_name: str
    organisation: str
    country: str = Field(default="", description="State served, for consulate and border officers")
    office_id: str | None = Field(default=None, foreign_key="office.office_id")
    language: Language = Language.ES
    password_hash: str
    failed_count: int = 0
    locked_until: datetime | None = Field(default=None, sa_type=UtcInstant)
    disabled_at: datetime | None = Field(default=None, sa_type=UtcInstant)
    session_epoch: int = Field(default=1, nullable=False, description="Raised to end every session at once")
    version: int = Field(default=1, nullable=False)


class RoleGrant(SQLModel, table=True):
    """Index: ``grant_id``. A role with its scope (state, post, place), asked by one and approved by another."""

    __tablename__ = "role_grant"
    __table_args__ = (CheckConstraint("approved_by IS NULL OR approved_by <> granted_by", name="by_two"),)
    grant_id: str = Field(default_factory=lambda: new_id("RG"), primary_key=True)
    user_id: str = Field(foreign_key="app_user.user_id", index=True)
    role: Role
    scope: str = Field(default="", description="Country of a consulate, post or place id; empty for the whole office")
    granted_by: str
    granted_at: datetime = Field(sa_type=UtcInstant)
    approved_by: str | None = None
    approved_at: datetime | None = Field(default=None, sa_type=UtcInstant)
    valid_until: date | None = None
    revoked_at: datetime | None = Field(default=None, sa_type=UtcInstant)


class LoginSession(SQLModel, table=True):
    """Index: ``token_sha256``. A signed-in browser; ends after 30 min idle, after 8 h, or at once."""

    __tablename__ = "login_session"
    token_sha256: str = Field(primary_key=True)
    user_id: str = Field(foreign_key="app_user.user_id", index=True)
    session_epoch: int
    csrf_token: str
    created_at: datetime = Field(sa_type=UtcInstant)
    last_seen_at: datetime = Field(sa_type=UtcInstant)
    ended_at: datetime | None = Field(default=None, sa_type=UtcInstant)


class FileToken(SQLModel, table=True):
    """Index: ``token_sha256``. One download, by the session it was made for, within its minutes."""

    __tablename__ = "file_token"
    token_sha256: str = Field(primary_key=True)
    user_id: str = Field(foreign_key="app_user.user_id")
    kind: str = Field(
        description="manifest_pdf, manifest_xlsx, itinerary_pdf, consent_pdf, import_template, import_faults"
    )
    object_id: str
    created_at: datetime = Field(sa_type=UtcInstant)
    expires_at: datetime = Field(sa_type=UtcInstant)
    used_at: datetime | None = Field(default=None, sa_type=UtcInstant)


class AuditEntry(SQLModel, table=True):
    """Index: ``sequence``, gap-free from 1. Opaque ids and field names only; values as keyed commitments (I11, I12).

    ``entry_hash`` = SHA-256(previous hash, canonical row). No update, no delete (triggers).
    """

    __tablename__ = "audit_entry"
    sequence: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    at: datetime = Field(sa_type=UtcInstant)
    actor_id: str = Field(index=True)
    role: str
    act: str = Field(index=True)
    object_kind: str
    object_id: str = Field(index=True)
    outcome: str = Field(default="done", description="done, read or refused")
    fields: str = Field(default="{}", sa_type=Text, description="Canonical JSON: field name to commitment, or to an id")
    previous_hash: str
    entry_hash: str = Field(unique=True)


class AuditKey(SQLModel, table=True):
    """Index: ``subject_id``. The wrapped key of one person's commitments; destroyed at erasure (I12)."""

    __tablename__ = "audit_key"
    subject_id: str = Field(primary_key=True)
    wrapped_key: str
    made_at: datetime = Field(sa_type=UtcInstant)


class Job(SQLModel, table=True):
    """Index: ``job_id``. Written in the same transaction as the act that wants it; leased by a worker."""

    __table_args__ = (Index("ix_job_state", "state", "priority"),)
    job_id: str = Field(default_factory=lambda: new_id("JB"), primary_key=True)
    sequence: int = Field(index=True, description="Order of arrival")
    kind: JobKind
    object_id: str = Field(index=True)
    state: JobState = JobState.QUEUED
    priority: int = 5
    attempt: int = 0
    worker: str = ""
    lease_until: datetime | None = Field(default=None, sa_type=UtcInstant)
    is_cancel_wanted: bool = False
    progress: str = Field(
        default="{}", sa_type=Text, description="JSON: seconds, stage, value, bound, gap, persons planned"
    )
    error: str = ""
    created_by: str
    created_at: datetime = Field(sa_type=UtcInstant)
    ended_at: datetime | None = Field(default=None, sa_type=UtcInstant)


class Notice(SQLModel, table=True):
    """Index: ``notice_id``. Something waits for somebody; no name, no cause."""

    __table_args__ = (UniqueConstraint("dedupe_key"),)
    notice_id: str = Field(default_factory=lambda: new_id("NO"), primary_key=True)
    recipient_kind: str = Field(description="user, role, or a party kind")
    recipient_id: str = Field(index=True)
    code: str
    object_id: str
    dedupe_key: str
    created_at: datetime = Field(sa_type=UtcInstant)
    visible_from: datetime = Field(sa_type=UtcInstant)
    seen_at: datetime | None = Field(default=None, sa_type=UtcInstant)


class Draft(SQLModel, table=True):
    """Index: (``user_id``, ``form``, ``object_id``). A half-filled form, saved per field, kept 7 days."""

    user_id: str = Field(foreign_key="app_user.user_id", primary_key=True)
    form: str = Field(primary_key=True)
    object_id: str = Field(default="", primary_key=True)
    values: str = Field(default="{}", sa_type=Text)
    saved_at: datetime = Field(sa_type=UtcInstant)


class SigningKey(SQLModel, table=True):
    """Index: ``key_id``. The public half; the secret half is in the key file, outside the database."""

    __tablename__ = "signing_key"
    key_id: str = Field(primary_key=True)
    office_id: str = Field(foreign_key="office.office_id")
    public_key: str = Field(description="Ed25519, base64")
    made_at: datetime = Field(sa_type=UtcInstant)
    revoked_at: datetime | None = Field(default=None, sa_type=UtcInstant)


class StatisticRelease(SQLModel, table=True):
    """Index: (``office_id``, ``month``, ``version``). The tables of one month as published; never changed.

    ``body`` holds small cells already hidden. A correction is a new version with its reason.
    """

    __tablename__ = "statistic_release"
    office_id: str = Field(foreign_key="office.office_id", primary_key=True)
    month: str = Field(primary_key=True, description="Such as 2027-01")
    version: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    body: str = Field(sa_type=Text)
    reason: str = Field(default="", description="Code of why a later version replaces it; empty for the first")
    published_by: str
    published_at: datetime = Field(sa_type=UtcInstant)
