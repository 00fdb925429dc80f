"""The virtual patient of Sample Data, made in a child process: the window stays alive, and Cancel ends it at once."""

from __future__ import annotations

import tempfile
import threading
from pathlib import Path
from typing import Any

import numpy as np
import slicer
from slicer.i18n import tr as _

import OpportunisticBMDLib
import OpportunisticBMDTraining
from OpportunisticBMDLib.core.errors import BadInput
from OpportunisticBMDLib.core.grid import Grid
from OpportunisticBMDLib.core.volume import Volume
from OpportunisticBMDLib.scene.volumes import node_from_volume
from OpportunisticBMDLib.system.leftovers import TEMPORARY_PREFIX, clear_leftovers
from OpportunisticBMDLib.system.scratch import Scratch
from OpportunisticBMDPanel.slicer.beside import run_beside
from OpportunisticBMDPanel.slicer.dialogs import SlicerDialogs
from OpportunisticBMDPanel.slicer.protocols import Dialogs

# Where the child finds the same packages: one folder in an installed extension, two in the source tree.
FOLDERS = tuple(
    Path(file).resolve().parents[1] for file in (OpportunisticBMDLib.__file__, OpportunisticBMDTraining.__file__)
)
MODULE = "OpportunisticBMDTraining.virtual"
SAMPLE = 11  # the seed of the one in Sample Data: osteopenia, no contrast agent
_one_at_a_time = threading.Lock()  # a second click is one of those events


def add_virtual_patient(seed: int = SAMPLE, dialogs: Dialogs | None = None) -> Any | None:
    """A new volume node with the CT of a virtual patient, whose attributes tell the true density; shown in the slices.

    Returns:
        None where nothing was added: it was cancelled, another one is being made, or it could not be made, which is
        said in one sentence.
    """
    if not _one_at_a_time.acquire(blocking=False):
        return None
    try:
        made = _made(seed)
    except (BadInput, OSError) as error:
        (dialogs or SlicerDialogs()).error(_("The virtual patient could not be made: {reason}").format(reason=error))
        return None
    finally:
        _one_at_a_time.release()
    if made is None:
        return None
    ct, bmd_mg_cm3 = made
    node = node_from_volume(slicer.mrmlScene, ct, f"Virtual patient {seed}")
    for name, truth in bmd_mg_cm3.items():
        node.SetAttribute(f"OpportunisticBMD.true_{name}_mg_cm3", f"{truth:.1f}")
    slicer.util.setSliceViewerLayers(background=node, fit=True)
    return node


def _made(seed: int) -> tuple[Volume, dict[str, float]] | None:
    """CT and true densities; None when it was cancelled.

    Raises:
        BadInput: the child failed; the message is its last line.
        OSError: no child could be started, or there is no space for its file.
    """
    clear_leftovers()
    with Scratch(Path(tempfile.gettempdir()), TEMPORARY_PREFIX) as folder:
        file = folder / "patient.npz"
        words = [str(seed), str(file)]
        if not run_beside(MODULE, words, folder, finds=FOLDERS, text=_("Making a virtual patient...")):
            return None
        with np.load(file, allow_pickle=False) as patient:
            hu = patient["hu"]
            truth = dict(zip(patient["vertebrae"].tolist(), patient["bmd_mg_cm3"].tolist()))
            return Volume(hu, Grid(hu.shape, patient["affine"])), truth
