"""Files of local rounds: our JSON, version 1 (docs/rounds.md), and the public dial-a-ride format.

The public format is one header line (vehicles, nodes, most minutes of a route, places, most minutes of a ride) and a
line per node (number, x, y, service minutes, load, window): the depot, the pick-ups, the drops in the same order,
and perhaps the depot once more.  Plans are written as JSON if the file's name says so, else one route a line as
node numbers without the depot.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from retorno.errors import Fault, InputError
from retorno.optimizer.documents import LARGEST_FILE_BYTES, MISSING, Reader, read_document, write_document, write_whole
from retorno.optimizer.rounds import (
    Act,
    LeftOut,
    LeftOutReason,
    Objective,
    Request,
    RoundsProblem,
    RoundsResult,
    Route,
    Seats,
    Stop,
    Vehicle,
)

PROBLEM_FORMAT: Final = "retorno-rounds-problem/1"
PLAN_FORMAT: Final = "retorno-rounds-plan/1"

# Our assumptions: a local round has no more nodes and no later minute, so no file can fill the memory.
MOST_NODES: Final = 4_001
LATEST_MIN: Final = 10_000
LARGEST_METRES: Final = 10**7
MOST_PLACES_OF_A_KIND: Final = 100
MOST_VEHICLES: Final = 1_000

SEAT_KINDS: Final = ("seat", "wheelchair", "stretcher", "escort")


def read_rounds(path: str | Path) -> RoundsProblem:
    """The problem of a file: JSON (plain or gzipped) or the public format, told by its first character.

    Raises
    ------
    InputError
        If the file cannot be read or contradicts itself; all faults at once.
    """
    try:
        with Path(path).open("rb") as file:
            beginning = file.read(64)
    except OSError as error:
        raise InputError([Fault(what=f"cannot be read: {error.strerror or error}", file=str(path))]) from error
    if beginning[:2] == b"\x1f\x8b" or beginning.removeprefix(b"\xef\xbb\xbf").lstrip()[:1] in (b"{", b"["):
        return problem_from_json(read_document(path), file=str(path))
    return _read_public(Path(path))


# ---- our JSON -----------------------------------------------------------------------------------------


def problem_to_json(problem: RoundsProblem) -> dict[str, Any]:
    """The problem as a JSON object of our format; only problems in whole numbers can be read again."""
    return {
        "format": PROBLEM_FORMAT,
        "name": problem.name,
        "objective": problem.objective.value,
        "places": list(problem.places),
        "drive_min": [list(row) for row in problem.drive_min],
        "distance_m": [list(row) for row in problem.distance_m],
        "max_ride_children_min": problem.max_ride_children_min,
        "requests": [
            {
                "id": request.id,
                "seats": seats_to_json(request.seats),
                "children": request.children,
                "pickup": request.pickup,
                "drop": request.drop,
                "pickup_window": [request.pickup_from_min, request.pickup_until_min],
                "drop_window": [request.drop_from_min, request.drop_until_min],
                "pickup_service_min": request.pickup_service_min,
                "drop_service_min": request.drop_service_min,
                "max_ride_min": request.max_ride_min,
                "left_out_price": request.left_out_price,
            }
            for request in problem.requests
        ],
        "vehicles": [
            {
                "id": vehicle.id,
                "start": vehicle.start,
                "end": vehicle.end,
                "configurations": [seats_to_json(seats) for seats in vehicle.configurations],
                "shift": [vehicle.shift_from_min, vehicle.shift_until_min],
                "max_route_min": vehicle.max_route_min,
            }
            for vehicle in problem.vehicles
        ],
        "conflicts": [list(pair) for pair in problem.conflicts],
    }


def seats_to_json(seats: Seats) -> dict[str, int]:
    """The kinds that are not 0."""
    return {kind: getattr(seats, kind) for kind in SEAT_KINDS if getattr(seats, kind)}


def problem_from_json(document: Any, *, file: str = "") -> RoundsProblem:
    """The problem of a JSON object of our format.

    Raises
    ------
    InputError
        Every fault of the object, all at once.
    """
    reader = Reader(file)
    if not isinstance(document, dict):
        raise InputError([Fault(what="is not a JSON object", file=file)])
    if document.get("format") != PROBLEM_FORMAT:
        reader.wrong("format", document.get("format"), f'"{PROBLEM_FORMAT}"')
        reader.finish()
    name = reader.text(document, "name", "")
    objective = reader.text(document, "objective", "")
    if objective and objective not in list(Objective):
        reader.wrong("objective", objective, " or ".join(f'"{each.value}"' for each in Objective))
    places = reader.texts(document, "places", "")
    if 2 * len(places) > MOST_NODES:
        reader.fault("places", f"has {len(places)} ids, at most {MOST_NODES // 2} are read")
        reader.finish()
    drive_min = _matrix(reader, document, "drive_min", len(places), LATEST_MIN)
    distance_m = _matrix(reader, document, "distance_m", len(places), LARGEST_METRES)
    children_min = _optional(reader, document, "max_ride_children_min", "", LATEST_MIN)
    requests = reader.table(document, "requests", _request)
    vehicles = reader.table(document, "vehicles", _vehicle)
    if 2 * len(requests) > MOST_NODES:
        reader.fault("requests", f"has {len(requests)} rows, at most {MOST_NODES // 2} are read")
    if len(vehicles) > MOST_VEHICLES:
        reader.fault("vehicles", f"has {len(vehicles)} rows, at most {MOST_VEHICLES} are read")
    conflicts = reader.pairs(document, "conflicts", str)
    reader.finish()
    try:
        return RoundsProblem(
            name=name,
            places=places,
            drive_min=drive_min,
            distance_m=distance_m,
            requests=requests,
            vehicles=vehicles,
            objective=Objective(objective),
            max_ride_children_min=children_min,
            conflicts=tuple(conflicts),
        )
    except InputError as error:
        raise InputError([Fault(what=each.what, file=file, column=each.column) for each in error.faults]) from error


def _matrix(reader: Reader, document: Mapping[str, Any], key: str, size: int, most: int) -> tuple[tuple[int, ...], ...]:
    rows = reader.items(document, key, "")
    if len(rows) != size:
        reader.fault(key, f"has {len(rows)} rows, expected one per place: {size}")
    found = []
    for index, row in enumerate(rows):
        numbers = row if isinstance(row, list) else []
        if len(numbers) != size or not all(type(number) is int and 0 <= number <= most for number in numbers):
            reader.fault(f"{key}[{index}]", f"is not {size} whole numbers from 0 to {most}, one per place")
        found.append(tuple(numbers))
    return tuple(found)


def _optional(reader: Reader, row: Mapping[str, Any], key: str, where: str, most: int) -> int | None:
    """A whole number, or nothing if it is null or missing."""
    return None if row.get(key) is None else reader.whole(row, key, where, 0, most)


def _window(reader: Reader, row: Mapping[str, Any], key: str, where: str) -> tuple[int, int]:
    found = row.get(key, MISSING)
    if isinstance(found, list) and len(found) == 2 and all(type(x) is int and 0 <= x <= LATEST_MIN for x in found):
        return found[0], found[1]
    if found is MISSING:
        reader.fault(f"{where}{key}", "is missing")
    else:
        reader.wrong(f"{where}{key}", found, f"two minutes from 0 to {LATEST_MIN}")
    return 0, 0


def _seats(reader: Reader, found: Any, where: str) -> Seats:
    if not isinstance(found, dict) or set(found) - set(SEAT_KINDS):
        reader.wrong(where, found, f"an object with the keys {', '.join(SEAT_KINDS)}")
        return Seats()
    counts = {kind: reader.whole(found, kind, f"{where}.", 0, MOST_PLACES_OF_A_KIND) for kind in found}
    return Seats(**counts)


def _request(reader: Reader, row: Mapping[str, Any], where: str) -> Request:
    pickup = _window(reader, row, "pickup_window", where)
    drop = _window(reader, row, "drop_window", where)
    return Request(
        id=reader.text(row, "id", where),
        seats=_seats(reader, row.get("seats"), f"{where}seats"),
        pickup=reader.text(row, "pickup", where),
        drop=reader.text(row, "drop", where),
        pickup_from_min=pickup[0],
        pickup_until_min=pickup[1],
        drop_from_min=drop[0],
        drop_until_min=drop[1],
        pickup_service_min=reader.whole(row, "pickup_service_min", where, 0, LATEST_MIN),
        drop_service_min=reader.whole(row, "drop_service_min", where, 0, LATEST_MIN),
        max_ride_min=reader.whole(row, "max_ride_min", where, 0, LATEST_MIN),
        children=reader.whole(row, "children", where, 0, 4 * MOST_PLACES_OF_A_KIND) if "children" in row else 0,
        left_out_price=_optional(reader, row, "left_out_price", where, 10**9),
    )


def _vehicle(reader: Reader, row: Mapping[str, Any], where: str) -> Vehicle:
    shift = _window(reader, row, "shift", where)
    configurations = tuple(
        _seats(reader, found, f"{where}configurations[{index}]")
        for index, found in enumerate(reader.items(row, "configurations", where))
    )
    return Vehicle(
        id=reader.text(row, "id", where),
        start=reader.text(row, "start", where),
        end=reader.text(row, "end", where),
        configurations=configurations,
        shift_from_min=shift[0],
        shift_until_min=shift[1],
        max_route_min=reader.whole(row, "max_route_min", where, 0, LATEST_MIN),
    )


def plan_to_json(problem: RoundsProblem, result: RoundsResult) -> dict[str, Any]:
    """A plan with its times and whom it leaves out, as a JSON object."""
    return {
        "format": PLAN_FORMAT,
        "problem": problem.name,
        "value": result.value,
        "routes": [route_to_json(route) for route in result.routes],
        "left_out": [
            {"request": each.request_id, "reason": each.reason.value, "explanation": each.explanation}
            for each in result.left_out
        ],
    }


def route_to_json(route: Route) -> dict[str, Any]:
    """One route as a JSON object."""
    return {
        "vehicle": route.vehicle_id,
        "configuration": route.configuration,
        "depart_min": route.depart_min,
        "return_min": route.return_min,
        "drive_min": route.drive_min,
        "distance_m": route.distance_m,
        "stops": [
            {
                "request": stop.request_id,
                "act": stop.act.value,
                "place": stop.place,
                "arrive_min": stop.arrive_min,
                "begin_min": stop.begin_min,
                "leave_min": stop.leave_min,
                "aboard": seats_to_json(stop.aboard),
            }
            for stop in route.stops
        ],
    }


def plan_from_json(document: Any, *, file: str = "") -> tuple[tuple[Route, ...], tuple[LeftOut, ...]]:
    """The routes and the requests left out of a JSON plan.

    Raises
    ------
    InputError
        Every fault of the object, all at once.
    """
    reader = Reader(file)
    if not isinstance(document, dict) or document.get("format") != PLAN_FORMAT:
        raise InputError([Fault(what=f'is no JSON object with the format "{PLAN_FORMAT}"', file=file)])
    routes = reader.table(document, "routes", _route, id_key="vehicle")
    left_out = reader.table(document, "left_out", _left_out, id_key="request")
    reader.finish()
    return routes, left_out


def _route(reader: Reader, row: Mapping[str, Any], where: str) -> Route:
    stops = []
    for index, stop in enumerate(reader.items(row, "stops", where)):
        if isinstance(stop, dict):
            stops.append(_stop(reader, stop, f"{where}stops[{index}]."))
        else:
            reader.wrong(f"{where}stops[{index}]", stop, "an object")
    return Route(
        vehicle_id=reader.text(row, "vehicle", where),
        configuration=reader.whole(row, "configuration", where),
        depart_min=reader.number(row, "depart_min", where, LARGEST_METRES),
        return_min=reader.number(row, "return_min", where, LARGEST_METRES),
        drive_min=reader.number(row, "drive_min", where, 1e12),
        distance_m=reader.number(row, "distance_m", where, 1e12),
        stops=tuple(stops),
    )


def _stop(reader: Reader, row: Mapping[str, Any], where: str) -> Stop:
    act = reader.text(row, "act", where)
    if act and act not in list(Act):
        reader.wrong(f"{where}act", act, " or ".join(f'"{each.value}"' for each in Act))
    return Stop(
        request_id=reader.text(row, "request", where),
        act=Act(act) if act in list(Act) else Act.PICKUP,
        place=reader.text(row, "place", where),
        arrive_min=reader.number(row, "arrive_min", where, LARGEST_METRES),
        begin_min=reader.number(row, "begin_min", where, LARGEST_METRES),
        leave_min=reader.number(row, "leave_min", where, LARGEST_METRES),
        aboard=_seats(reader, row.get("aboard"), f"{where}aboard"),
    )


def _left_out(reader: Reader, row: Mapping[str, Any], where: str) -> LeftOut:
    reason = reader.text(row, "reason", where)
    if reason and reason not in list(LeftOutReason):
        reader.wrong(f"{where}reason", reason, "one of " + ", ".join(LeftOutReason))
    return LeftOut(
        request_id=reader.text(row, "request", where),
        reason=LeftOutReason(reason) if reason in list(LeftOutReason) else LeftOutReason.NO_ROOM,
        explanation=reader.text(row, "explanation", where),
    )


def write_plan(path: str | Path, problem: RoundsProblem, result: RoundsResult) -> None:
    """Write a plan: JSON if the name ends in ``.json`` or ``.json.gz``, else one route a line.

    Raises
    ------
    InputError
        If the file cannot be written.
    """
    name = Path(path).name
    if name.endswith((".json", ".json.gz")):
        write_document(path, plan_to_json(problem, result))
        return
    write_whole(path, "".join(f"{line}\n" for line in node_lines(problem, result.routes)).encode())


def node_lines(problem: RoundsProblem, routes: Sequence[Route]) -> list[str]:
    """Every route with stops as node numbers: pick-up ``i`` and drop ``n + i`` of the ``i``-th of ``n`` requests."""
    number = {request.id: index for index, request in enumerate(problem.requests, start=1)}
    count = len(problem.requests)
    return [
        " ".join(str(number[stop.request_id] + (0 if stop.act is Act.PICKUP else count)) for stop in route.stops)
        for route in routes
        if route.stops
    ]


# ---- the public format --------------------------------------------------------------------------------


def _read_public(path: Path) -> RoundsProblem:
    name = str(path)
    try:
        with path.open("rb") as file:
            content = file.read(LARGEST_FILE_BYTES // 64 + 1)
        if len(content) > LARGEST_FILE_BYTES // 64:
            raise InputError([Fault(what="is too long to be a dial-a-ride problem", file=name)])
        lines = content.decode("utf-8-sig").splitlines()
    except OSError as error:
        raise InputError([Fault(what=f"cannot be read: {error.strerror or error}", file=name)]) from error
    except UnicodeDecodeError as error:
        raise InputError([Fault(what=f"is not a text in UTF-8 (byte {error.start})", file=name)]) from error
    return public_problem(lines, name=path.stem, file=name)


def public_problem(lines: Sequence[str], *, name: str, file: str = "") -> RoundsProblem:
    """The problem of the lines of a file in the public format.

    The header's second number may count all nodes without depots, or requests; the lines decide.

    Raises
    ------
    InputError
        Every fault of the lines, all at once.
    """
    rows = [(index, line.split()) for index, line in enumerate(lines, start=1) if line.strip()]
    faults: list[Fault] = []
    numbers: list[list[float]] = []
    for position, (index, words) in enumerate(rows):
        width = 5 if position == 0 else 7
        try:
            found = [float(word) for word in words]
        except ValueError:
            found = []
        if len(found) != width or not all(math.isfinite(number) and abs(number) <= LARGEST_METRES for number in found):
            what = "vehicles, nodes, route minutes, places, ride minutes"
            if position:
                what = "number, x, y, service, load, window start, window end"
            faults.append(Fault(what=f"is not {width} numbers: {what}", file=file, row=index))
        numbers.append(found)
    if len(rows) < 4 and not faults:
        faults.append(Fault(what="has fewer lines than a header, a depot, a pick-up and a drop", file=file))
    if len(rows) - 1 > MOST_NODES:
        faults.append(Fault(what=f"has {len(rows) - 1} nodes, at most {MOST_NODES} are read", file=file))
    if faults:
        raise InputError(faults)
    header, nodes = numbers[0], numbers[1:]
    count = (len(nodes) - 1) // 2
    faults += _public_faults(header, nodes, count, [index for index, _ in rows], file)
    if faults:
        raise InputError(faults)
    return _public(header, nodes, count, name)


def _public_faults(
    header: list[float], nodes: list[list[float]], count: int, rows: list[int], file: str
) -> list[Fault]:
    faults = []
    if header[1] not in (count, 2 * count):
        what = f"says {header[1]:g} nodes, there are {2 * count} without depots"
        faults.append(Fault(what=what, file=file, row=rows[0]))
    for value, what in ((header[0], "vehicles"), (header[3], "places")):
        if value != int(value) or not 1 <= value <= MOST_VEHICLES:
            faults.append(Fault(what=f"says {value:g} {what}, expected 1 to {MOST_VEHICLES}", file=file, row=rows[0]))
    for value, what in ((header[2], "route minutes"), (header[4], "ride minutes")):
        if value < 0:
            faults.append(Fault(what=f"says {value:g} {what}, expected 0 or more", file=file, row=rows[0]))
    for index, node in enumerate(nodes):
        row = rows[index + 1]
        if node[0] != index:
            faults.append(Fault(what=f"is node {node[0]:g}, expected {index}", file=file, row=row))
        if node[3] < 0:
            faults.append(Fault(what="has a service time below 0", file=file, row=row))
        if node[5] > node[6]:
            faults.append(Fault(what=f"has a window from {node[5]:g} to {node[6]:g}", file=file, row=row))
        if 1 <= index <= count:
            drop = nodes[index + count]
            if node[4] != int(node[4]) or node[4] < 1 or drop[4] != -node[4]:
                what = f"has load {node[4]:g} and its drop {drop[4]:g}, expected a whole number from 1 and its opposite"
                faults.append(Fault(what=what, file=file, row=row))
    return faults


def _public(header: list[float], nodes: list[list[float]], count: int, name: str) -> RoundsProblem:
    places = tuple(str(index) for index in range(len(nodes)))
    table = tuple(tuple(math.hypot(a[1] - b[1], a[2] - b[2]) for b in nodes) for a in nodes)
    first, last = nodes[0], nodes[2 * count + 1] if len(nodes) == 2 * count + 2 else nodes[0]
    return RoundsProblem(
        name=name,
        places=places,
        drive_min=table,
        distance_m=table,
        objective=Objective.DISTANCE,
        requests=tuple(
            Request(
                id=str(index),
                seats=Seats(seat=int(nodes[index][4])),
                pickup=str(index),
                drop=str(index + count),
                pickup_from_min=nodes[index][5],
                pickup_until_min=nodes[index][6],
                drop_from_min=nodes[index + count][5],
                drop_until_min=nodes[index + count][6],
                pickup_service_min=nodes[index][3],
                drop_service_min=nodes[index + count][3],
                max_ride_min=header[4],
            )
            for index in range(1, count + 1)
        ),
        vehicles=tuple(
            Vehicle(
                id=str(index),
                start="0",
                end=places[-1] if len(nodes) == 2 * count + 2 else "0",
                configurations=(Seats(seat=int(header[3])),),
                shift_from_min=first[5],
                shift_until_min=min(first[6], last[6]),
                max_route_min=header[2],
            )
            for index in range(1, int(header[0]) + 1)
        ),
    )
