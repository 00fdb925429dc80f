"""A torch network, computed by OpenVINO on the CPU."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from OpportunisticBMDLib.inference import torch_engine
from OpportunisticBMDLib.models import ModelCard


def prepared(network: nn.Module, card: ModelCard, device: str) -> nn.Module:
    """An `engine.Engine`; on a GPU, and for networks that take scans of any size, it is torch's."""
    size = card.grid["size"]
    if device != "cpu" or size is None:
        return torch_engine.prepared(network, card, device)
    return OpenVINONetwork(network, (1, card.architecture["parameters"]["in_channels"], *size))


class OpenVINONetwork(nn.Module):
    """The same network with the same weights, in float32; values differ by rounding only.

    Args:
        network: any module of one input and one output.
        shape: (N, C, I, J, K) of its usual input; for another one it is compiled when that comes.
    """

    def __init__(self, network: nn.Module, shape: Sequence[int]) -> None:
        super().__init__()
        self.place = nn.Parameter(torch.zeros(0), requires_grad=False)  # by which callers know the device
        self._source = (network.eval(),)  # in a tuple: no part of this module
        self._compiled = {tuple(shape): _compiled(network, tuple(shape))}

    def forward(self, x: Tensor) -> Tensor:
        shape = tuple(x.shape)
        if shape not in self._compiled:
            self._compiled[shape] = _compiled(*self._source, shape)
        return torch.from_numpy(self._compiled[shape](x.numpy())[0].copy())


def _compiled(network: nn.Module, shape: tuple[int, ...]) -> Any:
    import openvino

    with torch.inference_mode():
        model = openvino.convert_model(network, example_input=torch.zeros(*shape), input=[shape])
    return openvino.compile_model(model, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
