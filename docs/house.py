"""Draws the house: which room imports which, read from the code. `python docs/house.py library` prints the picture.

An import that other imports imply is not drawn; one that closes a circle is dashed, as no room may import one above it.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator, Mapping
from functools import partial
from html import escape
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[1]
PACKAGES = {
    "library": REPOSITORY / "OpportunisticBMDLib",
    "panel": REPOSITORY / "OpportunisticBMD" / "OpportunisticBMDPanel",
    "laboratory": REPOSITORY / "training" / "OpportunisticBMDTraining",
}
LETTER, BOX, ROW, GAP, SLIM = 8.2, 30, 78, 16, 10  # px: of a letter, a box's height, from row to row, between boxes

Imports = dict[str, set[str]]
Edge = tuple[str, str]


def picture(package: str) -> str:
    """A package's rooms as SVG, the rooms above those that they import; who uses the library is in its picture too."""
    imports = imports_of(package)
    circles = circles_in(imports)
    tree = {room: {other for other in others if (room, other) not in circles} for room, others in imports.items()}
    edges = [(room, other) for room in tree for other in sorted(tree[room]) if not _is_implied(tree, room, other)]
    rows = _rows(tree, edges)
    return _svg(rows, edges, sorted(circles), {room: told for room, told, _ in rooms_of(package)})


def rooms_of(package: str) -> Iterator[tuple[str, str, list[str]]]:
    """Each room with the first line of its docstring, and what it imports of its own package."""
    imports = imports_of(package)
    for room in sorted(imports):
        path = PACKAGES[package] / room
        file = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
        docstring = ast.get_docstring(ast.parse(file.read_text(encoding="utf-8"))) if file.is_file() else None
        if path.is_dir() or file.is_file():
            yield room, (docstring or "").partition("\n")[0], sorted(imports[room])


def imports_of(package: str) -> Imports:
    """Room -> the rooms that it imports; another package is one room where it uses the library."""
    imports: Imports = {}
    for name, folder in PACKAGES.items():
        if name != package and package != "library":
            continue
        for path in sorted(folder.rglob("*.py")):
            room = path.relative_to(folder).parts[0].removesuffix(".py") if name == package else f"the {name}"
            if not room.startswith("__"):
                imports.setdefault(room, set()).update(set(_imported(path, PACKAGES[package])) - {room})
    return {room: others & set(imports) for room, others in imports.items()}


def circles_in(imports: Imports) -> set[Edge]:
    """The imports that close a circle."""
    closing: set[Edge] = set()
    seen: set[str] = set()

    def visit(room: str, way: tuple[str, ...]) -> None:
        seen.add(room)
        for other in sorted(imports[room]):
            if other in way:
                closing.add((room, other))
            elif other not in seen:
                visit(other, (*way, other))

    for room in sorted(imports):
        if room not in seen:
            visit(room, (room,))
    return closing


