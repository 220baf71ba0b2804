"""Upload one part of a table, on any machine; a part that runs again has the same results."""

from __future__ import annotations

import os
import platform
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any

from ikpipe.cluster.clocks import since_here
from ikpipe.cluster.failures import plainly
from ikpipe.cluster.journals import JournalStart, with_journal
from ikpipe.cluster.keys import account_here
from ikpipe.cluster.listings import listings_of
from ikpipe.cluster.portable import Portable, own_packages
from ikpipe.cluster.row_ids import part_entries, row_ids
from ikpipe.cluster.shares import part_options, share_of_policy
from ikpipe.concurrency.bandwidth_schedule import BandwidthSchedule
from ikpipe.concurrency.interrupts import to_sync
from ikpipe.concurrency.kept_loops import opened_in_loop
from ikpipe.concurrency.shares import Ledger
from ikpipe.errors import MappingError, did_you_mean, short_repr
from ikpipe.errors.logs import logged_part
from ikpipe.errors.scrubbing import scrubbed_repr
from ikpipe.frames.adapters import FrameAdapter
from ikpipe.frames.chunks import InMemoryTable
from ikpipe.frames.foreign_tables import in_memory
from ikpipe.frames.part_results import PartResults, empty_results
from ikpipe.journal import catalog
from ikpipe.journal.history import OpenJournal
from ikpipe.journal.proof import Prover, Seal
from ikpipe.journal.segments import segments_of
from ikpipe.journal.shared import RunIdentity, SharedJournal
from ikpipe.journal.shared_entries import Proof
from ikpipe.journal.storage import Storage, open_storage
from ikpipe.request.account import Account
from ikpipe.request.content_hash import ContentHashes
from ikpipe.request.policy import Policy
from ikpipe.request.secrets import Secret
from ikpipe.request.suffixes import SuffixByContent, SuffixByKey
from ikpipe.request.targets import TargetRegistry
from ikpipe.run import engine
from ikpipe.run.job import UploadJob
from ikpipe.run.prepare import log_warning, report_mapping

if TYPE_CHECKING:
    import pandas as pd

    from ikpipe.request.token import UploadToken
    from ikpipe.service.client import ServiceClient


