"""A torch network as torch computes it; 3D convolutions of few voxels on the CPU by oneDNN.

torch leaves oneDNN aside for one sample of at most 20480 values (channels x depth x height), which is what most
layers of the BMD network get. One vertebra then takes 0.18 s of one core instead of 0.08 s. The values differ by
rounding only.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from OpportunisticBMDLib.models import ModelCard


def prepared(network: nn.Module, card: ModelCard, device: str) -> nn.Module:
    """An `engine.Engine`."""
    return with_onednn(network).to(torch.device(device))


class OneDNNConv3d(nn.Conv3d):
    """A convolution with zero padding; other devices and types go torch's own way."""

    @classmethod
    def of(cls, convolution: nn.Conv3d) -> OneDNNConv3d:
        """The same convolution with the same weights."""
        with torch.device("meta"):  # the weights are taken over: none of its own are made
            faster = cls(
                convolution.in_channels,
                convolution.out_channels,
                convolution.kernel_size,  # type: ignore[arg-type]  # torch keeps it as a tuple of any length
                convolution.stride,  # type: ignore[arg-type]
                convolution.padding,  # type: ignore[arg-type]
                convolution.dilation,  # type: ignore[arg-type]
                convolution.groups,
                bias=convolution.bias is not None,
            )
        faster.weight, faster.bias = convolution.weight, convolution.bias
        return faster.train(convolution.training)

    def forward(self, x: Tensor) -> Tensor:
        if x.device.type != "cpu" or x.dtype != torch.float32 or isinstance(self.padding, str):
            return super().forward(x)
        return torch.mkldnn_convolution(
            x, self.weight, self.bias, self.padding, self.stride, self.dilation, self.groups
        )


def with_onednn(network: nn.Module) -> nn.Module:
    """The same network with the same weights; its 3D convolutions run by oneDNN, where this torch has it."""
    if torch.backends.mkldnn.is_available():
        for module in list(network.modules()):
            for name, child in module.named_children():
                if type(child) is nn.Conv3d and child.padding_mode == "zeros" and isinstance(child.padding, tuple):
                    setattr(module, name, OneDNNConv3d.of(child))
    return network
