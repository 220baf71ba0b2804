"""An upload of which many machines do a part each: what `ikpipe.dask` and `ikpipe.spark` share; other engines call it.

Engines run parts of a job again: a worker is lost, a copy is started beside a slow one, a result is computed once more.
So whatever a part needs to be the same each time is settled once, before: the run's id, of which unique names are made,
and the key or the content that tells a row from others. A row that is sent again finds its name taken, is looked up,
and ends as ``exists``, with the details of the file that is up.
"""

from __future__ import annotations

import json
import platform
import time
import uuid
from collections import Counter
from dataclasses import dataclass, field, replace
from hashlib import blake2b
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Unpack

from ikpipe import _archive, _engine, _shared
from ikpipe._contents import Contents
from ikpipe._errors import MappingError, MissingExtra, nearest
from ikpipe._frame import Collected, Native, Whole, answers, cells_of, tagged, with_answers
from ikpipe._parameters import Keywords
from ikpipe._policy import Policy
from ikpipe._prepare import Fetch, FileKind, gather
from ikpipe._proof import Prover, Seal
from ikpipe._run import blocking
from ikpipe._shelf import shelf
from ikpipe._suffix import ByContent, ByKey
from ikpipe._targets import Targets
from ikpipe._work import Record, Work

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    import pandas as pd

    from ikpipe._account import Account
    from ikpipe._progress import Progress
    from ikpipe._secrets import Secret


class Planning(Keywords, total=False):
    """The keywords of `plan` that every engine's `upload` has too."""

    key: Any
    run: str | None
    journal: str | Path | None
    trust_journal: bool
    profile: str | None
    columns: Mapping[str, Any] | None
    root: str | Path | None
    file_kind: FileKind | None
    fetch: Fetch
    fetch_hosts: Sequence[str]
    concurrency: int | None
    rate: float | None
    retries: int
    timeout: float | None
    on_unknown: Literal["hold", "resend"]
    on_error: Literal["return", "raise"]
    policy: Policy | None


def plan(
    account: Account,
    *,
    slots: int,
    key: Any = None,
    run: str | None = None,
    journal: str | Path | None = None,
    trust_journal: bool = False,
    profile: str | None = None,
    columns: Mapping[str, Any] | None = None,
    root: str | Path | None = None,
    file_kind: FileKind | None = None,
    fetch: Fetch = "server",
    fetch_hosts: Sequence[str] = (),
    concurrency: int | None = None,
    rate: float | None = None,
    retries: int = 5,
    timeout: float | None = None,
    on_unknown: Literal["hold", "resend"] = "hold",
    on_error: Literal["return", "raise"] = "return",
    policy: Policy | None = None,
    **parameters: Unpack[Keywords],
) -> Upload:
    """Settle what is to be the same for all parts of an upload, wherever and however often they are done.

    Parameters
    ----------
    account
        Keys and addresses. The private key stays in this process: others have it in their environment, as
        ``IMAGEKIT_PRIVATE_KEY``, or in a `profile`.
    slots
        How many parts are under way at once, at most.
    key
        The column that tells rows apart, with another value in each row; None: what is sent of a row tells it apart,
        and rows that are equal are counted within their part.
    run
        The run's id, of which unique names are made: an upload of the same rows with the same id stores nothing twice.
        None makes a new one, or goes on with that of the journal.
    journal
        A folder that all machines share, as a path or as a URL for fsspec. A part that is done again sends only what is
        left, and so does another upload with this journal.
    trust_journal
        Take a journal though nothing proves that this account wrote it, since its private key was replaced, or since
        an earlier ikpipe wrote it. It stays unproven.
    profile
        The table of ``config.toml`` that has the key, on each machine; None: it is in the environment.
    root
        Folder of text paths, on each machine.
    concurrency, rate
        Of the whole upload: each of the parts under way has its share.
    columns, file_kind, fetch, fetch_hosts, retries, timeout, on_unknown, on_error, policy, **parameters
        As for `ikpipe.upload`.

    Raises
    ------
    MappingError
        A keyword is wrong.
    AccountError
        No tokens can be signed for this account.
    JournalError
        The journal cannot be used, is another run's, or nothing proves that this account wrote it.
    """
    policy = policy or Policy()
    _check(slots, run, policy)
    mapping = {**gather(columns, None, file_kind, fetch, parameters), "root": None if root is None else str(root)}
    sending: dict[str, Any] = {
        "concurrency": concurrency,
        "rate": rate,
        "retries": retries,
        "timeout": timeout,
        "on_unknown": on_unknown,
        "on_error": on_error,
        "fetch_hosts": list(fetch_hosts),
    }
    _engine.options(policy=policy, **sending)  # which finds what is wrong with them
    if profile is None:
        _engine.check_account(account)
    facts: dict[str, Any] = {
        "run": run or uuid.uuid4().hex,
        "since": time.time(),
        "begun": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "public_key": account.public_key,
        "mapping": tagged.encode({name: _in_order(value) for name, value in mapping.items()}),
        "key": tagged.encode(key),
    }
    secret: Secret | None = None
    if (place := _place(journal)) is not None:
        same = ("public_key", "mapping", "key", *(() if run is None else ("run",)))
        prover = Prover(account)
        facts, seal = _shared.begin(shelf(place), place, facts, same, prover, trust=trust_journal)
        if account.authentication_endpoint is not None or not prover.has_key or seal is not prover.own:
            secret = seal.of_run(facts["run"]).secret()  # which workers without the private key cannot derive
    return Upload(
        account=account.stripped(),
        profile=profile,
        run=facts["run"],
        since=facts["since"],
        key=key,
        journal=place,
        trust_journal=trust_journal,
        proof=secret,
        slots=slots,
        mapping=mapping,
        sending=sending,
        policy=policy,
    )


