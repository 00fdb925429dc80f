"""The whole chain: CT -> box -> masks -> BMD -> result."""

from __future__ import annotations

import time
from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from functools import cache, partial
from pathlib import Path

import numpy as np

from OpportunisticBMDLib import quality
from OpportunisticBMDLib.calibration import line_of
from OpportunisticBMDLib.calibration.in_scan import line_of_phantom_below
from OpportunisticBMDLib.calibration.internal import likeliest_line, seen_tissues
from OpportunisticBMDLib.calibration.known_scanners import KnownScanners
from OpportunisticBMDLib.core.box import Box
from OpportunisticBMDLib.core.calibration_line import Calibration
from OpportunisticBMDLib.core.contrast import NOT_TOLD, Contrast
from OpportunisticBMDLib.core.ct import CT
from OpportunisticBMDLib.core.errors import BadInput, Refused
from OpportunisticBMDLib.core.grid import triple
from OpportunisticBMDLib.core.levels import Answer, Levels
from OpportunisticBMDLib.core.masked_ct import MaskedCT
from OpportunisticBMDLib.core.reading import Reading
from OpportunisticBMDLib.core.reason import Reason, ReasonCode
from OpportunisticBMDLib.core.result import Result
from OpportunisticBMDLib.core.run import Run
from OpportunisticBMDLib.core.segmentation import Segmentation, centres_of
from OpportunisticBMDLib.core.surroundings import Surroundings
from OpportunisticBMDLib.core.thresholds import Thresholds
from OpportunisticBMDLib.core.vertebra import MeasuredVertebra, UnmeasuredVertebra, Vertebra
from OpportunisticBMDLib.core.vertebrae import VERTEBRAE
from OpportunisticBMDLib.core.volume import Volume
from OpportunisticBMDLib.edits import NO_EDITS, Edits
from OpportunisticBMDLib.edits.reusable import Mean, Reusable
from OpportunisticBMDLib.inference.computing import Computing
from OpportunisticBMDLib.inference.engine import Engine, loaded
from OpportunisticBMDLib.quality.levels import is_sure
from OpportunisticBMDLib.stages import summarise
from OpportunisticBMDLib.stages.body_heights import body_heights
from OpportunisticBMDLib.stages.contrast import correction_for, seen_contrast
from OpportunisticBMDLib.stages.levels.find import LevelFinder, named_by_box
from OpportunisticBMDLib.stages.levels.place_box import box_at
from OpportunisticBMDLib.stages.localize import Localizer
from OpportunisticBMDLib.stages.measure import Densitometer, Density, mask_figures, middle_figures
from OpportunisticBMDLib.stages.orientation import check_orientation, orientation_doubts
from OpportunisticBMDLib.stages.place_region import body_height_mm, place_region
from OpportunisticBMDLib.stages.read_region import read_region
from OpportunisticBMDLib.stages.segment import Segmenter
from OpportunisticBMDLib.stages.uncertainty import Scales, causes_of
from OpportunisticBMDLib.system.progress import Progress, silent

__all__ = ["Edits", "Pipeline", "Progress", "Run"]

SAME_PLACE_MM = 8.0  # that the middle of a mask may move by in an edit of it
LEAST_ANSWER = 0.05  # probability of another answer whose BMD is told, too
SHARES = {
    "localize": 0.25,
    "name": 0.05,
    "segment": 0.45,
    "measure": 0.25,
}  # of a run's time on a CPU, for its progress


