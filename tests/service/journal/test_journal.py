"""The journal: durable, held by one process, honest about a file or a disk that is not in order."""

from __future__ import annotations

import os
import sqlite3
import stat
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest
from doubles import RawServer, signing
from empty_journals import OWNER, begun, refused
from rows import at, blobs, quiet

import ikpipe
from ikpipe.journal.entries import Intent, IntentVoided, RowBefore, RowEnded, RowPrepared, RowRecord, TablePiece
from ikpipe.journal.sqlite import SQLiteJournal

if TYPE_CHECKING:
    from collections.abc import Callable

    from ikpipe import Account
    from ikpipe.emulator import Emulator

    Arrived = Callable[[], list[dict[str, Any]]]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Give a place for a journal."""
    return tmp_path / "run.ikjournal"


def count(path: Path, table: str) -> int:
    """Count the rows of a table as another program sees them."""
    db = sqlite3.connect(path)
    try:
        return int(db.execute(f"SELECT count(*) FROM {table}").fetchone()[0])  # noqa: S608 - our own tables
    finally:
        db.close()


# What it keeps


def test_it_gives_back_what_it_was_told(path: Path) -> None:
    """The run's facts, its frame, and each row's story, after it was closed."""
    row, first, again = (
        RowPrepared(3, '{"a": "b"}', 9, own_name=True),
        Intent(3, 1, 2, 5.5),
        Intent(3, 1, 2, 6.5, guess=True),
    )
    befores = (RowBefore(3, "f", "v", '{"tags": ["a"]}'), RowBefore(3, "f", None, "{}", '{"tags": []}'))
    with begun(path) as journal:
        journal.write(
            [row, *befores, first, again, IntentVoided(3), RowEnded(4, "{}"), befores[0]._replace(position=5)]
        )
    with SQLiteJournal.open(path, OWNER) as journal:
        assert (journal.facts["run"], journal.rows) == ("r", 9)
        assert list(journal.pieces()) == [TablePiece(0, 7, "cells", "head"), TablePiece(7, 2, "more", "head")]
        stories = dict(journal.records())
    assert stories[3] == RowRecord(row, [first, again], voided=True, result=None, befores=befores)
    assert stories[5] == RowRecord(None, [], False, None, (befores[0]._replace(position=5),))
    assert stories[4] == RowRecord(None, [], voided=False, result="{}")


@pytest.mark.parametrize("rows", [1, 3, 4, 63, 64, 65, 150])
def test_any_number_of_rows_goes_into_a_write(rows: int, path: Path) -> None:
    """Each has what is its own, however many share the write."""
    begun_ = [RowPrepared(row, f'{{"a": "{row}"}}', row, own_name=True) for row in range(rows)]
    intents = [Intent(row, row, row + 1, row + 0.5, f"token {row}") for row in range(rows)]
    ended = [RowEnded(row, str(row)) for row in range(0, rows, 2)]
    with begun(path) as journal:
        journal.write([entry for pair in zip(begun_, intents, strict=True) for entry in pair])
        journal.write([*ended, *(IntentVoided(row) for row in range(1, rows, 2))])
        stories = dict(journal.records())
    intents = [intent._replace(token=None) for intent in intents]
    assert [stories[row][:2] for row in range(rows)] == [(begun_[row], [intents[row]]) for row in range(rows)]
    assert [row for row, story in stories.items() if story.voided] == list(range(1, rows, 2))
    assert {row: story.result for row, story in stories.items() if story.result} == dict(ended)


def test_a_row_that_was_settled_can_be_in_doubt_again(path: Path) -> None:
    """Only what follows the last intent counts."""
    with begun(path) as journal:
        journal.write(
            [RowPrepared(0, "{}", 1, own_name=False), Intent(0, 1, 2, 5.0), IntentVoided(0), Intent(0, 3, 4, 6.0)]
        )
        assert dict(journal.records())[0].voided is False


def test_a_write_is_all_or_nothing(path: Path) -> None:
    """Entries that go together are there together."""
    with begun(path) as journal:
        with pytest.raises(ikpipe.JournalError):
            journal.write([RowEnded(1, "{}"), Intent(2, 1, 2, float("nan"))])  # SQLite has no such number
        assert dict(journal.records()) == {}


def test_a_token_of_another_signer_is_kept_no_longer_than_needed(path: Path) -> None:
    """It is there while its request may be under way, and gone once the row has ended."""
    with begun(path) as journal:
        journal.write([RowPrepared(0, "{}", 1, own_name=False), Intent(0, 1, 2, 5.0, "a-token")])
        assert dict(journal.records())[0].intents[0].token == "a-token"
        journal.write([RowEnded(0, "{}")])
        assert dict(journal.records())[0].intents[0].token is None
    assert b"a-token" not in path.read_bytes()


def test_it_is_nobody_elses_business(path: Path) -> None:
    """Only its owner may read it."""
    begun(path).close()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_one_file_is_left(path: Path) -> None:
    """Once it is closed, everything is in the one file that was named."""
    with begun(path) as journal:
        journal.write([RowEnded(0, "{}")])
    assert [one.name for one in path.parent.iterdir()] == [path.name]


# Files and disks that are not in order


def test_one_that_is_not_there(path: Path) -> None:
    """Nothing is made by looking for it."""
    assert "no journal" in refused(path)
    assert not path.exists()


def test_one_that_is_none(path: Path) -> None:
    """Some other file is left as it is."""
    path.write_text("sku,image\n" * 200)
    assert "is not an ikpipe journal" in refused(path)
    assert path.read_text().startswith("sku")


def test_one_that_is_damaged(path: Path) -> None:
    """Bytes that were overwritten are found out."""
    with begun(path) as journal:
        journal.write([RowEnded(position, "x" * 500) for position in range(500)])
    content = bytearray(path.read_bytes())
    content[4096 : len(content) // 2] = os.urandom(len(content) // 2 - 4096)
    path.write_bytes(content)
    with pytest.raises(ikpipe.JournalError, match="damaged"):
        dict(SQLiteJournal.open(path, OWNER).records())


def test_one_that_another_version_wrote(path: Path) -> None:
    """A format that is unknown is not guessed at."""
    with begun(path) as journal:
        journal._db.execute("PRAGMA user_version = 99")  # noqa: SLF001
    assert "format 99" in refused(path)


def test_one_that_was_never_begun(path: Path) -> None:
    """A process that was killed while it made its journal had sent nothing; the next one may begin."""
    SQLiteJournal.make(path, OWNER).close()
    assert "nothing was sent" in refused(path)
    begun(path).close()


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    """The error has the system's word, and what to do."""
    with pytest.raises(ikpipe.JournalError, match=r"No such file or directory. Use another journal with journal="):
        SQLiteJournal.make(tmp_path / "none" / "run.ikjournal", OWNER)


