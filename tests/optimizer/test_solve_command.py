"""`retorno solve` as a program: the plan it writes, what it prints, and what Ctrl-C leaves."""

from __future__ import annotations

import gzip
import json
import signal
import subprocess
import sys
from dataclasses import replace
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


def test_progress_is_a_line_of_json_a_second_and_ends_with_done(tmp_path: Path) -> None:
    problem = random_problem(4)
    write_problem(tmp_path / "p.json", problem)
    plan = tmp_path / "plan.json"
    command = [sys.executable, "-m", "retorno", "solve", str(tmp_path / "p.json"), "--rounds", "50", "--progress"]

    done = subprocess.run([*command, "--out", str(plan)], capture_output=True, text=True, timeout=120)

    lines = done.stdout.splitlines()
    told = [json.loads(line) for line in lines if line.startswith("{")]
    figures = [line.split()[0] for line in lines if not line.startswith("{")]
    verdict = judge(problem, read_plan(plan))
    first = next(each for each in told if each["value"] is not None)
    assert (done.returncode, done.stderr) == (0, "")
    assert (first["stage"], first["bound"], first["gap"]) == ("first", None, None)
    assert told[-1] == json.loads(lines[-1])
    assert told[-1] | {"seconds": 0} == {
        "stage": "done",
        "seconds": 0,
        "value": verdict.value_cents,
        "bound": verdict.value_cents,
        "gap": 0.0,
        "persons_planned": verdict.persons - verdict.persons_unplanned,
        "persons": verdict.persons,
        "stop_reason": "optimal",
    }
    assert [each["stage"] for each in told].count("done") == 1
    assert [each["seconds"] for each in told] == sorted(each["seconds"] for each in told)
    # At most a line a second, one at the first plan and the last.
    assert len(told) <= told[-1]["seconds"] + 2
    assert figures == [
        "value", "unplanned", "waiting", "cost", "comfort", "changes", "of", "counts:", "bound", "gap", "unplanned",
        "stopped:",
    ]  # fmt: skip


