"""Write chunks of a frame as CSV and JSON lines, and read results in these formats."""

import base64
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import IO, Any

import numpy as np
import pandas as pd

from ikpipe.errors import Error, short_repr
from ikpipe.frames.cells import inexact_integers
from ikpipe.frames.chunks import Chunk
from ikpipe.frames.codec.bounds import shallow
from ikpipe.frames.codec.dtypes import columns
from ikpipe.frames.io.csv_records import delimited, refuse_duplicates
from ikpipe.frames.io.csv_style import CsvStyle
from ikpipe.frames.io.formula_guard import is_guarded, unguarded
from ikpipe.frames.io.json_records import columns_of, json_rows
from ikpipe.frames.io.options import ReadOptions
from ikpipe.request.result import EXTRA, RESULT_COLUMNS
from ikpipe.request.values import to_text

DTYPES = RESULT_COLUMNS | {EXTRA: "object"}
"""The dtype of each column that a run adds."""


_TRUE = {"true", "wahr", "vrai", "verdadero", "vero", "waar", "verdadeiro", "prawda", "истина"}
_FALSE = {"false", "falsch", "faux", "falso", "onwaar", "fałsz", "ложь"}
_ENCODER = json.JSONEncoder(ensure_ascii=False)


@dataclass
class TextLayout:
    """The columns of a text file.

    `index`: the index is written, as the first columns. `names` are the columns' different names in the file. `whole`
    tells for each column whether its floats are integers that missing cells made floats.
    """

    index: bool
    names: list[str]
    whole: list[bool]

    @classmethod
    def of(cls, chunk: Chunk, *, index: bool) -> "TextLayout":
        """Return the layout for a chunk of a table."""
        levels = chunk.frame.index.nlevels if index else 0
        wholes = [chunk.has_integers(at) for at in range(-levels, chunk.frame.shape[1])]
        return cls(index, names(chunk.frame, index=index), wholes)

    def csv_names(self, style: CsvStyle) -> list[str]:
        """Return the names of the columns as in a CSV file, without NUL, which would make it no text file."""
        return [style.safe(_valid(name).replace("\0", "\\x00")) for name in self.names]

    def csv_text(self, chunk: pd.DataFrame, style: CsvStyle) -> str:
        """Return rows as CSV.

        A missing cell is empty, nested values are JSON. In an ``ik_`` column, text that is empty, starts with a quote
        or looks escaped is a JSON string, so that it can be read back.
        """
        cells = [list(map(csv_cell(name, style), values)) for name, values in self.cells(chunk)]
        return style.lines(zip(*(map(style.safe, column) for column in cells), strict=True))

    def jsonl_text(self, chunk: pd.DataFrame) -> str:
        """Return rows as JSON lines, one object for each row; a missing cell is ``null``."""
        rows = zip(*(values for _, values in self.cells(chunk)), strict=True)
        return "".join(_json(dict(zip(self.names, row, strict=True))) + "\n" for row in rows)

    def cells(self, chunk: pd.DataFrame) -> list[tuple[str, list[object]]]:
        """Return the names of the columns and their cells in JSON's types."""
        pairs = zip(columns(chunk, index=self.index), self.whole, strict=True)
        return list(zip(self.names, (_cells(column, whole=whole) for column, whole in pairs), strict=True))


def names(frame: pd.DataFrame, *, index: bool) -> list[str]:
    """Return different names for the columns of a file, the index first; a repeated name gets a number."""
    levels = frame.index.names if index else []
    spare = ["index"] if len(levels) == 1 else [f"level_{level}" for level in range(len(levels))]
    unique: dict[str, None] = {}
    for label in [*(other if name is None else name for name, other in zip(levels, spare, strict=True)), *frame]:
        name, count = str(label), 0
        while name in unique:
            count += 1
            name = f"{label}.{count}"
        unique[name] = None
    return list(unique)


def read_csv(stream: IO[bytes], name: str, options: ReadOptions, delimiter: str = ",") -> pd.DataFrame:
    """Return the results in a CSV file; the input's own columns are text."""
    header, rows = delimited(stream, name, options, delimiter)
    refuse_duplicates([column for column in header if column in DTYPES], name)
    cells = list(zip(*rows, strict=True)) or [()] * len(header)
    columns = {at: _from_csv(column, cells[at], name) for at, column in enumerate(header)}
    return pd.DataFrame(columns).set_axis(header, axis=1)


def read_jsonl(stream: IO[bytes], name: str, options: ReadOptions) -> pd.DataFrame:
    """Return the results in a file of JSON lines; without rows, it has only the columns of a run."""
    cells = columns_of(list(json_rows(stream, name, options))) or {column: [] for column in RESULT_COLUMNS}
    return pd.DataFrame({column: _from_json(column, values, name) for column, values in cells.items()})


def csv_cell(column: str, style: CsvStyle) -> Callable[[object], str]:
    """Return the function that writes the cells of a column as text."""
    dtype = DTYPES.get(column)
    if dtype == "object":
        return lambda value: "" if value is None else _unguarded_json(value)
    if dtype == "Float64" and style.for_excel:
        return lambda value: _as_seen(value).replace(".", ",")
    return _unambiguous if dtype == "string" else _as_seen


def _unambiguous(value: object) -> str:
    text = _as_seen(value)
    json_needed = value is not None and (not text or text.startswith('"') or is_guarded(text))
    return _unguarded_json(text) if json_needed else text


