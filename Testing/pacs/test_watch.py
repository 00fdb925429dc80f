"""`pacs watch`: studies are measured as they come, once each, whatever happens."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pydicom
import pytest

from OpportunisticBMDLib.cli import BAD_INPUT, MEASURED, main
from OpportunisticBMDLib.pacs.archive import Archive, ArchiveError, Connection
from OpportunisticBMDLib.pacs.connect import connect
from OpportunisticBMDLib.pacs.entry import Entry, Patience, State
from OpportunisticBMDLib.pacs.found import Asked, Series
from OpportunisticBMDLib.pacs.journal import FILE, LOCK, only_watch, opened_journal
from OpportunisticBMDLib.pacs.measure import measure_study, send_results
from OpportunisticBMDLib.pacs.watch import Watch
from OpportunisticBMDLib.system.progress import silent
from orthanc import Orthanc
from pacs.conftest import WAYS, connected, uid
from pacs.faulty import REFUSES, SENDS_HALF, FaultyDimse, FaultyWeb

ROOT = Path(__file__).parents[2]
SOON = Patience(first_s=0.001, longest_s=0.001, tries=3)


class Between:
    """Instead of signals: does one thing after the other between the looks at the archive, then asks to stop."""

    def __init__(self, *steps: Callable[[], object]) -> None:
        self._steps = list(steps)
        self.is_asked = False

    def wait(self, seconds: float) -> None:
        if self._steps:
            self._steps.pop(0)()
        else:
            self.is_asked = True


def nothing() -> None:
    pass


def watch(
    archive: Archive, directory: Path, pipeline: object, *steps: Callable[[], object], once: bool = False
) -> list[str]:
    """Runs a watch with these steps between its looks; what it told."""
    told: list[str] = []
    directory.mkdir(exist_ok=True)
    with opened_journal(directory) as journal:
        work = Watch(archive, pipeline, directory, journal, Asked, SOON, told.append, silent)
        work.run(Between(*steps), 0.0, once=once)
    return told


def states(directory: Path) -> dict[State, int]:
    with opened_journal(directory) as journal:
        return {state: count for state, count in journal.counts().items() if count}


def objects_of(orthanc: Orthanc, study: str) -> list[str]:
    """Modalities of a study's series but for the CT, sorted."""
    return sorted(s.modality for s in connected(orthanc, "DICOMweb").series(study) if s.modality != "CT")


@pytest.mark.slow
@pytest.mark.parametrize("way", WAYS)
def test_studies_are_measured_once_also_by_the_next_watch_and_without_its_journal(
    orthanc, tmp_path, tiny, trunk, pipeline, way
):
    measured, refused = trunk(tmp_path / "sent", 1), tiny(tmp_path / "sent", 2)
    orthanc.take(tmp_path / "sent")
    archive, directory = connected(orthanc, way), tmp_path / "watch"
    assert sorted(watch(archive, directory, pipeline, nothing)) == [f"{measured}: done", f"{refused}: done"]
    assert objects_of(orthanc, measured) == ["DOC", "OT", "SEG", "SR"] and objects_of(orthanc, refused) == [
        "DOC",
        "OT",
        "SR",
    ]
    assert {path.name for path in directory.iterdir()} == {FILE}
    assert watch(archive, directory, pipeline, nothing) == []
    (directory / FILE).unlink()
    assert watch(archive, directory, pipeline, nothing) == [] and states(directory) == {State.DONE: 2}
    assert len(objects_of(orthanc, measured)) == 4 and len(objects_of(orthanc, refused)) == 3


def test_a_study_that_still_grows_is_left_alone(orthanc, tmp_path, tiny, pipeline):
    study = tiny(tmp_path / "first", 1)
    tiny(tmp_path / "then", 1, series=2)
    orthanc.take(tmp_path / "first")
    directory, seen = tmp_path / "watch", []

    def more() -> None:
        seen.append(objects_of(orthanc, study))
        orthanc.take(tmp_path / "then")

    def look() -> None:
        seen.append(objects_of(orthanc, study))

    watch(connected(orthanc, "DICOMweb"), directory, pipeline, more, look, look)
    assert seen == [[], [], ["DOC", "OT", "SR"]]


def test_a_series_that_comes_after_the_results_is_not_measured(orthanc, tmp_path, tiny, pipeline):
    study = tiny(tmp_path / "first", 1)
    tiny(tmp_path / "then", 1, series=2)
    orthanc.take(tmp_path / "first")
    archive, directory = connected(orthanc, "DICOMweb"), tmp_path / "watch"
    watch(archive, directory, pipeline, nothing)
    orthanc.take(tmp_path / "then")
    assert watch(archive, directory, pipeline, nothing, nothing) == [] and len(objects_of(orthanc, study)) == 3


