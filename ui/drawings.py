"""Charts as plain Vega-Lite dicts: map, timeline, loads. Pure functions; each picture has a table beside it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

from retorno.situation import ground

OUTLINES = Path(__file__).resolve().parents[1] / "data" / "basemap_americas_50m.geojson"
WEST, EAST, SOUTH, NORTH = -119.0, -55.0, 5.0, 33.5
"""What the map shows, in degrees: from the north of Mexico to Panama and the Caribbean."""

OPEN, CLOSED, OTHER = "#0b5c7a", "#a4262c", "#6b6b6b"
FONT = {"labelFontSize": 12, "titleFontSize": 12}


@dataclass(frozen=True, kw_only=True)
class MapCrossing:
    """A crossing on the map: ``state`` is open, closed or restricted; ``text`` says it in words."""

    crossing_id: str
    name: str
    state: str
    text: str


@dataclass(frozen=True, kw_only=True)
class MapCorridor:
    """People between two places of the plan."""

    from_place_id: str
    to_place_id: str
    person_count: int
    text: str


@dataclass(frozen=True, kw_only=True)
class Bar:
    """A stretch of a row of the timeline, in place-local time without a zone."""

    row: str
    kind: str
    start: datetime
    end: datetime
    text: str


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


def _position(place_id: str) -> tuple[float, float] | None:
    facts = ground()
    where = facts.places.get(place_id) or facts.airports.get(place_id)
    return (where.lon, where.lat) if where else None


def map_spec(
    crossings: Iterable[MapCrossing], corridors: Iterable[MapCorridor], *, words: Mapping[str, str], is_whole: bool
) -> dict[str, Any]:
    """Outlines, crossings (filled circle open, barred ring closed) and corridors with their head counts.

    Parameters
    ----------
    words
        Words for ``open`` and ``closed``, in the visitor's language.
    is_whole
        Show the whole region; else only where corridors run.
    """
    lines = [line for line in (_line(corridor) for corridor in corridors) if line is not None]
    ends = {place_id: _position(place_id) for line in lines for place_id in (line["from"], line["to"])}
    inside = [position for position in ends.values() if position is not None and _is_in_region(position)]
    scale, center = _frame([] if is_whole else inside)
    land = {
        "data": {"values": outlines()},
        "mark": {"type": "geoshape", "fill": "#fbfaf7", "stroke": "#9a958a", "strokeWidth": 0.7},
    }
    return {
        "height": 460,
        "projection": {"type": "mercator", "scale": scale, "center": center},
        "config": {"background": "#eef3f5"},
        "layer": [
            land,
            *(_ride_layers(lines) if lines else ()),
            _crossing_layer(crossings, words),
            *(_name_layers(lines, ends) if lines else ()),
        ],
    }


def _is_in_region(position: tuple[float, float]) -> bool:
    return WEST <= position[0] <= EAST and SOUTH <= position[1] <= NORTH


_AT = {"longitude": {"field": "lon", "type": "quantitative"}, "latitude": {"field": "lat", "type": "quantitative"}}


def _line(corridor: MapCorridor) -> dict[str, Any] | None:
    """A corridor with both ends and its middle; None where a place has no position."""
    start, end = _position(corridor.from_place_id), _position(corridor.to_place_id)
    if start is None or end is None:
        return None
    # A way that leaves the region carries its number near the end that is still on the map.
    share = 0.5 if _is_in_region(start) and _is_in_region(end) else 0.1 if _is_in_region(start) else 0.9
    return {
        "from": corridor.from_place_id,
        "to": corridor.to_place_id,
        "lon": start[0],
        "lat": start[1],
        "lon2": end[0],
        "lat2": end[1],
        "mid_lon": start[0] + share * (end[0] - start[0]),
        "mid_lat": start[1] + share * (end[1] - start[1]),
        "people": corridor.person_count,
        "text": corridor.text,
    }


def _ride_layers(lines: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    width = {"field": "people", "type": "quantitative", "legend": None, "scale": {"range": [1.5, 7]}}
    return [
        {
            "data": {"values": list(lines)},
            "mark": {"type": "rule", "color": "#c7740a", "opacity": 0.8, "clip": True},
            "encoding": {
                **_AT,
                "longitude2": {"field": "lon2"},
                "latitude2": {"field": "lat2"},
                "size": width,
                "tooltip": {"field": "text", "type": "nominal"},
            },
        }
    ]


def _crossing_layer(crossings: Iterable[MapCrossing], words: Mapping[str, str]) -> dict[str, Any]:
    """Crossings by shape and colour together: circle open, cross closed, triangle not now."""
    marks = []
    for crossing in crossings:
        post = ground().crossings[crossing.crossing_id].posts[0]
        marks.append(
            {
                "id": crossing.crossing_id,
                "name": crossing.name,
                "state": words[crossing.state],
                "text": crossing.text,
                "lon": post.lon,
                "lat": post.lat,
            }
        )
    states = [words["open"], words["closed"], words["restricted"]]
    shape = {
        "field": "state",
        "type": "nominal",
        "title": None,
        "scale": {"domain": states, "range": ["circle", "cross", "triangle-up"]},
        "legend": {"orient": "top-right", "labelFontSize": 12},
    }
    color = {
        "field": "state",
        "type": "nominal",
        "title": None,
        "scale": {"domain": states, "range": [OPEN, CLOSED, OTHER]},
    }
    tooltip = [{"field": name, "type": "nominal", "title": " "} for name in ("name", "text")]
    return {
        "data": {"values": marks},
        "mark": {"type": "point", "size": 60, "strokeWidth": 2, "clip": True},
        "encoding": {**_AT, "shape": shape, "color": color, "tooltip": tooltip},
    }


def _name_layers(
    lines: Sequence[Mapping[str, Any]], ends: Mapping[str, tuple[float, float] | None]
) -> list[dict[str, Any]]:
    """Dots and names of the places, and the number of people on every corridor."""
    facts = ground()
    dots = [
        {
            "name": (facts.places.get(place_id) or facts.airports[place_id]).name,
            "lon": position[0],
            "lat": position[1],
        }
        for place_id, position in ends.items()
        if position is not None and _is_in_region(position)
    ]
    middle = {
        "longitude": {"field": "mid_lon", "type": "quantitative"},
        "latitude": {"field": "mid_lat", "type": "quantitative"},
    }
    return [
        {
            "data": {"values": dots},
            "mark": {"type": "circle", "size": 40, "color": "#1b1b1b", "opacity": 1, "clip": True},
            "encoding": {**_AT, "tooltip": {"field": "name", "type": "nominal"}},
        },
        {
            "data": {"values": _apart(dots)},
            "mark": {"type": "text", "dy": -10, "fontSize": 12, "color": "#1b1b1b", "fontWeight": 600, "clip": True},
            "encoding": {**_AT, "text": {"field": "name", "type": "nominal"}},
        },
        {
            "data": {"values": list(lines)},
            "mark": {"type": "text", "fontSize": 14, "fontWeight": 700, "color": "#7a4300", "dy": -8, "clip": True},
            "encoding": {**middle, "text": {"field": "people", "type": "quantitative"}},
        },
    ]


def _apart(dots: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Places whose names can stand beside each other; the others tell theirs when pointed at, and in the table."""
    lons = [dot["lon"] for dot in dots]
    gap = max((max(lons) - min(lons)) / 7, 0.3) if lons else 0.0
    named: list[Mapping[str, Any]] = []
    for dot in dots:
        if all(abs(dot["lon"] - each["lon"]) > gap or abs(dot["lat"] - each["lat"]) > gap / 5 for each in named):
            named.append(dot)
    return named


