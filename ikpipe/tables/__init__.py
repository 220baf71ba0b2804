"""Tables in files: what people bring, and the results that they take away.

::

    reading.py   any table that the command line takes → a frame, its cells as their author sees them
    results.py   a results frame → a file and back, whole or not at all
    text.py      CSV and JSON lines, a chunk at a time
    parquet.py   Parquet, with everything that a frame has
    guard.py     cells that a spreadsheet would run, made harmless
    records.py   the records of CSV and JSON lines
    files.py     opening a table's file: its name, its ending, and the extra that it may need
    columns.py   rows of text as a table for people
"""
