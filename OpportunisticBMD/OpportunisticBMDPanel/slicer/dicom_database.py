"""Slicer's DICOM database: the files that a volume was loaded from, and objects that join them in their study."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import slicer
from slicer.i18n import tr as _

from OpportunisticBMDLib.core.errors import BadInput


def instance_uids(volume_node: Any) -> list[str]:
    """Those of the files that a volume was loaded from; empty for no DICOM volume, and without a database."""
    has_database = getattr(slicer, "dicomDatabase", None) is not None
    return (volume_node.GetAttribute("DICOM.instanceUIDs") or "").split() if has_database else []


def first_file_of(volume_node: Any) -> str:
    """Its path; "" where the database does not know it."""
    uids = instance_uids(volume_node)
    return slicer.dicomDatabase.fileForInstance(uids[0]) if uids else ""


def files_of(volume_node: Any) -> list[Path]:
    """All files that a volume was loaded from, one for each slice or one for all of them.

    Raises:
        BadInput: the database does not know one of them.
    """
    paths = [slicer.dicomDatabase.fileForInstance(uid) for uid in instance_uids(volume_node)]
    if not paths or not all(paths):
        raise BadInput(
            _(
                "Slicer's DICOM database no longer has all slices of this CT, so no DICOM object can refer to them: "
                "import and load the CT again, or untick “DICOM objects”."
            )
        )
    return [Path(path) for path in paths]


def add(files: Sequence[Path]) -> bool:
    """Copies DICOM files into the database, as Slicer's own exports do; whether it took all of them."""
    database = slicer.dicomDatabase
    before = database.imagesCount()
    for file in files:
        database.insert(str(file))  # says nothing of what goes wrong
    database.updateDisplayedFields()  # the DICOM module shows them from now on
    return bool(database.imagesCount() == before + len(files))
