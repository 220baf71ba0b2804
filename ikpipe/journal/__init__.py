"""The record of a run on disk. The only package that uses sqlite3.

It has the run's table, each request before it is sent, and each result.

::

    entries.py     what a journal records
    sqlite.py      one SQLite file for each run
    format.py      its schema, what each MAC covers, and the upgrade from earlier formats
    proof.py       keys and MACs: whether this account wrote a journal
    inspection.py  a file that is named as a journal, looked at without changing it
    catalog.py     where journals are: start, resume, find and delete them
    recorder.py    the run's table on its way into the journal
    history.py     what is known of rows from earlier results, or from a journal
    storage.py     a folder that several machines share
    shared.py      journals in such a folder
"""
