"""The demonstration: kept below the checkout, made where it is missing, opened in the browser's reach."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
import socket
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import datetime
from pathlib import Path
from typing import Final

from sqlmodel import SQLModel

from retorno import clock, serving
from retorno.database import SCHEMA_VERSION, Database
from retorno.demo.staging import Account, build
from retorno.errors import InputError
from retorno.settings import Settings

FOLDER: Final = serving.ROOT / "var" / "demo"
OFFICE_FILE: Final = "office.db"
STALE_DAYS = 5
"""From so many days on, lists and screenings of a kept demonstration run out; it is better made anew."""


def start(*, port: int, is_fresh: bool, folder: Path = FOLDER) -> int:
    """Open the demonstration office until Ctrl-C; makes it where it is missing, or anew.

    Parameters
    ----------
    port
        Port on this machine.
    is_fresh
        Throw away what was done in it and make it anew.
    folder
        Where it is kept: database, keys and ``accounts.txt``, readable by nobody else.

    Raises
    ------
    InputError
        If the port is taken, or the demonstration runs already.
    """
    expect_free(port)
    folder.parent.mkdir(parents=True, exist_ok=True)
    with _alone(folder):
        if is_fresh or not is_kept(folder):
            print(
                "Setting up the demonstration office: forty invented cases. This takes about half a minute.", flush=True
            )
            _make(folder)
        settings = settings_of(folder, port)
        print((folder / "accounts.txt").read_text("utf-8"))
        print("New here? Sign in as coordinacion.1 and open the 10-minute tour: second line of the menu, or /tour.\n")
        if (clock.now() - _made_at(folder)).days >= STALE_DAYS:
            print("It was set up some days ago and its dates have run on: --fresh makes it anew.")
        return serving.serve(settings, on_ready=lambda: print(f"open {settings.origin}     Ctrl-C ends it", flush=True))


def expect_free(port: int) -> None:
    """Refuse a port on which something answers already (``InputError``)."""
    with closing(socket.socket()) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            raise InputError(
                f"port {port} is taken: end the program that uses it, or choose another with --port {port + 1}"
            ) from error


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Hold the demonstration for this process; a second one would pull the database from under it."""
    with folder.with_name(f"{folder.name}.lock").open("w") as held:
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise InputError("the demonstration runs already: end it first, with Ctrl-C in its window") from error
        yield


def settings_of(folder: Path, port: int) -> Settings:
    """Settings of the demonstration kept in a folder."""
    return Settings(
        database=f"sqlite:///{folder / OFFICE_FILE}",
        key_file=folder / "keys.json",
        host="127.0.0.1",
        port=port,
        scheme="http",
        bind_port=0,
    )


def _tables() -> str:
    """A short sign for the tables as they are now: a database with other ones is made anew."""
    names = sorted(
        f"{column.table.name}.{column.name}" for t in SQLModel.metadata.tables.values() for column in t.columns
    )
    return hashlib.sha256("\n".join([str(SCHEMA_VERSION), *names]).encode()).hexdigest()[:12]


def is_kept(folder: Path) -> bool:
    """Whether a demonstration with the tables of this program is there."""
    try:
        sign: str = json.loads((folder / "made.json").read_text("utf-8"))["tables"]
    except (OSError, ValueError, KeyError):
        return False
    return sign == _tables() and (folder / OFFICE_FILE).is_file()


def _made_at(folder: Path) -> datetime:
    return datetime.fromisoformat(json.loads((folder / "made.json").read_text("utf-8"))["at"])


def _make(folder: Path) -> None:
    """Build beside the place and move it there when it is whole, so that an interrupted build leaves nothing."""
    part, now = folder.with_name(f"{folder.name}.part"), clock.now()
    for old in (part, folder):
        if old.exists():
            shutil.rmtree(old)
    part.mkdir(mode=0o700)
    settings = settings_of(part, 0)
    database = Database(settings.database)
    try:
        made = build(database, settings, now=now)
    finally:
        database.dispose()
    _write_private(part / "accounts.txt", account_table(made))
    _write_private(part / "made.json", json.dumps({"at": now.isoformat(), "tables": _tables()}))
    part.rename(folder)


def account_table(made: Sequence[Account]) -> str:
    """The accounts as printed on the terminal: role, sign-in name, password, whom they stand for."""
    rows = [("role", "sign in as", "password", "for")]
    rows += [
        (
            account.role.value.replace("_", " "),
            account.login,
            account.password,
            f"{account.organisation} {account.scope}".strip(),
        )
        for account in made
    ]
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    return "".join(
        "  ".join(text.ljust(width) for text, width in zip(row, widths, strict=False)) + f"  {row[3]}\n" for row in rows
    )


def _write_private(path: Path, text: str) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
