"""One picture of a result: the coronal overview with the localizer's box, each vertebra with its mask, the figures.

Radiological convention whatever the input's orientation: the patient's right on the left, head up, front on top of
axial and on the left of sagittal slices. Every axis is in RAS mm, so distances and angles are true.
"""

from __future__ import annotations

import io
import textwrap
from dataclasses import dataclass
from functools import reduce
from typing import Any, cast

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.patheffects import withStroke

from OpportunisticBMDLib.core.ct import CT
from OpportunisticBMDLib.core.grid import Grid
from OpportunisticBMDLib.core.region import Region
from OpportunisticBMDLib.core.result import Result
from OpportunisticBMDLib.core.segmentation import Segmentation, centres_of
from OpportunisticBMDLib.core.vertebra import VertebraFigures, middle_of
from OpportunisticBMDLib.core.vertebrae import LABELS, VERTEBRAE
from OpportunisticBMDLib.core.volume import AIR_HU, Volume
from OpportunisticBMDLib.dicom.codes import SEGMENT_COLOURS
from OpportunisticBMDLib.results import wording
from OpportunisticBMDLib.results.preview_levels import draw_names, draw_ribs
from OpportunisticBMDLib.results.preview_style import (
    ANTERIOR,
    BACKGROUND,
    FAINT,
    MUTED,
    OUTLINE,
    RIGHT,
    SUPERIOR,
    TEXT,
)
from OpportunisticBMDLib.results.trust_words import trust_line

BONE_WINDOW_HU = (-150.0, 450.0)
# A maximum over the whole depth is brighter than a slice: it needs a wider window to keep ribs and vertebrae apart.
PROJECTION_WINDOW_HU = (150.0, 1150.0)
FIELD_MM = 110.0
SLICE_SPACING_MM = 0.5
POOLED_MM, POOLED_DEPTH_MM = 1.0, 6.0
STRAIGHT, NEARLY_STRAIGHT = 0.99999, 0.99  # cosine between the grid's and the patient's axis: 0.3 and 8 degrees off
PROJECTION_HEIGHT_MM = 480.0

SIZE_INCHES = (16.0, 9.6)
DPI = 120
LOWEST_REASON = 0.047  # the middle of the last line that stands above the legend
BOX_COLOUR = "#ffe066"
REGION_COLOUR = "#ffffff"  # unlike any mask's
STATUS_COLOURS = {"measured": "#37b679", "review": "#f0a52b", "refused": "#e5564f"}
CATEGORY_COLOURS = {"normal": "#37b679", "osteopenia": "#f0a52b", "osteoporosis": "#e5564f"}


@dataclass(frozen=True)
class _View:
    """Which RAS axes a picture shows. `flipped`: its horizontal axis grows towards the left of the picture."""

    across: int
    up: int
    through: int
    letters: tuple[str, str]


CORONAL = _View(RIGHT, SUPERIOR, ANTERIOR, ("R", "L"))
SAGITTAL = _View(ANTERIOR, SUPERIOR, RIGHT, ("A", "P"))
AXIAL = _View(RIGHT, ANTERIOR, SUPERIOR, ("R", "L"))


def draw_preview(ct: CT, segmentation: Segmentation | None, result: Result) -> Figure:
    """Draws the picture; parts that a refusal left out are left out of it too.

    Args:
        ct: on any grid, oblique and left-handed ones too.
        segmentation: on the CT's grid, or None where the run did not get that far.
        result: what is written beside the pictures.
    """
    figure = Figure(figsize=SIZE_INCHES, dpi=DPI, facecolor=BACKGROUND)
    FigureCanvasAgg(figure)
    centres = {} if segmentation is None else centres_of(segmentation)
    _draw_header(figure, result)
    if segmentation is not None and centres:
        axes = figure.add_axes((0.018, 0.335, 0.335, 0.505))
        _draw_projection(axes, ct.volume, centres, result)
        _draw_vertebrae(figure, ct.volume, segmentation.labels, centres, result)
        axes.apply_aspect()
        _write_reasons(figure, result, left=0.018, top=axes.get_position().y0 - 0.03, width=55)
    else:
        axes = figure.add_axes((0.018, 0.05, 0.56, 0.79))
        _draw_projection(axes, ct.volume, centres, result)
        axes.apply_aspect()
        left = axes.get_position().x1 + 0.025
        _write_reasons(figure, result, left=left, top=0.825, width=int((0.92 - left) / 0.0061))
    _write(figure, 0.018, 0.022, _legend(result), 10.5, MUTED)
    _write(figure, 0.982, 0.022, wording.RESEARCH_ONLY, 10.5, MUTED, ha="right")
    return figure