@dataclass(frozen=True, eq=False)
class Pipeline:
    """The stages, ready to run on any number of CTs.

    Args:
        thresholds: that the category and the probabilities are for.
        calibration: a line given by the user, before all others; None takes the best at hand.
        scanners: lines of scanners that were measured before.
        computing: says how the network of a stage is computed, where that is known.
    """

    localizer: Localizer
    levels: LevelFinder
    segmenter: Segmenter
    densitometer: Densitometer
    thresholds: Thresholds = field(default_factory=Thresholds)
    calibration: Calibration | None = None
    scanners: KnownScanners | None = None
    computing: Callable[[str], Computing | None] = lambda stage: None

    @classmethod
    def load(
        cls, models: Path | None = None, device: str = "cpu", engine: str = "auto", progress: Progress = silent
    ) -> Pipeline:
        """With the models that ship, or those of another folder of the same layout.

        Args:
            engine: of the networks on the CPU, see `engine.ENGINES`; on a GPU it is torch.
            progress: hears of "prepare" where networks are converted for this processor, once.

        Raises:
            BadInput: a model is missing or damaged, or the engine is not installed.
        """
        return loaded(partial(cls._of, models), engine, device, lambda: progress("prepare", 0.0))

    @classmethod
    def _of(cls, models: Path | None, engine: Engine) -> Pipeline:
        return cls(
            Localizer(*engine.detector(models)),
            LevelFinder.of(*engine.network("skeleton", models)),
            Segmenter(*engine.network("segmentation", models)),
            Densitometer(*engine.network("bmd", models)),
            computing=engine.computing,
        )

    def run(self, ct: CT, progress: Progress = silent) -> Run:
        """Localizes, names the vertebrae in view, segments and measures."""
        clock = _Clock(progress, ("localize", "name", "segment", "measure"))
        box = levels = None
        try:
            with clock.stage("localize"):
                check_orientation(ct.volume)
                box = self.localizer(ct.volume)
            with clock.stage("name"):
                levels = self.levels(ct.volume, box)
                box = box_at(levels, box)
        except Refused as refusal:
            return self._refused(ct, box, refusal, clock, levels)
        others = [answer for answer in levels.answers if not is_sure(levels) and _is_worth_measuring(answer)]
        clock.share_rest_among(1 + len(others))
        run = self._segmented(ct, box, NO_EDITS, clock, self.segmenter.settled, levels)
        return self._with_answers(ct, run, others, clock) if others else run

    def move_levels(self, ct: CT, previous: Result, by: int, progress: Progress = silent) -> Run:
        """Segments and measures anew after a reader moved all names by so many vertebrae towards the feet.

        Args:
            previous: a result of this CT with the vertebrae in view.

        Raises:
            BadInput: the vertebrae in view are not known, or there are too few in this direction.
        """
        return self._moved(ct, previous, by, _Clock(progress, ("segment", "measure")))

    def segment_within(self, ct: CT, box: Box, progress: Progress = silent) -> Run:
        """Segments and measures in a box that was placed by hand.

        Raises:
            BadInput: the box is empty.
        """
        if not (box.ras_mm[:, 1] > box.ras_mm[:, 0]).all():
            raise BadInput("The box around T12 to L2 has no extent; draw it around the three vertebral bodies.")
        clock = _Clock(progress, ("name", "segment", "measure"))
        with clock.stage("name"):
            levels = named_by_box(self.levels(ct.volume, box), box)
        return self._segmented(ct, box, Edits(box=box, levels_moved=levels.moved), clock, self._within, levels)

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
        return self._measured(ct, box, segmentation, edits, clock, previous.levels if previous else None, previous)

    def _within(self, ct: Volume, box: Box) -> tuple[Box, Segmentation]:
        return box, self.segmenter(ct, box)

    def _segmented(
        self,
        ct: CT,
        box: Box,
        edits: Edits,
        clock: _Clock,
        segment: Callable[[Volume, Box], tuple[Box, Segmentation]],
        levels: Levels | None,
    ) -> Run:
        try:
            with clock.stage("segment"):
                box, segmentation = segment(ct.volume, box)
        except Refused as refusal:
            return self._refused(ct, box, refusal, clock, levels)
        return self._measured(ct, box, segmentation, edits, clock, levels)

    def _moved(self, ct: CT, previous: Result, by: int, clock: _Clock) -> Run:
        if previous.levels is None or previous.box is None or not previous.levels.vertebrae:
            raise BadInput("The vertebrae in view are not known; compute the BMD first.")
        levels = previous.levels.moved_by(by)
        try:
            box = box_at(levels, previous.box)
        except Refused as refusal:
            raise BadInput("There are no further vertebrae in this direction.") from refusal
        return self._segmented(ct, box, Edits(levels_moved=levels.moved), clock, self.segmenter.settled, levels)

    def _with_answers(self, ct: CT, run: Run, others: Sequence[Answer], clock: _Clock) -> Run:
        """A run whose levels are not sure, with what the other likely answers would give."""
        result, found = run.result, {}
        for answer in others:
            with suppress(BadInput):  # too few vertebrae in view for this answer
                found[answer.shift] = self._moved(ct, result, answer.shift, clock).result.bmd_mg_cm3
        levels = result.levels
        if levels is None or result.bmd_mg_cm3 is None:
            return run
        answers = tuple(replace(a, bmd_mg_cm3=found.get(a.shift, a.bmd_mg_cm3)) for a in levels.answers)
        levels = replace(levels, answers=answers)
        return replace(run, result=replace(result, levels=levels, timing_s=dict(clock.seconds)))

    def _measured(
        self,
        ct: CT,
        box: Box | None,
        segmentation: Segmentation,
        edits: Edits,
        clock: _Clock,
        levels: Levels | None,
        previous: Result | None = None,
    ) -> Run:
        with clock.stage("measure"):
            known = Segmentation(segmentation.labels, edits.known_confidence(segmentation))
            masked = MaskedCT.of(ct.volume, known)
            _, masks = masked.part
            around = self._surroundings(ct, masks, previous)
            line = around.line
            earlier = Reusable.of(previous, line, around.correction, self._models)
            readings = self._readings(masked)
            regions = {name: reading.region for name, reading in readings.items() if reading}
            heights = body_heights(masks.labels, regions)
            left_out = [*quality.measurability(*masked.part, heights), *edits.exclusions()]
            left_out += self._unreadable(masked, readings, {reason.vertebra for reason in left_out}, line)
            unmeasurable = {reason.vertebra for reason in left_out if reason.severity != "info"}
            read = {name: reading for name, reading in readings.items() if reading and name not in unmeasurable}
            scan = quality.SeenScan(*masked.part, ct.acquisition, box, levels, read, heights, around, ct.volume)
            doubts = orientation_doubts(ct.volume, masks.labels)
            reasons = [*left_out, *edits.notes(), *doubts, *quality.cautions(scan)]
            density = cache(
                lambda reading: self.densitometer.density(ct.volume, reading, line).corrected(around.correction)
            )
            vertebrae: dict[str, Vertebra] = {}
            measured: dict[str, tuple[Reading, MeasuredVertebra]] = {}
            for done, (name, reading) in enumerate(readings.items(), start=1):
                middle, mask = middle_figures(reading), mask_figures(*masked.part, name)
                vertebrae[name] = UnmeasuredVertebra(middle, mask)
                if name not in unmeasurable and reading and middle and mask:
                    vertebra = earlier.vertebra(name, middle, mask) or density(reading).of_vertebra(middle, mask)
                    vertebrae[name], measured[name] = vertebra, (reading, vertebra)
                clock.tell(done / (len(VERTEBRAE) + 1))
            pair: tuple[str, ...] = ()
            mean = None
            try:
                pair = summarise.chosen(list(measured))
                mean = earlier.mean(pair, vertebrae, self.thresholds) or self._mean(
                    ct, [(measured[name][0], density(measured[name][0])) for name in pair], around
                )
                both = tuple((name, measured[name][1]) for name in pair)
                reasons += quality.differences(quality.SeenMean(both, mean.bmd_mg_cm3, self.thresholds))
            except Refused as refusal:
                reasons.append(replace(refusal.reason, message=edits.why_too_few(refusal.message)))
            clock.tell(1.0)
        return Run(self._result(ct, box, reasons, vertebrae, pair, mean, clock, levels, around), segmentation)

    def _readings(self, masked: MaskedCT) -> dict[str, Reading | None]:
        """The middle of each body that the masks hold."""
        _, part = masked.part
        regions = {name: place_region(part.labels, name) for name in VERTEBRAE}
        whole = masked.segmentation.labels
        return {
            name: None if region is None else read_region(masked.ct, whole, name, region)
            for name, region in regions.items()
        }

    def _unreadable(
        self,
        masked: MaskedCT,
        readings: Mapping[str, Reading | None],
        left_out: Container[str | None],
        line: Calibration,
    ) -> list[Reason]:
        """Why the middle of a body cannot be read, of those that are not left out for another reason."""
        ct, part = masked.part
        regions = {name: reading.region for name, reading in readings.items() if reading and reading.voxels}
        in_body = self.levels.skeleton.shares_in_body(masked.ct, regions)
        reasons = []
        for name, reading in readings.items():
            if name in left_out:
                continue
            if reading is None or not reading.voxels:
                reasons += quality.readable(name, reading, 0.0)
                continue
            height = body_height_mm(part.labels, name, reading.region)
            body = quality.Body.of(ct, part.labels, name, reading)
            reasons += quality.readable(name, reading, height, float(line.bmd(reading.hu_mean)), in_body[name], body)
        return reasons

    def _mean(self, ct: CT, pair: Sequence[tuple[Reading, Density]], around: Surroundings) -> Mean:
        readings, densities = zip(*pair)
        density, scales = Density.mean_of(densities), Scales.of(self.densitometer.card)
        causes = causes_of(ct.volume, readings, density, around.line, around.correction)
        uncertainty = scales.uncertainty(density.mean, causes)
        probability = {
            name: scales.below(threshold, density.mean, uncertainty.sd, causes.group)
            for name, threshold in zip(("osteoporosis", "abnormal"), self.thresholds.in_ha)
        }
        return Mean(density.mean, uncertainty.sd, probability, uncertainty)

    def _refused(self, ct: CT, box: Box | None, refusal: Refused, clock: _Clock, levels: Levels | None) -> Run:
        doubts = [doubt for doubt in orientation_doubts(ct.volume) if doubt.severity == "warning"]
        around = Surroundings(self.calibration or line_of(ct.acquisition), Contrast())
        not_found = refusal.reason.code is ReasonCode.VERTEBRAE_NOT_FOUND
        reason = (quality.unlike_a_trunk(ct.volume) if not_found else None) or refusal.reason
        return Run(self._result(ct, box, [reason, *doubts], {}, (), None, clock, levels, around), None)

    def _result(
        self,
        ct: CT,
        box: Box | None,
        reasons: list[Reason],
        vertebrae: dict[str, Vertebra],
        pair: tuple[str, ...],
        mean: Mean | None,
        clock: _Clock,
        levels: Levels | None,
        around: Surroundings,
    ) -> Result:
        status = summarise.status(reasons)
        shown = None if status == "refused" else mean
        return Result(
            acquisition=ct.acquisition,
            size_ijk=ct.volume.grid.size,
            spacing_mm=triple(ct.volume.grid.spacing.tolist()),
            models=self._models,
            status=status,
            reasons=tuple(reasons),
            bmd_mg_cm3=shown.bmd_mg_cm3 if shown else None,
            bmd_sd_mg_cm3=shown.bmd_sd_mg_cm3 if shown else None,
            vertebrae_used=pair if shown else (),
            category=self.thresholds.category(shown.bmd_mg_cm3) if shown else None,
            thresholds=self.thresholds,
            probability=shown.probability if shown else {"osteoporosis": None, "abnormal": None},
            calibration=around.line,
            vertebrae=vertebrae,
            box=box,
            timing_s=dict(clock.seconds),
            levels=levels and levels.with_bmd(shown.bmd_mg_cm3 if shown else None),
            contrast=around.contrast,
            correction=around.correction if shown else None,
            uncertainty=shown.uncertainty if shown else None,
            tissues_hu=around.tissues_hu,
        )

    def _surroundings(self, ct: CT, segmentation: Segmentation, previous: Result | None) -> Surroundings:
        """Once for a CT: what an edit of the masks does not change is taken from the result before it."""
        bodies = centres_of(segmentation)
        earlier = previous if previous and _is_of_this(previous, ct, bodies) else None
        is_known = earlier is not None and earlier.contrast != NOT_TOLD
        contrast = earlier.contrast if earlier and is_known else seen_contrast(ct, bodies)
        tissues = earlier.tissues_hu if earlier and is_known else None
        if tissues is None:
            tissues = seen_tissues(ct, bodies, contrast)
        computed = line_of(ct.acquisition)
        is_looked_for = earlier is not None and is_known and earlier.calibration.kind != "given"
        kept = earlier.calibration if earlier and earlier.calibration.kind in ("phantom", "internal") else None
        line = (
            self.calibration
            or (kept if kept and kept.kind == "phantom" else None)
            or (None if is_looked_for else line_of_phantom_below(ct, bodies))
            or (self.scanners and self.scanners.line_for(ct.acquisition))
            or kept
            or likeliest_line(computed, tissues, ct.acquisition.kvp)
            or computed
        )
        return Surroundings(line, contrast, correction_for(contrast, ct.acquisition.kvp), tissues)

    @property
    def _models(self) -> dict[str, dict[str, str]]:
        cards = (self.localizer.card, self.levels.skeleton.card, self.segmenter.card, self.densitometer.card)
        return {card.stage: {"name": card.name, "sha256": card.sha256, **self._engine(card.stage)} for card in cards}

    def _engine(self, stage: str) -> dict[str, str]:
        computing = self.computing(stage)
        return computing._asdict() if computing else {}


def _is_of_this(previous: Result, ct: CT, bodies: Mapping[str, np.ndarray]) -> bool:
    """Whether the voltage is the same, and the same bodies were found in about the same places: what is seen beside
    them is then the same."""
    if previous.acquisition.kvp != ct.acquisition.kvp:
        return False
    known = {name: vertebra.mask.centroid_ras_mm for name, vertebra in previous.vertebrae.items() if vertebra.mask}
    if known.keys() != bodies.keys():
        return False
    return all(np.linalg.norm(bodies[name] - centre) <= SAME_PLACE_MM for name, centre in known.items())


def _is_worth_measuring(answer: Answer) -> bool:
    return answer.shift != 0 and answer.probability >= LEAST_ANSWER


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
            self.seconds[name] = self.seconds.get(name, 0.0) + time.perf_counter() - start
            self._done += self._shares[name]

    def share_rest_among(self, times: int) -> None:
        """What is left will be done so many times."""
        self._shares = {name: share / times for name, share in self._shares.items()}

    def tell(self, share: float) -> None:
        """That `share` (0..1) of the present stage is done."""
        self._progress(self._stage, min(1.0, self._done + share * self._shares[self._stage]))
