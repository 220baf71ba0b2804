"""One part of an upload, done on any machine, and done again with the same outcome."""

from __future__ import annotations

import json
import os
import platform
from collections import Counter
from dataclasses import dataclass, field, replace
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

from ikpipe.concurrency.control import to_sync
from ikpipe.errors import MappingError, did_you_mean
from ikpipe.frames.adapters import FrameAdapter
from ikpipe.frames.chunks import InMemoryTable
from ikpipe.frames.results import ResultCollector, cells_of, results_frame, with_result_columns
from ikpipe.journal import catalog
from ikpipe.journal.history import OpenJournal
from ikpipe.journal.proof import Prover, Seal
from ikpipe.journal.shared import JournalPart, SharedJournal
from ikpipe.journal.storage import open_storage
from ikpipe.request.content_hash import ContentHashes
from ikpipe.request.suffixes import SuffixByContent, SuffixByKey
from ikpipe.request.targets import TargetRegistry
from ikpipe.run import engine
from ikpipe.run.job import UploadJob

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    import pandas as pd

    from ikpipe.request.account import Account
    from ikpipe.request.policy import Policy
    from ikpipe.request.secrets import Secret


@dataclass(frozen=True, kw_only=True)
class PreparedUpload:
    """An upload without its rows: called with a part of them, it gives the results of that part.

    `plan` makes it. It can be pickled, and holds no private key.

    Parameters
    ----------
    account
        Whose library it is, without its private key.
    profile
        Where the key is, on each machine; None: in the environment.
    run, since
        The run's id, and when it was begun, in seconds since 1970.
    key
        The column that tells rows apart; None: their content does.
    journal
        A folder that all machines share; None keeps no journal.
    trust_journal
        Whether entries of the journal are taken that prove nothing.
    proof
        The key of this run's entries, where workers cannot derive it from the private key; it opens nothing else.
    slots
        How many parts are under way at once, at most.
    mapping, sending, policy
        What is sent, and how.
    """

    account: Account
    profile: str | None
    run: str
    since: float
    key: Any
    journal: str | None
    slots: int
    mapping: dict[str, Any]
    sending: dict[str, Any]
    policy: Policy
    trust_journal: bool = False
    proof: Secret | None = None

    def __call__(self, table: Any) -> Any:
        """Upload a part of the rows.

        Parameters
        ----------
        table
            n rows: a pandas or polars DataFrame, or a pyarrow Table. It is never changed.

        Returns
        -------
        pandas.DataFrame, or what the input was
            n rows: the input's columns, then the ``ik_`` columns, the same with the same dtypes for every part: nested
            results are JSON, but for `ik_tags` of other tables than those of pandas, which has lists.

        Raises
        ------
        MappingError, AccountError, JournalError, UploadError
            As for `ikpipe.upload`.
        """
        return next(self.each([table]))

    def each(self, tables: Iterable[Any]) -> Iterator[Any]:
        """Upload a part that comes as several tables, one after another."""
        before = _Before()
        for table in tables:
            native = FrameAdapter(table)
            yield native.flat(_sent(self, native.frame, before)) if len(native.frame) else self.empty(table)
            before.rows += len(native.frame)
            before.targets.move_on(len(native.frame))

    def empty(self, table: Any) -> Any:
        """Give the results of none of a table's rows: their columns and dtypes.

        Raises
        ------
        MappingError
            The mapping, or the key, does not fit the table's columns.
        """
        native = FrameAdapter(table)
        none = native.frame.iloc[:0]
        UploadJob(InMemoryTable(none), self.mapping).first_plan()
        _check_key(self.key, none.columns)
        return native.flat(with_result_columns(none, results_frame([], 0)))

    def share(self) -> dict[str, Any]:
        """Say how one part is to send, so that all under way together keep to what was said of the whole."""
        shared = {**self.sending, "policy": replace(self.policy, look_ups=self.policy.look_ups / self.slots)}
        most, rate = shared["concurrency"], shared["rate"]
        if most is not None and most < self.slots:
            raise MappingError(
                f"concurrency={most} is less than the {self.slots} parts that are under way at once, each with one "
                f"upload at least: give {self.slots} or more, or have fewer parts under way."
            )
        shared["concurrency"] = None if most is None else most // self.slots
        shared["rate"] = None if rate is None else rate / self.slots
        return shared


