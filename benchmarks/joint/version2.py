"""Make a problem of version 1 into one of version 2 by invented numbers: `version2.py IN.json.gz SEED OUT.json.gz`.

Groups with escorts, and a third of the vulnerable ones, become unaccompanied children; escorts are half women;
departures get few return seats; drivers rest one day of seven, in short problems one of three.
"""

from __future__ import annotations

import gzip
import json
import random
import sys
from pathlib import Path
from typing import Any

SHORT_DAYS = 7


def with_version_2(document: dict[str, Any], seed: int) -> dict[str, Any]:
    """A copy of a problem's JSON object with the keys of version 2; the same for the same seed."""
    rng = random.Random(f"version 2 {seed}")
    found: dict[str, Any] = json.loads(json.dumps(document))
    days = found["horizon_days"]
    found["format"] = "retorno-joint-problem/2"
    found["escorts_keep_seats"] = rng.choice((0, 1, 1))
    is_short = days <= SHORT_DAYS
    found["rest"] = {
        "window_days": 3 if is_short else 7,
        "most_days": 2 if is_short else 6,
        "night_min": rng.choice((0, 600, 700)),
    }
    for kind in found["vehicle_types"]:
        kind["unaccompanied_max"] = max(2, kind["seats"] // 3)
    for row in found["services"]:
        row["unaccompanied_max"] = rng.choice((None, 1, 2, 5))
        row["escort_returns"] = rng.choice((None, 0, 1, 2))
    for row in found["charters"]:
        row["unaccompanied_max"] = max(2, row["seats"] // 3)
        row["escort_returns"] = rng.choice((None, 1, 2))
    for pool in found["escort_pools"]:
        women = -(-pool["available"] // 2)
        pool["women"] = [max(0, women - (rng.random() < 0.2)) for _ in range(days)]
        pool["men"] = [pool["available"] - women] * days
    for group in found["groups"]:
        if group["escorts"] or (group["vulnerable"] and rng.random() < 0.33):
            group["unaccompanied"] = group["persons"]
        if group["escorts"]:
            group["escort_women"] = int(rng.random() < 0.7)
            group["escort_men"] = int(group["escorts"] > 1 and rng.random() < 0.5)
    return found


def main() -> None:
    source, seed, target = Path(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3])
    content = source.read_bytes()
    document = json.loads(gzip.decompress(content) if content[:2] == b"\x1f\x8b" else content)
    text = json.dumps(with_version_2(document, seed), separators=(",", ":")).encode()
    target.write_bytes(gzip.compress(text, mtime=0) if target.name.endswith(".gz") else text)


if __name__ == "__main__":
    main()
