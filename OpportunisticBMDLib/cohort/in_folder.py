"""The CTs of a folder."""

from __future__ import annotations

from pathlib import Path

from OpportunisticBMDLib.cohort.case import Case, named_twice, safe

ENDINGS = (".nii.gz", ".nii", ".nrrd", ".nhdr", ".mha", ".mhd", ".zip")
NO_CT = (".seg.nrrd", ".seg.nhdr")
OWN_CT = "ct.nii.gz"  # of an annotated case


def cases_in(folder: Path) -> list[Case]:
    """The image files and zips of a folder, and its folders, each of which is taken for one CT.

    A folder's own ct.nii.gz is preferred to DICOM; a folder whose files have none of the known endings, and that holds
    no folders, is one DICOM series itself. A name depends on nothing but its own file, so that CTs that come later
    change none, unless they have the same.

    Raises:
        OSError: the folder cannot be listed.
    """
    entries = sorted(entry for entry in folder.iterdir() if not entry.name.startswith("."))
    images = [entry for entry in entries if entry.is_file() and _is_image(entry)]
    folders = [entry for entry in entries if entry.is_dir()]
    if not images and not folders:
        return [Case(safe(folder.name), folder)] if entries else []
    places = {image: image for image in images}
    places |= {inner: inner / OWN_CT if (inner / OWN_CT).is_file() else inner for inner in folders}
    shared = named_twice([name for entry in places for name in {_stem(entry), entry.name}])
    return [
        Case(safe(entry.name if _stem(entry) in shared else _stem(entry)), place) for entry, place in places.items()
    ]


def _is_image(path: Path) -> bool:
    name = path.name.lower()
    return name.endswith(ENDINGS) and not name.endswith(NO_CT)


def _stem(path: Path) -> str:
    if path.is_dir():
        return path.name
    return next(path.name[: -len(ending)] for ending in ENDINGS if path.name.lower().endswith(ending))
