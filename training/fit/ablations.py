"""Fits the DenseNet in other ways than it ships: `python -m training.fit.ablations --samples DIR --run DIR`.

Each way is fitted on the same patients, from the same seed, as long, and judged by the same held-out vertebrae; the
samples should hold AnatomyNet's masks (`training.fit.masks`). Prints a table of the errors, with those of the
calibration line alone.
"""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from OpportunisticBMDLib.measure import bmd_crop, line_bmd
from OpportunisticBMDLib.profile import core_bmd
from training.command_line import exit_status
from training.fit.bmd import DESIGN, SIZE, STAGE, BmdTask, entropy_and_mean, focal_of_classes
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
    """(1, I, J, K) of what `bmd_crop` takes: the whole crop, cortex and soft tissue with it, beside the bone's core."""
    grey, core, _ = bmd_crop(*of)
    return torch.from_numpy(grey - core).float()[None]


def dense_input(*of: Any) -> Tensor:
    """(1, I, J, K) in 0..1 of what `bmd_crop` takes: the density itself, 0 outside the mask."""
    grey, _, inside = bmd_crop(*of)
    return torch.from_numpy((grey * inside).astype(np.float32))[None]


def nothing(*of: Any) -> float:
    """In place of the calibration line: the network gives the density itself."""
    return 0.0


@dataclass(eq=False)
class Core(BmdTask):
    """The bins lie around what the calibration line gives for the core."""

    base = staticmethod(core_bmd)


@dataclass(eq=False)
class WholeMask(BmdTask):
    """The bins lie around what the calibration line gives for the whole mask, its edge with it."""

    base = staticmethod(line_bmd)


@dataclass(eq=False)
class Dense(BmdTask):
    """The network sees the density itself, not how it differs from the core's."""

    shown = staticmethod(dense_input)


@dataclass(eq=False)
class PaperWindow(BmdTask):
    """What lies outside -200 to 200 HU is cut off: the paper's window of level 0 and width 400."""

    frame = replace(DESIGN, window={"low_hu": -200.0, "high_hu": 200.0})


@dataclass(eq=False)
class Unmasked(BmdTask):
    """The network sees the whole crop."""

    shown = staticmethod(unmasked_input)
    room = max(SIZE)  # the whole crop is drawn, too


@dataclass(eq=False)
class TwoClasses(BmdTask):
    """A softmax of two classes that gives the density itself, without the calibration line."""

    frame = replace(DESIGN, parameters={"in_channels": 1, "outputs": 2})
    base = staticmethod(nothing)
    shown = staticmethod(dense_input)
    expected = staticmethod(two_class_bmd)


WAYS = {
    "as shipped: bins around the profile's line, masked, -250 to 550 HU": (BmdTask, entropy_and_mean),
    "bins around the core's line": (Core, entropy_and_mean),
    "bins around the whole mask's line": (WholeMask, entropy_and_mean),
    "density itself as input": (Dense, entropy_and_mean),
    "window of -200 to 200 HU": (PaperWindow, entropy_and_mean),
    "unmasked input": (Unmasked, entropy_and_mean),
    "two classes, focal loss": (TwoClasses, two_class_focal),
}
LINES = {
    "line of the profile, no network": BmdTask,
    "line of the core, no network": Core,
    "line of the whole mask, no network": WholeMask,
}
FIGURES = ("bias_mg_cm3", "error_sd_mg_cm3", "rms_error_mg_cm3")


def table(found: Mapping[type[BmdTask], Mapping[str, float]]) -> str:
    """A Markdown table of the errors of each way, and of the lines that three of them correct, mg/cm3."""
    rows = [(way, *(found[make][name] for name in FIGURES)) for way, (make, _) in WAYS.items()]
    for line, make in LINES.items():
        bias, sd = found[make]["line_bias_mg_cm3"], found[make]["line_error_sd_mg_cm3"]
        rows.append((line, bias, sd, math.hypot(bias, sd)))
    shown = [(name, *(f"{value:.2f}" for value in values)) for name, *values in rows]
    return markdown(("DenseNet", "bias", "SD of error", "RMS error"), shown)


def ablate(cases: Cases, run: Path, steps: int, seed: int) -> str:
    """Fits each way, and gives the table; what is finished is not fitted again."""
    recipe = STAGE.recipes["default"].changed(steps)
    found = {}
    for number, (make, loss) in enumerate(WAYS.values()):
        torch.manual_seed(seed)
        task = make(cases.real, cases.virtual, cases.held_out, objective=loss)
        folder = run / f"{number}-{make.__name__}"
        folder.mkdir(parents=True, exist_ok=True)
        found[make] = fit(task, folder, recipe, seed=seed).figures
    return table(found)


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