@dataclass(frozen=True, kw_only=True, repr=False)
class PreparedUpload(Portable):
    """An upload without its rows: called with a part of the table, it uploads that part and returns its results.

    `prepare` creates it. It can be pickled, and contains no private key.

    Parameters
    ----------
    account, profile
        The account without its private key, and the profile that has the key; None: it is in the environment.
    id
        Identifies this preparation: uploads with the same run's id are different ones.
    run, since, service_clock
        The run's id, and when it started, in seconds since 1970; whether that is by the service's clock, not only by
        the driver's.
    key, journal
        As for `prepare`; the journal's path is absolute.
    slots
        Maximum number of parts that run at the same time.
    mapping, send_options, policy
        Columns and parameters as a run stores them, options of the whole upload, assumptions about the service.
    has_parts
        Whether the journal is of an earlier ikpipe, with entries of whole parts.
    trust_journal
        Whether journal entries without proof are accepted.
    key_mark
        By which workers recognize the driver's private key; None if the driver has none.
    to_start
        What workers start the journal with, if the driver could not; `run` and `since` are then those of a new one.
    packages
        The versions on the driver of what the cells are read with.
    proof
        The key that authenticates this run's entries, if workers cannot derive it from the private key; it is valid
        for nothing else.
    ledger
        Divides the limits of the whole upload among the parts that run; None: each part has one of `slots` equal
        shares.
    """

    id: str
    account: Account
    profile: str | None
    run: str
    since: float
    key: Any
    journal: str | None
    slots: int
    mapping: dict[str, Any]
    send_options: dict[str, Any]
    policy: Policy
    has_parts: bool = False
    trust_journal: bool = False
    proof: Secret | None = None
    key_mark: str | None = None
    to_start: JournalStart | None = None
    ledger: Ledger | None = None
    service_clock: bool = False
    packages: dict[str, str] = field(default_factory=own_packages)

    __repr__ = scrubbed_repr

    def __call__(self, table: Any) -> Any:
        """Upload a part of the rows.

        Parameters
        ----------
        table
            n rows: a pandas or polars DataFrame, a pyarrow Table, or another table as for `ikpipe.upload`. It is never
            changed.

        Returns
        -------
        pandas.DataFrame, or the type of the input, as for `ikpipe.upload`
            n rows: the input's columns, then the ``ik_`` columns, with the same dtypes for every part. Nested results
            are JSON, except `ik_tags` and `ik_warnings` of tables other than pandas DataFrames, which are lists.

        Raises
        ------
        MappingError, AccountError, JournalError, UploadError
            As for `ikpipe.upload`, with text only: no `results`, which have the files, and no cause.
        """
        return next(self.each([table]))

    def each(self, tables: Iterable[Any]) -> Iterator[Any]:
        """Upload a part that comes as several tables, and yield the results of each.

        So a part can be larger than memory: `tables` may be a pyarrow RecordBatchReader, whose batches are uploaded one
        after another.
        """
        state = _PartState()
        for table in tables:
            with logged_part(self.run):
                results = plainly(self._one, table, state)
            yield results

    def _one(self, table: Any, state: _PartState) -> Any:
        """Upload one table of a part, and return its results."""
        self.check_packages()
        table = in_memory(table)
        adapter = FrameAdapter(table)
        rows = len(adapter.frame)
        results = _upload_table(self, adapter, state) if rows else self.empty(table)
        state.rows += rows
        state.targets.next_table(rows)
        return results

    def empty(self, table: Any) -> Any:
        """Return the results of a table without its rows: only their columns and dtypes.

        Raises
        ------
        MappingError
            The mapping or the key does not fit the table's columns.
        """
        adapter = FrameAdapter(table).without_rows()
        job = self._job(adapter.frame)
        job.first_mapping()
        job.check_changed_by()
        if self.key is not None:
            _key_place(self.key, adapter.frame)
        return empty_results(adapter)

    def begin(self, table: Any) -> Any:
        """Return the same as `empty`, and log the effective mapping and warnings about columns: once for an upload."""
        table = in_memory(table)
        results = self.empty(table)
        plan = self._job(FrameAdapter(table).frame.iloc[:0]).first_mapping()
        report_mapping(plan)
        log_warning(plan.warnings)
        return results

    def _job(self, frame: pd.DataFrame) -> UploadJob:
        return UploadJob(InMemoryTable(frame), self.mapping, numbered=False)

    def part_options(self) -> dict[str, Any]:
        """Return the options of one part: its share of the limits that apply to the whole upload.

        Raises
        ------
        MappingError
            There are more slots than uploads that may be in flight.
        """
        concurrency, rate = self.send_options["concurrency"], self.send_options["rate"]
        bandwidth = self.send_options.get("bandwidth")
        if concurrency is not None and concurrency < self.slots:
            raise MappingError(
                f"concurrency={concurrency} is less than slots={self.slots}, and each of the parts that run at the "
                f"same time needs at least one upload. Set concurrency to {self.slots} or more, or use fewer slots."
            )
        shares = {
            "concurrency": None if concurrency is None else concurrency // self.slots,
            "rate": None if rate is None else rate / self.slots,
            "bandwidth": None if bandwidth is None else str(BandwidthSchedule.read(bandwidth).shared(self.slots)),
        }
        return {**self.send_options, **shares, "policy": self.part_policy()}

    def part_policy(self) -> Policy:
        """Return the policy of one part: its share of the rates."""
        return share_of_policy(self.policy, self.slots)


@dataclass(slots=True)
class _PartState:
    """What the tables of a part so far leave for the next one: rows, row identities, targets, ids in the journal."""

    rows: int = 0
    seen: Counter[str] = field(default_factory=Counter)
    targets: TargetRegistry = field(default_factory=TargetRegistry)
    ids: Counter[str] = field(default_factory=Counter)


class PartRow(str):
    """The name of a row in a message, as it is."""

    __slots__ = ()

    def __repr__(self) -> str:
        return str(self)


class PartTable(InMemoryTable):
    """A table of a part, in which no row depends on the others, since the engine may group rows differently next time.

    So a float column with whole values is sent as integers, whatever its other cells are.
    """

    def __init__(self, table: Any, rows_before: int, key: Any = None) -> None:
        super().__init__(table)
        self._rows_before, self._key = rows_before, key

    def label(self, position: int) -> Any:
        """Return what names a row in a message: nobody knows its position in the whole table."""
        if position < 0:  # of an earlier table, which is not in memory any more
            return PartRow(f"{self._rows_before + position:,} of its part")
        number, label = f"{self._rows_before + position:,}", super().label(position)
        numbered = type(self.frame.index).__name__ == "RangeIndex"
        place = f"{number} of its part" if numbered else f"{short_repr(label)} (row {number} of its part)"
        if self._key is None:
            return PartRow(place)
        return PartRow(f"{place} ({self._key}={short_repr(self.keys[position])})")

    @cached_property
    def keys(self) -> Any:
        """The cells of the key's column or level of the index; None without a key."""
        return None if self._key is None else self.cells(_key_place(self._key, self.frame))

    def _sends_integers(self, at: int) -> bool:  # noqa: ARG002 - the same for every column
        return True


