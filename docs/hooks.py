"""What MkDocs does with these pages beside rendering them: pictures, links into the repository, parts made of the code.

A line `<!-- house: library -->`, `<!-- rooms: library -->` or `<!-- reasons -->` is replaced by what it names.
"""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Iterable
from enum import Enum
from html import escape
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File

from OpportunisticBMDLib.system.markdown import markdown

DOCS = Path(__file__).resolve().parent
FOLDERS = ("Resources/Pictures", "OpportunisticBMD/Resources/Icons")  # of pictures
_PARTS = re.compile(r"^<!-- (house|rooms|reasons)(?:: (\w+))? -->$", re.MULTILINE)
_PANEL = re.compile(r'<img src="Pictures/(panel-\w+)\.png"[^>]*>')
_LINKS = re.compile(r"\]\(\.\./([^)]+)\)")


def on_files(files: Any, config: Any) -> Any:
    """The pictures lie in Resources/, where the README and the extension's catalogue show them too."""
    for folder in FOLDERS:
        for path in sorted((DOCS.parent / folder).glob("*.[jp][pn]g")):
            files.append(File.generated(config, f"Pictures/{path.name}", abs_src_path=str(path)))
    return files


def on_page_markdown(markdown: str, page: Any, config: Any, files: Any) -> str:
    for folder in FOLDERS:
        markdown = markdown.replace(f"../{folder}/", "Pictures/")
    markdown = _PANEL.sub(with_dark, markdown)
    markdown = _LINKS.sub(rf"]({config.extra['repository']}/blob/main/\1)", markdown)
    return _PARTS.sub(lambda found: part(*found.groups()), markdown)


def with_dark(found: re.Match[str]) -> str:
    """A picture of the panel that is shown in its dark style where the reader's browser is dark."""
    source = f'<source media="(prefers-color-scheme: dark)" srcset="Pictures/{found[1]}-dark.png">'
    return f"<picture>{source}{found[0]}</picture>"


def part(kind: str, package: str | None) -> str:
    """The text that stands for a comment such as `<!-- house: library -->`."""
    if kind == "reasons":
        from OpportunisticBMDLib.core.reason import ReasonCode

        return table_of_reasons(ReasonCode)
    house = _house()
    return f"<div>{house.picture(package)}</div>" if kind == "house" else table_of_rooms(house.rooms_of(package))


def table_of_reasons(codes: Iterable[Enum]) -> str:
    """Every reason that a result can carry: its code, what it means, and the unit of its figure and limit."""
    return _table(("code", "what it means", "unit"), ((f"`{c.value}`", c.meaning, c.unit or "–") for c in codes))


def table_of_rooms(rooms: Iterable[tuple[str, str, list[str]]]) -> str:
    return _table(("room", "what it is", "imports"), ((f"`{room}`", told, ", ".join(o)) for room, told, o in rooms))


def _table(header: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    return markdown(header, [[escape(text, quote=False).replace("|", "\\|") for text in row] for row in rows])


def _house() -> Any:
    """docs/house.py, which lies in no package."""
    spec = importlib.util.spec_from_file_location("house", DOCS / "house.py")
    house = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(house)
    return house
