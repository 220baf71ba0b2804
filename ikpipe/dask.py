"""Dask: the partitions of a DataFrame are uploaded by the cluster's workers, each where it is.

It is as lazy as Dask is. A partition that is computed again, after a worker was lost say, stores nothing twice.
"""

from __future__ import annotations

import threading
import time
import uuid
from collections import Counter
from contextlib import nullcontext
from dataclasses import replace
from importlib import import_module
from multiprocessing import parent_process
from typing import TYPE_CHECKING, Any, Unpack

from ikpipe import cluster
from ikpipe.cluster.progress import Parts
from ikpipe.errors import MappingError, MissingExtra
from ikpipe.run.progress import Progress

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    import pandas as pd

    from ikpipe.request.account import Account

EVERY = 0.5  # seconds between two words of a partition's progress

_TURNS: dict[str, threading.Semaphore] = {}
"""What partitions wait for that are done by threads of this process, without a cluster."""
_WATCHED: dict[str, Parts] = {}
"""The progress of uploads that were planned in this process, by their runs' ids."""


def upload(
    frame: Any,
    account: Account,
    *,
    slots: int | None = None,
    progress: bool | Callable[[Progress], None] = True,
    **planning: Unpack[cluster.PrepareOptions],
) -> Any:
    """Upload a row a file, and give the answers beside the rows: lazily, when the results are computed.

    Whoever computes the results twice, without `persist` and without a journal, sends all rows twice. Nothing is stored
    twice: the second time, names are taken, and rows end as ``exists``. With a journal, nothing is sent twice either.

    Parameters
    ----------
    frame
        A dask DataFrame; its columns are mapped as those of `ikpipe.upload` are.
    account
        Keys and addresses. The private key does not travel: workers in other processes have it in their environment, as
        ``IMAGEKIT_PRIVATE_KEY``, or in the profile that is named.
    slots
        How many partitions are under way at once, at most, each with its share of `rate` and `concurrency`; None: as
        many as the cluster has threads when a partition begins.
    progress
        A bar or lines, in the process that calls this; or a callback that is given a `Progress` now and then.
    **planning
        All else is as for `ikpipe.cluster.prepare`.

    Returns
    -------
    dask.dataframe.DataFrame
        The frame's columns, index and partitions, then the ``ik_`` columns: always the same, with the same dtypes.
        Nested results are JSON.

    Raises
    ------
    MappingError
        Columns, templates or keywords do not fit the frame; nothing was sent.
    AccountError, JournalError
        As for `ikpipe.cluster.prepare`. As results are computed, they and `UploadError` come from partitions.
    """
    frames = _dask("dask.dataframe")
    if not isinstance(frame, frames.DataFrame):
        words = "takes a dask DataFrame, such as dask.dataframe.from_pandas makes of one of pandas"
        raise MappingError(f"The frame is a {type(frame).__name__}; ikpipe.dask.upload {words}.")
    planned = cluster.prepare(account, slots=slots or 1, **planning)
    results = planned.empty(frame._meta)  # noqa: SLF001 - that is what Dask calls it for those who build on it
    _watch(planned.run, Parts(progress, frame.npartitions))
    return frame.map_partitions(_part, planned, slots, frame.npartitions, meta=results)


def summary(results: Any) -> dict[str, Any]:
    """Sum results up: rows, counts by status, bytes that are stored, files.

    Fewer files than rows that are up means that rows share files. The results are computed for it; write them to
    Parquet first, or persist them, or they are sent once more.

    Parameters
    ----------
    results
        A dask DataFrame that `upload` gave, or one that was read from what it was written to.
    """
    found = _dask("dask").compute(
        results["ik_status"].value_counts(split_out=1),
        results["ik_size"].sum(),
        results["ik_file_id"].nunique(split_out=1),
    )
    counts = {str(status): int(count) for status, count in found[0].items()}
    return {"rows": sum(counts.values()), "counts": counts, "bytes": int(found[1]), "files": int(found[2])}


