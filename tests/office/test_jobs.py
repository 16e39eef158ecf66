"""Jobs: leased by one worker, taken up again after a crash, given up after three, stopped on request."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime, timedelta

from sqlmodel import Session

from retorno.database import Database
from retorno.models.office import Job
from retorno.office import jobs
from retorno.office.access import Actor
from retorno.vocabulary import JobKind, JobState
from tests.builders import NOW, OfficeFixture

Clock = Callable[[datetime], None]


def ask(session: Session, actor: Actor, plan_id: str = "L-1", priority: int = 5) -> Job:
    return jobs.enqueue(session, actor, kind=JobKind.SOLVE, object_id=plan_id, priority=priority)


def test_the_same_unfinished_work_is_asked_for_once(session: Session, coordinator: Actor) -> None:
    first = ask(session, coordinator)
    assert ask(session, coordinator).job_id == first.job_id
    taken = jobs.take(session, "w1")
    assert taken is not None
    assert ask(session, coordinator).job_id == first.job_id
    jobs.finish(session, first.job_id, "w1", state=JobState.DONE)
    assert ask(session, coordinator).job_id != first.job_id


def test_urgent_jobs_come_first_then_the_order_of_arrival(session: Session, coordinator: Actor) -> None:
    one, two, urgent = ask(session, coordinator, "a"), ask(session, coordinator, "b"), ask(session, coordinator, "c", 1)
    taken = [jobs.take(session, "w1") for _ in range(4)]
    assert [job.job_id if job else None for job in taken] == [urgent.job_id, one.job_id, two.job_id, None]


def test_a_leased_job_is_nobody_elses_until_the_lease_runs_out(
    session: Session, coordinator: Actor, frozen_clock: Clock
) -> None:
    job = ask(session, coordinator)
    jobs.take(session, "w1")
    frozen_clock(NOW + jobs.LEASE)
    assert jobs.take(session, "w2") is None
    frozen_clock(NOW + jobs.LEASE + timedelta(seconds=1))
    again = jobs.take(session, "w2")
    assert again is not None
    assert (again.job_id, again.worker, again.attempt) == (job.job_id, "w2", 2)
    # The first worker is not dead after all: it may neither renew nor end what is another's now.
    assert not jobs.renew(session, job.job_id, "w1")
    jobs.finish(session, job.job_id, "w1", state=JobState.DONE)
    assert jobs.is_held(session, job.job_id, "w2")
    assert not jobs.is_held(session, job.job_id, "w1")


def test_a_renewed_lease_holds_and_keeps_the_progress(
    session: Session, coordinator: Actor, frozen_clock: Clock
) -> None:
    job = ask(session, coordinator)
    jobs.take(session, "w1")
    frozen_clock(NOW + timedelta(seconds=15))
    assert jobs.renew(session, job.job_id, "w1", progress={"planned": 3})
    frozen_clock(NOW + timedelta(seconds=34))
    assert jobs.take(session, "w2") is None
    assert session.get_one(Job, job.job_id).progress == '{"planned": 3}'


def test_a_job_whose_worker_died_three_times_is_given_up(
    session: Session, coordinator: Actor, frozen_clock: Clock
) -> None:
    job = ask(session, coordinator)
    at = NOW
    for attempt in (1, 2, 3):
        assert jobs.give_up(session) == []
        taken = jobs.take(session, f"w{attempt}")
        assert taken is not None
        assert taken.attempt == attempt
        at += jobs.LEASE + timedelta(seconds=1)
        frozen_clock(at)
    assert jobs.take(session, "w4") is None
    assert [lost.job_id for lost in jobs.give_up(session)] == [job.job_id]
    assert session.get_one(Job, job.job_id).state is JobState.FAILED


def test_stopping_cancels_a_waiting_job_and_tells_a_running_one(session: Session, coordinator: Actor) -> None:
    waiting = ask(session, coordinator, "a")
    assert jobs.want_stop(session, object_id="a")
    assert session.get_one(Job, waiting.job_id).state is JobState.CANCELLED
    assert jobs.take(session, "w1") is None
    running = ask(session, coordinator, "b")
    jobs.take(session, "w1")
    assert jobs.want_stop(session, object_id="b")
    assert not jobs.renew(session, running.job_id, "w1")
    assert jobs.is_held(session, running.job_id, "w1")
    jobs.finish(session, running.job_id, "w1", state=JobState.DONE)
    assert not jobs.want_stop(session, object_id="b")
    latest = jobs.of_object(session, "b")
    assert latest is not None
    assert latest.state is JobState.DONE


def test_workers_that_ask_at_once_get_different_jobs(
    database: Database, office: OfficeFixture, coordinator: Actor
) -> None:
    with database.transaction() as session:
        for number in range(3):
            ask(session, coordinator, f"L-{number}")
    got: list[str | None] = []
    gate = threading.Barrier(5)

    def work(name: str) -> None:
        gate.wait()
        with database.transaction() as session:
            job = jobs.take(session, name)
            got.append(job.object_id if job else None)

    threads = [threading.Thread(target=work, args=(f"w{number}",)) for number in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)
    assert sorted(got, key=str) == ["L-0", "L-1", "L-2", None, None]
