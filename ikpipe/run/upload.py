"""The recipe: upload, retry, upload_file. Each coroutine here has its blocking twin."""

from __future__ import annotations

from typing import TYPE_CHECKING, Unpack

from ikpipe.concurrency.control import to_sync
from ikpipe.errors import UnreachableError
from ikpipe.frames.chunks import InMemoryTable
from ikpipe.frames.results import results_of, single
from ikpipe.run import engine
from ikpipe.run.job import UploadJob
from ikpipe.run.keywords import DEFAULTS, FileKeywords, UploadKeywords, parted, spelled_out

if TYPE_CHECKING:
    from pathlib import Path

    from ikpipe.frames.adapters import Frame
    from ikpipe.request.account import Account
    from ikpipe.request.result import Result


@spelled_out(UploadKeywords)
async def aupload(
    frame: Frame, account: Account, *, journal: str | Path | None = None, **keywords: Unpack[UploadKeywords]
) -> Frame:
    """Upload a row a file, and give the answers beside the rows.

    Where a row's parameters come from, the first that has a value: `columns`, a column named like the parameter, a
    keyword (``{column}`` in its text is filled from the row), and for `file_name` the file's own name. The whole
    mapping is in ``docs/mapping.md``.

    Parameters
    ----------
    frame
        n rows: a pandas or polars DataFrame, or a pyarrow Table; it is never changed.
    account
        Keys and addresses.
    columns
        Parameter → column; a list of columns for `tags`, ``{field: column}`` for `custom_metadata`.
    root
        Folder that text paths live in and may not lead out of; without it, text must be a URL or a data URI.
    file_kind
        ``"base64"``: text is raw base64, which cannot be told from a path.
    fetch
        ``"client"`` downloads URLs here and sends their bytes, instead of letting the service fetch them.
    fetch_hosts
        Hosts and networks that may be downloaded from here although their addresses are not public, such as
        ``["intranet.example.com", "10.0.0.0/8", "10.1.2.3:8080"]``. It is never read from a file.
    concurrency
        Uploads in flight; None finds out how many do best, for URLs and for files that are sent from here apart.
    rate
        Requests begun per second, at most.
    retries
        Attempts after the first for what is plainly worth another, each with a fresh token.
    max_failures
        Stop the run, and raise `UploadError`, when this many rows are ``invalid``, ``failed`` or ``unknown``; None sets
        no limit.
    timeout
        Seconds without any progress after which an attempt is given up, instead of all other clocks; None: 10 to
        connect, 30 to write, to answer what `Policy` says, and 25 for a peer that is gone.
    journal
        File that keeps what is done, so that `resume` can finish a run that was cut off; None makes one in the user's
        state folder, and ``attrs["ikpipe"]["journal"]`` names it. A journal that is there already is gone on with, if
        it is of the very same frame, mapping and account: only what is left is done.
    trust_journal
        Take a journal that does not prove that this account wrote it, since its private key was replaced, since it
        comes from another machine where there was no private key, or since an earlier ikpipe wrote it. It must be of
        the same public key, and is proven from then on.
    progress
        A bar or lines; or a callback that is given a `Progress` often.
    on_result
        Called with index label and `Result` as each row ends, from the thread of the run.
    on_unknown
        What becomes of a row in doubt where nobody can look into the library: it is held as ``unknown``, or sent
        again with a fresh token (``"resend"``), which can store a file twice where its name is not fixed.
    on_error
        ``"raise"`` stops the run at the first row that is not up.
    policy
        What to believe of the service where nobody outside knows.
    transport
        An httpx transport to use instead of the network.
    **parameters
        Upload parameters, the same for every row.

    Returns
    -------
    pandas.DataFrame, or what the input was
        n rows: the input's index, order and columns, then the ``ik_`` columns; ``attrs["ikpipe"]`` is the summary.
        A table that is no pandas DataFrame has nested results, all but `ik_tags`, as JSON.

    Raises
    ------
    MappingError
        Columns, templates or keywords do not fit the frame; nothing was sent.
    AccountError
        The keys are missing or refused, or a quota is used up; ``.results`` is the frame as far as it got.
    JournalError
        The journal cannot be used, or nothing proves that this account wrote it: nothing is sent that is not in it.
        ``.results`` is the frame as far as it got.
    UploadError
        ``on_error="raise"`` and a row is not up, or there were `max_failures`; ``.results`` is the frame as far as it
        got.
    """
    mapping, sending = parted(UploadKeywords, keywords)
    options = engine.options(**sending)
    results: Frame = await engine.collected(
        engine.begin, UploadJob(InMemoryTable(frame), mapping), account, options, journal
    )
    return results


