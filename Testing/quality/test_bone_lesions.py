"""A lesion that moves what is read takes its vertebra out, and is named; bone without one is left alone."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from example_results import acquisition, grid_of, synthetic_case
from OpportunisticBMDLib import quality
from OpportunisticBMDLib.core.reason import Reason
from OpportunisticBMDLib.core.segmentation import Segmentation
from OpportunisticBMDLib.core.volume import Volume
from OpportunisticBMDLib.quality import Body, SeenScan, readable
from OpportunisticBMDLib.stages.place_region import place_region
from OpportunisticBMDLib.stages.read_region import read_region

ORIENTATIONS = ("straight", "flipped", "left-handed", "oblique", "coronal")
Paint = Callable[[np.ndarray, np.ndarray, np.ndarray], tuple[np.ndarray, float]]


def a_ball(radius: float, hu: float, *centre: float) -> Paint:
    """Of a radius, mm, at a place to the right, the front and the head of the region's middle, mm."""

    def paint(right: np.ndarray, front: np.ndarray, up: np.ndarray) -> tuple[np.ndarray, float]:
        x, y, z = centre or (0.0, 0.0, 0.0)
        return (right - x) ** 2 + (front - y) ** 2 + (up - z) ** 2 < radius**2, hu

    return paint


def a_half(hu: float, axis: int) -> Paint:
    """The right, front or upper half of all there is."""
    return lambda *place: (place[axis] > 0, hu)


def thick_trabeculae(right: np.ndarray, front: np.ndarray, up: np.ndarray) -> tuple[np.ndarray, float]:
    """Columns of 2 mm, 4.2 mm apart, in the half of the body."""
    return np.hypot((right + 2.1) % 4.2 - 2.1, (front + 2.1) % 4.2 - 2.1) < 1.0, 450.0


def gap(thickness: float, hu: float) -> Paint:
    return lambda right, front, up: ((np.hypot(right, front) < 10) & (np.abs(up - 2) < thickness / 2), hu)


def scan(
    paint: Paint | None = None, orientation: str = "straight", spacing: tuple[float, float, float] = (1.0, 1.1, 1.5)
) -> tuple[Volume, Segmentation]:
    """A scan with noise, and with a lesion in L1."""
    grid = grid_of(orientation, (120, 112, 96) if orientation != "coronal" else (120, 130, 90), spacing)
    ct, segmentation = synthetic_case(grid)
    hu = ct.volume.array + np.random.default_rng(7).normal(0, 15, grid.size)
    if paint is not None:
        region = place_region(segmentation.labels, "L1")
        assert region is not None
        place = region.local(grid.ras_of(np.moveaxis(np.indices(grid.size), 0, -1))) * region.half_mm
        near = np.linalg.norm(place, axis=-1) < 12
        where, value = paint(*np.moveaxis(place, -1, 0))
        hu[where & near] = value
    return Volume(hu.astype(np.int16), grid), segmentation


def found(ct: Volume, segmentation: Segmentation, vertebra: str = "L1") -> list[Reason]:
    region = place_region(segmentation.labels, vertebra)
    assert region is not None
    reading = read_region(ct, segmentation.labels, vertebra, region)
    return readable(vertebra, reading, 20.0, body=Body.of(ct, segmentation.labels, vertebra, reading))


@pytest.mark.parametrize("orientation", ORIENTATIONS)
def test_bone_without_a_lesion_is_left_alone(orientation):
    ct, segmentation = scan(orientation=orientation)
    assert [found(ct, segmentation, name) for name in ("T12", "L1", "L2")] == [[], [], []]


@pytest.mark.parametrize(
    ("paint", "code"),
    [
        (gap(3.0, -700.0), "gas_in_body"),
        (a_ball(5.0, 900.0), "dense_lesion"),
        (a_ball(5.0, 900.0, 0.0, 0.0, 6.0), "dense_lesion"),
        (thick_trabeculae, "haemangioma"),
        (a_half(60.0, 0), "uneven"),
        (a_half(60.0, 1), "uneven"),
        (a_half(70.0, 2), "uneven"),
    ],
)
def test_a_lesion_takes_its_vertebra_out_and_is_named(paint, code):
    ct, segmentation = scan(paint)
    (reason,) = found(ct, segmentation)
    assert (reason.code, reason.severity, reason.vertebra) == (code, "warning", "L1")
    assert reason.figure.value > reason.figure.limit
    assert reason.message.startswith(("L1", "The middle of L1")) and "not used" in reason.message
    assert found(ct, segmentation, "L2") == []


