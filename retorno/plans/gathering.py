"""Stage 3, first half: from records and ground to a ``Problem`` of ids and numbers, without a name.

Everything that an accepted movement already uses (seats, vehicles, beds, quota, escorts) is taken off first, so that a
new plan never touches what stands. Prices are those of the public benchmark problems (our assumption).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta

from sqlmodel import Session, col, select

from retorno import clock, rules
from retorno.models.movements import Offer, Seat, Vehicle
from retorno.models.office import Office
from retorno.models.people import Case, Person, TransitVisa, TravelGroup
from retorno.movements.facts import not_travelled
from retorno.optimizer.problem import Costs, Group, Problem
from retorno.plans.fleet import bar_of, driving_rules, fleet, free_vehicles, trip_row
from retorno.plans.limits import Used, crossing_row, drivers_rest, escort_pool, site_row
from retorno.plans.offers import charters, joinable_vehicles, open_offers, services
from retorno.plans.scope import CLOCK_UTC_OFFSET_MIN, Scope, first_day_with_notice
from retorno.readiness import facts_of_groups, occasion_of
from retorno.routes.daytrips import DayTrip, TripPolicy, day_trips
from retorno.routes.transit import TransitGrant, agreed_countries, barred_countries
from retorno.rules import Finding, GroupFacts
from retorno.situation import Situation
from retorno.vocabulary import Need, PersonStatus, Profile, SeatStatus, Sex

TRANSFER_MIN = 90
MAX_JOURNEY_DAYS = 4
ESCORT_RETURN_DAYS = 1
ESCORT_POOL = "escorts"
COSTS = Costs(
    driver_day_cents=9_000,
    away_day_cents=12_000,
    bed_night_cents=2_200,
    escort_day_cents=14_000,
    ride_minute_cents=7,
    boarding_cents=1_200,
)
"""As in the public benchmark problems (benchmarks/joint/FORMAT.md, read 2026-11-24): our assumption."""


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
    vehicles = free_vehicles(session, scope)
    offers = open_offers(session, office, scope, at)
    joinable = joinable_vehicles(session, office, scope, at)
    places = _places(candidates, vehicles, offers, at)
    profiles = frozenset(p for c in candidates for p in _profiles(c, session, scope))
    notice_day = first_day_with_notice(scope, at)
    kinds = sorted({at.ground.vehicle_types[v.vehicle_type].crossing_vehicle for v in vehicles}) or ["coach"]
    found = day_trips(
        at.ground,
        at.overlay,
        places,
        first_date=scope.first_date,
        days=scope.days,
        policy=TripPolicy(calendar=at.calendars.policy, driving=driving_rules(at)),
        clock_utc_offset_min=CLOCK_UTC_OFFSET_MIN,
        vehicle_kinds=kinds,
    )
    usable = list(found) if vehicles else []
    trips = [row for row in (trip_row(trip, notice_day, profiles) for trip in usable) if "1" in row.days]
    types, depots = fleet(vehicles, usable, at)
    by_service = [*services(session, offers, scope, at), *joinable]
    by_charter = charters(session, offers, scope, at)
    used = Used(session, scope, at)
    crossings = {c for t in trips for segment in t.crossings for c in segment} | {
        c for s in by_service for c in s.crossings
    }
    stops = sorted(
        {stop for trip in trips for stop in trip.stops}
        | {end for service in by_service for end in (service.origin, service.destination)}
        | {end for charter in by_charter for end in (charter.origin, charter.destination)}
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
        sites=tuple(site_row(stop, at, scope, used) for stop in stops),
        crossings=tuple(crossing_row(crossing, at, scope, used, profiles) for crossing in sorted(crossings)),
        closures=frozenset(),
        vehicle_types=types,
        depots=depots,
        trips=tuple(trips),
        services=tuple(by_service),
        charters=tuple(by_charter),
        cancelled=frozenset(),
        escort_pools=(escort_pool(session, scope, ESCORT_POOL),),
        groups=tuple(_group(session, c, scope, at) for c in candidates),
        conflicts=(),
        rest=drivers_rest(at),
        escorts_keep_seats=1,
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
        Seat.status == SeatStatus.ACTIVE, col(Seat.group_id).is_not(None), not_travelled(clock.now())
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
    alone = [p for p in active if rules.is_unaccompanied_child(p, occasion)]
    ages = [rules.age_of(p, scope.first_date) for p in alone]
    escorts = rules.escorts_needed(ages, at.policy) if alone else 0
    needs = [set(p.fitness.needs) if p.fitness else set() for p in active]
    if any(Need.MEDICAL_ESCORT in each for each in needs):
        escorts += 1
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
        unaccompanied=len(alone),
        escort_women=int(any(p.sex is Sex.FEMALE for p in alone)),
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
