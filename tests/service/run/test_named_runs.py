"""A run that is repeated: by its name, or with a journal that an earlier night has finished."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest
from rows import quiet

import ikpipe
from ikpipe.emulator import Emulator

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

NIGHT = "night-2026-11-30"


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Have a state folder of its own."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    return tmp_path / "state"


@pytest.fixture
def emulator() -> Iterator[Emulator]:
    """Have an emulator of its own."""
    with Emulator() as running:
        yield running


def another_machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Have another state folder, without any journal."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "another"))


def table(rows: int, tags: str = "a") -> pd.DataFrame:
    """Return rows with a file each."""
    return pd.DataFrame({"file": [b"file %d" % row for row in range(rows)], "file_name": "a.bin", "tags": tags})


def stored(emulator: Emulator) -> int:
    """Count the files of the library."""
    return len(ikpipe.files(emulator.account))


def statuses(results: pd.DataFrame) -> list[str]:
    """Return the statuses of rows."""
    return list(results["ik_status"])


def test_a_retried_task_stores_nothing_twice(
    emulator: Emulator, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The same table and name on another machine finds the files of the first attempt, with their details."""
    first = quiet(table(5), emulator.account, run=NIGHT)
    another_machine(monkeypatch, tmp_path)
    again = quiet(table(5), emulator.account, run=NIGHT)
    assert (stored(emulator), statuses(again)) == (5, ["exists"] * 5)
    assert list(again["ik_file_id"]) == list(first["ik_file_id"])


