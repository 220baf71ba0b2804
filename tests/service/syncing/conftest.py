"""A state and a folder of the library of its own for each test."""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

_FOLDERS = count()


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have a state folder of its own."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))


@pytest.fixture
def folder() -> str:
    """Return a folder of the library that no other test uses."""
    return f"/sync/{next(_FOLDERS)}"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Return an empty folder."""
    made = tmp_path / "source"
    made.mkdir()
    return made
