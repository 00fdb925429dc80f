"""The engines: the same answers, masks and densities from torch and from OpenVINO, which needs no torch twice."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from known_network import CARD
from OpportunisticBMDLib.core.ct import CT
from OpportunisticBMDLib.core.errors import BadInput
from OpportunisticBMDLib.core.segmentation import Segmentation
from OpportunisticBMDLib.core.vertebrae import LABELS
from OpportunisticBMDLib.inference.computing import NotPrepared
from OpportunisticBMDLib.inference.device import chosen_device
from OpportunisticBMDLib.inference.engine import Engine, engine_named, loaded
from OpportunisticBMDLib.inference.kept import FOLDER_VARIABLE
from OpportunisticBMDLib.inference.torch_engine import TorchEngine
from OpportunisticBMDLib.models.modules import save_model
from OpportunisticBMDLib.networks.skeleton_net import SkeletonNet
from OpportunisticBMDLib.pipeline import Pipeline

REPOSITORY = Path(__file__).resolve().parents[2]
ROUNDING = 1e-3  # of a probability
WIDTHS = [4, 4, 8, 8]
BONES = replace(
    CARD,
    stage="skeleton",
    architecture={"name": "SkeletonNet", "parameters": {"in_channels": 1, "classes": 3, "widths": WIDTHS}},
    grid={"spacing_mm": [2.0] * 3, "size": [32, 48, 64]},
)


@pytest.fixture(scope="module")
def cache(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def openvino(cache, monkeypatch) -> Engine:
    """Keeps what it makes in `cache`."""
    pytest.importorskip("OpportunisticBMDLib.inference.openvino_engine", reason="needs the dev extra")
    monkeypatch.setenv(FOLDER_VARIABLE, str(cache))
    return engine_named("openvino")


@pytest.fixture(scope="module")
def small(tmp_path_factory) -> Path:
    return saved(tmp_path_factory.mktemp("models"), seed=0)


def saved(folder: Path, seed: int) -> Path:
    """A folder of models that has a small skeleton network, and no others."""
    torch.manual_seed(seed)
    save_model(folder, BONES, SkeletonNet(1, 3, WIDTHS).state_dict())
    return folder


def image_of(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).random((1, *shape), np.float32)


def child(code: str, cache: Path, *arguments: object) -> subprocess.CompletedProcess[str]:
    """Python code in a process of its own."""
    path = os.pathsep.join(str(REPOSITORY / folder) for folder in (".", "Testing", "training"))
    environment = os.environ | {FOLDER_VARIABLE: str(cache), "PYTHONPATH": path}
    command = [sys.executable, "-c", code, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, env=environment, check=True)


@pytest.mark.parametrize("shape", [(32, 48, 64), (16, 32, 16), (32, 48, 64)])
def test_a_network_gives_the_same_from_both_at_any_size(small, openvino, shape):
    (one, card), (other, same) = (engine.network("skeleton", small) for engine in (TorchEngine(), openvino))
    image = image_of(1, *shape)
    expected, found = one(image), other(image)
    assert card == same and found.dtype == np.float32 and found.shape == (1, 3, *shape)
    np.testing.assert_allclose(found, expected, atol=ROUNDING)
    np.testing.assert_allclose(found.sum(axis=1), 1, atol=1e-5)


@pytest.mark.parametrize("engine", ["torch", "openvino"])
def test_a_mirrored_view_is_as_good_as_a_copy(small, openvino, engine):
    network, _ = engine_named(engine).network("skeleton", small)
    image = image_of(1, 32, 48, 64)
    np.testing.assert_array_equal(network(image[:, :, ::-1]), network(image[:, :, ::-1].copy()))


def test_an_answer_stays_when_the_next_one_comes(small, openvino):
    network, _ = openvino.network("skeleton", small)
    first = network(image_of(1, 32, 48, 64))
    before = first.copy()
    network(np.zeros((1, 1, 32, 48, 64), np.float32))
    np.testing.assert_array_equal(first, before)


def test_other_weights_are_another_network(small, openvino, tmp_path):
    image = image_of(1, 32, 48, 64)
    one, other = (openvino.network("skeleton", folder)[0](image) for folder in (small, saved(tmp_path, seed=1)))
    assert abs(one - other).max() > 1e-3


def test_damaged_weights_are_refused_though_the_network_is_kept(small, openvino, tmp_path):
    openvino.network("skeleton", small)
    shutil.copytree(small, tmp_path, dirs_exist_ok=True)
    weights = tmp_path / "skeleton" / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1] + b"!")
    with pytest.raises(BadInput, match="not those of their card"):
        openvino.network("skeleton", tmp_path)


def test_a_damaged_network_is_made_anew(small, openvino, cache):
    image = image_of(1, 32, 48, 64)
    expected = openvino.network("skeleton", small)[0](image)
    for path in cache.glob("skeleton-*"):
        content = bytearray(path.read_bytes())
        content[len(content) // 2] ^= 1
        path.write_bytes(content)
    np.testing.assert_array_equal(openvino.network("skeleton", small)[0](image), expected)


SECOND_TIME = """
import sys
import numpy as np
from OpportunisticBMDLib import pipeline
from OpportunisticBMDLib.inference.device import chosen_device
from OpportunisticBMDLib.inference.engine import engine_named

