"""The cohort `many-scanners`: what varies, and that the truth stays exact while it does."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, replace

import numpy as np
import pytest
from scipy import ndimage

from OpportunisticBMDLib.cases import REFERENCE_SCALE, open_dataset
from OpportunisticBMDLib.cli.simulate import COHORTS as OFFERED
from OpportunisticBMDLib.core.errors import BadInput
from OpportunisticBMDLib.core.materials import HA_HU_PER_MG_CM3
from OpportunisticBMDLib.core.vertebrae import LABELS, VERTEBRAE
from OpportunisticBMDTraining.fit.samples.prepare import Sample
from OpportunisticBMDTraining.fit.samples.prepare import main as prepare
from OpportunisticBMDTraining.simulate import info_of, simulate
from OpportunisticBMDTraining.virtual.canvas import Canvas
from OpportunisticBMDTraining.virtual.draw_any_spine import fractured
from OpportunisticBMDTraining.virtual.materials import calibration
from OpportunisticBMDTraining.virtual.parameters import Appearance, Arm, Dent, Implant, Spur, TextureParameters
from OpportunisticBMDTraining.virtual.patient import COHORTS, draw_parameters, render
from OpportunisticBMDTraining.virtual.scan import acquire, noise_fields, noise_power
from OpportunisticBMDTraining.virtual.slices import Slices, plane_heights
from OpportunisticBMDTraining.virtual.spine import paint_vertebra, place, place_vertebrae
from OpportunisticBMDTraining.virtual.texture import Texture
from OpportunisticBMDTraining.virtual.thorax import rib_course
from OpportunisticBMDTraining.virtual.trunk import Trunk

ONE_SCANNER = "f2314bc7b1cf"  # of the records of 20 patients
SCAN = {"kvp": 120.0, "noise_hu": 6.0, "kernel_sigma": 0.5, "slice_thickness": 2.0, "increment": 2.0, "smear": 0.3}
FIELD = {"pixel": 1.0, "field_of_view": 300.0, "top": 75.0, "bottom": -85.0, "centre": (0.0, 20.0)}
IDEAL = {"slope": 1.0, "offset": 0.0, "cupping_hu": 0.0, "edge": 0.0}


def plain(seed: int, **scan):
    """A patient of the cohort with healthy vertebrae, scanned coarsely from T11 to L4, without metal or arms."""
    drawn = draw_parameters(seed, "many-scanners")
    return replace(
        drawn,
        vertebrae=draw_parameters(seed).vertebrae,
        scan=replace(drawn.scan, **{**SCAN, **FIELD, **IDEAL, **scan}),
        body=replace(
            drawn.body, arms=(), rib12=(90.0, 90.0), rib13=(0.0, 0.0), floating=(Appearance(),) * 3, sides=1.0
        ),
        implants=(),
    )


def with_vertebra(parameters, name: str, **changes):
    """The same patient with one vertebra changed."""
    vertebrae = tuple(replace(v, **changes) if v.name == name else v for v in parameters.vertebrae)
    return replace(parameters, vertebrae=vertebrae)


@pytest.fixture(scope="module")
def people():
    return [draw_parameters(seed, "many-scanners") for seed in range(400)]


@pytest.fixture(scope="module")
def patient():
    return render(plain(7))


def share(people, has) -> float:
    return float(np.mean([bool(has(p)) for p in people]))


# The record


def test_patients_of_one_scanner_are_drawn_as_ever():
    records = [asdict(draw_parameters(seed)) for seed in range(20)]
    text = json.dumps(records, default=str, sort_keys=True)
    rounded = json.dumps(json.loads(text, parse_float=lambda number: f"{float(number):.6g}"), sort_keys=True)
    assert hashlib.sha256(rounded.encode()).hexdigest()[:12] == ONE_SCANNER
    assert draw_parameters(3) == draw_parameters(3, "one-scanner") != draw_parameters(3, "many-scanners")


def test_people_differ_in_fat_and_muscle_and_the_old_have_less_dense_muscle(people):
    fat, muscle = (np.array([getattr(p.body, name) for p in people]) for name in ("fat_hu", "muscle_hu"))
    age = np.array([p.age for p in people])
    assert (fat.mean(), fat.std()) == (pytest.approx(-102, abs=1), pytest.approx(4.5, abs=1))
    young, old = muscle[age < 45], muscle[age > 75]
    assert young.mean() - old.mean() == pytest.approx(17, abs=4)
    assert young.std() == pytest.approx(6, abs=1.5)


def test_an_unknown_cohort_is_named():
    with pytest.raises(ValueError, match="'two-scanners', not one of one-scanner, many-scanners"):
        draw_parameters(1, "two-scanners")


def test_same_seed_same_voxels(patient):
    again = render(plain(7))
    assert np.array_equal(again.ct.array, patient.ct.array) and np.array_equal(again.labels.array, patient.labels.array)
    assert again.bmd_mg_cm3 == patient.bmd_mg_cm3
    assert draw_parameters(7, "many-scanners") == draw_parameters(7, "many-scanners")
    assert draw_parameters(7, "many-scanners") != draw_parameters(8, "many-scanners")


def test_density_is_that_of_the_paper(people):
    bmd = np.array([np.mean([v.density for v in p.vertebrae if v.name in VERTEBRAE]) for p in people])
    # QCT reads some 20 mg/cm3 less of it: 108 +- 40.
    assert bmd.mean() == pytest.approx(128, abs=8) and bmd.std() == pytest.approx(40, abs=6)
    assert bmd.min() >= 35 and bmd.max() <= 280
    spread = np.array([np.std([v.density for v in p.vertebrae], ddof=1) for p in people])
    assert np.percentile(spread, 90) > 2 * np.percentile(spread, 10)


def test_scanners_span_what_there_is(people):
    scans = [p.scan for p in people]
    assert {s.kvp for s in scans} <= {80, 90, 100, 110, 120, 130, 140} and np.mean([s.kvp == 120 for s in scans]) > 0.45
    assert {s.kvp for s in scans} >= {80, 100, 120, 140}
    assert (min(s.slice_thickness for s in scans), max(s.slice_thickness for s in scans)) == (0.6, 10.0)
    assert 0.15 < np.mean([0 < s.increment < s.slice_thickness for s in scans]) < 0.45
    assert all(0.5 <= s.pixel <= 1.28 and 0.95 <= s.slope <= 1.05 and abs(s.offset) <= 5 for s in scans)
    assert all(6 <= s.noise_hu <= 45 for s in scans) and np.ptp([s.noise_hu for s in scans]) > 30
    assert {s.padding_hu for s in scans} >= {-1024, -2000, -3024} and {s.circle for s in scans} == {True, False}
    assert min(s.field_of_view for s in scans) < 230 and max(s.field_of_view for s in scans) > 470
    assert 0.1 < np.mean([s.edge > 0.3 for s in scans]) < 0.4
    assert max(round((s.top - s.bottom) / (s.increment or s.slice_thickness)) for s in scans) <= 440


def test_bodies_span_what_there_is(people):
    fat = [p.marrow_fat for p in people]
    assert min(fat) < 0.25 and max(fat) > 0.65 and all(0.2 <= f <= 0.7 for f in fat)
    assert 0.04 < share(people, lambda p: max(p.body.rib13) > 0) < 0.13
    assert 0.05 < share(people, lambda p: min(p.body.rib12) < 40) < 0.2
    assert 0.03 < share(people, lambda p: p.vertebrae[-1].name == "L6") < 0.12
    assert 0.08 < share(people, lambda p: any(v.fracture for v in p.vertebrae)) < 0.3
    kinds = {v.fracture for p in people for v in p.vertebrae}
    assert kinds == {"", "wedge", "biconcave", "crush"}
    assert share(people, lambda p: any(v.vacuum for v in p.vertebrae)) > 0.1
    assert share(people, lambda p: any(v.spurs for v in p.vertebrae)) > 0.3
    assert {i.kind for p in people for i in p.implants} == {"cement", "screws", "hip"}
    assert 0.05 < share(people, lambda p: p.body.arms) < 0.2
    cortex = [p.vertebrae[8].cortex for p in people]
    assert min(cortex) < 0.25 and max(cortex) > 0.7
    assert all((p.marrow_contrast_hu > 0) == p.contrast for p in people)


def test_most_scans_show_the_three_vertebrae_and_a_few_cut_one_off(people):
    whole = []
    for p in people:
        at = {v.shape.name: v for v in place_vertebrae(p)}
        t12, l2 = at["T12"], at["L2"]
        whole.append(
            t12.centre[2] + t12.shape.height / 2 < p.scan.top and l2.centre[2] - l2.shape.height / 2 > p.scan.bottom
        )
    assert 0.9 < np.mean(whole) < 0.985
    assert any(p.scan.top > 130 for p in people)  # some begin high in the chest
    assert any(p.scan.bottom < -220 for p in people)  # some reach the pelvis


def test_bone_is_left_between_the_endplates_of_every_body(people):
    for v in (v for p in people for v in p.vertebrae):
        deepest = sum(max((d.depth for d in v.dents if d.above == above), default=0) for above in (True, False))
        assert v.height - 2 * v.endplate_depth - deepest > 3, (v.name, v.fracture)


# The truth


@pytest.mark.parametrize(("thickness", "increment"), [(5.0, 0.0), (3.0, 1.5), (0.75, 0.0), (1.25, 0.75)])
def test_truth_is_the_density_that_the_slices_show_in_the_labelled_voxels(thickness, increment):
    parameters = plain(3)
    l1 = next(v for v in place_vertebrae(parameters) if v.shape.name == "L1")
    scan = replace(
        parameters.scan, slice_thickness=thickness, increment=increment, smear=0.2 * thickness, top=26.0, bottom=-26.0
    )
    planes = plane_heights(scan)
    slices = Slices.through(planes, scan)
    canvas = Canvas.blank(np.arange(-40, 40, 0.8), np.arange(-40, 40, 0.8), planes, hu=50.0)
    labels = np.zeros((*canvas.hu.shape[:2], len(slices.up)), np.uint8)
    line, texture = calibration(120.0), Texture(np.random.default_rng(1))
    bone = paint_vertebra(canvas, labels, l1, texture, line, texture.bone_grain(), slices, level="L1")
    assert np.array_equal(labels[bone.box] == LABELS["L1"], bone.inside)
    seen = slices.of(bone.density, bone.painted_box[2], bone.box[2])
    assert seen[bone.inside].mean() == pytest.approx(l1.shape.density, abs=0.05)
    image = np.stack([slices.image(canvas.hu, k) for k in range(len(slices.up))], axis=2)[bone.box]
    deep = ndimage.binary_erosion(bone.inside, np.ones((5, 5, 1)))
    deep &= (np.abs(slices.up[bone.box[2]]) < 6 - 0.6 * thickness)[None, None, :]
    assert deep.any()
    assert (image[deep] - line[1]) / line[0] == pytest.approx(seen[deep], abs=0.05)


def test_patient_states_what_qct_reads_of_each_vertebra(patient):
    painted = {v.name: v.density for v in patient.parameters.vertebrae}
    slope, marrow = calibration(120.0, patient.parameters.marrow_fat)
    assert set(patient.bmd_mg_cm3) == set(VERTEBRAE) and patient.not_measurable == {}
    for name, bmd in patient.bmd_mg_cm3.items():  # less than the mean of the body: its endplates are denser
        mean = (slope * painted[name] + marrow) / HA_HU_PER_MG_CM3
        assert 0.6 * mean - 15 < bmd < mean


@pytest.mark.parametrize("thickness", [2.0, 5.0])
def test_truth_is_that_of_the_patient_however_thick_the_slices(thickness):
    smooth = TextureParameters(grain=0.0, patch=0.0)  # both are drawn anew on another lattice
    thin, thick = (
        render(replace(plain(3, slice_thickness=t, smear=0.1 * t), texture=smooth)) for t in (1.25, thickness)
    )
    assert thick.bmd_mg_cm3 == pytest.approx(thin.bmd_mg_cm3, abs=2.0)


def test_a_crushed_body_is_not_measurable():
    parameters = plain(7)
    flat = tuple(replace(v, height=9.0) if v.name == "L1" else v for v in parameters.vertebrae)
    made = render(replace(parameters, vertebrae=flat))
    assert made.not_measurable == {"L1": "crushed"} and set(made.bmd_mg_cm3) == {"T12", "L2"}
    assert info_of(made).exclusions == ("not_for_qct",)


def test_the_lattice_is_that_of_the_labels(patient):
    assert patient.ct.grid.is_close(patient.labels.grid)
    assert patient.ct.grid.spacing == pytest.approx([1.0, 1.0, 2.0], abs=1e-4)


def test_hu_of_the_bodies_follow_marrow_fat_contrast_voltage_and_scanner():
    def hu(**changes):
        scan = changes.pop("scan", {})
        made = render(replace(plain(3, noise_hu=0.0, **scan), **changes))
        inside = ndimage.binary_erosion(made.labels.array == LABELS["L1"], iterations=3)
        return float(made.ct.array[inside].mean())

    normal = hu(marrow_fat=0.45, marrow_contrast_hu=0.0)
    assert hu(marrow_fat=0.45, marrow_contrast_hu=8.0) - normal == pytest.approx(8, abs=0.5)
    fall = calibration(120.0, 0.7)[1] - calibration(120.0, 0.45)[1]
    assert hu(marrow_fat=0.7, marrow_contrast_hu=0.0) - normal == pytest.approx(fall, abs=0.5)
    off = {"slope": 1.05, "offset": -5.0}
    assert hu(marrow_fat=0.45, marrow_contrast_hu=0.0, scan=off) == pytest.approx(1.05 * normal - 5, abs=0.6)
    low = hu(marrow_fat=0.45, marrow_contrast_hu=0.0, scan={"kvp": 80.0})
    (slope, offset), (slope80, offset80) = calibration(120.0), calibration(80.0)
    assert low == pytest.approx((normal - offset) / slope * slope80 + offset80, rel=0.04)


@pytest.mark.parametrize(
    ("implant", "reason"),
    [(Implant("cement", ("L1",), hu=1800.0), "cement"), (Implant("screws", ("L1",), hu=7000.0), "screws")],
)
def test_what_holds_cement_or_screws_is_not_measurable(patient, implant, reason):
    made = render(replace(plain(7), implants=(implant,)))
    assert made.not_measurable == {"L1": reason} and set(made.bmd_mg_cm3) == {"T12", "L2"}
    l1 = made.labels.array == LABELS["L1"]
    assert np.array_equal(l1, patient.labels.array == LABELS["L1"])  # it is still there to be found
    assert np.percentile(made.ct.array[l1], 95) > 1500 > np.percentile(patient.ct.array[l1], 95)
    info = info_of(made)
    assert info.reference_bmd_mg_cm3["L1"] is None and info.exclusions == ("metal_or_cement",)


def test_a_vertebra_at_the_end_of_the_scan_is_recorded_as_cut_off():
    t12 = next(v for v in place_vertebrae(plain(7)) if v.shape.name == "T12")
    through = render(plain(7, top=float(t12.centre[2])))
    assert through.not_measurable == {"T12": "cut off"} and (through.labels.array == LABELS["T12"]).any()
    below = render(plain(7, top=float(t12.centre[2] - 16)))
    assert below.not_measurable == {"T12": "cut off"} and not (below.labels.array == LABELS["T12"]).any()
    assert set(below.bmd_mg_cm3) == {"L1", "L2"}
    assert info_of(below).exclusions == ("vertebrae_not_covered",)


@pytest.mark.slow
def test_the_cohort_becomes_cases_and_samples(tmp_path):
    simulate(1, 0, tmp_path / "dataset", "many-scanners")
    case = open_dataset(tmp_path / "dataset").case("virtual-many-0-00000")
    drawn = draw_parameters(0, "many-scanners")
    assert case.info.history == ("rendered from seed 0 of many-scanners",)
    assert (case.info.kvp, case.info.slice_thickness_mm) == (drawn.scan.kvp, drawn.scan.slice_thickness)
    prepare(["-o", str(tmp_path), "--virtual", "1", "--seed", "0", "--cohort", "many-scanners", "--jobs", "1"])
    sample = Sample.load(tmp_path / "virtual-many-000000.npz")
    assert sample.shows_all and case.info.reference_scale == REFERENCE_SCALE


def test_simulating_an_unknown_cohort_is_refused(tmp_path):
    with pytest.raises(BadInput, match="'two-scanners'; give one of one-scanner, many-scanners"):
        simulate(1, 0, tmp_path, "two-scanners")
    assert not list(tmp_path.iterdir())


def test_the_command_line_knows_the_same_cohorts():
    assert list(COHORTS) == list(OFFERED)


# Anatomy


def painted(shape):
    """A vertebra alone on a fine canvas, its mask with the coordinates (mm) of its voxels, and HU of their box."""
    vertebra = place((replace(shape, name="L1", lean=0.0, tilt=0.0),))[0]
    canvas = Canvas.blank(np.arange(-40, 40, 0.6), np.arange(-40, 40, 0.6), np.arange(-25, 25, 0.6), hu=85.0)
    labels, texture = np.zeros(canvas.hu.shape, np.uint8), Texture(np.random.default_rng(1))
    bone = paint_vertebra(canvas, labels, vertebra, texture, calibration(120.0), texture.bone_grain(), level="L1")
    axes = [a[b] for a, b in zip((canvas.x, canvas.y, canvas.z), bone.box)]
    return bone.inside, axes, canvas.hu[bone.box]


def height_at(mask, axes, x: float, y: float) -> float:
    """Height of the mask in one column, mm."""
    i, j = int(np.abs(axes[0] - x).argmin()), int(np.abs(axes[1] - y).argmin())
    return float(mask[i, j].sum() * 0.6)


@pytest.fixture(scope="module")
def healthy():
    l1 = next(v for v in draw_parameters(7).vertebrae if v.name == "L1")
    return replace(l1, wedge=0.0, endplate_depth=1.0, lip=0.0, density=120.0)


def test_mask_follows_a_broken_body(healthy):
    mask, axes, _ = painted(healthy)
    middle, front, back = (height_at(mask, axes, 0, y) for y in (0, 0.35 * healthy.depth, -0.32 * healthy.depth))
    volume = mask.sum()
    loss = 0.4 * healthy.height
    wedge, axes, _ = painted(fractured(healthy, "wedge", 0.4))
    assert front - height_at(wedge, axes, 0, 0.35 * healthy.depth) > 0.6 * loss
    assert height_at(wedge, axes, 0, -0.32 * healthy.depth) == pytest.approx(back, abs=0.25 * loss)
    hollow, axes, _ = painted(fractured(healthy, "biconcave", 0.4))
    assert middle - height_at(hollow, axes, 0, 0) == pytest.approx(loss, abs=2.0)
    assert front - height_at(hollow, axes, 0, 0.35 * healthy.depth) < 0.5 * loss
    crush, axes, _ = painted(fractured(healthy, "crush", 0.4))
    for y in (0, 0.35 * healthy.depth, -0.32 * healthy.depth):
        assert height_at(mask, painted(healthy)[1], 0, y) - height_at(crush, axes, 0, y) == pytest.approx(loss, abs=2.0)
    assert all(broken.sum() < 0.9 * volume for broken in (wedge, hollow, crush))


def test_a_schmorls_node_is_no_bone(healthy):
    node = Dent(4.0, 2.0, True, 5.0, 6.0)
    mask, axes, hu = painted(replace(healthy, dents=(node,)))
    before = painted(healthy)[0]
    assert not (mask & ~before).any() and 100 < (before & ~mask).sum() * 0.6**3 < 800
    assert height_at(before, axes, 4, 2) - height_at(mask, axes, 4, 2) == pytest.approx(6, abs=1.3)
    top = healthy.height / 2 - healthy.endplate_depth
    i, j, k = (int(np.abs(a - c).argmin()) for a, c in zip(axes, (4, 2, top - 3)))
    assert hu[i, j, k] == pytest.approx(85, abs=5)  # disc


def test_dense_endplates_leave_the_mean_alone(healthy):
    plain_mask, axes, hu = painted(healthy)
    mask, _, dense = painted(replace(healthy, sclerosis=(1.2, 0.0)))
    assert np.array_equal(mask, plain_mask)
    deep = ndimage.binary_erosion(mask, iterations=3)
    upper = deep & (axes[2] > 0.22 * healthy.height)
    assert dense[upper].mean() > hu[upper].mean() + 10
    assert dense[deep & ~upper].mean() < hu[deep & ~upper].mean()


def brightest_near(made, points: np.ndarray) -> np.ndarray:
    index = np.round(made.ct.grid.index_of(points)).astype(int)
    return np.array([made.ct.array[tuple(slice(max(i - 2, 0), i + 3) for i in p)].max() for p in index])


def course_of(parameters, name: str, side: int) -> np.ndarray:
    vertebrae = place_vertebrae(parameters)
    trunk = Trunk.of(parameters, vertebrae)
    return rib_course(parameters, trunk, next(v for v in vertebrae if v.shape.name == name), side)


def test_a_thirteenth_rib_and_a_missing_twelfth(patient):
    parameters = plain(7)
    parameters = replace(parameters, body=replace(parameters.body, rib12=(90.0, 0.0), rib13=(60.0, 0.0)))
    made = render(parameters)
    right = course_of(parameters, "L1", 1)
    assert np.linalg.norm(np.diff(right, axis=0), axis=1).sum() == pytest.approx(60, rel=0.15)
    beyond = right[np.abs(right[:, 0]) > 38][:-1]  # beyond the transverse process
    assert (brightest_near(made, beyond) > 250).all() and (brightest_near(patient, beyond) < 250).all()
    twelfth = course_of(plain(7), "T12", -1)[4:-1]
    assert (brightest_near(patient, twelfth) > 250).all() and (brightest_near(made, twelfth) < 250).any()


def test_a_faint_twelfth_rib_is_less_bright_and_the_others_are_as_they_were():
    parameters = plain(7)
    strong = replace(parameters, body=replace(parameters.body, floating=(Appearance(),) * 3))
    faint = replace(
        parameters, body=replace(parameters.body, floating=(Appearance(), Appearance(0.6, 0.3), Appearance()))
    )
    made = [render(each) for each in (strong, faint)]
    twelfth = course_of(parameters, "T12", 1)
    tenth = course_of(parameters, "T10", 1)
    tenth = tenth[tenth[:, 2] < 70]  # within the scan
    bright, pale = (brightest_near(patient, twelfth[np.abs(twelfth[:, 0]) > 38]).mean() for patient in made)
    assert pale < 0.6 * bright
    np.testing.assert_allclose(*(brightest_near(patient, tenth) for patient in made), rtol=0.2)


def test_floating_ribs_fade_in_many_and_lumbar_processes_in_some(people):
    brightness = np.array([[appearance.brightness for appearance in p.body.floating] for p in people])
    assert (brightness[:, 1] <= 1).all() and brightness[:, 1].min() < 0.35 and brightness[:, 1].max() > 0.95
    assert brightness[:, 0].mean() > brightness[:, 1].mean() + 0.15
    assert np.ptp([p.body.sides for p in people]) > 0.6


def test_a_sixth_lumbar_body_leaves_the_names_above_alone(people):
    six = next(p for p in people if p.vertebrae[-1].name == "L6")
    names = [v.name for v in six.vertebrae]
    assert names[7:] == ["T12", "L1", "L2", "L3", "L4", "L5", "L6"]
    heights = [float(v.centre[2]) for v in place_vertebrae(six)]
    assert heights == sorted(heights, reverse=True)


def test_spurs_bridges_vacuum_and_arms_are_painted():
    parameters = plain(7, field_of_view=500.0, bottom=-60.0)
    before = render(parameters)
    bridge, gas = Spur(40.0, 6.0, 4.0, True), 0.7
    worn = with_vertebra(parameters, "L1", spurs=(bridge,), vacuum=gas)
    arm = Arm(side=1, gap=5.0, front=0.0, radius=45.0, nail=False)
    made = render(replace(worn, body=replace(worn.body, arms=(arm,), fat=10.0)))
    spine = {v.shape.name: v for v in place_vertebrae(worn)}
    middle = (spine["L1"].centre + spine["L2"].centre) / 2
    at = tuple(np.round(made.ct.grid.index_of(middle)).astype(int))
    assert made.ct.array[at] < -150 < 0 < before.ct.array[at]
    x, y = np.sin(np.deg2rad(40)) * spine["L1"].shape.width / 2, np.cos(np.deg2rad(40)) * spine["L1"].shape.depth / 2
    beside = middle + np.array([1.15 * x, 1.15 * y, 0])
    assert brightest_near(made, beside[None])[0] > brightest_near(before, beside[None])[0] + 150
    outside = made.ct.grid.ras_of(np.argwhere(made.ct.array[..., 20] > 700) @ np.eye(2, 3) + [0, 0, 20])
    assert outside[:, 0].max() > 150  # the arm's bone, farther out than any rib
    assert np.array_equal(made.labels.array, before.labels.array)


# The scanner


def test_slices_gather_their_thickness():
    scan = replace(plain(1).scan, slice_thickness=5.0, increment=2.5, smear=0.5, top=50.0, bottom=-50.0)
    planes = plane_heights(scan)
    slices = Slices.through(planes, scan)
    assert slices.weights.sum(axis=1) == pytest.approx(1, abs=1e-5)
    assert np.diff(slices.up) == pytest.approx(2.5) and len(slices.up) == 40
    ramp = np.broadcast_to(planes.astype(np.float32), (2, 3, len(planes)))
    assert [slices.image(ramp, k)[0, 0] for k in range(40)] == pytest.approx(slices.up, abs=1e-3)
    step = (planes > 0.1).astype(np.float32)
    edge = np.array([slices.image(np.broadcast_to(step, (2, 3, len(planes))), k)[0, 0] for k in range(40)])
    assert edge[slices.up < -3.5] == pytest.approx(0, abs=0.02) and edge[slices.up > 3.5] == pytest.approx(1, abs=0.02)
    assert ((edge > 0.02) & (edge < 0.98)).sum() >= 2
    assert Slices.through(planes, replace(draw_parameters(1).scan)) is None  # one-scanner: each plane is a slice


def test_sharp_kernels_overshoot_and_their_noise_follows():
    scan = replace(plain(1).scan, kernel_sigma=0.4, pixel=0.6, noise_hu=0.001, edge=0.0, circle=False)
    water = np.zeros((64, 64, 4), np.float32)
    water[32:] = 200
    soft, sharp = acquire(water, scan, 1), acquire(water, replace(scan, edge=1.0), 1)
    assert abs(int(soft[40:60].max()) - 200) <= 1 and sharp.max() > 220 and sharp.min() < -20
    for edge in (0.0, 1.0):
        fields = noise_fields(128, replace(scan, edge=edge), np.random.default_rng(2), 8)
        expected = np.fft.irfft2(noise_power((128, 128), 0.6, 0.4, edge), s=(128, 128))
        measured = (fields * np.roll(fields, 1, axis=1)).mean() / (fields**2).mean()
        assert measured == pytest.approx(expected[1, 0] / expected[0, 0], abs=0.03)


def test_noise_of_overlapping_slices_is_shared():
    scan = replace(plain(1).scan, slice_thickness=4.0, increment=2.0, top=60.0, bottom=-60.0, noise_hu=15.0)
    planes = plane_heights(scan)
    image = acquire(np.zeros((96, 96, len(planes)), np.float32), scan, 5, Slices.through(planes, scan)).astype(float)
    core = image[32:64, 32:64]
    assert core.std() == pytest.approx(15, rel=0.12)
    together = np.mean([np.corrcoef(core[..., k].ravel(), core[..., k + 1].ravel())[0, 1] for k in range(59)])
    assert together == pytest.approx(0.5, abs=0.1)


def test_padding_and_the_circle():
    air = np.full((48, 48, 2), -1000, np.float32)
    scan = replace(plain(1).scan, noise_hu=4.0, padding_hu=-3024, circle=True)
    inside = np.hypot(*np.meshgrid(*[np.arange(48) - 23.5] * 2)) < 24
    image = acquire(air, scan, 1)
    assert (image[~inside] == -3024).all() and image[inside].min() >= -1024
    assert acquire(air, replace(scan, circle=False), 1).min() >= -1024


def test_metal_throws_streaks_that_fade():
    scan = replace(plain(1).scan, noise_hu=0.001, pixel=0.8, circle=False)
    tissue = np.full((160, 160, 1), 50, np.float32)
    tissue[76:84, 76:84] = 9000
    calm, streaked = acquire(tissue.copy(), scan, 3), acquire(tissue.copy(), scan, 3, metal=True)
    apart = (streaked.astype(float) - calm)[..., 0]
    near, far = apart[60:70, 40:120], apart[:8]
    assert near.std() > 2 * far.std() > 5
    assert streaked.max() == 3071
