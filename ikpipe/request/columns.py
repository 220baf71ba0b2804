"""Apply functions to columns of cells, once for equal cells."""

from collections.abc import Callable, Hashable, Sequence
from types import NoneType
from typing import Any

from ikpipe.errors import InvalidValue, unreadable


def cell_types(cells: Sequence[Any]) -> set[type]:
    """Return the types of a column's cells."""
    return set(map(type, cells))


def map_distinct(function: Callable[..., Any], *columns: Sequence[Any]) -> list[Any]:
    """Return the results of a function for the cells of each row, calling it once for rows with the same cells.

    `function` is a function of the cells alone. An `InvalidValue` that it raises is its result. `columns` have equal
    lengths.
    """
    keys = _keys(columns[0]) if len(columns) == 1 else list(zip(*map(_keys, columns), strict=True))
    distinct = dict(zip(keys, zip(*columns, strict=True), strict=True))
    results = {key: call_or_error(function, *cells) for key, cells in distinct.items()}
    return [results[key] for key in keys]


def map_present(function: Callable[[Any], Any], column: Sequence[Any]) -> list[Any]:
    """Return the results of a function for the cells of a column, as `map_distinct` does; missing cells stay None."""
    return map_distinct(lambda cell: None if cell is None else function(cell), column)


def call_or_error(function: Callable[..., Any], *cells: Any) -> Any:
    """Return a function's result, or the `InvalidValue` that it raises; a cell that is one already is the result.

    Any other exception becomes an `InvalidValue` too: a cell can be of any class, and concerns its own row alone.
    """
    for cell in cells:
        if type(cell) is InvalidValue:
            return cell
    try:
        return function(*cells)
    except InvalidValue as bad:
        return bad.with_traceback(None)  # a traceback would keep the function's variables alive
    except Exception as error:  # noqa: BLE001
        return unreadable(cells[0] if len(cells) == 1 else list(cells), error)


def _keys(column: Sequence[Any]) -> Sequence[Hashable]:
    """Return for each cell a key that only the same cells share."""
    # True == 1 == 1.0 and Decimal("1") == Decimal("1.0"), but their texts differ.
    return column if cell_types(column) - {NoneType} in _SAFE else list(map(id, column))


_SAFE: list[set[type]] = [set(), {str}, {int}, {bool}, {bytes}]  # equal cells of these types are the same
