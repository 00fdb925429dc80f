"""Anatomy held against the axes that a file states: lungs towards the head, spine behind, ribs falling aside.

A file can state wrong axes: head and foot exchanged, or front and back. Three witnesses are heard, each of which may
be silent. Lungs above the middle of the scan speak for the head, and lasting bone behind the middle of the body for
the back. Ribs behind fall from the spine to the sides, those in front rise from the breastbone to the sides: this
changes if either is exchanged. So an exchange has two witnesses against it, and one that is mistaken stands alone.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from OpportunisticBMDLib.core.errors import Refused
from OpportunisticBMDLib.core.grid import Grid
from OpportunisticBMDLib.core.ranges import extent
from OpportunisticBMDLib.core.reason import Reason, ReasonCode, Severity
from OpportunisticBMDLib.core.remembered import remembered
from OpportunisticBMDLib.core.vertebrae import LABELS
from OpportunisticBMDLib.core.volume import Volume
from OpportunisticBMDLib.stages.parts import largest_part

STEP_MM = 4.0  # of the voxels that are looked at
TISSUE_HU, BONE_HU = -300.0, 180.0
LUNG_HU = (-960.0, -500.0)  # gas in the bowel is darker
LEAST_LUNG_MM3 = 150e3  # of each
LUNG_IN_SLICE = 0.03  # of the body: from here on a slice shows ribs beside lungs
MIDLINE_MM = 60.0  # to either side, where the spine lies
BEHIND, IN_FRONT = 0.42, 0.58  # of the body's depth: up to here, and from here on
RIBS_MM = (35.0, 110.0)  # beside the spine
BONE_SMOOTHED_MM, RIBS_SMOOTHED_MM = 10.0, 3.0
PARTS = 4  # of the scan's height: the spine is in all of them, bowel with contrast is not
LEAST_BODY_MM = np.array([220.0, 120.0, 60.0])  # to the right, front, head: a narrow field of view tells nothing
ARCH_MM, ARCH_HALF_MM, ARCH_STEP_MM = (6.0, 40.0), 20.0, 2.0  # behind a body's cancellous bone, to the sides, voxels
MOST_BEHIND, LEAST_IN_FRONT = 0.2, 0.08  # share of bone in that room; arches fill 0.16 to 0.5 of it
MORE_IN_FRONT = 1.5  # times that behind; bright vessels fill up to 0.8 times as much as arches
FIRM_LUNGS, FIRM_SPINE, FIRM_RIBS = 0.2, 1.0, 0.2  # from here on a witness counts, see `Witnesses`
AGAIN = "export the CT again with its true orientation."


@dataclass(frozen=True)
class Witnesses:
    """What speaks for the axes that are stated (above 0), and what against them (below 0); 0 where nothing is seen.

    Args:
        lungs: height of their middle, from -1 (lower end of the scan) to 1 (upper end).
        spine: log2 of the bone that lasts through the slices behind the middle of the body over that in front of it.
        ribs: how much more those behind fall to the sides than those in front, from -2 to 2.
    """

    lungs: float = 0.0
    spine: float = 0.0
    ribs: float = 0.0

    @property
    def _firm(self) -> tuple[int, int, int]:
        """-1 against, 0 silent, 1 for."""
        found = zip((self.lungs, self.spine, self.ribs), (FIRM_LUNGS, FIRM_SPINE, FIRM_RIBS))
        lungs, spine, ribs = (int(np.sign(value)) * (abs(value) >= least) for value, least in found)
        return lungs, spine, ribs

    @property
    def severity(self) -> Severity | None:
        """ "refusal" where two agree against the axes, "warning" where one does and none is for them."""
        against, in_favour = self._firm.count(-1), self._firm.count(1)
        if against == 2:
            return "refusal"
        return "warning" if against == 1 and not in_favour else None

    @property
    def message(self) -> str:
        """What lies wrong, as one sentence; empty where nothing does."""
        lungs, spine, ribs = self._firm
        seen = [
            words
            for words, witness in (
                ("the lungs lie below the abdomen", lungs),
                ("the spine lies in front", spine),
                ("the ribs rise to the sides", ribs),
            )
            if witness < 0
        ]
        turned = ["upside down"] if lungs < 0 or (ribs < 0 and spine >= 0) else []
        turned += ["back to front"] if spine < 0 else []
        if not seen:
            return ""
        sentence = f"{' and '.join(seen)}, as if the patient were stored {' and '.join(turned)}: {AGAIN}"
        return sentence[0].upper() + sentence[1:]


def check_orientation(ct: Volume) -> None:
    """Holds anatomy against the axes of a CT.

    Raises:
        Refused: head and foot, or front and back are exchanged.
    """
    witnesses = heard(ct)
    if witnesses.severity == "refusal":
        raise Refused(ReasonCode.ORIENTATION_CONTRADICTED, witnesses.message)


def orientation_doubts(ct: Volume, labels: Volume | None = None) -> list[Reason]:
    """The same as reasons, and what the bone around the masks tells of front and back.

    Args:
        labels: masks of the vertebral bodies on the CT's grid; None where there are none.
    """
    witnesses = heard(ct)
    severity, message = witnesses.severity, witnesses.message
    if severity != "refusal" and labels is not None and arches_in_front(ct, labels):
        severity = "refusal"
        message = (
            f"The vertebral arches lie in front of the bodies, as if the patient were stored back to front: {AGAIN}"
        )
    return [] if severity is None else [Reason(ReasonCode.ORIENTATION_CONTRADICTED, severity, message)]


@remembered
def heard(ct: Volume) -> Witnesses:
    """What the CT shows."""
    seen = _coarse(ct)
    body = _body(seen)
    if body is None:
        return Witnesses()
    lungs = _lungs(seen, body)
    return Witnesses(_height_of(lungs), *_spine_and_ribs(seen, body, lungs))


@dataclass(frozen=True, eq=False)
class _Coarse:
    """Every so many voxels of a CT, by the axes that it states.

    Args:
        hu: (I, J, K) to the right, front and head.
        spacing: (3,) mm.
    """

    hu: np.ndarray
    spacing: np.ndarray


def _coarse(ct: Volume) -> _Coarse:
    order, towards = ct.grid.nearest_axes
    spacing = ct.grid.spacing[list(order)]
    steps = np.maximum(1, np.round(STEP_MM / spacing)).astype(int)
    thinned = ct.array.transpose(order)[tuple(slice(None, None, int(step)) for step in steps)]
    return _Coarse(thinned[tuple(slice(None, None, way) for way in towards)], spacing * steps)


def _body(seen: _Coarse) -> np.ndarray | None:
    """(I, J, K) bool with all that it encloses in each slice; None where too little is seen of it."""
    body = largest_part(ndimage.binary_opening(seen.hu > TISSUE_HU))
    extents = np.array([np.count_nonzero(body.any(axis=axes)) for axes in ((1, 2), (0, 2), (0, 1))])
    if (extents * seen.spacing < LEAST_BODY_MM).any() or body.shape[2] < PARTS:
        return None
    return np.stack([ndimage.binary_fill_holes(plane) for plane in np.moveaxis(body, 2, 0)], axis=2)


def _lungs(seen: _Coarse, body: np.ndarray) -> np.ndarray:
    low, high = LUNG_HU
    lungs = ndimage.binary_opening(body & (seen.hu > low) & (seen.hu < high))
    parts, _ = ndimage.label(lungs)
    large = np.bincount(parts.ravel()) * seen.spacing.prod() > LEAST_LUNG_MM3
    large[0] = False
    return large[parts]


def _height_of(lungs: np.ndarray) -> float:
    """Of their middle, -1 to 1; 0 where there are none."""
    area = lungs.sum(axis=(0, 1))
    return float(np.average(np.linspace(-1, 1, len(area)), weights=area)) if area.any() else 0.0


def _spine_and_ribs(seen: _Coarse, body: np.ndarray, lungs: np.ndarray) -> tuple[float, float]:
    """See `Witnesses`."""
    middle = round(float(np.average(np.arange(len(body)), weights=body.sum(axis=(1, 2)))))
    near = slice(max(0, middle - round(MIDLINE_MM / seen.spacing[0])), middle + round(MIDLINE_MM / seen.spacing[0]) + 1)
    if not body[near].any():
        return 0.0, 0.0
    depth = _depth(body[near])
    parts = np.array_split(body & (seen.hu > BONE_HU), PARTS, axis=2)
    bone = np.stack([_lasting_bone(part, seen.spacing)[near] for part in parts])
    behind, in_front = bone[..., (depth > 0) & (depth < 0.5)], bone[..., (depth >= 0.5) & (depth < 1)]
    if not behind.size or not in_front.size:
        return 0.0, 0.0
    spine = float(np.log2((behind.max(axis=(1, 2)).min() + 0.01) / (in_front.max(axis=(1, 2)).min() + 0.01)))
    area = lungs.sum(axis=(0, 1))
    beside_lungs = area > LUNG_IN_SLICE * np.median(body.sum(axis=(0, 1)))
    if not beside_lungs.any():
        return spine, 0.0
    lasting = (behind if spine > 0 else in_front).mean(axis=0).max(axis=1)
    aside = (np.arange(len(body)) - near.start - lasting.argmax()) * seen.spacing[0]
    falls = [_fall(seen, body, part, aside, beside_lungs) for part in (depth < BEHIND, depth > IN_FRONT)]
    return spine, falls[0] - falls[1]


def _lasting_bone(bone: np.ndarray, spacing: np.ndarray) -> np.ndarray:
    """(I, J) share of the slices that hold bone, smoothed."""
    return ndimage.gaussian_filter(bone.mean(axis=2), BONE_SMOOTHED_MM / spacing[:2])


def _depth(midline: np.ndarray) -> np.ndarray:
    """(J,) from 0 at the back of the body to 1 at its front; what lies outside is below 0 or above 1."""
    shadow: np.ndarray = np.asarray(midline.any(axis=0))
    shadow = shadow[:, shadow.any(axis=0)]
    back = np.median(shadow.argmax(axis=0))
    front = np.median(len(shadow) - 1 - shadow[::-1].argmax(axis=0))
    return (np.arange(len(shadow)) - back) / max(front - back, 1.0)


def _fall(seen: _Coarse, body: np.ndarray, part: np.ndarray, aside: np.ndarray, slices: np.ndarray) -> float:
    """How much bright bands fall from the spine to the sides in a part of the body's depth: 1 all of them, -1 all rise.

    Args:
        part: (J,) bool.
        aside: (I,) mm to the right of the spine.
        slices: (K,) bool.
    """
    brightest = np.clip(np.where(body[:, part], seen.hu[:, part], -200).max(axis=1), 0, 500).astype(float)
    spacing = seen.spacing[[0, 2]]
    across, up = np.gradient(ndimage.gaussian_filter(brightest, RIBS_SMOOTHED_MM / spacing), *spacing)
    nearest, farthest = RIBS_MM
    beside = (np.abs(aside) > nearest) & (np.abs(aside) < farthest)
    fall = (np.sign(aside)[:, None] * across * up)[beside][:, slices].sum()
    most = ((across**2 + up**2) / 2)[beside][:, slices].sum()
    return float(fall / most) if most > 0 else 0.0


def arches_in_front(ct: Volume, labels: Volume) -> bool:
    """Whether all vertebrae, at least two, have more bone before them, where no arch can be, than behind.

    Args:
        labels: masks of the vertebral bodies on the CT's grid.
    """
    held = extent(labels.array)
    if held is None:
        return False
    labels = labels.part(held)
    found = [part for number in LABELS.values() if (part := extent(labels.array == number)) is not None]
    return len(found) > 1 and all(_is_turned(ct, labels.part(part)) for part in found)


def _is_turned(ct: Volume, body: Volume) -> bool:
    """Of one vertebra; `body` is the part of the label map around its mask."""
    bounds = body.grid.bounds_ras
    middle = bounds.mean(axis=1)
    shares = []
    for way, edge in ((-1, bounds[1, 0]), (1, bounds[1, 1])):
        centre = (middle[0], edge + way * np.mean(ARCH_MM), middle[2])
        size = np.maximum(1, np.array([2 * ARCH_HALF_MM, np.ptp(ARCH_MM), np.ptp(bounds[2])]) / ARCH_STEP_MM)
        shares.append(float((ct.resampled(Grid.axis_aligned(size, [ARCH_STEP_MM] * 3, centre)).array > BONE_HU).mean()))
    behind, in_front = shares
    return behind < MOST_BEHIND and in_front > max(LEAST_IN_FRONT, MORE_IN_FRONT * behind)
