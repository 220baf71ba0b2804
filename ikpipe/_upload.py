"""The recipe: upload, check, retry, upload_file, files, sign. Each coroutine here has its blocking twin."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Unpack

from ikpipe._account import Account
from ikpipe._errors import AccountError, BadValue, Error, MappingError, Problem, nearest
from ikpipe._frame import Plan, listing_frame, problem_frame, result_frame, results_of, single
from ikpipe._job import Job, Planner
from ikpipe._library import listing, metadata_fields
from ikpipe._parameters import BY_WIRE, TABLE, Keywords, Parameters, encode
from ikpipe._progress import Progress, display
from ikpipe._result import SETTLED, Result
from ikpipe._run import CONTROL, Control, blocking
from ikpipe._send import Wire
from ikpipe._session import CONCURRENCY, Options, Session
from ikpipe._source import Intake
from ikpipe._token import LIFETIME, LocalSigner

if TYPE_CHECKING:
    import httpx
    import pandas as pd

    from ikpipe._account import Secret
    from ikpipe._frame import Row
    from ikpipe._metadata import Field

_log = logging.getLogger("ikpipe")

FileKind = Literal["base64"]
Fetch = Literal["server", "client"]
OnResult = Callable[[Any, Result], None]


async def aupload(
    frame: pd.DataFrame,
    account: Account,
    *,
    columns: Mapping[str, Any] | None = None,
    root: str | Path | None = None,
    file_kind: FileKind | None = None,
    fetch: Fetch = "server",
    concurrency: int | None = None,
    rate: float | None = None,
    retries: int = 5,
    timeout: float | None = None,
    progress: bool | Callable[[Progress], None] = True,
    on_result: OnResult | None = None,
    on_error: Literal["return", "raise"] = "return",
    transport: httpx.AsyncBaseTransport | None = None,
    **parameters: Unpack[Keywords],
) -> pd.DataFrame:
    """Upload a row a file, and give the answers beside the rows.

    Where a row's parameters come from, the first that has a value: `columns`, a column named like the parameter, a
    keyword (``{column}`` in its text is filled from the row), and for `file_name` the file's own name. The whole
    mapping is in ``docs/mapping.md``.

    Parameters
    ----------
    frame
        n rows; it is never changed.
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
    concurrency
        Uploads in flight, 16 where nobody says.
    rate
        Uploads begun per second, at most.
    retries
        Attempts after the first for what is plainly worth another, each with a fresh token.
    timeout
        Seconds without any progress after which an attempt is given up; None: 10 to connect, 30 to write, 120 to
        answer.
    progress
        A bar or lines; or a callback that is given a `Progress` often.
    on_result
        Called with index label and `Result` as each row ends, from the thread of the run.
    on_error
        ``"raise"`` stops the run at the first row that is not up.
    transport
        An httpx transport to use instead of the network.
    **parameters
        Upload parameters, the same for every row.

    Returns
    -------
    pandas.DataFrame
        n rows: the input's index, order and columns, then the ``ik_`` columns; ``attrs["ikpipe"]`` is the summary.

    Raises
    ------
    MappingError
        Columns, templates or keywords do not fit the frame; nothing was sent.
    AccountError
        The keys are missing or refused, or a quota is used up; ``.results`` is the frame as far as it got.
    UploadError
        ``on_error="raise"`` and a row is not up; ``.results`` is the frame as far as it got.
    """
    mapping = _mapping(columns, root, file_kind, fetch, parameters)
    wire = Wire(transport, timeout)
    options = Options(concurrency, rate, retries, on_result, on_error == "raise", progress, wire)
    return await _uploaded(frame, account, mapping, options, {})


upload = blocking(aupload, "upload")


async def _retry(
    results: pd.DataFrame,
    account: Account,
    *,
    columns: Mapping[str, Any] | None = None,
    root: str | Path | None = None,
    file_kind: FileKind | None = None,
    fetch: Fetch | None = None,
    concurrency: int | None = None,
    rate: float | None = None,
    retries: int = 5,
    timeout: float | None = None,
    progress: bool | Callable[[Progress], None] = True,
    on_result: OnResult | None = None,
    on_unknown: Literal["hold", "resend"] = "hold",
    on_error: Literal["return", "raise"] = "return",
    transport: httpx.AsyncBaseTransport | None = None,
    **parameters: Unpack[Keywords],
) -> pd.DataFrame:
    """Send the rows of a results frame that are not up yet.

    Rows that are ``uploaded``, ``exists`` or ``accepted`` stay as they are. ``unknown`` ones may be stored: they are
    held, unless `on_unknown` is ``"resend"``, which can store a file twice.

    Parameters
    ----------
    results
        What `upload` gave, or `read_results`.
    account, concurrency, rate, retries, timeout, progress, on_result, on_error, transport
        As for `upload`.
    columns, root, file_kind, fetch, **parameters
        The mapping; what is not given is taken from ``results.attrs``, where a file such as CSV keeps none.
    on_unknown
        What to do with ``unknown`` rows.

    Returns
    -------
    pandas.DataFrame
        The same rows, with new answers for those that were sent.

    Raises
    ------
    MappingError, AccountError, UploadError
        As for `upload`; also a frame without `ik_status`.
    """
    given = _mapping(columns, root, file_kind, fetch or "server", parameters)
    before = results.attrs.get("ikpipe", {}).get("mapping", {})
    mapping = {
        **given,
        **{name: before[name] for name, value in given.items() if not value and name in before},
        "fetch": fetch or before.get("fetch", "server"),
        "parameters": {**before.get("parameters", {}), **given["parameters"]},
    }
    held = SETTLED | ({"unknown"} if on_unknown == "hold" else set())
    kept = {position: one for position, one in enumerate(results_of(results)) if one.status in held}
    wire = Wire(transport, timeout)
    options = Options(concurrency, rate, retries, on_result, on_error == "raise", progress, wire)
    return await _uploaded(results, account, mapping, options, kept)


retry = blocking(_retry, "retry")


async def aupload_file(
    file: str | bytes | Path,
    account: Account,
    *,
    root: str | Path | None = None,
    file_kind: FileKind | None = None,
    fetch: Fetch = "server",
    retries: int = 5,
    timeout: float | None = None,
    transport: httpx.AsyncBaseTransport | None = None,
    **parameters: Unpack[Parameters],
) -> Result:
    """Upload one file.

    Parameters
    ----------
    file
        URL, data URI, bytes, a `pathlib.Path`, or text below `root`.
    account, root, file_kind, fetch, retries, timeout, transport, **parameters
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
    found: list[Result] = []
    await aupload(
        single(file),
        account,
        root=root,
        file_kind=file_kind,
        fetch=fetch,
        retries=retries,
        timeout=timeout,
        progress=False,
        on_result=lambda _label, result: found.append(result),
        transport=transport,
        **parameters,
    )
    return found[0]


