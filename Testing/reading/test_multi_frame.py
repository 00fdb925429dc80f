"""Enhanced CTs: many slices in one file, read as the same slices alone, or one plain sentence."""

# ruff: noqa: E402  pydicom is optional, and what needs it is imported after the check
from __future__ import annotations

import shutil
import tracemalloc
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

pydicom = pytest.importorskip("pydicom", reason="pydicom (the dicom extra) is not installed")
pytest.importorskip("highdicom", reason="highdicom (the dicom extra) is not installed")

from pydicom.dataset import Dataset
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    RLELossless,
)

from dicom_files import pack, write_stack
from multi_frame_files import in_fragments, with_extended_table, with_open_sequences, write_converted, write_enhanced
from OpportunisticBMDLib.core.ct import CT, ImageKind
from OpportunisticBMDLib.core.errors import BadInput
from OpportunisticBMDLib.reading import read_ct
from OpportunisticBMDLib.reading.series import compressed_pixels

SIZE = (20, 24, 14)
TILTED = ((1.0, 0.0, 0.0), (0.0, np.cos(0.2), np.sin(0.2)))
WRITERS = {"enhanced": write_enhanced, "converted": write_converted}
LIES = {
    "axial": {},
    "prone": {"axes": ((-1.0, 0, 0), (0, -1.0, 0))},
    "coronal": {"axes": ((1.0, 0, 0), (0, 0, -1.0))},
    "oblique": {"axes": ((0.8, 0.6, 0.0), (-0.6, 0.8, 0.0))},
    "tilted gantry": {"axes": TILTED, "shear": (0.0, 0.2, 0.0)},
    "uneven steps": {"heights": np.cumsum([0, 3, 3, 3.5, 3, 2.4, 3, 3, 4, 3, 3, 3, 2.5, 3])},
    "another slope each": {"slope": lambda k: [1, 2][k % 2], "intercept": lambda k: [-1024, -2000][k % 2]},
    "padded": {"PixelPaddingValue": -976},
    "contrast, sharp": {"ConvolutionKernel": "Br64d", "ContrastBolusAgent": "OMNIPAQUE", "KVP": "100"},
}


def tissue(seed: int = 0, size: tuple[int, int, int] = SIZE) -> np.ndarray:
    random = np.random.default_rng(seed)
    array = random.choice([-1000, -100, 50, 180, 900], size, p=[0.2, 0.3, 0.3, 0.15, 0.05])
    return (array + random.integers(-20, 20, size)).astype(np.int16) // 2 * 2


def is_same(one: CT, other: CT) -> bool:
    """But for the name of what was read."""
    known = replace(one.acquisition, path=other.acquisition.path)
    voxels = one.volume.array.dtype == other.volume.array.dtype and np.array_equal(one.volume.array, other.volume.array)
    return voxels and one.volume.grid.is_close(other.volume.grid) and known == other.acquisition


def refusal(path: Path) -> str:
    with pytest.raises(BadInput) as caught:
        read_ct(path)
    message = str(caught.value)
    assert "\n" not in message and message.endswith(".") and "Mustermann" not in message
    return message


def joined(folder: Path, change=None, **attributes: object) -> Path:
    """An enhanced CT, alone in its folder."""
    files = write_stack(folder / "slices", tissue(), **attributes)
    return write_enhanced(folder / "joined" / "ct.dcm", files, change=change)


# --- the same as single slices -----------------------------------------------------------------------------------


@pytest.mark.parametrize("writer", WRITERS)
@pytest.mark.parametrize("lies", LIES)
def test_frames_are_read_as_the_same_slices_alone(tmp_path, lies, writer):
    files = write_stack(tmp_path / "slices", tissue(), **LIES[lies])
    path = WRITERS[writer](tmp_path / "joined" / "ct.dcm", files)
    assert is_same(read_ct(tmp_path / "slices"), read_ct(path.parent))


@pytest.mark.parametrize("order", ["from head to foot", "mixed"])
def test_frames_may_come_in_any_order(tmp_path, order):
    files = write_stack(tmp_path / "slices", tissue())
    mixed = files[::-1] if order == "from head to foot" else sorted(files)
    path = write_enhanced(tmp_path / "joined" / "ct.dcm", mixed)
    assert is_same(read_ct(tmp_path / "slices"), read_ct(path.parent))


