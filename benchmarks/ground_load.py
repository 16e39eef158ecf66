"""How long the ground takes to load and to check: ``python benchmarks/ground_load.py [REPEATS]``.

Each repeat is a process of its own, so that imports count as they do when a page or a command starts.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import time

STATEMENTS = {
    "network.load, imports included": "from retorno.routes.network import load; load()",
    "load_ground, imports included": "from retorno.routes.tables import load_ground; load_ground()",
    "check_data, imports included": "from retorno.routes.check_data import check_data; check_data()",
    "the command check-data": "from retorno.__main__ import main; main(['check-data'])",
}


def seconds(statement: str) -> float:
    """Wall time of a fresh interpreter that runs one statement."""
    start = time.perf_counter()
    subprocess.run([sys.executable, "-c", statement], check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - start


def main() -> None:
    repeats = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    for name, statement in STATEMENTS.items():
        taken = [seconds(statement) for _ in range(repeats)]
        print(f"{name:<32} median {statistics.median(taken):.2f} s, worst {max(taken):.2f} s of {repeats}")


if __name__ == "__main__":
    main()
