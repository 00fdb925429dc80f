"""Which processor the networks run on."""

from __future__ import annotations

from OpportunisticBMDLib.core.errors import BadInput

DEVICES = ("auto", "cpu", "cuda")


def chosen_device(choice: str, engine: str = "torch") -> str:
    """ "cpu" or "cuda"; "auto" takes the GPU where there is one, and the CPU for OpenVINO, whose engine is made for it.

    Raises:
        BadInput: "cuda" was asked for and there is none.
        ValueError: none of `DEVICES`.
    """
    if choice not in DEVICES:
        raise ValueError(f"the device is one of {', '.join(DEVICES)}, not {choice!r}")
    if choice == "cpu" or (choice == "auto" and engine == "openvino"):
        return "cpu"
    import torch  # only here: who needs no GPU needs no torch

    if choice == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    if not torch.cuda.is_available():
        raise BadInput("No CUDA device was found; choose the CPU instead (cpu or auto).")
    return choice
