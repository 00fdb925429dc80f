"""The paper's Figure 6 and more as pictures: SVG in data URIs, so that a report is one file."""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping, Sequence

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from sklearn.metrics import roc_curve

from OpportunisticBMDTraining.evaluate import words
from OpportunisticBMDTraining.evaluate.comparisons import Comparison
from OpportunisticBMDTraining.evaluate.figures import EDGE_MM, GOOD_DICE, THRESHOLDS, Figures, read_as, scores
from OpportunisticBMDTraining.evaluate.statistics import MethodAgreement, Reliability

BLUE, ORANGE, MUTED, GRID = "#1f5fa8", "#c06a12", "#5c6875", "#e6eaee"
COLOURS = {"reading": BLUE, "DenseNet": ORANGE}
UNIT = "mg/cm³ HA"
CONDITION_WORDS = {"osteoporosis": "Osteoporosis", "abnormal": "Abnormal BMD"}
PANEL_INCHES = (5.0, 4.2)


def regression_plot(comparisons: Sequence[Comparison], figures: Figures) -> str:
    """Found on true densities, reading and DenseNet, with their regression lines (the paper's Figure 6A)."""
    figure, panels = _panels(2)
    for axes, name in zip(panels, ("reading", "DenseNet")):
        truth, found = read_as(name, comparisons)
        _points(axes, truth, found, COLOURS[name])
        ends = np.array(_span(truth, found))
        axes.plot(ends, ends, color=MUTED, lw=1, ls="--", label="identity")
        if (a := figures.readings[name]) is not None:
            sign = "+" if a.intercept.value >= 0 else "−"
            line = f"y = {a.slope.value:.3f} x {sign} {abs(a.intercept.value):.1f}, R² = {a.r2:.3f}"
            axes.plot(ends, a.intercept.value + a.slope.value * ends, color=COLOURS[name], lw=1.5, label=line)
        _thresholds(axes)
        axes.set(xlim=ends, ylim=ends, xlabel=f"True BMD ({UNIT})", ylabel=f"Measured BMD ({UNIT})")
        axes.set_title(_titled(name, len(truth)), loc="left")
        axes.legend(loc="upper left", frameon=False)
    return _as_uri(figure)


def bland_altman_plot(comparisons: Sequence[Comparison], figures: Figures) -> str:
    """Differences on means with bias and limits, reading and DenseNet (the paper's Figure 6C)."""
    figure, panels = _panels(2, sharey=True)
    for axes, name in zip(panels, ("reading", "DenseNet")):
        truth, found = read_as(name, comparisons)
        _points(axes, (truth + found) / 2, found - truth, COLOURS[name])
        axes.axhline(0, color=MUTED, lw=0.8, ls="--")
        if (a := figures.readings[name]) is not None:
            _limits(axes, a, COLOURS[name])
        axes.set(xlabel=f"Mean of measured and true BMD ({UNIT})", ylabel=f"Measured − true ({UNIT})")
        axes.set_title(_titled(name, len(truth)), loc="left")
    return _as_uri(figure)


def roc_plot(comparisons: Sequence[Comparison], figures: Figures) -> str:
    """Osteoporosis and abnormal BMD: the result's probability and the DenseNet's density, of the measured patients."""
    figure, panels = _panels(2)
    for axes, condition in zip(panels, figures.conditions):
        truth, probability, line = scores(comparisons, condition.name)
        curves = condition.curves_measured
        if curves is not None:
            for name, score, auc in (("reading", probability, curves.first), ("DenseNet", line, curves.second)):
                false_positive, true_positive, _ = roc_curve(truth, score)
                label = f"{name}: AUC {words.estimate(auc, 3)}"
                axes.plot(false_positive, true_positive, color=COLOURS[name], lw=1.8, label=label)
        axes.plot((0, 1), (0, 1), color=MUTED, lw=0.8, ls="--")
        axes.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02), xlabel="1 − specificity", ylabel="Sensitivity")
        axes.set_title(f"{CONDITION_WORDS[condition.name]} ({truth.sum()} of {len(truth)})", loc="left")
        if curves is not None:
            axes.legend(loc="lower right", frameon=False)
    return _as_uri(figure)


def reliability_plot(figures: Figures) -> str:
    """What came true of what was predicted, by fifths of the probability."""
    figure, panels = _panels(2)
    for axes, condition in zip(panels, figures.conditions):
        axes.plot((0, 1), (0, 1), color=MUTED, lw=0.8, ls="--", label="perfect")
        if condition.reliability is not None:
            _reliability(axes, condition.reliability)
        axes.set(
            xlim=(-0.05, 1.12), ylim=(-0.05, 1.12), xlabel="Predicted probability", ylabel="Share with the condition"
        )
        axes.set_title(CONDITION_WORDS[condition.name], loc="left")
        axes.legend(loc="lower right", frameon=False)
    return _as_uri(figure)


