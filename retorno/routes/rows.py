"""The rows of ``data/`` as typed, frozen facts, and the reader that makes them.

One dataclass per file; a field carries the name of its column unless the unit belongs into the name.
Clock times become minutes after local midnight, day lists become weekday numbers (Monday is 0), partial
dates become the first or the last day they can mean. An empty cell becomes ``None`` or an empty tuple,
never a guess.
"""

from __future__ import annotations

import calendar
import csv
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields
from datetime import date
from pathlib import Path
from typing import Any, NewType, TypeVar, get_type_hints

from retorno.errors import Fault, InputError

ClockMinute = NewType("ClockMinute", int)
"""Minutes after local midnight, 0 to 1440; 1440 is the end of the day (24:00)."""

FirstDay = NewType("FirstDay", date)
"""First day that a partial date (year, year-month or full date) can mean."""

LastDay = NewType("LastDay", date)
"""Last day that a partial date (year, year-month or full date) can mean."""

WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
"""Names of the days of the week as the files write them; the position is the weekday number."""

COLUMN_OF = {
    "open_min": "open_time",
    "close_min": "close_time",
    "repat_open_min": "repat_open",
    "repat_close_min": "repat_close",
}
"""Fields named after another column than their own, because the unit belongs into the name."""

Row = TypeVar("Row")


def ground_folder(folder: Path | None = None) -> Path:
    """The folder with the reference data.

    Parameters
    ----------
    folder
        Named by the caller; ``None`` takes the environment variable ``RETORNO_DATA`` and, without it,
        ``data/`` beside the package (an editable checkout).

    Raises
    ------
    InputError
        If the folder does not exist.
    """
    named = folder if folder is not None else os.environ.get("RETORNO_DATA")
    found = Path(named) if named else Path(__file__).resolve().parents[2] / "data"
    if not found.is_dir():
        raise InputError(
            f'data folder "{found}" does not exist, '
            "expected a folder with countries.csv and the other tables (give it as an argument or in RETORNO_DATA)"
        )
    return found


@dataclass(frozen=True, kw_only=True)
class Country:
    """One state: codes, names, role in the Regional Conference on Migration, land neighbours."""

    iso2: str
    iso3: str
    name_es: str
    name_en: str
    crm_role: str
    use: str
    in_road_graph: bool
    land_neighbors: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Place:
    """A city, shelter, reception centre, migration station or bus terminal.

    ``capacity`` is people, as far as a source gives it; beds for a night stand in ``Reception``.
    A ``migration_station`` is a place of detention: pick-up only.
    """

    place_id: str
    name: str
    country: str
    admin1: str
    lat: float
    lon: float
    timezone: str
    kind: str
    is_admin1_capital: bool
    status: str
    capacity: int | None
    population: int | None
    road_access: bool
    coord_basis: str
    confidence: str
    source: str
    notes: str


@dataclass(frozen=True, kw_only=True)
class Airport:
    """An airport; ``airport_id`` (``APT-`` and the IATA code) is its node in the network."""

    airport_id: str
    iata: str
    icao: str
    name: str
    city: str
    country: str
    lat: float
    lon: float
    timezone: str
    role: str
    road_access: bool
    source: str


@dataclass(frozen=True, kw_only=True)
class Junction:
    """A point where a through road passes near a city; nobody stops there."""

    junction_id: str
    near_city: str
    country: str
    lat: float
    lon: float
    source: str


@dataclass(frozen=True, kw_only=True)
class Road:
    """A road between two nodes, both ways; km measured, hours of driving only."""

    from_id: str
    to_id: str
    km: float
    drive_hours: float
    road_class: str
    country: str
    gc_km: float
    km_fallback: float
    confidence: str
    source: str


@dataclass(frozen=True, kw_only=True)
class Post:
    """One side of a land crossing."""

    post_id: str
    crossing_id: str
    name: str
    country: str
    lat: float
    lon: float
    timezone: str


