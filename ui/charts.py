"""Timeline, loads and waiting as plain Vega-Lite dicts. Pure functions; each picture has a table beside it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

BLUE, VIOLET, SAND, RED, GREY, INK = "#0b5c7a", "#5b4a8a", "#e7c66b", "#a4262c", "#5b6670", "#1b1b1b"
FONT = {"labelFontSize": 12, "titleFontSize": 12, "labelColor": INK, "titleColor": INK}
WIDE_DAYS = 3
"""Up to so many days, hours stand beside the borders; beyond that there is no room."""
NARROW_DAYS = 7
"""Beyond so many days a full sign would hide a short ride: signs get smaller."""


@dataclass(frozen=True, kw_only=True)
class Bar:
    """A ride of a row of the timeline, in place-local time without a zone; ``text`` is shown when pointed at."""

    row: str
    start: datetime
    end: datetime
    people: int
    is_air: bool
    text: str


@dataclass(frozen=True, kw_only=True)
class Mark:
    """Something on the way: ``kind`` is stop, border or rest; ``hour`` may stand beside it."""

    row: str
    kind: str
    start: datetime
    end: datetime
    hour: str
    text: str


@dataclass(frozen=True, kw_only=True)
class DayLoad:
    """Use of one limit on one day; ``spare`` are seats that stay empty on purpose."""

    day: date
    used: int
    limit: int | None
    spare: int = 0


def timeline_spec(
    bars: Sequence[Bar],
    marks: Sequence[Mark],
    *,
    first: date,
    last: date,
    nights: Sequence[tuple[datetime, datetime]],
    words: Mapping[str, str],
) -> dict[str, Any]:
    """A row per vehicle or flight, days across; bars in place-local time, nights shaded.

    Parameters
    ----------
    first, last
        The days to show; what lies outside is left out.
    nights
        Stretches of darkness, without a zone.
    words
        The ``title`` of the time axis; what the signs mean stands beside the picture.
    """
    begin = datetime.combine(first, datetime.min.time())
    end = datetime.combine(last + timedelta(days=1), datetime.min.time())
    seen = [bar for bar in bars if bar.end > begin and bar.start < end]
    rows = list(dict.fromkeys(bar.row for bar in seen))
    hours = (end - begin).total_seconds() / 3600
    x = {
        "type": "temporal",
        "scale": {"type": "utc", "domain": [_utc(begin), _utc(end)], "nice": False},
        "title": words["title"],
        "axis": {
            "format": "%d/%m" if hours > 24 * WIDE_DAYS else "%d/%m %H:%M",
            "tickCount": {"interval": "day", "step": 1} if hours > 24 * WIDE_DAYS else {"interval": "hour", "step": 6},
            "labelAlign": "left",
            "labelOverlap": True,
            "grid": True,
            "orient": "top",
            **FONT,
        },
    }
    y = {
        "field": "row",
        "type": "nominal",
        "sort": rows,
        "title": None,
        "scale": {"domain": rows},
        "axis": {"labelLimit": 190, "grid": False, "ticks": False, "domain": False, "labelPadding": 8, **FONT},
    }
    span = {"x": {"field": "from", **x}, "x2": {"field": "to"}}
    values = [
        {
            "row": bar.row,
            "from": _utc(max(bar.start, begin)),
            "to": _utc(min(bar.end, end)),
            "kind": "air" if bar.is_air else "road",
            "people": str(bar.people),
            "text": bar.text,
        }
        for bar in seen
    ]
    dark = [{"from": _utc(start), "to": _utc(stop)} for start, stop in _clipped(nights, begin, end)]
    color = {
        "field": "kind",
        "type": "nominal",
        "title": None,
        "scale": {"domain": ["road", "air"], "range": [BLUE, VIOLET]},
        "legend": None,
    }
    return {
        "height": {"step": 30},
        "config": {"view": {"stroke": "#d5d5d5"}},
        "layer": [
            {
                "data": {"values": dark},
                "mark": {"type": "rect", "color": GREY, "opacity": 0.16},
                "encoding": span,
            },
            {
                "data": {"values": values},
                "mark": {"type": "bar", "height": 18, "cornerRadius": 3, "clip": True},
                "encoding": {**span, "y": y, "color": color, "tooltip": {"field": "text", "type": "nominal"}},
            },
            *_mark_layers(marks, seen, begin=begin, end=end, x=x, y=y),
            {
                "data": {"values": values},
                "mark": {"type": "text", "align": "left", "dx": 4, "fontSize": 12, "fontWeight": 700, "color": INK},
                "encoding": {"x": {"field": "to", **x}, "y": y, "text": {"field": "people", "type": "nominal"}},
            },
        ],
    }


def _utc(moment: datetime) -> str:
    """A place-local moment as the chart reads it: on a clock without a zone, so that the browser's never enters."""
    return moment.isoformat(timespec="minutes") + "Z"


