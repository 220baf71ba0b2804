"""Read a workbook of Excel (.xlsx, .xlsm) by what its cells contain, not by what the file declares about them."""

import posixpath
import re
from collections.abc import Callable, Iterator
from functools import partial
from importlib import import_module

from ikpipe.errors import Error, short_repr
from ikpipe.frames.io.archives import Archive, Attributes, Handler, local
from ikpipe.frames.io.grid import MOST_COLUMNS, MOST_ROWS, Area, Grid, Sheet, error_text, letters
from ikpipe.frames.io.number_formats import Show, as_day, general, show

_ESCAPED = re.compile(r"_x([0-9A-Fa-f]{4})_")
_CELL = re.compile(r"\$?([A-Za-z]{1,3})\$?([0-9]{1,7})")
_LINK = re.compile(r'\s*HYPERLINK\(\s*"((?:[^"]|"")*)"', re.IGNORECASE)
_EMPTY = re.compile(rb'<c r="[A-Z]+[0-9]+"[^<>]*(?:/>|></c>)')
_UNUSUAL = re.compile(rb"<c(?:>| [^r])|<!\[CDATA\[")  # cells without a place are counted
_EAST_ASIAN_DATES = {*range(27, 37), *range(50, 59)}  # formats that only Excel in these languages lists
_LONGEST = 25  # digits of an integer; Excel writes at most 17


def is_workbook(archive: Archive) -> bool:
    """Whether an archive is a workbook of Excel in XML."""
    return b"officeDocument" in archive.start("_rels/.rels", 1 << 16) or "xl/workbook.xml" in archive


def sheets(archive: Archive, plain: Show = general, *, links: bool) -> list[Sheet]:
    """Return the sheets of a workbook.

    `plain` shows numbers that have no format. With `links`, a cell with a link has the link's address instead of its
    text.
    """
    book = _Workbook(archive, plain, links=links)
    return [Sheet(name, visible, partial(book.grid, part)) for name, visible, part in book.sheets]


class _Workbook:
    """The parts of a workbook that sheets refer to: shared texts and number formats."""

    def __init__(self, archive: Archive, plain: Show, *, links: bool) -> None:
        self.archive, self.plain, self.links = archive, plain, links
        root = _Relations(archive, "")
        path = root.of_kind("officeDocument") or "xl/workbook.xml"
        relations = _Relations(archive, path)
        book = _Book()
        archive.read(path, book)
        self._since_1904 = book.since_1904
        self._strings: list[str] | None = None
        self._strings_path = relations.of_kind("sharedStrings") or "xl/sharedStrings.xml"
        self._styles_path = relations.of_kind("styles") or "xl/styles.xml"
        self._formats: list[Show] | None = None
        parts = [(name, state, relations.worksheets.get(part)) for name, state, part in book.sheets]
        self.sheets = [(name, state == "visible", part) for name, state, part in parts if part and part in archive]

    def grid(self, part: str) -> Grid:
        """Return the cells of a sheet."""
        if self._strings is None or self._formats is None:
            strings, styles = _Strings(), _Styles()
            self.archive.read(self._strings_path, strings)
            self.archive.read(self._styles_path, styles)
            self._strings, self._formats = strings.strings, styles.shows(self.plain, since_1904=self._since_1904)
        cells = _Cells(self._strings, self._formats or [self.plain], self.archive.name, links=self.links)
        self.archive.read(part, cells, _without_empty)
        if self.links:
            cells.grid.follow(_targets(cells.hyperlinks, _Relations(self.archive, part)))
        return cells.grid


def _without_empty(xml: bytes) -> bytes:
    """Return the XML of a sheet without cells that are only formatted; there can be millions after the table."""
    return xml if _UNUSUAL.search(xml) else _EMPTY.sub(b"", xml)


class _Relations(Handler):
    """What a part of a workbook refers to."""

    def __init__(self, archive: Archive, part: str) -> None:
        super().__init__()
        folder, name = posixpath.split(part)
        self._folder = folder
        self.starts, self.ends = {"Relationship": self._add}, {}
        self.targets: dict[str, str] = {}
        self.worksheets: dict[str, str] = {}
        self._kinds: dict[str, str] = {}
        archive.read(posixpath.join(folder, "_rels", f"{name}.rels"), self)

    def of_kind(self, kind: str) -> str | None:
        """Return the path of the part of a kind."""
        return self._kinds.get(kind)

    def _add(self, attributes: Attributes) -> None:
        one, target = attributes.get("Id", ""), attributes.get("Target", "")
        self.targets[one] = target
        kind, path = attributes.get("Type", "").rpartition("/")[2], posixpath.join("/", self._folder, target)
        self._kinds.setdefault(kind, path)
        if kind == "worksheet":
            self.worksheets[one] = path


