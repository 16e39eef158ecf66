"""``retorno check-data``: everything wrong with a data folder, all at once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from retorno.errors import Fault
from retorno.routes.cells import SHIPPED, ground_folder
from retorno.routes.column_check import COLUMNS_FILE, CellCheck, Column, Table, check_header, read_columns, read_table
from retorno.routes.draft import Draft
from retorno.routes.fact_check import (
    example_faults,
    hours_faults,
    paper_faults,
    policy_faults,
    reception_faults,
    service_faults,
    source_faults,
)
from retorno.routes.road_check import (
    crossing_faults,
    neighbour_faults,
    network_faults,
    node_faults,
    position_faults,
    road_faults,
)
from retorno.routes.tables import TABLES

_FACT_CHECKS = (
    node_faults,
    neighbour_faults,
    crossing_faults,
    road_faults,
    network_faults,
    service_faults,
    hours_faults,
    paper_faults,
    reception_faults,
    source_faults,
    policy_faults,
    example_faults,
)


def check_data(folder: Path | None = None) -> list[Fault]:
    """Every fault of a data folder, sorted by file and row; an empty list if there is none.

    Parameters
    ----------
    folder
        As for ``ground_folder``.

    Raises
    ------
    InputError
        Only if the folder does not exist.
    """
    data = ground_folder(folder)
    columns, faults = read_columns(data)
    if not columns:
        # The folder's own description is gone: the shipped one still finds what else is wrong.
        columns, _ = read_columns(SHIPPED)
    tables, table_faults = _read_tables(data, columns)
    faults += table_faults
    cell_check = CellCheck(tables)
    for file, table in tables.items():
        found = list(cell_check.faults(table, columns[file]))
        bad = {fault.row for fault in found}
        tables[file] = replace(table, sound=frozenset(number for number, _ in table.records if number not in bad))
        faults += found
    draft = Draft(tables)
    for check in _FACT_CHECKS:
        faults += check(draft)
    faults += position_faults(draft, data)
    faults += _undescribed(data, columns)
    return sorted(set(faults), key=lambda fault: (fault.file, fault.row or 0, fault.column, fault.code, fault.what))


def _read_tables(data: Path, columns: Mapping[str, list[Column]]) -> tuple[dict[str, Table], list[Fault]]:
    tables: dict[str, Table] = {}
    faults: list[Fault] = []
    for file, described in columns.items():
        table, found = read_table(data, file)
        # What is wrong with the text of columns.csv was said when it was read.
        faults += [] if file == COLUMNS_FILE else found
        if table is not None:
            faults += check_header(table, described)
            tables[file] = table
    return tables, faults


def _undescribed(data: Path, columns: Mapping[str, list[Column]]) -> Iterator[Fault]:
    """Tables in the folder that ``columns.csv`` does not know, and references to columns that do not exist."""
    for file in sorted(TABLES.keys() - columns.keys()):
        what = "columns.csv does not describe it, every table needs its columns"
        yield Fault(file=file, code="FILE_UNKNOWN", what=what)
    for path in sorted([*data.glob("*.csv"), *data.glob("examples/*.csv")]):
        file = path.relative_to(data).as_posix()
        if file not in columns and file not in TABLES:
            what = "table is unknown, expected its columns in columns.csv"
            yield Fault(file=file, code="FILE_UNKNOWN", what=what)
    known = {(file, column.name) for file, described in columns.items() for column in described}
    for file, described in columns.items():
        for column in described:
            for target in column.reference:
                if target not in known:
                    what = (
                        f"{file} {column.name} refers to {target[0]} {target[1]}, which columns.csv does not describe"
                    )
                    yield Fault(file=COLUMNS_FILE, column="reference", code="REFERENCE", what=what)
