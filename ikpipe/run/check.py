"""`check`: every problem of every row, before anything is sent."""

from __future__ import annotations

from typing import TYPE_CHECKING, Unpack

from ikpipe.concurrency.control import CONTROL, RunControl, to_sync
from ikpipe.concurrency.gate import ConcurrencyGate
from ikpipe.concurrency.limits import FixedLimit
from ikpipe.errors import InvalidValue, Problem
from ikpipe.frames.chunks import InMemoryTable
from ikpipe.frames.results import problem_frame
from ikpipe.request.planner import UploadRequest
from ikpipe.request.policy import Policy
from ikpipe.run.job import UploadJob
from ikpipe.run.keywords import CheckKeywords, parted, spelled_out
from ikpipe.run.prepare import planner_for
from ikpipe.service.client import ServiceClient

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ikpipe.frames.adapters import Frame
    from ikpipe.request.account import Account
    from ikpipe.request.rows import MappedRows

_AT_ONCE = 16  # URLs that are asked for their headers


@spelled_out(CheckKeywords)
async def _check(
    frame: Frame, account: Account | None = None, *, probe: bool = False, **keywords: Unpack[CheckKeywords]
) -> Frame:
    """Find every problem of every row, before anything is sent.

    Parameters
    ----------
    frame
        n rows: a pandas or polars DataFrame, or a pyarrow Table; it is never changed.
    account
        With one, custom metadata is checked against its fields, and sizes against its `max_file_size`.
    probe
        Ask each URL for its headers.
    columns, root, file_kind, fetch, fetch_hosts, timeout, policy, transport, **parameters
        As for `upload`.

    Returns
    -------
    pandas.DataFrame, or what the input was
        A row a problem: ``row`` (index label), ``position``, ``column``, ``parameter``, ``severity``, ``code``,
        ``message``, ``fix``. Empty when all is well. A row with an ``"error"`` (codes of `ikpipe.CODES`) cannot be
        sent; a ``"warning"`` (codes of `ikpipe.WARNINGS`) says what is unusual of a row that can.

    Raises
    ------
    MappingError
        Columns, templates or keywords do not fit the frame.
    AccountError
        The account's key is refused.
    """
    mapping, asking = parted(CheckKeywords, keywords)
    feed, policy = InMemoryTable(frame), asking.pop("policy", None)
    async with ServiceClient(**asking) as wire:
        found, _ = await find(UploadJob(feed, mapping), wire, account, probe=probe, policy=policy)
    problems: Frame = feed.native.like(problem_frame(found))
    return problems


check = to_sync(_check, "check", drains=False)


async def find(
    work: UploadJob, wire: ServiceClient, account: Account | None, *, probe: bool, policy: Policy | None = None
) -> tuple[list[Problem], int]:
    """Find the problems of a table of any length, in its order, and count its rows."""
    found: list[Problem] = []
    plan, names, rows = work.first_plan(), (policy or Policy()).names, 0
    planner = await planner_for(wire, account, work.mapping, plan, label=work.feed.label, names=names)

    def without_problem() -> Iterator[tuple[MappedRows, UploadRequest]]:
        nonlocal rows
        for chunk in work.feed.chunks():
            rows = chunk.start + len(chunk.frame)
            for its_rows, job in work.jobs(planner, chunk):
                found.extend(job.warnings if isinstance(job, UploadRequest) else job)
                if isinstance(job, UploadRequest) and its_rows is not None:
                    yield its_rows, job

    sound = without_problem()
    if probe:
        await _probed(wire, sound, found)
    for _ in sound:  # to the end, also where probing was stopped
        pass
    return sorted(found, key=lambda problem: problem.position), rows


async def _probed(wire: ServiceClient, sound: Iterator[tuple[MappedRows, UploadRequest]], found: list[Problem]) -> None:
    """Ask each URL for its headers, some at a time."""
    gate = ConcurrencyGate(FixedLimit(_AT_ONCE))

    async def do(one: tuple[MappedRows, UploadRequest]) -> None:
        rows, job = one
        if not await gate.acquire():
            return
        try:
            words = await wire.probe(job.source.text)
        finally:
            gate.release()
        if words:
            bad = InvalidValue("url_unreachable", f"file: {words}", "open the URL in a browser, and mend it")
            found.append(rows.problem(job.position - rows.start, "file", bad))

    urls = (one for one in sound if one[1].source.kind in ("url", "fetch"))
    await (CONTROL.get() or RunControl()).work(urls, do, [gate])
