"""From a saved withdrawal to the superseded manifest: 60 people on one coach of their own fleet, both databases.

Run: ``.venv/bin/python -m benchmarks.withdrawal [RUNS]``. Each run is one withdrawal in one committed transaction:
consent withdrawn, seats freed, version n+1 judged rule by rule, signed and copied for every recipient, everyone told.
"""

from __future__ import annotations

import shutil
import statistics
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

from retorno import changes, clock
from retorno.database import Database
from retorno.office.access import load_actor
from tests import builders, postgres
from tests import planning_builders as build

PEOPLE = 60


def measured(database: Database, folder: Path, runs: int) -> list[float]:
    """Seconds of each withdrawal."""
    clock.set_now(lambda: builders.NOW)
    build.use_keys(folder)
    with database.transaction() as session:
        office = builders.make_office(session)
        first, second = (load_actor(session, office.user_ids[name]) for name in ("coordinator", "coordinator_2"))
        coach = build.make_vehicle(session, seats=PEOPLE + PEOPLE // 9 + 2)
        bus = build.make_bus(session, vehicle=coach)
        segment = session.get_one(build.MovementSegment, (bus.movement_id, 0))
        segment.capacity = PEOPLE
        session.add(segment)
        session.flush()
        leavers = []
        for _ in range(PEOPLE // 2):
            family = build.make_family(session, adults=2)
            build.seat_group(session, bus, family)
            leavers.append(build.members(session, family.group_id)[0].person_id)
    with database.transaction() as session:
        build.release(session, first, second, bus.movement_id)
    seconds = []
    for number in range(runs):
        clock.set_now(lambda number=number: datetime(2027, 3, 1, 16, number, tzinfo=UTC))  # type: ignore[misc]
        begun = time.perf_counter()
        with database.transaction() as session:
            effect = changes.withdraw(session, first, person_id=leavers[number])
        seconds.append(time.perf_counter() - begun)
        assert effect.superseded == ((bus.movement_id, number + 2),)
    return seconds


def main() -> None:
    """Print median and worst of both databases."""
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 10
    folder = Path(tempfile.mkdtemp(prefix="retorno-bench-"))
    embedded = Database(f"sqlite:///{folder / 'office.db'}")
    embedded.create()
    report("SQLite", measured(embedded, folder, runs))
    embedded.dispose()
    binaries = postgres.binary_folder()
    if binaries is not None:
        server = postgres.Server(binaries)
        database = Database(server.new_database())
        report("PostgreSQL", measured(database, folder, runs))
        database.dispose()
        server.stop()
    shutil.rmtree(folder)


def report(name: str, seconds: list[float]) -> None:
    print(f"{name}: {len(seconds)} withdrawals, median {statistics.median(seconds):.2f} s, worst {max(seconds):.2f} s")


if __name__ == "__main__":
    main()
