"""Stage 3, first half: from records and ground to a ``Problem`` of ids and numbers, without a name.

Everything that an accepted movement already uses (seats, vehicles, beds, quota, escorts) is taken off first, so that a
new plan never touches what stands. Prices are those of the public benchmark problems (our assumption).
"""

from __future__ import annotations

import heapq
import json
import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import Any

from sqlmodel import Session, col, select

from retorno import clock, rules
from retorno.models.movements import (
    AgreementConfirmation,
    Escort,
    Movement,
    MovementCrossing,
    MovementSegment,
    Offer,
    Seat,
    Vehicle,
)
from retorno.models.office import Office
from retorno.models.people import Case, Person, TransitVisa, TravelGroup
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
from retorno.readiness import facts_of_groups, occasion_of
from retorno.routes.daytrips import DayTrip, TripPolicy, day_trips
from retorno.routes.timeline import DrivingRules
from retorno.routes.transit import TransitGrant, agreed_countries, barred_countries
from retorno.rules import Finding, GroupFacts, usable_seats
from retorno.situation import Situation
from retorno.vocabulary import Mode, MovementStatus, Need, PersonStatus, Profile, SeatStatus, TripEventKind

CLOCK_UTC_OFFSET_MIN = -360
"""The plan clock: UTC-6, the time of Central America and southern Mexico, the same all year."""
NOTICE_MARGIN = timedelta(hours=6)
"""Time for confirmations and signatures between a plan and its list. Our assumption."""
TRANSFER_MIN = 90
MAX_JOURNEY_DAYS = 4
ESCORT_RETURN_DAYS = 1
ESCORT_POOL = "escorts"
EMPTY_ONLY = "no-people"
"""A border that nobody may pass stands on every segment of a trip without people: its quota is 0."""
NO_LIMIT = 100_000
COSTS = Costs(
    driver_day_cents=9_000,
    away_day_cents=12_000,
    bed_night_cents=2_200,
    escort_day_cents=14_000,
    ride_minute_cents=7,
    boarding_cents=1_200,
)
"""As in the public benchmark problems (benchmarks/joint/FORMAT.md, read 2026-11-24): our assumption."""

LIVE = (
    MovementStatus.ACCEPTED,
    MovementStatus.CONFIRMED,
    MovementStatus.ISSUED,
    MovementStatus.RELEASED,
    MovementStatus.DEPARTED,
)


@dataclass(frozen=True, kw_only=True)
class Scope:
    """What a plan is asked for: the days, and which groups (empty: every group that is ready)."""

    first_date: date
    days: int
    group_ids: tuple[str, ...] = ()


@dataclass(kw_only=True)
class Gathered:
    """A problem with what people need beside it.

    Parameters
    ----------
    availability
        Group id to its availability number when it was gathered.
    trips
        Details of every trip by id, for route sheets and movements.
    left_out
        Groups that may not be planned, with the findings that stop them.
    """

    problem: Problem
    availability: dict[str, int] = field(default_factory=dict)
    trips: dict[str, DayTrip] = field(default_factory=dict)
    left_out: dict[str, list[Finding]] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class _Candidate:
    group: TravelGroup
    case: Case
    facts: GroupFacts
    persons: tuple[Person, ...]
    ready_day: int
    latest_day: int


