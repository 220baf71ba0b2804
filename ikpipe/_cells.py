"""A column's cells as plain Python values, in the form that the user sees."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd


_DOUBLE = 8  # bytes of a float64


def whole_floats(column: pd.Series[Any]) -> bool:
    """Tell whether a column's floats are all whole: integers that missing cells, or a spreadsheet, made floats."""
    kind = getattr(column.dtype, "kind", "O")
    if kind == "f":
        return bool((column.dropna().astype("float64") % 1 == 0).all())
    return kind == "O" and all(cell.is_integer() for cell in column.dropna() if isinstance(cell, float))


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
    return [_plain(cell, whole=whole) for cell in column.astype(object).where(column.notna(), None)]


def _plain(cell: Any, *, whole: bool) -> Any:
    if isinstance(cell, str):
        # A byte-order mark is a trace of the file that the text came from, never a part of it.
        return cell.removeprefix("\ufeff") or None
    if hasattr(cell, "dtype"):  # numpy's scalars and arrays, also inside Arrow lists
        cell = cell.tolist()
    if isinstance(cell, (list, tuple, set, dict)):
        return cell or None
    if whole and isinstance(cell, float) and cell.is_integer():
        return int(cell)
    return cell
