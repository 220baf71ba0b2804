"""Write results as a workbook of Excel (.xlsx)."""

import json
import logging
import re
from collections.abc import Callable, Iterator, Mapping
from itertools import chain, islice
from tempfile import TemporaryFile
from typing import IO, Any

from ikpipe.errors import quoted
from ikpipe.frames.chunks import Chunk
from ikpipe.frames.io import results_text
from ikpipe.frames.io.csv_style import CsvStyle, widening
from ikpipe.frames.io.grid import MOST_ROWS
from ikpipe.frames.io.opening import import_extra
from ikpipe.frames.io.writing import OutputFile, TableWriter, united

SHEET = "Results"
"""The name of the sheet; if there are several, the others have a number after it."""
LONGEST = 32_767  # characters of a cell in Excel
_DIGITS, _LARGEST = 10**15, 1e308  # a spreadsheet keeps 15 digits
_ESCAPED = re.compile(r"_(?=x[0-9A-Fa-f]{4}_)|[\x00-\x08\x0b-\x1f\ud800-\udfff\ufffe\uffff]")
_log = logging.getLogger("ikpipe.frames")


class ExcelWriter(TableWriter):
    """Writes a table as a workbook: text as text, so that nothing is a formula; numbers and booleans as such.

    Its rows are stored in a temporary file until the last one has told which columns there are. `rows` is the maximum
    number of rows of a sheet, with the header; the others go to further sheets.
    """

    def __init__(self, place: OutputFile, rows: int = MOST_ROWS) -> None:
        super().__init__(place)
        self._openpyxl = import_extra("openpyxl", "excel", "Writing an Excel file")
        self._rows_per_sheet = rows - 1
        self._stored: IO[str] = TemporaryFile("w+", encoding="utf-8")  # noqa: SIM115 - closed at the end
        self._names: list[str] = []
        self._long: dict[str, int] = {}

    def prepare(self, chunk: Chunk) -> tuple[list[str], list[str]]:
        """Return the names of the columns, and the rows as lines of JSON."""
        layout = results_text.TextLayout.of(chunk, index=self._indexed(chunk))
        cells = [list(map(_cell(name), values)) for name, values in layout.cells(chunk.frame)]
        return layout.names, [json.dumps(row) for row in zip(*cells, strict=True)]

    def take(self, prepared: tuple[list[str], list[str]]) -> None:
        """Store the next rows."""
        names, rows = prepared
        self._names = united(self._names, names) if self._names else names
        self._stored.writelines(f"{line}\n" for line in (json.dumps({"names": names}), *rows))

    def close(self, attrs: Mapping[Any, Any]) -> None:
        """Write the workbook."""
        book = self._openpyxl.Workbook(write_only=True)
        rows, number = self._all_rows(), 1
        while (part := list(islice(rows, 1))) or number == 1:
            sheet = book.create_sheet(SHEET if number == 1 else f"{SHEET} {number}")
            sheet.freeze_panes = "A2"
            sheet.append([self._written(sheet, name, "header") for name in self._names])
            for row in chain(part, islice(rows, self._rows_per_sheet - len(part))):
                sheet.append(self._row(sheet, row))
            number += 1
        book.save(self._place.stream)
        self.drop()
        self._log_notes(number - 1)
        super().close(attrs)

    def drop(self) -> None:
        """Remove the temporary file."""
        self._stored.close()

    def _all_rows(self) -> Iterator[list[Any]]:
        """Yield the rows with all columns."""
        self._stored.seek(0)
        widen: Callable[[list[Any]], list[Any]] = list
        for line in self._stored:
            row = json.loads(line)
            if isinstance(row, dict):
                widen = widening(row["names"], self._names, None)
            else:
                yield widen(row)

    def _row(self, sheet: Any, row: list[Any]) -> list[Any]:
        return [self._written(sheet, cell, name) for name, cell in zip(self._names, row, strict=True)]

    def _written(self, sheet: Any, cell: Any, column: str) -> Any:
        """Return a cell for openpyxl, which takes text that starts with ``=`` or is ``#N/A`` for something else."""
        if not isinstance(cell, str) or not cell:
            return None if cell == "" else cell
        cell = _ESCAPED.sub(lambda found: f"_x{ord(found[0]):04X}_", cell)
        if len(cell) > LONGEST:
            self._long[column] = self._long.get(column, 0) + 1
            return None
        if cell[0] not in "=#":
            return cell
        written = self._openpyxl.cell.WriteOnlyCell(sheet, cell)
        written.data_type = "s"
        return written

    def _log_notes(self, sheets: int) -> None:
        if sheets > 1:
            _log.warning("The results have more rows than a sheet of Excel: they are on %d sheets.", sheets)
        if self._long:
            columns = ", ".join(f"{quoted(name)} ({count:,})" for name, count in self._long.items())
            words = "Cells with more than %s characters, which is the maximum of Excel, are left empty: %s. "
            _log.warning(words + "Write the results as .csv to keep them.", f"{LONGEST:,}", columns)


def _cell(column: str) -> Callable[[object], object]:
    """Return the function that writes the cells of a column, in JSON's types."""
    as_text = results_text.csv_cell(column, CsvStyle())
    dtype = results_text.DTYPES.get(column)
    if dtype in ("string", "object"):
        return as_text

    def write(value: object) -> object:
        """Return a number that Excel keeps as it is, a boolean, or text."""
        if value is None or isinstance(value, bool):
            return value
        # openpyxl rounds floats to 16 digits, and the largest ones to infinity.
        is_exact = (
            abs(value) < _LARGEST if isinstance(value, float) else isinstance(value, int) and abs(value) < _DIGITS
        )
        return value if is_exact else as_text(value)

    return write
