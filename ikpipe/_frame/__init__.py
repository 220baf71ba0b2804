"""Frame → rows, results → frame, and a frame as text. The only part of the line that knows pandas.

::

    feed.py       a table, chunk by chunk
    rows.py       rows that have been read, column by column
    native.py     tables of other libraries, in and out
    plan.py       a chunk → rows
    results.py    results → frame, and back
    answer_types.py  whether the columns of a run have what a run writes
    changes.py    frames of files that are in the library, and what became of their rows
    schemas.py    columns → custom metadata fields
    tagged.py     Python values as JSON that gives them back
    bounds.py     what a file may ask for
    foreign.py    what of other programs' notes on Arrow tables is believed
    described.py  what a frame is besides its cells, as JSON, and back: dtypes, index, labels
    frozen.py     a frame as text that gives it back
"""

from ikpipe._frame.answer_types import check_answers
from ikpipe._frame.changes import Change, Files
from ikpipe._frame.feed import Chunk, Feed, Kept, Whole, with_columns
from ikpipe._frame.frozen import Frozen, thaw
from ikpipe._frame.native import Frame, Native
from ikpipe._frame.plan import Plan
from ikpipe._frame.results import (
    Collected,
    Revision,
    answered,
    answers,
    cells_of,
    listing_frame,
    problem_frame,
    results_of,
    settled_paths,
    single,
    with_answers,
)
from ikpipe._frame.rows import Rows
from ikpipe._frame.schemas import Planned, fields_frame, planned, planned_frame

__all__ = [
    "Change",
    "Chunk",
    "Collected",
    "Feed",
    "Files",
    "Frame",
    "Frozen",
    "Kept",
    "Native",
    "Plan",
    "Planned",
    "Revision",
    "Rows",
    "Whole",
    "answered",
    "answers",
    "cells_of",
    "check_answers",
    "fields_frame",
    "listing_frame",
    "planned",
    "planned_frame",
    "problem_frame",
    "results_of",
    "settled_paths",
    "single",
    "thaw",
    "with_answers",
    "with_columns",
]
