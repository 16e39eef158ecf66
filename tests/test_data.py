"""The shipped data: without a fault, described, sourced; and every kind of planted fault is found where it is."""

from __future__ import annotations

import csv
import itertools
import re
import shutil
from enum import StrEnum
from pathlib import Path

import pytest

from retorno.__main__ import main
from retorno.errors import Fault, InputError
from retorno.routes.cells import SHIPPED, read_rows
from retorno.routes.check_data import check_data
from retorno.routes.column_check import read_columns
from retorno.routes.rows import ExampleConfirmation, Source
from retorno.routes.tables import load_ground
from retorno.vocabulary import DocumentType, Need, Profile

TABLES = sorted(
    path.relative_to(SHIPPED).as_posix() for path in [*SHIPPED.glob("*.csv"), *SHIPPED.glob("examples/*.csv")]
)


def rows_of(folder: Path, file: str) -> list[list[str]]:
    with (folder / file).open(encoding="utf-8", newline="") as handle:
        return list(csv.reader(handle))


def write_rows(folder: Path, file: str, rows: list[list[str]]) -> None:
    with (folder / file).open("w", encoding="utf-8", newline="") as handle:
        csv.writer(handle, lineterminator="\n").writerows(rows)


def row_number(folder: Path, file: str, *cells: str) -> int:
    """Number of the first row that begins with ``cells``; the header is row 1."""
    for number, row in enumerate(rows_of(folder, file), start=1):
        if row[: len(cells)] == list(cells):
            return number
    raise AssertionError(f"{file} has no row {cells}")


def set_cells(folder: Path, file: str, changes: list[tuple[int, str, str]]) -> None:
    """Write cells by row number and column name."""
    rows = rows_of(folder, file)
    for row, column, text in changes:
        rows[row - 1][rows[0].index(column)] = text
    write_rows(folder, file, rows)


def add_row(folder: Path, table: str, /, **cells: str) -> int:
    """Append a copy of the last row with other cells; gives its row number."""
    rows = rows_of(folder, table)
    row = list(rows[-1])
    for column, text in cells.items():
        row[rows[0].index(column)] = text
    write_rows(folder, table, [*rows, row])
    return len(rows) + 1


def copy_of_data(folder: Path) -> Path:
    shutil.copytree(SHIPPED, folder, ignore=shutil.ignore_patterns("fonts"))
    return folder


def places(faults: list[Fault]) -> set[tuple[str, int | None, str, str]]:
    return {(fault.file, fault.row, fault.column, fault.code) for fault in faults}


# ---- the shipped data


def test_shipped_data_has_no_fault():
    assert [str(fault) for fault in check_data(SHIPPED)] == []


def test_every_table_is_named_in_the_readme_of_the_data():
    readme = (SHIPPED / "README.md").read_text(encoding="utf-8")

    assert [file for file in TABLES if Path(file).name not in readme] == []


def test_every_licence_that_binds_is_named_in_the_readme_of_the_data():
    readme = (SHIPPED / "README.md").read_text(encoding="utf-8")

    for words in (
        "CC BY 4.0",
        "ODbL 1.0",
        "© OpenStreetMap contributors, via TravelMapping",
        "ISC",
        "MIT",
        "public domain",
    ):
        assert words in readme


def test_no_source_stands_unused():
    ground = load_ground(SHIPPED)
    used: set[str] = set()
    for file in TABLES:
        rows = rows_of(SHIPPED, file)
        for column in [name for name in rows[0] if name.endswith("source")]:
            used.update(part for row in rows[1:] for part in row[rows[0].index(column)].split(";"))
    # Sources of files that are no tables, and of figures in tests and documents.
    elsewhere = {"NATURAL-EARTH", "PYCOUNTRY", "SIECA-SPEED", "NUEVODIARIO", "LACAPITAL"}

    assert sorted(set(ground.sources) - used - elsewhere) == []
    assert all(isinstance(source, Source) for source in ground.sources.values())


def test_every_row_of_an_example_says_that_it_is_invented():
    for path in SHIPPED.glob("examples/*.csv"):
        with path.open(encoding="utf-8", newline="") as handle:
            assert {row["invented"] for row in csv.DictReader(handle)} == {"yes"}, path.name


