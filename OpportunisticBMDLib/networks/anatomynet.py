"""AnatomyNet: a 3D U-Net of squeeze-and-excitation residual blocks that is down-sampled only once.

Zhu et al., "AnatomyNet: Deep learning for fast and fully automated whole-volume segmentation of head and
neck anatomy", Med Phys 2019;46:576-89; used for T12-L2 by Niu et al., QIMS 2023;13(8):5294-5305.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

SLOPE = 0.01


def normalization(channels: int) -> nn.Module:
    """Instance norm with a learned scale and offset: as many parameters as batch norm, and it bears batches of one."""
    return nn.InstanceNorm3d(channels, affine=True)


def activation() -> nn.Module:
    return nn.LeakyReLU(SLOPE, inplace=True)


class SqueezeExcitation(nn.Module):
    """Weighs the channels of (N, C, I, J, K) by two fully connected layers on their means."""

    def __init__(self, channels: int, reduction: int) -> None:
        super().__init__()
        hidden = channels // reduction
        self.squeeze = nn.Linear(channels, hidden)
        self.excite = nn.Linear(hidden, channels)

    def forward(self, x: Tensor) -> Tensor:
        weights = F.leaky_relu(self.squeeze(x.mean(dim=(2, 3, 4))), SLOPE)
        return x * torch.sigmoid(self.excite(weights))[:, :, None, None, None]


class ResidualBlock(nn.Module):
    """Two 3x3x3 convolutions, an optional gate on the channels, then the shortcut is added."""

    def __init__(self, inputs: int, outputs: int, *, gate: nn.Module | None = None, shortcut_kernel: int = 1) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv3d(inputs, outputs, 3, padding=1, bias=False),
            normalization(outputs),
            activation(),
            nn.Conv3d(outputs, outputs, 3, padding=1, bias=False),
            normalization(outputs),
        )
        self.gate = gate or nn.Identity()
        self.shortcut: nn.Module = nn.Identity()
        if inputs != outputs:
            self.shortcut = nn.Sequential(
                nn.Conv3d(inputs, outputs, shortcut_kernel, padding="same", bias=False), normalization(outputs)
            )
        self.activation = activation()

    def forward(self, x: Tensor) -> Tensor:
        return self.activation(self.gate(self.body(x)) + self.shortcut(x))


def level(inputs: int, outputs: int, *, reduction: int = 15) -> nn.Sequential:
    """Two squeeze-and-excitation residual blocks; the first one's reduction is the level's own."""
    return nn.Sequential(
        ResidualBlock(inputs, outputs, gate=SqueezeExcitation(outputs, reduction)),
        ResidualBlock(outputs, outputs, gate=SqueezeExcitation(outputs, 15)),
    )


class AnatomyNet(nn.Module):
    """Segments T12, L1 and L2 at the resolution of its input.

    Args:
        in_channels: 1 for the CT alone, 2 with the height relative to the localizer's box.
        classes: background included.

    Shape: (N, in_channels, I, J, K) with even I, J, K -> logits (N, classes, I, J, K).
    """

    def __init__(self, in_channels: int = 1, classes: int = 4) -> None:
        super().__init__()
        self.stem = nn.Sequential(
            nn.Conv3d(in_channels, 28, 3, stride=2, padding=1, bias=False), normalization(28), activation()
        )
        self.encoder1 = level(28, 30)
        self.encoder2 = level(30, 32)
        self.encoder3 = level(32, 34)
        self.decoder2 = level(34 + 32, 32, reduction=16)
        self.decoder1 = level(32 + 30, 30, reduction=16)
        self.decoder0 = level(30 + 28, 28, reduction=16)
        self.upsample = nn.ConvTranspose3d(28, 14, 2, stride=2)
        self.refine = ResidualBlock(14 + in_channels, 14, shortcut_kernel=3)
        self.classify = nn.Conv3d(14, classes, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        stem = self.stem(x)
        first = self.encoder1(stem)
        second = self.encoder2(first)
        third = self.encoder3(second)
        up = self.decoder2(torch.cat((third, second), dim=1))
        up = self.decoder1(torch.cat((up, first), dim=1))
        up = self.decoder0(torch.cat((up, stem), dim=1))
        return self.classify(self.refine(torch.cat((self.upsample(up), x), dim=1)))
