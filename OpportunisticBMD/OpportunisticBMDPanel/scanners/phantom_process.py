"""`python -m OpportunisticBMDPanel.scanners.phantom_process FOLDER`: measures a line on a phantom, beside Slicer.

The folder holds the voxels and how they were scanned, as `write_scan` left them, and gets the line.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np

from OpportunisticBMDLib.calibration.phantom_line import line_of_phantom
from OpportunisticBMDLib.calibration.phantoms import PHANTOMS
from OpportunisticBMDLib.core.ct import CT, Acquisition
from OpportunisticBMDLib.core.errors import BadInput
from OpportunisticBMDLib.core.grid import Grid
from OpportunisticBMDLib.core.volume import Volume
from OpportunisticBMDLib.results.line_file import write_line
from OpportunisticBMDLib.worker.messages import built, plain

VOXELS, SCAN, LINE = "voxels.npy", "scan.json", "line.json"


def write_scan(folder: Path, ct: CT, phantom: str) -> None:
    """For the process: a CT, and which of `PHANTOMS` it shows."""
    np.save(folder / VOXELS, ct.volume.array)
    facts = {"grid": plain(ct.volume.grid), "acquisition": plain(ct.acquisition), "phantom": phantom}
    (folder / SCAN).write_text(json.dumps(facts), encoding="utf-8")


def main(folder: Path) -> None:
    facts = json.loads((folder / SCAN).read_text(encoding="utf-8"))
    voxels = np.load(folder / VOXELS, allow_pickle=False)
    ct = CT(Volume(voxels, built(Grid, facts["grid"])), built(Acquisition, facts["acquisition"]))
    write_line(folder / LINE, line_of_phantom(ct, PHANTOMS[facts["phantom"]]))


if __name__ == "__main__":
    try:
        main(Path(sys.argv[1]))
    except BadInput as error:
        sys.exit(f"BadInput: {' '.join(str(error).split())}")
