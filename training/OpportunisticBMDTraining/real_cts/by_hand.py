"""What a person reads by hand, a circle of 9 mm in the middle of L1 and L2 on the axial slices, beside what is shown.

Bone varies from place to place: one small circle does, too. It is drawn in the middle, and once more a little to either
side and to the front, as another person might; the mean of these is compared.
"""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from OpportunisticBMDLib.calibration import line_for
from OpportunisticBMDLib.core.ct import CT
from OpportunisticBMDLib.core.grid import Grid
from OpportunisticBMDLib.core.region import Region
from OpportunisticBMDLib.core.vertebra import MeasuredVertebra
from OpportunisticBMDLib.core.volume import Volume
from OpportunisticBMDLib.pipeline import Run
from OpportunisticBMDLib.reading import read_ct
from OpportunisticBMDLib.system.files import write_bytes
from OpportunisticBMDLib.system.markdown import markdown
from OpportunisticBMDTraining.evaluate import words
from OpportunisticBMDTraining.real_cts.chain import Outcome
from OpportunisticBMDTraining.real_cts.plan import LABELLED, UNLABELLED, Trial, TrialPlan

TITLE = "A circle of 9 mm, as a person draws it, beside what is shown"
CTS = ("chest-contrast", "hcc-005")
READ = ("L1", "L2")
DIAMETER_MM = 9.0  # of the circle, and the height of the slices that it is drawn on
PLACES_MM = ((0.0, 0.0), (6.0, 0.0), (-6.0, 0.0), (0.0, 4.0))  # to the right and front of the middle
TOLERANCE = 4.0  # mg/cm3
HEADER = ("CT", "vertebra", "circles (HU)", "region (HU)", "circles (mg/cm³)", "BMD shown (mg/cm³)", "difference")
FIELD_MM, PIXEL_MM = 80.0, 0.4


def trials(plan: TrialPlan) -> list[Trial]:
    """The CTs named, with the models for every CT."""
    scans = [scan for group in (LABELLED, UNLABELLED) for scan in plan.scans(group)]
    return [Trial(scan, plan.models) for scan in scans if scan.name.startswith(CTS)]


def report(plan: TrialPlan, runs: Mapping[Trial, Outcome]) -> str:
    """A row for every vertebra that is measured."""
    rows, differences = [], []
    for trial in trials(plan):
        run = runs[trial]
        if not isinstance(run, Run) or run.segmentation is None:
            continue
        ct = read_ct(trial.scan.path)
        for name in READ:
            measurement = run.result.vertebrae.get(name)
            if not isinstance(measurement, MeasuredVertebra):
                continue
            middle, shown = measurement.middle, measurement.bmd_mg_cm3
            drawn = circles(middle.region)
            each = [mean_hu(ct.volume, circle) for circle in drawn]
            bmd = float(line_for(ct.acquisition.kvp).bmd(np.mean(each)))
            differences.append(shown - bmd)
            spread = f"{words.number(float(np.mean(each)), 1)} ({min(each):.0f} to {max(each):.0f})"
            figures = [words.number(x, 1) for x in (middle.hu_mean, bmd, shown)]
            signed = words.number(differences[-1], 1, sign=True)
            rows.append((trial.scan.name, name, spread, *figures, signed))
            picture = plan.picture(trial.scan.name.partition(".")[0], name, "by-hand")
            if picture:
                title = f"{name}: circles {np.mean(each):.0f} HU, region {middle.hu_mean:.0f} HU"
                _draw(ct, drawn, middle.region, title, picture)
    if not rows:
        return "Left out: none of these CTs is among those that were asked for."
    near = sum(abs(difference) <= TOLERANCE for difference in differences)
    return f"{markdown(HEADER, rows)}\n\n{near} of {len(rows)} lie within {TOLERANCE:g} mg/cm³."


def circles(region: Region) -> list[Region]:
    """Upright cylinders: circles on the axial slices of the middle of a body, and beside it."""
    half = np.diag([DIAMETER_MM / 2] * 3)
    return [Region(region.centre_ras + (right, front, 0.0), half) for right, front in PLACES_MM]


def mean_hu(ct: Volume, region: Region) -> float:
    """Of all voxels, each counted by its share inside."""
    ranges, shares = region.shares(ct.grid)
    return float((shares * ct.array[ranges]).sum(dtype=float) / shares.sum(dtype=float))


def _draw(ct: CT, drawn: Sequence[Region], region: Region, title: str, path: Path) -> None:
    """The axial slice with all outlines, the patient's right on the left."""
    pixels = round(FIELD_MM / PIXEL_MM)
    grid = Grid.axis_aligned((pixels, pixels, 1), (PIXEL_MM,) * 3, region.centre_ras.tolist())
    figure = Figure(figsize=(5, 5.3), dpi=110)
    FigureCanvasAgg(figure)
    axes = figure.add_axes((0, 0, 1, 0.93))
    (right, left), (back, front), _ = grid.bounds_ras
    image = ct.volume.resampled(grid).array[:, :, 0].T
    axes.imshow(image, cmap="gray", vmin=-100, vmax=400, origin="lower", extent=(right, left, back, front))
    axes.set_xlim(left, right)
    for one, colour in (*((circle, "#ffd23f") for circle in drawn), (region, "#4cc9f0")):
        outline = one.outline()
        axes.plot(*np.vstack((outline, outline[:1])).T[:2], color=colour, lw=1.5)
    axes.set_axis_off()
    figure.suptitle(title, fontsize=11)
    stream = io.BytesIO()
    figure.savefig(stream, format="png")
    write_bytes(path, stream.getvalue())
