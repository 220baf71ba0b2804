"""Keep a folder of the library in step with a folder or a table: `ikpipe.sync`.

Uploads are those of a run (`ikpipe.run`) with ``on_existing="sync"``; what is here is around them.

::

    sync.py           `ikpipe.sync`
    folder_sync.py    one sync: plan, move, upload, delete
    sources.py        a folder, a URL or a table as rows
    local_folder.py   the files of a local folder
    remote_folder.py  the files at a URL that fsspec opens
    patterns.py       include and exclude, as rclone has them (pure)
    planned.py        what would be done, with the paths of rows (pure)
    moves.py          files that were renamed or moved
    guards.py         what may be deleted, and when nothing may be (pure)
    deletions.py      delete files by their ids
"""
