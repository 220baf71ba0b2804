"""Read a spreadsheet of LibreOffice or Google (.ods) by what its cells show."""

import re
import unicodedata
from functools import partial
from importlib import import_module

from ikpipe.errors import Error
from ikpipe.frames.io.archives import Archive, Attributes, Handler, local
from ikpipe.frames.io.grid import MOST_CELLS, MOST_COLUMNS, MOST_ROWS, Area, Grid, Sheet, error_text, too_large
from ikpipe.frames.io.number_formats import as_day, general
from ikpipe.frames.io.opening import needs_password

_MIME = b"application/vnd.oasis.opendocument.spreadsheet"
_PLAIN = re.compile(r"[-+(]?(?!0[0-9])[0-9.,']*(E[-+]?[0-9]+)?\)?", re.IGNORECASE)  # which only shows a number
_TIME = re.compile(r"PT(\d+)H(\d+)M(\d+)(?:[.,]\d+)?S")
_NOT_OF_THE_CELL = ("annotation", "frame", "custom-shape", "shapes", "tracked-changes")


def is_spreadsheet(archive: Archive) -> bool:
    """Whether an archive is an OpenDocument spreadsheet."""
    return archive.start("mimetype", len(_MIME)) == _MIME


def sheets(archive: Archive, *, links: bool) -> list[Sheet]:
    """Return the sheets of a spreadsheet.

    With `links`, a cell with a link has the link's address instead of its text.
    """
    if b"encryption-data" in archive.start("META-INF/manifest.xml", 1 << 16):
        raise needs_password(archive.name)
    content = _Content(archive.name, links=links)
    archive.read("content.xml", content)
    return [
        Sheet(name, style not in content.hidden, partial(content.grid, at))
        for at, (name, style, _) in enumerate(content.tables)
    ]


