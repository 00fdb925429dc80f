"""Which vertebrae a scan shows, and by what that can be told."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import Enum

BOTH_OR_NONE = 0.94  # share of the vertebrae that have ribs of 4 cm on both sides or on none
LEAST_RIB_MM = 40.0  # what is shorter is a remnant (VerSe 2020)
CONVENTION = f"L1 is the first vertebra without ribs of {LEAST_RIB_MM / 10:g} cm (VerSe 2020)"


class Variant(str, Enum):
    """What is unusual about a spine where thorax and loin meet; the value is its name for a reader."""

    USUAL = "none"
    STUMP_RIBS = "stump ribs"  # the first vertebra below the last whole ribs has remnants
    THIRTEEN_RIBS = "13 ribs"  # only four vertebrae without ribs above the sacrum
    ELEVEN_RIBS = "11 ribs or 6 lumbar"  # six of them: which it is cannot be told without counting from the neck


@dataclass(frozen=True)
class Rib:
    """What is seen of a rib on one side of a vertebra.

    Args:
        probability: 0..1 that a rib of at least 4 cm joins it; 0.5 where the scan does not show the place.
        remnant: 0..1 that a shorter one does.
        in_view: whether the scan shows the place where it would join, and 4 cm of it.
        length_mm: as far as it was followed in the part of the scan that was looked at; 0 where there is none.
        calibre_mm: mean diameter of what was followed.
        descent_degrees: how steeply it falls to the side.
        course_ras_mm: points along it from the spine outwards.
    """

    probability: float
    remnant: float
    in_view: bool
    length_mm: float = 0.0
    calibre_mm: float = 0.0
    descent_degrees: float = 0.0
    course_ras_mm: tuple[tuple[float, float, float], ...] = ()

    @property
    def state(self) -> str:
        """ "present", "remnant", "absent" or "cannot tell"."""
        absent = 1 - self.probability - self.remnant
        most = max(self.probability, self.remnant, absent)
        if not self.in_view or most < 0.6:
            return "cannot tell"
        return {self.probability: "present", self.remnant: "remnant"}.get(most, "absent")


@dataclass(frozen=True)
class SeenVertebra:
    """A vertebral body in view.

    Args:
        name: "T9" .. "L6", by its ribs.
        centre_ras_mm: of its body.
        lower_ras_mm, upper_ras_mm: middles of its endplates.
        whole: whether all of its body lies in the scan.
    """

    name: str
    centre_ras_mm: tuple[float, float, float]
    lower_ras_mm: tuple[float, float, float]
    upper_ras_mm: tuple[float, float, float]
    whole: bool
    right: Rib
    left: Rib

    @property
    def has_ribs(self) -> float:
        """0..1 that there is a rib of at least 4 cm on either side; most vertebrae have both or none."""
        right, left = self.right.probability, self.left.probability
        both, none = BOTH_OR_NONE * right * left, BOTH_OR_NONE * (1 - right) * (1 - left)
        one = (1 - BOTH_OR_NONE) * (right * (1 - left) + left * (1 - right))
        return (both + one) / (both + one + none)


@dataclass(frozen=True)
class Answer:
    """One way to name the vertebrae.

    Args:
        shift: by how many vertebrae T12 lies lower than in the answer taken; below 0 where it lies higher.
        probability: 0..1.
        bmd_mg_cm3: the mean that it would give; None where it was not measured or cannot be.
    """

    shift: int
    probability: float
    bmd_mg_cm3: float | None = None

    def with_bmd(self, taken: float | None) -> Answer:
        """See `Levels.with_bmd`."""
        return replace(self, bmd_mg_cm3=taken) if self.shift == 0 or taken is None else self


@dataclass(frozen=True)
class Levels:
    """The vertebrae in view, named.

    Args:
        vertebrae: from head to foot.
        answers: the likeliest first, which is the one taken unless a reader moved the labels; their sum is at most 1.
        variant: of ribs and number of lumbar vertebrae, as far as the scan shows it.
        sacrum_in_view: whether the lumbar vertebrae could be counted from below.
        moved: by how many vertebrae a reader moved the labels towards the feet; 0 where nobody did.
    """

    vertebrae: tuple[SeenVertebra, ...]
    answers: tuple[Answer, ...]
    variant: Variant = Variant.USUAL
    sacrum_in_view: bool = False
    moved: int = 0

    @property
    def probability(self) -> float:
        """0..1 of the answer taken."""
        return next((answer.probability for answer in self.answers if answer.shift == 0), 0.0)

    @property
    def first_lumbar(self) -> int:
        """Index of L1; below 0 where it lies above all that are in view, at least their number where below."""
        kind, number = self.vertebrae[0].name[0], int(self.vertebrae[0].name[1:])
        return 1 - number if kind == "L" else 13 - number

    def find(self, name: str) -> SeenVertebra | None:
        """The vertebra of that name, if it is in view."""
        return next((vertebra for vertebra in self.vertebrae if vertebra.name == name), None)

    def with_bmd(self, bmd_mg_cm3: float | None) -> Levels:
        """With what the answer taken gives; where that is nothing, the others give nothing either."""
        return replace(self, answers=tuple(answer.with_bmd(bmd_mg_cm3) for answer in self.answers))

    def moved_by(self, shift: int) -> Levels:
        """All labels moved by so many vertebrae towards the feet; what was seen stays."""
        position = self.first_lumbar + shift
        names = names_around(position, len(self.vertebrae))
        named = tuple(replace(v, name=name) for v, name in zip(self.vertebrae, names, strict=True))
        answers = tuple(replace(answer, shift=answer.shift - shift) for answer in self.answers)
        return replace(self, vertebrae=named, answers=answers, moved=self.moved + shift)


def names_around(first_lumbar: int, count: int) -> Sequence[str]:
    """Names of `count` vertebrae from head to foot of which number `first_lumbar` (from 0) is L1."""
    from_l1 = [n - first_lumbar for n in range(count)]
    return [f"L{n + 1}" if n >= 0 else f"T{13 + n}" for n in from_l1]