@dataclass(frozen=True, kw_only=True)
class Crossing:
    """A land crossing with a post on each side.

    ``open_min``/``close_min`` and ``repat_*`` are on the clock of ``hours_tz``; ``None`` where there is no
    road. The hours of each post are in ``hours.csv``. All repatriation windows are assumptions.
    """

    crossing_id: str
    country_a: str
    country_b: str
    post_a_id: str
    post_a_name: str
    post_a_lat: float
    post_a_lon: float
    post_a_tz: str
    post_b_id: str
    post_b_name: str
    post_b_lat: float
    post_b_lon: float
    post_b_tz: str
    unlocode_a: str
    unlocode_b: str
    open_min: ClockMinute | None
    close_min: ClockMinute | None
    days: frozenset[int] | None
    hours_tz: str
    hours_basis: str
    hours_source: str
    repat_open_min: ClockMinute | None
    repat_close_min: ClockMinute | None
    repat_days: frozenset[int] | None
    repat_basis: str
    repat_point_source: str
    vehicles: tuple[str, ...]
    road_link: str
    status: str
    coord_basis: str
    confidence: str
    notes: str

    @property
    def drivable(self) -> bool:
        """Whether a road joins the two posts: never over a river, never where no road exists."""
        return self.road_link == "yes" and self.status != "no_road"

    @property
    def posts(self) -> tuple[Post, Post]:
        """The post of ``country_a`` and the post of ``country_b``."""
        return (
            Post(
                post_id=self.post_a_id,
                crossing_id=self.crossing_id,
                name=self.post_a_name,
                country=self.country_a,
                lat=self.post_a_lat,
                lon=self.post_a_lon,
                timezone=self.post_a_tz,
            ),
            Post(
                post_id=self.post_b_id,
                crossing_id=self.crossing_id,
                name=self.post_b_name,
                country=self.country_b,
                lat=self.post_b_lat,
                lon=self.post_b_lon,
                timezone=self.post_b_tz,
            ),
        )


@dataclass(frozen=True, kw_only=True)
class AirService:
    """A direct flight between two airports; an assumed schedule, to be replaced by real offers."""

    service_id: str
    from_iata: str
    to_iata: str
    carrier: str
    weekly_frequency: int
    gc_km: float
    block_hours: float
    basis: str
    status: str
    notes: str


@dataclass(frozen=True, kw_only=True)
class Agreement:
    """An agreement, arrangement or practice on returns; dated, never in force without a confirmation.

    An empty field means: not known. ``valid_from`` and ``valid_to`` are the widest reading of the date given.
    """

    agreement_id: str
    name_es: str
    name_en: str
    kind: str
    from_countries: tuple[str, ...]
    to_countries: tuple[str, ...]
    transit_countries: tuple[str, ...]
    nationalities: tuple[str, ...]
    mode: tuple[str, ...]
    crossings: tuple[str, ...]
    weekdays: frozenset[int] | None
    not_on_holidays: bool | None
    open_min: ClockMinute | None
    close_min: ClockMinute | None
    hours_tz: str
    notice_hours: int | None
    list_approval: str
    profiles: str
    safe_conduct_hours: int | None
    cost_borne_by: str
    valid_from: FirstDay | None
    valid_to: LastDay | None
    status: str
    basis: str
    source: str
    notes: str


@dataclass(frozen=True, kw_only=True)
class TransitVisa:
    """Whether a nationality needs a visa to pass through a country; plan with ``planning_default``."""

    transit_country: str
    nationality: str
    required: str
    required_for_return: str
    planning_default: str
    basis: str
    source: str
    source_date: str
    notes: str


def clock_minute(text: str) -> ClockMinute:
    """Minutes after local midnight of ``HH:MM``; ``24:00`` is the end of the day.

    Raises
    ------
    ValueError
        If the text is not such a time.
    """
    hours, colon, minutes = text.partition(":")
    if not (colon and len(hours) == 2 and len(minutes) == 2 and hours.isdecimal() and minutes.isdecimal()):
        raise ValueError("expected a time HH:MM")
    total = int(hours) * 60 + int(minutes)
    if total > 1440 or int(minutes) > 59:
        raise ValueError("expected a time between 00:00 and 24:00")
    return ClockMinute(total)


def weekday_numbers(text: str) -> frozenset[int]:
    """Weekday numbers (Monday is 0) of ``daily`` or of names joined by ``;`` such as ``Tue;Fri``.

    Raises
    ------
    ValueError
        If a name is not one of ``WEEKDAYS``.
    """
    if text == "daily":
        return frozenset(range(7))
    names = text.split(";")
    unknown = [name for name in names if name not in WEEKDAYS]
    if unknown:
        raise ValueError(f"expected daily or days from {';'.join(WEEKDAYS)}")
    return frozenset(WEEKDAYS.index(name) for name in names)


