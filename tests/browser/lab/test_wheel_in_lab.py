"""The wheel alone, as the documentation says: installed with JupyterLab, the uploader in a notebook."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from labs import Lab, notebook
from places import ROOT, jupyter_lab
from screens import Screen

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from playwright.sync_api import ConsoleMessage, Page

pytestmark = pytest.mark.soak  # it installs packages from their registry

ALONE = {"PYTHONPATH": "", "JUPYTER_PATH": ""}  # nothing of this clone


def _page_block(language: str, word: str) -> str:
    """Return the block of the uploader's page that has a word."""
    page = (ROOT / "docs/widget.md").read_text("utf-8")
    blocks = re.findall(rf"^```{language}\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
    return next(str(block) for block in blocks if word in block)


def _run(*command: str | Path, **options: Any) -> str:
    done = subprocess.run(  # noqa: S603 - ours
        command, capture_output=True, text=True, check=False, env={"PATH": "/usr/bin:/bin"}, **options
    )
    assert not done.returncode, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def programs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the wheel, and install it into an empty environment as the page says; return the folder of its programs."""
    folder = tmp_path_factory.mktemp("alone")
    _run(sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", folder, ROOT)
    _run(sys.executable, "-m", "venv", folder / "env")
    extras, others = re.search(r"'ikpipe(\[.*\])'(.*)", _page_block("bash", "jupyterlab")).groups()  # type: ignore[union-attr]
    (wheel,) = folder.glob("*.whl")
    _run(folder / "env/bin/python", "-m", "pip", "install", "--quiet", f"{wheel}{extras}", *others.split())
    return folder / "env" / "bin"


@pytest.fixture
def alone(page: Page, programs: Path, tmp_path: Path) -> Iterator[Lab]:
    """Run JupyterLab in that environment, and yield a notebook in it."""
    with jupyter_lab(tmp_path / "lab", python=programs / "python", **ALONE) as place:
        yield Lab(page, place, "Untitled.ipynb")


@pytest.mark.usefixtures("own_page")
def test_the_uploader(
    alone: Lab, picture: Callable[..., bytes], tmp_path: Path, programs: Path, shot: Callable[[str], None]
) -> None:
    """The page's cell shows an uploader, which uploads three pictures; the browser's console has no error."""
    errors: list[str] = []

    def note(message: ConsoleMessage) -> None:
        if message.type == "error":
            errors.append(f"{message.text} {message.location}")

    alone.page.on("console", note)
    pictures = [tmp_path / f"{color}.png" for color in ("teal", "gold", "navy")]
    for number, path in enumerate(pictures):
        path.write_bytes(picture(number, size=(320, 240)))
    alone.open(notebook(_page_block("python", "Emulator")))
    alone.run_all()
    assert alone.value("ikpipe.__file__").startswith(str(programs.parent))
    screen = Screen(alone.page).shown()
    screen.pick(pictures)
    screen.send(3)
    screen.up(3)
    shot("wheel-uploaded")
    assert alone.value("uploader.results['ik_status'].tolist()") == ["uploaded"] * 3
    assert errors == []
