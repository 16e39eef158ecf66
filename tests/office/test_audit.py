"""The log: chained, gap-free, without a value in clear, and broken visibly by every tampering."""

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DatabaseError
from sqlmodel import Session, select

from retorno.database import Database
from retorno.errors import Inconsistent
from retorno.models.office import AuditEntry, AuditKey
from retorno.office import audit
from retorno.office.access import Actor


def _three_entries(session: Session, actor: Actor) -> None:
    for name in ("Ana", "Luz", "Eva"):
        audit.append(
            session,
            actor,
            act="intake.update",
            object_kind="person",
            object_id="P-1",
            subject_id="P-1",
            values={"given_names": name},
            ids={"group_id": "G-1"},
        )


def test_entries_are_numbered_without_gap_and_verify(session: Session, coordinator: Actor) -> None:
    _three_entries(session, coordinator)
    state = audit.verify_chain(session)
    assert (state.count, state.broken_at) == (3, None)
    assert session.exec(select(AuditEntry.sequence)).all() == [1, 2, 3]


def test_no_value_stands_in_the_log_in_clear(session: Session, coordinator: Actor) -> None:
    _three_entries(session, coordinator)
    rows = session.exec(select(AuditEntry)).all()
    assert all("Ana" not in audit.canonical_row(row).decode() for row in rows)
    # The same value gives the same commitment for one person, and another for another.
    key_1, key_2 = b"1" * 32, b"2" * 32
    assert audit.commitment(key_1, "f", "Ana") == audit.commitment(key_1, "f", "Ana")
    assert audit.commitment(key_1, "f", "Ana") != audit.commitment(key_2, "f", "Ana")


def test_values_without_a_person_are_refused(session: Session, coordinator: Actor) -> None:
    with pytest.raises(Inconsistent):
        audit.append(session, coordinator, act="x", object_kind="person", object_id="P-1", values={"a": 1})


def test_the_chain_verifies_after_a_persons_key_is_destroyed(session: Session, coordinator: Actor) -> None:
    _three_entries(session, coordinator)
    audit.destroy_key(session, "P-1")
    assert session.get(AuditKey, "P-1") is None
    assert audit.verify_chain(session).broken_at is None


@pytest.mark.parametrize(
    "statement",
    ["UPDATE audit_entry SET act = 'x' WHERE sequence = 2", "DELETE FROM audit_entry WHERE sequence = 3"],
)
def test_the_database_refuses_to_change_the_log(
    database: Database, session: Session, coordinator: Actor, statement: str
) -> None:
    _three_entries(session, coordinator)
    session.commit()
    with pytest.raises(DatabaseError, match="audit"), database.transaction() as other:
        other.execute(text(statement))


def test_a_gap_is_refused_by_the_database(session: Session, coordinator: Actor) -> None:
    _three_entries(session, coordinator)
    last = session.exec(select(AuditEntry).where(AuditEntry.sequence == 3)).one()
    forged = AuditEntry(
        **(last.model_dump() | {"sequence": 5, "entry_hash": "f" * 64, "previous_hash": last.entry_hash})
    )
    session.add(forged)
    with pytest.raises(DatabaseError, match="audit"):
        session.flush()
    session.rollback()


def test_a_changed_entry_is_found_where_triggers_were_removed(
    database: Database, session: Session, coordinator: Actor
) -> None:
    _three_entries(session, coordinator)
    session.commit()
    on_table = "" if database.is_sqlite else " ON audit_entry"
    with database.transaction() as attacker:
        attacker.execute(text(f"DROP TRIGGER audit_entry_frozen{on_table}"))
        attacker.execute(text("UPDATE audit_entry SET act = 'intake.read' WHERE sequence = 2"))
    with database.reading() as reading:
        state = audit.verify_chain(reading)
    assert (state.broken_at, state.what) == (2, "entry was changed")


def test_a_rewritten_chain_is_found_by_the_anchor(session: Session, coordinator: Actor) -> None:
    _three_entries(session, coordinator)
    head = audit.verify_chain(session).head
    assert audit.verify_chain(session, anchor=head).broken_at is None
    assert audit.verify_chain(session, anchor="a" * 64).what == "anchor is not part of the chain"
