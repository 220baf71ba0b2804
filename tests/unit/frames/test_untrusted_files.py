"""What a file may not do: name paths, build odd dtypes, take memory, end the process, raise anything but our error."""

from __future__ import annotations

import base64
import io
import json
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
from untrusted_tables import mark, results_file

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


@pytest.mark.parametrize("noted", [b"", b"[", b"[]", b"1", b'"x"', b"{}", b"[" * 99_999, b"\xff", b'{"columns": 1}'])
def test_notes_that_are_none_are_an_error(noted: bytes, tmp_path: Path) -> None:
    """Notes that are broken are an error which names the file."""
    pq.write_table(pa.table({"a": [1]}).replace_schema_metadata({b"ikpipe": noted}), tmp_path / "r.parquet")
    with pytest.raises(ikpipe.Error, match=r"r\.parquet"):
        ikpipe.read_results(tmp_path / "r.parquet")


# Files of other programs


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
    """An Arrow extension type builds nothing: its storage is read, and bytes that are a UUID as one."""
    ids = pa.ExtensionArray.from_storage(pa.uuid(), pa.array([b"x" * 16], pa.binary(16)))
    texts = pa.ExtensionArray.from_storage(pa.json_(), pa.array(["{}"], pa.string()))
    pq.write_table(pa.table({"id": ids, "json": texts}), tmp_path / "t.parquet")
    for found in (ikpipe.read_results(tmp_path / "t.parquet"), open_table(str(tmp_path / "t.parquet")).sample):
        assert found.iloc[0].tolist() == [UUID(bytes=b"x" * 16), "{}"]


# Text and spreadsheets

DEEP = "[" * 100_000 + "]" * 100_000
TEXTS = {
    "deep.jsonl": f'{{"file": {DEEP}}}',
    "deep300.jsonl": f'{{"file": {"[" * 300}{"]" * 300}}}',
    "digits.jsonl": '{"ik_size": ' + "9" * 100_000 + "}",
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
