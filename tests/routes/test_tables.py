"""The rows of data/ as typed facts, and the reader that makes them."""

from __future__ import annotations

import shutil
from dataclasses import fields
from datetime import date
from pathlib import Path
from typing import get_type_hints

import pytest

from retorno.errors import InputError
from retorno.routes.cells import (
    COLUMN_OF,
    SHIPPED,
    ClockMinute,
    FirstDay,
    LastDay,
    clock_minute,
    date_span,
    ground_folder,
    read_rows,
    weekday_numbers,
)
from retorno.routes.column_check import read_columns
from retorno.routes.rows import Agreement, Place
from retorno.routes.tables import TABLES, Ground, document_rule, load_ground

TYPES = {
    "text": {str},
    "id": {str},
    "code": {str},
    "timezone": {str},
    "integer": {int},
    "decimal": {float},
    "flag": {bool},
    "date": {date},
    "partial_date": {FirstDay, LastDay, str},
    "time": {ClockMinute},
    "days": {frozenset[int]},
    "list": {tuple[str, ...], str},
}
"""Types of a field by the type of its column; source lists and dates of sources stay text."""


@pytest.fixture(scope="module")
def ground() -> Ground:
    return load_ground(SHIPPED)


@pytest.mark.parametrize("file", sorted(TABLES))
def test_every_field_is_a_described_column_of_its_type(file: str):
    columns, _ = read_columns(SHIPPED)
    hints = get_type_hints(TABLES[file])
    described = {column.name: column for column in columns[file]}

    assert [COLUMN_OF.get(item.name, item.name) for item in fields(TABLES[file])] == list(described)
    for item in fields(TABLES[file]):
        column = described[COLUMN_OF.get(item.name, item.name)]
        hint = hints[item.name]
        kinds = {hint} if hint in TYPES[column.type] else set(getattr(hint, "__args__", (hint,)))
        assert kinds & TYPES[column.type], f"{file} {column.name}: {column.type} is read as {hint}"
        if kinds == {hint} and hint not in (str, tuple[str, ...]):
            assert column.is_required, f"{file} {column.name} may be empty, {hint} may not"


def test_the_ground_is_read_whole(ground: Ground):
    assert len(ground.countries) == 88
    assert len(ground.places) == 373
    assert len(ground.airports) == 203
    assert len(ground.crossings) == 79
    assert len(ground.posts) == 158
    assert len(ground.air_services) == 1266
    assert len(ground.agreements) == 17
    assert len(ground.transit_visas) == 1318
    assert set(ground.vehicle_types) == {"coach", "midi", "van"}
    assert ground.network.number_of_nodes() == 373 + 203 + 158 + 549


def test_a_row_is_typed(ground: Ground):
    protocol = ground.agreements["DO-HT-1999"]

    assert protocol.from_countries == ("DO",)
    assert protocol.weekdays == frozenset({0, 1, 2, 3, 4, 5})  # never on Sundays
    assert (protocol.open_min, protocol.close_min) == (8 * 60, 18 * 60)
    assert protocol.not_on_holidays is True
    assert protocol.valid_from == date(1999, 12, 1)  # the widest reading of 1999-12
    assert protocol.valid_to is None
    assert ground.agreements["MX-CA-2006"].valid_to == date(2012, 5, 31)
    assert ground.agreements["MX-CA-2006"].notice_hours is None


def test_an_unknown_transit_visa_is_planned_as_required(ground: Ground):
    unknown = [visa for visa in ground.transit_visas.values() if visa.required in ("unknown", "conditional")]

    assert len(unknown) == 811
    assert {visa.planning_default for visa in unknown} <= {"required", "not_required"}
    assert {visa.planning_default for visa in unknown if visa.required == "unknown"} == {"required"}


def test_nobody_is_received_at_a_place_of_detention(ground: Ground):
    received = {ground.places[place_id].kind for place_id in ground.reception if place_id in ground.places}

    assert "migration_station" not in received


def test_a_place_without_beds_says_none_and_not_zero(ground: Ground):
    beds = [place.beds for place in ground.reception.values()]

    assert None in beds
    assert 0 not in beds


