"""Joint planning problems and plans: frozen facts, and their public JSON format (docs/optimizer-format.md).

Every number is a whole number (minutes, cents, persons, days, km); only coordinates may have a fraction.
Reading gathers every fault of a file and raises them together.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import math
import os
import re
import zlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any, Final, Literal, TypeVar

from retorno.errors import Fault, InputError

PROBLEM_FORMAT: Final = "retorno-joint-problem/1"
PLAN_FORMAT: Final = "retorno-joint-plan/1"

# Our assumptions, so that no file can fill the memory or overflow a 64-bit sum.
LARGEST_FILE_BYTES: Final = 256 * 2**20
LARGEST_NUMBER: Final = 10**12
LONGEST_HORIZON_DAYS: Final = 1_000

DAY_MIN: Final = 1440

LegKind = Literal["trip", "service", "charter"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Costs:
    """Prices that hold everywhere, cents."""

    driver_day_cents: int
    away_day_cents: int
    bed_night_cents: int
    escort_day_cents: int
    ride_minute_cents: int
    boarding_cents: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Site:
    """A place where legs begin or end; ``beds`` 0 means no overnight stop, ``arrivals`` None no limit."""

    id: str
    country: str
    lat: float
    lon: float
    beds: int
    arrivals: tuple[int, ...] | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Crossing:
    """A border crossing; ``quota`` is persons per day, both directions together."""

    id: str
    countries: tuple[str, str]
    quota: tuple[int, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class VehicleType:
    """A kind of vehicle; ``return_cents`` gives, per site, the price of bringing it home empty."""

    id: str
    seats: int
    wheelchairs: int
    km_cents: int
    day_cents: int
    hire_cents: int
    return_cents: Mapping[str, int]


@dataclass(frozen=True, kw_only=True, slots=True)
class Depot:
    """Where vehicles start; ``own`` and ``hire_max`` map a vehicle type to a count."""

    site: str
    own: Mapping[str, int]
    hire_max: Mapping[str, int]


@dataclass(frozen=True, kw_only=True, slots=True)
class Trip:
    """One vehicle's working day; ``crossings`` has one tuple of ids per segment between two stops."""

    id: str
    stops: tuple[str, ...]
    depart_min: tuple[int, ...]
    arrive_min: tuple[int, ...]
    crossings: tuple[tuple[str, ...], ...]
    km: int
    drivers: int
    days: str
    vulnerable_days: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Service:
    """Seats on a scheduled departure; ``arrive_min`` of 1440 or more is a later day."""

    id: str
    mode: Literal["flight", "coach"]
    origin: str
    destination: str
    depart_min: int
    arrive_min: int
    days: str
    vulnerable_days: str
    seats: int
    fare_cents: int
    crossings: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Charter:
    """Whole aircraft; each flies with at least ``min_load`` and at most ``seats`` persons."""

    id: str
    origin: str
    destination: str
    depart_min: int
    arrive_min: int
    days: str
    seats: int
    min_load: int
    fixed_cents: int
    max_per_day: int


@dataclass(frozen=True, kw_only=True, slots=True)
class EscortPool:
    """Escorts that may be busy on one day."""

    id: str
    available: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Group:
    """People who travel together and are never split; both prices are for the whole group."""

    id: str
    persons: int
    origin: str
    destination: str
    ready_day: int
    latest_day: int
    vulnerable: int
    wheelchairs: int
    escorts: int
    escort_pool: str | None
    barred_countries: tuple[str, ...]
    wait_cents_per_day: int
    unplanned_cents: int
    max_journey_days: int | None = None

    @property
    def seats(self) -> int:
        """Seats the group takes: its persons and their escorts."""
        return self.persons + self.escorts


