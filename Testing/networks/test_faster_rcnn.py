"""The detector has the published form."""

from __future__ import annotations

import torch

from OpportunisticBMDLib.networks.faster_rcnn import spine_detector


def test_detector_that_ships_has_two_classes_and_keeps_the_size_of_pictures():
    detector = spine_detector(pixel_mm=2.0).eval()
    assert detector.roi_heads.box_predictor.cls_score.out_features == 2
    with torch.inference_mode():
        images, _ = detector.transform([torch.rand(3, 96, 160)])
    assert images.image_sizes == [(96, 160)]
