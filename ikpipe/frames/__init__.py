"""Tables in and out. The only package of the upload path that uses pandas.

::

    chunks.py        a table, chunk by chunk
    adapters.py      tables of other libraries, in and out
    cells.py         a column's cells as plain Python values
    mapping.py       which column gives which parameter
    results.py       results to a frame, and back
    result_types.py  whether the columns of a run have what a run can have written
    edits.py         which files of the library a frame names, and what became of each
    schemas.py       columns to custom metadata fields
    codec/           a frame as text that gives an equal frame back
    io/              tables in files: CSV, JSON lines, Parquet, Excel
"""
