"""Nodes, crossings and roads of ``data/`` against each other, and the road network of each country."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from importlib.resources import files
from pathlib import Path

import networkx as nx

from retorno.errors import Fault
from retorno.routes.draft import Draft, Node
from retorno.routes.outlines import COARSE_FILE, FINE_FILE, great_circle_km, load_outlines
from retorno.routes.rows import Airport, Country, Crossing, Place, Road

MAX_POST_GAP_KM = 2.0
"""Farthest that the two posts of a crossing, and a post and a road of its country, may lie apart."""

MAX_ROAD_KMH = 96.0
"""Fastest driving that a coach may be given; the fastest assumed speed is 90 km/h."""

ROUNDING_KM, JUNCTION_ROUNDING_KM = 0.1, 2.5
"""How much shorter than the great circle a road may be: lengths and positions of junctions are rounded."""

SHORTFALL = 0.97
"""The same as a share of the great circle: TravelMapping measures along waypoints, not along bends."""

OUTLINE_EXEMPT = frozenset({"APT-HGA"})
"""Hargeisa: ISO 3166 says Somalia, the outlines draw Somaliland as a shape without a code."""


def node_faults(draft: Draft) -> Iterator[Fault]:
    """Node ids that stand twice, in whichever file."""
    seen: dict[str, Node] = {}
    for node in draft.all_nodes:
        first = seen.setdefault(node.node_id, node)
        # Within one file, one row of a key is the cell check's matter.
        if first is not node and (first.file != node.file or node.file == "crossings.csv"):
            yield node.fault("DUPLICATE", f"id stands in {first.file} row {first.row} already")


def position_faults(draft: Draft, folder: Path) -> Iterator[Fault]:
    """Positions outside the country named, and time zones of another country."""
    zones = _countries_of_zones()
    for node in draft.all_nodes:
        owners = zones.get(node.timezone)
        if owners is not None and node.country not in owners:
            yield node.fault(
                "TIMEZONE",
                f'time zone "{node.timezone}" belongs to {", ".join(sorted(owners))}, not to {node.country}',
                column=node.timezone_column,
            )
    try:
        outlines = load_outlines(folder)
    except (OSError, ValueError, KeyError, TypeError) as error:
        what = f"maps {FINE_FILE} and {COARSE_FILE} cannot be read ({error}), positions were not checked"
        yield Fault(file=FINE_FILE, code="MAP", what=what)
        return
    for node in draft.all_nodes:
        found = outlines.km_outside(node.country, node.lat, node.lon)
        if found is not None and found[0] > found[1] and node.node_id not in OUTLINE_EXEMPT:
            yield node.fault(
                "POSITION",
                f"position {node.lat}, {node.lon} lies {found[0]:.0f} km outside {node.country}, "
                f"expected at most {found[1]:.0f} km; look for swapped or missing signs",
                column=node.lat_column,
            )


@cache
def _countries_of_zones() -> dict[str, frozenset[str]]:
    """Countries that use each time zone, from the time zone database."""
    owners: dict[str, set[str]] = defaultdict(set)
    for line in files("tzdata").joinpath("zoneinfo/zone.tab").read_text(encoding="utf-8").splitlines():
        if not line.startswith("#"):
            country, _, name, *_ = line.split("\t")
            owners[name].add(country)
    return {name: frozenset(countries) for name, countries in owners.items()}


def neighbour_faults(draft: Draft) -> Iterator[Fault]:
    """Land neighbours that do not name each other, and crossings between states that are none."""
    numbers = {row.iso2: number for number, row in draft.rows("countries.csv", Country)}
    neighbours = {row.iso2: set(row.land_neighbors) for _, row in draft.rows("countries.csv", Country)}
    for country, others in neighbours.items():
        for other in sorted(others & neighbours.keys()):
            if country not in neighbours[other]:
                yield Fault(
                    file="countries.csv",
                    row=numbers[country],
                    column="land_neighbors",
                    value=other,
                    code="NEIGHBOUR",
                    what=f'names "{other}" as a land neighbour, but the row of {other} does not name {country}',
                )
    for number, crossing in draft.rows("crossings.csv", Crossing):
        a, b = crossing.country_a, crossing.country_b
        if a in neighbours and b not in neighbours[a]:
            yield Fault(
                file="crossings.csv",
                row=number,
                column="country_b",
                value=b,
                code="NEIGHBOUR",
                what=f"{crossing.crossing_id}: {a} and {b} share no land border in countries.csv",
            )


def crossing_faults(draft: Draft) -> Iterator[Fault]:
    """Opening windows of crossings, and the distance of their two posts."""
    for number, crossing in draft.rows("crossings.csv", Crossing):

        def fault(column: str, code: str, what: str, number: int = number, name: str = crossing.crossing_id) -> Fault:
            return Fault(file="crossings.csv", row=number, column=column, code=code, what=f"{name}: {what}")

        if (crossing.status == "no_road") != (crossing.road_link == "no"):
            yield fault("road_link", "CROSSING", 'status "no_road" and road_link "no" go together')
        if crossing.status == "no_road":
            continue
        opens, closes = crossing.open_min, crossing.close_min
        if opens is None or closes is None or opens >= closes or not crossing.hours_tz:
            yield fault("open_time", "HOURS", "expected an opening before the closing, and the zone of both")
        elif crossing.repat_open_min is not None and crossing.repat_close_min is not None:
            if not opens <= crossing.repat_open_min < crossing.repat_close_min <= closes:
                yield fault("repat_open", "HOURS", "hours for returns must lie within the opening hours")
        else:
            yield fault("repat_open", "HOURS", "expected hours for returns")
        a, b = crossing.posts
        gap = great_circle_km(a.lat, a.lon, b.lat, b.lon)
        if crossing.drivable and gap > MAX_POST_GAP_KM:
            what = f"posts lie {gap:.1f} km apart, expected at most {MAX_POST_GAP_KM:g} km"
            yield fault("post_b_lat", "POST_GAP", what)


def road_faults(draft: Draft) -> Iterator[Fault]:
    """Roads between unknown ends are the cell check's matter; here their length, speed, country and border."""
    between = {frozenset((row.post_a_id, row.post_b_id)): row for _, row in draft.rows("crossings.csv", Crossing)}
    seen: dict[frozenset[str], int] = {}
    for number, road in draft.rows("roads.csv", Road):
        ends = draft.nodes.get(road.from_id), draft.nodes.get(road.to_id)
        pair = frozenset((road.from_id, road.to_id))
        if ends[0] is None or ends[1] is None:
            continue
        for column, code, what in _faults_of_road(road, ends[0], ends[1], between.get(pair)):
            yield Fault(
                file="roads.csv",
                row=number,
                column=column,
                code=code,
                what=f"{road.from_id} to {road.to_id}: {what}",
            )
        if seen.setdefault(pair, number) != number:
            what = f"{road.from_id} to {road.to_id}: stands in row {seen[pair]} already, a road is both ways"
            yield Fault(file="roads.csv", row=number, column="from_id", code="DUPLICATE", what=what)


