"""Encode frames as text, for journals and Parquet files, and decode equal frames.

::

    json_values.py  Python values as JSON
    dtypes.py       dtypes, index and labels as JSON
    text.py         a whole frame as text
    arrow_columns.py  Arrow columns of all types as columns of frames
    bounds.py       limits for the content of files: plain dtypes, depth, sizes
    foreign.py      Arrow tables and Parquet files of other programs
"""
