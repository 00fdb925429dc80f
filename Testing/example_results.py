"""Realistic results to render and to check: normal, osteoporosis, review with warnings, refused."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from OpportunisticBMDLib.core.box import Box
from OpportunisticBMDLib.core.calibration_line import Calibration
from OpportunisticBMDLib.core.ct import CT, Acquisition
from OpportunisticBMDLib.core.grid import Grid
from OpportunisticBMDLib.core.reason import Reason
from OpportunisticBMDLib.core.region import Region
from OpportunisticBMDLib.core.result import FORMER, Result
from OpportunisticBMDLib.core.segmentation import Segmentation
from OpportunisticBMDLib.core.thresholds import Thresholds
from OpportunisticBMDLib.core.vertebra import (
    FormerVertebra,
    MaskFigures,
    MeasuredVertebra,
    RegionFigures,
    UnmeasuredVertebra,
)
from OpportunisticBMDLib.core.vertebrae import LABELS, VERTEBRAE
from OpportunisticBMDLib.core.volume import AIR_HU, Volume

LINE = Calibration(
    name="120 kVp line",
    material="HA",
    slope_hu_per_mg_cm3=1.28,
    intercept_hu=0.0,
    source="spectrum of 120 kVp behind 30 cm of water",
    slope_sd=0.04,
    intercept_sd_hu=2.9,
)
MODELS = {
    "localizer": {"name": "faster-rcnn-mobilenet", "sha256": "a" * 64},
    "skeleton": {"name": "skeletonnet", "sha256": "d" * 64},
    "segmentation": {"name": "anatomynet", "sha256": "b" * 64, "engine": "openvino", "precision": "bf16"},
    "bmd": {"name": "densenet121", "sha256": "c" * 64},
}
# Centres of the vertebral bodies of the synthetic patient, mm from the grid's centre towards right, front, head.
BODIES = {"T12": (2.0, -20.0, 32.0), "L1": (0.0, -18.0, 0.0), "L2": (-2.0, -15.0, -33.0)}
RADII_MM = (20.0, 15.0, 11.0)
CANAL_MM = np.array([0.0, -24.0, 0.0])  # from a body's centre


def grid_of(
    orientation: str, size: tuple[int, int, int] = (60, 56, 48), spacing: tuple[float, float, float] = (2.0, 2.2, 3.0)
) -> Grid:
    """A grid around (12, -34, 150) RAS mm: "straight", "flipped", "left-handed", "oblique" or "coronal"."""
    angle = np.deg2rad(18)
    turn = np.array([[np.cos(angle), 0, np.sin(angle)], [0, 1, 0], [-np.sin(angle), 0, np.cos(angle)]])
    tilt = np.array([[1, 0, 0], [0, np.cos(angle), -np.sin(angle)], [0, np.sin(angle), np.cos(angle)]])
    axes = {
        "straight": np.eye(3),
        "flipped": np.diag([-1.0, -1.0, 1.0]),
        "left-handed": np.diag([-1.0, 1.0, 1.0]),
        "oblique": turn @ tilt,
        "coronal": np.array([[-1.0, 0, 0], [0, 0, -1.0], [0, -1.0, 0]]).T,
    }[orientation]
    affine = np.eye(4)
    affine[:3, :3] = axes * spacing
    affine[:3, 3] = np.array([12.0, -34.0, 150.0]) - affine[:3, :3] @ ((np.array(size) - 1) / 2)
    return Grid(size, affine)


def synthetic_bodies(grid: Grid) -> tuple[CT, Segmentation]:
    """Soft tissue with three ellipsoids of bone, whatever the grid's orientation."""
    ras = _places(grid)
    hu = np.where((ras[..., 0] / 110) ** 2 + (ras[..., 1] / 80) ** 2 < 1, 40.0, AIR_HU)
    labels = np.zeros(grid.size, np.uint8)
    for name in VERTEBRAE:
        distance = np.linalg.norm((ras - BODIES[name]) / RADII_MM, axis=-1)
        hu[distance < 1.1] = 500.0
        hu[distance < 1.0] = 150.0
        labels[distance < 1.0] = LABELS[name]
    ct = CT(Volume(hu.astype(np.int16), grid), acquisition())
    return ct, Segmentation(Volume(labels, grid), {name: 0.97 for name in VERTEBRAE})


