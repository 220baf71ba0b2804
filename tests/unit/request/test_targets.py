"""Which row has which path in the library: as a plain dict would have it, in far less memory."""

from __future__ import annotations

import tracemalloc

from hypothesis import given
from hypothesis import strategies as st

from ikpipe.request.targets import TargetRegistry

paths = st.sampled_from(["/a", "/b", "/c/a", "/c/b", "/é", "/\ud83d"])
chunks = st.lists(st.lists(st.none() | paths, max_size=6), max_size=8)
claims = st.dictionaries(paths, st.integers(0, 60), max_size=4)


@given(chunks, claims)
def test_it_is_a_dict(chunks: list[list[str | None]], claims: dict[str, int]) -> None:
    """The first row has a path, unless it was claimed; a row that claimed its own path is no other row."""
    targets, plainly = TargetRegistry(), dict(claims)
    targets.claim(claims, claims.values())
    start = 0
    for chunk in chunks:
        wanted = {}
        for at, path in enumerate(chunk):
            if path is not None and (other := plainly.setdefault(path, start + at)) != start + at:
                wanted[at] = other
        assert targets.register(chunk, start) == wanted
        start += len(chunk)


@given(claims, claims)
def test_the_last_claim_counts(first: dict[str, int], second: dict[str, int]) -> None:
    """A path that is claimed twice is the later row's."""
    targets = TargetRegistry()
    for some in (first, second):
        targets.claim(some, some.values())
    both = first | second
    assert targets.register(list(both), 100) == dict(enumerate(both.values()))


def test_a_long_run_is_a_dict_too() -> None:
    """Over many chunks, whose arrays are merged: each path is found again."""
    targets = TargetRegistry()
    for start in range(0, 60_000, 500):
        assert targets.register([f"/{row}" for row in range(start, start + 500)], start) == {}
    assert targets.register([f"/{row}" for row in range(59_990, 60_010)], 60_000) == {
        at: 59_990 + at for at in range(10)
    }


def test_rows_of_another_table_have_positions_below_0() -> None:
    """Counted back from the first row of the table that follows it."""
    targets = TargetRegistry()
    targets.register(["/a", "/b", "/c"], 0)
    targets.next_table(3)
    assert targets.register(["/d", "/c", "/a"], 0) == {1: -1, 2: -3}


def test_it_needs_few_bytes_a_row() -> None:
    """Less than 24 at any moment, but for a few megabytes that a run of any length needs to merge arrays."""
    rows = 100_000
    targets = TargetRegistry()
    tracemalloc.start()
    try:
        targets.claim((f"/path/{row}" for row in range(rows)), range(rows))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 24 * rows + 4_000_000
