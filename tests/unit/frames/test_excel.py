"""Workbooks are read by what they contain, as their programs show it."""

from __future__ import annotations

import io
import logging
from typing import TYPE_CHECKING, Any

import pytest
from examples import plays
from excel_files import (
    CASES,
    HEADER,
    ODS_HEADER,
    SHOWN,
    SIMPLE,
    TITLE,
    Case,
    archive,
    book,
    cell,
    column,
    ods,
    ods_cell,
    ods_row,
    one,
    row,
    sheet,
)
from hypothesis import given
from hypothesis import strategies as st

import ikpipe
from ikpipe.frames.io.options import ReadOptions
from ikpipe.frames.io.reading import read_table
from ikpipe.frames.io.streams import open_table

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_cells_are_as_their_program_shows_them(case: Case, tmp_path: Path) -> None:
    """Each file of the corpus has the columns and cells that its author sees, with their types."""
    case.write(tmp_path / case.name)
    found = read_table(tmp_path / case.name, ReadOptions(**case.options)).to_dict("list")
    assert found == case.expected
    assert {key: [type(cell) for cell in cells] for key, cells in found.items()} == {
        key: [type(cell) for cell in cells] for key, cells in case.expected.items()
    }


def read(path: Path, **options: Any) -> dict[str, list[Any]]:
    """Read a table."""
    return read_table(path, ReadOptions(**options)).to_dict("list")


def content(data: bytes) -> Callable[[Path], object]:
    """Return a function that writes bytes."""
    return lambda path: path.write_bytes(data)


def far(places: list[str]) -> Callable[[Path], None]:
    """Return a function that writes a workbook with cells in some places, below a header."""
    return one(HEADER + "".join(row(None, cell(place, "x")) for place in places))


OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
ENTITIES = '<!DOCTYPE x [<!ENTITY a "aaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]>'
OVERLAPPING = '<mergeCell ref="A2:XFD1048576"/>' * 9


@pytest.mark.parametrize(
    ("name", "write", "message"),
    [
        ("a.xlsx", content(b""), "a.xlsx is not a workbook. It is empty"),
        ("a.xlsx", content(b"sku,file\n1,2\n"), "It is text: use format='csv'"),
        ("a.xls", content(b"sku\tfile\n1\t2\n"), "It is text: use format='tsv'"),
        ("a.xls", content("sku\tfile\n1\t2\n".encode("utf-16")), "It is text: use format='tsv'"),
        (
            "a.xls",
            content(b"\n<HTML><table><tr><td>sku</td></tr></table></HTML>"),
            r"is a web page \(HTML\), not a workbook",
        ),
        ("a.xls", content(b"<?xml version='1.0'?><Workbook/>"), "is an XML file, not a workbook"),
        ("a.xlsx", content(b"PAR1\x15...PAR1"), "is a Parquet file, .* Read it with format='parquet'"),
        ("a.xlsx", content(b"%PDF-1.7"), "is a PDF document, not"),
        (
            "a.xlsx",
            content(b"PK\3\4 and then nothing"),
            "a.xlsx cannot be read as a workbook .*: File is not a zip file",
        ),
        ("a.xlsx", content(OLE + b"\0" * 600), "a.xlsx cannot be read as a workbook"),
        ("a.xlsx", content(OLE + bytes(600) + "EncryptedPackage".encode("utf-16-le")), "a.xlsx needs a password"),
        ("a.ods", ods(ODS_HEADER, parts={"META-INF/manifest.xml": "<m:encryption-data/>"}), "a.ods needs a password"),
        ("a.xlsx", lambda path: archive(path, {"xl/workbook.bin": ""}), "binary workbook .*Save it as .xlsx"),
        ("a.xlsx", lambda path: archive(path, {"Index/Document.iwa": ""}), "document of Numbers. Export it"),
        ("a.xlsx", lambda path: archive(path, {"a.csv": "x"}), "is an archive, but not a workbook"),
        ("a.xlsx", book, "a.xlsx is empty"),
        ("a.xlsx", one(""), "a.xlsx is empty. The first row must have"),
        ("a.xlsx", one(SIMPLE.replace("007", "&#1;")), "a.xlsx cannot be read as a workbook .*invalid character"),
        ("a.xlsx", one(SIMPLE[:-9]), "a.xlsx cannot be read as a workbook .*not well-formed"),
        ("a.xlsx", one(column(cell("A2", 5, "s"))), "a.xlsx, cell A2: '5' is not a value of its type"),
        ("a.xlsx", one(column(cell("A2", "x", "n"))), "a.xlsx, cell A2: 'x' is not a value of its type"),
        ("a.xlsx", one(HEADER + row(1_048_577, cell("", "x"))), "more than 1,048,576 rows"),
        ("a.xlsx", far(["XFE2"]), "row 2: A cell is outside of the columns"),
        (
            "a.xlsx",
            lambda path: book(path, sheet(SIMPLE).replace("?>\n", f"?>{ENTITIES}")),
            "document type declaration",
        ),
        ("a.xlsx", one(SIMPLE, before=" " * 40_000_000), "a.xlsx unpacks to more data than a table has"),
        ("a.xlsx", far([f"XFD{at}" for at in range(2, 300)]), "more cells than a table"),
        ("a.xlsx", one(SIMPLE * 2, after=f"<mergeCells>{OVERLAPPING}</mergeCells>"), "overlap"),
        ("a.ods", ods(ods_row(ods_cell("x", attributes=' table:number-columns-repeated="99999"'))), "more cells"),
        ("a.ods", ods(ods_row(ods_cell("x") * 99, attributes=' table:number-rows-repeated="1048576"')), "more cells"),
        ("a.xlsx", one(TITLE), "Row 1 has no name for column B, which has cells. .* header_row=3"),
    ],
)
def test_what_is_no_table_is_one_error(
    name: str, write: Callable[[Path], object], message: str, tmp_path: Path
) -> None:
    """Whatever is wrong with a file, it is one error of ours, which names the file and what to do."""
    write(tmp_path / name)
    with pytest.raises(ikpipe.Error, match=message):
        read(tmp_path / name)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"sheet": "sheet3"},
            r"sheet='sheet3': .*no such sheet. Use one of \"Sheet1\", \"Sheet2\" \(did you mean 'Sheet",
        ),
        ({"sheet": "0"}, "no such sheet"),
        ({"sheet": "3"}, "no such sheet"),
        ({"header_row": 9}, "header_row=9: .*has no cells in row 9. Its rows are 1 to 2"),
    ],
)
def test_an_option_that_does_not_fit_is_refused(options: dict[str, Any], message: str, tmp_path: Path) -> None:
    """The error lists what there is."""
    book(tmp_path / "a.xlsx", sheet(SIMPLE), sheet(SIMPLE))
    with pytest.raises(ikpipe.Error, match=message):
        read(tmp_path / "a.xlsx", **options)


