"""Results as CSV and JSON lines."""

import csv
import io
import json
import re
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from examples import plays
from hypothesis import given
from hypothesis import strategies as st
from pandas.testing import assert_frame_equal
from results_frames import FRAMES, HOSTILE, TEXT

import ikpipe
from ikpipe.frames.chunks import InMemoryTable
from ikpipe.frames.codec.dtypes import has_index
from ikpipe.frames.io import results_text
from ikpipe.frames.io.csv_style import CsvStyle
from ikpipe.frames.io.formula_guard import guarded, is_guarded, unguarded
from ikpipe.frames.io.options import ReadOptions
from ikpipe.frames.io.results import read_results, write_csv, write_results
from ikpipe.frames.io.writing import CsvWriter, OutputStream, table_file
from ikpipe.request.result import RESULT_COLUMNS

FORMULA = re.compile(r"""[\s"\ufeff\u200b\u2066\x0b]*[=+\-@\t\r]""")


def written(frame: pd.DataFrame, *, spreadsheet_safe: bool = False, for_excel: bool = False) -> str:
    """Write a frame as CSV text."""
    stream = io.BytesIO()
    write_csv(frame, stream, CsvStyle(spreadsheet_safe=spreadsheet_safe, for_excel=for_excel))
    return stream.getvalue().decode()


def layout_of(frame: pd.DataFrame) -> results_text.TextLayout:
    """Give how a frame lies in a file."""
    return results_text.TextLayout.of(next(InMemoryTable(frame).chunks()), index=has_index(frame))


def read(written: str) -> pd.DataFrame:
    """Read CSV text."""
    return results_text.read_csv(io.BytesIO(written.encode()), "results.csv", ReadOptions())


@plays(50)
@given(FRAMES.filter(lambda frame: not frame.isna().all(axis=1)[-1:].any()), st.booleans(), st.booleans())
def test_csv_gives_the_columns_of_a_run_back(frame: pd.DataFrame, safe: bool, for_excel: bool) -> None:  # noqa: FBT001
    """Whatever stands in the `ik_` columns, CSV gives equal values and dtypes back, guarded or not."""
    assert_frame_equal(read(written(frame, spreadsheet_safe=safe, for_excel=for_excel)), frame)


@plays(50)
@given(FRAMES.filter(len))
def test_jsonl_gives_the_columns_of_a_run_back(frame: pd.DataFrame) -> None:
    """Whatever stands in the `ik_` columns, JSON lines give equal values and dtypes back."""
    lines = layout_of(frame).jsonl_text(frame)
    assert_frame_equal(results_text.read_jsonl(io.BytesIO(lines.encode()), "results.jsonl", ReadOptions()), frame)


@plays(50)
@given(FRAMES.filter(len))
def test_jsonl_is_one_object_a_row(frame: pd.DataFrame) -> None:
    """Each line is a JSON object with every column in it, missing cells as null."""
    rows = [json.loads(line) for line in layout_of(frame).jsonl_text(frame).split("\n")[:-1]]
    assert [list(row) for row in rows] == [list(frame)] * len(frame)
    assert [row["ik_message"] is None for row in rows] == frame["ik_message"].isna().tolist()


@given(st.lists(TEXT, min_size=1))
def test_csv_gives_input_text_back(cells: list[str]) -> None:
    """Text of the input comes back as it was; what was empty is missing."""
    frame = pd.DataFrame({"sku": pd.Series(cells, dtype=object), "other": 1})
    assert read(written(frame))["sku"].fillna("").tolist() == cells


@pytest.mark.parametrize("for_excel", [False, True])
@pytest.mark.parametrize("cell", [cell for cell in HOSTILE if cell != "-5"])
def test_guarded_csv_has_no_formula(cell: str, for_excel: bool) -> None:  # noqa: FBT001
    """With `spreadsheet_safe` no cell or name begins like a formula, whichever delimiter a spreadsheet splits at."""
    frame = pd.DataFrame({cell: [cell], "ik_message": pd.Series([cell], dtype="string")})
    content = written(frame, spreadsheet_safe=True, for_excel=for_excel).removeprefix("\ufeff")
    for delimiter in ",;\t":
        rows = csv.reader(io.StringIO(content, newline=""), delimiter=delimiter)
        cells = [part for row in rows for one in row for part in re.split("[\r\n]", one)]
        assert [one for one in cells if FORMULA.match(one)] == []


GUARDED = st.text("=+-@;,'\"\t\r\n \ufeff\u200bx1", max_size=8)


@plays(300)
@given(GUARDED, st.sampled_from(",;"))
def test_a_guarded_cell_is_restored(cell: str, delimiter: str) -> None:
    """Reading removes exactly the apostrophes that writing adds, unless text has such apostrophes of its own."""
    assert unguarded(guarded(cell, delimiter)) == cell or is_guarded(cell)
    assert is_guarded(guarded(cell, delimiter)) or guarded(cell, delimiter) == cell


