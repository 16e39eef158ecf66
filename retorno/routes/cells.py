"""From the cells of a CSV file to typed values: times, days, dates, lists; and where the files are.

Clock times become minutes after local midnight, day lists become weekday numbers (Monday is 0), partial
dates become the first or the last day they can mean. An empty cell becomes ``None`` or an empty tuple,
never a guess.
"""

from __future__ import annotations

import calendar
import csv
import os
from collections.abc import Callable, Mapping
from dataclasses import fields, replace
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
    "depart_min": "depart_time",
    "arrive_min": "arrive_time",
    "last_onward_min": "last_onward_time",
    "published": "date",
}
"""Fields that are not called as their column: the unit belongs into the name, or the word is a type."""

Row = TypeVar("Row")


SHIPPED = Path(__file__).resolve().parents[2] / "data"
"""The data folder of an editable checkout."""


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
    found = Path(named) if named else SHIPPED
    if not found.is_dir():
        raise InputError(
            f'data folder "{found}" does not exist, '
            "expected the folder with countries.csv and the other tables (an argument or RETORNO_DATA)"
        )
    return found


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


def row_maker(row_type: type[Row]) -> Callable[[Mapping[str, str]], Row | list[Fault]]:
    """A function from the cells of a record to a ``row_type``, or to the faults that prevent it.

    Parameters
    ----------
    row_type
        A dataclass of ``rows.py``.
    """
    hints = get_type_hints(row_type)
    readers = []
    for item in fields(row_type):  # type: ignore[arg-type]
        convert, optional = _reader_of(hints[item.name])
        readers.append((item.name, COLUMN_OF.get(item.name, item.name), convert, optional))

    def make(cells: Mapping[str, str]) -> Row | list[Fault]:
        faults: list[Fault] = []
        values: dict[str, Any] = {}
        for name, column, convert, optional in readers:
            text = cells.get(column)
            if text is None:
                faults.append(Fault(column=column, what="cell or column is missing"))
            elif optional and not text:
                values[name] = None
            else:
                try:
                    values[name] = convert(text)
                except ValueError as error:
                    faults.append(Fault(column=column, value=text, what=f'"{text}": {error}'))
        return faults or row_type(**values)

    return make


def read_rows(path: Path, row_type: type[Row]) -> tuple[Row, ...]:
    """The rows of a file as ``row_type``, in file order.

    Raises
    ------
    InputError
        With every cell that cannot be read, or the file or column that is missing; the header is row 1.
    """
    make = row_maker(row_type)
    faults: list[Fault] = []
    rows: list[Row] = []
    try:
        with path.open(encoding="utf-8", newline="") as handle:
            for number, cells in enumerate(csv.DictReader(handle), start=2):
                made = make(cells)
                if isinstance(made, list):
                    faults += [replace(fault, file=path.name, row=number) for fault in made]
                else:
                    rows.append(made)
    except FileNotFoundError as error:
        raise InputError([Fault(file=path.name, what="file is missing", code="FILE_MISSING")]) from error
    except (UnicodeDecodeError, csv.Error) as error:
        what = "file is not CSV text in UTF-8, save it as CSV UTF-8"
        raise InputError([Fault(file=path.name, what=what, code="ENCODING")]) from error
    if faults:
        raise InputError(faults)
    return tuple(rows)
