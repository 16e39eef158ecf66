"""Plan, read and discard the vans of a movement at one stop: who needs one, which vans there are, routes, left out.

People are collected in time for the departure, or brought on after the arrival, by daylight and by road inside the
country (R19, R20). The routes are found by ``optimizer.rounds_search`` and pass its judge before they are kept.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta

from sqlmodel import Session, col, select

from retorno import clock
from retorno.errors import Fault, Inconsistent, InputError, Stale
from retorno.models.movements import LocalRound, Movement, Vehicle
from retorno.models.people import Case
from retorno.movements.facts import Rider, View, view
from retorno.office import access, audit
from retorno.optimizer.rounds import LeftOut, Request, RoundsProblem, RoundsSettings, Route, Seats
from retorno.optimizer.rounds import Vehicle as Van
from retorno.optimizer.rounds_check import judge_rounds
from retorno.optimizer.rounds_files import plan_from_json, plan_to_json, problem_from_json, problem_to_json
from retorno.optimizer.rounds_search import RoundsProgress, solve_rounds
from retorno.plans.scope import LIVE
from retorno.plans.store import packed, unpacked
from retorno.routes.answers import Closed
from retorno.routes.neighbourhood import near_places, place_named, roads_between
from retorno.rules import usable_seats
from retorno.vocabulary import MovementStatus, RoundKind

# Our assumptions: minutes to be there before the departure, and how early; boarding; the longest rides.
BOARDING_MIN, EARLIEST_BEFORE_MIN = 45, 240
STOP_MIN, STOP_MIN_PER_PERSON = 5, 1
RIDE_MIN, RIDE_MIN_CHILDREN = 120, 75
DETOUR_PERCENT = 25
"""A ride that is long by itself may take this much longer than the straight drive."""
LEFT_OUT_MIN_PER_PERSON = 5_000
"""Price of leaving somebody without a van, in minutes of driving: more than any round takes."""
LEAST_LIGHT_MIN = 60
"""With less daylight than this before a departure or after an arrival, vans go the day before or the day after."""
OPEN = (MovementStatus.ACCEPTED, MovementStatus.CONFIRMED, MovementStatus.ISSUED, MovementStatus.RELEASED)


@dataclass(frozen=True, kw_only=True)
class Party:
    """A travel group as a van sees it: its case's reference, head counts, and where it would come from or go to."""

    group_id: str
    reference: str
    persons: int
    children: int
    wheelchairs: int
    escorts: int
    place_id: str | None
    municipality: str

    @property
    def seats(self) -> Seats:
        """Places that the group and its escorts need."""
        return Seats(seat=self.persons - self.wheelchairs, wheelchair=self.wheelchairs, escort=self.escorts)


@dataclass(frozen=True, kw_only=True)
class RoundStop:
    """One end of the movement that vans may serve: its place, the local day, and who gets on or off there.

    Parameters
    ----------
    first_min, last_min
        When vans may drive, minutes after local midnight of ``day``: daylight of the place.
    ready_min
        Collecting: everybody is there by then. Onward: nobody leaves before.
    is_night_between
        Whether they sleep at the place between the round and the movement.
    near
        Places that a round can reach, nearest first.
    vehicles
        Vans of the office in this neighbourhood that are free that day.
    """

    kind: RoundKind
    stop: int
    place_id: str
    day: date
    first_min: int
    last_min: int
    ready_min: int
    is_night_between: bool
    parties: tuple[Party, ...]
    near: tuple[str, ...]
    vehicles: tuple[Vehicle, ...]


@dataclass(frozen=True, kw_only=True)
class Planned:
    """Routes that are kept, with what has changed since they were made (group ids)."""

    row: LocalRound
    problem: RoundsProblem
    routes: tuple[Route, ...]
    left_out: tuple[LeftOut, ...]
    changed: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Rounds:
    """Every stop of a movement that vans may serve, and the routes kept for it."""

    movement: Movement
    stops: tuple[RoundStop, ...]
    planned: Mapping[tuple[RoundKind, int], Planned]


