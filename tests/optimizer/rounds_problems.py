"""Small problems of local rounds for tests, and their best value by trying everything."""

from __future__ import annotations

import random
from dataclasses import replace
from functools import cache
from itertools import pairwise
from typing import Any

from retorno.optimizer.rounds import Act, Objective, Request, RoundsProblem, Seats, Vehicle
from retorno.optimizer.rounds_times import timetable

# Minutes between shelter S, clinic C, terminal T and depot D; metres are ten times as many.
PLACES = ("D", "S", "C", "T")
MINUTES = ((0, 7, 13, 20), (7, 0, 11, 17), (13, 11, 0, 19), (20, 17, 19, 0))


def make_request(request_id: str = "R1", **changes: Any) -> Request:
    """Three people from the shelter to the terminal, any time before minute 300, at most 45 minutes on board."""
    request = Request(
        id=request_id,
        seats=Seats(seat=3),
        pickup="S",
        drop="T",
        pickup_from_min=0,
        pickup_until_min=300,
        drop_from_min=0,
        drop_until_min=300,
        pickup_service_min=5,
        drop_service_min=3,
        max_ride_min=45,
    )
    return replace(request, **changes)


def make_vehicle(vehicle_id: str = "V1", **changes: Any) -> Vehicle:
    """A van with 7 seats, a wheelchair place and an escort's seat, out for at most 200 minutes of 0 to 600."""
    vehicle = Vehicle(
        id=vehicle_id,
        start="D",
        end="D",
        configurations=(Seats(seat=7, wheelchair=1, escort=1),),
        shift_from_min=0,
        shift_until_min=600,
        max_route_min=200,
    )
    return replace(vehicle, **changes)


def make_problem(**changes: Any) -> RoundsProblem:
    """One request, one vehicle, minutes count."""
    problem: dict[str, Any] = {
        "name": "small",
        "places": PLACES,
        "drive_min": MINUTES,
        "distance_m": tuple(tuple(10 * minutes for minutes in row) for row in MINUTES),
        "requests": (make_request(),),
        "vehicles": (make_vehicle(),),
    }
    return RoundsProblem(**(problem | changes))


def random_problem(seed: int, *, requests: int = 3, vehicles: int = 2) -> RoundsProblem:
    """Several depots, kinds and set-ups, some prices, some children, some conflicts."""
    draw = random.Random(seed)
    spots = [(draw.randint(0, 40), draw.randint(0, 40)) for _ in range(6)]
    table = tuple(tuple(abs(a[0] - b[0]) + abs(a[1] - b[1]) for b in spots) for a in spots)
    places = tuple(f"P{number}" for number in range(len(spots)))
    made = []
    for number in range(requests):
        pickup, drop = draw.sample(range(len(spots)), 2)
        begin = draw.randint(0, 150)
        made.append(
            Request(
                id=f"R{number}",
                seats=Seats(seat=draw.randint(1, 3), wheelchair=draw.randint(0, 1), escort=draw.randint(0, 1)),
                pickup=places[pickup],
                drop=places[drop],
                pickup_from_min=begin,
                pickup_until_min=begin + draw.choice((15, 90)),
                drop_from_min=0,
                drop_until_min=begin + 250,
                pickup_service_min=draw.randint(0, 5),
                drop_service_min=draw.randint(0, 5),
                max_ride_min=table[pickup][drop] + draw.choice((0, 10, 60)),
                children=draw.randint(0, 1),
                left_out_price=draw.choice((None, 40, 200)),
            )
        )
    vans = []
    for number in range(vehicles):
        setups = (Seats(seat=6, escort=1), Seats(seat=3, wheelchair=2, escort=1))[: draw.randint(1, 2)]
        vans.append(
            Vehicle(
                id=f"V{number}",
                start=places[draw.randrange(2)],
                end=places[draw.randrange(2)],
                configurations=setups,
                shift_from_min=draw.randint(0, 30),
                shift_until_min=400,
                max_route_min=draw.choice((150, 300)),
            )
        )
    return RoundsProblem(
        name=f"random {seed}",
        places=places,
        drive_min=table,
        distance_m=table,
        requests=tuple(made),
        vehicles=tuple(vans),
        objective=draw.choice(tuple(Objective)),
        max_ride_children_min=draw.choice((None, 70)),
        conflicts=(("R0", "R1"),) if draw.random() < 0.3 else (),
    )


def least_value(problem: RoundsProblem, *, missed: float) -> float:
    """The best value by trying every route of every vehicle; ``missed`` is paid for a request that must be taken."""
    rows = {place: number for number, place in enumerate(problem.places)}
    apart = [set(pair) for pair in problem.conflicts]
    requests = {request.id: request for request in problem.requests}

    def ways(open_ids: frozenset[str], aboard: frozenset[str]) -> list[list[tuple[str, Act]]]:
        if not open_ids and not aboard:
            return [[]]
        found = [
            [(name, Act.PICKUP), *rest]
            for name in sorted(open_ids)
            for rest in ways(open_ids - {name}, aboard | {name})
        ]
        return found + [
            [(name, Act.DROP), *rest] for name in sorted(aboard) for rest in ways(open_ids, aboard - {name})
        ]

    @cache
    def cheapest(vehicle: Vehicle, names: frozenset[str]) -> float:
        if not names:
            return 0
        if any(pair <= names for pair in apart):
            return float("inf")
        best = float("inf")
        for way in ways(names, frozenset()):
            stops = [requests[name].pickup if act is Act.PICKUP else requests[name].drop for name, act in way]
            steps = pairwise([vehicle.start, *stops, vehicle.end])
            cost = sum(problem.drive_min[rows[a]][rows[b]] for a, b in steps)
            if cost < best and timetable(problem, vehicle, way) is not None:
                best = cost
        return best

    def share(position: int, left: frozenset[str]) -> float:
        if position == len(problem.vehicles):
            prices = [requests[name].left_out_price for name in left]
            return sum(missed if price is None else price for price in prices)
        names = sorted(left)
        subsets = [
            frozenset(name for bit, name in enumerate(names) if mask >> bit & 1) for mask in range(2 ** len(names))
        ]
        vehicle = problem.vehicles[position]
        return min(cheapest(vehicle, subset) + share(position + 1, left - subset) for subset in subsets)

    return share(0, frozenset(requests))
