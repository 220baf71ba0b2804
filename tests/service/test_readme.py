"""The first example of the README works with an account that has just been created."""

from __future__ import annotations

import base64
import re
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
def products(
    emulate: Callable[..., Emulator], picture: Callable[..., bytes], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Write the table of the example, and set the environment for a new account."""
    for name, value in variables(emulate()).items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(tmp_path)
    cells = [f"data:image/png;base64,{base64.b64encode(picture(color)).decode()}" for color in range(3)]
    columns = {"category": "hats", "season": "summer", "brand": "Acme", "color": "red", "price": "12"}
    pd.DataFrame({"sku": ["001", "002", "003"], "image_url": cells}).assign(**columns).to_csv(
        "products.csv", index=False
    )


@pytest.mark.usefixtures("products")
def test_the_first_example() -> None:
    """All rows are uploaded, and written."""
    code = re.search(r"```python\n(.*?)```", README, re.DOTALL)
    assert code is not None
    names: dict[str, Any] = {}
    exec(code[1], names)  # noqa: S102 - it is ours
    assert names["results"]["ik_file_path"].tolist() == [f"/products/summer/00{sku}.jpg" for sku in (1, 2, 3)]
    assert names["results"]["ik_status"].tolist() == ["uploaded"] * 3
    assert Path("results.csv").exists()


@pytest.mark.usefixtures("products")
def test_the_same_from_a_shell() -> None:
    """The command is the one that a shell would get."""
    import shlex

    command = re.search(r"`ikpipe (upload products\.csv .*?)`", README)
    assert command is not None
    assert main(shlex.split(command[1])) == 0
