"""Each block of code of guides and tutorials runs as it stands; `test_snippets.py` has the other pages."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from snippets import run_page

DOCS = Path(__file__).parents[2] / "docs"
PAGES = sorted([*(DOCS / "how-to").glob("*.md"), *(DOCS / "tutorials").glob("*.md")])


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_a_page(path: Path, shop: dict[str, Any]) -> None:
    """Its blocks run in an empty folder but for the examples' data, in the order of the page."""
    run_page(path, shop)
