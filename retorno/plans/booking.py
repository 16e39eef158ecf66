"""Stage 3: a plan written out as movements with seats, escorts and drivers, on real vehicles."""

from __future__ import annotations

import json
import secrets
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any

from sqlmodel import Session, col, select

from retorno import clock
from retorno.errors import Stale
from retorno.models.movements import (
    Driver,
    Escort,
    Movement,
    MovementCrossing,
    MovementSegment,
    Offer,
    Plan,
    Seat,
    Vehicle,
)
from retorno.models.people import Consent, Fitness, Person
from retorno.models.protection import EscortApproval
from retorno.office import access
from retorno.optimizer.problem import Group, Leg, PlannedVehicle, Problem
from retorno.optimizer.problem import Plan as Solution
from retorno.plans.fleet import free_vehicles, type_id
from retorno.plans.limits import MEDICAL_DUTY
from retorno.plans.offers import confirmed_air
from retorno.plans.scope import CLOCK_UTC_OFFSET_MIN, Scope, notice_hours
from retorno.rules import usable_seats
from retorno.situation import Situation, situation
from retorno.vocabulary import ConsentPurpose, Mode, MovementStatus, Need, PersonStatus, SeatStatus, Sex


def write_movements(
    session: Session, plan: Plan, problem: Problem, solution: Solution, details: dict[str, Any]
) -> list[str]:
    """Write the movements, segments, borders, seats, escorts and drivers of a plan; gives their ids.

    Parameters
    ----------
    details
        Trip id to what a movement keeps of it, as ``fleet.trip_details`` gives it.

    Raises
    ------
    Stale
        If a vehicle, a flight or a consent of the plan is no longer there.
    """
    at = situation(session, day=plan.first_date)
    book = _Book(session, plan, problem, details, at)
    for vehicle in solution.vehicles:
        book.place_vehicle(vehicle, solution)
    for group_id, legs in sorted(solution.itineraries.items()):
        book.seat_group(group_id, legs)
    session.flush()
    return sorted(book.touched)


