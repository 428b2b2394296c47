"""``python -m benchmarks.checkers.measure CONTESTANT POSITIONS POINTS SIZE ...``, as JSON.

What the checkers of a contestant see: scale errors, dropped entries at so many positions, and at
how many points they refuse a right gradient.
"""

from __future__ import annotations

import importlib
import json
import math
import sys
from typing import Any

from benchmarks.checkers import probes


def main(contestant: str, positions: int, points: int, *asked: int) -> None:
    """Measure every checker that a contestant has."""
    checkers = importlib.import_module(f"benchmarks.checkers.{contestant}").CHECKERS
    seconds = math.inf if contestant == "ours" else probes.SECONDS
    found: dict[str, Any] = {}
    for name, (caught, largest) in checkers.items():
        sizes = [n for n in asked if largest is None or n <= largest]
        found[name] = {
            "scale": probes.smallest_scale(caught),
            "dropped": {str(n): probes.dropped(caught, n, positions, seconds) for n in sizes},
            "alarms": {str(n): probes.alarms(caught, n, points) for n in sizes},
        }
    print(json.dumps(found))


if __name__ == "__main__":
    main(sys.argv[1], *map(int, sys.argv[2:]))
