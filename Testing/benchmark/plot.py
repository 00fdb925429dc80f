"""What was measured as a picture: stages of each engine, growth with slices and with cores."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from Testing.benchmark.report import Report
from Testing.benchmark.tables import GIGA, WORDS
from Testing.benchmark.timing import CHAIN, COMPUTE, STAGES, find

WIDTH, HEIGHT = 4.2, 4.0  # inches of each diagram
DOTS_PER_INCH = 150


def draw(report: Report, path: Path) -> None:
    """Writes a PNG; a diagram of growth needs two steps."""
    growth = [name for name in ("slices", "cores") if len(report.steps(name)) > 1]
    figure = Figure(figsize=(WIDTH * (1 + len(growth)), HEIGHT), layout="constrained")
    first, *others = figure.subplots(1, 1 + len(growth), squeeze=False)[0]
    _stages(first, report)
    for axes, name in zip(others, growth):
        _growth(axes, report, name)
    figure.savefig(path, dpi=DOTS_PER_INCH)


def _stages(axes: Any, report: Report) -> None:
    """What each engine's time is spent on, from the file to the results."""
    left = dict.fromkeys(report.engines, 0.0)
    for stage in STAGES:
        for engine in left:
            timing = report.here(stage, engine)
            width = timing.median_s if timing else 0.0
            label = stage if engine == report.engines[0] else None
            axes.bar(WORDS[engine], width, bottom=left[engine], color=f"C{STAGES.index(stage)}", label=label)
            left[engine] += width
    floors = [report.floor_s(engine) for engine in left]
    axes.plot([WORDS[engine] for engine in left], floors, "k_", markersize=40, label="floor")
    axes.set_ylabel("s")
    axes.set_title(f"512 x 512 x {report.slices}, warm")
    _legend(axes)


def _growth(axes: Any, report: Report, name: str) -> None:
    """Time of chain and program, and the program's most memory."""
    steps = report.steps(name)
    for what in (CHAIN, COMPUTE):
        found = [timing for step in steps.values() if (timing := find(step, what=what))]
        middle = [timing.median_s for timing in found]
        spread = [
            [median - min(timing.wall_s) for median, timing in zip(middle, found)],
            [max(timing.wall_s) - median for median, timing in zip(middle, found)],
        ]
        label = f"{WORDS[what].replace('`', '')}, s"
        axes.errorbar(list(steps), middle, spread, marker="o", capsize=3, label=label)
    memory = [max(timing.peak_bytes) / GIGA for timing in found]
    axes.plot(list(steps), memory, marker="s", linestyle=":", label="its most memory, GB")
    axes.set_xlabel(name)
    axes.set_xticks(list(steps))
    axes.set_ylim(bottom=0)
    axes.set_title(f"growth with {name}, {WORDS[report.engines[0]]}")
    _legend(axes)


def _legend(axes: Any) -> None:
    """Under the diagram, where it hides nothing."""
    axes.legend(
        fontsize="x-small", loc="upper center", bbox_to_anchor=(0.5, -0.14), ncols=3, markerscale=0.4, frameon=False
    )
