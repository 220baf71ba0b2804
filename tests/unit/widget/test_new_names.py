"""The extension of a file that is renamed."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import ikpipe.widget
from ikpipe.widget.extensions import FILE_TYPES, extension_of, new_name


@pytest.mark.parametrize(
    ("name", "text", "new"),
    [
        ("a.jpg", "b", "b.jpg"),
        ("a.JPG", "b.jpg", "b.jpg"),
        ("a.jpg", "b.jpeg", "b.jpeg"),
        ("a.jpg", "b.PNG", "b.PNG"),
        ("a.jpg", "shoe v1.2", "shoe v1.2.jpg"),
        ("a.jpg", "b.final", "b.final.jpg"),
        ("a.jpg", ".png", ".png.jpg"),
        ("a.jpg", "b.", "b..jpg"),
        ("a.xyz", "b.xyz", "b.xyz"),
        ("a.xyz", "b.txt", "b.txt"),
        ("report v1.2", "b", "b"),
        ("a", "b.c", "b.c"),
    ],
)
def test_a_new_name_has_an_extension(name: str, text: str, new: str) -> None:
    """Its own one, if it ends with that of a file type; else that of the file."""
    assert new_name(name, text) == new


@pytest.mark.parametrize(
    ("name", "extension"), [("a.jpg", ".jpg"), ("a.7z", ".7z"), ("a v1.2", ""), (".jpg", ""), ("a.b.tiff", ".tiff")]
)
def test_what_an_extension_is(name: str, extension: str) -> None:
    """Not a number after a dot, and not the whole name."""
    assert extension_of(name) == extension


def test_python_and_the_page_know_the_same_file_types() -> None:
    """Names are completed in the page where they are typed, and in Python for patterns."""
    code = (Path(ikpipe.widget.__file__).parent / "static" / "format.js").read_text("utf-8")
    listed = re.search(r"const FILE_TYPES = new Set\(\[(.*?)\]\)", code, re.DOTALL)
    assert listed
    assert set(re.findall(r'"(.*?)"', listed[1])) == FILE_TYPES