def gather(session: Session, office: Office, scope: Scope, at: Situation) -> Gathered:
    """Read everything that a plan may use, as of now."""
    candidates, left_out = _candidates(session, office, scope)
    vehicles = _free_vehicles(session, scope)
    offers = _open_offers(session, office, scope)
    joinable = _joinable(session, office, scope, at)
    places = _places(candidates, vehicles, offers, at)
    profiles = frozenset(p for c in candidates for p in _profiles(c, session, scope))
    notice_day = _first_day_with_notice(scope, at)
    kinds = sorted({at.ground.vehicle_types[v.vehicle_type].crossing_vehicle for v in vehicles}) or ["coach"]
    found = day_trips(
        at.ground,
        at.overlay,
        places,
        first_date=scope.first_date,
        days=scope.days,
        policy=TripPolicy(calendar=at.calendars.policy, driving=_driving(at)),
        clock_utc_offset_min=CLOCK_UTC_OFFSET_MIN,
        vehicle_kinds=kinds,
    )
    usable = list(found) if vehicles else []
    trips = [row for row in (_trip(trip, notice_day, profiles) for trip in usable) if "1" in row.days]
    types, depots = _fleet(vehicles, usable, at)
    services = [*_services(session, offers, scope), *joinable]
    charters = _charters(session, offers, scope, at)
    used = _Used(session, scope, at)
    crossings = {c for t in trips for segment in t.crossings for c in segment} | {
        c for s in services for c in s.crossings
    }
    stops = sorted(
        {stop for trip in trips for stop in trip.stops}
        | {end for service in services for end in (service.origin, service.destination)}
        | {end for charter in charters for end in (charter.origin, charter.destination)}
        | {c.case.place_id for c in candidates}
        | {c.group.destination_place_id for c in candidates}
        | {vehicle.depot_place_id for vehicle in vehicles}
    )
    problem = Problem(
        name=f"{office.office_id} {scope.first_date.isoformat()} {scope.days}",
        horizon_days=scope.days,
        first_date=scope.first_date.isoformat(),
        clock_utc_offset_min=CLOCK_UTC_OFFSET_MIN,
        transfer_min=TRANSFER_MIN,
        max_journey_days=MAX_JOURNEY_DAYS,
        escort_return_days=ESCORT_RETURN_DAYS,
        costs=COSTS,
        sites=tuple(_site(stop, at, scope, used) for stop in stops),
        crossings=tuple(_crossing(crossing, at, scope, used, profiles) for crossing in sorted(crossings)),
        closures=frozenset(),
        vehicle_types=types,
        depots=depots,
        trips=tuple(trips),
        services=tuple(services),
        charters=tuple(charters),
        cancelled=frozenset(),
        escort_pools=(EscortPool(id=ESCORT_POOL, available=_free_escorts(session, scope)),),
        groups=tuple(_group(session, c, scope, at) for c in candidates),
        conflicts=(),
    )
    return Gathered(
        problem=_barred_in_play(problem),
        availability={c.group.group_id: c.group.availability for c in candidates},
        trips={trip.trip_id: trip for trip in usable},
        left_out=left_out,
    )


def _barred_in_play(problem: Problem) -> Problem:
    """The problem with only such barred countries as it has at all: a table of the world's visas is long."""
    in_play = {site.country for site in problem.sites} | {c for row in problem.crossings for c in row.countries}
    groups = tuple(
        replace(group, barred_countries=tuple(c for c in group.barred_countries if c in in_play))
        for group in problem.groups
    )
    return replace(problem, groups=groups)


# ---- people --------------------------------------------------------------------------------------------------