upload_file = blocking(aupload_file, "upload_file")


async def _check(
    frame: pd.DataFrame,
    account: Account | None = None,
    *,
    probe: bool = False,
    columns: Mapping[str, Any] | None = None,
    root: str | Path | None = None,
    file_kind: FileKind | None = None,
    fetch: Fetch = "server",
    timeout: float | None = None,
    transport: httpx.AsyncBaseTransport | None = None,
    **parameters: Unpack[Keywords],
) -> pd.DataFrame:
    """Find every problem of every row, before anything is sent.

    Parameters
    ----------
    frame
        n rows; it is never changed.
    account
        With one, custom metadata is checked against its fields, and sizes against its `max_file_size`.
    probe
        Ask each URL for its headers.
    columns, root, file_kind, fetch, timeout, transport, **parameters
        As for `upload`.

    Returns
    -------
    pandas.DataFrame
        A row a problem: ``row`` (index label), ``position``, ``column``, ``parameter``, ``code`` (of `ikpipe.CODES`),
        ``message``, ``fix``. Empty when all is well.

    Raises
    ------
    MappingError
        Columns, templates or keywords do not fit the frame.
    AccountError
        The account's key is refused.
    """
    mapping = _mapping(columns, root, file_kind, fetch, parameters)
    plan = Plan(frame, mapping["columns"], mapping["parameters"])
    async with Wire(transport, timeout) as wire:
        planner = await _planner(wire, account, mapping, plan)
        rows = [(row, planner.job(row)) for row in plan.rows()]
        problems = [problem for _, job in rows if not isinstance(job, Job) for problem in job]
        if probe:
            problems += await _probed(wire, ((row, job) for row, job in rows if isinstance(job, Job)))
    return problem_frame(sorted(problems, key=lambda problem: problem.position))


check = blocking(_check, "check")


async def _files(
    account: Account,
    *,
    search: str | None = None,
    path: str | None = None,
    limit: int | None = None,
    transport: httpx.AsyncBaseTransport | None = None,
) -> pd.DataFrame:
    """List the media library as a frame.

    Parameters
    ----------
    account
        Must hold the private key.
    search
        The service's query language, such as ``'tags IN ["sale"] AND createdAt > "7d"'``.
    path
        Only files right in this folder.
    limit
        At most so many rows.
    transport
        An httpx transport to use instead of the network.

    Returns
    -------
    pandas.DataFrame
        A row a file, under the service's own names.

    Raises
    ------
    AccountError
        There is no private key, or it is refused.
    """
    async with Wire(transport) as wire:
        return listing_frame([file async for file in listing(wire, account, search, path, limit)])


