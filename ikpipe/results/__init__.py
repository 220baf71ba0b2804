"""The results of a run in files.

::

    files.py     a frame → a file and back, whole or not at all
    text.py      CSV and JSON lines, a chunk at a time
    parquet.py   Parquet, with everything that a frame has
    tagged.py    Python values as JSON that gives them back
    guard.py     cells that a spreadsheet would run, made harmless
"""

from ikpipe.results.files import read_results, write_csv, write_results

__all__ = ["read_results", "write_csv", "write_results"]
