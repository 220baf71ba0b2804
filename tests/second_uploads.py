"""A second upload of a table, by a journal or without: other partitions, another order, new or changed rows."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest
from doubles import uploads_of
from rows import sha

if TYPE_CHECKING:
    from collections.abc import Callable

    from ikpipe.emulator import Emulator

    Upload = Callable[[pd.DataFrame, int, dict[str, Any]], pd.DataFrame]

ROWS, CHANGED = 600, 50
SENT = {"same": 0, "reordered": 0, "partitioned": 0, "one more": 1, "changed": CHANGED}
"""How a table changes, and how many of its rows are sent then."""
QUICK = {("partitioned", True, False), ("changed", False, True), ("one more", False, False)}


def cases() -> list[Any]:
    """Return how the table changes, whether names are unique, and whether there is a key; few without `make soak`."""
    found = []
    for change, unique, key in product(SENT, (True, False), (True, False)):
        name = f"{change}, {'unique' if unique else 'fixed'} names, {'key' if key else 'no key'}"
        marks = () if (change, unique, key) in QUICK else pytest.mark.soak
        found.append(pytest.param(change, unique, key, id=name, marks=marks))
    return found


def table(rows: int = ROWS, changed: int = 0) -> pd.DataFrame:
    """Return rows with files of one size; the first ones have other contents if they are `changed`."""
    files = [b"GIF89a%06d%d" % (row, row < changed) for row in range(rows)]
    return pd.DataFrame({"sku": [f"s{row}" for row in range(rows)], "file": files})


def second(change: str) -> pd.DataFrame:
    """Return the table of the second upload."""
    if change == "reordered":
        return table().sample(frac=1, random_state=1, ignore_index=True)
    if change == "one more":
        return table(ROWS + 1).sort_values("sku", ascending=False, ignore_index=True)
    return table(changed=CHANGED if change == "changed" else 0)


def check(upload: Upload, emulator: Emulator, change: str, **options: Any) -> None:
    """Check that what has changed is sent, and that each row names a file of its content.

    `upload` uploads a table in a number of partitions, and returns the results.
    """
    assert {*upload(table(), 4, options)["ik_status"]} == {"uploaded"}
    assert len(uploads_of(emulator)) == ROWS
    results = upload(second(change), 7 if change == "partitioned" else 4, options)
    assert len(uploads_of(emulator)) - ROWS == SENT[change]
    assert {*results["ik_status"]} == {"uploaded"}
    content = {entry["fileId"]: entry["file"]["sha256"] for entry in uploads_of(emulator) if entry["stored"]}
    assert [content[file] for file in results["ik_file_id"]] == [sha(bytes(file)) for file in results["file"]]


def cases_without_a_journal() -> list[Any]:
    """Return how the table changes, and the options by which the second upload knows the first; all for `make soak`."""
    named = {"run": "night"}
    ways = {
        "run, unique names": named,
        "run and key, unique names": {**named, "key": "sku"},
        "run, fixed names": {**named, "use_unique_file_name": False},
        "run and key, fixed names": {**named, "key": "sku", "use_unique_file_name": False},
        "sync": {"on_existing": "sync"},
    }
    found = product(SENT, ways.items())
    return [pytest.param(change, way, id=f"{change}, {name}", marks=pytest.mark.soak) for change, (name, way) in found]


def check_without_a_journal(upload: Upload, emulator: Emulator, change: str, **options: Any) -> None:
    """Check what is stored additionally, and that no row says `uploaded` of an earlier content.

    A changed file of the same size is taken for the row's if key and run make the same unique name.
    """
    upload(table(), 4, options)
    results = upload(second(change), 7 if change == "partitioned" else 4, options)
    stored = [entry for entry in uploads_of(emulator) if entry["stored"]]
    additional = SENT[change]
    if "run" in options and "use_unique_file_name" in options:
        additional = len(results)
    elif change == "changed" and "key" in options:
        additional = 0
    assert len(stored) - ROWS == additional
    if "run" not in options:
        assert len(uploads_of(emulator)) == len(stored)
    assert {*results["ik_status"]} <= {"uploaded", "exists", "unchanged"}
    content = {entry["fileId"]: entry["file"]["sha256"] for entry in stored}
    for row in results[results["ik_status"] == "uploaded"].itertuples():
        assert content[row.ik_file_id] == sha(bytes(row.file))
