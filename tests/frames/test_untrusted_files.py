"""What a file may not do: name paths, build odd dtypes, take memory, end the process, raise anything but our error."""

from __future__ import annotations

import base64
import io
import json
import os
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from pathlib import PurePath
from typing import TYPE_CHECKING, Any
from uuid import UUID

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from examples import plays
from hypothesis import given
from hypothesis import strategies as st

import ikpipe
from ikpipe.frames.codec import json_values
from ikpipe.frames.io import parquet
from ikpipe.frames.io.streams import open_table

if TYPE_CHECKING:
    from pathlib import Path

PLAIN = (
    *(str, int, float, bool, complex, bytes, bytearray, memoryview, type(None), Decimal, UUID),
    *(datetime, date, time, timedelta, pd.Timestamp, pd.Timedelta, pd.Period, pd.Interval, type(pd.NaT), type(pd.NA)),
    *(np.datetime64, np.timedelta64),
)
MARKS = (
    *("nat", "na", "float", "complex", "decimal", "timestamp", "datetime", "date", "time", "pandas timedelta"),
    *("timedelta", "period", "interval", "bytes", "memoryview", "bytearray", "path", "posix path", "windows path"),
    *("uuid", "tuple", "set", "frozenset", "dict", "numpy time", "array", "module", ""),
)
NAMES = (
    *("M8[0s]", "(2,)m8[0s]", "(300000000,)u1", "i4,i4", "V9", "V999999999", "O", "object", "U", "U999999999", "<U8"),
    *("S999999999", "datetime64[ns]", "m8[s/3]", "int8", "float64", "complex128", "c16", "bool", "?", "p", "P"),
    *("s", "ns", "Y", "D", "0D", "2D", "W-SUN", "left", "UTC", "dateutil//etc/passwd", "../../etc/passwd", "Europe"),
    *("2026-01-01", "2026-01-01T00:00:00", "1e999999999", "sNaN", "1E+999999999", "/etc/passwd", "", "nan"),
)


def mark(kind: object, content: object) -> dict[str, object]:
    """Write a mark as our encoding does."""
    return {"!": kind, "=": content}


LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=4) | st.sampled_from(NAMES)
TREES = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.dictionaries(st.sampled_from(["!", "=", "a"]), inner, max_size=3),
        st.builds(mark, st.sampled_from(MARKS), inner),
        st.builds(mark, st.sampled_from(MARKS), st.lists(inner, max_size=3)),
        st.builds(mark, st.just("array"), st.tuples(st.sampled_from(NAMES), st.lists(inner, max_size=3)).map(list)),
    ),
    max_leaves=12,
)


def plain(value: Any) -> bool:
    """Tell whether there is nothing in a value but what a table may have."""
    if isinstance(value, dict):
        return all(plain(one) for pair in value.items() for one in pair)
    if isinstance(value, list | tuple | set | frozenset):
        return all(map(plain, value))
    if isinstance(value, np.ndarray):
        return value.dtype.kind in "biufcmMUS" or (value.dtype == object and all(map(plain, value.flat)))
    return isinstance(value, PLAIN) and not isinstance(value, PurePath)


def results_file(path: Path, cells: list[str], **notes: Any) -> str:
    """Write a file of results whose only column has these tagged cells, with whatever notes."""
    frame = pd.DataFrame({"file": pd.Series([[None]] * len(cells), dtype=object)})
    ikpipe.write_results(frame, path)
    table = pq.read_table(path)
    noted = json.loads(pq.ParquetFile(path).metadata.metadata[b"ikpipe"]) | notes
    table = table.set_column(0, "file", pa.array(cells, pa.string()))
    pq.write_table(table.replace_schema_metadata({"ikpipe": json.dumps(noted)}), path)
    return str(path)


@plays(500)
@given(TREES)
def test_only_plain_values_come_out_of_text(tree: object) -> None:
    """Whatever JSON somebody writes, with whatever marks, plain values come out of it or one kind of error."""
    try:
        found = json_values.decode(json.dumps(tree))
    except ValueError:
        return
    assert plain(found)


