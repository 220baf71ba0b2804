"""The library paths of a run's rows, as hashes and positions in few arrays, so that a long run needs little memory."""

from collections.abc import Iterable, Iterator, Sequence
from hashlib import blake2b
from itertools import islice
from typing import Any

import numpy as np
from numpy.typing import NDArray

_LONGEST = 1 << 18  # rows of an array: merging longer ones would need much memory for a moment
_AT_ONCE = 5_000  # claims that are processed together


class TargetRegistry:
    """Paths in the library and the position of the row that has each: 16 bytes a row.

    Only 64 bits of a hash are kept of each path. Among a million paths, the odds of a collision are one in 40 million;
    the later row is then taken for one with the same path, and is not sent.
    """

    def __init__(self) -> None:
        self._runs: list[tuple[NDArray[Any], NDArray[Any]]] = []  # each sorted by hash

    def register(self, paths: Sequence[str | None], start: int) -> dict[int, int]:
        """Register the paths of consecutive rows, unless other rows have them.

        `start` is the position of the first of these rows; a path is None for rows without one. Return, for each row
        whose path another row has, its offset after the first row → the position of the other row.
        """
        places = range(start, start + len(paths))
        first = dict(zip(reversed(paths), reversed(places), strict=True))
        first.pop(None, None)
        hashes, positions = _sorted(first)
        owners, known = positions.copy(), np.zeros(len(positions), dtype=bool)
        for run, at, found in self._found(hashes):
            owners[found] = run[at]
            known |= found
        self._add(hashes[~known], positions[~known])
        if not known.any() and len(first) == len(paths) - paths.count(None):
            return {}
        owner = dict(zip(positions.tolist(), owners.tolist(), strict=True))
        taken = {place: owner[first[path]] for place, path in zip(places, paths, strict=True) if path is not None}
        return {place - start: other for place, other in taken.items() if other != place}

    def claim(self, paths: Iterable[str], positions: Iterable[int]) -> None:
        """Register the paths of rows, even if other rows had them."""
        pairs = zip(paths, positions, strict=True)
        while some := dict(islice(pairs, _AT_ONCE)):
            hashes, owners = _sorted(some)
            known = np.zeros(len(owners), dtype=bool)
            for run, at, found in self._found(hashes):
                run[at] = owners[found]
                known |= found
            self._add(hashes[~known], owners[~known])

    def find(self, paths: Sequence[str]) -> dict[str, int]:
        """Return the position of each of some paths that is registered."""
        if not paths or not self._runs:
            return {}
        hashes = np.frombuffer(b"".join(map(_digest, paths)), dtype="u8")
        places: dict[str, int] = {}
        for run, at, found in self._found(hashes):
            places |= zip((paths[offset] for offset in found.nonzero()[0].tolist()), run[at].tolist(), strict=True)
        return places

    def next_table(self, rows: int) -> None:
        """Count positions from the next table on, after a table of `rows` rows: earlier positions become negative."""
        self._runs = [(hashes, positions - rows) for hashes, positions in self._runs]

    def _found(self, hashes: NDArray[Any]) -> Iterator[tuple[NDArray[Any], NDArray[Any], NDArray[Any]]]:
        """Yield, for each array with some of the hashes, its positions, the indexes of hits and which hashes hit."""
        for known, positions in self._runs:
            at = np.minimum(known.searchsorted(hashes), len(known) - 1)
            found = known[at] == hashes
            if found.any():
                yield positions, at[found], found

    def _add(self, hashes: NDArray[Any], positions: NDArray[Any]) -> None:
        """Add new hashes; an array is merged with the one before it unless that is longer."""
        if not len(hashes):
            return
        while self._runs and len(self._runs[-1][0]) <= len(hashes) <= _LONGEST // 2:
            known, owners = self._runs.pop()
            at = known.searchsorted(hashes)
            hashes, positions = np.insert(known, at, hashes), np.insert(owners, at, positions)
        self._runs.append((hashes, positions))


def _sorted(owners: dict[Any, int]) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return the sorted hashes of paths, and the positions in the same order."""
    digests = b"".join(map(_digest, owners))
    hashes, positions = np.frombuffer(digests, dtype="u8"), np.fromiter(owners.values(), dtype="i8", count=len(owners))
    order = hashes.argsort()
    return hashes[order], positions[order]


def _digest(path: str) -> bytes:
    return blake2b(path.encode("utf-8", "surrogatepass"), digest_size=8).digest()
