"""Read and write tables. The only package of the upload path that uses pandas.

::

    chunks.py        read tables in chunks
    adapters.py      convert tables of other libraries
    foreign_tables.py  read them into memory, once
    cells.py         convert a column's cells to plain Python values
    mapping.py       map columns and keywords to parameters
    update_mapping.py  map columns and keywords to what an update changes
    near_misses.py   find columns whose names are almost those of parameters
    missing_file.py  suggest the column that has the files
    mapping_text.py  write the effective mapping in one line
    results.py       convert results to a frame and back
    part_results.py  the results of a part on a cluster
    result_columns.py  keep the results of a run in little memory
    plans.py         convert planned rows to a frame
    syncs.py         frames of a sync
    result_types.py  check the `ik_` columns of a frame
    edits.py         frames of library files to change, with the results
    schemas.py       derive custom metadata fields from columns
    codec/           encode and decode frames as text
    io/              tables in files: CSV, JSON lines, Parquet, Excel
"""
