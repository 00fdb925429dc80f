"""Networks as torch computes them; 3D convolutions of few voxels on the CPU by oneDNN.

torch leaves oneDNN aside for one sample of at most 20480 values (channels x depth x height), which is what most
layers of the BMD network get. One vertebra then takes 0.18 s of one core instead of 0.08 s. The values differ by
rounding only.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from OpportunisticBMDLib.inference.computing import Computing
from OpportunisticBMDLib.inference.network import Found
from OpportunisticBMDLib.models import ModelCard
from OpportunisticBMDLib.models.modules import device_of, load_network
from OpportunisticBMDLib.networks.anatomynet import AnatomyNet
from OpportunisticBMDLib.networks.densenet import DenseNet121
from OpportunisticBMDLib.networks.skeleton_net import SkeletonNet

NETWORKS = {"skeleton": SkeletonNet, "segmentation": AnatomyNet, "bmd": DenseNet121}


@dataclass(frozen=True)
class TorchEngine:
    """An `engine.Engine`, on "cpu" or "cuda"."""

    device: str = "cpu"

    def computing(self, stage: str) -> Computing:
        return Computing("torch", "f32")

    def detector(self, models: Path | None = None) -> tuple[TorchDetector, ModelCard]:
        from OpportunisticBMDLib.networks.faster_rcnn import spine_detector  # torchvision takes its time to import

        module, card = load_network("localizer", spine_detector, models)
        return TorchDetector(module.to(self.device)), card

    def network(self, stage: str, models: Path | None = None) -> tuple[TorchNetwork, ModelCard]:
        module, card = load_network(stage, NETWORKS[stage], models)
        module = with_onednn(module).to(self.device)
        return TorchNetwork(module if self.device == "cpu" else with_channels_last(module)), card


@dataclass(frozen=True, eq=False)
class TorchNetwork:
    """A `network.Network` of a module that gives logits, on the device where its weights are."""

    module: nn.Module

    @torch.inference_mode()
    def __call__(self, image: np.ndarray) -> np.ndarray:
        logits: Tensor = self.module(_tensor(image, self.module))
        return logits.softmax(dim=1).cpu().numpy()


@dataclass(frozen=True, eq=False)
class TorchDetector:
    """A `network.Detector` of one of torchvision's detectors."""

    module: nn.Module

    @torch.inference_mode()
    def __call__(self, picture: np.ndarray) -> Found:
        found = self.module([_tensor(picture, self.module)])[0]
        return Found(found["boxes"].cpu().numpy(), found["scores"].cpu().numpy())


def _tensor(array: np.ndarray, module: nn.Module) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(array)).to(device_of(module))


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


def with_channels_last(network: nn.Module) -> nn.Module:
    """The same network with the same weights; a voxel's channels lie side by side, as a GPU's convolutions take them.

    Not measured: it follows NVIDIA's advice for tensor cores.
    """
    return network.to(memory_format=torch.channels_last_3d)


def with_onednn(network: nn.Module) -> nn.Module:
    """The same network with the same weights; its 3D convolutions run by oneDNN, where this torch has it."""
    if torch.backends.mkldnn.is_available():
        for module in list(network.modules()):
            for name, child in module.named_children():
                if type(child) is nn.Conv3d and child.padding_mode == "zeros" and isinstance(child.padding, tuple):
                    setattr(module, name, OneDNNConv3d.of(child))
    return network