def _clipped(
    spans: Sequence[tuple[datetime, datetime]], begin: datetime, end: datetime
) -> list[tuple[datetime, datetime]]:
    return [(max(start, begin), min(stop, end)) for start, stop in spans if stop > begin and start < end]


def _mark_layers(
    marks: Sequence[Mark],
    bars: Sequence[Bar],
    *,
    begin: datetime,
    end: datetime,
    x: Mapping[str, Any],
    y: Mapping[str, Any],
) -> list[dict[str, Any]]:
    """Rests as light stretches of the bar, stops as rings, borders as diamonds with the hour where there is room."""
    rows = {bar.row for bar in bars}
    found: dict[str, list[dict[str, str]]] = {"rest": [], "stop": [], "border": []}
    has_room = (end - begin) <= timedelta(days=WIDE_DAYS)
    for mark in marks:
        if mark.row in rows and mark.end > begin and mark.start < end:
            found[mark.kind].append(
                {
                    "row": mark.row,
                    "from": _utc(max(mark.start, begin)),
                    "to": _utc(min(mark.end, end)),
                    "kind": mark.kind,
                    "hour": mark.hour if has_room else "",
                    "text": mark.text,
                }
            )
    at = {"x": {"field": "from", **x}, "y": y, "tooltip": {"field": "text", "type": "nominal"}}
    kinds = {"field": "kind", "type": "nominal", "legend": None}
    points = {
        **at,
        "shape": {**kinds, "scale": {"domain": ["stop", "border"], "range": ["circle", "diamond"]}},
        "fill": {**kinds, "scale": {"domain": ["stop", "border"], "range": ["#ffffff", RED]}},
    }
    return [
        {
            "data": {"values": found["rest"]},
            "mark": {"type": "bar", "height": 18, "color": SAND, "clip": True},
            "encoding": {**at, "x2": {"field": "to"}},
        },
        {
            "data": {"values": [*found["stop"], *found["border"]]},
            "mark": {
                "type": "point",
                "size": 55 if end - begin <= timedelta(days=NARROW_DAYS) else 26,
                "opacity": 1,
                "strokeWidth": 1.2,
                "stroke": INK,
                "clip": True,
            },
            "encoding": points,
        },
        {
            "data": {"values": found["border"]},
            "mark": {"type": "text", "dy": -13, "fontSize": 11, "color": RED, "fontWeight": 600, "clip": True},
            "encoding": {"x": at["x"], "y": y, "text": {"field": "hour", "type": "nominal"}},
        },
    ]


def loads_spec(rows: Sequence[DayLoad], *, days: Sequence[date], words: Mapping[str, str]) -> dict[str, Any]:
    """One limit day by day: a bar for what is used, a line for the limit, spare seats hatched beyond it.

    Parameters
    ----------
    words
        Words for ``used`` and ``limit``.
    """
    domain = [f"{day:%d/%m}" for day in days]
    values = [
        {
            "day": f"{row.day:%d/%m}",
            "used": row.used,
            "limit": row.limit,
            "text": f"{row.day:%d/%m}: {row.used}" + (f" / {row.limit}" if row.limit is not None else ""),
        }
        for row in rows
    ]
    top = max([row.used for row in rows] + [(row.limit or 0) + row.spare for row in rows] + [1])
    step = max(1, round(top / 24))
    hatch = [
        {"day": f"{row.day:%d/%m}", "at": at}
        for row in rows
        if row.spare and row.limit is not None
        for at in range(row.limit + 1, row.limit + row.spare + 1, step)
    ]
    x = {
        "field": "day",
        "type": "ordinal",
        "scale": {"domain": domain, "paddingInner": 0.3},
        "title": None,
        "axis": {"labelAngle": 0, "labelOverlap": True, **FONT},
    }
    y = {"type": "quantitative", "scale": {"domain": [0, top]}, "title": None, "axis": {"tickCount": 4, **FONT}}
    return {
        "height": 120,
        "layer": [
            {
                "data": {"values": values},
                "mark": {"type": "bar", "color": BLUE},
                "encoding": {
                    "x": x,
                    "y": {"field": "used", **y},
                    "tooltip": {"field": "text", "type": "nominal", "title": words["used"]},
                },
            },
            {
                "data": {"values": hatch},
                "mark": {"type": "tick", "orient": "horizontal", "color": "#8a8a8a", "thickness": 1},
                "encoding": {"x": x, "y": {"field": "at", **y}},
            },
            {
                "data": {"values": [row for row in values if row["limit"] is not None]},
                "mark": {"type": "tick", "orient": "horizontal", "color": RED, "thickness": 3, "opacity": 1},
                "encoding": {
                    "x": x,
                    "y": {"field": "limit", **y},
                    "tooltip": {"field": "limit", "type": "quantitative", "title": words["limit"]},
                },
            },
            *_readable(
                {"dy": -7, "fontSize": 12, "fontWeight": 600, "color": INK},
                values,
                {"x": x, "y": {"field": "used", **y}, "text": {"field": "used", "type": "quantitative"}},
            ),
        ],
    }


