"""`retorno solve` as a program: the plan it writes, what it prints, and what Ctrl-C leaves."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from retorno.__main__ import main
from retorno.optimizer.check import judge
from retorno.optimizer.problem import EMPTY_PLAN, read_plan, read_problem, write_plan, write_problem
from tests.optimizer.random_problems import random_problem

WEEK40 = Path(__file__).parents[2] / "benchmarks" / "joint" / "week40.json.gz"


def test_solve_writes_a_valid_plan_and_prints_its_value(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    problem = random_problem(4)
    write_problem(tmp_path / "p.json", problem)

    status = main(["solve", str(tmp_path / "p.json"), "--seconds", "3", "--out", str(tmp_path / "plan.json.gz")])

    verdict = judge(problem, read_plan(tmp_path / "plan.json.gz"))
    out = capfd.readouterr().out
    assert status == 0
    assert verdict.is_valid
    assert verdict.value_cents < judge(problem, EMPTY_PLAN(problem)).value_cents
    assert f"value      {verdict.value_cents:>16,} cents" in out
    assert f"unplanned persons: {verdict.persons_unplanned} of {verdict.persons}" in out


def test_solve_prints_its_own_lines_and_no_bound_before_one_is_known(tmp_path: Path) -> None:
    write_problem(tmp_path / "p.json", random_problem(4))
    plan = tmp_path / "plan.json"
    command = [sys.executable, "-m", "retorno", "solve", str(tmp_path / "p.json"), "--rounds", "50", "--progress"]

    done = subprocess.run([*command, "--out", str(plan)], capture_output=True, text=True, timeout=120)

    lines = done.stdout.splitlines()
    progress = [line for line in lines if " planned " in line and line.lstrip()[0].isdigit()]
    figures = [line.split()[0] for line in lines[len(progress) :]]
    assert (done.returncode, done.stderr) == (0, "")
    assert "  bound not yet known  gap -  " in progress[0]
    assert figures == [
        "value", "unplanned", "waiting", "cost", "comfort", "changes", "of", "counts:", "bound", "gap", "unplanned",
        "stopped:",
    ]  # fmt: skip


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_and_a_request_to_end_leave_the_best_plan_so_far(stop: signal.Signals, tmp_path: Path) -> None:
    out = tmp_path / "plan.json"
    command = [
        sys.executable,
        "-m",
        "retorno",
        "solve",
        str(WEEK40),
        "--seconds",
        "300",
        "--out",
        str(out),
        "--progress",
    ]

    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert " first " in process.stdout.readline()
        process.send_signal(stop)
        rest = process.stdout.read()
        status = process.wait(timeout=60)

    assert status == 128 + stop
    assert "stopped: " in rest
    problem = read_problem(WEEK40)
    verdict = judge(problem, read_plan(out))
    assert verdict.is_valid
    assert verdict.persons_unplanned == 0


@pytest.mark.parametrize(
    ("out", "expected"),
    [("nowhere/plan.json", "cannot be written: there is no folder"), (".", "is a folder, expected a file to write")],
)
def test_a_plan_that_could_not_be_written_is_refused_at_once(
    out: str, expected: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    status = main(["solve", str(WEEK40), "--out", str(tmp_path / out)])

    assert status == 2
    assert expected in capsys.readouterr().err


def test_a_full_disk_is_told_in_one_line_and_a_device_is_never_replaced(capsys: pytest.CaptureFixture[str]) -> None:
    status = main(["solve", str(WEEK40), "--out", "/dev/full", "--seconds", "1", "--rounds", "1"])

    assert status == 2
    assert capsys.readouterr().err == "retorno solve: /dev/full: cannot be written: No space left on device\n"
    assert Path("/dev/full").is_char_device()


def test_the_same_seed_and_rounds_give_the_same_plan(tmp_path: Path) -> None:
    write_problem(tmp_path / "p.json", random_problem(4))
    for out in ("a.json", "b.json"):
        main(["solve", str(tmp_path / "p.json"), "--out", str(tmp_path / out), "--seed", "7", "--rounds", "40"])

    assert (tmp_path / "a.json").read_bytes() == (tmp_path / "b.json").read_bytes()


def test_an_old_plan_stays_if_the_problem_cannot_be_read(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_plan(tmp_path / "plan.json", EMPTY_PLAN(random_problem(4)))

    status = main(["solve", str(tmp_path / "nowhere.json"), "--out", str(tmp_path / "plan.json")])

    assert status == 2
    assert capsys.readouterr().err.endswith("nowhere.json: cannot be read: No such file or directory\n")
    assert read_plan(tmp_path / "plan.json") == EMPTY_PLAN(random_problem(4))


@pytest.mark.parametrize("seconds", ["0", "-1", "nan", "inf", "soon"])
def test_a_time_limit_that_is_none_is_refused(seconds: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(["solve", str(WEEK40), "--out", "plan.json", "--seconds", seconds])

    assert stopped.value.code == 2
    assert f"is {seconds}, expected a number above 0" in capsys.readouterr().err
