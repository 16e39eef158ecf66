"""Gathering: from records to a problem of ids and numbers; who may ride what, what is left of every limit."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta

from sqlmodel import Session

from retorno.models.people import Fitness
from retorno.office.access import Actor
from retorno.optimizer.check import judge
from retorno.optimizer.problem import Leg, problem_to_json
from retorno.optimizer.problem import Plan as Solution
from retorno.plans import planning
from retorno.plans.fairness import first_stranded_first
from retorno.plans.fleet import EMPTY_ONLY, bar_of
from retorno.plans.gathering import Gathered
from retorno.vocabulary import FitnessOutcome, Mode, Need, Profile
from tests import builders
from tests import planning_builders as build
from tests.builders import NOW


def gathered(session: Session, coordinator: Actor, *, first_date: date = build.LAND_DAY, days: int = 2) -> Gathered:
    plan = planning.start(session, coordinator, first_date=first_date, days=days, seconds=2)
    return planning.gathered(session, plan.plan_id)


def equip(session: Session) -> None:
    build.make_agreement(session)
    build.make_vehicle(session)


def test_no_name_and_no_nationality_reaches_the_problem(session: Session, coordinator: Actor) -> None:
    equip(session)
    family = build.make_neighbours(session, adults=2, children=1)
    found = gathered(session, coordinator)
    text = json.dumps(problem_to_json(found.problem))
    for person in build.members(session, family.group_id):
        assert person.given_names not in text
        assert person.person_id not in text
    assert "Inventada" not in text
    assert "passport" not in text


def test_who_may_not_ride_a_trip_is_kept_off_it_and_the_others_are_not(session: Session, coordinator: Actor) -> None:
    # CAMR Omoa takes adults, no families: its trips are barred to the family only.
    build.make_agreement(session)
    build.make_vehicle(session)
    adults = build.make_family(session, adults=2)
    family = build.make_family(session, adults=1, children=1, destination_place_id="HN-CANFM-BELEN")
    found = gathered(session, coordinator, days=3)
    barred = {group.id: set(group.barred_countries) for group in found.problem.groups}
    not_families = bar_of(Profile.FAMILIES)
    assert not_families in barred[family.group_id]
    assert not_families not in barred[adults.group_id]
    to_omoa = [trip for trip in found.problem.trips if trip.stops[-1] == "HN-CAMR-OMOA"]
    with_people = [trip for trip in to_omoa if all(EMPTY_ONLY not in segment for segment in trip.crossings)]
    assert with_people
    assert all(not_families in segment for trip in with_people for segment in trip.crossings)
    borders = {row.id: row for row in found.problem.crossings}
    assert borders[not_families].countries == (not_families, not_families)
    if EMPTY_ONLY in borders:
        assert set(borders[EMPTY_ONLY].quota) == {0}


def test_a_plan_that_puts_a_family_on_a_trip_for_adults_is_refused(session: Session, coordinator: Actor) -> None:
    build.make_agreement(session)
    build.make_vehicle(session)
    build.make_family(session, adults=1)
    family = build.make_family(session, adults=1, children=1, destination_place_id="HN-CAMR-OMOA")
    found = gathered(session, coordinator, days=3)
    trip = next(
        row
        for row in found.problem.trips
        if row.stops[-1] == "HN-CAMR-OMOA" and bar_of(Profile.FAMILIES) in row.crossings[-1]
    )
    leg = Leg(kind="trip", vehicle="v1", day=trip.days.index("1"), row_id=trip.id, board=0, alight=len(trip.stops) - 1)
    verdict = judge(found.problem, Solution(problem=found.problem.name, itineraries={family.group_id: (leg,)}))
    assert "BARRED_COUNTRY" in {violation.code for violation in verdict.violations}


def test_nothing_runs_before_its_list_can_be_sent(session: Session, coordinator: Actor) -> None:
    equip(session)
    build.make_neighbours(session, adults=1)
    # Now is Monday 09:00 in Guatemala; 72 hours of notice and six to prepare end on Thursday at 15:00.
    build.make_offer(
        session, depart_at=datetime(2027, 3, 4, 20, 59, tzinfo=UTC), arrive_at=datetime(2027, 3, 4, 22, 0, tzinfo=UTC)
    )
    later = build.make_offer(
        session, depart_at=datetime(2027, 3, 4, 21, 0, tzinfo=UTC), arrive_at=datetime(2027, 3, 4, 22, 0, tzinfo=UTC)
    )
    found = gathered(session, coordinator, first_date=date(2027, 3, 1), days=5)
    assert [charter.id for charter in found.problem.charters] == [later.offer_id]
    running = {day for trip in found.problem.trips for day, mark in enumerate(trip.days) if mark == "1"}
    assert running == {4}


def test_what_stands_is_taken_off_first(session: Session, coordinator: Actor) -> None:
    equip(session)
    bus = build.make_bus(session)
    build.seat_group(session, bus, build.make_family(session, adults=5))
    build.make_neighbours(session, adults=1)
    second = build.make_vehicle(session)
    found = gathered(session, coordinator)
    # The coach of the bus is away; the two others stand in Tapachula.
    assert sum(sum(depot.own.values()) for depot in found.problem.depots) == 2
    assert second.depot_place_id == "MX-TAPACHULA"
    quota = {row.id: row.quota for row in found.problem.crossings}
    assert quota["MX-GT-TAL"][0] == quota["MX-GT-TAL"][1] - 5
    omoa = {site.id: site for site in found.problem.sites}.get("HN-CAMR-OMOA")
    assert omoa is None or omoa.arrivals[0] == 115


def test_seats_left_on_bought_and_accepted_departures_are_offered(session: Session, coordinator: Actor) -> None:
    build.make_offer(session, mode=Mode.FLIGHT, seats=9, fare_cents=21_000, fixed_cents=0)
    taken = build.make_flight(session)
    build.seat_group(session, taken, build.make_family(session, adults=4, destination_place_id="APT-SAP"))
    bus = build.make_bus(session)
    build.seat_group(session, bus, build.make_family(session, adults=3))
    build.make_family(session, adults=1)
    found = gathered(session, coordinator)
    services = {row.mode: row for row in found.problem.services}
    assert (services["flight"].seats, services["flight"].days) == (9, "01")
    assert (services["coach"].seats, services["coach"].id) == (37, f"J{bus.movement_id}")
    (charter,) = found.problem.charters
    assert (charter.seats, charter.fixed_cents) == (50, 0)


def test_a_group_that_may_not_travel_is_left_out_with_what_stops_it(session: Session, coordinator: Actor) -> None:
    equip(session)
    ready = build.make_neighbours(session, adults=1)
    blocked = builders.make_person(session, ready=False).group_id
    found = gathered(session, coordinator)
    assert [group.id for group in found.problem.groups] == [ready.group_id]
    assert "NO_CONSENT" in {each.code.value for each in found.left_out[blocked]}


def test_days_end_with_the_papers_and_the_wishes(session: Session, coordinator: Actor) -> None:
    equip(session)
    family = build.make_neighbours(session, adults=1, earliest_date=date(2027, 3, 9), latest_date=date(2027, 3, 20))
    person = build.members(session, family.group_id)[0]
    session.add(
        Fitness(
            person_id=person.person_id, outcome=FitnessOutcome.FIT, valid_from=date(2027, 2, 25),
            valid_until=date(2027, 3, 11), assessed_by="U-1", assessed_at=NOW,
        )
    )  # fmt: skip
    session.flush()
    found = gathered(session, coordinator, days=6)
    (group,) = found.problem.groups
    assert (group.ready_day, group.latest_day) == (1, 3)


def test_needs_become_counts(session: Session, coordinator: Actor) -> None:
    equip(session)
    build.make_escort(session)
    family = build.make_neighbours(session, adults=2)
    one, two = build.members(session, family.group_id)
    for person, needs in ((one, f"{Need.WHEELCHAIR};{Need.MEDICAL_ESCORT}"), (two, "")):
        session.add(
            Fitness(
                person_id=person.person_id, outcome=FitnessOutcome.FIT_WITH_CONDITIONS, needs=needs,
                valid_from=date(2027, 2, 25), valid_until=date(2027, 5, 25), assessed_by="U-1", assessed_at=NOW,
            )
        )  # fmt: skip
    alone = builders.make_group(session)
    build.make_child_alone(session, alone, escorts=[build.make_escort(session) for _ in range(2)])
    session.flush()
    found = gathered(session, coordinator)
    groups = {group.id: group for group in found.problem.groups}
    assert (groups[family.group_id].wheelchairs, groups[family.group_id].escorts) == (1, 1)
    assert (groups[alone.group_id].escorts, groups[alone.group_id].vulnerable) == (2, 1)


# ---- first stranded first -------------------------------------------------------------------------------------


def test_of_groups_alike_the_longer_stranded_never_arrives_later(session: Session, coordinator: Actor) -> None:
    equip(session)
    flights = [
        build.make_offer(
            session,
            depart_at=datetime(2027, 3, day, 15, 0, tzinfo=UTC),
            arrive_at=datetime(2027, 3, day, 17, tzinfo=UTC),
        ).offer_id
        for day in (9, 10)
    ]
    families = [
        build.make_family(
            session, adults=2, case=builders.make_case(session, place_id="APT-TAP"), destination_place_id="APT-SAP"
        ).group_id
        for _ in range(3)
    ]
    found = gathered(session, coordinator, days=4)
    legs = [
        (Leg(kind="charter", row_id=offer, day=day, aircraft=0, board=0, alight=1),)
        for offer, day in zip(flights, (1, 2), strict=True)
    ]
    upside_down = Solution(problem=found.problem.name, itineraries={families[0]: legs[1], families[2]: legs[0]})
    since = {group_id: date(2027, 1, 4) + timedelta(days=number) for number, group_id in enumerate(families)}
    fair = first_stranded_first(found.problem, upside_down, since)
    assert fair.itineraries == {families[0]: legs[0], families[1]: legs[1]}
    before, after = judge(found.problem, upside_down), judge(found.problem, fair)
    assert before.is_valid
    assert after.is_valid
    assert after.value_cents <= before.value_cents
