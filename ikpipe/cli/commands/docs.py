"""The command docs."""

from __future__ import annotations

import pydoc
import sys
from argparse import Namespace
from pathlib import Path

from ikpipe.cli.exit_status import SUCCESS
from ikpipe.cli.options import Commands, add_command
from ikpipe.cli.standard_streams import discard_output
from ikpipe.errors import Error, did_you_mean

HELP = """\
examples:
  ikpipe docs                          list the pages
  ikpipe docs mapping                  where a row's parameters come from
  ikpipe docs nightly > nightly.md

The pages are those of this version, in Markdown. No network is needed.

exit status: 0 success, 2 there is no such page"""


def add(every: Commands) -> None:
    """Add the command."""
    command = add_command(every, "docs", docs, "[PAGE]", "show a page of the documentation", HELP)
    command.add_argument("page", metavar="PAGE", nargs="?", help="name of a page; without it, the pages are listed")


def docs(options: Namespace) -> int:
    """`ikpipe docs [PAGE]`."""
    pages = {path.stem: path for path in sorted(pages_folder().glob("*.md"))}
    if options.page is None:
        width = max(map(len, pages))
        return _print("".join(f"{name:<{width}}  {_title(path)}\n" for name, path in pages.items()))
    name = options.page.removeprefix("docs/").removesuffix(".md")
    if name not in pages:
        raise Error(f"There is no page {options.page!r}{did_you_mean(name, pages)}.", fix="List the pages: ikpipe docs")
    return _print(pages[name].read_text("utf-8"))


def pages_folder() -> Path:
    """Return the folder of the pages: in the package if installed from a wheel, otherwise in the project."""
    package = Path(__file__).parents[2]
    installed = package / "docs"
    return installed if installed.is_dir() else package.parent / "docs"


def _title(path: Path) -> str:
    with path.open(encoding="utf-8") as lines:
        return next(lines).lstrip("# ").strip()


def _print(text: str) -> int:
    """Print text, one screen after another on a terminal."""
    try:
        if sys.stdout.isatty():
            pydoc.pager(text)
        else:
            sys.stdout.write(text)
            sys.stdout.flush()
    except BrokenPipeError:
        discard_output()
    return SUCCESS
