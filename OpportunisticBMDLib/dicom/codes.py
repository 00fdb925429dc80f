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
# From head to foot: those that are measured, and the neighbours that a wrong count takes for them.
VERTEBRA_CODES = {
    "T10": Code("7610001", "SCT", "T10 vertebra"),
    "T11": Code("12989004", "SCT", "T11 vertebra"),
    "T12": Code("23215003", "SCT", "T12 vertebra"),
    "L1": Code("66794005", "SCT", "L1 vertebra"),
    "L2": Code("14293000", "SCT", "L2 vertebra"),
    "L3": Code("36470004", "SCT", "L3 vertebra"),
    "L4": Code("11994002", "SCT", "L4 vertebra"),
}

QUALITATIVE_EVALUATIONS = Code("C0034375", "UMLS", "Qualitative Evaluations")
SPINE = Code("421060004", "SCT", "Spine")

# Private scheme of this project ("99" marks a private Coding Scheme Designator in DICOM): docs/dicom.md says what each
# code means. A code keeps its meaning for ever.
PRIVATE_SCHEME = "99OBMD"


def _private(value: str, meaning: str) -> Code:
    return Code(value, PRIVATE_SCHEME, meaning)


TRABECULAR_BMD = _private("OBMD001", "Trabecular bone mineral density, QCT reading")
BMD_SD = _private("OBMD002", "Standard deviation of bone mineral density")
BMD_LOWER = _private("OBMD003", "Lower limit of 95 % interval of bone mineral density")
BMD_UPPER = _private("OBMD004", "Upper limit of 95 % interval of bone mineral density")
BMD_RANGE = _private("OBMD010", "Range of bone mineral density")
BMD_RANGES = {  # by category
    "osteoporosis": _private("OBMD011", "In the range of osteoporosis"),
    "osteopenia": _private("OBMD012", "In the range of osteopenia"),
    "normal": _private("OBMD013", "Above the range of osteopenia"),
}
STATUS = _private("OBMD020", "Status of measurement")
STATUSES = {
    "measured": _private("OBMD021", "Measured"),
    "review": _private("OBMD022", "Measured, please review"),
    "refused": _private("OBMD023", "Not measured"),
}
REASONS = {  # by severity; the answer is the reason's own code
    "refusal": _private("OBMD030", "Reason for refusal"),
    "warning": _private("OBMD031", "Reason for caution"),
    "info": _private("OBMD032", "Note"),
}
USED_IN_MEAN = _private("OBMD040", "Used in the mean")
YES = Code("373066001", "SCT", "Yes")
NO = Code("373067005", "SCT", "No")
GENANT_GRADE = _private("OBMD050", "Genant grade of vertebral deformity")
GENANT_GRADES = tuple(_private(f"OBMD05{grade + 1}", f"Grade {grade}") for grade in range(4))

ATTENUATION_COEFFICIENT = Code("112031", "DCM", "Attenuation Coefficient")
MEAN_ATTENUATION = Code("112181", "DCM", "Mean Attenuation Coefficient")
SD_OF_ATTENUATION = Code("112183", "DCM", "Standard Deviation of Attenuation Coefficient")
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
NEIGHBOUR_COLOUR = (0.6, 0.6, 0.6)  # of a vertebra that is not measured
