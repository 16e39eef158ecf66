"""The map as a plain Vega-Lite dict: outlines, borders on each side, rides with head counts. Pure functions.

Everything is laid out here, in pixels of the map's own frame, so that names and numbers do not lie on each other;
whoever leaves the region gets a name at the edge instead of a line across it. Each picture has a table beside it.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from math import atan, degrees, exp, hypot, log, pi, radians, tan
from pathlib import Path
from typing import Any

from retorno.routes.rows import Airport, Place
from retorno.situation import ground

OUTLINES = Path(__file__).resolve().parents[1] / "data" / "basemap_americas_50m.geojson"
WEST, EAST, SOUTH, NORTH = -119.0, -55.0, 5.0, 33.5
"""What the map can show, in degrees: from the north of Mexico to Panama and the Caribbean."""
REGION = frozenset({"MX", "GT", "BZ", "SV", "HN", "NI", "CR", "PA"})
"""Countries whose places stand on the map; others stand at its edge."""
WIDTH, HEIGHT, MARGIN = 600.0, 440.0, 58.0
"""The frame that holds every name and number, pixels; a wider page shows more land around it."""

OPEN, CLOSED, OTHER = "#0b5c7a", "#a4262c", "#5f5f5f"
ROAD, AIR, NUMBER = "#c7740a", "#5b4a8a", "#6b3a00"
RING_WITH_BAR = "M1,0A1,1,0,1,1,-1,0A1,1,0,1,1,1,0M-0.7,0.7L0.7,-0.7"
LINE_PX = 16.0


@dataclass(frozen=True, kw_only=True)
class MapCrossing:
    """A crossing, or one side of it, on the map.

    Parameters
    ----------
    state
        ``open``, ``closed`` or ``restricted``; ``text`` says it in words.
    post_id
        The side; empty for the crossing as a whole.
    is_used
        Whether somebody passes it; the others are drawn smaller.
    """

    crossing_id: str
    name: str
    state: str
    text: str
    post_id: str = ""
    is_used: bool = True


@dataclass(frozen=True, kw_only=True)
class MapRide:
    """People who ride one way: ids of places, airports and crossings in the order they come to them."""

    waypoints: tuple[str, ...]
    person_count: int
    is_air: bool
    text: str


@dataclass(frozen=True, kw_only=True)
class _Frame:
    """Where the map looks: mercator centre and pixels per radian."""

    x: float
    y: float
    scale: float

    def pixel(self, position: tuple[float, float]) -> tuple[float, float]:
        """Pixels right of and below the centre."""
        x, y = _mercator(position)
        return (x - self.x) * self.scale, (self.y - y) * self.scale

    def position(self, pixel: tuple[float, float]) -> dict[str, float]:
        """Longitude and latitude of a pixel."""
        y = self.y - pixel[1] / self.scale
        return {
            "lon": round(degrees(self.x + pixel[0] / self.scale), 4),
            "lat": round(degrees(2 * atan(exp(y)) - pi / 2), 4),
        }


def _mercator(position: tuple[float, float]) -> tuple[float, float]:
    return radians(position[0]), log(tan(pi / 4 + radians(position[1]) / 2))


@cache
def outlines() -> list[dict[str, Any]]:
    """Country outlines inside the map's frame, two decimals; about 100 kB, read once a process."""
    document = json.loads(OUTLINES.read_text(encoding="utf-8"))
    shapes = []
    for feature in document["features"]:
        geometry = feature["geometry"]
        parts = [geometry["coordinates"]] if geometry["type"] == "Polygon" else geometry["coordinates"]
        kept = [[_thin(ring) for ring in part] for part in parts if _is_inside(part[0])]
        if kept:
            shapes.append({"type": "Feature", "geometry": {"type": "MultiPolygon", "coordinates": kept}})
    return shapes


