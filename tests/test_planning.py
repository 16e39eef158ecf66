"""Plans: asked for, kept as drafts, judged on real movements, accepted once; nothing that moved is booked."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from sqlmodel import Session, col, select

from retorno import changes
from retorno.database import Database
from retorno.errors import InputError, NotAllowed, Refused, Stale
from retorno.models.movements import Escort, Movement, Plan, Seat
from retorno.models.office import Job
from retorno.models.people import Screening, TravelGroup
from retorno.office.access import Actor
from retorno.optimizer.check import judge
from retorno.optimizer.problem import (
    Leg,
    PlannedVehicle,
    Problem,
    Rest,
    Trip,
    problem_from_json,
    problem_to_json,
)
from retorno.optimizer.problem import Plan as Solution
from retorno.optimizer.solve import Settings, solve
from retorno.plans import planning
from retorno.plans.gathering import Gathered
from retorno.vocabulary import (
    FitnessOutcome,
    HoldKind,
    JobState,
    Mode,
    MovementStatus,
    Need,
    PlanStatus,
    SeatStatus,
    Sex,
)
from tests import builders
from tests import planning_builders as build
from tests.builders import NOW, OfficeFixture

Clock = Callable[[datetime], None]


# ---- small plans by hand --------------------------------------------------------------------------------------


def gathered_plan(session: Session, coordinator: Actor, *, days: int = 2) -> tuple[Plan, Gathered]:
    """A plan that a worker has gathered, from Monday 8 March on."""
    plan = planning.start(session, coordinator, first_date=build.LAND_DAY, days=days, seconds=2)
    found = planning.gathered(session, plan.plan_id)
    planning.keep_problem(session, plan.plan_id, found)
    return plan, found


def trip_home(problem: Problem, destination: str = "GT-CAMIEX") -> Trip:
    """The first trip from Tapachula straight to a place that runs on the first day with people aboard."""
    return next(
        trip
        for trip in problem.trips
        if trip.stops[0] == "MX-TAPACHULA"
        and trip.stops[-1] == destination
        and len(trip.stops) == 2
        and trip.days[0] == "1"
        and not any("no-people" in segment or "not-" in "".join(segment) for segment in trip.crossings)
    )


def by_bus(problem: Problem, *group_ids: str, destination: str = "GT-CAMIEX") -> Solution:
    """One coach takes these groups home on the first day."""
    trip = trip_home(problem, destination)
    kind = problem.vehicle_types[0].id
    coach = PlannedVehicle(id="v1", type=kind, depot="MX-TAPACHULA", hired=False, moves=((0, trip.id),))
    leg = Leg(kind="trip", vehicle="v1", day=0, row_id=trip.id, board=0, alight=1)
    return Solution(problem=problem.name, vehicles=(coach,), itineraries=dict.fromkeys(group_ids, (leg,)))


def by_air(problem: Problem, offer_id: str, *group_ids: str) -> Solution:
    """One charter takes these groups on its day."""
    charter = next(row for row in problem.charters if row.id == offer_id)
    leg = Leg(kind="charter", row_id=offer_id, day=charter.days.index("1"), aircraft=0, board=0, alight=1)
    return Solution(problem=problem.name, vehicles=(), itineraries=dict.fromkeys(group_ids, (leg,)))


def drafted(session: Session, plan: Plan, solution: Solution) -> Plan:
    planning.keep_solution(
        session, plan.plan_id, solution=solution, bound_cents=None, stop_reason="time", is_final=True
    )
    return session.get_one(Plan, plan.plan_id, populate_existing=True)


def fleet(session: Session, coaches: int = 1, drivers: int = 4) -> None:
    build.make_agreement(session)
    for _ in range(coaches):
        build.make_vehicle(session)
    for _ in range(drivers):
        build.make_driver(session)


# ---- asking ---------------------------------------------------------------------------------------------------


def test_asking_writes_the_plan_and_its_job_together(session: Session, coordinator: Actor) -> None:
    plan = planning.start(session, coordinator, first_date=build.LAND_DAY, days=3, seconds=2)
    job = session.exec(select(Job)).one()
    assert (plan.status, job.object_id, job.state) == (PlanStatus.RUNNING, plan.plan_id, JobState.QUEUED)


def test_impossible_wishes_are_named_all_at_once(session: Session, coordinator: Actor) -> None:
    with pytest.raises(InputError) as caught:
        planning.start(session, coordinator, first_date=date(2027, 2, 28), days=43, seconds=0)
    assert [part in str(caught.value) for part in ("past", "43 days", "0 seconds")] == [True, True, True]


def test_another_offices_groups_and_plans_are_not_there(
    session: Session, coordinator: Actor, protection_1: Actor, consulate_hn: Actor
) -> None:
    builders.make_office(session, office_id="Z-OTHER")
    foreign = builders.make_group(session, builders.make_case(session, office_id="Z-OTHER"))
    for group_id in (foreign.group_id, "G-NOTHERE000"):
        with pytest.raises(NotAllowed):
            planning.start(session, coordinator, first_date=build.LAND_DAY, days=2, group_ids=[group_id])
    plan = planning.start(session, coordinator, first_date=build.LAND_DAY, days=2)
    for actor in (protection_1, consulate_hn):
        with pytest.raises(NotAllowed):
            planning.read_plan(session, actor, plan_id=plan.plan_id)


# ---- keeping and accepting ------------------------------------------------------------------------------------


def test_an_accepted_plan_becomes_movements_with_seats_drivers_and_borders(
    session: Session, coordinator: Actor
) -> None:
    fleet(session)
    one, two = build.make_neighbours(session, adults=2), build.make_neighbours(session, adults=3)
    plan, found = gathered_plan(session, coordinator)
    draft = drafted(session, plan, by_bus(found.problem, one.group_id, two.group_id))
    assert draft.status is PlanStatus.DRAFT
    accepted = planning.accept(session, coordinator, plan_id=plan.plan_id)
    (movement_id,) = accepted.movement_ids
    movement = session.get_one(Movement, movement_id)
    assert (movement.status, movement.mode, movement.operator) == (
        MovementStatus.ACCEPTED, Mode.ROAD, build.OPERATOR,
    )  # fmt: skip
    assert len(build.aboard(session, movement_id)) == 5
    assert len([part for part in movement.drivers.split(";") if part]) == movement.drivers_needed >= 1
    with pytest.raises(Stale, match="only a draft"):
        planning.accept(session, coordinator, plan_id=plan.plan_id)


def test_a_plan_that_the_judge_refuses_is_never_kept(session: Session, coordinator: Actor) -> None:
    fleet(session)
    family = build.make_neighbours(session, adults=2)
    plan, found = gathered_plan(session, coordinator)
    wrong = by_bus(found.problem, family.group_id)
    nobody_drives = Solution(problem=wrong.problem, vehicles=(), itineraries=wrong.itineraries)
    with pytest.raises(planning.Inconsistent):
        planning.keep_solution(
            session, plan.plan_id, solution=nobody_drives, bound_cents=None, stop_reason="", is_final=True
        )


def test_a_fact_during_the_run_leaves_the_family_out_of_the_draft(session: Session, coordinator: Actor) -> None:
    fleet(session)
    stays, leaves = build.make_neighbours(session, adults=2), build.make_neighbours(session, adults=1)
    plan, found = gathered_plan(session, coordinator)
    person = build.members(session, leaves.group_id)[0]
    changes.withdraw(session, coordinator, person_id=person.person_id)
    draft = drafted(session, plan, by_bus(found.problem, stays.group_id, leaves.group_id))
    assert draft.status is PlanStatus.DRAFT
    assert set(planning.solution_of(draft).itineraries) == {stays.group_id}
    accepted = planning.accept(session, coordinator, plan_id=plan.plan_id)
    assert person.person_id not in build.aboard(session, accepted.movement_ids[0])


@pytest.mark.parametrize("fact", ["withdrawal", "hold", "unfit", "escort approval"])
def test_a_fact_after_the_draft_makes_it_stale(
    session: Session, coordinator: Actor, health: Actor, protection_1: Actor, fact: str
) -> None:
    fleet(session)
    family = build.make_neighbours(session, adults=2)
    plan, found = gathered_plan(session, coordinator)
    drafted(session, plan, by_bus(found.problem, family.group_id))
    person_id = build.members(session, family.group_id)[0].person_id
    match fact:
        case "withdrawal":
            changes.withdraw(session, coordinator, person_id=person_id)
        case "hold":
            changes.raise_hold(session, protection_1, person_id=person_id, kind=HoldKind.COURT)
        case "unfit":
            changes.record_unfit(session, health, person_ids=[person_id], until=NOW.date() + timedelta(days=20))
        case _:
            group = session.get_one(TravelGroup, family.group_id)
            group.availability += 1
            session.add(group)
            session.flush()
    with pytest.raises(Stale, match="facts changed for 1"):
        planning.accept(session, coordinator, plan_id=plan.plan_id)
    assert session.exec(select(Seat)).all() == []


def test_a_cancelled_offer_makes_the_plan_stale(session: Session, coordinator: Actor) -> None:
    offer = build.make_offer(session)
    family = air_family(session)
    plan, found = gathered_plan(session, coordinator)
    drafted(session, plan, by_air(found.problem, offer.offer_id, family.group_id))
    offer.cancelled_at = NOW
    session.add(offer)
    session.flush()
    with pytest.raises(Stale, match="offer"):
        planning.accept(session, coordinator, plan_id=plan.plan_id)


def air_family(session: Session, adults: int = 2) -> TravelGroup:
    """A family that waits at the airport of Tapachula for San Pedro Sula."""
    case = builders.make_case(session, place_id="APT-TAP")
    return build.make_family(session, adults=adults, case=case, destination_place_id="APT-SAP")


def test_a_draft_that_waited_too_long_for_its_notice_is_stale(
    session: Session, coordinator: Actor, frozen_clock: Clock
) -> None:
    fleet(session)
    family = build.make_neighbours(session, adults=2)
    plan, found = gathered_plan(session, coordinator)
    drafted(session, plan, by_bus(found.problem, family.group_id))
    frozen_clock(build.LAND_DEPART - timedelta(hours=60))
    with pytest.raises(Stale, match="too soon for their notice"):
        planning.accept(session, coordinator, plan_id=plan.plan_id)


def test_two_plans_cannot_use_the_only_vehicle(session: Session, coordinator: Actor, coordinator_2: Actor) -> None:
    fleet(session)
    families = [build.make_neighbours(session, adults=size) for size in (2, 3)]
    plans = []
    for family in families:
        plan, found = gathered_plan(session, coordinator)
        drafted(session, plan, by_bus(found.problem, family.group_id))
        plans.append(plan.plan_id)
    planning.accept(session, coordinator, plan_id=plans[0])
    savepoint = session.begin_nested()
    with pytest.raises(Stale, match="vehicle"):
        planning.accept(session, coordinator_2, plan_id=plans[1])
    savepoint.rollback()
    assert len(session.exec(select(Movement)).all()) == 1


def test_a_family_is_seated_by_one_plan_only(session: Session, coordinator: Actor, coordinator_2: Actor) -> None:
    fleet(session, coaches=2)
    family = build.make_neighbours(session, adults=2)
    plans = []
    for _ in range(2):
        plan, found = gathered_plan(session, coordinator)
        drafted(session, plan, by_bus(found.problem, family.group_id))
        plans.append(plan.plan_id)
    planning.accept(session, coordinator, plan_id=plans[0])
    with pytest.raises(Stale):
        planning.accept(session, coordinator_2, plan_id=plans[1])


# ---- two coordinators at once ---------------------------------------------------------------------------------


def at_once(*acts: Callable[[], Any]) -> list[Any]:
    """Run acts at the same moment; the result or the error of each."""
    gate, outcomes = threading.Barrier(len(acts)), [None] * len(acts)

    def run(number: int) -> None:
        gate.wait()
        try:
            outcomes[number] = acts[number]()
        except Exception as error:
            outcomes[number] = error

    threads = [threading.Thread(target=run, args=(number,)) for number in range(len(acts))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    return outcomes


@pytest.mark.parametrize("what", ["the same family", "the last seats"])
def test_of_two_coordinators_who_accept_at_once_one_wins_and_one_is_told(
    database: Database, office: OfficeFixture, coordinator: Actor, coordinator_2: Actor, what: str
) -> None:
    with database.transaction() as session:
        offer = build.make_offer(session, seats=4)  # three usable
        families = [air_family(session), air_family(session, adults=3)]
        plans = []
        for number in range(2):
            plan, found = gathered_plan(session, coordinator)
            family = families[0 if what == "the same family" else number]
            drafted(session, plan, by_air(found.problem, offer.offer_id, family.group_id))
            plans.append(plan.plan_id)

    def accept(actor: Actor, plan_id: str) -> Callable[[], Any]:
        def act() -> Any:
            with database.transaction() as session:
                return planning.accept(session, actor, plan_id=plan_id)

        return act

    outcomes = at_once(accept(coordinator, plans[0]), accept(coordinator_2, plans[1]))
    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["Accepted", "Stale"]
    with database.transaction() as session:
        seats = session.exec(select(Seat).where(Seat.status == SeatStatus.ACTIVE)).all()
        assert len({seat.group_id for seat in seats}) == 1
        assert len(seats) in ({2} if what == "the same family" else {2, 3})


def test_a_withdrawal_at_the_moment_of_acceptance_always_wins(
    database: Database, office: OfficeFixture, coordinator: Actor, coordinator_2: Actor
) -> None:
    with database.transaction() as session:
        offer = build.make_offer(session)
        family = air_family(session)
        plan, found = gathered_plan(session, coordinator)
        drafted(session, plan, by_air(found.problem, offer.offer_id, family.group_id))
        person_id = build.members(session, family.group_id)[0].person_id

    def accept() -> Any:
        with database.transaction() as session:
            return planning.accept(session, coordinator, plan_id=plan.plan_id)

    def withdraw() -> Any:
        with database.transaction() as session:
            return changes.withdraw(session, coordinator_2, person_id=person_id)

    accepted, withdrawn = at_once(accept, withdraw)
    assert isinstance(withdrawn, changes.Effect)
    assert isinstance(accepted, planning.Accepted | Stale)
    with database.transaction() as session:
        assert session.exec(select(Seat).where(Seat.status == SeatStatus.ACTIVE)).all() == []


# ---- what the problem cannot state is judged on the movements -------------------------------------------------


def child_flight(
    session: Session, coordinator: Actor, *, escorts: list[Escort], children: int = 1, approve: bool = True,
    offer: dict[str, Any] | None = None, **child: Any,
) -> tuple[Plan, str]:  # fmt: skip
    """A draft that flies one group of unaccompanied children and one of adults, whatever its problem says of them.

    The problem is as version 1 of the format has it, so that the rules are seen to stop what a plan could not state.
    """
    flight = build.make_offer(session, **(offer or {}))
    case = builders.make_case(session, place_id="APT-TAP")
    group = builders.make_group(session, case, destination_place_id="APT-SAP")
    for _ in range(children):
        build.make_child_alone(session, group, escorts=escorts if approve else (), **child)
    adults = air_family(session)
    plan, found = gathered_plan(session, coordinator)
    assert group.group_id not in found.left_out, found.left_out
    found.problem = as_version_1(found.problem)
    planning.keep_problem(session, plan.plan_id, found)
    return drafted(session, plan, by_air(found.problem, flight.offer_id, group.group_id, adults.group_id)), (
        group.group_id
    )


def as_version_1(problem: Problem) -> Problem:
    """The problem without what only version 2 of the format can say."""
    document = problem_to_json(problem)
    return problem_from_json(document | {"format": "retorno-joint-problem/1"})


def planned_children(session: Session, coordinator: Actor, **offer: Any) -> tuple[Problem, Solution, str]:
    """The problem of a girl of thirteen with two approved escorts and of adults by air, the plan found, her group."""
    build.make_offer(session, **offer)
    case = builders.make_case(session, place_id="APT-TAP")
    group = builders.make_group(session, case, destination_place_id="APT-SAP")
    escorts = session.exec(select(Escort).order_by(Escort.escort_id)).all()
    build.make_child_alone(session, group, escorts=escorts)
    air_family(session)
    _, found = gathered_plan(session, coordinator)
    result = solve(found.problem, Settings(seconds=5.0, seed=1, max_rounds=20))
    assert judge(found.problem, result.plan).is_valid
    return found.problem, result.plan, group.group_id


@pytest.mark.parametrize(("sexes", "returns", "code"), [
    ((Sex.FEMALE, Sex.MALE), 2, None),
    ((Sex.MALE, Sex.MALE), 2, "ESCORT_SEX"),
    ((Sex.FEMALE, Sex.MALE), 1, "ESCORT_RETURN"),
])  # fmt: skip
def test_a_plan_already_holds_what_the_rules_ask_of_escorts(
    session: Session, coordinator: Actor, sexes: tuple[Sex, ...], returns: int, code: str | None
) -> None:
    for sex in sexes:
        build.make_escort(session, sex=sex)

    problem, found, group_id = planned_children(session, coordinator, escort_returns=returns)
    everybody = by_air(problem, problem.charters[0].id, *(group.id for group in problem.groups))

    assert (group_id in found.itineraries) is (code is None)
    assert {str(each) for each in judge(problem, everybody).codes} == ({code} if code else set())


def test_a_plan_already_holds_the_most_children_alone_of_an_aircraft(session: Session, coordinator: Actor) -> None:
    escorts = [build.make_escort(session) for _ in range(8)]
    build.make_offer(session)
    case = builders.make_case(session, place_id="APT-TAP")
    groups = [builders.make_group(session, case, destination_place_id="APT-SAP") for _ in range(2)]
    for number in range(41):
        build.make_child_alone(session, groups[number % 2], escorts=escorts)
    _, found = gathered_plan(session, coordinator)

    result = solve(found.problem, Settings(seconds=5.0, seed=1, max_rounds=20))
    both = by_air(found.problem, found.problem.charters[0].id, *(group.id for group in found.problem.groups))

    assert sorted(group.unaccompanied for group in found.problem.groups) == [20, 21]
    assert "UNACCOMPANIED" in judge(found.problem, both).codes
    assert "UNACCOMPANIED" not in judge(found.problem, result.plan).codes
    assert len(result.plan.itineraries) == 1


def test_a_problem_lets_the_drivers_of_a_vehicle_rest_as_the_rules_ask(session: Session, coordinator: Actor) -> None:
    fleet(session)
    build.make_neighbours(session, adults=2)
    _, found = gathered_plan(session, coordinator)

    # Six days in a row at most, ten hours between two of them (data/policy.csv).
    assert found.problem.rest == Rest(window_days=7, most_days=6, night_min=600)
    assert problem_to_json(found.problem)["format"] == "retorno-joint-problem/2"


def test_rested_drivers_are_booked_before_tired_ones(session: Session, coordinator: Actor) -> None:
    fleet(session, coaches=1, drivers=4)
    family = build.make_neighbours(session, adults=2)
    plan, found = gathered_plan(session, coordinator)
    drivers = sorted(session.exec(select(build.Driver.driver_id)).all())
    for day in range(2, 8):
        build.make_bus(
            session, drivers=0, depart_at=datetime(2027, 3, day, 12, 45, tzinfo=NOW.tzinfo),
            status=MovementStatus.CLOSED,
        ).drivers = ";".join(drivers[:2])  # fmt: skip
    session.flush()
    draft = drafted(session, plan, by_bus(found.problem, family.group_id))

    accepted = planning.accept(session, coordinator, plan_id=draft.plan_id)
    booked = session.get_one(Movement, accepted.movement_ids[0]).drivers.split(";")

    assert set(booked) <= set(drivers[2:])


def rules_that_stopped(plan: Plan, group_id: str) -> set[str]:
    rows = {row["group_id"]: row for row in json.loads(plan.unplanned)}
    return {found["code"] for found in rows.get(group_id, {"findings": []})["findings"]}


def test_a_child_alone_with_two_approved_escorts_and_their_way_back_is_planned(
    session: Session, coordinator: Actor
) -> None:
    escorts = [build.make_escort(session), build.make_escort(session, sex=Sex.MALE)]
    plan, group_id = child_flight(session, coordinator, escorts=escorts)
    assert rules_that_stopped(plan, group_id) == set()
    accepted = planning.accept(session, coordinator, plan_id=plan.plan_id)
    seated = session.exec(
        select(Seat.escort_id).where(Seat.movement_id == accepted.movement_ids[0], col(Seat.escort_id).is_not(None))
    ).all()
    assert sorted(seated) == sorted(escort.escort_id for escort in escorts)


def test_r13_a_girl_without_a_woman_as_escort_stays_unplanned_with_the_rule(
    session: Session, coordinator: Actor
) -> None:
    escorts = [build.make_escort(session, sex=Sex.MALE) for _ in range(2)]
    plan, group_id = child_flight(session, coordinator, escorts=escorts)
    assert "ESCORT_OWN_SEX" in rules_that_stopped(plan, group_id)
    assert group_id not in planning.solution_of(plan).itineraries


def test_r13_a_boy_with_two_men_is_planned(session: Session, coordinator: Actor) -> None:
    escorts = [build.make_escort(session, sex=Sex.MALE) for _ in range(2)]
    plan, group_id = child_flight(session, coordinator, escorts=escorts, sex=Sex.MALE)
    assert group_id in planning.solution_of(plan).itineraries


@pytest.mark.parametrize(("returns", "is_planned"), [(2, True), (1, False)])
def test_r13_every_escort_needs_a_seat_back(
    session: Session, coordinator: Actor, returns: int, is_planned: bool
) -> None:
    escorts = [build.make_escort(session) for _ in range(2)]
    plan, group_id = child_flight(session, coordinator, escorts=escorts, offer={"escort_returns": returns})
    assert (group_id in planning.solution_of(plan).itineraries) is is_planned
    assert ("ESCORT_NO_RETURN" in rules_that_stopped(plan, group_id)) is not is_planned


def test_r12_escorts_whom_nobody_approved_for_the_child_do_not_count(session: Session, coordinator: Actor) -> None:
    escorts = [build.make_escort(session) for _ in range(4)]
    one_approved = escorts[:1]
    plan, group_id = child_flight(session, coordinator, escorts=one_approved)
    assert "ESCORTS_TOO_FEW" in rules_that_stopped(plan, group_id)


def test_r14_more_children_alone_than_one_vehicle_may_hold_stay_unplanned(session: Session, coordinator: Actor) -> None:
    escorts = [build.make_escort(session) for _ in range(8)]
    # Forty is the most of an aircraft; forty-one children of thirteen need seven escorts by age, who are there.
    plan, group_id = child_flight(session, coordinator, escorts=escorts, children=41)
    assert "UASC_PER_VEHICLE" in rules_that_stopped(plan, group_id)


def test_r14_forty_children_alone_fit_an_aircraft(session: Session, coordinator: Actor) -> None:
    escorts = [build.make_escort(session) for _ in range(8)]
    plan, group_id = child_flight(session, coordinator, escorts=escorts, children=40)
    assert group_id in planning.solution_of(plan).itineraries


def test_r16_a_medical_escort_is_a_medical_one(session: Session, coordinator: Actor) -> None:
    offer = build.make_offer(session)
    family = air_family(session)
    person = build.members(session, family.group_id)[0]
    session.add(
        builders.Fitness(
            person_id=person.person_id, outcome=FitnessOutcome.FIT_WITH_CONDITIONS, needs=Need.MEDICAL_ESCORT.value,
            valid_from=date(2027, 2, 25), valid_until=date(2027, 5, 25), assessed_by="U-1", assessed_at=NOW,
        )
    )  # fmt: skip
    build.make_escort(session)
    nurse = build.make_escort(session, duty="medical")
    session.flush()
    plan, found = gathered_plan(session, coordinator)
    draft = drafted(session, plan, by_air(found.problem, offer.offer_id, family.group_id))
    assert family.group_id in planning.solution_of(draft).itineraries
    accepted = planning.accept(session, coordinator, plan_id=plan.plan_id)
    seated = session.exec(
        select(Seat.escort_id).where(Seat.movement_id == accepted.movement_ids[0], col(Seat.escort_id).is_not(None))
    ).all()
    assert seated == [nurse.escort_id]


def test_r20_drivers_without_their_weekly_rest_stop_the_movement(session: Session, coordinator: Actor) -> None:
    fleet(session, coaches=1, drivers=2)
    family = build.make_neighbours(session, adults=2)
    plan, found = gathered_plan(session, coordinator)
    drivers = session.exec(select(build.Driver.driver_id)).all()
    # Six days in a row, 2 to 7 March, with other coaches; the seventh day would be the journey.
    for day in range(2, 8):
        build.make_bus(
            session, drivers=0, depart_at=datetime(2027, 3, day, 12, 45, tzinfo=NOW.tzinfo),
            status=MovementStatus.CLOSED,
        ).drivers = ";".join(drivers)  # fmt: skip
    session.flush()
    draft = drafted(session, plan, by_bus(found.problem, family.group_id))
    assert "DRIVER_WEEK" in rules_that_stopped(draft, family.group_id)
    with pytest.raises((Refused, Stale)):
        planning.accept(session, coordinator, plan_id=plan.plan_id)


def test_a_coordinator_never_reads_a_screening_out_of_a_refused_plan(
    session: Session, coordinator: Actor, frozen_clock: Clock
) -> None:
    offer = build.make_offer(session)
    family = air_family(session, adults=1)
    plan, found = gathered_plan(session, coordinator)
    drafted(session, plan, by_air(found.problem, offer.offer_id, family.group_id))
    for screening in session.exec(select(Screening)).all():
        screening.screened_at = NOW - timedelta(days=40)
        session.add(screening)
    session.flush()
    with pytest.raises(Refused) as caught:
        planning.accept(session, coordinator, plan_id=plan.plan_id)
    assert {found.code.value for found in caught.value.findings} == {"NOT_AVAILABLE"}


# ---- joining what stands --------------------------------------------------------------------------------------


def test_people_who_join_an_issued_flight_send_it_back_to_be_confirmed_and_signed(
    session: Session, coordinator: Actor, coordinator_2: Actor, tmp_path: Any
) -> None:
    build.use_keys(tmp_path)
    offer = build.make_offer(session)
    flight = build.make_flight(session, offer=offer)
    build.seat_group(session, flight, air_family(session))
    build.release(session, coordinator, coordinator_2, flight.movement_id)
    family = air_family(session, adults=3)
    plan, found = gathered_plan(session, coordinator)
    # 54 seats may be used, two are taken; the aircraft is paid for already.
    (charter,) = found.problem.charters
    assert (charter.seats, charter.fixed_cents, charter.min_load) == (52, 0, 0)
    drafted(session, plan, by_air(found.problem, offer.offer_id, family.group_id))
    accepted = planning.accept(session, coordinator, plan_id=plan.plan_id)
    assert accepted.movement_ids == (flight.movement_id,)
    assert build.status_of(session, flight.movement_id) is MovementStatus.ACCEPTED
    build.confirm_all(session, coordinator, flight.movement_id)
    assert build.issue(session, coordinator, coordinator_2, flight.movement_id) == 2


def test_a_stopped_run_keeps_its_best_plan_as_a_draft(session: Session, coordinator: Actor) -> None:
    fleet(session)
    family = build.make_neighbours(session, adults=2)
    plan, found = gathered_plan(session, coordinator)
    best = by_bus(found.problem, family.group_id)
    planning.keep_solution(session, plan.plan_id, solution=best, bound_cents=5, stop_reason="", is_final=False)
    assert session.get_one(Plan, plan.plan_id).status is PlanStatus.RUNNING
    assert judge(found.problem, planning.solution_of(plan)).is_valid
    planning.discard(session, coordinator, plan_id=plan.plan_id)
    drafted(session, plan, best)
    assert session.get_one(Plan, plan.plan_id).status is PlanStatus.DISCARDED


def test_the_longer_stranded_weigh_more(session: Session, coordinator: Actor) -> None:
    fleet(session)
    long, short = build.make_neighbours(session, adults=1), build.make_neighbours(session, adults=1)
    person = build.members(session, long.group_id)[0]
    person.stranded_since = date(2027, 1, 4)
    session.add(person)
    session.flush()
    _, found = gathered_plan(session, coordinator)
    price = {group.id: (group.wait_cents_per_day, group.unplanned_cents) for group in found.problem.groups}
    # 26 days are 3 whole weeks, 63 days are 9, of which 5 count: 200 cents a day and 20,000 for each.
    assert price[short.group_id] == (2_000, 560_000)
    assert price[long.group_id] == (2_400, 600_000)


def test_vehicles_of_a_plan_have_valid_papers_on_all_its_days(session: Session, coordinator: Actor) -> None:
    fleet(session, coaches=0)
    build.make_neighbours(session, adults=1)
    build.make_vehicle(session, insurance_until=date(2027, 3, 9))
    build.make_vehicle(session, available_until=date(2027, 3, 8))
    build.make_vehicle(session, insurance_until=date(2027, 3, 10))
    _, found = gathered_plan(session, coordinator)
    assert sum(sum(depot.own.values()) for depot in found.problem.depots) == 1
