"""Everything that makes one virtual patient differ from another: a record that is drawn once and rendered at will.

Fields with a default are what the cohort `many-scanners` adds; the default is how the cohort `one-scanner` has it.
"""

from __future__ import annotations

from dataclasses import dataclass

from OpportunisticBMDTraining.virtual.materials import FAT_HU, MUSCLE_HU

LEVELS = ("T5", "T6", "T7", "T8", "T9", "T10", "T11", "T12", "L1", "L2", "L3", "L4", "L5")
# Endplate width and depth and height of the body, disc below it: mm, means for a man of 175 cm.
WIDTH = (29.5, 30.5, 31.5, 33.0, 34.5, 36.5, 39.0, 41.5, 44.0, 45.5, 47.5, 49.5, 52.0)
DEPTH = (29.0, 30.5, 32.0, 33.5, 34.5, 35.5, 36.0, 36.5, 37.0, 37.5, 38.0, 38.5, 38.0)
HEIGHT = (18.5, 19.0, 19.5, 20.0, 21.0, 22.0, 23.0, 24.5, 26.0, 27.0, 27.5, 27.5, 28.0)
DISC = (4.0, 4.0, 4.5, 4.5, 4.5, 5.0, 5.5, 6.5, 7.5, 8.5, 9.5, 10.5, 10.0)
# Lean of each body's axis: degrees, positive where its top leans backwards.
LEAN = (-14.0, -10.0, -6.0, -2.0, 2.0, 5.5, 8.5, 10.0, 9.5, 6.0, -1.0, -11.0, -25.0)


@dataclass(frozen=True)
class Dent:
    """A hollow in an endplate: a Schmorl's node where it is narrow, a collapsed endplate where it is wide.

    Args:
        x, y: its middle, mm to the right and front of the body's axis.
        above: whether it is in the upper endplate.
        radius, depth: mm.
    """

    x: float
    y: float
    above: bool
    radius: float
    depth: float


@dataclass(frozen=True)
class Spur:
    """An osteophyte at the lower edge of a body, or a bridge of bone to the next one.

    Args:
        angle: where on the edge, degrees from the front towards the right.
        length: how far it reaches outwards, mm.
        radius: at its root, mm.
        bridges: whether it grows across the disc to the body below.
    """

    angle: float
    length: float
    radius: float
    bridges: bool


@dataclass(frozen=True)
class VertebraParameters:
    """Size (mm), pose (degrees) and density of one vertebra.

    Args:
        name: "T5" .. "L5".
        width, depth, height: of the body at its endplates; the height is the mean of front and back.
        disc_below: height of the disc below.
        lean: sagittal tilt, positive where the top leans backwards.
        tilt: coronal tilt.
        wedge: how much lower the front is than the back, degrees between the endplates.
        waist: how much narrower the body is at half height, as a fraction.
        endplate_depth: how deep the endplates are hollowed, mm.
        lip: how far osteophytes widen the body's edges, as a fraction.
        cortex, endplate: thickness of the shell around the body and of its endplates, mm.
        density: mean hydroxyapatite of the cancellous bone, mg/cm3.
        turn: about its own axis, degrees, positive where its front turns to the left.
        fracture: "", "wedge", "biconcave" or "crush"; `height`, `wedge` and `dents` are those of the broken body.
        loss: share of the height that the fracture took where it took most.
        dents: hollows in the endplates.
        sclerosis: how much denser the bone is under the upper and the lower endplate, as a fraction.
        vacuum: share of the disc below that holds gas, 0 to 1.
        spurs: osteophytes at the lower edge.
        room: space above and below half the height in which the body is painted, mm; the more it leans, the more.
    """

    name: str
    width: float
    depth: float
    height: float
    disc_below: float
    lean: float
    tilt: float
    wedge: float
    waist: float
    endplate_depth: float
    lip: float
    cortex: float
    endplate: float
    density: float
    turn: float = 0.0
    fracture: str = ""
    loss: float = 0.0
    dents: tuple[Dent, ...] = ()
    sclerosis: tuple[float, float] = (0.0, 0.0)
    vacuum: float = 0.0
    spurs: tuple[Spur, ...] = ()
    room: float = 9.0


