"""Many rows: upload, check, retry, resume.

::

    upload.py    `upload`, `aupload`, `retry`, `upload_file`, `aupload_file`
    check.py     `check`
    resume.py    `resume`
    engine.py    a run from its table to its results, for all of these
    prepare.py   read the mapping, and ask for the account's metadata fields
    options.py   the keywords about sending
    job.py       what a run is to do: its table and mapping
    session.py   a run: plan each row, send it, count and record its end
    task.py      a row on its way
    executor.py  carry out the steps of rows: record, send, search
    lookups.py   searches of the library that many rows share
    ordering.py  results in the table's order
    progress.py  progress bars and lines
"""
