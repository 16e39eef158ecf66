"""Policy: the shipped numbers are those of the rules, and nothing an office sets makes one looser (R30)."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass, fields
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retorno.errors import InputError
from retorno.policy import POLICY_FILE, Policy, check_setting, policy_keys, policy_on, read_policy_keys, shipped_policy

DAY = date(2027, 3, 9)
KEYS = sorted(policy_keys())

OF_THE_RULES = {
    "child_view_age": 12,
    "reflection_hours": 24,
    "trafficking_reflection_days": 30,
    "screening_valid_days": 30,
    "best_interest_valid_days": 90,
    "children_per_escort_small": 1,
    "children_per_escort_middle": 4,
    "children_per_escort_older": 6,
    "escorts_with_unaccompanied": 2,
    "age_of_majority": 18,
    "certificate_from_week": 28,
    "certificate_max_age_hours": 72,
    "no_flight_from_week_single": 36,
    "no_flight_from_week_multiple": 32,
    "newborn_days": 7,
    "long_land_leg_min": 240,
    "spare_seats_percent": 10,
    "border_buffer_min": 60,
    "continuous_driving_min": 240,
    "break_min": 30,
    "driver_day_min": 540,
    "notice_hours": 72,
    "retention_days": 180,
    "small_cell_outside": 10,
    "small_cell_inside": 5,
    "elderly_age": 60,
}

HIGHER_IS_STRICTER = {
    "reflection_hours", "trafficking_reflection_days", "escort_band_small_age", "escort_band_middle_age",
    "escorts_with_unaccompanied", "age_of_majority", "newborn_days", "spare_seats_percent", "border_buffer_min",
    "earliest_departure_min", "earliest_departure_vulnerable_min", "receiving_opens_min", "break_min",
    "driver_daily_rest_hours", "acknowledgement_hours", "notice_hours", "document_margin_days", "small_cell_outside",
    "small_cell_inside",
}  # fmt: skip


@dataclass
class Setting:
    key: str
    value: int
    valid_from: date = date(2027, 1, 1)


def test_shipped_numbers_are_those_of_the_rules() -> None:
    policy = shipped_policy()

    assert {key: policy[key] for key in OF_THE_RULES} == OF_THE_RULES


@pytest.mark.parametrize("key", KEYS)
def test_file_says_which_direction_is_stricter(key: str) -> None:
    row = policy_keys()[key]

    assert row.default == (row.floor if key in HIGHER_IS_STRICTER else row.ceiling)
    assert row.note
    assert row.unit


def test_every_field_is_in_the_file_and_every_row_is_a_field() -> None:
    assert [field.name for field in fields(Policy)] == list(shipped_policy())
    assert set(policy_keys()) == set(shipped_policy())


def is_looser(key: str, value: int) -> bool:
    default = policy_keys()[key].default
    return value < default if key in HIGHER_IS_STRICTER else value > default


@given(st.lists(st.builds(Setting, st.sampled_from(KEYS), st.integers(-(10**12), 10**12), st.dates()), max_size=12))
def test_no_setting_loosens_any_number_on_any_day(settings: list[Setting]) -> None:
    policy = policy_on(DAY, settings)

    assert [key for key in KEYS if is_looser(key, policy[key])] == []


@given(st.sampled_from(KEYS), st.integers(-(10**6), 10**6))
def test_setting_is_refused_exactly_where_it_is_looser_or_out_of_range(key: str, value: int) -> None:
    row = policy_keys()[key]
    is_fine = row.floor <= value <= row.ceiling
    if is_fine:
        check_setting(key, value)
        assert policy_on(DAY, [Setting(key, value)])[key] == value
    else:
        with pytest.raises(InputError, match="expected"):
            check_setting(key, value)


def test_looser_setting_is_refused_with_what_would_be_right() -> None:
    with pytest.raises(InputError, match="notice_hours is 48, expected 72 to 240 hours: lower than 72 is looser"):
        check_setting("notice_hours", 48)
    with pytest.raises(InputError, match="break"):
        check_setting("break_min", True)
    with pytest.raises(InputError, match="unknown"):
        check_setting("skip_consent", 1)


def test_unknown_setting_stops_instead_of_being_left_out() -> None:
    with pytest.raises(InputError, match="skip_consent"):
        policy_on(DAY, [Setting("skip_consent", 1)])


def test_latest_setting_that_has_begun_counts() -> None:
    settings = [
        Setting("notice_hours", 120, date(2027, 3, 10)),
        Setting("notice_hours", 96, date(2027, 3, 9)),
        Setting("notice_hours", 80, date(2027, 2, 1)),
    ]

    assert policy_on(date(2027, 1, 31), settings).notice_hours == 72
    assert policy_on(date(2027, 3, 8), settings).notice_hours == 80
    assert policy_on(date(2027, 3, 9), settings).notice_hours == 96
    assert policy_on(date(2027, 3, 10), iter(settings)).notice_hours == 120


def test_policy_cannot_be_changed_in_place() -> None:
    with pytest.raises(AttributeError):
        shipped_policy().notice_hours = 1  # type: ignore[misc]


def test_environment_does_not_touch_a_number(tmp_path: Path) -> None:
    loose = POLICY_FILE.read_text(encoding="utf-8").replace("notice_hours,72,72", "notice_hours,1,1")
    (tmp_path / "policy.csv").write_text(loose, encoding="utf-8")
    wanted = {f"RETORNO_{key.upper()}": "0" for key in KEYS} | {"RETORNO_DATA": str(tmp_path), "NOTICE_HOURS": "1"}

    told = subprocess.run(
        [sys.executable, "-c", "from retorno.policy import shipped_policy as p; print(dict(p()))"],
        env=os.environ | wanted,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )

    assert told.stdout.strip() == str(dict(shipped_policy()))


def test_faulty_file_is_refused_with_all_faults(tmp_path: Path) -> None:
    lines = POLICY_FILE.read_text(encoding="utf-8").splitlines()
    lines[1] = "R99,child_view_age,12,3,12,years,note"
    lines[2] = "R4,reflection_hours,30,24,720,hours,note"
    lines[3] = "R4,trafficking_reflection_days,30,30,365,days,"
    lines[4] = "R8,screening_valid_days,x,1,30,days,note"
    lines[5] = "R12,best_interest_limit,90,1,90,days,note"
    path = tmp_path / "policy.csv"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")

    with pytest.raises(InputError) as refused:
        read_policy_keys(path)

    assert [(fault.row, fault.column) for fault in refused.value.faults] == [
        (2, "rule"),
        (3, "default"),
        (4, "note"),
        (5, "default"),
        (None, "key"),
    ]