def as_png(figure: Figure) -> bytes:
    """The picture as the bytes of a PNG file."""
    stream = io.BytesIO()
    figure.savefig(stream, format="png", facecolor=figure.get_facecolor(), pil_kwargs={"compress_level": 2})
    return stream.getvalue()


def coronal_projection(volume: Volume) -> Volume:
    """The maximum along the patient's front-back axis, as a volume of one coronal slice on an axis-aligned RAS grid."""
    pooled = _pooled(volume)
    # The voxels' own spacing: on a grid along the body's axes nothing is interpolated, hence no moire.
    towards = [pooled.grid.axis_towards(direction) for direction in (RIGHT, ANTERIOR, SUPERIOR)]
    straight = pooled.resampled(pooled.grid.covering(pooled.grid.spacing[towards]))
    sheet = straight.array.max(axis=ANTERIOR, keepdims=True)
    bounds, spacing = straight.grid.bounds_ras, straight.grid.spacing.copy()
    spacing[ANTERIOR] = bounds[ANTERIOR, 1] - bounds[ANTERIOR, 0]
    return Volume(sheet, Grid.axis_aligned(sheet.shape, spacing, bounds.mean(axis=1)))


def _pooled(volume: Volume) -> Volume:
    """Keeps the brightest voxel of small blocks, deep ones front to back: the same projection, much faster.

    Where the grid lies straight they are as deep as it is.
    """
    grid = volume.grid
    deep = grid.axis_towards(ANTERIOR)
    blocks = np.full(3, POOLED_MM)
    cosine = abs(grid.affine[ANTERIOR, deep]) / grid.spacing[deep]
    if cosine > NEARLY_STRAIGHT:
        blocks[deep] = np.inf if cosine > STRAIGHT else POOLED_DEPTH_MM
    factors = np.clip(np.floor(blocks / grid.spacing + 0.1), 1, grid.size).astype(int)
    size = np.array(grid.size) // factors
    array = volume.array[tuple(slice(0, n * f) for n, f in zip(size, factors))]
    for axis in np.argsort(-factors):
        parts = [array[(slice(None),) * axis + (slice(start, None, factors[axis]),)] for start in range(factors[axis])]
        array = reduce(np.maximum, parts)
    affine = grid.affine.copy()
    affine[:3, 3] = grid.ras_of((factors - 1) / 2)
    affine[:3, :3] *= factors
    return Volume(array, Grid(tuple(size), affine))


def _draw_projection(axes: Axes, volume: Volume, centres: dict[str, np.ndarray], result: Result) -> None:
    middles = [centre[SUPERIOR] for centre in centres.values()]
    if result.box is not None:
        middles = [result.box.centre_ras[SUPERIOR]]
    sheet = coronal_projection(volume)
    if middles:
        sheet = _cut_to_height(sheet, float(np.mean(middles)))
    _show(axes, sheet, CORONAL, PROJECTION_WINDOW_HU, ruler_mm=50)
    if result.box is not None:
        (right, _, low), (left, _, high) = result.box.ras_mm.T
        axes.add_patch(Rectangle((right, low), left - right, high - low, fill=False, edgecolor=BOX_COLOUR, lw=1.6))
    if result.levels is not None:
        draw_ribs(axes, result.levels)
    draw_names(axes, centres, result.levels, None if result.box is None else result.box.ras_mm[RIGHT, 0] - 4)
    axes.set_title("Coronal maximum intensity projection", loc="left", fontsize=10, color=MUTED, pad=5)


