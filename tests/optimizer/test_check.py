"""The judge on whole plans and on files: value by component, malformed fields, wild numbers, the command."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from retorno.__main__ import main
from retorno.optimizer.check import COST_PARTS, SUMMANDS, Code, judge, judge_json, uses
from retorno.optimizer.problem import EMPTY_PLAN, plan_to_json, read_problem, write_plan, write_problem
from tests.optimizer.test_constraints import (
    BEFORE,
    DRIVEN,
    PROBLEM,
    by_charter,
    by_service,
    by_trip,
    plan,
    replanned,
    through,
    van,
    with_group,
)

JOINT = Path(__file__).parents[2] / "benchmarks" / "joint"


def test_the_value_of_a_ride_by_van_is_the_sum_of_its_parts() -> None:
    verdict = judge(PROBLEM, plan(van("V", (1, "AB"), (3, "BC")), G=(by_trip("AB", 1), by_trip("BC", 3))))

    assert {name: cents for name, cents in verdict.components.items() if cents} == {
        # Two moves of 130 km at 3, 500 a day, 900 for the driver: 2 x 1790.
        "trips": 3580,
        # Away from the depot on day 2 at B and on day 4 at C: 2 x 700.
        "idle": 1400,
        "return": 1700,
        # Three persons two nights at 210.
        "beds": 1260,
        "cost": 3580 + 1400 + 1700 + 1260,
        # H stays: 500,000, and waits all five days; G arrives on day 3.
        "unplanned": 500_000,
        "waiting": 5 * 1400 + 3 * 1400,
        # Each of three persons rides 210 minutes twice and boards twice.
        "comfort": 3 * (2 * 210 + 2 * 110),
    }
    assert verdict.value_cents == 500_000 + 11_200 + 7940 + 1920
    assert (verdict.persons, verdict.persons_unplanned) == (5, 2)
    assert verdict.person_days == 3 * 3 + 2 * 5
    assert verdict.trips_run == 2


def test_fares_charters_hire_and_escorts_have_their_price() -> None:
    problem = with_group(escorts=1, escort_pool="E")
    made = plan(
        van("V", (0, "AB"), (1, "BA"), hired=True),
        G=(by_service("fly-AB", 0), by_service("fly-BC", 1)),
        H=(by_charter(2),),
    )

    components = judge(problem, made).components

    assert components["hire"] == 4100
    assert components["fares"] == 2 * 4 * 3000  # Two flights, three persons and an escort.
    assert components["charters"] == 15_000
    # Days 0 and 1 under way, one day back.
    assert components["escorts"] == 3 * 1300
    assert components["return"] == 0
    assert components["idle"] == 0


def test_the_value_is_the_sum_of_its_summands_and_cost_the_sum_of_its_parts() -> None:
    verdict = judge(replanned(), plan(*BEFORE.vehicles, G=BEFORE.itineraries["G"]))

    assert verdict.value_cents == sum(verdict.components[name] for name in SUMMANDS)
    assert verdict.components["cost"] == sum(verdict.components[name] for name in COST_PARTS)
    assert verdict.components["changes"] == 30_000
    assert verdict.groups_changed == 1


def test_a_violation_names_group_and_vehicle() -> None:
    (violation,) = judge(PROBLEM, plan(G=(through(1),))).violations

    assert (violation.code, violation.group_id, violation.vehicle_id) == (Code.NO_SUCH_MOVE, "G", "V")
    assert "day 1 (AC)" in violation.text


def test_uses_count_persons_with_their_escorts() -> None:
    problem = with_group(escorts=1, escort_pool="E")
    found = uses(problem, plan(van("V", (1, "AC")), G=(by_trip("AC", 1), by_service("coach-BC", 2))))

    assert found.seats == {("V", 1, 0): 4}
    assert found.quota == {("X", 1): 4, ("Y", 2): 4}
    assert found.beds == {("B", 1): 4}
    assert found.reception == {("C", 2): 3}
    assert found.services == {("coach-BC", 2): 4}
    assert found.escorts == {("E", 1): 1, ("E", 2): 1, ("E", 3): 1}
    assert found.riders == {"G": {("V", 1)}}


# ---- plans as they stand in files ---------------------------------------------------------------------


def spoilt(**changes: Any) -> dict[str, Any]:
    return plan_to_json(DRIVEN) | changes


def test_a_missing_field_is_malformed() -> None:
    for place, key in (
        ("leg", "day"),
        ("leg", "vehicle"),
        ("leg", "board"),
        ("vehicle", "moves"),
        ("vehicle", "hired"),
    ):
        document = plan_to_json(DRIVEN)
        inner = document["itineraries"]["G"][0] if place == "leg" else document["vehicles"][0]
        del inner[key]

        verdict = judge_json(PROBLEM, document)

        assert verdict.codes == (Code.MALFORMED,)
        assert f"'{key}' is missing" in verdict.violations[0].text
        assert verdict.value_cents == 0


@pytest.mark.parametrize("document", [None, 5, "plan", [], {}, spoilt(vehicles=None), spoilt(itineraries=[1])])
def test_anything_that_is_no_plan_is_malformed(document: Any) -> None:
    assert judge_json(PROBLEM, document).codes == (Code.MALFORMED,)


def test_hired_may_be_a_number_and_unknown_keys_do_not_matter() -> None:
    document = spoilt(note="checked by hand")
    document["vehicles"][0] |= {"hired": 1, "colour": "red"}
    document["itineraries"]["G"][0]["seat"] = 7

    verdict = judge_json(PROBLEM, document)

    assert verdict.is_valid
    assert verdict.components["hire"] == 4100


def test_a_wild_day_number_fills_no_memory() -> None:
    far = plan(G=(by_service("fly-AB", -(10**11)), by_service("fly-BC", 10**11)))
    problem = with_group(escorts=1, escort_pool="E")

    found = set(judge(problem, far).codes)

    assert found == {Code.LEG_NOT_RUN, Code.NOT_READY, Code.TOO_LATE, Code.JOURNEY_TOO_LONG}


def test_the_largest_instance_is_judged() -> None:
    problem = read_problem(JOINT / "region50000.json.gz")

    verdict = judge(problem, EMPTY_PLAN(problem))

    assert verdict.persons == verdict.persons_unplanned == 50_000


# ---- the command --------------------------------------------------------------------------------------


def run(capsys: pytest.CaptureFixture[str], *arguments: str | Path) -> tuple[int, str, str]:
    status = main([str(argument) for argument in arguments])
    captured = capsys.readouterr()
    return status, captured.out, captured.err


def test_check_prints_the_value_of_a_valid_plan(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_problem(tmp_path / "p.json.gz", PROBLEM)
    write_plan(tmp_path / "plan.json", DRIVEN)

    status, out, err = run(capsys, "check", tmp_path / "p.json.gz", tmp_path / "plan.json")

    assert (status, err) == (0, "")
    lines = out.splitlines()
    assert lines[0] == f"value      {judge(PROBLEM, DRIVEN).value_cents:>16,} cents"
    assert [line.split()[0] for line in lines[1:6]] == list(SUMMANDS)
    assert lines[-1] == "VALID"


def test_check_prints_each_violation_and_fails(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_problem(tmp_path / "p.json", PROBLEM)
    write_plan(tmp_path / "plan.json", plan(G=(through(1),), Z=(through(1),)))

    status, out, _ = run(capsys, "check", tmp_path / "p.json", tmp_path / "plan.json")

    assert status == 1
    assert out.splitlines()[:2] == [
        "VIOLATION GROUP_UNKNOWN: group Z is not in the problem",
        "VIOLATION NO_SUCH_MOVE: group G leg 1 day 1 (AC): vehicle V does not run this trip that day",
    ]
    assert out.splitlines()[-1] == "INVALID (2 violations)"


def test_check_calls_a_malformed_plan_malformed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_problem(tmp_path / "p.json", PROBLEM)
    (tmp_path / "plan.json").write_text(json.dumps(spoilt(vehicles=[{"id": "V"}])))

    status, out, _ = run(capsys, "check", tmp_path / "p.json", tmp_path / "plan.json")

    assert status == 1
    assert out == "VIOLATION MALFORMED: the field 'type' is missing\nINVALID (1 violations)\n"


def test_check_tells_a_plan_of_another_problem(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_problem(tmp_path / "p.json", PROBLEM)
    (tmp_path / "plan.json").write_text(json.dumps(spoilt(problem="another", format="retorno-joint-plan/9")))

    status, out, _ = run(capsys, "check", tmp_path / "p.json", tmp_path / "plan.json")

    assert status == 1
    assert out.splitlines()[:2] == [
        f"VIOLATION HEADER: problem is 'another', expected '{PROBLEM.name}'",
        "VIOLATION HEADER: format is 'retorno-joint-plan/9', expected 'retorno-joint-plan/1'",
    ]
    assert out.splitlines()[-1] == "INVALID (2 violations)"


def test_check_prints_no_control_characters_of_a_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_problem(tmp_path / "p.json", PROBLEM)
    (tmp_path / "plan.json").write_text(json.dumps(spoilt(itineraries={"\x1b[2J\n\ud800": []})))

    status, out, _ = run(capsys, "check", tmp_path / "p.json", tmp_path / "plan.json")

    assert status == 1
    assert "group \N{REPLACEMENT CHARACTER}[2J\N{REPLACEMENT CHARACTER}\N{REPLACEMENT CHARACTER} is not" in out


def test_check_says_in_one_line_what_is_wrong_with_a_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_problem(tmp_path / "p.json", PROBLEM)
    write_plan(tmp_path / "plan.json", DRIVEN)
    (tmp_path / "empty").write_bytes(b"")

    for problem, made, expected in (
        ("nowhere", "plan.json", "nowhere: cannot be read: No such file or directory"),
        ("p.json", "empty", "empty: is empty, expected a JSON object"),
        ("p.json", "p.json", 'p.json column "format": is a problem, expected a plan'),
    ):
        status, out, err = run(capsys, "check", tmp_path / problem, tmp_path / made)
        assert (status, out) == (2, "")
        assert err == f"retorno check: {tmp_path}/{expected}\n"


def test_check_runs_as_a_program_and_survives_a_closed_pipe(tmp_path: Path) -> None:
    write_problem(tmp_path / "p.json", PROBLEM)
    (tmp_path / "plan.json").write_text(json.dumps(spoilt(itineraries={f"Z{n}": [] for n in range(30_000)})))
    command = [sys.executable, "-m", "retorno", "check", str(tmp_path / "p.json"), str(tmp_path / "plan.json")]

    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline().startswith(b"VIOLATION GROUP_UNKNOWN: group Z0 ")
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait(timeout=60) == 1
