"""Which processor the networks run on."""

from __future__ import annotations

import ctypes
import sys

from OpportunisticBMDLib.core.errors import BadInput

DEVICES = ("auto", "cpu", "cuda")


def chosen_device(choice: str, engine: str = "auto") -> str:
    """ "cpu" or "cuda"; "auto" takes the GPU where there is one, and the CPU for OpenVINO, whose engine is made for it.

    Raises:
        BadInput: "cuda" was asked for and there is none.
        ValueError: none of `DEVICES`.
    """
    if choice not in DEVICES:
        raise ValueError(f"the device is one of {', '.join(DEVICES)}, not {choice!r}")
    if choice == "cpu" or (choice == "auto" and engine == "openvino"):
        return "cpu"
    if _is_cuda_here():
        return "cuda"
    if choice == "cuda":
        raise BadInput("No CUDA device was found; choose the CPU instead (cpu or auto).")
    return "cpu"


def _is_cuda_here() -> bool:
    """Whether torch finds a GPU. It is imported only where there is a driver: who needs no GPU needs no torch."""
    try:
        ctypes.CDLL("nvcuda.dll" if sys.platform == "win32" else "libcuda.so.1")
        import torch
    except (OSError, ImportError):
        return False
    return torch.cuda.is_available()
