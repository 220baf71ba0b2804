"""Files that somebody else wrote, in processes with little memory."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from excel_files import MAIN, SIMPLE, book, cell, column, ods, ods_cell, ods_row, one, row, shared, sheet, styles
from untrusted_tables import mark, results_file

if TYPE_CHECKING:
    from pathlib import Path


LIMITED = """
import json, os, resource, signal, sys, traceback

resource.setrlimit(resource.RLIMIT_AS, (3 << 30, 3 << 30))
import ikpipe, openpyxl, pandas, pyarrow.parquet
from ikpipe.frames.io import parquet
from ikpipe.frames.io.options import ReadOptions
from ikpipe.frames.io.streams import open_table


def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def attempt(folder, code):
    signal.alarm(60)
    os.chdir(folder)
    before = peak()
    try:
        exec(code)
    except ikpipe.Error:
        said = "refused"
    else:
        said = "read"
    print(said, "large" if peak() - before > 200_000 else "small", flush=True)


for line in sys.stdin:
    child = os.fork()
    if not child:
        try:
            attempt(*json.loads(line))
        except BaseException:
            traceback.print_exc()
            os._exit(1)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    print(os.waitstatus_to_exitcode(status), flush=True)
"""
"""Runs each line of its input in a process of its own, which takes a minute and 3 GB of address space at most."""


Limited = Callable[[str], list[str]]


@pytest.fixture(scope="module")
def forking() -> Iterator[subprocess.Popen[str]]:
    """Start a process that has imported everything, and forks for each test."""
    environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
    pipe = subprocess.PIPE
    command = [sys.executable, "-c", LIMITED]
    with subprocess.Popen(command, env=environment, stdin=pipe, stdout=pipe, text=True) as process:  # noqa: S603 - ours
        yield process


@pytest.fixture
def limited(forking: subprocess.Popen[str], tmp_path: Path) -> Limited:
    """Run code with little memory: return whether it was read or refused, and whether it took much or little memory."""

    def run(code: str) -> list[str]:
        assert forking.stdin is not None
        assert forking.stdout is not None
        forking.stdin.write(json.dumps([str(tmp_path), code]) + "\n")
        forking.stdin.flush()
        words = []
        while not (line := forking.stdout.readline()).strip("-\n").isdigit():
            assert line, "the process that forks has ended"
            words += line.split()
        assert line == "0\n", f"it ended with {line}"
        return words

    return run


CELLS = {
    "steps of no units": mark("array", ["(2,)m8[0s]", [mark("timedelta", [0, 1, 0])]]),
    "steps of no units, alone": mark("array", ["m8[0s]", [1, 2]]),
    "a scalar of no units": mark("numpy time", [1, "M8[0s]"]),
    "a sub-array": mark("array", ["(300000000,)u1", 1]),
    "a record": mark("array", ["(30000,30000)u1,i4", [[1, 1]]]),
    "wide text": mark("array", ["U300000000", [""]]),
    "wide text, often": mark("array", ["U9999999", [""] * 200]),
    "wide bytes": mark("array", ["S1999999999", [""]]),
    "void": mark("array", ["V1999999999", [1]]),
    "a file of zones": mark("timestamp", [1, "ns", "dateutil//dev/zero"]),
    "a span of nothing": mark("period", [1, "0D"]),
    "an unhashable mark": mark(["array"], 1),
}


@pytest.mark.parametrize("cell", CELLS.values(), ids=CELLS)
def test_a_cell_neither_ends_the_process_nor_takes_memory(cell: object, tmp_path: Path, limited: Limited) -> None:
    """A few bytes in a file are a few bytes in memory, or an error."""
    results_file(tmp_path / "r.parquet", [json.dumps(cell)])
    assert limited("ikpipe.read_results('r.parquet')")[-1] == "small"


NOTE = {"how": "arrow", "dtype": "object", "categories": ""}


RANGE = {"levels": 1, "multi": None, "range": [0, 10**12, 1], "names": "[null]", "freqs": [None], "values": []}


NOTES: dict[str, dict[str, Any]] = {
    "rows": {"rows": 10**12},
    "rows, no columns": {"rows": 10**12, "columns": []},
    "rows, negative": {"rows": -1},
    "rows, a float": {"rows": 1e12},
    "an index that counts": {"index": RANGE},
    "labels that count": {"labels": RANGE},
    "a sub-array": {"columns": [NOTE | {"dtype": "(300000000,)u1"}]},
    "a sub-array of JSON": {"columns": [NOTE | {"how": "tagged", "dtype": "(300000000,)u1"}]},
    "steps of no units": {"columns": [NOTE | {"dtype": "m8[0s]"}]},
    "steps of no units, of categories": {"columns": [NOTE | {"categories": '[[1], "M8[0s]", false]'}]},
    "wide text": {"columns": [NOTE | {"dtype": "U300000000"}]},
    "sparse": {"columns": [NOTE | {"dtype": "Sparse[(300000000,)u1]"}]},
    "intervals": {"columns": [NOTE | {"dtype": "interval[M8[0s]]"}]},
    "a file of zones": {"columns": [NOTE | {"dtype": "timestamp[us, tz=dateutil//dev/zero][pyarrow]"}]},
    "no notes of columns": {"columns": None},
    "no notes": {"columns": [], "labels": {}, "attrs": "", "rows": "x"},
    "a mark for a name": {"columns": [NOTE | {"dtype": {"!": "na"}}]},
    "attrs that are a list": {"attrs": "[1]"},
    "deep attrs": {"attrs": "[" * 50_000 + "]" * 50_000},
    "deep": {"columns": [[[[[]]]]]},
}


@pytest.mark.parametrize("notes", NOTES.values(), ids=NOTES)
def test_notes_of_a_results_file_are_bounded(notes: dict[str, Any], tmp_path: Path, limited: Limited) -> None:
    """What the notes say of rows, index, labels and dtypes takes no memory, and raises nothing but our error."""
    results_file(tmp_path / "r.parquet", ["1"], **notes)
    assert limited("ikpipe.read_results('r.parquet')")[-1] == "small"


COLUMN = {"name": "a", "field_name": "a", "pandas_type": "int64", "numpy_type": "int64", "metadata": None}


COUNTING = {"kind": "range", "name": None, "start": 0, "stop": 10**12, "step": 1}


FOREIGN: dict[str, dict[str, Any]] = {
    "a sub-array": {"columns": [COLUMN | {"numpy_type": "(300000000,)u1"}]},
    "steps of no units": {"columns": [COLUMN | {"numpy_type": "m8[0s]"}]},
    "a file of zones": {"columns": [COLUMN | {"numpy_type": "timestamp[us, tz=dateutil//dev/zero][pyarrow]"}]},
    "a zone of the notes": {"columns": [COLUMN | {"pandas_type": "datetimetz", "metadata": {"timezone": "../x"}}]},
    "no dtype": {"columns": [{"name": None}]},
    "a dtype that is a list": {"columns": [COLUMN | {"numpy_type": ["x"]}]},
    "an index that counts": {"index_columns": [COUNTING]},
    "an index of no steps": {"index_columns": [COUNTING | {"step": 0}]},
    "an index of text": {"index_columns": [COUNTING | {"start": "0"}]},
    "an index of another kind": {"index_columns": [{"kind": "other"}]},
    "an index that is not there": {"index_columns": ["b"]},
    "an index twice": {"index_columns": ["a", "a"]},
    "labels of a sub-array": {"column_indexes": [COLUMN | {"numpy_type": "(300000000,)u1", "pandas_type": "bytes"}]},
    "labels that are code": {"column_indexes": [COLUMN, COLUMN], "columns": [COLUMN | {"name": "(" * 50_000}]},
    "labels of numbers": {"column_indexes": [COLUMN]},
    "a list": {"columns": {"a": 1}, "index_columns": 1, "column_indexes": "x"},
}


@pytest.mark.parametrize("read", ["ikpipe.read_results", "list(open_table({}).chunks())", "parquet.facts"])
@pytest.mark.parametrize("notes", FOREIGN.values(), ids=FOREIGN)
def test_notes_of_pandas_are_bounded(notes: dict[str, Any], read: str, tmp_path: Path, limited: Limited) -> None:
    """What another program's notes say to pandas takes no memory, and raises nothing but our error."""
    noted = {"columns": [COLUMN], "index_columns": [], "column_indexes": [], **notes}
    metadata = {b"pandas": json.dumps(noted), b"PANDAS_ATTRS": '{"ikpipe": {"mapping": {"root": "/"}}}'}
    pq.write_table(pa.table({"a": [1, 2]}).replace_schema_metadata(metadata), tmp_path / "t.parquet")
    code = {
        "ikpipe.read_results": "ikpipe.read_results('t.parquet')",
        "parquet.facts": "parquet.facts(open('t.parquet', 'rb'), 't')",
    }.get(read, "list(open_table('t.parquet').chunks())")
    assert limited(code)[-1] == "small"


