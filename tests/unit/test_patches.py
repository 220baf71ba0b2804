"""No test patches ikpipe: tests use what a caller can use, and look at what can be seen from outside.

What stands for the world may be patched: the operating system, the clock, the network, which packages are installed.
"""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

TESTS = next(folder for folder in Path(__file__).parents if folder.name == "tests")
NOT_TESTS = TESTS / "data"  # scripts that wrote files with earlier versions
SETTERS = {"setattr", "delattr", "__setattr__", "__delattr__", "setitem", "delitem", "patch"}
OF_PATCH = {"object", "multiple", "dict"}  # of `unittest.mock.patch`


def names_of_ours(node: ast.Import | ast.ImportFrom) -> set[str]:
    """Return the names that an import takes from ikpipe."""
    if isinstance(node, ast.ImportFrom):
        ours = (node.module or "").partition(".")[0] == "ikpipe"
        return {alias.asname or alias.name for alias in node.names} if ours else set()
    return {alias.asname or "ikpipe" for alias in node.names if alias.name.partition(".")[0] == "ikpipe"}


def is_ours(node: ast.expr, names: set[str]) -> bool:
    """Whether an expression is an attribute or an item of something from ikpipe, or the name of one."""
    while isinstance(node, (ast.Attribute, ast.Subscript)):
        node = node.value
    if isinstance(node, ast.Constant):
        return isinstance(node.value, str) and node.value.startswith("ikpipe.")
    return isinstance(node, ast.Name) and node.id in names


def is_setter(function: ast.expr) -> bool:
    """Whether a function sets an attribute or an item of its first argument."""
    if isinstance(function, ast.Attribute):
        return function.attr in SETTERS or (function.attr in OF_PATCH and "patch" in ast.unparse(function.value))
    return isinstance(function, ast.Name) and function.id in SETTERS


def patches(source: str) -> list[int]:
    """Return the lines in which a module changes something of ikpipe's."""
    names: set[str] = set()
    changed: list[ast.expr] = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            names |= names_of_ours(node)
        elif isinstance(node, (ast.Attribute, ast.Subscript)):
            changed += [] if isinstance(node.ctx, ast.Load) else [node]
        elif isinstance(node, ast.Call) and is_setter(node.func):
            changed += [*node.args[:1], *(word.value for word in node.keywords)]
    return [node.lineno for node in changed if is_ours(node, names)]


def test_no_test_patches_ikpipe() -> None:
    """Neither by name nor by what was imported, not even a constant."""
    modules = [path for path in TESTS.rglob("*.py") if NOT_TESTS not in path.parents and path != Path(__file__)]
    assert [f"{path.relative_to(TESTS)}:{line}" for path in modules for line in patches(path.read_text("utf-8"))] == []


@pytest.mark.parametrize(
    "line",
    [
        'monkeypatch.setattr("ikpipe.run.executor.TokenTimes", None)',
        'monkeypatch.setattr(download, "MAX_SIZE", 1)',
        'monkeypatch.setattr(download.socket, "getaddrinfo", None)',
        'monkeypatch.delattr(ikpipe.run, "upload")',
        'monkeypatch.setitem(Journal.KINDS, "a", None)',
        'setattr(Journal, "end", None)',
        'object.__setattr__(Journal, "end", None)',
        'mock.patch("ikpipe.run.upload")',
        'mock.patch.object(Journal, "end")',
        "Journal.end = None",
        "download._BLOCK, other = 1, 2",
        "ikpipe.CODES['a'] = None",
        "del Journal.KINDS['a']",
        "with real as Journal.end: pass",
    ],
)
def test_a_patch_is_found(line: str) -> None:
    """In each way of writing one."""
    imports = "import ikpipe.run\nfrom ikpipe.service import download\nfrom ikpipe.journal import sqlite as Journal\n"
    assert patches(imports + line) == [4]


@pytest.mark.parametrize(
    "line",
    ['monkeypatch.setattr(os, "write", None)', 'monkeypatch.setitem(sys.modules, "ikpipe", None)', "self.ikpipe = 1"],
)
def test_the_world_may_be_patched(line: str) -> None:
    """The standard library, and the test's own objects."""
    assert not patches(f"import ikpipe, os, sys\n{line}")