# ---- reading ----------------------------------------------------------------------------------------------------


def rounds_of(session: Session, actor: access.Actor, *, movement_id: str) -> Rounds:
    """The stops where people get on or off, nearest places, free vans, and the routes made so far."""
    access.require(session, actor, "rounds.read", movement_id=movement_id)
    seen = view(session, movement_id)
    stops = _stops(session, seen)
    rows = session.exec(select(LocalRound).where(LocalRound.movement_id == movement_id)).all()
    by_key = {(stop.kind, stop.stop): stop for stop in stops}
    planned = {(row.kind, row.stop): _planned(row, by_key.get((row.kind, row.stop))) for row in rows}
    return Rounds(movement=seen.movement, stops=tuple(stops), planned=planned)


def _planned(row: LocalRound, stop: RoundStop | None) -> Planned:
    routes, left_out = plan_from_json(unpacked(row.routes))
    before = json.loads(row.people)
    now = {party.group_id: party.persons + party.escorts for party in stop.parties} if stop else {}
    changed = {group for group, count in before.items() if now.get(group) != count}
    if stop is None or stop.day != row.day:
        changed |= set(before)
    return Planned(
        row=row,
        problem=problem_from_json(unpacked(row.problem)),
        routes=routes,
        left_out=left_out,
        changed=tuple(sorted(changed)),
    )


def _stops(session: Session, seen: View) -> list[RoundStop]:
    found = []
    for number in range(len(seen.segments) + 1):
        for kind in RoundKind:
            parties = _parties(session, seen, kind, number)
            if parties:
                found.append(_stop(session, seen, kind, number, parties))
    return found


def _parties(session: Session, seen: View, kind: RoundKind, stop: int) -> list[Party]:
    """The groups that get on (collect) or off (onward) at a stop, by reference."""
    members: dict[str, list[Rider]] = defaultdict(list)
    for rider in seen.riders:
        if stop == (rider.seat.board if kind is RoundKind.COLLECT else rider.seat.alight):
            members[rider.group.group_id].append(rider)
    escorts: dict[str, int] = defaultdict(int)
    for each in seen.escorts:
        if each.seat.for_group_id:
            escorts[each.seat.for_group_id] += 1
    found = []
    for group_id, riders in members.items():
        group = riders[0].group
        case = session.get_one(Case, group.case_id)
        if kind is RoundKind.ONWARD and group.destination_place_id != _place(seen, stop):
            # They change here to another vehicle of their journey.
            continue
        found.append(
            Party(
                group_id=group_id,
                reference=case.reference,
                persons=len(riders),
                children=sum(rider.is_child for rider in riders),
                wheelchairs=sum(rider.person.needs_wheelchair for rider in riders),
                escorts=escorts[group_id] if kind is RoundKind.COLLECT else 0,
                place_id=case.place_id if kind is RoundKind.COLLECT else None,
                municipality=group.destination_municipality if kind is RoundKind.ONWARD else "",
            )
        )
    return sorted(found, key=lambda party: (party.reference, party.group_id))


def _place(seen: View, stop: int) -> str:
    return seen.segments[stop].from_place_id if stop < len(seen.segments) else seen.segments[-1].to_place_id


