"""Packages that not every installation has."""

from __future__ import annotations

from importlib.util import find_spec

from OpportunisticBMDLib.core.errors import BadInput


def check_installed(package: str, what: str, extra: str) -> None:
    """Raises BadInput where a package is missing that something needs.

    Args:
        what: of the command line.
        extra: of this project, which brings the package.
    """
    if find_spec(package) is None:
        raise BadInput(f"{what} needs {package}, which is not installed: pip install 'opportunistic-bmd[{extra}]'.")