@pytest.mark.parametrize(
    ("file", "column", "codes"),
    [
        ("reception.csv", "profiles", Profile),
        ("hours.csv", "profiles", Profile),
        ("examples/agreement_confirmations.csv", "profiles", Profile),
        ("vehicles.csv", "needs", Need),
        ("documents_accepted.csv", "document_type", DocumentType),
    ],
)
def test_the_description_and_the_program_know_the_same_codes(file: str, column: str, codes: type[StrEnum]):
    columns, _ = read_columns(SHIPPED)
    described = next(each for each in columns[file] if each.name == column)

    assert set(described.values) == {code.value for code in codes}


def test_the_demonstration_may_plan_its_corridors():
    ground = load_ground(SHIPPED)
    confirmations = read_rows(SHIPPED / "examples/agreement_confirmations.csv", ExampleConfirmation)
    land = {
        (row.from_country, *row.transit_countries, row.to_country): row
        for row in confirmations
        if row.mode == ("land",) and not row.profiles
    }

    for corridor in (("MX", "GT", "HN"), ("MX", "GT", "SV"), ("PA", "CR", "NI")):
        row = land[corridor]
        ways = [ground.crossings[crossing] for crossing in row.crossings]
        borders = {
            frozenset((way.country_a, way.country_b)) for way in ways if way.drivable and "coach" in way.vehicles
        }
        assert borders == {frozenset(pair) for pair in itertools.pairwise(corridor)}
        assert row.notice_hours == 72
    assert {row.to_country for row in confirmations if row.mode == ("air",)} >= {"CO", "EC", "VE", "CU", "IN", "CM"}


def test_no_file_of_the_data_holds_windows_line_ends():
    assert [file for file in TABLES if b"\r" in (SHIPPED / file).read_bytes()] == []


# ---- planted faults in cells: all in one copy, all found at once, and nothing else

CELLS = [
    # file, row, column, text, code
    ("places.csv", 2, "lat", "14,64", "TYPE"),
    ("places.csv", 3, "lat", "95.5", "RANGE"),
    ("places.csv", 4, "country", "GTM", "REFERENCE"),
    ("places.csv", 5, "kind", "castle", "VALUE"),
    ("places.csv", 6, "timezone", "America/Guatemal", "TYPE"),
    ("places.csv", 7, "name", "", "REQUIRED"),
    ("places.csv", 8, "name", "Cobán ", "TYPE"),
    ("places.csv", 9, "source", "GEONAMES;NO-SUCH-SOURCE", "REFERENCE"),
    ("places.csv", 10, "population", "12000.5", "TYPE"),
    ("places.csv", 11, "is_admin1_capital", "true", "TYPE"),
    ("places.csv", 12, "name", "San Jos\ufffd", "TYPE"),
    ("airports.csv", 3, "role", "", "REQUIRED"),
    ("air_services.csv", 3, "from_iata", "PTI", "REFERENCE"),
    ("air_services.csv", 4, "weekly_frequency", "0", "RANGE"),
    ("crossings.csv", 3, "open_time", "24:30", "TYPE"),
    ("crossings.csv", 4, "days", "daily;Mon", "TYPE"),
    ("crossings.csv", 5, "vehicles", "coach;rocket", "VALUE"),
    ("agreements.csv", 2, "valid_from", "2004-02-30", "TYPE"),
    ("agreements.csv", 3, "valid_from", "2004-13", "TYPE"),
    ("agreements.csv", 4, "crossings", "MX-GT-TAL;MX-GT-TAK", "REFERENCE"),
    ("agreements.csv", 5, "to_countries", "GT;GT", "TYPE"),
    ("hours.csv", 2, "valid_from", "2026-02-29", "TYPE"),
    ("hours.csv", 3, "valid_from", "20260228", "TYPE"),
    ("hours.csv", 4, "target_id", "US-MX-SYS-C", "REFERENCE"),
    ("coach_services.csv", 2, "depart_time", "7:00", "TYPE"),
    ("coach_services.csv", 3, "fare_usd_cents", "-5", "RANGE"),
    ("vehicles.csv", 2, "seats", "many", "TYPE"),
    ("documents_accepted.csv", 2, "document_type", "library_card", "VALUE"),
    ("documents_accepted.csv", 3, "state", "XX", "REFERENCE"),
    ("carrier_health.csv", 2, "certificate_from_week", "29", "RANGE"),
    ("carrier_health.csv", 3, "min_days_after_birth", "6", "RANGE"),
    ("reception.csv", 2, "buffer_min", "30", "RANGE"),
    ("reception.csv", 3, "arrivals_per_day", "", "REQUIRED"),
    ("reception.csv", 4, "place_id", "GT-NOWHERE", "REFERENCE"),
    ("transit_visa_required.csv", 2, "planning_default", "unknown", "VALUE"),
    ("sources.csv", 12, "checked_on", "2026-11-31", "TYPE"),
    ("examples/fleet.csv", 2, "invented", "no", "VALUE"),
    ("examples/fleet.csv", 3, "depot_place_id", "MX-TAPACHULO", "REFERENCE"),
    ("examples/agreement_confirmations.csv", 2, "profiles", "everybody", "VALUE"),
]


