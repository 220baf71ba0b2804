"""Uploads where files are at the targets: what each mode sends, and what the results say."""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest
from doubles import remote
from rows import blobs, quiet

import ikpipe

if TYPE_CHECKING:
    from collections.abc import Callable

    from ikpipe import Account
    from ikpipe.emulator import Emulator

    Arrived = Callable[[], list[dict[str, Any]]]

_FOLDERS = count()


@pytest.fixture
def folder() -> str:
    """Return a folder that no other test uses."""
    return f"/existing/{next(_FOLDERS)}"


def table(*contents: bytes, **columns: list[Any]) -> pd.DataFrame:
    """Return rows with a name each."""
    return blobs(*contents, file_name=[f"{number}.bin" for number in range(len(contents))], **columns)


def stored(account: Account, folder: str) -> dict[str, Any]:
    """Return the files of a folder by name."""
    files = ikpipe.files(account, path=folder)
    return {row["name"]: row for row in files.to_dict("records")}


@pytest.mark.parametrize("mode", ["replace", "skip", "error", "sync"])
def test_new_rows_are_uploaded_under_fixed_names(mode: str, folder: str, account: Account) -> None:
    """No suffix is added."""
    results = quiet(table(b"1", b"2"), account, folder=folder, on_existing=mode)
    assert results["ik_status"].tolist() == ["uploaded"] * 2
    assert results["ik_name"].tolist() == ["0.bin", "1.bin"]


@pytest.mark.parametrize(
    ("mode", "status", "error"),
    [("skip", "skipped", None), ("error", "failed", "name_taken"), ("sync", "unchanged", None)],
)
def test_a_file_that_is_there_is_left_without_sending_anything(
    mode: str, status: str, error: str | None, folder: str, account: Account, arrived: Arrived
) -> None:
    """The rows that have none are uploaded."""
    quiet(table(b"1"), account, folder=folder, use_unique_file_name=False)
    results = quiet(table(b"1", b"2"), account, folder=folder, on_existing=mode)
    assert results["ik_status"].tolist() == [status, "uploaded"]
    assert results["ik_error"].replace({pd.NA: None}).tolist() == [error, None]
    assert [entry["filePath"].rpartition("/")[2] for entry in arrived()] == ["0.bin", "1.bin"]


@pytest.mark.parametrize("mode", ["skip", "sync"])
def test_the_details_of_the_file_that_is_there_are_in_the_row(mode: str, folder: str, account: Account) -> None:
    """As if it had been uploaded now."""
    first = quiet(table(b"1"), account, folder=folder, tags="red", use_unique_file_name=False)
    again = quiet(table(b"1"), account, folder=folder, on_existing=mode)
    for column in ("ik_file_id", "ik_url", "ik_file_path", "ik_size", "ik_version_id"):
        assert again.loc[0, column] == first.loc[0, column]
    assert again.loc[0, "ik_tags"] == ["red"]
    assert again.loc[0, "ik_attempts"] == 0


def test_a_row_that_failed_names_no_file(folder: str, account: Account) -> None:
    """Whoever deletes the files of the results must not delete that which was there before."""
    quiet(table(b"1"), account, folder=folder, use_unique_file_name=False)
    results = quiet(table(b"1"), account, folder=folder, on_existing="error")
    assert results["ik_file_id"].isna().all()


def test_sync_replaces_what_differs_and_keeps_the_rest(folder: str, account: Account) -> None:
    """Details that the row does not give survive."""
    before = {"tags": "red", "is_private_file": True, "description": "A shoe", "use_unique_file_name": False}
    first = quiet(table(b"1", b"2"), account, folder=folder, **before)
    results = quiet(table(b"1", b"22"), account, folder=folder, on_existing="sync")
    assert results["ik_status"].tolist() == ["unchanged", "uploaded"]
    assert results["ik_file_id"].tolist() == first["ik_file_id"].tolist()
    file = stored(account, folder)["1.bin"]
    assert (file["size"], file["tags"], file["isPrivateFile"], file["description"]) == (2, ["red"], True, "A shoe")
    assert file["versionInfo"]["name"] == "Version 2"


@pytest.mark.parametrize("mode", ["skip", "error", "sync"])
def test_another_privacy_only_matters_to_sync(mode: str, folder: str, account: Account) -> None:
    """Only a new version can have it."""
    quiet(table(b"1"), account, folder=folder, use_unique_file_name=False)
    results = quiet(table(b"1"), account, folder=folder, on_existing=mode, is_private_file=True)
    assert results["ik_status"].tolist() == [{"skip": "skipped", "error": "failed", "sync": "uploaded"}[mode]]
    assert stored(account, folder)["0.bin"]["isPrivateFile"] is (mode == "sync")


