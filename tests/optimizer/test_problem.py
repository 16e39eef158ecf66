"""Reading and writing problems and plans: nothing lost, every fault named, nothing that fills the memory."""

from __future__ import annotations

import gzip
import json
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

from retorno.errors import InputError
from retorno.optimizer import documents
from retorno.optimizer.problem import (
    EMPTY_PLAN,
    digest,
    plan_from_json,
    plan_to_json,
    problem_from_json,
    problem_to_json,
    read_document,
    read_plan,
    read_problem,
    write_plan,
    write_problem,
)
from tests.optimizer.random_problems import random_plan, random_problem

JOINT = Path(__file__).parents[2] / "benchmarks" / "joint"


def document(seed: int = 3, *, replan: bool = False) -> dict[str, Any]:
    return json.loads(json.dumps(problem_to_json(random_problem(seed, replan=replan))))


def faults(spoilt: Any) -> list[str]:
    """Every fault of a problem document as ``place: what``."""
    with pytest.raises(InputError) as caught:
        problem_from_json(spoilt, file="p.json")
    assert all(fault.file == "p.json" for fault in caught.value.faults)
    return [f"{fault.column}: {fault.what}" for fault in caught.value.faults]


@pytest.mark.parametrize("name", ["week40", "fever", "corridor"])
def test_a_problem_survives_reading_and_writing(name: str, tmp_path: Path) -> None:
    problem = read_problem(JOINT / f"{name}.json.gz")

    write_problem(tmp_path / "again.json.gz", problem)

    assert read_problem(tmp_path / "again.json.gz") == problem
    original = read_document(JOINT / f"{name}.json.gz")
    assert json.loads(json.dumps(problem_to_json(problem))) == original


@pytest.mark.parametrize("name", ["plan.json", "plan.json.gz"])
def test_a_plan_survives_reading_and_writing(name: str, tmp_path: Path) -> None:
    plan = random_plan(random_problem(2, group_count=12), seed=2)
    assert {leg.kind for legs in plan.itineraries.values() for leg in legs} == {"trip", "service", "charter"}

    write_plan(tmp_path / name, plan)

    assert read_plan(tmp_path / name) == plan
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_a_zipped_file_is_told_by_its_bytes_not_by_its_name(tmp_path: Path) -> None:
    problem = random_problem(3)
    (tmp_path / "p.json").write_bytes(gzip.compress(json.dumps(problem_to_json(problem)).encode()))

    assert read_problem(tmp_path / "p.json") == problem


def test_unknown_keys_are_ignored_in_a_problem_and_kept_in_a_leg() -> None:
    spoilt = document()
    spoilt["note"] = spoilt["groups"][0]["note"] = [1]
    assert problem_from_json(spoilt) == random_problem(3)

    plan = {
        "format": "retorno-joint-plan/1",
        "problem": "p",
        "vehicles": [],
        "itineraries": {"G0": [{"service": "F", "day": 1, "note": {"b": 1, "a": None}}]},
    }
    assert plan_to_json(plan_from_json(plan)) == plan


def test_the_digest_depends_on_content_alone() -> None:
    shuffled = dict(reversed(document().items()))

    assert digest(problem_from_json(shuffled)) == digest(random_problem(3))
    assert digest(random_problem(3)) != digest(random_problem(4))
    assert len(digest(random_problem(3))) == 64


def test_all_faults_of_a_file_are_told_together() -> None:
    spoilt = document()
    spoilt["horizon_days"] = 5
    spoilt["transfer_min"] = "90"
    spoilt["first_date"] = "2026-02-30"
    spoilt["groups"][1]["persons"] = 0
    spoilt["groups"][2]["destination"] = "S77"
    del spoilt["sites"][0]["beds"]

    assert faults(spoilt) == [
        "sites[0].beds: is missing",
        "groups[1].persons: is 0, expected a whole number at least 1",
        'groups[2].destination: is "S77", expected an id of sites',
        'first_date: is "2026-02-30", expected a date such as 2026-03-02',
        'transfer_min: is "90", expected a whole number at least 0',
    ]


