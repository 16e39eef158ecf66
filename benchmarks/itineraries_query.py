"""Times the itinerary query: a sample of groups over a 21-day window on the whole network.

    .venv/bin/python benchmarks/itineraries_query.py [--queries 400] [--seed 7] [--problem PROBLEM.json.gz]

Places in play are the land sites of the problem named and every airport; all assumed flights and coaches and all day
trips are on offer. Groups ask from the problem's origins to their homes, as the problem draws them, with the
transit rules of an invented nationality of the destination and nothing recorded. The confirmations of agreements
are invented, so that as many borders as possible are open.
"""

from __future__ import annotations

import argparse
import gzip
import json
import random
import resource
import time
from collections import Counter
from datetime import date, timedelta
from pathlib import Path

from retorno.routes.calendars import Calendars
from retorno.routes.daytrips import TripPolicy, day_trips
from retorno.routes.itineraries import itineraries
from retorno.routes.no_way import why_no_way
from retorno.routes.offers import PlanClock
from retorno.routes.overlay import AgreementConfirmation, CalendarPolicy, DaylightBounds, Overlay
from retorno.routes.scheduled import air_legs, airport_access, coach_legs
from retorno.routes.tables import Ground, load_ground
from retorno.routes.transit import agreed_countries, transit_bars
from retorno.routes.transport import TransportOffer, sites_of
from retorno.routes.travellers import Travellers
from retorno.vocabulary import Profile

HERE = Path(__file__).resolve().parent
LAND = ("MX", "GT", "BZ", "SV", "HN", "NI", "CR", "PA")
FAMILY = frozenset({Profile.ADULTS, Profile.FAMILIES, Profile.CHILDREN})


def overlay_of(first_date: date, days: int) -> Overlay:
    """Invented agreements in every direction."""
    every = AgreementConfirmation(
        confirmation_id="INVENTED",
        from_countries=frozenset(LAND),
        transit_countries=frozenset(LAND),
        to_countries=frozenset(LAND),
        confirmed_by="benchmark",
        confirmed_with="nobody, invented",
        valid_from=first_date,
        valid_until=first_date + timedelta(days=days),
    )
    return Overlay(confirmations=(every,))


def offer_of(ground: Ground, overlay: Overlay, clock: PlanClock, places: list[str]) -> TransportOffer:
    """Everything on offer."""
    bounds = DaylightBounds.of_minutes(earliest=300, latest=1110, vulnerable_earliest=360, vulnerable_latest=1050)
    policy = CalendarPolicy(bounds=bounds)
    started = time.perf_counter()
    trips = day_trips(
        ground,
        overlay,
        places,
        first_date=clock.first_date,
        days=clock.days,
        policy=TripPolicy(calendar=policy),
        clock_utc_offset_min=clock.utc_offset_min,
    )
    ridden = time.perf_counter()
    calendars = Calendars(ground, overlay, policy)
    access = airport_access(ground, places)
    legs = [
        *air_legs(ground, clock, access, calendars=calendars),
        *coach_legs(ground, clock, places, calendars),
    ]
    ends = {end for trip in trips for end in trip.stops} | {
        end for leg in legs for end in (leg.origin, leg.destination)
    }
    offer = TransportOffer(
        clock,
        sites_of(ground, ends),
        trips,
        legs,
        crossings={one.crossing_id: (one.country_a, one.country_b) for one in ground.crossings.values()},
        hours=calendars,
    )
    for profiles in (frozenset({Profile.ADULTS}), FAMILY):
        offer.received(profiles)
    print(
        f"{len(places)} places, {len(trips)} day trips ({ridden - started:.1f} s), {len(legs)} scheduled legs, "
        f"{len(offer.rides)} rides, prepared in {time.perf_counter() - ridden:.1f} s"
    )
    return offer


def main() -> None:
    """Measure once and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--queries", type=int, default=400)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--window", type=int, default=21)
    parser.add_argument("--all-places", action="store_true", help="every place of reception.csv as well")
    parser.add_argument("--problem", type=Path, default=HERE / "joint" / "region10000.json.gz")
    chosen = parser.parse_args()
    problem = json.loads(gzip.decompress(chosen.problem.read_bytes()))
    first_date = date.fromisoformat(problem["first_date"])
    clock = PlanClock(first_date=first_date, days=chosen.window + 7, utc_offset_min=problem["clock_utc_offset_min"])
    ground, overlay = load_ground(), overlay_of(first_date, clock.days)
    places = [site["id"] for site in problem["sites"] if site["country"] in {*LAND, "DO"}]
    if chosen.all_places:
        places = sorted({*places, *(place for place in ground.reception if place in ground.places)})
    offer = offer_of(ground, overlay, clock, places)

    rng = random.Random(chosen.seed)
    countries = {site["id"]: site["country"] for site in problem["sites"]}
    groups = [group for group in problem["groups"] if group["origin"] in offer.index]
    sample = rng.sample(groups, min(chosen.queries, len(groups)))
    last_day = first_date + timedelta(days=clock.days - 1)
    times, processor, explained, counts, found = [], [], [], [], Counter()
    for group in sample:
        home = group["destination"] if group["destination"] in offer.index else f"APT-{group['destination']}"
        nationality = countries[group["destination"]]
        agreed = agreed_countries(ground, overlay.confirmations, [nationality], first_day=first_date, last_day=last_day)
        bars = transit_bars(ground, {"P": nationality}, (), last_day=last_day, agreed=agreed)
        travellers = Travellers(
            persons=min(group["persons"], 8),
            escorts=0,
            profiles=FAMILY if group["vulnerable"] else frozenset({Profile.ADULTS}),
            vulnerable=bool(group["vulnerable"]),
            barred_countries=frozenset(bars),
        )
        started, worked = time.perf_counter(), time.process_time()
        ways = itineraries(offer, travellers, group["origin"], home, first_day=0, last_day=chosen.window - 1)
        times.append(1000 * (time.perf_counter() - started))
        processor.append(1000 * (time.process_time() - worked))
        counts.append(len(ways))
        if not ways:
            started = time.perf_counter()
            reasons = why_no_way(
                offer, travellers, group["origin"], home, bars=bars, first_day=0, last_day=chosen.window - 1
            )
            explained.append(1000 * (time.perf_counter() - started))
            found.update(one.reason.value for one in reasons)
    times.sort()
    processor.sort()
    print(
        f"{len(sample)} queries over {chosen.window} days: median {times[len(times) // 2]:.1f} ms, "
        f"p95 {times[int(len(times) * 0.95)]:.1f} ms, worst {times[-1]:.1f} ms, target p95 50 ms; "
        f"of a processor p95 {processor[int(len(processor) * 0.95)]:.1f} ms"
    )
    print(
        f"ways: {sum(1 for one in counts if one)} queries have some, most {max(counts)}, "
        f"mean {sum(counts) / len(counts):.1f}"
    )
    if explained:
        explained.sort()
        print(
            f"why not: {len(explained)} asked, median {explained[len(explained) // 2]:.1f} ms, "
            f"worst {explained[-1]:.1f} ms"
        )
        print("reasons", dict(sorted(found.items())))
    print(f"memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MiB")


if __name__ == "__main__":
    main()
