"""The engines: the same densities and masks from torch and from OpenVINO."""

from __future__ import annotations

import builtins

import numpy as np
import pytest
import torch

from OpportunisticBMDLib.core.ct import CT
from OpportunisticBMDLib.core.errors import BadInput
from OpportunisticBMDLib.inference.engine import engine_named
from OpportunisticBMDLib.inference.openvino_engine import OpenVINONetwork
from OpportunisticBMDLib.networks.anatomynet import AnatomyNet
from OpportunisticBMDLib.pipeline import Pipeline


def test_openvino_gives_the_same_logits():
    pytest.importorskip("openvino", reason="needs the dev extra")
    torch.manual_seed(0)
    network, x = AnatomyNet(in_channels=2).eval(), torch.randn(1, 2, 12, 16, 20)
    with torch.inference_mode():
        expected = network(x)
        found = OpenVINONetwork(network, x.shape)(x)
    np.testing.assert_allclose(found, expected, atol=1e-4)


def test_openvino_takes_other_shapes_too():
    pytest.importorskip("openvino", reason="needs the dev extra")
    torch.manual_seed(0)
    network = AnatomyNet(in_channels=2).eval()
    compiled = OpenVINONetwork(network, (1, 2, 12, 16, 20))
    with torch.inference_mode():
        for shape in ((1, 2, 8, 8, 12), (1, 2, 12, 16, 20), (1, 2, 8, 8, 12)):
            x = torch.randn(*shape)
            np.testing.assert_allclose(compiled(x), network(x), atol=1e-4)


@pytest.mark.slow
def test_openvino_gives_the_same_density():
    pytest.importorskip("openvino", reason="needs the dev extra")
    pytest.importorskip("spekpy", reason="virtual patients need the training extra")
    from OpportunisticBMDTraining.virtual.patient import virtual_patient

    patient = virtual_patient(5)
    ct = CT(patient.ct, patient.acquisition)
    torch_run, openvino_run = (Pipeline.load(engine=engine).run(ct) for engine in ("torch", "openvino"))
    assert torch_run.result.bmd_mg_cm3 is not None
    assert openvino_run.result.bmd_mg_cm3 == pytest.approx(torch_run.result.bmd_mg_cm3, abs=0.1)
    differing = torch_run.segmentation.labels.array != openvino_run.segmentation.labels.array
    assert differing.mean() < 1e-5


def test_an_unknown_engine_is_a_mistake():
    with pytest.raises(ValueError, match="torch, openvino, not 'steam'"):
        engine_named("steam")


def test_an_engine_that_is_not_installed_is_one_sentence(monkeypatch):
    real = builtins.__import__

    def without_openvino(name: str, *rest: object):
        if name == "openvino":
            raise ImportError(name)
        return real(name, *rest)

    monkeypatch.setattr(builtins, "__import__", without_openvino)
    with pytest.raises(BadInput, match="OpenVINO is not installed; choose the engine torch"):
        engine_named("openvino")
