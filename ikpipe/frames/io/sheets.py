"""Choose a sheet of a workbook, and return it as a frame."""

import logging
from collections.abc import Iterable, Iterator, Sequence

import pandas as pd

from ikpipe.errors import Error, Message, did_you_mean, keyword, listed, quoted
from ikpipe.frames.io.grid import Grid, Sheet, letters
from ikpipe.frames.io.options import ReadOptions
from ikpipe.request.values import to_text

_LISTED = 5  # names of sheets in a message
_SHORT = 40  # characters of a name in a list
_log = logging.getLogger("ikpipe.frames")


def read_sheet(sheets: Sequence[Sheet], name: str, options: ReadOptions) -> tuple[pd.DataFrame, list[int]]:
    """Return a sheet as a frame, and its rows' lines: the one that the options name, or the first visible with rows.

    Raise `ikpipe.Error` if there is no such sheet, or its header cannot be used.
    """
    sheet, grid = _chosen(sheets, name, options.sheet)
    place = f"{name}, sheet {quoted(sheet.name)}" if len(sheets) > 1 else name
    lines = sorted(grid.rows)
    if not lines:
        raise Error(f"{place} is empty.", fix="The first row must have the names of the columns.")
    line = lines[0] if options.header_row is None else options.header_row
    if line not in grid.rows:
        words = f"{place} has no cells in row {line:,}."
        raise Error(words, fix=f"Its rows are {lines[0]:,} to {lines[-1]:,}.", about=keyword("header_row", line))
    rows = [one for one in lines if one > line]
    columns = _names(grid, line, rows, place)
    _log_notes(grid, line, place)
    grid.fill((area, grid.value(area.top, area.left)) for area in grid.merged if area.top > line)
    cells = {at: [grid.value(row, column) for row in rows] for at, column in enumerate(columns)}
    frame = pd.DataFrame(cells, index=pd.RangeIndex(len(rows)), dtype=object)
    return frame.set_axis(list(columns.values()), axis=1), rows


def _chosen(sheets: Sequence[Sheet], name: str, asked: str | None) -> tuple[Sheet, Grid]:
    """Return a sheet and its cells."""
    if asked is not None:
        sheet = _named(sheets, name, asked)
        return sheet, sheet.read()
    sheet, grid = _first(sheets)
    if others := [one.name for one in sheets if one is not sheet]:
        words = f"{name}: reading the sheet {quoted(sheet.name)}; not {_listed(others)}. For another one, use "
        _log.warning("%s", Message(words, keyword("sheet"), "."))
    return sheet, grid


def _first(sheets: Sequence[Sheet]) -> tuple[Sheet, Grid]:
    """Return the first visible sheet with a header and rows; without one, a hidden one, or one with a header."""
    short: list[tuple[Sheet, Grid]] = []
    for sheet in sorted(sheets, key=lambda sheet: not sheet.visible):
        grid = sheet.read()
        if len(grid.rows) > 1:
            return sheet, grid
        short.append((sheet, grid))
    return max(short, key=lambda one: len(one[1].rows), default=(Sheet("", True, Grid), Grid()))


def _named(sheets: Sequence[Sheet], name: str, asked: str) -> Sheet:
    """Return the sheet with a name, or with a number that counts from 1."""
    names = {sheet.name: sheet for sheet in reversed(sheets)}
    lower = {sheet.name.strip().lower(): sheet for sheet in reversed(sheets)}
    found = names.get(asked) or lower.get(asked.strip().lower())
    if found is None and asked.isascii() and asked.isdigit() and 0 < int(asked) <= len(sheets):
        found = sheets[int(asked) - 1]
    if found is None:
        fix = f"Use one of {_listed([sheet.name for sheet in sheets])}{did_you_mean(asked, names)}."
        raise Error(f"{name} has no such sheet.", fix=fix, about=keyword("sheet", asked))
    return found


def _listed(names: Sequence[str]) -> str:
    return listed(names, _LISTED, lambda name: quoted(name, _SHORT))


def _names(grid: Grid, line: int, rows: Iterable[int], place: str) -> dict[int, str]:
    """Return the names of the columns, by their numbers; a few columns may have no name in the sheet.

    Raise `ikpipe.Error` if the row is not a header.
    """
    named = {at: to_text(cell) for at, cell in enumerate(grid.rows[line], 1) if cell is not None}
    used = {at for row in rows for at, cell in enumerate(grid.rows[row], 1) if cell is not None}
    unnamed = sorted(used - named.keys())
    if unnamed and len(unnamed) >= len(named):
        words = f"{place}: Row {line:,} has no name for column {letters(unnamed[0])}, which has cells."
        likely = next((row for row in rows if sum(cell is not None for cell in grid.rows[row]) >= len(used)), None)
        raise Error(words, fix=Message("Name the columns, or give the row that has their names: ", _row(likely)))
    names = named | {at: _unused(f"column {letters(at)}", named.values()) for at in unnamed}
    return dict(sorted(names.items()))


def _row(line: int | None) -> Message:
    return Message(keyword("header_row", ... if line is None else line))


def _unused(name: str, names: Iterable[str]) -> str:
    taken = set(names)
    while name in taken:
        name += "'"
    return name


def _log_notes(grid: Grid, line: int, place: str) -> None:
    """Log what a person should know about the cells of a sheet."""
    for note in _notes(grid, line):
        _log.warning("%s: %s", place, note)


def _notes(grid: Grid, line: int) -> Iterator[str]:
    if unsaved := [cell for cell in grid.unsaved if cell[0] >= line]:
        row, column = min(unsaved)
        more = f", and {len(unsaved) - 1:,} more" if len(unsaved) > 1 else ""
        words = "a formula without a saved value, which is read as an error. Save the file in Excel or LibreOffice"
        yield f"Cell {letters(column)}{row}{more}: {words}."
    if hidden := [row for row in grid.hidden if row > line and row in grid.rows]:
        yield f"{len(hidden):,} hidden {'row is' if len(hidden) == 1 else 'rows are'} read too."
