"""The demonstration office of the tests: set up once a run, whoever asks first, and copied by everybody."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

from retorno import keyring
from retorno.database import Database
from retorno.demo import staging
from retorno.settings import Settings
from retorno.vocabulary import Role

NOW = datetime(2027, 3, 1, 15, 0, tzinfo=UTC)
"""A Monday, as in ``conftest``; the demonstration is set up at this moment."""


@dataclass(frozen=True, kw_only=True)
class Copy:
    """A demonstration of one's own: its folder with ``office.db`` and ``keys.json``, and its accounts."""

    folder: Path
    accounts: list[staging.Account]

    def open(self) -> Database:
        """Its database, with its keys loaded."""
        settings = _settings(self.folder)
        database = Database(settings.database)
        keyring.open_keys(settings, database)
        return database


def copied(factory: pytest.TempPathFactory, name: str) -> Copy:
    """A fresh copy in a temporary folder; the first of all processes of a run sets the original up."""
    base = factory.getbasetemp()
    shared = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    original = shared / "demonstration"
    with (shared / "demonstration.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (original / "accounts.json").exists():
            _set_up(original)
    folder = factory.mktemp(name) / "office"
    shutil.copytree(original, folder)
    rows = json.loads((original / "accounts.json").read_text("utf-8"))
    accounts = [staging.Account(**{**row, "role": Role(row["role"])}) for row in rows]
    return Copy(folder=folder, accounts=accounts)


def _set_up(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    settings = _settings(folder)
    database = Database(settings.database)
    try:
        made = staging.build(database, settings, now=NOW)
    finally:
        database.dispose()
    (folder / "accounts.json").write_text(json.dumps([asdict(account) for account in made]), "utf-8")


def _settings(folder: Path) -> Settings:
    return Settings(database=f"sqlite:///{folder}/office.db", key_file=folder / "keys.json")
