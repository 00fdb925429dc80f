"""What the DenseNet learns from: readings of vertebrae, each with a crop around it and what is true.

Every case is looked at as it is and as other scans would show it, through masks that AnatomyNet draws.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from OpportunisticBMDLib.box import box_ras
from OpportunisticBMDLib.core.region import Region
from OpportunisticBMDLib.geometry import Grid
from OpportunisticBMDLib.measure import crop_grid
from OpportunisticBMDLib.models import load_network
from OpportunisticBMDLib.networks.anatomynet import AnatomyNet
from OpportunisticBMDLib.result import Box, Calibration
from OpportunisticBMDLib.segment import Segmenter
from OpportunisticBMDLib.stages.place_region import place_region
from OpportunisticBMDLib.stages.read_region import Reading, read_region
from OpportunisticBMDLib.vertebrae import LABELS, VERTEBRAE
from OpportunisticBMDLib.volume import Volume
from training.dataset.reading import dice
from training.fit.other_scan import OtherScan
from training.fit.prepare import sample_paths
from training.real_cts.density import share_of_change

SPACING_MM = (2.0,) * 3
SIZE = (32, 32, 32)  # a whole body and what lies around it
LEAST_DICE = 0.8  # a reader would correct what agrees less
LEAST_READ = 2 / 3  # of a region, as in `quality`
JITTER_MM = 1.5  # SD of the box's edges
MARGIN_MM = (75.0, 90.0, 85.0)  # of the CT around the middle of the vertebrae that is looked at


@dataclass(frozen=True, eq=False)
class Look:
    """One reading of one vertebra.

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
    """All looks at one case.

    Args:
        name: of the case.
        patient: whose several cases share it.
        looks: first at the case as it is, then at other scans of it.
        own: how many of them are at the case as it is.
    """

    name: str
    patient: str
    looks: tuple[Look, ...]
    own: int

    def save(self, path: Path) -> None:
        """Writes one compressed .npz file, whole or not at all."""
        temporary = path.with_suffix(".part.npz")
        np.savez_compressed(
            temporary,
            patient=np.array(self.patient),
            own=np.array(self.own),
            vertebra=np.array([LABELS[look.vertebra] for look in self.looks], np.uint8),
            crop=np.array([look.crop for look in self.looks], np.float16),
            share=np.array([np.round(255 * look.share) for look in self.looks], np.uint8),
            **{
                name: np.array([getattr(look, name) for look in self.looks], np.float32)
                for name in ("half_mm", "reading", "gain", "truth")
            },
        )
        os.replace(temporary, path)

    @classmethod
    def load(cls, path: Path) -> ReadingSample:
        """Reads what `save` wrote."""
        with np.load(path, allow_pickle=False) as stored:
            arrays = {name: stored[name] for name in stored.files}
        looks = [
            Look(
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
        return cls(path.stem, str(arrays["patient"]), tuple(looks), int(arrays["own"]))


def load_readings(folder: Path, unseen: Collection[str] = ()) -> list[ReadingSample]:
    """All samples of a folder but those named, by name."""
    return [ReadingSample.load(path) for path in sample_paths(folder, unseen)]


@dataclass(frozen=True, eq=False)
class Reader:
    """Looks at cases as the chain would: AnatomyNet's masks, their regions, and the network's crops around them."""

    segmenter: Segmenter

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
        """Looks at a case.

        Args:
            labels: true masks, on the CT's grid.
            truth: vertebra -> mg/cm3; None or absent where it is unknown.
            scans: how many other scans of it are looked at, too.
        """
        rng = np.random.default_rng([int.from_bytes(name.encode()[-8:], "big"), 6])
        near = Grid.axis_aligned((2, 2, 2), MARGIN_MM, box_ras(labels).mean(axis=1))
        ranges = ct.grid.part_under(near)
        ct, labels = ct.part(ranges), labels.part(ranges)
        share = Volume(share_of_change(labels), labels.grid)
        looks = list(self._looks(ct, labels, share, truth, line, rng))
        own = len(looks)
        for _ in range(scans):
            other = OtherScan.draw(ct, rng)
            seen = other.of(ct)
            there = labels.resampled_labels(seen.grid)
            looks += self._looks(seen, there, other.without_noise(share), truth, line, rng)
        return ReadingSample(name, patient, tuple(looks), own)

    def _looks(
        self,
        ct: Volume,
        labels: Volume,
        share: Volume,
        truth: Mapping[str, float | None],
        line: Calibration,
        rng: np.random.Generator,
    ) -> Iterator[Look]:
        box = Box(box_ras(labels) + rng.normal(0, JITTER_MM, (3, 2)), 1.0)
        masks = usable(self.segmenter(ct, box).labels, labels)
        for name in VERTEBRAE:
            if truth.get(name) is None:
                continue
            region = place_region(masks, name)
            reading = None if region is None else read_region(ct, masks, name, region)
            if reading is not None and reading.covered * (1 - reading.left_out_share) > LEAST_READ:
                yield self._look(ct, masks, share, name, reading, truth[name], line)

    def _look(
        self,
        ct: Volume,
        masks: Volume,
        share: Volume,
        name: str,
        reading: Reading,
        truth: float,
        line: Calibration,
    ) -> Look:
        grid = crop_grid(reading.region, SIZE, SPACING_MM)
        return Look(
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


def region_of(look: Look) -> tuple[Region, Grid]:
    """A look's region, and the grid of its crop, with the region's axes as those of the patient."""
    region = Region(np.zeros(3), np.diag(look.half_mm.astype(float)))
    return region, crop_grid(region, SIZE, SPACING_MM)


@lru_cache(maxsize=1)
def reader(models: Path | None) -> Reader:
    """With AnatomyNet of a model folder; one a process."""
    return Reader(Segmenter(*load_network("segmentation", AnatomyNet, models)))
