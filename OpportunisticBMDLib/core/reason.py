"""Why a result deserves caution, or why there is none: every reason that the program knows."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Literal

Severity = Literal["info", "warning", "refusal"]


class ReasonCode(str, Enum):
    """Short and stable names, in the order in which reasons are looked for: of a vertebra the first counts.

    Args:
        meaning: one sentence, for the documentation.
        unit: of the figure that trips it, as UCUM writes it; None where there is no figure.
    """

    meaning: str
    unit: str | None

    def __new__(cls, code: str, meaning: str, unit: str | None = None) -> ReasonCode:
        member = str.__new__(cls, code)
        member._value_ = code
        member.meaning, member.unit = meaning, unit
        return member

    __str__ = str.__str__

    VERTEBRAE_NOT_FOUND = "vertebrae_not_found", "The localizer sees no T12, L1 and L2 in the scan (its score).", "1"
    NOT_A_TRUNK = "not_a_trunk", "The scan shows a head, a limb or a phantom (its largest section).", "cm2"
    ORIENTATION_CONTRADICTED = (
        "orientation_contradicted",
        "Lungs, spine, ribs or arches lie as if head and foot, or front and back, were exchanged.",
    )
    BOX_LEAVES_SCAN = "box_leaves_scan", "Too little of the box around T12 to L2 lies in the scan.", "%"
    CHILD = "child", "The patient is no adult: neither thresholds nor networks are made for children."

    NOT_FOUND = "not_found", "There is no mask of a vertebra."
    NO_REGION = "no_region", "A mask holds no body whose middle could be read."
    TOO_FLAT = "too_flat", "The cancellous bone of a body is too flat: the region would meet the endplates.", "mm"
    CUT_OFF = (
        "cut_off",
        "A mask lies on the edge of the scan or of its field of view, or the scan shows too little of its middle.",
        "%",
    )
    METAL = "metal", "A mask holds metal or cement.", "%"
    COMPRESSED = "compressed", "A body has lost height in front, in its middle, or as a whole: a fracture?", "%"
    TOO_SMALL = "too_small", "A mask is small beside the median of the three: cut off, crushed, not segmented.", "%"
    EXCLUDED_BY_READER = "excluded_by_reader", "The reader left a vertebra out."
    NOT_IN_BODY = (
        "not_in_body",
        "Too little of where a density is read lies in a vertebral body, as the CT shows it.",
        "%",
    )
    BELOW_ZERO = "below_zero", "A density below that of water is none of bone.", "mg/cm3"
    GAS_IN_BODY = "gas_in_body", "A body holds gas: a cleft in bone that broke and died, or an infection.", "mm3"
    DENSE_LESION = (
        "dense_lesion",
        "Bone far denser than the rest in or beside a body's middle: sclerosis, an island, a Schmorl's node, cement.",
        "mm3",
    )
    HAEMANGIOMA = (
        "haemangioma",
        "Few but thick upright trabeculae (by how much they stand out): a haemangioma reads less than bone.",
        "[hnsf'U]",
    )
    UNEVEN = (
        "uneven",
        "Parts of a body's middle differ more than bone without a lesion does (relative to the limit for these parts).",
        "%",
    )
    REGION_LEFT_OUT = (
        "region_left_out",
        "Too much of a body's middle is metal, sclerosis or cyst, or erased.",
        "%",
    )
    REGION_IN_PART = "region_in_part", "Part of a body's middle was left out of the reading.", "%"

    BOX_MOVED_BY_HAND = "box_moved_by_hand", "The box around T12 to L2 was placed by hand."
    EDITED_BY_HAND = "edited_by_hand", "A mask was edited by hand."
    WRONG_ORDER = "wrong_order", "The masks do not follow each other from head to foot."
    UNUSUAL_SPACING = "unusual_spacing", "Two bodies lie farther apart or closer together than neighbours do.", "mm"
    UNUSUAL_SIZE = "unusual_size", "The bodies are wider or narrower than those of adults.", "mm"
    UNUSUAL_VOLUME = "unusual_volume", "A mask is larger or smaller than the others let expect.", "%"
    MASKS_OUTSIDE_BOX = "masks_outside_box", "Much of a mask lies outside the box around T12 to L2.", "%"
    DAMAGED_VOXELS = (
        "damaged_voxels",
        "Voxels in a body's middle are no measurement; they were left out (how many).",
        "1",
    )
    WHOLE_VERTEBRA = "whole_vertebra", "A mask is of a whole vertebra (the share of it that lies beside the body).", "%"
    CORTEX_IN_MASK = "cortex_in_mask", "A mask is of a body with its cortex (the share that is as dense).", "%"
    METAL_NEAR = "metal_near", "Metal lies beside a body, in the slices that are read: its streaks cross it.", "mm3"
    VACUUM_DISC = "vacuum_disc", "The disc below a body holds gas: it is worn, and bone beside it may be dense.", "mm3"
    LEVELS_MOVED_BY_READER = "levels_moved_by_reader", "The reader moved the names of the vertebrae."
    UNSURE_LEVELS = "unsure_levels", "Which vertebrae these are cannot be told for sure (the probability).", "%"
    SCOLIOSIS = "scoliosis", "The bodies in view are tilted against each other to the sides.", "deg"
    UNUSUAL_LEVELS = "unusual_levels", "Ribs or lumbar vertebrae are not 12 and 5: by which rule they are named."
    CONTRAST_AGENT = "contrast_agent", "A contrast agent was given: the density is too high."
    CONTRAST_CORRECTED = (
        "contrast_corrected",
        "A contrast agent is seen in the vessels, and what it adds in this phase was taken off.",
    )
    CONTRAST_LIKELY = (
        "contrast_likely",
        "No contrast agent is stated for sure, yet the header speaks of one: the density may be too high.",
    )
    HEADER_CONTRADICTED = (
        "header_contradicted",
        "Header and pixels disagree about a contrast agent; the pixels are believed.",
    )
    ORAL_CONTRAST = "oral_contrast", "A contrast agent was swallowed or given by rectum; the bone has none of it."
    IMAGE_KIND = "image_kind", "The image is not of one tube voltage: monoenergetic, a blend, or not stated what."
    KVP_UNKNOWN = "kvp_unknown", "The tube voltage is not known: the line of 120 kVp was used."
    KVP_UNUSUAL = "kvp_unusual", "At this tube voltage no readings support the line.", "kV"
    SPECTRUM_UNLIKE_KVP = (
        "spectrum_unlike_kvp",
        "The tube voltage does not tell the spectrum: a tin filter, several voltages, a kernel that changes it.",
    )
    LINE_OLD = "line_old", "The scanner's line was measured more than a year before or after the scan."
    LINE_MOVED = (
        "line_moved",
        "The scanner's last two lines differ, at 100 mg/cm3, by more than scans of one phantom do.",
        "mg/cm3",
    )
    LINE_DOUBTED = (
        "line_doubted",
        "A line that is far from the computed one, or a patient whose tissues read otherwise than it lets expect (SD).",
        "1",
    )
    UNUSUAL_HU = (
        "unusual_hu",
        "Fat and muscle do not read as they do: HU are shifted, scaled or none (their mean, or how far they lie apart)",
        "[hnsf'U]",
    )
    RECONSTRUCTION = "reconstruction", "An iterative or learnt reconstruction, which changes noise and texture."
    SHARP_KERNEL = "sharp_kernel", "A sharp kernel (what neighbours 1 mm apart have in common of the noise).", "%"
    GANTRY_TILT = "gantry_tilt", "The gantry was tilted.", "deg"
    OFF_CENTRE = "off_centre", "A body lies near the rim of the field of view.", "mm"
    OVERLAPPING_SLICES = (
        "overlapping_slices",
        "Slices are several times as thick as they are apart, as in projections (their ratio).",
        "1",
    )
    THICK_SLICES = "thick_slices", "Thick slices blur the endplates into the cancellous bone.", "mm"
    NOISY = "noisy", "Noise makes the mean of a body's middle inexact.", "mg/cm3"
    UNSURE_SEGMENTATION = "unsure_segmentation", "The network is not sure of a mask (its mean probability).", "%"

    TOO_FEW_VERTEBRAE = "too_few_vertebrae", "Fewer than two vertebrae can be measured.", "1"
    T12_SUBSTITUTED = "t12_substituted", "T12 replaces a lumbar vertebra in the mean; thoracic bodies read higher."
    VERTEBRAE_DIFFER = "vertebrae_differ", "The two vertebrae of the mean differ much.", "mg/cm3"
    NETWORK_DIFFERS = "network_differs", "The network would read a vertebra much differently.", "mg/cm3"

    OF_ANOTHER_VERSION = "of_another_version", "A result of another version has a reason that this one does not know."


@dataclass(frozen=True)
class Figure:
    """What was found, and the limit that it passed; both in the unit of the reason's code."""

    value: float
    limit: float


@dataclass(frozen=True)
class Reason:
    """Why a result deserves caution, or why there is none.

    Args:
        code: which one.
        message: one sentence for a radiologist.
        vertebra: "T12", "L1", "L2", or None where the whole case is meant.
        figure: what tripped it; None where nothing was counted, and in results that were written before it was.

    Raises:
        ValueError: an unknown code, or a figure of a reason that has no unit.
    """

    code: ReasonCode
    severity: Severity
    message: str
    vertebra: str | None = None
    figure: Figure | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "code", ReasonCode(self.code))  # type: ignore[call-arg]  # by its value
        if self.figure is not None and self.code.unit is None:
            raise ValueError(f"the reason {self.code} has no unit, so no figure")
