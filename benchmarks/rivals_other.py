"""PyVRP and VROOM on one dial-a-ride problem, in an interpreter that has them; started by ``rivals_rounds``.

Reads the problem as JSON from standard input, writes the routes as node numbers without the depot.
"""

import datetime
import importlib
import json
import sys


def by_pyvrp(given: dict, seconds: float) -> list[list[int]]:
    """PyVRP: shipments, windows, capacity, route duration; no ride limit."""
    pyvrp = importlib.import_module("pyvrp")
    stop = importlib.import_module("pyvrp.stop")
    count, matrix = given["count"], given["matrix"]
    model = pyvrp.Model()
    places = [model.add_location(0, 0) for _ in matrix]
    early, late = given["window"][0]
    depot = model.add_depot(places[0])
    model.add_vehicle_type(
        num_available=given["vehicles"], capacity=given["places"], start_depot=depot, end_depot=depot,
        tw_early=early, tw_late=late, shift_duration=given["route"],
    )  # fmt: skip
    for first in range(1, count + 1):
        last = first + count
        model.add_shipment(
            places[first], places[last], amount=[given["load"][first]],
            pickup_tw_early=given["window"][first][0], pickup_tw_late=given["window"][first][1],
            pickup_service_duration=given["service"][first],
            delivery_tw_early=given["window"][last][0], delivery_tw_late=given["window"][last][1],
            delivery_service_duration=given["service"][last],
        )  # fmt: skip
    for a, row in enumerate(matrix):
        for b, length in enumerate(row):
            if a != b:
                model.add_edge(places[a], places[b], distance=length, duration=length)
    best = model.solve(stop=stop.MaxRuntime(seconds), seed=1, display=False).best
    return [
        [act.idx + 1 + (count if act.is_delivery() else 0) for act in route.schedule() if act.is_shipment()]
        for route in best.routes()
    ]


def by_vroom(given: dict, seconds: float) -> list[list[int]]:
    """VROOM: shipments, windows, capacity; neither ride limit nor route duration with waiting."""
    vroom = importlib.import_module("vroom")
    count = given["count"]
    problem = vroom.Input()
    problem.set_durations_matrix(profile="car", matrix_input=given["matrix"])
    for number in range(given["vehicles"]):
        window = vroom.TimeWindow(*given["window"][0])
        problem.add_vehicle(
            vroom.Vehicle(number + 1, start=0, end=0, capacity=[given["places"]], time_window=window)
        )  # fmt: skip
    for first in range(1, count + 1):
        ends = [
            vroom.ShipmentStep(
                node, location=node, default_service=given["service"][node],
                time_windows=[vroom.TimeWindow(*given["window"][node])],
            )
            for node in (first, first + count)
        ]  # fmt: skip
        problem.add_shipment(*ends, amount=vroom.Amount([given["load"][first]]))
    answer = problem.solve(exploration_level=5, nb_threads=1, timeout=datetime.timedelta(seconds=seconds))
    routes: dict[int, list[int]] = {}
    for row in answer.routes.to_dict("records"):
        if row["type"] in ("pickup", "delivery"):
            routes.setdefault(row["vehicle_id"], []).append(int(row["id"]))
    return list(routes.values())


if __name__ == "__main__":
    solvers = {"PyVRP": by_pyvrp, "VROOM": by_vroom}
    print(json.dumps(solvers[sys.argv[1]](json.load(sys.stdin), float(sys.argv[2]))))