def synthetic_case(grid: Grid) -> tuple[CT, Segmentation]:
    """The same with an arch behind each body, by which the networks know them."""
    ct, segmentation = synthetic_bodies(grid)
    hu, ras = ct.volume.array.copy(), _places(grid)
    for name in VERTEBRAE:
        arch = is_arch(*np.moveaxis(ras - BODIES[name] - CANAL_MM, -1, 0))
        hu[arch & (hu < 100)] = 350
    return CT(Volume(hu, grid), ct.acquisition), segmentation


def _places(grid: Grid) -> np.ndarray:
    """(I, J, K, 3) mm from the patient's middle."""
    index = np.stack(np.meshgrid(*(np.arange(n) for n in grid.size), indexing="ij"), axis=-1)
    return grid.ras_of(index) - (12.0, -34.0, 150.0)


def is_arch(right: np.ndarray, front: np.ndarray, up: np.ndarray) -> np.ndarray:
    """A ring around the canal, a spine behind it and a process to either side, seen from the canal's centre."""
    around = np.hypot(right / 13, front / 10)
    ring = (around > 1) & (around < 1.5) & (np.abs(up) < 9)
    spine = (np.abs(right) < 3) & (front < -12) & (front > -35) & (np.abs(up) < 8)
    sides = (np.abs(np.abs(right) - 28) < 14) & (np.abs(front) < 4) & (np.abs(up) < 4)
    return ring | spine | sides


def acquisition(**changes: object) -> Acquisition:
    known = {
        "path": "thorax/ct.nii.gz",
        "format": "NIfTI",
        "kvp": 120.0,
        "kernel": "STANDARD",
        "contrast_agent": "",
        "series_instance_uid": None,
    }
    return Acquisition(**{**known, **changes})


def box_of(centre_ras: tuple[float, float, float] = (12.0, -52.0, 150.0)) -> Box:
    centre = np.array(centre_ras)
    return Box(np.stack((centre - (30, 26, 52), centre + (30, 26, 52)), axis=1), 0.991)


def region_of(name: str) -> Region:
    """In the middle of a body of the synthetic patient, on the patient's own axes."""
    return Region(np.array([12.0, -34.0, 150.0]) + BODIES[name], np.diag([0.6 * RADII_MM[0], 0.6 * RADII_MM[1], 4.5]))


def vertebra(
    bmd: float | None, sd: float = 6.0, hu: float = 150.0, name: str = "L1", **changes: object
) -> MeasuredVertebra | UnmeasuredVertebra:
    """
    Args:
        hu: of the region; the whole mask, with the bone at its endplates, is 20 HU denser.
        name: in whose middle it is read.
    """
    mask = {
        "volume_mm3": 14250.0,
        "centroid_ras_mm": (12.0, -52.0, 150.0),
        "hu_mean": hu + 20.0,
        "hu_sd": 44.0,
        "confidence": 0.972,
    }
    read = changes.pop("read_mg_cm3", bmd)
    network = changes.pop("network_bmd_mg_cm3", LINE.bmd(hu))
    middle = RegionFigures(changes.pop("region", region_of(name)), hu, 38.0, 1874.3)
    figures = MaskFigures(**{**mask, **changes})
    return (
        UnmeasuredVertebra(middle, figures)
        if bmd is None
        else MeasuredVertebra(bmd, sd, read, network, middle, figures)
    )


