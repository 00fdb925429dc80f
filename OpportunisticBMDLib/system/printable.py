"""Texts from files and file names, made safe to show: a terminal or a page would obey what is hidden in them."""

from __future__ import annotations


def printable(text: str) -> str:
    r"""The text with everything that cannot be shown escaped: control sequences, text direction, bytes of a name.

    >>> printable("k\udcf6nig \x1b[31m")
    'k\\xf6nig \\x1b[31m'
    """
    return "".join(character if _can_be_shown(character) else _escaped(character) for character in text)


def _can_be_shown(character: str) -> bool:
    return character.isprintable() or character in "\n\t\u00a0"


def _escaped(character: str) -> str:
    code = ord(character)
    if 0xDC80 <= code <= 0xDCFF:  # a byte that is not UTF-8, as Python carries it in file names (PEP 383)
        return f"\\x{code - 0xDC00:02x}"
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
