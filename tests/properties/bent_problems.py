"""Problems bent under a plan that was made for them: less room, other days, other people, other facts, odd ids.

Each works on the JSON of a problem. What comes out is mostly still a problem (`problem_from_json` reads it); the plan
made before then breaks what was taken away.
"""

from __future__ import annotations

import copy
import random
from collections.abc import Callable, Iterator
from typing import Any

from tests.properties.corruptions import ODD_VALUES

Bend = Callable[[random.Random, dict[str, Any]], None]

ODD_IDS = ("Ñandú ü", "群-7", "a b", "G0'", '"', "0", "null", "-1", "é" * 40)


def bent(rng: random.Random, document: dict[str, Any]) -> dict[str, Any]:
    """A copy of the problem with one to four things about it changed."""
    document = copy.deepcopy(document)
    for _ in range(rng.choice((1, 1, 2, 4))):
        rng.choice(BENDS)(rng, document)
    return document


def with_an_odd_value(rng: random.Random, document: dict[str, Any]) -> dict[str, Any]:
    """A copy with a value in some place that need not belong there, a missing key or a row that comes twice."""
    document = copy.deepcopy(document)
    place, key = rng.choice(list(_places(document)))
    act = rng.randrange(4)
    if act == 0 and isinstance(place, dict):
        del place[key]
    elif act == 1 and isinstance(place, list):
        place.insert(key, copy.deepcopy(place[key]))
    else:
        place[key] = copy.deepcopy(rng.choice((*ODD_VALUES, 10**12, 10**30, 1e300, -0.0, "1" * 5, ODD_IDS[0])))
    return document


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    steps = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for step, inner in steps:
        yield value, step
        yield from _places(inner)


def _row(rng: random.Random, document: dict[str, Any], *tables: str) -> dict[str, Any]:
    rows = [row for table in tables for row in document[table]]
    found: dict[str, Any] = rng.choice(rows)
    return found


def take_room_away(rng: random.Random, document: dict[str, Any]) -> None:
    row = _row(rng, document, "sites", "crossings", "vehicle_types", "services", "charters", "escort_pools", "depots")
    keys = ("beds", "arrivals", "quota", "seats", "wheelchairs", "max_per_day", "available", "own", "hire_max")
    key = rng.choice([key for key in keys if key in row])
    less = rng.choice((0, 1, 2, 3))
    if key == "arrivals" or isinstance(row[key], list):
        row[key] = [rng.choice((less, 0, 50)) for _ in range(document["horizon_days"])]
    elif isinstance(row[key], dict):
        row[key] = {name: rng.choice((less, 0)) for name in row[key]}
    else:
        row[key] = less


def ask_for_more(rng: random.Random, document: dict[str, Any]) -> None:
    row = _row(rng, document, "charters")
    row["min_load"] = rng.choice((0, 1, 7, 30))
    document["transfer_min"] = rng.choice((0, 90, 500, 2000))


def keep_from_running(rng: random.Random, document: dict[str, Any]) -> None:
    row = _row(rng, document, "trips", "services", "charters")
    day = rng.randrange(document["horizon_days"])
    act = rng.randrange(3)
    if act == 0:
        document["cancelled"].append([row["id"], day])
    elif act == 1:
        document["closures"].append([_row(rng, document, "crossings")["id"], day])
    else:
        for key in ("days", "vulnerable_days"):
            if key in row:
                row[key] = row[key][:day] + "0" + row[key][day + 1 :]


def tighten_the_stricter_hours(rng: random.Random, document: dict[str, Any]) -> None:
    row = _row(rng, document, "trips", "services")
    row["vulnerable_days"] = "0" * document["horizon_days"]
    rng.choice(document["groups"])["vulnerable"] = 1