upload = to_sync(aupload, "upload")


@spelled_out(UploadKeywords, {**DEFAULTS, "fetch": None})
async def _retry(
    results: Frame,
    account: Account,
    *,
    journal: str | Path | None = None,
    earlier_journal: str | Path | None = None,
    **keywords: Unpack[UploadKeywords],
) -> Frame:
    """Send the rows of a results frame that are not up yet.

    Rows that are ``uploaded``, ``exists`` or ``accepted`` stay as they are (`refresh` tells what became of the last, as
    `webhooks.apply` does). ``unknown`` ones may be stored: the library
    is looked into first. Where nobody can, they are held, unless `on_unknown` is ``"resend"``.

    Parameters
    ----------
    results
        What `upload` gave, or `read_results`.
    account, fetch_hosts, concurrency, rate, retries, max_failures, timeout, progress, on_result, on_unknown, on_error
        As for `upload`.
    policy, transport
        As for `upload`.
    journal
        As for `upload`; that of the earlier run stays as it is.
    earlier_journal
        The journal of the run that gave the results, which tells more of rows that are ``unknown``; None: the one that
        this process knows, if it made them.
    trust_journal
        As for `upload`, for both journals.
    columns, root, file_kind, fetch, **parameters
        The mapping; what is not given is taken from ``results.attrs``, where a file such as CSV keeps none. `root`,
        `fetch` and `webhook_url` of a run of another process have to be given again.

    Returns
    -------
    pandas.DataFrame
        The same rows, with new answers for those that were sent.

    Raises
    ------
    MappingError, AccountError, JournalError, UploadError
        As for `upload`; also a frame without `ik_status`, or one whose ``attrs`` say what has to be given again.
    """
    fetch = keywords.get("fetch")
    given, sending = parted(UploadKeywords, {**keywords, "fetch": fetch or "server"})
    options = engine.options(**sending)
    work = engine.retried(results, account, given, fetch, earlier_journal, trust=options.trust_journal)
    again: Frame = await engine.collected(engine.begin, work, account, options, journal)
    return again


retry = to_sync(_retry, "retry")


@spelled_out(FileKeywords)
async def aupload_file(file: str | bytes | Path, account: Account, **keywords: Unpack[FileKeywords]) -> Result:
    """Upload one file.

    Parameters
    ----------
    file
        URL, data URI, bytes, a `pathlib.Path`, or text below `root`.
    account, root, file_kind, fetch, fetch_hosts, retries, timeout, on_unknown, policy, transport, **parameters
        As for `upload`.

    Returns
    -------
    Result
        Its `status` tells whether the file is up.

    Raises
    ------
    MappingError
        A parameter breaks its rule.
    AccountError
        The keys are missing or refused, or a quota is used up.
    """
    mapping, sending = parted(FileKeywords, keywords)
    options = engine.options(**sending, concurrency=1, progress=False)
    # No journal: what one file needs to be retried is in its result, and nobody would look for a file beside it.
    try:
        results = await engine.collected(
            engine.send, UploadJob(InMemoryTable(single(file)), mapping), account, options, None
        )
    except UnreachableError as error:  # of one file, its result says it all
        results = error.results
    return results_of(results)[0]


upload_file = to_sync(aupload_file, "upload_file")
