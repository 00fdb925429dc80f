"""Skeletons as a perfect network would show them: the bones that were painted into virtual patients."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache

import numpy as np

from OpportunisticBMDLib.core.bone import Bone
from OpportunisticBMDLib.core.box import Box
from OpportunisticBMDLib.core.grid import Grid
from OpportunisticBMDLib.stages.levels.evidence import RibModel
from OpportunisticBMDLib.stages.skeleton import Skeleton
from OpportunisticBMDTraining.fit.tasks.skeleton import UNMEASURED
from OpportunisticBMDTraining.virtual.parameters import PatientParameters
from OpportunisticBMDTraining.virtual.patient import draw_parameters, render
from OpportunisticBMDTraining.virtual.spine import Vertebra, place_vertebrae

SIZE, SPACING_MM = (80, 80, 208), 2.0
MODEL = RibModel.of_card({"ribs": UNMEASURED})


def scanned(
    seed: int, *, above: str = "T9", below: str = "L5", room_mm: float = 60.0, **body: tuple[float, float]
) -> PatientParameters:
    """A patient of one scanner, scanned from one vertebra to another.

    Args:
        above: the vertebra through whose middle the scan begins.
        below: the one below whose middle it ends.
        room_mm: how far below; 60 below L5 reaches the sacrum.
        body: rib12, rib13: lengths (right, left) in mm.
    """
    parameters = draw_parameters(seed)
    parameters = replace(parameters, body=replace(parameters.body, **body))
    at = {v.shape.name: float(v.centre[2]) for v in place_vertebrae(parameters)}
    scan = replace(parameters.scan, pixel=2.0, slice_thickness=2.0, top=at[above], bottom=at[below] - room_mm)
    return replace(parameters, scan=scan)


@lru_cache(maxsize=16)
def true_skeleton(parameters: PatientParameters) -> Skeleton:
    """Probabilities of 0 and 1."""
    patient = render(parameters)
    grid = Grid.axis_aligned(SIZE, (SPACING_MM,) * 3, (0.0, -10.0, -40.0))
    bones = patient.bones.resampled_labels(grid).array
    low, high = patient.ct.grid.bounds_ras[2].tolist()
    shown = patient.ct.resampled(grid).array > -1015
    return Skeleton(np.stack([(bones == bone).astype(np.float32) for bone in Bone]), grid, shown, (low, high))


def vertebra(parameters: PatientParameters, name: str) -> Vertebra:
    """By its shape."""
    return next(v for v in place_vertebrae(parameters) if v.shape.name == name)


def box_around(parameters: PatientParameters, name: str = "L1", score: float = 0.9) -> Box:
    """A localizer's box whose middle is that of a vertebra."""
    centre = vertebra(parameters, name).centre
    half = np.array([30.0, 25.0, 52.0])
    return Box(np.stack((centre - half, centre + half), axis=1), score)