@pytest.mark.parametrize("orientation", ORIENTATIONS)
def test_a_lesion_is_seen_however_the_slices_lie(orientation):
    ct, segmentation = scan(a_ball(5.0, 900.0), orientation)
    assert [reason.code for reason in found(ct, segmentation)] == ["dense_lesion"]


@pytest.mark.parametrize("paint", [a_ball(1.5, 900.0), a_ball(3.0, 90.0, 8.0, 0.0, 0.0)])
def test_what_hardly_moves_the_reading_takes_nothing_out(paint):
    ct, segmentation = scan(paint)
    assert all(reason.severity == "info" for reason in found(ct, segmentation))


@pytest.mark.parametrize("sd", [60.0, 120.0, 180.0])
def test_noise_is_not_taken_for_gas_and_gas_in_noise_is_seen(sd):
    noise = np.random.default_rng(3).normal(0, sd, grid_of("straight", (120, 112, 96), (1.0, 1.1, 1.5)).size)
    for paint, is_gas in ((None, False), (gap(3.0, -700.0), True)):
        ct, segmentation = scan(paint)
        noisy = Volume((ct.array + noise).astype(np.int16), ct.grid)
        assert ("gas_in_body" in [reason.code for reason in found(noisy, segmentation)]) is is_gas


def test_slices_too_thick_for_parts_of_a_body_are_not_called_uneven():
    thin, thick = scan(a_half(60.0, 0)), scan(a_half(60.0, 0), spacing=(1.0, 1.1, 8.0))
    assert [reason.code for reason in found(*thin)] == ["uneven"]
    assert "uneven" not in [reason.code for reason in found(*thick)]


def cautions(ct: Volume, segmentation: Segmentation) -> list[Reason]:
    regions = {name: place_region(segmentation.labels, name) for name in ("T12", "L1", "L2")}
    readings = {name: read_region(ct, segmentation.labels, name, region) for name, region in regions.items() if region}
    return quality.cautions(SeenScan(ct, segmentation, acquisition(), readings=readings, whole=ct))


def beside(mm: tuple[float, float, float], radius: float, hu: float) -> tuple[Volume, Segmentation]:
    """A ball at a place beside L1."""
    ct, segmentation = scan()
    region = place_region(segmentation.labels, "L1")
    assert region is not None
    ras = ct.grid.ras_of(np.moveaxis(np.indices(ct.grid.size), 0, -1))
    array = ct.array.copy()
    array[np.linalg.norm(ras - region.centre_ras - mm, axis=-1) < radius] = hu
    return Volume(array, ct.grid), segmentation


def test_metal_in_the_slices_that_are_read_is_named_and_metal_elsewhere_is_not():
    reasons = [reason for reason in cautions(*beside((0, -45, 0), 3.0, 3071)) if reason.code == "metal_near"]
    assert [(reason.vertebra, reason.severity) for reason in reasons] == [("L1", "warning")]
    assert reasons[0].figure.value == pytest.approx(4 / 3 * np.pi * 27, rel=0.5)
    assert "metal_near" not in {reason.code for reason in cautions(*scan())}
    assert "metal_near" not in {reason.code for reason in cautions(*beside((0, -45, 14), 3.0, 3071))}


def test_gas_in_a_disc_is_a_note_on_the_vertebra_above_it():
    reasons = [reason for reason in cautions(*beside((0, 0, -14), 3.5, -700)) if reason.code == "vacuum_disc"]
    assert [(reason.vertebra, reason.severity) for reason in reasons] == [("L1", "info")]
    assert "vacuum_disc" not in {reason.code for reason in cautions(*scan())}
