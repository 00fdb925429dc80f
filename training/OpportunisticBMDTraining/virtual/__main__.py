"""`python -m OpportunisticBMDTraining.virtual`: one virtual patient in a file, for a window that cannot wait."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from OpportunisticBMDTraining.virtual.patient import virtual_patient


def main(arguments: Sequence[str] | None = None) -> None:
    """Writes hu (int16, [i, j, k]), affine (4 x 4, to RAS mm), vertebrae and bmd_mg_cm3 (in their order) as .npz."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("seed", type=int)
    parser.add_argument("file", type=Path)
    options = parser.parse_args(arguments)
    patient = virtual_patient(options.seed)
    np.savez(
        options.file,
        hu=patient.ct.array,
        affine=patient.ct.grid.affine,
        vertebrae=list(patient.bmd_mg_cm3),
        bmd_mg_cm3=list(patient.bmd_mg_cm3.values()),
    )


if __name__ == "__main__":
    main()