def _cut_to_height(sheet: Volume, middle: float) -> Volume:
    """A scan of the whole body would make the spine tiny: it is cut to the part around a height in RAS mm."""
    bounds, spacing = sheet.grid.bounds_ras[SUPERIOR], sheet.grid.spacing[SUPERIOR]
    rows = min(sheet.grid.size[SUPERIOR], round(PROJECTION_HEIGHT_MM / spacing))
    start = round((middle - bounds[0]) / spacing - rows / 2)
    start = min(max(start, 0), sheet.grid.size[SUPERIOR] - rows)
    grid = sheet.grid.cropped((0, 0, start), (*sheet.grid.size[:2], rows))
    return Volume(sheet.array[:, :, start : start + rows], grid)


def _draw_vertebrae(
    figure: Figure, volume: Volume, labels: Volume, centres: dict[str, np.ndarray], result: Result
) -> None:
    """A column for each vertebra: sagittal above, axial below, its figures beneath."""
    for column, name in enumerate(VERTEBRAE):
        left = 0.364 + column * 0.209
        _write(figure, left, 0.851, name, 15, SEGMENT_COLOURS[name], weight="bold")
        if name in result.vertebrae_used:
            _write(figure, left + 0.036, 0.852, "used for the mean", 10.5, MUTED)
        for bottom, view in ((0.503, SAGITTAL), (0.160, AXIAL)):
            axes = figure.add_axes((left, bottom, 0.2, 0.334))
            if name in centres:
                region = _region(result, name)
                centre = centres[name] if region is None else region.centre_ras
                _draw_slice(axes, volume, labels, centre, view)
                if region is not None:
                    _draw_region(axes, region, view)
                if view is SAGITTAL:
                    level = centre[SUPERIOR]
                    axes.axhline(level, color=SEGMENT_COLOURS[name], lw=0.8, ls=(0, (4, 4)), alpha=0.7)
            else:
                _draw_nothing(axes, f"{name} was not found")
        _write_figures(figure, left, 0.137, name, result)


def _draw_slice(axes: Axes, volume: Volume, labels: Volume, centre: np.ndarray, view: _View) -> None:
    size = np.ones(3, int)
    size[[view.across, view.up]] = round(FIELD_MM / SLICE_SPACING_MM)
    grid = Grid.axis_aligned(size, (SLICE_SPACING_MM,) * 3, centre)
    _show(axes, _part_around(volume, grid).resampled(grid, outside=AIR_HU), view, BONE_WINDOW_HU, ruler_mm=20)
    across, up = (_coordinates(grid, axis) for axis in (view.across, view.up))
    part = _part_around(labels, grid)
    for name in VERTEBRAE:
        mask = Volume((part.array == LABELS[name]).astype(np.float32), part.grid).resampled(grid, outside=0)
        sheet = _sheet(mask, view)
        if sheet.max() > 0.5 > sheet.min():
            axes.contour(across, up, sheet, levels=[0.5], colors=[SEGMENT_COLOURS[name]], linewidths=1.4)


def _region(result: Result, name: str) -> Region | None:
    """Where a vertebra was read, if it was."""
    vertebra = result.vertebrae.get(name)
    middle = vertebra and middle_of(vertebra)
    return middle.region if middle else None


def _draw_region(axes: Axes, region: Region, view: _View) -> None:
    """What the picture's plane, which passes through the region's centre, cuts out of it."""
    axis = np.linspace(-0.5, 0.5, round(FIELD_MM / SLICE_SPACING_MM)) * FIELD_MM
    across, up = np.meshgrid(region.centre_ras[view.across] + axis, region.centre_ras[view.up] + axis)
    points = np.empty((*across.shape, 3))
    points[..., view.across], points[..., view.up] = across, up
    points[..., view.through] = region.centre_ras[view.through]
    x, y, z = np.moveaxis(region.local(points), -1, 0)
    reach = np.maximum(np.hypot(x, y), np.abs(z))  # 1 on its surface
    axes.contour(across, up, reach, levels=[1.0], colors=[REGION_COLOUR], linewidths=1.1, linestyles=[(0, (3, 1.5))])


def _part_around(volume: Volume, grid: Grid) -> Volume:
    """The voxels that resampling onto a small grid needs, so that the rest is not touched."""
    corners = np.array(np.meshgrid(*grid.bounds_ras)).reshape(3, -1).T
    index = volume.grid.index_of(corners)
    last = np.array(volume.grid.size) - 1
    start = np.clip(np.floor(index.min(axis=0)) - 2, 0, last).astype(int)
    stop = np.clip(np.ceil(index.max(axis=0)) + 2, start, last).astype(int) + 1
    part = volume.array[tuple(slice(a, b) for a, b in zip(start, stop))]
    return Volume(part, volume.grid.cropped(start, stop - start))


