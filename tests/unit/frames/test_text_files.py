"""Text files: delimiters, encodings, line ends, compression, and files that are something else."""

from __future__ import annotations

import codecs
import gzip
import io
import json
import sys
import zipfile
from collections import deque
from functools import partial
from itertools import repeat
from typing import TYPE_CHECKING, Any

import pandas as pd
import pyarrow as pa
import pytest
from examples import plays
from hypothesis import given
from hypothesis import strategies as st

import ikpipe
from ikpipe.frames.io.content import unpacked
from ikpipe.frames.io.decoding import lines_of
from ikpipe.frames.io.options import ReadOptions
from ikpipe.frames.io.reading import read_table

if TYPE_CHECKING:
    from pathlib import Path

ZSTD = pa.Codec("zstd")


def table(content: bytes, format: str | None = None, **options: str) -> pd.DataFrame:  # noqa: A002 - as the option
    """Read a table from memory."""
    return read_table(io.BytesIO(content), ReadOptions(format, **options))


# Delimiters


@pytest.mark.parametrize(
    ("header", "names", "note"),
    [
        ("sku,file", ["sku", "file"], ""),
        ("file", ["file"], ""),
        ("sku;file", ["sku", "file"], "The cells are separated by semicolons (delimiter=';')."),
        ("sku\tfile", ["sku", "file"], "The cells are separated by tabs (delimiter='tab')."),
        ("sku|file", ["sku", "file"], "The cells are separated by vertical bars (delimiter='|')."),
        ('"size, in cm";file', ["size, in cm", "file"], "The cells are separated by semicolons (delimiter=';')."),
        ("sku,tags (a;b),file", ["sku", "tags (a;b)", "file"], ""),
    ],
)
def test_a_header_shows_the_delimiter(
    header: str, names: list[str], note: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Another one than the comma is said; separators in quotes, and fewer than commas, do not count."""
    assert list(table(f"{header}\n".encode())) == names
    assert [record.getMessage() for record in caplog.records] == ([f"the table: {note}"] if note else [])


@pytest.mark.parametrize(
    ("header", "format_", "message"),
    [
        (
            "sku;size, in cm",
            "csv",
            r"line 1: The header has commas and semicolons. Name .* delimiter=',' or delimiter=';'",
        ),
        ("sku\tsize, in cm", "csv", r"has commas and tabs. Name the delimiter: delimiter=',' or delimiter='tab'\."),
        ("a;b|c", "csv", r"has semicolons and vertical bars. Name .* delimiter=';' or delimiter='\|' or delimiter=','"),
        ("a,b", "tsv", r"The header has commas. Name the delimiter: delimiter=',' or delimiter='tab'"),
    ],
)
def test_a_header_that_does_not_show_the_delimiter_is_an_error(header: str, format_: str, message: str) -> None:
    """The error names the option with each delimiter that is possible."""
    with pytest.raises(ikpipe.Error, match=message):
        table(f"{header}\n".encode(), format_)


def test_a_delimiter_of_the_user_is_not_questioned() -> None:
    """Not even by a separator line; other characters are parts of names then."""
    assert list(table(b"sku;size, in cm\n", delimiter=";")) == ["sku", "size, in cm"]
    assert list(table(b"sep=,\nsku;size, in cm\n", delimiter=";")) == ["sku", "size, in cm"]
    assert list(table(b"a,b\n", "tsv", delimiter="tab")) == ["a,b"]


def test_a_row_that_does_not_fit_a_found_delimiter_names_the_option() -> None:
    """The header alone can mislead."""
    with pytest.raises(ikpipe.Error, match=r"line 2: The row has 1 cell, .* another one, set delimiter="):
        table(b"name | unit\nHat\n")


@pytest.mark.parametrize(
    ("content", "line"),
    [
        (b"a,b\n\n1,2\n\n3\n", "line 5"),
        (b'a,b\n"x\ny",2\n3\n', "line 4"),
        (b"\n\na,b\n1\n", "line 4"),
        (b"sep=,\na,b\n1\n", "line 3"),
        (b"a,b\r1,2\r3\r", "line 3"),
        (b"#TYPE Row\na,b\n1\n", "line 3"),
    ],
)
def test_lines_are_counted_as_in_the_file(content: bytes, line: str) -> None:
    """Blank lines, lines inside cells and lines before the header count."""
    with pytest.raises(ikpipe.Error, match=f"{line}: The row has 1 cell, but the header has 2"):
        table(content)


def test_cells_after_the_last_column_are_read_if_they_are_empty() -> None:
    """Spreadsheets end lines with delimiters; a cell without a column is an error."""
    assert table(b"a,b,,\n1,2,,\n3,4\n,,,\n5,6,\n,,\n,\n").to_dict("list") == {
        "a": ["1", "3", None, "5"],
        "b": ["2", "4", None, "6"],
    }
    with pytest.raises(ikpipe.Error, match="line 2: The row has 3 cells, but the header has 2"):
        table(b"a,b,\n1,2,3\n")


@pytest.mark.parametrize(
    "content", [b"", b"\n\n", b";;;\n;;;\n", b"\xef\xbb\xbf", "\ufeff".encode("utf-16-le"), b"sep=;\n"]
)
def test_a_file_without_a_header_is_empty(content: bytes) -> None:
    """Blank lines, delimiters and marks alone are no table."""
    with pytest.raises(ikpipe.Error, match=r"is empty\. The first line must have the names of the columns"):
        table(content)


def test_a_header_without_names_is_an_error() -> None:
    """Such as one of delimiters alone."""
    with pytest.raises(ikpipe.Error, match=r"line 2: The header has no names of columns\. Check the delimiter"):
        table(b"\x1e\n::\n1:2:3\n", delimiter=":")


def test_names_of_columns_stay_as_they_are() -> None:
    """Spaces around them are shown, since a mapping needs the exact name."""
    assert list(table(b" sku , file\n")) == [" sku ", " file"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (
            b"a\n" + b"x" * 2**18 + b'\n"x\n',
            "line 3: The CSV is not valid. The quote that this row opens is never closed",
        ),
        (b"a,b\nx\ry,1\n", "line 2: The CSV is not valid. A cell has a carriage return. Put the cell in double quotes"),
        (b'a,b\n"12\\" disc",1\n', "line 2: The CSV is not valid. A closing quote is followed by text."),
        (b"," * 100_000 + b"a\n", "The header has 100,001 cells; 100,000 columns are read at most"),
    ],
    ids=["quote", "return", "backslash", "wide"],
)
def test_csv_that_is_not_valid_says_why(content: bytes, message: str) -> None:
    """The error says what is wrong in words for people who do not write CSV."""
    with pytest.raises(ikpipe.Error, match=message):
        table(content)


def test_a_line_without_end_is_an_error() -> None:
    """However large the file is."""
    with pytest.raises(ikpipe.Error, match="t, line 3: The line has more than 134,217,728 characters"):
        list(lines_of(["a\nb\n", *repeat("x" * 2**20, 200)], "t"))


@plays(50)
@given(st.text(st.sampled_from("ab\n\r"), max_size=20).map(lambda text: f"a\n{text}"), st.lists(st.integers(1, 5)))
def test_lines_do_not_depend_on_blocks(text: str, sizes: list[int]) -> None:
    """They are those of the text as a whole."""
    blocks, rest = [], text
    for size in sizes:
        blocks.append(rest[:size])
        rest = rest[size:]
    found = list(lines_of([*blocks, rest], "t"))
    assert "".join(found) == text
    assert "\r" in text or found == text.splitlines(keepends=True)


# Encodings


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-be", "utf-32", "utf-32-be"])
@pytest.mark.parametrize("option", [{}, {"encoding": "windows-1252"}])
def test_a_byte_order_mark_decides(encoding: str, option: dict[str, str]) -> None:
    """Also against an option: it is no text in any other encoding."""
    content = ("\ufeff" if encoding.endswith("be") else "") + "größe\nü😀\n"
    assert table(content.encode(encoding), **option).to_dict("list") == {"größe": ["ü😀"]}


@pytest.mark.parametrize(
    ("text", "encoding", "fix"),
    [
        ("name\nGröße, 12 cm\n", "cp1252", """Add encoding='windows-1252' if this is right: "Größe, 12 cm"."""),
        ("sku\nü2;a.jpg\n", "cp1252", """Add encoding='windows-1252' if this is right: "ü2;a.jpg"."""),
        ("name\n12 m² Stoff\n", "cp1252", """Add encoding='windows-1252' if this is right: "12 m² Stoff"."""),
        ("name\nL\u2019école\n", "cp1252", """Add encoding='windows-1252' if this is right: "L\u2019école"."""),
        ("name\nzłoty\n", "cp1250", "Name its encoding, such as encoding='windows-1252' (Western Europe), "),
        ("name\nCafé\n", "cp1252", """Add encoding='windows-1252' if this is right: "Café"."""),
        ("name\n赤いドレス\n", "cp932", """Add encoding='shift_jis' if this is right: "赤いドレス"."""),
        ("name\nЁлки\n", "cp1251", "Name its encoding, such as encoding='windows-1252' (Western Europe), "),
        ("name\n红色连衣裙\n", "gb18030", "windows-1251, shift_jis or gb18030."),
    ],
)
def test_bytes_that_are_not_utf8_name_the_option(text: str, encoding: str, fix: str) -> None:
    """With the encoding that is likely, and the text that it gives, or with several."""
    with pytest.raises(ikpipe.Error, match=r"line 2: byte [0-9]+ of the file is not valid UTF-8") as raised:
        table(text.encode(encoding))
    assert fix in str(raised.value)


def test_bytes_that_are_not_text_in_a_named_encoding_are_an_error() -> None:
    """The place is counted in bytes, from the start of the file, also in later blocks."""
    content = b"name\n" + b"x\n" * 200_000 + b"\x81\n"
    with pytest.raises(ikpipe.Error, match=r"line 200,002: byte 400,005 of the file is not valid CP1252. Set another"):
        table(content, encoding="cp1252")


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_utf16_without_a_mark_names_the_option(encoding: str) -> None:
    """Its NUL bytes show it."""
    with pytest.raises(ikpipe.Error, match=f"seems to be UTF-16 without a byte-order mark. Add encoding='{encoding}'"):
        table("sku,file\n".encode(encoding))
    with pytest.raises(ikpipe.Error, match=f"Add encoding='{encoding}'"):
        table("sku,file\n".encode(encoding), encoding="utf-16")
    assert list(table("sku,file\n".encode(encoding), encoding=encoding)) == ["sku", "file"]


@pytest.mark.parametrize("encoding", ["utf-16", "utf-32"])
def test_an_encoding_that_needs_a_mark_is_refused_without_one(encoding: str) -> None:
    """One line names the option."""
    with pytest.raises(ikpipe.Error, match=f"^the table.* not.* {encoding.upper()}.*Set another encoding=.$"):
        table(b"sku,file\n1,a.jpg\n", encoding=encoding)


def test_a_file_of_nul_bytes_is_not_text() -> None:
    """Such as a disk leaves after a crash."""
    with pytest.raises(ikpipe.Error, match="is not a text file: its first line has NUL bytes"):
        table(b"sk\0\0\0\0" + bytes(1000))


@pytest.mark.parametrize("cut", range(1, 5))
def test_a_character_may_lie_across_blocks(cut: int) -> None:
    """A block ends anywhere in a character."""
    text = f"a\n{'x' * (2**18 - 2 - cut)}😀\n"
    assert table(text.encode())["a"][0].endswith("x😀")


# Files that are something else


def book(*names: str) -> bytes:
    """Return the start of an archive with these files."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name in names:
            archive.writestr(name, "application/vnd.oasis.opendocument.spreadsheet" if name == "mimetype" else "x")
    return stream.getvalue()


def parquet() -> bytes:
    """Return a Parquet file."""
    stream = io.BytesIO()
    pd.DataFrame({"a": ["x"]}).to_parquet(stream)
    return stream.getvalue()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (
            book("[Content_Types].xml", "xl/workbook.xml"),
            r"an Excel workbook \(.xlsx\), not CSV or JSON. Read it with format='xlsx'",
        ),
        (book("mimetype", "content.xml"), r"an OpenDocument spreadsheet \(.ods\), not CSV or JSON"),
        (book("table.csv"), "a ZIP archive, not CSV or JSON. Unpack it first"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(100), r"an Excel workbook \(.xls\), not CSV or JSON"),
        (parquet(), "a Parquet file, not CSV or JSON. Read it with format='parquet', or rename it"),
        (b"\n <!DOCTYPE html><html>", r"a web page \(HTML\), not CSV or JSON. Save the table as CSV"),
        (b"\xef\xbb\xbf<html><table>", r"a web page \(HTML\), not CSV or JSON"),
        (b'<?xml version="1.0"?><x/>', "an XML file, not CSV or JSON"),
        (b"%PDF-1.7\n", "a PDF document, not CSV or JSON"),
        (b"SQLite format 3\0" + bytes(100), "an SQLite database, not CSV or JSON"),
        (b"\xfd7zXZ\0\0", "compressed with xz, not CSV or JSON. Unpack it first"),
        (b"\x89PNG\r\n\x1a\n", "a picture, not CSV or JSON"),
        (b'{"sku": 1}\n', "JSON, not a table of text. Read it with format='json', or rename it"),
        (b'[\n  {"sku": 1}\n]\n', "JSON, not a table of text"),
        (b'[{"sku": 1}]', "JSON, not a table of text"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["plain", "gzip"])
def test_another_kind_of_file_is_named(content: bytes, message: str, pack: Any) -> None:
    """With what to do; also if it is compressed."""
    with pytest.raises(ikpipe.Error, match=f"the table is {message}"):
        table(pack(content))


def test_a_file_named_parquet_that_is_another_kind_is_named() -> None:
    """By its first bytes, too."""
    with pytest.raises(ikpipe.Error, match=r"is an Excel workbook \(.xlsx\), not Parquet. Read it with format='xlsx'"):
        table(book("[Content_Types].xml"), "parquet")


# Compressed files


@pytest.mark.parametrize("cut", [3, 15, 30])
@pytest.mark.parametrize(
    ("pack", "how"), [(gzip.compress, "gzip"), (lambda data: bytes(ZSTD.compress(data)), "Zstandard")]
)
def test_a_damaged_compressed_file_is_an_error(pack: Any, how: str, cut: int) -> None:
    """It is cut short, or some of its bytes are wrong."""
    packed = pack("".join(f"{at},ü\n" for at in range(100)).encode())
    for damaged in (packed[:-cut], packed[:20] + b"\xff" * cut + packed[20 + cut :]):
        with pytest.raises(ikpipe.Error, match=f"cannot be read as a file compressed with {how}"):
            table(damaged)


def test_content_that_no_table_has_is_an_error() -> None:
    """A small file that unpacks without end stops early."""
    stream = unpacked(io.BytesIO(bytes(ZSTD.compress(bytes(2**28 + 2**20)))), "t")
    blocks = iter(partial(stream.read, 2**20), b"")
    with pytest.raises(ikpipe.Error, match="t unpacks to more than 500 times its size"):
        deque(blocks, maxlen=0)


# JSON


ROWS = [{"sku": "007", "n": 1, "deep": {"a": [1, 2.5, None]}}, {}, {"sku": "ü😀\n", "n": None}]


@pytest.mark.parametrize("indent", [None, 0, 4])
@pytest.mark.parametrize("size", [1, 7, 2**18])
def test_an_array_is_read_in_blocks_of_any_size(indent: int | None, size: int) -> None:
    """Elements may lie across blocks."""
    text = json.dumps(ROWS, indent=indent, ensure_ascii=False)

    class Small(io.StringIO):
        def read(self, _size: int | None = -1) -> str:
            return super().read(min(_size or 0, size))

    frame = read_table(Small(text), ReadOptions("json"))
    assert [{key: cell for key, cell in row.items() if cell is not None} for row in frame.to_dict("records")] == [
        {key: cell for key, cell in row.items() if cell is not None} for row in ROWS
    ]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("[", "line 1: The file is not valid JSON: it ends inside the array"),
        ('[{"a": 1}', "line 1: The file is not valid JSON: it ends inside the array"),
        ('[{"a": 1},\n{"a": ', "line 2: The file is not valid JSON: Expecting value"),
        ('[{"a": 1}\n{"a": 1}]', "line 2: The file is not valid JSON: a comma or . must follow an object, not '{'"),
        ('[\n{"a": x}]', "line 2: The file is not valid JSON: Expecting value"),
        ('[{"a": "x\n"}]', "Invalid control character"),
        ('[{"a": 1}]\n[]', "line 2: The file is not valid JSON: there is text after the end of the array"),
        ("[1]", "line 1: The element must be a JSON object, not 1"),
        ('\n\n[{"a": 1},\n["b"]]', r"line 4: The element must be a JSON object, not \['b'\]"),
        ("[" * 100_000, "nested"),
        ('[{"a": ' + "[" * 300 + "]" * 300 + "}]", "nested more than 200 levels deep"),
        (
            '{"a": 1, "b": 2, "a": 3}',
            "line 1: The line is not valid JSON: the key 'a' occurs more than once in an object",
        ),
        ('{"a": 1}\n"b"', "line 2: The line must be a JSON object, not 'b'"),
        ('{\n  "a": 1\n}', "line 1: The line is not valid JSON: Expecting property name"),
        ('{"a": 1}\n\ufeff{"a": 1}', "line 2: The line is not valid JSON"),
    ],
    ids=range(15),
)
def test_json_that_is_not_valid_is_an_error(content: str, message: str) -> None:
    """The error names the line of the file."""
    with pytest.raises(ikpipe.Error, match=message):
        table(content.encode(), "json")


