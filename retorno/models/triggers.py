"""The second line of defence: what the database itself refuses, on SQLite and on PostgreSQL.

Each promise is one entry of ``TRIGGERS``; both dialects say the same thing. Messages name the promise and no person.
"""

from __future__ import annotations

from dataclasses import dataclass

AUDIT_GENESIS = "0" * 64
"""``previous_hash`` of the first audit entry."""


@dataclass(frozen=True, kw_only=True)
class Trigger:
    """One trigger: SQLite statements, and the body of a PostgreSQL row trigger function (plpgsql)."""

    name: str
    table: str
    when: str
    sqlite: str
    postgresql: str


def _frozen_columns(table: str, columns: tuple[str, ...], message: str) -> Trigger:
    """Refuse an update that changes one of ``columns``."""
    changed_sqlite = " OR ".join(f"OLD.{c} IS NOT NEW.{c}" for c in columns)
    changed_pg = " OR ".join(f"OLD.{c} IS DISTINCT FROM NEW.{c}" for c in columns)
    return Trigger(
        name=f"{table.split('.')[-1]}_frozen",
        table=table,
        when="BEFORE UPDATE",
        sqlite=f"SELECT RAISE(ABORT, '{message}') WHERE {changed_sqlite};",
        postgresql=f"IF {changed_pg} THEN RAISE EXCEPTION '{message}' USING ERRCODE = 'integrity_constraint_violation';"
        " END IF; RETURN NEW;",
    )


def _no_delete(table: str) -> Trigger:
    message = f"{table.split('.')[-1]}: rows are never deleted"
    return Trigger(
        name=f"{table.split('.')[-1]}_kept",
        table=table,
        when="BEFORE DELETE",
        sqlite=f"SELECT RAISE(ABORT, '{message}');",
        postgresql=f"RAISE EXCEPTION '{message}' USING ERRCODE = 'integrity_constraint_violation'; RETURN NULL;",
    )


def _raise(message: str) -> str:
    return f"RAISE EXCEPTION '{message}' USING ERRCODE = 'integrity_constraint_violation';"


# Conditions shared by a new seat and by a manifest version: NEW is the seat, or s in a query over seats.
# For a child under twelve the caregiver's consent, recorded on the child, is enough (R2); offices may be stricter.
_NO_CONSENT = """NOT EXISTS (SELECT 1 FROM consent k WHERE k.consent_id = {seat}.consent_id
    AND k.person_id = {seat}.person_id AND k.purpose = 'return' AND k.withdrawn_at IS NULL
    AND (k.is_own_act OR EXISTS (SELECT 1 FROM person y WHERE y.person_id = k.person_id AND NOT y.is_age_in_doubt
        AND (y.birth_date > {young} OR (y.birth_date IS NULL AND y.declared_age < 12))))
    AND k.given_at >= k.counselled_at AND (k.expires_on IS NULL OR k.expires_on >= {day})
    AND EXISTS (SELECT 1 FROM travel_group g WHERE g.group_id = {seat}.group_id
        AND g.destination_country = k.destination_country))"""
_HELD = """EXISTS (SELECT 1 FROM {protection}hold h WHERE h.person_id = {seat}.person_id AND h.lifted_at IS NULL)"""
_NOT_ACTIVE = "NOT EXISTS (SELECT 1 FROM person p WHERE p.person_id = {seat}.person_id AND p.status = 'active')"
# Whoever was received at home on the way keeps the row on the papers of a movement that goes on.
_STILL_TRAVELS = "NOT EXISTS (SELECT 1 FROM person r WHERE r.person_id = s.person_id AND r.status = 'returned')"
_NOT_A_MEMBER = (
    "NOT EXISTS (SELECT 1 FROM person p WHERE p.person_id = {seat}.person_id AND p.group_id = {seat}.group_id)"
)
_TWICE = """EXISTS (SELECT 1 FROM seat o WHERE o.{who} = NEW.{who} AND o.status = 'active'
    AND o.seat_id <> NEW.seat_id AND o.depart_at < NEW.arrive_at AND NEW.depart_at < o.arrive_at)"""
