"""Networks as OpenVINO computes them on the CPU: torch is needed once, to convert them."""

from __future__ import annotations

import hashlib
import io
import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import numpy as np

from OpportunisticBMDLib import __version__
from OpportunisticBMDLib.inference.kept import kept
from OpportunisticBMDLib.inference.network import Found
from OpportunisticBMDLib.models import ModelCard
from OpportunisticBMDLib.models.store import load_bytes
from OpportunisticBMDLib.networks import boxes

# OpenVINO tells its makers over the network when it is imported and what it converts; without this package it does not.
sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]

import openvino  # noqa: E402

PRECISION = "f32"  # in which the layers are computed
DEVICE = "CPU"
CONFIG = {"INFERENCE_PRECISION_HINT": PRECISION, "PERFORMANCE_HINT": "LATENCY"}


@dataclass(frozen=True)
class OpenVINOEngine:
    """An `engine.Engine`. Networks are converted and compiled when they are first loaded, and kept from then on."""

    def detector(self, models: Path | None = None) -> tuple[OpenVINODetector, ModelCard]:
        card, _ = load_bytes("localizer", models)
        features = _compiled(card, "features", lambda: _conversion().converted_features(models))
        head = _compiled(card, "head", lambda: _conversion().converted_head(models))
        sides = boxes.anchor_sides(card.architecture["parameters"]["pixel_mm"])
        return OpenVINODetector(features, head, tuple(sides)), card

    def network(self, stage: str, models: Path | None = None) -> tuple[OpenVINONetwork, ModelCard]:
        card, _ = load_bytes(stage, models)
        return OpenVINONetwork(_compiled(card, "all", lambda: _conversion().converted_network(stage, models))), card


@dataclass(frozen=True, eq=False)
class OpenVINONetwork:
    """A `network.Network`."""

    compiled: openvino.CompiledModel

    def __call__(self, image: np.ndarray) -> np.ndarray:
        found: np.ndarray = self.compiled(np.ascontiguousarray(image))[0]
        return found


@dataclass(frozen=True, eq=False)
class OpenVINODetector:
    """A `network.Detector`: its layers by OpenVINO, what lies between them by `networks.boxes`.

    Args:
        features, head: see `openvino_conversion`.
        sides: pixels, of the anchors of each level.
    """

    features: openvino.CompiledModel
    head: openvino.CompiledModel
    sides: tuple[int, ...]

    def __call__(self, picture: np.ndarray) -> Found:
        padded, shown = boxes.prepared(picture), picture.shape[1:]
        outputs, levels = self.features(padded).to_tuple(), len(self.sides)
        maps, of_anchors = outputs[: -2 * levels], [output[0] for output in outputs[-2 * levels :]]
        likely = boxes.proposals(of_anchors[:levels], of_anchors[levels:], self.sides, padded.shape[2:], shown)
        scores, changes = self.head([*maps, likely, boxes.levels(likely)]).to_tuple()
        return Found(*boxes.best_boxes(likely, scores, changes, shown))


def _conversion() -> ModuleType:
    """It imports torch, so that it is imported only where nothing is kept yet."""
    from OpportunisticBMDLib.inference import openvino_conversion

    return openvino_conversion


def _compiled(card: ModelCard, part: str, convert: Callable[[], openvino.Model]) -> openvino.CompiledModel:
    """Of a model, for this processor: kept until weights, processor or one of the programs change."""
    core = openvino.Core()
    processor = core.get_property(DEVICE, "FULL_DEVICE_NAME")
    kind = (card.sha256, card.architecture, part, CONFIG, processor, openvino.get_version(), __version__)
    digest = hashlib.sha256(json.dumps(kind).encode()).hexdigest()

    def make() -> bytes:
        stream = io.BytesIO()
        core.compile_model(convert(), DEVICE, CONFIG).export_model(stream)
        return stream.getvalue()

    def read(content: bytes) -> openvino.CompiledModel:
        return core.import_model(io.BytesIO(content), DEVICE, CONFIG)

    return kept(f"{card.stage}-{part}-{digest[:32]}.openvino", make, read)
