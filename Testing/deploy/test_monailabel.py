"""The MONAI Label app, with MONAI Label where it is installed, else with stand-ins for what the app asks of it."""

from __future__ import annotations

import importlib.util
import sys
from abc import ABC, abstractmethod
from enum import Enum
from pathlib import Path
from types import ModuleType

import pytest

from image_files import nrrd_file
from OpportunisticBMDLib.core.vertebrae import LABELS
from OpportunisticBMDLib.reading.image_file import read_volume

MAIN = Path(__file__).resolve().parents[2] / "Resources" / "MONAILabel" / "opportunisticbmd" / "main.py"


class HTTPException(Exception):
    def __init__(self, status_code: int, detail: str) -> None:
        super().__init__(detail)
        self.status_code, self.detail = status_code, detail


class MONAILabelApp:
    """As that of MONAI Label 0.8: it makes its tasks when it is made, and asks them for what a request names."""

    def __init__(self, app_dir, studies, conf, name="", description="", version="2.0", labels=None):
        self.studies, self.labels = studies, labels
        self._infers = self.init_infers()

    def infer(self, request):
        file, params = self._infers[request["model"]](dict(request))
        return {"file": file, "params": params}


class InferType(str, Enum):
    SEGMENTATION = "segmentation"


class InferTask(ABC):
    def __init__(self, type, labels, dimension, description, config=None):
        self.labels = labels

    @abstractmethod
    def is_valid(self): ...

    @abstractmethod
    def __call__(self, request): ...


STAND_INS = {
    "fastapi": {"HTTPException": HTTPException},
    "monailabel": {},
    "monailabel.interfaces": {},
    "monailabel.interfaces.app": {"MONAILabelApp": MONAILabelApp},
    "monailabel.interfaces.tasks": {},
    "monailabel.interfaces.tasks.infer_v2": {"InferTask": InferTask, "InferType": InferType},
}


@pytest.fixture
def app(monkeypatch, tmp_path):
    if importlib.util.find_spec("monailabel") is None:
        for name, held in STAND_INS.items():
            module = ModuleType(name)
            vars(module).update(held)
            monkeypatch.setitem(sys.modules, name, module)
    spec = importlib.util.spec_from_file_location("monailabel_app", MAIN)
    main = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(main)
    (tmp_path / "studies").mkdir()
    return main.OpportunisticBMD(str(MAIN.parent), str(tmp_path / "studies"), {})


def test_a_ct_without_a_spine_gives_the_reason_and_no_masks(app, tmp_path):
    answer = app.infer({"model": "opportunisticbmd", "image": str(nrrd_file(tmp_path / "ct.nrrd"))})
    assert answer["file"] is None
    assert answer["params"]["status"] == "refused" and answer["params"]["label_names"] == LABELS


def test_what_is_no_ct_is_told_in_a_sentence(app, tmp_path):
    (tmp_path / "ct.nii.gz").write_text("nothing")
    with pytest.raises(Exception) as raised:
        app.infer({"model": "opportunisticbmd", "image": str(tmp_path / "ct.nii.gz")})
    assert raised.value.status_code == 422 and "ct.nii.gz is damaged" in raised.value.detail


@pytest.mark.slow
def test_masks_lie_on_the_ct_and_the_density_is_told(app, tmp_path):
    import SimpleITK as sitk

    from OpportunisticBMDTraining.virtual.patient import virtual_patient

    ct = virtual_patient(1).ct
    sitk.WriteImage(ct.to_sitk(), str(tmp_path / "ct.nii.gz"))
    answer = app.infer({"model": "opportunisticbmd", "image": str(tmp_path / "ct.nii.gz")})
    labels = read_volume(Path(answer["file"]))
    Path(answer["file"]).unlink()
    assert labels.grid.is_close(ct.grid) and {1, 2, 3} >= set(labels.array.flat) - {0} != set()
    assert answer["params"]["bmd_mg_cm3"] > 0 and answer["params"]["status"] in ("measured", "review")