class _Book:
    """Writes one plan into the tables."""

    def __init__(self, session: Session, plan: Plan, problem: Problem, details: dict[str, Any], at: Situation) -> None:
        self.session = session
        self.plan = plan
        self.problem = problem
        self.details = details
        self.at = at
        self.groups: dict[str, Group] = {group.id: group for group in problem.groups}
        self.by_move: dict[tuple[str, int], Movement] = {}
        self.touched: set[str] = set()
        self.free: list[Vehicle] | None = None
        self.used_vehicles: set[str] = set()

    def instant(self, day: int, minute: int) -> datetime:
        """A minute of a plan day as UTC."""
        return clock.plan_instant(day * 1440 + minute, self.plan.first_date, CLOCK_UTC_OFFSET_MIN)

    # -- vehicles -----------------------------------------------------------------------------------------

    def place_vehicle(self, planned: PlannedVehicle, solution: Solution) -> None:
        """A real vehicle for a planned one, and a movement for each of its days with people aboard."""
        ridden = {
            leg.day
            for legs in solution.itineraries.values()
            for leg in legs
            if leg.kind == "trip" and leg.vehicle == planned.id
        }
        if not ridden:
            return
        vehicle = self._real_vehicle(planned)
        moves = [(day, self.details[trip_id]) for day, trip_id in planned.moves if day in ridden]
        drivers = self._drivers(vehicle, max(detail["drivers"] for _, detail in moves), [day for day, _ in moves])
        for day, detail in moves:
            self.by_move[planned.id, day] = self._road_movement(vehicle, drivers, day, detail)

    def _real_vehicle(self, planned: PlannedVehicle) -> Vehicle:
        """A vehicle of the type and depot that no movement of these days uses; ``Stale`` if none is left."""
        if self.free is None:
            scope = Scope(first_date=self.plan.first_date, days=self.plan.horizon_days)
            self.free = free_vehicles(self.session, scope)
        free = [
            v
            for v in self.free
            if type_id(v) == planned.type
            and v.depot_place_id == planned.depot
            and v.is_hired == planned.hired
            and v.vehicle_id not in self.used_vehicles
        ]
        if not free:
            raise Stale("a vehicle of the plan is no longer there: find a plan again")
        self.used_vehicles.add(free[0].vehicle_id)
        return free[0]

    def _drivers(self, vehicle: Vehicle, count: int, days: Sequence[int]) -> list[Driver]:
        """Drivers of the operator with a licence who drive nothing else on these days; rested ones first (R20)."""
        day = days[0]
        start, end = self.instant(max(0, day - 1), 0), self.instant(self.plan.horizon_days, 0)
        busy = {
            driver_id
            for movement in self.session.exec(
                select(Movement).where(
                    col(Movement.status) != MovementStatus.CANCELLED,
                    col(Movement.depart_at) < end,
                    col(Movement.arrive_at) > start,
                )
            ).all()
            for driver_id in movement.drivers.split(";")
            if movement.vehicle_id != vehicle.vehicle_id
        }
        rows = self.session.exec(
            select(Driver)
            .where(Driver.operator == vehicle.operator, Driver.licence_until >= end.date())
            .order_by(Driver.driver_id)
        ).all()
        tired = self._tired(days)
        free = [driver for driver in rows if driver.driver_id not in busy]
        return sorted(free, key=lambda driver: driver.driver_id in tired)[: max(count, 1)]

    def _tired(self, days: Sequence[int]) -> set[str]:
        """Drivers who drove on so many days before these that they would have too few free ones (R20)."""
        run = next((n for n, day in enumerate(days) if day != days[0] + n), len(days))
        allowed = self.at.policy.driver_days_in_row - run
        first = self.instant(days[0], 0)
        drove: dict[str, set[int]] = {}
        for drivers, depart_at in self.session.exec(
            select(Movement.drivers, Movement.depart_at).where(
                col(Movement.status) != MovementStatus.CANCELLED,
                col(Movement.depart_at) < first,
                col(Movement.depart_at) >= first - timedelta(days=self.at.policy.driver_days_in_row + 1),
            )
        ).all():
            minute = clock.plan_minute(depart_at, self.plan.first_date, CLOCK_UTC_OFFSET_MIN)
            for driver_id in drivers.split(";"):
                drove.setdefault(driver_id, set()).add(minute // 1440)

        def in_row(driven: set[int]) -> int:
            return next(n for n in range(len(driven) + 1) if days[0] - 1 - n not in driven)

        return {driver_id for driver_id, driven in drove.items() if in_row(driven) > max(0, allowed)}

    def _road_movement(self, vehicle: Vehicle, drivers: list[Driver], day: int, detail: dict[str, Any]) -> Movement:
        confirmations = detail["confirmation_ids"]
        depart = self.instant(day, detail["depart_min"][0])
        hours = notice_hours(self.at, confirmations)
        movement = Movement(
            reference=new_reference(),
            office_id=self.plan.office_id,
            plan_id=self.plan.plan_id,
            mode=Mode.ROAD,
            vehicle_id=vehicle.vehicle_id,
            label=vehicle.plate,
            operator=vehicle.operator,
            drivers=";".join(driver.driver_id for driver in drivers[: detail["drivers"]]),
            drivers_needed=detail["drivers"],
            agreement_confirmation_id=confirmations[0] if confirmations else None,
            depart_at=depart,
            arrive_at=self.instant(day, detail["arrive_min"][-1]),
            notice_hours=hours,
            opens_at=access.opens_at(depart, hours),
            route=json.dumps(
                {
                    "stretches": detail["stretches"],
                    "breaks": detail["breaks"],
                    "km": detail["km"],
                    "is_vulnerable_ok": detail["vulnerable_days"][day] == "1",
                    "events": [
                        {**event, "at": self.instant(day, event["from_min"]).isoformat()} for event in detail["events"]
                    ],
                },
                sort_keys=True,
            ),
        )
        self.session.add(movement)
        self.session.flush()
        seats = usable_seats(vehicle.seats, self.at.policy)
        stops = detail["stops"]
        for index in range(len(stops) - 1):
            self.session.add(
                MovementSegment(
                    movement_id=movement.movement_id,
                    segment=index,
                    from_place_id=stops[index],
                    to_place_id=stops[index + 1],
                    depart_at=self.instant(day, detail["depart_min"][index]),
                    arrive_at=self.instant(day, detail["arrive_min"][index + 1]),
                    capacity=seats,
                    wheelchairs=vehicle.wheelchairs,
                )
            )
        self._crossings(movement, day, detail)
        self.touched.add(movement.movement_id)
        return movement

    def _crossings(self, movement: Movement, day: int, detail: dict[str, Any]) -> None:
        """Borders in order, with the instant at which the desk of the country that is left begins."""
        begins: dict[str, int] = {}
        for event in detail["events"]:
            if event["crossing_id"]:
                begins.setdefault(event["crossing_id"], event["from_min"])
        country, number = self.at.country(detail["stops"][0]), 0
        for segment, crossing_ids in enumerate(detail["crossings"]):
            for crossing_id in crossing_ids:
                leave, enter = self.at.ground.crossings[crossing_id].posts
                if leave.country != country:
                    leave, enter = enter, leave
                self.session.add(
                    MovementCrossing(
                        movement_id=movement.movement_id,
                        sequence=number,
                        segment=segment,
                        crossing_id=crossing_id,
                        leave_post_id=leave.post_id,
                        enter_post_id=enter.post_id,
                        leave_country=leave.country,
                        enter_country=enter.country,
                        at=self.instant(day, begins[crossing_id]),
                    )
                )
                country, number = enter.country, number + 1
        self.session.flush()

    # -- offers -------------------------------------------------------------------------------------------

    def offer_movement(self, offer_id: str) -> Movement:
        """The movement of an offer; the first group on it makes it."""
        standing = self.session.exec(
            select(Movement).where(Movement.offer_id == offer_id, col(Movement.status) != MovementStatus.CANCELLED)
        ).first()
        if standing is not None:
            if standing.status in (MovementStatus.DEPARTED, MovementStatus.CLOSED):
                raise Stale("a flight of the plan has left: find a plan again")
            self._reopened(standing)
            return standing
        offer = self.session.get_one(Offer, offer_id)
        countries = (self.at.country(offer.origin_place_id), self.at.country(offer.destination_place_id))
        air = confirmed_air(self.session, *countries, offer.depart_at.date())
        hours = max(self.at.policy.notice_hours, air.notice_hours if air else 0)
        movement = Movement(
            reference=new_reference(),
            office_id=self.plan.office_id,
            plan_id=self.plan.plan_id,
            mode=offer.mode,
            offer_id=offer_id,
            label=offer.number,
            operator=offer.carrier,
            agreement_confirmation_id=air.confirmation_id if air else None,
            depart_at=offer.depart_at,
            arrive_at=offer.arrive_at,
            notice_hours=hours,
            opens_at=access.opens_at(offer.depart_at, hours),
            route=json.dumps({"is_vulnerable_ok": True}),
        )
        self.session.add(movement)
        self.session.flush()
        seats = usable_seats(offer.seats, self.at.policy) if offer.mode is Mode.CHARTER else offer.seats
        self.session.add(
            MovementSegment(
                movement_id=movement.movement_id,
                segment=0,
                from_place_id=offer.origin_place_id,
                to_place_id=offer.destination_place_id,
                depart_at=offer.depart_at,
                arrive_at=offer.arrive_at,
                capacity=seats,
                wheelchairs=offer.wheelchairs,
            )
        )
        self.session.flush()
        self.touched.add(movement.movement_id)
        return movement

    def _reopened(self, movement: Movement) -> None:
        """A movement that gets more people has to be confirmed and issued anew; its list stays in force till then."""
        movement.status = MovementStatus.ACCEPTED
        movement.version += 1
        self.session.add(movement)

    # -- people -------------------------------------------------------------------------------------------

    def seat_group(self, group_id: str, legs: Sequence[Leg]) -> None:
        """Seats for every member of a group, and for its escorts, on every leg."""
        members = self.session.exec(
            select(Person)
            .where(Person.group_id == group_id, Person.status == PersonStatus.ACTIVE)
            .order_by(Person.person_id)
        ).all()
        rides = [self._ride(leg) for leg in legs]
        escorts = self._escorts(members, self.groups[group_id].escorts, rides)
        wheelchairs = self.groups[group_id].wheelchairs
        for movement, board, alight in rides:
            segments = self._segments(movement)
            depart, arrive = segments[board].depart_at, segments[alight - 1].arrive_at
            in_wheelchair = {p.person_id for p in members if p.needs_wheelchair}
            for person in members:
                self.session.add(
                    Seat(
                        movement_id=movement.movement_id,
                        person_id=person.person_id,
                        group_id=group_id,
                        consent_id=self._consent(person),
                        board=board,
                        alight=alight,
                        depart_at=depart,
                        arrive_at=arrive,
                        is_wheelchair=bool(wheelchairs) and person.person_id in in_wheelchair,
                    )
                )
            for escort in escorts:
                self.session.add(
                    Seat(
                        movement_id=movement.movement_id,
                        escort_id=escort.escort_id,
                        for_group_id=group_id,
                        board=board,
                        alight=alight,
                        depart_at=depart,
                        arrive_at=arrive,
                    )
                )
            self.session.flush()
            self.touched.add(movement.movement_id)

    def _ride(self, leg: Leg) -> tuple[Movement, int, int]:
        if leg.kind == "trip":
            return self.by_move[leg.vehicle, leg.day], leg.board, leg.alight
        if leg.row_id.startswith("JM-"):
            movement = self.session.get_one(Movement, leg.row_id[1:], populate_existing=True)
            if movement.status not in (MovementStatus.ACCEPTED, MovementStatus.CONFIRMED):
                raise Stale("a vehicle of the plan can no longer be joined: find a plan again")
            self._reopened(movement)
            return movement, 0, len(self._segments(movement))
        return self.offer_movement(leg.row_id), 0, 1

    def _segments(self, movement: Movement) -> list[MovementSegment]:
        return list(
            self.session.exec(
                select(MovementSegment)
                .where(MovementSegment.movement_id == movement.movement_id)
                .order_by(col(MovementSegment.segment))
            ).all()
        )

    def _consent(self, person: Person) -> str:
        """The consent to return in force, the newest; the database refuses the seat if it is not."""
        row = self.session.exec(
            select(Consent.consent_id)
            .where(
                Consent.person_id == person.person_id,
                Consent.purpose == ConsentPurpose.RETURN,
                col(Consent.withdrawn_at).is_(None),
            )
            .order_by(col(Consent.given_at).desc())
            .limit(1)
        ).first()
        if row is None:
            raise Stale("a consent was withdrawn: find a plan again")
        return row

    def _escorts(
        self, members: Sequence[Person], wanted: int, rides: Sequence[tuple[Movement, int, int]]
    ) -> list[Escort]:
        """Escorts free from the first ride to the last: a medical one where one is needed, the others for children.

        Those are approved for every child of the group, and one is of a girl's own sex; the rules judge what is found.
        """
        if not wanted:
            return []
        first = min(movement.depart_at for movement, _, _ in rides)
        last = max(movement.arrive_at for movement, _, _ in rides)
        busy = select(Seat.escort_id).where(
            Seat.status == SeatStatus.ACTIVE,
            col(Seat.escort_id).is_not(None),
            col(Seat.depart_at) < last,
            col(Seat.arrive_at) > first,
        )
        free = self.session.exec(
            select(Escort)
            .where(col(Escort.is_available), Escort.approved_until >= last.date(), col(Escort.escort_id).not_in(busy))
            .order_by(Escort.escort_id)
        ).all()
        alone = [person for person in members if person.is_unaccompanied]
        has_girl = any(person.sex is Sex.FEMALE for person in alone)
        medical = [escort for escort in free if escort.duty == MEDICAL_DUTY] if self._needs_medical(members) else []
        carers = [
            escort
            for escort in free
            if escort.duty != MEDICAL_DUTY and all(self._is_approved(person, escort, last.date()) for person in alone)
        ]
        carers.sort(key=lambda escort: (has_girl and escort.sex is not Sex.FEMALE, escort.escort_id))
        chosen = medical[:1]
        return chosen + (carers[: wanted - len(chosen)] if alone else [])

    def _needs_medical(self, members: Sequence[Person]) -> bool:
        """Whether the newest fitness record of a member asks for a medical escort."""
        return any(
            Need.MEDICAL_ESCORT.value in (newest or "").split(";")
            for newest in (
                self.session.exec(
                    select(Fitness.needs)
                    .where(Fitness.person_id == person.person_id)
                    .order_by(col(Fitness.assessed_at).desc(), col(Fitness.fitness_id).desc())
                    .limit(1)
                ).first()
                for person in members
            )
        )

    def _is_approved(self, person: Person, escort: Escort, day: date) -> bool:
        return (
            self.session.exec(
                select(EscortApproval.approval_id).where(
                    EscortApproval.person_id == person.person_id,
                    EscortApproval.escort_id == escort.escort_id,
                    EscortApproval.valid_until >= day,
                )
            ).first()
            is not None
        )


def new_reference() -> str:
    """What staff say on the phone: no order, no place, no look-alikes."""
    signs = "34679CDFGHJKMNPQRTVWXY"
    return (
        "M" + "".join(secrets.choice(signs) for _ in range(3)) + "-" + "".join(secrets.choice(signs) for _ in range(3))
    )
