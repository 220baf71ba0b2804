"""Keep the results of a run in little memory until they become one frame."""

from __future__ import annotations

import marshal
from collections.abc import Iterator, Sequence
from contextlib import suppress
from functools import cache
from importlib import import_module
from typing import Any, NamedTuple

import pandas as pd

from ikpipe.request.result import CANCELLED, EXTRA, RESULT_COLUMNS, Result


class _Repeated(NamedTuple):
    """The cell that all rows of a column have."""

    cell: Any


class _Packed(NamedTuple):
    """The nested cells of a column as bytes: as many small objects, they would scatter over the memory of the run."""

    cells: bytes


class ResultColumns:
    """The results of a chunk by columns, each in the form that needs the least memory.

    `results` is None if all of its `rows` were cancelled before they started.
    """

    def __init__(self, results: Sequence[Result] | None, rows: int) -> None:
        self.rows = rows
        some = [CANCELLED] if results is None else results
        self._columns = {column: _compact([*cells], dtype) for column, cells, dtype in result_cells(some)}

    @property
    def has_extra(self) -> bool:
        """Whether a row has response fields that this version does not know."""
        return EXTRA in self._columns

    def take(self, column: str) -> Any:
        """Remove and return the cells of a column, as a list of objects or as an array; `_Repeated` for equal ones."""
        cells = self._columns.pop(column, _Repeated(None))
        return marshal.loads(cells.cells) if isinstance(cells, _Packed) else cells  # noqa: S302 - see `_compact`


def result_cells(results: Sequence[Result]) -> Iterator[tuple[str, list[Any], str]]:
    """Yield the columns of results, with their cells and dtypes; `EXTRA` only if a row has some."""
    for column, dtype in RESULT_COLUMNS.items():
        name = column[3:]
        yield column, [getattr(one, name) for one in results], dtype
    extras = [one.extra or None for one in results]
    if any(extras):
        yield EXTRA, extras, "object"


def cells_array(cells: list[Any], dtype: Any) -> Any:
    """Return cells as an array, which costs a third of what a Series does."""
    if dtype == "string":
        return _texts(cells)
    if dtype != "object":
        return pd.array(cells, dtype=dtype)
    return pd.Series(cells, dtype=object).array  # unlike `pd.array`, it never takes lists for rows of a matrix


def _texts(cells: list[Any]) -> Any:
    """Return texts as an array; for Arrow's, in memory that fits: Arrow's own allocator would keep twice as much."""
    dtype: Any = pd.StringDtype()
    if dtype.storage == "pyarrow":
        pa: Any = import_module("pyarrow")
        with suppress(pa.ArrowInvalid, pa.ArrowTypeError, UnicodeError):  # not all are texts
            array = pa.array(cells, pa.large_string(), from_pandas=True, memory_pool=pa.system_memory_pool())
            return dtype.__from_arrow__(array)
    return pd.array(cells, dtype=dtype)


def stacked(parts: Sequence[ResultColumns]) -> pd.DataFrame:
    """Return the results of chunks as a frame; it takes them column by column, to need no memory for them twice."""
    dtypes = {**RESULT_COLUMNS, **({EXTRA: "object"} if any(part.has_extra for part in parts) else {})}
    return pd.DataFrame({column: _stacked(parts, column, dtype) for column, dtype in dtypes.items()}, copy=False)


def _compact(cells: list[Any], dtype: str) -> Any:
    """Return cells in the form that needs the least memory."""
    if all(cell is None for cell in cells):
        return _Repeated(None)
    if dtype != "object":
        return _Repeated(cells[0]) if cells.count(cells[0]) == len(cells) else cells_array(cells, dtype)
    known: dict[str, str] = {}
    with suppress(TypeError, ValueError, RecursionError):  # other values, or too deep: not as JSON has them
        return _Packed(marshal.dumps([_with_shared(cell, known) for cell in cells]))
    return cells


def _with_shared(value: Any, known: dict[str, str]) -> Any:
    """Return a value of JSON whose texts are the same objects as the equal ones that are known.

    Raise `TypeError` for any other value, of which `marshal` would make bytes, such as of an array.
    """
    kind = type(value)
    if kind is str:
        return known.setdefault(value, value)
    if kind is list:
        return [_with_shared(one, known) for one in value]
    if kind is dict:
        return {_with_shared(key, known): _with_shared(one, known) for key, one in value.items()}
    if kind not in _PLAIN:
        raise TypeError
    return value


_PLAIN = (int, float, bool, type(None))


def _stacked(parts: Sequence[ResultColumns], column: str, dtype: str) -> Any:
    """Remove a column from all parts, and return its cells as one array."""
    taken = [(part.take(column), part.rows) for part in parts]
    if dtype == "object":
        return cells_array([cell for cells, rows in taken for cell in _listed(cells, rows)], dtype)
    repeated = cache(lambda cell, rows: cells_array([cell] * rows, dtype))  # such texts share their memory in Arrow
    arrays = [repeated(cells.cell, rows) if isinstance(cells, _Repeated) else cells for cells, rows in taken]
    parts_of_one = [pd.Series(array, copy=False) for array in arrays]
    return arrays[0] if len(arrays) == 1 else pd.concat(parts_of_one, ignore_index=True).array


def _listed(cells: Any, rows: int) -> list[Any]:
    return [cells.cell] * rows if isinstance(cells, _Repeated) else cells
