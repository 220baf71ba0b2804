"""Columns of types that pandas cannot hold: unused ones never matter, used ones have the right value or a problem."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from rows import quiet
from table_files import cells

import ikpipe
from ikpipe.frames.chunks import InMemoryTable, JournalTable, TableSource
from ikpipe.frames.io.csv_style import CsvStyle
from ikpipe.frames.io.options import ReadOptions
from ikpipe.frames.io.results_text import TextLayout
from ikpipe.frames.io.streams import open_table

if TYPE_CHECKING:
    from pathlib import Path

    from ikpipe import Account

GIF = "data:image/gif;base64,R0lGODlh"


def latin() -> pa.Array:
    """Return text of which one is not UTF-8."""
    offsets = np.array([0, 4, 6], dtype="int32").tobytes()
    return pa.StringArray.from_buffers(2, pa.py_buffer(offsets), pa.py_buffer(b"caf\xe9ok"))


class _Shop(pa.ExtensionType):
    """A type that this process alone knows."""

    def __init__(self) -> None:
        super().__init__(pa.string(), "example.shop")

    def __arrow_ext_serialize__(self) -> bytes:
        return b""


MOMENTS = [dt.datetime(1970, 1, 1, tzinfo=dt.UTC), dt.datetime(1970, 1, 1, 0, 0, 1, tzinfo=dt.UTC)]
ARRAYS: dict[str, tuple[pa.Array, list[Any]]] = {
    "string_view": (pa.array(["a", None], pa.string_view()), ["a", None]),
    "binary_view": (pa.array([b"a", None], pa.binary_view()), [b"a", None]),
    "large_string": (pa.array(["a", None], pa.large_string()), ["a", None]),
    "dictionary": (pa.array(["a", None]).dictionary_encode(), ["a", None]),
    "dictionary_of_numbers": (pa.array([1, None]).dictionary_encode(), [1, None]),
    "float16": (pa.array(np.array([1.5, 2], dtype="float16")), [1.5, 2]),
    "decimal256": (pa.array([Decimal(10) ** 50, None], pa.decimal256(76, 1)), [Decimal(10) ** 50, None]),
    "unknown_zone": (pa.array([0, 1], pa.timestamp("s", "Mars/Phobos")), MOMENTS),
    "zone_of_a_file": (pa.array([0, 1], pa.timestamp("s", "../../etc/passwd")), MOMENTS),
    "nanoseconds": (pa.array([1, None], pa.time64("ns")), [dt.time(0), None]),
    "microseconds_as_nanoseconds": (pa.array([1000, None], pa.time64("ns")), [dt.time(microsecond=1), None]),
    "distant_time": (pa.array([10**15, None], pa.timestamp("ms")), ["33658-09-27T01:46:40.000", None]),
    "distant_day": (pa.array([10**7, None], pa.date32()), ["29349-01-26", None]),
    "latin": (latin(), ["caf\udce9", "ok"]),
    "list_of_latin": (pa.ListArray.from_arrays(pa.array([0, 1, 2], pa.int32()), latin()), [["caf\udce9"], ["ok"]]),
    "struct": (pa.array([{"a": 1}, {"a": None}]), [{"a": 1}, {"a": None}]),
    "struct_of_views": (pa.array([{"a": "x"}, None], pa.struct([("a", pa.string_view())])), [{"a": "x"}, None]),
    "list_view": (pa.array([["a"], None], pa.list_view(pa.string())), [["a"], None]),
    "list_of_numbers": (pa.array([[1, 2], [3, 4]], pa.list_(pa.int32(), 2)), [[1, 2], [3, 4]]),
    "null": (pa.nulls(2), [None, None]),
    "extension": (pa.ExtensionArray.from_storage(_Shop(), pa.array(["a", "b"])), ["a", "b"]),
    "map": (pa.array([[("a", 1)], None], pa.map_(pa.string(), pa.int32())), [[("a", 1)], None]),
}
NOT_IN_PARQUET: dict[str, tuple[pa.Array, list[Any]]] = {
    "month": (pa.array([pa.MonthDayNano([1, 2, 3]), None]), ["MonthDayNano(months=1, days=2, nanoseconds=3)", None]),
    "run_end": (pa.RunEndEncodedArray.from_arrays(pa.array([2], pa.int32()), pa.array(["a"])), ["a", "a"]),
    "union": (
        pa.UnionArray.from_dense(
            pa.array([0, 1], pa.int8()), pa.array([0, 0], pa.int32()), [pa.array(["a"]), pa.array([1])]
        ),
        ["a", 1],
    ),
}


def used(table: TableSource) -> list[Any]:
    """Read a table as a run does: a journal gets a copy, and results are written as CSV and JSON; return the cells."""
    (chunk,) = table.chunks()
    layout = TextLayout.of(chunk, index=False)
    assert layout.csv_text(chunk.frame, CsvStyle()).count("\n") >= 2
    assert layout.jsonl_text(chunk.frame).count("\n") == 2
    pieces = [(0, 2, chunk.text(), chunk.encoder.head)]
    kept = JournalTable(lambda: iter(pieces), 2, {"whole": []})
    assert values(kept.sample) == values(chunk.frame)
    return values(chunk.frame)


def values(frame: pd.DataFrame) -> list[Any]:
    """Return the cells of the second column."""
    return [cell.tolist() if isinstance(cell, np.ndarray) else cell for _, cell in cells(frame)]


def table(array: pa.Array) -> pa.Table:
    """Return a table with a file and another column."""
    return pa.table({"file": [GIF, GIF], "x": array})


@pytest.mark.parametrize("name", ARRAYS)
def test_a_column_of_a_parquet_file(name: str, tmp_path: Path) -> None:
    """It is read chunk by chunk, and as a whole."""
    array, expected = ARRAYS[name]
    try:
        pq.write_table(table(array), tmp_path / "t.parquet")
    except pa.ArrowNotImplementedError:
        pytest.skip("this version of pyarrow does not write the type")
    assert used(open_table(str(tmp_path / "t.parquet"))) == expected
    assert len(ikpipe.read_results(tmp_path / "t.parquet")) == 2


@pytest.mark.parametrize("name", [*ARRAYS, *NOT_IN_PARQUET])
def test_a_column_of_a_pyarrow_table(name: str) -> None:
    """It is read from memory."""
    array, expected = (ARRAYS | NOT_IN_PARQUET)[name]
    assert used(InMemoryTable(table(array))) == expected


@pytest.mark.parametrize("name", [*(name for name in ARRAYS if name != "extension"), *NOT_IN_PARQUET])
def test_a_column_of_a_pandas_frame(name: str) -> None:
    """Pandas has Arrow's types as dtypes."""
    array, expected = (ARRAYS | NOT_IN_PARQUET)[name]
    frame = pd.DataFrame({"file": [GIF, GIF], "x": pd.arrays.ArrowExtensionArray(pa.chunked_array([array]))})
    before = frame.dtypes["x"]
    assert used(InMemoryTable(frame)) == expected
    assert frame.dtypes["x"] == before


