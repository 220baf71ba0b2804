"""How CSV is written: for programs, for spreadsheets, or for Excel in other locales."""

import csv
import io
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from ikpipe.errors import Error, keyword
from ikpipe.frames.io.csv_dialect import DELIMITERS
from ikpipe.frames.io.formula_guard import guarded


@dataclass(frozen=True)
class CsvStyle:
    """How CSV is written.

    `spreadsheet_safe` says whether to put an apostrophe wherever a spreadsheet would run text as a formula. `for_excel`
    says whether Excel opens the file in a locale with a decimal comma: with semicolons and a byte-order mark.
    """

    spreadsheet_safe: bool = False
    for_excel: bool = False

    @property
    def delimiter(self) -> str:
        """The character between cells."""
        return ";" if self.for_excel else ","

    def check(self, kind: str) -> None:
        """Raise an error if a file of another kind than CSV should be for Excel."""
        if self.for_excel and kind != "csv":
            fix = "Excel opens .xlsx files in every locale." if kind == "xlsx" else "Name a .csv or .xlsx file."
            raise Error("It is only for .csv files.", fix=fix, about=keyword("for_excel"))

    def safe(self, cell: str) -> str:
        """Return a cell as it is written."""
        return guarded(cell, self.delimiter) if self.spreadsheet_safe else cell

    def header(self, names: Sequence[str]) -> str:
        """Return the start of the file, with the names of the columns."""
        # Quoted, a delimiter in a name cannot be taken for that of the file.
        mark, quoted = "\ufeff" if self.for_excel else "", any(char in name for name in names for char in DELIMITERS)
        return mark + self.lines([names], quoted=quoted)

    def lines(self, rows: Iterable[Iterable[str]], *, quoted: bool = False) -> str:
        """Return rows as text; `quoted`: all cells are in quotes."""
        text = io.StringIO()
        minimal = csv.writer(text, delimiter=self.delimiter, lineterminator="\n")
        # Before Python 3.13, the csv module does not quote a lone carriage return, and then cannot read it.
        quoting = csv.writer(text, delimiter=self.delimiter, lineterminator="\n", quoting=csv.QUOTE_ALL)
        for row in rows:
            cells = list(row)
            (quoting if quoted or "\r" in "".join(cells) else minimal).writerow(cells)
        return text.getvalue()

    def widened(self, lines: Iterable[bytes], names: Sequence[str], every: Sequence[str]) -> Iterator[bytes]:
        """Yield the rows of a file with further columns, which are empty."""
        widen = widening(names, every, "")
        for row in csv.reader((line.decode() for line in lines), delimiter=self.delimiter, strict=True):
            yield self.lines([widen(row)]).encode()


def widening(names: Sequence[str], every: Sequence[str], empty: Any) -> Callable[[Sequence[Any]], list[Any]]:
    """Return the function that gives a row with some columns the cells of all columns."""
    places = {name: at for at, name in enumerate(names)}
    order = [places.get(name) for name in every]
    return lambda row: [empty if at is None else row[at] for at in order]
