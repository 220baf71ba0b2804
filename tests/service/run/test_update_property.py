"""Whatever a table changes, the library is as it says afterwards, and the same call again sends nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest
from examples import plays
from hypothesis import given
from hypothesis import strategies as st

import ikpipe

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ikpipe import Account
    from ikpipe.emulator import Emulator

SOON = ikpipe.Policy(first_wait=0.01, changes=0, look_ups=0)
SKUS = [*"abc"]
TAGS = st.one_of(st.none(), st.sets(st.sampled_from("xyz"), min_size=1).map(sorted))
ROW = st.fixed_dictionaries(
    {
        "tags": TAGS,
        "add_tags": TAGS,
        "description": st.sampled_from([None, "", "one", "two"]),
        "unset": st.sampled_from([None, "custom_metadata.brand", ["custom_metadata"]]),
        "custom_metadata.price": st.sampled_from([None, 1, 2.5]),
        "name": st.sampled_from([None, "1", "2"]),
        "folder": st.sampled_from([None, "/property/p", "property/q/"]),
    }
)


@pytest.fixture(scope="module")
def shop(emulator: Emulator) -> Account:
    """Store three files."""
    frame = pd.DataFrame({"brand": ["x"], "price": [1]})
    ikpipe.create_metadata_fields(frame, emulator.account, columns=["brand", "price"], dry_run=False)
    files = pd.DataFrame({"file": [b"1", b"2", b"3"], "sku": SKUS})
    ikpipe.upload(files, emulator.account, file_name="{sku}", folder="/property", progress=False)
    return emulator.account


def library(account: Account) -> pd.DataFrame:
    """Return the files, in the order of their names."""
    files = ikpipe.files(account, search='path : "/property/"')
    return files.sort_values("name").reset_index(drop=True)


def wanted(file: Mapping[str, Any], row: Mapping[str, Any], *, adds: bool) -> dict[str, Any]:
    """Return the details that a file has afterwards."""
    tags, metadata = set(file["tags"] or ()), dict(file["customMetadata"] or {})
    if row["add_tags" if adds else "tags"]:
        tags = {*(tags if adds else ()), *row["add_tags" if adds else "tags"]}
    if row["unset"] is not None:
        metadata = {} if row["unset"] == ["custom_metadata"] else {k: v for k, v in metadata.items() if k != "brand"}
    if row["custom_metadata.price"] is not None:
        metadata["price"] = row["custom_metadata.price"]
    folder, _, name = file["filePath"].rpartition("/")
    folder = folder if row["folder"] is None else "/" + row["folder"].strip("/")
    name = name if row["name"] is None else f"{name[0]}{row['name']}"
    description = row["description"] or (None if pd.isna(file["description"]) else file["description"])
    return {"tags": tags, "customMetadata": metadata, "description": description, "filePath": f"{folder}/{name}"}


def details(file: Mapping[str, Any]) -> dict[str, Any]:
    """Return the details of a file, as `wanted` does."""
    return wanted(
        file,
        dict.fromkeys(["tags", "add_tags", "description", "unset", "custom_metadata.price", "name", "folder"]),
        adds=True,
    )


@plays(12)
@given(rows=st.lists(ROW, min_size=3, max_size=3), adds=st.booleans(), by=st.sampled_from(["fileId", "filePath"]))
def test_the_library_is_as_the_table_says(shop: Account, rows: list[dict[str, Any]], *, adds: bool, by: str) -> None:
    """Each row says what happens, and what happened; other details stay."""
    for row in rows:
        if row["unset"] == ["custom_metadata"]:
            row["custom_metadata.price"] = None
    before = library(shop)
    files = before.to_dict("records")
    table = pd.DataFrame(rows).drop(columns=["tags" if adds else "add_tags"]).astype(object)
    table[by] = before[by]
    table["new"] = [
        None if row["name"] is None else f"{file['name'][0]}{row['name']}"
        for row, file in zip(rows, files, strict=True)
    ]
    options: dict[str, Any] = {"columns": {"file_name": "new", "folder": "folder"}, "policy": SOON, "progress": False}
    expected = [wanted(file, row, adds=adds) for file, row in zip(files, rows, strict=True)]
    differs = [details(file) != one for file, one in zip(files, expected, strict=True)]
    for dry_run, word in ((True, "planned"), (False, "done")):
        changed = ikpipe.update(table, shop, dry_run=dry_run, **options)
        assert [one == word for one in changed["ik_change"]] == differs
        assert set(changed["ik_change"]) <= {word, "unchanged", "none"}
    after = library(shop).to_dict("records")
    assert [details(file) for file in after] == expected
    if by == "fileId":
        again = ikpipe.update(table, shop, **options)
        assert set(again["ik_change"]) <= {"unchanged", "none"}
