"""The laboratory's program: every command under one name, and what is wrong in one sentence."""

from __future__ import annotations

import pytest

pytest.importorskip("lightning", reason="the laboratory needs the training extra")

from OpportunisticBMDTraining import lab


def test_without_a_command_it_lists_them(capsys):
    assert lab.main([]) == 0
    told = capsys.readouterr().out
    assert all(name in told for name in lab.COMMANDS)


def test_an_unknown_command_is_named(capsys):
    assert lab.main(["dance"]) == 2
    assert "no command 'dance'" in capsys.readouterr().err


@pytest.mark.parametrize("command", ["fit-bmd", "fit-localizer", "fit-segmentation"])
def test_a_fit_knows_its_name_and_misses_its_samples(command, tmp_path, capsys):
    with pytest.raises(SystemExit) as ended:
        lab.main([command, "--samples", str(tmp_path / "none"), "--run", str(tmp_path / "run"), "-o", str(tmp_path)])
    assert ended.value.code == 2 and "There is no folder" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        lab.main([command, "--help"])
    assert f"usage: opportunistic-bmd-lab {command}" in capsys.readouterr().out


@pytest.mark.parametrize("command", ["prepare", "readings"])
@pytest.mark.parametrize("more", [[], ["--virtual", "-1"]])
def test_nothing_asked_for_is_not_done_in_silence(command, more, tmp_path, capsys):
    assert lab.main([command, "-o", str(tmp_path / "out"), *more]) == 2
    assert "Nothing is asked for" in capsys.readouterr().err and not (tmp_path / "out").exists()


def test_a_file_where_a_folder_belongs_is_named(tmp_path, capsys):
    (tmp_path / "notes.txt").write_text("")
    assert lab.main(["prepare", "-o", str(tmp_path / "notes.txt"), "--virtual", "1", "--jobs", "1"]) == 2
    assert "notes.txt; choose another" in capsys.readouterr().err


def test_a_device_that_does_not_exist_is_a_mistake(capsys):
    with pytest.raises(SystemExit) as ended:
        lab.main(["evaluate", "-n", "1", "--device", "abacus"])
    assert ended.value.code == 2