def _is_inside(ring: Sequence[Sequence[float]]) -> bool:
    lons, lats = [point[0] for point in ring], [point[1] for point in ring]
    return max(lons) > WEST and min(lons) < EAST and max(lats) > SOUTH and min(lats) < NORTH


def _thin(ring: Sequence[Sequence[float]]) -> list[list[float]]:
    thin: list[list[float]] = []
    for lon, lat in ring:
        point = [round(lon, 2), round(lat, 2)]
        if not thin or thin[-1] != point:
            thin.append(point)
    return thin


def _where(waypoint: str) -> tuple[tuple[float, float], str, str] | None:
    """Position, country and name of a place, airport or crossing."""
    facts = ground()
    found = facts.places.get(waypoint) or facts.airports.get(waypoint)
    if found is not None:
        return (found.lon, found.lat), found.country, _short_name(found)
    if waypoint in facts.crossings:
        post = facts.crossings[waypoint].posts[0]
        return (post.lon, post.lat), post.country, post.name
    return None


def _short_name(where: Place | Airport) -> str:
    """A place by its name, an airport by its city."""
    return where.city.rsplit(", ", 1)[-1] if isinstance(where, Airport) else where.name


def map_spec(
    crossings: Iterable[MapCrossing], rides: Iterable[MapRide], *, words: Mapping[str, str], is_whole: bool
) -> dict[str, Any]:
    """Outlines, crossings (filled circle open, barred ring closed, triangle restricted) and rides with head counts.

    Parameters
    ----------
    words
        Words for ``open``, ``closed`` and ``restricted``, in the visitor's language.
    is_whole
        Show the whole region; else only where rides run.
    """
    rides = list(rides)
    inside = [] if is_whole else [where[0] for ride in rides for where in _stops(ride) if where[1] in REGION]
    frame = _frame(inside)
    layout = _Layout(frame)
    lines = _lines(rides, frame)
    exits = _exits(rides, frame)
    numbers = [spot for line in lines if (spot := layout.number(line)) is not None]
    edges = [layout.at_edge(each) for each in exits]
    dots = _dots(rides, frame)
    names = [spot for dot in dots if (spot := layout.name(dot)) is not None]
    return {
        "height": HEIGHT,
        "projection": {
            "type": "mercator",
            "scale": round(frame.scale, 2),
            "center": [frame.position((0, 0))["lon"], frame.position((0, 0))["lat"]],
        },
        "config": {"background": "#e9f0f4", "view": {"stroke": "#c9d3d9"}},
        "layer": [
            {
                "data": {"values": outlines()},
                "mark": {"type": "geoshape", "aria": False, "fill": "#fbfaf7", "stroke": "#b3aea2", "strokeWidth": 0.8},
            },
            *_ride_layers([*lines, *edges]),
            _crossing_layer(crossings, words, frame),
            {
                "data": {"values": dots},
                "mark": {"type": "circle", "size": 46, "color": "#1b1b1b", "opacity": 1, "clip": True},
                "encoding": {**_AT, "tooltip": {"field": "name", "type": "nominal"}},
            },
            *_texts(names, size=12, color="#1b1b1b", weight=600, align="center"),
            *_texts([each for each in edges if each["side"] == "right"], size=12, color=AIR, weight=700, align="right"),
            *_texts([each for each in edges if each["side"] == "left"], size=12, color=AIR, weight=700, align="left"),
            *_texts(numbers, size=14, color=NUMBER, weight=700, align="center"),
        ],
    }


def _frame(points: Sequence[tuple[float, float]]) -> _Frame:
    """A frame that holds every point with a margin for names."""
    if not points:
        x, y = _mercator((-87.0, 17.5))
        return _Frame(x=x, y=y, scale=900.0)
    xs, ys = zip(*(_mercator(point) for point in points), strict=True)
    wide, high = max(max(xs) - min(xs), radians(2.0)), max(max(ys) - min(ys), radians(1.5))
    scale = min((WIDTH - 2 * MARGIN) / wide, (HEIGHT - 2 * MARGIN) / high)
    return _Frame(x=(max(xs) + min(xs)) / 2, y=(max(ys) + min(ys)) / 2, scale=scale)


