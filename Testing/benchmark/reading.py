"""How long reading a CT takes, as a child measures it: `python -m Testing.benchmark.reading CT --runs N`.

It prints JSON: wall and CPU seconds of each run.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from pathlib import Path

from OpportunisticBMDLib.reading import read_ct


def timed(path: Path) -> tuple[float, float]:
    """Wall and CPU seconds, those of children that decode included."""
    wall, cpu = time.perf_counter(), _cpu_s()
    read_ct(path)
    return time.perf_counter() - wall, _cpu_s() - cpu


def _cpu_s() -> float:
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("ct", type=Path)
    parser.add_argument("--runs", type=int, default=1)
    options = parser.parse_args()
    print(json.dumps([timed(options.ct) for _ in range(1 + options.runs)][1:]))  # the first imports what it takes


if __name__ == "__main__":
    main()