@plays(100)
@given(st.lists(TREES, min_size=1, max_size=3), st.sampled_from(["cells", "attrs", "names", "labels", "categories"]))
def test_only_plain_values_come_out_of_a_file(
    tmp_path_factory: pytest.TempPathFactory, trees: list[object], where: str
) -> None:
    """The same for each place of a results file; the error is ours, and names the file."""
    path, text = tmp_path_factory.mktemp("x") / "r.parquet", json.dumps(trees)
    index = {"levels": 0, "multi": None, "range": [0, 1, 1], "names": text, "freqs": [None]}
    note: dict[str, Any] = {"how": "tagged", "dtype": "object", "categories": ""}
    notes: dict[str, dict[str, Any]] = {
        "cells": {},
        "attrs": {"attrs": text},
        "names": {"index": index},
        "labels": {"labels": index | {"levels": 1, "range": None, "names": "[null]", "values": [[note, text]]}},
        "categories": {"columns": [note | {"categories": text}]},
    }
    name = results_file(path, [json.dumps(tree) for tree in trees] if where == "cells" else ["null"], **notes[where])
    try:
        found = ikpipe.read_results(name)
    except ikpipe.Error as error:
        assert "r.parquet" in str(error)  # noqa: PT017 - either is good
        return
    cells = [cell for at in range(found.shape[1]) for cell in found.iloc[:, at].tolist()]
    assert plain([cells, found.attrs, found.index.tolist(), found.columns.tolist(), list(found.index.names)])


@pytest.mark.parametrize("text", ["1e999999999", "-1E-999999999", "1e10001"])
def test_no_number_is_too_large_to_write_out(text: str) -> None:
    """A decimal number that takes gigabytes as digits is an error; others come back."""
    with pytest.raises(ValueError, match="too large"):
        json_values.decode(json.dumps(mark("decimal", text)))
    assert json_values.decode(json.dumps(mark("decimal", "1e10000"))) == Decimal("1e10000")


@pytest.mark.parametrize("kind", ["path", "posix path", "windows path"])
def test_no_path_comes_out_of_a_file(kind: str, tmp_path: Path) -> None:
    """A path that somebody wrote into a file is text, on its own and inside others."""
    there = mark(kind, "/etc/passwd")
    cells = [there, [there], mark("tuple", [there]), mark("dict", [[there, there]]), mark("array", ["object", [there]])]
    found = ikpipe.read_results(results_file(tmp_path / "r.parquet", [json.dumps(cell) for cell in cells]))
    assert found["file"].tolist()[:3] == ["/etc/passwd", ["/etc/passwd"], ("/etc/passwd",)]
    assert plain(found["file"].tolist())


def test_an_error_names_file_column_and_row(tmp_path: Path) -> None:
    """A cell that nobody but a stranger can have written is named."""
    name = results_file(tmp_path / "r.parquet", ["1", json.dumps(mark("module", "os"))])
    with pytest.raises(ikpipe.Error, match=r"r\.parquet, file, row 1: .*mark"):
        ikpipe.read_results(name)


