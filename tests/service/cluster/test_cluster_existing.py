"""What parts of an upload do about files that are there, and which requests they send for that."""

from __future__ import annotations

import pickle
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest
from parts import gif, plan, table

import ikpipe
from ikpipe import Account, Policy

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from ikpipe.cluster import PreparedUpload
    from ikpipe.emulator import Emulator


KEY = "private_cluster_long_enough_for_its_hash"
READS = Policy(index_lag=0.1, first_wait=0.01, look_ups=0)


@pytest.fixture
def service(emulate: Callable[..., Emulator], monkeypatch: pytest.MonkeyPatch) -> Emulator:
    """Start an emulator whose private key workers have in their environment."""
    monkeypatch.setenv("IMAGEKIT_PRIVATE_KEY", KEY)
    return emulate(private_key=KEY)


def night(service: Emulator, state: object = None, **options: Any) -> PreparedUpload:
    """Prepare a nightly upload; it goes to workers as they get it."""
    usual = {"on_existing": "sync", "policy": READS, **({} if state is None else {"state": state})}
    prepared = plan(service.account, **usual | options)
    return pickle.loads(pickle.dumps(prepared))  # noqa: S301 - our own


def in_parts(upload: PreparedUpload, rows: pd.DataFrame, size: int = 4) -> pd.DataFrame:
    """Upload some rows in parts, one after another."""
    return pd.concat([upload(rows.iloc[at : at + size]) for at in range(0, len(rows), size)])


def sent(service: Emulator) -> Counter[str]:
    """Return what the service received: uploads, whatever became of them, changes of details, and other requests."""
    kinds = {"PATCH": "update", "GET": "read"}
    return Counter(kinds.get(entry["method"], "upload") for entry in service.log())


def changed(rows: pd.DataFrame) -> pd.DataFrame:
    """Return rows of which one has another content of the same size, and one other tags."""
    files, tags = [*rows["file"]], [*rows["tags"]]
    files[1], tags[6] = gif(200), "other"
    return rows.assign(file=files, tags=tags)


@pytest.fixture
def rows() -> pd.DataFrame:
    """Rows of three parts."""
    return table(12).assign(tags="some")


# Nights


def test_a_second_night_sends_only_what_has_changed(service: Emulator, rows: pd.DataFrame, tmp_path: Path) -> None:
    """Whatever its parts are: the first night's knowledge is in the shared folder."""
    state = f"{tmp_path}/state/"
    assert {*in_parts(night(service, state), rows)["ik_status"]} == {"uploaded"}
    assert sent(service)["upload"] == 12
    assert {*in_parts(night(service, state), rows, 5)["ik_status"]} == {"unchanged"}
    third = in_parts(night(service, state), changed(rows), 3)
    assert Counter(third["ik_status"]) == {"unchanged": 10, "uploaded": 1, "updated": 1}
    assert (sent(service)["upload"], sent(service)["update"]) == (13, 1)


def test_a_repeated_part_sends_nothing(service: Emulator, rows: pd.DataFrame, tmp_path: Path) -> None:
    """After each kind of change, in the process that has a listing from before."""
    for table_of_night in (rows, changed(rows)):
        upload = night(service, f"{tmp_path}/")
        in_parts(upload, table_of_night)
        before = sent(service)
        assert {*in_parts(upload, table_of_night)["ik_status"]} == {"unchanged"}
        assert (sent(service) - before).keys() <= {"read"}


def test_a_repeated_part_finds_its_rows_without_a_state_in_a_folder(service: Emulator, rows: pd.DataFrame) -> None:
    """In the library's own metadata."""
    for table_of_night in (rows, changed(rows)):
        upload = night(service, "library")
        in_parts(upload, table_of_night)
        before = sent(service)
        assert {*in_parts(upload, table_of_night)["ik_status"]} == {"unchanged"}
        assert (sent(service) - before).keys() <= {"read"}


@pytest.mark.parametrize("mode", ["skip", "error"])
def test_a_repeated_part_finds_the_files_of_its_first_execution(
    mode: str, service: Emulator, rows: pd.DataFrame
) -> None:
    """They were not there when the upload started."""
    upload = night(service, on_existing=mode)
    first = in_parts(upload, rows)
    before = sent(service)
    second = in_parts(upload, rows)
    assert [{*part["ik_status"]} for part in (first, second)] == [{"uploaded"}, {"exists"}]
    assert [*first["ik_file_id"]] == [*second["ik_file_id"]]
    assert (sent(service) - before).keys() <= {"read"}


@pytest.mark.parametrize(("mode", "status"), [("skip", "skipped"), ("error", "failed")])
def test_a_file_from_before_the_upload_is_not_the_row_s(
    mode: str, status: str, service: Emulator, rows: pd.DataFrame
) -> None:
    """It stays, each time that the part runs."""
    in_parts(night(service), rows)
    upload = night(service, on_existing=mode)
    for _ in range(2):
        assert {*in_parts(upload, rows)["ik_status"]} == {status}
    assert sent(service)["upload"] == 12


def test_with_a_journal_a_repeated_part_does_not_even_read(
    service: Emulator, rows: pd.DataFrame, tmp_path: Path
) -> None:
    """The results are in the journal."""
    upload = night(service, f"{tmp_path}/state/", journal=tmp_path / "journal", key="sku")
    first = in_parts(upload, rows)
    before = sent(service)
    assert [*in_parts(upload, rows)["ik_file_id"]] == [*first["ik_file_id"]]
    assert sent(service) == before


