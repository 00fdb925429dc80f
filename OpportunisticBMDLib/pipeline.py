"""The whole chain: CT -> box -> masks -> BMD -> result."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import torch
from torch import nn

from OpportunisticBMDLib import quality, summarise
from OpportunisticBMDLib.calibration import line_for
from OpportunisticBMDLib.ct import CT
from OpportunisticBMDLib.errors import Refused
from OpportunisticBMDLib.localize import Localizer
from OpportunisticBMDLib.measure import Densitometer, Density
from OpportunisticBMDLib.models import ModelCard, load_network
from OpportunisticBMDLib.networks.anatomynet import AnatomyNet
from OpportunisticBMDLib.networks.densenet import DenseNet121
from OpportunisticBMDLib.networks.faster_rcnn import spine_detector
from OpportunisticBMDLib.result import Box, Reason, Result, Segmentation, Thresholds, VertebraMeasurement
from OpportunisticBMDLib.segment import Segmenter
from OpportunisticBMDLib.vertebrae import VERTEBRAE

Progress = Callable[[str], None]
NETWORKS = {"localizer": spine_detector, "segmentation": AnatomyNet, "bmd": DenseNet121}


@dataclass(frozen=True, eq=False)
class Run:
    """A result with the masks that it was measured on; None where the run was refused before there were any."""

    result: Result
    segmentation: Segmentation | None


@dataclass(frozen=True, eq=False)
class Pipeline:
    """The three stages, ready to run on any number of CTs."""

    localizer: Localizer
    segmenter: Segmenter
    densitometer: Densitometer
    thresholds: Thresholds = field(default_factory=Thresholds)

    @classmethod
    def load(cls, models: Path | None = None, device: str = "cpu") -> Pipeline:
        """With the models that ship, or those of another folder of the same layout.

        Raises:
            BadInput: a model is missing or damaged.
        """
        stages = (Localizer, Segmenter, Densitometer)
        return cls(*(stage(*_network(name, models, device)) for stage, name in zip(stages, NETWORKS, strict=True)))

    def run(self, ct: CT, progress: Progress = lambda stage: None) -> Run:
        """Localizes, segments and measures; `progress` hears each stage's name as it begins."""
        clock = _Clock(progress)
        box = None
        try:
            with clock.stage("localize"):
                box = self.localizer(ct.volume)
            with clock.stage("segment"):
                segmentation = self.segmenter(ct.volume, box)
        except Refused as refusal:
            return Run(self._refused(ct, box, refusal, clock), None)
        return self._measured(ct, box, segmentation, clock)

    def measure(self, ct: CT, segmentation: Segmentation, progress: Progress = lambda stage: None) -> Run:
        """Measures masks that were given, without localizing and segmenting."""
        return self._measured(ct, None, segmentation, _Clock(progress))

    def _measured(self, ct: CT, box: Box | None, segmentation: Segmentation, clock: _Clock) -> Run:
        calibration = line_for(ct.acquisition.kvp)
        unmeasurable = quality.measurability(ct.volume, segmentation)
        reasons = [
            *unmeasurable,
            *quality.misordered(segmentation),
            *quality.cautions(ct.volume, segmentation, ct.acquisition),
        ]
        measurable = [name for name in VERTEBRAE if name not in {reason.vertebra for reason in unmeasurable}]
        pair: tuple[str, ...] = ()
        density = None
        with clock.stage("measure"):
            vertebrae = {
                name: self.densitometer.measure(
                    ct.volume, segmentation, name, calibration, measurable=name in measurable
                )
                for name in VERTEBRAE
            }
            try:
                pair = summarise.chosen(measurable)
                reasons += summarise.substitution(pair) + summarise.disagreement(vertebrae, pair)
                density = self.densitometer.density(ct.volume, segmentation.labels, pair, calibration)
            except Refused as refusal:
                reasons.append(Reason(refusal.code, "refusal", refusal.message))
        return Run(self._result(ct, box, reasons, vertebrae, pair, density, clock), segmentation)

    def _refused(self, ct: CT, box: Box | None, refusal: Refused, clock: _Clock) -> Result:
        reasons = [Reason(refusal.code, "refusal", refusal.message)]
        return self._result(ct, box, reasons, {}, (), None, clock)

    def _result(
        self,
        ct: CT,
        box: Box | None,
        reasons: list[Reason],
        vertebrae: dict[str, VertebraMeasurement],
        pair: tuple[str, ...],
        density: Density | None,
        clock: _Clock,
    ) -> Result:
        status = summarise.status(reasons)
        shown = None if status == "refused" else density
        return Result(
            acquisition=ct.acquisition,
            size_ijk=ct.volume.grid.size,
            spacing_mm=tuple(float(s) for s in ct.volume.grid.spacing),
            models={name: {"name": card.name, "sha256": card.sha256} for name, card in self._cards.items()},
            status=status,
            reasons=tuple(reasons),
            bmd_mg_cm3=shown.mean if shown else None,
            bmd_sd_mg_cm3=shown.sd if shown else None,
            vertebrae_used=pair if shown else (),
            category=self.thresholds.category(shown.mean) if shown else None,
            thresholds=self.thresholds,
            probability={
                "osteoporosis": shown.below(self.thresholds.osteoporosis) if shown else None,
                "abnormal": shown.below(self.thresholds.osteopenia) if shown else None,
            },
            calibration=line_for(ct.acquisition.kvp),
            vertebrae=vertebrae,
            box=box,
            timing_s=dict(clock.seconds),
        )

    @property
    def _cards(self) -> dict[str, ModelCard]:
        stages = (self.localizer, self.segmenter, self.densitometer)
        return {name: stage.card for name, stage in zip(NETWORKS, stages, strict=True)}


def _network(stage: str, models: Path | None, device: str) -> tuple[nn.Module, ModelCard]:
    network, card = load_network(stage, NETWORKS[stage], models)
    return network.to(torch.device(device)), card


class _Clock:
    """Announces each stage and keeps the seconds that it took."""

    def __init__(self, progress: Progress) -> None:
        self.seconds: dict[str, float] = {}
        self._progress = progress

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        self._progress(name)
        start = time.perf_counter()
        try:
            yield
        finally:
            self.seconds[name] = time.perf_counter() - start
