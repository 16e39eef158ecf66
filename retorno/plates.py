"""Which real vehicle every planned one is: plans count vehicles by kind and place, people know them by plate."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from sqlmodel import Session, col, select

from retorno import clock
from retorno.models.movements import Movement, Plan, Seat, Vehicle
from retorno.optimizer.choices import only_ridden
from retorno.optimizer.problem import Plan as Solution
from retorno.optimizer.problem import PlannedVehicle, Problem
from retorno.plans.fleet import free_vehicles, type_id
from retorno.plans.scope import CLOCK_UTC_OFFSET_MIN, Scope
from retorno.vocabulary import PlanStatus


def real_vehicles(
    session: Session, plan: Plan, problem: Problem, solution: Solution, *, also: Iterable[PlannedVehicle] = ()
) -> dict[str, Vehicle]:
    """Planned id to vehicle, of all that carry people: the one of the movement, or what acceptance would take now.

    A planned vehicle is missing where no real one of its kind is left. ``also`` are vehicles that would drive as well.
    """
    ridden = only_ridden(solution).vehicles
    if plan.status is PlanStatus.ACCEPTED:
        return _taken(session, plan, problem, solution)
    wanted = (*ridden, *also)
    free = free_vehicles(session, Scope(first_date=plan.first_date, days=plan.horizon_days)) if wanted else []
    found: dict[str, Vehicle] = {}
    for planned in wanted:
        chosen = next((vehicle for vehicle in free if _is_like(vehicle, planned)), None)
        if chosen is not None:
            free.remove(chosen)
            found[planned.id] = chosen
    return found


def _is_like(vehicle: Vehicle, planned: PlannedVehicle) -> bool:
    """Whether a vehicle is of the planned kind and starts where it does."""
    wanted = (planned.type, planned.depot, planned.hired)
    return (type_id(vehicle), vehicle.depot_place_id, vehicle.is_hired) == wanted


def _taken(session: Session, plan: Plan, problem: Problem, solution: Solution) -> dict[str, Vehicle]:
    """Planned vehicle to the real one on which its groups were given seats."""
    vehicles: dict[tuple[str, datetime], Vehicle] = {
        (group_id or "", depart_at): vehicle
        for group_id, depart_at, vehicle in session.exec(
            select(col(Seat.group_id), col(Seat.depart_at), Vehicle)
            .join(Movement, col(Movement.movement_id) == Seat.movement_id)
            .join(Vehicle, col(Vehicle.vehicle_id) == Movement.vehicle_id)
            .where(Movement.plan_id == plan.plan_id, col(Seat.group_id).is_not(None))
        ).all()
    }
    trips = {trip.id: trip for trip in problem.trips}
    found: dict[str, Vehicle] = {}
    for group_id, legs in solution.itineraries.items():
        for leg in legs or ():
            if leg.kind == "trip":
                minute = leg.day * 1440 + trips[leg.row_id].depart_min[leg.board]
                departs = clock.plan_instant(minute, plan.first_date, CLOCK_UTC_OFFSET_MIN)
                taken = vehicles.get((group_id, departs))
                if taken is not None:
                    found.setdefault(leg.vehicle, taken)
    return found
