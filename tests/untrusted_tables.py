"""Tables and results files as an attacker would write them, in our own encoding."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

import ikpipe

if TYPE_CHECKING:
    from pathlib import Path


OK = "data:text/plain;base64,aGVsbG8="


def table_of(cells: list[Any], **notes: Any) -> str:
    """Write a table as our own encoding has it, with whatever notes."""
    frame = pd.DataFrame(
        {"file": pd.Series(cells, dtype=object), "ik_status": pd.array(["failed"] * len(cells), "string")}
    )
    frame.attrs = notes
    ikpipe.write_results(frame, "t.parquet")
    return "t.parquet"


def mark(kind: object, content: object) -> dict[str, object]:
    """Write a mark as our encoding does."""
    return {"!": kind, "=": content}


def results_file(path: Path, cells: list[str], **notes: Any) -> str:
    """Write a file of results whose only column has these tagged cells, with whatever notes."""
    frame = pd.DataFrame({"file": pd.Series([[None]] * len(cells), dtype=object)})
    ikpipe.write_results(frame, path)
    table = pq.read_table(path)
    noted = json.loads(pq.ParquetFile(path).metadata.metadata[b"ikpipe"]) | notes
    table = table.set_column(0, "file", pa.array(cells, pa.string()))
    pq.write_table(table.replace_schema_metadata({"ikpipe": json.dumps(noted)}), path)
    return str(path)
