"""Commands that make an office, open it and work for it."""

from __future__ import annotations

import argparse
import signal
from pathlib import Path

from sqlalchemy.engine import make_url

from retorno import keyring, serving, worker
from retorno.commands.registry import OK, argument, command, positive_count
from retorno.database import Database
from retorno.demo import opening
from retorno.errors import InputError
from retorno.office import accounts
from retorno.settings import load_settings
from retorno.situation import ground


@command("serve", "run the application and its worker until Ctrl-C")
def serve(arguments: argparse.Namespace) -> int:
    settings = load_settings()
    database = Database(settings.database)
    database.create()  # refused here, once, rather than by both processes
    database.dispose()
    return serving.serve(settings)


@command(
    "demo",
    "open the demonstration office with invented people; makes it on the first run",
    argument("--port", type=positive_count, default=8501, help="port on this machine (default 8501)"),
    argument("--fresh", action="store_true", help="throw away what was done in it and make it anew"),
)
def open_demo(arguments: argparse.Namespace) -> int:
    return opening.start(port=arguments.port, is_fresh=arguments.fresh)


@command("worker", "run jobs until Ctrl-C; several may run against one database")
def run_worker(arguments: argparse.Namespace) -> int:
    database = open_office()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        worker.run(database, name=worker.worker_name(), should_stop=lambda: False)
    except KeyboardInterrupt:
        return OK
    return OK


@command(
    "init",
    "make an office with its first two administrators, who set up everyone else",
    argument("--name", required=True, help="name of the office"),
    argument("--country", required=True, metavar="CC", help="two-letter code, such as MX"),
    argument("--place", required=True, metavar="PLACE", help="id of the place it works from, as in data/places.csv"),
)
def init(arguments: argparse.Namespace) -> int:
    database = open_office()
    with database.transaction() as session:
        made = accounts.create_office(
            session, name=arguments.name, country=arguments.country, place_id=arguments.place, places=ground().places
        )
    for login, password in made:
        print(f"{login}  {password}")
    print("These passwords are shown once. Change them after the first sign-in.")
    return OK


def open_office() -> Database:
    """The database of this installation with its tables, and its keys loaded."""
    settings = load_settings()
    database = Database(settings.database)
    database.create()
    keyring.open_keys(settings, database)
    return database


def office_to_read() -> Database:
    """The office of this installation, else its demonstration; a question never sets up an empty office."""
    settings = load_settings()
    address = make_url(settings.database)
    if address.get_backend_name() == "sqlite" and not Path(address.database or "").exists():
        if "database" in settings.model_fields_set or not (opening.FOLDER / opening.OFFICE_FILE).exists():
            raise InputError(f"no office at {address.database}: set RETORNO_DATABASE to the address of one")
        settings = opening.settings_of(opening.FOLDER, settings.port)
    database = Database(settings.database)
    database.check_version()
    keyring.open_keys(settings, database)
    return database
