"""Results as workbooks."""

from __future__ import annotations

import io
import logging
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

import openpyxl
import pandas as pd
import pytest
from examples import plays
from hypothesis import example, given
from hypothesis import strategies as st
from pandas.testing import assert_frame_equal
from results_frames import FRAMES, HOSTILE, TEXT

import ikpipe
from ikpipe.frames.chunks import InMemoryTable
from ikpipe.frames.io.excel import read_excel_results
from ikpipe.frames.io.excel_writing import ExcelWriter
from ikpipe.frames.io.options import ReadOptions
from ikpipe.frames.io.writing import OutputStream

if TYPE_CHECKING:
    from pathlib import Path


def written(*frames: pd.DataFrame, rows: int = 1_000_000) -> io.BytesIO:
    """Write frames as the parts of one workbook."""
    stream = io.BytesIO()
    writer = ExcelWriter(OutputStream(stream), rows)
    for part in [writer.prepare(next(InMemoryTable(frame).chunks())) for frame in frames]:
        writer.take(part)
    writer.close({})
    return stream


def read(stream: io.BytesIO) -> pd.DataFrame:
    """Read a workbook of results."""
    return read_excel_results(stream, "results.xlsx", ReadOptions())


def cells(stream: io.BytesIO) -> list[list[Any]]:
    """Return the cells as another program reads them."""
    return [[cell.value for cell in row] for row in openpyxl.load_workbook(stream).active.iter_rows()]


LARGEST = pd.DataFrame({"ik_status": ["uploaded"], "ik_duration": [1.7976931348623157e308]})


@plays(50)
@example(LARGEST.astype({"ik_status": "string", "ik_duration": "Float64"}))
@given(FRAMES.filter(lambda frame: not frame.isna().all(axis=1).any()))
def test_the_columns_of_a_run_are_read_back(frame: pd.DataFrame) -> None:
    """Whatever stands in the `ik_` columns, it has equal values and dtypes when it is read."""
    assert_frame_equal(read(written(frame)), frame)


@plays(50)
@given(st.lists(TEXT.filter(bool), min_size=1, max_size=5))
def test_text_of_the_input_is_read_back(texts: list[str]) -> None:
    """Zeros, formulas, errors and characters that XML lacks are text; only half characters are escaped."""
    found = read(written(pd.DataFrame({"sku": pd.Series(texts, dtype=object)})))["sku"].tolist()
    assert found == [one.encode("utf-8", "backslashreplace").decode() for one in texts]


def test_nothing_is_a_formula() -> None:
    """Each text is a text cell, whatever it looks like, and so is a column's name."""
    texts = [one for one in HOSTILE if one] + ["#N/A", "=HYPERLINK(1)"]
    sheet = openpyxl.load_workbook(written(pd.DataFrame({"=1": texts}))).active
    assert {cell.data_type for row in sheet.iter_rows() for cell in row} == {"s"}


def test_numbers_and_booleans_are_cells_of_their_type() -> None:
    """So a spreadsheet can calculate with them; a number with more digits than it keeps is text."""
    columns = {"n": [1, 2], "x": [0.5, 12.0], "b": [True, False], "long": [2**53, 123_456_789_012_345_678]}
    frame = pd.DataFrame({**columns, "day": pd.to_datetime(["2026-01-02T00:00", "2026-01-02T03:04"])})
    assert cells(written(frame)) == [
        ["n", "x", "b", "long", "day"],
        [1, 0.5, True, "9007199254740992", "2026-01-02"],
        [2, 12, False, "123456789012345678", "2026-01-02 03:04:00"],
    ]


def test_rows_that_do_not_fit_are_on_further_sheets(caplog: pytest.LogCaptureFixture) -> None:
    """Each has the header; they are read as one table, and a note says so."""
    frame = pd.DataFrame({"ik_status": pd.array(list("abcde"), "string")})
    with caplog.at_level(logging.WARNING, "ikpipe"):
        stream = written(frame, rows=3)
    assert openpyxl.load_workbook(stream).sheetnames == ["Results", "Results 2", "Results 3"]
    assert_frame_equal(read(stream), frame)
    assert "they are on 3 sheets" in caplog.text


def test_cells_that_do_not_fit_are_left_empty(caplog: pytest.LogCaptureFixture) -> None:
    """A part of a URL or of JSON would be something else: nothing of it is written, and a note names the column."""
    frame = pd.DataFrame({"file": ["a" * 32_767, "a" * 32_768, "\x01" * 10_000]})
    with caplog.at_level(logging.WARNING, "ikpipe"):
        found = read(written(frame.assign(n=1)))
    assert [len(one or "") for one in found["file"]] == [32_767, 0, 0]
    assert 'left empty: "file" (2).' in caplog.text


def test_columns_of_later_rows_are_those_of_all_rows() -> None:
    """As in the other formats."""
    first, second = pd.DataFrame({"a": ["1"]}), pd.DataFrame({"b": ["x"], "a": ["2"]})
    assert cells(written(first, second)) == [["b", "a"], [None, "1"], ["x", "2"]]


def test_a_table_without_rows_has_its_columns() -> None:
    """A header is written, and read."""
    found = read(written(pd.DataFrame({"sku": [], "ik_size": pd.array([], "Int64")})))
    assert (list(found), str(found["ik_size"].dtype)) == (["sku", "ik_size"], "Int64")


def test_what_excel_saves_again_is_read(tmp_path: Path) -> None:
    """Other sheets, formats and formulas beside it make no difference."""
    frame = pd.DataFrame(
        {"sku": ["007"], "ik_status": pd.array(["failed"], "string"), "ik_size": pd.array([7], "Int64")}
    )
    ikpipe.write_results(frame, tmp_path / "r.xlsx")
    book = openpyxl.load_workbook(tmp_path / "r.xlsx")
    book.active["C2"].number_format = "#,##0.00"
    book.create_sheet("mine", 0).append(["a", "b"])
    book.save(tmp_path / "r.xlsx")
    assert_frame_equal(ikpipe.read_results(tmp_path / "r.xlsx"), frame.astype({"sku": object}))


def test_a_cell_that_no_run_writes_is_named() -> None:
    """The error names the file, the row in the spreadsheet, the column and the value."""
    stream = written(pd.DataFrame({"a": [1, 2]}).assign(ik_size=["7", "many"]))
    with pytest.raises(ikpipe.Error, match=r"results.xlsx, row 2 \(row 3 in a spreadsheet\): ik_size cannot be 'many'"):
        read(stream)


def test_files_for_excel_are_csv(tmp_path: Path) -> None:
    """Another format is an error: workbooks need no such thing."""
    with pytest.raises(ikpipe.Error, match=r"for_excel=: It is only for \.csv files\. Excel opens \.xlsx files"):
        ikpipe.write_results(pd.DataFrame({"a": [1]}), tmp_path / "r.xlsx", for_excel=True)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("column", "message"), [("ik_seconds", ""), ("ik_size", "row 1 .*: ik_size cannot be 1e.300")])
def test_a_number_beyond_the_exact_ones_is_read_or_named(column: str, message: str) -> None:
    """A workbook may have any number in a column of a run."""
    stream, book = io.BytesIO(), openpyxl.Workbook()
    for row in ([column], [1e300]):
        book.active.append(row)
    book.save(stream)
    with pytest.raises(ikpipe.Error, match=message) if message else nullcontext():
        assert read(stream)[column].tolist() == [1e300]
