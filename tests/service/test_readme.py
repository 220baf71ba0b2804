"""The examples of the README work after `ikpipe demo`, with an account that has just been created."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest
from shell import variables

from ikpipe.cli import main

if TYPE_CHECKING:
    from collections.abc import Callable

    from ikpipe.emulator import Emulator

README = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")


@pytest.fixture
def catalog(emulate: Callable[..., Emulator], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Run the demo in an empty folder, and set the environment for a new account."""
    for name, value in variables(emulate()).items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(tmp_path)
    main(["demo"])


@pytest.mark.usefixtures("catalog")
def test_the_first_example() -> None:
    """Rows are uploaded but for those with mistakes, and written."""
    code = re.search(r"```python\n(.*?)```", README, re.DOTALL)
    assert code is not None
    names: dict[str, Any] = {}
    exec(code[1], names)  # noqa: S102 - it is ours
    assert names["results"]["ik_status"].value_counts().to_dict() == {"uploaded": 20, "invalid": 3}
    assert names["results"]["ik_file_path"].str.fullmatch(r"/products/\w+/[\w-]+\.\w+").sum() == 20
    assert Path("results.csv").exists()


@pytest.mark.usefixtures("catalog")
def test_the_same_from_a_shell() -> None:
    """The command is the one that a shell would get; its status says that rows need attention."""
    command = re.search(r"`ikpipe (upload ikpipe-demo/.*?)`", README)
    assert command is not None
    assert main(shlex.split(command[1])) == 1
    assert set(pd.read_csv("results.csv")["ik_status"]) == {"uploaded", "invalid"}
