"""Vehicles, their day trips and depots as a problem states them."""

from __future__ import annotations

import heapq
from collections import defaultdict
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from sqlmodel import Session, col, select

from retorno.models.movements import Movement, Vehicle
from retorno.optimizer.problem import Depot, Trip, VehicleType
from retorno.plans.scope import LIVE, Scope, window
from retorno.routes.daytrips import DayTrip
from retorno.routes.timeline import DrivingRules
from retorno.rules import usable_seats
from retorno.situation import Situation
from retorno.vocabulary import Profile, TripEventKind

EMPTY_ONLY = "no-people"
"""A border that nobody may pass stands on every segment of a trip without people: its quota is 0."""


def free_vehicles(session: Session, scope: Scope) -> list[Vehicle]:
    """Vehicles with papers valid to the end of the plan and without a movement in it, by id."""
    start, end = window(scope)
    last = scope.first_date + timedelta(days=scope.days)
    busy = select(Movement.vehicle_id).where(
        col(Movement.vehicle_id).is_not(None),
        col(Movement.status).in_(LIVE),
        col(Movement.depart_at) < end,
        col(Movement.arrive_at) > start,
    )
    rows = session.exec(
        select(Vehicle)
        .where(
            Vehicle.licence_until >= last,
            Vehicle.insurance_until >= last,
            Vehicle.inspection_until >= last,
            col(Vehicle.vehicle_id).not_in(busy),
        )
        .order_by(Vehicle.vehicle_id)
    ).all()
    return [
        v
        for v in rows
        if (v.available_from is None or v.available_from <= scope.first_date)
        and (v.available_until is None or v.available_until >= last)
    ]


def type_id(vehicle: Vehicle) -> str:
    """Vehicles of one kind and size are one type of the problem."""
    return f"{vehicle.vehicle_type}-{vehicle.seats}-{vehicle.wheelchairs}"


def fleet(
    vehicles: Sequence[Vehicle], trips: Sequence[DayTrip], at: Situation
) -> tuple[tuple[VehicleType, ...], tuple[Depot, ...]]:
    """Types of vehicles with their prices, and how many of each stand in which depot."""
    sample = {type_id(vehicle): vehicle for vehicle in vehicles}
    sites = sorted({vehicle.depot_place_id for vehicle in vehicles})
    home_km = _km_home(trips, sites)
    types = []
    for name, vehicle in sorted(sample.items()):
        kind = at.ground.vehicle_types[vehicle.vehicle_type]
        types.append(
            VehicleType(
                id=name,
                seats=usable_seats(vehicle.seats, at.policy),
                wheelchairs=vehicle.wheelchairs,
                km_cents=kind.km_usd_cents,
                day_cents=kind.day_usd_cents,
                hire_cents=kind.hire_usd_cents,
                return_cents={
                    place: km * kind.km_usd_cents + days * kind.day_usd_cents for place, (km, days) in home_km.items()
                },
                unaccompanied_max=at.policy.unaccompanied_per_vehicle,
            )
        )
    depots = []
    for site in sites:
        own: dict[str, int] = defaultdict(int)
        hired: dict[str, int] = defaultdict(int)
        for vehicle in vehicles:
            if vehicle.depot_place_id == site:
                (hired if vehicle.is_hired else own)[type_id(vehicle)] += 1
        depots.append(Depot(site=site, own=dict(own), hire_max=dict(hired)))
    return tuple(types), tuple(depots)


def _km_home(trips: Sequence[DayTrip], depots: Sequence[str]) -> dict[str, tuple[int, int]]:
    """Kilometres and days of the shortest way back to a depot from every place, over whole trips."""
    into: dict[str, dict[str, int]] = defaultdict(dict)
    for trip in trips:
        end, start = trip.stops[-1], trip.stops[0]
        into[end][start] = min(trip.km, into[end].get(start, trip.km))
    best: dict[str, tuple[int, int]] = dict.fromkeys(depots, (0, 0))
    heap = [(0, 0, depot) for depot in depots]
    while heap:
        km, days, place = heapq.heappop(heap)
        if (km, days) > best[place]:
            continue
        for start, length in into[place].items():
            if start not in best or km + length < best[start][0]:
                best[start] = (km + length, days + 1)
                heapq.heappush(heap, (km + length, days + 1, start))
    return {place: way for place, way in best.items() if place not in depots}


def trip_row(trip: DayTrip, notice_day: int, profiles: frozenset[Profile]) -> Trip:
    """A day trip as a row of the problem; before the first day with notice it does not run.

    Whom an agreement or the receiving place does not take is kept off by a border of its own (docs/calendars.md).
    """
    not_taken = tuple(bar_of(profile) for profile in sorted(profiles - trip.profiles))
    guard = (EMPTY_ONLY,) if trip.is_empty_only else not_taken
    return Trip(
        id=trip.trip_id,
        stops=trip.stops,
        depart_min=trip.depart_min,
        arrive_min=trip.arrive_min,
        crossings=tuple((*segment, *guard) for segment in trip.crossings),
        km=trip.km,
        drivers=trip.drivers,
        days=_from_day(trip.days, notice_day),
        vulnerable_days=_from_day(trip.vulnerable_days, notice_day),
    )


def bar_of(profile: Profile) -> str:
    """The border, and the country behind it, that nobody of a profile may enter."""
    return f"not-{profile.value}"


BARS = frozenset(bar_of(profile) for profile in Profile)
"""Every such border."""


def _from_day(days: str, first: int) -> str:
    return "0" * min(first, len(days)) + days[first:]


def driving_rules(at: Situation) -> DrivingRules:
    """The office's numbers for a working day on the road (R20)."""
    policy = at.policy
    return DrivingRules(
        continuous_driving_min=policy.continuous_driving_min,
        break_min=policy.break_min,
        driver_day_min=policy.driver_day_min,
        journey_day_min=policy.journey_day_min,
        border_buffer_min=policy.border_buffer_min,
    )


def trip_details(trip: DayTrip) -> dict[str, Any]:
    """What a movement keeps of a trip beside the problem: driving stretches, breaks, events, borders."""
    stretches, breaks, last = [], [], trip.depart_min[0]
    for event in trip.events:
        if event.kind is TripEventKind.DEPARTURE:
            last = event.until_min
            continue
        stretches.append(event.from_min - last)
        last = event.until_min
        if event.kind is not TripEventKind.ARRIVAL:
            # A break lies in a town, at a post, or where a through road passes a city (data/README.md, junctions): that
            # a station there has a toilet is our assumption, and the driver confirms the route sheet (R20).
            breaks.append({"minutes": event.until_min - event.from_min, "has_toilet": True})
    return {
        "stops": list(trip.stops),
        "depart_min": list(trip.depart_min),
        "arrive_min": list(trip.arrive_min),
        "crossings": [list(segment) for segment in trip.crossings],
        "drivers": trip.drivers,
        "km": trip.km,
        "confirmation_ids": list(trip.confirmation_ids),
        "vulnerable_days": trip.vulnerable_days,
        "stretches": [minutes for minutes in stretches if minutes > 0],
        "breaks": breaks,
        "events": [
            {
                "kind": event.kind.value,
                "from_min": event.from_min,
                "until_min": event.until_min,
                "node": event.node,
                "crossing_id": event.crossing_id,
            }
            for event in trip.events
        ],
    }
