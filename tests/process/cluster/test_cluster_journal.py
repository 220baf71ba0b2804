"""The journal of a distributed upload, in a folder that all machines share."""

from __future__ import annotations

import json
import os
from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest
from doubles import uploads_of
from pandas.testing import assert_frame_equal
from parts import anew, gif, plan, stored, table

import ikpipe
from ikpipe import Policy
from ikpipe.journal.proof import Prover
from ikpipe.journal.shared import begin
from ikpipe.journal.storage import open_storage
from ikpipe.request.content_hash import digest
from ikpipe.request.sources import FileSource

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from ikpipe import Account
    from ikpipe.emulator import Emulator


def test_a_part_with_a_journal_is_sent_once(emulate: Callable[..., Emulator], tmp_path: Path) -> None:
    """When it runs again, it returns the results of its journal without any request."""
    emulator = emulate()
    upload = plan(emulator.account, journal=tmp_path)
    first = upload(table())
    before = len(emulator.log())
    second = upload(table())
    assert_frame_equal(first, second)
    assert len(emulator.log()) == before


def test_a_journal_can_be_at_a_url(emulate: Callable[..., Emulator]) -> None:
    """Of any file system of fsspec, here the one in memory."""
    emulator = emulate()
    upload = plan(emulator.account, journal=f"memory://{emulator.public_key}")
    first = upload(table())
    before = len(emulator.log())
    assert_frame_equal(first, upload(table()))
    assert len(emulator.log()) == before


def test_a_second_upload_continues_the_journal(emulate: Callable[..., Emulator], tmp_path: Path) -> None:
    """Another job finishes a stopped one: the run is the same, and uploaded rows keep their results."""
    emulator = emulate()
    one = plan(emulator.account, journal=tmp_path)
    one(table(3))
    two = plan(emulator.account, journal=tmp_path)
    assert two.run == one.run
    assert set(two(table(3))["ik_status"]) == {"uploaded"}
    assert stored(emulator) == 3


@pytest.mark.parametrize("other", [{"folder": "/other/"}, {"key": "sku"}, {"run": "other"}])
def test_a_journal_of_another_run_is_refused(other: dict[str, Any], account: Account, tmp_path: Path) -> None:
    """Its rows would be mistaken for others."""
    plan(account, journal=tmp_path)
    with pytest.raises(ikpipe.JournalError, match="belongs to another run"):
        plan(account, journal=tmp_path, **other)


def test_rows_in_flight_on_a_lost_machine_are_not_stored_twice(
    emulate: Callable[..., Emulator], tmp_path: Path
) -> None:
    """A file that replaces another has no unique name, so the journal has its token, which is sent again first."""
    emulator = emulate(faults={"store-then-cut": 1.0})
    options: dict[str, Any] = {"use_unique_file_name": False, "journal": tmp_path, "retries": 0}
    upload = plan(emulator.account, **options)
    upload(table(2))
    versions = Counter(entry["filePath"] for entry in emulator.log() if entry.get("stored"))
    assert max(versions.values()) == 1


def test_keys_name_a_part_s_journal(emulate: Callable[..., Emulator], tmp_path: Path) -> None:
    """A part is identified by its keys, whatever is in columns that are not sent."""
    emulator = emulate()
    upload = plan(emulator.account, journal=tmp_path, key="sku")
    upload(table(2).assign(note="at ten"))
    before = len(emulator.log())
    upload(table(2).assign(note="at noon"))
    assert len(emulator.log()) == before


def test_a_changed_row_does_not_get_the_result_of_the_journal(emulate: Callable[..., Emulator], tmp_path: Path) -> None:
    """It is sent again, and its fixed name then has the new content."""
    emulator = emulate()
    upload = plan(emulator.account, journal=tmp_path, key="sku", use_unique_file_name=False)
    first = upload(table(2).assign(description="at ten"))
    second = upload(table(2).assign(description=["at ten", "at noon"]))
    sent = [entry["fields"].get("description") for entry in emulator.log() if entry.get("stored")]
    assert sent == ["at ten", "at ten", "at noon"]
    assert second["ik_version_id"][0] == first["ik_version_id"][0] != second["ik_version_id"][1]


