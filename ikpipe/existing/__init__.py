"""What the media library has already, and what a row does about it: `on_existing=`, `changed_by=`, `state=`.

`ikpipe.run` asks before it sends a row. Nothing here knows of tables, runs or journals.

::

    library_files.py  which files the library has at the targets of rows, in few requests
    listed_files.py   listings, page by page, and searches (pure)
    decision.py       which action a row needs (pure)
    differences.py    which of a row's details differ from a file's (pure)
    fingerprints.py   what identifies the content of a row
    state.py          what ikpipe knows of the files that it stored
"""
