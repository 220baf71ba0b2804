"""Workbooks as many programs write them: raw XML where openpyxl writes no such thing, and bytes of .xls files."""

# ruff: noqa: DTZ001, E501 - cells have no time zones, and XML has long lines

from __future__ import annotations

import struct
import zipfile
from datetime import date, datetime, time
from typing import TYPE_CHECKING, Any, NamedTuple
from xml.sax.saxutils import escape

import openpyxl
import pandas as pd

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE = "http://schemas.openxmlformats.org/package/2006/relationships"
STRICT, STRICT_OFFICE = (
    "http://purl.oclc.org/ooxml/spreadsheetml/main",
    "http://purl.oclc.org/ooxml/officeDocument/relationships",
)
DECLARED = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'


class Case(NamedTuple):
    """A file, how it is written and read, and the cells that come out of it."""

    name: str
    write: Callable[[Path], object]
    options: dict[str, Any]
    expected: dict[str, list[Any]]


def cell(place: str, value: Any = None, kind: str = "", style: int = 0, formula: str = "") -> str:
    """Return the XML of a cell; text is inline."""
    attributes = (
        (f' r="{place}"' if place else "") + (f' t="{kind}"' if kind else "") + (f' s="{style}"' if style else "")
    )
    if isinstance(value, str) and not kind:
        return f'<c{attributes} t="inlineStr"><is><t xml:space="preserve">{escape(value)}</t></is></c>'
    inner = (f"<f>{escape(formula)}</f>" if formula else "") + ("" if value is None else f"<v>{value}</v>")
    return f"<c{attributes}>{inner}</c>"


def row(number: int | None, *cells: str, attributes: str = "") -> str:
    """Return the XML of a row."""
    numbered = "" if number is None else f' r="{number}"'
    return f"<row{numbered}{attributes}>{''.join(cells)}</row>"


HEADER = row(1, cell("A1", "sku"), cell("B1", "file"))
SIMPLE = HEADER + row(2, cell("A2", "007"), cell("B2", "a.jpg"))
SHOWN = {"sku": ["007"], "file": ["a.jpg"]}


def sheet(rows: str, before: str = "", after: str = "", space: str = MAIN) -> str:
    """Return the XML of a sheet."""
    relations = STRICT_OFFICE if space == STRICT else OFFICE
    opened = f'{DECLARED}<worksheet xmlns="{space}" xmlns:r="{relations}">{before}'
    return f"{opened}<sheetData>{rows}</sheetData>{after}</worksheet>"


def styles(*formats: str | int) -> str:
    """Return the XML of the number formats of styles 1, 2, …: a number is one of Excel's own."""
    own = [one for one in formats if isinstance(one, str)]
    codes = "".join(
        f'<numFmt numFmtId="{164 + at}" formatCode="{escape(code, {chr(34): "&quot;"})}"/>'
        for at, code in enumerate(own)
    )
    ids = [one if isinstance(one, int) else 164 + own.index(one) for one in formats]
    used = "".join(f'<xf numFmtId="{one}"/>' for one in (0, *ids))
    return (
        f'{DECLARED}<styleSheet xmlns="{MAIN}"><numFmts>{codes}</numFmts>'
        f'<cellStyleXfs><xf numFmtId="10"/><xf numFmtId="9"/></cellStyleXfs><cellXfs>{used}</cellXfs></styleSheet>'
    )


def book(
    path: Path,
    *sheets: str,
    states: tuple[str, ...] = (),
    parts: dict[str, str] | None = None,
    names: tuple[str, ...] = (),
    date1904: bool = False,
    space: str = MAIN,
    extra: str = "",
) -> None:
    """Write a workbook of sheets."""
    office = STRICT_OFFICE if space == STRICT else OFFICE
    listed, relations = [], []
    for at in range(1, len(sheets) + 1):
        state = f' state="{states[at - 1]}"' if len(states) >= at and states[at - 1] else ""
        name = escape(names[at - 1] if len(names) >= at else f"Sheet{at}", {'"': "&quot;"})
        listed.append(f'<sheet name="{name}" sheetId="{at}"{state} r:id="rId{at}"/>')
        relations.append(f'<Relationship Id="rId{at}" Type="{office}/worksheet" Target="worksheets/sheet{at}.xml"/>')
    dates = '<workbookPr date1904="1"/>' if date1904 else "<workbookPr/>"
    workbook = f'<workbook xmlns="{space}" xmlns:r="{office}">{dates}<sheets>{"".join(listed)}</sheets></workbook>'
    every = {
        "[Content_Types].xml": '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"/>',
        "_rels/.rels": f'<Relationships xmlns="{PACKAGE}"><Relationship Id="rId1" Type="{office}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": DECLARED + workbook,
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{PACKAGE}">{"".join(relations)}{extra}</Relationships>',
        **{f"xl/worksheets/sheet{at}.xml": text for at, text in enumerate(sheets, 1)},
        **(parts or {}),
    }
    archive(path, every)


