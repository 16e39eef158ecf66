"""Compile the search once, so that the first real problem need not wait for it: ``python -m retorno.optimizer.warm``.

Solves a made-up problem of one group for one round and its proof.  The compiled code is kept beside the modules;
in an installation where it is there already this takes about a second.
"""

from __future__ import annotations

import time

from retorno.optimizer.bound import ArcBound, dual_point
from retorno.optimizer.classes import classes_of
from retorno.optimizer.construct import construct
from retorno.optimizer.ground import Ground
from retorno.optimizer.master import Master
from retorno.optimizer.placement import construct_on_flights
from retorno.optimizer.pricing import FORBIDDEN_CENTS, Prices, Pricing
from retorno.optimizer.problem import (
    Charter,
    Costs,
    Crossing,
    Depot,
    EscortPool,
    Group,
    Problem,
    Service,
    Site,
    Trip,
    VehicleType,
)
from retorno.optimizer.rounds import Request, RoundsProblem, RoundsSettings, Seats, Vehicle
from retorno.optimizer.rounds_search import solve_rounds
from retorno.optimizer.setting import prepare
from retorno.optimizer.solve import Settings, solve
from retorno.optimizer.timespace import build


def small_problem() -> Problem:
    """One group, three days, a trip, a flight and a charter between two sites."""
    return Problem(
        name="warm",
        horizon_days=3,
        first_date="2026-03-02",
        clock_utc_offset_min=-360,
        transfer_min=120,
        max_journey_days=2,
        escort_return_days=1,
        costs=Costs(
            driver_day_cents=900,
            away_day_cents=700,
            bed_night_cents=200,
            escort_day_cents=1300,
            ride_minute_cents=1,
            boarding_cents=100,
        ),
        sites=(
            Site(id="A", country="XA", lat=14.0, lon=-90.0, beds=9, arrivals=None),
            Site(id="B", country="XB", lat=15.0, lon=-88.0, beds=9, arrivals=(9, 9, 9)),
        ),
        crossings=(Crossing(id="A-B", countries=("XA", "XB"), quota=(9, 9, 9)),),
        closures=frozenset(),
        vehicle_types=(
            VehicleType(
                id="van",
                seats=7,
                wheelchairs=1,
                km_cents=70,
                day_cents=1500,
                hire_cents=900,
                return_cents={"B": 5000},
            ),
        ),
        depots=(Depot(site="A", own={"van": 1}, hire_max={"van": 1}),),
        trips=(
            Trip(
                id="T",
                stops=("A", "B"),
                depart_min=(300, 700),
                arrive_min=(300, 700),
                crossings=(("A-B",),),
                km=310,
                drivers=1,
                days="111",
                vulnerable_days="111",
            ),
        ),
        services=(
            Service(
                id="F",
                mode="flight",
                origin="A",
                destination="B",
                depart_min=390,
                arrive_min=450,
                days="111",
                vulnerable_days="111",
                seats=9,
                fare_cents=90_000,
                crossings=(),
            ),
        ),
        charters=(
            Charter(
                id="H",
                origin="A",
                destination="B",
                depart_min=390,
                arrive_min=450,
                days="111",
                seats=50,
                min_load=20,
                fixed_cents=500_000,
                max_per_day=1,
            ),
        ),
        cancelled=frozenset(),
        escort_pools=(EscortPool(id="XA", available=1),),
        groups=(
            Group(
                id="G",
                persons=3,
                origin="A",
                destination="B",
                ready_day=0,
                latest_day=2,
                vulnerable=1,
                wheelchairs=0,
                escorts=1,
                escort_pool="XA",
                barred_countries=(),
                wait_cents_per_day=4_200,
                unplanned_cents=1_500_000,
            ),
        ),
        conflicts=(),
    )


def small_rounds() -> RoundsProblem:
    """One request and one vehicle."""
    request = Request(
        id="G",
        seats=Seats(seat=3),
        pickup="A",
        drop="B",
        pickup_from_min=0,
        pickup_until_min=300,
        drop_from_min=0,
        drop_until_min=300,
        pickup_service_min=5,
        drop_service_min=5,
        max_ride_min=60,
    )
    vehicle = Vehicle(
        id="V",
        start="A",
        end="A",
        configurations=(Seats(seat=7),),
        shift_from_min=0,
        shift_until_min=300,
        max_route_min=300,
    )
    table = ((0, 11), (11, 0))
    return RoundsProblem(
        name="warm",
        places=("A", "B"),
        drive_min=table,
        distance_m=table,
        requests=(request,),
        vehicles=(vehicle,),
    )


def warm_up() -> float:
    """Compile what is not compiled yet; the seconds it took."""
    begun = time.monotonic()
    solve(small_problem(), Settings(seconds=600.0, max_rounds=5))
    # Aircraft are chosen for everybody at once only where people are many.
    draft = construct(prepare(build(small_problem())), expected=1.0)
    construct_on_flights(draft, urgent_first=True, seed=1)
    # What larger problems need: column generation, prices of the volume algorithm, the rides of a neighbourhood.
    ground = Ground(small_problem())
    classes = classes_of(ground, merge=False)
    Master(ground, classes).generate(seconds=600.0)
    pricing = Pricing(ground, classes)
    arc_bound = ArcBound(pricing, seed=1)
    point = dual_point(pricing, Prices(ground, len(classes)), [1e9] * len(classes), seed=1)
    if point is not None:
        arc_bound.start(point, per_class=10)
        arc_bound.rise(aim_cents=2 * FORBIDDEN_CENTS, seconds=600.0, most_rounds=1)
    pricing.set_prices(Prices(ground, len(classes)))
    sweep = pricing.sweep(0)
    sweep.through(sweep.reach())
    solve_rounds(small_rounds(), RoundsSettings(seconds=600.0, max_rounds=50))
    return time.monotonic() - begun


if __name__ == "__main__":
    print(f"the search is compiled ({warm_up():.1f} s)")
