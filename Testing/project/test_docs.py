"""README and docs: they build strictly and without a network, their links lead somewhere, their commands exist."""

from __future__ import annotations

import importlib.util
import itertools
import json
import re
import shlex
import socket
from collections.abc import Iterator
from enum import Enum
from pathlib import Path
from types import ModuleType

import pytest

from OpportunisticBMDLib import __version__, cli
from OpportunisticBMDTraining import lab

yaml = pytest.importorskip("yaml")
REPOSITORY = Path(__file__).parents[2]
README = REPOSITORY / "README.md"
DOCS = sorted((REPOSITORY / "docs").glob("*.md"))
PAGES = [README, *DOCS, REPOSITORY / "CONTRIBUTING.md", REPOSITORY / "CHANGELOG.md"]
MODULE = REPOSITORY / "OpportunisticBMD"
MOST_LINES = 150
PROGRAMS = {"opportunistic-bmd": cli.main, "opportunistic-bmd-lab": lab.main}


def of_docs(name: str) -> ModuleType:
    """A file of docs/, which is no package."""
    spec = importlib.util.spec_from_file_location(name, REPOSITORY / "docs" / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class Codes(str, Enum):
    """Reasons as `core.reason` has them: with what they mean and the unit of their figure."""

    def __new__(cls, code: str, meaning: str, unit: str | None = None) -> Codes:
        member = str.__new__(cls, code)
        member._value_, member.meaning, member.unit = code, meaning, unit
        return member

    THICK = "thick_slices", "Slices are thicker than they should be | much.", "mm"
    METAL = "metal", "There is <metal>."


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The pages, built strictly where no address can be reached."""
    pytest.importorskip("mkdocs")
    from mkdocs.commands.build import build
    from mkdocs.config import load_config

    folder = tmp_path_factory.mktemp("site")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket.socket, "connect", lambda self, address: pytest.fail(f"{address} was asked for"))
        build(load_config(str(REPOSITORY / "mkdocs.yml"), site_dir=str(folder), strict=True))
    return folder


def test_every_page_is_built(site):
    assert {page.with_suffix(".html").name for page in DOCS} <= {page.name for page in site.glob("*.html")}


def test_what_is_made_of_the_code_is_there(site):
    pages = {page.name: page.read_text(encoding="utf-8") for page in site.glob("*.html")}
    assert pages["architecture.html"].count("<svg viewBox=") >= 3
    assert ">pipeline</text>" in pages["architecture.html"]
    assert "<code>thick_slices</code>" in pages["reasons.html"]
    left = re.findall(r"<!-- (?:house|rooms|reasons)\b.*?-->", "".join(pages.values()))
    assert left == []


def test_pictures_lie_beside_the_pages(site):
    for page in (site / page.with_suffix(".html").name for page in DOCS):
        for source in re.findall(r'<(?:img|source)[^>]* src(?:set)?="([^"]+)"', page.read_text(encoding="utf-8")):
            assert (site / source).is_file(), f"{source} in {page.name}"


def test_the_panel_is_shown_in_its_dark_style_to_who_reads_in_the_dark(site):
    for name in ("tutorial", "use"):
        text = (site / f"{name}.html").read_text(encoding="utf-8")
        shown = re.findall(r'src="Pictures/(panel-\w+)\.png"', text)
        dark = re.findall(r'prefers-color-scheme: dark\)" srcset="Pictures/(panel-\w+)-dark\.png"', text)
        assert shown and shown == dark


def test_nothing_is_loaded_from_elsewhere(site):
    loading = (
        r'<(?:script|img|iframe|source)[^>]* src="(https?:)?//|<link[^>]*rel="?(?:stylesheet|preconnect)[^>]*https?://'
    )
    for page in site.rglob("*.html"):
        assert not re.search(loading, page.read_text(encoding="utf-8")), page.name


def test_the_readme_is_short():
    assert len(README.read_text(encoding="utf-8").splitlines()) < MOST_LINES


def test_the_readmes_two_commands_are_these():
    text = README.read_text(encoding="utf-8")
    assert "\nbash .ci/prepare && make demo " in text and "\nbash .ci/prepare && make test " in text


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_to_what_exists(page):
    text = page.read_text(encoding="utf-8")
    found = re.findall(r'\]\(([^)\s]+)\)|src(?:set)?="([^"]+)"', text)
    targets = [one or other for one, other in found if "://" not in (one or other)]
    for path, _, anchor in (target.partition("#") for target in targets):
        file = page.parent / path if path else page
        assert file.exists(), f"{path} in {page.name}"
        if anchor:
            assert anchor in anchors(file), f"{path}#{anchor} in {page.name}"


def anchors(page: Path) -> set[str]:
    """Of a page's headings, as GitHub and MkDocs both make them of plain words."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w-]", "", heading.lower().replace(" ", "-")) for heading in headings}


def commands(page: Path) -> Iterator[tuple[str, ...]]:
    """Every call of one of the programs in a page's code, as words."""
    text = page.read_text(encoding="utf-8")
    blocks = re.findall(r"^```sh\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    lines = [line for block in blocks for line in re.sub(r"\\?\n {4,}", " ", block).splitlines()]
    for code in (*lines, *re.findall(r"`([^`\n]+)`", text)):
        for call in re.findall(r"opportunistic-bmd(?:-lab)?(?: [^()#&;]*)?", code.partition(" # ")[0]):
            yield tuple(shlex.split(call.replace("[", " ").replace("]", " ").replace('"', " ")))


CALLS = sorted({call for page in PAGES for call in commands(page) if len(call) > 1})


def test_the_pages_name_commands():
    assert {call[1] for call in CALLS if call[0] == "opportunistic-bmd"} >= {"compute", "demo", "simulate", "models"}
    assert {call[1] for call in CALLS if call[0] == "opportunistic-bmd-lab"} >= set(lab.COMMANDS) - {
        "public-cts",
        "levels",
    }


@pytest.mark.slow
@pytest.mark.parametrize("call", CALLS, ids=" ".join)
def test_every_command_exists_with_its_options(call, capsys):
    program, *words = call
    names = list(itertools.takewhile(re.compile(r"[a-z][a-z-]*").fullmatch, words[:2]))  # of command and subcommand
    try:
        status = PROGRAMS[program]([*names, "--help"])
    except SystemExit as ended:
        status = ended.code
    told = capsys.readouterr()
    assert not status, told.err
    for option in filter(re.compile(r"--?[a-z][a-z-]*").fullmatch, words):
        assert option == "--help" or re.search(rf"(?<![\w-]){option}\b", told.out), option


@pytest.mark.parametrize("module", sorted(set(re.findall(r" -m (Oppo[\w.]+)", "".join(map(Path.read_text, PAGES))))))
def test_every_module_that_is_run_exists(module):
    assert importlib.util.find_spec(module)


def keys_of(schema: dict, definitions: dict) -> Iterator[str]:
    if "$ref" in schema:
        schema = definitions[schema["$ref"].rpartition("/")[2]]
    for key, value in schema.get("properties", {}).items():
        yield key
        yield from keys_of(value, definitions)
    if "items" in schema:
        yield from keys_of(schema["items"], definitions)


def test_every_key_of_the_schema_is_explained():
    schema = json.loads((REPOSITORY / "Resources" / "result.schema.json").read_text(encoding="utf-8"))
    keys = set(keys_of(schema, schema["$defs"]))
    text = (REPOSITORY / "docs" / "result-format.md").read_text(encoding="utf-8").partition("## Version 1")[0]
    assert keys <= set(re.findall(r"`(\w+)`", text))
    assert set(re.findall(r"^\| `(\w+)` \|", text, re.MULTILINE)) <= keys


def test_reasons_as_a_table():
    header, _, thick, metal = of_docs("hooks").table_of_reasons(Codes).splitlines()
    assert header == "| code | what it means | unit |"
    assert thick == r"| `thick_slices` | Slices are thicker than they should be \| much. | mm |"
    assert metal == "| `metal` | There is &lt;metal&gt;. | – |"


def test_an_import_that_closes_a_circle_is_found():
    house = of_docs("house")
    assert house.circles_in({"a": {"b"}, "b": {"c"}, "c": {"a"}}) == {("c", "a")}
    assert house.circles_in({"a": {"b", "c"}, "b": {"c"}, "c": set()}) == set()


def test_the_house_shows_every_room_that_is_joined_to_another():
    house = of_docs("house")
    for package in house.PACKAGES:
        imports = house.imports_of(package)
        joined = {room for room, others in imports.items() if others}.union(*imports.values())
        assert set(re.findall(r">([^<>]+)</text>", house.picture(package))) == joined


def test_the_citation_names_version_and_paper():
    citation = yaml.safe_load((REPOSITORY / "CITATION.cff").read_text(encoding="utf-8"))
    paper = citation["references"][0]
    told = README.read_text(encoding="utf-8").partition("\n## Cite\n")[2].partition("\n## ")[0]
    assert citation["version"] == __version__
    assert paper["doi"] in told and "CITATION.cff" in told
    assert f"{paper['year']};{paper['volume']}({paper['issue']}):{paper['start']}-{paper['end']}" in told
    assert paper["authors"][0]["family-names"] in told


def keys_in(page: str) -> set[str]:
    """Those of the panel; Ctrl+3 is Slicer's own."""
    return set(re.findall(r"`(Ctrl\+(?!3)[^`]+)`", (REPOSITORY / "docs" / page).read_text(encoding="utf-8")))


def test_the_pages_name_the_panels_keys():
    shortcuts = (MODULE / "OpportunisticBMDPanel" / "slicer" / "shortcuts.py").read_text(encoding="utf-8")
    keys = set(re.findall(r'^    "\w+Button": "(Ctrl\+[^"]+)"', shortcuts, re.MULTILINE))
    assert keys and keys_in("use.md") == keys
    assert keys_in("tutorial.md") <= keys


def test_every_step_of_the_tutorial_has_a_picture():
    text = (REPOSITORY / "docs" / "tutorial.md").read_text(encoding="utf-8")
    steps = re.findall(r"^## (\d+\. [^\n]+)\n(.+?)(?=^## )", text, re.MULTILINE | re.DOTALL)
    assert len(steps) > 10
    assert not [title for title, told in steps if "<img " not in told and "![" not in told]


def test_the_tutorial_names_what_can_be_clicked():
    text = (REPOSITORY / "docs" / "tutorial.md").read_text(encoding="utf-8")
    named = set(re.findall(r"\*\*([^*]+)\*\*", re.sub(r"^- \*\*[^*]+\*\*", "", text, flags=re.MULTILINE)))
    files = [*MODULE.glob("Resources/UI/*.ui"), MODULE / "OpportunisticBMD.py"]
    shown = "".join(path.read_text(encoding="utf-8") for path in files)
    assert len(named) > 5
    assert not [name for name in named if f">{name}<" not in shown and f'"{name}"' not in shown]
