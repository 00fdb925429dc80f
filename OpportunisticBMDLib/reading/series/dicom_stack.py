"""One stack of DICOM slices -> one CT on an orthogonal, even grid."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

import numpy as np

from OpportunisticBMDLib.core.ct import CT, Acquisition
from OpportunisticBMDLib.core.errors import BadInput
from OpportunisticBMDLib.core.grid import LPS_FROM_RAS, Grid
from OpportunisticBMDLib.core.tube_voltage import possible_voltage
from OpportunisticBMDLib.core.volume import AIR_HU, Volume
from OpportunisticBMDLib.reading.coverage import check_coverage
from OpportunisticBMDLib.reading.facts.acquisition_facts import several_voltages, shown_name
from OpportunisticBMDLib.reading.headers.plausible import check_geometry, check_size
from OpportunisticBMDLib.reading.hounsfield import from_air, hounsfield, smallest_kind
from OpportunisticBMDLib.reading.series.dicom_header import SliceHeader
from OpportunisticBMDLib.reading.series.slice_pixels import read_slices
from OpportunisticBMDLib.reading.series.slice_stack import SAME_POSITION_MM, LeftOut, SliceStack

_AGAIN = "export the series again"


def read_stack(stack: SliceStack, path: str, name: str | None = None) -> CT:
    """Reads all slices; uneven steps and a tilted gantry are resampled onto an orthogonal, even grid.

    Args:
        stack: any orientation.
        path: what is read, for messages.
        name: of what the user asked for, where it is not the path.

    Raises:
        BadInput: slices missing, contradicting each other or damaged; too small; not in HU.
    """
    where = f"{path} ({describe(stack)})"
    check_size((*stack.first.size, len(stack.slices)), Path(where))
    stack, array = _read(stack)
    problem = wrong_in(stack)
    if problem:
        raise BadInput(problem)
    if len(stack.slices) < 3:
        raise BadInput(f"{where} has only {len(stack.slices)} slices: a CT volume is needed.")
    array, affine = _on_grid(stack, array)
    grid = Grid(array.shape[::-1], LPS_FROM_RAS @ affine)
    check_geometry(grid.affine, grid.size, Path(where))
    check_coverage(grid, where)
    return CT(Volume(hounsfield(array, where).transpose(2, 1, 0), grid), _acquisition(stack, name or path))


def describe(stack: SliceStack) -> str:
    """Which series and acquisition it is, e.g. 'series 5 "CHEST", acquisition 1, one of 3, 37 slices 5 mm apart'."""
    s, known = stack.first, stack.first.acquisition
    is_short = s.series_number is not None and len(s.series_number) < 6  # longer ones may be dates
    series = f"series {s.series_number}" if is_short else "series"
    parts = [f'{series} "{known.series_description}"' if known.series_description else series]
    parts += [stack.label] if stack.label else []
    parts += [f"{len(stack.slices)} slices {stack.step:.4g} mm apart"]
    parts += [f"kernel {known.kernel}"] if known.kernel else []
    kinds = Counter(other.kind for other in stack.left_out)
    parts += [f"{count} x {kind} left out" for kind, count in sorted(kinds.items())]
    return ", ".join(parts)


def wrong_in(stack: SliceStack) -> str | None:
    """The sentence that says where slices are missing, too many or astray, None where all are as a scan has them."""
    aside = stack.aside
    if aside:
        where = f"{aside[1]:.4g} mm beside the slices around it"
        return f"{aside[0].where} lies {where}, so its position must be wrong: {_AGAIN}."
    if stack.rescaled_otherwise:
        return (
            f"{stack.rescaled_otherwise.where} has another RescaleSlope or RescaleIntercept than all others: {_AGAIN}."
        )
    if stack.gap is None and stack.crowd is None:
        return None
    if stack.is_jumbled:
        return (
            f"Slices from {stack.first.where} to {stack.slices[-1].name} lie at very uneven distances "
            "as if several scans were mixed: export one scan only."
        )
    return (
        _gap_in_words(stack, *stack.gap) if stack.gap else _crowd_in_words(stack, *stack.crowd) if stack.crowd else None
    )


def _gap_in_words(stack: SliceStack, below: SliceHeader, above: SliceHeader, width: float) -> str:
    where = f"between {below.where} and {above.name}, {_apart(stack, below, above, width)}"
    dropped = stack.left_out_between(below, above)
    if dropped:
        return f"What lies {where} does not belong to the other slices ({_listed(dropped)}): export one scan, whole."
    unplaced = [other for other in stack.left_out if other.position is None]
    if unplaced:
        return f"Slices {where} are missing, or among what was left out ({_listed(unplaced)}): export the whole series."
    astray = " or ".join(s.name for s in stack.astray)
    if astray:
        return f"Slices are missing {where}, or the position of {astray} is wrong: export the whole series."
    return f"Slices are missing {where}: export the whole series."


def _crowd_in_words(stack: SliceStack, below: SliceHeader, above: SliceHeader, width: float) -> str:
    apart = _apart(stack, below, above, width)
    return f"Slices lie too close between {below.where} and {above.name}, {apart}: export one scan only."


def _apart(stack: SliceStack, below: SliceHeader, above: SliceHeader, width: float) -> str:
    at = (below.position + above.position) / 2
    return f"{width:.4g} mm apart instead of {stack.step:.4g} mm, near L {at[0]:.0f} P {at[1]:.0f} S {at[2]:.0f} mm"


def _listed(others: Sequence[LeftOut]) -> str:
    names = ", ".join(f"{other.name}: {other.what or other.kind}" for other in others[:3])
    return f"{names} and {len(others) - 3} more" if len(others) > 3 else names


def _acquisition(stack: SliceStack, name: str) -> Acquisition:
    first = stack.first
    known = replace(
        first.acquisition,
        path=shown_name(Path(name).absolute().name, first.identity),
        series_instance_uid=first.series_uid or None,
        series_description=describe(stack),
        shear_degrees=stack.shear_degrees,
    )
    voltages = sorted({kvp for s in stack.slices if (kvp := possible_voltage(s.kvp)) is not None})
    if len(voltages) > 1:
        return replace(known, kvp=None, spectrum=several_voltages(voltages))
    return replace(known, kvp=voltages[0] if voltages else None)


def _read(stack: SliceStack) -> tuple[SliceStack, np.ndarray]:
    """The slices and their HU (slices, rows, columns), without those that show the same at the same place as another.

    Each is kept as it comes, as small as is exact, so that there is never more than one copy of a large CT.
    """
    columns, rows = stack.first.size
    array = np.empty((len(stack.slices), rows, columns), np.int16)
    kept: list[SliceHeader] = []
    for height, s, plane in zip(stack.heights, stack.slices, read_slices(stack.slices)):
        n, plane = len(kept), from_air(plane)
        array = _widened(array, n, smallest_kind(plane))
        array[n] = plane
        last = kept[-1] if kept else None
        if last is None or height - stack.first.normal @ (last.position - stack.first.position) > SAME_POSITION_MM:
            kept.append(s)
        elif not np.array_equal(array[n - 1], array[n]):
            raise BadInput(f"{last.where} and {s.name} show the same place differently and nothing in their "
                           "headers tells which belong together: export one reconstruction only.")  # fmt: skip
    return SliceStack(tuple(kept), stack.label, stack.left_out), array[: len(kept)]


def _widened(array: np.ndarray, filled: int, kind: np.dtype) -> np.ndarray:
    """An array that also holds values of this kind, with the planes that were filled."""
    kind = np.result_type(array, kind)
    if kind == array.dtype:
        return array
    wide = np.empty(array.shape, kind)
    wide[:filled] = array[:filled]
    return wide


def _on_grid(stack: SliceStack, array: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """An even, orthogonal array (slices, rows, columns) and its 4 x 4 affine from (column, row, slice) to LPS mm."""
    first, origin = stack.first, stack.first.position
    if not (stack.is_even and stack.is_straight):
        array, low = _straightened(stack, array)
        origin = origin + (low * first.spacing) @ first.axes
    affine = np.eye(4)
    step = stack.heights[-1] / (len(array) - 1)
    affine[:3, :3] = np.column_stack([*first.axes, first.normal]) * (*first.spacing, step)
    affine[:3, 3] = origin
    return array, affine


def _straightened(stack: SliceStack, array: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Slices moved above each other, at even steps, and the (column, row) at which they begin; float32, linear."""
    shifts = stack.drifts / stack.first.spacing
    low, high = np.floor(shifts.min(axis=0)).astype(int), np.ceil(shifts.max(axis=0)).astype(int)
    wanted = np.linspace(0, stack.heights[-1], round(stack.heights[-1] / stack.step) + 1)
    above = np.clip(np.searchsorted(stack.heights, wanted), 1, len(stack.heights) - 1)
    weights = (wanted - stack.heights[above - 1]) / (stack.heights[above] - stack.heights[above - 1])

    @lru_cache(2)  # the neighbours of one plane, which may be those of the next
    def moved(k: int) -> np.ndarray:
        return _shifted(array[k], shifts[k] - low, high - low)

    straight = np.empty((len(wanted), *moved(0).shape), np.float32)
    for plane, k, weight in zip(straight, above.tolist(), weights):
        plane[...] = _mixed(moved(k - 1), moved(k), weight)
    return straight, low


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


def _mixed(below: np.ndarray, above: np.ndarray, weight: float) -> np.ndarray:
    if weight < 1e-6 or weight > 1 - 1e-6:
        return below if weight < 0.5 else above
    return np.asarray((1 - weight) * np.maximum(below, AIR_HU) + weight * np.maximum(above, AIR_HU), np.float32)
