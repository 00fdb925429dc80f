"""Which processor the networks run on."""

from __future__ import annotations

from OpportunisticBMDLib.core.errors import BadInput

DEVICES = ("auto", "cpu", "cuda")


def chosen_device(choice: str) -> str:
    """ "cpu" or "cuda"; "auto" takes the GPU where there is one.

    Raises:
        BadInput: "cuda" was asked for and there is none.
        ValueError: none of `DEVICES`.
    """
    import torch  # only here: who merely offers the choice needs no torch

    if choice not in DEVICES:
        raise ValueError(f"the device is one of {', '.join(DEVICES)}, not {choice!r}")
    if choice == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    if choice == "cuda" and not torch.cuda.is_available():
        raise BadInput("No CUDA device was found; choose the CPU instead (cpu or auto).")
    return choice
