"""What blood and kidneys show in each phase of contrast, on virtual patients: `opportunistic-bmd-lab fit-contrast`.

Prints mean and SD of every feature of every component, as `stages/contrast/phase.py` has them.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Mapping, Sequence

import numpy as np

from OpportunisticBMDLib.core.contrast import Phase
from OpportunisticBMDLib.stages.contrast.organs import organs_hu
from OpportunisticBMDLib.stages.contrast.phase import features
from OpportunisticBMDTraining.command_line import exit_status
from OpportunisticBMDTraining.processes import each
from OpportunisticBMDTraining.virtual.agent import UROGRAPHIC_S
from OpportunisticBMDTraining.virtual.around_spine import around_spine, true_centres
from OpportunisticBMDTraining.virtual.parameters import PatientParameters
from OpportunisticBMDTraining.virtual.patient import draw_parameters, render

FIT_SEED = 930_000
WIDER = 1.25  # real patients differ more than virtual ones

Seen = tuple[str, Mapping[str, float]]  # component and features of a patient


def measured(seed: int) -> Seen | None:
    """Component and features of one patient of many scanners; None where no body is in view."""
    parameters = draw_parameters(seed, "many-scanners")
    bodies = true_centres(parameters)
    if not bodies:
        return None
    ct = render(around_spine(parameters)).ct
    return component_of(parameters), features(organs_hu(ct, bodies), parameters.scan.kvp)


def component_of(parameters: PatientParameters) -> str:
    """The phase, the late one as "nephrographic" or "urographic"."""
    agent = parameters.agent
    if agent is None or agent.phase != Phase.LATE.value:
        return agent.phase if agent else Phase.NONE.value
    return "urographic" if agent.delay_s >= UROGRAPHIC_S else "nephrographic"


def fitted(seen: Sequence[Seen]) -> dict[str, dict[str, tuple[float, float]]]:
    """Component -> feature -> median, and SD by the median deviation, `WIDER`."""
    found: dict[str, dict[str, tuple[float, float]]] = {}
    for component in dict.fromkeys(name for name, _ in seen):
        own = [values for name, values in seen if name == component]
        for key in sorted({key for values in own for key in values}):
            values = np.array([features[key] for features in own if key in features])
            middle = float(np.median(values))
            spread = WIDER * 1.4826 * float(np.median(np.abs(values - middle)))
            found.setdefault(component, {})[key] = (round(middle, 2), round(spread, 2))
    return found


def main(arguments: Sequence[str] | None = None) -> int:
    """Returns the exit status: 0, or 2 for bad input."""
    parser = argparse.ArgumentParser(prog="opportunistic-bmd-lab fit-contrast", description=__doc__)
    parser.add_argument("-n", type=int, default=300, help="number of virtual patients")
    parser.add_argument("--seed", type=int, default=FIT_SEED, help="seed of the first one")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="processes at once; each needs about 1 GB")
    options = parser.parse_args(arguments)

    def work() -> None:
        seeds = [(seed,) for seed in range(options.seed, options.seed + options.n)]
        seen = [found for found in each(measured, seeds, jobs=options.jobs, title="patients", unit="patient") if found]
        for component, values in fitted(seen).items():
            print(f"{component}: {sum(name == component for name, _ in seen)} patients, {values}")

    return exit_status(work)


if __name__ == "__main__":
    sys.exit(main())