def test_what_cannot_be_measured_is_set_aside_at_once_and_taken_up_again_when_a_person_says_so(
    orthanc, tmp_path, tiny, pipeline, capfd
):
    study = tiny(tmp_path / "first", 1, slices=3)
    orthanc.take(tmp_path / "first")
    archive, directory = connected(orthanc, "DICOMweb"), tmp_path / "watch"
    (told,) = watch(archive, directory, pipeline, nothing)
    assert told.startswith(f"{study}: set aside, The study holds no CT series of 12 slices or more")
    assert main(["pacs", "status", str(directory)]) == MEASURED
    shown = capfd.readouterr().out
    assert "0 waiting, 0 done, 1 set aside" in shown and told in shown
    tiny(tmp_path / "then", 1, series=2)
    orthanc.take(tmp_path / "then")
    assert watch(archive, directory, pipeline, nothing) == []
    assert main(["pacs", "retry", str(directory), study]) == MEASURED
    assert watch(archive, directory, pipeline, nothing, nothing) == [f"{study}: done"]
    assert main(["pacs", "retry", str(directory), study]) == BAD_INPUT
    assert "was not set aside" in capfd.readouterr().err


def test_a_refused_store_is_tried_again_with_the_same_objects_then_set_aside(tmp_path, tiny, pipeline):
    tiny(tmp_path / "sent", 1)
    directory = tmp_path / "watch"
    with FaultyDimse(tmp_path / "sent") as faulty:
        archive = connect(faulty.dimse, Connection())
        faulty.fault = REFUSES
        told = watch(archive, directory, pipeline, *[nothing] * 4)
        assert len(told) == 3 and "status A700" in told[0] and "set aside" in told[-1] and "tried 3 times" in told[-1]
        kept = {pydicom.dcmread(path).SOPInstanceUID for path in directory.rglob("*.dcm")}
        assert len(kept) == 3 and set(faulty.stored) < kept
        faulty.fault = None
        assert main(["pacs", "retry", str(directory)]) == MEASURED
        assert watch(archive, directory, pipeline, nothing)[-1].endswith(": done")
        assert set(faulty.stored) == kept


def test_half_a_series_is_fetched_again(orthanc, tmp_path, tiny, pipeline):
    study = tiny(tmp_path / "sent", 1)
    orthanc.take(tmp_path / "sent")
    with FaultyWeb(orthanc.url) as proxy:
        proxy.fault = SENDS_HALF

        def mend() -> None:
            proxy.fault = None

        told = watch(connect(proxy.web, Connection()), tmp_path / "watch", pipeline, nothing, mend)
    assert ["waiting" in line for line in told] == [True, False] and told[-1] == f"{study}: done"


def test_an_archive_that_is_gone_for_a_while_is_waited_for(orthanc, tmp_path, tiny, pipeline):
    study = tiny(tmp_path / "sent", 1)
    orthanc.take(tmp_path / "sent")
    told = watch(connected(orthanc, "C-GET"), tmp_path / "watch", pipeline, orthanc.kill, orthanc.start, nothing)
    assert "cannot be reached" in told[0] and told[-1] == f"{study}: done"


def test_once_gives_up_on_an_archive_that_stays_away(orthanc, tmp_path, pipeline):
    archive = connected(orthanc, "DICOMweb")
    orthanc.kill()
    with pytest.raises(ArchiveError, match="cannot be reached"):
        watch(archive, tmp_path / "watch", pipeline, *[nothing] * 9, once=True)


def test_a_fault_of_the_program_ends_one_study_and_not_the_watch(orthanc, tmp_path, tiny):
    class Broken:
        def run(self, *_: object) -> None:
            raise ZeroDivisionError("of Mustermann^Erika")

    one, two = tiny(tmp_path / "sent", 1), tiny(tmp_path / "sent", 2)
    orthanc.take(tmp_path / "sent")
    told = watch(connected(orthanc, "DICOMweb"), tmp_path / "watch", Broken(), nothing)
    assert {line.partition(":")[0] for line in told} == {one, two}
    assert all("ZeroDivisionError" in line and "Mustermann" not in line for line in told)


def test_a_study_that_the_archive_cannot_look_at_keeps_no_other_one_waiting(orthanc, tmp_path, tiny, pipeline):
    class Stumbling:
        """The archive, which fails over one study."""

        def __getattr__(self, name: str) -> object:
            return getattr(archive, name)

        def series(self, study_uid: str) -> list[Series]:
            if study_uid == bad:
                raise ArchiveError("The archive cannot do this.")
            return archive.series(study_uid)

    bad, good = tiny(tmp_path / "sent", 1), tiny(tmp_path / "sent", 2)
    orthanc.take(tmp_path / "sent")
    archive, directory = connected(orthanc, "DICOMweb"), tmp_path / "watch"
    told = watch(Stumbling(), directory, pipeline, *[nothing] * 6)
    assert f"{good}: done" in told and states(directory) == {State.DONE: 1, State.SET_ASIDE: 1}


def test_what_was_left_of_a_study_that_is_done_is_removed(orthanc, tmp_path, pipeline):
    """The program may be killed between what the journal says and the removal."""
    directory = tmp_path / "watch"
    left = directory / uid(1) / "dicom"
    left.mkdir(parents=True)
    with opened_journal(directory) as journal:
        journal.put(Entry(uid(1)).done())
    watch(connected(orthanc, "DICOMweb"), directory, pipeline)
    assert {path.name for path in directory.iterdir()} == {FILE}


