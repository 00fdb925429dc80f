"""Autosave: unfinished work beside its case, found again after a crash.

cases/<id>/drafts/<owner>.json names the masks that belong to it (<owner>-<checksum>.seg.nrrd). The masks are written
first and the .json is replaced in one step, so that both belong together at any moment that a program can be killed.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from OpportunisticBMDLib.cases.files import SCHEMA_VERSION, read_json, write_json
from OpportunisticBMDLib.core.errors import BadInput
from OpportunisticBMDLib.core.grid import Grid, triple
from OpportunisticBMDLib.core.volume import Volume
from OpportunisticBMDLib.results.segmentation_file import read_segmentation, write_segmentation
from OpportunisticBMDLib.system.files import replacing

DRAFTS = "drafts"
ANNOTATION = "annotation"  # the owner of the annotator's draft


@dataclass(frozen=True, eq=False)
class Draft:
    """Unsaved work on a case.

    Args:
        labels: masks on the CT's grid; None where nothing is drawn.
        fields: what was typed beside them, as it was typed.
    """

    labels: Volume | None
    fields: Mapping[str, str]


def save_draft(folder: Path, draft: Draft, owner: str = ANNOTATION) -> None:
    """Writes a draft in place of the former one.

    Args:
        folder: the case's.
        owner: `ANNOTATION`, or another role's name for its drafts.
    """
    drafts = Path(folder) / DRAFTS
    masks = None
    if draft.labels is not None and draft.labels.array.any():
        crop = _cropped(draft.labels)
        checksum = hashlib.sha256(crop.array.tobytes() + crop.grid.affine.tobytes()).hexdigest()[:12]
        masks = f"{owner}-{checksum}.seg.nrrd"
        if not (drafts / masks).is_file():
            with replacing(drafts / masks) as part:
                write_segmentation(crop, part)
    content = {"schema_version": SCHEMA_VERSION, "masks": masks, "fields": dict(draft.fields)}
    write_json(drafts / f"{owner}.json", content)
    _remove_masks(drafts, owner, keep=masks)


def find_draft(folder: Path, grid: Grid, owner: str = ANNOTATION) -> Draft | None:
    """The draft that was neither saved nor discarded; None where there is none.

    Raises:
        BadInput: it is damaged.
    """
    path = Path(folder) / DRAFTS / f"{owner}.json"
    if not path.is_file():
        return None
    content = read_json(path)
    try:
        fields = {str(name): str(text) for name, text in content["fields"].items()}
        masks = content["masks"]
    except (KeyError, AttributeError) as error:
        raise BadInput(f"The draft {path} cannot be right ({error}); remove it.") from error
    if masks is not None and not _are_masks_of(owner, masks):
        raise BadInput(f"The draft {path} cannot be right (its masks are {masks!r}); remove it.")
    labels = read_segmentation(path.parent / masks, grid) if masks else None
    return Draft(labels, fields)


def discard_draft(folder: Path, owner: str = ANNOTATION) -> None:
    """Removes a draft, if there is one; the .json goes first, so that half a draft is never offered."""
    drafts = Path(folder) / DRAFTS
    (drafts / f"{owner}.json").unlink(missing_ok=True)
    _remove_masks(drafts, owner, keep=None)
    if drafts.is_dir() and not any(drafts.iterdir()):
        drafts.rmdir()


def _are_masks_of(owner: str, name: object) -> bool:
    return isinstance(name, str) and bool(re.fullmatch(rf"{re.escape(owner)}-[0-9a-f]{{12}}\.seg\.nrrd", name))


def _remove_masks(drafts: Path, owner: str, keep: str | None) -> None:
    for path in drafts.glob(f"{owner}-????????????.seg.nrrd"):
        if path.name != keep:
            path.unlink()


def _cropped(labels: Volume) -> Volume:
    """The part that holds anything: an autosave must not take long."""
    held = np.argwhere(labels.array)
    return labels.part(triple(slice(int(a), int(b) + 1) for a, b in zip(held.min(axis=0), held.max(axis=0))))
