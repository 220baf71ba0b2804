"""What reading and writing a workbook costs, compared with openpyxl, which reads its values without their formats."""

from __future__ import annotations

from contextlib import contextmanager
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import openpyxl
from bench import Contest
from bench_check import uniform

from ikpipe.frames.io.reading import read_table

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@contextmanager
def read(rows: int, how: Callable[[Path], object]) -> Iterator[Callable[[], object]]:
    """Read a catalog of six columns."""
    with TemporaryDirectory() as folder:
        path = Path(folder, "catalog.xlsx")
        book = openpyxl.Workbook(write_only=True)
        frame = uniform(rows)
        for cells in [list(frame), *frame.itertuples(index=False)]:
            book.worksheets[0].append(cells) if book.worksheets else book.create_sheet().append(cells)
        book.save(path)
        yield lambda: how(path)


def values(path: Path) -> list[tuple[object, ...]]:
    """Read the values of a workbook with openpyxl."""
    book = openpyxl.load_workbook(path, read_only=True)
    try:
        return list(book.worksheets[0].values)
    finally:
        book.close()


CONTESTS = [
    Contest("a workbook", 20_000, {"openpyxl": partial(read, how=values), "read": partial(read, how=read_table)}),
]