LIMITED = """
import json, os, resource, signal, sys, traceback

resource.setrlimit(resource.RLIMIT_AS, (3 << 30, 3 << 30))
import ikpipe, openpyxl, pandas, pyarrow.parquet
from ikpipe.frames.io import parquet
from ikpipe.frames.io.streams import feed


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


@pytest.mark.slow
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


@pytest.mark.slow
@pytest.mark.parametrize("notes", NOTES.values(), ids=NOTES)
def test_notes_of_a_results_file_are_bounded(notes: dict[str, Any], tmp_path: Path, limited: Limited) -> None:
    """What the notes say of rows, index, labels and dtypes takes no memory, and raises nothing but our error."""
    results_file(tmp_path / "r.parquet", ["1"], **notes)
    assert limited("ikpipe.read_results('r.parquet')")[-1] == "small"


@pytest.mark.parametrize("noted", [b"", b"[", b"[]", b"1", b'"x"', b"{}", b"[" * 99_999, b"\xff", b'{"columns": 1}'])
def test_notes_that_are_none_are_an_error(noted: bytes, tmp_path: Path) -> None:
    """Notes that are broken are an error which names the file."""
    pq.write_table(pa.table({"a": [1]}).replace_schema_metadata({b"ikpipe": noted}), tmp_path / "r.parquet")
    with pytest.raises(ikpipe.Error, match=r"r\.parquet"):
        ikpipe.read_results(tmp_path / "r.parquet")


# Files of other programs

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


@pytest.mark.slow
@pytest.mark.parametrize("read", ["ikpipe.read_results", "list(feed({}).chunks())", "parquet.facts"])
@pytest.mark.parametrize("notes", FOREIGN.values(), ids=FOREIGN)
def test_notes_of_pandas_are_bounded(notes: dict[str, Any], read: str, tmp_path: Path, limited: Limited) -> None:
    """What another program's notes say to pandas takes no memory, and raises nothing but our error."""
    noted = {"columns": [COLUMN], "index_columns": [], "column_indexes": [], **notes}
    metadata = {b"pandas": json.dumps(noted), b"PANDAS_ATTRS": '{"ikpipe": {"mapping": {"root": "/"}}}'}
    pq.write_table(pa.table({"a": [1, 2]}).replace_schema_metadata(metadata), tmp_path / "t.parquet")
    code = {
        "ikpipe.read_results": "ikpipe.read_results('t.parquet')",
        "parquet.facts": "parquet.facts(open('t.parquet', 'rb'), 't')",
    }.get(read, "list(feed('t.parquet').chunks())")
    assert limited(code)[-1] == "small"


def test_attrs_of_another_program_are_left_out(tmp_path: Path) -> None:
    """What pandas keeps of `attrs` in a file does not come back: it would say what `retry` does."""
    frame = pd.DataFrame({"a": [1]})
    frame.attrs = {"ikpipe": {"mapping": {"root": "/"}}}
    frame.to_parquet(tmp_path / "t.parquet")
    assert ikpipe.read_results(tmp_path / "t.parquet").attrs == {}
    assert open_table(str(tmp_path / "t.parquet")).sample.attrs == {}


@pytest.mark.parametrize(
    "frame",
    [
        pd.DataFrame({"a": pd.Series([1, None], dtype="Int64"), "b": pd.Series(["x", None], dtype="string")}),
        pd.DataFrame({"a": [1, 2]}, index=pd.Index(["x", "y"], name="sku")),
        pd.DataFrame({"a": [1, 2]}, index=pd.Index(["x", "y"])),
        pd.DataFrame({"a": [1, 2]}, index=pd.MultiIndex.from_tuples([("x", 1), ("y", 2)], names=["k", None])),
        pd.DataFrame({"a": [1, 2]}, index=pd.RangeIndex(5, 7, name="n")),
        pd.DataFrame({"a": pd.Categorical(["x", "y"]), "b": pd.period_range("2026", periods=2, freq="M")}),
        pd.DataFrame({"a": pd.interval_range(0, 2), "b": pd.date_range("2026", periods=2, tz="Europe/Paris")}),
        pd.DataFrame({"a": pd.Series([1, None], dtype="int64[pyarrow]"), "b": [True, None]}),
        pd.DataFrame([[1, 2], [3, 4]]),
    ],
    ids=range(9),
)
def test_tables_of_pandas_are_read_as_before(frame: pd.DataFrame, tmp_path: Path) -> None:
    """Index, labels and dtypes of a file that pandas wrote come back as pandas reads them."""
    path = tmp_path / "t.parquet"
    frame.to_parquet(path)
    pd.testing.assert_frame_equal(ikpipe.read_results(path), pd.read_parquet(path))