_SPLIT = """EXISTS (SELECT 1 FROM seat s JOIN person p ON p.group_id = s.group_id
    WHERE s.movement_id = NEW.movement_id AND s.status = 'active' AND p.status = 'active'
    AND NOT EXISTS (SELECT 1 FROM seat o WHERE o.movement_id = s.movement_id AND o.person_id = p.person_id
        AND o.status = 'active' AND o.board = s.board AND o.alight = s.alight))"""


def _seat_conditions(seat: str, *, protection: str, day: str) -> tuple[tuple[str, str], ...]:
    young = _twelve_years_before(day, protection)
    return (
        ("seat: no consent in force", _NO_CONSENT.format(seat=seat, day=day, young=young)),
        ("seat: not available", _HELD.format(seat=seat, protection=protection)),
        ("seat: person is not active", _NOT_ACTIVE.format(seat=seat)),
        ("seat: person is not of this group", _NOT_A_MEMBER.format(seat=seat)),
    )


def _twelve_years_before(day: str, protection: str) -> str:
    """SQL of the day twelve years before ``day``; a schema prefix means PostgreSQL."""
    return f"({day} - interval '12 years')::date" if protection else f"date({day}, '-12 years')"


def _seat_guard() -> Trigger:
    person_sqlite = _seat_conditions("NEW", protection="", day="substr(NEW.depart_at, 1, 10)")
    person_pg = _seat_conditions("NEW", protection="protection.", day="(NEW.depart_at AT TIME ZONE 'UTC')::date")
    twice = "seat: somebody cannot travel twice at the same time"
    sqlite = "".join(
        f"SELECT RAISE(ABORT, '{text}') WHERE NEW.status = 'active' AND NEW.person_id IS NOT NULL AND {condition};"
        for text, condition in person_sqlite
    ) + "".join(
        f"SELECT RAISE(ABORT, '{twice}') WHERE NEW.status = 'active' AND NEW.{who} IS NOT NULL"
        f" AND {_TWICE.format(who=who)};"
        for who in ("person_id", "escort_id")
    )
    postgresql = (
        # The locks make two transactions about one person wait for each other, in one order: person, then consent.
        "IF NEW.status <> 'active' THEN RETURN NEW; END IF;"
        "IF NEW.person_id IS NOT NULL THEN"
        " PERFORM 1 FROM person WHERE person_id = NEW.person_id FOR UPDATE;"
        " PERFORM 1 FROM consent WHERE consent_id = NEW.consent_id FOR SHARE;"
        + "".join(f" IF {condition} THEN {_raise(text)} END IF;" for text, condition in person_pg)
        + f" IF {_TWICE.format(who='person_id')} THEN {_raise(twice)} END IF;"
        " ELSE PERFORM 1 FROM escort WHERE escort_id = NEW.escort_id FOR UPDATE;"
        f" IF {_TWICE.format(who='escort_id')} THEN {_raise(twice)} END IF;"
        " END IF; RETURN NEW;"
    )
    return Trigger(name="seat_guard", table="seat", when="BEFORE INSERT", sqlite=sqlite, postgresql=postgresql)


_LOAD = """UPDATE movement_segment SET taken = taken {sign} 1,
    wheelchairs_taken = wheelchairs_taken {sign} (CASE WHEN {row}.is_wheelchair THEN 1 ELSE 0 END)
    WHERE movement_id = {row}.movement_id AND segment >= {row}.board AND segment < {row}.alight;"""

_FREE = """UPDATE seat SET status = 'freed', freed_at = NEW.{at}
    WHERE status = 'active' AND {match} AND arrive_at > NEW.{at};"""

_CONSENT_FIRST = "person: withdraw the consent first"
_STILL_CONSENTS = """EXISTS (SELECT 1 FROM consent k WHERE k.person_id = NEW.person_id AND k.purpose = 'return'
    AND k.withdrawn_at IS NULL)"""
