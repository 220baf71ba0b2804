"""Run the notebooks, and store their outputs in them: ``python docs/notebooks.py [NAME …]``.

What changes from run to run (ports, ids, times, folders of this machine) is not stored, so a notebook changes only if
its code or what it shows has changed. Pictures of the emulator, which ends with the notebook, are embedded.
"""  # noqa: INP001 - a script

from __future__ import annotations

import base64
import html
import io
import os
import re
import sys
import tempfile
from copy import deepcopy
from pathlib import Path
from typing import Any

import httpx
import nbformat
from nbclient import NotebookClient
from nbformat import NotebookNode
from PIL import Image

FOLDER = Path(__file__).parents[1] / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))
HEIGHT = 110  # pixels of embedded pictures
FIXED = {
    r"127\.0\.0\.1:\d+": "127.0.0.1:8000",
    r"public_[\w+/=-]{16,}": "public_…",
    r"\b[0-9a-f]{32}\b": "…",
    r"\S*/journals/\S+?\.ikjournal": "~/.local/state/ikpipe/journals/….ikjournal",
    r" in \d+(\.\d+)? (ms|s|min)\b": " in … s",
}
"""What changes from run to run, as patterns → what is stored instead."""

OWN = re.compile(r"IMAGEKIT_|IKPIPE_|XDG_|IPYTHON|JUPYTER_CONFIG|COLUMNS$|LINES$|PYTHONWARNINGS$")
"""Variables that notebooks do not see: an account, and settings of the person who runs this."""

LOCAL_PICTURE = re.compile(r' src="(http://127\.0\.0\.1:[^"]*)"')
LOCAL_LINK = re.compile(r' href="http://127\.0\.0\.1:[^"]*"')
STYLE = re.compile(r"<style.*?</style>", re.DOTALL)
EMBEDDED = re.compile(r"data:image/\w+;base64,[\w+/=]+")


def executed(path: Path) -> NotebookNode:
    """Return a notebook with its outputs, run in a fresh kernel and a home folder of its own, as it is stored."""
    notebook = nbformat.read(path, as_version=4)
    client = NotebookClient(
        notebook,
        timeout=180,
        store_widget_state=False,
        record_timing=False,
        coalesce_streams=True,
        resources={"metadata": {"path": str(FOLDER)}},
        on_cell_executed=lambda cell, **_: embed_pictures(cell),
    )
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as home:
        own = {name: value for name, value in os.environ.items() if not OWN.match(name)}
        client.execute(env={**own, "HOME": home})
    for cell in notebook.cells:
        cell.metadata = NotebookNode()
        if cell.cell_type == "code":
            cell.outputs = [kept for output in cell.outputs if (kept := stored(output))]
    notebook.metadata = NotebookNode(
        kernelspec={"display_name": "Python 3", "language": "python", "name": "python3"},
        language_info={"name": "python"},
    )
    return notebook


def embed_pictures(cell: NotebookNode) -> None:
    """Embed the pictures that a cell shows from an emulator, which still runs; private ones remain as their text."""
    for output in cell.outputs if cell.cell_type == "code" else ():
        data = output.get("data", {})
        if "text/html" in data:
            data["text/html"] = LOCAL_PICTURE.sub(embedded, data["text/html"])


def embedded(source: re.Match[str]) -> str:
    """Return the attribute of a picture with a small copy of it."""
    reply = httpx.get(html.unescape(source[1]))
    if reply.status_code != httpx.codes.OK:
        return ""
    picture = Image.open(io.BytesIO(reply.content)).convert("RGBA")
    picture.thumbnail((2 * HEIGHT, HEIGHT))
    stream = io.BytesIO()
    picture.save(stream, "WEBP", quality=60, method=6)
    return f' src="data:image/webp;base64,{base64.b64encode(stream.getvalue()).decode()}"'


def stored(output: NotebookNode) -> NotebookNode | None:
    """Return what is stored of an output; None: nothing, as of progress bars, warnings, and style sheets alone."""
    if output.output_type == "stream":
        if output.name == "stdout":
            output.text = fixed(output.text)
        return output if output.name == "stdout" else None
    data = output.data
    if "text/html" in data:
        # A code host shows neither widgets nor text if there is HTML.
        shown = LOCAL_LINK.sub("", fixed(data["text/html"]))
        data = {"text/html": shown} if STYLE.sub("", shown).strip() else {}
    elif "application/vnd.jupyter.widget-view+json" in data:
        data = {}
    output.data = NotebookNode({kind: fixed(text) if kind == "text/plain" else text for kind, text in data.items()})
    return output if output.data else None


def fixed(text: str) -> str:
    """Return text without what changes from run to run."""
    for pattern, instead in FIXED.items():
        text = re.sub(pattern, instead, text)
    return text


def comparable(notebook: NotebookNode) -> list[dict[str, Any]]:
    """Return the cells of a notebook without the bytes of pictures, which depend on the version of their encoder."""
    cells = deepcopy(notebook.cells)
    for cell in cells:
        for output in cell.get("outputs", ()):
            for kind, content in output.get("data", {}).items():
                output.data[kind] = "" if kind.startswith("image/") else EMBEDDED.sub("", content)
    return [dict(cell) for cell in cells]


def main() -> None:
    """Run the notebooks that are named, or all, and write those whose outputs have changed."""
    for path in [path for path in NOTEBOOKS if not sys.argv[1:] or path.stem in sys.argv[1:]]:
        notebook = executed(path)
        current = comparable(notebook) == comparable(nbformat.read(path, as_version=4))
        if not current:
            path.write_text(f"{nbformat.writes(notebook).rstrip()}\n", encoding="utf-8")
        sys.stdout.write(f"{path.name}: {'as before' if current else 'changed'}, {path.stat().st_size / 1e3:.0f} kB\n")


if __name__ == "__main__":
    main()
