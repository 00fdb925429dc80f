"""3D convolutions of few voxels on the CPU: by oneDNN, where torch itself takes a path that is twice as slow.

torch leaves oneDNN aside for one sample of at most 20480 values (channels x depth x height), which is what most
layers of the BMD network get. One vertebra then takes 0.18 s of one core instead of 0.08 s. The values differ by
rounding only.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn


class OneDNNConv3d(nn.Conv3d):
    """A convolution with zero padding; other devices and types go torch's own way."""

    def forward(self, x: Tensor) -> Tensor:
        if x.device.type != "cpu" or x.dtype != torch.float32:
            return super().forward(x)
        return torch.mkldnn_convolution(
            x, self.weight, self.bias, self.padding, self.stride, self.dilation, self.groups
        )


def with_onednn(network: nn.Module) -> nn.Module:
    """The same network with the same weights; its 3D convolutions run by oneDNN, where this torch has it."""
    if torch.backends.mkldnn.is_available():
        for module in network.modules():
            if type(module) is nn.Conv3d and module.padding_mode == "zeros" and isinstance(module.padding, tuple):
                module.__class__ = OneDNNConv3d
    return network