@dataclass(frozen=True)
class TextureParameters:
    """How the density varies inside a body, relative to its mean.

    Args:
        grain, patch: SD of the fine and the coarse variation.
        ends: how much denser the bone is at the endplates.
        vessel: how much emptier it is around the basivertebral vein.
    """

    grain: float = 0.25
    patch: float = 0.11
    ends: float = 0.35
    vessel: float = 0.45


@dataclass(frozen=True)
class Arm:
    """An arm beside the body, as a straight piece of it.

    Args:
        side: 1 = right, -1 = left.
        gap: between skin and skin, mm.
        front: how far in front of the trunk's centre, mm.
        radius: mm.
        nail: whether a metal nail lies in its bone.
    """

    side: int
    gap: float
    front: float
    radius: float
    nail: bool


@dataclass(frozen=True)
class Appearance:
    """How thick and how bright a slender bone is, relative to what is usual."""

    thickness: float = 1.0
    brightness: float = 1.0


@dataclass(frozen=True)
class Implant:
    """Something foreign in the spine or the hips.

    Args:
        kind: "screws" (pedicle screws with rods), "cement" or "hip".
        levels: the vertebrae that hold it; empty for a hip.
        side: of the hip, 1 = right, -1 = left.
        hu: of the material, before the scanner's own range cuts it off.
    """

    kind: str
    levels: tuple[str, ...] = ()
    side: int = 1
    hu: float = 3500.0


@dataclass(frozen=True)
class Lesion:
    """Something in the bone of a body, or in the disc below it, that is not the patient's density.

    Args:
        kind: one of `lesions.KINDS`.
        level: the vertebra, by its shape's name.
        x, y, z: its middle, mm to the right, the front and the head of the middle of the body.
        radius: its half width, mm.
        height: its half height, mm.
        strength: how much denser or emptier it is than bone, relative to what is usual.
    """

    kind: str
    level: str
    x: float
    y: float
    z: float
    radius: float
    height: float
    strength: float = 1.0


@dataclass(frozen=True)
class Agent:
    """What the veins hold of a contrast agent at the time of the scan, beside what `BodyParameters` says of it.

    Args:
        phase: "none", "arterial", "portal venous" or "late".
        delay_s: since the injection.
        leg_vein_hu: of the vena cava below the renal veins, where blood comes late from the legs.
        medulla_hu: of the kidneys; their cortex is `kidney_hu`.
        pelvis_hu: of their collecting system.
        spleen_hu, mottle_hu: mean of the spleen and SD of its stripes.
        liver_gain_hu: how much of the liver's HU is the agent.
        header: "right", "silent" or "wrong" about whether there is an agent.
    """

    phase: str
    delay_s: float
    leg_vein_hu: float
    medulla_hu: float
    pelvis_hu: float
    spleen_hu: float
    mottle_hu: float
    liver_gain_hu: float
    header: str


