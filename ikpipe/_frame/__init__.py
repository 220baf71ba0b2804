"""Frame → rows, results → frame, and a frame as text. The only part of the line that knows pandas.

::

    feed.py       a table, chunk by chunk
    rows.py       rows that have been read, column by column
    native.py     tables of other libraries, in and out
    plan.py       a chunk → rows
    results.py    results → frame, and back
    tagged.py     Python values as JSON that gives them back
    described.py  what a frame is besides its cells, as JSON, and back: dtypes, index, labels
    frozen.py     a frame as text that gives it back
"""

from ikpipe._frame.feed import Chunk, Feed, Kept, Whole, with_columns
from ikpipe._frame.frozen import Frozen, thaw
from ikpipe._frame.native import Frame
from ikpipe._frame.plan import Plan
from ikpipe._frame.results import (
    Collected,
    Revision,
    answered,
    answers,
    listing_frame,
    problem_frame,
    results_of,
    settled_paths,
    single,
    with_answers,
)
from ikpipe._frame.rows import Rows

__all__ = [
    "Chunk",
    "Collected",
    "Feed",
    "Frame",
    "Frozen",
    "Kept",
    "Plan",
    "Revision",
    "Rows",
    "Whole",
    "answered",
    "answers",
    "listing_frame",
    "problem_frame",
    "results_of",
    "settled_paths",
    "single",
    "thaw",
    "with_answers",
    "with_columns",
]