@pytest.mark.parametrize("options", [{"sheet": "1"}, {"header_row": 1}, {"links": True}])
def test_options_of_workbooks_are_only_for_them(options: dict[str, Any], tmp_path: Path) -> None:
    """Nothing is ignored silently."""
    (tmp_path / "a.csv").write_text("sku\n1\n")
    with pytest.raises(ikpipe.Error, match="does not apply to a table in the format csv"):
        read(tmp_path / "a.csv", **options)


UNSAVED = column(cell("A2", formula="1+1"), cell("A3", 1, "n"), cell("A4", formula="1+2"))
FORMULA = "a formula without a saved value, which is read as an error. Save the file in Excel or LibreOffice."
HIDDEN = HEADER + row(2, cell("A2", "x"), attributes=' hidden="1"') + row(9, attributes=' hidden="1"')


@pytest.mark.parametrize(
    ("write", "options", "notes"),
    [
        (one(SIMPLE), {}, []),
        (
            lambda path: book(path, sheet(""), sheet(SIMPLE), states=("", "hidden"), names=("Read me", "Ware")),
            {},
            ['a.xlsx: reading the sheet "Ware"; not "Read me". For another one, use sheet=.'],
        ),
        (lambda path: book(path, sheet(""), sheet(SIMPLE)), {"sheet": "2"}, []),
        (
            one(UNSAVED),
            {},
            [f"a.xlsx: Cell A2, and 1 more: {FORMULA}"],
        ),
        (one(HIDDEN), {}, ["a.xlsx: 1 hidden row is read too."]),
    ],
)
def test_what_a_person_should_know_is_logged(
    write: Callable[[Path], object],
    options: dict[str, Any],
    notes: list[str],
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The sheet that is read, if there are several, and cells that are not what they seem."""
    write(tmp_path / "a.xlsx")
    with caplog.at_level(logging.WARNING, "ikpipe"):
        read(tmp_path / "a.xlsx", **options)
    assert [record.getMessage().removeprefix(f"{tmp_path}/") for record in caplog.records] == notes


def test_rows_that_are_only_formatted_take_no_time(tmp_path: Path) -> None:
    """A sheet that is formatted to its end has as many rows as its table; the rest is not even parsed."""
    cells = "".join(f'<row r="{at}"><c r="A{at}" s="1"/><c r="B{at}" s="1"></c></row>' for at in range(3, 60_000))
    one(SIMPLE + cells, "00000")(tmp_path / "a.xlsx")
    assert read(tmp_path / "a.xlsx") == SHOWN


@pytest.mark.parametrize(
    "empty", ['<c r="B2" s="1"/>', '<c r="B2" s="1"></c>', '<c s="1"/>', '<c s="1" r="B2"/>', '<c r="B2"><v/></c>']
)
def test_empty_cells_keep_their_places(empty: str, tmp_path: Path) -> None:
    """An empty cell is skipped only if the cells after it say where they are."""
    header = row(1, *(cell("", name) for name in "abc"))
    one(header + row(2, cell("", "x"), empty, cell("", "y")))(tmp_path / "a.xlsx")
    assert read(tmp_path / "a.xlsx") == {"a": ["x"], "b": [None], "c": ["y"]}


def test_text_that_looks_like_cells_is_text(tmp_path: Path) -> None:
    """XML in a CDATA section is not the sheet's."""
    text = '<c r="A9" s="1"/>'
    one(column(f'<c r="A2" t="inlineStr"><is><t><![CDATA[{text}]]></t></is></c>'))(tmp_path / "a.xlsx")
    assert read(tmp_path / "a.xlsx") == {"x": [text]}


@plays(60)
@given(st.sampled_from(CASES), st.data())
def test_a_damaged_file_is_read_or_one_error(
    tmp_path_factory: pytest.TempPathFactory, case: Case, data: st.DataObject
) -> None:
    """Whatever bytes are changed or cut, nothing but our error comes out."""
    path = tmp_path_factory.mktemp("x") / case.name
    case.write(path)
    damaged = bytearray(path.read_bytes())
    # Shares of the length, which depends on the time in the file.
    for share in data.draw(st.lists(st.floats(0, 1, exclude_max=True), min_size=1, max_size=8)):
        damaged[int(share * len(damaged))] = data.draw(st.integers(0, 255))
    path.write_bytes(damaged[: 1 + int(data.draw(st.floats(0, 1)) * len(damaged))])
    try:
        read(path, **case.options)
    except ikpipe.Error as error:
        assert "\n" not in str(error)  # noqa: PT017 - either is good


PARTS = st.sampled_from(
    ["<c", "</c>", 'r="B2"', "<v>", "</row>", 't="s"', 't="d"', 's="1"', "&#1;", "1", "x", ">", '"']
)


@plays(60)
@given(st.lists(st.tuples(st.integers(0, 400), PARTS), min_size=1, max_size=4))
def test_wrong_xml_is_read_or_one_error(
    tmp_path_factory: pytest.TempPathFactory, changes: list[tuple[int, str]]
) -> None:
    """The same for XML inside of a sound archive."""
    path, xml = tmp_path_factory.mktemp("x") / "a.xlsx", sheet(SIMPLE)
    for at, text in changes:
        xml = f"{xml[:at]}{text}{xml[at + len(text) :]}"
    book(path, xml)
    try:
        read(path)
    except ikpipe.Error as error:
        assert "\n" not in str(error)  # noqa: PT017 - either is good


def test_a_name_may_occur_twice(tmp_path: Path) -> None:
    """As in CSV, it matters only if something uses it."""
    one(row(1, cell("A1", "x"), cell("B1", "x")) + row(2, cell("B2", "y")))(tmp_path / "a.xlsx")
    found = read_table(tmp_path / "a.xlsx")
    assert (list(found), found.to_numpy().tolist()) == (["x", "x"], [[None, "y"]])


def test_a_workbook_is_read_from_a_pipe(tmp_path: Path) -> None:
    """A stream without random access is read into memory."""

    class Pipe(io.BytesIO):
        def seekable(self) -> bool:
            return False

    one(SIMPLE)(tmp_path / "a.xlsx")
    found = read_table(Pipe((tmp_path / "a.xlsx").read_bytes()), ReadOptions("xlsx"))
    assert found.to_dict("list") == SHOWN


def test_rows_know_their_lines(tmp_path: Path) -> None:
    """As the sheet counts them, below a title and with empty rows between them."""
    lines = (
        row(1, cell("A1", "A title")) + row(3, cell("A3", "file")) + row(4, cell("A4", "x")) + row(9, cell("A9", "y"))
    )
    book(tmp_path / "a.xlsx", sheet(lines))
    table = open_table(str(tmp_path / "a.xlsx"), ReadOptions(header_row=3))
    assert table.lines == [4, 9]