def _candidates(session: Session, office: Office, scope: Scope) -> tuple[list[_Candidate], dict[str, list[Finding]]]:
    """Groups that may travel on some day of the plan, with those days; the others with what stops them."""
    seated = select(Seat.group_id).where(
        Seat.status == SeatStatus.ACTIVE, col(Seat.group_id).is_not(None), col(Seat.arrive_at) > clock.now()
    )
    statement = (
        select(TravelGroup, Case)
        .join(Case, col(Case.case_id) == TravelGroup.case_id)
        .where(
            Case.office_id == office.office_id,
            col(Case.closed_at).is_(None),
            col(TravelGroup.group_id).not_in(seated),
        )
        .order_by(TravelGroup.group_id)
    )
    if scope.group_ids:
        statement = statement.where(col(TravelGroup.group_id).in_(scope.group_ids))
    rows = session.exec(statement).all()
    facts = facts_of_groups(session, [group.group_id for group, _ in rows])
    persons: dict[str, list[Person]] = defaultdict(list)
    for person in session.exec(
        select(Person)
        .where(col(Person.group_id).in_(list(facts)), Person.status == PersonStatus.ACTIVE)
        .order_by(Person.person_id)
    ).all():
        persons[person.group_id].append(person)
    occasions = {
        day: occasion_of(
            session,
            travel_date=scope.first_date + timedelta(days=day),
            last_leg_date=scope.first_date + timedelta(days=day),
        )
        for day in range(scope.days)
    }
    found, left_out = [], {}
    for group, case in rows:
        if not persons[group.group_id]:
            continue
        stopping: list[Finding] = []
        good = []
        for day, occasion in occasions.items():
            findings = rules.blocking(rules.judge_group(facts[group.group_id], occasion))
            if findings:
                stopping = stopping or findings
            else:
                good.append(day)
        first, last = _first_run(good)
        first, last = _within_dates(group, scope, first, last)
        if first > last:
            left_out[group.group_id] = stopping
            continue
        found.append(
            _Candidate(
                group=group,
                case=case,
                facts=facts[group.group_id],
                persons=tuple(persons[group.group_id]),
                ready_day=first,
                latest_day=last,
            )
        )
    return found, left_out


def _first_run(days: Sequence[int]) -> tuple[int, int]:
    """First and last of the first days that follow each other; (0, -1) for none."""
    if not days:
        return 0, -1
    last = days[0]
    for day in days[1:]:
        if day != last + 1:
            break
        last = day
    return days[0], last


def _within_dates(group: TravelGroup, scope: Scope, first: int, last: int) -> tuple[int, int]:
    if group.earliest_date is not None:
        first = max(first, (group.earliest_date - scope.first_date).days)
    if group.latest_date is not None:
        last = min(last, (group.latest_date - scope.first_date).days)
    return first, last


def _profiles(candidate: _Candidate, session: Session, scope: Scope) -> set[Profile]:
    occasion = occasion_of(session, travel_date=scope.first_date, last_leg_date=scope.first_date)
    active = [p for p in candidate.facts.persons if p.status is PersonStatus.ACTIVE]
    if any(rules.is_unaccompanied_child(person, occasion) for person in active):
        return {Profile.UNACCOMPANIED}
    return {Profile.FAMILIES} if any(rules.is_child(person, occasion) for person in active) else {Profile.ADULTS}


