"""Faults planted in the JSON of a plan: small wrongs that a person or a program could make, and wild ones."""

from __future__ import annotations

import copy
import random
from collections.abc import Callable
from typing import Any

from retorno.optimizer.problem import Problem

Corruption = Callable[[random.Random, Problem, dict[str, Any]], None]

ODD_VALUES = (None, True, False, 0, 1, -1, 3, 99, -7, 2.0, 99.0, 1.5, "", "0", "T1", "V0", "van", [], {}, [0])


def corrupted(rng: random.Random, problem: Problem, document: dict[str, Any]) -> dict[str, Any]:
    """A copy of the plan with one to three faults planted; some faults change nothing that matters."""
    document = copy.deepcopy(document)
    for _ in range(rng.choice((1, 1, 1, 2, 3))):
        fault = rng.choice(CORRUPTIONS) if rng.random() < 0.9 else rng.choice(WILD)
        # An earlier wild fault may leave nothing of the form that the next one expects.
        if isinstance(document.get("vehicles"), list) and isinstance(document.get("itineraries"), dict):
            fault(rng, problem, document)
    return document


def _vehicle(rng: random.Random, document: dict[str, Any]) -> dict[str, Any]:
    vehicles = [vehicle for vehicle in document["vehicles"] if isinstance(vehicle, dict)]
    if not vehicles:
        vehicles = [{"id": "V0", "type": "van", "depot": "S0", "hired": False, "moves": [[0, "T0"]]}]
        document["vehicles"] += vehicles
    return rng.choice(vehicles)


def _legs(rng: random.Random, document: dict[str, Any]) -> list[Any]:
    itineraries = document["itineraries"]
    lists = [legs for legs in itineraries.values() if isinstance(legs, list) and legs]
    if not lists:
        itineraries["G0"] = [{"service": "F-DIRECT", "day": 0}]
        lists = [itineraries["G0"]]
    return rng.choice(lists)


def _leg(rng: random.Random, document: dict[str, Any]) -> dict[str, Any]:
    legs = [leg for leg in _legs(rng, document) if isinstance(leg, dict)]
    return rng.choice(legs) if legs else {}


def _row_ids(problem: Problem) -> dict[str, list[str]]:
    return {
        "trip": [trip.id for trip in problem.trips],
        "service": [service.id for service in problem.services],
        "charter": [charter.id for charter in problem.charters],
    }


def list_a_vehicle_twice(rng: random.Random, problem: Problem, document: dict[str, Any]) -> None:
    document["vehicles"].append(copy.deepcopy(_vehicle(rng, document)))


def drop_a_vehicle(rng: random.Random, problem: Problem, document: dict[str, Any]) -> None:
    document["vehicles"].remove(_vehicle(rng, document))


def change_a_vehicle(rng: random.Random, problem: Problem, document: dict[str, Any]) -> None:
    vehicle = _vehicle(rng, document)
    key = rng.choice(("id", "type", "depot", "hired"))
    vehicle[key] = {
        "id": rng.choice(("V0", "V1", "V9")),
        "type": rng.choice(("van", "bus", "ship")),
        "depot": rng.choice(("S0", "S2", "S3", "S9")),
        "hired": not vehicle.get("hired"),
    }[key]


def change_the_moves(rng: random.Random, problem: Problem, document: dict[str, Any]) -> None:
    moves = _vehicle(rng, document).get("moves")
    if not isinstance(moves, list):
        return
    trip_id = rng.choice([*_row_ids(problem)["trip"], "T99"])
    act = rng.randrange(5)
    if act == 0 or not moves:
        moves.append([rng.randrange(-1, problem.horizon_days + 2), trip_id])
    elif act == 1:
        moves.pop(rng.randrange(len(moves)))
    elif act == 2:
        moves.append(copy.deepcopy(rng.choice(moves)))
    elif act == 3:
        moves[rng.randrange(len(moves))] = [rng.randrange(-1, problem.horizon_days + 2), trip_id]
    else:
        rng.shuffle(moves)


def shift_a_leg(rng: random.Random, problem: Problem, document: dict[str, Any]) -> None:
    leg = _leg(rng, document)
    leg["day"] = rng.choice((-2, -1, 0, 1, 2, 3, problem.horizon_days - 1, problem.horizon_days, 40))


def shift_a_journey(rng: random.Random, problem: Problem, document: dict[str, Any]) -> None:
    by = rng.choice((-2, -1, 1, 2))
    for leg in _legs(rng, document):
        if isinstance(leg, dict) and type(leg.get("day")) is int:
            leg["day"] += by


def change_the_legs(rng: random.Random, problem: Problem, document: dict[str, Any]) -> None:
    legs = _legs(rng, document)
    act = rng.randrange(4)
    if act == 0:
        legs.pop(rng.randrange(len(legs)))
    elif act == 1:
        legs.insert(rng.randrange(len(legs) + 1), copy.deepcopy(rng.choice(legs)))
    elif act == 2:
        rng.shuffle(legs)
    else:
        legs.extend(copy.deepcopy(_legs(rng, document)))


def change_a_leg(rng: random.Random, problem: Problem, document: dict[str, Any]) -> None:
    leg = _leg(rng, document)
    key = rng.choice(("trip", "service", "charter", "vehicle", "board", "alight", "aircraft"))
    if key in ("trip", "service", "charter"):
        if rng.random() < 0.7:
            for other in ("trip", "service", "charter"):
                leg.pop(other, None)
        leg[key] = rng.choice([*_row_ids(problem)[key], "X99"])
        if key == "trip":
            leg |= {"vehicle": "V0", "board": 0, "alight": 1} | leg
        elif key == "charter":
            leg.setdefault("aircraft", 0)
    elif key == "vehicle":
        leg[key] = rng.choice(("V0", "V1", "V9"))
    else:
        leg[key] = rng.choice((-1, 0, 1, 2, 3))


