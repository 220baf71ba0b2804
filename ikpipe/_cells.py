"""A column's cells as plain Python values, in the form that the user sees; and functions of columns."""

from __future__ import annotations

import math
from types import NoneType
from typing import TYPE_CHECKING, Any

from ikpipe._errors import BadValue, unreadable

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Sequence

    import pandas as pd


_DOUBLE = 8  # bytes of a float64
_MARK = "\ufeff"  # a trace of the file that a text came from, never a part of it


def whole_floats(column: pd.Series[Any]) -> bool:
    """Tell whether a column's floats are all whole: integers that missing cells, or a spreadsheet, made floats."""
    kind = getattr(column.dtype, "kind", "O")
    if kind == "f":
        return bool((column.dropna().astype("float64") % 1 == 0).all())
    if kind != "O" or getattr(column.dtype, "type", None) is str:
        return kind == "O"
    cells = column.astype(object).tolist()
    if not any(issubclass(one, float) for one in kinds(cells)):
        return True
    floats = [float.__float__(cell) for cell in cells if issubclass(type(cell), float)]
    return all(cell.is_integer() or math.isnan(cell) for cell in floats)


def plain_cells(column: pd.Series[Any], *, whole: bool) -> list[Any]:
    """Give a column's cells as Python values; None is a missing one, also the empty text or list.

    Parameters
    ----------
    column
        A column of a frame, or a slice of it.
    whole
        What `whole_floats` said of the whole column: its floats become integers.
    """
    # float32's 0.1 is 0.10000000149 as a float64: its own shortest text is what the user sees.
    size = getattr(column.dtype, "itemsize", _DOUBLE)
    if getattr(column.dtype, "kind", "O") == "f" and size < _DOUBLE:
        numbers = column.to_numpy(dtype=f"float{size * 8}", na_value=float("nan"))
        return [None if text == "nan" else _plain(float(text), whole=whole) for text in map(str, numbers)]
    cells: list[Any] = column.astype(object).tolist()
    found = kinds(cells)
    if found == {str} and _MARK not in "".join(cells):
        return cells if all(cells) else [cell or None for cell in cells]
    if found <= {int, bool, bytes, NoneType}:
        return cells
    try:
        return _present(column, whole=whole)
    except Exception:  # noqa: BLE001 - of one of the cells: each is read alone
        return [_alone(column.iloc[at : at + 1], cell, whole=whole) for at, cell in enumerate(cells)]


def _present(column: pd.Series[Any], *, whole: bool) -> list[Any]:
    pairs = zip(column.astype(object).tolist(), column.notna().tolist(), strict=True)
    return [_plain(cell, whole=whole) if known else None for cell, known in pairs]


def _alone(column: pd.Series[Any], cell: Any, *, whole: bool) -> Any:
    """Return the only cell of a column as a plain value; a `BadValue` where that fails."""
    try:
        return _present(column, whole=whole)[0]
    except Exception as error:  # noqa: BLE001
        return unreadable(cell, error)


def _plain(cell: Any, *, whole: bool) -> Any:
    if isinstance(cell, str):
        return cell.removeprefix(_MARK) or None
    if hasattr(cell, "dtype"):  # numpy's scalars and arrays, also inside Arrow lists
        cell = cell.tolist()
    if isinstance(cell, (list, tuple, set, dict)):
        return cell or None
    if whole and isinstance(cell, float) and cell.is_integer():
        return int(cell)
    return cell


def kinds(cells: Sequence[Any]) -> set[type]:
    """Give the types of a column's cells."""
    return set(map(type, cells))


def mapped(function: Callable[..., Any], *columns: Sequence[Any]) -> list[Any]:
    """Call a function with the cells of each row, though only once for rows whose cells are the same.

    Parameters
    ----------
    function
        Depends on nothing but the cells that it is called with. A `BadValue` that it raises is its result.
    columns
        Each with a cell a row.
    """
    keys = _keys(columns[0]) if len(columns) == 1 else list(zip(*map(_keys, columns), strict=True))
    distinct = dict(zip(keys, zip(*columns, strict=True), strict=True))
    made = {key: attempt(function, *cells) for key, cells in distinct.items()}
    return [made[key] for key in keys]


def attempt(function: Callable[..., Any], *cells: Any) -> Any:
    """Return what a function returns, or the `BadValue` that it raises; a cell that is a `BadValue` is passed on.

    Any other exception becomes a `BadValue`, too: a cell can be of any class, and concerns its own row alone.
    """
    for cell in cells:
        if type(cell) is BadValue:
            return cell
    try:
        return function(*cells)
    except BadValue as bad:
        return bad.with_traceback(None)  # which would keep alive whatever the function knew
    except Exception as error:  # noqa: BLE001
        return unreadable(cells[0] if len(cells) == 1 else list(cells), error)


def _keys(column: Sequence[Any]) -> Sequence[Hashable]:
    """Give for each cell what tells it from others."""
    found = kinds(column) - {NoneType}
    # True == 1 == 1.0, whose texts differ, and so do those of Decimal("1") and Decimal("1.0"), which are equal, too.
    return column if found in _SAFE else list(map(id, column))


_SAFE: list[set[type]] = [set(), {str}, {int}, {bool}, {bytes}]  # where equal cells are the same
