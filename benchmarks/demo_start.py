"""Seconds from ``make demo`` on a fresh clone until the sign-in page answers: the first run and the second.

``python benchmarks/demo_start.py [SOURCE] [--port N]``; the clone takes what is committed in SOURCE (default: this
checkout). The first run downloads what pip has not in its cache.
"""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def timed_run(checkout: Path, port: int) -> float:
    """Run ``make demo`` until it says where to open it, then end it; seconds."""
    begun = time.monotonic()
    with subprocess.Popen(
        ["make", "demo", f"PORT={port}"],
        cwd=checkout,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    ) as run:
        seconds, lines = 0.0, []
        for line in run.stdout or ():
            lines.append(line)
            if line.startswith("open http"):
                seconds = time.monotonic() - begun
                os.killpg(run.pid, signal.SIGINT)
                break
        run.wait(timeout=60)
    if not seconds:
        sys.exit("".join(lines))
    return seconds


def main() -> None:
    """Clone, run twice, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("source", nargs="?", type=Path, default=ROOT)
    parser.add_argument("--port", type=int, default=8501)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        checkout = Path(folder) / "retorno"
        subprocess.run(["git", "clone", "--quiet", str(arguments.source), str(checkout)], check=True)
        for which in ("first", "second"):
            print(f"{which} run: {timed_run(checkout, arguments.port):.1f} s", flush=True)


if __name__ == "__main__":
    main()
