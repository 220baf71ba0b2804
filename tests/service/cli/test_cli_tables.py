"""Tables of other programs, pipes and damaged files, as the commands read them."""

from __future__ import annotations

import csv
import gzip
import io
import json
import os
import sys
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest
from shell import NAMED
from table_files import spark_folder

import ikpipe

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from shell import Ikp

COLUMNS = ["sku", "picture", "note"]


@pytest.fixture
def rows(pictures: Callable[[int], list[str]]) -> list[list[str]]:
    """Return two rows with pictures."""
    return [["007", pictures(2)[0], "Größe"], ["ü8", pictures(2)[1], "1;2"]]


def delimited(rows: list[list[str]], delimiter: str = ",", lineterminator: str = "\r\n") -> str:
    """Return rows with their header as CSV."""
    text = io.StringIO()
    csv.writer(text, delimiter=delimiter, lineterminator=lineterminator).writerows([COLUMNS, *rows])
    return text.getvalue()


def objects(rows: list[list[str]]) -> list[dict[str, str]]:
    """Return rows as objects."""
    return [dict(zip(COLUMNS, row, strict=True)) for row in rows]


FILES: dict[str, tuple[Callable[[list[list[str]]], bytes], tuple[str, ...]]] = {
    "german.csv": (lambda rows: delimited(rows, ";").encode("cp1252"), ("--encoding", "windows-1252")),
    "unicode.txt": (lambda rows: delimited(rows, "\t").encode("utf-16"), ()),
    "pipes.dat": (lambda rows: delimited(rows, "|").encode(), ("--format", "csv", "--delimiter", "pipe")),
    "array.json": (lambda rows: json.dumps(objects(rows), indent=1).encode(), ()),
    "lines.ndjson.gz": (
        lambda rows: gzip.compress("".join(json.dumps(one) + "\n" for one in objects(rows)).encode()),
        (),
    ),
}


@pytest.mark.usefixtures("signed_in")
@pytest.mark.parametrize("name", FILES)
def test_check_upload_and_retry_read_the_same(ikp: Ikp, rows: list[list[str]], name: str) -> None:
    """All three commands read a table of another program with the same options."""
    write, options = FILES[name]
    Path(name).write_bytes(write(rows))
    assert ikp("check", name, *options, *NAMED).status == 0
    assert ikp("upload", name, "-o", "r.csv", *options, *NAMED).status == 0
    results = ikpipe.read_results("r.csv")
    assert results[COLUMNS].to_numpy().tolist() == rows
    assert results["ik_name"].str.startswith(("007", "ü8")).all()
    retried = ikp("retry", name, "-o", "again.csv", *options, *NAMED)
    assert (retried.status, "so it is not a table of results" in retried.err) == (2, True)


@pytest.mark.parametrize("name", ["folder", "folder.parquet"])
def test_a_folder_of_parquet_files_is_a_table(ikp: Ikp, name: str) -> None:
    """Whatever its name is."""
    spark_folder(Path(name))
    assert ikp("check", name).err.startswith("ikpipe: No problems in 3 rows")


def test_the_delimiter_that_was_found_is_said(ikp: Ikp, caplog: pytest.LogCaptureFixture) -> None:
    """Once, in the log, which the command writes to standard error, with the option that makes it certain."""
    Path("in.csv").write_text("sku;file\n1;https://a.example/1.jpg\n")
    ran = ikp("check", "in.csv")
    assert ran.err.startswith("ikpipe: in.csv: The cells are separated by semicolons (--delimiter ';').\n")
    assert len([record for record in caplog.records if record.levelname == "WARNING"]) == 1
    assert "separated" not in ikp("check", "in.csv", "--delimiter", ";").err


@pytest.fixture
def pipe(tmp_path: Path) -> Iterator[Callable[[bytes], str]]:
    """Write into a named pipe, as a shell's `<(…)` does."""
    threads = []

    def write(content: bytes) -> str:
        path = tmp_path / f"pipe{len(threads)}"
        os.mkfifo(path)
        threads.append(Thread(target=path.write_bytes, args=[content], daemon=True))
        threads[-1].start()
        return str(path)

    yield write
    for thread in threads:
        thread.join(10)


def parquet(rows: list[list[str]]) -> bytes:
    """Return rows as a Parquet file."""
    stream = io.BytesIO()
    pd.DataFrame(rows, columns=COLUMNS).to_parquet(stream)
    return stream.getvalue()


