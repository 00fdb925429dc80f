"""Iterative and learnt reconstructions are named."""

from __future__ import annotations

from seen_scans import seen, told


def test_filtered_back_projection_needs_no_word():
    assert told(seen(), "reconstruction") == []


def test_another_reconstruction_is_named():
    (reason,) = told(seen(reconstruction="TrueFidelity"), "reconstruction")
    assert reason.severity == "info" and "TrueFidelity" in reason.message