@pytest.mark.skipif(not hasattr(pa, "uuid"), reason="pyarrow 17 has no such types")
def test_extension_types_are_read_as_they_are_stored(tmp_path: Path) -> None:
    """An Arrow extension type builds nothing: its storage is read."""
    ids = pa.ExtensionArray.from_storage(pa.uuid(), pa.array([b"x" * 16], pa.binary(16)))
    texts = pa.ExtensionArray.from_storage(pa.json_(), pa.array(["{}"], pa.string()))
    pq.write_table(pa.table({"id": ids, "json": texts}), tmp_path / "t.parquet")
    for found in (ikpipe.read_results(tmp_path / "t.parquet"), open_table(str(tmp_path / "t.parquet")).sample):
        assert found.iloc[0].tolist() == [b"x" * 16, "{}"]


# Text and spreadsheets

DEEP = "[" * 100_000 + "]" * 100_000
TEXTS = {
    "deep.jsonl": f'{{"file": {DEEP}}}',
    "deep300.jsonl": f'{{"file": {"[" * 300}{"]" * 300}}}',
    "digits.jsonl": '{"file": ' + "9" * 100_000 + "}",
    "float.jsonl": '{"ik_size": 1e999}',
    "deep.csv": f'ik_tags\n"{DEEP}"\n',
    "digits.csv": "ik_size\n" + "9" * 100_000 + "\n",
    "json.csv": 'ik_message\n"""' + DEEP + '"\n',
}


@pytest.mark.parametrize("name", TEXTS)
def test_text_raises_nothing_but_our_error(name: str, tmp_path: Path) -> None:
    """Deep nesting and numbers without end are errors that name the file."""
    (tmp_path / name).write_text(TEXTS[name])
    with pytest.raises(ikpipe.Error, match=name):
        ikpipe.read_results(tmp_path / name)


@pytest.mark.slow
def test_json_lines_of_many_names_take_no_memory(tmp_path: Path, limited: Limited) -> None:
    """Each row with a name of its own would be a table of rows times rows."""
    lines = "".join(f'{{"k{at}": 1}}\n' for at in range(60_000))
    (tmp_path / "t.jsonl").write_text(lines)
    assert limited("list(feed('t.jsonl').chunks())") == ["refused", "small"]
    assert limited("ikpipe.read_results('t.jsonl')") == ["refused", "small"]


def workbook(path: Path, sheet: str, styles: str = "") -> None:
    """Write a workbook whose only sheet has this XML."""
    kinds = "application/vnd.openxmlformats-officedocument.spreadsheetml"
    links = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    main, package = (
        "http://schemas.openxmlformats.org/spreadsheetml/2006/main",
        "http://schemas.openxmlformats.org/package/2006",
    )
    parts = {
        "[Content_Types].xml": f'<Types xmlns="{package}/content-types">'
        f'<Override PartName="/xl/workbook.xml" ContentType="{kinds}.sheet.main+xml"/>'
        f'<Override PartName="/xl/worksheets/sheet1.xml" ContentType="{kinds}.worksheet+xml"/>'
        f'<Override PartName="/xl/styles.xml" ContentType="{kinds}.styles+xml"/></Types>',
        "_rels/.rels": f'<Relationships xmlns="{package}/relationships">'
        f'<Relationship Id="r1" Type="{links}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": f'<workbook xmlns="{main}" xmlns:r="{links}">'
        '<sheets><sheet name="a" sheetId="1" r:id="r1"/></sheets></workbook>',
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{package}/relationships">'
        f'<Relationship Id="r1" Type="{links}/worksheet" Target="worksheets/sheet1.xml"/></Relationships>',
        "xl/worksheets/sheet1.xml": f'<worksheet xmlns="{main}">{sheet}</worksheet>',
    }
    if styles:
        parts["xl/styles.xml"] = f'<styleSheet xmlns="{main}">{styles}</styleSheet>'
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for name, part in parts.items():
            file.writestr(name, part)