def _imported(path: Path, folder: Path) -> Iterator[str]:
    """The rooms of a package's folder that a file imports."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        else:
            continue
        for parts in (name.split(".") for name in names):
            if parts[0] == folder.name and len(parts) > 1:
                yield parts[1]


def _reached(tree: Imports, room: str) -> set[str]:
    return {room}.union(*(_reached(tree, other) for other in tree[room]))


def _is_implied(tree: Imports, room: str, other: str) -> bool:
    return any(other in _reached(tree, between) for between in tree[room] - {other})


def _rows(tree: Imports, edges: list[Edge]) -> list[list[str]]:
    """Rooms from top to bottom, and in each row from left to right; a long edge has a place in each row it passes."""
    users = {room: [user for user, other in edges if other == room] for room in tree}

    def depth(room: str) -> int:
        return 1 + max(map(depth, users[room]), default=-1)

    joined = {room for edge in edges for room in edge}
    rows: list[list[str]] = [[] for _ in range(1 + max(map(depth, joined)))]
    for room in sorted(joined):
        rows[depth(room)].append(room)
    neighbours: Imports = {}
    for upper, lower in edges:
        way = [upper, *(f"{upper}>{lower}>{d}" for d in range(depth(upper) + 1, depth(lower))), lower]
        for d, place in enumerate(way[1:-1], start=depth(upper) + 1):
            rows[d].append(place)
        for one, two in zip(way, way[1:], strict=False):
            neighbours.setdefault(one, set()).add(two)
            neighbours.setdefault(two, set()).add(one)
    for _ in range(12):  # each place moves to the middle of what it is joined to
        for before, row in [*zip(rows, rows[1:], strict=False), *zip(rows[::-1], rows[-2::-1], strict=False)]:
            row.sort(key=partial(_pull, _places(before), neighbours))
    return rows


def _pull(x: Mapping[str, float], neighbours: Imports, place: str) -> float:
    """The middle of those neighbours that are among `x`."""
    near = [x[neighbour] for neighbour in neighbours[place] if neighbour in x]
    return sum(near) / max(1, len(near))


def _is_room(place: str) -> bool:
    return ">" not in place


def _width(place: str) -> float:
    return LETTER * len(place) + 18 if _is_room(place) else SLIM


def _places(row: list[str]) -> dict[str, float]:
    """The middle of each place, the row's own middle at 0."""
    left = -(sum(map(_width, row)) + GAP * (len(row) - 1)) / 2
    middles = {}
    for place in row:
        middles[place] = left + _width(place) / 2
        left += _width(place) + GAP
    return middles


def _svg(rows: list[list[str]], edges: list[Edge], circles: list[Edge], told: dict[str, str]) -> str:
    at = {place: (x, ROW * d + BOX) for d, row in enumerate(rows) for place, x in _places(row).items()}
    half = max(x + _width(place) / 2 for place, (x, _) in at.items()) + GAP
    height = ROW * (len(rows) - 1) + 2 * BOX
    parts = [
        f'<svg viewBox="{-half:.0f} 0 {2 * half:.0f} {height}" width="{2 * half:.0f}"'
        ' style="max-width: 100%; height: auto" role="img" font-family="sans-serif" font-size="14" fill="none"'
        ' stroke="currentColor">',
        '<defs><marker id="tip" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="7" markerHeight="7" orient="auto">'
        '<path d="M0 1 L8 4 L0 7 z" fill="currentColor" stroke="none"/></marker></defs>',
    ]
    for upper, lower in edges:
        bends = [place for row in rows for place in row if place.startswith(f"{upper}>{lower}>")]
        points = [(at[upper][0], at[upper][1] + BOX / 2), *map(at.get, bends), (at[lower][0], at[lower][1] - BOX / 2)]
        parts.append(f'<path d="{_curve(points)}" opacity="0.55" marker-end="url(#tip)"/>')
    for room, other in circles:
        (x, y), (to_x, to_y) = at[room], at[other]
        line = f"M{x} {y - BOX / 2} C{x + 60} {y - ROW} {to_x + 60} {to_y + ROW} {to_x} {to_y + BOX / 2}"
        parts.append(f'<path d="{line}" stroke="#d62728" stroke-dasharray="5 4" marker-end="url(#tip)"/>')
    for place, (x, y) in at.items():
        if _is_room(place):
            parts += [
                f"<g><title>{escape(told.get(place, ''))}</title>"
                f'<rect x="{x - _width(place) / 2:.1f}" y="{y - BOX / 2}" width="{_width(place):.1f}" height="{BOX}"'
                f' rx="5"/><text x="{x:.1f}" y="{y + 5}" text-anchor="middle" fill="currentColor" stroke="none">'
                f"{escape(place)}</text></g>"
            ]
    return "\n".join([*parts, "</svg>"])


def _curve(points: list[tuple[float, float]]) -> str:
    """Through all points, leaving and entering each downwards."""
    text = f"M{points[0][0]:.1f} {points[0][1]:.1f}"
    for (x, y), (to_x, to_y) in zip(points, points[1:], strict=False):
        middle = (y + to_y) / 2
        text += f" C{x:.1f} {middle:.1f} {to_x:.1f} {middle:.1f} {to_x:.1f} {to_y:.1f}"
    return text


if __name__ == "__main__":
    print(picture(sys.argv[1] if len(sys.argv) > 1 else "library"))
