"""Encode a frame as text, and decode an equal one: its index, labels, dtypes, cells and ``attrs``.

The head is one JSON text with everything but the cells. Pieces of some rows follow: JSON arrays of columns, each one an
array of tagged JSON. Decoding runs no code of the text's author. Three things change: objects of classes that
`json_values` lacks become their text, as in Parquet; a column of a dtype without a name (Arrow's nested ones) becomes
one of objects; and a class derived from DataFrame becomes a DataFrame.
"""

import json
from collections.abc import Iterable
from dataclasses import asdict
from functools import cached_property
from typing import Any

import pandas as pd

from ikpipe.frames.codec import json_values
from ikpipe.frames.codec.dtypes import ColumnType, cells, columns, described, framed, labels, reader


class FrameEncoder:
    """Encodes a frame: its head, and the cells of some of its rows.

    `frame` is the whole frame, or a part of a table of unknown length. `part` says whether it is such a part; the rows
    of a whole frame are counted when it is decoded.
    """

    def __init__(self, frame: pd.DataFrame, *, part: bool = False) -> None:
        self._frame, self._part = frame, part
        self._index = not isinstance(frame.index, pd.RangeIndex)  # whether it needs more than its description

    @cached_property
    def _kinds(self) -> list[ColumnType]:
        return [ColumnType.of(column.dtype) for column in columns(self._frame, index=self._index)]

    @cached_property
    def head(self) -> str:
        """The text of everything but the cells."""
        frame = self._frame
        notes = {
            "columns": [asdict(kind) for kind in self._kinds],
            "index": described(frame.index),
            "labels": labels(frame.columns),
            "attrs": json_values.encode(frame.attrs),
            "duplicates": frame.flags.allows_duplicate_labels,
            "rows": None if self._part else len(frame),
        }
        return json.dumps(notes)

    def piece(self, rows: pd.DataFrame) -> str:
        """Return the text of the cells of some rows."""
        pairs = zip(columns(rows, index=self._index), self._kinds, strict=True)
        return f"[{','.join(json_values.encode_cells(cells(column, kind)) for column, kind in pairs)}]"


def decode_frame(head: str, pieces: Iterable[str], first: int = 0, *, trusted: bool = False) -> pd.DataFrame:
    """Return the frame of the head and the pieces that a `FrameEncoder` wrote, in order.

    `first` is the position of the first row, if the pieces are a part. `trusted` says whether the text is proven to be
    our own: only then paths come back as paths, instead of text. Raise `ValueError` if the text was not written by a
    `FrameEncoder`, or some of it is missing.
    """
    try:
        return _decoded(json.loads(head), pieces, first, trusted=trusted)
    except ValueError:
        raise
    except Exception as error:  # pandas raises anything for wrong content
        raise ValueError(f"this is not the text of a frame: {error!r}") from error


def _decoded(notes: dict[str, Any], pieces: Iterable[str], first: int, *, trusted: bool) -> pd.DataFrame:
    index = notes["index"]
    series = _columns([ColumnType(**kind) for kind in notes["columns"]], pieces, trusted=trusted)
    if notes["rows"] is None:
        rows = notes["rows"] = len(series[0])
        if index["range"]:
            start, _, step = index["range"]
            index["range"] = [start + step * first, start + step * (first + rows), step]
    frame = framed(series, 0 if index["range"] else index["levels"], notes, trusted=trusted)
    return frame.set_flags(allows_duplicate_labels=bool(notes["duplicates"]))


def _columns(kinds: list[ColumnType], pieces: Iterable[str], *, trusted: bool) -> list["pd.Series[Any]"]:
    readers = [reader(kind, trusted=trusted) for kind in kinds]
    parts: list[list[pd.Series[Any]]] = [[] for _ in kinds]
    for piece in pieces:
        for part, read, values in zip(parts, readers, json_values.decode(piece, trusted=trusted), strict=True):
            if type(values) is not list:
                raise TypeError("a column is not a list of cells")
            part.append(read(values))
    return [_joined(part or [read([])]) for part, read in zip(parts, readers, strict=True)]


def _joined(parts: list["pd.Series[Any]"]) -> "pd.Series[Any]":
    return parts[0] if len(parts) == 1 else pd.concat(parts, ignore_index=True)
