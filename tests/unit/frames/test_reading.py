"""Reading tables of any format."""

import csv
import io
import json
import sys
from datetime import date, datetime
from pathlib import Path
from typing import Any

import openpyxl
import pandas as pd
import pytest
from examples import plays
from hypothesis import given
from hypothesis import strategies as st
from results_frames import JSON, TEXT

import ikpipe
from ikpipe.frames.io.options import ReadOptions
from ikpipe.frames.io.reading import read_table
from ikpipe.frames.io.results import write_results

TABLES = st.integers(1, 3).flatmap(lambda width: st.lists(st.lists(TEXT, min_size=width, max_size=width), max_size=4))


def table(content: bytes, format: str | None = None, **options: str) -> pd.DataFrame:  # noqa: A002 - as the option
    """Read a table from memory."""
    return read_table(io.BytesIO(content), ReadOptions(format, **options))


class _Pipe(io.BytesIO):
    """A stream in which nobody can jump about."""

    def seekable(self) -> bool:
        return False

    def seek(self, *_: Any) -> int:
        raise io.UnsupportedOperation


@plays(50)
@given(TABLES, st.sampled_from([("csv", ","), ("tsv", "\t")]))
def test_cells_are_text(rows: list[list[str]], kind: tuple[str, str]) -> None:
    """Each cell of CSV and TSV is the text that stands there, whatever it looks like; an empty one is missing."""
    name, delimiter = kind
    header = [f"c{place}" for place in range(len(rows[0]) if rows else 2)]
    text = io.StringIO()
    csv.writer(text, delimiter=delimiter, quoting=csv.QUOTE_ALL).writerows([header, *rows])
    while rows and not any(rows[-1]):  # spreadsheets write such rows; they are left out
        rows.pop()
    frame = table(text.getvalue().encode(), name)
    assert list(frame) == header
    assert set(frame.dtypes.astype(str)) == {"string"}
    assert frame.fillna("").to_numpy().tolist() == rows
    assert frame.isna().to_numpy().tolist() == [[cell == "" for cell in row] for row in rows]


@pytest.mark.parametrize(
    ("content", "cells"),
    [
        (b"\xef\xbb\xbfsku,n\n007,NA\n", {"sku": ["007"], "n": ["NA"]}),
        (b"sku\r\n007\r\n\r\n8\r\n", {"sku": ["007", "8"]}),
        (b'sku,note\n1,"two\nlines, and ""quotes"""\n', {"sku": ["1"], "note": ['two\nlines, and "quotes"']}),
        (b"sku,n", {"sku": [], "n": []}),
        ("名前\nねこ.jpg\n".encode(), {"名前": ["ねこ.jpg"]}),
        (b"a\n" + b"x" * 200_000 + b"\n", {"a": ["x" * 200_000]}),
    ],
)
def test_csv_as_people_write_it(content: bytes, cells: dict[str, list[str]]) -> None:
    """A byte-order mark, Windows line ends, blank lines, quotes, missing rows and long cells are all read."""
    assert table(content).to_dict("list") == cells


@pytest.mark.parametrize(
    ("content", "format_", "message"),
    [
        (b"", "csv", "is empty. The first line must have the names"),
        (b"a,b\n1,2\n\n3\n", "csv", "line 4: The row has 1 cell, but the header has 2"),
        (b"a\n1,2\n", "csv", "line 2: The row has 2 cells, but the header has 1"),
        (b'a\nb\n"never closed\n1\n2\n', "csv", "line 3: The CSV is not valid. The quote that this row opens is never"),
        (
            b'a\n"x"y\n',
            "csv",
            'line 2: The CSV is not valid. A closing quote is followed by text. .* doubled: "12"" disc"',
        ),
        (b"name\nok\ncaf\xe9\n", "csv", "line 3: byte 11 of the file is not valid UTF-8. Add encoding='windows-1252'"),
        (b"\xef\xbb\xbfa\n\xff\n", "tsv", "line 2: byte 5 of the file"),
        (b'{"a": 1}\n{"a": \n', "jsonl", "line 2: The line is not valid JSON: Expecting value"),
        (b'\n{"a": 1}\n[1]\n', "jsonl", r"line 3: The line must be a JSON object, not \[1\]"),
        (b"a,b\n", "parquet", "cannot be read as a Parquet file"),
        (b"a,b\n", "xlsx", "is not a workbook. It is text: use format='csv'"),
        (b"", "xml", r"format='xml': There is no such format. Use one of csv, tsv, parquet, jsonl, json, xlsx"),
    ],
)
def test_what_cannot_be_read_is_said(content: bytes, format_: str, message: str) -> None:
    """A table that cannot be read is an error that names the place and what is wrong there."""
    with pytest.raises(ikpipe.Error, match=message):
        table(content, format_)


