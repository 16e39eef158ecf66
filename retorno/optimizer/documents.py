"""JSON files of bounded size, and a reader that takes typed values out of them and gathers every fault."""

from __future__ import annotations

import gzip
import io
import json
import math
import os
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final, TypeVar

from retorno.errors import Fault, InputError

# Our assumptions, so that no file can fill the memory or overflow a 64-bit sum.
LARGEST_FILE_BYTES: Final = 256 * 2**20
LARGEST_NUMBER: Final = 10**12

MISSING: Final[Any] = object()


def write_document(path: str | Path, document: Mapping[str, Any]) -> None:
    """Write a JSON object, gzipped if the name ends in ``.gz``, in one step: never half a file.

    Raises
    ------
    InputError
        If the file cannot be written; what was there before is still there.
    """
    content = json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"
    if Path(path).name.endswith(".gz"):
        content = gzip.compress(content, mtime=0)
    write_whole(path, content)


def write_whole(path: str | Path, content: bytes) -> None:
    """Write a file in one step: beside it first, then renamed.

    Raises
    ------
    InputError
        If it cannot be written; what was there before is still there.
    """
    target = Path(path).resolve()
    temporary = target.with_name(f"{target.name}.{os.getpid()}.part")
    try:
        if target.exists() and not target.is_file():
            target.write_bytes(content)  # A device or pipe, which must not be replaced by a file.
            return
        try:
            temporary.write_bytes(content)
            os.replace(temporary, target)
        finally:
            temporary.unlink(missing_ok=True)
    except OSError as error:
        raise _file_error(str(path), f"cannot be written: {error.strerror or error}") from error


def read_document(path: str | Path) -> Any:
    """The JSON document of a file, plain or gzipped (told by its first bytes), of bounded size.

    Raises
    ------
    InputError
        If the file is missing, empty, too large, damaged, or no JSON in UTF-8.
    """
    name = str(path)
    try:
        content = _read(Path(path))
    except OSError as error:
        raise _file_error(name, f"cannot be read: {error.strerror or error}") from error
    if len(content) <= LARGEST_FILE_BYTES and content[:2] == b"\x1f\x8b":
        content = _gunzip(name, content)
    if len(content) > LARGEST_FILE_BYTES:
        raise _file_error(name, f"holds more than {LARGEST_FILE_BYTES // 2**20} MiB, the most that is read")
    if not content.strip():
        raise _file_error(name, "is empty, expected a JSON object")
    try:
        return json.loads(content.decode("utf-8-sig"), parse_constant=_refuse_constant, parse_float=_finite)
    except UnicodeDecodeError as error:
        raise _file_error(name, f"is not a JSON file in UTF-8 (byte {error.start})") from error
    except json.JSONDecodeError as error:
        raise _file_error(name, f"is not JSON: {error.msg} in line {error.lineno}, column {error.colno}") from error
    except RecursionError as error:
        raise _file_error(name, "is nested too deeply to be a problem or plan") from error
    except ValueError as error:
        raise _file_error(name, f"holds a number that cannot be used: {error}") from error


def _read(path: Path) -> bytes:
    """At most one byte more than may be read: a device or pipe says nothing of its size beforehand."""
    if path.is_dir():
        raise IsADirectoryError(21, "is a folder, expected a file")
    with path.open("rb") as file:
        return file.read(LARGEST_FILE_BYTES + 1)


def _gunzip(name: str, content: bytes) -> bytes:
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(content)) as file:
            return file.read(LARGEST_FILE_BYTES + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise _file_error(name, f"is a damaged gzip file: {error}") from error


def _finite(digits: str) -> float:
    number = float(digits)
    if not math.isfinite(number):
        raise ValueError(f"{digits[:20]} is too large")
    return number


def _refuse_constant(constant: str) -> float:
    raise ValueError(f"{constant} is not a number of JSON")


def _file_error(name: str, what: str) -> InputError:
    return InputError([Fault(what=what, file=name)])


_Row = TypeVar("_Row")


class Reader:
    """Takes typed values out of JSON objects; gathers a fault for each value that is not right."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.faults: list[Fault] = []
        self.horizon_days = 0
        self.version = 1
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
            return MISSING
        return row[key]

    def whole(self, row: Mapping[str, Any], key: str, where: str, least: int = 0, most: int = LARGEST_NUMBER) -> int:
        found = row.get(key, MISSING)
        if type(found) is int and least <= found <= most:
            return found
        if found is MISSING:
            self.fault(f"{where}{key}", "is missing")
        else:
            limit = f"at least {least}" if most == LARGEST_NUMBER else f"from {least} to {most}"
            self.wrong(f"{where}{key}", found, f"a whole number {limit}")
        return max(least, 0)

    def limit(self, row: Mapping[str, Any], key: str, where: str, most: int = LARGEST_NUMBER) -> int | None:
        """A number that only version 2 of a format has; None where it is absent, null, or the file of version 1."""
        return self.whole(row, key, where, 0, most) if self.version > 1 and row.get(key) is not None else None

    def number(self, row: Mapping[str, Any], key: str, where: str, most: float) -> float:
        found = self.value(row, key, where)
        if type(found) in (int, float) and math.isfinite(found) and abs(found) <= most:
            return found  # type: ignore[no-any-return]
        if found is not MISSING:
            self.wrong(f"{where}{key}", found, f"a number from -{most:g} to {most:g}")
        return 0

    def text(self, row: Mapping[str, Any], key: str, where: str) -> str:
        found = row.get(key, MISSING)
        if type(found) is str and found and found.isprintable():
            return found
        if found is MISSING:
            self.fault(f"{where}{key}", "is missing")
        else:
            self.wrong(f"{where}{key}", found, "a text without control characters, not empty")
        return ""

    def items(self, row: Mapping[str, Any], key: str, where: str) -> list[Any]:
        found = self.value(row, key, where)
        if isinstance(found, list):
            return found
        if found is not MISSING:
            self.wrong(f"{where}{key}", found, "a list")
        return []

    def texts(self, row: Mapping[str, Any], key: str, where: str) -> tuple[str, ...]:
        found = self.items(row, key, where)
        for index, item in enumerate(found):
            if type(item) is not str or not item or not item.isprintable():
                self.wrong(f"{where}{key}[{index}]", item, "a text without control characters, not empty")
        return tuple(item for item in found if type(item) is str)

    def wholes(self, row: Mapping[str, Any], key: str, where: str, most: int = LARGEST_NUMBER) -> tuple[int, ...]:
        found = self.items(row, key, where)
        for index, item in enumerate(found):
            if type(item) is not int or not 0 <= item <= most:
                self.wrong(f"{where}{key}[{index}]", item, f"a whole number from 0 to {most}")
        return tuple(item if type(item) is int else 0 for item in found)

    def per_day(self, row: Mapping[str, Any], key: str, where: str) -> tuple[int, ...]:
        faults_before = len(self.faults)
        found = self.wholes(row, key, where)
        if len(found) != self.horizon_days and len(self.faults) == faults_before:
            self.fault(f"{where}{key}", f"has {len(found)} numbers, expected one per day: {self.horizon_days}")
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
            if found is not MISSING:
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
        make: Callable[[Reader, Mapping[str, Any], str], _Row],
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
