"""Tables in files: input tables of many formats, and results.

::

    options.py        how a table is read, as far as the user says it
    reading.py        read a whole table of any format
    streams.py        read CSV, JSON lines and Parquet chunk by chunk
    records.py        the records of CSV and JSON lines
    results.py        write results to a file, and read them back
    writing.py        write results chunk by chunk; the file appears when it is complete
    text.py           CSV and JSON lines
    parquet.py        Parquet, with everything that a frame has
    formula_guard.py  escape cells that a spreadsheet would run as formulas
    opening.py        open a table's file by its name and suffix
"""
