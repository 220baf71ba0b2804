"""Journals prove who wrote them: what nobody proves is not obeyed, and what is no journal is not changed."""

from __future__ import annotations

import json
import os
import pickle
import shutil
import sqlite3
import stat
import subprocess
import sys
import threading
import time
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest
from crashing import SWIFT, killed, table
from doubles import remote, uploads_of
from history import UP
from rows import blobs, quiet

import ikpipe
from ikpipe.journal import catalog, glances, inspection
from ikpipe.journal.entries import RowBefore, RowEnded, TablePiece
from ikpipe.journal.format import FORMAT
from ikpipe.journal.proof import Prover, Seal
from ikpipe.journal.sqlite import SQLiteJournal

if TYPE_CHECKING:
    from collections.abc import Callable

    from ikpipe import Account
    from ikpipe.emulator import Emulator

OPTIONS: dict[str, Any] = {"file_name": "{sku}.gif", "folder": "/proof/", "concurrency": 2, "policy": SWIFT}
EARLIER = Path(__file__).parents[2] / "data" / "journals"
KEYS = {"public_key": "public_fixture", "private_key": "private_fixture"}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Give a place for a journal, in a folder of its own."""
    (tmp_path / "run").mkdir()
    return tmp_path / "run" / "run.ikjournal"


def snapshot(folder: Path) -> dict[str, Any]:
    """Tell what is in a folder: names, bytes, modes, and when each was changed."""
    return {
        path.name: (path.lstat().st_mode, path.lstat().st_mtime_ns, path.is_file() and path.read_bytes())
        for path in folder.iterdir()
    }


def change(path: Path, *statements: str) -> None:
    """Change a database as another program does."""
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        for words in statements:
            db.execute(words)


def resume(path: Path, account: Account, **options: Any) -> pd.DataFrame:
    """Resume without drawing."""
    return ikpipe.resume(path, account, progress=False, **options)


def cut(path: Path, account: Account, rows: int = 4) -> None:
    """Leave the journal of a run whose first row has ended, and whose second is under way."""
    assert killed(ikpipe.upload, "after a reply", 2, table(rows), account, journal=path, **OPTIONS | {"concurrency": 1})


def finished(path: Path, account: Account) -> None:
    """Leave the journal of a run that is done."""
    quiet(table(3), account, journal=path, **OPTIONS)


# What is no journal stays as it is


def rollback(path: Path) -> None:
    """Write a database of another program."""
    change(path, "CREATE TABLE notes (words TEXT)", "INSERT INTO notes VALUES ('mine')")


def wal(path: Path) -> None:
    """Write one in WAL mode, whose log is in it."""
    change(path, "PRAGMA journal_mode=WAL", "CREATE TABLE notes (words TEXT)")


def with_log(path: Path) -> None:
    """Write one whose process was killed: its log is beside it."""
    code = (
        "import os, signal, sqlite3; db = sqlite3.connect({!r}); db.execute('PRAGMA journal_mode=WAL'); "
        "db.execute('CREATE TABLE notes (words TEXT)'); db.commit(); os.kill(os.getpid(), signal.SIGKILL)"
    )
    subprocess.run([sys.executable, "-c", code.format(str(path))], check=False)  # noqa: S603
    assert path.with_name(f"{path.name}-wal").stat().st_size


def alike(path: Path) -> None:
    """Write one whose tables have the names of a journal's."""
    names = ("about", "pieces", "rows", "intents", "results")
    change(path, *(f"CREATE TABLE {name} (facts TEXT, ended REAL)" for name in names))


def of_a_journal(path: Path) -> None:
    """Write a journal to which somebody has added a trigger."""
    with SQLiteJournal.make(path, ikpipe.Account("public_x", "private_x")) as journal:
        journal.begin({"run": "r"})
    change(path, "CREATE TRIGGER t AFTER INSERT ON results BEGIN DELETE FROM intents; END")


FOREIGN: dict[str, Callable[[Path], Any]] = {
    "rollback": rollback,
    "wal": wal,
    "with a log": with_log,
    "alike": alike,
    "a trigger": of_a_journal,
    "text": lambda path: path.write_text("sku,image\n" * 50),
    "a header alone": lambda path: path.write_bytes(b"SQLite format 3\0" + bytes(84)),
    "empty of tables": lambda path: change(path, "PRAGMA user_version=7"),
    "a folder": Path.mkdir,
    "a pipe": os.mkfifo,
    "a link": lambda path: (rollback(path.with_name("other")), path.symlink_to("other")),
}


