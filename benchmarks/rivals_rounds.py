"""Public dial-a-ride files side by side: retorno, OR-Tools routing, PyVRP and VROOM; one table.

    python -m benchmarks.rivals_rounds a2-20 a4-32 --folder FOLDER --seconds 10 --python PYTHON

The files are not part of this project (see ``benchmarks.rounds_run``); without ``--folder`` nothing is run.  PyVRP and
VROOM run in the interpreter ``--python``, which holds ``benchmarks/requirements.txt``; without them they are left out
by name.  Lengths and minutes are given to the rivals in thousandths, and all routes are measured again from the file.
"""

from __future__ import annotations

import argparse
import csv
import json
import math
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from ortools.constraint_solver import pywrapcp, routing_enums_pb2

from benchmarks.rounds_run import has_schedule, length_of, numbers_of, run_apart, wrongs_of

FINE = 1000
"""The rivals count in whole numbers: a minute, and a unit of length, is this many."""
LEFT_OUT = 10_000 * FINE
HERE = Path(__file__).resolve().parent
CANNOT_STATE = {
    "OR-Tools": "nothing of the public files; of our own rounds the set-up of seats that a vehicle keeps for its round",
    "PyVRP": "the longest ride of a passenger",
    "VROOM": "the longest ride of a passenger; how long a route lasts with its waiting",
}
Routes = list[list[int]]


def document(path: Path) -> dict[str, Any]:
    """The public file in whole numbers: matrix, service, load and window per node, and the limits."""
    header, nodes = numbers_of(path)
    count = (len(nodes) - 1) // 2
    nodes = nodes[: 2 * count + 1]
    return {
        "vehicles": int(header[0]),
        "route": round(header[2] * FINE),
        "places": int(header[3]),
        "ride": round(header[4] * FINE),
        "count": count,
        "service": [round(node[3] * FINE) for node in nodes],
        "load": [int(node[4]) for node in nodes],
        "window": [[round(node[5] * FINE), round(node[6] * FINE)] for node in nodes],
        # Rounded up, so that what keeps these times keeps the real ones.
        "matrix": [[math.ceil(math.dist(a[1:3], b[1:3]) * FINE) for b in nodes] for a in nodes],
    }


def by_or_tools(given: dict[str, Any], seconds: float) -> Routes:
    """OR-Tools routing: pairs, loads, windows, route length, and the ride limit as a row of the time dimension."""
    count, matrix, service = given["count"], given["matrix"], given["service"]
    manager = pywrapcp.RoutingIndexManager(2 * count + 1, given["vehicles"], 0)
    routing = pywrapcp.RoutingModel(manager)
    node = manager.IndexToNode
    length = routing.RegisterTransitCallback(lambda a, b: matrix[node(a)][node(b)])
    lasting = routing.RegisterTransitCallback(lambda a, b: service[node(a)] + matrix[node(a)][node(b)])
    loading = routing.RegisterUnaryTransitCallback(lambda a: given["load"][node(a)])
    routing.SetArcCostEvaluatorOfAllVehicles(length)
    latest = given["window"][0][1]
    routing.AddDimension(lasting, latest, latest, False, "time")
    routing.AddDimension(loading, 0, given["places"], True, "load")
    clock = routing.GetDimensionOrDie("time")
    for vehicle in range(given["vehicles"]):
        clock.SetSpanUpperBoundForVehicle(given["route"], vehicle)
    solver = routing.solver()
    for first in range(1, count + 1):
        a, b = manager.NodeToIndex(first), manager.NodeToIndex(first + count)
        routing.AddPickupAndDelivery(a, b)
        # Its first plan may leave somebody out for a price above every route; without this it often finds none.
        routing.AddDisjunction([a], LEFT_OUT)
        routing.AddDisjunction([b], LEFT_OUT)
        solver.Add(routing.VehicleVar(a) == routing.VehicleVar(b))
        solver.Add(clock.CumulVar(a) + service[first] + matrix[first][first + count] <= clock.CumulVar(b))
        solver.Add(clock.CumulVar(b) - clock.CumulVar(a) <= given["ride"] + service[first])
        for number, index in ((first, a), (first + count, b)):
            clock.CumulVar(index).SetRange(*given["window"][number])
    parameters = pywrapcp.DefaultRoutingSearchParameters()
    parameters.first_solution_strategy = routing_enums_pb2.FirstSolutionStrategy.PARALLEL_CHEAPEST_INSERTION
    parameters.local_search_metaheuristic = routing_enums_pb2.LocalSearchMetaheuristic.GUIDED_LOCAL_SEARCH
    parameters.time_limit.FromMilliseconds(int(1000 * seconds))
    found = routing.SolveWithParameters(parameters)
    if found is None:
        return []
    routes = []
    for vehicle in range(given["vehicles"]):
        index, route = found.Value(routing.NextVar(routing.Start(vehicle))), []
        while not routing.IsEnd(index):
            route.append(node(index))
            index = found.Value(routing.NextVar(index))
        routes.append(route)
    return routes


