"""Each block of code of the documentation runs as it stands, or says why not."""

from __future__ import annotations

import ast
import inspect
import re
import textwrap
from pathlib import Path
from typing import Any

import pytest
from snippets import run_page
from sybil.document import PythonDocStringDocument
from sybil.parsers.doctest import DocTestParser

ROOT = Path(__file__).parents[2]
PAGES = [
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "SECURITY.md")),
    *sorted((ROOT / "docs").rglob("*.md")),
]
PAGES = [path for path in PAGES if re.search(r"^ *```", path.read_text("utf-8"), re.MULTILINE)]
OTHERS = [path for path in PAGES if path.parent.name not in ("how-to", "tutorials")]  # than those of `test_guides.py`


@pytest.mark.parametrize("path", OTHERS, ids=lambda path: path.name)
def test_a_page(path: Path, shop: dict[str, Any]) -> None:
    """Its blocks run in an empty folder but for the examples' data, in the order of the page."""
    run_page(path, shop)


def test_what_is_wrong_is_found(tmp_path: Path, shop: dict[str, Any]) -> None:
    """A block that fails, prints something else, has no language, or is skipped without a reason fails the test."""
    page = tmp_path / "page.md"
    wrong = {
        "```python\nframe.nothing\n```": AttributeError,
        "```bash\nexit 3\n```": AssertionError,
        "```console\n$ echo one; echo two\none … three\n```": AssertionError,
        "```bash\necho 1\n```\n\n<!-- output -->\n```text\n2\n```": AssertionError,
        "```\necho\n```": AssertionError,
        "```json\n{\n```": ValueError,
    }
    for text, error in wrong.items():
        page.write_text(f"{text}\n", "utf-8")
        with pytest.raises(error):
            run_page(page, shop)


SKIPS = [
    line for path in PAGES for line in path.read_text("utf-8").splitlines() if line.lstrip().startswith("<!-- skip:")
]


@pytest.mark.parametrize("line", sorted(set(SKIPS)))
def test_a_skip_has_a_reason(line: str) -> None:
    """One block, and why it does not run; tests that run it elsewhere exist."""
    reason = re.fullmatch(r'\s*<!-- skip: next "(.{8,})" -->', line)
    assert reason
    assert all((ROOT / name).exists() for name in re.findall(r"tests/[\w/.]+", reason[1]))


MODULES = sorted(path for path in (ROOT / "ikpipe").rglob("*.py") if ">>>" in path.read_text("utf-8"))


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.stem)
def test_examples_of_docstrings(path: Path) -> None:
    """They print what they show."""
    for example in PythonDocStringDocument.parse(str(path), DocTestParser()).examples():
        example.evaluate()


def test_code_of_docstrings_is_an_example() -> None:
    """An indented block that calls something starts with `>>>`, so that it runs."""
    indented = re.compile(r"^(?:    .*\n?|\n)+", re.MULTILINE)
    for path in sorted((ROOT / "ikpipe").rglob("*.py")):
        for _, _, text in PythonDocStringDocument.extract_docstrings(path.read_text("utf-8")):
            assert "```" not in text
            assert not [block for block in indented.findall(inspect.cleandoc(text)) if _calls(block)], path


def _calls(block: str) -> bool:
    """Whether a text is Python code that calls something."""
    try:
        return any(isinstance(node, ast.Call) for node in ast.walk(ast.parse(textwrap.dedent(block))))
    except SyntaxError:
        return False