@pytest.mark.parametrize("way", ["upload", "resume", "retry"])
@pytest.mark.parametrize("kind", FOREIGN)
def test_what_is_no_journal_is_not_changed(
    kind: str, way: str, account: Account, path: Path, arrived: Callable[[], list[Any]]
) -> None:
    """Not a byte, no time, nothing beside it; and nothing is sent."""
    FOREIGN[kind](path)
    before = snapshot(path.parent)
    results = blobs(b"1").assign(ik_status="unknown")
    ways: dict[str, Callable[[], Any]] = {
        "upload": lambda: quiet(blobs(b"1"), account, file_name="a", journal=path, trust_journal=True),
        "resume": lambda: resume(path, account, trust_journal=True),
        "retry": lambda: ikpipe.retry(
            results, account, file_name="a", earlier_journal=path, trust_journal=True, progress=False
        ),
    }
    with pytest.raises(ikpipe.JournalError, match=r"not an ikpipe journal|is damaged") as caught:
        ways[way]()
    assert str(path) in str(caught.value)
    assert snapshot(path.parent) == before
    assert arrived() == []


def test_a_list_of_runs_changes_nothing(
    account: Account, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, path: Path
) -> None:
    """Journals of this user and of others, of both formats, and what is none, are read and left; old ones too."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    folder = catalog.journals_folder()
    folder.mkdir(parents=True)
    for name, make in [("a.ikjournal", rollback), ("b.ikjournal", with_log), ("c.ikjournal", Path.mkdir)]:
        make(folder / name)
    for suffix in ("", "-wal"):
        shutil.copy(f"{EARLIER}/interrupted.ikjournal{suffix}", f"{folder}/earlier.ikjournal{suffix}")
    cut(path, account)
    for one in path.parent.glob("*"):
        shutil.copy(one, folder / one.name)
    for one in folder.iterdir():
        os.utime(one, (0, 0))
    before = snapshot(folder)
    assert {one.path.name: one.rows for one in catalog.interrupted_runs()} == {
        "earlier.ikjournal": 3,
        "run.ikjournal": 4,
    }
    catalog.delete_old(time.time())
    assert snapshot(folder) == before


def test_what_is_done_is_cleared_away_whoever_wrote_it(
    account: Account, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """To prune journals needs no proof."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    path = Path(quiet(table(1), account, **OPTIONS).attrs["ikpipe"]["journal"])
    os.utime(path, (0, 0))
    catalog.delete_old(time.time())
    assert not path.exists()


IN_USE = """
import pathlib, sys, ikpipe
from ikpipe.journal.sqlite import SQLiteJournal
try:
    SQLiteJournal.open(pathlib.Path(sys.argv[1]), ikpipe.Account("public_x", "private_x"))
except ikpipe.JournalError as error:
    print(error)
"""


def test_to_look_at_a_journal_in_use_does_not_let_go_of_it(path: Path) -> None:
    """To close a file lets go of all locks that a process has on it: it is not opened at all."""
    owner = ikpipe.Account("public_x", "private_x")
    with SQLiteJournal.make(path, owner) as journal:
        journal.begin({"run": "r", "public_key": "public_x"})
        for look in (lambda: SQLiteJournal.open(path, owner), lambda: glances.glance(path)):
            with pytest.raises(ikpipe.JournalError, match="another process is using it"):
                look()
        command = [sys.executable, "-c", IN_USE, str(path)]
        ran = subprocess.run(command, capture_output=True, text=True, check=True)  # noqa: S603
        assert "another process is using it" in ran.stdout


# Entries that this run did not write


def other_text(db: sqlite3.Connection) -> str:
    """Give the facts with another root."""
    facts = json.loads(db.execute("SELECT facts FROM about").fetchone()[0])
    mapping = json.loads(facts["mapping"])
    return json.dumps({**facts, "mapping": json.dumps({**mapping, "root": "/", "fetch": "client"})})