def by_other(python: Path, who: str, given: dict[str, Any], seconds: float) -> Routes:
    """PyVRP or VROOM in their own interpreter.

    Raises
    ------
    RuntimeError
        If the interpreter or the package is missing, with the last line that it wrote.
    """
    command = [str(python), str(HERE / "rivals_other.py"), who, str(seconds)]
    done = subprocess.run(command, input=json.dumps(given), capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError((done.stderr.strip() or f"status {done.returncode}").splitlines()[-1])
    routes: Routes = json.loads(done.stdout.splitlines()[-1])
    return routes


def rides_too_long(path: Path, plan: Routes) -> int:
    """Rides that are too long on every schedule of their route, each looked at alone: at least so many break it."""
    header, nodes = numbers_of(path)
    count = (len(nodes) - 1) // 2
    return sum(
        not has_schedule(header, nodes, order, count, limited={first})
        for order in plan
        if has_schedule(header, nodes, order, count, limited=set())
        for first in order
        if first <= count
    )


def verdict_of(path: Path, plan: Routes) -> str:
    """What a plan breaks, in a few words."""
    if not plan:
        return "no plan"
    header, nodes = numbers_of(path)
    count = (len(nodes) - 1) // 2
    late = sum(not has_schedule(header, nodes, order, count, limited=set()) for order in plan)
    both = sum(not has_schedule(header, nodes, order, count) for order in plan) - late
    wrong = [what for what in wrongs_of(path, plan) if "no schedule" not in what]
    if late:
        wrong.append(f"{late} routes miss windows or last too long")
    if both:
        wrong.append(f"{both} routes break the ride limit, {rides_too_long(path, plan)} rides in any case")
    return "; ".join(wrong) or "valid"


def main() -> int:
    """Print the table; status 1 if a plan of retorno is not legal and complete."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="+", help="files without .txt")
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--python", type=Path, help="interpreter with benchmarks/requirements.txt")
    given = parser.parse_args()
    if given.folder is None:
        print("left out without --folder: " + ", ".join(given.names))
        return 0
    known_file = given.folder / "best_known.csv"
    with known_file.open(encoding="utf-8", newline="") as file:
        known = {row["instance"]: float(row["best_known"]) for row in csv.DictReader(file)}
    others = ("PyVRP", "VROOM") if given.python else ()
    print("| file | who | length | best known | above it | s | verdict |\n|" + " --- |" * 7)
    is_good = True

    def show(name: str, who: str, plan: Routes | None, seconds: float, verdict: str) -> None:
        length, above = "-", "-"
        if plan:
            _, nodes = numbers_of(given.folder / f"{name}.txt")
            whole = sum(length_of(nodes, order) for order in plan)
            length, above = f"{whole:.2f}", f"{100 * (whole / known[name] - 1):.1f} %"
        print(f"| {name} | {who} | {length} | {known[name]:.2f} | {above} | {seconds:.1f} | {verdict} |", flush=True)

    for name in given.names:
        path = given.folder / f"{name}.txt"
        ours = run_apart(path, seconds=given.seconds, seed=1)
        is_good = is_good and not ours.wrong
        above = f"{100 * (ours.length / known[name] - 1):.1f} %"
        verdict = "; ".join(ours.wrong) or "valid"
        print(
            f"| {name} | retorno | {ours.length:.2f} | {known[name]:.2f} | {above} | {ours.seconds:.1f} | {verdict} |"
        )
        told = document(path)
        for who in ("OR-Tools", *others):
            begun = time.monotonic()
            try:
                plan = by_or_tools(told, given.seconds) if who == "OR-Tools" else by_other(
                    given.python, who, told, given.seconds
                )  # fmt: skip
            except (RuntimeError, OSError) as error:
                show(name, who, None, time.monotonic() - begun, f"left out: {error}")
                continue
            show(name, who, plan, time.monotonic() - begun, verdict_of(path, plan))
    if not others:
        print("\nPyVRP and VROOM are left out: no --python with benchmarks/requirements.txt.")
    print("\nWhat they cannot state:")
    for who, what in CANNOT_STATE.items():
        print(f"- {who}: {what}.")
    return 0 if is_good else 1


if __name__ == "__main__":
    sys.exit(main())
