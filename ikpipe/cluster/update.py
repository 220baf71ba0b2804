"""Distributed updates: `ikpipe.update` for a part of a table, on any machine and any number of times.

An update can be repeated without harm, so it needs neither a journal nor an identity of its rows: a part that an engine
runs again finds its files as the first time left them.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Unpack

from ikpipe.cluster.failures import plainly
from ikpipe.cluster.keys import account_here, check_driver, key_mark
from ikpipe.cluster.part import PartTable
from ikpipe.cluster.portable import Portable, own_packages
from ikpipe.cluster.shares import part_pace
from ikpipe.concurrency.interrupts import to_sync
from ikpipe.concurrency.shares import Ledger
from ikpipe.errors import MappingError
from ikpipe.errors.scrubbing import scrubbed_repr
from ikpipe.frames.adapters import FrameAdapter
from ikpipe.frames.edits import ChangeCollector
from ikpipe.frames.foreign_tables import in_memory
from ikpipe.frames.update_mapping import UpdateMapping
from ikpipe.request.account import Account
from ikpipe.request.policy import Policy
from ikpipe.run.job import UploadJob
from ikpipe.run.keywords import PartUpdateKeywords, listed_keywords
from ikpipe.run.prepare import log_warning, report_mapping
from ikpipe.run.update import check_job, collect_changes, split_update_keywords


@dataclass(frozen=True, kw_only=True, repr=False)
class PreparedUpdate(Portable):
    """An update without its rows: called with a part of the table, it updates the files of that part.

    `prepare_update` creates it. It can be pickled, and contains no private key.

    Parameters
    ----------
    account, profile
        The account without its private key, and the profile that has the key; None: it is in the environment.
    mapping, policy, dry_run
        Columns and parameters as a run stores them, assumptions about the service, whether files are only read.
    slots
        Maximum number of parts that run at the same time.
    id
        Identifies this preparation.
    ledger
        Divides the rates of the policy among the parts that run; None: each part has one of `slots` equal shares.
    packages
        The versions on the driver of what the cells are read with.
    key_mark
        By which workers recognize the driver's private key; None if the driver has none.
    """

    account: Account
    profile: str | None
    mapping: dict[str, Any]
    policy: Policy
    dry_run: bool
    slots: int
    id: str
    key_mark: str | None = None
    ledger: Ledger | None = None
    packages: dict[str, str] = field(default_factory=own_packages)

    __repr__ = scrubbed_repr

    def __call__(self, table: Any) -> Any:
        """Return a part of the table, with `ik_change` and `ik_change_message`; errors are those of `ikpipe.update`."""
        return next(self.each([table]))

    def each(self, tables: Iterable[Any]) -> Iterator[Any]:
        """Update a part that comes as several tables, and yield the results of each."""
        for table in tables:
            yield plainly(self._one, table)

    def _one(self, table: Any) -> Any:
        table = in_memory(table)
        return _update_part(self, table) if len(FrameAdapter(table).frame) else self.empty(table)

    def empty(self, table: Any) -> Any:
        """Return the results of a table that has no rows; raise `MappingError` if the mapping does not fit it."""
        job = self.job(table)
        job.first_mapping()
        return ChangeCollector(job.table).close({})

    def begin(self, table: Any) -> Any:
        """Return the same as `empty`, and log the effective mapping and warnings about columns: once for an update."""
        table = in_memory(table)
        results, plan = self.empty(table), self.job(table).first_mapping()
        report_mapping(plan)
        log_warning(plan.warnings)
        return results

    def job(self, table: Any) -> UploadJob:
        """Return the job of a part."""
        return UploadJob(PartTable(table, 0), self.mapping, numbered=False, reader=UpdateMapping)


@listed_keywords(PartUpdateKeywords)
def prepare_update(
    account: Account,
    *,
    slots: int,
    profile: str | None = None,
    dry_run: bool = False,
    **keywords: Unpack[PartUpdateKeywords],
) -> PreparedUpdate:
    """Return a picklable function that updates the files of one part of a table, on any machine.

    Parameters
    ----------
    account
        Keys and addresses. The private key stays in this process: workers have it in their environment, as
        ``IMAGEKIT_PRIVATE_KEY``, or in a `profile`. This process does not need it.
    slots
        Maximum number of parts that run at the same time, each with its share of the rates of `policy`.
    profile
        The profile of the workers' configuration that has the key.
    dry_run, columns, ignore, file_id, file_path, add_tags, remove_tags, unset, policy, **parameters
        As for `ikpipe.update`.

    Raises
    ------
    MappingError
        The value of a keyword is not valid.
    AccountError
        The account is not one.
    """
    check_driver(account, profile)
    if slots < 1:
        raise MappingError(f"slots={slots!r}: the number of parts that run at the same time must be at least 1.")
    mapping, others = split_update_keywords(keywords, PartUpdateKeywords)
    policy = others.get("policy") or Policy()
    return PreparedUpdate(
        account=account.without_secrets(),
        profile=profile,
        mapping=mapping,
        policy=policy,
        dry_run=dry_run,
        slots=slots,
        id=uuid.uuid4().hex,
        key_mark=key_mark(account),
    )


async def _update_part_async(update: PreparedUpdate, table: Any) -> Any:
    """Update the files of a part."""
    account = account_here(update.account, update.profile, update.key_mark)
    job = update.job(table)
    check_job(job, account)
    async with part_pace(update) as pace:
        return await collect_changes(
            job, account, update.policy, None, dry_run=update.dry_run, progress=False, pace=pace
        )


_update_part = to_sync(_update_part_async, "cluster")