def test_equal_content_is_stored_once(service: Emulator, rows: pd.DataFrame, tmp_path: Path) -> None:
    """Within a part, and in later parts by the state."""
    same = rows.assign(file=[gif(0)] * 12)
    upload = night(service, f"{tmp_path}/", on_existing=None, dedupe=True)
    assert Counter(in_parts(upload, same)["ik_status"]) == {"uploaded": 1, "duplicate": 11}
    assert {*in_parts(upload, same)["ik_status"]} == {"duplicate"}
    assert sent(service)["upload"] == 1


def test_the_state_of_a_column_is_shared_too(service: Emulator, rows: pd.DataFrame, tmp_path: Path) -> None:
    """With `changed_by`, only its cells count."""
    for day, uploads in ((1, 12), (1, 12), (2, 16)):
        days = [day if row < 4 else 1 for row in range(12)]
        in_parts(night(service, f"{tmp_path}/", changed_by="day", ignore=["day"]), rows.assign(day=days))
        assert sent(service)["upload"] == uploads


# Requests


def test_parts_share_the_listing_of_a_folder(service: Emulator, tmp_path: Path) -> None:
    """Twenty parts of an unchanged table cost as many requests as one part does."""
    rows = table(80)
    in_parts(night(service, f"{tmp_path}/"), rows, 80)
    before = sent(service)
    in_parts(night(service, f"{tmp_path}/"), rows)
    assert (sent(service) - before)["read"] <= 5


def test_parts_in_threads_share_listing_and_state(service: Emulator, tmp_path: Path) -> None:
    """Parts that run at the same time disturb each other as little as those one after another."""
    rows, upload = table(60), night(service, f"{tmp_path}/")
    parts = [rows.iloc[at : at + 5] for at in range(0, 60, 5)]
    for status, kinds in (("uploaded", {"read", "upload"}), ("unchanged", {"read"})):
        before = sent(service)
        with ThreadPoolExecutor(6) as threads:
            results = pd.concat(threads.map(upload, parts))
        assert {*results["ik_status"]} == {status}
        assert (sent(service) - before).keys() <= kinds
    assert sent(service)["upload"] == 60


def test_another_upload_does_not_use_an_old_listing(service: Emulator, rows: pd.DataFrame, tmp_path: Path) -> None:
    """Even if it has the same run id: somebody may have changed the library between two nights."""
    options = {"run": "nightly", "policy": Policy(index_lag=0.1, look_ups=0)}
    results = in_parts(night(service, f"{tmp_path}/", **options), rows)
    in_parts(night(service, f"{tmp_path}/", **options), rows)
    ikpipe.delete(results.iloc[[3]], service.account, dry_run=False)
    again = in_parts(night(service, f"{tmp_path}/", **options), rows)
    assert Counter(again["ik_status"]) == {"unchanged": 11, "uploaded": 1}


# Options


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"on_existing": "keep"}, "on_existing='keep': The value must be 'replace' or 'skip'"),
        ({"on_existing": "sync", "use_unique_file_name": True}, "Names cannot be unique and fixed"),
        ({"dedupe": "yes"}, "dedupe='yes': The value must be True or False"),
        ({"changed_by": "daay", "on_existing": "sync"}, "There is no column .daay."),
        ({"state": ""}, "The value must not be empty"),
        ({"state": "one.ikstate"}, "file of one machine"),
    ],
)
def test_invalid_options_are_refused_before_any_part(options: dict[str, Any], words: str, account: Account) -> None:
    """With the same errors as for a frame."""
    with pytest.raises(ikpipe.MappingError, match=words):
        plan(account, **options).begin(table(2).assign(day=1))


def test_a_state_s_file_is_refused_with_the_way_out(account: Account, tmp_path: Path) -> None:
    """Each machine would have a file of its own, or several would write to one over the network."""
    (tmp_path / "s.ikstate").touch()
    with pytest.raises(ikpipe.MappingError, match="file of one machine") as caught:
        plan(account, state=tmp_path / "s.ikstate")
    assert "folder" in str(caught.value.fix)
    assert "library" in str(caught.value.fix)


@pytest.mark.parametrize("kind", ["text", "path", "url"])
def test_a_state_is_a_folder_in_any_notation(
    kind: str, service: Emulator, rows: pd.DataFrame, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A path is absolute for workers, whose current folder is another."""
    (tmp_path / "there").mkdir()
    monkeypatch.chdir(tmp_path)
    upload = night(service, {"text": "new/", "path": tmp_path / "there", "url": f"file://{tmp_path}/url"}[kind])
    (tmp_path / "other").mkdir()
    monkeypatch.chdir(tmp_path / "other")
    upload(rows)
    folder = tmp_path / {"text": "new", "path": "there", "url": "url"}[kind]
    assert any(folder.rglob("*.jsonl"))


def test_sync_needs_the_key(tmp_path: Path) -> None:
    """As for a frame, and before any part."""
    account = Account("public_x", authentication_endpoint="http://127.0.0.1:9/auth")
    with pytest.raises(ikpipe.AccountError, match="private key"):
        plan(account, on_existing="sync", state=f"{tmp_path}/")


def test_sync_without_a_shared_state_is_warned_of(
    account: Account, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    """Each machine then only knows what it stored itself."""
    plan(account, on_existing="sync")
    assert "state=" in caplog.text
    caplog.clear()
    plan(account, on_existing="sync", state=f"{tmp_path}/")
    plan(account, on_existing="sync", changed_by="size")
    plan(account, on_existing="skip")
    assert not caplog.text