def _stops(ride: MapRide) -> list[tuple[tuple[float, float], str, str]]:
    return [where for waypoint in ride.waypoints if (where := _where(waypoint)) is not None]


def _lines(rides: Sequence[MapRide], frame: _Frame) -> list[dict[str, Any]]:
    """Stretches inside the region, each once with everybody who rides it; the fullest last, on top."""
    people: dict[tuple[tuple[float, float], tuple[float, float], bool], int] = defaultdict(int)
    texts: dict[tuple[tuple[float, float], tuple[float, float], bool], list[str]] = defaultdict(list)
    for ride in rides:
        stops = _stops(ride)
        for (start, here, _), (end, there, _) in pairwise(stops):
            if here in REGION and there in REGION:
                people[start, end, ride.is_air] += ride.person_count
                texts[start, end, ride.is_air].append(ride.text)
    found = []
    for (start, end, is_air), count in sorted(people.items(), key=lambda each: each[1]):
        found.append(
            {
                "lon": start[0],
                "lat": start[1],
                "lon2": end[0],
                "lat2": end[1],
                "people": count,
                "way": "air" if is_air else "road",
                "text": "; ".join(dict.fromkeys(texts[start, end, is_air])),
                "from_px": frame.pixel(start),
                "to_px": frame.pixel(end),
            }
        )
    return found


def _exits(rides: Sequence[MapRide], frame: _Frame) -> list[dict[str, Any]]:
    """Rides between a place on the map and one off it: a short line towards it, and its name with the number."""
    people: dict[tuple[tuple[float, float], tuple[float, float], str], int] = defaultdict(int)
    for ride in rides:
        stops = _stops(ride)
        for (start, here, name), (end, there, other) in pairwise(stops):
            if here in REGION and there not in REGION:
                people[start, end, f"→ {other}"] += ride.person_count
            elif here not in REGION and there in REGION:
                people[end, start, f"← {name}"] += ride.person_count
    return [
        {"near": near, "far": far, "name": f"{name} {count}", "people": count, "at_px": frame.pixel(near)}
        for (near, far, name), count in sorted(people.items(), key=lambda each: -each[0][1][1])
    ]


def _dots(rides: Sequence[MapRide], frame: _Frame) -> list[dict[str, Any]]:
    """Places on the map where somebody gets on or off; the busiest first."""
    people: dict[str, int] = defaultdict(int)
    for ride in rides:
        for end in (ride.waypoints[0], ride.waypoints[-1]):
            people[end] += ride.person_count
    found = []
    for place_id, _ in sorted(people.items(), key=lambda each: (-each[1], each[0])):
        where = _where(place_id)
        if where is not None and where[1] in REGION:
            (lon, lat), _, name = where
            found.append({"name": name, "lon": lon, "lat": lat, "px": frame.pixel((lon, lat))})
    return found


