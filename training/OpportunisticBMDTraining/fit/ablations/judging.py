"""How far fitted ways are off on cases that they have not seen, as a table."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from OpportunisticBMDLib.system.markdown import markdown
from OpportunisticBMDTraining.fit.samples.examples import ReadingSample, VertebraExample
from OpportunisticBMDTraining.fit.tasks.bmd import BmdTask, with_mineral
from OpportunisticBMDTraining.real_cts.response import slope_of

ADDED_MG_CM3 = (-60.0, 0.0, 60.0)
HEADER = ("way", "real, untouched: bias / SD", "as other scans: bias / SD", "slope of added HA", "virtual: bias / SD")
KINDS = ("untouched", "other_scans", "virtual")  # of errors, in the table's order


@dataclass(frozen=True, eq=False)
class Errors:
    """Of one way on patients left out of the fit, found minus true.

    Args:
        untouched: (N,) mg/cm3, of real CTs as they are.
        other_scans: (M,) mg/cm3, of real CTs as other scans would show them.
        slopes: (M,) how these answer to mineral that is added, 1 being ideal.
        virtual: (V,) mg/cm3, of virtual patients.
    """

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


def judged(task: BmdTask | None, real: Sequence[ReadingSample], virtual: Sequence[ReadingSample]) -> Errors:
    """The errors of a fitted way, or of the reading alone."""

    def found(examples: Sequence[VertebraExample]) -> np.ndarray:
        return np.array([example.reading for example in examples]) if task is None else task.found(examples)

    def errors(examples: Sequence[VertebraExample]) -> np.ndarray:
        return found(examples) - np.array([example.truth for example in examples]) if examples else np.zeros(0)

    own = [example for sample in real for example in sample.examples[: sample.own]]
    others = [example for sample in real for example in sample.examples[sample.own :]]
    added = np.array([found([with_mineral(example, change) for example in others]) for change in ADDED_MG_CM3])
    slopes = np.array([slope_of(ADDED_MG_CM3, series) for series in added.T])
    return Errors(errors(own), errors(others), slopes, errors([example for s in virtual for example in s.examples]))


def table(found: Mapping[str, Sequence[Errors]]) -> str:
    """A Markdown table: a row a way, over all folds together."""
    rows = []
    for way, parts in found.items():
        together = [np.concatenate([getattr(part, kind) for part in parts]) for kind in KINDS]
        untouched, others, virtual = (f"{e.mean():+.2f} / {e.std(ddof=1):.2f}" for e in together)
        slopes = np.concatenate([part.slopes for part in parts])
        rows.append((way, untouched, others, f"{slopes.mean():.3f} ± {slopes.std(ddof=1):.3f}", virtual))
    return markdown(HEADER, rows)
