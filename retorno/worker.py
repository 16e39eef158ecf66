"""The worker: takes jobs, solves each in a child process, keeps the best plan so far, renews its lease.

A page may be closed meanwhile; a worker that dies loses its lease and another takes the job up again.
"""

from __future__ import annotations

import json
import multiprocessing
import multiprocessing.connection
import os
import socket
import threading
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import structlog
from sqlmodel import Session

from retorno.database import Database
from retorno.demo import days
from retorno.errors import Inconsistent, NotSaved, RetornoError
from retorno.executors import Executor, InProcess, Processes, run_all
from retorno.models.office import Job
from retorno.office import access, jobs
from retorno.optimizer.check import Verdict
from retorno.optimizer.contingency import consequences
from retorno.optimizer.problem import Plan as Solution
from retorno.optimizer.problem import plan_from_json, plan_to_json, problem_from_json, problem_to_json
from retorno.optimizer.solve import Progress, Settings, solve
from retorno.plans import contingency, solving
from retorno.vocabulary import JobKind, JobState

_log = structlog.get_logger("retorno.worker")

POLL_SECONDS = 0.5
RENEW_EVERY_SECONDS = 5.0
"""Between two signs of life while no child tells of itself; well inside the lease."""
KEEP_EVERY_SECONDS = 2.0
"""A better plan is handed out and kept at most so often."""
GRACE_SECONDS = 60.0
"""How long after its time limit a child may still run before it is ended."""


class LeaseLost(RetornoError):
    """Another worker has the job by now: what we found is thrown away."""


def worker_name() -> str:
    """Host, process and a moment: no two workers share a name."""
    return f"{socket.gethostname()}-{os.getpid()}-{time.monotonic_ns()}"


def run(
    database: Database,
    *,
    name: str,
    should_stop: Callable[[], bool],
    once: bool = False,
    kinds: Collection[JobKind] = tuple(JobKind),
) -> int:
    """Take jobs until told to stop; with ``once``, until none of ``kinds`` waits. Gives the number of jobs ended."""
    count = 0
    while not should_stop():
        try:
            with database.transaction() as session:
                for lost in jobs.give_up(session):
                    _tell_object(session, lost, lost.error)
                job = jobs.take(session, name, kinds=kinds)
        except NotSaved as problem:
            _log.error("database does not answer", error=str(problem))
            time.sleep(POLL_SECONDS)
            continue
        if job is None:
            if once:
                return count
            time.sleep(POLL_SECONDS)
            continue
        _log.info("job taken", job=job.job_id, kind=job.kind.value, attempt=job.attempt)
        _run_job(database, job, name)
        count += 1
    return count


def _run_job(database: Database, job: Job, name: str) -> None:
    """Run one job; whatever goes wrong is noted on the job and never stops the worker."""
    handlers: dict[JobKind, Callable[[Database, Job, str], None]] = {
        JobKind.SOLVE: _solve_plan,
        JobKind.PRACTICE: _set_up_practice,
        JobKind.CONTINGENCY: _ask_what_would_hurt,
    }
    try:
        handlers[job.kind](database, job, name)
    except LeaseLost:
        _log.warning("job lost", job=job.job_id)
    except Exception as problem:
        # The class only: a message of a library may hold what a row holds.
        error = type(problem).__name__
        _log.error("job failed", job=job.job_id, error=error, exc_info=not isinstance(problem, RetornoError))
        try:
            with database.transaction() as session:
                if jobs.is_held(session, job.job_id, name):
                    _tell_object(session, job, error)
                    jobs.finish(session, job.job_id, name, state=JobState.FAILED, error=error)
        except NotSaved:
            # Its lease runs out, and it is taken up again as soon as the database can be written.
            _log.error("job left for its lease to run out", job=job.job_id)


def _tell_object(session: Session, job: Job, error: str) -> None:
    """Note on what a job was for that it failed; a practice day has only its job."""
    if job.kind is JobKind.SOLVE:
        solving.fail(session, job.object_id, error)


@contextmanager
def _kept_alive(database: Database, job: Job, name: str) -> Iterator[None]:
    """Renew the lease from a thread of its own while this one is busy."""
    is_over = threading.Event()

    def renew() -> None:
        while not is_over.wait(RENEW_EVERY_SECONDS):
            with database.transaction() as session:
                jobs.renew(session, job.job_id, name)

    heart = threading.Thread(target=renew, name=f"lease of {job.job_id}", daemon=True)
    heart.start()
    try:
        yield
    finally:
        is_over.set()
        heart.join()


def _child(
    problem_json: str, start_json: str, seconds: float, seed: int, pipe: multiprocessing.connection.Connection
) -> None:
    """Solve in a process of its own: it reads no database and knows no person; messages are JSON text."""
    problem = problem_from_json(json.loads(problem_json))
    start = plan_from_json(json.loads(start_json)) if start_json else None
    best: list[int] = []
    kept_at = [float("-inf")]

    def on_progress(progress: Progress) -> None:
        message: dict[str, Any] = {
            "seconds": round(progress.seconds, 1),
            "stage": progress.stage,
            "value": progress.value_cents,
            "bound": progress.bound_cents,
            "gap": progress.gap,
            "planned": progress.persons_planned,
            "persons": progress.persons,
        }
        pipe.send(json.dumps({"progress": message}))

    def should_stop() -> bool:
        if pipe.poll():
            pipe.recv()
            best.append(1)
        return bool(best)

    def on_plan(plan: Solution, _: Verdict) -> None:
        if time.monotonic() - kept_at[0] >= KEEP_EVERY_SECONDS:
            kept_at[0] = time.monotonic()
            pipe.send(json.dumps({"plan": plan_to_json(plan)}))

    result = solve(
        problem,
        Settings(seconds=seconds, seed=seed),
        on_progress=on_progress,
        should_stop=should_stop,
        start=start,
        on_plan=on_plan,
    )
    answer = {
        "plan": plan_to_json(result.plan),
        "bound": result.bound_cents,
        "stop_reason": result.stop_reason,
    }
    pipe.send(json.dumps({"result": answer}))
    pipe.close()