class _Layout:
    """Finds room for names and numbers; what finds none is told by pointing, and by the table."""

    def __init__(self, frame: _Frame) -> None:
        self.frame = frame
        self.taken: list[tuple[float, float, float, float]] = []
        self.edge: dict[str, list[float]] = {"left": [], "right": []}

    def number(self, line: Mapping[str, Any]) -> dict[str, Any] | None:
        """Where the head count of a stretch stands, on its right side."""
        (x1, y1), (x2, y2) = line["from_px"], line["to_px"]
        length = hypot(x2 - x1, y2 - y1)
        if length < 26:
            return None
        text = str(line["people"])
        aside = (-(y2 - y1) / length * 11, (x2 - x1) / length * 11)
        for share in (0.5, 0.35, 0.65):
            for sign in (1, -1):
                spot = (x1 + share * (x2 - x1) + sign * aside[0], y1 + share * (y2 - y1) + sign * aside[1])
                if self._takes(spot, len(text) * 8.5):
                    return {"name": text, "text": line["text"], **self.frame.position(spot)}
        return None

    def name(self, dot: Mapping[str, Any]) -> dict[str, Any] | None:
        """Where the name of a place stands: above, below, right or left of its dot."""
        x, y = dot["px"]
        width = len(dot["name"]) * 6.6
        for spot in ((x, y - 13), (x, y + 14), (x + width / 2 + 9, y), (x - width / 2 - 9, y)):
            if self._takes(spot, width):
                return {"name": dot["name"], "text": dot["name"], **self.frame.position(spot)}
        return None

    def at_edge(self, each: Mapping[str, Any]) -> dict[str, Any]:
        """A line from a place to the side on which its far end lies, with the name of that end."""
        x, y = each["at_px"]
        far_x, far_y = _mercator(each["far"])
        near_x, near_y = _mercator(each["near"])
        side = "right" if far_x >= near_x else "left"
        edge = WIDTH / 2 - 6 if side == "right" else -WIDTH / 2 + 6
        slope = (near_y - far_y) / (far_x - near_x) if far_x != near_x else 0.0
        wanted = max(-HEIGHT / 2 + 14, min(HEIGHT / 2 - 14, y + slope * (edge - x)))
        wanted = min(
            (slot for slot in _slots(wanted) if all(abs(slot - other) >= LINE_PX + 2 for other in self.edge[side])),
            key=lambda slot: abs(slot - wanted),
            default=wanted,
        )
        self.edge[side].append(wanted)
        width = len(each["name"]) * 6.9
        start = edge - width - 4 if side == "right" else edge + width + 4
        self.taken.append((min(edge, start), wanted - 8, max(edge, start), wanted + 8))
        line_end = self.frame.position((start, wanted))
        return {
            "lon": each["near"][0],
            "lat": each["near"][1],
            "lon2": line_end["lon"],
            "lat2": line_end["lat"],
            "people": each["people"],
            "way": "edge",
            "text": each["name"],
            "name": each["name"],
            "side": side,
            "name_at": self.frame.position((edge, wanted)),
        }

    def _takes(self, spot: tuple[float, float], width: float) -> bool:
        """Take the room for a text around a spot, where it is free."""
        box = (spot[0] - width / 2, spot[1] - 8, spot[0] + width / 2, spot[1] + 8)
        if abs(spot[0]) + width / 2 > WIDTH / 2 or abs(spot[1]) + 8 > HEIGHT / 2:
            return False
        if any(
            box[0] < other[2] and other[0] < box[2] and box[1] < other[3] and other[1] < box[3] for other in self.taken
        ):
            return False
        self.taken.append(box)
        return True


