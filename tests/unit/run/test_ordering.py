"""Results in the table's order, chunk by chunk, whatever ends first."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

from ikpipe.frames.chunks import Chunk, InMemoryTable
from ikpipe.journal.history import RowHistory
from ikpipe.request.result import Result
from ikpipe.run.ordering import OrderedResults


class Kept:
    """A sink that records the statuses of each chunk, and fails at a given step."""

    def __init__(self, fails: str = "") -> None:
        self.taken: list[Any] = []
        self._fails = fails

    def prepare(self, _chunk: Chunk, results: list[Result] | None) -> Any:
        """Return the statuses."""
        self._fail("prepare")
        return results and [one.status for one in results]

    def take(self, prepared: Any) -> None:
        """Record the statuses."""
        self._fail("take")
        self.taken.append(prepared)

    def close(self, _summary: Any) -> str:
        """Return a value."""
        self._fail("close")
        return "all"

    def _fail(self, step: str) -> None:
        if step == self._fails:
            raise OSError(step)


def chunks(*rows: int) -> list[Chunk]:
    """Return chunks with these numbers of rows."""
    frame = pd.DataFrame({"a": range(sum(rows))})
    whole = next(InMemoryTable(frame).chunks())
    ends = [sum(rows[: at + 1]) for at in range(len(rows))]
    return [whole.part(end - size, end) for size, end in zip(rows, ends, strict=True)]


UP = Result("uploaded")


def test_a_chunk_waits_for_those_before_it() -> None:
    """The second chunk ends first, and is passed on after the first."""
    sink = Kept()
    batches = OrderedResults(sink)
    first, second = (batches.begin(chunk, {}) for chunk in chunks(2, 1))
    batches.end(second, 2, UP)
    batches.end(first, 1, UP)
    assert sink.taken == []
    batches.end(first, 0, Result("failed"))
    assert sink.taken == [["failed", "uploaded"], ["uploaded"]]


def test_what_has_not_ended_is_given_on_at_the_end() -> None:
    """Each row has what is certain: its earlier result, or that it was not started."""
    sink = Kept()
    batches = OrderedResults(sink)
    batches.begin(chunks(3)[0], {1: RowHistory(UP)})
    batches.close()
    assert sink.taken == [["cancelled", "uploaded", "cancelled"]]
    assert batches.counts == {"cancelled": 2, "uploaded": 1}


def test_chunks_that_were_never_begun_follow() -> None:
    """Skipped chunks have no results, unless earlier ones are known."""
    sink = Kept()
    batches = OrderedResults(sink)
    none, known = chunks(2, 2)
    batches.skip(none, {})
    batches.skip(known, {3: RowHistory(UP)})
    assert sink.taken == [None, ["cancelled", "uploaded"]]
    assert batches.counts == {"cancelled": 3, "uploaded": 1}


def test_a_chunk_without_rows_is_given_on() -> None:
    """An empty table still has its columns."""
    sink = Kept()
    OrderedResults(sink).begin(chunks(0)[0], {})
    assert sink.taken == [[]]


@pytest.mark.parametrize("step", ["prepare", "take", "close"])
def test_a_sink_that_fails_disturbs_nobody(step: str) -> None:
    """The run goes on: the error is recorded, all rows are counted, and the sink is not called again."""
    sink = Kept(step)
    batches = OrderedResults(sink)
    for chunk in chunks(1, 1):
        batches.end(batches.begin(chunk, {}), chunk.start, UP)
    assert batches.finish({}) is None
    assert str(batches.error) == step
    assert batches.counts == {"uploaded": 2}
    assert len(sink.taken) == (2 if step == "close" else 0)


def test_the_sink_has_the_last_word() -> None:
    """What the sink returns for all results is returned."""
    assert OrderedResults(Kept()).finish({}) == "all"
