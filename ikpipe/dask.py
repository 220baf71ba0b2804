"""Dask: the cluster's workers upload the partitions of a DataFrame, each worker its own partitions.

Evaluation is lazy. A partition that is computed again, for example after a worker was lost, stores nothing twice.
"""

from __future__ import annotations

import time
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache, partial
from importlib import import_module
from typing import TYPE_CHECKING, Any, Unpack
from weakref import WeakSet

from ikpipe import cluster
from ikpipe.cluster.notices import FIRST_ROWS, notice_part, notices_of, part_id, sends_again
from ikpipe.cluster.shares import machine_ledger
from ikpipe.cluster.update import PreparedUpdate, prepare_update
from ikpipe.concurrency.shares import Claim, Grant, renew_here
from ikpipe.errors import MappingError
from ikpipe.frames.io.opening import import_extra
from ikpipe.request.account import Account
from ikpipe.run.keywords import PartUpdateKeywords

if TYPE_CHECKING:
    import pandas as pd

_PARTS = "ikpipe"  # the topic of the events with which workers report partitions
_LISTENING: WeakSet[Any] = WeakSet()
"""The clients that notice what workers report."""


def upload(
    frame: Any,
    account: Account,
    *,
    slots: int | None = None,
    **keywords: Unpack[cluster.PrepareOptions],
) -> Any:
    """Upload one file per row when the results are computed, and return the results as columns.

    If the results are computed twice without `persist` and without a journal, all rows are sent twice. Nothing is
    stored twice: the second time the names are taken, and the rows end as ``exists``. With a journal, nothing is sent
    twice either.

    Parameters
    ----------
    frame
        A Dask DataFrame; its columns are mapped as by `ikpipe.upload`.
    account
        Keys and addresses. The private key is not sent to workers: those in other processes have it in their
        environment, as ``IMAGEKIT_PRIVATE_KEY``, or in a `profile`.
    slots
        Maximum number of partitions that are uploaded at the same time if there is a `rate`, `bandwidth` or
        `concurrency`, which the partitions that run share. None: all that Dask runs.
    **keywords
        As for `ikpipe.cluster.prepare`.

    Returns
    -------
    dask.dataframe.DataFrame
        The frame's columns, index and partitions, then the ``ik_`` columns, always the same and with the same dtypes.
        Nested results are JSON.

    Raises
    ------
    MappingError
        Columns, templates or keywords do not fit the frame; nothing was sent.
    AccountError, JournalError
        As for `ikpipe.cluster.prepare`. While results are computed, partitions can raise them and `UploadError`.
    MissingExtra
        Dask is not installed.
    """
    _check_frame(frame, "upload")
    _notice_parts()
    prepared = cluster.prepare(account, slots=slots or 1, **keywords)
    prepared = prepared.replaced(ledger=machine_ledger(slots))
    meta = prepared.begin(frame._meta)  # noqa: SLF001 - Dask's documented name for those who extend it
    return _in_partitions(frame, _upload_partition, prepared, slots, meta)


def update(
    frame: Any,
    account: Account,
    *,
    slots: int | None = None,
    profile: str | None = None,
    dry_run: bool = False,
    **keywords: Unpack[PartUpdateKeywords],
) -> Any:
    """Change the files that rows name, in place, when the results are computed.

    A partition that is computed again changes nothing more: its rows are ``unchanged`` then. Partitions do not know of
    each other, so two of them must not name the same file. There is no journal, so `undo` cannot revert the changes.

    Parameters
    ----------
    frame
        A Dask DataFrame; its columns are mapped as by `ikpipe.update`.
    account, profile
        As for `upload`.
    slots
        Maximum number of partitions that are updated at the same time; those that run share the rates of the policy,
        `Policy(changes=5)`. None: all that Dask runs.
    dry_run, **keywords
        As for `ikpipe.update`.

    Returns
    -------
    dask.dataframe.DataFrame
        The frame's columns, index and partitions, then `ik_change` and `ik_change_message`.

    Raises
    ------
    MappingError
        Columns, templates or keywords do not fit the frame; nothing was sent.
    MissingExtra
        Dask is not installed.
    """
    _check_frame(frame, "update")
    prepared = prepare_update(account, slots=slots or 1, profile=profile, dry_run=dry_run, **keywords)
    prepared = prepared.replaced(ledger=machine_ledger(slots))
    meta = prepared.begin(frame._meta)  # noqa: SLF001 - as in `upload`
    return _in_partitions(frame, _update_partition, prepared, slots, meta)