@pytest.mark.parametrize("format_", ["json", "jsonl"])
def test_half_a_character_in_a_name_is_shown_as_json_writes_it(format_: str) -> None:
    """Python's text can have it, and no file can."""
    assert list(table(b'[{"a\\ud800": 1}]', format_)) == ["a\\ud800"]
    assert list(table('{"größe\\ud800": 1}\n'.encode(), format_)) == ["größe\\ud800"]


@pytest.mark.parametrize("content", ["", "\n", "[]", " [ ]\n"])
def test_json_without_rows_is_an_empty_table(content: str) -> None:
    """As pandas and jq write it."""
    assert table(content.encode(), "json").shape == (0, 0)


def test_numbers_of_json_that_python_cannot_hold_do_not_matter() -> None:
    """The largest stay text, for whoever uses the column."""
    digits = "9" * 5000
    frame = table(f'{{"a": {digits}, "b": NaN, "c": -Infinity, "d": 1e999, "e": 1E-999}}\n'.encode(), "jsonl")
    assert frame["a"].tolist() == [digits]
    assert frame.loc[0, ["c", "d", "e"]].tolist() == [float("-inf"), float("inf"), 0]


@pytest.mark.parametrize("mark", [codecs.BOM_UTF8, b""])
def test_a_mark_before_json_is_not_read(mark: bytes) -> None:
    """As Windows programs write it."""
    assert table(mark + b'{"a": 1}\r\n', "jsonl").to_dict("list") == {"a": [1]}


