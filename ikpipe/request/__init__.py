"""One row's request and its reply. Pure: no network, no clock; only `sources` and `content_hash` look at files.

::

    account.py       keys and addresses
    secrets.py       keys and other text that is never shown
    policy.py        assumptions about the service that nobody outside can verify
    parameters.py    the table of upload parameters
    values.py        how the value of each kind of parameter is checked and written
    missing.py       what means "not given" inside a list or an object
    metadata.py      custom metadata, checked against the account's fields
    template.py      text with {column} in it
    columns.py       functions that work on a whole column of cells
    rows.py          mapped rows, column by column
    sources.py       what `file` can be: URL, path, bytes, data URI
    urls.py          http(s) URLs as a browser would send them
    names.py         file and folder names: as given, as sent, and the paths where one file can be
    suffixes.py      suffixes that make a file name unique
    targets.py       which row is stored at which path
    planner.py       rows to requests, or to their problems
    token.py         upload tokens, and the times in them
    content_hash.py  what identifies the content that a row sends
    known_runs.py    the runs of this process, which `retry` finds by their id
    form.py          the multipart form
    reply.py         a reply's status, headers and body to a result or an error code
    result.py        the columns that a result adds to its row
    recovery.py      the state machine of one row: retries, the same token again, a search of the library
"""