network, _ = engine_named("openvino", chosen_device("auto", "openvino")).network("skeleton", sys.argv[1])
network(np.zeros((1, 1, 32, 48, 64), np.float32))
print([name for name in ("torch", "torchvision", "openvino_telemetry") if sys.modules.get(name)])
"""


def test_what_is_kept_needs_no_torch_and_nobody_is_told_of_it(small, openvino, cache):
    openvino.network("skeleton", small)
    assert child(SECOND_TIME, cache, small).stdout == "[]\n"


class Counter:
    """Counts how often it was told."""

    def __init__(self) -> None:
        self.times = 0

    def __call__(self) -> None:
        self.times += 1


def test_it_is_told_when_networks_are_prepared_and_only_once(openvino, tmp_path, monkeypatch):
    monkeypatch.setenv(FOLDER_VARIABLE, str(tmp_path / "cache"))
    told = Counter()
    for _ in range(2):
        loaded(small_skeleton(saved(tmp_path, seed=2)), "auto", "cpu", told)
        assert told.times == 1


def small_skeleton(models: Path) -> Callable[[Engine], tuple[str, np.ndarray]]:
    """Says which engine it was given, and what the network says."""
    image = image_of(1, 32, 48, 64)
    return lambda engine: (engine.computing("skeleton").engine, engine.network("skeleton", models)[0](image))


def test_the_fastest_engine_that_is_installed_is_taken(small, openvino):
    name, found = loaded(small_skeleton(small))
    assert name == "openvino"
    np.testing.assert_array_equal(found, small_skeleton(small)(openvino)[1])


def test_what_cannot_be_prepared_is_left_to_torch(openvino, tmp_path, monkeypatch):
    """As with a torch that is too old."""
    models = saved(tmp_path, seed=3)
    monkeypatch.delattr(torch.export, "export")
    name, found = loaded(small_skeleton(models))
    assert name == "torch"
    np.testing.assert_array_equal(found, small_skeleton(models)(TorchEngine())[1])
    with pytest.raises(NotPrepared, match=r"OpenVINO cannot prepare the networks .*export.*; choose the engine torch"):
        loaded(small_skeleton(models), "openvino")


def test_what_cannot_be_kept_is_not_prepared_at_every_start(openvino, tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setenv(FOLDER_VARIABLE, str(tmp_path / "file" / "cache"))
    models = saved(tmp_path, seed=4)
    assert loaded(small_skeleton(models))[0] == "torch"
    assert loaded(small_skeleton(models), "openvino")[0] == "openvino"


def test_what_is_kept_is_taken_from_where_nothing_can_be_written(small, openvino, cache, monkeypatch):
    openvino.network("skeleton", small)
    monkeypatch.setattr("OpportunisticBMDLib.inference.engine.can_keep", lambda: False)
    assert loaded(small_skeleton(small))[0] == "openvino"


def test_damaged_weights_are_no_reason_to_try_torch(small, openvino, tmp_path):
    shutil.copytree(small, tmp_path, dirs_exist_ok=True)
    weights = tmp_path / "skeleton" / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1] + b"!")
    with pytest.raises(BadInput, match="not those of their card"):
        loaded(small_skeleton(tmp_path))


def test_half_the_bits_are_taken_where_the_processor_computes_with_them(openvino, monkeypatch):
    import openvino as runtime

    from OpportunisticBMDLib.inference import openvino_engine

    class Processor:
        def __init__(self, chosen: runtime.Type) -> None:
            self.get_property = lambda device, name: chosen

    for chosen, precision in ((runtime.Type.bf16, "bf16"), (runtime.Type.f32, "f32"), (runtime.Type.f16, "f32")):
        monkeypatch.setattr(openvino_engine, "_core", lambda chosen=chosen: Processor(chosen))
        assert openvino.computing("segmentation") == ("openvino", precision)
        for stage in ("localizer", "skeleton", "bmd"):  # by which vertebrae are named and measured
            assert openvino.computing(stage) == ("openvino", "f32")


@pytest.fixture(scope="module")
def patient() -> CT:
    pytest.importorskip("spekpy", reason="virtual patients need the training extra")
    from OpportunisticBMDTraining.virtual.patient import virtual_patient

    made = virtual_patient(5)
    return CT(made.ct, made.acquisition)


@pytest.mark.slow
def test_openvino_gives_the_same_masks_and_the_same_density(openvino, patient):
    one, other = (Pipeline.load(engine=engine).run(patient) for engine in ("torch", "openvino"))
    assert one.result.bmd_mg_cm3 is not None
    assert other.result.bmd_mg_cm3 == pytest.approx(one.result.bmd_mg_cm3, abs=0.3)
    assert other.result.bmd_sd_mg_cm3 == pytest.approx(one.result.bmd_sd_mg_cm3, abs=0.1)
    assert {model["engine"] for model in one.result.models.values()} == {"torch"}
    assert {model["engine"] for model in other.result.models.values()} == {"openvino"}
    for name in LABELS:
        assert dice(one.segmentation, other.segmentation, name) >= 0.999
    np.testing.assert_allclose(other.result.box.ras_mm, one.result.box.ras_mm, atol=0.1)


def dice(one: Segmentation, other: Segmentation, name: str) -> float:
    first, second = (segmentation.labels.array == LABELS[name] for segmentation in (one, other))
    return float(2 * (first & second).sum() / (first.sum() + second.sum()))


PROGRAM = """
import sys
from OpportunisticBMDLib.cli import main

