"""Headers of NIfTI files: every field that is read is where nibabel has it."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
import SimpleITK as sitk
from nibabel.nifti1 import Nifti1Header
from nibabel.nifti2 import Nifti2Header

from OpportunisticBMDLib.core.grid import Grid
from OpportunisticBMDLib.core.volume import Volume
from OpportunisticBMDLib.reading.headers.nifti_fields import nifti_fields


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("known", [Nifti1Header, Nifti2Header])
def test_all_fields_are_where_nibabel_has_them(known, order):
    size = known.template_dtype.itemsize
    content = np.random.default_rng(0).integers(1, 100, size, np.uint8).tobytes()
    there, fields = known(content, endianness=order, check=False), nifti_fields(content, order)
    assert len(fields.dtype.names) == 20
    for name in fields.dtype.names:
        assert np.array_equal(fields[name], there[name]), name


def test_a_nifti_file_is_read_without_what_is_slow_to_import(tmp_path):
    random = np.random.default_rng(0)
    array = random.choice([-1000, -100, 50, 180, 900], (30, 30, 30), p=[0.2, 0.3, 0.3, 0.15, 0.05]).astype(np.int16)
    sitk.WriteImage(Volume(array, Grid.axis_aligned((30, 30, 30), (2, 2, 2))).to_sitk(), str(tmp_path / "ct.nii.gz"))
    code = (
        "import sys; from OpportunisticBMDLib.reading import read_ct; read_ct(sys.argv[1]);"
        "print([name for name in ('nibabel', 'pydicom', 'nrrd') if name in sys.modules])"
    )
    run = subprocess.run([sys.executable, "-c", code, str(tmp_path / "ct.nii.gz")], capture_output=True, text=True)
    assert run.stdout == "[]\n", run.stderr
