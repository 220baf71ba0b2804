"""Tables and results files of strangers on the command line: nothing of this machine's arrives."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from shell import NAMED
from untrusted_tables import OK, table_of

import ikpipe
from ikpipe.request.known_runs import remember

if TYPE_CHECKING:
    from collections.abc import Callable

    from shell import Ikp, Table

    Arrived = Callable[[], list[dict[str, Any]]]


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    """Write a file that nobody means to publish."""
    path = tmp_path / "secret"
    path.write_text("do not publish")
    return path


@pytest.mark.usefixtures("signed_in")
def test_what_results_say_is_not_obeyed(ikp: Ikp, secret: Path, arrived: Arrived) -> None:
    """Folder, download and address of a stranger's results are an error that says what to pass again."""
    mapping = {"columns": {"webhookUrl": "file"}, "root": str(secret.parent), "fetch": "client", "parameters": {}}
    ran = ikp("retry", table_of(["secret"], ikpipe={"mapping": mapping}), "-o", "out.csv")
    assert (ran.status, arrived(), Path("out.csv").exists()) == (2, [], False)
    assert "--root …, --fetch client, --map webhook_url=…" in ran.err
    assert str(secret.parent) not in ran.err


@pytest.mark.usefixtures("signed_in")
def test_a_database_that_results_name_is_not_changed(ikp: Ikp, arrived: Arrived) -> None:
    """A foreign journal is not even opened."""
    with sqlite3.connect("other.db") as db:
        db.execute("CREATE TABLE about (facts)")
    db.close()
    before = Path("other.db").read_bytes()
    name = table_of([OK], ikpipe={"journal": "other.db", "mapping": {}})
    results = ikpipe.read_results(name)
    ikpipe.write_results(results.assign(ik_status=pd.array(["unknown"], "string")), name)
    ikp("retry", name, "-o", "out.csv", "--set", "file_name=a.txt")
    assert Path("other.db").read_bytes() == before
    assert not list(Path().glob("other.db-*"))


@pytest.mark.usefixtures("signed_in")
def test_the_next_command_says_what_a_file_cannot(ikp: Ikp, arrived: Arrived) -> None:
    """After a run into Parquet, the line to type has `--root`, `--fetch` and the address; it works in a new process."""
    Path("files").mkdir()
    pd.DataFrame({"file": ["a.txt"], "label": ["x"], "hook": ["https://shop.example/"]}).to_csv("in.csv", index=False)
    said = ("--root", "files", "--fetch", "client", "--map", "webhook_url=hook")
    ran = ikp("upload", "in.csv", "-o", "r.parquet", "--map", "tags=label", *said)
    (again,) = [line.split() for line in ran.err.splitlines() if line.startswith("  ikpipe retry")]
    assert again == ["ikpipe", "retry", "r.parquet", "-o", "r.parquet", "--map", "webhook_url=hook", *said[:4]]
    Path("files", "a.txt").write_text("a")
    for _ in range(256):  # as many as are remembered: this run is not known any more, as in another process
        remember({}, None)
    assert ikp(*again[1:]).status == 0
    assert arrived()[0]["fields"] | {"webhookUrl": "https://shop.example/", "tags": "x"} == arrived()[0]["fields"]


@pytest.mark.usefixtures("signed_in")
@pytest.mark.parametrize("command", ["upload", "check", "retry"])
def test_a_broken_file_is_one_line(ikp: Ikp, command: str) -> None:
    """A file that nobody but a stranger can have written is one error line, never a traceback."""
    name = table_of([OK])
    table = pq.read_table(name)
    noted = pq.ParquetFile(name).metadata.metadata[b"ikpipe"]
    table = table.set_column(0, "file", pa.array([json.dumps({"!": "array", "=": ["(2,)m8[0s]", [1]]})]))
    pq.write_table(table.replace_schema_metadata({b"ikpipe": noted}), name)
    ran = ikp(command, name, "-o", "out.csv", "--set", "file_name=a.txt")
    assert ran.status == 2
    assert ran.err.startswith("ikpipe: error: t.parquet, file, row 0: ")
    assert ran.err.count("\n") == 1


@pytest.mark.usefixtures("signed_in")
def test_an_address_in_a_column_is_mapped(ikp: Ikp, table: Table, arrived: Arrived) -> None:
    """A column that is named like the address is an error with the option to type."""
    name = table(1, webhookUrl=["https://evil.example/"])
    ran = ikp("upload", name, "-o", "out.csv", *NAMED)
    assert (ran.status, arrived()) == (2, [])
    assert "--map webhook_url=webhookUrl" in ran.err
    assert ikp("upload", name, "-o", "out.csv", *NAMED, "--map", "webhook_url=webhookUrl").status == 0
