"""A phantom of one's own, described in a JSON file."""

from __future__ import annotations

from pathlib import Path

from OpportunisticBMDLib.calibration.phantoms import Insert, Phantom
from OpportunisticBMDLib.results.json_document import read_document
from OpportunisticBMDLib.results.json_entries import Entries


def read_phantom(path: Path) -> Phantom:
    """The phantom that a file describes; its keys are those of `Phantom` and `Insert`, and schema_version.

    Raises:
        BadInput: the file cannot be read, or describes no phantom that can be.
    """
    return read_document(path, "description of a phantom", _phantom)


def _phantom(entries: Entries) -> Phantom:
    radius_least, radius_most = entries.numbers("radius_mm", 2)
    spacing_least, spacing_most = entries.numbers("spacing_mm", 2)
    return Phantom(
        name=entries.text("name"),
        material=entries.text("material"),
        inserts=tuple(_insert(insert) for insert in entries.parts("inserts")),
        arrangement=entries.text("arrangement"),
        radius_mm=(radius_least, radius_most),
        length_mm=entries.number("length_mm"),
        spacing_mm=(spacing_least, spacing_most),
    )


def _insert(entries: Entries) -> Insert:
    water = entries.number("water_mg_cm3") if entries.has("water_mg_cm3") else None
    return Insert(entries.text("name"), entries.number("density_mg_cm3"), water)
