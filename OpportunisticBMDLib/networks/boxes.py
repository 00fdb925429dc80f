"""What a detector's maps say about boxes: anchors, proposals, and those that are left of overlapping ones.

This is what torchvision's Faster R-CNN does between and after its layers, for one picture, one class and arrays of
numpy; boxes are (x0, y0, x1, y1) in pixels.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

ANCHOR_SIDES_MM = (48, 64, 80, 104)  # one level of the pyramid each; the square root of the box's area
ANCHOR_RATIOS = (1.0, 1.5, 2.2)  # height / width: the box is higher than wide
GREY = 0.25  # of pictures in 0..1: their usual mean, and their SD
DIVISIBLE = 32  # by which the sides of pictures are
MOST_CANDIDATES = 200  # of each level
MOST_PROPOSALS = 50
PROPOSALS_OVERLAP = 0.7  # IoU above which only the better one of two is kept
BOXES_OVERLAP = 0.75  # boxes half a vertebra apart stay: the other view decides between them
MOST_BOXES = 8
LEAST_SCORE = 0.05
LEAST_PROPOSAL, LEAST_BOX = 1e-3, 1e-2  # pixels of a side
STEEPEST = np.float32(np.log(1000 / 16))  # of what a layer may say about the logarithm of a side
BOX_SCALES = (10.0, 10.0, 5.0, 5.0)  # what the last layer says is so many times larger
USUAL_SIDE, USUAL_LEVEL = 224.0, 4.0  # a box of this side is read at 1/2**4 of the picture's resolution
FINEST, COARSEST = 3, 5  # levels that boxes are read at


def anchor_sides(pixel_mm: float) -> list[int]:
    """Of each level, in pixels."""
    return [round(side / pixel_mm) for side in ANCHOR_SIDES_MM]


def prepared(picture: np.ndarray) -> np.ndarray:
    """(3, rows, columns) in 0..1 -> (1, 3, ...) normalized, with margins below and to the right."""
    rows, columns = (-n % DIVISIBLE for n in picture.shape[1:])
    normalized = (picture - np.float32(GREY)) / np.float32(GREY)
    return np.pad(normalized, ((0, 0), (0, rows), (0, columns)))[None]


def proposals(
    logits: Sequence[np.ndarray],
    changes: Sequence[np.ndarray],
    sides: Sequence[int],
    padded: tuple[int, int],
    shown: tuple[int, int],
) -> np.ndarray:
    """(P, 4) boxes worth a second look, the likeliest first.

    Args:
        logits: of each level, (anchors, rows, columns).
        changes: of each level, (4 * anchors, rows, columns): how the box differs from the anchor.
        sides: of each level's anchors, in pixels.
        padded: rows and columns of the picture with its margins.
        shown: rows and columns without.
    """
    found = [_of_level(*level, padded, shown) for level in zip(logits, changes, sides, strict=True)]
    boxes, merits = (np.concatenate(part) for part in zip(*found))
    return boxes[np.argsort(-merits, kind="stable")[:MOST_PROPOSALS]]


def levels(boxes: np.ndarray) -> np.ndarray:
    """(P,) int64: the level that a box is read at, 0 for `FINEST`: the larger it is, the coarser."""
    width, height = boxes[:, 2] - boxes[:, 0], boxes[:, 3] - boxes[:, 1]
    level = np.floor(USUAL_LEVEL + np.log2(np.sqrt(width * height) / np.float32(USUAL_SIDE)) + np.float32(1e-6))
    return np.clip(level, FINEST, COARSEST).astype(np.int64) - FINEST


def best_boxes(
    boxes: np.ndarray, scores: np.ndarray, changes: np.ndarray, shown: tuple[int, int]
) -> tuple[np.ndarray, np.ndarray]:
    """(B, 4) boxes and their (B,) scores, the best first.

    Args:
        boxes: (P, 4) proposals.
        scores: (P,) how likely each is one, 0..1.
        changes: (P, 4) how the box differs from its proposal.
        shown: rows and columns of the picture.
    """
    boxes = _within(_moved(boxes, changes / np.array(BOX_SCALES, np.float32)), shown)
    likely = (scores > LEAST_SCORE) & _is_large(boxes, LEAST_BOX)
    boxes, scores = boxes[likely], scores[likely]
    order = np.argsort(-scores, kind="stable")
    best = order[_apart(boxes[order], BOXES_OVERLAP)][:MOST_BOXES]
    return boxes[best], scores[best]


def _of_level(
    logits: np.ndarray, changes: np.ndarray, side: int, padded: tuple[int, int], shown: tuple[int, int]
) -> tuple[np.ndarray, np.ndarray]:
    """(P, 4) proposals of one level and their (P,) logits."""
    anchors = _anchors(side, logits.shape[1:], padded)
    merits = np.moveaxis(logits, 0, -1).ravel()
    moves = np.moveaxis(changes.reshape(-1, 4, *changes.shape[1:]), (0, 1), (2, 3)).reshape(-1, 4)
    best = np.argsort(-merits, kind="stable")[:MOST_CANDIDATES]
    boxes, merits = _within(_moved(anchors[best], moves[best]), shown), merits[best]
    large = _is_large(boxes, LEAST_PROPOSAL)
    boxes, merits = boxes[large], merits[large]
    apart = _apart(boxes, PROPOSALS_OVERLAP)
    return boxes[apart], merits[apart]


def _anchors(side: int, size: tuple[int, ...], padded: tuple[int, int]) -> np.ndarray:
    """(rows * columns * ratios, 4) around the corners of a map's pixels."""
    height = np.sqrt(np.array(ANCHOR_RATIOS, np.float32))
    half = np.stack((1 / height, height), axis=1) * np.float32(side) / 2
    shape = np.round(np.concatenate((-half, half), axis=1))
    rows, columns = (np.arange(n, dtype=np.float32) * (whole // n) for n, whole in zip(size, padded))
    y, x = np.meshgrid(rows, columns, indexing="ij")
    return (np.stack((x, y, x, y), axis=-1)[:, :, None] + shape).reshape(-1, 4)


def _moved(boxes: np.ndarray, changes: np.ndarray) -> np.ndarray:
    """Boxes whose middle was moved by shares of their sides, and whose sides were multiplied."""
    sides = boxes[:, 2:] - boxes[:, :2]
    middle = boxes[:, :2] + sides / 2 + changes[:, :2] * sides
    half = np.exp(np.minimum(changes[:, 2:], STEEPEST)) * sides / 2
    return np.concatenate((middle - half, middle + half), axis=1)


def _within(boxes: np.ndarray, shown: tuple[int, int]) -> np.ndarray:
    rows, columns = shown
    return np.clip(boxes, 0, np.array((columns, rows, columns, rows), np.float32))


def _is_large(boxes: np.ndarray, least: float) -> np.ndarray:
    return ((boxes[:, 2:] - boxes[:, :2]) >= least).all(axis=1)


def _apart(boxes: np.ndarray, most_overlap: float) -> list[int]:
    """Which boxes are kept, if each drops those after it that overlap it (non-maximum suppression).

    Args:
        boxes: the best first.
        most_overlap: IoU up to which two are kept.
    """

    areas = np.prod(boxes[:, 2:] - boxes[:, :2], axis=1)
    kept, left = [], np.arange(len(boxes))
    while len(left):
        best, left = left[0], left[1:]
        kept.append(int(best))
        shared = np.minimum(boxes[left, 2:], boxes[best, 2:]) - np.maximum(boxes[left, :2], boxes[best, :2])
        both = np.prod(shared.clip(0), axis=1)
        left = left[both / (areas[left] + areas[best] - both) <= most_overlap]
    return kept
