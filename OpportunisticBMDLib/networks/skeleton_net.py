"""A small 3D U-Net that names the bones around the spine on a coarse grid: it looks far, and fast.

As AnatomyNet it works at half the resolution of its input and gets that input back at the end, since ribs are thin;
unlike AnatomyNet it is down-sampled further, since what is a rib and what a transverse process shows from afar.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from OpportunisticBMDLib.networks.anatomynet import ResidualBlock, activation, normalization


def _down(inputs: int, outputs: int) -> nn.Sequential:
    """Half the resolution."""
    return nn.Sequential(
        nn.Conv3d(inputs, outputs, 3, stride=2, padding=1, bias=False), normalization(outputs), activation()
    )


class SkeletonNet(nn.Module):
    """Classes of the voxels of a CT.

    Args:
        classes: background included.
        widths: channels at 1/2, 1/4, 1/8 and 1/16 of the input's resolution.

    Shape: (N, 1, I, J, K) with multiples of 16 -> logits (N, classes, I, J, K).
    """

    def __init__(self, in_channels: int = 1, classes: int = 7, widths: Sequence[int] = (16, 32, 64, 96)) -> None:
        super().__init__()
        steps = list(zip((in_channels, *widths), widths))
        self.down = nn.ModuleList(_down(*step) for step in steps)
        self.encode = nn.ModuleList(ResidualBlock(width, width) for width in widths)
        self.up = nn.ModuleList(nn.ConvTranspose3d(low, high, 2, stride=2) for high, low in zip(widths, widths[1:]))
        self.decode = nn.ModuleList(ResidualBlock(2 * width, width) for width in widths[:-1])
        self.last_up = nn.ConvTranspose3d(widths[0], 8, 2, stride=2)
        self.refine = nn.Sequential(
            nn.Conv3d(8 + in_channels, 8, 3, padding=1, bias=False), normalization(8), activation()
        )
        self.classify = nn.Conv3d(8, classes, 1)

    def forward(self, x: Tensor) -> Tensor:
        seen, deeper = [], x
        for down, encode in zip(self.down, self.encode):
            deeper = encode(down(deeper))
            seen.append(deeper)
        for level in reversed(range(len(self.up))):
            deeper = self.decode[level](torch.cat((self.up[level](deeper), seen[level]), dim=1))
        return self.classify(self.refine(torch.cat((self.last_up(deeper), x), dim=1)))
