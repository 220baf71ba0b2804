"""What the examples of the documentation run with."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest
from doubles import Page
from shell import variables

import ikpipe

if TYPE_CHECKING:
    from collections.abc import Callable

    from doubles import Site

    from ikpipe.emulator import Emulator


@pytest.fixture
def shop(
    tmp_path: Path,
    emulate: Callable[..., Emulator],
    picture: Callable[..., bytes],
    site: Site,
    monkeypatch: pytest.MonkeyPatch,
) -> dict[str, Any]:
    """Make the data that the pages share, as docs/index.md describes it, and return their names."""
    monkeypatch.chdir(tmp_path)
    emulator = emulate()
    for name, value in {
        **variables(emulator),
        "HOME": str(tmp_path),
        "XDG_STATE_HOME": str(tmp_path / "state"),
        "COLUMNS": "80",
    }.items():
        monkeypatch.setenv(name, value)
    (tmp_path / "photos").mkdir()
    for number in range(4):
        content = picture(number, "JPEG")
        (tmp_path / "photos" / f"{number}.jpg").write_bytes(content)
        site.pages[f"/{number}.jpg"] = Page(content)
    frame = pd.DataFrame(
        {
            "sku": [f"00{number}" for number in range(4)],
            "image_url": [f"{site.url}/{number}.jpg" for number in range(4)],
            "picture": [f"{number}.jpg" for number in range(4)],
            "category": ["shoes", "hats", "hats", "bags"],
            "season": ["summer", "winter", "summer", "winter"],
            "brand": ["Acme", "Acme", "Halcyon", "Halcyon"],
            "color": ["red", "blue", "green", "black"],
            "price": ["12", "24", "9.50", "30"],
        }
    )
    frame.to_csv("products.csv", index=False)
    return {"ikpipe": ikpipe, "pd": pd, "account": emulator.account, "frame": frame.assign(file=frame["image_url"])}