def _frame(points: Sequence[tuple[float, float]]) -> tuple[float, list[float]]:
    """Scale and centre of the map that hold every point with a margin."""
    if not points:
        return 900.0, [-87.0, 17.5]
    lons, lats = [lon for lon, _ in points], [lat for _, lat in points]
    span = max(max(lons) - min(lons), 1.6 * (max(lats) - min(lats)), 2.5)
    return min(6000.0, 30_000.0 / span), [(max(lons) + min(lons)) / 2, (max(lats) + min(lats)) / 2]


def timeline_spec(bars: Sequence[Bar], *, kinds: Sequence[str], title: str) -> dict[str, Any]:
    """A row per vehicle or flight, days across; bars in place-local time.

    Parameters
    ----------
    kinds
        The words for ride, rest and border, in the order of the legend.
    title
        Title of the time axis; it names whose clock it is.
    """
    rows = list(dict.fromkeys(bar.row for bar in bars))
    days = sorted({bar.start.date() for bar in bars} | {bar.end.date() for bar in bars})
    nights = [
        {"from": f"{day}T{start}", "to": f"{day}T{end}"}
        for day in days
        for start, end in (("00:00:00", "06:00:00"), ("18:00:00", "23:59:59"))
    ]
    values = [
        {
            "row": bar.row,
            "kind": bar.kind,
            "from": bar.start.isoformat(timespec="minutes"),
            "to": bar.end.isoformat(timespec="minutes"),
            "text": bar.text,
        }
        for bar in bars
    ]
    axis = {"format": "%d/%m %H:%M", "title": title, "labelAngle": -30, "labelOverlap": True, **FONT}
    return {
        "height": {"step": 30},
        "layer": [
            {
                "data": {"values": nights},
                "mark": {"type": "rect", "color": "#5b6670", "opacity": 0.13},
                "encoding": {"x": {"field": "from", "type": "temporal", "axis": axis}, "x2": {"field": "to"}},
            },
            {
                "data": {"values": values},
                "mark": {"type": "bar", "height": 16, "cornerRadius": 2},
                "encoding": {
                    "x": {"field": "from", "type": "temporal", "axis": axis},
                    "x2": {"field": "to"},
                    "y": {
                        "field": "row", "type": "nominal", "sort": rows, "title": None,
                        "axis": {"labelLimit": 260, **FONT},
                    },
                    "color": {
                        "field": "kind", "type": "nominal", "title": None,
                        "scale": {"domain": list(kinds), "range": ["#0b5c7a", "#d9b44a", "#a4262c"]},
                        "legend": {"orient": "top", "labelFontSize": 12},
                    },
                    "tooltip": {"field": "text", "type": "nominal"},
                },
            },
        ],
    }  # fmt: skip


def loads_spec(rows: Sequence[Mapping[str, Any]], *, used: str, limit: str) -> dict[str, Any]:
    """How full each vehicle, crossing or place is: a bar for what is used, a tick for the limit."""
    names = list(dict.fromkeys(str(row["name"]) for row in rows))
    y = {"field": "name", "type": "nominal", "sort": names, "title": None, "axis": {"labelLimit": 260, **FONT}}
    return {
        "height": {"step": 26},
        "data": {"values": list(rows)},
        "layer": [
            {
                "mark": {"type": "bar", "height": 14, "color": "#0b5c7a"},
                "encoding": {
                    "y": y,
                    "x": {"field": "used", "type": "quantitative", "title": used, "axis": {"tickMinStep": 1, **FONT}},
                },
            },
            {
                "mark": {"type": "tick", "thickness": 3, "size": 22, "color": "#a4262c"},
                "encoding": {
                    "y": y,
                    "x": {"field": "limit", "type": "quantitative"},
                    "tooltip": {"field": "limit", "type": "quantitative", "title": limit},
                },
            },
        ],
    }
