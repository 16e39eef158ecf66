"""Where a group of a draft could go: every offer with its verdict before anybody chooses it.

The verdict is the checker's on the whole plan with the group there, and that of the rules on movements written and
taken back. ``workbench.move`` asks both again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from sqlmodel import Session, col, select

from retorno import clock, rules
from retorno.models.movements import Movement, Offer, Plan
from retorno.office import access
from retorno.optimizer.check import Uses, Verdict, judge, uses
from retorno.optimizer.choices import Choice, choices, only_ridden, set_aside, with_choice
from retorno.optimizer.lacks import Network
from retorno.optimizer.problem import Charter, Group, Leg, PlannedVehicle, Problem, Service, Trip
from retorno.optimizer.problem import Plan as Solution
from retorno.plans.fleet import BARS, EMPTY_ONLY
from retorno.plans.scope import CLOCK_UTC_OFFSET_MIN
from retorno.plans.screening import carriers_of, findings_on, writing
from retorno.plans.store import own_plan, problem_of, solution_of
from retorno.plates import real_vehicles
from retorno.readiness import occasion_of, persons_of_groups
from retorno.rules import Finding
from retorno.vocabulary import PersonStatus, PlanStatus


@dataclass(frozen=True, kw_only=True)
class Option:
    """One way home that a plan could give a group.

    Parameters
    ----------
    option_id
        The same way on the same carriers has the same id as long as the plan stands.
    day
        Day of departure on the plan's clock.
    vehicles
        Plate, flight number or carrier of every ride, as people know them.
    stops
        Place ids from the first to the last.
    crossings
        Border crossings on the way.
    free_seats
        Seats that are free on the fullest ride before the group boards.
    is_allowed
        Whether ``workbench.move`` would make it so.
    reasons
        Codes of the checker that stop it (labels ``check.<code>``).
    findings
        What rules say against it, as the reader may see it.
    is_current
        The way the group goes now.
    is_new_departure
        Whether a vehicle that stands idle would drive for it.
    changes_whose
        Other groups that a rule or the checker names because of it.
    cost_delta_cents
        What the plan would cost more or less: fares, vehicles, drivers, beds, escorts.
    waiting_delta_days
        Person-days of waiting more or less.
    """

    option_id: str
    day: date
    depart_at: datetime
    arrive_at: datetime
    vehicles: tuple[str, ...]
    stops: tuple[str, ...]
    crossings: tuple[str, ...]
    free_seats: int
    is_allowed: bool
    reasons: tuple[str, ...] = ()
    findings: tuple[Finding, ...] = ()
    is_current: bool = False
    is_new_departure: bool = False
    changes_whose: tuple[str, ...] = ()
    cost_delta_cents: int = 0
    waiting_delta_days: int = 0


def options(session: Session, actor: access.Actor, *, plan_id: str, group_id: str) -> list[Option]:
    """Every way home that a draft could give one group, by departure; those that are stopped say why.

    Empty for a group that the plan was not made for. A reading session will do: what rules are asked on is written in a
    session of its own and taken back.
    """
    actor, plan = own_plan(session, actor, plan_id, "planning.read")
    problem, solution = problem_of(plan), solution_of(plan)
    group = next((each for each in problem.groups if each.id == group_id), None)
    if group is None or plan.status is not PlanStatus.DRAFT:
        return []
    rest = set_aside(solution, group_id)
    found = _choices(problem, solution, rest, group)
    small = _with_only(problem, solution, found)
    now = judge(small, solution)
    taken = uses(problem, rest)
    teller = _Teller(session, plan, problem, solution)
    current = solution.itineraries.get(group_id)
    verdicts = [
        now if choice.legs == current else judge(small, with_choice(rest, group_id, choice)) for choice in found
    ]
    stopping: dict[int, list[Finding]] = {}
    asked = [n for n, choice in enumerate(found) if verdicts[n].is_valid and choice.legs != current]
    if asked:
        with writing(session) as writer:
            screen = _Screen(writer, actor, plan, problem, rest, group)
            stopping = {number: screen.findings(found[number]) for number in asked}
    listed = [
        teller.option(
            choice, verdict, now, stopping.get(number, ()), taken, group=group, is_current=choice.legs == current
        )
        for number, (choice, verdict) in enumerate(zip(found, verdicts, strict=True))
    ]
    return sorted(_told_apart(listed), key=lambda each: (each.depart_at, each.arrive_at, each.option_id))


def _told_apart(listed: Iterable[Option]) -> list[Option]:
    """Of ways that nobody could tell apart the best: the current one, an allowed one, the cheapest."""
    best: dict[tuple[object, ...], Option] = {}

    def rank(each: Option) -> tuple[bool, bool, int, str]:
        return not each.is_current, not each.is_allowed, each.cost_delta_cents, each.option_id

    for each in listed:
        looks = (each.depart_at, each.arrive_at, each.vehicles, each.stops)
        if looks not in best or rank(each) < rank(best[looks]):
            best[looks] = each
    return list(best.values())


def find_choice(problem: Problem, solution: Solution, group_id: str, option_id: str) -> Choice | None:
    """The way that an option stands for, if the plan still offers it."""
    group = next((each for each in problem.groups if each.id == group_id), None)
    if group is None:
        return None
    rest = set_aside(solution, group_id)
    return next((each for each in _choices(problem, solution, rest, group) if _id_of(each) == option_id), None)


def _choices(problem: Problem, solution: Solution, rest: Solution, group: Group) -> list[Choice]:
    """The choices of a group, the way it goes now among them as it is."""
    found = choices(Network(problem), rest, group)
    legs = solution.itineraries.get(group.id)
    if not legs:
        return found
    running = {vehicle.id for vehicle in rest.vehicles}
    own = {leg.vehicle for leg in legs} - running
    current = Choice(legs=legs, vehicles=tuple(v for v in solution.vehicles if v.id in own))
    others = [each for each in found if _rows(each) != _rows(current)]
    return [current, *others]


def _rows(choice: Choice) -> tuple[object, ...]:
    """What a way rides, whatever an idle vehicle is called."""
    new = {vehicle.id: vehicle.type for vehicle in choice.vehicles}
    return tuple(replace(leg, vehicle=new.get(leg.vehicle, leg.vehicle)) for leg in choice.legs)


def _id_of(choice: Choice) -> str:
    return hashlib.sha256(repr(_rows(choice)).encode()).hexdigest()[:16]


def _with_only(problem: Problem, solution: Solution, found: Iterable[Choice]) -> Problem:
    """The problem with only those trips that the plan or a choice drives: the verdict is the same, and found sooner."""
    vehicles = [*solution.vehicles, *(vehicle for choice in found for vehicle in choice.vehicles)]
    driven = {trip_id for vehicle in vehicles for _, trip_id in vehicle.moves}
    return replace(problem, trips=tuple(trip for trip in problem.trips if trip.id in driven))


# ---- what rules say ------------------------------------------------------------------------------------------


class _Screen:
    """Asks the rules about choices on movements written and taken back, each distinct case once.

    What rules ask beyond the problem hangs on who needs an escort, help or an adult beside them. A group without such a
    need, beside nobody with one, is asked once for each kind of carrier; any other with everybody aboard.
    """

    def __init__(
        self, session: Session, actor: access.Actor, plan: Plan, problem: Problem, rest: Solution, group: Group
    ) -> None:
        self.session, self.actor, self.plan, self.problem = session, actor, plan, problem
        self.rest, self.group = rest, group
        self.riders = carriers_of(rest)
        self.delicate = _delicate(session, problem, [*rest.itineraries, group.id])
        self.kinds = {vehicle.id: vehicle.type for vehicle in rest.vehicles}
        self.known: dict[tuple[object, ...], list[Finding]] = {}

    def findings(self, choice: Choice) -> list[Finding]:
        """What the rules object to, as the reader may see it."""
        beside = frozenset(
            each for leg in choice.legs for each in self.riders.get((leg.kind, leg.vehicle or leg.row_id, leg.day), ())
        )
        is_plain = not self.delicate & {*beside, self.group.id}
        key = self._key(choice, is_plain)
        if key not in self.known:
            rest = self.rest if not is_plain else only_ridden(self._alone(choice))
            found = findings_on(
                self.session, self.plan, self.problem, with_choice(rest, self.group.id, choice), [self.group.id]
            )
            self.known[key] = access.visible_findings(found, self.actor)
        return self.known[key]

    def _alone(self, choice: Choice) -> Solution:
        """Nobody aboard but the group, on the vehicles of the choice."""
        ridden = {leg.vehicle for leg in choice.legs}
        kept = tuple(vehicle for vehicle in self.rest.vehicles if vehicle.id in ridden)
        legs = {self.group.id: choice.legs}
        return replace(self.rest, vehicles=(*kept, *choice.vehicles), itineraries=legs)

    def _key(self, choice: Choice, is_plain: bool) -> tuple[object, ...]:
        kinds = self.kinds | {vehicle.id: vehicle.type for vehicle in choice.vehicles}
        if is_plain:
            return tuple((leg.kind, kinds.get(leg.vehicle, leg.row_id)) for leg in choice.legs)
        # On an idle vehicle the group is alone: escorts are free or not by the day, whatever the road.
        return tuple(
            (leg.kind, leg.day, leg.vehicle or leg.row_id)
            if (leg.kind, leg.vehicle or leg.row_id, leg.day) in self.riders or leg.kind != "trip"
            else (leg.kind, leg.day, kinds[leg.vehicle])
            for leg in choice.legs
        )


def _delicate(session: Session, problem: Problem, group_ids: Sequence[str]) -> frozenset[str]:
    """Groups that need an escort, help on the way, or an adult beside them."""
    wanted = set(group_ids)
    found = {each.id for each in problem.groups if each.id in wanted and (each.escorts or each.wheelchairs)}
    first = date.fromisoformat(problem.first_date)
    occasion = occasion_of(session, travel_date=first, last_leg_date=first)
    with_adult: set[str] = set()
    for person in persons_of_groups(session, wanted).values():
        if person.status is not PersonStatus.ACTIVE:
            continue
        if person.fitness and person.fitness.needs:
            found.add(person.group_id)
        if not rules.is_child(person, occasion):
            with_adult.add(person.group_id)
    return frozenset(found | (wanted - with_adult))


# ---- as people know it ----------------------------------------------------------------------------------------


def vehicle_names(
    session: Session, plan: Plan, problem: Problem, solution: Solution, *, also: Iterable[PlannedVehicle] = ()
) -> dict[str, str]:
    """Plate of the vehicle behind each planned one that carries people, empty where none of its kind is left."""
    real = real_vehicles(session, plan, problem, solution, also=also)
    wanted = (*only_ridden(solution).vehicles, *also)
    return {each.id: real[each.id].plate if each.id in real else "" for each in wanted}


def row_names(session: Session, row_ids: Iterable[str]) -> dict[str, str]:
    """Carrier and number of offers, and plates of accepted vehicles that can be joined (their rows begin ``JM-``)."""
    wanted = sorted(set(row_ids))
    offers = session.exec(select(Offer).where(col(Offer.offer_id).in_(wanted))).all()
    joined = {row_id.removeprefix("J"): row_id for row_id in wanted if row_id.startswith("JM-")}
    movements = session.exec(select(Movement).where(col(Movement.movement_id).in_(list(joined)))).all()
    names = {offer.offer_id: f"{offer.carrier} {offer.number}".strip() for offer in offers}
    return names | {joined[movement.movement_id]: movement.label for movement in movements}


class _Teller:
    """Says a choice as dates, plates, places and differences."""

    def __init__(self, session: Session, plan: Plan, problem: Problem, solution: Solution) -> None:
        self.session, self.plan, self.problem, self.solution = session, plan, problem, solution
        self.trips = {trip.id: trip for trip in problem.trips}
        self.links: dict[str, Service | Charter] = {row.id: row for row in problem.services}
        self.links |= {row.id: row for row in problem.charters}
        self.seats = {kind.id: kind.seats for kind in problem.vehicle_types}
        self.names = row_names(session, self.links)
        self.plates = vehicle_names(session, plan, problem, solution)
        self.kinds = {vehicle.id: vehicle.type for vehicle in solution.vehicles}
        self.new_names: dict[PlannedVehicle, str] = {}

    def option(
        self,
        choice: Choice,
        verdict: Verdict,
        now: Verdict,
        findings: Sequence[Finding],
        taken: Uses,
        *,
        group: Group,
        is_current: bool,
    ) -> Option:
        """One option of the list."""
        first, last = choice.legs[0], choice.legs[-1]
        plates = self.plates | {each.id: self._new_name(each) for each in choice.vehicles if each.id not in self.plates}
        named = {each.group_id for each in verdict.violations} | {found.group_id or "" for found in findings}
        return Option(
            option_id=_id_of(choice),
            day=self.plan.first_date + timedelta(days=first.day),
            depart_at=self._instant(first.day, self._minutes(first)[0]),
            arrive_at=self._instant(last.day, self._minutes(last)[1]),
            vehicles=tuple(
                plates[leg.vehicle] if leg.kind == "trip" else self.names.get(leg.row_id, leg.row_id)
                for leg in choice.legs
            ),
            stops=tuple(_unrepeated(stop for leg in choice.legs for stop in self._stops(leg))),
            crossings=tuple(_unrepeated(each for leg in choice.legs for each in self._crossings(leg))),
            free_seats=min(self._free(leg, choice, taken) for leg in choice.legs),
            is_allowed=verdict.is_valid and not findings,
            reasons=tuple(dict.fromkeys(each.code.value for each in verdict.violations)),
            findings=tuple(dict.fromkeys(findings)),
            is_current=is_current,
            is_new_departure=choice.is_new_departure and not is_current,
            changes_whose=tuple(sorted(named - {group.id, ""})),
            cost_delta_cents=verdict.components["cost"] - now.components["cost"],
            waiting_delta_days=verdict.person_days - now.person_days,
        )

    def _instant(self, day: int, minute: int) -> datetime:
        return clock.plan_instant(day * 1440 + minute, self.plan.first_date, CLOCK_UTC_OFFSET_MIN)

    def _minutes(self, leg: Leg) -> tuple[int, int]:
        if leg.kind == "trip":
            trip = self.trips[leg.row_id]
            return trip.depart_min[leg.board], trip.arrive_min[leg.alight]
        row = self.links[leg.row_id]
        return row.depart_min, row.arrive_min

    def _stops(self, leg: Leg) -> tuple[str, ...]:
        if leg.kind == "trip":
            return self.trips[leg.row_id].stops[leg.board : leg.alight + 1]
        row = self.links[leg.row_id]
        return row.origin, row.destination

    def _crossings(self, leg: Leg) -> list[str]:
        if leg.kind == "trip":
            return passed(self.trips[leg.row_id], leg)
        row = self.links[leg.row_id]
        return list(row.crossings) if isinstance(row, Service) else []

    def _free(self, leg: Leg, choice: Choice, taken: Uses) -> int:
        if leg.kind == "trip":
            kinds = self.kinds | {vehicle.id: vehicle.type for vehicle in choice.vehicles}
            used = [taken.seats.get((leg.vehicle, leg.day, segment), 0) for segment in range(leg.board, leg.alight)]
            return self.seats[kinds[leg.vehicle]] - max(used)
        if leg.kind == "service":
            return self.links[leg.row_id].seats - taken.services.get((leg.row_id, leg.day), 0)
        return self.links[leg.row_id].seats - taken.charters.get((leg.row_id, leg.day, leg.aircraft), 0)

    def _new_name(self, vehicle: PlannedVehicle) -> str:
        """Plate of the next vehicle of the kind that stands idle."""
        kind = replace(vehicle, moves=())
        if kind not in self.new_names:
            names = vehicle_names(self.session, self.plan, self.problem, self.solution, also=[vehicle])
            self.new_names[kind] = names[vehicle.id]
        return self.new_names[kind]


def passed(trip: Trip, leg: Leg) -> list[str]:
    """The real crossings between two stops of a trip, without the borders that stand for who may not ride it."""
    guards = {*BARS, EMPTY_ONLY}
    return [each for segment in trip.crossings[leg.board : leg.alight] for each in segment if each not in guards]


def _unrepeated(values: Iterable[str]) -> Iterator[str]:
    """The values without one that follows itself."""
    last = None
    for value in values:
        if value != last:
            yield value
        last = value