def is_not_a_whole_float(value: object) -> bool:
    """Leave out 12.0, which is read as 12."""
    return not (isinstance(value, float) and value.is_integer())


@plays(50)
@given(st.lists(st.dictionaries(TEXT, JSON.filter(is_not_a_whole_float), max_size=3), max_size=4))
def test_json_lines_keep_their_types(rows: list[dict[str, Any]]) -> None:
    """Each value of JSON lines is what it was; a key that a row lacks is missing."""
    frame = table("".join(f"{json.dumps(row)}\n" for row in rows).encode(), "jsonl")
    names = list(dict.fromkeys(key for row in rows for key in row))
    assert list(frame) == names
    for name in names:
        cells = frame[name].tolist()
        assert cells == [row.get(name) for row in rows]
        assert [type(cell) for cell in cells] == [type(row.get(name)) for row in rows]


def excel(rows: list[list[Any]], number_format: str = "General") -> pd.DataFrame:
    """Read an Excel sheet of these rows; cell A2 has the number format."""
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    if rows[1:]:
        book.active["A2"].number_format = number_format
    stream = io.BytesIO()
    book.save(stream)
    return read_table(stream, ReadOptions("xlsx"))


def test_excel_cells_are_what_the_sheet_shows() -> None:
    """Text keeps its zeros, a whole float is an integer, a date has no time; an error is its text."""
    values = ["007", 12.0, 1.5, True, datetime(2026, 1, 2), datetime(2026, 1, 2, 3, 4), "#N/A", None]  # noqa: DTZ001
    frame = excel([["sku", 2026, None], *([value, "x"] for value in values)])
    shown = ["007", 12, 1.5, True, date(2026, 1, 2), datetime(2026, 1, 2, 3, 4), "#N/A", None]  # noqa: DTZ001
    assert list(frame) == ["sku", "2026"]
    assert frame["sku"].tolist() == shown
    assert [type(cell) for cell in frame["sku"]] == [type(cell) for cell in shown]


def test_excel_numbers_keep_the_zeros_of_their_format() -> None:
    """A number that the sheet shows with leading zeros is read with them."""
    assert excel([["sku"], [42]], "00000")["sku"].tolist() == ["00042"]


def test_excel_rows_without_cells_are_left_out() -> None:
    """Blank rows, before the header too, are no rows; a short row is filled up."""
    assert excel([[], ["sku", "note"], [], ["x"]]).to_dict("list") == {"sku": ["x"], "note": [None]}


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([], "is empty. The first row"),
        ([["sku", None], ["x", "y"]], "Row 1 has no name for column B, which has cells. Name"),
        ([["sku"], ["x", "y"]], "Row 1 has no name for column B, which has cells. Name"),
    ],
)
def test_excel_sheet_without_a_plain_header_is_refused(rows: list[list[Any]], message: str) -> None:
    """A sheet whose columns have no names, or the same one, is an error that says which."""
    with pytest.raises(ikpipe.Error, match=message):
        excel(rows)


@pytest.mark.parametrize("ending", ["csv", "tsv", "jsonl", "parquet", "xlsx"])
def test_ending_says_the_format(ending: str, tmp_path: Path) -> None:
    """A path is read as what its ending says, in capitals too."""
    path, frame = tmp_path / f"t.{ending.upper()}", pd.DataFrame({"sku": ["007"]})
    if ending == "tsv":
        path.write_text("sku\n007\n")
    elif ending == "xlsx":
        frame.to_excel(path, index=False)
    else:
        write_results(frame, path)
    assert read_table(path).to_dict("list") == {"sku": ["007"]}


