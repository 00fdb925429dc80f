"""The curves of a fit over all its starts, from its CSV logs. Needs nothing but Python: a window reads them, too."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

LOG_FOLDER = "log"  # of a run: version_N/metrics.csv of each start

Curves = dict[str, dict[int, float]]  # "loss" or a validation figure -> steps done -> value


def load_curves(folder: Path) -> Curves:
    """The loss and each validation figure by steps done, counted from 1, in the order of the steps.

    Args:
        folder: of the run. A start begins at a checkpoint and repeats what came after it: it overrules earlier ones
            from its first step on. A line that a killed process did not end is left out.
    """
    curves: Curves = {}
    for path in sorted(folder.glob(f"{LOG_FOLDER}/version_*/metrics.csv"), key=_start_of):
        rows = list(_rows(path))
        if rows:
            first = min(step for step, _ in rows)
            curves = {name: {s: v for s, v in points.items() if s < first} for name, points in curves.items()}
        for step, figures in rows:
            for name, value in figures.items():
                curves.setdefault(name, {})[step] = value
    return {name: dict(sorted(points.items())) for name, points in sorted(curves.items()) if points}


def _start_of(path: Path) -> int:
    return int(path.parent.name.rpartition("_")[2])


def _rows(path: Path) -> Iterator[tuple[int, dict[str, float]]]:
    """Steps done, and the row's figures; the log counts the steps from 0."""
    whole, _, _ = path.read_text(encoding="utf-8").rpartition("\n")
    for row in csv.DictReader(whole.splitlines()):
        step = int(row.pop("step")) + 1
        yield step, {name: float(text) for name, text in row.items() if text}