STREAMS: dict[str, tuple[Callable[[list[list[str]]], bytes], tuple[str, ...]]] = {
    "csv": (lambda rows: delimited(rows).encode(), ()),
    "csv.gz": (lambda rows: gzip.compress(delimited(rows).encode()), ()),
    "jsonl": (lambda rows: "".join(json.dumps(one) + "\n" for one in objects(rows)).encode(), ("--format", "jsonl")),
    "json": (lambda rows: json.dumps(objects(rows)).encode(), ("--format", "json")),
    "parquet": (parquet, ("--format", "parquet")),
}


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="Windows has no such pipes")
@pytest.mark.usefixtures("signed_in")
@pytest.mark.parametrize("name", STREAMS)
def test_a_pipe_is_a_table(ikp: Ikp, rows: list[list[str]], pipe: Callable[[bytes], str], name: str) -> None:
    """It is CSV if nothing else is said; JSON and Parquet are kept on disk meanwhile."""
    write, options = STREAMS[name]
    assert ikp("upload", pipe(write(rows)), "-o", "r.csv", *options, *NAMED).status == 0
    assert ikpipe.read_results("r.csv")[COLUMNS].to_numpy().tolist() == rows


@pytest.mark.parametrize("name", STREAMS)
def test_standard_input_is_a_table(ikp: Ikp, rows: list[list[str]], name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """As a pipe is."""
    write, options = STREAMS[name]
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(write(rows))))
    assert ikp("check", "-", *options, *NAMED).status == 0


def test_standard_input_that_is_closed_is_an_error(ikp: Ikp, monkeypatch: pytest.MonkeyPatch) -> None:
    """Services have none."""
    monkeypatch.setattr(sys, "stdin", None)
    done = ikp("check", "-", *NAMED)
    assert (done.status, done.err) == (2, "ikpipe: error: Standard input is closed. Name a file.\n")


BROKEN = {
    "deep.jsonl": '{"a": ' + "[" * 100_000,
    "cut.json": '[{"a": 1},',
    "ragged.csv": "a,b\n1\n",
    "latin.csv": b"name\ncaf\xe9\n",
    "book.csv": b"PK\x03\x04" + bytes(26) + b"[Content_Types].xml",
    "cut.csv.gz": gzip.compress(b"a\n1\n")[:-4],
    "broken.parquet": b"PAR1" + bytes(100) + b"PAR1",
    "empty.parquet": b"",
    "empty.json.gz": b"\x1f\x8b",
    "zeros.csv": bytes(1000),
    "page.csv": "<!doctype html><p>Sign in",
    "twice.jsonl": '{"a": 1, "a": 2}',
}


@pytest.mark.parametrize(
    "command",
    [("check",), ("upload", "-o", "r.csv", "--emulator"), ("retry", "-o", "r.csv", "--emulator")],
    ids=lambda one: one[0],
)
@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_file_is_one_line(ikp: Ikp, name: str, command: tuple[str, ...]) -> None:
    """It names the file, and the status is 2."""
    content: Any = BROKEN[name]
    Path(name).write_bytes(content if isinstance(content, bytes) else content.encode())
    done = ikp(command[0], name, *command[1:])
    assert (done.status, done.out, done.err.count("\n")) == (2, "", 1), done.err
    assert done.err.startswith(f"ikpipe: error: {name}")


def test_an_option_is_named_as_it_is_typed(ikp: Ikp) -> None:
    """What the library calls `encoding=` is `--encoding` here."""
    Path("in.csv").write_bytes("name\nGröße\n".encode("cp1252"))
    done = ikp("check", "in.csv")
    assert done.err.endswith('not valid UTF-8. Add --encoding windows-1252 if this is right: "Größe".\n')
    assert ikp("check", "in.csv", "--delimiter", ";;").err.startswith(
        "ikpipe: error: --delimiter ';;': The delimiter must"
    )


SAVED = {
    "utf-8-sig": (),
    "cp1252": ("--encoding", "windows-1252"),
    "utf-16": (),
}


@pytest.mark.usefixtures("signed_in")
@pytest.mark.parametrize("encoding", SAVED)
def test_results_that_a_german_spreadsheet_saved_are_retried(
    ikp: Ikp, rows: list[list[str]], arrived: Callable[[], list[dict[str, Any]]], encoding: str
) -> None:
    """With semicolons, decimal commas and its words for booleans; only the row that failed is sent."""
    Path("in.csv").write_text(delimited([rows[0], [rows[1][0], "", rows[1][2]]]))
    assert ikp("upload", "in.csv", "-o", "r.csv", *NAMED).status == 1
    frame = pd.read_csv("r.csv", dtype=str, keep_default_na=False)
    frame.loc[1, "picture"] = rows[1][1]
    words = {"True": "WAHR", "False": "FALSCH", "true": "WAHR", "false": "FALSCH"}
    frame["ik_seconds"] = frame["ik_seconds"].str.replace(".", ",")
    text = (
        frame.replace(words).to_csv(sep=";", index=False, lineterminator="\r\n") + ";" * (frame.shape[1] - 1) + "\r\n"
    )
    Path("saved.csv").write_bytes(text.encode(encoding))
    done = ikp("retry", "saved.csv", "-o", "saved.csv", *SAVED[encoding], *NAMED)
    assert done.status == 0, done.err
    results = ikpipe.read_results("saved.csv")
    assert (results["ik_status"].tolist(), results["note"].tolist()) == (["uploaded"] * 2, ["Größe", "1;2"])
    assert len(arrived()) == 2
