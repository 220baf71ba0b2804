"""Long tables from the shell: read as they are wanted, written as they come, and finished wherever they stopped."""

from __future__ import annotations

import re
import signal
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from doubles import uploads_of
from shell import process, variables, wait_for

import ikpipe
from ikpipe.frames.chunks import ROWS
from ikpipe.journal.sqlite import SQLiteJournal

if TYPE_CHECKING:
    from collections.abc import Callable

    from shell import Ikp

    from ikpipe.emulator import Emulator

GIF = '"data:image/gif;base64,R0lGODlh"'
SETTINGS = ("--map", "file=picture", "--set", "file_name={sku}.gif", "--journal", "run.ikjournal")
SLOWLY = ("--concurrency", "1", "--rate", "0.017")
LONG = ROWS + 10
SENT = (0, 1, ROWS + 5)
"""The rows of a long table that have a file; the others end at once."""


def write(sent: tuple[int, ...] = SENT, rows: int = LONG, **changed: str) -> None:
    """Write a table, most of whose rows name no file."""
    lines = [f"{row:05},{GIF if row in sent else ''}\n" for row in range(rows)]
    for row, line in changed.items():
        lines[int(row[1:])] = line
    Path("in.csv").write_text("sku,picture\n" + "".join(lines))


def statuses(path: str = "out.csv") -> dict[int, str]:
    """Return the status of each row that has a file."""
    found = ikpipe.read_results(path)
    assert found["sku"].tolist() == [f"{row:05}" for row in range(len(found))]
    return {row: status for row, status in enumerate(found["ik_status"]) if status != "invalid"}


@pytest.mark.usefixtures("signed_in")
@pytest.mark.parametrize("out", ["out.csv", "out.jsonl", "out.parquet"])
def test_rows_are_written_in_the_tables_order(ikp: Ikp, out: str) -> None:
    """Whichever ends first, whatever chunk it is of."""
    write()
    ran = ikp("upload", "in.csv", "-o", out, *SETTINGS)
    assert (ran.status, statuses(out)) == (1, dict.fromkeys(SENT, "uploaded"))
    assert f"3 of {LONG:,} rows uploaded" in ran.err
    assert f"{LONG - 3:,} invalid, missing_file" in ran.err


def killed(emulator: Emulator, *words: str, given: str | None = None) -> None:
    """Kill a command after its first upload; its second takes a minute."""
    with process("upload", *words, *SETTINGS, *SLOWLY, **variables(emulator)) as running:
        if given is not None and running.stdin is not None:
            running.stdin.write(given)
            running.stdin.close()
        wait_for(lambda: uploads_of(emulator))
        time.sleep(0.3)  # its answer, on its way into the journal
        running.send_signal(signal.SIGKILL)
        running.wait()


def test_a_run_goes_on_reading_where_it_was_killed(ikp: Ikp, emulate: Callable[..., Emulator], sign_in: Any) -> None:
    """The journal knows which table it was, and how far it was read."""
    emulator = emulate()
    sign_in(emulator)
    write()
    killed(emulator, "in.csv", "-o", "out.csv")
    with SQLiteJournal.open(Path("run.ikjournal"), emulator.account) as journal:
        assert (journal.rows, journal.recorded_rows) == (None, ROWS)
    assert ikp("resume", "run.ikjournal", "-o", "out.csv", "--rate", "999").status == 1
    assert set(statuses()) == set(SENT)
    assert len(uploads_of(emulator)) == len(SENT)


def test_a_frame_comes_of_a_file_too(emulate: Callable[..., Emulator]) -> None:
    """In Python, `resume` gives the whole table, from the journal and from the file."""
    emulator = emulate()
    write()
    killed(emulator, "in.csv", "-o", "out.csv")
    first = ikpipe.resume("run.ikjournal", emulator.account, progress=False, rate=999)
    assert first["sku"].tolist() == [f"{row:05}" for row in range(LONG)]
    Path("in.csv").unlink()
    again = ikpipe.resume("run.ikjournal", emulator.account, progress=False)
    assert again["ik_status"].tolist() == first["ik_status"].tolist()


