"""Joint planning problems and plans in their public JSON format, versions 1 and 2 (docs/optimizer-format.md).

Reading gathers every fault of a file and raises them together. The facts themselves are in `optimizer.facts` and
are imported from here.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any, Final

from retorno.optimizer.documents import LARGEST_NUMBER, MISSING, Reader, read_document, write_document
from retorno.optimizer.facts import (
    DAY_MIN,
    EMPTY_PLAN,
    Charter,
    Costs,
    Crossing,
    Depot,
    EscortPool,
    Group,
    Leg,
    LegKind,
    Plan,
    PlannedVehicle,
    Problem,
    Replan,
    Rest,
    Service,
    Site,
    Trip,
    VehicleType,
)
from retorno.optimizer.writing import (
    PLAN_FORMAT,
    PROBLEM_FORMAT,
    PROBLEM_FORMAT_2,
    digest,
    leg_to_json,
    plan_to_json,
    problem_to_json,
)

__all__ = [
    "DAY_MIN",
    "EMPTY_PLAN",
    "LONGEST_HORIZON_DAYS",
    "PLAN_FORMAT",
    "PROBLEM_FORMAT",
    "PROBLEM_FORMAT_2",
    "Charter",
    "Costs",
    "Crossing",
    "Depot",
    "EscortPool",
    "Group",
    "Leg",
    "LegKind",
    "Plan",
    "PlannedVehicle",
    "Problem",
    "Replan",
    "Rest",
    "Service",
    "Site",
    "Trip",
    "VehicleType",
    "digest",
    "leg_to_json",
    "plan_from_json",
    "plan_to_json",
    "problem_from_json",
    "problem_to_json",
    "read_document",
    "read_plan",
    "read_problem",
    "write_document",
    "write_plan",
    "write_problem",
]

# Our assumption: nobody plans further ahead, and no file can ask for endless days.
LONGEST_HORIZON_DAYS: Final = 1_000


def write_problem(path: str | Path, problem: Problem) -> None:
    """Write a problem as JSON, gzipped if the name ends in ``.gz``; never half a file."""
    write_document(path, problem_to_json(problem))


def write_plan(path: str | Path, plan: Plan) -> None:
    """Write a plan as JSON, gzipped if the name ends in ``.gz``; never half a file."""
    write_document(path, plan_to_json(plan))


# ---- reading ------------------------------------------------------------------------------------------


def read_problem(path: str | Path) -> Problem:
    """The problem in a file.

    Raises
    ------
    InputError
        With every fault of the file.
    """
    return problem_from_json(read_document(path), file=str(path))


def read_plan(path: str | Path) -> Plan:
    """The plan in a file, whatever the judge will say about it.

    Raises
    ------
    InputError
        With every fault of the file.
    """
    return plan_from_json(read_document(path), file=str(path))


def problem_from_json(document: Any, file: str = "") -> Problem:
    """The problem in a JSON object of the public format.

    Parameters
    ----------
    document
        As read from JSON.
    file
        Named in the faults.

    Raises
    ------
    InputError
        With every fault found.
    """
    reader = Reader(file)
    _expect_format(reader, document, PROBLEM_FORMAT, PROBLEM_FORMAT_2)
    reader.version = 2 if document["format"] == PROBLEM_FORMAT_2 else 1
    reader.horizon_days = reader.whole(document, "horizon_days", "", 1, LONGEST_HORIZON_DAYS)
    costs = document.get("costs")
    if not isinstance(costs, dict):
        reader.wrong("costs", costs, "an object of prices")
        costs = dict.fromkeys(Costs.__dataclass_fields__, 0)
    # Tables that others refer to come first.
    sites = reader.table(document, "sites", _site)
    crossings = reader.table(document, "crossings", _crossing)
    vehicle_types = reader.table(document, "vehicle_types", _vehicle_type)
    depots = reader.table(document, "depots", _depot, id_key="site")
    trips = reader.table(document, "trips", _trip)
    services = reader.table(document, "services", _service)
    charters = reader.table(document, "charters", _charter)
    escort_pools = reader.table(document, "escort_pools", _escort_pool)
    groups = reader.table(document, "groups", _group)
    problem = Problem(
        name=reader.text(document, "name", ""),
        horizon_days=reader.horizon_days,
        first_date=_first_date(reader, document),
        clock_utc_offset_min=reader.whole(document, "clock_utc_offset_min", "", -1440, 1440),
        transfer_min=reader.whole(document, "transfer_min", ""),
        max_journey_days=reader.whole(document, "max_journey_days", ""),
        escort_return_days=reader.whole(document, "escort_return_days", ""),
        costs=Costs(**{name: reader.whole(costs, name, "costs.") for name in Costs.__dataclass_fields__}),
        sites=sites,
        crossings=crossings,
        closures=_closures(reader, document),
        vehicle_types=vehicle_types,
        depots=depots,
        trips=trips,
        services=services,
        charters=charters,
        cancelled=_cancelled(reader, document),
        escort_pools=escort_pools,
        groups=groups,
        conflicts=_conflicts(reader, document),
        replan=_replan(reader, document),
        rest=_rest(reader, document) if reader.version > 1 else None,
        escorts_keep_seats=reader.limit(document, "escorts_keep_seats", "", most=1) or 0,
    )
    reader.finish()
    return problem


def _expect_format(reader: Reader, document: Any, *wanted: str) -> None:
    """Stop at once at a document of another kind: its other faults would only confuse."""
    found = document.get("format") if isinstance(document, dict) else None
    if found not in wanted:
        kind = {PROBLEM_FORMAT: "a problem", PROBLEM_FORMAT_2: "a problem", PLAN_FORMAT: "a plan"}
        other = f"{kind[found]}, not {kind[wanted[0]]}: " if isinstance(found, str) and found in kind else ""
        expected = " or ".join(f'"{each}"' for each in wanted)
        reader.fault("format", f"is {other}{json.dumps(found, default=str)[:60]}, expected {expected}")
        reader.finish()


def _first_date(reader: Reader, document: Mapping[str, Any]) -> str:
    found = reader.text(document, "first_date", "")
    try:
        if re.fullmatch(r"\d{4}-\d{2}-\d{2}", found):
            return date.fromisoformat(found).isoformat()
    except ValueError:
        pass  # Falls through to the same fault as any other text that is no date.
    if found:
        reader.wrong("first_date", found, "a date such as 2026-03-02")
    return found


def _site(reader: Reader, row: Mapping[str, Any], where: str) -> Site:
    limited = row.get("arrivals", MISSING) is not None
    return Site(
        id=reader.text(row, "id", where),
        country=reader.text(row, "country", where),
        lat=reader.number(row, "lat", where, 90),
        lon=reader.number(row, "lon", where, 180),
        beds=reader.whole(row, "beds", where),
        arrivals=reader.per_day(row, "arrivals", where) if limited else None,
    )


def _crossing(reader: Reader, row: Mapping[str, Any], where: str) -> Crossing:
    countries = reader.texts(row, "countries", where)
    if len(countries) != 2:
        reader.wrong(f"{where}countries", list(countries), "two countries")
        countries = ("", "")
    return Crossing(
        id=reader.text(row, "id", where),
        countries=(countries[0], countries[1]),
        quota=reader.per_day(row, "quota", where),
    )


def _vehicle_type(reader: Reader, row: Mapping[str, Any], where: str) -> VehicleType:
    return VehicleType(
        id=reader.text(row, "id", where),
        seats=reader.whole(row, "seats", where),
        wheelchairs=reader.whole(row, "wheelchairs", where),
        km_cents=reader.whole(row, "km_cents", where),
        day_cents=reader.whole(row, "day_cents", where),
        hire_cents=reader.whole(row, "hire_cents", where),
        return_cents=reader.counts(row, "return_cents", where, "sites"),
        unaccompanied_max=reader.limit(row, "unaccompanied_max", where),
    )


def _depot(reader: Reader, row: Mapping[str, Any], where: str) -> Depot:
    return Depot(
        site=reader.reference(row, "site", where, "sites"),
        own=reader.counts(row, "own", where, "vehicle_types"),
        hire_max=reader.counts(row, "hire_max", where, "vehicle_types"),
    )


def _trip(reader: Reader, row: Mapping[str, Any], where: str) -> Trip:
    faults_before = len(reader.faults)
    stops = reader.references(row, "stops", where, "sites")
    depart = reader.wholes(row, "depart_min", where, DAY_MIN - 1)
    arrive = reader.wholes(row, "arrive_min", where, DAY_MIN - 1)
    segments = reader.items(row, "crossings", where)
    crossings = []
    for index, segment in enumerate(segments):
        key = f"crossings[{index}]"
        crossings.append(reader.references({key: segment}, key, where, "crossings"))
    if len(reader.faults) == faults_before:
        _check_stops(reader, where, stops, depart, arrive, len(segments))
    days = reader.day_string(row, "days", where)
    return Trip(
        id=reader.text(row, "id", where),
        stops=stops,
        depart_min=depart,
        arrive_min=arrive,
        crossings=tuple(crossings),
        km=reader.whole(row, "km", where),
        drivers=reader.whole(row, "drivers", where),
        days=days,
        vulnerable_days=reader.day_string(row, "vulnerable_days", where, within=days),
    )


def _check_stops(
    reader: Reader,
    where: str,
    stops: Sequence[str],
    depart: Sequence[int],
    arrive: Sequence[int],
    segment_count: int,
) -> None:
    count = len(stops)
    if count < 2:
        reader.fault(f"{where}stops", f"has {count} stops, expected at least two")
    for key, found, wanted in (
        ("depart_min", len(depart), count),
        ("arrive_min", len(arrive), count),
        ("crossings", segment_count, count - 1),
    ):
        if found != wanted:
            reader.fault(f"{where}{key}", f"has {found} entries, expected {wanted} for {count} stops")
            return
    for stop in range(1, count):
        if arrive[stop] < depart[stop - 1]:
            reader.fault(f"{where}arrive_min[{stop}]", f"is {arrive[stop]}, before the departure before it")
        if stop < count - 1 and depart[stop] < arrive[stop]:
            reader.fault(f"{where}depart_min[{stop}]", f"is {depart[stop]}, before the arrival at that stop")


def _service(reader: Reader, row: Mapping[str, Any], where: str) -> Service:
    mode = reader.text(row, "mode", where)
    if mode not in ("flight", "coach", ""):
        reader.wrong(f"{where}mode", mode, "flight or coach")
    days = reader.day_string(row, "days", where)
    return Service(
        id=reader.text(row, "id", where),
        mode="coach" if mode == "coach" else "flight",
        days=days,
        vulnerable_days=reader.day_string(row, "vulnerable_days", where, within=days),
        seats=reader.whole(row, "seats", where),
        fare_cents=reader.whole(row, "fare_cents", where),
        crossings=reader.references(row, "crossings", where, "crossings") if "crossings" in row else (),
        unaccompanied_max=reader.limit(row, "unaccompanied_max", where),
        escort_returns=reader.limit(row, "escort_returns", where),
        **_link(reader, row, where),
    )


def _charter(reader: Reader, row: Mapping[str, Any], where: str) -> Charter:
    return Charter(
        id=reader.text(row, "id", where),
        days=reader.day_string(row, "days", where),
        seats=reader.whole(row, "seats", where),
        min_load=reader.whole(row, "min_load", where),
        fixed_cents=reader.whole(row, "fixed_cents", where),
        max_per_day=reader.whole(row, "max_per_day", where),
        unaccompanied_max=reader.limit(row, "unaccompanied_max", where),
        escort_returns=reader.limit(row, "escort_returns", where),
        **_link(reader, row, where),
    )


def _link(reader: Reader, row: Mapping[str, Any], where: str) -> dict[str, Any]:
    """Ends and minutes of a service or charter."""
    depart = reader.whole(row, "depart_min", where, 0, DAY_MIN - 1)
    arrive = reader.whole(row, "arrive_min", where)
    if arrive < depart and "arrive_min" in row:
        reader.fault(f"{where}arrive_min", f"is {arrive}, before the departure at {depart}")
    return {
        "origin": reader.reference(row, "from", where, "sites"),
        "destination": reader.reference(row, "to", where, "sites"),
        "depart_min": depart,
        "arrive_min": arrive,
    }


def _escort_pool(reader: Reader, row: Mapping[str, Any], where: str) -> EscortPool:
    told = {name for name in ("women", "men") if reader.version > 1 and row.get(name) is not None}
    return EscortPool(
        id=reader.text(row, "id", where),
        available=reader.whole(row, "available", where),
        women=reader.per_day(row, "women", where) if "women" in told else None,
        men=reader.per_day(row, "men", where) if "men" in told else None,
    )


def _group(reader: Reader, row: Mapping[str, Any], where: str) -> Group:
    pool = None
    if row.get("escort_pool", MISSING) is not None:
        pool = reader.reference(row, "escort_pool", where, "escort_pools")
    own_limit = row.get("max_journey_days") is not None
    persons = reader.whole(row, "persons", where, 1)
    escorts = reader.whole(row, "escorts", where)
    women, men = reader.limit(row, "escort_women", where) or 0, reader.limit(row, "escort_men", where) or 0
    if women + men > escorts:
        reader.fault(f"{where}escort_women", f"and escort_men are {women + men} together, more than {escorts} escorts")
    alone = reader.limit(row, "unaccompanied", where) or 0
    if alone > persons:
        reader.fault(f"{where}unaccompanied", f"is {alone}, more than {persons} persons")
    return Group(
        id=reader.text(row, "id", where),
        persons=persons,
        origin=reader.reference(row, "origin", where, "sites"),
        destination=reader.reference(row, "destination", where, "sites"),
        ready_day=reader.whole(row, "ready_day", where),
        latest_day=reader.whole(row, "latest_day", where),
        vulnerable=reader.whole(row, "vulnerable", where, 0, 1),
        wheelchairs=reader.whole(row, "wheelchairs", where),
        escorts=escorts,
        escort_pool=pool,
        barred_countries=reader.texts(row, "barred_countries", where),
        wait_cents_per_day=reader.whole(row, "wait_cents_per_day", where),
        unplanned_cents=reader.whole(row, "unplanned_cents", where),
        max_journey_days=reader.whole(row, "max_journey_days", where) if own_limit else None,
        unaccompanied=alone,
        escort_women=women,
        escort_men=men,
    )


def _closures(reader: Reader, document: Mapping[str, Any]) -> frozenset[tuple[str, int]]:
    pairs = reader.pairs(document, "closures", int)
    for crossing, _ in pairs:
        reader.known("crossings", crossing, "closures")
    return frozenset(pairs)


def _cancelled(reader: Reader, document: Mapping[str, Any]) -> frozenset[tuple[str, int]]:
    pairs = reader.pairs(document, "cancelled", int)
    rows = reader.ids["trips"] | reader.ids["services"] | reader.ids["charters"]
    for row_id, _ in pairs:
        if row_id not in rows:
            reader.wrong("cancelled", row_id, "an id of trips, services or charters")
    return frozenset(pairs)


def _conflicts(reader: Reader, document: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    pairs = reader.pairs(document, "conflicts", str)
    for index, pair in enumerate(pairs):
        if pair[0] == pair[1]:
            reader.wrong(f"conflicts[{index}]", list(pair), "two different groups")
        if document.get("replan") is None:  # In a replan a group may have withdrawn.
            for group_id in pair:
                reader.known("groups", group_id, f"conflicts[{index}]")
    return tuple(pairs)


def _replan(reader: Reader, document: Mapping[str, Any]) -> Replan | None:
    row = document.get("replan")
    if row is None:
        return None
    if not isinstance(row, dict):
        reader.wrong("replan", row, "an object")
        return None
    return Replan(
        now_day=reader.whole(row, "now_day", "replan.", 0, reader.horizon_days),
        previous=_plan(reader, row.get("previous"), "replan.previous"),
        change_cents=reader.whole(row, "change_cents", "replan."),
        locked_groups=reader.texts(row, "locked_groups", "replan."),
    )


def _rest(reader: Reader, document: Mapping[str, Any]) -> Rest | None:
    row = document.get("rest")
    if row is None:
        return None
    if not isinstance(row, dict):
        reader.wrong("rest", row, "an object")
        return None
    rest = Rest(
        window_days=reader.whole(row, "window_days", "rest.", 1, LONGEST_HORIZON_DAYS),
        most_days=reader.whole(row, "most_days", "rest.", 1, LONGEST_HORIZON_DAYS),
        night_min=reader.whole(row, "night_min", "rest.", 0, DAY_MIN),
    )
    if rest.most_days > rest.window_days:
        reader.fault("rest.most_days", f"is {rest.most_days}, more than the {rest.window_days} days of the window")
    return rest


def plan_from_json(document: Any, file: str = "") -> Plan:
    """The plan in a JSON object of the public format, whatever the judge will say about it.

    Parameters
    ----------
    document
        As read from JSON.
    file
        Named in the faults.

    Raises
    ------
    InputError
        If a field is missing or of the wrong kind; with every fault found.
    """
    reader = Reader(file)
    _expect_format(reader, document, PLAN_FORMAT)
    plan = _plan(reader, document, "")
    reader.finish()
    return plan


def _plan(reader: Reader, document: Any, path: str) -> Plan:
    where = f"{path}." if path else ""
    if not isinstance(document, dict):
        reader.wrong(path, document, "a plan")
        return Plan(problem="")
    itineraries = document.get("itineraries")
    if not isinstance(itineraries, dict):
        reader.wrong(f"{where}itineraries", itineraries, "an object from group ids to lists of legs")
        itineraries = {}
    legs_of: dict[str, tuple[Leg, ...]] = {}
    for group_id, legs in itineraries.items():
        if not isinstance(legs, list):
            reader.wrong(f"{where}itineraries.{group_id}", legs, "a list of legs")
            continue
        legs_of[group_id] = tuple(
            _leg(reader, leg, f"{where}itineraries.{group_id}[{index}]") for index, leg in enumerate(legs)
        )
    vehicles = [
        _vehicle(reader, row, f"{where}vehicles[{index}]")
        for index, row in enumerate(reader.items(document, "vehicles", where))
    ]
    return Plan(
        problem=reader.text(document, "problem", where),
        vehicles=tuple(vehicles),
        itineraries=legs_of,
    )


_ANY_DAY: Final = -LARGEST_NUMBER
_LEG_KINDS: Final[tuple[LegKind, ...]] = ("trip", "service", "charter")


def _leg(reader: Reader, row: Any, where: str) -> Leg:
    # A leg may be impossible (day -3, an unknown trip): that is for the judge, with the code of its rule.
    if not isinstance(row, dict):
        reader.wrong(where, row, "an object")
        return Leg(kind="trip", row_id="", day=0)
    kind = next((kind for kind in _LEG_KINDS if kind in row), None)
    if kind is None:
        reader.wrong(where, row, "a leg with a trip, service or charter")
        return Leg(kind="trip", row_id="", day=0)
    known = {"trip": ("vehicle", "board", "alight"), "service": (), "charter": ("aircraft",)}[kind]
    dot = f"{where}."
    return Leg(
        kind=kind,
        row_id=reader.text(row, kind, dot),
        day=reader.whole(row, "day", dot, _ANY_DAY),
        vehicle=reader.text(row, "vehicle", dot) if kind == "trip" else "",
        board=reader.whole(row, "board", dot, _ANY_DAY) if kind == "trip" else 0,
        alight=reader.whole(row, "alight", dot, _ANY_DAY) if kind == "trip" else 0,
        aircraft=reader.whole(row, "aircraft", dot, _ANY_DAY) if kind == "charter" else 0,
        extra=tuple(_extra(row, (kind, "day", *known))),
    )


def _extra(row: Mapping[str, Any], known: Sequence[str]) -> Iterable[tuple[str, str]]:
    if len(row) > len(known):
        for key in sorted(row.keys() - set(known)):
            yield key, json.dumps(row[key], sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def _vehicle(reader: Reader, row: Any, where: str) -> PlannedVehicle:
    if not isinstance(row, dict):
        reader.wrong(where, row, "an object")
        return PlannedVehicle(id="", type="", depot="", hired=False, moves=())
    dot = f"{where}."
    hired = reader.value(row, "hired", dot)
    if hired not in (False, True, MISSING):  # 0 and 1 count as false and true.
        reader.wrong(f"{dot}hired", hired, "true or false")
    moves = []
    for index, move in enumerate(reader.items(row, "moves", dot)):
        if isinstance(move, list) and [type(part) for part in move] == [int, str]:
            moves.append((move[0], move[1]))
        else:
            reader.wrong(f"{dot}moves[{index}]", move, "a list of a day and a trip id")
    return PlannedVehicle(
        id=reader.text(row, "id", dot),
        type=reader.text(row, "type", dot),
        depot=reader.text(row, "depot", dot),
        hired=hired is True or hired == 1,
        moves=tuple(moves),
    )
