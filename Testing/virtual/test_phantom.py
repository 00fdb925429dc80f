"""Virtual scans of the European Spine Phantom: what they show is what their line says."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

phantom = pytest.importorskip("OpportunisticBMDTraining.virtual.phantom", reason="needs the training extra")

THICK = 25  # in slices of 5 mm, tilted


def test_sixty_scans_hold_every_scanner_voltage_and_pose_once():
    scans = [phantom.draw_phantom_scan(seed) for seed in range(60)]
    kinds = {(scan.scan.slope, scan.scan.offset, scan.scan.kvp, scan.pose) for scan in scans}
    assert len(kinds) == 60 == len(phantom.SCANNERS) * len(phantom.VOLTAGES) * len(phantom.POSES)


def test_poses_are_what_they_are_called():
    for seed in range(60):
        scan = phantom.draw_phantom_scan(seed)
        assert (np.abs(scan.tilt_deg).max() > 1) <= (scan.pose == "tilted")
        assert (np.hypot(*scan.centre) > 30) == (scan.pose == "off-centre")


def test_bodies_show_what_the_line_gives():
    """Straight, without noise and cupping: the middle of each body, 50 mg HA/cm3 towards the feet."""
    drawn = phantom.draw_phantom_scan(THICK)
    scan = replace(drawn.scan, noise_hu=0.0, cupping_hu=0.0)
    straight = replace(drawn, scan=scan, tilt_deg=(0.0, 0.0), centre=(10.0, -5.0))
    ct = phantom.phantom_ct(straight).volume
    for n, density in enumerate(phantom.DENSITIES):
        middle = np.round(ct.grid.index_of((10.0, -5.0, (n - 1) * straight.spacing))).astype(int)
        assert ct.array[tuple(middle)] == pytest.approx(straight.line.hu(density), abs=3.0)
    resin = np.round(ct.grid.index_of((60.0, -5.0, 0.0))).astype(int)
    assert ct.array[tuple(resin)] == pytest.approx(straight.line.hu(0.0), abs=1.0)


def test_a_scan_repeats_itself_from_its_seed():
    first, again = (phantom.phantom_ct(phantom.draw_phantom_scan(THICK)) for _ in range(2))
    assert np.array_equal(first.volume.array, again.volume.array) and first.acquisition == again.acquisition