def test_a_table_that_has_changed_is_refused(ikp: Ikp, emulate: Callable[..., Emulator], sign_in: Any) -> None:
    """Nothing of its rows is sent under the other's name, and the error says from where on it differs."""
    emulator = emulate()
    sign_in(emulator)
    write()
    killed(emulator, "in.csv", "-o", "out.csv")
    write(r7=f"00007,{GIF}\n")
    Path("out.csv").write_text("old")
    ran = ikp("resume", "run.ikjournal", "-o", "out.csv")
    assert (ran.status, ran.err.count("\n")) == (2, 1)
    assert "differ from row 0 on" in ran.err
    assert "Results:" not in ran.err
    assert Path("out.csv").read_text() == "old"
    assert len(uploads_of(emulator)) == 1
    with SQLiteJournal.open(Path("run.ikjournal"), emulator.account) as journal:
        assert (journal.rows, journal.recorded_rows) == (None, ROWS)


def test_a_table_that_is_gone_is_said(ikp: Ikp, emulate: Callable[..., Emulator], sign_in: Any) -> None:
    """The run cannot go on without it."""
    emulator = emulate()
    sign_in(emulator)
    write()
    killed(emulator, "in.csv", "-o", "out.csv")
    Path("in.csv").unlink()
    ran = ikp("resume", "run.ikjournal", "-o", "out.csv")
    assert ran.status == 2
    assert re.search(r"There is no file \S*/in\.csv\.", ran.err)


def test_standard_input_is_given_retry_command(ikp: Ikp, emulate: Callable[..., Emulator], sign_in: Any) -> None:
    """Nobody can go on reading it: the same table with the same journal does what is left."""
    emulator = emulate()
    sign_in(emulator)
    write()
    killed(emulator, "-", "-o", "out.csv", given=Path("in.csv").read_text())
    ran = ikp("resume", "run.ikjournal", "-o", "out.csv")
    assert ran.status == 2
    assert f"only the first {ROWS:,} rows" in ran.err
    assert ikp("upload", "in.csv", "-o", "out.csv", *SETTINGS).status == 1
    assert set(statuses()) == set(SENT)
    assert len(uploads_of(emulator)) == len(SENT)


@pytest.mark.usefixtures("signed_in")
def test_a_broken_line_stops_the_reading_alone(ikp: Ikp) -> None:
    """Rows read before the error are uploaded and written; after the table is fixed, the run continues."""
    write(**{f"r{ROWS + 2}": "too,many,cells\n"})
    ran = ikp("upload", "in.csv", "-o", "out.csv", *SETTINGS)
    assert ran.status == 2
    assert f"in.csv, line {ROWS + 4:,}: The row has 3 cells, but the header has 2" in ran.err
    assert statuses() == dict.fromkeys(SENT[:2], "uploaded")
    write()
    assert ikp("resume", "run.ikjournal", "-o", "out.csv", "--rate", "999").status == 1
    assert statuses() == dict.fromkeys(SENT, "uploaded")


def test_an_interrupted_run_has_all_rows(ikp: Ikp, emulate: Callable[..., Emulator], sign_in: Any) -> None:
    """Those that were never read are in OUT too, and `resume` sends them."""
    emulator = emulate()
    write()
    with process("upload", "in.csv", "-o", "out.csv", *SETTINGS, *SLOWLY, **variables(emulator)) as running:
        wait_for(lambda: uploads_of(emulator))
        running.send_signal(signal.SIGINT)
        running.communicate(timeout=30)
    assert running.returncode == 130
    assert len(ikpipe.read_results("out.csv")) == LONG
    sign_in(emulator)
    assert ikp("resume", "run.ikjournal", "-o", "out.csv", "--rate", "999").status == 1
    assert set(statuses()) == set(SENT)


@pytest.mark.usefixtures("signed_in")
def test_a_column_that_only_later_rows_have(ikp: Ikp) -> None:
    """JSON lines need not all have the same names: the mapping finds them all the same."""
    lines = [*("{}\n" for _ in range(ROWS)), f'{{"picture": {GIF}, "sku": "a"}}\n']
    Path("in.jsonl").write_text("".join(lines))
    assert ikp("upload", "in.jsonl", "-o", "out.csv", *SETTINGS).status == 1
    assert ikpipe.read_results("out.csv")["ik_status"].tolist()[-2:] == ["invalid", "uploaded"]
