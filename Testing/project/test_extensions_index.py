"""What the index of Slicer's extensions asks of an entry and of its repository, without a network.

As its scripts, its catalogue schema 1.0.2 and the form of its pull requests have it; docs/extensions-index.md goes
through the rest, which no test can see.
"""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from urllib.parse import urlsplit

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
ENTRY = REPOSITORY / "OpportunisticBMD.json"
SCHEMA_URL = (
    "https://raw.githubusercontent.com/Slicer/Slicer/main/Schemas/slicer-extension-catalog-entry-schema-v1.0.2.json#"
)
# Those of the accepted categories that this extension could stand under.
CATEGORIES = {"Analysis", "Quantification", "Segmentation"}
MOST_MIB = 100
LEAST_ICON_PX = 128
README = (REPOSITORY / "README.md").read_text(encoding="utf-8")
CMAKE = (REPOSITORY / "CMakeLists.txt").read_text(encoding="utf-8")


@pytest.fixture
def entry() -> dict[str, object]:
    return json.loads(ENTRY.read_text(encoding="utf-8"))


def in_cmake(name: str) -> str:
    """What a variable of the top CMakeLists.txt is set to, read as the index reads it: one quoted text."""
    (found,) = re.findall(rf'set\s*\({name}\s*"([^"]+)"\)', CMAKE)
    return found


def test_it_follows_the_schema(entry):
    jsonschema = pytest.importorskip("jsonschema")
    text = {"type": "string", "minLength": 1}
    jsonschema.validate(
        entry,
        {
            "type": "object",
            "required": ["$schema", "category", "scm_url", "scm_revision"],  # the build asks for the last
            "additionalProperties": False,
            "properties": {
                "$schema": {"const": SCHEMA_URL},
                "category": text,
                "scm_url": text,
                "scm_revision": text,
                "scm_type": {"enum": ["git", "local"]},
                "build_dependencies": {"type": "array", "items": text},
                "dicom_support_rule": text,
                "build_subdirectory": text,
                "enabled": {"type": "boolean"},
                "tier": {"type": "integer", "minimum": 1, "maximum": 5},
            },
        },
    )


def test_no_ct_of_others_makes_slicer_suggest_it(entry):
    """A rule is for files that only the extension can open; one for CTs would speak up at every import of a CT."""
    assert "dicom_support_rule" not in entry


def test_lines_end_as_the_index_wants_them():
    content = ENTRY.read_bytes()
    assert b"\r" not in content and content.endswith(b"}\n")


def test_its_category_is_accepted(entry):
    assert entry["category"] in CATEGORIES


def test_where_it_is_fetched_from(entry):
    url = urlsplit(str(entry["scm_url"]))
    owner, repository = url.path.strip("/").split("/")
    assert url.scheme == "https" and url.netloc == "github.com" and owner
    assert repository == f"Slicer{ENTRY.stem}.git"


def test_the_extensions_own_name_stands_for_itself():
    assert not ENTRY.stem.lower().startswith("slicer")
    assert re.findall(r"project\s*\(\s*([^\s)]+)", CMAKE, re.IGNORECASE)[0] == ENTRY.stem


def test_cmake_says_what_the_entry_says(entry):
    assert in_cmake("EXTENSION_CATEGORY") == entry["category"]
    assert in_cmake("EXTENSION_DEPENDS").split() == entry["build_dependencies"]
    assert f"{in_cmake('EXTENSION_HOMEPAGE')}.git" == entry["scm_url"]


@pytest.mark.parametrize("name", ["ICONURL", "SCREENSHOTURLS"])
def test_its_pictures_are_raw_files_of_this_repository(entry, name):
    home = in_cmake("EXTENSION_HOMEPAGE").replace("https://github.com/", "https://raw.githubusercontent.com/")
    base = f"{home}/{entry['scm_revision']}/"
    for url in in_cmake(f"EXTENSION_{name}").split():
        assert url.startswith(base), url
        path = REPOSITORY / url.removeprefix(base)
        assert path.read_bytes().startswith(b"\x89PNG"), url
        if name == "ICONURL":
            width = int.from_bytes(path.read_bytes()[16:20], "big")
            assert width >= LEAST_ICON_PX


def test_the_description_is_one_or_two_sentences_for_everybody():
    sentences = re.findall(r"[^.]+\.(?:\s|$)", in_cmake("EXTENSION_DESCRIPTION"))
    assert 1 <= len(sentences) <= 2
    assert "osteoporosis" in sentences[0] and "not for diagnosis" in sentences[-1]


def test_the_licence_lies_in_the_root_and_the_readme_names_it():
    licence = (REPOSITORY / "LICENSE.txt").read_text(encoding="utf-8")
    assert "Apache License" in licence and "Version 2.0" in licence
    assert re.search(r"\[Apache-2\.0\]\(LICENSE\.txt\)", README)


def test_the_homepage_has_name_picture_and_publication():
    assert README.startswith(f"# {ENTRY.stem}\n")
    assert re.search(r"!\[[^\]]+\]\(Resources/Pictures/[\w-]+\.png\)", README)
    assert "https://doi.org/10." in README


def test_the_homepage_has_a_sentence_for_every_module():
    titles = {
        title
        for path in REPOSITORY.glob("*/*.py")
        for title in re.findall(r'parent\.title = _\("([^"]+)"\)', path.read_text(encoding="utf-8"))
    }
    told = README.partition("\n## Modules\n")[2].partition("\n## ")[0]
    assert titles and titles == set(re.findall(r"^\*\*(.+?)\*\* [^\n]+(?:\n[^\n]+)*\.$", told, re.MULTILINE))


def test_the_files_of_a_commit_are_not_too_large():
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=REPOSITORY, capture_output=True, text=True)
    if listed.returncode:
        pytest.skip("this is no clone")
    files = [REPOSITORY / name for name in listed.stdout.split("\0") if name]
    total = sum(path.stat().st_size for path in files if path.is_file())
    assert 2 * total < MOST_MIB * 2**20, "the files and, once more, what git keeps of them"


@pytest.mark.parametrize("name", ["README.md", "CITATION.cff", "mkdocs.yml", "CMakeLists.txt", "OpportunisticBMD.json"])
def test_no_file_names_a_former_address(name, entry):
    home = str(entry["scm_url"]).removesuffix(".git").removeprefix("https://github.com/")
    owner = home.partition("/")[0]
    text = (REPOSITORY / name).read_text(encoding="utf-8")
    found = re.findall(rf"github(?:usercontent)?\.com/({owner}/[\w-]+)", text)
    assert set(found) <= {home}
