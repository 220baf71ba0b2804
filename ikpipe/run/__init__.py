"""Many rows: upload, check, retry, resume.

::

    upload.py          `upload`, `aupload`, `retry`, `upload_file`, `aupload_file`
    check.py           `check`
    resume.py          `resume`
    engine.py          a run from its table to its results, for all of these
    prepare.py         read the mapping, and ask for the account's metadata fields
    stored_mapping.py  what `retry` takes of the mapping in results
    keywords.py        the keywords that these share, with their types and defaults
    options.py         the keywords about sending
    job.py             what a run is to do: its table and mapping
    session.py         a run: plan each row, send it, count and record its end
    task.py            a row on its way
    executor.py        carry out the steps of a row: sign, record, send, look up
    admission.py       when a request may be sent: retry budget, concurrency, rate
    health.py          what the run learns from each reply: contact, keys, rate, when to stop
    lookups.py         searches of the library that many rows share
    ordering.py        results in the table's order
    progress.py        progress bars and lines
"""
