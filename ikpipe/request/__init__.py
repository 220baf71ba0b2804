"""One row's request and its reply. Pure: no network, no clock; only `sources`, `content_hash` and profiles read files.

::

    account.py       the keys and URLs of an account
    profiles.py      where an account's settings come from: environment, profile, keyring
    user_folders.py  the user's folders for configuration and state
    config_file.py   write profiles
    keyring_access.py  the private key in the system's keyring
    keyring_program.py  the program that asks the keyring
    secrets.py       secrets as text that is never shown, and checks of settings
    user_folders.py  the folder where this user's journals are
    policy.py        assumptions about the service
    parameters.py    the table of upload parameters
    values.py        check and write the values of each kind of parameter
    update_values.py  check the values that only updates take
    missing.py       which values mean "not given"
    formats.py       formats of cells: separators of tags, decimal marks and words for booleans in text
    metadata.py      check custom metadata against the account's fields
    template.py      templates such as "{sku}.jpg"
    template_filters.py  the filters of templates, such as slug
    template_formats.py  the formats of numbers, text and dates in templates
    locations.py     the paths of files, for {file.name} in templates
    suspicious_texts.py  errors of spreadsheets and missing values as text
    columns.py       apply functions to columns of cells
    rows.py          the values of mapped rows, and problems of them
    sources.py       resolve `file`: URL, path, bytes, data URI, base64
    urls.py          http(s) URLs as a browser would send them
    names.py         file and folder names, as given and as sent
    suffixes.py      suffixes that make a file name unique
    targets.py       the library paths of rows
    row_texts.py     the texts of the values of rows, and their errors
    planner.py       build requests of rows, or find their problems
    update_requests.py  what rows of an update change, or their problems
    token.py         sign upload tokens
    content_hash.py  hash the content that a row sends
    known_runs.py    the runs of this process by their ids
    form.py          the multipart form
    reply.py         read a reply as a result or an error code
    result.py        the columns that a result adds to its row
    recovery.py      the state machine of one row: retries, repeated tokens, library searches
"""
