"""`slicer.packaging` of Slicer 5.12, but for its dialogs. What installs is `PythonSlicer -m pip`, which a test brings.

What Slicer's own files show, and what holds here, too:

- `Base/Python/slicer/__init__.py` does not import it: it is an attribute of `slicer` once somebody has imported it. In
  Slicer 5.10 there is no such file.
- `packaging.py`, `_to_requirements`: what is asked for is a string, a Requirement or a list of these; all else is a
  TypeError, and what is no requirement an InvalidRequirement.
- `packaging.py`, `pip_check`: an older version than asked for does not count as installed, nor does one without a
  version; a requirement whose marker does not apply is met.
- `packaging.py`, `pip_ensure`: does nothing and returns None where all is met. In testing mode it installs nothing and
  returns None all the same, unless it is told otherwise. A person who declines is a RuntimeError. A failing pip is a
  CalledProcessError, after a box with its output. To know whether to ask for a restart it looks at the name of every
  installed package: one without a name is an error, of the packaging library's choice.
- `packaging.py`, `pip_install`: takes a string or a list; a tuple is a ValueError.
- `util.py`, `executePythonModule`: a RuntimeError where no PythonSlicer is in the PATH. The window's events are handled
  whenever the process says something.
"""

from __future__ import annotations

import importlib
import importlib.metadata
import logging
import shlex
from subprocess import CalledProcessError

import slicer
import slicer.util
from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name


def pip_check(req: str | Requirement | list[str | Requirement]) -> bool:
    return all(_is_met(requirement) for requirement in _to_requirements(req))


def pip_ensure(
    requirements: str | Requirement | list[str | Requirement],
    constraints: str | None = None,
    skip_packages: list[str] | None = None,
    prompt_install: bool = True,
    prompt_restart: bool = True,
    requester: str | None = None,
    skip_in_testing: bool = True,
    show_progress: bool = True,
) -> None:
    missing = [str(requirement) for requirement in _to_requirements(requirements) if not pip_check(requirement)]
    if not missing:
        return
    if skip_in_testing and slicer.app.testingEnabled():
        logging.info("Testing mode is enabled: skipping pip_ensure for %s", missing)
        return
    if prompt_install and not slicer.util.confirmOkCancelDisplay("Continue?", "Install Python Packages"):
        raise RuntimeError("User declined package installation")
    before = _names_and_versions() if prompt_restart else set()
    pip_install(missing, requester=requester)
    if prompt_restart and before - _names_and_versions():
        raise NotImplementedError("the stand-in asks for no restart")


def pip_install(requirements: str | list[str], *, requester: str | None = None) -> None:
    if isinstance(requirements, str):
        requirements = shlex.split(requirements)
    elif type(requirements) is not list:
        raise ValueError("pip_install requirement input must be string or list")
    try:
        slicer.util._executePythonModule("pip", ["install", *requirements])
    except CalledProcessError:
        slicer.util.errorDisplay("Package installation failed.")
        raise


def _to_requirements(reqs: str | Requirement | list[str | Requirement]) -> list[Requirement]:
    if isinstance(reqs, str):
        try:
            return [Requirement(reqs)]
        except InvalidRequirement:
            return [Requirement(part) for part in reqs.split()]
    if isinstance(reqs, Requirement):
        return [reqs]
    if isinstance(reqs, list):
        return [Requirement(str(each)) for each in reqs]
    raise TypeError(f"Expected str, Requirement, or list, got {type(reqs).__name__}")


def _is_met(requirement: Requirement) -> bool:
    if requirement.marker is not None and not requirement.marker.evaluate():
        return True
    try:
        return importlib.metadata.version(requirement.name) in requirement.specifier
    except importlib.metadata.PackageNotFoundError:
        return False


def _names_and_versions() -> set[tuple[str, str]]:
    importlib.invalidate_caches()
    found = importlib.metadata.distributions()
    return {(canonicalize_name(each.metadata["Name"]), each.metadata["Version"]) for each in found}
