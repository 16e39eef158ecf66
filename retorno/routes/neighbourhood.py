"""The roads around one place: what can be reached in a short drive, and the minutes and metres between such places."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, cast

import networkx as nx

from retorno.routes.network import Network
from retorno.routes.tables import Ground
from retorno.text import comparison_key

NEAR_MIN = 180
"""Longest drive of a local round between its place and an end, minutes: beyond it, it is a journey (our choice)."""


@dataclass(frozen=True, kw_only=True)
class Roads:
    """Rows and columns by place: whole minutes of driving, and metres, on the roads of one country."""

    places: tuple[str, ...]
    drive_min: tuple[tuple[int, ...], ...]
    distance_m: tuple[tuple[int, ...], ...]


def near_places(ground: Ground, place_id: str) -> tuple[str, ...]:
    """Places of the same country within ``NEAR_MIN`` of a place by road, itself first, then the nearest first."""
    minutes = _reach(ground, place_id)
    known = [end for end in minutes if end in ground.places or end == place_id]
    return tuple(sorted(known, key=lambda end: (minutes[end], end)))


def place_named(ground: Ground, near: Sequence[str], municipality: str) -> str | None:
    """The one of ``near`` with a municipality's name, accents and case aside; ``None`` if none or several have it."""
    wanted = comparison_key(municipality)
    found = [p for p in near if p in ground.places and wanted and comparison_key(ground.places[p].name) == wanted]
    return found[0] if len(found) == 1 else None


def roads_between(ground: Ground, places: Sequence[str]) -> Roads:
    """Quickest drives between places of one country, each pair as the network has it.

    Raises
    ------
    KeyError
        If two of the places are not joined by a road inside the country; ``near_places`` only gives joined ones.
    """
    network = ground.network
    minutes: list[tuple[int, ...]] = []
    metres: list[tuple[int, ...]] = []
    for start in places:
        drive, paths = _drives(network, start)
        minutes.append(tuple(drive[end] for end in places))
        metres.append(tuple(_metres(network, paths[end]) for end in places))
    return Roads(places=tuple(places), drive_min=tuple(minutes), distance_m=tuple(metres))


def _reach(ground: Ground, place_id: str) -> dict[str, int]:
    if place_id not in ground.network:
        return {place_id: 0}
    minutes, _ = _drives(ground.network, place_id)
    return {end: drive for end, drive in minutes.items() if drive <= NEAR_MIN}


def _drives(network: Network, start: str) -> tuple[dict[str, int], dict[str, list[str]]]:
    """Minutes and nodes of the quickest drive to everywhere within two of the longest drives of a round."""
    country = network.nodes[start]["country"]

    def minutes(_: str, __: str, road: Mapping[str, Any]) -> int | None:
        is_inside = road["country"] == country and road["crossing_id"] is None
        return cast("int", road["drive_min"]) if is_inside else None

    found = nx.single_source_dijkstra(network, start, cutoff=2 * NEAR_MIN, weight=minutes)
    return cast("tuple[dict[str, int], dict[str, list[str]]]", found)


def _metres(network: Network, path: Sequence[str]) -> int:
    return round(1000 * sum(float(network.edges[start, end]["km"]) for start, end in pairwise(path)))
