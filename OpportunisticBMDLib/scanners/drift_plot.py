"""The drift of scanners as a picture."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter
from matplotlib.figure import Figure

from OpportunisticBMDLib.calibration.drift import BONE_MG_CM3, LEAST_SIGNIFICANT_MG_CM3, reading_on
from OpportunisticBMDLib.scanners.measurement import Measurement
from OpportunisticBMDLib.system.files import write_bytes

SIZE_INCHES, DPI = (8.0, 6.5), 120
INTERVAL_SDS = 1.96


def write_drift_plot(path: Path, series: Mapping[str, Sequence[Measurement]]) -> None:
    """Slope, and what 100 mg/cm3 would read on the first line, against the day of the scan; replaces a PNG.

    Args:
        series: name -> measurements, oldest first. Those without a day are left out.
    """
    figure = Figure(figsize=SIZE_INCHES, dpi=DPI, layout="constrained")
    FigureCanvasAgg(figure)
    slopes, readings = figure.subplots(2, 1, sharex=True)
    for name, measurements in series.items():
        dated = [one for one in measurements if one.scan.scanned_on]
        if dated:
            _draw(slopes, readings, name, dated)
    low, high = BONE_MG_CM3 - LEAST_SIGNIFICANT_MG_CM3, BONE_MG_CM3 + LEAST_SIGNIFICANT_MG_CM3
    readings.axhspan(
        low, high, color="0.9", zorder=0, label=f"least significant change, {LEAST_SIGNIFICANT_MG_CM3:.1f}"
    )
    slopes.set_ylabel("slope (HU per mg/cm³)")
    readings.set_ylabel(f"{BONE_MG_CM3:.0f} mg/cm³ on the first line (mg/cm³)")
    locator = AutoDateLocator()
    readings.xaxis.set_major_locator(locator)
    readings.xaxis.set_major_formatter(ConciseDateFormatter(locator))
    for axes in (slopes, readings):
        axes.spines[["top", "right"]].set_visible(False)
        axes.ticklabel_format(axis="y", useOffset=False)
    figure.legend(*readings.get_legend_handles_labels(), loc="outside lower center", frameon=False)
    picture = io.BytesIO()
    figure.savefig(picture, format="png")
    write_bytes(path, picture.getvalue())


def _draw(slopes: Axes, readings: Axes, name: str, dated: Sequence[Measurement]) -> None:
    days = [date.fromisoformat(one.scan.scanned_on or "") for one in dated]
    lines = [one.line for one in dated]
    slope = [line.slope_hu_per_mg_cm3 for line in lines]
    sd = [INTERVAL_SDS * line.slope_sd * line.slope_hu_per_mg_cm3 for line in lines]
    slopes.errorbar(days, slope, sd, marker="o", capsize=3, linewidth=1.2)  # type: ignore[arg-type]  # days are plotted
    readings.plot(days, [reading_on(lines[0], line) for line in lines], marker="o", linewidth=1.2, label=name)  # type: ignore[arg-type]
