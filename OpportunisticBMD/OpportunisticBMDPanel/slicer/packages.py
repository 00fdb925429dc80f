"""The Python packages that the chain needs and Slicer does not bring along."""

from __future__ import annotations

import importlib
import platform
import sys
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path
from subprocess import CalledProcessError

import slicer
from packaging.requirements import Requirement
from slicer.i18n import tr as _

# The size of the download in MB, by the name to install (Linux, with what it depends on).
SIZES_MB = {"torch": 250, "torchvision": 10, "openvino": 60, "SimpleITK": 50, "matplotlib": 25, "numpy": 20}
CUDA_MB = 3000
SMALL_MB = 2
OF_THE_EXTENSION = ("torch", "torchvision")  # what Slicer's PyTorch extension installs
REQUESTER = "OpportunisticBMD"


class RequiredPackages:
    """The packages that `requirements.txt` lists; they are looked for without importing them.

    Args:
        requirements: the file; a line is a name with the least version ("torch>=2.4"), and where it is needed.
    """

    def __init__(self, requirements: Path) -> None:
        lines = [line.partition("#")[0].strip() for line in requirements.read_text(encoding="utf-8").splitlines()]
        self._required = [Requirement(line) for line in lines if line]

    def missing(self) -> list[str]:
        """The requirements ("torch>=2.4") that are needed here and not installed, or in an older version."""
        importlib.invalidate_caches()
        needed = [each for each in self._required if each.marker is None or each.marker.evaluate()]
        return [str(each).partition(";")[0].strip() for each in needed if not _is_met(each)]

    def in_words(self, names: Sequence[str]) -> str:
        """What is wrong with missing requirements, in sentences."""
        absent, sentences = [], []
        for requirement in map(Requirement, names):
            name, version = requirement.name, _installed_version(requirement.name)
            least = str(requirement.specifier).removeprefix(">=")
            if version is None:
                absent.append(name)
            elif not version:
                sentences.append(_("{name} is installed in part only.").format(name=name))
            else:
                too_old = _("{name} {version} is too old, {least} or newer is needed.")
                sentences.append(too_old.format(name=name, version=version, least=least))
        if absent:
            sentences.insert(0, _("Not installed yet: {names}.").format(names=", ".join(absent)))
        return " ".join(sentences)

    def size_in_words(self, names: Sequence[str]) -> str:
        """How much is to be downloaded."""
        megabytes = sum(SIZES_MB.get(name_of(name), SMALL_MB) for name in names)
        words = _("about {megabytes} MB").format(megabytes=megabytes)
        if any(name_of(name) == "torch" for name in names):
            words += " " + _("(up to {gigabytes:.0f} GB where it is made for an NVIDIA GPU)").format(
                gigabytes=CUDA_MB / 1000
            )
        return words

    def install(self, names: Sequence[str]) -> list[str]:
        """Downloads and installs; torch as the PyTorch extension finds it best for this computer.

        Returns:
            The packages that were replaced, and that this process goes on using in their former version.

        Raises:
            RuntimeError: a package could not be installed; the message is one sentence.
        """
        try:
            in_use = _versions_in_use()
            with slicer.util.WaitCursor():
                self._install(names)
        except Exception as error:  # pip's, Slicer's, and whatever the PyTorch extension raises
            sentence = _("{names} could not be installed ({reason}); Slicer's Python console has the details.")
            listed = ", ".join(map(name_of, names))
            raise RuntimeError(sentence.format(names=listed, reason=_reason(error))) from error
        importlib.invalidate_caches()
        return sorted(name for name, version in in_use.items() if _installed_version(name) != version)

    def by_hand(self, names: Sequence[str]) -> str:
        """What to do without a network."""
        return _(
            "Without a network: on a computer with the same system and Python {version}, run "
            "“pip download -d packages {names}”, copy the folder “packages” here and enter in Slicer's Python console: "
            "slicer.util.pip_install('--no-index --find-links FOLDER {names}')"
        ).format(version=platform.python_version(), names=" ".join(f'"{name}"' for name in names))

    def _install(self, names: Sequence[str]) -> None:
        torch = [name for name in names if name_of(name) in OF_THE_EXTENSION]
        others = [name for name in names if name not in torch]
        if torch and not self._install_torch():
            others = torch + others
        if others:
            _pip(others)

    def _install_torch(self) -> bool:
        """Whether the PyTorch extension was there to do it.

        Raises:
            RuntimeError: it installed nothing.
        """
        try:
            PyTorchUtils = importlib.import_module("PyTorchUtils")
        except ModuleNotFoundError:
            return False
        specifiers = {each.name: str(each.specifier) for each in self._required}
        installed = PyTorchUtils.PyTorchUtilsLogic().installTorch(
            askConfirmation=False,
            torchVersionRequirement=specifiers.get("torch"),
            torchvisionVersionRequirement=specifiers.get("torchvision"),
        )
        if installed is None:
            raise RuntimeError(_("the PyTorch extension installed nothing"))
        return True


def name_of(requirement: str) -> str:
    """The name to install."""
    return Requirement(requirement).name


def _pip(names: Sequence[str]) -> None:
    """Slicer 5.12 shows how far it is; 5.10 handles the window's events whenever pip says something."""
    try:
        from slicer.packaging import pip_ensure
    except ImportError:  # Slicer 5.10
        slicer.util.pip_install(list(names))
        return
    pip_ensure(list(names), prompt_install=False, prompt_restart=False, requester=REQUESTER)


def _reason(error: Exception) -> str:
    if isinstance(error, CalledProcessError):
        return _("pip ended with status {status}").format(status=error.returncode)
    return " ".join(str(error).split()) or type(error).__name__


def _is_met(requirement: Requirement) -> bool:
    version = _installed_version(requirement.name)
    if not version:
        return False
    return requirement.specifier.contains(version, prereleases=True)  # as Slicer builds some from their sources


def _installed_version(name: str) -> str | None:
    """None where the package is not installed, "" where its installation broke off, which leaves it nameless."""
    found = [each.metadata for each in metadata.distributions(name=name)]
    return next((each["Version"] for each in found if "Version" in each), "") if found else None


def _versions_in_use() -> dict[str, str | None]:
    """The versions of the installed packages of which this process has loaded something."""
    names_of = metadata.packages_distributions()
    loaded = {name for module, names in names_of.items() if module in sys.modules for name in names if name}
    return {name: _installed_version(name) for name in loaded}
