"""The 3D DenseNet-121 is weight for weight MONAI's."""

from __future__ import annotations

import pytest
import torch

from OpportunisticBMDLib.networks.densenet import DenseNet121


def parameter_count(network: torch.nn.Module) -> int:
    return sum(parameter.numel() for parameter in network.parameters())


def test_it_has_the_papers_size() -> None:
    assert parameter_count(DenseNet121(in_channels=1, outputs=1)) == 11_243_649


@pytest.mark.parametrize(("in_channels", "outputs"), [(1, 1), (2, 40)])
def test_monai_gives_the_same_logits_for_the_same_weights(in_channels: int, outputs: int) -> None:
    monai = pytest.importorskip("monai.networks.nets", reason="MONAI, the oracle, is in the dev extra")
    torch.manual_seed(0)
    ours = DenseNet121(in_channels, outputs).eval()
    oracle = monai.DenseNet121(spatial_dims=3, in_channels=in_channels, out_channels=outputs).eval()
    state = randomized(oracle.state_dict())
    oracle.load_state_dict(state)
    ours.load_state_dict(dict(zip(ours.state_dict(), state.values(), strict=True)))

    x = torch.rand(2, in_channels, 48, 45, 50)
    with torch.inference_mode():
        expected, logits = oracle(x), ours(x)

    assert expected.std(dim=0).max() > 1e-3, "inputs that cannot be told apart prove nothing"
    torch.testing.assert_close(logits, expected, rtol=1e-5, atol=1e-5)


def randomized(state: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Running means and variances, scales and offsets as unlike their defaults as training makes them."""
    changed = {}
    for name, value in state.items():
        if name.endswith("running_var"):
            value = torch.rand_like(value) + 0.5
        elif value.dim() == 1 and value.is_floating_point():
            value = torch.randn_like(value) * 0.2 + (1.0 if name.endswith("weight") else 0.0)
        changed[name] = value
    return changed


def test_every_parameter_learns() -> None:
    torch.manual_seed(0)
    network = DenseNet121(outputs=5).train()
    torch.nn.functional.cross_entropy(network(torch.rand(2, 1, 64, 64, 64)), torch.tensor([1, 3])).backward()
    idle = [name for name, p in network.named_parameters() if p.grad is None or not p.grad.abs().sum() > 0]
    assert idle == []
