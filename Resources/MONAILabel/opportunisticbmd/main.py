"""A MONAI Label app: masks of T12, L1 and L2 as the label, and the whole result with its density as parameters."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import SimpleITK as sitk
from fastapi import HTTPException
from monailabel.interfaces.app import MONAILabelApp
from monailabel.interfaces.tasks.infer_v2 import InferTask, InferType

from OpportunisticBMDLib import __version__
from OpportunisticBMDLib.core.errors import BadInput
from OpportunisticBMDLib.core.vertebrae import LABELS
from OpportunisticBMDLib.measuring import Setup
from OpportunisticBMDLib.reading import read_ct
from OpportunisticBMDLib.results.json_file import as_json

WHAT = "Bone mineral density of T12, L1 and L2. For research, not diagnosis."
UNREADABLE = 422  # of HTTP: what was sent is understood, and of no use


class OpportunisticBMD(MONAILabelApp):
    """The app; MONAI Label finds it as the one in main.py."""

    def __init__(self, app_dir: str, studies: str, conf: dict[str, str]) -> None:
        super().__init__(
            app_dir, studies, conf, name="OpportunisticBMD", description=WHAT, version=__version__, labels=LABELS
        )

    def init_infers(self) -> dict[str, InferTask]:
        return {"opportunisticbmd": Vertebrae()}


class Vertebrae(InferTask):
    """Measures a CT with models that are loaded once."""

    def __init__(self) -> None:
        super().__init__(InferType.SEGMENTATION, LABELS, dimension=3, description=WHAT)
        self._pipeline = Setup().pipeline()

    def is_valid(self) -> bool:
        return True

    def __call__(self, request: dict[str, Any]) -> tuple[str | None, dict[str, Any]]:
        """A label map on the CT's grid, None where no masks were found, and the entries of result.json.

        Raises:
            HTTPException: the image is no CT that can be read; its detail is the sentence that says why.
        """
        try:
            ct = read_ct(Path(request["image"]))
        except BadInput as error:
            raise HTTPException(UNREADABLE, str(error)) from error
        run = self._pipeline.run(ct)
        told = {"label_names": LABELS, **as_json(run.result)}
        if run.segmentation is None:
            return None, told
        with tempfile.NamedTemporaryFile(suffix=".nii.gz", delete=False) as file:  # the server removes it
            sitk.WriteImage(run.segmentation.labels.to_sitk(), file.name)
        return file.name, told
