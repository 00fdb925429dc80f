"""Codes and colours that name what is measured: the one place for SNOMED CT, DICOM, UCUM and segment colours.

Sources: SNOMED CT body structures as DICOM PS3.16 uses them (CID 4031 and Annex L), DICOM controlled terminology
(PS3.16 Annex D), UCUM. There is no standard code for volumetric trabecular bone mineral density, hence a private one.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Code:
    """A coded concept as DICOM writes it: Code Value, Coding Scheme Designator, Code Meaning."""

    value: str
    scheme: str
    meaning: str

    @property
    def triple(self) -> tuple[str, str, str]:
        """(scheme, value, meaning), the order of 3D Slicer's terminology entries."""
        return self.scheme, self.value, self.meaning


ANATOMICAL_STRUCTURE = Code("123037004", "SCT", "Anatomical Structure")
BONE_STRUCTURE = Code("272673000", "SCT", "Bone")
VERTEBRAL_BODY = Code("3572006", "SCT", "Vertebral body")
VERTEBRA_CODES = {
    "T12": Code("23215003", "SCT", "T12 vertebra"),
    "L1": Code("66794005", "SCT", "L1 vertebra"),
    "L2": Code("14293000", "SCT", "L2 vertebra"),
}

# Private scheme of this project ("99" marks a private Coding Scheme Designator in DICOM).
TRABECULAR_BMD = Code("OBMD001", "99OBMD", "Volumetric trabecular bone mineral density, hydroxyapatite equivalent")
ATTENUATION_COEFFICIENT = Code("112031", "DCM", "Attenuation Coefficient")
VOLUME = Code("118565006", "SCT", "Volume")
MEAN = Code("373098007", "SCT", "Mean")
STANDARD_DEVIATION = Code("386136009", "SCT", "Standard Deviation")
ALGORITHM_NAME = Code("111001", "DCM", "Algorithm Name")
ALGORITHM_VERSION = Code("111003", "DCM", "Algorithm Version")

MG_PER_CM3 = Code("mg/cm3", "UCUM", "milligram per cubic centimeter")
HOUNSFIELD_UNIT = Code("[hnsf'U]", "UCUM", "Hounsfield unit")
CUBIC_MILLIMETRE = Code("mm3", "UCUM", "cubic millimeter")

# Red, green, blue in 0..1, from the colour-blind safe set of Okabe and Ito; bright enough to outline bone on a CT.
SEGMENT_COLOURS = {
    "T12": (0.337, 0.706, 0.914),
    "L1": (0.902, 0.624, 0.0),
    "L2": (0.0, 0.749, 0.545),
}
