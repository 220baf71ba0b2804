"""`--retries` and `--timeout`: how often an upload is tried, and how long nothing may happen."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from doubles import RawServer
from shell import NAMED
from syncs import write_tree

from ikpipe.journal.sqlite import SQLiteJournal

if TYPE_CHECKING:
    from doubles import Talk
    from shell import Ikp, Table

    from ikpipe.emulator import Emulator

ATTEMPTS = ("--retries", "0", "--timeout", "20", "--journal", "run.ikjournal")


@pytest.fixture(autouse=True)
def own_state(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Set a folder of journals that no other test writes to."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))


def sending(emulator: Emulator) -> dict[str, Any]:
    """Return how the run of the journal sent."""
    with SQLiteJournal.open(Path("run.ikjournal"), emulator.account) as journal:
        sending: dict[str, Any] = journal.facts["sending"]
    return {name: sending[name] for name in ("retries", "timeout")}


def upload(ikp: Ikp, table: Table, *words: str) -> str:
    """Upload a table of which a row fails, and return what is said."""
    return ikp("upload", table(2, picture=["", "data:,a"]), "-o", "out.csv", *NAMED, *words).err


@pytest.mark.usefixtures("signed_in")
def test_an_upload(ikp: Ikp, table: Table, emulator: Emulator) -> None:
    """It has the options, and the command that continues it repeats them."""
    said = upload(ikp, table, *ATTEMPTS)
    assert sending(emulator) == {"retries": 0, "timeout": 20.0}
    assert " --retries 0 --timeout 20.0" in said.partition("ikpipe retry ")[2]


@pytest.mark.usefixtures("signed_in")
def test_a_retry(ikp: Ikp, table: Table, emulator: Emulator) -> None:
    """Its options are its own."""
    upload(ikp, table)
    ikp("retry", "out.csv", "-o", "out.csv", *NAMED, *ATTEMPTS)
    assert sending(emulator) == {"retries": 0, "timeout": 20.0}


@pytest.mark.usefixtures("signed_in")
def test_a_sync(ikp: Ikp, emulator: Emulator) -> None:
    """As an upload."""
    write_tree(Path("photos"), {"a.txt": "a"})
    assert ikp("sync", "photos", "/attempts", *ATTEMPTS).status == 0
    assert sending(emulator) == {"retries": 0, "timeout": 20.0}


@pytest.mark.usefixtures("signed_in")
def test_the_defaults_are_those_of_the_library(ikp: Ikp, table: Table, emulator: Emulator) -> None:
    """The next command does not repeat what was not given."""
    said = upload(ikp, table, "--journal", "run.ikjournal")
    assert sending(emulator) == {"retries": 5, "timeout": None}
    assert "--retries" not in said
    assert "--timeout" not in said


def silent(talk: Talk) -> None:
    """Read a request, and answer nothing until the other side closes the connection."""
    talk.request()
    talk.connection.recv(1)


@pytest.mark.parametrize("command", ["files", "fields", "refresh", "tag", "delete", "purge", "undo", "check"])
def test_every_command_that_asks_the_service_has_it(ikp: Ikp, command: str) -> None:
    """It is an option of each, and its value is checked."""
    ran = ikp(command, *(["out.csv"] if command not in ("files", "fields") else []), "--timeout", "0")
    assert "argument --timeout: '0' is not a number above 0" in ran.err


@pytest.mark.usefixtures("signed_in")
def test_a_list_of_files(ikp: Ikp, monkeypatch: pytest.MonkeyPatch) -> None:
    """It waits no longer than it is told to for an answer."""
    with RawServer(silent) as server:
        monkeypatch.setenv("IMAGEKIT_API_URL", server.url)
        began = time.monotonic()
        assert ikp("files", "--timeout", "0.05").status == 3
    assert time.monotonic() - began < 30  # one attempt without the option


@pytest.mark.parametrize("command", ["plan", "update"])
@pytest.mark.usefixtures("signed_in")
def test_commands_that_read_the_library(ikp: Ikp, command: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """They wait for it no longer; it would be 30 s for each of some attempts."""
    Path("in.csv").write_text("file,file_path\nhttps://a.example/a.jpg,/a.jpg\n", encoding="utf-8")
    words = {
        "plan": ("--set", "file_name=a.jpg", "--on-existing", "skip", "--ignore", "file_path"),
        "update": ("--map", "file_path=file_path", "--set", "add_tags=a", "--ignore", "file"),
    }
    with RawServer(silent) as server:
        monkeypatch.setenv("IMAGEKIT_API_URL", server.url)
        ran = ikp(command, "in.csv", *words[command], "--policy", "first_wait=0.01", "--timeout", "0.05")
    assert ran.status == 3, ran.err


@pytest.mark.parametrize(
    ("words", "error"),
    [
        (("--retries", "-1"), "argument --retries: '-1' is not a whole number of at least 0"),
        (("--retries", "many"), "argument --retries: 'many' is not a whole number of at least 0"),
        (("--timeout", "0"), "argument --timeout: '0' is not a number above 0"),
        (("--timeout", "inf"), "argument --timeout: 'inf' is not a number above 0"),
        (("--timeout", "5s"), "argument --timeout: '5s' is not a number above 0"),
    ],
)
def test_values_that_are_not_valid(ikp: Ikp, words: tuple[str, ...], error: str) -> None:
    """The error says what is."""
    ran = ikp("upload", "in.csv", "-o", "out.csv", *words)
    assert (ran.status, ran.err) == (2, f"ikpipe: error: {error}. See: ikpipe upload --help\n")
