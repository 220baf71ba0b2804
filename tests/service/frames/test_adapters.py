"""Tables of other libraries: they go in as what they are, and the results come back as such."""

from __future__ import annotations

import datetime
import sys
from typing import TYPE_CHECKING, Any

import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from rows import quiet

import ikpipe
from ikpipe.frames.adapters import FrameAdapter
from ikpipe.frames.chunks import InMemoryTable
from ikpipe.frames.results import ResultCollector
from ikpipe.request.result import RESULT_COLUMNS

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from ikpipe import Account

GIF = "data:image/gif;base64,R0lGODlh"
DATA: dict[str, list[Any]] = {
    "file": [GIF, None, GIF],
    "sku": ["007", "8", "9"],
    "stock": [1, None, 3],
    "tags": [["a", "b"], None, ["c"]],
    "day": [datetime.date(2026, 1, 2), None, None],
}
KINDS = pytest.mark.parametrize("kind", [pl.DataFrame, pa.table])
MAPPING = {"file_name": "{sku}-{stock}.gif", "response_fields": "tags,metadata"}


def cells(table: Any, column: str) -> list[Any]:
    """Give the cells of a table's column."""
    found: list[Any] = (table.to_arrow() if isinstance(table, pl.DataFrame) else table)[column].to_pylist()
    return found


@KINDS
def test_results_come_back_as_what_the_table_was(kind: Callable[..., Any], account: Account) -> None:
    """Its own columns are the very same, and those of the results follow in their order."""
    table = kind(DATA)
    results = quiet(table, account, **MAPPING)
    assert type(results) is type(table)
    names = results.columns if kind is pl.DataFrame else results.column_names
    assert list(names) == [*DATA, *RESULT_COLUMNS]
    assert results.select(list(DATA)).equals(table)
    assert cells(results, "ik_status") == ["uploaded", "invalid", "uploaded"]


@KINDS
def test_rows_are_sent_as_a_frame_of_pandas_would_be(kind: Callable[..., Any], account: Account) -> None:
    """An integer beside a missing one is no float, a list is one of tags."""
    results = quiet(kind(DATA), account, **MAPPING)
    assert [name.partition("_")[0] for name in cells(results, "ik_name") if name] == ["007-1", "9-3"]
    assert cells(results, "ik_tags") == [["a", "b"], None, ["c"]]


@KINDS
def test_types_of_the_results(kind: Callable[..., Any], account: Account) -> None:
    """Text, numbers and booleans have types of their own; what is nested is JSON."""
    results = quiet(kind(DATA), account, **MAPPING)
    schema = (results.to_arrow() if kind is pl.DataFrame else results).schema
    found = {
        name: str(schema.field(name).type).removeprefix("large_") for name in ("ik_url", "ik_size", "ik_is_published")
    }
    assert found == {"ik_url": "string", "ik_size": "int64", "ik_is_published": "bool"}
    assert cells(results, "ik_metadata")[0].startswith("{")


@KINDS
def test_results_can_be_retried(kind: Callable[..., Any], account: Account) -> None:
    """What is up stays so, the others are sent, and all the nested values are the same."""
    first = quiet(kind(DATA), account, **MAPPING)
    again = ikpipe.retry(first, account, progress=False, **MAPPING)
    assert again.equals(first)


@KINDS
def test_an_error_carries_such_a_table(kind: Callable[..., Any], account: Account) -> None:
    """Whatever stopped the run."""
    with pytest.raises(ikpipe.UploadError) as caught:
        quiet(kind(DATA), account, on_error="raise", **MAPPING)
    assert isinstance(caught.value.results, type(kind(DATA)))


@KINDS
def test_it_is_checked_and_written_too(kind: Callable[..., Any], tmp_path: Path) -> None:
    """`check` and `write_results` take whatever `upload` takes."""
    table = kind(DATA)
    problems = ikpipe.check(table, **MAPPING)
    assert type(problems) is type(table)
    assert set(cells(problems, "code")) == {"missing_file", "missing_cell"}
    assert cells(problems, "row") == [1, 1]
    ikpipe.write_results(table, tmp_path / "r.csv")
    assert ikpipe.read_results(tmp_path / "r.csv")["sku"].tolist() == DATA["sku"]


def test_text_is_not_copied() -> None:
    """A column of Arrow's text is the same memory in the frame."""
    table = pa.table({"a": pa.array(["x", "y"], pa.large_string())})
    array: Any = FrameAdapter(table).frame["a"].array
    theirs = table["a"].chunk(0).buffers()[2].address
    assert pa.chunked_array(array.__arrow_array__()).chunk(0).buffers()[2].address == theirs


@pytest.mark.parametrize(
    ("table", "words"),
    [
        (pl.Series(["a"]), "a Series"),
        (None, "a NoneType"),
    ],
)
def test_what_is_no_table(table: Any, words: str, account: Account) -> None:
    """The error says what it is, and what would be taken."""
    with pytest.raises(ikpipe.MappingError, match=words):
        quiet(table, account)


def test_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without narwhals, it is said what to install."""
    monkeypatch.setitem(sys.modules, "narwhals", None)
    with pytest.raises(ikpipe.MissingExtra, match=r"pip install 'ikpipe\[parquet\]'"):
        FrameAdapter(pa.table(DATA))


@KINDS
def test_rows_that_were_never_begun(kind: Callable[..., Any]) -> None:
    """They have nothing nested, rather than what is no number."""
    table = InMemoryTable(kind(DATA))
    results = ResultCollector(table).close({})
    assert cells(results, "ik_status") == ["cancelled"] * 3
    assert cells(results, "ik_tags") == cells(results, "ik_metadata") == [None] * 3


def test_notes_of_pandas_on_a_table_are_bounded() -> None:
    """An Arrow table can come from anybody's file: its index and plain dtypes are believed, `attrs` and others not."""
    frame = pd.DataFrame({"a": pd.array([1, None], dtype="Int64")}, index=pd.Index(["x", "y"], name="sku"))
    frame.attrs = {"ikpipe": {"mapping": {"root": "/"}}}
    table = pa.Table.from_pandas(frame)
    assert FrameAdapter(table).frame.attrs == {}
    assert FrameAdapter(table).frame.index.tolist() == ["x", "y"]
    notes = table.schema.metadata[b"pandas"].replace(b'"numpy_type": "Int64"', b'"numpy_type": "no dtype"')
    assert FrameAdapter(table.replace_schema_metadata({b"pandas": notes})).frame["a"].tolist()[0] == 1


@pytest.mark.parametrize("zone", ["dateutil//etc/passwd", "../../etc/passwd", "Mars/Phobos"])
def test_a_zone_that_is_not_known_is_utc(zone: str) -> None:
    """A time zone is a name, and not a path that some reader of zones would open; the moment stays the same."""
    table = pa.table({"a": pa.array([1], pa.timestamp("us", tz=zone))})
    assert str(FrameAdapter(table).frame.loc[0, "a"]) == "1970-01-01 00:00:00.000001+00:00"
