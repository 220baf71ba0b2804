"""Files whose bytes are damaged: one error or a table, and never any other exception."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import pytest
from table_files import TABLE_FILES, TableFile
from table_fuzz import damaged

import ikpipe
from ikpipe.frames.io.csv_style import CsvStyle
from ikpipe.frames.io.options import ReadOptions
from ikpipe.frames.io.results import results_table
from ikpipe.frames.io.results_text import TextLayout
from ikpipe.frames.io.streams import open_table

if TYPE_CHECKING:
    from pathlib import Path


def read(path: Path, options: ReadOptions) -> None:
    """Read a table as `check`, `upload`, a journal and `retry` do."""
    for chunk in open_table(str(path), options).chunks():
        assert chunk.encoder.head
        assert chunk.text()
        layout = TextLayout.of(chunk, index=False)
        layout.csv_text(chunk.frame, CsvStyle())
        layout.jsonl_text(chunk.frame)
    results_table(path, options)


def damage(file: TableFile, path: Path, times: int) -> None:
    """Damage a file again and again, and read it."""
    file.write(path)
    content = path.read_bytes()
    rng = random.Random(file.name)  # noqa: S311 - the same damage each time
    messages = []
    for _ in range(times):
        path.write_bytes(damaged(content, rng))
        try:
            read(path, ReadOptions(**file.options))
        except ikpipe.Error as error:
            messages.append(str(error))
    assert "\n" not in "".join(messages)


FILES = pytest.mark.parametrize(
    "file", [one for one in TABLE_FILES if "." in one.name and one.name != "spark.parquet"], ids=repr
)


@FILES
def test_a_damaged_file_is_a_table_or_an_error(file: TableFile, tmp_path: Path) -> None:
    """The error is one line."""
    damage(file, tmp_path / file.name, 5)


@pytest.mark.soak
@FILES
def test_files_with_any_damage_are_tables_or_errors(file: TableFile, tmp_path: Path) -> None:
    """The same, for some ten minutes."""
    damage(file, tmp_path / file.name, 1_000)
