"""The directed road network of the ground, with a written attribute contract.

Nodes are the places, junctions, border posts and airports of ``data/``; a node without a road (an overseas
airport, a place reached by boat, the posts of a crossing without a road) is in the network without an edge.

===========  =====================================================================================
node         meaning
===========  =====================================================================================
kind         ``NodeKind``: place, junction, post or airport
name         name for people; of a junction, the city it passes
country      two-letter code
lat, lon     WGS84 decimal degrees
timezone     IANA name; of a junction, the zone of the nearest other node of its country
place_kind   of a place: city, shelter, child_shelter, reception_centre, migration_station or
             terminal; empty otherwise
status       of a place or post: open, closed, restricted, no_road, unknown or empty
crossing_id  of a post: its crossing; ``None`` otherwise
===========  =====================================================================================

Every road is two edges, one each way, with the same attributes but ``country``.

===========  =====================================================================================
edge         meaning
===========  =====================================================================================
km           kilometres on the road, margin included
drive_min    whole minutes of driving, at least 1, margin included; no stops, breaks or formalities
road_class   motorway, motorway_toll, primary, secondary, urban_access, assumed_road or
             border_crossing
country      country of the edge; between two posts, the country that the edge leaves
crossing_id  of the edge between the two posts of a crossing; ``None`` otherwise
confidence   measured, measured_with_assumed_part or assumed
===========  =====================================================================================

There is never an edge where a crossing has no road (the Darién gap) or only a river.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import networkx as nx

from retorno.errors import Fault, InputError
from retorno.routes.cells import ground_folder, read_rows
from retorno.routes.rows import Airport, Crossing, Junction, Place, Road

if TYPE_CHECKING:
    Network = nx.DiGraph[str]
else:  # networkx's classes take no type argument when the program runs
    Network = nx.DiGraph
"""A directed networkx network that keeps the contract of this module."""

MARGIN_PERCENT = 7
"""Added to length and driving time in ``MARGIN_COUNTRIES``.

