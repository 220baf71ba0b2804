"""The blocks of code of a page, and how they run: Sybil finds them, and each language has a function here.

A page is run in a folder with the examples' data and a local ImageKit. Comments of the page itself say what differs:

- ``<!-- skip: next "needs a cluster" -->`` before a block that does not run, with the reason;
- ``<!-- exit status 1 -->`` before commands that end with another status than 0;
- ``<!-- output -->`` before a block of what the commands before it print; `…` stands for anything;
- ``<!-- invisible-code-block: python`` … ``-->`` is code that readers do not see, such as a table of its own.
"""

from __future__ import annotations

import ast
import asyncio
import inspect
import json
import os
import re
import subprocess
import sys
import tomllib
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest import SkipTest

import yaml
from sybil import Document, Region
from sybil.parsers.markdown import SkipParser
from sybil.parsers.markdown.lexers import DirectiveInHTMLCommentLexer, RawFencedCodeBlockLexer
from traitlets import HasTraits

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from sybil import Example

BLOCKS = RawFencedCodeBlockLexer(re.compile(r"(?P<language>[^\n]*)$\n", re.MULTILINE))
HIDDEN = DirectiveInHTMLCommentLexer("invisible-code-block", r"\w+", {"arguments": "language", "source": "source"})


def run_page(path: Path, names: dict[str, Any]) -> None:
    """Run each block of a page, in the current folder and with some names.

    Raises
    ------
    AssertionError
        A command ends with another status, prints something else, or a block has no language.
    """
    document = Document.parse(str(path), SkipParser(), _blocks)
    document.namespace.update(names)
    try:
        for example in document.examples():
            with suppress(SkipTest):
                example.evaluate()
    finally:
        for value in document.namespace.values():
            if isinstance(value, HasTraits):
                value.unobserve_all()  # an uploader reports from a thread, and a page's observers print


def _blocks(document: Document) -> Iterable[Region]:
    """Return the blocks of a page, also those that readers do not see."""
    for lexer in (BLOCKS, HIDDEN):
        for region in lexer(document):
            region.parsed, region.evaluator = region.lexemes["source"], RUN.get(region.lexemes["language"], _unknown)
            yield region


def _unknown(example: Example) -> None:
    """Refuse a block."""
    raise AssertionError(f"{_place(example)}: name a language of {', '.join(RUN)}; what programs print is `text`")


def _python(example: Example) -> None:
    """Run Python code, in which `await` is allowed, as in a notebook."""
    source = "\n" * example.line + example.parsed
    code = compile(source, example.path, "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT, dont_inherit=True)
    waiting = eval(code, example.namespace)  # noqa: S307 - it is ours
    if inspect.iscoroutine(waiting):
        asyncio.run(waiting)


def _shell(example: Example) -> None:
    """Run the commands of a shell."""
    _run(example, example.parsed)


def _console(example: Example) -> None:
    """Run what follows `$`, and compare what it prints."""
    for command, printed in re.findall(r"^\$ ((?:.*\\\n)*.*\n)((?:(?!\$ ).*\n)*)", example.parsed, re.MULTILINE):
        _run(example, command)
        _compare(example, printed)


def _run(example: Example, commands: str) -> None:
    """Run commands, which must end with the status that a comment names, or else 0."""
    above = example.document.text[: example.region.start].rstrip()
    named = re.search(r"<!-- exit status (\d+) -->$", above)
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    ran = subprocess.run(  # noqa: S603 - ours
        ["bash", "-euo", "pipefail", "-c", commands],  # noqa: S607
        env={**os.environ, "PATH": path},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=300,
        check=False,
    )
    example.namespace["printed"] = ran.stdout
    assert ran.returncode == int(named[1] if named else 0), f"{_place(example)}: {commands}{ran.stdout}"


def _text(example: Example) -> None:
    """Compare what the commands before have printed, if a comment says so; other text is not run."""
    if example.document.text[: example.region.start].rstrip().endswith("<!-- output -->"):
        _compare(example, example.parsed)


def _compare(example: Example, expected: str) -> None:
    """Compare output with what a page shows, whatever the width of lines."""
    parts = [re.escape(" ".join(part.split())) for part in expected.split("…")]
    printed = " ".join(example.namespace["printed"].split())
    assert re.search(".*?".join(parts), printed), f"{_place(example)} shows\n{expected}\nprinted was\n{printed}"


def _place(example: Example) -> str:
    """Return where a block is."""
    return f"{Path(example.path).name}:{example.line}"


def _read(parse: Callable[[str], object]) -> Callable[[Example], None]:
    """Return what reads data, of which a page may show the beginning."""

    def read(example: Example) -> None:
        parse(re.sub(r",\s*…\s*}", "}", example.parsed))

    return read


RUN: dict[str, Callable[[Example], object]] = {
    "python": _python,
    "bash": _shell,
    "console": _console,
    "text": _text,
    "json": _read(json.loads),
    "toml": _read(tomllib.loads),
    "yaml": _read(yaml.safe_load),
}
"""Languages of blocks → what runs or checks them."""