def spread_plot(comparisons: Sequence[Comparison]) -> str:
    """Errors of the box's edges, and Dice of each vertebra."""
    figure, (edges, dice) = _panels(2)
    found = [c for c in comparisons if c.found]
    edge_errors = [[c.upper_edge_mm for c in found], [c.lower_edge_mm for c in found]]
    if found:
        edges.boxplot(edge_errors, tick_labels=["upper edge", "lower edge"], widths=0.5, flierprops={"markersize": 3})
    for limit in (-EDGE_MM, EDGE_MM):
        edges.axhline(limit, color=MUTED, lw=0.8, ls="--")
    edges.set(ylabel="Found − true (mm, towards the head)")
    edges.set_title(f"Box edges (n = {len(found)})", loc="left")
    masks = {name: [c.dice[name] for c in comparisons if np.isfinite(c.dice[name])] for name in comparisons[0].dice}
    _dice(dice, masks)
    return _as_uri(figure)


def _dice(axes: Axes, masks: Mapping[str, Sequence[float]]) -> None:
    """Boxes of the vertebrae that were found; the others are counted below, as a Dice of 0 would squeeze all."""
    found = {name: [value for value in values if value > 0] for name, values in masks.items()}
    labels = [f"{name}\n{len(masks[name]) - len(found[name])} not found" for name in masks]
    if any(found.values()):
        axes.boxplot(list(found.values()), tick_labels=labels, widths=0.5, flierprops={"markersize": 3})
    axes.axhline(GOOD_DICE, color=MUTED, lw=0.8, ls="--")
    axes.set(ylabel="Dice")
    axes.set_title("Masks that overlap the true ones", loc="left")


def _limits(axes: Axes, a: MethodAgreement, colour: str) -> None:
    """Bias (solid) and limits (dotted), with their intervals as bands, and their values at the right edge."""
    for estimate, style in ((a.bias, "-"), (a.lower_limit, ":"), (a.upper_limit, ":")):
        axes.axhline(estimate.value, color=colour, lw=1.5, ls=style)
        axes.axhspan(estimate.low, estimate.high, color=colour, alpha=0.10, lw=0)
        axes.annotate(
            words.number(estimate.value, 1, sign=True),
            (1.0, estimate.value),
            (-2, 3),
            xycoords=("axes fraction", "data"),
            textcoords="offset points",
            ha="right",
            color=colour,
            fontsize=9,
        )


def _reliability(axes: Axes, found: Reliability) -> None:
    shares = np.array([(p.value, p.value - p.low, p.high - p.value) for p in found.observed])
    reach = np.maximum(shares[:, 1:].T, 0)
    label = f"Brier score {found.brier:.3f}"
    axes.errorbar(found.predicted, shares[:, 0], reach, color=BLUE, marker="o", ls="", capsize=3, label=label)
    for x, p in zip(found.predicted, found.observed):
        axes.annotate(f"{p.n}", (x, p.value), (6, 3), textcoords="offset points", fontsize=9, color=MUTED)


def _panels(n: int, *, sharey: bool = False) -> tuple[Figure, np.ndarray]:
    figure = Figure(figsize=(PANEL_INCHES[0] * n, PANEL_INCHES[1]), layout="constrained")
    FigureCanvasAgg(figure)
    panels = figure.subplots(1, n, sharey=sharey)
    for axes in panels:
        axes.grid(color=GRID, lw=0.8)
        axes.set_axisbelow(True)
        axes.spines[["top", "right"]].set_visible(False)
        axes.title.set_fontsize(11)
        axes.tick_params(labelleft=True)
    return figure, panels


def _points(axes: Axes, x: np.ndarray, y: np.ndarray, colour: str) -> None:
    axes.scatter(x, y, s=14, color=colour, alpha=0.6, lw=0)


def _thresholds(axes: Axes) -> None:
    for threshold in (THRESHOLDS.osteoporosis, THRESHOLDS.osteopenia):
        axes.axvline(threshold, color=GRID, lw=1.6, zorder=0)
        axes.axhline(threshold, color=GRID, lw=1.6, zorder=0)


def _span(truth: np.ndarray, found: np.ndarray) -> tuple[float, float]:
    values = np.concatenate((truth, found, (THRESHOLDS.osteoporosis, THRESHOLDS.osteopenia)))
    return float(values.min() - 10), float(values.max() + 10)


def _titled(name: str, n: int) -> str:
    return f"{name[0].upper()}{name[1:]} (n = {n})"


def _as_uri(figure: Figure) -> str:
    """The picture as a data URI; the same figure gives the same bytes."""
    stream = io.BytesIO()
    with matplotlib.rc_context({"svg.hashsalt": "evaluation"}):
        figure.savefig(stream, format="svg", metadata={"Date": None})
    return "data:image/svg+xml;base64," + base64.b64encode(stream.getvalue()).decode("ascii")
