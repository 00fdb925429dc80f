"""What a stage's network is, before any fit: the frame of its model card."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from OpportunisticBMDLib.models import ARCHITECTURES, ModelCard

VERSION = "0.6"
LICENCE = "Apache-2.0"


@dataclass(frozen=True)
class Design:
    """All of a card that no fit changes; see `ModelCard`.

    Args:
        stage: "localizer", "segmentation" or "bmd".
        name: of the model.
        parameters: the network's arguments.
        spacing_mm: of the grid, the same along each axis.
        size: of the grid in voxels; None for scans of any size.
        window: {"low_hu": ..., "high_hu": ...}.
        outputs: the classes or the bins.
        purpose: what the network finds, and in what.
    """

    stage: str
    name: str
    parameters: Mapping[str, Any]
    spacing_mm: float
    size: Sequence[int] | None
    window: Mapping[str, float]
    outputs: Mapping[str, Any]
    purpose: str

    def card(self, training: Mapping[str, Any] | None = None, figures: Mapping[str, float] | None = None) -> ModelCard:
        """The model's card, without its SHA-256."""
        return ModelCard(
            stage=self.stage,
            name=self.name,
            version=VERSION,
            architecture={"name": ARCHITECTURES[self.stage], "parameters": dict(self.parameters)},
            grid={"spacing_mm": [self.spacing_mm] * 3, "size": self.size and list(self.size)},
            window=self.window,
            outputs=self.outputs,
            training=training or {},
            figures=figures or {},
            licence=LICENCE,
            intended_use=f"Research, not diagnosis: {self.purpose}.",
        )
