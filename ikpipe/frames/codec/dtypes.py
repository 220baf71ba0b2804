"""What a frame is besides its cells (dtypes, categories, index, labels) as JSON, and the way back.

A dtype goes by the name under which pandas finds it again; one that has no such name leaves plain objects. So does a
name that `bounds` does not list, whoever wrote it. All that reads takes `trusted`, as `tagged.decode` has it.
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
    """A column's dtype in words.

    `categories` are those of a categorical, as tagged JSON; `ticks` says that cells are times, as pandas counts them.
    """

    dtype: str
    categories: str = ""
    ticks: bool = False

    @classmethod
    def of(cls, dtype: Any) -> "ColumnType":
        """Describe a dtype."""
        if isinstance(dtype, pd.CategoricalDtype):
            return cls("category", categories(dtype))
        name = dtype_name(dtype)
        # Of Arrow's and sparse dtypes the `kind` is M too, but they are not counted like this.
        counted = isinstance(dtype, np.dtype) and dtype.kind in "mM"
        return cls(name, ticks=(counted or isinstance(dtype, pd.DatetimeTZDtype | pd.PeriodDtype)) and name != "object")


def cells(column: "pd.Series[Any]", kind: ColumnType) -> list[Any]:
    """Give a column's cells as values that tagged JSON can hold, JSON's own wherever there are such."""
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
    """Give the way back from `cells` to a column.

    Raises
    ------
    TypeError
        The dtype should be one of times, and is not, or in a zone that is not known here.
    """
    if kind.categories:
        return partial(_of_codes, categorical(kind.categories, trusted=trusted))
    if kind.ticks:
        if not is_column_dtype(kind.dtype) or getattr(pandas_dtype(kind.dtype), "kind", "O") not in "mMO":
            raise TypeError("a column of times has another dtype")
        return partial(_of_ticks, pandas_dtype(kind.dtype))
    return partial(made, pd.Series, dtype=kind.dtype)


def _list(values: Any) -> list[Any]:
    found: list[Any] = values.tolist()
    return found


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
    """Name a dtype so that pandas finds it again, or as objects where it has no such name."""
    name = _spelt(dtype)
    try:
        return name if is_column_dtype(name) and pandas_dtype(name) == dtype else "object"
    except (TypeError, ValueError, NotImplementedError):
        return "object"


def _spelt(dtype: Any) -> str:
    """Spell a dtype out; pandas' own names for text leave out where the text is stored."""
    if isinstance(dtype, pd.StringDtype) and dtype.na_value is pd.NA:
        return f"string[{dtype.storage}]"
    if isinstance(dtype, pd.ArrowDtype):
        return "utf8[pyarrow]" if str(dtype) == "string[pyarrow]" else str(dtype)
    return str(dtype)


def made(kind: Callable[..., Any], values: Any, dtype: str) -> Any:
    """Make a series or an index; a dtype that is not known or not listed leaves plain objects."""
    if not is_column_dtype(dtype):
        return kind(values, dtype=object)
    try:
        return kind(values, dtype=pandas_dtype(dtype))
    except (TypeError, ValueError, NotImplementedError, ImportError):
        return kind(values, dtype=object)


def categories(dtype: pd.CategoricalDtype) -> str:
    """Write a categorical's categories as tagged JSON."""
    found = dtype.categories
    return json_values.encode([found.tolist(), dtype_name(found.dtype), bool(dtype.ordered)])


def categorical(text: str, *, trusted: bool = False) -> pd.CategoricalDtype:
    """Read what `categories` wrote."""
    values, dtype, ordered = json_values.decode(text, trusted=trusted)
    return pd.CategoricalDtype(made(pd.Index, values, dtype), ordered=ordered)


def has_index(frame: pd.DataFrame) -> bool:
    """Tell whether the index is more than the row numbers, so that a file needs columns for it."""
    index = frame.index
    return not (isinstance(index, pd.RangeIndex) and index.start == 0 and index.step == 1 and index.name is None)


def levels(index: "pd.Index[Any]") -> list["pd.Series[Any]"]:
    """Give the levels of an index as columns."""
    found = [_values(index, level) for level in range(index.nlevels)]
    # With their dtype, an index of objects is not taken for something narrower.
    return [pd.Series(values, dtype=values.dtype) for values in found]


