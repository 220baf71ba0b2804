"""Frame → rows, results → frame, and a frame as text. The only part of the line that knows pandas.

::

    feed.py       a table, chunk by chunk
    rows.py       rows that have been read, column by column
    plan.py       a chunk → rows
    results.py    results → frame, and back
    tagged.py     Python values as JSON that gives them back
    described.py  what a frame is besides its cells, as JSON, and back: dtypes, index, labels
    frozen.py     a frame as text that gives it back
"""

from ikpipe._frame.feed import Chunk, Feed, Whole
from ikpipe._frame.frozen import freeze, pieces, thaw
from ikpipe._frame.plan import Plan
from ikpipe._frame.results import listing_frame, problem_frame, result_frame, results_of, single
from ikpipe._frame.rows import Rows

__all__ = [
    "Chunk",
    "Feed",
    "Plan",
    "Rows",
    "Whole",
    "freeze",
    "listing_frame",
    "pieces",
    "problem_frame",
    "result_frame",
    "results_of",
    "single",
    "thaw",
]