def test_the_spare_tenth_leaves_the_seats_of_the_benchmark_problems(ground: Ground):
    # 45 less a tenth rounded up is 40; 28 gives 25; 8 gives 7.
    assert {name: kind.seats - -(-kind.seats // 10) for name, kind in ground.vehicle_types.items()} == {
        "coach": 40,
        "midi": 25,
        "van": 7,
    }


@pytest.mark.parametrize(
    ("document", "state", "role", "nationality", "mode", "age", "rule", "accepted"),
    [
        ("passport", "HN", "receiving", "HN", "air", 30, "OWN-PASSPORT", "yes"),
        ("laissez_passer", "CM", "receiving", "CM", "air", 30, "OWN-LAISSEZ", "yes"),
        ("national_id", "HN", "receiving", "HN", "land", 30, "CA4-HN-RECEIVING-ID", "yes"),
        ("national_id", "HN", "receiving", "HN", "air", 30, "OWN-ID-AIR", "no"),
        ("national_id", "MX", "receiving", "MX", "land", 30, "OWN-ID-LAND", "on_confirmation"),
        ("national_id", "GT", "transit", "HN", "land", 30, "CA4-GT-TRANSIT-ID", "yes"),
        ("national_id", "GT", "transit", "HN", "land", 18, "CA4-GT-TRANSIT-ID", "yes"),
        ("national_id", "GT", "transit", "HN", "land", 17, "TRANSIT-ID", "no"),  # the CA-4 asks children for a passport
        ("national_id", "GT", "transit", "CU", "land", 30, "TRANSIT-ID", "no"),
        ("passport", "GT", "transit", "NI", "land", 30, "CA4-GT-TRANSIT-PASSPORT", "yes"),
        ("passport", "GT", "transit", "VE", "land", 30, "TRANSIT-PASSPORT", "yes"),
        ("laissez_passer", "CR", "transit", "NI", "land", 30, "TRANSIT-LAISSEZ", "on_confirmation"),
        ("safe_conduct", "CR", "transit", "NI", "land", 30, "CR-SAFE-CONDUCT-NI", "on_confirmation"),
        ("birth_certificate", "SV", "receiving", "SV", "land", 17, "OWN-BIRTH-LAND", "on_confirmation"),
        ("passport", "ES", "receiving", "VE", "air", 30, "RESIDENT-PASSPORT", "on_confirmation"),
    ],
)
def test_the_most_special_document_row_counts(
    ground: Ground,
    document: str,
    state: str,
    role: str,
    nationality: str,
    mode: str,
    age: int,
    rule: str,
    accepted: str,
):
    found = document_rule(
        ground.documents_accepted,
        document_type=document,
        state=state,
        role=role,
        nationality=nationality,
        mode=mode,
        day=date(2027, 3, 3),
        age=age,
    )

    assert found is not None
    assert (found.rule_id, found.accepted) == (rule, accepted)


@pytest.mark.parametrize(
    ("document", "role", "age"),
    [("birth_certificate", "receiving", 18), ("birth_certificate", "transit", 5), ("other", "receiving", 30)],
)
def test_a_document_that_no_row_speaks_of_is_not_accepted(ground: Ground, document: str, role: str, age: int):
    assert (
        document_rule(
            ground.documents_accepted,
            document_type=document,
            state="SV",
            role=role,
            nationality="SV",
            mode="land",
            day=date(2027, 3, 3),
            age=age,
        )
        is None
    )


def test_clock_times_become_minutes():
    assert clock_minute("00:00") == 0
    assert clock_minute("07:05") == 425
    assert clock_minute("24:00") == 1440


@pytest.mark.parametrize("text", ["7:05", "24:01", "07:60", "0705", "", "07:0x", "٠٧:٠٥:"])
def test_what_is_no_clock_time_is_refused(text: str):
    with pytest.raises(ValueError, match="expected a time"):
        clock_minute(text)


def test_days_become_weekday_numbers():
    assert weekday_numbers("daily") == frozenset(range(7))
    assert weekday_numbers("Tue;Fri") == frozenset({1, 4})
    with pytest.raises(ValueError, match="expected daily or days"):
        weekday_numbers("Tue;Viernes")


@pytest.mark.parametrize(
    ("text", "first", "last"),
    [
        ("2004", date(2004, 1, 1), date(2004, 12, 31)),
        ("2012-02", date(2012, 2, 1), date(2012, 2, 29)),
        ("2006-05-05", date(2006, 5, 5), date(2006, 5, 5)),
    ],
)
def test_a_partial_date_spans_all_that_it_can_mean(text: str, first: date, last: date):
    assert date_span(text) == (first, last)


@pytest.mark.parametrize("text", ["04", "2004-13", "2006-02-30", "2004-1", "2004-01-01-01", "0000", "May 2004"])
def test_a_date_that_does_not_exist_is_refused(text: str):
    with pytest.raises(ValueError):
        date_span(text)


def test_loading_names_every_cell_that_cannot_be_read_in_all_files(tmp_path: Path):
    folder = tmp_path / "data"
    shutil.copytree(SHIPPED, folder, ignore=shutil.ignore_patterns("fonts", "*.geojson"))
    for file, old, new in (
        ("places.csv", "14.6407", "north"),
        ("agreements.csv", "2004-05-21", "2004-05-32"),
        ("vehicles.csv", ",45,", ",many,"),
    ):
        text = (folder / file).read_text(encoding="utf-8")
        (folder / file).write_text(text.replace(old, new, 1), encoding="utf-8")
    (folder / "reception.csv").unlink()

    with pytest.raises(InputError) as caught:
        load_ground(folder)

    assert [(fault.file, fault.row, fault.column) for fault in caught.value.faults] == [
        ("places.csv", 2, "lat"),
        ("agreements.csv", 2, "valid_from"),
        ("vehicles.csv", 2, "seats"),
        ("reception.csv", None, ""),
    ]


def test_a_missing_column_is_named_in_each_row(tmp_path: Path):
    path = tmp_path / "agreements.csv"
    path.write_text("agreement_id\nA\n", encoding="utf-8")

    with pytest.raises(InputError) as caught:
        read_rows(path, Agreement)

    assert len(caught.value.faults) == len(fields(Agreement)) - 1
    assert str(caught.value.faults[0]) == 'agreements.csv row 2 column "name_es": cell or column is missing'


def test_a_file_in_another_encoding_is_refused(tmp_path: Path):
    path = tmp_path / "places.csv"
    path.write_bytes("place_id,name\nA,Cobán\n".encode("cp1252"))

    with pytest.raises(InputError, match="UTF-8"):
        read_rows(path, Place)


def test_the_folder_is_the_argument_then_the_environment_then_the_shipped_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    other = tmp_path / "other"
    other.mkdir()
    monkeypatch.delenv("RETORNO_DATA", raising=False)
    assert ground_folder() == SHIPPED

    monkeypatch.setenv("RETORNO_DATA", str(tmp_path))
    assert ground_folder() == tmp_path
    assert ground_folder(other) == other

    monkeypatch.setenv("RETORNO_DATA", str(tmp_path / "nowhere"))
    with pytest.raises(InputError, match="does not exist"):
        ground_folder()
