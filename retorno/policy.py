"""The numbers of the rules: shipped defaults, and what an office may make stricter; nothing makes them looser (R30).

``data/policy.csv`` beside the package is the only source. No environment variable and no argument names another
file: an office lays dated settings over the shipped numbers, inside the range that the file allows.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, fields, replace
from datetime import date
from functools import cache
from pathlib import Path
from typing import Protocol

from retorno.errors import Fault, InputError
from retorno.vocabulary import Rule

POLICY_FILE = Path(__file__).resolve().parents[1] / "data" / "policy.csv"
"""Fixed on purpose: a policy read from elsewhere would be an override."""

_COLUMNS = ("rule", "key", "default", "floor", "ceiling", "unit", "note")


@dataclass(frozen=True, kw_only=True)
class PolicyKey:
    """One number: its default, which is always the loosest value allowed, and its range.

    ``default == floor`` means that only a higher value is stricter, ``default == ceiling`` that only a lower one
    is; where both hold the number is fixed.
    """

    rule: str
    key: str
    default: int
    floor: int
    ceiling: int
    unit: str
    note: str

    @property
    def is_fixed(self) -> bool:
        """Whether an office cannot change the number at all."""
        return self.floor == self.ceiling

    @property
    def rises(self) -> bool:
        """Whether higher is stricter."""
        return self.default == self.floor

    def clamped(self, value: int) -> int:
        """``value`` if it lies in the range, else the end of the range nearest to it."""
        return min(max(value, self.floor), self.ceiling)


class Setting(Protocol):
    """A dated setting of an office, as in the table ``PolicySetting``."""

    key: str
    valid_from: date
    value: int


@dataclass(frozen=True, kw_only=True)
class Policy(Mapping[str, int]):
    """Every number of the rules on one day: read as ``policy.notice_hours`` or ``policy["notice_hours"]``.

    Units and meaning stand in ``data/policy.csv``; clock bounds are minutes after local midnight.
    """

    child_view_age: int
    reflection_hours: int
    trafficking_reflection_days: int
    screening_valid_days: int
    best_interest_valid_days: int
    escort_band_small_age: int
    escort_band_middle_age: int
    children_per_escort_small: int
    children_per_escort_middle: int
    children_per_escort_older: int
    escorts_with_unaccompanied: int
    unaccompanied_per_vehicle: int
    unaccompanied_per_aircraft: int
    age_of_majority: int
    certificate_from_week: int
    certificate_max_age_hours: int
    no_flight_from_week_single: int
    no_flight_from_week_multiple: int
    newborn_days: int
    long_land_leg_min: int
    spare_seats_percent: int
    border_buffer_min: int
    earliest_departure_min: int
    latest_arrival_min: int
    earliest_departure_vulnerable_min: int
    latest_arrival_vulnerable_min: int
    receiving_opens_min: int
    receiving_closes_min: int
    elderly_age: int
    continuous_driving_min: int
    break_min: int
    driver_day_min: int
    journey_day_min: int
    driver_daily_rest_hours: int
    driver_days_in_row: int
    acknowledgement_hours: int
    notice_hours: int
    document_margin_days: int
    retention_days: int
    small_cell_outside: int
    small_cell_inside: int
    unplanned_raised_days: int

    def __getitem__(self, key: str) -> int:
        if key not in _names():
            raise KeyError(key)
        value: int = getattr(self, key)
        return value

    def __iter__(self) -> Iterator[str]:
        return iter(_names())

    def __len__(self) -> int:
        return len(_names())


@cache
def _names() -> tuple[str, ...]:
    return tuple(field.name for field in fields(Policy))


def _read_key(number: int, row: Mapping[str, str]) -> PolicyKey | list[Fault]:
    """One row of the file, or everything wrong with it."""

    def fault(column: str, what: str) -> Fault:
        return Fault(file="policy.csv", row=number, column=column, value=str(row.get(column)), what=what)

    faults = [fault("rule", f'rule "{row.get("rule")}" is unknown, expected R1 to R36')] * (
        not _is_rule(row.get("rule") or "")
    )
    numbers: dict[str, int] = {}
    for column in ("default", "floor", "ceiling"):
        text = row.get(column) or ""
        if text.isascii() and text.isdigit():
            numbers[column] = int(text)
        else:
            faults.append(fault(column, f'"{text}", expected a whole number such as 24'))
    if len(numbers) == 3 and not (
        numbers["floor"] <= numbers["ceiling"] and numbers["default"] in (numbers["floor"], numbers["ceiling"])
    ):
        faults.append(
            fault(
                "default",
                f"default {numbers['default']}, expected the floor {numbers['floor']} or the ceiling"
                f" {numbers['ceiling']}: the default is the loosest number allowed",
            )
        )
    if not (row.get("note") or "").strip():
        faults.append(fault("note", "empty, expected where the number comes from or why we chose it"))
    if faults:
        return faults
    return PolicyKey(rule=row["rule"], key=row["key"], unit=row["unit"], note=row["note"], **numbers)


def _is_rule(text: str) -> bool:
    return text in set(Rule) or (text[:1] == "R" and text[1:].isdigit() and 1 <= int(text[1:]) <= 36)


def read_policy_keys(path: Path) -> dict[str, PolicyKey]:
    """The rows of a policy file by key, in file order; for the shipped file and for the check of ``data/``.

    Raises
    ------
    InputError
        With all faults: a missing or unknown key, a default that is not the loosest number, no note.
    """
    keys: dict[str, PolicyKey] = {}
    faults: list[Fault] = []
    with path.open(encoding="utf-8", newline="") as handle:
        reader = csv.DictReader(handle)
        if tuple(reader.fieldnames or ()) != _COLUMNS:
            raise InputError(
                [Fault(file=path.name, row=1, what=f"columns {reader.fieldnames}, expected {','.join(_COLUMNS)}")]
            )
        for number, row in enumerate(reader, start=2):
            read = _read_key(number, row)
            if isinstance(read, list):
                faults.extend(read)
            elif read.key in keys:
                faults.append(Fault(file=path.name, row=number, column="key", what=f'key "{read.key}" occurs twice'))
            else:
                keys[read.key] = read
    missing = [name for name in _names() if name not in keys]
    unknown = [key for key in keys if key not in _names()]
    if not faults:
        faults += [Fault(file=path.name, column="key", what=f'key "{name}" is missing') for name in missing]
    faults += [
        Fault(file=path.name, column="key", what=f'key "{key}" is unknown, expected a field of Policy')
        for key in unknown
    ]
    if faults:
        raise InputError(faults)
    return keys


@cache
def policy_keys() -> Mapping[str, PolicyKey]:
    """The shipped numbers with their ranges, by key, in file order."""
    return read_policy_keys(POLICY_FILE)


@cache
def shipped_policy() -> Policy:
    """The defaults of ``data/policy.csv``."""
    return Policy(**{key: row.default for key, row in policy_keys().items()})


def check_setting(key: str, value: int) -> None:
    """Refuse a setting that an office may not make.

    Raises
    ------
    InputError
        If the key is unknown, or the value looser than the shipped default or beyond the range.
    """
    row = policy_keys().get(key)
    if row is None:
        raise InputError([Fault(column=key, code="POLICY_KEY", what=f'policy number "{key}" is unknown')])
    if type(value) is not int or not row.floor <= value <= row.ceiling:
        if row.is_fixed:
            right = f"expected {row.default}: this number is fixed"
        elif row.rises:
            right = f"expected {row.floor} to {row.ceiling} {row.unit}: lower than {row.default} is looser"
        else:
            right = f"expected {row.floor} to {row.ceiling} {row.unit}: higher than {row.default} is looser"
        raise InputError([Fault(column=key, value=str(value), code="POLICY_RANGE", what=f"{key} is {value}, {right}")])


def policy_on(day: date, settings: Iterable[Setting] = ()) -> Policy:
    """The numbers in force on ``day``: the shipped ones with the office's dated settings laid over them.

    Of several settings of one number the latest that began on or before ``day`` counts. A stored value outside
    the range (written past ``check_setting``) counts as the nearest end of the range, so never looser than the
    default.

    Raises
    ------
    InputError
        If a setting names an unknown number: leaving out a stricter number unsaid would loosen a rule.
    """
    keys = policy_keys()
    settings = tuple(settings)
    unknown = sorted({setting.key for setting in settings if setting.key not in keys})
    if unknown:
        raise InputError(
            [Fault(column=key, code="POLICY_KEY", what=f'policy setting "{key}" is unknown') for key in unknown]
        )
    in_force: dict[str, Setting] = {}
    for setting in settings:
        latest = in_force.get(setting.key)
        if setting.valid_from <= day and (latest is None or latest.valid_from <= setting.valid_from):
            in_force[setting.key] = setting
    return replace(shipped_policy(), **{key: keys[key].clamped(row.value) for key, row in in_force.items()})
