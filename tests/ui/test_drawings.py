"""Charts are plain data: what they show, and that nothing of them is fetched from elsewhere."""

from __future__ import annotations

import json
from datetime import date, datetime, timedelta
from typing import Any

from ui import charts, drawings

WORDS = {"open": "abierto", "closed": "cerrado", "restricted": "restringido"}
CROSSING = drawings.MapCrossing(crossing_id="GT-HN-COR", name="Corinto", state="closed", text="cerrado por aviso")
ROAD = drawings.MapRide(
    waypoints=("MX-TAPACHULA", "MX-GT-TAL", "HN-CAMR-OMOA"), person_count=38, is_air=False, text="Tapachula → Omoa: 38"
)
FLIGHT = drawings.MapRide(waypoints=("APT-TAP", "APT-MAD"), person_count=3, is_air=True, text="Tapachula → Madrid: 3")
BAR = charts.Bar(
    row="INV-114",
    start=datetime.fromisoformat("2027-03-09T07:30"),
    end=datetime.fromisoformat("2027-03-09T16:05"),
    people=38,
    is_air=False,
    text="Autobús INV-114",
)
BORDER = charts.Mark(
    row="INV-114",
    kind="border",
    start=datetime.fromisoformat("2027-03-09T08:10"),
    end=datetime.fromisoformat("2027-03-09T08:11"),
    hour="08:10",
    text="Talismán 08:10",
)


def layers(spec: dict[str, Any], kind: str) -> list[dict[str, Any]]:
    """The layers of a chart with this mark."""
    return [layer for layer in spec["layer"] if layer["mark"]["type"] == kind]


def drawn_timeline(first: date, last: date, bars: list[charts.Bar] | None = None) -> dict[str, Any]:
    """The timeline of one bus."""
    night = (datetime.fromisoformat("2027-03-09T18:20"), datetime.fromisoformat("2027-03-10T06:02"))
    return charts.timeline_spec(
        bars or [BAR], [BORDER], first=first, last=last, nights=[night], words={"title": "Hora local"}
    )


def test_the_map_says_a_closed_crossing_in_words_and_by_a_barred_ring() -> None:
    spec = drawings.map_spec([CROSSING], [], words=WORDS, is_whole=True)

    layer = next(each for each in spec["layer"] if "shape" in each.get("encoding", {}))
    assert [row["state"] for row in layer["data"]["values"]] == ["cerrado"]
    shapes = dict(
        zip(layer["encoding"]["shape"]["scale"]["domain"], layer["encoding"]["shape"]["scale"]["range"], strict=True)
    )
    assert shapes == {"abierto": "circle", "cerrado": drawings.RING_WITH_BAR, "restringido": "triangle-up"}


def test_the_two_sides_of_a_crossing_do_not_hide_each_other() -> None:
    sides = [
        drawings.MapCrossing(crossing_id="MX-GT-TAL", post_id=f"MX-GT-TAL-{side}", name=side, state="open", text="")
        for side in "AB"
    ]

    spec = drawings.map_spec(sides, [ROAD], words=WORDS, is_whole=False)

    first, second = next(each for each in spec["layer"] if "shape" in each.get("encoding", {}))["data"]["values"]
    assert (first["lon"], first["lat"]) != (second["lon"], second["lat"])


def test_the_map_counts_the_people_of_a_stretch_once_for_all_who_ride_it() -> None:
    other = drawings.MapRide(waypoints=("MX-TAPACHULA", "MX-GT-TAL"), person_count=5, is_air=False, text="x")

    spec = drawings.map_spec([CROSSING], [ROAD, other], words=WORDS, is_whole=False)

    lines = layers(spec, "rule")[0]["data"]["values"]
    # 38 + 5 ride to the crossing, 38 beyond it.
    assert sorted(line["people"] for line in lines) == [38, 43]
    # Tapachula lies at 92.3 W, Omoa at 88.0 W: the centre of the map is between them.
    assert -92.3 < spec["projection"]["center"][0] < -88.0


def test_whoever_flies_out_of_the_region_is_named_at_the_edge() -> None:
    spec = drawings.map_spec([], [ROAD, FLIGHT], words=WORDS, is_whole=False)

    texts = [row["name"] for layer in layers(spec, "text") for row in layer["data"]["values"]]
    assert "→ Madrid 3" in texts
    # Madrid lies at 3.6 W: a line to it would run across the whole map.
    ends = [line["lon2"] for layer in layers(spec, "rule") for line in layer["data"]["values"]]
    assert max(ends) < -80