def date_span(text: str) -> tuple[FirstDay, LastDay]:
    """First and last day that ``2004``, ``2012-05`` or ``2006-05-05`` can mean.

    Raises
    ------
    ValueError
        If there is no such day.
    """
    parts = text.split("-")
    widths = (4, 2, 2)
    if len(parts) > 3 or any(
        not part.isdecimal() or len(part) != width for part, width in zip(parts, widths, strict=False)
    ):
        raise ValueError("expected a date YYYY, YYYY-MM or YYYY-MM-DD")
    numbers = [int(part) for part in parts]
    first_month, last_month = (numbers[1], numbers[1]) if len(numbers) > 1 else (1, 12)
    if not 1 <= first_month <= 12 or numbers[0] < 1:
        raise ValueError("expected a month from 01 to 12")
    if len(numbers) == 3:
        day = date(numbers[0], first_month, numbers[2])
        return FirstDay(day), LastDay(day)
    last = calendar.monthrange(numbers[0], last_month)[1]
    return FirstDay(date(numbers[0], first_month, 1)), LastDay(date(numbers[0], last_month, last))


def _yes_no(text: str) -> bool:
    if text in ("1", "yes"):
        return True
    if text in ("0", "no"):
        return False
    raise ValueError("expected 1 or 0, yes or no")


_CONVERTERS: dict[Any, Callable[[str], Any]] = {
    str: str,
    int: int,
    float: float,
    bool: _yes_no,
    date: date.fromisoformat,
    ClockMinute: clock_minute,
    FirstDay: lambda text: date_span(text)[0],
    LastDay: lambda text: date_span(text)[1],
    frozenset[int]: weekday_numbers,
    tuple[str, ...]: lambda text: tuple(text.split(";")) if text else (),
}


def _reader_of(hint: Any) -> tuple[Callable[[str], Any], bool]:
    """The converter of a field's type, and whether an empty cell means ``None``."""
    if hint in _CONVERTERS:
        return _CONVERTERS[hint], False
    kinds = [kind for kind in hint.__args__ if kind is not type(None)]
    return _CONVERTERS[kinds[0]], True


def records(path: Path) -> Iterator[tuple[int, dict[str, str]]]:
    """Line number and cells of every record of a CSV file in UTF-8.

    Raises
    ------
    InputError
        If the file is missing or is not UTF-8 text.
    """
    try:
        with path.open(encoding="utf-8", newline="") as handle:
            reader = csv.DictReader(handle)
            for cells in reader:
                yield reader.line_num, cells
    except FileNotFoundError as error:
        raise InputError([Fault(file=path.name, what="file is missing", code="FILE_MISSING")]) from error
    except UnicodeDecodeError as error:
        raise InputError(
            [Fault(file=path.name, what="file is not UTF-8 text, save it as CSV UTF-8", code="ENCODING")]
        ) from error


def read_rows(path: Path, row_type: type[Row]) -> tuple[Row, ...]:
    """The rows of a file as ``row_type``, in file order.

    Raises
    ------
    InputError
        With every cell that cannot be read, or the file or column that is missing.
    """
    hints = get_type_hints(row_type)
    readers = []
    for item in fields(row_type):  # type: ignore[arg-type]
        convert, optional = _reader_of(hints[item.name])
        readers.append((item.name, COLUMN_OF.get(item.name, item.name), convert, optional))
    faults: list[Fault] = []
    rows: list[Row] = []
    for line, cells in records(path):
        values: dict[str, Any] = {}
        for name, column, convert, optional in readers:
            text = cells.get(column)
            if text is None:
                faults.append(
                    Fault(file=path.name, row=line, column=column, what="cell or column is missing")
                )
            elif optional and not text:
                values[name] = None
            else:
                try:
                    values[name] = convert(text)
                except ValueError as error:
                    faults.append(
                        Fault(file=path.name, row=line, column=column, value=text, what=f'"{text}": {error}')
                    )
        if len(values) == len(readers):
            rows.append(row_type(**values))
    if faults:
        raise InputError(faults)
    return tuple(rows)
