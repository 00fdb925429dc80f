"""Pipelines whose networks an engine computes, or plain PyTorch, and that keep what each call took."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from OpportunisticBMDLib.inference.computing import Computing
from OpportunisticBMDLib.inference.engine import Engine, engine_named
from OpportunisticBMDLib.inference.network import Found
from OpportunisticBMDLib.inference.torch_engine import NETWORKS
from OpportunisticBMDLib.models import ModelCard
from OpportunisticBMDLib.models.modules import load_network
from OpportunisticBMDLib.networks.faster_rcnn import spine_detector
from OpportunisticBMDLib.pipeline import Pipeline
from OpportunisticBMDLib.stages.levels.find import LevelFinder
from OpportunisticBMDLib.stages.localize import Localizer
from OpportunisticBMDLib.stages.measure import Densitometer
from OpportunisticBMDLib.stages.segment import Segmenter
from Testing.benchmark.timing import PLAIN


class PlainTorch:
    """An `Engine`: the modules as they are."""

    def computing(self, stage: str) -> Computing:
        return Computing("torch", "f32")

    def detector(self, models: Path | None = None) -> tuple[Callable[[np.ndarray], Found], ModelCard]:
        module, card = plain_module("localizer")

        @torch.inference_mode()
        def find(picture: np.ndarray) -> Found:
            found = module([torch.from_numpy(np.ascontiguousarray(picture))])[0]
            return Found(found["boxes"].numpy(), found["scores"].numpy())

        return find, card

    def network(self, stage: str, models: Path | None = None) -> tuple[Callable[[np.ndarray], np.ndarray], ModelCard]:
        module, card = plain_module(stage)

        @torch.inference_mode()
        def classify(image: np.ndarray) -> np.ndarray:
            return module(torch.from_numpy(np.ascontiguousarray(image))).softmax(dim=1).numpy()

        return classify, card


def plain_module(stage: str) -> tuple[nn.Module, ModelCard]:
    """A stage's network with the weights that ship."""
    return load_network(stage, spine_detector if stage == "localizer" else NETWORKS[stage])


@dataclass(frozen=True)
class Call:
    """Of a stage's network.

    Args:
        shape: of the array that it was given.
        precision: "f32" or "bf16".
    """

    stage: str
    shape: tuple[int, ...]
    precision: str
    wall_s: float
    cpu_s: float


@dataclass(frozen=True, eq=False)
class Watched:
    """An `Engine` whose networks note their calls."""

    engine: Engine
    calls: list[Call] = field(default_factory=list)

    def computing(self, stage: str) -> Computing:
        return self.engine.computing(stage)

    def detector(self, models: Path | None = None) -> tuple[Callable[[np.ndarray], Any], ModelCard]:
        return self._watched(*self.engine.detector(models))

    def network(self, stage: str, models: Path | None = None) -> tuple[Callable[[np.ndarray], Any], ModelCard]:
        return self._watched(*self.engine.network(stage, models))

    def _watched(
        self, network: Callable[[np.ndarray], Any], card: ModelCard
    ) -> tuple[Callable[[np.ndarray], Any], ModelCard]:
        precision = self.computing(card.stage).precision

        def call(array: np.ndarray) -> Any:
            wall, cpu = time.perf_counter(), time.process_time()
            found = network(array)
            spent = time.perf_counter() - wall, time.process_time() - cpu
            self.calls.append(Call(card.stage, array.shape, precision, *spent))
            return found

        return call, card


def watched_pipeline(engine: str) -> tuple[Pipeline, list[Call]]:
    """The stages with an engine's networks or plain ones, and where their calls are noted."""
    watched = Watched(PlainTorch() if engine == PLAIN else engine_named(engine))
    pipeline = Pipeline(
        Localizer(*watched.detector()),
        LevelFinder.of(*watched.network("skeleton")),
        Segmenter(*watched.network("segmentation")),
        Densitometer(*watched.network("bmd")),
        computing=watched.computing,
    )
    return pipeline, watched.calls
