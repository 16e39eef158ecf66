"""Country outlines, to find a position that lies in the wrong country or in the sea."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

EARTH_RADIUS_KM = 6371.0088
KM_PER_DEGREE = 111.2

FINE_FILE, COARSE_FILE = "basemap_americas_50m.geojson", "basemap_world_110m.geojson"
FINE_SLACK_KM, COARSE_SLACK_KM = 6.0, 60.0
"""How far outside its outline a position may lie; outlines are simplified (1:50m and 1:110m)."""

Ring = Sequence[Sequence[float]]


def great_circle_km(lat_a: float, lon_a: float, lat_b: float, lon_b: float) -> float:
    """Great-circle distance of two positions in degrees, in km."""
    a, b = math.radians(lat_a), math.radians(lat_b)
    half_lat, half_lon = (b - a) / 2, math.radians(lon_b - lon_a) / 2
    h = math.sin(half_lat) ** 2 + math.cos(a) * math.cos(b) * math.sin(half_lon) ** 2
    return 2 * EARTH_RADIUS_KM * math.asin(math.sqrt(h))


@dataclass(frozen=True, kw_only=True)
class Polygon:
    """One part of a country: outer ring, holes, and the box around it in degrees."""

    outer: Ring
    holes: Sequence[Ring]
    west: float
    south: float
    east: float
    north: float

    def km_to_box(self, lat: float, lon: float) -> float:
        """Distance to the box, in km: 0 inside it, never more than the distance to the outline."""
        across = max(self.west - lon, lon - self.east, 0.0) * math.cos(math.radians(lat))
        return math.hypot(across, max(self.south - lat, lat - self.north, 0.0)) * KM_PER_DEGREE


@dataclass(frozen=True, kw_only=True)
class Outlines:
    """Polygons per country, fine for the Americas and coarse for the world."""

    fine: dict[str, list[Polygon]]
    coarse: dict[str, list[Polygon]]

    def km_outside(self, country: str, lat: float, lon: float) -> tuple[float, float] | None:
        """How far a position lies outside its country, and how much is allowed; km.

        Returns
        -------
        tuple or None
            ``None`` where no outline of the country is known.
        """
        in_americas = country in self.fine and -140 < lon < -34 and lat < 61
        polygons = (self.fine if in_americas else self.coarse).get(country)
        if polygons is None:
            return None
        return _km_outside(polygons, lat, lon), FINE_SLACK_KM if in_americas else COARSE_SLACK_KM


def load_outlines(folder: Path) -> Outlines:
    """The outlines of a data folder.

    Raises
    ------
    OSError, ValueError, KeyError
        If a file is missing or is not a map of country outlines.
    """
    return Outlines(fine=_polygons(folder / FINE_FILE), coarse=_polygons(folder / COARSE_FILE))


def _polygons(path: Path) -> dict[str, list[Polygon]]:
    document: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    countries: dict[str, list[Polygon]] = {}
    for feature in document["features"]:
        shape = feature["geometry"]
        parts = [shape["coordinates"]] if shape["type"] == "Polygon" else shape["coordinates"]
        countries.setdefault(feature["properties"]["iso2"], []).extend(_polygon(part) for part in parts)
    return countries


def _polygon(rings: Sequence[Ring]) -> Polygon:
    outer, *holes = rings
    lons, lats = [point[0] for point in outer], [point[1] for point in outer]
    return Polygon(outer=outer, holes=holes, west=min(lons), south=min(lats), east=max(lons), north=max(lats))


def _km_outside(polygons: Sequence[Polygon], lat: float, lon: float) -> float:
    for polygon in polygons:
        if (
            polygon.km_to_box(lat, lon) == 0
            and _in_ring(lat, lon, polygon.outer)
            and not any(_in_ring(lat, lon, hole) for hole in polygon.holes)
        ):
            return 0.0
    best = math.inf
    for polygon in sorted(polygons, key=lambda each: each.km_to_box(lat, lon)):
        if polygon.km_to_box(lat, lon) >= best:
            break
        best = min(best, _km_to_ring(lat, lon, polygon.outer))
    return best


def _sides(ring: Ring) -> Iterator[tuple[Sequence[float], Sequence[float]]]:
    return zip(ring, [*ring[1:], ring[0]], strict=True)


def _in_ring(lat: float, lon: float, ring: Ring) -> bool:
    inside = False
    for (x1, y1), (x2, y2) in _sides(ring):
        if (y1 > lat) != (y2 > lat) and lon < (x2 - x1) * (lat - y1) / (y2 - y1) + x1:
            inside = not inside
    return inside


def _km_to_ring(lat: float, lon: float, ring: Ring) -> float:
    # Flat geometry around the position: exact enough for a few tens of kilometres.
    shrink, best = math.cos(math.radians(lat)), math.inf
    for (x1, y1), (x2, y2) in _sides(ring):
        ax, ay, dx, dy = (x1 - lon) * shrink, y1 - lat, (x2 - x1) * shrink, y2 - y1
        length = dx * dx + dy * dy
        along = max(0.0, min(1.0, -(ax * dx + ay * dy) / length)) if length else 0.0
        best = min(best, math.hypot(ax + along * dx, ay + along * dy) * KM_PER_DEGREE)
    return best