def _stop(session: Session, seen: View, kind: RoundKind, number: int, parties: Sequence[Party]) -> RoundStop:
    at, place_id = seen.situation, _place(seen, number)
    zone = at.zone_name(place_id)
    near = near_places(at.ground, place_id)
    if kind is RoundKind.COLLECT:
        local = clock.local(seen.segments[number].depart_at, zone)
        first, last = _daylight(seen, place_id, local)
        day, ready = local.date(), local.hour * 60 + local.minute - BOARDING_MIN
        if ready < first + LEAST_LIGHT_MIN:
            local -= timedelta(days=1)
            first, last = _daylight(seen, place_id, local)
            day, ready = local.date(), last
    else:
        local = clock.local(seen.segments[number - 1].arrive_at, zone)
        first, last = _daylight(seen, place_id, local)
        reception = at.ground.reception.get(place_id)
        ready = local.hour * 60 + local.minute + (reception.buffer_min if reception else BOARDING_MIN)
        day = local.date()
        if ready > last - LEAST_LIGHT_MIN:
            local += timedelta(days=1)
            first, last = _daylight(seen, place_id, local)
            day, ready = local.date(), first
    known = [
        replace(
            party,
            place_id=party.place_id if party.place_id in near else place_named(at.ground, near, party.municipality),
        )
        for party in parties
    ]
    return RoundStop(
        kind=kind,
        stop=number,
        place_id=place_id,
        day=day,
        first_min=first,
        last_min=last,
        ready_min=ready,
        is_night_between=day != _moved_on(seen, kind, number, zone),
        parties=tuple(known),
        near=near,
        vehicles=tuple(_free_vans(session, near, day)),
    )


def _moved_on(seen: View, kind: RoundKind, number: int, zone: str) -> date:
    """Local day of the movement's own departure from a stop, or arrival there."""
    collect = kind is RoundKind.COLLECT
    instant = seen.segments[number].depart_at if collect else seen.segments[number - 1].arrive_at
    return clock.local(instant, zone).date()


def _daylight(seen: View, place_id: str, local: datetime) -> tuple[int, int]:
    """First and last minute of a local day at which people may be on the road; (1440, 0) if there is none."""
    light = seen.situation.calendars.daylight(place_id, local.date(), vulnerable=True)
    if isinstance(light, Closed):
        return 1440, 0
    zone = seen.situation.zone_name(place_id)
    first, last = clock.local(light.from_at, zone), clock.local(light.until_at, zone)
    return first.hour * 60 + first.minute, last.hour * 60 + last.minute


def _free_vans(session: Session, near: Sequence[str], day: date) -> list[Vehicle]:
    """Vehicles with a depot near, papers valid that day, and no movement from the day before to the day after."""
    noon = datetime.combine(day, time(12), tzinfo=UTC)
    busy = select(Movement.vehicle_id).where(
        col(Movement.vehicle_id).is_not(None),
        col(Movement.status).in_(LIVE),
        col(Movement.depart_at) < noon + timedelta(hours=24),
        col(Movement.arrive_at) > noon - timedelta(hours=24),
    )
    rows = session.exec(
        select(Vehicle)
        .where(
            col(Vehicle.depot_place_id).in_(near),
            Vehicle.licence_until >= day,
            Vehicle.insurance_until >= day,
            Vehicle.inspection_until >= day,
            col(Vehicle.vehicle_id).not_in(busy),
        )
        .order_by(col(Vehicle.seats), Vehicle.plate)
    ).all()
    return [
        row
        for row in rows
        if (row.available_from is None or row.available_from <= day)
        and (row.available_until is None or row.available_until >= day)
    ]


def ends_of(planned: Planned) -> dict[str, str]:
    """Group id to the place that was chosen for it when the routes were made."""
    return {str(group): str(place) for group, place in json.loads(planned.row.ends).items()}


# ---- planning ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Asked:
    """The rounds of one stop as a problem; ``ends`` gives the place of each group that needs a van."""

    stop: RoundStop
    ends: Mapping[str, str]
    vehicle_ids: tuple[str, ...]
    problem: RoundsProblem


@dataclass(frozen=True, kw_only=True)
class Routed:
    """Routes that were found for a stop but are not kept yet; ``keep`` stores them."""

    asked: Asked
    plan: Mapping[str, object]


