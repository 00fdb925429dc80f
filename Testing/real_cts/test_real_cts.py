"""The shipped models on real CTs, against whole-vertebra labels that another program drew."""

from __future__ import annotations

import json

import numpy as np
import pytest
import SimpleITK as sitk

from OpportunisticBMDLib.cli import MEASURED, REFUSED, main
from OpportunisticBMDLib.core.vertebrae import LABELS, VERTEBRAE
from OpportunisticBMDLib.core.volume import Volume
from OpportunisticBMDLib.results.segmentation_file import read_segmentation
from OpportunisticBMDTraining.cancellous import SPINAL_CORD
from OpportunisticBMDTraining.real_cts.mask_fit import LabelledVertebrae, MaskFit, mask_fit

# In the abdomen T12 touches the upper edge, and a bone island lies in L1: one body is left, and no density.
OUTCOMES = {"chest-contrast": MEASURED, "abdomen-native": REFUSED}


@pytest.fixture(scope="module", params=list(OUTCOMES))
def measured(request, real_ct, tmp_path_factory):
    """Result, masks, and whole-vertebra labels."""
    folder, output = real_ct(request.param), tmp_path_factory.mktemp(request.param)
    status = main(["compute", str(folder / "ct.nii.gz"), "-o", str(output), "--progress", "none"])
    result = json.loads((output / "result.json").read_text())
    assert status == OUTCOMES[request.param], result["reasons"]
    whole = Volume.from_sitk(sitk.ReadImage(str(folder / "labels.nii.gz")))
    return result, read_segmentation(output / "segmentation.seg.nrrd", whole.grid), whole


@pytest.fixture(scope="module")
def figures(measured) -> dict[str, MaskFit]:
    """Of every vertebra, beside the labels."""
    result, masks, whole = measured
    truth = LabelledVertebrae.of(whole)
    centroids = {name: result["vertebrae"][name]["centroid_ras_mm"] for name in VERTEBRAE}
    return {name: mask_fit(name, masks, truth, centroids[name]) for name in VERTEBRAE}


@pytest.mark.parametrize("vertebra", VERTEBRAE)
def test_centroid_lies_in_the_right_vertebra(figures, vertebra):
    assert figures[vertebra].centroid_inside


@pytest.mark.parametrize("vertebra", VERTEBRAE)
def test_mask_lies_inside_the_labelled_vertebra(figures, vertebra):
    assert figures[vertebra].inside >= 0.95


@pytest.mark.parametrize("vertebra", VERTEBRAE)
def test_at_least_half_of_the_inside_of_the_body_is_covered(figures, vertebra):
    assert figures[vertebra].covering >= 0.5


@pytest.mark.parametrize("vertebra", VERTEBRAE)
def test_mask_lies_in_front_of_the_cord(measured, vertebra):
    _, masks, whole = measured
    front = whole.grid.axis_towards(1)
    # Both arrays with the front-back axis last, running to the front.
    mask, cord = (np.moveaxis(m, front, -1) for m in (masks.array == LABELS[vertebra], whole.array == SPINAL_CORD))
    if whole.grid.affine[1, front] < 0:
        mask, cord = mask[..., ::-1], cord[..., ::-1]
    lines = mask.any(axis=-1) & cord.any(axis=-1)
    assert lines.sum() > 20
    hindmost_of_mask = mask[lines].argmax(axis=-1)
    foremost_of_cord = cord.shape[-1] - 1 - cord[lines][:, ::-1].argmax(axis=-1)
    assert (hindmost_of_mask > foremost_of_cord).all()


def test_density_is_a_possible_one(measured):
    result, _, _ = measured
    found = [vertebra["bmd_mg_cm3"] for vertebra in result["vertebrae"].values() if vertebra["measurable"]]
    assert found and all(20 < bmd < 260 for bmd in found)
    assert len(result["vertebrae_used"]) == (0 if result["status"] == "refused" else 2)


def test_a_body_with_a_bone_island_is_left_out(measured):
    result, _, _ = measured
    lesions = [reason["vertebra"] for reason in result["reasons"] if reason["code"] == "dense_lesion"]
    assert lesions == (["L1"] if result["status"] == "refused" else [])


def test_a_chest_that_ends_in_l1_is_refused(real_ct, tmp_path, capfd):
    output = tmp_path / "out"
    ct = real_ct("chest-aorta") / "ct.nii.gz"
    assert main(["compute", str(ct), "-o", str(output), "--progress", "none"]) == REFUSED
    result = json.loads((output / "result.json").read_text())
    assert result["bmd_mg_cm3"] is None and result["category"] is None
    refusals = [reason["message"] for reason in result["reasons"] if reason["severity"] == "refusal"]
    assert refusals and refusals[0] in capfd.readouterr().out


def variants(ct: sitk.Image):
    """The same CT in other files and axis orders."""
    yield from (("ct.nii.gz", ct), ("ct.nrrd", ct))
    for order in ("LPS", "ASR", "PIR"):
        yield f"{order}.nii.gz", sitk.DICOMOrient(ct, order)


def test_the_same_ct_in_other_files_and_axis_orders_gives_the_same_density(real_ct, tmp_path):
    from dicom_files import write_stack
    from OpportunisticBMDLib.pipeline import Pipeline
    from OpportunisticBMDLib.reading import read_ct

    ct = sitk.ReadImage(str(real_ct("abdomen-native") / "ct.nii.gz"))
    ct = sitk.Cast(sitk.DICOMOrient(ct, "LPS"), sitk.sitkInt16)
    paths = []
    for name, image in variants(ct):
        sitk.WriteImage(image, str(tmp_path / name))
        paths.append(tmp_path / name)
    array = sitk.GetArrayFromImage(ct).transpose(2, 1, 0)
    write_stack(tmp_path / "dicom", array, origin=ct.GetOrigin(), spacing=ct.GetSpacing(), KVP=120)
    pipeline = Pipeline.load()
    runs = {path.name: pipeline.run(read_ct(path)) for path in [*paths, tmp_path / "dicom"]}
    reference = runs.pop("ct.nii.gz")
    truth = reference.segmentation.labels
    for name, run in runs.items():
        assert run.result.bmd_mg_cm3 == pytest.approx(reference.result.bmd_mg_cm3, abs=0.5), name
        labels = run.segmentation.labels.resampled_labels(truth.grid).array
        for number in LABELS.values():
            same, either = (labels == number) & (truth.array == number), (labels == number) | (truth.array == number)
            assert same.sum() / either.sum() > 0.995, name
