"""From a new case to a reviewed one, a second reader's blind pass, and work that no crash loses."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from annotated_cases import INFO, annotated_case, write_annotated
from OpportunisticBMDLib.cases import CaseInfo, Entry, Exclusion, add_scan, create_dataset, open_dataset, update_case
from OpportunisticBMDLib.cases.annotation import (
    agreement,
    dice,
    readers,
    save_draft_state,
    save_read,
    save_review,
    save_second_read,
)
from OpportunisticBMDLib.cases.drafts import ANNOTATION, Draft, discard_draft, find_draft, save_draft
from OpportunisticBMDLib.core.errors import BadInput
from OpportunisticBMDLib.core.volume import Volume

UNREAD = replace(INFO, annotator=None, history=())


def new_case(directory: Path) -> Volume:
    """A dataset with one case that nobody has annotated; gives the masks that it should have."""
    case = annotated_case(info=UNREAD)
    create_dataset(directory, name="cohort", licence="CC0-1.0")
    add_scan(directory, case.id, case.ct, case.info)
    return case.labels


def shifted(labels: Volume, voxels: int = 1) -> Volume:
    return Volume(np.roll(labels.array, voxels, axis=0), labels.grid)


def test_a_dataset_begins_empty(tmp_path):
    dataset = create_dataset(tmp_path / "new", name="cohort", licence="CC0-1.0")
    assert (dataset.name, dataset.licence, dataset.entries) == ("cohort", "CC0-1.0", ())
    with pytest.raises(BadInput, match="not empty"):
        create_dataset(tmp_path / "new")


def test_from_new_to_reviewed(tmp_path):
    labels = new_case(tmp_path)
    assert open_dataset(tmp_path).entry("case-0001") == Entry("case-0001", None, "new")
    assert open_dataset(tmp_path).labels("case-0001", labels.grid) is None
    save_draft_state(tmp_path, "case-0001", shifted(labels), UNREAD)
    assert open_dataset(tmp_path).entry("case-0001").status == "draft" and len(open_dataset(tmp_path)) == 0
    save_read(tmp_path, "case-0001", labels, UNREAD, "reader-1")
    dataset = open_dataset(tmp_path)
    assert dataset.entry("case-0001").status == "read" and dataset.info("case-0001").annotator == "reader-1"
    assert np.array_equal(dataset.case("case-0001").labels.array, labels.array)
    save_review(tmp_path, "case-0001", labels, dataset.info("case-0001"), "reader-2")
    info = open_dataset(tmp_path).info("case-0001")
    assert (info.annotator, info.reviewer) == ("reader-1", "reader-2")
    assert info.history == ("read by reader-1", "reviewed by reader-2")
    assert open_dataset(tmp_path).entry("case-0001").status == "reviewed"


def test_nobody_reviews_their_own_work(tmp_path):
    labels = new_case(tmp_path)
    with pytest.raises(BadInput, match="was not read yet"):
        save_review(tmp_path, "case-0001", labels, UNREAD, "reader-2")
    save_read(tmp_path, "case-0001", labels, UNREAD, "reader-1")
    with pytest.raises(ValueError, match="is the annotator"):
        save_review(tmp_path, "case-0001", labels, open_dataset(tmp_path).info("case-0001"), "reader-1")
    assert open_dataset(tmp_path).entry("case-0001").status == "read"


@pytest.mark.parametrize("save", [save_read, save_review])
def test_nameless_or_empty_work_is_not_finished(tmp_path, save):
    labels = new_case(tmp_path)
    update_case(tmp_path, "case-0001", labels=labels, info=INFO, status="read")
    with pytest.raises(ValueError, match="name the"):
        save(tmp_path, "case-0001", labels, INFO, "  ")
    with pytest.raises(ValueError, match="nothing is drawn"):
        save(tmp_path, "case-0001", Volume(np.zeros_like(labels.array), labels.grid), INFO, "B")


def test_a_new_reading_ends_a_former_review(tmp_path):
    labels = new_case(tmp_path)
    save_read(tmp_path, "case-0001", labels, UNREAD, "reader-1")
    save_review(tmp_path, "case-0001", labels, open_dataset(tmp_path).info("case-0001"), "reader-2")
    save_read(tmp_path, "case-0001", shifted(labels), open_dataset(tmp_path).info("case-0001"), "reader-2")
    info = open_dataset(tmp_path).info("case-0001")
    assert (info.annotator, info.reviewer) == ("reader-2", None)
    assert open_dataset(tmp_path).entry("case-0001").status == "read"


def test_the_exclusions_of_the_paper(tmp_path):
    chosen = (Exclusion.METAL_OR_CEMENT, Exclusion.SEVERE_SCOLIOSIS)
    write_annotated(tmp_path, annotated_case(info=replace(INFO, exclusions=chosen)))
    read = open_dataset(tmp_path).info("case-0001").exclusions
    assert read == ("metal_or_cement", "severe_scoliosis") and [Exclusion(e) for e in read] == list(chosen)
    assert len(Exclusion) == 7 and all(e.words for e in Exclusion)


def test_a_blind_second_read_and_its_dice(tmp_path):
    labels = new_case(tmp_path)
    save_read(tmp_path, "case-0001", labels, UNREAD, "reader-1")
    second = shifted(labels)
    found = save_second_read(tmp_path, "case-0001", second, "reader-2")
    one, two = labels.array == 2, second.array == 2
    assert found.dice["L1"] == pytest.approx(2 * (one & two).sum() / (one.sum() + two.sum()))
    assert 0.9 < found.dice["L1"] < 1 and readers(tmp_path, "case-0001") == ("reader-2",)
    assert agreement(tmp_path, "case-0001", "reader-2", labels.grid) == found
    dataset = open_dataset(tmp_path)
    assert np.array_equal(dataset.case("case-0001").labels.array, labels.array)
    assert dataset.info("case-0001").history[-1] == f"second read by reader-2, Dice {found.words}"
    assert dataset.entry("case-0001").status == "read"


@pytest.mark.parametrize(
    ("reader", "error", "message"),
    [("reader-1", ValueError, "needs another person"), ("../x", ValueError, "letters"), ("", ValueError, "letters")],
)
def test_who_cannot_read_second(tmp_path, reader, error, message):
    labels = new_case(tmp_path)
    save_read(tmp_path, "case-0001", labels, UNREAD, "reader-1")
    with pytest.raises(error, match=message):
        save_second_read(tmp_path, "case-0001", labels, reader)
    assert readers(tmp_path, "case-0001") == ()


def test_a_second_read_needs_a_first(tmp_path):
    labels = new_case(tmp_path)
    with pytest.raises(BadInput, match="was not read yet"):
        save_second_read(tmp_path, "case-0001", labels, "reader-2")


def test_dice_of_what_is_missing():
    labels = annotated_case().labels
    without = Volume(np.where(labels.array == 1, 0, labels.array), labels.grid)
    assert dice(without, without) == {"T12": None, "L1": 1.0, "L2": 1.0}
    assert dice(labels, without)["T12"] == 0.0


def test_a_draft_is_found_again_and_discarded(tmp_path):
    labels = annotated_case().labels
    assert find_draft(tmp_path, labels.grid) is None
    save_draft(tmp_path, Draft(labels, {"name": "A", "bmd L1": "98,"}))
    found = find_draft(tmp_path, labels.grid)
    assert np.array_equal(found.labels.array, labels.array)
    assert found.fields == {"name": "A", "bmd L1": "98,"}
    assert find_draft(tmp_path, labels.grid, owner="reader-2") is None
    discard_draft(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_only_the_last_draft_is_kept(tmp_path):
    labels = annotated_case().labels
    for voxels in range(3):
        save_draft(tmp_path, Draft(shifted(labels, voxels), {}))
    assert sorted(p.suffix for p in (tmp_path / "drafts").iterdir()) == [".json", ".nrrd"]
    assert np.array_equal(find_draft(tmp_path, labels.grid).labels.array, shifted(labels, 2).array)
    save_draft(tmp_path, Draft(None, {}))
    assert find_draft(tmp_path, labels.grid).labels is None
    assert [p.name for p in (tmp_path / "drafts").iterdir()] == [f"{ANNOTATION}.json"]


def test_a_damaged_draft_is_named(tmp_path):
    save_draft(tmp_path, Draft(None, {}))
    (tmp_path / "drafts/annotation.json").write_text('{"schema_version": 1, "fields": {}}')
    with pytest.raises(BadInput, match=r"The draft .* cannot be right"):
        find_draft(tmp_path, annotated_case().labels.grid)


KILLED = """
import sys
from dataclasses import replace
import numpy as np
from pathlib import Path
sys.path.insert(0, sys.argv[2])
from annotated_cases import annotated_case
from OpportunisticBMDLib.core.volume import Volume
from OpportunisticBMDLib.cases import CaseInfo, update_case
from OpportunisticBMDLib.cases.drafts import Draft, save_draft
directory, labels = Path(sys.argv[1]), annotated_case().labels
print("ready", flush=True)
for step in range(1, 10_000):
    moved = Volume(np.roll(labels.array, step % 5, axis=0), labels.grid)
    info = CaseInfo(annotator="A", history=(str(step % 5),))
    save_draft(directory / "cases/case-0001", Draft(moved, {"step": str(step % 5)}))
    update_case(directory, "case-0001", labels=moved, info=info, status=("draft", "read")[step % 2])
