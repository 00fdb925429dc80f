"""`slicer.i18n`: every sentence in its own language, which has one.

The rules, and where Slicer shows them, are in README.md.
"""

from __future__ import annotations


def tr(text: str) -> str:
    """The text itself; Slicer also looks for its {places}, which nothing but text has."""
    if not isinstance(text, str):
        raise TypeError(f"expected string or bytes-like object, got {type(text).__name__!r}")
    return translate("", text)


def translate(context: str, text: str) -> str:
    return text


MEMBERS = {"tr": tr, "translate": translate}
