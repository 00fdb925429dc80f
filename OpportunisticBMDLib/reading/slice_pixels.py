"""The pixels of one DICOM slice in HU."""

from __future__ import annotations

import numpy as np
import SimpleITK as sitk

from OpportunisticBMDLib.core.errors import BadInput
from OpportunisticBMDLib.core.volume import AIR_HU
from OpportunisticBMDLib.reading.dicom_header import SliceHeader


def read_slice(header: SliceHeader) -> np.ndarray:
    """(rows, columns) in HU: decoded and rescaled with the file's own slope and intercept, padding set to air.

    Raises:
        BadInput: the pixels are cut off, or compressed in a way that SimpleITK cannot decode.
    """
    columns, rows = header.size
    try:
        image = sitk.ReadImage(str(header.path), imageIO="GDCMImageIO")
    except RuntimeError as error:
        raise BadInput(f"{header.path} has pixels that are cut off or compressed in an unknown way: "
                       "export the series again without compression.") from error  # fmt: skip
    if image.GetNumberOfComponentsPerPixel() != 1 or image.GetSize() != (columns, rows, 1):
        raise BadInput(f"{header.path} does not hold the {columns} x {rows} grey pixels that its header promises: "
                       "export the series again.")  # fmt: skip
    pixels = sitk.GetArrayFromImage(image)[0]
    if header.padding:
        low, high = header.padding
        pixels[(pixels >= low - 1e-3) & (pixels <= high + 1e-3)] = AIR_HU
    return pixels
