"""Faster R-CNN that finds T12-L2 as one box on a projection of the CT.

Ren et al., "Faster R-CNN", NIPS 2015, as torchvision implements it; paper section "Vertebra localization".
"""

from __future__ import annotations

from torch import Tensor, nn
from torchvision.models import mobilenet_v3_large
from torchvision.models.detection import FasterRCNN
from torchvision.models.detection.anchor_utils import AnchorGenerator
from torchvision.models.detection.backbone_utils import BackboneWithFPN
from torchvision.models.detection.faster_rcnn import FastRCNNPredictor, TwoMLPHead
from torchvision.models.detection.transform import GeneralizedRCNNTransform

from OpportunisticBMDLib.networks import boxes

CHANNELS = 128
HIDDEN = 256


class AsTheyAre(GeneralizedRCNNTransform):
    """Normalizes and batches pictures without resizing them: their pixels have a fixed size in mm."""

    def resize(self, image: Tensor, target: dict | None = None) -> tuple[Tensor, dict | None]:
        return image, target


def spine_detector(pixel_mm: float) -> FasterRCNN:
    """Two classes (background, T12-L2), a MobileNetV3 pyramid with strides 8, 16 and 32 as its backbone.

    Args:
        pixel_mm: side of the pictures' pixels.
    """
    features = mobilenet_v3_large(norm_layer=nn.BatchNorm2d).features
    backbone = BackboneWithFPN(features, {"6": "0", "12": "1", "16": "2"}, [40, 112, 960], CHANNELS)
    sides = tuple((side,) for side in boxes.anchor_sides(pixel_mm))
    anchors = AnchorGenerator(sides, (boxes.ANCHOR_RATIOS,) * len(sides))
    detector = FasterRCNN(
        backbone,
        rpn_anchor_generator=anchors,
        box_head=TwoMLPHead(CHANNELS * 7 * 7, HIDDEN),
        box_predictor=FastRCNNPredictor(HIDDEN, 2),
        rpn_pre_nms_top_n_test=boxes.MOST_CANDIDATES,
        rpn_post_nms_top_n_test=boxes.MOST_PROPOSALS,
        rpn_pre_nms_top_n_train=400,
        rpn_post_nms_top_n_train=200,
        box_batch_size_per_image=64,
        rpn_nms_thresh=boxes.PROPOSALS_OVERLAP,
        box_score_thresh=boxes.LEAST_SCORE,
        box_nms_thresh=boxes.BOXES_OVERLAP,
        box_detections_per_img=boxes.MOST_BOXES,
    )
    detector.transform = AsTheyAre(min_size=0, max_size=0, image_mean=[boxes.GREY] * 3, image_std=[boxes.GREY] * 3)
    return detector
