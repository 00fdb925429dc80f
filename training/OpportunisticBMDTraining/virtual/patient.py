"""Virtual patients: drawing their parameters, rendering their CT, and the truth about their bone density."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field

import numpy as np

from OpportunisticBMDLib.core.ct import Acquisition
from OpportunisticBMDLib.core.grid import Grid
from OpportunisticBMDLib.core.vertebrae import LABELS
from OpportunisticBMDLib.core.volume import Volume
from OpportunisticBMDTraining.virtual.arms import paint_arm_bones, paint_arm_flesh
from OpportunisticBMDTraining.virtual.canvas import Canvas
from OpportunisticBMDTraining.virtual.discs import paint_discs
from OpportunisticBMDTraining.virtual.draw_many_scanners import draw_many_scanners
from OpportunisticBMDTraining.virtual.draw_one_scanner import draw_one_scanner
from OpportunisticBMDTraining.virtual.implants import held_by, holds_metal, paint_implants
from OpportunisticBMDTraining.virtual.lesions import paint_lesions
from OpportunisticBMDTraining.virtual.materials import AIR_HU, calibration
from OpportunisticBMDTraining.virtual.organs import paint_soft_tissue
from OpportunisticBMDTraining.virtual.parameters import PatientParameters
from OpportunisticBMDTraining.virtual.pelvis import paint_pelvis
from OpportunisticBMDTraining.virtual.phantom_below import height_below, paint_phantom_below
from OpportunisticBMDTraining.virtual.scan import acquire, lattice, paint_table
from OpportunisticBMDTraining.virtual.slices import Slices
from OpportunisticBMDTraining.virtual.spine import Cancellous, paint_canal, paint_vertebra, place_vertebrae
from OpportunisticBMDTraining.virtual.spurs import paint_spurs
from OpportunisticBMDTraining.virtual.texture import Texture
from OpportunisticBMDTraining.virtual.thorax import paint_ribs
from OpportunisticBMDTraining.virtual.true_levels import measured_levels
from OpportunisticBMDTraining.virtual.true_readings import true_readings
from OpportunisticBMDTraining.virtual.trunk import Trunk

__all__ = ["COHORTS", "PatientParameters", "VirtualPatient", "draw_parameters", "render", "virtual_patient"]

COHORTS = {"one-scanner": draw_one_scanner, "many-scanners": draw_many_scanners}
COARSE_MM = (1.8, 1.8, 2.5)


@dataclass(frozen=True, eq=False)
class VirtualPatient:
    """A CT with its truth.

    Args:
        ct: HU, int16, indexed [i, j, k] towards right, front, head.
        labels: uint8 on the same grid: 1 = T12, 2 = L1, 3 = L2 cancellous bone of the body (0 elsewhere), as
            `true_levels` calls them.
        bones: uint8 on the same grid: the `Bone` of each voxel.
        bmd_mg_cm3: what QCT would read in the middle of each vertebra that can be measured (see `true_readings`).
        not_measurable: vertebra -> "cement", "screws", "cut off" (by an end of the scan) or "crushed"; it has no entry
            above.
        acquisition: how the CT was made.
        parameters: the record from which `render` repeats the patient.
    """

    ct: Volume
    labels: Volume
    bones: Volume
    bmd_mg_cm3: dict[str, float]
    acquisition: Acquisition
    parameters: PatientParameters
    not_measurable: dict[str, str] = field(default_factory=dict)


def draw_parameters(seed: int, cohort: str = "one-scanner") -> PatientParameters:
    """Draws the record of a patient.

    Args:
        cohort: one of `COHORTS`.

    Raises:
        ValueError: an unknown cohort.
    """
    if cohort not in COHORTS:
        raise ValueError(f"the cohort is {cohort!r}, not one of {', '.join(COHORTS)}")
    return COHORTS[cohort](seed)


def virtual_patient(seed: int, cohort: str = "one-scanner") -> VirtualPatient:
    """The patient of a seed in a cohort: the same seed gives the same voxels."""
    return render(draw_parameters(seed, cohort))


def render(parameters: PatientParameters) -> VirtualPatient:
    """Paints soft tissue, then bones, then passes all through the scanner."""
    axes = lattice(parameters.scan)
    slices = Slices.through(axes[2], parameters.scan)
    vertebrae = place_vertebrae(parameters)
    trunk = Trunk.of(parameters, vertebrae)
    canvas = _refined(_soft_tissue(parameters, trunk, vertebrae, axes), axes)
    texture = Texture(np.random.default_rng([parameters.seed, 3]), **asdict(parameters.texture))
    paint_phantom_below(canvas, parameters, trunk)
    grain = texture.bone_grain() * np.float32(parameters.compact)
    paint_arm_bones(canvas, parameters, trunk)
    paint_pelvis(canvas, parameters, vertebrae, grain)
    paint_ribs(canvas, parameters, trunk, vertebrae, grain)
    paint_discs(canvas, vertebrae)
    paint_canal(canvas, vertebrae)
    paint_spurs(canvas, vertebrae, grain)
    up = axes[2] if slices is None else slices.up
    labels = np.zeros((len(up), len(axes[1]), len(axes[0])), np.uint8).transpose(2, 1, 0)
    bones = _paint_bones(canvas, labels, parameters, vertebrae, texture, grain, slices)
    readings = true_readings(canvas, bones, parameters.marrow_fat)
    paint_lesions(canvas, parameters, vertebrae)
    paint_implants(canvas, parameters, vertebrae)
    spacing = (*canvas.spacing[:2], float(np.float32(up[1]) - np.float32(up[0])))
    grid = Grid.axis_aligned(labels.shape, spacing, [float(a.astype(float).mean()) for a in (*axes[:2], up)])
    ct = acquire(canvas.hu, parameters.scan, parameters.seed, slices, metal=holds_metal(parameters))
    unmeasurable = _not_measurable(parameters, bones, len(up), readings)
    return VirtualPatient(
        ct=Volume(ct, grid),
        labels=Volume(labels, grid),
        bones=Volume(canvas.bones if slices is None else slices.nearest(canvas.bones), grid),
        bmd_mg_cm3={name: bmd for name, bmd in readings.items() if name not in unmeasurable},
        acquisition=_acquisition(parameters),
        parameters=parameters,
        not_measurable=unmeasurable,
    )


def _soft_tissue(parameters: PatientParameters, trunk: Trunk, vertebrae: tuple, axes: tuple) -> Canvas:
    x, y, z = (np.arange(a[0] - step, a[-1] + 2 * step, step) for a, step in zip(axes, COARSE_MM))
    canvas = Canvas.blank(x, y, z, AIR_HU)
    paint_soft_tissue(canvas, parameters, trunk, vertebrae)
    scan = parameters.scan
    paint_arm_flesh(canvas, parameters, trunk)
    if parameters.fat_contrast != 1:
        fatty = (canvas.hu < 0) & (canvas.hu > -250)
        canvas.hu[fatty] *= np.float32(parameters.fat_contrast)
    top = trunk.back() - height_below(parameters) - scan.table_gap
    paint_table(canvas, top, scan.table_sag, scan.table_hu)
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
    x, y, z = (np.asarray(a, dtype=np.float32) for a in axes)
    return Canvas.of(x, y, z, fine.transpose(2, 1, 0))


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
    slices: Slices | None,
) -> dict[str, Cancellous]:
    """The cancellous bone of T12, L1 and L2, as far as the scan reaches them."""
    slope, marrow = calibration(parameters.scan.kvp, parameters.marrow_fat)
    line = slope, marrow + parameters.marrow_contrast_hu
    levels = measured_levels(parameters.body, parameters.vertebrae)
    bones = {}
    for vertebra in vertebrae:
        level = levels.get(vertebra.shape.name, "")
        bone = paint_vertebra(
            canvas, labels, vertebra, texture, line, grain, slices, parameters.compact, parameters.body.sides, level
        )
        if level and bone is not None and bone.inside.any():
            bones[level] = bone
    return bones


def _not_measurable(
    parameters: PatientParameters, bones: dict[str, Cancellous], slices: int, readings: dict[str, float]
) -> dict[str, str]:
    """What keeps a vertebra from being measured; a body in the first or the last slice goes on outside the scan."""
    levels = measured_levels(parameters.body, parameters.vertebrae)
    reasons = {levels[name]: kind for name, kind in held_by(parameters).items() if name in levels}
    for name in LABELS:
        if name not in bones or _touches_an_end(bones[name], slices):
            reasons[name] = "cut off"
        elif name not in readings:
            reasons.setdefault(name, "crushed")
    return reasons


def _touches_an_end(bone: Cancellous, slices: int) -> bool:
    filled = np.flatnonzero(bone.inside.any(axis=(0, 1))) + bone.box[2].start
    return bool(filled[0] == 0 or filled[-1] == slices - 1)


def _acquisition(parameters: PatientParameters) -> Acquisition:
    scan = parameters.scan
    return Acquisition(
        path=f"virtual patient {parameters.seed}",
        format="virtual",
        kvp=scan.kvp,
        kernel=f"Gaussian {scan.kernel_sigma:.2f} mm" + (f", edge {scan.edge:.2f}" if scan.edge else ""),
        contrast_agent=_stated_agent(parameters),
        scanner="virtual",
        slice_thickness_mm=scan.slice_thickness,
    )


def _stated_agent(parameters: PatientParameters) -> str | None:
    """What the header says of a contrast agent; see `Agent.header`."""
    header = parameters.agent.header if parameters.agent else "right"
    if header == "silent":
        return None
    return "iodine" if parameters.contrast is (header == "right") else ""
