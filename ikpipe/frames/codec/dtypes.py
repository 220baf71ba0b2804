"""Encode the dtypes, categories, index and labels of a frame as JSON, and decode them.

A dtype is written by its name in pandas; columns of dtypes without a name, or with a name that `bounds` does not list,
become columns of objects. Functions that decode take `trusted` as `json_values.decode` does.
"""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from pandas.api.types import pandas_dtype

from ikpipe.frames.codec import json_values
from ikpipe.frames.codec.bounds import LONGEST, count, is_column_dtype, offset


@dataclass(frozen=True)
class ColumnType:
    """A column's dtype as text.

    `categories` are those of a categorical, as tagged JSON; `ticks`: the cells are times, written as pandas' integers.
    """

    dtype: str
    categories: str = ""
    ticks: bool = False

    @classmethod
    def of(cls, dtype: Any) -> "ColumnType":
        """Return the type for a dtype."""
        if isinstance(dtype, pd.CategoricalDtype):
            return cls("category", categories(dtype))
        name = dtype_name(dtype)
        # The `kind` of Arrow's and sparse dtypes is M too, but they are not such integers.
        counted = isinstance(dtype, np.dtype) and dtype.kind in "mM"
        return cls(name, ticks=(counted or isinstance(dtype, pd.DatetimeTZDtype | pd.PeriodDtype)) and name != "object")


def cells(column: "pd.Series[Any]", kind: ColumnType) -> list[Any]:
    """Return a column's cells as values for tagged JSON, in JSON's own types where possible."""
    dtype, values = column.dtype, column.array
    if kind.dtype == "object":
        return column.tolist()
    if kind.categories:
        return _list(values.codes)
    if kind.ticks:
        return _list(values.view("i8"))
    if isinstance(dtype, pd.StringDtype) or getattr(dtype, "na_value", None) is pd.NA:
        return _list(values.to_numpy(object, na_value=None))
    if isinstance(dtype, np.dtype) and dtype.kind == "f":
        return [None if cell != cell else cell for cell in column.tolist()]  # noqa: PLR0124 - NaN, which JSON has not
    return column.tolist()


def reader(kind: ColumnType, *, trusted: bool = False) -> Callable[[list[Any]], "pd.Series[Any]"]:
    """Return the function that converts `cells` back to a column.

    Raise `TypeError` if a dtype of times is expected and is not one, or its zone is not known on this machine.
    """
    if kind.categories:
        return partial(_of_codes, categorical(kind.categories, trusted=trusted))
    if kind.ticks:
        if not is_column_dtype(kind.dtype) or getattr(pandas_dtype(kind.dtype), "kind", "O") not in "mMO":
            raise TypeError("a column of times has another dtype")
        return partial(_of_ticks, pandas_dtype(kind.dtype))
    return partial(made, pd.Series, dtype=kind.dtype)


def _list(values: Any) -> list[Any]:
    plain: list[Any] = values.tolist()
    return plain


def _of_codes(dtype: pd.CategoricalDtype, codes: list[int]) -> "pd.Series[Any]":
    return pd.Series(pd.Categorical.from_codes(np.array(codes, dtype="int64"), dtype=dtype))


def _of_ticks(dtype: Any, ticks: list[int]) -> "pd.Series[Any]":
    numbers = np.array(ticks, dtype="int64")
    if isinstance(dtype, pd.PeriodDtype):
        periods: Any = pd.PeriodIndex
        return pd.Series(periods.from_ordinals(numbers, freq=dtype.freq))
    if isinstance(dtype, pd.DatetimeTZDtype):
        return pd.Series(numbers.view(f"M8[{dtype.unit}]")).dt.tz_localize("UTC").dt.tz_convert(dtype.tz)
    return pd.Series(numbers.view(dtype))


def dtype_name(dtype: Any) -> str:
    """Return the name of a dtype in pandas, or ``object`` if it has none."""
    name = _spelt(dtype)
    try:
        return name if is_column_dtype(name) and pandas_dtype(name) == dtype else "object"
    except (TypeError, ValueError, NotImplementedError):
        return "object"


def _spelt(dtype: Any) -> str:
    """Return the full name of a dtype: pandas' names for text lack the storage."""
    if isinstance(dtype, pd.StringDtype) and dtype.na_value is pd.NA:
        return f"string[{dtype.storage}]"
    if isinstance(dtype, pd.ArrowDtype):
        return "utf8[pyarrow]" if str(dtype) == "string[pyarrow]" else str(dtype)
    return str(dtype)


def made(kind: Callable[..., Any], values: Any, dtype: str) -> Any:
    """Return a series or an index, of objects if the dtype is not known or not allowed."""
    if not is_column_dtype(dtype):
        return kind(values, dtype=object)
    try:
        return kind(values, dtype=pandas_dtype(dtype))
    except (TypeError, ValueError, NotImplementedError, ImportError):
        return kind(values, dtype=object)


def categories(dtype: pd.CategoricalDtype) -> str:
    """Return a categorical's categories as tagged JSON."""
    values = dtype.categories
    return json_values.encode([values.tolist(), dtype_name(values.dtype), bool(dtype.ordered)])


def categorical(text: str, *, trusted: bool = False) -> pd.CategoricalDtype:
    """Return the dtype of `categories`."""
    values, dtype, ordered = json_values.decode(text, trusted=trusted)
    return pd.CategoricalDtype(made(pd.Index, values, dtype), ordered=ordered)


