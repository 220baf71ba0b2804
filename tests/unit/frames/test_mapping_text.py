"""The effective mapping in one line."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

from ikpipe.frames.mapping import ColumnMapping


def text(labels: list[Any], columns: dict[str, Any] | None = None, **keywords: Any) -> str:
    """Return the line of a mapping."""
    ignore = keywords.pop("ignore", ())
    return ColumnMapping(pd.Index(labels), columns, keywords, ignore=ignore).text


@pytest.mark.parametrize(
    ("labels", "columns", "keywords", "line"),
    [
        (
            ["brand", "image_url", "category", "season", "price"],
            {"tags": ["category", "season"], "file": "image_url"},
            {},
            "file ← image_url, tags ← category, season; unused: brand, price",
        ),
        (["file"], None, {}, "file ← file"),
        (["file", "fileName"], None, {}, "file ← file, file_name ← fileName"),
        (
            ["file", "sku", "name"],
            {"file_name": "name"},
            {"file_name": "{sku}.jpg", "folder": "/a/"},
            "file ← file, file_name ← name, otherwise {sku}.jpg, folder = /a/",
        ),
        (
            ["file", "brand", "color", "customMetadata.size"],
            {"custom_metadata": ["brand", "color"]},
            {},
            "file ← file, custom_metadata ← brand, color, size",
        ),
        (
            ["file", "marke"],
            {"custom_metadata": {"brand": "marke"}},
            {"custom_metadata": {"shop": "North"}},
            "file ← file, custom_metadata.brand ← marke, custom_metadata = shop: North",
        ),
        (["file", "tags"], None, {"ignore": ["tags"]}, "file ← file; unused: tags"),
        (["file", "ik_status", "ik_url"], None, {}, "file ← file"),
        (["sku"], None, {"file": b"GIF"}, "file = 3 bytes; unused: sku"),
    ],
)
def test_the_line(labels: list[Any], columns: dict[str, Any] | None, keywords: dict[str, Any], line: str) -> None:
    """The file first, then the parameters by source, then the columns that give none."""
    assert text(labels, columns, **keywords) == line


def test_addresses_are_shown_without_their_secrets() -> None:
    """Neither password nor query of a URL."""
    line = text(["file"], None, webhook_url="https://user:secret@a.example/hook?token=secret")
    assert line == "file ← file, webhook_url = https://a.example/hook"


def test_the_line_is_short_and_cannot_control_a_terminal() -> None:
    """However many columns there are, and whatever they are named."""
    line = text(["file", "\x1b[31m\nred", "x" * 5_000, *(f"c{at}" for at in range(500))])
    assert "\x1b" not in line
    assert "\n" not in line
    assert line.endswith("and 482 more")
    assert len(line) < 400
    many = [f"c{at}" for at in range(500)]
    assert len(text(["file", *many], {"tags": many, "custom_metadata": many}, description="x" * 500)) < 500
    assert len(text(["file", *many], {"custom_metadata": {f"f{at}": name for at, name in enumerate(many)}})) < 1_000
