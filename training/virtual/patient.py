"""Virtual patients: drawing their parameters, rendering their CT, and the truth about their bone density."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from OpportunisticBMDLib.ct import Acquisition
from OpportunisticBMDLib.geometry import Grid
from OpportunisticBMDLib.volume import Volume
from training.virtual.canvas import Canvas
from training.virtual.materials import AIR_HU, calibration
from training.virtual.organs import paint_soft_tissue
from training.virtual.parameters import PatientParameters, draw_parameters
from training.virtual.pelvis import paint_pelvis
from training.virtual.scan import acquire, lattice, paint_table
from training.virtual.spine import MEASURED, paint_canal, paint_discs, paint_vertebra, place_vertebrae
from training.virtual.texture import Texture
from training.virtual.thorax import paint_ribs
from training.virtual.trunk import Trunk

__all__ = ["PatientParameters", "VirtualPatient", "draw_parameters", "render", "virtual_patient"]

COARSE_MM = (1.8, 1.8, 2.5)


@dataclass(frozen=True, eq=False)
class VirtualPatient:
    """A CT with its truth.

    Args:
        ct: HU, int16, indexed [i, j, k] towards right, front, head.
        labels: uint8 on the same grid: 1 = T12, 2 = L1, 3 = L2 cancellous bone of the body (0 elsewhere).
        bmd_mg_cm3: mean hydroxyapatite density rendered in the labelled voxels, per vertebra.
        acquisition: how the CT was made.
        parameters: the record from which `render` repeats the patient.
    """

    ct: Volume
    labels: Volume
    bmd_mg_cm3: dict[str, float]
    acquisition: Acquisition
    parameters: PatientParameters


def virtual_patient(seed: int) -> VirtualPatient:
    """The patient of a seed: the same seed gives the same voxels."""
    return render(draw_parameters(seed))


def render(parameters: PatientParameters) -> VirtualPatient:
    """Paints soft tissue, then bones, then passes all through the scanner."""
    axes = lattice(parameters.scan)
    vertebrae = place_vertebrae(parameters)
    trunk = Trunk.of(parameters, vertebrae)
    canvas = _refined(_soft_tissue(parameters, trunk, vertebrae, axes), axes)
    texture = Texture(np.random.default_rng([parameters.seed, 3]))
    grain = texture.bone_grain()
    paint_pelvis(canvas, parameters, vertebrae, grain)
    paint_ribs(canvas, parameters, trunk, vertebrae, grain)
    paint_discs(canvas, vertebrae)
    paint_canal(canvas, vertebrae)
    labels = np.zeros(canvas.hu.shape[::-1], np.uint8).transpose(2, 1, 0)
    truth = _paint_bones(canvas, labels, parameters, vertebrae, texture, grain)
    grid = Grid.axis_aligned(labels.shape, canvas.spacing, [float(a.astype(float).mean()) for a in axes])
    ct = acquire(canvas.hu, parameters.scan, parameters.seed)
    return VirtualPatient(Volume(ct, grid), Volume(labels, grid), truth, _acquisition(parameters), parameters)


def _soft_tissue(parameters: PatientParameters, trunk: Trunk, vertebrae: tuple, axes: tuple) -> Canvas:
    coarse = [np.arange(a[0] - step, a[-1] + 2 * step, step) for a, step in zip(axes, COARSE_MM)]
    canvas = Canvas.blank(*coarse, hu=AIR_HU)
    paint_soft_tissue(canvas, parameters, trunk, vertebrae)
    scan = parameters.scan
    paint_table(canvas, trunk.back() - scan.table_gap, scan.table_sag, scan.table_hu)
    return canvas


def _refined(coarse: Canvas, axes: tuple) -> Canvas:
    """The same HU on a finer lattice, linear between the coarse voxels; each slice lies whole in memory."""
    hu = coarse.hu.transpose(2, 1, 0)
    for axis, have, want in ((2, coarse.x, axes[0]), (1, coarse.y, axes[1])):
        first, weight = _between(have, want)
        weight = weight.reshape((-1, 1) if axis == 1 else (-1,))
        low = np.take(hu, first, axis=axis)
        hu = low + (np.take(hu, first + 1, axis=axis) - low) * weight
    fine = np.empty((len(axes[2]), *hu.shape[1:]), np.float32)
    for k, (first, weight) in enumerate(zip(*_between(coarse.z, axes[2]))):
        fine[k] = hu[first] + (hu[first + 1] - hu[first]) * weight
    return Canvas(*(np.asarray(a, dtype=np.float32) for a in axes), fine.transpose(2, 1, 0))


def _between(have: np.ndarray, want: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """For each wanted coordinate the index of the one below it, and how far it lies towards the next (0-1)."""
    place = (np.asarray(want) - have[0]) / (have[1] - have[0])
    first = np.clip(place.astype(int), 0, len(have) - 2)
    return first, (place - first).astype(np.float32)


def _paint_bones(
    canvas: Canvas,
    labels: np.ndarray,
    parameters: PatientParameters,
    vertebrae: tuple,
    texture: Texture,
    grain: np.ndarray,
) -> dict[str, float]:
    line = calibration(parameters.scan.kvp, parameters.marrow_fat)
    truth = {}
    for vertebra in vertebrae:
        cancellous = paint_vertebra(canvas, labels, vertebra, texture, line, grain)
        if vertebra.shape.name in MEASURED:
            truth[vertebra.shape.name] = cancellous.mean
    return truth


def _acquisition(parameters: PatientParameters) -> Acquisition:
    scan = parameters.scan
    return Acquisition(
        path=f"virtual patient {parameters.seed}",
        format="virtual",
        kvp=scan.kvp,
        kernel=f"Gaussian {scan.kernel_sigma:.2f} mm",
        contrast_agent="iodine" if parameters.contrast else "",
        scanner="virtual",
        slice_thickness_mm=scan.slice_thickness,
    )
