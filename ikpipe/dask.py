"""Dask: the partitions of a DataFrame are uploaded by the cluster's workers, each where it is.

It is as lazy as Dask is. A partition that is computed again, after a worker was lost say, stores nothing twice.
"""

from __future__ import annotations

import threading
from contextlib import nullcontext
from dataclasses import replace
from importlib import import_module
from multiprocessing import parent_process
from typing import TYPE_CHECKING, Any, Unpack

from ikpipe import cluster
from ikpipe.errors import MappingError, MissingExtra

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    import pandas as pd

    from ikpipe.request.account import Account

_TURNS: dict[str, threading.Semaphore] = {}
"""What partitions wait for that are done by threads of this process, without a cluster."""


def upload(
    frame: Any,
    account: Account,
    *,
    slots: int | None = None,
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
    planned = replace(planned, slots=concurrency if few else slots)
    with _turn(planned, few=few):
        results: pd.DataFrame = planned(frame)
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