@dataclass(slots=True)
class _Before:
    """What a part has had before the table that is sent now: rows, what told them apart, their targets and journals."""

    rows: int = 0
    seen: Counter[str] = field(default_factory=Counter)
    targets: TargetRegistry = field(default_factory=TargetRegistry)
    journals: Counter[str] = field(default_factory=Counter)


class _Table(InMemoryTable):
    """A table of a part: what is sent of a row depends on none of the others, since they may be others next time."""

    def __init__(self, frame: pd.DataFrame, before: int) -> None:
        super().__init__(frame)
        self._before = before

    def label(self, position: int) -> Any:
        """Give the label of a row, or the number within the part of one that was in a table before."""
        return super().label(position) if position >= 0 else self._before + position

    def _whole(self, at: int) -> bool:  # noqa: ARG002 - of whatever column
        return True


async def _send(upload: PreparedUpload, frame: pd.DataFrame, before: _Before) -> pd.DataFrame:
    """Send a table of a part, with its journal if there is to be one."""
    _check_root(upload.mapping["root"])
    _check_key(upload.key, frame.columns)
    account, feed = _opened(upload), _Table(frame, before.rows)
    keys = None if upload.key is None else cells_of(feed, upload.key)
    options = engine.options(shared_since=upload.since, progress=False, **upload.share())
    record, sink = _record(upload, feed, keys, account, before.journals), ResultCollector(feed)
    seen, contents = before.seen, None if record is None else record.contents
    by_key = None if keys is None else SuffixByKey(upload.run, upload.key, keys, seen, contents)
    suffixes = by_key or SuffixByContent(upload.run, seen, contents)
    await engine.send(UploadJob(feed, upload.mapping), account, options, sink, record, suffixes, before.targets)
    results: pd.DataFrame = sink.results
    return results


_sent = to_sync(_send, "cluster")


def _check_root(root: str | None) -> None:
    if root is not None and not os.path.isdir(root):  # noqa: PTH112 - unlike Path's, False where nobody may look
        raise MappingError(
            f"root={root!r} is not a folder that this user can open on the machine {platform.node()}. Check the path "
            "and its permissions there."
        )


def _check_key(key: Any, columns: pd.Index[Any]) -> None:
    there = [*columns].count(key)
    if key is not None and there != 1:
        many, none = f"has {there} such columns: rename all but one", f"has no such column{did_you_mean(key, columns)}"
        raise MappingError(f"key={key!r}: the frame {many if there else none}.")


def _record(
    upload: PreparedUpload, feed: InMemoryTable, keys: list[Any] | None, account: Account, before: Counter[str]
) -> OpenJournal | None:
    """Open a table's journal. It is named by its rows: by their keys in whatever order, or by all that is in them."""
    if upload.journal is None:
        return None
    place, order = upload.journal, [*range(len(feed.frame))]
    name = blake2b(upload.run.encode(), digest_size=12)
    texts = [json.dumps(key, default=str) for key in keys or ()]
    if keys is not None and len({*texts}) == len(texts):  # else nobody knows which of two is which
        order.sort(key=texts.__getitem__)
        name.update(json.dumps([texts[position] for position in order]).encode())
    else:
        for chunk in feed.chunks():
            name.update(chunk.text().encode())
    part = name.hexdigest()
    before[part] += 1  # a table that is as one before has a journal of its own
    seal = Prover(account).own.of_run(upload.run) if upload.proof is None else Seal.from_secret(upload.proof)
    named = JournalPart(f"{part}.{before[part]}", upload.run, seal, upload.trust_journal)
    contents = ContentHashes(keyed=keys is not None)
    journal = SharedJournal(open_storage(place), place, named, order, contents)
    return OpenJournal(journal, len(order), sign=catalog.token_signer(account), contents=contents)


def _opened(upload: PreparedUpload) -> Account:
    """Return the account with its secrets, which do not travel."""
    return upload.account if upload.profile is None else upload.account.from_profile(upload.profile)
