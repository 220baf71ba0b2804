"""One row's request and its reply. Pure: no network, no clock; only `sources` looks at files.

::

    account.py     keys and addresses
    policy.py      assumptions about the service that nobody outside can verify
    parameters.py  the table of upload parameters
    values.py      how the value of each kind of parameter is checked and written
    metadata.py    custom metadata, checked against the account's fields
    template.py    text with {column} in it
    columns.py     functions that work on a whole column of cells
    rows.py        mapped rows, column by column
    sources.py     what `file` can be: URL, path, bytes, data URI
    urls.py        http(s) URLs as a browser would send them
    naming.py      suffixes that make a file name unique
    targets.py     which row is stored at which path
    planner.py     rows to requests, or to their problems
    token.py       upload tokens, and the times in them
    form.py        the multipart form
    reply.py       a reply's status, headers and body to a result or an error code
    result.py      the columns that a result adds to its row
    recovery.py    the state machine of one row: retries, the same token again, a search of the library
"""
