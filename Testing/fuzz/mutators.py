"""Damage and malice: files changed by bytes, by the fields of their headers, and by the elements of their format."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import math
import os
import re
import stat
import struct
import warnings
import zipfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from random import Random
from typing import Any

import pydicom
from pydicom.dataelem import RawDataElement
from pydicom.tag import Tag

Mutator = Callable[[Random, bytes], bytes]

MOST_BYTES = 2**27  # of a file that is changed further
HOSTILE_TEXTS = (
    "", "0", "-1", "1", "3", "nan", "NaN", "inf", "-inf", "Infinity", "1e308", "-1e308", "1e-308", "1e30", "2147483647",
    "2147483648", "4294967296", "9223372036854775807", "9223372036854775808", "18446744073709551616", "1000000",
    "0.001", "0,5", "1\\2", "1 2 3 4 5 6 7", "text", "%s%n%n%x", "../../../etc/passwd", "/etc/passwd", "/dev/zero",
    "LIST", "LOCAL", "\x1b[2J\x1b]0;title\x07", "\u202e", "\x00", "\x7f", "A" * 70000, "9" * 400, "(0,0,0)",
    "(nan,0,0) (0,1,0) (0,0,1)", "none", "True", "raw", "gzip", "bzip2", "ascii", "hex",
)  # fmt: skip
HOSTILE_NUMBERS = (
    0, -1, 1, 2, 255, 32767, -32768, 65535, 2**31 - 1, -(2**31), 2**31, 2**63, math.nan, math.inf, -math.inf, 1e308,
    1e30, -1e30, 1e-30, 0.001, 1000.0, 1e6,
)  # fmt: skip
HOSTILE_NAMES = (
    "../x.nii", "/tmp/x.nii", "C:\\x.nii", "a" * 300, "a/" * 200 + "x", "\x1b[2J.nii", "._ct.nii.gz", "x.seg.nrrd",
    "aux", "ct.nii", "ct.nhdr", "inner.zip", "DICOMDIR", "\u202e.nii", "x.json", "CON", "a\\b\\ct.nii", "dir/",
)  # fmt: skip
HOSTILE_LINES = (
    "data file: ../other.raw", "ElementDataFile = LIST", "byte skip: -1", "line skip: 99999999", "blocksize: 9",
    "HeaderSize = -1", "NDims = 2147483647", "dimension: 99", "data file: ct%d.raw 0 99999999 1", "space: ",
    "ElementNumberOfChannels = 1000000", "CompressedDataSize = 99999999999", "kinds: list list list",
    "measurement frame: (nan,0,0) (0,nan,0) (0,0,nan)",
)  # fmt: skip
# NIfTI-1 header: offset and type of every field that a reader looks at.
NIFTI_FIELDS = (
    (0, "i"), *((40 + 2 * n, "h") for n in range(8)), (70, "h"), (72, "h"), *((76 + 4 * n, "f") for n in range(8)),
    (108, "f"), (112, "f"), (116, "f"), (123, "b"), (252, "h"), (254, "h"), *((256 + 4 * n, "f") for n in range(18)),
    (344, "i"),
)  # fmt: skip
NIFTI_2_FIELDS = (
    (0, "i"), (12, "h"), (14, "h"), *((16 + 8 * n, "q") for n in range(8)), *((104 + 8 * n, "d") for n in range(8)),
    (168, "q"), (176, "d"), (184, "d"), (344, "i"), (348, "i"), *((352 + 8 * n, "d") for n in range(18)), (500, "i"),
)  # fmt: skip
VRS = (
    "DS",
    "IS",
    "CS",
    "LO",
    "UI",
    "US",
    "SS",
    "UL",
    "FD",
    "FL",
    "SQ",
    "UN",
    "OB",
    "OW",
    "DA",
    "PN",
    "AT",
    "UT",
    "ZZ",
    "\0\0",
)
TAGS = (
    "ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing", "Rows", "Columns", "RescaleSlope", "BitsStored",
    "RescaleIntercept", "BitsAllocated", "HighBit", "PixelRepresentation", "SamplesPerPixel", "PixelData", "KVP",
    "NumberOfFrames", "RescaleType", "ImageType", "SeriesInstanceUID", "SOPInstanceUID", "FrameOfReferenceUID",
    "SliceThickness", "InstanceNumber", "Modality", "PhotometricInterpretation", "ContrastBolusAgent",
    "GantryDetectorTilt", "ConvolutionKernel", "SeriesDescription", "SpecificCharacterSet", "PixelPaddingValue",
    "AcquisitionNumber", "SmallestImagePixelValue", "PlanarConfiguration", "SOPClassUID",
    "RedPaletteColorLookupTableDescriptor", "ModalityLUTSequence", "SharedFunctionalGroupsSequence",
)  # fmt: skip


def mutate(random: Random, folder: Path) -> str:
    """Changes a file, or several alike, mostly once, and says which and how."""
    return ", then ".join(_mutated(random, folder) for _ in range(random.choice((1, 1, 1, 2, 3))))


def _mutated(random: Random, folder: Path) -> str:
    files = sorted(path for path in folder.rglob("*") if path.is_file() and path.stat().st_size < MOST_BYTES)
    if not files:
        return "nothing is left"
    path = random.choice(files)
    if random.random() < 0.06:
        return f"{path.relative_to(folder)}: {_no_file(random, path)}"
    own = _mutators_of(path)
    mutator = random.choice(own if own and random.random() < 0.75 else BYTES)
    alike = [one for one in files if one.suffix == path.suffix]
    chosen = alike if len(alike) > 4 and random.random() < 0.4 else [path]  # a whole series
    state = random.getstate()
    for one in chosen:
        random.setstate(state)
        one.write_bytes(_changed(mutator, random, one.read_bytes()))
    if path.name == "model.safetensors" and random.random() < 0.7:
        _state_checksum(path)
    return f"{path.relative_to(folder)}{' and all others' if len(chosen) > 1 else ''}: {mutator.__name__}"


def _changed(mutator: Mutator, random: Random, data: bytes) -> bytes:
    """By its bytes where it is so damaged already that it is of its format no more."""
    try:
        return mutator(random, data)
    except Exception:
        return flipped_bits(random, data)


def _no_file(random: Random, path: Path) -> str:
    """Puts something else where a file was, or beside it, with the same ending: what it is."""
    where = path
    if random.random() < 0.5:
        where = path.with_name(f"other{random.randrange(1000000)}{''.join(path.suffixes)}")
    else:
        path.unlink()
    kind = random.choice(("fifo", "endless device", "dangling link", "link to itself", "folder", "socket", "no text"))
    if kind == "fifo":
        os.mkfifo(where)
    elif kind == "endless device":
        where.symlink_to("/dev/zero")
    elif kind == "dangling link":
        where.symlink_to("nowhere")
    elif kind == "link to itself":
        where.symlink_to(where.name)
    elif kind == "folder":
        where.mkdir()
    elif kind == "socket":
        os.mknod(where, stat.S_IFSOCK | 0o600)
    else:
        Path(os.fsdecode(os.fsencode(where.parent) + b"/\xff\xfe" + os.fsencode(where.name))).write_bytes(b"\xff")
    return f"{kind}{'' if where == path else ' beside it'}"


def _mutators_of(path: Path) -> tuple[Mutator, ...]:
    """Those that know the format, the more telling ones several times."""
    name = path.name
    if name.endswith(".json"):
        return json_values, json_values, json_values, json_text
    if name.endswith(".safetensors"):
        return (tensors,)
    if name.endswith(".zip"):
        return zip_members, zip_members, zip_names
    if name.endswith(".dcm"):
        return dicom_elements, dicom_elements, dicom_elements, dicom_lengths, dicom_nesting
    if name.endswith(".nii.gz"):
        return packed(nifti_fields), packed(nifti_fields), packed(several_bytes), gzip_of_many
    if name.endswith(".nii"):
        return nifti_fields, nifti_fields, voxels
    if name.endswith((".nrrd", ".nhdr", ".mha", ".mhd")):
        return header_values, header_values, header_values, header_lines, header_numbers, voxels
    return ()


def flipped_bits(random: Random, data: bytes) -> bytes:
    changed = bytearray(data)
    for _ in range(random.choice((1, 1, 2, 8))):
        if changed:
            changed[random.randrange(len(changed))] ^= 1 << random.randrange(8)
    return bytes(changed)


def several_bytes(random: Random, data: bytes) -> bytes:
    """Mostly of the header."""
    changed = bytearray(data)
    for _ in range(random.choice((1, 2, 4, 16))):
        if changed:
            end = len(changed) if random.random() < 0.3 else min(len(changed), 600)
            changed[random.randrange(end)] = random.choice((0, 1, 127, 128, 255, random.randrange(256)))
    return bytes(changed)


def cut_off(random: Random, data: bytes) -> bytes:
    return data[: random.choice((0, 1, 4, 131, 348, random.randrange(len(data) + 1), max(0, len(data) - 1)))]


def inserted(random: Random, data: bytes) -> bytes:
    at = random.randrange(len(data) + 1)
    return data[:at] + random.randbytes(random.choice((1, 2, 7, 1024))) + data[at:]


def left_out(random: Random, data: bytes) -> bytes:
    at = random.randrange(len(data) + 1)
    return data[:at] + data[at + random.choice((1, 2, 16, 512)) :]


def doubled(random: Random, data: bytes) -> bytes:
    first, last = sorted(random.randrange(len(data) + 1) for _ in range(2))
    return data[:last] + data[first:last] + data[last:]


def blanked(random: Random, data: bytes) -> bytes:
    first, last = sorted(random.randrange(len(data) + 1) for _ in range(2))
    last = min(last, first + random.choice((4, 64, 4096)))
    return data[:first] + bytes([random.choice((0, 255, 32))]) * (last - first) + data[last:]


BYTES: tuple[Mutator, ...] = (flipped_bits, several_bytes, cut_off, inserted, left_out, doubled, blanked)


def packed(mutator: Mutator) -> Mutator:
    """What is inside of a gzip file, packed anew."""

    def of_content(random: Random, data: bytes) -> bytes:
        return gzip.compress(mutator(random, gzip.decompress(data)), 1)

    of_content.__name__ = f"packed {mutator.__name__}"
    return of_content


def gzip_of_many(random: Random, data: bytes) -> bytes:
    """Several streams behind each other, the later ones of nothing but zeros."""
    return data + gzip.compress(bytes(random.choice((10, 2**20, 2**26))), 9) * random.choice((1, 3))


def nifti_fields(random: Random, data: bytes) -> bytes:
    changed = bytearray(data)
    fields = NIFTI_2_FIELDS if data[:4] == struct.pack("<i", 540) else NIFTI_FIELDS
    for _ in range(random.choice((1, 1, 1, 2, 3))):
        offset, kind = random.choice(fields)
        if len(changed) >= offset + 8:
            struct.pack_into(f"<{kind}", changed, offset, _as_kind(random, kind))
    return bytes(changed)


def _as_kind(random: Random, kind: str) -> float:
    value = random.choice(HOSTILE_NUMBERS)
    if kind == "d":
        return float(value)
    if kind == "f":
        return struct.unpack("<f", struct.pack("<f", value))[0] if abs(value) < 1e38 or value != value else math.inf
    bits = {"b": 7, "h": 15, "i": 31, "q": 63}[kind]
    whole = int(value) if math.isfinite(value) else random.randrange(2**bits)
    return max(-(2**bits), min(whole, 2**bits - 1))


def voxels(random: Random, data: bytes) -> bytes:
    """Some numbers behind the header become hostile ones, of whatever type."""
    changed = bytearray(data)
    for _ in range(random.choice((1, 20))):
        number = random.choice((math.nan, math.inf, -math.inf, 1e300, -1e30, 8192.0, 32767.0, -32768.0))
        kind = random.choice("dfh")
        number = number if kind == "d" else _as_kind(random, kind)
        size = struct.calcsize(kind)
        places = (len(changed) - 400) // size
        if places > 0:
            struct.pack_into(f"<{kind}", changed, len(changed) - size * random.randrange(1, places + 1), number)
    return bytes(changed)


def header_values(random: Random, data: bytes) -> bytes:
    """The value of a line "key: value" or "key = value" becomes another text."""
    lines, rest = _header_lines(data)
    number = random.randrange(len(lines))
    key, sign, value = re.match(rb"([^:=]*)(:=|: ?| = |=)?(.*)", lines[number], re.DOTALL).groups()
    words = value.split()
    hostile = random.choice(HOSTILE_TEXTS).encode("utf-8")
    if len(words) > 1 and random.random() < 0.6:
        words[random.randrange(len(words))] = hostile
        hostile = b" ".join(words)
    lines[number] = key + (sign or b": ") + hostile
    return b"\n".join(lines) + rest


def header_numbers(random: Random, data: bytes) -> bytes:
    """A number in a header becomes a hostile one."""
    lines, rest = _header_lines(data)
    text = b"\n".join(lines)
    numbers = list(re.finditer(rb"-?\d+(\.\d+)?", text))
    if not numbers:
        return flipped_bits(random, data)
    number = random.choice(numbers)
    hostile = repr(random.choice(HOSTILE_NUMBERS)).encode()
    return text[: number.start()] + hostile + text[number.end() :] + rest


def header_lines(random: Random, data: bytes) -> bytes:
    """A line is left out, doubled, moved, or one is added."""
    lines, rest = _header_lines(data)
    number = random.randrange(len(lines))
    kind = random.randrange(5)
    if kind == 0:
        del lines[number]
    elif kind == 1:
        lines.insert(random.randrange(len(lines)), lines[number])
    elif kind == 2:
        lines.append(lines.pop(number))
    elif kind == 3:
        added = random.choice(HOSTILE_LINES).encode()
        lines.insert(random.randrange(1, len(lines) + 1), added)
    else:
        lines[number] = random.randbytes(random.choice((1, 40)))
    return b"\n".join(lines) + rest


def _header_lines(data: bytes) -> tuple[list[bytes], bytes]:
    """Lines of a text header, and the voxels behind it."""
    end = data.find(b"\n\n") if data.startswith(b"NRRD") else data.find(b"\n", data.find(b"ElementDataFile"))
    end = len(data) if end < 0 else end
    return data[:end].split(b"\n"), data[end:]


def dicom_elements(random: Random, data: bytes) -> bytes:
    """An element gets another value, another VR or several values, is left out, or added."""
    dataset = _dicom(data)
    if dataset is None:
        return flipped_bits(random, data)
    for _ in range(random.choice((1, 1, 1, 2))):
        tag = Tag(random.choice(TAGS)) if random.random() < 0.8 else random.choice(list(dataset.keys()))
        target = dataset
        if "PerFrameFunctionalGroupsSequence" in dataset and random.random() < 0.6:
            target = _functional_group(random, dataset)
            tag = random.choice(list(target.keys()) or [tag])
        elif random.random() < 0.06:
            target, tag = dataset.file_meta, random.choice(list(dataset.file_meta.keys()))
        kind = random.randrange(6)
        known = target.get_item(tag)
        vr = known.VR if known is not None else "LO"
        if kind == 0:
            target.pop(tag, None)
            continue
        value = random.choice(HOSTILE_TEXTS).encode("utf-8", "replace")
        if kind == 1 and known is not None:
            value = _raw(known) * random.choice((2, 3))
        elif kind == 2 and known is not None:
            value = _raw(known) + b"\\" + _raw(known)
        elif kind == 3:
            value = struct.pack("<d", float(random.choice(HOSTILE_NUMBERS)))[: random.choice((1, 2, 4, 8))]
        if kind == 4 or random.random() < 0.15:
            vr = random.choice(VRS)
            value = _raw(known) if known is not None and random.random() < 0.5 else value
        if vr not in ("OB", "OW", "UN", "UT", "SQ"):
            value = value[:65000]
        value += b"\0" * (len(value) % 2)
        target._dict[Tag(tag)] = RawDataElement(Tag(tag), vr, len(value), value, 0, False, True)
    return _written(dataset, data)


def _functional_group(random: Random, dataset: pydicom.Dataset) -> pydicom.Dataset:
    """What is stated of a frame, or of all of them: the item itself, or one group in it."""
    of = random.choice(("PerFrameFunctionalGroupsSequence", "SharedFunctionalGroupsSequence"))
    item = random.choice(dataset[of].value)
    groups = [element.value[0] for element in item if element.value]
    return random.choice(groups) if groups and random.random() < 0.8 else item


def dicom_lengths(random: Random, data: bytes) -> bytes:
    """The length of an element becomes another one, in the bytes."""
    changed = bytearray(data)
    places = [match.start() for match in re.finditer(rb"(DS|IS|CS|LO|UI|US|OW|SH|DA|PN)", data[:3000])]
    if places:
        length = random.choice((0, 1, 2, 3, 5, 0x7FFF, 0xFFFF, random.randrange(0x10000)))
        struct.pack_into("<H", changed, random.choice(places) + 2, length)
    return bytes(changed)


def dicom_nesting(random: Random, data: bytes) -> bytes:
    """A sequence within sequences, many deep, before the pixels."""
    depth, explicit = random.choice((3, 100, 3000, 20000)), random.random() < 0.5
    nested = b""
    if explicit:
        for _ in range(min(depth, 5000)):
            item = b"\xfe\xff\x00\xe0" + struct.pack("<I", len(nested)) + nested
            nested = b"\x40\x00\x75\x02SQ\0\0" + struct.pack("<I", len(item)) + item
    else:
        start = b"\x40\x00\x75\x02SQ\0\0\xff\xff\xff\xff\xfe\xff\x00\xe0\xff\xff\xff\xff"
        end = b"\xfe\xff\x0d\xe0\0\0\0\0\xfe\xff\xdd\xe0\0\0\0\0"
        nested = start * depth + end * random.choice((depth, 0))
    at = data.find(b"\xe0\x7f\x10\x00")
    return data[:at] + nested + data[at:] if at > 0 else data + nested


def _dicom(data: bytes) -> pydicom.Dataset | None:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return pydicom.dcmread(io.BytesIO(data), force=True)
    except Exception:
        return None


def _raw(element: Any) -> bytes:
    if isinstance(element.value, bytes):
        return element.value
    return "\\".join(map(str, element.value if isinstance(element.value, (list, tuple)) else [element.value])).encode()


def _written(dataset: pydicom.Dataset, data: bytes) -> bytes:
    file = io.BytesIO()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            pydicom.dcmwrite(file, dataset, enforce_file_format=False)
    except Exception:  # pydicom does not write everything
        return data[: len(data) // 2]
    return file.getvalue()


def json_values(random: Random, data: bytes) -> bytes:
    """A value becomes another one, is left out, or a key is added."""
    content = json.loads(data)
    for _ in range(random.choice((1, 1, 1, 2, 4))):
        places = list(_places(content))
        if not places:
            break
        holder, key = random.choice(places)
        kind = random.randrange(8)
        if kind == 0:
            del holder[key]
        elif kind == 1 and isinstance(holder, dict):
            holder[random.choice(HOSTILE_TEXTS)[:100]] = holder[key]
        elif kind == 2:
            holder[key] = [holder[key]] * random.choice((1, 3, 1000))
        elif kind == 3:
            holder[key] = {"a": holder[key]}
        elif kind == 4:
            holder[key] = random.choice(HOSTILE_TEXTS)
        elif kind == 5:
            holder[key] = random.choice((None, True, False, [], {}, [None], "x"))
        else:
            holder[key] = random.choice(HOSTILE_NUMBERS)
    return json.dumps(content).encode()


def json_text(random: Random, data: bytes) -> bytes:
    """What is no JSON, not all of it, or JSON of another encoding, depth or type."""
    hostile = (
        b"", b"null", b"[]", b"{}", b"3", b"NaN", b'"text"', b"[" * 100_000, b'{"a":' * 100_000, b"9" * 100_000,
        b"\xff\xfe", b'{"schema_version": 3}', b"\xef\xbb\xbf" + data, data.decode("latin-1").encode("utf-16"),
        data + data, data[:-1], data.replace(b"null", b"NaN"), data.replace(b'"', b"'"),
        data.replace(b": ", b": 1" + b"0" * 5000 + b', "x": ', 3),
    )  # fmt: skip
    return random.choice(hostile)


def _places(content: Any) -> list[tuple[Any, Any]]:
    found, stack = [], [content]
    while stack:
        holder = stack.pop()
        keys = list(holder) if isinstance(holder, dict) else range(len(holder)) if isinstance(holder, list) else ()
        for key in keys:
            found.append((holder, key))
            stack.append(holder[key])
    return found


def tensors(random: Random, data: bytes) -> bytes:
    """The header of a safetensors file, or the numbers behind it."""
    (length,) = struct.unpack("<Q", data[:8])
    header, numbers = data[8 : 8 + length], bytearray(data[8 + length :])
    if random.random() < 0.4:
        at = 4 * random.randrange(len(numbers) // 4)
        struct.pack_into("<f", numbers, at, random.choice((math.nan, math.inf, -math.inf, 3e38)))
        return data[:8] + header + bytes(numbers)
    header = json_values(random, header)
    length = random.choice((len(header), len(header), len(header), 2**63, 0, len(header) - 1))
    return struct.pack("<Q", length) + header + bytes(numbers)


def _state_checksum(weights: Path) -> None:
    """Puts the checksum of the weights into their card: who makes a model can state it rightly."""
    card = weights.with_name("model.json")
    with suppress(OSError, ValueError, TypeError):  # the card may be damaged, too
        content = json.loads(card.read_bytes())
        content["sha256"] = hashlib.sha256(weights.read_bytes()).hexdigest()
        card.write_text(json.dumps(content))


def zip_members(random: Random, data: bytes) -> bytes:
    """A member, or all, changed as by itself; packed anew in any way."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    name = random.choice(sorted(members))
    mutator = random.choice(_mutators_of(Path(name)) or BYTES)
    for one in members if random.random() < 0.3 else [name]:
        members[one] = mutator(random, members[one])
    return _zipped(members, random.choice((0, 8, 8, 12, 14)))


def zip_names(random: Random, data: bytes) -> bytes:
    """A member of another name, of more members, or of many zeros."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    name = random.choice(sorted(members))
    hostile = random.choice(HOSTILE_NAMES)
    kind = random.randrange(4)
    if kind == 0:
        members[hostile] = members.pop(name)
    elif kind == 1:
        members[hostile] = members[name]
    elif kind == 2:
        members[hostile] = bytes(random.choice((0, 10, 2**22, 2**28)))
    else:
        members = {hostile: data}
    return _zipped(members, 8)


def _zipped(members: dict[str, bytes], method: int) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return file.getvalue()