CHANGES = {
    "the number of rows": "UPDATE about SET rows = 2",
    "a cell": "UPDATE pieces SET cells = replace(cells, '0001', '9999')",
    "the head": "UPDATE pieces SET head = replace(head, 'sku', 'SKU')",
    "a piece moved": "UPDATE pieces SET start = 7",
    "a request": "UPDATE rows SET fields = replace(fields, '/proof/', '/other/') WHERE position = 1",
    "a size": "UPDATE rows SET size = size + 1 WHERE position = 1",
    "a name said to be fixed": "UPDATE rows SET own_name = 0 WHERE position = 1",
    "a time": "UPDATE intents SET iat = iat + 1 WHERE position = 1",
    "a time that is no number": "UPDATE intents SET exp = 'never' WHERE position = 1",
    "an attempt of another row": "UPDATE intents SET position = 1",
    "an attempt said to be void": "UPDATE intents SET voided = mac WHERE position = 1",
    "a token": "UPDATE intents SET token = '00 eyJ' WHERE position = 1",
    "a result": "UPDATE results SET result = replace(result, '\"uploaded\"', '\"exists\"')",
    "a result of another row": "UPDATE results SET position = 3",
    "a result made up": "INSERT INTO results SELECT 3, result, mac FROM results",
}


@pytest.mark.parametrize("trust", [False, True])
@pytest.mark.parametrize("what", CHANGES)
def test_an_entry_that_was_changed_is_not_obeyed(
    what: str, *, trust: bool, emulate: Callable[..., Emulator], path: Path
) -> None:
    """Whichever table it is in, trusted or not; the error says what is not as it was written."""
    emulator = emulate()
    cut(path, emulator.account)
    change(path, CHANGES[what])
    before = len(uploads_of(emulator))
    with pytest.raises(ikpipe.JournalError, match="was changed since it was written"):
        resume(path, emulator.account, trust_journal=trust)
    assert len(uploads_of(emulator)) == before


def test_facts_that_were_changed_are_not_obeyed(emulate: Callable[..., Emulator], path: Path) -> None:
    """A root, a fetch, a mapping that somebody wrote into them: the file is refused, and stays as it is."""
    emulator = emulate()
    cut(path, emulator.account)
    with closing(sqlite3.connect(path)) as db:
        facts = other_text(db)
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.execute("UPDATE about SET facts = ?", (facts,))
    before, sent = snapshot(path.parent), len(uploads_of(emulator))
    for call in (resume, lambda path, account: quiet(table(4), account, journal=path, **OPTIONS)):
        with pytest.raises(ikpipe.JournalError, match="or was changed since"):
            call(path, emulator.account)
    assert (snapshot(path.parent), len(uploads_of(emulator))) == (before, sent)


def test_an_entry_of_another_run_proves_nothing(emulate: Callable[..., Emulator], path: Path) -> None:
    """Be it of the same account, position and table."""
    emulator = emulate()
    cut(path, emulator.account)
    other = path.with_name("other.ikjournal")
    finished(other, emulator.account)
    replay = "INSERT INTO results SELECT * FROM other.results WHERE position = 1"
    change(path, f"ATTACH '{other}' AS other", replay)
    with pytest.raises(ikpipe.JournalError, match="the result of row 1 is not what this account wrote"):
        resume(path, emulator.account)


def test_a_retry_does_not_obey_a_journal_that_was_changed(emulate: Callable[..., Emulator], path: Path) -> None:
    """One that is named is an error; one that the results note is as good as none."""
    emulator = emulate(faults={"store-then-cut": 1})
    with remote(emulator) as account:
        blind = quiet(table(1), account, journal=path, **OPTIONS | {"retries": 0})
    change(path, "UPDATE rows SET size = 1")
    with pytest.raises(ikpipe.JournalError, match="was changed since"):
        ikpipe.retry(blind, emulator.account, earlier_journal=path, progress=False, policy=SWIFT)
    again = ikpipe.retry(blind, emulator.account, progress=False, policy=SWIFT)
    assert again["ik_status"].tolist() == ["exists"]


# Who wrote it


@pytest.fixture
def other_key(emulate: Callable[..., Emulator]) -> Account:
    """Give an account whose private key was replaced: another one signs for the same public key."""
    return emulate(public_key="public_same", private_key="private_new").account


@pytest.fixture
def old_key(emulate: Callable[..., Emulator]) -> Emulator:
    """Give the service while it had the key from before."""
    return emulate(public_key="public_same", private_key="private_old")


