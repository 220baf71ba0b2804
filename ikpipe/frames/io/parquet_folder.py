"""Read a folder of Parquet files as one table, as Spark, Dask and Hive write them.

Files and folders whose names begin with ``_`` or ``.`` are left out, such as ``_SUCCESS``. A folder ``brand=acme``
gives the column `brand` to the files below it, as text.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple
from urllib.parse import unquote

import pandas as pd

from ikpipe.errors import ApiName, Error, Message
from ikpipe.frames.chunks import with_columns
from ikpipe.frames.io import parquet

_MISSING = ("__HIVE_DEFAULT_PARTITION__", "")


class _Part(NamedTuple):
    """A file of the folder, and the columns that its path gives."""

    path: Path
    columns: dict[str, str | None]

    def frames(self, rows: int) -> Iterator[pd.DataFrame]:
        """Yield the file's rows, with the columns of its path."""
        with self.path.open("rb") as stream:
            for frame in parquet.frames(stream, str(self.path), rows):
                further = {name: cell for name, cell in self.columns.items() if name not in frame.columns}
                cells = {name: pd.array([cell] * len(frame), dtype="string") for name, cell in further.items()}
                yield frame if not cells else frame.assign(**cells)


class ParquetFolder:
    """A folder of Parquet files; raise `ikpipe.Error` if it has none, or one of them cannot be read."""

    def __init__(self, path: str) -> None:
        self._parts = [_part(file, Path(path)) for file in _files(Path(path))]
        if not self._parts:
            fix = Message("Name a file in it, or upload all of its files with ", ApiName("function", "sync"), ".")
            raise Error(f"{path} is a folder without Parquet files.", fix=fix)
        facts = []
        for part in self._parts:
            with part.path.open("rb") as stream:
                facts.append(parquet.facts(stream, str(part.path)))
        self.rows = sum(one.rows for one in facts)
        self._names = list(dict.fromkeys([*(name for one in facts for name in one.names), *self._of_paths()]))
        fractions = {one.names[at] for one in facts for at in one.fractions}
        self.whole = [at for at, name in enumerate(self._names) if name not in fractions]

    def _of_paths(self) -> Iterator[str]:
        return (name for part in self._parts for name in part.columns)

    def frames(self, rows: int) -> Iterator[pd.DataFrame]:
        """Yield the table as frames of some rows, which all have the same columns."""
        for part in self._parts:
            for frame in part.frames(rows):
                yield frame if list(frame.columns) == self._names else with_columns(frame, self._names)


def _files(folder: Path) -> list[Path]:
    found = (path for path in folder.rglob("*") if path.suffix.lower() == ".parquet" and path.is_file())
    return sorted(path for path in found if not any(part[0] in "_." for part in path.relative_to(folder).parts))


def _part(path: Path, folder: Path) -> _Part:
    pairs = (name.partition("=") for name in path.relative_to(folder).parts[:-1] if "=" in name)
    return _Part(path, {unquote(key): None if cell in _MISSING else unquote(cell) for key, _, cell in pairs})