def _check_frame(frame: Any, function: str) -> None:
    """Check that a frame is one of Dask; `function` is the name of the function that takes it."""
    import_extra("distributed", "dask", "ikpipe.dask")
    dataframe = import_extra("dask.dataframe", "dask", "ikpipe.dask")
    if not isinstance(frame, dataframe.DataFrame):
        kind = type(frame)
        raise MappingError(
            f"The frame is a {kind.__module__.partition('.')[0]} {kind.__name__}, and ikpipe.dask.{function} takes a "
            f"Dask DataFrame. Convert it with dask.dataframe.from_pandas, or use ikpipe.{function}."
        )


def _in_partitions(frame: Any, work: Any, prepared: Any, slots: int | None, meta: Any) -> Any:
    """Return a frame whose partitions are computed by a function of this module, with the columns of `meta`.

    To let Dask compare the columns would send `meta` with each task, which costs more than to upload a row.
    """
    return frame.map_partitions(work, prepared, slots, frame.npartitions, meta=meta, enforce_metadata=False)


def _update_partition(frame: pd.DataFrame, prepared: PreparedUpdate, slots: int | None, partitions: int) -> Any:
    """Update the files of a partition in this process."""
    return _with_share(prepared, slots, partitions)(frame)


def _with_share(prepared: Any, slots: int | None, partitions: int) -> Any:
    """Return a prepared upload or update for a partition in this process, which shares the limits with others."""
    if _worker() is not None:
        prepared = prepared.replaced(ledger=_SchedulerLedger(import_module("distributed").get_client(), slots))
    return prepared.replaced(slots=slots or min(_thread_count(), partitions))


def _upload_partition(
    frame: pd.DataFrame, prepared: cluster.PreparedUpload, slots: int | None, partitions: int
) -> pd.DataFrame:
    """Upload a partition in this process."""
    results: pd.DataFrame = _with_share(prepared, slots, partitions)(frame)
    worker = _worker()
    if not frame.empty:
        first = frame.iloc[:FIRST_ROWS]
        rows = (first.index.tolist(), first.to_numpy().tolist())
        if worker is None:
            notice_part(prepared, rows, len(frame))
        else:
            part = part_id(rows) if sends_again(prepared) else ""
            worker.log_event(_PARTS, [prepared.id, part, len(frame), worker.address])
    return results


def _notice_parts() -> None:
    """Let the cluster's client of this process, if it has one, notice the partitions that workers report."""
    with suppress(ValueError):
        client = import_module("distributed").default_client()
        if client not in _LISTENING:
            _LISTENING.add(client)
            client.subscribe_topic(_PARTS, partial(_notice_reported, client))


async def _notice_reported(client: Any, event: tuple[float, Any]) -> None:
    """Notice a partition that a worker reports."""
    upload, part, rows, worker = event[1]
    notices = notices_of(upload)
    if part and (before := notices.earlier(part, worker)) is not None:
        with suppress(OSError):  # the scheduler is gone
            # The results of a worker that died are computed again.
            if before in (await client.scheduler.identity())["workers"]:
                notices.warn_again()
    notices.count(rows)


@dataclass(frozen=True)
class _SchedulerLedger:
    """A ledger in the scheduler's process, which all partitions reach by a client."""

    client: Any
    slots: int | None

    def renew(self, job: str, claim: Claim) -> Grant:
        """Carry out a claim; raise what the client raises if the scheduler does not run functions of ikpipe."""
        grant: Grant = self.client.run_on_scheduler(renew_here, job, claim)
        return grant


def _worker() -> Any:
    """Return the Dask worker that runs this, or None without a cluster."""
    try:
        return import_module("distributed").get_worker()
    except ValueError:
        return None


def _thread_count() -> int:
    """Return the number of tasks that Dask runs at the same time."""
    if (worker := _worker()) is not None:
        return _cluster_threads(worker.address, int(time.monotonic()))
    dask = import_module("dask")
    number: int = dask.config.get("num_workers", None) or import_module("dask.system").CPU_COUNT
    return number


@lru_cache(1)
def _cluster_threads(_worker: str, _second: int) -> int:
    """Return the number of threads of a worker's cluster; to ask the scheduler costs as much as a third of a row."""
    return sum(import_module("distributed").get_client().nthreads().values())
