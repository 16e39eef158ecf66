"""The rows of a data folder that can be read, with their row numbers, for checks that compare rows.

Rows with a fault in a cell are left out: their own fault says so, and they cause no further ones here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TypeVar, cast

from retorno.errors import Fault
from retorno.routes.cells import row_maker
from retorno.routes.column_check import Table
from retorno.routes.rows import Airport, Crossing, Junction, Place
from retorno.routes.tables import TABLES

Row = TypeVar("Row")


@dataclass(frozen=True, kw_only=True)
class Node:
    """A node of the road network and where it is written."""

    node_id: str
    file: str
    row: int
    column: str
    country: str
    lat: float
    lon: float
    lat_column: str
    timezone: str
    timezone_column: str

    def fault(self, code: str, what: str, *, column: str = "") -> Fault:
        """A fault at the row of this node; ``column`` is its id unless given."""
        return Fault(
            file=self.file,
            row=self.row,
            column=column or self.column,
            value=self.node_id,
            code=code,
            what=f"{self.node_id}: {what}",
        )


class Draft:
    """The sound rows of every table.

    Parameters
    ----------
    tables
        By file name; ``Table.sound`` says which of their rows may be used.
    """

    def __init__(self, tables: Mapping[str, Table]) -> None:
        self.readable = frozenset(tables)
        self._rows: dict[str, list[tuple[int, object]]] = {}
        for file, row_type in TABLES.items():
            table = tables.get(file)
            if table is None:
                continue
            make = cast(Callable[[Mapping[str, str]], object], row_maker(row_type))
            made = [(number, make(cells)) for number, cells in table.records if number in table.sound]
            self._rows[file] = [(number, row) for number, row in made if isinstance(row, row_type)]

        self._tables = tables

    def cells(self, file: str, *names: str) -> list[tuple[str, ...]]:
        """The named cells of every record, also of rows with a fault elsewhere; empty without such columns."""
        table = self._tables.get(file)
        if table is None or not set(names) <= set(table.header):
            return []
        return [tuple(cells[name] for name in names) for _, cells in table.records]

    @cached_property
    def country_of(self) -> dict[str, str]:
        """Country of every node, also of those whose row has a fault elsewhere."""
        pairs = [
            *self.cells("places.csv", "place_id", "country"),
            *self.cells("airports.csv", "airport_id", "country"),
            *self.cells("junctions.csv", "junction_id", "country"),
            *self.cells("crossings.csv", "post_a_id", "country_a"),
            *self.cells("crossings.csv", "post_b_id", "country_b"),
        ]
        return {cells[0]: cells[1] for cells in pairs}

    def rows(self, file: str, row_type: type[Row]) -> list[tuple[int, Row]]:
        """Row number and row of every sound row of a file; empty if the file cannot be read."""
        return [(number, row) for number, row in self._rows.get(file, ()) if isinstance(row, row_type)]

    @cached_property
    def all_nodes(self) -> list[Node]:
        """Every node in file order, ids that stand twice included."""
        nodes = [
            _node(row.place_id, "places.csv", number, "place_id", row) for number, row in self.rows("places.csv", Place)
        ]
        nodes += [
            _node(row.airport_id, "airports.csv", number, "airport_id", row)
            for number, row in self.rows("airports.csv", Airport)
        ]
        for number, crossing in self.rows("crossings.csv", Crossing):
            for side, post in zip("ab", crossing.posts, strict=True):
                nodes.append(
                    Node(
                        node_id=post.post_id,
                        file="crossings.csv",
                        row=number,
                        column=f"post_{side}_id",
                        country=post.country,
                        lat=post.lat,
                        lon=post.lon,
                        lat_column=f"post_{side}_lat",
                        timezone=post.timezone,
                        timezone_column=f"post_{side}_tz",
                    )
                )
        nodes += [
            _node(row.junction_id, "junctions.csv", number, "junction_id", row)
            for number, row in self.rows("junctions.csv", Junction)
        ]
        return nodes

    @cached_property
    def nodes(self) -> dict[str, Node]:
        """Every node by its id; the first of those that stand twice."""
        return {node.node_id: node for node in reversed(self.all_nodes)}


def _node(node_id: str, file: str, number: int, column: str, row: Place | Airport | Junction) -> Node:
    return Node(
        node_id=node_id,
        file=file,
        row=number,
        column=column,
        country=row.country,
        lat=row.lat,
        lon=row.lon,
        lat_column="lat",
        timezone="" if isinstance(row, Junction) else row.timezone,
        timezone_column="timezone",
    )
