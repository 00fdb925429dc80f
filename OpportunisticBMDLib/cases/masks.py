"""Whether a case's voxels can be right: the scan's HU, and the masks' grid, order, shape, place and density."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from scipy import ndimage

from OpportunisticBMDLib.calibration import line_for
from OpportunisticBMDLib.cases.case import CaseInfo, Exclusion
from OpportunisticBMDLib.cases.fault import Fault
from OpportunisticBMDLib.core.errors import BadInput
from OpportunisticBMDLib.core.grid import Grid
from OpportunisticBMDLib.core.segmentation import Segmentation
from OpportunisticBMDLib.core.vertebrae import LABELS, VERTEBRAE
from OpportunisticBMDLib.core.volume import Volume
from OpportunisticBMDLib.quality.wrong_order import is_misordered
from OpportunisticBMDLib.reading.headers import read_header
from OpportunisticBMDLib.results.segment_layers import read_segment_layers

SPACING_MM = (0.2, 10.0)
AIR_BELOW_HU, BONE_ABOVE_HU = -150.0, 200.0  # every CT of a trunk has voxels on both sides
GRID_TOLERANCE_MM = 0.05
CM3 = (2.0, 80.0)  # cancellous bone of one body
NEIGHBOURS_MM = (15.0, 60.0)  # between the centres of two neighbouring bodies
CANCELLOUS_HU = (-60.0, 600.0)  # the mean of a mask: fatty marrow to osteopetrosis
NO_BONE_HU, NO_BONE_SHARE = -200.0, 0.01  # air, lung: no part of a vertebra
SHELL_MM, SHELL_PERCENTILE, SHELL_CONTRAST_HU = 6.0, 90.0, 80.0  # cortex and endplates outshine what they enclose
LEAST_MM3 = 10.0  # of a second part or a hole that is told
PLAUSIBLE_BMD = (-50.0, 450.0)  # mg/cm3
LEAST_OFF, RELATIVE_OFF = 60.0, 0.4  # a reference so far from the HU line belongs to another scan, or another unit


def scan_faults(case_id: str, ct: Volume) -> Iterator[Fault]:
    """Faults of the CT alone."""
    low, high = float(ct.array.min()), float(ct.array.max())
    spacing = ct.grid.spacing
    if spacing.min() < SPACING_MM[0] or spacing.max() > SPACING_MM[1]:
        sizes = " x ".join(f"{s:.3g}" for s in spacing)
        yield Fault(case_id, "spacing", f"the CT's voxels are {sizes} mm, which no CT has; correct its header.")
    if low > AIR_BELOW_HU or high < BONE_ABOVE_HU:
        message = f"the CT's values run from {low:.0f} to {high:.0f}, which is not HU; convert them to HU."
        yield Fault(case_id, "not_hu", message)


def segmentation_grid_faults(case_id: str, path: Path, ct: Grid) -> Iterator[Fault]:
    """Whether a .seg.nrrd lies on the CT's voxels; it may cover only a part of them, as 3D Slicer crops what it saves.

    Raises:
        BadInput: the file cannot be read.
    """
    try:
        segmentation = read_segment_layers(read_header(path))
    except OSError as error:
        raise BadInput(f"{path.name} cannot be read ({error.strerror or error}); save it again.") from error
    grid = segmentation.grid
    surplus = sorted({segment.name.name for segment in segmentation.segments} - set(VERTEBRAE))
    if surplus:
        yield Fault(case_id, "surplus_segment", f"{path.name} has the segments {', '.join(surplus)}; remove them.")
    corners = np.array([(0, 0, 0), *np.diag(np.array(grid.size) - 1)], dtype=float)
    index = ct.index_of(grid.ras_of(corners))
    off_mm = np.abs((index - np.rint(index)) * ct.spacing).max()
    same_steps = np.abs(grid.affine[:3, :3] - ct.affine[:3, :3]).max() * max(grid.size) < 1
    if off_mm > GRID_TOLERANCE_MM or not same_steps:
        message = f"{path.name} is not on the CT's grid; save it again with the CT as its reference geometry."
        yield Fault(case_id, "wrong_grid", message)
        return
    held = np.argwhere(np.any(segmentation.layers, axis=0))
    if len(held):
        index = np.rint(ct.index_of(grid.ras_of(np.array([held.min(axis=0), held.max(axis=0)]))))
        if index.min() < 0 or (index > np.array(ct.size) - 1).any():
            yield Fault(case_id, "wrong_grid", f"{path.name} reaches beyond the CT; erase what lies outside.")


def mask_faults(case_id: str, ct: Volume, labels: Volume, info: CaseInfo) -> Iterator[Fault]:
    """Faults of the masks and of the reference BMD that is claimed for them."""
    masks = {name: labels.array == LABELS[name] for name in VERTEBRAE}
    present = [name for name in VERTEBRAE if masks[name].any()]
    for name in VERTEBRAE:
        if name not in present and Exclusion.NOT_COVERED.value not in info.exclusions:
            message = f"{name} has no mask; draw it, or state the exclusion {Exclusion.NOT_COVERED.value}."
            yield Fault(case_id, "missing_label", message)
    yield from _order_faults(case_id, labels, present)
    parts = ndimage.find_objects(labels.array, max_label=len(LABELS))
    for name in present:
        room = _with_shell(parts[LABELS[name] - 1], ct.grid)
        hu, mask = ct.array[room].astype(np.float32), masks[name][room]
        yield from _shape_faults(case_id, name, mask, ct.grid)
        yield from _place_faults(case_id, name, hu, mask, labels.array[room], ct.grid)
        yield from reference_faults(case_id, name, float(hu[mask].mean()), info)
    for name in VERTEBRAE:
        if name not in present and info.reference_bmd_mg_cm3[name] is not None:
            message = f"{name} has a reference BMD but no mask; draw the mask, or set the reference to null."
            yield Fault(case_id, "reference_without_mask", message)


def reference_faults(case_id: str, name: str, hu_mean: float, info: CaseInfo) -> Iterator[Fault]:
    """Whether a reference BMD can be: by itself, and beside the density that the mask's mean HU stands for.

    The HU line is that of the case's tube voltage; contrast in the marrow may add `LEAST_OFF` / 2.
    """
    reference = info.reference_bmd_mg_cm3[name]
    if reference is None:
        return
    if not PLAUSIBLE_BMD[0] <= reference <= PLAUSIBLE_BMD[1]:
        message = f"the reference BMD of {name} is {reference:g} mg/cm3, which no cancellous bone has; correct it."
        yield Fault(case_id, "impossible_bmd", message)
        return
    line = float(line_for(info.kvp).bmd(hu_mean))
    allowed = max(LEAST_OFF, RELATIVE_OFF * abs(reference)) + (LEAST_OFF / 2 if info.contrast else 0)
    if abs(line - reference) > allowed:
        message = (
            f"the reference BMD of {name} is {reference:g} mg/cm3, yet its mean of {hu_mean:.0f} HU stands for about "
            f"{line:.0f}; correct the reference (unit mg/cm3 of HA?) or the mask."
        )
        yield Fault(case_id, "contradicted_bmd", message)


def _with_shell(part: tuple[slice, ...], grid: Grid) -> tuple[slice, ...]:
    """Index ranges, widened by the shell in which cortex is looked for."""
    reach = np.ceil(SHELL_MM / grid.spacing).astype(int) + 1
    return tuple(slice(max(s.start - int(r), 0), s.stop + int(r)) for s, r in zip(part, reach))


def _order_faults(case_id: str, labels: Volume, present: list[str]) -> Iterator[Fault]:
    if is_misordered(Segmentation(labels, {})):
        yield Fault(case_id, "swapped", "T12, L1 and L2 do not follow each other from head to foot; relabel them.")
        return
    centres = {
        name: labels.grid.ras_of(np.array(ndimage.center_of_mass(labels.array == LABELS[name]))) for name in present
    }
    for upper, lower in zip(VERTEBRAE, VERTEBRAE[1:]):
        if upper in centres and lower in centres:
            apart = float(np.linalg.norm(centres[upper] - centres[lower]))
            if not NEIGHBOURS_MM[0] <= apart <= NEIGHBOURS_MM[1]:
                message = f"{upper} and {lower} are {apart:.0f} mm apart, which neighbours are not; check the labels."
                yield Fault(case_id, "not_neighbours", message)


def _shape_faults(case_id: str, name: str, mask: np.ndarray, grid: Grid) -> Iterator[Fault]:
    volume = mask.sum() * grid.voxel_volume
    if not CM3[0] <= volume / 1000 <= CM3[1]:
        message = f"the mask of {name} holds {volume / 1000:.1f} cm3, which no vertebral body has; correct it."
        yield Fault(case_id, "impossible_size", message)
    parts, count = ndimage.label(mask, np.ones((3, 3, 3)))
    sizes = np.sort(np.bincount(parts.ravel())[1:] * grid.voxel_volume)[:-1]
    if count > 1 and sizes.sum() >= LEAST_MM3:
        message = f"the mask of {name} has {count} parts ({sizes.sum():.0f} mm3 apart from the body); keep one."
        yield Fault(case_id, "several_parts", message)
    holes = (ndimage.binary_fill_holes(mask) & ~mask).sum() * grid.voxel_volume
    if holes >= LEAST_MM3:
        yield Fault(case_id, "holes", f"the mask of {name} has holes of {holes:.0f} mm3; fill them.")


def _place_faults(
    case_id: str, name: str, hu: np.ndarray, mask: np.ndarray, labels: np.ndarray, grid: Grid
) -> Iterator[Fault]:
    mean = float(hu[mask].mean())
    if not CANCELLOUS_HU[0] <= mean <= CANCELLOUS_HU[1] or (hu[mask] < NO_BONE_HU).mean() > NO_BONE_SHARE:
        message = f"the mask of {name} is not in bone: its mean is {mean:.0f} HU; move or redraw it."
        yield Fault(case_id, "outside_bone", message)
        return
    far = ndimage.distance_transform_edt(~mask, sampling=grid.spacing)
    shell = hu[(far > 0) & (far <= SHELL_MM) & (labels == 0)]
    if len(shell) and np.percentile(shell, SHELL_PERCENTILE) < mean + SHELL_CONTRAST_HU:
        message = f"the mask of {name} is not in bone: no cortex lies around it; move or redraw it."
        yield Fault(case_id, "outside_bone", message)