def has_index(frame: pd.DataFrame, start: int = 0) -> bool:
    """Whether the index is more than row numbers from `start`, so that a file needs columns for it."""
    index = frame.index
    return not (isinstance(index, pd.RangeIndex) and index.start == start and index.step == 1 and index.name is None)


def levels(index: "pd.Index[Any]") -> list["pd.Series[Any]"]:
    """Return the levels of an index as columns."""
    # With the dtype, since pandas would infer another one for an index of objects.
    return [pd.Series(values, dtype=values.dtype) for values in map(partial(_values, index), range(index.nlevels))]


def _values(index: "pd.Index[Any]", level: int) -> Any:
    values = index.get_level_values(level)
    if not isinstance(index, pd.MultiIndex) or values.dtype == index.levels[level].dtype:
        return values
    # With missing labels, pandas would convert integers to floats, which cannot represent large ones.
    whole: Any = pd.array(index.levels[level].to_numpy())
    return whole.take(index.codes[level], allow_fill=True)


def columns(frame: pd.DataFrame, *, index: bool) -> list["pd.Series[Any]"]:
    """Return the columns of a file, the index first."""
    first = levels(frame.index) if index else []
    return [*first, *(frame.iloc[:, place] for place in range(frame.shape[1]))]


def described(index: "pd.Index[Any]") -> dict[str, Any]:
    """Return the description of an index, with the values only of a range."""
    return {
        "levels": index.nlevels,
        "multi": [dtype_name(level.dtype) for level in index.levels] if isinstance(index, pd.MultiIndex) else None,
        "range": [index.start, index.stop, index.step] if isinstance(index, pd.RangeIndex) else None,
        "names": json_values.encode(list(index.names)),
        "freqs": [_freq(index.get_level_values(level)) for level in range(index.nlevels)],
    }


def _freq(level: "pd.Index[Any]") -> str | None:
    return level.freqstr if isinstance(level, pd.DatetimeIndex | pd.TimedeltaIndex) else None


def index_of(values: list["pd.Series[Any]"], note: dict[str, Any], rows: int, *, trusted: bool = False) -> Any:
    """Return an index from the values of its levels and its description.

    Raise `ValueError` if it does not have the expected number of labels.
    """
    names = json_values.decode(note["names"], trusted=trusted)
    if note["range"]:
        start, stop, step = note["range"]
        if len(range(start, stop, step)) != rows:
            raise ValueError(f"the index does not have {rows} rows")
        return pd.RangeIndex(start, stop, step, name=names[0])
    made_levels = [_level(*pair) for pair in zip(values, note["freqs"], strict=True)]
    return _multi(made_levels, note["multi"], names) if note["multi"] else made_levels[0].rename(names[0])


def _multi(values: list[Any], dtypes: list[str], names: list[Any]) -> Any:
    index: Any = pd.MultiIndex.from_arrays(values, names=names)
    for place, (level, dtype) in enumerate(zip(index.levels, dtypes, strict=True)):
        if dtype_name(level.dtype) != dtype:
            index = index.set_levels(made(pd.Index, level, dtype), level=place)
    return index


def _level(values: "pd.Series[Any]", freq: str | None) -> Any:
    # The array, since a series has a name of its own.
    index = pd.Index(values.array, dtype=values.dtype)
    return type(index)(index, freq=offset(freq)) if freq else index


def labels(index: "pd.Index[Any]") -> dict[str, Any]:
    """Return the description of an index with its values, such as a frame's labels."""
    pairs = [
        (level, ColumnType.of(level.dtype)) for level in ([] if isinstance(index, pd.RangeIndex) else levels(index))
    ]
    return described(index) | {
        "values": [[asdict(kind), json_values.encode(cells(level, kind))] for level, kind in pairs]
    }


def labels_of(note: dict[str, Any], columns: int, *, trusted: bool = False) -> Any:
    """Return the index that `labels` described."""
    pairs = [(ColumnType(**kind), text) for kind, text in note["values"]]
    values = [reader(kind, trusted=trusted)(json_values.decode(text, trusted=trusted)) for kind, text in pairs]
    return index_of(values, note, columns, trusted=trusted)


def framed(
    series: list["pd.Series[Any]"], levels: object, notes: dict[str, Any], *, trusted: bool = False
) -> pd.DataFrame:
    """Return the frame of some columns and notes.

    `levels` is how many of the columns are levels of the index, which come first. `notes` are the frame's `rows`,
    `index`, `labels` and `attrs`, as they were written. Raise `ValueError` if columns and notes do not fit.
    """
    index, levels = notes["index"], count(levels, len(series))
    rows = count(notes["rows"], len(series[0]) if series else LONGEST)
    if any(len(column) != rows for column in series):
        raise ValueError(f"some of the frame's {rows} rows are missing or repeated")
    frame = pd.DataFrame(dict(enumerate(series[levels:])), index=pd.RangeIndex(rows))
    if index:
        frame.index = index_of(series[:levels], index, rows, trusted=trusted)
    frame.columns = labels_of(notes["labels"], len(series) - levels, trusted=trusted)
    attrs = json_values.decode(notes["attrs"], trusted=trusted)
    if type(attrs) is not dict:
        raise ValueError("its attrs are not a dict")
    frame.attrs = attrs
    return frame
