"""Distributed uploads: a table in parts, on any number of machines. `ikpipe.dask` and `ikpipe.spark` are built on it.

Engines run parts of a job more than once: a worker is lost, a copy of a slow task is started, or a result is computed
again. Everything that must be the same each time is therefore decided once, in `prepare`: the run's id, from which
unique names are derived, and what identifies a row (a key, or its content). A row that is sent again finds its name
taken, its file is found in the media library, and the row ends as ``exists`` with the details of that file.

::

    __init__.py  `prepare`: checks the options, starts the shared journal
    part.py      `PreparedUpload`: uploads one part, on any machine
    keys.py      the account on the driver and on workers
    clocks.py    when an upload started, by the service's clock
    failures.py  errors that leave a worker
    journals.py  starts the shared journal, on the driver or on workers
    portable.py  how it goes to other machines, and versions of ikpipe
    notices.py   warnings about parts that run again, or are too small
    row_ids.py   what identifies a row in the shared journal
    listings.py  the listings of the library that the parts on a machine share
    shares.py    the limits of the upload, divided among the parts that run
    update.py    `prepare_update` and `PreparedUpdate`: the same for updates of files
"""

import logging
import time
import uuid
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Unpack

from ikpipe.cluster.clocks import start_time
from ikpipe.cluster.journals import start_run
from ikpipe.cluster.keys import check_driver, key_mark
from ikpipe.cluster.part import PreparedUpload
from ikpipe.concurrency.interrupts import to_sync
from ikpipe.errors import MappingError, MissingExtra
from ikpipe.frames.codec import json_values
from ikpipe.request.account import Account
from ikpipe.request.policy import Policy
from ikpipe.run import engine
from ikpipe.run.existing.rules import SIZE, ExistingRules
from ikpipe.run.existing.state import prepare_shared
from ikpipe.run.keywords import PartKeywords, listed_keywords, split_keywords

_log = logging.getLogger("ikpipe.cluster")

__all__ = ["PrepareOptions", "PreparedUpload", "prepare"]


class PrepareOptions(PartKeywords, total=False):
    """The keywords of `prepare` that the `upload` of every engine has too."""

    key: Any
    run: str | None
    journal: str | Path | None
    trust_journal: bool
    profile: str | None


@listed_keywords(PartKeywords)
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
    """Return a picklable function that uploads one part of a table, on any machine and any number of times.

    Parameters
    ----------
    account
        Keys and addresses. The private key stays in this process: workers have it in their environment, as
        ``IMAGEKIT_PRIVATE_KEY``, or in a `profile`. This process does not need it: with ``Account(public_key)``,
        workers prove and verify the journal.
    slots
        Maximum number of parts that run at the same time; each has an equal share of the limits.
    key
        The column, or else the level of a pandas index, that uniquely identifies each row. None: a row is identified by
        what is sent for it, and equal rows are counted within their part.
    run
        The run's id, from which unique names are derived: an upload of the same rows with the same id stores nothing
        twice. None: the id in the journal, or a new one.
    journal
        A folder that all machines share, as a path or as a URL for fsspec. A part that runs again sends only the
        remaining rows, and so does another upload with the same journal.
    trust_journal
        Accept a journal without proof that this account wrote it, for example because its private key was replaced or
        an earlier ikpipe wrote it. It stays unproven.
    profile
        The table of ``config.toml`` that has the key, on each machine. None: the key is in the environment.
    root
        Folder that contains the files of text paths, on each machine.
    concurrency, rate, bandwidth
        Limits of the whole upload, in uploads in flight, in uploads started per second and in bytes per second: each
        part that runs has its share.
    state
        Where all machines keep what they stored, to compare content with: a folder that they share, its URL for fsspec,
        or ``"library"``. None: with ``on_existing="sync"``, each machine knows what it stored itself.
    columns, ignore, file_kind, fetch, fetch_hosts, on_existing, changed_by, dedupe, retries, timeout, on_unknown,
    on_error, policy, **parameters
        Like `tag_separator`, `decimal`, `true_values` and `false_values`, as for `ikpipe.upload`.

    Raises
    ------
    MappingError
        The value of a keyword is not valid.
    AccountError
        The endpoint of the account cannot sign tokens here, or ``on_existing="sync"`` has no key to read the library.
    JournalError
        The journal cannot be used, belongs to another run, or has no proof that this account wrote it.
    MissingExtra
        PyArrow is not installed.
    """
    root, state = keywords.pop("root", None), keywords.pop("state", None)
    mapping, send_options = split_keywords(prepare, PartKeywords, keywords)
    mapping["root"] = None if root is None else str(root)
    policy = send_options.pop("policy", None) or Policy()
    fetch_hosts = [*send_options.get("fetch_hosts", ())]
    send_options = {"concurrency": None, "rate": None, **send_options, "fetch_hosts": fetch_hosts}
    _check_options(slots, run, policy)
    engine.send_options(policy=policy, **send_options)  # raises MappingError for invalid options
    rules = ExistingRules.of(mapping)
    check_driver(account, profile, rules)
    send_options["state"] = _checked_state(state, account, rules)
    # The order of a mapping's keywords does not make it another run.
    ordered = {name: dict(sorted(v.items())) if isinstance(v, dict) else v for name, v in mapping.items()}
    since, service_clock = start_time(account, mapping)
    facts: dict[str, Any] = {
        "run": run or uuid.uuid4().hex,
        "since": since,
        "service_clock": service_clock,
        "begun": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "public_key": account.public_key,
        "mapping": json_values.encode(ordered),
        "key": json_values.encode(key),
    }
    location = _location(journal)
    same = ("public_key", "mapping", "key", *(() if run is None else ("run",)))
    started, to_start = start_run(account, location, facts, same, trust=trust_journal)
    return PreparedUpload(
        id=uuid.uuid4().hex,
        account=account.without_secrets(),
        profile=profile,
        key_mark=key_mark(account),
        key=key,
        journal=location,
        to_start=to_start,
        trust_journal=trust_journal,
        **started._asdict(),
        slots=slots,
        mapping=mapping,
        send_options=send_options,
        policy=policy,
    )


def _checked_state(state: str | Path | None, account: Account, rules: ExistingRules) -> str | None:
    """Return where the machines keep what they stored."""
    if state is not None:
        return to_sync(prepare_shared, "state")(state, account)
    if rules.on_existing == "sync" and rules.changed_by != SIZE:
        _log.warning(
            "on_existing='sync' without state=: each machine only knows the content of the files that it stored "
            "itself, and compares the size of all others. Pass state= with a folder that all machines share, or "
            "'library'."
        )
    return None


def _check_options(slots: int, run: object, policy: Policy) -> None:
    if not find_spec("pyarrow"):
        raise MissingExtra.for_extra("parquet", "ikpipe.cluster")
    if slots < 1:
        raise MappingError(f"slots={slots!r}: the number of parts that run at the same time must be at least 1.")
    if not isinstance(run, str | None):
        raise MappingError(f"run={run!r}: the run's id must be text, such as run='{run}'.")
    if policy.unique_names != "client":
        raise MappingError(
            f"Policy(unique_names={policy.unique_names!r}): with names that the service makes, a part that runs again "
            "would store its files again. Leave unique_names at 'client'."
        )


def _location(journal: str | Path | None) -> str | None:
    """Return a journal's URL or absolute path, since workers have other current folders."""
    if journal is None:
        return None
    return str(journal) if "://" in str(journal) else str(Path(journal).expanduser().absolute())
