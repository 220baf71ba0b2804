"""The commands, a module each: its options (`add`), its help (`HELP`), and the function that runs it.

Such a function takes the parsed options and returns the exit status. Heavy modules are imported inside it.

::

    upload.py       upload a table
    plan.py         say what upload would do
    sync.py         make a folder of the library match a folder or a table
    check.py        find problems
    retry.py        upload what is not uploaded yet
    resume.py       finish an interrupted run
    refresh.py      ask again about rows that are pending
    update.py       change files in place
    undo.py         revert a run
    journals.py     list, show or delete journals
    files.py        list files
    delete.py       delete files
    tag.py          add and remove tags
    purge.py        remove files from the cache
    fields.py       list and create custom metadata fields
    url.py          print delivery URLs
    sign.py         print a token
    configure.py    store keys in a profile
    whoami.py       show which account is used
    doctor.py       find what is wrong on this machine
    emulator.py     run a local ImageKit
    auth_server.py  sign uploads for others
    demo.py         run the demo
    docs.py         show a page of the documentation
    completion.py   print the scripts for shells, or the manual page
"""
