"""Tables as other programs write them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pandas as pd
import pytest
from table_files import TABLE_FILES, TableFile, cells

from ikpipe.frames.chunks import JournalTable
from ikpipe.frames.io.options import ReadOptions
from ikpipe.frames.io.reading import read_table
from ikpipe.frames.io.results import results_table
from ikpipe.frames.io.streams import open_table, reopen_table

if TYPE_CHECKING:
    from pathlib import Path

    from ikpipe.frames.chunks import TableSource


@pytest.fixture(params=TABLE_FILES, ids=repr)
def case(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[str, TableFile]:
    """Write each of the files."""
    file: TableFile = request.param
    path = tmp_path / file.name
    file.write(path)
    return str(path), file


def joined(table: TableSource) -> pd.DataFrame:
    """Return all chunks of a table."""
    return pd.concat([chunk.frame for chunk in table.chunks()])


def test_the_table_is_read(case: tuple[str, TableFile]) -> None:
    """Chunk by chunk and as a whole, with the expected columns and cells."""
    path, file = case
    options = ReadOptions(**file.options)
    for table in (read_table(path, options), joined(open_table(path, options)), results_table(path, options)):
        assert (list(table), cells(table)) == (file.columns, file.rows)


def test_a_journal_keeps_the_table(case: tuple[str, TableFile]) -> None:
    """What a journal recorded, and what is read again from the file, is the table."""
    path, file = case
    table = open_table(path, ReadOptions(**file.options))
    pieces = [(chunk.start, len(chunk.frame), chunk.text(), chunk.encoder.head) for chunk in table.chunks()]
    kept = JournalTable(lambda: iter(pieces), len(file.rows), table.origin or {"whole": []})
    assert cells(joined(kept)) == file.rows
    if table.origin is not None:
        assert cells(joined(reopen_table(json.loads(json.dumps(table.origin))))) == file.rows