def test_the_file_itself_may_be_named_and_so_may_a_zip(tmp_path):
    path = joined(tmp_path)
    shutil.make_archive(str(tmp_path / "ct"), "zip", path.parent)
    one, two, three = read_ct(path.parent), read_ct(path), read_ct(tmp_path / "ct.zip")
    assert is_same(one, two) and is_same(one, three)
    assert (two.acquisition.path, three.acquisition.path) == ("ct.dcm", "ct.zip")


def test_a_file_with_a_single_slice_is_still_to_be_named_by_its_folder(tmp_path):
    assert "name the folder" in refusal(write_stack(tmp_path, tissue())[0])


def test_a_series_may_lie_in_several_files(tmp_path):
    files = write_stack(tmp_path / "slices", tissue())
    write_enhanced(tmp_path / "joined" / "a.dcm", files[:6])
    write_enhanced(tmp_path / "joined" / "b.dcm", files[6:])
    assert is_same(read_ct(tmp_path / "slices"), read_ct(tmp_path / "joined"))


def test_a_file_that_was_copied_is_read_once(tmp_path):
    path = joined(tmp_path)
    shutil.copy(path, path.with_name("copy.dcm"))
    assert is_same(read_ct(tmp_path / "slices"), read_ct(path.parent))


@pytest.mark.parametrize("syntax", [ImplicitVRLittleEndian, ExplicitVRBigEndian])
def test_every_plain_transfer_syntax_is_read(tmp_path, syntax):
    path = joined(tmp_path)
    data = pydicom.dcmread(path)
    data.file_meta.TransferSyntaxUID = syntax
    if syntax == ExplicitVRBigEndian:
        data.PixelData = np.frombuffer(data.PixelData, "<i2").astype(">i2").tobytes()
    assert all(element.tag for element in data.iterall())  # reads what is still bytes
    order = {"implicit_vr": syntax.is_implicit_VR, "little_endian": syntax.is_little_endian}
    pydicom.dcmwrite(path, data, **order, force_encoding=True)
    assert is_same(read_ct(tmp_path / "slices"), read_ct(path))


def test_sequences_of_open_length_are_read(tmp_path):
    path = joined(tmp_path, with_open_sequences)
    assert is_same(read_ct(tmp_path / "slices"), read_ct(path))


@pytest.mark.parametrize(
    "change",
    [None, in_fragments(1, has_table=False), in_fragments(3), with_extended_table],
    ids=["table", "no table", "in fragments", "extended table"],
)
def test_compressed_frames_are_read(tmp_path, change):
    path = joined(tmp_path, change, compress=RLELossless)
    assert is_same(read_ct(tmp_path / "slices"), read_ct(path))


def test_a_converted_file_may_be_compressed(tmp_path):
    files = write_stack(tmp_path / "slices", tissue())
    for file in files:
        pack(file, "JPEG2000")
    path = write_converted(tmp_path / "ct.dcm", files, transfer_syntax_uid=None)
    assert pydicom.dcmread(path).file_meta.TransferSyntaxUID == JPEG2000Lossless
    assert is_same(read_ct(tmp_path / "slices"), read_ct(path))


def test_compressed_frames_are_decoded_on_all_cores(tmp_path, monkeypatch):
    started = []
    start = compressed_pixels.subprocess.Popen
    monkeypatch.setattr(
        compressed_pixels.subprocess, "Popen", lambda *args, **kw: started.append(1) or start(*args, **kw)
    )
    monkeypatch.setattr(compressed_pixels, "usable_cores", lambda: 3)
    monkeypatch.setattr(compressed_pixels, "_WORTH_A_PROCESS", 1)
    path = joined(tmp_path, compress=RLELossless)
    assert np.array_equal(read_ct(path).volume.array, tissue())
    assert len(started) == 3


def test_frames_are_held_in_memory_once(tmp_path):
    array = tissue(size=(256, 256, 100))
    path = write_enhanced(tmp_path / "ct.dcm", write_stack(tmp_path / "slices", array, spacing=(1.0, 1.0, 1.0)))
    tracemalloc.start()
    try:
        read_ct(path)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 3 * array.nbytes  # as of a series of files


# --- what is told of frames --------------------------------------------------------------------------------------


def test_phases_in_one_file_are_told_apart(tmp_path):
    one = write_stack(tmp_path / "one", tissue(), TemporalPositionIdentifier=1, prefix="a")
    two = write_stack(tmp_path / "two", tissue(1), TemporalPositionIdentifier=2, prefix="b")
    together = [file for pair in zip(one, two) for file in pair]
    ct = read_ct(write_enhanced(tmp_path / "joined" / "ct.dcm", together))
    assert any(np.array_equal(ct.volume.array, phase) for phase in (tissue(), tissue(1)))
    assert "phase" in ct.acquisition.series_description and "one of 2" in ct.acquisition.series_description


