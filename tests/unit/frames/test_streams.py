"""Tables read as they are wanted: chunk by chunk as they would be read as a whole."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from examples import plays
from hypothesis import given
from hypothesis import strategies as st
from pandas.testing import assert_frame_equal

import ikpipe
from ikpipe.frames.chunks import ROWS, InMemoryTable, JournalTable
from ikpipe.frames.codec.text import decode_frame
from ikpipe.frames.io.options import ReadOptions
from ikpipe.frames.io.reading import read_table
from ikpipe.frames.io.streams import open_table, reopen_table

if TYPE_CHECKING:
    from pathlib import Path

    from ikpipe.frames.chunks import Chunk

LONG = ROWS + 7


def written(path: Path, rows: list[dict[str, Any]]) -> str:
    """Write rows as JSON lines."""
    path.write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    return str(path)


def joined(chunks: list[Chunk]) -> pd.DataFrame:
    """Put chunks below each other."""
    return pd.concat([chunk.frame for chunk in chunks])


@pytest.mark.parametrize("ending", ["csv", "tsv"])
def test_text_comes_chunk_by_chunk(ending: str, tmp_path: Path) -> None:
    """A long file of text is read in parts, which join to what it is as a whole."""
    path = tmp_path / f"in.{ending}"
    mark = {"csv": ",", "tsv": "\t"}[ending]
    path.write_text(
        "".join(f"{sku}{mark}{name}\n" for sku, name in [("sku", "name"), *(("007", "") for _ in range(LONG))])
    )
    chunks = list(open_table(str(path)).chunks())
    assert [(chunk.start, len(chunk.frame)) for chunk in chunks] == [(0, ROWS), (ROWS, 7)]
    assert_frame_equal(joined(chunks), read_table(str(path)))


def test_json_lines_grow_as_they_are_read(tmp_path: Path) -> None:
    """Columns that only later rows have are there from their chunk on."""
    path = written(tmp_path / "in.jsonl", [*({"a": 1} for _ in range(ROWS)), {"b": [2]}])
    table = open_table(path)
    assert [list(chunk.frame) for chunk in table.chunks()] == [["a"], ["a", "b"]]


def test_json_lines_can_be_looked_through(tmp_path: Path) -> None:
    """Then all columns are there from the beginning, as in the table as a whole."""
    path = written(tmp_path / "in.jsonl", [*({"a": 1} for _ in range(ROWS)), {"b": [2]}])
    table = open_table(path)
    table.find_columns()
    assert_frame_equal(joined(list(table.chunks())), read_table(path))


def test_whole_floats_of_json_are_integers(tmp_path: Path) -> None:
    """Whatever other rows have: where a chunk ends must not show."""
    path = written(tmp_path / "in.jsonl", [{"n": 12.0}, {"n": 2.5}, {"n": None}, {"n": 1e300}])
    assert [repr(cell) for cell in open_table(path).sample["n"]] == ["12", "2.5", "None", "1e+300"]


def parquet(path: Path, **columns: Any) -> str:
    """Write a Parquet file as another program does."""
    pq.write_table(pa.table(columns), path)
    return str(path)


def test_parquet_has_the_same_dtypes_in_all_chunks(tmp_path: Path) -> None:
    """A missing cell in one of them makes no float of an integer, nor an object of a boolean."""
    path = parquet(tmp_path / "in.parquet", n=[1] * ROWS + [None], yes=[True] * ROWS + [None])
    chunks = list(open_table(path).chunks())
    assert [list(map(str, chunk.frame.dtypes)) for chunk in chunks] == [["Int64", "boolean"]] * 2
    assert joined(chunks)["n"].tolist() == [*[1] * ROWS, pd.NA]


def test_whole_floats_of_parquet_are_so_in_all_rows(tmp_path: Path) -> None:
    """A column is one of integers if all its rows say so; those that are not read yet, too."""
    path = parquet(
        tmp_path / "in.parquet", sku=[1.0] * ROWS + [None], price=[1.0] * ROWS + [2.5], name=["x"] * (ROWS + 1)
    )
    first = next(open_table(path).chunks())
    assert [first.has_integers(at) for at in range(2)] == [True, False]


def test_categories_of_parquet_are_values(tmp_path: Path) -> None:
    """Each part of the file would have categories of its own."""
    path = parquet(tmp_path / "in.parquet", brand=pa.array(["a", None, "b"]).dictionary_encode())
    assert open_table(path).sample["brand"].tolist()[::2] == ["a", "b"]


def test_results_are_read_as_they_were_written(tmp_path: Path) -> None:
    """A Parquet file of ours is a frame as a whole, with its index."""
    frame = pd.DataFrame({"a": [1.5]}, index=pd.Index(["x"], name="sku"))
    ikpipe.write_results(frame, tmp_path / "in.parquet")
    assert_frame_equal(open_table(str(tmp_path / "in.parquet")).sample, frame)


def test_the_number_of_rows_is_known_where_the_file_says_it(tmp_path: Path) -> None:
    """Parquet does; a file of text has to be read for that."""
    (tmp_path / "in.csv").write_text("a\n1\n")
    assert open_table(parquet(tmp_path / "in.parquet", a=[1, 2])).rows == 2
    assert open_table(str(tmp_path / "in.csv")).rows is None


@pytest.mark.parametrize("ending", ["csv", "jsonl", "parquet"])
def test_a_table_without_rows_has_one_chunk(ending: str, tmp_path: Path) -> None:
    """Its columns are known all the same, as far as the file has any."""
    path = tmp_path / f"in.{ending}"
    if ending == "parquet":
        parquet(path, a=pa.array([], pa.string()))
    else:
        path.write_text("a\n" if ending == "csv" else "")
    (chunk,) = open_table(str(path)).chunks()
    assert (list(chunk.frame), len(chunk.frame)) == ([] if ending == "jsonl" else ["a"], 0)


def test_large_cells_make_small_chunks(tmp_path: Path) -> None:
    """A table of data URIs takes no more room than one of addresses."""
    path = written(tmp_path / "in.jsonl", [{"file": "x" * 3_000_000} for _ in range(6)])
    sizes = [(chunk.start, len(chunk.frame), chunk.frame.index[0]) for chunk in open_table(path).chunks()]
    assert sum(size for _, size, _ in sizes) == 6
    assert all(size <= 3 and start == label for start, size, label in sizes)


def test_a_table_can_be_opened_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By what its journal says of it, also from another folder."""
    (tmp_path / "in.csv").write_text("a\n1\n")
    monkeypatch.chdir(tmp_path)
    origin = open_table("in.csv").origin
    monkeypatch.chdir("/")
    assert reopen_table(json.loads(json.dumps(origin))).sample["a"].tolist() == ["1"]


