"""`--trust-journal`, `--earlier-journal`: journals that do not prove who wrote them, on the command line."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from doubles import remote, uploads_of
from shell import NAMED, variables

import ikpipe

if TYPE_CHECKING:
    from collections.abc import Callable

    from shell import Ikp, Table

    from ikpipe.emulator import Emulator

KEY = "IMAGEKIT_PRIVATE_KEY"


@pytest.fixture
def service(emulate: Callable[..., Emulator], sign_in: Callable[[Emulator], None]) -> Emulator:
    """Return a new account whose library lists a file at once."""
    emulator = emulate(index_lag=0)
    sign_in(emulator)
    return emulator


@pytest.fixture
def of_another_key(ikp: Ikp, table: Table, service: Emulator, monkeypatch: pytest.MonkeyPatch) -> str:
    """Return the journal of a finished run, and an account whose private key was replaced since."""
    ikp("upload", table(2), "-o", "first.csv", *NAMED, "--journal", "run")
    monkeypatch.setenv(KEY, "private_new")
    return "run"


@pytest.mark.parametrize("command", ["resume", "upload", "retry"])
def test_an_unproven_journal(ikp: Ikp, table: Table, service: Emulator, of_another_key: str, command: str) -> None:
    """Refused in one line that names the option, with status 2 and no OUT; with the option it is taken."""
    before = Path(of_another_key).read_bytes()
    words = {
        "resume": ("resume", of_another_key, "-o", "out.csv"),
        "upload": ("upload", table(2), "-o", "out.csv", *NAMED, "--journal", of_another_key),
        "retry": ("retry", "first.csv", "-o", "out.csv", *NAMED, "--earlier-journal", of_another_key),
    }[command]
    ran = ikp(*words)
    assert (ran.status, ran.err.count("\n"), Path("out.csv").exists()) == (2, 1, False)
    assert "with another private key than this account's, or was changed since" in ran.err
    assert "If you know that it is yours, pass --trust-journal." in ran.err
    assert Path(of_another_key).read_bytes() == before
    assert ikp(*words, "--trust-journal").status == 0
    assert ikpipe.read_results("out.csv")["ik_status"].tolist() == ["uploaded"] * 2
    assert len(uploads_of(service)) == 2


@pytest.mark.usefixtures("service")
@pytest.mark.parametrize("command", ["resume", "upload", "retry"])
def test_a_database_of_another_program(ikp: Ikp, table: Table, command: str) -> None:
    """It is not changed, trusted or not."""
    with closing(sqlite3.connect("notes.db")) as db:
        db.execute("CREATE TABLE notes (words TEXT)")
        db.commit()
    before, names = Path("notes.db").read_bytes(), {*Path().glob("notes*")}
    Path("results.csv").write_text("picture,ik_status\nx,unknown\n")
    words = {
        "resume": ("resume", "notes.db", "-o", "out.csv"),
        "upload": ("upload", table(1), "-o", "out.csv", *NAMED, "--journal", "notes.db"),
        "retry": ("retry", "results.csv", "-o", "out.csv", "--map", "file=picture", "--earlier-journal", "notes.db"),
    }[command]
    ran = ikp(*words, "--trust-journal")
    assert (ran.status, ran.err.count("\n")) == (2, 1)
    assert "notes.db is not an ikpipe journal, and was not changed. Correct the path." in ran.err
    assert (Path("notes.db").read_bytes(), {*Path().glob("notes*")}) == (before, names)


def test_an_earlier_journal_tells_of_rows_in_doubt(
    ikp: Ikp, table: Table, emulate: Callable[..., Emulator], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A CSV names no journal: only with one is it known since when a file that is replaced can be there."""
    service = emulate(index_lag=0, faults={"store-then-cut": 1})
    fixed = (*NAMED, "--set", "use_unique_file_name=false")
    with remote(service) as account:
        for name, value in {**variables(service), KEY: ""}.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setenv("IMAGEKIT_AUTHENTICATION_ENDPOINT", str(account.authentication_endpoint))
        ikp("upload", table(1), "-o", "r.csv", *fixed, "--journal", "run")
    assert ikpipe.read_results("r.csv")["ik_status"].tolist() == ["unknown"]
    monkeypatch.setenv(KEY, str(service.private_key))
    monkeypatch.delenv("IMAGEKIT_AUTHENTICATION_ENDPOINT")
    before = len([entry for entry in uploads_of(service) if entry["stored"]])
    ran = ikp("retry", "r.csv", "-o", "r.csv", *fixed, "--earlier-journal", "run", "--policy", "index_lag=0.1")
    assert (ran.status, ikpipe.read_results("r.csv")["ik_status"].tolist()) == (0, ["exists"])
    assert len([entry for entry in uploads_of(service) if entry["stored"]]) == before


@pytest.mark.usefixtures("signed_in")
def test_out_is_not_the_earlier_journal(ikp: Ikp, table: Table) -> None:
    """One file cannot be both."""
    ran = ikp("retry", table(1), "-o", "out.csv", *NAMED, "--earlier-journal", "./out.csv")
    assert "out.csv is the journal, which is never overwritten. Name another file." in ran.err
