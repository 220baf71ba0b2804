"""`check` with an account: which rows would replace a file of the library."""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING, Any

import pytest
from rows import blobs, quiet

import ikpipe
from ikpipe.emulator import Emulator

if TYPE_CHECKING:
    import pandas as pd

    from ikpipe import Account

_FOLDERS = count()


@pytest.fixture
def folder() -> str:
    """Return a folder that no other test uses."""
    return f"/targets/{next(_FOLDERS)}"


def table(*contents: bytes) -> pd.DataFrame:
    """Return rows with a name each."""
    return blobs(*contents, file_name=[f"{number}.bin" for number in range(len(contents))])


@pytest.mark.parametrize(
    ("options", "codes"),
    [
        ({"use_unique_file_name": False}, ["replaces_file"]),
        ({"on_existing": "replace"}, ["replaces_file"]),
        ({"on_existing": "error"}, ["name_taken"]),
        ({"use_unique_file_name": False, "overwrite_file": False}, ["name_taken"]),
        ({"on_existing": "skip"}, []),
        ({"on_existing": "sync"}, []),
        ({}, []),
    ],
    ids=str,
)
def test_a_file_that_is_there(options: dict[str, Any], codes: list[str], folder: str, account: Account) -> None:
    """It is a warning, or an error if the row must not replace it; not if the caller expects it."""
    quiet(table(b"one"), account, folder=folder, use_unique_file_name=False)
    problems = ikpipe.check(table(b"two", b"new"), account, folder=folder, **options)
    assert list(problems["code"]) == codes
    assert set(problems["position"]) <= {0}
    assert set(problems["column"].dropna()) <= {"file_name"}


def test_without_an_account_nothing_is_asked(folder: str) -> None:
    """Only an account has a library."""
    assert ikpipe.check(table(b"one"), folder=folder, use_unique_file_name=False).empty


def test_a_library_that_does_not_answer(folder: str, caplog: pytest.LogCaptureFixture) -> None:
    """The other checks are made, and the log says what was not."""
    account = ikpipe.Account("public_x", "private_x", api_url="http://127.0.0.1:9")
    policy = ikpipe.Policy(first_wait=0.01)
    problems = ikpipe.check(table(b"one", b""), account, folder=folder, use_unique_file_name=False, policy=policy)
    assert list(problems["code"]) == ["bad_file"]
    assert "existing files were not checked" in caplog.text


def test_many_versions() -> None:
    """A file with 90 versions is reported by `check`, `plan` and the upload; the 101st has a code of its own."""
    with Emulator(max_versions=91) as emulator:
        account = emulator.account
        for number in range(90):
            result = ikpipe.upload_file(b"%d" % number, account, file_name="a.bin", use_unique_file_name=False)
        frame = table(b"x").assign(file_name="a.bin")
        problems = ikpipe.check(frame, account, use_unique_file_name=False)
        assert list(problems["code"]) == ["replaces_file", "many_versions"]
        assert "90 versions" in ikpipe.plan(frame, account, use_unique_file_name=False).loc[0, "ik_reason"]
        assert "90 versions" in str(result.warnings)
        results = [quiet(frame, account, use_unique_file_name=False) for _ in range(2)]
    assert results[0].loc[0, "ik_status"] == "uploaded"
    assert results[1].loc[0, "ik_error"] == "too_many_versions"
