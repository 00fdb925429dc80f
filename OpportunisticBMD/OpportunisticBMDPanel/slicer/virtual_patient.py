"""The virtual patient of Sample Data, made in a child process: the window stays alive, and Cancel ends it at once."""

from __future__ import annotations

import subprocess
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import qt
import slicer
from slicer.i18n import tr as _

import OpportunisticBMDLib
import OpportunisticBMDTraining
from OpportunisticBMDLib.core.errors import BadInput
from OpportunisticBMDLib.core.grid import Grid
from OpportunisticBMDLib.core.volume import Volume
from OpportunisticBMDLib.scene.volumes import node_from_volume
from OpportunisticBMDLib.system.leftovers import TEMPORARY_PREFIX, clear_leftovers
from OpportunisticBMDLib.system.processes import end_tree, finding, in_own_group
from OpportunisticBMDLib.system.scratch import Scratch
from OpportunisticBMDPanel.slicer.dialogs import SlicerDialogs
from OpportunisticBMDPanel.slicer.protocols import Dialogs
from OpportunisticBMDPanel.slicer.python import python_executable

# Where the child finds the same packages: one folder in an installed extension, two in the source tree.
FOLDERS = tuple(
    Path(file).resolve().parents[1] for file in (OpportunisticBMDLib.__file__, OpportunisticBMDTraining.__file__)
)
MODULE = "OpportunisticBMDTraining.virtual"
SAMPLE = 11  # the seed of the one in Sample Data: osteopenia, no contrast agent
LOOK_S = 0.02  # between two looks at the child, in which Slicer's events are handled
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
        with (folder / "errors").open("wb") as errors:
            process = subprocess.Popen(
                [python_executable(), "-m", MODULE, str(seed), str(file)],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=errors,
                env=finding(FOLDERS),
                **in_own_group(),
            )
        try:
            if not _awaited(process):
                return None
        finally:
            end_tree(process)
        if process.returncode != 0:
            raise BadInput(_last_words(folder / "errors"))
        with np.load(file, allow_pickle=False) as patient:
            hu = patient["hu"]
            truth = dict(zip(patient["vertebrae"].tolist(), patient["bmd_mg_cm3"].tolist()))
            return Volume(hu, Grid(hu.shape, patient["affine"])), truth


def _awaited(process: subprocess.Popen[bytes]) -> bool:
    """Handles Slicer's events until the process has ended; False when Cancel was clicked."""
    dialog = slicer.util.createProgressDialog(
        labelText=_("Making a virtual patient..."),
        windowTitle=_("Opportunistic BMD"),
        maximum=0,  # nobody knows how far it is
        windowModality=qt.Qt.WindowModal,
    )
    dialog.show()  # without a maximum, Qt itself would show it after some seconds only
    try:
        while process.poll() is None and not dialog.wasCanceled:
            slicer.app.processEvents()
            time.sleep(LOOK_S)
        return not dialog.wasCanceled
    finally:
        dialog.close()
        dialog.deleteLater()


def _last_words(errors: Path) -> str:
    """The last line of a traceback without the kind of exception: "No module named 'scipy'"."""
    lines = errors.read_text(encoding="utf-8", errors="replace").strip().splitlines()
    if not lines:
        return "its process ended unexpectedly"
    kind, _colon, message = lines[-1].partition(": ")
    return message or kind
