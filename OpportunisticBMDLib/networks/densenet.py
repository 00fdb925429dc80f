"""DenseNet-BC with 121 layers in three dimensions: a masked crop in, one logit for each BMD bin out.

Huang et al., "Densely connected convolutional networks", CVPR 2017; in 3D for BMD by Niu et al., QIMS
2023;13(8):5294-5305 (appendix 1): growth rate 32, compression 0.5, blocks of 6, 12, 24 and 16 bottlenecks.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

STEM_CHANNELS = 64
GROWTH = 32
BOTTLENECK = 4
COMPRESSION = 0.5
BLOCKS = (6, 12, 24, 16)


def normalized(channels: int) -> list[nn.Module]:
    """Batch norm and ReLU, which come before every convolution."""
    return [nn.BatchNorm3d(channels), nn.ReLU(inplace=True)]


class Bottleneck(nn.Module):
    """A 1x1x1 convolution that narrows, a 3x3x3 one that makes `GROWTH` new maps; they join the input's."""

    def __init__(self, inputs: int) -> None:
        super().__init__()
        narrow = BOTTLENECK * GROWTH
        self.body = nn.Sequential(
            *normalized(inputs),
            nn.Conv3d(inputs, narrow, 1, bias=False),
            *normalized(narrow),
            nn.Conv3d(narrow, GROWTH, 3, padding=1, bias=False),
        )

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat((x, self.body(x)), dim=1)


def dense_block(inputs: int, count: int) -> nn.Sequential:
    """Each bottleneck sees the maps of all before it: `inputs + count * GROWTH` channels leave."""
    return nn.Sequential(*(Bottleneck(inputs + index * GROWTH) for index in range(count)))


def transition(inputs: int, outputs: int) -> nn.Sequential:
    """Fewer maps at half the resolution."""
    return nn.Sequential(*normalized(inputs), nn.Conv3d(inputs, outputs, 1, bias=False), nn.AvgPool3d(2, stride=2))


class DenseNet121(nn.Module):
    """Classifies a whole crop; the softmax over the bins is left to the caller.

    Args:
        in_channels: 1 for the masked CT.
        outputs: number of BMD bins.

    Shape: (N, in_channels, I, J, K) with I, J, K of at least 29 -> logits (N, outputs).
    """

    def __init__(self, in_channels: int = 1, outputs: int = 1) -> None:
        super().__init__()
        parts: list[nn.Module] = [
            nn.Conv3d(in_channels, STEM_CHANNELS, 7, stride=2, padding=3, bias=False),
            *normalized(STEM_CHANNELS),
            nn.MaxPool3d(3, stride=2, padding=1),
        ]
        channels = STEM_CHANNELS
        for number, count in enumerate(BLOCKS, start=1):
            parts.append(dense_block(channels, count))
            channels += count * GROWTH
            if number < len(BLOCKS):
                parts.append(transition(channels, int(channels * COMPRESSION)))
                channels = int(channels * COMPRESSION)
        self.features = nn.Sequential(*parts, *normalized(channels))
        self.classify = nn.Linear(channels, outputs)
        for module in self.modules():
            if isinstance(module, nn.Conv3d):
                nn.init.kaiming_normal_(module.weight)

    def forward(self, x: Tensor) -> Tensor:
        return self.classify(self.features(x).mean(dim=(2, 3, 4)))
