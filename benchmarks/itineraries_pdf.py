"""Measures the papers of one movement. Run: ``python benchmarks/itineraries_pdf.py [--people N]``.

Prints seconds for the itineraries of everyone as one file, in ten languages by turns, and the sizes of papers.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import time
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from retorno.labels import labels_for  # noqa: E402
from retorno.papers.form import manifest_bytes  # noqa: E402
from retorno.papers.keys import new_signing_key  # noqa: E402
from retorno.papers.offline import offline_page  # noqa: E402
from retorno.papers.pages import Foot, manifest_pdf  # noqa: E402
from retorno.papers.personal import Itinerary, Stop, itineraries_pdf  # noqa: E402
from retorno.papers.seal import make_seal  # noqa: E402
from retorno.papers.words import person_languages  # noqa: E402
from retorno.vocabulary import Language  # noqa: E402
from tests.papers.papers_builders import NAMES, make_manifest  # noqa: E402

REPETITIONS = 11
START = datetime(2026, 3, 9, 12, 15, tzinfo=UTC)


def make_itinerary(number: int) -> Itinerary:
    """One person's journey of two days, three borders and a night."""
    kinds = ("depart", "border", "border", "night", "depart", "border", "reception")
    stops = [
        Stop(
            kind=kind,
            place=f"Lugar inventado {index}",
            at=START + timedelta(hours=3 * index),
            zone="America/Guatemala",
            vehicle="INV-184",
        )
        for index, kind in enumerate(kinds)
    ]
    return Itinerary(
        language=person_languages()[number % len(person_languages())],
        name=NAMES[number % len(NAMES)][0],
        reference="K7C-9WM-4TX",
        stops=stops,
        bring=("documents", "medicine", "clothes", "phone", "child"),
        companions=[name for name, _ in NAMES[:4]],
        met_by="CAMR Omoa",
        complaint_phone="+504 5550 0999",
        printed_on=date(2026, 3, 6),
        check_text="https://retorno.example.org/verify",
    )


def print_all(people: int) -> bytes:
    """The itineraries of so many people as one file."""
    return itineraries_pdf([make_itinerary(number) for number in range(people)])


def manifest_of(people: int) -> bytes:
    """A signed list of so many people in twenty scripts."""
    key, content = new_signing_key(), manifest_bytes(make_manifest(people))
    foot = Foot(
        audit_head="9f2c4e5a7b1d3f60",
        audit_day=date(2026, 3, 5),
        printed_by="U-1",
        printed_at=START,
        zone="America/Guatemala",
        check_address="https://retorno.example.org/verify",
    )
    labels = labels_for(Language.ES, "paper")
    return manifest_pdf(content, make_seal(content, key), labels=labels, language="es", foot=foot, key=key)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--people", type=int, default=60)
    people = parser.parse_args().people
    code = "import itineraries_pdf as b, time; t = time.perf_counter(); "
    code += f"b.print_all({people}); print(time.perf_counter() - t)"
    run = subprocess.run(
        [sys.executable, "-c", code], cwd=Path(__file__).parent, capture_output=True, text=True, check=True
    )
    print(f"{people} itineraries, first in a fresh process: {float(run.stdout):.2f} s")
    times = []
    for _ in range(REPETITIONS):
        begun = time.perf_counter()
        pdf = print_all(people)
        times.append(time.perf_counter() - begun)
    print(f"{people} itineraries, warm: median {statistics.median(times):.2f} s, worst {max(times):.2f} s")
    print(f"{people} itineraries: {len(pdf) / 1000:.0f} kB")
    for count in (7, 50, 60):
        print(f"manifest of {count} people in twenty scripts: {len(manifest_of(count)) / 1000:.0f} kB")
    key = new_signing_key()
    page = offline_page({key.key_id: key.public_bytes}, made_on=date(2026, 3, 6))
    print(f"page for the check without network: {len(page) / 1000:.0f} kB")


if __name__ == "__main__":
    main()
