"""Results on their way into a file: whatever columns come later, the file has them for all rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

from ikpipe.errors import Error
from ikpipe.frames.chunks import InMemoryTable
from ikpipe.frames.io.csv_style import CsvStyle
from ikpipe.frames.io.results import read_results
from ikpipe.frames.io.writing import CsvWriter, OutputStream, table_file

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def chunk(**columns: Any) -> Any:
    """Make a chunk of objects."""
    return next(InMemoryTable(pd.DataFrame(columns, dtype=object)).chunks())


def write(path: Path, *chunks: Any, style: CsvStyle | None = None) -> None:
    """Write chunks; all are prepared before the first is written."""
    with table_file(path, style) as file:
        for one in [file.prepare(one) for one in chunks]:
            file.take(one)
        file.close({"mine": 1})


@pytest.mark.parametrize("ending", ["csv", "jsonl", "parquet", "xlsx"])
def test_columns_that_come_later(ending: str, tmp_path: Path) -> None:
    """Rows before have nothing in them, rows after that have none of them neither."""
    path = tmp_path / f"r.{ending}"
    write(path, chunk(a=["1"]), chunk(a=["2"], b=["x"]), chunk(a=["3"]), chunk(c=["y"], a=["4"], b=["z"]))
    found = read_results(path).astype(object)
    found = found.where(found.notna(), None)
    assert set(found) == {"a", "b", "c"}
    assert found[["a", "b", "c"]].to_numpy().tolist() == [
        ["1", None, None],
        ["2", "x", None],
        ["3", None, None],
        ["4", "z", "y"],
    ]


def test_guarded_names_are_the_same_columns(tmp_path: Path) -> None:
    """A column whose name would be a formula is found again among those that are written."""
    path = tmp_path / "r.csv"
    write(path, chunk(**{"=a": ["1"]}), chunk(**{"=a": ["2"], "b": ["x"]}), style=CsvStyle(spreadsheet_safe=True))
    assert path.read_text() == "'=a,b\n1,\n2,x\n"


def test_cells_that_arrow_has_no_text_for(tmp_path: Path) -> None:
    """A later chunk's half character costs nothing: the whole column goes in another way."""
    frames = [pd.DataFrame({"a": pd.Series(cells, dtype="string[python]"), "b": [1]}) for cells in (["x"], ["\ud800"])]
    path = tmp_path / "r.parquet"
    write(path, *(next(InMemoryTable(frame).chunks()) for frame in frames))
    assert_frame_equal(read_results(path), pd.concat(frames, ignore_index=True))


def test_attrs_are_those_of_the_end(tmp_path: Path) -> None:
    """Parquet has them, whatever was known when it was begun."""
    write(tmp_path / "r.parquet", chunk(a=[1]))
    assert read_results(tmp_path / "r.parquet").attrs == {"mine": 1}


def test_a_stream_cannot_be_written_anew(tmp_path: Path) -> None:
    """Of standard output, nobody takes a header back; the error says what to do."""
    with (tmp_path / "r").open("wb") as stream:
        file = CsvWriter(OutputStream(stream), CsvStyle())
        file.take(file.prepare(chunk(a=[1])))
        with pytest.raises(Error, match="Write the results to a file"):
            file.take(file.prepare(chunk(a=[1], b=[2])))


@pytest.mark.parametrize("ending", ["csv", "parquet", "xlsx"])
@pytest.mark.parametrize("way", [lambda _file: None, lambda file: file.take(file.prepare(chunk(a=[1])))])
def test_what_is_not_closed_is_not_there(way: Callable[[Any], None], ending: str, tmp_path: Path) -> None:
    """A file that never came to its end leaves the old one, and no trace."""
    path = tmp_path / f"r.{ending}"
    path.write_text("old")
    with table_file(path) as file:
        way(file)
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]