def test_stacks_in_one_file_are_told_apart(tmp_path):
    def change(data: Dataset) -> None:
        for k, groups in enumerate(data.PerFrameFunctionalGroupsSequence):
            groups.FrameContentSequence[0].StackID = "upper" if k < SIZE[2] else "lower"

    together = write_stack(tmp_path / "one", tissue()) + write_stack(tmp_path / "two", tissue(1))
    ct = read_ct(write_enhanced(tmp_path / "ct.dcm", together, change=change))
    assert any(np.array_equal(ct.volume.array, stack) for stack in (tissue(), tissue(1)))
    assert "stack no. " in ct.acquisition.series_description


def test_frames_at_one_place_that_nothing_tells_apart_are_refused(tmp_path):
    together = write_stack(tmp_path / "one", tissue()) + write_stack(tmp_path / "two", tissue(1))
    message = refusal(write_enhanced(tmp_path / "ct.dcm", together))
    assert "ct.dcm (frame 1) and ct.dcm (frame 15) show the same place differently" in message


def test_a_gap_is_told_with_the_frames_around_it(tmp_path):
    files = write_stack(tmp_path / "slices", tissue())
    message = refusal(write_enhanced(tmp_path / "ct.dcm", files[:6] + files[7:]))
    assert "missing between" in message and "ct.dcm (frame 6) and ct.dcm (frame 7), 6 mm apart" in message


def frame_type(frame: int, *value: str):
    def change(data: Dataset) -> None:
        data.PerFrameFunctionalGroupsSequence[frame].CTImageFrameTypeSequence[0].FrameType = list(value)

    return change


def of_all(sequence: str, **values: object):
    """States something in a functional group of all frames."""

    def change(data: Dataset) -> None:
        groups = data.SharedFunctionalGroupsSequence[0]
        if sequence not in groups:
            setattr(groups, sequence, [Dataset()])
        for keyword, value in values.items():
            setattr(groups[sequence].value[0], keyword, value)

    return change


def test_a_frame_that_is_no_slice_is_left_out(tmp_path):
    path = joined(tmp_path, frame_type(13, "ORIGINAL", "PRIMARY", "LOCALIZER", "NONE"))
    ct = read_ct(path)
    assert np.array_equal(ct.volume.array, tissue()[..., :13]) and "left out" in ct.acquisition.series_description


def test_units_other_than_hu_are_refused(tmp_path):
    assert "14 x image in MGML instead of HU" in refusal(joined(tmp_path, RescaleType="MGML"))


def test_a_monoenergetic_image_says_so(tmp_path):
    item = Dataset()
    item.MonoenergeticEnergyEquivalent = 70.0
    path = joined(tmp_path, lambda data: setattr(data, "MultienergyCTProcessingSequence", [item]))
    known = read_ct(path).acquisition
    assert (known.image_kind, known.energy_kev) == (ImageKind.MONOENERGETIC, 70.0)


def test_two_tubes_with_two_voltages_have_none(tmp_path):
    def change(data: Dataset) -> None:
        first = data.SharedFunctionalGroupsSequence[0].CTXRayDetailsSequence[0]
        second = Dataset()
        second.KVP = "140"
        data.SharedFunctionalGroupsSequence[0].CTXRayDetailsSequence = [first, second]

    known = read_ct(joined(tmp_path, change)).acquisition
    assert known.kvp is None and known.spectrum == "120 and 140 kV in one series"


def agent(meaning: str, route: str, number: int = 1) -> Dataset:
    item, by = Dataset(), Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = "1", "SCT", meaning
    by.CodeValue, by.CodingSchemeDesignator, by.CodeMeaning = "2", "SCT", route
    item.ContrastBolusAgentNumber, item.ContrastBolusAdministrationRouteSequence = number, [by]
    return item


