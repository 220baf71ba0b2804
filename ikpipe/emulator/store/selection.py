"""Selects files by what the database has an index of: names, tags, folders, ids; in each order that lists can have.

A search can have further conditions, and has the last word: what is selected here can be more than what it finds.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from itertools import islice
from sqlite3 import Connection
from typing import NamedTuple

from ikpipe.emulator.store.database import Database
from ikpipe.emulator.store.folders import BELOW, bounds

FEW = 10_000
"""The number of matches up to which all of them are collected from an index; more are soon found without it."""
PART = 100
"""The number of files that are read at once."""
UNION = " UNION ALL "
ONE_OF = "IN (SELECT value FROM json_each(?))"
ONE_OF_ROWS = f"files.rowid {ONE_OF}"
SORTED_BY = {"updatedAt": "TEXT", "size": "INTEGER", "width": "INTEGER", "height": "INTEGER", "duration": "REAL"}
"""The details, besides the name, that have a column of the same name, so that files can be sorted by them."""
_TAGS_OF = """
SELECT value AS tag FROM json_each({row}.details, '$.tags') WHERE type = 'text'
UNION SELECT json_extract(value, '$.name') FROM json_each({row}.details, '$.AITags') WHERE type = 'object'
"""
"""The tags of a row, also those that an extension found: a search finds both [docs]."""
_ADD = f"INSERT OR IGNORE INTO tags SELECT tag, new.rowid FROM ({_TAGS_OF.format(row='new')});"  # noqa: S608 - no input in it
_DROP = f"DELETE FROM tags WHERE file = old.rowid AND tag IN ({_TAGS_OF.format(row='old')});"  # noqa: S608 - no input in it
_SORT = ", ".join(f"{detail} = json_extract(new.details, '$.{detail}')" for detail in SORTED_BY)
_FILL = f"UPDATE files SET {_SORT} WHERE rowid = new.rowid;"  # noqa: S608 - no input in it
SCHEMA = (
    "CREATE INDEX IF NOT EXISTS files_in ON files (folder)",
    "CREATE INDEX IF NOT EXISTS files_in_by_name ON files (folder, name)",
    # it has all that is needed to sort the files of a folder without reading them
    f"CREATE INDEX IF NOT EXISTS files_in_sorted ON files (folder, stored, {', '.join(SORTED_BY)})",
    "CREATE TABLE IF NOT EXISTS tags (tag TEXT NOT NULL, file INTEGER NOT NULL, PRIMARY KEY (tag, file)) WITHOUT ROWID",
    # the insertion of a file fills its columns and adds its tags itself, which is faster than a trigger
    f"CREATE TRIGGER IF NOT EXISTS files_changed AFTER UPDATE OF details ON files BEGIN {_FILL} {_DROP} {_ADD} END",
    f"CREATE TRIGGER IF NOT EXISTS files_deleted AFTER DELETE ON files BEGIN {_DROP} END",
)
"""What is derived from the details of files, and kept up to date whoever changes them."""


class Indexed(NamedTuple):
    """A condition on files that the database has an index of: a query for their rows, and a test of one row."""

    rows: str
    test: str
    values: tuple[object, ...]
    ordered: bool = False
    """Whether the index has the files in each order, so that there can be many."""


class ListOrder(NamedTuple):
    """The order of a list: by a detail of the files; those without it are last.

    Where it is the same, the oldest is first, but among equal names the folders decide: so an index has each order.
    """

    detail: str = "createdAt"
    descending: bool = False

    @property
    def by_row(self) -> bool:
        """Whether this is the order of the rows."""
        return self.detail == "createdAt"

    @property
    def indexed(self) -> bool:
        """Whether the database has all files, and those of a folder, in this order."""
        return self.detail in {"createdAt", "name"}

    @property
    def sql(self) -> str:
        """The order in SQL; each is the exact opposite of the other, as indexes are, but for the files without it."""
        direction = "DESC" if self.descending else "ASC"
        if self.detail == "name":
            return f"ORDER BY name {direction}, folder {direction}"
        # rows are in the order of their creation
        key = "" if self.by_row else f"files.{self.detail} {direction} NULLS LAST, "
        return f"ORDER BY {key}files.rowid {direction}"


def _on_files(column: str, comparison: str, values: Sequence[object]) -> Indexed:
    # the plus keeps the test from using the index
    test = comparison.format(f"+{column}")
    return Indexed(f"SELECT rowid FROM files WHERE {comparison.format(column)}", test, tuple(values))  # noqa: S608 - no input in it


def _one_of(column: str, values: Sequence[object]) -> Indexed:
    # as JSON, since a statement has a limit of values
    return _on_files(column, f"{{}} {ONE_OF}", [json.dumps(values)])


with_names = partial(_one_of, "name")
with_ids = partial(_one_of, "id")
in_folders = partial(_one_of, "folder")
"""Select files that have, or are directly in, one of some values."""


def with_name_beginning(beginning: str) -> Indexed:
    """Select files whose names begin with a text."""
    # 0xff follows each character of UTF-8
    return _on_files("name", "{0} >= ? AND {0} < CAST(? AS TEXT)", (beginning, beginning.encode() + b"\xff"))


def below_folder(path: str) -> Indexed:
    """Select files in a folder and below it."""
    return _on_files("folder", f"{{}} {BELOW}", bounds(path))


def in_folder(path: str) -> Indexed:
    """Select files directly in a folder."""
    return Indexed("SELECT rowid FROM files WHERE folder = ?", "folder = ?", (path,), ordered=True)


def with_tags(tags: Sequence[str]) -> Indexed:
    """Select files with at least one of some tags or AI tags."""
    rows = f"SELECT file FROM tags WHERE tag {ONE_OF}"  # noqa: S608 - no input in it
    return Indexed(rows, f"EXISTS ({rows} AND file = files.rowid)", (json.dumps(tags),))


def either(parts: Sequence[Indexed]) -> Indexed:
    """Select files that meet at least one condition."""
    test = " OR ".join(f"({part.test})" for part in parts)
    values = tuple(value for part in parts for value in part.values)
    return Indexed(UNION.join(part.rows for part in parts), test, values)


def select_files(
    database: Database,
    conditions: Sequence[Indexed],
    order: ListOrder,
    newest: float,
    skip: int = 0,
    few: int = FEW,
) -> Iterator[str]:
    """Yield the details of the files that meet all conditions, as JSON. Safe to call from any thread.

    `newest` is the latest time of storage, in seconds since 1970; the first `skip` files are left out. If at most `few`
    files meet a condition, they are collected from its index.
    """
    # the plus keeps SQLite from using an index for the time, instead of one for the order
    tests = " AND ".join(["+stored <= ?", *(f"({condition.test})" for condition in conditions)])
    values: tuple[object, ...] = newest, *(value for condition in conditions for value in condition.values)
    with database.reader() as reader:
        rows = _fewest(reader, conditions, few)
        if rows is None:
            yield from _scan(reader, tests, values, order, skip)
        elif order.by_row:
            yield from islice(_details(reader, sorted(rows, reverse=order.descending), tests, values), skip, None)
        else:
            tests = f"{ONE_OF_ROWS} AND {tests}"
            yield from _scan(reader, tests, (json.dumps([*rows]), *values), order, skip)


def _scan(reader: Connection, tests: str, values: tuple[object, ...], order: ListOrder, skip: int) -> Iterator[str]:
    """Yield the details of all files that pass tests, as JSON."""
    end = f"FROM files WHERE {tests} {order.sql} LIMIT -1 OFFSET ?"
    if order.indexed:
        return (row[0] for row in reader.execute(f"SELECT details {end}", (*values, skip)))
    # the rows are sorted without their details, which are long
    return _details(reader, (row[0] for row in reader.execute(f"SELECT rowid {end}", (*values, skip))), "1", ())


def _fewest(reader: Connection, conditions: Sequence[Indexed], few: int) -> set[int] | None:
    """Return the rows of the condition that the fewest files meet, or None if each is met by many."""
    smallest = None
    for condition in conditions:
        if not condition.ordered:
            rows = reader.execute(f"{condition.rows} LIMIT ?", (*condition.values, few + 1)).fetchall()
            if len(rows) <= few and (smallest is None or len(rows) < len(smallest)):
                smallest = rows
    return None if smallest is None else {row[0] for row in smallest}


def _details(reader: Connection, rows: Iterable[int], tests: str, values: tuple[object, ...]) -> Iterator[str]:
    """Yield the details of those of some rows that pass tests, as JSON; they are read in parts."""
    remaining = iter(rows)
    query = f"SELECT rowid, details FROM files WHERE {ONE_OF_ROWS} AND {tests}"  # noqa: S608 - no input in it
    while part := [*islice(remaining, PART)]:
        found = dict(reader.execute(query, (json.dumps(part), *values)))
        yield from (found[row] for row in part if row in found)
