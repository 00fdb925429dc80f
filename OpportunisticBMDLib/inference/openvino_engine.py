"""A torch network, computed by OpenVINO on the CPU."""

from __future__ import annotations

from collections.abc import Sequence

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
    """The same network with the same weights for inputs of one shape, in float32; values differ by rounding only.

    Args:
        network: any module of one input and one output.
        shape: (N, C, I, J, K) of its input.
    """

    def __init__(self, network: nn.Module, shape: Sequence[int]) -> None:
        import openvino

        super().__init__()
        self.place = nn.Parameter(torch.zeros(0), requires_grad=False)  # by which callers know the device
        with torch.inference_mode():
            model = openvino.convert_model(network.eval(), example_input=torch.zeros(*shape), input=[tuple(shape)])
        self._compiled = openvino.compile_model(model, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})

    def forward(self, x: Tensor) -> Tensor:
        return torch.from_numpy(self._compiled(x.numpy())[0].copy())
