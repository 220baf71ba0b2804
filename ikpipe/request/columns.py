"""Functions that work on a whole column of cells, and do the work once for equal cells."""

from __future__ import annotations

from types import NoneType
from typing import TYPE_CHECKING, Any

from ikpipe.errors import InvalidValue, unreadable

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Sequence


def cell_types(cells: Sequence[Any]) -> set[type]:
    """Give the types of a column's cells."""
    return set(map(type, cells))


def map_distinct(function: Callable[..., Any], *columns: Sequence[Any]) -> list[Any]:
    """Call a function with the cells of each row, though only once for rows whose cells are the same.

    Parameters
    ----------
    function
        Depends on nothing but the cells that it is called with. A `InvalidValue` that it raises is its result.
    columns
        Each with a cell a row.
    """
    keys = _keys(columns[0]) if len(columns) == 1 else list(zip(*map(_keys, columns), strict=True))
    distinct = dict(zip(keys, zip(*columns, strict=True), strict=True))
    made = {key: call_or_error(function, *cells) for key, cells in distinct.items()}
    return [made[key] for key in keys]


def call_or_error(function: Callable[..., Any], *cells: Any) -> Any:
    """Return what a function returns, or the `InvalidValue` that it raises; such a cell is passed on.

    Any other exception becomes an `InvalidValue`, too: a cell can be of any class, and concerns its own row alone.
    """
    for cell in cells:
        if type(cell) is InvalidValue:
            return cell
    try:
        return function(*cells)
    except InvalidValue as bad:
        return bad.with_traceback(None)  # which would keep alive whatever the function knew
    except Exception as error:  # noqa: BLE001
        return unreadable(cells[0] if len(cells) == 1 else list(cells), error)


def _keys(column: Sequence[Any]) -> Sequence[Hashable]:
    """Give for each cell what tells it from others."""
    found = cell_types(column) - {NoneType}
    # True == 1 == 1.0, whose texts differ, and so do those of Decimal("1") and Decimal("1.0"), which are equal, too.
    return column if found in _SAFE else list(map(id, column))


_SAFE: list[set[type]] = [set(), {str}, {int}, {bool}, {bytes}]  # where equal cells are the same
