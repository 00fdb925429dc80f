"""Report and picture as people look at them in an archive: an encapsulated PDF and a secondary capture."""

from __future__ import annotations

import numpy as np
from highdicom.base import SOPClass
from pydicom.dataset import Dataset
from pydicom.uid import EncapsulatedPDFStorage, ExplicitVRLittleEndian, SecondaryCaptureImageStorage

from OpportunisticBMDLib.dicom.objects.program import stamp
from OpportunisticBMDLib.dicom.objects.references import reference
from OpportunisticBMDLib.dicom.objects.source import SourceSeries

_TITLE = "Bone mineral density from CT"
_SYNTHETIC, _WORKSTATION = "SYN", "WSD"  # where they come from (PS3.3 C.8.6.1, Conversion Type)
_DERIVED = ["DERIVED", "SECONDARY"]


def encapsulated_pdf(source: SourceSeries, pdf: bytes) -> Dataset:
    """The report as a document (PS3.3 A.45.1).

    Args:
        pdf: the file; nothing in it says who the patient is.
    """
    document = _of_study(source, "report", EncapsulatedPDFStorage, "DOC")
    document.ConversionType = _SYNTHETIC
    document.AcquisitionDateTime = ""
    document.BurnedInAnnotation = "NO"
    document.SourceInstanceSequence = [reference(file) for file in source.files]
    document.DocumentTitle = _TITLE
    document.ConceptNameCodeSequence = []
    document.MIMETypeOfEncapsulatedDocument = "application/pdf"
    document.EncapsulatedDocumentLength = len(pdf)
    document.EncapsulatedDocument = pdf + b"\0" * (len(pdf) % 2)
    return document


def secondary_capture(source: SourceSeries, picture: np.ndarray) -> Dataset:
    """The picture (PS3.3 A.8.1). It shows several views, so it has no orientation.

    Args:
        picture: (rows, columns, 3), uint8, red, green and blue; nothing in it says who the patient is.
    """
    capture = _of_study(source, "preview", SecondaryCaptureImageStorage, "OT")
    capture.ConversionType = _WORKSTATION
    capture.ImageType = _DERIVED
    capture.BodyPartExamined, capture.PatientOrientation = "SPINE", ""
    capture.BurnedInAnnotation = "NO"
    capture.SourceImageSequence = [reference(file) for file in source.files]
    capture.Rows, capture.Columns, capture.SamplesPerPixel = picture.shape
    capture.PhotometricInterpretation, capture.PlanarConfiguration = "RGB", 0
    capture.BitsAllocated, capture.BitsStored, capture.HighBit, capture.PixelRepresentation = 8, 8, 7, 0
    capture.PixelData = np.ascontiguousarray(picture, np.uint8).tobytes()
    return capture


def _of_study(source: SourceSeries, kind: str, sop_class: str, modality: str) -> SOPClass:
    """What the study, the series and the program say of every object."""
    first = source.first
    made = SOPClass(
        study_instance_uid=first.StudyInstanceUID,
        sop_class_uid=sop_class,
        modality=modality,
        transfer_syntax_uid=ExplicitVRLittleEndian,
        **stamp(kind),
    )
    made.copy_patient_and_study_information(first)
    return made
