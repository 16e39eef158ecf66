"""Solve public dial-a-ride problems and print a table; a plain judge beside it checks every plan.

    python -m benchmarks.rounds_run --folder FOLDER --seconds 10 --seeds 1 2 3 [NAME ...]

The folder holds the files (``a2-20.txt``) and ``best_known.csv`` (columns ``instance``, ``best_known``); they are not
part of this project.  Each run is the command ``retorno rounds`` in a process of its own.
"""

from __future__ import annotations

import argparse
import csv
import math
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from statistics import fmean

# A sum of unrounded numbers in another order differs by less.
TOLERANCE = 1e-6


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """One run: length of all routes, seconds of the whole process, what is wrong with the plan (empty: nothing)."""

    length: float
    seconds: float
    wrong: tuple[str, ...]


def numbers_of(path: Path) -> tuple[list[float], list[list[float]]]:
    """Header and nodes of a public file."""
    rows = [[float(word) for word in line.split()] for line in path.read_text("utf-8").splitlines() if line.strip()]
    return rows[0], rows[1:]


def length_of(nodes: list[list[float]], order: list[int]) -> float:
    """Length of one route."""
    way = [0, *order, 0]
    return sum(math.dist(nodes[a][1:3], nodes[b][1:3]) for a, b in pairwise(way))


def wrongs_of(path: Path, plan: list[list[int]]) -> tuple[str, ...]:
    """What is wrong with a plan, judged from the file alone."""
    header, nodes = numbers_of(path)
    count = (len(nodes) - 1) // 2
    wrong = []
    seen = sorted(node for order in plan for node in order)
    if seen != list(range(1, 2 * count + 1)):
        wrong.append("not every node once")
    if len(plan) > header[0]:
        wrong.append(f"{len(plan)} routes, {header[0]:g} vehicles")
    for number, order in enumerate(plan, start=1):
        position = {node: place for place, node in enumerate(order)}
        load = 0.0
        for node in order:
            load += nodes[node][4]
            if load > header[3]:
                wrong.append(f"route {number}: overloaded at {node}")
        if any(position.get(node + count, -1) < position[node] for node in order if node <= count):
            wrong.append(f"route {number}: a drop before its pick-up")
        elif not has_schedule(header, nodes, order, count):
            wrong.append(f"route {number}: no schedule keeps every time")
    return tuple(wrong)


def has_schedule(
    header: list[float], nodes: list[list[float]], order: list[int], count: int, *, limited: set[int] | None = None
) -> bool:
    """Whether moments exist for all stops: longest paths in the graph of 'at least so much after', without a cycle.

    With ``limited`` the ride limit holds only for those picked up at these nodes.
    """
    way = [0, *order, 0]
    last = nodes[2 * count + 1] if len(nodes) == 2 * count + 2 else nodes[0]
    windows = [nodes[0][5:7], *(nodes[node][5:7] for node in order), last[5:7]]
    edges = [
        (k, k + 1, nodes[way[k]][3] + math.dist(nodes[way[k]][1:3], nodes[way[k + 1]][1:3]))
        for k in range(len(way) - 1)
    ]
    position = {node: k for k, node in enumerate(order, start=1)}
    rides = [node for node in order if node <= count and (limited is None or node in limited)]
    edges += [(position[node + count], position[node], -header[4] - nodes[node][3]) for node in rides]
    edges.append((len(way) - 1, 0, -header[2]))
    times = [window[0] for window in windows]
    for _ in range(len(way) + 1):
        changed = False
        for a, b, least in edges:
            if times[a] + least > times[b] + TOLERANCE / len(way):
                times[b] = times[a] + least
                changed = True
        if not changed:
            return all(now <= window[1] + TOLERANCE for now, window in zip(times, windows, strict=True))
    return False


def run_apart(path: Path, *, seconds: float, seed: int) -> Outcome:
    """Run the command on one file and judge what it wrote."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "plan.txt"
        command = [sys.executable, "-m", "retorno", "rounds", str(path), "--seconds", str(seconds)]
        begun = time.monotonic()
        subprocess.run([*command, "--seed", str(seed), "--out", str(out)], check=False, capture_output=True)
        took = time.monotonic() - begun
        lines = out.read_text("utf-8").splitlines() if out.exists() else []
    plan = [[int(word) for word in line.split()] for line in lines]
    _, nodes = numbers_of(path)
    return Outcome(length=sum(length_of(nodes, order) for order in plan), seconds=took, wrong=wrongs_of(path, plan))


def main() -> int:
    """Print one line per file and one per set; status 1 if a plan is not legal and complete."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", help="files without .txt; default: all of best_known.csv")
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--seeds", type=int, nargs="+", default=[1])
    arguments = parser.parse_args()
    with (arguments.folder / "best_known.csv").open(encoding="utf-8", newline="") as file:
        known = {row["instance"]: float(row["best_known"]) for row in csv.DictReader(file)}
    gaps: dict[str, list[tuple[float, float]]] = {}
    is_good = True
    print(f"{'file':<8} {'best known':>10} {'mean':>9} {'gap %':>6} {'worst %':>7} {'seconds':>7}")
    for name in arguments.names or sorted(known):
        path = arguments.folder / f"{name}.txt"
        runs = [run_apart(path, seconds=arguments.seconds, seed=seed) for seed in arguments.seeds]
        mean, worst = fmean(run.length for run in runs), max(run.length for run in runs)
        gap = 100 * (mean / known[name] - 1)
        gaps.setdefault(name[0], []).append((gap, 100 * (worst / known[name] - 1)))
        longest = max(run.seconds for run in runs)
        print(
            f"{name:<8} {known[name]:>10.2f} {mean:>9.2f} {gap:>6.2f} {gaps[name[0]][-1][1]:>7.2f} {longest:>7.1f}",
            flush=True,
        )
        for run in runs:
            for what in run.wrong:
                is_good = False
                print(f"  WRONG {what}")
    for letter, found in gaps.items():
        print(
            f"{letter}: mean gap {fmean(gap for gap, _ in found):.2f} %, worst {max(worst for _, worst in found):.2f} %"
        )
    return 0 if is_good else 1


if __name__ == "__main__":
    raise SystemExit(main())