def result_of(status: str = "measured", **changes: object) -> Result:
    known = {
        "acquisition": acquisition(),
        "size_ijk": (512, 512, 300),
        "spacing_mm": (0.703, 0.703, 1.25),
        "models": MODELS,
        "status": status,
        "reasons": (),
        "bmd_mg_cm3": None,
        "bmd_sd_mg_cm3": None,
        "vertebrae_used": (),
        "category": None,
        "thresholds": Thresholds(),
        "probability": {},
        "calibration": LINE,
        "vertebrae": {},
        "box": None,
        "timing_s": {"load": 1.2, "localize": 0.8, "segment": 6.4, "measure": 2.1},
    }
    return Result(**{**known, **changes})


def normal() -> Result:
    return result_of(
        bmd_mg_cm3=152.31,
        bmd_sd_mg_cm3=5.04,
        vertebrae_used=("L1", "L2"),
        category="normal",
        probability={"osteoporosis": 0.0, "abnormal": 0.00004},
        vertebrae={
            "T12": vertebra(158.2, hu=202.5, name="T12"),
            "L1": vertebra(154.0, hu=197.1),
            "L2": vertebra(150.6, hu=192.8, name="L2"),
        },
        box=box_of(),
    )


def osteoporosis() -> Result:
    return result_of(
        bmd_mg_cm3=63.84,
        bmd_sd_mg_cm3=4.37,
        vertebrae_used=("L1", "L2"),
        category="osteoporosis",
        probability={"osteoporosis": 0.9999, "abnormal": 1.0},
        vertebrae={
            "T12": vertebra(70.1, hu=89.7, name="T12"),
            "L1": vertebra(65.2, hu=83.5),
            "L2": vertebra(62.5, hu=80.0, name="L2"),
        },
        box=box_of(),
    )


def review() -> Result:
    reasons = (
        Reason("kvp_unknown", "info", "The file does not state the tube voltage; 120 kVp is assumed."),
        Reason(
            "contrast_agent",
            "warning",
            "Contrast agent is seen in the aorta (399 HU), which raises the density by about 2 to 5 mg/cm³.",
        ),
        Reason(
            "excluded_by_reader",
            "warning",
            "L2 is 34 mg/cm³ lower than T12 and L1, so it was left out; look for a fracture or a haemangioma.",
            "L2",
        ),
    )
    return result_of(
        status="review",
        acquisition=acquisition(kvp=None, kernel=None, contrast_agent="APPLIED"),
        spacing_mm=(0.703125, 0.703125, 2.5),
        size_ijk=(512, 512, 133),
        reasons=reasons,
        bmd_mg_cm3=112.4,
        bmd_sd_mg_cm3=9.1,
        vertebrae_used=("T12", "L1"),
        category="osteopenia",
        probability={"osteoporosis": 0.0002, "abnormal": 0.7983},
        vertebrae={
            "T12": vertebra(114.9, 8.8, hu=147.1, name="T12"),
            "L1": vertebra(109.9, 9.4, hu=140.7),
            "L2": vertebra(None, hu=104.8, name="L2", confidence=0.81),
        },
        box=box_of(),
    )


def refused() -> Result:
    reason = Reason(
        "box_leaves_scan",
        "refusal",
        "The CT ends 12 mm below the upper edge of L1, so fewer than two of T12, L1 and L2 are covered.",
    )
    return result_of(status="refused", reasons=(reason,), acquisition=acquisition(path="chest.nii.gz"))


def former() -> Result:
    """As it is read from a result.json of version 1."""
    vertebrae = {name: FormerVertebra(v.bmd_mg_cm3, v.bmd_sd_mg_cm3, v.mask) for name, v in normal().vertebrae.items()}
    line = replace(LINE, intercept_hu=-19.3, slope_sd=0.0, intercept_sd_hu=0.0)
    return replace(normal(), vertebrae=vertebrae, calibration=line, scale=FORMER)


EXAMPLES = {"normal": normal, "osteoporosis": osteoporosis, "review": review, "refused": refused}