class _Content(Handler):
    """The tables of a document with their names and styles; `hidden` are styles of tables that are not displayed."""

    def __init__(self, name: str, *, links: bool) -> None:
        super().__init__()
        self.tables: list[tuple[str, str, Grid]] = []
        self.hidden: set[str] = set()
        self._name, self._links = name, links
        self._style = ""
        self._ignored = 0  # elements around this one whose text is not the cell's
        self._row, self._row_repeated, self._row_cells = 1, 1, list[tuple[int, object]]()
        self._column = 1
        self._cell: Attributes | None = None
        self._paragraphs: list[list[str]] = []
        self._link = ""
        self.starts = {"style": self._begin_style, "table-properties": self._set_style, "table": self._begin_table}
        self.starts |= {"table-row": self._begin_row, "table-cell": self._begin_cell, "a": self._begin_link}
        self.starts |= {"covered-table-cell": self._begin_covered, "p": lambda _: self._paragraphs.append([])}
        self.starts |= {
            "tab": lambda _: self._add("\t"),
            "line-break": lambda _: self._add("\n"),
            "s": self._add_spaces,
        }
        self.ends = {"table-row": self._end_row, "table-cell": self._end_cell, "covered-table-cell": self._end_covered}

    def start(self, name: str, attributes: Attributes) -> None:
        """Handle the start of an element."""
        self._add("".join(self.text))
        if local(name) in _NOT_OF_THE_CELL:
            self._ignored += 1
        if self._ignored:
            self.text.clear()
        else:
            super().start(name, {local(key): value for key, value in attributes.items()} | _kind(attributes))

    def end(self, name: str) -> None:
        """Handle the end of an element."""
        self._add("".join(self.text))
        self.text.clear()
        if local(name) in _NOT_OF_THE_CELL:
            self._ignored -= 1
        elif not self._ignored:
            super().end(name)

    def _add(self, text: str) -> None:
        if self._paragraphs and not self._ignored:
            self._paragraphs[-1].append(text)

    def _add_spaces(self, attributes: Attributes) -> None:
        self._add(" " * _count(attributes, "c", MOST_COLUMNS))

    def _begin_link(self, attributes: Attributes) -> None:
        self._link = self._link or attributes.get("href", "")

    def _begin_style(self, attributes: Attributes) -> None:
        self._style = attributes.get("name", "")

    def _set_style(self, attributes: Attributes) -> None:
        if attributes.get("display") == "false":
            self.hidden.add(self._style)

    def _begin_table(self, attributes: Attributes) -> None:
        self.tables.append((attributes.get("name", ""), attributes.get("style-name", ""), Grid()))
        self._row = 1

    @property
    def _grid(self) -> Grid:
        return self.tables[-1][2] if self.tables else Grid()

    def grid(self, at: int) -> Grid:
        """Return the cells of a table."""
        return self.tables[at][2]

    def _begin_row(self, attributes: Attributes) -> None:
        self._row_cells, self._column = [], 1
        self._row_repeated = _count(attributes, "number-rows-repeated", MOST_ROWS)
        if attributes.get("visibility", "visible") != "visible":
            self._grid.hidden.add(self._row)

    def _end_row(self) -> None:
        if self._row_cells:
            self._put_rows()
        self._row += self._row_repeated

    def _put_rows(self) -> None:
        """Put the cells of a row into the sheet, as often as the row is repeated."""
        if self._row + self._row_repeated - 1 > MOST_ROWS:
            raise Error(f"{self._name} has more than {MOST_ROWS:,} rows, which is the maximum of a sheet.")
        if len(self._row_cells) * self._row_repeated > MOST_CELLS:
            raise too_large()
        for row in range(self._row, self._row + self._row_repeated):
            for column, value in self._row_cells:
                self._grid.put(row, column, value)

    def _begin_cell(self, attributes: Attributes) -> None:
        self._cell, self._paragraphs, self._link = attributes, [], ""

    def _begin_covered(self, attributes: Attributes) -> None:
        self._cell, self._paragraphs = attributes, []

    def _end_covered(self) -> None:
        """Skip a cell that a merged one covers, whose own content nobody sees."""
        self._column += _count(self._cell or {}, "number-columns-repeated", MOST_COLUMNS)
        self._cell, self._paragraphs = None, []

    def _end_cell(self) -> None:
        cell, text = self._cell or {}, "\n".join(map("".join, self._paragraphs))
        value = self._link if self._links and self._link else self._value(cell, text)
        repeated = _count(cell, "number-columns-repeated", MOST_COLUMNS)
        if value is not None and value != "":
            if self._column + repeated - 1 > MOST_COLUMNS:
                raise too_large()
            self._row_cells += ((self._column + at, value) for at in range(repeated))
        right = self._column + _count(cell, "number-columns-spanned", MOST_COLUMNS) - 1
        bottom = self._row + _count(cell, "number-rows-spanned", MOST_ROWS) - 1
        if (bottom, right) != (self._row, self._column):
            self._grid.merged.append(Area(self._row, self._column, bottom, right))
        self._column += repeated
        self._cell, self._paragraphs = None, []

    def _value(self, cell: Attributes, text: str) -> object:
        """Return the value of a cell as the sheet shows it."""
        match cell.get("value-type"):
            case "error":
                return error_text(text)
            case "boolean":
                return cell.get("boolean-value") == "true"
            case "date":
                return as_day(import_module("openpyxl.utils.datetime").from_ISO8601(cell.get("date-value")))
            case "time" if parts := _TIME.fullmatch(cell.get("time-value", "")):
                return ":".join(part.zfill(2) for part in parts.groups())
            case "float" | "currency":
                return _shown(float(cell.get("value", "nan")), text, money=cell["value-type"] == "currency")
            case None if "formula" in cell and not text:
                self._grid.add_unsaved(self._row, self._column)
        return text or cell.get("string-value")


def _kind(attributes: Attributes) -> Attributes:
    """Return the type of a cell; LibreOffice writes an error as text, and in an attribute of its own that it is one."""
    kinds = [value for key, value in attributes.items() if local(key) == "value-type"]
    return {"value-type": "error" if "error" in kinds else kinds[0]} if kinds else {}


def _count(attributes: Attributes, name: str, most: int) -> int:
    text = attributes.get(name, "1")
    return min(max(int(text), 1), most + 1) if text.isascii() and text.isdigit() and len(text) < 10 else most + 1  # noqa: PLR2004


def _shown(number: float, text: str, *, money: bool) -> object:
    """Return a number, or the text that shows it if it has zeros or text before or after the digits."""
    bare = "".join(char for char in text if not char.isspace() and unicodedata.category(char) != "Sc")
    return general(number) if money or not bare or _PLAIN.fullmatch(bare) else text