Measured lengths run about 5 % short in the mountains of Central America (21 known road distances, worst
-14.6 %); ``data/README.md`` recommends 5 to 10 %. Checked 2026-11-24.
"""

MARGIN_COUNTRIES = frozenset({"GT", "HN", "SV", "NI", "CR"})
"""Countries whose roads get the margin."""


class NodeKind(StrEnum):
    """What a node of the network is."""

    PLACE = "place"
    JUNCTION = "junction"
    POST = "post"
    AIRPORT = "airport"


NODE_ATTRIBUTES = ("kind", "name", "country", "lat", "lon", "timezone", "place_kind", "status", "crossing_id")
EDGE_ATTRIBUTES = ("km", "drive_min", "road_class", "country", "crossing_id", "confidence")


def load(folder: Path | None = None) -> Network:
    """The road network of a data folder, validated.

    Parameters
    ----------
    folder
        As for ``ground_folder``.

    Raises
    ------
    InputError
        With every fault of the files read or of the network.
    """
    data = ground_folder(folder)
    network = build(
        places=read_rows(data / "places.csv", Place),
        airports=read_rows(data / "airports.csv", Airport),
        junctions=read_rows(data / "junctions.csv", Junction),
        crossings=read_rows(data / "crossings.csv", Crossing),
        roads=read_rows(data / "roads.csv", Road),
    )
    validate(network)
    return network


def build(
    *,
    places: Sequence[Place],
    airports: Sequence[Airport],
    junctions: Sequence[Junction],
    crossings: Sequence[Crossing],
    roads: Iterable[Road],
) -> Network:
    """The network of the rows given; not yet validated."""
    network: Network = nx.DiGraph()
    for place in places:
        _add_node(network, place.place_id, NodeKind.PLACE, place, place_kind=place.kind, status=place.status)
    for airport in airports:
        _add_node(network, airport.airport_id, NodeKind.AIRPORT, airport)
    for crossing in crossings:
        for post in crossing.posts:
            _add_node(
                network,
                post.post_id,
                NodeKind.POST,
                post,
                status=crossing.status,
                crossing_id=crossing.crossing_id,
            )
    _add_junctions(network, junctions)
    _add_roads(network, roads, crossings)
    return network


def restricted(network: Network, countries: Collection[str]) -> Network:
    """A read-only view of the network inside some countries; a case must never leave its own.

    Parameters
    ----------
    network
        As built by ``load``.
    countries
        Two-letter codes of every country that may be entered, those of origin and destination included.

    Returns
    -------
    Network
        A live view; take ``.copy()`` of it before many searches, a copy is several times faster.

    Raises
    ------
    InputError
        If a code is not a country of the network.
    """
    known = {attributes["country"] for _, attributes in network.nodes(data=True)}
    unknown = sorted(set(countries) - known)
    if unknown:
        raise InputError(
            [Fault(what=f'country "{code}" is not in the network, expected a code such as "GT"') for code in unknown]
        )
    allowed = frozenset(countries)
    return network.subgraph([node for node, attributes in network.nodes(data=True) if attributes["country"] in allowed])


def validate(network: Network) -> None:
    """Hold a network to the contract of this module.

    Raises
    ------
    InputError
        With every fault found: an attribute missing, an impossible value, a road that leaves its country
        outside a crossing, a road one way only, an edge where no road exists.
    """
    faults = [*_node_faults(network), *_edge_faults(network)]
    if faults:
        raise InputError(faults)


class _Located(Protocol):
    @property
    def country(self) -> str: ...
    @property
    def lat(self) -> float: ...
    @property
    def lon(self) -> float: ...


class _Named(_Located, Protocol):
    @property
    def name(self) -> str: ...
    @property
    def timezone(self) -> str: ...


def _add_node(
    network: Network,
    node: str,
    kind: NodeKind,
    row: _Named,
    *,
    place_kind: str = "",
    status: str = "",
    crossing_id: str | None = None,
) -> None:
    network.add_node(
        node,
        kind=kind,
        name=row.name,
        country=row.country,
        lat=row.lat,
        lon=row.lon,
        timezone=row.timezone,
        place_kind=place_kind,
        status=status,
        crossing_id=crossing_id,
    )


def _add_junctions(network: Network, junctions: Sequence[Junction]) -> None:
    """Add the junctions, each with the time zone of the nearest node that has one of its own."""
    zones: dict[str, list[tuple[float, float, str]]] = defaultdict(list)
    for _, node in network.nodes(data=True):
        zones[node["country"]].append((node["lat"], node["lon"], node["timezone"]))
    for junction in junctions:
        lat, lon = junction.lat, junction.lon
        # Flat distance is exact enough to pick a neighbour; only its order matters.
        shrink = math.cos(math.radians(lat)) ** 2
        nearest = min(
            zones[junction.country],
            key=lambda zone: (zone[0] - lat) ** 2 + shrink * (zone[1] - lon) ** 2,
            default=(0.0, 0.0, ""),
        )
        network.add_node(
            junction.junction_id,
            kind=NodeKind.JUNCTION,
            name=junction.near_city,
            country=junction.country,
            lat=lat,
            lon=lon,
            timezone=nearest[2],
            place_kind="",
            status="",
            crossing_id=None,
        )


def _add_roads(network: Network, roads: Iterable[Road], crossings: Sequence[Crossing]) -> None:
    """Add both directions of every road, never between the posts of a crossing without a road."""
    between = {frozenset((crossing.post_a_id, crossing.post_b_id)): crossing for crossing in crossings}
    faults: list[Fault] = []
    for road in roads:
        missing = [node for node in (road.from_id, road.to_id) if node not in network]
        if missing:
            faults.append(Fault(file="roads.csv", what=f"road between unknown nodes {', '.join(missing)}"))
            continue
        crossing = between.get(frozenset((road.from_id, road.to_id)))
        if crossing is not None and not crossing.drivable:
            faults.append(Fault(file="roads.csv", what=f"road over {crossing.crossing_id}, which has no road"))
            continue
        margin = 100 + (MARGIN_PERCENT if road.country in MARGIN_COUNTRIES else 0)
        for origin, destination in ((road.from_id, road.to_id), (road.to_id, road.from_id)):
            network.add_edge(
                origin,
                destination,
                km=round(road.km * margin / 100, 2),
                # Hours to minutes; a road takes at least one.
                drive_min=max(1, round(road.drive_hours * 60 * margin / 100)),
                road_class=road.road_class,
                country=network.nodes[origin]["country"],
                crossing_id=crossing.crossing_id if crossing is not None else None,
                confidence=road.confidence,
            )
    if faults:
        raise InputError(faults)


def _node_faults(network: Network) -> Iterable[Fault]:
    kinds = set(NodeKind)
    for node, attributes in network.nodes(data=True):
        missing = [name for name in NODE_ATTRIBUTES if name not in attributes]
        if missing:
            yield Fault(what=f"node {node} lacks {', '.join(missing)}")
            continue
        if attributes["kind"] not in kinds:
            expected = ", ".join(sorted(kinds))
            yield Fault(what=f'node {node} has kind "{attributes["kind"]}", expected one of {expected}')
        if not (-90 <= attributes["lat"] <= 90 and -180 <= attributes["lon"] <= 180):
            yield Fault(what=f"node {node} lies at {attributes['lat']}, {attributes['lon']}, outside the globe")
        if not attributes["timezone"]:
            yield Fault(what=f"node {node} has no time zone")
        if (attributes["kind"] == NodeKind.POST) != (attributes["crossing_id"] is not None):
            yield Fault(what=f"node {node} must name a crossing if and only if it is a post")


def _edge_faults(network: Network) -> Iterable[Fault]:
    for origin, destination, attributes in network.edges(data=True):
        edge = f"edge {origin} to {destination}"
        missing = [name for name in EDGE_ATTRIBUTES if name not in attributes]
        if missing:
            yield Fault(what=f"{edge} lacks {', '.join(missing)}")
            continue
        if origin == destination:
            yield Fault(what=f"{edge} is a loop")
        if not network.has_edge(destination, origin):
            yield Fault(what=f"{edge} has no way back, every road is two edges")
        drive_min = attributes["drive_min"]
        if not (isinstance(drive_min, int) and drive_min >= 1):
            yield Fault(what=f"{edge} has drive_min {drive_min}, expected whole minutes of at least 1")
        if not (math.isfinite(attributes["km"]) and attributes["km"] > 0):
            yield Fault(what=f"{edge} has km {attributes['km']}, expected more than 0")
        yield from _border_faults(network, origin, destination, edge, attributes["crossing_id"])


def _border_faults(
    network: Network, origin: str, destination: str, edge: str, crossing_id: str | None
) -> Iterable[Fault]:
    ends = network.nodes[origin], network.nodes[destination]
    if any("country" not in end or "crossing_id" not in end or "status" not in end for end in ends):
        return  # the node's own fault says so
    crosses = ends[0]["country"] != ends[1]["country"]
    if not crosses and crossing_id is None:
        return
    if crossing_id is None or any(end["crossing_id"] != crossing_id for end in ends) or not crosses:
        yield Fault(what=f"{edge} crosses a border outside the two posts of one crossing")
    elif any(end["status"] == "no_road" for end in ends):
        yield Fault(what=f"{edge} lies where there is no road")
