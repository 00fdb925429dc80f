"""`python -m Testing.benchmark`: prints tables, and writes them with all figures and a plot into a folder."""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path

from tqdm import tqdm

from Testing.benchmark.machine import machine
from Testing.benchmark.plan import Plan, carried_out
from Testing.benchmark.report import Floor, Report
from Testing.benchmark.tables import as_markdown

SLICES, SHORT_SLICES = (300, 100, 600, 1200), (100,)


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m Testing.benchmark", description=__doc__)
    parser.add_argument("--runs", type=int, default=3, help="of everything; the median is told (default: %(default)s)")
    parser.add_argument(
        "--slices", type=int, nargs="+", help="of the CT that all is measured on, then of others (default: 300 ...)"
    )
    parser.add_argument("--short", action="store_true", help="one run of a small CT with the fastest engine")
    parser.add_argument("-o", "--output", type=Path, metavar="DIR", help="for benchmark.json, .md and .png")
    options = parser.parse_args(arguments)
    first, *more = options.slices or (SHORT_SLICES if options.short else SLICES)
    plan = Plan.short(first) if options.short else Plan.whole(options.runs, first, more)
    with tempfile.TemporaryDirectory() as folder:
        found = carried_out(plan, Path(folder), tqdm)
    report = Report(machine(), plan.slices, found.timings, Floor(**found.floor))
    print(as_markdown(report), end="")
    if options.output is not None:
        write(report, options.output)
    return 0


def write(report: Report, folder: Path) -> None:
    """benchmark.json, benchmark.md and benchmark.png."""
    from Testing.benchmark.plot import draw  # matplotlib would weigh on the children's most memory

    folder.mkdir(parents=True, exist_ok=True)
    (folder / "benchmark.json").write_text(json.dumps(report.as_json(), indent=1) + "\n", encoding="utf-8")
    (folder / "benchmark.md").write_text(as_markdown(report), encoding="utf-8")
    draw(report, folder / "benchmark.png")


if __name__ == "__main__":
    sys.exit(main())