@pytest.mark.parametrize(
    ("path", "value", "expected"),
    [
        (("horizon_days",), 0, "horizon_days: is 0, expected a whole number from 1 to 1000"),
        (("horizon_days",), 10**9, "horizon_days: is 1000000000, expected a whole number from 1 to 1000"),
        (("first_date",), "20260302", 'first_date: is "20260302", expected a date such as 2026-03-02'),
        (("costs", "boarding_cents"), -1, "costs.boarding_cents: is -1, expected a whole number at least 0"),
        (("groups", 0, "persons"), True, "groups[0].persons: is true, expected a whole number at least 1"),
        (("groups", 0, "persons"), 2.0, "groups[0].persons: is 2.0, expected a whole number at least 1"),
        (("groups", 0, "persons"), 10**13, "groups[0].persons: is 10000000000000, expected a whole number at least 1"),
        (("groups", 0, "vulnerable"), 2, "groups[0].vulnerable: is 2, expected a whole number from 0 to 1"),
        (("groups", 0, "escort_pool"), "E9", 'groups[0].escort_pool: is "E9", expected an id of escort_pools'),
        (("groups", 1, "id"), "G0", 'groups[1].id: is "G0", expected an id that no earlier row of groups has'),
        (("groups", 0, "id"), "G\u202e0", None),
        (("groups", 0, "id"), "", None),
        (("groups", 0), 5, "groups[0]: is 5, expected an object"),
        (("groups",), {}, "groups: is {}, expected a list"),
        (("sites", 0, "lat"), 91.5, "sites[0].lat: is 91.5, expected a number from -90 to 90"),
        (("trips", 0, "days"), "111", 'trips[0].days: is "111", expected one 0 or 1 per day, 5 in all'),
        (("trips", 0, "days"), "1121x", 'trips[0].days: is "1121x", expected one 0 or 1 per day, 5 in all'),
        (("trips", 0, "stops"), ["S0"], "trips[0].stops: has 1 stops, expected at least two"),
        (
            ("trips", 0, "depart_min", 0),
            1440,
            "trips[0].depart_min[0]: is 1440, expected a whole number from 0 to 1439",
        ),
        (("trips", 0, "arrive_min"), [0], "trips[0].arrive_min: has 1 entries, expected 2 for 2 stops"),
        (("trips", 0, "arrive_min", 1), 3, "trips[0].arrive_min[1]: is 3, before the departure before it"),
        (("services", 0, "mode"), "ship", 'services[0].mode: is "ship", expected flight or coach'),
        (("services", 0, "from"), "S9", 'services[0].from: is "S9", expected an id of sites'),
        (("services", 0, "arrive_min"), 1, "services[0].arrive_min: is 1, before the departure at 540"),
        (("crossings", 0, "quota"), [1], "crossings[0].quota: has 1 numbers, expected one per day: 5"),
        (("crossings", 0, "countries"), ["A"], 'crossings[0].countries: is ["A"], expected two countries'),
        (("closures",), [["X9", 1]], 'closures: is "X9", expected an id of crossings'),
        (("closures",), [["AB-0"]], 'closures[0]: is ["AB-0"], expected a list of an id and a day'),
        (("cancelled",), [["T99", 1]], 'cancelled: is "T99", expected an id of trips, services or charters'),
        (("conflicts",), [["G0", "G0"]], 'conflicts[0]: is ["G0", "G0"], expected two different groups'),
        (("conflicts",), [["G0", "G99"]], 'conflicts[0]: is "G99", expected an id of groups'),
        (("depots", 0, "own"), {"ship": 1}, 'depots[0].own: is "ship", expected an id of vehicle_types'),
        (
            ("vehicle_types", 0, "return_cents"),
            {"S0": -1},
            "vehicle_types[0].return_cents.S0: is -1, expected a whole number at least 0",
        ),
    ],
)
def test_each_fault_is_named_with_its_place(path: tuple[Any, ...], value: Any, expected: str | None) -> None:
    spoilt = document()
    inner = spoilt
    for step in path[:-1]:
        inner = inner[step]
    inner[path[-1]] = value

    found = faults(spoilt)

    if expected is None:
        expected = f"groups[0].id: is {json.dumps(value)}, expected a text without control characters, not empty"
    assert expected in found


def test_the_stricter_days_are_among_the_days() -> None:
    spoilt = document()
    spoilt["trips"][0]["days"], spoilt["trips"][0]["vulnerable_days"] = "10011", "10101"

    assert faults(spoilt) == ["trips[0].vulnerable_days: is 1 on day 2, on which days is 0"]


def test_a_withdrawn_group_may_still_be_named_when_replanning() -> None:
    spoilt = document(replan=True)
    spoilt["conflicts"] = [["G0", "gone"]]
    spoilt["replan"]["locked_groups"] = ["gone"]

    assert problem_from_json(spoilt).conflicts == (("G0", "gone"),)


