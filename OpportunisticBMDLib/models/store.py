"""The model store: one folder per stage with its weights (safetensors, never pickles) and its card (JSON)."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import safetensors.torch
import torch
from safetensors import SafetensorError
from torch import Tensor, nn

from OpportunisticBMDLib.core.errors import BadInput
from OpportunisticBMDLib.core.result import FITTED_ON_CASES
from OpportunisticBMDLib.models.card import STAGES, ModelCard, require
from OpportunisticBMDLib.system.files import open_regular, write_bytes

FOLDER_VARIABLE = "OPPORTUNISTIC_BMD_MODELS"
CARD_FILE = "model.json"
WEIGHTS_FILE = "model.safetensors"
MOST_CARD_BYTES, MOST_BYTES = 2**20, 2**30


class Verdict(NamedTuple):
    """What `verify` found for one stage."""

    stage: str
    ok: bool
    message: str


def model_folder(folder: str | Path | None = None) -> Path:
    """The folder that holds the stages: the one given, else the environment's, else the one that ships.

    It ships as Resources/Models beside the package (source tree, Slicer extension) or inside it (wheel).
    """
    chosen = folder or os.environ.get(FOLDER_VARIABLE)
    return Path(chosen) if chosen else _shipped()


def _shipped() -> Path:
    package = Path(__file__).resolve().parents[1]
    beside = package.parent / "Resources" / "Models"
    return beside if beside.is_dir() else package / "Models"


def _stage_folder(stage: str, folder: str | Path | None) -> Path:
    """Of a stage; one that no annotated cases can fit is taken from what ships where the folder lacks it."""
    chosen = model_folder(folder) / stage
    return chosen if stage in FITTED_ON_CASES or chosen.is_dir() else _shipped() / stage


def load_card(stage: str, folder: str | Path | None = None) -> ModelCard:
    """Reads a stage's card.

    Raises:
        BadInput: no card, or one that does not describe a model for this stage.
    """
    path = _stage_folder(stage, folder) / CARD_FILE
    text = _read(path, stage, MOST_CARD_BYTES)
    try:
        card = ModelCard.from_json(text.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise BadInput(f"The model card {path} is not valid ({error}); install the model again.") from error
    if card.stage != stage:
        raise BadInput(f"The model in {path.parent} is for the stage {card.stage}; move it to {card.stage}/.")
    return card


def load_weights(stage: str, folder: str | Path | None = None) -> tuple[ModelCard, dict[str, Tensor]]:
    """Reads a stage's card and its weights, as float32 on the CPU, after comparing their SHA-256.

    Raises:
        BadInput: a file is missing, damaged, or not what its card says.
    """
    card = load_card(stage, folder)
    path = _stage_folder(stage, folder) / WEIGHTS_FILE
    data = _read(path, stage, MOST_BYTES)
    found = hashlib.sha256(data).hexdigest()
    if found != card.sha256.lower():
        raise BadInput(
            f"The weights {path} are not those of their card (SHA-256 {found[:12]}..., not "
            f"{card.sha256[:12] or 'stated'}...); install the model again."
        )
    try:
        weights = safetensors.torch.load(data)
    except (SafetensorError, ValueError, KeyError) as error:
        raise BadInput(f"{path} is not a safetensors file ({error}); install the model again.") from error
    for name, tensor in weights.items():
        if tensor.is_floating_point() and not bool(torch.isfinite(tensor.float()).all()):
            raise BadInput(f"{path} holds weights that are no numbers (in {name}); install the model again.")
    return card, {name: tensor.float() if tensor.is_floating_point() else tensor for name, tensor in weights.items()}


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


def fill(network: nn.Module, card: ModelCard, weights: Mapping[str, Tensor]) -> nn.Module:
    """Puts the weights into the network that the card's architecture describes, ready for inference.

    Raises:
        BadInput: names or shapes differ.
    """
    try:
        network.load_state_dict(dict(weights), strict=True)
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


def save_card(folder: str | Path, card: ModelCard) -> None:
    """Replaces the card of a model whose weights stay, whole or not at all."""
    write_bytes(Path(folder) / card.stage / CARD_FILE, card.to_json().encode("utf-8"))


def verify(folder: str | Path | None = None) -> list[Verdict]:
    """Loads every stage's model and says what it is, or what is wrong with it."""
    verdicts = []
    for stage in STAGES:
        try:
            card, weights = load_weights(stage, folder)
        except BadInput as error:
            verdicts.append(Verdict(stage, False, str(error)))
            continue
        count = sum(tensor.numel() for tensor in weights.values())
        message = f"{card.name} {card.version}, {card.architecture['name']}, {count:,} values, SHA-256 {card.sha256}"
        verdicts.append(Verdict(stage, True, message))
    return verdicts


def _read(path: Path, stage: str, most_bytes: int) -> bytes:
    try:
        with open_regular(path) as file:
            content = file.read(most_bytes + 1)
    except OSError as error:
        raise BadInput(
            f"No {stage} model at {path} ({error.strerror}); choose another model folder or install the models again."
        ) from error
    if len(content) > most_bytes:
        raise BadInput(f"{path} is larger than {most_bytes / 2**20:.0f} MB, as no {stage} model is; install it again.")
    return content