def problem_of(seen: View, stop: RoundStop, ends: Mapping[str, str], vehicle_ids: Sequence[str]) -> RoundsProblem:
    """The rounds of one stop: each group between its end and the stop, each van from its depot and back.

    Parameters
    ----------
    ends
        Group id to the place where it is collected or brought; groups without one need no van.

    Raises
    ------
    InputError
        If a place or vehicle is none of the stop's, or nobody needs a van, or there is no van; all at once.
    """
    vans = {vehicle.vehicle_id: vehicle for vehicle in stop.vehicles}
    parties = {party.group_id: party for party in stop.parties}
    faults = [
        Fault(what=f"{place} cannot be reached from {stop.place_id} in a local round: choose a place nearby")
        for place in sorted({*ends.values()} - {*stop.near})
    ]
    faults += [Fault(what="a group is no longer on this list: open the page again") for _ in {*ends} - {*parties}]
    faults += [Fault(what="a vehicle is not free that day: choose others") for _ in {*vehicle_ids} - {*vans}]
    riding = {group: place for group, place in ends.items() if place != stop.place_id}
    if not riding:
        faults.append(Fault(what="nobody has another place than the stop itself: choose a place for who needs a van"))
    if not vehicle_ids:
        faults.append(Fault(what="no vehicle is chosen: choose at least one"))
    if faults:
        raise InputError(faults)
    used = [vans[each] for each in dict.fromkeys(vehicle_ids)]
    places = sorted({stop.place_id, *riding.values(), *(van.depot_place_id for van in used)})
    roads = roads_between(seen.situation.ground, places)
    straight = {
        group: roads.drive_min[places.index(place)][places.index(stop.place_id)] for group, place in riding.items()
    }
    policy = seen.situation.policy
    return RoundsProblem(
        name=f"{seen.movement.reference} {stop.kind.value} {stop.stop}",
        places=roads.places,
        drive_min=roads.drive_min,
        distance_m=roads.distance_m,
        requests=tuple(
            _request(parties[group], stop, place, straight[group]) for group, place in sorted(riding.items())
        ),
        vehicles=tuple(
            Van(
                id=van.vehicle_id,
                start=van.depot_place_id,
                end=van.depot_place_id,
                configurations=(
                    Seats(seat=usable_seats(van.seats, policy) - van.wheelchairs, wheelchair=van.wheelchairs),
                    Seats(seat=usable_seats(van.seats, policy)),
                )
                if 0 < van.wheelchairs < usable_seats(van.seats, policy)
                else (Seats(seat=usable_seats(van.seats, policy)),),
                shift_from_min=stop.first_min,
                shift_until_min=max(stop.first_min, stop.last_min),
                max_route_min=policy.driver_day_min,
            )
            for van in used
        ),
    )