def test_faults_of_the_previous_plan_are_told_too() -> None:
    spoilt = document(replan=True)
    spoilt["replan"]["previous"]["itineraries"] = {"G0": [{"day": 1}, {"service": "F", "day": "1"}]}

    found = faults(spoilt)

    assert found == [
        'replan.previous.itineraries.G0[0]: is {"day": 1}, expected a leg with a trip, service or charter',
        'replan.previous.itineraries.G0[1].day: is "1", expected a whole number at least -1000000000000',
    ]


def test_any_value_in_any_place_is_either_read_or_refused() -> None:
    # No other error than InputError may come out, whatever stands where.
    values = (None, True, -1, 10**30, 1.5, "", "x", "\ud800", [], [[]], {}, {"a": 1}, [None, "x", 1])
    original = document(replan=True)
    places = list(_places(original))
    refused = 0
    for place in places[:: max(1, len(places) // 130)]:
        for value in values:
            spoilt = deepcopy(original)
            inner = spoilt
            for step in place[:-1]:
                inner = inner[step]
            inner[place[-1]] = value
            try:
                problem_from_json(spoilt)
            except InputError:
                refused += 1

    assert refused > 1_000


def _places(value: Any, path: tuple[Any, ...] = ()) -> Any:
    steps = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for step, inner in steps:
        yield (*path, step)
        yield from _places(inner, (*path, step))


# ---- files --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", "is empty, expected a JSON object"),
        (b" \n", "is empty, expected a JSON object"),
        (b"{", "is not JSON: Expecting property name enclosed in double quotes in line 1, column 2"),
        (b"\xff\xfe{}", "is not a JSON file in UTF-8 (byte 0)"),
        (b"[NaN]", "holds a number that cannot be used: NaN is not a number of JSON"),
        (b"[1e999]", "holds a number that cannot be used: 1e999 is too large"),
        (b"[" * 100_000, "is nested too deeply to be a problem or plan"),
        (b"9" * 5_000, None),
        (gzip.compress(b"{}", mtime=0)[:-5], None),
        (b"PK\x03\x04 a workbook", "is not JSON: Expecting value in line 1, column 1"),
        (b"[]", 'is null, expected "retorno-joint-problem/1" or "retorno-joint-problem/2"'),
        (
            json.dumps(plan_to_json(EMPTY_PLAN(random_problem(3)))).encode(),
            'is a plan, not a problem: "retorno-joint-plan/1", '
            'expected "retorno-joint-problem/1" or "retorno-joint-problem/2"',
        ),
    ],
)
def test_a_file_of_the_wrong_kind_is_refused_in_one_sentence(
    content: bytes, expected: str | None, tmp_path: Path
) -> None:
    (tmp_path / "p.json").write_bytes(content)

    with pytest.raises(InputError) as caught:
        read_problem(tmp_path / "p.json")

    assert len(caught.value.faults) == 1
    assert caught.value.faults[0].file == str(tmp_path / "p.json")
    if expected is not None:
        assert caught.value.faults[0].what == expected


def test_a_missing_file_and_a_folder_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="No such file"):
        read_problem(tmp_path / "nowhere.json")
    with pytest.raises(InputError, match="is a folder"):
        read_problem(tmp_path)


def test_a_gzip_bomb_is_refused_before_it_fills_the_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(documents, "LARGEST_FILE_BYTES", 2**20)
    (tmp_path / "bomb.json.gz").write_bytes(gzip.compress(b" " * 2**26))

    with pytest.raises(InputError, match="holds more than 1 MiB"):
        read_problem(tmp_path / "bomb.json.gz")


def test_a_file_that_hides_its_size_is_read_no_further_than_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(documents, "LARGEST_FILE_BYTES", 2**20)

    with pytest.raises(InputError, match="holds more than 1 MiB"):
        read_problem("/dev/zero")


def test_a_failed_write_leaves_the_old_file(tmp_path: Path) -> None:
    plan = EMPTY_PLAN(random_problem(3))
    write_plan(tmp_path / "plan.json", plan)

    with pytest.raises(TypeError):
        documents.write_document(tmp_path / "plan.json", {"x": object()})

    assert read_plan(tmp_path / "plan.json") == plan
    assert [path.name for path in tmp_path.iterdir()] == ["plan.json"]
