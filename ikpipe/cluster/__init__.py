"""An upload in parts, on any number of machines. `ikpipe.dask` and `ikpipe.spark` use it, and so can other engines.

Engines run parts of a job again: a worker is lost, a copy is started beside a slow task, a result is computed again. So
whatever must be the same each time is decided once, before: the run's id, from which unique names are made, and the key
or the content that identifies a row. A row that is sent again finds its name taken, is searched for in the library, and
ends as ``exists``, with the details of the uploaded file.

::

    part.py  `Upload`: uploads one part, on any machine
"""

from __future__ import annotations

import time
import uuid
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Unpack

from ikpipe.cluster.part import PreparedUpload
from ikpipe.errors import MappingError, MissingExtra
from ikpipe.frames.codec import json_values
from ikpipe.journal import shared
from ikpipe.journal.proof import Prover
from ikpipe.journal.storage import open_storage
from ikpipe.request.policy import Policy
from ikpipe.run import engine
from ikpipe.run.keywords import PartKeywords, parted, spelled_out

if TYPE_CHECKING:
    from ikpipe.request.account import Account
    from ikpipe.request.secrets import Secret

__all__ = ["PrepareOptions", "PreparedUpload", "prepare"]


class PrepareOptions(PartKeywords, total=False):
    """The keywords of `plan` that every engine's `upload` has too."""

    key: Any
    run: str | None
    journal: str | Path | None
    trust_journal: bool
    profile: str | None


@spelled_out(PartKeywords)
def prepare(
    account: Account,
    *,
    slots: int,
    key: Any = None,
    run: str | None = None,
    journal: str | Path | None = None,
    trust_journal: bool = False,
    profile: str | None = None,
    **keywords: Unpack[PartKeywords],
) -> PreparedUpload:
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
    root = keywords.pop("root", None)
    mapping, sending = parted(PartKeywords, keywords)
    mapping["root"] = None if root is None else str(root)
    policy = sending.pop("policy", None) or Policy()
    sending = {"concurrency": None, "rate": None, **sending, "fetch_hosts": [*sending.get("fetch_hosts", ())]}
    _check(slots, run, policy)
    engine.options(policy=policy, **sending)  # which finds what is wrong with them
    if profile is None:
        engine.check_account(account)
    facts: dict[str, Any] = {
        "run": run or uuid.uuid4().hex,
        "since": time.time(),
        "begun": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "public_key": account.public_key,
        "mapping": json_values.encode({name: _in_order(value) for name, value in mapping.items()}),
        "key": json_values.encode(key),
    }
    secret: Secret | None = None
    if (place := _place(journal)) is not None:
        same = ("public_key", "mapping", "key", *(() if run is None else ("run",)))
        prover = Prover(account)
        facts, seal = shared.begin(open_storage(place), place, facts, same, prover, trust=trust_journal)
        if account.authentication_endpoint is not None or not prover.has_key or seal is not prover.own:
            secret = seal.of_run(facts["run"]).secret()  # which workers without the private key cannot derive
    return PreparedUpload(
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


def _in_order(value: Any) -> Any:
    return dict(sorted(value.items())) if isinstance(value, dict) else value
