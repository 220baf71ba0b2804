"""`upload` and `upload_file`, as coroutine functions and as blocking functions."""

from pathlib import Path
from typing import Unpack

from ikpipe.concurrency.interrupts import to_sync
from ikpipe.errors import UnreachableError
from ikpipe.frames.adapters import Frame
from ikpipe.frames.chunks import InMemoryTable
from ikpipe.frames.results import one_file_frame, results_of
from ikpipe.request.account import Account
from ikpipe.request.result import Result
from ikpipe.run import engine
from ikpipe.run.job import UploadJob
from ikpipe.run.keywords import FileKeywords, UploadKeywords, listed_keywords, split_keywords
from ikpipe.run.summaries import summarized


@listed_keywords(UploadKeywords)
async def aupload(
    frame: Frame, account: Account, *, journal: str | Path | None = None, **keywords: Unpack[UploadKeywords]
) -> Frame:
    """Upload one file per row, and return the results as columns of the table.

    A parameter of a row comes from the first of these that has a value: `columns`, a column named like the parameter, a
    keyword (``{column}`` in its text is replaced by the row's value), and for `file_name` the file's own name.
    ``docs/mapping.md`` describes the mapping.

    Parameters
    ----------
    frame
        n rows: a pandas or polars DataFrame, a pyarrow Table, or another table with Arrow's C stream interface, such as
        a polars LazyFrame or a DuckDB relation. It is never changed; a stream is read once.
    account
        Keys and URLs of an ImageKit account.
    columns
        Parameter → column; a list of columns for `tags`, ``{field: column}`` for `custom_metadata`.
    ignore
        Columns that are not used for the parameter that their name is, or is similar to.
    root
        Folder of the files that text names, which their paths may not leave; None: text must be a URL or a data URI.
    file_kind
        ``"base64"``: text is raw base64, which cannot be distinguished from a path.
    fetch
        ``"client"`` downloads URLs on this machine and sends their bytes, instead of letting ImageKit download them.
    fetch_hosts
        Hosts and networks that may be downloaded from although their addresses are not public, such as
        ``["intranet.example.com", "10.0.0.0/8", "10.1.2.3:8080"]``. It is never read from a file.
    tag_separator
        What separates tags in text, such as ``";"``.
    decimal
        The decimal mark in text, ``"."`` or ``","``, for fields of the type Number and for formats in templates.
    true_values, false_values
        Words for true and false in text, such as ``["ja"]`` and ``["nein"]``, besides true/false, yes/no and 1/0.
    on_existing
        What happens where a file is at the target of a row: ``"replace"`` makes it an earlier version (the default for
        fixed names), ``"skip"`` leaves it (``skipped``), ``"error"`` fails the row (`name_taken`), and ``"sync"`` sends
        only what differs: rows are ``unchanged``, ``updated`` in place, or replaced. Names are fixed.
        ``docs/existing.md`` describes it.
    changed_by
        How ``"sync"`` sees that content has changed: ``"content"`` compares the SHA-256 of local files and bytes, and
        what a URL's host says of its file (a strong ETag, else Last-Modified with the length); ``"size"`` compares
        sizes; a column such as ``"updated_at"`` compares its cells.
    dedupe
        Whether rows whose content and parameters are equal apart from the name share one file (``duplicate``).
    concurrency
        Maximum number of concurrent uploads; None: automatic, separately for URLs and for files sent from this machine.
    rate
        Maximum number of requests started per second.
    bandwidth
        Maximum number of bytes of files per second that this machine sends, and likewise that it downloads with
        ``fetch="client"``: a number; or text as rclone writes it, with binary units, such as ``"5M"`` (MiB/s),
        ``"10M:2M"`` (upload, download), ``"off"``, or by the time of day ``"08:00,512k 18:00,10M 23:00,off"``.
        ``docs/bandwidth.md`` describes it.
    retries
        Attempts after the first for retryable failures, each with a fresh token.
    max_failures
        Stop the run, and raise `UploadError`, when this many rows are ``invalid``, ``failed`` or ``unknown``; None sets
        no limit.
    timeout
        Seconds without any progress after which an attempt ends, instead of all other time-outs; None: 10 to connect,
        30 to write, as `Policy` says for the reply, and 25 for a dead connection.
    journal
        File that records the run, so that `resume` can finish it if it is interrupted; None creates one in the user's
        state folder, named in ``attrs["ikpipe"]["journal"]``. A journal of the same frame, mapping and account is
        continued: only what is left is sent. That of a finished run for another frame is moved to the state folder, and
        a new one is started.
    state
        Where ikpipe keeps what it stored, to compare content with: a SQLite file (by default one for each account in
        the user's state folder), a folder or URL that machines share, or ``"library"`` for the custom metadata field
        `ikpipe_content`. It is kept with ``on_existing="sync"`` or `dedupe`, and wherever it is passed.
    run
        Name of the run, such as ``"night-2026-11-30"``. A run that is repeated with the same name, also on another
        machine and without a journal, makes the same unique names, and stores nothing twice. The names are made of the
        rows' content, so local files are read twice.
    trust_journal
        Accept a journal that does not prove that this account wrote it: its private key was replaced, it comes from
        another machine without the private key, or an earlier version of ikpipe wrote it. It must have the same public
        key, and is proven from then on.
    progress
        Whether to show a bar or lines; or a callback that gets a `Progress` often. ``docs/progress.md`` describes it.
    on_result
        Called with index label and `Result` as each row ends, in the thread of the run.
    on_summary
        Called once with the summary of the call when it ends, also if it raises an exception; ``docs/summaries.md`` has
        its fields. An exception that it raises is logged.
    on_unknown
        For a row that may be stored, where the media library cannot be searched: ``"hold"`` leaves it ``unknown``,
        ``"resend"`` sends it again with a fresh token, which can store a file twice unless its name is fixed.
    on_error
        ``"raise"`` stops the run at the first row that is not uploaded.
    policy
        Overrides assumptions about ImageKit that its documentation leaves open.
    transport
        An httpx transport to use instead of the network.
    **parameters
        Upload parameters, the same for every row; `path` sets folder and file name together, as in
        ``path="/products/{brand|slug}/{file.stem}-{row:05d}{file.ext}"``.

    Returns
    -------
    pandas.DataFrame, or what the input was
        n rows: the input's index, order and columns, then the ``ik_`` columns; ``attrs["ikpipe"]`` is the summary.
        A table that is not a pandas DataFrame has nested results, all but `ik_tags`, as JSON. The results of a polars
        LazyFrame are a polars DataFrame, those of another lazy table or stream a pyarrow Table.

    Raises
    ------
    MappingError
        Columns, templates or keywords do not fit the frame; nothing was sent.
    AccountError
        The keys are missing or rejected, or a quota is used up; ``.results`` has the results so far.
    JournalError
        The journal cannot be used, or nothing proves that this account wrote it; nothing is sent that is not recorded.
        ``.results`` has the results so far.
    UploadError
        A row was not uploaded with ``on_error="raise"``, or there were `max_failures`; ``.results`` has the results so
        far.
    """
    with summarized("upload", keywords.pop("on_summary", None)) as report:
        mapping, sending = split_keywords(aupload, UploadKeywords, keywords)
        options = engine.send_options(**sending)
        job = UploadJob(InMemoryTable(frame), mapping)
        results: Frame = await engine.collect_results(engine.begin, job, account, options, journal, report)
        return results


upload = to_sync(aupload, "upload")


@listed_keywords(FileKeywords)
async def aupload_file(file: str | bytes | Path, account: Account, **keywords: Unpack[FileKeywords]) -> Result:
    """Upload one file.

    Parameters
    ----------
    file
        URL, data URI, bytes, a `pathlib.Path`, or text below `root`.
    account, root, file_kind, fetch, fetch_hosts, bandwidth, retries, timeout, on_unknown, policy, transport,
    **parameters
        As for `upload`.

    Returns
    -------
    Result
        Its `status` says whether the file is uploaded.

    Raises
    ------
    MappingError
        A parameter breaks its rule.
    AccountError
        The keys are missing or rejected, or a quota is used up.
    """
    mapping, sending = split_keywords(aupload_file, FileKeywords, keywords)
    options = engine.send_options(**sending, concurrency=1, progress=False)
    # No journal: the result of one file has all that a retry needs, and nobody would search for a journal.
    try:
        results = await engine.collect_results(
            engine.send, UploadJob(InMemoryTable(one_file_frame(file)), mapping), account, options, None
        )
    except UnreachableError as error:  # the result of the one file says so too
        results = error.results
    return results_of(results)[0]


upload_file = to_sync(aupload_file, "upload_file")