def change_a_group(rng: random.Random, document: dict[str, Any]) -> None:
    group = rng.choice(document["groups"])
    key, value = rng.choice(
        (
            ("persons", rng.choice((1, 4, 9, 60))),
            ("origin", _row(rng, document, "sites")["id"]),
            ("destination", _row(rng, document, "sites")["id"]),
            ("ready_day", rng.randrange(document["horizon_days"] + 1)),
            ("latest_day", rng.randrange(document["horizon_days"])),
            ("wheelchairs", rng.choice((0, 1, 3))),
            ("barred_countries", [rng.choice("ABC")]),
            ("max_journey_days", rng.choice((0, 1))),
            ("vulnerable", 1),
        )
    )
    group[key] = value
    if rng.random() < 0.3:
        group |= {"escorts": rng.choice((1, 2, 5)), "escort_pool": _row(rng, document, "escort_pools")["id"]}


def lose_a_row(rng: random.Random, document: dict[str, Any]) -> None:
    """A group withdraws, or a trip, service or charter is no longer offered."""
    table = rng.choice(("groups", "trips", "services", "charters"))
    if len(document[table]) < 2:
        return
    gone = document[table].pop(rng.randrange(len(document[table])))["id"]
    document["conflicts"] = [pair for pair in document["conflicts"] if gone not in pair]
    document["cancelled"] = [pair for pair in document["cancelled"] if pair[0] != gone]


def set_two_apart(rng: random.Random, document: dict[str, Any]) -> None:
    names = [group["id"] for group in document["groups"]]
    if len(names) > 1:
        document["conflicts"] += [rng.sample(names, 2) for _ in range(5)]


def let_nothing_be_brought_home(rng: random.Random, document: dict[str, Any]) -> None:
    returns = _row(rng, document, "vehicle_types")["return_cents"]
    if returns:
        del returns[rng.choice(sorted(returns))]


def shorten_the_journey(rng: random.Random, document: dict[str, Any]) -> None:
    document["max_journey_days"] = rng.choice((0, 1, 2))
    document["escort_return_days"] = rng.choice((0, 3, 9))


def shorten_the_horizon(rng: random.Random, document: dict[str, Any]) -> None:
    """The last day is no longer planned."""
    days = document["horizon_days"] - 1
    if days < 2:
        return
    document["horizon_days"] = days
    for table in ("trips", "services", "charters", "crossings", "sites"):
        for row in document[table]:
            for key in ("days", "vulnerable_days", "quota", "arrivals"):
                if row.get(key) is not None:
                    row[key] = row[key][:days]
    if document.get("replan") is not None:
        document["replan"]["now_day"] = min(document["replan"]["now_day"], days)


def move_now(rng: random.Random, document: dict[str, Any]) -> None:
    if document.get("replan") is not None:
        document["replan"]["now_day"] = rng.randrange(document["horizon_days"] + 1)
        document["replan"]["locked_groups"] = [rng.choice(document["groups"])["id"], "G99"]


def call_it_oddly(rng: random.Random, document: dict[str, Any]) -> None:
    """A group, trip or vehicle type gets another id, everywhere in the problem but in no plan made before."""
    table = rng.choice(("groups", "trips", "vehicle_types"))
    row = rng.choice(document[table])
    old, row["id"] = row["id"], rng.choice(ODD_IDS)
    if any(other is not row and other["id"] == row["id"] for other in document[table]):
        row["id"] = old
        return
    for key in ("conflicts", "cancelled"):
        document[key] = [[row["id"] if part == old else part for part in pair] for pair in document[key]]
    for depot in document["depots"]:
        for key in ("own", "hire_max"):
            depot[key] = {row["id"] if name == old else name: count for name, count in depot[key].items()}


BENDS: tuple[Bend, ...] = (
    take_room_away,
    take_room_away,
    take_room_away,
    ask_for_more,
    keep_from_running,
    keep_from_running,
    tighten_the_stricter_hours,
    change_a_group,
    change_a_group,
    lose_a_row,
    set_two_apart,
    let_nothing_be_brought_home,
    shorten_the_journey,
    shorten_the_horizon,
    move_now,
    call_it_oddly,
)
