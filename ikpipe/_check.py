"""`check`: every problem of every row, before anything is sent."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Unpack

from ikpipe._errors import BadValue, Problem
from ikpipe._frame import Plan, Whole, problem_frame
from ikpipe._job import Job
from ikpipe._limit import Fixed
from ikpipe._prepare import Fetch, FileKind, gather, planner_for
from ikpipe._run import CONTROL, Control, Gate, blocking
from ikpipe._send import Wire

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    import httpx
    import pandas as pd

    from ikpipe._account import Account
    from ikpipe._frame import Row
    from ikpipe._parameters import Keywords

_AT_ONCE = 16  # URLs that are asked for their headers


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
    mapping = gather(columns, root, file_kind, fetch, parameters)
    feed = Whole(frame)
    plan = Plan(frame.columns, mapping["columns"], mapping["parameters"])
    async with Wire(transport, timeout) as wire:
        planner = await planner_for(wire, account, mapping, plan)
        read = (plan.rows(chunk) for chunk in feed.chunks())
        rows = [pair for part in read for pair in zip(part, planner.jobs(part), strict=True)]
        problems = [problem for _, job in rows if not isinstance(job, Job) for problem in job]
        if probe:
            problems += await _probed(wire, ((row, job) for row, job in rows if isinstance(job, Job)))
    return problem_frame(sorted(problems, key=lambda problem: problem.position))


check = blocking(_check, "check")


async def _probed(wire: Wire, rows: Iterator[tuple[Row, Job]]) -> list[Problem]:
    """Ask each URL for its headers, some at a time."""
    found: list[Problem] = []
    gate = Gate(Fixed(_AT_ONCE))

    async def do(one: tuple[Row, Job]) -> None:
        row, job = one
        if job.source.kind not in ("url", "fetch") or not await gate.enter():
            return
        try:
            words = await wire.probe(job.source.text)
        finally:
            gate.leave()
        if words:
            bad = BadValue("url_unreachable", f"file: {words}", "open the URL in a browser, and mend it")
            found.append(row.problem("file", bad))

    await (CONTROL.get() or Control()).work(rows, do, [gate])
    return found