def archive(path: Path, parts: dict[str, str | bytes]) -> None:
    """Write an archive."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for name, text in parts.items():
            file.writestr(name, text)


def one(rows: str, *formats: str | int, before: str = "", after: str = "", **how: Any) -> Callable[[Path], None]:
    """Return a function that writes a workbook of one sheet, with the number formats of styles 1, 2, and so on."""
    parts = {"xl/styles.xml": styles(*formats)} | how.pop("parts", {}) if formats else how.pop("parts", None)
    return lambda path: book(path, sheet(rows, before, after), parts=parts, **how)


def column(*cells: str) -> str:
    """Return the rows of a column `x`; cells are written by `at`."""
    return row(1, cell("A1", "x")) + "".join(row(at, text) for at, text in enumerate(cells, 2))


def shared(*texts: str) -> dict[str, str]:
    """Return the part of texts that cells share, as XML."""
    return {"xl/sharedStrings.xml": f'<sst xmlns="{MAIN}">{"".join(f"<si>{text}</si>" for text in texts)}</sst>'}


def links(*targets: str) -> dict[str, str]:
    """Return the part of links of the first sheet."""
    each = "".join(
        f'<Relationship Id="rId{at}" Type="{OFFICE}/hyperlink" Target="{escape(target)}" TargetMode="External"/>'
        for at, target in enumerate(targets, 1)
    )
    return {"xl/worksheets/_rels/sheet1.xml.rels": f'<Relationships xmlns="{PACKAGE}">{each}</Relationships>'}


def with_openpyxl(path: Path) -> None:
    """Write a workbook with openpyxl, as a script of a user would."""
    workbook = openpyxl.Workbook()
    workbook.active.append(["sku", "file", "on"])
    workbook.active.append(["007", "a.jpg", datetime(2026, 1, 2)])
    workbook.save(path)


OPENDOCUMENT = (
    " ".join(
        f'xmlns:{name}="urn:oasis:names:tc:opendocument:xmlns:{name}:1.0"'
        for name in ("office", "table", "text", "style")
    )
    + ' xmlns:xlink="http://www.w3.org/1999/xlink" xmlns:calcext="urn:org:documentfoundation:names:experimental:calc:xmlns:calcext:1.0"'
)


def ods(*tables: str, hidden: bool = False, parts: dict[str, str] | None = None) -> Callable[[Path], None]:
    """Return a function that writes a spreadsheet as LibreOffice does; `hidden` hides its first sheet."""
    shown = "false" if hidden else "true"
    automatic = (
        f'<office:automatic-styles><style:style style:name="ta1"><style:table-properties table:display="{shown}"/></style:style>'
        '<style:style style:name="ta2"><style:table-properties table:display="true"/></style:style></office:automatic-styles>'
    )
    body = "".join(
        f'<table:table table:name="S{at}" table:style-name="ta{at}"><table:table-column table:number-columns-repeated="16384"/>'
        f"{rows}</table:table>"
        for at, rows in enumerate(tables, 1)
    )
    content = f"{DECLARED}<office:document-content {OPENDOCUMENT}>{automatic}<office:body><office:spreadsheet>{body}</office:spreadsheet></office:body></office:document-content>"
    every = {"mimetype": "application/vnd.oasis.opendocument.spreadsheet", "content.xml": content, **(parts or {})}
    return lambda path: archive(path, every)


def ods_row(*cells: str, attributes: str = "") -> str:
    """Return a row of an OpenDocument sheet, with the empty cells after it."""
    rest = '<table:table-cell table:number-columns-repeated="16380"/>'
    return f"<table:table-row{attributes}>{''.join(cells)}{rest}</table:table-row>"


def ods_cell(text: str = "", kind: str = "string", attributes: str = "") -> str:
    """Return a cell of an OpenDocument sheet that shows a text."""
    return f'<table:table-cell office:value-type="{kind}"{attributes}><text:p>{text}</text:p></table:table-cell>'


ODS_HEADER = ods_row(ods_cell("sku"), ods_cell("file"))
ODS_EMPTY = '<table:table-row table:number-rows-repeated="1048000"><table:table-cell table:number-columns-repeated="16384"/></table:table-row>'


def biff4(*cells: bytes) -> Callable[[Path], None]:
    """Return a function that writes a workbook of Excel 4, which has one sheet and is not in a container."""
    begin, end = bytes.fromhex("0904 0600 0000 1000 0000".replace(" ", "")), bytes.fromhex("0a000000")
    formats = b"".join(
        b"\x1e\x04" + (3 + len(code)).to_bytes(2, "little") + bytes(2) + bytes([len(code)]) + code
        for code in (b"General", b"00000")
    )
    styles = b"".join(b"\x43\x04\x0c\x00" + bytes([0, at, 0, 0xFC]) + bytes(8) for at in (0, 1))
    return lambda path: path.write_bytes(begin + formats + styles + b"".join(cells) + end)


def biff_text(row: int, column: int, text: bytes) -> bytes:
    """Return the record of a text."""
    data = row.to_bytes(2, "little") + column.to_bytes(2, "little") + bytes(2) + len(text).to_bytes(2, "little") + text
    return b"\x04\x02" + len(data).to_bytes(2, "little") + data


def biff_number(row: int, column: int, number: float, style: int = 0) -> bytes:
    """Return the record of a number."""
    return (
        b"\x03\x02\x0e\x00"
        + row.to_bytes(2, "little")
        + column.to_bytes(2, "little")
        + style.to_bytes(2, "little")
        + struct.pack("<d", number)
    )


def biff_error(row: int, column: int, code: int) -> bytes:
    """Return the record of an error."""
    return b"\x05\x02\x08\x00" + struct.pack("<HHHBB", row, column, 0, code, 1)


TITLE = (
    row(1, cell("A1", "Price list"))
    + row(3, cell("A3", "sku"), cell("B3", "file"))
    + row(4, cell("A4", "007"), cell("B4", "a.jpg"))
)

CASES = [
    Case(
        "excel.xlsx",
        one(
            row(1, cell("A1", 0, "s"), cell("B1", 1, "s")) + row(2, cell("A2", 2, "s"), cell("B2", 3, "s")),
            parts=shared("<t>sku</t>", "<t>file</t>", "<t>007</t>", "<t>a.jpg</t>"),
        ),
        {},
        SHOWN,
    ),
    Case("openpyxl.xlsx", with_openpyxl, {}, {**SHOWN, "on": [date(2026, 1, 2)]}),
    Case("pandas-index.xlsx", lambda path: pd.DataFrame(SHOWN).to_excel(path), {}, {"column A": [0], **SHOWN}),
    Case("wps-small-dimension.xlsx", one(SIMPLE, before='<dimension ref="A1"/>'), {}, SHOWN),
    Case(
        "report-server-no-references.xlsx",
        one(row(None, cell("", "sku"), cell("", "file")) + row(None, cell("", "007"), cell("", "a.jpg"))),
        {},
        SHOWN,
    ),
    Case(
        "rows-without-numbers.xlsx",
        one(row(None, cell("A1", "sku"), cell("B1", "file")) + row(None, cell("B7", "a.jpg"), cell("A7", "007"))),
        {},
        SHOWN,
    ),
    Case(
        "sparse.xlsx",
        one(HEADER + row(5, cell("B5", "a.jpg")) + row(900_000, cell("A900000", "x"))),
        {},
        {"sku": [None, "x"], "file": ["a.jpg", None]},
    ),
    Case("out-of-order.xlsx", one(row(2, cell("B2", "a.jpg"), cell("A2", "007")) + HEADER), {}, SHOWN),
    Case("strict.xlsx", lambda path: book(path, sheet(SIMPLE, space=STRICT), space=STRICT), {}, SHOWN),
    Case(
        "prefixed-sdk.xlsx",
        lambda path: book(
            path,
            f'<x:worksheet xmlns:x="{MAIN}"><x:sheetData>'
            + SIMPLE.replace("</", "</x:").replace("<", "<x:").replace("<x:/x:", "</x:")
            + "</x:sheetData></x:worksheet>",
        ),
        {},
        SHOWN,
    ),
    Case("utf-16.xlsx", lambda path: book(path, sheet(SIMPLE).replace("UTF-8", "UTF-16").encode("utf-16")), {}, SHOWN),
    Case(
        "backslashes.xlsx",
        lambda path: archive(
            path,
            {
                "xl\\workbook.xml": '<workbook xmlns:r="r"><sheets><sheet name="S" r:id="a"/></sheets></workbook>',
                "xl\\_rels\\workbook.xml.rels": '<Relationships><Relationship Id="a" Type="x/worksheet" Target="/xl/Worksheets/Sheet.xml"/></Relationships>',
                "xl\\worksheets\\sheet.xml": sheet(SIMPLE),
            },
        ),
        {},
        SHOWN,
    ),
    Case(
        "rich-text.xlsx",
        one(
            row(1, cell("A1", 0, "s")) + row(2, cell("A2", 1, "s")),
            parts=shared(
                "<t>x</t>", "<r><rPr><b/></rPr><t>red </t></r><r><t>shoe</t></r><rPh><t>reading</t></rPh><phoneticPr/>"
            ),
        ),
        {},
        {"x": ["red shoe"]},
    ),
    Case(
        "inline-rich-text.xlsx",
        one(column('<c r="A2" t="inlineStr"><is><r><t>red </t></r><r><t>shoe</t></r></is></c>')),
        {},
        {"x": ["red shoe"]},
    ),
    Case(
        "escaped-text.xlsx",
        one(column(cell("A2", "a_x000D_b_x005F_x0041_"), cell("A3", "my_x_y"))),
        {},
        {"x": ["a\rb_x0041_", "my_x_y"]},
    ),
    Case(
        "numbers-as-text.xlsx",
        one(column(cell("A2", "00042"), cell("A3", "1e5"), cell("A4", "#N/A"))),
        {},
        {"x": ["00042", "1e5", "#N/A"]},
    ),
    Case(
        "general.xlsx",
        one(
            column(
                cell("A2", "12.0", "n"),
                cell("A3", "0.30000000000000004", "n"),
                cell("A4", "1.2345678901234568E+18", "n"),
                cell("A5", "1234567890123456789", "n"),
                cell("A6", "-7", "n"),
                cell("A7", "1e-7", "n"),
            )
        ),
        {},
        {"x": [12, 0.3, 1.2345678901234568e18, 1234567890123456789, -7, 1e-7]},
    ),
    Case(
        "number-formats.xlsx",
        one(
            column(
                *(
                    cell(f"A{at}", value, "n", at - 1)
                    for at, value in enumerate([42, 42, 1234, 0.15, 0.125, 12.5, 1234.5, 7], 2)
                )
            ),
            "00000",
            '"SKU-"00000',
            "000-000",
            9,
            10,
            "0.00",
            '#,##0.00\\ "€"',
            "@",
        ),
        {},
        {"x": ["00042", "SKU-00042", "001-234", "15%", "12.50%", 12.5, 1234.5, 7]},
    ),
    Case(
        "dates.xlsx",
        one(
            column(
                *(
                    cell(f"A{at}", value, "n", at - 1)
                    for at, value in enumerate([46024, 46024.25, 0.5, 1.5, 46024, 46024], 2)
                )
            ),
            14,
            "yyyy\\-mm\\-dd hh:mm",
            20,
            46,
            "[$-407]d. mmmm yyyy",
            57,
        ),
        {},
        {"x": [date(2026, 1, 2), datetime(2026, 1, 2, 6), time(12), "36:00:00", date(2026, 1, 2), date(2026, 1, 2)]},
    ),
    Case("mac-dates.xlsx", one(column(cell("A2", 44562, "n", 1)), 14, date1904=True), {}, {"x": [date(2026, 1, 2)]}),
    Case(
        "iso-dates.xlsx",
        one(column(cell("A2", "2026-01-02", "d"), cell("A3", "2026-01-02T03:04:05", "d"))),
        {},
        {"x": [date(2026, 1, 2), datetime(2026, 1, 2, 3, 4, 5)]},
    ),
    Case(
        "booleans-and-errors.xlsx",
        one(
            column(
                cell("A2", 1, "b"),
                cell("A3", "#N/A", "e"),
                cell("A4", "#REF!", "e", formula="A1/0"),
                cell("A5", 0, "b"),
            )
        ),
        {},
        {"x": [True, "#N/A", "#REF!", False]},
    ),
    Case(
        "formulas.xlsx",
        one(
            column(
                cell("A2", "a.jpg", "str", formula='"a"&".jpg"'),
                cell("A3", 3, formula="1+2"),
                cell("A4", "", "str", formula='""'),
            )
        ),
        {},
        {"x": ["a.jpg", 3]},
    ),
    Case(
        "merged.xlsx",
        one(
            HEADER
            + row(2, cell("A2", "007"), cell("B2", "a.jpg"))
            + row(3, cell("A3", style=1), cell("B3", "b.jpg"))
            + row(4, cell("A4", "8"), cell("B4", "c.jpg")),
            after='<mergeCells><mergeCell ref="A2:A3"/></mergeCells>',
        ),
        {},
        {"sku": ["007", "007", "8"], "file": ["a.jpg", "b.jpg", "c.jpg"]},
    ),
    Case(
        "merged-title.xlsx",
        one(TITLE, after='<mergeCells count="1"><mergeCell ref="A1:B1"/></mergeCells>'),
        {"header_row": 3},
        SHOWN,
    ),
    Case("title-rows.xlsx", one(TITLE), {"header_row": 3}, SHOWN),
    Case(
        "blank-rows.xlsx",
        one(
            row(3, cell("A3", "sku"), cell("B3", "file"))
            + row(4, cell("A4", style=1))
            + row(6, cell("A6", "007"), cell("B6", "a.jpg")),
            "0.00",
        ),
        {},
        SHOWN,
    ),
    Case(
        "hidden-and-filtered.xlsx",
        one(
            HEADER + row(2, cell("A2", "007"), cell("B2", "a.jpg"), attributes=' hidden="1"'),
            before='<cols><col min="2" max="2" hidden="1"/></cols>',
            after='<autoFilter ref="A1:B2"/>',
        ),
        {},
        SHOWN,
    ),
    Case(
        "hidden-first.xlsx",
        lambda path: book(path, sheet(column(cell("A2", "no"))), sheet(SIMPLE), states=("veryHidden",)),
        {},
        SHOWN,
    ),
    Case(
        "read-me-first.xlsx",
        lambda path: book(path, sheet(row(1, cell("A1", "Read the second sheet"))), sheet(SIMPLE), sheet("")),
        {},
        SHOWN,
    ),
    Case(
        "sheet-by-name.xlsx",
        lambda path: book(path, sheet(column(cell("A2", "no"))), sheet(SIMPLE), names=("1", "Ware <2>")),
        {"sheet": "ware <2>"},
        SHOWN,
    ),
    Case(
        "sheet-by-number.xlsx",
        lambda path: book(path, sheet(column(cell("A2", "no"))), sheet(SIMPLE), states=("", "hidden")),
        {"sheet": "2"},
        SHOWN,
    ),
    Case(
        "links.xlsx",
        one(
            column(
                cell("A2", "photo"),
                cell("A3", "none"),
                cell("A4", "words", "str", formula='HYPERLINK("https://a.example/2.jpg","words")'),
            ),
            parts=links("https://a.example/1.jpg?a=1&b=2"),
            after='<hyperlinks><hyperlink ref="A2" r:id="rId1"/><hyperlink ref="A3" location="Sheet1!A1"/></hyperlinks>',
        ),
        {"links": True},
        {"x": ["https://a.example/1.jpg?a=1&b=2", "none", "https://a.example/2.jpg"]},
    ),
    Case(
        "links-as-words.xlsx",
        one(
            column(cell("A2", "photo")),
            parts=links("https://a.example/1.jpg"),
            after='<hyperlinks><hyperlink ref="A2" r:id="rId1"/></hyperlinks>',
        ),
        {},
        {"x": ["photo"]},
    ),
    Case(
        "charts.xlsx",
        one(SIMPLE, extra=f'<Relationship Id="rId9" Type="{OFFICE}/chartsheet" Target="chartsheets/sheet1.xml"/>'),
        {},
        SHOWN,
    ),
    Case("macros.xlsm", one(SIMPLE, parts={"xl/vbaProject.bin": "x"}), {}, SHOWN),
    Case("renamed.xls", one(SIMPLE), {}, SHOWN),
    Case(
        "excel-4.xls",
        biff4(biff_text(0, 0, b"sku"), biff_text(0, 1, b"n"), biff_number(1, 0, 42, 1), biff_number(1, 1, 12.0)),
        {},
        {"sku": ["00042"], "n": [12]},
    ),
    Case(
        "errors.xls",
        biff4(biff_text(0, 0, b"x"), biff_error(1, 0, 0x2A), biff_error(2, 0, 0x17), biff_error(3, 0, 0x99)),
        {},
        {"x": ["#N/A", "#REF!", "#N/A"]},
    ),
    Case("libreoffice.ods", ods(ODS_HEADER + ods_row(ods_cell("007"), ods_cell("a.jpg")) + ODS_EMPTY), {}, SHOWN),
    Case(
        "values.ods",
        ods(
            ods_row(ods_cell("x"))
            + "".join(
                ods_row(one)
                for one in [
                    ods_cell("00042", "float", ' office:value="42"'),
                    ods_cell("1.234,50", "float", ' office:value="1234.5"'),
                    ods_cell("15 %", "percentage", ' office:value="0.15"'),
                    ods_cell("5 €", "currency", ' office:value="5"'),
                    ods_cell("02.01.26", "date", ' office:date-value="2026-01-02"'),
                    ods_cell("WAHR", "boolean", ' office:boolean-value="true"'),
                    ods_cell("#N/A", "string", ' office:string-value="" calcext:value-type="error"'),
                    ods_cell("Err:502", "string", ' office:string-value="" calcext:value-type="error"'),
                    ods_cell("#FEHLER", "string", ' office:string-value="" calcext:value-type="error"'),
                    ods_cell('a<text:s text:c="2"/><text:span>b</text:span></text:p><text:p>c'),
                    ods_cell("SKU-007", "float", ' office:value="7"'),
                ]
            )
        ),
        {},
        {"x": ["00042", 1234.5, "15 %", 5, date(2026, 1, 2), True, "#N/A", "Err:502", "#N/A", "a  b\nc", "SKU-007"]},
    ),
    Case(
        "repeated.ods",
        ods(
            ods_row(ods_cell("sku"), ods_cell("file"))
            + ods_row(
                ods_cell("x", attributes=' table:number-columns-repeated="2"'),
                attributes=' table:number-rows-repeated="2"',
            )
        ),
        {},
        {"sku": ["x", "x"], "file": ["x", "x"]},
    ),
    Case(
        "merged.ods",
        ods(
            ODS_HEADER
            + ods_row(ods_cell("007", attributes=' table:number-rows-spanned="2"'), ods_cell("a.jpg"))
            + ods_row(
                '<table:covered-table-cell office:value-type="string"><text:p>old</text:p></table:covered-table-cell>',
                ods_cell("b.jpg"),
            )
        ),
        {},
        {"sku": ["007", "007"], "file": ["a.jpg", "b.jpg"]},
    ),
    Case(
        "hidden.ods",
        ods(ods_row(ods_cell("no")) * 2, ODS_HEADER + ods_row(ods_cell("007"), ods_cell("a.jpg")), hidden=True),
        {},
        SHOWN,
    ),
    Case(
        "notes-and-links.ods",
        ods(
            ods_row(ods_cell("x"))
            + ods_row(
                '<table:table-cell office:value-type="string"><office:annotation><text:p>a note</text:p></office:annotation><text:p><text:a xlink:href="https://a.example/1.jpg">photo</text:a></text:p></table:table-cell>'
            )
        ),
        {"links": True},
        {"x": ["https://a.example/1.jpg"]},
    ),
]
"""Workbooks, and what comes out of each."""