def _faults_of_road(road: Road, start: Node, end: Node, crossing: Crossing | None) -> Iterator[tuple[str, str, str]]:
    if start is end:
        yield "to_id", "ROAD", "begins and ends at the same node"
        return
    if start.country == end.country:
        if road.country != start.country:
            yield "country", "ROAD", f'both ends lie in {start.country}, not in "{road.country}"'
    elif crossing is None:
        what = f"leaves {start.country} for {end.country} outside the two posts of a crossing"
        yield "to_id", "BORDER", what
    elif not crossing.drivable:
        yield "to_id", "NO_ROAD", f"{crossing.crossing_id} has no road (road_link {crossing.road_link}), delete the row"
    elif set(road.country.split("/")) != {start.country, end.country}:
        yield "country", "ROAD", f'expected "{start.country}/{end.country}"'
    if (road.road_class == "border_crossing") != (crossing is not None):
        yield "road_class", "ROAD", "border_crossing is the class of the roads between two posts, and of those only"
    if road.km > MAX_ROAD_KMH * road.drive_hours:
        what = f"{road.km:g} km in {road.drive_hours:g} h, expected at most {MAX_ROAD_KMH:g} km/h"
        yield "drive_hours", "SPEED", what
    direct = great_circle_km(start.lat, start.lon, end.lat, end.lon)
    at_junction = "junctions.csv" in (start.file, end.file)
    shortest = SHORTFALL * direct - (JUNCTION_ROUNDING_KM if at_junction else ROUNDING_KM)
    if road.km < shortest:
        yield "km", "LENGTH", f"{road.km} km is shorter than the {direct:.1f} km of the great circle"


