"""A network runs by oneDNN with the weights that it has, and says the same."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import nn

from OpportunisticBMDLib.inference.torch_engine import OneDNNConv3d, with_channels_last, with_onednn
from OpportunisticBMDLib.models.modules import load_network
from OpportunisticBMDLib.networks.anatomynet import AnatomyNet
from OpportunisticBMDLib.networks.densenet import DenseNet121
from OpportunisticBMDLib.networks.skeleton_net import SkeletonNet

pytestmark = pytest.mark.skipif(not torch.backends.mkldnn.is_available(), reason="this torch has no oneDNN")


@pytest.mark.parametrize(("stage", "build"), [("bmd", DenseNet121), ("segmentation", AnatomyNet)])
@torch.inference_mode()
def test_the_network_says_the_same(stage, build):
    network, card = load_network(stage, build)
    image = torch.rand(1, card.architecture["parameters"]["in_channels"], 40, 48, 72)
    expected = network(image)
    faster = with_onednn(copy.deepcopy(network))
    assert any(isinstance(module, OneDNNConv3d) for module in faster.modules())
    torch.testing.assert_close(faster(image), expected, atol=1e-3, rtol=1e-4)
    assert list(faster.state_dict()) == list(network.state_dict())


@pytest.mark.parametrize(("stage", "build"), [("skeleton", SkeletonNet), ("segmentation", AnatomyNet)])
@torch.inference_mode()
def test_where_the_channels_lie_makes_no_difference(stage, build):
    """A GPU gets them side by side; here is none, so that the CPU computes with the same layout."""
    network, card = load_network(stage, build)
    image = torch.rand(1, card.architecture["parameters"]["in_channels"], 32, 32, 32)
    expected = network(image)
    moved = with_channels_last(copy.deepcopy(network))
    first = next(module for module in moved.modules() if isinstance(module, nn.Conv3d) and module.in_channels > 2)
    assert first.weight.is_contiguous(memory_format=torch.channels_last_3d) and not first.weight.is_contiguous()
    torch.testing.assert_close(moved(image), expected, atol=1e-3, rtol=1e-4)


def test_what_it_cannot_do_is_left_to_torch():
    circular = nn.Sequential(nn.Conv3d(1, 1, 3, padding=1, padding_mode="circular"), nn.Conv3d(1, 1, 3, padding="same"))
    assert [type(module) for module in with_onednn(circular)] == [nn.Conv3d, nn.Conv3d]
    double = with_onednn(nn.Sequential(nn.Conv3d(1, 2, 3, padding=1))).double()
    assert double(torch.zeros(1, 1, 5, 5, 5, dtype=torch.float64)).dtype == torch.float64