def _request(party: Party, stop: RoundStop, place: str, straight_min: int) -> Request:
    most = RIDE_MIN_CHILDREN if party.children or party.wheelchairs else RIDE_MIN
    people = party.persons + party.escorts
    service = STOP_MIN + STOP_MIN_PER_PERSON * people
    collect = stop.kind is RoundKind.COLLECT
    first, last = stop.first_min, max(stop.first_min, stop.last_min)
    ready = min(max(stop.ready_min, first), last)
    return Request(
        id=party.group_id,
        seats=party.seats,
        pickup=place if collect else stop.place_id,
        drop=stop.place_id if collect else place,
        pickup_from_min=first if collect else ready,
        pickup_until_min=ready if collect else last,
        drop_from_min=max(first, ready - EARLIEST_BEFORE_MIN) if collect else ready,
        drop_until_min=ready if collect else last,
        pickup_service_min=service,
        drop_service_min=STOP_MIN,
        max_ride_min=max(most, straight_min + straight_min * DETOUR_PERCENT // 100),
        children=party.children,
        left_out_price=LEFT_OUT_MIN_PER_PERSON * people,
    )


def ask(
    session: Session,
    actor: access.Actor,
    *,
    movement_id: str,
    kind: RoundKind,
    stop: int,
    ends: Mapping[str, str],
    vehicle_ids: Sequence[str],
) -> Asked:
    """The problem of one stop as it is now.

    Raises
    ------
    InputError
        As ``problem_of``.
    Stale
        If the journey is over or nobody gets on or off there any more.
    """
    access.require(session, actor, "rounds.plan", movement_id=movement_id)
    seen = view(session, movement_id)
    chosen = _find_stop(session, seen, kind, stop)
    problem = problem_of(seen, chosen, ends, vehicle_ids)
    return Asked(stop=chosen, ends=dict(ends), vehicle_ids=tuple(vehicle_ids), problem=problem)


def find_routes(
    asked: Asked, settings: RoundsSettings, *, on_progress: Callable[[RoundsProgress], None] | None = None
) -> Routed:
    """Routes that the judge accepts; reads and stores nothing, so that nobody waits for a lock meanwhile."""
    result = solve_rounds(asked.problem, settings, on_progress=on_progress)
    broken = judge_rounds(asked.problem, result.routes)
    if broken:
        raise Inconsistent(f"routes of {asked.problem.name} break {broken[0]}")
    return Routed(asked=asked, plan=plan_to_json(asked.problem, result))


def _find_stop(session: Session, seen: View, kind: RoundKind, number: int) -> RoundStop:
    if seen.movement.status in (MovementStatus.CANCELLED, MovementStatus.CLOSED):
        raise Stale("this journey is over: there is nobody to bring")
    found = [each for each in _stops(session, seen) if (each.kind, each.stop) == (kind, number)]
    if not found:
        raise Stale("nobody gets on or off there any more: open the page again")
    return found[0]


def keep(session: Session, actor: access.Actor, *, movement_id: str, found: Routed) -> LocalRound:
    """Store routes in place of those made before; the same routes twice change nothing.

    Raises
    ------
    Stale
        If the people of the stop are no longer those the routes were made for.
    """
    actor = access.require(session, actor, "rounds.plan", movement_id=movement_id)
    stop = found.asked.stop
    now = _find_stop(session, view(session, movement_id), stop.kind, stop.stop)
    if now.parties != stop.parties or now.day != stop.day:
        raise Stale("the people of this stop changed while the routes were made: plan the round again")
    row = _row(session, movement_id, stop.kind, stop.stop)
    problem, routes = packed(problem_to_json(found.asked.problem)), packed(found.plan)
    if row is not None and (row.problem, row.routes) == (problem, routes):
        return row
    if row is None:
        row = LocalRound(
            movement_id=movement_id,
            kind=stop.kind,
            stop=stop.stop,
            day=stop.day,
            ends="",
            vehicles="",
            people="",
            problem=b"",
            routes=b"",
            made_by=actor.user_id,
            made_at=clock.now(),
            version=0,
        )
    row.day = stop.day
    row.ends = json.dumps(dict(found.asked.ends), sort_keys=True)
    row.vehicles = ";".join(found.asked.vehicle_ids)
    row.people = json.dumps({party.group_id: party.persons + party.escorts for party in now.parties}, sort_keys=True)
    row.problem, row.routes = problem, routes
    row.made_by, row.made_at = actor.user_id, clock.now()
    row.version += 1
    session.add(row)
    session.flush()
    audit.append(session, actor, act="rounds.plan", object_kind="movement", object_id=movement_id)
    return row


def discard(session: Session, actor: access.Actor, *, movement_id: str, kind: RoundKind, stop: int) -> None:
    """Forget the routes of a stop; nothing happens if there are none."""
    actor = access.require(session, actor, "rounds.plan", movement_id=movement_id)
    row = _row(session, movement_id, kind, stop)
    if row is None:
        return
    session.delete(row)
    session.flush()
    audit.append(session, actor, act="rounds.plan", object_kind="movement", object_id=movement_id)


def _row(session: Session, movement_id: str, kind: RoundKind, stop: int) -> LocalRound | None:
    return session.exec(
        select(LocalRound).where(
            LocalRound.movement_id == movement_id, LocalRound.kind == kind, LocalRound.stop == stop
        )
    ).first()