@pytest.mark.parametrize(
    "agents, administered, told, in_veins",
    [
        ([agent("Iohexol", "Intravenous route")], None, "Iohexol", True),
        ([agent("Iohexol", "Intravenous route")], "YES", "Iohexol", True),
        ([agent("Iohexol", "Intravenous route")], "NO", "", False),
        ([agent("Barium sulfate", "Oral route")], "YES", "Barium", False),
        ([agent("Mustermann's", "Intravenous route")], "YES", "yes", True),
        ([], None, None, None),
    ],
)
def test_contrast_is_told_as_far_as_a_frame_shows_it(tmp_path, agents, administered, told, in_veins):
    def change(data: Dataset) -> None:
        if agents:
            data.ContrastBolusAgentSequence = agents
        if administered:
            use = Dataset()
            use.ContrastBolusAgentNumber, use.ContrastBolusAgentAdministered = 1, administered
            data.SharedFunctionalGroupsSequence[0].ContrastBolusUsageSequence = [use]

    known = read_ct(joined(tmp_path, change)).acquisition
    assert (known.contrast_agent, known.contrast_in_veins) == (told, in_veins)


def test_the_day_of_the_scan_is_that_of_its_time(tmp_path):
    path = joined(tmp_path, lambda data: setattr(data, "AcquisitionDateTime", "20260512101112.5"))
    assert read_ct(path).acquisition.scanned_on == "2026-05-12"


# --- what is wrong with a file -----------------------------------------------------------------------------------


def put(keyword: str, value: object):
    return lambda data: setattr(data, keyword, value)


def without(keyword: str):
    return lambda data: delattr(data, keyword)


def without_position(data: Dataset) -> None:
    del data.PerFrameFunctionalGroupsSequence[4].PlanePositionSequence


def with_less_pixels(data: Dataset) -> None:
    data.PixelData = data.PixelData[: -2 * SIZE[0] * SIZE[1]]


@pytest.mark.parametrize(
    "change, said",
    [
        (put("NumberOfFrames", 0), "is an enhanced CT of 0 frames that describes 14"),
        (without("NumberOfFrames"), "is an enhanced CT of 0 frames"),
        (put("NumberOfFrames", 100_000), "is an enhanced CT of 100000 frames, more than any scan has"),
        (put("NumberOfFrames", 15), "is an enhanced CT of 15 frames that describes 14"),
        (put("PerFrameFunctionalGroupsSequence", []), "is an enhanced CT of 14 frames that describes 0"),
        (without("PerFrameFunctionalGroupsSequence"), "is an enhanced CT of 14 frames that describes 0"),
        (without("SharedFunctionalGroupsSequence"), "(frame 1) is a CT slice without orientation and spacing"),
        (with_less_pixels, "with pixels that cannot be read (12480 bytes instead of 13440)"),
        (put("Rows", 25), "with pixels that cannot be read (13440 bytes instead of 14000)"),
        (without_position, "ct.dcm (frame 5) is a CT slice without position"),
        (of_all("PixelMeasuresSequence", PixelSpacing=[0, 2]), "(frame 1) is a CT slice with a pixel spacing"),
        (of_all("PixelValueTransformationSequence", RescaleSlope=0), "is a CT slice with a RescaleSlope of 0"),
    ],
)
def test_what_is_wrong_is_told_in_one_sentence(tmp_path, change, said):
    assert said in refusal(joined(tmp_path, change))


def test_fragments_that_nothing_tells_apart_are_refused(tmp_path):
    message = refusal(joined(tmp_path, in_fragments(3, has_table=False), compress=RLELossless))
    assert "nothing tells which of 42 fragments belong to which of 14 frames" in message


@pytest.mark.parametrize("compress", [None, RLELossless])
@pytest.mark.parametrize("rest", [0.3, 0.9])
def test_a_file_that_was_cut_off_is_refused(tmp_path, compress, rest):
    path = joined(tmp_path, compress=compress)
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * rest)])
    assert "ct.dcm" in refusal(path.parent)


def test_a_damaged_frame_is_named(tmp_path):
    path = joined(tmp_path, compress=RLELossless)
    data = pydicom.dcmread(path)
    frames = list(pydicom.encaps.generate_frames(data.PixelData, number_of_frames=SIZE[2]))
    data.PixelData = pydicom.encaps.encapsulate([*frames[:8], frames[8][:60], *frames[9:]])
    data.save_as(path)
    assert "ct.dcm (frame 9) has pixels that cannot be read" in refusal(path)


def test_frames_that_were_packed_as_a_whole_are_refused(tmp_path):
    path = joined(tmp_path)
    data = pydicom.dcmread(path)
    data.file_meta.TransferSyntaxUID = DeflatedExplicitVRLittleEndian
    data.save_as(path)
    assert "is an enhanced CT that was packed as a whole: export the series again" in refusal(path.parent)