def refused(path: Path, account: Account) -> str:
    """See that a journal is refused in each way, and unchanged; give the words."""
    before = snapshot(path.parent)
    results = blobs(b"1").assign(ik_status="uploaded")
    said = []
    for call in (
        lambda: resume(path, account),
        lambda: quiet(table(4), account, journal=path, **OPTIONS),
        lambda: ikpipe.retry(results, account, file_name="a", earlier_journal=path, progress=False),
    ):
        with pytest.raises(ikpipe.JournalError) as caught:
            call()
        said.append(str(caught.value))
    assert snapshot(path.parent) == before
    assert len({*said}) == 1
    return said[0]


def test_a_journal_of_another_private_key(old_key: Emulator, other_key: Account, path: Path) -> None:
    """Refused without a word from the caller; finished with one, and proven from then on."""
    cut(path, old_key.account)
    words = refused(path, other_key)
    assert "was written with another private key than this account's" in words
    assert "pass trust_journal=True" in words
    results = resume(path, other_key, trust_journal=True)
    assert set(results["ik_status"]) <= UP
    assert resume(path, other_key)["ik_status"].tolist() == results["ik_status"].tolist()


def test_the_same_call_again_can_trust_too(old_key: Emulator, other_key: Account, path: Path) -> None:
    """`upload` goes on with it."""
    cut(path, old_key.account)
    results = quiet(table(4), other_key, journal=path, trust_journal=True, **OPTIONS)
    assert set(results["ik_status"]) <= UP


def test_a_retry_can_trust_too(old_key: Emulator, other_key: Account, path: Path) -> None:
    """What the journal knows of rows in doubt is used."""
    finished(path, old_key.account)
    results = blobs(b"1").assign(ik_status="uploaded")
    ikpipe.retry(results, other_key, file_name="a", earlier_journal=path, trust_journal=True, progress=False)
    with SQLiteJournal.open(path, other_key) as journal:
        assert journal.rows == 3


@pytest.mark.parametrize("trust", [False, True])
def test_the_public_key_must_match(*, trust: bool, old_key: Emulator, path: Path) -> None:
    """Even of a journal that is trusted; it stays as it is."""
    cut(path, old_key.account)
    before = snapshot(path.parent)
    stranger = replace(old_key.account, public_key="public_other")
    with pytest.raises(ikpipe.JournalError, match="belongs to the account public_same, not to public_other"):
        resume(path, stranger, trust_journal=trust)
    assert snapshot(path.parent) == before


def test_a_machine_without_the_key(emulate: Callable[..., Emulator], path: Path) -> None:
    """It cannot tell who wrote the journal of a run that had the key."""
    emulator = emulate()
    finished(path, emulator.account)
    with remote(emulator) as account:
        assert "private key, which is not set here" in refused(path, account)
        assert set(resume(path, account, trust_journal=True)["ik_status"]) == {"uploaded"}


def test_a_run_without_a_key_is_proven_by_the_user_s_secret(
    emulate: Callable[..., Emulator], path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With and without the private key; another user, or this one on another machine, has another secret."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "one"))
    emulator = emulate()
    with remote(emulator) as account:
        finished(path, account)
        for here in (account, emulator.account):
            assert len(resume(path, here)) == 3
        monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "two"))
        for here in (account, emulator.account):
            assert "by another user or on another machine" in refused(path, here)
        assert len(resume(path, account, trust_journal=True)) == 3
        assert len(resume(path, account)) == 3


