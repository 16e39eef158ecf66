"""Where independent pieces of work run: here, in processes of this machine, or on whatever takes a function.

``run_all`` is the one way to hand work out: jobs go in by order, results come back by order, at most a few are under
way at once, and it can be stopped. An ``Executor`` only needs ``submit``; ``InProcess`` runs at once (for tests and
small work), ``Processes`` in processes of their own, ``Elsewhere`` on any client whose ``submit`` gives a future, as
those of ``concurrent.futures`` and of Dask's ``distributed`` do (docs/contingency.md). Functions are module-level ones
and jobs can be pickled; what comes back from another machine is as trustworthy as that machine.
"""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from types import TracebackType
from typing import Any, Protocol, Self, TypeVar

J = TypeVar("J")
R = TypeVar("R")

LOOK_SECONDS = 0.05
"""Between two looks at what is under way."""
AHEAD = 1
"""So many jobs more than can run at once are handed out, so that nobody waits for the next."""


class Promise(Protocol):
    """A result to come, as every future is."""

    def done(self) -> bool:
        """Whether it has ended, well or not."""

    def result(self) -> Any:
        """What came of it; raises what the job raised."""

    def cancel(self) -> Any:
        """Let it go if it has not begun."""


class Executor(Protocol):
    """Something that takes a function with a job; ``width`` jobs can run at once."""

    @property
    def width(self) -> int:
        """How many jobs can run at once."""

    def submit(self, function: Callable[[J], R], job: J) -> Promise:
        """Hand out one job."""


class _Kept:
    """A job that has run already."""

    def __init__(self, function: Callable[[Any], Any], job: Any) -> None:
        self._error: Exception | None = None
        self._value: Any = None
        try:
            self._value = function(job)
        except Exception as error:  # told by ``result``, as a future tells it
            self._error = error

    def done(self) -> bool:
        return True

    def result(self) -> Any:
        if self._error is not None:
            raise self._error
        return self._value

    def cancel(self) -> bool:
        return False


class InProcess:
    """Runs every job at once, in this process."""

    width = 1

    def submit(self, function: Callable[[J], R], job: J) -> Promise:
        """Run the job and keep what came of it."""
        return _Kept(function, job)


class Processes:
    """Runs jobs in processes of their own, started afresh (spawned); to be used as a context manager.

    Parameters
    ----------
    count
        How many processes; memory grows with them.
    """

    def __init__(self, count: int = 1) -> None:
        self.width = count
        self._pool: ProcessPoolExecutor | None = None

    def __enter__(self) -> Self:
        self._pool = ProcessPoolExecutor(self.width, mp_context=multiprocessing.get_context("spawn"))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        pool, self._pool = self._pool, None
        if pool is None:
            return
        running = list((pool._processes or {}).values()) if kind is not None else []
        pool.shutdown(wait=kind is None, cancel_futures=True)
        for process in running:
            process.terminate()

    def submit(self, function: Callable[[J], R], job: J) -> Promise:
        """Send the job to a process that is free next."""
        if self._pool is None:
            raise RuntimeError("the processes are not running: use `with Processes(...) as executor`")
        return self._pool.submit(function, job)


class Elsewhere:
    """Runs jobs wherever a client takes them.

    Parameters
    ----------
    client
        Anything with ``submit(function, job)`` that gives a future: an executor of ``concurrent.futures``, a
        ``dask.distributed.Client``.
    width
        How many jobs it runs at once.
    """

    def __init__(self, client: Any, *, width: int) -> None:
        self.width = width
        self._client = client

    def submit(self, function: Callable[[J], R], job: J) -> Promise:
        """Hand the job to the client."""
        promise: Promise = self._client.submit(function, job)
        return promise


def run_all(
    executor: Executor,
    function: Callable[[J], R],
    jobs: Sequence[J],
    *,
    on_done: Callable[[int, int], None] | None = None,
    should_stop: Callable[[], bool] | None = None,
) -> list[R | None]:
    """Run a function on every job; the results in the order of the jobs, whoever ended first.

    Parameters
    ----------
    on_done
        Told, whenever jobs have ended, how many have and how many there are.
    should_stop
        Asked all the time; once it says True no further job begins, and those that did not end give None.

    Raises
    ------
    Exception
        What a job raised, of the first that did; no further job begins.
    """
    found: list[R | None] = [None] * len(jobs)
    under_way: dict[int, Promise] = {}
    next_job = done = 0
    try:
        while done < len(jobs):
            if should_stop is not None and should_stop():
                break
            while next_job < len(jobs) and len(under_way) < executor.width + AHEAD:
                under_way[next_job] = executor.submit(function, jobs[next_job])
                next_job += 1
                if under_way[next_job - 1].done():
                    break  # it ran at once: tell of it before the next
            ended = [number for number, promise in under_way.items() if promise.done()]
            for number in ended:
                found[number] = under_way.pop(number).result()
            done += len(ended)
            if not ended:
                time.sleep(LOOK_SECONDS)
            elif on_done is not None:
                on_done(done, len(jobs))
    finally:
        for promise in under_way.values():
            promise.cancel()
    return found