_RAISE_ANOTHER = "hold: a lifted hold is not raised again; raise another"
_VEHICLE_TWICE = "movement: the vehicle is elsewhere at that time"
_VEHICLE_ELSEWHERE = """NEW.status NOT IN ('draft', 'cancelled') AND EXISTS (SELECT 1 FROM movement m
    WHERE m.vehicle_id = NEW.vehicle_id AND m.movement_id <> NEW.movement_id AND m.status NOT IN ('draft', 'cancelled')
    AND m.depart_at < NEW.arrive_at AND NEW.depart_at < m.arrive_at)"""

TRIGGERS: tuple[Trigger, ...] = (
    # Seats: nobody without consent in force, under a hold, twice at once, or beyond capacity (I1, I2, I9, I10).
    _seat_guard(),
    Trigger(
        name="seat_takes",
        table="seat",
        when="AFTER INSERT",
        sqlite=_LOAD.format(sign="+", row="NEW").replace(
            "WHERE movement_id", "WHERE NEW.status = 'active' AND movement_id"
        ),
        postgresql=f"IF NEW.status = 'active' THEN {_LOAD.format(sign='+', row='NEW')} END IF; RETURN NULL;",
    ),
    Trigger(
        name="seat_gives_back",
        table="seat",
        when="AFTER UPDATE OF status",
        sqlite=_LOAD.format(sign="-", row="OLD").replace(
            "WHERE movement_id", "WHERE OLD.status = 'active' AND NEW.status = 'freed' AND movement_id"
        ),
        postgresql="IF OLD.status = 'active' AND NEW.status = 'freed' THEN "
        + _LOAD.format(sign="-", row="OLD")
        + " END IF; RETURN NULL;",
    ),
    Trigger(
        name="seat_stays_freed",
        table="seat",
        when="BEFORE UPDATE OF status",
        sqlite="SELECT RAISE(ABORT, 'seat: a freed seat is not taken again; book a new one')"
        " WHERE OLD.status = 'freed' AND NEW.status <> 'freed';",
        postgresql="IF OLD.status = 'freed' AND NEW.status <> 'freed' THEN "
        + _raise("seat: a freed seat is not taken again; book a new one")
        + " END IF; RETURN NEW;",
    ),
    _frozen_columns(
        "seat",
        (
            "movement_id",
            "person_id",
            "escort_id",
            "group_id",
            "for_group_id",
            "consent_id",
            "board",
            "alight",
            "depart_at",
            "arrive_at",
            "is_wheelchair",
        ),
        "seat: who, where and when cannot be changed",
    ),
    _no_delete("seat"),
    # A withdrawn consent and a hold free every seat not yet travelled, in the same statement.
    Trigger(
        name="consent_withdrawal_frees",
        table="consent",
        when="AFTER UPDATE OF withdrawn_at",
        sqlite=_FREE.format(at="withdrawn_at", match="consent_id = NEW.consent_id AND NEW.withdrawn_at IS NOT NULL"),
        postgresql="IF NEW.withdrawn_at IS NOT NULL THEN "
        + _FREE.format(at="withdrawn_at", match="consent_id = NEW.consent_id")
        + " END IF; RETURN NULL;",
    ),
    Trigger(
        name="hold_frees",
        table="protection.hold",
        when="AFTER INSERT",
        sqlite=_FREE.format(at="raised_at", match="person_id = NEW.person_id"),
        postgresql="PERFORM 1 FROM person WHERE person_id = NEW.person_id FOR UPDATE; "
        + _FREE.format(at="raised_at", match="person_id = NEW.person_id")
        + " RETURN NULL;",
    ),
    Trigger(
        name="person_withdraws_consent",
        table="person",
        when="BEFORE UPDATE OF status",
        sqlite=f"SELECT RAISE(ABORT, '{_CONSENT_FIRST}') WHERE NEW.status = 'withdrawn' AND {_STILL_CONSENTS};",
        postgresql=f"IF NEW.status = 'withdrawn' AND {_STILL_CONSENTS} THEN {_raise(_CONSENT_FIRST)} END IF;"
        " RETURN NEW;",
    ),
    # A vehicle is in one place at a time.
    Trigger(
        name="movement_vehicle_once",
        table="movement",
        when="BEFORE INSERT",
        sqlite=f"SELECT RAISE(ABORT, '{_VEHICLE_TWICE}') WHERE {_VEHICLE_ELSEWHERE};",
        postgresql="IF NEW.vehicle_id IS NULL THEN RETURN NEW; END IF;"
        " PERFORM 1 FROM vehicle WHERE vehicle_id = NEW.vehicle_id FOR UPDATE;"
        f" IF {_VEHICLE_ELSEWHERE} THEN {_raise(_VEHICLE_TWICE)} END IF; RETURN NEW;",
    ),
    # Consents and holds are history.
    _frozen_columns(
        "consent",
        (
            "person_id",
            "purpose",
            "destination_country",
            "text_version",
            "language",
            "interpreter",
            "counselled_at",
            "counselled_by",
            "given_at",
            "is_own_act",
            "is_reflection_waived",
            "witness",
            "expires_on",
            "is_given_in_detention",
            "recorded_by",
            "recorded_at",
        ),
        "consent: a consent is not changed; record a new one",
    ),
    Trigger(
        name="consent_withdrawal_stays",
        table="consent",
        when="BEFORE UPDATE OF withdrawn_at",
        sqlite="SELECT RAISE(ABORT, 'consent: a withdrawal stands; record a new consent')"
        " WHERE OLD.withdrawn_at IS NOT NULL AND NEW.withdrawn_at IS NOT OLD.withdrawn_at;",
        postgresql="IF OLD.withdrawn_at IS NOT NULL AND NEW.withdrawn_at IS DISTINCT FROM OLD.withdrawn_at THEN "
        + _raise("consent: a withdrawal stands; record a new consent")
        + " END IF; RETURN NEW;",
    ),
    _no_delete("consent"),
    _frozen_columns(
        "protection.hold", ("person_id", "kind", "raised_by", "raised_at"), "hold: what was raised is not changed"
    ),
    Trigger(
        name="hold_stays_lifted",
        table="protection.hold",
        when="BEFORE UPDATE OF lifted_at",
        sqlite=f"SELECT RAISE(ABORT, '{_RAISE_ANOTHER}') WHERE OLD.lifted_at IS NOT NULL AND NEW.lifted_at IS NULL;",
        postgresql="IF OLD.lifted_at IS NOT NULL AND NEW.lifted_at IS NULL THEN "
        + _raise(_RAISE_ANOTHER)
        + " END IF; RETURN NEW;",
    ),
    _no_delete("protection.hold"),
    # Manifests: immutable, whole families, nobody without consent or under a hold (I4, I8).
    Trigger(
        name="manifest_version_guard",
        table="manifest_version",
        when="BEFORE INSERT",
        sqlite="".join(
            f"SELECT RAISE(ABORT, '{text.replace('seat', 'manifest')}') WHERE EXISTS (SELECT 1 FROM seat s"
            " WHERE s.movement_id = NEW.movement_id AND s.status = 'active' AND s.person_id IS NOT NULL"
            f" AND {_STILL_TRAVELS} AND {condition});"
            for text, condition in _seat_conditions("s", protection="", day="substr(s.depart_at, 1, 10)")
        )
        + f"SELECT RAISE(ABORT, 'manifest: a family is not whole') WHERE {_SPLIT};",
        postgresql="".join(
            "IF EXISTS (SELECT 1 FROM seat s WHERE s.movement_id = NEW.movement_id AND s.status = 'active'"
            f" AND s.person_id IS NOT NULL AND {_STILL_TRAVELS} AND {condition}) THEN "
            f"{_raise(text.replace('seat', 'manifest'))} END IF;"
            for text, condition in _seat_conditions(
                "s", protection="protection.", day="(s.depart_at AT TIME ZONE 'UTC')::date"
            )
        )
        + f" IF {_SPLIT} THEN {_raise('manifest: a family is not whole')} END IF; RETURN NEW;",
    ),
    _frozen_columns(
        "manifest_version",
        (
            "movement_id",
            "version",
            "supersedes",
            "is_removal_only",
            "proposed_by",
            "signed_by",
            "issued_at",
            "verdict",
            "person_count",
        ),
        "manifest: an issued version is not changed",
    ),
    Trigger(
        name="manifest_version_ends_once",
        table="manifest_version",
        when="BEFORE UPDATE OF status",
        sqlite="SELECT RAISE(ABORT, 'manifest: an ended version is not current again')"
        " WHERE OLD.status <> 'current' AND NEW.status <> OLD.status;",
        postgresql="IF OLD.status <> 'current' AND NEW.status <> OLD.status THEN "
        + _raise("manifest: an ended version is not current again")
        + " END IF; RETURN NEW;",
    ),
    _no_delete("manifest_version"),
    _frozen_columns(
        "manifest_copy",
        (
            "copy_id",
            "movement_id",
            "version",
            "recipient_kind",
            "recipient_id",
            "number",
            "supersedes",
            "canonical",
            "sha256",
            "signature",
            "key_id",
            "made_at",
        ),
        "manifest: a copy is not changed",
    ),
    _no_delete("manifest_copy"),
    # A published table is not changed: a correction is a version of its own.
    _frozen_columns(
        "statistic_release",
        ("office_id", "month", "version", "body", "reason", "published_by", "published_at"),
        "statistics: a published table is not changed",
    ),
    _no_delete("statistic_release"),
    # The log: gap-free, chained, append only (I11).
    Trigger(
        name="audit_entry_chain",
        table="audit_entry",
        when="BEFORE INSERT",
        sqlite="SELECT RAISE(ABORT, 'audit: sequence or chain broken')"
        " WHERE NEW.sequence <> (SELECT coalesce(max(sequence), 0) + 1 FROM audit_entry)"
        " OR NEW.previous_hash <> coalesce((SELECT entry_hash FROM audit_entry WHERE sequence = NEW.sequence - 1),"
        f" '{AUDIT_GENESIS}');",
        postgresql="IF NEW.sequence <> (SELECT coalesce(max(sequence), 0) + 1 FROM audit_entry)"
        " OR NEW.previous_hash <> coalesce((SELECT entry_hash FROM audit_entry WHERE sequence = NEW.sequence - 1),"
        f" '{AUDIT_GENESIS}') THEN {_raise('audit: sequence or chain broken')} END IF; RETURN NEW;",
    ),
    Trigger(
        name="audit_entry_frozen",
        table="audit_entry",
        when="BEFORE UPDATE",
        sqlite="SELECT RAISE(ABORT, 'audit: entries are never changed');",
        postgresql=_raise("audit: entries are never changed") + " RETURN NULL;",
    ),
    _no_delete("audit_entry"),
)

