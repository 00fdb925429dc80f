"""The Python packages that the chain needs and Slicer does not bring along."""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Sequence
from pathlib import Path

import slicer
from slicer.i18n import tr as _

from OpportunisticBMDPanel.slicer.protocols import Dialogs, Packages

# The name to import, by the name to install, and the size of the download in MB (Linux, with what it depends on).
IMPORTED_AS = {"SimpleITK": "SimpleITK", "pynrrd": "nrrd"}
SIZES_MB = {"torch": 250, "torchvision": 10, "SimpleITK": 50, "matplotlib": 25, "numpy": 20}
CUDA_MB = 3000
SMALL_MB = 2


class RequiredPackages:
    """The packages that `requirements.txt` lists; they are looked for without importing them.

    Args:
        requirements: the file.
    """

    def __init__(self, requirements: Path) -> None:
        lines = requirements.read_text(encoding="utf-8").splitlines()
        self._required = [line.strip() for line in lines if line.strip() and not line.startswith("#")]

    def missing(self) -> list[str]:
        """The requirements ("torch>=2.4") of which no version is installed."""
        importlib.invalidate_caches()
        return [requirement for requirement in self._required if not _is_installed(_name(requirement))]

    def size_in_words(self, names: Sequence[str]) -> str:
        """How much is to be downloaded."""
        megabytes = sum(SIZES_MB.get(_name(name), SMALL_MB) for name in names)
        words = _("about {megabytes} MB").format(megabytes=megabytes)
        if any(_name(name) == "torch" for name in names):
            words += " " + _("(up to {gigabytes:.0f} GB where it is made for an NVIDIA GPU)").format(
                gigabytes=CUDA_MB / 1000
            )
        return words

    def install(self, names: Sequence[str]) -> None:
        """Downloads and installs; torch as the PyTorch extension finds it best for this computer.

        Raises:
            RuntimeError: a package could not be installed; the message is pip's.
        """
        torch = [name for name in names if _name(name) in ("torch", "torchvision")]
        others = [name for name in names if name not in torch]
        if torch and not self._install_torch():
            others = torch + others
        if others:
            _pip(others)

    def by_hand(self, names: Sequence[str]) -> str:
        """What to do without a network."""
        return _(
            "Without a network: on a computer with the same system and Python {version}, run "
            "“pip download -d packages {names}”, copy the folder “packages” here and enter in Slicer's Python console: "
            "slicer.util.pip_install('--no-index --find-links FOLDER {names}')"
        ).format(version=_python_version(), names=" ".join(f'"{name}"' for name in names))

    @staticmethod
    def _install_torch() -> bool:
        """Whether the PyTorch extension was there to do it."""
        try:
            PyTorchUtils = importlib.import_module("PyTorchUtils")
        except ModuleNotFoundError:
            return False
        if PyTorchUtils.PyTorchUtilsLogic().installTorch(askConfirmation=False) is None:
            raise RuntimeError(_("PyTorch was not installed; see the PyTorch Utils module."))
        return True


def installed(packages: Packages, dialogs: Dialogs) -> bool:
    """Whether nothing is missing, after asking once to install what is."""
    missing = packages.missing()
    if not missing:
        return True
    names, size = ", ".join(missing), packages.size_in_words(missing)
    question = _("Measuring needs Python packages that are not installed yet: {names}. To download: {size}.")
    if not dialogs.confirm(question.format(names=names, size=size), _("Install packages?")):
        return False
    try:
        packages.install(missing)
    except RuntimeError as error:
        dialogs.error(f"{error}\n\n{packages.by_hand(missing)}")
        return False
    return not packages.missing()


def _pip(names: Sequence[str]) -> None:
    """Slicer 5.12 installs with progress and without freezing; 5.10 can only wait."""
    if hasattr(slicer, "packaging"):
        slicer.packaging.pip_ensure(list(names), prompt_install=False, requester="OpportunisticBMD")
        return
    from subprocess import CalledProcessError

    try:
        slicer.util.pip_install(list(names))
    except CalledProcessError as error:
        raise RuntimeError(_("pip could not install {names}.").format(names=", ".join(names))) from error


def _is_installed(name: str) -> bool:
    return importlib.util.find_spec(IMPORTED_AS.get(name, name)) is not None


def _name(requirement: str) -> str:
    for sign in "<>=!~;[ ":
        requirement = requirement.split(sign)[0]
    return requirement


def _python_version() -> str:
    import platform

    return platform.python_version()
