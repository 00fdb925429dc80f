"""Which series of a study are worth fetching; which of them is measured is for the reader to decide."""

from __future__ import annotations

from collections.abc import Sequence

from OpportunisticBMDLib.dicom.objects.program import stamp
from OpportunisticBMDLib.pacs.answers import CT
from OpportunisticBMDLib.pacs.archive import Archive
from OpportunisticBMDLib.pacs.found import Series
from OpportunisticBMDLib.reading.facts.kind_of_image import MULTI_FRAME_CT

REPORT = "SR"
FEWEST_SLICES = 12  # of 5 mm reach over L1 and its neighbours; localizers, dose pages and samples have fewer
_OWN_REPORT = stamp("measurements")["series_description"]


def ct_series(archive: Archive, study: Sequence[Series]) -> list[Series]:
    """Those that may be a CT of the trunk.

    Raises:
        ArchiveError: see `Archive`.
    """
    return [series for series in study if series.modality == CT and _may_be_a_scan(archive, series)]


def ct_instances(study: Sequence[Series]) -> int:
    """How many objects of a study are CTs."""
    return sum(series.instances for series in study if series.modality == CT)


def holds_results(study: Sequence[Series]) -> bool:
    """Whether this program's report is among the series: it is sent last, so that the other objects are there too."""
    return any(series.modality == REPORT and series.description == _OWN_REPORT for series in study)


def _may_be_a_scan(archive: Archive, series: Series) -> bool:
    if series.instances >= FEWEST_SLICES:
        return True
    instances = archive.instances(series)  # the number may be out of date
    # Of many frames a whole scan is one object, or a few.
    return len(instances) >= FEWEST_SLICES or any(instance.sop_class in MULTI_FRAME_CT for instance in instances)
