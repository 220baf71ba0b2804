"""What the media library has already, and what a row does about it: `on_existing=`, `changed_by=`, `state=`.

`ikpipe.run` asks before it sends a row. Nothing here knows of tables, runs or journals.

::

    existing_files.py decide what rows do, change details, remember what was stored
    library_files.py  which files the library has at the targets of rows, in few requests
    library_tree.py   all files of a folder and below it
    listed_files.py   listings, page by page, and searches (pure)
    rules.py          what the caller wants: `on_existing`, `changed_by`, `dedupe`
    decision.py       which action a row needs (pure)
    updates.py        change the details of a file
    relocation.py     rename and move files
    reversal.py       what undoing a run does about a file (pure)
    reversed_details.py  which details it sets back (pure)
    reverser.py       do it: delete files, restore versions, set back details
    requests.py       requests to the media API, at a limited rate and repeated
    differences.py    which of a row's details differ from a file's (pure)
    fingerprints.py   what identifies the content of a row's file
    known_files.py    records of the files that ikpipe stored (pure)
    duplicates.py     rows of a run that share one file
    state.py          where the records are: open the one that `state=` names
    sqlite_state.py   in a file
    shared_state.py   in a folder, or at a URL, for several machines
    library_state.py  in custom metadata of the library's files
"""
