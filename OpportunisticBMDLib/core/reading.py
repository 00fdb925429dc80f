"""What the middle of a vertebral body reads."""

from __future__ import annotations

from dataclasses import dataclass

from OpportunisticBMDLib.core.region import Region

LUMP_MM = 1.5  # SD of what is looked at for lumps: finer than a bone island, coarser than noise and trabeculae
METAL_HU = 1500.0  # denser than any bone: metal or cement


@dataclass(frozen=True, eq=False)
class Reading:
    """A region as a CT shows it.

    Args:
        region: where.
        hu_mean, hu_sd: of the voxels read, each weighted by its share inside; NaN where none is left. The mean is that
            of thin slices (see `stages.read_region`).
        voxels: their number, shares added up.
        covered: share of the region that lies within the scan, 0..1.
        left_out: cause -> share of the region within the scan, 0..1: "not in the mask", "metal", "damaged", "dense",
            "hollow".
        damaged: voxels in the region that are no measurement (see `core.damage`), and were left out.
    """

    region: Region
    hu_mean: float
    hu_sd: float
    voxels: float
    covered: float
    left_out: dict[str, float]
    damaged: int = 0

    @property
    def left_out_share(self) -> float:
        return sum(self.left_out.values())
