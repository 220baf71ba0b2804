"""Tables with Arrow's C stream interface: relations, lazy frames and streams, which are read once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import duckdb
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from parts import plan as prepared
from rows import quiet

import ikpipe
from ikpipe.frames.adapters import FrameAdapter
from ikpipe.frames.chunks import InMemoryTable
from ikpipe.request.values import to_text

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from ikpipe import Account

GIF = "data:image/gif;base64,R0lGODlh"
ROWS: dict[str, list[Any]] = {"file": [GIF, GIF], "sku": ["007", "8"]}
TABLE = pa.table(ROWS)


class Stream:
    """A table of a library that nobody knows, which can be read once."""

    def __init__(self, table: pa.Table = TABLE) -> None:
        self._tables = [table]

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        """Return the stream; raise an exception if that was done before."""
        return self._tables.pop().__arrow_c_stream__(requested_schema)


class Batch:
    """A record batch of such a library."""

    def __arrow_c_array__(self, requested_schema: object = None) -> object:
        """Return the batch."""
        return TABLE.to_batches()[0].__arrow_c_array__(requested_schema)


def relation() -> Any:
    """Return a relation of DuckDB."""
    values = ", ".join(f"('{GIF}', '{sku}')" for sku in ROWS["sku"])
    return duckdb.sql(f"SELECT * FROM (VALUES {values}) AS t(file, sku)")  # noqa: S608


KINDS: dict[str, tuple[Callable[[], Any], type]] = {
    "lazy_polars": (lambda: pl.LazyFrame(ROWS), pl.DataFrame),
    "duckdb": (relation, pa.Table),
    "batch": (lambda: TABLE.to_batches()[0], pa.Table),
    "reader": (TABLE.to_reader, pa.Table),
    "stream": (Stream, pa.Table),
    "other_batch": (Batch, pa.Table),
}


@pytest.mark.parametrize("kind", KINDS)
def test_results_have_the_columns_of_the_table(kind: str, account: Account) -> None:
    """They are a polars DataFrame for a LazyFrame, and otherwise a pyarrow Table."""
    make, type_of_results = KINDS[kind]
    results = quiet(make(), account, file_name=f"{kind}-{{sku}}.gif")
    assert type(results) is type_of_results
    assert pa.table(results)["ik_status"].to_pylist() == ["uploaded", "uploaded"]
    assert pa.table(results).select(["file", "sku"]).to_pydict() == ROWS


FUNCTIONS: dict[str, Callable[[Any, Account, Path], Any]] = {
    "upload": lambda table, account, folder: quiet(table, account, journal=folder / "j"),
    "plan": lambda table, account, _: ikpipe.plan(table, account),
    "check": lambda table, account, _: ikpipe.check(table, account),
    "update": lambda table, account, _: ikpipe.update(table, account, file_path="/{sku}", tags=["a"], progress=False),
    "sync": lambda table, account, _: ikpipe.sync(table, account, "/synced", file_name="{sku}.gif", progress=False),
    "prepare": lambda table, account, folder: prepared(account, key="sku", journal=folder / "journal")(table),
    "begin": lambda table, account, _: prepared(account, key="sku").begin(table),
    "write_results": lambda table, _, folder: ikpipe.write_results(table, folder / "out.parquet"),
}


@pytest.mark.parametrize("rows", [0, 2])
@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_stream_is_read_once(function: str, rows: int, account: Account, tmp_path: Path) -> None:
    """A function that read it twice would raise an exception, or take the rest for a table without rows."""
    FUNCTIONS[function](Stream(TABLE[:rows]), account, tmp_path)


def test_a_part_comes_in_batches(account: Account) -> None:
    """So only one of them needs memory."""
    reader = pa.RecordBatchReader.from_batches(TABLE.schema, (TABLE[at : at + 1].to_batches()[0] for at in range(2)))
    parts = [*prepared(account, file_name="batch-{sku}.gif").each(reader)]
    assert [part["sku"].to_pylist() for part in parts] == [["007"], ["8"]]


def test_a_reader_is_not_read_again() -> None:
    """It would look like a table without rows."""
    reader = TABLE.to_reader()
    FrameAdapter(reader)
    with pytest.raises(ikpipe.MappingError, match=r"can be read only once.*read_all\(\)"):
        FrameAdapter(reader)


def test_the_columns_of_a_relation_are_mapped(account: Account) -> None:
    """Types of DuckDB that pandas lacks do not matter."""
    table = duckdb.sql(
        f"SELECT '{GIF}' AS file, DATE '9999-12-31' AS day, {{'a': 1}} AS s, uuid() AS id, [1.5::DECIMAL(9,2)] AS l"
    )
    results = quiet(table, account, file_name="{day}.gif", use_unique_file_name=False)
    assert results["ik_name"].to_pylist() == ["9999-12-31.gif"]
    assert results["s"].to_pylist() == [{"a": 1}]


@pytest.mark.parametrize(
    ("table", "words"),
    [
        (pl.LazyFrame(ROWS).select(pl.col("nowhere")), r"LazyFrame as a table\. ColumnNotFoundError.*nowhere"),
        (
            duckdb.sql("SELECT error('no such ' || 'picture') AS file"),
            r"DuckDBPyRelation as a table\. .*no such picture",
        ),
        (pd.Series(["a"]), "a Series as a table.*pandas or polars DataFrame.*pyarrow Table.*LazyFrame.*DuckDB"),
        (pa.chunked_array([["a"]]), "a ChunkedArray as a table"),
        (pa.array(["a"]), "a StringArray as a table"),
        ([{"file": "a"}], "a list as a table"),
        ({"file": ["a"]}, "a dict as a table"),
    ],
)
def test_what_is_no_table(table: Any, words: str) -> None:
    """The error says what it is, why it cannot be read, and what can be."""
    with pytest.raises(ikpipe.MappingError, match=words):
        FrameAdapter(table)


@pytest.mark.skipif(not hasattr(pa, "uuid"), reason="this pyarrow has no UUIDs")
@pytest.mark.parametrize("in_pandas", [False, True])
def test_a_uuid_is_text_where_it_is_used(in_pandas: bool) -> None:  # noqa: FBT001
    """Its bytes are only how Arrow stores it."""
    column = pa.array([bytes(15) + b"\1", None], pa.binary(16)).cast(pa.uuid())
    table = pd.DataFrame({"id": pd.arrays.ArrowExtensionArray(column)}) if in_pandas else pa.table({"id": column})  # type: ignore[attr-defined]
    source = InMemoryTable(table)
    assert [cell and to_text(cell) for cell in source.cells(0)] == ["00000000-0000-0000-0000-000000000001", None]


def test_an_error_of_a_table_has_no_password() -> None:
    """A query can name a URL with one."""
    table = duckdb.sql("SELECT error('https://joe:swordfish@shop.example/x?sig=abcdefgh') AS file")
    with pytest.raises(ikpipe.MappingError) as caught:
        FrameAdapter(table)
    assert "swordfish" not in str(caught.value)
    assert "abcdefgh" not in str(caught.value)


def test_a_table_on_a_cluster_has_a_function_of_its_own() -> None:
    """The error names it."""
    dask = pytest.importorskip("dask.dataframe")
    with pytest.raises(ikpipe.MappingError, match=r"Use ikpipe\.dask.*compute\(\)"):
        FrameAdapter(dask.from_pandas(pd.DataFrame(ROWS), npartitions=1))