@dataclass(frozen=True)
class BodyParameters:
    """The trunk around the spine, mm and HU.

    Args:
        chest_width, chest_depth: semi-axes of the rib cage at T10.
        waist: semi-axis of the muscular wall at L3 relative to the chest.
        fat: thickness of the subcutaneous fat.
        wall: thickness of the muscular wall.
        rib_drop: how far a rib descends from its back to the side, about.
        rib12: length of the twelfth ribs (right, left); rib11 likewise.
        dome: height of the right diaphragm above the centre of L1.
        aorta_hu, vein_hu, kidney_hu, liver_hu: contrast included.
        liver_size, kidney_size: relative to the mean.
        bowel_gas: fraction of the bowel that holds gas.
        oral_hu: content of the stomach; above 100 where contrast was drunk.
        rib13: length of ribs on L1 (right, left); 0 where there are none.
        chalk: SD of a smooth field above which the aorta's wall is calcified; None leaves it to the age.
        arms: those that lie beside the body.
        floating: the ribs of T11, T12 and L1 relative to those above.
        sides: how bright the transverse processes are, relative to what is usual.
        cartilage_hu: of the ribs' cartilage; above 150 where it is calcified.
        fat_hu: of all fat but the marrow's, at 120 kVp; muscle_hu: of muscle without an agent.
    """

    chest_width: float
    chest_depth: float
    waist: float
    fat: float
    wall: float
    rib_drop: float
    rib12: tuple[float, float]
    rib11: tuple[float, float]
    dome: float
    aorta_hu: float
    vein_hu: float
    kidney_hu: float
    liver_hu: float
    liver_size: float
    kidney_size: float
    bowel_gas: float
    oral_hu: float
    rib13: tuple[float, float] = (0.0, 0.0)
    chalk: float | None = None
    arms: tuple[Arm, ...] = ()
    floating: tuple[Appearance, Appearance, Appearance] = (Appearance(), Appearance(), Appearance())
    sides: float = 1.0
    cartilage_hu: float = 105.0
    fat_hu: float = FAT_HU
    muscle_hu: float = MUSCLE_HU


@dataclass(frozen=True)
class ScanParameters:
    """How the patient is scanned.

    Args:
        kvp: tube voltage, kV.
        noise_hu: SD of the noise in the spine.
        kernel_sigma: SD of the kernel's Gaussian point spread, mm; the noise is correlated by it.
        slice_thickness, pixel, field_of_view: mm.
        top, bottom: ends of the scan, mm above the centre of L1.
        centre: right and front coordinate of the field's centre, mm.
        slope, offset: the scanner's own calibration error: HU * slope + offset.
        cupping_hu: how much brighter the rim of the field is than its middle, where a scanner is set to 0 HU for water;
            negative where its correction of the beam's hardening goes too far.
        table_gap, table_sag: gap between table and back, mm, and the table's curvature, 1/mm.
        table_hu: of the table's upper shell.
        increment: distance of the slices, mm; 0 where they touch.
        edge: how far the kernel overshoots at edges; the noise grows with it at the same frequencies.
        smear: SD of what blurs the edges of the slice profile, mm.
        padding_hu: what is stored outside the circle of reconstruction.
        circle: whether only a circle is reconstructed.
    """

    kvp: float
    noise_hu: float
    kernel_sigma: float
    slice_thickness: float
    pixel: float
    field_of_view: float
    top: float
    bottom: float
    centre: tuple[float, float]
    slope: float
    offset: float
    cupping_hu: float
    table_gap: float
    table_sag: float
    table_hu: float
    increment: float = 0.0
    edge: float = 0.0
    smear: float = 0.0
    padding_hu: int = -1024
    circle: bool = True


@dataclass(frozen=True)
class PatientParameters:
    """One virtual patient's record: rendering it twice gives the same voxels.

    Args:
        marrow_fat: share of the marrow's volume that is yellow.
        contrast: whether an iodinated agent was injected.
        vertebrae: from top to bottom.
        cohort: the one it was drawn from.
        marrow_contrast_hu: by how much the injected agent raises the marrow.
        compact: HU of compact bone relative to 120 kVp.
        fat_contrast: HU of fat relative to 120 kVp.
        agent: what is in the veins; None of records that were drawn before there was one.
        below: the calibration phantom under the patient, one of `calibration.phantoms`; "" for none.
    """

    seed: int
    sex: str
    age: float
    size: float
    marrow_fat: float
    contrast: bool
    vertebrae: tuple[VertebraParameters, ...]
    body: BodyParameters
    scan: ScanParameters
    cohort: str = "one-scanner"
    marrow_contrast_hu: float = 0.0
    compact: float = 1.0
    fat_contrast: float = 1.0
    agent: Agent | None = None
    texture: TextureParameters = TextureParameters()
    implants: tuple[Implant, ...] = ()
    lesions: tuple[Lesion, ...] = ()
    below: str = ""
