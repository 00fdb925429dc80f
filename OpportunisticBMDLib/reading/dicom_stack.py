"""One stack of DICOM slices -> one CT on an orthogonal, even grid."""

from __future__ import annotations

import numpy as np

from OpportunisticBMDLib.core.ct import CT, Acquisition
from OpportunisticBMDLib.core.errors import BadInput
from OpportunisticBMDLib.core.grid import LPS_FROM_RAS, Grid
from OpportunisticBMDLib.core.volume import AIR_HU, Volume
from OpportunisticBMDLib.reading.coverage import check_coverage
from OpportunisticBMDLib.reading.dicom_header import SliceHeader
from OpportunisticBMDLib.reading.hounsfield import hounsfield
from OpportunisticBMDLib.reading.slice_pixels import read_slice
from OpportunisticBMDLib.reading.slice_stack import SAME_POSITION_MM, SliceStack


def read_stack(stack: SliceStack, path: str) -> CT:
    """Reads all slices; uneven steps and a tilted gantry are resampled onto an orthogonal, even grid.

    Args:
        stack: any orientation.
        path: what the user asked for.

    Raises:
        BadInput: slices missing, contradicting each other or damaged; too small; not in HU.
    """
    name = f"{path} ({describe(stack)})"
    planes = {s.path: read_slice(s) for s in stack.slices}
    stack = _without_doubles(stack, planes)
    problem = misplaced_in(stack)
    if problem:
        raise BadInput(problem)
    if len(stack.slices) < 3:
        raise BadInput(f"{name} has only {len(stack.slices)} slices: a CT volume is needed.")
    array, affine = _assembled(stack, [planes[s.path] for s in stack.slices])
    grid = Grid(array.shape[::-1], LPS_FROM_RAS @ affine)
    check_coverage(grid, name)
    return CT(Volume(hounsfield(array, name).transpose(2, 1, 0), grid), _acquisition(stack, path))


def describe(stack: SliceStack) -> str:
    """Which series and acquisition it is, e.g. 'series 5 "CHEST", acquisition 1, one of 3, 37 slices 5 mm apart'."""
    s = stack.first
    series = f"series {s.series_number}" if s.series_number else "series"
    parts = [f'{series} "{s.description}"' if s.description else series]
    parts += [stack.label] if stack.label else []
    parts += [f"{len(stack.slices)} slices {stack.step:.4g} mm apart"]
    parts += [f"kernel {s.kernel}"] if s.kernel else []
    return ", ".join(parts)


def misplaced_in(stack: SliceStack) -> str | None:
    """The sentence that says where slices are missing or too many, None where the stack has all and no more."""
    found = stack.gap or stack.crowd
    if found is None:
        return None
    if stack.is_jumbled:
        return (
            f"Slices from {stack.first.path} to {stack.slices[-1].path.name} lie at very uneven distances "
            "as if several scans were mixed: export one scan only."
        )
    below, above, width = found
    at = (below.position + above.position) / 2
    missing = ("Slices are missing", "the whole series")
    what, remedy = missing if stack.gap else ("Slices lie too close", "one scan only")
    return (
        f"{what} between {below.path} and {above.path.name}, {width:.4g} mm apart instead of "
        f"{stack.step:.4g} mm, near L {at[0]:.0f} P {at[1]:.0f} S {at[2]:.0f} mm: export {remedy}."
    )


def _acquisition(stack: SliceStack, path: str) -> Acquisition:
    s = stack.first
    return Acquisition(
        path=path,
        format="DICOM",
        series_instance_uid=s.series_uid,
        series_description=describe(stack),
        kvp=s.kvp,
        kernel=s.kernel,
        contrast_agent=s.contrast_agent,
        scanner=s.scanner,
        slice_thickness_mm=s.thickness_mm,
    )


def _without_doubles(stack: SliceStack, planes: dict) -> SliceStack:
    """Drops slices that are at the same place as another and show the same."""
    kept: list[SliceHeader] = []
    for height, s in zip(stack.heights, stack.slices):
        last = kept[-1] if kept else None
        if last is None or height - stack.first.normal @ (last.position - stack.first.position) > SAME_POSITION_MM:
            kept.append(s)
        elif not np.array_equal(planes[last.path], planes[s.path]):
            raise BadInput(f"{last.path} and {s.path.name} show the same place differently and nothing in their "
                           "headers tells which belong together: export one reconstruction only.")  # fmt: skip
    return SliceStack(tuple(kept), stack.label)


def _assembled(stack: SliceStack, planes: list[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Array (slices, rows, columns) and its 4 x 4 affine from (column, row, slice) to LPS mm."""
    first, count = stack.first, len(planes)
    origin = first.position
    if not (stack.is_even and stack.is_straight):
        count = round(stack.heights[-1] / stack.step) + 1
        shifts = stack.drifts / first.spacing
        low, high = np.floor(shifts.min(axis=0)).astype(int), np.ceil(shifts.max(axis=0)).astype(int)
        planes = [_shifted(plane, shift - low, high - low) for plane, shift in zip(planes, shifts)]
        planes = _interpolated(planes, stack.heights, np.linspace(0, stack.heights[-1], count))
        origin = origin + (low * first.spacing) @ first.axes
    affine = np.eye(4)
    step = stack.heights[-1] / (count - 1)
    affine[:3, :3] = np.column_stack([*first.axes, first.normal]) * (*first.spacing, step)
    affine[:3, 3] = origin
    return np.stack(planes), affine


def _shifted(plane: np.ndarray, shift: np.ndarray, growth: np.ndarray) -> np.ndarray:
    """Moves a plane by `shift` (columns, rows; >= 0, not whole) on a canvas that is larger by `growth`; linear."""
    (columns, rows), (c, r) = growth, np.floor(shift).astype(int)
    fc, fr = shift - (c, r)
    canvas = np.full((plane.shape[0] + rows + 1, plane.shape[1] + columns + 1), AIR_HU, np.float32)
    canvas[r : r + plane.shape[0], c : c + plane.shape[1]] = np.maximum(plane, AIR_HU)
    # A shift by f takes the share f from the neighbour before; np.roll brings in the canvas's empty last line.
    canvas = (1 - fc) * canvas + fc * np.roll(canvas, 1, axis=1) if fc else canvas
    canvas = (1 - fr) * canvas + fr * np.roll(canvas, 1, axis=0) if fr else canvas
    return canvas[: plane.shape[0] + rows, : plane.shape[1] + columns]


def _interpolated(planes: list[np.ndarray], heights: np.ndarray, wanted: np.ndarray) -> list[np.ndarray]:
    """Planes at the wanted heights, linear between the two neighbours."""
    above = np.clip(np.searchsorted(heights, wanted), 1, len(heights) - 1)
    weights = (wanted - heights[above - 1]) / (heights[above] - heights[above - 1])
    return [_mixed(planes[k - 1], planes[k], w) for k, w in zip(above, weights)]


def _mixed(below: np.ndarray, above: np.ndarray, weight: float) -> np.ndarray:
    if weight < 1e-6 or weight > 1 - 1e-6:
        return below if weight < 0.5 else above
    return np.asarray((1 - weight) * np.maximum(below, AIR_HU) + weight * np.maximum(above, AIR_HU), np.float32)