def _slots(wanted: float) -> list[float]:
    """Heights at an edge that a name may take: the wanted one, and every line above and below it."""
    half, step = HEIGHT / 2 - 14, LINE_PX + 2
    found = [wanted + number * step for number in range(-int(HEIGHT // step), int(HEIGHT // step) + 1)]
    return [slot for slot in found if -half <= slot <= half]


# ---- layers --------------------------------------------------------------------------------------------------

_AT = {"longitude": {"field": "lon", "type": "quantitative"}, "latitude": {"field": "lat", "type": "quantitative"}}


def _ride_layers(lines: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Roads as full lines, flights dashed, thicker for more people."""
    if not lines:
        return []
    most = max(line["people"] for line in lines)
    layers = []
    for way, color, dash in (("road", ROAD, [1, 0]), ("air", AIR, [6, 4]), ("edge", AIR, [2, 4])):
        found = [
            {key: value for key, value in line.items() if key in ("lon", "lat", "lon2", "lat2", "people", "text")}
            for line in lines
            if line["way"] == way
        ]
        if found:
            layers.append(
                {
                    "data": {"values": found},
                    "mark": {"type": "rule", "color": color, "opacity": 0.75, "strokeDash": dash, "clip": True},
                    "encoding": {
                        **_AT,
                        "longitude2": {"field": "lon2"},
                        "latitude2": {"field": "lat2"},
                        "size": {
                            "field": "people",
                            "type": "quantitative",
                            "legend": None,
                            "scale": {"domain": [0, most], "range": [1.5, 7]},
                        }
                        if way != "edge"
                        else {"value": 1.5},
                        "tooltip": {"field": "text", "type": "nominal"},
                    },
                }
            )
    return layers


def _crossing_layer(crossings: Iterable[MapCrossing], words: Mapping[str, str], frame: _Frame) -> dict[str, Any]:
    """Crossings by shape, filling and colour together; the two sides stand apart, each towards its own country."""
    marks = []
    for crossing in crossings:
        posts = ground().crossings[crossing.crossing_id].posts
        spot = frame.pixel((posts[0].lon, posts[0].lat))
        if crossing.post_id:
            mine, other = posts if posts[0].post_id == crossing.post_id else posts[::-1]
            spot = _aside(frame.pixel((mine.lon, mine.lat)), frame.pixel((other.lon, other.lat)), mine is posts[0])
        marks.append(
            {
                "id": crossing.post_id or crossing.crossing_id,
                "name": crossing.name,
                "state": words[crossing.state],
                "text": crossing.text,
                "size": 80 if crossing.is_used else 26,
                **frame.position(spot),
            }
        )
    states = [words["open"], words["closed"], words["restricted"]]

    def scale(values: Sequence[str]) -> dict[str, Any]:
        return {
            "field": "state",
            "type": "nominal",
            "title": None,
            "scale": {"domain": states, "range": list(values)},
            "legend": None,
        }

    return {
        "data": {"values": marks},
        "mark": {"type": "point", "strokeWidth": 1.6, "opacity": 1, "clip": True},
        "encoding": {
            **_AT,
            "shape": scale(["circle", RING_WITH_BAR, "triangle-up"]),
            "stroke": scale([OPEN, CLOSED, OTHER]),
            "fill": scale([OPEN, "#ffffff", "#ffffff"]),
            "size": {"field": "size", "type": "quantitative", "scale": None, "legend": None},
            "tooltip": [{"field": name, "type": "nominal", "title": " "} for name in ("name", "text")],
        },
    }


def _aside(mine: tuple[float, float], other: tuple[float, float], is_first: bool) -> tuple[float, float]:
    """The spot of one side of a crossing, far enough from the other side to be told apart."""
    dx, dy = mine[0] - other[0], mine[1] - other[1]
    length = hypot(dx, dy)
    if length >= 13:
        return mine
    if length < 0.01:
        dx, dy, length = (1.0 if is_first else -1.0), 0.0, 1.0
    push = (13 - length) / 2
    return mine[0] + dx / length * push, mine[1] + dy / length * push


def _texts(
    spots: Sequence[Mapping[str, Any]], *, size: int, color: str, weight: int, align: str
) -> list[dict[str, Any]]:
    """Texts with a light rim, so that they stay readable over lines."""
    if not spots:
        return []
    values = [
        {"name": spot["name"], **(spot.get("name_at") or {"lon": spot["lon"], "lat": spot["lat"]})} for spot in spots
    ]
    base = {"type": "text", "fontSize": size, "fontWeight": weight, "align": align, "baseline": "middle", "clip": True}
    encoding = {**_AT, "text": {"field": "name", "type": "nominal"}}
    return [
        {
            "data": {"values": values},
            "mark": {**base, "color": "#ffffff", "stroke": "#ffffff", "strokeWidth": 4, "opacity": 0.85},
            "encoding": encoding,
        },
        {"data": {"values": values}, "mark": {**base, "color": color}, "encoding": encoding},
    ]
