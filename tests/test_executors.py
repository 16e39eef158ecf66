"""Handing out work: results in order whoever ends first, progress, stopping, and any client with futures."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from retorno.executors import Elsewhere, Executor, InProcess, Processes, run_all

JOBS = [3, 5, 11, 2]


def squared(number: int) -> int:
    return number * number


def slow_first(number: int) -> int:
    time.sleep(0.2 if number == 3 else 0.0)
    return number * number


def refused(number: int) -> int:
    if number == 5:
        raise ValueError("five is not taken")
    return number


def test_results_come_back_in_the_order_of_the_jobs() -> None:
    with ThreadPoolExecutor(2) as client:
        for executor, function in ((InProcess(), squared), (Elsewhere(client, width=2), slow_first)):
            assert run_all(executor, function, JOBS) == [9, 25, 121, 4]


def test_processes_of_their_own_give_the_same() -> None:
    with Processes(1) as executor:
        assert run_all(executor, squared, JOBS) == [9, 25, 121, 4]


def test_progress_is_told_until_all_have_ended() -> None:
    told: list[tuple[int, int]] = []
    run_all(InProcess(), squared, JOBS, on_done=lambda done, total: told.append((done, total)))
    assert told == [(1, 4), (2, 4), (3, 4), (4, 4)]


def test_after_a_stop_no_further_job_begins() -> None:
    begun: list[int] = []

    def noted(number: int) -> int:
        begun.append(number)
        return number

    found = run_all(InProcess(), noted, JOBS, should_stop=lambda: len(begun) >= 2)
    assert (found, begun) == ([3, 5, None, None], [3, 5])


@pytest.mark.parametrize("make", [InProcess, lambda: Elsewhere(ThreadPoolExecutor(1), width=1)])
def test_what_a_job_raises_is_raised_here(make: Callable[[], Executor]) -> None:
    with pytest.raises(ValueError, match="five"):
        run_all(make(), refused, JOBS)


def test_never_more_is_under_way_than_can_run_and_one_more() -> None:
    class Counted:
        width = 2
        under_way = most = 0

        def submit(self, function: Callable[[int], int], job: int) -> Counted.Later:
            self.under_way += 1
            self.most = max(self.most, self.under_way)
            return Counted.Later(self, function(job))

        class Later:
            def __init__(self, owner: Counted, value: int) -> None:
                self.owner, self.value, self.looks = owner, value, 0

            def done(self) -> bool:
                self.looks += 1
                return self.looks > 2

            def result(self) -> int:
                self.owner.under_way -= 1
                return self.value

            def cancel(self) -> bool:
                return False

    counted = Counted()
    assert run_all(counted, squared, list(range(7))) == [0, 1, 4, 9, 16, 25, 36]
    assert counted.most == 3