def test_text_that_is_not_utf8_is_a_problem_of_its_row() -> None:
    """Where it is used."""
    problems = ikpipe.check(table(latin()), columns={"tags": "x"}, file_name="a.gif").to_pandas()
    assert problems[["position", "parameter", "code"]].to_numpy().tolist() == [[0, "tags", "bad_character"]]


REPEATED = pa.table([[GIF], ["a"], ["b"]], names=["file", "x", "x"])


@pytest.mark.parametrize("kind", [pa.Table, pd.DataFrame])
def test_columns_that_share_a_name_do_not_matter(kind: type, account: Account) -> None:
    """They return as they were; a mapping cannot use them."""
    given: Any = REPEATED if kind is pa.Table else REPEATED.to_pandas()
    results: Any = quiet(given, account, file_name="a.gif")
    assert type(results) is kind
    names, row = (results.columns, results.iloc[0]) if kind is pd.DataFrame else (results.column_names, results)
    assert list(names[:4]) == ["file", "x", "x", "ik_status"]
    shown = [row.iloc[at] if kind is pd.DataFrame else row.column(at)[0].as_py() for at in range(1, 4)]
    assert shown == ["a", "b", "uploaded"]
    with pytest.raises(ikpipe.MappingError, match=r"The table has 2 columns 'x'. Rename all but one"):
        ikpipe.check(given, columns={"tags": "x"})


def test_columns_that_share_a_name_in_parquet_do_not_matter(tmp_path: Path) -> None:
    """Neither in a file."""
    pq.write_table(pa.table([[GIF], [1.5], [2.0]], names=["file", "x", "x"]), tmp_path / "t.parquet")
    opened = open_table(str(tmp_path / "t.parquet"), ReadOptions())
    assert cells(opened.sample) == [[GIF, 1.5, 2.0]]
