"""An image whose HU are not those of one tube voltage."""

from __future__ import annotations

from collections.abc import Iterator

from OpportunisticBMDLib.calibration import line_of
from OpportunisticBMDLib.core.ct import ImageKind
from OpportunisticBMDLib.core.reason import Reason, ReasonCode
from OpportunisticBMDLib.quality.registry import SeenScan, of_scans


@of_scans.check(ReasonCode.IMAGE_KIND)
def kind_of_image(seen: SeenScan) -> Iterator[Reason]:
    known = seen.acquisition
    line = "the scanner's own line" if seen.has_own_line else f"the calibration line for {line_of(known).name}"
    if known.image_kind is ImageKind.MONOENERGETIC:
        message = (
            f"A virtual monoenergetic image of {known.energy_kev:g} keV was read with {line}: it shows bone nearly as "
            "120 kVp does, yet scanners compute it differently; take a conventional series where there is one."
        )
        yield Reason(ReasonCode.IMAGE_KIND, "warning", message)
    elif known.image_kind is ImageKind.BLEND:
        message = f"The image is a blend of two tube voltages, made to look like 120 kVp; it was read with {line}."
        yield Reason(ReasonCode.IMAGE_KIND, "info", message)
    elif known.image_kind is ImageKind.UNSTATED:
        message = (
            "The image comes from a dual-energy or multi-energy scan and its header does not say which energy it "
            f"shows; it was read with {line}, as if it was conventional."
        )
        yield Reason(ReasonCode.IMAGE_KIND, "warning", message)
