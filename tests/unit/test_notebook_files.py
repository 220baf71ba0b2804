"""What is in the notebooks' files: outputs that a code host shows, and nothing of the machine where they ran."""

from __future__ import annotations

import re
from pathlib import Path

import nbformat
import pytest

NOTEBOOKS = sorted((Path(__file__).parents[2] / "notebooks").glob("*.ipynb"))
EACH = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
SECRETS = re.compile(r"private_(?!file)[\w+/=-]{8,}|eyJ[\w-]{8,}|ik-s=|[?&](token|signature)=")
MACHINE = re.compile(r"(?<![\w.])/(home|root|tmp|Users|work|var|private|dev)/|127\.0\.0\.1:(?!8000\b)|0x[0-9a-f]{6,}")


def outputs(path: Path) -> list[str]:
    """Return the texts and pictures of all outputs of a notebook."""
    cells = nbformat.read(path, as_version=4).cells
    return [
        text
        for cell in cells
        for output in cell.get("outputs", ())
        for text in (output.text if output.output_type == "stream" else "\n".join(output.data.values()),)
    ]


@EACH
def test_every_cell_was_run(path: Path) -> None:
    """The cells of code are numbered from 1, in their order."""
    cells = [cell for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in cells] == [*range(1, len(cells) + 1)]


@EACH
def test_outputs_have_no_secret(path: Path) -> None:
    """No private key, token or signature."""
    assert [match[0] for text in outputs(path) for match in SECRETS.finditer(text)] == []


@EACH
def test_outputs_say_nothing_of_the_machine(path: Path) -> None:
    """No folder, port or address in memory of the machine where the notebook ran."""
    assert [match[0] for text in outputs(path) for match in MACHINE.finditer(text)] == []


@EACH
def test_pictures_are_in_the_file(path: Path) -> None:
    """A picture is visible without the emulator, which has ended."""
    sources = [source for text in outputs(path) for source in re.findall(r'<img[^>]*? src="([^"]{1,40})', text)]
    assert [source for source in sources if not source.startswith("data:image/")] == []


@EACH
def test_texts_show_no_picture_of_another_folder(path: Path) -> None:
    """Voila ends with an error at such a picture, and Jupyter may not serve it."""
    cells = nbformat.read(path, as_version=4).cells
    assert not [
        cell for cell in cells if re.search(r"!\[[^]]*\]\(\.\./|<img", cell.source * (cell.cell_type == "markdown"))
    ]


@EACH
def test_a_file_is_small(path: Path) -> None:
    """Code hosts show files of some hundred kilobytes."""
    assert path.stat().st_size < 300_000


@EACH
def test_no_state_of_widgets_is_stored(path: Path) -> None:
    """Metadata name the kernel and the language alone: the state of a widget has the uploader's script."""
    notebook = nbformat.read(path, as_version=4)
    assert {*notebook.metadata} == {"kernelspec", "language_info"}
    assert not [cell for cell in notebook.cells if "widget-view" in str(cell.get("outputs"))]


def test_an_uploader_is_stored_as_a_table() -> None:
    """What a reader sees of an uploader's rows where there are no widgets."""
    (path,) = (path for path in NOTEBOOKS if path.stem == "03_uploader")
    assert [text for text in outputs(path) if "<td>00042-astronaut.jpg</td>" in text and "Run this cell" in text]


def test_a_gallery_is_stored_with_its_pictures() -> None:
    """Those of the summary of the quick start."""
    (path,) = (path for path in NOTEBOOKS if path.stem == "01_quickstart")
    pictures = re.findall(r'<img src="data:image/\w+;base64,\w[^"]+" alt="([^"]+)"', "\n".join(outputs(path)))
    assert "00042-astronaut.jpg" in pictures
