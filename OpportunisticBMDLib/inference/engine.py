"""What computes the networks: torch, or OpenVINO on the CPU, which starts and computes faster on many processors."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from OpportunisticBMDLib.core.errors import BadInput
from OpportunisticBMDLib.inference.network import Detector, Network
from OpportunisticBMDLib.models import ModelCard

ENGINES = ("torch", "openvino")


class Engine(Protocol):
    """Loads networks with their weights, ready to run on its device.

    Both raise BadInput where a model is missing, damaged or does not fit its architecture.
    """

    def detector(self, models: Path | None = None) -> tuple[Detector, ModelCard]:
        """The localizer's."""

    def network(self, stage: str, models: Path | None = None) -> tuple[Network, ModelCard]:
        """Of one of the other stages.

        Args:
            models: a folder of them; None for those that ship.
        """


def engine_named(choice: str, device: str = "cpu") -> Engine:
    """The engine, if it is installed; on a GPU it is torch's, since OpenVINO's is for the CPU.

    Each is imported only if it is chosen.

    Args:
        device: "cpu" or "cuda".

    Raises:
        BadInput: OpenVINO was asked for and is not installed.
        ValueError: none of `ENGINES`.
    """
    if choice not in ENGINES:
        raise ValueError(f"the engine is one of {', '.join(ENGINES)}, not {choice!r}")
    if choice == "openvino":
        try:
            from OpportunisticBMDLib.inference.openvino_engine import OpenVINOEngine
        except ImportError as error:
            raise BadInput("OpenVINO is not installed; choose the engine torch, or pip install openvino.") from error
        if device == "cpu":
            return OpenVINOEngine()
    from OpportunisticBMDLib.inference.torch_engine import TorchEngine

    return TorchEngine(device)
