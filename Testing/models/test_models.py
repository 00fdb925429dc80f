"""The model store gives back exactly what was saved, and refuses everything else in one sentence."""

from __future__ import annotations

import hashlib
import json
import os
import pickle
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from OpportunisticBMDLib import models
from OpportunisticBMDLib.core.errors import BadInput
from OpportunisticBMDLib.models import ModelCard, modules
from OpportunisticBMDLib.networks.anatomynet import AnatomyNet

CARD = ModelCard(
    stage="segmentation",
    name="untrained",
    version="1",
    architecture={"name": "AnatomyNet", "parameters": {"in_channels": 2, "classes": 4}},
    grid={"spacing_mm": [0.75, 0.75, 1.25], "size": [150, 220, 120]},
    window={"low_hu": -200.0, "high_hu": 200.0},
    outputs={"classes": ["background", "T12", "L1", "L2"]},
    training={"cases": 0},
    figures={},
    licence="Apache-2.0",
    intended_use="Tests of the model store.",
)


@pytest.fixture
def network() -> AnatomyNet:
    torch.manual_seed(0)
    return AnatomyNet(**CARD.architecture["parameters"])


@pytest.fixture
def store(tmp_path: Path, network: AnatomyNet) -> Path:
    modules.save_model(tmp_path, CARD, network.state_dict())
    return tmp_path


def refusal(store: Path, stage: str = "segmentation") -> str:
    """The one sentence that loading ends with."""
    with pytest.raises(BadInput) as caught:
        models.load_weights(stage, store)
    message = str(caught.value)
    assert "\n" not in message and message.endswith(".")
    return message


def weights_of(store: Path) -> Path:
    return store / "segmentation" / "model.safetensors"


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def edit_card(store: Path, **changes: object) -> None:
    path = store / "segmentation" / "model.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def test_what_was_saved_comes_back(store: Path, network: AnatomyNet) -> None:
    card, weights = models.load_weights("segmentation", store)
    assert replace(card, sha256="") == CARD
    assert set(weights) == set(network.state_dict())
    for name, tensor in network.state_dict().items():
        np.testing.assert_array_equal(weights[name], tensor, err_msg=name)


def test_the_loaded_network_computes_the_same(store: Path, network: AnatomyNet) -> None:
    loaded, card = modules.load_network("segmentation", AnatomyNet, store)
    assert card.name == CARD.name
    x = torch.rand(1, 2, 16, 16, 16)
    with torch.inference_mode():
        assert torch.equal(loaded(x), network.eval()(x))
    assert not loaded.training


def test_the_folder_holds_two_readable_files_and_nothing_else(store: Path) -> None:
    assert sorted(path.name for path in (store / "segmentation").iterdir()) == ["model.json", "model.safetensors"]


def test_the_card_survives_its_json() -> None:
    assert ModelCard.from_json(CARD.to_json()) == CARD


def test_halved_weights_are_smaller_and_come_back_as_float32(store: Path, network: AnatomyNet) -> None:
    whole = weights_of(store).stat().st_size
    modules.save_model(store, CARD, modules.halved(network.state_dict()))
    assert weights_of(store).stat().st_size < 0.55 * whole

    _, weights = models.load_weights("segmentation", store)
    assert {values.dtype for values in weights.values()} == {np.dtype(np.float32)}
    for name, tensor in network.state_dict().items():
        tolerance = 0.0 if tensor.dim() < 2 else 1e-3
        np.testing.assert_allclose(weights[name], tensor, rtol=tolerance, atol=1e-6 if tolerance else 0.0)


def test_halving_keeps_counters_and_refuses_what_would_overflow() -> None:
    counter = torch.tensor(7)
    assert modules.halved({"num_batches_tracked": counter})["num_batches_tracked"].dtype == torch.int64
    with pytest.raises(ValueError, match="conv"):
        modules.halved({"conv.weight": torch.full((2, 2), 1e6)})


def test_one_changed_byte_is_refused(store: Path) -> None:
    data = bytearray(weights_of(store).read_bytes())
    data[-1] ^= 1
    weights_of(store).write_bytes(data)
    assert "SHA-256" in refusal(store)


def test_missing_weights_are_refused(store: Path) -> None:
    weights_of(store).unlink()
    assert str(weights_of(store)) in refusal(store)


def test_a_missing_stage_is_refused(store: Path) -> None:
    assert refusal(store, "bmd").startswith("No bmd model at ")


def test_a_truncated_file_is_refused_even_where_the_card_agrees(store: Path) -> None:
    weights_of(store).write_bytes(weights_of(store).read_bytes()[:1000])
    assert "SHA-256" in refusal(store)
    edit_card(store, sha256=digest(weights_of(store)))
    assert "is not a safetensors file" in refusal(store)


