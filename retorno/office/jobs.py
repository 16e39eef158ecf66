"""The job table: written with the act that wants the work, leased by a worker, taken up again after a crash.

Order comes from ``sequence``, never from clocks.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from datetime import timedelta
from typing import Any

from sqlalchemy import func, or_
from sqlmodel import Session, and_, col, select

from retorno import clock
from retorno.models.office import Job
from retorno.office.audit import ActorLike
from retorno.vocabulary import JobKind, JobState

LEASE = timedelta(seconds=20)
"""A worker renews its lease every second or so; one that died loses the job after this long."""
MAX_ATTEMPTS = 3


def enqueue(session: Session, actor: ActorLike, *, kind: JobKind, object_id: str, priority: int = 5) -> Job:
    """Ask for work in the caller's transaction; a second request for the same unfinished object gives the first job."""
    waiting = session.exec(
        select(Job).where(
            Job.kind == kind, Job.object_id == object_id, col(Job.state).in_((JobState.QUEUED, JobState.RUNNING))
        )
    ).first()
    if waiting is not None:
        return waiting
    last = session.exec(select(func.max(Job.sequence))).one()
    job = Job(
        sequence=(last or 0) + 1,
        kind=kind,
        object_id=object_id,
        priority=priority,
        created_by=actor.user_id,
        created_at=clock.now(),
    )
    session.add(job)
    session.flush()
    return job


def take(session: Session, worker: str, *, kinds: Collection[JobKind] = tuple(JobKind)) -> Job | None:
    """Lease the next job of some kinds: queued, or running with a lease that ran out (its worker died)."""
    now = clock.now()
    statement = (
        select(Job)
        .where(
            col(Job.kind).in_(kinds),
            or_(
                col(Job.state) == JobState.QUEUED,
                and_(col(Job.state) == JobState.RUNNING, col(Job.lease_until) < now, col(Job.attempt) < MAX_ATTEMPTS),
            ),
        )
        .order_by(col(Job.priority), col(Job.sequence))
        .limit(1)
        .with_for_update(skip_locked=True)
    )
    job = session.exec(statement).first()
    if job is None:
        return None
    job.state, job.worker, job.attempt, job.lease_until = JobState.RUNNING, worker, job.attempt + 1, now + LEASE
    session.add(job)
    session.flush()
    return job


def give_up(session: Session) -> list[Job]:
    """End the jobs whose worker died once too often; whoever calls it tells the object of each."""
    now = clock.now()
    lost = session.exec(
        select(Job)
        .where(col(Job.state) == JobState.RUNNING, col(Job.lease_until) < now, col(Job.attempt) >= MAX_ATTEMPTS)
        .order_by(col(Job.sequence))
        .with_for_update(skip_locked=True)
    ).all()
    for job in lost:
        job.state, job.error, job.ended_at, job.lease_until = JobState.FAILED, "its worker died three times", now, None
        session.add(job)
    session.flush()
    return list(lost)


def is_held(session: Session, job_id: str, worker: str) -> bool:
    """Whether a job still runs under this worker's lease."""
    job = session.get(Job, job_id, populate_existing=True)
    return job is not None and job.worker == worker and job.state is JobState.RUNNING


def renew(session: Session, job_id: str, worker: str, *, progress: Mapping[str, Any] | None = None) -> bool:
    """Keep the lease and note progress; ``False`` if the job is no longer ours or shall stop."""
    job = session.get(Job, job_id, populate_existing=True)
    if job is None or job.worker != worker or job.state is not JobState.RUNNING:
        return False
    job.lease_until = clock.now() + LEASE
    if progress is not None:
        job.progress = json.dumps(dict(progress), sort_keys=True)
    session.add(job)
    session.flush()
    return not job.is_cancel_wanted


def finish(session: Session, job_id: str, worker: str, *, state: JobState, error: str = "") -> None:
    """End a job of ours."""
    job = session.get(Job, job_id, populate_existing=True)
    if job is not None and job.worker == worker and job.state is JobState.RUNNING:
        job.state, job.error, job.ended_at, job.lease_until = state, error, clock.now(), None
        session.add(job)
        session.flush()


def want_stop(session: Session, *, object_id: str) -> bool:
    """Ask the running job on ``object_id`` to stop and keep its best; a queued one is cancelled."""
    job = session.exec(
        select(Job).where(Job.object_id == object_id, col(Job.state).in_((JobState.QUEUED, JobState.RUNNING)))
    ).first()
    if job is None:
        return False
    job.is_cancel_wanted = True
    if job.state is JobState.QUEUED:
        job.state, job.ended_at = JobState.CANCELLED, clock.now()
    session.add(job)
    session.flush()
    return True


def of_object(session: Session, object_id: str) -> Job | None:
    """The latest job on an object."""
    return session.exec(
        select(Job).where(Job.object_id == object_id).order_by(col(Job.sequence).desc()).limit(1)
    ).first()