@pytest.fixture(scope="module")
def cell_faults(tmp_path_factory: pytest.TempPathFactory) -> list[Fault]:
    folder = copy_of_data(tmp_path_factory.mktemp("cells") / "data")
    for file in {file for file, *_ in CELLS}:
        changes = [(row, column, text) for name, row, column, text, _ in CELLS if name == file]
        set_cells(folder, file, changes)
    return check_data(folder)


@pytest.mark.parametrize(("file", "row", "column", "text", "code"), CELLS)
def test_a_wrong_cell_is_found_with_its_row_and_column(
    cell_faults: list[Fault], file: str, row: int, column: str, text: str, code: str
):
    assert (file, row, column, code) in places(cell_faults)


def test_wrong_cells_cause_no_faults_but_their_own(cell_faults: list[Fault]):
    expected = {(file, row, column, code) for file, row, column, _, code in CELLS}

    assert [fault for fault in cell_faults if (fault.file, fault.row, fault.column, fault.code) not in expected] == []


def test_a_wrong_reference_names_the_likely_right_one(cell_faults: list[Fault]):
    message = next(str(fault) for fault in cell_faults if fault.value == "MX-TAPACHULO")

    assert message == (
        'examples/fleet.csv row 3 column "depot_place_id": "MX-TAPACHULO": '
        'not found in places.csv place_id, did you mean "MX-TAPACHULA"'
    )


def test_a_wrong_number_says_what_would_be_right(cell_faults: list[Fault]):
    message = next(str(fault) for fault in cell_faults if fault.value == "95.5")

    assert message == 'places.csv row 3 column "lat": "95.5": expected a number from -90 to 90'


# ---- planted faults between rows: each is one change, and exactly its faults are found


def plant_darien(folder: Path) -> set[tuple[str, int | None, str, str]]:
    row = add_row(
        folder, "roads.csv", from_id="PA-YAVIZA", to_id="CO-TURBO-HEAD", country="PA/CO", km="130", drive_hours="3",
        road_class="border_crossing",
    )  # fmt: skip
    turbo = row_number(folder, "places.csv", "CO-TURBO-HEAD")
    return {
        ("roads.csv", row, "to_id", "BORDER"),
        ("roads.csv", row, "road_class", "ROAD"),
        ("roads.csv", None, "to_id", "DARIEN"),
        ("places.csv", turbo, "road_access", "ROAD_ACCESS"),
    }


def plant_road_over_the_river(folder: Path) -> set[tuple[str, int | None, str, str]]:
    row = add_row(
        folder, "roads.csv", from_id="MX-GT-BET-A", to_id="MX-GT-BET-B", country="MX/GT", km="0.8",
        drive_hours="0.1", road_class="border_crossing",
    )  # fmt: skip
    return {("roads.csv", row, "to_id", "NO_ROAD")}


def plant_road_over_a_border(folder: Path) -> set[tuple[str, int | None, str, str]]:
    row = add_row(
        folder, "roads.csv", from_id="MX-TAPACHULA", to_id="GT-QUETZALTENANGO", country="MX", km="120",
        drive_hours="3", road_class="primary",
    )  # fmt: skip
    return {("roads.csv", row, "to_id", "BORDER")}


def plant_reversed_duplicate(folder: Path) -> set[tuple[str, int | None, str, str]]:
    first = rows_of(folder, "roads.csv")[1]
    row = add_row(
        folder, "roads.csv", from_id=first[1], to_id=first[0], country=first[5], km=first[2], drive_hours=first[3],
        road_class=first[4],
    )  # fmt: skip
    return {("roads.csv", row, "from_id", "DUPLICATE")}


