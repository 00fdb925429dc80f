"""Networks as OpenVINO computes them on the CPU: torch is needed once, to convert them."""

from __future__ import annotations

import hashlib
import io
import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import ModuleType

import numpy as np

from OpportunisticBMDLib import __version__
from OpportunisticBMDLib.core.errors import BadInput
from OpportunisticBMDLib.inference.computing import Computing, NotPrepared
from OpportunisticBMDLib.inference.kept import kept
from OpportunisticBMDLib.inference.network import Found
from OpportunisticBMDLib.models import ModelCard
from OpportunisticBMDLib.models.store import load_bytes
from OpportunisticBMDLib.networks import boxes

# OpenVINO tells its makers over the network when it is imported and what it converts; without this package it does not.
sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]

import openvino  # noqa: E402

DEVICE = "CPU"
FULL, SHORT = "f32", "bf16"
MOST_LETTERS = 200  # of somebody else's error message
# Stages whose networks say the same in half the bits: a mean BMD changes by at most 0.12 mg/cm3, masks have a Dice of
# 0.9996 with those in f32 (median of bodies; the least is 0.9986, of one that the end of a scan in 5 mm slices cuts).
# Not the skeleton's: in one of 128 CTs, of 5 mm slices, all names moved by one without a warning. Not the
# localizer's, whose box would move by up to 4 mm, nor the BMD network's, which would gain nothing.
SHORTENED = ("segmentation",)


@dataclass(frozen=True)
class OpenVINOEngine:
    """An `engine.Engine`. Networks are converted and compiled when they are first loaded, and kept from then on.

    Args:
        preparing: hears of each part that is not kept yet, before it is converted, which takes seconds.
    """

    preparing: Callable[[], None] = lambda: None

    def computing(self, stage: str) -> Computing:
        """In bf16 where that takes half the time: OpenVINO's own choice tells the processors that compute in it.

        Others would imitate it, and take longer than for f32.
        """
        chosen = _core().get_property(DEVICE, "INFERENCE_PRECISION_HINT")
        is_short = stage in SHORTENED and chosen == openvino.Type.bf16
        return Computing("openvino", SHORT if is_short else FULL)

    def detector(self, models: Path | None = None) -> tuple[OpenVINODetector, ModelCard]:
        card, _ = load_bytes("localizer", models)
        features = self._compiled(card, "features", lambda: _conversion().converted_features(models))
        head = self._compiled(card, "head", lambda: _conversion().converted_head(models))
        sides = boxes.anchor_sides(card.architecture["parameters"]["pixel_mm"])
        return OpenVINODetector(features, head, tuple(sides)), card

    def network(self, stage: str, models: Path | None = None) -> tuple[OpenVINONetwork, ModelCard]:
        card, _ = load_bytes(stage, models)
        compiled = self._compiled(card, "all", lambda: _conversion().converted_network(stage, models))
        return OpenVINONetwork(compiled), card

    def _compiled(self, card: ModelCard, part: str, convert: Callable[[], openvino.Model]) -> openvino.CompiledModel:
        """Of a model, for this processor: kept until weights, processor, precision or one of the programs change."""
        core = _core()
        precision = self.computing(card.stage).precision
        config = {"INFERENCE_PRECISION_HINT": precision, "PERFORMANCE_HINT": "LATENCY"}
        processor = core.get_property(DEVICE, "FULL_DEVICE_NAME")
        kind = (card.sha256, card.architecture, part, config, processor, openvino.get_version(), __version__)
        digest = hashlib.sha256(json.dumps(kind).encode()).hexdigest()

        def make() -> bytes:
            self.preparing()
            stream = io.BytesIO()
            core.compile_model(_converted(convert), DEVICE, config).export_model(stream)
            return stream.getvalue()

        def read(content: bytes) -> openvino.CompiledModel:
            return core.import_model(io.BytesIO(content), DEVICE, config)

        return kept(f"{card.stage}-{part}-{digest[:32]}.openvino", make, read)


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


@cache
def _core() -> openvino.Core:
    return openvino.Core()


def _conversion() -> ModuleType:
    """It imports torch, so that it is imported only where nothing is kept yet."""
    from OpportunisticBMDLib.inference import openvino_conversion

    return openvino_conversion


def _converted(convert: Callable[[], openvino.Model]) -> openvino.Model:
    """
    Raises:
        NotPrepared: whatever kept torch or OpenVINO from it.
        BadInput: the weights are missing or damaged.
    """
    try:
        return convert()
    except BadInput:
        raise
    except Exception as error:  # an old torch lacks names, a new one refuses what it took before: any of many kinds
        raise NotPrepared(" ".join(str(error).split())[:MOST_LETTERS] or type(error).__name__) from error
