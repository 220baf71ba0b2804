"""Frame → rows, and results → frame. The only part of the line that knows pandas.

::

    plan.py     frame → rows
    results.py  results → frame, and back
    tagged.py   Python values as JSON that gives them back
"""

from ikpipe._frame.plan import CHUNK, Plan, Row
from ikpipe._frame.results import listing_frame, problem_frame, result_frame, results_of, single

__all__ = [
    "CHUNK",
    "Plan",
    "Row",
    "listing_frame",
    "problem_frame",
    "result_frame",
    "results_of",
    "single",
]
