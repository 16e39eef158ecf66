"""The worker: a real child process solves; a lost lease, a crash and a stop end as they should."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import select

from retorno import worker
from retorno.database import Database
from retorno.models.movements import Plan
from retorno.models.office import Job
from retorno.office import jobs
from retorno.office.access import Actor
from retorno.optimizer.check import judge
from retorno.plans import planning, solving
from retorno.vocabulary import JobState, PlanStatus
from tests import planning_builders as build
from tests.builders import NOW, OfficeFixture


def ask_for_a_plan(database: Database, coordinator: Actor, *, families: int = 2, seconds: int = 2) -> str:
    with database.transaction() as session:
        build.make_agreement(session)
        build.make_vehicle(session)
        for _ in range(4):
            build.make_driver(session)
        for number in range(families):
            build.make_family(session, adults=number + 1)
        return planning.start(session, coordinator, first_date=build.LAND_DAY, days=2, seconds=seconds, seed=3).plan_id


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_a_child_process_solves_and_the_draft_holds_everybody(
    database: Database, office: OfficeFixture, coordinator: Actor
) -> None:
    plan_id = ask_for_a_plan(database, coordinator)
    assert worker.run(database, name="w1", should_stop=lambda: False, once=True) == 1
    with database.transaction() as session:
        plan = session.get_one(Plan, plan_id)
        assert plan.status is PlanStatus.DRAFT
        problem, solution = planning.problem_of(plan), planning.solution_of(plan)
        assert judge(problem, solution).is_valid
        assert len([legs for legs in solution.itineraries.values() if legs]) == 2
        assert plan.bound_cents is None or plan.bound_cents <= (plan.value_cents or 0)
        job = session.exec(select(Job)).one()
        assert job.state is JobState.DONE
        accepted = planning.accept(session, coordinator, plan_id=plan_id)
        assert accepted.dropped == ()
        assert len(build.aboard(session, accepted.movement_ids[0])) == 3


def test_whatever_goes_wrong_is_noted_and_the_worker_goes_on(
    database: Database, office: OfficeFixture, coordinator: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = ask_for_a_plan(database, coordinator, families=0)

    def broken(*_: Any) -> Any:
        raise KeyError("a fault nobody thought of")

    monkeypatch.setattr(solving, "gathered", broken)
    assert worker.run(database, name="w1", should_stop=lambda: False, once=True) == 1
    with database.transaction() as session:
        assert session.get_one(Plan, first).status is PlanStatus.FAILED
        job = session.exec(select(Job)).one()
        assert (job.state, job.error) == (JobState.FAILED, "KeyError")


def test_a_worker_that_lost_its_lease_keeps_nothing(
    database: Database, office: OfficeFixture, coordinator: Actor, monkeypatch: pytest.MonkeyPatch, frozen_clock: Any
) -> None:
    plan_id = ask_for_a_plan(database, coordinator, families=1)
    gathered = solving.gathered

    def slow(*arguments: Any) -> Any:
        # While the ground is read the lease runs out and another worker takes the job.
        found = gathered(*arguments)
        frozen_clock(NOW + jobs.LEASE + timedelta(seconds=1))
        return found

    def other_takes(*arguments: Any) -> Any:
        found = slow(*arguments)
        taken.append(1)
        return found

    taken: list[int] = []
    monkeypatch.setattr(solving, "gathered", other_takes)
    with database.transaction() as session:
        job = jobs.take(session, "w1")
    assert job is not None
    with database.transaction() as session:
        row = session.get_one(Job, job.job_id)
        row.worker = "w2"
        session.add(row)
    worker._run_job(database, job, "w1")
    with database.transaction() as session:
        plan = session.get_one(Plan, plan_id)
        assert plan.status is PlanStatus.RUNNING
        assert plan.problem == b""
        assert session.get_one(Job, job.job_id).state is JobState.RUNNING
    assert taken == [1]


def test_a_plan_whose_worker_died_three_times_ends_as_failed(
    database: Database, office: OfficeFixture, coordinator: Actor, frozen_clock: Any
) -> None:
    plan_id = ask_for_a_plan(database, coordinator, families=0)
    at = NOW
    for attempt in range(3):
        with database.transaction() as session:
            assert jobs.take(session, f"dead-{attempt}") is not None
        at += jobs.LEASE + timedelta(seconds=1)
        frozen_clock(at)
    assert worker.run(database, name="w", should_stop=lambda: False, once=True) == 0
    with database.transaction() as session:
        assert session.get_one(Plan, plan_id).status is PlanStatus.FAILED


def test_a_run_stopped_before_it_began_ends(database: Database, office: OfficeFixture, coordinator: Actor) -> None:
    plan_id = ask_for_a_plan(database, coordinator, families=0)
    with database.transaction() as session:
        planning.stop(session, coordinator, plan_id=plan_id)
    assert worker.run(database, name="w", should_stop=lambda: False, once=True) == 0
    with database.transaction() as session:
        assert session.get_one(Plan, plan_id).status is PlanStatus.FAILED


class Pipe:
    """A child that says what it was told to say."""

    def __init__(self, *messages: dict[str, Any]) -> None:
        self.messages = [json.dumps(message) for message in messages]
        self.told: list[str] = []

    def poll(self, _seconds: float = 0.0) -> bool:
        return bool(self.messages)

    def recv(self) -> str:
        return self.messages.pop(0)

    def send(self, message: str) -> None:
        self.told.append(message)


class Child:
    def is_alive(self) -> bool:
        return False


def test_the_wish_to_stop_reaches_the_child_once_and_its_best_is_taken(
    database: Database, office: OfficeFixture, coordinator: Actor, tmp_path: Path
) -> None:
    plan_id = ask_for_a_plan(database, coordinator, families=1)
    with database.transaction() as session:
        job = jobs.take(session, "w1")
        assert job is not None
        planning.stop(session, coordinator, plan_id=plan_id)
    told = {"progress": {"seconds": 1.0, "planned": 1}}
    pipe = Pipe(told, {"result": {"plan": {}, "bound": None, "stop_reason": "stopped"}})
    pipe.messages.insert(1, json.dumps({"progress": {"seconds": 2.0, "planned": 1}}))
    # A burst: only the last progress before the result is written, so the stop is told by then at the latest.
    answer = worker._follow(database, job, "w1", _Slow(pipe), Child(), 1e12)  # type: ignore[arg-type]
    assert answer is not None
    assert answer["stop_reason"] == "stopped"
    assert pipe.told == ["stop"]


class _Slow:
    """A pipe whose next message is not there yet when it is asked without waiting."""

    def __init__(self, pipe: Pipe) -> None:
        self.pipe = pipe

    def poll(self, seconds: float = 0.0) -> bool:
        return bool(seconds) and self.pipe.poll(seconds)

    def recv(self) -> str:
        return self.pipe.recv()

    def send(self, message: str) -> None:
        self.pipe.send(message)


def test_a_child_that_dies_leaves_no_plan(database: Database, office: OfficeFixture, coordinator: Actor) -> None:
    ask_for_a_plan(database, coordinator, families=0)
    with database.transaction() as session:
        job = jobs.take(session, "w1")
    assert job is not None
    assert worker._follow(database, job, "w1", _Slow(Pipe()), Child(), 1e12) is None  # type: ignore[arg-type]
