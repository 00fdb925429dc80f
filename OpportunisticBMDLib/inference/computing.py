"""What an engine says of itself."""

from __future__ import annotations

from typing import NamedTuple

from OpportunisticBMDLib.core.errors import BadInput


class Computing(NamedTuple):
    """How a network is computed.

    Args:
        engine: "torch" or "openvino".
        precision: of its layers, "f32" or "bf16".
    """

    engine: str
    precision: str


class NotPrepared(BadInput):
    """An engine that is installed cannot bring a network into its own form."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"OpenVINO cannot prepare the networks ({reason}); choose the engine torch or auto.")
