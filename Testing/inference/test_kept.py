"""What is kept is not made twice, unless it is damaged; what cannot be kept is made each time."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from OpportunisticBMDLib.inference.kept import FOLDER_VARIABLE, cache_folder, kept


class Maker:
    """Makes a content, and counts how often."""

    def __init__(self) -> None:
        self.times = 0

    def __call__(self) -> bytes:
        self.times += 1
        return b"a network"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(FOLDER_VARIABLE, str(tmp_path / "cache"))
    return tmp_path / "cache"


def decoded(content: bytes) -> str:
    return content.decode()


def test_it_is_made_once(folder: Path):
    maker = Maker()
    assert [kept("one", maker, decoded) for _ in range(3)] == ["a network"] * 3
    assert maker.times == 1 and [path.name for path in folder.iterdir()] == ["one"]


def test_another_name_is_another_content(folder: Path):
    maker = Maker()
    for name in ("one", "two"):
        kept(name, maker, decoded)
    assert maker.times == 2


@pytest.mark.parametrize("damage", ["a changed byte", "cut off", "empty", "a folder"])
def test_what_is_damaged_is_made_anew_and_kept_again(folder: Path, damage: str):
    maker = Maker()
    kept("one", maker, decoded)
    path, content = folder / "one", (folder / "one").read_bytes()
    if damage == "a folder":
        path.unlink()
        path.mkdir()
    else:
        path.write_bytes({"a changed byte": content[:-1] + b"!", "cut off": content[:-3], "empty": b""}[damage])
    assert kept("one", maker, decoded) == "a network" and maker.times == 2
    if damage != "a folder":
        assert path.read_bytes() == content


def test_what_is_of_no_use_is_made_anew(folder: Path):
    maker = Maker()
    kept("one", lambda: b"of another version", decoded)

    def read(content: bytes) -> str:
        if content != b"a network":
            raise RuntimeError("not mine")
        return content.decode()

    assert kept("one", maker, read) == kept("one", maker, read) == "a network"
    assert maker.times == 1


def test_without_a_folder_to_write_to_it_works_all_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "file").touch()
    monkeypatch.setenv(FOLDER_VARIABLE, str(tmp_path / "file" / "cache"))
    assert kept("one", Maker(), decoded) == "a network"


@pytest.mark.skipif(sys.platform in ("win32", "darwin"), reason="this is how Linux names it")
def test_it_is_the_users_cache_unless_the_environment_names_another(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv(FOLDER_VARIABLE, raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache_folder() == tmp_path / "opportunistic-bmd"
    monkeypatch.setenv(FOLDER_VARIABLE, str(Path("~", "mine")))
    assert cache_folder() == Path(os.path.expanduser("~/mine"))
