"""What computes the networks: OpenVINO on the CPU, which starts and computes faster, or torch, which always works."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, TypeVar

from OpportunisticBMDLib.core.errors import BadInput
from OpportunisticBMDLib.inference.computing import Computing, NotPrepared
from OpportunisticBMDLib.inference.kept import can_keep

if TYPE_CHECKING:
    from OpportunisticBMDLib.inference.network import Detector, Network
    from OpportunisticBMDLib.models import ModelCard

ENGINES = ("auto", "torch", "openvino")
T = TypeVar("T")


class Engine(Protocol):
    """Loads networks with their weights, ready to run on its device.

    Loading raises BadInput where a model is missing, damaged or does not fit its architecture.
    """

    def computing(self, stage: str) -> Computing:
        """How it computes the network of a stage."""

    def detector(self, models: Path | None = None) -> tuple[Detector, ModelCard]:
        """The localizer's."""

    def network(self, stage: str, models: Path | None = None) -> tuple[Network, ModelCard]:
        """Of one of the other stages.

        Args:
            models: a folder of them; None for those that ship.
        """


def engine_named(choice: str = "auto", device: str = "cpu", preparing: Callable[[], None] = lambda: None) -> Engine:
    """The engine, if it is installed; "auto" is the fastest that is. On a GPU it is torch's: OpenVINO's is for the CPU.

    Each is imported only if it is chosen.

    Args:
        device: "cpu" or "cuda".
        preparing: hears before a network is converted for the first time, which takes seconds.

    Raises:
        BadInput: OpenVINO was asked for and is not installed.
        ValueError: none of `ENGINES`.
    """
    if choice not in ENGINES:
        raise ValueError(f"the engine is one of {', '.join(ENGINES)}, not {choice!r}")
    if choice != "torch":
        try:
            from OpportunisticBMDLib.inference.openvino_engine import OpenVINOEngine
        except ImportError as error:
            if choice == "openvino":
                raise BadInput(
                    "OpenVINO is not installed; choose the engine torch, or pip install openvino."
                ) from error
        else:
            if device == "cpu":
                return OpenVINOEngine(preparing)
    from OpportunisticBMDLib.inference.torch_engine import TorchEngine

    return TorchEngine(device)


def loaded(
    load: Callable[[Engine], T], choice: str = "auto", device: str = "cpu", preparing: Callable[[], None] = lambda: None
) -> T:
    """What `load` makes with the engine of this name; for "auto", with torch where OpenVINO's is of no use.

    That is so where it cannot convert the networks, or could not keep them and would convert them at every start.

    Raises:
        BadInput, ValueError: as `engine_named`, and whatever `load` raises.
    """
    if choice != "auto":
        return load(engine_named(choice, device, preparing))

    def preparing_once() -> None:
        if not can_keep():
            raise NotPrepared("the folder in which they are kept cannot be written to")
        preparing()

    try:
        return load(engine_named(choice, device, preparing_once))
    except NotPrepared:
        return load(engine_named("torch", device))
