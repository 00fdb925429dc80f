"""Compares ways to get from a reading to a BMD: `python -m training.fit.ablations --samples DIR --run DIR`.

Each way is fitted from the same seed, as long, once for every fold of the patients with real CTs, on all others and on
virtual patients; it is judged by the degraded real CTs of those who were left out, and by virtual patients that no fit
has seen. The samples are those of `training.fit.readings`. Prints a table, with the reading alone as a row.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from joblib import Parallel, delayed
from torch import Tensor

from OpportunisticBMDLib.measure import BINS, body_mask, windowed
from OpportunisticBMDLib.models import ModelCard
from training.command_line import exit_status
from training.fit.bmd import DESIGN, STAGE, BmdTask, entropy_and_mean, focal_of_classes, with_added
from training.fit.cases import Cases, Selection, cases_of
from training.fit.command import positive
from training.fit.looks import Look, ReadingSample, load_readings, region_of
from training.fit.loop import fit
from training.markdown import markdown
from training.real_cts.response import slope_of

HELD_OUT = 40
STEPS = 200
ADDED_MG_CM3 = (-60.0, 0.0, 60.0)
DENSEST = 300.0  # mg/cm3, which the second of the two classes stands for
MIDDLE = 100.0  # mg/cm3, which is grey where the density itself is shown
DENSITIES = np.arange(-50.0, 301.0, 5.0)  # mg/cm3, of the network that corrects nothing


def dense(look: Look, card: ModelCard) -> np.ndarray:
    """(I, J, K): the density itself, masked."""
    return windowed(look.crop - MIDDLE, card) * body_mask(*region_of(look))


def unmasked(look: Look, card: ModelCard) -> np.ndarray:
    """(I, J, K): the whole crop beside the reading."""
    return windowed(look.crop - look.reading, card)


def nothing(look: Look) -> float:
    """In place of the reading: the network gives the density itself."""
    return 0.0


def density(logits: Tensor) -> Tensor:
    """(N, D) -> (N,) mg/cm3."""
    return logits.softmax(dim=1) @ torch.as_tensor(DENSITIES, dtype=torch.float32)


def density_entropy(logits: Tensor, bmd: Tensor) -> Tensor:
    """Cross entropy with the two bins on either side of a density; (N, D) and (N,) mg/cm3."""
    place = ((bmd.float() - DENSITIES[0]) / (DENSITIES[1] - DENSITIES[0])).clamp(0, len(DENSITIES) - 1.001)
    low = place.floor().long()
    target = torch.zeros_like(logits, dtype=torch.float32).scatter_(1, low[:, None], (1 - (place - low))[:, None])
    target = target.scatter_(1, low[:, None] + 1, (place - low)[:, None])
    error = torch.nn.functional.smooth_l1_loss(density(logits), bmd.float(), beta=5.0)
    return torch.nn.functional.cross_entropy(logits, target) + 0.2 * error


def two_class_focal(logits: Tensor, bmd: Tensor) -> Tensor:
    """The paper's focal loss of two classes, the share of the second being the density; (N, 2) and (N,) mg/cm3."""
    share = (bmd.float() / DENSEST).clamp(0, 1)
    return focal_of_classes(logits, torch.stack((1 - share, share), dim=1))


def two_class_bmd(logits: Tensor) -> Tensor:
    """(N, 2) -> (N,) mg/cm3."""
    return DENSEST * logits.softmax(dim=1)[:, 1]


@dataclass(eq=False)
class DensityShown(BmdTask):
    """The network sees the density itself, not how it differs from the reading."""

    shown = staticmethod(dense)


@dataclass(eq=False)
class Unmasked(BmdTask):
    """The network sees what lies beside the body, too."""

    shown = staticmethod(unmasked)


@dataclass(eq=False)
class Alone(BmdTask):
    """The network gives the density from the masked crop, without a reading."""

    design = replace(
        DESIGN, parameters={"in_channels": 1, "outputs": len(DENSITIES)}, outputs={BINS: DENSITIES.tolist()}
    )
    shown = staticmethod(dense)
    base = staticmethod(nothing)
    expected = staticmethod(density)


@dataclass(eq=False)
class TwoClasses(Alone):
    """The paper's softmax of two classes."""

    design = replace(DESIGN, parameters={"in_channels": 1, "outputs": 2}, outputs={})
    expected = staticmethod(two_class_bmd)


WAYS = {
    "corrects the reading; masked, density not shown": (BmdTask, entropy_and_mean),
    "corrects the reading; masked, density shown": (DensityShown, entropy_and_mean),
    "corrects the reading; not masked, density not shown": (Unmasked, entropy_and_mean),
    "DenseNet alone: bins of density, masked": (Alone, density_entropy),
    "DenseNet alone: two classes, focal loss (paper)": (TwoClasses, two_class_focal),
}
READING = "the reading, no network"
HEADER = ("way", "real, untouched: bias / SD", "as other scans: bias / SD", "slope of added HA", "virtual: bias / SD")
KINDS = ("untouched", "other_scans", "virtual")  # of errors, in the table's order