def _show(axes: Axes, volume: Volume, view: _View, window: tuple[float, float], *, ruler_mm: int) -> None:
    """Draws a volume of one slice in mm, with letters for the sides and a ruler."""
    across, up = volume.grid.bounds_ras[view.across], volume.grid.bounds_ras[view.up]
    axes.imshow(
        _sheet(volume, view),
        cmap="gray",
        vmin=window[0],
        vmax=window[1],
        origin="lower",
        extent=(*across, *up),
        interpolation="bicubic",
    )
    axes.set_xlim(across[1], across[0])
    axes.set_ylim(*up)
    axes.set_aspect("equal", anchor="NW")
    _without_ticks(axes)
    for x, letter, ha in ((0.015, view.letters[0], "left"), (0.985, view.letters[1], "right")):
        axes.text(
            x,
            0.5,
            letter,
            transform=axes.transAxes,
            color=TEXT,
            fontsize=11,
            weight="bold",
            ha=ha,
            va="center",
            path_effects=OUTLINE,
        )
    _draw_ruler(axes, across, up, ruler_mm)


def _draw_ruler(axes: Axes, across: np.ndarray, up: np.ndarray, length_mm: int) -> None:
    """At the patient's right or front: names stand on the other side."""
    margin = 0.035 * (across[1] - across[0])
    start, height = across[1] - margin, up[0] + 0.04 * (up[1] - up[0])
    axes.plot(
        (start, start - length_mm),
        (height, height),
        color=TEXT,
        lw=2.2,
        solid_capstyle="butt",
        path_effects=[withStroke(linewidth=4, foreground="black")],
    )
    axes.annotate(
        f"{length_mm // 10} cm",
        (start - length_mm / 2, height),
        (0, 3),
        textcoords="offset points",
        ha="center",
        color=TEXT,
        fontsize=8.5,
        path_effects=OUTLINE,
    )


def _sheet(volume: Volume, view: _View) -> np.ndarray:
    """The only slice of an axis-aligned volume as rows (up) of columns (across)."""
    flat = volume.array.max(axis=view.through)
    return flat.T if view.across < view.up else flat


def _coordinates(grid: Grid, axis: int) -> np.ndarray:
    return grid.affine[axis, 3] + grid.affine[axis, axis] * np.arange(grid.size[axis])


def _draw_nothing(axes: Axes, words: str) -> None:
    axes.set_facecolor("#161b22")
    _without_ticks(axes)
    axes.text(0.5, 0.5, words, transform=axes.transAxes, ha="center", va="center", color=MUTED, fontsize=11)


def _without_ticks(axes: Axes) -> None:
    axes.set_xticks([])
    axes.set_yticks([])
    for spine in axes.spines.values():
        spine.set_color(FAINT)


def _legend(result: Result) -> str:
    """What dashes and lines mean, as far as there are any."""
    parts = []
    if any(map(middle_of, result.vertebrae.values())):
        parts.append(f"Dashed: what was {wording.READ_IN} of each body, as QCT reads.")
    if result.levels is not None:
        parts.append("Lines: the ribs that were counted, dotted those shorter than 4 cm.")
    return "  ".join(parts)


