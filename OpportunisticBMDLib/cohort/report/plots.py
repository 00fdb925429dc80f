"""The distributions of a cohort as pictures: SVG in data URIs, so that the page is one file."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence

import matplotlib
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from OpportunisticBMDLib.cohort.report.groups import AGE_NAMES, UNKNOWN, Group

BLUE, ORANGE, MUTED, GRID = "#1f5fa8", "#c06a12", "#5c6875", "#e6eaee"
COLOURS = {"female": ORANGE, "male": BLUE, UNKNOWN: MUTED}
UNIT = "mg/cm³ HA"
WIDTH_INCHES = 8.4
BOX_INCHES = 0.34
MOST_SCANNERS = 9


def age_and_sex_plot(known: pd.DataFrame) -> str:
    """Boxes of each sex beside each other, by age."""
    figure, axes = _figure(3.6)
    sexes = [sex for sex in COLOURS if (known["sex"] == sex).any()]
    ages = [age for age in (*AGE_NAMES, UNKNOWN) if (known["ages"] == age).any()]
    width = 0.8 / max(1, len(sexes))
    for number, sex in enumerate(sexes):
        for place, age in enumerate(ages):
            part = known[(known["sex"] == sex) & (known["ages"] == age)]
            if len(part):
                at = place + (number - (len(sexes) - 1) / 2) * width
                _box(axes, Group.of(age, part), at, 0.85 * width, COLOURS[sex], vertical=True)
    axes.set_xticks(range(len(ages)), [f"{age}\nn = {(known['ages'] == age).sum():,}" for age in ages])
    axes.set(xlabel="age (years)", ylabel=f"BMD ({UNIT})", xlim=(-0.6, len(ages) - 0.4))
    axes.grid(axis="y", color=GRID)
    handles = [Patch(color=COLOURS[sex], label=f"{sex}, n = {(known['sex'] == sex).sum():,}") for sex in sexes]
    figure.legend(handles=handles, loc="outside upper right", ncols=len(sexes), frameon=False)
    return _as_uri(figure)


def groups_plot(groups: Sequence[Group]) -> str:
    """A box for each group, the largest on top."""
    figure, axes = _figure(0.7 + BOX_INCHES * len(groups))
    for place, group in enumerate(groups):
        _box(axes, group, place, 0.6, BLUE, vertical=False)
    axes.set_yticks(range(len(groups)), [f"{_shortened(group.name)}, n = {group.count:,}" for group in groups])
    axes.set(xlabel=f"BMD ({UNIT})", ylim=(len(groups) - 0.4, -0.6))
    axes.grid(axis="x", color=GRID)
    return _as_uri(figure)


def drift_plot(known: pd.DataFrame) -> str:
    """Of the scanners with most CTs, month by month, the median above that of the same age and sex, and quartiles."""
    dated = known[known["month"].notna() & known["scanner"].notna()]
    scanners = dated["scanner"].value_counts().index[:MOST_SCANNERS]
    if dated["month"].nunique() < 2:
        return ""
    rows = (len(scanners) + 2) // 3
    figure = Figure(figsize=(WIDTH_INCHES, 0.6 + 1.7 * rows), layout="constrained")
    FigureCanvasAgg(figure)
    panels = figure.subplots(rows, 3, squeeze=False, sharey=True).ravel()
    for axes, scanner in zip(panels, scanners):
        part = dated[dated["scanner"] == scanner].groupby("month")["above_peers"]
        months = pd.to_datetime(sorted(part.groups))
        low, middle, high = (part.quantile(share).sort_index() for share in (0.25, 0.5, 0.75))
        axes.fill_between(months, low, high, color=BLUE, alpha=0.2, lw=0)
        axes.plot(months, middle, color=BLUE, marker="o", ms=3, lw=1.2)
        axes.axhline(0, color=MUTED, lw=0.8, ls="--")
        axes.set_title(f"{_shortened(str(scanner))}, n = {int(part.size().sum()):,}", loc="left", fontsize=9)
        axes.xaxis.set_major_locator(locator := AutoDateLocator(minticks=2, maxticks=7))
        axes.xaxis.set_major_formatter(ConciseDateFormatter(locator, show_offset=False))
    for axes in panels[len(scanners) :]:
        axes.set_visible(False)
    figure.supylabel("above peers (mg/cm³ HA)", fontsize=9)
    return _as_uri(figure)


def _box(axes: Axes, group: Group, at: float, width: float, colour: str, *, vertical: bool) -> None:
    statistics = {
        "med": group.median,
        "q1": group.quartiles[0],
        "q3": group.quartiles[1],
        "whislo": group.ends[0],
        "whishi": group.ends[1],
    }
    line = {"color": colour, "lw": 1.2}
    axes.bxp(
        [statistics],
        positions=[at],
        widths=[width],
        showfliers=False,
        patch_artist=True,
        boxprops={"facecolor": f"{colour}33", "edgecolor": colour, "lw": 1.2},
        medianprops={"color": colour, "lw": 2.0},
        whiskerprops=line,
        capprops=line,
        orientation="vertical" if vertical else "horizontal",
        manage_ticks=False,
    )


def _figure(height_inches: float) -> tuple[Figure, Axes]:
    figure = Figure(figsize=(WIDTH_INCHES, height_inches), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots()
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    return figure, axes


def _shortened(name: str) -> str:
    return name if len(name) <= 40 else f"{name[:39]}…"


def _as_uri(figure: Figure) -> str:
    svg = io.BytesIO()
    with matplotlib.rc_context({"svg.hashsalt": "cohort", "svg.fonttype": "none"}):
        figure.savefig(svg, format="svg", metadata={"Date": None})
    return f"data:image/svg+xml;base64,{base64.b64encode(svg.getvalue()).decode()}"