def plant_impossible_road(folder: Path) -> set[tuple[str, int | None, str, str]]:
    row = row_number(folder, "roads.csv", "MX-TAPACHULA", "J-MX-HUIXTLA-261")
    set_cells(folder, "roads.csv", [(row, "km", "20"), (row, "drive_hours", "0.2"), (row, "country", "GT")])
    return {
        ("roads.csv", row, "km", "LENGTH"),  # 33 km apart
        ("roads.csv", row, "drive_hours", "SPEED"),  # 100 km/h
        ("roads.csv", row, "country", "ROAD"),
    }


def plant_post_without_a_road(folder: Path) -> set[tuple[str, int | None, str, str]]:
    rows = rows_of(folder, "roads.csv")
    post = "GT-HN-COR-B"
    # The road between the two posts stays: from Guatemala one would arrive at a post without a way on.
    write_rows(folder, "roads.csv", [row for row in rows if post not in row[:2] or "GT-HN-COR-A" in row[:2]])
    row = row_number(folder, "crossings.csv", "GT-HN-COR")
    return {("crossings.csv", row, "post_b_id", "POST_ROAD"), ("crossings.csv", row, "post_b_id", "CUT_OFF")}


def plant_crossing_without_its_road(folder: Path) -> set[tuple[str, int | None, str, str]]:
    rows = rows_of(folder, "roads.csv")
    write_rows(folder, "roads.csv", [row for row in rows if row[:2] != ["GT-HN-COR-A", "GT-HN-COR-B"]])
    return {("crossings.csv", row_number(folder, "crossings.csv", "GT-HN-COR"), "road_link", "POST_ROAD")}


def plant_town_cut_off(folder: Path) -> set[tuple[str, int | None, str, str]]:
    rows = rows_of(folder, "roads.csv")
    write_rows(
        folder, "roads.csv", [row for row in rows if "HN-OMOA" not in row[:2] or "HN-CAMR-OMOA" in row[:2]]
    )  # fmt: skip
    # The centre hangs on the town: both are cut off, named once.
    return {("places.csv", row_number(folder, "places.csv", "HN-CAMR-OMOA"), "place_id", "CUT_OFF")}


def plant_posts_apart(folder: Path) -> set[tuple[str, int | None, str, str]]:
    row = row_number(folder, "crossings.csv", "GT-HN-COR")
    set_cells(folder, "crossings.csv", [(row, "post_b_lat", "15.62")])
    road = row_number(folder, "roads.csv", "GT-HN-COR-A", "GT-HN-COR-B")
    return {("crossings.csv", row, "post_b_lat", "POST_GAP"), ("roads.csv", road, "km", "LENGTH")}


def plant_swapped_position(folder: Path) -> set[tuple[str, int | None, str, str]]:
    town = row_number(folder, "places.csv", "PA-BAJO-CHIQUITO")  # no road, so nothing else changes
    airport = row_number(folder, "airports.csv", "APT-SNU")  # no flight
    set_cells(folder, "places.csv", [(town, "lat", "-77.6"), (town, "lon", "8.225")])
    set_cells(folder, "airports.csv", [(airport, "lon", "79.9436")])
    return {("places.csv", town, "lat", "POSITION"), ("airports.csv", airport, "lat", "POSITION")}


def plant_time_zone_of_another_country(folder: Path) -> set[tuple[str, int | None, str, str]]:
    row = row_number(folder, "places.csv", "HN-CHOLUTECA")
    set_cells(folder, "places.csv", [(row, "timezone", "America/Managua")])
    return {("places.csv", row, "timezone", "TIMEZONE")}


