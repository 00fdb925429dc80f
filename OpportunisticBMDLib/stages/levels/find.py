"""From a CT and the localizer's box to the vertebrae in view, named by their ribs."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from OpportunisticBMDLib.core.bone import Bone
from OpportunisticBMDLib.core.box import Box
from OpportunisticBMDLib.core.errors import BadInput
from OpportunisticBMDLib.core.grid import triple
from OpportunisticBMDLib.core.levels import Answer, Levels, Rib, SeenVertebra, names_around
from OpportunisticBMDLib.core.volume import Volume
from OpportunisticBMDLib.inference.network import Network
from OpportunisticBMDLib.models import ModelCard
from OpportunisticBMDLib.stages.levels.bodies import PITCH_MM, Span, bodies_along, profile_along
from OpportunisticBMDLib.stages.levels.curve import Curve, spine_curve
from OpportunisticBMDLib.stages.levels.evidence import RibModel, joint_in_view, seen_rib
from OpportunisticBMDLib.stages.levels.joining import joined_to
from OpportunisticBMDLib.stages.levels.naming import named, variant_of
from OpportunisticBMDLib.stages.levels.ribs import rib_pieces
from OpportunisticBMDLib.stages.skeleton import Skeleton, SkeletonFinder

FROM_BOX_MM = np.array([0.0, 0.0, -45.0])  # to the middle of what is looked at: from T9 to the sacrum below L6
SIDES = (1, -1)  # right, left
LEAST_ANSWER = 0.02  # of those that are told of
LEAST_SACRUM = 0.5  # probability of a voxel
LEAST_SACRUM_MM3 = 4000.0
SACRUM_MM = 24.0  # how far from the lower end of the lowest body it begins


@dataclass(frozen=True, eq=False)
class LevelFinder:
    """Finds the bodies around the spine and names them."""

    skeleton: SkeletonFinder
    ribs: RibModel

    @classmethod
    def of(cls, network: Network, card: ModelCard) -> LevelFinder:
        """With a skeleton's model.

        Raises:
            BadInput: its card does not say what ribs tell.
        """
        try:
            return cls(SkeletonFinder(network, card), RibModel.of_card(card.outputs))
        except ValueError as error:
            raise BadInput(f"The model {card.name} names no vertebrae: {error}; install the model again.") from error

    def __call__(self, ct: Volume, box: Box) -> Levels:
        """The vertebrae in view, from head to foot; none where no spine is seen.

        Args:
            box: the localizer's.
        """
        return levels_of(self.skeleton(ct, box.centre_ras + FROM_BOX_MM), self.ribs, box)


def levels_of(skeleton: Skeleton, model: RibModel, box: Box) -> Levels:
    """The same of a skeleton that was found."""
    curve = spine_curve(skeleton)
    if curve is None:
        return Levels((), ())
    spans = bodies_along(profile_along(skeleton, curve))
    if not spans:
        return Levels((), ())
    right, left = (_ribs(skeleton, curve, spans, side, model) for side in SIDES)
    above_sacrum = _sacrum_below(skeleton, curve, spans[0])
    seen = [_seen(curve, *parts) for parts in zip(spans, right, left)][::-1]
    has_ribs = [v.has_ribs if v.right.in_view or v.left.in_view else None for v in seen]
    naming = named(has_ribs, _place(box, seen), above_sacrum=above_sacrum)
    first = next(iter(naming))
    names = names_around(first, len(seen))
    answers = [Answer(n - first, p) for n, p in naming.items() if p >= LEAST_ANSWER or n == first]
    return Levels(
        vertebrae=tuple(replace(v, name=name) for v, name in zip(seen, names, strict=True)),
        answers=tuple(answers),
        variant=variant_of(seen, max(first, 0), above_sacrum=above_sacrum),
        sacrum_in_view=above_sacrum,
    )


def named_by_box(levels: Levels, box: Box) -> Levels:
    """Names moved so that T12 to L2 are those in a box that a reader placed."""
    if not levels.vertebrae:
        return levels
    return levels.moved_by(round(_place(box, list(levels.vertebrae))) - levels.first_lumbar)


def _ribs(skeleton: Skeleton, curve: Curve, spans: list[Span], side: int, model: RibModel) -> list[Rib]:
    pieces = joined_to(rib_pieces(skeleton, curve, side), spans)
    return [
        seen_rib(model, piece, above, joint_in_view(skeleton, curve, span, side))
        for span, piece, above in zip(spans, pieces, [*pieces[1:], None])
    ]


def _sacrum_below(skeleton: Skeleton, curve: Curve, lowest: Span) -> bool:
    """Whether the sacrum begins right below a body."""
    sacrum = skeleton.probabilities[Bone.SACRUM] > LEAST_SACRUM
    if not lowest.whole or sacrum.sum() * skeleton.grid.voxel_volume < LEAST_SACRUM_MM3:
        return False
    end = curve.at(lowest.lower)
    away = np.linalg.norm(skeleton.grid.ras_of(np.argwhere(sacrum)) - end, axis=1)
    return bool(away.min() < SACRUM_MM)


def _seen(curve: Curve, span: Span, right: Rib, left: Rib) -> SeenVertebra:
    lower, middle, upper = (triple(curve.at(at).tolist()) for at in (span.lower, span.middle, span.upper))
    return SeenVertebra("", middle, lower, upper, span.whole, right, left)


def _place(box: Box, seen: list[SeenVertebra]) -> float:
    """Where the middle of a box lies, in vertebrae from the uppermost (0) towards the feet."""
    heights = np.array([v.centre_ras_mm[2] for v in seen])
    height, last = float(box.centre_ras[2]), len(seen) - 1
    if len(seen) < 2:
        return float((heights[0] - height) / PITCH_MM)
    if height > heights[0]:
        return float((heights[0] - height) / (heights[0] - heights[1]))
    if height < heights[-1]:
        return last + float((heights[-1] - height) / (heights[-2] - heights[-1]))
    return float(np.interp(height, heights[::-1], np.arange(last, -1, -1.0)))
