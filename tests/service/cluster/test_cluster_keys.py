"""Drivers without the private key, which workers have; and workers with the key of another account."""

from __future__ import annotations

import json
import logging
import pickle
from itertools import count
from typing import TYPE_CHECKING, Any, NamedTuple

import pandas as pd
import pytest
from doubles import uploads_of
from parts import SWIFT, anew, plan, table

import ikpipe
from ikpipe import Account
from ikpipe.cluster.update import prepare_update

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from ikpipe.cluster import PreparedUpload
    from ikpipe.emulator import Emulator

NUMBERS = count(1)


class Cluster(NamedTuple):
    """An emulator, its account without the private key, as a driver has it, and what sets the key of workers."""

    emulator: Emulator
    driver: Account
    set_key: Callable[[str], None]


@pytest.fixture
def cluster(emulate: Callable[..., Emulator], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Cluster:
    """Start an emulator whose account this process does not know, and workers with its key in their environment."""
    number = next(NUMBERS)
    emulator = emulate(public_key=f"public_keyless{number}", private_key=f"private_keyless{number}")
    driver = Account(emulator.public_key, upload_url=f"{emulator.url}/api/v2/files/upload", api_url=emulator.url)
    monkeypatch.delenv("IMAGEKIT_PUBLIC_KEY", raising=False)
    monkeypatch.delenv("IMAGEKIT_PRIVATE_KEY", raising=False)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    return Cluster(emulator, driver, lambda key: monkeypatch.setenv("IMAGEKIT_PRIVATE_KEY", key))


def on_worker(prepared: Any) -> Any:
    """Return what was prepared as a worker has it."""
    return pickle.loads(pickle.dumps(prepared))  # noqa: S301 - our own


def prepared(cluster: Cluster, **options: Any) -> PreparedUpload:
    """Prepare an upload before any key is set; workers have it after that."""
    upload = plan(cluster.driver, **options)
    cluster.set_key(cluster.emulator.private_key)
    return upload


# Without a journal


def test_a_driver_needs_no_key(cluster: Cluster) -> None:
    """The workers upload with the key in their environment, and a part that runs again stores nothing twice."""
    upload = prepared(cluster)
    assert upload.account.private_key is not None  # found now, in this worker
    assert set(on_worker(upload)(table())["ik_status"]) == {"uploaded"}
    assert set(on_worker(upload)(table())["ik_status"]) == {"exists"}


def test_the_log_says_who_needs_the_key(cluster: Cluster, caplog: pytest.LogCaptureFixture) -> None:
    """Otherwise a key that was forgotten shows late."""
    with caplog.at_level(logging.INFO, "ikpipe.cluster"):
        plan(cluster.driver)
    words = f"This process does not have the private key of {cluster.driver.public_key}: the workers take it from their"
    assert words in caplog.text


@pytest.mark.parametrize("place", ["environment", "profile", "default profile", "named profile"])
def test_workers_have_the_key_in_their_own_place(
    place: str, cluster: Cluster, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A profile of theirs counts too, whichever way it is chosen."""
    upload = plan(cluster.driver, profile="shop" if place == "profile" else None)
    name = "default" if place == "default profile" else "shop"
    config = tmp_path / "config" / "ikpipe" / "config.toml"
    config.parent.mkdir(parents=True)
    keys = f'public_key = "{cluster.emulator.public_key}"\nprivate_key = "{cluster.emulator.private_key}"\n'
    if place == "environment":
        cluster.set_key(cluster.emulator.private_key)
    else:
        config.write_text(f"[{name}]\n{keys}")
        config.chmod(0o600)
    if place == "named profile":
        monkeypatch.setenv("IMAGEKIT_PROFILE", name)
    assert set(on_worker(upload)(table(2))["ik_status"]) == {"uploaded"}


@pytest.mark.parametrize("on_existing", ["sync", "skip"])
def test_existing_files_are_decided_by_the_workers(on_existing: str, cluster: Cluster, tmp_path: Path) -> None:
    """The driver does not read the library."""
    upload = prepared(cluster, on_existing=on_existing, state=f"{tmp_path / 'shared'}/")
    assert set(upload(table(2))["ik_status"]) == {"uploaded"}
    again = plan(cluster.driver, on_existing=on_existing, state=f"{tmp_path / 'shared'}/")
    assert set(again(table(2))["ik_status"]) == {"unchanged" if on_existing == "sync" else "skipped"}


def test_the_state_in_the_library_is_created_by_the_workers(cluster: Cluster) -> None:
    """It needs the media API, which the driver cannot use."""
    upload = prepared(cluster, on_existing="sync", state="library")
    assert set(upload(table(2))["ik_status"]) == {"uploaded"}
    assert set(plan(cluster.driver, on_existing="sync", state="library")(table(2))["ik_status"]) == {"unchanged"}


def test_updates_need_no_key_on_the_driver(cluster: Cluster) -> None:
    """As for uploads."""
    upload = prepared(cluster)
    paths = upload(table(2))["ik_file_path"]
    update = on_worker(prepare_update(cluster.driver, slots=1, tags=["new"], columns={"file_path": "path"}))
    assert set(update(pd.DataFrame({"path": paths}))["ik_change"]) == {"done"}


def test_no_account_is_one_error(cluster: Cluster) -> None:
    """For uploads with a profile and for updates, too."""
    for prepare in (ikpipe.cluster.prepare, prepare_update):
        with pytest.raises(ikpipe.AccountError, match=r"Pass an ikpipe\.Account"):
            prepare("public_key", slots=1, profile="shop")  # type: ignore[operator]


# With a journal


def test_workers_start_and_prove_the_journal(cluster: Cluster, tmp_path: Path) -> None:
    """The driver writes nothing; a driver with the key continues what they wrote, and the other way round."""
    upload = prepared(cluster, journal=tmp_path / "journal", key="sku")
    assert not (tmp_path / "journal").exists()
    assert set(on_worker(upload)(table())["ik_status"]) == {"uploaded"}
    before = len(uploads_of(cluster.emulator))
    for account in (cluster.driver, cluster.emulator.account):
        again = plan(account, journal=tmp_path / "journal", key="sku")
        assert set(on_worker(again)(table())["ik_status"]) == {"uploaded"}
        assert len(uploads_of(cluster.emulator)) == before


def test_workers_use_the_run_of_the_journal(cluster: Cluster, tmp_path: Path) -> None:
    """Names are derived from its id, so a row that is lost from the journal is still stored once."""
    prepared(cluster, journal=tmp_path)(table())
    for path in tmp_path.glob("rows/*/*.jsonl"):
        path.unlink()
    again = plan(cluster.driver, journal=tmp_path)
    assert set(again(table())["ik_status"]) == {"exists"}


def test_the_proof_is_in_no_plan_of_a_driver_without_the_key(cluster: Cluster, tmp_path: Path) -> None:
    """Nor is a secret of its user."""
    upload = prepared(cluster, journal=tmp_path / "journal")
    assert upload.proof is None
    assert not (tmp_path / "state").exists()
    assert cluster.emulator.private_key.encode() not in pickle.dumps(upload)


@pytest.mark.parametrize("change", [{"run": "other"}, {"since": 0.0}, {"proof": "00"}])
def test_a_forged_run_is_refused_by_the_worker(change: dict[str, Any], cluster: Cluster, tmp_path: Path) -> None:
    """The driver cannot verify it; nothing is sent."""
    prepared(cluster, journal=tmp_path)(table(2))
    run = tmp_path / "run.json"
    run.write_text(json.dumps({**json.loads(run.read_text()), **change}))
    upload = plan(cluster.driver, journal=tmp_path)
    before = len(cluster.emulator.log())
    for _ in range(2):  # a refusal is not remembered as a start
        with pytest.raises(ikpipe.JournalError, match="pass trust_journal=True"):
            on_worker(upload)(table(2))
    assert len(cluster.emulator.log()) == before


def test_a_journal_of_a_stranger_is_refused_by_the_worker(cluster: Cluster, tmp_path: Path) -> None:
    """Somebody with write access to the folder and the public key, who was there first."""
    stranger = Account(cluster.driver.public_key, "private_stranger", api_url=cluster.driver.api_url)
    upload = plan(cluster.driver, journal=tmp_path)
    ikpipe.cluster.prepare(stranger, slots=1, journal=tmp_path, file_name="{sku}.gif", folder="/part/", policy=SWIFT)
    cluster.set_key(cluster.emulator.private_key)
    worker = Account(cluster.driver.public_key, cluster.emulator.private_key)
    pickle.dumps(worker)  # the key of this process
    with pytest.raises(ikpipe.JournalError, match=r"run\.json was written with another private key"):
        on_worker(upload)(table(2))
    assert uploads_of(cluster.emulator) == []


def test_entries_of_a_stranger_are_refused_by_the_worker(cluster: Cluster, tmp_path: Path) -> None:
    """A forged result is not used."""
    upload = prepared(cluster, journal=tmp_path)
    upload(table(2))
    (entries,) = tmp_path.glob("rows/*/*.jsonl")
    entries.write_text(entries.read_text().replace("127.0.0.1", "evil.example"))
    with pytest.raises(ikpipe.JournalError, match="pass trust_journal=True"):
        anew(on_worker(upload))(table(2))


def test_a_journal_of_another_run_is_found_by_the_driver(cluster: Cluster, tmp_path: Path) -> None:
    """It can compare, though not verify: before there is any task."""
    prepared(cluster, journal=tmp_path)(table(2))
    with pytest.raises(ikpipe.JournalError, match="belongs to another run"):
        plan(cluster.driver, journal=tmp_path, folder="/other/")


def test_one_worker_joins_the_files_of_a_journal(cluster: Cluster, tmp_path: Path) -> None:
    """Many small files would be read for each part."""
    upload = prepared(cluster, journal=tmp_path, key="sku")
    for row in range(201):
        upload(table(row + 1).iloc[row:])
    plan(cluster.driver, journal=tmp_path, key="sku")(table(2))
    assert len([*tmp_path.glob("rows/*/*.jsonl")]) < 5
    assert [path for path in tmp_path.glob("joining/*") if path.is_file()] == []
    before = len(uploads_of(cluster.emulator))
    plan(cluster.driver, journal=tmp_path, key="sku")(table(201))
    assert len(uploads_of(cluster.emulator)) == before


# Keys of other accounts


def test_a_worker_of_another_account_says_so(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    """One error that names the machine and both accounts; nothing is sent."""
    upload = prepared(cluster)
    monkeypatch.setenv("IMAGEKIT_PUBLIC_KEY", "public_of_another")
    with pytest.raises(ikpipe.AccountError, match=r"of the machine \S+ has the keys of the account public_of_another"):
        on_worker(upload)(table(2))
    assert cluster.emulator.log() == []


def test_a_worker_s_profile_of_another_account_says_so(cluster: Cluster, tmp_path: Path) -> None:
    """It names the profile, the machine and both accounts."""
    upload = plan(cluster.driver, profile="shop")
    config = tmp_path / "config" / "ikpipe" / "config.toml"
    config.parent.mkdir(parents=True)
    config.write_text('[shop]\npublic_key = "public_of_another"\nprivate_key = "private_of_another"\n')
    config.chmod(0o600)
    with pytest.raises(ikpipe.AccountError, match=r"The profile 'shop' on the machine \S+ is of the account public_of"):
        on_worker(upload)(table(2))
    config.write_text(f'[shop]\npublic_key = "{cluster.driver.public_key}"\n')
    with pytest.raises(ikpipe.AccountError, match=r"The profile 'shop' on the machine \S+ has no private key"):
        on_worker(upload)(table(2))


def test_a_worker_without_a_key_says_so(cluster: Cluster, tmp_path: Path) -> None:
    """It names the machine, the account and what to set."""
    upload = plan(cluster.driver, journal=tmp_path / "journal")
    with pytest.raises(
        ikpipe.AccountError, match=r"The machine \S+ does not have the private key of the account public_keyless"
    ):
        on_worker(upload)(table(2))
    assert not (tmp_path / "journal").exists()


def test_a_worker_with_another_private_key_says_so(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A driver with the key compares: the service would reject each part, and journals would have two authors."""
    full = Account(
        cluster.driver.public_key,
        cluster.emulator.private_key,
        upload_url=cluster.driver.upload_url,
        api_url=cluster.driver.api_url,
    )
    upload = plan(full, profile="shop", journal=tmp_path / "journal")
    config = tmp_path / "config" / "ikpipe" / "config.toml"
    config.parent.mkdir(parents=True)
    config.write_text(f'[shop]\npublic_key = "{full.public_key}"\nprivate_key = "private_old"\n')
    config.chmod(0o600)
    with pytest.raises(ikpipe.AccountError, match="is not the one that the driver has") as caught:
        on_worker(upload)(table(2))
    assert "private_" not in str(caught.value)
    config.write_text(config.read_text().replace("private_old", cluster.emulator.private_key))
    assert set(on_worker(upload)(table(2))["ik_status"]) == {"uploaded"}