def test_a_reader_of_the_progress_that_goes_away_ends_the_lines_not_the_run(tmp_path: Path) -> None:
    write_problem(tmp_path / "p.json", random_problem(4))
    plan = tmp_path / "plan.json"
    command = [sys.executable, "-m", "retorno", "solve", str(tmp_path / "p.json"), "--rounds", "50", "--progress"]

    with subprocess.Popen([*command, "--out", str(plan)], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == b""
        process.wait(timeout=120)

    assert judge(random_problem(4), read_plan(plan)).is_valid


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_and_a_request_to_end_leave_the_best_plan_so_far(stop: signal.Signals, tmp_path: Path) -> None:
    out = tmp_path / "plan.json"
    write_plan(out, EMPTY_PLAN(random_problem(4)))
    command = [sys.executable, "-m", "retorno", "solve", str(WEEK40), "--seconds", "300", "--out", str(out)]

    with subprocess.Popen([*command, "--progress"], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        while json.loads(process.stdout.readline())["value"] is None:
            pass
        # Until the end the old file stands as it was.
        assert read_plan(out) == EMPTY_PLAN(random_problem(4))
        process.send_signal(stop)
        rest = process.stdout.read()
        status = process.wait(timeout=60)

    assert status == 128 + stop
    assert json.loads(rest.splitlines()[-1])["stop_reason"] == "stopped"
    problem = read_problem(WEEK40)
    verdict = judge(problem, read_plan(out))
    assert verdict.is_valid
    assert verdict.persons_unplanned == 0
    assert [path.name for path in tmp_path.iterdir()] == ["plan.json"]


# ---- planning anew ------------------------------------------------------------------------------------


def test_a_plan_followed_until_now_is_kept_but_for_what_happened_since(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    problem = random_problem(4)
    write_problem(tmp_path / "p.json", problem)
    first, again = tmp_path / "first.json", tmp_path / "again.json"
    solve = ["solve", str(tmp_path / "p.json"), "--rounds", "40", "--out"]
    main([*solve, str(first)])
    before = read_plan(first)
    # One group has withdrawn on the day after the first departures.
    now = 1 + min(legs[0].day for legs in before.itineraries.values())
    gone = max(before.itineraries, key=lambda name: before.itineraries[name][0].day)
    left = replace(problem, groups=tuple(group for group in problem.groups if group.id != gone), conflicts=())
    write_problem(tmp_path / "p.json", left)
    replan = ["--replan", str(first), "--now", str(now), "--change-cents", "77"]

    capfd.readouterr()
    status = main([*solve, str(again), *replan])
    told = capfd.readouterr().out
    checked = main(["check", str(tmp_path / "p.json"), str(again), *replan])
    without_past = main(["check", str(tmp_path / "p.json"), str(tmp_path / "first.json"), *replan])

    assert (status, checked, without_past) == (0, 0, 1)
    after = read_plan(again)
    for name, legs in before.itineraries.items():
        if name != gone:
            assert [leg for leg in after.itineraries.get(name, ()) if leg.day < now] == [
                leg for leg in legs if leg.day < now
            ]
    assert "VIOLATION GROUP_UNKNOWN" in capfd.readouterr().out
    changed = int(told.split("groups_changed ")[1].split(",")[0])
    assert f"changes    {77 * changed:>16,} cents" in told


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        (["--replan"], 'p.json column "replan": holds no plan followed until now'),
        (["--now", "1", "--change-cents", "5"], "--now and --change-cents: needs --replan PREVIOUS"),
        (["--replan", "{other}", "--now", "99"], 'column "problem": is "random-5", expected the problem "random-4"'),
        (["--replan", "{other}", "--now", "99"], "--now is 99, expected a day from 0 to 5"),
        (["--replan", "{nowhere}"], "nowhere.json: cannot be read: No such file or directory"),
    ],
)
def test_what_cannot_be_planned_anew_is_refused(
    more: list[str], expected: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_problem(tmp_path / "p.json", random_problem(4))
    write_plan(tmp_path / "other.json", EMPTY_PLAN(random_problem(5)))
    places = {"other": tmp_path / "other.json", "nowhere": tmp_path / "nowhere.json"}

    words = [word.format(**places) for word in more]
    status = main(["solve", str(tmp_path / "p.json"), "--out", str(tmp_path / "plan.json"), *words])

    assert status == 2
    assert expected in capsys.readouterr().err
    assert not (tmp_path / "plan.json").exists()


def test_a_problem_with_a_past_of_its_own_needs_no_plan_beside_it(tmp_path: Path) -> None:
    problem = random_problem(0, group_count=9, horizon_days=6, replan=True)
    assert problem.replan is not None
    write_problem(tmp_path / "p.json", problem)
    write_plan(tmp_path / "before.json", problem.replan.previous)
    outs = [tmp_path / f"{name}.json" for name in ("plain", "own", "given")]

    for out, more in zip(outs, ([], ["--replan"], ["--replan", str(tmp_path / "before.json")]), strict=True):
        assert main(["solve", str(tmp_path / "p.json"), "--rounds", "30", "--out", str(out), *more]) == 0

    assert outs[0].read_bytes() == outs[1].read_bytes() == outs[2].read_bytes()


# ---- what cannot be used ------------------------------------------------------------------------------


def test_the_faults_of_all_files_are_told_at_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "p.json").write_text('{"format": "retorno-joint-problem/9"}')
    (tmp_path / "plan.json.gz").write_bytes(gzip.compress(b'{"format": "retorno-joint-plan/1"}')[:-6])

    checked = main(["check", str(tmp_path / "p.json"), str(tmp_path / "plan.json.gz")])
    told = capsys.readouterr().err.splitlines()
    solved = main(["solve", str(tmp_path / "p.json"), "--out", str(tmp_path / "nowhere" / "plan.json")])

    assert (checked, solved) == (2, 2)
    assert 'p.json column "format": is "retorno-joint-problem/9", expected "retorno-joint-problem/1"' in told[0]
    assert "plan.json.gz: is a damaged gzip file: " in told[1]
    assert "cannot be written: there is no folder" in capsys.readouterr().err


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