def test_the_user_s_secret_is_nobody_else_s(
    emulate: Callable[..., Emulator], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is made once, by whoever is first, and only its owner may read it."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    account = ikpipe.Account("public_x", authentication_endpoint="http://127.0.0.1:1/")
    made: list[bytes] = []
    threads = [threading.Thread(target=lambda: made.append(Prover(account).own(b"x"))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({*made}) == 1
    (secret,) = (tmp_path / "ikpipe").iterdir()
    assert stat.S_IMODE(secret.stat().st_mode) == 0o600


def test_a_secret_that_cannot_be_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, path: Path) -> None:
    """Without it nothing would show who wrote the journal: the error says what to do."""
    (tmp_path / "state").write_text("")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    account = ikpipe.Account("public_x", authentication_endpoint="http://127.0.0.1:1/")
    with pytest.raises(ikpipe.JournalError, match="set XDG_STATE_HOME to another folder"):
        quiet(blobs(b"1"), account, file_name="a", journal=path)


def test_a_seal_does_not_show() -> None:
    """Neither in its repr nor in a pickle."""
    seal = Seal(b"secret" * 6)
    assert "secret" not in repr(seal)
    assert seal.secret() not in repr([seal.secret()])
    with pytest.raises(TypeError):
        pickle.dumps(seal)


def test_a_journal_that_others_can_read_is_closed_to_them(account: Account, path: Path) -> None:
    """If it is ours: a copy or an old umask may have opened it."""
    finished(path, account)
    path.chmod(0o644)
    resume(path, account)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


# What the version before wrote


@pytest.fixture
def earlier(path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give a journal of format 2, of a run that was killed; see `data/journals/make.py`."""
    monkeypatch.chdir(path.parent)
    Path("files").mkdir()
    Path("files/one.gif").write_bytes(b"GIF89a one")
    Path("files/three.gif").write_bytes(b"GIF89a three")
    for suffix in ("", "-wal"):
        shutil.copy(f"{EARLIER}/interrupted.ikjournal{suffix}", f"{path}{suffix}")
    return path


@pytest.fixture
def third(earlier: Path) -> Path:
    """Give the same of format 3, which proves who wrote it, and does not have the files that rows changed."""
    for suffix in ("", "-wal"):
        shutil.copy(f"{EARLIER}/format_3.ikjournal{suffix}", f"{earlier}{suffix}")
    return earlier


def test_a_journal_of_format_3_is_finished(third: Path, emulate: Callable[..., Emulator]) -> None:
    """It is proven as it is, has the present format then, and no row is sent twice."""
    emulator = emulate(**KEYS)
    results = resume(third, emulator.account, policy=SWIFT)
    assert results["ik_status"].tolist() == ["uploaded", "uploaded", "uploaded"]
    assert [entry["filePath"] for entry in uploads_of(emulator) if entry["stored"]] == ["/fixture/three.gif"]
    with closing(sqlite3.connect(third)) as db:
        assert db.execute("PRAGMA user_version").fetchone() == (FORMAT,)
    assert len(resume(third, emulator.account)) == 3
    assert len(uploads_of(emulator)) == 1


def test_a_journal_of_format_3_by_another_key_is_finished_if_it_is_trusted(
    third: Path, emulate: Callable[..., Emulator]
) -> None:
    """The private key was replaced since."""
    emulator = emulate(**{**KEYS, "private_key": "private_of_today"})
    assert "with another private key" in refused(third, emulator.account)
    results = resume(third, emulator.account, policy=SWIFT, trust_journal=True)
    assert results["ik_status"].tolist() == ["uploaded", "uploaded", "uploaded"]
    assert len(resume(third, emulator.account)) == 3


def test_files_that_rows_changed_are_kept_if_a_journal_is_trusted(path: Path) -> None:
    """With the MACs of the new key; nobody can change them."""
    before = RowBefore(0, "f", "v", '{"tags": ["a"]}', '{"tags": null}')
    old, new = (ikpipe.Account("public_fixture", key) for key in ("private_old", "private_new"))
    with SQLiteJournal.make(path, old) as journal:
        journal.begin({"run": "r", "begun": "2026", "public_key": "public_fixture"})
        journal.write([before])
    with SQLiteJournal.open(path, new, trust=True) as journal:
        assert dict(journal.records())[0].befores == (before,)
    change(path, "UPDATE files_before SET before = '{}'")
    with SQLiteJournal.open(path, new) as journal, pytest.raises(ikpipe.JournalError, match="the earlier file of row"):
        dict(journal.records())


def test_a_journal_of_the_format_before_is_refused(earlier: Path) -> None:
    """Nothing in it shows who wrote it."""
    account = ikpipe.Account(**KEYS)
    assert "has the format 2 of an earlier version of ikpipe, which does not show who wrote it" in refused(
        earlier, account
    )


def test_a_journal_of_the_format_before_is_finished(earlier: Path, emulate: Callable[..., Emulator]) -> None:
    """If it is trusted: rows that have ended stay, the others are sent, paths are paths; and it is proven then."""
    emulator = emulate(**KEYS)
    results = resume(earlier, emulator.account, trust_journal=True, policy=SWIFT)
    assert results["ik_status"].tolist() == ["uploaded", "uploaded", "uploaded"]
    assert [entry["filePath"] for entry in uploads_of(emulator) if entry["stored"]] == ["/fixture/three.gif"]
    assert isinstance(results["file"][0], Path)
    assert len(resume(earlier, emulator.account)) == 3
    assert len(uploads_of(emulator)) == 1


def test_what_was_stored_by_the_version_before_is_not_stored_twice(
    earlier: Path, emulate: Callable[..., Emulator]
) -> None:
    """Its intent is found, and looked for, before anything is sent: here somebody has stored it since."""
    emulator = emulate(**KEYS)
    frame = pd.DataFrame({"file": [b"GIF89a three"]})
    quiet(frame, emulator.account, file_name="three.gif", folder="/fixture/", use_unique_file_name=False)
    results = resume(earlier, emulator.account, trust_journal=True, policy=SWIFT)
    assert results["ik_status"].tolist() == ["uploaded", "uploaded", "exists"]
    assert len([entry for entry in uploads_of(emulator) if entry["stored"]]) == 1


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE about SET facts = '{\"format\": 2}'",
        "UPDATE rows SET fields = '{' WHERE position = 2",
        "UPDATE intents SET exp = 'never'",
        "UPDATE results SET result = x'00'",
    ],
)
def test_damage_is_an_error_though_it_is_trusted(damage: str, earlier: Path) -> None:
    """Nothing is sent, and the file has its format still."""
    change(earlier, damage)
    with pytest.raises(ikpipe.JournalError, match=r"damaged|belongs to the account None"):
        resume(earlier, ikpipe.Account(**KEYS), trust_journal=True)
    with closing(sqlite3.connect(earlier)) as db:
        assert db.execute("PRAGMA user_version").fetchone() == (0,)


# All is as before


def test_a_journal_of_one_s_own_needs_no_word(emulate: Callable[..., Emulator], tmp_path: Path) -> None:
    """Root, paths in cells and how it sends come from it, after it was moved, and on a link."""
    emulator = emulate()
    (tmp_path / "a.gif").write_bytes(b"GIF89a one")
    frame = pd.DataFrame({"file": ["a.gif", tmp_path / "a.gif", "a.gif"]})
    options = {"root": tmp_path, "journal": tmp_path / "one", "concurrency": 1, "policy": SWIFT}
    assert killed(ikpipe.upload, "after a reply", 1, frame, emulator.account, **options)
    for suffix in ("", "-wal"):
        (tmp_path / f"one{suffix}").rename(tmp_path / f"two{suffix}")
    (tmp_path / "three").symlink_to("two")
    results = resume(tmp_path / "three", emulator.account)
    assert set(results["ik_status"]) <= UP
    assert isinstance(results["file"][1], Path)


@pytest.mark.parametrize("more", [-9_000, 0, 9_000])
def test_facts_that_are_far_into_the_file_are_read_too(more: int, account: Account, path: Path) -> None:
    """A part of them can lie behind the beginning that is copied first: then all is copied."""
    size = inspection.HEAD + more
    with SQLiteJournal.make(path, account) as journal:
        journal.begin({"run": "r", "begun": "now", "mapping": "x" * size}, [TablePiece(0, 5, "cells", "y" * 9_000)])
    with SQLiteJournal.open(path, account) as journal:
        assert len(journal.facts["mapping"]) == size
    assert glances.glance(path) == ("now", 5, None, "r")


def test_an_empty_file_is_left_by_resume(account: Account, path: Path) -> None:
    """Nothing was begun in it; `upload` may."""
    path.touch(0o644)
    before = snapshot(path.parent)
    with pytest.raises(ikpipe.JournalError, match="was never started"):
        resume(path, account)
    assert snapshot(path.parent) == before
    finished(path, account)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_secret_that_others_could_read_is_replaced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It shows nothing any more."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    account = ikpipe.Account("public_x", authentication_endpoint="http://127.0.0.1:1/")
    before = Prover(account).own(b"x")
    assert Prover(account).own(b"x") == before
    (secret,) = (tmp_path / "ikpipe").iterdir()
    secret.chmod(0o644)
    assert Prover(account).own(b"x") != before
    assert stat.S_IMODE(secret.stat().st_mode) == 0o600


def test_results_are_written_with_their_proof(account: Account, path: Path) -> None:
    """An entry of 16 bytes more: what was written is read."""
    finished(path, account)
    with SQLiteJournal.open(path, account) as journal:
        journal.write([RowEnded(2, "{}")])
        assert dict(journal.records())[2].result == "{}"