def _values(index: "pd.Index[Any]", level: int) -> Any:
    values = index.get_level_values(level)
    if not isinstance(index, pd.MultiIndex) or values.dtype == index.levels[level].dtype:
        return values
    # For a missing label pandas makes integers floats, which have no room for large ones.
    whole: Any = pd.array(index.levels[level].to_numpy())
    return whole.take(index.codes[level], allow_fill=True)


def columns(frame: pd.DataFrame, *, index: bool) -> list["pd.Series[Any]"]:
    """Give the columns of a file, the index first."""
    found = levels(frame.index) if index else []
    return [*found, *(frame.iloc[:, place] for place in range(frame.shape[1]))]


def described(index: "pd.Index[Any]") -> dict[str, Any]:
    """Describe an index without its values, unless it is a range of them."""
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
    """Make an index of so many labels, of its levels' values and what `described` said of it.

    Raises
    ------
    ValueError
        It has more labels, or fewer.
    """
    names = json_values.decode(note["names"], trusted=trusted)
    if note["range"]:
        start, stop, step = note["range"]
        if len(range(start, stop, step)) != rows:
            raise ValueError(f"the index does not count {rows} rows")
        return pd.RangeIndex(start, stop, step, name=names[0])
    found = [_level(*pair) for pair in zip(values, note["freqs"], strict=True)]
    return _multi(found, note["multi"], names) if note["multi"] else found[0].rename(names[0])


def _multi(values: list[Any], dtypes: list[str], names: list[Any]) -> Any:
    index: Any = pd.MultiIndex.from_arrays(values, names=names)
    for place, (level, dtype) in enumerate(zip(index.levels, dtypes, strict=True)):
        if dtype_name(level.dtype) != dtype:
            index = index.set_levels(made(pd.Index, level, dtype), level=place)
    return index


def _level(values: "pd.Series[Any]", freq: str | None) -> Any:
    # The array, because a series would bring its own name along.
    index = pd.Index(values.array, dtype=values.dtype)
    return type(index)(index, freq=offset(freq)) if freq else index


def labels(index: "pd.Index[Any]") -> dict[str, Any]:
    """Describe an index with its values, such as a frame's labels."""
    pairs = [
        (level, ColumnType.of(level.dtype)) for level in ([] if isinstance(index, pd.RangeIndex) else levels(index))
    ]
    return described(index) | {
        "values": [[asdict(kind), json_values.encode(cells(level, kind))] for level, kind in pairs]
    }


def labels_of(note: dict[str, Any], columns: int, *, trusted: bool = False) -> Any:
    """Make the index of so many labels that `labels` described."""
    pairs = [(ColumnType(**kind), text) for kind, text in note["values"]]
    values = [reader(kind, trusted=trusted)(json_values.decode(text, trusted=trusted)) for kind, text in pairs]
    return index_of(values, note, columns, trusted=trusted)


def framed(
    found: list["pd.Series[Any]"], levels: object, notes: dict[str, Any], *, trusted: bool = False
) -> pd.DataFrame:
    """Make a frame of its columns and its notes.

    Parameters
    ----------
    found
        The columns.
    levels
        How many of them are levels of the index; they come first.
    notes
        The frame's `rows`, `index`, `labels` and `attrs`, as they were written.
    trusted
        Whether they are proven to be our own.

    Raises
    ------
    ValueError
        They do not fit one another.
    """
    index, levels = notes["index"], count(levels, len(found))
    rows = count(notes["rows"], len(found[0]) if found else LONGEST)
    if any(len(column) != rows for column in found):
        raise ValueError(f"some of the frame's {rows} rows are missing, or there twice")
    frame = pd.DataFrame(dict(enumerate(found[levels:])), index=pd.RangeIndex(rows))
    if index:
        frame.index = index_of(found[:levels], index, rows, trusted=trusted)
    frame.columns = labels_of(notes["labels"], len(found) - levels, trusted=trusted)
    attrs = json_values.decode(notes["attrs"], trusted=trusted)
    if type(attrs) is not dict:
        raise ValueError("its attrs are not a dict")
    frame.attrs = attrs
    return frame
