"""What says which files an update changes, and what of them: errors come before anything is sent."""

from __future__ import annotations

import logging
from typing import Any

import pandas as pd
import pytest

import ikpipe

SHOP = ikpipe.Account("public_shop", "private_shop", api_url="http://127.0.0.1:1", upload_url="http://127.0.0.1:1")
"""An account that nobody answers for."""


def error_of(cells: dict[str, list[Any]], account: ikpipe.Account = SHOP, **options: Any) -> ikpipe.Error:
    """Return the error of an update."""
    with pytest.raises((ikpipe.MappingError, ikpipe.AccountError)) as caught:
        ikpipe.update(pd.DataFrame(cells), account, progress=False, **options)
    return caught.value


@pytest.mark.parametrize(
    ("cells", "options", "words"),
    [
        ({"sku": ["a"]}, {"tags": "x"}, "says which files are changed. The table has the column 'sku'"),
        ({"fileId": ["a"]}, {}, "says what is changed"),
        ({"fileId": ["a"]}, {"columns": {"tags": "tag"}}, "no column 'tag'"),
        ({"fileId": ["a"]}, {"description": "{skew}"}, "no column 'skew'"),
        ({"fileId": ["a"]}, {"description": "{file.name}"}, "no file whose name could be filled in"),
        ({"fileId": ["a"]}, {"overwrite_file": True}, "no update parameter 'overwrite_file'"),
        ({"fileId": ["a"]}, {"columns": {"file": "fileId"}}, "no update parameter 'file'"),
        ({"fileId": ["a"]}, {"add_tag": "x"}, "did you mean 'add_tags'"),
        ({"fileId": ["a"]}, {"dryrun": True}, "did you mean 'dry_run'"),
        ({"fileId": ["a"], "tags": ["x"]}, {"add_tags": "y"}, "tags sets all tags of a file"),
        ({"fileId": ["a"], "folder": ["/x"]}, {"tags": "y"}, "moves files only if it is mapped"),
        ({"fileId": ["a"], "file_name": ["x"]}, {"tags": "y"}, "renames files only if it is mapped"),
        ({"fileId": ["a"], "fileName": ["x"]}, {"tags": "y"}, "renames files only if it is mapped"),
        ({"fileId": ["a"], "Tags": ["x"]}, {"description": "y"}, "almost the name of a parameter"),
        ({"fileId": ["a"], "Add Tags": ["x"]}, {"description": "y"}, "almost the name of a parameter"),
        ({"fileId": ["a"]}, {"tags": "50%"}, "cannot contain"),
        ({"fileId": ["a"]}, {"unset": "name"}, "cannot include"),
        ({"fileId": ["a"]}, {"unset": ["custom_metadata."]}, "cannot include"),
        ({"fileId": ["a"]}, {"unset": {"description": True}}, "must be a list"),
        ({"fileId": ["a"]}, {"file_name": "a/b.txt"}, "cannot contain"),
        ({"fileId": ["a"]}, {"folder": "/a" * 51}, "50 levels"),
        ({"fileId": ["a"]}, {"file_id": "../x", "tags": "a"}, "must be an id"),
        ({"x": ["a"]}, {"file_path": "/folder/", "tags": "a"}, "must end with the name of a file"),
        ({"fileId": ["a"]}, {"path": "/x/", "tags": "a"}, "no file name"),
        ({"fileId": ["a"]}, {"path": "/x/y", "folder": "/z"}, "sets folder and file name together"),
        ({"fileId": ["a"], "file_id": ["a"]}, {"tags": "x"}, "both named like file_id"),
    ],
)
def test_errors(cells: dict[str, list[Any]], options: dict[str, Any], words: str) -> None:
    """Each is a `MappingError` that says what is wrong."""
    error = error_of(cells, **options)
    assert isinstance(error, ikpipe.MappingError)
    assert words in str(error)


def test_an_account_without_a_private_key() -> None:
    """Nothing can be changed with the public key alone."""
    account = ikpipe.Account("public_shop", authentication_endpoint="http://127.0.0.1:1")
    assert isinstance(error_of({"fileId": ["a"]}, account, tags="x"), ikpipe.AccountError)


def test_columns_of_an_upload_are_ignored_on_request(caplog: pytest.LogCaptureFixture) -> None:
    """The names of columns that were uploaded do not rename files, and the mapping is reported."""
    frame = pd.DataFrame({"ik_file_id": [None], "file": [b"x"], "file_name": ["a"], "folder": ["/x"], "tags": ["a"]})
    with caplog.at_level(logging.INFO, "ikpipe"):
        ikpipe.update(frame, SHOP, add_tags="y", ignore=["file_name", "folder", "tags"], progress=False)
    assert "file_id ← ik_file_id, add_tags = y; unused: file, file_name, folder, tags" in caplog.text


def test_wire_names_are_known() -> None:
    """Parameters have the same two spellings as those of uploads."""
    frame = pd.DataFrame({"fileId": [None], "x": ["/a"]})
    options = {"addTags": "a", "columns": {"folder": "x"}, "fileName": "{x|slug}", "isPublished": True}
    assert ikpipe.update(frame, SHOP, progress=False, **options)["ik_change"].tolist() == ["none"]
