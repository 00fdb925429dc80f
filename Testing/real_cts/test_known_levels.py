"""CTs whose levels a person has named: loading the levels, judging where a vertebra was found, masks as drafts."""

from __future__ import annotations

import numpy as np
import pytest
import SimpleITK as sitk

from example_results import box_of, grid_of, result_of, synthetic_case, vertebra
from OpportunisticBMDLib.cases import open_dataset
from OpportunisticBMDLib.core.box import MARGIN_MM, Box, box_ras
from OpportunisticBMDLib.core.ct import CT
from OpportunisticBMDLib.core.errors import BadInput
from OpportunisticBMDLib.core.grid import Grid
from OpportunisticBMDLib.core.vertebrae import VERTEBRAE
from OpportunisticBMDLib.pipeline import Run
from OpportunisticBMDTraining.cancellous import CORTEX_MM
from OpportunisticBMDTraining.known_levels import (
    Pipeline,
    annotate,
    height_of,
    height_of_slice,
    load_levels,
    main,
    slice_from_feet,
    table,
)
from OpportunisticBMDTraining.public_cts import LOCAL

LEVELS = """file,vertebra,first_slice,last_slice,remark
a.nii.gz,T12,48,58,osteophytes
a.nii.gz,L1,35,45,
b.zip,L1,2,7,
"""


def test_levels_are_loaded_by_file_and_vertebra(tmp_path):
    (tmp_path / "levels.csv").write_text(LEVELS)
    assert load_levels(tmp_path / "levels.csv") == {
        "a.nii.gz": {"T12": (48, 58), "L1": (35, 45)},
        "b.zip": {"L1": (2, 7)},
    }


@pytest.mark.parametrize("text", [LEVELS.replace("48", "low"), "file,vertebra\na.nii.gz,T12\n"])
def test_a_line_without_slices_is_named(tmp_path, text):
    (tmp_path / "levels.csv").write_text(text)
    with pytest.raises(BadInput, match=r"Line 2 of .*levels\.csv"):
        load_levels(tmp_path / "levels.csv")


def test_a_folder_without_levels_is_a_plain_error(tmp_path):
    with pytest.raises(BadInput, match=r"There is no .*levels\.csv"):
        load_levels(tmp_path / "levels.csv")


@pytest.mark.parametrize("head_first", [False, True])
def test_slices_count_from_the_feet_however_they_are_stored(head_first):
    grid = Grid.axis_aligned((10, 10, 40), (1, 1, 2.5))
    point = grid.ras_of((5, 5, 7))
    if head_first:
        affine = grid.affine.copy()
        affine[:3, 3] = grid.ras_of((0, 0, 39))
        affine[:3, 2] *= -1
        grid = Grid(grid.size, affine)
    assert slice_from_feet(grid, point) == pytest.approx(7)
    assert height_of_slice(grid, 7) == pytest.approx(point[2])


def test_levels_of_the_real_cts_fit_into_them():
    folder = LOCAL / "unlabelled"
    if not folder.is_dir():
        pytest.skip("the unlabelled CTs are not at hand")
    for file, vertebrae in load_levels(folder / "levels.csv").items():
        assert tuple(vertebrae) == VERTEBRAE
        spans = list(vertebrae.values())
        assert spans[0][0] > spans[1][1] and spans[1][0] > spans[2][1] >= spans[2][0] >= 0
        if file.endswith(".nii.gz"):
            reader = sitk.ImageFileReader()
            reader.SetFileName(str(folder / file))
            reader.ReadImageInformation()
            assert spans[0][1] < reader.GetSize()[2]


class FixedPipeline:
    """Finds the same bodies in every CT; what comes before and after it is real."""

    def __init__(self, run: Run) -> None:
        self._run = run

    def run(self, ct: CT) -> Run:
        return self._run


