"""`python -m fuzz -n 2000`: how many trials ended how, and each that ended wrongly; exit status 1 if any did."""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from pathlib import Path

from fuzz.runner import run


def main() -> int:
    parser = argparse.ArgumentParser(prog="fuzz", description=__doc__)
    parser.add_argument("-n", type=int, default=200, help="how many trials")
    parser.add_argument("--first", type=int, default=0, help="number of the first; a number is always the same trial")
    parser.add_argument("--keep", type=Path, help="a folder in which the inputs stay")
    options = parser.parse_args()
    ends: Counter[str] = Counter()
    wrong = 0
    for outcome in run(range(options.first, options.first + options.n), options.keep):
        ends[outcome.kind] += outcome.number >= 0
        if not outcome.is_right:
            wrong += 1
            print(
                f"trial {outcome.number}, {outcome.seed}, {outcome.how}: {outcome.kind}, {outcome.detail}", flush=True
            )
    print(", ".join(f"{count} {kind}" for kind, count in ends.most_common()), flush=True)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