"""


@pytest.mark.slow
def test_kill_at_any_moment_loses_nothing(tmp_path):
    """After kill -9 the draft is one that was saved, masks and fields of the same moment; the case is whole."""
    labels = new_case(tmp_path)
    allowed = {str(step): np.roll(labels.array, step, axis=0) for step in range(5)}
    here = Path(__file__).resolve().parents[1]
    delays = np.random.default_rng(1).uniform(0.05, 0.6, 6)
    for delay in delays:
        command = [sys.executable, "-c", KILLED, str(tmp_path), str(here)]
        child = subprocess.Popen(command, cwd=here.parent, stdout=subprocess.PIPE, env=os.environ)
        assert child.stdout.readline() == b"ready\n"
        time.sleep(delay)
        child.send_signal(signal.SIGKILL)
        child.wait()
        child.stdout.close()
        draft = find_draft(tmp_path / "cases/case-0001", labels.grid)
        if draft is not None:
            assert np.array_equal(draft.labels.array, allowed[draft.fields["step"]])
        dataset = open_dataset(tmp_path)
        assert dataset.info("case-0001").kernel in ("STANDARD", None)
        saved = dataset.labels("case-0001", labels.grid)
        assert saved is None or any(np.array_equal(saved.array, array) for array in allowed.values())
    save_read(tmp_path, "case-0001", labels, CaseInfo(), "A")  # a lock of a killed program does not block
    assert open_dataset(tmp_path).entry("case-0001").status == "read"
