"""The DICOM objects of a result as files: a segmentation, measurements, the report and the picture."""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from OpportunisticBMDLib.core.ct import CT
from OpportunisticBMDLib.core.result import Result
from OpportunisticBMDLib.core.segmentation import Segmentation

if TYPE_CHECKING:
    from OpportunisticBMDLib.reading.series.source_slices import SourceSlices

FOLDER = "dicom"
SEGMENTATION, MEASUREMENTS, REPORT, PREVIEW = (
    f"{FOLDER}/{name}.dcm" for name in ("segmentation", "measurements", "report", "preview")
)
DICOM_FILES = (SEGMENTATION, MEASUREMENTS, REPORT, PREVIEW)


def write_dicom(
    directory: Path, slices: SourceSlices, ct: CT, segmentation: Segmentation | None, result: Result, picture: bytes
) -> None:
    """Writes those of `DICOM_FILES` that the result has.

    Args:
        slices: what the CT was read from; patient and study come from there, and stay in these files.
        segmentation: on the CT's grid; without one there is no segmentation object.
        picture: the preview as PNG.

    Raises:
        BadInput: the slices are gone, or nothing can refer to them.
        OSError: the files cannot be written.
    """
    from OpportunisticBMDLib.dicom.objects.documents import encapsulated_pdf, secondary_capture
    from OpportunisticBMDLib.dicom.objects.measurements import structured_report
    from OpportunisticBMDLib.dicom.objects.segmentation import dicom_segmentation
    from OpportunisticBMDLib.dicom.objects.source import source_series
    from OpportunisticBMDLib.dicom.objects.unheard import unheard
    from OpportunisticBMDLib.results.report_pdf import render_pdf

    with unheard():
        source = source_series(slices, ct.volume.grid)
        masks = None if segmentation is None else dicom_segmentation(source, segmentation.labels, result)
        objects = {
            SEGMENTATION: masks,
            MEASUREMENTS: structured_report(source, masks, result),
            REPORT: encapsulated_pdf(source, render_pdf(result, picture)),
            PREVIEW: secondary_capture(source, _pixels(picture)),
        }
        (directory / FOLDER).mkdir(exist_ok=True)
        for name, made in objects.items():
            if made is not None:
                made.SpecificCharacterSet = source.first.SpecificCharacterSet  # which highdicom 0.27 leaves out
                made.save_as(directory / name, enforce_file_format=True)


def _pixels(picture: bytes) -> np.ndarray:
    """(rows, columns, 3), uint8."""
    from matplotlib.image import imread

    return np.rint(255 * imread(io.BytesIO(picture), format="png")[..., :3]).astype(np.uint8)
