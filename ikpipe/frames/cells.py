"""Convert a column's cells to plain Python values, as the user sees them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import partial
from types import NoneType
from typing import TYPE_CHECKING, Any

from ikpipe.errors import unreadable
from ikpipe.request.columns import cell_types
from ikpipe.request.values import EXACT_FLOATS, lost_digits

if TYPE_CHECKING:
    import pandas as pd

_DOUBLE = 8  # bytes of a float64
_EXACT = {2: 2**11, 4: 2**24}  # bytes of a shorter float → from here on, it stands for several integers
_MARK = "\ufeff"  # a trace of the file that a text came from, never a part of it


def are_integers(column: pd.Series[Any]) -> bool:
    """Whether a column's floats are all integers, which missing cells or a spreadsheet made floats."""
    kind = getattr(column.dtype, "kind", "O")
    if kind == "f":
        return bool((column.dropna().astype("float64") % 1 == 0).all())
    if kind != "O" or getattr(column.dtype, "type", None) is str:
        return kind == "O"
    cells = column.astype(object).tolist()
    if not any(issubclass(one, float) for one in cell_types(cells)):
        return True
    floats = [float.__float__(cell) for cell in cells if issubclass(type(cell), float)]
    return all(cell.is_integer() or math.isnan(cell) for cell in floats)


def inexact_integers(column: pd.Series[Any]) -> int:
    """Return from where on a float of a column stands for several integers."""
    return _EXACT.get(getattr(column.dtype, "itemsize", _DOUBLE), EXACT_FLOATS)


def plain_cells(column: pd.Series[Any], *, integers: bool) -> list[Any]:
    """Return a column's cells as Python values; None for missing cells, empty texts and empty lists.

    A float whose last digits are lost is an `InvalidValue`, as is a cell that cannot be read.

    `column` may be a slice of a column. `integers` is the result of `are_integers` for the whole column: if true,
    floats become integers.
    """
    size = getattr(column.dtype, "itemsize", _DOUBLE)
    if getattr(column.dtype, "kind", "O") == "f" and size < _DOUBLE:
        return _short_floats(column, size, integers=integers)
    cells = _objects(column)
    types = cell_types(cells)
    if types == {str} and _MARK not in "".join(cells):
        return cells if all(cells) else [cell or None for cell in cells]
    if types <= {int, bool, bytes, NoneType}:
        return cells
    try:
        return _present(column, whole=integers)
    except Exception:  # noqa: BLE001 - one cell raised it: each is read on its own
        return list(map(partial(_alone, column, integers), range(len(cells)), cells))


def _objects(column: pd.Series[Any]) -> list[Any]:
    """Return a column's cells as they are; the arrays of pandas and Arrow do that without another column."""
    holder: Any = column.array if hasattr(column.dtype, "construct_array_type") else column
    cells: list[Any] = holder.astype(object).tolist()
    return cells


def _short_floats(column: pd.Series[Any], size: int, *, integers: bool) -> list[Any]:
    """Return the cells of a column of floats with few bytes."""
    # float32's 0.1 is 0.10000000149 as a float64; the user sees the shortest text of the float32.
    numbers = column.to_numpy(dtype=f"float{size * 8}", na_value=float("nan"))
    exact = inexact_integers(column) if integers else EXACT_FLOATS
    texts: Sequence[str] = list(map(str, numbers))
    return [None if text == "nan" else _number(float(text), whole=integers, exact=exact) for text in texts]


def _present(column: pd.Series[Any], *, whole: bool) -> list[Any]:
    pairs = zip(column.astype(object).tolist(), column.notna().tolist(), strict=True)
    return [_plain(cell, whole=whole) if present else None for cell, present in pairs]


def _alone(column: pd.Series[Any], whole: bool, at: int, cell: Any) -> Any:  # noqa: FBT001 - of `partial`
    """Return one cell of a column as a plain value, or an `InvalidValue` if that fails."""
    try:
        return _present(column.iloc[at : at + 1], whole=whole)[0]
    except Exception as error:  # noqa: BLE001
        return unreadable(cell, error)


def _plain(cell: Any, *, whole: bool) -> Any:
    if isinstance(cell, str):
        return cell.removeprefix(_MARK) or None
    if hasattr(cell, "dtype"):  # numpy's scalars and arrays, also inside Arrow lists
        cell = cell.tolist()
    if isinstance(cell, float):
        return _number(cell, whole=whole, exact=EXACT_FLOATS)
    return (cell or None) if isinstance(cell, (list, tuple, set, dict)) else cell


def _number(cell: float, *, whole: bool, exact: int) -> Any:
    """Return a float, or the integer that it is; from `exact` on, other integers are the same float."""
    if exact <= abs(cell) < math.inf:
        return lost_digits(cell)
    return int(cell) if whole and cell.is_integer() else cell
