"""Value and proven bound over time, and time and memory of first plans by size, as CSV files for ``curves.py``.

    python -m benchmarks.curve_run gap week40 month400 --seconds 60
    python -m benchmarks.curve_run growth --persons 100 400 3000 10000 50000

``gap`` runs ``retorno solve --progress`` and writes ``docs/figures/gap-NAME.csv``; ``growth`` makes instances of every
class of those sizes (``joint/generate.py``), asks for the first plan only, and writes ``docs/figures/growth.csv``.
One thread, a process for every run, code compiled before.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.joint_run import FOLDER, instance_path
from retorno.optimizer.warm import warm_up

FIGURES = Path(__file__).resolve().parents[1] / "docs" / "figures"
GROWTH_CLASSES = {
    40: "week40", 100: "corridor", 400: "month400", 1000: "region1000", 3000: "surge3000", 7800: "cuban7800",
    10000: "region10000", 50000: "region50000",
}  # fmt: skip
"""Persons, and the class of ``joint/generate.py`` that has so many."""
FIRST_SECONDS = 120.0
"""Limit for a first plan; the run is stopped when it is there."""


def gap_curve(name: str, *, seconds: float, seed: int) -> Path:
    """Run one instance and write every line of its progress."""
    out = FIGURES / f"gap-{Path(name).name.removesuffix('.json.gz')}.csv"
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "retorno", "solve", str(instance_path(name)), "--progress"]
        command += ["--out", f"{folder}/plan.json", "--seconds", str(seconds), "--seed", str(seed)]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
    told = [json.loads(line) for line in (done.stdout + done.stderr).splitlines() if line.startswith("{")]
    points = [point for point in told if point.get("value") is not None]
    with out.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["seconds", "stage", "value_cents", "bound_cents"])
        for point in points:
            bound = "" if point["bound"] is None else point["bound"]
            row = [f"{point['seconds']:.1f}", point["stage"], point["value"], bound]
            writer.writerow(row)
    return out


def first_plan(path: Path, *, seed: int) -> dict[str, float]:
    """Seconds, processor seconds and peak memory until the first judged plan, start of the process included."""
    code = (
        "import sys\n"
        "from retorno.optimizer.problem import read_problem\n"
        "from retorno.optimizer.solve import Settings, solve\n"
        "problem = read_problem(sys.argv[1])\n"
        "have = []\n"
        f"solve(problem, Settings(seconds={FIRST_SECONDS}, seed={seed}), should_stop=lambda: bool(have),\n"
        "      on_plan=lambda plan, verdict: have.append(plan))\n"
        "print(*(line for line in open('/proc/self/status') if line.startswith('VmHWM')))\n"
    )
    begun = time.monotonic()
    child = subprocess.Popen([sys.executable, "-c", code, str(path)], stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    told = child.stdout.read()
    _, status, used = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        raise RuntimeError(f"no first plan of {path}: status {child.returncode}")
    return {
        "seconds": time.monotonic() - begun,
        "processor_seconds": used.ru_utime + used.ru_stime,
        # Of the program itself: ru_maxrss would begin with what this process held when it started it.
        "memory_mib": int(told.split()[1]) / 1024,
    }


def growth(sizes: list[int], *, seed: int) -> Path:
    """Make an instance per size, time its first plan, write the table."""
    out = FIGURES / "growth.csv"
    with out.open("w", newline="", encoding="utf-8") as file, tempfile.TemporaryDirectory() as folder:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["persons", "class", "seconds", "processor_seconds", "memory_mib"])
        for size in sizes:
            kind = GROWTH_CLASSES[size]
            path = Path(folder) / f"{kind}.json.gz"
            data = FOLDER.parents[1] / "data"
            make = [sys.executable, str(FOLDER / "generate.py"), kind, str(seed), str(path), "--data", str(data)]
            subprocess.run(make, check=True, stdout=subprocess.DEVNULL)
            told = first_plan(path, seed=seed)
            row = [size, kind, *(f"{told[key]:.1f}" for key in ("seconds", "processor_seconds", "memory_mib"))]
            writer.writerow(row)
            file.flush()
            print(*row, flush=True)
    return out


def main() -> int:
    """Run what the command line names."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    what = parser.add_subparsers(dest="what", required=True)
    gap = what.add_parser("gap", help="value and bound over time")
    gap.add_argument("instances", nargs="+", help="names in benchmarks/joint, or files")
    gap.add_argument("--seconds", type=float, default=60.0)
    gap.add_argument("--seed", type=int, default=1)
    size = what.add_parser("growth", help="first plans by size")
    size.add_argument("--persons", type=int, nargs="+", choices=sorted(GROWTH_CLASSES), default=sorted(GROWTH_CLASSES))
    size.add_argument("--seed", type=int, default=7)
    given = parser.parse_args()
    FIGURES.mkdir(exist_ok=True)
    warm_up()
    if given.what == "growth":
        print(growth(given.persons, seed=given.seed))
        return 0
    for name in given.instances:
        print(gap_curve(name, seconds=given.seconds, seed=given.seed), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