# What a run does with it


def test_a_run_keeps_a_journal(account: Account, path: Path) -> None:
    """Every row's parameters, intent and result are in it; the summary names it."""
    results = quiet(blobs(b"1", b"2"), account, file_name="a", journal=path)
    assert results.attrs["ikpipe"]["journal"] == str(path)
    assert [count(path, table) for table in ("rows", "intents", "results")] == [2, 2, 2]


def test_without_a_place_it_lies_in_the_state_folder(
    account: Account, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """It is named in the summary, and is there when the run is over."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    results = quiet(blobs(b"1"), account, file_name="a")
    assert (tmp_path / "ikpipe" / "journals").samefile(os.path.dirname(results.attrs["ikpipe"]["journal"]))  # noqa: PTH120
    assert count(results.attrs["ikpipe"]["journal"], "results") == 1


def test_one_file_alone_keeps_none(account: Account, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """`upload_file` leaves nothing behind."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    ikpipe.upload_file(b"1", account, file_name="a")
    assert list(tmp_path.iterdir()) == []


def test_the_intent_is_there_before_the_request(account: Account, path: Path) -> None:
    """While a request is under way its intent can be read from the disk, with parameters and times."""
    seen: list[Any] = []

    def copied(talk: Any) -> None:
        talk.head()
        copy = path.parent / "copy.ikjournal"
        for ending in ("", "-wal"):
            source = path.parent / (path.name + ending)
            if source.exists():
                (path.parent / (copy.name + ending)).write_bytes(source.read_bytes())
        with SQLiteJournal.open(copy, account) as journal:
            seen.append(dict(journal.records()))
        talk.reset()

    with RawServer(copied) as server, pytest.raises(ikpipe.AccountError, match="gave no answer"):
        quiet(blobs(b"1"), at(account, server.url), file_name="a", journal=path, policy=ikpipe.Policy(first_wait=0))
    story = seen[0][0]
    assert ('"fileName"' in story.prepared.fields, len(story.intents), story.result) == (True, 1, None)


def test_one_that_is_a_folder(account: Account, path: Path, arrived: Arrived) -> None:
    """Nothing is sent that cannot be written down."""
    path.mkdir()
    with pytest.raises(ikpipe.JournalError, match="is not an ikpipe journal"):
        quiet(blobs(b"1"), account, file_name="a", journal=path)
    assert arrived() == []


def test_one_that_is_in_use_stops_the_run(account: Account, path: Path, arrived: Arrived) -> None:
    """Before anything is sent."""
    with begun(path), pytest.raises(ikpipe.JournalError, match="another process is using it"):
        quiet(blobs(b"1"), account, file_name="a", journal=path)
    assert arrived() == []


def test_it_has_no_key(emulate: Callable[..., Emulator], path: Path) -> None:
    """Nor a token that was signed here; nor, in the end, one that was signed elsewhere."""
    emulator = emulate(private_key="private_" + "journalSecret" * 2)
    quiet(blobs(b"1"), emulator.account, file_name="a", journal=path)
    content = path.read_bytes()
    with signing(str(emulator.private_key)) as signer:
        remote = ikpipe.Account(
            emulator.public_key,
            authentication_endpoint=signer.url,
            headers={"Cookie": "sessionSecret"},
            upload_url=emulator.upload_url,
            api_url=emulator.url,
        )
        results = quiet(blobs(b"1"), remote, file_name="a", journal=path.with_suffix(".2"))
    assert results["ik_status"].tolist() == ["uploaded"]
    content += path.with_suffix(".2").read_bytes()
    for secret in (b"journalSecret", b"sessionSecret", b"eyJ"):
        assert secret not in content


def test_errors_name_it(emulate: Callable[..., Emulator], path: Path) -> None:
    """Whatever stops a run says where its journal is."""
    emulator = emulate(account_disabled=True)
    with pytest.raises(ikpipe.AccountError, match=f"journal is {path}"):
        quiet(blobs(b"1"), emulator.account, file_name="a", journal=path)
    with pytest.raises(ikpipe.UploadError, match="journal is"):
        quiet(pd.DataFrame({"file": ["none"]}), emulator.account, on_error="raise")


# Clearing away


def aged(path: Path, days: int) -> None:
    """Let a file be so old."""
    then = path.stat().st_mtime - days * 86_400
    os.utime(path, (then, then))


def test_old_finished_ones_are_cleared(account: Account, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A run that had no more to do is forgotten after 30 days; one that was cut off never is."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    folder = tmp_path / "ikpipe" / "journals"
    old, young = (quiet(blobs(b"1"), account, file_name="a").attrs["ikpipe"]["journal"] for _ in range(2))
    cut = folder / "20200101T000000-00000000.ikjournal"
    begun(cut).close()
    for one in (old, cut):
        aged(folder / one, 31)
    aged(folder / young, 29)
    quiet(blobs(b"1"), account, file_name="a")
    assert {str(one) for one in folder.iterdir()} >= {young, str(cut)}
    assert not os.path.exists(old)  # noqa: PTH110


def test_old_ones_are_cleared_where_each_night_has_the_same_file(
    account: Account, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, path: Path
) -> None:
    """The journal of the night before is moved to the state folder, and those of 30 nights ago are deleted there."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    folder = tmp_path / "ikpipe" / "journals"
    old = Path(quiet(blobs(b"1"), account, file_name="a").attrs["ikpipe"]["journal"])
    aged(old, 31)
    log = folder / "gone.ikjournal-wal"
    log.write_bytes(b"1")
    aged(log, 31)
    for night in (b"1", b"2"):
        quiet(blobs(night), account, file_name="b", journal=path)
    assert not old.exists()
    assert not log.exists()
    assert len(list(folder.iterdir())) == 1


def test_one_that_is_in_use_is_not_cleared(account: Account, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """However old it is."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    folder = tmp_path / "ikpipe" / "journals"
    folder.mkdir(parents=True)
    with begun(folder / "a.ikjournal") as journal:
        journal.end(0.0)
        aged(journal.path, 30)
        quiet(blobs(b"1"), account, file_name="a")
        assert journal.path.exists()
