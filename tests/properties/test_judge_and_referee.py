"""Our judge and the referee of the public format find the same faults and the same value, whatever the plan."""

from __future__ import annotations

import json
import random
import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from benchmarks.joint import referee
from retorno.__main__ import main
from retorno.errors import InputError
from retorno.optimizer.check import Code, judge, judge_json
from retorno.optimizer.problem import (
    Problem,
    plan_from_json,
    plan_to_json,
    problem_from_json,
    problem_to_json,
    read_problem,
)
from retorno.optimizer.solve import Settings, solve
from retorno.optimizer.verdict import VERSION_2
from tests.optimizer.random_problems import random_plan, random_problem
from tests.optimizer.referee import COUNTS, referee_says
from tests.properties.bent_problems import bent, with_an_odd_value
from tests.properties.corruptions import corrupted

JOINT = Path(__file__).parents[2] / "benchmarks" / "joint"


def agree(problem: Problem, problem_document: dict[str, Any], document: Any, where: str) -> tuple[str, ...]:
    """The codes that both find, with their repeats, after comparing every figure too."""
    codes, figures = referee_says(problem_document, document)
    verdict = judge_json(problem, document)
    where = f"{where}: {json.dumps(document)}"
    assert verdict.codes == codes, where
    for name, expected in figures.items():
        if name == "total":
            assert verdict.value_cents == expected, where
        elif name in COUNTS:
            assert getattr(verdict, name) == expected, where
        else:
            assert verdict.components[name] == expected, (name, where)
    return codes


def ground(seed: int) -> tuple[Problem, dict[str, Any], dict[str, Any]]:
    """A random problem, its JSON, and the JSON of a plan for it; every third one plans anew."""
    problem = random_problem(seed, group_count=3 + seed % 9, replan=seed % 3 == 0)
    return problem, json.loads(json.dumps(problem_to_json(problem))), plan_to_json(random_plan(problem, seed))


def spoil_plans(seed: int, *, count: int) -> Counter[str]:
    """Judge one random plan and so many corruptions of it by both; gives how often each code was found."""
    problem, problem_document, plan = ground(seed)
    rng = random.Random(f"corruptions {seed}")
    found: Counter[str] = Counter()
    for number, document in enumerate([plan, *(corrupted(rng, problem, plan) for _ in range(count))]):
        codes = agree(problem, problem_document, document, f"seed {seed} document {number}")
        found.update(set(codes) or {"VALID"})
    return found


def bend_problems(seed: int, *, count: int) -> Counter[str]:
    """Judge one random plan against so many bent problems by both, every third time with faults in the plan too."""
    problem, problem_document, plan = ground(seed)
    rng = random.Random(f"bends {seed}")
    found: Counter[str] = Counter()
    for number in range(count):
        changed = (with_an_odd_value if number % 4 == 3 else bent)(rng, problem_document)
        try:
            read = problem_from_json(changed)
        except InputError:
            found["REFUSED"] += 1
            continue
        document = corrupted(rng, problem, plan) if number % 3 == 2 else plan
        if is_wild(document):
            continue
        codes = agree(read, changed, document, f"seed {seed} bend {number}")
        found.update(set(codes) or {"VALID"})
    return found


def is_wild(document: Any) -> bool:
    """Whether a plan holds a number so far out that the referee would walk through all days up to it."""
    if isinstance(document, dict | list):
        return any(map(is_wild, document.values() if isinstance(document, dict) else document))
    return isinstance(document, int | float) and abs(document) > 10_000


def test_judge_and_referee_agree_on_corrupted_plans() -> None:
    found: Counter[str] = Counter()
    for seed in range(60):
        found += spoil_plans(seed, count=15)

    # Every code was met, else the agreement says nothing about it; and many plans were valid.
    assert set(Code) - VERSION_2 - set(found) == set()
    assert found["VALID"] > 100


def test_judge_and_referee_agree_on_problems_bent_under_a_plan() -> None:
    found: Counter[str] = Counter()
    for seed in range(60):
        found += bend_problems(seed, count=12)

    # Only a wrong header cannot come from the problem, as a plan names it.
    assert set(Code) - VERSION_2 - set(found) - {"HEADER", "MALFORMED"} == set()
    assert found["VALID"] > 100
    assert found["REFUSED"] > 30


@pytest.mark.long
def test_judge_and_referee_agree_on_ten_thousand_corrupted_plans() -> None:
    found: Counter[str] = Counter()
    for seed in range(1_000, 1_500):
        found += spoil_plans(seed, count=19)

    assert set(Code) - VERSION_2 - set(found) == set()


@pytest.mark.long
def test_judge_and_referee_agree_on_ten_thousand_bent_problems() -> None:
    found: Counter[str] = Counter()
    for seed in range(2_000, 2_500):
        found += bend_problems(seed, count=20)

    assert set(Code) - VERSION_2 - set(found) == set()


@pytest.mark.long
@pytest.mark.parametrize("name", ["week40", "fever", "corridor"])
def test_judge_and_referee_agree_on_spoilt_plans_of_real_size(name: str) -> None:
    problem = read_problem(JOINT / f"{name}.json.gz")
    problem_document = json.loads(json.dumps(problem_to_json(problem)))
    plan = plan_to_json(solve(problem, Settings(seconds=20, max_rounds=20)).plan)
    rng = random.Random(f"corruptions {name}")

    assert agree(problem, problem_document, plan, name) == ()
    for number in range(150):
        document = corrupted(rng, problem, plan)
        agree(problem, problem_document, document, f"{name} document {number}")
        changed = bent(rng, problem_document)
        agree(problem_from_json(changed), changed, plan, f"{name} bend {number}")


def test_a_plan_read_into_our_own_form_is_judged_as_the_file_is() -> None:
    for seed in range(40):
        problem = random_problem(seed, replan=seed % 2 == 0)
        document = plan_to_json(random_plan(problem, seed))

        assert judge(problem, plan_from_json(document)) == judge_json(problem, document)


def test_the_two_commands_print_the_same_codes_and_figures(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for seed in range(0, 12, 2):
        problem, problem_document, plan = ground(seed)
        files = [str(tmp_path / "p.json"), str(tmp_path / "plan.json")]
        spoilt = plan if seed % 4 else corrupted(random.Random(seed), problem, plan)
        for name, document in zip(files, (problem_document, spoilt), strict=True):
            Path(name).write_text(json.dumps(document), encoding="utf-8")

        statuses = [main(["check", *files])]
        ours = capsys.readouterr().out
        statuses.append(referee.main(files))
        theirs = capsys.readouterr().out

        assert statuses[0] == statuses[1], seed
        assert printed(ours) == printed(theirs), seed


def printed(out: str) -> list[str]:
    """The codes, sorted, and the lines of figures; the referee calls the value *total* and leaves out counts of 0."""
    lines = out.splitlines()
    codes = sorted(line.split(":")[0] for line in lines if line.startswith("VIOLATION"))
    figures = [line.replace("total  ", "value  ") for line in lines if not line.startswith("VIOLATION")]
    return codes + [re.sub(r"( [a-z_]+ 0,|, [a-z_]+ 0$)", "", line) if "counts:" in line else line for line in figures]
