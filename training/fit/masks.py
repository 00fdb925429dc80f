"""Has AnatomyNet draw its own masks of the samples: `python -m training.fit.masks --samples DIR --models MODELS`.

The DenseNet reads bones through the masks that AnatomyNet draws. Fitted on the true ones it would miss the edges that
AnatomyNet tends to leave out or to add.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Collection, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from tqdm import tqdm

from OpportunisticBMDLib.box import box_ras
from OpportunisticBMDLib.models import load_network
from OpportunisticBMDLib.networks.anatomynet import AnatomyNet
from OpportunisticBMDLib.result import Box
from OpportunisticBMDLib.segment import Segmenter
from OpportunisticBMDLib.vertebrae import LABELS
from OpportunisticBMDLib.volume import Volume
from training.command_line import exit_status
from training.dataset.reading import dice
from training.fit.prepare import Sample, sample_paths

LEAST_DICE = 0.8  # a reader would correct what agrees less


def draw_masks(folder: Path, models: Path, unseen: Collection[str] = ()) -> None:
    """Writes a model's masks into all samples of a folder that show T12 to L2, but those named.

    A vertebra that the model misses keeps its true mask. Samples that hold the masks of this very model are left as
    they are, so that a start after a kill goes on.

    Raises:
        BadInput: no model.
    """
    network, card = load_network("segmentation", AnatomyNet, models)
    segmenter = Segmenter(network, card)
    for path in tqdm(sample_paths(folder, unseen), desc="masks", unit="sample"):
        sample = Sample.load(path)
        if sample.shows_all and sample.segmented_by != card.sha256:
            found = segmenter(sample.ct, Box(box_ras(sample.labels), score=1.0)).labels
            labels = usable(found, sample.labels)
            replace(sample, segmented=labels, segmented_by=card.sha256).save(path)


def usable(found: Volume, true: Volume) -> np.ndarray:
    """(I, J, K) uint8: the masks that were found, and the true ones of the vertebrae that they miss."""
    missed = [name for name, value in dice(found, true).items() if value is not None and value < LEAST_DICE]
    labels = found.array.copy()
    for label in (LABELS[name] for name in missed):
        labels[labels == label] = 0
        labels[true.array == label] = label
    return labels


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m training.fit.masks", description=__doc__.partition("\n")[0])
    parser.add_argument("--samples", type=Path, required=True, help="folder that training.fit.prepare wrote")
    parser.add_argument("--models", type=Path, required=True, help="model folder whose AnatomyNet draws")
    options = parser.parse_args(arguments)
    return exit_status(lambda: draw_masks(options.samples, options.models))


if __name__ == "__main__":
    sys.exit(main())
