"""Times the day trips of a 21-day regional problem from a cold start: load the ground, then every working day.

    .venv/bin/python benchmarks/daytrips_cold.py [--days 21] [--problem benchmarks/joint/region10000.json.gz]

The places are the land sites of the problem named; the confirmations of agreements are invented here, in every
direction, so that as many borders as possible are in play.
"""

from __future__ import annotations

import argparse
import gzip
import json
import resource
import time
from collections import Counter
from datetime import date, timedelta
from pathlib import Path

from retorno.routes.daytrips import TripPolicy, day_trips
from retorno.routes.overlay import AgreementConfirmation, CalendarPolicy, DaylightBounds, Overlay
from retorno.routes.tables import load_ground

HERE = Path(__file__).resolve().parent
LAND = ("MX", "GT", "BZ", "SV", "HN", "NI", "CR", "PA")


def main() -> None:
    """Measure once and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--days", type=int, default=21)
    parser.add_argument("--problem", type=Path, default=HERE / "joint" / "region10000.json.gz")
    imported = time.process_time()  # the process has done nothing but import until here
    chosen = parser.parse_args()
    problem = json.loads(gzip.decompress(chosen.problem.read_bytes()))
    first_date = date.fromisoformat(problem["first_date"])

    started = time.perf_counter()
    ground = load_ground()
    loaded = time.perf_counter()
    every = AgreementConfirmation(
        confirmation_id="INVENTED",
        from_countries=frozenset(LAND),
        transit_countries=frozenset(LAND),
        to_countries=frozenset(LAND),
        confirmed_by="benchmark",
        confirmed_with="nobody, invented",
        valid_from=first_date,
        valid_until=first_date + timedelta(days=chosen.days),
    )
    bounds = DaylightBounds.of_minutes(earliest=300, latest=1110, vulnerable_earliest=360, vulnerable_latest=1050)
    places = [site["id"] for site in problem["sites"] if site["country"] in LAND]
    trips = day_trips(
        ground,
        Overlay(confirmations=(every,)),
        places,
        first_date=first_date,
        days=chosen.days,
        policy=TripPolicy(calendar=CalendarPolicy(bounds=bounds)),
        clock_utc_offset_min=problem["clock_utc_offset_min"],
    )
    done = time.perf_counter()

    print(f"{len(places)} places, {chosen.days} days, {len(trips)} trips")
    print(f"ground {loaded - started:.2f} s, day trips {done - loaded:.2f} s")
    print(f"cold in all {imported + done - started:.2f} s (imports {imported:.2f} s), target 20 s")
    print(f"memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MiB")
    print("stops", dict(sorted(Counter(len(trip.stops) for trip in trips).items())))
    print("crossings", dict(sorted(Counter(sum(map(len, trip.crossings)) for trip in trips).items())))
    print("empty only", sum(trip.is_empty_only for trip in trips))
    print("pairs joined", len({(trip.stops[0], trip.stops[-1]) for trip in trips if not trip.is_empty_only}))


if __name__ == "__main__":
    main()