def test_files_for_excel_have_a_mark_and_semicolons() -> None:
    """So Excel takes it for UTF-8 and finds the cells where a decimal comma is used; so are the run's own numbers."""
    frame = pd.DataFrame({"sku": ["007"], "price": [1.5], "ik_seconds": pd.array([0.25], "Float64")})
    assert written(frame, for_excel=True) == "\ufeffsku;price;ik_seconds\n007;1.5;0,25\n"


@pytest.mark.parametrize("for_excel", [False, True])
@pytest.mark.parametrize("name", ["a,b", "a;b", "a\tb", ";" * 40, "|"])
def test_a_delimiter_in_a_name_is_not_taken_for_that_of_the_file(name: str, for_excel: bool) -> None:  # noqa: FBT001
    """What we wrote is read back without an option."""
    frame = pd.DataFrame({name: ["x"], "ik_status": ["failed"]})
    content = written(frame, for_excel=for_excel).encode()
    assert list(results_text.read_csv(io.BytesIO(content), "r.csv", ReadOptions())) == [name, "ik_status"]


def test_a_nul_in_a_name_leaves_the_file_a_text_file() -> None:
    """It is escaped; the file would be taken for UTF-16."""
    assert list(read(written(pd.DataFrame({"a\0": ["x"], "ik_status": ["failed"]})))) == ["a\\x00", "ik_status"]


def test_what_excel_saves_again_is_read() -> None:
    """With its line ends, quotes and words for booleans, in the encoding of Windows."""
    saved = 'sku;ik_status;ik_tags;ik_is_published;ik_duration\r\n7;failed;"[""a""]";WAHR;0,25\r\n;;;;\r\n'
    found = results_text.read_csv(io.BytesIO(saved.encode("cp1252")), "r.csv", ReadOptions(encoding="cp1252"))
    assert found.to_dict("list") == {
        "sku": ["7"],
        "ik_status": ["failed"],
        "ik_tags": [["a"]],
        "ik_is_published": [True],
        "ik_duration": [0.25],
    }


def test_guard_is_an_apostrophe_and_spares_numbers() -> None:
    """A formula gets an apostrophe; negative numbers stay numbers."""
    frame = pd.DataFrame({"a": ["=1+1", "-5", "+3.2e4", "-x"], "b": [-1, 2, 3, 4]})
    assert written(frame, spreadsheet_safe=True) == "a,b\n'=1+1,-1\n-5,2\n+3.2e4,3\n'-x,4\n"


@pytest.mark.parametrize(
    ("values", "cells"),
    [
        ([12.0, None], ["12", ""]),
        ([12.5, 3.0], ["12.5", "3.0"]),
        (pd.array([7, None], "Int64"), ["7", ""]),
        (np.array([0.1, np.nan], dtype="float32"), ["0.1", ""]),
        (pd.array([0.1, None], "Float32"), ["0.1", ""]),
        ([np.inf, -np.inf], ["inf", "-inf"]),
        ([True, False], ["True", "False"]),
        (pd.Categorical(["007", None]), ["007", ""]),
        (pd.to_datetime(["2026-01-02T00:00", "2026-01-02T03:04"]), ["2026-01-02", "2026-01-02 03:04:00"]),
        (pd.Series([date(2026, 1, 2), pd.NaT], dtype=object), ["2026-01-02", ""]),
        (pd.Series([Path("a b"), b"\xff"], dtype=object), ["a b", "/w=="]),
        (
            pd.Series([["é", np.int64(1)], {1: (pd.NA, float("nan"))}], dtype=object),
            ['["é", 1]', '{"1": [null, null]}'],
        ),
        (pd.Series([np.array([1.5]), np.str_("x")], dtype=object), ["[1.5]", "x"]),
    ],
)
def test_csv_cells_of_the_input_are_as_the_user_sees_them(values: Any, cells: list[str]) -> None:
    """Each type of cell has one form in CSV: that of templates for a scalar, JSON for nested values."""
    rows = list(csv.reader(io.StringIO(written(pd.DataFrame({"a": values, "b": 0})))))
    assert [row[0] for row in rows[1:]] == cells


def test_whole_floats_are_decided_for_all_chunks() -> None:
    """A chunk of whole floats keeps its `.0` where another chunk has fractions, as in the frame itself."""
    frame = pd.DataFrame({"price": [1.0, 2.5]})
    layout = layout_of(frame)
    assert layout.csv_text(frame.iloc[:1], CsvStyle()) + layout.csv_text(frame.iloc[1:], CsvStyle()) == "1.0\n2.5\n"


@pytest.mark.parametrize(
    ("number", "dtype"), [(1e300, "float64"), (2.0**53 + 2, "float64"), (1e300, "object"), (2.0**24 + 2, "float32")]
)
def test_a_number_that_has_lost_its_digits_is_written_without_other_digits(number: float, dtype: str) -> None:
    """As an integer, 1e300 would have 301 digits, which a retry would send as they are."""
    frame = pd.DataFrame({"sku": pd.Series([number, 7.0, None], dtype=dtype)})
    assert written(frame).splitlines()[1:3] == [str(float(str(np.dtype(dtype).type(number)))), "7"]


