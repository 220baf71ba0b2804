"""The tables of the documentation are what the code says."""

from __future__ import annotations

import ast
import dataclasses
import functools
import re
import runpy
from pathlib import Path

import pytest

from ikpipe.emulator import Rules
from ikpipe.errors import CODES
from ikpipe.request.parameters import TABLE

DOCS = Path(__file__).parents[2] / "docs"
PAGES: dict[Path, str] = runpy.run_path(str(DOCS / "generate.py"))["pages"]()
RULES: dict[str, object] = {field.name: field for field in dataclasses.fields(Rules)}
QUOTED = re.findall(r"^### “(.*)”$", (DOCS / "troubleshooting.md").read_text("utf-8"), re.MULTILINE)


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_a_page_is_what_the_code_generates(path: Path) -> None:
    """Nobody has to remember to write a table anew, or a script for a shell: `python docs/generate.py` does."""
    assert path.read_text(encoding="utf-8") == PAGES[path]


@pytest.mark.parametrize(("name", "keys"), [("mapping.md", TABLE), ("errors.md", CODES), ("emulator.md", RULES)])
def test_every_entry_has_its_row(name: str, keys: dict[str, object]) -> None:
    """The page has a row for each parameter or code, in the code's order, and each has all of its cells."""
    table = PAGES[DOCS / name].partition("<!-- generated")[2].partition("<!-- end -->")[0]
    rows = [re.split(r"(?<!\\)\|", line) for line in table.splitlines()[3:]]
    assert [row[1].strip(" `") for row in rows] == list(keys)
    assert len({len(row) for row in rows}) == 1


def test_every_rule_has_a_source() -> None:
    """Each rule says where it comes from, and the table marks those whose sources contradict each other."""
    table = PAGES[DOCS / "emulator.md"].partition("<!-- generated")[2].partition("<!-- end -->")[0]
    rows = {row[1].strip(" `"): row for row in (line.split("|") for line in table.splitlines()[3:])}
    kinds = "upload docs|docs|spec|sdk|recorded|guess|own"
    assert [name for name, row in rows.items() if not re.match(rf" (?:{kinds})\b", row[4])] == []
    disputed = {name for name, row in rows.items() if "yes" in row[5]}
    assert disputed >= {"names", "bad_base64", "metadata_urls", "quota_status", "bad_signature"}


CONFORMANCE = (DOCS / "conformance.md").read_text(encoding="utf-8")
PROPERTIES = re.findall(
    r"\w+",
    "fileId name filePath tags AITags versionInfo isPrivateFile customCoordinates url thumbnailUrl fileType height "
    "width size bitRate videoCodec audioCodec duration customMetadata embeddedMetadata metadata extensionStatus",
)


def section(title: str) -> list[list[str]]:
    """Return the rows of a table in the conformance page."""
    text = CONFORMANCE.partition(f"## {title}\n")[2].partition("\n## ")[0]
    return [[cell.strip() for cell in line.split("|")[1:-1]] for line in text.splitlines() if line.startswith("|")][2:]


@pytest.mark.parametrize("named", sorted(set(re.findall(r"`(\S+\.py::\w+)`", CONFORMANCE))))
def test_a_test_that_the_conformance_page_names_exists(named: str) -> None:
    """Whoever renames a test is told to rename it there."""
    path, _, name = named.partition("::")
    assert f"def {name}(" in (DOCS.parent / "tests" / path).read_text(encoding="utf-8")


def test_the_conformance_page_has_every_parameter_and_property() -> None:
    """It has those of the upload documentation, and each row of each table names a test."""
    documented = {entry.wire for entry in TABLE.values() if "upload docs" in entry.source}
    assert {row[0].strip("`") for row in section("The parameters")} == {"file", "token", *documented}
    assert {row[0].strip("`") for row in section("The response")} == {"", *PROPERTIES}
    untested = [line for line in CONFORMANCE.splitlines() if line.startswith("|") and "::test_" not in line]
    assert [line for line in untested if "| tests |" not in line and "---" not in line] == []