def _unguarded_json(value: object) -> str:
    """Return JSON from which reading removes no apostrophe."""
    text = _json(value)
    return text.replace("'", "\\u0027") if is_guarded(text) else text


def _as_seen(value: object) -> str:
    if value is None:
        return ""
    return _json(value) if isinstance(value, list | dict) else _valid(str(value))


def _json(value: object) -> str:
    return _valid(_ENCODER.encode(value))


def _valid(text: str) -> str:
    """Return text with lone surrogates, which UTF-8 lacks, in the escapes of Python and JSON."""
    return text if text.isascii() else text.encode("utf-8", "backslashreplace").decode("utf-8")


def _cells(column: "pd.Series[Any]", *, whole: bool) -> list[object]:
    """Return a column's cells in JSON's types; None is missing."""
    exact = inexact_integers(column)
    if str(column.dtype).lower() in ("float32", "float16"):
        # Their 0.1 is 0.10000000149 as a Python float; the user sees their own shortest text.
        column = pd.to_numeric(column.astype(str), errors="coerce")
    cells = (None if gone else value for value, gone in zip(column.tolist(), column.isna(), strict=True))
    if whole:  # beyond what is exact, an integer would have other digits
        cells = (
            int(cell) if isinstance(cell, float) and abs(cell) < exact and cell.is_integer() else cell for cell in cells
        )
    return [_nested(cell) for cell in cells]


def _nested(value: Any) -> object:
    """Return a value in JSON's types, or its text."""
    if value is None or type(value) in (str, bool, int):
        return value
    if isinstance(value, Mapping):
        return {str(key): _nested(one) for key, one in value.items()}
    if isinstance(value, Sequence | AbstractSet | np.ndarray) and not isinstance(value, str | bytes | bytearray):
        return [_nested(one) for one in value]
    return _nested(value.item()) if isinstance(value, np.generic) else _scalar(value)


def _scalar(value: Any) -> object:
    if isinstance(value, bytes | bytearray):
        return base64.b64encode(value).decode("ascii")
    if isinstance(value, float):
        return value if np.isfinite(value) else None if np.isnan(value) else str(value)
    return None if value is pd.NA or value is pd.NaT else to_text(value)


def _from_csv(column: str, cells: Iterable[str], name: str) -> "pd.Series[Any]":
    dtype = DTYPES.get(column)
    if dtype is None:
        return pd.Series([cell or None for cell in cells], dtype="string")
    return _typed(column, [unguarded(cell) or None for cell in cells], _CSV_READERS[dtype], name, header=1)


def from_sheet(column: str, cells: list[Any], name: str) -> "pd.Series[Any]":
    """Return the cells of a column in a workbook: those of a run with its dtype, others as they are."""
    dtype = DTYPES.get(column)
    if dtype is None:
        return pd.Series(cells, dtype=object)

    def read(cell: Any) -> object:
        """Return the value of a cell, which a spreadsheet may have saved as text or as a number."""
        text = unguarded(str(cell) if isinstance(cell, float) else to_text(cell))
        return _CSV_READERS[dtype](text) if text else None

    return _typed(column, cells, read, name, header=1)


def _from_json(column: str, values: list[Any], name: str) -> "pd.Series[Any]":
    dtype = DTYPES.get(column)
    return pd.Series(values, dtype=object) if dtype is None else _typed(column, values, _JSON_READERS[dtype], name)


def _typed(
    column: str, cells: list[Any], read: Callable[[Any], object], name: str, header: int = 0
) -> "pd.Series[Any]":
    """Return the column of a run with these cells; raise `ikpipe.Error` if a cell has a value that no run writes."""
    values: list[object] = []
    try:
        # `extend` appends one by one: after an error, the length is the place of the cell.
        values.extend(None if cell is None else read(cell) for cell in cells)
    except (ValueError, TypeError, KeyError, OverflowError, RecursionError):
        place = len(values)
        sheet = f" (row {place + 1 + header:,} in a spreadsheet)" if header else ""
        raise Error(f"{name}, row {place + 1:,}{sheet}: {column} cannot be {short_repr(cells[place])}.") from None
    return pd.Series(values, dtype=DTYPES[column])


def _whole(cell: Any) -> int:
    """Return an integer that fits its column, also one that a spreadsheet saved as `12.0`."""
    try:
        number = int(cell)
    except ValueError:
        if not float(cell).is_integer():
            raise
        number = int(float(cell))
    return int(np.int64(number))


def _boolean(cell: Any) -> bool:
    """Return a boolean of text in any case: spreadsheets save TRUE, in the language of their user."""
    text = str(cell).lower()
    if text not in _TRUE | _FALSE:
        raise ValueError
    return text in _TRUE


def _float_text(cell: str) -> float:
    """Return a number, also one with a decimal comma, as spreadsheets save it in other languages."""
    return float(cell.replace(",", ".") if cell.count(",") == 1 and "." not in cell else cell)


def _text(value: object) -> str:
    """Return text that Arrow, which may store the column, accepts: without lone surrogates."""
    return _valid(str(value))


def _text_or_json(cell: str) -> str:
    return _text(json.loads(cell)) if cell.startswith('"') else cell


_JSON_READERS: dict[str, Callable[[Any], object]] = {
    "string": _text,
    "Int64": _whole,
    "Float64": float,
    "boolean": _boolean,
    "object": lambda value: value,
}
_CSV_READERS = _JSON_READERS | {
    "string": _text_or_json,
    "Float64": _float_text,
    "object": lambda text: json.loads(shallow(text)),
}