def test_unknown_ending_names_the_known_ones() -> None:
    """An ending that is no table is an error with those that are."""
    with pytest.raises(
        ikpipe.Error,
        match=r"a\.pdf: .* one of \.csv, .* \.xlsx, \.xlsm, \.xls, \.ods, or .* format=",
    ):
        read_table("a.pdf")


def test_missing_file_is_said(tmp_path: Path) -> None:
    """A file that is not there is an error with its name."""
    with pytest.raises(ikpipe.Error, match=r"There is no file .*gone\.csv\. Correct the path\."):
        read_table(tmp_path / "gone.csv")


@pytest.mark.parametrize(("format_", "content"), [(None, b"sku\n007\n"), ("jsonl", b'{"sku": "007"}')])
def test_dash_is_standard_input(format_: str | None, content: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    """`-` reads standard input: CSV, if nothing else is said."""
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content)))
    assert read_table("-", ReadOptions(format_)).to_dict("list") == {"sku": ["007"]}


def test_text_streams_are_read() -> None:
    """A stream of text needs no decoding."""
    assert read_table(io.StringIO("sku\n007\n")).to_dict("list") == {"sku": ["007"]}


def test_pipe_of_parquet_is_read(tmp_path: Path) -> None:
    """Parquet is read from a pipe too, where nobody can jump about."""
    write_results(pd.DataFrame({"sku": ["007"]}), tmp_path / "t.parquet")
    frame = read_table(_Pipe((tmp_path / "t.parquet").read_bytes()), ReadOptions("parquet"))
    assert frame.to_dict("list") == {"sku": ["007"]}


@pytest.mark.parametrize(("module", "extra"), [("openpyxl", "excel"), ("pyarrow.parquet", "parquet")])
def test_missing_extra_names_the_line_to_type(module: str, extra: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the library that a format needs, the error says what to install."""
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(ikpipe.MissingExtra, match=rf"pip install 'ikpipe\[{extra}\]'"):
        table(b"", {"excel": "xlsx"}.get(extra, extra))


def test_a_row_with_nothing_in_it_is_a_row(tmp_path: Path) -> None:
    """An empty object in JSON lines stands for a row all the same."""
    path = tmp_path / "in.jsonl"
    path.write_text("{}\n{}\n")
    assert len(read_table(path)) == 2


@pytest.mark.parametrize(
    ("name", "delimiter"), [("tab", "\t"), ("\\t", "\t"), (";", ";"), ("pipe", "|"), ("Tab", "\t")]
)
def test_a_delimiter_can_be_named(name: str, delimiter: str) -> None:
    """By the character itself, or by a name where a shell makes the character hard to type."""
    assert table(f"a{delimiter}b\n1{delimiter}2\n".encode(), delimiter=name).to_dict("list") == {"a": ["1"], "b": ["2"]}


@pytest.mark.parametrize("format_", ["csv", "jsonl"])
def test_an_encoding_can_be_named(format_: str) -> None:
    """Text is decoded with it."""
    content = {"csv": "größe\nüber\n", "jsonl": '{"größe": "über"}\n'}[format_]
    assert table(content.encode("cp1252"), format_, encoding="Windows-1252").to_dict("list") == {"größe": ["über"]}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"delimiter": ";;"}, "delimiter=';;': The delimiter must be one character"),
        ({"delimiter": '"'}, "The delimiter must be one character"),
        ({"encoding": "klingon"}, "encoding='klingon': There is no such encoding"),
        ({"encoding": "base64"}, "There is no such encoding"),
        ({"encoding": "unicode_escape"}, "There is no such encoding"),
    ],
)
def test_an_option_with_a_wrong_value_is_refused(options: dict[str, str], message: str) -> None:
    """The error names the option and gives examples."""
    with pytest.raises(ikpipe.Error, match=message):
        ReadOptions(**options)
