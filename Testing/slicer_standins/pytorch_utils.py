# ruff: noqa: N802, N803 - the extension chose these names
"""`PyTorchUtils`, the module of Slicer's PyTorch extension: tests put it into `sys.modules` where they want it.

What `PyTorchUtils.py` of fepegar/SlicerPyTorch shows, and what holds here, too:

- `installTorch` installs torch and torchvision together, in the versions asked for, by the program light_the_torch. A
  failing program is a CalledProcessError.
- It imports torch afterwards, into Slicer's own process: an installation that cannot be loaded is an ImportError.
- It returns that module; None only where a person was asked, and declined.
"""

from __future__ import annotations

from types import ModuleType

import slicer
import slicer.util

BROKEN = "DLL load failed while importing _C"


class PyTorchUtilsLogic:
    can_be_loaded = True  # whether torch works once it is there

    def installTorch(
        self,
        askConfirmation: bool = False,
        forceComputationBackend: str | None = None,
        torchVersionRequirement: str | None = None,
        torchvisionVersionRequirement: str | None = None,
    ) -> ModuleType | None:
        if askConfirmation and not slicer.util.confirmOkCancelDisplay("PyTorch will be downloaded and installed."):
            return None
        wanted = [f"torch{torchVersionRequirement or ''}", f"torchvision{torchvisionVersionRequirement or ''}"]
        slicer.util._executePythonModule("light_the_torch", ["install", *wanted])
        if not self.can_be_loaded:
            raise ImportError(BROKEN)
        return ModuleType("torch")
