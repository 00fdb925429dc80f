"""What the header of a CT image says that its values are: Hounsfield units of one tube voltage, or something else.

Image Type (0008,0008) and Multi-energy CT Acquisition (0018,9361) as DICOM Supplement 188 defines them, and the words
that makers use in Image Type, kernel, description and derivation. Virtual native images halve a density, 40 keV more
than doubles it: what has no line must not be read from one.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from OpportunisticBMDLib.core.ct import ImageKind
from OpportunisticBMDLib.core.tube_voltage import LEAST_KEV, MOST_KEV
from OpportunisticBMDLib.reading.facts.header_values import number_of, text_of, values_of
from OpportunisticBMDLib.reading.facts.known_words import known_kernel

CT_IMAGE = "1.2.840.10008.5.1.4.1.1.2"
MULTI_FRAME_CT = ("1.2.840.10008.5.1.4.1.1.2.1", "1.2.840.10008.5.1.4.1.1.2.2")  # enhanced, converted to it
_SECONDARY_CAPTURE = "1.2.840.10008.5.1.4.1.1.7"
_HOUNSFIELD = ("", "HU", "US", "H", "HOUNSFIELD", "HOUNSFIELD UNIT", "HOUNSFIELD UNITS")
_CODE = re.compile(r"[A-Z][A-Z_]{0,7}[*%]?")  # what else stands in the place of one may be anything
_TEXTS = ("SeriesDescription", "DerivationDescription", "ImageComments")
_SEQUENCES = ("MultienergyCTCharacteristicsSequence", "MultienergyCTProcessingSequence")
KIND_TAGS = (
    "SOPClassUID", "Modality", "ImageType", "NumberOfFrames", "SamplesPerPixel", "RescaleType", "Units",
    "ConvolutionKernel", "MultienergyCTAcquisition", "MonoenergeticEnergyEquivalent",
    *_SEQUENCES, *_TEXTS,
)  # fmt: skip

# Each pattern is looked for in upper case, with underscores and carets as spaces. What is written first counts first.
# In Image Type, whose words are few and defined:
_BY_TYPE = (
    ("localizer", r"LOCALIZER|TOPOGRAM|SCOUT|SURVIEW|SCANOGRAM"),
    ("screen capture", r"SCREEN SAVE|SCREENSHOT|CAPTURE"),
    ("dose report", r"DOSE ?INFO|DOSE REPORT"),
    ("maximum intensity projection", r"(?:THIN|THICK)? ?MIP(?: ?(?:THIN|THICK))?|MAX ?IP|MAXIMUM"),
    ("minimum intensity projection", r"MIN ?IP|MINIMUM"),
    ("projection", r"PROJECTION IMAGE|RAY ?SUM|RADIAL"),
    ("rendering", r"VOLUME RENDERING|VRT|SSD|CPR"),
    ("subtraction image", r"SUBTRACTION|SUBTRACTED|DIFFERENCE|BONE REMOVED"),
    ("perfusion map", r"PERFUSION|CBF|CBV|MTT|TTP|TMAX"),
    ("spectral data for post-processing", r"SPP|SBI"),
    ("virtual native image", r"MAT REMOVED|VNC|TNVC|VUE|VNI|VNCA|LIVER ?VNC"),
    ("iodine map", r"IODINE|IODINE MAP|IM|PBV|LUNG ?PBV"),
    ("image of one material", r"MAT SPECIFIC|MAT FRACTIONAL|MAT MODIFIED|MAT VALUE BASED|MATERIAL|MD"),
    ("map of the effective atomic number", r"EFF ATOMIC NUM|Z ?EFF|RHO ?Z|RHOZ"),
    ("map of the electron density", r"ELECTRON DENSITY|ED|EDW|RHO|RED"),
)
# In words that people and makers choose, where a short one may mean something else:
_BY_TEXT = (
    (
        "maximum intensity projection",
        r"(?<!FOR )(?<!FÜR )(?<!FUER )(?<!POUR )(?<!4 )(?:COR|SAG|AX|TRA|THICK|THIN|T)?-?MIPS?|MAX-?IPS?"
        r"|MAX(?:IMUM|\.)? ?INTENSITY.*|INTENSIT\w+ PROJ\w*|RAY ?SUM",
    ),
    ("minimum intensity projection", r"MIN-?IPS?|MIN IP|MINIMUM INTENSITY.*"),
    ("subtraction image", r"SUBTRA[CK]T\w*|SUBTRAKTION\w*|BONE[- ]?REM(?:OV\w*)?|BONELESS|KNOCHENFREI"),
    (
        "virtual native image",
        r"VNC|VNCA|VUE|VNI|VIRTUAL(?:LY)?[- ](?:UN|NON|NATIV|WITHOUT|TRUE NON)\S*.*|VIRTUELL\S* (?:NATIV|NICHT).*"
        r"|NATIF VIRTUEL|VIRTUALE? (?:SENZA|BASALE).*|IODINE REMOVED|CALCIUM (?:REMOVED|SUPP\w*)|CA ?SUPP\w*"
        r"|PURE ?(?:CALCIUM|LUMEN)|BONE MARROW(?: (?:EDEMA|OEDEMA))? (?:DE|MAP|VNCA)",
    ),
    (
        "image of one material",
        r"(?:WATER|IODINE|IOD|HAP|CALCIUM|FAT|GADOLINIUM|BLOOD|URIC ACID) ?\( ?(?:WATER|IODINE|IOD|HAP|CALCIUM|FAT"
        r"|BLOOD|URIC ACID) ?\)|(?:WATER|CALCIUM|FAT|HAP) NO (?:IODINE|WATER|CALCIUM)|URIC ACID"
        r"|FAT (?:MAP|FRACTION)|CALCIUM MAP|CONTRAST[- ]ENHANCED STRUCTURES"
        r"|MAT(?:ERIAL)? (?:SPECIFIC|FRACTION\w*|DENSITY)",
    ),
    (
        "iodine map",
        r"IODINE(?= ?(?:$|[\[(]|\d+\.\d))|IOD(?:INE)?[- ]?(?:MAP|KARTE|NO WATER|DENSITY|OVERLAY).*|I-?MAP"
        r"|JODKARTE|CARTE D.IODE|MAPPA (?:DELLO )?IODIO|LUNG ?PBV|PBV|LUNG PERFUSED BLOOD VOLUME",
    ),
    (
        "map of the effective atomic number",
        r"Z[- ]?EFF\w*|EFF(?:ECTIVE)?\.?[- ](?:Z|ATOMIC\b.*)|ATOMIC NUMBER.*|RHO ?/ ?Z\w*",
    ),
    (
        "map of the electron density",
        r"(?:REL\w*\.? )?ELEC\w*\.? ?DENS\w*|ELEKTRONENDICHTE|DENSIT\w+ ELECTR\w+|DIRECT ?DENSITY|%? ?EDW?(?= ?\[)"
        r"|DIRECT ?SPR|STOPPING POWER.*|MASS DENSITY",
    ),
    ("synthetic CT", r"SYNTHETIC CT|SYN-?CT|PSEUDO-?CT|SUBSTITUTE CT|MRCAT|[UΜµ]-?MAP|MU-?MAP|ATTENUATION MAP"),
    ("cone-beam CT", r"CBCT|CONE-?BEAM\w*|CONE BEAM.*"),
    ("non-linear blend", r"NON-?LINEAR(?: BLEND\w*)?|OPTIMUM CONTRAST|OPTIMAL CONTRAST|BEST CONTRAST"),
    ("spectral data for post-processing", r"SPP|SBI"),
    ("image of the high energy threshold", r"HIGH THRESHOLD|THRESHOLD HIGH|HIGH ENERGY (?:BIN|THRESHOLD)"),
    ("perfusion map", r"CBF|CBV|MTT|TTP|TMAX|PERFUSION MAP"),
)
_DENSITY_KERNEL = r"SD\d\d[A-Z]?"  # Siemens DirectDensity: electron or mass density as if it were HU
_MONOENERGETIC = (
    r"VMI\+?|VME|MONO ?E?\+?|MONO ?PLUS|MONO(?:ENERGETIC|ENERGETISCH|CHROMATIC|CHROM|ENERG\w*)\w*(?: ?(?:PLUS|\+))?"
    r"|GSI MONO|MONOE\w*|(?:MONO|VMI|VME)[-+ ]*\d{2,3}(?:KEV)?|MONO PLUS \d{2,3}KEV"
)
_ENERGY = re.compile(r"(?<![\d.])(\d{2,3}(?:[.,]\d+)?)[ -]?KEV\b|\bKEV ?[:=]? ?(\d{2,3})(?![\d.])")
_ENERGY_AFTER = re.compile(
    r"(?:MONO(?:E|\+|PLUS| PLUS|ENERGETIC(?: PLUS)?|CHROMATIC)?|VMI|VME)[-+ ]{0,2}(\d{2,3})(?![\d.])"
)
_CONVENTIONAL = r"T3D|CONVENTIONAL|KONVENTIONELL|POLYENERGETIC|LOW THRESHOLD|TRUE NON-?CONTRAST|TNC|SINGLE ENERGY"
_BLEND = (
    r"MIXED|MIX|BLEND\w*|DET ?DE ?AB|DET ?AB|DE ?MIX\w*|[MF] 0[.,]\d+|LINEAR BLEND\w*|AVERAGE WEIGHTED|AVG WEIGHTED"
)
_MULTI_ENERGY_TYPE = r"DE|CT SOM\d+ DE|DUAL ?ENERGY|GSI|MULTI ?ENERGY|ME|SPECTRAL|DET ?[AB]"


@dataclass(frozen=True)
class Measurable:
    """A CT image whose HU a density may be read from.

    Args:
        energy_kev: of a virtual monoenergetic image, else None.
    """

    kind: ImageKind
    energy_kev: float | None = None


def kind_of_image(data: Any) -> Measurable | str:
    """What a DICOM image can be measured as; in words what it is where it cannot.

    Args:
        data: DICOM keyword -> value, e.g. a pydicom dataset; `KIND_TAGS` are looked at.
    """
    return _other_object(data) or _other_units(data) or _by_words(data)


def _other_object(data: Any) -> str | None:
    """What a DICOM object is that is no grey, single CT slice; a frame of an enhanced CT is one."""
    sop_class, modality = text_of(data, "SOPClassUID") or "", text_of(data, "Modality")
    modality = modality if modality is None or _CODE.fullmatch(modality) else "unknown"
    if sop_class.startswith(_SECONDARY_CAPTURE):
        return "secondary capture"
    if (number_of(data, "NumberOfFrames") or 1) > 1:
        return "multi-frame CT (convert it to single slices first)" if modality == "CT" else f"{modality} image"
    if modality != "CT":
        return f"{modality or 'non-CT'} object"
    if sop_class not in (CT_IMAGE, *MULTI_FRAME_CT):
        return "CT object without slices"
    return "colour image" if (number_of(data, "SamplesPerPixel") or 1) != 1 else None


def _other_units(data: Any) -> str | None:
    """Supplement 188 defines HU_MOD (altered HU), MGML, Z_EFF, ED, EDW and PCT beside HU."""
    units = [str(value).strip() for tag in ("RescaleType", "Units") for value in values_of(data, tag)]
    other = next((unit for unit in units if unit.upper() not in _HOUNSFIELD), None)
    if other is None:
        return None
    return f"image in {other if _CODE.fullmatch(other) else 'other units'} instead of HU"


def _by_words(data: Any) -> Measurable | str:
    types = [_plain(value) for value in values_of(data, "ImageType")]
    kernel = text_of(data, "ConvolutionKernel") or ""
    texts = [_plain(text) for tag in _TEXTS if (text := text_of(data, tag))]
    energies = _energies_stated(data) or _energies_in([*types, *texts, _plain(kernel)])
    if other := _found(_BY_TYPE, types) or _found(_BY_TEXT, [*types, *texts]):
        return other
    if _says(_DENSITY_KERNEL, [_plain(kernel)]):
        return f"image of the electron density (kernel {known_kernel(kernel)})"
    if energies or _says(_MONOENERGETIC, [*types, *texts]):
        return _monoenergetic(energies)
    if _says(_CONVENTIONAL, [*types, *texts]):
        return Measurable(ImageKind.CONVENTIONAL)
    if _says(_BLEND, [*types, *texts]):
        return Measurable(ImageKind.BLEND)
    is_multi_energy = (text_of(data, "MultienergyCTAcquisition") or "").upper() == "YES"
    if is_multi_energy or _says(_MULTI_ENERGY_TYPE, types):
        return Measurable(ImageKind.UNSTATED)
    return Measurable(ImageKind.CONVENTIONAL)


def _monoenergetic(energies: set[float]) -> Measurable | str:
    if len(energies) != 1:
        return "virtual monoenergetic image of unknown energy"
    energy = energies.pop()
    if LEAST_KEV <= energy <= MOST_KEV:
        return Measurable(ImageKind.MONOENERGETIC, energy)
    return f"virtual monoenergetic image of {energy:g} keV"


def _energies_stated(data: Any) -> set[float]:
    """Monoenergetic Energy Equivalent (0018,937C), of the image itself or in what it says of its processing."""
    items = [data, *(item for tag in _SEQUENCES for item in values_of(data, tag))]
    known = (number_of(item, "MonoenergeticEnergyEquivalent") for item in items if hasattr(item, "get"))
    return {energy for energy in known if energy is not None and energy > 0}


def _energies_in(texts: Sequence[str]) -> set[float]:
    joined = " ".join(texts)
    found = [before or after for before, after in _ENERGY.findall(joined)] or _ENERGY_AFTER.findall(joined)
    return {float(energy.replace(",", ".")) for energy in found}


def _found(names: Sequence[tuple[str, str]], texts: Sequence[str]) -> str | None:
    return next((name for name, pattern in names if _says(pattern, texts)), None)


def _says(pattern: str, texts: Sequence[str]) -> bool:
    """Whether a pattern is in one of the texts as whole words."""
    whole = re.compile(rf"(?<![^\W\d])(?:{pattern})(?![^\W\d])")
    return any(whole.search(text) for text in texts)


def _plain(text: Any) -> str:
    return re.sub(r"[_^\s]+", " ", str(text).upper()).strip()
