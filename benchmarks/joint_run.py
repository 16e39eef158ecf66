"""Solve instances of the joint problem and print a table; the referee beside them judges every plan.

    python -m benchmarks.joint_run week40 month400 --seconds 60 --seeds 1 2 3

An instance is a name in benchmarks/joint or a file.  Each run is a process of its own, so that time and peak
memory are its own; both count from the start of reading.
"""

from __future__ import annotations

import argparse
import csv
import json
import resource
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from retorno.optimizer.problem import read_problem, write_plan
from retorno.optimizer.solve import Settings, solve

FOLDER = Path(__file__).resolve().parent / "joint"


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What one run gave; values in cents, times in seconds, memory in MiB."""

    instance: str
    seed: int
    value_cents: int
    bound_cents: int | None
    persons_unplanned: int
    seconds: float
    first_seconds: float
    memory_mib: int
    stop_reason: str
    is_valid: bool


def instance_path(name: str) -> Path:
    """The file of an instance given by name or path."""
    path = Path(name)
    return path if path.exists() else FOLDER / f"{name}.json.gz"


def run_here(path: Path, *, seconds: float, seed: int, plan_path: Path) -> dict[str, object]:
    """Solve one instance in this process and write its plan."""
    begun = time.monotonic()
    problem = read_problem(path)
    settings = Settings(seconds=seconds, seed=seed, spent_seconds=time.monotonic() - begun)
    result = solve(problem, settings)
    write_plan(plan_path, result.plan)
    return {
        "instance": problem.name,
        "seed": seed,
        "value_cents": result.value_cents,
        "bound_cents": result.bound_cents,
        "persons_unplanned": result.verdict.persons_unplanned,
        "seconds": time.monotonic() - begun,
        "first_seconds": result.first_seconds,
        "memory_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
        "stop_reason": "; ".join((result.stop_reason, *result.failures)),
    }


def run_apart(path: Path, *, seconds: float, seed: int) -> Outcome:
    """Solve one instance in a process of its own and let the referee judge the plan."""
    with tempfile.TemporaryDirectory() as folder:
        plan_path = Path(folder) / "plan.json"
        command = [sys.executable, "-m", "benchmarks.joint_run", str(path), "--one", str(plan_path)]
        command += ["--seconds", str(seconds), "--seeds", str(seed)]
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
        referee = [sys.executable, str(FOLDER / "referee.py"), str(path), str(plan_path)]
        verdict = subprocess.run(referee, capture_output=True, text=True, check=False)
    figures = json.loads(done.stdout.splitlines()[-1])
    return Outcome(**figures, is_valid=verdict.returncode == 0)


def reference() -> dict[str, dict[str, str]]:
    """Rows of reference.csv by instance name."""
    with open(FOLDER / "reference.csv", newline="", encoding="utf-8") as file:
        return {row["instance"]: row for row in csv.DictReader(file)}


def table_row(outcome: Outcome, known: dict[str, str]) -> str:
    """One line of the table, in dollars."""

    def dollars(cents: int | str | None) -> str:
        return f"{int(cents) / 100:,.0f}" if cents not in (None, "") else "-"

    gap = "-"
    if outcome.bound_cents is not None and outcome.value_cents > 0:
        gap = f"{100 * max(0, outcome.value_cents - outcome.bound_cents) / outcome.value_cents:.2f} %"
    cells = (
        outcome.instance,
        str(outcome.seed),
        dollars(outcome.value_cents),
        dollars(outcome.bound_cents),
        gap,
        str(outcome.persons_unplanned),
        dollars(known.get("baseline_value_cents")),
        known.get("baseline_unplanned_persons") or "-",
        dollars(known.get("best_value_cents")),
        f"{outcome.first_seconds:.1f}",
        f"{outcome.seconds:.1f}",
        str(outcome.memory_mib),
        outcome.stop_reason,
        "valid" if outcome.is_valid else "INVALID",
    )
    return "| " + " | ".join(cells) + " |"


HEAD = (
    "| instance | seed | value $ | bound $ | gap | left out | by hand $ | left out by hand | best known $ "
    "| first plan s | s | MiB | stop | referee |"
)


def main() -> int:
    """Run what the command line names; 1 if the referee refuses a plan."""
    parser = argparse.ArgumentParser(description="Solve instances of the joint problem and print a table.")
    parser.add_argument("instances", nargs="+", help="names in benchmarks/joint, or files")
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--seeds", type=int, nargs="+", default=[1])
    parser.add_argument("--one", metavar="PLAN", help="solve the one instance here, write its plan, print JSON")
    given = parser.parse_args()
    if given.one:
        path = instance_path(given.instances[0])
        figures = run_here(path, seconds=given.seconds, seed=given.seeds[0], plan_path=Path(given.one))
        print(json.dumps(figures))
        return 0
    known = reference()
    print(HEAD)
    print("|" + " --- |" * HEAD.count(" | ") + " --- |")
    all_valid = True
    for name in given.instances:
        path = instance_path(name)
        for seed in given.seeds:
            outcome = run_apart(path, seconds=given.seconds, seed=seed)
            all_valid = all_valid and outcome.is_valid
            # The reference holds for the instances of the folder only, not for others of the same class.
            row = known.get(path.name.removesuffix(".json.gz"), {}) if path.parent == FOLDER else {}
            print(table_row(outcome, row), flush=True)
    return 0 if all_valid else 1


if __name__ == "__main__":
    sys.exit(main())