def test_the_table_tells_hits_from_misses_and_draws_every_ct(tmp_path, monkeypatch):
    ct, segmentation = synthetic_case(grid_of("straight", size=(140, 110, 48)))
    sitk.WriteImage(ct.volume.to_sitk(), str(tmp_path / "a.nii.gz"))
    centre = {name: ct.volume.grid.ras_of((70, 55, k)).tolist() for name, k in (("T12", 35), ("L1", 24))}
    found = {name: vertebra(100.0, centroid_ras_mm=tuple(at)) for name, at in centre.items()}
    result = result_of(box=box_of(), vertebrae=found)
    pipeline = FixedPipeline(Run(result, segmentation))
    monkeypatch.setattr(Pipeline, "load", classmethod(lambda cls, models: pipeline))
    (tmp_path / "levels.csv").write_text(
        "file,vertebra,first_slice,last_slice\n"
        "a.nii.gz,T12,37,41\na.nii.gz,L1,27,30\na.nii.gz,L2,10,14\ngone.nii.gz,L1,1,2\n"
    )
    rows = table(tmp_path, tmp_path / "pictures").splitlines()[2:]
    assert rows[:3] == [
        "| a.nii.gz | T12 | 37-41 | 35.0 | yes | yes | measured |",
        "| a.nii.gz | L1 | 27-30 | 24.0 | no | yes | measured |",
        "| a.nii.gz | L2 | 10-14 | - | no | yes | measured |",
    ]
    assert rows[3].startswith("| gone.nii.gz |") and "does not exist" in rows[3]
    assert (tmp_path / "pictures" / "a.png").read_bytes().startswith(b"\x89PNG")


def test_an_error_is_one_plain_line(tmp_path, capsys):
    assert main(["table", str(tmp_path)]) == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_box_reaches_from_the_upper_to_the_lower_level_and_beyond_a_cut_one():
    grid = Grid.axis_aligned((10, 10, 60), (1, 1, 2.0))
    beyond = MARGIN_MM - CORTEX_MM
    low, high = height_of({"T12": (40, 50), "L1": (27, 37), "L2": (14, 24)}, grid)
    assert low == pytest.approx(height_of_slice(grid, 14) - 1 - beyond)
    assert high == pytest.approx(height_of_slice(grid, 50) + 1 + beyond)
    low, _ = height_of({"T12": (30, 40), "L1": (17, 27), "L2": (0, 12)}, grid)
    assert low == pytest.approx(height_of_slice(grid, 2) - 1 - beyond)


class FixedStages:
    """A localizer whose height is wrong, and a segmenter that finds the bodies wherever it is asked to look."""

    def __init__(self, ct: CT, segmentation) -> None:
        box = box_ras(segmentation.labels)
        self.localizer = lambda volume: Box(box + [[4.0], [-3.0], [60.0]], 0.9)
        self.asked: list[Box] = []
        self._segmentation = segmentation

    def segmenter(self, volume, box: Box):
        self.asked.append(box)
        return self._segmentation

    def measure(self, ct: CT, segmentation) -> Run:
        return Run(result_of(box=box_of()), segmentation)


def test_masks_are_drawn_within_the_levels_not_where_the_localizer_looked(tmp_path, monkeypatch):
    ct, segmentation = synthetic_case(grid_of("straight", size=(140, 110, 48)))
    sitk.WriteImage(ct.volume.to_sitk(), str(tmp_path / "a.nii.gz"))
    truth = box_ras(segmentation.labels)
    spans = {}
    for number, name in enumerate(VERTEBRAE, start=1):
        slices = np.argwhere(segmentation.labels.array == number)[:, 2]
        spans[name] = (slices.min(), slices.max())
    rows = [f"a.nii.gz,{name},{first},{last}" for name, (first, last) in spans.items()]
    (tmp_path / "levels.csv").write_text("\n".join(["file,vertebra,first_slice,last_slice", *rows]))
    stages = FixedStages(ct, segmentation)
    monkeypatch.setattr(Pipeline, "load", classmethod(lambda cls, models: stages))
    annotate(tmp_path, tmp_path / "drafts")
    first, second = (box.ras_mm for box in stages.asked)
    np.testing.assert_allclose(first[2], truth[2] + (CORTEX_MM, -CORTEX_MM), atol=1e-6)
    np.testing.assert_allclose(second[2], first[2])
    np.testing.assert_allclose(second[:2], truth[:2], atol=1e-6)
    case = open_dataset(tmp_path / "drafts").case("a")
    np.testing.assert_array_equal(case.labels.array, segmentation.labels.array)
    assert (tmp_path / "drafts" / "pictures" / "a.png").is_file()
