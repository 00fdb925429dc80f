"""Fits the DenseNet in other ways than it ships: `python -m training.fit.ablations --samples DIR --run DIR`.

Each way is fitted on the same patients, from the same seed, as long, and judged by the same held-out vertebrae; the
samples should hold AnatomyNet's masks (`training.fit.masks`). Prints a table of the errors, the HU line's with them.
"""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from OpportunisticBMDLib.measure import bmd_crop
from training.command_line import exit_status
from training.fit.bmd import DESIGN, STAGE, BmdTask, entropy_and_mean, focal_of_classes
from training.fit.cases import Cases, Selection, cases_of
from training.fit.command import positive
from training.fit.loop import fit
from training.fit.prepare import load_samples
from training.markdown import markdown

HELD_OUT = 40
STEPS = 250
DENSEST = 300.0  # mg/cm3, which the second of the two classes stands for


def two_class_focal(logits: Tensor, bmd: Tensor) -> Tensor:
    """The paper's focal loss of two classes, the share of the second being the density; (N, 2) and (N,) mg/cm3."""
    share = (bmd.float() / DENSEST).clamp(0, 1).to(logits.device)
    return focal_of_classes(logits, torch.stack((1 - share, share), dim=1))


def two_class_bmd(logits: Tensor) -> Tensor:
    """(N, 2) -> (N,) mg/cm3."""
    return DENSEST * logits.softmax(dim=1)[:, 1]


def unmasked_input(*of: Any) -> Tensor:
    """(1, I, J, K) in 0..1 of what `bmd_crop` takes: the whole crop, cortex and soft tissue with it."""
    grey, _ = bmd_crop(*of)
    return torch.from_numpy(grey).float()[None]


def nothing(*of: Any) -> float:
    """In place of the calibration line: the network gives the density itself."""
    return 0.0


@dataclass(eq=False)
class PaperWindow(BmdTask):
    """What lies outside -200 to 200 HU is cut off: the paper's window of level 0 and width 400."""

    design = replace(DESIGN, window={"low_hu": -200.0, "high_hu": 200.0})


@dataclass(eq=False)
class Unmasked(BmdTask):
    """The network sees the whole crop."""

    shown = staticmethod(unmasked_input)


@dataclass(eq=False)
class TwoClasses(BmdTask):
    """A softmax of two classes that gives the density itself, without the calibration line."""

    design = replace(DESIGN, parameters={"in_channels": 1, "outputs": 2})
    base = staticmethod(nothing)
    expected = staticmethod(two_class_bmd)


WAYS = {
    "as shipped: bins around the HU line, masked, -250 to 550 HU": (BmdTask, entropy_and_mean),
    "window of -200 to 200 HU": (PaperWindow, entropy_and_mean),
    "unmasked input": (Unmasked, entropy_and_mean),
    "two classes, focal loss": (TwoClasses, two_class_focal),
}
FIGURES = ("bias_mg_cm3", "error_sd_mg_cm3", "rms_error_mg_cm3")


def table(found: Mapping[str, Mapping[str, float]], line: Mapping[str, float]) -> str:
    """A Markdown table of the errors of each way and of the HU line, mg/cm3."""
    rows = [(way, *(f"{figures[name]:.2f}" for name in FIGURES)) for way, figures in found.items()]
    bias, sd = line["line_bias_mg_cm3"], line["line_error_sd_mg_cm3"]
    rows.append(("HU line alone", *(f"{value:.2f}" for value in (bias, sd, math.hypot(bias, sd)))))
    return markdown(("DenseNet", "bias", "SD of error", "RMS error"), rows)


def ablate(cases: Cases, run: Path, steps: int, seed: int) -> str:
    """Fits each way, and gives the table; what is finished is not fitted again."""
    recipe = STAGE.recipes["default"].changed(steps)
    found = {}
    for number, (way, (make, loss)) in enumerate(WAYS.items()):
        torch.manual_seed(seed)
        task = make(cases.real, cases.virtual, cases.held_out, objective=loss)
        folder = run / f"{number}-{make.__name__}"
        folder.mkdir(parents=True, exist_ok=True)
        found[way] = fit(task, folder, recipe, seed=seed).figures
    first = next(iter(found.values()))
    return table(found, first)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m training.fit.ablations", description=__doc__.partition("\n")[0])
    parser.add_argument("--samples", type=Path, required=True, help="folder that training.fit.prepare wrote")
    parser.add_argument("--run", type=Path, required=True, help="folder for checkpoints and logs")
    parser.add_argument("--steps", type=positive, default=STEPS, help="of each fit")
    parser.add_argument("--held-out", type=positive, default=HELD_OUT, metavar="N", help="virtual patients that judge")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args(arguments)

    def work() -> None:
        cases = cases_of(load_samples(options.samples), Selection(), options.held_out)
        print(ablate(cases, options.run, options.steps, options.seed))

    return exit_status(work)


if __name__ == "__main__":
    sys.exit(main())