class _Book(Handler):
    """The list of sheets: name, state and relation of each."""

    def __init__(self) -> None:
        super().__init__()
        self.starts, self.ends = {"sheet": self._add, "workbookPr": self._set}, {}
        self.sheets: list[tuple[str, str, str]] = []
        self.since_1904 = False

    def _add(self, attributes: Attributes) -> None:
        relation = next((value for name, value in attributes.items() if name != "id" and local(name) == "id"), "")
        self.sheets.append((attributes.get("name", ""), attributes.get("state", "visible"), relation))

    def _set(self, attributes: Attributes) -> None:
        self.since_1904 = attributes.get("date1904", "0") in ("1", "true")


class _Texts(Handler):
    """Texts in elements `t`, without the readings that East Asian texts can have."""

    def __init__(self) -> None:
        super().__init__()
        self._runs: list[str] = []
        self._reading = False
        self.starts = {"rPh": self._begin_reading}
        self.ends = {"t": self._end_text, "rPh": self._end_reading}

    def taken(self) -> str:
        """Return the text so far, and begin a new one."""
        text = "".join(self._runs)
        self._runs.clear()
        return _unescaped(text)

    def _begin_reading(self, _attributes: Attributes) -> None:
        self._reading = True

    def _end_reading(self) -> None:
        self._reading = False

    def _end_text(self) -> None:
        if not self._reading:
            self._runs.append("".join(self.text))


class _Strings(_Texts):
    """The texts that cells share."""

    def __init__(self) -> None:
        super().__init__()
        self.strings: list[str] = []
        self.ends["si"] = lambda: self.strings.append(self.taken())


def _unescaped(text: str) -> str:
    """Return a text with the characters that XML lacks, which Excel writes as ``_x000D_``."""
    return _ESCAPED.sub(lambda found: chr(int(found[1], 16)), text) if "_x" in text else text


class _Styles(Handler):
    """The number formats of cells."""

    def __init__(self) -> None:
        super().__init__()
        self._codes: dict[str, str] = {}
        self._ids: list[str] = []
        self._inside = False
        self.starts = {"numFmt": self._add_code, "cellXfs": self._begin, "xf": self._add_style}
        self.ends = {"cellXfs": self._end}

    def _add_code(self, attributes: Attributes) -> None:
        self._codes.setdefault(attributes.get("numFmtId", ""), attributes.get("formatCode", ""))

    def _begin(self, _attributes: Attributes) -> None:
        self._inside = True

    def _end(self) -> None:
        self._inside = False

    def _add_style(self, attributes: Attributes) -> None:
        if self._inside:
            self._ids.append(attributes.get("numFmtId", "0"))

    def shows(self, plain: Show, *, since_1904: bool) -> list[Show]:
        """Return for each style the function that shows its numbers."""
        own: dict[int, str] = import_module("openpyxl.styles.numbers").BUILTIN_FORMATS
        dates = dict.fromkeys(_EAST_ASIAN_DATES, "yyyy-mm-dd")
        known = {str(number): code for number, code in (dates | own).items()} | self._codes
        shows = {one: show(known.get(one, "General"), since_1904=since_1904) for one in set(self._ids)}
        return [plain if shows[one] is general else shows[one] for one in self._ids]


