"""The tables of the documentation are what the code says."""

from __future__ import annotations

import re
import runpy
from pathlib import Path

import pytest

from ikpipe._errors import CODES
from ikpipe._parameters import TABLE

DOCS = Path(__file__).parent.parent / "docs"
PAGES: dict[Path, str] = runpy.run_path(str(DOCS / "generate.py"))["pages"]()


@pytest.mark.parametrize("name", ["mapping.md", "errors.md"])
def test_a_page_is_what_the_code_generates(name: str) -> None:
    """Nobody has to remember to write a table anew: `python docs/generate.py` does."""
    path = DOCS / name
    assert path.read_text(encoding="utf-8") == PAGES[path]


@pytest.mark.parametrize(("name", "keys"), [("mapping.md", TABLE), ("errors.md", CODES)])
def test_every_entry_has_its_row(name: str, keys: dict[str, object]) -> None:
    """The page has a row for each parameter or code, in the code's order, and each has all of its cells."""
    table = PAGES[DOCS / name].rpartition("<!-- generated")[2].partition("<!-- end -->")[0]
    rows = [re.split(r"(?<!\\)\|", line) for line in table.splitlines()[3:]]
    assert [row[1].strip(" `") for row in rows] == list(keys)
    assert len({len(row) for row in rows}) == 1
