"""The notebooks run as they stand, and their stored outputs are what they show."""

from __future__ import annotations

import runpy
from pathlib import Path
from typing import Any

import nbformat
import pytest

TOOL: dict[str, Any] = runpy.run_path(str(Path(__file__).parents[2] / "docs" / "notebooks.py"))
NOTEBOOKS: list[Path] = TOOL["NOTEBOOKS"]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_stored_outputs_are_current(path: Path) -> None:
    """Every cell runs in a fresh kernel, and shows what is stored; otherwise: `python docs/notebooks.py`."""
    assert TOOL["comparable"](TOOL["executed"](path)) == TOOL["comparable"](nbformat.read(path, as_version=4))