def test_neither_key_nor_tokens_are_in_a_journal(emulate: Callable[..., Emulator], tmp_path: Path) -> None:
    """Others may be able to read the folder."""
    emulator = emulate()
    plan(emulator.account, journal=tmp_path, use_unique_file_name=False)(table(2))
    written = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    assert b"intent" in written
    assert emulator.private_key.encode() not in written
    assert b"eyJ" not in written


def test_keys_in_another_order_are_the_same_part(emulate: Callable[..., Emulator], tmp_path: Path) -> None:
    """Rows are identified by their keys, so files that replace others get no further version."""
    emulator = emulate()
    upload = plan(emulator.account, journal=tmp_path, key="sku", use_unique_file_name=False)
    first, reversed_results = upload(table()), upload(table()[::-1])
    assert_frame_equal(reversed_results[::-1], first)
    assert len(uploads_of(emulator)) == 6


def test_equal_keys_are_identified_by_their_positions(emulate: Callable[..., Emulator], tmp_path: Path) -> None:
    """In another order they are another part, and no row gets the file of the other."""
    emulator = emulate()
    upload = plan(emulator.account, journal=tmp_path, key="shop", use_unique_file_name=False)
    rows = table(2).assign(shop="one")
    first, reversed_results = upload(rows), upload(rows[::-1])
    assert [*reversed_results["ik_file_path"]] == [*first["ik_file_path"][::-1]]


def test_equal_tables_of_a_part_have_a_journal_each(emulate: Callable[..., Emulator], tmp_path: Path) -> None:
    """Equal rows are two files, as without a journal, and the same two when the part runs again."""
    emulator = emulate()
    upload = plan(emulator.account, journal=tmp_path)
    for _ in range(2):
        list(upload.each([table(2), table(2)]))
        assert stored(emulator) == 4


def test_an_invalid_row_is_checked_again(emulate: Callable[..., Emulator], tmp_path: Path) -> None:
    """Nothing was sent for it; once its file exists, it is uploaded."""
    (tmp_path / "files").mkdir()
    upload = plan(emulate().account, journal=tmp_path / "journal", root=tmp_path / "files", file_name="a.txt")
    rows = pd.DataFrame({"file": ["a.txt"]})
    assert [*upload(rows)["ik_status"]] == ["invalid"]
    (tmp_path / "files" / "a.txt").write_text("here now")
    assert [*upload(rows)["ik_status"]] == ["uploaded"]


def test_an_incomplete_entry_is_ignored(emulate: Callable[..., Emulator], tmp_path: Path) -> None:
    """A file system without atomic writes can have the beginning of a file; what is missing was never started."""
    emulator = emulate()
    upload = plan(emulator.account, journal=tmp_path, use_unique_file_name=False)
    upload(table())
    (written, *_) = sorted(tmp_path.glob("rows/*/*.jsonl"))
    for size in range(written.stat().st_size, 0, -199):
        os.truncate(written, size)
        assert set(anew(upload)(table())["ik_status"]) <= {"uploaded", "exists"}


def test_an_entry_can_end_after_any_character(emulate: Callable[..., Emulator], tmp_path: Path) -> None:
    """Also after a character that ends other entries."""
    upload = plan(emulate().account, journal=tmp_path, use_unique_file_name=False, description="a list [a]")
    upload(table(1))
    (written,) = [path for path in tmp_path.glob("rows/*/*.jsonl") if b"prepared" in path.read_bytes()]
    os.truncate(written, written.read_bytes().index(b"[a]") + len(b"[a]"))
    assert set(anew(upload)(table(1))["ik_status"]) <= {"uploaded", "exists"}


def test_a_journal_that_is_damaged_is_named(account: Account, tmp_path: Path) -> None:
    """With its path."""
    upload = plan(account, journal=tmp_path)
    upload(table(1))
    for path in tmp_path.glob("rows/*/*.jsonl"):
        path.write_text("[1]\n[2]")
    with pytest.raises(ikpipe.JournalError, match=f"{tmp_path}/.*jsonl is damaged. Remove it"):
        anew(upload)(table(1))


