"""Texts of files and names of files, shown."""

import pytest

from OpportunisticBMDLib.core.errors import BadInput
from OpportunisticBMDLib.system.printable import printable


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Thorax nativ, Ödem 5 mm\u00b2", "Thorax nativ, Ödem 5 mm\u00b2"),
        ("X\x1b]0;PWNED\x07", "X\\x1b]0;PWNED\\x07"),
        ("k\udcf6nig", "k\\xf6nig"),
        ("a\u202eb", "a\\u202eb"),
        ("C1\x9b31m", "C1\\x9b31m"),
        ("\U000e0001", "\\U000e0001"),
    ],
)
def test_what_cannot_be_shown_is_escaped(text, shown):
    assert printable(text) == shown


def test_a_message_can_be_printed_anywhere():
    message = str(BadInput("/k\udcf6nig/\x1b[2J does not exist: check the path."))
    assert message.encode("utf-8").decode() == "/k\\xf6nig/\\x1b[2J does not exist: check the path."


def test_a_long_value_does_not_hide_what_to_do():
    message = str(BadInput(f"ct.nrrd has a spacing of {'x' * 70_000}: export it again."))
    assert len(message) < 1100
    assert message.startswith("ct.nrrd has a spacing of x")
    assert message.endswith("x: export it again.")
