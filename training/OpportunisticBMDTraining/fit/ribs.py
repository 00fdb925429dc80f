"""Measures what the length of a piece of rib tells: `opportunistic-bmd-lab fit-ribs`.

    opportunistic-bmd-lab fit-ribs --samples DIR -o MODELS    DIR holds virtual patients that fitted no network

How much longer ribs seem to the skeleton's network than they are, and how many it misses, is written into its card.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
from scipy.stats import median_abs_deviation

from OpportunisticBMDLib.core.errors import BadInput
from OpportunisticBMDLib.core.levels import LEAST_RIB_MM
from OpportunisticBMDLib.core.volume import Volume
from OpportunisticBMDLib.inference.torch_engine import TorchEngine
from OpportunisticBMDLib.models import load_card, save_card
from OpportunisticBMDLib.stages.levels.bodies import bodies_along, profile_along
from OpportunisticBMDLib.stages.levels.curve import spine_curve
from OpportunisticBMDLib.stages.levels.evidence import RibModel, joint_in_view
from OpportunisticBMDLib.stages.levels.joining import joined_to
from OpportunisticBMDLib.stages.levels.ribs import rib_pieces
from OpportunisticBMDLib.stages.skeleton import SkeletonFinder
from OpportunisticBMDTraining.command_line import exit_status
from OpportunisticBMDTraining.fit.samples.prepare import sample_paths
from OpportunisticBMDTraining.fit.samples.skeletons import SkeletonSample
from OpportunisticBMDTraining.processes import each
from OpportunisticBMDTraining.virtual.cohorts import PREFIXES
from OpportunisticBMDTraining.virtual.patient import draw_parameters
from OpportunisticBMDTraining.virtual.true_ribs import nearest, true_vertebrae

SIDES = (1, -1)
SHORT_MM = (12.0, 70.0)  # lengths of the ribs that tell how exactly lengths are seen: longer ones leave the picture
LEAST_SD_MM = 4.0  # real ribs fade towards their ends more than virtual ones
LEAST_MISSED = 0.004


@dataclass(frozen=True)
class Example:
    """One side of a vertebra.

    Args:
        seen_mm: length of the piece; 0 where there is none.
        goes_on: whether it leaves what was looked at.
        true_mm: length of the rib; 0 where there is none.
    """

    seen_mm: float
    goes_on: bool
    true_mm: float


def examples_of(path: Path, models: Path | None) -> list[Example]:
    """All sides of all vertebrae of a virtual patient whose ribs are in view."""
    sample = SkeletonSample.load(path)
    parameters = draw_parameters(int(path.stem.rpartition("-")[2]), _cohort_of(path.stem))
    finder = SkeletonFinder(*TorchEngine().network("skeleton", models))
    truth = true_vertebrae(parameters)
    ct = Volume(sample.ct.array.astype(np.float32), sample.ct.grid)
    skeleton = finder(ct, np.array([0.0, 0.0, 0.0]))
    curve = spine_curve(skeleton)
    if curve is None:
        return []
    spans = bodies_along(profile_along(skeleton, curve))
    found: list[Example] = []
    for number, side in enumerate(SIDES):
        for span, piece in zip(spans, joined_to(rib_pieces(skeleton, curve, side), spans)):
            true = nearest(truth, curve.at(span.middle))
            if true is not None and joint_in_view(skeleton, curve, span, side):
                seen, goes_on = (piece.length_mm, piece.goes_on) if piece else (0.0, False)
                found.append(Example(seen, goes_on, true.ribs_mm[number]))
    return found


def _cohort_of(name: str) -> str:
    return max((cohort for cohort, prefix in PREFIXES.items() if name.startswith(prefix)), key=len)


def measured(examples: Sequence[Example]) -> RibModel:
    """The card's entry "ribs".

    Raises:
        BadInput: no ribs of a length that can be seen as a whole.
    """
    low, high = SHORT_MM
    off = [e.seen_mm - e.true_mm for e in examples if low < e.true_mm < high and e.seen_mm > 0 and not e.goes_on]
    if len(off) < 2:
        raise BadInput("The samples show no short ribs; prepare more virtual patients.")
    nothing = [e.true_mm >= LEAST_RIB_MM for e in examples if e.seen_mm == 0]
    return RibModel(
        length_bias_mm=round(float(np.median(off)), 2),
        length_sd_mm=round(max(float(median_abs_deviation(off, scale="normal")), LEAST_SD_MM), 2),
        missed=round(max(float(np.mean(nothing)) if nothing else 0.0, LEAST_MISSED), 4),
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Prints what was fitted; returns the exit status, 2 for bad input."""
    parser = argparse.ArgumentParser(prog="opportunistic-bmd-lab fit-ribs", description=__doc__.partition("\n")[0])
    parser.add_argument("--samples", type=Path, required=True, help="folder that skeletons wrote")
    parser.add_argument("-o", "--output", type=Path, required=True, help="model folder whose skeleton gets them")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="processes")
    options = parser.parse_args(arguments)

    def work() -> None:
        paths = sample_paths(options.samples)
        parts = each(
            examples_of, [(p, options.output) for p in paths], jobs=options.jobs, title="patients", unit="patient"
        )
        examples = [example for part in parts for example in part]
        card, ribs = load_card("skeleton", options.output), asdict(measured(examples))
        save_card(options.output, replace(card, outputs={**card.outputs, "ribs": ribs}))
        print(f"{len(examples)} sides of vertebrae: {ribs}")

    return exit_status(work)


if __name__ == "__main__":
    sys.exit(main())
