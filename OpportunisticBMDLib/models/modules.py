"""Models as torch has them: modules out of the store, and into it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import safetensors.torch
import torch
from torch import Tensor, nn

from OpportunisticBMDLib.core.errors import BadInput
from OpportunisticBMDLib.models.card import ModelCard, require
from OpportunisticBMDLib.models.store import CARD_FILE, WEIGHTS_FILE, load_weights
from OpportunisticBMDLib.system.files import write_bytes


def device_of(network: nn.Module) -> torch.device:
    """Where a network's weights are, and its input has to be."""
    return next(network.parameters()).device


def load_network(
    stage: str, build: Callable[..., nn.Module], folder: str | Path | None = None
) -> tuple[nn.Module, ModelCard]:
    """The stage's network with its weights, ready for inference on the CPU, and its card.

    Args:
        build: makes the network from the card's architecture parameters, given as keyword arguments.

    Raises:
        BadInput: files missing or damaged, parameters that the network does not take, weights that do not fit.
    """
    card, weights = load_weights(stage, folder)
    parameters = card.architecture["parameters"]
    try:
        network = build(**parameters)
    except (TypeError, ValueError, RuntimeError) as error:
        raise BadInput(
            f"{card.architecture['name']} cannot be built from the parameters {parameters} of the {stage} model "
            f"{card.name}; install the model again."
        ) from error
    return fill(network, card, weights), card


def fill(network: nn.Module, card: ModelCard, weights: Mapping[str, np.ndarray]) -> nn.Module:
    """Puts the weights into the network that the card's architecture describes, ready for inference.

    Raises:
        BadInput: names or shapes differ.
    """
    try:
        network.load_state_dict({name: torch.from_numpy(values) for name, values in weights.items()}, strict=True)
    except RuntimeError as error:
        reason = " ".join(str(error).split())[:200]
        raise BadInput(
            f"The weights of the {card.stage} model {card.name} do not fit its architecture "
            f"{card.architecture['name']} ({reason}); install the model again."
        ) from error
    return network.eval()


def halved(state_dict: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Stores floating tensors of two and more dimensions as float16: half the file, the same figures.

    Raises:
        ValueError: a weight is beyond what float16 can hold.
    """
    half = {}
    for name, tensor in state_dict.items():
        if tensor.is_floating_point() and tensor.dim() >= 2:
            tensor = tensor.to(torch.float16)
            require(bool(torch.isfinite(tensor).all()), f"{name} does not fit float16")
        half[name] = tensor
    return half


def save_model(folder: str | Path, card: ModelCard, state_dict: Mapping[str, Tensor]) -> ModelCard:
    """Writes folder/<stage>/ with weights and card, and returns the card with the weights' SHA-256.

    Each file is written whole or not at all; a run that dies between the two leaves a pair that loading refuses.
    """
    tensors = {name: tensor.detach().cpu().contiguous().clone() for name, tensor in state_dict.items()}
    data = safetensors.torch.save(tensors)
    card = replace(card, sha256=hashlib.sha256(data).hexdigest())
    text = card.to_json()
    target = Path(folder) / card.stage
    target.mkdir(parents=True, exist_ok=True)
    write_bytes(target / WEIGHTS_FILE, data)
    write_bytes(target / CARD_FILE, text.encode("utf-8"))
    return card