status = main(sys.argv[1:])
print(status, [name for name in ("torch", "torchvision") if sys.modules.get(name)])
"""


@pytest.mark.slow
def test_a_second_run_of_the_program_imports_neither_torch_nor_torchvision(openvino, patient, cache, tmp_path):
    import nibabel

    image = nibabel.Nifti1Image(patient.volume.array, patient.volume.grid.affine)
    nibabel.save(image, tmp_path / "ct.nii.gz")
    arguments = ("compute", tmp_path / "ct.nii.gz", "-o", tmp_path / "out", "--engine", "openvino", "--kvp", "120")
    child(PROGRAM, cache, *arguments)
    assert child(PROGRAM, cache, *arguments).stdout.splitlines()[-1] == "0 []"


def test_openvino_is_for_the_cpu():
    assert chosen_device("auto", "openvino") == chosen_device("cpu", "openvino") == "cpu"


LOOK_FOR_A_GPU = """
import sys
from OpportunisticBMDLib.inference.device import chosen_device

print(chosen_device("auto"), "torch" in sys.modules)
"""


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_without_a_gpus_driver_torch_is_not_asked(cache):
    assert child(LOOK_FOR_A_GPU, cache).stdout == "cpu False\n"


def test_a_gpu_is_for_torch(monkeypatch):
    assert engine_named("auto", "cuda") == engine_named("torch", "cuda") == TorchEngine("cuda")


def test_an_unknown_engine_is_a_mistake():
    with pytest.raises(ValueError, match="auto, torch, openvino, not 'steam'"):
        engine_named("steam")


def test_an_engine_that_is_not_installed_is_one_sentence(monkeypatch):
    monkeypatch.setitem(sys.modules, "openvino", None)
    monkeypatch.delitem(sys.modules, "OpportunisticBMDLib.inference.openvino_engine", raising=False)
    with pytest.raises(BadInput, match="OpenVINO is not installed; choose the engine torch"):
        engine_named("openvino")
    assert engine_named() == TorchEngine()