# Extensions


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("t.CSV.GZ", gzip.compress(b"a\n1\n", mtime=0)),
        ("t.tsv.zst", bytes(ZSTD.compress(b"a\n1\n"))),
        ("t.ndjson.gz", gzip.compress(b'{"a": "1"}\n', mtime=0)),
        ("t.txt", b"a\n1\n"),
        ("t.tab", b"a\n1\n"),
        ("packed.csv", gzip.compress(b"a\n1\n", mtime=0)),
        ("unpacked.csv.gz", b"a\n1\n"),
    ],
)
def test_compression_is_seen_in_the_file(name: str, content: bytes, tmp_path: Path) -> None:
    """Its name says only the format of what is in it."""
    (tmp_path / name).write_bytes(content)
    assert read_table(tmp_path / name).to_dict("list") == {"a": ["1"]}


def test_zstandard_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without pyarrow, the error says what to install."""
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(ikpipe.MissingExtra, match=r"pip install 'ikpipe\[parquet\]'"):
        table(bytes(ZSTD.compress(b"a\n1\n")))


@pytest.mark.parametrize(
    ("format_", "options"),
    [
        ("jsonl", {"delimiter": ";"}),
        ("parquet", {"delimiter": ";"}),
        ("parquet", {"encoding": "utf-8"}),
        ("csv", {"sheet": "1"}),
        ("json", {"sheet": "1"}),
    ],
)
def test_an_option_that_does_not_apply_is_an_error(format_: str, options: dict[str, str]) -> None:
    """Nothing is ignored silently."""
    (name,) = options
    with pytest.raises(ikpipe.Error, match=f"{name}=.*: This option does not apply to a table in the format {format_}"):
        table(b"", format_, **options)


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("delimiter", [";", ",", "\t"])
def test_a_name_with_a_line_break(delimiter: str, end: str) -> None:
    """A header of Excel with Alt+Enter in it: all of its lines show the delimiter."""
    content = f'"Product{end}name"{delimiter}file{end}x{delimiter}a.jpg{end}'
    frame = table(content.encode())
    assert frame.iloc[:, 1].tolist() == ["a.jpg"]
    assert "".join(frame.columns[0].split()) == "Productname"


def test_a_quote_in_a_name_is_no_line_break() -> None:
    """Inches: the quote is not at the start of the name, and not closed."""
    frame = table(b'12" disc;file\nx;a.jpg\ny;b.jpg\n')
    assert frame["file"].tolist() == ["a.jpg", "b.jpg"]
