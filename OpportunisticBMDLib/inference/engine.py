"""What computes the networks: torch, or OpenVINO on the CPU, which is faster on many processors."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Protocol

from OpportunisticBMDLib.core.errors import BadInput

if TYPE_CHECKING:  # who merely offers the choice needs no torch
    from torch import nn

    from OpportunisticBMDLib.models import ModelCard

ENGINES = ("torch", "openvino")  # each a module of this room that has `prepared`


class Engine(Protocol):
    """Makes a network with its weights ready to run on a device ("cpu" or "cuda")."""

    def __call__(self, network: nn.Module, card: ModelCard, device: str) -> nn.Module: ...


def engine_named(choice: str) -> Engine:
    """The engine, if it is installed.

    Raises:
        BadInput: OpenVINO was asked for and is not installed.
        ValueError: none of `ENGINES`.
    """
    if choice not in ENGINES:
        raise ValueError(f"the engine is one of {', '.join(ENGINES)}, not {choice!r}")
    if choice == "openvino":
        try:
            import openvino  # noqa: F401
        except ImportError as error:
            raise BadInput("OpenVINO is not installed; choose the engine torch, or pip install openvino.") from error
    prepared: Engine = import_module(f"OpportunisticBMDLib.inference.{choice}_engine").prepared
    return prepared
