"""Suffixes that make file names unique, made of the run and of what uniquely identifies a row in it.

The same run and row have the same suffix, on any machine and for each attempt. So the service rejects a second copy,
since its name is taken.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from hashlib import blake2b
from itertools import product
from typing import TYPE_CHECKING, Any, Protocol

from ikpipe.errors import InvalidValue, quoted
from ikpipe.request.content_hash import ContentHashes

if TYPE_CHECKING:
    from ikpipe.request.sources import FileSource

# Base32, two letters at a time: `base64.b32encode` takes ten times as long.
_LETTERS = ["".join(pair) for pair in product("abcdefghijklmnopqrstuvwxyz234567", repeat=2)]
_SHIFTS = (40, 30, 20, 10, 0)


class SuffixRule(Protocol):
    """Makes the suffixes of rows; called once for each row, in the table's order."""

    def __call__(self, position: int, fields: Mapping[str, str], source: FileSource) -> str:
        """Return the suffix of the row at a position of the table, with these parameters and this file.

        Raise `InvalidValue` if nothing uniquely identifies the row.
        """


class SuffixByPosition:
    """Identifies rows by their positions in the run's table, and files of a browser by their ids.

    `run` is the run's id.
    """

    def __init__(self, run: str) -> None:
        self._seed = _seed(f"{run} ")

    def __call__(self, position: int, fields: Mapping[str, str], source: FileSource) -> str:  # noqa: ARG002 - see SuffixRule
        """Return a row's suffix; a browser's file has the same in every run."""
        if source.kind == "held":
            return _suffix(_seed(source.text), "0")
        return _suffix(self._seed, str(position))


class SuffixByKey:
    """Identifies rows by a key: for parts of a table, in which the positions of rows change.

    A row that has changed since the journal's first version of it has a suffix of its key and its content: the suffix
    of the key alone is that of the first version.

    `keys` has the key of each row, by its position; None for an empty cell. `seen` counts the earlier rows with each
    key, and is updated. `contents` are the rows' hashes, those of a journal included; None without a journal.
    """

    def __init__(
        self, run: str, column: object, keys: Sequence[Any], seen: Counter[str], contents: ContentHashes | None = None
    ) -> None:
        self._seed, self._column, self._keys, self._seen = _seed(f"{run} key "), column, keys, seen
        self._contents = contents

    def __call__(self, position: int, fields: Mapping[str, str], source: FileSource) -> str:
        """Return a row's suffix.

        Raise `InvalidValue` if the row has no key, or another row has the same, or its file cannot be read.
        """
        if (key := self._keys[position]) is None:
            words = f"The key column {quoted(self._column)} is empty in this row."
            raise InvalidValue("missing_cell", words, "Fill in the cell.", self._column)
        if isinstance(key, InvalidValue):  # several keys are the same number without its last digits
            raise key.at(self._column)
        self._seen[str(key)] += 1
        if self._seen[str(key)] > 1:
            words = f"Another row has the same key, {quoted(key)}."
            fix = "Use a key column that has a different value in each row."
            raise InvalidValue("same_target", words, fix, self._column)
        if self._contents is not None:
            content = _noted(self._contents, position, fields, source)
            if self._contents.first.get(position, content) != content:
                return _suffix(self._seed, json.dumps([str(key), content]))
        return _suffix(self._seed, str(key))


class SuffixByContent:
    """Identifies rows by the content that they send, and equal rows by their number so far.

    `run` is the run's id. `seen` counts the earlier rows with each content, and is updated. `contents` collects the
    rows' hashes; None keeps them here.
    """

    def __init__(self, run: str, seen: Counter[str], contents: ContentHashes | None = None) -> None:
        self._seed, self._seen = _seed(f"{run} content "), seen
        self._contents = ContentHashes(keyed=False) if contents is None else contents

    def __call__(self, position: int, fields: Mapping[str, str], source: FileSource) -> str:
        """Return a row's suffix; raise `InvalidValue` if the row's file cannot be read."""
        row = _noted(self._contents, position, fields, source)
        self._seen[row] += 1
        return _suffix(self._seed, f"{row} {self._seen[row]}")


def _noted(contents: ContentHashes, position: int, fields: Mapping[str, str], source: FileSource) -> str:
    try:
        return contents.note(position, fields, source)
    except OSError as error:
        words = f"The file {quoted(source.text)} cannot be read: {error.strerror}."
        raise InvalidValue("file_unreadable", words, "Correct its permissions.") from None


def _seed(text: str) -> blake2b:
    return blake2b(text.encode(), digest_size=6)


def _suffix(seed: blake2b, row: str) -> str:
    digest = seed.copy()
    digest.update(row.encode("utf-8", "surrogatepass"))
    number = int.from_bytes(digest.digest(), "big") << 2  # 48 bits, filled up to 50
    return "".join([_LETTERS[number >> shift & 1023] for shift in _SHIFTS])


def with_suffix(name: str, suffix: str) -> str:
    """Return a file name with a suffix before its extension, as the service does it."""
    stem, dot, ending = name.rpartition(".")
    return f"{stem}_{suffix}.{ending}" if dot and stem else f"{name}_{suffix}"