def test_results_that_were_not_sent_are_not_measured_again(orthanc, tmp_path, tiny, pipeline):
    """The program may be killed between measuring and sending: what lies there may be in the archive in part."""
    study = tiny(tmp_path / "sent", 1)
    orthanc.take(tmp_path / "sent")
    archive, directory = connected(orthanc, "DICOMweb"), tmp_path / "watch"
    measure_study(archive, archive.series(study), pipeline, directory / study, tmp_path)
    kept = {pydicom.dcmread(path).SOPInstanceUID for path in directory.rglob("*.dcm")}
    archive.send(sorted(directory.rglob("preview.dcm")))
    assert watch(archive, directory, pipeline, nothing) == [f"{study}: done"]
    held = {i.uid for s in archive.series(study) if s.modality != "CT" for i in archive.instances(s)}
    assert held == kept and len(kept) == 3


def test_results_of_which_the_journal_does_not_know_that_they_were_sent(orthanc, tmp_path, tiny, pipeline):
    """The program may be killed between sending and what the journal says."""
    study = tiny(tmp_path / "sent", 1)
    orthanc.take(tmp_path / "sent")
    archive, directory = connected(orthanc, "DICOMweb"), tmp_path / "watch"
    measure_study(archive, archive.series(study), pipeline, directory / study, tmp_path)
    send_results(archive, directory / study)
    with opened_journal(directory) as journal:
        journal.put(Entry(study, instances=14, is_complete=True))
    assert watch(archive, directory, pipeline, nothing) == [f"{study}: done, the archive held its results"]
    assert objects_of(orthanc, study) == ["DOC", "OT", "SR"]
    assert {path.name for path in directory.iterdir()} == {FILE}


def test_another_watch_that_was_faster_leaves_nothing_to_send(orthanc, tmp_path, tiny, pipeline):
    study = tiny(tmp_path / "sent", 1)
    orthanc.take(tmp_path / "sent")
    archive = connected(orthanc, "DICOMweb")

    class Slow:
        """While it measures, another watch of the same archive does, too."""

        def run(self, *arguments: object) -> object:
            assert watch(archive, tmp_path / "other", pipeline, nothing) == [f"{study}: done"]
            return pipeline.run(*arguments)

    assert watch(archive, tmp_path / "watch", Slow(), nothing) == [f"{study}: done, the archive held its results"]
    assert objects_of(orthanc, study) == ["DOC", "OT", "SR"]
    assert {path.name for path in (tmp_path / "watch").iterdir()} == {FILE}


def test_a_study_is_tried_at_least_once(tmp_path, capfd):
    assert main(["pacs", "watch", "https://pacs.example/rs", "-o", str(tmp_path), "--tries", "0"]) == BAD_INPUT
    assert "argument --tries: give a number from 1 on" in capfd.readouterr().err


def test_a_folder_that_is_none_is_told(tmp_path, capfd):
    (tmp_path / "file").write_text("")
    assert main(["pacs", "watch", "https://pacs.example/rs", "-o", str(tmp_path / "file")]) == BAD_INPUT
    assert "give a folder" in capfd.readouterr().err


def test_a_folder_has_one_watch(tmp_path, capfd):
    with only_watch(tmp_path):
        assert main(["pacs", "watch", "https://pacs.example/rs", "-o", str(tmp_path)]) == BAD_INPUT
    assert "Another pacs watch" in capfd.readouterr().err


@pytest.mark.parametrize("action", ["status", "retry"])
def test_a_folder_without_a_watch_stays_without_one(tmp_path, capfd, action):
    assert main(["pacs", action, str(tmp_path)]) == BAD_INPUT
    assert "no folder of a watch" in capfd.readouterr().err and not list(tmp_path.iterdir())


def test_a_damaged_journal_is_told_in_a_sentence(tmp_path, capfd):
    (tmp_path / FILE).write_bytes(b"no database" * 100)
    assert main(["pacs", "status", str(tmp_path)]) == BAD_INPUT
    assert "is no journal" in capfd.readouterr().err


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
@pytest.mark.parametrize("asked", [signal.SIGTERM, signal.SIGINT])
def test_a_watch_that_is_asked_to_ends_well(orthanc, tmp_path, asked):
    program = [sys.executable, "-m", "OpportunisticBMDLib", "pacs", "watch", orthanc.web, "-o", str(tmp_path / "watch")]
    with subprocess.Popen([*program, "--progress", "json"], cwd=ROOT, stderr=subprocess.PIPE, text=True) as process:
        said = next(line for line in process.stderr if '"wait"' in line)
        process.send_signal(asked)
        rest = process.stderr.read()
    assert said and rest == "" and process.returncode == MEASURED
    assert {path.name for path in (tmp_path / "watch").iterdir()} == {FILE, LOCK}
