"""The results of a part of a table on a cluster: the same columns and types for any content.

They are made as Arrow arrays from the start: frames of one row would take most of the processor time of a small part.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Any

from ikpipe.frames.adapters import FrameAdapter
from ikpipe.request.result import CANCELLED, EXTRA, LISTED, RESULT_COLUMNS, Result

if TYPE_CHECKING:
    from ikpipe.frames.chunks import Chunk


class PartResults:
    """Collects the results of a part; `adapter` has its rows."""

    def __init__(self, adapter: FrameAdapter) -> None:
        self.results: Any = None
        self._adapter = adapter
        self._tables: list[Any] = []

    def prepare(self, chunk: Chunk, results: list[Result] | None) -> Any:
        """Return a chunk's results as an Arrow table; None: no row was started."""
        answers = [CANCELLED] * len(chunk.frame) if results is None else results
        return answers_table(answers, lists=not self._adapter.is_pandas)

    def take(self, prepared: Any) -> None:
        """Add the next chunk's results."""
        self._tables.append(prepared)

    def close(self, summary: Mapping[str, Any]) -> Any:  # noqa: ARG002 - a part has no summary
        """Return the rows with their results, in the library of the part's table."""
        pa: Any = import_module("pyarrow")
        rest = len(self._adapter.frame) - sum(table.num_rows for table in self._tables)
        left = [answers_table([CANCELLED] * rest, lists=not self._adapter.is_pandas)] if rest else []
        self.results = self._adapter.with_answers(pa.concat_tables([*self._tables, *left]))
        return self.results


def empty_results(adapter: FrameAdapter) -> Any:
    """Return the results of a part without rows: only their columns and types."""
    return adapter.with_answers(answers_table([], lists=not adapter.is_pandas))


def answers_table(results: Sequence[Result], *, lists: bool) -> Any:
    """Return results as an Arrow table for another library than pandas (`lists`), or for pandas.

    For others, tags and warnings are lists of text, and not JSON as all else. pandas keeps text as `large_string`.
    """
    pa: Any = import_module("pyarrow")
    schema, arrays = _schema(lists), []
    for field in schema:
        column = field.name
        cells = [getattr(one, column.removeprefix("ik_")) for one in results]
        if RESULT_COLUMNS.get(column, "object") == "object":
            write = _texts if lists and column in LISTED else _json
            cells = [None if cell is None else write(cell) for cell in cells]
        arrays.append(pa.array(cells, field.type, from_pandas=True))
    return pa.Table.from_arrays(arrays, schema=schema)


@cache
def _schema(lists: bool) -> Any:  # noqa: FBT001 - of `cache`
    """Return the schema of results."""
    pa: Any = import_module("pyarrow")
    text = pa.string() if lists else pa.large_string()
    types = {"string": text, "Int64": pa.int64(), "Float64": pa.float64(), "boolean": pa.bool_(), "object": text}
    columns = {column: types[str(dtype)] for column, dtype in {**RESULT_COLUMNS, EXTRA: "object"}.items()}
    return pa.schema(columns | (dict.fromkeys(LISTED, pa.list_(pa.string())) if lists else {}))


def _texts(cell: Any) -> list[str]:
    return [str(text) for text in cell]


def _json(cell: Any) -> str:
    return json.dumps(cell, ensure_ascii=False, default=str)
