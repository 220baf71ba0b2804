"""Put the pages of the documentation's site into build/docs/pages: python docs/site/pages.py."""  # noqa: INP001 - a script

from __future__ import annotations

import json
import os
import re
import shutil
from operator import attrgetter
from pathlib import Path
from types import FunctionType, ModuleType
from typing import TYPE_CHECKING

from nbconvert import MarkdownExporter

import ikpipe.cluster
import ikpipe.dask
import ikpipe.emulator
import ikpipe.spark
from ikpipe.cli.parser import parser

if TYPE_CHECKING:
    from collections.abc import Callable

os.environ["COLUMNS"] = "100"  # of the help of commands
SITE = Path(__file__).parent
DOCS, ROOT = SITE.parent, SITE.parents[1]
PAGES = ROOT / "build" / "docs" / "pages"
TOP = {
    "CHANGELOG.md": "changelog.md",
    "CONTRIBUTING.md": "contributing.md",
    "SECURITY.md": "security.md",
    "LICENSE": "license.md",
}
"""Files of the top level → their pages."""

API = {
    "upload": ("Upload", "upload aupload upload_file aupload_file check plan sync resume retry undo"),
    "results": ("Results", "read_results write_results summary report Result"),
    "library": (
        "Media library",
        "files update add_tags remove_tags delete purge refresh metadata_fields create_metadata_fields url",
    ),
    "account": ("Account and policy", "Account Policy"),
    "uploader": ("Uploader and gallery", "Uploader gallery"),
    "cluster": (
        "Clusters",
        "dask.upload dask.update spark.upload spark.update cluster.prepare cluster.PreparedUpload",
    ),
    "signing": ("Signing and webhooks", "sign auth webhooks"),
    "emulator": ("Emulator", "emulator.Emulator emulator.Rules"),
    "errors": ("Errors", "Error AccountError JournalError MappingError MissingExtra UploadError WebhookError"),
}
"""Pages of the Python reference → their titles and the names that they describe."""

SCHEMAS = (
    ("Summary of a run", ROOT / "ikpipe" / "run" / "summary.schema.json", "summaries.md"),
    ("Lines of the log", DOCS / "log.schema.json", "logging.md"),
)
"""Titles of schemas → their files and the pages that describe them."""

LINK = re.compile(r"(?<!!)\[([^\]]*)\]\(([^)\s]+)\)")

GAP = re.compile(r"\n{3,}(?=    \S)")
"""Empty lines between two texts that a cell of a notebook prints."""


def rewritten(text: str, target: Callable[[str], str | None]) -> str:
    """Return Markdown with the targets of links that a function returns; None: the link's text alone."""

    def link(match: re.Match[str]) -> str:
        """Return a link, or its text."""
        words, address = match.groups()
        path, mark, anchor = address.partition("#")
        if "://" in address or not path:
            return match.group()
        place = target(path)
        return words if place is None else f"[{words}]({place}{mark}{anchor})"

    return LINK.sub(link, text)


def page_of(path: Path) -> str | None:
    """Return the page of a file of the project, relative to the pages; None: the site has none."""
    name = path.relative_to(ROOT).as_posix()
    if name == "README.md":
        return "index.md"
    if name in TOP:
        return TOP[name]
    if path.suffix == ".ipynb":
        return f"notebooks/{path.stem}.md"
    return path.relative_to(DOCS).as_posix() if path.is_relative_to(DOCS) else None


def write(name: str, text: str, source: Path) -> None:
    """Write a page; links of its source to files become links to their pages."""
    page = PAGES / name
    page.parent.mkdir(parents=True, exist_ok=True)
    up = "../" * name.count("/")

    def target(path: str) -> str | None:
        """Return the page that a link leads to."""
        found = page_of((source.parent / path).resolve())
        return None if found is None else f"{up}{found}"

    page.write_text(rewritten(text, target), encoding="utf-8")


def copy_documents() -> None:
    """Write the pages of docs/ and of the top level, and copy the files that they show."""
    for path in DOCS.rglob("*.md"):
        write(path.relative_to(DOCS).as_posix(), path.read_text("utf-8"), path)
    for path in DOCS.iterdir():
        if path.is_file() and path.suffix not in (".md", ".py"):
            shutil.copy(path, PAGES)
    for name, page in TOP.items():
        text = (ROOT / name).read_text("utf-8")
        write(page, text if name != "LICENSE" else f"# License\n\n{text}", ROOT / name)
    shutil.copytree(DOCS / "examples", PAGES / "examples", ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("style.css", "iframe-worker.js"):
        shutil.copy(SITE / name, PAGES)


def copy_notebooks() -> None:
    """Write the notebooks with their outputs."""
    for path in sorted((ROOT / "notebooks").glob("*.ipynb")):
        text, resources = MarkdownExporter().from_filename(str(path), {"unique_key": path.stem})
        write(f"notebooks/{path.stem}.md", GAP.sub("\n\n", text), path)
        for name, content in resources["outputs"].items():
            (PAGES / "notebooks" / name).write_bytes(content)


def commands() -> None:
    """Write the page of all commands with their options, from the parser."""
    parts = ["# Commands and options\n\nThe help of each command; [The command line](cli.md) has what they share.\n"]
    for name, command in parser().commands.items():
        parts.append(f"## ikpipe {name}\n\n```text\n{command.format_help().strip()}\n```\n")
    write("commands.md", "\n".join(parts), DOCS / "cli.md")


def schemas() -> None:
    """Write the page of the JSON Schemas."""
    parts = ["# JSON Schemas\n"]
    for title, path, page in SCHEMAS:
        parts.append(
            f"## {title}\n\nDescribed in [{page}]({page}).\n\n```json\n{path.read_text('utf-8').strip()}\n```\n"
        )
    write("schemas.md", "\n".join(parts), DOCS / "summaries.md")


def reference() -> None:
    """Write the pages of the Python reference."""
    for name, (title, members) in API.items():
        entries = "\n\n".join(entry for member in members.split() for entry in entries_of(f"ikpipe.{member}"))
        write(f"api/{name}.md", f"# {title}\n\n{entries}\n", DOCS / f"{name}.md")


def entries_of(name: str) -> list[str]:
    """Return the entries of a public name: of a module, those of its names.

    Of a class, only methods and properties are listed: its fields are in its docstring.
    """
    described = attrgetter(name.removeprefix("ikpipe."))(ikpipe)
    if isinstance(described, ModuleType):
        return [entry for member in described.__all__ for entry in entries_of(f"{name}.{member}")]
    if not isinstance(described, type):
        return [f"::: {name}"] if name != described.__module__ else [titled(described, name)]
    kinds = FunctionType | classmethod | staticmethod | property
    members = [one for one, value in vars(described).items() if isinstance(value, kinds) and not one.startswith("_")]
    return [f"::: {name}\n    options:\n      members: {json.dumps(members or False)}"]


def titled(function: Callable[..., object], name: str) -> str:
    """Return the entry of a function whose public name is also that of its module."""
    place = f"{function.__module__}.{function.__qualname__}"
    return f"::: {place}\n    options:\n      heading: {name}\n      toc_label: {name.rpartition('.')[2]}"


if __name__ == "__main__":
    shutil.rmtree(PAGES, ignore_errors=True)
    PAGES.mkdir(parents=True)
    shutil.copy(SITE / "zensical.toml", PAGES.parent)
    copy_documents()
    copy_notebooks()
    commands()
    schemas()
    reference()