def test_no_two_names_or_numbers_lie_on_each_other() -> None:
    layout = drawings._Layout(drawings._frame([(-92.3, 14.9), (-88.0, 15.7)]))

    first = layout.name({"name": "Tapachula", "px": (0.0, 0.0)})
    second = layout.name({"name": "Aeropuerto", "px": (2.0, 1.0)})

    assert first is not None
    assert second is not None
    assert first["lat"] != second["lat"]


def test_no_chart_names_an_address_or_weighs_more_than_a_page() -> None:
    spec = json.dumps(drawings.map_spec([CROSSING], [ROAD, FLIGHT], words=WORDS, is_whole=True))

    assert "http" not in spec
    assert len(spec) < 400_000


def test_a_bar_of_the_timeline_carries_local_time_that_no_browser_zone_moves() -> None:
    spec = drawn_timeline(date(2027, 3, 9), date(2027, 3, 9))

    bar = layers(spec, "bar")[0]
    row = bar["data"]["values"][0]
    assert (row["from"], row["to"]) == ("2027-03-09T07:30Z", "2027-03-09T16:05Z")
    assert bar["encoding"]["x"]["scale"]["type"] == "utc"


def test_the_timeline_shows_only_the_days_that_are_chosen_and_cuts_the_night_to_them() -> None:
    spec = drawn_timeline(date(2027, 3, 9), date(2027, 3, 9))
    later = drawn_timeline(date(2027, 3, 10), date(2027, 3, 11))

    assert [row["to"] for row in layers(spec, "rect")[0]["data"]["values"]] == ["2027-03-10T00:00Z"]
    assert layers(later, "bar")[0]["data"]["values"] == []


def test_the_hour_of_a_border_stands_beside_it_only_where_there_is_room() -> None:
    near = drawn_timeline(date(2027, 3, 9), date(2027, 3, 10))
    far = drawn_timeline(date(2027, 3, 1), date(2027, 3, 14))

    hours = [
        [row.get("hour", "") for layer in layers(spec, "point") for row in layer["data"]["values"]]
        for spec in (near, far)
    ]
    assert hours == [["08:10"], [""]]


def test_forty_vehicles_in_fourteen_days_have_a_row_each_and_stay_small() -> None:
    bars = [
        charts.Bar(
            row=f"INV-{number}",
            start=BAR.start + timedelta(days=day),
            end=BAR.end + timedelta(days=day),
            people=38,
            is_air=False,
            text="x",
        )
        for number in range(40)
        for day in range(14)
    ]

    spec = drawn_timeline(date(2027, 3, 9), date(2027, 3, 22), bars)

    assert len(layers(spec, "bar")[0]["encoding"]["y"]["scale"]["domain"]) == 40
    assert len(json.dumps(spec)) < 250_000


def test_spare_seats_are_hatched_beyond_the_limit() -> None:
    rows = [charts.DayLoad(day=date(2027, 3, 9), used=38, limit=40, spare=5)]

    spec = charts.loads_spec(rows, days=[date(2027, 3, 9)], words={"used": "Personas", "limit": "Límite"})

    hatch, limit = layers(spec, "tick")
    assert [row["at"] for row in hatch["data"]["values"]] == [41, 43, 45]
    assert [row["limit"] for row in limit["data"]["values"]] == [40]


def test_a_day_without_a_limit_has_no_limit_line() -> None:
    rows = [charts.DayLoad(day=date(2027, 3, 9), used=11, limit=None)]

    spec = charts.loads_spec(rows, days=[date(2027, 3, 9)], words={"used": "Personas", "limit": "Límite"})

    assert layers(spec, "tick")[1]["data"]["values"] == []


def test_waiting_is_drawn_against_everyones() -> None:
    spec = charts.waits_spec(
        [("Haití", 159), ("Honduras", 80)], everyone=142, words={"days": "Días", "everyone": "Todas"}
    )

    assert [row["days"] for row in layers(spec, "rule")[0]["data"]["values"]] == [142]
    assert [row["days"] for row in layers(spec, "bar")[0]["data"]["values"]] == [159, 80]