@dataclass(frozen=True, kw_only=True, slots=True)
class Leg:
    """One ride of a group.

    Parameters
    ----------
    kind, row_id
        Which table of the problem and which row of it.
    day
        Day of departure, 0 is the first day of the problem.
    vehicle, board, alight
        Of a trip only: the plan's vehicle, and stop indices of the trip.
    aircraft
        Of a charter only: counts from 0.
    extra
        Keys of the JSON leg that the format does not know, each with its value as JSON text.
    """

    kind: LegKind
    row_id: str
    day: int
    vehicle: str = ""
    board: int = 0
    alight: int = 0
    aircraft: int = 0
    extra: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class PlannedVehicle:
    """A vehicle of a plan; ``moves`` are (day, trip id) in the order of days."""

    id: str
    type: str
    depot: str
    hired: bool
    moves: tuple[tuple[int, str], ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """Vehicles with their moves, and each planned group's legs; ``problem`` is the problem's name."""

    problem: str
    vehicles: tuple[PlannedVehicle, ...] = ()
    itineraries: dict[str, tuple[Leg, ...]] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class Replan:
    """What already happened before ``now_day``, and what may not or should not change after it."""

    now_day: int
    previous: Plan
    change_cents: int
    locked_groups: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Problem:
    """Everything a plan is made from and judged by; ids and numbers, nothing about a person."""

    name: str
    horizon_days: int
    first_date: str
    clock_utc_offset_min: int
    transfer_min: int
    max_journey_days: int
    escort_return_days: int
    costs: Costs
    sites: tuple[Site, ...]
    crossings: tuple[Crossing, ...]
    closures: frozenset[tuple[str, int]]
    vehicle_types: tuple[VehicleType, ...]
    depots: tuple[Depot, ...]
    trips: tuple[Trip, ...]
    services: tuple[Service, ...]
    charters: tuple[Charter, ...]
    cancelled: frozenset[tuple[str, int]]
    escort_pools: tuple[EscortPool, ...]
    groups: tuple[Group, ...]
    conflicts: tuple[tuple[str, str], ...]
    replan: Replan | None = None


def EMPTY_PLAN(problem: Problem) -> Plan:
    """A plan of the problem in which nobody travels and no vehicle moves."""
    return Plan(problem=problem.name)


# ---- writing ------------------------------------------------------------------------------------------


def plan_to_json(plan: Plan) -> dict[str, Any]:
    """The plan as a JSON object of the public format."""
    return {
        "format": PLAN_FORMAT,
        "problem": plan.problem,
        "vehicles": [
            {
                "id": vehicle.id,
                "type": vehicle.type,
                "depot": vehicle.depot,
                "hired": vehicle.hired,
                "moves": [[day, trip_id] for day, trip_id in vehicle.moves],
            }
            for vehicle in plan.vehicles
        ],
        "itineraries": {
            group_id: [leg_to_json(leg) for leg in legs] for group_id, legs in plan.itineraries.items()
        },
    }


def leg_to_json(leg: Leg) -> dict[str, Any]:
    """One leg as a JSON object of the public format."""
    document: dict[str, Any] = {leg.kind: leg.row_id, "day": leg.day}
    if leg.kind == "trip":
        document |= {"vehicle": leg.vehicle, "board": leg.board, "alight": leg.alight}
    elif leg.kind == "charter":
        document["aircraft"] = leg.aircraft
    for key, value in leg.extra:
        document[key] = json.loads(value)
    return document


def problem_to_json(problem: Problem) -> dict[str, Any]:
    """The problem as a JSON object of the public format."""
    document: dict[str, Any] = {
        "format": PROBLEM_FORMAT,
        "name": problem.name,
        "horizon_days": problem.horizon_days,
        "first_date": problem.first_date,
        "clock_utc_offset_min": problem.clock_utc_offset_min,
        "transfer_min": problem.transfer_min,
        "max_journey_days": problem.max_journey_days,
        "escort_return_days": problem.escort_return_days,
        "costs": _row_to_json(problem.costs),
    }
    for table in ("sites", "crossings", "vehicle_types", "depots", "trips", "services", "charters"):
        document[table] = [_row_to_json(row) for row in getattr(problem, table)]
    document["closures"] = [list(pair) for pair in sorted(problem.closures)]
    document["cancelled"] = [list(pair) for pair in sorted(problem.cancelled)]
    document["escort_pools"] = [_row_to_json(pool) for pool in problem.escort_pools]
    document["groups"] = [_row_to_json(group) for group in problem.groups]
    document["conflicts"] = [list(pair) for pair in problem.conflicts]
    if problem.replan is not None:
        document["replan"] = {
            "now_day": problem.replan.now_day,
            "previous": plan_to_json(problem.replan.previous),
            "change_cents": problem.replan.change_cents,
            "locked_groups": list(problem.replan.locked_groups),
        }
    return document


def _row_to_json(row: Any) -> dict[str, Any]:
    is_link = isinstance(row, Service | Charter)
    document: dict[str, Any] = {}
    for name in type(row).__dataclass_fields__:
        value = getattr(row, name)
        if name == "max_journey_days" and value is None:
            continue
        if is_link and name in ("origin", "destination"):
            name = "from" if name == "origin" else "to"
        document[name] = _plain(value)
    return document


def _plain(value: Any) -> Any:
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    return dict(value) if isinstance(value, Mapping) else value


def digest(problem: Problem) -> str:
    """SHA-256 (hexadecimal) of the problem's canonical JSON: sorted keys, no spaces, UTF-8."""
    text = json.dumps(problem_to_json(problem), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def write_problem(path: str | Path, problem: Problem) -> None:
    """Write a problem as JSON, gzipped if the name ends in ``.gz``; never half a file."""
    write_document(path, problem_to_json(problem))


def write_plan(path: str | Path, plan: Plan) -> None:
    """Write a plan as JSON, gzipped if the name ends in ``.gz``; never half a file."""
    write_document(path, plan_to_json(plan))


def write_document(path: str | Path, document: Mapping[str, Any]) -> None:
    """Write a JSON object, gzipped if the name ends in ``.gz``, in one step: never half a file."""
    target = Path(path)
    content = json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"
    if target.name.endswith(".gz"):
        content = gzip.compress(content, mtime=0)
    temporary = target.with_name(f"{target.name}.{os.getpid()}.part")
    try:
        temporary.write_bytes(content)
        os.replace(temporary, target)
    finally:
        temporary.unlink(missing_ok=True)


# ---- reading ------------------------------------------------------------------------------------------


def read_document(path: str | Path) -> Any:
    """The JSON document of a file, plain or gzipped (told by its first bytes), of bounded size.

    Raises
    ------
    InputError
        If the file is missing, empty, too large, damaged, or no JSON in UTF-8.
    """
    name = str(path)
    try:
        content = Path(path).read_bytes() if _size(Path(path)) <= LARGEST_FILE_BYTES else None
    except OSError as error:
        raise _file_error(name, f"cannot be read: {error.strerror or error}") from error
    if content is not None and content[:2] == b"\x1f\x8b":
        content = _gunzip(name, content)
    if content is None or len(content) > LARGEST_FILE_BYTES:
        raise _file_error(name, f"holds more than {LARGEST_FILE_BYTES // 2**20} MiB, the most that is read")
    if not content.strip():
        raise _file_error(name, "is empty, expected a JSON object")
    try:
        return json.loads(content.decode("utf-8-sig"), parse_constant=_refuse_constant)
    except UnicodeDecodeError as error:
        raise _file_error(name, f"is not a JSON file in UTF-8 (byte {error.start})") from error
    except json.JSONDecodeError as error:
        raise _file_error(
            name, f"is not JSON: {error.msg} in line {error.lineno}, column {error.colno}"
        ) from error
    except RecursionError as error:
        raise _file_error(name, "is nested too deeply to be a problem or plan") from error
    except ValueError as error:
        raise _file_error(name, f"holds a number that cannot be used: {error}") from error


def _size(path: Path) -> int:
    if path.is_dir():
        raise IsADirectoryError(21, "is a folder, expected a file")
    return path.stat().st_size


def _gunzip(name: str, content: bytes) -> bytes:
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(content)) as file:
            return file.read(LARGEST_FILE_BYTES + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise _file_error(name, f"is a damaged gzip file: {error}") from error


def _refuse_constant(constant: str) -> float:
    raise ValueError(f"{constant} is not a number of JSON")


def _file_error(name: str, what: str) -> InputError:
    return InputError([Fault(what=what, file=name)])


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


_Row = TypeVar("_Row")


class _Reader:
    """Takes typed values out of JSON objects; gathers a fault for each value that is not right."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.faults: list[Fault] = []
        self.horizon_days = 0
        self.ids: dict[str, set[str]] = {}

    def fault(self, where: str, what: str, value: Any = None) -> None:
        shown = "" if value is None else json.dumps(value, ensure_ascii=True, default=str)[:80]
        self.faults.append(Fault(what=what, file=self.file, column=where, value=shown))

    def wrong(self, where: str, value: Any, expected: str) -> None:
        shown = json.dumps(value, ensure_ascii=True, default=str)
        shown = shown if len(shown) <= 60 else shown[:57] + "..."
        self.fault(where, f"is {shown}, expected {expected}", value)

    def value(self, row: Mapping[str, Any], key: str, where: str) -> Any:
        if key not in row:
            self.fault(f"{where}{key}", "is missing")
            return _MISSING
        return row[key]

    def whole(
        self, row: Mapping[str, Any], key: str, where: str, least: int = 0, most: int = LARGEST_NUMBER
    ) -> int:
        found = row.get(key, _MISSING)
        if type(found) is int and least <= found <= most:
            return found
        if found is _MISSING:
            self.fault(f"{where}{key}", "is missing")
        else:
            limit = f"at least {least}" if most == LARGEST_NUMBER else f"from {least} to {most}"
            self.wrong(f"{where}{key}", found, f"a whole number {limit}")
        return max(least, 0)

    def number(self, row: Mapping[str, Any], key: str, where: str, most: float) -> float:
        found = self.value(row, key, where)
        if type(found) in (int, float) and math.isfinite(found) and abs(found) <= most:
            return found  # type: ignore[no-any-return]
        if found is not _MISSING:
            self.wrong(f"{where}{key}", found, f"a number from -{most:g} to {most:g}")
        return 0

    def text(self, row: Mapping[str, Any], key: str, where: str) -> str:
        found = row.get(key, _MISSING)
        if type(found) is str and found and found.isprintable():
            return found
        if found is _MISSING:
            self.fault(f"{where}{key}", "is missing")
        else:
            self.wrong(f"{where}{key}", found, "a text without control characters, not empty")
        return ""

    def items(self, row: Mapping[str, Any], key: str, where: str) -> list[Any]:
        found = self.value(row, key, where)
        if isinstance(found, list):
            return found
        if found is not _MISSING:
            self.wrong(f"{where}{key}", found, "a list")
        return []

    def texts(self, row: Mapping[str, Any], key: str, where: str) -> tuple[str, ...]:
        found = self.items(row, key, where)
        for index, item in enumerate(found):
            if type(item) is not str or not item or not item.isprintable():
                self.wrong(f"{where}{key}[{index}]", item, "a text without control characters, not empty")
        return tuple(item for item in found if type(item) is str)

    def wholes(
        self, row: Mapping[str, Any], key: str, where: str, most: int = LARGEST_NUMBER
    ) -> tuple[int, ...]:
        found = self.items(row, key, where)
        for index, item in enumerate(found):
            if type(item) is not int or not 0 <= item <= most:
                self.wrong(f"{where}{key}[{index}]", item, f"a whole number from 0 to {most}")
        return tuple(item if type(item) is int else 0 for item in found)

    def per_day(self, row: Mapping[str, Any], key: str, where: str) -> tuple[int, ...]:
        faults_before = len(self.faults)
        found = self.wholes(row, key, where)
        if len(found) != self.horizon_days and len(self.faults) == faults_before:
            self.fault(
                f"{where}{key}", f"has {len(found)} numbers, expected one per day: {self.horizon_days}"
            )
        return found

    def day_string(self, row: Mapping[str, Any], key: str, where: str, within: str = "") -> str:
        """A day string; if ``within`` is given, offered only where that one is."""
        found = self.text(row, key, where)
        if not found:
            return ""
        if len(found) != self.horizon_days or set(found) - {"0", "1"}:
            self.wrong(f"{where}{key}", found, f"one 0 or 1 per day, {self.horizon_days} in all")
        elif len(within) == len(found):
            more = [d for d, (mine, theirs) in enumerate(zip(found, within, strict=True)) if mine > theirs]
            if more:
                self.fault(f"{where}{key}", f"is 1 on day {more[0]}, on which days is 0", found)
        return found

    def counts(self, row: Mapping[str, Any], key: str, where: str, table: str) -> dict[str, int]:
        found = self.value(row, key, where)
        if not isinstance(found, dict):
            if found is not _MISSING:
                self.wrong(f"{where}{key}", found, "an object from ids to whole numbers")
            return {}
        for item in found:
            self.known(table, item, f"{where}{key}")
            self.whole(found, item, f"{where}{key}.")
        return {item: count for item, count in found.items() if type(count) is int}

    def known(self, table: str, row_id: str, where: str) -> None:
        if row_id and row_id not in self.ids[table]:
            self.wrong(where, row_id, f"an id of {table}")

    def reference(self, row: Mapping[str, Any], key: str, where: str, table: str) -> str:
        found = self.text(row, key, where)
        self.known(table, found, f"{where}{key}")
        return found

    def references(self, row: Mapping[str, Any], key: str, where: str, table: str) -> tuple[str, ...]:
        found = self.texts(row, key, where)
        for index, item in enumerate(found):
            self.known(table, item, f"{where}{key}[{index}]")
        return found

    def table(
        self,
        document: Mapping[str, Any],
        key: str,
        make: Callable[[_Reader, Mapping[str, Any], str], _Row],
        id_key: str = "id",
    ) -> tuple[_Row, ...]:
        """Every row of a table; remembers its ids and faults those that come twice."""
        seen = self.ids.setdefault(key, set())
        rows = []
        for index, row in enumerate(self.items(document, key, "")):
            where = f"{key}[{index}]."
            if not isinstance(row, dict):
                self.wrong(f"{key}[{index}]", row, "an object")
                continue
            row_id = row.get(id_key)
            if isinstance(row_id, str):
                if row_id in seen:
                    self.wrong(f"{where}{id_key}", row_id, f"an id that no earlier row of {key} has")
                seen.add(row_id)
            rows.append(make(self, row, where))
        return tuple(rows)

    def pairs(self, document: Mapping[str, Any], key: str, second: type) -> list[tuple[Any, Any]]:
        """Two-item lists: a text and a ``second``."""
        pairs = []
        for index, item in enumerate(self.items(document, key, "")):
            if isinstance(item, list) and [type(part) for part in item] == [str, second]:
                pairs.append((item[0], item[1]))
            else:
                wanted = "an id and a day" if second is int else "two ids"
                self.wrong(f"{key}[{index}]", item, f"a list of {wanted}")
        return pairs

    def finish(self) -> None:
        if self.faults:
            raise InputError(self.faults)


_MISSING: Final[Any] = object()


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
    reader = _Reader(file)
    _expect_format(reader, document, PROBLEM_FORMAT)
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
    )
    reader.finish()
    return problem


def _expect_format(reader: _Reader, document: Any, wanted: str) -> None:
    """Stop at once at a document of another kind: its other faults would only confuse."""
    found = document.get("format") if isinstance(document, dict) else None
    if found != wanted:
        kind = {PROBLEM_FORMAT: "a problem", PLAN_FORMAT: "a plan"}
        other = f"{kind[found]}, not {kind[wanted]}: " if isinstance(found, str) and found in kind else ""
        reader.fault("format", f'is {other}{json.dumps(found, default=str)[:60]}, expected "{wanted}"')
        reader.finish()


def _first_date(reader: _Reader, document: Mapping[str, Any]) -> str:
    found = reader.text(document, "first_date", "")
    try:
        if re.fullmatch(r"\d{4}-\d{2}-\d{2}", found):
            return date.fromisoformat(found).isoformat()
    except ValueError:
        pass  # Falls through to the same fault as any other text that is no date.
    if found:
        reader.wrong("first_date", found, "a date such as 2026-03-02")
    return found


def _site(reader: _Reader, row: Mapping[str, Any], where: str) -> Site:
    limited = row.get("arrivals", _MISSING) is not None
    return Site(
        id=reader.text(row, "id", where),
        country=reader.text(row, "country", where),
        lat=reader.number(row, "lat", where, 90),
        lon=reader.number(row, "lon", where, 180),
        beds=reader.whole(row, "beds", where),
        arrivals=reader.per_day(row, "arrivals", where) if limited else None,
    )


def _crossing(reader: _Reader, row: Mapping[str, Any], where: str) -> Crossing:
    countries = reader.texts(row, "countries", where)
    if len(countries) != 2:
        reader.wrong(f"{where}countries", list(countries), "two countries")
        countries = ("", "")
    return Crossing(
        id=reader.text(row, "id", where),
        countries=(countries[0], countries[1]),
        quota=reader.per_day(row, "quota", where),
    )


def _vehicle_type(reader: _Reader, row: Mapping[str, Any], where: str) -> VehicleType:
    return VehicleType(
        id=reader.text(row, "id", where),
        seats=reader.whole(row, "seats", where),
        wheelchairs=reader.whole(row, "wheelchairs", where),
        km_cents=reader.whole(row, "km_cents", where),
        day_cents=reader.whole(row, "day_cents", where),
        hire_cents=reader.whole(row, "hire_cents", where),
        return_cents=reader.counts(row, "return_cents", where, "sites"),
    )


def _depot(reader: _Reader, row: Mapping[str, Any], where: str) -> Depot:
    return Depot(
        site=reader.reference(row, "site", where, "sites"),
        own=reader.counts(row, "own", where, "vehicle_types"),
        hire_max=reader.counts(row, "hire_max", where, "vehicle_types"),
    )


def _trip(reader: _Reader, row: Mapping[str, Any], where: str) -> Trip:
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
    reader: _Reader,
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


def _service(reader: _Reader, row: Mapping[str, Any], where: str) -> Service:
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
        **_link(reader, row, where),
    )


def _charter(reader: _Reader, row: Mapping[str, Any], where: str) -> Charter:
    return Charter(
        id=reader.text(row, "id", where),
        days=reader.day_string(row, "days", where),
        seats=reader.whole(row, "seats", where),
        min_load=reader.whole(row, "min_load", where),
        fixed_cents=reader.whole(row, "fixed_cents", where),
        max_per_day=reader.whole(row, "max_per_day", where),
        **_link(reader, row, where),
    )


def _link(reader: _Reader, row: Mapping[str, Any], where: str) -> dict[str, Any]:
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


def _escort_pool(reader: _Reader, row: Mapping[str, Any], where: str) -> EscortPool:
    return EscortPool(id=reader.text(row, "id", where), available=reader.whole(row, "available", where))


def _group(reader: _Reader, row: Mapping[str, Any], where: str) -> Group:
    pool = None
    if row.get("escort_pool", _MISSING) is not None:
        pool = reader.reference(row, "escort_pool", where, "escort_pools")
    own_limit = row.get("max_journey_days") is not None
    return Group(
        id=reader.text(row, "id", where),
        persons=reader.whole(row, "persons", where, 1),
        origin=reader.reference(row, "origin", where, "sites"),
        destination=reader.reference(row, "destination", where, "sites"),
        ready_day=reader.whole(row, "ready_day", where),
        latest_day=reader.whole(row, "latest_day", where),
        vulnerable=reader.whole(row, "vulnerable", where, 0, 1),
        wheelchairs=reader.whole(row, "wheelchairs", where),
        escorts=reader.whole(row, "escorts", where),
        escort_pool=pool,
        barred_countries=reader.texts(row, "barred_countries", where),
        wait_cents_per_day=reader.whole(row, "wait_cents_per_day", where),
        unplanned_cents=reader.whole(row, "unplanned_cents", where),
        max_journey_days=reader.whole(row, "max_journey_days", where) if own_limit else None,
    )


def _closures(reader: _Reader, document: Mapping[str, Any]) -> frozenset[tuple[str, int]]:
    pairs = reader.pairs(document, "closures", int)
    for crossing, _ in pairs:
        reader.known("crossings", crossing, "closures")
    return frozenset(pairs)


def _cancelled(reader: _Reader, document: Mapping[str, Any]) -> frozenset[tuple[str, int]]:
    pairs = reader.pairs(document, "cancelled", int)
    rows = reader.ids["trips"] | reader.ids["services"] | reader.ids["charters"]
    for row_id, _ in pairs:
        if row_id not in rows:
            reader.wrong("cancelled", row_id, "an id of trips, services or charters")
    return frozenset(pairs)


def _conflicts(reader: _Reader, document: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    pairs = reader.pairs(document, "conflicts", str)
    for index, pair in enumerate(pairs):
        if pair[0] == pair[1]:
            reader.wrong(f"conflicts[{index}]", list(pair), "two different groups")
        if document.get("replan") is None:  # In a replan a group may have withdrawn.
            for group_id in pair:
                reader.known("groups", group_id, f"conflicts[{index}]")
    return tuple(pairs)


def _replan(reader: _Reader, document: Mapping[str, Any]) -> Replan | None:
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
    reader = _Reader(file)
    _expect_format(reader, document, PLAN_FORMAT)
    plan = _plan(reader, document, "")
    reader.finish()
    return plan


def _plan(reader: _Reader, document: Any, path: str) -> Plan:
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


def _leg(reader: _Reader, row: Any, where: str) -> Leg:
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


def _vehicle(reader: _Reader, row: Any, where: str) -> PlannedVehicle:
    if not isinstance(row, dict):
        reader.wrong(where, row, "an object")
        return PlannedVehicle(id="", type="", depot="", hired=False, moves=())
    dot = f"{where}."
    hired = reader.value(row, "hired", dot)
    if hired not in (False, True, _MISSING):  # 0 and 1 count as false and true.
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
