"""Faults to plant in clean scans, a file a kind of them.

fault.py           what a fault is
cut.py             scans and fields that end within a body
way_of_scanning.py slices, dose, kernels, place in the field
bodies.py          implants, fractures, scoliosis
lesions.py         of the bone, and gas in a disc
contrast.py        agents that the header tells, conceals or denies
values.py          voxels and grids that are not what was measured
other_part.py      scans of something else
header.py          what is stated of the scan, or not
masks.py           masks and box
"""

from __future__ import annotations

from OpportunisticBMDTraining.virtual.faults import (
    bodies,
    contrast,
    cut,
    header,
    lesions,
    masks,
    other_part,
    values,
    way_of_scanning,
)
from OpportunisticBMDTraining.virtual.faults.fault import Fault

__all__ = ["FAULTS", "Fault"]

MODULES = (cut, way_of_scanning, bodies, lesions, contrast, values, other_part, header, masks)
FAULTS: dict[str, Fault] = {
    fault.name: fault for module in MODULES for fault in vars(module).values() if isinstance(fault, Fault)
}
