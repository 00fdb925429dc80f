"""Annotated datasets: a folder of CTs, each with the cancellous bone of T12, L1 and L2 and what is known of its BMD.

    dataset.json                        name, licence, and the cases with fold and status
    uncertainty.json                    how unsure the models were of each case; derived, may be missing
    cases/<id>/ct.nii.gz
    cases/<id>/segmentation.seg.nrrd    T12, L1, L2, as 3D Slicer opens it
    cases/<id>/case.json                reference BMD and how it was measured, scanner, annotator, history
    cases/<id>/reads/<reader>.seg.nrrd  second readers' masks
    cases/<id>/drafts/                  autosaved work that was neither saved nor discarded

A case appears whole or not at all, and no file says who the patient is.
"""

from OpportunisticBMDLib.cases.case import (
    FINISHED,
    OWN_READING,
    REFERENCE_SCALE,
    STATUSES,
    VIRTUAL_READING,
    Case,
    CaseInfo,
    Entry,
    Exclusion,
    age_band_of,
)
from OpportunisticBMDLib.cases.split import FOLDS, ROUNDS, TEST_FOLD, Round, rounds
from OpportunisticBMDLib.cases.store import (
    CASE_FILE,
    CT_FILE,
    SEGMENTATION_FILE,
    Dataset,
    add_scan,
    create_dataset,
    open_dataset,
    update_case,
    write_case,
)

__all__ = [
    "CASE_FILE",
    "CT_FILE",
    "FINISHED",
    "FOLDS",
    "OWN_READING",
    "REFERENCE_SCALE",
    "ROUNDS",
    "SEGMENTATION_FILE",
    "STATUSES",
    "TEST_FOLD",
    "VIRTUAL_READING",
    "Case",
    "CaseInfo",
    "Dataset",
    "Entry",
    "Exclusion",
    "Round",
    "add_scan",
    "age_band_of",
    "create_dataset",
    "open_dataset",
    "rounds",
    "update_case",
    "write_case",
]
