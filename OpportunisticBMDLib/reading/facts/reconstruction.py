"""Whether a header speaks of an iterative or learnt reconstruction, by the names that makers give theirs."""

from __future__ import annotations

import re
from typing import Any

from OpportunisticBMDLib.reading.facts.header_values import text_of

RECONSTRUCTION_TAGS = ("ConvolutionKernel", "SeriesDescription", "ProtocolName")
_NAMES = (
    "iDose", "IMR", "Precise Image", "ADMIRE", "SAFIRE", "QIR", "ASiR-V", "ASiR", "Veo", "MBIR", "DLIR",
    "True Fidelity", "AIDR 3D", "AiCE", "PIQE", "ClearView",
)  # fmt: skip
_NAMED = {name: re.compile(rf"(?<![A-Z]){re.sub('[ -]', '[ -]?', name)}(?![A-Z])", re.IGNORECASE) for name in _NAMES}
_SIEMENS = re.compile(r"[IJ]\d{2}[a-z]?(?: \d)?", re.IGNORECASE)  # kernels of SAFIRE and of IRIS, with their strength
_IN_KERNEL = re.compile(r"\b(?:FIRST|IRIS|KARL)\b", re.IGNORECASE)  # in a description they may be anything, or anyone


def reconstruction_of(data: Any) -> str | None:
    """The name of the reconstruction, as its maker writes it; None where nothing speaks of one but filtered
    back-projection. What else the texts hold is left out."""
    kernel = text_of(data, "ConvolutionKernel") or ""
    if _SIEMENS.fullmatch(kernel):
        return "SAFIRE" if kernel[0].upper() == "I" else "IRIS"
    texts = " ".join(filter(None, (text_of(data, tag) for tag in RECONSTRUCTION_TAGS))).replace("_", " ")
    named = next((name for name, pattern in _NAMED.items() if pattern.search(texts)), None)
    in_kernel = _IN_KERNEL.search(kernel)
    return named or (in_kernel.group().upper() if in_kernel else None)
