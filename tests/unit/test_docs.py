"""The tables of the documentation are what the code says."""

from __future__ import annotations

import re
import runpy
from pathlib import Path

import pytest

from ikpipe.errors import CODES
from ikpipe.request.parameters import TABLE

DOCS = Path(__file__).parents[2] / "docs"
PAGES: dict[Path, str] = runpy.run_path(str(DOCS / "generate.py"))["pages"]()


@pytest.mark.parametrize("name", ["mapping.md", "errors.md"])
def test_a_page_is_what_the_code_generates(name: str) -> None:
    """Nobody has to remember to write a table anew: `python docs/generate.py` does."""
    path = DOCS / name
    assert path.read_text(encoding="utf-8") == PAGES[path]


@pytest.mark.parametrize(("name", "keys"), [("mapping.md", TABLE), ("errors.md", CODES)])
def test_every_entry_has_its_row(name: str, keys: dict[str, object]) -> None:
    """The page has a row for each parameter or code, in the code's order, and each has all of its cells."""
    table = PAGES[DOCS / name].partition("<!-- generated")[2].partition("<!-- end -->")[0]
    rows = [re.split(r"(?<!\\)\|", line) for line in table.splitlines()[3:]]
    assert [row[1].strip(" `") for row in rows] == list(keys)
    assert len({len(row) for row in rows}) == 1


CONFORMANCE = (DOCS / "conformance.md").read_text(encoding="utf-8")
PROPERTIES = re.findall(
    r"\w+",
    "fileId name filePath tags AITags versionInfo isPrivateFile customCoordinates url thumbnailUrl fileType height "
    "width size bitRate videoCodec audioCodec duration customMetadata embeddedMetadata metadata extensionStatus",
)


def section(title: str) -> list[list[str]]:
    """Return the rows of a table in the conformance page."""
    text = CONFORMANCE.partition(f"## {title}\n")[2].partition("\n## ")[0]
    return [[cell.strip() for cell in line.split("|")[1:-1]] for line in text.splitlines() if line.startswith("|")][2:]


@pytest.mark.parametrize("named", sorted(set(re.findall(r"`(\S+\.py::\w+)`", CONFORMANCE))))
def test_a_test_that_the_conformance_page_names_exists(named: str) -> None:
    """Whoever renames a test is told to rename it there."""
    path, _, name = named.partition("::")
    assert f"def {name}(" in (DOCS.parent / "tests" / path).read_text(encoding="utf-8")


def test_the_conformance_page_has_every_parameter_and_property() -> None:
    """It has those of the upload documentation, and each row of each table names a test."""
    documented = {entry.wire for entry in TABLE.values() if "upload docs" in entry.source}
    assert {row[0].strip("`") for row in section("The parameters")} == {"file", "token", *documented}
    assert {row[0].strip("`") for row in section("The response")} == {"", *PROPERTIES}
    untested = [line for line in CONFORMANCE.splitlines() if line.startswith("|") and "::test_" not in line]
    assert [line for line in untested if "| tests |" not in line and "---" not in line] == []
