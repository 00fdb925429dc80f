"""A DICOM series of the synthetic patient with its masks, as objects of its study are made from."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from dicom_files import write_volume
from example_results import grid_of, synthetic_case
from OpportunisticBMDLib.core.ct import CT
from OpportunisticBMDLib.core.segmentation import Segmentation
from OpportunisticBMDLib.dicom.objects.source import SourceSeries, read_source
from OpportunisticBMDLib.reading import read_ct
from OpportunisticBMDLib.reading.series.source_slices import SourceSlices, source_slices

SIZE = (128, 100, 48)  # with enough air around the patient
# How a series may lie, by what is passed to `series`.
KINDS = {
    "axial": {},
    "oblique": {"orientation": "oblique"},
    "coronal": {"orientation": "coronal", "size": (128, 48, 100)},
    "tilted gantry": {"shear": (0.0, 0.2, 0.0)},
    "uneven steps": {"heights": np.cumsum([0.0] + [3.0, 3.0, 3.9] * 15 + [3.0, 3.0])},
}


@dataclass(frozen=True, eq=False)
class Measured:
    """What was read of a series, and masks on its grid."""

    folder: Path
    ct: CT
    segmentation: Segmentation

    @property
    def slices(self) -> SourceSlices:
        return source_slices(self.folder, None, self.ct)

    @property
    def source(self) -> SourceSeries:
        return read_source(self.slices, self.ct.volume.grid)


def series(
    folder: Path, orientation: str = "flipped", size: tuple[int, int, int] = SIZE, **attributes: object
) -> Measured:
    """Writes the series and reads it.

    Args:
        orientation: see `grid_of`.
        attributes: see `write_stack`.
    """
    ct, _ = synthetic_case(grid_of(orientation, size))
    stated = {"StudyDate": "20260512", "StudyTime": "101112", "StudyID": "7", "PatientSex": "F", "PatientAge": "088Y"}
    stated = {key: value for key, value in {**stated, **attributes}.items() if value is not None or key not in stated}
    write_volume(folder, ct.volume, **stated)
    read = read_ct(folder)
    return Measured(folder, read, synthetic_case(read.volume.grid)[1])
