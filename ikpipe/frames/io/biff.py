"""Read a workbook of Excel 97 to 2003, and of earlier versions (.xls)."""

import io
from collections.abc import Iterator
from functools import partial
from importlib import import_module
from typing import IO, Any

from ikpipe.frames.io.grid import Area, Grid, Sheet, error_text
from ikpipe.frames.io.number_formats import show
from ikpipe.frames.io.opening import import_extra, needs_password

_TEXT, _NUMBER, _DATE, _BOOLEAN, _ERROR = 1, 2, 3, 4, 5


def sheets(stream: IO[bytes], name: str, *, links: bool) -> list[Sheet]:
    """Return the sheets of a workbook; `name` is for errors.

    With `links`, a cell with a link has the link's address instead of its text.
    """
    xlrd = import_extra("xlrd", "excel", "Reading an .xls file")
    try:
        # Only with their formatting does it tell the formats of numbers, links and merged cells.
        book = xlrd.open_workbook(
            file_contents=stream.read(), formatting_info=True, ragged_rows=True, logfile=io.StringIO()
        )
    except xlrd.XLRDError as error:
        if "encrypted" in str(error).lower():
            raise needs_password(name) from None
        raise
    read = partial(_grid, book, links=links)
    return [Sheet(one.name, one.visibility == 0, partial(read, one)) for one in book.sheets()]


def _grid(book: Any, sheet: Any, *, links: bool) -> Grid:
    grid = Grid()
    for row in range(sheet.nrows):
        for column, value in _cells(book, sheet, row):
            grid.put(row + 1, column + 1, value)
    grid.merged = [Area(top + 1, left + 1, bottom, right) for top, bottom, left, right in sheet.merged_cells]
    grid.hidden = {row + 1 for row, about in sheet.rowinfo_map.items() if about.hidden}
    if links:
        grid.follow(
            (Area(link.frowx + 1, link.fcolx + 1, link.lrowx + 1, link.lcolx + 1), link.url_or_path)
            for link in sheet.hyperlink_list
            if isinstance(link.url_or_path, str) and link.url_or_path
        )
    return grid


def _cells(book: Any, sheet: Any, row: int) -> Iterator[tuple[int, object]]:
    """Yield the cells of a row that have a value, as the sheet shows them."""
    for column in range(sheet.row_len(row)):
        kind, value = sheet.cell_type(row, column), sheet.cell_value(row, column)
        if kind in (_NUMBER, _DATE):
            form = book.format_map[book.xf_list[sheet.cell_xf_index(row, column)].format_key].format_str
            yield column, show(form, since_1904=bool(book.datemode))(value)
        elif kind == _BOOLEAN:
            yield column, bool(value)
        elif kind == _ERROR:
            yield column, error_text(import_module("xlrd.biffh").error_text_from_code.get(value, ""))
        elif kind == _TEXT and value:
            yield column, value