def plant_wrong_hours(folder: Path) -> set[tuple[str, int | None, str, str]]:
    early = row_number(folder, "crossings.csv", "GT-HN-COR")
    late = row_number(folder, "crossings.csv", "GT-SV-PAL")
    set_cells(
        folder,
        "crossings.csv",
        [
            (early, "open_time", "23:00"),
            (early, "close_time", "06:00"),
            (late, "repat_close", "24:00"),
            (late, "close_time", "20:00"),
        ],
    )
    weekly = row_number(folder, "hours.csv", "US-MX-SYS-A-R1")
    set_cells(
        folder,
        "hours.csv",
        [
            (weekly, "timezone", "America/Bogota"),
            (weekly, "close_time", ""),
            (weekly, "valid_from", "2027-03-05"),
            (weekly, "valid_to", "2027-03-03"),
            (weekly, "window", "receiving"),
        ],
    )
    return {
        ("crossings.csv", early, "open_time", "HOURS"),
        ("crossings.csv", late, "repat_open", "HOURS"),
        ("hours.csv", weekly, "timezone", "TIMEZONE"),
        ("hours.csv", weekly, "close_time", "HOURS"),
        ("hours.csv", weekly, "valid_to", "DATES"),
        ("hours.csv", weekly, "window", "VALUE"),
    }


def plant_post_without_hours(folder: Path) -> set[tuple[str, int | None, str, str]]:
    rows = rows_of(folder, "hours.csv")
    write_rows(folder, "hours.csv", [row for row in rows if row[2:4] != ["GT-HN-COR-B", "opening"]])
    return {("crossings.csv", row_number(folder, "crossings.csv", "GT-HN-COR"), "post_b_id", "HOURS")}


def plant_wrong_neighbours(folder: Path) -> set[tuple[str, int | None, str, str]]:
    nicaragua = row_number(folder, "countries.csv", "NI")
    set_cells(folder, "countries.csv", [(nicaragua, "land_neighbors", "HN")])
    crossings = {
        ("crossings.csv", number, "country_b", "NEIGHBOUR")
        for number, row in enumerate(rows_of(folder, "crossings.csv"), start=1)
        if row[1:3] == ["NI", "CR"]
    }
    costa_rica = row_number(folder, "countries.csv", "CR")
    return {("countries.csv", costa_rica, "land_neighbors", "NEIGHBOUR"), *crossings}


def plant_wrong_services(folder: Path) -> set[tuple[str, int | None, str, str]]:
    early = row_number(folder, "coach_services.csv", "C-NI-MANAGUA-CR-SAN-JOSE")
    astray = row_number(folder, "coach_services.csv", "C-CR-SAN-JOSE-NI-MANAGUA")
    fast = row_number(folder, "coach_services.csv", "C-HN-TEGUCIGALPA-HN-CHOLUTECA")
    set_cells(
        folder,
        "coach_services.csv",
        [(early, "arrive_time", "05:00"), (astray, "crossings", "CR-PA-PCA"), (fast, "arrive_time", "08:30")],
    )
    flight = row_number(folder, "air_services.csv", "PTY-SJO-COPA")
    circle = row_number(folder, "air_services.csv", "PTY-BZE-COPA")
    set_cells(folder, "air_services.csv", [(flight, "block_hours", "0.4"), (circle, "to_iata", "PTY")])
    return {
        ("coach_services.csv", early, "arrive_time", "SERVICE"),
        ("coach_services.csv", astray, "crossings", "BORDER"),
        ("coach_services.csv", fast, "arrive_time", "SPEED"),
        ("air_services.csv", flight, "block_hours", "SPEED"),  # 539 km in 24 minutes
        ("air_services.csv", circle, "to_iata", "SERVICE"),
    }


def plant_wrong_reception(folder: Path) -> set[tuple[str, int | None, str, str]]:
    rows = rows_of(folder, "reception.csv")
    new = [list(rows[-1]) for _ in range(3)]
    new[0][0], new[1][0], new[2][0] = "MX-EM-SIGLO-XXI", "PA-LAJAS-BLANCAS", "HN-OMOA"
    new[2][2], new[2][3] = "0", ""
    children = row_number(folder, "reception.csv", "GT-CNR-XELA")
    rows[children - 1][1] = "unaccompanied;adults"
    write_rows(folder, "reception.csv", rows + new)
    return {
        ("reception.csv", len(rows) + 1, "place_id", "RECEPTION"),  # detention
        ("reception.csv", len(rows) + 2, "place_id", "RECEPTION"),  # closed
        ("reception.csv", len(rows) + 3, "arrivals_per_day", "RECEPTION"),
        ("reception.csv", children, "profiles", "RECEPTION"),
    }


