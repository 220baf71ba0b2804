"""Which row of a run is stored where: hashes and positions, in few arrays, so that a long run needs little memory."""

from __future__ import annotations

from hashlib import blake2b
from itertools import islice
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from numpy.typing import NDArray

_LONGEST = 1 << 18  # rows of an array: to merge longer ones would need much memory for a moment
_AT_ONCE = 5_000  # claims


class TargetRegistry:
    """Paths in the library, and the position of the row that has each: 16 bytes a row, however long the paths are.

    Of each path only 64 bits of a hash are kept. That two of a million differ, and their hashes do not, has odds of
    one in 40 million; the later row is then said to have the earlier one's target, and is not sent.
    """

    def __init__(self) -> None:
        self._runs: list[tuple[NDArray[Any], NDArray[Any]]] = []  # each sorted by hash

    def take(self, paths: Sequence[str | None], start: int) -> dict[int, int]:
        """Give each row its path, unless another row has it.

        Parameters
        ----------
        paths
            Those of rows that follow each other; None takes nothing.
        start
            The position of the first of these rows.

        Returns
        -------
        dict
            Of each row that does not get its path, how many rows after the first it stands → the position of the row
            that has it.
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
        """Give rows their paths, whoever had them before."""
        pairs = zip(paths, positions, strict=True)
        while some := dict(islice(pairs, _AT_ONCE)):
            hashes, owners = _sorted(some)
            known = np.zeros(len(owners), dtype=bool)
            for run, at, found in self._found(hashes):
                run[at] = owners[found]
                known |= found
            self._add(hashes[~known], owners[~known])

    def move_on(self, rows: int) -> None:
        """Count from another table on, which comes after one of so many rows: positions of those are below 0 now."""
        self._runs = [(hashes, positions - rows) for hashes, positions in self._runs]

    def _found(self, hashes: NDArray[Any]) -> Iterator[tuple[NDArray[Any], NDArray[Any], NDArray[Any]]]:
        """Look for sorted hashes: the positions of each array, which of them are meant, and by which of the hashes."""
        for known, positions in self._runs:
            at = np.minimum(known.searchsorted(hashes), len(known) - 1)
            found = known[at] == hashes
            if found.any():
                yield positions, at[found], found

    def _add(self, hashes: NDArray[Any], positions: NDArray[Any]) -> None:
        """Keep hashes that are new; an array is merged with the one before it as soon as that is no longer."""
        if not len(hashes):
            return
        while self._runs and len(self._runs[-1][0]) <= len(hashes) <= _LONGEST // 2:
            known, owners = self._runs.pop()
            at = known.searchsorted(hashes)
            hashes, positions = np.insert(known, at, hashes), np.insert(owners, at, positions)
        self._runs.append((hashes, positions))


def _sorted(owners: dict[Any, int]) -> tuple[NDArray[Any], NDArray[Any]]:
    """Give the hashes of paths, in order, and the positions that go with them."""
    digests = b"".join(blake2b(path.encode("utf-8", "surrogatepass"), digest_size=8).digest() for path in owners)
    hashes, positions = np.frombuffer(digests, dtype="u8"), np.fromiter(owners.values(), dtype="i8", count=len(owners))
    order = hashes.argsort()
    return hashes[order], positions[order]