def test_json_lines_of_many_names_take_no_memory(tmp_path: Path, limited: Limited) -> None:
    """Each row with a name of its own would be a table of rows times rows."""
    lines = "".join(f'{{"k{at}": 1}}\n' for at in range(60_000))
    (tmp_path / "t.jsonl").write_text(lines)
    assert limited("list(open_table('t.jsonl').chunks())") == ["refused", "small"]
    assert limited("ikpipe.read_results('t.jsonl')") == ["refused", "small"]


HEAD = '<row r="1"><c r="A1" t="inlineStr"><is><t>file</t></is></c></row>'


SHEETS = {
    "a size that is declared": f'<dimension ref="A1:XFD1048576"/><sheetData>{HEAD}<row r="1048576">'
    '<c r="A1048576"><v>1</v></c></row></sheetData>',
    "a row beyond all": f'<sheetData>{HEAD}<row r="999999999999"><c r="A999999999999"><v>1</v></c></row></sheetData>',
    "a column beyond all": f'<sheetData>{HEAD}<row r="2"><c r="ZZZZZZZZ2"><v>1</v></c></row></sheetData>',
    "broken": f"<sheetData>{HEAD}",
    "a row that is no number": f'<sheetData>{HEAD}<row r="x"><c r="A2"><v>1</v></c></row></sheetData>',
}


