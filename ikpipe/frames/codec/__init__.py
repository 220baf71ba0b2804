"""A frame as text that gives an equal frame back, for journals and Parquet files.

::

    json_values.py  Python values as JSON
    dtypes.py       dtypes, index and labels as JSON
    text.py         a whole frame as text
    bounds.py       what a file may ask for: plain dtypes, limited depth and sizes
    foreign.py      Arrow tables and Parquet files of other programs
"""