class Bomb:
    """Leaves a file behind when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple:
        return Path.touch, (self.path,)


@pytest.mark.parametrize("write", [torch.save, lambda data, path: path.write_bytes(pickle.dumps(data))])
def test_a_pickle_is_never_opened(store: Path, tmp_path: Path, write) -> None:
    trace = tmp_path / "unpickled"
    write({"weight": Bomb(trace)}, weights_of(store))
    edit_card(store, sha256=digest(weights_of(store)))
    assert "is not a safetensors file" in refusal(store)
    assert not trace.exists()


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        (
            {"architecture": {"name": "ResNet", "parameters": {}}},
            "'ResNet', and the segmentation has to be",
        ),
        ({"grid": {"spacing_mm": [0.75, 0, 1.25], "size": None}}, "spacing_mm"),
        ({"window": {"low_hu": 200, "high_hu": -200}}, "low_hu below high_hu"),
        ({"stage": "liver"}, "'liver'"),
        ({"licence": ""}, "licence"),
        ({"colour": "red"}, "unknown: colour"),
        ({"outputs": {"least_score": float("nan")}}, "NaN is not a finite number"),
        ({"window": {"low_hu": float("-inf"), "high_hu": 200}}, "-Infinity is not a finite number"),
        ({"grid": {"spacing_mm": [0.75, 10**400, 1.25], "size": None}}, "spacing_mm"),
    ],
)
def test_a_card_that_cannot_be_is_refused(store: Path, changes: dict, complaint: str) -> None:
    edit_card(store, **changes)
    assert complaint in refusal(store)


def test_a_card_that_is_no_json_is_refused(store: Path) -> None:
    (store / "segmentation" / "model.json").write_bytes(b"\xff\xfe{")
    assert "is not valid" in refusal(store)


def test_a_card_that_is_nested_deeply_is_refused(store: Path) -> None:
    (store / "segmentation" / "model.json").write_text('{"training":' * 50_000)
    assert "is not valid" in refusal(store)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
@pytest.mark.parametrize("is_half", [False, True])
def test_weights_that_are_no_numbers_are_refused_though_their_checksum_is_right(
    store: Path, network: AnatomyNet, value: float, is_half: bool
) -> None:
    state = {name: tensor.half() if is_half else tensor for name, tensor in network.state_dict().items()}
    name = next(name for name, tensor in state.items() if tensor.dim() >= 2)
    state[name].view(-1)[3] = value
    modules.save_model(store, CARD, state)
    message = refusal(store)
    assert "weights that are no numbers" in message and name in message
    verdicts = {verdict.stage: verdict for verdict in models.verify(store)}
    assert not verdicts["segmentation"].ok


@pytest.mark.skipif(sys.platform == "win32", reason="there are no pipes and devices among its files")
@pytest.mark.parametrize("name", ["model.json", "model.safetensors"])
@pytest.mark.parametrize("kind", ["pipe", "device", "folder"])
def test_only_ordinary_files_are_opened(store: Path, name: str, kind: str) -> None:
    path = store / "segmentation" / name
    path.unlink()
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "device":
        path.symlink_to("/dev/zero")
    else:
        path.mkdir()
    assert str(path) in refusal(store)


def test_a_file_larger_than_any_model_is_not_read(store: Path) -> None:
    with weights_of(store).open("r+b") as file:
        file.truncate(2**40)
    with (store / "segmentation" / "model.json").open("r+b") as file:
        file.truncate(2**40)
    assert "larger than" in refusal(store)


def test_a_model_in_another_stages_folder_is_refused(store: Path) -> None:
    (store / "segmentation").rename(store / "bmd")
    assert "is for the stage segmentation" in refusal(store, "bmd")


def test_weights_of_another_shape_are_refused(store: Path) -> None:
    card, weights = models.load_weights("segmentation", store)
    with pytest.raises(BadInput, match="do not fit its architecture AnatomyNet"):
        modules.fill(AnatomyNet(in_channels=1), card, weights)


@pytest.mark.parametrize("parameters", [{"depth": 5}, {"classes": -1}, {"classes": "four"}])
def test_parameters_that_build_no_network_are_refused(store: Path, parameters: dict) -> None:
    edit_card(store, architecture={"name": "AnatomyNet", "parameters": parameters})
    with pytest.raises(BadInput, match="AnatomyNet cannot be built"):
        modules.load_network("segmentation", AnatomyNet, store)


def test_a_failed_save_leaves_the_old_model(store: Path, network: AnatomyNet) -> None:
    before = weights_of(store).read_bytes()
    with pytest.raises(ValueError):
        modules.save_model(store, replace(CARD, figures={"dice": float("nan")}), network.state_dict())
    assert weights_of(store).read_bytes() == before
    models.load_weights("segmentation", store)


def test_verify_tells_good_from_missing(store: Path) -> None:
    verdicts = {verdict.stage: verdict for verdict in models.verify(store)}
    assert list(verdicts) == ["localizer", "skeleton", "segmentation", "bmd"]
    assert verdicts["segmentation"].ok and "untrained 1, AnatomyNet" in verdicts["segmentation"].message
    assert not verdicts["bmd"].ok and not verdicts["localizer"].ok


def test_a_stage_that_no_cases_can_fit_is_the_one_that_ships_where_a_folder_lacks_it(store: Path) -> None:
    assert not (store / "skeleton").exists()
    assert models.load_card("skeleton", store) == models.load_card("skeleton")


def test_the_argument_wins_over_the_environment(store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPPORTUNISTIC_BMD_MODELS", raising=False)
    shipped = models.model_folder()
    monkeypatch.setenv("OPPORTUNISTIC_BMD_MODELS", str(store))
    assert models.model_folder() == store != shipped
    assert models.model_folder(tmp_path / "mine") == tmp_path / "mine"


def test_the_models_that_ship_are_sound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPPORTUNISTIC_BMD_MODELS", raising=False)
    folder = models.model_folder()
    if not any(folder.glob("*/model.json")):
        pytest.skip("no models ship with this copy: Resources/Models is empty")
    assert [verdict for verdict in models.verify() if not verdict.ok] == []
