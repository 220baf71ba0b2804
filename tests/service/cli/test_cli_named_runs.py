"""A run that is repeated on the command line: by its name, or with the journal of the last night."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

import pandas as pd
import pytest

import ikpipe
from ikpipe.emulator import Emulator

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from shell import Completed


@pytest.fixture
def service(sign_in: Callable[[Emulator], None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Emulator]:
    """Have an emulator and a state folder of its own."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    with Emulator() as running:
        sign_in(running)
        yield running


def data_uri(text: str) -> str:
    """Return a data URI as a cell."""
    return f'"data:text/plain;base64,{base64.b64encode(text.encode()).decode()}"'


def test_a_journal_takes_the_next_night(
    ikp: Callable[..., Completed], service: Emulator, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """The same command every night sends a table that has changed, and says where the old journal is."""
    said = []
    for night in (1, 1, 2):
        rows = "\n".join(data_uri(f"{night}-{row}") for row in range(3))
        (tmp_path / "in.csv").write_text(f"file\n{rows}\n")
        done = ikp("upload", "in.csv", "-o", "out.csv", "--set", "file_name=a.txt", "--journal", "night.ikjournal")
        assert done.status == 0
        said.append("this run starts anew" in caplog.text)
    assert (said, len(ikpipe.files(service.account))) == ([False, False, True], 6)


def test_a_name_stores_nothing_twice(
    ikp: Callable[..., Completed], service: Emulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`--run` on another machine finds what the first one stored."""
    (tmp_path / "in.csv").write_text(f"file\n{data_uri('a')}\n{data_uri('b')}\n")
    assert ikp("upload", "in.csv", "-o", "out.csv", "--set", "file_name=a.txt", "--run", "night").status == 0
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "another"))
    assert ikp("upload", "in.csv", "-o", "out.csv", "--set", "file_name=a.txt", "--run", "night").status == 0
    assert list(pd.read_csv("out.csv")["ik_status"]) == ["exists", "exists"]
    assert len(ikpipe.files(service.account)) == 2
