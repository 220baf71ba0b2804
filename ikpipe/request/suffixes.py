"""What makes a name unique: a suffix made of the run and of what tells its rows apart.

The same run and row give the same suffix, whoever sends the row and however often. So the service refuses a second
copy, since its name is taken.
"""

from __future__ import annotations

import json
from hashlib import blake2b
from itertools import product
from typing import TYPE_CHECKING, Any, Protocol

from ikpipe.errors import InvalidValue, short_repr
from ikpipe.request.content_hash import ContentHashes

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Mapping, Sequence

    from ikpipe.request.sources import FileSource

# Two letters of base32 a time: `base64.b32encode` takes ten times as long.
_LETTERS = ["".join(pair) for pair in product("abcdefghijklmnopqrstuvwxyz234567", repeat=2)]
_SHIFTS = (40, 30, 20, 10, 0)


class SuffixRule(Protocol):
    """Gives the suffix of a row; called once for each, in the table's order."""

    def __call__(self, position: int, fields: Mapping[str, str], source: FileSource) -> str:
        """Give the suffix of the row at a position of the table, with these parameters and this file.

        Raises
        ------
        InvalidValue
            Nothing tells the row from others.
        """


class SuffixByPosition:
    """Tells rows apart by their positions in the run's table, and held files by what their holder calls them.

    Parameters
    ----------
    run
        The run's id.
    """

    def __init__(self, run: str) -> None:
        self._seed = _seed(f"{run} ")

    def __call__(self, position: int, fields: Mapping[str, str], source: FileSource) -> str:  # noqa: ARG002 - others look
        """Give a row's suffix; a held file has the same in whatever run it is sent."""
        if source.kind == "held":
            return _suffix(_seed(source.text), "0")
        return _suffix(self._seed, str(position))


class SuffixByKey:
    """Tells rows apart by a key: for rows whose positions change, since others take the table apart.

    A row that has changed since a journal first knew it has a name of its own, made of its key and its content: the
    name made of the key alone is that of the first version.

    Parameters
    ----------
    run
        The run's id.
    column
        The column that the keys are from.
    keys
        The key of each row, by its position; None where the cell is empty.
    seen
        The keys of rows before these, which are added to.
    contents
        Takes the rows' hashes, and has those of a journal; None: there is no journal.
    """

    def __init__(
        self, run: str, column: object, keys: Sequence[Any], seen: Counter[str], contents: ContentHashes | None = None
    ) -> None:
        self._seed, self._column, self._keys, self._seen = _seed(f"{run} key "), column, keys, seen
        self._contents = contents

    def __call__(self, position: int, fields: Mapping[str, str], source: FileSource) -> str:
        """Give a row's suffix.

        Raises
        ------
        InvalidValue
            The row has no key, or one that another has too, or its file cannot be read.
        """
        if (key := self._keys[position]) is None:
            words = f"key: the cell of {self._column!r} is empty"
            raise InvalidValue("missing_cell", words, f"fill the column {self._column!r}", self._column)
        self._seen[str(key)] += 1
        if self._seen[str(key)] > 1:
            words = f"key: another row has the key {short_repr(key)} too"
            raise InvalidValue("same_target", words, "name a column with another value in each row", self._column)
        if self._contents is not None:
            content = _noted(self._contents, position, fields, source)
            if self._contents.first.get(position, content) != content:
                return _suffix(self._seed, json.dumps([str(key), content]))
        return _suffix(self._seed, str(key))


class SuffixByContent:
    """Tells rows apart by what is sent of them, and rows that are equal by how many there were before.

    Parameters
    ----------
    run
        The run's id.
    seen
        How many rows before these had each content, which is added to.
    contents
        Takes the rows' hashes; None: nobody wants them.
    """

    def __init__(self, run: str, seen: Counter[str], contents: ContentHashes | None = None) -> None:
        self._seed, self._seen = _seed(f"{run} content "), seen
        self._contents = ContentHashes(keyed=False) if contents is None else contents

    def __call__(self, position: int, fields: Mapping[str, str], source: FileSource) -> str:
        """Give a row's suffix.

        Raises
        ------
        InvalidValue
            Its file cannot be read.
        """
        row = _noted(self._contents, position, fields, source)
        self._seen[row] += 1
        return _suffix(self._seed, f"{row} {self._seen[row]}")


def _noted(contents: ContentHashes, position: int, fields: Mapping[str, str], source: FileSource) -> str:
    try:
        return contents.note(position, fields, source)
    except OSError as error:
        words = f"file: {short_repr(source.text)} cannot be read: {error.strerror}"
        raise InvalidValue("file_unreadable", words, "fix its permissions") from None


def _seed(text: str) -> blake2b:
    return blake2b(text.encode(), digest_size=6)


def _suffix(seed: blake2b, row: str) -> str:
    digest = seed.copy()
    digest.update(row.encode("utf-8", "surrogatepass"))
    number = int.from_bytes(digest.digest(), "big") << 2  # 48 bits, filled up to 50
    return "".join([_LETTERS[number >> shift & 1023] for shift in _SHIFTS])


def with_suffix(name: str, suffix: str) -> str:
    """Put a suffix before the ending, as the service does."""
    stem, dot, ending = name.rpartition(".")
    return f"{stem}_{suffix}.{ending}" if dot and stem else f"{name}_{suffix}"
