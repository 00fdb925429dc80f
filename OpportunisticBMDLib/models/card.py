"""What a model is: its card (JSON) beside the weights."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from math import isfinite
from typing import Any, TypeGuard

from OpportunisticBMDLib.core.result import STAGES

ARCHITECTURES = {
    "localizer": "fasterrcnn_mobilenet_v3_large_fpn",
    "segmentation": "AnatomyNet",
    "bmd": "DenseNet121",
    "skeleton": "SkeletonNet",
}


@dataclass(frozen=True)
class ModelCard:
    """What a model is, as its model.json says.

    Args:
        stage: "localizer", "segmentation" or "bmd".
        name: of the model, e.g. "anatomynet-virtual".
        version: of the model, not of the software.
        architecture: {"name": one of `ARCHITECTURES`, "parameters": the network's arguments}.
        grid: {"spacing_mm": [3], "size": [3]}, canonical grid along right, front, head; size is None where the
            network takes scans of any size.
        window: {"low_hu": ..., "high_hu": ...}, the HU that become 0 and 1.
        outputs: the classes ({"classes": [...]}) or the BMD bins, in the stage's own words.
        training: how it was trained, and on what.
        figures: what was measured on cases that it was not trained on.
        licence: SPDX expression.
        intended_use: one sentence.
        sha256: of the weights file, hexadecimal; "" before it is saved.

    Raises:
        ValueError: an entry that cannot be; the message says which one.
    """

    stage: str
    name: str
    version: str
    architecture: Mapping[str, Any]
    grid: Mapping[str, Any]
    window: Mapping[str, float]
    outputs: Mapping[str, Any]
    training: Mapping[str, Any]
    figures: Mapping[str, Any]
    licence: str
    intended_use: str
    sha256: str = ""

    def __post_init__(self) -> None:
        require(self.stage in STAGES, f"stage is {self.stage!r}, not one of {', '.join(STAGES)}")
        for key in ("name", "version", "licence", "intended_use"):
            require(_is_text(getattr(self, key)), f"{key} is missing or empty")
        for key in ("architecture", "grid", "window", "outputs", "training", "figures"):
            require(isinstance(getattr(self, key), Mapping), f"{key} is not an object")
        self._check_architecture()
        self._check_grid()
        low, high = self.window.get("low_hu"), self.window.get("high_hu")
        require(is_number(low) and is_number(high) and low < high, "window needs low_hu below high_hu")
        require(isinstance(self.sha256, str), "sha256 is not a text")

    def _check_architecture(self) -> None:
        name, expected = self.architecture.get("name"), ARCHITECTURES[self.stage]
        require(name == expected, f"architecture is {name!r}, and the {self.stage} has to be {expected!r}")
        require(isinstance(self.architecture.get("parameters"), Mapping), "architecture has no parameters")

    def _check_grid(self) -> None:
        spacing, size = self.grid.get("spacing_mm"), self.grid.get("size")
        require(_is_triple(spacing) and min(spacing) > 0, "grid needs three spacing_mm above 0")
        require(size is None or (_is_triple(size) and min(size) >= 1), "grid needs three sizes of at least 1 voxel")

    @classmethod
    def from_json(cls, text: str) -> ModelCard:
        """Reads model.json's text.

        Raises:
            ValueError: no JSON object, keys missing or unknown, an entry that cannot be, or a number that is not
                finite.
            RecursionError: it is nested too deeply.
        """
        entries = json.loads(text, parse_float=_finite, parse_constant=_finite)
        require(isinstance(entries, dict), "the file holds no JSON object")
        known = {field.name for field in fields(cls)}
        require(not known - set(entries), f"missing: {', '.join(sorted(known - set(entries)))}")
        require(not set(entries) - known, f"unknown: {', '.join(sorted(set(entries) - known))}")
        return cls(**entries)

    def to_json(self) -> str:
        return json.dumps(asdict(self), indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def require(condition: bool, message: str) -> None:
    if not condition:
        raise ValueError(message)


def _finite(number: str) -> float:
    require(isfinite(float(number)), f"{number} is not a finite number")
    return float(number)


def _is_text(value: object) -> bool:
    return isinstance(value, str) and bool(value.strip())


def is_number(value: object) -> TypeGuard[float]:
    """Whether an entry of a card is a finite number; true and false are none."""
    return isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) <= sys.float_info.max


def _is_triple(value: object) -> TypeGuard[Sequence[float]]:
    return isinstance(value, (list, tuple)) and len(value) == 3 and all(is_number(entry) for entry in value)
