"""What `pacs send` is given: objects, and in which order they go."""

from __future__ import annotations

from pathlib import Path

from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import Comprehensive3DSRStorage, CTImageStorage, ExplicitVRLittleEndian, generate_uid

from OpportunisticBMDLib.pacs.objects import objects_in


def write(path: Path, sop_class: str) -> None:
    data = Dataset()
    data.SOPClassUID, data.SOPInstanceUID = sop_class, generate_uid()
    data.file_meta = FileMetaDataset()
    data.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    data.save_as(path, enforce_file_format=True)


def test_a_report_goes_last_so_that_an_archive_which_has_it_has_all(tmp_path):
    write(tmp_path / "a.dcm", Comprehensive3DSRStorage)
    write(tmp_path / "b.dcm", CTImageStorage)
    write(tmp_path / "c.dcm", CTImageStorage)
    assert [path.name for path in objects_in([tmp_path])] == ["b.dcm", "c.dcm", "a.dcm"]
