"""The whole chain: CT -> box -> masks -> BMD -> result."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import numpy as np
import torch
from torch import nn

from OpportunisticBMDLib import quality, summarise
from OpportunisticBMDLib.bone import Bone
from OpportunisticBMDLib.box import tightened
from OpportunisticBMDLib.calibration import line_for
from OpportunisticBMDLib.ct import CT
from OpportunisticBMDLib.earlier import Earlier, Mean
from OpportunisticBMDLib.edits import NO_EDITS, Edits
from OpportunisticBMDLib.engine import checked_engine
from OpportunisticBMDLib.errors import BadInput, Refused
from OpportunisticBMDLib.localize import Localizer
from OpportunisticBMDLib.measure import Densitometer, Density, measured
from OpportunisticBMDLib.models import ModelCard, load_network
from OpportunisticBMDLib.networks.anatomynet import AnatomyNet
from OpportunisticBMDLib.networks.densenet import DenseNet121
from OpportunisticBMDLib.networks.faster_rcnn import spine_detector
from OpportunisticBMDLib.networks.onednn import with_onednn
from OpportunisticBMDLib.networks.openvino import OpenVINONetwork
from OpportunisticBMDLib.result import Box, Calibration, Reason, Result, Segmentation, Thresholds, VertebraMeasurement
from OpportunisticBMDLib.run import Progress, Run, silent
from OpportunisticBMDLib.segment import Segmenter
from OpportunisticBMDLib.stages.place_region import body_height_mm, place_region
from OpportunisticBMDLib.stages.read_region import Reading, read_region
from OpportunisticBMDLib.vertebrae import VERTEBRAE

__all__ = ["Edits", "Pipeline", "Progress", "Run"]

NETWORKS = {"localizer": spine_detector, "segmentation": AnatomyNet, "bmd": DenseNet121}
SETTLED_MM = 2.0  # what the box's upper and lower edge may still move by
MOST_CORRECTIONS = 2  # of the box
SHARES = {"localize": 0.25, "segment": 0.45, "measure": 0.3}  # of a run's time on a CPU, for its progress


@dataclass(frozen=True, eq=False)
class Pipeline:
    """The three stages, ready to run on any number of CTs.

    Args:
        thresholds: that the category and the probabilities are for.
        calibration: the scanner's own line; None takes the one that is computed for the CT's tube voltage.
    """

    localizer: Localizer
    segmenter: Segmenter
    densitometer: Densitometer
    thresholds: Thresholds = field(default_factory=Thresholds)
    calibration: Calibration | None = None

    @classmethod
    def load(cls, models: Path | None = None, device: str = "cpu", engine: str = "torch") -> Pipeline:
        """With the models that ship, or those of another folder of the same layout.

        Args:
            engine: of the 3D networks on the CPU, see `engine.ENGINES`; on a GPU it is torch.

        Raises:
            BadInput: a model is missing or damaged, or the engine is not installed.
        """
        stages = (Localizer, Segmenter, Densitometer)
        engine = checked_engine(engine)
        parts = (_network(name, models, device, engine) for name in NETWORKS)
        return cls(*(stage(*part) for stage, part in zip(stages, parts, strict=True)))

    def run(self, ct: CT, progress: Progress = silent) -> Run:
        """Localizes, segments and measures."""
        clock = _Clock(progress, ("localize", "segment", "measure"))
        try:
            with clock.stage("localize"):
                box = self.localizer(ct.volume)
        except Refused as refusal:
            return self._refused(ct, None, refusal, clock)
        return self._segmented(ct, box, NO_EDITS, clock, self._settled)

    def segment_within(self, ct: CT, box: Box, progress: Progress = silent) -> Run:
        """Segments and measures in a box that was placed by hand.

        Raises:
            BadInput: the box is empty.
        """
        if not (box.ras_mm[:, 1] > box.ras_mm[:, 0]).all():
            raise BadInput("The box around T12 to L2 has no extent; draw it around the three vertebral bodies.")
        return self._segmented(ct, box, Edits(box=box), _Clock(progress, ("segment", "measure")), self._within)

    def measure(
        self,
        ct: CT,
        segmentation: Segmentation,
        *,
        progress: Progress = silent,
        edits: Edits = NO_EDITS,
        previous: Result | None = None,
    ) -> Run:
        """Measures masks that were given, without localizing and segmenting.

        Args:
            segmentation: on the CT's grid.
            previous: an earlier result of this CT; only what is not known from it goes through the network, and what
                comes out is the same as without it.
        """
        box = edits.box or (previous.box if previous else None)
        clock = _Clock(progress, ("measure",))
        return self._measured(ct, box, segmentation, edits, clock, previous)

    def _within(self, ct: CT, box: Box) -> tuple[Box, Segmentation]:
        return box, self.segmenter(ct.volume, box)

    def _settled(self, ct: CT, box: Box) -> tuple[Box, Segmentation]:
        """Masks, and the box in which they were found: an inexact box gives fair masks, these a better box."""
        segmentation = self.segmenter(ct.volume, box)
        for _ in range(MOST_CORRECTIONS):
            tight = tightened(box, segmentation)
            if np.abs(tight.ras_mm - box.ras_mm)[2].max() < SETTLED_MM:
                break
            box, segmentation = tight, self.segmenter(ct.volume, tight)
        return box, segmentation

    def _segmented(
        self,
        ct: CT,
        box: Box,
        edits: Edits,
        clock: _Clock,
        segment: Callable[[CT, Box], tuple[Box, Segmentation]],
    ) -> Run:
        try:
            with clock.stage("segment"):
                box, segmentation = segment(ct, box)
        except Refused as refusal:
            return self._refused(ct, box, refusal, clock)
        return self._measured(ct, box, segmentation, edits, clock)

    def _measured(
        self,
        ct: CT,
        box: Box | None,
        segmentation: Segmentation,
        edits: Edits,
        clock: _Clock,
        previous: Result | None = None,
    ) -> Run:
        line = self._line(ct)
        earlier = Earlier.of(previous, line, self._models)
        with clock.stage("measure"):
            bone = Bone.of(ct.volume, Segmentation(segmentation.labels, edits.known_confidence(segmentation)))
            readings = self._readings(bone)
            unreadable = [reason for name in VERTEBRAE for reason in self._unreadable(bone, name, readings[name])]
            left_out = [*quality.measurability(*bone.part), *edits.exclusions()]
            left_out += [r for r in unreadable if r.vertebra not in {other.vertebra for other in left_out}]
            reasons = [*left_out, *edits.notes(), *self._cautions(ct, bone, box)]
            unmeasurable = {reason.vertebra for reason in left_out if reason.severity != "info"}
            measurable = [name for name in VERTEBRAE if name not in unmeasurable]
            density = cache(lambda name: self.densitometer.density(ct.volume, readings[name], line))
            vertebrae = {}
            for done, name in enumerate(VERTEBRAE, start=1):
                figures = measured(*bone.part, name, readings[name], line, None)
                if name in measurable:
                    known = earlier.vertebra(name, figures)
                    figures = known or measured(*bone.part, name, readings[name], line, density(name))
                vertebrae[name] = figures
                clock.tell(done / (len(VERTEBRAE) + 1))
            pair: tuple[str, ...] = ()
            mean = None
            try:
                pair = summarise.chosen(measurable)
                mean = earlier.mean(pair, vertebrae, self.thresholds) or self._mean(
                    Density.mean_of([*map(density, pair)])
                )
                reasons += summarise.substitution(pair, mean.bmd_mg_cm3, self.thresholds)
                reasons += summarise.disagreement(vertebrae, pair)
            except Refused as refusal:
                reasons.append(Reason(refusal.code, "refusal", edits.why_too_few(refusal.message)))
            clock.tell(1.0)
        return Run(self._result(ct, box, reasons, vertebrae, pair, mean, clock), segmentation)

    def _readings(self, bone: Bone) -> dict[str, Reading | None]:
        """The middle of each body that the masks hold."""
        labels = bone.part[1].labels
        regions = {name: place_region(labels, name) for name in VERTEBRAE}
        whole = bone.segmentation.labels
        return {
            name: None if region is None else read_region(bone.ct, whole, name, region)
            for name, region in regions.items()
        }

    def _unreadable(self, bone: Bone, name: str, reading: Reading | None) -> list[Reason]:
        if reading is None:
            return quality.readable(name, None, 0.0)
        return quality.readable(name, reading, body_height_mm(bone.part[1].labels, name, reading.region))

    def _cautions(self, ct: CT, bone: Bone, box: Box | None) -> list[Reason]:
        found = [
            *quality.misordered(bone.part[1]),
            *quality.unsure_levels(box),
            *quality.cautions(ct.volume, bone.segmentation, ct.acquisition),
        ]
        # With the scanner's own line the tube voltage does not matter.
        return [reason for reason in found if reason.code != "kvp_unknown" or self.calibration is None]

    def _mean(self, density: Density) -> Mean:
        osteoporosis, osteopenia = self.thresholds.in_ha
        probability = {"osteoporosis": density.below(osteoporosis), "abnormal": density.below(osteopenia)}
        return Mean(density.mean, density.sd, probability)

    def _refused(self, ct: CT, box: Box | None, refusal: Refused, clock: _Clock) -> Run:
        reasons = [Reason(refusal.code, "refusal", refusal.message)]
        return Run(self._result(ct, box, reasons, {}, (), None, clock), None)

    def _result(
        self,
        ct: CT,
        box: Box | None,
        reasons: list[Reason],
        vertebrae: dict[str, VertebraMeasurement],
        pair: tuple[str, ...],
        mean: Mean | None,
        clock: _Clock,
    ) -> Result:
        status = summarise.status(reasons)
        shown = None if status == "refused" else mean
        return Result(
            acquisition=ct.acquisition,
            size_ijk=ct.volume.grid.size,
            spacing_mm=tuple(float(s) for s in ct.volume.grid.spacing),
            models=self._models,
            status=status,
            reasons=tuple(reasons),
            bmd_mg_cm3=shown.bmd_mg_cm3 if shown else None,
            bmd_sd_mg_cm3=shown.bmd_sd_mg_cm3 if shown else None,
            vertebrae_used=pair if shown else (),
            category=self.thresholds.category(shown.bmd_mg_cm3) if shown else None,
            thresholds=self.thresholds,
            probability=shown.probability if shown else {"osteoporosis": None, "abnormal": None},
            calibration=self._line(ct),
            vertebrae=vertebrae,
            box=box,
            timing_s=dict(clock.seconds),
        )

    def _line(self, ct: CT) -> Calibration:
        return self.calibration or line_for(ct.acquisition.kvp)

    @property
    def _models(self) -> dict[str, dict[str, str]]:
        stages = (self.localizer, self.segmenter, self.densitometer)
        cards = {name: stage.card for name, stage in zip(NETWORKS, stages, strict=True)}
        return {name: {"name": card.name, "sha256": card.sha256} for name, card in cards.items()}


def _network(stage: str, models: Path | None, device: str, engine: str = "torch") -> tuple[nn.Module, ModelCard]:
    network, card = load_network(stage, NETWORKS[stage], models)
    if engine == "openvino" and device == "cpu" and stage != "localizer":
        channels = card.architecture["parameters"]["in_channels"]
        return OpenVINONetwork(network, (1, channels, *card.grid["size"])), card
    return with_onednn(network).to(torch.device(device)), card


class _Clock:
    """Tells of each stage as it begins, and keeps the seconds that it took."""

    def __init__(self, progress: Progress, stages: Sequence[str]) -> None:
        self.seconds: dict[str, float] = {}
        self._progress = progress
        total = sum(SHARES[stage] for stage in stages)
        self._shares = {stage: SHARES[stage] / total for stage in stages}
        self._stage, self._done = stages[0], 0.0

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        self._stage = name
        self.tell(0.0)
        start = time.perf_counter()
        try:
            yield
        finally:
            self.seconds[name] = time.perf_counter() - start
            self._done += self._shares[name]

    def tell(self, share: float) -> None:
        """That `share` (0..1) of the present stage is done."""
        self._progress(self._stage, min(1.0, self._done + share * self._shares[self._stage]))