def change_the_aircraft(rng: random.Random, problem: Problem, document: dict[str, Any]) -> None:
    legs = [leg for legs in document["itineraries"].values() if isinstance(legs, list) for leg in legs]
    flown = [leg for leg in legs if isinstance(leg, dict) and "charter" in leg]
    if flown:
        rng.choice(flown)["aircraft"] = rng.choice((-1, 1, 2, 10**12))


def copy_an_itinerary(rng: random.Random, problem: Problem, document: dict[str, Any]) -> None:
    """Several groups on the same legs: fills seats, quotas, beds, reception, pools."""
    legs = copy.deepcopy(_legs(rng, document))
    for group in rng.sample(problem.groups, min(len(problem.groups), rng.choice((1, 2, 5)))):
        document["itineraries"][group.id] = copy.deepcopy(legs)


def exchange_itineraries(rng: random.Random, problem: Problem, document: dict[str, Any]) -> None:
    names = list(document["itineraries"])
    if len(names) >= 2:
        first, second = rng.sample(names, 2)
        itineraries = document["itineraries"]
        itineraries[first], itineraries[second] = itineraries[second], itineraries[first]


def leave_a_group_out(rng: random.Random, problem: Problem, document: dict[str, Any]) -> None:
    if document["itineraries"]:
        del document["itineraries"][rng.choice(list(document["itineraries"]))]


def empty_an_itinerary(rng: random.Random, problem: Problem, document: dict[str, Any]) -> None:
    document["itineraries"][rng.choice(problem.groups).id if problem.groups else "G0"] = []


def name_an_unknown_group(rng: random.Random, problem: Problem, document: dict[str, Any]) -> None:
    document["itineraries"]["G99"] = copy.deepcopy(_legs(rng, document))


def add_an_unknown_key(rng: random.Random, problem: Problem, document: dict[str, Any]) -> None:
    place = rng.choice((document, _vehicle(rng, document), _leg(rng, document)))
    place["note"] = rng.choice(ODD_VALUES)


def change_the_header(rng: random.Random, problem: Problem, document: dict[str, Any]) -> None:
    document[rng.choice(("format", "problem"))] = rng.choice(("", None, "other", problem.name))


def drop_a_key(rng: random.Random, problem: Problem, document: dict[str, Any]) -> None:
    place = rng.choice((document, _vehicle(rng, document), _leg(rng, document), _leg(rng, document)))
    if place:
        del place[rng.choice(list(place))]


def put_an_odd_value(rng: random.Random, problem: Problem, document: dict[str, Any]) -> None:
    place = rng.choice((document, _vehicle(rng, document), _leg(rng, document), _leg(rng, document)))
    if place:
        place[rng.choice(list(place))] = copy.deepcopy(rng.choice(ODD_VALUES))


def put_an_odd_leg(rng: random.Random, problem: Problem, document: dict[str, Any]) -> None:
    legs = _legs(rng, document)
    legs.insert(rng.randrange(len(legs) + 1), copy.deepcopy(rng.choice(ODD_VALUES)))


def put_an_odd_move(rng: random.Random, problem: Problem, document: dict[str, Any]) -> None:
    moves = _vehicle(rng, document).get("moves")
    if isinstance(moves, list):
        odd = [copy.deepcopy(rng.choice(ODD_VALUES)) for _ in range(rng.choice((1, 2, 2, 2, 3)))]
        moves.insert(rng.randrange(len(moves) + 1), odd if rng.random() < 0.8 else odd[0])


def put_a_huge_number(rng: random.Random, problem: Problem, document: dict[str, Any]) -> None:
    """Nowhere that a judge would have to walk through all days up to it."""
    huge = rng.choice((10**12, 10**30, -(10**30), 1e6))
    moves = _vehicle(rng, document).get("moves")
    if rng.random() < 0.5 and isinstance(moves, list):
        moves.append([huge, rng.choice(_row_ids(problem)["trip"])])
    else:
        _leg(rng, document)[rng.choice(("board", "alight", "aircraft", "vehicle", "trip"))] = huge


def call_something_oddly(rng: random.Random, problem: Problem, document: dict[str, Any]) -> None:
    odd = rng.choice(("Ñandú ü", "群-7", "", " ", '"', "\x00", "\ud800", "é" * 4000))
    act = rng.randrange(3)
    if act == 0:
        document["itineraries"][odd] = copy.deepcopy(_legs(rng, document))
    elif act == 1:
        _vehicle(rng, document)["id"] = odd
    else:
        leg = _leg(rng, document)
        leg[rng.choice(sorted(leg) or ["trip"])] = odd


def put_an_odd_itinerary(rng: random.Random, problem: Problem, document: dict[str, Any]) -> None:
    document["itineraries"][rng.choice(("G0", "G1", "G99"))] = copy.deepcopy(rng.choice(ODD_VALUES))


CORRUPTIONS: tuple[Corruption, ...] = (
    list_a_vehicle_twice,
    drop_a_vehicle,
    change_a_vehicle,
    change_the_moves,
    change_the_moves,
    shift_a_leg,
    shift_a_journey,
    change_the_legs,
    change_a_leg,
    change_a_leg,
    change_the_aircraft,
    copy_an_itinerary,
    copy_an_itinerary,
    exchange_itineraries,
    leave_a_group_out,
    empty_an_itinerary,
    name_an_unknown_group,
    add_an_unknown_key,
    change_the_header,
)
WILD: tuple[Corruption, ...] = (
    drop_a_key,
    put_an_odd_value,
    put_an_odd_leg,
    put_an_odd_move,
    put_a_huge_number,
    call_something_oddly,
    put_an_odd_itinerary,
)
