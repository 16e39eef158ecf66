"""One running office for all door tests of a process."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from argon2 import PasswordHasher
from playwright.sync_api import Browser, sync_playwright
from sqlalchemy import text

from retorno import clock
from retorno.database import Database
from retorno.office import audit
from tests import builders
from tests.ui.serving import PASSWORD, Office, free_port
from tests.ui.views_harness import Opening, opener
from ui import session as screens


def password_hash() -> str:
    """The hash of the password of every account of a test office."""
    return PasswordHasher(time_cost=2, memory_cost=19456, parallelism=1).hash(PASSWORD)


@pytest.fixture(autouse=True)
def own_main_module() -> Iterator[None]:
    """A page script takes the place of ``__main__``; a process started afterwards would try to run it."""
    kept = sys.modules["__main__"]
    yield
    sys.modules["__main__"] = kept


@pytest.fixture
def database(tmp_path: Path, sqlite_template: Path) -> Iterator[Database]:
    """Screens speak to the stages only, which are tested on both databases; one is enough here."""
    path = tmp_path / "office.db"
    shutil.copy(sqlite_template, path)
    made = Database(f"sqlite:///{path}")
    audit.use_secrets(audit.AuditSecrets(wrapping_key=bytes(range(32))))
    yield made
    made.dispose()


@pytest.fixture
def open_view(database: Database, office: builders.OfficeFixture) -> Iterator[Opening]:
    """Open a view without its frame: ``open_view("consulate", "consulate_hn")``."""
    screens.configure(database, who=lambda _: office.user_ids["coordinator"])
    yield opener(database, office)
    screens.configure(database)


@pytest.fixture(scope="module")
def chromium(nothing_skipped: bool) -> Iterator[Browser]:
    """Debian's chromium, headless; skipped by name where it is not installed.

    Of a module, not of the session: two open browsers of one process do not go together.
    """
    path = shutil.which("chromium")
    if path is None:
        assert not nothing_skipped, "chromium should be installed"
        pytest.skip("chromium is not installed")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-gpu"])
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def door(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    """A running application with one account of every role; login ``coordinator`` and so on."""
    folder: Path = tmp_path_factory.mktemp("door")
    clock.set_now(None)
    audit.use_secrets(audit.AuditSecrets(wrapping_key=bytes(range(32))))
    database = Database(f"sqlite:///{folder}/office.db")
    database.create()
    with database.transaction() as session:
        builders.make_office(session)
        session.execute(text("UPDATE app_user SET password_hash = :h"), {"h": password_hash()})
        session.execute(text("UPDATE app_user SET login = replace(lower(login), '.z-tapachula', '')"))
    database.dispose()
    office = Office(port=free_port(), folder=folder)
    office.start()
    yield office
    office.stop()