def plant_contradictions(folder: Path) -> set[tuple[str, int | None, str, str]]:
    agreement = row_number(folder, "agreements.csv", "MX-CA-2006")
    set_cells(folder, "agreements.csv", [(agreement, "valid_to", "2005"), (agreement, "open_time", "08:00")])
    health = row_number(folder, "carrier_health.csv", "AIR-SINGLE")
    set_cells(folder, "carrier_health.csv", [(health, "not_carried_from_week", "28")])
    source = row_number(folder, "sources.csv", "GEONAMES")
    set_cells(folder, "sources.csv", [(source, "checked_on", "")])
    policy = row_number(folder, "policy.csv", "R18", "spare_seats_percent")
    set_cells(folder, "policy.csv", [(policy, "default", "5")])
    example = row_number(folder, "examples/agreement_confirmations.csv", "DEMO-MX-GT")
    set_cells(folder, "examples/agreement_confirmations.csv", [(example, "crossings", "GT-HN-COR")])
    return {
        ("agreements.csv", agreement, "valid_to", "DATES"),
        ("agreements.csv", agreement, "hours_tz", "HOURS"),
        ("carrier_health.csv", health, "not_carried_from_week", "RANGE"),
        ("sources.csv", source, "checked_on", "REQUIRED"),
        ("policy.csv", policy, "default", "RANGE"),
        ("examples/agreement_confirmations.csv", example, "crossings", "BORDER"),
    }


def plant_ids_that_stand_twice(folder: Path) -> set[tuple[str, int | None, str, str]]:
    place = add_row(
        folder, "places.csv", place_id="HN-OMOA", country="HN", lat="15.776", lon="-88.0383",
        timezone="America/Tegucigalpa",
    )  # fmt: skip
    other = row_number(folder, "crossings.csv", "GT-HN-COR")
    set_cells(folder, "crossings.csv", [(other, "post_a_id", "GT-HN-AGC-A")])
    found = places(check_data(folder))
    expected = {("places.csv", place, "place_id", "DUPLICATE"), ("crossings.csv", other, "post_a_id", "DUPLICATE")}
    # The post that lost its name causes more; here only the duplicates are the promise.
    assert expected <= found
    return found


def plant_wrong_columns(folder: Path) -> set[tuple[str, int | None, str, str]]:
    rows = rows_of(folder, "vehicles.csv")
    position = rows[0].index("notes")
    rows[0][position] = "note"
    write_rows(folder, "vehicles.csv", rows)
    doubled = rows_of(folder, "carrier_health.csv")
    doubled[0][doubled[0].index("notes")] = "source"
    write_rows(folder, "carrier_health.csv", doubled)
    (folder / "secret.csv").write_text("name\nAna\n", encoding="utf-8")
    return {
        ("vehicles.csv", 1, "notes", "COLUMN_MISSING"),
        ("vehicles.csv", 1, "note", "COLUMN_EXTRA"),
        ("carrier_health.csv", 1, "notes", "COLUMN_MISSING"),
        ("carrier_health.csv", 1, "source", "COLUMN_TWICE"),
        ("secret.csv", None, "", "FILE_UNKNOWN"),
    }


PLANTS = [
    plant_darien,
    plant_road_over_the_river,
    plant_road_over_a_border,
    plant_reversed_duplicate,
    plant_impossible_road,
    plant_post_without_a_road,
    plant_crossing_without_its_road,
    plant_town_cut_off,
    plant_posts_apart,
    plant_swapped_position,
    plant_time_zone_of_another_country,
    plant_wrong_hours,
    plant_post_without_hours,
    plant_wrong_neighbours,
    plant_wrong_services,
    plant_wrong_reception,
    plant_contradictions,
    plant_ids_that_stand_twice,
    plant_wrong_columns,
]


@pytest.mark.parametrize("plant", PLANTS, ids=lambda plant: plant.__name__.removeprefix("plant_"))
def test_a_planted_contradiction_is_found_where_it_is_and_nothing_else(tmp_path: Path, plant):
    folder = copy_of_data(tmp_path / "data")
    expected = plant(folder)

    assert places(check_data(folder)) == expected


