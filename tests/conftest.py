"""Fixtures: a fresh database of each kind, a frozen clock, an office with its people."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlmodel import Session

from retorno import clock
from retorno.database import Database
from retorno.office import audit
from retorno.office.access import Actor, load_actor
from tests import builders, looking, postgres

NOW = datetime(2027, 3, 1, 15, 0, tzinfo=UTC)
"""The frozen instant of every test: Monday 1 March 2027, 09:00 in Guatemala."""
PAPER_PROGRAMS = ("pdftotext", "pdftoppm", "pdffonts", "zbarimg")


def pytest_sessionfinish(session: pytest.Session) -> None:
    """One page with all pictures that the run kept for people to look at; once, also where several processes ran."""
    if not hasattr(session.config, "workerinput"):
        looking.write_index()


@pytest.fixture(autouse=True)
def frozen_clock() -> Iterator[Callable[[datetime], None]]:
    """The real time stands still at ``NOW``; call the fixture to move it."""
    clock.set_now(lambda: NOW)
    yield lambda instant: clock.set_now(lambda: instant)
    clock.set_now(None)


@pytest.fixture(scope="session")
def nothing_skipped() -> bool:
    """Whether this run must not skip anything, because everything was installed for it."""
    return os.environ.get("TESTS_NOTHING_SKIPPED") == "1"


@pytest.fixture(autouse=True)
def _needs_poppler(request: pytest.FixtureRequest) -> None:
    """A test that looks at a page with other programs is skipped, by name, where those are not installed."""
    if request.node.get_closest_marker("poppler") is not None:
        missing = [program for program in PAPER_PROGRAMS if shutil.which(program) is None]
        if missing:
            words = f"not installed: {', '.join(missing)} (Debian: poppler-utils, zbar-tools)"
            assert not os.environ.get("TESTS_NOTHING_SKIPPED"), words
            pytest.skip(words)


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty SQLite database with every table and trigger, to copy from."""
    path = tmp_path_factory.mktemp("template") / "base.db"
    made = Database(f"sqlite:///{path}")
    made.create()
    with made.engine.connect() as connection:
        connection.exec_driver_sql("COMMIT")
        connection.exec_driver_sql("PRAGMA journal_mode=DELETE")
        connection.exec_driver_sql("BEGIN")
    made.dispose()
    return path


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[postgres.Server]:
    """A private PostgreSQL server; skipped by name where PostgreSQL is not installed."""
    binaries = postgres.binary_folder()
    if binaries is None:
        assert not os.environ.get("TESTS_NOTHING_SKIPPED"), "PostgreSQL should be installed"
        pytest.skip("PostgreSQL is not installed")
    server = postgres.Server(binaries)
    yield server
    server.stop()


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path, sqlite_template: Path) -> Iterator[Database]:
    """An empty database, once on SQLite and once on PostgreSQL."""
    audit.use_secrets(audit.AuditSecrets(wrapping_key=bytes(range(32))))
    if request.param == "sqlite":
        path = tmp_path / "office.db"
        shutil.copy(sqlite_template, path)
        made = Database(f"sqlite:///{path}")
        yield made
        made.dispose()
        return
    server: postgres.Server = request.getfixturevalue("postgres_server")
    address = server.new_database()
    made = Database(address)
    yield made
    made.dispose()
    server.drop(address)


@pytest.fixture
def office(database: Database) -> builders.OfficeFixture:
    """An office in Tapachula with two coordinators, two protection officers and one of every other role."""
    with database.transaction() as session:
        return builders.make_office(session)


@pytest.fixture
def session(database: Database, office: builders.OfficeFixture) -> Iterator[Session]:
    """A session in an open transaction; what a test writes is committed at its end."""
    with database.transaction() as opened:
        yield opened


def _actor_fixture(login: str) -> Callable[..., Actor]:
    @pytest.fixture(name=login)
    def _actor(database: Database, office: builders.OfficeFixture) -> Actor:
        with database.reading() as reading:
            return load_actor(reading, office.user_ids[login])

    return _actor


coordinator = _actor_fixture("coordinator")
coordinator_2 = _actor_fixture("coordinator_2")
protection_1 = _actor_fixture("protection_1")
protection_2 = _actor_fixture("protection_2")
health = _actor_fixture("health")
administrator = _actor_fixture("administrator")
administrator_2 = _actor_fixture("administrator_2")
consulate_hn = _actor_fixture("consulate_hn")
consulate_gt = _actor_fixture("consulate_gt")
border_post = _actor_fixture("border_post")
reception = _actor_fixture("reception")
escort_user = _actor_fixture("escort")
auditor = _actor_fixture("auditor")
monitor = _actor_fixture("monitor")