files = blocking(_files, "files")


def sign(parameters: Mapping[str, Any], account: Account, *, lifetime: int = LIFETIME) -> Secret:
    """Make the token for these parameters.

    Parameters
    ----------
    parameters
        In either spelling; each value is checked, and signed as it is to be sent.
    account
        Must hold the private key.
    lifetime
        Seconds that the token lives at most: 1 to 3600 (docs).

    Returns
    -------
    Secret
        The JWT: a `str` whose `repr` does not show it.

    Raises
    ------
    MappingError
        A parameter is unknown or breaks its rule, or the lifetime is out of range.
    AccountError
        The account has no private key.
    """
    fields = {}
    for given, value in parameters.items():
        name = BY_WIRE.get(given, given)
        if name not in TABLE or name == "file":
            raise MappingError(f"{given!r} is no parameter that is signed{nearest(given, TABLE)}.")
        try:
            fields[TABLE[name].wire] = encode(name, value)
        except BadValue as bad:
            raise MappingError(f"{bad.message}; {bad.fix}.") from None
    return LocalSigner(account, lifetime=lifetime).sign(fields).text


def _mapping(
    columns: Mapping[str, Any] | None,
    root: str | Path | None,
    file_kind: str | None,
    fetch: str,
    parameters: Mapping[str, Any],
) -> dict[str, Any]:
    """Gather what `retry` needs again, as plain values."""
    if file_kind not in (None, "base64"):
        raise MappingError(f"file_kind={file_kind!r}: the only kind that must be said is 'base64'.")
    if fetch not in ("server", "client"):
        raise MappingError(f"fetch={fetch!r}: who fetches URLs is 'server' or 'client'.")
    if root is not None and not Path(root).is_dir():
        raise MappingError(f"root={str(root)!r} is no folder.")
    return {
        "columns": dict(columns or {}),
        "root": None if root is None else str(root),
        "file_kind": file_kind,
        "fetch": fetch,
        "parameters": {name: value for name, value in parameters.items() if value is not None},
    }


async def _planner(wire: Wire, account: Account | None, mapping: Mapping[str, Any], plan: Plan) -> Planner:
    root, largest = mapping["root"], account.max_file_size if account is not None else None
    intake = Intake(None if root is None else Path(root), mapping["file_kind"] == "base64", mapping["fetch"], largest)
    return Planner(intake, await _known_fields(wire, account, plan))


async def _known_fields(wire: Wire, account: Account | None, plan: Plan) -> Mapping[str, Field] | None:
    """Ask for the account's metadata fields, where they matter and can be asked for."""
    if account is None or account.private_key is None or not plan.gives("custom_metadata"):
        return None
    try:
        return await metadata_fields(wire, account)
    except Error as error:
        if type(error) is not Error:
            raise
        _log.warning("custom metadata is sent as it is, since the account's fields could not be asked for: %s", error)
        return None


async def _probed(wire: Wire, rows: Iterator[tuple[Row, Job]]) -> list[Problem]:
    """Ask each URL for its headers, some at a time."""
    found: list[Problem] = []

    async def do(one: tuple[Row, Job]) -> None:
        row, job = one
        if job.source.kind in ("url", "fetch") and (words := await wire.probe(job.source.text)):
            bad = BadValue("url_unreachable", f"file: {words}", "open the URL in a browser, and mend it")
            found.append(row.problem("file", bad))

    await (CONTROL.get() or Control()).work(rows, do, CONCURRENCY, None)
    return found


async def _uploaded(
    frame: pd.DataFrame,
    account: Account,
    mapping: Mapping[str, Any],
    options: Options,
    kept: Mapping[int, Result],
) -> pd.DataFrame:
    """Run a frame, and raise what the run was stopped by."""
    if not isinstance(account, Account):
        raise AccountError(f"The account is a {type(account).__name__}; make one with ikpipe.Account.from_env().")
    plan = Plan(frame, mapping["columns"], mapping["parameters"])
    show = display(options.progress, len(plan))
    try:
        async with options.wire as wire:
            session = Session(plan, await _planner(wire, account, mapping, plan), account, options, show, kept)
            await session.go()
    finally:
        show.close()
    results = result_frame(frame, session.results, session.summary(mapping))
    if error := session.error(results):
        raise error
    return results
