"""The store's selection of files: the same whether an index finds few files or many, as a plain loop makes it."""

from __future__ import annotations

import asyncio
import json
from functools import partial
from itertools import product
from typing import TYPE_CHECKING, Any

import pytest

from ikpipe.emulator.store import selection
from ikpipe.emulator.store.database import Database
from ikpipe.emulator.store.files import StoredFiles
from ikpipe.emulator.store.folders import StoredFolders
from ikpipe.emulator.store.selection import ListOrder, select_files

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

FOLDERS = ("/", "/a/", "/a/b/", "/ab/")
NAMES = ("a", "ab", "a\U0010ffff", "b")
ORDERS = [ListOrder(detail, down) for detail in ("createdAt", "name", "width") for down in (False, True)]
LISTED_UNTIL = 100.0


def details(number: int, folder: str, name: str) -> dict[str, Any]:
    """Return the details of a file; some have no width, and every file has one to three tags."""
    tags = [tag for tag, divisor in (("all", 1), ("even", 2), ("third", 3)) if number % divisor == 0]
    return {
        "fileId": f"{number:024x}",
        "versionInfo": {"id": f"{number:024x}"},
        "name": name,
        "filePath": folder + name,
        "tags": tags,
        "AITags": [{"name": "found"}] if number % 5 == 0 else None,
        **({"width": number % 3} if number % 4 else {}),
    }


FILES = [details(number, folder, name) for number, (folder, name) in enumerate(product(FOLDERS, NAMES))]


def folder_of(file: dict[str, Any]) -> str:
    """Return the folder of a file."""
    return str(file["filePath"].removesuffix(file["name"]))


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    """Return a database with the files, and one that lists do not show yet."""
    folder: Path = tmp_path_factory.mktemp("store")
    database = Database(folder / "x.sqlite", StoredFolders.SCHEMA + StoredFiles.SCHEMA)
    files = StoredFiles(database, folder, StoredFolders(database))
    for file in FILES:
        files.add_version(folder_of(file), file, 1, LISTED_UNTIL)
    files.add_version("/a/", details(99, "/a/", "later"), 1, LISTED_UNTIL + 1)
    asyncio.run(database.commit())
    yield database
    database.close()


CONDITIONS: dict[str, tuple[Callable[[], selection.Indexed], Callable[[dict[str, Any]], bool]]] = {
    "names": (lambda: selection.with_names(["a", "b", "c"]), lambda file: file["name"] in ("a", "b")),
    "beginning": (lambda: selection.with_name_beginning("a"), lambda file: file["name"].startswith("a")),
    "any beginning": (lambda: selection.with_name_beginning(""), lambda _file: True),
    "tag": (lambda: selection.with_tags(["even"]), lambda file: "even" in file["tags"]),
    "tags": (lambda: selection.with_tags(["even", "all", "third"]), lambda _file: True),
    "AI tag": (lambda: selection.with_tags(["found"]), lambda file: bool(file["AITags"])),
    "no tag": (lambda: selection.with_tags(["none"]), lambda _file: False),
    "ids": (lambda: selection.with_ids([f"{3:024x}", "x"]), lambda file: file["fileId"] == f"{3:024x}"),
    "folder": (lambda: selection.in_folder("/a/"), lambda file: folder_of(file) == "/a/"),
    "folders": (lambda: selection.in_folders(["/a/", "/"]), lambda file: folder_of(file) in ("/a/", "/")),
    "below": (lambda: selection.below_folder("/a/"), lambda file: folder_of(file).startswith("/a/")),
    "below the root": (lambda: selection.below_folder("/"), lambda _file: True),
    "either": (
        lambda: selection.either([selection.with_names(["a"]), selection.with_tags(["even", "third"])]),
        lambda file: file["name"] == "a" or "even" in file["tags"] or "third" in file["tags"],
    ),
}


def sorted_files(files: list[dict[str, Any]], order: ListOrder) -> list[dict[str, Any]]:
    """Sort files in the plain way."""
    files = sorted(files, key=lambda file: file["fileId"], reverse=order.descending)
    if order.detail != "createdAt":
        known = [file for file in files if order.detail in file]
        known.sort(key=lambda file: file[order.detail], reverse=order.descending)
        files = known + [file for file in files if order.detail not in file]
    return files


@pytest.mark.parametrize("order", ORDERS, ids=str)
@pytest.mark.parametrize("few", [10_000, 5, 0])
def test_selection_is_that_of_a_plain_loop(database: Database, order: ListOrder, few: int) -> None:
    """No condition, each one and each pair select the same files in the same order, also without the first ones."""
    select = partial(select_files, database, newest=LISTED_UNTIL, order=order, few=few)
    pairs = [(one, other) for one, other in product(CONDITIONS, repeat=2) if one <= other]
    for names in [(), *pairs]:
        conditions = [CONDITIONS[name][0]() for name in names]
        expected = sorted_files([file for file in FILES if all(CONDITIONS[name][1](file) for name in names)], order)
        for skip in (0, 3):
            found = [json.loads(stored) for stored in select(conditions=conditions, skip=skip)]
            assert found == expected[skip:], (names, skip)


def plan_of(database: Database, order: ListOrder, *conditions: selection.Indexed) -> str:
    """Return how the database makes a selection that no index finds few files of."""
    statements: list[str] = []
    with database.reader() as reader:
        reader.set_trace_callback(statements.append)
    next(select_files(database, conditions, order, LISTED_UNTIL, few=0))
    with database.reader() as reader:
        reader.set_trace_callback(None)
        query = next(statement for statement in statements if "ORDER BY" in statement)
        return "; ".join(row[3] for row in reader.execute(f"EXPLAIN QUERY PLAN {query}"))


@pytest.mark.parametrize("detail", ["createdAt", "name"])
@pytest.mark.parametrize("descending", [False, True])
@pytest.mark.parametrize(
    "conditions", [(), ("folder",), ("folder", "tag"), ("folder", "beginning"), ("below",)], ids=str
)
def test_long_list_is_not_sorted(
    database: Database, detail: str, conditions: tuple[str, ...], *, descending: bool
) -> None:
    """Files come from an index in their order, so that the first page of a million does not wait for the others."""
    plan = plan_of(database, ListOrder(detail, descending), *(CONDITIONS[name][0]() for name in conditions))
    assert "TEMP B-TREE" not in plan


@pytest.mark.parametrize("detail", selection.SORTED_BY)
def test_files_are_not_read_to_sort_a_folder(database: Database, detail: str) -> None:
    """What a folder is sorted by is in an index."""
    assert "COVERING INDEX" in plan_of(database, ListOrder(detail), selection.in_folder("/a/"))
