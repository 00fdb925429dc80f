"""AnatomyNet has the published size, keeps the grid, and learns everywhere."""

from __future__ import annotations

import pytest
import torch

from OpportunisticBMDLib.networks.anatomynet import AnatomyNet


@pytest.mark.parametrize(("classes", "count"), [(4, 732_143), (10, 734_417)])
def test_it_has_the_published_number_of_parameters(classes: int, count: int) -> None:
    assert sum(parameter.numel() for parameter in AnatomyNet(classes=classes).parameters()) == count


@pytest.mark.parametrize("size", [(16, 16, 16), (30, 44, 24), (18, 22, 10)])
def test_every_voxel_gets_a_logit_for_every_class(size: tuple[int, int, int]) -> None:
    with torch.inference_mode():
        logits = AnatomyNet(in_channels=2, classes=4).eval()(torch.rand(1, 2, *size))
    assert logits.shape == (1, 4, *size)
    assert torch.isfinite(logits).all()


def test_the_gradient_reaches_every_parameter() -> None:
    torch.manual_seed(0)
    network = AnatomyNet(in_channels=2, classes=4).train()
    target = torch.randint(0, 4, (1, 16, 16, 16))
    torch.nn.functional.cross_entropy(network(torch.randn(1, 2, 16, 16, 16)), target).backward()
    idle = [name for name, p in network.named_parameters() if p.grad is None or not p.grad.abs().sum() > 0]
    assert idle == []


def test_the_second_channel_counts() -> None:
    torch.manual_seed(0)
    network = AnatomyNet(in_channels=2).eval()
    x = torch.rand(1, 2, 16, 16, 16)
    other = x.clone()
    other[:, 1] = torch.linspace(0, 1, 16)
    with torch.inference_mode():
        assert (network(x) - network(other)).abs().max() > 1e-4


def test_a_case_is_measured_alike_alone_and_in_a_batch() -> None:
    """Instance norm: neither a neighbour in the batch nor the mode changes a prediction."""
    torch.manual_seed(0)
    network = AnatomyNet()
    x = torch.randn(2, 1, 16, 16, 16)
    with torch.inference_mode():
        batch = network.train()(x)
        alone = network.eval()(x[1:])
    torch.testing.assert_close(alone, batch[1:], rtol=1e-3, atol=1e-4)
