"""Many rows: upload, check, plan, sync, retry, resume, update, undo.

::

    upload.py          `upload`, `aupload`, `upload_file`, `aupload_file`
    retry.py           `retry`: which rows of results are sent again
    check.py           `check`
    targets.py         which files rows would replace, for `check`
    plan.py            `plan`: what `upload` would do
    resume.py          `resume`
    undo.py            `undo`: revert a run
    undo_source.py     the journal or the results of the run that is undone
    undo_rows.py       what each of its rows did to the library
    update.py          `update`: change files of the library
    updater.py         an update: decide about each row, send what changes, record it
    update_journal.py  the journal of an update
    update_rows.py     find the files of rows of an update, decide, and send what changes
    engine.py          a run from its table to its results, for all of these
    prepare.py         check the mapping's settings, and ask for the account's metadata fields
    stored_mapping.py  what `retry` takes from the mapping in results
    keywords.py        the keywords that these share, with their types and defaults
    options.py         how to send: the keywords that are not about the files
    job.py             the job of a run: its table and mapping, and what is known from before
    existing_rows.py   what rows do about files that are at their targets
    session.py         a run: plan each row, send it, count and record how it ends
    endings.py         why a run ended early, as an error
    task.py            one row while it is uploaded
    task_log.py        what is logged of a row
    run_log.py         what is logged of a run as a whole
    executor.py        carry out the steps of a row: sign, record, send, look up
    admission.py       when a request may be sent: retry budget, concurrency, rate
    health.py          what the run learns from each reply: contact, keys, rate, when to stop
    remote_signing.py  tokens from an authentication endpoint, as fast as it allows
    lookups.py         searches of the library that many rows share
    ordering.py        results in the table's order
    report.py          summaries and problems as text
    tally.py           count results on their way to a frame or a file
    telemetry.py       metrics and spans of OpenTelemetry
    summaries.py       the summary of a run as data; `summary.schema.json` is its schema
    plan_report.py     the totals of a plan as text
    sync_report.py     the totals of moves and deletions as text
    progress.py        what is known of a run's progress, and its text
    progress_display.py  progress bars and lines
    progress_tracker.py  what a run shows of its progress
    existing/          what the library has already, and what a row does about it
    syncing/           `sync`
"""