def test_replace_is_the_default_of_the_service(folder: str, account: Account) -> None:
    """Nothing is compared."""
    quiet(table(b"1"), account, folder=folder, on_existing="replace")
    results = quiet(table(b"1"), account, folder=folder, on_existing="replace")
    assert results["ik_version_name"].tolist() == ["Version 2"]


def test_a_row_may_forbid_to_be_replaced(folder: str, account: Account) -> None:
    """It is not asked whether it may."""
    quiet(table(b"1"), account, folder=folder, on_existing="sync")
    results = quiet(table(b"22"), account, folder=folder, on_existing="sync", overwrite_file=False)
    assert results["ik_error"].tolist() == ["name_taken"]


# Keywords


@pytest.mark.parametrize("unique", [True, "yes", 1])
def test_unique_names_beside_on_existing_are_an_error(unique: object, account: Account) -> None:
    """A unique name has no file at its target."""
    with pytest.raises(ikpipe.MappingError, match="unique and fixed") as caught:
        quiet(table(b"1"), account, on_existing="skip", use_unique_file_name=unique)
    assert "on_existing='skip'" in str(caught.value)


def test_a_row_that_asks_for_a_unique_name_is_invalid(folder: str, account: Account) -> None:
    """The others are uploaded."""
    frame = table(b"1", b"2", b"3", use_unique_file_name=["yes", "no", None])
    results = quiet(frame, account, folder=folder, on_existing="skip")
    assert results["ik_status"].tolist() == ["invalid", "uploaded", "uploaded"]
    assert results.loc[0, "ik_error"] == "unique_name"


def test_another_mode_is_an_error_that_lists_them(account: Account) -> None:
    """Before anything is sent."""
    with pytest.raises(ikpipe.MappingError, match="'replace' or 'skip' or 'error' or 'sync'"):
        quiet(table(b"1"), account, on_existing="update")


def test_rows_with_the_same_target_are_a_problem(account: Account, folder: str) -> None:
    """Names are fixed."""
    results = quiet(blobs(b"1", b"2"), account, folder=folder, file_name="a.bin", on_existing="sync")
    assert results["ik_error"].tolist()[1] == "same_target"


# Retrying


@pytest.mark.parametrize("mode", ["skip", "sync"])
def test_retry_leaves_such_rows_and_sends_the_others_by_the_same_rule(
    mode: str, folder: str, account: Account, arrived: Arrived
) -> None:
    """The mapping has the mode."""
    quiet(table(b"1"), account, folder=folder, use_unique_file_name=False)
    results = quiet(table(b"1", b"2"), account, folder=folder, on_existing=mode)
    results.loc[1, "ik_status"] = "failed"
    sent = len(arrived())
    again = ikpipe.retry(results, account, progress=False)
    assert again["ik_status"].tolist() == [results.loc[0, "ik_status"], {"skip": "skipped", "sync": "unchanged"}[mode]]
    assert len(arrived()) == sent


def test_the_command_line_has_the_option(
    folder: str, account: Account, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rows that are skipped as asked are no failure."""
    from ikpipe.cli import main

    for name, value in {
        "PUBLIC_KEY": account.public_key,
        "PRIVATE_KEY": account.private_key,
        "UPLOAD_URL": account.upload_url,
        "API_URL": account.api_url,
    }.items():
        monkeypatch.setenv(f"IMAGEKIT_{name}", str(value))
    (tmp_path / "a.bin").write_bytes(b"1")
    (tmp_path / "in.csv").write_text("file\na.bin\n")
    out = tmp_path / "out.csv"
    command = ["upload", str(tmp_path / "in.csv"), "-o", str(out), "--root", str(tmp_path), "--set", f"folder={folder}"]
    assert main([*command, "--on-existing", "skip", "--quiet"]) == 0
    assert main([*command, "--on-existing", "skip", "--quiet"]) == 0
    assert ikpipe.read_results(out)["ik_status"].tolist() == ["skipped"]
    assert main([*command, "--on-existing", "error", "--quiet"]) == 1


# Without a private key


@pytest.mark.parametrize(("mode", "status"), [("skip", "skipped"), ("error", "failed")])
def test_without_a_private_key_the_service_finds_what_is_there(
    mode: str, status: str, folder: str, account: Account, emulator: Emulator
) -> None:
    """Nothing can be listed."""
    quiet(table(b"1"), account, folder=folder, use_unique_file_name=False)
    with remote(emulator) as keyless:
        results = quiet(table(b"1", b"2"), keyless, folder=folder, on_existing=mode)
    assert results["ik_status"].tolist() == [status, "uploaded"]
    assert len(stored(account, folder)) == 2


def test_without_a_private_key_sync_says_what_it_needs(account: Account) -> None:
    """It compares."""
    keyless = ikpipe.Account(account.public_key, authentication_endpoint="http://127.0.0.1:9/sign")
    with pytest.raises(ikpipe.AccountError, match="private key"):
        quiet(table(b"1"), keyless, on_existing="sync")