@dataclass(frozen=True, eq=False)
class Errors:
    """Of one way, mg/cm3: of real CTs of patients left out as they are and as other scans, and of virtual patients."""

    untouched: np.ndarray
    other_scans: np.ndarray
    slopes: np.ndarray
    virtual: np.ndarray


def folds(samples: Sequence[ReadingSample], count: int) -> Iterator[tuple[list[ReadingSample], list[ReadingSample]]]:
    """The real CTs left out and all others, so often that each patient is left out once; patients stay together."""
    patients = list(dict.fromkeys(sample.patient for sample in samples))
    for start in range(min(count, len(patients))):
        out = set(patients[start::count])
        yield [s for s in samples if s.patient in out], [s for s in samples if s.patient not in out]


def judged(find: BmdTask | None, real: Sequence[ReadingSample], virtual: Sequence[ReadingSample]) -> Errors:
    """The errors of a fitted way, or of the reading alone."""

    def found(looks: Sequence[Look]) -> np.ndarray:
        return np.array([look.reading for look in looks]) if find is None else find.found(looks)

    def errors(looks: Sequence[Look]) -> np.ndarray:
        return found(looks) - [look.truth for look in looks] if looks else np.zeros(0)

    own = [look for sample in real for look in sample.looks[: sample.own]]
    others = [look for sample in real for look in sample.looks[sample.own :]]
    added = np.array([found([with_added(look, change) for look in others]) for change in ADDED_MG_CM3])
    slopes = np.array([slope_of(ADDED_MG_CM3, series) for series in added.T])
    return Errors(errors(own), errors(others), slopes, errors([look for s in virtual for look in s.looks]))


def table(found: Mapping[str, Sequence[Errors]]) -> str:
    """A Markdown table: a row a way, over all folds together."""
    rows = []
    for way, parts in found.items():
        together = [np.concatenate([getattr(part, kind) for part in parts]) for kind in KINDS]
        untouched, others, virtual = (f"{e.mean():+.2f} / {e.std(ddof=1):.2f}" for e in together)
        slopes = np.concatenate([part.slopes for part in parts])
        rows.append((way, untouched, others, f"{slopes.mean():.3f} ± {slopes.std(ddof=1):.3f}", virtual))
    return markdown(HEADER, rows)


def ablate(cases: Cases, run: Path, steps: int, seed: int, jobs: int, count: int) -> str:
    """Fits each way for each fold, and gives the table; what is finished is not fitted again."""
    tasks = [(way, fold, out, rest) for way in WAYS for fold, (out, rest) in enumerate(folds(cases.real, count))]
    results = Parallel(jobs)(
        delayed(_fitted)(way, run / f"{list(WAYS).index(way)}-{fold}", out, rest, cases, steps, seed)
        for way, fold, out, rest in tasks
    )
    found: dict[str, list[Errors]] = {READING: [judged(None, cases.real, cases.held_out)]}
    for (way, *_), errors in zip(tasks, results):
        found.setdefault(way, []).append(errors)
    return table(found)


def _fitted(
    way: str,
    folder: Path,
    out: Sequence[ReadingSample],
    rest: Sequence[ReadingSample],
    cases: Cases,
    steps: int,
    seed: int,
) -> Errors:
    torch.set_num_threads(1)
    make, loss = WAYS[way]
    torch.manual_seed(seed)
    task = make(rest, cases.virtual, cases.held_out, objective=loss)
    folder.mkdir(parents=True, exist_ok=True)
    # Validated once: not the step that suits those who judge is taken, but the last one.
    fit(task, folder, STAGE.recipes["default"].changed(steps, every=steps), seed=seed)
    return judged(task, out, cases.held_out)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m training.fit.ablations", description=__doc__.partition("\n")[0])
    parser.add_argument("--samples", type=Path, required=True, help="folder that training.fit.readings wrote")
    parser.add_argument("--run", type=Path, required=True, help="folder for checkpoints and logs")
    parser.add_argument("--steps", type=positive, default=STEPS, help="of each fit")
    parser.add_argument("--held-out", type=positive, default=HELD_OUT, metavar="N", help="virtual patients that judge")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--folds", type=positive, default=4, metavar="N", help="of the patients with real CTs")
    parser.add_argument("--jobs", type=positive, default=1, help="processes")
    options = parser.parse_args(arguments)

    def work() -> None:
        cases = cases_of(load_readings(options.samples), Selection(), options.held_out)
        print(ablate(cases, options.run, options.steps, options.seed, options.jobs, options.folds))

    return exit_status(work)


if __name__ == "__main__":
    sys.exit(main())