@dataclass
class _Kept:
    """What parts of an upload that follow each other share in one event loop of this process.

    `account` has the secrets of this machine, and `signer` signs with them, if it can. `client` has open connections.
    `job` is that of the last table without its rows, whose mapping the next one uses if it has the same columns.
    `journal` is where the journal is, if there is one, and what proves its entries.
    """

    account: Account
    signer: Callable[..., UploadToken] | None
    client: ServiceClient
    job: UploadJob
    journal: tuple[Storage, Seal] | None = None


@asynccontextmanager
async def _opened(upload: PreparedUpload, frame: pd.DataFrame) -> AsyncIterator[_Kept]:
    """Open the connections of parts, of which the first has the rows of a frame."""
    account = account_here(upload.account, upload.profile, upload.key_mark)
    job = UploadJob(InMemoryTable(frame.iloc[:0]), upload.mapping, numbered=False)
    async with engine.send_options(policy=upload.policy, **upload.send_options).client as client:
        yield _Kept(account, catalog.token_signer(account), client, job)


async def _upload_table_async(upload: PreparedUpload, adapter: FrameAdapter, state: _PartState) -> Any:
    """Upload one table of a part, with its journal if the upload has one."""
    frame = adapter.frame
    _check_root(upload.mapping["root"])
    kept = await opened_in_loop(partial(_opened, upload, frame))
    upload = with_journal(upload, kept.account)
    table = PartTable(adapter, state.rows, upload.key)
    keys = table.keys
    job, collector = replace(kept.job, table=table), PartResults(adapter)
    journal = _open_journal(upload, job, table, keys, kept, state.ids)
    contents = None if journal is None else journal.contents
    suffixes = (
        SuffixByContent(upload.run, state.seen, contents)
        if keys is None
        else SuffixByKey(upload.run, upload.key, keys, state.seen, contents)
    )
    listings = listings_of(upload.id, upload.part_policy())
    fixed = job.existing.on_existing is not None or job.first_mapping().provides("use_unique_file_name")
    since = since_here(upload, kept.account, fixed_names=fixed)
    async with part_options(upload) as options:
        sending = engine.send_options(
            client=kept.client, shared_since=since, progress=False, listings=listings, **options
        )
        with logged_part(upload.run):
            await engine.send(job, kept.account, sending, collector, journal, suffixes, state.targets)
    kept.job = replace(job, table=kept.job.table)
    return collector.results


def _loop_of(upload: PreparedUpload, *_args: object, **_keywords: object) -> str:
    return upload.id


_upload_table = to_sync(_upload_table_async, "cluster", loop_of=_loop_of)


def _check_root(root: str | None) -> None:
    if root is not None and not os.path.isdir(root):  # noqa: PTH112 - unlike Path's, False if access is denied
        raise MappingError(
            f"root={root!r} is not a folder that this user can open on the machine {platform.node()}. Check the path "
            "and its permissions there."
        )


def _key_place(key: Any, frame: pd.DataFrame) -> int:
    """Return the place of the key's column, or the negative one of its level of the index."""
    columns, levels = [*frame.columns], [*frame.index.names]
    if count := columns.count(key):
        names, what, place = columns, "columns", columns.index(key)
    elif count := levels.count(key):
        names, what, place = levels, "levels", levels.index(key) - len(levels)
    else:
        similar = did_you_mean(key, [*columns, *(name for name in levels if name is not None)])
        raise MappingError(f"key={key!r}: the frame has no such column or index level{similar}.")
    if count > 1:
        whose = "the frame has" if names is columns else "the frame's index has"
        raise MappingError(f"key={key!r}: {whose} {count} {what} with this name. Rename all but one of them.")
    return place


def _open_journal(
    upload: PreparedUpload,
    job: UploadJob,
    table: PartTable,
    keys: list[Any] | None,
    kept: _Kept,
    seen: Counter[str],
) -> OpenJournal | None:
    """Open the journal for the rows of a table, or return None if the upload has none.

    `seen` counts the earlier rows of the part with each id, and is updated.
    """
    if upload.journal is None:
        return None
    rows = row_ids(job, table, keys, seen)
    if kept.journal is None:
        seal = Prover(kept.account).own.of_run(upload.run) if upload.proof is None else Seal.from_secret(upload.proof)
        kept.journal = open_storage(upload.journal), seal
    storage, proof = kept.journal[0], Proof(kept.journal[1], upload.trust_journal)
    contents = ContentHashes(keyed=keys is not None)
    earlier = None
    if upload.has_parts:
        earlier = part_entries(storage, upload.journal, upload.run, table, keys, proof)
    identity = RunIdentity(upload.run, proof)
    journal = SharedJournal(segments_of(storage, upload.journal, upload.id), identity, rows, contents, earlier)
    return OpenJournal(journal, len(rows), sign=kept.signer, contents=contents)
