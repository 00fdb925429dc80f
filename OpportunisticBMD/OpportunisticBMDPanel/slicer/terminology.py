"""The vertebrae among Slicer's lists of terms, of which none has them."""

from __future__ import annotations

import slicer

from OpportunisticBMDLib.dicom.terminology import TYPE_CONTEXT

TERMINOLOGY = "Terminologies/OpportunisticBMD.term.json"


def load_terminology(path: str) -> None:
    """Lets Slicer offer the vertebrae, with codes and colours, wherever a segment is given a term; once is enough.

    Args:
        path: of `TERMINOLOGY`, which says what `OpportunisticBMDLib.dicom.codes` says.
    """
    logic = slicer.modules.terminologies.logic()
    if not logic.IsTerminologyContextLoaded(TYPE_CONTEXT):
        logic.LoadTerminologyFromFile(path)