def _draw_header(figure: Figure, result: Result) -> None:
    """Left: the density and its category, or why there is none; right: the status, and how the CT was made."""
    status = STATUS_COLOURS[result.status]
    badge = {"boxstyle": "round,pad=0.4", "facecolor": status, "edgecolor": "none"}
    words = wording.STATUS_WORDS[result.status]
    _write(figure, 0.976, 0.953, words, 12, BACKGROUND, ha="right", weight="bold", bbox=badge)
    facts = "  ·  ".join(f"{name}: {_shortened(value)}" for name, value in wording.acquisition_facts(result))
    _write(figure, 0.982, 0.914, facts, 10.5, MUTED, ha="right")
    if result.status == "refused" or result.category is None:
        _write(figure, 0.018, 0.953, "No bone mineral density", 22, TEXT, weight="bold")
        _write(figure, 0.018, 0.914, wording.STATUS_EXPLANATIONS[result.status], 10.5, MUTED)
        return
    density = wording.with_sd(result.bmd_mg_cm3, result.bmd_sd_mg_cm3)
    _write_row(
        figure,
        0.018,
        0.953,
        (density, 26, TEXT, "bold"),
        (f"{wording.unit(result)} {wording.k2hpo4(result)}".rstrip(), 14, MUTED, "normal"),
        (wording.category_range(result), 16, CATEGORY_COLOURS[result.category], "bold"),
    )
    _write(figure, 0.018, 0.914, _basis(result), 10.5, MUTED)
    _write(figure, 0.018, 0.884, trust_line(result), 10.5, MUTED)


def _shortened(words: str, length: int = 26) -> str:
    return words if len(words) <= length else words[: length - 1].rstrip() + "…"


def _basis(result: Result) -> str:
    between = wording.interval(result)
    words = wording.vertebrae_used(result)
    return words if between is None else f"{words}  ·  95 % interval {between[0]:.0f} to {between[1]:.0f} mg/cm³"


def _write_row(figure: Figure, x: float, y: float, *pieces: tuple[str, float, str, str]) -> None:
    """Words of different size one after the other on one base line."""
    renderer = cast(FigureCanvasAgg, figure.canvas).get_renderer()
    for words, size, colour, weight in pieces:
        text = figure.text(
            x, y, words, fontsize=size, color=colour, weight=weight, va="center_baseline", parse_math=False
        )
        x += text.get_window_extent(renderer).width / figure.bbox.width + 0.010


def _write_figures(figure: Figure, left: float, top: float, name: str, result: Result) -> None:
    vertebra = result.vertebrae.get(name)
    if vertebra is None:
        return
    m = VertebraFigures.of(vertebra)
    density = wording.with_sd(m.bmd_mg_cm3, m.bmd_sd_mg_cm3)
    if m.is_measured:
        _write_row(figure, left, top, (density, 14, TEXT, "bold"), (wording.UNIT, 10.5, MUTED, "normal"))
    else:
        _write(figure, left, top, "not measurable", 14, TEXT, weight="bold")
    read, mask = wording.with_sd(m.hu_region, m.hu_region_sd, 0), wording.with_sd(m.hu_mean, m.hu_sd, 0)
    lines = (
        f"{read} HU read  ·  {mask} HU mask",
        f"network {wording.number(m.network_bmd_mg_cm3)} {wording.UNIT}  ·  {m.volume_mm3 / 1000:.1f} cm³",
    )
    for row, line in enumerate(lines):
        _write(figure, left, top - 0.031 - 0.025 * row, line, 10.5, MUTED)


def _write_reasons(figure: Figure, result: Result, *, left: float, top: float, width: int) -> None:
    """As many reasons as there is room for down to the legend, the gravest first; the rest is counted."""
    reasons, row, step = wording.ordered_reasons(result), 0.0, 0.0235
    lines = 1 + (top - LOWEST_REASON) / step
    if not reasons:
        _write(figure, left, top, wording.STATUS_EXPLANATIONS[result.status], 11, MUTED)
        return
    colours = {"refusal": STATUS_COLOURS["refused"], "warning": STATUS_COLOURS["review"], "info": MUTED}
    for shown, reason in enumerate(reasons):
        wrapped = textwrap.wrap(wording.reason_sentence(reason), width)
        last = shown == len(reasons) - 1
        if row + len(wrapped) > lines - (0 if last else 1):
            _write(figure, left, top - row * step, f"and {len(reasons) - shown} more, see report.html", 11, MUTED)
            return
        _write(
            figure,
            left,
            top - row * step,
            wording.SEVERITY_WORDS[reason.severity],
            11,
            colours[reason.severity],
            weight="bold",
        )
        for line in wrapped:
            _write(figure, left + 0.052, top - row * step, line, 11, TEXT)
            row += 1
        row += 0.35


def _write(figure: Figure, x: float, y: float, words: str, size: float, colour: object, **style: Any) -> None:
    figure.text(x, y, words, fontsize=size, color=colour, va="center", parse_math=False, **style)