def _solve_plan(database: Database, job: Job, name: str) -> None:
    """Gather unless it is a copy, solve, keep; stopping keeps the best plan as a draft."""
    with _kept_alive(database, job, name), database.reading() as session:
        task = solving.task(session, job.object_id)
    with database.transaction() as session:
        if not jobs.is_held(session, job.job_id, name):
            raise LeaseLost
        if task.found is not None:
            solving.keep_problem(session, job.object_id, task.found)
        jobs.renew(session, job.job_id, name)
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    content = json.dumps(problem_to_json(task.problem))
    start = json.dumps(plan_to_json(task.start)) if task.start else ""
    child = context.Process(target=_child, args=(content, start, float(task.seconds), task.seed, theirs), daemon=True)
    child.start()
    theirs.close()
    try:
        answer = _follow(
            database, job, name, ours, child, time.monotonic() + task.seconds + GRACE_SECONDS, bound=task.bound
        )
    finally:
        if child.is_alive():
            child.terminate()
        child.join(timeout=5)
    if answer is None:
        raise Inconsistent("the solver ended without a plan")
    with database.transaction() as session:
        if not jobs.is_held(session, job.job_id, name):
            raise LeaseLost
        solving.keep_solution(
            session,
            job.object_id,
            solution=plan_from_json(answer["plan"]),
            bound_cents=task.bound(answer["bound"]),
            stop_reason=answer["stop_reason"],
            is_final=True,
            kept_groups=task.locked,
        )
        jobs.finish(session, job.job_id, name, state=JobState.DONE)


def _set_up_practice(database: Database, job: Job, name: str) -> None:
    """Fill the demonstration with a practice day; progress is written, and the lease renewed, after every step."""
    with database.reading() as session:
        asker = access.load_actor(session, job.created_by)

    def tell(done: int, steps: int) -> None:
        with database.transaction() as session:
            if not jobs.is_held(session, job.job_id, name):
                raise LeaseLost
            jobs.renew(session, job.job_id, name, progress={"done": done, "steps": steps})

    days.set_up(database, day=days.Day(job.object_id), now=job.created_at, office_id=asker.office_id or "", tell=tell)
    with database.transaction() as session:
        if not jobs.is_held(session, job.job_id, name):
            raise LeaseLost
        jobs.finish(session, job.job_id, name, state=JobState.DONE)


def _ask_what_would_hurt(database: Database, job: Job, name: str) -> None:
    """Work out, in a process of its own, what each failure would cost an accepted plan; progress after every day."""
    with _kept_alive(database, job, name):
        with database.reading() as session:
            task = contingency.task(session, job.object_id)

        def tell(done: int, steps: int) -> None:
            with database.transaction() as session:
                if not jobs.is_held(session, job.job_id, name):
                    raise LeaseLost
                jobs.renew(session, job.job_id, name, progress={"done": done, "steps": steps})

        with ExitStack() as stack:
            # Without anything to work out no process is started.
            executor: Executor = stack.enter_context(Processes(1)) if task.jobs else InProcess()
            answers = run_all(executor, consequences, task.jobs, on_done=tell)
    with database.transaction() as session:
        if not jobs.is_held(session, job.job_id, name):
            raise LeaseLost
        contingency.keep(session, job.object_id, task, [each for found in answers for each in found or ()])
        jobs.finish(session, job.job_id, name, state=JobState.DONE)


def _follow(
    database: Database,
    job: Job,
    name: str,
    pipe: multiprocessing.connection.Connection,
    child: Any,
    deadline: float,
    *,
    bound: Callable[[int | None], int | None] = lambda proven_cents: proven_cents,
) -> dict[str, Any] | None:
    """Write progress once a second, keep better plans, pass on a wish to stop, and wait for the result."""
    progress: dict[str, Any] = {}
    has_told_stop = False
    while time.monotonic() < deadline:
        better: dict[str, Any] | None = None
        if pipe.poll(1.0):
            try:
                message = json.loads(pipe.recv())
            except EOFError:
                return None
            if "result" in message:
                answer: dict[str, Any] = message["result"]
                return answer
            progress, better = message.get("progress", progress), message.get("plan")
            if better is None and pipe.poll():
                continue  # only the latest of a burst is written
        elif not child.is_alive():
            return None
        with database.transaction() as session:
            if not jobs.is_held(session, job.job_id, name):
                raise LeaseLost
            goes_on = jobs.renew(session, job.job_id, name, progress=progress or None)
            if better is not None:
                solving.keep_solution(
                    session,
                    job.object_id,
                    solution=plan_from_json(better),
                    bound_cents=bound(progress.get("bound")),
                    stop_reason="",
                    is_final=False,
                )
        if not goes_on and not has_told_stop:
            pipe.send("stop")
            has_told_stop = True
    return None
