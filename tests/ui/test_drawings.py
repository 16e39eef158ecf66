"""Charts are plain data: what they show, and that nothing of them is fetched from elsewhere."""

from __future__ import annotations

import json
from datetime import datetime

from ui import drawings

WORDS = {"open": "abierto", "closed": "cerrado", "restricted": "ahora no"}
CROSSING = drawings.MapCrossing(crossing_id="GT-HN-COR", name="Corinto", state="closed", text="cerrado por aviso")
START = datetime.fromisoformat("2027-03-09T07:30")
END = datetime.fromisoformat("2027-03-09T10:05")
CORRIDOR = drawings.MapCorridor(
    from_place_id="MX-TAPACHULA", to_place_id="HN-CAMR-OMOA", person_count=38, text="Tapachula → Omoa: 38"
)


def test_the_map_says_a_closed_crossing_in_words_and_by_shape() -> None:
    spec = drawings.map_spec([CROSSING], [], words=WORDS, is_whole=True)

    layer = next(each for each in spec["layer"] if "shape" in each.get("encoding", {}))
    assert [row["state"] for row in layer["data"]["values"]] == ["cerrado"]
    assert layer["encoding"]["shape"]["scale"]["domain"] == ["abierto", "cerrado", "ahora no"]


def test_the_map_counts_the_people_of_a_corridor() -> None:
    spec = drawings.map_spec([CROSSING], [CORRIDOR], words=WORDS, is_whole=False)

    numbers = spec["layer"][-1]
    assert [row["people"] for row in numbers["data"]["values"]] == [38]
    # Tapachula lies at 92.3 W, Omoa at 88.0 W: the centre of the map is between them.
    assert -92.3 < spec["projection"]["center"][0] < -88.0


def test_no_chart_names_an_address_or_weighs_more_than_a_page() -> None:
    spec = json.dumps(drawings.map_spec([CROSSING], [CORRIDOR], words=WORDS, is_whole=True))

    assert "http" not in spec
    assert len(spec) < 400_000


def test_a_bar_of_the_timeline_carries_local_time_without_a_zone() -> None:
    bar = drawings.Bar(
        row="Autobús", kind="En camino", start=START, end=END, text="x"
    )  # fmt: skip

    spec = drawings.timeline_spec([bar], kinds=("En camino", "Descanso", "Frontera"), title="Hora de Tapachula")

    row = spec["layer"][1]["data"]["values"][0]
    assert (row["from"], row["to"]) == ("2027-03-09T07:30", "2027-03-09T10:05")
