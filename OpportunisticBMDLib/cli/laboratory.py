"""What the laboratory lends to the program: virtual patients."""

from __future__ import annotations

from importlib import import_module
from types import ModuleType

from OpportunisticBMDLib.core.errors import BadInput


def laboratory(module: str) -> ModuleType:
    """A module of the training package, which a Slicer installation does not hold."""
    try:
        return import_module(f"OpportunisticBMDTraining.{module}")
    except ModuleNotFoundError as error:
        message = f"Virtual patients need the training tools ({error.name} is missing): pip install '.[training]'."
        raise BadInput(message) from error
