"""A private PostgreSQL server for the tests: started once a process, one empty database a test from a template."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from pathlib import Path

from sqlalchemy import create_engine, text

from retorno.database import Database

_FOLDERS = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)


_MEMORY = Path("/dev/shm")
_MEMORY_BYTES = 2 << 30


def _home() -> Path | None:
    """Memory where there is enough of it, else the usual folder: a database is copied for every test."""
    is_there = _MEMORY.is_dir() and os.access(_MEMORY, os.W_OK) and shutil.disk_usage(_MEMORY).free >= _MEMORY_BYTES
    return _MEMORY if is_there else None


def binary_folder() -> Path | None:
    """Where ``initdb`` and ``postgres`` are, or ``None`` where PostgreSQL is not installed."""
    return next((folder for folder in _FOLDERS if (folder / "initdb").exists()), None)


class Server:
    """A throw-away server on a free port of this machine, trusted, without durability."""

    def __init__(self, binaries: Path) -> None:
        home = _home()
        self.folder = Path(tempfile.mkdtemp(prefix="retorno-pg-", dir=home))
        # Copying files is quicker in memory; on a disk every copy would wait for a checkpoint.
        self.strategy = "file_copy" if home else "wal_log"
        self.prefix: list[str] = []
        if os.geteuid() == 0:  # PostgreSQL refuses to run as root
            user = pwd.getpwnam("postgres")
            os.chown(self.folder, user.pw_uid, user.pw_gid)
            self.prefix = ["runuser", "-u", "postgres", "--"]
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        data = str(self.folder / "data")
        self.run(str(binaries / "initdb"), "-D", data, "-U", "postgres", "--auth=trust", "-E", "UTF8", "--no-sync")
        self.stop_command = [str(binaries / "pg_ctl"), "-D", data, "-m", "immediate", "stop"]
        options = f"-p {self.port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={self.folder} -c fsync=off"
        log = str(self.folder / "log")
        self.run(str(binaries / "pg_ctl"), "-D", data, "-w", "-o", options, "-l", log, "start")
        self.count = 0
        self.execute("CREATE DATABASE base")
        base = Database(self.url("base"))
        base.create()
        base.dispose()

    def run(self, *command: str) -> None:
        """Run one of PostgreSQL's programs as the right user."""
        subprocess.run([*self.prefix, *command], check=True, stdout=subprocess.DEVNULL, cwd=self.folder)

    def url(self, name: str) -> str:
        """Address of a database of this server."""
        return f"postgresql+psycopg://postgres@127.0.0.1:{self.port}/{name}"

    def execute(self, statement: str) -> None:
        """Run one statement outside a transaction."""
        engine = create_engine(self.url("postgres"), isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            connection.execute(text(statement))
        engine.dispose()

    def new_database(self) -> str:
        """Address of a fresh database with every table and trigger."""
        self.count += 1
        self.execute(f"CREATE DATABASE t{self.count} TEMPLATE base STRATEGY {self.strategy}")
        return self.url(f"t{self.count}")

    def drop(self, address: str) -> None:
        """Give back the room of a database that nobody needs any more."""
        self.execute(f"DROP DATABASE IF EXISTS {address.rpartition('/')[2]} WITH (FORCE)")

    def stop(self) -> None:
        """End the server and delete its files."""
        self.run(*self.stop_command)
        shutil.rmtree(self.folder, ignore_errors=True)
