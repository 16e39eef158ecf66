"""The workbench: reasons before the click, no forcing, undo to the byte, pins, copies that leave their basis alone."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta

import pytest
from sqlmodel import Session, select

from retorno import changes
from retorno.database import Database
from retorno.errors import InputError, NotAllowed, Stale
from retorno.models.movements import Movement, Plan, PlanStep, Seat, Vehicle
from retorno.models.office import AuditEntry
from retorno.models.people import TravelGroup
from retorno.office.access import Actor
from retorno.optimizer.check import judge
from retorno.optimizer.problem import Plan as Solution
from retorno.optimizer.solve import Settings, solve
from retorno.plans import choosing, comparison, plan_report, planning, screening, solving, what_if, workbench
from retorno.plans.store import problem_of, solution_of
from retorno.plans.what_if import WhatIf
from retorno.vocabulary import (
    Assumed,
    ClosureTarget,
    HoldKind,
    MovementStatus,
    PlanAct,
    PlanStatus,
    SeatStatus,
)
from tests import builders
from tests import planning_builders as build
from tests.test_planning import air_family, by_air, by_bus, drafted, gathered_plan

on_sqlite = pytest.mark.parametrize("database", ["sqlite"], indirect=True)
"""For promises that no database can break."""


@pytest.fixture
def small_coaches(session: Session) -> None:
    """Two coaches with four usable seats each, and drivers for both."""
    build.make_agreement(session)
    for _ in range(2):
        build.make_vehicle(session, seats=5)
    for _ in range(4):
        build.make_driver(session)


def draft_of(
    session: Session, coordinator: Actor, *planned: TravelGroup, days: int = 2, day: int = 0
) -> tuple[Plan, Solution]:
    """A draft in which one coach takes some families home, on Monday unless said otherwise."""
    plan, found = gathered_plan(session, coordinator, days=days)
    solution = by_bus(found.problem, *(group.group_id for group in planned))
    if day:
        solution = on_day(solution, day)
    return drafted(session, plan, solution), solution


def on_day(solution: Solution, day: int) -> Solution:
    """The same rides on another day."""
    return replace(
        solution,
        vehicles=tuple(replace(v, moves=tuple((day, trip_id) for _, trip_id in v.moves)) for v in solution.vehicles),
        itineraries={g: tuple(replace(leg, day=day) for leg in legs) for g, legs in solution.itineraries.items()},
    )


def now(session: Session, plan_id: str) -> Plan:
    return session.get_one(Plan, plan_id, populate_existing=True)


def going(session: Session, plan_id: str) -> set[str]:
    return set(solution_of(now(session, plan_id)).itineraries)


def is_valid(session: Session, plan_id: str) -> bool:
    plan = now(session, plan_id)
    return judge(problem_of(plan), solution_of(plan)).is_valid


def run(session: Session, plan_id: str, *, seconds: float = 2.0) -> Plan:
    """What the worker does with a copy, here and now."""
    task = solving.task(session, plan_id)
    if task.found is not None:
        solving.keep_problem(session, plan_id, task.found)
    result = solve(task.problem, Settings(seconds=seconds, max_rounds=300), start=task.start)
    solving.keep_solution(
        session,
        plan_id,
        solution=result.plan,
        bound_cents=task.bound(result.bound_cents),
        stop_reason=result.stop_reason,
        is_final=True,
        kept_groups=task.locked,
    )
    return now(session, plan_id)


# ---- the verdict before the click -------------------------------------------------------------------------------


@on_sqlite
def test_a_full_coach_is_listed_with_its_reason_and_a_move_onto_it_changes_nothing(
    session: Session, coordinator: Actor, small_coaches: None
) -> None:
    one, two = build.make_neighbours(session, adults=3), build.make_neighbours(session, adults=2)
    plan, _ = draft_of(session, coordinator, one)
    listed = choosing.options(session, coordinator, plan_id=plan.plan_id, group_id=two.group_id)
    assert [each.day for each in listed] == sorted(each.day for each in listed)
    full = next(each for each in listed if not each.is_new_departure and not each.is_allowed)
    assert (full.day, full.reasons, full.free_seats) == (build.LAND_DAY, ("SEATS",), 1)
    assert full.stops[0] == "MX-TAPACHULA"
    assert full.stops[-1] == "GT-CAMIEX"
    before = now(session, plan.plan_id).solution
    with pytest.raises(workbench.MoveRefused) as caught:
        workbench.move(session, coordinator, plan_id=plan.plan_id, group_id=two.group_id, option_id=full.option_id)
    assert caught.value.reasons == ("SEATS",)
    assert now(session, plan.plan_id).solution == before
    assert workbench.history(session, coordinator, plan_id=plan.plan_id).steps == ()


@on_sqlite
def test_what_is_listed_as_allowed_can_be_done_and_is_named_by_its_plate(
    session: Session, coordinator: Actor, small_coaches: None
) -> None:
    one, two = build.make_neighbours(session, adults=3), build.make_neighbours(session, adults=2)
    plan, _ = draft_of(session, coordinator, one)
    listed = choosing.options(session, coordinator, plan_id=plan.plan_id, group_id=two.group_id)
    allowed = [each for each in listed if each.is_allowed]
    assert len({(each.depart_at, each.arrive_at, each.vehicles, each.stops) for each in listed}) == len(listed)
    assert {each.day for each in allowed} == {build.LAND_DAY, build.LAND_DAY + timedelta(days=1)}
    plates = {row.plate for row in session.exec(select(Vehicle)).all()}
    assert {name for each in allowed for name in each.vehicles} <= plates
    for option in allowed[::2]:
        step = workbench.move(
            session, coordinator, plan_id=plan.plan_id, group_id=two.group_id, option_id=option.option_id
        )
        assert (step.act, step.group_ids) == (PlanAct.MOVE, (two.group_id,))
        assert going(session, plan.plan_id) == {one.group_id, two.group_id}
        assert is_valid(session, plan.plan_id)
        current = choosing.options(session, coordinator, plan_id=plan.plan_id, group_id=two.group_id)
        assert [each.depart_at for each in current if each.is_current] == [option.depart_at]
        workbench.undo(session, coordinator, plan_id=plan.plan_id)


def test_a_rule_that_no_problem_can_state_is_named_before_the_click(session: Session, coordinator: Actor) -> None:
    escorts = [build.make_escort(session) for _ in range(2)]
    offer = build.make_offer(session)
    group = builders.make_group(
        session, builders.make_case(session, place_id="APT-TAP"), destination_place_id="APT-SAP"
    )
    # Two escorts have to go along; only one is approved for this child.
    build.make_child_alone(session, group, escorts=escorts[:1])
    plan, found = gathered_plan(session, coordinator)
    draft = drafted(session, plan, Solution(problem=found.problem.name))
    (option,) = choosing.options(session, coordinator, plan_id=draft.plan_id, group_id=group.group_id)
    assert (option.is_allowed, option.reasons, option.vehicles) == (
        False, (), (f"{offer.carrier} {offer.number}",),
    )  # fmt: skip
    assert {found.code.value for found in option.findings} == {"ESCORTS_TOO_FEW"}
    with pytest.raises(workbench.MoveRefused) as caught:
        workbench.move(session, coordinator, plan_id=draft.plan_id, group_id=group.group_id, option_id=option.option_id)
    assert {each.code.value for each in caught.value.findings} == {"ESCORTS_TOO_FEW"}
    assert going(session, draft.plan_id) == set()


def test_a_limit_of_escorts_is_named_before_the_click(session: Session, coordinator: Actor) -> None:
    escorts = [build.make_escort(session) for _ in range(2)]
    build.make_offer(session, escort_returns=1)
    group = builders.make_group(
        session, builders.make_case(session, place_id="APT-TAP"), destination_place_id="APT-SAP"
    )
    build.make_child_alone(session, group, escorts=escorts)
    plan, found = gathered_plan(session, coordinator)
    draft = drafted(session, plan, Solution(problem=found.problem.name))
    (option,) = choosing.options(session, coordinator, plan_id=draft.plan_id, group_id=group.group_id)
    assert (option.is_allowed, option.reasons) == (False, ("ESCORT_RETURN",))


def test_a_reading_session_lists_the_same_ways_and_writes_nothing(
    database: Database, session: Session, coordinator: Actor, small_coaches: None
) -> None:
    one, two = build.make_neighbours(session, adults=3), build.make_neighbours(session, adults=2)
    plan, _ = draft_of(session, coordinator, one)
    which = {"plan_id": plan.plan_id, "group_id": two.group_id}
    listed = choosing.options(session, coordinator, **which)
    session.commit()
    with database.reading() as reader:
        assert choosing.options(reader, coordinator, **which) == listed
        assert reader.exec(select(Movement)).all() == []


@on_sqlite
def test_nobody_leaves_a_charter_that_would_stay_too_empty(session: Session, coordinator: Actor) -> None:
    offer = build.make_offer(session, min_load=4)
    families = [air_family(session) for _ in range(2)]
    plan, found = gathered_plan(session, coordinator)
    draft = drafted(session, plan, by_air(found.problem, offer.offer_id, *(each.group_id for each in families)))
    with pytest.raises(workbench.MoveRefused) as caught:
        workbench.take_out(session, coordinator, plan_id=draft.plan_id, group_id=families[0].group_id)
    assert caught.value.reasons == ("CHARTER_MINIMUM",)
    assert len(going(session, draft.plan_id)) == 2


# ---- undo, redo, pins ---------------------------------------------------------------------------------------------


def test_undo_and_redo_give_the_same_bytes_and_a_new_step_ends_the_line(
    session: Session, coordinator: Actor, small_coaches: None
) -> None:
    one, two = build.make_neighbours(session, adults=2), build.make_neighbours(session, adults=2)
    plan, _ = draft_of(session, coordinator, one, two)
    plan_id = plan.plan_id

    def content() -> tuple[bytes, str, str, str, int | None]:
        row = now(session, plan_id)
        return row.solution, row.unplanned, row.verdict, row.kept_groups, row.value_cents

    states = [content()]
    workbench.keep(session, coordinator, plan_id=plan_id, group_ids=[one.group_id], is_kept=True)
    states.append(content())
    workbench.take_out(session, coordinator, plan_id=plan_id, group_id=two.group_id)
    states.append(content())
    assert len(set(states)) == 3
    history = workbench.undo(session, coordinator, plan_id=plan_id)
    assert (content(), history.can_undo, history.can_redo) == (states[1], True, True)
    history = workbench.undo(session, coordinator, plan_id=plan_id)
    assert (content(), history.can_undo, history.can_redo) == (states[0], False, True)
    assert workbench.undo(session, coordinator, plan_id=plan_id) == history
    assert content() == states[0]
    workbench.redo(session, coordinator, plan_id=plan_id)
    assert content() == states[1]
    workbench.redo(session, coordinator, plan_id=plan_id)
    assert content() == states[2]
    workbench.undo(session, coordinator, plan_id=plan_id)
    workbench.take_out(session, coordinator, plan_id=plan_id, group_id=one.group_id)
    history = workbench.history(session, coordinator, plan_id=plan_id)
    assert [step.act for step in history.steps] == [PlanAct.KEEP, PlanAct.TAKE_OUT]
    assert not history.can_redo
    assert is_valid(session, plan_id)
    acts = session.exec(select(AuditEntry.act).where(AuditEntry.object_id == plan_id)).all()
    assert {"planning.edit.keep", "planning.edit.take_out", "planning.edit.undo", "planning.edit.redo"} <= set(acts)


def test_an_edit_of_a_plan_that_someone_else_edited_is_stale(
    session: Session, coordinator: Actor, coordinator_2: Actor, protection_1: Actor, small_coaches: None
) -> None:
    one, two = build.make_neighbours(session), build.make_neighbours(session)
    plan, _ = draft_of(session, coordinator, one, two)
    seen = plan.version
    workbench.take_out(session, coordinator, plan_id=plan.plan_id, group_id=one.group_id, version=seen)
    with pytest.raises(Stale, match="someone changed"):
        workbench.take_out(session, coordinator_2, plan_id=plan.plan_id, group_id=two.group_id, version=seen)
    with pytest.raises(NotAllowed):
        workbench.take_out(session, protection_1, plan_id=plan.plan_id, group_id=two.group_id)
    planning.accept(session, coordinator, plan_id=plan.plan_id)
    with pytest.raises(Stale, match="only a draft"):
        workbench.undo(session, coordinator, plan_id=plan.plan_id)
    assert session.exec(select(PlanStep).where(PlanStep.plan_id == plan.plan_id, PlanStep.number == 1)).one()


@on_sqlite
@pytest.mark.parametrize("is_kept", [True, False])
def test_a_further_search_moves_whoever_is_not_pinned_and_nobody_else(
    session: Session, coordinator: Actor, small_coaches: None, is_kept: bool
) -> None:
    one = build.make_neighbours(session, adults=3)
    plan, _ = draft_of(session, coordinator, one)
    if is_kept:
        workbench.keep(session, coordinator, plan_id=plan.plan_id, group_ids=[one.group_id], is_kept=True)
    before = now(session, plan.plan_id).solution
    made = what_if.improve(session, coordinator, plan_id=plan.plan_id, seconds=2)
    found = run(session, made.plan_id)
    (leg,) = solution_of(found).itineraries[one.group_id]
    # A coach that leaves on Tuesday, the last day, is not away another day: a free search prefers it.
    assert leg.day == (0 if is_kept else 1)
    assert (found.status, found.basis_plan_id, found.is_hypothetical) == (PlanStatus.DRAFT, plan.plan_id, False)
    assert is_valid(session, made.plan_id)
    assert now(session, plan.plan_id).solution == before


# ---- copies on assumed facts -------------------------------------------------------------------------------------


@on_sqlite
def test_a_closed_crossing_is_assumed_on_a_copy_and_the_draft_stays_as_it_is(
    session: Session, coordinator: Actor, small_coaches: None
) -> None:
    one = build.make_neighbours(session, adults=2)
    plan, _ = draft_of(session, coordinator, one)
    before = now(session, plan.plan_id)
    kept = (before.solution, before.problem, before.version)
    crossings = {each.id for each in problem_of(plan).crossings if each.id.startswith("MX-GT")}
    made = what_if.what_if(
        session,
        coordinator,
        plan_id=plan.plan_id,
        changes=[WhatIf(kind=Assumed.CLOSE_CROSSING, ids=(each,)) for each in sorted(crossings)],
    )
    found = run(session, made.plan_id)
    assert going(session, made.plan_id) == set()
    assert is_valid(session, made.plan_id)
    assert found.is_hypothetical
    told = what_if.assumptions(session, coordinator, plan_id=made.plan_id)
    assert {(each.code, each.names) for each in told} == {("close_crossing", (each,)) for each in crossings}
    again = now(session, plan.plan_id)
    assert (again.solution, again.problem, again.version) == kept


@on_sqlite
def test_a_plan_with_an_assumed_bus_is_accepted_only_once_such_a_bus_is_registered(
    session: Session, coordinator: Actor
) -> None:
    build.make_agreement(session)
    build.make_vehicle(session, seats=5)
    for _ in range(4):
        build.make_driver(session)
    one, two = build.make_neighbours(session, adults=3), build.make_neighbours(session, adults=3)
    plan, _ = draft_of(session, coordinator, one, days=1)
    bus = WhatIf(kind=Assumed.ADD_BUS, ids=("MX-TAPACHULA", "coach"), amount=5)
    made = what_if.what_if(session, coordinator, plan_id=plan.plan_id, changes=[bus])
    found = run(session, made.plan_id)
    assert going(session, made.plan_id) == {one.group_id, two.group_id}
    # The rules are asked about the assumed bus as about any other.
    assert screening.findings_on(session, found, problem_of(found), solution_of(found), [two.group_id]) == []
    assert len(session.exec(select(Vehicle)).all()) == 1
    with pytest.raises(planning.NotYetReal) as caught:
        planning.accept(session, coordinator, plan_id=made.plan_id)
    assert (caught.value.reasons, caught.value.assumed) == (("FLEET",), (bus,))
    assert session.exec(select(Movement)).all() == []
    build.make_vehicle(session, seats=5)
    assert len(planning.accept(session, coordinator, plan_id=made.plan_id).movement_ids) == 2


@on_sqlite
def test_the_smallest_change_takes_the_group_home_on_a_copy(
    session: Session, coordinator: Actor, small_coaches: None
) -> None:
    one, two = build.make_neighbours(session, adults=3), build.make_neighbours(session, adults=6)
    plan, _ = draft_of(session, coordinator, one)
    before = now(session, plan.plan_id).solution
    made = what_if.try_change(session, coordinator, plan_id=plan.plan_id, group_id=two.group_id)
    assert (made.status, going(session, made.plan_id)) == (PlanStatus.DRAFT, {one.group_id, two.group_id})
    assert is_valid(session, made.plan_id)
    (told,) = what_if.assumptions(session, coordinator, plan_id=made.plan_id)
    assert (told.code, told.amount) == ("change.SEATS", 2)
    assert now(session, plan.plan_id).solution == before
    with pytest.raises(planning.NotYetReal):
        planning.accept(session, coordinator, plan_id=made.plan_id)
    with pytest.raises(Stale):
        what_if.try_change(session, coordinator, plan_id=plan.plan_id, group_id=one.group_id)


@on_sqlite
def test_what_is_not_in_the_plan_cannot_be_assumed_and_every_fault_is_named(
    session: Session, coordinator: Actor, small_coaches: None
) -> None:
    one = build.make_neighbours(session)
    plan, _ = draft_of(session, coordinator, one)
    wrong = [
        WhatIf(kind=Assumed.CLOSE_CROSSING, ids=("XX-YY",)),
        WhatIf(kind=Assumed.CANCEL_OFFER, ids=("O-NOTHERE",)),
        WhatIf(kind=Assumed.ADD_BUS, ids=("MX-TAPACHULA", "coach"), amount=500),
    ]
    with pytest.raises(InputError) as caught:
        what_if.what_if(session, coordinator, plan_id=plan.plan_id, changes=wrong)
    assert [part in str(caught.value) for part in ("XX-YY", "O-NOTHERE", "500 seats")] == [True, True, True]


# ---- facts that move ---------------------------------------------------------------------------------------------


def test_a_hold_between_edit_and_acceptance_keeps_the_group_out(
    session: Session, coordinator: Actor, protection_1: Actor, small_coaches: None
) -> None:
    one, two = build.make_neighbours(session, adults=2), build.make_neighbours(session, adults=1)
    plan, _ = draft_of(session, coordinator, one)
    option = next(
        each
        for each in choosing.options(session, coordinator, plan_id=plan.plan_id, group_id=two.group_id)
        if each.is_allowed
    )
    workbench.move(session, coordinator, plan_id=plan.plan_id, group_id=two.group_id, option_id=option.option_id)
    person = build.members(session, two.group_id)[0]
    changes.raise_hold(session, protection_1, person_id=person.person_id, kind=HoldKind.COURT)
    with pytest.raises(Stale):
        planning.accept(session, coordinator, plan_id=plan.plan_id)
    workbench.take_out(session, coordinator, plan_id=plan.plan_id, group_id=two.group_id)
    with pytest.raises(Stale, match="facts about this group"):
        workbench.move(session, coordinator, plan_id=plan.plan_id, group_id=two.group_id, option_id=option.option_id)
    planning.accept(session, coordinator, plan_id=plan.plan_id)
    seated = session.exec(select(Seat.group_id).where(Seat.status == SeatStatus.ACTIVE)).all()
    assert set(seated) == {one.group_id}


def test_what_changed_is_taken_in_at_once_and_the_others_can_be_accepted(
    session: Session, coordinator: Actor, protection_1: Actor, small_coaches: None
) -> None:
    one, two = build.make_neighbours(session, adults=2), build.make_neighbours(session, adults=1)
    plan, _ = draft_of(session, coordinator, one, two)
    person = build.members(session, two.group_id)[0]
    changes.raise_hold(session, protection_1, person_id=person.person_id, kind=HoldKind.COURT)

    opened = plan_report.open_plan(session, coordinator, plan_id=plan.plan_id)
    assert plan_report.headline(session, opened).changed == (1, 1)
    assert workbench.take_in(session, coordinator, plan_id=plan.plan_id) == (two.group_id,)
    assert workbench.take_in(session, coordinator, plan_id=plan.plan_id) == ()

    opened = plan_report.open_plan(session, coordinator, plan_id=plan.plan_id)
    found = plan_report.headline(session, opened)
    assert (found.going, found.changed, found.not_ready) == ((2, 1), (0, 0), (1, 1))
    (left,) = plan_report.unplanned(session, coordinator, opened)
    assert (left.group_id, [each.code.value for each in left.findings]) == (two.group_id, ["NOT_AVAILABLE"])
    planning.accept(session, coordinator, plan_id=plan.plan_id)
    seated = session.exec(select(Seat.group_id).where(Seat.status == SeatStatus.ACTIVE)).all()
    assert set(seated) == {one.group_id}


def test_whoever_a_closure_stopped_is_planned_anew_longest_stranded_first(
    session: Session, coordinator: Actor, small_coaches: None
) -> None:
    bus = build.make_bus(session)
    families = [build.make_family(session, adults=2), build.make_family(session)]
    for number, family in enumerate(families):
        build.seat_group(session, bus, family)
        for person in build.members(session, family.group_id):
            person.stranded_since = date(2027, 1, 20 - number)
            session.add(person)
    session.flush()
    other = build.make_neighbours(session)
    closure, _ = changes.close(
        session,
        coordinator,
        target=ClosureTarget.CROSSING,
        target_id="GT-HN-COR",
        from_at=datetime(2027, 3, 7, 12, 0, tzinfo=build.LAND_DEPART.tzinfo),
        until_at=None,
        source="Inventada",
    )
    assert build.status_of(session, bus.movement_id) is MovementStatus.CANCELLED
    affected = what_if.affected_groups(session, coordinator, closure_id=closure.closure_id)
    assert [each.group_id for each in affected] == [families[1].group_id, families[0].group_id]
    assert [each.person_count for each in affected] == [1, 2]
    made = what_if.replan_affected(
        session, coordinator, closure_id=closure.closure_id, first_date=build.LAND_DAY, days=2, seconds=2
    )
    task = solving.task(session, made.plan_id)
    assert other.group_id not in {group.id for group in task.problem.groups}
    # Another closure of the same road in the same days stopped nothing any more.
    later, _ = changes.close(
        session,
        coordinator,
        target=ClosureTarget.CROSSING,
        target_id="GT-HN-COR",
        from_at=datetime(2027, 3, 7, 13, 0, tzinfo=build.LAND_DEPART.tzinfo),
        until_at=None,
        source="Inventada",
    )
    assert what_if.affected_groups(session, coordinator, closure_id=later.closure_id) == ()
    with pytest.raises(InputError, match="nobody waits"):
        what_if.replan_affected(
            session, coordinator, movement_ids=["M-NOTHERE"], first_date=build.LAND_DAY, days=2, seconds=2
        )


# ---- two plans side by side ---------------------------------------------------------------------------------------


@on_sqlite
def test_two_plans_are_compared_by_figure_and_by_group(
    session: Session, coordinator: Actor, small_coaches: None
) -> None:
    one, two = build.make_neighbours(session, adults=2), build.make_neighbours(session)
    first, _ = draft_of(session, coordinator, one, two)
    second, _ = draft_of(session, coordinator, one, day=1)
    found = comparison.compare(session, coordinator, plan_id=first.plan_id, other_plan_id=second.plan_id)
    figures = {(each.key, each.nationality): (each.a, each.b) for each in found.measures}
    assert figures["going", ""] == (3, 2)
    assert figures["not_planned", ""] == (0, 1)
    assert figures["vehicles", ""] == (1, 1)
    assert figures["going", "GT"] == (3, 2)
    # One Guatemalan stays in the second plan, the others come home a day later.
    days = (build.LAND_DAY - min(p.stranded_since for p in build.members(session, one.group_id))).days
    assert figures["wait_p50", "GT"] == (days, days + 1)
    assert figures["wait_max", "GT"] == (days, days + 2)
    assert [(each.group_id, each.a is None, each.b is None) for each in found.groups] == [
        (two.group_id, False, True), (one.group_id, False, False),
    ]  # fmt: skip
    assert found.is_same_period


def test_an_accepted_plan_is_compared_by_the_plates_of_its_movements(
    session: Session, coordinator: Actor, small_coaches: None
) -> None:
    one = build.make_neighbours(session, adults=2)
    draft, _ = draft_of(session, coordinator, one)
    later, _ = draft_of(session, coordinator, one, day=1)
    planning.accept(session, coordinator, plan_id=draft.plan_id)
    movement = session.exec(select(Movement).where(Movement.plan_id == draft.plan_id)).one()
    found = comparison.compare(session, coordinator, plan_id=draft.plan_id, other_plan_id=later.plan_id)
    (group,) = found.groups
    assert group.a is not None
    assert group.a.vehicles == (movement.label,)