def test_a_journal_path_is_absolute(account: Account, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Relative to the current folder of the process that prepared the upload, since workers have others."""
    monkeypatch.chdir(tmp_path)
    assert plan(account, journal="here").journal == str(tmp_path / "here")


def test_the_order_of_keywords_does_not_change_the_run(account: Account, tmp_path: Path) -> None:
    """The mapping is the same."""
    one = plan(account, journal=tmp_path, tags=["a"], description="{sku}")
    assert plan(account, journal=tmp_path, description="{sku}", tags=["a"]).run == one.run


OWNER = Prover(ikpipe.Account("public_owner", "private_owner"))


class LateRun:
    """A folder in which another process creates a run just after this one saw that there is none."""

    def __init__(self, folder: Path, run: dict[str, Any]) -> None:
        self._files, self._run = open_storage(folder), run

    def names(self, folder: str) -> list[str]:
        """Return the names of a folder's files."""
        return self._files.names(folder)

    def read(self, name: str) -> bytes | None:
        """Read a file; the other process creates it after the first read."""
        content = self._files.read(name)
        begin(self._files, "here", self._run, (), OWNER)
        return content

    def write(self, name: str, content: bytes, *, new: bool = False) -> None:
        """Write a file."""
        self._files.write(name, content, new=new)


def test_a_run_that_two_processes_start_at_once_is_one_run(tmp_path: Path) -> None:
    """The second one, which saw no run, continues the run of the first."""
    other = {"run": "other"}
    facts, _ = begin(LateRun(tmp_path, other), "here", {"run": "own"}, (), OWNER)
    assert facts["run"] == "other"


# Changed rows


def versions(emulator: Emulator) -> Counter[str]:
    """Return the number of stored versions by path."""
    return Counter(entry["filePath"] for entry in emulator.log() if entry.get("stored"))


CHANGES: dict[str, Callable[[pd.DataFrame], pd.DataFrame]] = {
    "bytes": lambda rows: rows.assign(file=[gif(100 + row) for row in range(len(rows))]),
    "another size": lambda rows: rows.assign(file=[gif(row) + b"more" for row in range(len(rows))]),
    "tags": lambda rows: rows.assign(tags="new"),
    "both": lambda rows: rows.assign(file=[gif(100 + row) for row in range(len(rows))], tags="new"),
    "metadata": lambda rows: rows.assign(description="new"),
    "folder": lambda rows: rows.assign(folder="/other/"),
}


@pytest.mark.parametrize("unique", [True, False])
@pytest.mark.parametrize("change", CHANGES)
def test_a_changed_row_is_sent(change: str, *, unique: bool, emulate: Callable[..., Emulator], tmp_path: Path) -> None:
    """Its key leads to the earlier file, which is not the result of the changed row."""
    emulator = emulate()
    options: dict[str, Any] = {"journal": tmp_path, "key": "sku", "use_unique_file_name": unique, "columns": {}}
    rows, changed = table(3), CHANGES[change](table(3))
    if "folder" in changed:
        rows, options["folder"] = rows.assign(folder="/part/"), None
    upload = plan(emulator.account, **options)
    first, second = upload(rows), upload(changed)
    assert [*second["ik_status"]] == ["uploaded"] * 3
    assert not {*first["ik_version_id"]} & {*second["ik_version_id"]}
    assert [*second["ik_size"]] == [len(content) for content in changed["file"]]
    assert max(versions(emulator).values()) == (1 if unique or change == "folder" else 2)
    before = len(emulator.log())
    assert_frame_equal(upload(changed), second)
    assert len(emulator.log()) == before


def test_only_the_changed_row_is_sent(emulate: Callable[..., Emulator], tmp_path: Path) -> None:
    """The others keep their results."""
    emulator = emulate()
    upload = plan(emulator.account, journal=tmp_path, key="sku", use_unique_file_name=False)
    first, before = upload(table(3)), len(emulator.log())
    second = upload(table(3).assign(tags=[None, "new", None]))
    assert [entry["filePath"] for entry in emulator.log()[before:] if entry.get("stored")] == ["/part/s1.gif"]
    assert_frame_equal(second.drop(columns="tags").iloc[[0, 2]], first.iloc[[0, 2]])


def test_a_row_that_changes_back_has_its_first_file(emulate: Callable[..., Emulator], tmp_path: Path) -> None:
    """Its unique name is derived from its content, so the file with that name is its own."""
    emulator = emulate()
    upload = plan(emulator.account, journal=tmp_path, key="sku")
    first, _, third = upload(table(2)), upload(CHANGES["bytes"](table(2))), upload(table(2))
    assert [*third["ik_status"]] == ["exists"] * 2
    assert [*third["ik_file_id"]] == [*first["ik_file_id"]]


def test_a_row_that_became_invalid_is_no_longer_uploaded(emulate: Callable[..., Emulator], tmp_path: Path) -> None:
    """The file of its key is not the result of the changed row."""
    upload = plan(emulate().account, journal=tmp_path, key="sku")
    upload(table(2))
    assert [*upload(table(2).assign(file=["ftp://a/b", gif(1)]))["ik_status"]] == ["invalid", "uploaded"]


@pytest.mark.parametrize("key", ["sku", None])
@pytest.mark.parametrize("unique", [True, False])
def test_a_local_file_that_has_changed_is_sent(
    *, unique: bool, key: str | None, emulate: Callable[..., Emulator], tmp_path: Path
) -> None:
    """Content at the same path and size counts; modification times, which differ by machine, do not."""
    emulator = emulate()
    (tmp_path / "files").mkdir()
    path = tmp_path / "files" / "a.gif"
    rows = pd.DataFrame({"sku": ["a"], "file": ["a.gif"]})
    options: dict[str, Any] = {"journal": tmp_path / "journal", "root": path.parent, "use_unique_file_name": unique}
    upload = plan(emulator.account, key=key, **options)
    path.write_bytes(gif(1))
    first = upload(rows)
    os.utime(path, (1, 1))
    before = len(emulator.log())
    assert_frame_equal(upload(rows), first)
    assert len(emulator.log()) == before
    path.write_bytes(gif(2))
    second = upload(rows)
    assert [*second["ik_status"]] == ["uploaded"]
    assert [*second["ik_version_id"]] != [*first["ik_version_id"]]


def test_a_deleted_file_does_not_change_a_row_without_a_key(emulate: Callable[..., Emulator], tmp_path: Path) -> None:
    """The part is identified by the content of its rows, which is the same."""
    (tmp_path / "a.gif").write_bytes(gif(1))
    upload = plan(emulate().account, journal=tmp_path / "journal", root=tmp_path)
    rows = pd.DataFrame({"sku": ["a"], "file": ["a.gif"]})
    first = upload(rows)
    (tmp_path / "a.gif").unlink()
    assert_frame_equal(upload(rows), first)


@pytest.mark.parametrize(
    ("query", "other", "same"),
    [
        ("?X-Amz-Date=1&X-Amz-Signature=a", "?X-Amz-Date=2&X-Amz-Signature=b", True),
        ("?v=3&X-Goog-Date=1&X-Goog-Signature=a", "?v=3&X-Goog-Date=2&X-Goog-Signature=b", True),
        ("?Expires=1&Signature=a&Key-Pair-Id=k", "?Expires=2&Signature=b&Key-Pair-Id=k", True),
        ("?sv=1&se=2&sr=b&sig=a", "?sv=1&se=3&sr=b&sig=b", True),
        ("?v=3&X-Amz-Signature=a", "?v=4&X-Amz-Signature=b", False),
        ("?expires=1", "?expires=2", False),
        ("?v=3", "?v=4", False),
    ],
)
def test_a_signature_does_not_change_a_row(query: str, other: str, *, same: bool) -> None:
    """A presigned URL differs each time; what it leads to is the same."""
    sources = [FileSource("url", text=f"https://bucket.example/a.jpg{text}") for text in (query, other)]
    first, second = (digest({"fileName": "a.jpg"}, source) for source in sources)
    assert (first == second) is same


@pytest.mark.skipif(os.name != "posix", reason="other pipes and links")
def test_a_pipe_or_link_in_place_of_a_file_is_not_read(tmp_path: Path) -> None:
    """A pipe without a writer would block the run; a link is refused, as when the file is sent."""
    source = FileSource("path", path=str(tmp_path / "a.gif"))
    os.mkfifo(tmp_path / "a.gif")
    digest({}, source)
    (tmp_path / "a.gif").unlink()
    (tmp_path / "b.gif").write_bytes(gif(1))
    (tmp_path / "a.gif").symlink_to(tmp_path / "b.gif")
    with pytest.raises(OSError, match="links"):
        digest({}, source)


@pytest.mark.parametrize("change", ["bytes", "tags"])
def test_a_row_that_changed_while_it_was_unknown(change: str, emulate: Callable[..., Emulator], tmp_path: Path) -> None:
    """The result of its last version is not the result of this one."""
    emulator = emulate(faults={"store-then-cut": 1.0})
    policy = Policy(index_lag=0.1, first_wait=0.01)
    options: dict[str, Any] = {"use_unique_file_name": False, "journal": tmp_path, "retries": 0, "policy": policy}
    account = replace(
        emulator.account, api_url="http://127.0.0.1:9"
    )  # no lookup is possible, so each row stays unknown
    first = plan(account, key="sku", **options)(table(2))
    assert [*first["ik_status"]] == ["unknown"] * 2
    emulator.faults.rates.clear()
    second = plan(emulator.account, key="sku", **options)(CHANGES[change](table(2)))
    assert set(second["ik_status"]) <= {"uploaded", "exists"}
    stored_since = [entry for entry in emulator.log() if entry.get("stored")]
    assert len(stored_since) == 4


@pytest.mark.parametrize("fault", ["reset-after", "5xx"])
@pytest.mark.parametrize("change", ["bytes", "tags"])
def test_the_earlier_version_does_not_confirm_a_changed_row(
    change: str, fault: str, emulate: Callable[..., Emulator], tmp_path: Path
) -> None:
    """It has the path and size of the row and was stored after the run started, but before the row changed."""
    emulator = emulate(faults={fault: 0.0})
    policy = Policy(index_lag=0.1, first_wait=0.01, clock_skew=0.0)
    upload = plan(emulator.account, journal=tmp_path, key="sku", use_unique_file_name=False, policy=policy)
    first = upload(table())
    emulator.faults.rates[fault] = 0.5
    second = upload(CHANGES[change](table()))
    assert emulator.faults.fired[fault]
    assert set(second["ik_status"]) <= {"uploaded", "exists"}
    assert not {*first["ik_version_id"]} & {*second["ik_version_id"]}


def test_rows_that_exchange_their_names_are_sent(emulate: Callable[..., Emulator], tmp_path: Path) -> None:
    """Each row has the name that another row had before."""
    upload = plan(emulate().account, journal=tmp_path, key="sku", use_unique_file_name=False, file_name="{name}.gif")
    upload(table(2).assign(name=["one", "two"]))
    results = upload(table(2).assign(name=["two", "one"]))
    assert [*results["ik_status"]] == ["uploaded"] * 2
    assert [*results["ik_name"]] == ["two.gif", "one.gif"]


def test_an_entry_without_a_hash_is_accepted(emulate: Callable[..., Emulator], tmp_path: Path) -> None:
    """Entries of earlier versions, and of rows whose files could not be read, have none."""
    emulator = emulate()
    upload = plan(emulator.account, journal=tmp_path, key="sku", trust_journal=True)
    first = upload(table(2))
    for path in tmp_path.glob("rows/*/*.jsonl"):
        lines = [json.loads(line) for line in path.read_text().splitlines()]
        path.write_text("\n".join(json.dumps([*line[:-2], None, line[-1]]) for line in lines))
    before = len(emulator.log())
    assert_frame_equal(anew(upload)(table(2)), first)
    assert len(emulator.log()) == before
