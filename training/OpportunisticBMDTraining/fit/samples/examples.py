"""What the DenseNet learns from: readings of vertebrae, each with a crop around it and what is true.

Every case is shown as it is and as other scans would show it, through masks that AnatomyNet draws.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from OpportunisticBMDLib.cases.annotation import dice
from OpportunisticBMDLib.core.box import Box, box_ras
from OpportunisticBMDLib.core.calibration_line import Calibration
from OpportunisticBMDLib.core.grid import Grid
from OpportunisticBMDLib.core.reading import Reading
from OpportunisticBMDLib.core.region import Region
from OpportunisticBMDLib.core.segmentation import Segmentation
from OpportunisticBMDLib.core.vertebrae import LABELS, VERTEBRAE
from OpportunisticBMDLib.core.volume import Volume
from OpportunisticBMDLib.inference.torch_engine import TorchEngine
from OpportunisticBMDLib.stages.measure import crop_grid
from OpportunisticBMDLib.stages.place_region import place_region
from OpportunisticBMDLib.stages.read_region import read_region
from OpportunisticBMDLib.stages.segment import Segmenter
from OpportunisticBMDLib.system.files import replacing
from OpportunisticBMDTraining.fit.samples.other_scan import OtherScan
from OpportunisticBMDTraining.fit.samples.prepare import sample_paths
from OpportunisticBMDTraining.real_cts.density import share_of_change

SPACING_MM = (2.0,) * 3
SIZE = (32, 32, 32)  # a whole body and what lies around it
LEAST_DICE = 0.8  # a person would correct what agrees less
LEAST_READ = 2 / 3  # of a region, as in `quality`
JITTER_MM = 1.5  # SD of the box's edges
MARGIN_MM = (75.0, 90.0, 85.0)  # of the CT that is kept around the middle of the vertebrae


@dataclass(frozen=True, eq=False)
class VertebraExample:
    """One way in which a vertebra is shown to the network, and what is true of it.

    Args:
        vertebra: its name.
        crop: (I, J, K) float32 mg/cm3 by the scan's line, on the network's grid around the region.
        share: (I, J, K) 0..1, where in it mineral that is added to the bone lies.
        half_mm: (3,) of the region.
        reading: what the region reads, mg/cm3.
        gain: by how much the reading grows with 1 mg/cm3 added to the bone; thick slices blend in what lies beside it.
        truth: mg/cm3.
    """

    vertebra: str
    crop: np.ndarray
    share: np.ndarray
    half_mm: np.ndarray
    reading: float
    gain: float
    truth: float


@dataclass(frozen=True, eq=False)
class ReadingSample:
    """All examples of one case.

    Args:
        name: of the case.
        patient: whose several cases share it.
        examples: first at the case as it is, then at other scans of it.
        own: how many of them are at the case as it is.
    """

    name: str
    patient: str
    examples: tuple[VertebraExample, ...]
    own: int

    def save(self, path: Path) -> None:
        """Writes one compressed .npz file, whole or not at all."""
        with replacing(path) as part:
            np.savez_compressed(
                part,
                patient=np.array(self.patient),
                own=np.array(self.own),
                vertebra=np.array([LABELS[example.vertebra] for example in self.examples], np.uint8),
                crop=np.array([example.crop for example in self.examples], np.float16),
                share=np.array([np.round(255 * example.share) for example in self.examples], np.uint8),
                half_mm=np.array([example.half_mm for example in self.examples], np.float32),
                reading=np.array([example.reading for example in self.examples], np.float32),
                gain=np.array([example.gain for example in self.examples], np.float32),
                truth=np.array([example.truth for example in self.examples], np.float32),
            )

    @classmethod
    def load(cls, path: Path) -> ReadingSample:
        """Reads what `save` wrote."""
        with np.load(path, allow_pickle=False) as stored:
            arrays = {name: stored[name] for name in stored.files}
        examples = [
            VertebraExample(
                vertebra=VERTEBRAE[arrays["vertebra"][n] - 1],
                crop=arrays["crop"][n].astype(np.float32),
                share=arrays["share"][n].astype(np.float32) / 255,
                half_mm=arrays["half_mm"][n],
                reading=float(arrays["reading"][n]),
                gain=float(arrays["gain"][n]),
                truth=float(arrays["truth"][n]),
            )
            for n in range(len(arrays["vertebra"]))
        ]
        return cls(path.stem, str(arrays["patient"]), tuple(examples), int(arrays["own"]))


def load_readings(folder: Path, unseen: Collection[str] = ()) -> list[ReadingSample]:
    """All samples of a folder but those named, by name."""
    return [ReadingSample.load(path) for path in sample_paths(folder, unseen)]


@dataclass(frozen=True, eq=False)
class ExampleMaker:
    """Shows cases as the chain would: masks within a box, their regions, and the network's crops around them.

    Args:
        segmenter: draws the masks: AnatomyNet.
    """

    segmenter: Callable[[Volume, Box], Segmentation]

    def sample(
        self,
        name: str,
        patient: str,
        ct: Volume,
        labels: Volume,
        truth: Mapping[str, float | None],
        line: Calibration,
        scans: int,
    ) -> ReadingSample:
        """All examples of a case, the same ones each time.

        Args:
            name: of the case; other scans are drawn from it.
            patient: whose several cases share it.
            ct: HU.
            labels: true masks, on the CT's grid.
            truth: vertebra -> mg/cm3; None or absent where it is unknown.
            line: of the CT.
            scans: as how many other scans it is shown, too.
        """
        rng = np.random.default_rng([int.from_bytes(name.encode()[-8:], "big"), 6])
        near = Grid.axis_aligned((2, 2, 2), MARGIN_MM, box_ras(labels).mean(axis=1))
        ranges = ct.grid.part_under(near)
        ct, labels = ct.part(ranges), labels.part(ranges)
        share = Volume(share_of_change(labels), labels.grid)
        examples = list(self._examples(ct, labels, share, truth, line, rng))
        own = len(examples)
        for _ in range(scans):
            other = OtherScan.draw(ct, rng)
            seen = other.of(ct)
            there = labels.resampled_labels(seen.grid)
            examples += self._examples(seen, there, other.without_noise(share), truth, line, rng)
        return ReadingSample(name, patient, tuple(examples), own)

    def _examples(
        self,
        ct: Volume,
        labels: Volume,
        share: Volume,
        truth: Mapping[str, float | None],
        line: Calibration,
        rng: np.random.Generator,
    ) -> Iterator[VertebraExample]:
        box = Box(box_ras(labels) + rng.normal(0, JITTER_MM, (3, 2)), 1.0)
        masks = usable(self.segmenter(ct, box).labels, labels)
        for name in VERTEBRAE:
            known = truth.get(name)
            if known is None:
                continue
            region = place_region(masks, name)
            reading = None if region is None else read_region(ct, masks, name, region)
            if reading is not None and reading.covered * (1 - reading.left_out_share) > LEAST_READ:
                yield self._example(ct, masks, share, name, reading, known, line)

    def _example(
        self,
        ct: Volume,
        masks: Volume,
        share: Volume,
        name: str,
        reading: Reading,
        truth: float,
        line: Calibration,
    ) -> VertebraExample:
        grid = crop_grid(reading.region, SIZE, SPACING_MM)
        return VertebraExample(
            vertebra=name,
            crop=line.bmd(ct.resampled(grid).array),
            share=share.resampled(grid, outside=0.0).array.clip(0, 1),
            half_mm=reading.region.half_mm,
            reading=float(line.bmd(reading.hu_mean)),
            gain=read_region(share, masks, name, reading.region).hu_mean,
            truth=float(truth),
        )


def usable(found: Volume, true: Volume) -> Volume:
    """The masks that were found, and the true ones of the vertebrae that they miss."""
    missed = [name for name, value in dice(found, true).items() if value is not None and value < LEAST_DICE]
    labels = found.array.copy()
    for label in (LABELS[name] for name in missed):
        labels[labels == label] = 0
        labels[true.array == label] = label
    return Volume(labels, found.grid)


def region_of(example: VertebraExample) -> tuple[Region, Grid]:
    """An example's region, and the grid of its crop, with the region's axes as those of the patient."""
    region = Region(np.zeros(3), np.diag(example.half_mm.astype(float)))
    return region, crop_grid(region, SIZE, SPACING_MM)


@lru_cache(maxsize=1)
def example_maker(models: Path | None) -> ExampleMaker:
    """With AnatomyNet of a model folder; one a process."""
    return ExampleMaker(Segmenter(*TorchEngine().network("segmentation", models)))
