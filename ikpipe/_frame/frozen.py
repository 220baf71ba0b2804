"""A frame as text that gives an equal one back: its index, labels, dtypes, cells and ``attrs``.

The head is one JSON text with everything but the cells. They follow in pieces, a piece some rows: a JSON array of
columns, each an array of tagged JSON. Reading runs no code but ours, whoever wrote the text. Three things do not come
back as they were: objects of classes that are not in tagged's table become their text, as in Parquet; a column of a
dtype that has no name (Arrow's nested ones) becomes one of objects; and a class derived from DataFrame is none.
"""

import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from typing import Any

import pandas as pd

from ikpipe._frame import tagged
from ikpipe._frame.described import Kind, cells, columns, described, index_of, labels, labels_of, reader


def freeze(frame: pd.DataFrame) -> str:
    """Write everything but the cells."""
    index = _has_values(frame)
    notes = {
        "columns": [asdict(Kind.of(column.dtype)) for column in columns(frame, index=index)],
        "index": described(frame.index),
        "labels": labels(frame.columns),
        "attrs": tagged.encode(frame.attrs),
        "duplicates": frame.flags.allows_duplicate_labels,
        "rows": len(frame),
    }
    return json.dumps(notes)


def pieces(frame: pd.DataFrame, rows: int = 5_000, size: int = 8_000_000) -> Iterator[tuple[int, str]]:
    """Write the cells, a chunk of rows at a time.

    Parameters
    ----------
    frame
        What `freeze` wrote the head of.
    rows
        So many go into a piece at most.
    size
        About so many characters go into a piece, as pandas counts a frame's memory; a row that is larger is one.

    Yields
    ------
    tuple
        The position of the piece's first row, and its text.
    """
    bare = frame.copy(deep=False)
    bare.attrs = {}  # or each slice would copy them
    index = _has_values(frame)
    kinds = [Kind.of(column.dtype) for column in columns(bare, index=index)]
    start = 0
    while start < len(bare):
        stop = min(start + rows, len(bare))
        chunk = columns(bare.iloc[start:stop], index=index)
        while stop - start > 1 and sum(map(_weight, chunk)) > size:
            stop -= (stop - start) // 2
            chunk = [column.iloc[: stop - start] for column in chunk]
        texts = (tagged.encode_cells(cells(column, kind)) for column, kind in zip(chunk, kinds, strict=True))
        yield start, f"[{','.join(texts)}]"
        start = stop


def thaw(head: str, pieces: Iterable[str]) -> pd.DataFrame:
    """Read a frame back.

    Parameters
    ----------
    head
        What `freeze` wrote.
    pieces
        The texts that `pieces` gave, in their order.

    Raises
    ------
    ValueError
        The text is not what they wrote, or some of it is missing.
    """
    try:
        return _thawed(json.loads(head), pieces)
    except (ArithmeticError, AssertionError, AttributeError, LookupError, RuntimeError, TypeError) as error:
        raise ValueError(f"this is no frame's text: {error!r}") from error


def _has_values(frame: pd.DataFrame) -> bool:
    """Tell whether the index needs more than its description."""
    return not isinstance(frame.index, pd.RangeIndex)


def _weight(column: "pd.Series[Any]") -> int:
    """Estimate the size of a column's text."""
    # Of a categorical only the codes are written, while its memory is mostly that of the categories.
    codes = isinstance(column.dtype, pd.CategoricalDtype)
    return column.size if codes else column.memory_usage(index=False, deep=True)


def _thawed(notes: dict[str, Any], pieces: Iterable[str]) -> pd.DataFrame:
    rows, index = notes["rows"], notes["index"]
    found = _columns([Kind(**kind) for kind in notes["columns"]], pieces)
    if any(len(column) != rows for column in found):
        raise ValueError(f"some of the frame's {rows} rows are missing, or there twice")
    levels = 0 if index["range"] else index["levels"]
    frame = pd.DataFrame(dict(enumerate(found[levels:])), index=pd.RangeIndex(rows))
    frame.index = index_of(found[:levels], index)
    frame.columns = labels_of(notes["labels"])
    frame.attrs = tagged.decode(notes["attrs"])
    return frame.set_flags(allows_duplicate_labels=notes["duplicates"])


def _columns(kinds: list[Kind], pieces: Iterable[str]) -> list["pd.Series[Any]"]:
    readers = [reader(kind) for kind in kinds]
    parts: list[list[pd.Series[Any]]] = [[] for _ in kinds]
    for piece in pieces:
        for part, read, values in zip(parts, readers, tagged.decode(piece), strict=True):
            part.append(read(values))
    return [_joined(part or [read([])]) for part, read in zip(parts, readers, strict=True)]


def _joined(parts: list["pd.Series[Any]"]) -> "pd.Series[Any]":
    return parts[0] if len(parts) == 1 else pd.concat(parts, ignore_index=True)
