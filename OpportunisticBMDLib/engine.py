"""What computes the 3D networks on the CPU: torch, or OpenVINO, which is faster on many processors."""

from __future__ import annotations

from OpportunisticBMDLib.errors import BadInput

ENGINES = ("torch", "openvino")


def checked_engine(choice: str) -> str:
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
    return choice
