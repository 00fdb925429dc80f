"""A DICOM series of the synthetic patient with its masks, as objects of its study are made from."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from dicom_files import write_volume
from example_results import grid_of, synthetic_case
from multi_frame_files import write_converted, write_enhanced
from OpportunisticBMDLib.core.ct import CT
from OpportunisticBMDLib.core.segmentation import Segmentation
from OpportunisticBMDLib.dicom.objects.source import SourceSeries, source_series
from OpportunisticBMDLib.reading import read_ct, read_ct_with_slices
from OpportunisticBMDLib.reading.series.source_slices import SourceSlices

SIZE, SPACING_MM = (128, 100, 48), (2.0, 2.2, 3.0)  # with enough air around the patient
# How a series may lie, and be stored, by what is passed to `series`.
KINDS = {
    "axial": {},
    "oblique": {"orientation": "oblique"},
    "coronal": {"orientation": "coronal", "size": (128, 48, 100)},
    "tilted gantry": {"shear": (0.0, 0.2, 0.0)},
    "uneven steps": {"heights": np.cumsum([0.0] + [3.0, 3.0, 3.9] * 15 + [3.0, 3.0])},
    "enhanced": {"join": write_enhanced},
    "enhanced, tilted gantry": {"join": write_enhanced, "shear": (0.0, 0.2, 0.0)},
    "converted": {"join": write_converted},
}


@dataclass(frozen=True, eq=False)
class Measured:
    """What was read of a series, and masks on its grid."""

    folder: Path
    ct: CT
    segmentation: Segmentation

    @property
    def slices(self) -> SourceSlices:
        """As they are on the disk now."""
        slices = read_ct_with_slices(self.folder)[1]
        assert slices is not None  # it is DICOM
        return slices

    @property
    def paths(self) -> list[Path]:
        """Of the slices, in the order of the planes."""
        return list(self.slices.files)

    @property
    def source(self) -> SourceSeries:
        return source_series(self.slices, self.ct.volume.grid)


def series(
    folder: Path,
    orientation: str = "flipped",
    size: tuple[int, int, int] = SIZE,
    spacing_mm: tuple[float, float, float] = SPACING_MM,
    join: Callable[[Path, Sequence[Path]], object] | None = None,
    **attributes: object,
) -> Measured:
    """Writes the series and reads it.

    Args:
        orientation: see `grid_of`.
        join: makes one file of the slices, as `write_enhanced` and `write_converted` do.
        attributes: see `write_stack`.
    """
    ct, _ = synthetic_case(grid_of(orientation, size, spacing_mm))
    stated = {"StudyDate": "20260512", "StudyTime": "101112", "StudyID": "7", "PatientSex": "F", "PatientAge": "088Y"}
    stated = {key: value for key, value in {**stated, **attributes}.items() if value is not None or key not in stated}
    files = write_volume(folder, ct.volume, **stated)
    if join is not None:
        join(folder / "joined.dcm", files)
        for file in files:
            file.unlink()
    read = read_ct(folder)
    return Measured(folder, read, synthetic_case(read.volume.grid)[1])
