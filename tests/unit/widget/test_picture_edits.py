"""The edits of a picture as a page sends them: every field is untrusted."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ikpipe.widget.picture_edits import PictureEdit

VALID: dict[str, Any] = {
    "operations": [["mirror"], ["rotate", 90], ["crop", 0, 5, 800, 600], ["resize", 400, 300]],
    "width": 400,
    "height": 300,
    "size": 12_345,
    "hash": "0f" * 32,
}


def test_all_operations_are_read() -> None:
    """In their order, with what comes out."""
    assert PictureEdit.read(json.dumps(VALID)).to_message() == VALID


@pytest.mark.parametrize("text", ["", "weak-0123456789abcdef"])
def test_a_page_without_secure_context_has_another_hash(text: str) -> None:
    """Browsers compute SHA-256 on https and localhost only."""
    assert PictureEdit.read(json.dumps({**VALID, "hash": text})).hash == text


@pytest.mark.parametrize(
    "change",
    [
        {"operations": []},
        {"operations": [["crop", 0, 0, 1, 1], ["mirror"]]},
        {"operations": [["mirror"], ["mirror"]]},
        {"operations": [["crop", 0, 0, 0, 10]]},
        {"operations": [["crop", -1, 0, 10, 10]]},
        {"operations": [["crop", 0, 0, 10]]},
        {"operations": [["rotate", 45]]},
        {"operations": [["resize", 100_001, 10]]},
        {"operations": [["resize", True, 10]]},
        {"operations": [["__class__"]]},
        {"operations": [[["mirror"]]]},
        {"operations": "mirror"},
        {"width": 0},
        {"height": 1.5},
        {"size": -1},
        {"size": None},
        {"hash": "../../etc"},
        {"hash": "x" * 64},
        {"hash": 7},
    ],
    ids=json.dumps,
)
def test_other_edits_are_invalid(change: dict[str, Any]) -> None:
    """Nothing of them is kept."""
    with pytest.raises(ValueError, match=r"picture|rotate|crop"):
        PictureEdit.read(json.dumps({**VALID, **change}))


@pytest.mark.parametrize("text", [None, 7, "", "[]", "{", "[" * 900, json.dumps({**VALID, "more": "x" * 1_000})])
def test_other_texts_are_invalid(text: object) -> None:
    """They are no short JSON object."""
    with pytest.raises(ValueError, match="picture"):
        PictureEdit.read(text)
