"""The record of a run on disk: its table, each request before it is sent, and each result. The only user of sqlite3.

::

    entries.py     what a journal records
    sqlite.py      one SQLite file for each run
    inserts.py     how entries are written to it
    format.py      its schema, what each MAC covers, and the upgrade from earlier formats
    proof.py       keys and MACs: whether this account wrote a journal
    inspection.py  a file that is named as a journal, checked without changing it
    glances.py     what a journal says in a few numbers, and its removal
    survey.py      what journals say of their runs, for `ikpipe journals`
    catalog.py     where journals are: start, resume, list and delete them
    recorder.py    the run's table, recorded before its rows are sent
    history.py     what is known of rows from earlier results, or from a journal
    storage.py     a folder that several machines share
    shared.py      the journal of a run in such a folder
    segments.py    its files
    joining.py     how they become fewer
    shared_entries.py  the lines of these files, and what they say of a row together
    shared_parts.py    such journals of an earlier ikpipe

Theory of operation
===================

A process can be killed at any moment, and ImageKit may store a file whose reply is lost. The journal makes sure that
the next process knows of every request that may have stored something, so that it never starts such a row afresh.

Order of entries
----------------
1. `TablePiece`, `TableComplete`: the table's cells, so that the run can be finished without the frame.
2. `RowPrepared`: a row's parameters exactly as they are signed.
3. `RowBefore`, only if the row replaces or changes a file that is known: the file as it was, for `undo`. It is durable
   before the request that changes it is sent.
4. `Intent`: one request, with the times of its token. It is durable (SQLite with ``synchronous=FULL``) *before* the
   first byte is sent; many rows share one write (`concurrency/group_commit.py`).
5. `IntentVoided`, only if the request was not sent after all, or if ImageKit's own reply proves that it stored nothing
   and no earlier request may have.
6. `RowEnded`: the result. It is written soon after the reply, not before anything else.

What a killed process leaves
----------------------------
========================  ==============================================================================
last entry of the row     what the next process does
========================  ==============================================================================
none, or `RowPrepared`    nothing was sent: start the row
`Intent`                  the file may be stored: send the same token again, then search the library
`IntentVoided`            nothing is stored: start the row
`RowEnded`, unknown       as after `Intent`
`RowEnded`, otherwise     keep the result
========================  ==============================================================================

A lost `IntentVoided` or `RowEnded` therefore costs a search, never a second copy. The token need not be kept: the same
fields, `iat` and `exp` signed with the same key give the same token (`LocalSigner.sign_at`). Only a token that another
machine signed is in the journal, until its row has ended. `request/recovery.py` has the rest of the argument.

Formats
-------
Format 4 is written. Format 3, which had no `RowBefore`, is extended when it is opened; format 2, which had no MACs, is
read if the user trusts it (`format.upgrade`). Entry tags of shared
journals and the columns of the tables are fixed: a journal of an earlier version must be readable for ever.

Proof
-----
A journal says which files are sent where, so that only one that this account wrote is obeyed. Every entry has a MAC by
a key that is derived from the private key and the run's id (`proof.py`), checked whenever the entry is read. MACs do
not show that whole entries were removed, or that the file is an older copy of itself: then rows may be sent again.
"""
