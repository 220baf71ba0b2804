"""Journals that another process uses, and disks that refuse them."""

from __future__ import annotations

import subprocess
import sys
from textwrap import dedent
from typing import TYPE_CHECKING, Any

import pytest
from doubles import RawServer, uploads_of
from empty_journals import begun, refused

from ikpipe.journal.entries import RowEnded
from ikpipe.journal.sqlite import SQLiteJournal

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from ikpipe.emulator import Emulator

    Arrived = Callable[[], list[dict[str, Any]]]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Give a place for a journal."""
    return tmp_path / "run.ikjournal"


def test_two_processes_do_not_share_one(path: Path) -> None:
    """The second is told so, also from another process, and the first is not disturbed."""
    with begun(path) as journal:
        assert "another process is using it" in refused(path)
        code = (
            "import pathlib, ikpipe, ikpipe.journal.sqlite as j; "
            f"j.SQLiteJournal.open(pathlib.Path({str(path)!r}), ikpipe.Account('public_owner', 'private_owner'))"
        )
        second = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)  # noqa: S603
        assert "another process is using it" in second.stderr
        journal.write([RowEnded(0, "{}")])


READ_ONLY = dedent(
    """
    import os, pathlib, sys, tempfile
    import pandas as pd, ikpipe, ikpipe.run.upload
    from ikpipe.journal.entries import TableComplete, TablePiece; from ikpipe.journal.sqlite import SQLiteJournal

    account = ikpipe.Account("public_x", "private_x", upload_url=sys.argv[1], api_url=sys.argv[1])
    frame = pd.DataFrame({"file": [b"x"]})
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "run.ikjournal"
        with SQLiteJournal.make(path, account) as journal:
            journal.begin({"run": "r"})
        path.chmod(0o444)
        os.chmod(folder, 0o555)
        child = os.fork()
        if not child:
            if os.geteuid() == 0:
                os.setuid(65534)  # who may not do what root may
            for call in (
                lambda: ikpipe.upload(frame, account, file_name="a", journal=path, progress=False),
                lambda: ikpipe.upload(frame, account, file_name="a", journal=path.with_name("new"), progress=False),
                lambda: ikpipe.resume(path, account, progress=False),
            ):
                try:
                    call()
                except ikpipe.JournalError as error:
                    print(error, flush=True)
            os._exit(0)
        os.waitpid(child, 0)
        os.chmod(folder, 0o755)
    """
)


def test_one_that_may_not_be_written_to() -> None:
    """A read-only journal or folder stops the run before anything is sent, and the error says what to do."""
    with RawServer(lambda talk: talk.reset()) as server:
        command = [sys.executable, "-c", READ_ONLY, server.url]
        ran = subprocess.run(command, capture_output=True, text=True, check=True)  # noqa: S603 - our own code
        assert server.connections == 0
    made, new, opened = ran.stdout.splitlines()
    assert "it is not writable. Correct its permissions." in made
    assert "Permission denied. Use another journal with journal=" in new
    assert "it is not writable. Correct its permissions." in opened


FULL = dedent(
    """
    import resource, sys
    import pandas as pd, ikpipe

    account = ikpipe.Account("public_x", "private_x", upload_url=sys.argv[1], api_url=sys.argv[1])
    frame = pd.DataFrame({"file": [b"x%d" % row for row in range(400)]})
    resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))
    try:
        ikpipe.upload(frame, account, file_name="a", description="x" * 900, concurrency=4, journal=sys.argv[2],
                      progress=False)
    except ikpipe.JournalError as error:
        print(error)
        print(error.results["ik_status"].value_counts().to_dict())
    """
)


def test_a_disk_that_is_full_stops_the_run(emulate: Callable[..., Emulator], path: Path) -> None:
    """In the middle of a run: nothing more is sent, the error carries the whole frame, and names the journal."""
    emulator = emulate(public_key="public_x", private_key="private_x")
    command = [sys.executable, "-c", FULL, emulator.url + "/api/v2/files/upload", str(path)]
    ran = subprocess.run(command, capture_output=True, text=True, check=True)  # noqa: S603 - our own code
    words, counts = ran.stdout.splitlines()
    assert str(path) in words
    assert "sent nothing more" in words
    uploaded = len(uploads_of(emulator))
    assert 0 < uploaded < 400
    assert f"'uploaded': {uploaded}" in counts
    with SQLiteJournal.open(path, emulator.account) as journal:
        assert sum(bool(story.intents) for _, story in journal.records()) >= uploaded
