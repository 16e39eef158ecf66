"""Engine, sessions, and the one way to write: a transaction that commits whole or not at all."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, event, inspect, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import OperationalError
from sqlmodel import Session, SQLModel, create_engine

from retorno.errors import InputError, NotSaved
from retorno.models.protection import PROTECTION_SCHEMA
from retorno.models.triggers import statements

SCHEMA_VERSION = 3
"""Raised with every change of tables or triggers; an older database is refused, never used half."""

WRITER_LOCK = 7_267_001
"""Advisory lock of every writing transaction on PostgreSQL: writers queue there as they do on SQLite.

Every act ends in the hash chain of the log, so writers wait for each other in any case; taking the lock first rather
than last leaves no order of row locks in which two of them could wait for each other in a circle.
"""

_PRAGMAS = ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "recursive_triggers=ON", "busy_timeout=10000")


class Database:
    """One database: SQLite (``sqlite:///office.db``) or PostgreSQL (``postgresql+psycopg://...``).

    Raises
    ------
    InputError
        If the address names another kind of database.
    """

    def __init__(self, url: str) -> None:
        backend = make_url(url).get_backend_name()
        if backend == "sqlite":
            file = make_url(url).database
            if file and file != ":memory:":
                Path(file).parent.mkdir(parents=True, exist_ok=True)
            self.engine = create_engine(
                url,
                execution_options={"schema_translate_map": {PROTECTION_SCHEMA: None}},
                connect_args={"timeout": 10},
                hide_parameters=True,  # a logged error must not name anybody
            )
            _prepare_sqlite(self.engine)
        elif backend == "postgresql":
            self.engine = create_engine(url, pool_pre_ping=True, hide_parameters=True)
        else:
            raise InputError(f'database "{backend}", expected sqlite or postgresql')
        self._reading_engine = self.engine.execution_options(read_only=True)

    @property
    def is_sqlite(self) -> bool:
        """Whether this is an embedded database."""
        return self.engine.dialect.name == "sqlite"

    def create(self) -> None:
        """Create every table, constraint and trigger in an empty database; one that is already there is checked."""
        if inspect(self.engine).has_table("schema_version"):
            self.check_version()
            return
        with self.engine.begin() as connection:
            if not self.is_sqlite:
                connection.execute(text(f"CREATE SCHEMA IF NOT EXISTS {PROTECTION_SCHEMA}"))
            SQLModel.metadata.create_all(connection)
            for statement in statements(self.engine.dialect.name):
                connection.exec_driver_sql(statement)
            connection.execute(text("CREATE TABLE schema_version (version INTEGER NOT NULL PRIMARY KEY)"))
            connection.execute(text("INSERT INTO schema_version VALUES (:v)"), {"v": SCHEMA_VERSION})

    def check_version(self) -> None:
        """Refuse a database made by another version of the tables, or by another program (``InputError``)."""
        if not inspect(self._reading_engine).has_table("schema_version"):
            raise InputError("the database holds no office: name one that `retorno init` or `retorno demo` made")
        with self._reading_engine.connect() as connection:
            found = connection.execute(text("SELECT version FROM schema_version")).scalar_one()
        if found != SCHEMA_VERSION:
            self.dispose()  # whoever is refused leaves no connection open
            raise InputError(
                f"the database has tables of version {found}, this program needs version {SCHEMA_VERSION}: open it with"
                " the program that made it, or name another database in RETORNO_DATABASE"
            )

    @contextmanager
    def transaction(self) -> Iterator[Session]:
        """A session that commits at the end, or rolls back everything if anything is raised; writers queue.

        Raises
        ------
        NotSaved
            If the database cannot be written now: the disk is full, the server is gone, a writer holds it too long.
        """
        with Session(self.engine, expire_on_commit=False) as session:
            try:
                if not self.is_sqlite:
                    session.execute(text("SELECT pg_advisory_xact_lock(:n)"), {"n": WRITER_LOCK})
                yield session
                session.commit()
            except OperationalError as error:
                _take_back(session)
                raise NotSaved("nothing was saved: the disk is full or the database does not answer") from error
            except BaseException:
                session.rollback()
                raise

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """A session for pages without persons: on SQLite it never waits for a writer; nothing is committed."""
        with Session(self._reading_engine, expire_on_commit=False) as session:
            yield session

    def dispose(self) -> None:
        """Close every connection."""
        self.engine.dispose()


def _take_back(session: Session) -> None:
    """Roll back after the database itself failed; one that is gone has rolled back already."""
    try:
        session.rollback()
    except OperationalError:
        session.invalidate()


def _prepare_sqlite(engine: Engine) -> None:
    """Full durability, enforced references, and writers that queue instead of failing."""

    @event.listens_for(engine, "connect")
    def _on_connect(connection: Any, _record: Any) -> None:
        connection.isolation_level = None  # we begin ourselves, below
        for pragma in _PRAGMAS:
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def _on_begin(connection: Any) -> None:
        # A deferred BEGIN fails "locked" when a reader turns writer; IMMEDIATE waits in the queue instead.
        is_reading = connection.get_execution_options().get("read_only")
        connection.exec_driver_sql("BEGIN" if is_reading else "BEGIN IMMEDIATE")