def kept(table: Any) -> JournalTable:
    """Give a table as its journal has it."""
    pieces = [(chunk.start, len(chunk.frame), chunk.text(), chunk.encoder.head) for chunk in table.chunks()]
    return JournalTable(lambda: iter(pieces), pieces[-1][0] + pieces[-1][1], table.origin)


@plays(30)
@given(st.lists(st.dictionaries(st.sampled_from("abc"), st.none() | st.integers() | st.text(), min_size=1), min_size=1))
def test_a_journal_gives_the_table_back(tmp_path_factory: pytest.TempPathFactory, rows: list[dict[str, Any]]) -> None:
    """Chunk by chunk, with the labels that its rows have."""
    path = written(tmp_path_factory.mktemp("kept") / "in.jsonl", rows)
    assert_frame_equal(joined(list(kept(open_table(path)).chunks())), joined(list(open_table(path).chunks())))


def test_later_chunks_of_a_journal_have_their_own_labels(tmp_path: Path) -> None:
    """Rows are counted through."""
    path = tmp_path / "in.csv"
    path.write_text("a\n" + "x\n" * LONG)
    table = kept(open_table(str(path)))
    assert joined(list(table.chunks())).index.tolist() == list(range(LONG))
    assert (table.rows, table.label(ROWS)) == (LONG, ROWS)


def test_all_chunks_of_a_frame_are_written_alike() -> None:
    """Their texts join to the frame."""
    frame = pd.DataFrame({"a": range(7)}, index=range(3, 10))
    chunks = list(InMemoryTable(frame, rows=3).chunks())
    assert_frame_equal(decode_frame(chunks[0].encoder.head, [chunk.text() for chunk in chunks]), frame)


def test_rows_that_have_nothing_in_them(tmp_path: Path) -> None:
    """The first may be so; where all are, it is said."""
    table = open_table(written(tmp_path / "in.jsonl", [*({} for _ in range(ROWS)), {"a": 1}]))
    assert [(list(chunk.frame), len(chunk.frame)) for chunk in table.chunks()] == [(["a"], ROWS), (["a"], 1)]
    with pytest.raises(ikpipe.Error, match="All rows are empty"):
        open_table(written(tmp_path / "in.jsonl", [{}, {}]))


def test_a_table_is_opened_again_as_it_was_read(tmp_path: Path) -> None:
    """With the options of the run that was reading it."""
    (tmp_path / "in.dat").write_bytes("größe|b\nüber|1\n".encode("cp1252"))
    origin = open_table(str(tmp_path / "in.dat"), ReadOptions("csv", "pipe", "cp1252")).origin
    assert reopen_table(json.loads(json.dumps(origin))).sample.to_dict("list") == {"größe": ["über"], "b": ["1"]}