NEVER_TRUNCATED = ("audit_entry", "manifest_version", "manifest_copy", "seat", "consent", "protection.hold")


def statements(dialect: str) -> list[str]:
    """The statements that create every trigger on ``dialect`` ("sqlite" or "postgresql")."""
    if dialect == "sqlite":
        return [
            f"CREATE TRIGGER {t.name} {t.when} ON {t.table.split('.')[-1]} FOR EACH ROW BEGIN {t.sqlite} END"
            for t in TRIGGERS
        ]
    made: list[str] = []
    for t in TRIGGERS:
        made.append(
            f"CREATE FUNCTION {t.name}() RETURNS trigger LANGUAGE plpgsql AS $body$ BEGIN {t.postgresql} END $body$"
        )
        made.append(f"CREATE TRIGGER {t.name} {t.when} ON {t.table} FOR EACH ROW EXECUTE FUNCTION {t.name}()")
    made.append(
        "CREATE FUNCTION never_truncated() RETURNS trigger LANGUAGE plpgsql AS $body$ BEGIN "
        + _raise("rows are never deleted")
        + " RETURN NULL; END $body$"
    )
    for table in NEVER_TRUNCATED:
        made.append(
            f"CREATE TRIGGER {table.split('.')[-1]}_not_truncated BEFORE TRUNCATE ON {table}"
            " FOR EACH STATEMENT EXECUTE FUNCTION never_truncated()"
        )
    return made
