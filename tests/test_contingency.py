"""What would hurt the accepted plan most: asked at acceptance, stale as facts change, prepared for, accepted later."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from sqlmodel import Session, select

from retorno import changes, worker
from retorno.database import Database
from retorno.errors import NotAllowed, Stale
from retorno.executors import InProcess, run_all
from retorno.models.movements import Contingency, Movement, Plan, Seat
from retorno.models.office import AuditEntry, Job
from retorno.models.people import TravelGroup
from retorno.office.access import Actor
from retorno.optimizer.contingency import OutageKind, consequences
from retorno.plans import contingency, planning
from retorno.plans.store import solution_of
from retorno.vocabulary import ClosureTarget, JobKind, JobState, MovementStatus, PlanStatus, SeatStatus
from tests import planning_builders as build
from tests.test_planning import by_bus, drafted, fleet, gathered_plan
from tests.test_workbench import run

DAYS = 4


def booked(session: Session, coordinator: Actor, *, adults: int = 2) -> tuple[Plan, TravelGroup]:
    """A family goes home by coach on Monday, accepted; a second coach stands idle."""
    fleet(session, coaches=2)
    family = build.make_neighbours(session, adults=adults)
    plan, found = gathered_plan(session, coordinator, days=DAYS)
    drafted(session, plan, by_bus(found.problem, family.group_id))
    planning.accept(session, coordinator, plan_id=plan.plan_id)
    return session.get_one(Plan, plan.plan_id), family


def answered(session: Session, plan: Plan) -> None:
    """What the worker does, here and now."""
    row = session.exec(select(Contingency).where(Contingency.plan_id == plan.plan_id)).one()
    asked = contingency.task(session, row.contingency_id)
    found = run_all(InProcess(), consequences, asked.jobs)
    contingency.keep(session, row.contingency_id, asked, [each for part in found for each in part or ()])
    for job in session.exec(select(Job).where(Job.kind == JobKind.CONTINGENCY)).all():
        job.state = JobState.DONE
        session.add(job)
    session.flush()


def row_of(report: contingency.Report, kind: OutageKind) -> contingency.Hurt:
    return next(row for row in report.rows if row.kind is kind)


def test_acceptance_asks_once_and_the_answer_names_what_the_plan_uses(session: Session, coordinator: Actor) -> None:
    plan, _ = booked(session, coordinator)
    waiting = contingency.report(session, coordinator, plan_id=plan.plan_id)
    assert (waiting.computed_at, waiting.is_computing, waiting.rows) == (None, True, ())
    assert len(session.exec(select(Job).where(Job.kind == JobKind.CONTINGENCY)).all()) == 1
    answered(session, plan)
    report = contingency.report(session, coordinator, plan_id=plan.plan_id)
    assert (report.is_computing, report.is_stale, report.has_failed) == (False, False, False)
    movement = session.exec(select(Movement)).one()
    vehicle = row_of(report, OutageKind.VEHICLE)
    assert (vehicle.name, vehicle.persons_hit) == (movement.label, 2)
    assert {row.kind for row in report.rows} == {OutageKind.CROSSING, OutageKind.VEHICLE, OutageKind.RECEPTION}
    assert report.rows == tuple(
        sorted(report.rows, key=lambda row: (-row.persons_left_out, -row.person_days, -row.cost_cents))
    )
    (asked,) = contingency.asked_plans(session, coordinator)
    assert asked.plan_id == plan.plan_id


def test_a_changed_fact_makes_the_answer_stale_and_asking_again_twice_is_one_job(
    session: Session, coordinator: Actor
) -> None:
    plan, family = booked(session, coordinator)
    answered(session, plan)
    changes.withdraw(session, coordinator, person_id=build.members(session, family.group_id)[0].person_id)
    assert contingency.report(session, coordinator, plan_id=plan.plan_id).is_stale
    for _ in range(2):
        contingency.refresh(session, coordinator, plan_id=plan.plan_id)
    waiting = select(Job).where(Job.kind == JobKind.CONTINGENCY, Job.state == JobState.QUEUED)
    assert len(session.exec(waiting).all()) == 1
    answered(session, plan)
    report = contingency.report(session, coordinator, plan_id=plan.plan_id)
    assert (report.is_stale, report.rows) == (False, ())  # nobody of it travels any more


def test_nobody_else_sees_it_or_asks(
    session: Session, coordinator: Actor, protection_1: Actor, consulate_hn: Actor
) -> None:
    plan, _ = booked(session, coordinator)
    answered(session, plan)
    key = contingency.report(session, coordinator, plan_id=plan.plan_id).rows[0].key
    for actor in (protection_1, consulate_hn):
        for act in (
            lambda who: contingency.asked_plans(session, who),
            lambda who: contingency.report(session, who, plan_id=plan.plan_id),
            lambda who: contingency.refresh(session, who, plan_id=plan.plan_id),
            lambda who: contingency.prepare(session, who, plan_id=plan.plan_id, key=key),
        ):
            with pytest.raises(NotAllowed):
                act(actor)


def test_a_prepared_plan_is_accepted_as_soon_as_the_failure_is_on_record_and_not_before(
    session: Session, coordinator: Actor
) -> None:
    plan, family = booked(session, coordinator)
    answered(session, plan)
    (bus,) = session.exec(select(Movement)).all()
    row = row_of(contingency.report(session, coordinator, plan_id=plan.plan_id), OutageKind.VEHICLE)

    made = contingency.prepare(session, coordinator, plan_id=plan.plan_id, key=row.key)

    # Nothing was booked, freed or stopped by it, and a second click gives the same plan.
    assert session.get_one(Movement, bus.movement_id, populate_existing=True).status is MovementStatus.ACCEPTED
    assert {seat.status for seat in session.exec(select(Seat)).all()} == {SeatStatus.ACTIVE}
    again = contingency.prepare(session, coordinator, plan_id=plan.plan_id, key=row.key)
    assert again.plan_id == made.plan_id
    draft = run(session, made.plan_id)
    assert (draft.status, set(solution_of(draft).itineraries)) == (PlanStatus.DRAFT, {family.group_id})
    report = contingency.report(session, coordinator, plan_id=plan.plan_id)
    assert row_of(report, OutageKind.VEHICLE).prepared_plan_id == made.plan_id
    with pytest.raises(planning.NotYetReal) as caught:
        planning.accept(session, coordinator, plan_id=made.plan_id)
    assert caught.value.reasons == (planning.NOT_YET_FAILED,)
    changes.cancel_movement(session, coordinator, movement_id=bus.movement_id, is_vehicle_lost=True)
    accepted = planning.accept(session, coordinator, plan_id=made.plan_id)
    (new,) = accepted.movement_ids
    assert len(build.aboard(session, new)) == 2
    assert session.get_one(Movement, new).vehicle_id != bus.vehicle_id
    acts = session.exec(select(AuditEntry.act)).all()
    assert acts.count("planning.prepare") == 1


def test_a_plan_prepared_for_a_closure_is_accepted_after_the_closure(session: Session, coordinator: Actor) -> None:
    plan, family = booked(session, coordinator)
    answered(session, plan)
    row = row_of(contingency.report(session, coordinator, plan_id=plan.plan_id), OutageKind.CROSSING)
    made = contingency.prepare(session, coordinator, plan_id=plan.plan_id, key=row.key)
    draft = run(session, made.plan_id)
    changes.close(
        session, coordinator, target=ClosureTarget.CROSSING, target_id=row.object_id,
        from_at=build.LAND_DEPART - timedelta(hours=3), until_at=None, source="Inventada",
    )  # fmt: skip
    if solution_of(draft).itineraries:
        assert planning.accept(session, coordinator, plan_id=made.plan_id).movement_ids
    else:
        assert [each["group_id"] for each in json.loads(draft.unplanned)] == [family.group_id]


def test_a_failure_that_touches_nobody_any_more_is_not_prepared_for(session: Session, coordinator: Actor) -> None:
    plan, family = booked(session, coordinator)
    answered(session, plan)
    key = contingency.report(session, coordinator, plan_id=plan.plan_id).rows[0].key
    with pytest.raises(Stale, match="no longer in the list"):
        contingency.prepare(session, coordinator, plan_id=plan.plan_id, key="crossing.XX.0")
    for person in build.members(session, family.group_id):
        changes.withdraw(session, coordinator, person_id=person.person_id)
    with pytest.raises(Stale, match="touches nobody"):
        contingency.prepare(session, coordinator, plan_id=plan.plan_id, key=key)


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_the_worker_works_it_out_in_a_process_of_its_own(database: Database, coordinator: Actor, office: Any) -> None:
    with database.transaction() as session:
        plan_id = booked(session, coordinator)[0].plan_id
        for job in session.exec(select(Job).where(Job.kind == JobKind.SOLVE)).all():
            job.state = JobState.CANCELLED
            session.add(job)
    assert worker.run(database, name="w1", should_stop=lambda: False, once=True) == 1
    with database.reading() as session:
        report = contingency.report(session, coordinator, plan_id=plan_id)
        assert {row.kind for row in report.rows} >= {OutageKind.CROSSING, OutageKind.VEHICLE}
        assert not report.has_failed
