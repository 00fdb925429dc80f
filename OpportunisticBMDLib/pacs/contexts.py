"""What is agreed on before objects are sent: their kinds, and how they may be compressed (PS3.8, 7.1.1.13)."""

from __future__ import annotations

from collections.abc import Iterable

from pydicom.uid import (
    JPEG2000,
    UID,
    CTImageStorage,
    EnhancedCTImageStorage,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGExtended12Bit,
    JPEGLossless,
    JPEGLosslessSV1,
    JPEGLSLossless,
    JPEGLSNearLossless,
    LegacyConvertedEnhancedCTImageStorage,
    RLELossless,
)
from pynetdicom.presentation import PresentationContext, build_context

from OpportunisticBMDLib.pacs.found import Instance

_CTS = (CTImageStorage, EnhancedCTImageStorage, LegacyConvertedEnhancedCTImageStorage)
_PLAIN: list[str | UID] = [ExplicitVRLittleEndian, ImplicitVRLittleEndian]
_COMPRESSED: list[str | UID] = [
    JPEGLosslessSV1,
    JPEGLossless,
    JPEGLSLossless,
    JPEG2000Lossless,
    RLELossless,
    JPEGLSNearLossless,
    JPEG2000,
    JPEGBaseline8Bit,
    JPEGExtended12Bit,
]
_MOST_CLASSES = 12  # of one series; an association has room for 128 contexts (PS3.8, 9.3.2.2)


def classes_of(instances: Iterable[Instance]) -> list[str]:
    """SOP classes that may arrive: those of the instances, or of CTs where the archive does not say."""
    known = sorted({instance.sop_class for instance in instances if instance.sop_class})
    return known[:_MOST_CLASSES] or list(_CTS)


def asked_for(classes: Iterable[str]) -> list[PresentationContext]:
    """To ask an archive by: a context for each compression, so that it can send an object as it has it."""
    ways = (_PLAIN, *([syntax] for syntax in _COMPRESSED))
    return [build_context(sop_class, way) for sop_class in classes for way in ways]


def accepted(classes: Iterable[str]) -> list[PresentationContext]:
    """To be asked by an archive."""
    return [build_context(sop_class, [*_PLAIN, *_COMPRESSED]) for sop_class in classes]