class _Cells(_Texts):
    """The cells of a sheet."""

    def __init__(self, strings: list[str], formats: list[Show], name: str, *, links: bool) -> None:
        super().__init__()
        self._formats, self._name, self._links = formats, name, links
        self.grid = Grid()
        self.hyperlinks: list[Attributes] = []
        self._row = self._column = 0
        self._unnumbered = False
        self._kind, self._style, self._value = "n", "0", ""
        self._formula: str | None = None
        self._columns: dict[str, int] = {}
        self._readers: dict[str, Callable[[str], object]] = {
            "s": lambda text: strings[int(text)],
            "n": self._shown,
            "str": _unescaped,
            "inlineStr": lambda text: self.taken() or _unescaped(text),
            "b": lambda text: text.strip().lower() in ("1", "true"),
            "e": error_text,
            "d": lambda text: as_day(import_module("openpyxl.utils.datetime").from_ISO8601(text)),
        }
        self.starts |= {"row": self._begin_row, "c": self._begin_cell, "hyperlink": self.hyperlinks.append}
        self.starts |= {"mergeCell": self._add_merged}
        self.ends |= {"c": self._end_cell, "v": self._end_value, "f": self._end_formula}

    def _begin_row(self, attributes: Attributes) -> None:
        number = attributes.get("r")
        self._unnumbered = number is None
        self._set_row(self._row + 1 if number is None else _number(number, MOST_ROWS))
        self._column = 0
        if attributes.get("hidden") in ("1", "true"):
            self.grid.hidden.add(self._row)

    def _set_row(self, number: int) -> None:
        if not 0 < number <= MOST_ROWS:
            raise Error(f"{self._name} has more than {MOST_ROWS:,} rows, which is the maximum of Excel.")
        self._row = number

    def _begin_cell(self, attributes: Attributes) -> None:
        self._kind, self._style = attributes.get("t", "n"), attributes.get("s", "0")
        self._value, self._formula = "", None
        place = attributes.get("r")
        self._column = self._column + 1 if place is None else self._column_of(place)
        if not 0 < self._column <= MOST_COLUMNS:
            raise Error(f"{self._name}, row {self._row:,}: A cell is outside of the columns of Excel.")

    def _column_of(self, place: str) -> int:
        """Return the number of a cell's column."""
        name = place.rstrip("0123456789")
        if self._unnumbered and place[len(name) :]:
            self._set_row(_number(place[len(name) :], MOST_ROWS))
        if (column := self._columns.get(name)) is None:
            column = self._columns[name] = _column(name)
        return column

    def _end_value(self) -> None:
        self._value = "".join(self.text)

    def _end_formula(self) -> None:
        self._formula = "".join(self.text)

    def _end_cell(self) -> None:
        if not self._value and self._kind != "inlineStr":
            if self._formula is not None and self._kind != "str":
                self.grid.add_unsaved(self._row, self._column)
            return
        value = self._linked() or self._read()
        if value is not None and value != "":
            self.grid.put(self._row, self._column, value)

    def _linked(self) -> str | None:
        """Return the address of a cell whose formula is a link."""
        link = _LINK.match(self._formula) if self._links and self._formula else None
        return link and link[1].replace('""', '"')

    def _read(self) -> object:
        """Return the value of the cell as the sheet shows it."""
        try:
            return self._readers[self._kind](self._value)
        except (ValueError, IndexError, KeyError, OverflowError):
            where = f"{self._name}, cell {letters(self._column)}{self._row}"
            raise Error(f"{where}: {short_repr(self._value)} is not a value of its type.") from None

    def _shown(self, text: str) -> object:
        text = text.strip()
        number = int(text) if text.isdigit() and len(text) <= _LONGEST else float(text)
        style = int(self._style)
        return self._formats[style if style < len(self._formats) else 0](number)

    def _add_merged(self, attributes: Attributes) -> None:
        if (area := _area(attributes.get("ref", ""))) is not None:
            self.grid.merged.append(area)


def _number(text: str, most: int) -> int:
    """Return a positive number; one that is too large is more than the maximum."""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= len(str(most)) else most + 1


def _column(letters: str) -> int:
    """Return the number of a column, from 1; 0 if there is none."""
    letters = letters.strip("$").upper()
    if not (letters.isascii() and letters.isalpha() and len(letters) <= 3):  # noqa: PLR2004 - XFD is the last
        return 0
    number = 0
    for letter in letters:
        number = number * 26 + ord(letter) - ord("A") + 1
    return number


def _area(text: str) -> Area | None:
    """Return the cells of a reference such as ``A1:B2``."""
    corners = [_CELL.fullmatch(corner) for corner in text.split(":")]
    if not all(corners) or len(corners) > 2:  # noqa: PLR2004 - an area has two
        return None
    places = [(int(corner[2]), _column(corner[1])) for corner in corners if corner]
    (top, left), (bottom, right) = places[0], places[-1]
    return Area(top, left, bottom, right)


def _targets(hyperlinks: list[Attributes], relations: _Relations) -> Iterator[tuple[Area, object]]:
    """Yield the cells and the address of each link that leads out of the workbook."""
    for one in hyperlinks:
        area, target = _area(one.get("ref", "")), relations.targets.get(_relation(one))
        if area is not None and target:
            yield area, f"{target}#{one['location']}" if one.get("location") else target


def _relation(element: Attributes) -> str:
    """Return the id of an element's relation, which has the prefix of any namespace; empty if it has none."""
    return next((value for name, value in element.items() if name != "id" and local(name) == "id"), "")
