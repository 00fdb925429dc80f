"""What a voxel in and around the spine belongs to."""

from __future__ import annotations

from enum import IntEnum


class Bone(IntEnum):
    """The labels of a skeleton's label map; nothing else in the project numbers these."""

    NONE = 0
    BODY = 1  # of a vertebra, cortex included
    DISC = 2
    RIB = 3  # without its cartilage
    ARCH = 4  # all of a vertebra behind its body: pedicles, joints, transverse and spinous processes
    SACRUM = 5
    HIP = 6
