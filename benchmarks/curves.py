"""Pictures of the CSV files that ``curve_run.py`` wrote, as small SVG files beside them.

    PYTHON benchmarks/curves.py

PYTHON is an interpreter with matplotlib (``benchmarks/requirements.txt``); nothing of retorno is needed.
"""

import csv
import importlib
import sys
from pathlib import Path

FIGURES = Path(__file__).resolve().parents[1] / "docs" / "figures"


def rows_of(path: Path) -> list[dict[str, str]]:
    """The rows of a CSV file by column name."""
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def save(figure, name: str) -> None:
    """Write a figure, the same bytes for the same points."""
    figure.tight_layout()
    figure.savefig(FIGURES / name, metadata={"Date": None})
    print(FIGURES / name)


def main() -> int:
    """Draw all; status 1 if matplotlib is missing."""
    try:
        pyplot = importlib.import_module("matplotlib.pyplot")
    except ImportError:
        print("matplotlib is missing: install benchmarks/requirements.txt")
        return 1
    # Text stays text, and names within the file do not change from run to run.
    pyplot.rcParams.update({"svg.fonttype": "none", "svg.hashsalt": "retorno", "font.size": 9})
    figure, axes = pyplot.subplots(figsize=(6, 3.4))
    for path in sorted(FIGURES.glob("gap-*.csv")):
        points = [row for row in rows_of(path) if row["bound_cents"] and int(row["value_cents"]) > 0]
        if not points:
            continue
        gaps = [100 * max(0.0, 1 - int(row["bound_cents"]) / int(row["value_cents"])) for row in points]
        seconds = [float(row["seconds"]) for row in points]
        axes.step(seconds, gaps, where="post", label=path.stem.removeprefix("gap-"), marker=".", markersize=3)
    axes.set(xlabel="seconds", ylabel="gap to the proven bound, %", yscale="symlog", ylim=(0, 100))
    axes.set_yticks([0, 1, 3, 10, 30, 100], ["0", "1", "3", "10", "30", "100"])
    axes.grid(visible=True, alpha=0.3)
    if axes.lines:
        axes.legend()
    save(figure, "gap.svg")
    if (FIGURES / "growth.csv").exists():
        points = rows_of(FIGURES / "growth.csv")
        persons = [int(row["persons"]) for row in points]
        figure, (left, right) = pyplot.subplots(1, 2, figsize=(7, 3))
        left.loglog(persons, [float(row["processor_seconds"]) for row in points], marker="o")
        left.set(xlabel="persons", ylabel="processor seconds to the first plan")
        right.loglog(persons, [float(row["memory_mib"]) for row in points], marker="o")
        right.set(xlabel="persons", ylabel="memory, MiB")
        for axes in (left, right):
            axes.grid(visible=True, alpha=0.3)
        save(figure, "growth.svg")
    return 0


if __name__ == "__main__":
    sys.exit(main())