def test_without_a_name_it_does(emulator: Emulator, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Two runs without a name are two runs."""
    quiet(table(5), emulator.account)
    another_machine(monkeypatch, tmp_path)
    quiet(table(5), emulator.account)
    assert stored(emulator) == 10


def test_on_the_same_machine_nothing_is_sent(emulator: Emulator) -> None:
    """The journal of the name is found, and has all results."""
    quiet(table(5), emulator.account, run=NIGHT)
    sent = len(emulator.log())
    again = quiet(table(5), emulator.account, run=NIGHT)
    assert (len(emulator.log()), statuses(again)) == (sent, ["uploaded"] * 5)


@pytest.mark.parametrize("journal", [True, False])
def test_rows_may_move_and_be_added(
    emulator: Emulator, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, *, journal: bool
) -> None:
    """The table of a retried task has been queried anew: rows are known by what they send, not by their positions."""
    quiet(table(5), emulator.account, run=NIGHT)
    if not journal:
        another_machine(monkeypatch, tmp_path)
    other = table(6).iloc[::-1].reset_index(drop=True)
    again = quiet(other, emulator.account, run=NIGHT)
    assert (stored(emulator), statuses(again)) == (6, ["uploaded"] + ["exists"] * 5)


def test_a_changed_row_is_a_changed_row(emulator: Emulator, tmp_path: Path) -> None:
    """A file that has other content by now is stored; its earlier version stays another file."""
    path = tmp_path / "a.bin"
    path.write_bytes(b"one")
    frame = pd.DataFrame({"file": ["a.bin", "b.bin"]})
    (tmp_path / "b.bin").write_bytes(b"same")
    quiet(frame, emulator.account, run=NIGHT, root=tmp_path)
    path.write_bytes(b"two")
    again = quiet(frame, emulator.account, run=NIGHT, root=tmp_path)
    assert (stored(emulator), statuses(again)) == (3, ["uploaded", "uploaded"])


def test_equal_rows_are_several_files(emulator: Emulator, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Two equal rows are two files, and the same two the next time."""
    frame = pd.DataFrame({"file": [b"x", b"x"], "file_name": "a.bin"})
    quiet(frame, emulator.account, run=NIGHT)
    another_machine(monkeypatch, tmp_path)
    again = quiet(frame, emulator.account, run=NIGHT)
    assert (stored(emulator), statuses(again)) == (2, ["exists", "exists"])


def test_another_name_is_another_run(emulator: Emulator) -> None:
    """The next night stores its files."""
    quiet(table(2), emulator.account, run="night 1")
    quiet(table(2), emulator.account, run="night 2")
    assert stored(emulator) == 4


@pytest.mark.parametrize("name", ["", "  "])
def test_a_name_has_characters(emulator: Emulator, name: str) -> None:
    """An empty name is a variable that was not set."""
    with pytest.raises(ikpipe.MappingError, match="names the run"):
        quiet(table(1), emulator.account, run=name)


def test_the_service_makes_other_names(emulator: Emulator) -> None:
    """A name needs unique names that are made here."""
    with pytest.raises(ikpipe.MappingError, match="unique_names='client'"):
        quiet(table(1), emulator.account, run=NIGHT, policy=ikpipe.Policy(unique_names="service"))


# The same journal every night


@pytest.mark.parametrize("other", ["rows", "mapping"])
def test_a_finished_journal_is_started_anew(
    emulator: Emulator, tmp_path: Path, state: Path, caplog: pytest.LogCaptureFixture, other: str
) -> None:
    """The next night's table has other rows or another mapping; the journal of the last night is kept elsewhere."""
    path = tmp_path / "night.ikjournal"
    quiet(table(2), emulator.account, journal=path)
    frame, changed = (table(3), {}) if other == "rows" else (table(2), {"description": "new"})
    caplog.clear()
    with caplog.at_level(logging.WARNING):
        again = quiet(frame, emulator.account, journal=path, **changed)
    assert statuses(again) == ["uploaded"] * len(frame)
    kept = [one for one in (state / "ikpipe" / "journals").iterdir() if str(one) in caplog.text]
    assert len(kept) == 1
    assert statuses(ikpipe.resume(kept[0], emulator.account, progress=False)) == ["uploaded"] * 2


def test_the_same_table_is_the_same_run(emulator: Emulator, tmp_path: Path) -> None:
    """A finished run that is started again with the same table sends nothing."""
    path = tmp_path / "night.ikjournal"
    for _ in range(2):
        quiet(table(2), emulator.account, journal=path)
    assert stored(emulator) == 2


def test_another_account_does_not_take_it(emulator: Emulator, tmp_path: Path) -> None:
    """The journal of another account's run is left as it is."""
    path = tmp_path / "night.ikjournal"
    quiet(table(2), emulator.account, journal=path)
    with Emulator() as other, pytest.raises(ikpipe.JournalError):
        quiet(table(2), other.account, journal=path)
    assert path.exists()


# Rows that are not uploaded


@pytest.mark.parametrize("way", ["journal", "run"])
def test_a_repeated_run_tries_failed_rows_again(emulator: Emulator, tmp_path: Path, way: str) -> None:
    """The same call again, after the trouble is over, uploads what failed; what is stored is not sent."""
    options: dict[str, Any] = {"run": NIGHT} if way == "run" else {"journal": tmp_path / "night.ikjournal"}
    frame = pd.DataFrame({"file": ["a.bin", "b.bin"]})
    (tmp_path / "a.bin").write_bytes(b"one")
    first = quiet(frame, emulator.account, root=tmp_path, **options)
    (tmp_path / "b.bin").write_bytes(b"two")
    again = quiet(frame, emulator.account, root=tmp_path, **options)
    assert (statuses(first), statuses(again)) == (["uploaded", "invalid"], ["uploaded", "uploaded"])
    assert stored(emulator) == 2


def test_a_row_whose_retries_were_cut_short_is_resumed() -> None:
    """A run that stops while a row waits for its next attempt leaves that to `resume`."""
    frame = pd.DataFrame({"file": [b"1", b"2"], "file_name": ["busy.bin", "good.bin"]})
    with Emulator(busy="busy*", busy_times=1) as emulator:

        def stop(label: object, _result: ikpipe.Result) -> None:
            if label == 1:
                raise RuntimeError("The disk of the caller is full.")

        with pytest.raises(ikpipe.UploadError) as stopped:
            quiet(frame, emulator.account, on_result=stop, policy=ikpipe.Policy(first_wait=60))
        results = stopped.value.results
        assert results is not None
        resumed = ikpipe.resume(results.attrs["ikpipe"]["journal"], emulator.account, progress=False)
    assert statuses(resumed) == ["uploaded", "uploaded"]