def _readable(
    look: Mapping[str, Any], values: Sequence[Mapping[str, Any]], encoding: Mapping[str, Any]
) -> list[dict[str, Any]]:
    """A number with a white edge behind it, so that a line that passes there hides no digit."""
    edge = {**look, "stroke": "#ffffff", "strokeWidth": 4, "strokeJoin": "round"}
    return [
        {"data": {"values": values}, "mark": {"type": "text", **mark}, "encoding": encoding} for mark in (edge, look)
    ]


def waits_spec(rows: Sequence[tuple[str, int]], *, everyone: int, words: Mapping[str, str]) -> dict[str, Any]:
    """Days within which nine of ten are home, one bar a row, against the same figure for everyone.

    Parameters
    ----------
    rows
        Name and days.
    words
        Word for the ``days`` of the axis and for ``everyone``.
    """
    names = [name for name, _ in rows]
    y = {
        "field": "name",
        "type": "nominal",
        "sort": names,
        "title": None,
        "axis": {"labelLimit": 170, "ticks": False, "domain": False, "labelPadding": 6, **FONT},
    }
    x = {"type": "quantitative", "title": words["days"], "axis": {"tickMinStep": 1, **FONT}}
    values = [{"name": name, "days": days} for name, days in rows]
    return {
        "height": {"step": 24},
        "layer": [
            {
                "data": {"values": [{"days": everyone}]},
                "mark": {"type": "rule", "color": RED, "strokeWidth": 2, "strokeDash": [5, 3]},
                "encoding": {
                    "x": {"field": "days", **x},
                    "tooltip": {"field": "days", "type": "quantitative", "title": words["everyone"]},
                },
            },
            {
                "data": {"values": values},
                "mark": {"type": "bar", "height": 13, "color": BLUE, "cornerRadius": 2},
                "encoding": {"y": y, "x": {"field": "days", **x}},
            },
            *_readable(
                {"align": "left", "dx": 5, "fontSize": 12, "fontWeight": 600, "color": INK},
                values,
                {"y": y, "x": {"field": "days", **x}, "text": {"field": "days", "type": "quantitative"}},
            ),
        ],
    }


def waiting_spec(rows: Sequence[tuple[date, int]], *, words: Mapping[str, str]) -> dict[str, Any]:
    """People who still wait at the end of each day, one bar a day with its number.

    Parameters
    ----------
    words
        Word for ``waiting``, which names the axis.
    """
    values = [{"day": f"{day:%d/%m}", "waiting": waiting} for day, waiting in rows]
    x = {
        "field": "day",
        "type": "ordinal",
        "scale": {"domain": [row["day"] for row in values], "paddingInner": 0.3},
        "title": None,
        "axis": {"labelAngle": 0, "labelOverlap": True, **FONT},
    }
    top = max([waiting for _, waiting in rows] + [1])
    y = {
        "field": "waiting",
        "type": "quantitative",
        "scale": {"domain": [0, top]},
        "title": words["waiting"],
        "axis": {"tickCount": 4, **FONT},
    }
    return {
        "height": 160,
        "layer": [
            {"data": {"values": values}, "mark": {"type": "bar", "color": BLUE}, "encoding": {"x": x, "y": y}},
            {
                "data": {"values": values},
                "mark": {"type": "text", "dy": -7, "fontSize": 12, "fontWeight": 600, "color": INK},
                "encoding": {"x": x, "y": y, "text": {"field": "waiting", "type": "quantitative"}},
            },
        ],
    }


def harms_spec(rows: Sequence[tuple[str, int]], *, color: str, title: str) -> dict[str, Any]:
    """What each failure would do, one bar a row with its number, in the order given.

    Parameters
    ----------
    rows
        Name and count; a name that comes twice stands on two rows.
    title
        Words for the count, which name the axis.
    """
    values = [{"row": number, "name": name, "count": count} for number, (name, count) in enumerate(rows)]
    names = {str(value["row"]): value["name"] for value in values}
    y = {
        "field": "row",
        "type": "ordinal",
        "title": None,
        "axis": {
            "labelExpr": f"{json.dumps(names, ensure_ascii=False)}[datum.label]",
            "labelLimit": 260,
            "ticks": False,
            "domain": False,
            "labelPadding": 6,
            **FONT,
        },
    }
    x = {"field": "count", "type": "quantitative", "title": title, "axis": {"tickMinStep": 1, **FONT}}
    return {
        "height": {"step": 24},
        "layer": [
            {
                "data": {"values": values},
                "mark": {"type": "bar", "height": 13, "color": color, "cornerRadius": 2},
                "encoding": {"y": y, "x": x, "tooltip": [{"field": "name"}, {"field": "count", "title": title}]},
            },
            *_readable(
                {"align": "left", "dx": 5, "fontSize": 12, "fontWeight": 600, "color": INK},
                values,
                {"y": y, "x": x, "text": {"field": "count", "type": "quantitative"}},
            ),
        ],
    }
