"""What docs/notebooks.py stores of a notebook's outputs."""

from __future__ import annotations

import runpy
from pathlib import Path
from typing import Any

import pytest
from nbformat import NotebookNode, v4

TOOL: dict[str, Any] = runpy.run_path(str(Path(__file__).parents[2] / "docs" / "notebooks.py"))


def shown(**data: str) -> dict[str, str] | None:
    """Return what is stored of an output with texts by their kind."""
    kinds = {"html": "text/html", "text": "text/plain", "widget": "application/vnd.jupyter.widget-view+json"}
    output = v4.new_output("display_data", {kinds[kind]: text for kind, text in data.items()})
    kept = TOOL["stored"](output)
    return dict(kept.data) if kept else None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("http://127.0.0.1:40275/emulator/a.jpg", "http://127.0.0.1:8000/emulator/a.jpg"),
        ("public_key='public_W779JSI_pLJHCc9OrGrq-M4VSnw='", "public_key='public_…'"),
        ("Run: 7d16d2e5f93048989d86b22c4d3c5aa1", "Run: …"),
        (
            "19 of 23 rows uploaded: 768.3 kB sent from here in 0.3 s",
            "19 of 23 rows uploaded: 768.3 kB sent from here in … s",
        ),
        (
            "Journal: /home/anna/.local/state/ikpipe/journals/20261201T140400-54638426.ikjournal",
            "Journal: ~/.local/state/ikpipe/journals/….ikjournal",
        ),
        ("19 uploaded, 4 invalid", "19 uploaded, 4 invalid"),
    ],
)
def test_what_changes_from_run_to_run_is_replaced(text: str, expected: str) -> None:
    """Ports, keys, ids, times and folders; what the notebook is about stays."""
    assert shown(text=text) == {"text/plain": expected}


def test_a_widget_is_stored_as_its_table() -> None:
    """The state of a widget is not stored, so nothing could show it."""
    assert shown(widget="{}", html="<table></table>", text="Uploader(no files)") == {"text/html": "<table></table>"}


def test_a_progress_bar_is_not_stored() -> None:
    """It is a widget without HTML."""
    assert shown(widget="{}", text="  0%|          | 0/23") is None


def test_a_style_sheet_alone_is_not_stored() -> None:
    """In the documentation it would change the page around it."""
    assert shown(html="<style>body { margin: 0 }</style>") is None


def test_warnings_are_not_stored() -> None:
    """They depend on the versions of packages and on the machine."""
    assert TOOL["stored"](v4.new_output("stream", name="stderr", text="26/12/01 WARN Utils: Your hostname, vm")) is None


def test_a_link_to_the_emulator_is_not_stored() -> None:
    """It has ended; other links stay."""
    links = '<a href="http://127.0.0.1:40275/a" target="_blank">a</a><a href="https://ik.imagekit.io/a">b</a>'
    assert shown(html=links) == {"text/html": '<a target="_blank">a</a><a href="https://ik.imagekit.io/a">b</a>'}


def test_bytes_of_pictures_are_not_compared() -> None:
    """Versions of the encoder write different ones."""
    cells = [
        v4.new_code_cell(
            id="a", outputs=[v4.new_output("display_data", {"text/html": f'<img src="{source}" alt="a">'})]
        )
        for source in ("data:image/webp;base64,UklG+/A=", "data:image/webp;base64,UklH")
    ]
    first, second = (TOOL["comparable"](NotebookNode(cells=[cell])) for cell in cells)
    assert first == second