HEAD = '<row r="1"><c r="A1" t="inlineStr"><is><t>file</t></is></c></row>'
SHEETS = {
    "a size that is declared": f'<dimension ref="A1:XFD1048576"/><sheetData>{HEAD}<row r="1048576">'
    '<c r="A1048576"><v>1</v></c></row></sheetData>',
    "a row beyond all": f'<sheetData>{HEAD}<row r="999999999999"><c r="A999999999999"><v>1</v></c></row></sheetData>',
    "a column beyond all": f'<sheetData>{HEAD}<row r="2"><c r="ZZZZZZZZ2"><v>1</v></c></row></sheetData>',
    "broken": f"<sheetData>{HEAD}",
    "a row that is no number": f'<sheetData>{HEAD}<row r="x"><c r="A2"><v>1</v></c></row></sheetData>',
}


@pytest.mark.slow
@pytest.mark.parametrize("sheet", SHEETS.values(), ids=SHEETS)
def test_a_sheet_takes_what_its_cells_take(sheet: str, tmp_path: Path, limited: Limited) -> None:
    """Whatever size a sheet says it has, and wherever its cells say they are."""
    workbook(tmp_path / "t.xlsx", sheet)
    assert limited("feed('t.xlsx')")[-1] == "small"


@pytest.mark.slow
def test_a_number_format_makes_no_endless_text(tmp_path: Path, limited: Limited) -> None:
    """A format of a million zeros is none."""
    cells = "".join(f'<row r="{at}"><c r="A{at}" s="1"><v>7</v></c></row>' for at in range(2, 2_000))
    styles = (
        f'<numFmts count="1"><numFmt numFmtId="164" formatCode="{"0" * 1_000_000}"/></numFmts>'
        "<fonts><font/></fonts><fills><fill><patternFill/></fill></fills><borders><border/></borders><cellStyleXfs><xf/></cellStyleXfs>"
        '<cellXfs><xf numFmtId="0"/><xf numFmtId="164" applyNumberFormat="1"/></cellXfs>'
    )
    workbook(tmp_path / "t.xlsx", f"<sheetData>{HEAD}{cells}</sheetData>", styles)
    assert limited("feed('t.xlsx')") == ["read", "small"]


# What is bounded stays what it was


@pytest.mark.parametrize(
    "value",
    [
        np.array([1, 2], dtype=">i4"),
        np.array(["a", "bcd"]),
        np.array([b"a", b"bcd"]),
        np.array(["2026-01-01", "NaT"], dtype="M8[D]"),
        np.array([1, 2], dtype="m8[25us]"),
        np.array([1j, 2], dtype="complex64"),
        np.array(1.5, dtype="float16"),
        np.array([np.array([1]), None], dtype=object),
        np.longdouble([1.5]),
    ],
    ids=repr,
)
def test_plain_arrays_come_back(value: np.ndarray[Any, Any]) -> None:
    """Arrays of numbers, times and text come back with their dtypes."""
    found = json_values.decode(json_values.encode(value))
    np.testing.assert_array_equal(found, value)
    assert found.dtype == value.dtype


@pytest.mark.parametrize("value", [np.array([(1, "a")], dtype="i4,U1"), np.zeros(2, dtype="V3")], ids=repr)
def test_odd_arrays_come_back_as_objects(value: np.ndarray[Any, Any]) -> None:
    """What code put into a cell can always be read again, if not with its dtype."""
    assert json_values.decode(json_values.encode(value)).dtype == object


def test_parquet_written_in_parts_keeps_paths(tmp_path: Path) -> None:
    """Rows that are written anew, since later ones have more columns, say what they said."""
    first = pd.DataFrame({"a": pd.Series([tmp_path], dtype=object)})
    stream = io.BytesIO()
    ikpipe.write_results(first, tmp_path / "r.parquet")
    stream.write((tmp_path / "r.parquet").read_bytes())
    assert [type(cell) for frame in parquet.groups(stream) for cell in frame["a"]] == [type(tmp_path)]


def test_bytes_are_data() -> None:
    """Bytes of a file are bytes of a file."""
    assert json_values.decode(json.dumps(mark("bytes", base64.b64encode(b"x").decode()))) == b"x"