@pytest.mark.parametrize("sheet", SHEETS.values(), ids=SHEETS)
def test_a_sheet_takes_what_its_cells_take(sheet: str, tmp_path: Path, limited: Limited) -> None:
    """Whatever size a sheet says it has, and wherever its cells say they are."""
    book(tmp_path / "t.xlsx", f'<worksheet xmlns="{MAIN}">{sheet}</worksheet>')
    assert limited("open_table('t.xlsx')")[-1] == "small"


def test_a_number_format_makes_no_endless_text(tmp_path: Path, limited: Limited) -> None:
    """A format of a million zeros is none."""
    cells = "".join(f'<row r="{at}"><c r="A{at}" s="1"><v>7</v></c></row>' for at in range(2, 2_000))
    parts = {"xl/styles.xml": styles("0" * 1_000_000)}
    book(tmp_path / "t.xlsx", sheet(HEAD + cells), parts=parts)
    assert limited("open_table('t.xlsx')") == ["read", "small"]


REPEATED = 'table:number-rows-repeated="1048576"'
ENTITIES = (
    '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaaaaaaaa">'
    + "".join(f'<!ENTITY {one} "{f"&{before};" * 16}">' for before, one in zip("abcdefg", "bcdefgh", strict=True))
    + "]>"
)
HUGE: dict[str, Callable[[Path], object]] = {
    "spaces": one(SIMPLE, before=" " * 200_000_000),
    "a text": one(SIMPLE, parts=shared(f"<t>{'a' * 100_000_000}</t>")),
    "texts": one(column(cell("A2", 0, "s")), parts=shared(*(["<t>a</t>"] * 4_000_000))),
    "entities": lambda path: book(path, sheet(SIMPLE).replace("?>\n", f"?>{ENTITIES}").replace("007", "&h;")),
    "cells far away": one(HEAD + "".join(row(at, cell(f"XFD{at}", 1, "n")) for at in range(2, 9_000))),
    "merged cells": one(SIMPLE, after='<mergeCells><mergeCell ref="A2:XFD1048576"/></mergeCells>'),
    "links": one(SIMPLE, after='<hyperlinks><hyperlink ref="A2:XFD1048576" r:id="x"/></hyperlinks>'),
    "repeated rows": ods(ods_row(ods_cell("x") * 99, attributes=f" {REPEATED}")),
    "repeated cells": ods(ods_row(ods_cell("x", attributes=' table:number-columns-repeated="16384"') * 99)),
    "spaces in a cell": ods(ods_row(ods_cell('<text:s text:c="999999999"/>'))),
}


@pytest.mark.parametrize("write", HUGE.values(), ids=HUGE)
def test_a_small_workbook_takes_no_memory(write: Callable[[Path], object], tmp_path: Path, limited: Limited) -> None:
    """Whatever it unpacks, repeats or expands to."""
    write(tmp_path / "t.xlsx")
    assert limited("open_table('t.xlsx', ReadOptions(links=True))")[-1] == "small"