def network_faults(draft: Draft) -> Iterator[Fault]:
    """Every country's road nodes are joined inside it; every post has a road; nothing crosses the Darién."""
    if not {"places.csv", "crossings.csv", "roads.csv", "junctions.csv", "airports.csv"} <= draft.readable:
        return
    graph: nx.Graph[str] = nx.Graph()
    # A bad cell elsewhere in a row must not make its town look cut off: only ids and countries count here.
    for start, end in draft.cells("roads.csv", "from_id", "to_id"):
        if start in draft.country_of and end in draft.country_of:
            graph.add_edge(start, end)
    yield from _cut_off(draft, graph)
    yield from _access_faults(draft, graph)
    yield from _post_faults(draft, graph)
    yield from _darien_faults(draft, graph)


def _cut_off(draft: Draft, graph: nx.Graph[str]) -> Iterator[Fault]:
    by_country: dict[str, list[str]] = defaultdict(list)
    for node_id in graph:
        by_country[draft.country_of[node_id]].append(node_id)
    for country, members in sorted(by_country.items()):
        parts = sorted(nx.connected_components(graph.subgraph(members)), key=lambda part: (-len(part), min(part)))
        for part in parts[1:]:
            node = min((draft.nodes[name] for name in part if name in draft.nodes), key=_name, default=None)
            if node is None:
                continue
            others = f", with {len(part) - 1} other nodes" if len(part) > 1 else ""
            yield node.fault("CUT_OFF", f"no road inside {country} joins it to the rest of {country}{others}")


def _access_faults(draft: Draft, graph: nx.Graph[str]) -> Iterator[Fault]:
    rows: list[tuple[str, Place | Airport]] = [(row.place_id, row) for _, row in draft.rows("places.csv", Place)]
    rows += [(row.airport_id, row) for _, row in draft.rows("airports.csv", Airport)]
    for node_id, row in rows:
        if row.road_access != (node_id in graph):
            has = "has a road" if node_id in graph else "has no road"
            what = f"{has} in roads.csv, road_access says otherwise"
            yield draft.nodes[node_id].fault("ROAD_ACCESS", what, column="road_access")
    for node in draft.all_nodes:
        if node.file == "junctions.csv" and node.node_id not in graph:
            yield node.fault("ROAD_ACCESS", "junction without a road in roads.csv")


def _post_faults(draft: Draft, graph: nx.Graph[str]) -> Iterator[Fault]:
    for number, crossing in draft.rows("crossings.csv", Crossing):
        a, b = crossing.post_a_id, crossing.post_b_id
        if not crossing.drivable:
            continue
        if not graph.has_edge(a, b):
            what = f"{crossing.crossing_id}: roads.csv has no road between {a} and {b}"
            yield Fault(file="crossings.csv", row=number, column="road_link", code="POST_ROAD", what=what)
        for post_id in (a, b):
            post = draft.nodes[post_id]
            others = list(graph[post_id]) if post_id in graph else []
            at_home = [other for other in others if draft.country_of[other] == post.country]
            if not at_home:
                yield post.fault("POST_ROAD", _nearest_road(draft, graph, post))


def _nearest_road(draft: Draft, graph: nx.Graph[str], post: Node) -> str:
    distances = [
        great_circle_km(post.lat, post.lon, node.lat, node.lon)
        for node in draft.nodes.values()
        if node.country == post.country and node.node_id in graph and node is not post
    ]
    nearest = f"the nearest node of a road is {min(distances):.1f} km away" if distances else "there is none at all"
    return f"no road of {post.country} within {MAX_POST_GAP_KM:g} km ({nearest}), expected a row in roads.csv"


def _name(node: Node) -> str:
    return node.node_id


def _darien_faults(draft: Draft, graph: nx.Graph[str]) -> Iterator[Fault]:
    for part in nx.connected_components(graph):
        if {"CO", "PA"} <= {draft.country_of[node_id] for node_id in part}:
            ends = sorted(node_id for node_id in part if draft.country_of[node_id] == "CO")
            what = f"joins Panama to {ends[0]} in Colombia, there is no road through the Darién"
            yield Fault(file="roads.csv", column="to_id", value=ends[0], code="DARIEN", what=what)