PACKAGE = DOCS.parent / "ikpipe"


@pytest.mark.parametrize(
    "package", sorted(path.parent for path in PACKAGE.rglob("__init__.py")), ids=lambda path: path.name
)
def test_a_package_lists_its_modules(package: Path) -> None:
    """The architecture page promises it: the docstring of a package names each of its modules and packages."""
    docstring = ast.get_docstring(ast.parse((package / "__init__.py").read_text(encoding="utf-8"))) or ""
    modules = {path.stem for path in package.glob("*.py")} | {
        path.parent.name for path in package.glob("*/__init__.py")
    }
    assert modules - {"__init__", "__main__"} <= {*re.findall(r"\w+", docstring)}


def test_files_that_the_architecture_page_names_exist() -> None:
    """A file that is renamed is renamed in the page, too."""
    named = re.findall(r"`((?:\w+/)+\w+\.py)`", (DOCS / "architecture.md").read_text(encoding="utf-8"))
    assert not [path for path in named if not any((base / path).exists() for base in (DOCS.parent, PACKAGE))]


def test_the_site_has_every_page() -> None:
    """A new page gets a place in the navigation."""
    navigation = (DOCS / "site" / "zensical.toml").read_text(encoding="utf-8")
    pages = [path.relative_to(DOCS).as_posix() for path in DOCS.rglob("*.md")]
    assert not [page for page in pages if f'"{page}"' not in navigation]


INDEX = re.findall(r"^(\d+)\. \[.*?\]\((\S+)\)$", (DOCS / "index.md").read_text("utf-8"), re.MULTILINE)


def test_the_index_answers_twenty_questions() -> None:
    """Each is one click away: its page, and the heading in it, exist."""
    assert [int(number) for number, _ in INDEX] == list(range(1, 21))
    for _, address in INDEX:
        path, _, anchor = address.partition("#")
        assert not anchor or anchor in _anchors(DOCS / path)


LINK = re.compile(r"(?<!\\)\]\(([^)\s:]+)\)")
MARKDOWN = [*DOCS.parent.glob("*.md"), *DOCS.rglob("*.md")]


@pytest.mark.parametrize("path", MARKDOWN, ids=lambda path: path.name)
def test_links_lead_somewhere(path: Path) -> None:
    """In the repository, as a code host shows it: files and headings exist. `make docs` checks those of the site."""
    for address in LINK.findall(re.sub(r"^```.*?^```$", "", path.read_text("utf-8"), flags=re.MULTILINE | re.DOTALL)):
        name, _, anchor = address.partition("#")
        target = path.parent / name if name else path
        assert target.exists(), address
        assert not anchor or target.suffix != ".md" or anchor in _anchors(target), address


@functools.cache
def _anchors(path: Path) -> set[str]:
    """Return the anchors of a page's headings."""
    headings = re.findall(r"^#+ (.*)$", path.read_text("utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", title).lower().replace(" ", "-") for title in headings}


def test_a_guide_is_a_question() -> None:
    """A how-to guide answers one question, which is its title."""
    titles = [path.read_text("utf-8").splitlines()[0] for path in (DOCS / "how-to").glob("*.md")]
    assert not [title for title in titles if not re.fullmatch(r"# (How do I|Where do I) .*\?", title)]


@pytest.mark.parametrize("heading", QUOTED)
def test_a_message_of_the_troubleshooting_page_exists(heading: str) -> None:
    """Whoever sees it can search for it: its parts are in the code as they are on the page."""
    parts = [part.strip(" .'") for part in heading.split("…")]
    assert not [part for part in parts if part and not any(part in text for text in _texts())]


@functools.cache
def _texts() -> list[str]:
    """Return the texts of the package."""
    found = [path.read_text("utf-8") for path in (PACKAGE / "widget" / "static").rglob("*.js")]
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.JoinedStr):
                found.append("".join(part.value for part in node.values if isinstance(part, ast.Constant)))
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                found.append(node.value)
    return found