def _group(session: Session, candidate: _Candidate, scope: Scope, at: Situation) -> Group:
    """A group as seats, needs, dates and prices; waiting weighs more for the longer stranded and the vulnerable."""
    occasion = occasion_of(session, travel_date=scope.first_date, last_leg_date=scope.first_date)
    active = [p for p in candidate.facts.persons if p.status is PersonStatus.ACTIVE]
    has_child = any(rules.is_child(person, occasion) for person in active)
    vulnerable = has_child or any(rules.is_vulnerable(person, occasion) for person in active)
    alone = [rules.age_of(p, scope.first_date) for p in active if rules.is_unaccompanied_child(p, occasion)]
    escorts = rules.escorts_needed(alone, at.policy) if alone else 0
    needs = [set(p.fitness.needs) if p.fitness else set() for p in active]
    if not escorts and any(Need.MEDICAL_ESCORT in each for each in needs):
        escorts = 1
    wheelchairs = sum(p.needs_wheelchair or Need.WHEELCHAIR in each for p, each in zip(active, needs, strict=True))
    heads = len(active)
    since = min(person.stranded_since for person in candidate.persons)
    weeks = min(5, max(0, (scope.first_date - since).days // 7))
    extra, extra_unplanned = (4_000, 400_000) if alone else (1_500, 150_000) if vulnerable else (0, 0)
    has_date = candidate.group.latest_date is not None
    return Group(
        id=candidate.group.group_id,
        persons=heads,
        origin=candidate.case.place_id,
        destination=candidate.group.destination_place_id,
        ready_day=candidate.ready_day,
        latest_day=candidate.latest_day,
        vulnerable=int(vulnerable),
        wheelchairs=wheelchairs,
        escorts=escorts,
        escort_pool=ESCORT_POOL if escorts else None,
        barred_countries=tuple(
            sorted(_barred(session, candidate, scope, at) | {bar_of(p) for p in _profiles(candidate, session, scope)})
        ),
        wait_cents_per_day=heads * (1_400 + 200 * weeks + extra),
        unplanned_cents=heads * (500_000 + 20_000 * weeks + extra_unplanned + (200_000 if has_date else 0)),
    )


def _barred(session: Session, candidate: _Candidate, scope: Scope, at: Situation) -> frozenset[str]:
    nationalities = {person.person_id: person.nationality for person in candidate.persons}
    visas = session.exec(select(TransitVisa).where(col(TransitVisa.person_id).in_(list(nationalities)))).all()
    last_day = scope.first_date + timedelta(days=candidate.latest_day)
    agreed = agreed_countries(
        at.ground,
        at.overlay.confirmations,
        set(nationalities.values()),
        first_day=scope.first_date,
        last_day=last_day,
    )
    return barred_countries(
        at.ground,
        nationalities,
        [TransitGrant(country=v.country, valid_until=v.valid_until, person_id=v.person_id) for v in visas],
        last_day=last_day,
        agreed=agreed,
        ends=(at.country(candidate.case.place_id), candidate.group.destination_country),
    )


# ---- vehicles, trips -----------------------------------------------------------------------------------------


def _window(scope: Scope) -> tuple[datetime, datetime]:
    start = clock.plan_instant(0, scope.first_date, CLOCK_UTC_OFFSET_MIN)
    return start, start + timedelta(days=scope.days)


def _free_vehicles(session: Session, scope: Scope) -> list[Vehicle]:
    """Vehicles with papers valid to the end of the plan and without a movement in it."""
    start, end = _window(scope)
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


def _fleet(
    vehicles: Sequence[Vehicle], trips: Sequence[DayTrip], at: Situation
) -> tuple[tuple[VehicleType, ...], tuple[Depot, ...]]:
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


def _trip(trip: DayTrip, notice_day: int, profiles: frozenset[Profile]) -> Trip:
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


def _from_day(days: str, first: int) -> str:
    return "0" * min(first, len(days)) + days[first:]


def _first_day_with_notice(scope: Scope, at: Situation) -> int:
    """The first day of the plan whose lists can still be sent in time (R22)."""
    earliest = clock.now() + timedelta(hours=notice_hours(at)) + NOTICE_MARGIN
    minute = clock.plan_minute(earliest, scope.first_date, CLOCK_UTC_OFFSET_MIN)
    return max(0, math.ceil(minute / 1440))


def notice_hours(at: Situation, confirmation_ids: Iterable[str] = ()) -> int:
    """Notice that a movement has to give: the longest of its agreements, never less than the policy."""
    wanted = set(confirmation_ids)
    stated = [c.notice_hours or 0 for c in at.overlay.confirmations if not wanted or c.confirmation_id in wanted]
    return max([at.policy.notice_hours, *stated])


def _driving(at: Situation) -> DrivingRules:
    policy = at.policy
    return DrivingRules(
        continuous_driving_min=policy.continuous_driving_min,
        break_min=policy.break_min,
        driver_day_min=policy.driver_day_min,
        journey_day_min=policy.journey_day_min,
        border_buffer_min=policy.border_buffer_min,
    )


def _places(
    candidates: Sequence[_Candidate], vehicles: Sequence[Vehicle], offers: Sequence[Offer], at: Situation
) -> list[str]:
    """Places in play: ends of journeys, depots, ends of offers, and beds in the countries that may be passed."""
    if not vehicles:
        return sorted({c.case.place_id for c in candidates})
    ends = {c.case.place_id for c in candidates} | {c.group.destination_place_id for c in candidates}
    ends |= {vehicle.depot_place_id for vehicle in vehicles}
    ends |= {end for offer in offers for end in (offer.origin_place_id, offer.destination_place_id)}
    countries = {at.country(c.case.place_id) for c in candidates} | {at.country(v.depot_place_id) for v in vehicles}
    for confirmation in at.overlay.confirmations:
        if countries & confirmation.from_countries:
            countries |= confirmation.transit_countries | confirmation.to_countries
    nights = {
        place_id
        for place_id, row in at.ground.reception.items()
        if row.beds and place_id in at.ground.places and at.country(place_id) in countries
    }
    on_road = at.ground.network.nodes
    return sorted(place for place in ends | nights if place in on_road and at.country(place) in countries)


# ---- offers --------------------------------------------------------------------------------------------------


def _open_offers(session: Session, office: Office, scope: Scope) -> list[Offer]:
    start, end = _window(scope)
    start = max(start, clock.now())
    return list(
        session.exec(
            select(Offer)
            .where(
                Offer.office_id == office.office_id,
                col(Offer.cancelled_at).is_(None),
                col(Offer.depart_at) >= start,
                col(Offer.depart_at) < end,
            )
            .order_by(Offer.offer_id)
        ).all()
    )


def _clock_of(offer: Offer, scope: Scope) -> tuple[int, int, int]:
    """Day, departure and arrival minute of an offer on the plan clock."""
    depart = clock.plan_minute(offer.depart_at, scope.first_date, CLOCK_UTC_OFFSET_MIN)
    arrive = clock.plan_minute(offer.arrive_at, scope.first_date, CLOCK_UTC_OFFSET_MIN)
    day = depart // 1440
    return day, depart - 1440 * day, arrive - 1440 * day


def _seats_taken(session: Session, offer: Offer) -> int:
    rows = session.exec(
        select(MovementSegment.taken)
        .join(Movement, col(Movement.movement_id) == MovementSegment.movement_id)
        .where(Movement.offer_id == offer.offer_id, col(Movement.status) != MovementStatus.CANCELLED)
    ).all()
    return max(rows, default=0)


def _is_joinable(session: Session, offer: Offer) -> bool:
    """Whether people can still be added: its movement has not left."""
    movement = session.exec(
        select(Movement).where(Movement.offer_id == offer.offer_id, col(Movement.status) != MovementStatus.CANCELLED)
    ).first()
    return movement is None or movement.status not in (MovementStatus.DEPARTED, MovementStatus.CLOSED)


def _services(session: Session, offers: Sequence[Offer], scope: Scope) -> list[Service]:
    """Seats bought on scheduled departures; each offer is one departure on one day."""
    found = []
    for offer in offers:
        free = offer.seats - _seats_taken(session, offer)
        if offer.mode is Mode.CHARTER or free <= 0 or not _is_joinable(session, offer):
            continue
        day, depart, arrive = _clock_of(offer, scope)
        days = "".join("01"[d == day] for d in range(scope.days))
        found.append(
            Service(
                id=offer.offer_id,
                mode="coach" if offer.mode is Mode.COACH else "flight",
                origin=offer.origin_place_id,
                destination=offer.destination_place_id,
                depart_min=depart,
                arrive_min=arrive,
                days=days,
                vulnerable_days=days,
                seats=free,
                fare_cents=offer.fare_cents,
                crossings=tuple(part for part in offer.crossings.split(";") if part),
            )
        )
    return found


def _charters(session: Session, offers: Sequence[Offer], scope: Scope, at: Situation) -> list[Charter]:
    """Whole aircraft; the spare seats are off, and a charter that is already flown takes the rest like a service."""
    found = []
    for offer in offers:
        if offer.mode is not Mode.CHARTER or not _is_joinable(session, offer):
            continue
        taken = _seats_taken(session, offer)
        day, depart, arrive = _clock_of(offer, scope)
        seats = usable_seats(offer.seats, at.policy) - taken
        if seats <= 0:
            continue
        found.append(
            Charter(
                id=offer.offer_id,
                origin=offer.origin_place_id,
                destination=offer.destination_place_id,
                depart_min=depart,
                arrive_min=arrive,
                days="".join("01"[d == day] for d in range(scope.days)),
                seats=seats,
                min_load=0 if taken else min(offer.min_load, seats),
                fixed_cents=0 if taken else offer.fixed_cents,
                max_per_day=1,
            )
        )
    return found


def joined_service_id(movement_id: str) -> str:
    """Id of the service that stands for the free seats of an accepted vehicle."""
    return f"J{movement_id}"


def _joinable(session: Session, office: Office, scope: Scope, at: Situation) -> list[Service]:
    """Free seats on accepted road movements that have not left, from the first to the last stop."""
    start, end = _window(scope)
    rows = session.exec(
        select(Movement)
        .where(
            Movement.office_id == office.office_id,
            col(Movement.offer_id).is_(None),
            col(Movement.status).in_((MovementStatus.ACCEPTED, MovementStatus.CONFIRMED)),
            col(Movement.depart_at) >= max(start, clock.now() + timedelta(hours=at.policy.notice_hours)),
            col(Movement.depart_at) < end,
        )
        .order_by(Movement.movement_id)
    ).all()
    found = []
    for movement in rows:
        segments = session.exec(
            select(MovementSegment)
            .where(MovementSegment.movement_id == movement.movement_id)
            .order_by(col(MovementSegment.segment))
        ).all()
        free = min(segment.capacity - segment.taken for segment in segments)
        if free <= 0:
            continue
        depart = clock.plan_minute(movement.depart_at, scope.first_date, CLOCK_UTC_OFFSET_MIN)
        arrive = clock.plan_minute(movement.arrive_at, scope.first_date, CLOCK_UTC_OFFSET_MIN)
        day = depart // 1440
        days = "".join("01"[d == day] for d in range(scope.days))
        crossings = session.exec(
            select(MovementCrossing.crossing_id)
            .where(MovementCrossing.movement_id == movement.movement_id)
            .order_by(col(MovementCrossing.sequence))
        ).all()
        route = json.loads(movement.route)
        found.append(
            Service(
                id=joined_service_id(movement.movement_id),
                mode="coach",
                origin=segments[0].from_place_id,
                destination=segments[-1].to_place_id,
                depart_min=depart - 1440 * day,
                arrive_min=arrive - 1440 * day,
                days=days,
                vulnerable_days=days if route.get("is_vulnerable_ok") else "0" * scope.days,
                seats=free,
                fare_cents=0,
                crossings=tuple(crossings),
            )
        )
    return found


# ---- capacities ----------------------------------------------------------------------------------------------


class _Used:
    """What accepted movements already use of crossings, beds and reception, by plan day."""

    def __init__(self, session: Session, scope: Scope, at: Situation) -> None:
        start, end = _window(scope)
        self.crossed: dict[tuple[str, int], int] = defaultdict(int)
        self.arrived: dict[tuple[str, int], int] = defaultdict(int)
        self.slept: dict[str, int] = defaultdict(int)

        def day_of(instant: datetime) -> int:
            return clock.plan_minute(instant, scope.first_date, CLOCK_UTC_OFFSET_MIN) // 1440

        rows = session.exec(
            select(Seat, MovementCrossing)
            .join(MovementCrossing, col(MovementCrossing.movement_id) == Seat.movement_id)
            .where(
                Seat.status == SeatStatus.ACTIVE,
                col(MovementCrossing.segment) >= Seat.board,
                col(MovementCrossing.segment) < Seat.alight,
                col(Seat.depart_at) >= start,
                col(Seat.depart_at) < end,
            )
        ).all()
        for _, crossing in rows:
            self.crossed[crossing.crossing_id, day_of(crossing.at)] += 1
        ends = session.exec(
            select(Seat, MovementSegment, TravelGroup)
            .join(TravelGroup, col(TravelGroup.group_id) == Seat.group_id)
            .join(
                MovementSegment,
                (col(MovementSegment.movement_id) == Seat.movement_id)
                & (col(MovementSegment.segment) == Seat.alight - 1),
            )
            .where(Seat.status == SeatStatus.ACTIVE, col(Seat.arrive_at) >= start, col(Seat.arrive_at) < end)
        ).all()
        for seat, segment, group in ends:
            if segment.to_place_id == group.destination_place_id:
                self.arrived[segment.to_place_id, day_of(seat.arrive_at)] += 1
            else:
                self.slept[segment.to_place_id] += 1


def _site(place_id: str, at: Situation, scope: Scope, used: _Used) -> Site:
    where = at.where(place_id)
    rule = at.ground.reception.get(place_id)
    daily = rule.arrivals_per_day if rule else 0
    return Site(
        id=place_id,
        country=where.country,
        lat=where.lat,
        lon=where.lon,
        beds=max(0, (rule.beds or 0) - used.slept[place_id]) if rule else 0,
        arrivals=tuple(max(0, daily - used.arrived[place_id, day]) for day in range(scope.days)),
    )


def _crossing(crossing_id: str, at: Situation, scope: Scope, used: _Used, profiles: frozenset[Profile]) -> Crossing:
    if crossing_id == EMPTY_ONLY:
        return Crossing(id=EMPTY_ONLY, countries=("--", "--"), quota=(0,) * scope.days)
    if crossing_id in BARS:
        return Crossing(id=crossing_id, countries=(crossing_id, crossing_id), quota=(NO_LIMIT,) * scope.days)
    row = at.ground.crossings[crossing_id]
    quota = []
    for day in range(scope.days):
        on = scope.first_date + timedelta(days=day)
        caps = [at.calendars.daily_cap(crossing_id, on, profiles=profiles or {Profile.ADULTS})]
        caps += [
            confirmation.daily_heads
            for confirmation in at.overlay.confirmations
            if crossing_id in confirmation.crossings and confirmation.valid_from <= on <= confirmation.valid_until
        ]
        stated = [cap for cap in caps if cap is not None]
        quota.append(max(0, min(stated, default=NO_LIMIT) - used.crossed[crossing_id, day]))
    return Crossing(id=crossing_id, countries=(row.country_a, row.country_b), quota=tuple(quota))


def _free_escorts(session: Session, scope: Scope) -> int:
    """Escorts who are available and approved for the whole plan and not on a movement in it."""
    start, end = _window(scope)
    busy = select(Seat.escort_id).where(
        Seat.status == SeatStatus.ACTIVE,
        col(Seat.escort_id).is_not(None),
        col(Seat.depart_at) < end,
        col(Seat.arrive_at) > start,
    )
    rows = session.exec(
        select(Escort.escort_id).where(
            col(Escort.is_available),
            Escort.approved_until >= scope.first_date + timedelta(days=scope.days),
            col(Escort.escort_id).not_in(busy),
        )
    ).all()
    return len(rows)


# ---- details that a movement keeps ---------------------------------------------------------------------------


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


def confirmed_air(session: Session, from_country: str, to_country: str, day: date) -> AgreementConfirmation | None:
    """The recorded confirmation that carries a return by air on a day, if there is one."""
    rows = session.exec(
        select(AgreementConfirmation)
        .where(
            AgreementConfirmation.from_country == from_country,
            AgreementConfirmation.to_country == to_country,
            col(AgreementConfirmation.mode).contains("air"),
            col(AgreementConfirmation.revoked_at).is_(None),
            AgreementConfirmation.valid_from <= day,
            AgreementConfirmation.valid_until >= day,
        )
        .order_by(AgreementConfirmation.confirmation_id)
    ).all()
    return rows[0] if rows else None
