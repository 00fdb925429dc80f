"""The checks on real CTs: their figures, bone mineral that is added, other scans of a CT, and the command."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from example_results import box_of, grid_of, result_of, synthetic_case, vertebra
from grids import every_grid

for package in ("joblib", "scipy", "sklearn", "statsmodels", "MLstatkit"):
    pytest.importorskip(package, reason="evaluation needs the training extra")

from OpportunisticBMDLib.calibration import line_for  # noqa: E402
from OpportunisticBMDLib.core.box import Box  # noqa: E402
from OpportunisticBMDLib.core.calibration_line import Calibration  # noqa: E402
from OpportunisticBMDLib.core.ct import CT  # noqa: E402
from OpportunisticBMDLib.core.grid import Grid  # noqa: E402
from OpportunisticBMDLib.core.reason import Reason  # noqa: E402
from OpportunisticBMDLib.core.region import Region  # noqa: E402
from OpportunisticBMDLib.core.segmentation import Segmentation  # noqa: E402
from OpportunisticBMDLib.core.vertebrae import LABELS, VERTEBRAE  # noqa: E402
from OpportunisticBMDLib.core.volume import Volume  # noqa: E402
from OpportunisticBMDLib.pipeline import Pipeline, Run  # noqa: E402
from OpportunisticBMDTraining import public_cts  # noqa: E402
from OpportunisticBMDTraining.real_cts import chain, phantom  # noqa: E402
from OpportunisticBMDTraining.real_cts.__main__ import main  # noqa: E402
from OpportunisticBMDTraining.real_cts.added import Response  # noqa: E402
from OpportunisticBMDTraining.real_cts.by_hand import circles, mean_hu  # noqa: E402
from OpportunisticBMDTraining.real_cts.degraded import PAIRS  # noqa: E402
from OpportunisticBMDTraining.real_cts.density import share_of_change, with_added  # noqa: E402
from OpportunisticBMDTraining.real_cts.mask_fit import LabelledVertebrae, deep_inside, mask_fit  # noqa: E402
from OpportunisticBMDTraining.real_cts.phantom import line_of  # noqa: E402
from OpportunisticBMDTraining.real_cts.response import slope_of, spread_of  # noqa: E402
from OpportunisticBMDTraining.real_cts.variants import (  # noqa: E402
    FIELD_MM,
    NOISE_HU,
    SLICES_MM,
    SUPERIOR,
    changes,
    in_small_field,
    in_thick_slices,
    with_noise,
)

LINE = line_for(120.0)
every_orientation = pytest.mark.parametrize("orientation", ["straight", "flipped", "left-handed", "oblique", "coronal"])


def cuboid(grid: Grid, first: tuple[int, int, int], stop: tuple[int, int, int], number: int = 1) -> Volume:
    """A label map of one cuboid, from index `first` up to, not including, `stop`."""
    array = np.zeros(grid.size, np.uint8)
    array[tuple(slice(a, b) for a, b in zip(first, stop))] = number
    return Volume(array, grid)


# Figures of masks


@every_grid
def test_figures_count_what_lies_inside_and_what_is_covered(grid):
    whole = cuboid(grid, (4, 2, 3), (18, 16, 13), LABELS["L1"])
    masks = cuboid(grid, (4, 2, 0), (18, 16, 8), LABELS["L1"])  # 5 of its 8 slices lie in the vertebra
    centroid = tuple(grid.ras_of((10.5, 8.5, 3.5)))
    figures = mask_fit("L1", masks, LabelledVertebrae(whole, whole), centroid)
    weight = deep_inside(whole.array > 0, grid).sum(axis=(0, 1))
    assert figures.centroid_inside
    assert figures.inside == pytest.approx(5 / 8)
    assert figures.covering == pytest.approx(weight[:8].sum() / weight.sum())


@every_grid
def test_the_centroid_counts_where_it_was_reported(grid):
    whole = cuboid(grid, (2, 2, 2), (9, 9, 9), LABELS["T12"])
    truth = LabelledVertebrae(whole, whole)
    for index, is_inside in (((5, 5, 5), True), ((15, 5, 5), False), ((-40, 5, 5), False), ((5, 5, 99), False)):
        assert mask_fit("T12", whole, truth, tuple(grid.ras_of(index))).centroid_inside == is_inside
    assert not mask_fit("T12", whole, truth, None).centroid_inside


def test_another_vertebras_mask_does_not_count():
    grid = grid_of("left-handed")
    whole, masks = (cuboid(grid, (5, 5, 5), (25, 25, 25), LABELS[name]) for name in ("L1", "L2"))
    figures = mask_fit("L1", masks, LabelledVertebrae(whole, whole), None)
    assert np.isnan(figures.inside) and figures.covering == 0


def test_masks_on_another_grid_are_told_of():
    whole = cuboid(grid_of("straight"), (5, 5, 5), (9, 9, 9))
    masks = cuboid(grid_of("flipped"), (5, 5, 5), (9, 9, 9))
    with pytest.raises(ValueError, match="same grid"):
        mask_fit("T12", masks, LabelledVertebrae(whole, whole), None)


def test_the_inside_lies_two_millimetres_below_the_faces_whatever_the_voxels():
    grid = Grid.axis_aligned((30, 30, 20), (0.8, 1.0, 3.0))
    deep = deep_inside(cuboid(grid, (5, 5, 5), (25, 25, 20)).array > 0, grid)
    middle = deep[15, 15]
    assert middle[4] == 0 and middle[5] == pytest.approx(1 / 3) and middle[6:].tolist() == [1.0] * 14  # the scan ends
    assert deep[:, 15, 15].nonzero()[0].tolist() == list(range(8, 22))  # the third centre is not yet beyond 2 mm
    assert deep[15, :, 15].nonzero()[0].tolist() == list(range(7, 23))


# Bone mineral that is added


@every_grid
@pytest.mark.parametrize("change", [-60.0, 60.0])
def test_added_mineral_changes_the_masks_by_slope_times_change(grid, change):
    labels = cuboid(grid, (8, 7, 6), (13, 12, 10), LABELS["L2"])
    ct = Volume(np.random.default_rng(3).integers(-100, 400, grid.size).astype(np.int16), grid)
    mask = labels.array > 0
    difference = with_added(ct, labels, change, LINE).array - ct.array
    np.testing.assert_allclose(difference[mask], LINE.slope_hu_per_mg_cm3 * change, atol=1e-3)
    voxels = grid.ras_of(np.argwhere(~mask))
    inside = grid.ras_of(np.argwhere(mask))
    distance = np.linalg.norm(voxels[:, None] - inside[None], axis=-1).min(axis=1)
    assert not difference[~mask][distance > 2.5 * max(1.0, grid.spacing.max() / 1.5)].any()
    assert ct.array.dtype == np.int16 and ct.array.max() < 400  # the CT itself is as it was


@every_grid
def test_added_mineral_fades_out_and_reaches_the_next_voxels(grid):
    labels = cuboid(grid, (8, 7, 6), (13, 12, 10))
    share = share_of_change(labels)
    middle = share[:, 9, 8]
    assert (np.diff(middle[12:]) <= 0).all() and middle[-1] == 0
    for neighbour in ((13, 9, 8), (10, 12, 8), (10, 9, 10), (7, 9, 8), (10, 6, 8), (10, 9, 5)):
        assert share[neighbour] == 1


def test_nothing_is_added_without_masks():
    grid = grid_of("oblique")
    assert not share_of_change(Volume(np.zeros(grid.size, np.uint8), grid)).any()


# Slopes


def test_slope_of_what_was_measured():
    assert slope_of((-60, 0, 60), (45.0, 100.0, 155.0)) == pytest.approx(55 / 60)
    assert slope_of((-60, 0, 60), (np.nan, 100.0, 163.0)) == pytest.approx(63 / 60)
    assert slope_of((-60, 0, 60), (40.0, 100.0, 190.0)) == pytest.approx(150 / 120)  # least squares, symmetric


@pytest.mark.parametrize("measured", [(np.nan, 100.0, np.nan), (np.nan,) * 3])
def test_no_slope_from_fewer_than_two(measured):
    assert np.isnan(slope_of((-60, 0, 60), measured))


def test_spread_of_slopes_leaves_out_unknown_ones():
    spread = spread_of([0.98, np.nan, 1.04, 1.01])
    assert (spread.n, spread.reached) == (3, 2)
    assert (spread.least, spread.mean, spread.most) == pytest.approx((0.98, 1.01, 1.04))
    assert spread.sd == pytest.approx(0.03)
    assert spread_of([]).n == 0 and np.isnan(spread_of([]).mean) and np.isnan(spread_of([1.0]).sd)


def test_a_refusal_says_at_which_amount_and_leaves_the_others():
    found = {name: vertebra(bmd, network_bmd_mg_cm3=bmd + 2) for name, bmd in (("L1", 100.0), ("L2", 110.0))}
    measured = result_of(bmd_mg_cm3=105.0, vertebrae_used=("L1", "L2"), vertebrae=found)
    more = replace(measured, bmd_mg_cm3=165.0)
    refused = result_of("refused", reasons=(Reason("box_leaves_scan", "refusal", "It is too dark."),), vertebrae={})
    response = Response("a", "native", (refused, measured, more))
    assert response.remarks == "refused at −60: box_leaves_scan"
    assert response.slopes == pytest.approx({"reading": 1.0, "DenseNet": 0.0})


# Other scans of a CT


BLOB = (60.0, -70.0, 162.0)  # right, front, head


def bright_blob(orientation: str) -> Volume:
    """A bright ball at `BLOB` in a wide scan."""
    grid = grid_of(orientation, size=(110, 100, 90), spacing=(3.0, 3.3, 2.0))
    ras = grid.ras_of(np.stack(np.meshgrid(*map(np.arange, grid.size), indexing="ij"), axis=-1))
    return Volume((500 * np.exp(-(((ras - BLOB) / 12) ** 2).sum(axis=-1))).astype(np.float32), grid)


def blob_off(volume: Volume) -> np.ndarray:
    """(3,) how many voxels the ball lies off its place."""
    index = np.stack(np.meshgrid(*map(np.arange, volume.grid.size), indexing="ij"), axis=-1)
    found = (index * volume.array[..., None]).sum(axis=(0, 1, 2)) / volume.array.sum()
    return found - volume.grid.index_of(BLOB)


@every_orientation
@pytest.mark.parametrize("variant", [in_thick_slices, in_small_field])
def test_a_bright_blob_stays_where_it_is(orientation, variant):
    volume = bright_blob(orientation)
    changed = variant(volume, np.array([20.0, -40.0, 150.0]))
    assert np.abs(blob_off(changed)).max() < 0.5
    assert changed.array.max() == pytest.approx(500, rel=0.1)


@every_orientation
def test_thick_slices_are_five_millimetres_within_the_scan(orientation):
    grid = grid_of(orientation, size=(41, 37, 33), spacing=(1.5, 1.5, 1.25))
    ct = Volume(np.full(grid.size, 100.0, np.float32), grid)
    thick = in_thick_slices(ct, np.zeros(3))
    axis = grid.axis_towards(SUPERIOR)
    assert thick.grid.spacing[axis] == pytest.approx(SLICES_MM[0])
    np.testing.assert_allclose(np.delete(thick.grid.spacing, axis), np.delete(grid.spacing, axis))
    lost = grid.size[axis] * grid.spacing[axis] - thick.grid.size[axis] * SLICES_MM[0]
    assert 0 <= lost < SLICES_MM[0]
    np.testing.assert_allclose(thick.array, 100.0, atol=0.01)  # nowhere is air averaged in
    first = np.zeros(3)
    first[axis] = -0.5
    np.testing.assert_allclose(thick.grid.ras_of(first), grid.ras_of(first), atol=1e-6)


def test_thick_slices_are_not_made_from_thick_slices():
    for thickness, expected in ((1.25, True), (3.0, True), (5.0, False), (4.0, False)):
        grid = Grid.axis_aligned((9, 9, 9), (1, 1, thickness))
        assert bool(changes("5 mm slices", grid)) is expected
        assert changes("native", grid)
    assert changes("8 mm slices", Grid.axis_aligned((9, 9, 9), (1, 1, 5.0)))


@every_orientation
def test_the_small_field_is_25_cm_around_the_spine_at_all_heights(orientation):
    volume = bright_blob(orientation)
    centre = np.array([12.0, -34.0, 150.0])
    field = in_small_field(volume, centre)
    axis = volume.grid.axis_towards(SUPERIOR)
    assert field.grid.size[axis] == volume.grid.size[axis]
    extent = np.array(field.grid.size) * field.grid.spacing
    assert (np.delete(extent, axis) <= FIELD_MM + np.delete(field.grid.spacing, axis)).all()
    off = field.grid.index_of(centre) - (np.array(field.grid.size) - 1) / 2
    assert np.abs(off).max() <= 1


def test_a_field_at_the_edge_of_the_scan_ends_there():
    volume = bright_blob("left-handed")
    field = in_small_field(volume, volume.grid.ras_of((0, 50, 40)))
    assert field.array.shape[0] == pytest.approx(FIELD_MM / 2 / 3.0, abs=1)


def test_noise_has_its_sd_and_is_the_same_for_every_amount():
    volume = bright_blob("flipped")
    noisy, again = (with_noise(volume, np.zeros(3)).array - volume.array for _ in range(2))
    assert noisy.std() == pytest.approx(NOISE_HU, rel=0.01) and abs(noisy.mean()) < 0.5
    np.testing.assert_array_equal(noisy, again)


# The command


@dataclass(frozen=True)
class ByHU:
    """Finds three bodies at the same place of every CT and reads their density by the calibration line, as it is."""

    models: Path | None
    calibration: Calibration | None = None

    @property
    def _bias(self) -> float:
        return 0.0 if self.models is None else 7.0

    def localizer(self, ct: Volume) -> Box:
        return box_of()

    def segmenter(self, ct: Volume, box: Box) -> Segmentation:
        return synthetic_case(ct.grid)[1]

    def segment_within(self, ct: CT, box: Box) -> Run:
        return self.run(ct)

    def run(self, ct: CT) -> Run:
        _, segmentation = synthetic_case(ct.volume.grid)
        found = {}
        for name in VERTEBRAE:
            mask = segmentation.labels.array == LABELS[name]
            bmd = float(LINE.bmd(ct.volume.array[mask].mean()))
            centroid = tuple(ct.volume.grid.ras_of(np.argwhere(mask).mean(axis=0)))
            found[name] = vertebra(bmd + self._bias, network_bmd_mg_cm3=bmd, centroid_ras_mm=centroid)
        mean = (found["L1"].bmd_mg_cm3 + found["L2"].bmd_mg_cm3) / 2
        known = {"vertebrae_used": ("L1", "L2"), "vertebrae": found, "box": box_of()}
        return Run(result_of(bmd_mg_cm3=mean, bmd_sd_mg_cm3=5.0, category="normal", **known), segmentation)


@pytest.fixture
def by_hu(monkeypatch):
    chain.pipeline.cache_clear()
    monkeypatch.setattr(Pipeline, "load", classmethod(lambda cls, models, device: ByHU(models)))
    yield
    chain.pipeline.cache_clear()


@pytest.fixture
def folder(tmp_path) -> Path:
    """Two CTs of one patient, the second one brighter, with levels of which one is wrong."""
    ct, segmentation = synthetic_case(grid_of("left-handed", size=(70, 60, 40), spacing=(4.0, 4.4, 3.0)))
    rows = ["file,vertebra,first_slice,last_slice"]
    for file, more in (("hcc-005-native.nii.gz", 0), ("hcc-005-contrast.nii.gz", 13)):
        bright = Volume(ct.volume.array + np.int16(more) * (segmentation.labels.array > 0), ct.volume.grid)
        sitk.WriteImage(Volume(bright.array.astype(np.int16), bright.grid).to_sitk(), str(tmp_path / file))
        for name in VERTEBRAE:
            slices = np.flatnonzero((segmentation.labels.array == LABELS[name]).any(axis=(0, 1)))
            wrong = 9 if (more, name) == (13, "L2") else 0
            rows.append(f"{file},{name},{slices[0] + wrong},{slices[-1] + wrong}")
    (tmp_path / "levels.csv").write_text("\n".join(rows))
    return tmp_path


def cells(text: str, *begin: str) -> list[str]:
    """Of the one row of the tables that begins with these cells."""
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines() if line[:1] == "|"]
    (row,) = (row for row in rows if tuple(row[: len(begin)]) == begin)
    return row[len(begin) :]


def test_the_command_prints_tables_and_draws_every_run(by_hu, folder, tmp_path, capsys):
    output = tmp_path / "out"
    arguments = ["-o", str(output), "--unlabelled", str(folder), "--only", "unlabelled", "pair", "--ct", "hcc-005"]
    assert main([*arguments, "--left-out", f"hcc-005-native={tmp_path / 'without'}"]) == 0
    printed = capsys.readouterr().out
    assert (output / "real_cts.md").read_text() == printed
    assert cells(printed, "shipped", "hcc-005-native.nii.gz", "L1")[2:] == ["yes", "yes", "measured"]
    assert cells(printed, "shipped", "hcc-005-contrast.nii.gz", "L2")[2] == "no"
    assert cells(printed, f"left out: {tmp_path / 'without'}", "hcc-005-native.nii.gz", "T12")[2] == "yes"
    assert "8 of 9 centroids" in printed
    native, contrast, difference, in_place = cells(printed, "shipped", "T12", "reading")
    assert in_place == "yes"
    assert float(contrast) - float(native) == pytest.approx(float(difference), abs=0.11)
    assert float(difference) == pytest.approx(13 / LINE.slope_hu_per_mg_cm3, abs=0.1)
    pictures = sorted(path.name for path in (output / "pictures").iterdir())
    assert len(pictures) == 3 and pictures[0] == "hcc-005-contrast-shipped.png"
    assert "left-out" in pictures[1] and pictures[1].startswith("hcc-005-native-")


def test_models_left_out_of_both_scans_give_another_pair(by_hu, folder, capsys):
    arguments = ["--unlabelled", str(folder), "--only", "pair", "--ct", "hcc-005"]
    assert main([*arguments, "--left-out", "unlabelled=elsewhere"]) == 0
    printed = capsys.readouterr().out
    shipped, other = (cells(printed, models, "L1", "reading") for models in ("shipped", "left out: elsewhere"))
    assert float(other[0]) == pytest.approx(float(shipped[0]) + 7, abs=0.11)
    assert not (folder / "pictures").exists()


def test_other_scans_of_a_ct_are_held_against_what_it_reads_untouched(by_hu, folder, tmp_path, capsys):
    """The bodies are of 150 HU throughout: as it is, what is shown and the reference are the same."""
    output = tmp_path / "out"
    arguments = ["-o", str(output), "--unlabelled", str(folder), "--only", "degraded", "--ct", "hcc-005-native"]
    assert main(arguments) == 0
    printed = capsys.readouterr().out
    single, _, pairs = printed.partition(PAIRS)
    count, shown, direct, covered = cells(single, "as it is")
    assert count == "3" and shown.endswith("(goal 1.5 / 3: reached)") and covered == "100 % (3/3)"
    assert abs(float(shown.split(" / ")[0].replace("−", "-"))) < 1 and direct == shown.partition(" (")[0]
    assert cells(pairs.partition("Each CT")[0], "as it is")[0] == "1"
    assert {cells(single, variant)[0] for variant in ("30 HU noise", "sharp kernel", "soft kernel")} == {"3"}
    reference, bmd, _ = cells(printed, "hcc-005-native.nii.gz", "L1")
    assert float(bmd) == pytest.approx(float(LINE.bmd(150)), abs=0.1) == pytest.approx(float(reference), abs=1.5)
    assert [path.name for path in (output / "pictures").iterdir()] == ["hcc-005-native-degraded.png"]


def test_models_that_were_fitted_without_the_patient_take_the_place_of_the_shipped_ones(by_hu, folder, capsys):
    arguments = ["--unlabelled", str(folder), "--only", "degraded", "--ct", "hcc-005"]
    assert main([*arguments, "--left-out", "hcc-005=elsewhere"]) == 0
    printed = capsys.readouterr().out
    shown = cells(printed.partition(PAIRS)[0], "as it is")[1]
    assert float(shown.split(" / ")[0].replace("−", "-")) == pytest.approx(7, abs=1) and "missed" in shown
    assert "fitted without the patient: hcc-005-native.nii.gz (left out: elsewhere), hcc-005-contrast" in printed


def test_a_circle_by_hand_reads_what_lies_under_it():
    grid = Grid.axis_aligned((80, 80, 20), (0.7, 0.7, 2.5))
    right, front, _ = np.moveaxis(grid.ras_of(np.moveaxis(np.indices(grid.size), 0, -1)), -1, 0)
    ct = Volume((100 + 2 * right + 3 * front).astype(np.float32), grid)
    region = Region(np.zeros(3), np.diag([12.0, 9.0, 4.5]))
    read = [mean_hu(ct, circle) for circle in circles(region)]
    assert read == pytest.approx([100, 112, 88, 112], abs=0.5)
    assert {tuple(circle.half_mm) for circle in circles(region)} == {(4.5, 4.5, 4.5)}


def test_a_phantoms_own_line_gives_its_inserts_their_density():
    line = line_of(37.0, 310.0)
    assert line.slope_hu_per_mg_cm3 == pytest.approx(1.365) and line.bmd(37.0) == 0 and line.bmd(310.0) == 200
    assert line.sd(200.0) == 0


def test_the_real_phantom_is_read_through_both_lines(capsys):
    if not (public_cts.LOCAL / phantom.SCAN).is_file():
        pytest.skip("the scan of the phantom is not at hand")
    assert main(["--only", "phantom"]) == 0
    printed = capsys.readouterr().out
    hu, _, own = cells(printed, "rod, 200 mg HA/cm³")
    assert float(hu) == pytest.approx(310, abs=5) and own == "200.0"
    assert float(cells(printed, "water insert")[0]) == pytest.approx(37, abs=5)
    assert "beyond its 95 % interval" in printed


def test_without_the_phantoms_scan_the_section_says_so(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(phantom, "LOCAL", tmp_path)
    assert main(["--only", "phantom"]) == 0
    assert "Left out: the scan of the phantom is not at hand." in capsys.readouterr().out


def test_mineral_that_was_added_is_found_again_in_every_variant(by_hu, folder, capsys):
    arguments = ["--unlabelled", str(folder), "--only", "added", "--ct", "hcc-005-native"]
    assert main(arguments) == 0
    printed = capsys.readouterr().out
    for variant in ("native", "30 HU noise", "25 cm field of view"):
        slope, line, bmd, _, used, remarks = cells(printed, "hcc-005-native.nii.gz", variant)
        assert float(slope) == pytest.approx(1, abs=0.002) and float(line) == pytest.approx(1, abs=0.002)
        assert float(bmd) == pytest.approx(LINE.bmd(150), abs=2)
        assert (used, remarks) == ("L1+L2", "")
        count, reached, mean, sd, least, most = cells(printed, variant, "reading")
        assert (count, reached, sd) == ("1", "1", "–") and mean == least == most == slope
    assert 0.8 < float(cells(printed, "hcc-005-native.nii.gz", "5 mm slices")[0]) < 1.01


def test_a_ct_that_cannot_be_read_is_a_row_and_the_others_go_on(by_hu, folder, capsys):
    (folder / "hcc-005-contrast.nii.gz").write_bytes(b"no image")
    assert main(["--unlabelled", str(folder), "--only", "unlabelled", "pair", "added", "--ct", "hcc-005"]) == 0
    printed = capsys.readouterr().out
    assert len(cells(printed, "shipped", "hcc-005-contrast.nii.gz", "")[-1]) > 20
    assert cells(printed, "shipped", "T12", "reading")[1:] == ["–", "–", "no"]
    assert "fewer than two vertebrae are found on them: hcc-005-contrast.nii.gz." in printed


def test_sections_without_cts_say_why(by_hu, monkeypatch, tmp_path, capsys):
    monkeypatch.setattr("OpportunisticBMDTraining.real_cts.__main__.LOCAL", tmp_path)
    assert main(["--only", "unlabelled", "pair"]) == 0
    printed = capsys.readouterr().out
    assert "no CTs whose levels were read by eye are at hand" in printed
    assert "hcc-005-native and hcc-005-contrast are not both at hand" in printed


@pytest.mark.parametrize(
    "arguments", [["--only", "everything"], ["--left-out", "hcc-005"], ["--left-out", "=models"], ["--left-out", "a="]]
)
def test_a_wrong_argument_is_a_usage_error(arguments, capsys):
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == 2
    assert arguments[1] in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--models", "nowhere"], "nowhere"),
        (["--left-out", "hcc-005=nowhere"], "nowhere"),
        (["--left-out", "hcc-999=nowhere"], "No CT is called hcc-999; give the beginning of one of chest-contrast"),
        (["--ct", "hcc-999"], "No CT is called hcc-999"),
        (["--jobs", "0"], "--jobs is 0"),
        (["-o", "levels.csv"], "levels.csv is a file"),
        (["--unlabelled", "elsewhere"], "There is no elsewhere/levels.csv"),
    ],
)
def test_bad_input_is_one_plain_line(arguments, message, folder, monkeypatch, capsys):
    monkeypatch.chdir(folder)
    chain.pipeline.cache_clear()
    assert main(["--only", "unlabelled", "--unlabelled", ".", *arguments]) == 2
    error = capsys.readouterr().err
    assert message in error and error.count("\n") == 1
    assert not (folder / "real_cts.md").exists()


@pytest.mark.slow
def test_the_shipped_models_on_a_real_labelled_ct(real_ct, tmp_path, capsys):
    real_ct("abdomen-native")
    chain.pipeline.cache_clear()
    assert main(["-o", str(tmp_path), "--only", "labelled", "--ct", "abdomen-native"]) == 0
    printed = capsys.readouterr().out
    for name in VERTEBRAE:
        centroid, inside, covered, _, status = cells(printed, "abdomen-native", "shipped", name)
        assert centroid == "yes" and status == "refused"  # L1 holds a bone island, and T12 touches the upper edge
        assert float(inside.rstrip(" %")) >= 95 and float(covered.rstrip(" %")) >= 50
    assert (tmp_path / "real_cts.md").read_text() == printed
    assert (tmp_path / "pictures" / "abdomen-native-shipped.png").read_bytes().startswith(b"\x89PNG")
