"""`check`: find every problem of every row before anything is sent."""

from collections.abc import AsyncIterator
from typing import Unpack

from ikpipe.concurrency.gate import ConcurrencyGate
from ikpipe.concurrency.interrupts import CURRENT_CONTROL, RunControl, to_sync
from ikpipe.concurrency.limits import FixedLimit
from ikpipe.errors import InvalidValue, Problem
from ikpipe.frames.adapters import Frame
from ikpipe.frames.chunks import InMemoryTable
from ikpipe.frames.results import problem_frame
from ikpipe.request.account import Account
from ikpipe.request.planner import UploadRequest
from ikpipe.request.policy import Policy
from ikpipe.request.rows import MappedRows
from ikpipe.run.job import UploadJob
from ikpipe.run.keywords import CheckKeywords, listed_keywords, split_keywords
from ikpipe.run.prepare import report_mapping, request_builder
from ikpipe.run.targets import TargetCheck
from ikpipe.service.client import ServiceClient

_AT_ONCE = 16  # concurrent requests for the headers of URLs


@listed_keywords(CheckKeywords)
async def _check(
    frame: Frame, account: Account | None = None, *, probe: bool = False, **keywords: Unpack[CheckKeywords]
) -> Frame:
    """Find every problem of every row before anything is sent.

    Parameters
    ----------
    frame
        n rows: a table as for `upload`; it is never changed.
    account
        Check custom metadata against the fields of this account, and sizes against its `max_file_size`, in bytes; and,
        if it has the private key, which rows would replace a file of the media library.
    probe
        Request the headers of each URL.
    columns, ignore, root, file_kind, fetch, fetch_hosts, tag_separator, decimal, true_values, false_values
        As for `upload`.
    on_existing, changed_by, dedupe, timeout, policy, transport, **parameters
        As for `upload`.

    Returns
    -------
    pandas.DataFrame, or what the input was
        One row per problem: ``row`` (index label), ``position``, ``column``, ``parameter``, ``severity``, ``code``,
        ``message``, ``fix``. It is empty if there are no problems. A row with an ``"error"`` (codes of `ikpipe.CODES`)
        cannot be uploaded; a ``"warning"`` (codes of `ikpipe.WARNINGS`) is about something unusual in a row that can.
        A warning about a column as a whole has no ``row`` and ``position``. ``attrs["ikpipe"]["effective_mapping"]`` is
        the mapping in one line.

    Raises
    ------
    MappingError
        Columns, templates or keywords do not fit the frame.
    AccountError
        ImageKit rejected the account's key.
    """
    mapping, asking = split_keywords(_check, CheckKeywords, keywords)
    table, policy = InMemoryTable(frame), asking.pop("policy", None)
    async with ServiceClient(**asking) as client:
        work = UploadJob(table, mapping)
        problems, _ = await find_problems(work, client, account, probe=probe, policy=policy)
    found = problem_frame(problems)
    found.attrs["ikpipe"] = {"effective_mapping": work.mapping_text}
    result: Frame = table.native.like(found)
    return result


check = to_sync(_check, "check", drains=False)


async def find_problems(
    work: UploadJob, wire: ServiceClient, account: Account | None, *, probe: bool, policy: Policy | None = None
) -> tuple[list[Problem], int]:
    """Return the problems of a table of any length, by position, and the number of its rows.

    `work` is the table with its mapping, `wire` the open connections; the others are as for `check`.
    """
    mapping, policy = work.first_mapping(), policy or Policy()
    builder = await request_builder(wire, account, work.mapping, mapping, label=work.table.label, names=policy.names)
    report_mapping(mapping)
    problems = [miss.problem for miss in work.similar_columns]
    targets = TargetCheck(wire, account, policy, work.existing.on_existing)
    count = 0

    async def valid_rows() -> AsyncIterator[tuple[MappedRows, UploadRequest]]:
        """Read the table once: count its rows, collect their problems, and yield the rows without an error."""
        nonlocal count
        for chunk in work.table.chunks():
            count = chunk.start + len(chunk.frame)
            valid: list[tuple[MappedRows, UploadRequest]] = []
            for rows, request in work.requests(builder, chunk):
                if not isinstance(request, UploadRequest):
                    problems.extend(request)
                    continue
                problems.extend(request.warnings)
                if rows is not None:
                    valid.append((rows, request))
            problems.extend(await targets.problems(valid))
            for row in valid:
                yield row

    valid = valid_rows()
    try:
        if probe:
            await _probe(wire, valid, problems)
        async for _ in valid:  # to the end, also where probing was stopped
            pass
    finally:
        targets.close()
    return sorted(problems, key=_position), count


def _position(problem: Problem) -> int:
    return -1 if problem.position is None else problem.position


async def _probe(
    client: ServiceClient, valid: AsyncIterator[tuple[MappedRows, UploadRequest]], problems: list[Problem]
) -> None:
    """Request the headers of each URL, some at a time, and add a problem for each that fails."""
    gate = ConcurrencyGate(FixedLimit(_AT_ONCE))

    async def do(row: tuple[MappedRows, UploadRequest]) -> None:
        """Request the headers of one URL."""
        rows, request = row
        if not await gate.acquire():
            return
        try:
            words = await client.probe(request.source.text)
        finally:
            gate.release()
        if words:
            unreachable = InvalidValue("url_unreachable", words, "Open the URL in a browser, and correct it.")
            problems.append(rows.problem(request.position - rows.start, "file", unreachable))

    urls = (row async for row in valid if row[1].source.kind in ("url", "fetch"))
    await (CURRENT_CONTROL.get() or RunControl()).work(urls, do, [gate])