def _dask(module: str) -> Any:
    try:
        import_module("distributed")
        return import_module(module)
    except ImportError:
        raise MissingExtra.for_extra("dask", "ikpipe.dask") from None


def _part(frame: pd.DataFrame, planned: cluster.PreparedUpload, slots: int | None, partitions: int) -> pd.DataFrame:
    """Upload a partition, in the process that it is in."""
    slots = slots or min(_threads(), partitions)
    concurrency = planned.sending["concurrency"] or slots
    few = concurrency < slots and _can_wait()
    teller = _Teller(planned.run)
    planned = replace(planned, slots=concurrency if few else slots, progress=teller)
    with _turn(planned, few=few):
        results: pd.DataFrame = planned(frame)
    teller.ended()
    return results


def _worker() -> Any:
    """Give the worker that this is; None where Dask computes without a cluster."""
    try:
        return import_module("distributed").get_worker()
    except ValueError:
        return None


def _threads() -> int:
    """Count what Dask does at once."""
    if _worker() is None:
        dask = import_module("dask")
        number: int = dask.config.get("num_workers", None) or import_module("dask.system").CPU_COUNT
        return number
    return sum(import_module("distributed").get_client().nthreads().values())


def _can_wait() -> bool:
    """Tell whether partitions can wait for each other, which processes without a cluster cannot."""
    return _worker() is not None or parent_process() is None


def _turn(planned: cluster.PreparedUpload, *, few: bool) -> AbstractContextManager[Any]:
    """Wait until fewer partitions of an upload than its slots are under way; `few`: there is room for more."""
    name = f"ikpipe-{planned.run}-{planned.slots}"  # a semaphore's number stays what it was first
    if _worker() is not None:
        semaphore: Any = import_module("distributed").Semaphore
        return semaphore(max_leases=planned.slots, name=name) if few else nullcontext()
    # Nobody knows how many threads Dask really has here.
    shared = planned.sending["concurrency"] is not None or planned.sending["rate"] is not None
    return _TURNS.setdefault(name, threading.Semaphore(planned.slots)) if shared else nullcontext()


# Progress


def _watch(run: str, parts: Parts) -> None:
    """Draw the progress of a run here: what this process does, and what a cluster's workers say that they do."""
    _WATCHED[run] = parts
    try:
        client = import_module("distributed").default_client()
    except ValueError:  # there is no cluster, or not yet
        return

    def hear(event: tuple[float, dict[str, Any]]) -> None:
        told = event[1]
        parts(told["part"], Progress(told["rows"], Counter(told["counts"]), told["bytes"]), ended=told["ended"])

    client.subscribe_topic(_topic(run), hear)


def _topic(run: str) -> str:
    return f"ikpipe-{run}"


class _Teller:
    """Tells the process that planned a run how far one of its partitions is."""

    def __init__(self, run: str) -> None:
        self._run, self._worker = run, _worker()
        self._part = uuid.uuid4().hex if self._worker is None else str(self._worker.get_current_task())
        self._last = Progress(0)
        self._due = time.monotonic()

    def __call__(self, progress: Progress) -> None:
        """Take in how far it is, and say so if the last word is a while ago."""
        self._last = progress
        if time.monotonic() >= self._due:
            self._due = time.monotonic() + EVERY
            self._tell(ended=False)

    def ended(self) -> None:
        """Say that it has ended."""
        self._tell(ended=True)

    def _tell(self, *, ended: bool) -> None:
        now = replace(self._last, counts=Counter(self._last.counts))
        if self._worker is not None:
            told = {"part": self._part, "rows": now.rows, "counts": dict(now.counts), "bytes": now.bytes}
            self._worker.log_event(_topic(self._run), {**told, "ended": ended})
        elif (parts := _WATCHED.get(self._run)) is not None:
            parts(self._part, now, ended=ended)
