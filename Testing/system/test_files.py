"""Files that are opened."""

import os
import sys

import pytest

from OpportunisticBMDLib.system.files import open_regular


def test_a_file_is_opened(tmp_path):
    (tmp_path / "a").write_bytes(b"voxels")
    (tmp_path / "link").symlink_to("a")
    for name in ("a", "link"):
        with open_regular(tmp_path / name) as file:
            assert file.read() == b"voxels"


@pytest.mark.skipif(sys.platform == "win32", reason="there are no pipes and devices among its files")
@pytest.mark.parametrize("kind", ["pipe", "device", "folder"])
def test_nothing_else_is_opened(tmp_path, kind):
    path = {"pipe": tmp_path / "pipe", "device": os.devnull, "folder": tmp_path}[kind]
    if kind == "pipe":
        os.mkfifo(path)
    with pytest.raises(OSError):
        open_regular(path)
