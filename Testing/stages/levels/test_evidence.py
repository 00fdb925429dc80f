"""What a card says of ribs is checked, and a place that the scan does not show tells nothing."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from OpportunisticBMDLib.core.errors import BadInput
from OpportunisticBMDLib.models import load_card
from OpportunisticBMDLib.stages.levels.bodies import bodies_along, profile_along
from OpportunisticBMDLib.stages.levels.curve import spine_curve
from OpportunisticBMDLib.stages.levels.evidence import joint_in_view, seen_rib
from OpportunisticBMDLib.stages.levels.find import LevelFinder
from rib_pieces import piece
from true_skeletons import MODEL, scanned, true_skeleton


def test_a_rib_is_the_more_probable_the_longer_it_seems() -> None:
    lengths = [MODEL.present(piece(100.0, length)) for length in (10, 28, 40, 52, 80)]
    assert lengths == sorted(lengths)
    assert lengths[2] == pytest.approx(0.5, abs=0.1)
    assert lengths[0] < 0.001
    assert lengths[-1] > 0.99
    assert MODEL.present(None) == MODEL.missed


def test_a_piece_that_is_cut_may_be_longer_than_it_seems() -> None:
    short = piece(100.0, 30.0)
    assert MODEL.present(replace(short, goes_on=True)) > 0.5 > MODEL.present(short)


def test_a_short_piece_is_a_remnant_and_a_tip_is_none() -> None:
    assert seen_rib(MODEL, piece(100.0, 24.0), None, in_view=True).state == "remnant"
    assert seen_rib(MODEL, piece(100.0, 4.0), None, in_view=True).state == "absent"


def test_a_rib_is_the_surer_where_the_vertebra_above_has_its_own() -> None:
    below_none = seen_rib(MODEL, piece(100.0, 80.0), None, in_view=True)
    below_another = seen_rib(MODEL, piece(100.0, 80.0), piece(130.0, 90.0), in_view=True)
    assert 1 - below_another.probability < (1 - below_none.probability) / 4


@pytest.mark.parametrize("part", ["length_bias_mm", "length_sd_mm", "missed"])
def test_a_card_without_one_of_its_parts_is_said_to_name_no_vertebrae(part: str) -> None:
    card = load_card("skeleton")
    ribs = {key: value for key, value in card.outputs["ribs"].items() if key != part}
    with pytest.raises(BadInput, match="install the model again"):
        LevelFinder.of(lambda image: image, replace(card, outputs={"ribs": ribs}))


@pytest.mark.parametrize("wrong", [{"length_sd_mm": 0.0}, {"missed": 1.5}])
def test_figures_that_cannot_be_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="above 0"):
        replace(MODEL, **wrong)


def test_what_is_not_in_view_is_neither_present_nor_absent() -> None:
    rib = seen_rib(MODEL, None, None, in_view=False)
    assert rib.state == "cannot tell"
    assert rib.probability == 0.5
    assert seen_rib(MODEL, None, None, in_view=True).state == "absent"


def test_the_place_of_a_rib_is_in_view_where_the_scan_shows_its_first_centimetres() -> None:
    skeleton = true_skeleton(scanned(3, above="T11", below="L2"))
    curve = spine_curve(skeleton)
    spans = bodies_along(profile_along(skeleton, curve))
    views = [joint_in_view(skeleton, curve, span, 1) for span in spans]
    assert views == [True] * (len(spans) - 1) + [False]  # T11 is cut above its middle
    narrow = type(skeleton)(skeleton.probabilities, skeleton.grid, np.zeros_like(skeleton.shown), skeleton.scan_mm)
    assert not joint_in_view(narrow, curve, spans[1], 1)