def _check(slots: int, run: object, policy: Policy) -> None:
    """See that an upload can be done in parts."""
    if not find_spec("pyarrow"):
        raise MissingExtra.for_extra("parquet", "ikpipe.cluster")
    if slots < 1:
        raise MappingError(f"slots={slots!r}: parts under way are counted from 1.")
    if not isinstance(run, str | None):
        raise MappingError(f"run={run!r}: a run's id is text, such as run='{run}'.")
    if policy.unique_names != "client":
        words = "a part that is done again would store its files again: leave unique_names to ikpipe."
        raise MappingError(f"Policy(unique_names={policy.unique_names!r}): {words}")


def _place(journal: str | Path | None) -> str | None:
    """Say where a journal is, wherever a worker stands."""
    if journal is None:
        return None
    return str(journal) if "://" in str(journal) else str(Path(journal).expanduser().absolute())


@dataclass(frozen=True, kw_only=True)
class Upload:
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
    progress
        Called with the `Progress` of a part, often, in the process that does it.
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
    progress: Callable[[Progress], None] | None = None

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
            native = Native(table)
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
        native = Native(table)
        none = native.frame.iloc[:0]
        Work(Whole(none), self.mapping).first_plan()
        _check_key(self.key, none.columns)
        return native.flat(with_answers(none, answers([], 0)))

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
    targets: Targets = field(default_factory=Targets)
    journals: Counter[str] = field(default_factory=Counter)


class _Table(Whole):
    """A table of a part: what is sent of a row depends on none of the others, since they may be others next time."""

    def __init__(self, frame: pd.DataFrame, before: int) -> None:
        super().__init__(frame)
        self._before = before

    def label(self, position: int) -> Any:
        """Give the label of a row, or the number within the part of one that was in a table before."""
        return super().label(position) if position >= 0 else self._before + position

    def _whole(self, at: int) -> bool:  # noqa: ARG002 - of whatever column
        return True


async def _send(upload: Upload, frame: pd.DataFrame, before: _Before) -> pd.DataFrame:
    """Send a table of a part, with its journal if there is to be one."""
    _check_root(upload.mapping["root"])
    _check_key(upload.key, frame.columns)
    account, feed = _opened(upload), _Table(frame, before.rows)
    keys = None if upload.key is None else cells_of(feed, upload.key)
    options = _engine.options(shared_since=upload.since, progress=upload.progress or False, **upload.share())
    record, sink = _record(upload, feed, keys, account, before.journals), Collected(feed)
    seen, contents = before.seen, None if record is None else record.contents
    by_key = None if keys is None else ByKey(upload.run, upload.key, keys, seen, contents)
    suffixes = by_key or ByContent(upload.run, seen, contents)
    await _engine.send(Work(feed, upload.mapping), account, options, sink, record, suffixes, before.targets)
    results: pd.DataFrame = sink.results
    return results


_sent = blocking(_send, "cluster")


def _check_root(root: str | None) -> None:
    if root is not None and not Path(root).is_dir():
        raise MappingError(f"root={root!r} is no folder on the machine {platform.node()}.")


def _check_key(key: Any, columns: pd.Index[Any]) -> None:
    there = [*columns].count(key)
    if key is not None and there != 1:
        many, none = f"has {there} such columns: rename all but one", f"has no such column{nearest(key, columns)}"
        raise MappingError(f"key={key!r}: the frame {many if there else none}.")


def _in_order(value: Any) -> Any:
    return dict(sorted(value.items())) if isinstance(value, dict) else value


def _record(
    upload: Upload, feed: Whole, keys: list[Any] | None, account: Account, before: Counter[str]
) -> Record | None:
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
    named = _shared.Part(f"{part}.{before[part]}", upload.run, seal, upload.trust_journal)
    contents = Contents(keyed=keys is not None)
    journal = _shared.SharedJournal(shelf(place), place, named, order, contents)
    return Record(journal, len(order), sign=_archive.again(account), contents=contents)


def _opened(upload: Upload) -> Account:
    """Return the account with its secrets, which do not travel."""
    return upload.account if upload.profile is None else upload.account.from_profile(upload.profile)
