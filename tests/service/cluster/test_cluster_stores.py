"""Journals in stores: started by two processes at one moment, listed late, left by writers that were killed."""

from __future__ import annotations

import errno
import json
import os
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest
from doubles import uploads_of
from parts import anew, plan, stored, table
from stores import ConditionalStore, Store, store

from ikpipe.journal.segments import Segments
from ikpipe.journal.storage import open_storage

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from ikpipe import Account
    from ikpipe.cluster import PreparedUpload
    from ikpipe.emulator import Emulator


def prepare_at_once(account: Account, journal: str, count: int = 2) -> list[PreparedUpload]:
    """Prepare uploads at the same moment."""
    with ThreadPoolExecutor(count) as threads:
        return [*threads.map(lambda _: plan(account, key="sku", journal=journal), range(count))]


@pytest.mark.parametrize("kind", [Store, ConditionalStore])
def test_two_that_start_at_one_moment_are_one_run(kind: type[Store], emulate: Callable[..., Emulator]) -> None:
    """Both found no run, in a store that can tell whether there is one when it writes, or in one that cannot."""
    emulator = emulate()
    with store(kind) as made:
        journal = f"{made.protocol}://bucket/journal"
        first, second = prepare_at_once(emulator.account, journal)
        assert first.run == second.run
        assert [path for path in made.objects if path.endswith(".json")] == ["bucket/journal/run.json"]
        with ThreadPoolExecutor(2) as threads:
            parts = [*threads.map(lambda upload: upload(table(4)), [first, second])]
    assert {status for part in parts for status in part["ik_status"]} <= {"uploaded", "exists"}
    assert parts[0]["ik_file_id"].tolist() == parts[1]["ik_file_id"].tolist()
    assert stored(emulator) == 4


def run_of(account: Account) -> bytes:
    """Return the ``run.json`` of an upload."""
    with store() as made:
        plan(account, key="sku", journal=f"{made.protocol}://bucket")
        return made.objects["bucket/run.json"]


def test_another_machine_can_write_after_this_one_has_read(account: Account) -> None:
    """A store that writes on condition keeps the first run."""
    theirs = run_of(account)

    def write_first(path: str) -> None:
        """Let another machine write."""
        made.objects.setdefault(path, theirs)
        made.written.setdefault(path, 0.0)

    with store(ConditionalStore, missed=write_first) as made:
        upload = plan(account, key="sku", journal=f"{made.protocol}://bucket")
    assert upload.run == json.loads(theirs)["run"]


def test_another_machine_can_write_after_this_one_has_written(account: Account) -> None:
    """In a store without conditions the last run counts, for which the first waits."""
    theirs = run_of(account)

    def write_soon(path: str) -> None:
        """Let another machine write."""
        threading.Timer(0.1, made.objects.update, [{path: theirs}]).start()

    with store(Store, wrote=write_soon) as made:
        upload = plan(account, key="sku", journal=f"{made.protocol}://bucket")
    assert upload.run == json.loads(theirs)["run"]


def test_a_store_that_knows_no_condition_is_written_without(account: Account) -> None:
    """An S3-like service may refuse it."""

    class Refusing(ConditionalStore):
        """A store whose library has the condition, and whose service refuses it."""

        def pipe_file(self, path: str, value: bytes, mode: str = "overwrite", **options: Any) -> None:
            """Write an object without a condition."""
            if mode == "create":
                raise NotImplementedError("A header you provided implies functionality that is not implemented")
            super().pipe_file(path, value, mode, **options)

    with store(Refusing) as made:
        journal = f"{made.protocol}://bucket"
        assert plan(account, key="sku", journal=journal).run == plan(account, key="sku", journal=journal).run


def test_a_folder_without_links_has_one_run(account: Account, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As those of object stores that are mounted."""
    monkeypatch.setattr(os, "link", _refuse)
    uploads = prepare_at_once(account, str(tmp_path), 3)
    assert len({upload.run for upload in uploads}) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["run.json"]


def _refuse(*_args: object, **_options: object) -> None:
    raise OSError(errno.EPERM, "Operation not permitted")


# Late listings


def test_a_unique_name_is_stored_once_although_listings_are_late(emulate: Callable[..., Emulator]) -> None:
    """A task that cannot see what another has recorded sends its rows again, and finds their names taken."""
    emulator = emulate()
    with store(lag=3600) as made:
        upload = plan(emulator.account, key="sku", journal=f"{made.protocol}://bucket")
        first, second = upload(table(3)), anew(upload)(table(3))
    assert second["ik_status"].tolist() == ["exists"] * 3
    assert second["ik_file_id"].tolist() == first["ik_file_id"].tolist()
    assert stored(emulator) == 3


def test_a_fixed_name_gets_one_more_version_if_listings_are_late(emulate: Callable[..., Emulator]) -> None:
    """There is no other sign that it was stored; so it is documented."""
    emulator = emulate()
    with store(lag=3600) as made:
        upload = plan(emulator.account, key="sku", journal=f"{made.protocol}://b", use_unique_file_name=False)
        upload(table(1))
        anew(upload)(table(1))
        made.lag = 0.0
        results = anew(upload)(table(1))
    assert results["ik_status"].tolist() == ["uploaded"]
    assert stored(emulator) == 1
    assert len(uploads_of(emulator)) == 2


def test_joined_files_that_are_still_listed_do_not_matter() -> None:
    """A reader waits until it sees what replaced them."""
    row, name = "ab" * 16, f"{time.time_ns():020}-01234567-000000"
    with store() as made:
        storage = open_storage(f"{made.protocol}://bucket")
        storage.write(f"rows/ab/{name}.jsonl", f'["{row}", "", "ended"]'.encode())
        made.lag = 0.3
        storage.write(f"rows/all/{name}.jsonl", f'["{row}", "{name}.000000", "ended"]'.encode())
        storage.remove(f"rows/ab/{name}.jsonl")
        found = Segments(storage, "journal").lines([row])
    assert [line.name for line in found[0]] == [f"rows/all/{name}.jsonl"]


# Killed writers


def test_what_a_killed_writer_left_is_removed(account: Account, tmp_path: Path) -> None:
    """A day later, when nobody is writing it any more, by the next upload that is prepared."""
    upload = plan(account, key="sku", journal=tmp_path)
    upload(table(1))
    [folder] = (tmp_path / "rows").iterdir()
    left = [tmp_path / "run.json.0123.part", folder / "a.jsonl.0123.part", folder / "b.jsonl.0123.part"]
    for path in left:
        path.write_bytes(b"[")
    for path in left[:2]:
        os.utime(path, (time.time() - 100_000,) * 2)
    plan(account, key="sku", journal=tmp_path)
    assert [path.exists() for path in left] == [False, False, True]
    assert anew(upload)(table(1))["ik_status"].tolist() == ["uploaded"]