@pytest.mark.parametrize("ending", ["csv", "jsonl"])
def test_chunks_join_to_the_whole(ending: str, tmp_path: Path) -> None:
    """A file is the same however many rows are turned into text at once."""
    frame = pd.DataFrame({"ik_message": pd.Series(HOSTILE, dtype="string")}, index=range(5, 5 + len(HOSTILE)))
    write_results(frame, tmp_path / f"whole.{ending}")
    with table_file(tmp_path / f"chunks.{ending}") as file:
        for chunk in InMemoryTable(frame, rows=7).chunks():
            file.take(file.prepare(chunk))
        file.close({})
    assert (tmp_path / f"whole.{ending}").read_bytes() == (tmp_path / f"chunks.{ending}").read_bytes()


def test_a_later_chunk_that_is_finished_first_adds_no_index() -> None:
    """Its rows are numbered from its start."""
    chunks = list(InMemoryTable(pd.DataFrame({"sku": ["a", "b"]}), 1).chunks())
    stream = io.BytesIO()
    writer = CsvWriter(OutputStream(stream), CsvStyle())
    for rows in [writer.prepare(chunk) for chunk in reversed(chunks)]:
        writer.take(rows)
    assert stream.getvalue() == b"sku\nb\na\n"


@pytest.mark.parametrize(
    ("index", "header"),
    [
        (None, "a"),
        (pd.RangeIndex(1, 2), "index,a"),
        (pd.RangeIndex(1, name="row"), "row,a"),
        (pd.Index(["x"], name="sku"), "sku,a"),
        (pd.Index(["x"], name="a"), "a,a.1"),
        (pd.MultiIndex.from_tuples([("x", 1)], names=["k", None]), "k,level_1,a"),
    ],
)
def test_index_goes_before_the_columns(index: Any, header: str) -> None:
    """A default index is left out; any other leads, under its names, and no name is there twice."""
    assert written(pd.DataFrame({"a": [1]}, index=index)).split("\n")[0] == header


def test_columns_of_one_name_are_told_apart() -> None:
    """Columns of one name get numbers in a file, so that none is lost."""
    frame = pd.DataFrame([[1, 2, 3]], columns=["a", "a", "a.1"])
    assert read(written(frame)).to_dict("list") == {"a": ["1"], "a.1": ["2"], "a.1.1": ["3"]}


def test_lone_surrogate_costs_no_results() -> None:
    """Text that has no UTF-8 is escaped; in nested values the escape is JSON's, and reads back equal."""
    odd = pd.Series(["\ud800"], dtype=object)
    frame = pd.DataFrame({"a": odd, "ik_message": odd.astype("string[python]"), "ik_tags": [["\ud800"]]})
    layout = layout_of(frame)
    for again in (
        read(written(frame)),
        results_text.read_jsonl(io.BytesIO(layout.jsonl_text(frame).encode()), "x", ReadOptions()),
    ):
        assert again["ik_message"].tolist() == ["\\ud800"]
        assert again["ik_tags"].tolist() == [["\ud800"]]


@pytest.mark.parametrize("ending", ["csv", "jsonl"])
def test_empty_frame_keeps_its_columns(ending: str, tmp_path: Path) -> None:
    """A run of no rows comes back with the columns of a run and their dtypes."""
    path = tmp_path / f"results.{ending}"
    frame = pd.DataFrame({name: pd.Series([], dtype=dtype) for name, dtype in RESULT_COLUMNS.items()})
    write_results(frame, path)
    assert_frame_equal(read_results(path), frame)


def test_cells_that_a_spreadsheet_saved_are_read() -> None:
    """TRUE and 12.0, as spreadsheets save them, are still a boolean and a whole number."""
    frame = read("ik_is_published,ik_size\nTRUE,12.0\nfalse,9223372036854775807\n")
    assert frame["ik_is_published"].tolist() == [True, False]
    assert frame["ik_size"].tolist() == [12, 2**63 - 1]


@pytest.mark.parametrize(
    ("column", "cell"),
    [
        ("ik_size", "12.5"),
        ("ik_size", "big"),
        ("ik_size", "9223372036854775808"),
        ("ik_size", "1e300"),
        ("ik_seconds", "x"),
        ("ik_is_published", "yes"),
        ("ik_tags", "a b"),
    ],
)
def test_cell_that_no_run_wrote_is_named(column: str, cell: str) -> None:
    """A cell that cannot be of its column is an error that names row, column and cell."""
    with pytest.raises(
        ikpipe.Error, match=rf"results\.csv, row 2 \(row 3 in a spreadsheet\): {column} cannot be '{cell}'"
    ):
        read(f"{column},a\n,x\n{cell},x\n")


@plays(30)
@given(st.floats(allow_nan=False, width=32))
def test_float32_keeps_its_own_shortest_text(number: float) -> None:
    """A float32 is written with the digits that tell it from other float32s, not those of a float64."""
    cell = read(written(pd.DataFrame({"a": np.array([number, 0.5], dtype="float32"), "b": 0})))["a"][0]
    assert np.float32(cell) == np.float32(number)