def test_every_kind_of_broken_file_is_found_in_one_run(tmp_path: Path):
    folder = copy_of_data(tmp_path / "data")
    (folder / "agreements.csv").unlink()
    (folder / "air_services.csv").write_bytes(b"")
    (folder / "carrier_health.csv").write_bytes((folder / "carrier_health.csv").read_bytes().splitlines(True)[0])
    (folder / "coach_services.csv").write_bytes(b"PK\x03\x04 a workbook")
    (folder / "documents_accepted.csv").write_bytes(b"\xef\xbb\xbf" + (folder / "documents_accepted.csv").read_bytes())
    latin = (folder / "places.csv").read_text(encoding="utf-8").encode("cp1252", errors="replace")
    (folder / "places.csv").write_bytes(latin)
    semicolons = (folder / "vehicles.csv").read_text(encoding="utf-8").replace(";", "/").replace(",", ";")
    (folder / "vehicles.csv").write_text(semicolons, encoding="utf-8")
    open_quote = (folder / "labels.csv").read_text(encoding="utf-8") + 'last.key,"sin cerrar,unclosed,ouvert\n'
    (folder / "labels.csv").write_text(open_quote, encoding="utf-8")
    ragged = (folder / "sources.csv").read_text(encoding="utf-8") + "EXTRA,memory\n\n"
    (folder / "sources.csv").write_text(ragged, encoding="utf-8")
    last = len(rows_of(folder, "sources.csv"))

    found = check_data(folder)

    expected = {
        ("agreements.csv", None, "", "FILE_MISSING"),
        ("air_services.csv", None, "", "FILE_EMPTY"),
        ("carrier_health.csv", None, "", "FILE_EMPTY"),
        ("coach_services.csv", None, "", "ENCODING"),
        ("documents_accepted.csv", 1, "", "BOM"),
        ("places.csv", 4, "", "ENCODING"),
        ("vehicles.csv", 1, "", "MALFORMED"),
        ("labels.csv", None, "", "MALFORMED"),
        ("sources.csv", last - 1, "", "CELLS"),
        ("sources.csv", last, "", "ROW_EMPTY"),
    }
    # Rows that refer to a missing file say so too.
    assert {place for place in places(found) if place[3] != "REFERENCE"} == expected


def test_a_folder_without_its_description_is_still_checked(tmp_path: Path):
    folder = copy_of_data(tmp_path / "data")
    (folder / "columns.csv").unlink()
    set_cells(folder, "places.csv", [(3, "lat", "north")])

    assert places(check_data(folder)) == {
        ("columns.csv", None, "", "FILE_MISSING"),
        ("places.csv", 3, "lat", "TYPE"),
    }


def test_a_table_may_not_leave_the_description(tmp_path: Path):
    folder = copy_of_data(tmp_path / "data")
    rows = rows_of(folder, "columns.csv")
    write_rows(folder, "columns.csv", [row for row in rows if row[0] != "vehicles.csv"])
    (folder / "vehicles.csv").unlink()

    found = places(check_data(folder))

    assert ("vehicles.csv", None, "", "FILE_UNKNOWN") in found


def test_a_description_cannot_point_outside_the_folder(tmp_path: Path):
    folder = copy_of_data(tmp_path / "data")
    row = add_row(folder, "columns.csv", file="../secret.csv", column="name", type="text")

    assert places(check_data(folder)) == {("columns.csv", row, "", "MALFORMED")}


def test_a_folder_that_does_not_exist_is_refused(tmp_path: Path):
    with pytest.raises(InputError, match="does not exist"):
        check_data(tmp_path / "nowhere")


# ---- the command


def test_the_command_says_that_nothing_is_wrong(capsys: pytest.CaptureFixture[str]):
    status = main(["check-data", str(SHIPPED)])

    assert status == 0
    assert capsys.readouterr().out == f"no problems found in {SHIPPED}\n"


def test_the_command_prints_every_problem_and_fails(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    folder = copy_of_data(tmp_path / "data")
    set_cells(folder, "places.csv", [(3, "lat", "north"), (5, "kind", "\x1b[31mcastle")])

    status = main(["check-data", str(folder)])

    out = capsys.readouterr().out
    assert status == 1
    assert out.splitlines()[0] == 'places.csv row 3 column "lat": "north": expected a number such as 12.5, with a point'
    assert out.splitlines()[-1] == f"2 problems found in {folder}"
    assert re.search(r"[\x00-\x09\x0b-\x1f]", out) is None, "a file must not steer the terminal"
